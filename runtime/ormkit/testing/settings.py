"""What a project says about its tests: in pytest's configuration, and in the marker `ormkit`."""

from __future__ import annotations

import importlib
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

import pytest

from ..errors import ConfigurationError
from ..models.package import Schema, known_schemas

Isolation = Literal["rollback", "database"]
ISOLATIONS = ("rollback", "database")
#: The variable with the URL of a server for the tests.
URL_VARIABLE = "ORMKIT_TEST_URL"
MARKER = (
    'ormkit(isolation="rollback"): "rollback" runs the test in a transaction that is rolled back, '
    '"database" gives it a database of its own, with real commits; budget=5 is how many statements '
    'it may send, and repeats="raise" (or "log") looks for loops of statements'
)


def add_settings(parser: pytest.Parser) -> None:
    """Declare what pytest's configuration may say."""
    parser.addini(
        "ormkit_schema",
        "The generated packages whose tables the tests need, such as app.db, and files of SQL; "
        "without it, the packages that the tests import.",
        type="args",
        default=[],
    )
    parser.addini(
        "ormkit_url",
        "The URL of a server on which the tests may create databases; the environment variable "
        f"{URL_VARIABLE} goes before it. Without either, the tests run an embedded server.",
        default="",
    )
    parser.addini("ormkit_isolation", "rollback, or database.", default="rollback")
    parser.addini(
        "ormkit_seed",
        "An async function that takes a session and writes what each database begins with, such "
        "as tests.seed:main.",
        default="",
    )


def isolation_of(item: pytest.Item) -> Isolation:
    """Return how the test is kept apart from the others; raises ConfigurationError."""
    found = isolation_given(item)
    if found not in ISOLATIONS:
        raise ConfigurationError(
            f"isolation={found!r}: it must be one of {', '.join(map(repr, ISOLATIONS))}"
        )
    isolation: Isolation = found
    return isolation


def isolation_given(item: pytest.Item) -> Any:
    """Return what the test's marker says, or the configuration."""
    marker = item.get_closest_marker("ormkit")
    given = marker.kwargs.get("isolation") if marker is not None else None
    return given or item.config.getini("ormkit_isolation")


def needs_own_database(item: pytest.Item) -> bool:
    """Return whether the test will ask for a database of its own, as far as can be seen before."""
    names: set[str] = {*getattr(item, "fixturenames", ())}
    return "database_url" in names or (
        isolation_given(item) == "database" and not names.isdisjoint(("engine", "session"))
    )


def server_url(config: pytest.Config) -> str | None:
    """Return the URL of the server that the project names; None if it names none."""
    url: str = os.environ.get(URL_VARIABLE) or config.getini("ormkit_url")
    return url or None


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in the database at the start of a test."""

    schemas: tuple[Schema, ...]
    scripts: tuple[str, ...]
    seed: Callable[..., Any] | None
    #: Tells these contents from others.
    fingerprint: str

    @classmethod
    def of(cls, config: pytest.Config) -> Contents:
        """Return what the configuration asks for; raises ConfigurationError."""
        schemas: list[Schema] = []
        scripts: list[str] = []
        for name in config.getini("ormkit_schema"):
            if name.endswith(".sql"):
                scripts.append((config.rootpath / name).read_text(encoding="utf-8"))
            else:
                schemas.append(schema_of(name))
        if not (schemas or scripts):
            schemas = sorted(known_schemas(), key=lambda each: each.package)
        if not (schemas or scripts):
            raise ConfigurationError(
                "the tests import no generated package, and pytest's configuration names none: "
                'write ormkit_schema = "app.db" into [tool.pytest.ini_options]'
            )
        name = config.getini("ormkit_seed")
        seed = function_of(name) if name else None
        digest = sha256()
        for text in [*(each.ddl() for each in schemas), *scripts]:
            digest.update(text.encode() + b"\0")
        if seed is not None and (file := inspect.getsourcefile(seed)):
            digest.update(Path(file).read_bytes())
        return cls(tuple(schemas), tuple(scripts), seed, digest.hexdigest()[:16])


def schema_of(package: str) -> Schema:
    """Return the schema of a generated package; raises ConfigurationError."""
    schema = getattr(imported(package, "ormkit_schema"), "SCHEMA", None)
    if not isinstance(schema, Schema):
        raise ConfigurationError(
            f"ormkit_schema: {package} is no package that `ormkit generate` has written: it has "
            "no SCHEMA"
        )
    return schema


def function_of(name: str) -> Callable[..., Any]:
    """Return a function by module and name, as in tests.seed:main; raises ConfigurationError."""
    module, _, attribute = name.partition(":")
    found = getattr(imported(module, "ormkit_seed"), attribute, None) if attribute else None
    if not inspect.iscoroutinefunction(found):
        raise ConfigurationError(
            f"ormkit_seed = {name!r}: name an async function, as in tests.seed:main"
        )
    return found


def imported(module: str, setting: str) -> object:
    """Return a module; raises ConfigurationError if it cannot be imported."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"{setting} names {module}, which cannot be imported: {error}; pytest finds it with "
            'pythonpath = ["."]'
        ) from error
