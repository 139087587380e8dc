"""codec: values of types that OrmKit reads as text are objects of the application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ormkit import (
    AsyncSession,
    InvalidValue,
    UnreadableValue,
    UsageError,
    create_engine,
    func,
    joinedload,
    jsonload,
)
from ormkit.models.codec_columns import CodecColumn
from tests.generated import import_models, models_of
from tests.ormkit.postgres.spot_codec import Spot
from tests.servers import Server

pytestmark = pytest.mark.one_interpreter


@dataclass
class Pair:
    """A value of the composite type app.pair."""

    a: int
    b: str


class PairCodec:
    @staticmethod
    def decode(text: str) -> Pair:
        a, b = text.strip("()").split(",")
        return Pair(int(a), b)

    @staticmethod
    def encode(value: Pair) -> Any:
        return value.b if value.b in ("\0", "\ud800") else f"({value.a},{value.b})" * (value.a > 0)


WORDS = 'codec = "tests.ormkit.postgres.{0}Codec", python_type = "{1}"'
SPOT = WORDS.format("spot_codec:Spot", "tests.ormkit.postgres.spot_codec.Spot")
PAIR = WORDS.format("test_codecs:Pair", "tests.ormkit.postgres.test_codecs.Pair")
SPOTS, PAIRS = (each.replace('type = "', 'type = "list[') for each in (SPOT, PAIR))
SCHEMA = f"""
[models.Place.columns]
id = {{ type = "bigint", primary_key = true }}
spot = {{ type = "point", {SPOT} }}
pair = {{ type = "app.pair?", {PAIR} }}
spots = {{ type = "point[]", {SPOTS[:-1]}]" }}
pairs = {{ type = "app.pair[]?", {PAIRS[:-1]}]" }}

[models.Place.relationships]
marks = {{ target = "Mark", back_populates = "place" }}

[models.Mark.columns]
id = {{ type = "bigint", primary_key = true }}
place_id = {{ type = "bigint", foreign_key = "place.id" }}
pair = {{ type = "app.pair", {PAIR} }}

[models.Mark.relationships]
place = {{ target = "Place", back_populates = "marks" }}
"""
PYTHON = """
from ormkit_gen.declarative import Base, Mapped, mapped_column
from tests.ormkit.postgres.spot_codec import Spot, SpotCodec
from tests.ormkit.postgres.test_codecs import Pair, PairCodec

class Place(Base):
    __tablename__ = "place"
    id: Mapped[int] = mapped_column("bigint", primary_key=True)
    spot: Mapped[Spot] = mapped_column("point", codec=SpotCodec)
    pair: Mapped[Pair | None] = mapped_column("app.pair", codec=PairCodec)
    spots: Mapped[list[Spot]] = mapped_column("point[]", codec=SpotCodec)
    pairs: Mapped[list[Pair] | None] = mapped_column(
        "app.pair[]", codec="tests.ormkit.postgres.test_codecs:PairCodec"
    )
"""
models: Any = models_of("codecs", SCHEMA)
Place, Mark = models.Place, models.Mark


@pytest.fixture(scope="module")
def url(server18: Server) -> Iterator[str]:
    with server18.database() as found:
        before = "CREATE SCHEMA app; CREATE TYPE app.pair AS (a integer, b text);"
        server18.run_script(found, before + Path(models.SCHEMA.path).read_text())
        yield found


@pytest.fixture
async def session(url: str) -> AsyncIterator[AsyncSession]:
    async with await create_engine(url, max_connections=2) as engine:
        await engine.execute("TRUNCATE place, mark RESTART IDENTITY")
        yield AsyncSession(engine)


def place(number: int = 1) -> Any:
    return Place(
        spot=Spot(1, number),
        pair=Pair(number, "x"),
        spots=[Spot(1, 2), Spot(3, 4)],
        pairs=[Pair(1, "a"), None],
    )


async def test_values_are_objects_however_they_are_written_and_read(session: AsyncSession) -> None:
    one = await session.insert(place(1))
    await session.insert_all([place(2), place(3)])
    found = await session.query(Place).order_by("id").all()
    assert [each.spot for each in found] == [Spot(1, 1), Spot(1, 2), Spot(1, 3)]
    assert [each.pair for each in found] == [Pair(1, "x"), Pair(2, "x"), Pair(3, "x")]
    assert found[2].spots == [Spot(1, 2), Spot(3, 4)]
    assert found[2].pairs == [Pair(1, "a"), None]

    await session.update(one, pair=Pair(4, "y"), pairs=[])
    found[1].spot = Spot(7, 7)
    await session.bulk_update([found[1]])
    await session.query(Place).filter(id=3).update(pair=None, spots=[Spot(0, 0)])
    await session.upsert(Place(id=3, spot=Spot(9, 9), spots=[]), update_fields=["spot"])
    await session.upsert_all([Place(id=4, spot=Spot(5, 5), spots=[])])
    found = await session.query(Place).order_by("id").all()
    assert [each.spot for each in found] == [Spot(1, 1), Spot(7, 7), Spot(9, 9), Spot(5, 5)]
    assert [each.pair for each in found] == [Pair(4, "y"), Pair(2, "x"), None, None]
    assert found[0].pairs == []
    assert found[2].spots == [Spot(0, 0)]

    async with session.transaction() as tx:
        each = await tx.get_or_raise(Place, 2)
        each.pair.a = 77
        each.spots.append(Spot(5, 6))
    again = await session.get_or_raise(Place, 2)
    assert (again.pair, again.spots[-1]) == (Pair(77, "x"), Spot(5, 6))


async def test_conditions_take_objects(session: AsyncSession) -> None:
    await session.insert_all([place(1), place(2), place(3)])
    query = session.query(Place)
    two = Pair(2, "x")
    conditions = {
        1: (Place.pair == two, Place.pair.in_([two]), Place.pair.isnull() | (Place.pair == two)),
        2: (Place.pair != two, Place.pair.notin([two]), Place.pair.is_distinct_from(two)),
        3: (
            Place.pairs.contains([Pair(1, "a")]),
            Place.pairs.overlaps([Pair(1, "a"), Pair(9, "z")]),
            Place.pairs == [Pair(1, "a"), None],
        ),
    }
    for count, each in conditions.items():
        assert [await query.filter(one).count() for one in each] == [count] * len(each)
    assert await query.filter(pair__in=[two, Pair(3, "x")]).count() == 2
    with pytest.raises(InvalidValue, match=r"^Place\.pair is of type app\.pair and cannot take"):
        query.filter(pair="(2,x)")


async def test_selected_and_related_values_are_objects(session: AsyncSession) -> None:
    await session.insert_all([place(1), place(2)])
    await session.insert(Mark(place_id=1, pair=Pair(5, "m")))
    query = session.query(Place).order_by("id")
    assert await query.values_list(Place.pair, Place.spots) == [
        (Pair(1, "x"), [Spot(1, 2), Spot(3, 4)]),
        (Pair(2, "x"), [Spot(1, 2), Spot(3, 4)]),
    ]
    assert await query.max(Place.pair) == Pair(2, "x")
    assert await query.limit(1).max(Place.pair) == Pair(1, "x")
    rows = await session.query(Place).values_list(
        func.array_agg(Place.pair), func.max(Place.pair), func.array_agg(Place.spot)
    )
    assert rows == [([Pair(1, "x"), Pair(2, "x")], Pair(2, "x"), [Spot(1, 1), Spot(1, 2)])]
    for load in (jsonload, joinedload):
        (mark,) = await session.query(Mark).options(load(Mark.place)).all()
        assert (mark.pair, mark.place.spot) == (Pair(5, "m"), Spot(1, 1))
    found = await query.options(jsonload(Place.marks)).first()
    assert found.marks[0].pair == Pair(5, "m")

    @dataclass
    class Shape:
        pair: Pair | None
        spots: list[Spot]

    assert (await query.into(Shape).all())[1] == Shape(Pair(2, "x"), [Spot(1, 2), Spot(3, 4)])


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("text", r"its codec cannot encode it \(AttributeError\)"),
        (Pair(True, "\0"), "invalid text"),
        (Pair(1, "\ud800"), "invalid text"),
        (Pair("x", "y"), r"cannot encode it \(TypeError\)"),  # type: ignore[arg-type]
    ],
)
async def test_what_a_codec_does_not_take_is_refused_before_it_is_sent(
    session: AsyncSession, value: Any, reason: str
) -> None:
    bad = Place(spot=Spot(1, 1), spots=[], pair=value)
    for write in (
        *(session.insert(bad), session.insert_all([bad]), session.upsert(bad)),
        session.copy_in(Place, [bad]),
    ):
        with pytest.raises(InvalidValue, match=reason) as caught:
            await write
        assert "Place.pair" in str(caught.value)
    with pytest.raises(InvalidValue, match="a list"):
        await session.insert(Place(spot=Spot(1, 1), spots=3))


async def test_what_a_codec_cannot_read_names_the_column_and_no_value(
    session: AsyncSession,
) -> None:
    await session.insert(place())
    await session.engine.execute("UPDATE place SET pair = ROW(NULL, 'secret')")
    for read in (session.query(Place).all(), session.query(Place).values_list("pair")):
        with pytest.raises(UnreadableValue, match=r"Place\.pair .*\(ValueError\)") as caught:
            await read
        assert "secret" not in str(caught.value)


def test_both_spellings_mean_the_same(tmp_path: Path) -> None:
    file = tmp_path / "schema.py"
    file.write_text(PYTHON)
    found = import_models(tmp_path, file).Place
    for name in ("spot", "pair", "spots", "pairs"):
        column, other = getattr(found, name), getattr(Place, name)
        assert isinstance(column, CodecColumn)
        assert column.codec is other.codec
        assert (column.type, column.is_nullable) == (other.type, other.is_nullable)


def test_a_codec_without_its_functions_is_refused() -> None:
    with pytest.raises(UsageError, match="a codec has the functions decode and encode: Pair has"):
        CodecColumn("point", codec=Pair)
