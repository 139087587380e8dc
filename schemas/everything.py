"""Every type, key, constraint and index that a schema can say: everything.toml in Python."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address, IPv4Network
from typing import Any
from uuid import UUID

from ormkit import BitString, Range
from ormkit_gen.declarative import (
    Base,
    CheckConstraint,
    DeclarativeBase,
    ExcludeConstraint,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Mapped,
    SoftDelete,
    Timestamps,
    UniqueConstraint,
    Versioned,
    enum_type,
    mapped_column,
    relationship,
)


class Mood(Enum):
    good = "good"
    so_so = "so so"
    bad = "bad"


@enum_type(name="priority_level", schema="lab", comment="How soon.")
class Priority(Enum):
    LOW = "low"
    HIGH = "high"


class Sample(Base):
    __tablename__ = "samples"
    __table_args__ = (
        UniqueConstraint("code", "letters", nulls_not_distinct=True),
        UniqueConstraint("small", "whole", name="samples_numbers_once"),
        CheckConstraint("price >= 0"),
        CheckConstraint("span IS NULL OR span > interval '0'", name="samples_span_positive"),
        Index(
            {"column": "moment", "descending": True, "nulls": "last"},
            "small",
            include=["price"],
            where="is_ready",
        ),
        Index({"expression": "lower(note)"}, name="samples_lower_note", unique=True),
        Index({"column": "code", "opclass": "text_pattern_ops"}),
        Index("document", method="gin"),
        Index("words", method="gin"),
        Index("token", method="hash"),
        Index("moment", method="brin", name="samples_moment_brin"),
        Index("address", method="spgist"),
        Index({"column": "embedding", "opclass": "vector_l2_ops"}, method="hnsw"),
        ExcludeConstraint(("period", "&&"), where="is_ready"),
        ExcludeConstraint(
            {"expression": "daterange(day, day + 7)", "operator": "&&"},
            name="samples_days_apart",
            method="gist",
        ),
        {"comment": 'One column of each type; it\'s "complete".'},
    )

    id: Mapped[int] = mapped_column(primary_key=True, identity="always")
    small: Mapped[int] = mapped_column("smallint")
    whole: Mapped[int] = mapped_column("integer", default=7)
    big: Mapped[int | None]
    ratio: Mapped[float] = mapped_column("real", default=0.5)
    exact: Mapped[float] = mapped_column(comment="As exact as it gets")
    price: Mapped[Decimal] = mapped_column("numeric(10, 2)", default=Decimal("9.90"))
    any_number: Mapped[Decimal | None]
    is_ready: Mapped[bool] = mapped_column(default=False)
    note: Mapped[str] = mapped_column(default="it's")
    code: Mapped[str] = mapped_column("varchar(20)")
    letters: Mapped[str] = mapped_column("char(3)")
    padded: Mapped[str | None] = mapped_column("bpchar")
    payload: Mapped[bytes | None] = mapped_column(private=True)
    day: Mapped[dt.date] = mapped_column(default=dt.date(2030, 1, 31))
    clock: Mapped[dt.time]
    zoned_clock: Mapped[dt.time] = mapped_column("timetz")
    local_moment: Mapped[dt.datetime] = mapped_column("timestamp")
    moment: Mapped[dt.datetime] = mapped_column(server_default="now()")
    seconds: Mapped[dt.datetime | None] = mapped_column("timestamptz(0)")
    span: Mapped[dt.timedelta | None]
    token: Mapped[UUID] = mapped_column(server_default="gen_random_uuid()", unique=True)
    raw: Mapped[Any | None] = mapped_column("json")
    document: Mapped[Any] = mapped_column(default={"theme": "dark", "sizes": [1, 2]})
    counts: Mapped[dict[str, int]] = mapped_column(default=dict)
    address: Mapped[IPv4Address]
    network: Mapped[IPv4Network | None]
    hardware: Mapped[str | None] = mapped_column("macaddr")
    small_range: Mapped[Range[int] | None] = mapped_column("int4range")
    big_range: Mapped[Range[int] | None] = mapped_column("int8range")
    number_range: Mapped[Range[Decimal] | None] = mapped_column("numrange")
    local_period: Mapped[Range[dt.datetime] | None] = mapped_column("tsrange")
    period: Mapped[Range[dt.datetime] | None] = mapped_column("tstzrange")
    days: Mapped[Range[dt.date] | None] = mapped_column("daterange")
    bits: Mapped[BitString | None] = mapped_column("bit(8)")
    some_bits: Mapped[BitString | None] = mapped_column("varbit(16)")
    words: Mapped[str] = mapped_column("tsvector", generated="to_tsvector('simple', note)")
    embedding: Mapped[list[float] | None] = mapped_column("vector(3)")
    mood: Mapped[Mood] = mapped_column(default=Mood.so_so)
    moods: Mapped[list[Mood]] = mapped_column(default=[Mood.good, Mood.bad])
    priority: Mapped[Priority | None]
    tags: Mapped[list[str]] = mapped_column(default=list)
    matrix: Mapped[list[list[int]] | None] = mapped_column("integer[][]")
    prices: Mapped[list[Decimal] | None] = mapped_column("numeric(10, 2)[]")
    doubled: Mapped[int] = mapped_column("integer", generated="whole * 2")
    class_: Mapped[str | None] = mapped_column(column="class")


class LabBase(DeclarativeBase):
    """A base of one's own, for the models of a namespace."""

    __abstract__ = True


class Tenant(Timestamps, LabBase):
    __table_args__ = (
        ForeignKeyConstraint(
            ["code", "leader_number"],
            "members",
            ["tenant_code", "number"],
            name="tenant_leader_fkey",
            deferrable=True,
            initially_deferred=True,
        ),
        {"schema": "lab", "comment": "Holds the leader, who is one of its own members: a cycle."},
    )

    code: Mapped[str] = mapped_column("varchar(10)", primary_key=True)
    leader_number: Mapped[int | None] = mapped_column("integer")
    members: Mapped[list[Member]] = relationship(back_populates="tenant", foreign_key="tenant_code")
    leader: Mapped[Member | None] = relationship(foreign_key=["code", "leader_number"])


class TenantOwned:
    """What every table of a tenant has: columns of one's own to mix in."""

    tenant_code: Mapped[str] = mapped_column(
        "varchar(10)",
        ForeignKey("tenant.code", on_delete="cascade", on_update="cascade"),
        primary_key=True,
    )


class Member(TenantOwned, SoftDelete, Timestamps, Versioned, LabBase):
    __tablename__ = "members"
    __table_args__ = (
        ForeignKeyConstraint(["mentor_tenant", "mentor_number"], "members", on_delete="set null"),
        {"schema": "lab"},
    )

    number: Mapped[int] = mapped_column("integer", primary_key=True)
    mentor_tenant: Mapped[str | None] = mapped_column("varchar(10)")
    mentor_number: Mapped[int | None] = mapped_column("integer")
    tenant: Mapped[Tenant] = relationship(back_populates="members", foreign_key="tenant_code")
    mentor: Mapped[Member | None] = relationship(back_populates="pupils")
    pupils: Mapped[list[Member]] = relationship(back_populates="mentor")


class Account(Base):
    __tablename__ = "accounts"

    id: Mapped[UUID] = mapped_column(primary_key=True, server_default="gen_random_uuid()")
    email: Mapped[str] = mapped_column(unique=True)
    sent: Mapped[list[Transfer]] = relationship(back_populates="sender", foreign_key="sender_id")
    received: Mapped[list[Transfer]] = relationship(
        back_populates="receiver", foreign_key="receiver_email"
    )
    groups: Mapped[list[Group]] = relationship(
        secondary="account_groups", back_populates="accounts"
    )


class Transfer(Base):
    __tablename__ = "transfers"

    id: Mapped[int] = mapped_column("integer", primary_key=True)
    sender_id: Mapped[UUID] = mapped_column(
        ForeignKey("accounts.id", on_delete="restrict"), index=True
    )
    receiver_email: Mapped[str | None] = mapped_column(
        ForeignKey("accounts.email", on_delete="set null", on_update="cascade", deferrable=True)
    )
    amount: Mapped[Decimal] = mapped_column("numeric(12, 2)")
    sender: Mapped[Account] = relationship(back_populates="sent", foreign_key="sender_id")
    receiver: Mapped[Account | None] = relationship(
        back_populates="received", foreign_key="receiver_email"
    )


class Group(Base):
    __tablename__ = "order"

    id: Mapped[int] = mapped_column("smallint", primary_key=True, identity=False)
    user: Mapped[str] = mapped_column(index=True)
    accounts: Mapped[list[Account]] = relationship(
        secondary="account_groups", back_populates="groups"
    )
