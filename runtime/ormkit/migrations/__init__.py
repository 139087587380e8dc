"""Migrations: their files, their order, and what runs them on a database."""

from .baseline import adopt as adopt
from .chain import Chain as Chain
from .chain import read_chain as read_chain
from .data_steps import Backfill as Backfill
from .down import Abandoned as Abandoned
from .down import abandon as abandon
from .down import down as down
from .files import ChosenPhase as ChosenPhase
from .files import Migration as Migration
from .files import Phase as Phase
from .files import Step as Step
from .migrate import migrate as migrate
from .options import Options as Options
from .pending import Choice as Choice
from .pending import upto as upto
from .progress import Blocker as Blocker
from .progress import Progress as Progress
from .runner import Done as Done
from .script import offline_script as offline_script
from .state import Record as Record
from .state import StepRecord as StepRecord
from .status import Status as Status
from .status import read_status as read_status
from .status import stored_files as stored_files
