"""Import the accelerator, an optional C extension, unless ORMKIT_PURE_PYTHON switches it off."""

from __future__ import annotations

import os
import warnings
from contextlib import suppress
from typing import Any

#: The version of the accelerator's source that this code belongs to. `make accelerator` writes it.
REVISION = "r9b80355b1a15ff9"
#: What to do about an accelerator of another version.
REMEDY = (
    "install OrmKit again (`pip install --force-reinstall --no-cache-dir ormkit-pg`), or run "
    "`make accelerator` in a checkout of its source"
)


def is_current(module: Any) -> bool:
    """Return whether a compiled accelerator belongs to this code.

    An editable install keeps the file that was compiled last, whatever the source is now, and an
    installation may have files of two versions. Such a file may lack what this code calls, or do
    it otherwise.
    """
    return getattr(module, "revision", None) == REVISION


#: The extension; None where it was not built or is one of another version, and always with
#: ORMKIT_PURE_PYTHON=1.
accelerator: Any = None
if os.environ.get("ORMKIT_PURE_PYTHON", "") in ("", "0"):
    with suppress(ImportError):
        from . import _accelerator

        if is_current(_accelerator):
            accelerator = _accelerator
        else:
            warnings.warn(
                f"{_accelerator.__file__} was compiled from another version of OrmKit and is not "
                f"used: rows are decoded in Python, which takes longer; {REMEDY}",
                RuntimeWarning,
                stacklevel=2,
            )
