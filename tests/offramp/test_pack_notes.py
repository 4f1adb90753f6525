"""Notes on a pack or a change: a number with its old source, and a day that may be a typo.

They are no faults, so a check passes and a memo has no finding for them.
"""

from __future__ import annotations

import json
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from offramp.cli import main
from offramp.policy.operations import list_packs
from rules.author.kept_sources import large_steps_in
from rules.shelf import read_pack
from tests.support.riverton import PACK, pack_in

TODAY = ("--today", "2026-12-01")
ALONE = "The number changed, its source didn't"
FACT = (
    "facts:\n  encounter.visits: {type: int, kind: record, known_by: police, category: encounter, "
    "range: [0, 9], question: How many visits were there, source: own}\n"
)
PLACES = "program: {from: 2020-01-01, source: own, places: [{value: 20, source: own}]}"
TABLE_HEAD = "code,title,level,drug,conduct,from,until,source,at,provisional\n"


def checked(capsys: pytest.CaptureFixture[str], pack: str, *options: str) -> str:
    assert main(["check", pack, *TODAY, *options]) == 0
    return capsys.readouterr().out


def redline_of(capsys: pytest.CaptureFixture[str], old: str, new: str) -> dict[str, Any]:
    pytest.importorskip("z3", reason="the solver isn't installed")
    main(["change", old, new, *TODAY, "--json"])
    memo = json.loads(capsys.readouterr().out)
    assert memo["findings"] == []
    return {row["what"]: row for row in memo["redline"]}


@pytest.mark.parametrize(
    ("before", "after", "item"),
    [
        ("value: 4", "value: 6", "parameter cap"),
        ("person.age < 18", "person.age < 19", "rule eligibility.under-age"),
        ("value: 20", "value: 30", "what the pack says of the places"),
        ("[0, 9]", "[0, 12]", "fact encounter.visits"),
    ],
)
def test_a_number_that_changes_alone_is_noted_in_each_form_of_the_memo(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], before: str, after: str, item: str
) -> None:
    text = PACK.replace("program: {from: 2020-01-01, source: own}", PLACES) + FACT
    assert before in text
    old, new = (
        pack_in(tmp_path / "old", text),
        pack_in(tmp_path / "new", text.replace(before, after)),
    )
    rows = redline_of(capsys, old, new)
    assert rows[item]["same_source"] is True
    assert [row["what"] for row in rows.values() if "same_source" in row] == [item]
    page = tmp_path / "memo.html"
    assert main(["change", old, new, *TODAY, "--html", str(page)]) == 0
    note = "the number changed, its source didn't. Check that the source states the new number."
    assert f"note: {note}" in capsys.readouterr().out
    assert note in unescape(page.read_text())


@pytest.mark.parametrize(
    "edit",
    [
        ("source: own}]}", "source: {id: own, at: section 2}}]}"),
        ("title: A resolution", "title: A resolution of 2026"),
        (
            "value: 4, source: own}",
            "value: 4, source: own, provisional: the council may change it}",
        ),
    ],
)
def test_another_source_place_or_doubt_is_no_old_source(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], edit: tuple[str, str]
) -> None:
    old = pack_in(tmp_path / "old")
    assert edit[0] in PACK
    new = pack_in(tmp_path / "new", PACK.replace(*edit).replace("value: 4", "value: 6"))
    assert "same_source" not in redline_of(capsys, old, new)["parameter cap"]


def table_in(folder: Path, rows: str) -> None:
    table = folder / "own-table"
    table.mkdir(parents=True)
    (table / "offenses.csv").write_text(TABLE_HEAD + rows)
    (table / "sources.csv").write_text("id,title,address,confidence\nown,Code,here,low\n")
    (table / "table.yaml").write_text("system: ORS\nauthority: state\ncovers: [ORS 475]\n")


ROW = "ORS 475.75{},Possession,{},,possession,2020-01-01,{},own,,\n"


def test_a_row_of_the_offense_table_that_changes_alone_is_noted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    packs = []
    for side, level in (("old", "misdemeanor"), ("new", "felony")):
        table_in(tmp_path / side, ROW.format(2, level, ""))
        packs.append(pack_in(tmp_path / side, PACK + "offenses: own-table\n"))
    rows = redline_of(capsys, *packs)
    assert rows["offense ORS 475.752"]["same_source"] is True
    assert rows["offense ORS 475.752"]["source"] == "own-table.own"


def test_far_days_of_an_offense_table_are_noted_and_five_are_enough(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table_in(tmp_path, "".join(ROW.format(n, "felony", "2072-01-01") for n in range(8)))
    text = checked(capsys, pack_in(tmp_path, PACK + "offenses: own-table\n"))
    place = f"{tmp_path}/own-table/offenses.csv:2"
    assert f"{place}: `ORS 475.750.until` is January 1, 2072, in 45 years" in text
    assert text.count("correct the day if it is a typo") == 5 and "3 more days like these" in text


def test_the_days_of_one_pack_have_a_note_where_its_check_has_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An act that changes a level states both, so the rows of one table cite it alike."""
    days = ("santa-fe@2019-06-30", "santa-fe@2019-07-01")
    rows = redline_of(capsys, *days)
    paraphernalia = rows["offense NMSA 30-31-25.1"]
    assert paraphernalia["source"] == paraphernalia["source_before"]
    assert not [row for row in rows.values() if "same_source" in row]
    later = pack_in(tmp_path, PACK.replace("{value: 4, source: own}", LATER))
    rows = redline_of(capsys, f"{later}@2027-02-01", f"{later}@2027-03-01")
    assert rows["parameter cap"]["same_source"] is True


def test_a_changed_range_of_a_parameter_is_in_the_redline(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ranged = PACK.replace("unit: g,", "unit: g, range: [0, {}],")
    old, new = (
        pack_in(tmp_path / side, ranged.replace("{}", high, 1))
        for side, high in (("old", "9"), ("new", "12"))
    )
    row = redline_of(capsys, old, new)["range of parameter cap"]
    assert (row["how"], row["before"], row["after"]) == ("changed", "0 g to 9 g", "0 g to 12 g")


def test_check_notes_a_number_beside_its_parents_and_beside_its_earlier_value(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack_in(tmp_path)
    child = tmp_path / "eastside"
    child.mkdir()
    text = (
        "id: eastside\ntitle: Eastside\nextends: riverton\ntime_zone: America/Denver\n"
        "program: {from: 2020-01-01, source: own}\n"
        "sources: {vote: {title: A vote, address: here, confidence: low}}\n"
        "override:\n  parameters:\n    cap: {label: largest amount, unit: g, values: [\n"
        "      {value: 60, source: own}]}\n"
    )
    (child / "pack.yaml").write_text(text)
    text = checked(capsys, str(child))
    assert f"{child}/pack.yaml:10:7: `parameter cap` changed from 4 g to 60 g" in text
    assert "both cite `own` of `riverton`" in text
    later = PACK.replace("{value: 4, source: own}", LATER)
    text = checked(capsys, pack_in(tmp_path / "later", later))
    assert "changed from 4 g to 6 g, its source didn't: both cite `own`;" in text
    cited = LATER.replace("6, source: own", "6, source: {id: own, at: item 2}")
    cited_text = PACK.replace("{value: 4, source: own}", cited)
    assert "its source didn't" not in checked(capsys, pack_in(tmp_path / "cited", cited_text))


LATER = "{value: 4, source: own}, {from: 2027-03-01, value: 6, source: own}"


@pytest.mark.parametrize(
    ("edit", "path", "sentence"),
    [
        (("from: 2020-01-01", "from: 2062-01-01"), "program.from", "January 1, 2062, in 35 years"),
        (
            ("from: 2020-01-01", "from: 2020-01-01, until: 2072"),
            "program.until",
            "January 1, 2072, in 45 years",
        ),
        (
            ("from: 2020-01-01", "from: 1926-01-01"),
            "program.from",
            "January 1, 1926, 100 years ago",
        ),
        (
            (
                "then: ineligible\n        because: Nob",
                "then: ineligible\n        until: 2072-05-01\n        because: Nob",
            ),
            "decisions.eligibility.rules[under-age].until",
            "May 1, 2072, in 45 years",
        ),
        (
            ("confidence: low", "confidence: low, checked: 2026-12-02"),
            "sources.own.checked",
            "December 2, 2026, which is yet to come",
        ),
    ],
)
def test_a_day_that_may_be_a_typo_is_noted_with_its_place(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    edit: tuple[str, str],
    path: str,
    sentence: str,
) -> None:
    assert edit[0] in PACK
    pack = pack_in(tmp_path, PACK.replace(*edit))
    text = checked(capsys, pack)
    (line,) = [line for line in text.splitlines() if "correct the day if it is a typo" in line]
    number = next(
        number
        for number, text in enumerate(
            (tmp_path / "riverton" / "pack.yaml").read_text().splitlines(), 1
        )
        if edit[1].rpartition("\n")[2].strip()[-12:] in text or edit[1].split("\n")[1:2] == [text]
    )
    assert f"{pack}/pack.yaml:{number}:" in line and f"`{path}` is {sentence}" in line
    value = json.loads(checked(capsys, pack, "--json"))[pack]
    assert any(f"`{path}` is {sentence}" in warning for warning in value["warnings"])


def test_usual_days_and_the_shipped_packs_have_no_such_note(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    usual = PACK.replace("from: 2020-01-01", "from: 1994-01-01, until: 2031-12-31")
    assert "typo" not in checked(capsys, pack_in(tmp_path, usual))
    assert main(["check", *TODAY]) == 0
    text = capsys.readouterr().out
    assert "typo" not in text and "its source didn't" not in text


@pytest.mark.parametrize(
    ("before", "after", "item", "note"),
    [
        ("value: 4", "value: 80", "parameter cap", "20 times the number before"),
        ("value: 4", "value: 0.8", "parameter cap", "the number before is 5 times this one"),
        ("person.age < 18", "person.age < 180", "rule eligibility.under-age", "10 times the "),
        ("value: 20", "value: 200", "what the pack says of the places", "10 times the "),
        ("[0, 9]", "[0, 99]", "fact encounter.visits", "11 times the number before"),
    ],
)
def test_a_number_many_times_the_old_one_is_noted_whatever_it_cites(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    before: str,
    after: str,
    item: str,
    note: str,
) -> None:
    text = PACK.replace("program: {from: 2020-01-01, source: own}", PLACES) + FACT
    assert before in text
    old = pack_in(tmp_path / "old", text)
    edited = text.replace(before, after)
    if item == "parameter cap":
        edited = edited.replace(f"{after}, source: own}}", f"{after}, source: other}}").replace(
            "sources:\n", "sources:\n  other: {title: An act, address: there, confidence: low}\n"
        )
    new = pack_in(tmp_path / "new", edited)
    rows = redline_of(capsys, old, new)
    assert [row["what"] for row in rows.values() if "times" in row] == [item]
    page = tmp_path / "memo.html"
    assert main(["change", old, new, *TODAY, "--html", str(page)]) == 0
    assert f"     note: {note}" in capsys.readouterr().out
    assert note in unescape(page.read_text())


def test_a_later_value_many_times_the_one_before_is_noted_by_the_check(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """120 g for 12 g, under another source. Four times the number before has no note."""
    for value, is_noted in ((16, False), (20, True)):
        values = f"[{{value: 4, source: own}}, {{from: 2027-03-01, value: {value}, source: other}}]"
        text = PACK.replace("[{value: 4, source: own}]", values).replace(
            "sources:\n", "sources:\n  other: {title: An act, address: there, confidence: low}\n"
        )
        said = checked(capsys, pack_in(tmp_path / str(value), text))
        note = f"`parameter cap` changed from 4 g to {value} g: 5 times the number before. Check it"
        assert (note in said) is is_noted


def test_no_shipped_pack_has_a_number_many_times_the_one_before() -> None:
    for name in list_packs():
        pack = read_pack(name, whole=False)
        parent = None if pack.extends is None else read_pack(pack.extends, whole=False)
        assert large_steps_in(pack, parent) == ()
