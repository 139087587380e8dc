"""A generated package says which runtime it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from ormkit import Schema, __version__
from ormkit.models.package import is_older


def test_a_package_for_a_newer_runtime_says_so(tmp_path: Path) -> None:
    with pytest.raises(ImportError) as raised:
        Schema("app.db", str(tmp_path / "__init__.py"), runtime="99.1")
    assert str(raised.value) == (
        f"app.db was generated for OrmKit 99.1 or later, and {__version__} is installed: run "
        '`pip install "ormkit-pg>=99.1"`, or `ormkit generate` with the version that is installed'
    )


@pytest.mark.parametrize(
    ("version", "needed", "is_too_old"),
    [
        ("0.1.0", "", False),
        ("0.1.0", "0.1", False),
        ("0.1.5", "0.2", True),
        ("0.10.0", "0.9", False),
        ("0.9.0", "0.10", True),
        ("1.0.0", "0.9", False),
        ("1.0.0.dev1", "1.0", False),
    ],
)
def test_versions_are_compared_by_their_numbers(
    version: str, needed: str, is_too_old: bool
) -> None:
    assert is_older(version, needed) is is_too_old
