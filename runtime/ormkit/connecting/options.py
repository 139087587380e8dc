"""Check the arguments of create_engine() before any connection is opened."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, TypeGuard

from ..errors import ConfigurationError, shown
from ..postgres.type_mismatch import mismatch
from .foreign_parameters import scheme_remedy

EMBEDDED = "embedded://"
SCHEMES = ("postgresql://", "postgres://", EMBEDDED)
#: The message for a URL that cannot be parsed; it shows no part of the URL.
UNREADABLE_URL = (
    "the URL cannot be read: check its host and port, and that characters such as / @ : in the "
    "password are percent-encoded"
)
#: Names of UTF-8, the driver's only encoding, and libpq's name for the client's encoding.
UTF8 = ("utf8", "unicode", "auto")
#: The longest statement_timeout in seconds; PostgreSQL holds it as an int4 of milliseconds.
LONGEST_TIMEOUT = 2**31 // 1000


def check_url(url: object) -> None:
    """Raise ConfigurationError for anything but the URL of a database.

    The message shows only the scheme, since the rest may hold a password.
    """
    if not isinstance(url, str):
        raise ConfigurationError(f"the URL must be a string (str), not {type(url).__name__}")
    if not url.startswith(SCHEMES):
        # Without a scheme, what comes first may be a password.
        scheme = re.match(r"[A-Za-z][A-Za-z0-9+.-]{0,19}(?=://)", url)
        begins = f"the URL begins with {scheme[0]!r}" if scheme else "the URL has no scheme"
        raise ConfigurationError(
            scheme_remedy(url) or f"{begins}: it must begin with one of {', '.join(SCHEMES)}"
        )
    if reason := mismatch("text", url):
        raise ConfigurationError(f"the URL cannot be used: {reason}")


def check_encoding(value: str) -> None:
    """Raise ConfigurationError for an encoding of the connection other than UTF-8."""
    if re.sub(r"[^a-z0-9]", "", value.lower()) not in UTF8:
        raise ConfigurationError(
            f"client_encoding={shown(value)}: it must be UTF8, because the driver reads and "
            "writes text in it; remove the setting, and the server converts from and to the "
            "encoding of the database"
        )


def is_number(value: object) -> TypeGuard[float]:
    """Return whether the value is an int or a float; a bool does not count."""
    if type(value) is int:
        return value.bit_length() < 64
    return isinstance(value, float)


def check_seconds(name: str, value: object, ways: str = "") -> None:
    """Raise ConfigurationError for anything but seconds above 0."""
    if not (is_number(value) and value > 0):
        raise ConfigurationError(f"{name}={shown(value)}: give seconds above 0{ways}")


def check_count(name: str, value: object) -> None:
    """Raise ConfigurationError for anything but an int of at least 0."""
    if type(value) is not int or value < 0:
        raise ConfigurationError(f"{name}={shown(value)}: give a whole number, at least 0")


def checked_settings(
    application_name: object, server_settings: object, statement_timeout: object
) -> dict[str, str]:
    """Return the run-time parameters for each connection; raises ConfigurationError."""
    if not isinstance(server_settings, (Mapping, type(None))):
        raise ConfigurationError(
            "server_settings must be a dict of parameters and their values, not "
            f"{type(server_settings).__name__}"
        )
    given: Mapping[Any, Any] = server_settings or {}  # pyright: ignore[reportUnknownVariableType]
    check_run_time_parameter("application_name", application_name)
    for name, value in given.items():
        if not isinstance(name, str) or not name or mismatch("text", name):
            raise ConfigurationError(f"server_settings: {name!r} is not a PostgreSQL parameter")
        check_run_time_parameter(f"server_settings[{name!r}]", value)
        if name.lower() == "client_encoding":
            check_encoding(value)
    settings = {"application_name": str(application_name), **given}
    if statement_timeout is not None:
        if not (is_number(statement_timeout) and 0 <= statement_timeout < LONGEST_TIMEOUT):
            raise ConfigurationError(
                f"statement_timeout={shown(statement_timeout)}: give seconds, less than "
                f"{LONGEST_TIMEOUT}, or None"
            )
        settings["statement_timeout"] = f"{round(statement_timeout * 1000)}ms"
    return settings


def check_run_time_parameter(name: str, value: object) -> None:
    """Raise ConfigurationError for a value that cannot be sent as text."""
    if reason := mismatch("text", value):
        raise ConfigurationError(f"{name} cannot be set: {reason}")
    if value is None:
        raise ConfigurationError(f"{name} cannot be set: it takes a str, not NoneType")
