"""Isolates every use of asyncpg's undocumented internals, with a public fallback for each.

`INTERNALS` lists them, each with the reviewed releases. `access_to()` decides for each new
connection whether to use them. It checks the release, and then whether the connection behaves as
reviewed. Otherwise public methods of asyncpg do the same work, more slowly or with less precise
errors.

The environment variable `ORMKIT_PUBLIC_DRIVER=1` disables all internals. No other module of the
runtime uses a private attribute of asyncpg, or parses one of its messages.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, NamedTuple, Protocol

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from ..postgres.array_parameter import FlatArray

#: asyncpg publishes no types.
DRIVER: Any = asyncpg
LOGGER = logging.getLogger("ormkit")
#: The environment variable that disables the internals.
SWITCH = "ORMKIT_PUBLIC_DRIVER"

#: A release of asyncpg, without its patch number.
Release = tuple[int, int]
#: The reviewed releases: the first one, and the first one after them.
REVIEWED: tuple[Release, Release] = ((0, 32), (0, 33))


class Internal(NamedTuple):
    """One undocumented part of asyncpg that OrmKit uses."""

    #: Its name in asyncpg, or a part of an error message.
    name: str
    #: What OrmKit uses it for.
    purpose: str
    #: What OrmKit does without it.
    fallback: str
    #: The reviewed releases: from the first, before the second.
    releases: tuple[Release, Release] = REVIEWED


PROTOCOL = Internal(
    "Connection._protocol",
    "runs statements (`bind_execute`, `query`) and returns the connection's state "
    "(`is_connected`, `is_in_transaction`)",
    "`PreparedStatement.fetch()`, `Connection.execute()`, `is_closed()`, `is_in_transaction()`",
)
STATE = Internal(
    "PreparedStatement._state",
    "the statement that `bind_execute` takes",
    "the `PreparedStatement` itself",
)
CANCELLING = Internal(
    "Protocol._is_cancelling",
    "whether asyncpg has sent a cancel request for an interrupted COPY",
    "OrmKit closes the connection",
)
CANCEL = Internal(
    "Connection._cancel_current_command",
    "sends a cancel request for a COPY whose output is no longer needed",
    "OrmKit reads and discards the rest for up to 5 seconds, then closes the connection",
)
TRANSPORT = Internal(
    "Connection.__init__",
    "receives the transport, which a `connection_class` keeps for the read buffer, "
    "the check of messages, keepalive and fork()",
    "asyncpg uses its own read buffer, and keepalive is not set",
)
UUID = Internal(
    "pgproto.UUID",
    "the class of the UUIDs that asyncpg returns; attributes hold the same class "
    "(`postgres/values.py` imports it)",
    "a subclass of Python's `UUID`",
)
ARRAYS = Internal(
    "two walks of a list",
    "asyncpg walks an array once for its dimensions and once to encode it; `FlatArray` "
    "hides its elements from the first walk",
    "both walks see the elements, and each nested list is in a wrapper that no type accepts",
)
PARAMETER = Internal(
    "invalid input for query argument $",
    "the number of the parameter whose value was rejected",
    "the only value, or the first one that does not fit its type by OrmKit's own checks",
)
ROW = Internal(
    "in element #",
    "the number of the parameter row that was rejected",
    "the first row with a value that does not fit its type by OrmKit's own checks",
)
NOT_SENT = Internal(
    "cannot switch to state",
    "the statement was not sent, because the connection had failed earlier",
    "OrmKit assumes that the statement was sent",
)
CLOSED = Internal(
    "connection is closed",
    "the statement was not sent, because the connection was closed",
    "OrmKit calls `is_closed()` before each statement",
)
NO_BINARY = Internal(
    "no binary format",
    "COPY cannot encode a type",
    "an error of the driver before COPY takes the first row",
)
NO_DECODER = Internal(
    "no decoder",
    "a statement returns a type that the driver cannot decode",
    "an error of the driver while it prepares a statement or decodes an untyped record",
)
SHORT_VALUE = Internal(
    "insufficient data",
    "a value from the server is shorter than its type requires",
    "any AssertionError raised by asyncpg",
)

#: Attributes, classes and behaviour that OrmKit relies on.
ATTRIBUTES = (PROTOCOL, STATE, CANCELLING, CANCEL, TRANSPORT, UUID, ARRAYS)
#: Messages that OrmKit parses, since the error has no attribute with the same information.
MESSAGES = (PARAMETER, ROW, NOT_SENT, CLOSED, NO_BINARY, NO_DECODER, SHORT_VALUE)
INTERNALS = ATTRIBUTES + MESSAGES

#: The number of the refused parameter, from 1.
PARAMETER_NUMBER = re.compile(r"\$(\d+)")
#: The number of the refused row of parameters, from 0.
ROW_NUMBER = re.compile(r"in element #(\d+) of")


class _Decision:
    """What this process has found out about its asyncpg."""

    def __init__(self) -> None:
        #: The reasons for using public methods; a dict keeps their order.
        self.reasons: dict[str, str] = {}
        #: Whether asyncpg walks arrays twice; None until the first connection has tried it.
        self.walks_twice: bool | None = None

    def refuse(self, reason: str) -> None:
        """Record the reason, and log it once."""
        if reason not in self.reasons:
            self.reasons[reason] = reason
            LOGGER.warning(
                "%s: public methods of asyncpg are used instead, which are slower", reason
            )


_decision = _Decision()


def is_switched_off() -> bool:
    """Return whether the environment variable disables the internals."""
    return os.environ.get(SWITCH, "") not in ("", "0")


def is_reviewed(internal: Internal = PROTOCOL) -> bool:
    """Return whether the installed release of asyncpg was reviewed for this internal."""
    version: str = asyncpg.__version__
    numbers = tuple(map(int, re.findall(r"\d+", version)[:2]))
    first, end = internal.releases
    return first <= numbers < end


def is_used(internal: Internal) -> bool:
    """Return whether this internal may be used: the release is reviewed and it is not disabled."""
    return not is_switched_off() and is_reviewed(internal)


def reason_for_public_methods() -> str | None:
    """Return why public methods replace the internals; None if the internals are used."""
    if is_switched_off():
        return f"{SWITCH} is set"
    if not is_reviewed():
        return unreviewed()
    return "; ".join(_decision.reasons) or None


def unreviewed() -> str:
    """Return the reason text for a release that was not reviewed."""
    return f"asyncpg {asyncpg.__version__} is a release that OrmKit was not reviewed with"


class Wire(Protocol):
    """Runs statements and knows the state of a connection; the names are those of asyncpg."""

    async def bind_execute(
        self,
        state: Any,
        args: Any,
        portal_name: str,
        limit: int,
        return_extra: bool,
        timeout: float | None,
    ) -> Any:
        """Run a statement and return its rows.

        timeout: seconds; None sets no limit.
        return_extra: whether to return a tuple instead: the rows, the command tag, and whether the
            statement is complete.
        """
        ...

    async def query(self, query: str, timeout: float | None) -> str:
        """Run statements without parameters and return the last command tag."""
        ...

    def is_connected(self) -> bool: ...
    def is_in_transaction(self) -> bool: ...


class PublicWire:
    """A Wire that uses asyncpg's public methods."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw

    async def bind_execute(
        self,
        state: Any,
        args: Any,
        portal_name: str,
        limit: int,
        return_extra: bool,
        timeout: float | None,
    ) -> Any:
        self._check_open()
        rows = await state.fetch(*args, timeout=timeout)
        # An empty statement has no command tag.
        return (rows, (state.get_statusmsg() or "").encode(), True) if return_extra else rows

    async def query(self, query: str, timeout: float | None) -> str:
        self._check_open()
        tag: str = await self._raw.execute(query, timeout=timeout)
        return tag

    def is_connected(self) -> bool:
        return not self._raw.is_closed()

    def is_in_transaction(self) -> bool:
        return bool(self._raw.is_in_transaction())

    def _check_open(self) -> None:
        if self._raw.is_closed():
            raise ClosedBefore("connection is closed")


class ClosedBefore(asyncpg.InterfaceError):  # type: ignore[misc]
    """The connection had ended before a statement was sent."""


class Access(Protocol):
    """Access to one asyncpg connection for what its public methods cannot do, or do slowly."""

    wire: Wire

    def state_of(self, statement: Any) -> Any:
        """Return the object that the wire runs for a prepared statement of asyncpg."""
        ...

    def is_cancelling(self) -> bool:
        """Return whether asyncpg waits for the end of a statement after its cancel request.

        The result is also False if that is unknown.
        """
        ...

    def cancel(self, is_asked: asyncio.Future[None]) -> None:
        """Send a cancel request for the running statement; complete the future once it is sent."""
        ...


class PublicAccess:
    """Access through public methods only."""

    def __init__(self, raw: Any) -> None:
        self.wire: Wire = PublicWire(raw)

    def state_of(self, statement: Any) -> Any:
        return statement

    def is_cancelling(self) -> bool:
        return False

    def cancel(self, is_asked: asyncio.Future[None]) -> None:
        """Send no cancel request; the remaining data is read and discarded."""
        is_asked.set_result(None)


class InternalAccess:
    """Access through the attributes in ATTRIBUTES."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._protocol: Any = raw._protocol
        self.wire: Wire = self._protocol

    def state_of(self, statement: Any) -> Any:
        return statement._state

    def is_cancelling(self) -> bool:
        return bool(self._protocol._is_cancelling())

    def cancel(self, is_asked: asyncio.Future[None]) -> None:
        self._raw._cancel_current_command(is_asked)


def access_to(raw: Any) -> Access:
    """Return the access to a new asyncpg connection; only this function chooses between them."""
    # A connection that has closed already shows nothing of asyncpg, and fails either way.
    if not is_switched_off() and not raw.is_closed():
        reason = unreviewed() if not is_reviewed() else misbehaviour(raw)
        if reason is None:
            return InternalAccess(raw)
        _decision.refuse(reason)
    return PublicAccess(raw)


def misbehaviour(raw: Any) -> str | None:
    """Return which attribute of an idle connection differs from the review, or None."""
    for name, check in CHECKS.items():
        try:
            is_as_reviewed = check(raw)
        except (AttributeError, TypeError, ValueError):
            is_as_reviewed = False
        if not is_as_reviewed:
            return f"{name} of asyncpg {asyncpg.__version__} differs from the reviewed releases"
    return None


def takes(function: Callable[..., object], *names: str) -> bool:
    """Return whether the function's first parameters have these names, and no other is required."""
    parameters = list(signature(function).parameters.values())
    needed = [each.name for each in parameters if each.default is each.empty]
    return tuple(each.name for each in parameters[: len(names)]) == names and set(needed) <= set(
        names
    )


#: The check of each attribute on an idle connection.
CHECKS: dict[str, Callable[[Any], bool]] = {
    PROTOCOL.name: lambda raw: (
        raw._protocol.is_connected() is True
        and raw._protocol.is_in_transaction() is False
        and callable(raw._protocol.bind_execute)
        and callable(raw._protocol.query)
    ),
    STATE.name: lambda raw: "_state" in DRIVER.prepared_stmt.PreparedStatement.__slots__,
    CANCELLING.name: lambda raw: raw._protocol._is_cancelling() is False,
    CANCEL.name: lambda raw: takes(raw._cancel_current_command, "waiter"),
}


class TransportKeeper(DRIVER.Connection):  # type: ignore[misc]
    """An asyncpg connection that keeps a reference to its transport."""

    transport: Any = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        self.transport = next(filter(is_transport, (*args, *kwargs.values())), None)


def is_transport(value: Any) -> bool:
    """Return whether the value is a transport of asyncio or of another event loop."""
    return hasattr(value, "get_extra_info") and hasattr(value, "get_protocol")


def transport_of(raw: Any) -> Any:
    """Return the transport of a connection from open_raw(); None if it is unknown."""
    return getattr(raw, "transport", None)


async def choose_array_walk(raw: Any) -> None:
    """Enable FlatArray.hides_elements if asyncpg walks arrays twice.

    The first connection of a process tests that with a query.
    """
    if is_used(ARRAYS) and _decision.walks_twice is None:
        FlatArray.hides_elements = True
        try:
            found = await raw.fetchval("SELECT $1::int4[]", FlatArray([1, 2]))
        except (asyncpg.PostgresError, asyncpg.InterfaceError):
            found = None
        _decision.walks_twice = found == [1, 2]
        if not _decision.walks_twice:
            _decision.refuse(f"asyncpg {asyncpg.__version__} does not walk a list twice")
    FlatArray.hides_elements = is_used(ARRAYS) and bool(_decision.walks_twice)


def number_in(error: BaseException, internal: Internal, pattern: re.Pattern[str]) -> int | None:
    """Return the number in a message of asyncpg; None if it has none or must not be parsed."""
    found = pattern.search(str(error)) if is_used(internal) else None
    return int(found[1]) if found else None


def refused_parameter(error: BaseException) -> int | None:
    """Return the number, from 1, of the refused parameter; None if it is unknown."""
    return number_in(error, PARAMETER, PARAMETER_NUMBER)


def refused_row_number(error: BaseException) -> int | None:
    """Return the number, from 1, of the refused row of parameters; None if it is unknown."""
    number = number_in(error, ROW, ROW_NUMBER)
    return None if number is None else number + 1


def says(error: BaseException, internal: Internal) -> bool:
    """Return whether asyncpg's message contains the internal's text and may be parsed."""
    return is_used(internal) and internal.name in str(error)


def is_not_sent(error: BaseException) -> bool:
    """Return whether the error proves that the statement was not sent."""
    return isinstance(error, ClosedBefore) or says(error, NOT_SENT) or says(error, CLOSED)


def cannot_copy(error: BaseException, has_rows: bool) -> bool:
    """Return whether COPY failed at a type without a binary format.

    has_rows: whether the driver has already read a row.
    """
    if is_used(NO_BINARY):
        return says(error, NO_BINARY)
    return type(error) is asyncpg.InternalClientError and not has_rows


def cannot_decode(error: BaseException, statement: Any) -> bool:
    """Return whether a statement returns a type that the driver cannot decode.

    statement: the prepared statement; None if the error occurred while preparing it.
    """
    if is_used(NO_DECODER):
        return says(error, NO_DECODER)
    is_prepared = statement is not None
    return type(error) is asyncpg.InternalClientError and (not is_prepared or has_record(statement))


def has_record(statement: Any) -> bool:
    """Return whether a prepared statement returns anonymous records."""
    try:
        attributes: Sequence[Any] = statement.get_attributes()
    except asyncpg.InterfaceError:
        return False  # The connection is closed.
    return any(each.type.name in ("record", "record[]") for each in attributes)


def is_short_value(error: BaseException) -> bool:
    """Return whether a value from the server was shorter than its type requires."""
    if not isinstance(error, AssertionError):
        return False
    return says(error, SHORT_VALUE) if is_used(SHORT_VALUE) else is_raised_by_asyncpg(error)


def is_raised_by_asyncpg(error: BaseException) -> bool:
    """Return whether the innermost frame of the error's traceback is in asyncpg."""
    place = error.__traceback__
    file = ""
    while place is not None:
        file, place = place.tb_frame.f_code.co_filename, place.tb_next
    return "asyncpg" in re.split(r"[/\\]", file)
