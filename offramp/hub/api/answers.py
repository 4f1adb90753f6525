"""Answers and refusals as HTTP responses, and the even timing of refusals about a person."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from fastapi import Response

from exchange.errors import NotPassed, RequestRefused, StoreError
from exchange.standards import i_json
from offramp.hub.limits import RETRY_AFTER
from rules.errors import Refusal

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"
BOUNDARY = 0.25
SEE_DESCRIPTION = "see the API's description"
_STATUS = {
    "bad-parameter": 400,
    "bad-code": 403,
    "no-such-thing": 404,
    "too-slow": 408,
    "closed": 409,
    "too-large": 413,
    "busy": 429,
    "quota": 429,
}


def status_of(refusal: Refusal) -> int:
    """Return the HTTP status of a refusal."""
    if isinstance(refusal, NotPassed):
        return 403
    if isinstance(refusal, StoreError):
        return 507
    if isinstance(refusal, RequestRefused):
        return _STATUS.get(refusal.code, 401)
    return 409 if refusal.code == "id-taken" else 422


def answer(value: Any, status: int = 200) -> Response:
    """Return a JSON value as a response."""
    return Response(i_json.write(value), status, media_type=JSON)


def answer_refusal(refusal: Refusal) -> Response:
    """Return a refusal as a response: `{"error": {code, message, fix}}`."""
    response = answer({"error": refusal.as_json()}, status_of(refusal))
    if response.status_code in (408, 413):
        # The rest of the body is not read.
        response.headers["Connection"] = "close"
    if response.status_code == 429:
        response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


async def wait_for_boundary(arrived: float) -> None:
    """Wait for the next quarter of a second after a request arrived.

    The time that a decision took then reveals nothing. `arrived` is a monotonic time in seconds.
    """
    passed = time.monotonic() - arrived
    await asyncio.sleep(BOUNDARY - passed % BOUNDARY)


def not_found() -> RequestRefused:
    """Return the refusal for a path or an id that does not exist."""
    return RequestRefused("no-such-thing", "there is nothing here", fix=SEE_DESCRIPTION)


def bad_parameter(message: str) -> RequestRefused:
    """Return the refusal for a parameter with a wrong value."""
    return RequestRefused("bad-parameter", message, fix=SEE_DESCRIPTION)
