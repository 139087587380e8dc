"""The accelerator's reader by itself: whatever it is given, it reads nothing but its buffer."""

from __future__ import annotations

import gc
import sys
import weakref
from typing import Any

import pytest

accelerator = pytest.importorskip(
    "ormkit._accelerator", reason="no C compiler was there to build the accelerator"
)
Reader: Any = accelerator.Reader


@pytest.mark.parametrize("count", [-1, 9, 2**31, 2**70])
def test_more_than_the_buffer_holds_is_never_read(count: int) -> None:
    seen: list[bytes] = []
    with pytest.raises((ValueError, OverflowError)):
        Reader(seen.append, 8, 4).buffer_updated(count)
    assert seen == []


def test_a_buffer_that_was_cut_is_not_read_beyond_its_end() -> None:
    reader = Reader(print, 8, 4)
    view = reader.get_buffer(-1)
    buffer = view.obj
    with pytest.raises(BufferError):
        buffer.clear()
    view.release()
    buffer.clear()
    with pytest.raises(ValueError, match="does not hold"):
        reader.buffer_updated(1)


@pytest.mark.parametrize("count", ["1", None, 1.0])
def test_a_count_is_a_whole_number(count: Any) -> None:
    with pytest.raises(TypeError):
        Reader(print, 8, 4).buffer_updated(count)


@pytest.mark.parametrize(
    "arguments", [(), (print,), (print, 0, 1), (print, -1, 1), (print, "8", 1)]
)
def test_it_is_made_with_a_function_and_sizes(arguments: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        Reader(*arguments)


def test_it_may_be_read_from_and_dropped_while_it_hands_on() -> None:
    seen: list[bytes] = []
    readers: list[Any] = []

    def receive(data: bytes) -> None:
        seen.append(data)
        if readers:
            reader = readers.pop()
            reader.get_buffer(-1)[:4] = b"wxyz"
            reader.buffer_updated(4)

    readers.append(Reader(receive, 8, 4))
    readers[0].get_buffer(-1)[:4] = b"abcd"
    readers[0].buffer_updated(4)
    assert seen == [b"abcd", b"wxyz"]
    assert gc.isenabled()


def test_it_keeps_count_of_what_it_holds() -> None:
    def receive(data: bytes) -> None:
        if data == b"\0\0":
            raise ValueError("refused")

    before = sys.getrefcount(receive)
    reader = Reader(receive, 8, 4)
    for _ in range(100):
        reader.buffer_updated(5)
        with pytest.raises(ValueError, match="refused"):
            reader.buffer_updated(2)
    assert sys.getrefcount(receive) == before + 1
    buffer = reader.get_buffer(-1)
    assert sys.getrefcount(buffer) == 3
    del reader
    assert sys.getrefcount(receive) == before
    assert sys.getrefcount(buffer) == 2


def test_a_slice_of_what_it_reads_into_is_no_copy() -> None:
    """Over TLS asyncio reads each further record into a slice."""
    seen: list[bytes] = []
    reader = Reader(seen.append, 8, 4)
    reader.get_buffer(-1)[:2] = b"ab"
    reader.get_buffer(-1)[2:][:2] = b"cd"
    reader.buffer_updated(4)
    assert seen == [b"abcd"]


@pytest.mark.usefixtures("own_garbage")
def test_a_cycle_through_it_is_collected() -> None:
    class Holder:
        reader: Any = None

        def receive(self, data: bytes) -> None:
            raise AssertionError

    holder = Holder()
    holder.reader = Reader(holder.receive, 8, 4)
    gone = weakref.ref(holder)
    del holder
    gc.collect()
    assert gone() is None


def test_it_tells_once_that_the_server_has_ended_the_session() -> None:
    told: list[str] = []
    reader = Reader(lambda data: told.append("data"), 8, 4, ValueError, lambda: told.append("end"))
    reader.data_received(message(b"E", b"SERROR\0VERROR\0C42P01\0\0"))
    assert (told, reader.failure) == (["data"], None)
    words = b"SSCHWERWIEGEND\0VFATAL\0C57P01\0\0"
    for part in (message(b"E", words)[:9], message(b"E", words)[9:], message(b"E", words)):
        reader.data_received(part)
    assert (told, reader.failure) == (["data", "data", "data", "end", "data"], words)


def test_what_fails_at_the_end_of_the_session_comes_out() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    reader = Reader(print, 8, 4, ValueError, fail)
    with pytest.raises(ZeroDivisionError):
        reader.data_received(message(b"E", b"SPANIC\0\0"))


def message(kind: bytes, body: bytes) -> bytes:
    return kind + (len(body) + 4).to_bytes(4) + body
