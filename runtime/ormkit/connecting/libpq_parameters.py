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
        "the driver asyncpg cannot bind the password's proof to the TLS connection: remove the "
        "word, and use sslmode=verify-full, which leaves nobody in between",
    ),
    "require_auth": (
        (),
        "the driver asyncpg answers whatever the server asks for: remove the word, and use "
        "sslmode=verify-full, so that only the right server can ask",
    ),
    "requirepeer": (
        (),
        "the driver asyncpg does not ask who listens on a unix socket: remove the word, and keep "
        "the socket in a directory that only that account may write",
    ),
    "gssencmode": (
        ("disable", "prefer"),
        "the driver asyncpg does not encrypt by GSSAPI: remove the word, and use sslmode=require",
    ),
    "gssdelegation": (("0",), "the driver asyncpg does not delegate credentials: remove the word"),
    "replication": (NO, "an engine runs statements, and does not replicate: remove the word"),
    "sslcompression": (("0", "1"), "it is 0 or 1, and PostgreSQL compresses nothing by TLS"),
    "sslsni": (("1",), "the driver asyncpg always names the host to the server: remove the word"),
    "sslcertmode": (
        ("allow",),
        "the driver asyncpg sends the certificate where the server asks for it: remove the word",
    ),
    "sslkeylogfile": ((), "set SSLKEYLOGFILE in the environment instead"),
    "min_protocol_version": (
        ("3.0",),
        "the driver asyncpg speaks version 3.0 of the protocol: remove the word",
    ),
    "max_protocol_version": (
        ("3.0", "3.2", "latest"),
        "it is 3.0, 3.2 or latest, and the driver asyncpg speaks 3.0",
    ),
    "load_balance_hosts": (("disable", "random"), "it is disable or random"),
    "scram_client_key": ((), "the driver asyncpg takes a password: remove the word"),
    "scram_server_key": ((), "the driver asyncpg takes a password: remove the word"),
    **{
        f"oauth_{word}": ((), "the driver asyncpg does not authenticate by OAuth: remove the word")
        for word in ("issuer", "client_id", "client_secret", "scope", "ca_file")
    },
    "requiressl": ((), "libpq has it no more: write sslmode=require"),
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
            raise ConfigurationError(f"{word} cannot be had: {reason}")
    elif word in INTEGER_PARAMETERS:
        lowest = INTEGER_PARAMETERS[word]
        if not re.fullmatch(r"\s*[+-]?\d{1,9}\s*", value, re.ASCII):
            raise ConfigurationError(f"{word} is a whole number, of seconds where it is a time")
        if lowest is not None and int(value) < lowest:
            raise ConfigurationError(f"{word} is a whole number from {lowest}")
    elif word == "target_session_attrs":
        if value not in SESSIONS:
            raise ConfigurationError(
                f"{word} is one of {', '.join(SESSIONS[:-1])} and {SESSIONS[-1]}"
            )
    elif word == "client_encoding":
        check_encoding(value)


def check_files(words: Mapping[str, str]) -> None:
    """Raise ConfigurationError for a named file that cannot be read."""
    wanted = (*FILES, *TRUSTED_FILES) if words.get("sslmode") in TLS_REQUIRED_MODES else FILES
    for word in wanted:
        file = words.get(word, SYSTEM)
        if file != SYSTEM and not os.access(file, os.R_OK):
            raise ConfigurationError(f"{word} names {file!r}, which is not there or not readable")
