"""Passwords are shown as `***` in whatever a command prints about a failure."""

from __future__ import annotations

import re

#: The password of a URL: up to the last @ before a space or a quote, as it may hold one itself.
_OF_URL = re.compile(r"(?P<before>\w://[^\s:/@'\"]*:)[^\s'\"]*(?=@)")
#: A password among parameters: of a URL, or of libpq's `name=value` pairs.
_OF_PARAMETER = re.compile(r"(?P<before>\b(?:ssl)?password=)(?:'(?:[^'\\]|\\.)*'|[^\s&'\"]+)", re.I)


def masked(text: str) -> str:
    """Return a text with `***` in place of passwords."""
    for pattern in (_OF_URL, _OF_PARAMETER):
        text = pattern.sub(r"\g<before>***", text)
    return text
