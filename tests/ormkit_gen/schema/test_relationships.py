"""Relationships: which foreign key each goes by, and what follows for its kind."""

from __future__ import annotations

import pytest

from ormkit_gen.ir import Relationship, Schema
from tests.ormkit_gen.schema.conftest import USER, Diagnose, Read

POST = """
[models.Post.columns]
id = { type = "bigint", primary_key = true }
author_id = { type = "bigint", foreign_key = "user.id" }
"""
EDITED = POST + 'editor_id = { type = "bigint?", foreign_key = "user.id" }\n'
NODE = """
[models.Node.columns]
id = { type = "bigint", primary_key = true }
parent_id = { type = "bigint?", foreign_key = "node.id" }
[models.Node.relationships]
"""


def relationship(schema: Schema, name: str) -> Relationship:
    """Return the relationship that is spelled Model.name."""
    model, _, own = name.partition(".")
    (found,) = (each for each in schema.model(model).relationships if each.name == own)
    return found


def test_a_foreign_key_makes_one_side_a_row_and_the_other_a_list(read: Read) -> None:
    schema = read(
        f"{USER}[models.User.relationships]\nposts = 'Post'\n"
        f"{POST}[models.Post.relationships]\nauthor = 'User'\n"
    )
    author, posts = relationship(schema, "Post.author"), relationship(schema, "User.posts")
    assert (author.kind, author.local, author.remote) == ("many_to_one", ("author_id",), ("id",))
    assert (posts.kind, posts.local, posts.remote) == ("one_to_many", ("id",), ("author_id",))
    assert (author.is_owner, posts.is_owner) == (True, False)


@pytest.mark.parametrize(("null", "is_nullable"), [("", False), ("?", True)])
def test_a_row_may_be_missing_where_the_key_may_be_null(
    read: Read, null: str, is_nullable: bool
) -> None:
    post = POST.replace('author_id = { type = "bigint"', f'author_id = {{ type = "bigint{null}"')
    schema = read(f"{USER}{post}[models.Post.relationships]\nauthor = 'User'\n")
    assert relationship(schema, "Post.author").is_nullable is is_nullable


@pytest.mark.parametrize(
    "unique",
    [
        'user_id = { type = "bigint", primary_key = true, foreign_key = "user.id" }',
        'id = { type = "bigint", primary_key = true }\n'
        'user_id = { type = "bigint", unique = true, foreign_key = "user.id" }',
        'id = { type = "bigint", primary_key = true }\n'
        'user_id = { type = "bigint", foreign_key = "user.id" }\n'
        "[[models.Profile.uniques]]\ncolumns = ['user_id']",
        'id = { type = "bigint", primary_key = true }\n'
        'user_id = { type = "bigint", foreign_key = "user.id" }\n'
        "[[models.Profile.indexes]]\ncolumns = ['user_id']\nunique = true",
    ],
    ids=["primary key", "unique column", "unique constraint", "unique index"],
)
def test_a_unique_foreign_key_makes_both_sides_a_row(read: Read, unique: str) -> None:
    """The other side's row may always be missing."""
    schema = read(
        f"{USER}[models.User.relationships]\nprofile = 'Profile'\n"
        f"[models.Profile.columns]\n{unique}\n[models.Profile.relationships]\nuser = 'User'\n"
    )
    profile, user = relationship(schema, "User.profile"), relationship(schema, "Profile.user")
    assert (profile.kind, profile.is_owner, profile.is_nullable) == ("one_to_one", False, True)
    assert (user.kind, user.is_owner, user.is_nullable) == ("one_to_one", True, False)


def test_a_partial_unique_index_leaves_a_list(read: Read) -> None:
    schema = read(
        f"{USER}[models.User.relationships]\nposts = 'Post'\n{POST}"
        "[[models.Post.indexes]]\ncolumns = ['author_id']\nunique = true\nwhere = 'id > 9'\n"
    )
    assert relationship(schema, "User.posts").kind == "one_to_many"


def test_many_says_otherwise(read: Read) -> None:
    """A list of at most one, or the one row that the application sees to."""
    schema = read(
        f"{USER}[models.User.relationships]\npost = {{ target = 'Post', many = false }}\n{POST}"
    )
    assert relationship(schema, "User.post").kind == "one_to_one"


def test_foreign_key_chooses_among_several(read: Read) -> None:
    schema = read(
        f"{USER}[models.User.relationships]\n"
        "written = { target = 'Post', foreign_key = 'author_id', back_populates = 'author' }\n"
        "edited = { target = 'Post', foreign_key = ['editor_id'] }\n"
        f"{EDITED}[models.Post.relationships]\n"
        "author = { target = 'User', foreign_key = 'author_id', back_populates = 'written' }\n"
    )
    assert relationship(schema, "User.written").remote == ("author_id",)
    assert relationship(schema, "User.edited").remote == ("editor_id",)
    assert relationship(schema, "Post.author").local == ("author_id",)


def test_several_foreign_keys_without_a_choice_are_told_on_each_side(diagnose: Diagnose) -> None:
    text = (
        f"{USER}[models.User.relationships]\nposts = 'Post'\n"
        f"{EDITED}[models.Post.relationships]\nauthor = 'User'\n"
    )
    codes = [code for code, _ in diagnose(text)]
    assert codes == ["ambiguous-relationship", "ambiguous-relationship"]


@pytest.mark.parametrize("choice", ["", ", foreign_key = 'other_id'"])
def test_two_models_that_refer_to_each_other_are_told_apart_by_many(
    read: Read, choice: str
) -> None:
    """Also where the columns on both sides have one name."""
    schema = read(
        "[models.A.columns]\nid = { type = 'bigint', primary_key = true }\n"
        "other_id = { type = 'bigint?', foreign_key = 'b.id' }\n[models.A.relationships]\n"
        f"one = {{ target = 'B', many = false{choice} }}\n"
        f"all = {{ target = 'B', many = true{choice} }}\n"
        "[models.B.columns]\nid = { type = 'bigint', primary_key = true }\n"
        "other_id = { type = 'bigint?', foreign_key = 'a.id' }\n"
    )
    one, all_ = relationship(schema, "A.one"), relationship(schema, "A.all")
    assert (one.kind, one.local, one.remote) == ("many_to_one", ("other_id",), ("id",))
    assert (all_.kind, all_.local, all_.remote) == ("one_to_many", ("id",), ("other_id",))


def test_a_model_may_lead_to_itself_from_either_side(read: Read) -> None:
    schema = read(
        f"{NODE}parent = {{ target = 'Node', many = false, back_populates = 'children' }}\n"
        "children = { target = 'Node', many = true, back_populates = 'parent' }\n"
    )
    parent, children = relationship(schema, "Node.parent"), relationship(schema, "Node.children")
    assert (parent.kind, parent.local, parent.remote) == ("many_to_one", ("parent_id",), ("id",))
    assert (children.kind, children.local) == ("one_to_many", ("id",))
    assert (children.remote, children.is_owner) == (("parent_id",), False)


def test_a_self_reference_does_not_guess_its_side(diagnose: Diagnose) -> None:
    assert diagnose(f"{NODE}parent = 'Node'\n") == [("ambiguous-self-reference", 6)]


def test_a_composite_foreign_key_pairs_its_columns_in_order(read: Read) -> None:
    """The target's columns may be named in another order than its key has."""
    schema = read(
        "[models.Seat.columns]\nrow = { type = 'integer', primary_key = true }\n"
        "number = { type = 'integer', primary_key = true }\n"
        "[models.Seat.relationships]\ntickets = 'Ticket'\n"
        "[models.Ticket.columns]\nid = { type = 'bigint', primary_key = true }\n"
        "seat_number = 'integer'\nseat_row = 'integer'\n"
        "[[models.Ticket.foreign_keys]]\ncolumns = ['seat_number', 'seat_row']\n"
        "target = 'seat'\ntarget_columns = ['number', 'row']\n"
        "[models.Ticket.relationships]\n"
        "seat = { target = 'Seat', foreign_key = ['seat_number', 'seat_row'] }\n"
    )
    seat, tickets = relationship(schema, "Ticket.seat"), relationship(schema, "Seat.tickets")
    assert (seat.local, seat.remote) == (("seat_number", "seat_row"), ("number", "row"))
    assert (tickets.local, tickets.remote) == (seat.remote, seat.local)


TAGGED = f"""
{USER}
[models.Tag.columns]
id = {{ type = "integer", primary_key = true }}
[models.User.relationships]
tags = {{ target = "Tag", secondary = "user_tags", back_populates = "users" }}
[models.Tag.relationships]
users = {{ target = "User", secondary = "user_tags", back_populates = "tags" }}
"""


def test_a_secondary_table_that_no_model_has_is_made_once(read: Read) -> None:
    """Its key is both foreign keys, it follows its rows, and it is indexed both ways."""
    schema = read(TAGGED)
    (association,) = (each for each in schema.models if each.is_association)
    assert (association.table, association.primary_key) == ("user_tags", ("tag_id", "user_id"))
    assert [each.type.name for each in association.columns] == ["integer", "bigint"]
    assert [each.on_delete for each in association.foreign_keys] == ["cascade", "cascade"]
    (index,) = association.indexes
    assert [each.column for each in index.elements] == ["user_id", "tag_id"]
    tags = relationship(schema, "User.tags")
    assert (tags.kind, tags.secondary) == ("many_to_many", association.name)
    assert (tags.secondary_local, tags.secondary_remote) == (("user_id",), ("tag_id",))


def test_a_secondary_table_may_be_a_model_of_its_own(read: Read) -> None:
    schema = read(
        f"{TAGGED}[models.Tagging]\ntable = 'user_tags'\n[models.Tagging.columns]\n"
        "user = { type = 'bigint', primary_key = true, foreign_key = 'user.id' }\n"
        "tag = { type = 'integer', primary_key = true, foreign_key = 'tag.id' }\n"
        "since = { type = 'timestamptz', server_default = 'now()' }\n"
    )
    tags = relationship(schema, "User.tags")
    assert (tags.secondary, tags.secondary_local, tags.secondary_remote) == (
        "Tagging", ("user",), ("tag",),
    )  # fmt: skip
    assert not any(each.is_association for each in schema.models)


def test_a_many_to_many_of_a_model_with_itself_goes_both_ways(read: Read) -> None:
    schema = read(
        f"{USER}[models.User.relationships]\n"
        "follows = { target = 'User', secondary = 'follows' }\n"
        "followers = { target = 'User', secondary = 'follows', foreign_key = 'related_user_id' }\n"
    )
    follows = relationship(schema, "User.follows")
    followers = relationship(schema, "User.followers")
    assert (follows.secondary_local, follows.secondary_remote) == (
        ("user_id",), ("related_user_id",),
    )  # fmt: skip
    assert (followers.secondary_local, followers.secondary_remote) == (
        follows.secondary_remote,
        follows.secondary_local,
    )


def test_a_secondary_table_without_a_key_to_either_side_is_told(diagnose: Diagnose) -> None:
    text = (
        f"{TAGGED}[models.Tagging]\ntable = 'user_tags'\n[models.Tagging.columns]\n"
        "user = { type = 'bigint', primary_key = true, foreign_key = 'user.id' }\n"
    )
    assert {code for code, _ in diagnose(text)} == {"bad-secondary"}


def test_a_mistake_in_a_column_is_not_told_again_for_its_relationship(diagnose: Diagnose) -> None:
    text = f"{USER}{POST}[models.Post.relationships]\nauthor = 'User'\n"
    assert diagnose(text.replace('"user.id"', '"usr.id"')) == [("unknown-table", 7)]
    assert diagnose(
        text.replace('author_id = { type = "bigint"', 'author_id = { type = "big"')
    ) == [("unknown-type", 7)]
    assert diagnose(text.replace('"user.id"', '"user.key"')) == [("unknown-column", 7)]
