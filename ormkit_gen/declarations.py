"""What the names of a Python schema record: settings, under their names in TOML.

`declarative.py` is what a schema file imports them from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ormkit_gen.spellings import with_hints


def given(**settings: Any) -> dict[str, Any]:
    """Return the settings that the file gives."""
    return {name: value for name, value in settings.items() if value is not None}


class Declaration:
    """Settings as written in the file, with their names in TOML."""

    def __init__(self, **settings: Any) -> None:
        self.settings = given(**settings)


class ColumnDeclaration(Declaration):
    """The arguments of mapped_column()."""


class ComputedDeclaration(Declaration):
    """The arguments of computed()."""


class RelationshipDeclaration(Declaration):
    """The arguments of relationship()."""


class ForeignKey(Declaration):
    """The column that a foreign key references: ForeignKey("users.id", on_delete="cascade").

    ondelete, onupdate: other names for on_delete and on_update.
    """

    @with_hints
    def __init__(
        self,
        column: str,
        *,
        on_delete: str | None = None,
        on_update: str | None = None,
        ondelete: str | None = None,
        onupdate: str | None = None,
        deferrable: bool | None = None,
        initially_deferred: bool | None = None,
        match: str | None = None,
        on_delete_columns: Sequence[str] | None = None,
        not_valid: bool | None = None,
    ) -> None:
        super().__init__(
            match=match,
            on_delete_columns=list(on_delete_columns) if on_delete_columns else None,
            not_valid=not_valid,
            foreign_key=column,
            on_delete=on_delete,
            on_update=on_update,
            ondelete=ondelete,
            onupdate=onupdate,
            deferrable=deferrable,
            initially_deferred=initially_deferred,
        )


class TableArgument(Declaration):
    """A constraint or index in __table_args__; `section` is its array of tables in TOML."""

    section: ClassVar[str]


class Index(TableArgument):
    """An index over columns, by name or as a dict with column or expression and options."""

    section = "indexes"

    @with_hints
    def __init__(
        self,
        *columns: str | Mapping[str, Any],
        name: str | None = None,
        method: str | None = None,
        unique: bool | None = None,
        where: str | None = None,
        include: Sequence[str] | None = None,
        nulls_not_distinct: bool | None = None,
        storage: Mapping[str, Any] | None = None,
        comment: str | None = None,
        renamed_from: str | None = None,
    ) -> None:
        super().__init__(
            nulls_not_distinct=nulls_not_distinct,
            storage=dict(storage) if storage else None,
            comment=comment,
            renamed_from=renamed_from,
            columns=list(columns),
            name=name,
            method=method,
            unique=unique,
            where=where,
            include=list(include) if include else None,
        )


class PrimaryKeyConstraint(TableArgument):
    """The primary key, where it has a name or an order of its own."""

    section = "primary_key"

    def __init__(
        self,
        *columns: str,
        name: str | None = None,
        include: Sequence[str] | None = None,
        deferrable: bool | None = None,
        initially_deferred: bool | None = None,
        comment: str | None = None,
    ) -> None:
        super().__init__(
            columns=list(columns) or None,
            name=name,
            include=list(include) if include else None,
            deferrable=deferrable,
            initially_deferred=initially_deferred,
            comment=comment,
        )


class UniqueConstraint(TableArgument):
    """A unique constraint over several columns."""

    section = "uniques"

    @with_hints
    def __init__(
        self,
        *columns: str,
        name: str | None = None,
        nulls_not_distinct: bool | None = None,
        include: Sequence[str] | None = None,
        deferrable: bool | None = None,
        initially_deferred: bool | None = None,
        storage: Mapping[str, Any] | None = None,
        comment: str | None = None,
        renamed_from: str | None = None,
    ) -> None:
        super().__init__(
            columns=list(columns),
            name=name,
            nulls_not_distinct=nulls_not_distinct,
            include=list(include) if include else None,
            deferrable=deferrable,
            initially_deferred=initially_deferred,
            storage=dict(storage) if storage else None,
            comment=comment,
            renamed_from=renamed_from,
        )


class CheckConstraint(TableArgument):
    """An SQL condition that every row must satisfy."""

    section = "checks"

    @with_hints
    def __init__(
        self,
        expression: str,
        *,
        name: str | None = None,
        not_valid: bool | None = None,
        no_inherit: bool | None = None,
        comment: str | None = None,
        renamed_from: str | None = None,
    ) -> None:
        super().__init__(
            expression=expression,
            name=name,
            not_valid=not_valid,
            no_inherit=no_inherit,
            comment=comment,
            renamed_from=renamed_from,
        )


class ForeignKeyConstraint(TableArgument):
    """A foreign key of several columns."""

    section = "foreign_keys"

    @with_hints
    def __init__(
        self,
        columns: Sequence[str],
        target: str,
        target_columns: Sequence[str] = (),
        *,
        name: str | None = None,
        on_delete: str | None = None,
        on_update: str | None = None,
        ondelete: str | None = None,
        onupdate: str | None = None,
        deferrable: bool | None = None,
        initially_deferred: bool | None = None,
        match: str | None = None,
        on_delete_columns: Sequence[str] | None = None,
        not_valid: bool | None = None,
        comment: str | None = None,
        renamed_from: str | None = None,
    ) -> None:
        super().__init__(
            match=match,
            on_delete_columns=list(on_delete_columns) if on_delete_columns else None,
            not_valid=not_valid,
            comment=comment,
            renamed_from=renamed_from,
            columns=list(columns),
            target=target,
            target_columns=list(target_columns) or None,
            name=name,
            on_delete=on_delete,
            on_update=on_update,
            ondelete=ondelete,
            onupdate=onupdate,
            deferrable=deferrable,
            initially_deferred=initially_deferred,
        )


class ExcludeConstraint(TableArgument):
    """An exclusion constraint: pairs of a column and an operator that no two rows may satisfy."""

    section = "excludes"

    @with_hints
    def __init__(
        self,
        *elements: tuple[str, str] | Mapping[str, Any],
        name: str | None = None,
        method: str | None = None,
        where: str | None = None,
        deferrable: bool | None = None,
        initially_deferred: bool | None = None,
        comment: str | None = None,
        renamed_from: str | None = None,
    ) -> None:
        super().__init__(
            deferrable=deferrable,
            initially_deferred=initially_deferred,
            comment=comment,
            renamed_from=renamed_from,
            elements=[
                {"column": each[0], "operator": each[1]} if isinstance(each, tuple) else dict(each)
                for each in elements
            ],
            name=name,
            method=method,
            where=where,
        )
