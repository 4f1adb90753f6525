"""Test the snapshot of a journal: it gives the next command the same state, and no forged one."""

from __future__ import annotations

import io
import pickle
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.records.ids import new_id
from offramp.agency.folder import office as offices
from offramp.agency.folder import snapshot
from offramp.agency.folder.office import JOURNAL, SNAPSHOT, Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations import examine
from tests.support.agencies import PASSPHRASE, Town, referral
from tests.support.chance import chance
from tests.support.refused import refused
from tests.support.simulator import DAY

NAMES = ("police", "crossroads", "defender")


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A town in which one record is enough to keep what came of it."""
    monkeypatch.setattr(offices, "EVERY", 1)
    return Town(tmp_path)


def send(town: Town, seed: int, count: int = 1) -> list[str]:
    random = chance(seed)
    return [
        town.at["police"].compose("referral", (referral(),), case=new_id(random)).id
        for _ in range(count)
    ]


def told(value: Any) -> Any:
    """Return a value as texts and numbers, to compare two objects that were built separately."""
    if hasattr(value, "as_jwk"):
        return value.as_jwk()
    if isinstance(value, dict):
        return {str(key): told(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [told(one) for one in value]
    if isinstance(value, (set, frozenset)):
        # INVARIANT: the order of a set depends on how it was filled, not on what is in it.
        return sorted(str(one) for one in value)
    if is_dataclass(value):
        return type(value).__name__, {
            one.name: told(getattr(value, one.name)) for one in fields(value)
        }
    if type(value).__module__.startswith(("exchange.", "offramp.")):
        return type(value).__name__, told(vars(value))
    return str(value)


def knows(office: Office) -> dict[str, Any]:
    """Return everything in an office's working set."""
    working_set = office.working_set()
    held = {
        **vars(working_set),
        **{f"gateway.{name}": one for name, one in vars(working_set.gateway).items()},
    }
    return {
        name: told(one)
        for name, one in held.items()
        if name.removeprefix("gateway.") not in {"gateway", "memory", *snapshot._GIVEN}
    }


def started(town: Town, name: str) -> tuple[dict[str, Any], int]:
    """Start a program. Return its state and the number of events that it replayed."""
    read = 0
    learn = WorkingSet.learn

    def counted(working_set: WorkingSet, event: Any) -> None:
        nonlocal read
        read += 1
        learn(working_set, event)

    with pytest.MonkeyPatch.context() as patch:
        # Set before the office opens, since it reads at once who acts.
        patch.setattr(WorkingSet, "learn", counted)
        with closing(town.office(name)) as office:
            return knows(office), read


def replayed(town: Town, name: str) -> tuple[dict[str, Any], int]:
    (town.folder / name / SNAPSHOT).unlink(missing_ok=True)
    return started(town, name)


@given(
    st.lists(st.sampled_from(["send", "settle", "open", "look"]), max_size=8), st.integers(0, 99)
)
@settings(max_examples=5, deadline=None)
def test_what_is_kept_with_what_came_after_it_is_what_replay_knows(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str], seed: int
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(offices, "EVERY", 1)
        town = Town(tmp_path_factory.mktemp("town"))
        for number, step in enumerate([*steps, "send", "settle", "look", "send"]):
            working_set = town.at["crossroads"].working_set()
            closed = [
                jti
                for (_, jti), received in working_set.gateway.received.items()
                if received.record and not received.opened
            ]
            if step == "send":
                send(town, seed + number)
            elif step == "settle":
                town.settle()
            elif step == "look":
                for name in NAMES:
                    started(town, name)
            elif closed:
                town.at["crossroads"].open(closed[0], None, by="Rosa Quintana")
        for name in NAMES:
            (quick, few), (whole, all_) = started(town, name), replayed(town, name)
            assert quick == whole, name
            assert few < all_ or name == "defender", "who has no record keeps nothing"


def test_it_is_for_its_owner_alone_and_shows_nothing(town: Town) -> None:
    (jti,) = send(town, 1)
    started(town, "police")
    path = town.folder / "police" / SNAPSHOT
    assert path.stat().st_mode & 0o777 == 0o600
    assert jti.encode() not in path.read_bytes() and b"encounter" not in path.read_bytes()
    with pytest.raises(pickle.PicklingError):
        snapshot._Pickler(io.BytesIO()).dump(town.at["police"].signing)


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def _altered(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def _foreign(path: Path) -> None:
    path.write_bytes((path.parent.parent / "crossroads" / SNAPSHOT).read_bytes())


def _a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _short(path: Path) -> None:
    path.write_bytes(b"x" * snapshot.NONCE_BYTES)


@pytest.mark.parametrize("damage", [_cut, _altered, _foreign, _a_folder, _empty, _short])
def test_whatever_else_lies_there_is_replayed_and_no_error(
    town: Town, damage: Callable[[Path], object]
) -> None:
    send(town, 2)
    town.settle()
    whole, all_ = replayed(town, "police")
    started(town, "crossroads")
    damage(town.folder / "police" / SNAPSHOT)
    assert started(town, "police") == (whole, all_)


def test_what_can_t_be_taken_away_keeps_what_is_due_and_says_so(town: Town) -> None:
    send(town, 11)
    (town.folder / "police" / SNAPSHOT).unlink(missing_ok=True)
    (town.folder / "police" / SNAPSHOT).mkdir()
    with refused("no-room"):
        town.at["police"].replay()


def test_what_other_code_made_is_replayed(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    send(town, 3)
    _, all_ = replayed(town, "police")
    assert started(town, "police")[1] == 0
    monkeypatch.setattr(snapshot, "_made_by", lambda: b"offramp/1/snapshot\0another release")
    assert started(town, "police")[1] == all_


def test_beside_a_journal_from_a_backup_it_counts_no_more(town: Town, tmp_path: Path) -> None:
    send(town, 4)
    backup = tmp_path / "backup.db"
    backup.write_bytes(town.at["police"].journal.copy())
    (lost,) = send(town, 5)
    started(town, "police")
    town.at["police"].close()
    for path in (town.folder / "police").glob(f"{JOURNAL}*"):
        path.unlink()
    backup.rename(town.folder / "police" / JOURNAL)
    with closing(town.office("police")) as office:
        assert lost not in office.working_set().outbox
        # Another record at the same place in the journal.
        other = office.compose("referral", (referral(),), case=new_id(chance(6))).id
    with closing(town.office("police")) as office:
        assert (
            set(office.working_set().outbox) >= {other} and lost not in office.working_set().outbox
        )


def unsealed(office: Office) -> bytes:
    data = (office.folder / SNAPSHOT).read_bytes()
    at = snapshot.NONCE_BYTES
    with office.journal.together():
        return office.snapshot()._aead.decrypt(data[:at], data[at:], snapshot._made_by())


def test_what_is_destroyed_does_not_live_on_in_it(town: Town) -> None:
    (jti,) = send(town, 7)
    town.settle()
    disclosure = (
        town.at["crossroads"].open(jti, None, by="Rosa Quintana").opened.disclosure.encode()
    )
    own = next(iter(town.at["police"].working_set().gateway.contents[jti].values())).encode()
    town.settle()
    held = (("crossroads", disclosure), ("police", own))
    for name, text in held:
        replayed(town, name)
        assert text in unsealed(town.at[name]), name
    copies = {name: (town.folder / name / SNAPSHOT).read_bytes() for name, _ in held}
    town.hub.clock += 4000 * DAY
    town.settle()
    for name, text in held:
        assert town.at[name].working_set().destroyed
        # A copy from before, put back, opens no more.
        (town.folder / name / SNAPSHOT).write_bytes(copies[name])
        assert text.decode() not in str(started(town, name)[0])
        (quick, _), (whole, _) = started(town, name), replayed(town, name)
        assert quick == whole and text not in unsealed(town.at[name]), name


def test_what_somebody_edited_in_the_journal_is_found_by_doctor(town: Town) -> None:
    send(town, 8)
    town.settle()
    started(town, "police")
    town.at["police"].close()
    with closing(sqlite3.connect(town.folder / "police" / JOURNAL)) as journal, journal:
        journal.execute("UPDATE event SET time = time + 1 WHERE kind = 'composed'")
    with closing(town.office("police")) as office:
        assert any(
            finding.level == "wrong" and "the journal can't be replayed" in finding.text
            for finding in examine(office)
        )


def test_a_file_that_can_t_be_written_is_no_error(town: Town) -> None:
    (jti,) = send(town, 9)
    (town.folder / "police" / f".{SNAPSHOT}.new").mkdir()
    knew, _ = started(town, "police")
    assert jti in str(knew["outbox"]) and not (town.folder / "police" / SNAPSHOT).exists()


def test_a_new_signing_key_begins_anew(town: Town) -> None:
    send(town, 10)
    started(town, "police")
    data = (town.folder / "police" / SNAPSHOT).read_bytes()
    with closing(Office(town.folder / "police", PASSPHRASE, lambda: town.hub.clock)) as office:
        office.signing = office.keys.make_signing("police.s9")
        with office.journal.together():
            other = office.snapshot()
        working_set = WorkingSet(
            "police", office.signing, office.witness, {}, office._judge, office.random
        )
        assert (
            other.read_into(working_set, office.journal.digest_of) == 0 and not working_set.outbox
        )
        assert (town.folder / "police" / SNAPSHOT).read_bytes() == data
