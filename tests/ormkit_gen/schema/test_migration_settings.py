"""The settings that migrations read, and what is wrong with them."""

from __future__ import annotations

import pytest

from ormkit_gen.diagnostics.diagnostic import SchemaError
from tests.ormkit_gen.migrations.changes import schema_of

pytestmark = pytest.mark.one_interpreter

ENUM = '[enums.M]\nvalues = ["a"]\n'
TABLE = '[models.A.columns]\nid = { type = "bigint", primary_key = true%s }\n'


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        (TABLE % ", retired = true", "retired-key", 2),
        (TABLE % "" + 'a = { type = "int", generated = "1", backfill = "1" }', None, 3),
        (TABLE % "" + 'a = { type = "int", time_zone = "UTC" }', "no-time-zone", 3),
        (TABLE % "" + 'a = { type = "timestamptz", time_zone = "a b" }', "bad-time-zone", 3),
        ('[enums.M]\nvalues = ["a"]\nremoved = { a = "a" }\n' + TABLE % "", "removed-label", 3),
        ('[enums.M]\nvalues = ["a"]\nremoved = { b = "c" }\n' + TABLE % "", "unknown-label", 3),
        (
            '[enums.M]\nvalues = ["a"]\nrenamed_values = { b = "c" }\n' + TABLE % "",
            "unknown-label",
            3,
        ),
        ('[enums.M]\nvalues = ["a"]\nremoved = { b = 1 }\n' + TABLE % "", "wrong-value", 3),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, code: str | None, line: int) -> None:
    with pytest.raises(SchemaError) as caught:
        schema_of(text)
    (found,) = caught.value.diagnostics
    assert found.code == (code or "backfilled-generated")
    assert found.at is not None
    assert found.at.line == line
    assert found.remedy


PYTHON = """
from enum import StrEnum
from ormkit_gen.declarative import *
from ormkit_gen.declarative import Index, CheckConstraint

@enum_type(renamed_from="Old", renamed_values={"b": "a"}, removed={"c": "b"})
class M(StrEnum):
    b = "b"

domain("code", "int", renamed_from="number")
sequence("ids", renamed_from="numbers")

class A(Base):
    __table_args__ = (
        Index("n", name="found", renamed_from="sought"),
        CheckConstraint("n > 0", name="good", renamed_from="well"),
        {
            "renamed_from": "Z",
            "partition_by": "LIST (id)",
            "partitions": {"a_rest": {"bound": "DEFAULT", "renamed_from": "a_all"}},
        },
    )
    id: Mapped[int] = mapped_column(primary_key=True)
    n: Mapped[int] = mapped_column("int", backfill="0", renamed_from="m")
    t: Mapped[str] = mapped_column("timestamptz", time_zone="Europe/Berlin", retired=True)
"""
TOML = """
[enums.M]
values = ["b"]
renamed_from = "Old"
renamed_values = { b = "a" }
removed = { c = "b" }
[domains.code]
type = "int"
renamed_from = "number"
[sequences.ids]
renamed_from = "numbers"
[models.A]
renamed_from = "Z"
partition_by = "LIST (id)"
partitions = { a_rest = { bound = "DEFAULT", renamed_from = "a_all" } }
[[models.A.indexes]]
columns = ["n"]
name = "found"
renamed_from = "sought"
[[models.A.checks]]
expression = "n > 0"
name = "good"
renamed_from = "well"
[models.A.columns]
id = { type = "bigint", primary_key = true }
n = { type = "int", backfill = "0", renamed_from = "m" }
t = { type = "timestamptz", time_zone = "Europe/Berlin", retired = true }
"""


def test_both_spellings_say_the_same() -> None:
    one, other = schema_of(PYTHON, name="schema.py"), schema_of(TOML)
    for schema in (one, other):
        (model,), (enum,) = schema.models, schema.enums
        assert model.renamed_from == "Z"
        assert [each.renamed_from for each in (*model.indexes, *model.checks)] == ["sought", "well"]
        number, time = model.column("n"), model.column("t")
        assert (number.backfill, number.renamed_from) == ("0", "m")
        assert (time.time_zone, time.is_retired, time.is_nullable) == ("Europe/Berlin", True, True)
        assert (enum.renamed_from, enum.renamed_values) == ("Old", (("b", "a"),))
        assert enum.removed == (("c", "b"),)
        named = (*schema.domains, *schema.sequences, *model.partitions)
        assert [each.renamed_from for each in named] == ["number", "numbers", "a_all"]
