"""Which element of the old schema is which of the new one. Nothing is guessed.

An element is the same as before if the schema or a flag says so, if its Python name is the same, or
else if its name in PostgreSQL is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.diagnostics.refusal import problem
from ormkit_gen.ir import Domain, Enum, Model, NumberSequence, Partition, Position, Schema
from ormkit_gen.migrations.answers import Answers

Names = dict[str, str]
_CONSTRAINTS = ("uniques", "checks", "foreign_keys", "indexes", "excludes")


@dataclass(slots=True)
class Pairing:
    """The names of the old schema's elements, each with the one in the new schema."""

    #: Python names of models.
    models: Names = field(default_factory=Names)
    #: Python names of columns, by the old model's.
    columns: dict[str, Names] = field(default_factory=dict[str, Names])
    #: Python names of enums.
    enums: Names = field(default_factory=Names)
    #: Labels, by the old enum's Python name.
    labels: dict[str, Names] = field(default_factory=dict[str, Names])
    #: Names of constraints and indexes that the schema says were renamed, by the old model's.
    constraints: dict[str, Names] = field(default_factory=dict[str, Names])
    #: Names of partitions, by the old model's.
    partitions: dict[str, Names] = field(default_factory=dict[str, Names])
    #: Domains and sequences by their full names, and what the schema has as SQL by its labels.
    domains: Names = field(default_factory=Names)
    sequences: Names = field(default_factory=Names)
    objects: Names = field(default_factory=Names)
    #: What is wrong with hints and flags, and what has no answer.
    problems: list[Diagnostic] = field(default_factory=list[Diagnostic])
    #: Hints that are done with.
    warnings: list[Diagnostic] = field(default_factory=list[Diagnostic])

    def inverted(self) -> Pairing:
        """Return the pairs the other way round."""
        return Pairing(
            models=_inverted(self.models),
            columns=self._by_new(self.models, self.columns),
            enums=_inverted(self.enums),
            labels=self._by_new(self.enums, self.labels),
            constraints=self._by_new(self.models, self.constraints),
            partitions=self._by_new(self.models, self.partitions),
            domains=_inverted(self.domains),
            sequences=_inverted(self.sequences),
            objects=_inverted(self.objects),
        )

    def _by_new(self, owners: Names, parts: Mapping[str, Names]) -> dict[str, Names]:
        return {owners[name]: _inverted(each) for name, each in parts.items() if name in owners}


def _inverted(names: Names) -> Names:
    return {now: was for was, now in names.items()}


#: What has a name in PostgreSQL only.
_Placed = Domain | NumberSequence | Partition
#: The kinds of what the schema has as SQL that PostgreSQL gives another name.
RENAMED_KINDS = frozenset(
    ("view", "materialized view", "function", "procedure", "statistics", "type", "domain")
)


class _Element(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def renamed_from(self) -> str | None: ...

    @property
    def at(self) -> Position | None: ...


def pair(old: Schema, new: Schema, answers: Answers) -> Pairing:
    """Return which element of a schema is which of the next one."""
    return _Pairs(old, new, answers).found


class _Pairs:
    def __init__(self, old: Schema, new: Schema, answers: Answers) -> None:
        self.old, self.new, self.answers = old, new, answers
        self.found = Pairing()
        self._models()
        for was, now in self.found.models.items():
            self._columns(old.model(was), new.model(now))
            self._constraints(old.model(was), new.model(now))
            self._partitions(old.model(was), new.model(now))
        self._enums()
        for was, now in self.found.enums.items():
            self._labels(old.enum(was), new.enum(now))
        self._domains()
        self._sequences()
        self._objects()

    def _models(self) -> None:
        olds = {each.name: _model_names(each) for each in self.old.models}
        news = {each.name: _model_names(each) for each in self.new.models}
        hints = self._hints("model", self.old.models, self.new.models, olds, "")
        hints.update(self._flags(olds, news))
        paired = _paired(olds, news, hints)
        paired.update(self._associations(paired))
        self.found.models = paired
        # A table may become a partition of another one.
        parts = {_full_name(part) for each in self.new.models for part in partitions_of(each)}
        stay = {each.name for each in self.old.models if _full_name(each) in parts}
        self._ask(
            [each for each in olds if each not in paired and each not in stay],
            [each for each in news if each not in paired.values()],
            {each.name: _full_name(each) for each in self.old.models},
            {each.name: _full_name(each) for each in self.new.models},
            "table",
        )

    def _associations(self, paired: Mapping[str, str]) -> Names:
        """Return tables of relationships whose Python name has stayed, though theirs has not."""
        found: Names = {}
        for was, now in paired.items():
            news = {each.name: each.secondary for each in self.new.model(now).relationships}
            for each in self.old.model(was).relationships:
                there = news.get(each.name)
                if each.secondary is None or there is None or each.secondary in paired:
                    continue
                is_free = there not in paired.values() and each.secondary not in found
                both = self.old.model(each.secondary), self.new.model(there)
                if is_free and all(side.is_association for side in both):
                    found[each.secondary] = there
        return found

    def _columns(self, old: Model, new: Model) -> None:
        is_asked = self.answers.renames or any(each.renamed_from for each in new.columns)
        if old is new and not is_asked:
            self.found.columns[old.name] = {each.name: each.name for each in old.columns}
            return
        olds = {each.name: (each.name, each.db_name) for each in old.columns}
        news = {each.name: (each.name, each.db_name) for each in new.columns}
        hints = self._hints("column", old.columns, new.columns, olds, f"{new.name}.")
        hints.update(self._flags(olds, news, _model_names(old), _model_names(new)))
        if old.is_association and new.is_association:
            hints.update(self._association_columns(old, new))
        paired = _paired(olds, news, hints)
        self.found.columns[old.name] = paired
        tables = _full_name(old), _full_name(new)
        self._ask(
            [each for each in olds if each not in paired],
            [each for each in news if each not in paired.values()],
            {each.name: f"{tables[0]}.{each.db_name}" for each in old.columns},
            {each.name: f"{tables[1]}.{each.db_name}" for each in new.columns},
            "column",
        )

    def _association_columns(self, old: Model, new: Model) -> Names:
        """Return the columns of a relationship's table, by what they reference."""
        found: Names = {}
        left = list(_keys(new, {}))
        for target, columns in _keys(old, self.found.models):
            same = (each for each in left if each[0] == target and len(each[1]) == len(columns))
            key = next(same, None)
            if key is not None:
                left.remove(key)
                found.update(zip(key[1], columns, strict=True))
        return found

    def _constraints(self, old: Model, new: Model) -> None:
        names: Names = {}
        for kind in _CONSTRAINTS:
            olds = getattr(old, kind)
            known = {each.name: (each.name,) for each in olds}
            kind_name = kind.removesuffix("s").replace("_", " ").replace("indexe", "index")
            hints = self._hints(kind_name, olds, getattr(new, kind), known, f"{new.name}: ")
            names.update({was: now for now, was in hints.items()})
        self.found.constraints[old.name] = names

    def _enums(self) -> None:
        olds = {each.name: _enum_names(each) for each in self.old.enums}
        news = {each.name: _enum_names(each) for each in self.new.enums}
        hints = self._hints("enum", self.old.enums, self.new.enums, olds, "")
        hints.update(self._flags(olds, news))
        paired = _paired(olds, news, hints)
        self.found.enums = paired
        self._ask(
            [each for each in olds if each not in paired],
            [each for each in news if each not in paired.values()],
            {each.name: _full_name(each) for each in self.old.enums},
            {each.name: _full_name(each) for each in self.new.enums},
            "enum",
            is_data=False,
        )

    def _labels(self, old: Enum, new: Enum) -> None:
        olds = {label: (label,) for _, label in old.members}
        news = {label: (label,) for _, label in new.members}
        hints: Names = {}
        for now, was in new.renamed_values:
            if (now, was) in old.renamed_values or (now in olds and was not in olds):
                self._done(f"the value {now!r} of {new.name}", new.at)
            elif was in olds:
                hints[now] = was
            else:
                self._unknown(f"the value {now!r} of {new.name}", was, new.at)
        hints.update(self._flags(olds, news, _enum_names(old), _enum_names(new)))
        paired = _paired(olds, news, hints)
        self.found.labels[old.name] = paired
        mapped = {was for was, _ in new.removed}
        for was, _ in new.removed:
            if was not in olds:
                self._done(f"`removed` of {was!r} in {new.name}", new.at)
        table = _full_name(old)
        self._ask(
            [each for each in olds if each not in paired and each not in mapped],
            [each for each in news if each not in paired.values()],
            {each: f"{table}.{each}" for each in olds},
            {each: f"{_full_name(new)}.{each}" for each in news},
            "value",
        )

    def _partitions(self, old: Model, new: Model) -> None:
        if not (old.partitions or new.partitions):
            return
        # A partition may become a table of its own.
        tables = {_full_name(each) for each in self.new.models}
        olds = [each for each in partitions_of(old) if _full_name(each) not in tables]
        news = list(partitions_of(new))
        names = {each.name for each in news}
        # Those below one that goes go with it.
        implied = {
            below.name
            for each in olds
            if each.name not in names
            for below in partitions_of(each)
            if below.name not in names
        }
        olds = [each for each in olds if each.name not in implied]
        short = _full_name(new) if new.schema else new.table
        paired = self._by_name(
            "partition", olds, news, key=lambda each: each.name, within=(short, new.name, new.table)
        )
        self.found.partitions[old.name] = paired

    def _domains(self) -> None:
        found = self._by_name("domain", self.old.domains, self.new.domains, is_data=False)
        self.found.domains = found

    def _sequences(self) -> None:
        # A sequence goes with the column that it belongs to.
        olds = [each for each in self.old.sequences if not self._is_owner_gone(each)]
        self.found.sequences = self._by_name("sequence", olds, self.new.sequences)

    def _is_owner_gone(self, sequence: NumberSequence) -> bool:
        if sequence.owner is None:
            return False
        model, column = sequence.owner
        return column not in self.found.columns.get(model, {})

    def _objects(self) -> None:
        """Pair what the schema has as SQL; only a flag says that it has another name."""
        olds, news = (
            {
                each.label: _object_names(each.name)
                for each in side.objects
                if each.kind in RENAMED_KINDS
            }
            for side in (self.old, self.new)
        )
        flags = self._flags(olds, news)
        self.found.objects = {was: now for now, was in flags.items()}

    def _by_name(
        self,
        kind: str,
        olds: Sequence[_Placed],
        news: Sequence[_Placed],
        *,
        key: Callable[[_Placed], str] | None = None,
        is_data: bool = True,
        within: tuple[str, ...] = (),
    ) -> Names:
        """Return what is which of elements that have a name in PostgreSQL only.

        within: the names of the table whose other partitions may take the rows.
        """
        name_of = key or _full_name
        before, after = ({name_of(each): each for each in side} for side in (olds, news))
        old_names, new_names = (
            {name: (each.name, _full_name(each), _whole_name(each)) for name, each in side.items()}
            for side in (before, after)
        )
        hints: Names = {}
        for name, each in after.items():
            if each.renamed_from is None:
                continue
            was = _find(each.renamed_from, old_names)
            there = before.get(name)
            if there is not None and (there.renamed_from == each.renamed_from or was is None):
                self._done(f"the {kind} {each.name}", each.at)
            elif was is not None:
                hints[name] = was
            else:
                self._unknown(f"the {kind} {each.name}", each.renamed_from, each.at)
        hints.update(self._flags(old_names, new_names))
        paired = _paired(old_names, new_names, hints)
        self._ask(
            [each for each in before if each not in paired],
            [each for each in after if each not in paired.values()],
            {name: _full_name(each) for name, each in before.items()},
            {name: _full_name(each) for name, each in after.items()},
            kind,
            is_data=is_data,
            within=within,
        )
        return paired

    def _hints(
        self,
        kind: str,
        olds: Sequence[_Element],
        news: Sequence[_Element],
        names: Mapping[str, tuple[str, ...]],
        within: str,
    ) -> Names:
        """Return what `renamed_from` says: new Python names, with the old ones."""
        hints: Names = {}
        by_name = {each.name: each for each in olds}
        for each in news:
            if each.renamed_from is None:
                continue
            what = f"the {kind} {within}{each.name}"
            was = _find(each.renamed_from, names)
            before = by_name.get(each.name)
            if before is not None and (before.renamed_from == each.renamed_from or was is None):
                self._done(what, each.at)
            elif was is not None:
                hints[each.name] = was
            else:
                self._unknown(what, each.renamed_from, each.at)
        return hints

    def _flags(
        self,
        olds: Mapping[str, tuple[str, ...]],
        news: Mapping[str, tuple[str, ...]],
        old_owner: tuple[str, ...] = (),
        new_owner: tuple[str, ...] = (),
    ) -> Names:
        """Return what `--rename` says: new Python names, with the old ones."""
        found: Names = {}
        for before, after in self.answers.renames:
            was = _find(before, _within(olds, old_owner))
            # The table may have a new name as well, and a flag may say the old one.
            now = _find(after, _within(news, (*new_owner, *old_owner)))
            if now is None and new_owner and "." not in after:
                now = _find(after, news)  # `--rename users.mail=email` says enough.
            if was is not None and now is not None:
                self.answers.use_rename(before, after)
                found[now] = was
        return found

    def _ask(
        self,
        gone: Sequence[str],
        fresh: Sequence[str],
        old_names: Mapping[str, str],
        new_names: Mapping[str, str],
        kind: str,
        *,
        is_data: bool = True,
        within: tuple[str, ...] = (),
    ) -> None:
        """Record what is gone and has no answer, with the flags that answer."""
        left = [each for each in gone if not self.answers.may_drop(old_names[each], each)]
        if left and fresh and self.answers.consents_to("rewrite", *within):
            return
        if not left or not (is_data or fresh):
            return
        for each in left:
            name = old_names[each]
            flags = [f"--rename {name}={new_names[other]}" for other in fresh]
            flags.append(f"--drop {name}")
            if fresh and within:
                flags.append(f"--consent rewrite:{within[0]}, which moves its rows to the new ones")
            if fresh:
                others = ", ".join(new_names[other] for other in fresh)
                message = f"the {kind} {name} is gone, and there is new: {others}"
            else:
                message = f"the {kind} {name} is gone, and its data would be lost"
            remedy = f"pass {' or '.join(flags)}"
            self.found.problems.append(problem("lost-data", message, remedy))

    def _done(self, what: str, at: Position | None) -> None:
        remedy = "delete the setting"
        message = f"{what}: a migration has done what its setting says"
        self.found.warnings.append(Diagnostic("warning", "done-hint", message, remedy, at))

    def _unknown(self, what: str, was: str, at: Position | None) -> None:
        message = f"{what} is renamed from {was!r}, which the last migration does not have"
        remedy = "correct the name, or delete the setting"
        self.found.problems.append(problem("unknown-rename", message, remedy, at))


def _paired(
    olds: Mapping[str, tuple[str, ...]],
    news: Mapping[str, tuple[str, ...]],
    hints: Mapping[str, str],
) -> Names:
    """Return the pairs of old and new names: hints, then Python names, then those of PostgreSQL."""
    found = {was: now for now, was in hints.items()}
    taken = set(found.values())
    for was in olds:
        if was in news and was not in found and was not in taken:
            found[was] = was
            taken.add(was)
    for was, names in olds.items():
        if was in found:
            continue
        for now, others in news.items():
            if now not in taken and names[-1] == others[-1]:
                found[was] = now
                taken.add(now)
                break
    return {was: found[was] for was in olds if was in found}


def _find(name: str, names: Mapping[str, tuple[str, ...]]) -> str | None:
    """Return the Python name of what is called so, in Python or in PostgreSQL."""
    if name in names and name in names[name]:
        return name
    return next((each for each, known in names.items() if name in known), None)


def _within(
    names: Mapping[str, tuple[str, ...]], owner: tuple[str, ...]
) -> Mapping[str, tuple[str, ...]]:
    """Return the names as flags write them, behind each name of their owner."""
    if not owner:
        return names
    return {
        each: tuple(f"{whole}.{part}" for whole in owner for part in known)
        for each, known in names.items()
    }


def _model_names(model: Model) -> tuple[str, ...]:
    full = f"{model.schema or 'public'}.{model.table}"
    return (model.name, model.table, full)


def _enum_names(enum: Enum) -> tuple[str, ...]:
    return (enum.name, enum.db_name, f"{enum.schema or 'public'}.{enum.db_name}")


def partitions_of(whole: Model | Partition) -> Iterator[Partition]:
    """Yield the partitions of a table, each before those below it."""
    waiting = list(whole.partitions)
    while waiting:
        first = waiting.pop(0)
        yield first
        waiting = [*first.partitions, *waiting]


def _full_name(each: Model | Enum | _Placed) -> str:
    schema = each.schema if each.schema != "public" else None
    return f"{schema}.{_own_name(each)}" if schema else _own_name(each)


def _whole_name(each: _Placed) -> str:
    return f"{each.schema or 'public'}.{each.name}"


def _own_name(each: Model | Enum | _Placed) -> str:
    if isinstance(each, Model):
        return each.table
    return each.db_name if isinstance(each, Enum) else each.name


def _object_names(name: str) -> tuple[str, ...]:
    """Return the names by which flags may call what the schema has as SQL."""
    short = name.removeprefix("public.")
    return (name, short, name.partition("(")[0], short.partition("(")[0])


def _keys(model: Model, models: Mapping[str, str]) -> Iterable[tuple[str, tuple[str, ...]]]:
    return [(models.get(each.target, each.target), each.columns) for each in model.foreign_keys]
