"""Generated pairs of schemas: a random one, and what somebody changes in it.

Each pair has tables of its own, so that one database holds hundreds of them.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from random import Random

from tests.ormkit_gen.migrations.pair_objects import FEATURES, Feature

_ZEROS = "00000000-0000-0000-0000-00000000000"
#: Types of columns: SQL of three different values, a constant default in TOML, and types that it
#: changes to without losing any of these values.
TYPES: dict[str, tuple[tuple[str, str, str], str, tuple[str, ...]]] = {
    "int": (("1", "2", "3"), "7", ("bigint", "numeric(12,2)", "text")),
    "bigint": (("1", "2", "3"), "8", ("int", "numeric", "text")),
    "text": (("'1'", "'2'", "'3'"), "'9'", ("int", "varchar(50)", "varchar(5)")),
    "varchar(20)": (("'a'", "'b'", "'c'"), "'x'", ("varchar(30)", "text", "varchar(2)")),
    "numeric(8,2)": (("1.25", "2.5", "3"), "1.5", ("numeric(10,2)", "numeric(12,4)", "text")),
    "timestamptz": (
        ("'2026-01-01Z'", "'2026-02-01Z'", "'2026-03-01 12:00Z'"),
        "",
        ("timestamptz(3)",),
    ),
    "date": (("'2026-01-01'", "'2026-02-01'", "'2026-03-01'"), "2026-05-05", ("text",)),
    "boolean": (("true", "false", "true"), "true", ("text",)),
    "uuid": ((f"'{_ZEROS}1'", f"'{_ZEROS}2'", f"'{_ZEROS}3'"), "", ("text",)),
    "jsonb": (("'{}'", "'[1]'", "'{\"a\": 2}'"), "", ("text",)),
    "text[]": (("'{a}'", "'{}'", "'{b,NULL}'"), "", ()),
}
LABELS = ("sad", "ok", "glad")


@dataclass
class Column:
    """A column of a table in a schema file."""

    name: str
    type: str
    settings: dict[str, str] = field(default_factory=dict[str, str])
    is_nullable: bool = True
    #: The name of the same column in the old schema; empty for a new one.
    was: str = ""
    #: True if something else names it.
    is_used: bool = False

    def line(self) -> str:
        mark = "?" if self.is_nullable else ""
        settings = {"type": f'"{self.type}{mark}"', **self.settings}
        return f"{self.name} = {{ {', '.join(f'{k} = {v}' for k, v in settings.items())} }}"


@dataclass
class Table:
    """A table of a schema file."""

    cls: str
    name: str
    columns: dict[str, Column] = field(default_factory=dict[str, Column])
    settings: dict[str, str] = field(default_factory=dict[str, str])
    indexes: dict[str, str] = field(default_factory=dict[str, str])
    checks: dict[str, str] = field(default_factory=dict[str, str])
    was: str = ""

    def text(self) -> str:
        lines = [f"[models.{self.cls}]", f'table = "{self.name}"']
        lines += [f"{key} = {value}" for key, value in self.settings.items()]
        lines += [f"[models.{self.cls}.columns]", 'id = { type = "bigint", primary_key = true }']
        lines += [each.line() for each in self.columns.values()]
        for name, rest in self.indexes.items():
            lines += [f"[[models.{self.cls}.indexes]]", f'name = "{name}"', rest]
        for name, rest in self.checks.items():
            lines += [f"[[models.{self.cls}.checks]]", f'name = "{name}"', f'expression = "{rest}"']
        return "\n".join(lines)


@dataclass
class Pair:
    """One old schema, and the new one that random changes make of it."""

    number: int
    random: Random
    tables: list[Table] = field(default_factory=list[Table])
    old_tables: list[Table] = field(default_factory=list[Table])
    labels: list[str] = field(default_factory=lambda: list(LABELS))
    enum_settings: dict[str, str] = field(default_factory=dict[str, str])
    #: The labels that rows have after the change, by those that they had.
    mapped: dict[str, str] = field(default_factory=dict[str, str])
    renames: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    drops: list[str] = field(default_factory=list[str])
    #: The kinds of changes that were made.
    kinds: list[str] = field(default_factory=list[str])
    #: What there is beside the tables.
    features: list[Feature] = field(default_factory=list[Feature])

    def __post_init__(self) -> None:
        for number in range(2):
            self.tables.append(self._table(number))
        first, second = self.tables
        if self.random.random() < 0.6:
            key = Column("ref", "bigint", {"foreign_key": f'"{first.name}.id"'}, was="ref")
            key.is_used = True
            second.columns["ref"] = key
        self.old_tables = deepcopy(self.tables)

    def _table(self, number: int) -> Table:
        choose = self.random
        cls = f"P{self.number}T{number}"
        table = Table(cls, cls.lower(), was=cls.lower())
        for place in range(choose.randint(3, 6)):
            type_ = choose.choice([*TYPES, "enum"])
            column = Column(f"c{place}", type_, was=f"c{place}")
            column.type = type_ if type_ != "enum" else f"Mood{self.number}"
            column.is_nullable = choose.random() < 0.6
            default = "'ok'" if type_ == "enum" else TYPES[type_][1]
            if default and choose.random() < 0.3:
                column.settings["default"] = default
            plain = type_ not in ("jsonb", "boolean", "enum")
            if plain and choose.random() < 0.25:
                column.settings["unique" if choose.random() < 0.5 else "index"] = "true"
            if choose.random() < 0.2:
                column.settings["comment"] = '"said"'
            table.columns[column.name] = column
        names = list(table.columns)
        if choose.random() < 0.5:
            one = choose.choice(names)
            table.columns[one].is_used = True
            table.checks[f"{table.name}_ok"] = f"{one} IS NOT NULL OR id > 0"
        comparable = [each for each in names if table.columns[each].type != "jsonb"]
        if choose.random() < 0.5 and comparable:
            one = choose.choice(comparable)
            table.columns[one].is_used = True
            table.indexes[f"{table.name}_found"] = f'columns = ["{one}", "id"]'
        return table

    def change(self) -> None:
        """Make some changes."""
        for place in range(self.random.choice((0, 1, 1, 2))):
            feature = self.random.choice(FEATURES)(f"f{self.number}_{place}", self.random)
            self.features.append(feature)
            self.drops += feature.drops
            self.kinds.append(feature.kind)
        for each in self.random.sample(list(CHANGES), self.random.randint(1, 3)):
            if CHANGES[each](self):
                self.kinds.append(each)

    def old_text(self) -> str:
        own = self._text(self.old_tables, list(LABELS), {})
        return "\n".join([own, *(each.old for each in self.features)])

    def new_text(self) -> str:
        own = self._text(self.tables, self.labels, self.enum_settings)
        return "\n".join([own, *(each.new for each in self.features)])

    def _text(self, tables: list[Table], labels: list[str], settings: dict[str, str]) -> str:
        values = ", ".join(f'"{each}"' for each in labels)
        lines = [f"[enums.Mood{self.number}]", f"values = [{values}]"]
        lines += [f"{key} = {value}" for key, value in settings.items()]
        return "\n".join([*lines, *(each.text() for each in tables)])

    def rows(self) -> str:
        """Return the SQL that fills the old tables."""
        lines = [each.rows for each in self.features]
        for table in self.old_tables:
            names = [each.name for each in table.columns.values()]
            for row in range(3):
                values = [self._value(each, row) for each in table.columns.values()]
                lines.append(
                    f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({', '.join(values)});"
                )
        return "\n".join(lines)

    def _value(self, column: Column, row: int) -> str:
        if row == 2 and column.is_nullable:
            return "NULL"
        if column.name == "ref":
            return "1"
        if column.type.startswith("Mood"):
            return f"'{LABELS[row]}'"
        return TYPES[column.type][0][row]

    def any_column(self, *, free: bool = True) -> tuple[Table, Column] | None:
        """Return a column that no change has touched yet."""
        found = [
            (table, column)
            for table in self.tables
            if table.was
            for column in table.columns.values()
            if column.was == column.name and not (free and column.is_used) and column.name != "ref"
        ]
        if not found:
            return None
        table, column = self.random.choice(found)
        column.is_used = True
        return table, column


Kind = Callable[[Pair], bool]


def _add(settings: Callable[[str], dict[str, str]], type_: str, *, nullable: bool) -> Kind:
    def add(pair: Pair) -> bool:
        table = pair.random.choice([each for each in pair.tables if each.was])
        name = f"n{len(table.columns)}"
        column = Column(name, type_, settings(name), is_nullable=nullable)
        column.is_used = True
        table.columns[name] = column
        return True

    return add


def _drop(pair: Pair) -> bool:
    found = pair.any_column()
    if found is None:
        return False
    table, column = found
    del table.columns[column.name]
    pair.drops.append(f"{table.was}.{column.name}")
    return True


def _retire(pair: Pair) -> bool:
    found = pair.any_column()
    if found is None:
        return False
    found[1].settings["retired"] = "true"
    return True


def _rename(way: str) -> Kind:
    def rename(pair: Pair) -> bool:
        found = pair.any_column()
        if found is None:
            return False
        table, column = found
        if way == "column":
            column.settings["column"] = f'"{column.name}_db"'
            return True
        del table.columns[column.name]
        column.name = f"r_{column.name}"
        table.columns[column.name] = column
        if way == "hint":
            column.settings["renamed_from"] = f'"{column.was}"'
        else:
            pair.renames.append((f"{table.was}.{column.was}", f"{table.name}.{column.name}"))
        return True

    return rename


def _swap(pair: Pair) -> bool:
    one, other = pair.any_column(), pair.any_column()
    if one is None or other is None or one[0] is not other[0]:
        return False
    first, second = one[1], other[1]
    first.settings["column"], second.settings["column"] = f'"{second.name}"', f'"{first.name}"'
    return True


def _retype(pair: Pair) -> bool:
    found = pair.any_column()
    if found is None or found[1].type not in TYPES or "default" in found[1].settings:
        return False
    others = TYPES[found[1].type][2]
    if not others or "unique" in found[1].settings:
        return False
    found[1].type = pair.random.choice(others)
    return True


def _nullable(pair: Pair) -> bool:
    found = pair.any_column(free=False)
    if found is None:
        return False
    column = found[1]
    column.is_nullable = not column.is_nullable
    value = "'ok'" if column.type.startswith("Mood") else TYPES.get(column.type, (("",),))[0][0]
    if not column.is_nullable:
        if column.settings.get("unique"):
            column.is_nullable = True
            return False
        quoted = value.replace('"', '\\"')
        column.settings["backfill"] = f'"{quoted}"'
    return True


def _default(pair: Pair) -> bool:
    found = pair.any_column(free=False)
    if found is None or found[1].type not in TYPES or not TYPES[found[1].type][1]:
        return False
    settings = found[1].settings
    if settings.pop("default", None) is None:
        settings["default"] = TYPES[found[1].type][1]
    return True


def _setting(key: str) -> Kind:
    def change(pair: Pair) -> bool:
        found = pair.any_column(free=False)
        if found is None or found[1].type in ("jsonb", "boolean") or "Mood" in found[1].type:
            return False
        settings = found[1].settings
        if settings.pop(key, None) is None:
            settings.pop("unique", None)
            settings.pop("index", None)
            settings[key] = "true"
        return True

    return change


def _comment(pair: Pair) -> bool:
    found = pair.any_column(free=False)
    if found is None:
        return False
    settings = found[1].settings
    if settings.pop("comment", None) is None:
        settings["comment"] = "\"it is 'new'\""
    return True


def _index(pair: Pair) -> bool:
    table = pair.random.choice([each for each in pair.tables if each.was])
    name = f"{table.was}_found"
    if name in table.indexes and pair.random.random() < 0.4:
        del table.indexes[name]
    elif name in table.indexes:
        table.indexes[name] += '\nwhere = "id > 1"'
    else:
        table.indexes[name] = 'columns = [{ column = "id", descending = true }]\nunique = true'
    return True


def _check(pair: Pair) -> bool:
    table = pair.random.choice([each for each in pair.tables if each.was])
    name = f"{table.was}_ok"
    if name in table.checks and pair.random.random() < 0.4:
        del table.checks[name]
    else:
        table.checks[name] = "id > 0"
    return True


def _key(pair: Pair) -> bool:
    key = pair.tables[1].columns.get("ref") if len(pair.tables) > 1 else None
    if key is None:
        return False
    if pair.random.random() < 0.5:
        key.settings["on_delete"] = '"cascade"'
    elif "foreign_key" in key.settings:
        key.settings.pop("on_delete", None)
        del key.settings["foreign_key"]
    return True


def _new_key(pair: Pair) -> bool:
    table = pair.tables[0]
    column = Column("up", "bigint", {"foreign_key": f'"{table.name}.id"', "index": "true"})
    column.is_used = True
    table.columns["up"] = column
    return True


def _label(pair: Pair) -> bool:
    place = pair.random.randint(0, len(pair.labels))
    pair.labels.insert(place, "new")
    return True


def _renamed_label(pair: Pair) -> bool:
    if pair.enum_settings:
        return False
    pair.labels[pair.labels.index("sad")] = "blue"
    pair.enum_settings["renamed_values"] = '{ blue = "sad" }'
    pair.mapped["sad"] = "blue"
    return True


def _removed_label(pair: Pair) -> bool:
    if pair.enum_settings:
        return False
    pair.labels.remove("glad")
    pair.enum_settings["removed"] = '{ glad = "ok" }'
    pair.mapped["glad"] = "ok"
    return True


def _table_renamed(pair: Pair) -> bool:
    table = pair.tables[-1]
    if table is pair.tables[0] or not table.was:
        return False
    table.cls, table.name = f"{table.cls}New", f"{table.name}_new"
    table.settings["renamed_from"] = f'"{table.was}"'
    return True


def _table_added(pair: Pair) -> bool:
    table = Table(f"P{pair.number}Added", f"p{pair.number}added")
    target = f'"{pair.tables[0].name}.id"'
    table.columns["to"] = Column("to", "bigint", {"foreign_key": target, "index": "true"})
    table.columns["mood"] = Column("mood", f"Mood{pair.number}", {"default": "'ok'"})
    pair.tables.append(table)
    return True


def _table_dropped(pair: Pair) -> bool:
    if pair.renames or len(pair.tables) > 2 or pair.tables[1].name != pair.tables[1].was:
        return False
    if any(each.startswith(f"{pair.tables[1].was}.") for each in pair.drops):
        return False
    pair.drops.append(pair.tables[1].was)
    del pair.tables[1]
    return True


def _option(key: str, value: str) -> Kind:
    def change(pair: Pair) -> bool:
        # A table that others reference cannot be unlogged, and a new one may reference the first.
        if pair.tables[-1] is pair.tables[0]:
            return False
        pair.tables[-1].settings[key] = value
        return bool(pair.tables[-1].was)

    return change


CHANGES: dict[str, Kind] = {
    "table dropped": _table_dropped,
    "nullable column added": _add(lambda _: {}, "text", nullable=True),
    "column with a constant added": _add(lambda _: {"default": "5"}, "int", nullable=False),
    "column with a random default added": _add(
        lambda _: {"server_default": '"gen_random_uuid()"'}, "uuid", nullable=False
    ),
    "column with a backfill added": _add(lambda _: {"backfill": '"id + 1"'}, "int", nullable=False),
    "column with a constant backfill added": _add(
        lambda _: {"backfill": "\"'x'\""}, "text", nullable=False
    ),
    "identity added": _add(lambda _: {"identity": "true"}, "bigint", nullable=False),
    "column dropped": _drop,
    "column retired": _retire,
    "column renamed by its database name": _rename("column"),
    "column renamed by a hint": _rename("hint"),
    "column renamed by a flag": _rename("flag"),
    "columns swapped": _swap,
    "type changed": _retype,
    "nullability changed": _nullable,
    "default changed": _default,
    "unique changed": _setting("unique"),
    "index on a column changed": _setting("index"),
    "comment changed": _comment,
    "index changed": _index,
    "check changed": _check,
    "foreign key changed": _key,
    "foreign key added": _new_key,
    "label added": _label,
    "label renamed": _renamed_label,
    "label removed": _removed_label,
    "table renamed": _table_renamed,
    "table added": _table_added,
    "table comment changed": _option("comment", '"other"'),
    "storage changed": _option("storage", "{ fillfactor = 60 }"),
    "row security changed": _option("row_level_security", '"enabled"'),
    "table unlogged": _option("unlogged", "true"),
}
