"""The demo's story, told once by real processes, and then looked at from every side."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from exchange.standards import i_json, sd_jwt
from offramp.agency import operations
from offramp.cli import main
from offramp.demo import town
from offramp.demo.checks import hub_has
from offramp.demo.command import StoryPrinter
from offramp.demo.story import Step, Story
from offramp.demo.timeline import timeline
from offramp.demo.town import AGENCIES
from rules.errors import RequestError
from rules.shelf import vocabulary
from tests.conftest import ROOT
from tests.support.agency_console import (
    PASSWORD,
    Caller,
    code_of,
    make_account,
    run_agency_console,
)
from tests.support.hub_process import serving
from tests.support.raw_codes import raw_codes

pytestmark = pytest.mark.xdist_group("demo")

WORD = "Xylophone7"

# For each agency, every kind of information that it ever had about a person, and how: `own` if it
# wrote the record, `opened` if a person read a record that it received, `sealed` if nobody did.
HELD = {
    "police": {"charge": "own", "contact": "own", "encounter": "own", "status": "sealed"},
    "prosecutor": {
        "charge": "opened",
        "charge_status": "own",
        "decision_outcome": "own",
        "encounter": "opened",
        "enrollment": "own",
        "intake_status": "opened",
        "new_charge": "own",
        "screening_outcome": "own",
        "status": "sealed",
    },
}
# What nobody in law enforcement may ever hold, on whatever path.
CARE = {
    "barriers",
    "plan",
    "service",
    "progress",
    "attendance",
    "substance_use",
    "test_result",
    "treatment",
    "health",
    "counseling_note",
}


class Told:
    def __init__(self, folder: Path, story: dict[str, Any]) -> None:
        self.folder = folder
        self.story = story

    def step(self, words: str) -> dict[str, Any]:
        (found,) = [step for step in self.story["steps"] if words in step["what"]]
        return dict(found)

    def agency(self, *words: str) -> int:
        return main(
            [
                "agency",
                words[0],
                str(self.folder / words[1]),
                *words[2:],
                "--clock",
                str(self.folder / "clock"),
            ]
        )


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    folder = tmp_path_factory.mktemp("demo") / "town"
    command = [
        sys.executable,
        "-m",
        "offramp",
        "demo",
        "--dir",
        str(folder),
        "--canary",
        WORD,
        "--json",
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=1200)
    logs = (
        "".join(path.read_text() for path in (folder / "log").glob("*.txt"))
        if folder.exists()
        else ""
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:] + logs[-4000:]
    story = json.loads(done.stdout)
    assert story == json.loads((folder / "story.json").read_text())
    yield Told(folder, story)


def test_every_check_of_the_story_holds_and_each_was_looked_at(told: Told) -> None:
    assert len(told.story["checks"]) == 7
    assert all(check["holds"] for check in told.story["checks"])


def test_each_agency_held_just_these_kinds_of_information(told: Told) -> None:
    held = told.story["held"]
    assert {name: held[name] for name in HELD} == HELD
    assert set(held["defender"]) == {
        "charge", "charge_status",
        "contact", "decision_outcome", "encounter", "enrollment", "grievance", "intake_status",
        "new_charge", "plan", "screening_outcome",
    }  # fmt: skip
    assert set(held["treatment"]) == {"attendance", "substance_use"}
    assert not CARE - {"plan", "barriers"} & set(held["program"])
    assert not CARE & (set(held["police"]) | set(held["prosecutor"]))


def test_the_weight_was_asked_of_the_one_who_knows_and_decides(told: Told) -> None:
    first = told.step("The rules can't tell: nobody has weighed")["answer"]
    assert [(one["fact"], one["ask"]) for one in first["needed"]] == [
        ("encounter.drugs[0].grams", "police")
    ]
    assert told.step("the officer weighs")["answer"]["answered"] == [
        {
            "id": told.step("the officer weighs")["answer"]["answered"][0]["id"],
            "to": "program",
            "category": ["encounter"],
        }
    ]
    then = told.step("Now they can: eligible")["answer"]
    assert then["outcome"] == "eligible"
    assert then["sources"]["encounter.drugs"]["by"] == "police"


def test_a_is_retained_by_the_rules_and_by_the_prosecutor(told: Told) -> None:
    assert told.step("May the prosecutor end A's place?")["answer"]["outcome"] == "retain"
    assert told.step("And the prosecutor, who alone could, agrees")["answer"]["differs"] is False


def test_b_is_over_the_cap_and_comes_back_through_another_door(told: Told) -> None:
    (reason,) = told.step("Over the cap")["answer"]["reasons"]
    assert reason["rule"] == "over-the-cap"
    assert told.step("A social contact")["answer"]["outcome"] == "eligible"


def test_c_is_declined_by_a_named_person_and_counsel_answers(told: Told) -> None:
    assert told.step("who declines: a person, by name")["answer"]["to"] == [
        "case-management",
        "defender",
        "program",
    ]
    (reason,) = told.step("The rules leave it to the prosecutor")["answer"]["reasons"]
    assert reason["rule"] == "violence-and-attorney-declines"
    assert told.step("Counsel answers.")["told"][0]["to"] == ["program"]


def test_after_the_revocation_nothing_more_passes_and_what_was_told_is_deleted(told: Told) -> None:
    assert "may not tell" in told.step("not even by mistake")["answer"]["refused"]
    assert told.step("The case manager deletes it")["answer"]["state"] == "sent"


def test_the_canary_is_where_it_may_be_and_nowhere_else(told: Told) -> None:
    """Look for a marker that is in the salt of each content.

    It is wherever contents are open, and would be at a hub that could read.
    """
    assert not hub_has(told.folder / "hub", WORD)
    for name in ("police", "prosecutor", "program", "case-management", "defender", "treatment"):
        assert hub_has(told.folder / name, WORD), name


def test_care_s_own_words_lie_nowhere_but_at_care(told: Told) -> None:
    words = [b"Used twice this week", b"dose raised"]
    for path in told.folder.rglob("*"):
        if path.is_file() and path.parent.name != "drafts":
            at = path.relative_to(told.folder).parts[0]
            if any(one in path.read_bytes() for one in words):
                assert at in ("treatment", "case-management"), path


def test_the_record_of_convictions_lies_in_no_folder(told: Told) -> None:
    for path in told.folder.rglob("*"):
        if path.is_file() and path.parent.name != "drafts" and path.name != "story.json":
            assert b"2019-03-04" not in path.read_bytes(), path


def test_what_the_demo_prints_names_everybody_and_every_check(told: Told) -> None:
    lines = "\n".join(timeline(told.story))
    assert "NOT SO" not in lines and lines.count("\nok: ") == 7
    for words in (
        "A, WHOSE WEIGHT NOBODY KNEW",
        "substance use",
        "the rules: eligibility: undetermined",
        "not: police",
    ):
        assert words in lines.replace("                ", ""), words


def test_what_the_readme_shows_of_it_is_what_it_prints(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "110")
    shown = re.findall(
        r"^```text\n(.*?)^```$", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL
    )
    printed = "\n".join(timeline(told.story)) + "\n"
    # How often something was told hangs on which process was first to ask.
    counted = re.compile(r"\d+ (disclosures|decisions)|; \d+ rest")
    for block in shown[:2]:
        missing = [line for line in block.splitlines() if line not in printed]
        like = [line for line in printed.splitlines() if line[:22] in {row[:22] for row in missing}]
        assert counted.sub("N", block) in counted.sub("N", printed), (missing, like)


def test_each_step_is_printed_when_it_is_done_also_into_a_file(
    told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the background nobody saw for minutes if the demo works."""
    with (tmp_path / "out.txt").open("w", encoding="utf-8") as out:
        monkeypatch.setattr(sys, "stdout", out)
        printer = StoryPrinter()
        printer.begin()
        assert "start" in (tmp_path / "out.txt").read_text(encoding="utf-8")
        printer.begin_story(told.story["zone"])
        place = SimpleNamespace(folder=tmp_path)
        story = Story(cast("town.Town", place), printer.step)
        for step in told.story["steps"][:3]:
            at = datetime.fromisoformat(step["at"].replace("Z", "+00:00"))
            story.add(
                Step(
                    at,
                    step["person"],
                    step["agency"],
                    step["what"],
                    step["command"],
                    tuple(step["told"]),
                    step["answer"],
                )
            )
            written = (tmp_path / "out.txt").read_text(encoding="utf-8")
            assert step["what"].split(".")[0][:40] in written
        printer.close(told.story)
    written = (tmp_path / "out.txt").read_text(encoding="utf-8")
    printed = "\n".join(timeline({**told.story, "steps": told.story["steps"][:3]}))
    assert written.partition("\n\n")[2] == printed + "\n"


# Waiting


def test_a_slow_town_is_waited_for_and_a_silent_one_is_stuck(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A town is slow, and not stuck, while its processes write."""
    monkeypatch.setattr(town, "PATIENCE", 0.2)
    journal = tmp_path / "journal"

    def write() -> None:
        journal.write_text(str(time.monotonic()))

    silent = SimpleNamespace(id="police", folder=tmp_path / "police", pull=lambda: None)
    slow = SimpleNamespace(id="police", folder=tmp_path / "police", pull=write)
    ready = time.monotonic() + 1.0
    town.Agency.until(slow, lambda: time.monotonic() > ready, "the end")
    with pytest.raises(RequestError) as stuck:
        town.Agency.until(silent, lambda: False, "a record")
    assert stuck.value.code == "demo-stuck"
    monkeypatch.setattr(town, "LIMIT", 0.5)
    with pytest.raises(RequestError, match="waited for a record"):
        town.Agency.until(slow, lambda: False, "a record")


# Replay


def replay_file(told: Told, agency: str, words: str) -> Path:
    jti = told.step(words)["answer"]["id"]
    return told.folder / "drafts" / f"replay-{jti}.json"


def test_a_decision_comes_out_again_to_the_byte_from_its_file(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    file = replay_file(told, "program", "Now they can: eligible")
    assert main(["replay", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["replay"]
    assert (found["verdict"], found["outcome"], found["pack"]) == ("same", ["eligible"], "santa-fe")
    assert main(["verify", str(file)]) == 0
    assert "It rests on" in capsys.readouterr().out
    # In words, it is what the clerks of the agencies read.
    assert main(["replay", str(file)]) == 0
    assert capsys.readouterr().out.startswith(
        "THE SAME, to the byte: “Entry to the program” comes out as “eligible” by the rules of "
        "“Santa Fe LEAD”.\n"
    )


def test_what_stands_in_no_record_is_named(told: Told, capsys: pytest.CaptureFixture[str]) -> None:
    file = replay_file(told, "prosecutor", "May the held charge be filed?")
    assert main(["replay", str(file), "--json"]) == 3
    found = json.loads(capsys.readouterr().out)["replay"]
    assert found["verdict"] == "withheld"
    assert any(
        one.startswith("case.charge_held: known to prosecutor alone") for one in found["withheld"]
    )
    assert main(["replay", str(file)]) == 3
    shown = capsys.readouterr().out
    assert "“Filing of the charge” as “" in shown and "case.charge_held" not in shown
    assert "withheld: “Is a charge from the encounter on hold?”: known to prosecutor alone" in shown


def test_a_source_that_is_left_out_is_named(
    told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    value = i_json.read_object(replay_file(told, "program", "Now they can: eligible").read_bytes())
    left = [one for one in value["sources"] if "answer" not in _kind(one)]
    assert len(left) == len(value["sources"]) - 1
    cut = tmp_path / "cut.json"
    cut.write_bytes(i_json.write({**value, "sources": left}))
    assert main(["replay", str(cut), "--json"]) == 3
    withheld = json.loads(capsys.readouterr().out)["replay"]["withheld"]
    assert any("of record" in one for one in withheld) and any(
        "encounter.drugs[0].grams" in one for one in withheld
    )
    assert main(["replay", str(cut)]) == 3
    shown = capsys.readouterr().out
    assert "“How many grams does it weigh?” (number 1): in no part that is shown" in shown
    assert "encounter.drugs" not in shown and "decision_outcome" not in shown


def _kind(borne: dict[str, Any]) -> str:
    signed_text, _ = sd_jwt.split(borne["presentation"])
    from exchange.records.record import TYP
    from exchange.standards import jws

    return str(i_json.read_object(jws.read(signed_text, typ=TYP).unverified_payload)["kind"])


def test_an_altered_file_is_found_wrong(
    told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = replay_file(told, "program", "Now they can: eligible").read_text()
    value = json.loads(text)
    first = value["sources"][0]["presentation"]
    # One letter of a disclosed content: its digest is in nothing that anybody signed.
    value["sources"][0]["presentation"] = (
        first[:-10] + ("A" if first[-10] != "A" else "B") + first[-9:]
    )
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps(value))
    assert main(["replay", str(bad)]) in (1, 2)
    value = json.loads(text)
    value["shown"], value["sources"] = value["sources"][0], [value["shown"]]
    bad.write_text(json.dumps(value))
    assert main(["replay", str(bad)]) == 1
    capsys.readouterr()


def test_another_pack_is_not_the_one_by_which_it_was_decided(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    file = replay_file(told, "program", "Now they can: eligible")
    assert main(["replay", str(file), "--pack", "seattle"]) == 2
    assert "[unknown-pack]" in capsys.readouterr().err


# The people's commands, on the folders as the story left them (the hub is away)


def test_everything_local_works_when_the_hub_is_down(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    case = told.story["cases"]["A"]
    assert told.agency("cases", "program") == 0
    assert told.agency("case", "program", case) == 0
    out = capsys.readouterr().out
    assert "(encounter.drugs; police, record" in out
    assert told.agency("tasks", "case-management") == 0
    assert told.agency("decide", "program", case, "eligibility", "--json") == 0
    capsys.readouterr()
    places = told.folder / "places.json"
    places.write_text('{"program": {"places_free": 0}}')
    assert told.agency("note", "program", case, str(places)) == 0
    assert (
        told.agency(
            "determine",
            "program",
            case,
            "admission",
            "eligible_waiting",
            "--reason",
            "capacity",
            "--by",
            "Julia Vigil",
            "--yes",
        )
        == 0
    )
    assert "queued" in capsys.readouterr().out


def test_a_decision_is_worked_out_only_where_its_facts_may_be(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    case = told.story["cases"]["A"]
    for name, decision in (
        ("police", "eligibility"),
        ("program", "ejection"),
        ("case-management", "filing"),
        ("prosecutor", "review"),
    ):
        assert told.agency("decide", name, case, decision) == 2
        assert "[not-here-decided]" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["police", "program", "case-management", "treatment", "defender"])
def test_nobody_but_the_prosecutor_ends_a_place(
    told: Told, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    case = told.story["cases"]["A"]
    words = ("ejection", "prosecutor_may_eject", "--reason", "discretion")
    assert told.agency("determine", name, case, *words) == 2
    # Nor by a record of another kind that says the same.
    said = {
        "decision": "ejection",
        "outcome": "prosecutor_may_eject",
        "by": "Somebody",
        "reason": "rules",
        "differs": False,
    }
    part = {
        "category": "decision_outcome",
        "content": {"determination": said},
        "to": {"prosecutor": "diversion_coordination"},
    }
    draft = told.folder / f"{name}-ejects.json"
    draft.write_text(json.dumps({"parts": [part]}))
    for kind in ("ejection", "determination", "decision"):
        assert told.agency("send", name, kind, str(draft), "--case", case) == 2
    capsys.readouterr()


def test_the_shared_screen_shows_what_each_of_those_present_may_be_told(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    def items(*more: str) -> list[tuple[str, str]]:
        assert told.agency("meeting", "case-management", *more, "--json") == 0
        found = json.loads(capsys.readouterr().out)["cases"]
        return [(one["case"], item["what"]) for one in found for item in one["items"]]

    everything = items()
    alone, with_program = items("--present", "case-management"), items("--present", "program")
    with_police = items("--present", "program,police")
    assert set(with_police) <= set(with_program) <= set(everything)
    relapses, missed = (
        vocabulary().facts[path].question for path in ("case.relapses", "case.missed_contacts")
    )
    assert all(any(text in what for _, what in alone) for text in (relapses, missed))
    assert any("finish the first interview" in what for _, what in with_program)
    assert not any(relapses in what or missed in what for _, what in with_program)
    assert not any("complete intake" in what for _, what in with_police)
    assert told.agency("meeting", "program", "--present", "sheriff") == 2
    capsys.readouterr()


def test_no_page_of_the_town_shows_a_code(told: Told, tmp_path: Path) -> None:
    """Roles, decisions, and facts are in words on every page that a link leads to."""
    folder = tmp_path / "town"
    shutil.copytree(told.folder, folder)
    clock, passphrase = folder / "clock", folder / "passphrase"
    secret_words = passphrase.read_bytes().strip()
    found: dict[str, dict[str, list[str]]] = {}
    kinds = Counter[str]()
    for agency, (_, _, _, founder) in AGENCIES.items():
        with closing(
            operations.open_office(folder / agency, secret_words, clock_file=clock)
        ) as office:
            secret = make_account(office, founder, founder)
        with run_agency_console(folder / agency, passphrase, clock=clock) as console:
            caller = Caller(console)
            caller.get("/sign-in")
            caller.sign_in(founder, PASSWORD, code_of(secret))
            codes, kinds[agency] = raw_codes(caller)
        found |= {agency: codes} if codes else {}
    assert not found, found
    assert min(kinds.values()) > 20, kinds


def test_a_folder_that_is_in_use_is_left_as_it_is(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(path.name for path in told.folder.iterdir())
    assert main(["demo", "--dir", str(told.folder)]) == 2
    assert "[file-taken]" in capsys.readouterr().err
    assert sorted(path.name for path in told.folder.iterdir()) == before
    assert main(["demo", "--canary", "no word"]) == 2
    capsys.readouterr()


STRICTER = """
id: stricter
title: Santa Fe, stricter
extends: santa-fe
time_zone: America/Denver
program: {from: 2014-04-01, source: {id: ordinance}}
sources:
  ordinance: {title: Ordinance 9, address: "https://city.example/9", confidence: high}
decisions:
  filing:
    rules:
      - id: any-new-charge
        when: size(case.new_charges) > 0
        then: prosecutor_may_file
        because: A new charge lets the prosecutor file the charge that is held.
        source: ordinance
"""


def test_stricter_rules_reach_who_is_in_the_program_only_after_notice(
    told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "stricter").mkdir()
    (tmp_path / "stricter" / "pack.yaml").write_text(STRICTER)
    clock, case = str(told.folder / "clock"), told.story["cases"]["A"]

    def says(code: int, *words: str) -> Any:
        capsys.readouterr()
        assert main([*words, "--clock", clock, "--json"]) == code, capsys.readouterr().out
        return json.loads(capsys.readouterr().out)

    def filing() -> Any:
        return says(0, "agency", "decide", str(told.folder / "prosecutor"), case, "filing")

    assert (filing()["outcome"], filing()["governed"]) == ("hold", None)
    hub = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "offramp",
            "hub",
            "serve",
            str(told.folder / "hub"),
            "--clock",
            clock,
            "--health-port",
            "0",
        ],
        cwd=ROOT,
    )
    try:
        port = re.search(
            r"^port = (\d+)$", (told.folder / "hub" / "hub.toml").read_text(), re.MULTILINE
        )
        assert port is not None
        serving(f"http://127.0.0.1:{port[1]}")
        done = says(0, "agency", "adopt", str(told.folder / "defender"), str(tmp_path / "stricter"))
        assert any("any-new-charge came" in one for one in done["changes"])
        for name in ("treatment", "program"):
            says(0, "agency", "approve", str(told.folder / name), done["draft"])
        says(0, "agency", "serve", str(told.folder / "prosecutor"), "--once")
    finally:
        hub.terminate()
        hub.wait(10)
    kept = filing()
    assert (kept["outcome"], kept["pack"]["id"]) == ("hold", "santa-fe")
    assert kept["governed"] == "it was in force when the person enrolled"
    says(0, "agency", "notice", str(told.folder / "prosecutor"), case, "--by", "Thomas Baca")
    after = filing()
    assert (after["outcome"], after["pack"]["id"]) == ("prosecutor_may_file", "stricter")
    assert after["governed"] == "the person was given notice of it"
    # For ejection the new rules say the same, and count.
    ejection = says(0, "agency", "decide", str(told.folder / "prosecutor"), case, "ejection")
    assert (ejection["outcome"], ejection["pack"]["id"]) == ("retain", "stricter")


def test_an_officer_who_offers_nothing_says_why_and_nobody_is_told(
    told: Told, capsys: pytest.CaptureFixture[str]
) -> None:
    words = (
        "determine",
        "police",
        "new",
        "offer",
        "may_not_offer",
        "--reason",
        "safety",
        "--by",
        "Sergeant Maria Lucero",
        "--yes",
        "--json",
    )
    capsys.readouterr()
    assert told.agency(*words) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["state"], found["to"]) == ("kept", []) and len(found["case"]) == 32
    assert told.agency("case", "police", found["case"]) == 0
    printed = capsys.readouterr().out
    assert "offer: The program may not be offered, by Sergeant Maria Lucero" in printed
    # What is told to nobody is held to the same words.
    assert told.agency(*words[:4], "may_not_offer", "--reason", "because") == 2
    assert "[wrong-content]" in capsys.readouterr().err
    # A name that nobody listed is no name of a person who decides.
    for by, code in (("Officer Lund", "unlisted-person"), ("Officer\nLund", "hidden-character")):
        assert told.agency(*words[:4], "may_not_offer", "--reason", "safety", "--by", by) == 2
        assert f"[{code}]" in capsys.readouterr().err


def test_a_quarter_is_published_once_when_it_is_over(
    told: Told, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    later = tmp_path / "clock"
    later.write_text("2026-07-02T12:00:00Z\n")

    def report(clock: Path, quarter: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(
            [
                "agency",
                "report",
                str(told.folder / "program"),
                "--quarter",
                quarter,
                "--clock",
                str(clock),
                "--json",
                "--yes",
            ]
        )
        return code, capsys.readouterr().out

    assert report(told.folder / "clock", "2026Q2")[0] == 2
    code, first = report(later, "2026Q2")
    # Four people are too few to count for others.
    found = json.loads(first)
    counts = [row["count"] for agency in found["agencies"] for row in agency["rows"]]
    assert code == 0 and counts and all(count in (0, {"hidden": True}) for count in counts)
    assert report(later, "2026Q2") == (0, first)
    with sqlite3.connect(told.folder / "program" / "agency.db") as journal:
        assert journal.execute(
            "SELECT count(*) FROM event WHERE kind = 'published'"
        ).fetchone() == (1,)


def test_no_process_outlives_the_demo(told: Told) -> None:
    assert told.story["processes"] == sorted(["hub", *told.story["held"]])
    for each in Path("/proc").glob("[0-9]*/cmdline") if Path("/proc").is_dir() else ():
        try:
            words = each.read_bytes().split(b"\0")
        except OSError:
            continue
        assert os.fsencode(told.folder / "hub") not in words
