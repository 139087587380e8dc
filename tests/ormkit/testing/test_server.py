"""The tests' server is shared, and ends with the last of them, also where that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ormkit import EmbeddedServerError
from ormkit.embedded import throwaway
from ormkit.embedded.server import EmbeddedServer
from ormkit.embedded.throwaway import cache_directory, memory_directory
from ormkit.embedded.throwaway import server_directory as directory_of
from ormkit.testing.server import server_for

pytestmark = pytest.mark.one_interpreter

#: A process that uses the server until it is killed.
USER = """
import sys, time
from pathlib import Path
from ormkit.embedded import throwaway
from ormkit.testing import server
throwaway.MEMORY = Path(sys.argv[1])
with server.server_for(None) as url:
    print(url, flush=True)
    time.sleep(600)
"""


def wait_until_stopped(directory: Path) -> None:
    deadline = time.monotonic() + 60
    while EmbeddedServer.running(directory) is not None:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.slow
def test_a_server_ends_when_its_last_user_is_killed(
    server_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throwaway, "MEMORY", server_directory)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    directory = server_directory / f"ormkit-{os.getuid()}/tests-18"
    with server_for(None) as url:
        users = [
            subprocess.Popen(
                [sys.executable, "-c", USER, str(server_directory)],
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        for user in users:
            assert user.stdout is not None
            assert user.stdout.readline().strip() == url
    assert EmbeddedServer.running(directory) is not None
    for user in users:
        os.kill(user.pid, signal.SIGKILL)
        user.communicate()
    wait_until_stopped(directory)
    # What a crash has left in it is made anew.
    (directory / "global/pg_control").write_bytes(b"")
    with server_for(None):
        assert EmbeddedServer.running(directory) is not None
    # Its user stops it, or the process that watches the user, if that looks first.
    wait_until_stopped(directory)


def test_the_server_is_in_memory_only_where_that_is_safe(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(throwaway, "MEMORY", tmp_path)
    own = tmp_path / f"ormkit-{os.getuid()}"
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert memory_directory() == own == directory_of("x").parent
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert directory_of("x").parent == cache_directory() == tmp_path / "cache/ormkit"
    # Somebody else made it, or may write into it.
    own.chmod(0o777)
    assert memory_directory() is None
    own.rmdir()
    own.symlink_to(tmp_path)
    assert memory_directory() is None
    own.unlink()
    monkeypatch.setattr(throwaway, "ENOUGH", 1 << 62)
    assert memory_directory() is None
    monkeypatch.setattr(throwaway, "MEMORY", tmp_path / "none")
    assert memory_directory() is None


def test_a_cache_that_cannot_be_written_is_told_with_the_ways_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with (
        pytest.raises(EmbeddedServerError, match=r"XDG_CACHE_HOME .*ORMKIT_TEST_URL") as raised,
        server_for(None),
    ):
        pass
    assert str(tmp_path / "cache/ormkit") in str(raised.value)
