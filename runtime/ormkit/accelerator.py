"""Import the accelerator, an optional C extension, unless ORMKIT_PURE_PYTHON switches it off."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Any

#: The extension; None where it was not built, and always with ORMKIT_PURE_PYTHON=1.
accelerator: Any = None
if os.environ.get("ORMKIT_PURE_PYTHON", "") in ("", "0"):
    with suppress(ImportError):
        from . import _accelerator

        accelerator = _accelerator
