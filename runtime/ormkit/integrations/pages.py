"""Pages of a query as answers: at most so many items, and the cursor of the next page."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BaseModel

from ..queries.reading import Reading
from .cursor_signatures import CursorSignatures

T = TypeVar("T")

#: How many items a page has unless the request says so, and at most.
DEFAULT_LIMIT = 20
LARGEST_LIMIT = 100


class PageOf(BaseModel, Generic[T]):
    """A page: its items, and the cursor of the next one, None on the last page."""

    items: list[T]
    next: str | None


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
        after = None if self.cursor is None else self._signatures.checked(self.cursor)
        page = await query.limit(self.limit).page(after)
        following = None if page.next is None else self._signatures.signed(str(page.next))
        if following is not None:
            self._set_link(f'<{with_cursor(self._url, following)}>; rel="next"')
        # The items are objects of the application's class already.
        return PageOf[T].model_construct(items=page.items, next=following)


def with_cursor(url: str, cursor: str) -> str:
    """Return the path and the query of a URL with this cursor."""
    parts = urlsplit(url)
    words = [(name, value) for name, value in parse_qsl(parts.query) if name != "cursor"]
    return f"{parts.path}?{urlencode([*words, ('cursor', cursor)])}"
