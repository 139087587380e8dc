"""Receiving: answers of any size come whole, and the collector is as it was before."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any

import pytest

from ormkit import Engine, create_engine
from ormkit.driver.read_buffer import BUFFER_SIZE, Receiver, receive_into_buffer

pytestmark = pytest.mark.usefixtures("reader")


class Seen:
    """A protocol that notes what it is given, and whether the collector ran meanwhile.

    It is its own transport.
    """

    def __init__(self, error: Exception | None = None) -> None:
        self.data: list[bytes] = []
        self.collecting: list[bool] = []
        self.error = error

    def get_protocol(self) -> Seen:
        return self

    def data_received(self, data: bytes) -> None:
        self.data.append(data)
        self.collecting.append(gc.isenabled())
        if self.error is not None:
            raise self.error


def message(data: bytes) -> bytes:
    """Return a piece of COPY data."""
    return b"d" + (len(data) + 4).to_bytes(4) + data


def fed(receiver: Receiver, data: bytes) -> None:
    """Give data to a receiver as a transport does."""
    receiver.get_buffer(-1)[: len(data)] = data
    receiver.buffer_updated(len(data))


FULL = message(bytes(BUFFER_SIZE - 5))


async def test_every_connection_of_an_engine_reads_through_a_receiver(engine: Engine) -> None:
    connection: Any = engine.pool.take()
    try:
        assert isinstance(connection._raw._transport.get_protocol(), Receiver)
    finally:
        engine.pool.give(connection)


@pytest.mark.parametrize("size", [0, 1, BUFFER_SIZE - 1, BUFFER_SIZE, 10 * BUFFER_SIZE + 7])
async def test_an_answer_of_any_size_comes_whole(engine: Engine, size: int) -> None:
    result = await engine.execute("SELECT repeat('x', $1) || 'y' AS text, $1 AS size", [size])
    assert result.tuples() == [("x" * size + "y", size)]


def test_what_was_read_before_is_not_overwritten() -> None:
    seen = Seen()
    receiver = Receiver(seen, print)
    fed(receiver, message(b"first"))
    fed(receiver, message(b"then"))
    assert seen.data == [message(b"first"), message(b"then")]


def test_a_slice_of_what_it_reads_into_is_no_copy() -> None:
    """Over TLS asyncio reads each further record into a slice."""
    seen = Seen()
    receiver = Receiver(seen, print)
    view = receiver.get_buffer(-1)
    sent = message(b"ab")
    view[:2] = sent[:2]
    view[2:][:5] = sent[2:]
    receiver.buffer_updated(7)
    assert seen.data == [sent]


def test_the_collector_is_paused_for_large_pieces_alone_and_goes_on_afterwards() -> None:
    seen = Seen()
    receiver = Receiver(seen, print)
    fed(receiver, message(b"small"))
    fed(receiver, FULL)
    assert seen.collecting == [True, False]
    assert gc.isenabled()


def test_the_collector_goes_on_where_decoding_fails() -> None:
    receiver = Receiver(Seen(ValueError("no such message")), print)
    with pytest.raises(ValueError, match="no such message"):
        fed(receiver, FULL)
    assert gc.isenabled()


def test_a_collector_that_the_application_has_stopped_stays_so() -> None:
    gc.disable()
    try:
        fed(Receiver(Seen(), print), FULL)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_a_transport_of_another_loop_reads_into_its_own_buffer() -> None:
    class Foreign(asyncio.Transport):
        def __init__(self) -> None:
            self.protocol: Any = Seen()

        def get_protocol(self) -> Any:
            return self.protocol

        def set_protocol(self, protocol: Any) -> None:
            self.protocol = protocol

    foreign = Foreign()
    seen = foreign.protocol
    receive_into_buffer(foreign, print)
    assert not isinstance(foreign.protocol, asyncio.BufferedProtocol)
    foreign.protocol.data_received(message(b"a"))
    assert seen.data == [message(b"a")]
    receive_into_buffer(None, print)


@pytest.mark.usefixtures("own_garbage")
async def test_a_receiver_goes_with_its_connection(blog_url: str) -> None:
    async with await create_engine(blog_url, max_connections=1) as engine:
        await engine.execute("SELECT 1")
        connection: Any = await engine.pool.acquire()
        receiver = weakref.ref(connection._raw._transport.get_protocol())
        engine.pool.give(connection)
        del connection
        assert receiver() is not None
    await asyncio.sleep(0)
    gc.collect()
    assert receiver() is None
