"""The JSON Schema of the settings, in ormkit.toml or in pyproject.toml."""

from __future__ import annotations

from typing import Any

from ormkit_gen.json_schema import descriptions
from ormkit_gen.json_schema.shapes import DRAFT, Shape, described, table
from ormkit_gen.project import settings, targets
from ormkit_gen.rendering.dto import LIBRARIES

#: A path below the settings file's directory; the reader refuses further ones.
_BELOW: Shape = {"type": "string", "pattern": r"^[^/\\][^\\]*$"}
_PATTERNS: Shape = {"type": "array", "minItems": 1, "items": _BELOW}


def settings_file() -> dict[str, Any]:
    """Return the JSON Schema of ormkit.toml."""
    return {
        "$schema": DRAFT,
        "title": "OrmKit settings",
        "description": "What `ormkit generate` reads and writes.",
        **_section(),
    }


def project_file() -> dict[str, Any]:
    """Return the JSON Schema of pyproject.toml, which knows the section of OrmKit alone."""
    tool = {"type": "object", "properties": {"ormkit": _section()}}
    return {
        "$schema": DRAFT,
        "title": "OrmKit settings in pyproject.toml",
        "type": "object",
        "properties": {"tool": tool},
    }


def _section() -> dict[str, Any]:
    target = {
        "schemas": _PATTERNS,
        "sql": _PATTERNS,
        "output": _BELOW,
        "dto": {"enum": [*LIBRARIES]},
        "migrations": _BELOW,
        "migrations_schema": {"type": "string", "minLength": 1},
        "database": {"type": "string", "minLength": 1},
        "rights": _BELOW,
    }
    of_target = table(
        targets.KEYS, described(target, descriptions.TARGETS), required=["schemas", "output"]
    )
    shapes: dict[str, Shape] = {
        "targets": {
            "type": "array",
            "minItems": 1,
            "maxItems": targets.MAX_TARGETS,
            "items": of_target,
        },
        **{key: {"type": "string"} for key in settings.URLS},
        **{key: {"type": "string", "minLength": 1} for key in settings.TEXTS},
        "rights": _BELOW,
        "phases": {"enum": list(settings.PHASES)},
        settings.VERSION: {
            "type": "integer",
            "minimum": settings.VERSIONS[0],
            "maximum": settings.VERSIONS[-1],
        },
    }
    return table(settings.KEYS, described(shapes, descriptions.PROJECT), required=["targets"])
