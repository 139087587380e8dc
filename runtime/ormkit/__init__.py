"""OrmKit: the runtime that generated models and applications import.

engine = await create_engine("postgresql://localhost/mydb")
session = AsyncSession(engine)
users = await session.query(User).filter(status="active").order_by("-created_at").all()
"""

from __future__ import annotations

from ._version import __version__, refuse_namesake
from .aggregates import Aggregate, Function, WindowFunction
from .changing import Change
from .columns import Column
from .embedded import EmbeddedServer
from .engine import Engine, create_engine
from .errors import (
    AfterCommitError,
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
    OutdatedStatement,
    PoolClosed,
    PoolError,
    PoolTimeout,
    QueryCanceled,
    RetryableError,
    SerializationFailure,
    StaleObject,
    StatementError,
    TransactionClosed,
    TransactionEnded,
    TransactionFailed,
    UniqueViolation,
    UnknownName,
    UnreadableValue,
    UsageError,
)
from .expressions import Condition, Expression
from .functions import func
from .infinity import INFINITY
from .interval import Interval
from .json_columns import JsonColumn, JsonPath
from .keyset import Cursor, Page
from .labels import OpenLabels
from .literals import case, cast, literal
from .load_options import Load, joinedload, jsonload, noload, selectinload
from .model import Model, ModelMeta, Related
from .ordering import Order
from .paths import Q
from .query import Query, Source
from .raw_sql import NewConnection
from .related import RelatedSet, SetChange
from .relationships import Relationship, Secondary, ToMany, ToOne
from .result import Result
from .rows import Rows
from .schema import Schema
from .session import AsyncSession, current_session, session_context
from .streaming import Stream
from .subqueries import Subquery, exists
from .table import Table
from .text_search import SearchColumn, to_tsvector
from .transaction import Transaction
from .values import UNSET, BitString, Cidr, Inet, Range, Record
from .vectors import VectorColumn

refuse_namesake(__file__)

__all__ = [
    "INFINITY",
    "UNSET",
    "AfterCommitError",
    "Aggregate",
    "AsyncSession",
    "BitString",
    "Change",
    "CheckViolation",
    "Cidr",
    "Column",
    "CommitUnknown",
    "Condition",
    "ConfigurationError",
    "ConnectionFailed",
    "ConnectionLost",
    "Cursor",
    "DataError",
    "DatabaseError",
    "DeadlockDetected",
    "EmbeddedServer",
    "EmbeddedServerError",
    "Engine",
    "ExclusionViolation",
    "Expression",
    "ForeignKeyViolation",
    "Function",
    "Inet",
    "IntegrityError",
    "Interval",
    "InvalidValue",
    "JsonColumn",
    "JsonPath",
    "Load",
    "LockNotAvailable",
    "MissingValue",
    "Model",
    "ModelMeta",
    "MultipleFound",
    "NewConnection",
    "NotFound",
    "NotLoaded",
    "NotNullViolation",
    "OpenLabels",
    "OperationalError",
    "Order",
    "OrmKitError",
    "OutdatedStatement",
    "Page",
    "PoolClosed",
    "PoolError",
    "PoolTimeout",
    "Q",
    "Query",
    "QueryCanceled",
    "Range",
    "Record",
    "Related",
    "RelatedSet",
    "Relationship",
    "Result",
    "RetryableError",
    "Rows",
    "Schema",
    "SearchColumn",
    "Secondary",
    "SerializationFailure",
    "SetChange",
    "Source",
    "StaleObject",
    "StatementError",
    "Stream",
    "Subquery",
    "Table",
    "ToMany",
    "ToOne",
    "Transaction",
    "TransactionClosed",
    "TransactionEnded",
    "TransactionFailed",
    "UniqueViolation",
    "UnknownName",
    "UnreadableValue",
    "UsageError",
    "VectorColumn",
    "WindowFunction",
    "__version__",
    "case",
    "cast",
    "create_engine",
    "current_session",
    "exists",
    "func",
    "joinedload",
    "jsonload",
    "literal",
    "noload",
    "selectinload",
    "session_context",
    "to_tsvector",
]
