"""The queries of the catalog name no column that PostgreSQL 14 does not have."""

from __future__ import annotations

import re

import pytest

from ormkit.catalog import table_queries
from ormkit.catalog.queries import definitions
from ormkit.catalog.rights import RIGHTS
from ormkit_gen.pull.object_queries import DEPENDENCIES, objects

pytestmark = pytest.mark.one_interpreter

#: What PostgreSQL 15 to 18 added to the catalogs that are read. A row as JSON has them all the
#: same: `to_jsonb(x) ->> 'name'` is NULL where there is no such column.
ADDED = (
    *("prqual", "prattrs", "pnnspid", "pnpubid", "pg_publication_namespace"),
    *("indnullsnotdistinct", "confdelsetcols", "colliculocale", "collicurules", "colllocale"),
    *("conenforced", "conperiod", "pubgencols", "datlocale", "pg_parameter_acl"),
)
NAMED = re.compile(rf"(?<!')\b(?:{'|'.join(ADDED)})\b(?!')")
TABLES = [each for name, each in vars(table_queries).items() if name.isupper()]


def test_no_query_for_14_names_what_later_versions_added() -> None:
    queries = [*definitions(14), *RIGHTS, *objects(14), DEPENDENCIES, *TABLES]
    assert len(queries) > 60
    assert [found[0] for query in queries for found in NAMED.finditer(query)] == []
    # The pattern finds them where they are.
    later = [*definitions(18), *objects(18)]
    found = {each[0] for query in later for each in NAMED.finditer(query)}
    assert found >= {"prqual", "prattrs", "pg_publication_namespace"}
