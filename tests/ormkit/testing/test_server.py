"""The tests' server is shared, and ends with the last of them, also where that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ormkit.embedded.server import EmbeddedServer
from ormkit.testing.server import server_for

pytestmark = [pytest.mark.one_interpreter, pytest.mark.slow]

#: A process that uses the server until it is killed.
USER = """
import time
from ormkit.testing.server import server_for
with server_for(None) as url:
    print(url, flush=True)
    time.sleep(600)
"""


def test_a_server_ends_when_its_last_user_is_killed(
    server_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(server_directory / "cache"))
    directory = server_directory / "cache/ormkit/tests-18"
    with server_for(None) as url:
        users = [
            subprocess.Popen([sys.executable, "-c", USER], stdout=subprocess.PIPE, text=True)
            for _ in range(2)
        ]
        for user in users:
            assert user.stdout is not None
            assert user.stdout.readline().strip() == url
    assert EmbeddedServer.running(directory) is not None
    for user in users:
        os.kill(user.pid, signal.SIGKILL)
        user.communicate()
    deadline = time.monotonic() + 60
    while EmbeddedServer.running(directory) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    # What a crash has left in it is made anew.
    (directory / "global/pg_control").write_bytes(b"")
    with server_for(None):
        assert EmbeddedServer.running(directory) is not None
    assert EmbeddedServer.running(directory) is None
