"""What a row can be answered equals every completion decided one by one, and `decide`."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import rules
from offramp.policy.case_table import CaseTable
from offramp.policy.cohort.answers import Answerer, Question, Side
from offramp.policy.cohort.assumption import facts_of_changed_rules, work_out
from offramp.policy.cohort.completions import Completions
from offramp.policy.cohort.possible import (
    NO_TIME,
    OPEN,
    TOO_LONG,
    Decider,
    Possible,
    decider_of,
)
from offramp.policy.cohort.report import CohortSource, count_flips, count_rows
from offramp.policy.cohort.report_text import report_as_text
from offramp.policy.table_map import read_map
from rules.decide.decision import Decision
from rules.language import tree
from rules.packs.resolve import RuleInForce
from tests.conftest import shared
from tests.support import written

find_exact = pytest.importorskip(
    "rules.prove.exact", reason="the solver isn't installed", exc_type=ImportError
).find_exact
SANTA_FE = [rules.load("santa-fe", day) for day in ("2014-04-01", "2018-10-01")]
BEFORE, AFTER = (Side(program, "eligibility") for program in SANTA_FE)
CHANGE = Question((BEFORE, AFTER))
KNOWN = {
    "person": {"age": 30},
    "encounter": {"date": "2019-01-01", "route": "arrest", "in_area": True},
    "judgment": {"amenable": True, "exploits_others": False},
    "approval": {"prosecutor": "approved"},
    "decisions": {"screening": "proceed"},
}
# Values that no rule of these packs tells apart from others, with those at and around the limits.
VALUES: dict[str, tuple[Any, ...]] = {
    "kind": ("opioid", "stimulant"),
    "grams": (0, Decimal("0.5"), 2, Decimal("3.5"), 7),
    "form": ("weighed", "pills"),
    "prescription": (True, False),
    "conduct": ("possession", "sale", "promoting_prostitution"),
    "above_subsistence": (True, False),
}
GIVEN_GRAMS = st.sampled_from([None, 2, 3, 4, Decimal("6.5")])


def maybe(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([None, *VALUES[name]])


DRUG = st.fixed_dictionaries(
    {
        "kind": maybe("kind"),
        "grams": GIVEN_GRAMS,
        "form": maybe("form"),
        "prescription": maybe("prescription"),
    }
)
CASES = st.fixed_dictionaries(
    {
        "drugs": st.lists(DRUG, min_size=1, max_size=2),
        "conduct": maybe("conduct"),
        "above_subsistence": maybe("above_subsistence"),
    }
).filter(lambda case: completions_of(case) <= 1_500)


def slots(case: dict[str, Any]) -> list[tuple[dict[str, Any], str]]:
    """Return each field that is missing, with the record that it is missing of."""
    records = [case, *case["drugs"]]
    return [(each, name) for each in records for name in each if each[name] is None]


def completions_of(case: dict[str, Any]) -> int:
    number = 1
    for _, name in slots(case):
        number *= len(VALUES[name])
    return number


def completed(case: dict[str, Any]) -> Iterator[dict[str, Any]]:
    case = deepcopy(case)
    missing = slots(case)
    for values in product(*(VALUES[name] for _, name in missing)):
        for (record, name), value in zip(missing, values, strict=True):
            record[name] = value
        yield case


def as_facts(case: dict[str, Any]) -> dict[str, Any]:
    facts: dict[str, Any] = deepcopy(KNOWN)
    charge = {"conduct": case["conduct"], "violent": False, "authority": "state"}
    facts["encounter"] |= {"charges": [charge], "drugs": deepcopy(case["drugs"])}
    facts["judgment"]["above_subsistence"] = case["above_subsistence"]
    return facts


@settings(max_examples=30)
@given(CASES)
def test_pairs_of_answers_equal_those_of_every_completion(case: dict[str, Any]) -> None:
    possible = Answerer([CHANGE], Completions()).answer(as_facts(case))[0]
    by_hand = set()
    for full in completed(case):
        facts = as_facts(full)
        by_hand.add(tuple(program.outcome("eligibility", facts) for program in SANTA_FE))
    assert possible.is_sharp
    assert possible.outcomes == by_hand


@settings(max_examples=15)
@given(CASES)
def test_the_answers_of_one_side_are_the_exact_outcomes_of_the_case(case: dict[str, Any]) -> None:
    """`decide --exact` finds them by other formulas, and confirms each by the rules."""
    (possible,) = Answerer([Question((AFTER,))], Completions()).answer(as_facts(case))
    exact = find_exact(AFTER.program.decide("eligibility", as_facts(case)))
    assert {outcome for (outcome,) in possible.outcomes} == set(exact.possible)


def test_logic_on_each_side_alone_says_more_than_can_be() -> None:
    """Drugs of an unknown kind over both limits are opioids on both sides, or on neither."""
    case = {
        "drugs": [{"kind": None, "grams": 9, "form": "weighed", "prescription": False}],
        "conduct": "possession",
        "above_subsistence": False,
    }
    sharp = Answerer([CHANGE], Completions()).answer(as_facts(case))[0]
    wide = Answerer([CHANGE], Completions(seconds=0)).answer(as_facts(case))[0]
    assert sharp.outcomes == {("ineligible", "ineligible")} and sharp.is_sharp
    assert wide.outcomes > sharp.outcomes and not wide.is_sharp


@pytest.mark.parametrize("decision", ["filing", "admission"])
def test_a_clock_that_now_leaves_open_has_the_answers_of_every_moment(decision: str) -> None:
    """One moment is `now` for both sides and all their clocks. Both are asked as one group too."""
    days = ("2016-12-01", "2018-10-01")  # from 7 to 30 days for the intake
    programs = [rules.load("santa-fe", day) for day in days]
    old, new = (Side(program, decision) for program in programs)
    answerer = Answerer([Question((old, new))], Completions())
    referred = datetime(2018, 3, 1, 18, tzinfo=UTC)
    moments = [referred + timedelta(days=day) for day in range(-2, 50)]
    for intake_day, more in product([None, 20], [{}, {"charge_held": True}]):
        case: dict[str, Any] = {"referred_at": referred.isoformat(), **more}
        if intake_day is not None:
            case["intake_at"] = (referred + timedelta(days=intake_day)).isoformat()
        facts = {"case": case, "decisions": {"eligibility": "eligible"}}
        by_hand = set()
        for now in moments:
            at_once = facts | {"now": now.isoformat()}
            (possible,) = answerer.answer(at_once)
            decided = tuple(program.outcome(decision, at_once) for program in programs)
            assert None in decided or possible.outcomes == {decided}
            by_hand |= possible.outcomes
        (possible,) = answerer.answer(facts)
        assert possible.is_sharp and possible.outcomes == by_hand
    # The longer time never ends first.
    assert ("hold", "prosecutor_may_file") not in by_hand


@pytest.mark.parametrize(
    ("grams", "day", "possible"),
    [
        (2, "2021-06-28", {"eligible", "ineligible"}),
        (2, "2026-07-01", {"eligible", "ineligible"}),
        (8, "2026-07-01", {"ineligible"}),
    ],
)
def test_a_charge_without_a_code_may_be_of_any_section(
    grams: int, day: str, possible: set[str]
) -> None:
    """Since June 29, 2021 cannabis is lawful under two sections."""
    side = Side(rules.load("santa-fe", day), "eligibility")
    case = {
        "drugs": [{"kind": None, "grams": grams, "form": "weighed", "prescription": False}],
        "conduct": "possession",
        "above_subsistence": False,
    }
    (answer,) = Answerer([Question((side,))], Completions()).answer(as_facts(case))
    assert answer.is_sharp and {outcome for (outcome,) in answer.outcomes} == possible
    exact = find_exact(side.program.decide("eligibility", as_facts(case)))
    assert set(exact.possible) == possible


def test_a_section_counts_only_if_it_agrees_with_what_the_row_says() -> None:
    """A level that the law contradicts is of another section. So the key of a case has it."""
    program = rules.load("drug-court", "2018-10-01")
    answerer = Answerer([Question((Side(program, "eligibility"),))], Completions())
    for level in ("felony", "misdemeanor", "felony"):
        charge = {"conduct": "possession", "level": level, "violent": False, "authority": "state"}
        facts = deepcopy(KNOWN) | {"encounter": {"date": "2018-10-01", "charges": [charge]}}
        (answer,) = answerer.answer(deepcopy(facts))
        exact = find_exact(program.decide("eligibility", facts))
        assert answer.is_sharp
        assert {outcome for (outcome,) in answer.outcomes} == set(exact.possible)


def test_what_decides_is_known_also_where_a_change_is_ruled_out_later() -> None:
    case = {
        "drugs": [{"kind": None, "grams": 9, "form": "weighed", "prescription": False}],
        "conduct": "possession",
        "above_subsistence": False,
    }
    question = Question((BEFORE, AFTER), never=frozenset({("eligible", "ineligible")}))
    (possible,) = Answerer([question], Completions(seconds=0)).answer(as_facts(case))
    assert len(possible.deciders) == 2 and possible.why == NO_TIME
    assert ("eligible", "ineligible") not in possible.outcomes


def test_a_certain_answer_is_decided_by_what_alone_can_give_it() -> None:
    """An open rule that can't bar leaves `otherwise`, and one open rule that must bar decides."""
    in_force = SANTA_FE[1].segment(date(2018, 10, 1)).segment.decisions["eligibility"]
    bars = [rule.rule.id for rule in in_force.rules if rule.rule.then == "ineligible"]

    def decider(outcome: str, *open_rules: str) -> Decider:
        def value(rule: RuleInForce) -> bool | None:
            return None if rule.rule.id in open_rules else False

        return decider_of(in_force, value, [outcome])

    assert decider("eligible", *bars) == Decider("otherwise")
    assert decider("ineligible", bars[0]) == Decider("rule", bars[0])
    assert decider("ineligible", *bars[:2]) == OPEN


def test_a_case_is_solved_once_for_all_that_are_equal_as_far_as_rules_read() -> None:
    completions = Completions()
    answerer = Answerer([CHANGE], completions)
    drugs = [{"kind": "opioid", "grams": None}, {"kind": "opioid", "grams": 2}]
    for age, order in product((20, 30, 40), (1, -1)):
        case = {"drugs": drugs[::order], "conduct": "possession", "above_subsistence": False}
        facts = as_facts(case)
        facts["person"]["age"] = age
        answerer.answer(facts)
    assert completions.groups == 1


@pytest.mark.parametrize(
    ("packs", "decision", "mapping", "file"),
    [
        (
            ["nyc-violations", "seattle", "drug-court"],
            "eligibility",
            "nypd-arrests",
            "data/nypd_arrests_2017-12.csv.gz",
        ),
        (
            ["santa-fe", "seattle", "california"],
            "offer",
            "louisiana-nibrs",
            "data/la_nibrs_arrestees_2010_2020.csv.gz",
        ),
    ],
)
def test_each_row_has_the_answer_of_decide(
    packs: list[str], decision: str, mapping: str, file: str
) -> None:
    """A decided row has its outcome alone. An open one has some of those that logic leaves."""
    day = "2023-07-01"
    programs = [rules.load(pack, day) for pack in packs]
    questions = [Question((Side(program, decision),)) for program in programs]
    answerer = Answerer(questions, Completions(seconds=5))
    table = CaseTable(read_map(mapping), str(shared(file)))
    seen, decided, left_open = set(), 0, 0
    for number, row in enumerate(table.rows()):
        if number % 23:
            continue
        case = table.case(row)
        if case.key is None or case.key.cells in seen:
            continue
        seen.add(case.key.cells)
        facts = case.read_facts()
        for program, possible in zip(programs, answerer.answer(facts), strict=True):
            answer: Decision = program.decide(decision, case.read_facts())
            if answer.status == "decided":
                assert possible.outcomes == {(answer.outcome,)}
                decided += 1
            else:
                assert {outcome for (outcome,) in possible.outcomes} <= set(answer.possible)
                assert possible.outcomes
                left_open += 1
        if len(seen) == 350:
            break
    assert decided > 50 and left_open > 20


def test_an_assumption_never_bars_and_never_has_what_a_changed_rule_reads() -> None:
    mapping = read_map("louisiana-nibrs")
    changed = facts_of_changed_rules(BEFORE, AFTER)
    assert "judgment.above_subsistence" in changed
    assumed = work_out([BEFORE, AFTER], mapping, changed)
    assert "judgment.above_subsistence" not in assumed
    assert "judgment.above_subsistence" in work_out([BEFORE, AFTER], mapping)
    drug_court = Side(rules.load("drug-court", "2018-10-01"), "eligibility")
    # A misdemeanor would make one rule false and another, `no-felony`, true.
    assert "encounter.charges.level" not in work_out([drug_court], mapping)
    given_paths = {path for path, _ in mapping.readers}
    assert not given_paths & set(assumed)


@pytest.mark.parametrize("program", ["nyc-violations", "drug-court", "california"])
def test_the_level_of_a_charge_is_never_assumed(program: str) -> None:
    """With a violation in each row, a program for violations would take all of Louisiana's."""
    side = Side(rules.load(program, "2018-10-01"), "eligibility")
    assumed = work_out([side], read_map("louisiana-nibrs"))
    assert not {"encounter.charges.level", "encounter.charges.conduct"} & set(assumed)


def test_a_state_is_assumed_of_a_charge_only_where_its_law_says_nothing() -> None:
    program = rules.load("nyc-violations", "2017-12-01")
    question = Question((Side(program, "eligibility"),))
    answerer = Answerer([question], Completions(), {"encounter.charges.authority": "state"})
    charge = {"code": "NYC AC 10-125", "level": "violation", "violent": False}
    facts = {"person": {"age": 30}, "encounter": {"date": "2017-12-01", "charges": [charge]}}
    assert answerer.answer(deepcopy(facts))[0].outcomes == {
        (program.outcome("eligibility", facts),)
    }


# Rows with codes, through the real reader

CODED_MAP = """\
title: arrests
id: id
unit: arrest
unknown: [""]
facts:
  encounter.date: {column: day}
  encounter.route: {value: arrest}
  person.age: {column: age}
  encounter.charges:
    items:
      - code: {column: code, else: as-is}
        level: {column: level, values: {F: felony, M: misdemeanor}, else: unknown}
      - when: {column: second, is_not: [""]}
        code: {column: second, else: as-is}
  encounter.drugs:
    items:
      - kind: {column: kind, values: {HER: opioid, MET: stimulant}, else: unknown}
        grams: {column: grams}
"""
LISTED = ["NMSA 30-31-23", "NMSA 30-2-1", "RCW 69.50.4013", "RCW 9A.32.030", "NY PL 220.03"]
# Missing from the tables, above or below a listed section, of a federal law, of no law, and blank.
UNLISTED = [
    "NMSA 30-16-3", "NMSA 30-31-99", "RCW 9A.56.030", "RCW 69.50.9999", "NMSA 30-31",
    "NMSA 30-31-23(Z)", "18 USC 922", "18 USC 3182", "30-31-23", "30-2-1", "ZZ-999", "",
]  # fmt: skip
ROW = {"second": "", "level": "F", "age": "30", "kind": "HER", "grams": "1"}
OTHER_ROW = {"second": "", "level": "", "age": "", "kind": "", "grams": "9"}
CODED = [
    *({"code": code} | ROW for code in [*LISTED, *UNLISTED]),
    *({"code": code} | OTHER_ROW for code in ("NMSA 30-2-1", "RCW 9A.32.030", "NMSA 30-31-99", "")),
    {"code": "30-2-1"} | ROW | {"second": "NMSA 30-31-23"},
    {"code": "NMSA 30-31-23"} | ROW | {"second": "RCW 69.50.4013"},
]
PROGRAMS = [rules.load(name, "2026-11-30") for name in ("santa-fe", "drug-court")]


def answers_by_row(
    folder: Path, coded: Sequence[Mapping[str, str]], decision: str, **more: Any
) -> dict[str, tuple[Possible, ...]]:
    """Count rows one by one, first in SQL and then by the compiled rules: both agree."""
    (folder / "map.yaml").write_text(CODED_MAP)
    by_row: list[dict[str, tuple[Possible, ...]]] = []
    for end in ("\n", "\r\n"):  # our own reader has files with Windows line ends
        lines = ["id,day," + ",".join(coded[0])]
        lines += [f"r{at},2026-05-03," + ",".join(row.values()) for at, row in enumerate(coded)]
        (folder / "rows.csv").write_bytes(end.join([*lines, ""]).encode())
        source = CohortSource(str(folder / "rows.csv"), str(folder / "map.yaml"), by=("id",))
        report = count_rows(PROGRAMS, decision, source, **more)
        by_row.append({name: case.answer for case in report.cohort.cases for (name,) in case.rows})
    assert by_row[0] == by_row[1] and len(by_row[0]) == len(coded)
    return {f"r{at}": by_row[0][f"r{at}"] for at in range(len(coded))}


def test_a_row_with_any_code_can_be_answered_what_decide_leaves_possible(tmp_path: Path) -> None:
    """A section that isn't recognized, or of another state, may be another one."""
    decision = "eligibility"
    answers = answers_by_row(tmp_path, CODED, decision, assume="nothing")
    table = CaseTable(read_map(str(tmp_path / "map.yaml")), str(tmp_path / "rows.csv"))
    left_open = 0
    for row in table.rows():
        case = table.case(row)
        for program, possible in zip(PROGRAMS, answers[case.id], strict=True):
            alone = program.decide(decision, case.read_facts())
            outcomes = {outcome for (outcome,) in possible.outcomes}
            # Where the law contradicts a row, `--exact` takes the law for right.
            assert set(find_exact(alone).possible) <= outcomes <= set(alone.possible)
            left_open += len(outcomes) > 1
    assert left_open > len(CODED)


def test_nothing_is_assumed_of_what_a_section_that_the_table_lacks_would_state(
    tmp_path: Path,
) -> None:
    """Such a code may turn out to be any listed section, and the sure answer of that one counts."""
    lacking, listed = ["ZZ-999", "", "NMSA 30-16-3"], [*LISTED, "NMSA 30-31-20", "RCW 69.50.401"]
    for shape in (ROW | {"level": ""}, OTHER_ROW | {"age": "30", "kind": "MET"}):
        rows = [{"code": code} | shape for code in [*lacking, *listed]]
        answers = [*answers_by_row(tmp_path, rows, "eligibility").values()]
        for unlisted in answers[: len(lacking)]:
            for of_listed in answers[len(lacking) :]:
                for possible, known in zip(unlisted, of_listed, strict=True):
                    assert len(known.outcomes) > 1 or known.outcomes <= possible.outcomes


def test_rows_with_a_code_that_the_table_lacks_are_counted_and_the_frequent_ones_named(
    tmp_path: Path,
) -> None:
    """A code of 12 rows isn't named, since the number of the 5 others would follow."""
    (tmp_path / "map.yaml").write_text(CODED_MAP)
    codes = ["ZZ-999"] * 30 + [""] * 12 + ["NMSA 30-16-3"] * 5 + ["NMSA 30-31-23"] * 60
    lines = ["id,day,code,second,level,age,kind,grams"]
    lines += [f"{at},2026-05-03,{code},,F,30,HER,1" for at, code in enumerate(codes)]
    source = CohortSource(str(tmp_path / "rows.csv"), str(tmp_path / "map.yaml"))
    for end, assume in (("\n", None), ("\r\n", None), ("\n", {"judgment.amenable": True})):
        (tmp_path / "rows.csv").write_bytes(end.join([*lines, ""]).encode())
        report = count_rows(PROGRAMS[:1], "eligibility", source, assume=assume)
        (answers,) = report.tables.tables[0].groups[0].sides
        text = " ".join(report_as_text(report).split())
        assert "47 arrests have a charge without a code, with one that isn't in" in text
        assert "most often ZZ-999 (30). " in text and "no code (" not in text
        if assume is None:
            assert "Nothing is assumed of what the table would state" in text
            assert (answers.surely, answers.either) == ({"eligible": 60, "ineligible": 0}, 47)
        else:
            assert "Only what --assume gives is assumed of what the table" in text
            assert answers.either == 107


@pytest.mark.parametrize("other", [38, 47, 56])
def test_codes_are_counted_unless_a_printed_count_is_a_few_rows_from_them(
    other: int, tmp_path: Path
) -> None:
    """A reader may know that all of the 47 are among the 56, or that no row is in both."""
    (tmp_path / "map.yaml").write_text(CODED_MAP)
    codes = ["ZZ-999"] * 47 + ["NMSA 30-31-23"] * other
    lines = ["id,day,code,second,level,age,kind,grams"]
    lines += [f"{at},2026-05-03,{code},,F,30,HER,1" for at, code in enumerate(codes)]
    (tmp_path / "rows.csv").write_text("\n".join([*lines, ""]))
    source = CohortSource(str(tmp_path / "rows.csv"), str(tmp_path / "map.yaml"))
    (unlisted,) = count_rows(PROGRAMS[:1], "eligibility", source).unlisted
    assert unlisted is not None and unlisted.rows == (47 if other == 47 else None)


def test_a_decision_that_the_map_s_facts_decide_is_worked_out_and_not_assumed() -> None:
    mapping = read_map("louisiana-nibrs")
    assumed = work_out([Side(SANTA_FE[1], "admission")], mapping)
    assert "decisions.eligibility" not in assumed and assumed["decisions.screening"] == "proceed"
    answerer = Answerer([Question((Side(SANTA_FE[1], "admission"),))], Completions(), assumed)
    drugs = [{"kind": "stimulant", "grams": 1}]
    facts = {"person": {"age": 30}, "encounter": {"date": "2019-01-01", "drugs": drugs}}
    assert answerer.answer(facts)[0].outcomes == {("not_eligible",)}


# Generated packs

MOST = 1_500  # completions that are tried of one case
SMALL_FACTS = written.complete(written.TINY).flatmap(written.holes_in)
GIVEN_RANKING = st.sampled_from([None, None, *written.CUSTOM])
Small = tuple[written.Flat, str | None]
SMALL_CASES: st.SearchStrategy[Small] = st.tuples(SMALL_FACTS, GIVEN_RANKING)
SMALL_SIDES = st.tuples(written.small_packs(), st.none() | written.small_packs())
SMALL_MAP = """\
title: small
id: id
unit: arrest
unknown: ["?"]
facts:
  tiny.yes: {column: yes}
  tiny.kind: {column: kind}
  tiny.score: {column: score}
  tiny.rows:
    split: {column: rows, by: "|", parts: ":", names: [n, yes, kind], empty: none}
    item: {n: {part: n}, yes: {part: yes}, kind: {part: kind}}
  decisions.ranking: {column: ranking}
"""


def both_programs(packs: tuple[dict[str, Any], dict[str, Any] | None]) -> list[rules.Program]:
    """Return two programs: a pack on two days, or two packs on one day."""
    before = written.program(packs[0], "2014-06-01")
    if packs[1] is None:
        return [before, before.on(date(2018, 10, 1))]
    return [before, written.program(packs[1], "2014-06-01")]


def small_facts(case: Small) -> dict[str, Any]:
    flat, ranking = case
    return written.nested(flat) | ({"decisions": {"ranking": ranking}} if ranking else {})


def pairs_of_completions(
    programs: Sequence[rules.Program], case: Small
) -> tuple[set[tuple[str | None, ...]], bool]:
    """Return the answers of `decide` to every completion, and whether all were tried.

    The ranking is taken as given: where a side leaves it open, each answer that some side has.
    """
    facts = small_facts(case)
    inner = [program.decide("ranking", facts) for program in programs]
    may_be_given = {
        outcome for ranking in inner if ranking.outcome is None for outcome in ranking.possible
    }
    read: dict[str, Any] = {}
    for program in programs:
        for rule in program.decide("eligibility", facts).rules_in_force.rules:
            read |= tree.facts_read(rule.condition)
    pairs = set()
    ways = product(written.completions(case[0], read), sorted(may_be_given) or [None])
    for tried, (filled, answer) in enumerate(ways):
        if tried == MOST:
            return pairs, False
        given_rankings = [ranking.outcome or answer for ranking in inner]
        pairs.add(
            tuple(
                program.outcome("eligibility", small_facts((filled, str(outcome))))
                for program, outcome in zip(programs, given_rankings, strict=True)
            )
        )
    # Of a list that isn't known, only short ones were tried.
    return pairs, "tiny.rows" in case[0] or "tiny.rows" not in read


def assert_of_completions(
    possible: Possible, pairs: set[tuple[str | None, ...]], are_all: bool
) -> None:
    assert None not in {outcome for pair in pairs for outcome in pair}
    assert pairs <= possible.outcomes
    if are_all and possible.is_sharp:
        assert pairs == possible.outcomes


@settings(max_examples=max(10, settings().max_examples // 2))
@given(SMALL_SIDES, st.lists(SMALL_CASES, min_size=2, max_size=4))
def test_generated_packs_answer_as_all_completions_decide(
    packs: tuple[dict[str, Any], dict[str, Any] | None], cases: list[Small]
) -> None:
    """Without time for the solver they can be more. The same rules twice move nothing then too."""
    programs = both_programs(packs)
    question = Question(tuple(Side(program, "eligibility") for program in programs))
    answerer, hasty = (Answerer([question], Completions(seconds)) for seconds in (60, 0))
    same_twice = Answerer([Question(question.sides[:1] * 2)], Completions(0))
    for case in cases:
        pairs, are_all = pairs_of_completions(programs, case)
        (possible,) = answerer.answer(small_facts(case))
        (wide,) = hasty.answer(small_facts(case))
        event(f"sharp: {possible.is_sharp}, all: {are_all}, pairs: {len(pairs)}")
        assert_of_completions(possible, pairs, are_all)
        assert pairs <= wide.outcomes
        (unmoved,) = same_twice.answer(small_facts(case))
        assert all(len(set(pair)) == 1 for pair in unmoved.outcomes)
        for side, program in enumerate(programs):
            answer = program.decide("eligibility", small_facts(case))
            if answer.status == "decided":
                assert {pair[side] for pair in possible.outcomes} == {answer.outcome}


def test_an_answer_that_only_a_longer_list_has_is_possible() -> None:
    """What is added up is a fact beside the list, so no length of the list is known to do."""
    pack = written.pack_of("sum(tiny.rows.map(a, tiny.score)) < -3")
    side = Side(written.program(pack, "2014-06-01"), "eligibility")
    (possible,) = Answerer([Question((side,))], Completions()).answer({})
    assert possible.outcomes == {("ineligible",), ("eligible",)} and possible.why == TOO_LONG
    four = {"tiny": {"rows": [{}] * 4, "score": -1}}
    assert side.program.outcome("eligibility", four) == "ineligible"


def as_row(case: Small) -> str:
    def cell(value: Any) -> str:
        return "?" if value is None else value if isinstance(value, str) else json.dumps(value)

    flat, ranking = case
    records = flat.get("tiny.rows")
    parts = [
        ":".join(cell(record.get(f)) for f in ("n", "yes", "kind")) for record in records or ()
    ]
    cells = [cell(flat.get(f"tiny.{name}")) for name in ("yes", "kind", "score")]
    return ",".join([*cells, "?" if records is None else "|".join(parts), cell(ranking)])


@settings(max_examples=max(6, settings().max_examples // 12))
@given(SMALL_SIDES, st.lists(SMALL_CASES, min_size=3, max_size=6))
def test_a_file_of_generated_rows_is_counted_as_all_completions_decide(
    tmp_path_factory: pytest.TempPathFactory,
    packs: tuple[dict[str, Any], dict[str, Any] | None],
    cases: list[Small],
) -> None:
    """By SQL and by the compiled rules. Each row is there often enough that no count is hidden."""
    folder = tmp_path_factory.mktemp("cohort")
    (folder / "map.yaml").write_text(SMALL_MAP)
    before, after = both_programs(packs)
    copies = [11 + 7 * place for place in range(len(cases))]
    lines = ["id,case,yes,kind,score,rows,ranking"]
    for place, case in enumerate(cases):
        lines += [f"{place}-{copy},{place},{as_row(case)}" for copy in range(copies[place])]
    expected = [pairs_of_completions([before, after], case) for case in cases]
    source = CohortSource(str(folder / "rows.csv"), str(folder / "map.yaml"), by=("case",))
    for end in ("\n", "\r\n"):  # our own reader has files with Windows line ends
        (folder / "rows.csv").write_bytes(end.join([*lines, ""]).encode())
        report = count_flips(before, after, "eligibility", source, assume="nothing")
        answers = {
            int(word): case.answer[0] for case in report.cohort.cases for (word,) in case.rows
        }
        assert sorted(answers) == [*range(len(cases))] and report.cohort.counted == sum(copies)
        for place, (pairs, are_all) in enumerate(expected):
            assert_of_completions(answers[place], pairs, are_all)
        everyone = report.tables.tables[0].groups[0]
        surely: Counter[tuple[str, ...]] = Counter()
        at_most: Counter[tuple[str, ...]] = Counter()
        for place, possible in answers.items():
            for pair in possible.outcomes:
                at_most[pair] += copies[place]
                surely[pair] += copies[place] if len(possible.outcomes) == 1 else 0
        counted = {(f.before, f.after): (f.range.surely, f.range.at_most) for f in everyone.flips}
        moved = {pair for pair in at_most if len(set(pair)) > 1}
        assert counted == {pair: (surely[pair], at_most[pair]) for pair in moved}
        for side, counts in enumerate(everyone.sides):
            assert None not in counts.surely.values() and counts.either is not None
            assert sum(counts.surely.values(), counts.either) == everyone.rows == sum(copies)
            for outcome, rows in counts.surely.items():
                sure = [
                    copies[place]
                    for place, possible in answers.items()
                    if {pair[side] for pair in possible.outcomes} == {outcome}
                ]
                assert rows == sum(sure)
