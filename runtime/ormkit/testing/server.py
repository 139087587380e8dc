"""The server of the tests: the one that the project names, or one embedded server for all."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from ..connecting.options import EMBEDDED
from ..embedded.cluster import OWN_FILES, VERSIONS
from ..embedded.locks import held_alone
from ..embedded.server import EmbeddedServer, reported, resolve
from ..embedded.throwaway import SETTINGS, server_directory
from ..embedded.url import parts_of
from ..embedded.warden import GuardedUse
from ..errors import EmbeddedServerError

#: What to do where the directory cannot be made.
ELSEWHERE = " (XDG_CACHE_HOME names another place, ORMKIT_TEST_URL another server)"


@contextmanager
def server_for(url: str | None) -> Generator[str]:
    """Yield the URL of a running server: the given one, or that of an embedded server.

    All tests of this user share one embedded server. It stops with the last of them, also if they
    are killed.

    Raises EmbeddedServerError.
    """
    if url is not None and not url.startswith(EMBEDDED):
        yield url
        return
    directory = server_directory(f"tests-{VERSIONS[0]}")
    if url is not None:
        directory = resolve(parts_of(url)[0])
    with reported(f"cannot make a directory for the server of the tests{ELSEWHERE}"):
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
