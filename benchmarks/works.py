"""The works that are measured, and what OrmKit may take for each."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from benchmarks import answers
from benchmarks.answers import Answer
from benchmarks.dataset import Sizes, person

#: What one operation is called with; a sample is a list of them.
Batch = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Work:
    """One method of every library, its arguments, and how answers are compared."""

    title: str
    method: str
    #: The arguments of each operation of a sample: from sizes, a number of them, and chance.
    batch: Callable[[Sizes, int, random.Random], Batch]
    answer: Answer
    #: How often the operation is done in one sample.
    operations: int = 1
    #: OrmKit's time over the floor's, at most; None where nothing was asked for.
    limit: float | None = None
    #: The same with coalescing off, where that is measured.
    limit_alone: float | None = None
    #: The library that others are measured by.
    floor: str = "bare"
    #: How many accounts there are before a sample; None where a work only reads.
    accounts: Callable[[Sizes], int] | None = None
    #: Rounds at most, for what takes long.
    rounds: int | None = None
    #: MiB that OrmKit may take at its peak over the start.
    memory_limit: int | None = None

    def arguments(self, sizes: Sizes, operations: int, seed: int) -> Batch:
        """Return the arguments of a sample, the same for the same seed."""
        return self.batch(sizes, operations, random.Random(seed))


def once(*values: Any) -> Callable[[Sizes, int, random.Random], Batch]:
    """Return what repeats the same operation; a value may be a function of the sizes."""

    def batch(sizes: Sizes, operations: int, _: random.Random) -> Batch:
        given = tuple(value(sizes) if callable(value) else value for value in values)
        return [given] * operations

    return batch


def random_keys(sizes: Sizes, operations: int, chance: random.Random) -> Batch:
    return [(chance.randint(1, sizes.users),) for _ in range(operations)]


def keys_of_tasks(sizes: Sizes, operations: int, chance: random.Random) -> Batch:
    def one() -> tuple[list[list[int]]]:
        everyone = range(1, sizes.users + 1)
        return ([chance.sample(everyone, sizes.gets) for _ in range(sizes.tasks)],)

    return [one() for _ in range(operations)]


def addresses(sizes: Sizes, operations: int, chance: random.Random) -> Batch:
    # One in ten does not exist.
    numbers = [chance.randint(1, sizes.users * 10 // 9) for _ in range(operations)]
    return [(person(number)["email"],) for number in numbers]


def new_accounts(sizes: Sizes, operations: int, chance: random.Random) -> Batch:
    return [(person(number + 1),) for number in range(operations)]


def many_new_accounts(sizes: Sizes, operations: int, chance: random.Random) -> Batch:
    return [([person(number + 1) for number in range(sizes.batch)],)]


def half_new_accounts(sizes: Sizes, operations: int, chance: random.Random) -> Batch:
    rows = [person(number + 1) for number in range(sizes.batch)]
    return [([{**row, "score": -1.0 - number} for number, row in enumerate(rows)],)]


def changed_scores(sizes: Sizes, operations: int, chance: random.Random) -> Batch:
    numbers = account_numbers(sizes, operations, chance)
    return [(number, chance.random()) for number in numbers]


def account_keys(sizes: Sizes, operations: int, chance: random.Random) -> Batch:
    return [(number,) for number in account_numbers(sizes, operations, chance)]


def account_numbers(sizes: Sizes, operations: int, chance: random.Random) -> list[int]:
    return chance.sample(range(1, sizes.accounts + 1), min(operations, sizes.accounts))


def all_accounts(sizes: Sizes) -> int:
    return sizes.accounts


def half_a_batch(sizes: Sizes) -> int:
    return sizes.batch // 2


def no_accounts(sizes: Sizes) -> int:
    return 0


WORKS = (
    Work("get by key, 1 task", "get", random_keys, answers.people, operations=200, limit=1.15),
    Work(
        "get by key, 50 tasks",
        "get_in_tasks",
        keys_of_tasks,
        answers.tasks,
        limit=0.15,
        limit_alone=0.50,
        floor="pool",
    ),
    Work("page of 10", "page", once("active", 10), answers.pages, operations=100, limit=1.30),
    Work("fetch 10,000 as models", "models", once(), answers.tables, operations=2, limit=1.25),
    Work(
        "fetch 10,000 as tuples",
        "tuples",
        once(),
        answers.rows_as_they_are,
        operations=2,
        limit=1.05,
    ),
    Work(
        "fetch 10,000 as dicts", "dicts", once(), answers.rows_as_they_are, operations=2, limit=0.60
    ),
    Work("count", "count", once("blocked"), answers.plain, operations=100, limit=1.10),
    Work("exists", "exists", addresses, answers.plain, operations=200, limit=1.10),
    Work(
        "insert one",
        "insert",
        new_accounts,
        answers.keys,
        operations=50,
        limit=1.10,
        accounts=no_accounts,
    ),
    Work(
        "insert 5,000, keys back",
        "insert_many",
        many_new_accounts,
        answers.keys,
        limit=0.60,
        accounts=no_accounts,
    ),
    Work(
        "update one",
        "update",
        changed_scores,
        answers.accounts_only,
        operations=50,
        limit=1.10,
        accounts=all_accounts,
    ),
    Work("upsert 5,000", "upsert", half_new_accounts, answers.accounts_only, accounts=half_a_batch),
    Work(
        "read, change, commit",
        "transaction",
        account_keys,
        answers.accounts_only,
        operations=50,
        limit=1.10,
        accounts=all_accounts,
    ),
    Work(
        "selectin 200 x 20",
        "selectin",
        once(lambda sizes: sizes.parents),
        answers.users_with_posts,
        operations=2,
        limit=1.25,
    ),
    Work(
        "joined 2,000",
        "joined",
        once(lambda sizes: sizes.joined),
        answers.posts_with_author,
        operations=2,
        limit=1.30,
    ),
    Work(
        "tree 100 x 10 x 5",
        "tree",
        once(lambda sizes: sizes.tree_users[0], lambda sizes: sizes.tree_users[1]),
        answers.tree,
        operations=2,
    ),
    Work(
        "many-to-many 500 x 10",
        "links",
        once(lambda sizes: sizes.linked),
        answers.links,
        operations=2,
    ),
    Work("stream 1,000,000", "stream", once(), answers.plain, rounds=3, memory_limit=30),
)
