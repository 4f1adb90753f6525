"""The age of a pack's sources: which were not checked within a year, and which an answer rests on.

A source is a copy of law or practice on the day on which somebody last compared it with the pack
(`checked`). The day of asking is an argument, so that the same facts on the same day give the same
answer. A source without such a day is one that nobody is known to have checked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date

from rules.decide.decision import Decision
from rules.decide.moments import months_later
from rules.packs.pack import Pack, Source

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_A_YEAR = 12  # months


def is_stale(source: Source, today: date) -> bool:
    """Return whether a source was last checked over a year ago, or on no known day."""
    return source.checked is None or source.checked < months_later(today, -_A_YEAR)


def stale_sources(pack: Pack, today: date) -> tuple[Source, ...]:
    """Return the stale sources of a pack and its parents, those of no known day first."""
    return _by_age(source for source in pack.sources.values() if is_stale(source, today))


def stale_sources_of(decision: Decision, today: date) -> tuple[Source, ...]:
    """Return the stale sources that an answer rests on.

    Those are the sources of its reasons, of the values and offenses that counted, and, while it is
    undetermined, of the rules that are still open.
    """
    sources = decision.program.pack.sources
    stale = _stale_names(decision.program.pack, today)
    if not stale:
        return ()
    return _by_age(sources[name] for name in sorted(stale & set(_cited(decision))))


def _stale_names(pack: Pack, today: date) -> frozenset[str]:
    """Return the ids of a pack's stale sources, which the pack keeps for the day last asked for."""
    kept: tuple[date, frozenset[str]] | None = pack.__dict__.get("_stale")
    if kept is None or kept[0] != today:
        names = (name for name, source in pack.sources.items() if is_stale(source, today))
        kept = pack.__dict__["_stale"] = (today, frozenset(names))
    return kept[1]


def oldest_check(pack: Pack) -> date | None:
    """Return the day before which no source of the pack was last checked.

    None if a source has no such day.
    """
    days = [source.checked for source in pack.sources.values()]
    known = [day for day in days if day is not None]
    return min(known) if known and len(known) == len(days) else None


def _cited(decision: Decision) -> Iterator[str]:
    """Yield the ids of the sources that an answer cites."""
    for reason in decision.reasons:
        yield from _cited_by(reason)
        for inner in reason.get("because", {}).values():
            for inner_reason in inner:
                yield from _cited_by(inner_reason)
    for entry in decision.offenses:
        yield from _source_id(entry)
    if decision.status == "undetermined" and decision.segment is not None:
        open_rules = {entry.get("rule") for entry in decision.needed}
        for in_force in decision.rules_in_force.rules:
            if in_force.rule.id in open_rules:
                yield in_force.rule.source.id


def _cited_by(reason: Mapping[str, Any]) -> Iterator[str]:
    yield from _source_id(reason)
    for value in reason.get("values", ()):
        yield from _source_id(value)


def _source_id(entry: Mapping[str, Any]) -> Iterator[str]:
    if entry["source"] is not None:
        yield entry["source"]["id"]


def _by_age(sources: Iterable[Source]) -> tuple[Source, ...]:
    return tuple(sorted(sources, key=lambda source: (source.checked or date.min, source.id)))
