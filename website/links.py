"""Links of a site that lead nowhere, anchors included."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

#: Attributes that a page loads from their address. Links of <a> may lead to other hosts.
_LOADED = {("script", "src"), ("img", "src"), ("link", "href"), ("source", "src")}


@dataclass(slots=True)
class _Page(HTMLParser):
    """The anchors and links of one page."""

    anchors: set[str] = field(default_factory=set[str])
    links: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def __post_init__(self) -> None:
        HTMLParser.__init__(self)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            elif value and ((tag, name) == ("a", "href") or (tag, name) in _LOADED):
                self.links.append((tag, value))


def broken_links(site: Path) -> list[str]:
    """Return a line for each link of a site that leads nowhere, or that loads from another host."""
    found = {file: _read(file) for file in sorted(site.rglob("*.html"))}
    return [line for file in found for line in _broken(site, file, found)]


def _read(file: Path) -> _Page:
    page = _Page()
    page.feed(file.read_text(encoding="utf-8"))
    return page


def _broken(site: Path, file: Path, pages: dict[Path, _Page]) -> Iterator[str]:
    # What is not found is shown at any address, so that its links are those of the root.
    is_anywhere = file.name == "404.html"
    for tag, link in pages[file].links:
        where = f"{file.relative_to(site)}: {link}"
        parts = urlsplit(link)
        if parts.scheme or parts.netloc:
            if tag != "a":
                yield f"{where} is loaded from another host"
            continue
        path, anchor = urldefrag(link)
        target = file
        if path:
            directory = site if is_anywhere or path.startswith("/") else file.parent
            target = Path(os.path.normpath(directory / unquote(path).lstrip("/")))
        if target.is_dir():
            target /= "index.html"
        if not target.exists():
            yield f"{where} leads nowhere"
        elif anchor and target in pages and unquote(anchor) not in pages[target].anchors:
            yield f"{where} has no such anchor"
