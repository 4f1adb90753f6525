"""What a memo says that needs no solver: the redline of each day, open cases, and findings.

A memo is made from these parts and from what the solver finds. An agency that is asked to sign one
works these parts out again from both packs.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from offramp.policy.break_even import changed_program_as_json
from offramp.policy.change_days import (
    DaysWithoutRules,
    OneSidedStretch,
    Stretch,
    days_without_rules,
    first_earlier_day,
    one_sided_stretches,
    same_rules_since,
    stretches_of,
)
from offramp.policy.change_scenarios import Failing
from offramp.policy.change_sides import ChangeSide
from offramp.policy.change_wording import redlined_sentences
from rules.author.difference import loosened
from rules.author.phrases import format_amount
from rules.author.redline import Change, Redline, on_no_day, redline
from rules.errors import RequestError
from rules.input.printing import plain
from rules.language import tree
from rules.packs.resolve import Segment
from rules.prove.sides import Side
from rules.shelf import english

_WHEN_IT_HAPPENS = "now"


class PlainParts:
    """The parts of a memo that follow from the two packs alone.

    `decisions` are those that were named, and `names` those that are compared: all that both sides
    have unless some were named. Each of the `stretches` of days has one redline. `without_rules`
    are days on which a side gives no answer, and `one_sided` the stretches of those on which the
    other side does, each with a redline. Raises `RequestError` for a decision that neither side
    has.
    """

    def __init__(self, sides: tuple[ChangeSide, ChangeSide], decisions: Sequence[str]) -> None:
        self.sides, self.decisions = sides, decisions
        self.stretches = stretches_of(sides)
        self.without_rules = days_without_rules(sides)
        self.formal = self.stretches[0].formal
        self.names = names_of(self.formal, decisions)
        phrases, wanted = english(), self.names if decisions else None
        self.redlines = [redline(*stretch.segments, phrases, wanted) for stretch in self.stretches]
        self.one_sided = one_sided_stretches(sides, self._days_of_the_change)
        self.own_redlines = [
            redline(*stretch.segments, phrases, wanted) for stretch in self.one_sided
        ]

    def head(self) -> dict[str, Any]:
        """Return the sides, and what is said of days as a whole."""
        is_one_day = self.sides[0].day == self.sides[1].day
        earlier = first_earlier_day(self.sides)
        without = [item.as_json() for item in self.without_rules]
        since = same_rules_since(self.stretches[0], self.sides) if is_one_day else None
        is_earlier = since is not None and since < self.stretches[0].since
        return {
            "old": _side_as_json(self.sides[0], self.formal[0]),
            "new": _side_as_json(self.sides[1], self.formal[1]),
            "of_decisions": list(self.decisions),
            "covers": self.stretches[0].as_json() if is_one_day else None,
            **({"without_rules": without} if without else {}),
            **({"same_rules_since": plain(since)} if is_earlier else {}),
            "redline_other_days": [
                item.as_json() for item in on_no_day([*self.redlines, *self.own_redlines])
            ],
            "differs_from": None if earlier is None else earlier.isoformat(),
            "sources": self._sources(),
        }

    @property
    def days_taken_away(self) -> tuple[DaysWithoutRules, ...]:
        """The days on which the new pack gives no answer to cases that the old pack answers."""
        return tuple(item for item in self._days_of_the_change if item.takes_away)

    @property
    def _days_of_the_change(self) -> tuple[DaysWithoutRules, ...]:
        """The days without an answer that the change is about.

        Of another program, only the days after the compared one are.
        """
        is_same = self.sides[0].pack.id == self.sides[1].pack.id
        return tuple(
            item
            for item in self.without_rules
            if is_same or item.until is None or item.until > self.sides[1].day
        )

    @property
    def parts_on_days(self) -> list[tuple[Stretch | OneSidedStretch, Redline]]:
        """Each stretch of days with its redline: those of both sides, then those of one."""
        both = zip(self.stretches, self.redlines, strict=True)
        return [*both, *zip(self.one_sided, self.own_redlines, strict=True)]

    def changes(self, stretch: Stretch | OneSidedStretch, lines: Redline) -> dict[str, Any]:
        """Return the redline of a stretch of days."""
        return {
            "redline": [_change_as_json(item, stretch.segments) for item in lines.changes],
            "sentences": redlined_sentences(*stretch.segments, self.names),
        }

    def changed_only_through(
        self, stretch: Stretch | OneSidedStretch, unchanged: Collection[str]
    ) -> dict[str, list[str]]:
        """Return the unchanged decisions that can change only through answers that they read."""
        segment = stretch.segments[1]
        changed = set(self.names).difference(unchanged)
        reads = {name: _decisions_read(segment, name) for name in self.names}
        through: dict[str, list[str]] = {}
        for name in self.names:
            seen: set[str] = set()
            still = [name] if name not in changed else []
            while still:
                for inner in reads.get(still.pop(), ()):
                    if inner not in seen:
                        seen.add(inner)
                        still.append(inner)
            if seen & changed:
                through[name] = sorted(seen & changed)
        return through

    def open_cases(self, changed: Collection[str], unsettled: Collection[str]) -> dict[str, Any]:
        """Return what happens to cases that are open on the day.

        `changed` are the decisions that change on some day, and `unsettled` those that may.
        """
        pack = self.sides[1].pack
        clocks: list[dict[str, Any]] = []
        for stretch in self.stretches:
            since = {} if stretch is self.stretches[0] else {"from": stretch.since.isoformat()}
            lengths = [
                {name: entry[name] for name in ("clock", "before", "after")} for entry in clocks
            ]
            clocks += [
                {**entry, **since} for entry in _clocks(stretch.segments) if entry not in lengths
            ]
        perhaps = self._decided_at_the_time(unsettled)
        return {
            "says": None if pack.program.open_cases is None else pack.program.open_cases.says,
            "decided_at_the_time": self._decided_at_the_time(changed),
            **({"perhaps_decided_at_the_time": perhaps} if perhaps else {}),
            "clocks": clocks,
        }

    def _decided_at_the_time(self, names: Collection[str]) -> list[str]:
        decisions = self.sides[1].pack.decisions
        return [
            name
            for name in self.names
            if name in names and decisions[name].governed_by == _WHEN_IT_HAPPENS
        ]

    def program(self) -> dict[str, Any]:
        """Return places and money as a part of the memo, nothing where neither side has any."""
        old, new = self.stretches[0].segments
        program = changed_program_as_json(old.pack.program, new.pack.program, (old.day, new.day))
        return {"program": program} if program else {}

    def findings(
        self, failing: Iterable[Failing], broken: Sequence[Mapping[str, Any]]
    ) -> list[str]:
        """Return what contradicts a pack, a sentence each.

        `failing` are the scenarios of the new pack that fail, and `broken` the memo's promises that
        are.
        """
        findings = [
            f"the invariant `{promise['promise']}` is broken"
            for promise in broken
            if not promise["lifted"]
        ]
        findings += [scenario.finding for scenario in failing]
        old, new = (side.pack for side in self.sides)
        findings += [
            f"the invariant `{promise['promise']}` of the old pack is weakened"
            for promise in broken
            if promise["lifted"] and promise["promise"] in new.invariants
        ]
        if old is not new:
            lifted = [name for name in old.invariants if name not in new.invariants]
            findings += [f"the invariant `{name}` of the old pack is removed" for name in lifted]
            findings += loosened(old, new, invariants=False)
        return findings

    def _sources(self) -> dict[str, Any]:
        """Return the title and the address of each source that the changes cite."""
        cited = {
            source
            for lines in (*self.redlines, *self.own_redlines)
            for change in lines.changes
            for source in (change.source, change.source_before)
            if source is not None
        }
        sources = {**self.sides[0].pack.sources, **self.sides[1].pack.sources}
        return {
            name: {"title": sources[name].title, "address": sources[name].address}
            for name in sorted(cited)
        }


def names_of(formal: tuple[Side, Side], wanted: Sequence[str]) -> list[str]:
    """Return the decisions to compare. Raises `RequestError` for one that neither side has."""
    packs = [side.program.pack for side in formal]
    for name in wanted:
        if not any(name in pack.decisions for pack in packs):
            formal[1].program.outcomes(name)
            raise RequestError(
                "unknown-decision",
                f"neither side has the decision `{name}`",
                fix="leave it out",
            )
    both = [name for name in packs[1].decisions if name in packs[0].decisions]
    return [name for name in both if not wanted or name in wanted]


def _side_as_json(side: ChangeSide, formal: Side) -> dict[str, Any]:
    return {
        "pack": side.pack.id,
        "title": side.pack.title,
        "day": side.day.isoformat(),
        "since": plain(side.pack.program.since),
        "until": plain(side.pack.program.until),
        "digest": formal.program.digest,
    }


def _change_as_json(change: Change, segments: tuple[Segment, Segment]) -> dict[str, Any]:
    """Return a change as the memo has it, a value with its name in words."""
    value = change.as_json()
    kind, _, name = change.what.partition(" ")
    packs = [segment.pack for segment in segments]
    labels = [pack.parameters[name].label for pack in packs if name in pack.parameters]
    return {**value, "label": labels[-1]} if kind == "parameter" and labels else value


def _clocks(segments: tuple[Segment, Segment]) -> list[dict[str, Any]]:
    """Return the clocks whose length differs."""
    changed = []
    for name in dict.fromkeys((*segments[0].clocks, *segments[1].clocks)):
        lengths = []
        for segment in segments:
            clock = segment.clocks.get(name)
            lengths.append(
                None
                if clock is None
                else format_amount(
                    segment.parameters[clock.length], segment.pack.parameters[clock.length].unit
                )
            )
        if lengths[0] != lengths[1]:
            changed.append({"clock": name, "before": lengths[0], "after": lengths[1]})
    return changed


def _decisions_read(segment: Segment, name: str) -> list[str]:
    return sorted(
        {
            part.decision
            for rule in segment.decisions[name].rules
            for part in tree.nodes(rule.condition)
            if isinstance(part, tree.OutcomeOf)
        }
    )
