"""A hub that lost its disk, and its members' reports, in memory."""

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
    """Return a copy of the hub's store."""
    store = Store()
    world.hub.store._db.backup(store._db)
    return store


class Restored:
    """A world with a hub that was restored from an earlier store and gets its members' reports."""

    def __init__(self, world: World, store: Store, hub: type[Hub] = Hub) -> None:
        self.world = world
        # The leaves of the tree that each gateway witnessed, read while the old hub still exists.
        self.entries = {name: _entries(world, name) for name in world.names}
        world.hub = hub(ed25519(LOG), LOG, judges, world.random, store)
        self.size = world.hub.log.size
        self.restoration = Restoration(world.hub)

    def bodies(self, name: str) -> list[bytes]:
        """Return an agency's holdings as request bodies."""
        entries = b"".join(self.entries[name][self.size :])
        items = self.world.hub.store.items(name)
        return list(pieces(self.world.at[name], size=self.size, items=items, entries=entries))

    def report(self, *names: str) -> None:
        """Have these agencies, or all, send their holdings."""
        for name in names or self.world.names:
            for body in self.bodies(name):
                self.restoration.gathering.take(f"{name}.s1", body)

    def draft(self) -> Draft:
        draft = self.restoration.draft(self.world.clock)
        assert draft is not None, "something was lost"
        return draft

    def sign(self, *names: str) -> bool:
        """Have these agencies check and sign the draft.

        Returns whether the next generation has begun.
        """
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
        """The size to which the log was rebuilt."""
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
        """Run the whole restore: reports, signatures, and the next generation."""
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
