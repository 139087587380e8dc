"""What a killed run has left running is stopped by the next one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.reliability.bouncer import PROGRAM
from tests.servers import PREFIX, contrib_binaries, processes_in, server_files

pytestmark = pytest.mark.one_interpreter

#: Starts one server of each kind, says where, and waits to be killed.
RUN = """
import sys, time
from contextlib import ExitStack
from ormkit import EmbeddedServer
from tests.reliability.bouncer import PROGRAM, Bouncer
from tests.servers import ContribServer, contrib_binaries, server_files

with ExitStack() as stack:
    directory = stack.enter_context(server_files())
    home = directory / "home"
    home.mkdir(0o711)
    server = EmbeddedServer.start(home / "18", settings={"fsync": "off"})
    if PROGRAM is not None:
        stack.enter_context(Bouncer(server.url, directory / "bouncer"))
    if (binaries := contrib_binaries()) is not None:
        stack.enter_context(ContribServer(binaries, directory / "contrib"))
    print(directory, flush=True)
    time.sleep(600)
"""


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="there is no /proc")
def test_the_next_run_stops_the_servers_of_a_killed_one_and_removes_their_files() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", RUN],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    try:
        assert process.stdout is not None
        directory = Path(process.stdout.readline().strip())
        assert directory.name.startswith(f"{PREFIX}{process.pid}-")
        started = processes_in(directory)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert len(started) == 1 + (PROGRAM is not None) + (contrib_binaries() is not None)
    assert processes_in(directory) == started
    with server_files():
        assert processes_in(directory) == {}
        assert not directory.exists()
