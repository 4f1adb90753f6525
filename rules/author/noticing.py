"""Which of a pack's scenarios notice a mistake in it.

A scenario is tried with a mistake only if its answer read something that the mistake may change.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from rules.author.scenarios import Scenario, decide_scenario, passes
from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.decide.ruling import Ruling
from rules.decide.walk import walk
from rules.errors import Refusal
from rules.frozen import cached_property, frozen
from rules.packs.pack import Rule
from rules.packs.resolve import rule_in_force
from rules.prove.mistakes import Mistake


@frozen
class _Case:
    """A scenario with its decision."""

    scenario: Scenario
    decision: Decision

    @cached_property
    def _expects_of_unknowns(self) -> bool:
        """True if the scenario expects what facts that aren't known could change."""
        if "would_bar" in self.scenario.expect:
            return True
        is_open = self.decision.status == "undetermined"
        return is_open and not {"needs", "next"}.isdisjoint(self.scenario.expect)

    def may_notice(self, mistake: Mistake) -> bool:
        """Return whether the mistake can change anything that the answer read."""
        case = self.decision.case
        rulings = {**case.rulings, self.decision.decision: self.decision}
        return any(self._may_differ(ruling, mistake) for ruling in rulings.values())

    def _may_differ(self, ruling: Ruling, mistake: Mistake) -> bool:
        if ruling.decision not in mistake.decisions and not (
            mistake.clocks and "clocks" in self.scenario.expect
        ):
            return False
        day = ruling.as_of
        if day is None:
            return True
        if (mistake.since or day) > day or (mistake.until is not None and day >= mistake.until):
            return False
        return (
            mistake.rule is None or ruling.attested or self._differs_in_rule(ruling, mistake, day)
        )

    def _differs_in_rule(self, ruling: Ruling, mistake: Mistake, day: date) -> bool:
        """Return whether the one rule that is other has another effect on this case."""
        assert mistake.rule is not None
        before, after = (
            _effect(pack.decisions[ruling.decision].rules.get(mistake.rule), ruling, day)
            for pack in (ruling.program.pack, mistake.pack)
        )
        return before != after or self._expects_of_unknowns


def _effect(rule: Rule | None, ruling: Ruling, day: date) -> tuple[str, bool | None] | None:
    """Return what a rule gives in a case: its outcome, surely or perhaps. None if nothing."""
    if rule is None or not rule.in_force(day):
        return None
    value = walk(rule_in_force(rule, day).condition, ruling.world)
    return None if value is False else (rule.then, value)


@frozen
class Settled:
    """What came of a mistake that no scenario notices.

    It is `equal`, since no case can differ, `missed` (with a scenario that notices it), or `open`
    (with why).
    """

    mistake: Mistake
    result: str
    scenario: Scenario | None = None
    why: str | None = None


class Noticing:
    """The scenarios of a pack, all of which hold."""

    def __init__(self, program: Program, scenarios: Iterable[Scenario]) -> None:
        self.program = program
        self._cases: list[_Case] = []
        for scenario in scenarios:
            self.add(scenario)

    def add(self, scenario: Scenario) -> None:
        """Add a scenario that holds."""
        try:
            decision = decide_scenario(self.program, scenario)
        except Refusal:  # as it expects: its facts are wrong in every version
            return
        passes(self.program, scenario)
        self._cases.append(_Case(scenario, decision))

    def noticing(self, mistake: Mistake) -> Scenario | None:
        """Return the first scenario that fails on the version with the mistake."""
        version: Program | None = None
        for case in self._cases:
            if case.may_notice(mistake):
                version = version or Program(mistake.pack)
                if not passes(version, case.scenario, case.decision.case.original):
                    return case.scenario
        return None
