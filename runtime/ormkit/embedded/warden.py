"""A process that stops an embedded server once its last user is gone, even one that was killed.

Without it, the server of a killed process runs until the next user stops it. The process waits for
the lock that the users share, which the operating system releases.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ..errors import EmbeddedServerError
from .cluster import Cluster
from .locks import FileLock, held_alone, hold_shared
from .server import EmbeddedServer, lock_file, shut_down_unused, users_file

#: What the process runs. It imports the runtime when it has to stop the server, and not before, so
#: that it costs a run of tests next to nothing.
WAITING = """\
import sys
directory, users = sys.argv[1:]
try:
    import fcntl
    with open(users, "r+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
except (ImportError, OSError):
    pass
from ormkit.embedded.warden import stop_when_unused
stop_when_unused(directory)
"""


class GuardedUse:
    """The use of an embedded server that also ends it if this process is killed."""

    def __init__(self, directory: Path) -> None:
        """Count as a user of the server that is about to start in a directory."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._use = hold_shared(users_file(directory))
        if EmbeddedServer.running(directory) is None:
            spawn_warden(directory)

    def close(self) -> None:
        """End the use, before the server's own stop()."""
        self._use.close()


def spawn_warden(directory: Path) -> None:
    """Start the process for a directory, whose server has a user already."""
    package = str(Path(__file__).parents[2])
    process = subprocess.Popen(
        [sys.executable, "-P", "-c", WAITING, str(directory), str(users_file(directory))],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=directory.anchor,
        env={**os.environ, "PYTHONPATH": package},
        # Ctrl-C in the terminal is for the tests alone.
        start_new_session=True,
    )
    # It outlives this process, so that nobody waits for its end, and Python is not to warn of that.
    process.returncode = 0


def stop_when_unused(directory: str) -> None:
    """Wait until the server of the directory has no user, and stop it."""
    path = Path(directory)
    while path.exists():
        lock = FileLock(users_file(path))
        lock.wait_exclusive()
        lock.close()
        with held_alone(lock_file(path)):
            try:
                if shut_down_unused(Cluster(path)):
                    return
            except EmbeddedServerError:
                return
