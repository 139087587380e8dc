"""Run the blog's tour: `python -m examples.blog`."""

from __future__ import annotations

import asyncio

from examples.blog.tour import main

asyncio.run(main())
