"""OrmKit: the runtime that generated models and applications import.

engine = await create_engine("postgresql://localhost/mydb")
session = AsyncSession(engine)
users = await session.query(User).filter(status="active").order_by("-created_at").all()
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ._version import __version__, refuse_namesake
from .catalog.inspection import inspect
from .embedded.server import EmbeddedServer
from .engine import Engine, capture_statements, create_engine
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
    MigrationError,
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
    QueryBudgetExceeded,
    QueryCanceled,
    RepeatedStatement,
    RetryableError,
    SchemaDifference,
    SchemaMismatch,
    SchemaMismatchWarning,
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
    ValidationError,
)
from .events.callers import Caller
from .events.event import ConnectionEvent, StatementEvent, TransactionEvent
from .events.listeners import Listening
from .events.query_budget import query_budget
from .events.slow_queries import SlowQueries
from .hints import missing_name
from .loading.options import Load, joinedload, jsonload, noload, selectinload
from .models.attributes import Attr, ColumnAttr, ReadOnlyAttr, column, computed, to_many, to_one
from .models.codec_columns import Codec, CodecColumn
from .models.columns import Column
from .models.computed import Computed, JsonComputed, SearchComputed, VectorComputed
from .models.hooks import validates
from .models.in_json import InJson
from .models.json_columns import JsonColumn, JsonPath
from .models.model import ComputedValue, Model, ModelMeta, ReadOnlyModel, Related, SoftDeleteModel
from .models.package import Schema
from .models.partial import Partial
from .models.protocols import Queryable
from .models.q import Q
from .models.relationships import Relationship, Secondary, ToMany, ToOne
from .models.table import Table
from .models.text_search import SearchColumn, to_tsvector
from .models.vectors import VectorColumn
from .persistence.related_set import RelatedSet, SetChange
from .pool.stats import PoolStats
from .postgres.enum_labels import OpenLabels
from .postgres.infinity import INFINITY
from .postgres.interval import Interval
from .postgres.several import Several
from .postgres.values import UNSET, BitString, Cidr, Inet, Range, Record
from .queries.change import Change
from .queries.pagination import Cursor, Page
from .queries.query import GroupedQuery, More, PartialQuery, Query, Source
from .queries.rows import Rows
from .queries.shaped import Shaped
from .queries.stream import Stream
from .session import AsyncSession, current_session, session_context
from .sql.aggregates import Aggregate, Function, WindowFunction
from .sql.expressions import Condition, Expression
from .sql.functions import func
from .sql.literals import case, cast, literal
from .sql.order_keys import OrderKey
from .sql.ordering import Order
from .statements.init_hook import NewConnection
from .statements.repeats import allow_repeats, detect_repeats
from .statements.result import Result
from .statements.subqueries import Subquery, exists
from .transactions.transaction import Transaction

refuse_namesake(__file__)

if not TYPE_CHECKING:

    def __getattr__(name):
        raise missing_name(name)


__all__ = [
    "INFINITY",
    "UNSET",
    "AfterCommitError",
    "Aggregate",
    "AsyncSession",
    "Attr",
    "BitString",
    "Caller",
    "Change",
    "CheckViolation",
    "Cidr",
    "Codec",
    "CodecColumn",
    "Column",
    "ColumnAttr",
    "CommitUnknown",
    "Computed",
    "ComputedValue",
    "Condition",
    "ConfigurationError",
    "ConnectionEvent",
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
    "GroupedQuery",
    "InJson",
    "Inet",
    "IntegrityError",
    "Interval",
    "InvalidValue",
    "JsonColumn",
    "JsonComputed",
    "JsonPath",
    "Listening",
    "Load",
    "LockNotAvailable",
    "MigrationError",
    "MissingValue",
    "Model",
    "ModelMeta",
    "More",
    "MultipleFound",
    "NewConnection",
    "NotFound",
    "NotLoaded",
    "NotNullViolation",
    "OpenLabels",
    "OperationalError",
    "Order",
    "OrderKey",
    "OrmKitError",
    "OutdatedStatement",
    "Page",
    "Partial",
    "PartialQuery",
    "PoolClosed",
    "PoolError",
    "PoolStats",
    "PoolTimeout",
    "Q",
    "Query",
    "QueryBudgetExceeded",
    "QueryCanceled",
    "Queryable",
    "Range",
    "ReadOnlyAttr",
    "ReadOnlyModel",
    "Record",
    "Related",
    "RelatedSet",
    "Relationship",
    "RepeatedStatement",
    "Result",
    "RetryableError",
    "Rows",
    "Schema",
    "SchemaDifference",
    "SchemaMismatch",
    "SchemaMismatchWarning",
    "SearchColumn",
    "SearchComputed",
    "Secondary",
    "SerializationFailure",
    "SetChange",
    "Several",
    "Shaped",
    "SlowQueries",
    "SoftDeleteModel",
    "Source",
    "StaleObject",
    "StatementError",
    "StatementEvent",
    "Stream",
    "Subquery",
    "Table",
    "ToMany",
    "ToOne",
    "Transaction",
    "TransactionClosed",
    "TransactionEnded",
    "TransactionEvent",
    "TransactionFailed",
    "UniqueViolation",
    "UnknownName",
    "UnreadableValue",
    "UsageError",
    "ValidationError",
    "VectorColumn",
    "VectorComputed",
    "WindowFunction",
    "__version__",
    "allow_repeats",
    "capture_statements",
    "case",
    "cast",
    "column",
    "computed",
    "create_engine",
    "current_session",
    "detect_repeats",
    "exists",
    "func",
    "inspect",
    "joinedload",
    "jsonload",
    "literal",
    "noload",
    "query_budget",
    "selectinload",
    "session_context",
    "to_many",
    "to_one",
    "to_tsvector",
    "validates",
]
