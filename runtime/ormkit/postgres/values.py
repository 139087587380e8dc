"""Define the Python classes of PostgreSQL values that the standard library lacks."""

from __future__ import annotations

from abc import ABCMeta
from collections.abc import Callable
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
)
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Generic, Self, TypeAlias, TypeVar, final
from uuid import UUID

__all__ = ["UNSET", "BitString", "Cidr", "DriverUUID", "Inet", "Range", "Record", "Unset"]


#: Returns a row as a tuple. Slicing a record of the driver takes half the time of iterating it.
whole_row: Callable[[Any], tuple[Any, ...]] = itemgetter(slice(None))


@final
class Unset:
    """The type of UNSET."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNSET"


T = TypeVar("T")

if TYPE_CHECKING:
    #: Value of an inet column: an address, or an interface where it has a netmask.
    Inet: TypeAlias = IPv4Address | IPv6Address | IPv4Interface | IPv6Interface
    #: Value of a cidr column.
    Cidr: TypeAlias = IPv4Network | IPv6Network

    # asyncpg publishes no types: these are the parts of its classes that OrmKit exposes.
    from collections.abc import Iterator

    class Record:
        """A row: its values in order, and by name."""

        def __getitem__(self, key: int | str | slice) -> Any: ...
        def __iter__(self) -> Iterator[Any]: ...
        def __len__(self) -> int: ...
        def keys(self) -> Iterator[str]: ...
        def values(self) -> Iterator[Any]: ...
        def items(self) -> Iterator[tuple[str, Any]]: ...

    class Range(Generic[T]):
        """A range of values; a bound of None is infinite."""

        def __init__(
            self,
            lower: T | None = None,
            upper: T | None = None,
            *,
            lower_inc: bool = True,
            upper_inc: bool = False,
            empty: bool = False,
        ) -> None: ...
        @property
        def lower(self) -> T | None: ...
        @property
        def upper(self) -> T | None: ...
        @property
        def lower_inc(self) -> bool: ...
        @property
        def upper_inc(self) -> bool: ...
        @property
        def lower_inf(self) -> bool: ...
        @property
        def upper_inf(self) -> bool: ...
        @property
        def isempty(self) -> bool: ...
        def issubset(self, other: Range[T]) -> bool: ...
        def issuperset(self, other: Range[T]) -> bool: ...

    class BitString:
        """A string of bits, as in BitString("0101")."""

        def __init__(self, bitstring: str | bytes | None = None) -> None: ...
        @classmethod
        def frombytes(cls, bytes_: bytes) -> Self: ...
        def __len__(self) -> int: ...
        def as_string(self) -> str: ...
        def to_int(self, bitorder: str = "big", *, signed: bool = False) -> int: ...

    class DriverUUID(UUID):
        """A UUID as the driver makes it."""

        def __init__(self, value: str | bytes) -> None: ...

    #: Stands for "not given" in a generated __init__, where None would be a value.
    UNSET: Final[Any] = Unset()
else:
    from asyncpg import BitString, Range, Record

    class Inet(metaclass=ABCMeta):  # noqa: B024
        """The classes of values of inet columns, in one: libraries can read one class only."""

    class Cidr(metaclass=ABCMeta):  # noqa: B024
        """The classes of values of cidr columns, in one."""

    for _cls in (IPv4Address, IPv6Address, IPv4Interface, IPv6Interface):
        Inet.register(_cls)
    for _cls in (IPv4Network, IPv6Network):
        Cidr.register(_cls)

    try:
        from asyncpg.pgproto.pgproto import UUID as DriverUUID  # noqa: N811
    except ImportError:
        # Not documented: see driver/asyncpg_internals.py.
        class DriverUUID(UUID):
            """A UUID as asyncpg's own class makes it: from a text, or from 16 bytes."""

            def __init__(self, value):
                super().__init__(**{"hex" if isinstance(value, str) else "bytes": value})

    UNSET = Unset()
