"""What OrmKit owns in a package: one entry a file, kept in manifest.json beside them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ormkit_gen.safe_paths import is_bare_name

MANIFEST_NAME = "manifest.json"
#: A file of that name without this is someone else's.
MANIFEST_SIGN = b'"generated_by": "ormkit generate"'
_FORMAT = 1
_SPOILT = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def content_hash(content: bytes) -> str:
    """Return the hash under which a manifest records a file's content."""
    return hashlib.sha256(content).hexdigest()


def read_normalised(path: Path) -> bytes:
    """Read a file with the line ends that OrmKit writes, whatever a checkout made of them."""
    return path.read_bytes().replace(b"\r\n", b"\n")


@dataclass(frozen=True, slots=True)
class Entry:
    """One generated file."""

    sha256: str  #: Of the content, header included, with LF as line end.
    unformatted: str  #: Hash of the text before black, and of everything else that shaped it.


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of one package, by name.

    ``formatter`` names the tool that formatted what was formatted last.
    """

    files: Mapping[str, Entry] = field(default_factory=dict[str, Entry])
    formatter: str = ""

    def to_text(self) -> str:
        """Return the JSON text; sorted, so that merges stay small."""
        files = {
            name: {"sha256": entry.sha256, "unformatted": entry.unformatted}
            for name, entry in sorted(self.files.items())
        }
        document = {
            "generated_by": "ormkit generate",
            "format": _FORMAT,
            "formatter": self.formatter,
            "files": files,
        }
        return json.dumps(document, indent=2) + "\n"


def read_manifest(package: Path) -> Manifest | None:
    """Return the manifest of a package; None where it is missing or of no use.

    A manifest that a merge has spoilt, or that names files outside of the package, costs no more
    than time: the headers still tell which files are OrmKit's.
    """
    try:
        return _parse(json.loads((package / MANIFEST_NAME).read_bytes()))
    except (FileNotFoundError, NotADirectoryError, *_SPOILT):
        return None


def _parse(document: Any) -> Manifest:
    if document["format"] != _FORMAT:
        raise ValueError("a manifest of another version of OrmKit")
    files = {
        str(name): Entry(sha256=str(entry["sha256"]), unformatted=str(entry["unformatted"]))
        for name, entry in document["files"].items()
    }
    if not all(map(is_bare_name, files)):
        raise ValueError("a file outside of the package")
    return Manifest(files=files, formatter=str(document["formatter"]))
