"""What planners of parts know: both catalogs, the new schema, the flags, and the shadow server."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from ormkit.catalog import Catalog, Fact
from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.diagnostics.refusal import problem
from ormkit_gen.drift.sides import Sides
from ormkit_gen.ir import Column, Index, Model, Schema
from ormkit_gen.migrations.answers import Answers
from ormkit_gen.migrations.trial import Trial
from ormkit_gen.postgres.identifiers import quote_identifier
from ormkit_gen.schema.names import MAX_IDENTIFIER

#: Ends the names of what is built before it takes the place of something else.
PREPARED = "_ormkit_new"
#: Ends the names of what is about to be dropped.
REPLACED = "_ormkit_old"
_COLUMNS = r'\((?P<columns>(?:"(?:[^"]|"")+"|[^")(])+)\)'
_KEY = re.compile(rf"(?:PRIMARY KEY|UNIQUE(?: NULLS NOT DISTINCT)?) {_COLUMNS}")
#: One over all rows, of columns in the order that comparisons have.
_UNIQUE_INDEX = re.compile(rf"CREATE UNIQUE INDEX .* USING btree {_COLUMNS}(?!.* WHERE )")
_NAME = re.compile(r'"(?:[^"]|"")+"|[^\s,"]+')


@dataclass(slots=True)
class Situation:
    """Everything about one change that planners ask for."""

    #: What the migration has to lead to, and what there is once everything has its new name.
    wanted: Catalog
    present: Catalog
    #: The schema that `wanted` is built of.
    schema: Schema
    answers: Answers
    trial: Trial
    #: The major version of PostgreSQL that runs the migration.
    version: int
    #: Names that something has for the time between two phases, and the ones that flags know.
    aliases: dict[str, str] = field(default_factory=dict[str, str])
    problems: list[Diagnostic] = field(default_factory=list[Diagnostic])
    #: What is planned together with something else.
    done: set[tuple[str, str, str]] = field(default_factory=set[tuple[str, str, str]])
    #: Why columns of tables cannot get their types beside the old ones, by the tables as SQL.
    reasons: dict[str, str] = field(default_factory=dict[str, str])
    #: The oldest version that runs the plan.
    minimum_server: int | None = None
    _models: dict[str, Model] = field(default_factory=dict[str, Model])

    def __post_init__(self) -> None:
        for model in self.schema.models:
            name = f"{quote_identifier(model.schema or 'public')}.{quote_identifier(model.table)}"
            self._models[name] = model

    @property
    def sides(self) -> Sides:
        """Both catalogs, as drift has them."""
        return Sides(self.wanted, self.present)

    @property
    def fresh(self) -> Sides:
        """The wanted catalog, and an empty one: what creates an object that was dropped before."""
        return Sides(self.wanted, Catalog((), self.wanted.server_version))

    def model(self, table: str) -> Model | None:
        """Return the model of a table, which is given as SQL."""
        return self._models.get(table)

    def column(self, table: str, name: str) -> Column | None:
        """Return the column of a table by its plain name in PostgreSQL."""
        model = self._models.get(table)
        columns = model.columns if model else ()
        return next((each for each in columns if each.db_name == name), None)

    def index(self, table: str, name: str) -> Index | None:
        """Return the index of a table by its plain name."""
        model = self._models.get(table)
        return next((each for each in model.indexes if each.name == name), None) if model else None

    def key(self, table: str) -> tuple[str, ...]:
        """Return the columns that tell the rows of a table apart, as SQL; empty without any.

        They have a value in each row.
        """
        whole = f"table {table}"
        filled = {quoted(each.name) for each in self.present.facts_of(whole, "not null")}
        unique: list[tuple[str, ...]] = []
        for kind, form in (("constraint", _KEY), ("index", _UNIQUE_INDEX)):
            for fact in self.present.facts_of(whole, kind):
                found = form.match(fact.definition)
                if found is None or self.present.get((whole, "unfinished", fact.name)):
                    continue
                columns = tuple(_NAME.findall(found["columns"]))
                if fact.definition.startswith("PRIMARY KEY"):
                    return columns
                if filled.issuperset(columns):
                    unique.append(columns)
        return min(unique, key=len, default=())

    def is_there(self, whole: str) -> bool:
        """Return whether an object is there before the migration."""
        return self.present.get((whole, "object", "")) is not None

    def is_partitioned(self, whole: str) -> bool:
        """Return whether a table has partitions."""
        fact = self.present.get((whole, "object", "")) or self.wanted.get((whole, "object", ""))
        return fact is not None and "PARTITION BY" in fact.definition

    def names(self, table: str, column: str = "") -> tuple[str, ...]:
        """Return the names by which flags may call a table or its column."""
        plain = table.replace('"', "")
        short = plain.removeprefix("public.")
        model = self._models.get(table)
        owners = [plain, short, *([model.name] if model else [])]
        owners += [self.aliases[each] for each in owners if each in self.aliases]
        if not column:
            return tuple(owners)
        found = [f"{owner}.{column}" for owner in owners]
        return (*found, *(self.aliases[each] for each in found if each in self.aliases))

    def refuse(self, code: str, message: str, remedy: str, column: Column | None = None) -> None:
        """Record what keeps the migration from being planned."""
        self.problems.append(problem(code, message, remedy, column.at if column else None))

    def need(self, version: int) -> None:
        """Remember that the plan needs a server of this version."""
        self.minimum_server = max(version, self.minimum_server or 0)

    def take(self, fact: Fact) -> None:
        """Remember that the difference in a fact is planned already."""
        self.done.add(fact.key)


def ending(name: str, end: str) -> str:
    """Return a name with an ending, not longer than PostgreSQL keeps it.

    Long names that begin alike stay different.
    """
    if len(name.encode()) + len(end) <= MAX_IDENTIFIER:
        return f"{name}{end}"
    digest = hashlib.sha256(name.encode()).hexdigest()[:8]
    cut = name.encode()[: MAX_IDENTIFIER - len(end) - len(digest) - 1].decode(errors="ignore")
    return f"{cut}_{digest}{end}"


def quoted(name: str) -> str:
    """Return a plain name as SQL."""
    return quote_identifier(name)
