"""Check that the hub answers valid and invalid requests as its description of the API states."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

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
    cases: list[Any] = []
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
        def collect(case: object) -> None:
            cases.append(case)

        collect()
    # The hub answers many refusals on the next quarter of a second, so several are asked at once.
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda case: answer_of(world, case, signed), cases))
    assert len(cases) > 100 and sum(answer is not None for answer in answers) > 100
    for case, answer in zip(cases, answers, strict=True):
        if answer is not None:
            check_answer(case, answer)


def operation_given(operation: object) -> object:
    from hypothesis import given

    return given(case=operation.as_strategy())


def answer_of(world: WireWorld, case: Any, signed: bool) -> Any:
    """Send one case, signed as the very request that goes out. None if it would only wait."""
    import requests

    wire = world.wire
    prepared = requests.Request(**case.as_transport_kwargs(base_url=wire.process.url)).prepare()
    body = prepared.body or b""
    raw = body.encode() if isinstance(body, str) else body
    path = prepared.path_url
    if "wait=" in path:
        return None
    if signed:
        prepared.headers["Authorization"] = wire.signature("police", prepared.method, path, raw)
    else:
        prepared.headers.pop("Authorization", None)
    with requests.Session() as session:
        return session.send(prepared, timeout=40)


def check_answer(case: Any, answer: Any) -> None:
    """Check that an answer is one of those that its operation describes."""
    from schemathesis import Response

    case.validate_response(Response.from_requests(answer, verify=False), checks=CHECKS)
    if answer.status_code >= 400:
        assert set(i_json.read_object(answer.content)) <= {"error", "status", "receipt"}
