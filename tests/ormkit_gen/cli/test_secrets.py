"""No command prints a password, whatever is wrong."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from ormkit_gen.cli import commands
from ormkit_gen.cli.secrets import masked
from tests.ormkit_gen.cli.conftest import Command
from tests.servers import Server

pytestmark = [pytest.mark.one_interpreter, pytest.mark.slow]

URLS = [
    "postgresql://ada:hunter2@localhost:1/x?connect_timeout=1&sslmode=disable",
    "postgresql://ada:hun@hunter2@localhost:99999/x",
    "postgresql://ada@localhost:1/x?password=hunter2&foo",
    "postgresql://ada:hunter2@local host/x?foo=%zz",
    "ada:hunter2@localhost/x",
    "postgres//ada:hunter2@localhost/x",
]


@pytest.mark.parametrize("url", URLS)
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--database"),
        ("diff", "--database"),
        ("pull", "--database"),
        ("init", "new", "--from"),
        ("check",),
        ("pull",),
        ("sql", "--target"),
        (),
    ],
)
def test_no_command_shows_a_password(
    arguments: tuple[str, ...], url: str, project: object, ormkit: Command
) -> None:
    done = ormkit("--debug", *arguments, url)
    assert done.returncode == 2
    assert "hunter2" not in done.stdout + done.stderr


BASE = '[[targets]]\nschemas = ["schemas/blog.toml"]\noutput = "app/db"\n'
#: No server is tried: its port is none, and a message says so.
URL = "postgresql://ada:hunter2@localhost:99999/x"
ENCODED = "postgresql://ada:hunter%32@localhost:99999/x"
PAIRS = "host=localhost port=99999 user=ada password = 'hunter2'"
#: Where the password is: the settings file, the environment, and what the command line is given.
PLACES: dict[str, tuple[str, dict[str, str], str | None]] = {
    "option": (BASE, {}, URL),
    "encoded": (BASE, {}, ENCODED),
    "pairs": (BASE, {}, PAIRS),
    "environment": (BASE, {"DATABASE_URL": URL}, None),
    "settings": (f'database = "{ENCODED}"\nshadow = "{URL}"\n{BASE}', {}, None),
    "unclosed": (f'database = "{URL}\n{BASE}', {}, None),
    "misspelt": (f'databse = "{ENCODED}"\nshadow = "{URL}"\n{BASE}', {}, None),
    "no text": (f'database = ["{URL}", "{PAIRS}"]\n{BASE}', {}, None),
    "of a target": (f'{BASE}database = "{URL}"\n', {}, None),
}
#: What commands need besides. Other commands need nothing.
ARGUMENTS = {
    ("migrate", "new"): ["add-age"],
    ("migrate", "abandon"): ["20260101-0000-a-aaaa"],
    ("migrate", "squash"): ["--upto", "20260101-0000-a-aaaa"],
    ("completion",): ["bash"],
    ("init",): ["new"],
}


def leaves(
    group: click.Group, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from leaves(command, (*path, name))
        elif path != ("db",):  # a server of the project's own, which has no password
            yield (*path, name), command


LEAVES = dict(leaves(commands.ormkit))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("path", LEAVES, ids=" ".join)
def test_every_command_keeps_a_password_wherever_it_is(
    path: tuple[str, ...],
    place: str,
    project: Path,
    ormkit: Command,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings, environment, given = PLACES[place]
    (project / "ormkit.toml").write_text(settings)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    known = {each for parameter in LEAVES[path].params for each in parameter.opts}
    options = [each for each in ("--database", "--from", "--shadow") if each in known]
    arguments = [*path, *ARGUMENTS.get(path, [])]
    for option in options:
        # Without it, a command would start a server of its own.
        if given or option == "--shadow":
            arguments += [option, given or URL]
    for more in ([], ["--json"]) if "--json" in known else ([],):
        done = ormkit("--debug", *arguments, *more)
        said = done.stdout + done.stderr
        assert "hunter" not in said
        assert "***" in said or "ada" not in said


def test_a_live_database_is_named_without_its_password(
    project: Path, ormkit: Command, server18: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server asks for none, so that a command goes to its end with it."""
    (project / "ormkit.toml").write_text(f'shadow = "{server18.url}"\n{BASE}')
    url = f"{server18.url}{'&' if '?' in server18.url else '?'}password=hunter2"
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    monkeypatch.setattr("sys.stdin", io.StringIO("engine\nengine.url\nsession\n"))
    ormkit("generate")
    for arguments in (
        ("doctor",),
        ("doctor", "--json"),
        ("check",),
        ("check", "--json"),
        ("shell",),
    ):
        done = ormkit(*arguments, "--database", url)
        assert done.returncode in (0, 1)
        assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at postgresql://a:b@c/d", "at postgresql://a:***@c/d"),
        ("postgresql://:b@c/d", "postgresql://:***@c/d"),
        ("'postgresql://a:b@c@d/e'", "'postgresql://a:***@d/e'"),
        ("host=x password='a b' user=y", "host=x password=*** user=y"),
        ("?sslpassword=abc&x=1", "?sslpassword=***&x=1"),
        ("postgresql://a@c:5432/d", "postgresql://a@c:5432/d"),
        ("http://localhost:80/x", "http://localhost:80/x"),
    ],
)
def test_passwords_become_stars(text: str, shown: str) -> None:
    assert masked(text) == shown
