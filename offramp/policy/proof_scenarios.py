"""Write the cases that refute invariants into a pack's scenarios.

They are added at the end of `scenarios.yaml`, so that its comments and its order stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from offramp.policy.scenario_files import append_items, refuse_shipped
from rules.author.scenarios import FILE, read_scenarios
from rules.input.printing import plain
from rules.language import tree
from rules.packs.pack import Invariant, Pack
from rules.shelf import find

if TYPE_CHECKING:
    from rules.prove.by_solver import Claim


def add_scenarios(name: str, pack: Pack, claims: Iterable[Claim]) -> list[str]:
    """Add a scenario for each claim that a case refutes, and return the ids of the new ones.

    One day of each claim is enough. A scenario that is there already is kept. Raises `RequestError`
    for a shipped pack, and for a file to which no scenario can be added.
    """
    refuse_shipped(name)
    path = find(name) / FILE
    taken = {scenario.id for scenario in read_scenarios(path.parent)} if path.exists() else set()
    items = [item for item in _items(pack, claims) if item["id"] not in taken]
    append_items(path, items)
    return [item["id"] for item in items]


def _items(pack: Pack, claims: Iterable[Claim]) -> Iterator[dict[str, Any]]:
    """Yield the first case of each refuted claim as a scenario."""
    seen: set[str] = set()
    for claim in claims:
        invariant = pack.invariants.get(claim.id)
        if claim.facts is None or invariant is None or claim.id in seen:
            continue
        seen.add(claim.id)
        yield {
            "id": f"against-{claim.id}"[:64],
            "says": f"A case that `offramp prove` found. {invariant.because}".strip(),
            "decision": claim.decision,
            "as_of": claim.day.isoformat(),
            "facts": plain(claim.facts),
            "expect": _expected(invariant, claim),
        }


def _expected(invariant: Invariant, claim: Claim) -> Mapping[str, Any]:
    """Return the outcome that the invariant asks for, or the one that breaks it."""
    match invariant.always:
        case tree.Compare("==", tree.OutcomeOf(name), tree.Constant(str() as outcome)) if (
            name == claim.decision
        ):
            return {"outcome": outcome}
    return {"outcome_not": claim.outcome}
