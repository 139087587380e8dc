"""A class for the values of a JSON column."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Settings:
    """What the owner of an account has set."""

    theme: str = "light"
