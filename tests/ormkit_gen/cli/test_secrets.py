"""No command prints a password, whatever is wrong."""

from __future__ import annotations

import pytest

from ormkit_gen.cli.secrets import masked
from tests.ormkit_gen.cli.conftest import Command

pytestmark = pytest.mark.one_interpreter

URLS = [
    "postgresql://ada:hunter2@localhost:1/x?connect_timeout=1&sslmode=disable",
    "postgresql://ada:hun@hunter2@localhost:99999/x",
    "postgresql://ada@localhost:1/x?password=hunter2&foo",
    "postgresql://ada:hunter2@local host/x?foo=%zz",
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
