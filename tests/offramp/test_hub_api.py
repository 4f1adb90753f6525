"""Check that the hub answers valid and invalid requests as its description of the API states."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from schemathesis import openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from exchange.standards import i_json
from tests.support.hub_process import HubProcess, Starter, WireWorld

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]


@pytest.fixture(scope="module")
def world(starter: Starter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WireWorld]:
    process = HubProcess(starter, tmp_path_factory.mktemp("api") / "hub")
    process.start()
    yield WireWorld(process)
    process.end()
    assert "Traceback" not in process.out.read_text()


@pytest.fixture(scope="module")
def description(world: WireWorld) -> object:
    return openapi.from_dict(world.wire.told(None, "GET", "/openapi.json"))


@pytest.mark.parametrize("signed", [True, False])
def test_every_operation_answers_as_it_is_described(
    world: WireWorld, description: object, signed: bool
) -> None:
    for result in description.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=8,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @operation_given(operation)
        def tried(case: object) -> None:
            checked(world, case, signed)

        tried()


def operation_given(operation: object) -> object:
    from hypothesis import given

    return given(case=operation.as_strategy())


def checked(world: WireWorld, case: object, signed: bool) -> None:
    """One case, signed as the very request that goes out."""
    import requests

    wire = world.wire
    prepared = requests.Request(**case.as_transport_kwargs(base_url=wire.process.url)).prepare()
    body = prepared.body or b""
    raw = body.encode() if isinstance(body, str) else body
    path = prepared.path_url
    if "wait=" in path:
        return
    if signed:
        prepared.headers["Authorization"] = wire.signature("police", prepared.method, path, raw)
    else:
        prepared.headers.pop("Authorization", None)
    from schemathesis import Response

    with requests.Session() as session:
        answer = session.send(prepared, timeout=40)
    case.validate_response(Response.from_requests(answer, verify=False), checks=CHECKS)
    if answer.status_code >= 400:
        assert set(i_json.read_object(answer.content)) <= {"error", "status", "receipt"}
