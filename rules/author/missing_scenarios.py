"""Settle each mistake that no scenario notices: prove that no case can differ, or find one.

The solver finds the case. Both versions decide it before it counts, and it is made as small and as
plain as it can be. A case that is found may notice other mistakes too.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from rules.author.noticing import Noticing, Settled
from rules.author.plain_case import Shows, UsualValues, plain_case
from rules.author.scenarios import Scenario
from rules.decide.decision import Decision
from rules.decide.moments import local
from rules.decide.program import Program
from rules.decide.ruling import CaseFacts, reads_clocks
from rules.decide.scene_day import DAY
from rules.decide.search_space import SearchSpace, SharedConditions
from rules.errors import Place, Refusal
from rules.input.printing import plain
from rules.input.values import read_instant
from rules.input.vocabulary import nested
from rules.packs.pack import Clock
from rules.packs.resolve import resolve
from rules.prove.mistakes import Mistake
from rules.prove.two_versions import Versions

OWN_ANSWER = "This pack's own answer is taken as right."
_SECOND = timedelta(seconds=1)
_KEPT = (("encounter", "date"), ("now",))


class Settling:
    """Settles the mistakes of one pack that no scenario notices."""

    def __init__(self, program: Program, scenarios: Sequence[Scenario]) -> None:
        self.program = program
        self._usual = UsualValues(scenario.facts for scenario in scenarios)
        self._names = {scenario.id for scenario in scenarios}
        self._shared = SharedConditions()
        self._new = Noticing(program, ())
        self._boundaries = program.pack.boundaries()

    def settle(self, mistakes: Iterable[Mistake]) -> Iterator[Settled]:
        """Yield what came of each mistake."""
        left = []
        for mistake in mistakes:
            settled = self._by_found(mistake) or self._by_clock(mistake)
            if settled is not None:
                yield settled
            else:
                left.append(_Left(mistake, self._questions(mistake)))
        while left:
            groups: dict[tuple[int, str], list[_Left]] = {}
            for entry in left:
                groups.setdefault(entry.questions[0][:2], []).append(entry)
            # The largest group first: a case of it often shows mistakes of others.
            (_, decision), group = max(groups.items(), key=lambda item: len(item[1]))
            for entry, settled in self._settle_group(decision, group):
                if settled is not None:
                    left.remove(entry)
                    yield settled

    def _settle_group(
        self, decision: str, group: Sequence[_Left]
    ) -> Iterator[tuple[_Left, Settled | None]]:
        """Ask one question of each, by one solver. None where another question is left."""
        asked = []
        for entry in group:
            settled = self._by_found(entry.mistake)
            if settled is not None:
                yield entry, settled
            else:
                asked.append(entry)
        if not asked:
            return
        first = self._first_day(asked[0].questions[0][0])
        space = SearchSpace(resolve(self.program.pack, first), self._shared)
        days = [entry.questions[0][2] for entry in asked]
        others = [
            (resolve(entry.mistake.pack, day), self._until(entry.mistake, day))
            for entry, day in zip(asked, days, strict=True)
        ]
        versions = Versions(space, decision, others)
        for index, entry in enumerate(asked):
            mistake, day = entry.mistake, entry.questions.pop(0)[2]
            settled = self._by_found(mistake)
            if settled is None:
                difference = versions.difference(index)
                if difference.result == "differs":
                    scenario = self._scenario(mistake, decision, day, versions.candidates(index))
                    if scenario is not None:
                        settled = Settled(mistake, "missed", scenario)
                    else:
                        entry.doubt = "no case that the solver found differs by the rules"
                elif difference.result == "open":
                    entry.doubt = difference.why
                if settled is None and not entry.questions:
                    result = "equal" if entry.doubt is None else "open"
                    settled = Settled(mistake, result, why=entry.doubt)
            yield entry, settled

    def _by_found(self, mistake: Mistake) -> Settled | None:
        scenario = self._new.noticing(mistake)
        return Settled(mistake, "missed", scenario) if scenario is not None else None

    # Days

    def _questions(self, mistake: Mistake) -> list[tuple[int, str, date]]:
        """Return each stretch of days and decision in which versions may differ, with a day.

        The latest days are first.
        """
        days = self._days(mistake)
        return [
            (bisect_right(self._boundaries, day), decision, day)
            for decision in mistake.decisions
            for day in days
        ]

    def _days(self, mistake: Mistake) -> list[date]:
        program = self.program.pack.program
        begins = max(mistake.since or date.min, program.since or date.min)
        ends = min(mistake.until or date.max, program.until or date.max)
        inside = [day for day in self._boundaries if begins < day < ends]
        return [day for day in reversed([begins, *inside]) if day < ends]

    def _until(self, mistake: Mistake, day: date) -> date:
        """Return the first day after `day` on which other rules or other mistakes apply."""
        bounds = (*self._boundaries, mistake.until or date.max, self.program.pack.program.until)
        return min((bound for bound in bounds if bound and bound > day), default=date.max)

    def _first_day(self, index: int) -> date:
        first = self.program.pack.program.since or date.min
        return max(first, self._boundaries[index - 1]) if index else first

    # Scenarios

    def _scenario(
        self, mistake: Mistake, decision: str, day: date, candidates: Iterator[dict[str, Any]]
    ) -> Scenario | None:
        """Return the smallest case that shows a mistake, decided by both versions."""
        program, version, as_of = self.program, Program(mistake.pack), None
        if program.pack.decisions[decision].governed_by == "as_of":
            program, version, as_of = program.on(day), version.on(day), day.isoformat()
        for candidate in candidates:
            for facts in self._in_time(decision, day, candidate, version):
                answer, other = (
                    _decided(program, decision, facts),
                    _decided(version, decision, facts),
                )
                if answer is None or other is None or answer == other:
                    continue
                shows = _gives(decision, (program, answer), (version, other))
                facts = plain_case(facts, shows, self._usual, _KEPT)
                expect = {"status": "decided", "outcome": answer}
                return self._new_scenario(mistake, decision, as_of, facts, expect, other)
        return None

    def _in_time(
        self, decision: str, day: date, facts: dict[str, Any], version: Program
    ) -> Iterator[dict[str, Any]]:
        """Yield the facts with the governing day, and then with `now` at the ends of clocks."""
        pack = self.program.pack
        governed_by = pack.decisions[decision].governed_by
        if governed_by == "now":
            facts = {"now": _noon(day, pack.time_zone), **facts}
        elif governed_by == DAY and "at" not in facts.get("encounter", {}):
            encounter = {"date": day.isoformat(), **facts.get("encounter", {})}
            facts = {**facts, "encounter": encounter}
        facts = _tidy(facts)
        yield facts
        if not reads_clocks(pack, decision):
            return
        for program in (self.program, version):
            for reading in _readings(program, decision, facts).values():
                due = read_instant(str(reading["due"]))
                for now in (due, due + _SECOND) if due is not None else ():
                    yield {**facts, "now": plain(now)}

    def _new_scenario(
        self,
        mistake: Mistake,
        decision: str,
        as_of: str | None,
        facts: Mapping[str, Any],
        expect: Mapping[str, Any],
        other: Any,
    ) -> Scenario:
        says = f"{OWN_ANSWER} It would be {_in_words(other)} if {mistake.says}."
        scenario = Scenario(
            self._new_name(mistake.where), says, decision, as_of, facts, expect, Place()
        )
        self._new.add(scenario)
        return scenario

    def _new_name(self, where: str) -> str:
        stem = "auto-" + where.replace("_", "-").replace(".", "-")
        name, number = stem, 1
        while name in self._names:
            number += 1
            name = f"{stem}-{number}"
        self._names.add(name)
        return name

    # Clocks

    def _by_clock(self, mistake: Mistake) -> Settled | None:
        """Settle a mistake in a clock by a case at the end of its time, if there is one."""
        pack = self.program.pack
        for name in mistake.clocks:
            for decision in pack.decisions:
                if not reads_clocks(pack, decision):
                    continue
                for day in self._days(mistake):
                    scenario = self._clock_scenario(mistake, name, decision, day)
                    if scenario is not None:
                        return Settled(mistake, "missed", scenario)
        if not mistake.clocks or mistake.decisions:
            return None
        ways = [
            {_way(pack.clocks.get(name)) for pack in (pack, mistake.pack)}
            for name in mistake.clocks
        ]
        if all(len(way) == 1 for way in ways):
            return Settled(mistake, "equal")
        return Settled(mistake, "open", why="no case was found at the end of the clock's time")

    def _clock_scenario(
        self, mistake: Mistake, name: str, decision: str, day: date
    ) -> Scenario | None:
        """Return a case a second after the clock ends in one version and not in the other."""
        pack, version = self.program.pack, Program(mistake.pack)
        clock = pack.clocks[name]
        now = read_instant(_noon(day, pack.time_zone))
        assert now is not None
        start = now
        for _ in range(4):
            case = _at(clock.start, start, now)
            ends = [
                end
                for program in (self.program, version)
                if (reading := _readings(program, decision, case).get(name)) is not None
                and (end := read_instant(str(reading["due"]))) is not None
            ]
            if not ends:
                return None
            end = min(ends) + _SECOND
            case = _at(clock.start, start, end)
            statuses = [
                _readings(program, decision, case).get(name, {}).get("status")
                for program in (self.program, version)
            ]
            local_day = local(end, pack.time_zone).date()
            if statuses[0] != statuses[1] and statuses[0] is not None and local_day == day:
                expect = {"clocks": {name: statuses[0]}}
                return self._new_scenario(mistake, decision, None, case, expect, statuses[1])
            # So that the time ends on the day in question.
            start += timedelta(days=(day - local_day).days)
        return None


_REFUSED = "refused"


@dataclass(eq=False, slots=True)
class _Left:
    """A mistake with the questions that are left, and why one could not be answered."""

    mistake: Mistake
    questions: list[tuple[int, str, date]]
    doubt: str | None = None


def _gives(decision: str, *answers: tuple[Program, str]) -> Shows:
    """Return a test of whether each program decides a case with the same answer as here."""
    return lambda case: all(
        _decided(program, decision, case) == answer for program, answer in answers
    )


def _decided(program: Program, decision: str, facts: Mapping[str, Any]) -> Any:
    """Return the outcome, None while it is undetermined, and `refused` for no case at all."""
    try:
        answer = Decision(CaseFacts(program, program.read(facts)), decision)
    except Refusal:
        return _REFUSED
    return answer.outcome if answer.status == "decided" else None


def _readings(
    program: Program, decision: str, facts: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Return the reading of each clock, none if there is no such case."""
    try:
        clocks = program.decide(decision, facts).clocks
    except Refusal:
        return {}
    return {reading["clock"]: reading for reading in clocks}


def _at(event: str, moment: datetime, now: datetime) -> dict[str, Any]:
    return nested({event: plain(moment), "now": plain(now)})


def _tidy(value: Any) -> Any:
    """Return facts as a file has them: whole seconds, and no decimals that say nothing."""
    if isinstance(value, dict):
        return {name: _tidy(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_tidy(inner) for inner in value]
    if isinstance(value, Decimal):
        return int(value) if value == int(value) else value
    if isinstance(value, str) and "T" in value and value[:4].isdigit():
        return plain(datetime.fromisoformat(value).astimezone(UTC).replace(microsecond=0))
    return value


def _noon(day: date, time_zone: str) -> str:
    noon = datetime.combine(day, time(12), ZoneInfo(time_zone))
    text: str = plain(noon.astimezone(UTC))
    return text


def _way(clock: Clock | None) -> tuple[Any, ...] | None:
    """Return all of a clock that its states depend on, beside its length."""
    if clock is None:
        return None
    return clock.start, clock.stop, clock.repeats, clock.length, clock.tolling, clock.counts


def _in_words(outcome: Any) -> str:
    if outcome is None:
        return "undetermined"
    if isinstance(outcome, list):
        return ", ".join(f"`{each}`" for each in outcome)
    return f"`{outcome}`"
