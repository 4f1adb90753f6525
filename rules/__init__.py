"""Offramp's rules: read a program's pack, decide from it, explain, and say what is missing.

    >>> import rules
    >>> decision = rules.load("santa-fe").decide("eligibility", {"encounter": {"date": "2014-07-02"}})
    >>> decision.status
    'undetermined'

Every refusal is a `Refusal` with a stable code.
"""

from __future__ import annotations

from rules.decide.decision import Decision, Program
from rules.errors import FactsError, PackError, Refusal, RequestError
from rules.shelf import load
from rules.unknown import UNKNOWN

__all__ = [
    "UNKNOWN",
    "Decision",
    "FactsError",
    "PackError",
    "Program",
    "Refusal",
    "RequestError",
    "load",
]
