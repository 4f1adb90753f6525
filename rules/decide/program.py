"""A program that decides: a compiled pack and its one public operation."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from rules.decide.compiled_pack import CompiledPack
from rules.decide.decision import Decision
from rules.decide.ruling import CaseFacts
from rules.input.facts import Facts


class Program(CompiledPack):
    """A pack ready to decide. `as_of` fixes the day whose rules apply."""

    def decide(self, name: str, facts: Mapping[str, Any] | Facts) -> Decision:
        """Decide `name` on `facts`, which are what `json.loads` returns or `Facts` read before.

        Raises `FactsError` for facts that contradict the vocabulary. Raises `RequestError` for a
        decision that no program knows or a day on which this program did not run. Unknown facts
        are never an error.
        """
        checked = facts if isinstance(facts, Facts) else self.read_to_decide(facts)
        # Not remembered by the case, so that both are freed as soon as nothing refers to them.
        decision = Decision(CaseFacts(self, checked), name)
        if decision.attested and decision.as_of is not None:
            self.refuse_day_outside(decision.as_of, str(decision.as_of_from))
        return decision

    def outcome(self, name: str, facts: Mapping[str, Any] | Facts) -> str | list[str] | None:
        """Return the outcome alone, for callers that decide thousands of cases."""
        return self.decide(name, facts).outcome

    def on(self, day: date) -> Program:
        """Return the same pack by the rules of one day."""
        return Program(self.pack, day)
