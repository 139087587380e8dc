import datetime as dt
from collections.abc import Callable, Sequence
from typing import Any, final

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
    def __new__(cls, receive: Callable[[bytes], object], size: int, pause: int) -> Reader: ...
    def get_buffer(self, sizehint: int, /) -> bytearray: ...
    def buffer_updated(self, nbytes: int, /) -> None: ...

def decode_timestamptz(data: bytes, /) -> dt.datetime: ...
def encode_timestamptz(value: object, /) -> bytes | None: ...
