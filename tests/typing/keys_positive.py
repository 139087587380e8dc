"""Objects with their required foreign keys, as type checkers accept them. Never run."""

from typing import assert_type

from examples.blog.db import Comment, Post, Profile, User
from tests.typing.people import Person, Pet, Visit


def one_key(user: User, post: Post) -> None:
    assert_type(Post(title="x", author=user), Post)
    assert_type(Post(title="x", author_id=1), Post)
    Post(title="x", author=user, author_id=1, views=3, keywords=["k"], published_at=None)
    Comment(body="x", post=post)
    Comment(body="x", post_id=1, author=user)
    Comment(body="x", post_id=1, author_id=None)
    Profile(user=user)


def two_keys(pet: Pet, person: Person) -> None:
    assert_type(Visit(pet=pet, visitor=person), Visit)
    Visit(pet_id=1, visitor_id=2, notes="x")
    Visit(pet=pet, visitor_id=2, notes=None)
    Visit(pet_id=1, visitor=person)
    Visit(pet=pet, pet_id=1, visitor=person, visitor_id=2, id=3)
