"""OrmKit's values in msgspec: `from ormkit.msgspec import dec_hook, enc_hook, given`."""

from __future__ import annotations

from typing import Any

import msgspec

from ..errors import InvalidValue
from ..models.in_json import document_form_of, form_of, form_of_value


def enc_hook(value: Any) -> Any:
    """Return the form that JSON has of a value: `msgspec.json.encode(user, enc_hook=enc_hook)`."""
    form = form_of_value(value) or document_form_of(value.__class__)
    if form is None:
        raise NotImplementedError(f"OrmKit has no form for {value.__class__.__name__} in JSON")
    return form.write(value)


def dec_hook(kind: Any, value: Any) -> Any:
    """Return the value that JSON holds: `msgspec.json.decode(text, type=..., dec_hook=dec_hook)`.

    Raises ValueError, which msgspec makes a ValidationError of.
    """
    form = form_of(kind) or document_form_of(kind)
    if form is None:
        raise NotImplementedError(f"OrmKit does not read {kind} from JSON")
    try:
        return form.read(value)
    except InvalidValue as error:
        raise ValueError(str(error)) from None


def schema_hook(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema: `msgspec.json.schema(UserCreate, schema_hook=schema_hook)`."""
    form = form_of(kind) or document_form_of(kind)
    if form is None:
        raise NotImplementedError(f"OrmKit has no JSON Schema of {kind}")
    return dict(form.schema)


def given(struct: msgspec.Struct) -> dict[str, Any]:
    """Return the values of the fields that are set, as they are.

    `User.from_dict(given(create))` makes an object, and `session.update(user, **given(update))`
    changes it.
    """
    values = ((name, getattr(struct, name)) for name in struct.__struct_fields__)
    return {name: value for name, value in values if value is not msgspec.UNSET}
