"""The effects of a correction or a recall before anything is sent: holders, and decisions. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import deciding_agencies
from offramp.agency.cases.outdated import FactsRead
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.frozen import frozen
from rules.shelf import vocabulary


@frozen
class RestingDecision:
    """A decision that reads what changes: the agencies that work it out, and a person's decision.

    Only agencies that learn of the change work a decision out anew, and only they are asked to
    decide again. `outcome`, `by`, and `agency` are those of the decision that a person made there,
    as far as it is known here, None otherwise.
    """

    decision: str
    worked_out_at: tuple[str, ...]
    outcome: str | None
    by: str | None
    agency: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the decision's JSON in `offramp agency correct`."""
        return {
            "decision": self.decision,
            "worked_out_at": list(self.worked_out_at),
            "outcome": self.outcome,
            "by": self.by,
            "agency": self.agency,
        }


def decisions_that_read(
    working_set: WorkingSet,
    program: Program,
    handle: str,
    case: Case,
    names: Mapping[str, Collection[str]],
    now: int,
) -> tuple[RestingDecision, ...]:
    """Return the decisions of the program whose rules read one of these facts.

    `names` has the agencies that learn of the change of each fact. A decision is among them if it
    can't be told what it reads. `now` is in seconds since 1970.
    """
    facts = frozenset(names)
    reads = FactsRead(working_set, program, handle, case, now)
    resting = []
    for decision, terms in vocabulary().decisions.items():
        if terms.decided_by == "hub" or decision not in program.pack.decisions:
            continue
        read = reads.of(decision)
        concerned = facts if read is None else facts & read
        if not concerned:
            continue
        learn = {agency for name in concerned for agency in names[name]}
        worked_out_at = tuple(
            agency for agency in deciding_agencies(working_set, decision) if agency in learn
        )
        entry = case.determined.get(decision)
        made = entry.determined if entry is not None and entry.by in learn else None
        if not worked_out_at and made is None:
            continue
        resting.append(
            RestingDecision(
                decision,
                worked_out_at,
                str(made["outcome"]) if made else None,
                str(made["by"]) if made else None,
                entry.by if entry is not None and made else None,
            )
        )
    return tuple(resting)
