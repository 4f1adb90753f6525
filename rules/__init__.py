"""Offramp's rules: read a program's pack, decide from it, explain, and say what is missing.

    >>> import rules
    >>> decision = rules.load("santa-fe").decide("eligibility", {"encounter": {"date": "2014-07-02"}})
    >>> decision.status
    'undetermined'

`evaluate` runs one expression of the wider CEL subset without a pack. Every refusal is a `Refusal` with a stable code.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rules.decide.decision import Decision, Program
from rules.errors import EvaluationError, FactsError, PackError, Refusal, RequestError
from rules.shelf import load
from rules.unknown import UNKNOWN

if TYPE_CHECKING:
    from rules.expression import evaluate

__all__ = [
    "UNKNOWN",
    "Decision",
    "EvaluationError",
    "FactsError",
    "PackError",
    "Program",
    "Refusal",
    "RequestError",
    "evaluate",
    "load",
]


def __getattr__(name: str) -> Any:
    """`evaluate` is imported when first asked for: a decision doesn't need the wider language."""
    if name == "evaluate":
        from rules.expression import evaluate

        return evaluate
    raise AttributeError(f"module `rules` has no attribute `{name}`")
