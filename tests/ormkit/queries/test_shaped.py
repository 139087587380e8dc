"""into(): rows as objects of dataclasses, NamedTuples, TypedDicts, msgspec and pydantic classes."""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterator, Sequence
from dataclasses import InitVar, dataclass, field
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, NewType, NotRequired, TypedDict

import msgspec
import pydantic
import pytest
from pydantic.dataclasses import dataclass as pydantic_dataclass

from examples.blog.db import Comment, Post, PostStatus, Profile, Tag, User
from ormkit import (
    AsyncSession,
    Engine,
    InvalidValue,
    MultipleFound,
    NotFound,
    OrmKitError,
    UnknownName,
    UsageError,
    func,
    joinedload,
    noload,
    selectinload,
)
from ormkit.queries import shaped
from ormkit.shapes import making, results
from tests.statements import Statements


@dataclass
class Plain:
    id: int
    name: str
    age: int | None


@dataclass(frozen=True)
class Frozen:
    id: int
    name: str
    age: int | None


@dataclass(slots=True)
class Slots:
    id: int
    name: str
    age: int | None


@dataclass(frozen=True, slots=True)
class FrozenSlots:
    id: int
    name: str
    age: int | None


@dataclass(kw_only=True)
class KeywordOnly:
    id: int
    name: str
    age: int | None


@dataclass
class Called:
    id: int
    name: str
    age: int | None

    def __post_init__(self) -> None:
        self.name = self.name.upper()


class Tuple(NamedTuple):
    id: int
    name: str
    age: int | None


class Dict(TypedDict):
    id: int
    name: str
    age: int | None


class Struct(msgspec.Struct):
    id: int
    name: str
    age: int | None


class KeywordStruct(msgspec.Struct, frozen=True, kw_only=True):
    age: int | None
    name: str
    id: int


class Pydantic(pydantic.BaseModel):
    id: int
    name: str
    age: int | None


@pydantic_dataclass
class PydanticDataclass:
    id: int
    name: str
    age: int | None


KINDS: Sequence[Any] = (
    *(Plain, Frozen, Slots, FrozenSlots, KeywordOnly, Tuple, Dict),
    *(Struct, KeywordStruct, Pydantic, PydanticDataclass),
)


@pytest.fixture(params=["in C", "in Python"])
def making_objects(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Make objects with the accelerator, where there is one, and without."""
    if request.param == "in Python":
        monkeypatch.setattr(making, "objects_with", None)
    elif making.objects_with is None:
        pytest.skip("there is no accelerator")
    shaped._plans.clear()
    results.maker.cache_clear()
    yield
    shaped._plans.clear()
    results.maker.cache_clear()


@pytest.fixture
async def people(session: AsyncSession, engine: Engine) -> None:
    """Ada with three posts, two comments on the first and two tags; Grace with a comment."""
    ada, grace = await session.insert_all(
        [User(name="Ada", age=36, settings={"a": [1]}), User(name="Grace", email="g@x.org")]
    )
    posts = [Post(author=ada, title=f"p{n}", views=n, keywords=["x", "y"][:n]) for n in range(3)]
    posts[2].status = PostStatus.published
    await session.insert_all(posts)
    await session.insert(Comment(post=posts[0], author=grace, body="c0"))
    await session.insert(Comment(post=posts[0], body="anonymous"))
    await session.insert_all([Tag(name="a"), Tag(name="b")])
    await engine.execute("INSERT INTO post_tags VALUES (1, 1), (1, 2), (2, 2)")
    await session.insert(Profile(user=ada, website="w", birthday=dt.date(1815, 12, 10)))


async def test_rows_become_objects_of_every_kind_of_class(
    session: AsyncSession, people: None, making_objects: None
) -> None:
    for cls in KINDS:
        found = await session.query(User).order_by("id").into(cls)
        assert found == [cls(id=1, name="Ada", age=36), cls(id=2, name="Grace", age=None)]
        assert [type(each) for each in found] == [dict if cls is Dict else cls] * 2


async def test_a_constructor_that_does_more_is_called(session: AsyncSession, people: None) -> None:
    assert (await session.query(User).into(Called).get(1)) == Called(1, "Ada", 36)


async def test_only_the_columns_of_the_fields_are_selected(
    session: AsyncSession, people: None, engine: Engine
) -> None:
    with Statements(engine) as sent:
        await session.query(User).into(Plain)
    assert sent == ["SELECT id, name, age FROM users"]


async def test_every_way_to_read_works(session: AsyncSession, people: None) -> None:
    ada, grace = Plain(1, "Ada", 36), Plain(2, "Grace", None)
    query = session.query(User).into(Plain)
    assert await query.first() == ada
    assert await query.all() == await query == [ada, grace]
    assert await query.get(2) == grace
    assert await query.get(3) is None
    assert await query.order_by(User.id.desc()).first() == grace
    assert await query.limit(1).offset(1).all() == [grace]
    assert await session.query(User).filter(name="Ada").into(Plain).one() == ada
    assert await session.query(User).filter(name="x").into(Plain).one_or_none() is None
    with pytest.raises(NotFound):
        await session.query(User).filter(name="x").into(Plain).one()
    with pytest.raises(MultipleFound):
        await query.one()
    assert await query.count() == 2
    assert await query.exists()
    assert [each async for each in query.stream(1)] == [ada, grace]
    assert [each async for each in query.iterate(1)] == [ada, grace]
    assert "Seq Scan" in await query.explain()
    async with session.begin() as tx:
        assert await tx.query(User).for_update().into(Plain).get(1) == ada


async def test_pages_follow_each_other(session: AsyncSession, people: None) -> None:
    query = session.query(User).order_by("-name").limit(1)
    page = await query.into(Frozen).page()
    assert page.items == [Frozen(2, "Grace", None)]
    assert page.next == (await query.page()).next
    after = await query.into(Frozen).page(page.next)
    assert (after.items, after.next) == ([Frozen(1, "Ada", 36)], None)


@dataclass(frozen=True)
class AuthorOut:
    name: str
    email: str | None = None


class TagOut(NamedTuple):
    name: str


@dataclass
class CommentOut:
    body: str
    author: AuthorOut | None


class PostOut(pydantic.BaseModel):
    id: int
    headline: str = pydantic.Field(alias="title")
    status: PostStatus
    keywords: list[str]
    author: AuthorOut
    comments: list[CommentOut]
    tags: tuple[TagOut, ...]


class ProfileOut(msgspec.Struct, rename={"birth": "birthday"}):
    birth: dt.date | None


class UserOut(TypedDict):
    name: str
    settings: dict[str, Any]
    posts: list[PostOut]
    profile: ProfileOut | None


async def test_a_tree_of_all_kinds_comes_in_one_statement(
    session: AsyncSession, people: None, engine: Engine, making_objects: None
) -> None:
    query = session.query(User).order_by("id")
    with Statements(engine) as sent:
        ada, grace = await query.into(UserOut)
    assert len(sent) == 1
    assert "bio" not in sent[0]
    assert grace == {"name": "Grace", "settings": {}, "posts": [], "profile": None}
    assert (ada["name"], ada["settings"]) == ("Ada", {"a": [1]})
    assert ada["profile"] == ProfileOut(dt.date(1815, 12, 10))
    author = AuthorOut("Ada")
    drafts: Any = {"status": PostStatus.draft, "author": author}
    comments = [CommentOut("c0", AuthorOut("Grace", "g@x.org")), CommentOut("anonymous", None)]
    assert ada["posts"] == [
        PostOut(
            id=1, title="p0", keywords=[], comments=comments, tags=(TagOut("a"), TagOut("b")),
            **drafts,
        ),
        PostOut(id=2, title="p1", keywords=["x"], comments=[], tags=(TagOut("b"),), **drafts),
        PostOut(
            id=3, title="p2", keywords=["x", "y"], comments=[], tags=(),
            status=PostStatus.published, author=author,
        ),
    ]  # fmt: skip


@dataclass
class TitleOut:
    title: str


@dataclass
class Titles:
    posts: list[TitleOut]


async def test_load_options_filter_order_and_limit_lists(
    session: AsyncSession, people: None
) -> None:
    query = session.query(User).filter(id=1)
    load = selectinload(User.posts).filter(views__gte=1).order_by("-id").limit(1)
    assert await query.options(load).into(Titles).all() == [Titles([TitleOut("p2")])]
    assert await query.into(Titles).options(load.offset(1)).one() == Titles([TitleOut("p1")])
    with pytest.raises(UsageError, match="noload"):
        await query.options(noload(User.posts)).into(Titles)


@dataclass
class Deep:
    posts: list[DeepPost]


@dataclass
class DeepPost:
    comments: list[DeepComment]


@dataclass
class DeepComment:
    author: DeepAuthor | None


@dataclass
class DeepAuthor:
    profile: ProfileOut | None


async def test_classes_without_columns_of_their_own_nest(
    session: AsyncSession, people: None, making_objects: None
) -> None:
    comments = [DeepComment(DeepAuthor(None)), DeepComment(None)]
    expected = Deep([DeepPost(comments), DeepPost([]), DeepPost([])])
    assert await session.query(User).into(Deep).get(1) == expected


async def test_related_models_are_whole_objects(session: AsyncSession, people: None) -> None:
    @dataclass
    class WithModels:
        id: int
        author: User

    (post,) = await session.query(Post).filter(id=1).into(WithModels)
    assert (post.author.name, post.author.settings) == ("Ada", {"a": [1]})


@dataclass
class Counted:
    name: str
    n: int
    oldest: PostStatus | None = None


async def test_annotations_and_groups_fill_fields(session: AsyncSession, people: None) -> None:
    query = session.query(User).order_by("id").annotate(n=User.posts.count())
    assert await query.into(Counted) == [Counted("Ada", 3), Counted("Grace", 0)]

    @dataclass
    class Group:
        status: PostStatus
        n: int
        most: int
        top: PostStatus

    groups = (
        session.query(Post)
        .group_by("status")
        .annotate(n=func.count(), most=func.max(Post.views), top=func.max(Post.status))
        .order_by("status")
    )
    assert await groups.into(Group) == [
        Group(PostStatus.draft, 2, 1, PostStatus.draft),
        Group(PostStatus.published, 1, 2, PostStatus.published),
    ]
    with pytest.raises(UnknownName, match=r"Plain\.id"):
        session.query(Post).group_by("status").into(Plain)


async def test_a_null_of_an_expression_is_refused_when_it_is_read(
    session: AsyncSession, people: None
) -> None:
    query = session.query(User).annotate(n=User.posts.value(func.max(Post.views)))
    with pytest.raises(InvalidValue, match=r"Counted\.n is int, and a row has NULL"):
        await query.into(Counted)


@dataclass
class Computed:
    name: str
    post_count: int
    posts: list[TitleOut]


async def test_computed_attributes_fill_fields_at_every_depth(
    session: AsyncSession, people: None
) -> None:
    @dataclass
    class PostOf:
        author: Computed

    expected = Computed("Ada", 3, [TitleOut("p0"), TitleOut("p1"), TitleOut("p2")])
    assert await session.query(User).into(Computed).get(1) == expected
    assert await session.query(Post).into(PostOf).get(1) == PostOf(expected)


@dataclass
class Defaults:
    id: int
    nothing: str = "x"
    many: list[int] = field(default_factory=list)
    count: ClassVar[int] = 3


async def test_fields_without_a_source_keep_their_defaults(
    session: AsyncSession, people: None, making_objects: None
) -> None:
    one, other = await session.query(User).order_by("id").into(Defaults)
    assert (one, other) == (Defaults(1), Defaults(2))
    assert one.many is not other.many

    class Partial(TypedDict):
        id: int
        nothing: NotRequired[str]

    class Options(msgspec.Struct):
        nothing: list[int] = []
        name: str = ""

    class Named(NamedTuple):
        name: str
        nothing: int = 5

    query = session.query(User).filter(id=1)
    assert await query.into(Partial) == [{"id": 1}]
    assert await query.into(Options) == [Options([], "Ada")]
    assert await query.into(Named) == [Named("Ada")]


async def test_a_constructor_with_more_arguments_gets_them(
    session: AsyncSession, people: None
) -> None:
    @dataclass
    class WithInit:
        name: InitVar[str]
        id: int
        shout: str = field(init=False)

        def __post_init__(self, name: str) -> None:
            self.shout = name.upper()

    assert (await session.query(User).into(WithInit).get(1)) == WithInit("Ada", 1)

    @dataclass
    class Own:
        id: int

        def __init__(self, id: int) -> None:
            self.id = -id

    assert [each.id for each in await session.query(User).into(Own)] in ([-1, -2], [-2, -1])


async def test_aliases_name_the_source(session: AsyncSession, people: None) -> None:
    class Camel(pydantic.BaseModel):
        model_config = pydantic.ConfigDict(
            alias_generator=lambda name: name.replace("_", "").title(), populate_by_name=True
        )
        author_id: int
        heading: str = pydantic.Field(validation_alias=pydantic.AliasChoices("title", "x"))

    class Renamed(msgspec.Struct, rename="camel"):
        author_id: int

    query = session.query(Post).filter(id=1)
    assert (await query.into(Camel).one()).heading == "p0"
    assert await query.into(Renamed) == [Renamed(1)]


async def test_pydantic_validates_and_converts(session: AsyncSession, people: None) -> None:
    class Positive(pydantic.BaseModel):
        views: Annotated[int, pydantic.Field(ge=1)]

    class Converted(pydantic.BaseModel):
        views: Decimal
        title: bytes

    class Strict(Converted, strict=True):
        pass

    with pytest.raises(pydantic.ValidationError):
        await session.query(Post).into(Positive)
    query = session.query(Post).filter(views=1)
    assert (await query.into(Positive).one()).views == 1
    assert "views" in (await query.annotate(x=Post.views).into(Positive).one()).model_fields_set
    assert (await session.query(Post).into(Converted).get(2)) == Converted(views=1, title=b"p1")
    with pytest.raises(
        InvalidValue, match=r"Strict\.views is Decimal, and Post\.views is read as int"
    ):
        session.query(Post).into(Strict)


Name = NewType("Name", str)


def one_field(name: str, hint: Any) -> Any:
    return dataclasses.make_dataclass("Out", [(name, hint)])


TAKEN: Sequence[tuple[str, Sequence[Any]]] = (
    ("name", (str, object, Any, Name, Literal["a"], str | int)),
    ("age", (int | None, float | None, "int | None", Any)),
    ("settings", (Any, dict[str, Any], dict[str, Any] | None, Dict)),
    ("created_at", (dt.datetime, dt.date, Annotated[dt.date, 1])),
)


async def test_types_that_hold_the_values_are_taken(session: AsyncSession) -> None:
    for name, hints in TAKEN:
        for hint in hints:
            session.query(User).into(one_field(name, hint))


class Color(enum.Enum):
    red = "red"


REFUSED: Sequence[tuple[Any, str, Any, str]] = (
    (User, "age", int, "User.age may be NULL: declare it as int | None"),
    (User, "name", int, "Out.name is int, and User.name is read as str"),
    (User, "name", Color, "Out.name is Color, and User.name is read as str"),
    (User, "created_at", str, "User.created_at is read as datetime"),
    (User, "settings", Plain, "User.settings is read as dict or list"),
    (User, "id", str | None, "User.id is read as int"),
    (Post, "keywords", list[int], "Post.keywords is read as a list of str"),
    (Post, "keywords", str, "Post.keywords is read as list"),
    (Post, "status", int, "Post.status is read as PostStatus"),
    (Post, "views", Decimal, "Post.views is read as int"),
    (User, "posts", Plain, "User.posts leads to many rows"),
    (User, "posts", list[int], "User.posts leads to many rows"),
    (User, "profile", list[Plain], "User.profile leads to one row"),
    (User, "profile", ProfileOut, "User.profile may lead to no row"),
    (Comment, "author", AuthorOut, "Comment.author may lead to no row"),
)


async def test_types_that_cannot_hold_the_values_are_refused_before_anything_is_sent(
    session: AsyncSession, engine: Engine
) -> None:
    for model, name, hint, expected in REFUSED:
        with Statements(engine) as sent, pytest.raises(InvalidValue) as refused:
            await session.query(model).into(one_field(name, hint))
        assert expected in str(refused.value)
        assert sent == []


@dataclass
class Endless:
    posts: list[EndlessPost]


@dataclass
class EndlessPost:
    author: Endless


UNFIT: Sequence[tuple[Any, type[OrmKitError], str]] = (
    (one_field("nmae", str), UnknownName, "did you mean 'name'"),
    (one_field("posts", list[one_field("titel", str)]), UnknownName, "did you mean 'title'"),  # type: ignore[misc]
    (one_field("posts", list[User]), UsageError, "rows of Post are no User objects"),
    (Endless, UsageError, "Endless is nested in itself"),
    (User, UsageError, "leave out into"),
    (int, UsageError, "takes a dataclass"),
    ("User", UsageError, "takes a dataclass"),
    (dataclasses.make_dataclass("Empty", []), UsageError, "no fields"),
    (dataclasses.make_dataclass("Lost", [("id", "Nowhere")]), UsageError, "Nowhere"),
)


async def test_classes_that_rows_cannot_become_are_refused_before_anything_is_sent(
    session: AsyncSession, engine: Engine
) -> None:
    for cls, kind, expected in UNFIT:
        with Statements(engine) as sent, pytest.raises(kind, match=expected):
            await session.query(User).into(cls)
        assert sent == []


async def test_only_and_into_exclude_each_other(session: AsyncSession) -> None:
    with pytest.raises(UsageError, match=r"leave out only\(\)"):
        session.query(User).only("name").into(Plain)


async def test_a_joined_lock_holds_the_related_row(session: AsyncSession, people: None) -> None:
    @dataclass
    class Locked:
        title: str
        author: AuthorOut

    async with session.begin() as tx:
        query = tx.query(Post).options(joinedload(Post.author)).filter(id=1)
        found = await query.for_update(of=["author"]).into(Locked).one()
    assert found == Locked("p0", AuthorOut("Ada"))


async def test_rows_of_raw_sql_become_objects(
    engine: Engine, people: None, making_objects: None
) -> None:
    result = await engine.execute("SELECT age, 1.5 AS more, name, id FROM users ORDER BY id")
    nothing = await engine.execute("SELECT 1 WHERE false")
    for cls in KINDS:
        assert result.into(cls) == [
            cls(id=1, name="Ada", age=36),
            cls(id=2, name="Grace", age=None),
        ]
        assert nothing.into(cls) == []


async def test_rows_of_raw_sql_become_models(
    session: AsyncSession, engine: Engine, people: None
) -> None:
    result = await engine.execute("SELECT *, 1 AS more FROM posts ORDER BY id")
    posts = result.to_models(Post)
    assert posts[2].status is PostStatus.published
    expected = await session.query(Post).order_by("id").all()
    assert list(map(repr, posts)) == list(map(repr, expected)) == list(map(repr, result.into(Post)))
    await session.update(posts[0], title="new")
    assert (await session.get_or_raise(Post, 1)).title == "new"
    with pytest.raises(UnknownName, match=r"Post\.author_id: the result has no column"):
        (await engine.execute("SELECT id FROM posts")).to_models(Post)


async def test_raw_sql_that_does_not_fit_the_class_is_refused(engine: Engine, people: None) -> None:
    async def into(sql: str, name: str, hint: Any) -> Any:
        return (await engine.execute(sql)).into(one_field(name, hint))

    with pytest.raises(UnknownName, match=r"Out\.nmae: the result has no column 'nmae'.*'name'"):
        await into("SELECT 'x' AS name", "nmae", str)
    with pytest.raises(InvalidValue, match=r"Out\.name is int, and .*'name' is read as str"):
        await into("SELECT NULL AS name UNION ALL SELECT 'x'", "name", int)
    with pytest.raises(InvalidValue, match=r"Out\.name is int, and a row has NULL"):
        await into("SELECT 1 AS name UNION ALL SELECT NULL", "name", int)
    with pytest.raises(InvalidValue, match="a list of int"):
        await into("SELECT '{1}'::int[] AS name", "name", list[str])
    (found,) = await into("SELECT status AS name FROM posts LIMIT 1", "name", PostStatus)
    assert found.name is PostStatus.draft
