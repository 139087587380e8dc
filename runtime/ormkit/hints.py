"""Hints for names that other ORMs use: the error says what OrmKit calls the same thing."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import wraps
from sys import _getframe  # pyright: ignore[reportPrivateUsage]
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar, cast

from ._version import __version__

F = TypeVar("F", bound=Callable[..., Any])

#: What to write for keyword operators of other ORMs, such as `exact` in `name__exact`.
OPERATORS: Mapping[str, str] = {
    "eq": "{column}=",
    "exact": "{column}=",
    "not": "{column}__ne=",
    "neq": "{column}__ne=",
    "ge": "{column}__gte=",
    "le": "{column}__lte=",
    "in_": "{column}__in=",
    "not_in": "{column}__notin=",
    "nin": "{column}__notin=",
    "range": "{column}__between=",
    "is_null": "{column}__isnull=True",
    "null": "{column}__isnull=True",
    "is_not_null": "{column}__isnotnull=True",
    "not_isnull": "{column}__isnotnull=True",
    "starts_with": "{column}__startswith=",
    "ends_with": "{column}__endswith=",
    "overlap": "{column}__overlaps=",
    "search": "to_tsvector({label}).matches(...)",
    "date": "func.date_trunc('day', {label}) == ...",
    "year": "func.extract('year', {label}) == ...",
    "month": "func.extract('month', {label}) == ...",
    "day": "func.extract('day', {label}) == ...",
    "hour": "func.extract('hour', {label}) == ...",
}
#: What to write for methods of columns in other ORMs.
COLUMNS: Mapping[str, str] = {
    "is_": "== value, or isnull()",
    "is_not": "!= value, or isnull(False)",
    "isnot": "!= value, or isnull(False)",
    "is_null": "isnull()",
    "is_not_null": "isnull(False)",
    "isnotnull": "isnull(False)",
    "not_in": "notin(...)",
    "notin_": "notin(...)",
    "not_in_": "notin(...)",
    "not_like": "~column.like(...)",
    "notlike": "~column.like(...)",
    "not_ilike": "~column.ilike(...)",
    "match": "to_tsvector(column).matches(...)",
    "regexp_match": "regex(...)",
    "op": "func.call(...)",
    "concat": "column + other",
    "any_": "in_(...)",
    "extract": "func.extract('year', column)",
    "alias": "query.annotate(name=column)",
    "nullslast": "asc().nulls_last() or desc().nulls_last()",
    "nulls_last": "asc().nulls_last() or desc().nulls_last()",
    "nullsfirst": "asc().nulls_first() or desc().nulls_first()",
    "nulls_first": "asc().nulls_first() or desc().nulls_first()",
    "overlap": "overlaps(...)",
    "distinct": "query.distinct()",
    "astext": "as_text",
    "eq": "== value",
    "ne": "!= value",
    "lt": "< value",
    "le": "<= value",
    "lte": "<= value",
    "gt": "> value",
    "ge": ">= value",
    "gte": ">= value",
    "has": "contains(...), or has() of a relationship",
    "any": "contains(...) or overlaps(...), or any() of a relationship",
    "all_": "~column.in_(...)",
    "collate": "session.execute_raw(sql, params), or a collation in the schema",
    "desc_nulls_last": "desc().nulls_last()",
    "asc_nulls_last": "asc().nulls_last()",
    "is_distinct": "is_distinct_from(...)",
    "as_string": "as_text",
    "regexp": "regex(...)",
    "search": "to_tsvector(column).matches(...)",
}
#: What to write for attributes of model classes in other ORMs.
MODELS: Mapping[str, str] = {
    "objects": "session.query({model})",
    "query": "session.query({model})",
    "select": "session.query({model})",
    "all": "session.query({model}).all()",
    "filter": "session.query({model}).filter(...)",
    "where": "session.query({model}).filter(...)",
    "exclude": "session.query({model}).exclude(...)",
    "get": "session.get({model}, key)",
    "get_or_none": "session.get({model}, key)",
    "get_or_create": "session.upsert({model}(...), update_fields=[])",
    "exists": "session.query({model}).filter(...).exists()",
    "count": "session.query({model}).count()",
    "create": "session.insert({model}(...))",
    "insert": "session.insert({model}(...))",
    "bulk_create": "session.insert_all([...])",
    "update": "session.query({model}).filter(...).update(...)",
    "delete": "session.query({model}).filter(...).delete()",
    "raw": "session.execute_raw(sql, params)",
    "save": "session.insert(object) or session.update(object, column=value)",
    "refresh": "session.get({model}, key)",
    "model_dump": "object.to_dict()",
    "dict": "object.to_dict()",
    "model_validate": "{model}.from_dict(data)",
    "from_orm": "{model}.from_dict(data)",
    "DoesNotExist": "NotFound",
    "__tablename__": "{model}.__table__.name",
    "metadata": "SCHEMA of the generated package",
    "c": "{model} and the name of the column",
    "pk": "{model} and the name of the primary key",
    "_meta": "{model}.__table__",
    "fields": "{model}.__table__.columns",
    "columns": "{model}.__table__.columns",
    "find": "session.query({model}).filter(...)",
    "find_one": "session.query({model}).filter(...).first()",
    "first": "session.query({model}).first()",
    "order_by": "session.query({model}).order_by(...)",
    "select_related": "session.query({model}).options(joinedload(...))",
    "prefetch_related": "session.query({model}).options(selectinload(...))",
    "parse_obj": "{model}.from_dict(data)",
    "model_fields": "{model}.__table__.columns",
    "model_json_schema": "pydantic.TypeAdapter({model}).json_schema()",
    "schema": "pydantic.TypeAdapter({model}).json_schema()",
    "validate": "a method validate(self) in the class that `methods` of the schema names",
}
#: What to write for methods of objects in other ORMs.
OBJECTS: Mapping[str, str] = {
    "save": "session.insert(object), or session.update(object, column=value)",
    "insert": "session.insert(object)",
    "update": "session.update(object, column=value)",
    "delete": "session.remove(object)",
    "refresh": "session.get({model}, key)",
    "refresh_from_db": "session.get({model}, key)",
    "reload": "session.get({model}, key)",
    "fetch_related": "session.load(object, {model}.relationship)",
    "full_clean": "a method validate(self) in the class that `methods` of the schema names",
    "pk": "the name of the primary key",
    "dict": "to_dict()",
    "as_dict": "to_dict()",
    "asdict": "to_dict()",
    "json": "to_dict()",
    "to_json": "to_dict()",
    "model_dump": "to_dict()",
    "model_dump_json": "to_dict()",
    "copy": "copy.copy(object)",
}
#: What to write for names that other ORMs export, and for those of a schema.
IMPORTS: Mapping[str, str] = {
    "select": "session.query(Model)",
    "insert": "session.insert(Model(...)) or session.insert_all([...])",
    "update": "session.query(Model).filter(...).update(...)",
    "delete": "session.query(Model).filter(...).delete()",
    "text": "session.execute_raw(sql, params)",
    "and_": "filter(one, other), or one & other",
    "or_": "filter(one | other)",
    "not_": "filter(~condition), or exclude(condition)",
    "F": "the column itself, as in update(age=User.age + 1)",
    "Prefetch": "selectinload(...).filter(...)",
    "prefetch_related": "selectinload(...)",
    "Value": "literal(...)",
    "When": "case(...)",
    "Coalesce": "func.coalesce(...)",
    "Concat": "func.concat(...)",
    "Lower": "func.lower(...)",
    "Upper": "func.upper(...)",
    "Now": "func.now()",
    "Cast": "cast(...)",
    "Func": "func.call(...)",
    "type_coerce": "cast(...)",
    "extract": "func.extract(...)",
    "desc": "column.desc()",
    "asc": "column.asc()",
    "distinct": "query.distinct()",
    "between": "column.between(...)",
    "any_": "column.in_(...)",
    "null": "None",
    "true": "True",
    "false": "False",
    "bindparam": "the value itself, which is sent as a parameter",
    "literal_column": "session.execute_raw(sql, params)",
    "union": "filter(one | other), or session.execute_raw(sql, params)",
    "event": "engine.listen(...)",
    "listens_for": "engine.listen(...)",
    "hybrid_property": "a computed attribute in the schema",
    "backref": "back_populates in the schema",
    "Case": "case(...)",
    "tuple_": "(one == a) & (other == b)",
    "except_": "exclude(...)",
    "intersect": "filter(one & other)",
    "over": "func.rank().over(...)",
    "Window": "func.rank().over(...)",
    "ExpressionWrapper": "the expression itself",
    "RawSQL": "session.execute_raw(sql, params)",
    "StdDev": "func.call(...)",
    "StringAgg": "func.string_agg(...)",
    "ArrayAgg": "func.array_agg(...)",
    "Extract": "func.extract(...)",
    "Trunc": "func.date_trunc(...)",
    "TruncDay": "func.date_trunc('day', column)",
    "TruncMonth": "func.date_trunc('month', column)",
    "TruncYear": "func.date_trunc('year', column)",
    "raiseload": "nothing: what is not loaded raises NotLoaded",
    "undefer": "query.only(...) with the columns to read",
    "with_loader_criteria": "selectinload(...).filter(...)",
    "scoped_session": "session_context(engine) and current_session()",
    "AsyncEngine": "Engine",
    "MetaData": "SCHEMA of the generated package",
    "Manager": "session.query(Model)",
    "QuerySet": "Query",
    "Exists": "exists(query)",
    "OuterRef": "a column of the outer query, in exists(...)",
    "Sum": "func.sum(...)",
    "Avg": "func.avg(...)",
    "Count": "func.count(...)",
    "Min": "func.min(...)",
    "Max": "func.max(...)",
    "subqueryload": "selectinload(...)",
    "immediateload": "selectinload(...)",
    "lazyload": "selectinload(...), or session.load(objects, relationship)",
    "contains_eager": "joinedload(...)",
    "load_only": "query.only(...)",
    "defer": "query.only(...) with the columns to read",
    "aliased": "Relationship.any(...), or session.execute_raw(sql, params)",
    "sessionmaker": "AsyncSession(engine)",
    "async_sessionmaker": "AsyncSession(engine)",
    "async_scoped_session": "session_context(engine) and current_session()",
    "Session": "AsyncSession",
    "create_async_engine": "create_engine(url)",
    "NoResultFound": "NotFound",
    "ObjectDoesNotExist": "NotFound",
    "DoesNotExist": "NotFound",
    "MultipleResultsFound": "MultipleFound",
    "MultipleObjectsReturned": "MultipleFound",
    "StaleDataError": "StaleObject",
    "transaction": "session.begin()",
    "atomic": "session.begin()",
    **{
        name: f"a schema file, with `from ormkit_gen.declarative import {name}`"
        for name in (
            *("Base", "DeclarativeBase", "Mapped", "mapped_column", "relationship"),
            *("ForeignKey", "ForeignKeyConstraint", "UniqueConstraint", "CheckConstraint"),
            *("Index", "JSON", "SoftDelete", "SoftDeleteMixin", "Timestamps", "Versioned"),
        )
    },
    **dict.fromkeys(
        (
            *("Base", "DeclarativeBase", "Mapped", "mapped_column", "relationship", "Index"),
            *("ForeignKey", "ForeignKeyConstraint", "UniqueConstraint", "CheckConstraint"),
            *("JSON", "SoftDelete", "SoftDeleteMixin", "Timestamps", "Versioned"),
        ),
        "a schema file, with `from ormkit_gen.declarative import {name}`",
    ),
    **dict.fromkeys(
        (
            *("CharField", "TextField", "IntegerField", "ForeignKeyField", "Field", "Integer"),
            *("BigInteger", "SmallInteger", "String", "Text", "Unicode", "Boolean", "DateTime"),
            *("Date", "Time", "Numeric", "Float", "ARRAY", "UUID", "Enum", "LargeBinary", "JSONB"),
            *("TIMESTAMP", "Uuid", "Double"),
        ),
        'the type of a column in a schema file, such as `name = "text"`',
    ),
    **dict.fromkeys(
        ("declarative_base", "registry", "table", "MappedAsDataclass"),
        "a schema file, with `from ormkit_gen.declarative import Base`",
    ),
}

#: What to write for keywords of functions in other libraries, by the name of the function.
KEYWORDS: Mapping[str, Mapping[str, str]] = {
    "create_engine": {
        "echo": "slow_query=0, or the logger ormkit.sql at DEBUG",
        "pool_size": "min_connections= and max_connections=",
        "max_overflow": "max_connections=",
        "min_size": "min_connections=",
        "max_size": "max_connections=",
        "pool_timeout": "acquire_timeout=",
        "pool_recycle": "max_lifetime=",
        "pool_pre_ping": "nothing: the pool probes a connection once another one was found dead",
        "poolclass": "nothing: there is one pool",
        "connect_args": "parameters of the URL, or server_settings=",
        "isolation_level": "session.begin(isolation=...)",
        "execution_options": "session.begin(isolation=...), or server_settings=",
        "timeout": "connect_timeout= or statement_timeout=",
        "command_timeout": "statement_timeout=",
        "ssl": "sslmode in the URL",
        "json_serializer": "json_encoder=",
        "json_deserializer": "json_decoder=",
        "query_cache_size": "statement_cache_size=",
        "max_cached_statement_lifetime": "statement_cache_size=",
        "future": "nothing",
        "user": "the URL, as in postgresql://user@host/database",
        "host": "the URL, as in postgresql://user@host/database",
        "database": "the URL, as in postgresql://user@host/database",
    },
    "AsyncSession": {
        "bind": "AsyncSession(engine)",
        "expire_on_commit": "nothing: objects keep their values after a commit",
        "autoflush": "nothing: a transaction flushes before the statements that need it",
        "autocommit": "`async with session.begin():`, which commits at its end",
        "future": "nothing",
    },
}


class Hinted:
    """A class whose unknown attributes raise an error with a hint, if another ORM has them."""

    __slots__ = ()

    #: What to write for each name.
    __hints__: ClassVar[Mapping[str, str]] = {}

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            raise missing_attribute(self, name, type(self).__hints__.get(name))


def missing_attribute(owner: object, name: str, hint: str | None) -> AttributeError:
    """Return the error for an attribute that an object or a class does not have.

    hint: what to write instead; None where nothing is known.
    """
    if isinstance(owner, type):
        kind = f"type object {owner.__name__!r}"
    else:
        kind = f"{type(owner).__name__!r} object"
    message = f"{kind} has no attribute {name!r}"
    return AttributeError(f"{message}: write {hint}" if hint else message, name=name, obj=owner)


class ForeignMethod:
    """A name that the objects of other ORMs have: reading it raises the error for a missing one.

    A column of that name takes its place, and so does a method of the application's class.
    """

    __slots__ = ("hint", "name")

    def __init__(self, name: str, hint: str) -> None:
        self.name = name
        self.hint = hint

    def __get__(self, instance: object, owner: type) -> Any:
        if instance is None:
            # The metaclass then looks for what the class has to say.
            raise AttributeError(self.name)
        raise missing_attribute(instance, self.name, self.hint.format(model=owner.__name__))


def refuse_keywords(function: str, given: Mapping[str, object]) -> None:
    """Raise TypeError for the keyword of another library, with what it is called here."""
    for name in given.keys() & KEYWORDS[function].keys():
        raise TypeError(
            f"{function}() got an unexpected keyword argument {name!r}: write "
            f"{KEYWORDS[function][name]}"
        )


def refusing_keywords(function: F) -> F:
    """Make an async function say what keywords of other libraries are called here."""

    @wraps(function)
    async def call(*args: Any, **given: Any) -> Any:
        refuse_keywords(function.__name__, given)
        return await function(*args, **given)

    return cast("F", call)


def generator_of(file: str) -> str:
    """Return the version of OrmKit that has generated a module; "" for any other module."""
    try:
        with open(file, encoding="utf-8") as lines:
            first = lines.readline()
    except (OSError, ValueError):
        return ""
    found = re.match(r"# Generated by OrmKit (\S+) ", first)
    return found[1] if found else ""


def missing_name(name: str) -> Exception:
    """Return the error for a name that the package does not export.

    `__getattr__` of the package calls it for the module that asks for the name.

    It is an ImportError where there is a hint: `from ormkit import ...` drops the message of an
    AttributeError.
    """
    if name in IMPORTS:
        return ImportError(
            f"ormkit has no {name!r}: write {IMPORTS[name].format(name=name)}", name="ormkit"
        )
    importer = _getframe(2).f_globals.get("__file__") or ""
    generated = generator_of(importer)
    if generated:
        return ImportError(
            f"{importer} was generated by OrmKit {generated} and imports {name!r}, which OrmKit "
            f"{__version__} does not have: run `ormkit generate` with the version that is "
            f'installed, or `pip install "ormkit-pg=={generated}"`',
            name="ormkit",
        )
    return AttributeError(f"module 'ormkit' has no attribute {name!r}", name=name)


def operator_hint(column: str, label: str, operator: str) -> str | None:
    """Return what to write for a keyword operator of another ORM, or None.

    column: the name of the column in keywords.
    label: its name in messages, such as User.name.
    """
    hint = OPERATORS.get(operator)
    return None if hint is None else f"write {hint.format(column=column, label=label)}"
