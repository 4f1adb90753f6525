"""Take packs that are to be adopted with the memos of their changes, and serve the text of each."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from exchange.protocol import answers as shapes
from offramp.adoption import read_pack_files
from offramp.hub import membership
from offramp.hub.api import models
from offramp.hub.api.answers import JSON, answer, not_found
from offramp.hub.api.models import describe
from offramp.hub.api.requests import off_loop, read_body, read_signed, service_of
from offramp.memo_file import read_memo
from offramp.pack_trial import examine_pack_async

router = APIRouter()


@router.get(
    "/v1/packs/{named}",
    **describe(
        "Return the text of the pack with a digest, and its parents'.",
        models.PackText,
        signed=False,
    ),
)
async def pack(request: Request, named: str) -> Response:
    await read_body(request)
    text = await service_of(request).writer.do(
        lambda hub: hub.store.value(f"{membership.PACK} {named}")
    )
    if text is None:
        raise not_found()
    return Response(text, media_type=JSON)


@router.post(
    "/v1/packs",
    **describe(
        "Take a pack that is to be adopted. It is read, proved, and held to the minimum.",
        shapes.PackDigest,
        body=models.PackText,
        status=(201,),
    ),
)
async def packs(request: Request) -> Response:
    agency, body = await read_signed(request)
    service = service_of(request)
    files = await off_loop(len(body), lambda: read_pack_files(body))
    # The hub goes on meanwhile, and proves one pack at a time, one of each member.
    with service.in_flight.proof(agency):
        async with service.proving:
            digest = await examine_pack_async(files)
    await service.writer.do(
        lambda hub: hub.store.set_value(f"{membership.PACK} {digest}", files.write()), agency
    )
    return answer({"digest": digest}, 201)


@router.get(
    "/v1/memos/{pack}/{named}",
    **describe(
        "Return the memo with a digest, of the change to a pack.",
        models.MemoText,
        signed=False,
    ),
)
async def memo(request: Request, pack: str, named: str) -> Response:
    await read_body(request)
    text = await service_of(request).writer.do(
        lambda hub: hub.store.value(f"{membership.MEMO} {pack} {named}")
    )
    if text is None:
        raise not_found()
    return Response(text, media_type=JSON)


@router.post(
    "/v1/memos",
    **describe(
        "Take the memo of the change to a pack that the hub keeps. Its words are not checked.",
        shapes.PackDigest,
        body=models.MemoText,
        status=(201,),
    ),
)
async def memos(request: Request) -> Response:
    agency, body = await read_signed(request)
    read = await off_loop(len(body), lambda: read_memo(body))
    await service_of(request).writer.do(
        lambda hub: membership.keep_memo(hub, read.value["new"]["digest"], read.digest, read.text),
        agency,
    )
    return answer({"digest": read.digest}, 201)
