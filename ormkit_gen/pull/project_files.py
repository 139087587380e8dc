"""The files of a project that a pull reads and writes, and the schema that they make."""

from __future__ import annotations

import difflib
import shutil
import sys
import tempfile
from collections.abc import Collection, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ormkit_gen.diagnostics.diagnostic import Problems
from ormkit_gen.filesystem.line_endings import without_conversion
from ormkit_gen.ir import Schema
from ormkit_gen.output.file_changes import Texts
from ormkit_gen.project.targets import Target
from ormkit_gen.pull.sql_files import DIRECTORY
from ormkit_gen.schema import Loaded, load
from ormkit_gen.schema.document import Document
from ormkit_gen.schema.python_reader import read_python

#: The byte order mark that some editors put at the beginning of a file.
_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class ProjectFiles:
    """The schema files of one target."""

    root: Path
    target: Target
    #: The directory for new files with SQL.
    sql_directory: str = DIRECTORY

    @property
    def schemas(self) -> tuple[str, ...]:
        """The schema files, from the project's directory."""
        return tuple(self._name(file) for file in self.target.schemas)

    @property
    def sql(self) -> tuple[str, ...]:
        """The files with SQL."""
        return tuple(self._name(file) for file in self.target.sql)

    def _name(self, file: Path) -> str:
        return file.relative_to(self.root).as_posix()

    def read(self, name: str) -> str:
        """Return the text of a file without a byte order mark.

        Its line endings are LF. SQL keeps the carriage returns that a checkout did not add.
        """
        if name.endswith(".sql"):
            content = without_conversion((self.root / name).read_bytes())
            return content.decode("utf-8-sig")
        return self._content(name).removeprefix(_MARK).replace("\r\n", "\n")

    def as_written(self, texts: Texts) -> Texts:
        """Return texts with the line endings and the byte order marks that their files have."""
        return {
            name: (
                text
                if text is None or not (self.root / name).exists()
                else _like(self._content(name), text, is_sql=name.endswith(".sql"))
            )
            for name, text in texts.items()
        }

    def _content(self, name: str) -> str:
        return (self.root / name).read_bytes().decode("utf-8")

    def load(self) -> Schema:
        """Return the schema of the files as they are; one without models if there are none."""
        if not self.target.schemas and not self.target.sql:
            return Schema(models=())
        roots = self.target.import_roots(self.root)
        return load(self.target.schemas, self.root, roots, self.target.sql).schema

    def load_with(self, texts: Texts) -> Loaded:
        """Return the schema of the files as they will be with other texts. Write nothing.

        texts: schema files and files with SQL.

        Raises SchemaError with the problems of all files.
        """
        with self._mirrored(texts) as mirror:
            there = [mirror / name for name in self._names(texts)]
            sql = [file for file in there if file.suffix == ".sql"]
            schemas = [file for file in there if file.suffix != ".sql"]
            if not there:
                return Loaded(Schema(models=()))
            return load(schemas, mirror, (self.root, *self.target.import_roots(self.root)), sql)

    def read_as(self, name: str, text: str) -> Document | None:
        """Return what a text says as a schema file in Python; None if it cannot be read."""
        problems = Problems()
        with self._mirrored({name: text}) as mirror:
            document = read_python(mirror / name, name, problems)
        return None if problems.has_errors else document

    def _names(self, texts: Texts) -> list[str]:
        """Return the names of all files, with other texts in the place of some."""
        names = {*self.schemas, *self.sql, *texts}
        return sorted(name for name in names if texts.get(name, "") is not None)

    @contextmanager
    def _mirrored(self, texts: Texts) -> Generator[Path]:
        """Yield a directory with all files, with other texts in the place of some."""
        with tempfile.TemporaryDirectory(prefix="ormkit-pull-") as directory:
            mirror = Path(directory).resolve()
            for name in self._names(texts):
                (mirror / name).parent.mkdir(parents=True, exist_ok=True)
                text = texts.get(name)
                if text is None:
                    shutil.copyfile(self.root / name, mirror / name)
                else:
                    (mirror / name).write_text(text, encoding="utf-8", newline="\n")
            python = [name for name in self._names(texts) if name.endswith(".py")]
            with _importing_from({(self.root / name).parent for name in python}):
                yield mirror


@contextmanager
def _importing_from(directories: Collection[Path]) -> Generator[None]:
    """Let schema files import what lies beside them, and forget it afterwards."""
    known, path = set(sys.modules), list(sys.path)
    sys.path[:0] = map(str, directories)
    try:
        yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - known:
            origin = getattr(sys.modules[name], "__file__", None)
            if origin and Path(origin).parent in directories:
                del sys.modules[name]


def _like(content: str, text: str, *, is_sql: bool) -> str:
    """Return a text with the line endings and the byte order mark of another one."""
    mark = _MARK if content.startswith(_MARK) else ""
    if "\r\n" not in content:
        return mark + text
    if is_sql:
        is_converted = content.count("\n") == content.count("\r\n")
        return mark + (text.replace("\n", "\r\n") if is_converted else text)
    before = content.removeprefix(mark).splitlines(keepends=True)
    if all(each.endswith("\r\n") for each in before[:-1]):
        return mark + text.replace("\n", "\r\n")
    # Lines with both endings: each line keeps its own.
    after = text.splitlines(keepends=True)
    plain = [each.replace("\r\n", "\n") for each in before]
    for block in difflib.SequenceMatcher(None, plain, after, autojunk=False).get_matching_blocks():
        after[block.b : block.b + block.size] = before[block.a : block.a + block.size]
    return mark + "".join(after)
