"""The models of the benchmark, out of sight of other tests."""

from __future__ import annotations

import benchmarks.db
from ormkit.models.package import _known as known_packages

# create_all() of other tests would create these tables too, and they are called users and posts.
known_packages.pop(benchmarks.db.__name__, None)
