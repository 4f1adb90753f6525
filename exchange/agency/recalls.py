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
    """A recalled part that this agency has not answered, and the deadline of the answer.

    `recall` and `recall_part` name the request, `record` and `part` what it asks back. `until` is
    in seconds since 1970.
    """

    case: str | None
    issuer: str
    recall: str
    recall_part: str
    record: str
    part: str
    until: int


def pending_recalls(agency: str, states: Iterable[State]) -> tuple[PendingRecall, ...]:
    """Return the recalled parts that an agency hasn't answered, the earliest deadline first."""
    pending: list[PendingRecall] = []
    for state in states:
        recalls = state.kind("recall")
        if not recalls:
            continue
        answered = {
            about.about
            for answer in state.kind("recall_answer")
            if answer.issuer == agency
            for _, about in _abouts(answer)
        }
        for recall in recalls:
            if recall.issuer == agency:
                continue
            until = recall.time + RECALL_ANSWERED_IN
            pending += [
                PendingRecall(recall.case, recall.issuer, recall.jti, part, *about.about, until)
                for part, about in _abouts(recall)
                if (recall.jti, part) not in answered
            ]
    return tuple(sorted(pending, key=lambda recall: recall.until))


def _abouts(record: Committed) -> Iterable[tuple[str, About]]:
    return ((part, about) for part, about in record.says() if isinstance(about, About))
