"""Tests of a project's migrations, which pytest collects by itself.

They are there where pytest's root directory has settings of OrmKit and migrations, and the run is
not about single files.

PYTEST_DONT_REWRITE: there are no assertions in it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from ormkit_gen.migrations.trying import Outcome
    from ormkit_gen.project.settings import Settings
    from ormkit_gen.project.targets import Target

NAME = "test_migrations"
_OPTION = "ormkit_migrations"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(_OPTION, "Whether to test the project's migrations.", type="bool", default=True)


def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    if config.getini(_OPTION) and _is_whole(config):
        items.extend(_items(session, config.rootpath))


def _is_whole(config: pytest.Config) -> bool:
    """Return whether a run is not about single files: its arguments are directories above."""
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return True
    directory = config.rootpath / "migrations"
    given = (config.invocation_params.dir / each.partition("::")[0] for each in config.args)
    return any(directory.is_relative_to(each.resolve()) for each in given)


def _items(session: pytest.Session, root: Path) -> Iterator[pytest.Item]:
    settings = _settings(root)
    if settings is None:
        return
    directories: dict[str, list[Target]] = {}
    for target in settings.targets:
        directories.setdefault(target.migrations or settings.migrations, []).append(target)
    for where, targets in directories.items():
        yield from _items_of(session, settings, where, targets)


def _items_of(
    session: pytest.Session, settings: Settings, where: str, targets: list[Target]
) -> Iterator[pytest.Item]:
    """Yield the tests of one directory of migrations, which is of one target."""
    directory = settings.root / where
    if not directory.is_dir():
        return
    from ormkit.migrations.files import is_migration_id

    names = sorted(each.name for each in directory.iterdir() if is_migration_id(each.name))
    if not names:
        return
    if len(targets) == 1:
        settings = settings.of(targets[0])
    # pytest has no types for what its nodes are made of.
    of: Any = _Migrations
    collector = of.from_parent(session, name=where, nodeid=where, settings=settings)
    of = _Whole
    yield of.from_parent(collector, name=NAME)
    of = _One
    for name in names:
        yield of.from_parent(collector, name=f"{NAME}[{name}]", migration=name)


def _settings(root: Path) -> Settings | None:
    """Return the settings in a directory; None if there are none, or they cannot be read."""
    if not any((root / name).is_file() for name in ("ormkit.toml", "pyproject.toml")):
        return None
    try:
        # These are of the extra `gen`, which a service need not have.
        from ormkit_gen.diagnostics.refusal import Refusal
        from ormkit_gen.project.settings import find_settings, read_settings
    except ModuleNotFoundError:
        return None
    try:
        file = find_settings(root)
        return read_settings(file) if file.parent == root else None
    except Refusal:
        return None


class _Migrations(pytest.Collector):
    """The migrations of a project, which run once for all tests of them."""

    def __init__(self, settings: Settings, **options: Any) -> None:
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType]
        self.settings = settings
        self._outcome: Outcome | None = None

    def collect(self) -> list[pytest.Item]:
        return []

    @property
    def outcome(self) -> Outcome:
        """What became of each migration."""
        if self._outcome is None:
            from ormkit_gen.migrations.trying import try_migrations

            self._outcome = try_migrations(self.settings)
        return self._outcome


class _Test(pytest.Item):
    parent: _Migrations

    def problems(self) -> list[str]:
        """Return what is wrong."""
        raise NotImplementedError

    def runtest(self) -> None:
        from ormkit_gen.diagnostics.refusal import Refusal

        try:
            found = self.problems()
        except Refusal as error:
            found = [f"{each.message}\n  {each.remedy}" for each in error.diagnostics]
        if found:
            raise MigrationProblems("\n".join(found))

    def repr_failure(self, excinfo: Any, style: Any = None) -> Any:
        if isinstance(excinfo.value, MigrationProblems):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        settings = self.parent.settings
        return settings.root / settings.migrations, None, self.name


class _Whole(_Test):
    """One head, and steps that lead to the states and to the schema files."""

    def problems(self) -> list[str]:
        from ormkit_gen.migrations.trying import verification_problems

        return verification_problems(self.parent.settings)


class _One(_Test):
    """One migration over rows, with the code of before, and back."""

    def __init__(self, migration: str, **options: Any) -> None:
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType]
        self._migration = migration

    def problems(self) -> list[str]:
        outcome = self.parent.outcome
        if self._migration in outcome.problems:
            return outcome.problems[self._migration]
        pytest.skip(outcome.reason)


class MigrationProblems(Exception):
    """What is wrong with a migration."""
