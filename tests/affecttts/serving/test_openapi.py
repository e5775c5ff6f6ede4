"""The OpenAPI document, and what comes of requests that are made from it."""

from __future__ import annotations

import pytest

from affecttts.serving.calls import FIELDS


def test_the_document_has_every_field_of_a_request(server):
    paths = server.client.get("/openapi.json").json()["paths"]
    for path in ("/v1/audio/speech", "/v1/audio/speech/timestamps"):
        schema = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        assert set(FIELDS) < set(schema["properties"]) and not schema["additionalProperties"]
        assert all(schema["properties"][name]["description"] for name in FIELDS)


def test_nothing_made_from_the_document_makes_the_server_fail(server):
    """Property-based requests, valid and broken, by schemathesis."""
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, Phase, given, settings

    schema = schemathesis.openapi.from_url(f"{server.url}/openapi.json")
    seen = set()
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=12,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def check(case):
            answer = case.call()
            seen.add((case.path, answer.status_code))
            assert answer.status_code < 500, answer.text

        given(case=operation.as_strategy())(check)()
    assert ("/v1/audio/speech", 400) in seen or ("/v1/audio/speech", 200) in seen
