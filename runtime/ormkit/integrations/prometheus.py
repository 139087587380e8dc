"""Metrics of prometheus_client: `ormkit-pg[prometheus]`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from prometheus_client import REGISTRY, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from ..engine import Engine
from ..errors import ConfigurationError
from ..events.event import StatementEvent
from .telemetry import BOUNDS, MOST_TEXTS, Target, check_engine

LABELS = ("db_client_connection_pool_name", "db_operation_name", "db_collection_name", "error_type")


class Metrics:
    """The metrics of all engines that were registered with one registry."""

    def __init__(self, registry: Any) -> None:
        self.engines: WeakValueDictionary[str, Engine] = WeakValueDictionary()
        self.duration: Any = Histogram(
            "db_client_operation_duration_seconds",
            "Duration of database client operations.",
            LABELS,
            buckets=BOUNDS,
            registry=registry,
        )
        registry.register(self)

    def collect(self) -> Iterator[Any]:
        """Yield the metrics of the pools, as prometheus_client asks for them."""
        pool = LABELS[0]
        count = GaugeMetricFamily(
            "db_client_connection_count",
            "Connections of the pool, by their state.",
            labels=(pool, "db_client_connection_state"),
        )
        gauges: dict[str, Any] = {
            "max_size": GaugeMetricFamily(
                "db_client_connection_max", "The most connections of the pool.", labels=(pool,)
            ),
            "waiting": GaugeMetricFamily(
                "db_client_connection_pending_requests",
                "Callers that wait for a connection.",
                labels=(pool,),
            ),
        }
        counters: dict[str, Any] = {
            name: CounterMetricFamily(f"db_client_connection_{metric}", text, labels=(pool,))
            for name, metric, text in (
                ("timeouts", "timeouts", "Callers that waited for a connection in vain."),
                ("waited", "wait_time_seconds", "Seconds that callers waited for a connection."),
                ("waits", "waits", "Callers that had to wait for a connection."),
                ("opened", "opened", "Connections that were opened."),
                ("closed", "closed", "Connections that were closed."),
            )
        }
        for name, engine in sorted(self.engines.items()):
            if engine.pool.is_closed:
                continue
            stats = engine.pool_stats()
            count.add_metric((name, "idle"), stats.idle)
            count.add_metric((name, "used"), stats.in_use)
            for field, family in (*gauges.items(), *counters.items()):
                family.add_metric((name,), getattr(stats, field))
        yield from (count, *gauges.values(), *counters.values())


_metrics: WeakKeyDictionary[Any, Metrics] = WeakKeyDictionary()


class Registration:
    """What `register()` returns: close it to record no more durations."""

    def __init__(self, engine: Engine, kept: Metrics, name: str) -> None:
        self._kept = kept
        self._name = name
        self._children: dict[tuple[str, str, bool], Any] = {}
        self._listening = engine.listen(on_statement=self._note)

    def close(self) -> None:
        """Record no more durations, and show the pool no more; closing again does nothing."""
        self._listening.close()
        self._kept.engines.pop(self._name, None)

    def _note(self, event: StatementEvent) -> None:
        # A look-up by labels takes 50 times as long as an observation.
        key = (event.sql, event.operation, event.is_pipelined)
        child = self._children.get(key) if event.error is None else None
        if child is None:
            child = self._kept.duration.labels(*self._labels(event))
            if event.error is None:
                if len(self._children) >= MOST_TEXTS:
                    self._children.clear()
                self._children[key] = child
        child.observe(event.elapsed)

    def _labels(self, event: StatementEvent) -> tuple[str, str, str, str]:
        batch = "BATCH " if event.is_pipelined else ""
        table = event.tables[0] if len(event.tables) == 1 else ""
        error = type(event.error).__name__ if event.error is not None else ""
        return self._name, batch + event.operation, table, error


def register(engine: Engine, registry: Any = REGISTRY, *, name: str | None = None) -> Registration:
    """Record the durations of an engine's statements, and show its pool, in a registry.

    registry: a CollectorRegistry of prometheus_client.
    name: what tells its pool from others; without one, the name of the database.

    `close()` of the result ends it. Raises ConfigurationError for a name that the registry has
    already, and UsageError for anything but an engine.
    """
    check_engine(engine, "register")
    label = name or Target.of(engine).namespace or "ormkit"
    kept = _metrics.get(registry)
    if kept is None:
        kept = _metrics[registry] = Metrics(registry)
    if (other := kept.engines.get(label)) is not None and not other.pool.is_closed:
        raise ConfigurationError(
            f"the registry has an engine of the name {label!r} already: give another name"
        )
    kept.engines[label] = engine
    return Registration(engine, kept, label)
