"""The setting `json_type`: the class that values of a JSON column are validated as."""

from __future__ import annotations

from ormkit_gen.postgres.types import ColumnType
from ormkit_gen.schema.factories import is_function_place
from ormkit_gen.schema.fields import Fields


def read_json_type(fields: Fields, type_: ColumnType) -> str | None:
    """Return the place of the class, or record that the setting is none."""
    place = fields.text("json_type")
    if place is None:
        return None
    if not type_.is_json or type_.is_array:
        problem = f"{fields.what} cannot have json_type: it is not json or jsonb"
        remedy = "use jsonb, or leave it out"
    elif not is_function_place(place):
        problem = f"json_type of {fields.what} cannot be {place!r}"
        remedy = 'write the module and the class, as in json_type = "app.types:Settings"'
    else:
        return place
    fields.problems.error("bad-json-type", problem, remedy, fields.value_at("json_type"))
    return None
