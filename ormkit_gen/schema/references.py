"""Resolving foreign keys: the target must exist, be a key, and have the same types."""

from __future__ import annotations

from ormkit_gen.diagnostics.diagnostic import did_you_mean
from ormkit_gen.ir import Action, Column, ForeignKey
from ormkit_gen.postgres.types import ColumnType
from ormkit_gen.schema.columns import find_columns
from ormkit_gen.schema.constraints import name_of
from ormkit_gen.schema.draft import ModelDraft, Reference, SchemaDraft
from ormkit_gen.schema.names import constraint_name

SET_COLUMNS = "on_delete_columns"
ACTIONS: tuple[Action, ...] = ("no action", "restrict", "cascade", "set null", "set default")
MATCHES = ("simple", "full")


def resolve_references(draft: SchemaDraft) -> None:
    """Turn the references of all models into foreign keys."""
    for model in list(draft.models.values()):
        for reference in model.references:
            if key := resolve_reference(draft, model, reference):
                model.foreign_keys.append(key)


def resolve_reference(
    draft: SchemaDraft, model: ModelDraft, reference: Reference
) -> ForeignKey | None:
    """Return the foreign key, or record the problem and return None."""
    target = find_target(draft, model, reference)
    if target is None:
        return None
    columns = [each for name in reference.columns if (each := model.column(name))]
    target_columns = find_target_columns(draft, target, reference)
    if target_columns is None or len(columns) != len(reference.columns):
        return None
    problems, at = draft.problems, reference.at
    if len(columns) != len(target_columns):
        problems.error(
            "foreign-key-columns",
            f"its columns are {len(columns)} here, and {len(target_columns)} in {target.name}",
            "name as many target_columns as columns",
            at,
        )
        return None
    names = tuple(column.name for column in target_columns)
    is_enforced = model.view is None and target.view is None and target.is_managed
    if is_enforced and not target.is_unique(names):
        problems.error(
            "foreign-key-to-no-key",
            f"{target.full_table} ({', '.join(names)}) is neither a primary key nor unique",
            "add unique = true there, or refer to its primary key",
            at,
        )
    for column, other in zip(columns, target_columns, strict=True):
        check_types(draft, model, column, target, other, reference)
    return make_key(draft, model, target, columns, names, reference)


def find_target(draft: SchemaDraft, model: ModelDraft, reference: Reference) -> ModelDraft | None:
    """Return the model that a reference names, by table or by class."""
    tables = draft.tables
    name = reference.target
    in_own_schema = f"{model.schema}.{name}" if model.schema else name
    target = tables.get(in_own_schema) or tables.get(name) or draft.models.get(name)
    if target is None and name.startswith("public."):
        # The schema of models that name none, unless the session says otherwise.
        target = tables.get(name.removeprefix("public."))
    if target is None and "." not in name:
        target = tables.get(f"public.{name}")
    if target is None:
        draft.problems.error(
            "unknown-table",
            f"the foreign key points to {name!r}, which is not a table of this schema",
            did_you_mean(name, tables),
            reference.at,
        )
    return target


def find_target_columns(
    draft: SchemaDraft, target: ModelDraft, reference: Reference
) -> list[Column] | None:
    """Return the columns that a reference names. The default is the primary key."""
    wanted = reference.target_columns or target.primary_key
    if not wanted:
        draft.problems.error(
            "foreign-key-to-no-key",
            f"{target.full_table} has no primary key",
            "name the columns of a unique constraint as target_columns",
            reference.at,
        )
        return None
    found: list[Column] = []
    for name in wanted:
        column = target.column(name)
        if column is None:
            draft.problems.error(
                "unknown-column",
                f"the foreign key points to {target.full_table}.{name}, which is not a column",
                did_you_mean(name, [each.name for each in target.columns]),
                reference.at,
            )
            return None
        found.append(column)
    return found


def check_types(
    draft: SchemaDraft,
    model: ModelDraft,
    column: Column,
    target: ModelDraft,
    other: Column,
    reference: Reference,
) -> None:
    """Record a foreign key between columns that PostgreSQL cannot compare."""
    if not can_refer(column.type, other.type):
        draft.problems.error(
            "foreign-key-type",
            f"{model.name}.{column.name} is {_words(column.type)}, but "
            f"{target.name}.{other.name} is {_words(other.type)}",
            "give both columns one type",
            reference.at,
        )


#: Types that refer to each other: the values of one family are compared with one another.
FAMILIES = (
    ("smallint", "integer", "bigint"),
    ("real", "double precision"),
    ("text", "varchar", "char", "bpchar", "citext"),
    ("date", "timestamp", "timestamptz"),
    ("inet", "cidr"),
    ("bit", "varbit"),
)
#: Numbers that are converted into those behind them.
NUMBERS = ("smallint", "integer", "bigint", "numeric", "real", "double precision")


def can_refer(type_: ColumnType, other: ColumnType) -> bool:
    """Return whether a column of one type may refer to one of the other."""
    if type_.dimensions != other.dimensions or type_.is_enum != other.is_enum:
        return False
    if type_.name == other.name or type_.is_text or other.is_text:
        # Of types of the database itself, only PostgreSQL knows what it compares.
        return True
    if type_.is_enum or type_.dimensions:
        return False
    if any(type_.name in family and other.name in family for family in FAMILIES):
        return True
    is_number = type_.name in NUMBERS and other.name in NUMBERS
    return is_number and NUMBERS.index(type_.name) < NUMBERS.index(other.name)


def _words(type_: ColumnType) -> str:
    modifiers = f"({', '.join(map(str, type_.modifiers))})" if type_.modifiers else ""
    return f"{type_.name}{modifiers}{'[]' * type_.dimensions}"


def make_key(
    draft: SchemaDraft,
    model: ModelDraft,
    target: ModelDraft,
    columns: list[Column],
    target_columns: tuple[str, ...],
    reference: Reference,
) -> ForeignKey:
    """Return the foreign key with its actions, checked against the columns."""
    fields = reference.fields
    names = tuple(column.name for column in columns)
    # In a column, `name` would name the column. Only a key at the model can have a name.
    is_table = "foreign_keys" in fields.path
    key = ForeignKey(
        name=name_of(model, fields, names, "fkey") if is_table else _default_name(model, columns),
        columns=names,
        target=target.name,
        target_columns=target_columns,
        on_delete=fields.choice("on_delete", ACTIONS) or "no action",
        on_update=fields.choice("on_update", ACTIONS) or "no action",
        is_deferrable=fields.flag("deferrable") or fields.flag("initially_deferred"),
        is_initially_deferred=fields.flag("initially_deferred"),
        is_full=fields.choice("match", MATCHES) == "full",
        set_columns=find_columns(model, fields, fields.texts("on_delete_columns"), SET_COLUMNS),
        is_valid=not fields.flag("not_valid"),
        # In a column, the comment is the column's.
        comment=fields.text("comment") if is_table else None,
        renamed_from=fields.text("renamed_from") if is_table else None,
        at=reference.at,
    )
    check_actions(draft, model, columns, key, reference)
    return key


def check_actions(
    draft: SchemaDraft,
    model: ModelDraft,
    columns: list[Column],
    key: ForeignKey,
    reference: Reference,
) -> None:
    """Record actions that would write a value that the column cannot hold."""
    fields = reference.fields
    for setting, action in (("on_delete", key.on_delete), ("on_update", key.on_update)):
        empties = [
            column
            for column in written_columns(columns, key, setting)
            if not column.is_nullable
            and (action == "set null" or (action == "set default" and not _has_default(column)))
        ]
        if empties:
            draft.problems.warning(
                "set-null-on-not-null",
                f'{setting} = "{action}" would set {model.name}.{empties[0].name} to NULL, but '
                f"it is not nullable",
                "make the column nullable, with a ? after its type"
                + (", or give it a default" if action == "set default" else ""),
                fields.key_at(setting),
            )
        writes = action.startswith("set ") or (setting, action) == ("on_update", "cascade")
        generated = [column.name for column in columns if column.generated is not None]
        if generated and writes:
            draft.problems.error(
                "action-on-generated",
                f'{setting} = "{action}" would write {model.name}.{generated[0]}, which is '
                f"generated",
                "use another action, or an ordinary column",
                fields.key_at(setting),
            )


def written_columns(columns: list[Column], key: ForeignKey, setting: str) -> list[Column]:
    """Return the columns that an action writes: ON DELETE may name some of them."""
    if setting != "on_delete" or not key.set_columns:
        return columns
    return [column for column in columns if column.name in key.set_columns]


def _has_default(column: Column) -> bool:
    return column.default is not None or column.server_default is not None


def _default_name(model: ModelDraft, columns: list[Column]) -> str:
    return constraint_name(model.table, tuple(column.db_name for column in columns), "fkey")
