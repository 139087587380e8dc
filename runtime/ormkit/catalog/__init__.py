"""Read what a database consists of, from PostgreSQL's catalogs, and compare two databases."""

from .comparison import COLUMN_PARTS as COLUMN_PARTS
from .comparison import Difference as Difference
from .comparison import compare as compare
from .facts import Catalog as Catalog
from .facts import Fact as Fact
from .reader import read_catalog as read_catalog
from .reader import reader_version as reader_version
from .shadow import shadow_catalog as shadow_catalog
