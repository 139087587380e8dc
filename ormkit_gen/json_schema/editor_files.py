"""The file beside schema files that editors read, and the line that names it.

The file is in the project, so that editors find it without a network, and it belongs to the version
of OrmKit that the project uses.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Any

from ormkit_gen.json_schema.schema_files import schema_file
from ormkit_gen.json_schema.settings_files import project_file, settings_file

#: What there is a JSON Schema of.
KINDS: Mapping[str, Callable[[], dict[str, Any]]] = {
    "schema": schema_file,
    "settings": settings_file,
    "pyproject": project_file,
}
#: The name of the file with the JSON Schema of schema files.
NAME = "ormkit.schema.json"
#: The first line of a schema file, which tombi and taplo read.
LINE = f"#:schema ./{NAME}\n"


def json_text(kind: str) -> str:
    """Return the text of a JSON Schema."""
    return json.dumps(KINDS[kind](), indent=2, ensure_ascii=False) + "\n"


def beside(schema: str) -> dict[str, str]:
    """Return the file for editors that belongs beside a new schema file, by its path."""
    path = PurePosixPath(schema)
    return {str(path.with_name(NAME)): json_text("schema")} if path.suffix == ".toml" else {}
