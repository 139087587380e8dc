"""Pages of a query as answers: at most so many items, and the cursor of the next page."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Generic, Literal, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BaseModel

from ..errors import UsageError
from ..queries.pagination import InvalidCursor
from ..queries.reading import Reading
from .cursor_signatures import CursorSignatures
from .problems import InvalidParameter

T = TypeVar("T")

#: How many items a page has unless the request says so, and at most.
DEFAULT_LIMIT = 20
LARGEST_LIMIT = 100


class PageOf(BaseModel, Generic[T]):
    """A page: its items, and the cursor of the next one, None on the last page."""

    items: list[T]
    next: str | None


class CountedPageOf(PageOf[T]):
    """A page, and how many items all pages have together."""

    total: int


class PageRequest:
    """Which page the client asks for."""

    def __init__(
        self,
        limit: int,
        cursor: str | None,
        url: str,
        signatures: CursorSignatures,
        set_link: Callable[[str], None],
    ) -> None:
        self.limit = limit
        self.cursor = cursor
        self._url = url
        self._signatures = signatures
        self._set_link = set_link

    async def read(self, query: Reading[Any, T, Any, Any, Any, Any, Any]) -> PageOf[T]:
        """Return the page of the query, such as `query.order_by("name").into(UserRead)`.

        The header Link of the answer has the URL of the next page.

        Raises InvalidValue for a cursor of another query, or one that was not made here.
        """
        items, following = await self._read(query)
        # The items are objects of the application's class already.
        return PageOf[T].model_construct(items=items, next=following)

    async def read_counted(
        self,
        query: Reading[Any, T, Any, Any, Any, Any, Any],
        total: Literal["exact", "estimate"] = "exact",
    ) -> CountedPageOf[T]:
        """Return the page of the query, and how many rows the query has without pages.

        total: "exact" counts the rows, which takes PostgreSQL as long as reading all of them;
            "estimate" asks its planner, which takes a moment and may be wrong.

        Raises InvalidValue as read() does, and UsageError for another total.
        """
        if total not in ("exact", "estimate"):
            raise UsageError(f'total={total!r}: it must be "exact" or "estimate"')
        items, following = await self._read(query)
        if self.cursor is None and following is None:
            counted = len(items)
        elif total == "exact":
            counted = await query.count()
        else:
            counted = estimated_rows(await query.explain())
        return CountedPageOf[T].model_construct(items=items, next=following, total=counted)

    async def _read(
        self, query: Reading[Any, T, Any, Any, Any, Any, Any]
    ) -> tuple[list[T], str | None]:
        """Return the items of the page, and the cursor of the next one, which Link has too."""
        after = None if self.cursor is None else self._signatures.checked(self.cursor)
        try:
            page = await query.limit(self.limit).page(after)
        except InvalidCursor as error:
            raise InvalidParameter("cursor", "is that of another list") from error
        following = None if page.next is None else self._signatures.signed(str(page.next))
        if following is not None:
            self._set_link(f'<{with_cursor(self._url, following)}>; rel="next"')
        return page.items, following


def estimated_rows(plan: str) -> int:
    """Return how many rows PostgreSQL expects, which the first line of a plan says."""
    found = re.search(r"rows=(\d+)", plan)
    return int(found[1]) if found is not None else 0


def with_cursor(url: str, cursor: str) -> str:
    """Return the path and the query of a URL with this cursor."""
    parts = urlsplit(url)
    words = [(name, value) for name, value in parse_qsl(parts.query) if name != "cursor"]
    return f"{parts.path}?{urlencode([*words, ('cursor', cursor)])}"
