"""The command `ormkit`. It says what is missing if only the runtime is installed."""

from __future__ import annotations

import gc
import sys

#: The import names of the packages that the extra `gen` installs.
_EXTRA = {"black", "click", "jinja2", "tomli"}
#: How many new objects start a collection. A command builds one large schema without cycles and
#: ends; with Python's own threshold, a tenth of the time goes into looking at it again and again.
_GC_THRESHOLD = 1_000_000


def main() -> None:
    """Run the command line and exit with its exit code."""
    gc.set_threshold(_GC_THRESHOLD)
    try:
        from ormkit_gen.cli import run

        code = run(sys.argv[1:])
    except ModuleNotFoundError as error:
        if error.name not in _EXTRA:
            raise
        sys.stderr.write(
            f"error: the command needs the package '{error.name}', which is not installed\n"
            "  pip install 'ormkit-pg[gen]'\n"
        )
        code = 2
    except ImportError as error:
        sys.stderr.write(f"error: {error}\n")
        code = 2
    sys.exit(code)


if __name__ == "__main__":
    main()
