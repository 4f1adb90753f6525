"""A true exhibit, and what a hub that lies would have made of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

from exchange.agency import exhibits
from exchange.consent.account import Proved
from exchange.evidence import documents
from exchange.evidence.verify import verify_exhibit
from exchange.log.leaves import HandoutBody, HandoutPart, Leaf, RecordBody
from exchange.membership.signatures import SignedPayload
from exchange.records.building import Part, build_bundle
from exchange.records.bundle import check_bundle
from exchange.records.manifest import rebuild_manifest
from exchange.standards import sd_jwt
from tests.support.attack_stories import TO_PROSECUTOR, status_grant
from tests.support.simulator import MINUTE, World, part


def path_in(world: World, size: int | None = None) -> Callable[[Leaf], tuple[bytes, ...]]:
    return lambda leaf: world.hub.log.tree.inclusion(leaf.index, size)


@cache
def told() -> tuple[World, documents.Exhibit]:
    """A status told to the prosecutor with consent, opened, and shown. Two parts were sent, one is shown."""
    world = World()
    case = world.enrolled(status_grant())
    before = world.witnessed()
    world.clock += 10 * MINUTE
    shown = part("status", {"engagement": "engaged"}, to=TO_PROSECUTOR)
    kept = part("status", {"engagement": "starting"}, to=TO_PROSECUTOR)
    jti = world.send("crossroads", "status", shown, kept, case=case)
    world.clock += MINUTE
    world.pull("prosecutor")
    over = world.witnessed()
    world.prove("prosecutor", over)
    received = world.at["prosecutor"].received["crossroads", jti]
    assert received.record is not None
    for each in received.record.labels:
        world.open("prosecutor", jti, each)
    chosen = sorted(received.record.labels)[:1]
    built = exhibits.exhibit_of(
        world.at["prosecutor"],
        "crossroads",
        jti,
        chosen,
        checkpoints=(before, over),
        path=path_in(world),
    )
    return world, built


# A hub that lies: it logs what it likes, and its witnesses, who can't read it, cosign the tree that grew.


def logged(
    body: dict[str, Any] | None = None,
    *,
    later: int = 0,
    first: Callable[[World], tuple[documents.ShownRecord, ...]] = lambda world: (),
    alone: bool = False,
) -> documents.Exhibit:
    """The exhibit with another hand-out in the log, later, and the records that were put there first; `alone`: only these."""
    honest, exhibit = told()
    world = honest.fork()
    world.clock += later
    more = first(world)
    said = exhibit.handout.leaf.body.model_copy(update={"time": world.clock, **(body or {})})
    leaf = world.hub.log.append(said, world.random)
    relied = more if alone else (*exhibit.relied, *more)
    return proved_in(world, replace(exhibit, handout=Proved(leaf, ()), relied=relied))


def smuggled(world: World, kind: str, part: Part, jti: str = "a" * 32) -> documents.ShownRecord:
    """A record of the case by its case managers, which no hub asked about before it was logged."""
    membership = world.hub.history.membership_at(world.hub.log.size)
    case = verify_exhibit(told()[1]).case
    signing, at = world.at["crossroads"].signing, world.clock
    bundle = build_bundle(
        signing,
        kind,
        [part],
        membership=membership,
        case=case,
        iat=at,
        random_bytes=world.random,
        jti=jti,
    )
    record = check_bundle(bundle, membership)
    body = RecordBody(id=jti, issuer="crossroads", sha256=record.sha256, time=at, number="0" * 64)
    manifest = rebuild_manifest(record.entries, record.pads)
    entries = tuple((entry, manifest.path(entry)) for entry in record.entries)
    text = sd_jwt.join(record.jws, record.disclosures.values())
    return documents.ShownRecord(
        text, entries, Proved(world.hub.log.append(body, world.random), ())
    )


def consented(world: World, **more: Any) -> tuple[documents.ShownRecord, ...]:
    """A second consent."""
    return (smuggled(world, "consent", world.terms("crossroads", status_grant() | more)),)


def changed(world: World, does: str, **what: Any) -> tuple[documents.ShownRecord, ...]:
    """A change to consent."""
    terms = world.terms("crossroads", {"does": does, **what}, agencies=("crossroads", "prosecutor"))
    return (smuggled(world, "consent_change", terms),)


def narrowed(world: World) -> tuple[documents.ShownRecord, ...]:
    """The person takes back the one kind of information that was told."""
    return changed(world, "narrow", grant=status_grant()["id"], categories=["status"])


def late() -> documents.Exhibit:
    """The hub logs the signed consent again, after the hand-out, and shows that place."""
    honest, exhibit = told()
    world = honest.fork()
    (consent,) = exhibit.relied
    leaf = world.hub.log.append(
        consent.recorded.leaf.body.model_copy(update={"time": world.clock}), world.random
    )
    return proved_in(world, replace(exhibit, relied=(replace(consent, recorded=Proved(leaf, ())),)))


def said_no(world: World) -> tuple[documents.ShownRecord, ...]:
    """The person says no to what case managers tell the prosecutor."""
    return changed(world, "restrict", pairs=[["crossroads", "prosecutor"]], categories=["status"])


def proved_in(
    world: World,
    exhibit: documents.Exhibit,
    members: tuple[tuple[Leaf, SignedPayload | str], ...] = (),
) -> documents.Exhibit:
    """The same under the newest checkpoint, every path anew."""
    path = path_in(world)

    def again(proved: Proved) -> Proved:
        return Proved(proved.leaf, path(proved.leaf))

    listed = tuple(replace(one, proved=again(one.proved)) for one in exhibit.members)
    return replace(
        exhibit,
        record=replace(exhibit.record, recorded=again(exhibit.record.recorded)),
        handout=again(exhibit.handout),
        relied=tuple(replace(one, recorded=again(one.recorded)) for one in exhibit.relied),
        checkpoints=(*exhibit.checkpoints, world.witnessed()),
        members=(
            *listed,
            *(documents.Member(again(Proved(leaf, ())), said) for leaf, said in members),
        ),
    )


def relying(**members: Any) -> tuple[HandoutPart, ...]:
    _, exhibit = told()
    body = exhibit.handout.leaf.body
    assert isinstance(body, HandoutBody)
    return tuple(one.model_copy(update=members) for one in body.parts)
