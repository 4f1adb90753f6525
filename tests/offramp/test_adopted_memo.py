"""A pack that is adopted with the memo of its change: signed together, and checked by each."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from offramp.adoption import collect_pack
from offramp.agency.errors import HubRefused
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.link import link_of
from offramp.cli import main
from offramp.digest_words import digest_words
from offramp.memo_file import digest_of, memo_text, read_memo
from offramp.policy.memo_check import check_plain_parts
from rules.errors import RequestError
from tests.support.running_agencies import SIGNERS, Running, drafts, refused, told

pytest.importorskip("z3", reason="the solver isn't installed")

CITY = """
id: our-city
title: Our city's LEAD
extends: lead
time_zone: America/Denver
program: {from: 2020-01-01, source: {id: ordinance}}
sources:
  ordinance: {title: Ordinance 7, address: "https://city.example/7", confidence: high}
decisions:
  eligibility:
    rules:
      - id: much-too-old
        when: person.age > 110
        then: ineligible
        because: The program is for people up to 110.
        source: {id: ordinance}
"""
SCENARIOS = """
- id: very-old
  says: The person is 115 years old.
  decision: eligibility
  facts:
    person: {age: 115}
    encounter: {date: 2026-12-01, charges: [], drugs: []}
    judgment: {amenable: true}
  expect: {outcome: ineligible}
"""
DAY = ("--today", "2026-12-01")


def city(folder: Path, text: str = CITY) -> Path:
    (folder / "our-city").mkdir(parents=True, exist_ok=True)
    (folder / "our-city" / "pack.yaml").write_text(text)
    return folder / "our-city"


def memo_file(
    running: Running, capsys: pytest.CaptureFixture[str], pack: Path, *words: str, old: str = "lead"
) -> Path:
    """Write the memo of a change as the command prints it."""
    capsys.readouterr()
    # Time is counted in another zone, so the solver leaves two decisions open.
    assert main(["change", old, str(pack), *DAY, "--json", *words]) in (0, 1, 3)
    text = capsys.readouterr().out
    file = running.folder / f"memo-{json.loads(text)['memo'][7:23]}.json"
    file.write_text(text)
    return file


def adopt(running: Running, pack: Path | str, file: Path) -> int:
    words = ["agency", "adopt", str(running.folder / "defender"), str(pack)]
    passphrase = ["--passphrase-file", str(running.passphrase)]
    return main([*words, "--memo", str(file), "--json", *passphrase])


def test_a_memo_is_read_by_each_signer_and_its_digest_is_signed(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = city(running.folder / "packs")
    file = memo_file(running, capsys, pack)
    memo = json.loads(file.read_text())
    assert adopt(running, pack, file) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["memo"] == memo["memo"]
    for name in SIGNERS[1:]:
        assert "the draft has the digest" in refused(running, capsys, "approve", name, "0")
        (draft,) = drafts(running, capsys, name)
        # The memo is there in place of a line for each item that came or went.
        assert not [change for change in draft["changes"] if " came" in change]
        assert f"the memo of the change is {memo['memo']}" in draft["changes"]
        text = "\n".join(draft["memo"])
        assert text.startswith("Checked here: made again from both packs, this memo is the same.")
        assert "\nChange from lead on December 1, 2026 to our-city on" in text
        assert "rule eligibility.much-too-old is new" in text and "From eligible to" in text
        assert f"in words: {' '.join(digest_words(memo['memo']))}" in text
        assert running.agency("status", name) == 0
        printed = capsys.readouterr().out
        assert "the memo that is signed with it:" in printed and "much-too-old is new" in printed
        approved = told(running, capsys, "approve", name, done["draft"])
        assert approved["words"] == list(digest_words(memo["memo"]))
    with closing(running.office("police")) as office:
        learn_directory(link_of(office))
        document = office.working_set().gateway.history.newest.document
        assert (document.pack.digest, document.pack.memo) == (done["pack"], memo["memo"])
    # A later pack without a memo doesn't keep this one's.
    text = CITY.replace("110", "111")
    pack = city(running.folder / "packs", text)
    words = ["agency", "adopt", str(running.folder / "defender"), str(pack)]
    assert main([*words, "--passphrase-file", str(running.passphrase)]) == 0
    capsys.readouterr()
    refused(running, capsys, "approve", "clinic", "0")
    (draft,) = drafts(running, capsys, "clinic")
    assert draft["memo"] == [] and any(" changed: from" in change for change in draft["changes"])


def test_a_memo_of_other_packs_or_of_a_part_is_refused(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = city(running.folder / "packs")
    other = city(running.folder / "other", CITY.replace("110", "100"))
    bad = running.folder / "bad.json"
    bad.write_text("{}")
    changed = json.loads(memo_file(running, capsys, pack).read_text())
    changed["unchanged"] = []
    edited = running.folder / "edited.json"
    edited.write_text(json.dumps(changed))
    for file, code in (
        (bad, "not-a-memo"),
        (running.folder / "nowhere.json", "not-a-memo"),
        (edited, "memo-changed"),
        (memo_file(running, capsys, other), "another-memo"),
        (memo_file(running, capsys, pack, old="deflection"), "another-memo"),
        (memo_file(running, capsys, pack, "--decision", "eligibility"), "memo-of-part"),
        (memo_file(running, capsys, pack, "--strict"), "memo-with-findings"),
    ):
        assert adopt(running, pack, file) == 2
        assert json.loads(capsys.readouterr().out)["error"]["code"] == code, file
    assert drafts(running, capsys, "clinic") == []


def emptied(value: dict[str, Any], *path: str) -> dict[str, Any]:
    """Return a memo with an empty list or object at a path, and the digest that it has then."""
    edited: dict[str, Any] = json.loads(json.dumps(value))
    part = edited
    for name in path[:-1]:
        part = part[name]
    part[path[-1]] = type(part[path[-1]])()
    edited["memo"] = digest_of(edited)
    return edited


def test_an_edited_memo_is_refused_though_its_digest_is_its_own(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each part that follows from both packs is worked out again, with the solver and without."""
    pack = city(running.folder / "packs")
    (pack / "scenarios.yaml").write_text(SCENARIOS)
    value = json.loads(memo_file(running, capsys, pack).read_text())
    assert value["scenarios"]["flips"] and value["decisions"]["eligibility"]["pairs"]
    paths: list[tuple[str, ...]] = [
        ("redline",),
        ("sources",),
        ("decisions", "eligibility", "pairs"),
        ("decisions", "eligibility", "never"),
        ("scenarios", "flips"),
    ]
    lies = [emptied(value, *path) for path in paths]
    kinder = json.loads(json.dumps(value))
    kinder["decisions"]["eligibility"]["pairs"][0]["example"]["facts"]["person"] = {"age": 30}
    hidden = json.loads(json.dumps(value))
    hidden["unchanged"].append("eligibility")
    del hidden["decisions"]["eligibility"]
    # A memo that began with findings: the scenario of the new pack failed.
    (pack / "scenarios.yaml").write_text(
        SCENARIOS.replace("outcome: ineligible", "outcome: eligible")
    )
    failing = json.loads(memo_file(running, capsys, pack).read_text())
    why = "the outcome is ineligible (decided), and was to be eligible"
    assert failing["findings"] == [f"the scenario `very-old` of the new pack fails: {why}"]
    assert failing["scenarios"]["failing"] == [{"id": "very-old", "why": why}]
    lies += [kinder, hidden, emptied(failing, "findings")]
    for number, lie in enumerate(lies):
        lie["memo"] = digest_of(lie)
        file = running.folder / f"lie-{number}.json"
        file.write_text(json.dumps(lie))
        assert adopt(running, pack, file) == 2, number
        assert json.loads(capsys.readouterr().out)["error"]["code"] == "memo-not-true", number
    assert drafts(running, capsys, "clinic") == []
    # The same memo is repeated from what the agency keeps, wherever the packs came from.
    file = memo_file(running, capsys, pack)
    file.write_text(json.dumps(value))
    assert adopt(running, pack, file) == 0
    capsys.readouterr()
    folder = running.folder / "defender"
    kept = {side: f"{folder}/packs/{value[side]['digest'][7:]}.json" for side in ("old", "new")}
    again = f"{folder}/memos/{value['memo'][7:]}.json"
    words = [f"{kept[side]}@2026-12-01" for side in ("old", "new")]
    assert main(["change", *words, "--again", again, "--json"]) in (0, 3)
    printed = capsys.readouterr()
    assert json.loads(printed.out)["memo"] == value["memo"]
    assert printed.err.strip() == f"the memo is the same: {value['memo']}"
    assert str(running.folder) not in Path(again).read_text()
    # What differs is named.
    file.write_text(json.dumps(lies[2]))
    assert main(["change", *words, "--again", str(file), "--json"]) == 1
    assert capsys.readouterr().err.strip() == "the memo differs in `decisions`"


def test_places_that_were_cut_out_of_a_memo_are_missed_without_the_solver_too(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    places = CITY.replace(
        "source: {id: ordinance}}\nsources",
        "source: {id: ordinance}, places: [{value: 40, source: ordinance}]}\nsources",
    )
    pack = city(running.folder / "packs", places)
    memo = memo_file(running, capsys, pack)
    files = collect_pack("lead"), collect_pack(str(pack))
    check_plain_parts(read_memo(memo.read_bytes()), *files)
    value = json.loads(memo.read_text())
    assert value.pop("program")
    value["memo"] = digest_of(value)
    with pytest.raises(RequestError) as refusal:
        check_plain_parts(read_memo(json.dumps(value).encode()), *files)
    assert refusal.value.code == "memo-not-true" and "`program`" in refusal.value.message


def propose_with(running: Running, value: dict[str, Any], pack: Path) -> str:
    """Propose a pack with a memo as a proposer would who doesn't check it."""
    from exchange.membership import proposal
    from offramp.agency.hub_link import membership

    with closing(running.office("defender")) as office:
        link = link_of(office)
        files = collect_pack(str(pack))
        digest = value["new"]["digest"]
        link.client.send_pack(files.write())
        office.keep_pack(files, digest)
        link.client.send_memo(memo_text(value))
        newest = office.working_set().gateway.history.newest
        change = {"pack": {"id": "our-city", "digest": digest, "memo": digest_of(value)}}
        link.client.propose(proposal.apply_change(newest, change))
        return membership.list_drafts(link, proves=True)[0].sha256


def test_no_agency_signs_under_a_memo_that_states_other_changes(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = city(running.folder / "packs")
    value = json.loads(memo_file(running, capsys, pack).read_text())
    value["redline"] = []
    digest = propose_with(running, value, pack)
    assert "the draft has the digest" in refused(running, capsys, "approve", "clinic", "0")
    (draft,) = drafts(running, capsys, "clinic")
    assert draft["memo"] == []
    assert any("THE MEMO CAN'T BE RELIED ON" in change for change in draft["changes"])
    assert any("much-too-old came" in change for change in draft["changes"])
    assert "is not true of the two packs: `redline`" in refused(
        running, capsys, "approve", "clinic", digest
    )
    # The hub takes no memo that lacks a part, so no agency is asked to sign under one.
    value["promises"] = []
    with closing(running.office("defender")) as office, pytest.raises(HubRefused) as found:
        link_of(office).client.send_memo(memo_text(value))
    assert found.value.hub_code == "not-a-memo"
    value["memo"] = digest_of(value)
    file = running.folder / "no-promises.json"
    file.write_text(json.dumps(value))
    assert adopt(running, pack, file) == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "not-a-memo"


def test_the_hub_names_only_memos_that_it_keeps(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = city(running.folder / "packs")
    value = json.loads(memo_file(running, capsys, pack).read_text())
    with closing(running.office("defender")) as office:
        client = link_of(office).client
        with pytest.raises(HubRefused) as found:
            client.send_memo(memo_text(value))
        assert found.value.hub_code == "pack-missing"
        with pytest.raises(HubRefused) as found:
            client.send_memo(b"{}")
        assert found.value.hub_code == "not-a-memo"
    newest = running.folder / "change.json"
    reference = {"id": "lead", "digest": value["old"]["digest"], "memo": "sha256:" + "1" * 64}
    newest.write_text(json.dumps({"pack": reference}))
    assert "doesn't have the memo" in refused(running, capsys, "propose", "police", str(newest))


def test_a_memo_reads_back_to_its_digest(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    file = memo_file(running, capsys, city(running.folder / "packs"))
    memo = read_memo(file.read_bytes())
    again = read_memo(memo.text, memo.digest)
    assert again.text == memo.text and "command" not in again.value["repeat"]
    assert {**again.value, "repeat": memo.value["repeat"]} == memo.value
    for hostile in (b"[" * 5000, b'{"a": NaN}', b"\xff", b"[]", b'{"a":' * 100 + b"1" + b"}" * 100):
        with pytest.raises(RequestError) as found:
            read_memo(hostile)
        assert found.value.code == "not-a-memo"
    with pytest.raises(RequestError) as found:
        read_memo(memo.text, "sha256:" + "0" * 64)
    assert found.value.code == "memo-changed"
