"""The commands that README.md and CONTRIBUTING.md name exist, and `.ci/run` runs the README's."""

from __future__ import annotations

import re

from tests.try_wheel import PROJECT, ROOT, commands, way_to_a_project

README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
#: `make TARGET`, as a command or within a sentence.
MAKE = re.compile(r"(?:^|`)make ([a-z-]+)", re.MULTILINE)


def targets() -> set[str]:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    names = " ".join(re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)).split()
    # The parts of `make check` are named in the Makefile only.
    return {name for name in names if not name.startswith("check-")}


def run_by_ci() -> set[str]:
    script = (ROOT / ".ci/run").read_text(encoding="utf-8")
    return set(" ".join(re.findall(r"^ *run ([a-z -]+)", script, re.MULTILINE)).split())


def test_what_the_readme_tells_to_make_is_run_by_ci() -> None:
    made = {line.removeprefix("make ") for line in commands(README) if line.startswith("make ")}
    assert {"demo", "test"} <= made
    # `make try-wheel` runs `make wheel`.
    assert made - {"wheel"} <= run_by_ci()


def test_the_way_to_a_project_is_run_by_ci_as_the_readme_has_it() -> None:
    """`make try-wheel` runs these lines and no others, up to the program of the project."""
    assert way_to_a_project(README) == [
        "make wheel",
        'pip install "$(ls dist/*.whl)[gen,embedded]"',
        f"ormkit init {PROJECT}",
        f"cd {PROJECT}",
        "python main.py",
    ]
    assert "try-wheel" in run_by_ci()


def test_every_target_of_make_is_told_and_every_one_told_exists() -> None:
    told = {name for text in (README, CONTRIBUTING) for name in MAKE.findall(text)}
    told |= {line.split()[1] for line in commands(CONTRIBUTING) if line.startswith("make ")}
    assert told == targets()


def test_commands_are_read_from_indented_lines_without_their_comments() -> None:
    text = "# A\n\n    one  # first\n    two\n\n```\n    not this\n```\n"
    assert commands(text) == ["one", "two"]
