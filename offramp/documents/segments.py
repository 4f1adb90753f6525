"""The day and the rules that a document shows, and what several documents say about them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from rules.decide.program import Program
from rules.decide.wording import fill_in
from rules.packs.pack import Citation, Pack
from rules.packs.resolve import RuleInForce, Segment, resolve
from rules.prove.proof_cache import prove
from rules.shelf import day_of

PROVED = "proved"
TRIED = "tried"
PROMISES = (
    "The rules never break these promises. A person can decide otherwise, and the record says so."
)
PROVED_MEANS = "Proved: no case can break the promise."
TRIED_MEANS = "Tried: no case that the search tried breaks the promise."


def segment_of(pack: Pack, as_of: str | None) -> Segment:
    """Return the rules on a day, or after the last change that the pack knows.

    Raises `RequestError` for a day on which the program did not run.
    """
    if as_of is None:
        return resolve(pack, last_change(pack))
    day = day_of(as_of)
    Program(pack, day)  # refuses a day outside the program
    return resolve(pack, day)


def last_change(pack: Pack) -> date:
    """Return the last day on which anything in the pack changes while the program runs."""
    program = pack.program
    days = [day for day in (program.since, *pack.boundaries()) if day is not None]
    if program.until is not None:
        last_day = program.until - timedelta(days=1)
        days = [day for day in days if day <= last_day] or [last_day]
    return max(days)


def decisions_in_order(segments: Sequence[Segment]) -> list[str]:
    """Return the decisions of these programs: the vocabulary's in order, then a program's own."""
    names = dict.fromkeys(name for segment in segments for name in segment.decisions)
    shared = [name for name in segments[0].pack.vocabulary.decisions if name in names]
    return [*shared, *(name for name in names if name not in shared)]


def in_pack_order(segment: Segment, rules: Iterable[RuleInForce]) -> list[RuleInForce]:
    """Return the pack's own rules in the order of its file, then inherited ones."""
    return sorted(
        rules,
        key=lambda rule: (
            rule.rule.declared_in != segment.pack.id,
            rule.rule.place.line or 0,
            rule.rule.id,
        ),
    )


def reason(segment: Segment, rule: RuleInForce) -> str:
    """Return the rule's reason on the day, and those of its exceptions."""
    exceptions = [f"Except: {fill_in(segment, exemption.because)}" for exemption in rule.unless]
    return " ".join([fill_in(segment, rule.rule.because), *exceptions])


def cited(pack: Pack, citation: Citation) -> str:
    """Return the source's title, the place in it, and how far it can be trusted."""
    source = pack.sources[citation.id]
    at = f", {citation.at}" if citation.at else ""
    return f"{source.title}{at} ({source.confidence} confidence)"


def invariant_status(segment: Segment, invariant: str) -> str | None:
    """Return `proved` or `tried`, or None if the invariant is not in force on the day."""
    promised = segment.pack.invariants.get(invariant)
    if promised is None or not promised.in_force(segment.day):
        return None
    return PROVED if invariant in _proved(segment.pack) else TRIED


# A page asks for each invariant, and to find a pack's kept proof takes its digest.
_PROOFS: deque[tuple[Pack, frozenset[str]]] = deque(maxlen=32)


def _proved(pack: Pack) -> frozenset[str]:
    for proved_pack, invariants in _PROOFS:
        if proved_pack is pack:
            return invariants
    _PROOFS.append((pack, frozenset(prove(pack).proved)))
    return _PROOFS[-1][1]
