"""From what was measured to what is said about it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from benchmarks.curve import Axis
from benchmarks.documents import MarkerMissing, replace, write
from benchmarks.findings import Findings
from benchmarks.interference import QUIET, cores_between, ticks_of
from benchmarks.libraries import load
from benchmarks.markdown import losses, ratios_table, stream_sentence
from benchmarks.measuring import Measured
from benchmarks.memory import STATUS, WORKS_OF_MEMORY
from benchmarks.plots import bars
from benchmarks.saved import About, restore, save
from benchmarks.tables import warning
from benchmarks.works import WORKS
from tests.servers import is_alive

ROOT = Path(__file__).parents[2]
KEYS = ("bare", "pool", "ormkit", "ormkit-alone")


def measured(method: str, ours: float, *, spread: float = 0.0) -> Measured:
    work = next(each for each in WORKS if each.method == method)
    seconds = {key: [1.0] * 3 for key in KEYS}
    seconds["ormkit"] = [ours] * 3
    seconds["ormkit-alone"] = [ours * (1 - spread), ours, ours * (1 + spread)]
    return Measured(work, seconds)


def about(*others: float) -> About:
    return About("together", "asyncio", 3, "18.0", list(others))


def findings(one: Measured, two: Measured, memory: int = 0) -> Findings:
    return Findings(
        libraries=[load(key) for key in KEYS],
        together=[one],
        about=about(),
        apart=[two],
        about_apart=about(),
        uvloop=[one],
        memory={"stream": {"ormkit": memory}},
        curves={},
        models={},
    )


@pytest.mark.parametrize(("one", "two"), [(1.0, 1.2), (1.2, 1.0)])
def test_a_limit_that_is_missed_in_one_placement_is_missed(one: float, two: float) -> None:
    text = losses(findings(measured("count", one), measured("count", two)))
    assert text.startswith(f"OrmKit exceeds its limit in: count ({one:.2f} and {two:.2f}")


def test_a_limit_that_chance_decides_on_is_not_claimed() -> None:
    text = losses(findings(measured("count", 1.0), measured("count", 1.0, spread=0.9)))
    assert text.startswith(
        "Undecided, because the noise is too large: count (1.00 and 1.00, limit 1.10)"
    )
    assert "within" not in text


def test_limits_that_hold_in_both_placements_are_met() -> None:
    text = losses(findings(measured("count", 1.0), measured("count", 1.05)))
    assert text.startswith("OrmKit meets all of its limits.")


def test_an_unsteady_figure_is_marked() -> None:
    steady, wild = measured("count", 1.04), measured("count", 1.05, spread=0.9)
    row = ratios_table(findings(steady, wild)).splitlines()[-1]
    assert "**1.04**" in row
    assert "| ~1.05 |" in row


@pytest.mark.parametrize(("mebibytes", "word"), [(30, "met"), (31, "not met")])
def test_memory_of_the_stream_has_a_limit(mebibytes: int, word: str) -> None:
    one = measured("stream", 1.0)
    assert stream_sentence(findings(one, one, mebibytes << 20)).endswith(f"limit 30 MiB, {word}.")


def test_other_work_on_the_machine_is_told() -> None:
    assert warning(about(0.0, QUIET)) == ""
    assert "other processes used 0.50 cores between the benchmarks, at most 1.00" in warning(
        about(0.0, 1.0)
    )


def test_waiting_for_a_disk_is_not_being_busy() -> None:
    assert ticks_of("cpu0 10 1 5 70 9 2 2 1 0 0") == (21, 100)
    assert cores_between([(0, 0), (0, 0)], [(50, 100), (100, 100)]) == 1.5


def test_samples_are_the_same_after_they_were_saved(tmp_path: Path) -> None:
    found = [measured("get", 1.1), Measured(WORKS[-1], {"bare": [1.0]}, {"yara": "cannot"})]
    save(tmp_path / "file", found, about(0.5))
    assert restore(tmp_path / "file") == (found, about(0.5))


def test_only_what_is_between_the_markers_is_replaced(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text("before\n<!-- here -->\nold\n<!-- /here -->\nafter\n", encoding="utf-8")
    replace(document, "here", r"new \1")
    assert document.read_text(encoding="utf-8") == (
        "before\n<!-- here -->\nnew \\1\n<!-- /here -->\nafter\n"
    )
    with pytest.raises(MarkerMissing, match=r"page\.md needs one pair of <!-- there -->"):
        replace(document, "there", "new")


@pytest.mark.parametrize(
    ("document", "marker"), [("README.md", "benchmark"), ("docs/performance.md", "comparison")]
)
def test_the_documents_have_their_markers(document: str, marker: str, tmp_path: Path) -> None:
    copy = tmp_path / "copy.md"
    copy.write_text((ROOT / document).read_text(encoding="utf-8"), encoding="utf-8")
    replace(copy, marker, "found")
    assert f"<!-- {marker} -->\nfound\n<!-- /{marker} -->" in copy.read_text(encoding="utf-8")


def test_a_logarithmic_axis_goes_over_whole_powers_of_ten() -> None:
    axis = Axis.of([2.0, 100.0], is_logarithmic=True)
    assert axis.ticks() == pytest.approx([1, 10, 100])
    assert axis.part(10) == pytest.approx(0.5)


def test_a_bar_ends_where_its_ratio_is() -> None:
    one = measured("count", 2.0)
    drawn = bars(findings(one, one))
    assert ">2.00</text>" in drawn
    assert drawn.count('height="6"') == 1


def test_everything_that_was_found_is_written(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    for document in ("README.md", "docs/performance.md"):
        (tmp_path / document).write_bytes((ROOT / document).read_bytes())
    found = [measured(work.method, 1.0) for work in WORKS]
    points = {"ormkit": [(1, 0.001), (100, 0.1)]}
    all_of_it = Findings(
        libraries=[load(key) for key in KEYS],
        together=found,
        about=about(1.5),
        apart=found,
        about_apart=about(),
        # The run on uvloop leaves out what takes long.
        uvloop=[each for each in found if each.work.rounds is None],
        memory={work.method: {"bare": 0, "ormkit": 1 << 20} for work in WORKS_OF_MEMORY},
        curves=dict.fromkeys(("rows", "tasks", "columns"), points),
        models=points,
    )
    write(tmp_path, all_of_it)
    short = (tmp_path / "README.md").read_text(encoding="utf-8")
    long = (tmp_path / "docs/performance.md").read_text(encoding="utf-8")
    for work in WORKS:
        assert f"| {work.title} |" in short
        assert f"| {work.title} | 1.00 (1.00-1.00) |" in long
    for text in (short, long):
        assert "OrmKit exceeds its limit in: get by key, 50 tasks (1.00 and 1.00" in text
        assert "Other processes used 1.50 cores between the benchmarks" in text
        assert "PostgreSQL 18.0" in text
        assert "Medians of 3 rounds" in text
        assert "No figures yet" not in text
    drawn = {each.name for each in (tmp_path / "docs").glob("*.svg")}
    assert drawn == set(re.findall(r"\]\((\w+\.svg)\)", long)) - {"generation.svg"}


KNOWN = """
import gc
from benchmarks import memory
junk = [object() for _ in range(150_000)]
del junk
gc.collect()
kept = memory.use_up_free_memory()
before = memory.start_of_peak()
data = [bytes(167) for _ in range(10_000)]
del data
print((memory.peak() - before) / memory.MIB)
"""


@pytest.mark.skipif(not STATUS.exists(), reason="the system does not tell what is resident")
def test_memory_that_was_free_before_is_counted_and_what_was_freed_since_is_too() -> None:
    """Ten thousand objects of 200 bytes, and the list of them, are 2.0 MiB."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'runtime'}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-c", KNOWN]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert 1.7 < float(done.stdout) < 2.4


def test_a_process_leaves_with_its_output_and_without_what_libraries_do_at_the_end() -> None:
    script = (
        "import atexit, os; from benchmarks.leaving import leave\n"
        "atexit.register(os.abort); print('measured'); leave(3)"
    )
    command = [sys.executable, "-c", script]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": ""}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (3, "measured\n")


def runs(pid: int) -> bool:
    """Return whether a process runs: one that has ended may wait for its parent to take note."""
    status = Path(f"/proc/{pid}/status")
    try:
        return "State:\tZ" not in status.read_text(encoding="ascii")
    except FileNotFoundError:
        return is_alive(pid) if not status.parents[1].exists() else False


def test_a_run_that_is_told_to_end_stops_its_server() -> None:
    """Else a PostgreSQL would stay for each run that was given up."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{ROOT / 'runtime'}{os.pathsep}{ROOT}",
        "TMPDIR": tempfile.mkdtemp(prefix="ormkit-tests-bench-", dir="/tmp"),
    }
    directory = Path(environment["TMPDIR"])
    script = (
        "import signal, sys; from benchmarks import publication\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "command = [sys.executable, '-m', 'benchmarks.comparison', '--quick', '--only', 'stream']\n"
        "publication.run(command)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        # The heading comes once the libraries are connected: initdb has such a file of its own.
        assert any("floor" in line for line in process.stdout)
        (file,) = directory.glob("ormkit-bench-*/data/postmaster.pid")
        server = int(file.read_text(encoding="ascii").splitlines()[0])
        assert runs(server)
        process.terminate()
        process.wait(30)
        assert not runs(server)
        assert not list(directory.iterdir())
    finally:
        process.kill()
        process.stdout.close()
        shutil.rmtree(directory, ignore_errors=True)
