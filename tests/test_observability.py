"""The example of observability: what it prints is what the documentation says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from examples.observability.__main__ import main

pytestmark = pytest.mark.one_interpreter


async def test_the_example_exports_spans_and_metrics(
    database_url: str, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    await main(database_url)
    found = documents(capsys.readouterr().out)
    names = [each["name"] for each in found if "context" in each]
    assert names.count("INSERT users") == names.count("INSERT posts") == 5
    assert names.count("transaction") == 5
    traces = {each["context"]["trace_id"] for each in found if "context" in each}
    assert len(traces) == 3
    metrics = {
        metric["name"]
        for each in found
        for resource in each.get("resource_metrics", ())
        for scope in resource["scope_metrics"]
        for metric in scope["metrics"]
    }
    assert {"db.client.operation.duration", "db.client.connection.use_time"} <= metrics
    logged = {record.name for record in caplog.records}
    assert {"ormkit.slow", "ormkit.repeats"} <= logged
    assert any(hasattr(record, "ormkit.plan") for record in caplog.records)


def documents(text: str) -> list[dict[str, Any]]:
    """Return the JSON documents of a text that has other lines as well."""
    decoder, found, at = json.JSONDecoder(), [], text.find("{\n")
    while at >= 0:
        document, end = decoder.raw_decode(text, at)
        found.append(document)
        at = text.find("{\n", end)
    return found
