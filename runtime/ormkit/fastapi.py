"""OrmKit in FastAPI: the engine's lifespan, dependencies, and answers for errors."""

from __future__ import annotations

from .integrations.etags import ETags
from .integrations.fastapi import (
    ETagDep,
    OrmKit,
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
    "Health",
    "OrmKit",
    "PageDep",
    "PageOf",
    "PageRequest",
    "SessionDep",
    "TransactionDep",
    "filters",
]
