"""The files of a project that a pull reads and writes, and the schema that they make."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ormkit_gen.ir import Schema
from ormkit_gen.output.file_changes import Texts
from ormkit_gen.project.targets import Target
from ormkit_gen.pull.sql_files import DIRECTORY
from ormkit_gen.schema import Loaded, load


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
        """Return the text of a file."""
        return (self.root / name).read_text(encoding="utf-8")

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
        with tempfile.TemporaryDirectory(prefix="ormkit-pull-") as directory:
            mirror = Path(directory).resolve()
            for name in {*self.schemas, *self.sql}.difference(texts):
                (mirror / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.root / name, mirror / name)
            for name, text in texts.items():
                if text is not None:
                    (mirror / name).parent.mkdir(parents=True, exist_ok=True)
                    (mirror / name).write_text(text, encoding="utf-8", newline="\n")
            there = [file for file in sorted(mirror.rglob("*")) if file.is_file()]
            sql = [file for file in there if file.suffix == ".sql"]
            schemas = [file for file in there if file.suffix != ".sql"]
            return load(schemas, mirror, (self.root, *self.target.import_roots(self.root)), sql)
