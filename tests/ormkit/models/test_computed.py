"""Computed attributes: wherever a query reads, filters, orders or groups, and at any depth."""

from __future__ import annotations

import copy
import inspect
import pickle
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from typing import Any

import pytest

from ormkit import (
    AsyncSession,
    Engine,
    NotLoaded,
    Q,
    UnknownName,
    UsageError,
    create_engine,
    func,
    joinedload,
    jsonload,
    selectinload,
)
from tests.generated import models_of
from tests.servers import Server
from tests.statements import Statements

SCHEMA = '''
[enums]
Fame = ["unknown", "known"]

[models.Studio.columns]
id = { type = "bigint", primary_key = true }
name = "text"

[models.Studio.relationships]
movies = { target = "Movie", back_populates = "studio" }

[models.Studio.computed]
avg_rating = { type = "numeric(6, 3)", expression = "avg(movies.reviews.rating)" }
mean_of_means = { type = "numeric(6, 3)", expression = "avg(movies.avg_rating)" }
review_count = { type = "bigint", expression = "count(movies.reviews)" }
weighted = { type = "bigint", expression = "sum(movies.reviews.rating * movies.weight + id)" }

[models.Movie]
mixins = ["soft_delete"]

[models.Movie.columns]
id = { type = "bigint", primary_key = true }
title = "text"
year = { type = "integer?", column = "released" }
weight = { type = "integer", default = 1 }
studio_id = { type = "bigint?", foreign_key = "studio.id" }
sequel_of_id = { type = "bigint?", foreign_key = "movie.id" }

[models.Movie.relationships]
studio = { target = "Studio", back_populates = "movies" }
reviews = { target = "Review", back_populates = "movie" }
tags = { target = "Tag", secondary = "movie_tags", back_populates = "movies" }
sequels = { target = "Movie", many = true, back_populates = "sequel_of" }
sequel_of = { target = "Movie", many = false, back_populates = "sequels" }

[models.Movie.computed]
label = { type = "text", expression = "title || ' {' || coalesce(year::text, '?') || '}'" }
avg_rating = { type = "numeric(6, 3)", expression = "avg(reviews.rating)" }
review_count = { type = "bigint", expression = "count(reviews)" }
good_count = { type = "bigint", expression = "count(reviews) FILTER (WHERE reviews.rating >= 8)" }
tag_names = { type = "text[]", expression = "array_agg(tags.name ORDER BY tags.name)" }
tag_count = { type = "integer", expression = "count(DISTINCT tags)" }
sequel_count = { type = "bigint", expression = "count(sequels)" }
gained = { type = "bigint", expression = "sum(sequels.weight - weight)" }
studio_name = { type = "text", expression = "studio.name" }
sibling_count = { type = "bigint", expression = "count(studio.movies)" }
facts = { type = "jsonb", expression = "jsonb_build_object('t', title, 'n', count(reviews))" }
score = { type = "numeric(8, 2)", expression = "coalesce(avg_rating, 0) * weight" }
fame = { type = "Fame", expression = """CASE
    WHEN count(reviews) > 1 THEN 'known' -- by many
    ELSE 'unknown' END""" }

[models.Movie.computed.middle]
type = "double precision"
expression = "percentile_cont(0.5) WITHIN GROUP (ORDER BY reviews.rating)"

[models.Review]
mixins = ["soft_delete"]

[models.Review.columns]
id = { type = "bigint", primary_key = true }
movie_id = { type = "bigint", foreign_key = "movie.id" }
rating = "integer"

[models.Review.relationships]
movie = { target = "Movie", back_populates = "reviews" }

[models.Review.computed]
headline = { type = "text", expression = "movie.label || ': ' || rating" }

[models.Tag.columns]
id = { type = "bigint", primary_key = true }
name = "text"

[models.Tag.relationships]
movies = { target = "Movie", secondary = "movie_tags", back_populates = "tags" }

[models.Tag.computed]
movie_count = { type = "bigint", expression = "count(movies)" }
'''

MODELS = models_of("cinema", SCHEMA)
Movie, Review, Studio, Tag = MODELS.Movie, MODELS.Review, MODELS.Studio, MODELS.Tag

#: The last movie of each studio, one review and the sequel 6 are soft-deleted.
ROWS = """
INSERT INTO studio (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'Ealing'), (2, 'UFA'), (3, 'new');
INSERT INTO movie (id, title, released, weight, studio_id, sequel_of_id, deleted_at)
OVERRIDING SYSTEM VALUE VALUES
    (1, 'M', 1931, 2, 2, NULL, NULL), (2, 'N', NULL, 1, 2, 1, NULL), (3, 'O', 1950, 5, 1, 1, NULL),
    (4, 'P', 1951, 1, NULL, NULL, NULL), (5, 'X', 1999, 9, 2, NULL, now()),
    (6, 'Y', 1999, 9, 1, 1, now());
INSERT INTO review (movie_id, rating, deleted_at) VALUES
    (1, 8, NULL), (1, 9, NULL), (1, 1, now()), (2, 4, NULL), (3, 7, NULL), (3, 7, NULL),
    (5, 1, NULL);
INSERT INTO tag (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'noir'), (2, 'drama'), (3, 'none');
INSERT INTO movie_tags (movie_id, tag_id) VALUES (1, 1), (1, 2), (2, 1), (5, 1);
"""

#: The values of each computed attribute for the rows that are left, by id.
EXPECTED: dict[str, dict[str, list[Any]]] = {
    "Movie": {
        "label": ["M {1931}", "N {?}", "O {1950}", "P {1951}"],
        "avg_rating": [Decimal("8.500"), Decimal("4.000"), Decimal("7.000"), None],
        "review_count": [2, 1, 2, 0],
        "good_count": [2, 0, 0, 0],
        "tag_names": [["drama", "noir"], ["noir"], None, None],
        "tag_count": [2, 1, 0, 0],
        "sequel_count": [2, 0, 0, 0],
        "gained": [2, None, None, None],
        "studio_name": ["UFA", "UFA", "Ealing", None],
        "sibling_count": [2, 2, 1, 0],
        "facts": [{"t": each, "n": n} for each, n in zip("MNOP", [2, 1, 2, 0], strict=True)],
        "score": [Decimal("17.00"), Decimal("4.00"), Decimal("35.00"), Decimal("0.00")],
        "fame": [MODELS.Fame.known, MODELS.Fame.unknown, MODELS.Fame.known, MODELS.Fame.unknown],
        "middle": [8.5, 4.0, 7.0, None],
    },
    "Studio": {
        "avg_rating": [Decimal("7.000"), Decimal("7.000"), None],
        "mean_of_means": [Decimal("7.000"), Decimal("6.250"), None],
        "review_count": [2, 3, 0],
        "weighted": [72, 44, None],
    },
    "Tag": {"movie_count": [2, 1, 0]},
    "Review": {
        "headline": [
            f"{t}"
            for t in (
                "M {1931}: 8",
                "M {1931}: 9",
                "N {?}: 4",
                "O {1950}: 7",
                "O {1950}: 7",
                "X {1999}: 1",
            )
        ]
    },
}
NAMES = [(model, name) for model, names in EXPECTED.items() for name in names]
EACH = pytest.mark.parametrize(("model", "name"), NAMES, ids=lambda value: str(value))


@pytest.fixture(scope="module")
def url(server18: Server) -> Iterator[str]:
    with server18.database() as url:
        server18.run_script(url, MODELS.SCHEMA.ddl())
        server18.run_script(url, ROWS)
        yield url


@pytest.fixture
async def engine(url: str) -> AsyncIterator[Engine]:
    """An engine on a database whose rows no test changes."""
    async with await create_engine(url) as engine:
        yield engine


@pytest.fixture
def session(engine: Engine) -> AsyncSession:
    return AsyncSession(engine)


@pytest.mark.one_interpreter
@EACH
async def test_a_query_selects_it_when_it_is_asked_for(
    session: AsyncSession, model: str, name: str
) -> None:
    kind = getattr(MODELS, model)
    query = session.query(kind).order_by("id")
    expected = EXPECTED[model][name]
    for asked in (name, getattr(kind, name)):
        assert [getattr(each, name) for each in await query.with_computed(asked).all()] == expected
    streamed = [getattr(each, name) async for each in query.with_computed(name).stream(chunk=2)]
    assert streamed == expected
    paged = [getattr(each, name) async for each in query.with_computed(name).iterate(chunk=2)]
    assert paged == expected
    pairs = await query.with_computed(name).with_values(kind.id)
    assert [(getattr(each, name), key) for each, key in pairs] == list(
        zip(expected, [each.id for each in await query.all()], strict=True)
    )
    partial = await query.only("id").with_computed(name).all()
    assert [getattr(each, name) for each in partial] == expected


@pytest.mark.one_interpreter
@EACH
async def test_values_filters_orders_and_groups_take_it(
    session: AsyncSession, model: str, name: str
) -> None:
    kind = getattr(MODELS, model)
    query, column = session.query(kind).order_by("id"), getattr(kind, name)
    expected = EXPECTED[model][name]
    assert await query.scalars(column) == expected
    assert await query.values_list(name) == [(each,) for each in expected]
    assert await query.values(name, "id") == [
        {name: each, "id": row.id} for each, row in zip(expected, await query.all(), strict=True)
    ]
    assert [row[name] for row in await query.with_computed(name).values()] == expected
    for value in expected:
        count = sum(each == value for each in expected)
        found = (
            query.filter(column == value) if value is not None else query.filter(column.isnull())
        )
        assert await found.count() == count
        keyword = {name: value} if value is not None else {f"{name}__isnull": True}
        assert await query.filter(**keyword).count() == count
        assert await query.filter(Q(**keyword)).count() == count
        assert await query.exclude(**keyword).count() == len(expected) - count
    groups = await session.query(kind).group_by(name).annotate(n=func.count()).values(name, "n")
    assert sum(row["n"] for row in groups) == len(expected)
    assert len(groups) == len({repr(each) for each in expected})
    ordered = await session.query(kind).order_by(f"-{name}", "id").scalars(kind.id)
    assert ordered == await session.query(kind).order_by(column.desc(), "id").scalars(kind.id)
    distinct = await session.query(kind).distinct_on(name).order_by(name, "id").scalars(column)
    assert len(distinct) == len(groups)
    having = session.query(kind).group_by(name).having(column.isnull(False))
    assert len(await having.values(name)) == len([row for row in groups if row[name] is not None])


async def test_the_extremes_and_expressions_of_it_are_right(session: AsyncSession) -> None:
    query = session.query(Movie)
    assert await query.max(Movie.review_count) == 2
    assert await query.sum(Movie.review_count) == 5
    assert await query.avg(Movie.weight + Movie.review_count) == Decimal("3.5")
    assert await query.filter(Movie.label.startswith("M")).scalars(Movie.title) == ["M"]
    assert await query.filter(label__icontains="{19").count() == 3
    assert await query.filter(Movie.facts["n"] == 1).scalars(Movie.title) == ["N"]
    assert await query.filter(Q(facts__t="P")).scalars(Movie.title) == ["P"]
    assert await query.filter(avg_rating__between=(5, 8)).scalars(Movie.title) == ["O"]
    assert await query.filter(Movie.tag_names.contains(["noir"])).count() == 2
    assert await query.filter(fame=MODELS.Fame.known).count() == 2
    best = query.order_by(Movie.avg_rating.desc()).limit(1).subquery(Movie.avg_rating)
    assert await query.filter(Movie.avg_rating == best).count() == 0  # NULL comes first


async def test_other_models_reach_it_along_relationships(session: AsyncSession) -> None:
    reviews = session.query(Review).order_by("id")
    good = [8, 9]
    assert (
        await reviews.filter(Review.movie.has(Movie.avg_rating > 7)).scalars(Review.rating) == good
    )
    assert await reviews.filter(Q(movie__avg_rating__gt=7)).scalars(Review.rating) == good
    assert await reviews.filter(Q(movie__studio__review_count=3)).count() == 4
    ordered = session.query(Review).order_by("-movie__review_count", "-movie__label", "id")
    assert await ordered.scalars(Review.rating) == [7, 7, 8, 9, 1, 4]
    means = await reviews.scalars(Review.movie.value(Movie.avg_rating))
    assert means[:3] == [Decimal("8.5"), Decimal("8.5"), Decimal(4)]
    studios = session.query(Studio).order_by("id")
    assert await studios.filter(Studio.movies.any(Movie.review_count == 0)).count() == 0
    best = await studios.scalars(Studio.movies.value(func.max(Movie.avg_rating)))
    assert best == [Decimal(7), Decimal("8.5"), None]
    sequels = (
        await session.query(Movie).filter(Movie.sequels.any(Movie.avg_rating > Movie.weight)).all()
    )
    assert [each.title for each in sequels] == ["M"]


LOADS = pytest.mark.parametrize("load", [selectinload, jsonload, joinedload])


@LOADS
async def test_to_one_loads_select_it_for_the_related_rows(
    session: AsyncSession, engine: Engine, load: Any
) -> None:
    names = list(EXPECTED["Movie"])
    with Statements(engine) as sent:
        reviews = (
            await session.query(Review)
            .order_by("id")
            .options(load(Review.movie).with_computed(*names))
            .all()
        )
    assert len(sent) == (2 if load is selectinload else 1)
    for review in reviews[:-1]:
        for name in names:
            assert getattr(review.movie, name) == EXPECTED["Movie"][name][review.movie.id - 1]


@pytest.mark.parametrize("load", [selectinload, jsonload])
async def test_to_many_loads_select_it_for_the_related_rows(
    session: AsyncSession, load: Any
) -> None:
    names = list(EXPECTED["Movie"])
    option = load(Studio.movies).with_computed(*names)
    for each in (option, option.order_by("-avg_rating").limit(5)):
        for studio in await session.query(Studio).options(each).all():
            for movie in studio.movies:
                for name in names:
                    assert getattr(movie, name) == EXPECTED["Movie"][name][movie.id - 1]
    best = load(Studio.movies).with_computed(Movie.avg_rating).order_by("-avg_rating").limit(1)
    loaded = await session.query(Studio).order_by("id").options(best).all()
    assert [[movie.title for movie in each.movies] for each in loaded] == [["O"], ["M"], []]
    few = load(Studio.movies).filter(avg_rating__lt=5)
    loaded = await session.query(Studio).order_by("id").options(few).all()
    assert [[movie.title for movie in each.movies] for each in loaded] == [[], ["N"], []]
    tagged = load(Movie.tags).with_computed("movie_count")
    movie = await session.query(Movie).filter(id=1).options(tagged).one()
    assert {tag.name: tag.movie_count for tag in movie.tags} == {"noir": 2, "drama": 1}


async def test_a_tree_has_it_at_each_level_in_one_round_trip(
    session: AsyncSession, engine: Engine
) -> None:
    tree = (
        jsonload(Studio.movies)
        .with_computed("avg_rating", Movie.facts)
        .jsonload(Movie.reviews)
        .with_computed(Review.headline)
        .jsonload(Review.movie)
        .with_computed(Movie.tag_names, Movie.fame)
    )
    query = session.query(Studio).with_computed("avg_rating", "weighted").order_by("id")
    with Statements(engine) as sent:
        studios = await query.options(tree).all()
    assert len(sent) == 1
    ufa = studios[1]
    assert (ufa.avg_rating, ufa.weighted) == (Decimal(7), 44)
    first = ufa.movies[0]
    assert (first.avg_rating, first.facts) == (Decimal("8.5"), {"n": 2, "t": "M"})
    assert [each.headline for each in first.reviews] == ["M {1931}: 8", "M {1931}: 9"]
    assert first.reviews[0].movie.tag_names == ["drama", "noir"]
    assert first.reviews[0].movie.fame is MODELS.Fame.known
    with pytest.raises(NotLoaded):
        first.reviews[0].movie.avg_rating  # noqa: B018


@EACH
async def test_existing_objects_get_it_later_by_one_statement(
    session: AsyncSession, engine: Engine, model: str, name: str
) -> None:
    kind = getattr(MODELS, model)
    found = await session.query(kind).order_by("id").all()
    with Statements(engine) as sent:
        await session.load(found, getattr(kind, name))
    assert len(sent) == 1
    assert [getattr(each, name) for each in found] == EXPECTED[model][name]
    await session.load(found[0], *EXPECTED[model])
    assert {each: getattr(found[0], each) for each in EXPECTED[model]} == {
        each: values[0] for each, values in EXPECTED[model].items()
    }


async def test_a_transaction_refreshes_it_on_the_objects_that_it_holds(
    session: AsyncSession,
) -> None:
    async with session.begin() as tx:
        movie = await tx.get_or_raise(Movie, 4)
        assert "avg_rating" not in dir(movie)
        same = await tx.query(Movie).filter(id=4).with_computed("review_count").one()
        assert same is movie
        assert movie.review_count == 0
        await tx.insert(Review(movie_id=4, rating=3))
        await tx.query(Movie).filter(id=4).with_computed("review_count", "avg_rating").one()
        assert (movie.review_count, movie.avg_rating) == (1, Decimal(3))
        counted = (
            await tx.query(Movie).filter(avg_rating__lte=3).update(weight=Movie.review_count + 6)
        )
        assert counted == 1
        again = await tx.query(Movie).filter(id=4).with_computed("score").for_update().one()
        assert (again.weight, again.score) == (7, Decimal(21))
        changed = await tx.query(Movie).filter(id=4).update(weight=2).returning(Movie.score)
        assert changed == [(Decimal(6),)]
        await tx.rollback()


@EACH
async def test_it_is_not_loaded_unless_it_was_asked_for(
    session: AsyncSession, model: str, name: str
) -> None:
    row: Any = await session.query(getattr(MODELS, model)).order_by("id").first()
    advice = rf"{model}\.{name} is not loaded: add \.with_computed\('{name}'\) to the query"
    for each in (row, copy.copy(row), pickle.loads(pickle.dumps(row))):
        for read in (getattr, lambda one, named: getattr(one, named, None), hasattr):
            with pytest.raises(NotLoaded, match=advice):
                read(each, name)
    assert name not in dir(row)
    assert name not in dict(inspect.getmembers(row))
    assert name not in repr(row)


async def test_copies_keep_what_was_loaded(session: AsyncSession) -> None:
    movie = await session.query(Movie).with_computed("avg_rating").order_by("id").first()
    for each in (copy.copy(movie), copy.deepcopy(movie), pickle.loads(pickle.dumps(movie))):
        assert each.avg_rating == Decimal("8.5")


async def test_nothing_writes_it(session: AsyncSession) -> None:
    movie: Any = await session.query(Movie).with_computed("score").order_by("id").first()
    with pytest.raises(UsageError, match=r"Movie\.score is computed from columns"):
        movie.score = 3
    with pytest.raises(AttributeError, match=r"Movie\.score is computed"):
        Movie.score = 3
    with pytest.raises(TypeError, match="score"):
        Movie(title="x", score=3)
    for write in (
        lambda: session.query(Movie).update(score=3),
        lambda: session.update(movie, score=3),
        lambda: session.bulk_update([movie], ["score"]),
        lambda: session.copy_in(Movie, [("x", 3)], columns=["title", "score"]),
        lambda: session.upsert(movie, conflict_target=["score"]),
    ):
        with pytest.raises(UnknownName, match=r"Movie(\.| has no column ')score"):
            await write()


async def test_wrong_names_say_what_there_is(session: AsyncSession) -> None:
    query = session.query(Movie)
    with pytest.raises(
        UnknownName, match=r"no computed attribute 'avg_ratin': did you mean 'avg_r"
    ):
        query.with_computed("avg_ratin")
    with pytest.raises(UnknownName, match="no computed attribute 'title'"):
        query.with_computed("title")
    with pytest.raises(
        UsageError, match=r"Studio\.avg_rating is not a computed attribute of Movie"
    ):
        query.with_computed(Studio.avg_rating)
    with pytest.raises(UsageError, match="takes computed attributes of Movie or their names"):
        query.with_computed(Movie.title)
    with pytest.raises(UnknownName, match=r"has no column 'scor': did you mean 'score'"):
        query.filter(scor=3)
    with pytest.raises(UnknownName, match="has no operator 'like'"):
        query.filter(score__like="3")
    with pytest.raises(UnknownName, match="no computed attribute 'x'"):
        query.options(jsonload(Movie.reviews).with_computed("x"))
    with pytest.raises(UsageError, match="already"):
        query.annotate(score=func.count())
    with pytest.raises(UsageError, match=r"only\(\) takes columns of Movie"):
        query.only("score")


async def test_a_query_that_does_not_ask_sends_the_same_statement_as_ever(
    session: AsyncSession, engine: Engine
) -> None:
    with Statements(engine) as sent:
        await session.query(Tag).all()
    assert sent == ["SELECT id, name FROM tag"]
    with Statements(engine) as sent:
        await session.query(Tag).with_computed("movie_count").all()
    assert len(sent) == 1
    assert "movie.deleted_at IS NULL" in sent[0]
