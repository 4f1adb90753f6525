"""How a change treats real arrests, against counts made without the engine.

The scripts below read the files with `csv` and `Decimal` alone, and enumerate what each row may
turn out to be. The contract's figures were made by such scripts for the packs of that day. Since
then the law of the packs was put right, and these are recomputed:

- Louisiana: a violent charge beside the drugs may be homicide, which bars. One row of each count
  is open for that (38 rows that surely change are 37).
- New York: a section that isn't recognized may be a repealed one, and a level that contradicts the
  law of the day may be wrong (34 rows surely change, as before, and more may). So may a section
  that is missing from an article that the table covers: 9 harassments are open for it.

The cohorts are stand-ins. They show how the rules treat these arrests.
"""

from __future__ import annotations

import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import Any

import pytest

import rules
from offramp.policy.cohort.report import CohortReport, CohortSource, count_flips, possible_answers
from tests.conftest import ROOT, shared

LOUISIANA = "data/la_nibrs_arrestees_2010_2020.csv.gz"
NYPD = "data/nypd_arrests_2017-12.csv.gz"
Pairs = frozenset[tuple[str, str]]
Row = dict[str, str]
needs_solver = pytest.mark.skipif(
    find_spec("z3") is None, reason="the solver isn't installed, and not every count is sharp"
)


def rows_of(name: str) -> Iterator[Row]:
    with gzip.open(shared(name), "rt", encoding="utf-8", newline="") as stream:
        yield from csv.DictReader(stream)


def word(is_barred: bool) -> str:
    return "ineligible" if is_barred else "eligible"


def counted(report: CohortReport) -> dict[Pairs, int]:
    counts: Counter[Any] = Counter()
    for (possible,), count in possible_answers(report):
        assert possible.is_sharp
        counts[possible.outcomes] += count
    return dict(counts)


# Louisiana: Santa Fe's rules before and after October 2018

VIOLENT = {"09A", "09B", "100", "120", "36A", "36B", "64A", "64B"}
VIOLENT |= {"11A", "11B", "11C", "11D", "13A", "13B", "13C"}
KINDS = {**dict.fromkeys("DFGH", "opioid"), **dict.fromkeys("ABLMCEIJKNOP", "another")}
GRAMS = {"GM": 1, "KG": 1000, "OZ": Decimal("28.349523"), "LB": Decimal("453.59237")}
FORMS = {**dict.fromkeys(GRAMS, "weighed"), "DU": "pills"}


def louisiana_pairs(row: Row, assumes: bool) -> Pairs:
    offenses = {row["arrest_offense"], *row["incident_offenses"].split("|")}
    acts = row["drug_acts"]
    conducts = {"sale", "promoting", "no bar"}
    if set(acts) & set("CDT"):
        conducts = {"sale"}
    elif set(acts) & set("PUB"):
        conducts = {"no bar"}
    if "40B" in offenses:
        conducts = {"promoting"}
    drugs = tuple(sorted(row["drugs"].split("|"))) if row["drugs"] else None
    return after_and_before(drugs, frozenset(conducts), bool(offenses & VIOLENT), assumes)


@cache
def after_and_before(
    drugs: tuple[str, ...] | None, conducts: frozenset[str], is_violent: bool, assumes: bool
) -> Pairs:
    pairs = set()
    judged_out = (False,) if assumes else (False, True)
    for reached, conduct, subsists, homicide, is_out in product(
        drug_states(drugs),
        conducts,
        (False, True),
        (False, True) if is_violent else (False,),
        judged_out,
    ):
        has_opioid, has_other, total, without_pills, has_pills = reached
        is_other_alone = has_other and not has_opioid
        always = conduct == "promoting" or homicide or is_out or is_other_alone
        before = always or conduct == "sale" or total > 3
        over = total > 6 and not (has_pills and without_pills <= 6)
        after = always or (conduct == "sale" and not subsists) or over
        pairs.add((word(before), word(after)))
    return frozenset(pairs)


State = tuple[bool, bool, Decimal, Decimal, bool]


def drug_states(drugs: tuple[str, ...] | None) -> set[State]:
    """Return what the drugs of a row may turn out to be, as far as the rules tell it apart."""
    if drugs is None:
        return {state for size in range(3) for state in drug_states(("::",) * size)}
    weights = [weight for weight in map(weight_of, drugs) if weight is not None]
    sums = {Decimal(0)}
    for weight in weights:
        sums |= {item + weight for item in sums}
    tries = {Decimal(0), Decimal(7)}
    tries |= {max(Decimal(0), end - item) for end in (3, 6) for item in sums}
    tries |= {item + Decimal("0.0005") for item in tries}
    states: set[State] = {(False, False, Decimal(0), Decimal(0), False)}
    for drug in drugs:
        code, _, unit = drug.split(":")
        kinds = [KINDS[code]] if code in KINDS else ["opioid", "another"]
        weight = weight_of(drug)
        forms = [FORMS[unit]] if unit in FORMS else ["weighed", "pills"]
        added = set()
        for kind, grams, form, is_prescribed in product(
            kinds, [weight] if weight is not None else tries, forms, (False, True)
        ):
            is_pills = kind == "opioid" and form == "pills" and is_prescribed
            for opioid, other, total, rest, pills in states:
                if kind != "opioid":
                    added.add((opioid, True, total, rest, pills))
                    continue
                left = rest if is_pills else rest + grams
                added.add((True, other, total + grams, left, pills or is_pills))
        states = {shortened(state) for state in added}
    return states


def shortened(state: State) -> State:
    """Keep a sum far over each limit as one state."""
    opioid, other, total, rest, pills = state
    return opioid, other, min(total, Decimal(8)), min(rest, Decimal(8)), pills


def weight_of(drug: str) -> Decimal | None:
    _, quantity, unit = drug.split(":")
    if not quantity or unit not in GRAMS:
        return None
    return (Decimal(quantity) * GRAMS[unit]).quantize(Decimal("0.000001"))


def adults_arrested_for_drugs() -> Iterator[Row]:
    for row in rows_of(LOUISIANA):
        if row["arrest_offense"] == "35A" and row["age"].isdigit() and int(row["age"]) >= 18:
            yield row


def louisiana_report(assume: str | None, *more: str) -> CohortReport:
    source = CohortSource(
        str(shared(LOUISIANA)),
        "louisiana-nibrs",
        ("race",),
        ("arrest_offense=35A", "age=18..", *more),
    )
    old, new = (rules.load("santa-fe", day) for day in ("2014-04-01", "2018-10-01"))
    return count_flips(old, new, "eligibility", source, assume=assume)


@pytest.fixture(scope="module")
def louisiana() -> CohortReport:
    return louisiana_report(None)


@needs_solver
def test_louisiana_s_arrests_equal_an_enumeration_row_by_row(louisiana: CohortReport) -> None:
    assert (louisiana.cohort.rows, louisiana.cohort.selected) == (152_724, 42_596)
    assert louisiana.cohort.left_out == ()
    by_hand = Counter(louisiana_pairs(row, assumes=True) for row in adults_arrested_for_drugs())
    assert counted(louisiana) == dict(by_hand)


@needs_solver
def test_louisiana_s_table_is_the_contract_s_but_for_homicide(louisiana: CohortReport) -> None:
    (table,) = louisiana.tables.tables
    groups = {group.group: group for group in table.groups}
    before, after = groups["ALL"].sides
    assert (before.surely, before.either) == ({"eligible": 412, "ineligible": 39_462}, 2_722)
    assert (after.surely, after.either) == ({"eligible": 449, "ineligible": 39_130}, 3_017)
    shown = {
        name: [(flip.before, flip.after, flip.range.surely, flip.range.at_most)]
        for name, group in groups.items()
        for flip in group.flips
    }
    pair = ("ineligible", "eligible")
    assert shown["ALL"] == [(*pair, 37, 2_855)]
    assert shown["white"] == [(*pair, 25, 1_754)]
    assert shown["black"] == [(*pair, None, 1_058)]
    assert shown["hispanic"] == [(*pair, None, 30)]
    assert {group.rows for group in table.groups} == {42_596, 21_146, 20_615, 512, 178, 105, 40}
    assert groups["black"].flips[0].range.rate[0] is None
    assert groups["black"].flips[0].range.interval[1] == pytest.approx(0.054418, abs=1e-6)


def test_louisiana_s_assumption_is_what_no_row_says(louisiana: CohortReport) -> None:
    assert louisiana.assumed == {
        "approval.prosecutor": "approved",
        "decisions.screening": "proceed",
        # Since the contract: a charge under federal or tribal law bars.
        "encounter.charges.authority": "state",
        "encounter.in_area": True,
        "judgment.amenable": True,
        "judgment.exploits_others": False,
    }


@needs_solver
def test_without_an_assumption_no_row_surely_changes() -> None:
    """The enumeration is of all rows, and the engine's of those with an opioid, a sixteenth."""
    rows = list(adults_arrested_for_drugs())
    by_hand = Counter(louisiana_pairs(row, assumes=False) for row in rows)
    flip = ("ineligible", "eligible")
    assert sum(count for pairs, count in by_hand.items() if flip in pairs) == 2_855
    assert not by_hand[frozenset([flip])]
    with_opioids = [row for row in rows if row["opioid_n"]]
    report = louisiana_report("nothing", "opioid_n=1..")
    assert counted(report) == dict(
        Counter(louisiana_pairs(row, assumes=False) for row in with_opioids)
    )


# New York: before and after 31 March 2021

TRAFFIC = ("OTHER TRAFFIC INFRACTION", "MOVING INFRACTIONS", "PARKING OFFENSES")
COVERED = ("NY PL 220", "NY PL 221", "NY PL 222", "NY PL 240")  # by the head of the table
LEVELS = {"F": "felony", "M": "misdemeanor", "V": "violation"}


@cache
def new_york_law() -> dict[str, set[str]]:
    """Return the levels of each section on 30 March 2021, from the table as text."""
    levels: dict[str, set[str]] = {}
    with (ROOT / "jurisdictions/law/new-york/offenses.csv").open(newline="") as stream:
        for row in csv.DictReader(stream):
            if (row["from"] or "0") <= "2021-03-30" < (row["until"] or "9"):
                levels.setdefault(row["code"], set()).add(row["level"])
    return levels


@cache
def listed_in_new_york() -> frozenset[str]:
    with (ROOT / "jurisdictions/law/new-york/offenses.csv").open(newline="") as stream:
        return frozenset(row["code"] for row in csv.DictReader(stream))


def is_missing(section: str) -> bool:
    """Return whether the table covers the article of a section, and lacks the section."""
    return section[:9] in COVERED and section not in listed_in_new_york()


def new_york_pairs(row: Row) -> Pairs:
    if row["LAW_CAT_CD"] in "VI" and row["OFNS_DESC"] in TRAFFIC:
        return frozenset([("ineligible", "ineligible")])
    level = LEVELS.get(row["LAW_CAT_CD"])
    code = row["LAW_CODE"]
    section = f"NY PL {code[3:6]}.{code[6:8]}" if code.startswith("PL ") else None
    law = new_york_law().get(section or "", set())
    is_marijuana = code.startswith("PL 221")
    pairs: set[tuple[str, str]] = set()
    for item in (
        [level] if level is not None and not (law and level not in law) else LEVELS.values()
    ):
        if law and level is not None and level not in law and item not in {*law, level}:
            continue
        is_crime = item in ("felony", "misdemeanor")
        if section is not None and not is_missing(section):
            pairs.add((word(is_crime), word(is_crime or is_marijuana)))
        else:  # it may be a section that was repealed before, or by the act, or neither
            gone = ((False, False), (False, True), (True, True))
            pairs |= {(word(is_crime or old), word(is_crime or new)) for old, new in gone}
    if row["AGE_GROUP"] == "<18":
        pairs.add(("ineligible", "ineligible"))
    return frozenset(pairs)


@pytest.fixture(scope="module")
def new_york() -> CohortReport:
    source = CohortSource(str(shared(NYPD)), "nypd-arrests", ("race",))
    old, new = (rules.load("nyc-violations", day) for day in ("2021-03-30", "2021-03-31"))
    return count_flips(old, new, "eligibility", source)


@needs_solver
def test_new_york_s_arrests_equal_an_enumeration_row_by_row(new_york: CohortReport) -> None:
    by_hand = Counter(map(new_york_pairs, rows_of(NYPD)))
    assert counted(new_york) == dict(by_hand)


def test_new_york_s_violations_surely_leave_and_small_groups_are_hidden(
    new_york: CohortReport,
) -> None:
    (table,) = new_york.tables.tables
    flips = {group.group: group.flips[0] for group in table.groups}
    assert new_york.cohort.selected == 19_452
    assert {(flip.before, flip.after) for flip in flips.values()} == {("eligible", "ineligible")}
    assert flips["ALL"].range.surely == 34
    assert flips["black"].range.surely == 20
    assert [flips[name].range.surely for name in ("hispanic", "white", "asian or pacific")] == [
        None,
        None,
        None,
    ]
    before, after = table.groups[0].sides
    assert (before.surely["ineligible"], after.surely["ineligible"]) == (17_997, 19_145)


@needs_solver
def test_the_same_pack_twice_moves_no_row(tmp_path: Path) -> None:
    source = CohortSource(str(shared(NYPD)), "nypd-arrests", ("PERP_SEX",))
    program = rules.load("nyc-violations", "2021-03-30")
    report = count_flips(program, program, "eligibility", source)
    assert all(group.flips == () for group in report.tables.tables[0].groups)
    assert all(before == after for pairs in counted(report) for before, after in pairs)
