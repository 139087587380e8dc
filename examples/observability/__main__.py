"""What an engine tells of three requests: `python -m examples.observability`.

Spans and metrics go to the console, one JSON document after the other. With a collector, put
`opentelemetry.exporter.otlp.proto.grpc`'s exporters in place of those of the console.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import ConsoleMetricExporter, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor
from prometheus_client import CollectorRegistry, generate_latest

from examples.blog.db import SCHEMA, Post, User
from ormkit import (
    Engine,
    SlowQueries,
    create_engine,
    detect_repeats,
    selectinload,
    session_context,
)
from ormkit.integrations.opentelemetry import instrument
from ormkit.integrations.prometheus import register

SERVICE = Resource.create({"service.name": "blog"})
#: A threshold of 0 logs every statement, once for each SQL text; 0.1 suits production.
SLOW = SlowQueries(threshold=0.0)


@contextmanager
def telemetry(engine: Engine) -> Generator[TracerProvider]:
    """Export spans and metrics of the engine during the block."""
    tracers = TracerProvider(resource=SERVICE)
    tracers.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=sys.stdout)))
    reader = PeriodicExportingMetricReader(
        ConsoleMetricExporter(out=sys.stdout), export_interval_millis=60_000
    )
    meters = MeterProvider([reader], resource=SERVICE)
    instrumentation = instrument(
        engine, tracer_provider=tracers, meter_provider=meters, code_line=True, transactions=True
    )
    try:
        yield tracers
    finally:
        meters.force_flush()
        instrumentation.close()
        meters.shutdown()
        tracers.shutdown()


async def sign_up(engine: Engine, name: str) -> None:
    """Write a user with a post, as one transaction."""
    async with session_context(engine) as session, session.begin() as tx:
        user = await tx.insert(User(name=name))
        await tx.insert(Post(author_id=user.id, title=f"{name} says hello"))


async def list_posts(engine: Engine) -> None:
    """Read users with their posts, as it should be done."""
    async with session_context(engine) as session:
        await session.query(User).options(selectinload("posts")).all()


async def list_posts_one_by_one(engine: Engine) -> None:
    """Read the same by a statement for each user, which the log names with its cure."""
    async with session_context(engine) as session:
        for user in await session.query(User).all():
            await session.query(Post).filter(author_id=user.id).all()


async def main(url: str) -> None:
    """Send the requests, and print what was seen of them."""
    logging.basicConfig(format="%(name)s: %(message)s", stream=sys.stdout)
    registry = CollectorRegistry()
    async with await create_engine(url, slow_query=SLOW) as engine:
        await engine.create_all(SCHEMA)
        with detect_repeats(engine), telemetry(engine) as tracers:
            registration = register(engine, registry)
            tracer = tracers.get_tracer("blog")
            with tracer.start_as_current_span("POST /users"):
                for number in range(5):
                    await sign_up(engine, f"User {number}")
            with tracer.start_as_current_span("GET /posts"):
                await list_posts(engine)
            with tracer.start_as_current_span("GET /slow"):
                await list_posts_one_by_one(engine)
            print(generate_latest(registry).decode())
            registration.close()
        print(engine.pool_stats())
        # The plans of slow statements are made once a connection is idle.
        await asyncio.sleep(0.1)


if __name__ == "__main__":
    asyncio.run(main(os.environ.get("DATABASE_URL", "embedded://.pgdata")))
