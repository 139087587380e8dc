"""The setting `methods`: the place of the class with a model's own methods."""

from __future__ import annotations

import keyword

from ormkit_gen.schema.fields import Fields


def read_methods(fields: Fields) -> str | None:
    """Return the setting, such as "app.users:UserMethods", or record that it is no such place."""
    place = fields.text("methods")
    if place is None or is_place(place):
        return place
    fields.problems.error(
        "bad-methods",
        f"methods of {fields.what} cannot be {place!r}",
        'write the module and the class, as in methods = "app.users:UserMethods"',
        fields.value_at("methods"),
    )
    return None


def is_place(text: str) -> bool:
    """Return whether the text names a class in a module."""
    module, colon, name = text.partition(":")
    parts = [*module.split("."), name]
    return bool(colon) and all(
        each.isidentifier() and not keyword.iskeyword(each) for each in parts
    )
