"""The names that a Python file binds, and the imports that it needs for others."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Collection, Iterator
from typing import Any

from ormkit_gen import declarative

DECLARATIVE = "ormkit_gen.declarative"


class PythonNames:
    """Says how a file calls what is imported, and notes what it does not import yet."""

    def __init__(self, tree: ast.Module) -> None:
        self._bound: dict[str, str] = {}
        for local, full in bindings(tree):
            self._bound.setdefault(full, local)
        own = (each.name for each in tree.body if isinstance(each, (ast.ClassDef, ast.FunctionDef)))
        self._taken = {*own, *self._bound.values()}
        #: The enums of the file, which annotations name.
        self.classes: set[str] = set()
        #: What is to be imported: its module, its name, and the name that it gets.
        self.needed: list[tuple[str, str, str]] = []

    def use(self, full: str) -> str:
        """Return how the file calls an object with this full name."""
        if full in self._bound:
            return self._bound[full]
        module, _, name = full.rpartition(".")
        if not module:
            return name
        if module in self._bound:
            return f"{self._bound[module]}.{name}"
        local = name
        while local in self._taken:
            local += "_"
        self._taken.add(local)
        self._bound[full] = local
        self.needed.append((module, name, local))
        return local

    def own(self, name: str) -> str:
        """Return how the file calls a name of `ormkit_gen.declarative`."""
        return self.use(f"{DECLARATIVE}.{name}")

    def plain(self, node: ast.expr) -> ast.expr:
        """Return an annotation with the names that its types have where they are defined."""
        for each in ast.walk(node):
            if isinstance(each, ast.Name):
                each.id = self._full(each).rpartition(".")[2]
        return node

    def own_name(self, node: ast.expr) -> str | None:
        """Return the name of `ormkit_gen.declarative` that an expression is, if it is one."""
        module, _, name = self._full(node).rpartition(".")
        return name if module == DECLARATIVE else None

    def _full(self, node: ast.expr) -> str:
        words = ast.unparse(node)
        for full, local in self._bound.items():
            if words == local:
                return full
            if words.startswith(f"{local}."):
                return f"{full}{words.removeprefix(local)}"
        return words


def bindings(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield the names that imports at the head of a file bind, with their full names."""
    for node in head_imports(tree.body):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield each.asname or each.name, each.name
        elif not node.level:
            for each in node.names:
                if each.name == "*" and node.module == DECLARATIVE:
                    yield from ((name, f"{DECLARATIVE}.{name}") for name in declarative.__all__)
                yield each.asname or each.name, f"{node.module}.{each.name}"


def head_imports(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Yield the import statements outside of functions and classes."""
    for each in body:
        if isinstance(each, (ast.Import, ast.ImportFrom)):
            yield each
        elif isinstance(each, ast.If):
            yield from head_imports([*each.body, *each.orelse])
        elif isinstance(each, ast.Try):
            yield from head_imports(each.body)


def with_imports(text: str, needed: Collection[tuple[str, str, str]], width: int) -> str:
    """Return a file's text with imports of what it uses. They join statements that are there."""
    for module, name, local in needed:
        if is_used(text, local):
            text = _with_import(text, module, name, local, width)
    return text


def without_unused(before: str, after: str) -> str:
    """Return a text without the imports that were used before, and are not any more."""
    gone = {
        local
        for node in head_imports(ast.parse(after).body)
        for local in (each.asname or each.name.partition(".")[0] for each in node.names)
        if local != "*" and not is_used(after, local) and is_used(before, local)
    }
    for local in sorted(gone):
        after = _without_import(after, local)
    return after


def is_used(text: str, name: str) -> bool:
    """Return whether a name occurs in a file outside of its imports, even in a text or comment."""
    lines = text.split("\n")
    for node in head_imports(ast.parse(text).body):
        for number in range(node.lineno - 1, node.end_lineno or node.lineno):
            lines[number] = ""
    return re.search(rf"(?<![\w.]){re.escape(name)}(?!\w)", "\n".join(lines)) is not None


def _with_import(text: str, module: str, name: str, local: str, width: int) -> str:
    words = name if local == name else f"{name} as {local}"
    tree = ast.parse(text)
    for node in tree.body:
        is_it = isinstance(node, ast.ImportFrom) and (node.module, node.level) == (module, 0)
        if isinstance(node, ast.ImportFrom) and is_it and node.names[0].name != "*":
            return _with_alias(text, node, words, width)
    return _with_statement(text, tree, module, f"from {module} import {words}")


def _with_alias(text: str, node: ast.ImportFrom, words: str, width: int) -> str:
    """Return a text with another name in an import statement, at its place if they are sorted."""
    names = [each.name for each in node.names]
    place = len(names)
    orders: tuple[Callable[[str], Any], ...] = (_by_kind, str, str.lower)
    for key in orders:
        if names == sorted(names, key=key):
            place = sorted([*names, words], key=key).index(words)
            break
    lines = text.split("\n")
    at = node.names[place] if place < len(names) else None
    last = node.names[-1]
    row = (at.lineno if at else last.end_lineno or last.lineno) - 1
    line = lines[row]
    if at is not None:
        is_alone = not line.encode()[: at.col_offset].strip()
        between = f",\n{_indent(line)}" if is_alone else ", "
        lines[row] = _spliced(line, at.col_offset, at.col_offset, f"{words}{between}")
    else:
        end = last.end_col_offset or 0
        is_alone = not line.encode()[: last.col_offset].strip()
        rest = line.encode()[end:].decode()
        if is_alone and rest.lstrip().startswith(","):
            lines[row] = f"{line}\n{_indent(line)}{words},"
        else:
            lines[row] = _spliced(line, end, end, f", {words}")
    if node.lineno == node.end_lineno and len(lines[node.lineno - 1]) > width:
        lines[node.lineno - 1] = _wrapped(lines[node.lineno - 1])
    return "\n".join(lines)


def _wrapped(line: str) -> str:
    """Return an import on one line in parentheses, with a name on each line."""
    head, word, rest = line.partition(" import ")
    if "(" in rest or "#" in rest or ";" in rest or "\\" in rest:
        return line
    names = "".join(f"    {each.strip()},\n" for each in rest.split(","))
    return f"{head}{word}(\n{names})"


def _with_statement(text: str, tree: ast.Module, module: str, statement: str) -> str:
    imports = [each for each in tree.body if isinstance(each, (ast.Import, ast.ImportFrom))]
    others = [each for each in imports if _module(each) != "__future__"]
    is_standard = _is_standard(module)
    group = [each for each in others if _is_standard(_module(each)) == is_standard]
    lines = text.split("\n")
    if group:
        later = [each for each in group if isinstance(each, ast.ImportFrom)]
        after = next((each for each in later if _module(each) > module), None)
        row = after.lineno - 1 if after is not None else group[-1].end_lineno or group[-1].lineno
        new = [statement]
    elif others:
        is_first = is_standard
        row = others[0].lineno - 1 if is_first else others[-1].end_lineno or others[-1].lineno
        new = [statement, ""] if is_first else ["", statement]
    else:
        head: list[ast.stmt] = [*imports[-1:]]
        head = head or [each for each in tree.body[:1] if _is_docstring(each)]
        row = (head[0].end_lineno or head[0].lineno) if head else 0
        new = ["", statement] if head else [statement, "", ""]
    lines[row:row] = new
    return "\n".join(lines)


def _without_import(text: str, local: str) -> str:
    tree = ast.parse(text)
    for node in head_imports(tree.body):
        for place, each in enumerate(node.names):
            if (each.asname or each.name.partition(".")[0]) == local:
                return _without_alias(text, node, place)
    return text


def _without_alias(text: str, node: ast.Import | ast.ImportFrom, place: int) -> str:
    lines = text.split("\n")
    if len(node.names) == 1:
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        is_alone = not lines[first][: node.col_offset].strip() and ";" not in lines[last - 1]
        if not is_alone or node.col_offset:
            return text
        is_between = first and last < len(lines) and not lines[first - 1] and not lines[last]
        del lines[first : last + 1 if is_between else last]
        return "\n".join(lines)
    each = node.names[place]
    if not lines[each.lineno - 1].encode()[: each.col_offset].strip():
        row = each.lineno - 1
        if not lines[row].encode()[each.end_col_offset or 0 :].decode().strip(" ,"):
            del lines[row]
            return "\n".join(lines)
    if place + 1 < len(node.names):
        other = node.names[place + 1]
        start, end = (each.lineno, each.col_offset), (other.lineno, other.col_offset)
    else:
        other = node.names[place - 1]
        start = (other.end_lineno or other.lineno, other.end_col_offset or 0)
        end = (each.end_lineno or each.lineno, each.end_col_offset or 0)
    if start[0] != end[0]:
        return text
    row = start[0] - 1
    lines[row] = _spliced(lines[row], start[1], end[1], "")
    return "\n".join(lines)


def _spliced(line: str, start: int, end: int, new: str) -> str:
    """Return a line with other text in place of some. The parser counts bytes of UTF-8."""
    data = line.encode()
    return f"{data[:start].decode()}{new}{data[end:].decode()}"


def _by_kind(name: str) -> tuple[int, str]:
    """Order names as import sorters do: constants, then classes, then all others."""
    is_constant = name.isupper() and len(name) > 1
    return (0 if is_constant else 1 if name[:1].isupper() else 2), name


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _module(node: ast.Import | ast.ImportFrom) -> str:
    return node.names[0].name if isinstance(node, ast.Import) else node.module or ""


def _is_standard(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
