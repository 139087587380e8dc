"""Edits of schema files in Python: what stays as people have written it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from ormkit_gen.project.targets import Target
from ormkit_gen.pull.project_files import ProjectFiles
from ormkit_gen.pull.python.editor import Edited, PythonEditor
from ormkit_gen.pull.python.style import Style

pytestmark = pytest.mark.one_interpreter

Change = Callable[[PythonEditor], None]
USER = ("models", "User")
FILE = '''"""What users have written."""

from ormkit_gen.declarative import Base, ForeignKey as FK, Mapped, mapped_column as col
from enum import Enum
from decimal import Decimal as D

class Mood(str, Enum):
    SAD = "sad"  # very
    # the good one
    OK = "ok"

def made(): return col("text")
COMMON = dict(comment="x")

class HasId:
    id: Mapped[int] = col(primary_key=True)

class User(HasId, Base):
    """A user."""
    __tablename__ = "users"

    # the name
    name: Mapped[str] = col(max_length=30)  # said
    """Doc of name."""
    age: Mapped["int | None"] = col("integer", comment="a"); price: Mapped[D] = col()
    ext: Mapped[str] = col(**COMMON, unique=True)
    mood: Mapped[Mood | None] = col(
        default=Mood.OK,
        comment="m",  # c
    )
    made: Mapped[str] = made()

class Post(HasId, Base):
    __tablename__ = "posts"
    user_id: Mapped[int] = col(FK("users.id", ondelete="cascade"), index=True)
'''


def put(*path: str, value: object) -> Change:
    return lambda editor: editor.set(path, value)


def edited(root: Path, text: str, *changes: Change) -> Edited:
    """Return what changes make of a text; it stays as it is on disk."""
    file = root / "app.py"
    file.write_text(text)
    files = ProjectFiles(root, Target("db", root / "db", (file,)))
    read = partial(files.read_as, "app.py")
    editor = PythonEditor(files.read("app.py"), "app.py", read, Style(root))
    for change in changes:
        change(editor)
    assert file.read_text() == text
    return editor.edited()


def column(name: str, value: object, model: str = "User") -> Change:
    return put("models", model, "columns", name, value=value)


MOODS = {"values": ["ok", "mid", "sad"], "members": ["OK", "MID", "SAD"]}
IN_PLACE: dict[str, tuple[list[Change], list[tuple[str, str]]]] = {
    "length": (
        [column("name", {"type": "varchar(40)?", "comment": "é"})],
        [
            (
                "Mapped[str] = col(max_length=30)  # said",
                'Mapped[str | None] = col(max_length=40, comment="é")  # said',
            )
        ],
    ),
    "statements of one line": (
        [column("age", "integer"), column("price", "numeric(3,1)")],
        [
            ('"int | None"] = col("integer", comment="a")', '"int"] = col("integer")'),
            ("col()\n", 'col("numeric(3,1)")\n'),
        ],
    ),
    "unpacked settings that stay": (
        [column("ext", {"type": "text", "comment": "x"})],
        [("COMMON, unique=True)", "COMMON)")],
    ),
    "lines of arguments": (
        [column("mood", {"type": "Mood", "comment": "n", "index": True})],
        [
            ("mood: Mapped[Mood | None]", "mood: Mapped[Mood]"),
            ("        default=Mood.OK,\n", ""),
            ('comment="m",  # c\n', 'comment="n",  # c\n        index=True,\n'),
        ],
    ),
    "names of the file": (
        [
            column(
                "user_id",
                {"type": "bigint", "foreign_key": "users.id", "on_delete": "set null"},
                "Post",
            ),
            column("by", {"type": "bigint", "foreign_key": "users.id"}, "Post"),
        ],
        [
            (
                'ondelete="cascade"), index=True)\n',
                'ondelete="set null"))\n    by: Mapped[int] = col(FK("users.id"))\n',
            )
        ],
    ),
    "an import in its place": (
        [column("token", "uuid?")],
        [
            ("import Decimal as D\n", "import Decimal as D\nfrom uuid import UUID\n"),
            ("made()\n\nclass", "made()\n    token: Mapped[UUID | None]\n\nclass"),
        ],
    ),
    "an import that is unused now": (
        [lambda editor: editor.delete((*USER, "columns", "price"))],
        [
            ("from decimal import Decimal as D\n", ""),
            ("; price: Mapped[D] = col()", "; "),
        ],
    ),
    "another order of labels": (
        [put("enums", "Mood", value=MOODS)],
        [
            (
                '    SAD = "sad"  # very\n    # the good one\n    OK = "ok"\n',
                '    # the good one\n    OK = "ok"\n    MID = "mid"\n    SAD = "sad"  # very\n',
            )
        ],
    ),
    "what all models inherit": (
        [column("id", {"type": "integer", "primary_key": True}, each) for each in ("User", "Post")],
        [("id: Mapped[int] = col(primary", 'id: Mapped[int] = col("integer", primary')],
    ),
    "what one model inherits": (
        [column("id", {"type": "integer", "primary_key": True})],
        [("made()\n\n", 'made()\n    id: Mapped[int] = col("integer", primary_key=True)\n\n')],
    ),
    "a docstring of a column": (
        [lambda editor: editor.delete((*USER, "columns", "name"))],
        [('    name: Mapped[str] = col(max_length=30)  # said\n    """Doc of name."""\n', "")],
    ),
}


@pytest.mark.parametrize("case", IN_PLACE)
@pytest.mark.parametrize("indent", ["    ", "\t"])
def test_only_what_differs_changes(tmp_path: Path, case: str, indent: str) -> None:
    changes, replaced = IN_PLACE[case]
    wanted = FILE
    for old, new in replaced:
        assert wanted.count(old) == 1
        wanted = wanted.replace(old, new)
    found = edited(tmp_path, FILE.replace("    ", indent), *changes)
    assert found.refused == ()
    assert found.text == wanted.replace("    ", indent)


REFUSED: dict[str, tuple[str, list[Change], str]] = {
    "a function": (
        FILE,
        [column("made", "text?")],
        "app.py:31: User.made: made() makes the column",
    ),
    "unpacked settings": (
        FILE,
        [column("ext", {"type": "text", "comment": "y", "unique": True})],
        "app.py:26: User.ext: mapped_column() unpacks arguments, and one of them is comment",
    ),
    "an heir": (
        FILE,
        [lambda editor: editor.delete((*USER, "columns", "id"))],
        "app.py:16: id: models inherit it, and not all of them lose it",
    ),
    "an encoding": (
        f"# coding: latin-1\n{FILE}",
        [column("name", "text")],
        "app.py:1: the file declares the encoding latin-1, and schema files are UTF-8",
    ),
    "arguments": (
        FILE.replace('"posts"\n', '"posts"\n    __table_args__ = tuple([{"comment": "c"}])\n'),
        [put("models", "Post", "comment", value="d")],
        "app.py:35: Post.__table_args__: the settings of the table are made elsewhere",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_code_makes_is_refused_with_its_reason(tmp_path: Path, case: str) -> None:
    text, changes, reason = REFUSED[case]
    found = edited(tmp_path, text, *changes)
    assert found.text == text
    assert found.proposed != text
    assert [str(each)[: len(reason)] for each in found.refused] == [reason]


def test_a_formatted_file_stays_formatted(tmp_path: Path) -> None:
    style = Style(tmp_path)
    text = style.formatted(FILE)
    arguments: list[Change] = [
        lambda editor: editor.append_item((*USER, "indexes"), {"columns": ["name"], "name": "i"}),
        put(*USER, "comment", value="All users, those who have left the house included."),
        column("parent", {"type": "bigint?", "foreign_key": "users.id", "on_delete": "set null"}),
    ]
    found = edited(tmp_path, text, *arguments).text
    assert found != text
    assert style.is_followed_by(found)


@pytest.mark.parametrize("before", ["a\r\nb\r\nc\r\n", "\ufeffa\r\nb\r\nc", "a\nb\r\nc\n"])
def test_line_endings_and_marks_stay(tmp_path: Path, before: str) -> None:
    file = tmp_path / "app.toml"
    file.write_bytes(before.encode())
    files = ProjectFiles(tmp_path, Target("db", tmp_path / "db", (file,)))
    text = files.read("app.toml")
    assert text == "a\nb\nc\n"[: len(text)]
    written = files.as_written({"app.toml": text.replace("c", "x\nc")})["app.toml"]
    ending = "\r\n" if before.count("\r") > 1 else "\n"
    assert written == before.replace("c", f"x{ending}c")
