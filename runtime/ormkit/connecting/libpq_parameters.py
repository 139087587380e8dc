"""List libpq's connection parameters: the driver's, OrmKit's own, and those that are rejected.

A parameter that neither the driver nor OrmKit implements is rejected, since ignoring it could be
unsafe. No parameter of libpq reaches the server as a run-time setting.
https://www.postgresql.org/docs/18/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ..errors import ConfigurationError
from .keepalive import WORDS as KEEPALIVE
from .options import check_encoding
from .tls import SYSTEM

#: Parameters that the driver takes as arguments, with the driver's names.
ARGUMENTS = {
    "user": "user",
    "password": "password",
    "passfile": "passfile",
    "dbname": "database",
    "target_session_attrs": "target_session_attrs",
    "krbsrvname": "krbsrvname",
    "gsslib": "gsslib",
}
#: TLS parameters that the driver takes only in a URL.
TLS_PARAMETERS = (
    *("sslmode", "sslnegotiation", "sslcert", "sslkey", "sslpassword", "sslrootcert", "sslcrl"),
    *("ssl_min_protocol_version", "ssl_max_protocol_version"),
)
#: Parameters that name a file which must be readable: always, and with the modes that require TLS.
FILES = ("sslcert", "sslkey")
TRUSTED_FILES = ("sslrootcert", "sslcrl", "sslcrldir")
#: The modes of TLS in which it does.
TLS_REQUIRED_MODES = ("require", "verify-ca", "verify-full")
#: Integer parameters, with the lowest value of each.
INTEGER_PARAMETERS: dict[str, int | None] = {"connect_timeout": None, **dict.fromkeys(KEEPALIVE, 0)}
NO = ("false", "off", "no", "0")
#: Unsupported parameters: values that match the driver's behaviour, and why others are rejected.
UNSUPPORTED: dict[str, tuple[tuple[str, ...], str]] = {
    "channel_binding": (
        ("disable", "prefer"),
        "the driver asyncpg does not support channel binding: remove the parameter, and use "
        "sslmode=verify-full, which leaves no man in the middle",
    ),
    "require_auth": (
        (),
        "the driver asyncpg authenticates in whichever way the server asks for: remove the "
        "parameter, and use sslmode=verify-full, so that only the right server can ask",
    ),
    "requirepeer": (
        (),
        "the driver asyncpg does not check which account listens on a unix socket: remove the "
        "parameter, and keep the socket in a directory that only that account may write to",
    ),
    "gssencmode": (
        ("disable", "prefer"),
        "the driver asyncpg does not support GSSAPI encryption: remove the parameter, "
        "and use sslmode=require",
    ),
    "gssdelegation": (
        ("0",),
        "the driver asyncpg does not delegate credentials: remove the parameter",
    ),
    "replication": (
        NO,
        "an engine runs statements and has no replication mode: remove the parameter",
    ),
    "sslcompression": (
        ("0", "1"),
        "it must be 0 or 1, and PostgreSQL does not compress TLS connections",
    ),
    "sslsni": (
        ("1",),
        "the driver asyncpg always sends the host name to the server (SNI): remove "
        "the parameter",
    ),
    "sslcertmode": (
        ("allow",),
        "the driver asyncpg sends the certificate when the server asks for it: remove "
        "the parameter",
    ),
    "sslkeylogfile": ((), "set SSLKEYLOGFILE in the environment instead"),
    "min_protocol_version": (
        ("3.0",),
        "the driver asyncpg speaks version 3.0 of the protocol: remove the parameter",
    ),
    "max_protocol_version": (
        ("3.0", "3.2", "latest"),
        "it must be 3.0, 3.2 or latest, and the driver asyncpg speaks 3.0",
    ),
    "load_balance_hosts": (("disable", "random"), "it must be disable or random"),
    "scram_client_key": ((), "the driver asyncpg takes only a password: remove the parameter"),
    "scram_server_key": ((), "the driver asyncpg takes only a password: remove the parameter"),
    **{
        f"oauth_{word}": ((), "the driver asyncpg does not support OAuth: remove the parameter")
        for word in ("issuer", "client_id", "client_secret", "scope", "ca_file")
    },
    "requiressl": ((), "libpq no longer has it: write sslmode=require"),
}
#: The kinds of servers that a connection may be wanted to.
SESSIONS = ("any", "primary", "standby", "prefer-standby", "read-write", "read-only")
#: Parameters that OrmKit implements.
OWN_PARAMETERS = (
    *("host", "hostaddr", "port", "service", "servicefile", "sslcrldir", "client_encoding"),
    *("application_name", "fallback_application_name"),
)
KNOWN_PARAMETERS = frozenset(
    (*ARGUMENTS, *TLS_PARAMETERS, *INTEGER_PARAMETERS, *UNSUPPORTED, *OWN_PARAMETERS)
)
#: libpq's environment variables that the driver does not read, and that would be unsafe to ignore
#: or name the server.
ENVIRONMENT = {
    "PGSERVICE": "service",
    "PGHOSTADDR": "hostaddr",
    "PGCHANNELBINDING": "channel_binding",
    "PGREQUIREAUTH": "require_auth",
    "PGREQUIREPEER": "requirepeer",
    "PGGSSENCMODE": "gssencmode",
    "PGSSLCERTMODE": "sslcertmode",
    "PGSSLCRLDIR": "sslcrldir",
    "PGMINPROTOCOLVERSION": "min_protocol_version",
    "PGLOADBALANCEHOSTS": "load_balance_hosts",
    "PGCONNECT_TIMEOUT": "connect_timeout",
    "PGTARGETSESSIONATTRS": "target_session_attrs",
    "PGAPPNAME": "application_name",
    "PGSSLMODE": "sslmode",
    "PGSSLROOTCERT": "sslrootcert",
}


def check_parameter(word: str, value: str) -> None:
    """Raise ConfigurationError for a value of a parameter that is invalid or not supported."""
    if word in UNSUPPORTED:
        allowed, reason = UNSUPPORTED[word]
        if value not in allowed:
            raise ConfigurationError(f"{word} is not supported: {reason}")
    elif word in INTEGER_PARAMETERS:
        lowest = INTEGER_PARAMETERS[word]
        if not re.fullmatch(r"\s*[+-]?\d{1,9}\s*", value, re.ASCII):
            raise ConfigurationError(
                f"{word} must be a whole number (of seconds, where it is a time)"
            )
        if lowest is not None and int(value) < lowest:
            raise ConfigurationError(f"{word} must be a whole number, at least {lowest}")
    elif word == "target_session_attrs":
        if value not in SESSIONS:
            raise ConfigurationError(
                f"{word} must be one of {', '.join(SESSIONS[:-1])} or {SESSIONS[-1]}"
            )
    elif word == "client_encoding":
        check_encoding(value)


def check_files(words: Mapping[str, str]) -> None:
    """Raise ConfigurationError for a named file that cannot be read."""
    wanted = (*FILES, *TRUSTED_FILES) if words.get("sslmode") in TLS_REQUIRED_MODES else FILES
    for word in wanted:
        file = words.get(word, SYSTEM)
        if file != SYSTEM and not os.access(file, os.R_OK):
            raise ConfigurationError(
                f"{word} names {file!r}, which does not exist or cannot be read"
            )
