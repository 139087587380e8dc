"""Which objects of a database are its own, and how queries name them."""

from __future__ import annotations

#: Schemas of users. Names that begin with pg_ belong to PostgreSQL.
SYSTEM = "n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"
#: What the table `migration` of the schema with the state of OrmKit's migrations says of itself,
#: whatever the schema is called. See migrations/state.py.
MIGRATION_STATE = "The state of OrmKit''s migrations."
#: The schemas with that state, which belongs to no schema file.
OF_MIGRATIONS = f"""SELECT s.relnamespace FROM pg_class s JOIN pg_description sd
    ON sd.objoid = s.oid AND sd.classoid = 'pg_class'::regclass AND sd.objsubid = 0
    WHERE s.relname = 'migration' AND sd.description = '{MIGRATION_STATE}'"""
OWN_SCHEMA = f"{SYSTEM} AND n.oid NOT IN ({OF_MIGRATIONS})"


#: How what a range type brings depends on it: its functions and a cast.
WITH_PARTS = "'e', 'i'"


def own(catalog: str, alias: str, brought: str = "'e'") -> str:
    """Return the condition that no extension brought the object.

    brought: how what is left out depends on another object; with 'i', it is a part of that.
    """
    return f"""{OWN_SCHEMA} AND NOT EXISTS (
        SELECT FROM pg_depend e WHERE e.classid = '{catalog}'::regclass AND e.objid = {alias}.oid
        AND e.objsubid = 0 AND e.deptype IN ({brought}))"""


#: The kinds of relations, by relkind.
RELATION = """CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
    WHEN 'f' THEN 'foreign table' WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'type' ELSE 'table' END"""
#: A relation's object, such as `table public.users`.
OBJECT = f"format('%s %I.%I', {RELATION}, n.nspname, c.relname)"
RELATIONS = "pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
OWN_RELATION = own("pg_class", "c")
TABLES = f"{OWN_RELATION} AND c.relkind IN ('r', 'p', 'f')"
COLUMNS = f"{RELATIONS} JOIN pg_attribute a ON a.attrelid = c.oid"
OWN_COLUMN = f"{OWN_RELATION} AND a.attnum > 0 AND NOT a.attisdropped"

#: Whether a user set an option of a column. The server adds notes of its own, such as pg_attver
#: since 15.20: each database has others, and pg_dump leaves them out.
SET_BY_USERS = "{} NOT LIKE 'pg\\_%'"
