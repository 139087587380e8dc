"""Hints for names that other ORMs use: the error says what OrmKit calls the same thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

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
    "astext": "as_text()",
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


def missing_name(name: str) -> Exception:
    """Return the error for a name that the package does not export.

    It is an ImportError where there is a hint: `from ormkit import ...` drops the message of an
    AttributeError.
    """
    if name in IMPORTS:
        return ImportError(f"ormkit has no {name!r}: write {IMPORTS[name]}", name="ormkit")
    return AttributeError(f"module 'ormkit' has no attribute {name!r}", name=name)


def operator_hint(column: str, label: str, operator: str) -> str | None:
    """Return what to write for a keyword operator of another ORM, or None.

    column: the name of the column in keywords.
    label: its name in messages, such as User.name.
    """
    hint = OPERATORS.get(operator)
    return None if hint is None else f"write {hint.format(column=column, label=label)}"
