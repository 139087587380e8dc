"""`ormkit pull`: from a live database to schema files, and the proof that they say the same."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import dataclass, replace
from functools import partial

from ormkit.catalog import Catalog, compare
from ormkit_gen.diagnostics.diagnostic import Diagnostic, SchemaError
from ormkit_gen.diagnostics.refusal import Refusal, problem
from ormkit_gen.drift.left_out import incomplete
from ormkit_gen.drift.live import read_live
from ormkit_gen.drift.namespaces import check_namespaces, within
from ormkit_gen.drift.places import plain
from ormkit_gen.drift.reprinting import reprinted
from ormkit_gen.drift.rights import read_rights
from ormkit_gen.drift.shadow import expect, objects_of
from ormkit_gen.ir import Schema
from ormkit_gen.json_schema.editor_files import LINE, beside
from ormkit_gen.output.file_changes import Texts
from ormkit_gen.pull import toml_text
from ormkit_gen.pull.document import SchemaDocument, describe
from ormkit_gen.pull.edits import Changes, Edits
from ormkit_gen.pull.known_names import PUBLIC, KnownNames
from ormkit_gen.pull.project_files import ProjectFiles
from ormkit_gen.pull.proof import Unproven, prove
from ormkit_gen.pull.python import text as python_text
from ormkit_gen.pull.python.rewrite import Refused
from ormkit_gen.pull.python.style import Style
from ormkit_gen.pull.rights_text import rights_text
from ormkit_gen.pull.snapshot import Snapshot, read_snapshot
from ormkit_gen.pull.sql_files import file_names, sql_text
from ormkit_gen.pull.target_choice import Choice, finds
from ormkit_gen.pull.toml_editor import TomlEditor

#: Why a fact differs that the patch is about.
IN_PYTHON = "a Python file has to say it: apply the patch"
#: Tells what is being done.
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Pull:
    """What a pull found, and what it would write."""

    snapshot: Snapshot
    document: SchemaDocument
    #: The texts of the files that change, by their paths; None removes a file.
    texts: Texts
    #: A patch of Python files with what is not edited in place.
    patch: str
    #: What is not edited in place, and why.
    refused: tuple[Refused, ...]
    schema: Schema
    #: The facts in which the files and the database differ.
    unproven: tuple[Unproven, ...]
    #: Why there is no proof, if there is none.
    failure: tuple[Diagnostic, ...] = ()


async def pull(
    database: str,
    choice: Choice,
    *,
    schemas: Sequence[str] = (),
    shadow: str | None = None,
    progress: Progress = lambda text: None,
) -> Pull:
    """Return what the schema files of a target have to say about a database. Write nothing.

    schemas: the PostgreSQL schemas to describe; all if there are none.

    Raises:
        Refusal: The database or the shadow server cannot be used.
        SchemaError: The schema files have problems.
    """
    progress("reading the database")
    rights = bool(choice.rights)
    snapshot = await read_live(database, partial(read_snapshot, rights=rights))
    check_namespaces(schemas, snapshot.catalog)
    snapshot = snapshot.of_schemas(schemas)
    files = choice.files
    before = files.load()
    snapshot = snapshot.without_bookkeeping(
        [(model.schema or PUBLIC, model.table) for model in before.models]
    )
    snapshot = snapshot.without(await _of_other_targets(before, choice, shadow))
    document = describe(snapshot, KnownNames.of([before]))
    if not document.models and not document.objects:
        raise Refusal(_nothing(schemas))
    changes = await changes_of(snapshot, before, document, choice, schemas, shadow)
    progress("building what the files say")
    changes, schema = _loadable(changes, files)
    unproven, failure = await proof(schema, snapshot.catalog, schemas, shadow)
    if changes.refused:
        unproven = tuple(replace(each, reason=IN_PYTHON) for each in unproven)
    texts = {
        **_for_editors(choice, changes.texts),
        **_settings_text(choice, changes.texts),
        **_rights_text(choice, snapshot),
    }
    patch = "".join(_patch(changes, files))
    written = files.as_written(texts)
    return Pull(snapshot, document, written, patch, changes.refused, schema, unproven, failure)


def _nothing(schemas: Sequence[str]) -> Diagnostic:
    """Return what is wrong with a database in which there is nothing to describe."""
    where = f"the schema {' or '.join(schemas)} of the database" if schemas else "the database"
    return problem(
        "empty-database",
        f"there are no tables in {where}",
        "check the URL and the rights of its role; for a new database, describe the tables in "
        "schema files, and create them with `ormkit migrate`",
    )


def _loadable(changes: Changes, files: ProjectFiles) -> tuple[Changes, Schema]:
    """Return changes with which the files make a schema, and the schema.

    Where something in Python is not edited in place, the rest of the changes may not do without it.
    """
    try:
        return changes, files.load_with(changes.texts).schema
    except SchemaError:
        if not changes.refused:
            raise
    python = {name: text for name, text in changes.texts.items() if name.endswith(".py")}
    proposed = {name: text for name, text in python.items() if text is not None}
    others = {name: text for name, text in changes.texts.items() if name not in python}
    less = replace(changes, texts=others, proposed={**proposed, **changes.proposed})
    try:
        return less, files.load_with(others).schema
    except SchemaError:
        # Nothing is written: all changes are shown.
        everything = {name: text for name, text in changes.texts.items() if text is not None}
        nothing = replace(changes, texts={}, proposed={**everything, **changes.proposed})
        return nothing, files.load()


def _patch(changes: Changes, files: ProjectFiles) -> Iterator[str]:
    """Yield the lines of a unified diff from what is written to what is proposed."""
    for name, text in changes.proposed.items():
        written = changes.texts.get(name)
        if written is None:
            written = files.read(name) if (files.root / name).exists() else ""
        before, after = written.splitlines(keepends=True), text.splitlines(keepends=True)
        for line in difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"):
            yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def _for_editors(choice: Choice, texts: Texts) -> Texts:
    """Return the texts with what tells editors of new schema files."""
    found = dict(texts)
    for name, text in texts.items():
        if text is not None and name.endswith(".toml") and name not in choice.files.schemas:
            found |= {name: f"{LINE}\n{text}", **beside(name)}
    return found


async def _of_other_targets(before: Schema, choice: Choice, shadow: str | None) -> Set[str]:
    """Return the objects that other targets create, and this one does not."""
    others = [schema for schema in (files.load() for files in choice.others) if schema.models]
    objects = await objects_of(others, shadow)
    return objects - await objects_of([before], shadow) if objects else frozenset()


def _settings_text(choice: Choice, texts: Texts) -> Texts:
    """Return the settings file, where its target does not find all files with SQL yet."""
    patterns = choice.files.target.sql_patterns
    sql = [name for name in texts if name.endswith(".sql")]
    if choice.settings is None or all(finds(patterns, name) for name in sql):
        return {}
    editor = TomlEditor(choice.files.read(choice.settings))
    editor.set((*choice.path, "sql"), [*patterns, f"{choice.files.sql_directory}/**/*.sql"])
    return {choice.settings: editor.text}


def _rights_text(choice: Choice, snapshot: Snapshot) -> Texts:
    """Return the file of owners and grants, if there is one and it differs from the database."""
    if not choice.rights:
        return {}
    file = choice.files.root / choice.rights
    before = read_rights([file], choice.files.root) if file.exists() else None
    content = choice.files.read(choice.rights) if before else ""
    text = rights_text(snapshot.rights, snapshot.catalog.objects, before, content)
    return {} if text == content else {choice.rights: text}


async def changes_of(
    snapshot: Snapshot,
    before: Schema,
    document: SchemaDocument,
    choice: Choice,
    schemas: Sequence[str],
    shadow: str | None,
) -> Changes:
    """Return what has to become of the files.

    Files that describe something are changed only where it differs from the database, as a shadow
    server prints it: two spellings of the same are no difference.
    """
    if not before.models and not before.objects and not before.enums:
        return Changes(new_texts(document, choice.files, choice.into))
    expected = await expect([before], shadow)
    live = await reprinted(expected, snapshot.catalog, shadow, lambda: [before])
    built = expected.beside(live)
    if schemas:
        built, live = within(built, schemas), within(live, schemas)
    foreign = foreign_tables(before)
    differences = [
        each
        for each in compare(built, live)
        if plain(each.fact.object) not in foreign and expected.is_known(each)
    ]
    return Edits(choice.files, before, document, choice.into).changes(differences)


def new_texts(document: SchemaDocument, files: ProjectFiles, into: str) -> Texts:
    """Return the texts of files for a database that no file describes yet."""
    names = file_names(document.objects, {}, files.sql, files.sql_directory)
    return {
        into: _schema_text(document, into, files),
        **{names[each.label]: sql_text(each) for each in document.objects},
    }


def _schema_text(document: SchemaDocument, into: str, files: ProjectFiles) -> str:
    if not into.endswith(".py"):
        return toml_text.schema_text(document)
    return Style(files.root).formatted(python_text.schema_text(document))


async def proof(
    schema: Schema, live: Catalog, schemas: Sequence[str], shadow: str | None
) -> tuple[tuple[Unproven, ...], tuple[Diagnostic, ...]]:
    """Return what differs between a schema and a database, and why that is unknown if it is."""
    try:
        expected = await expect([schema], shadow)
    except Refusal as refusal:
        return (), tuple(refusal.diagnostics)
    live = await reprinted(expected, live, shadow, lambda: [schema])
    unproven = prove(expected, live, schemas=schemas, foreign=foreign_tables(schema))
    if not expected.left_out:
        return unproven, ()
    is_embedded = shadow is None
    return unproven, tuple(incomplete(expected.missing, expected.left_out, is_embedded=is_embedded))


def foreign_tables(schema: Schema) -> list[str]:
    """Return the tables that the files describe and do not create."""
    return [
        f"table {model.schema or PUBLIC}.{model.table}"
        for model in schema.models
        if not model.is_managed
    ]
