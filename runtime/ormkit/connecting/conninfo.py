"""Combine a URL, a service file and libpq's environment into connection parameters."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from ..errors import ConfigurationError
from ..postgres.type_mismatch import mismatch
from .foreign_parameters import check_known_spelling
from .keepalive import WORDS as KEEPALIVE
from .libpq_parameters import (
    ARGUMENTS,
    ENVIRONMENT,
    KNOWN_PARAMETERS,
    TLS_PARAMETERS,
    TLS_REQUIRED_MODES,
    check_files,
    check_parameter,
)
from .options import UNREADABLE_URL
from .service_file import service_parameters
from .tls import SYSTEM, context_of, needs_own_context

HOST = re.compile(r"(?:\[(?P<v6>[^\[\]]+)\]|(?P<name>[^:\[\]@]*))(?::(?P<port>[^:]*))?")
#: Parameters of a URL that are secret.
SECRETS = frozenset(("password", "sslpassword"))


@dataclass(frozen=True, slots=True)
class Host:
    """One of the servers that the driver may connect to; None is the driver's default."""

    name: str | None
    address: str | None
    port: int | None

    @property
    def target(self) -> str | None:
        """What the driver connects to."""
        return self.address or self.name


@dataclass(frozen=True, slots=True)
class ConnInfo:
    """The parameters of a connection."""

    words: Mapping[str, str]
    hosts: tuple[Host, ...]
    #: The parameters that are run-time settings of PostgreSQL.
    settings: Mapping[str, str]
    context: Any = None

    @classmethod
    def of(
        cls,
        url: str,
        environment: Mapping[str, str] | None = None,
        more: Mapping[str, str] | None = None,
    ) -> ConnInfo:
        """Return the parameters of a URL; its service and the environment fill in missing ones.

        environment: variables to read instead of os.environ.
        more: parameters that take precedence over those of the URL.

        Raises ConfigurationError, which names the parameter.
        """
        variables = os.environ if environment is None else environment
        given = {**parameters_of_url(url), **(more or {})}
        around = {
            word: variables[name] for name, word in ENVIRONMENT.items() if variables.get(name)
        }
        service = given.pop("service", "") or around.pop("service", "")
        file = given.pop("servicefile", "") or variables.get("PGSERVICEFILE", "")
        words = {**around, **(service_parameters(service, file) if service else {}), **given}
        words = {
            word: value for word, value in words.items() if value or word not in KNOWN_PARAMETERS
        }
        for word, value in words.items():
            check_parameter(word, value)
        check_files(words)
        hosts = hosts_of(words)
        settings = {word: value for word, value in words.items() if word not in KNOWN_PARAMETERS}
        return cls(words, hosts, settings, own_context(words, hosts))

    @property
    def application_name(self) -> str | None:
        """The application_name parameter, or fallback_application_name; None without either."""
        return self.words.get("application_name") or self.words.get("fallback_application_name")

    def connect_timeout(self, otherwise: float) -> float | None:
        """Return the connect timeout in seconds; None for 0, which means no timeout in libpq."""
        if "connect_timeout" not in self.words:
            return otherwise
        seconds = int(self.words["connect_timeout"])
        return seconds if seconds > 0 else None

    @property
    def keepalives(self) -> dict[str, int]:
        """The integer parameters about the socket."""
        return {word: int(self.words[word]) for word in KEEPALIVE if word in self.words}

    def arguments(self) -> dict[str, Any]:
        """Return what Connection.open() is called with for one attempt."""
        words = self.words
        found: dict[str, Any] = {
            name: words[word] for word, name in ARGUMENTS.items() if word in words
        }
        hosts = list(self.hosts)
        if words.get("load_balance_hosts") == "random":
            random.shuffle(hosts)
        if any(host.target for host in hosts):
            found["host"] = [host.target for host in hosts]
        if ports := [host.port for host in hosts if host.port is not None]:
            found["port"] = ports
        if self.keepalives:
            found["keepalives"] = self.keepalives
        if self.context is not None:
            found["ssl"] = self.context
        query = "&".join(
            f"{word}={quote(words[word], safe='')}" for word in TLS_PARAMETERS if word in words
        )
        if query and self.context is None:
            found["dsn"] = f"postgresql://?{query}"
        return found


def parts_of_url(url: str) -> tuple[str, str, str, str, str]:
    """Split a URL by libpq's rules: scheme, account, hosts, path and query, each as written."""
    scheme, _, rest = url.partition("://")
    rest, _, query = rest.partition("?")
    authority, _, path = rest.partition("/")
    account, has_account, hosts = authority.partition("@")
    if not has_account:
        account, hosts = "", authority
    return scheme, account, hosts, path, query


def parameters_of_url(url: str) -> dict[str, str]:
    """Parse a URL by libpq's rules into parameters; raises ConfigurationError.

    A parameter after "?" takes precedence over the same one before it; of several, the last counts.
    """
    _, account, hosts, path, query = parts_of_url(url)
    found: dict[str, str] = {}
    user, _, password = account.partition(":")
    found |= {
        "user": url_decoded(user),
        "password": url_decoded(password),
        "dbname": url_decoded(path),
    }
    found |= host_parameters(hosts)
    found = {word: value for word, value in found.items() if value}
    return found | query_parameters(query)


def without_secrets(url: str) -> str:
    """Return the URL with `***` in place of the password and of the key's passphrase."""
    _, account, _, _, query = parts_of_url(url)
    user, colon, _ = account.partition(":")
    if colon:
        url = url.replace(f"://{account}@", f"://{user}:***@", 1)
    return url.removesuffix(query) + "&".join(map(without_secret, query.split("&")))


def without_secret(pair: str) -> str:
    """Return a parameter of a URL, with `***` in place of a secret value."""
    word, equals, _ = pair.partition("=")
    return f"{word}=***" if equals and unquote(word) in SECRETS else pair


def query_parameters(query: str) -> dict[str, str]:
    """Parse the parameters after the ? of a URL; raises ConfigurationError."""
    found: dict[str, str] = {}
    for pair in query.split("&") if query else ():
        word, equals, value = pair.partition("=")
        if not word or not equals:
            raise ConfigurationError(
                "the URL has something after its ? that is not name=value: separate "
                "parameters with &"
            )
        found |= canonical_parameter(url_decoded(word), url_decoded(value))
    return found


def canonical_parameter(word: str, value: str) -> dict[str, str]:
    """Return a parameter under libpq's name: `database` and `ssl` are aliases."""
    if word == "database":
        return {"dbname": value}
    if word == "ssl" and value == "true":
        # JDBC's parameter, which libpq accepts in a URL.
        return {"sslmode": "require"}
    if word == "ssl":
        raise ConfigurationError(
            "ssl can only be true in a URL: for anything else write sslmode=..., which is require "
            "where no certificate is checked, and verify-full where it is"
        )
    if word not in KNOWN_PARAMETERS:
        check_known_spelling(word)
    return {word: value}


def url_decoded(text: str) -> str:
    """Decode percent-encoding in a part of a URL; a plus stays a plus, as in libpq."""
    try:
        plain = unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ConfigurationError(UNREADABLE_URL) from None
    if reason := mismatch("text", plain):
        raise ConfigurationError(f"the URL cannot be used: {reason}")
    return plain


def host_parameters(text: str) -> dict[str, str]:
    """Return the hosts and ports of a URL as libpq's parameters `host` and `port`."""
    names: list[str] = []
    ports: list[str] = []
    for each in text.split(",") if text else ():
        found = HOST.fullmatch(each)
        if found is None:
            raise ConfigurationError(UNREADABLE_URL)
        names.append(url_decoded(found["v6"] or found["name"]))
        ports.append(url_decoded(found["port"] or ""))
    words = {"host": ",".join(names)} if any(names) else {}
    return words | ({"port": ",".join(ports)} if any(ports) else {})


def hosts_of(words: Mapping[str, str]) -> tuple[Host, ...]:
    """Return the servers that the parameters name, in their order."""
    names = comma_separated(words.get("host", ""))
    addresses = comma_separated(words.get("hostaddr", ""))
    ports = [port_number(each) for each in comma_separated(words.get("port", ""))]
    count = max(len(names), len(addresses), 1)
    if names and addresses and len(names) != len(addresses):
        raise ConfigurationError(
            f"hostaddr has {len(addresses)} addresses for {len(names)} hosts: give one "
            "for each host"
        )
    if len(ports) not in (0, 1, count):
        raise ConfigurationError(
            f"the URL has {len(ports)} ports for {count} hosts: give one for each, or one for all"
        )
    pairs = list(zip(padded(names, count), padded(addresses, count), strict=True))
    if count > 1 and not all(name or address for name, address in pairs):
        raise ConfigurationError("one of the hosts in the URL has no name: name each of them")
    every = ports * count if len(ports) == 1 and names + addresses else padded(ports, count)
    if any(every):
        # Of several hosts each has a port.
        every = [port or 5432 for port in every]
    return tuple(
        Host(name or None, address or None, port)
        for (name, address), port in zip(pairs, every, strict=True)
    )


def comma_separated(text: str) -> list[str]:
    """Split a comma-separated parameter; an empty text has no parts."""
    return text.split(",") if text else []


def padded(values: list[Any], count: int) -> list[Any]:
    """Return the values, or `count` times None where there are none."""
    return values or [None] * count


def port_number(text: str) -> int | None:
    """Return a port, None for an empty text; raises ConfigurationError."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise ConfigurationError(UNREADABLE_URL)
    if len(text) > 5 or not 0 < int(text) < 65536:
        raise ConfigurationError(f"the URL has port {text[:20]}: give one from 1 to 65535")
    return int(text)


def own_context(words: Mapping[str, str], hosts: Iterable[Host]) -> Any:
    """Return an SSL context where the driver cannot make it from the parameters; else None."""
    if words.get("sslrootcert") == SYSTEM:
        words = {"sslmode": "verify-full", **words}
        if words["sslmode"] != "verify-full":
            raise ConfigurationError(
                "sslrootcert=system works only with sslmode=verify-full: anybody can get a "
                "certificate that the system trusts, for a name of their own"
            )
    names: dict[str | bytes | None, str] = {
        host.address: host.name for host in hosts if host.address and host.name
    }
    if words.get("sslmode") not in TLS_REQUIRED_MODES or not (names or needs_own_context(words)):
        return None
    return context_of(words, names)
