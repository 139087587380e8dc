import datetime as dt
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar
from types import FrameType
from typing import Any, Self, final

revision: str

@final
class Decoder:
    def __new__(
        cls,
        record: type[Any],
        model: type[Any],
        slots: tuple[Any, ...],
        conversions: tuple[dict[Any, Any] | Callable[[Any], Any] | None, ...],
        otherwise: Callable[[Sequence[Any]], Sequence[Any]],
    ) -> Decoder: ...
    def __call__(self, rows: Sequence[Any], start: int = ..., /) -> list[Any]: ...

@final
class Reader:
    def __new__(
        cls,
        receive: Callable[[bytes], object],
        size: int,
        pause: int,
        broken: type[BaseException] | None = None,
        end: Callable[[], object] = ...,
    ) -> Reader: ...
    @property
    def completed(self) -> int: ...
    @property
    def failure(self) -> bytes | None: ...
    is_binding: bool
    def get_buffer(self, sizehint: int, /) -> memoryview: ...
    def buffer_updated(self, nbytes: int, /) -> None: ...
    def data_received(self, data: bytes, /) -> None: ...

class StatementRecord:
    def __new__(cls, command: object) -> Self: ...
    def with_values(self, values: Sequence[Any], /) -> Self: ...

class Recorder:
    def __new__(
        cls,
        event: type[StatementRecord],
        rows: type[list[Any]],
        listeners: object,
        is_told: ContextVar[bool],
        is_in_transaction: Callable[[], bool],
        backend: int,
    ) -> Self: ...
    waited: float
    statements: int
    savepoints: int
    began: float | None
    @property
    def listeners(self) -> Any: ...
    def ended(self, command: object, began: float, argument_sets: int, keys: int, /) -> Any: ...

@final
class Told:
    def __new__(cls, plain: type[Any]) -> Self: ...
    def __get__(self, connection: Any, owner: type[Any] | None = ..., /) -> Callable[..., Any]: ...
    def __call__(
        self,
        connection: Any,
        command: object,
        args: Sequence[Any] = ...,
        timeout: float | None = ...,
        *,
        is_many: bool = ...,
    ) -> Coroutine[Any, Any, tuple[list[Any], bytes | None]]: ...

def walk(
    kinds: dict[str, int], find: Callable[[str], int], names: frozenset[str], /
) -> tuple[FrameType | None, bool, list[FrameType], FrameType | None]: ...
def objects_with(
    cls: type[Any], record: type[Any], names: tuple[str, ...], rows: Sequence[Any], /
) -> list[Any]: ...
def are_unset(slot: object, objects: list[Any], /) -> bool: ...
def values_of(slot: object, objects: list[Any], /) -> list[Any] | None: ...
def are_kept(values: list[Any], kind: type[Any], limit: int, /) -> bool: ...
def stored_json(is_binary: bool, value: Any, /) -> Any: ...
def decode_timestamptz(data: bytes, /) -> dt.datetime: ...
def encode_timestamptz(value: object, /) -> bytes | None: ...
