"""Report an agency's state, and run the gateway's duties."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from exchange.membership.history import History
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import explain_refusal, pull_inbox, send_outbox
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.key_rotation import rotate_keys
from offramp.agency.hub_link.link import HubLink, link_of
from offramp.agency.hub_link.membership import PendingDraft
from offramp.agency.hub_link.schedule import Duty
from offramp.agency.hub_link.witnessing import cosign_tree, fetch_proofs
from offramp.agency.operations.access import GATEWAY, needs
from offramp.agency.operations.automatic import act_automatically
from offramp.agency.operations.destruction import end_due
from offramp.agency.operations.emergency import forget_late_emergencies
from offramp.agency.operations.meetings import ask_before_meeting
from offramp.agency.operations.membership import list_drafts
from rules.frozen import frozen

NOT_SENT_HERE_FIX = (
    "if nobody restored a backup or copied the folder, the key is stolen: retire it with "
    "`offramp agency retire`"
)
# How often each duty is due, in seconds.
EVERY_SECOND, WITNESS_EVERY, DIRECTORY_EVERY, HOURLY = 1.0, 10.0, 60.0, 3600.0


@frozen
class OutboxRow:
    """A record that this agency composed: how far it is, and why it waits."""

    id: str
    kind: str
    case: str | None
    state: str
    reason: str | None

    def as_json(self) -> dict[str, Any]:
        """Return the record's JSON in `offramp agency status`."""
        return {
            "id": self.id,
            "kind": self.kind,
            "case": self.case,
            "state": self.state,
            "why": self.reason,
        }


@frozen
class PendingRecall:
    """A part that its issuer recalled. `until` is the deadline of the answer, in Unix seconds."""

    record: str
    part: str
    issuer: str
    until: int

    def as_json(self) -> dict[str, Any]:
        """Return the recall's JSON in `offramp agency status`."""
        return {"record": self.record, "part": self.part, "by": self.issuer, "until": self.until}


@frozen
class AgencyStatus:
    """An agency's state. `directory` is the version in force, None before the first.

    `founders` is the fingerprint of its first version, to read to others. `without_key` are the
    names of listed agencies that can't be sent anything yet, since their gateways announced no key.
    `faults` are sentences about deliveries that weren't believed, `broken` why the log isn't.
    `not_sent_here` are sentences about records that another program sent in this agency's name.
    `moved_at` is when the agency moved from this folder, None if it is still in it.
    `restored` is what a restored hub waits for, None where the hub is open.
    """

    agency: str
    directory: int | None
    items: int
    unopened: int
    faults: tuple[str | None, ...]
    not_sent_here: tuple[str, ...]
    broken: str | None
    restored: Mapping[str, Any] | None
    recalls: tuple[PendingRecall, ...]
    drafts: tuple[PendingDraft, ...]
    outbox: tuple[OutboxRow, ...]
    moved_at: int | None = None
    founders: str | None = None
    without_key: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency status`."""
        return {
            "agency": self.agency,
            "directory": self.directory,
            "founders": self.founders,
            "without_key": list(self.without_key),
            "items": self.items,
            "unopened": self.unopened,
            "faults": list(self.faults),
            "not_sent_here": list(self.not_sent_here),
            "broken": self.broken,
            "restored": self.restored,
            "recalls": [recall.as_json() for recall in self.recalls],
            "drafts": [draft.as_json() for draft in self.drafts],
            "outbox": [row.as_json() for row in self.outbox],
            "moved": self.moved_at,
        }


@needs(GATEWAY)
def report_status(office: Office) -> AgencyStatus:
    """Report queued records, pending drafts and recalls, and faults."""
    working_set = office.working_set()
    gateway = working_set.gateway
    has_directory = bool(gateway.history.size)
    rows = []
    for outgoing in working_set.outbox.values():
        reason = explain_refusal(outgoing.refused) if outgoing.refused is not None else ""
        if outgoing.waits:
            reason = (
                "not sent yet, or the hub didn't answer"
                if has_directory
                else "this agency knows no directory yet"
            )
        rows.append(
            OutboxRow(outgoing.jti, outgoing.kind, outgoing.case, outgoing.state, reason or None)
        )
    return AgencyStatus(
        agency=office.agency,
        directory=gateway.history.newest.version if has_directory else None,
        items=gateway.cursor,
        unopened=sum(
            1 for received in gateway.received.values() if received.record and not received.opened
        ),
        faults=tuple(received.fault for received in gateway.faults),
        not_sent_here=describe_unknown(working_set),
        broken=str(gateway.broken) if gateway.broken else None,
        restored=office.journal.get("restored") or None,
        recalls=tuple(
            PendingRecall(recall.record, recall.part, recall.issuer, recall.until)
            for recall in gateway.pending_recalls()
        ),
        drafts=list_drafts(office) if office.moved_at is None else (),
        outbox=tuple(rows),
        moved_at=office.moved_at,
        founders=gateway.history.founders if has_directory else None,
        without_key=_without_key(gateway.history) if has_directory else (),
    )


def _without_key(history: History) -> tuple[str, ...]:
    """Return the names of the listed agencies without an open sealing key."""
    membership = history.membership_at(2**53 - 1)
    agencies = membership.directory.agencies
    return tuple(
        agency.name for agency in agencies.values() if not membership.sealing.get(agency.id)
    )


def describe_unknown(working_set: WorkingSet) -> tuple[str, ...]:
    """Describe the records that another program sent in this agency's name, a sentence each."""
    sentences = []
    for record in working_set.unknown_own_records():
        of_case = f"of the case `{record.case}`" if record.case else "about no case"
        if record.number is not None:
            known_by = f"record `{record.number}` {of_case}"
        elif record.agency is not None:
            known_by = f"record `{record.jti}` {of_case}, which `{record.agency}` acknowledges,"
        else:
            known_by = f"record `{record.jti}` {of_case}, which the account lists,"
        sentences.append(f"{known_by} carries this agency's name and was not sent from this folder")
    return tuple(sentences)


def check_own_records(office: Office) -> None:
    """Check that all records in this agency's name were sent from here.

    Raises `AgencyError` `not-sent-here`.
    """
    if sentences := describe_unknown(office.working_set()):
        raise AgencyError("not-sent-here", sentences[0], fix=NOT_SENT_HERE_FIX)


@needs(GATEWAY)
def run_duties_once(office: Office) -> None:
    """Do everything that is due with the hub, once.

    Raises `HubAway`, `HubRefused`, `AgencyError` `not-joined`; `LogError` where the log is broken.
    """
    run_duties(link_of(office))
    if office.working_set().gateway.history.size:
        end_due(office)
        ask_before_meeting(office)


@frozen
class Service:
    """What a running gateway serves.

    `automatic` is the name in which it acts by itself, None if it leaves all acts to people.
    `queued` counts the records that wait for the hub, and `unopened` those that nobody opened.
    """

    agency: str
    folder: str
    hub: str
    directory: int | None
    automatic: str | None
    queued: int
    unopened: int


@needs(GATEWAY)
def describe_service(office: Office) -> Service:
    """Describe what `serve` is about to do. Raises `AgencyError` `not-joined`."""
    link_of(office)
    status = report_status(office)
    assert office.settings.hub is not None, "it has joined"
    return Service(
        office.agency,
        str(office.folder),
        office.settings.hub,
        status.directory,
        office.settings.automatic,
        sum(row.state == "queued" for row in status.outbox),
        status.unopened,
    )


@needs(GATEWAY)
def duties_of(office: Office) -> tuple[Duty, ...]:
    """Return the gateway's duties, to run with a `Schedule`. Raises `AgencyError` `not-joined`.

    A duty that needs a directory does nothing before there is one, nor at a closed hub.
    """
    link = link_of(office)
    return (
        Duty("directory", DIRECTORY_EVERY, lambda: _learn(link)),
        Duty("keys", HOURLY, _when_open(link, lambda: rotate_keys(link))),
        Duty("outbox", EVERY_SECOND, _when_open(link, lambda: send_outbox(link))),
        Duty("witness", WITNESS_EVERY, _when_open(link, lambda: cosign_tree(link))),
        Duty("proofs", WITNESS_EVERY, _when_open(link, lambda: fetch_proofs(link))),
        Duty("own records", WITNESS_EVERY, lambda: check_own_records(office)),
        Duty("keep until", HOURLY, _when_open(link, lambda: end_due(office))),
        Duty(
            "cases",
            EVERY_SECOND,
            _when_open(link, lambda: act_automatically(office) and send_outbox(link)),
        ),
        Duty("emergencies", DIRECTORY_EVERY, lambda: forget_late_emergencies(office)),
        Duty("meeting", HOURLY, _when_open(link, lambda: ask_before_meeting(office))),
        Duty("inbox", EVERY_SECOND, _when_open(link, lambda: pull_inbox(link, wait=1))),
    )


def _learn(link: HubLink) -> int:
    link.office.check_not_moved()
    return learn_directory(link)


def _when_open(link: HubLink, do: Callable[[], Any]) -> Callable[[], Any]:
    def duty() -> Any:
        link.office.check_not_moved()
        if link.office.working_set().gateway.history.size and link.restored is None:
            link.take_up_key()  # another program may have learned that it is listed
            return do()
        return None

    return duty
