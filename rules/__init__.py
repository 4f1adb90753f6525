"""Rules of diversion programs: read a pack, decide, explain, and list what is missing.

    >>> import rules
    >>> decision = rules.load("santa-fe").decide(
    ...     "eligibility", {"encounter": {"date": "2014-07-02"}}
    ... )
    >>> decision.status
    'undetermined'

Every refusal is a `Refusal` with a stable code. Each name is imported when it is first used, so
`import rules` alone loads almost nothing.
"""

from __future__ import annotations

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rules.decide.decision import Decision
    from rules.decide.program import Program
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

_MODULES = {
    "UNKNOWN": "rules.unknown",
    "Decision": "rules.decide.decision",
    "FactsError": "rules.errors",
    "PackError": "rules.errors",
    "Program": "rules.decide.program",
    "Refusal": "rules.errors",
    "RequestError": "rules.errors",
    "load": "rules.shelf",
}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used."""
    if name not in _MODULES:
        raise AttributeError(f"module `rules` has no attribute `{name}`")
    from importlib import import_module

    value = getattr(import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
