"""What an answer, a check, and a list say about the age of the sources of law."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from rules.decide.decision import Decision
from rules.decide.law_age import oldest_check, stale_sources, stale_sources_of
from rules.packs.pack import Pack, Source

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_MOST_NAMED = 3


def age_of_answer(decision: Decision, today: date) -> str | None:
    """Return what to say if an answer rests on sources that nobody checked within a year."""
    stale = stale_sources_of(decision, today)
    if not stale:
        return None
    return f"{sentence_on_age(stale)} Have the law checked before you rely on this answer."


def age_member(decision: Decision, today: date) -> dict[str, Any]:
    """Return the member `stale_sources` of an answer in JSON, or nothing if all are recent."""
    stale = stale_sources_of(decision, today)
    return {"stale_sources": [source_as_json(source) for source in stale]} if stale else {}


def pack_warnings(pack: Pack, today: date) -> Iterator[str]:
    """Yield one warning on the sources of a pack without a day of a check, and one on old days."""
    stale = stale_sources(pack, today)
    undated = [f"`{source.id}`" for source in stale if source.checked is None]
    old = [f"`{source.id}` ({_when(source)})" for source in stale if source.checked is not None]
    if undated:
        some, verb = ("the source", "has") if len(undated) == 1 else ("the sources", "have")
        yield (
            f"{some} {', '.join(undated)} {verb} no day on which somebody compared the pack with "
            "it; write `checked: YYYY-MM-DD` there once somebody has"
        )
    if old:
        some = "source" if len(old) == 1 else "sources"
        yield f"nobody has checked {len(old)} {some} for a year: {', '.join(old)}"


def sentence_on_age(sources: Iterable[Source]) -> str:
    """Return sentences that name sources: those checked over a year ago, and those without a day.

    A pack that was made today has sources of no age, since nobody has written a day yet.
    """
    listed = list(sources)
    old = [f"{source.title} ({_when(source)})" for source in listed if source.checked is not None]
    undated = [source.title for source in listed if source.checked is None]
    sentences = []
    if old:
        sentences.append(f"Nobody has checked these sources for a year: {_named(old)}.")
    if undated:
        sentences.append(
            f"No day is recorded on which somebody checked these sources: {_named(undated)}."
        )
    return " ".join(sentences)


def _named(titles: Sequence[str]) -> str:
    more = f"; and {len(titles) - _MOST_NAMED} more" if len(titles) > _MOST_NAMED else ""
    return f"{'; '.join(titles[:_MOST_NAMED])}{more}"


def _format(day: date) -> str:
    from rules.author.phrases import format_day  # most answers rest on no stale source

    return format_day(day)


def checked_text(pack: Pack) -> str:
    """Return the sentence on when the sources of a pack were last checked."""
    day = oldest_check(pack)
    if day is None:
        return "No day is recorded for the last check of some sources."
    return f"Each source was last checked on {_format(day)} or later."


def source_as_json(source: Source) -> dict[str, Any]:
    """Return a source's id, title, and last check as JSON."""
    checked = source.checked.isoformat() if source.checked else None
    return {"id": source.id, "title": source.title, "checked": checked}


def _when(source: Source) -> str:
    assert source.checked is not None
    return f"last on {_format(source.checked)}"
