"""No small count of a report can be worked out from four quarters and the counts of all agencies.

The attacker has everything that is ever shown, knows every sum and what two agencies count alike,
knows that counts are whole and that a hidden one is at least 1, and has an exact solver. The sums
are written down here again, apart from the report's own. `OFFRAMP_ATTACKS` sets the number of
random programs for each number of police departments.
"""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterator
from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offramp.agency.cases.counted import (
    CountKey,
    Publication,
    count,
    count_cases,
    details_of,
    publish,
    revise,
    shape_of,
)
from offramp.agency.cases.quarters import Quarter, read_quarter
from offramp.agency.cases.tally import CaseTally, Tally, measure
from offramp.counts import LEAST, WIDTH, Balance, total
from rules.packs.groups import groups_of
from rules.shelf import read_pack, vocabulary
from tests.support.count_attack import possible_values

QUARTERS = [read_quarter(f"2027Q{number}") for number in (1, 2, 3, 4)]
GROUPINGS = dict(read_pack("santa-fe").groups)
GROUPS = groups_of(GROUPINGS["route"], vocabulary().facts["encounter.route"])
PLACES = [None, *GROUPS]
# What every reader knows to add up: a measure, and its parts. A `~` is a part that is never shown.
SUMS: dict[str, list[tuple[str, tuple[str, ...]]]] = {
    "police": [
        ("offers", ("accepted", "declined")),
        ("not_offered", ("safety", "victim", "~other reasons")),
    ],
    "managers": [
        ("referrals", ("met", "not_met")),
        ("met", ("hours_known", "hours_not_known")),
        ("referrals", ("intake_in_time", "intake_late", "intake_no_limit", "intake_open")),
        ("met", ("intake_in_time", "intake_late", "intake_no_limit", "~met, no intake")),
        ("referrals", ("plan_in_time", "plan_late", "plan_no_limit", "plan_open")),
        ("met", ("plan_in_time", "plan_late", "plan_no_limit", "~met, no plan")),
        ("referrals", ("engaged", "starting", "no_word")),
        ("met", ("engaged", "starting", "~met, no word")),
    ],
    "program": [
        ("referrals", ("asked", "not_asked")),
        ("referrals", ("decided", "undetermined")),
        ("undetermined", ("one-rule", "other-rule")),
        (
            "left",
            ("left_completed", "left_unsuccessful", "left_moved", "left_ejected", "left_other"),
        ),
    ],
}
ATTACKS = int(os.environ.get("OFFRAMP_ATTACKS", "3"))
ROLES = {"police": "police", "managers": "case_management", "program": "program"}


def name_of(key: CountKey) -> str:
    return key.detail or key.measure


def people(random: Random, quarter: Quarter, police: int, size: int) -> Iterator[dict[str, object]]:
    """Yield made-up people of one quarter, most of them alike, so that some counts are small."""
    rare = random.choice([0.02, 0.1, 0.3])
    for _ in range(size):

        def seldom(rare: float = rare) -> bool:
            return random.random() < rare

        yield {
            "day": quarter.first + timedelta(random.randrange(80)),
            "from": f"police{random.choice([0] * 4 + [police - 1])}",
            "route": "social_contact" if seldom() else "arrest",
            "answer": random.choice(["accepted"] * 6 + ["declined", "safety", "victim"]),
            "met": not seldom(),
            "hours": not seldom(),
            "intake": random.choice(["in_time"] * 8 + ["late", "no_limit", "open"]),
            "plan": random.choice(["in_time"] * 4 + ["late", "open"]),
            "word": random.choice(["engaged"] * 5 + ["starting", "no_word"]),
            "asked": seldom(),
            "rule": random.choice([None] * 5 + ["one-rule", "other-rule"]),
            "out": random.choice([None] * 3 + ["left_completed", "left_moved", "left_other"]),
        }


def tallies(crowd: list[dict[str, object]], agency: str) -> list[CaseTally]:
    """Return what one agency counts of the people."""
    made = []
    for one in crowd:
        groups = {"route": str(one["route"])}
        day = one["day"]
        assert isinstance(day, date)
        is_in = one["answer"] == "accepted"
        names: set[object] = set()
        stays = ()
        found = []
        if agency == one["from"]:
            if one["answer"] in ("accepted", "declined"):
                names = {measure("offers"), measure(str(one["answer"]))}
            else:
                names = {
                    measure("not_offered"),
                    measure("not_offered_for", None, str(one["answer"])),
                }
        if agency == "managers" and is_in:
            names = {measure("referrals"), measure("referrals_from", None, str(one["from"]))}
            if one["met"]:
                known = "hours_known" if one["hours"] else "hours_not_known"
                steps = {f"intake_{one['intake']}", f"plan_{one['plan']}", str(one["word"])}
                more = {"met", known, *steps}
                more |= {"met_without_intake"} if one["intake"] == "open" else set()
                more |= {"met_without_plan"} if one["plan"] == "open" else set()
                more |= {"met_without_word"} if one["word"] == "no_word" else set()
            else:
                more = {"not_met", "intake_open", "plan_open", "no_word"}
            names |= {measure(each) for each in more}
        if agency == "program" and is_in:
            decision = "eligibility"
            names = {
                measure("referrals"),
                measure("referrals_from", None, str(one["from"])),
                measure("asked" if one["asked"] else "not_asked", decision),
            }
            if one["rule"] is None:
                names.add(measure("decided", decision))
            else:
                names.add(measure("undetermined", decision))
                names.add(measure("undetermined_by", decision, str(one["rule"])))
            leaves = day + timedelta(100) if one["out"] else None
            stays = ((day, leaves),)
            found.append(Tally(day, frozenset({measure("entered")}), {}))
            if leaves is not None:
                out = frozenset({measure("left"), measure(str(one["out"]))})
                found.append(Tally(leaves, out, {}))
        if names:
            found.append(Tally(day, frozenset(names), {}))  # type: ignore[arg-type]  # measures as drawn
        if found:
            made.append(CaseTally(tuple(found), stays, groups))
    return made


def published(
    crowd: list[dict[str, object]], agencies: list[str]
) -> dict[tuple[str, str], Publication]:
    """Publish four quarters at every agency, one after the other."""
    made: dict[tuple[str, str], Publication] = {}
    for agency in agencies:
        cases = tallies(crowd, agency)
        earlier: dict[str, Publication] = {}
        for quarter in QUARTERS:
            earlier[quarter.name] = made[agency, quarter.name] = publish(
                *counted(cases, agency, quarter), quarter, earlier
            )
    return made


def counted(cases: list[CaseTally], agency: str, quarter: Quarter):  # type: ignore[no-untyped-def]  # the type is private to the counts
    role = ROLES[agency.rstrip("0123456789")]
    quarter_counts = count_cases(cases, quarter)
    shape = shape_of(
        role,
        enrolls=role == "program",
        decisions=("eligibility",) if role == "program" else (),
        groupings=GROUPINGS,
        facts=vocabulary().facts,
        details=details_of(quarter_counts),
    )
    return count(quarter_counts, shape), (), shape


Cell = tuple[str, str, str, str | None]


def cells_of(
    made: dict[tuple[str, str], Publication],
) -> tuple[dict[Hashable, int], dict[Hashable, int], set[Hashable]]:
    """Return every count, the shown ones, and those that may be 0 for all that a reader knows."""
    counts: dict[Hashable, int] = {}
    shown: dict[Hashable, int] = {}
    free: set[Hashable] = set()
    for (agency, quarter), publication in made.items():
        for key, number in publication.shown():
            cell = (agency, quarter, name_of(key), key.group)
            counts[cell] = publication.exact[key]
            if number is not None:
                shown[cell] = number
            if publication.is_withheld:
                free.add(cell)
    return counts, shown, free


def known_sums(made: dict[tuple[str, str], Publication]) -> Iterator[Balance]:
    """Yield every equation that a reader may use."""
    agencies = sorted({agency for agency, _ in made})
    police = [agency for agency in agencies if agency.startswith("police")]
    for quarter in (each.name for each in QUARTERS):
        for agency in agencies:
            for whole, parts in SUMS[agency.rstrip("0123456789")]:
                for group in PLACES:
                    yield total(
                        (agency, quarter, whole, group),
                        [(agency, quarter, part, group) for part in parts],
                    )
        for group in PLACES:
            # Each person who accepted is referred.
            accepted = [(agency, quarter, "accepted", group) for agency in police]
            yield total(("managers", quarter, "referrals", group), accepted)
            yield total(("program", quarter, "referrals", group), accepted)
            before = ("program", read_quarter(quarter).before.name, "in_program", group)
            yield Balance(
                (before, ("program", quarter, "entered", group)),
                (("program", quarter, "in_program", group), ("program", quarter, "left", group)),
            )


def attack(made: dict[tuple[str, str], Publication]) -> list[tuple[Hashable, object]]:
    """Return every hidden count that the attacker narrows to fewer values than the contract asks.

    A count that is shown is no secret, whoever shows it.
    """
    counts, shown, free = cells_of(made)
    sums = list(known_sums(made))
    names = {cell for balance in sums for cell, _ in balance.cells()} | set(counts)
    in_groups = {
        (*cell[:3], None) for cell in counts if isinstance(cell, tuple) and cell[3] is not None
    }
    sums += [total(cell, [(*cell[:3], group) for group in GROUPS]) for cell in in_groups]
    unseen = {cell for cell in names if cell not in counts}
    # The people at the very beginning: the program had opened that day.
    start = {cell: 0 for cell in unseen if isinstance(cell, tuple) and cell[1] == "2026Q4"}
    gone = {
        cell: 0
        for cell in unseen
        if isinstance(cell, tuple) and cell[2] in ("one-rule", "other-rule", "~other reasons")
    }
    least = {cell: 1 for cell in counts if cell not in shown and cell not in free}
    ranges = possible_values(names, {**shown, **start, **gone}, sums, least=least, enough=WIDTH)
    return [
        (cell, ends)
        for cell, ends in ranges.items()
        if cell in counts and cell not in free and ends.count < WIDTH
    ]


@pytest.mark.parametrize("police", [1, 2])
@settings(max_examples=ATTACKS, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_no_hidden_count_is_recovered_from_four_quarters_and_all_agencies(
    police: int, seed: int
) -> None:
    random = Random(seed)
    crowd = [
        one
        for quarter in QUARTERS
        for one in people(random, quarter, police, random.choice([30, 60]))
    ]
    agencies = [*(f"police{number}" for number in range(police)), "managers", "program"]
    made = published(crowd, agencies)
    counts, shown, _ = cells_of(made)
    assert all(counts[cell] == number for cell, number in shown.items())
    assert not any(0 < number < LEAST for number in shown.values())
    assert attack(made) == []


def test_the_attack_succeeds_on_counts_that_only_leave_out_the_small_ones() -> None:
    random = Random(4)
    crowd = [one for quarter in QUARTERS for one in people(random, quarter, 1, 30)]
    made = {
        where: Publication(
            each.quarter,
            1,
            each.exact,
            frozenset(key for key, number in each.exact.items() if 0 < number < LEAST),
            False,
            (),
        )
        for where, each in published(crowd, ["police0", "managers", "program"]).items()
    }
    assert len(attack(made)) > 10


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**9), late=st.integers(0, 40), gone=st.integers(0, 40))
def test_a_revision_shows_no_change_of_a_few_people(seed: int, late: int, gone: int) -> None:
    random = Random(seed)
    quarter = QUARTERS[0]
    crowd = list(people(random, quarter, 1, random.choice([40, 90, 200])))
    later = [*crowd[gone:], *people(random, quarter, 1, late)]
    cases, new = tallies(crowd, "police0"), tallies(later, "police0")
    first = publish(*counted(cases, "police0", quarter), quarter, {})
    exact, waits, shape = counted(new, "police0", quarter)
    second = revise(first, exact, waits, shape, quarter, {})
    if second is None:
        return
    before, after = dict(first.shown()), dict(second.shown())
    assert second.version == 2 and second.exact == exact
    for key, number in after.items():
        was = before[key]
        if number is not None:
            assert was is not None, "what was hidden stays hidden"
            assert number == was or abs(number - was) >= LEAST


def test_a_large_change_is_published_and_a_small_one_is_not() -> None:
    quarter = QUARTERS[0]
    one = {"day": quarter.first, "from": "police0", "route": "arrest", "answer": "accepted"}
    few, many, most = [one] * 30, [one] * 31, [one] * 60
    first = publish(*counted(tallies(few, "police0"), "police0", quarter), quarter, {})

    def again(crowd: list[dict[str, object]]) -> Publication | None:
        return revise(first, *counted(tallies(crowd, "police0"), "police0", quarter), quarter, {})

    assert again(few) is None and again(many) is None
    revised = again(most)
    assert revised is not None and dict(revised.shown())[CountKey("offers")] == 60
