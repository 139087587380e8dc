"""A password that is given as a text, or by a function that is called for each connection."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import TypeAlias, TypeVar

from ..errors import ConfigurationError, ConnectionFailed

#: A password, or a function that returns one.
Secret: TypeAlias = "str | Callable[[], str | Awaitable[str]]"

T = TypeVar("T")
#: The SQLSTATE of a wrong password.
WRONG_PASSWORD = "28P01"
WANTED = "give a text, or a function without parameters that returns one"


def check_secret(secret: object) -> None:
    """Raise ConfigurationError for anything but a text, a function or None."""
    if secret is not None and not isinstance(secret, str) and not callable(secret):
        raise ConfigurationError(f"password is of type {type(secret).__name__}: {WANTED}")


async def secret_of(secret: Secret) -> str:
    """Return the password of a connection that is about to be opened.

    Raises ConfigurationError for a function that returns no text, and what the function raises.
    """
    given: object = secret if isinstance(secret, str) else secret()
    if inspect.isawaitable(given):
        given = await given
    if not isinstance(given, str):
        raise ConfigurationError(
            f"the function for the password returned a value of type {type(given).__name__}: "
            f"{WANTED}"
        )
    return given


async def opened_with(secret: Secret, connect: Callable[[str], Awaitable[T]]) -> T:
    """Connect with the password; once more with a newer one if the server refuses an old one.

    Passwords that rotate may change between the call of the function and the server's answer.
    """
    given = await secret_of(secret)
    try:
        return await connect(given)
    except ConnectionFailed as error:
        if isinstance(secret, str) or error.sqlstate != WRONG_PASSWORD:
            raise
        newer = await secret_of(secret)
        if newer == given:
            raise
    return await connect(newer)
