"""Counts about people: which of them may be shown, and the chance around their rates.

Pure, and used by every report.
"""

from offramp.counts.beside import JointCount, places, shown_beside
from offramp.counts.intervals import (
    CountRange,
    Estimate,
    estimate_difference,
    estimate_rate,
    newcombe,
    wilson,
)
from offramp.counts.suppression import (
    LEAST,
    WIDTH,
    Balance,
    Suppression,
    Table,
    is_protected,
    suppress,
    total,
)

__all__ = [
    "LEAST",
    "WIDTH",
    "Balance",
    "CountRange",
    "Estimate",
    "JointCount",
    "Suppression",
    "Table",
    "estimate_difference",
    "estimate_rate",
    "is_protected",
    "newcombe",
    "places",
    "shown_beside",
    "suppress",
    "total",
    "wilson",
]
