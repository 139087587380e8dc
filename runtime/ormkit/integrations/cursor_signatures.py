"""Signatures of the cursors of pages, which show the values that the rows are ordered by."""

from __future__ import annotations

import base64
import hmac

from .problems import InvalidParameter

#: How many bytes of the HMAC a token has.
LENGTH = 16


class CursorSignatures:
    """Signs the tokens of cursors, where there is a key."""

    def __init__(self, key: str | bytes | None) -> None:
        self._key = key.encode() if isinstance(key, str) else key

    def signed(self, token: str) -> str:
        """Return the token with its signature; the token itself without a key."""
        return token if self._key is None else f"{token}.{self._signature(token)}"

    def checked(self, signed: str) -> str:
        """Return the token of a signed one; raises InvalidValue if the signature is another."""
        if self._key is None:
            return signed
        token, _, signature = signed.rpartition(".")
        # Bytes, since compare_digest() takes no text that is not ASCII.
        if not hmac.compare_digest(signature.encode(), self._signature(token).encode()):
            raise InvalidParameter("cursor", "was not made here: get one from the previous page")
        return token

    def _signature(self, token: str) -> str:
        digest = hmac.digest(self._key or b"", token.encode(), "sha256")[:LENGTH]
        return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
