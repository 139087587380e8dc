"""The setting `codec`: what makes values of PostgreSQL's texts, for types that are read as text."""

from __future__ import annotations

from ormkit_gen.postgres.types import ColumnType
from ormkit_gen.schema.factories import is_function_place
from ormkit_gen.schema.fields import Fields

#: Settings that need values which Python and PostgreSQL take for equal, or a constant.
_EXCLUDED = {
    "primary_key": "be the key",
    "foreign_key": "have a foreign key",
    "default": "have a default in Python",
}


def read_codec(fields: Fields, type_: ColumnType) -> str | None:
    """Return the place of the codec, or record that the setting is none."""
    place = fields.text("codec")
    if place is None:
        return None
    excluded = next((key for key in _EXCLUDED if fields.data.get(key) not in (None, False)), None)
    if type_.is_enum or not type_.is_text:
        problem = f"{fields.what} cannot have a codec: OrmKit reads its type itself"
        remedy = "leave it out: a codec is for types whose values are read as text"
    elif excluded is not None:
        problem = f"{fields.what} cannot have a codec and {_EXCLUDED[excluded]}"
        remedy = f"leave out one of them{' or use server_default' * (excluded == 'default')}"
    elif not is_function_place(place):
        problem = f"codec of {fields.what} cannot be {place!r}"
        remedy = 'write the module and the name, as in codec = "app.types:PointCodec"'
    elif "python_type" not in fields.data:
        problem = f"{fields.what} has a codec, and its python_type is not given"
        remedy = 'add the class of its values, as in python_type = "app.types.Point"'
    else:
        return place
    fields.problems.error("bad-codec", problem, remedy, fields.value_at("codec"))
    return None
