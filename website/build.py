"""Build the site of the documentation, and check its links: `python -m website.build`.

The documents are plain Markdown that is readable where it is. Here they become one directory of
pages: README.md is the first one, and links to files that are no pages lead to the repository.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from website.links import broken_links

ROOT = Path(__file__).parents[1]
BUILD = ROOT / "build/website"
#: Documents outside docs/, and the pages that they become.
OTHERS = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
}
_LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\[\]]*\])*)\]\(([^()\s#]*)(#[^()\s]*)?\)")


def pages() -> Mapping[str, str]:
    """Return the page of each document, both by their paths."""
    docs = {
        file.relative_to(ROOT).as_posix(): file.relative_to(ROOT / "docs").as_posix()
        for file in sorted((ROOT / "docs").rglob("*"))
        if file.is_file()
    }
    return {**docs, **OTHERS}


def page_text(document: str, known: Mapping[str, str], repository: str | None) -> str:
    """Return the text of a page: that of the document with links to other pages.

    repository: the address of files that are no pages. Without it, they are named and not linked.
    """
    page = PurePosixPath(known[document])

    def link(found: re.Match[str]) -> str:
        image, text, target, anchor = found[1], found[2], found[3], found[4] or ""
        if not target or ":" in target:
            return found[0]
        path = os.path.normpath(PurePosixPath(document).parent / target)
        if path in known:
            leads_to = os.path.relpath(known[path], page.parent)
            return f"{image}[{text}]({leads_to}{anchor})"
        return f"[{text}]({repository}/{path}{anchor})" if repository else text

    return "".join(_outside_code((ROOT / document).read_text(encoding="utf-8"), link))


def _outside_code(text: str, link: Callable[[re.Match[str]], str]) -> Iterator[str]:
    """Yield the lines of a document, in which links are replaced outside of code."""
    is_code = False
    for line in text.splitlines(keepends=True):
        if line.lstrip().startswith("```"):
            is_code = not is_code
        is_plain = not is_code and not line.startswith("    ")
        yield _LINK.sub(link, line) if is_plain else line


def write_pages(repository: str | None) -> None:
    """Write the pages and the settings of the site into the directory of the build."""
    shutil.rmtree(BUILD, ignore_errors=True)
    known = pages()
    for document, page in known.items():
        (BUILD / "docs" / page).parent.mkdir(parents=True, exist_ok=True)
        if page.endswith(".md"):
            text = page_text(document, known, repository)
            (BUILD / "docs" / page).write_text(text, encoding="utf-8")
        else:
            shutil.copyfile(ROOT / document, BUILD / "docs" / page)
    shutil.copyfile(ROOT / "website/zensical.toml", BUILD / "zensical.toml")
    shutil.copyfile(ROOT / "website/extra.css", BUILD / "docs/extra.css")


def main() -> int:
    """Build the site; exit with 1 if a link leads nowhere."""
    parser = argparse.ArgumentParser(description="Build the site of the documentation.")
    parser.add_argument("--repository", help="the address of the repository's files")
    write_pages(parser.parse_args().repository)
    zensical = Path(sys.executable).with_name("zensical")
    subprocess.run([zensical, "build", "--strict"], cwd=BUILD, check=True)
    broken = broken_links(BUILD / "site")
    for each in broken:
        print(each, file=sys.stderr)
    print(f"{BUILD.relative_to(ROOT)}/site: {len(broken)} broken links")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
