"""The wheel in a clean environment outside the repository, as a user gets it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

import hatch_build
import ormkit

pytestmark = pytest.mark.one_interpreter

ROOT = Path(__file__).parents[1]


#: What a machine without a compiler looks like to a build.
NO_COMPILER = {"CC": "/nowhere/cc", "PATH": "/nowhere"}
EXTENSION = f"ormkit/_accelerator{sysconfig.get_config_var('EXT_SUFFIX')}"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file, _ = built(tmp_path_factory.mktemp("dist"), "--wheel", ROOT)
    return file


@pytest.fixture(scope="module")
def pure_wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file, _ = built(tmp_path_factory.mktemp("pure"), "--wheel", ROOT, **NO_COMPILER)
    return file


def built(out: Path, form: str, source: Path, **environment: str) -> tuple[Path, str]:
    """Build a distribution; return its file and what the build said."""
    build = [sys.executable, "-m", "build", form, "--no-isolation", "--outdir", str(out)]
    # A pure wheel may be asked for where these tests run; here each test says what it wants.
    own = {**os.environ, "ORMKIT_PURE_PYTHON": "", **environment}
    done = subprocess.run(
        [*build, str(source)], check=True, capture_output=True, text=True, env=own
    )
    (file,) = [each for each in out.iterdir() if each.suffix in (".whl", ".gz")]
    return file, done.stdout + done.stderr


def tags(wheel: Path) -> tuple[str, bool]:
    """Return the tags that a wheel bears within, as its name has to, and whether it is pure."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [each for each in archive.namelist() if each.endswith(".dist-info/WHEEL")]
        lines = dict(line.split(": ") for line in archive.read(name).decode().splitlines() if line)
    assert wheel.name == f"ormkit_pg-{ormkit.__version__}-{lines['Tag']}.whl"
    return lines["Tag"], lines["Root-Is-Purelib"] == "true"


@pytest.fixture(scope="module")
def environment(wheel: Path, server_directory: Path) -> Path:
    """A new virtual environment with the wheel and nothing but what it needs itself."""
    directory = server_directory / "venv"
    venv.create(directory)
    install(directory, str(wheel))
    return directory


@pytest.fixture(scope="module")
def whole(wheel: Path, server_directory: Path) -> Path:
    """A new virtual environment with the wheel, the generator and the embedded server."""
    directory = server_directory / "whole"
    venv.create(directory)
    install(directory, f"{wheel}[gen,embedded]")
    return directory


def install(environment: Path, *requirements: str, **variables: str) -> None:
    """Install into an environment by the pip of this one: to make another pip takes long."""
    pip = [sys.executable, "-m", "pip", "--python", str(environment / "bin/python")]
    options = [
        "install",
        "-q",
        "--no-compile",
        "--disable-pip-version-check",
        "-c",
        str(ROOT / "constraints.txt"),
    ]
    done = subprocess.run(
        [*pip, *options, *requirements],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )
    assert done.returncode == 0, done.stderr


def run(environment: Path, cwd: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the environment, without anything of the repository in sight."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    program = str(environment / "bin" / command[0])
    return subprocess.run(
        [program, *command[1:]], cwd=cwd, env=clean, capture_output=True, text=True, check=False
    )


def test_the_wheel_holds_both_packages_the_templates_and_the_type_markers(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"ormkit/py.typed", "ormkit/__init__.py", "ormkit_gen/__main__.py"} <= names
    assert "ormkit_gen/py.typed" in names
    templates = {str(file.relative_to(ROOT)) for file in (ROOT / "templates").rglob("*.jinja")}
    assert {f"ormkit_gen/{name}" for name in templates} <= names
    assert not [name for name in names if name.startswith(("tests", "examples", "templates"))]


needs_compiler = pytest.mark.skipif(
    shutil.which((sysconfig.get_config_var("CC") or "none").split()[0]) is None,
    reason="no C compiler is installed",
)


@needs_compiler
def test_with_a_compiler_the_wheel_is_of_this_platform_and_has_the_accelerator(
    wheel: Path,
) -> None:
    tag, is_pure = tags(wheel)
    version = "cp{}{}".format(*sys.version_info)
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    assert (tag, is_pure) == (f"{version}-{version}-{platform}", False)
    names = zipfile.ZipFile(wheel).namelist()
    assert [name for name in names if "_accelerator" in name] == [
        "ormkit/_accelerator.pyi",
        EXTENSION,
    ]


def test_without_a_compiler_the_wheel_is_pure(pure_wheel: Path) -> None:
    assert tags(pure_wheel) == ("py3-none-any", True)
    names = zipfile.ZipFile(pure_wheel).namelist()
    assert [name for name in names if "_accelerator" in name] == ["ormkit/_accelerator.pyi"]


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (NO_COMPILER, "the C compiler does not start"),
        ({"CC": "false"}, "the C compiler failed"),
        ({"CFLAGS": "-include nowhere.h"}, "nowhere.h"),
        ({"ORMKIT_PURE_PYTHON": "1"}, "ORMKIT_PURE_PYTHON is set"),
    ],
    ids=["no compiler", "broken compiler", "missing header", "switched off"],
)
@needs_compiler
def test_a_build_without_the_accelerator_says_why(
    tmp_path: Path, environment: dict[str, str], said: str
) -> None:
    file, output = built(tmp_path, "--wheel", ROOT, **environment)
    assert file.name.endswith("-py3-none-any.whl")
    assert "built without its accelerator" in output
    assert said in output


@needs_compiler
def test_where_cpython_names_no_command_setuptools_compiles(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on Windows, where setuptools finds Visual C++."""
    of_cpython = sysconfig.get_config_var
    monkeypatch.setattr(
        sysconfig, "get_config_var", lambda name: None if name == "LDSHARED" else of_cpython(name)
    )
    assert hatch_build.build(ROOT, tmp_path).stat().st_size > 50_000
    broken = tmp_path / "_accelerator.c"
    broken.write_text("int main(")
    with pytest.raises(hatch_build.NotBuilt, match="the C compiler failed"):
        hatch_build.compile_by_setuptools(broken, tmp_path / "other")


@needs_compiler
def test_a_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    source, _ = built(tmp_path / "source", "--sdist", ROOT)
    shutil.unpack_archive(source, tmp_path / "unpacked", filter="data")
    (directory,) = (tmp_path / "unpacked").iterdir()
    again, _ = built(tmp_path / "wheel", "--wheel", directory)
    assert again.name == wheel.name
    listed = [sorted(zipfile.ZipFile(file).namelist()) for file in (wheel, again)]
    assert listed[0] == listed[1]


NAMES = """
from importlib.metadata import distributions
print(*{each.metadata["Name"].lower() for each in distributions()})
"""
WHICH = "from ormkit.loading import decoding; print(decoding.Decoder is not None)"


@needs_compiler
def test_what_is_installed_uses_what_was_built(
    environment: Path, wheel: Path, pure_wheel: Path, tmp_path: Path
) -> None:
    for file, answer in ((pure_wheel, "False"), (wheel, "True")):
        install(environment, "--force-reinstall", "--no-index", "--no-deps", str(file))
        assert run(environment, tmp_path, "python", "-c", WHICH).stdout.strip() == answer


@needs_compiler
def test_an_editable_install_builds_it_in_place_or_takes_away_an_old_one(tmp_path: Path) -> None:
    source, _ = built(tmp_path / "source", "--sdist", ROOT)
    shutil.unpack_archive(source, tmp_path / "unpacked", filter="data")
    (directory,) = (tmp_path / "unpacked").iterdir()
    home = tmp_path / "venv"
    venv.create(home)
    install(home, "asyncpg")
    # The tools of this environment build it: those of an isolated one would be fetched each time.
    editable = ["--no-index", "--no-deps", "--no-build-isolation", "-e", str(directory)]
    for off, answer in (("", "True"), ("1", "False")):
        path = sysconfig.get_path("purelib")
        install(home, *editable, ORMKIT_PURE_PYTHON=off, PYTHONPATH=path)
        assert run(home, tmp_path, "python", "-c", WHICH).stdout.strip() == answer
        assert (directory / "runtime" / EXTENSION).exists() is (answer == "True")


def test_the_runtime_alone_needs_asyncpg_only_and_tells_what_the_command_needs(
    environment: Path, tmp_path: Path
) -> None:
    installed = set(run(environment, tmp_path, "python", "-c", NAMES).stdout.split())
    assert {"ormkit-pg", "asyncpg"} <= installed <= {"ormkit-pg", "asyncpg", "async-timeout"}
    assert (
        run(environment, tmp_path, "python", "-W", "error", "-c", "import ormkit").returncode == 0
    )
    told = run(environment, tmp_path, "ormkit", "generate")
    assert told.returncode == 2
    assert "pip install 'ormkit-pg[gen]'" in told.stderr
    assert "Traceback" not in told.stderr


@pytest.mark.in_check
def test_a_project_from_init_generates_imports_and_queries(
    whole: Path, server_directory: Path
) -> None:
    home = server_directory / "user"
    home.mkdir()
    made = run(whole, home, "ormkit", "init", "app")
    assert made.returncode == 0, made.stderr
    project = home / "app"
    first = run(whole, project, "python", "main.py")
    assert first.returncode == 0, first.stderr
    assert "Ada wrote 2 posts" in first.stdout
    again = run(whole, project, "python", "main.py")
    assert again.stdout == first.stdout
    schema = project / "schemas/blog.toml"
    schema.write_text(schema.read_text().replace("bio =", "about ="))
    assert run(whole, project, "ormkit", "generate", "--check").returncode == 1
    assert run(whole, project, "ormkit", "generate").returncode == 0
    checked = run(whole, project, "ormkit", "generate", "--check")
    assert (checked.returncode, "[no-migration]" in checked.stderr) == (1, True)
    renamed = ("ormkit", "migrate", "new", "about", "--rename", "users.bio=users.about")
    assert run(whole, project, *renamed).returncode == 0
    assert run(whole, project, "ormkit", "generate", "--check").returncode == 0
    assert "about: str | None" in (project / "db/user.py").read_text()


def test_the_namesake_on_pypi_is_told_apart(whole: Path, tmp_path: Path) -> None:
    """Both packages are called ormkit: the one installed last overwrites the other's files."""
    (package,) = whole.glob("lib/python*/site-packages/ormkit")
    metadata = package.with_name("ormkit-0.1.5.dist-info")
    metadata.mkdir()
    told = run(whole, tmp_path, "python", "-c", "import ormkit")
    assert told.returncode == 1
    assert "another project named ormkit" in told.stderr
    assert "pip uninstall ormkit ormkit-pg" in told.stderr
    metadata.rmdir()
    version = package / "_version.py"
    version.rename(version.with_suffix(".away"))
    try:
        told = run(whole, tmp_path, "ormkit", "generate")
    finally:
        version.with_suffix(".away").rename(version)
    assert told.returncode == 2
    assert "another project named ormkit" in told.stderr
    assert "Traceback" not in told.stderr
