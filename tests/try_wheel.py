"""make try-wheel: what README.md tells a new user to do, done from the wheel in a clean place.

The commands are read from README.md and from the README.md that `ormkit init` writes, so that what
they promise is what is run. Everything happens in a temporary directory, which is removed.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: The directory that README.md makes a project in.
PROJECT = "shop"
#: What the first program prints.
PRINTED = "Ada wrote 2 posts:"
#: Parts of a checkout that a new clone does not have.
NOT_IN_A_CLONE = (
    ".git",
    ".venv*",
    ".*_cache",
    ".hypothesis",
    "__pycache__",
    "build",
    "dist",
    "*.so",
    # What a pytest beside this one renames at once.
    "pytest-cache-files-*",
)


class BrokenPromise(Exception):
    """What a README says is not so."""


def commands(document: str) -> list[str]:
    """Return the lines of the indented blocks in a Markdown text, without their comments."""
    prose = re.sub(r"^```.*?^```", "", document, flags=re.DOTALL | re.MULTILINE)
    lines = [line for line in prose.splitlines() if line.startswith("    ")]
    return [line.partition("  #")[0].strip() for line in lines]


def way_to_a_project(readme: str) -> list[str]:
    """Return the commands of the section of README.md that makes a project and runs it."""
    for section in readme.split("\n## "):
        found = commands(section)
        if f"ormkit init {PROJECT}" in found and "python main.py" in found:
            return found
    raise BrokenPromise(f"no section of README.md makes a project {PROJECT!r} and runs it")


def try_wheel(directory: Path) -> None:
    """Do in a directory what a new user does; raise BrokenPromise where it fails."""
    clone, environment = directory / "clone", directory / "environment"
    shutil.copytree(ROOT, clone, ignore=shutil.ignore_patterns(*NOT_IN_A_CLONE))
    venv.create(environment, with_pip=True)
    readme = (clone / "README.md").read_text(encoding="utf-8")
    # `make wheel` takes the environment that this runs in. The other commands are the new one's.
    variables = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    variables |= {
        "PATH": f"{environment / 'bin'}:{os.environ['PATH']}",
        "PIP_CONSTRAINT": str(clone / "constraints.txt"),
        "VENV": sys.prefix,
    }
    for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
        variables.pop(name, None)
    promised = way_to_a_project(readme)
    project = clone / PROJECT
    try:
        # One shell for all lines: `cd` has to last.
        printed = run(promised, clone, variables)
        if PRINTED not in printed:
            raise BrokenPromise(f"main.py printed something else than {PRINTED!r}:\n{printed}")
        own = commands((project / "README.md").read_text(encoding="utf-8"))
        run([*own, "ormkit generate --check"], project, variables)
        check_places(project, variables)
    finally:
        stop = [environment / "bin/ormkit", "db", "stop", "--path", project / ".pgdata"]
        if (project / ".pgdata").exists():
            subprocess.run(stop, env=variables, check=False)


def run(lines: list[str], cwd: Path, variables: dict[str, str]) -> str:
    """Run the lines as one script; print each before it runs, and return what they printed."""
    script = "".join(f"echo {shlex.quote(f'$ {line}')}\n{line}\n" for line in lines)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=cwd,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    print(done.stdout, end="", flush=True)
    if done.returncode:
        raise BrokenPromise(f"the last command above failed with exit code {done.returncode}")
    return done.stdout


def check_places(project: Path, variables: dict[str, str]) -> None:
    """Raise BrokenPromise where the packages are not those that the wheel brought."""
    script = "import ormkit, ormkit_gen; print(ormkit.__file__, ormkit_gen.__file__)"
    told = run([f"python -c {shlex.quote(script)}"], project, variables).splitlines()[-1]
    if any("/site-packages/" not in place for place in told.split()):
        raise BrokenPromise(f"not from the wheel: {told}")


def main() -> int:
    """Try the wheel in a directory of its own, and remove that."""
    is_current = subprocess.run(
        ["make", "-q", f"VENV={sys.prefix}", f"{sys.prefix}/installed"], cwd=ROOT
    )
    if is_current.returncode:
        # The copy's `make wheel` would renew it, from files that are removed afterwards.
        print("error: the environment is not up to date: run make try-wheel", file=sys.stderr)
        return 1
    # In /tmp: the path of a server's socket has to be short.
    with tempfile.TemporaryDirectory(prefix="ormkit-wheel-", dir="/tmp") as directory:
        Path(directory).chmod(0o755)
        try:
            try_wheel(Path(directory))
        except BrokenPromise as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    print("README.md's commands work from the wheel")
    return 0


if __name__ == "__main__":
    sys.exit(main())
