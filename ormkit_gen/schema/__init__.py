"""Reading schemas: TOML or Python files become the IR. All problems are reported at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ormkit_gen.diagnostics.diagnostic import Diagnostic, Problems, SchemaError
from ormkit_gen.ir import Position, Schema
from ormkit_gen.schema.computed import resolve_computed
from ormkit_gen.schema.document import Document
from ormkit_gen.schema.domains import read_domains
from ormkit_gen.schema.draft import SchemaDraft
from ormkit_gen.schema.enums import read_enum
from ormkit_gen.schema.factories import check_places
from ormkit_gen.schema.fields import Fields
from ormkit_gen.schema.keys import check_unique_key
from ormkit_gen.schema.method_classes import Sources, check_methods
from ormkit_gen.schema.models import add_model, read_model
from ormkit_gen.schema.namespaces import read_namespaces
from ormkit_gen.schema.python_reader import read_python
from ormkit_gen.schema.references import resolve_references
from ormkit_gen.schema.relationships import resolve_relationships
from ormkit_gen.schema.sequences import read_sequences
from ormkit_gen.schema.sql_dependencies import check_dependencies
from ormkit_gen.schema.sql_objects import read_sql_objects
from ormkit_gen.schema.toml_reader import read_toml
from ormkit_gen.schema.uniqueness import check_names
from ormkit_gen.schema.view_models import check_views

#: The tables that a schema file may have.
SECTIONS = ("enums", "domains", "sequences", "extensions", "schemas", "models")
EMPTY = "add one: [models.User.columns] in TOML, class User(Base) in Python"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A valid schema, and the warnings about it."""

    schema: Schema
    warnings: tuple[Diagnostic, ...] = ()
    #: The modules of the application in which the schema names classes and functions.
    modules: tuple[Path, ...] = ()


def load(
    files: Sequence[Path],
    root: Path,
    imported_from: Sequence[Path] = (),
    sql_files: Sequence[Path] = (),
) -> Loaded:
    """Read schema files into one schema.

    root: paths in messages and headers are relative to this directory.
    imported_from: further directories from which the application imports its modules.
    sql_files: the files of the objects that the schema has as SQL.

    Raises SchemaError with the problems of all files, up to MAX_PROBLEMS.
    """
    problems = Problems()
    names = {file: _relative(file, root) for file in sorted(files)}
    documents = [
        document
        for file, name in names.items()
        if (document := _read(file, name, problems)) is not None
    ]
    draft = SchemaDraft(problems)
    draft.objects = read_sql_objects({file: _relative(file, root) for file in sql_files}, problems)
    _read_enums(draft, documents)
    read_domains(draft, documents)
    _read_models(draft, documents)
    read_sequences(draft, documents)
    read_namespaces(draft, documents)
    resolve_references(draft)
    resolve_relationships(draft)
    resolve_computed(draft)
    check_names(draft)
    check_views(draft)
    for model in draft.models.values():
        check_unique_key(model)
    check_dependencies(draft)
    sources = Sources.of(root, imported_from)
    check_methods(draft, sources)
    check_places(draft, sources)
    if not draft.models and not draft.objects and not problems.has_errors:
        at = Position(next(iter(names.values())), 1, 1) if names else None
        problems.error("empty-schema", "the schema has no models", EMPTY, at)
    if problems.has_errors:
        raise SchemaError(problems.in_order())
    models = sorted((model.model() for model in draft.models.values()), key=lambda each: each.name)
    enums = sorted(draft.enums.values(), key=lambda each: each.name)
    files_read = tuple(sorted({name.rsplit(".", 1)[0] for name in names.values()}))
    return Loaded(
        Schema(
            models=tuple(models),
            enums=tuple(enums),
            domains=tuple(sorted(draft.domains.values(), key=lambda each: each.name)),
            sequences=tuple(sorted(draft.sequences.values(), key=lambda each: each.name)),
            extensions=tuple(sorted(draft.extensions.values(), key=lambda each: each.name)),
            namespaces=tuple(sorted(draft.namespaces.values(), key=lambda each: each.name)),
            objects=tuple(draft.objects),
            sources=files_read,
        ),
        problems.in_order(),
        tuple(sorted(sources.found)),
    )


def _relative(file: Path, root: Path) -> str:
    try:
        return file.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return file.name


def _read(file: Path, name: str, problems: Problems) -> Document | None:
    if file.suffix == ".toml":
        return read_toml(file, name, problems)
    if file.suffix == ".py":
        return read_python(file, name, problems)
    problems.error(
        "unknown-spelling",
        f"a schema file ends in .toml or .py, not {file.suffix or 'nothing'}",
        "rename it, or narrow the glob",
        Position(name, 1, 1),
    )
    return None


def _read_enums(draft: SchemaDraft, documents: Sequence[Document]) -> None:
    for document in documents:
        root = Fields(document, (), document.data, draft.problems, "the file")
        root.only(SECTIONS)
        for name, value, path in root.named("enums"):
            enum = read_enum(document, name, value, path, draft.problems)
            if name in draft.enums and draft.enums[name] != enum:
                draft.problems.error(
                    "duplicate-enum",
                    f"there are two enums {name}",
                    "rename one, or keep one",
                    document.key_at(path),
                )
            elif enum is not None:
                draft.enums[name] = enum


def _read_models(draft: SchemaDraft, documents: Sequence[Document]) -> None:
    for document in documents:
        root = Fields(document, (), document.data, draft.problems, "the file")
        for name, value, path in root.named("models"):
            add_model(draft, read_model(draft, document, name, value, path), draft.enums)
