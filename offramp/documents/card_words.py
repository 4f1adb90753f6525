"""Words that the printed card and the card for phones share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from offramp.documents.document import Text
from offramp.policy.law_age import checked_text, sentence_on_age
from rules.author.phrases import format_day, spell_name
from rules.decide.doubts import doubts_of
from rules.decide.law_age import stale_sources
from rules.decide.wording import fill_in
from rules.input.citations import Section
from rules.language import tree
from rules.packs.law import state_of
from rules.packs.pack import Wording
from rules.packs.resolve import Segment

_OFFICER = "police"
_OFFERS = ("must_offer", "may_offer")


def is_offer(outcome: str) -> bool:
    """Return whether an outcome of `offer` lets the officer offer the program."""
    return outcome in _OFFERS


def step_text(segment: Segment, step: Wording) -> str:
    """Return an instruction, after its role unless the officer follows it."""
    actor = "" if step.who == _OFFICER else f"{spell_name(step.who).capitalize()}: "
    return actor + fill_in(segment, step.text)


def list_entries(segment: Segment, conditions: Iterable[tree.Tree]) -> dict[str, str]:
    """Return the entries of every list that the conditions name, by parameter.

    Sections of other states are left out: the rules ask for the section of this one.
    """
    names = {
        part.values.name
        for condition in conditions
        for part in tree.nodes(condition)
        if isinstance(part, (tree.Member, tree.IsOne, tree.Cited))
        and isinstance(part.values, tree.ParameterOf)
    }
    listed: dict[str, str] = {}
    for name in sorted(names):
        entries = segment.parameters.get(name)
        every = entries if isinstance(entries, tuple) else ()
        own = tuple(entry for entry in every if not _is_elsewhere(segment, entry))
        listed[name] = ", ".join(_entries(own)) or "nothing"
    return listed


def _entries(entries: tuple[object, ...]) -> Iterator[str]:
    """Yield the entries as text. A system of citation is named once for sections in a row."""
    system = None
    for entry in entries:
        if not isinstance(entry, Section):
            yield spell_name(str(entry))
            continue
        text, previous, system = entry.text, system, entry.system
        yield text.removeprefix(f"{system} ") if system == previous else text


def _is_elsewhere(segment: Segment, entry: object) -> bool:
    """Return whether an entry of a list is a section of another state than the pack's."""
    pack = segment.pack
    own = state_of(pack.offenses, pack.vocabulary)
    if not isinstance(entry, Section) or own is None:
        return False
    return pack.vocabulary.citations[entry.system].state not in (None, own)


def age_of_rules(segment: Segment, today: date | None) -> Iterator[Text]:
    """Yield what is in doubt about the program, the day of the rules, and which sources are old."""
    for doubt in doubts_of(segment.pack.program, segment.day):
        yield Text(f"{doubt[:1].upper()}{doubt[1:]}.", "In doubt:")
    rules = f"Rules of {format_day(segment.day)}, pack `{segment.pack.id}`."
    yield Text(f"{rules} {checked_text(segment.pack)}")
    stale = stale_sources(segment.pack, today) if today is not None else ()
    if stale:
        is_old = any(source.checked is not None for source in stale)
        lead = "The law may have changed." if is_old else "Not checked yet."
        yield Text(f"{sentence_on_age(stale)} Ask for a new card.", lead)
