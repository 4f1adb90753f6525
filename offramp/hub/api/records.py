"""Submit records, read their receipts, and pull an inbox."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import ExitStack, suppress
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from exchange.errors import ExchangeError, RequestRefused
from exchange.hub.hub import Acceptance, Rejection, not_passed
from exchange.protocol import answers as shapes
from exchange.records.bundle import Bundle, parse_bundle, read_bundle, read_usual_bundles
from exchange.records.record import LARGEST, hash_statement
from exchange.standards import i_json
from offramp.hub.api.answers import (
    JSON,
    answer,
    bad_parameter,
    not_found,
    status_of,
    wait_for_boundary,
)
from offramp.hub.api.models import (
    Bundles,
    InboxAnswer,
    SubmittedAnswer,
    describe,
)
from offramp.hub.api.requests import (
    LARGEST_NUMBER,
    check_open,
    check_range,
    off_loop,
    read_signed,
    service_of,
)
from offramp.hub.limits import MOST_VALUES_IN_RECORDS, check_values

MOST_BUNDLES = 100
LONGEST_WAIT = 30
router = APIRouter()


class DirectRoute(APIRoute):
    """A route whose endpoint takes the request itself and returns a response.

    FastAPI then has nothing to look up, convert, or check for it.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the endpoint."""
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler


submissions = APIRouter(route_class=DirectRoute)


@submissions.post(
    "/v1/records",
    **describe(
        "Take a record, or up to 100 of them, answered one by one.",
        SubmittedAnswer,
        body=Bundles,
        status=(201, 200),
        refuses=(403, 409),
    ),
)
async def submit(request: Request) -> Response:
    arrived = time.monotonic()
    agency, body = await read_signed(request)
    check_values(body, MOST_VALUES_IN_RECORDS)
    service = service_of(request)
    is_list, bundles = await off_loop(len(body), lambda: _read_bundles(body, agency))
    sound = [bundle for bundle in bundles if isinstance(bundle, Bundle)]
    now = service.clock.now()
    results = iter(
        await service.writer.do(
            lambda hub: check_open(hub).submit(sound, now), agency, weight=len(sound)
        )
        if sound
        else ()
    )
    answers = [
        _answer_of(next(results) if isinstance(bundle, Bundle) else bundle) for bundle in bundles
    ]
    service.refusal_counts.update(entry["error"]["code"] for entry in answers if "error" in entry)
    if any(entry["status"] == 403 for entry in answers):
        await wait_for_boundary(arrived)
    if is_list:
        return answer(answers)
    return answer(answers[0], answers[0]["status"])


router.include_router(submissions)


@router.get(
    "/v1/records/{jti}/receipt",
    **describe("Return the receipt of one of the agency's own records.", shapes.ReceiptAnswer),
)
async def receipt(request: Request, jti: str) -> Response:
    agency, _ = await read_signed(request)
    record = await service_of(request).writer.do(lambda hub: hub.store.record(agency, jti), agency)
    if record is None:
        raise not_found()
    return answer({"receipt": record[1].json(), "sha256": hash_statement(record[0].jws)})


@router.get(
    "/v1/inbox",
    **describe(
        "Return the items after the first `after`. Wait up to `wait` seconds, at most 30, for a "
        "new one.",
        InboxAnswer,
        refuses=(409,),
    ),
)
async def inbox(request: Request, after: int = 0, wait: int = 0) -> Response:
    agency, _ = await read_signed(request)
    service = service_of(request)
    check_range(after, 0, LARGEST_NUMBER)
    until = time.monotonic() + min(max(wait, 0), LONGEST_WAIT)
    with ExitStack() as stack:
        if wait > 0:
            stack.enter_context(service.in_flight.poll(agency))
        # INVARIANT: the event is watched before the items are counted, so none is missed between.
        grown = stack.enter_context(service.writer.watch(agency))
        while (
            not service.writer.stopping
            and await service.writer.do(lambda hub: hub.store.items(agency), agency) <= after
            and (left := until - time.monotonic()) > 0
        ):
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await grown.wait()
            grown.clear()
    pulled = await service.writer.do(
        lambda hub: check_open(hub).inbox(agency, service.clock.now(), after), agency
    )
    return Response(await asyncio.to_thread(pulled.write), media_type=JSON)


@router.post(
    "/v1/inbox/done",
    **describe("Note how many items the gateway has stored.", shapes.Cursor, body=shapes.Cursor),
)
async def done(request: Request) -> Response:
    agency, body = await read_signed(request)
    after = i_json.read_object(body).get("after")
    if not isinstance(after, int) or isinstance(after, bool) or not 0 <= after <= LARGEST_NUMBER:
        raise bad_parameter("`after` is not a number of items")
    await service_of(request).writer.do(
        lambda hub: hub.store.set_value(f"done {agency}", str(after).encode()), agency
    )
    return answer({"after": after})


def _read_bundles(body: bytes, agency: str) -> tuple[bool, list[Bundle | Rejection]]:
    """Read one bundle or a list of them. Raises `TextError`, `RequestRefused` `too-large`."""
    usual = read_usual_bundles(body)
    if usual is not None and len(usual) <= MOST_BUNDLES:
        return body.startswith(b"["), [_check_sender(bundle, agency) for bundle in usual]
    value = i_json.read(body)
    values = value if isinstance(value, list) else [value]
    if not 1 <= len(values) <= MOST_BUNDLES:
        raise RequestRefused(
            "too-large", f"`{len(values)}` records at once", fix=f"send up to {MOST_BUNDLES}"
        )
    return isinstance(value, list), [_read_bundle(each, agency, len(body)) for each in values]


def _read_bundle(value: Any, agency: str, body_bytes: int) -> Bundle | Rejection:
    """Read a bundle of the agency that signed the request.

    Another agency's bundle depends on who sent it, so it gets the one uniform refusal.
    """
    try:
        # A request that is no longer than one record may be contains no longer record.
        is_short = body_bytes <= LARGEST
        bundle = parse_bundle(value) if is_short else read_bundle(i_json.write(value))
    except ExchangeError as error:
        return Rejection(error)
    return _check_sender(bundle, agency)


def _check_sender(bundle: Bundle, agency: str) -> Bundle | Rejection:
    try:
        if bundle.claims[0] != agency:
            raise not_passed()
    except ExchangeError as error:
        return Rejection(error)
    return bundle


def _answer_of(result: Acceptance | Rejection) -> dict[str, Any]:
    if isinstance(result, Acceptance):
        return {"status": 200 if result.is_repeat else 201, "receipt": result.receipt.json()}
    return {"status": status_of(result.error), "error": result.error.as_json()}
