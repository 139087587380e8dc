"""Models, attributes and enums may have the names that generated code uses itself."""

from __future__ import annotations

import builtins
import keyword
import typing
from pathlib import Path

import pytest

import ormkit
from tests.generated import import_models
from tests.typing.checkers import reported

WORDS = {*ormkit.__all__, *dir(builtins), *typing.__all__, "Collection", "Decimal", "conditions"}
RESERVED = {"SCHEMA", "TYPE_CHECKING", "Ellipsis", "NotImplemented", "Kind"}
NAMES = sorted(name for name in WORDS if not name.startswith("_") and not keyword.iskeyword(name))
TYPES = (
    "bigint",
    "text?",
    "numeric",
    "timestamptz",
    "boolean",
    "jsonb",
    "text[]",
    "Kind",
    "interval",
)
PAIRS = ("Customer", "CustomerOrder", "User", "UserQuery", "UserFilter", "UserValues", "Enums")


def model(name: str, columns: str) -> str:
    return f'[models.{name}.columns]\npk = {{ type = "bigint", primary_key = true }}\n{columns}\n'


@pytest.fixture(scope="module")
def schema() -> str:
    parts = ['[enums]\nKind = ["a", "str", "None", "class"]\n', model("Same", 'Same = "text"')]
    for start in range(0, len(NAMES), 40):
        some = [each for each in NAMES[start : start + 40] if each != "pk"]
        lines = [f'{each} = "{TYPES[n % len(TYPES)]}"' for n, each in enumerate([*some, "Kind"])]
        parts.append(model(f"Wide{start}", "\n".join(dict.fromkeys(lines))))
    classes = [each for each in NAMES if each[0].isupper() and each not in RESERVED]
    parts += [model(each, 'name = "text?"\nkind = "Kind"') for each in [*classes, *PAIRS]]
    return "\n".join(parts)


@pytest.mark.one_interpreter
@pytest.mark.filterwarnings("ignore")
def test_every_name_can_be_a_model_and_an_attribute(tmp_path: Path, schema: str) -> None:
    (tmp_path / "names.toml").write_text(schema, encoding="utf-8")
    package = import_models(tmp_path, tmp_path / "names.toml")
    for name in ("Order", "Table", "Record", "Source", "Query", "Schema", "Range", "Any", *PAIRS):
        assert getattr(package, name)(name="x", kind=package.Kind.a).name == "x"
    directory = Path(package.__file__).parent
    for checker in ("ty", "pyrefly", "zuban"):
        assert reported(checker, sorted(directory.glob("*.py")), tmp_path) == set()
