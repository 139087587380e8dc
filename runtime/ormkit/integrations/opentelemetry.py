"""Spans and metrics of OpenTelemetry: `ormkit-pg[opentelemetry]`, which needs its API alone."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from opentelemetry import context, metrics, trace
from opentelemetry.metrics import (
    CallbackOptions,
    Meter,
    MeterProvider,
    NoOpMeterProvider,
    Observation,
)
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, TracerProvider

from .._version import __version__
from ..engine import Engine
from ..errors import ConfigurationError
from ..events.event import ConnectionEvent, StatementEvent, TransactionEvent
from ..events.literals import query_text
from .telemetry import (
    BOUNDS,
    MOST_TEXTS,
    Target,
    check_engine,
    error_attributes,
    shape_attributes,
)

#: How many callers that share a statement a span links to.
MOST_LINKS = 128
#: The key under which instrumentation is suppressed: not in the API's public names.
SUPPRESSED: str = getattr(context, "_SUPPRESS_INSTRUMENTATION_KEY", "suppress_instrumentation")
#: The key of the current span in a context: to look it up takes a third of `get_current_span()`.
(SPAN,) = trace.set_span_in_context(trace.INVALID_SPAN, context.Context())
#: What makes the current context of a task.
get_current = context.get_current

_instrumented: WeakKeyDictionary[Engine, Instrumentation] = WeakKeyDictionary()


class Instrumentation:
    """What `instrument()` returns: close it to make no more spans and metrics."""

    def __init__(
        self,
        engine: Engine,
        tracer_provider: TracerProvider | None,
        meter_provider: MeterProvider | None,
        *,
        query_text: bool,
        code_line: bool,
        transactions: bool,
        pool_name: str | None,
    ) -> None:
        self._tracer = trace.get_tracer("ormkit", __version__, tracer_provider)
        self._has_text = query_text
        self._has_line = code_line
        target = Target.of(engine)
        self._target = target.attributes()
        self._pool = {POOL_NAME: pool_name or target.pool_name}
        self._shapes: dict[tuple[str, str, bool], tuple[str, Mapping[str, Any]]] = {}
        provider = meter_provider or metrics.get_meter_provider()
        self._record: Callable[..., None] | None = None
        if not isinstance(provider, NoOpMeterProvider):
            self._record = self._measure(engine, meter_provider or GLOBAL, provider)
        self._listening = engine.listen(
            on_statement=self._note,
            on_transaction=self._note_transaction if transactions else None,
            on_connection=None if self._record is None else self._note_connection,
        )

    def close(self) -> None:
        """Make no more spans, and record no more durations; closing again does nothing."""
        self._listening.close()
        for engine, each in list(_instrumented.items()):
            if each is self:
                engine.pool.listeners.forget_use(self._note_use)
                if self._record is not None:
                    self._observed.pop(engine, None)
                del _instrumented[engine]

    def _measure(self, engine: Engine, key: object, provider: MeterProvider) -> Callable[..., None]:
        """Make the instruments of metrics, and return what records a duration."""
        meter = metrics.get_meter("ormkit", __version__, provider)
        if key not in _observed:
            _observed[key] = ObservedPools(meter)
        self._observed = _observed[key].names
        self._observed[engine] = self._pool[POOL_NAME]
        duration = meter.create_histogram(
            "db.client.operation.duration",
            unit="s",
            description="Duration of database client operations.",
            explicit_bucket_boundaries_advisory=BOUNDS,
        )
        self._waited, self._opened, self._used = (
            meter.create_histogram(
                f"db.client.connection.{name}",
                unit="s",
                description=text,
                explicit_bucket_boundaries_advisory=BOUNDS,
            )
            for name, text in CONNECTION_TIMES
        )
        engine.pool.listeners.note_use(self._note_use)
        return duration.record

    def _note(self, event: StatementEvent) -> None:
        current = get_current()
        if self._record is not None and not current.get(SUPPRESSED):
            self._record_duration(event)
        # The flag is asked for here: a span that the SDK drops costs ten times as much.
        span: Any = current.get(SPAN)
        if span is not None and not event.keys:
            parent = span.get_span_context()
            if not parent.trace_flags & 1 and parent.is_valid:
                return
        if not current.get(SUPPRESSED):
            self._make_span(event)

    def _note_connection(self, event: ConnectionEvent) -> None:
        if event.what == "opened":
            self._opened.record(event.took, self._pool)

    def _note_use(self, seconds: float) -> None:
        self._used.record(seconds, self._pool)

    def _shape_of(self, event: StatementEvent) -> tuple[str, Mapping[str, Any]]:
        """Return the name of a statement's span, and what all of its shape have."""
        key = (event.sql, event.operation, event.is_pipelined)
        found = self._shapes.get(key)
        if found is None:
            attributes: dict[str, Any] = {**self._target, **shape_attributes(event)}
            if len(self._shapes) >= MOST_TEXTS:
                self._shapes.clear()
            found = self._shapes[key] = (attributes["db.query.summary"] or "postgresql", attributes)
        return found

    def _record_duration(self, event: StatementEvent) -> None:
        assert self._record is not None
        attributes = self._shape_of(event)[1]
        if event.error is not None:
            attributes = {**attributes, **error_attributes(event.error)}
        self._record(event.elapsed, attributes)
        if event.waited:
            self._waited.record(event.waited, self._pool)

    def _make_span(self, event: StatementEvent) -> None:
        name, shape = self._shape_of(event)
        attributes = dict(shape)
        if self._has_text:
            attributes["db.query.text"] = query_text(event)
        if event.argument_sets > 1:
            attributes["db.operation.batch.size"] = event.argument_sets
        if self._has_line and (caller := event.caller()) is not None:
            attributes["code.file.path"] = caller.file
            attributes["code.line.number"] = caller.line
            attributes["code.function.name"] = caller.function
        parent, links, dropped = self._callers(event)
        if dropped:
            attributes["ormkit.links_dropped"] = dropped
        ended = time.time_ns()
        span = self._tracer.start_span(
            name,
            parent,
            SpanKind.CLIENT,
            attributes,
            links,
            start_time=ended - int(event.elapsed * 1e9),
        )
        if event.error is not None:
            span.set_attributes(error_attributes(event.error))
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)

    def _callers(self, event: StatementEvent) -> tuple[context.Context | None, list[Link], int]:
        """Return the parent of a statement's span, links to all others who share it, and the rest.

        The first caller whose trace is sampled is the parent.
        """
        contexts = event.contexts()
        if not contexts:
            return None, [], 0
        found = [each.run(trace.get_current_span) for each in contexts]
        spans = {
            span.get_span_context().span_id: span
            for span in found
            if span.get_span_context().is_valid and span.get_span_context().trace_flags & 1
        }
        if not spans:
            return None, [], 0
        first, *others = spans.values()
        links = [Link(span.get_span_context()) for span in others[:MOST_LINKS]]
        return trace.set_span_in_context(first), links, len(others) - len(links)

    def _note_transaction(self, event: TransactionEvent) -> None:
        ended = time.time_ns()
        attributes = {
            **self._target,
            "ormkit.transaction.end": event.how,
            "ormkit.transaction.statements": event.statements,
            "ormkit.transaction.savepoints": event.savepoints,
        }
        if event.error is not None:
            attributes.update(error_attributes(event.error))
        span = self._tracer.start_span(
            "transaction",
            kind=SpanKind.INTERNAL,
            attributes=attributes,
            start_time=ended - int(event.held * 1e9),
        )
        if event.error is not None:
            span.set_status(Status(StatusCode.ERROR))
        span.end(ended)


#: The histograms of seconds of the pool's connections.
CONNECTION_TIMES = (
    ("wait_time", "The time it took to obtain an open connection from the pool."),
    ("create_time", "The time it took to create a new connection."),
    ("use_time", "The time between borrowing a connection and returning it to the pool."),
)
#: What tells pools, and the connections of one, apart in a metric.
POOL_NAME = "db.client.connection.pool.name"
STATE = "db.client.connection.state"
#: The metrics of the pool, each with its unit and the fields of PoolStats or PoolOptions.
POOL: tuple[tuple[str, str, tuple[tuple[str, Mapping[str, str]], ...]], ...] = (
    ("count", "{connection}", (("idle", {STATE: "idle"}), ("in_use", {STATE: "used"}))),
    ("max", "{connection}", (("max_size", {}),)),
    ("idle.min", "{connection}", (("min_connections", {}),)),
    ("idle.max", "{connection}", (("max_size", {}),)),
    ("pending_requests", "{request}", (("waiting", {}),)),
)


class ObservedPools:
    """The metrics of the pools of one provider, which are read when they are exported.

    A provider makes each instrument once, and ignores the callbacks of a second one: so there is
    one for all engines. Their names are in development in the semantic conventions.
    """

    def __init__(self, meter: Meter) -> None:
        #: What tells the pool of each engine apart.
        self.names: WeakKeyDictionary[Engine, str] = WeakKeyDictionary()
        for name, unit, fields in POOL:
            meter.create_observable_up_down_counter(
                f"db.client.connection.{name}", [self._observing(fields)], unit=unit
            )
        timeouts = self._observing((("timeouts", {}),))
        meter.create_observable_counter(
            "db.client.connection.timeouts", [timeouts], unit="{timeout}"
        )

    def _observing(
        self, fields: tuple[tuple[str, Mapping[str, str]], ...]
    ) -> Callable[[CallbackOptions], Iterable[Observation]]:
        def observe(_: CallbackOptions) -> Iterable[Observation]:
            for engine, name in list(self.names.items()):
                if engine.pool.is_closed:
                    continue
                stats, options = engine.pool_stats(), engine.pool.options
                for field, more in fields:
                    value = getattr(stats if hasattr(stats, field) else options, field)
                    yield Observation(value, {POOL_NAME: name, **more})

        return observe


class GlobalProvider:
    """Stands for OpenTelemetry's global provider, which an application may set later."""


GLOBAL = GlobalProvider()
_observed: WeakKeyDictionary[object, ObservedPools] = WeakKeyDictionary()


def instrument(
    engine: Engine,
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    query_text: bool = True,
    code_line: bool = False,
    transactions: bool = False,
    pool_name: str | None = None,
) -> Instrumentation:
    """Make a span for each statement of an engine, and the metrics of statements and the pool.

    tracer_provider, meter_provider: without one, OpenTelemetry's global one.
    query_text: whether spans have the SQL text. It has no values: of raw SQL that was written
        without parameters, literals become `?`.
    code_line: whether spans have the line of the application.
    transactions: whether a transaction is a span, too, of the kind INTERNAL.
    pool_name: what tells its pool from others; without one, `address:port/database`.

    `close()` of the result ends it. A closed engine lets go by itself. Raises ConfigurationError
    for an engine that is instrumented already, and UsageError for anything but an engine.
    """
    check_engine(engine, "instrument")
    if engine in _instrumented:
        raise ConfigurationError(
            "the engine is instrumented already: close the first instrumentation before"
        )
    made = _instrumented[engine] = Instrumentation(
        engine,
        tracer_provider,
        meter_provider,
        query_text=query_text,
        code_line=code_line,
        transactions=transactions,
        pool_name=pool_name,
    )
    return made
