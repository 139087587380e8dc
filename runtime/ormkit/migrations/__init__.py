"""Migrations: their files, their order, and what runs them on a database."""

from .data_steps import Backfill as Backfill
from .migrate import migrate as migrate
from .options import Options as Options
from .progress import Blocker as Blocker
from .progress import Progress as Progress
from .runner import Done as Done
