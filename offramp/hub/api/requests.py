"""Read requests: the body within its limits, the signature, and the service behind a request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from exchange.errors import RequestRefused
from exchange.hub.gathering import CLOSED
from exchange.hub.hub import Hub
from exchange.protocol.request import Request as SignedRequest
from exchange.standards import i_json
from offramp.hub.api.answers import bad_parameter
from offramp.hub.limits import LARGEST_BODY, LARGEST_UNSIGNED_BODY, check_values
from offramp.hub.service import Service

BODY_WITHIN = 30.0
T = TypeVar("T")
_PARSER = ThreadPoolExecutor(1, "parser")
LARGEST_NUMBER = 2**53 - 1


def service_of(request: Request) -> Service:
    """Return the service that the application of a request was made over."""
    service: Service = request.app.state.service
    return service


async def read_body(request: Request) -> bytes:
    """Read the body of a request that nobody need sign, of at most 64 KiB.

    Raises `RequestRefused` `too-large`, `too-slow`.
    """
    address = request.client.host if request.client else ""
    await asyncio.sleep(service_of(request).in_flight.delay_unsigned(address))
    return await _read_body(request, LARGEST_UNSIGNED_BODY, lambda _: None)


async def read_object(request: Request) -> dict[str, Any]:
    """Read a request's body as a JSON object. Raises as `read_body`, and `TextError`."""
    return i_json.read_object(await read_body(request))


async def read_signed(request: Request) -> tuple[str, bytes]:
    """Read a request and return the agency that signed it, and its body.

    Raises as `authenticate`.
    """
    signed, body = await authenticate(request)
    return signed.agency, body


async def authenticate(request: Request) -> tuple[SignedRequest, bytes]:
    """Check who signed the head of a request, then read its body and compare it.

    INVARIANT: no byte of a body is kept before its sender is known. Raises as `read_body` and
    `Service.authenticate`; `RequestRefused` `another-request`, `busy`.
    """
    service = service_of(request)
    signed = service.authenticate(request)
    in_flight = service.in_flight
    stack: ExitStack = request.state.stack
    stack.enter_context(in_flight.request(signed.agency))

    def count(length: int) -> None:
        in_flight.add_bytes(signed.agency, length)
        stack.callback(in_flight.remove_bytes, signed.agency, length)

    # A member that sends much waits before its body is read, so it costs no memory meanwhile.
    if delay := in_flight.delay(signed.agency):
        await asyncio.sleep(delay)
    body = await _read_body(request, LARGEST_BODY, count)
    await off_loop(len(body), lambda: signed.check_body(body))
    check_values(body)
    return signed, body


async def _read_body(request: Request, most: int, count: Callable[[int], None]) -> bytes:
    """Read a body of at most so many bytes. `count` sees the length of each piece first."""
    declared = request.headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > most:
        raise _too_large(most)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for chunk in request.stream():
                if len(body) + len(chunk) > most:
                    raise _too_large(most)
                count(len(chunk))
                body += chunk
    except ClientDisconnect:
        raise RequestRefused(
            "too-slow", "the client left before the request was whole", fix="send it again"
        ) from None
    except TimeoutError:
        raise RequestRefused(
            "too-slow", f"the request didn't arrive within {BODY_WITHIN:.0f} s", fix="send less"
        ) from None
    return bytes(body)


async def off_loop(length: int, work: Callable[[], T]) -> T:
    """Do work on a body of a length: a long one in another thread, one at a time.

    So a long body keeps nobody else waiting, and few are parsed in memory at once.
    """
    if length <= LARGEST_UNSIGNED_BODY:
        return work()
    return await asyncio.get_running_loop().run_in_executor(_PARSER, work)


def _too_large(most: int) -> RequestRefused:
    return RequestRefused("too-large", f"a request of over {most} bytes", fix="send fewer records")


def check_range(value: int, low: int, high: int) -> None:
    """Refuse a number outside a range. Raises `RequestRefused` `bad-parameter`."""
    if not low <= value <= high:
        raise bad_parameter(f"`{value}` isn't between {low} and {high}")


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
