"""Line endings of files with SQL, whose texts may have carriage returns of their own.

The runtime reads migrations by the same rule. Importing it from there would load the runtime and
its driver for each command of the generator.
"""

from __future__ import annotations


def without_conversion(content: bytes) -> bytes:
    """Return the content of a file as it was before a checkout converted its line endings.

    A checkout converts all of them to CRLF. Where only some are CRLF, they belong to the text, such
    as to the body of a function, and PostgreSQL keeps them.
    """
    is_converted = content.count(b"\n") == content.count(b"\r\n")
    return content.replace(b"\r\n", b"\n") if is_converted else content
