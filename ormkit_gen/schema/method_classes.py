"""Checks of the classes that `methods` names, in the application's source.

The source is parsed and never executed: it imports the package that is still to be generated.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from importlib.machinery import ModuleSpec
from pathlib import Path

from ormkit_gen.diagnostics.diagnostic import Problems, did_you_mean
from ormkit_gen.ir import Position
from ormkit_gen.schema.draft import ModelDraft, SchemaDraft
from ormkit_gen.schema.naming import base_name

#: Methods that run when an object is written; they are called with the object alone.
HOOKS = frozenset(
    f"{when}_{what}" for when in ("before", "after") for what in ("insert", "update", "delete")
)
#: Hooks by the names that other ORMs give them.
FOREIGN_HOOKS = {
    "before_save": "before_insert and before_update",
    "after_save": "after_insert and after_update",
    "pre_save": "before_insert and before_update",
    "post_save": "after_insert and after_update",
    "before_create": "before_insert",
    "after_create": "after_insert",
    "before_destroy": "before_delete",
    "after_destroy": "after_delete",
    "pre_delete": "before_delete",
    "post_delete": "after_delete",
    "before_remove": "before_delete",
    "after_remove": "after_delete",
    "full_clean": "validate",
    "clean": "validate",
}
#: What generated classes define for the runtime.
RESERVED = frozenset(
    {"__decode__", "__given__", "__methods__", "__query__", "__relate__", "__table__", "__typed__"}
)
#: Statements whose bodies belong to the module or class around them.
BLOCKS = (ast.If, ast.Try, ast.With)

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Source:
    """The source of a module of the application."""

    file: str
    lines: Sequence[str]
    tree: ast.Module

    def at(self, node: ast.stmt | ast.expr, name: str = "") -> Position:
        """Return the place of a node, or of a name in its first line."""
        line = self.lines[node.lineno - 1] if node.lineno <= len(self.lines) else ""
        offset = len(line.encode()[: node.col_offset].decode(errors="ignore"))
        found = line.find(name, offset) if name else -1
        column = found if found >= 0 else offset
        return Position(self.file, node.lineno, column + 1, max(1, len(name)))


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the modules of the application are found."""

    root: Path
    path: tuple[str, ...]
    #: The files that were found so far.
    found: set[Path] = field(default_factory=set[Path], compare=False)

    @classmethod
    def of(cls, root: Path, directories: Sequence[Path]) -> Sources:
        """Return the sources for a project: its directories first, then the interpreter's path."""
        own = [root, root / "src", *directories]
        return cls(root, tuple(dict.fromkeys([*map(str, own), *sys.path])))

    def find(self, module: str) -> Path | None:
        """Return the file of a module, without importing its packages; None if there is none."""
        path: Sequence[str] = self.path
        spec: ModuleSpec | None = None
        name = ""
        for part in module.split("."):
            name = f"{name}.{part}" if name else part
            spec = find_spec(name, path)
            if spec is None:
                return None
            path = list(spec.submodule_search_locations or ())
        if spec is None or not spec.origin:
            return None
        file = Path(spec.origin)
        self.found.add(file)
        return file

    def named(self, file: Path) -> str:
        """Return the name of a file in messages."""
        try:
            return file.resolve().relative_to(self.root.resolve()).as_posix()
        except ValueError:
            return str(file)


def find_spec(name: str, path: Sequence[str]) -> ModuleSpec | None:
    """Return the spec of a module in these directories; None if no finder knows it."""
    for finder in sys.meta_path:
        find = getattr(finder, "find_spec", None)
        if find is not None and (spec := find(name, path)) is not None:
            return spec  # type: ignore[no-any-return]
    return None


def check_methods(draft: SchemaDraft, sources: Sources) -> None:
    """Record classes that do not exist, or that cannot be a base of their model."""
    taken: dict[str, ModelDraft] = {}
    for model in draft.models.values():
        if model.methods is None:
            continue
        if other := taken.get(model.methods):
            draft.problems.error(
                "methods-twice",
                f"{other.name} and {model.name} both have the methods {model.methods}",
                "give each model a class of its own; what they share can be a class from which "
                "both derive, with __slots__ = ()",
                model.fields.value_at("methods"),
            )
            continue
        taken[model.methods] = model
        check_base_name(draft, model)
        source = read_source(model, sources, draft.problems)
        if source is not None and (node := find_class(source, model, draft.problems)):
            MethodClass(model, source, node, draft.problems).check()


def check_base_name(draft: SchemaDraft, model: ModelDraft) -> None:
    """Record another model or an enum with the name of the generated base."""
    name = base_name(model.name)
    if name in draft.models or name in draft.enums:
        draft.problems.error(
            "name-clash",
            f"{model.name} has methods, which derive from {name}, and there is another {name}",
            f"rename the other {name}",
            model.fields.value_at("methods"),
        )


def read_source(model: ModelDraft, sources: Sources, problems: Problems) -> Source | None:
    """Return the source of the module with a model's methods, or record that there is none."""
    module, _, name = (model.methods or "").partition(":")
    at = model.fields.value_at("methods")
    file = sources.find(module)
    if file is None:
        base = base_name(model.name)
        problems.error(
            "no-methods-module",
            f"there is no module {module} with the methods of {model.name}",
            f"create it, with `class {name}({base}):` and {base} imported from the generated "
            f"package, or correct the name",
            at,
        )
        return None
    if file.suffix != ".py":
        return None
    named = sources.named(file)
    try:
        text = file.read_text(encoding="utf-8")
        return Source(named, text.splitlines(), ast.parse(text))
    except (SyntaxError, ValueError, OSError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        problems.error(
            "broken-methods-module",
            f"{named}{f':{line}' if line else ''}, with the methods of {model.name}, cannot be "
            f"read: {getattr(error, 'msg', None) or type(error).__name__}",
            "correct the file",
            at,
        )
        return None


def find_class(source: Source, model: ModelDraft, problems: Problems) -> ast.ClassDef | None:
    """Return the class with a model's methods; None where it is missing or imported."""
    name = (model.methods or "").partition(":")[2]
    known: list[str] = []
    for node in statements(source.tree.body):
        if isinstance(node, ast.ClassDef):
            if node.name == name:
                return node
            known.append(node.name)
        elif name in bound_names(node) or "*" in bound_names(node):
            return None
    base = base_name(model.name)
    near = f" ({did_you_mean(name, known)})" if known else ""
    problems.error(
        "no-methods-class",
        f"{source.file} has no class {name} with the methods of {model.name}{near}",
        f"write `class {name}({base}):` there, with {base} from the generated package",
        model.fields.value_at("methods"),
    )
    return None


def statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield the statements of a body, including those in conditional blocks."""
    for node in body:
        yield node
        if isinstance(node, BLOCKS):
            for inner in ("body", "orelse", "finalbody", "handlers"):
                for each in getattr(node, inner, ()):
                    yield from statements(
                        each.body if isinstance(each, ast.ExceptHandler) else [each]
                    )


def bound_names(node: ast.stmt) -> list[str]:
    """Return the names that a statement binds."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return [each.asname or each.name for each in node.names]
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.Assign):
        return [
            name.id
            for target in node.targets
            for name in ast.walk(target)
            if isinstance(name, ast.Name)
        ]
    if isinstance(node, ast.AnnAssign) and node.value and isinstance(node.target, ast.Name):
        return [node.target.id]
    return []


class MethodClass:
    """A class with a model's methods, as written in the application."""

    def __init__(
        self, model: ModelDraft, source: Source, node: ast.ClassDef, problems: Problems
    ) -> None:
        self.model = model
        self.source = source
        self.node = node
        self.problems = problems
        names = {column.name: "column" for column in model.columns}
        self.taken: Mapping[str, str] = {
            **names,
            **{each.name: "relationship" for each in model.relationships},
            **dict.fromkeys(model.computed_drafts, "computed attribute"),
        }

    def check(self) -> None:
        """Record what keeps the class from being a base of the model."""
        base = base_name(self.model.name)
        if not self.node.bases:
            self._error(
                "methods-base",
                self.node,
                self.node.name,
                f"{self.node.name}, with the methods of {self.model.name}, does not derive from "
                f"{base}",
                f"write `class {self.node.name}({base}):`, with {base} from the generated package",
            )
        for node in statements(self.node.body):
            for name in bound_names(node):
                self._check_name(node, name)
            if isinstance(node, Function):
                self._check_function(node)

    def _check_name(self, node: ast.stmt, name: str) -> None:
        if name in self.taken:
            self._error(
                "methods-hide-column",
                node,
                name,
                f"{self.node.name}.{name} would hide the {self.taken[name]} {name} of "
                f"{self.model.name}",
                "rename it",
            )
        elif name in RESERVED:
            self._error(
                "methods-hide-column",
                node,
                name,
                f"{self.node.name} defines {name}, which is generated",
                "rename it",
            )
        elif name == "__slots__" and isinstance(node, ast.Assign) and not is_empty(node.value):
            self._error(
                "methods-slots",
                node,
                name,
                f"{self.node.name} has slots of its own, and objects of {self.model.name} hold "
                f"columns only",
                "write __slots__ = (), or leave it out",
            )

    def _check_function(self, node: Function) -> None:
        fields = list(validated(node))
        is_hook = node.name in HOOKS or node.name == "validate"
        if isinstance(node, ast.AsyncFunctionDef) and (is_hook or fields):
            self._error(
                "async-hook",
                node,
                node.name,
                f"{node.name}() of {self.model.name} is async, but hooks and validators are not",
                "write def, and run async work in tx.after_commit()",
            )
        if not is_hook and (meant := meant_hook(node.name)):
            self.problems.warning(
                "unknown-hook",
                f"{node.name}() of {self.model.name} is no hook: no write calls it",
                f"if it should be one, its name is {meant}",
                self.source.at(node, node.name),
            )
        columns = [column.name for column in self.model.columns]
        for constant in fields:
            if constant.value not in columns:
                at = self.source.at(constant)
                self.problems.error(
                    "unknown-column",
                    f"{self.model.name} has no column {constant.value!r} to validate",
                    did_you_mean(str(constant.value), columns),
                    Position(at.file, at.line, at.column, len(repr(constant.value))),
                )

    def _error(self, code: str, node: ast.stmt, name: str, message: str, remedy: str) -> None:
        self.problems.error(code, message, remedy, self.source.at(node, name))


def meant_hook(name: str) -> str | None:
    """Return the hook that a similar name may stand for; None if there is none."""
    if name in FOREIGN_HOOKS:
        return FOREIGN_HOOKS[name]
    if not name.startswith(("before_", "after_")):
        return None
    near = get_close_matches(name, sorted(HOOKS), n=1, cutoff=0.85)
    return near[0] if near else None


def validated(node: Function) -> Iterator[ast.Constant]:
    """Yield the names of columns in the decorators @validates("name")."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call):
            function = decorator.func
            called = function.attr if isinstance(function, ast.Attribute) else ""
            called = function.id if isinstance(function, ast.Name) else called
            if called == "validates":
                for each in decorator.args:
                    if isinstance(each, ast.Constant) and isinstance(each.value, str):
                        yield each


def is_empty(node: ast.expr) -> bool:
    """Return whether an expression is an empty tuple or list."""
    return isinstance(node, ast.Tuple | ast.List) and not node.elts
