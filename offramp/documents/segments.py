"""The day and the rules that a document shows, and what several documents say about them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from offramp.policy.program_status import IN_FORCE, NOT_YET, OVER, status_on
from rules.author.phrases import format_day
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


def segment_of(pack: Pack, as_of: str | None, today: date | None = None) -> Segment:
    """Return the rules on a day, or without one those in force today.

    A program that begins later has those of its first day, and one that is over those of its last.
    Without `today` too, they are those after the last change that the pack knows: a committed page
    stays as it is.
    Raises `RequestError` for a day on which the program did not run.
    """
    if as_of is None:
        return resolve(pack, last_change(pack) if today is None else newest_day(pack, today))
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


def newest_day(pack: Pack, today: date) -> date:
    """Return the first day of the rules of today, or of those nearest to it while the program runs.

    The rules stay the same from that day until today.
    """
    since, until = pack.program.since, pack.program.until
    nearest = today if since is None else max(today, since)
    if until is not None:
        nearest = min(nearest, until - timedelta(days=1))
    days = [day for day in (since, *pack.boundaries()) if day is not None and day <= nearest]
    return max(days, default=nearest)


def day_notice(segment: Segment, today: date | None) -> str:
    """Return what a reader of today must know about the day of the rules. Empty if nothing.

    The program isn't in force, the rules are those of another time, or other rules follow.
    """
    if today is None:
        return ""
    program, status = segment.pack.program, status_on(segment.pack.program, today)
    is_newest = newest_day(segment.pack, segment.day) == newest_day(segment.pack, today)
    sentences = []
    if status == NOT_YET and program.since is not None:
        sentences.append(f"Not in force yet: the program begins on {format_day(program.since)}.")
    if status == OVER and program.until is not None:
        last_day = format_day(program.until - timedelta(days=1))
        sentences.append(f"No longer in force: the last day of the program was {last_day}.")
    if status == IN_FORCE and not is_newest:
        day = format_day(segment.day)
        sentences.append(f"These are the rules of {day}, not those of today, {format_day(today)}.")
    elif status != IN_FORCE:
        which = "that day" if is_newest else format_day(segment.day)
        sentences.append(f"These are the rules of {which}.")
    if following := _next_change(segment, today):
        if status == IN_FORCE and is_newest:
            sentences.append(f"These are the rules of today, {format_day(today)}.")
        sentences.append(following)
    return " ".join(sentences)


def _next_change(segment: Segment, today: date) -> str:
    """Return what changes next after the rules of a segment, if that day is still to come."""
    until = segment.pack.program.until
    days = [*segment.pack.boundaries(), *([until] if until is not None else [])]
    day = min((day for day in days if day > segment.day), default=today)
    if day <= today:
        return ""
    if day == until:
        return f"The program ends: its last day is {format_day(day - timedelta(days=1))}."
    return f"From {format_day(day)}, other rules apply."


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
