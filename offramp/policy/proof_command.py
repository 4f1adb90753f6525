"""The command `prove`: print what the solver found of each invariant."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from offramp.policy import operations
from offramp.policy.check_text import refusal_as_json, refusal_lines
from offramp.policy.progress import waiting
from offramp.terminal import print_json, print_text
from rules.author.case_words import case_in_words
from rules.errors import PackError
from rules.input.printing import plain
from rules.shelf import english

if TYPE_CHECKING:
    from offramp.policy.operations import PackProof
    from rules.prove.by_solver import Claim

_RESULTS = ("proved", "idle", "open", "refuted")


def prove(options: argparse.Namespace) -> int:
    """Prove packs. Exit code 2 for a bad one, else 1 if one is refuted, else 3 if one is open."""
    results: dict[str, Any] = {}
    found: set[str] = set()
    names = options.packs or operations.list_packs()
    if options.as_scenario:
        from offramp.policy.scenario_files import refuse_shipped

        for name in names:  # before any proof, which may take long
            refuse_shipped(name)
    for name in names:
        try:
            with waiting(sys.stderr, f"proving {name}"):
                proof = operations.prove_pack(name, claims=options.claim, seconds=options.limit)
        except PackError as refusal:
            found.add("refused")
            results[name] = refusal_as_json(name, refusal)
            lines = refusal_lines(name, refusal)
        else:
            found |= {claim.result for claim in proof.claims}
            results[name] = {
                "claims": [_claim_as_json(name, proof, claim) for claim in proof.claims],
                "stricter": [_claim_as_json(name, proof, claim) for claim in proof.stricter],
            }
            lines = _claim_lines(name, proof)
            if options.as_scenario:
                from offramp.policy.proof_scenarios import add_scenarios

                added = add_scenarios(name, proof.pack, proof.claims)
                results[name]["scenarios"] = added
                lines = chain(lines, (f"{name}: added the scenario `{each}`" for each in added))
        if not options.json:
            print_text("\n".join(lines))
    if options.json:
        print_json(results, indent=2)
    return next((code for result, code in _CODES if result in found), 0)


_CODES = (("refused", 2), ("refuted", 1), ("open", 3))


def _claim_as_json(name: str, proof: PackProof, claim: Claim) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": claim.id,
        "decision": claim.decision,
        "declared_in": claim.declared_in,
        "day": claim.day.isoformat(),
        "result": claim.result,
        "bound": {"complete": claim.is_complete, "lists": dict(claim.lengths)},
        "seconds": round(claim.seconds, 3),
    }
    if claim.facts is not None:
        value |= {"facts": plain(claim.facts), "outcome": claim.outcome}
        value["rules"] = list(claim.rules)
        base = operations.answer_of_base(name, proof, claim)
        if base is not None:
            value["base"] = {"pack": proof.pack.extends, "outcome": base}
    if claim.why is not None:
        value["why"] = claim.why
    return value


def _claim_lines(name: str, proof: PackProof) -> Iterator[str]:
    """Yield one line that counts, and one for each result of an invariant that is not proved."""
    from rules.prove.by_solver import NEVER_IN_FORCE

    claims = proof.claims
    counts = Counter(claim.result for claim in claims)
    counted = ", ".join(f"{counts[result]} {result}" for result in _RESULTS if counts[result])
    invariants = {claim.id for claim in claims if claim.declared_in is not None}
    laws = {claim.id for claim in claims} - invariants
    days = len({claim.day for claim in claims if claim.why != NEVER_IN_FORCE})
    stretches = "one stretch" if days == 1 else f"{days} stretches"
    of_all = f" and {_count(len(laws), 'law')} of all packs" if laws else ""
    yield (
        f"{name}: {_count(len(invariants), 'invariant')}{of_all} on {stretches} of days: "
        f"{counted or 'none'}"
    )
    unproved: dict[tuple[str, str], list[Claim]] = {}
    for claim in claims:
        if claim.result != "proved":
            unproved.setdefault((claim.id, claim.result), []).append(claim)
    for (claim_id, _), same in unproved.items():
        since = ", ".join(str(claim.day) for claim in same)
        yield f"{name}: `{claim_id}` from {since}: {_why(name, proof, same[0])}"
    for claim_id in proof.in_file:
        results = {claim.result for claim in claims if claim.id == claim_id}
        if results == {"proved"}:
            yield f"{name}: `{claim_id}` holds on all its days: proved"
    yield from _stricter_lines(name, proof)


def _stricter_lines(name: str, proof: PackProof) -> Iterator[str]:
    """Yield what consent opens: whether a test result or a relapse may reach police or prosecutors.

    The laws of all packs forbid it without consent alone.
    """
    from rules.prove.laws import STRICTER

    what = "a test result or a relapse"
    for role, reader in (("police", "the police"), ("prosecutor", "prosecutors")):
        own = [claim for claim in proof.stricter if claim.id == f"{STRICTER}{role}"]
        opened = [claim for claim in own if claim.result == "refuted"]
        if opened:
            rules = ", ".join(f"`{rule}`" for rule in opened[0].rules)
            yield (
                f"{name}: with the person's consent, {what} may reach {reader}: `disclosure` is "
                f"`{opened[0].outcome}` by {rules} from {opened[0].day}"
            )
        elif any(claim.result == "open" for claim in own):
            yield f"{name}: whether {what} may reach {reader} with consent is open"
        elif own:
            yield f"{name}: {what} never reaches {reader}, with consent either"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _why(name: str, proof: PackProof, claim: Claim) -> str:
    match claim.result:
        case "refuted" if claim.facts is None:
            return f"refuted: {claim.why}"
        case "refuted" if claim.facts is not None:
            facts = case_in_words(claim.facts, proof.pack, english())
            rules = ", ".join(f"`{rule}`" for rule in claim.rules)
            base = operations.answer_of_base(name, proof, claim)
            by_base = f"; `{proof.pack.extends}` answers `{base}`" if base is not None else ""
            return f"refuted: `{claim.outcome}` by {rules} where {facts}{by_base}"
        case "idle" if claim.why is not None:
            return f"{claim.why}, so it says nothing"
        case "idle":
            return "no case meets its `when` on these days, so it says nothing"
    return f"open: {claim.why}"
