"""Keywords of functions in other libraries."""

from __future__ import annotations

from collections.abc import Mapping

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
