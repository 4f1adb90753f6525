"""The hub's HTTP application (FastAPI).

Every answer is JSON, except the log's notes. Every refusal is `{"error": {code, message, fix}}`.
A refusal that depends on a person or case is always the same 403 with one body, on the next
boundary of a quarter of a second. Nothing that a request contains is written to a log.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from offramp import __version__
from offramp.clock import http_date
from offramp.hub.api import accounts, directory, log, packs, records, restore
from offramp.hub.api.answers import (
    SEE_DESCRIPTION,
    answer,
    answer_refusal,
    bad_parameter,
    wait_for_boundary,
)
from offramp.hub.api.models import BODY_SCHEMAS, SECURITY
from offramp.hub.api.requests import service_of
from offramp.hub.service import Service
from rules.errors import Refusal

ROUTERS = (records, log, directory, packs, restore, accounts)


class Finish:
    """Time refusals about a person evenly, date each answer, count it, and end its limits."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self._app = app
        self._service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        arrived = time.monotonic()

        async def finish(message: Message) -> None:
            if message["type"] == "http.response.start":
                if message["status"] in (401, 403):
                    await wait_for_boundary(arrived)
                date = http_date(self._service.clock.now()).encode()
                message["headers"] += [(b"date", date), (b"cache-control", b"no-store")]
                route = getattr(scope.get("route"), "path", "other")
                self._service.count(route, message["status"])
            await send(message)

        with contextlib.ExitStack() as stack:
            # What the request counts for in the limits, until its answer is sent.
            scope.setdefault("state", {})["stack"] = stack
            await self._app(scope, receive, finish)


class Direct:
    """Call the endpoints that take the request itself, by method and path.

    For them FastAPI would look up, convert, and check nothing. Its own layers take longer than the
    signature of the request. Every other request goes through FastAPI.
    """

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._routes = {
            (method, route.path): route
            for route in records.submissions.routes
            if isinstance(route, APIRoute)
            for method in route.methods or ()
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_http = scope["type"] == "http"
        route = self._routes.get((scope["method"], scope["path"])) if is_http else None
        if route is None:
            await self._app(scope, receive, send)
            return
        scope["app"], scope["route"] = self._app, route
        request = Request(scope, receive)
        try:
            response = await route.endpoint(request)
        except Refusal as error:
            response = await _on_refusal(request, error)
        await response(scope, receive, send)


def create_app(service: Service) -> ASGIApp:
    """Return the application over a service whose writer has not started yet."""

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        service.writer.start()
        yield
        await asyncio.to_thread(service.writer.stop)
        service.hub.store.close()

    app = FastAPI(
        title="Offramp hub",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # A redirect would repeat the `Host` that a client made up.
        redirect_slashes=False,
    )
    app.state.service = service
    for subject in ROUTERS:
        app.include_router(subject.router)
    app.exception_handler(Refusal)(_on_refusal)
    app.exception_handler(RequestValidationError)(_on_bad_parameter)
    app.exception_handler(HTTPException)(_on_http_error)
    _describe_security(app)
    return Finish(Direct(app), service)


async def _on_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refusal)
    service_of(request).refusal_counts[error.code] += 1
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
