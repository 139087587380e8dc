"""Methods of load options in other ORMs."""

from __future__ import annotations

from collections.abc import Mapping

#: What to write for methods of load options in other ORMs.
LOADS: Mapping[str, str] = {
    "where": "filter(...)",
    "and_": "filter(...)",
    "exclude": "filter(~condition)",
    "options": "the next step after this one, as in selectinload(...).joinedload(...)",
    "load": "selectinload(...), joinedload(...) or jsonload(...)",
    "subqueryload": "selectinload(...)",
    "prefetch_related": "selectinload(...)",
    "select_related": "joinedload(...)",
    "only": "query.into(cls) with a class of the wanted columns",
    "load_only": "query.into(cls) with a class of the wanted columns",
    "defer": "query.into(cls) with a class of the wanted columns",
    "first": "limit(1)",
    "sort_by": "order_by(...)",
    "raiseload": "nothing: what is not loaded raises NotLoaded",
    "lazyload": "selectinload(...), or session.load(objects, relationship)",
    "immediateload": "selectinload(...)",
    "contains_eager": "joinedload(...)",
    "join": "joinedload(...)",
    "include": "selectinload(...)",
    "undefer": "query.into(cls) with a class of the wanted columns",
    "values": "query.into(cls) with a class of the wanted columns",
    "annotate": "with_computed(...)",
    "queryset": "filter(...), order_by(...) and limit(...)",
    "to_attr": "nothing: the relationship's attribute has the objects",
    "of_type": "nothing: a relationship leads to one model",
    "distinct": "nothing: each object is loaded once",
    "all": "nothing: the option loads all that it keeps",
    "take": "limit(...)",
    "skip": "offset(...)",
}
