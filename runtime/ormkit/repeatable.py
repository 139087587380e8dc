"""Which statements may be sent again where their answer was lost: reads that change nothing."""

from __future__ import annotations

import re

#: Quoted names and literals, which may hold any word.
QUOTED = re.compile(r"\"(?:[^\"]|\"\")*\"|'(?:[^']|'')*'")
#: What stands before a parenthesis: a keyword, a type, or a function.
CALLED = re.compile(r"([\w\".]+)\s*\(")
LOCKS = re.compile(r"\bFOR\s+(?:NO\s+KEY\s+UPDATE|UPDATE|KEY\s+SHARE|SHARE)\b", re.IGNORECASE)

KEYWORDS = """
    all and any array as between by case cast distinct else except exists filter from group having
    ilike in intersect is join lateral like limit not offset on or over row select some then union
    using values when where within
"""
TYPES = "bit bpchar char interval numeric time timestamp timestamptz varbit varchar"
#: Functions of PostgreSQL that only compute. Whatever is not here may do anything.
FUNCTIONS = """
    abs array_agg array_length array_position array_to_string avg bool_and bool_or cardinality ceil
    char_length coalesce concat concat_ws count cume_dist date_part date_trunc dense_rank every
    extract first_value floor greatest json_agg json_build_object jsonb_agg jsonb_build_object
    jsonb_array_length lag last_value lead least left length lower ltrim max md5 min mod now
    nth_value ntile nullif percent_rank percentile_cont percentile_disc plainto_tsquery position
    power rank replace right round row_number row_to_json rtrim split_part sqrt starts_with
    string_agg strpos substring sum to_char to_json to_jsonb to_tsquery to_tsvector trim ts_rank
    unnest upper websearch_to_tsquery
"""
HARMLESS = frozenset(f"{KEYWORDS} {TYPES} {FUNCTIONS}".split())


def is_repeatable(sql: str) -> bool:
    """Return whether a statement written by a query is a SELECT without locks or side effects.

    A function that is not known to only compute counts as one with side effects.
    """
    bare = QUOTED.sub('"', sql)
    if not bare.startswith("SELECT ") or LOCKS.search(bare):
        return False
    return all(name.lower() in HARMLESS for name in CALLED.findall(bare))
