"""What a generated pair of schemas has besides its tables: an object of some kind, and its change.

Each is one table with rows and whatever else the change is about. The rows are read before and
after the change: every value must be the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True)
class Feature:
    """An object of the old schema and of the new one."""

    kind: str
    #: The TOML of both schemas.
    old: str
    new: str
    #: What fills the old tables.
    rows: str = ""
    #: Queries with one result before and after the change; two where names change.
    queries: tuple[tuple[str, str], ...] = ()
    drops: tuple[str, ...] = ()
    #: Objects in SQL of both schemas.
    old_sql: tuple[str, ...] = ()
    new_sql: tuple[str, ...] = ()


#: Between the settings of a table and what stands behind its columns.
_BEHIND = "\n---\n"
_KEY = 'id = { type = "bigint", primary_key = true }\n'


def _class(name: str) -> str:
    return name.title().replace("_", "")


def table(name: str, columns: str, more: str = "", key: str = _KEY) -> str:
    """Return a model in TOML."""
    first, _, rest = more.partition(_BEHIND)
    text = (
        f'[models.CLS]\ntable = "{name}"\n{first}\n[models.CLS.columns]\n{key}{columns}\n{rest}\n'
    )
    return text.replace("CLS", _class(name)).replace("NAME", name)


def _rows(name: str, columns: str, values: str) -> tuple[str, str]:
    """Return what fills a table, and the query that reads all of it."""
    named = re.findall(r"^(\w+) =", columns, re.M)
    listed = ", ".join(f"{each}::text" for each in named)
    return (
        f"INSERT INTO {name} ({', '.join(named)}) VALUES {values};",
        f"SELECT id, {listed} FROM {name} ORDER BY id",
    )


Maker = Callable[[str, Random], Feature]


def _query(sql: str, other: str = "") -> tuple[tuple[str, str], ...]:
    return ((sql, other or sql),)


def _on_table(
    columns: str,
    changes: tuple[str, str],
    *,
    values: str,
    kind: str,
    more: tuple[str, str] = ("", ""),
    both: bool = True,
    gone: str = "",
) -> Maker:
    """Return a feature: a table with either of `changes` for `{}`, and either of `more`.

    both: whether the change goes either way.
    gone: what a flag has to name on the way back.
    """

    def make(name: str, choose: Random) -> Feature:
        is_back = both and choose.random() < 0.5
        old, new = (1, 0) if is_back else (0, 1)
        rows, query = _rows(name, columns, values)
        return Feature(
            f"{kind}, back" if is_back else kind,
            *(table(name, columns.replace("{}", changes[at]), more[at]) for at in (old, new)),
            rows=rows,
            queries=_query(query),
            drops=(gone.replace("NAME", name),) if is_back and gone else (),
        )

    return make


def _part(
    kind: str, columns: str, values: str, text: str, other: str = "", gone: str = ""
) -> Maker:
    """Return a feature: a table that gets a part, or another one."""
    more = (f"{_BEHIND}{other}", f"{_BEHIND}{text}")
    return _on_table(columns, ("", ""), values=values, kind=kind, more=more, gone=gone)


def _setting(kind: str, columns: str, values: str, text: str, other: str = "") -> Maker:
    return _on_table(columns, ("", ""), values=values, kind=kind, more=(other, text))


_TWO = 'a = "int"\nb = "text?"'
_TWO_ROWS = "(1, 'x'), (2, NULL), (3, 'y')"


def _index(kind: str, text: str, other: str = "", columns: str = "", values: str = "") -> Maker:
    def index(each: str) -> str:
        return f'[[models.CLS.indexes]]\nname = "NAME_found"\n{each}' if each else ""

    return _part(kind, columns or _TWO, values or _TWO_ROWS, index(text), index(other))


def _unique(kind: str, text: str, other: str = "") -> Maker:
    def unique(each: str) -> str:
        return f'[[models.CLS.uniques]]\nname = "NAME_once"\n{each}' if each else ""

    return _part(kind, _TWO, _TWO_ROWS, unique(text), unique(other))


def _check(kind: str, text: str, other: str = "") -> Maker:
    def check(each: str) -> str:
        return f'[[models.CLS.checks]]\nname = "NAME_ok"\n{each}' if each else ""

    return _part(kind, _TWO, _TWO_ROWS, check(text), check(other))


def _exclude(kind: str, text: str, other: str = "") -> Maker:
    def exclude(each: str) -> str:
        return f'[[models.CLS.excludes]]\nname = "NAME_apart"\n{each}' if each else ""

    columns, values = 'a = "int4range?"', "('[1,3)'), ('[5,8)'), (NULL)"
    return _part(kind, columns, values, exclude(text), exclude(other))


def _column(kind: str, old: str, new: str, values: str, *, both: bool = True) -> Maker:
    return _on_table("a = {}", (old, new), values=values, kind=kind, both=both)


def _schema_part(kind: str, columns: str, values: str, old: str, new: str, gone: str = "") -> Maker:
    """Return a feature: something beside a table that changes, and the way back."""
    make = _on_table(columns, ("", ""), values=values, kind=kind, both=False)

    def both(name: str, choose: Random) -> Feature:
        found = make(name, choose)
        texts = [each.replace("NAME", name) for each in (old, new)]
        kinds, drops = kind, ()
        if choose.random() < 0.5:
            texts.reverse()
            kinds, drops = f"{kind}, back", (gone.replace("NAME", name),) if gone else ()
        return Feature(
            *(kinds, found.old + texts[0], found.new + texts[1], found.rows, found.queries), drops
        )

    return both


def _sql(kind: str, *texts: str, both: bool = True) -> Maker:
    """Return a feature: objects in SQL over a table; the last one changes, or is added."""
    *always, old, new = texts
    make = _on_table(_TWO, ("", ""), values=_TWO_ROWS, kind=kind, both=False)

    def objects(name: str, choose: Random) -> Feature:
        found = make(name, choose)
        sides = [old, new]
        kinds = kind
        if both and choose.random() < 0.5:
            sides.reverse()
            kinds = f"{kind}, back"
        before, after = (
            tuple(each.replace("NAME", name) for each in (*always, side) if each) for side in sides
        )
        return Feature(
            *(kinds, found.old, found.new, found.rows, found.queries),
            old_sql=before,
            new_sql=after,
        )

    return objects


def _moved(name: str, choose: Random) -> Feature:
    other = f'schema = "{name}_ns"'
    old, new = ("", other) if choose.random() < 0.5 else (other, "")
    names = [f"{name}_ns.{name}" if each else name for each in (old, new)]
    query = "SELECT id, a, b FROM {} ORDER BY id"
    return Feature(
        "table moved to another schema",
        *(table(name, _TWO, each) for each in (old, new)),
        rows=f"INSERT INTO {names[0]} (a, b) VALUES {_TWO_ROWS};",
        queries=((query.format(names[0]), query.format(names[1])),),
    )


def _partitioned(kind: str, old: str, new: str, gone: str = "") -> Maker:
    """Return a feature: a partitioned table. `old` and `new` are columns, more, and partitions."""

    def make(name: str, choose: Random) -> Feature:
        def text(each: str) -> str:
            columns, more, partitions = each.split("|")
            first = 'partition_by = "RANGE (id)"\nprimary_key = ["id"]'
            rest = f"[models.CLS.partitions]\n{partitions}\n{more}"
            return table(name, columns, f"{first}{_BEHIND}{rest}", 'id = "bigint"\n')

        return Feature(
            kind,
            text(old),
            text(new),
            rows=f"INSERT INTO {name} (id, a) VALUES (1, 'x'), (2, NULL), (12, 'y');",
            queries=_query(f"SELECT id, a::text FROM {name} ORDER BY id"),
            drops=(gone.replace("NAME", name),) if gone else (),
        )

    return make


def _composite(kind: str, old: str, new: str) -> Maker:
    """Return a feature: a table with a key of two columns, and one that references it."""

    def make(name: str, choose: Random) -> Feature:
        target = table(name, 'a = "int"\nb = "text"', 'primary_key = ["a", "b"]', "")
        texts = [
            target
            + table(f"{name}_ref", 'a = "int?"\nb = "text?"', f"{_BEHIND}{each}").replace(
                "TARGET", name
            )
            for each in (old, new)
        ]
        kinds = kind
        if choose.random() < 0.5:
            texts.reverse()
            kinds = f"{kind}, back"
        return Feature(
            kinds,
            *texts,
            rows=f"INSERT INTO {name} VALUES (1, 'x'), (1, 'y'); INSERT INTO {name}_ref (a, b) "
            "VALUES (1, 'x'), (NULL, NULL), (1, 'y');",
            queries=(
                *_query(f"SELECT a, b FROM {name} ORDER BY 1, 2"),
                *_query(f"SELECT id, a, b FROM {name}_ref ORDER BY id"),
            ),
        )

    return make


def _enum(kind: str, old: str, new: str, columns: str, values: str, mapping: str = "") -> Maker:
    """Return a feature: an enum that a table uses."""

    def make(name: str, choose: Random) -> Feature:
        enum = f"{_class(name)}Mood"
        rows, query = _rows(name, columns, values)
        before = re.sub(r"(\w+)::text", mapping, query) if mapping else query
        own = table(name, columns.replace("MOOD", enum))
        texts = (f"{own}[enums.{enum}]\n{each}\n" for each in (old, new))
        return Feature(kind, *texts, rows=rows, queries=((before, query),))

    return make


def _domain(kind: str, old: str, new: str) -> Maker:
    settings = ('[domains.NAME_short]\ntype = "text"\n' + each for each in (old, new))
    return _schema_part(kind, 'a = "NAME_short?"', "('a'), (NULL), ('bcd')", *settings)


def _view(kind: str, old: str, new: str, columns: tuple[str, str]) -> Maker:
    views = [
        (
            f'[models.CLSView]\ntable = "NAME_view"\n{text}\n[models.CLSView.columns]\n{names}\n'
            if text
            else ""
        )
        for text, names in zip((old, new), columns, strict=True)
    ]
    return _on_table(
        *(_TWO, ("", "")),
        values=_TWO_ROWS,
        kind=kind,
        more=(f"{_BEHIND}{views[0]}", f"{_BEHIND}{views[1]}"),
        gone="" if old else "NAME_view",
    )


_FUNCTION = """-- object: function public.NAME_f()
CREATE FUNCTION public.NAME_f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN %s; END';
"""
_TRIGGER = """-- object: trigger NAME_t on NAME
CREATE TRIGGER NAME_t BEFORE %s ON public.NAME FOR EACH ROW EXECUTE FUNCTION public.NAME_f();
"""
_POLICY = """-- object: policy NAME_p on NAME
CREATE POLICY NAME_p ON public.NAME %s;
"""
_VIEW = """-- object: view public.NAME_v
CREATE VIEW public.NAME_v AS SELECT %s FROM public.NAME;
"""
_STATISTICS = """-- object: statistics public.NAME_s
CREATE STATISTICS public.NAME_s %s ON a, b FROM public.NAME;
"""
_PARTS = 'NAME_1 = "FOR VALUES FROM (0) TO (10)"\nNAME_2 = "FOR VALUES FROM (10) TO (20)"'
_THIRD = f'{_PARTS}\nNAME_3 = "FOR VALUES FROM (20) TO (30)"'
_BOTH = '[[models.CLS.foreign_keys]]\nname = "NAME_key"\ncolumns = ["a", "b"]\n'
_BOTH += 'target = "TARGET"\ntarget_columns = ["a", "b"]\n'
_MOODS = 'values = ["sad", "ok", "glad"]'
_MOODY = 'm = "MOOD?"\nms = "MOOD[]?"'
_MOODY_ROWS = "('sad', '{sad,ok}'), (NULL, NULL), ('glad', '{glad,NULL}')"
_NUMBERS = "(1), (2), (3)"

#: What a migration takes back without loss, and without a flag that agrees to anything.
REVERSIBLE: tuple[Maker, ...] = (
    _index("index with INCLUDE", 'columns = ["a"]\ninclude = ["b"]', 'columns = ["a"]'),
    _index("index of an expression", 'columns = [{ expression = "lower(b)" }]'),
    _index("operator class", 'columns = [{ column = "b", opclass = "text_pattern_ops" }]'),
    _index("method of an index", 'columns = ["a"]\nmethod = "hash"', 'columns = ["a"]'),
    _index("method brin", 'columns = ["a"]\nmethod = "brin"', 'columns = ["b"]'),
    _index(
        "option of an index", 'columns = ["a"]\nstorage = { fillfactor = 70 }', 'columns = ["a"]'
    ),
    _index("comment of an index", 'columns = ["a"]\ncomment = "it"', 'columns = ["a"]'),
    _index("unique index", 'columns = ["a"]\nunique = true', 'columns = ["a"]'),
    _index("order of an index", 'columns = [{ column = "a", nulls = "first" }]', 'columns = ["a"]'),
    _index(
        *("index gin", 'columns = ["a"]\nmethod = "gin"', "", 'a = "int[]?"'),
        "('{1,2}'), (NULL), ('{}')",
    ),
    _unique("unique of two columns", 'columns = ["a", "b"]'),
    _unique("NULLS NOT DISTINCT", 'columns = ["a"]\nnulls_not_distinct = true', 'columns = ["a"]'),
    _unique("deferrable unique", 'columns = ["a"]\ndeferrable = true', 'columns = ["a"]'),
    _unique("columns of a unique", 'columns = ["a", "b"]', 'columns = ["a"]'),
    _unique("comment of a unique", 'columns = ["a"]\ncomment = "one"', 'columns = ["a"]'),
    _unique("unique with INCLUDE", 'columns = ["a"]\ninclude = ["b"]', 'columns = ["a"]'),
    _check("check of two columns", "expression = \"a > 0 OR b <> ''\""),
    _check("changed check", 'expression = "a > 0"', 'expression = "a > -1"'),
    _check("comment of a check", 'expression = "a > 0"\ncomment = "all"', 'expression = "a > 0"'),
    _check("check NO INHERIT", 'expression = "a > 0"\nno_inherit = true', 'expression = "a > 0"'),
    _setting("comment of a table", _TWO, _TWO_ROWS, 'comment = "it\'s"', 'comment = "else"'),
    _setting("replica identity", _TWO, _TWO_ROWS, 'replica_identity = "full"'),
    _setting("forced row security", _TWO, _TWO_ROWS, 'row_level_security = "forced"'),
    _setting("option of a table", _TWO, _TWO_ROWS, "storage = { autovacuum_enabled = false }"),
    _composite("foreign key of two columns", "", _BOTH),
    _composite("action of a composite key", _BOTH, _BOTH + 'on_delete = "cascade"'),
    _composite("deferrable foreign key", _BOTH, _BOTH + "deferrable = true"),
    _composite("match of a foreign key", _BOTH, _BOTH + 'match = "full"'),
    _composite("comment of a foreign key", _BOTH, _BOTH + 'comment = "to"'),
    _sql("function", "", _FUNCTION % "RETURN NEW"),
    _sql("body of a function", _FUNCTION % "RETURN NEW", _FUNCTION % "NULL; RETURN NEW"),
    _sql("trigger", _FUNCTION % "RETURN NEW", "", _TRIGGER % "UPDATE"),
    _sql("changed trigger", _FUNCTION % "RETURN NEW", _TRIGGER % "UPDATE", _TRIGGER % "DELETE"),
    _sql("policy", "", _POLICY % "USING (a > 1)"),
    _sql("changed policy", _POLICY % "FOR SELECT USING (a > 1)", _POLICY % "USING (a > 1)"),
    _sql("view in SQL", "", _VIEW % "id, a"),
    _sql("changed view in SQL", _VIEW % "id, a", _VIEW % "id, a + 1 AS a"),
    _sql("statistics", "", _STATISTICS % ""),
    _sql("changed statistics", _STATISTICS % "(ndistinct)", _STATISTICS % "(dependencies)"),
)
FEATURES: tuple[Maker, ...] = (
    *REVERSIBLE,
    _exclude("exclude", 'elements = [{ column = "a", operator = "&&" }]'),
    _exclude(
        "condition of an exclude",
        'elements = [{ column = "a", operator = "&&" }]\nwhere = "id > 1"',
        'elements = [{ column = "a", operator = "&&" }]',
    ),
    _column("array of larger numbers", '"int[]?"', '"bigint[]?"', "('{1,2}'), (NULL), ('{}')"),
    _column("array of texts", '"varchar(9)[]?"', '"text[]?"', "('{a,NULL}'), (NULL), ('{}')"),
    _column(
        *("default of an array", '"int[]"', '{ type = "int[]", default = [1, 2] }'),
        "('{1,2}'), ('{3}'), ('{}')",
    ),
    _column("number to text", '"int?"', '"text?"', "(1), (NULL), (-3)"),
    _column("larger number", '"smallint?"', '"bigint?"', "(1), (NULL), (-3)"),
    _column("float to double", '"real?"', '"double precision?"', "(0.5), (NULL), (-3)"),
    _column("json to jsonb", '"json?"', '"jsonb?"', "('[1]'), (NULL), ('{}')"),
    _column("uuid to text", '"uuid?"', '"text?"', "(gen_random_uuid()), (NULL), (NULL)"),
    _column("time precision", '"time(3)?"', '"time?"', "('10:00'), (NULL), ('11:00')"),
    _column("interval", '"interval?"', '"text?"', "('1 day'), (NULL), ('02:00:00')", both=False),
    _column("bytes", '"bytea?"', '{ type = "bytea", backfill = "\'\'::bytea" }', "('x'), ('')"),
    _column("bits", '"varbit(8)?"', '"varbit(16)?"', "('101'), (NULL), ('')"),
    _column("network", '"cidr?"', '"inet?"', "('10.0.0.0/8'), (NULL), ('::1/128')"),
    _column("range", '"int4range?"', '{ type = "int4range?", index = true }', "('[1,2)'), (NULL)"),
    _column(
        *("storage of a column", '"text?"', '{ type = "text?", storage = "external" }'),
        "('x'), (NULL), ('y')",
    ),
    _column(
        *("compression", '"text?"', '{ type = "text?", compression = "pglz" }', "('x'), (NULL)"),
    ),
    _column("statistics", '"text?"', '{ type = "text?", statistics = 9 }', "('x'), (NULL)"),
    _column("collation", '"text?"', '{ type = "text?", collation = "C" }', "('x'), (NULL)"),
    _column(
        *("identity always", '{ type = "int", identity = "by default" }'),
        *('{ type = "int", identity = "always" }', "(DEFAULT), (DEFAULT), (DEFAULT)"),
    ),
    _column(
        *("options of an identity", '{ type = "int", identity = "by default" }'),
        '{ type = "int", identity = { generated = "by default", increment = 5, cache = 3 } }',
        "(DEFAULT), (7), (DEFAULT)",
    ),
    _column("identity of a column", '"int"', '{ type = "int", identity = "by default" }', _NUMBERS),
    _column(
        *("type of an identity", '{ type = "int", identity = "by default" }'),
        *('{ type = "bigint", identity = "by default" }', "(DEFAULT), (DEFAULT)"),
    ),
    _column("serial", '"int"', '"serial"', _NUMBERS, both=False),
    _part(
        *("stored column", 'a = "int"', _NUMBERS),
        '[models.CLS.columns.g]\ntype = "int"\ngenerated = "a * 2"',
        gone="NAME.g",
    ),
    _part(
        *("virtual column", 'a = "int"', _NUMBERS),
        '[models.CLS.columns.g]\ntype = "int"\ngenerated = "a * 2"\nvirtual = true',
        gone="NAME.g",
    ),
    _part(
        *("expression of a stored column", 'a = "int"', _NUMBERS),
        '[models.CLS.columns.g]\ntype = "int"\ngenerated = "a * 2"',
        '[models.CLS.columns.g]\ntype = "int"\ngenerated = "a * 3"',
    ),
    _part(
        *("expression of a virtual column", 'a = "int"', _NUMBERS),
        '[models.CLS.columns.g]\ntype = "int"\ngenerated = "a * 2"\nvirtual = true',
        '[models.CLS.columns.g]\ntype = "int"\ngenerated = "a * 3"\nvirtual = true',
    ),
    _setting("unlogged table", _TWO, _TWO_ROWS, "unlogged = true"),
    _moved,
    _partitioned("partition added", f'a = "text?"||{_PARTS}', f'a = "text?"||{_THIRD}'),
    _partitioned(
        "empty partition dropped", f'a = "text?"||{_THIRD}', f'a = "text?"||{_PARTS}', "NAME_3"
    ),
    _partitioned(
        *("column of a partitioned table", f'a = "text?"||{_PARTS}'),
        f'a = "text?"\nb = {{ type = "int", default = 4 }}||{_PARTS}',
    ),
    _partitioned(
        *("index of a partitioned table", f'a = "text?"||{_PARTS}'),
        f'a = "text?"|[[models.CLS.indexes]]\nname = "NAME_i"\ncolumns = ["a"]|{_PARTS}',
    ),
    _partitioned(
        *("check of a partitioned table", f'a = "text?"||{_PARTS}'),
        f'a = "text?"|[[models.CLS.checks]]\nname = "NAME_c"\nexpression = "id > 0"|{_PARTS}',
    ),
    _partitioned(
        *("default of a partitioned table", f'a = "text?"||{_PARTS}'),
        f'a = {{ type = "text?", default = "z" }}||{_PARTS}',
    ),
    _partitioned(
        *("type in a partitioned table", f'a = "varchar(9)?"||{_PARTS}'),
        f'a = "text?"||{_PARTS}',
    ),
    _enum(
        "label of an array added",
        _MOODS,
        'values = ["x", "sad", "ok", "glad"]',
        _MOODY,
        _MOODY_ROWS,
    ),
    _enum(
        *("label of an array renamed", _MOODS),
        'values = ["blue", "ok", "glad"]\nrenamed_values = { blue = "sad" }',
        *(_MOODY, _MOODY_ROWS, r"replace(\1::text, 'sad', 'blue')"),
    ),
    _enum(
        *("label of an array removed", _MOODS),
        'values = ["sad", "ok"]\nremoved = { glad = "ok" }',
        *(_MOODY, _MOODY_ROWS, r"replace(\1::text, 'glad', 'ok')"),
    ),
    _enum("labels in another order", _MOODS, 'values = ["ok", "glad", "sad"]', _MOODY, _MOODY_ROWS),
    _enum("enum commented", _MOODS, f'{_MOODS}\ncomment = "how"', _MOODY, _MOODY_ROWS),
    _domain("check of a domain", "", 'checks = [{ name = "short", expression = "VALUE <> \'\'" }]'),
    _domain("default of a domain", "", "server_default = \"'z'\""),
    _domain("comment of a domain", "", 'comment = "few"'),
    _schema_part(
        *("sequence", _TWO, _TWO_ROWS),
        "",
        "[sequences.NAME_numbers]\nstart = 10\n",
        gone="NAME_numbers",
    ),
    _schema_part(
        *("options of a sequence", _TWO, _TWO_ROWS),
        "[sequences.NAME_numbers]\nstart = 10\n",
        "[sequences.NAME_numbers]\nstart = 10\nincrement = 2\ncache = 5\n",
    ),
    _schema_part(
        *("comment of a schema", _TWO, _TWO_ROWS),
        "[schemas.NAME_other]\n",
        '[schemas.NAME_other]\ncomment = "it"\n',
    ),
    _schema_part("schema", _TWO, _TWO_ROWS, "", "[schemas.NAME_other]\n"),
    _view(
        *("view", "", 'view = "SELECT id, a FROM NAME"\nkey = ["id"]'),
        ("", 'id = "bigint"\na = "int?"'),
    ),
    _view(
        "condition of a view",
        'view = "SELECT id, a FROM NAME WHERE a > 1"\nkey = ["id"]',
        'view = "SELECT id, a FROM NAME"\nkey = ["id"]',
        ('id = "bigint"\na = "int?"',) * 2,
    ),
    _view(
        "columns of a view",
        'view = "SELECT id, b FROM NAME"\nkey = ["id"]',
        'view = "SELECT id, a AS b FROM NAME"\nkey = ["id"]',
        ('id = "bigint"\nb = "text?"', 'id = "bigint"\nb = "int?"'),
    ),
    _view(
        "materialized view",
        "",
        'view = "SELECT id, a FROM NAME"\nmaterialized = true\nkey = ["id"]',
        ("", 'id = "bigint"\na = "int?"'),
    ),
)
