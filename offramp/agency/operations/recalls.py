"""Ask back what was sent by mistake, and answer what another agency asks back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field, replace
from typing import Any

from exchange.agency.recalls import PendingRecall
from exchange.records.building import Part
from exchange.records.statements import About
from exchange.standards.sd_jwt import SIZES
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.caseload import WRONG_HERE, case_of, mistaken_parts, own_parts
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.effects import RestingDecision, decisions_that_read
from offramp.agency.cases.own_entries import OwnEntry, PartId, find_entry, own_entries
from offramp.agency.cases.own_statements import relying_on
from offramp.agency.cases.retention import SEALED
from offramp.agency.cases.told import details_of, recalled_by_record
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.outgoing import OutgoingRecord
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_together
from offramp.agency.operations.access import CASE, OWN, needs
from offramp.agency.operations.changes import check_unchanged
from offramp.agency.operations.records import SentRecord
from offramp.agency.operations.retention import check_not_held
from rules.errors import nearest
from rules.frozen import frozen

# Why an agency asks something back. The recall itself never states it.
REASONS: Mapping[str, str] = {
    "wrong_person": "it is about another person",
    "wrong_case": "it belongs in another case",
    "wrong_recipient": "it went to an agency that should not have it",
    "duplicate": "the same is here twice",
    "not_agreed": "the person did not agree to it",
    "mistaken_exit": "the person did not leave the program",
    "mistaken_representation": "this office is not the person's counsel",
    "wrong_fact": "a fact in it is wrong, and its correction can't be sent",
}
WRONG_FACT = "wrong_fact"
# The legal grounds on which a recipient may keep what is asked back.
KEEP_REASONS: Mapping[str, str] = {
    "law": "a law requires it",
    "court_order": "a court ordered it",
    "care": "it is part of a record of treatment",
    "duty_to_keep": "a duty to keep records covers it",
}
_MOST_PARTS = SIZES[-1]
# A refusal names at most so many whole commands.
_MOST_COMMANDS = 3
_OPERATION = ("exchange_operation", "operation")


@frozen
class Recall:
    """What an agency asks back, from whom, and what follows.

    `entries` are the records, `recipients` the agencies that are asked. `decisions` read a fact of
    what is asked back. `records` are the recalls, empty before anything is sent and for what is
    still queued. `unreached` are recipients that left the directory. `draft` has the parts of the
    records as `offramp agency send` reads them, to send them where they belong. `seen_at` is the
    journal's last event when this was worked out. `relying` has the ids of later statements on
    destroyed parts, by cause, whose counts leave out what is counted in one that is asked back.
    """

    case: str
    reason: str
    entries: tuple[OwnEntry, ...]
    recipients: tuple[str, ...]
    decisions: tuple[RestingDecision, ...]
    draft: Mapping[str, Any]
    records: tuple[SentRecord, ...] = ()
    queued: bool = False
    unreached: tuple[str, ...] = ()
    seen_at: int | None = None
    relying: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency recall`."""
        return {
            "case": self.case,
            "reason": self.reason,
            "entries": [entry.as_json() for entry in self.entries],
            "to": list(self.recipients),
            "decisions": [decision.as_json() for decision in self.decisions],
            "recalls": [record.as_json() for record in self.records],
            "queued": self.queued,
            "unreached": list(self.unreached),
            "relying": dict(self.relying),
        }


@frozen
class RecallAnswer:
    """The answers to recalls: the records, the parts that were deleted, and those that were kept.

    `reason` is the ground on which they were kept, None if they were deleted. Parts are by record
    and part. `issuers` asked them back.
    """

    case: str
    issuers: tuple[str, ...]
    reason: str | None
    parts: tuple[PartId, ...]
    records: tuple[SentRecord, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency answer-recall`."""
        return {
            "case": self.case,
            "to": list(self.issuers),
            "answer": "retained" if self.reason else "deleted",
            "reason": self.reason,
            "parts": [{"record": record, "part": part} for record, part in self.parts],
            "answers": [record.as_json() for record in self.records],
        }


@needs(OWN, look="case")
def list_own_entries(office: Office, case: str) -> tuple[OwnEntry, ...]:
    """Return the records of this agency that it can ask back in a case, the oldest first.

    Raises `AgencyError` `no-such-case`.
    """
    working_set = office.working_set()
    case_of(working_set, case)
    return own_entries(working_set, case)


@needs(OWN, look="case")
def preview_recall(
    office: Office,
    case: str,
    reason: str,
    *,
    record: str | None = None,
    recipient: str | None = None,
    detail: str | None = None,
) -> Recall:
    """Return what follows from a recall. Nothing is sent or kept. Raises as `recall`."""
    working_set = office.working_set()
    planned = _recall_in(office, working_set, case, reason, record, recipient, detail)
    return replace(planned, seen_at=office.at)


@needs(OWN, look="act", takes=True)
def recall(
    office: Office,
    actor: str,
    case: str,
    reason: str,
    *,
    record: str | None = None,
    recipient: str | None = None,
    detail: str | None = None,
    seen_at: int | None = None,
) -> Recall:
    """Ask back records that were sent by mistake, with every correction of them.

    `reason` is a key of `REASONS`. It stays in this agency's journal. `record` is the start of a
    record's id, its kind, or `all`. With `recipient`, only that agency is asked, and the recipient
    must be named for `wrong_recipient` if there are several. A mistaken exit, and what is wrong in
    the case, no longer counts here either. What is still queued is asked back when the hub has it.
    For `wrong_fact`, the parts that state `detail` are asked back, and no others. A statement that
    parts were destroyed has no details, and is asked back whole by its `record`.
    `seen_at` is that of the preview that the person read.

    Raises `AgencyError` `case-changed`, `unknown-reason`, `nothing-to-recall`, `which-record`,
    `which-detail`, `which-recipient`, `no-exit`, `no-such-case`, `no-directory`.
    """
    with office.transaction() as working_set:
        check_unchanged(office, working_set, case, seen_at)
        planned = _recall_in(office, working_set, case, reason, record, recipient, detail)
        line = working_set.gateway.line
        parts = [list(part) for entry in planned.entries for part in entry.parts]
        body = {
            "case": case,
            "reason": reason,
            "by": actor,
            "parts": parts,
            "to": list(planned.recipients),
            "details": sorted(_facts_of(working_set, planned.entries, reason)),
            **({"wrong": detail} if reason == WRONG_FACT and detail is not None else {}),
            "after": line.size if line else 0,
        }
        office.append(working_set, "mistake", body)
        composed = deliver_recalls(office, working_set, case)
        is_queued = any(
            working_set.outbox[jti].receipt is None
            for entry in planned.entries
            for jti, _ in entry.parts
        )
        directory = working_set.gateway.history.newest
        unreached = [name for name in planned.recipients if name not in directory.agencies]
    records = _sent(office, "recall", case, composed)
    return Recall(
        case,
        reason,
        planned.entries,
        planned.recipients,
        planned.decisions,
        planned.draft,
        records,
        is_queued,
        tuple(unreached),
        relying=planned.relying,
    )


def _recall_in(
    office: Office,
    working_set: WorkingSet,
    case: str,
    reason: str,
    record: str | None,
    recipient: str | None,
    detail: str | None,
) -> Recall:
    if reason not in REASONS:
        raise AgencyError(
            "unknown-reason",
            f"`{reason[:40]}` is no reason for a recall",
            fix=nearest(reason, sorted(REASONS)),
        )
    case_view = case_of(working_set, case)
    if reason == WRONG_FACT:
        entries = find_entry(working_set, case, reason, record or "all")
        if record is None or detail is not None or any(entry.kind != SEALED for entry in entries):
            entries = _that_state(working_set, entries, detail, recipient)
    else:
        entries = find_entry(working_set, case, reason, record)
    if recipient is not None:
        entries = _to_one(entries, recipient)
    recipients = tuple(sorted({name for entry in entries for name in entry.recipients}))
    if reason == "wrong_recipient" and recipient is None and len(recipients) > 1:
        raise AgencyError(
            "which-recipient",
            f"it went to {', '.join(f'`{name}`' for name in recipients)}",
            fix="name the agency that should not have it with `--to`",
        )
    is_over = case_view.is_ended and reason != "mistaken_exit"
    facts = {} if is_over else _facts_of(working_set, entries, reason)
    program, now = office.program(working_set), office.clock()
    decisions = (
        decisions_that_read(working_set, program, case, case_view, facts, now) if facts else ()
    )
    asked_back = [jti for entry in entries for jti, _ in entry.parts]
    return Recall(
        case,
        reason,
        entries,
        recipients,
        decisions,
        _draft_of(working_set, entries),
        relying={
            cause: record.jti for cause, record in relying_on(working_set, case, asked_back).items()
        },
    )


def _that_state(
    working_set: WorkingSet,
    entries: Sequence[OwnEntry],
    detail: str | None,
    recipient: str | None,
) -> tuple[OwnEntry, ...]:
    """Return the entries with the parts that state a detail.

    Raises `AgencyError` `nothing-to-recall`, and `which-detail` without a detail.
    """
    if detail is None:
        raise _which_detail(working_set, entries, recipient)
    stating = {
        (entry.record, part): to
        for entry in entries
        for part, to in entry.parts.items()
        if detail in _details_of_part(working_set, part)
    }
    narrowed = (
        replace(
            entry,
            parts={part: to for part, to in entry.parts.items() if (entry.record, part) in stating},
        )
        for entry in entries
    )
    planned = tuple(entry for entry in narrowed if entry.parts)
    if not planned:
        raise AgencyError(
            "nothing-to-recall",
            f"nothing that this agency could ask back here states `{detail[:60]}`",
            fix="name the detail with `--detail`, as `offramp agency correct DIR CASE` lists it",
        )
    return planned


def _which_detail(
    working_set: WorkingSet, entries: Sequence[OwnEntry], recipient: str | None
) -> AgencyError:
    """Return the refusal of a wrong fact without its detail, with a command for each detail."""
    names = sorted(
        {
            name
            for entry in entries
            for part in entry.parts
            for name in _details_of_part(working_set, part)
        }
    )
    if not names:
        return AgencyError(
            "nothing-to-recall",
            "nothing that this agency could ask back here states a fact",
            fix="see `offramp agency correct DIR CASE`",
        )
    record = f" --record {entries[0].record[:8]}" if len(entries) == 1 else ""
    to = f" --to {recipient}" if recipient is not None else ""
    commands = " or ".join(
        f"`agency recall DIR CASE wrong-fact{record} --detail {name}{to}`"
        for name in names[:_MOST_COMMANDS]
    )
    more = len(names) - _MOST_COMMANDS
    rest = f", or name one of {more} more (see `agency correct DIR CASE`)" if more > 0 else ""
    return AgencyError(
        "which-detail",
        "a wrong fact is asked back by its detail, and none is named",
        fix=f"use {commands}{rest}",
    )


def _details_of_part(working_set: WorkingSet, part: PartId) -> frozenset[str]:
    jti, id = part
    return frozenset(
        detail.name
        for part_id, _, content in own_parts(working_set.outbox[jti])
        if part_id == id
        for detail, _ in details_of(content)
    )


def _to_one(entries: Sequence[OwnEntry], recipient: str) -> tuple[OwnEntry, ...]:
    """Return the entries with the parts that one recipient has."""
    narrowed = [
        OwnEntry(
            entry.record,
            entry.kind,
            entry.time,
            {part: (recipient,) for part, to in entry.parts.items() if recipient in to},
        )
        for entry in entries
    ]
    planned = tuple(entry for entry in narrowed if entry.parts)
    if not planned:
        raise AgencyError(
            "nothing-to-recall",
            f"`{recipient[:40]}` has nothing of it that could be asked back",
            fix="see `offramp agency recall DIR CASE REASON` without `--to`",
        )
    return planned


def _facts_of(
    working_set: WorkingSet, entries: Sequence[OwnEntry], reason: str
) -> Mapping[str, frozenset[str]]:
    """Return the facts of what is asked back, with the agencies where they count no longer."""
    names: dict[str, frozenset[str]] = {}
    here = {working_set.agency} if reason in WRONG_HERE else set()
    for (jti, part), to in (part for entry in entries for part in entry.parts.items()):
        for part_id, label, content in own_parts(working_set.outbox[jti]):
            if part_id == part:
                facts = {detail.name for detail, _ in details_of(content)}
                if "enrollment" in label.category or working_set.outbox[jti].kind == "exit":
                    facts.add("person.enrolled")
                facts |= {f"decisions.{name}" for name in _outcomes_in(content)}
                for name in facts:
                    names[name] = names.get(name, frozenset()).union(to, here)
    return names


def _outcomes_in(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield the decisions whose outcome a content states."""
    screening = content.get("screening_outcome") or {}
    if screening.get("outcome"):
        yield "screening"
    if answer := screening.get("record"):
        yield str(answer["decision"])
    for members in content.values():
        if determined := members.get("determination"):
            yield str(determined["decision"])


def _draft_of(working_set: WorkingSet, entries: Sequence[OwnEntry]) -> Mapping[str, Any]:
    """Return the records' parts as a draft. A statement about another record is left out."""
    parts = []
    for entry in entries:
        outgoing = working_set.outbox[entry.record]
        for (_, label, _), stored in zip(own_parts(outgoing), outgoing.parts, strict=True):
            says = None if isinstance(label.statement, About) else stored["says"]
            parts.append(
                {
                    "category": stored["category"],
                    "content": stored["content"],
                    "to": {
                        agency: {"purpose": way[0], "basis": way[1]}
                        for agency, way in stored["to"].items()
                    },
                    "sensitivity": stored["sensitivity"],
                    **({"says": says} if says is not None else {}),
                }
            )
    return {"parts": parts}


def deliver_recalls(office: Office, working_set: WorkingSet, case: str) -> tuple[str, ...]:
    """Compose the recalls that people decided on and that the hub can take, in a transaction.

    A part without a receipt is asked back when the hub has it. Returns the ids of the records.
    """
    recalled = recalled_by_record(working_set, case)
    membership = working_set.gateway.history.membership_at(2**53 - 1)
    reachable = set(membership.directory.agencies) & set(membership.sealing)
    to_ask: dict[PartId, set[str]] = {}
    for event in working_set.mistakes:
        if event.body["case"] != case:
            continue
        for jti, part in mistaken_parts(working_set, event):
            outgoing = working_set.outbox.get(jti)
            if outgoing is None or outgoing.receipt is None:
                continue
            recipients = set(event.body["to"]) & reachable & _recipients(outgoing, part)
            recipients -= recalled.get((outgoing.jti, part), frozenset())
            if recipients:
                to_ask.setdefault((outgoing.jti, part), set()).update(recipients)
    defaults = defaults_today(office, working_set)
    parts = [_recall_part(part, recipients, defaults) for part, recipients in to_ask.items()]
    return tuple(
        office.compose_in(working_set, "recall", tuple(parts[first : first + _MOST_PARTS]), case).id
        for first in range(0, len(parts), _MOST_PARTS)
    )


def _recipients(outgoing: OutgoingRecord, part: str) -> set[str]:
    return {
        agency
        for (part_id, _, _), stored in zip(own_parts(outgoing), outgoing.parts, strict=True)
        if part_id == part
        for agency in stored["to"]
    }


def _recall_part(part: PartId, recipients: set[str], defaults: Defaults) -> Part:
    return Part(
        category=("operation",),
        content={"operation": {}},
        to=dict.fromkeys(sorted(recipients), _OPERATION),
        keep_until=defaults.last_day(("operation",)),
        use=defaults.use,
        says={"about": list(part)},
    )


def _sent(office: Office, kind: str, case: str, records: Sequence[str]) -> tuple[SentRecord, ...]:
    states = send_together(office, records)
    return tuple(
        SentRecord(jti, kind, case, state) for jti, state in zip(records, states, strict=True)
    )


# Answering


@needs(CASE, look="act", takes=True)
def answer_recalls(
    office: Office,
    actor: str,
    case: str,
    *,
    keep_because: str | None = None,
    record: str | None = None,
) -> RecallAnswer:
    """Answer what other agencies ask back in a case: delete it, or keep it on a legal ground.

    What is deleted is destroyed here before the answer is sent, with every correction of it.
    `keep_because` is a key of `KEEP_REASONS`. What is kept counts for nothing in the case.
    `record` is the start of the id of one recalled record. Raises `AgencyError`
    `nothing-recalled`, `unknown-reason`, `on-hold`, `no-directory`.
    """
    if keep_because is not None and keep_because not in KEEP_REASONS:
        raise AgencyError(
            "unknown-reason",
            f"`{keep_because[:40]}` is no ground for keeping a recalled part",
            fix=nearest(keep_because, sorted(KEEP_REASONS)),
        )
    with office.transaction() as working_set:
        pending = _pending(working_set, case, record)
        if keep_because is None:
            check_not_held(working_set, case)
        by_issuer: dict[str, list[PendingRecall]] = {}
        for recalled in pending:
            by_issuer.setdefault(recalled.issuer, []).append(recalled)
        answers = [
            office.compose_in(working_set, "recall_answer", parts, case).id
            for issuer, recalls in by_issuer.items()
            for parts in _answer_parts(office, working_set, recalls, keep_because)
            if issuer in working_set.gateway.history.newest.agencies
        ]
        body = {
            "case": case,
            "by": actor,
            "kept": keep_because,
            "parts": [[recalled.issuer, recalled.record, recalled.part] for recalled in pending],
        }
        office.append(working_set, "recall-answered", body)
        deleted = set() if keep_because else _with_corrections(working_set, pending)
        office.destroy_in(working_set, deleted)
    office.forget_destroyed(deleted)
    return RecallAnswer(
        case,
        tuple(sorted(by_issuer)),
        keep_because,
        tuple((recalled.record, recalled.part) for recalled in pending),
        _sent(office, "recall_answer", case, answers),
    )


def _pending(working_set: WorkingSet, case: str, record: str | None) -> tuple[PendingRecall, ...]:
    pending = tuple(
        recalled
        for recalled in working_set.gateway.pending_recalls()
        if recalled.case == case and (record is None or recalled.record.startswith(record.lower()))
    )
    if not pending:
        raise AgencyError(
            "nothing-recalled",
            f"no agency asks anything back in the case `{case}`",
            fix="see `offramp agency tasks`",
        )
    return pending


def _answer_parts(
    office: Office,
    working_set: WorkingSet,
    recalls: Sequence[PendingRecall],
    keep_because: str | None,
) -> list[tuple[Part, ...]]:
    """Return the answers to one issuer's recalls, in as many records as they need."""
    defaults = defaults_today(office, working_set)
    content = (
        {"answer": "retained", "reason": keep_because} if keep_because else {"answer": "deleted"}
    )
    parts = [
        Part(
            category=("operation",),
            content={"operation": dict(content)},
            to={recalled.issuer: _OPERATION},
            keep_until=defaults.last_day(("operation",)),
            use=defaults.use,
            says={"about": [recalled.recall, recalled.recall_part]},
        )
        for recalled in recalls
    ]
    return [
        tuple(parts[first : first + _MOST_PARTS]) for first in range(0, len(parts), _MOST_PARTS)
    ]


def _with_corrections(
    working_set: WorkingSet, pending: Sequence[PendingRecall]
) -> set[tuple[str, str, str]]:
    """Return the recalled parts that are here, with the corrections that restate them."""
    deleted = {(recalled.issuer, recalled.record, recalled.part) for recalled in pending}
    # In the order of the inbox, a correction comes after what it corrects.
    arrived = working_set.cases.records(str(pending[0].case)).received
    for (issuer, jti), received in arrived.items():
        if received.record is None or received.record.kind != "correction":
            continue
        for part, label in received.record.labels.items():
            about = label.statement.about if isinstance(label.statement, About) else None
            if about is not None and (issuer, *about) in deleted:
                deleted.add((issuer, jti, part))
    here = {
        (issuer, jti, part)
        for (issuer, jti), received in arrived.items()
        if received.record is not None
        for part in received.record.labels
    }
    return (deleted & here) - working_set.destroyed
