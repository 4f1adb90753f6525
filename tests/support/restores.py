"""A hub that lost its disk, and what its members do about it, in memory."""

from __future__ import annotations

from collections.abc import Iterable

from exchange.agency.pieces import pieces
from exchange.hub.hub import Hub
from exchange.hub.rebuilding import Draft, Restoration
from exchange.hub.store import Store
from exchange.log import generation
from exchange.log.leaves import Leaf
from exchange.membership.signatures import SignedPayload
from tests.support.keys import key
from tests.support.parties import LOG, ed25519
from tests.support.simulator import World, judges

# Enough of the directory's threshold, with a defender and a treatment provider.
THRESHOLD = ("defender", "program", "clinic")


def backup(world: World) -> Store:
    """A copy of all that the hub keeps."""
    store = Store()
    world.hub.store._db.backup(store._db)
    return store


class Restored:
    """A world whose hub was put back to an earlier store, and hears its members."""

    def __init__(self, world: World, store: Store, hub: type[Hub] = Hub) -> None:
        self.world = world
        # What each gateway keeps of the tree that it witnessed, while the hub that had it is still there.
        self.entries = {name: _entries(world, name) for name in world.names}
        world.hub = hub(ed25519(LOG), LOG, judges, world.random, store)
        self.size = world.hub.log.size
        self.restoration = Restoration(world.hub)

    def bodies(self, name: str) -> list[bytes]:
        """What an agency holds."""
        entries = b"".join(self.entries[name][self.size :])
        items = self.world.hub.store.items(name)
        return list(pieces(self.world.at[name], size=self.size, items=items, entries=entries))

    def report(self, *names: str) -> None:
        """These agencies, or all, send what they hold."""
        for name in names or self.world.names:
            for body in self.bodies(name):
                self.restoration.gathering.take(f"{name}.s1", body)

    def draft(self) -> Draft:
        draft = self.restoration.draft(self.world.clock)
        assert draft is not None, "something was lost"
        return draft

    def sign(self, *names: str) -> bool:
        """These sign the draft, each after its gateway has looked at it; True if the next generation has begun."""
        begun = False
        for name in names:
            draft, gateway = self.draft(), self.world.at[name]
            gateway.check_terms(draft.terms)
            begun = self.restoration.sign(
                draft.digest, generation.sign(draft.payload, key(f"{name}.s1")), self.world.clock
            )
        return begun

    @property
    def reached(self) -> int:
        """Up to where the log was put back."""
        if not self.world.hub.generations:
            return self.size
        return generation.read_terms(self.newest()[1].payload).ends.size

    def newest(self) -> tuple[Leaf, SignedPayload]:
        at, signed = self.world.hub.generations[-1]
        return self.world.hub.store.leaf(at), signed

    def learn(self, names: Iterable[str] = ()) -> None:
        for name in names or self.world.names:
            self.world.at[name].learn_generation(*self.newest())

    def go_on(self) -> None:
        """The whole way."""
        self.report()
        assert self.sign(*THRESHOLD)
        self.learn()


def _entries(world: World, name: str) -> list[bytes]:
    last = world.at[name].watching.last
    return (
        [leaf.entry for leaf in world.hub.store.leaves(0, last.size if last else 0)]
        if last and last.size
        else []
    )
