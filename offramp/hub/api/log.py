"""Read the log: checkpoints, entries, and proofs. Take the witnesses' cosignatures."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import APIRouter, Request, Response

from exchange.hub.hub import Hub
from exchange.protocol import answers as shapes
from exchange.standards import base64
from offramp.hub.api import models
from offramp.hub.api.answers import TEXT, answer, not_found
from offramp.hub.api.models import describe
from offramp.hub.api.requests import (
    LARGEST_NUMBER,
    check_open,
    check_range,
    read_signed,
    service_of,
)
from offramp.hub.witnessing import WITNESSED

MOST_ENTRIES = 1024
router = APIRouter()


@router.get(
    "/v1/log/checkpoint",
    **describe(
        "Return the open checkpoint, signed afresh, or the newest with its witnesses.",
        models.TEXT,
        refuses=(409,),
    ),
)
async def checkpoint(request: Request, witnessed: bool = False) -> Response:
    agency, _ = await read_signed(request)
    service = service_of(request)
    now = service.clock.now()

    def note_of(hub: Hub) -> bytes | None:
        if witnessed:
            return hub.store.value(WITNESSED)
        return service.witnessing.poll(check_open(hub), now)

    note = await service.writer.do(note_of, agency)
    if note is None:
        raise not_found()
    return Response(note, media_type=TEXT)


@router.post(
    "/v1/log/cosignatures",
    **describe(
        "Take a witness's cosignature: the checkpoint with it.",
        shapes.Witnessed,
        body=models.TEXT,
        refuses=(409,),
    ),
)
async def cosignatures(request: Request) -> Response:
    agency, note = await read_signed(request)
    service = service_of(request)

    def take(hub: Hub) -> bool:
        witness = check_open(hub).history.newest.agencies[agency].witness
        return service.witnessing.add_cosignature(hub, note, witness)

    return answer({"witnessed": await service.writer.do(take, agency)})


@router.get("/v1/log/entries", **describe("Return blinded leaves, at most 1,024.", shapes.Entries))
async def entries(request: Request, start: int = 0, end: int = MOST_ENTRIES) -> Response:
    agency, _ = await read_signed(request)
    check_range(start, 0, LARGEST_NUMBER)
    check_range(end, start, start + MOST_ENTRIES)
    leaves = await service_of(request).writer.do(
        lambda hub: [leaf.entry for leaf in hub.store.leaves(start, end)], agency
    )
    return answer({"start": start, "entries": [base64.encode_url(entry) for entry in leaves]})


@router.get(
    "/v1/log/inclusion", **describe("Prove that a leaf is in the tree of a size.", shapes.Proof)
)
async def inclusion(request: Request, index: int, size: int) -> Response:
    agency, _ = await read_signed(request)
    hashes = await service_of(request).writer.do(
        lambda hub: hub.log.tree.inclusion(index, size), agency
    )
    return _proof(hashes)


@router.get(
    "/v1/log/consistency",
    **describe("Prove that one tree is the beginning of another.", shapes.Proof),
)
async def consistency(request: Request, first: int, second: int) -> Response:
    agency, _ = await read_signed(request)
    hashes = await service_of(request).writer.do(
        lambda hub: hub.log.tree.consistency(first, second), agency
    )
    return _proof(hashes)


def _proof(hashes: Iterable[bytes]) -> Response:
    return answer({"proof": [digest.hex() for digest in hashes]})
