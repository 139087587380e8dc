"""The benchmark's models, kept apart from those of other tests."""

import benchmarks.db
from ormkit.schema import _known as known_packages

# create_all() of other tests does not see it.
known_packages.pop(benchmarks.db.__name__, None)
