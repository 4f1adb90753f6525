"""Test the steps and refusals of an agency's program after its hub is restored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from exchange.errors import ExchangeError
from exchange.hub.store import Store
from exchange.log.generation import read_terms
from exchange.standards import base64
from exchange.standards.merkle import Frontier, Tree, leaf_hash
from offramp.agency.errors import HubAway
from offramp.agency.folder.journal import Journal
from offramp.agency.hub_link.delivery import pull_inbox, send_outbox
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.membership import approve_draft
from offramp.agency.hub_link.witnessing import cosign_tree
from tests.support.agencies import ROLES, Town, a_case, referral
from tests.support.refused import refused


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    for office in made.at.values():
        office.close()


def lost(town: Town) -> str:
    """A referral that was read, then a hub that knows nothing of it."""
    store = Store()
    town.hub.hub.store._db.backup(store._db)
    jti = town.at["police"].compose("referral", (referral(),), case=a_case()).id
    town.settle()
    town.hub.restore(store)
    return jti


def hear(town: Town, *names: str) -> None:
    for name in names or ROLES:
        run_duties(town.link(name))


def digest(town: Town) -> str:
    return str(town.link("defender").client.generation()["sha256"])


def test_what_was_lost_is_sent_again_signed_and_learned_and_a_restart_knows_it(town: Town) -> None:
    jti = lost(town)
    hear(town)
    said = digest(town)
    assert (
        approve_draft(town.link("defender"), said) == "signed"
        and approve_draft(town.link("clinic"), said) == "begun"
    )
    town.settle()
    for name in ROLES:
        with closing(town.office(name)) as office:
            gateway = office.working_set().gateway
            assert (
                len(gateway.generations) == 1
                and gateway.broken is None
                and not office.working_set().unproved()
            )
    assert town.hub.hub.store.record("police", jti) is not None
    again = town.at["police"].compose("referral", (referral(),), case=a_case()).id
    town.settle()
    assert ("police", again) in town.at["crossroads"].working_set().gateway.received


def test_an_answer_that_is_lost_on_the_way_costs_nothing(town: Town) -> None:
    lost(town)
    for name in ROLES:
        for cut in range(4):
            link = town.link(name)
            ask, asked = town.hub.ask, 0

            def cutting(*given: object, cut: int = cut, ask: object = ask) -> object:
                nonlocal asked
                asked += 1
                town.hub.lost = int(asked == cut + 1)
                return ask(*given)  # type: ignore[operator]  # a function in the tests

            town.hub.ask = cutting  # type: ignore[method-assign, assignment]  # a hub that cuts
            with suppress(HubAway):
                run_duties(link)
            # Put back, or wrong on purpose.
            town.hub.ask, town.hub.lost = ask, 0  # type: ignore[method-assign]  # a hub that answers again
    hear(town)
    said = digest(town)
    assert (
        read_terms(base64.decode_url(str(town.link("police").client.generation()["draft"]))).absent
        == ()
    )
    approve_draft(town.link("defender"), said)
    assert approve_draft(town.link("clinic"), said) == "begun"
    town.settle()


def test_nobody_signs_what_drops_an_agency_or_isnt_what_was_compared(town: Town) -> None:
    lost(town)
    hear(town, "police", "prosecutor", "defender", "clinic")
    said = digest(town)
    with refused("not-heard"):
        approve_draft(town.link("defender"), said)
    with refused("another-draft"):
        approve_draft(town.link("defender"), "0" * 64)
    assert approve_draft(town.link("defender"), said, ["crossroads"]) == "signed"
    # Heard after all: what the defender signed is of no use any more.
    hear(town, "crossroads")
    with refused("another-draft"):
        approve_draft(town.link("clinic"), said, ["crossroads"])
    assert town.link("prosecutor").client.generation()["signed"] == []


def test_where_nothing_was_lost_there_is_nothing_to_sign_and_the_hub_opens(town: Town) -> None:
    store = Store()
    town.hub.hub.store._db.backup(store._db)
    town.hub.restore(store)
    hear(town, "police", "prosecutor", "defender", "clinic")
    assert town.link("police").client.generation()["waits"] == ["crossroads"]
    hear(town, "crossroads")
    assert town.link("police").client.generation() == {"closed": False, "generation": 1}
    town.settle()


def test_a_statement_that_drops_what_is_held_here_is_never_gone_on_by(town: Town) -> None:
    store = Store()
    town.hub.hub.store._db.backup(store._db)
    jti = town.at["police"].compose("referral", (referral(),), case=a_case()).id
    send_outbox(town.link("police"))
    for name in ROLES:
        cosign_tree(town.link(name))
    town.hub.restore(store)
    # Police are given up, and come back: what only they hold is gone from the log, and they say so.
    hear(town, "prosecutor", "defender", "clinic", "crossroads")
    said = digest(town)
    for name in ("defender", "clinic"):
        approve_draft(town.link(name), said, ["police"])
    assert town.hub.hub.generations and town.hub.hub.store.record("police", jti) is None
    with refused("generation-drops"):
        run_duties(town.link("police"))
    with closing(town.office("police")) as office:
        assert office.working_set().gateway.broken is not None
        with refused("generation-drops"):
            office.compose("referral", (referral(),), case=a_case())


def test_the_leaves_of_every_tree_that_was_seen_are_kept_and_prove_its_root(town: Town) -> None:
    town.at["police"].compose("referral", (referral(),), case=a_case())
    town.settle()
    log = town.hub.hub.log
    for name, office in town.at.items():
        last = office.working_set().gateway.watching.last
        kept = office.journal.seen(0)
        assert last is not None and kept == b"".join(
            leaf.entry for leaf in log.store.leaves(0, last.size)
        ), name
        assert office.journal.seen(5) == kept[5 * 32 :]
    # A hub whose leaves aren't those of its tree isn't cosigned.
    entries = log.store.leaves
    # A hub that cuts.
    log.store.leaves = lambda start=0, end=None: reversed(list(entries(start, end)))  # type: ignore[method-assign, assignment]  # a hub that cuts
    town.at["police"].compose("referral", (referral(),), case=a_case())
    send_outbox(town.link("police"))
    pull_inbox(town.link("crossroads"))
    with refused("split-view"):
        cosign_tree(town.link("clinic"))


def test_a_journal_of_the_format_before_is_read_and_gets_its_leaves(town: Town) -> None:
    path = town.folder / "police" / "agency.db"
    town.at["police"].close()
    with closing(sqlite3.connect(path)) as old:
        old.execute("DROP TABLE seen")
        old.execute("DROP TABLE look")
        old.execute("PRAGMA user_version = 1")
        tree = old.execute("SELECT body FROM newest WHERE name = 'tree'").fetchone()
        assert tree is not None
        old.commit()
    with closing(Journal(path)) as journal, journal.together():
        kept = journal.get("tree")
        assert kept is not None
        journal.put("tree", {name: kept[name] for name in ("size", "note")})
    town.at["police"] = town.office("police")
    town.settle()
    last = town.at["police"].working_set().gateway.watching.last
    assert last is not None and len(town.at["police"].journal.seen(0)) == 32 * last.size


def test_a_frontier_has_the_root_of_its_tree_at_every_size() -> None:
    tree, frontier = Tree(), Frontier()
    for at in range(70):
        assert frontier.root() == tree.root()
        assert Frontier(frontier.size, frontier.hashes).root() == tree.root()
        tree.append(leaf_hash(bytes([at])))
        frontier.append(leaf_hash(bytes([at])))
    with pytest.raises(ExchangeError):
        Frontier(3, [bytes(32)])
