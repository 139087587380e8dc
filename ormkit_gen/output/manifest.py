"""The manifest: the files of a package that OrmKit owns. It is in manifest.json in the package."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ormkit_gen.filesystem.line_endings import without_conversion
from ormkit_gen.filesystem.safe_paths import is_bare_name

MANIFEST_NAME = "manifest.json"
#: A file with this name but without this key belongs to someone else.
MANIFEST_SIGN = b'"generated_by": "ormkit generate"'
_FORMAT = 1
_SPOILT = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def content_hash(content: bytes) -> str:
    """Return the hash of a file's content for the manifest."""
    return hashlib.sha256(content).hexdigest()


def read_normalised(path: Path) -> bytes:
    """Read a file with OrmKit's line endings, even if a checkout converted them."""
    return without_conversion(path.read_bytes())


@dataclass(frozen=True, slots=True)
class Entry:
    """One generated file."""

    sha256: str  #: Hash of the content, including the header, with LF line endings.
    unformatted: (
        str  #: Hash of the text before formatting, and of everything else that influences it.
    )


@dataclass(frozen=True, slots=True)
class Manifest:
    """The files of one package, by name.

    ``formatter`` names the tool of the last formatting. ``fingerprint`` is what programs compare
    with their databases; it is written, and not read here.
    """

    files: Mapping[str, Entry] = field(default_factory=dict[str, Entry])
    formatter: str = ""
    fingerprint: Mapping[str, Mapping[str, Any]] = field(
        default_factory=dict[str, dict[str, Any]], compare=False
    )

    def to_text(self) -> str:
        """Return the JSON text. It is sorted, so that merges stay small."""
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
        text = json.dumps(document, indent=2)
        if self.fingerprint:
            text = f"{text[:-2]},\n{_fingerprint_text(self.fingerprint)}\n}}"
        return text + "\n"


def _fingerprint_text(fingerprint: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the fingerprint with a line for each table and enum, so that merges stay small."""
    parts: list[str] = []
    for part, entries in fingerprint.items():
        lines = [
            f"      {json.dumps(name)}: {json.dumps(entry)}"
            for name, entry in sorted(entries.items())
        ]
        body = "{\n" + ",\n".join(lines) + "\n    }" if lines else "{}"
        parts.append(f"    {json.dumps(part)}: {body}")
    return '  "schema": {\n' + ",\n".join(parts) + "\n  }"


def read_manifest(package: Path) -> Manifest | None:
    """Return the manifest of a package, or None if it is missing or unusable.

    A manifest that a merge has damaged, or that names files outside the package, only costs time:
    the headers still identify OrmKit's files.
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
