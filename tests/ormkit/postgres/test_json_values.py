"""The forms that values have in JSON: each is read as the value that it was written from."""

from __future__ import annotations

import datetime as dt
import json
from decimal import Decimal
from typing import Annotated, Any

import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ormkit import INFINITY, BitString, Cidr, Inet, InJson, Interval, InvalidValue, Range
from ormkit.msgspec import dec_hook, enc_hook, schema_hook
from ormkit.postgres.json_values import JsonForm
from ormkit.postgres.types import TYPES
from ormkit_gen.rendering.dto import IN_JSON
from tests.lengths import examples
from tests.ormkit.postgres.test_round_trip import CASES, same

pytestmark = pytest.mark.one_interpreter

FORMS = [
    pytest.param(case.values, case.form, form, id=case.words)
    for case in CASES
    if case.words.partition("(")[0] in TYPES
    and (form := TYPES[case.words.partition("(")[0]].json_form) is not None
]
KINDS: dict[str, Any] = {
    "span": Interval,
    "bits": BitString,
    "address": Inet,
    "network": Cidr,
    "ids": Range[int],
    "prices": Range[Decimal],
    "days": Range[dt.date],
    "times": Range[dt.datetime],
}
VALUES: dict[str, Any] = {
    "span": "P1M-2DT0.000001S",
    "bits": "",
    "address": "::1",
    "network": "10.0.0.0/8",
    "ids": {"lower": 1, "upper": None, "bounds": "[)"},
    "prices": {"lower": "1.50", "upper": "Infinity", "bounds": "[]"},
    "days": {"lower": "-infinity", "upper": "2030-01-31", "bounds": "[)"},
    "times": {"lower": "2030-01-31T00:00:00", "upper": "infinity", "bounds": "()"},
}


@pytest.mark.parametrize(("values", "compared", "form"), FORMS)
def test_what_is_read_equals_what_was_written(
    values: st.SearchStrategy[Any], compared: Any, form: JsonForm
) -> None:
    @given(values)
    @settings(max_examples=examples(10), deadline=None)
    def check(value: Any) -> None:
        written = json.loads(json.dumps(form.write(value), allow_nan=False))
        read = form.read(written)
        assert compared(read) == compared(value)
        assert form.read(value) is value or compared is not same

    check()


def test_pydantic_and_msgspec_take_the_classes_as_they_are() -> None:
    fields: Any = {name: (cls, ...) for name, cls in KINDS.items()}
    model: Any = pydantic.create_model("M", **fields)
    struct = msgspec.defstruct("S", list(KINDS.items()))
    one = model.model_validate(VALUES)
    other: Any = msgspec.json.decode(json.dumps(VALUES), type=struct, dec_hook=dec_hook)
    assert one.model_dump() == msgspec.structs.asdict(other)
    assert model.model_validate(one.model_dump()) == one
    assert json.loads(one.model_dump_json()) == VALUES
    assert json.loads(msgspec.json.encode(other, enc_hook=enc_hook)) == VALUES
    assert "duration" in json.dumps(model.model_json_schema())
    assert "duration" in json.dumps(msgspec.json.schema(struct, schema_hook=schema_hook))


@pytest.mark.parametrize("name", sorted(VALUES))
@pytest.mark.parametrize("wrong", ["secret", 17, [], {"lower": "secret"}, {"lower": [1]}])
def test_what_is_no_form_is_refused_without_its_value(name: str, wrong: Any) -> None:
    adapter: Any = pydantic.TypeAdapter(KINDS[name])
    with pytest.raises(pydantic.ValidationError) as raised:
        adapter.validate_python(wrong)
    assert all("secret" not in each["msg"] for each in raised.value.errors())
    with pytest.raises(msgspec.ValidationError) as refused:
        msgspec.convert(wrong, KINDS[name], dec_hook=dec_hook)
    assert "secret" not in str(refused.value)


def test_the_generator_marks_the_types_that_a_class_leaves_open() -> None:
    known = (bytes, float, dt.date, dt.datetime)
    open_ = {
        name
        for name, each in TYPES.items()
        if each.json_form is not None
        and (each.reads[0] in known or (each.bound is not None and dt.datetime in each.bound.reads))
    }
    assert open_ == IN_JSON


class Opaque:
    """A class that pydantic does not know."""

    def __init__(self, text: str) -> None:
        self.text = text


class OpaqueCodec:
    @staticmethod
    def decode(text: str) -> Opaque:
        if text == "bad":
            raise RuntimeError("a secret")
        return Opaque(text)

    @staticmethod
    def encode(value: Opaque) -> str:
        return value.text


class Settings(msgspec.Struct):
    theme: str


class Holder(pydantic.BaseModel, arbitrary_types_allowed=True):
    opaque: Annotated[Opaque, InJson("point", codec=OpaqueCodec)]
    settings: Annotated[Settings, InJson("jsonb")]
    until: Annotated[dt.datetime, InJson("timestamptz")]


def test_classes_of_the_application_are_texts_or_documents() -> None:
    document = {"opaque": "a", "settings": {"theme": "dark"}, "until": "infinity"}
    made = Holder.model_validate(document)
    assert (made.opaque.text, made.settings, made.until) == ("a", Settings("dark"), INFINITY)
    assert made.model_dump(mode="json") == document
    assert Holder.model_json_schema()["properties"]["opaque"]["type"] == "string"
    refused: list[dict[str, Any]] = [
        {"opaque": "bad"},
        {"settings": {}},
        {"until": "2030-01-01T00:00:00"},
    ]
    for wrong in refused:
        with pytest.raises(pydantic.ValidationError) as raised:
            Holder.model_validate({**document, **wrong})
        assert "a secret" not in str(raised.value)


def test_a_duration_is_what_iso_8601_says() -> None:
    form = TYPES["interval"].json_form
    assert form is not None
    for text, months, days, microseconds in (
        ("P1W", 0, 7, 0),
        ("-P1D", 0, -1, 0),
        ("PT1H-1M", 0, 0, 59 * 60_000_000),
        ("PT0,5S", 0, 0, 500_000),
        ("P1Y-1M", 11, 0, 0),
    ):
        assert form.read(text).__reduce__()[1] == (months, days, microseconds)
    for wrong in ("P", "PT", "P1", "1D", "P1D ", "P1.5D", "PT0.1234567S", "P1DT", "P٣D"):
        with pytest.raises(InvalidValue):
            form.read(wrong)
