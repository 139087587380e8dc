"""What the person who makes a migration says about it: flags, and the questions they answer."""

from __future__ import annotations

from dataclasses import dataclass, field

from ormkit_gen.diagnostics.diagnostic import Diagnostic
from ormkit_gen.diagnostics.refusal import Refusal, problem

#: Why a plan is not online; `--consent REASON:TABLE` agrees to it.
REASONS = {
    "rewrite": "PostgreSQL writes the whole table anew, and nobody reads or writes it meanwhile",
    "scan": "PostgreSQL reads the whole table, and nobody reads or writes it meanwhile",
    "exclude": "an EXCLUDE constraint is checked while nobody reads or writes the table",
    "index": "PostgreSQL builds an index, and nobody writes the table meanwhile",
    "no-rows": "the change is possible only as long as the table has no rows",
}


@dataclass(slots=True)
class Answers:
    """The flags of one command, and which of them were of use."""

    #: Old and new names, as in `users.mail` and `users.email`.
    renames: tuple[tuple[str, str], ...] = ()
    #: What may lose its data, as in `users.bio`.
    drops: tuple[str, ...] = ()
    #: Hazards that are agreed to, as in `rewrite:users`.
    consents: tuple[str, ...] = ()
    _used: set[str] = field(default_factory=set[str])

    def may_drop(self, *names: str) -> bool:
        """Return whether a flag allows to drop what has one of these names."""
        found = [each for each in self.drops if each in names]
        self._used.update(f"--drop {each}" for each in found)
        return bool(found)

    def consents_to(self, reason: str, *tables: str) -> str | None:
        """Return the flag that agrees to a hazard for a table, or None."""
        for each in self.consents:
            if each in {f"{reason}:{table}" for table in tables}:
                self._used.add(f"--consent {each}")
                return each
        return None

    def use_rename(self, old: str, new: str) -> None:
        """Remember that a rename was of use."""
        self._used.add(f"--rename {old}={new}")

    def refuse_unused(self) -> None:
        """Raise Refusal for flags that say nothing about this change."""
        given = [f"--rename {old}={new}" for old, new in self.renames]
        given += [f"--drop {each}" for each in self.drops]
        given += [f"--consent {each}" for each in self.consents]
        unused = [each for each in given if each not in self._used]
        if unused:
            raise Refusal(*(_unused(each) for each in unused))


def _unused(flag: str) -> Diagnostic:
    return problem(
        "unused-flag",
        f"{flag} names nothing that this migration changes",
        "names are those of tables and columns, as in users.email; leave the flag out otherwise",
    )
