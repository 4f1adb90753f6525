"""Test the drafts that `offramp new` writes: complete, valid, and easy for a city to change."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from offramp.cli import main
from rules.author.scenarios import read_scenarios, run
from rules.decide.program import Program
from rules.errors import Refusal
from rules.input.yaml import read_file
from rules.shelf import find, read_pack, shipped
from tests.support.editors import editor_value

STARTS = "2027-01-01"
Drafts = Callable[[str], Path]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def first_day(parent: str) -> str:
    """A variant of a program that is over starts on that program's last day."""
    until = read_pack(parent).program.until
    return STARTS if until is None else min(STARTS, str(until - timedelta(days=1)))


def made(name: str, parent: str, starts: str | None = None) -> Path:
    assert main(["new", name, "--from", parent, "--starts", starts or first_day(parent)]) == 0
    return Path(name)


@pytest.fixture(scope="module")
def drafts(tmp_path_factory: pytest.TempPathFactory) -> Drafts:
    """Return a function that makes a draft of a shipped pack once, and gives a test its copy."""
    made_before = tmp_path_factory.mktemp("drafts")

    def copy(parent: str) -> Path:
        draft = made_before / parent / "our-city"
        if not draft.exists():
            draft.parent.mkdir()
            shutil.move(made("our-city", parent), draft)
        shutil.copytree(draft, "our-city")
        return Path("our-city")

    return copy


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    before = sorted(Path().rglob("*"))
    capsys.readouterr()
    assert main(["new", *arguments]) == 2
    assert sorted(Path().rglob("*")) == before, "nothing is left behind"
    shown = capsys.readouterr()
    assert shown.out == ""
    return shown.err.removeprefix("offramp: ").rstrip()


@pytest.mark.parametrize("parent", shipped())
def test_a_draft_passes_check_and_test_at_once(
    parent: str, drafts: Drafts, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = drafts(parent)
    assert main(["check", "our-city"]) == 0
    assert main(["test", "our-city"]) == 0
    shown = capsys.readouterr().out
    assert "our-city: sound" in shown and "100 % of rules held once" in shown
    assert {path.name for path in folder.iterdir()} == {"pack.yaml", "scenarios.yaml", ".schemas"}
    assert [path.name for path in Path().iterdir()] == ["our-city"], "nothing else is left"


# Packs on the days on which they change. A draft omits the values that ended before and keeps later
# ones. (Santa Fe is absent because each of its proofs takes seconds.)
DAYS = [
    (pack, str(day))
    for pack in ("drug-court", "nyc-violations", "seattle")
    for day in read_pack(pack).boundaries()
    if day > (read_pack(pack).program.since or date.min)
]


@pytest.mark.parametrize(("parent", "day"), DAYS)
def test_a_draft_passes_from_any_day_on_which_its_parent_changes(parent: str, day: str) -> None:
    folder = made("our-city", parent, day)
    report = run(Program(read_pack(folder)), read_scenarios(folder))
    assert report.passed and report.scenarios > 0


@pytest.mark.parametrize("parent", shipped())
def test_a_draft_decides_as_its_parent_does(parent: str, drafts: Drafts) -> None:
    """Compare outcomes, reasons, and questions in the parent's scenarios, moved to its start."""
    starts, compared = first_day(parent), 0
    theirs, ours = (
        Program(read_pack(pack), date.fromisoformat(starts)) for pack in (parent, drafts(parent))
    )
    for scenario in read_scenarios(find(parent)):
        facts = dict(scenario.facts)
        if isinstance(facts.get("encounter"), dict):
            facts["encounter"] = {**facts["encounter"], "date": starts}
        try:
            one, other = (program.decide(scenario.decision, facts) for program in (theirs, ours))
        except Refusal:
            continue
        assert (one.outcome, one.possible, one.needed) == (
            other.outcome,
            other.possible,
            other.needed,
        ), scenario.id
        assert [reason["rule"] for reason in one.reasons] == [
            reason["rule"] for reason in other.reasons
        ], scenario.id
        compared += 1
    assert compared > 5


def without_both_sides(folder: Path) -> list[str]:
    """Return the amounts of a draft that lack a case at their boundary, or one past it."""
    pack, ids = read_pack(folder), {scenario.id for scenario in read_scenarios(folder)}
    lacking = []
    for parameter in pack.parameters.values():
        value = parameter.on(pack.program.since or date.min)
        if value is None or value.declared_in != pack.id or isinstance(value.value, (tuple, bool)):
            continue
        clocks = [clock for clock in pack.clocks.values() if clock.length == parameter.name]
        names = [(parameter.name, ("exactly", "beyond"))] + [
            (clock.name, ("running-at-its-end", "overdue-at-its-end")) for clock in clocks
        ]
        has_both = any(
            all(
                any(one in (key, f"{key}-at-the-scene") for one in ids)
                for key in (f"{name.replace('_', '-')}-{side}" for side in sides)
            )
            for name, sides in names
        )
        lacking += [] if has_both else [parameter.name]
    return lacking


@pytest.mark.parametrize("parent", shipped())
def test_what_cities_change_is_written_out_and_marked(parent: str, drafts: Drafts) -> None:
    folder = drafts(parent)
    text = (folder / "pack.yaml").read_text(encoding="utf-8")
    pack = read_pack(folder)
    assert re.findall("# CHANGE the (name|time zone|date|sources)", text) == [
        "name",
        "time zone",
        "date",
        "sources",
    ]
    table = {"no_offense"} if pack.offenses else set()
    assert ("# CHANGE the offense table" in text) == bool(table)
    starts = date.fromisoformat(first_day(parent))
    in_force = {one.name: one.declared_in for one in pack.parameters.values() if one.on(starts)}
    # Only rules of law read the sections and the amount with immunity, and a promise that no city
    # may weaken those on homicide.
    of_law = table | {"immune_sections", "immune_grams", "homicide_sections"}
    assert {name for name, where in in_force.items() if where != "our-city"} <= of_law
    assert without_both_sides(folder) == []
    if parent == "santa-fe":
        assert re.findall("# CHANGE the (cap|area|charges|approvals)", text) == [
            "cap",
            "area",
            "charges",
            "approvals",
            # The offer, since the cap and violence are known by chance at the scene.
            "cap",
            "charges",
            "approvals",
        ]
        assert {
            "over-the-cap",
            "social-contact-outside-the-area",
            "burglary-and-attorney-declines",
        } <= {
            rule.id
            for rule in pack.decisions["eligibility"].rules.values()
            if rule.declared_in == "our-city"
        }


@pytest.mark.parametrize("parent", shipped())
def test_an_editor_finds_the_schemas_beside_and_the_files_fit_them(
    parent: str, drafts: Drafts
) -> None:
    folder = drafts(parent)
    for name in ("pack", "scenarios"):
        first, *_ = (folder / f"{name}.yaml").read_text(encoding="utf-8").splitlines()
        beside = first.removeprefix("# yaml-language-server: $schema=")
        schema = json.loads((folder / beside).read_text(encoding="utf-8"))
        jsonschema.Draft7Validator(schema).validate(
            editor_value(read_file(folder / f"{name}.yaml"))
        )
        assert not re.search(r'"\$ref": "(?!#)', json.dumps(schema)), (
            "nothing is fetched from elsewhere"
        )


@pytest.mark.parametrize("parent", ["seattle", "lead"])
def test_the_examples_in_remarks_work_when_the_marks_are_taken_away(
    parent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = made("our-city", parent) / "pack.yaml"
    lines = pack.read_text(encoding="utf-8").splitlines()
    start = next(
        number
        for number, line in enumerate(lines)
        if re.fullmatch(r" *# *(rules|decisions):", line)
    )
    end = next(
        (number for number in range(start, len(lines)) if "#" not in lines[number]), len(lines)
    )
    lines[start:end] = [re.sub(r"^( *)# ", r"\1", line) for line in lines[start:end]]
    pack.write_text("\n".join(lines) + "\n", encoding="utf-8")
    assert main(["check", "our-city"]) == 0
    assert "a-weapon-was-found" in read_pack("our-city").decisions["eligibility"].rules
    assert main(["test", "our-city"]) == 1, "the new rule has no case yet"
    assert "`a-weapon-was-found` of `eligibility`: it never holds" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "meant"), [("our-ctiy", "our-city"), ("./our-ctiy", "./our-city"), ("led", "lead")]
)
def test_a_misspelled_folder_is_told_of_the_folder_beside_it(
    name: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["new", "our-city", "--from", "lead"]) == 0
    assert main(["check", name]) == 2
    assert f"there is no pack `{name}`; did you mean `{meant}`?" in "".join(capsys.readouterr())


def test_a_rule_is_dropped_as_the_remark_says() -> None:
    pack = made("our-city", "santa-fe") / "pack.yaml"
    text = pack.read_text(encoding="utf-8")
    dropped = re.search(r"- \{id: ([a-z-]+), because: Our council", text)
    assert dropped
    text = re.sub(rf"      - id: {dropped[1]}\n(?:        .*\n)+", "", text)
    text = re.sub(r"    # (remove:)\n    # (.*)\n", r"    \1\n    \2\n", text)
    pack.write_text(text, encoding="utf-8")
    assert dropped[1] not in read_pack("our-city", whole=False).decisions["eligibility"].rules


def test_the_floor_holds_in_a_draft_too(capsys: pytest.CaptureFixture[str]) -> None:
    pack = made("our-city", "santa-fe") / "pack.yaml"
    pack.write_text(
        pack.read_text(encoding="utf-8").replace("value: 18", "value: 12"), encoding="utf-8"
    )
    assert main(["check", "our-city"]) == 2
    assert "the invariant `minors-stay-out` of `santa-fe` does not hold" in capsys.readouterr().out


def test_a_path_names_the_folder_and_its_last_part_the_pack(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("packs").mkdir()
    made("packs/las-cruces/", "lead")
    assert read_pack("packs/las-cruces").title == "Las Cruces"
    assert "`offramp check packs/las-cruces`" in capsys.readouterr().out


def test_a_variant_of_a_pack_of_one_s_own_lies_beside_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("packs").mkdir()
    made("packs/base", "seattle")
    made("packs/las-cruces", "packs/base")
    assert read_pack("packs/las-cruces").extends == "base"
    assert refused(capsys, "las-cruces", "--from", "packs/base") == (
        "`las-cruces` would not find the pack `packs/base` that it extends; "
        "make it in the folder in which that pack lies [not-beside]"
    )
    shutil.rmtree("packs/base")
    (Path("packs") / "santa-fe").mkdir()
    shutil.copy(find("lead") / "pack.yaml", "packs/santa-fe/pack.yaml")
    assert "[not-beside]" in refused(capsys, "packs/town", "--from", "santa-fe"), (
        "a neighbor would be taken for the shipped pack"
    )


def test_a_parent_without_scenarios_gives_one_case_to_begin_with() -> None:
    made("base", "seattle")
    Path("base/scenarios.yaml").unlink()
    made("town", "base")
    case, *at_the_amounts = read_scenarios(Path("town"))
    assert case.expect["status"] == "undetermined"
    # Each clock whose time the draft copies has a case at its last second, and one a second later.
    of_clocks = [scenario for scenario in at_the_amounts if "clocks" in scenario.expect]
    assert {scenario.id: scenario.expect["clocks"] for scenario in of_clocks} == {
        f"{clock}-{status}-at-its-end": {clock: status}
        for clock in ("intake", "plan", "review")
        for status in ("running", "overdue")
    }
    # The amount of cannabis turns what is possible, whatever else is known.
    others = {scenario.id for scenario in at_the_amounts} - {scenario.id for scenario in of_clocks}
    assert others == {f"lawful-cannabis-{side}-at-the-scene" for side in ("exactly", "beyond")}
    assert main(["test", "town"]) == 0


def test_a_rule_that_can_t_matter_any_more_stays_the_parent_s() -> None:
    """Since 2026 a higher outcome applies to all, so `to-a-seller` decides no case from 2027."""
    Path("base").mkdir()
    Path("base/pack.yaml").write_text("""\
id: base
title: Base
time_zone: UTC
program: {from: 2015-01-01, source: act}
sources: {act: {title: The act, address: here, confidence: high}}
decisions:
  offer:
    rules:
      - {id: to-a-seller, when: 'encounter.charges.exists(c, c.conduct == "sale")',
         then: must_offer, because: So., source: act}
      - {id: to-a-minor, when: 'encounter.charges.exists(c, c.to_minor)',
         then: may_not_offer, because: So., source: act}
      - {id: to-anybody, from: 2026-01-01, when: 'true', then: already_enrolled, because: So.,
         source: act}
    otherwise: {outcome: may_offer, because: Nothing bars it., source: act}
""")
    assert main(["check", "base"]) == 0
    rules = read_pack(made("our-city", "base")).decisions["offer"].rules.values()
    assert {one.id: one.declared_in for one in rules} == {
        "to-a-seller": "base",
        "to-a-minor": "our-city",
        "to-anybody": "base",
    }


@pytest.mark.parametrize("there", ["folder", "empty", "file", "link"])
def test_it_never_writes_over_anything(there: str, capsys: pytest.CaptureFixture[str]) -> None:
    at = Path("las-cruces")
    if there == "file":
        at.write_text("mine")
    elif there == "link":
        at.symlink_to("nowhere")
    else:
        at.mkdir()
        if there == "folder":
            (at / "pack.yaml").write_text("mine")
    told = refused(capsys, "las-cruces", "--from", "santa-fe")
    assert told == "`las-cruces` is there already; choose another name [file-taken]"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["Las Cruces", "--from", "santa-fe"], "bad-name"),
        (["seattle", "--from", "santa-fe"], "bad-name"),
        (["..", "--from", "santa-fe"], "bad-name"),
        (["", "--from", "santa-fe"], "bad-name"),
        (["x" * 65, "--from", "santa-fe"], "bad-name"),
        (["packs/town", "--from", "santa-fe"], "no-folder"),
        (["to\0wn/town", "--from", "santa-fe"], "no-folder"),
        (["x" * 300 + "/town", "--from", "santa-fe"], "no-folder"),
        (["town", "--from", "santa-fee"], "unknown-pack"),
        (["town", "--from", "santa-fe", "--starts", "soon"], "no-such-day"),
        (["town", "--from", "santa-fe", "--starts", "2013-01-01"], "outside-program"),
        (["town"], "usage"),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_sentence(
    arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = refused(capsys, *arguments)
    assert told.endswith(f"[{code}]") and "\n" not in told


def test_the_documented_examples_are_what_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(capsys, "Las Cruces", "--from", "santa-fe") == (
        "`Las Cruces` can't be a pack's name; "
        "small letters, digits and hyphens, such as `las-cruces` [bad-name]"
    )
    assert refused(capsys, "packs/town", "--from", "santa-fe") == (
        "there is no folder `packs` to make it in; make that folder first [no-folder]"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_can_t_be_written_leaves_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    Path("closed").mkdir(mode=stat.S_IRUSR | stat.S_IXUSR)
    assert "[no-output]" in refused(capsys, "closed/town", "--from", "santa-fe")


def test_a_disk_that_fills_up_leaves_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_text

    def full(path: Path, *arguments: Any, **options: Any) -> int:
        if path.name == "scenarios.yaml":
            raise OSError(28, "No space left on device")
        return write(path, *arguments, **options)

    monkeypatch.setattr(Path, "write_text", full)
    told = refused(capsys, "town", "--from", "santa-fe")
    assert (
        told == "`town` could not be written: no space left on device; "
        "make room, or write elsewhere [no-output]"
    )


def test_json_says_what_was_made(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["new", "las-cruces", "--from", "seattle", "--starts", STARTS, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["folder"], shown["id"], shown["extends"], shown["starts"]) == (
        "las-cruces",
        "las-cruces",
        "seattle",
        STARTS,
    )
    assert shown["scenarios"] == [one.id for one in read_scenarios(Path("las-cruces"))]
    assert (
        "quantity_cap" in shown["parameters"]
        and "promoting-prostitution" in shown["rules"]["offer"]
    )
