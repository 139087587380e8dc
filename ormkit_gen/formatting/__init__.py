"""Formatting of generated code by black, in several processes where that is faster."""
