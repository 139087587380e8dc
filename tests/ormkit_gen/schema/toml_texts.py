"""Random TOML documents, spelled in all the ways that TOML has."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any

from hypothesis import strategies as st

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
KEYS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True), TEXTS, st.sampled_from(["a.b", "ä", "'"])
)
SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False),
    TEXTS,
    st.dates(dt.date(1, 1, 1)),
    st.times(),
    st.datetimes(),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)


class Writer:
    """Writes a table as TOML; every choice of spelling is drawn."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw

    def document(self, table: dict[str, Any]) -> str:
        """Return the text, with either kind of line ends."""
        text = self.table((), table)
        return text.replace("\n", "\r\n") if self.coin() else text

    def table(self, path: tuple[str, ...], table: dict[str, Any]) -> str:
        """Return the lines of a table: its own keys first, then the tables below it."""
        own, below = "", ""
        for key, value in table.items():
            inner = (*path, key)
            if isinstance(value, dict) and self.coin():
                below += f"{self.blank()}[{self.dotted(inner)}]{self.end()}"
                below += self.table(inner, value)
            elif is_tables(value) and self.coin():
                for each in value:
                    below += f"{self.blank()}[[{self.dotted(inner)}]]{self.end()}"
                    below += self.table(inner, each)
            else:
                own += self.pairs((key,), value)
        return own + below

    def pairs(self, path: tuple[str, ...], value: Any) -> str:
        """Return one line, or one for each key of a table that is written with dotted keys."""
        if isinstance(value, dict) and value and self.coin():
            return "".join(self.pairs((*path, key), each) for key, each in value.items())
        left = f"{self.blank()}{self.dotted(path)}"
        return f"{left}{self.blank()}={self.blank()}{self.value(value)}{self.end()}"

    def value(self, value: Any) -> str:
        if isinstance(value, dict):
            pairs = [f" {self.key(key)} = {self.value(each)} " for key, each in value.items()]
            return "{" + ",".join(pairs) + "}"
        if isinstance(value, list):
            comma = self.pick([",", " , ", ",\n  ", ", # ]\n"])
            last = comma if value and self.coin() else ""
            return f"[{self.blank()}{comma.join(map(self.value, value))}{last}]"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str):
            return self.string(value)
        if isinstance(value, (dt.date, dt.time)):
            return value.isoformat()
        return repr(value)

    def string(self, text: str) -> str:
        """Return a text in one of the four forms, of those that can hold it."""
        forms = [f'"{escaped(text)}"', f'"""\n{escaped(text)}"""', f'"""{escaped(text)}"""']
        if "'" not in text and text.isprintable():
            forms += [f"'{text}'", f"'''\n{text}'''"]
        if text.endswith('"'):  # Up to two quotes may stand before the closing three.
            forms.append(f'"""{escaped(text[:-1])}""""')
        return self.pick(forms)

    def key(self, key: str) -> str:
        forms = [f'"{escaped(key)}"']
        if re.fullmatch(r"[A-Za-z0-9_-]+", key):
            forms.append(key)
        if "'" not in key and key.isprintable():
            forms.append(f"'{key}'")
        return self.pick(forms)

    def dotted(self, path: tuple[str, ...]) -> str:
        return f"{self.blank()}.{self.blank()}".join(map(self.key, path))

    def blank(self) -> str:
        return self.pick(["", " ", "\t "])

    def end(self) -> str:
        return self.pick(["\n", " # a = 1\n", "\n\n", "\n# [b]\n"])

    def coin(self) -> bool:
        return self.draw(st.booleans())

    def pick(self, choices: list[str]) -> str:
        return self.draw(st.sampled_from(choices))


class PlainWriter(Writer):
    """Writes a table in one way."""

    def __init__(self) -> None:
        pass

    def coin(self) -> bool:
        return False

    def pick(self, choices: list[str]) -> str:
        return choices[0]


def is_tables(value: Any) -> bool:
    """Return whether the value can be written as an array of tables."""
    return isinstance(value, list) and bool(value) and all(isinstance(x, dict) for x in value)


def escaped(text: str) -> str:
    """Return what stands between double quotes."""
    return "".join(
        f"\\{each}" if each in '"\\' else each if each.isprintable() else f"\\U{ord(each):08x}"
        for each in text
    )


@st.composite
def toml_documents(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """Draw a text and what it says."""
    table = draw(TABLES)
    return Writer(draw).document(table), table
