"""Write the cases that refute invariants into a pack's scenarios.

They are added at the end of `scenarios.yaml`, so that its comments and its order stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from offramp.policy.yaml_text import to_yaml
from rules.author.scenarios import read_scenarios
from rules.errors import RequestError
from rules.input.printing import plain, printable
from rules.input.yaml import read_text
from rules.language import tree
from rules.packs.pack import Invariant, Pack
from rules.shelf import find, shipped

if TYPE_CHECKING:
    from rules.prove.by_solver import Claim

FILE = "scenarios.yaml"


def refuse_shipped(name: str) -> None:
    """Raise `RequestError` for a shipped pack."""
    if name in shipped():
        raise RequestError(
            "usage",
            f"`{name}` is a shipped pack, and its scenarios stay as they are",
            fix="name the folder of a pack of your own",
        )


def add_scenarios(name: str, pack: Pack, claims: Iterable[Claim]) -> list[str]:
    """Add a scenario for each claim that a case refutes, and return the ids of the new ones.

    One day of each claim is enough. A scenario that is there already is kept. Raises `RequestError`
    for a shipped pack, and for a file to which no scenario can be added.
    """
    refuse_shipped(name)
    path = find(name) / FILE
    taken = {scenario.id for scenario in read_scenarios(path.parent)} if path.exists() else set()
    items = [item for item in _items(pack, claims) if item["id"] not in taken]
    added = "".join(f"\n{to_yaml([item])}\n" for item in items)
    try:
        before = path.read_text("utf-8") if path.exists() else ""
        if added and before and not before.endswith("\n"):
            added = f"\n{added}"
        read_text(before + added, FILE).items("the scenarios") if added else None
        with path.open("a", encoding="utf-8") as file:
            file.write(added if before else added.lstrip("\n"))
    except OSError as error:
        reason = (error.strerror or "the system refused").lower()
        raise RequestError(
            "no-output",
            f"`{printable(path)}` can't be written: {reason}",
            fix="check the folder's permissions",
        ) from None
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
