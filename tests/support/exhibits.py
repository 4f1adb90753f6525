"""A true exhibit, and the exhibits that a lying hub would make of it."""

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
    """Return the exhibit of a status that the prosecutor received with consent and opened.

    Two parts were sent, and one is shown.
    """
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


# A lying hub logs what it likes. Its witnesses can't read the leaves, and cosign the tree.


def logged(
    body: dict[str, Any] | None = None,
    *,
    later: int = 0,
    first: Callable[[World], tuple[documents.ShownRecord, ...]] = lambda world: (),
    alone: bool = False,
) -> documents.Exhibit:
    """Return the exhibit with another hand-out, logged `later` after the records in `first`.

    With `alone`, only these records are relied on.
    """
    honest, exhibit = told()
    world = honest.fork()
    world.clock += later
    more = first(world)
    said = exhibit.handout.leaf.body.model_copy(update={"time": world.clock, **(body or {})})
    leaf = world.hub.log.append(said, world.random)
    relied = more if alone else (*exhibit.relied, *more)
    return proved_in(world, replace(exhibit, handout=Proved(leaf, ()), relied=relied))


def smuggled(world: World, kind: str, part: Part, jti: str = "a" * 32) -> documents.ShownRecord:
    """Return a record by the case managers that was logged without asking the rules."""
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
    """Return a second consent."""
    return (smuggled(world, "consent", world.terms("crossroads", status_grant() | more)),)


def changed(world: World, does: str, **what: Any) -> tuple[documents.ShownRecord, ...]:
    """Return a change to consent."""
    terms = world.terms("crossroads", {"does": does, **what}, agencies=("crossroads", "prosecutor"))
    return (smuggled(world, "consent_change", terms),)


def narrowed(world: World) -> tuple[documents.ShownRecord, ...]:
    """Return a change that ends the consent to the disclosed category."""
    return changed(world, "narrow", grant=status_grant()["id"], categories=["status"])


def late() -> documents.Exhibit:
    """Return an exhibit whose consent the hub logged again, after the handout."""
    honest, exhibit = told()
    world = honest.fork()
    (consent,) = exhibit.relied
    leaf = world.hub.log.append(
        consent.recorded.leaf.body.model_copy(update={"time": world.clock}), world.random
    )
    return proved_in(world, replace(exhibit, relied=(replace(consent, recorded=Proved(leaf, ())),)))


def said_no(world: World) -> tuple[documents.ShownRecord, ...]:
    """Return a restriction on disclosures from the case managers to the prosecutor."""
    return changed(world, "restrict", pairs=[["crossroads", "prosecutor"]], categories=["status"])


def proved_in(
    world: World,
    exhibit: documents.Exhibit,
    members: tuple[tuple[Leaf, SignedPayload | str], ...] = (),
) -> documents.Exhibit:
    """Return the exhibit under the newest checkpoint, with every path renewed."""
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
