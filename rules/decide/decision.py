"""A decision: a ruling that explains itself when it is read."""

from __future__ import annotations

from rules.decide.doubts import list_doubts, list_offenses
from rules.decide.next_step import find_next_step
from rules.decide.observed import list_would_bar
from rules.decide.questions import list_needed
from rules.decide.reads import list_reads
from rules.decide.reasons import list_considered, list_reasons
from rules.decide.ruling import Ruling, reads_clocks

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Decision(Ruling):
    """The answer to one question on the facts of one case, with its reasons.

    `status`, `outcome`, and `possible` are as in `Ruling`. Everything else is worked out when it is
    first read.
    """

    @property
    def needed(self) -> list[dict[str, Any]]:
        """The questions to ask, and the role to ask. Sorted by path, empty when decided."""
        return list_needed(self)

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """The rules that gave the outcome, or the default.

        While undetermined, these are the rules that already apply.
        """
        return list_reasons(self)

    @property
    def offenses(self) -> list[dict[str, Any]]:
        """The fields of charges that the offense table fills in, or has otherwise than given."""
        return list_offenses(self)

    @property
    def considered(self) -> list[dict[str, Any]]:
        """Every rule in force with its value and the known facts that settled it."""
        return list_considered(self)

    @property
    def provisional(self) -> list[str]:
        """Everything the decision depends on that its sources leave doubtful."""
        return list_doubts(self)

    @property
    def would_bar(self) -> list[dict[str, Any]]:
        """The rules above the outcome that an observation could make true, with its facts."""
        return list_would_bar(self)

    @property
    def next(self) -> dict[str, str] | None:
        """The next step: `who` (a role) and `text`."""
        return find_next_step(self)

    @property
    def reads(self) -> dict[str, frozenset[str]]:
        """All that each rule in force reads, known or not, by the rule's id."""
        return list_reads(self)

    @property
    def obligations(self) -> list[str]:
        """The ids of the obligations that apply, or may apply, with the outcome."""
        if self.segment is None:
            return []
        return [
            obligation.id
            for obligation in self.rules_in_force.obligations
            if self.value(obligation.when) is not False
        ]

    @property
    def clocks(self) -> list[dict[str, Any]]:
        """Every clock of the program at `now`, for the decisions that read clocks."""
        if self.segment is None or not reads_clocks(self.program.pack, self.decision):
            return []
        segment = self.segment.segment
        return [self.case.clock(name, segment).as_json() for name in sorted(segment.clocks)]

    @property
    def pack(self) -> dict[str, str | None]:
        """The pack that decided: `id`, `digest`, `as_of`, and `as_of_from`."""
        program = self.program
        return {
            "id": program.pack.id,
            "digest": program.digest,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "as_of_from": self.as_of_from if self.as_of else None,
        }

    @property
    def facts_digest(self) -> str:
        """The digest of the facts as given.

        It never enters an exchange record, where the facts could be guessed from it.
        """
        return self.case.original.digest()

    def as_json(self, *, considered: bool = False) -> dict[str, Any]:
        """Return the decision as `schemas/decision.json` describes it, keys in that order."""
        value: dict[str, Any] = {
            "decision": self.decision,
            "status": self.status,
            "outcome": self.outcome,
            "possible": self.possible,
            "decided_by": self.decided_by,
            "next": self.next,
            "pack": self.pack,
            "reasons": self.reasons,
            "needed": self.needed,
            "obligations": self.obligations,
            "clocks": self.clocks,
            "provisional": self.provisional,
            "facts_digest": self.facts_digest,
        }
        if self.would_bar:
            value["would_bar"] = self.would_bar
        if self.offenses:
            value["offenses"] = self.offenses
        if considered:
            value["considered"] = self.considered
        return value
