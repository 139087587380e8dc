"""Changes of a schema, each in the words of OrmKit and of SQLAlchemy.

Both begin with the table `users`, of the columns `id`, `name` and `age`, and with `posts`, of `id`
and `user_id`. What stands here is added to it.
"""

from __future__ import annotations

from dataclasses import dataclass

#: What both have before and after, as OrmKit says it.
TOML = """
{more}
[models.User]
table = "users"
{table}
[models.User.columns]
{head}
{columns}
[models.Post]
table = "posts"
{post}
[models.Post.columns]
id = {{ type = "bigint", primary_key = true }}
{user_id}
"""
HEAD = 'id = { type = "bigint", primary_key = true }\nname = "text?"\nage = "integer?"'
USER_ID = 'user_id = "bigint?"'
ROWS = (
    "INSERT INTO users (name, age) VALUES ('a', 1), ('b', 2), ('c', 3);"
    "INSERT INTO posts (user_id) VALUES (1), (2);"
)


@dataclass(frozen=True, kw_only=True)
class Side:
    """A schema, in OrmKit's words."""

    columns: str = ""
    table: str = ""
    more: str = ""
    post: str = ""
    user_id: str = USER_ID
    head: str = HEAD
    sql: tuple[str, ...] = ()

    @property
    def toml(self) -> str:
        """The text of its file."""
        parts = ("more", "table", "columns", "post", "user_id", "head")
        return TOML.format(**{each: getattr(self, each) for each in parts})


@dataclass(frozen=True, kw_only=True)
class Case:
    """A change: before, after, and what each tool is told."""

    kind: str
    what: str
    old: Side = Side()
    new: Side = Side()
    #: The schema after it, in SQLAlchemy's words: items of `users`, ...
    sa: str = ""
    #: ... items of `posts`, ...
    sa_post: str = "Column('user_id', BigInteger)"
    #: ... the three columns, ...
    sa_head: str = "ID, NAME, AGE"
    #: ... and statements that use the metadata `m`.
    sa_more: str = ""
    rows: str = ROWS
    #: What is to be the same before and after; the second one where a name changes.
    kept: tuple[str, str] = ("SELECT name, age FROM users", "SELECT name, age FROM users")
    renames: tuple[tuple[str, str], ...] = ()
    drops: tuple[str, ...] = ()
    consents: tuple[str, ...] = ()
    #: True where nothing changes but the spelling.
    is_same: bool = False


def _columns(kind: str, what: str, old: str, new: str, sa: str, **more: object) -> Case:
    values: dict[str, object] = {"rows": ROWS}
    return Case(
        kind=kind,
        what=what,
        old=Side(columns=old),
        new=Side(columns=new),
        sa=sa,
        **{**values, **more},  # type: ignore[arg-type]
    )


def _table(kind: str, what: str, old: str, new: str, sa: str, **more: object) -> Case:
    return Case(
        kind=kind,
        what=what,
        old=Side(table=old),
        new=Side(table=new),
        sa=sa,
        **more,  # type: ignore[arg-type]
    )


def _enum(what: str, old: str, new: str, labels: str, **more: object) -> Case:
    """Return a change of an enum that a column of `users` has."""
    return Case(
        kind="enum",
        what=what,
        old=Side(more=f"[enums.Mood]\nvalues = {old}", columns='mood = "Mood?"'),
        new=Side(more=f"[enums.Mood]\n{new}", columns='mood = "Mood?"'),
        sa=f"Column('mood', Enum({labels}, name='mood'))",
        rows=f"{ROWS}UPDATE users SET mood = 'low';",
        **more,  # type: ignore[arg-type]
    )


_X = f"{ROWS}UPDATE users SET x = '1';"
_KEPT_X = ("SELECT x::text::numeric FROM users", "SELECT x::text::numeric FROM users")
_INDEX = "indexes = [{{ name = 'i', {} }}]"
_UNIQUE = "uniques = [{{ name = 'u', columns = ['age']{} }}]"
_CHECK = "checks = [{{ name = 'c', expression = \"{}\" }}]"
_KEY = 'user_id = {{ type = "bigint?", foreign_key = "users.id"{} }}'
_SA_KEY = "Column('user_id', BigInteger, ForeignKey('users.id', name='posts_user_id_fkey'{}))"
_VIEW = "-- object: view adults\nCREATE VIEW adults AS SELECT id, {} FROM users;"
_EXCLUDE = (
    "excludes = [{{ name = 'e', method = 'gist', elements = "
    "[{{ expression = 'int4range(age, age + {})', operator = '&&' }}] }}]"
)
_SA_TAG = "Table('tags', m, Column('id', BigInteger, Identity(), primary_key=True))"
_TAG = f'[models.Tag]\ntable = "tags"\n[models.Tag.columns]\n{HEAD.splitlines()[0]}'

CASES: tuple[Case, ...] = (
    Case(kind="table", what="added", new=Side(more=_TAG), sa_more=_SA_TAG),
    Case(kind="table", what="dropped", old=Side(more=_TAG), drops=("tags",)),
    Case(
        kind="table",
        what="renamed",
        old=Side(more=_TAG),
        new=Side(more=_TAG.replace('"tags"', '"labels"')),
        sa_more=_SA_TAG.replace("'tags'", "'labels'"),
        rows=f"{ROWS}INSERT INTO tags DEFAULT VALUES;",
        kept=("SELECT id FROM tags", "SELECT id FROM labels"),
    ),
    _table("table", "comment", "", 'comment = "People."', "{'comment': 'People.'}"),
    _table("table", "storage parameter", "", "storage = { fillfactor = 70 }", ""),
    _table("table", "row-level security", "", 'row_level_security = "enabled"', ""),
    _columns("column", "added, nullable", "", 'bio = "text?"', "Column('bio', Text)"),
    _columns(
        *("column", "added, NOT NULL, constant default", ""),
        'x = { type = "integer", server_default = "7" }',
        "Column('x', Integer, nullable=False, server_default=text('7'))",
    ),
    _columns(
        *("column", "added, NOT NULL, a value for old rows", ""),
        'x = { type = "integer", backfill = "age * 2" }',
        "Column('x', Integer, nullable=False)",
    ),
    _columns(
        *("column", "added, default differs by row", ""),
        'x = { type = "uuid", server_default = "gen_random_uuid()" }',
        "Column('x', Uuid, nullable=False, server_default=text('gen_random_uuid()'))",
    ),
    _columns("column", "dropped", 'bio = "text?"', "", "", drops=("users.bio",)),
    _columns(
        *("column", "renamed", 'x = "text?"', 'y = "text?"', "Column('y', Text)"),
        rows=_X,
        kept=("SELECT x FROM users", "SELECT y FROM users"),
        renames=(("users.x", "users.y"),),
    ),
    Case(
        kind="column",
        what="two swap their names",
        new=Side(
            head=HEAD.replace(
                'name = "text?"\nage = "integer?"',
                'name = { type = "integer?", renamed_from = "age" }\n'
                'age = { type = "text?", renamed_from = "name" }',
            )
        ),
        sa_head="ID, Column('name', Integer), Column('age', Text)",
        kept=("SELECT name, age FROM users", "SELECT age, name FROM users"),
    ),
    _columns(
        "column",
        "comment",
        'x = "text?"',
        'x = { type = "text?", comment = "c" }',
        "Column('x', Text, comment='c')",
    ),
    _columns(
        "type",
        "varchar(10) to varchar(20)",
        'x = "varchar(10)?"',
        'x = "varchar(20)?"',
        "Column('x', String(20))",
        rows=_X,
        kept=_KEPT_X,
    ),
    _columns(
        "type",
        "varchar to text",
        'x = "varchar(10)?"',
        'x = "text?"',
        "Column('x', Text)",
        rows=_X,
        kept=_KEPT_X,
    ),
    _columns(
        "type",
        "numeric(10,2) to numeric(12,2)",
        'x = "numeric(10,2)?"',
        'x = "numeric(12,2)?"',
        "Column('x', Numeric(12, 2))",
        rows=_X,
        kept=_KEPT_X,
    ),
    _columns(
        "type",
        "integer to bigint",
        'x = "integer?"',
        'x = "bigint?"',
        "Column('x', BigInteger)",
        rows=_X,
        kept=_KEPT_X,
    ),
    _columns(
        "type",
        "text to integer",
        'x = "text?"',
        'x = "integer?"',
        "Column('x', Integer)",
        rows=_X,
        kept=_KEPT_X,
    ),
    _columns(
        "type",
        "varchar(10) to varchar(5)",
        'x = "varchar(10)?"',
        'x = "varchar(5)?"',
        "Column('x', String(5))",
        rows=_X,
        kept=_KEPT_X,
    ),
    _columns(
        *("type", "timestamp to timestamptz", 'x = "timestamp?"'),
        'x = { type = "timestamptz?", time_zone = "Europe/Berlin" }',
        "Column('x', DateTime(timezone=True))",
        rows=f"{ROWS}UPDATE users SET x = '2026-07-01 12:00';",
        kept=(
            "SELECT (x AT TIME ZONE 'Europe/Berlin')::text FROM users",
            "SELECT x::text FROM users",
        ),
    ),
    _columns(
        "type",
        "array of another type",
        'x = "integer[]?"',
        'x = "bigint[]?"',
        "Column('x', ARRAY(BigInteger))",
    ),
    _columns(
        "type",
        "collation",
        'x = "text?"',
        'x = { type = "text?", collation = "C" }',
        "Column('x', Text(collation='C'))",
        rows=_X,
        kept=_KEPT_X,
    ),
    _columns(
        "NOT NULL",
        "set",
        'x = "integer?"',
        'x = "integer"',
        "Column('x', Integer, nullable=False)",
        rows=_X,
        kept=_KEPT_X,
    ),
    _columns(
        "NOT NULL",
        "dropped",
        'x = "integer"',
        'x = "integer?"',
        "Column('x', Integer)",
        rows="INSERT INTO users (name, age, x) VALUES ('a', 1, 1);",
        kept=_KEPT_X,
    ),
    _columns(
        "default",
        "set",
        'x = "integer?"',
        'x = { type = "integer?", server_default = "7" }',
        "Column('x', Integer, server_default=text('7'))",
    ),
    _columns(
        "default",
        "changed",
        'x = { type = "integer?", server_default = "6" }',
        'x = { type = "integer?", server_default = "7" }',
        "Column('x', Integer, server_default=text('7'))",
    ),
    _columns(
        "default",
        "dropped",
        'x = { type = "integer?", server_default = "6" }',
        'x = "integer?"',
        "Column('x', Integer)",
    ),
    _columns(
        "default",
        "now() to clock_timestamp()",
        'x = { type = "timestamptz?", server_default = "now()" }',
        'x = { type = "timestamptz?", server_default = "clock_timestamp()" }',
        "Column('x', DateTime(timezone=True), server_default=text('clock_timestamp()'))",
    ),
    _columns(
        "default",
        "of json",
        'x = { type = "json?", server_default = "\'{}\'" }',
        'x = { type = "json?", server_default = "\'[]\'" }',
        "Column('x', JSON, server_default=text(\"'[]'\"))",
    ),
    _columns(
        "identity",
        "by default to always",
        'x = { type = "bigint", identity = "by default", unique = true }',
        'x = { type = "bigint", identity = "always", unique = true }',
        "Column('x', BigInteger, Identity(always=True)), "
        "UniqueConstraint('x', name='users_x_key')",
    ),
    _columns(
        "generated",
        "added, stored",
        "",
        'x = { type = "integer?", generated = "age + 1" }',
        "Column('x', Integer, Computed('age + 1', persisted=True))",
        consents=("rewrite:users",),
    ),
    _columns(
        "generated",
        "added, virtual",
        "",
        'x = { type = "integer?", generated = "age + 1", virtual = true }',
        "Column('x', Integer, Computed('age + 1', persisted=False))",
    ),
    _columns(
        "generated",
        "other expression",
        'x = { type = "integer?", generated = "age + 1" }',
        'x = { type = "integer?", generated = "age + 2" }',
        "Column('x', Integer, Computed('age + 2', persisted=True))",
        consents=("rewrite:users",),
    ),
    _columns(
        "generated",
        "no longer",
        'x = { type = "integer?", generated = "age + 1" }',
        'x = "integer?"',
        "Column('x', Integer)",
        kept=("SELECT x FROM users", "SELECT x FROM users"),
    ),
    _table("unique", "added", "", _UNIQUE.format(""), "UniqueConstraint('age', name='u')"),
    _table("unique", "dropped", _UNIQUE.format(""), "", ""),
    _table(
        "unique",
        "deferrable",
        _UNIQUE.format(""),
        _UNIQUE.format(", deferrable = true"),
        "UniqueConstraint('age', name='u', deferrable=True)",
    ),
    _table(
        "unique",
        "NULLS NOT DISTINCT",
        _UNIQUE.format(""),
        _UNIQUE.format(", nulls_not_distinct = true"),
        "UniqueConstraint('age', name='u', postgresql_nulls_not_distinct=True)",
    ),
    _table(
        "unique",
        "INCLUDE",
        _UNIQUE.format(""),
        _UNIQUE.format(", include = ['name']"),
        "UniqueConstraint('age', name='u', postgresql_include=['name'])",
    ),
    _table(
        "unique",
        "renamed",
        _UNIQUE.format(""),
        _UNIQUE.format("").replace("'u'", "'v'"),
        "UniqueConstraint('age', name='v')",
    ),
    _table("check", "added", "", _CHECK.format("age > 0"), "CheckConstraint('age > 0', name='c')"),
    _table(
        "check",
        "changed",
        _CHECK.format("age > 0"),
        _CHECK.format("age > -1"),
        "CheckConstraint('age > -1', name='c')",
    ),
    _table(
        "check",
        "only spelled otherwise",
        _CHECK.format("age IN (1, 2, 3)"),
        _CHECK.format("age = ANY (ARRAY[1, 2, 3])"),
        "CheckConstraint('age = ANY (ARRAY[1, 2, 3])', name='c')",
        is_same=True,
    ),
    _table("check", "dropped", _CHECK.format("age > 0"), "", ""),
    _table(
        "exclude",
        "added",
        "",
        _EXCLUDE.format(1),
        "ExcludeConstraint((text('int4range(age, age + 1)'), '&&'), name='e')",
        consents=("exclude:users",),
    ),
    _table(
        "exclude",
        "changed",
        _EXCLUDE.format(1),
        _EXCLUDE.format(0),
        "ExcludeConstraint((text('int4range(age, age + 0)'), '&&'), name='e')",
        consents=("exclude:users",),
    ),
    Case(
        kind="foreign key",
        what="added",
        new=Side(user_id=_KEY.format("")),
        sa_post=_SA_KEY.format(""),
    ),
    Case(kind="foreign key", what="dropped", old=Side(user_id=_KEY.format(""))),
    Case(
        kind="foreign key",
        what="ON DELETE",
        old=Side(user_id=_KEY.format("")),
        new=Side(user_id=_KEY.format(', on_delete = "cascade"')),
        sa_post=_SA_KEY.format(", ondelete='CASCADE'"),
    ),
    Case(
        kind="foreign key",
        what="deferrable",
        old=Side(user_id=_KEY.format("")),
        new=Side(user_id=_KEY.format(", deferrable = true")),
        sa_post=_SA_KEY.format(", deferrable=True"),
    ),
    _table("index", "added", "", _INDEX.format("columns = ['age']"), "Index('i', 'age')"),
    _table("index", "dropped", _INDEX.format("columns = ['age']"), "", ""),
    *(
        _table("index", what, _INDEX.format("columns = ['name']"), _INDEX.format(new), sa)
        for what, new, sa in (
            ("other columns", "columns = ['name', 'age']", "Index('i', 'name', 'age')"),
            (
                "predicate",
                "columns = ['name'], where = 'age > 1'",
                "Index('i', 'name', postgresql_where=text('age > 1'))",
            ),
            (
                "operator class",
                "columns = [{ column = 'name', opclass = 'text_pattern_ops' }]",
                "Index('i', 'name', postgresql_ops={'name': 'text_pattern_ops'})",
            ),
            (
                "method",
                "columns = ['name'], method = 'hash'",
                "Index('i', 'name', postgresql_using='hash')",
            ),
            (
                "INCLUDE",
                "columns = ['name'], include = ['age']",
                "Index('i', 'name', postgresql_include=['age'])",
            ),
            (
                "WITH",
                "columns = ['name'], storage = { fillfactor = 70 }",
                "Index('i', 'name', postgresql_with={'fillfactor': 70})",
            ),
            (
                "descending",
                "columns = [{ column = 'name', descending = true }]",
                "Index('i', text('name DESC'))",
            ),
            (
                "expression",
                "columns = [{ expression = 'lower(name)' }]",
                "Index('i', text('lower(name)'))",
            ),
        )
    ),
    _table(
        "index",
        "renamed",
        _INDEX.format("columns = ['age']"),
        _INDEX.format("columns = ['age']").replace("'i'", "'j'"),
        "Index('j', 'age')",
    ),
    Case(
        kind="enum",
        what="added",
        new=Side(more='[enums.Mood]\nvalues = ["low"]', columns='mood = "Mood?"'),
        sa="Column('mood', Enum('low', name='mood'))",
    ),
    _enum(
        "label appended",
        '["low", "high"]',
        'values = ["low", "high", "top"]',
        "'low', 'high', 'top'",
    ),
    _enum(
        "label in the middle",
        '["low", "high"]',
        'values = ["low", "mid", "high"]',
        "'low', 'mid', 'high'",
    ),
    _enum(
        "label renamed",
        '["low", "high"]',
        'values = ["little", "high"]\nrenamed_values = { little = "low" }',
        "'little', 'high'",
        kept=(
            "SELECT replace(mood::text, 'low', 'little') FROM users",
            "SELECT mood::text FROM users",
        ),
    ),
    _enum(
        "label removed",
        '["low", "high"]',
        'values = ["high"]\nremoved = { low = "high" }',
        "'high'",
        kept=(
            "SELECT replace(mood::text, 'low', 'high') FROM users",
            "SELECT mood::text FROM users",
        ),
    ),
    Case(kind="others", what="view added", new=Side(sql=(_VIEW.format("name"),))),
    Case(
        kind="others",
        what="view changed",
        old=Side(sql=(_VIEW.format("name"),)),
        new=Side(sql=(_VIEW.format("name, age"),)),
    ),
    Case(
        kind="others",
        what="view over a column whose type changes",
        old=Side(columns='x = "varchar(10)?"', sql=(_VIEW.format("x"),)),
        new=Side(columns='x = "varchar(20)?"', sql=(_VIEW.format("x"),)),
        sa="Column('x', String(20))",
        rows=_X,
        kept=_KEPT_X,
    ),
    Case(
        kind="others",
        what="policy",
        new=Side(sql=("-- object: policy p on users\nCREATE POLICY p ON users USING (age > 0);",)),
    ),
)
