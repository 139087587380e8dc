"""The rules by which the steps of a migration are judged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ormkit.migrations.files import Header, Migration, Step, parse_migration, render_steps
from ormkit_gen.ir import Schema
from ormkit_gen.migrations.measure import StepMeasure
from ormkit_gen.migrations.prover import rehearsal
from ormkit_gen.migrations.rules import RULES, Judged, broken_rules
from tests.definitions import column, foreign_key, key, model, schema
from tests.servers import Server

pytestmark = [pytest.mark.anyio, pytest.mark.one_interpreter]

NAME = "20260101-0000-start-aaaa"
USER = model("User", key(), column("name", "text"), column("age", "integer"), table="users")
POST = model(
    *("Post", key(), column("user_id", "bigint")),
    table="posts",
    foreign_keys=(foreign_key("user_id", "User"),),
)
SCHEMA = schema(USER, POST)
TABLES = frozenset(("public.users", "public.posts"))
#: Statements in the order in which they run, and the rules that each breaks.
CASES: list[tuple[str, list[str]]] = [
    ("ALTER TABLE users ADD COLUMN a int", []),
    ("ALTER TABLE users ADD COLUMN b uuid DEFAULT gen_random_uuid()", ["blocking-rewrite"]),
    ("ALTER TABLE users ALTER age TYPE bigint", ["blocking-rewrite"]),
    ("ALTER TABLE users ADD CHECK (age > 0)", ["blocking-scan"]),
    ("ALTER TABLE users ADD CONSTRAINT c CHECK (age > 1) NOT VALID", []),
    ("ALTER TABLE users VALIDATE CONSTRAINT c", []),
    ("ALTER TABLE users ALTER a SET NOT NULL", ["blocking-scan"]),
    ("CREATE INDEX i ON users (age)", ["blocking-index"]),
    ("ALTER TABLE users ADD UNIQUE (name)", ["blocking-scan"]),
    ("ALTER TABLE posts ADD FOREIGN KEY (user_id) REFERENCES users", ["blocking-scan"] * 2),
    ("UPDATE users SET age = 1", ["unbatched-rows"]),
    ("DELETE FROM posts", ["unbatched-rows"]),
    ("INSERT INTO users (name, age, a) VALUES ('x', 5, 1)", []),
    (
        "ALTER TABLE users ADD COLUMN d int; ALTER TABLE posts ADD COLUMN d int",
        ["many-locks"],
    ),
    ("ALTER TABLE users RENAME d TO e; ALTER TABLE posts RENAME d TO e", []),
    ("CREATE TABLE fresh AS SELECT 1 AS id; CREATE INDEX ON fresh (id)", []),
    ("ALTER TABLE fresh ADD COLUMN b uuid DEFAULT gen_random_uuid()", []),
]


def migration(*steps: Step) -> Migration:
    return parse_migration(NAME, {"up.sql": render_steps(steps, Header())})


def rules(step: Step, measure: StepMeasure, after: Schema = SCHEMA) -> list[str]:
    judged = Judged(migration(step), SCHEMA, after, [measure], TABLES)
    return [each.code for each in broken_rules(judged, "migrations")]


async def test_each_step_is_judged_by_what_it_does(server18: Server) -> None:
    broken: list[tuple[str, list[str]]] = []
    async with rehearsal(server18.url, SCHEMA) as database:
        for sql, _ in CASES:
            (measure,) = await database.run([Step(sql=f"{sql};")])
            broken.append((sql, rules(Step(sql=sql), measure)))
    assert broken == CASES


SCAN = StepMeasure({"public.users": "AccessExclusive"}, scans=("public.users",))


@pytest.mark.parametrize(
    ("remark", "expected"),
    [
        ({"allowed": ("blocking-scan because the table is small",)}, []),
        ({"allowed": ("blocking-scan",)}, ["reason"]),
        ({"allowed": ("blocking-scans because it is small",)}, ["unknown-rule", "blocking-scan"]),
        ({"notes": ("consent: scan:users: a table is read",)}, []),
        ({"notes": ("a remark",)}, ["blocking-scan"]),
    ],
)
def test_a_rule_is_allowed_with_a_reason(
    remark: dict[str, tuple[str, ...]], expected: list[str]
) -> None:
    step = replace(Step(sql="SELECT 1;"), allowed=remark.get("allowed", ()))
    step = replace(step, notes=remark.get("notes", ()))
    assert rules(step, SCAN) == expected


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (schema(replace(USER, columns=USER.columns[:-1]), POST), ["drop-not-retired"]),
        (schema(USER), ["drop-not-retired"]),
        (schema(replace(USER, table="people"), POST), ["rename"]),
        (
            schema(
                replace(USER, columns=(*USER.columns[:-1], column("age", "integer", db_name="a"))),
                POST,
            ),
            ["rename"],
        ),
        (schema(replace(USER, name="Person"), POST), []),
        (
            schema(
                replace(
                    USER, columns=(*USER.columns[:-1], column("years", "integer", db_name="age"))
                ),
                POST,
            ),
            [],
        ),
    ],
)
def test_what_old_programs_use_may_not_go(after: Schema, expected: list[str]) -> None:
    assert rules(Step(sql="SELECT 1;"), StepMeasure(), after) == expected


@pytest.mark.parametrize(
    ("sql", "after"),
    [
        (
            "ALTER TABLE public.users RENAME COLUMN age TO years;",
            schema(replace(USER, columns=(*USER.columns[:-1], column("years", "integer"))), POST),
        ),
        (
            'ALTER TABLE "public"."users" RENAME COLUMN "age" TO "years old";',
            schema(
                replace(
                    USER,
                    columns=(*USER.columns[:-1], column("years", "integer", db_name="years old")),
                ),
                POST,
            ),
        ),
        (
            "ALTER TABLE public.users RENAME TO people;",
            schema(replace(USER, name="Person", table="people"), POST),
        ),
    ],
)
def test_what_has_another_name_in_both_is_renamed_and_not_dropped(sql: str, after: Schema) -> None:
    """As `--rename` and `renamed_from` do it."""
    assert rules(Step(sql=sql), StepMeasure(), after) == ["rename"]


def test_a_retired_column_may_go() -> None:
    retired = replace(
        USER, columns=(*USER.columns[:-1], replace(USER.columns[-1], is_retired=True))
    )
    before = schema(retired, POST)
    after = schema(replace(USER, columns=USER.columns[:-1]), POST)
    judged = Judged(migration(Step(sql="SELECT 1;")), before, after, [StepMeasure()], TABLES)
    assert list(broken_rules(judged, "migrations")) == []


def test_a_broken_rule_has_its_place_and_its_remedy() -> None:
    judged = Judged(
        *(migration(Step(sql="SELECT 1;"), Step(sql="SELECT 2;")), SCHEMA, SCHEMA),
        [StepMeasure(), SCAN],
        TABLES,
    )
    (found,) = broken_rules(judged, f"migrations/{NAME}")
    assert found.at is not None
    assert (found.at.file, found.at.line) == (f"migrations/{NAME}/up.sql", 8)
    assert found.message == f"public.users: {RULES['blocking-scan']}"
    assert "NOT VALID" in found.remedy
