"""An answer as JSON, with what its reader must know beside it."""

from __future__ import annotations

from datetime import date

from offramp.policy.law_age import age_member
from offramp.policy.local_packs import local_member
from rules.decide.decision import Decision

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def answer_as_json(decision: Decision, today: date, *, considered: bool = False) -> dict[str, Any]:
    """Return an answer with its local packs, and its sources that are old on `today`."""
    return (
        decision.as_json(considered=considered)
        | local_member(decision.program.pack)
        | age_member(decision, today)
    )
