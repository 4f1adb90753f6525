"""Seven agencies, a hub, and a network in memory, with a clock that the test sets.

`World` is honest by default: `send`, `pull`, `settle`, and `open` do what real processes would.
An attack replaces one thing: the hub by a subclass, an agency's gateway by a thief's actions, or an
answer on its way by another one.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from hashlib import sha256
from typing import Any

from exchange.agency.deliveries import Received
from exchange.agency.gateway import Gateway
from exchange.agency.reading import Reading, acknowledgement
from exchange.consent.disclosure import Judge
from exchange.consent.state import COLLECTORS
from exchange.hub.hub import Acceptance, Hub, Rejection
from exchange.hub.store import Store
from exchange.log.checkpoints import with_cosignatures
from exchange.log.leaves import Leaf, LeafBody
from exchange.membership.history import announce_key
from exchange.membership.signatures import SignedPayload
from exchange.protocol.inbox import Inbox
from exchange.records import statements
from exchange.records.building import Part, build_bundle
from exchange.records.bundle import Bundle
from exchange.records.ids import new_id
from rules.shelf import read_pack
from tests.support.chance import chance
from tests.support.keys import key
from tests.support.parties import LOG, ROLES, after, document, ed25519, lead_digest, signed

START = int(datetime(2026, 11, 2, 18, tzinfo=UTC).timestamp())
MINUTE, HOUR, DAY = 60, 3600, 86400
KEEP = "2027-11-30"

# To which agency, for what purpose, on what basis.
To = Mapping[str, tuple[str, str]]

CARE = {"crossroads", "clinic", "hospital"}


@cache
def lead() -> Judge:
    return Judge(read_pack("lead"))


def judges(digest: str) -> Judge:
    assert digest == lead_digest(), "this world adopts one pack"
    return lead()


def part(category: str, content: Mapping[str, Any] | None = None, *, to: To, **more: Any) -> Part:
    """Return a part of one category, with the limit of a care agency unless `use` is given."""
    members = {"use": "no_adverse_action", "keep_until": KEEP, **more}
    return Part(category=(category,), content={category: dict(content or {})}, to=to, **members)


def grant(
    discloser: str, recipient: str, categories: list[str], purposes: list[str], **more: Any
) -> dict[str, Any]:
    """Return the terms of a consent, live from yesterday for a year."""
    members = {
        "id": sha256(repr((discloser, recipient, categories, purposes)).encode()).hexdigest()[:16],
        "discloser": discloser,
        "recipient": recipient,
        "categories": list(categories),
        "purposes": list(purposes),
        "type": "ordinary",
        "from": "2026-11-01",
        "expires": "2027-11-01",
        "form": list(statements.ATTESTED),
        "signer": "adult",
    }
    return {name: value for name, value in {**members, **more}.items() if value is not None}


FORM = {
    "name": "Ana Delgado",
    "signed_on": "2026-11-02",
    "method": "paper",
    "explained_by": "Rosa Quintana",
    "witness": None,
    "place": "Crossroads",
    "language": "es",
    "in_custody": False,
    "time_to_think": True,
    "copy_given": True,
    "texts": [{"id": "consent_form", "version": "1", "language": "es"}],
}


def signed_form(parts: Iterable[Part]) -> dict[str, Any]:
    """Return the form behind a consent, with a representative if the terms name one as signer."""
    by_another = any((one.says or {}).get("signer") == "representative" for one in parts)
    return FORM | (
        {"representative": "Luis Delgado", "authority": "Guardian, by court order"}
        if by_another
        else {}
    )


class World:
    """All agencies and the hub. `clock` is their time, in seconds since 1970."""

    def __init__(
        self, hub: type[Hub] = Hub, seed: int = 0, agencies: Iterable[str] = tuple(ROLES)
    ) -> None:
        self.random = chance(seed)
        self.clock = START
        self.hub = hub(ed25519(LOG), LOG, judges, self.random)
        self.names = tuple(agencies)
        self.at = {
            name: Gateway(name, key(f"{name}.s1"), ed25519(f"{name}.w1"), judges, self.random)
            for name in self.names
        }
        self.feed: list[Callable[[Gateway], None]] = []
        self.change_directory(signed(document()))
        for name in self.names:
            self.open_key(name, "2026-11")

    def fork(self) -> World:
        """Return a copy of the world, to continue differently."""
        store = Store()
        self.hub.store._db.backup(store._db)
        return copy.deepcopy(self, {id(self.hub.store): store})

    # Membership

    def change_directory(self, version: SignedPayload) -> int:
        leaf = self.hub.change_directory(version, self.clock)
        for gateway in self.at.values():
            gateway.learn_directory(leaf, version)
        return leaf.index

    def open_key(self, name: str, month: str) -> None:
        private = key(f"{name}.{month}", "enc")
        announced = announce_key(private.public, self.at[name].signing)
        leaf = self.hub.open_key(announced, self.clock)
        self.at[name].sealing[private.public.kid] = private
        for gateway in self.at.values():
            gateway.learn_key(leaf, announced)

    def retire(self, name: str) -> int:
        """Retire an agency's signing key. The agency may do so alone."""
        newest = after(self.hub.history)
        agencies = [
            one | {"signing": []} if one["id"] == name else one for one in newest["agencies"]
        ]
        return self.change_directory(signed(newest | {"agencies": agencies}, (name,)))

    # What agencies do

    def new_case(self) -> str:
        return new_id(self.random)

    def compose(
        self, name: str, kind: str, *parts: Part, case: str | None, jti: str | None = None
    ) -> Bundle:
        form = signed_form(parts) if kind == "consent" else None
        return self.at[name].compose(kind, parts, case=case, now=self.clock, jti=jti, form=form)

    def submit(self, *bundles: Bundle) -> tuple[Acceptance | Rejection, ...]:
        return self.hub.submit(bundles, self.clock)

    def send(
        self, name: str, kind: str, *parts: Part, case: str | None, jti: str | None = None
    ) -> str:
        """Compose and submit a record, keep its receipt, and return its id.

        Raises the refusal of the gateway or the hub.
        """
        bundle = self.compose(name, kind, *parts, case=case, jti=jti)
        (answer,) = self.submit(bundle)
        if isinstance(answer, Rejection):
            raise answer.error
        self.at[name].sent(bundle.id, answer.receipt)
        return bundle.id

    def force(
        self, name: str, kind: str, *parts: Part, case: str | None, jti: str | None = None
    ) -> str:
        """Send a record from a gateway that asks no rules, so that only the hub can refuse it."""
        gateway, membership = self.at[name], self.hub.history.membership_at(self.hub.log.size)
        bundle = build_bundle(
            gateway.signing,
            kind,
            parts,
            membership=membership,
            case=case,
            iat=self.clock,
            random_bytes=self.random,
            jti=jti,
        )
        (answer,) = self.submit(bundle)
        if isinstance(answer, Rejection):
            raise answer.error
        return bundle.id

    def represent(self, case: str, to: str = "crossroads") -> str:
        """Record that the defender is the person's counsel."""
        told = part(
            "operation",
            to={to: ("exchange_operation", "operation")},
            says={"agency": "defender"},
            use="none",
        )
        return self.send("defender", "representation", told, case=case)

    def refer(
        self, case: str, answer: str = "accepted", to: str = "crossroads", **facts: Any
    ) -> str:
        """Record a referral by police after an offer accepted at the scene."""
        basis = {to: ("offer_and_hand_off", "offer_at_scene")}
        content = {"facts": {"encounter.route": "arrest", **facts}} if answer == "accepted" else {}
        encounter = part("encounter", content, to=basis, says={"answer": answer}, use="none")
        return self.send("police", "referral", encounter, case=case)

    def consent(self, case: str, *grants: dict[str, Any], by: str = "crossroads") -> str:
        """Record a consent by a care agency. Each grant goes to its two agencies."""
        parts = [self.terms(by, terms) for terms in grants]
        return self.send(by, "consent", *parts, case=case)

    def terms(
        self, by: str, terms: Mapping[str, Any], *, agencies: Iterable[str] = (), **more: Any
    ) -> Part:
        named = [
            terms[one] for one in ("discloser", "recipient", "certifier") if one in terms
        ] or list(agencies)
        to = {
            name: ("exchange_operation", "operation") for name in dict.fromkeys(named) if name != by
        }
        return part(
            "consent_terms",
            to=to,
            says=terms,
            use="no_adverse_action" if by in CARE else "none",
            **more,
        )

    def change(
        self,
        case: str,
        does: str,
        *,
        agencies: Iterable[str],
        by: str = "crossroads",
        force: bool = False,
        **what: Any,
    ) -> str:
        """Record a change to consent and send it to the named agencies. `id` is the part's id."""
        id = what.pop("id", None)
        terms = {"does": does, **what}
        return (self.force if force else self.send)(
            by, "consent_change", self.terms(by, terms, agencies=agencies, id=id), case=case
        )

    def pull(self, name: str) -> tuple[Received, ...]:
        gateway = self.at[name]
        return gateway.take(self.hub.inbox(name, self.clock, gateway.cursor), self.clock)

    def inbox(self, name: str) -> Inbox:
        return self.hub.inbox(name, self.clock, self.at[name].cursor)

    def witnessed(self, by: Iterable[str] | None = None) -> bytes:
        """Return the newest checkpoint with the cosignatures of these agencies, or of all."""
        note = self.hub.checkpoint(self.clock)
        signatures = []
        for name in by if by is not None else self.names:
            last = self.at[name].watching.last
            proof = self.hub.log.tree.consistency(last.size, self.hub.log.size) if last else ()
            signatures.append(self.at[name].cosign(note, proof, self.clock))
        return with_cosignatures(note, signatures)

    def prove(self, name: str, checkpoint: bytes, size: int | None = None) -> None:
        """Give an agency the proofs of all leaves that it holds."""
        gateway = self.at[name]
        held = [
            leaf
            for one in gateway.received.values()
            for leaf in (one.item.leaf, one.item.recorded)
            if leaf is not None
        ]
        for leaf in (*gateway.members, *held):
            if leaf.index < (size or self.hub.log.size):
                gateway.prove(leaf, self.hub.log.tree.inclusion(leaf.index, size), checkpoint)

    def settle(self) -> None:
        """Have all agencies pull, cosign, and receive their proofs."""
        for name in self.names:
            self.pull(name)
        checkpoint = self.witnessed()
        for name in self.names:
            self.prove(name, checkpoint)

    def open(
        self,
        name: str,
        jti: str,
        part_id: str | None = None,
        by: str = "A. Reader",
        second: str | None = None,
    ) -> Reading:
        """Open a part of a received record, by default its only part."""
        (received,) = [
            one for one in self.at[name].received.values() if one.record and one.record.jti == jti
        ]
        assert received.record is not None
        chosen = part_id or next(iter(received.record.labels))
        return self.at[name].open(
            received.item.issuer, jti, chosen, by=by, now=self.clock, second=second
        )

    def acknowledge(self, name: str, jti: str, reading: Reading) -> str:
        (received,) = [
            one for one in self.at[name].received.values() if one.record and one.record.jti == jti
        ]
        assert received.record is not None
        back = acknowledgement(received, reading, keep_until=KEEP)
        return self.send(name, "acknowledgement", back, case=received.record.case)

    def got(self, name: str) -> set[str]:
        """Return the ids of the records that an agency received and could check."""
        return {jti for _, jti in self.at[name].received}

    # Ready states

    def enrolled(self, *grants: dict[str, Any]) -> str:
        """Return a case with a referral and these consents, all handed out and witnessed."""
        case = self.new_case()
        self.refer(case)
        if grants:
            self.consent(case, *grants)
        self.settle()
        return case


def leaves(world: World, kind: type[LeafBody]) -> list[Leaf]:
    """Return the hub's leaves of one kind."""
    return [leaf for leaf in world.hub.log.leaves if isinstance(leaf.body, kind)]


assert {ROLES[name] for name in CARE} <= set(COLLECTORS)
