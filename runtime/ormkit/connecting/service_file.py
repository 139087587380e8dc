"""Read connection parameters from libpq's service file."""

from __future__ import annotations

import configparser
import os
from collections.abc import Iterable
from pathlib import Path

from ..errors import ConfigurationError
from ..postgres.type_mismatch import mismatch
from .libpq_parameters import KNOWN_PARAMETERS


def service_parameters(name: str, file: str) -> dict[str, str]:
    """Return the parameters of a service; raises ConfigurationError where it is not defined.

    file: the service file; "" for the user's file, and then the system's.
    """
    places = [Path(file)] if file else list(default_files())
    for place in places:
        if (section := section_of(place, name)) is not None:
            return section
    looked = ", ".join(map(str, places)) or "no file"
    raise ConfigurationError(
        f"the service {name!r} is not defined: looked in {looked}; write a section [{name}] there, "
        f"or set PGSERVICEFILE"
    )


def default_files() -> Iterable[Path]:
    """Yield the paths where libpq looks for its service file."""
    home = Path.home() if "HOME" in os.environ or os.name == "nt" else None
    if home is not None:
        yield home / ".pg_service.conf"
    if directory := os.environ.get("PGSYSCONFDIR"):
        yield Path(directory) / "pg_service.conf"


def section_of(file: Path, name: str) -> dict[str, str] | None:
    """Return the parameters of a section of a service file; None where there is no such section.

    Raises ConfigurationError for a file that cannot be read.
    """
    parser = configparser.RawConfigParser(
        delimiters="=", comment_prefixes="#", strict=False, default_section="\0"
    )
    try:
        with file.open(encoding="utf-8") as lines:
            parser.read_file(lines)
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, configparser.Error) as error:
        # The text of configparser's own errors shows the line, which may be a password.
        raise ConfigurationError(
            f"the service file {file} cannot be read: {type(error).__name__}"
        ) from None
    if not parser.has_section(name):
        return None
    words = dict(parser.items(name))
    for word, value in words.items():
        if word not in KNOWN_PARAMETERS or mismatch("text", value):
            raise ConfigurationError(
                f"the service {name!r} of {file} has {word!r}, which libpq does not know"
            )
    return words
