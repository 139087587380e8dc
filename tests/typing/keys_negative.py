"""Objects without their required foreign keys; each marked line must be reported."""

from examples.blog.db import Comment, Post, Profile, Tag, User
from tests.typing.people import Person, Pet, Visit


def one_key(user: User, post: Post) -> None:
    Post(title="x")  # expect-error
    Post(title="x", body="y", views=3)  # expect-error
    Post(title="x", author=None)  # expect-error
    Post(title="x", author_id=None)  # expect-error
    Post(title="x", author=post)  # expect-error
    Post(title="x", author_id="1")  # expect-error
    Post(author=user)  # expect-error
    Post(author_id=1)  # expect-error
    Post(title=3, author_id=1)  # expect-error
    Post(titel="x", author=user)  # expect-error
    Post("x", author=user)  # expect-error
    Comment(body="x")  # expect-error
    Comment(body="x", author=user)  # expect-error
    Profile(bio="x")  # expect-error
    Tag(name="x", post=post)  # expect-error
    Pet(name="Rex")  # expect-error


def two_keys(pet: Pet, person: Person) -> None:
    Visit()  # expect-error
    Visit(notes="x")  # expect-error
    Visit(pet=pet)  # expect-error
    Visit(pet_id=1)  # expect-error
    Visit(visitor=person)  # expect-error
    Visit(visitor_id=1, notes="x")  # expect-error
    Visit(pet=person, visitor=pet)  # expect-error
    Visit(pet=pet, visitor_id="1")  # expect-error
    Visit(pet=pet, visitor=person, note="x")  # expect-error
