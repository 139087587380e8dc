"""Generated classes for input and output in both frameworks: every column type, there and back."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from litestar import Litestar, get, patch, post
from litestar.params import FromPath, JSONBody

import ormkit.fastapi as for_fastapi
import ormkit.litestar as for_litestar
from ormkit import AsyncSession, Condition, ConfigurationError, create_engine
from ormkit.msgspec import given
from ormkit_gen.rendering.dto import Library
from tests.generated import import_models

pytestmark = pytest.mark.one_interpreter

ROOT = Path(__file__).parents[3]
#: Types that schemas/everything.toml leaves out: domains, texts, and arrays of what JSON lacks.
FURTHER = """
[domains.year]
type = "integer"
checks = [{ expression = "VALUE > 0" }]

[models.Odd.columns]
id = { type = "bigint", primary_key = true }
born = "year?"
multi = "int4multirange?"
spot = "point?"
mac = "macaddr8?"
spans = "interval[]?"
addresses = "inet[]?"
masks = "bit(3)[]?"
blobs = "bytea[]?"
periods = "daterange[]?"
moments = "timestamptz[]?"
keys = "uuid[][]?"
coarse = "timestamp(3)?"
codes = "varchar(3)[]?"
rounded = "numeric(4, -2)?"
tiny = "numeric(2, 4)?"
"""
SAMPLE: dict[str, Any] = {
    "small": -(2**15),
    "big": 2**63 - 1,
    "ratio": 1.5,
    "exact": "NaN",
    "price": "1.50",
    "any_number": "NaN",
    "code": "abc",
    "letters": "abc",
    "padded": "x ",
    "payload": "/+8=",
    "day": "-infinity",
    "clock": "12:34:56.000001",
    "zoned_clock": "12:00:00+05:30",
    "local_moment": "2030-01-31T12:00:00.000001",
    "moment": "2030-01-31T12:00:00.000001Z",
    "seconds": "infinity",
    "span": "P1Y2M-3DT4H0.5S",
    "token": "6f1c5a52-5d3f-4a0b-9a0e-6f3b1a6d2c11",
    "raw": {"a": [1, None]},
    "document": [1, {"x": "é"}],
    "counts": {"a": 1},
    "address": "10.0.0.1/8",
    "network": "2001:db8::/32",
    "hardware": "08:00:2b:01:02:03",
    "small_range": {"lower": 1, "upper": 5, "bounds": "[)"},
    "big_range": {"lower": None, "upper": 2**62, "bounds": "()"},
    "number_range": {"lower": "1.5", "upper": "2.50", "bounds": "[]"},
    "local_period": {"empty": True},
    "period": {"lower": "2030-01-31T12:00:00+00:00", "upper": "infinity", "bounds": "[)"},
    "days": {"lower": "2030-01-31", "upper": None, "bounds": "[)"},
    "bits": "01010101",
    "some_bits": "1",
    "embedding": [1.0, 2.5, -3.0],
    "mood": "bad",
    "moods": ["so so"],
    "priority": "high",
    "tags": ["a", "b"],
    "matrix": [[1, 2], [3, 4]],
    "prices": ["1.50"],
    "class_": "x",
}
ODD: dict[str, Any] = {
    "born": 2000,
    "multi": "{[1,5),[7,9)}",
    "spot": "(1,2)",
    "mac": "08:00:2b:01:02:03:04:05",
    "spans": ["P-1M", "PT0S"],
    "addresses": ["::1", "10.0.0.0/8"],
    "masks": ["010"],
    "blobs": ["/w==", ""],
    "periods": [{"lower": "2030-01-31", "upper": None, "bounds": "[)"}],
    "moments": ["2030-01-01T00:00:00Z"],
    "keys": [["6f1c5a52-5d3f-4a0b-9a0e-6f3b1a6d2c11"]],
    "coarse": "2030-01-31T12:00:00.001000",
    "codes": ["abc"],
    "rounded": "1200",
    "tiny": "0.0012",
}
#: What msgspec has no form for: floats that are no numbers, and dates that are infinite.
FINITE: dict[str, Any] = {"exact": 2.5, "day": "2030-01-31", "seconds": None}
HEADERS = {"Content-Type": "application/json"}
#: Of each, one field that cannot be taken.
WRONG: list[dict[str, Any]] = [
    {"address": "10.0.0.256"},
    {"network": "10.0.0.1/8"},
    {"span": "1 day"},
    {"span": "P"},
    {"span": "P99999999999Y"},
    {"bits": "02"},
    {"small": 2**15},
    {"big": 10**30},
    {"payload": "é"},
    {"local_moment": "2030-01-01T00:00:00Z"},
    {"moment": "2030-01-01T00:00:00"},
    {"small_range": {"lower": 5, "upper": 1}},
    {"small_range": "[1,5)"},
    {"small_range": {"lower": "a"}},
    {"small_range": {"from": 1}},
    {"small_range": {"lower": 1, "bounds": "<>"}},
    {"local_period": {"lower": "2030-01-01T00:00:00Z"}},
    {"note": "a\0b"},
    {"note": "\ud800"},
    {"document": {"a": "\0"}},
    {"document": {"\ud800": 1}},
    {"tags": ["\0"]},
    {"embedding": [1]},
    {"price": "1e400"},
    {"code": "x" * 21},
    {"moods": ["worse"]},
]


@pytest.fixture(scope="module", params=["pydantic", "msgspec"])
def package(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Library, Any]:
    """The library, and the package of the models and the classes."""
    directory = tmp_path_factory.mktemp("dtos")
    everything = (ROOT / "schemas/everything.toml").read_text(encoding="utf-8")
    (directory / "schema.toml").write_text(everything + FURTHER, encoding="utf-8")
    return request.param, import_models(directory, directory / "schema.toml", request.param)


def fastapi_app(url: str, routes: list[tuple[str, Any, Any, Any]]) -> tuple[Any, Any]:
    """Return an application with these routes: method, path, function, and what it takes."""
    db = for_fastapi.OrmKit(url)
    app = FastAPI(lifespan=db.lifespan)
    db.install(app)
    for method, path, function, taken in routes:
        function.__annotations__["transaction"] = for_fastapi.TransactionDep
        function.__annotations__.update(taken)
        app.add_api_route(path, function, methods=[method])
    return db, app


def litestar_app(url: str, routes: list[tuple[str, Any, Any, Any]]) -> tuple[Any, Any]:
    """Return the same application by Litestar."""
    db = for_litestar.OrmKitPlugin(url)
    handlers: list[Any] = []
    decorators: dict[str, Any] = {"GET": get, "POST": post, "PATCH": patch}
    for method, path, function, taken in routes:
        function.__annotations__["transaction"] = for_litestar.TransactionDep
        marked: Any = {"data": JSONBody, "key": FromPath}
        for name, kind in taken.items():
            function.__annotations__[name] = marked[name][kind] if name in marked else kind
        options = {"status_code": 200} if method == "POST" else {}
        handlers.append(decorators[method](path.replace("{key}", "{key:int}"), **options)(function))
    return db, Litestar(handlers, plugins=[db])


def routes_of(library: Library, path: str, model: Any, dto: Any) -> list[tuple[str, Any, Any, Any]]:
    """Return the routes that create, read and change objects of a model."""
    name = model.__name__
    created, updated, shown = [
        getattr(dto, f"{name}{kind}") for kind in ("Create", "Update", "Read")
    ]

    def values(data: Any) -> dict[str, Any]:
        return data.model_dump(exclude_unset=True) if library == "pydantic" else given(data)

    async def create(data: Any, transaction: Any) -> Any:
        made = await transaction.insert(model.from_dict(values(data)))
        return await transaction.query(model).filter(id=made.id).into(shown).one()

    async def read(key: int, transaction: Any) -> Any:
        return await transaction.query(model).filter(id=key).into(shown).one()

    async def change(key: int, data: Any, transaction: Any) -> Any:
        await transaction.update(await transaction.get_or_raise(model, key), **values(data))
        return await transaction.query(model).filter(id=key).into(shown).one()

    return [
        ("POST", path, create, {"data": created, "return": shown}),
        ("GET", f"{path}/{{key}}", read, {"key": int, "return": shown}),
        ("PATCH", f"{path}/{{key}}", change, {"key": int, "data": updated, "return": shown}),
    ]


def in_one_form(value: Any) -> Any:
    """Return a document with UTC spelled in one way: libraries write it in two."""
    if isinstance(value, dict):
        return {name: in_one_form(each) for name, each in value.items()}
    if isinstance(value, list):
        return [in_one_form(each) for each in value]
    return value.replace("+00:00", "Z") if isinstance(value, str) else value


@pytest.mark.parametrize("framework", ["fastapi", "litestar"])
async def test_every_type_goes_in_and_out(
    package: tuple[Library, Any], framework: str, database_url: str
) -> None:
    library, models = package
    if (library, framework) == ("msgspec", "fastapi"):
        pytest.skip("FastAPI takes no Struct")
    sql = (Path(models.__file__).parent / "schema.sql").read_text(encoding="utf-8")
    connection: Any = await asyncpg.connect(database_url)
    await connection.execute(sql)
    await connection.close()
    routes = routes_of(library, "/samples", models.Sample, models.dto)
    routes += routes_of(library, "/odds", models.Odd, models.dto)
    db, app = (fastapi_app if framework == "fastapi" else litestar_app)(database_url, routes)
    sample = {**SAMPLE, **(FINITE if library == "msgspec" else {})}
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with await create_engine(database_url) as engine:
        with db.use(engine):
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                for path, body in (("/samples", sample), ("/odds", ODD)):
                    made = await client.post(path, json=body)
                    assert made.status_code == 200, made.text
                    shown = in_one_form(made.json())
                    wanted = {key: value for key, value in body.items() if key != "payload"}
                    assert {key: shown[key] for key in wanted} == in_one_form(wanted)
                    place = f"{path}/{shown['id']}"
                    changes = {key: shown[key] for key in body if key in shown}
                    for answer in (
                        await client.get(place),
                        await client.patch(place, json=changes),
                        await client.patch(place, json={next(iter(body)): body[next(iter(body))]}),
                    ):
                        assert answer.status_code == 200, answer.text
                        assert in_one_form(answer.json()) == shown
                    assert (await client.patch(place, json={})).status_code == 422
                await engine.execute("DELETE FROM samples")
                for wrong in WRONG:
                    # json.dumps() writes lone surrogates as escapes, as a client may.
                    content = json.dumps({**sample, **wrong})
                    answer = await client.post("/samples", content=content, headers=HEADERS)
                    assert answer.status_code in (400, 422), (wrong, answer.text)
                document = await client.get(
                    "/openapi.json" if framework == "fastapi" else "/schema/openapi.json"
                )
    fields = document.json()["components"]["schemas"]["SampleRead"]["properties"]
    assert fields["address"]["type"] == "string"
    variants = fields["span"].get("anyOf") or fields["span"]["oneOf"]
    assert {"type": "string", "format": "duration"} in variants
    ranges = fields["small_range"].get("anyOf") or fields["small_range"]["oneOf"]
    bounds = next(each for each in ranges if each["type"] == "object")["properties"]
    assert {"type": "integer"} in bounds["lower"]["anyOf"]


#: Filters of a request, with what they are given: each finds the one row.
FILTERS: dict[str, str] = {
    "small": "-32768",
    "ratio__gt": "1.25",
    "price": "1.50",
    "is_ready": "false",
    "note__icontains": "T",
    "code__in": "abc",
    "day__lt": "infinity",
    "clock": "12:34:56.000001",
    "local_moment": "2030-01-31T12:00:00.000001",
    "moment__lte": "infinity",
    "span__gte": "P1Y2M-3DT4H0.5S",
    "token": "6f1c5a52-5d3f-4a0b-9a0e-6f3b1a6d2c11",
    "address": "10.0.0.1/8",
    "network": "2001:db8::/32",
    "hardware": "08:00:2b:01:02:03",
    "bits": "01010101",
    "mood": "bad",
    "mood__in": "bad",
    "priority__isnull": "false",
}
#: What is refused, with the status of each framework's own answer or of OrmKit's.
REFUSED = [
    ("address", "10.0.0.256"),
    ("network", "x"),
    ("span__gte", "x"),
    ("bits", "2"),
    ("mood", "worse"),
    ("mood__in", "worse"),
    ("small", "99999"),
    ("note__icontains", "\0"),
    ("day__lt", "x"),
]


@pytest.mark.parametrize("framework", ["fastapi", "litestar"])
async def test_every_type_is_filtered_by(
    package: tuple[Library, Any], framework: str, database_url: str
) -> None:
    library, models = package
    if library == "msgspec":
        pytest.skip("filters have nothing to do with the library")
    sample = models.Sample
    connection: Any = await asyncpg.connect(database_url)
    schema = Path(models.__file__).parent / "schema.sql"
    await connection.execute(schema.read_text(encoding="utf-8"))
    await connection.close()

    async def count(session: Any, where: Any) -> int:
        found: int = await session.query(sample).filter(where).count()
        return found

    db: Any
    app: Any
    if framework == "fastapi":
        db, app = for_fastapi.OrmKit(database_url), FastAPI()
        db.install(app)
        where: Any = for_fastapi.filters(sample, *FILTERS)
        count.__annotations__.update(
            session=for_fastapi.SessionDep, where=Annotated[Condition[Any], where]
        )
        app.add_api_route("/samples", count)
    else:
        db = for_litestar.OrmKitPlugin(database_url)
        dependencies = {"where": for_litestar.filters(sample, *FILTERS)}
        count.__annotations__.update(
            session=for_litestar.SessionDep, where=for_litestar.FilterDep[Any]
        )
        app = Litestar([get("/samples", dependencies=dependencies)(count)], plugins=[db])
    # Litestar reads dates by msgspec, which takes no infinite ones.
    finite = {"day__lt": "2999-01-01", "moment__lte": "2999-01-01T00:00:00Z"}
    filters = {**FILTERS, **finite} if framework == "litestar" else FILTERS
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with await create_engine(database_url) as engine:
        row = sample.from_dict({**SAMPLE, **FINITE})
        await AsyncSession(engine).insert(row)
        with db.use(engine):
            async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
                for name, value in filters.items():
                    answer = await client.get("/samples", params={name: value})
                    assert (answer.status_code, answer.text) == (200, "1"), (name, answer.text)
                together = await client.get("/samples", params=filters)
                assert together.text == "1"
                for name, value in REFUSED:
                    answer = await client.get("/samples", params={name: value})
                    assert answer.status_code in (400, 422), (name, answer.text)


def test_a_range_is_no_query_parameter(package: tuple[Library, Any]) -> None:
    _, models = package
    with pytest.raises(ConfigurationError, match="holds no range"):
        for_fastapi.filters(models.Sample, "days__contains")
