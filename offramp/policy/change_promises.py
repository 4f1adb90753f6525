"""Do the promises hold after a change? Those of the new pack, and those that only the old one has.

A broken promise has the smallest case that breaks it. The rules have decided that case.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rules.decide import explain
from rules.decide.search_space import SearchSpace
from rules.frozen import frozen
from rules.input.printing import plain
from rules.language import tree
from rules.packs.pack import Invariant
from rules.packs.resolve import Segment
from rules.prove.by_solver import Claim, prove_invariant
from rules.prove.laws import laws_of
from rules.prove.proof_cache import prove

_BROKEN, _OPEN, _PROVED = "refuted", "open", "proved"


@frozen
class Promises:
    """The promises on the new side: how many are proved, which are broken, and which are open."""

    proved: int
    broken: tuple[Mapping[str, Any], ...]
    open: tuple[Mapping[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        """Return the promises as the memo has them."""
        return {"proved": self.proved, "broken": list(self.broken), "open": list(self.open)}


def prove_promises(
    old: Segment, new: Segment, decisions: Iterable[str], seconds: float
) -> Promises:
    """Prove on the new side what either side promises of these decisions.

    One pack on two days has one set of promises, so only kept proofs are counted then.
    """
    names = set(decisions)
    space = SearchSpace(new)
    proved = 0
    broken, unsettled = [], []
    # What `check` proves is kept, and a kept proof takes no time.
    settled = set(prove(new.pack).proved)
    for invariant, is_lifted in _promises(old, new):
        if invariant.decision not in names:
            continue
        if not is_lifted and invariant.id in settled:
            proved += 1
            continue
        if old.pack is new.pack:
            continue
        if is_lifted and not _is_readable(invariant, old, new):
            unsettled.append(_open(invariant, "the new pack lacks a name that it reads"))
            continue
        claim = prove_invariant(space, invariant, seconds)
        if claim.result == _PROVED:
            proved += 1
        elif claim.result == _BROKEN:
            broken.append(_broken(invariant, claim, is_lifted))
        elif claim.result == _OPEN:
            unsettled.append(_open(invariant, claim.why or "it is not proved"))
    return Promises(proved, tuple(broken), tuple(unsettled))


def _promises(old: Segment, new: Segment) -> Iterator[tuple[Invariant, bool]]:
    """Yield each promise, and whether only the old pack has it. An ended one isn't among them."""
    for invariant in (*new.pack.invariants.values(), *laws_of(new.pack)):
        if invariant.in_force(new.day):
            yield invariant, False
    for invariant in old.pack.invariants.values():
        if invariant.id not in new.pack.invariants and invariant.in_force(new.day):
            yield invariant, True


def _is_readable(invariant: Invariant, old: Segment, new: Segment) -> bool:
    """Return whether the new side has everything that a promise of the old side names."""
    conditions = [part for part in (invariant.when, invariant.always) if part is not None]
    names = explain.names_of(conditions)
    facts_old, facts_new = old.pack.vocabulary.facts, new.pack.vocabulary.facts
    read = {path for condition in conditions for path in tree.facts_read(condition)}
    return (
        invariant.decision in new.decisions
        and all(name in new.parameters for name in names.parameters)
        and all(name in new.clocks for name in names.clocks)
        and all(name in new.decisions for name in names.decisions)
        and all(facts_old.get(path) == facts_new.get(path) for path in read)
    )


def _broken(invariant: Invariant, claim: Claim, is_lifted: bool) -> dict[str, Any]:
    value: dict[str, Any] = {
        "promise": invariant.id,
        "decision": invariant.decision,
        "says": invariant.because,
        "lifted": is_lifted,
    }
    if claim.facts is not None:
        value["facts"] = plain(claim.facts)
        value["outcome"] = claim.outcome
        value["rules"] = list(claim.rules)
    return value if claim.why is None else {**value, "why": claim.why}


def _open(invariant: Invariant, why: str) -> dict[str, str]:
    return {"promise": invariant.id, "says": invariant.because, "why": why}
