"""Backup, drill, restore, and move: no key is ever overwritten, and nothing is lost midway."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from offramp.agency.errors import AgencyError
from offramp.agency.folder.archive import read_archive, read_header
from offramp.agency.folder.keys import Keys
from offramp.agency.folder.office import Office
from offramp.agency.hub_link.client import Client
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.key_rotation import replace_sealing_key
from offramp.agency.hub_link.link import HubLink, link_of
from offramp.agency.operations import (
    back_up,
    create_agency,
    move_agency,
    restore_agency,
    sign_in,
)
from offramp.agency.operations.in_use import begin_work, folder_use
from offramp.agency.operations.upkeep import confirm_own_record, describe_unknown
from tests.conftest import ROOT
from tests.support.agencies import PASSPHRASE, Town, a_case, referral
from tests.support.agency_console import make_account
from tests.support.refused import refused
from tests.support.running_agencies import Running, told
from tests.support.simulator import FORM, grant, part
from tests.support.staff import founder_of

FOR_IT = ROOT / "docs" / "for-it.md"


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    made = Town(tmp_path)
    yield made
    for office in made.at.values():
        office.close()


def contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def reopen(town: Town, name: str, folder: Path) -> tuple[Office, HubLink]:
    office = Office(folder, PASSPHRASE, lambda: town.hub.clock)
    client = Client(town.hub, office.signing, office.clock, office.random, office.hub_name)
    return office, HubLink(office, client)


@pytest.mark.parametrize("missing", ["agency.toml", "agency.db", "both"])
def test_init_never_writes_over_an_agencys_files(missing: str, tmp_path: Path) -> None:
    folder = tmp_path / "clinic"
    create_agency(folder, "clinic", PASSPHRASE)
    for name in ("agency.toml", "agency.db"):
        if missing in (name, "both"):
            (folder / name).unlink()
    before = contents(folder)
    for agency in ("clinic", "hospital"):
        with pytest.raises(AgencyError) as caught:
            create_agency(folder, agency, PASSPHRASE)
        assert caught.value.code == "already-there" and "agency init" not in str(caught.value)
    assert contents(folder) == before
    with pytest.raises(AgencyError) as caught:
        Office(folder, PASSPHRASE, lambda: 0)
    assert "agency restore" in caught.value.fix and "agency init" not in caught.value.fix


def test_no_function_overwrites_a_key(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir(mode=0o700)
    keys = Keys(tmp_path / "keys", PASSPHRASE)
    keys.make_signing("clinic.s1")
    before = contents(tmp_path)
    for make in (keys.make_signing, keys.make_sealing, keys.make_witness):
        with refused("already-there"):
            make("clinic.s1")
    assert contents(tmp_path) == before


def test_a_restored_agency_has_its_own_records_and_its_inbox(town: Town) -> None:
    case = a_case()
    sent = town.at["police"].compose("referral", (referral(),), case=case).id
    town.settle()
    crossroads, police = town.at["crossroads"], town.at["police"]
    crossroads.open(sent, None, by="Rosa Quintana")
    for name in ("police", "crossroads"):
        file = town.folder / f"{name}.backup"
        drill = back_up(town.at[name], file, drill=True).drill
        assert drill is not None and drill.is_complete
        assert not list((town.folder / name).glob(".drill-*"))
        assert b"encounter" not in file.read_bytes()
        restored = restore_agency(town.folder / f"{name}-2", file, PASSPHRASE)
        assert (restored.agency, restored.purpose) == (name, "backup")
    office, link = reopen(town, "police", town.folder / "police-2")
    with closing(office):
        run_duties(link)
        assert office.working_set().outbox[sent].state == "witnessed"
        assert [event.body for event in office.journal.after(0)][: police.at] == [
            event.body for event in police.journal.after(0)
        ]
        office.compose("referral", (referral(),), case=case)
        run_duties(link)
        assert describe_unknown(office, office.working_set()) == ((), ())
    office, link = reopen(town, "crossroads", town.folder / "crossroads-2")
    with closing(office):
        (opened,) = office.working_set().opened
        assert opened.body["by"] == "Rosa Quintana"


def test_a_folder_with_accounts_of_the_console_is_restored_and_moved(town: Town) -> None:
    office, person = town.at["crossroads"], founder_of("crossroads")
    secret = make_account(office, person, person)
    back_up(office, town.folder / "a.backup", drill=True)
    move_agency(office, town.folder / "a.move")
    for number, name in enumerate(("a.backup", "a.move")):
        folder = town.folder / f"again-{number}"
        restored = restore_agency(folder, town.folder / name, PASSPHRASE)
        assert {path.stem for path in (folder / "keys").glob("*.json")} == set(restored.keys)
        with closing(Office(folder, PASSPHRASE, lambda: town.hub.clock)) as again:
            assert again.accounts.read()[person].secret == secret


def test_a_restored_folder_takes_over_and_the_one_before_sends_nothing(town: Town) -> None:
    police, case = town.at["police"], a_case()
    file = town.folder / "old.backup"
    back_up(police, file)
    police.compose("referral", (referral(),), case=case)
    town.settle()
    drill = back_up(police, file, drill=True).drill
    assert drill is not None and drill.missing_events and not drill.is_complete
    queued = police.compose("referral", (referral(),), case=case)
    restore_agency(town.folder / "police-2", file, PASSPHRASE)
    office, link = reopen(town, "police", town.folder / "police-2")
    before = town.link("police")
    with closing(office):
        first = office.compose("referral", (referral(),), case=case).id
        run_duties(link)
        assert office.origin is not None and office.origin.has_fetched
        assert office.working_set().outbox[first].receipt is not None
        assert describe_unknown(office, office.working_set()) == (
            (),
            (f"record `1` of the case `{case}` was sent after the backup, and is missing here",),
        )
        # The folder before learns it with the first answer of the hub, before it sends anything.
        with refused("works-elsewhere"):
            run_duties(before)
        with refused("works-elsewhere"):
            police.compose("referral", (referral(),), case=case)
        assert police.working_set().outbox[queued.id].receipt is None
        # Who still sends in the agency's name has its key.
        before.client.submit([queued])
        office.compose("referral", (referral(),), case=case)
        run_duties(link)
        (sentence,), _ = describe_unknown(office, office.working_set())
        assert sentence.startswith("record `3`")
        # To replace the key that took over is the way back.
        key = office.origin.key
        assert key is not None and replace_sealing_key(before, key) == f"{key[:-1]}3"
        run_duties(before)
        with refused("works-elsewhere"):
            run_duties(link)


def test_a_copied_folder_takes_over_and_a_renamed_one_goes_on(town: Town) -> None:
    police, case = town.at["police"], a_case()
    for office in town.at.values():
        begin_work(office, marks=True)
    back_up(police, town.folder / "police.backup")
    shutil.copytree(town.folder / "police", town.folder / "copied")
    sent = police.compose("referral", (referral(),), case=case).id
    town.settle()
    copy, link = reopen(town, "police", town.folder / "copied")
    with closing(copy):
        assert begin_work(copy) and folder_use(copy) == "waits"
        run_duties(link)
        assert folder_use(copy) == "here" and not begin_work(copy)
        with refused("works-elsewhere"):
            run_duties(town.link("police"))
        # A copy of the folder that was left is no folder in use.
        shutil.copytree(town.folder / "police", town.folder / "late")
        late, others = reopen(town, "police", town.folder / "late")
        with closing(late), refused("works-elsewhere"):
            run_duties(others)
        # What the first one sent after the copy is an alarm, until a person confirms it.
        town.at["crossroads"].open(sent, None, by=founder_of("crossroads"))
        run_duties(town.link("crossroads"))
        run_duties(link)
        (alarm,), known = describe_unknown(copy, copy.working_set())
        assert sent in alarm and known == ()
        confirm_own_record(copy, founder_of("police"), sent)
        assert describe_unknown(copy, copy.working_set())[0] == ()
    town.at.pop("clinic").close()
    (town.folder / "clinic").rename(town.folder / "renamed")
    moved, link = reopen(town, "clinic", town.folder / "renamed")
    with closing(moved):
        assert not begin_work(moved)
        run_duties(link)
        assert moved.origin is None
    restore_agency(town.folder / "police-2", town.folder / "police.backup", PASSPHRASE)
    with closing(reopen(town, "police", town.folder / "police-2")[0]) as again:
        assert not begin_work(again, marks=True)
        assert again.origin is not None and again.origin.purpose == "backup"


def test_what_a_wrong_folder_sent_is_known_once_a_person_confirmed_it(town: Town) -> None:
    police, case = town.at["police"], a_case()
    by, file = founder_of("police"), town.folder / "old.backup"
    police.compose("referral", (referral(),), case=case)
    town.settle()
    stolen = _send_with_stolen_key(town, case)
    back_up(police, file)
    restore_agency(town.folder / "police-2", file, PASSPHRASE)
    wrong, link = reopen(town, "police", town.folder / "police-2")
    right = town.link("police")
    with closing(wrong):
        run_duties(link)
        assert wrong.origin is not None and wrong.origin.key is not None
        sent = wrong.compose("referral", (referral(),), case=case).id
        run_duties(link)
        with refused("works-elsewhere"):
            run_duties(right)
        with refused("works-elsewhere"):
            confirm_own_record(police, by, sent)
        replace_sealing_key(right, wrong.origin.key)
    # What a thief sends later was sent at another time.
    late = _send_with_stolen_key(town, case)
    for jti in (stolen, sent, late):
        town.settle()
        town.at["crossroads"].open(jti, None, by=founder_of("crossroads"))
    police.compose("referral", (referral(),), case=case)
    town.settle()
    run_duties(right)
    # Each record is one line: its number in the case says nothing more than its id.
    alarms, known = describe_unknown(police, police.working_set())
    assert len(alarms) == 3 and known == ()
    for thiefs in (stolen, late):
        with refused("not-of-another-folder"):
            confirm_own_record(police, by, thiefs)
    with refused("no-such-record"):
        confirm_own_record(police, by, "0" * 32)
    confirm_own_record(police, by, sent)
    left, (line,) = describe_unknown(police, police.working_set())
    assert sent in line and f"as `{by}` confirmed" in line
    assert len(left) == 2 and all(any(jti in each for each in left) for jti in (stolen, late))


def _send_with_stolen_key(town: Town, case: str, folder: Path | None = None) -> str:
    """Send a record with the key in police's folder, as a thief would who has no other folder."""
    copy = town.folder / f"copy-{len(list(town.folder.iterdir()))}"
    shutil.copytree(folder or town.folder / "police", copy)
    thief, link = reopen(town, "police", copy)
    with closing(thief):
        bundle = thief.working_set().gateway.compose(
            "referral", (referral(),), case=case, now=town.hub.clock
        )
        link.client.submit([bundle])
    return bundle.id


def test_a_stolen_keys_alarm_outlives_a_second_restoration(town: Town) -> None:
    police, case = town.at["police"], a_case()
    for round_number in (1, 2):
        file, folder = (town.folder / f"{round_number}.{name}" for name in ("backup", "folder"))
        back_up(police, file)
        restore_agency(folder, file, PASSPHRASE)
        police.close()
        police, link = reopen(town, "police", folder)
        town.at["police"] = police
        sign_in(police, by=founder_of("police"))
        run_duties(link)
        police.compose("referral", (referral(),), case=case)
        run_duties(link)
        if round_number == 1:
            stolen = _send_with_stolen_key(town, case, folder)
            police.compose("referral", (referral(),), case=case)
            run_duties(link)
            town.settle()
            town.at["crossroads"].open(stolen, None, by=founder_of("crossroads"))
            town.settle()
            run_duties(link)
            before, _ = describe_unknown(police, police.working_set())
            assert len(before) == 1
    alarms, since = describe_unknown(police, police.working_set())
    assert alarms == before and since == ()


def test_a_record_of_a_stolen_key_is_still_one_after_a_restoration(town: Town) -> None:
    police, case = town.at["police"], a_case()
    shutil.copytree(town.folder / "police", town.folder / "stolen")
    thief, link = reopen(town, "police", town.folder / "stolen")
    with closing(thief):
        sent = thief.compose("referral", (referral(),), case=case).id
        link.client.submit([thief.working_set().outbox[sent].bundle])
    town.settle()
    town.at["crossroads"].open(sent, None, by=founder_of("crossroads"))
    town.settle()
    alarms, since = describe_unknown(police, police.working_set())
    assert sent in alarms[0] and since == ()
    back_up(police, town.folder / "old.backup")
    restore_agency(town.folder / "police-2", town.folder / "old.backup", PASSPHRASE)
    office, link = reopen(town, "police", town.folder / "police-2")
    with closing(office):
        run_duties(link)
        assert office.origin is not None and office.origin.has_fetched
        assert describe_unknown(office, office.working_set()) == (alarms, ())


def test_an_account_gives_a_restored_agency_its_later_records_back(town: Town) -> None:
    crossroads, case = town.at["crossroads"], a_case()
    file = town.folder / "old.backup"
    town.at["police"].compose("referral", (referral(),), case=case)
    town.settle()
    back_up(crossroads, file)
    terms = grant("police", "crossroads", ["decision_outcome"], ["diversion_coordination"])
    to = {"police": ("exchange_operation", "operation")}
    sent = crossroads.compose(
        "consent", (part("consent_terms", to=to, says=terms),), case=case, form=FORM
    ).id
    town.settle()
    restore_agency(town.folder / "crossroads-2", file, PASSPHRASE)
    office, link = reopen(town, "crossroads", town.folder / "crossroads-2")
    with closing(office):
        run_duties(link)
        assert office.working_set().gateway.unended_grants(case) == ()
        office.learn_account(link.client.account(case))
        (logged,) = office.working_set().gateway.unended_grants(case)
        assert logged.jti == sent
        run_duties(link)  # the hub tells when it was sent
        others, (sentence,) = describe_unknown(office, office.replay())
        assert not others
        assert sent in sentence and "which the account lists" in sentence


def test_a_restoration_never_writes_over_anything(town: Town) -> None:
    file = town.folder / "police.backup"
    back_up(town.at["police"], file)
    before = file.read_bytes()
    with refused("already-there"):
        back_up(town.at["police"], file)
    for folder in ("police", "clinic"):
        kept = contents(town.folder / folder / "keys")
        with refused("already-there"):
            restore_agency(town.folder / folder, file, PASSPHRASE)
        assert contents(town.folder / folder / "keys") == kept
    other = town.folder / "notes"
    other.mkdir()
    (other / "mine.txt").write_text("mine")
    with refused("already-there"):
        restore_agency(other, file, PASSPHRASE)
    assert contents(other) == {"mine.txt": b"mine"} and file.read_bytes() == before


def test_a_changed_cut_or_foreign_file_doesnt_open(town: Town, tmp_path: Path) -> None:
    file, police = town.folder / "police.backup", town.at["police"]
    back_up(police, file)
    data = file.read_bytes()
    chance = random.Random(5)
    first_line = data.index(b"\n") + 1
    bad = tmp_path / "bad"
    changes = [data[:first_line], data[:-1], data[: first_line + 65_552], data + b"x", b"", b"{}\n"]
    for _ in range(12):
        at = chance.randrange(len(data))
        changes.append(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    for changed in changes:
        bad.write_bytes(changed)
        with pytest.raises(AgencyError):
            restore_agency(tmp_path / "restored", bad, PASSPHRASE)
        assert not (tmp_path / "restored").exists()
    with refused("wrong-passphrase"):
        restore_agency(tmp_path / "restored", file, b"another passphrase")
    with refused("not-a-backup"):
        restore_agency(tmp_path / "restored", tmp_path / "missing", PASSPHRASE)
    with refused("another-agency"):
        back_up(town.at["clinic"], file, drill=True)


def test_a_moved_folder_sends_nothing_and_the_new_one_goes_on(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    with closing(running.office("police")) as office:
        queued = office.compose("referral", (referral(),), case=a_case()).id
    file = running.folder / "police.move"
    tried = told(running, capsys, "move", "police", str(file), "--drill")["drill"]
    assert tried["events"] and not tried["missing_events"] and tried["different"] == []
    # The file can be tried again, and nothing else is written over it.
    before = file.read_bytes()
    assert told(running, capsys, "move", "police", str(file), "--drill")["drill"] == tried
    assert running.agency("move", "police", str(file)) == 2 and file.read_bytes() == before
    # A service manager doesn't start a gateway again that ends with this code.
    (final,) = re.findall(r"RestartPreventExitStatus=(\d+)", FOR_IT.read_text("utf-8"))
    commands = (("serve", "police"), ("serve", "police", "--once"), ("retry", "police", queued))
    for words in commands:
        capsys.readouterr()
        assert running.agency(*words, "--json") == int(final)
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "moved"
    assert told(running, capsys, "status", "police")["moved"] is not None
    restored = told(running, capsys, "restore", "police-2", str(file))
    assert restored["from"] == "move" and restored["agency"] == "police"
    with closing(running.office("police-2")) as office:
        run_duties(link_of(office))
        assert office.working_set().outbox[queued].receipt is not None
    with closing(running.office("police")) as office:
        with refused("moved"):
            office.compose("referral", (referral(),), case=a_case())
        assert office.working_set().outbox[queued].receipt is None


def test_a_move_that_is_killed_anywhere_loses_nothing(running: Running) -> None:
    """Kill the process at random moments, then repeat the command, as a person would."""
    chance = random.Random(11)
    with closing(running.office("police")) as office:
        queued = office.compose("referral", (referral(),), case=a_case()).id
    original = running.folder / "original"
    shutil.copytree(running.folder / "police", original)
    for round_number in range(6):
        shutil.rmtree(running.folder / "police")
        shutil.copytree(original, running.folder / "police")
        file = running.folder / f"{round_number}.move"
        child = os.fork()
        if child == 0:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            try:
                running.agency("move", "police", str(file))
            finally:
                os._exit(0)
        time.sleep(chance.random() * 0.5)
        os.kill(child, 9)
        os.waitpid(child, 0)
        keys = contents(original / "keys")
        assert contents(running.folder / "police" / "keys") == keys
        with closing(running.office("police")) as office:
            is_marked = office.moved_at is not None
            # A file is there whole, and only after the folder was marked.
            assert is_marked or not file.exists()
            if not file.exists():
                move_agency(office, file)
            stretch = office.keys.stretch
        assert read_header(file).purpose == "move"
        assert {name for name in read_archive(file, stretch) if name.startswith("keys/")} == {
            f"keys/{name}" for name in keys
        }
        new = running.folder / f"new-{round_number}"
        restore_agency(new, file, PASSPHRASE)
        with closing(Office(new, PASSPHRASE, lambda: int(time.time()))) as office:
            assert queued in office.working_set().outbox and office.moved_at is None


def test_a_restoration_that_is_killed_leaves_no_half_folder(town: Town) -> None:
    file = town.folder / "police.backup"
    back_up(town.at["police"], file)
    chance = random.Random(12)
    for round_number in range(6):
        folder = town.folder / f"new-{round_number}"
        child = os.fork()
        if child == 0:
            try:
                restore_agency(folder, file, PASSPHRASE)
            finally:
                os._exit(0)
        time.sleep(chance.random() * 0.4)
        os.kill(child, 9)
        os.waitpid(child, 0)
        if not folder.exists():
            restore_agency(folder, file, PASSPHRASE)
        with closing(Office(folder, PASSPHRASE, lambda: town.hub.clock)) as office:
            office.replay()
