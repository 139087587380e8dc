"""The version of OrmKit, and the check that its files are its own.

On PyPI `ormkit` is another project. Its package has the same name as this one, so that where both
are installed each overwrites files of the other.
"""

import os

__version__ = "0.1.0"

REMEDY = (
    "run `pip uninstall ormkit ormkit-pg`, then install OrmKit again: its distribution is ormkit-pg"
)


def refuse_namesake(file: str) -> None:
    """Raise ImportError where PyPI's `ormkit` is installed into the same place.

    file: that of the package.
    """
    place = os.path.dirname(os.path.dirname(file))
    try:
        names = os.listdir(place)
    except OSError:  # a zip archive
        return
    if any(name.startswith("ormkit-") and name.endswith(".dist-info") for name in names):
        raise ImportError(
            f"{place} holds another project named ormkit, which overwrites OrmKit: {REMEDY}"
        )
