"""Run the blog's tour, and change a schema: `python -m examples.blog`."""

from __future__ import annotations

import asyncio

from examples.blog.evolution import evolve
from examples.blog.tour import main

asyncio.run(main())
evolve()
