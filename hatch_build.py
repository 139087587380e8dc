"""The accelerator, built into the wheel where a C compiler is at hand; the wheel is pure otherwise.

`python hatch_build.py` builds it in place and fails where that cannot be done: `make accelerator`.
It notes in `accelerator.py` which version of the C source the Python code belongs to, so that an
accelerator that was built from another one is not used.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("runtime/ormkit/_accelerator.c")
#: The line of accelerator.py that names the source.
REVISION = re.compile(r'^REVISION = "(\w+)"$', re.MULTILINE)


class NotBuilt(Exception):
    """Why there is no accelerator."""


class AcceleratorHook(BuildHookInterface[Any]):
    """Adds the accelerator to a wheel, or puts it beside its source for an editable install."""

    made: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name != "wheel":
            return
        root = Path(self.root)
        try:
            if version == "editable":
                build(root, (root / SOURCE).parent)
                return
            self.made = Path(tempfile.mkdtemp(prefix="ormkit-"))
            file = build(root, self.made)
        except NotBuilt as reason:
            self.app.display_warning(f"OrmKit is built without its accelerator: {reason}")
            return
        build_data["pure_python"] = False
        build_data["infer_tag"] = True
        build_data["force_include"][str(file)] = f"ormkit/{file.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self.made is not None:
            shutil.rmtree(self.made, ignore_errors=True)


def build(root: Path, directory: Path) -> Path:
    """Compile the accelerator into the directory and return its file; raises NotBuilt."""
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    file = directory / f"{SOURCE.stem}{suffix}"
    # What an older source was compiled to must not stay, whatever follows.
    file.unlink(missing_ok=True)
    refuse_if_unsuitable()
    revision = revision_of(root / SOURCE)
    if named_revision(root) != revision:
        raise NotBuilt(f"accelerator.py names another version of {SOURCE}: run `make accelerator`")
    # A process that has the file open keeps what it opened, and none sees half of it.
    half = file.with_suffix(".half")
    try:
        if sysconfig.get_config_var("LDSHARED"):
            compiler = command(root / SOURCE, half)
            subprocess.run(compiler, check=True, capture_output=True, text=True, errors="replace")
        else:
            compile_by_setuptools(root / SOURCE, half)
        half.replace(file)
    except OSError as error:
        raise NotBuilt(f"the C compiler does not start: {error}") from error
    except subprocess.CalledProcessError as error:
        raise NotBuilt(f"the C compiler failed:\n{error.stderr.strip()}") from error
    finally:
        half.unlink(missing_ok=True)
    return file


def revision_of(source: Path) -> str:
    """Return what tells this source from other versions, whatever its line ends are."""
    return "r" + hashlib.sha256(source.read_text(encoding="utf-8").encode()).hexdigest()[:15]


def named_revision(root: Path) -> str:
    """Return the version of the source that accelerator.py names."""
    found = REVISION.search((root / SOURCE).with_name("accelerator.py").read_text(encoding="utf-8"))
    return found[1] if found else ""


def name_revision(root: Path) -> None:
    """Write the version of the source into accelerator.py."""
    file, line = (root / SOURCE).with_name(
        "accelerator.py"
    ), f'REVISION = "{revision_of(root / SOURCE)}"'
    former = file.read_text(encoding="utf-8")
    if line not in former:
        file.write_text(REVISION.sub(line, former), encoding="utf-8")


def refuse_if_unsuitable() -> None:
    """Raise NotBuilt where the accelerator is not wanted, or not made for this interpreter."""
    if os.environ.get("ORMKIT_PURE_PYTHON", "") not in ("", "0"):
        raise NotBuilt("ORMKIT_PURE_PYTHON is set")
    if sys.implementation.name != "cpython":
        raise NotBuilt(f"it is made for CPython, and this is {sys.implementation.name}")
    if sysconfig.get_config_var("Py_GIL_DISABLED"):
        raise NotBuilt("it needs the interpreter's lock, and this CPython has none")


def command(source: Path, target: Path) -> list[str]:
    """Return the command that this CPython names for extensions; CC and CFLAGS are heeded."""

    def words(name: str) -> list[str]:
        return shlex.split(sysconfig.get_config_var(name) or "")

    shared = words("LDSHARED")
    compiler = shlex.split(os.environ.get("CC", "")) or shared[:1]
    flags = [*words("CFLAGS"), *words("CCSHARED"), *shlex.split(os.environ.get("CFLAGS", ""))]
    paths = sysconfig.get_paths()
    headers = [f"-I{paths[name]}" for name in ("include", "platinclude")]
    macro = f"-DORMKIT_REVISION={revision_of(source)}"
    return [*compiler, *shared[1:], *flags, *headers, macro, str(source), "-o", str(target)]


def compile_by_setuptools(source: Path, target: Path) -> None:
    """Compile where CPython names no command, as on Windows: setuptools finds Visual C++."""
    try:
        from setuptools import Distribution, Extension
        from setuptools.command.build_ext import build_ext
        from setuptools.errors import BaseError, CCompilerError
    except ImportError as error:
        raise NotBuilt("setuptools is not installed, which knows the compilers here") from error
    macros: list[tuple[str, str | None]] = [("ORMKIT_REVISION", revision_of(source))]
    extension = Extension(source.stem, [source.name], define_macros=macros)
    distribution = Distribution({"ext_modules": [extension]})
    building = build_ext(distribution)
    with (
        tempfile.TemporaryDirectory(prefix="ormkit-") as directory,
        contextlib.chdir(source.parent),
    ):
        building.build_lib = building.build_temp = directory
        try:
            building.ensure_finalized()
            building.run()
        except (BaseError, CCompilerError) as error:
            raise NotBuilt(f"the C compiler failed: {error}") from error
        shutil.copyfile(building.get_ext_fullpath(source.stem), target)


if __name__ == "__main__":
    home = Path(__file__).parent
    try:
        name_revision(home)
        print(build(home, (home / SOURCE).parent))
    except NotBuilt as problem:
        sys.exit(f"the accelerator is not built: {problem}")
