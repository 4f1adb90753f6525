"""Read requests: the body within its limits, the signature, and the service behind a request."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import Request
from starlette.requests import ClientDisconnect

from exchange.errors import RequestRefused
from exchange.hub.gathering import CLOSED
from exchange.hub.hub import Hub
from exchange.standards import i_json
from offramp.hub.api.answers import bad_parameter, not_found
from offramp.hub.service import Service

LARGEST_BODY = 16 * 1024 * 1024
BODY_WITHIN = 30.0
LOOPBACK = ("127.0.0.1", "::1")
LARGEST_NUMBER = 2**53 - 1


def service_of(request: Request) -> Service:
    """Return the service that the application of a request was made over."""
    service: Service = request.app.state.service
    return service


async def read_body(request: Request) -> bytes:
    """Read a request's body. Raises `RequestRefused` `too-large`, `too-slow`."""
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise RequestRefused(
                        "too-large",
                        f"a request of over {LARGEST_BODY} bytes",
                        fix="send fewer records",
                    )
    except ClientDisconnect:
        raise RequestRefused(
            "too-slow", "the client left before the request was whole", fix="send it again"
        ) from None
    except TimeoutError:
        raise RequestRefused(
            "too-slow", f"the request didn't arrive within {BODY_WITHIN:.0f} s", fix="send less"
        ) from None
    return bytes(body)


async def read_object(request: Request) -> dict[str, Any]:
    """Read a request's body as a JSON object. Raises as `read_body`, and `TextError`."""
    return i_json.read_object(await read_body(request))


async def read_signed(request: Request) -> tuple[str, bytes]:
    """Read a request and return the agency that signed it, and its body.

    Raises as `read_body` and `Service.authenticate`.
    """
    body = await read_body(request)
    return service_of(request).authenticate(request, body).agency, body


def check_range(value: int, low: int, high: int) -> None:
    """Refuse a number outside a range. Raises `RequestRefused` `bad-parameter`."""
    if not low <= value <= high:
        raise bad_parameter(f"`{value}` isn't between {low} and {high}")


def check_local(request: Request) -> None:
    """Refuse a request from another machine. Raises `RequestRefused` `no-such-thing`."""
    if request.client is None or request.client.host not in LOOPBACK:
        raise not_found()


def check_open(hub: Hub) -> Hub:
    """Return the hub, unless it was restored and still lacks what its members hold.

    Raises `RequestRefused` `closed`.
    """
    if hub.store.value(CLOSED):
        raise RequestRefused(
            "closed",
            "the hub was restored and waits for its members",
            fix="let every agency's gateway run",
        )
    return hub
