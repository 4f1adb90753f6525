"""The recalls that an agency has received and must answer."""

from __future__ import annotations

from collections.abc import Iterable

from exchange.consent.state import Committed, State
from exchange.records.statements import About
from rules.frozen import frozen

# A recipient answers a recall within a week, and says whether it deleted the part.
RECALL_ANSWERED_IN = 7 * 24 * 3600


@frozen
class PendingRecall:
    """A recall that this agency has not answered: its issuer and id, the part, and the deadline.

    `until` is in seconds since 1970.
    """

    issuer: str
    recall: str
    record: str
    part: str
    until: int


def pending_recalls(agency: str, states: Iterable[State]) -> tuple[PendingRecall, ...]:
    """Return the recalls to an agency that have no answer, the earliest deadline first."""
    pending: list[PendingRecall] = []
    for state in states:
        answered = {
            about.about[0]
            for answer in state.kind("recall_answer")
            if answer.issuer == agency
            for about in _abouts(answer)
        }
        for recall in state.kind("recall"):
            if recall.issuer != agency and recall.jti not in answered:
                until = recall.time + RECALL_ANSWERED_IN
                pending += [
                    PendingRecall(recall.issuer, recall.jti, *about.about, until)
                    for about in _abouts(recall)
                ]
    return tuple(sorted(pending, key=lambda recall: recall.until))


def _abouts(record: Committed) -> Iterable[About]:
    return (about for _, about in record.says() if isinstance(about, About))
