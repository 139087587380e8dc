"""What the checkers say about the most common mistakes:
python -m tests.typing.messages [--write]

Each line of `mistakes_negative.py` is one. A message is to name the column and the two types.
`SAYS` has the words for each, and `UNSAID` says where a checker leaves one out. `--write` puts the
table and the texts into docs/typing.md.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from benchmarks.documents import replace
from tests.typing.checkers import CHECKERS, HERE, MARK, PLACES, ROOT, printed

FILE = HERE / "mistakes_negative.py"
DOCUMENT = ROOT / "docs/typing.md"
#: basedpyright says what pyright says.
QUOTED = [each for each in CHECKERS if each != "basedpyright"]
#: A place, and the kind of the message, at the beginning of a line.
START = re.compile(
    r"^(?:ERROR )?\s*\S*?\.py:(\d+)(?::[\d-]+)*:?(?: -)?\s*(?:error|note|ERROR)?[:\s]*"
)
#: What comes before the text in ty's messages, and after it in others.
KIND = re.compile(r"^\[[\w-]+\] |\s+[\[(][\w-]+[\])]$")


class Words(NamedTuple):
    """Patterns of what a message names: where, what was given, and what is wanted."""

    column: str
    given: str
    wanted: str


STR = r"\"str\"|Literal\[.(1|3|18|x|nmae).\]"
INT = r"\"int\"|Literal\[3\]"
SAYS: Mapping[str, Words] = {
    'await session.get(User, "1")': Words(r"key|Argument 2", STR, r"\bint\b"),
    'user.age = "3"': Words(r"\bage\b", STR, r"\bint \| None"),
    "User(name=3)": Words(r"\bname\b", INT, r"\bstr\b"),
    'Post(title="x")': Words("author_id", "title|str|'x'", "author: User"),
    "Post(title=3, author_id=1)": Words(r"\btitle\b", INT + "|=int", r"\bstr\b"),
    'query.filter(age__gte="18")': Words("age__gte", STR, r"\bint\b"),
    'query.filter(User.age >= "18")': Words(">=", STR, r"Column\[User, int"),
    "query.filter(agee=1)": Words("agee", "agee", "filter|parameter"),
    'query.order_by("nmae")': Words("order_by", "nmae", "UserOrder|.name."),
    'query.filter(Post.title == "x")': Words("filter", r"Condition\[Post\]", r"Condition\[User\]"),
    'await session.update(user, age="3")': Words(r"\bage\b", STR, r"\bint\b"),
}
#: What a checker does not say. ty shows the argument by its place in the line, not by its name.
UNSAID: Mapping[str, Mapping[str, set[str]]] = {
    "mypy": {'user.age = "3"': {"column"}, "Post(title=3, author_id=1)": {"given"}},
    "pyright": {'Post(title="x")': {"column", "wanted"}},
    "basedpyright": {'Post(title="x")': {"column", "wanted"}},
    "ty": {
        'await session.get(User, "1")': {"column"},
        "User(name=3)": {"column"},
        'Post(title="x")': {"column", "given", "wanted"},
        "Post(title=3, author_id=1)": {"column"},
        'query.filter(age__gte="18")': {"column"},
        'await session.update(user, age="3")': {"column"},
    },
    "pyrefly": {
        'user.age = "3"': {"column"},
        'Post(title="x")': {"column", "wanted"},
        "Post(title=3, author_id=1)": {"wanted"},
    },
    "zuban": {'user.age = "3"': {"column"}, "Post(title=3, author_id=1)": {"wanted"}},
}


def mistakes() -> dict[int, str]:
    """Return the wrong lines by their numbers."""
    lines = FILE.read_text(encoding="utf-8").splitlines()
    return {
        number: line.partition(MARK)[0].strip()
        for number, line in enumerate(lines, 1)
        if line.rstrip().endswith(MARK)
    }


def messages(checker: str, output: str) -> dict[str, list[str]]:
    """Return the lines that a checker printed for each mistake, without their places."""
    codes = mistakes()
    found: dict[str, list[str]] = {code: [] for code in codes.values()}
    lines: list[str] = []
    for line in output.splitlines():
        start = START.match(line)
        if start:
            is_here = FILE.name in line[: start.end()]
            lines = found.get(codes.get(int(start[1]), ""), []) if is_here else []
            line = line[start.end() :]
        if line.strip():
            lines.append(KIND.sub("", KIND.sub("", line.strip())))
    assert re.search(PLACES[checker], output, re.MULTILINE)
    return found


def unsaid(checker: str, output: str) -> Iterator[tuple[str, str]]:
    """Yield each mistake with what its message should name and does not."""
    allowed = UNSAID.get(checker, {})
    for code, lines in messages(checker, output).items():
        text = "\n".join(lines)
        for part, pattern in SAYS[code]._asdict().items():
            if part not in allowed.get(code, set()) and not re.search(pattern, text):
                yield code, part


def quoted(code: str, lines: list[str]) -> str:
    """Return the line of a message that says the most, with long lists of names cut."""
    joined = [f"{one} {other}" for one, other in pairwise(lines) if one.startswith("Cannot assign")]
    text = max(
        [*lines, *joined], key=lambda line: sum(bool(re.search(p, line)) for p in SAYS[code])
    )
    return re.sub(r"(Literal\[(?:'[\w-]+', |\"[\w-]+\", ){2})[^\]]*\]", r"\1...]", text)


def document(outputs: Mapping[str, str]) -> str:
    """Return what the messages name, as a table, and their texts."""
    found = {checker: messages(checker, output) for checker, output in outputs.items()}
    lines = [f"| mistake | {' | '.join(CHECKERS)} |", f"|---|{'---|' * len(CHECKERS)}"]
    for code in SAYS:
        cells = [said(UNSAID.get(checker, {}).get(code, set())) for checker in CHECKERS]
        lines.append(f"| `{code.removeprefix('await ')}` | {' | '.join(cells)} |")
    for code in SAYS:
        texts = [f"{checker + ':':9}{quoted(code, found[checker][code])}" for checker in QUOTED]
        lines += ["", f"`{code}`", "", "```text", *texts, "```"]
    return "\n".join(lines)


def said(left_out: set[str]) -> str:
    """Return what a message names, for the table."""
    named = [part for part in Words._fields if part not in left_out]
    return "all" if len(named) == len(Words._fields) else ", ".join(named) or "none"


def output_of(checker: str) -> str:
    """Return what a checker prints about the mistakes alone."""
    with tempfile.TemporaryDirectory() as directory:
        return printed(checker, [FILE], Path(directory))


def main() -> int:
    with ThreadPoolExecutor(2) as pool:
        outputs = dict(zip(CHECKERS, pool.map(output_of, CHECKERS), strict=True))
    missing = [
        (checker, *each) for checker in CHECKERS for each in unsaid(checker, outputs[checker])
    ]
    for each in missing:
        print("unsaid:", *each)
    text = document(outputs)
    print(text)
    if "--write" in sys.argv:
        replace(DOCUMENT, "messages", text)
    return int(bool(missing))


if __name__ == "__main__":
    sys.exit(main())
