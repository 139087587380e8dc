"""A generated package: from rendered texts to the bytes of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from ormkit_gen.formatting.formatter import formatter_name
from ormkit_gen.formatting.parallel import Progress, format_texts
from ormkit_gen.output.header import with_header
from ormkit_gen.output.manifest import (
    MANIFEST_NAME,
    Entry,
    Manifest,
    content_hash,
    read_manifest,
    read_normalised,
)
from ormkit_gen.version import ormkit_version

_FORMATTED = {".py", ".pyi"}


@dataclass(frozen=True, slots=True)
class Draft:
    """The rendered texts of one package by file name, before formatting and without headers."""

    directory: Path
    label: str  #: The name of the directory in messages.
    sources: tuple[str, ...]  #: The sources that the headers name.
    texts: Mapping[str, str]
    #: What the manifest says about the schema.
    fingerprint: Mapping[str, Mapping[str, Any]] = field(default_factory=dict[str, dict[str, Any]])


@dataclass(frozen=True, slots=True)
class Package:
    """The intended content of a package's directory. The manifest is the last file."""

    directory: Path
    label: str
    files: Mapping[str, bytes]
    manifest: Manifest


def finish(drafts: Sequence[Draft], progress: Progress) -> list[Package]:
    """Format the drafts and add headers. A text that is already on disk is not formatted again.

    Raise BrokenCode if a text is not valid Python. Write nothing.
    """
    recorded = [read_manifest(draft.directory) or Manifest() for draft in drafts]
    reused = [_reusable(*each) for each in zip(drafts, recorded, strict=True)]
    texts = {
        str(draft.directory / name): text
        for draft, kept in zip(drafts, reused, strict=True)
        for name, text in draft.texts.items()
        if name not in kept and PurePath(name).suffix in _FORMATTED
    }
    formatted = format_texts(texts, progress) if texts else {}
    return [
        _finished(draft, manifest, kept, formatted)
        for draft, manifest, kept in zip(drafts, recorded, reused, strict=True)
    ]


def _reusable(draft: Draft, manifest: Manifest) -> dict[str, bytes]:
    """Return the files whose unformatted text has not changed.

    The version of the formatter makes no difference. Otherwise a team with several versions would
    see differences in files that no schema change affects.
    """
    reusable: dict[str, bytes] = {}
    for name, text in draft.texts.items():
        entry = manifest.files.get(name)
        if entry is None or entry.unformatted != _unformatted_hash(draft, text):
            continue
        content = _content(draft.directory / name)
        if content is not None and content_hash(content) == entry.sha256:
            reusable[name] = content
    return reusable


def _content(path: Path) -> bytes | None:
    try:
        return read_normalised(path)
    except OSError:
        return None


def _finished(
    draft: Draft, recorded: Manifest, reused: Mapping[str, bytes], formatted: Mapping[str, str]
) -> Package:
    is_formatted = any(str(draft.directory / name) in formatted for name in draft.texts)
    formatter = recorded.formatter if reused and not is_formatted else formatter_name()
    files: dict[str, bytes] = {}
    entries: dict[str, Entry] = {}
    for name, text in sorted(draft.texts.items()):
        body = formatted.get(str(draft.directory / name), text)
        content = reused.get(name) or with_header(name, body, draft.sources).encode()
        files[name] = content
        entries[name] = Entry(content_hash(content), _unformatted_hash(draft, text))
    manifest = Manifest(entries, formatter, draft.fingerprint)
    files[MANIFEST_NAME] = manifest.to_text().encode()
    return Package(draft.directory, draft.label, files, manifest)


def _unformatted_hash(draft: Draft, text: str) -> str:
    shaping = (ormkit_version(), *draft.sources, text)
    return hashlib.sha256("\0".join(shaping).encode()).hexdigest()
