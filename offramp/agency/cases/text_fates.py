"""The fate of each text in an account, as far as this agency can know it. Pure.

A text is told once, and then it may be asked back, kept on a ground, or destroyed. The hub sees
that a recall was answered, and not how: only its issuer and the one who answered can read that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Literal

from exchange.consent.account_rows import PENDING, Row, with_later_events
from exchange.consent.disclosure import day_of
from exchange.records.statements import About
from offramp.agency.cases.caseload import own_parts
from offramp.agency.cases.signed_ends import SignedEnd
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen

# The record, the part, and the agency that was told.
TextKey = tuple[str, str, str]
Answer = Literal["deleted", "retained"]
# How a text ended: destroyed, perhaps destroyed by a statement that names no text, or past the last
# day on its label.
End = Literal["destroyed", "perhaps", "over"]


@frozen
class TextFate:
    """How a recall of a text was answered, on which ground it was kept, and how it ended.

    Each is None where this agency doesn't know it, or where there is no such thing.
    """

    answer: Answer | None = None
    kept_because: str | None = None
    end: End | None = None


def key_of(row: Row) -> TextKey:
    """Return the key of a row's text."""
    return row.record, row.part, row.to


def recalled_state(row: Row, fate: TextFate) -> str:
    """Return how far a text is that was asked back: the key of its sentence in an account."""
    if row.answered is None:
        return "asked_back"
    if fate.answer == "deleted":
        return "deleted"
    if fate.answer is None:
        return "answered_back"
    if fate.end == "destroyed":
        return "destroyed"
    return f"kept_{fate.kept_because}" if fate.kept_because is not None else "kept"


def known_rows(working_set: WorkingSet, case: str, rows: Iterable[Row]) -> tuple[Row, ...]:
    """Return rows with what this agency learned of each text since the account was witnessed."""
    state = working_set.gateway.state(case)
    return tuple(_with_known(row, with_later_events(row, state)) for row in rows)


def _with_known(row: Row, known: Row) -> Row:
    if not row.record:
        return row
    return replace(
        row,
        opened=row.opened if row.opened is not None else known.opened,
        recalled=row.recalled if row.recalled is not None else known.recalled,
        answered=row.answered if row.answered is not None else known.answered,
    )


def text_fates(
    working_set: WorkingSet, case: str, rows: Iterable[Row], ends: Iterable[SignedEnd], now: int
) -> Mapping[TextKey, TextFate]:
    """Return the fate of each text of an account. `now` is in seconds since 1970."""
    answers, ends = _answers(working_set, case), tuple(ends)
    today = day_of(now, working_set.gateway.history.newest.zone)
    last_days = _last_days(working_set, case)
    fates: dict[TextKey, TextFate] = {}
    for row in rows:
        if row.record:
            key = key_of(row)
            answer, ground = answers.get(key, (None, None))
            end = _end_of(working_set, row, ends)
            last_day = last_days.get((row.record, row.part))
            is_over = last_day is not None and last_day < today
            if end is None and is_over and row.status != PENDING:
                end = "over"
            fates[key] = TextFate(answer, ground, end)
    return fates


def _end_of(working_set: WorkingSet, row: Row, ends: Iterable[SignedEnd]) -> End | None:
    if row.status == PENDING:
        return None
    if row.to == working_set.agency:
        is_destroyed = (row.issuer, row.record, row.part) in working_set.destroyed
        return "destroyed" if is_destroyed else None
    later = [end for end in ends if end.agency == row.to and end.signed_at >= row.at]
    if not later:
        return None
    if any(end.parts is not None and end.parts.kept_until is None for end in later):
        return "destroyed"
    is_perhaps = any(
        end.parts is None or end.parts.ended or end.reliance == "asked_back" for end in later
    )
    return "perhaps" if is_perhaps else None


def _answers(
    working_set: WorkingSet, case: str
) -> Mapping[TextKey, tuple[Answer | None, str | None]]:
    """Return the readable answers to recalls, by the text that was asked back."""
    state = working_set.gateway.state(case)
    asked = {
        (recall.jti, part): statement.about
        for recall in state.kind("recall")
        for part, statement in recall.says()
        if isinstance(statement, About)
    }
    answers: dict[TextKey, tuple[Answer | None, str | None]] = {}
    for answer in state.kind("recall_answer"):
        for part, statement in answer.says():
            about = asked.get(statement.about) if isinstance(statement, About) else None
            if about is not None:
                operation = _operation(working_set, answer.issuer, answer.jti, part)
                key = (*about, answer.issuer)
                answers[key] = operation.get("answer"), operation.get("reason")
    return answers


def _operation(working_set: WorkingSet, issuer: str, jti: str, part: str) -> Mapping[str, Any]:
    """Return what an answer says, if its text is readable here: own, or opened."""
    content: Mapping[str, Any] = {}
    if issuer == working_set.agency and (own := working_set.outbox.get(jti)):
        content = next((stated for id, _, stated in own_parts(own) if id == part), {})
    elif received := working_set.gateway.received.get((issuer, jti)):
        opened = received.opened.get(part)
        content = opened.content if opened is not None else {}
    return content.get("operation") or {}


def _last_days(working_set: WorkingSet, case: str) -> Mapping[tuple[str, str], date]:
    """Return the last day on the label of each part whose label is known here."""
    days = {
        (record.jti, part): date.fromisoformat(label.keep_until)
        for record in working_set.gateway.state(case).records
        for part, label in record.labels.items()
    }
    for sent in working_set.cases.records(case).sent:
        days |= {(sent.jti, part): date.fromisoformat(own.keep_until) for part, own in sent.labels}
    return days
