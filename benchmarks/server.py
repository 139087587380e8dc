"""The PostgreSQL that a measurement runs on."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.placement import Placement, bound_to
from ormkit import EmbeddedServer


@contextmanager
def server(placement: Placement) -> Generator[str]:
    """Yield the URL of a new PostgreSQL 18 with its own settings, fsync among them."""
    # A run that is told to end stops its server, as with Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with tempfile.TemporaryDirectory(prefix="ormkit-bench-") as directory:
        # The server may run under another account than this process.
        Path(directory).chmod(0o755)
        with bound_to(placement.server):
            running = EmbeddedServer.start(Path(directory) / "data", version=18)
        with running:
            yield running.url
