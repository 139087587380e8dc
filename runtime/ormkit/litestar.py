"""OrmKit in Litestar: a plugin with the engine's lifespan, dependencies, and answers for errors."""

from __future__ import annotations

from .integrations.etags import ETags
from .integrations.litestar import (
    ETagDep,
    FilterDep,
    OrmKitPlugin,
    PageDep,
    SessionDep,
    TransactionDep,
    filters,
)
from .integrations.pages import CountedPageOf, PageOf, PageRequest
from .integrations.service import Health

__all__ = [
    "CountedPageOf",
    "ETagDep",
    "ETags",
    "FilterDep",
    "Health",
    "OrmKitPlugin",
    "PageDep",
    "PageOf",
    "PageRequest",
    "SessionDep",
    "TransactionDep",
    "filters",
]
