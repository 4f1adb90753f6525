"""The hub's HTTP application (FastAPI).

Every answer is JSON, except the log's notes. Every refusal is `{"error": {code, message, fix}}`.
A refusal that depends on a person or case is always the same 403 with one body, on the next
boundary of a quarter of a second. Nothing that a request contains is written to a log.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from offramp import __version__
from offramp.clock import http_date
from offramp.hub.api import accounts, directory, log, monitoring, packs, records, restore
from offramp.hub.api.answers import (
    SEE_DESCRIPTION,
    answer,
    answer_refusal,
    bad_parameter,
    wait_for_boundary,
)
from offramp.hub.api.models import BODY_SCHEMAS, SECURITY
from offramp.hub.service import Service
from rules.errors import Refusal

ROUTERS = (records, log, directory, packs, restore, accounts, monitoring)


def create_app(service: Service) -> FastAPI:
    """Return the application over a service whose writer has not started yet."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.writer.start()
        yield
        await asyncio.to_thread(service.writer.stop)
        service.hub.store.close()

    app = FastAPI(
        title="Offramp hub", version=__version__, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.service = service
    for subject in ROUTERS:
        app.include_router(subject.router)
    app.middleware("http")(_finish)
    app.exception_handler(Refusal)(_on_refusal)
    app.exception_handler(RequestValidationError)(_on_bad_parameter)
    app.exception_handler(HTTPException)(_on_http_error)
    _describe_security(app)
    return app


async def _finish(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
    """Answer refusals, time those about a person evenly, date the answer, and count it."""
    arrived = time.monotonic()
    service: Service = request.app.state.service
    try:
        response = await call(request)
    except Refusal as refusal:
        response = answer_refusal(refusal)
    if response.status_code == 403:
        await wait_for_boundary(arrived)
    response.headers["Date"] = http_date(service.clock.now())
    response.headers["Cache-Control"] = "no-store"
    service.count(getattr(request.scope.get("route"), "path", "other"), response.status_code)
    return response


async def _on_refusal(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    return answer_refusal(error)


async def _on_bad_parameter(_: Request, error: Exception) -> Response:
    return answer_refusal(bad_parameter("a parameter isn't what it must be"))


async def _on_http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    message = str(error.detail).lower()
    value = {"code": "no-such-thing", "message": message, "fix": SEE_DESCRIPTION}
    return answer({"error": value}, error.status_code)


def _describe_security(app: FastAPI) -> None:
    """Add the signature scheme and the schemas of request bodies to the API's description."""
    describe_routes = app.openapi

    def openapi() -> dict[str, Any]:
        description = describe_routes()
        components = description.setdefault("components", {})
        components["securitySchemes"] = SECURITY
        components.setdefault("schemas", {}).update(BODY_SCHEMAS)
        return description

    app.openapi = openapi  # type: ignore[method-assign]  # as FastAPI's own guide extends it
