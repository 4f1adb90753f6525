"""Give the account of a case to counsel and case managers."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from exchange.hub.hub import Hub, not_passed
from offramp.hub.api.answers import JSON
from offramp.hub.api.models import AnyObject, describe
from offramp.hub.api.requests import check_open, read_signed, service_of
from offramp.hub.witnessing import WITNESSED

router = APIRouter()


@router.get(
    "/v1/accounting/{case}",
    **describe(
        "Return the account of a case, for counsel and case managers.",
        AnyObject,
        refuses=(403, 409),
    ),
)
async def accounting(request: Request, case: str) -> Response:
    agency, _ = await read_signed(request)
    service = service_of(request)
    now = service.clock.now()

    def account(hub: Hub) -> bytes:
        note = check_open(hub).store.value(WITNESSED)
        if note is None:
            raise not_passed()
        return hub.account(case, agency, note, now).write()

    return Response(await service.writer.do(account, agency), media_type=JSON)
