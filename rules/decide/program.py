"""A program that decides: a compiled pack and its one public operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from rules.decide.compiled_pack import CompiledPack
from rules.decide.decision import Decision
from rules.decide.ruling import CaseFacts
from rules.input.facts import Facts, typed_reader_of
from rules.input.json_text import parse_json
from rules.packs.pack import Pack

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rules.decide.complete import CompleteRules
    from rules.input.typed_facts import TypedReader

# The days whose programs a program remembers. One process asks about few days at a time.
_DAYS_KEPT = 32


class Program(CompiledPack):
    """A pack ready to decide. `as_of` fixes the day whose rules apply."""

    def __init__(self, pack: Pack, as_of: date | None = None) -> None:
        super().__init__(pack, as_of)
        self._complete: dict[str, CompleteRules] = {}
        # The outcome of usual complete facts, once many cases were decided.
        self._alone: dict[str, Callable[[Any], str | None]] = {}
        self._by_day: dict[date, Program] = {}

    def decide(self, name: str, facts: Mapping[str, Any] | Facts) -> Decision:
        """Decide `name` on `facts`, which are what `json.loads` returns or `Facts` read before.

        Raises `FactsError` for facts that contradict the vocabulary. Raises `RequestError` for a
        decision that no program knows or a day on which this program did not run. Unknown facts
        are never an error.
        """
        checked = facts if isinstance(facts, Facts) else None
        if checked is None:
            rules = self._complete.get(name) or self._find_complete(name)
            root = rules.reader.read(facts) if rules is not None else None
            if rules is None or root is None:
                checked = self.read(facts)
            else:
                return rules.decide(root) or self._decide_usual(name, rules.reader, root)
        return self._decide_checked(name, checked)

    def decide_text(self, name: str, text: str) -> Decision:
        """Decide `name` on the facts of a JSON text, as `decide` does on what `parse_json` returns.

        Raises `FactsError` for a text that is not JSON too.
        """
        rules = self._complete.get(name) or self._find_complete(name)
        root = rules.reader.read_text(text) if rules is not None else None
        if rules is None or root is None:
            return self.decide(name, parse_json(text))
        return rules.decide(root) or self._decide_usual(name, rules.reader, root)

    def _find_complete(self, name: str) -> CompleteRules | None:
        """Return the rules of a decision for complete facts, once many cases were decided."""
        reader = typed_reader_of(self.pack.vocabulary)
        if reader is None or name not in self.pack.decisions:
            return None
        from rules.decide.complete import CompleteRules  # few processes need it

        rules = self._complete[name] = CompleteRules(self, name, reader)
        return rules

    def _decide_usual(self, name: str, reader: TypedReader, root: Any) -> Decision:
        """Decide on usual facts that need more checks."""
        return self._decide_checked(name, self.checked(Facts(*reader.known(root))))

    def _decide_checked(self, name: str, checked: Facts) -> Decision:
        # Not remembered by the case, so that both are freed as soon as nothing refers to them.
        decision = Decision(CaseFacts(self, checked), name)
        if decision.attested and decision.as_of is not None:
            self.refuse_day_outside(decision.as_of, str(decision.as_of_from))
        return decision

    def outcome(self, name: str, facts: Mapping[str, Any] | Facts) -> str | list[str] | None:
        """Return the outcome alone, for callers that decide thousands of cases."""
        alone = self._alone.get(name)
        outcome = alone(facts) if alone is not None else None
        if outcome is not None:
            return outcome
        rules = self._complete.get(name)
        if rules is not None and alone is None:
            from rules.decide.outcome_alone import OutcomeAlone  # few processes need it

            self._alone[name] = OutcomeAlone(self, name).find
        if rules is not None and facts.__class__ is dict:
            root = rules.reader.read(facts)
            if root is not None:
                settlement = rules.settle(root)
                if settlement is not None:
                    return rules.outcome(settlement)
                return self._decide_usual(name, rules.reader, root).outcome
            return self._decide_checked(name, self.read(facts)).outcome
        return self.decide(name, facts).outcome

    def on(self, day: date) -> Program:
        """Return the same pack by the rules of one day: the same program for the same day."""
        program = self._by_day.get(day)
        if program is None:
            program = Program(self.pack, day)
            if len(self._by_day) == _DAYS_KEPT:
                self._by_day.clear()
            self._by_day[day] = program
        return program
