"""What OpenTelemetry and Prometheus add to a statement: `python -m benchmarks.telemetry`.

It calls the listeners alone, with an event that has ended, and prints microseconds of processor
time for each, the least of several rounds. Beside them stands the loop that all share.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from opentelemetry import trace
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, ParentBased
from prometheus_client import CollectorRegistry

from ormkit import create_engine
from ormkit.driver.command import Command
from ormkit.events.event import StatementEvent
from ormkit.integrations.opentelemetry import instrument
from ormkit.integrations.prometheus import register

ROUNDS = 15
CALLS = 5_000


def microseconds(note: Callable[[StatementEvent], None], event: StatementEvent) -> float:
    """Return the processor time of one call, the least of several rounds."""
    rounds: list[float] = []
    for _ in range(ROUNDS):
        began = time.process_time()
        for _ in range(CALLS):
            note(event)
        rounds.append(time.process_time() - began)
    return min(rounds) / CALLS * 1e6


async def main() -> None:
    """Print the table."""
    event = StatementEvent(Command("SELECT 1", is_raw=True))
    event.elapsed = 0.001
    event.end(b"SELECT 1", 1)
    async with await create_engine("embedded://.pgdata") as engine:
        nothing = microseconds(lambda _: None, event)
        print(f"an empty listener     {nothing:6.2f}")
        for name, sampler, meters in (
            ("not sampled", ALWAYS_OFF, NoOpMeterProvider()),
            ("recorded", ALWAYS_ON, NoOpMeterProvider()),
            ("not sampled, metrics", ALWAYS_OFF, MeterProvider([InMemoryMetricReader()])),
        ):
            provider = TracerProvider(sampler=ParentBased(sampler))
            made: Any = instrument(engine, tracer_provider=provider, meter_provider=meters)
            with trace.use_span(provider.get_tracer("request").start_span("request")):
                print(f"{name:22}{microseconds(made._note, event):6.2f}")
            made.close()
        registered: Any = register(engine, CollectorRegistry())
        print(f"{'prometheus':22}{microseconds(registered._note, event):6.2f}")


if __name__ == "__main__":
    import asyncio

    asyncio.run(main())
