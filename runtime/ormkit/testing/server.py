"""The server of the tests: the one that the project names, or one embedded server for all."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ..connecting.options import EMBEDDED
from ..embedded.cluster import OWN_FILES, VERSIONS
from ..embedded.locks import held_alone
from ..embedded.server import EmbeddedServer, resolve
from ..embedded.url import parts_of
from ..embedded.warden import GuardedUse
from ..errors import EmbeddedServerError

#: A crash of the machine may destroy what is in the server, which is made anew then.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "300",
    # Databases of tests are gone before a vacuum would help them.
    "autovacuum_naptime": "10min",
}


def cache_directory() -> Path:
    """Return the directory for the caches of this user."""
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local")
    if sys.platform == "darwin":
        return Path.home() / "Library/Caches"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")


@contextmanager
def server_for(url: str | None) -> Generator[str]:
    """Yield the URL of a running server: the given one, or that of an embedded server.

    All tests of this user share one embedded server. It stops with the last of them, also if they
    are killed.
    """
    if url is not None and not url.startswith(EMBEDDED):
        yield url
        return
    directory = cache_directory() / "ormkit" / f"tests-{VERSIONS[0]}"
    if url is not None:
        directory = resolve(parts_of(url)[0])
    directory.parent.mkdir(parents=True, exist_ok=True)
    with held_alone(directory.with_suffix(".lock")):
        use = GuardedUse(directory)
        try:
            server = started(directory)
        except BaseException:
            use.close()
            raise
    try:
        yield server.url
    finally:
        use.close()
        server.stop()


def started(directory: Path) -> EmbeddedServer:
    """Start the server, or share it; make a cluster anew that does not start."""
    try:
        return EmbeddedServer.start(directory, settings=SETTINGS)
    except EmbeddedServerError:
        if not (directory / "PG_VERSION").exists():
            raise
        for entry in directory.iterdir():
            if entry.is_dir():
                shutil.rmtree(entry)
            elif entry.name not in OWN_FILES:
                entry.unlink()
        return EmbeddedServer.start(directory, settings=SETTINGS)
