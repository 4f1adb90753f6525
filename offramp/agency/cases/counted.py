"""The counts of one quarter at one agency, and which of them may be shown. Pure.

The measures and their sums are those of the agency's role. `offramp.counts` hides the small ones.
What an earlier quarter's publication shows is part of the same table, since the people in the
program at its end are those at the beginning of this one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, get_args

from exchange.records.categories import DeterminationReason
from offramp.agency.cases.quarters import Quarter
from offramp.agency.cases.tally import ASKED_FOR, CaseTally, Measure, family_of, measure
from offramp.counts import LEAST, Balance, Table, is_protected, suppress, total
from rules.frozen import frozen
from rules.input.vocabulary import Fact
from rules.packs.groups import NOT_KNOWN, groups_of
from rules.packs.pack import Grouping

# How many people a median, and a quartile, needs: as many as a count on each side of it.
MEDIAN_NEEDS, QUARTILE_NEEDS = 2 * LEAST, 4 * LEAST
REASONS = get_args(DeterminationReason)
_STEPS = ("in_time", "late", "no_limit", "open")
_WAYS_OUT = ("left_completed", "left_unsuccessful", "left_moved", "left_ejected", "left_other")
_FLOW = ("entered", "left", *_WAYS_OUT, "in_program")
# What only completes a sum, and is shown to nobody.
_UNSEEN = ("met_without_intake", "met_without_plan", "met_without_word", "before")
# What agencies of two roles count alike: police as `accepted`, the others as `referrals`.
_FROM, _SHARED = "referrals_from", ("accepted", "referrals")
# The measure that says how many waited, for each time of waiting.
_WAITED = {"to_case_manager": "hours_known", "to_answer": "asked"}


@frozen
class CountKey:
    """One number of a report: a measure, and a group if it isn't of everybody.

    `detail` is a reason, or the id of a rule.
    """

    measure: str
    decision: str | None = None
    detail: str | None = None
    grouping: str | None = None
    group: str | None = None

    def as_list(self) -> list[str | None]:
        """Return the key as the journal holds it."""
        return [self.measure, self.decision, self.detail, self.grouping, self.group]

    @property
    def family(self) -> str:
        """The family of its measure."""
        return family_of((self.measure, self.decision, self.detail))


# A time of waiting, a grouping and its group if it isn't of everybody, and the hours.
HoursKey = tuple[Measure, str | None, str | None, int]


@frozen
class Wait:
    """Hours of waiting in whole numbers: the quartiles and the median, None where hidden."""

    measure: str
    decision: str | None
    grouping: str | None
    group: str | None
    lower: int | None
    median: int | None
    upper: int | None


@frozen
class Publication:
    """The counts of a quarter as this agency published them.

    `exact` never leaves the agency. `hidden` are the keys that are hidden, `version` counts the
    publications of the quarter, from 1. If `is_withheld`, nothing of the quarter is shown.
    """

    quarter: str
    version: int
    exact: Mapping[CountKey, int]
    hidden: frozenset[CountKey]
    is_withheld: bool
    waits: tuple[Wait, ...]

    def shown(self) -> Iterator[tuple[CountKey, int | None]]:
        """Yield every count that a report has, None for a hidden one."""
        for key, count in self.exact.items():
            if key.measure not in (*_UNSEEN, _FROM):
                yield key, None if key in self.hidden else count


def write_publication(publication: Publication) -> dict[str, Any]:
    """Return a publication as the journal holds it."""
    return {
        "quarter": publication.quarter,
        "version": publication.version,
        "exact": [[*key.as_list(), count] for key, count in publication.exact.items()],
        "hidden": [key.as_list() for key in publication.exact if key in publication.hidden],
        "withheld": publication.is_withheld,
        "waits": [
            [w.measure, w.decision, w.grouping, w.group, w.lower, w.median, w.upper]
            for w in publication.waits
        ],
    }


def read_publication(body: Mapping[str, Any]) -> Publication:
    """Read a publication from the journal."""
    return Publication(
        body["quarter"],
        body["version"],
        {CountKey(*entry[:5]): entry[5] for entry in body["exact"]},
        frozenset(CountKey(*entry) for entry in body["hidden"]),
        body["withheld"],
        tuple(Wait(*entry) for entry in body["waits"]),
    )


# The shape of a report


@frozen
class Shape:
    """The measures of an agency, the sums among them, and the groups of each grouping."""

    measures: tuple[Measure, ...]
    sums: tuple[tuple[tuple[Measure, ...], tuple[Measure, ...]], ...]
    groups: Mapping[str, tuple[str, ...]]

    def keys(self, counted: Measure) -> Iterator[CountKey]:
        """Yield the keys of a measure: of everybody, and of each group."""
        yield CountKey(*counted)
        for grouping, groups in self.groups.items():
            yield from (CountKey(*counted, grouping, group) for group in groups)


def shape_of(
    role: str | None,
    *,
    enrolls: bool,
    decisions: Iterable[str],
    groupings: Mapping[str, Grouping],
    facts: Mapping[str, Fact],
    details: Iterable[Measure],
) -> Shape:
    """Return what an agency counts. `enrolls` says if it knows who is enrolled.

    `details` are the measures with a reason or a rule that were counted.
    """
    sums: list[tuple[tuple[Measure, ...], tuple[Measure, ...]]] = []
    alone: list[Measure] = []

    def add(whole: Measure, *parts: Measure) -> None:
        sums.append(((whole,), parts))

    def plain(*names: str) -> tuple[Measure, ...]:
        return tuple(measure(name) for name in names)

    if role == "police":
        add(measure("offers"), *plain("accepted", "declined"))
        reasons = (measure("not_offered_for", None, reason) for reason in REASONS)
        add(measure("not_offered"), *reasons)
    if role == "prosecutor":
        add(measure("held_decided"), *plain("held_filed", "held_not_filed", "held_dismissed"))
    if role == "case_management" or enrolls:
        senders = sorted((counted for counted in details if counted[0] == _FROM), key=str)
        add(measure("referrals"), *senders)
        alone.append(measure("reviews"))
    if role == "case_management":
        add(measure("referrals"), *plain("met", "not_met"))
        add(measure("met"), *plain("hours_known", "hours_not_known"))
        for step in ("intake", "plan"):
            ways = plain(*(f"{step}_{way}" for way in _STEPS))
            add(measure("referrals"), *ways)
            add(measure("met"), *ways[:-1], measure(f"met_without_{step}"))
        add(measure("referrals"), *plain("engaged", "starting", "no_word"))
        add(measure("met"), *plain("engaged", "starting", "met_without_word"))
    for decision in decisions:
        if decision in ASKED_FOR and (role == "case_management" or enrolls):
            add(measure("referrals"), measure("asked", decision), measure("not_asked", decision))
            add(
                measure("referrals"),
                measure("decided", decision),
                measure("undetermined", decision),
            )
            rules = (counted for counted in details if counted[:2] == ("undetermined_by", decision))
            add(measure("undetermined", decision), *sorted(rules, key=str))
    if enrolls:
        add(measure("left"), *plain(*_WAYS_OUT))
        sums.append((plain("before", "entered"), plain("in_program", "left")))
    measures = dict.fromkeys(counted for sides in sums for side in sides for counted in side)
    groups = {name: groups_of(grouping, facts[grouping.of]) for name, grouping in groupings.items()}
    return Shape((*measures, *alone), tuple(sums), groups)


def _balances(shape: Shape) -> Iterator[Balance]:
    for left, right in shape.sums:
        yield Balance(
            tuple(CountKey(*counted) for counted in left),
            tuple(CountKey(*counted) for counted in right),
        )
        for grouping, groups in shape.groups.items():
            for group in groups:
                yield Balance(
                    tuple(CountKey(*counted, grouping, group) for counted in left),
                    tuple(CountKey(*counted, grouping, group) for counted in right),
                )
    for counted in shape.measures:
        for grouping, groups in shape.groups.items():
            parts = (CountKey(*counted, grouping, group) for group in groups)
            yield total(CountKey(*counted), parts)


# Counting


@frozen
class QuarterCounts:
    """What cases add to a quarter: counts by key, and how many waited how many hours.

    It names no case. Whatever shape a report has, these are the numbers that it is made of.
    """

    counts: Counter[CountKey]
    hours: Counter[HoursKey]

    def __add__(self, other: QuarterCounts) -> QuarterCounts:
        return QuarterCounts(self.counts + other.counts, self.hours + other.hours)

    def of(self, families: Collection[str]) -> QuarterCounts:
        """Return only the counts of some families of measures."""
        return QuarterCounts(
            Counter({key: n for key, n in self.counts.items() if key.family in families}),
            Counter({key: n for key, n in self.hours.items() if family_of(key[0]) in families}),
        )


NOTHING = QuarterCounts(Counter(), Counter())


def count_cases(tallies: Iterable[CaseTally], quarter: Quarter) -> QuarterCounts:
    """Count what cases add to a quarter, by the groupings that their tallies have."""
    counts: Counter[CountKey] = Counter()
    hours: Counter[HoursKey] = Counter()
    for case in tallies:
        settled = {family for family, name in case.settled if name == quarter.name}
        places = ((None, None), *case.groups.items())
        for counted, number in _measures(case, quarter).items():
            if family_of(counted) not in settled:
                for place in places:
                    counts[CountKey(*counted, *place)] += number
        for tally in case.tallies:
            for timed, waited in tally.hours.items() if quarter.has(tally.day) else ():
                if family_of(timed) not in settled:
                    hours.update((timed, *place, waited) for place in places)
    return QuarterCounts(counts, hours)


def _measures(case: CaseTally, quarter: Quarter) -> Counter[Measure]:
    measures = Counter(
        counted for tally in case.tallies if quarter.has(tally.day) for counted in tally.measures
    )
    if any(entered < quarter.after and _stays(left, quarter) for entered, left in case.stays):
        measures[measure("in_program")] += 1
    if any(
        entered < quarter.first and (left is None or left >= quarter.first)
        for entered, left in case.stays
    ):
        measures[measure("before")] += 1
    return measures


def _stays(left: date | None, quarter: Quarter) -> bool:
    return left is None or left >= quarter.after


def details_of(quarter_counts: QuarterCounts) -> frozenset[Measure]:
    """Return the measures with a reason or a rule that occur in a quarter."""
    return frozenset(
        (key.measure, key.decision, key.detail)
        for key in quarter_counts.counts
        if key.detail is not None and key.grouping is None
    )


def count(quarter_counts: QuarterCounts, shape: Shape) -> dict[CountKey, int]:
    """Return the counts of a quarter by every key of an agency's report.

    A group that the pack no longer has counts as not known.
    """
    counts: dict[CountKey, int] = {}
    for counted in shape.measures:
        whole = counts[CountKey(*counted)] = quarter_counts.counts[CountKey(*counted)]
        for grouping, groups in shape.groups.items():
            keys = [CountKey(*counted, grouping, group) for group in groups if group != NOT_KNOWN]
            counts |= {key: quarter_counts.counts[key] for key in keys}
            rest = whole - sum(counts[key] for key in keys)
            counts[CountKey(*counted, grouping, NOT_KNOWN)] = rest
    return counts


def publish(
    exact: Mapping[CountKey, int],
    waits: Iterable[Wait],
    shape: Shape,
    quarter: Quarter,
    earlier: Mapping[str, Publication],
    version: int = 1,
    also: Iterable[CountKey] = (),
) -> Publication:
    """Choose what to hide in a quarter, after the quarters that were published before.

    `earlier` are the newest publications of other quarters by name. `also` are hidden anyway.
    """
    table, cells = _table(exact, shape, quarter, earlier)
    choice = suppress(table, also=((quarter.name, key) for key in also))
    hidden = {key for name, key in cells if name == quarter.name and (name, key) in choice.hidden}
    if choice.is_withheld:
        hidden = set(exact)
    shown_waits = tuple(_shown_wait(wait, exact, hidden) for wait in waits)
    return Publication(
        quarter.name, version, dict(exact), frozenset(hidden), choice.is_withheld, shown_waits
    )


def revise(
    before: Publication,
    exact: Mapping[CountKey, int],
    waits: Iterable[Wait],
    shape: Shape,
    quarter: Quarter,
    earlier: Mapping[str, Publication],
) -> Publication | None:
    """Return the counts of a published quarter anew. None if that could give a count away.

    INVARIANT: no change from 1 to 10 of any count is shown by two publications, and what was hidden
    stays hidden. A reader who takes every change as known still can't narrow a hidden count.
    """
    keys = {*before.exact, *exact}
    changes = {key: exact.get(key, 0) - before.exact.get(key, 0) for key in keys}
    if (
        before.is_withheld
        or not any(changes.values())
        or any(0 < abs(change) < LEAST for change in changes.values())
    ):
        return None
    revised = publish(exact, waits, shape, quarter, earlier, before.version + 1, before.hidden)
    if (
        revised.is_withheld
        or not {key for key in before.hidden if exact.get(key)} <= revised.hidden
    ):
        return None
    old = dict.fromkeys(exact, 0) | dict(before.exact)
    table, _ = _table(old, shape, quarter, earlier)
    least: dict[Hashable, int] = {
        (quarter.name, key): max(1, 1 - changes[key]) for key in before.hidden if changes[key] < 0
    }
    secret = ((quarter.name, key) for key in before.hidden)
    return revised if is_protected(table, secret, least_values=least) else None


def _table(
    exact: Mapping[CountKey, int],
    shape: Shape,
    quarter: Quarter,
    earlier: Mapping[str, Publication],
) -> tuple[Table, list[tuple[str, CountKey]]]:
    """Return the table of a quarter and of the quarters before it that bear on it."""
    cells = [(quarter.name, key) for key in exact]
    counts: dict[Any, int] = {(quarter.name, key): number for key, number in exact.items()}
    balances = [_named(quarter.name, balance) for balance in _balances(shape)]
    unseen = {cell for cell in counts if cell[1].measure in _UNSEEN}
    printed: dict[Any, bool] = {}
    later, at = quarter, quarter.before
    while (publication := earlier.get(at.name)) is not None and _has_flow(exact):
        flow = {key: count for key, count in publication.exact.items() if key.measure in _FLOW}
        before = {key: count for key, count in publication.exact.items() if key.measure == "before"}
        if not _joins(counts, later.name, publication):
            break
        for key, number in (*flow.items(), *before.items()):
            counts[at.name, key] = number
            if publication.is_withheld or key.measure == "before":
                unseen.add((at.name, key))
            else:
                printed[at.name, key] = key not in publication.hidden
        balances += [_named(at.name, balance) for balance in _flow_balances(publication)]
        balances += [
            Balance(((later.name, key),), ((at.name, _as(key, "in_program")),))
            for key in _keys_of(counts, later.name, "before")
        ]
        later, at = at, at.before
    table = Table(counts, tuple(balances), frozenset(unseen), _levels(counts, quarter), printed)
    return table, cells


def _has_flow(exact: Mapping[CountKey, int]) -> bool:
    return CountKey("before") in exact


def _joins(counts: Mapping[Any, int], later: str, publication: Publication) -> bool:
    """Return whether the people at the end of a quarter are those at the beginning of the next.

    After late records they aren't, and then no reader can rely on it.
    """
    return all(
        publication.exact.get(_as(key, "in_program")) == counts[later, key]
        for key in _keys_of(counts, later, "before")
    )


def _keys_of(counts: Mapping[Any, int], quarter: str, name: str) -> list[CountKey]:
    return [key for at, key in counts if at == quarter and key.measure == name]


def _as(key: CountKey, name: str) -> CountKey:
    return CountKey(name, key.decision, key.detail, key.grouping, key.group)


def _flow_balances(publication: Publication) -> Iterator[Balance]:
    """Yield the sums of an earlier quarter among those who entered, left, and stayed."""
    groups: dict[str, list[str]] = defaultdict(list)
    for key in publication.exact:
        if key.measure == "left" and key.grouping is not None and key.group is not None:
            groups[key.grouping].append(key.group)
    places = [(None, None), *((name, group) for name in groups for group in groups[name])]
    for grouping, group in places:
        at = {name: CountKey(name, None, None, grouping, group) for name in (*_FLOW, "before")}
        yield total(at["left"], (at[name] for name in _WAYS_OUT))
        yield Balance((at["before"], at["entered"]), (at["in_program"], at["left"]))
    for name in (*_FLOW, "before"):
        for grouping, names in groups.items():
            parts = (CountKey(name, None, None, grouping, group) for group in names)
            yield total(CountKey(name), parts)


def _named(quarter: str, balance: Balance) -> Balance:
    return Balance(
        tuple((quarter, cell) for cell in balance.left),
        tuple((quarter, cell) for cell in balance.right),
    )


def _levels(counts: Mapping[Any, int], quarter: Quarter) -> tuple[frozenset[Any], ...]:
    """Return the counts that another role counts too: each sender's, and then their sum."""
    current = [cell for cell in counts if cell[0] == quarter.name]
    accepted = frozenset(cell for cell in current if cell[1].measure == "accepted")
    if accepted:
        return (accepted,)
    senders = frozenset(cell for cell in current if cell[1].measure == _FROM)
    return senders, frozenset(cell for cell in current if cell[1].measure == "referrals")


# Times of waiting


def wait_hours(quarter_counts: QuarterCounts, shape: Shape) -> tuple[Wait, ...]:
    """Return the quartiles of each time of waiting, of everybody and of each group."""
    hours: dict[tuple[Measure, str | None, str | None], list[int]] = defaultdict(list)
    for (timed, grouping, group, waited), number in quarter_counts.hours.items():
        if grouping is None or group in shape.groups.get(grouping, ()):
            hours[timed, grouping, group] += [waited] * number
    return tuple(
        Wait(timed[0], timed[1], grouping, group, *_quartiles(sorted(values)))
        for (timed, grouping, group), values in sorted(hours.items(), key=str)
    )


def _quartiles(values: list[int]) -> tuple[int | None, int | None, int | None]:
    """Return the lower quartile, the median, and the upper one: each the value of a person.

    As many people as a shown count has at least lie on each side of it.
    """

    def at(quarters: int) -> int:
        return values[min(len(values) - 1, len(values) * quarters // 4)]

    has_quartiles = len(values) >= QUARTILE_NEEDS
    return (
        at(1) if has_quartiles else None,
        at(2) if len(values) >= MEDIAN_NEEDS else None,
        at(3) if has_quartiles else None,
    )


def _shown_wait(wait: Wait, exact: Mapping[CountKey, int], hidden: set[CountKey]) -> Wait:
    """Hide a time of waiting if the number of those who waited is hidden."""
    of = CountKey(_WAITED[wait.measure], wait.decision, None, wait.grouping, wait.group)
    if of in exact and of not in hidden:
        return wait
    return Wait(wait.measure, wait.decision, wait.grouping, wait.group, None, None, None)
