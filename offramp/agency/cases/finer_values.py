"""Agree on a fact of which agencies state coarse and finer words. Pure.

A finer word beside a shared word contradicts no statement without one. Two different finer words
for one entry do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from exchange.records.finer_words import FINER
from offramp.agency.cases.case_entry import FactSource, same_value


def agreed_source(sources: Sequence[FactSource]) -> FactSource | None:
    """Return the newest source with all that any source states, or None if sources differ."""
    if not sources:
        return None
    if all(same_value(source.value, sources[0].value) for source in sources):
        return sources[-1]
    plain = [_without_finer(source.value) for source in sources]
    if not all(same_value(value, plain[0]) for value in plain):
        return None
    finer_by_source = [_finer_words(source.value) for source in sources]
    for source, own in reversed(list(zip(sources, finer_by_source, strict=True))):
        if all(_covers(own, others) for others in finer_by_source):
            return source
    return None


def _without_finer(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        return value
    return [{name: member for name, member in entry.items() if name != FINER} for entry in value]


def _finer_words(value: Any) -> list[Mapping[str, str]]:
    """Return the finer words of each entry, with entries that are otherwise alike side by side."""
    if not isinstance(value, list | tuple):
        return []
    keyed = [
        (
            repr(sorted((name, str(member)) for name, member in entry.items() if name != FINER)),
            sorted((entry.get(FINER) or {}).items()),
        )
        for entry in value
    ]
    return [dict(finer) for _, finer in sorted(keyed)]


def _covers(own: list[Mapping[str, str]], others: list[Mapping[str, str]]) -> bool:
    """Return True if each entry has every finer word that the other one has."""
    return len(own) == len(others) and all(
        set(other.items()) <= set(entry.items()) for entry, other in zip(own, others, strict=True)
    )
