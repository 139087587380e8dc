"""Keyword operators of other ORMs."""

from __future__ import annotations

from collections.abc import Mapping

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
    "is": "{column}=",
    "is_": "{column}=",
    "is_not": "{column}__ne=",
    "isnot": "{column}__ne=",
    "equals": "{column}=",
    "not_equals": "{column}__ne=",
    "not_null": "{column}__isnotnull=True",
    "any": "{column}__contains=[...] or {column}__overlaps=[...] for an array",
    "all": "{column}__contains=[...] for an array",
    "has": "{column}__contains=[...] for an array",
    "some": "{column}__overlaps=[...] for an array",
    "not_between": "exclude({column}__between=...)",
    "not_range": "exclude({column}__between=...)",
    "has_any_keys": "{column}__has_any_key=[...] for jsonb",
    "is_distinct_from": "{label}.is_distinct_from(...)",
}

#: What to write for keyword operators on dates and times.
MOMENTS: Mapping[str, str] = {
    "date": "func.date_trunc('day', {label}) == ...",
    "year": "func.extract('year', {label}) == ...",
    "month": "func.extract('month', {label}) == ...",
    "day": "func.extract('day', {label}) == ...",
    "hour": "func.extract('hour', {label}) == ...",
    "minute": "func.extract('minute', {label}) == ...",
    "second": "func.extract('second', {label}) == ...",
    "week": "func.extract('week', {label}) == ...",
    "week_day": "func.extract('dow', {label}) == ...",
    "iso_week_day": "func.extract('isodow', {label}) == ...",
    "iso_year": "func.extract('isoyear', {label}) == ...",
    "quarter": "func.extract('quarter', {label}) == ...",
    "time": "cast({label}, 'time') == ...",
}

#: What to write for keyword operators on texts.
TEXTS: Mapping[str, str] = {
    "not_endswith": "exclude({column}__endswith=...)",
    "not_startswith": "exclude({column}__startswith=...)",
    "not_contains": "exclude({column}__contains=...)",
    "search": "to_tsvector({label}).matches(...)",
    "match": "to_tsvector({label}).matches(...)",
    "not_like": "exclude({column}__like=...)",
    "notlike": "exclude({column}__like=...)",
    "not_ilike": "exclude({column}__ilike=...)",
    "notilike": "exclude({column}__ilike=...)",
    "posix_regex": "{column}__regex=",
    "regexp": "{column}__regex=",
    "iregexp": "{column}__iregex=",
    "lower": "func.lower({label}) == ...",
    "upper": "func.upper({label}) == ...",
    "len": "func.length({label}) == ...",
    "length": "func.length({label}) == ...",
    "trigram_similar": "func.call('similarity', {label}, text, type='real') > 0.3",
    "unaccent": "func.call('unaccent', {label}, type='text') == ...",
}
