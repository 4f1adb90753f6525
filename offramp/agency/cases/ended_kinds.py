"""The kinds of information of a case that a cause has ended here, so that nobody asks again. Pure.

What was destroyed because a charge was dismissed, a court sealed the record, or the person
completed is unknown to the rules afterward. They would ask for it, and the next daily work would
destroy the answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from exchange.consent.disclosure import day_of
from exchange.consent.reduction import midnight
from offramp.agency.cases.fact_kinds import kind_of
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.retention import Term, term_of
from rules.frozen import frozen
from rules.input.vocabulary import Vocabulary
from rules.packs.pack import Pack


@frozen
class EndedKinds:
    """The categories that causes have ended in a case at this agency, and those causes.

    `until` is the first time, in seconds since 1970, at which they may end more, None for never.
    """

    categories: frozenset[str] = frozenset()
    causes: tuple[str, ...] = ()
    until: int | None = None

    def covers(self, path: str, vocabulary: Vocabulary) -> bool:
        """Report whether a fact, or an outcome as `decisions.<name>`, is of an ended category."""
        return bool(self.categories) and kind_of(path, vocabulary) in self.categories

    def covers_all(self, paths: Iterable[str], vocabulary: Vocabulary) -> bool:
        """Report whether there are paths, and each is of an ended category."""
        listed = tuple(paths)
        return bool(listed) and all(self.covers(path, vocabulary) for path in listed)


NOTHING_ENDED = EndedKinds()


def ended_kinds(working_set: WorkingSet, pack: Pack, handle: str, time: int) -> EndedKinds:
    """Return what a part told now would end at once, by the pack's retention.

    `time` is the hub's, in seconds since 1970.
    """
    endings = working_set.retention.ended(handle)
    if not endings:
        return NOTHING_ENDED
    directory = working_set.gateway.history.newest
    today = day_of(time, directory.zone)
    terms = {
        category: _term(working_set, pack, handle, category, today)
        for category in pack.vocabulary.categories
    }
    early = {category: term for category, term in terms.items() if term.cause is not None}
    over = {category: term for category, term in early.items() if term.day < today}
    to_come = min((term.day for term in early.values() if term.day >= today), default=None)
    return EndedKinds(
        frozenset(over),
        tuple(cause for cause in endings if cause in {term.cause for term in over.values()}),
        None if to_come is None else midnight(to_come + timedelta(days=1), directory.zone),
    )


def _term(working_set: WorkingSet, pack: Pack, handle: str, category: str, today: date) -> Term:
    endings = working_set.retention.ended(handle)
    return term_of(
        pack,
        working_set.gateway.history.newest.role(working_set.agency),
        (category,),
        today,
        today,
        ended={cause: ending.on for cause, ending in endings.items()},
        noted={cause: ending.noted for cause, ending in endings.items()},
    )
