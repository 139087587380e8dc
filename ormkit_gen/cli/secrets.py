"""Passwords are shown as `***` in whatever a command prints."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

#: The password of a URL: up to the last @ before a space or a quote, as it may hold one itself.
_OF_URL = re.compile(r"(?P<before>\w://[^\s:/@'\"]*:)(?P<secret>[^\s'\"]*)(?=@)")
#: A password among parameters: of a URL, or of libpq's `name=value` pairs.
_OF_PARAMETER = re.compile(
    r"(?P<before>\b(?:ssl)?password\s*=\s*)(?P<secret>'(?:[^'\\]|\\.)*'|[^\s&'\"]+)", re.I
)
#: The password of a URL whose scheme was forgotten or mistyped: `ada:secret@host/db`.
_WITHOUT_SCHEME = re.compile(
    r"(?P<before>(?:^|[\s'\"/])[^\s:/@'\"]+:)(?P<secret>[^\s:/@'\"]+)(?=@)", re.M
)
_PATTERNS = (_OF_URL, _OF_PARAMETER, _WITHOUT_SCHEME)
#: Shorter texts are words of messages, too.
_SHORTEST = 6

#: The passwords of this process, in every form in which a message may have them.
_known: set[str] = set()


def remember(*texts: str | None) -> None:
    """Let `masked` know the passwords of these URLs, wherever a message may show them alone."""
    for text in texts:
        for secret in _secrets(text or ""):
            _known.update(each for each in (secret, unquote(secret)) if len(each) >= _SHORTEST)


def remember_password(password: str | None) -> None:
    """Let `masked` know a password that is in no URL."""
    if password and len(password) >= _SHORTEST:
        _known.add(password)


def masked(text: str) -> str:
    """Return a text with `***` in place of passwords."""
    for pattern in _PATTERNS:
        text = pattern.sub(r"\g<before>***", text)
    for secret in sorted(_known, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text


def _secrets(text: str) -> Iterator[str]:
    for pattern in _PATTERNS:
        yield from (found["secret"].strip("'") for found in pattern.finditer(text))
