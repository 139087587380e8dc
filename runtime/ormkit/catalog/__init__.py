"""Read what a database consists of, from PostgreSQL's catalogs, and compare two databases."""

from .comparison import COLUMN_PARTS as COLUMN_PARTS
from .comparison import Difference as Difference
from .comparison import compare as compare
from .facts import Catalog as Catalog
from .facts import Fact as Fact
from .inspection import Inspection as Inspection
from .inspection import inspect as inspect
from .reader import catalog_transaction as catalog_transaction
from .reader import read_catalog as read_catalog
from .reader import read_facts as read_facts
from .reader import reader_version as reader_version
from .shadow import shadow_catalog as shadow_catalog
from .table_reader import read_domains as read_domains
from .table_reader import read_enums as read_enums
from .table_reader import read_sequences as read_sequences
from .table_reader import read_tables as read_tables
from .tables import Domain as Domain
from .tables import DomainCheck as DomainCheck
from .tables import EnumType as EnumType
from .tables import IndexElement as IndexElement
from .tables import Sequence as Sequence
from .tables import Table as Table
from .tables import TableColumn as TableColumn
from .tables import TableConstraint as TableConstraint
from .tables import TableIndex as TableIndex
from .tables import TypeName as TypeName
