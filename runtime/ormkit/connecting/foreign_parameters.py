"""Parameters and schemes of other libraries' URLs, and what to write in their place.

PostgreSQL would take such a parameter for a run-time parameter that it does not know.
"""

from __future__ import annotations

import re

from ..errors import ConfigurationError

NO_STATEMENTS = "give create_engine() statement_cache_size=0, for PgBouncer in transaction mode"
ENCODING = "remove it: the connection always has UTF-8"
REMOVE = "remove it: OrmKit connects by asyncpg, and needs no such parameter"
#: What to do in place of each parameter; the names are those of Prisma, JDBC, SQLAlchemy, Rails,
#: node-postgres, pgx, lib/pq and asyncpg, in lower case and without underscores.
REMEDIES = {
    **dict.fromkeys(("schema", "currentschema", "schemaname"), "write search_path=NAME"),
    **dict.fromkeys(
        (
            *("maxconnections", "connectionlimit", "pool", "poolsize", "maxsize", "maxpoolsize"),
            *("poolmax", "poolmaxconns", "poolmaxsize", "maxoverflow"),
        ),
        "give create_engine() max_connections=",
    ),
    **dict.fromkeys(
        ("minconnections", "minsize", "minpoolsize", "poolmin", "poolminconns", "poolminsize"),
        "give create_engine() min_connections=",
    ),
    **dict.fromkeys(
        ("pooltimeout", "acquiretimeout", "checkouttimeout"),
        "give create_engine() acquire_timeout=",
    ),
    **dict.fromkeys(("logintimeout", "timeout"), "write connect_timeout=SECONDS"),
    **dict.fromkeys(
        ("commandtimeout", "sockettimeout", "querytimeout"), "write statement_timeout=5s"
    ),
    **dict.fromkeys(
        (
            *("pgbouncer", "preparedstatements", "preparethreshold", "statementcachesize"),
            *("preparedstatementcachesize", "preparedstatementcachequeries", "preferquerymode"),
            *("defaultqueryexecmode", "statementcachecapacity", "binaryparameters"),
        ),
        NO_STATEMENTS,
    ),
    **dict.fromkeys(("charset", "encoding", "characterencoding"), ENCODING),
    "sslaccept": "write sslmode=verify-full, or sslmode=require for any certificate",
    "sslidentity": "write sslcert= and sslkey=",
    "sslca": "write sslrootcert=",
    "reconnecttimeout": "give create_engine() reconnect_timeout=",
    "idlelifetime": "give create_engine() idle_lifetime=",
    "maxlifetime": "give create_engine() max_lifetime=",
    "poolrecycle": "give create_engine() max_lifetime=",
    "poolmaxconnlifetime": "give create_engine() max_lifetime=",
    "serversettings": "give create_engine() server_settings=",
    **dict.fromkeys(("asyncfallback", "uselibpqcompat", "driver", "adapter"), REMOVE),
}
#: The same name as one of libpq's or the server's, but for case and underscores.
SPELLINGS = {
    each.replace("_", ""): each
    for each in ("connect_timeout", "application_name", "search_path", "statement_timeout")
}


def check_known_spelling(word: str) -> None:
    """Raise ConfigurationError for a parameter of another library, which says what to write."""
    plain = re.sub("[_-]", "", word).lower()
    spelling = SPELLINGS.get(plain)
    if spelling == word.lower():
        return
    remedy = REMEDIES.get(plain) if spelling is None else f"write {spelling}="
    if remedy is not None:
        raise ConfigurationError(
            f"the URL has {word}, which neither libpq nor PostgreSQL knows in a URL: {remedy}"
        )


def scheme_remedy(url: str) -> str:
    """Return what to write in place of a URL with another scheme; "" where that is not known."""
    scheme, _, rest = url.partition("://")
    if not url.strip():
        return "the URL is empty: is the variable set that it comes from?"
    if url != url.strip(" \t\r\n'\""):
        return "the URL has a blank or a quote around it: remove that"
    if re.match(r"\$\{?\w+\}?$", url):
        return "the URL is the name of a variable: give its value, as in os.environ[NAME]"
    if rest and re.fullmatch(r"(?:postgres|postgresql|jdbc:postgresql)(?:\+\w+)?", scheme.lower()):
        return f"the URL begins with {scheme!r}: write postgresql://, as asyncpg is the only driver"
    if re.match(r"\w+ *=", url):
        return (
            "the URL has libpq's form of keywords and values: write "
            "postgresql://USER@HOST:PORT/DATABASE"
        )
    return ""
