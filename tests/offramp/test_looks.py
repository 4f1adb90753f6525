"""The journal of looks: who looked is written down, and a change of it is found."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from offramp.agency import operations
from offramp.agency.folder.office import Office
from offramp.agency.look_words import _DONE, done_words, tried_words
from offramp.agency.operations.access import DECLARED, GATEWAY
from rules.errors import FactsError, Place
from tests.support.agencies import PASSPHRASE, Town, referral
from tests.support.refused import refused

SECRET, BY, TYPED = "Delgado", "Officer Lund", "a typed word"


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The folder of a police officer who looked before, between, and after records, and a case."""
    town = Town(tmp_path_factory.mktemp("town"))
    office = town.at["police"]
    operations.find(office, SECRET)
    draft = operations.Draft((referral(),), None)
    cases = [str(operations.send_record(office, "referral", draft).case) for _ in "ab"]
    for case in cases:
        operations.read_case(office, case)
    operations.send_record(office, "referral", draft, cases[0])
    with refused("unlisted-person"):
        operations.open_case(office, "Somebody Else", cases[0])
    with refused("unknown-reason"):
        operations.read_case(office, cases[0], because=TYPED)
    with refused("not-here"):
        operations.open_part(office, BY, TYPED, part=TYPED)
    operations.open_case(office, BY, cases[0])
    office.journal.write_back()
    for each in town.at.values():
        each.close()
    return office.folder, cases[0]


def opened(folder: Path) -> Office:
    """The agency's folder, as another program opens it."""
    return Office(folder, PASSPHRASE, lambda: 1_800_000_000)


def faults(folder: Path) -> list[str]:
    with closing(opened(folder)) as office:
        return list(office.looks.faults(office.journal.after(0)))


def copy_of(folder: Path, to: Path) -> Path:
    shutil.rmtree(to, ignore_errors=True)
    shutil.copytree(folder, to)
    return to


def edit(folder: Path, *statements: tuple[str, tuple[object, ...]]) -> None:
    with closing(sqlite3.connect(folder / "agency.db")) as db:
        for statement, values in statements:
            db.execute(statement, values)
        db.commit()


def test_each_look_has_who_when_from_where_what_and_the_refusal(looked: tuple[Path, str]) -> None:
    folder, case = looked
    with closing(opened(folder)) as office:
        looks = list(office.looks.read())
    assert [look.number for look in looks] == [*range(1, len(looks) + 1)]
    kinds = [(look.kind, look.operation, look.refused) for look in looks if look.kind != "act"]
    assert kinds == [
        ("search", "find", None),
        ("case", "read_case", None),
        ("case", "read_case", None),
        ("refused", "sign_in", "unlisted-person"),
        ("case", "read_case", None),
        ("refused", "read_case", "unknown-reason"),
        ("part", "open_part", None),
        ("refused", "open_part", "not-here"),
        ("case", "open_case", None),
    ]
    assert {look.person for look in looks} == {BY, "not listed"}
    assert all(look.login and look.origin and look.time for look in looks)
    assert [look for look in looks if look.kind != "act"][-1].case == case


def test_no_look_has_content(looked: tuple[Path, str]) -> None:
    folder, _ = looked
    with closing(sqlite3.connect(folder / "agency.db")) as db:
        text = b"".join(row[0] for row in db.execute("SELECT body FROM look"))
    for typed in (SECRET, "Somebody Else", TYPED):
        assert typed.encode() not in text


def test_an_untouched_journal_has_no_fault_and_survives_a_backup(
    looked: tuple[Path, str], tmp_path: Path
) -> None:
    folder, _ = looked
    assert faults(folder) == []
    with closing(opened(folder)) as office:
        operations.sign_in(office, by=BY)
        operations.back_up(office, tmp_path / "backup", drill=True)
        count = sum(1 for _ in office.looks.read())
    operations.restore_agency(tmp_path / "new", tmp_path / "backup", PASSPHRASE)
    assert faults(tmp_path / "new") == []
    with closing(opened(tmp_path / "new")) as office:
        # The drill, which came after the file was written, isn't in it.
        assert 0 <= count - sum(1 for _ in office.looks.read()) <= 1


EDITS: dict[str, Callable[[int, int], list[tuple[str, tuple[object, ...]]]]] = {
    "removed": lambda at, other: [("DELETE FROM look WHERE at = ?", (at,))],
    "renumbered": lambda at, other: [
        ("DELETE FROM look WHERE at = ?", (at,)),
        ("UPDATE look SET at = -at WHERE at > ?", (at,)),
        ("UPDATE look SET at = -at - 1 WHERE at < 0", ()),
    ],
    "reordered": lambda at, other: [
        ("UPDATE look SET at = -1 WHERE at = ?", (at,)),
        ("UPDATE look SET at = ? WHERE at = ?", (at, other)),
        ("UPDATE look SET at = ? WHERE at = -1", (other,)),
    ],
    "texts swapped": lambda at, other: [
        (
            "UPDATE look SET body = CASE at WHEN ?1 THEN (SELECT body FROM look WHERE at = ?2) "
            "ELSE (SELECT body FROM look WHERE at = ?1) END WHERE at IN (?1, ?2)",
            (at, other),
        )
    ],
    "cut off at the end": lambda at, other: [("DELETE FROM look WHERE at >= ?", (at,))],
    "all removed": lambda at, other: [("DELETE FROM look", ())],
    "all removed with their mark": lambda at, other: [
        ("DELETE FROM look", ()),
        ("DELETE FROM newest WHERE name = 'looks'", ()),
    ],
}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(edited=st.sampled_from([*EDITS]), data=st.data())
def test_a_removed_changed_or_reordered_look_is_found(
    edited: str, data: st.DataObject, looked: tuple[Path, str], tmp_path: Path
) -> None:
    folder, _ = looked
    with closing(sqlite3.connect(folder / "agency.db")) as db:
        bodies = dict(db.execute("SELECT at, body FROM look").fetchall())
    at = data.draw(st.sampled_from(sorted(bodies)))
    different = [other for other in bodies if bodies[other] != bodies[at]]
    other = data.draw(st.sampled_from(different))
    copy = copy_of(folder, tmp_path / "copy")
    edit(copy, *EDITS[edited](at, other))
    assert faults(copy), (edited, at, other)


@pytest.mark.parametrize("member", ["by", "time", "case", "refused", "from"])
def test_each_member_of_a_look_is_protected(
    looked: tuple[Path, str], tmp_path: Path, member: str
) -> None:
    folder, _ = looked
    with closing(sqlite3.connect(folder / "agency.db")) as db:
        rows = db.execute("SELECT at, body FROM look").fetchall()
    at, body = next((at, found) for at, row in rows if member in (found := json.loads(row)))
    body[member] = 1 if member == "time" else "another"
    copy = copy_of(folder, tmp_path / "copy")
    edit(copy, ("UPDATE look SET body = ? WHERE at = ?", (json.dumps(body).encode(), at)))
    assert faults(copy)


def test_an_older_state_of_the_looks_is_found_by_the_records_since(
    looked: tuple[Path, str], tmp_path: Path
) -> None:
    """Somebody keeps a copy of the looks with their mark, looks, and puts the copy back."""
    folder, case = looked
    copy = copy_of(folder, tmp_path / "copy")
    with closing(sqlite3.connect(copy / "agency.db")) as db:
        looks = db.execute("SELECT * FROM look").fetchall()
        mark = db.execute("SELECT * FROM newest WHERE name = 'looks'").fetchone()
    with closing(opened(copy)) as office:
        operations.sign_in(office, by=BY)
        operations.read_case(office, case)
        office.compose("referral", (referral(),), case=case)
    put_back = (
        ("DELETE FROM look", ()),
        *(("INSERT INTO look VALUES (?, ?, ?)", row) for row in looks),
        ("INSERT OR REPLACE INTO newest VALUES (?, ?, ?)", mark),
    )
    edit(copy, *put_back)
    assert any("were removed" in fault for fault in faults(copy))


def test_looks_that_the_keys_holder_writes_anew_differ_from_the_ids_that_the_hub_has(
    looked: tuple[Path, str], tmp_path: Path
) -> None:
    """With the passphrase, the chain and its marks can be written anew, and the ids can't."""
    folder, _ = looked
    copy = copy_of(folder, tmp_path / "copy")
    with closing(opened(copy)) as office:
        kept = [look for look in office.looks.read() if look.kind != "search"]
    edit(copy, ("DELETE FROM look", ()), ("DELETE FROM newest WHERE name = 'looks'", ()))
    with closing(opened(copy)) as office:
        with office.journal.together():
            for look in kept:
                office.looks.add(look)
        office.journal.write_back()
    assert faults(copy)


def test_a_refusal_names_no_case_that_a_colleague_looks_at_meanwhile(
    looked: tuple[Path, str], tmp_path: Path
) -> None:
    folder, case = looked
    folder = copy_of(folder, tmp_path / "copy")
    refusal = FactsError("no-answer", "`Bob13` is no name", at=Place(path="contact.given_name"))
    with closing(opened(folder)) as mine, closing(opened(folder)) as theirs:
        operations.sign_in(mine, by=BY)
        operations.open_form(mine, "refer")
        operations.sign_in(theirs, by=BY)
        operations.read_case(theirs, case)
        operations.note_refusal(mine, refusal, "send_draft", None)
        *_, other, own = mine.looks.read()
        assert (other.operation, other.case) == ("read_case", case)
        assert (own.operation, own.refused, own.case) == ("send_draft", "no-answer", None)
        operations.read_case(mine, case)
        operations.note_refusal(mine, FactsError("no-answer", "it is none"), "send_draft", None)
        *_, own = mine.looks.read()
        assert (own.refused, own.case) == ("no-answer", case)


def test_each_look_says_in_words_what_was_done() -> None:
    need = {name for name, each in DECLARED.items() if GATEWAY not in each.accesses.values()}
    others = {"sign_in", "open_page"}  # of the sign-in, and of the console
    others |= {  # of the person's own page, where nobody of the agency acts
        *("use_code", "cancel_lost_code", "my_page", "my_account", "my_permission"),
        *("my_take_back", "take_back", "complain", "dispute"),
    }
    for name in need | others:
        assert name in _DONE, name
    for operation in _DONE:
        assert operation in need | others, f"{operation} is no operation"
        for words in (done_words(operation), tried_words(operation)):
            assert "_" not in words and "/" not in words and words == words.strip()
    assert done_words("read_case") == "opened the case"
    assert tried_words("read_case") == "open the case"


def test_doctor_names_the_fault(looked: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = looked
    copy = copy_of(folder, tmp_path / "copy")
    edit(copy, ("DELETE FROM look WHERE at = 2", ()))
    with closing(opened(copy)) as office:
        operations.sign_in(office, by=BY)
        findings = operations.examine(office)
    assert any(
        finding.level == "wrong" and "journal of looks" in finding.text for finding in findings
    )
    (folder / "keys" / "police.looks.json").rename(tmp_path / "key")
    try:
        assert any("can't be examined" in fault for fault in faults(folder))
    finally:
        (tmp_path / "key").rename(folder / "keys" / "police.looks.json")
