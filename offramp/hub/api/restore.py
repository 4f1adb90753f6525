"""Gather the pieces that a restored hub's members hold, and sign the next generation."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from exchange.hub.gathering import CLOSED
from exchange.hub.hub import Hub
from exchange.protocol import answers as shapes
from exchange.protocol.pieces import Piece
from exchange.standards import i_json
from offramp.hub import restore_state
from offramp.hub.api import models
from offramp.hub.api.answers import answer, not_found
from offramp.hub.api.models import describe
from offramp.hub.api.requests import authenticate, read_signed, service_of

router = APIRouter()


@router.get(
    "/v1/generation",
    **describe(
        "Return what a restored hub waits for: the agencies heard and missing, and what the "
        "threshold has to sign.",
        shapes.RestoreState,
    ),
)
async def state(request: Request) -> Response:
    agency, _ = await read_signed(request)
    service = service_of(request)
    now = service.clock.now()
    return answer(
        await service.writer.do(
            lambda hub: restore_state.report_state(service.restoration, agency, now), agency
        )
    )


@router.post(
    "/v1/generation/held",
    **describe(
        "Take one piece of what an agency holds of the log beyond a restored hub's.",
        shapes.PieceAnswer,
        body=Piece,
    ),
)
async def take_piece(request: Request) -> Response:
    signed, body = await authenticate(request)
    service = service_of(request)
    kid, now = signed.kid, service.clock.now()

    def take(hub: Hub) -> int | None:
        if not hub.store.value(CLOSED):
            return None
        return restore_state.take_piece(service.restoration, kid, body, now)

    number = await service.writer.do(take, signed.agency)
    if number is None:
        raise not_found()
    await service.writer.do(service.refresh)
    return answer({"n": number})


@router.post(
    "/v1/generation/signatures",
    **describe(
        "Take an agency's signature of the log's next generation.",
        shapes.Begun,
        body=models.Signature,
        refuses=(401,),
    ),
)
async def sign(request: Request) -> Response:
    agency, body = await read_signed(request)
    service = service_of(request)
    value = i_json.read_object(body)
    sha256, signature = str(value.get("sha256")), str(value.get("signature"))
    now = service.clock.now()

    def sign_draft(hub: Hub) -> bool | None:
        if not hub.store.value(CLOSED):
            return None
        return service.restoration.sign(sha256, signature, now)

    begun = await service.writer.do(sign_draft, agency)
    if begun is None:
        raise not_found()
    await service.writer.do(service.refresh)
    return answer({"begun": begun})
