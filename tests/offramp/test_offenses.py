"""Test offense tables.

A section's class on a day is filled into charges, decides eligibility, and may be wrong in a table.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rules
from offramp.cli import main
from offramp.policy.offense_list import answer_offenses
from rules.decide.program import Program
from rules.decide.ruling import CaseFacts
from rules.errors import PackError, RequestError
from rules.input.kept_records import placed
from rules.packs.law import Law
from rules.packs.offenses import COLUMNS, NONE, read_offenses
from rules.packs.table_head import read_table_head
from rules.shelf import jurisdictions, read_pack, vocabulary
from tests.conftest import ROOT, shared

STATES = ("california-codes", "new-mexico", "new-york", "north-carolina", "oregon", "washington")
LAW = jurisdictions() / "law"
TABLES = {
    name: read_offenses(LAW / name, read_table_head(LAW / name, vocabulary())) for name in STATES
}
NEW_YORK = rules.load("nyc-violations")


def arrest(day: str, *charges: dict[str, Any]) -> dict[str, Any]:
    """Return the arrest of an adult."""
    return {"person": {"age": 29}, "encounter": {"date": day, "charges": list(charges)}}


# The tables themselves


def test_six_states_ship_with_their_tables() -> None:
    assert tuple(sorted(one.parent.name for one in LAW.glob("*/offenses.csv"))) == STATES


@pytest.mark.parametrize("state", STATES)
def test_every_row_has_a_source_and_one_that_rests_on_a_weak_one_says_so(state: str) -> None:
    table, sources = TABLES[state]
    for row in (row for rows in table.rows.values() for row in rows):
        source = sources[row.source.id]
        assert source.title and source.address.startswith("http"), row.code
        assert source.confidence != "low" or row.provisional, (
            f"{row.code} rests on a weak source and does not say so"
        )


@pytest.mark.parametrize("state", STATES)
def test_no_source_is_listed_that_no_row_cites(state: str) -> None:
    with (LAW / state / "sources.csv").open(newline="", encoding="utf-8") as file:
        listed = {f"{state}.{row['id']}" for row in csv.DictReader(file)}
    assert listed == set(TABLES[state][1])


def test_new_york_s_levels_are_those_of_real_arrests() -> None:
    """Check the level of each section that the city's police booked in December 2017."""
    counted: dict[tuple[str, str], int] = {}
    with shared("data/nypd_drug_lawcode_map.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            key = (
                f"NY PL {row['section']}",
                {"F": "felony", "M": "misdemeanor", "V": "violation"}[row["LAW_CAT_CD"]],
            )
            counted[key] = counted.get(key, 0) + int(row["n"])
    table = TABLES["new-york"][0]
    left_out = {"NY PL 220.77"}  # booked twice as a misdemeanor, which the section is not
    assert {code for code, _ in counted} - set(table.rows) == left_out
    of_arrests: dict[tuple[str, str], int] = {}
    for row in (
        row for rows in table.rows.values() for row in rows if row.in_force(date(2017, 12, 15))
    ):
        if row.source.id == "new-york.nypd-2017":
            key = (row.code, row.level)
            of_arrests[key] = of_arrests.get(key, 0) + int(
                (row.source.at or "").split()[0].replace(",", "")
            )
        elif row.code == "NY PL 221.05":
            of_arrests[row.code, row.level] = counted[row.code, row.level]
    assert of_arrests == {key: number for key, number in counted.items() if key[0] not in left_out}


def test_blake_and_what_followed() -> None:
    seattle = rules.load("seattle")

    def stated(day: str) -> dict[str, str]:
        """Return what the table fills in for possession on a day."""
        facts = seattle.read(arrest(day, {"code": "RCW 69.50.4013"}))
        (charge,) = CaseFacts(seattle, facts).facts.known["encounter.charges"]
        return {name: charge[name] for name in ("level", "conduct") if name in charge}

    days = {"2021-02-24": "felony", "2021-05-13": "misdemeanor", "2023-07-01": "misdemeanor"}
    assert {day: stated(day)["level"] for day in days} == days
    assert stated("2021-02-25") == stated("2021-05-12") == {}, "there was no offense"
    assert "conduct" not in stated("2023-07-01"), "possession or use in public: it does not tell"


# Charges


def test_the_code_says_the_level_and_the_reasons_show_it_with_its_source() -> None:
    decision = NEW_YORK.decide("eligibility", arrest("2015-02-01", {"code": "NY PL 221.05"}))
    assert (decision.status, decision.outcome) == ("decided", "eligible")
    (entry,) = decision.offenses
    assert (entry["fact"], entry["code"], entry["table"], entry["given"]) == (
        "encounter.charges[0].level", "NY PL 221.05", "violation", None,
    )  # fmt: skip
    assert (
        entry["source"]["id"] == "new-york.pl-221-05"
        and entry["source"]["at"] == "25 g or less since 1977"
    )
    assert decision.reasons[0]["facts"]["encounter.charges[0].level"] == "violation"
    assert decision.as_json()["offenses"] == [entry]


def test_a_level_against_the_table_is_unknown_and_both_are_shown() -> None:
    decision = NEW_YORK.decide(
        "eligibility", arrest("2015-02-01", {"code": "NY PL 221.05", "level": "misdemeanor"})
    )
    assert (decision.status, decision.possible) == ("undetermined", ["ineligible", "eligible"])
    assert [(entry["given"], entry["table"]) for entry in decision.offenses] == [
        ("misdemeanor", "violation")
    ]
    (asked,) = decision.needed
    assert (asked["fact"], asked["given"]) == ("encounter.charges[0].level", "misdemeanor")
    assert "violation" in asked["question"] and "misdemeanor" in asked["question"]
    without = NEW_YORK.decide("eligibility", arrest("2015-02-01", {"code": "NY PL 221.05"}))
    assert without.outcome == "eligible", "a contradiction never flips it"


def test_nothing_is_said_where_given_and_table_agree_or_the_decision_reads_no_charge() -> None:
    agreeing = arrest("2015-02-01", {"code": "NY PL 221.05", "level": "violation"})
    assert NEW_YORK.decide("eligibility", agreeing).offenses == []
    assert "offenses" not in NEW_YORK.decide("eligibility", agreeing).as_json()
    later = {
        "now": "2015-03-01T12:00:00Z",
        **arrest("2015-02-01", {"code": "NMSA 30-31-23", "conduct": "theft"}),
    }
    assert (
        rules.load("santa-fe").decide("ejection", {**later, "case": {"new_charges": []}}).offenses
        == []
    )
    assert [
        one["given"] for one in rules.load("santa-fe").decide("eligibility", later).offenses
    ] == ["theft"]


def test_where_rows_differ_the_level_is_still_asked_for() -> None:
    """In New Mexico the substance decides whether section 30-31-23 is a felony."""
    program = rules.load("santa-fe")
    case = CaseFacts(program, program.read(arrest("2014-12-10", {"code": "NMSA 30-31-23"})))
    (charge,) = case.facts.known["encounter.charges"]
    assert {name: value for name, value in charge.items() if name != "code"} == {
        "conduct": "possession",
        "authority": "state",
    }


def test_a_doubtful_row_makes_the_decision_doubtful_only_when_it_was_needed() -> None:
    by_code = NEW_YORK.decide("eligibility", arrest("2015-02-01", {"code": "NY PL 220.45"}))
    given_too = NEW_YORK.decide(
        "eligibility", arrest("2015-02-01", {"code": "NY PL 220.45", "level": "misdemeanor"})
    )
    assert any(doubt.startswith("NY PL 220.45: ") for doubt in by_code.provisional)
    assert not any(doubt.startswith("NY PL 220.45: ") for doubt in given_too.provisional)


def test_without_the_day_nothing_is_filled_in_and_the_caller_s_day_counts() -> None:
    undated = {"person": {"age": 29}, "encounter": {"charges": [{"code": "NY PL 221.10"}]}}
    assert NEW_YORK.decide("eligibility", undated).needed[0]["fact"] == "encounter.date"
    by_2014, by_2020 = (
        rules.load("nyc-violations", day).decide("eligibility", undated)
        for day in ("2014-12-10", "2020-01-01")
    )
    assert (by_2014.outcome, by_2020.outcome) == ("ineligible", "eligible")


def test_the_facts_digest_is_of_what_was_given_and_the_pack_s_of_the_table_too(
    tmp_path: Path,
) -> None:
    facts = arrest("2015-02-01", {"code": "NY PL 221.05"})
    other = rules.load("seattle").decide("eligibility", facts)
    assert NEW_YORK.decide("eligibility", facts).facts_digest == other.facts_digest
    copy = copied(tmp_path)
    same = Program(read_pack(copy, whole=False)).digest
    assert same == NEW_YORK.digest
    table = tmp_path / "new-york" / "offenses.csv"
    table.write_text(table.read_text().replace("NY PL 220.45", "NY PL 220.46"))
    assert Program(read_pack(copy, whole=False)).digest != same


@given(st.sampled_from(STATES), st.data())
def test_filling_in_changes_nothing_that_agrees_and_twice_is_once(state: str, data: Any) -> None:
    table = TABLES[state][0]
    fields = vocabulary().facts["encounter.charges"].fields
    record = st.fixed_dictionaries(
        {},
        optional={
            "code": st.sampled_from([*table.rows, "NIBRS 35A"]),
            "level": st.sampled_from(fields["level"].choices),
            "conduct": st.sampled_from(fields["conduct"].choices),
        },
    )
    day = data.draw(st.dates(date(2010, 1, 1), date(2026, 12, 31)))
    facts = NEW_YORK.read(arrest(day.isoformat(), *data.draw(st.lists(record, max_size=3))))
    law = Law(table, vocabulary(), None)
    once = law.filled(facts)
    # A charge that was no offense is left out beside others.
    pairs = [
        (facts.known["encounter.charges"][place], after)
        for place, after in placed(once.known["encounter.charges"])
    ]
    assert law.filled(once) is once or any(
        before.keys() - after.keys()  # the second time, nothing is given against the table
        for before, after in pairs
    )
    for before, after in pairs:
        section = before["code"].section if "code" in before else None
        rows = [row for row in table.rows.get(str(section), ()) if row.in_force(day)]
        for name in ("level", "conduct"):
            stated = {getattr(row, name) for row in rows}
            if name == "conduct" and rows and all(row.homicide for row in rows):
                assert after["conduct"] == "other" and after["violent"] is True
            elif section is None or not rows or NONE in {row.level for row in rows}:
                assert after.get(name) == before.get(name)
            elif name in before:
                assert after.get(name) == (before[name] if before[name] in stated else None)
            else:
                assert after.get(name) == (stated.pop() if len(stated) == 1 else None)


@pytest.mark.parametrize(
    "code", ["ny pl 221.05", "NY PL § 221.05", " NY PL 221.05 ", "NYPL221.05", "PL 221.05"]
)
def test_how_a_section_is_spelled_makes_nothing_an_offense(code: str) -> None:
    charge = {"code": code, "level": "violation", "conduct": "possession"}
    assert NEW_YORK.decide("eligibility", arrest("2022-01-05", charge)).outcome == "ineligible"
    assert NEW_YORK.decide("offer", arrest("2022-01-05", charge)).outcome == "no_offense"


def test_a_short_spelling_counts_only_where_the_table_lists_it() -> None:
    charge = {"code": "PL 221.05", "level": "violation", "conduct": "possession"}
    assert NEW_YORK.decide("offer", arrest("2022-01-05", charge)).outcome == "no_offense"
    decision = rules.load("seattle").decide("offer", arrest("2021-03-05", charge))
    assert "encounter.charges[0].code" in {entry["fact"] for entry in decision.needed}


# What a program takes


def passing(day: str, **of: str) -> list[str]:
    return [
        one.offense.code
        for one in answer_offenses(NEW_YORK, day)
        if one.passes and all(getattr(one.offense, key) == value for key, value in of.items())
    ]


def test_in_new_york_in_2014_one_possession_offense_passes_and_a_drug_violation_beside_it() -> None:
    assert passing("2014-12-10", conduct="possession") == ["NY PL 221.05"]
    violations = ["NY PL 221.05", "NY PL 240.20", "NY PL 240.37", "NY PL 240.40"]
    assert passing("2014-12-10") == violations, (
        "240.20: disorderly conduct; 240.37: loitering, repealed in 2021; "
        "240.40: under the influence in public"
    )
    assert len(list(answer_offenses(NEW_YORK, "2014-12-10"))) == 44


def test_in_2019_a_second_possession_offense_joins_it() -> None:
    assert passing("2019-08-27", conduct="possession") == ["NY PL 221.05"]
    assert passing("2019-08-28", conduct="possession") == ["NY PL 221.05", "NY PL 221.10"]


def test_what_is_left_after_the_repeal() -> None:
    assert passing("2021-03-31") == [
        "NY PL 222.25",
        "NY PL 222.45",
        "NY PL 240.20",
        "NY PL 240.40",
    ]
    gone = [one for one in answer_offenses(NEW_YORK, "2021-03-31") if one.offense.level == NONE]
    assert len(gone) == 12 and {one.answers["offer"].outcome for one in gone} == {"no_offense"}
    assert {one.passes for one in gone} == {False}
    codes = {one.offense.code for one in gone}
    assert "NY PL 240.37" in codes and "NY PL 220.45" not in codes
    later = [one for one in answer_offenses(NEW_YORK, "2021-10-07") if one.offense.level == NONE]
    assert {one.offense.code for one in later} - codes == {"NY PL 220.45"}


def test_where_something_is_not_known_it_hangs_on_that() -> None:
    found = {
        (one.offense.code, one.offense.conduct): one.passes
        for one in answer_offenses(rules.load("santa-fe"), "2014-12-10")
    }
    assert found["NMSA 30-31-23", "possession"] in (None, False)
    assert found["NMSA 30-31-20", "sale"] is False
    assert {
        one.offense.drugs: one.passes
        for one in answer_offenses(rules.load("santa-fe"), "2014-12-10")
    }[("other",)] is False


def test_the_command_shows_the_same_in_words_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["offenses", "nyc-violations", "--as-of", "2014-12-10"]) == 0
    out = capsys.readouterr().out
    passes, _, rest = out.partition("Depends on")
    assert "Pass: 4\n  NY PL 221.05  violation, possession" in passes and "NY PL 240.40" in passes
    assert "Do not pass: 40" in rest
    assert main(["offenses", "nyc-violations", "--as-of", "2014-12-10", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["table"] == "new-york" and shown["pack"]["digest"] == NEW_YORK.digest
    assert [one["code"] for one in shown["offenses"] if one["passes"]] == [
        "NY PL 221.05",
        "NY PL 240.20",
        "NY PL 240.37",
        "NY PL 240.40",
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["lead", "--as-of", "2014-12-10"], "no-offenses"),
        (["nyc-violations", "--as-of", "2014-12-01"], "outside-program"),
        (["nyc-violations", "--as-of", "2014-02-30"], "no-such-day"),
        (["nyc-violations"], "usage"),
        (["nyc", "--as-of", "2014-12-10"], "unknown-pack"),
    ],
)
def test_a_list_that_can_t_be_made_is_refused(
    arguments: list[str], code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["offenses", *arguments, "--json"]) == 2
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == code and error["fix"]


# Tables that are wrong


def copied(folder: Path) -> Path:
    """The New York pack and table in a folder of their own."""
    for name in ("nyc-violations", "law/new-york"):
        shutil.copytree(ROOT / "jurisdictions" / name, folder / Path(name).name)
    return folder / "nyc-violations"


HEAD = ",".join(COLUMNS)
CODE = "NY PL 1.05"
GOOD = "NY PL 240.40,under the influence,violation,,public_use,,,s,,"
SOURCES = "id,title,address,confidence\ns,S,here,high\n"


@pytest.mark.parametrize(
    ("table", "sources", "code", "place"),
    [
        ("code,title\n", SOURCES, "wrong-shape", "new-york/offenses.csv:1"),
        (f"{HEAD}\nNY PL 1,t\n", SOURCES, "wrong-shape", "new-york/offenses.csv:2"),
        (f'{HEAD}\n"NY PL 1\n', SOURCES, "wrong-shape", "new-york/offenses.csv:2"),
        (
            f"{HEAD}\n{GOOD}\n,t,violation,,sale,,,s,,\n",
            SOURCES,
            "missing-key",
            "new-york/offenses.csv:3",
        ),
        (
            f"{HEAD}\n{CODE},t,violation,,sale,,,,,\n",
            SOURCES,
            "no-source",
            "new-york/offenses.csv:2",
        ),
        (
            f"{HEAD}\n{CODE},t,violation,,sale,,,mrta,,\n",
            SOURCES,
            "unknown-source",
            "new-york/offenses.csv:2",
        ),
        (
            f"{HEAD}\n{CODE},t,crime,,sale,,,s,,\n",
            SOURCES,
            "unknown-word",
            "new-york/offenses.csv:2",
        ),
        (
            f"{HEAD}\n{CODE},t,violation,heroin,sale,,,s,,\n",
            SOURCES,
            "unknown-word",
            "new-york/offenses.csv:2",
        ),
        (
            f"{HEAD}\n{CODE},t,violation,,selling,,,s,,\n",
            SOURCES,
            "unknown-word",
            "new-york/offenses.csv:2",
        ),
        (
            f"{HEAD}\n{CODE},t,violation,,sale,2014-02-30,,s,,\n",
            SOURCES,
            "no-such-day",
            "new-york/offenses.csv:2",
        ),
        (
            f"{HEAD}\n{CODE},t,violation,,sale,2015-01-01,2014-01-01,s,,\n",
            SOURCES,
            "dates-reversed",
            "new-york/offenses.csv:2",
        ),
        (
            f"{HEAD}\n{CODE},t,violation,,sale,,2015-01-02,s,,\n{CODE},t,none,,sale,2015-01-01,,s,,\n",
            SOURCES,
            "overlapping-dates",
            "new-york/offenses.csv:3",
        ),
        (
            f"{HEAD}\nPenal Law,t,violation,,sale,,,s,,\n",
            SOURCES,
            "no-citation",
            "new-york/offenses.csv:2",
        ),
        # An article contains sections, and is none.
        (
            f"{HEAD}\nNY PL 221,t,violation,,sale,,,s,,\n",
            SOURCES,
            "no-citation",
            "new-york/offenses.csv:2",
        ),
        (
            f"{HEAD}\nNY PL 1.05(2),t,violation,,sale,,,s,,\nNY PL 1.05,t,none,,sale,,,s,,\n",
            SOURCES,
            "overlapping-dates",
            "new-york/offenses.csv:2",
        ),
        (
            f"{HEAD}\n{GOOD}\n",
            "id,title,address,confidence\ns,S,,high\n",
            "missing-key",
            "new-york/sources.csv:2",
        ),
        (
            f"{HEAD}\n{GOOD}\n",
            "id,title,address,confidence\ns,S,here,sure\n",
            "unknown-word",
            "new-york/sources.csv:2",
        ),
        (
            f"{HEAD}\n{GOOD}\n",
            SOURCES + "s,S,here,high\n",
            "duplicate-id",
            "new-york/sources.csv:3",
        ),
    ],
)
def test_a_table_that_is_wrong_is_refused_at_its_line(
    table: str, sources: str, code: str, place: str, tmp_path: Path
) -> None:
    pack = copied(tmp_path)
    (tmp_path / "new-york" / "offenses.csv").write_text(table)
    (tmp_path / "new-york" / "sources.csv").write_text(sources)
    with pytest.raises(PackError) as refused:
        read_pack(pack)
    assert (refused.value.code, str(refused.value.at)) == (code, place)
    assert refused.value.fix and refused.value.message[0] in "`abcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda folder: (folder / "sources.csv").unlink(), "no-file"),
        (lambda folder: (folder / "table.yaml").unlink(), "no-file"),
        (lambda folder: (folder / "table.yaml").write_text("covers: [NY PL]\n"), "no-citation"),
        (lambda folder: (folder / "table.yaml").write_text("system: NY PL\n"), "missing-key"),
        (
            lambda folder: (folder / "table.yaml").write_text("system: XX\ncovers: []\n"),
            "unknown-word",
        ),
        (
            lambda folder: (folder / "table.yaml").write_text(
                "system: NY PL\nauthority: federal\ncovers: []\n"
            ),
            "name-clash",
        ),
        (
            lambda folder: (folder / "table.yaml").write_text(
                "system: NY PL\naliases: [RCW]\ncovers: []\n"
            ),
            "name-clash",
        ),
        (
            lambda folder: (folder / "table.yaml").write_text(
                "system: NY PL\naliases_of: {CA PC: [RCW]}\ncovers: []\n"
            ),
            "name-clash",
        ),
        (
            lambda folder: (folder / "table.yaml").write_text(
                "system: NY PL\naliases_of: {XX: [PC]}\ncovers: []\n"
            ),
            "unknown-key",
        ),
        (lambda folder: (folder / "offenses.csv").write_bytes(b"code\xff\n"), "not-utf-8"),
        (lambda folder: (folder / "offenses.csv").write_bytes(b"x" * 1_000_001), "too-large"),
        (
            lambda folder: (folder / "offenses.csv").write_text(
                f"{HEAD}\nNY PL 1.05,t\0,violation,,sale,,,s,,\n"
            ),
            "wrong-value",
        ),
        (
            lambda folder: [(folder / "sources.csv").unlink(), os.mkfifo(folder / "sources.csv")],
            "no-file",
        ),
    ],
)
def test_a_table_that_can_t_be_read_is_refused(
    damage: Callable[[Path], Any], code: str, tmp_path: Path
) -> None:
    pack = copied(tmp_path)
    damage(tmp_path / "new-york")
    with pytest.raises(PackError) as refused:
        read_pack(pack)
    assert refused.value.code == code and refused.value.fix


def test_what_editors_leave_in_a_table_does_no_harm(tmp_path: Path) -> None:
    pack = copied(tmp_path)
    table = tmp_path / "new-york" / "offenses.csv"
    whole = Program(read_pack(pack, whole=False)).digest
    for text in (
        b"\xef\xbb\xbf" + table.read_bytes(),
        table.read_bytes().replace(b"\n", b"\r\n") + b"\r\n\r\n",
    ):
        table.write_bytes(text)
        assert Program(read_pack(pack, whole=False)).digest == whole


def test_a_table_beside_the_pack_stands_in_place_of_the_shipped_one(tmp_path: Path) -> None:
    pack = copied(tmp_path)
    (tmp_path / "new-york" / "offenses.csv").write_text(
        f"{HEAD}\nNY PL 220.03,t,violation,,possession,,,s,,\n"
        "NY PL 1.05,t,none,,sale,2021-02-02,,s,,\n"
    )
    (tmp_path / "new-york" / "sources.csv").write_text(SOURCES)
    program = rules.load(pack)
    assert (
        program.decide("eligibility", arrest("2015-02-01", {"code": "NY PL 220.03"})).outcome
        == "eligible"
    )


def test_the_parameter_is_the_table_s_alone(tmp_path: Path) -> None:
    pack = copied(tmp_path)
    text = (pack / "pack.yaml").read_text()
    own = (
        "parameters:\n  no_offense: {label: l, unit: codes, values: [{value: [A], source: mrta}]}\n"
    )
    (pack / "pack.yaml").write_text(text.replace("parameters:\n", own, 1))
    with pytest.raises(PackError) as refused:
        read_pack(pack)
    assert refused.value.code == "name-clash"


def test_a_pack_without_a_table_says_how_to_get_one() -> None:
    with pytest.raises(RequestError, match="no-offenses"):
        list(answer_offenses(rules.load("lead"), "2014-12-10"))
