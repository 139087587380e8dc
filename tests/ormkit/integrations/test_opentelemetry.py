"""Spans and metrics have the stable names, and hold no values; what is not sampled costs little."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any
from weakref import ref

import pytest
from opentelemetry import context, trace
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased

from examples.blog.db import Post, User
from ormkit import (
    AsyncSession,
    ConfigurationError,
    Engine,
    StatementError,
    UniqueViolation,
    UsageError,
    create_engine,
    joinedload,
    selectinload,
)
from ormkit.driver.command import Command
from ormkit.events.event import StatementEvent
from ormkit.events.literals import LITERAL
from ormkit.integrations.opentelemetry import SUPPRESSED, instrument
from ormkit.integrations.telemetry import Target
from tests.golden_files import Golden

Work = Callable[[AsyncSession], Awaitable[Any]]


class Telemetry:
    """Providers that keep what they get in memory."""

    def __init__(self, sampler: Any = ALWAYS_ON) -> None:
        self.exporter = InMemorySpanExporter()
        self.traces = TracerProvider(sampler=sampler)
        self.traces.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.tracer = self.traces.get_tracer("test")
        self.reader = InMemoryMetricReader()
        self.meters = MeterProvider([self.reader])

    def instrument(self, engine: Engine, **options: Any) -> Any:
        meters = options.pop("meter_provider", self.meters)
        return instrument(engine, tracer_provider=self.traces, meter_provider=meters, **options)

    def spans(self) -> list[Any]:
        """Return the client's spans so far, and forget them."""
        found = [each for each in self.exporter.get_finished_spans() if each.name != "request"]
        self.exporter.clear()
        return found

    def metrics(self) -> dict[str, list[Any]]:
        data: Any = self.reader.get_metrics_data()
        if data is None:
            return {}
        scopes = [scope for each in data.resource_metrics for scope in each.scope_metrics]
        return {each.name: list(each.data.data_points) for s in scopes for each in s.metrics}

    def close(self) -> None:
        self.traces.shutdown()
        self.meters.shutdown()


@pytest.fixture
def telemetry() -> Any:
    made = Telemetry()
    yield made
    made.close()


async def copy(session: AsyncSession) -> None:
    await session.engine.copy_in("users", [("copied",)], columns=["name"])


async def stream(session: AsyncSession) -> None:
    async for _ in session.query(User).stream(batch_size=1):
        pass


async def violate(session: AsyncSession) -> None:
    with pytest.raises(UniqueViolation):
        await session.insert(User(name="x", email="ada@example.com"))


async def fail(session: AsyncSession) -> None:
    with pytest.raises(StatementError):
        await session.execute_raw("SELECT nowhere FROM users WHERE name = 'secret'")


async def write(session: AsyncSession) -> None:
    async with session.begin() as tx:
        user = await tx.get(User, 1)
        assert user is not None
        user.age = 40


WORKS: dict[str, Work] = {
    "get": lambda session: session.get(User, 1),
    "filter": lambda s: s.query(User).filter(age__gte=3, name="secret").order_by("-age").all(),
    "first": lambda session: session.query(User).first(),
    "count": lambda session: session.query(User).count(),
    "exists": lambda session: session.query(User).exists(),
    "values": lambda session: session.query(User).values_list(User.id, User.name),
    "selectinload": lambda session: session.query(User).options(selectinload("posts")).all(),
    "joinedload": lambda session: session.query(Post).options(joinedload("author")).all(),
    "stream": stream,
    "insert": lambda session: session.insert(Post(author_id=1, title="secret")),
    "insert_all": lambda session: session.insert_all([User(name="secret"), User(name="b")]),
    "update": lambda session: session.update(User(id=1, name="secret"), age=3),
    "change": lambda session: session.query(User).filter(name="secret").update(age=5),
    "delete": lambda session: session.query(User).filter(name="secret").delete(),
    "write back": write,
    "raw": lambda session: session.execute_raw("SELECT 'secret', 4711, $$secret$$ AS \"a'b\""),
    "raw with parameters": lambda s: s.execute_raw("SELECT $1::text, 1", ["secret"]),
    "many": lambda session: session.engine.execute_many("SELECT $1::text", [["secret"], ["b"]]),
    "copy": copy,
    "violation": violate,
    "failure": fail,
}


async def test_spans_have_the_stable_attributes(
    session: AsyncSession, telemetry: Telemetry, golden: Golden
) -> None:
    await session.insert_all([User(name="Ada", email="ada@example.com", age=5), User(name="Bob")])
    for work in WORKS.values():
        await work(session)
    await session.query(User).filter(id__gt=2).delete()
    lines: list[str] = []
    with telemetry.tracer.start_as_current_span("request") as request:
        telemetry.instrument(session.engine)
        for name, work in WORKS.items():
            await work(session)
            for span in telemetry.spans():
                assert span.parent.span_id == request.get_span_context().span_id
                assert span.end_time >= span.start_time
                attributes = dict(span.attributes)
                assert attributes.pop("db.system.name") == "postgresql"
                assert attributes.pop("db.namespace") == Target.of(session.engine).namespace
                attributes.pop("server.address", None)
                attributes.pop("server.port", None)
                text = json.dumps(attributes, indent=2, sort_keys=True)
                head = f"{name}: {span.kind.name} {span.name} {span.status.status_code.name}"
                lines += [f"{head}, {len(span.events)} events", text]
    found = "\n".join(lines) + "\n"
    assert "secret" not in found
    assert "4711" not in found
    golden.check("opentelemetry/spans.txt", found)


async def test_lookups_that_share_a_statement_link_to_every_trace(
    session: AsyncSession, telemetry: Telemetry
) -> None:
    await session.insert_all([User(name=str(n)) for n in range(50)])
    telemetry.instrument(session.engine)
    traces: list[int] = []

    async def request(key: int) -> None:
        with telemetry.tracer.start_as_current_span("request") as span:
            traces.append(span.get_span_context().trace_id)
            assert await session.get(User, key) is not None

    await asyncio.gather(*[request(key) for key in range(1, 51)])
    spans = telemetry.spans()
    assert len(spans) == 3
    told = [each.context.trace_id for each in spans]
    told += [link.context.trace_id for each in spans for link in each.links]
    assert sorted(told) == sorted(traces)
    assert all("db.operation.batch.size" not in each.attributes for each in spans)


async def test_a_stream_is_one_span(session: AsyncSession, telemetry: Telemetry) -> None:
    await session.execute_raw(
        "INSERT INTO users (name) SELECT n::text FROM generate_series(1, 3000) AS n"
    )
    telemetry.instrument(session.engine)
    assert len([user async for user in session.query(User).stream(batch_size=100)]) == 3000
    assert [each.name for each in telemetry.spans()] == ["SELECT users"]


async def test_what_is_not_sampled_starts_no_span(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    telemetry = Telemetry(ParentBased(ALWAYS_OFF))
    with telemetry.tracer.start_as_current_span("request") as request:
        assert request.get_span_context().is_valid
        instrumentation = telemetry.instrument(session.engine)
        started: list[str] = []

        def note(name: str, *rest: Any, **more: Any) -> None:
            started.append(name)

        monkeypatch.setattr(instrumentation._tracer, "start_span", note)
        for _ in range(20):
            await session.query(User).count()
    assert started == []
    telemetry.close()


async def test_what_is_not_sampled_takes_six_calls(session: AsyncSession) -> None:
    """Those of OpenTelemetry with it; a span that its sampler drops takes more than a hundred."""
    telemetry = Telemetry(ParentBased(ALWAYS_OFF))
    event = StatementEvent(Command("SELECT 1", is_raw=True))
    instrumentation = telemetry.instrument(session.engine, meter_provider=NoOpMeterProvider())
    calls: list[str] = []

    def note(frame: FrameType, what: str, _: object) -> None:
        if what == "call":
            calls.append(frame.f_code.co_qualname)

    with telemetry.tracer.start_as_current_span("request"):
        sys.setprofile(note)
        try:
            instrumentation._note(event)
        finally:
            sys.setprofile(None)
    assert len(calls) <= 6, calls
    telemetry.close()


async def test_connections_are_timed(blog_url: str, telemetry: Telemetry) -> None:
    async with await create_engine(blog_url, min_connections=0, max_connections=1) as engine:
        instrumentation = telemetry.instrument(engine)
        session = AsyncSession(engine)
        await asyncio.gather(*[session.query(User).filter(age=n).all() for n in range(3)])
        async with engine.transaction() as tx:
            await tx.execute_raw("SELECT pg_sleep(0.02)")
        found = telemetry.metrics()
        pool = {"db.client.connection.pool.name": Target.of(engine).pool_name}
        (created,) = found["db.client.connection.create_time"]
        (used,) = found["db.client.connection.use_time"]
        (waited,) = found["db.client.connection.wait_time"]
        assert (created.count, used.count, waited.count) == (1, 4, 3)
        assert used.max >= 0.02
        assert 0 < created.sum <= waited.max
        assert all(dict(each.attributes) == pool for each in (created, used, waited))
        instrumentation.close()
        assert engine.pool.listeners.on_use == ()


async def test_the_pools_of_several_engines_have_names_of_their_own(
    blog_url: str, telemetry: Telemetry
) -> None:
    for target, name in (
        (Target("shop", "db", 5432), "db:5432/shop"),
        (Target("shop", "/run", None), "/run/shop"),
        (Target("shop", None, None), "shop"),
        (Target(None, None, None), "ormkit"),
    ):
        assert target.pool_name == name
    async with await create_engine(blog_url) as one, await create_engine(blog_url) as other:
        # The second round shows that an engine may be instrumented anew.
        for _ in range(2):
            made = [telemetry.instrument(one), telemetry.instrument(other, pool_name="reading")]
            for metric in ("max", "count", "timeouts"):
                found = telemetry.metrics()[f"db.client.connection.{metric}"]
                names = {dict(each.attributes)["db.client.connection.pool.name"] for each in found}
                assert names == {Target.of(one).pool_name, "reading"}
            for each in made:
                each.close()


async def test_suppressed_instrumentation_makes_nothing(
    session: AsyncSession, telemetry: Telemetry
) -> None:
    telemetry.instrument(session.engine)
    token = context.attach(context.set_value(SUPPRESSED, True))
    await session.query(User).count()
    context.detach(token)
    assert telemetry.spans() == []
    await session.query(User).count()
    assert len(telemetry.spans()) == 1


async def test_the_line_and_transactions_are_told_where_asked_for(
    session: AsyncSession, telemetry: Telemetry
) -> None:
    telemetry.instrument(session.engine, code_line=True, transactions=True, query_text=False)
    async with session.begin() as tx:
        await tx.query(User).count()
    counted, transaction = telemetry.spans()
    assert counted.attributes["code.file.path"] == __file__
    assert "db.query.text" not in counted.attributes
    assert (transaction.name, transaction.kind) == ("transaction", trace.SpanKind.INTERNAL)
    assert transaction.attributes["ormkit.transaction.end"] == "commit"
    assert transaction.attributes["ormkit.transaction.statements"] == 1


async def test_metrics_have_the_names_of_the_conventions(
    session: AsyncSession, telemetry: Telemetry
) -> None:
    telemetry.instrument(session.engine)
    await session.query(User).count()
    await session.query(User).count()
    await fail(session)
    found = telemetry.metrics()
    counted, failed = found["db.client.operation.duration"]
    assert (counted.count, counted.attributes["db.query.summary"]) == (2, "SELECT users")
    assert counted.explicit_bounds[:2] == (0.001, 0.005)
    assert failed.attributes["error.type"] == "StatementError"
    assert failed.attributes["db.response.status_code"] == "42703"
    states = {
        each.attributes["db.client.connection.state"]: each.value
        for each in found["db.client.connection.count"]
    }
    assert states["used"] == 0
    assert states["idle"] >= 1
    (most,) = found["db.client.connection.max"]
    assert most.value == 5
    assert {
        "db.client.connection.pending_requests",
        "db.client.connection.timeouts",
    } <= found.keys()
    assert {"db.client.connection.idle.min", "db.client.connection.idle.max"} <= found.keys()


async def test_an_engine_is_instrumented_once_and_let_go(
    blog_url: str, telemetry: Telemetry
) -> None:
    engine = await create_engine(blog_url)
    first = telemetry.instrument(engine)
    with pytest.raises(ConfigurationError, match="the engine is instrumented already"):
        telemetry.instrument(engine)
    first.close()
    first.close()
    telemetry.instrument(engine)
    await engine.close()
    assert "db.client.connection.max" not in telemetry.metrics()
    held = ref(engine)
    del engine, first
    gc.collect()
    assert held() is None
    wrong: Any = object()
    with pytest.raises(UsageError, match=r"instrument\(\) takes an engine, not object"):
        instrument(wrong)


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("SELECT 1", "SELECT ?"),
        ("SELECT 'it''s', E'a\\'b', x'1f', 1.5e-3", "SELECT ?, ?, ?, ?"),
        ("SELECT $tag$ a $$ 'b' $tag$", "SELECT ?"),
        ('SELECT "it\'s 1" FROM t1', 'SELECT "it\'s 1" FROM t1'),
        ("SELECT a.b2 FROM a WHERE c = -3", "SELECT a.b2 FROM a WHERE c = -?"),
    ],
)
def test_literals_of_raw_sql_are_hidden(sql: str, shown: str) -> None:
    assert LITERAL.sub(lambda found: found["identifier"] or "?", sql) == shown
