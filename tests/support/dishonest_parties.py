"""A gateway that skips its own checks, and a hub that passes everything on."""

from __future__ import annotations

from exchange.hub.hub import Hub
from exchange.records.building import Part, build_bundle
from exchange.records.bundle import Bundle
from tests.support.keys import key
from tests.support.simulator import World


def build_unchecked(world: World, agency: str, kind: str, part: Part, case: str) -> Bundle:
    """Build a one-part bundle, signed by its agency, without the checks of a gateway."""
    return sign_unchecked(world, f"{agency}.s1", kind, part, case)


def sign_unchecked(world: World, kid: str, kind: str, part: Part, case: str) -> Bundle:
    """Build a one-part bundle, signed with the named key, without the checks of a gateway."""
    membership = world.hub.history.membership_at(10**6)
    return build_bundle(
        key(kid), kind, [part], membership=membership, case=case, iat=0, random_bytes=world.random
    )


class PermissiveHub(Hub):
    """A hub that passes everything on."""

    def _check_admitted(self, committed: object, permits: object) -> None:
        return

    def _permitted(
        self, agency: str, waiting: object, parts: frozenset[str], time: int
    ) -> frozenset[str]:
        return parts
