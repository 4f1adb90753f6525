"""Score a pack's scenarios: how many small mistakes in the pack do they notice?

Scenarios run first. What none of them notices goes to the solver. A mistake that changes no answer
is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from rules.author.noticing import Noticing, Settled
from rules.author.scenarios import Scenario
from rules.decide.program import Program
from rules.frozen import frozen
from rules.packs.pack import Pack
from rules.prove.mistakes import mistakes_of

EXTRA = "pip install -c constraints.txt '.[prove]'"


@frozen
class MutantScore:
    """How many mistakes were made, how many the scenarios notice, and the others."""

    made: int
    noticed: int
    settled: tuple[Settled, ...]

    def of(self, result: str) -> list[Settled]:
        """Return the mistakes with a result: `equal`, `missed`, or `open`."""
        return [settled for settled in self.settled if settled.result == result]

    @property
    def missing(self) -> tuple[Scenario, ...]:
        """The scenarios that would notice what is missed, each once."""
        scenarios = (settled.scenario for settled in self.settled if settled.scenario is not None)
        return tuple({scenario.id: scenario for scenario in scenarios}.values())


def try_mistakes(
    program: Program, parent: Pack | None, scenarios: Sequence[Scenario]
) -> MutantScore:
    """Make each small mistake in a pack whose scenarios hold. `parent` is the pack it extends.

    Without the solver, what no scenario notices is open.
    """
    mistakes = list(mistakes_of(program.pack, parent))
    noticing = Noticing(program, scenarios)
    left = [mistake for mistake in mistakes if noticing.noticing(mistake) is None]
    if not left:
        settled: tuple[Settled, ...] = ()
    elif find_spec("z3") is None:
        why = f"not settled without the extra: {EXTRA}"
        settled = tuple(Settled(mistake, "open", why=why) for mistake in left)
    else:
        from rules.author.missing_scenarios import Settling

        settled = tuple(Settling(program, scenarios).settle(left))
    return MutantScore(len(mistakes), len(mistakes) - len(left), settled)
