"""Transaction options: the isolation level, the read-only and deferrable modes, and settings."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..connecting.options import check_encoding
from ..errors import ConfigurationError, shown
from ..postgres.type_mismatch import mismatch

Isolation = Literal["read committed", "repeatable read", "serializable"]
ISOLATIONS = ("read committed", "repeatable read", "serializable")

#: A valid name of a run-time parameter, such as "work_mem" or "app.tenant".
PARAMETER = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)*")
#: The parameters that affect name resolution. "$user" in a search_path stands for the role.
ABOUT_NAMES = ("search_path", "role", "session_authorization")
#: Sets parameters until the transaction ends, from an array of names and an array of values.
SET_ALL = (
    "SELECT set_config(name, value, true) "
    "FROM unnest($1::text[], $2::text[]) AS given (name, value)"
)


@dataclass(frozen=True, slots=True)
class TransactionOptions:
    """The options of BEGIN; None leaves the default of the server, database or role.

    Raises ConfigurationError for a value that PostgreSQL would refuse or ignore.
    """

    isolation: Isolation | None = None
    is_read_only: bool | None = None
    is_deferrable: bool | None = None
    #: Run-time parameters for this transaction only, sent directly after BEGIN.
    settings: Mapping[str, str] = field(default_factory=dict[str, str])
    #: The BEGIN statement.
    sql: str = field(init=False, compare=False)
    #: The settings that affect name resolution; None if there are none.
    namespace: tuple[str | None, ...] | None = field(init=False, compare=False)

    def __post_init__(self) -> None:
        if self.isolation is not None and self.isolation not in ISOLATIONS:
            raise ConfigurationError(
                f"isolation={self.isolation!r}: it must be one of "
                f"{', '.join(map(repr, ISOLATIONS))}"
            )
        check_mode("read_only", self.is_read_only)
        check_mode("deferrable", self.is_deferrable)
        self._check_deferrable()
        if not isinstance(self.settings, Mapping):
            raise ConfigurationError(
                "settings must be a dict of parameters and their values, not "
                f"{type(self.settings).__name__}"
            )
        for name, value in self.settings.items():
            check_setting(name, value)
        words = ["BEGIN"]
        if self.isolation is not None:
            words.append(f"ISOLATION LEVEL {self.isolation.upper()}")
        if self.is_read_only is not None:
            words.append("READ ONLY" if self.is_read_only else "READ WRITE")
        if self.is_deferrable is not None:
            words.append("DEFERRABLE" if self.is_deferrable else "NOT DEFERRABLE")
        object.__setattr__(self, "sql", " ".join(words))
        object.__setattr__(self, "namespace", namespace_of(self.settings))

    def _check_deferrable(self) -> None:
        """Raise ConfigurationError if PostgreSQL would ignore `deferrable=True`.

        An option of None passes, since the server's default may be the required value.
        """
        is_serializable = self.isolation in (None, "serializable")
        if self.is_deferrable and not (is_serializable and self.is_read_only is not False):
            raise ConfigurationError(
                "deferrable=True has an effect only in a transaction that is serializable and "
                'read-only: give isolation="serializable" and read_only=True, or leave it out'
            )

    @classmethod
    def of(
        cls,
        isolation: Isolation | None,
        read_only: bool | None,
        deferrable: bool | None,
        settings: Mapping[str, str] | None,
    ) -> TransactionOptions:
        """Return the options for the arguments of begin(); DEFAULTS if all are left out."""
        if isolation is None and read_only is None and deferrable is None and not settings:
            return DEFAULTS
        return cls(isolation, read_only, deferrable, settings or {})


def namespace_of(settings: Mapping[str, str]) -> tuple[str | None, ...] | None:
    """Return the settings that affect name resolution; None if there are none."""
    by_name = {name.lower(): value for name, value in settings.items()}
    found = tuple([by_name.get(name) for name in ABOUT_NAMES])
    return found if any(value is not None for value in found) else None


def check_mode(name: str, value: object) -> None:
    """Raise ConfigurationError unless the mode is True, False or None."""
    if not (value is None or isinstance(value, bool)):
        raise ConfigurationError(
            f"{name}={shown(value)}: give True or False, or None for the server's default"
        )


def check_setting(name: object, value: object) -> None:
    """Raise ConfigurationError unless this is a valid run-time parameter with a text value."""
    if not isinstance(name, str) or not PARAMETER.fullmatch(name):
        raise ConfigurationError(
            f"settings: {name!r} is not a PostgreSQL parameter; write 'work_mem', or "
            "'app.tenant' for a parameter of your own"
        )
    if name.lower() == "seed":
        raise ConfigurationError(
            "settings: the seed of random numbers outlives the transaction: call setseed() "
            "with execute_raw(), which resets the connection afterwards"
        )
    if not isinstance(value, str):
        raise ConfigurationError(
            f"settings: the value of {name!r} must be a string (str), not "
            f"{type(value).__name__}: pass str(...)"
        )
    if name.lower() == "client_encoding":
        check_encoding(value)
    if reason := mismatch("text", value):
        raise ConfigurationError(f"settings: the value of {name!r} cannot be sent: {reason}")


DEFAULTS = TransactionOptions()
