"""Do the promises hold after a change? Those of the new pack, and those that only the old one has.

A broken promise has the smallest case that breaks it. The rules have decided that case.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from rules.decide import explain
from rules.decide.search_space import SearchSpace
from rules.errors import PackError
from rules.frozen import frozen, replace
from rules.input.printing import plain
from rules.language import tree
from rules.packs.pack import Invariant
from rules.packs.resolve import Segment
from rules.prove.by_solver import Claim, prove_invariant, prove_pack
from rules.prove.laws import laws_of
from rules.prove.proof_cache import prove

_BROKEN, _OPEN, _PROVED, _IDLE = "refuted", "open", "proved", "idle"
_RANK = {_BROKEN: 0, _OPEN: 1, _PROVED: 2, _IDLE: 3}


@frozen
class Promises:
    """The promises on the new side: how many are proved, which are broken, and which are open.

    Of the proved ones, `laws` are those of all packs. `idle` are in force on no compared day.
    """

    proved: int
    broken: tuple[Mapping[str, Any], ...]
    open: tuple[Mapping[str, Any], ...]
    laws: int = 0
    idle: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the promises as the memo has them."""
        return {
            "proved": self.proved,
            "laws": self.laws,
            "idle": self.idle,
            "broken": list(self.broken),
            "open": list(self.open),
        }

    def with_proved(self, *, is_law: bool) -> Promises:
        """Return these promises with one more that is proved."""
        return replace(self, proved=self.proved + 1, laws=self.laws + is_law)

    def with_claim(
        self, invariant: Invariant, claim: Claim | None, is_lifted: bool, *, is_law: bool = False
    ) -> Promises:
        """Return these promises with one more, by what the solver says of it."""
        if claim is None or claim.result not in (_BROKEN, _OPEN, _PROVED):
            return self
        if claim.result == _BROKEN:
            return replace(self, broken=(*self.broken, _broken(invariant, claim, is_lifted)))
        if claim.result == _OPEN:
            entry = _open(invariant, claim.why or "it is not proved")
            return replace(self, open=(*self.open, entry))
        return self.with_proved(is_law=is_law)


def prove_promises(
    days: Sequence[tuple[Segment, Segment]],
    decisions: Iterable[str],
    seconds: float,
    refusal: PackError | None = None,
) -> Promises:
    """Prove on the new side what either side promises of these decisions.

    `days` has both sides on each compared day. One pack on two days has one set of promises, so
    only kept proofs are counted then. `refusal` is the error of a new pack that doesn't keep its
    own promises. Then all of them are proved on every day, and those that are not kept are named.
    Raises it if the solver finds none.
    """
    names = set(decisions)
    old, new = days[0]
    claims: dict[str, _Worst] = {}
    if refusal is not None:
        for claim in prove_pack(new.pack, seconds):
            claims.setdefault(claim.id, _Worst()).add(claim)
        if not any(worst.result == _BROKEN for worst in claims.values()):
            raise refusal
    settled = set(prove(new.pack).proved) if refusal is None else set[str]()
    spaces = [SearchSpace(segment) for _, segment in days]
    laws = {law.id for law in laws_of(new.pack)}
    promises = Promises(0, (), (), idle=_idle(days, names))
    for invariant, is_lifted in _promises(days):
        is_law = invariant.id in laws and not is_lifted
        if invariant.id in claims and not is_lifted:
            worst = claims[invariant.id]
            promises = promises.with_claim(invariant, worst.claim, is_lifted=False, is_law=is_law)
        elif invariant.decision not in names:
            continue
        # What `check` proves is kept, and a kept proof takes no time.
        elif not is_lifted and invariant.id in settled:
            promises = promises.with_proved(is_law=is_law)
        elif old.pack is new.pack:
            continue
        elif is_lifted and not _is_readable(invariant, old, new):
            lacking = _open(invariant, "the new pack lacks a name that it reads")
            promises = replace(promises, open=(*promises.open, lacking))
        else:
            worst = _Worst()
            for space in spaces:
                if invariant.in_force(space.segment.day) and worst.result != _BROKEN:
                    claim = prove_invariant(space, invariant, seconds)
                    worst.add(replace(claim, day=space.segment.day))
            promises = promises.with_claim(invariant, worst.claim, is_lifted, is_law=is_law)
    return promises


class _Worst:
    """The claim on a promise that says the worst of it, of those on several days."""

    def __init__(self) -> None:
        self.claim: Claim | None = None

    @property
    def result(self) -> str | None:
        """The result of the worst claim, None without any."""
        return None if self.claim is None else self.claim.result

    def add(self, claim: Claim) -> None:
        """Keep a claim if it says worse than the one that is kept."""
        if self.claim is None or _RANK[claim.result] < _RANK[self.claim.result]:
            self.claim = claim


def _promises(days: Sequence[tuple[Segment, Segment]]) -> Iterator[tuple[Invariant, bool]]:
    """Yield each promise, and whether only the old pack makes it, maybe under the same id.

    An ended one isn't among them.
    """
    old, new = (segment.pack for segment in days[0])

    def is_in_force(invariant: Invariant) -> bool:
        """Return whether a promise is made on one of the days."""
        return any(invariant.in_force(segment.day) for _, segment in days)

    for invariant in (*new.invariants.values(), *laws_of(new)):
        if is_in_force(invariant):
            yield invariant, False
    for invariant in old.invariants.values():
        kept = new.invariants.get(invariant.id)
        if (kept is None or _promise_text(kept) != _promise_text(invariant)) and is_in_force(
            invariant
        ):
            yield invariant, True


def _idle(days: Sequence[tuple[Segment, Segment]], decisions: Collection[str]) -> int:
    """Return how many promises of the new pack are in force on none of the days."""
    return sum(
        not any(invariant.in_force(segment.day) for _, segment in days)
        for invariant in days[0][1].pack.invariants.values()
        if invariant.decision in decisions
    )


def _promise_text(invariant: Invariant) -> tuple[Any, ...]:
    """Return what a promise says, without its words and its source."""
    parts = (
        None if part is None else tree.text(part) for part in (invariant.when, invariant.always)
    )
    return (invariant.decision, *parts, invariant.independent_of)


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
        "day": claim.day.isoformat(),
    }
    if claim.facts is not None:
        value["facts"] = plain(claim.facts)
        value["outcome"] = claim.outcome
        value["rules"] = list(claim.rules)
    return value if claim.why is None else {**value, "why": claim.why}


def _open(invariant: Invariant, why: str) -> dict[str, str]:
    return {"promise": invariant.id, "says": invariant.because, "why": why}
