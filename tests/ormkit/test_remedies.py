"""What hints tell users to write works: each call in each hint runs against a database."""

from __future__ import annotations

import asyncio
import builtins
import copy
import datetime as dt
import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pydantic
import pytest

import ormkit
from examples.blog.db import SCHEMA, Post, Tag, User
from ormkit import AsyncSession, Engine
from ormkit.loading.options import Load
from ormkit.models.hooks import HOOKS, VALIDATE
from ormkit.other_names.columns import COLUMNS, TO_MANY, TO_ONE
from ormkit.other_names.imports import IMPORTS
from ormkit.other_names.models import MODELS, OBJECTS, PARTS
from ormkit.other_names.operators import MOMENTS, OPERATORS, TEXTS
from ormkit.other_names.queries import QUERIES
from ormkit.other_names.sessions import SESSIONS
from ormkit.statements.result import Result

pytestmark = pytest.mark.one_interpreter

#: What `...` stands for in the calls of each function.
ARGUMENTS: Mapping[str, str] = {
    **dict.fromkeys(("filter", "exclude", "Q"), "User.id > 0"),
    **dict.fromkeys(("order_by", "only", "values", "values_list", "group_by"), "User.name"),
    **dict.fromkeys(("length", "lower", "upper", "trim"), "User.name"),
    **dict.fromkeys(("sum", "avg", "min", "max", "abs", "round", "ceil", "floor"), "User.age"),
    **dict.fromkeys(("first_value", "last_value", "lead", "lag"), "User.age"),
    **dict.fromkeys(("coalesce", "greatest", "least", "nullif"), "User.id, User.age"),
    **dict.fromkeys(("like", "ilike", "regex", "matches", "literal", "contains"), "'a'"),
    **dict.fromkeys(("startswith", "endswith", "is_distinct_from"), "'a'"),
    **dict.fromkeys(("in_", "notin", "overlaps"), "['a']"),
    **dict.fromkeys(("bool_and", "bool_or"), "User.id > 1"),
    **dict.fromkeys(("selectinload", "jsonload"), "User.posts"),
    **dict.fromkeys(("limit", "offset", "ntile"), "1"),
    "any": "Post.id > 0",
    "has": "User.id > 0",
    "annotate": "n=func.count()",
    "array_agg": "User.name",
    "begin": "",
    "between": "'a', 'b'",
    "call": "'version'",
    "case": "(User.age > 1, 'x'), else_='y'",
    "cast": "User.age, 'text'",
    "concat": "User.name, 'x'",
    "count": "User.id",
    "date_trunc": "'day', User.created_at",
    "extract": "'year', User.created_at",
    "insert_all": "[User(name='a'), User(name='b')]",
    "joinedload": "User.profile",
    "listen": "on_statement=print",
    "options": "selectinload(User.posts)",
    "over": "order_by=User.id",
    "replace": "User.name, 'a', 'b'",
    "string_agg": "User.name, ', '",
    "stream": "batch_size=2",
    "update": "role='x'",
    **dict.fromkeys(("User", "Model"), "name='c', email='c@x'"),
    **dict.fromkeys(("rank", "dense_rank", "row_number", "random"), ""),
    "exists": "session.query(Post).filter(author_id=User.id)",
    "subquery": "User.id",
    "with_computed": "User.post_count",
}
#: What stands after the == of calls with these parts.
COMPARED_WITH: Mapping[str, str] = {
    "date_trunc": "dt.datetime(2026, 1, 1, tzinfo=dt.UTC)",
    "'time'": "dt.time(1)",
    "extract": "1",
    "length": "1",
    "": "'a'",
}
#: What other words in hints stand for.
WORDS: Mapping[str, str] = {
    "column=value": "name='z'",
    "relationship__column=...": "posts__title='a'",
    "conflict_target=...": "conflict_target='email'",
    "isolation=...": "isolation='serializable'",
    "batch_size=...": "batch_size=2",
    "annotate(name=": "annotate(named=",
    "id__in=[...]": "id__in=[1]",
    "insert_all([...])": "insert_all([User(name='a'), User(name='b')])",
    "cast(column, ...)": "cast(column, 'text')",
    "call(name, column, ...)": "call('concat', column, 'x')",
    "call('regexp_replace', column, ...)": "call('regexp_replace', column, 'a', 'b')",
    "sum()": "sum('age')",
    "avg()": "avg('age')",
    "min()": "min('age')",
    "max()": "max('age')",
    "table(name)": "table('users')",
    "column(name)": "column('a')",
    "insert(object)": "insert(User(name='n'))",
    "insert_all(objects)": "insert_all([User(name='n')])",
    "execute(sql)": "execute('SELECT 1')",
    "execute_raw(sql)": "execute_raw('SELECT 1')",
    "value(func.sum(User.age": "value(func.sum(Post.views",
    "value(func.avg(User.age": "value(func.avg(Post.views",
    "value(func.min(User.age": "value(func.min(Post.views",
    "value(func.max(User.age": "value(func.max(Post.views",
    "(User.posts).joinedload(User.profile": "(User.posts).joinedload(Post.author",
    "(User.posts).filter(User.id": "(User.posts).filter(Post.id",
    "(User.posts).filter(condition": "(User.posts).filter(Post.id > 0",
    "named=...": "named=User.age",
    "group_by(User.name)": "group_by(User.name).values(User.name)",
    "'integer'": "'bigint'",
    ", ...": ", 1",
    "__between=...": "__between=('a', 'b')",
    "=...": "='a'",
}
#: Calls that need a program around them, with what they are functions of.
ONLY_NAMED: Mapping[str, object] = {
    "create_engine(url)": ormkit,
    "create_engine()": ormkit,
    "create_all()": Engine,
    "create_all(SCHEMA)": Engine,
    "engine.create_all(SCHEMA)": Engine,
    "close()": Engine,
    "asyncio.run(main())": asyncio,
    "current_session()": ormkit,
    "session.begin()": AsyncSession,
    "add()": ormkit.Transaction,
    "add_all()": ormkit.Transaction,
    "any()": ormkit.ToMany,
    "has()": ormkit.ToOne,
    "validate(self)": SimpleNamespace(**{VALIDATE: True}),
    "before_insert(self)": SimpleNamespace(**dict.fromkeys(HOOKS)),
}
#: The first function that a call names.
HEAD = re.compile(r"~?(?:\(await )?(?:[\w.]+\.)?(\w+)\(")
#: The beginning of a call.
CALL = re.compile(r"~?(?<![\w.{}'])(?:\(await )?[A-Za-z_{][\w.}]*\(")
FURTHER = re.compile(r"(?:\.\w+)*\.\w+\(?")
COMPARED = re.compile(r" (?:==|>) (?:\.\.\.|[\d.]+)")


@dataclass
class Named:
    """A class of an application."""

    name: str


class Undone(Exception):
    """Leaves a savepoint, so that a remedy does not change what the next one meets."""


class Names(dict[str, Any]):
    """The names in a call; a function without an owner is one of the object with the hint."""

    def __init__(self, call: str, owner: Any, known: Mapping[str, Any]) -> None:
        super().__init__(known)
        head = call.lstrip("~").removeprefix("(await ").partition("(")[0]
        own = getattr(owner, head, None) if call not in ("exists(query)", "exists(...)") else None
        # A step of an option has the name of the function that begins one.
        is_step = isinstance(owner, Load) and head in ormkit.__all__
        if "." not in head and callable(own) and not is_step:
            self[head] = own


def closed(text: str, at: int) -> int:
    """Return the place after the parenthesis that closes the one at a place."""
    depth = 0
    for place in range(at, len(text)):
        depth += {"(": 1, ")": -1}.get(text[place], 0)
        if depth == 0:
            return place + 1
    raise AssertionError(f"no parenthesis closes: {text}")


def calls_in(hint: str) -> Iterator[str]:
    """Yield each call in a hint, with what is called on its result."""
    at = 0
    while found := CALL.search(hint, at):
        # An await has its own parentheses, within which the call stands.
        at = closed(hint, found.start() + hint[found.start() :].index("("))
        while further := FURTHER.match(hint, at):
            at = further.end()
            if further[0].endswith("("):
                at = closed(hint, at - 1)
        compared = COMPARED.match(hint, at)
        if compared:
            at = compared.end()
        yield hint[found.start() : at]


def filled(call: str) -> str:
    """Return a call with arguments in place of `...`."""
    call = re.sub(r"(\w+)\(\.\.\.", lambda each: f"{each[1]}({ARGUMENTS[each[1]]}", call)
    if call.endswith(" == ..."):
        value = next(value for part, value in COMPARED_WITH.items() if part in call)
        call = call.removesuffix("...") + value
    for given, taken in WORDS.items():
        call = call.replace(given, taken)
    return call


async def tried(call: str, names: Mapping[str, Any], session: Any, model: Any) -> None:
    """Run a call, and what it makes in a query of a model."""
    model = User if "(User." in call else model
    made: Any = eval(f"({call})" if "await " not in call else as_value(call), {}, names)
    if inspect.isawaitable(made):
        made = await made
    if isinstance(made, Result):
        return
    if isinstance(made, ormkit.Condition):
        await session.query(model).filter(made).all()
    elif isinstance(made, ormkit.Expression):
        await session.query(model).scalars(made)
    elif isinstance(made, ormkit.Order):
        await session.query(model).order_by(made).all()
    elif isinstance(made, Load):
        relationship: Any = made.path[0].relationship
        await session.query(relationship.table.model).options(made).all()
    elif hasattr(made, "all"):
        await made.all()
    elif hasattr(made, "chunks"):
        async for _chunk in made.chunks():
            pass


def as_value(call: str) -> str:
    """Return an expression for a coroutine: eval() takes no await of its own."""
    awaited, rest = re.fullmatch(r"\(await (.*?\))\)(.*)", call).groups()  # type: ignore[union-attr]
    return f"after({awaited}, lambda found: found{rest})"


async def after(awaited: Any, use: Any) -> Any:
    """Await, and use what comes."""
    return use(await awaited)


#: What stands for `column` in turn: a remedy works for columns of one type at least.
COLUMNS_TRIED = (User.name, User.age, User.created_at, User.settings, Post.keywords)


def hints_at(engine: Engine, session: AsyncSession, result: Result) -> list[tuple[Any, Any]]:
    """Return the tables of hints, each with the object whose methods a hint names bare."""
    query = session.query(User)
    return [
        (session, SESSIONS),
        (query, QUERIES),
        (engine, Engine.__hints__),
        (result, Result.__hints__),
        (ormkit.selectinload(User.posts), Load.__hints__),
        (query, MODELS),
        (query, IMPORTS),
        (query, TO_MANY),
        (session.query(Post), TO_ONE),
        (None, COLUMNS),
        (User(name="x"), OBJECTS),
        (query, PARTS),
    ]


async def test_each_call_in_a_hint_runs(engine: Engine, session: AsyncSession) -> None:
    await session.execute_raw("CREATE FUNCTION similarity(text, text) RETURNS real RETURN 1")
    user = await session.insert(User(name="Ada", email="ada@x"))
    post = await session.insert(Post(title="x", author=user))
    tag = await session.insert(Tag(name="t"))
    await session.related(post, Post.tags).add(tag)
    result = await engine.execute("SELECT 1 AS a")
    known: dict[str, Any] = {
        **{name: getattr(ormkit, name) for name in ormkit.__all__},
        **vars(builtins),
        **{each.__name__: each for each in (User, Post, asyncio, copy, pydantic, after)},
        "Model": User,
        "Relationship": User.posts,
        "SCHEMA": SCHEMA,
        "cls": Named,
        "cursor": None,
        "data": {"name": "x"},
        "dt": dt,
        "engine": engine,
        "function": list,
        "key": user.id,
        "n": 1,
        "object": user,
        "objects": [user],
        "one": User.id > 0,
        "other": User.id < 9,
        "params": [1],
        "post": post,
        "relationship": User.posts,
        "result": result,
        "rows": [[1]],
        "session": session,
        "sql": "SELECT 1 AS a WHERE $1::int > 0",
        "tag": tag,
        "text": "a",
        "url": engine.url,
        "values": {"name": "y"},
    }
    failed: list[str] = []
    for owner, hints in hints_at(engine, session, result):
        relationship: Any = Post.author if hints is TO_ONE else User.posts
        words = {"model": "User", "label": relationship.label}
        own = {**known, "relationship": relationship}
        if hints is TO_ONE:
            own |= {"object": post, "objects": [post]}
        for call in dict.fromkeys(call for hint in hints.values() for call in calls_in(hint)):
            text = call.replace("{model}.relationship", "{model}.posts").format(**words)
            head = HEAD.match(text)
            assert head, text
            if call in ONLY_NAMED:
                assert hasattr(ONLY_NAMED[call], head[1]), call
                continue
            if ".add(other)" in text:
                own = {**own, "other": post}
            if ".remove(other)" in text:
                text = "session.related(post, Post.tags).remove(tag)"
            problem: str | None = None
            for column in COLUMNS_TRIED:
                model: Any = column.table.model
                given = {**own, "condition": model.id > 5, "column": column}
                given["query"] = session.query(model)
                names = Names(text, column if owner is None else owner, given)
                code = filled(text)
                if model is Post and hints is not TO_MANY:
                    code = code.replace("User.id", "Post.id").replace("User.age", "Post.views")
                    code = code.replace("User.name", "Post.title").replace(
                        "User.profile", "Post.author"
                    )
                    code = code.replace("User.post_count", "Post.headline")
                    code = code.replace("selectinload(User.posts)", "selectinload(Post.tags)")
                problem = await problem_of(code, names, session, model)
                if not problem:
                    break
            else:
                failed.append(f"{call}: {problem}")
    assert failed == [], "\n".join(failed)


async def problem_of(code: str, names: Names, session: AsyncSession, model: Any) -> str | None:
    """Return the error that a call raises; None where it runs."""
    try:
        async with session.begin() as tx:
            names["tx"] = tx
            await tried(code, names, session, model)
            raise Undone
    except Undone:
        return None
    except Exception as problem:
        return f"{code} raises {type(problem).__name__}: {problem}"


async def test_each_operator_in_a_hint_runs(session: AsyncSession) -> None:
    await session.execute_raw("CREATE FUNCTION similarity(text, text) RETURNS real RETURN 1")
    await session.execute_raw("CREATE FUNCTION unaccent(text) RETURNS text RETURN $1")
    known: dict[str, Any] = {name: getattr(ormkit, name) for name in ormkit.__all__}
    known |= {"dt": dt, "User": User, "text": "a"}
    failed: list[str] = []
    for column, tables in ((User.name, (OPERATORS, TEXTS)), (User.created_at, (MOMENTS,))):
        for hint in {hint for table in tables for hint in table.values()}:
            for call in calls_in(hint.format(column=column.name, label=column.label)):
                names = Names(call, session.query(User), known)
                problem = await problem_of(filled(call), names, session, User)
                if problem is not None:
                    failed.append(f"{call}: {problem}")
    for hint in {hint for hints in (OPERATORS, TEXTS) for hint in hints.values()}:
        for keyword in re.findall(r"\{column\}((?:__\w+)?)=", hint):
            assert await accepting(session, keyword), keyword
    assert failed == [], "\n".join(failed)


async def accepting(session: AsyncSession, keyword: str) -> list[str]:
    """Return the columns for which a keyword of filter() works with some value."""
    found: list[str] = []
    for column in COLUMNS_TRIED:
        for value in ("a", ["a"], ["a", "b"], True, 3):
            by: dict[str, Any] = {f"{column.name}{keyword}": value}
            model: Any = column.table.model
            query: Any = session.query(model)
            try:
                await query.filter(**by).all()
            except ormkit.OrmKitError:
                continue
            found.append(column.name)
    return found
