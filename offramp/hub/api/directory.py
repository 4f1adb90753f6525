"""Read the directory, propose and sign its next version, join, and publish sealing keys."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

from fastapi import APIRouter, Request, Response

from exchange.hub.gathering import CLOSED
from exchange.hub.hub import Hub, not_passed
from exchange.models import validate
from exchange.protocol import answers as shapes
from exchange.standards import base64, i_json
from offramp.hub import invitations, membership, restore_state
from offramp.hub.api import models
from offramp.hub.api.answers import JSON, answer
from offramp.hub.api.models import describe
from offramp.hub.api.requests import check_open, read_body, read_object, read_signed, service_of
from offramp.hub.membership import Joining

router = APIRouter()
# The members as JSON and the state that they were written in, by hub.
_written: WeakKeyDictionary[Hub, tuple[Any, bytes]] = WeakKeyDictionary()


@router.get(
    "/v1/directory",
    **describe(
        "Return every version of the directory, sealing key, and generation of the log, each "
        "with its leaf, and whether the hub is closed.",
        shapes.DirectoryAnswer,
        signed=False,
    ),
)
async def versions(request: Request) -> Response:
    await read_body(request)
    return Response(await service_of(request).writer.do(_directory_of), media_type=JSON)


@router.get(
    "/v1/directory/draft",
    **describe(
        "Return the newest draft of a next version, and all that wait for signatures.",
        shapes.Drafts,
        signed=False,
    ),
)
async def draft(request: Request) -> Response:
    await read_body(request)
    writer = service_of(request).writer
    payload = await writer.do(membership.draft)
    drafts = await writer.do(membership.drafts)
    return answer(
        {"directory": base64.encode_url(payload), "drafts": [entry.json() for entry in drafts]}
    )


@router.post(
    "/v1/directory/draft",
    **describe(
        "Propose the next version whole. It becomes a draft beside those of others.",
        shapes.Drafted,
        body=models.AnyObject,
        refuses=(409,),
    ),
)
async def propose(request: Request) -> Response:
    agency, body = await read_signed(request)
    document = i_json.read_object(body)
    payload = await service_of(request).writer.do(
        lambda hub: membership.propose(check_open(hub), document, agency), agency
    )
    return answer({"directory": base64.encode_url(payload)})


@router.post(
    "/v1/directory/signatures",
    **describe(
        "Take a signature of a draft.",
        shapes.InForce,
        body=models.Signature,
        signed=False,
        refuses=(401, 409),
    ),
)
async def signatures(request: Request) -> Response:
    value = await read_object(request)
    sha256, signature = str(value.get("sha256")), str(value.get("signature"))
    service = service_of(request)
    now = service.clock.now()
    in_force = await service.writer.do(
        lambda hub: membership.sign(check_open(hub), sha256, signature, now)
    )
    # INVARIANT: only now is it on the disk. A version that found no room there is not in force.
    await service.writer.do(service.refresh)
    return answer({"in_force": in_force})


@router.post(
    "/v1/join",
    **describe(
        "Add an invited agency to the draft.",
        shapes.Drafted,
        body=Joining,
        signed=False,
        refuses=(403, 409),
    ),
)
async def join(request: Request) -> Response:
    service = service_of(request)
    joining = validate(Joining, await read_object(request), "the request")
    folder, now = service.folder, service.clock.now()
    invited = invitations.check_code(
        folder.secret, invitations.find(folder.path, joining.agency), joining.code, now
    )
    payload = await service.writer.do(
        lambda hub: membership.join(
            check_open(hub), invited, joining, service.folder.founding(hub.store)
        )
    )
    invitations.note_use(folder.path, invited, now)
    return answer({"directory": base64.encode_url(payload)})


@router.post(
    "/v1/keys",
    **describe(
        "Take an agency's next sealing key.",
        shapes.KeyAnswer,
        body=models.KeyRequest,
        status=(201,),
        refuses=(403, 409),
    ),
)
async def keys(request: Request) -> Response:
    agency, body = await read_signed(request)
    announced = str(i_json.read_object(body).get("announced"))
    service = service_of(request)
    now = service.clock.now()

    def open_key(hub: Hub) -> Any:
        if hub.history.check_sealing(announced)[0].id != agency:
            raise not_passed()
        return check_open(hub).open_key(announced, now).json()

    leaf = await service.writer.do(open_key, agency)
    await service.writer.do(service.refresh)
    return answer({"leaf": leaf}, 201)


def _directory_of(hub: Hub) -> bytes:
    """Return the members as JSON, written again only where they changed."""
    state = (hub.history.size, len(hub.generations), hub.store.value(CLOSED))
    if _written.get(hub, (None, b""))[0] != state:
        _written[hub] = state, i_json.write(_members_of(hub))
    return _written[hub][1]


def _members_of(hub: Hub) -> dict[str, Any]:
    return {
        "versions": [
            {"leaf": hub.store.leaf(index).json(), "signed": i_json.read(signed)}
            for index, signed in hub.store.versions()
        ],
        "keys": [
            {"leaf": hub.store.leaf(index).json(), "announced": jws}
            for index, jws in hub.store.announced()
        ],
        "generations": restore_state.list_generations(hub),
        "closed": bool(hub.store.value(CLOSED)),
    }
