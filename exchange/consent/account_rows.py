"""The rows of a verified account: each kind of information that went to an agency, and when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from exchange.consent.account import AccountedRecord
from exchange.consent.disclosure import Judges
from exchange.consent.state import Committed, State
from exchange.errors import LogError
from exchange.log.leaves import HandoutBody, HandoutPart, Leaf, RecordBody, WithdrawalBody
from exchange.membership.history import History
from exchange.models import agency_of
from exchange.records.kinds import ASKING
from exchange.records.record import Record
from exchange.records.statements import About, Report
from rules.frozen import frozen

# The values of `Row.status`, as accounts print them. `SENT` is only in an account that an agency
# makes of its own records: it doesn't see if the hub handed a text out.
HANDED, WITHDRAWN, PENDING, SENT = "handed out", "withdrawn", "waiting", "sent"

# The hub signed the account's line, so a contradiction in the account is evidence against it.
PROVES_MISCONDUCT = (
    "keep the account: with the hub's signature on it, it is evidence against the hub"
)


@frozen
class Row:
    """One category of information on its way to one agency.

    `status` is one of the values above, or `told` for an oral disclosure. `at` is when that
    happened, in seconds since 1970, and `relies` are the ids of the records that permitted it.

    An oral disclosure comes from an agency's report, and no text passed. `denied` are the reasons
    of `disclosure` against it: empty if it was allowed, None if no judge was asked.

    `record` and `part` name the text. `opened`, `recalled`, and `answered` are the times of the
    reader's acknowledgment, the issuer's recall, and its answer, None if there is no such record.
    """

    issuer: str
    kind: str
    to: str
    category: str
    purpose: str
    basis: str
    status: str
    at: int
    relies: tuple[str, ...] = ()
    is_oral: bool = False
    denied: tuple[str, ...] | None = None
    record: str = ""
    part: str = ""
    opened: int | None = None
    recalled: int | None = None
    answered: int | None = None

    @property
    def only_asks(self) -> bool:
        """True for a question, which tells its recipient nothing about the person."""
        return self.kind in ASKING and not self.is_oral


def text_rows(
    record: Record, body: RecordBody, accounted: AccountedRecord, history: History
) -> Iterator[Row]:
    """Yield a row for each text of a record and each category of its part.

    Raises `LogError` `wrong-leaf`, `passed-twice`.
    """
    passed = _passed_texts(record, accounted, history)
    for entry in record.entries:
        recipient = agency_of(entry.to)
        status, at, relies = passed.get((entry.part, recipient), (PENDING, body.time, ()))
        for category in record.labels[entry.part].category:
            yield Row(
                record.issuer,
                record.kind,
                recipient,
                category,
                entry.purpose,
                entry.basis,
                status,
                at,
                relies,
                record=record.jti,
                part=entry.part,
            )


def _passed_texts(
    record: Record, accounted: AccountedRecord, history: History
) -> dict[tuple[str, str], tuple[str, int, tuple[str, ...]]]:
    """Return the status, time, and relied-on records of each text that was settled.

    Keys are part and recipient.
    """
    passed: dict[tuple[str, str], tuple[str, int, tuple[str, ...]]] = {}
    sealed = {
        (entry.part, agency_of(entry.to)): (entry.purpose, entry.basis) for entry in record.entries
    }
    for proved in accounted.passed:
        leaf, body = proved.leaf, passed_body(proved.leaf, record)
        if leaf.index < accounted.recorded.leaf.index:
            raise wrong_leaf(leaf)
        if isinstance(body, HandoutBody) and body.pack != history.at(leaf.index).pack:
            raise wrong_leaf(leaf)
        status = HANDED if isinstance(body, HandoutBody) else WITHDRAWN
        for part in body.parts:
            id, relies = (part, ()) if isinstance(part, str) else (part.part, part.relies)
            text = id, body.to
            if text in passed:
                raise _passed_wrongly(f"the part `{id}` was passed to `{body.to}` twice")
            if text not in sealed:
                raise _passed_wrongly(f"the part `{id}` was never sealed to `{body.to}`")
            # The issuer sets purpose and basis. A hub that logs others judged another question.
            if isinstance(part, HandoutPart) and (part.purpose, part.basis) != sealed[text]:
                raise wrong_leaf(leaf)
            passed[text] = status, body.time, relies
    return passed


def with_later_events(row: Row, state: State) -> Row:
    """Add the times at which a text was opened, recalled, and answered, as its parties signed."""
    opened = _first_about(state, "acknowledgement", row.to, (row.record, row.part))
    recalled = _first_about(state, "recall", row.issuer, (row.record, row.part), asked=row.to)
    answered = None
    if recalled is not None:
        recall, part = recalled
        answered = _first_about(state, "recall_answer", row.to, (recall.jti, part))
    return replace(
        row,
        opened=opened[0].time if opened else None,
        recalled=recalled[0].time if recalled else None,
        answered=answered[0].time if answered else None,
    )


def _first_about(
    state: State, kind: str, issuer: str, about: tuple[str, str], *, asked: str | None = None
) -> tuple[Committed, str] | None:
    """Return the first record of a kind by an issuer about a record's part, with its own part.

    With `asked`, only a record whose part goes to that agency: a recall may ask one recipient.
    """
    for record in state.kind(kind):
        for part, statement in record.says():
            if isinstance(statement, About) and statement.about == about:
                is_asked = asked is None or asked in record.recipients(part)
                if record.issuer == issuer and is_asked:
                    return record, part
    return None


def oral_rows(
    committed: Committed, state: State, history: History, judges: Judges | None
) -> Iterable[Row]:
    """Yield a row for each oral disclosure that a record reports, with the reasons against it."""
    for part, report in committed.says():
        if isinstance(report, Report):
            denied = None
            if judges is not None:
                current = history.at(committed.index)
                denied = judges(current.pack).reasons_against_report(
                    committed, part, report, state, current, current.zone
                )
            yield Row(
                committed.issuer,
                committed.kind,
                report.told,
                report.category,
                "",
                "",
                "told",
                committed.time,
                is_oral=True,
                denied=denied,
            )


def passed_body(leaf: Leaf, record: Record) -> HandoutBody | WithdrawalBody:
    """Return the body of a record's hand-out or withdrawal. Raises `LogError` `wrong-leaf`."""
    body = leaf.body
    if not isinstance(body, HandoutBody | WithdrawalBody) or (body.record, body.issuer) != (
        record.jti,
        record.issuer,
    ):
        raise wrong_leaf(leaf)
    return body


def wrong_leaf(leaf: Leaf) -> LogError:
    """Return the refusal of a leaf that is of another record, or that the hub must not log."""
    return LogError(
        "wrong-leaf", f"the leaf `{leaf.index}` isn't one of this record", fix=PROVES_MISCONDUCT
    )


def _passed_wrongly(message: str) -> LogError:
    return LogError("passed-twice", message, fix=PROVES_MISCONDUCT)
