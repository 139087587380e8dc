"""The columns of one table that take the place of others: what is built, filled and named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ormkit.catalog import Fact
from ormkit.migrations.files import NOTHING
from ormkit_gen.drift.parts import changed, identity_text
from ormkit_gen.drift.sides import beside, kind_and_name
from ormkit_gen.migrations.computed import SETTINGS, Computed, computed
from ormkit_gen.migrations.dependents import dependents
from ormkit_gen.migrations.indexing import UNIQUE, concurrently, unique_index
from ormkit_gen.migrations.numbering import numbering, taken_over
from ormkit_gen.migrations.partitioned import built, renamed
from ormkit_gen.migrations.pieces import Piece, Rank
from ormkit_gen.migrations.situation import PREPARED, REPLACED, Situation, ending, quoted
from ormkit_gen.migrations.walks import updating
from ormkit_gen.postgres.sql_names import plain_name
from ormkit_gen.schema.names import constraint_name

Key = tuple[str, str, str]
#: What is set for an index once it is there.
_OF_INDEXES = ("clustered", "index statistics", "index tablespace")
_SHOWN = 10
#: From this version on, NOT NULL may be NOT VALID.
_NOT_NULL_NOT_VALID = 18
#: The last one in the order of names.
_TRIGGER = "zzz_ormkit_move"


@dataclass(frozen=True, slots=True)
class MovedColumn:
    """A column that gets another type."""

    #: The table as SQL, and the plain name of the column.
    table: str
    name: str
    #: The type of the column that takes its place, as SQL.
    type: str
    #: Returns what the value of a column becomes, as SQL.
    value: Callable[[str], str]

    @property
    def own(self) -> str:
        """The column, as SQL."""
        return quoted(self.name)

    @property
    def prepared(self) -> str:
        """The plain name of the new column until it takes the place of the old one."""
        return ending(self.name, PREPARED)

    @property
    def fresh(self) -> str:
        """The new column, as SQL."""
        return quoted(self.prepared)

    @property
    def plain_type(self) -> str:
        """The type without a collation."""
        return self.type.partition(" COLLATE ")[0]

    def fact(self, kind: str) -> Key:
        """Return the key of a fact about the column."""
        return f"table {self.table}", kind, self.name


@dataclass(frozen=True, slots=True)
class TypeSwap:
    """A type that gets its name in the transaction that swaps the columns."""

    #: Statements that give the new type the name, while the old one is there.
    names: tuple[str, ...]
    #: Statements that undo that.
    undo: tuple[str, ...]
    #: What drops the old type, and gives the new one its name.
    swap: tuple[str, ...]


class MovedTable:
    """The columns of one table that others take the place of."""

    def __init__(
        self,
        name: str,
        columns: list[MovedColumn],
        now: Situation,
        types: tuple[str, ...],
        swap: TypeSwap | None,
    ) -> None:
        self.name, self.columns = name, columns
        self.whole = f"table {name}"
        self.plain = plain_name(name)
        #: The foreign keys on a side of which a column is, in the order of their names.
        self.keys: dict[Key, None] = {}
        self._now, self._types, self._swap = now, types, swap
        #: The columns that PostgreSQL computes from these.
        self.computed = Computed()
        #: What is about the columns, by its kind and name: before, and as it is for the new ones.
        self._before: dict[tuple[str, str], str] = {}
        self._after: dict[tuple[str, str], str] = {}

    async def obstacle(self) -> str:
        """Return what cannot be built beside the columns; empty if they can be moved."""
        now = self._now
        if self._is_family():
            return "triggers do not reach the tables that inherit from it"
        adds = (f"ALTER TABLE {self.name} {_adds(each)};" for each in self.columns)
        if is_written := await now.trial.rewrites((*self._types, *adds), self.name):
            return "PostgreSQL looks at every row when a column of a domain with checks is added"
        fills = (f"UPDATE {self.name} SET {sets};" for _, sets in self._missing())
        if is_written is None or not await now.trial.works(*fills):
            return "the new column, or its backfill beside the old one, is impossible"
        names = [each.name for each in self.columns]
        self.keys = dict.fromkeys(await now.trial.keys_over(self.name, names))
        self.computed = await computed(self.name, names, now)
        if self.computed.is_stored:
            listed = ", ".join(self.computed.names)
            return f"PostgreSQL writes every row to compute the stored column {listed} again"
        before = await now.trial.parts(self.name, names)
        if before is None or not await self._is_removable():
            return "something that cannot be made anew uses the column"
        after = await self._printed(before)
        if after is None:
            return "something about the column cannot be built for another one"
        self._before, self._after = before, after
        if any(text.startswith("EXCLUDE") for text in (*before.values(), *after.values())):
            return "PostgreSQL builds EXCLUDE constraints only while nobody writes the table"
        return ""

    async def _is_removable(self) -> bool:
        """Return whether the old columns can go: nothing else is made of them, for example."""
        around = await dependents([(self.name, each) for each in self.names], self._now)
        keys = (
            f"ALTER TABLE {kind_and_name(whole)[1]} DROP CONSTRAINT {quoted(name)};"
            for whole, _, name in self.keys
        )
        drops = (f"ALTER TABLE {self.name} DROP COLUMN {each.own};" for each in self.columns)
        return await self._now.trial.works(*around.drops, *keys, *self.computed.drops, *drops)

    @property
    def names(self) -> tuple[str, ...]:
        """The plain names of the columns, and of those that PostgreSQL computes from them."""
        return (*(each.name for each in self.columns), *self.computed.names)

    def _is_family(self) -> bool:
        """Return whether other tables have the columns, too, that are not its partitions."""
        return any(
            (
                fact.kind == "inherits"
                and fact.name in (self.name, self.name.removeprefix("public."))
            )
            or (fact.kind in ("partition", "inherits") and fact.object == self.whole)
            for fact in self._now.present
        )

    @property
    def _is_partitioned(self) -> bool:
        return self._now.is_partitioned(self.whole)

    async def _printed(
        self, before: dict[tuple[str, str], str]
    ) -> dict[tuple[str, str], str] | None:
        """Return what is about the columns in the wanted schema, as it is for the new ones.

        PostgreSQL prints it: it is built while the new columns have the names of the old ones.
        """
        wanted = self._now.wanted
        there = [f"ALTER TABLE {self.name} {_adds(each)};" for each in self.columns]
        there += [
            f"ALTER TABLE {self.name} DROP CONSTRAINT IF EXISTS {quoted(name)} CASCADE;"
            for kind, name in before
            if kind == "constraint"
        ]
        there += self._swap.names if self._swap else ()
        back: list[str] = []
        for each in self.columns:
            old = quoted(ending(each.name, REPLACED))
            rename = f"ALTER TABLE {self.name} RENAME COLUMN"
            there += [f"{rename} {each.own} TO {old};", f"{rename} {each.fresh} TO {each.own};"]
            back += [f"{rename} {each.own} TO {each.fresh};", f"{rename} {old} TO {each.own};"]
        back += self._swap.undo if self._swap else ()
        tried: list[str] = []
        for fact in wanted.facts_of(self.whole):
            is_same = self._now.present.get(fact.key) == fact
            if fact.kind not in ("constraint", "index") or (
                is_same and (fact.kind, fact.name) not in before
            ):
                continue
            if fact.definition.startswith("FOREIGN KEY"):
                continue
            tried.append(_under_another_name(self.name, fact))
        fresh = [each.prepared for each in self.columns]
        return await self._now.trial.parts(
            self.name, fresh, before=(*self._types, *there), tried=tried, after=back
        )

    def prepare(self) -> Iterator[Piece]:
        """Yield what builds the new columns, and all that is about them, beside the old ones."""
        now, table = self._now, self.name
        sql = "\n".join(
            [
                f"ALTER TABLE {table} {', '.join(map(_adds, self.columns))};",
                *self._trigger(),
            ]
        )
        short = now.names(table)[1]
        note = f"--consent rewrite:{short} does this in one statement, for a small table"
        yield Piece(
            rank=Rank.MOVE, sql=sql, table=table, is_alone=True, note=note, undo=self._undo()
        )
        yield from (replace(each, undo=NOTHING) for each in self._rest())

    def _undo(self) -> str:
        """Return what removes the new columns, and with them all that was built for them."""
        drops = ", ".join(f"DROP COLUMN IF EXISTS {each.fresh}" for each in self.columns)
        return (
            f"DROP TRIGGER IF EXISTS {_TRIGGER} ON {self.name}; "
            f"DROP FUNCTION IF EXISTS {self._function}(); ALTER TABLE {self.name} {drops};"
        )

    def _rest(self) -> Iterator[Piece]:
        """Yield what fills the new columns, and what builds all that is about them."""
        now = self._now
        for each, sets in self._missing():
            yield from updating(self.name, sets, f"{each.own} IS NULL", now, Rank.MOVE)
        yield from self._fill()
        for each in self.columns:
            if now.wanted.get(each.fact("not null")) is not None:
                yield from self._not_null(each)
        yield from self._parts()
        yield self._check()

    def _missing(self) -> Iterator[tuple[MovedColumn, str]]:
        """Yield the columns that become NOT NULL, with what gives a value to rows without one."""
        now = self._now
        for each in self.columns:
            column = now.column(self.name, each.name)
            backfill = column.backfill if column is not None else None
            is_new = now.wanted.get(each.fact("not null")) and not now.present.get(
                each.fact("not null")
            )
            old = now.present.get(each.fact("column"))
            if backfill is not None and is_new and old is not None:
                type_ = old.definition.partition(" COLLATE ")[0]
                yield each, f"{each.own} = ({backfill})::{type_}"

    def _trigger(self) -> Iterator[str]:
        """Yield what keeps the new columns equal to the old ones."""
        sets = "\n".join(
            f"    NEW.{each.fresh} := {each.value(f'NEW.{each.own}')};" for each in self.columns
        )
        yield (
            f"CREATE FUNCTION {self._function}() RETURNS trigger LANGUAGE plpgsql AS $ormkit$\n"
            f"BEGIN\n{sets}\n    RETURN NEW;\nEND\n$ormkit$;"
        )
        # It is the last one in the order of names: others may change the old columns.
        yield (
            f"CREATE TRIGGER {_TRIGGER} BEFORE INSERT OR UPDATE ON {self.name}\n"
            f"    FOR EACH ROW EXECUTE FUNCTION {self._function}();"
        )

    @property
    def _function(self) -> str:
        columns = tuple(each.name for each in self.columns)
        return beside(self.name, quoted(constraint_name(self.plain, columns, "ormkit_move")))

    def _fill(self) -> Iterator[Piece]:
        sets = ", ".join(f"{each.fresh} = {each.value(each.own)}" for each in self.columns)
        is_open = " OR ".join(
            f"({each.fresh} IS NULL AND {each.own} IS NOT NULL)" for each in self.columns
        )
        yield from updating(self.name, sets, f"({is_open})", self._now, Rank.MOVE)

    def _not_null(self, each: MovedColumn) -> Iterator[Piece]:
        """Yield what makes a new column NOT NULL, without a scan while others wait."""
        now, alter = self._now, f"ALTER TABLE {self.name}"
        name = self._not_null_name(each)
        if now.version >= _NOT_NULL_NOT_VALID:
            now.need(_NOT_NULL_NOT_VALID)
            yield self._alone(f"{alter} ADD CONSTRAINT {name} NOT NULL {each.fresh} NOT VALID;")
            yield self._alone(f"{alter} VALIDATE CONSTRAINT {name};")
            return
        check = f"CHECK ({each.fresh} IS NOT NULL)"
        yield self._alone(f"{alter} ADD CONSTRAINT {name} {check} NOT VALID;")
        yield self._alone(f"{alter} VALIDATE CONSTRAINT {name};")
        yield self._alone(
            f"{alter} ALTER COLUMN {each.fresh} SET NOT NULL;\n{alter} DROP CONSTRAINT {name};"
        )

    def _not_null_name(self, each: MovedColumn) -> str:
        return quoted(constraint_name(self.plain, (each.name,), "ormkit_not_null"))

    def _alone(self, sql: str, *, is_concurrent: bool = False) -> Piece:
        return Piece(
            rank=Rank.MOVE,
            sql=sql,
            mode="no transaction" if is_concurrent else "transaction",
            table=self.name,
            is_alone=True,
        )

    def _parts(self) -> Iterator[Piece]:
        """Yield what builds the indexes and checks of the new columns."""
        for (kind, name), definition in self._after.items():
            if self._is_partitioned and (kind == "index" or UNIQUE.fullmatch(definition)):
                yield from self._built(kind, name, definition)
            elif kind == "index":
                yield self._alone(f"{concurrently(definition, quoted(name))};", is_concurrent=True)
            elif unique := UNIQUE.fullmatch(definition):
                yield self._alone(unique_index(unique, quoted(name), self.name), is_concurrent=True)
            else:
                add = f"ALTER TABLE {self.name} ADD CONSTRAINT {quoted(name)}"
                words = definition.removesuffix(" NOT VALID")
                yield self._alone(f"{add} {words} NOT VALID;")
                if words == definition and " NOT ENFORCED" not in words:
                    validate = f"ALTER TABLE {self.name} VALIDATE CONSTRAINT {quoted(name)};"
                    yield self._alone(validate)

    def _built(self, kind: str, name: str, definition: str) -> Iterator[Piece]:
        """Yield what builds an index of a partitioned table, partition by partition."""
        is_key = definition.startswith("PRIMARY KEY")
        for each in built(Fact(self.whole, kind, name, definition), name, self._now):
            # A table has one primary key at a time.
            if not is_key or each.rank is Rank.BUILD:
                yield replace(each, rank=Rank.MOVE)

    def _check(self) -> Piece:
        """Return what looks for values that a disabled trigger has not copied."""
        differ = " OR ".join(
            f"{each.fresh}::text IS DISTINCT FROM ({each.value(each.own)})::{each.plain_type}::text"
            for each in self.columns
        )
        shown = dict.fromkeys((*self._now.key(self.name), *(each.own for each in self.columns)))
        sql = f"SELECT {', '.join(shown)} FROM {self.name}\nWHERE {differ}\nLIMIT {_SHOWN};"
        names = ", ".join(each.name for each in self.columns)
        return Piece(
            rank=Rank.MOVE,
            sql=sql,
            mode="check",
            table=self.name,
            message=f"rows of {self.name} whose {names} was written while triggers were disabled; "
            "update these rows and resume",
            is_alone=True,
        )

    def drops(self) -> Iterator[str]:
        """Yield what removes the old columns."""
        yield f"DROP TRIGGER {_TRIGGER} ON {self.name};"
        yield f"DROP FUNCTION {self._function}();"
        for sequence in self._sequences():
            yield f"ALTER SEQUENCE {sequence} OWNED BY NONE;"
        for each in self.columns:
            old = quoted(ending(each.name, REPLACED))
            rename = f"ALTER TABLE {self.name} RENAME COLUMN"
            yield f"{rename} {each.own} TO {old};"
            yield f"{rename} {each.fresh} TO {each.own};"
            identity = self._now.wanted.get(each.fact("identity"))
            if identity is not None and not self._is_plain(each):
                text = identity_text(identity, each.type)
                yield taken_over(self.name, each.name, ending(each.name, REPLACED), text)
            yield f"ALTER TABLE {self.name} DROP COLUMN {old};"

    def _is_plain(self, each: MovedColumn) -> bool:
        """Return whether nothing has numbered the rows of a column so far."""
        return numbering(self._now.present, self.name, each.name).is_plain

    def _sequences(self) -> Iterator[str]:
        """Yield the sequences that belong to the columns once these are swapped."""
        owned = {
            f"{self.name}.{each.own}".removeprefix("public.")
            for each in self.columns
            if not self._is_plain(each)
        }
        for fact in self._now.wanted:
            kind, name = kind_and_name(fact.object)
            owner = fact.definition.partition(" OWNED BY ")[2].removeprefix("public.")
            if kind == "sequence" and fact.kind == "object" and owner in owned:
                yield name

    def finishes(self) -> Iterator[str]:
        """Yield what gives the new columns and all that is about them their names and settings."""
        wanted, alter = self._now.wanted, f"ALTER TABLE {self.name}"
        for each in self.columns:
            if (default := wanted.get(each.fact("default"))) is not None:
                yield f"{alter} ALTER COLUMN {each.own} SET DEFAULT {default.definition};"
            if wanted.get(each.fact("not null")) and self._now.version >= _NOT_NULL_NOT_VALID:
                name = quoted(constraint_name(self.plain, (each.name,), "not_null"))
                yield f"{alter} RENAME CONSTRAINT {self._not_null_name(each)} TO {name};"
            for kind in SETTINGS:
                if (fact := wanted.get(each.fact(kind))) is not None:
                    yield from _sql(fact, self._now)
            comment = wanted.get((self.whole, "comment", f"column {each.name}"))
            if comment is not None:
                yield from _sql(comment, self._now)
        for sequence in self._sequences():
            fact = wanted.get((f"sequence {sequence}", "object", ""))
            assert fact is not None
            owner = fact.definition.partition(" OWNED BY ")[2]
            yield f"ALTER SEQUENCE {sequence} OWNED BY {owner};"
        for (kind, name), definition in self._after.items():
            yield from self._named(kind, name, definition)

    def _named(self, kind: str, name: str, definition: str) -> Iterator[str]:
        """Yield what gives a part its name."""
        own = self._final(kind, name)
        alter = f"ALTER TABLE {self.name}"
        if kind == "index":
            yield f"ALTER INDEX {beside(self.name, quoted(name))} RENAME TO {quoted(own)};"
        elif self._is_partitioned:
            if definition.startswith("PRIMARY KEY"):
                key = self._now.wanted.get((self.whole, kind, own))
                assert key is not None
                parts = built(key, name, self._now)
                yield from (each.sql for each in parts if each.rank is not Rank.BUILD)
            yield f"{alter} RENAME CONSTRAINT {quoted(name)} TO {quoted(own)};"
        elif unique := UNIQUE.fullmatch(definition):
            add = f"{alter} ADD CONSTRAINT {quoted(own)} {unique['kind']} USING INDEX"
            yield f"{add} {quoted(name)}{unique['deferred'] or ''};"
        else:
            yield f"{alter} RENAME CONSTRAINT {quoted(name)} TO {quoted(own)};"
        wanted = self._now.wanted
        for also in _OF_INDEXES:
            if (fact := wanted.get((self.whole, also, own))) is not None:
                yield from _sql(fact, self._now)
        if (comment := wanted.get((self.whole, "comment", f"{kind} {own}"))) is not None:
            yield from _sql(comment, self._now)
        replica = wanted.get((self.whole, "replica identity", ""))
        if replica is not None and replica.definition == f"USING INDEX {quoted(own)}":
            yield from _sql(replica, self._now)

    def renamed(self) -> Iterator[Piece]:
        """Yield what gives the parts of partitions their names."""
        if not self._is_partitioned:
            return
        for (kind, name), definition in self._after.items():
            what = "INDEX" if kind == "index" else "CONSTRAINT"
            if kind == "index" or UNIQUE.fullmatch(definition):
                yield from renamed(self.name, name, self._final(kind, name), self._now, what)

    def _final(self, kind: str, prepared: str) -> str:
        """Return the name that a part gets at the end."""
        return next(
            fact.name
            for fact in self._now.wanted.facts_of(self.whole, kind)
            if ending(fact.name, PREPARED) == prepared
        )

    def take(self) -> None:
        """Remember that all of this is planned."""
        now = self._now
        now.done |= self.computed.keys
        for each in self.columns:
            for kind in ("column", "default", "not null", "identity", *SETTINGS):
                now.done.add(each.fact(kind))
            now.done.add((self.whole, "comment", f"column {each.name}"))
        parts = {*self._before, *((kind, self._final(kind, name)) for kind, name in self._after)}
        for kind, name in parts:
            now.done.add((self.whole, kind, name))
            now.done.add((self.whole, "comment", f"{kind} {name}"))
            for also in _OF_INDEXES:
                now.done.add((self.whole, also, name))


def _adds(each: MovedColumn) -> str:
    return f"ADD COLUMN {each.fresh} {each.type}"


def _under_another_name(table: str, fact: Fact) -> str:
    """Return what builds a constraint or an index under the name that it has at first."""
    name = quoted(ending(fact.name, PREPARED))
    if fact.kind == "index":
        return f"{concurrently(fact.definition, name, '')};"
    return f"ALTER TABLE {table} ADD CONSTRAINT {name} {fact.definition};"


def _sql(fact: Fact, now: Situation) -> Iterator[str]:
    return (each.sql for each in changed(fact, None, now.fresh))
