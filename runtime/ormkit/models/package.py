"""Register generated packages and locate their DDL."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._version import __version__
from ..errors import UsageError
from .methods import import_methods

if TYPE_CHECKING:
    from .model import Model

_known: dict[str, Schema] = {}


class Schema:
    """The schema that a generated package was made from; the package holds it as SCHEMA."""

    def __init__(self, package: str, file: str, *, runtime: str = "") -> None:
        """Register the package.

        package: its name, for messages.
        file: the path of its __init__.py; schema.sql lies beside it.
        runtime: the oldest version of OrmKit that it runs on; "" for any.

        Raises ImportError where an older OrmKit is installed.
        """
        if is_older(__version__, runtime):
            raise ImportError(
                f"{package} was generated for OrmKit {runtime} or later, and {__version__} is "
                f'installed: run `pip install "ormkit-pg>={runtime}"`, or `ormkit generate` with '
                "the version that is installed"
            )
        self.package = package
        self.path = Path(file).with_name("schema.sql")
        _known[package] = self

    def __repr__(self) -> str:
        return f"<Schema {self.package}>"

    def attach_methods(self, *models: type[Model]) -> None:
        """Import the classes with methods of these models, which the schema names.

        The package calls it once all its models exist. Raises UsageError.
        """
        for model in models:
            import_methods(model)

    def ddl(self) -> str:
        """Return the SQL that creates everything; it may run again without harm."""
        return self.path.read_text(encoding="utf-8")

    def fingerprint(self) -> Mapping[str, Any]:
        """Return the tables and enums of the package, for `engine.check()`.

        Raises UsageError if the package has none.
        """
        file = self.path.with_name("manifest.json")
        try:
            found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))["schema"]
        except (FileNotFoundError, KeyError):
            raise UsageError(
                f"{self.package} has no {file.name} with its tables: run `ormkit generate`, and "
                f"install the file with the package, as {self.path.name}"
            ) from None
        return found


def known_schemas() -> tuple[Schema, ...]:
    """Return the schemas of the generated packages imported so far, in order of import."""
    # Python takes a module whose import failed out of its modules.
    return tuple([each for name, each in _known.items() if name in sys.modules])


def is_older(version: str, other: str) -> bool:
    """Return whether a version is older than another one, by their numbers."""
    ours, theirs = (
        [int(part) for part in each.split(".") if part.isdigit()] for each in (version, other)
    )
    return ours[: len(theirs)] < theirs
