"""The command `prove`: print what the solver found of each invariant."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from offramp.policy import operations
from offramp.policy.check_text import refusal_as_json, refusal_lines
from offramp.terminal import print_json, print_text
from rules.errors import PackError
from rules.input.printing import plain

if TYPE_CHECKING:
    from rules.prove.by_solver import Claim

_RESULTS = ("proved", "idle", "open", "refuted")


def prove(options: argparse.Namespace) -> int:
    """Prove packs. Exit code 2 for a bad one, else 1 if one is refuted, else 3 if one is open."""
    results: dict[str, Any] = {}
    found: set[str] = set()
    for name in options.packs or operations.list_packs():
        try:
            claims = list(operations.prove_pack(name, claims=options.claim, seconds=options.limit))
        except PackError as refusal:
            found.add("refused")
            results[name] = refusal_as_json(refusal)
            lines = refusal_lines(name, refusal)
        else:
            found |= {claim.result for claim in claims}
            results[name] = {"claims": [_claim_as_json(claim) for claim in claims]}
            lines = _claim_lines(name, claims)
        if not options.json:
            print_text("\n".join(lines))
    if options.json:
        print_json(results, indent=2)
    return next((code for result, code in _CODES if result in found), 0)


_CODES = (("refused", 2), ("refuted", 1), ("open", 3))


def _claim_as_json(claim: Claim) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": claim.id,
        "day": claim.day.isoformat(),
        "result": claim.result,
        "bound": {"complete": claim.is_complete, "lists": dict(claim.lengths)},
        "seconds": round(claim.seconds, 3),
    }
    if claim.facts is not None:
        value |= {"facts": plain(claim.facts), "outcome": claim.outcome}
    if claim.why is not None:
        value["why"] = claim.why
    return value


def _claim_lines(name: str, claims: Sequence[Claim]) -> Iterator[str]:
    """Yield one line that counts, and one for each invariant that is not proved, once."""
    counts = Counter(claim.result for claim in claims)
    counted = ", ".join(f"{counts[result]} {result}" for result in _RESULTS if counts[result])
    invariants = len({claim.id for claim in claims})
    days = len({claim.day for claim in claims})
    stretches = "one stretch" if days == 1 else f"{days} stretches"
    yield f"{name}: {invariants} invariants on {stretches} of days: {counted or 'none'}"
    told: set[tuple[str, str]] = set()
    for claim in claims:
        if claim.result == "proved" or (claim.id, claim.result) in told:
            continue
        told.add((claim.id, claim.result))
        yield f"{name}: `{claim.id}` from {claim.day}: {_why(claim)}"


def _why(claim: Claim) -> str:
    match claim.result:
        case "refuted":
            facts = json.dumps(plain(claim.facts), sort_keys=True)
            return f"refuted: `{claim.outcome}` for `{facts}`"
        case "idle":
            return "no case meets its `when` on these days, so it says nothing"
    return f"open: {claim.why}"
