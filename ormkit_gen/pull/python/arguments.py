"""Edits of `__table_args__`: constraints, indexes, and the settings of a table."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from ormkit_gen.pull.python.names import PythonNames
from ormkit_gen.pull.python.source import Argument, CallEdit, NotInPlace, Source, Splice, item_edit
from ormkit_gen.pull.python.text import CALLS, POSITIONAL, call_text, source
from ormkit_gen.schema.document import is_list, is_table

_SECTIONS = {function: section for section, function in CALLS.items()}


def argument_splices(
    text: Source,
    statement: ast.stmt,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    names: PythonNames,
) -> list[Splice]:
    """Return what makes `__table_args__` say other constraints and settings."""
    assert isinstance(statement, (ast.Assign, ast.AnnAssign))
    return _Arguments(text, statement, before, after, names).splices()


class _Arguments:
    def __init__(
        self,
        text: Source,
        statement: ast.Assign | ast.AnnAssign,
        before: Mapping[str, Any],
        after: Mapping[str, Any],
        names: PythonNames,
    ) -> None:
        value = statement.value
        if not isinstance(value, (ast.Tuple, ast.List, ast.Dict, ast.Call)):
            words = "nothing" if value is None else ast.unparse(value)
            raise NotInPlace(f"{words[:60]} makes the arguments")
        self._text = text
        self._statement = statement
        self._value = value
        self._before = before
        self._after = after
        self._names = names
        self._elements = value.elts if isinstance(value, (ast.Tuple, ast.List)) else [value]
        self._splices: list[Splice] = []
        self._gone: list[ast.expr] = []
        self._new: list[str] = []

    def splices(self) -> list[Splice]:
        """Return the changes of the text."""
        self._edit_items()
        self._edit_settings()
        if len(self._gone) == len(self._elements) and not self._new:
            return [self._text.without(self._statement)]
        return [*self._splices, *self._rearranged()]

    def _edit_items(self) -> None:
        counts: dict[str, int] = {}
        nodes: dict[tuple[str, int], ast.Call] = {}
        is_known = True
        for each in self._elements:
            function = self._names.own_name(each.func) if isinstance(each, ast.Call) else None
            section = _SECTIONS.get(function or "")
            if section is None or not isinstance(each, ast.Call):
                is_known = is_known and isinstance(each, ast.Dict)
                continue
            nodes[section, counts.get(section, 0)] = each
            counts[section] = counts.get(section, 0) + 1
        for section in CALLS:
            old, new = _items(self._before.get(section)), _items(self._after.get(section))
            if old == new:
                continue
            kept = {_number(each, place): each for place, each in enumerate(new)}
            for place, entry in enumerate(old):
                wanted = kept.get(place)
                if wanted == entry:
                    continue
                node = nodes.get((section, place))
                if node is None or not is_known or counts[section] != len(old):
                    raise NotInPlace("not all items of __table_args__ are calls that stand there")
                if wanted is None:
                    self._gone.append(node)
                else:
                    edit = CallEdit(self._text, node, POSITIONAL[CALLS[section]])
                    edit.apply(entry, wanted)
                    self._splices += edit.splices()
            self._new += [
                call_text(section, each, self._names)
                for place, each in enumerate(new)
                if _number(each, place) not in range(len(old))
            ]

    def _edit_settings(self) -> None:
        old = {key: each for key, each in self._before.items() if key not in CALLS}
        new = {key: each for key, each in self._after.items() if key not in CALLS}
        if old == new:
            return
        dicts = [each for each in self._elements if isinstance(each, ast.Dict)]
        if not dicts and not old:
            self._new.append(source(new))
            return
        if len(dicts) != 1:
            raise NotInPlace("the settings of the table are made elsewhere")
        if not new and set(old) == set(_keys(dicts[0])):
            self._gone.append(dicts[0])
        else:
            self._splices += dict_splices(self._text, dicts[0], old, new)

    def _rearranged(self) -> list[Splice]:
        """Return the removals and additions of whole items."""
        if not self._gone and not self._new:
            return []
        text, value = self._text, self._value
        if not isinstance(value, (ast.Tuple, ast.List)):
            return self._wrapped()
        last = self._elements[-1] if self._elements else None
        is_before = isinstance(last, ast.Dict) and last not in self._gone
        arguments = [Argument(text.start(e), text.end(e), "", e) for e in self._elements]
        for each in arguments:
            each.is_gone = each.value in self._gone
        kept = [each for each in arguments if not each.is_gone]
        new = self._new
        if is_before and new and not any(each.startswith("{") for each in new):
            # The settings stay behind the constraints.
            settings = arguments.pop()
            if len(arguments) == len(self._gone):
                return self._instead(settings)
            found = item_edit(text, text.end(value) - 1, arguments, [], new).splices()
        else:
            found = item_edit(text, text.end(value) - 1, arguments, [], new).splices()
        is_single = len(kept) + len(new) == 1 and isinstance(value, ast.Tuple)
        if is_single and not text.text[arguments[-1].end :].lstrip().startswith(","):
            end = kept[0].end if kept else arguments[-1].end
            found.append(Splice(end, end, ","))
        return found

    def _instead(self, settings: Argument) -> list[Splice]:
        """Return new items in place of all others before the settings."""
        text = self._text
        start = text.start(self._elements[0])
        words = "".join(f"{each}, " for each in self._new)
        return [Splice(start, settings.start, words)]

    def _wrapped(self) -> list[Splice]:
        """Return what makes a tuple of a single item."""
        start, end = self._text.start(self._value), self._text.end(self._value)
        if self._gone:
            return [Splice(start, end, f"({', '.join(self._new)},)")]
        if isinstance(self._value, ast.Dict):
            words = "".join(f"{each}, " for each in self._new)
            return [Splice(start, start, f"({words}"), Splice(end, end, ")")]
        words = "".join(f", {each}" for each in self._new)
        return [Splice(start, start, "("), Splice(end, end, f"{words})")]


def _items(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if is_list(value) else [value]


def _number(entry: Any, place: int) -> int | None:
    """Return the number that an item had in the file; none for a new one."""
    return getattr(entry, "number", place)


def _keys(node: ast.Dict) -> list[str]:
    return [str(each.value) for each in node.keys if isinstance(each, ast.Constant)]


def dict_splices(
    text: Source, node: ast.Dict, before: Mapping[str, Any], after: Mapping[str, Any]
) -> list[Splice]:
    """Return what makes a dict that is written out say something else."""
    found: list[Splice] = []
    arguments: list[Argument] = []
    for key, value in zip(node.keys, node.values, strict=True):
        name = str(key.value) if isinstance(key, ast.Constant) else None
        start = text.start(key) if key is not None else text.start(value) - 2
        arguments.append(Argument(start, text.end(value), name, value))
    by_name = {each.name: each for each in arguments}
    added: list[str] = []
    for name in (*before, *(each for each in after if each not in before)):
        if name in before and name in after and before[name] == after[name]:
            continue
        argument = by_name.get(name)
        if argument is None and name in before:
            raise NotInPlace(f"the dict does not show {name}")
        if argument is None or argument.value is None:
            added.append(f"{source(name)}: {source(after[name])}")
        elif name not in after:
            argument.is_gone = True
        elif (
            isinstance(argument.value, ast.Dict)
            and is_table(before[name])
            and is_table(after[name])
        ):
            found += dict_splices(text, argument.value, before[name], after[name])
        else:
            found.append(Splice(text.start(argument.value), argument.end, source(after[name])))
    return [*found, *item_edit(text, text.end(node) - 1, arguments, [], added).splices()]
