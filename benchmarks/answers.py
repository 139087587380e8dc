"""What a library answered, in plain values that can be compared with the floor's."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from benchmarks.dataset import PERSON_COLUMNS
from benchmarks.libraries.library import Library
from ormkit import Record

USER = ("id", *PERSON_COLUMNS)
POST = ("id", "author_id", "title", "views", "created_at")
COMMENT = ("id", "post_id", "body")
TAG = ("id", "name")

#: From the library, what its operations returned, and the accounts afterwards, to plain values.
Answer = Callable[[Library, Sequence[Any], Sequence[Record]], Any]


class WrongAnswer(Exception):
    """A library did something else than the floor: its times would mean nothing."""


def check_answer(library: Library, title: str, answer: Any, expected: Any) -> None:
    """Raise WrongAnswer where two answers differ, with the first place where they do."""
    if answer == expected:
        return
    path, found, wanted = first_difference(answer, expected)
    raise WrongAnswer(
        f"{library.title}: {title}: the answer differs from the floor's at {path or 'the top'}: "
        f"{found!r:.200} and not {wanted!r:.200}"
    )


def first_difference(found: Any, wanted: Any, path: str = "") -> tuple[str, Any, Any]:
    """Return where two nested values differ first, and what is there in each."""
    if not isinstance(found, list | tuple) or type(found) is not type(wanted):
        return path, found, wanted
    for number, (one, other) in enumerate(zip(found, wanted, strict=False)):
        if one != other:
            return first_difference(one, other, f"{path}[{number}]")
    return f"{path}, which has another length", len(found), len(wanted)


def plain(library: Library, results: Sequence[Any], accounts: Sequence[Record]) -> Any:
    """Take numbers and truth values as they are."""
    return [tuple(each) if isinstance(each, tuple) else each for each in results]


def people(library: Library, results: Sequence[Any], accounts: Sequence[Record]) -> Any:
    """Take users, one for each operation."""
    return [library.plain(user, USER) for user in results]


def pages(library: Library, results: Sequence[Any], accounts: Sequence[Record]) -> Any:
    """Take lists of users in the order in which they came."""
    return [[library.plain(user, USER) for user in users] for users in results]


def tables(library: Library, results: Sequence[Any], accounts: Sequence[Record]) -> Any:
    """Take lists of users that may come in any order."""
    return [ordered(library, users, USER) for users in results]


def tasks(library: Library, results: Sequence[Any], accounts: Sequence[Record]) -> Any:
    """Take the users that each task read, in the order in which it did."""
    return [pages(library, result, accounts) for result in results]


def rows_as_they_are(library: Library, results: Sequence[Any], accounts: Sequence[Record]) -> Any:
    """Take tuples and dicts of a user's columns."""
    return [sorted(tuple(values_of(row)) for row in result) for result in results]


def values_of(row: Any) -> Iterable[Any]:
    return (row[name] for name in USER) if isinstance(row, dict) else row


def keys(library: Library, results: Sequence[Any], accounts: Sequence[Record]) -> Any:
    """Take the keys that inserts returned for the rows that they belong to."""
    addresses = {row["id"]: row["email"] for row in accounts}
    found = [key for each in results for key in (each if isinstance(each, list) else [each])]
    return [addresses.get(key) for key in found], accounts_only(library, results, accounts)


def accounts_only(library: Library, results: Sequence[Any], accounts: Sequence[Record]) -> Any:
    """Take the accounts as they are afterwards, their keys apart."""
    return [tuple(row[name] for name in PERSON_COLUMNS) for row in accounts]


def users_with_posts(library: Library, results: Sequence[Any], accounts: Sequence[Record]) -> Any:
    """Take users, each with his posts."""
    return [
        sorted(
            (library.plain(user, USER), ordered(library, library.related(user, "posts"), POST))
            for user in users
        )
        for users in results
    ]


def posts_with_author(library: Library, results: Sequence[Any], accounts: Sequence[Record]) -> Any:
    """Take posts, each with its author."""
    return [
        sorted(
            (library.plain(post, POST), library.plain(library.related(post, "author"), USER))
            for post in posts
        )
        for posts in results
    ]


def tree(library: Library, results: Sequence[Any], accounts: Sequence[Record]) -> Any:
    """Take users, each with his posts, each with the comments on it."""

    def posts(user: Any) -> list[Any]:
        return sorted(
            (
                library.plain(post, POST),
                ordered(library, library.related(post, "comments"), COMMENT),
            )
            for post in library.related(user, "posts")
        )

    return [sorted((library.plain(user, USER), posts(user)) for user in users) for users in results]


def links(library: Library, results: Sequence[Any], accounts: Sequence[Record]) -> Any:
    """Take posts, each with its tags."""
    return [
        sorted(
            (library.plain(post, POST), ordered(library, library.related(post, "tags"), TAG))
            for post in posts
        )
        for posts in results
    ]


def ordered(library: Library, rows: Iterable[Any], names: Sequence[str]) -> list[Any]:
    """Return rows as tuples, in the order of their keys."""
    return sorted(library.plain(row, names) for row in rows)
