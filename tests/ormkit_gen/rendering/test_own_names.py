"""Models, attributes and enums may have the names that generated code uses itself."""

from __future__ import annotations

import builtins
import importlib
import keyword
import subprocess
import sys
import typing
from pathlib import Path

import pytest

import ormkit
from ormkit.models.package import _known as known_packages
from ormkit_gen.rendering.dto import LIBRARIES, Library
from ormkit_gen.rendering.render import render
from ormkit_gen.schema import load
from tests.generated import ROOT, import_models
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
#: The public methods of models.
MODEL_NAMES = {name for name in dir(ormkit.SoftDeleteModel) if not name.startswith("_")}
PAIRS = (
    *("Customer", "CustomerOrder", "User", "UserQuery", "UserFilter", "UserValues", "UserPath"),
    *("PartialUser", "Enums"),
)


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


EVERYWHERE = sorted(
    {*NAMES, *keyword.kwlist, *keyword.softkwlist, *MODEL_NAMES} - {"pk", "mro", "_"}
)
DUNDERS = sorted(name for name in {*dir(object), *dir(type)} if name.startswith("_"))
#: Models whose modules have the names of other modules.
MODULES = (
    *("Typing", "Ormkit", "Dto", "Datetime", "Builtins", "Collections", "Decimal", "Main", "Init"),
    *("Enum", "Enums", "Schema", "Uuid", "Class", "Import", "Async", "Sys", "Self", "Conftest"),
)


def labels(name: str, values: list[str]) -> str:
    return f"{name} = [{', '.join(map(repr, values))}]\n"


def each(settings: str, names: list[str] = EVERYWHERE) -> str:
    return "".join(f"{name} = {{ {settings} }}\n" for name in names)


@pytest.mark.one_interpreter
@pytest.mark.filterwarnings("ignore")
def test_every_name_can_be_a_relationship_a_label_and_a_module(tmp_path: Path) -> None:
    key = "target_pk = { type = 'bigint?', foreign_key = 'target.pk' }\n"
    to_many = each("target = 'Holder', many = true")
    to_one = each("target = 'Target', many = false")
    computed = each("type = 'boolean', expression = 'true'")
    columns = [f"c{n} = {{ type = 'text?', column = '{name}' }}" for n, name in enumerate(DUNDERS)]
    made = "word = 'Words?'\nID = { type = 'uuid', default_factory = 'uuid:uuid4' }"
    parts = ["[enums]\n", labels("Words", EVERYWHERE), labels("Dunders", DUNDERS)]
    parts += [
        model("Target", f"[models.Target.relationships]\n{to_many}"),
        model("Holder", f"{key}[models.Holder.relationships]\n{to_one}"),
        model("Counted", f"[models.Counted.computed]\n{computed}"),
        model("Dunder", "\n".join(columns)),
        *[model(name, made) for name in MODULES],
    ]
    (tmp_path / "names.toml").write_text("\n".join(parts), encoding="utf-8")
    package = import_models(tmp_path, tmp_path / "names.toml")
    assert [word.value for word in package.Words] == EVERYWHERE
    assert [word.value for word in package.Dunders] == DUNDERS
    holder = package.Holder(class_=package.Target(pk=3))
    assert (holder.class_.pk, holder.target_pk) == (3, 3)
    assert all(getattr(package, name)(word=package.Words.TYPE_CHECKING_).ID for name in MODULES)
    directory = Path(package.__file__).parent
    for checker in ("ty", "zuban"):
        assert reported(checker, sorted(directory.glob("*.py")), tmp_path) == set()


@pytest.mark.one_interpreter
@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.filterwarnings("ignore")
def test_every_name_can_be_a_field_of_the_classes_for_input(
    tmp_path: Path, library: Library
) -> None:
    lines = [f"{name} = '{TYPES[n % len(TYPES)]}'" for n, name in enumerate([*EVERYWHERE, "Kind"])]
    text = "[enums]\nKind = ['a', 'b']\n" + model("Wide", "\n".join(dict.fromkeys(lines)))
    (tmp_path / "names.toml").write_text(text, encoding="utf-8")
    files = render(load([tmp_path / "names.toml"], tmp_path).schema, library)
    (tmp_path / "words").mkdir()
    for name in ("dto.py", "enums.py"):
        (tmp_path / "words" / name).write_text(files[name], encoding="utf-8")
    source = "import words.dto as dto; print(len(dto.WideRead.__annotations__))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", source],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(ROOT / "runtime")},
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= len(EVERYWHERE)


@pytest.mark.one_interpreter
def test_a_package_can_have_the_name_of_another_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "[enums]\nKind = ['a']\n" + model("Item", "kind = 'Kind?'\nprice = 'numeric?'")
    (tmp_path / "names.toml").write_text(text, encoding="utf-8")
    files = render(load([tmp_path / "names.toml"], tmp_path).schema)
    monkeypatch.syspath_prepend(str(tmp_path))
    for name in ("typing", "ormkit", "enum", "enums", "builtins", "datetime", "decimal", "models"):
        (tmp_path / "holder" / name).mkdir(parents=True)
        for file, content in files.items():
            (tmp_path / "holder" / name / file).write_text(content, encoding="utf-8")
        package = importlib.import_module(f"holder.{name}")
        known_packages.pop(package.__name__)
        assert package.Item(kind=package.Kind.a).kind.value == "a"
