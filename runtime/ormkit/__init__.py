"""OrmKit: the runtime that generated models and applications import.

engine = await create_engine("postgresql://localhost/mydb")
session = AsyncSession(engine)
users = await session.query(User).filter(status="active").order_by("-created_at").all()
"""

from __future__ import annotations

from ._version import __version__
from .columns import Column
from .embedded import EmbeddedServer
from .engine import Engine, create_engine
from .errors import (
    CheckViolation,
    CommitUnknown,
    ConfigurationError,
    ConnectionFailed,
    ConnectionLost,
    DatabaseError,
    DataError,
    DeadlockDetected,
    EmbeddedServerError,
    ExclusionViolation,
    ForeignKeyViolation,
    IntegrityError,
    InvalidValue,
    LockNotAvailable,
    MissingValue,
    MultipleFound,
    NotFound,
    NotLoaded,
    NotNullViolation,
    OperationalError,
    OrmKitError,
    PoolClosed,
    PoolError,
    PoolTimeout,
    QueryCanceled,
    RetryableError,
    SerializationFailure,
    StaleObject,
    StatementError,
    TransactionClosed,
    TransactionFailed,
    UniqueViolation,
    UnknownName,
    UsageError,
)
from .expressions import Condition, Expression, Order
from .load_options import Load, joinedload, selectinload
from .model import Model, ModelMeta, Related
from .query import Query, Source
from .relationships import Relationship, Secondary, ToMany, ToOne
from .result import Result
from .rows import Rows
from .schema import Schema
from .session import AsyncSession
from .table import Table
from .transaction import Transaction
from .values import UNSET, BitString, Cidr, Inet, Range, Record

__all__ = [
    "UNSET",
    "AsyncSession",
    "BitString",
    "CheckViolation",
    "Cidr",
    "Column",
    "CommitUnknown",
    "Condition",
    "ConfigurationError",
    "ConnectionFailed",
    "ConnectionLost",
    "DataError",
    "DatabaseError",
    "DeadlockDetected",
    "EmbeddedServer",
    "EmbeddedServerError",
    "Engine",
    "ExclusionViolation",
    "Expression",
    "ForeignKeyViolation",
    "Inet",
    "IntegrityError",
    "InvalidValue",
    "Load",
    "LockNotAvailable",
    "MissingValue",
    "Model",
    "ModelMeta",
    "MultipleFound",
    "NotFound",
    "NotLoaded",
    "NotNullViolation",
    "OperationalError",
    "Order",
    "OrmKitError",
    "PoolClosed",
    "PoolError",
    "PoolTimeout",
    "Query",
    "QueryCanceled",
    "Range",
    "Record",
    "Related",
    "Relationship",
    "Result",
    "RetryableError",
    "Rows",
    "Schema",
    "Secondary",
    "SerializationFailure",
    "Source",
    "StaleObject",
    "StatementError",
    "Table",
    "ToMany",
    "ToOne",
    "Transaction",
    "TransactionClosed",
    "TransactionFailed",
    "UniqueViolation",
    "UnknownName",
    "UsageError",
    "__version__",
    "create_engine",
    "joinedload",
    "selectinload",
]
