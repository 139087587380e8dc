"""PostgreSQL's functions, as far as computed attributes need to know them."""

from __future__ import annotations

#: Aggregate functions: https://www.postgresql.org/docs/18/functions-aggregate.html
_AGGREGATES = """
    any_value array_agg avg bit_and bit_or bit_xor bool_and bool_or corr count covar_pop covar_samp
    cume_dist dense_rank every json_agg json_agg_strict json_arrayagg json_object_agg
    json_object_agg_strict json_object_agg_unique json_object_agg_unique_strict json_objectagg
    jsonb_agg jsonb_agg_strict jsonb_object_agg jsonb_object_agg_strict jsonb_object_agg_unique
    jsonb_object_agg_unique_strict max min mode percent_rank percentile_cont percentile_disc
    range_agg range_intersect_agg rank regr_avgx regr_avgy regr_count regr_intercept regr_r2
    regr_slope regr_sxx regr_sxy regr_syy stddev stddev_pop stddev_samp string_agg sum var_pop
    var_samp variance xmlagg
    """
#: Other functions that change neither rows nor the state of the session.
_PURE = """
    abs acos age array_append array_cat array_dims array_length array_lower array_ndims
    array_position array_positions array_prepend array_remove array_replace array_reverse array_sort
    array_to_string array_upper ascii asin atan atan2 bit_length btrim cardinality cbrt ceil ceiling
    char_length character_length chr clock_timestamp coalesce concat concat_ws convert_from
    convert_to cos cot date_bin date_part date_trunc decode degrees div encode exp extract factorial
    floor format gcd greatest host initcap isempty isfinite json_array_length json_build_array
    json_build_object json_extract_path json_extract_path_text json_typeof jsonb_array_length
    jsonb_build_array jsonb_build_object jsonb_extract_path jsonb_extract_path_text
    jsonb_path_exists jsonb_path_match jsonb_path_query_array jsonb_path_query_first jsonb_pretty
    jsonb_set jsonb_strip_nulls jsonb_typeof justify_days justify_hours justify_interval lcm least
    left length ln log log10 lower lower_inc lower_inf lpad ltrim make_date make_interval make_time
    make_timestamp make_timestamptz masklen md5 min_scale mod netmask network now nullif
    num_nonnulls num_nulls numrange octet_length overlay phraseto_tsquery pi plainto_tsquery
    position power quote_ident quote_literal quote_nullable radians regexp_count regexp_instr
    regexp_like regexp_match regexp_replace regexp_split_to_array regexp_substr repeat replace
    reverse right round row_to_json rpad rtrim scale setweight sha224 sha256 sha384 sha512 sign
    similarity sin split_part sqrt starts_with statement_timestamp string_to_array strip strpos
    substr substring tan to_char to_date to_hex to_json to_jsonb to_number to_timestamp to_tsquery
    to_tsvector transaction_timestamp translate trim trim_array trim_scale trunc ts_headline ts_rank
    ts_rank_cd unaccent unistr upper upper_inc upper_inf websearch_to_tsquery width_bucket
    word_similarity
    """
#: Functions whose value may be there although an argument is NULL.
_TAKES_NULL = """
    array_append array_cat array_prepend array_remove array_replace array_to_string coalesce concat
    concat_ws format greatest json_build_array json_build_object jsonb_build_array
    jsonb_build_object least num_nonnulls num_nulls quote_nullable row_to_json to_json to_jsonb
    """

AGGREGATES = frozenset(_AGGREGATES.split())
PURE = AGGREGATES | frozenset(_PURE.split())
TAKES_NULL = frozenset(_TAKES_NULL.split())
#: Aggregates that are never NULL.
COUNTS = frozenset({"count", "regr_count"})
