"""Report an agency's state, and run the gateway's duties."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import field
from itertools import islice
from typing import Any

from exchange.agency.own_records import UnknownRecord
from exchange.errors import shorten
from exchange.membership.history import History
from offramp.agency.cases.tasks import QUIET
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.origin import confirmed_records, keep_confirmed, own_leaves, own_numbers
from offramp.agency.folder.outgoing import QUEUED, REFUSED, OutgoingRecord
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import explain_refusal, pull_inbox, send_what_waits
from offramp.agency.hub_link.directory import learn_directory
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.key_rotation import rotate_keys, take_over
from offramp.agency.hub_link.link import HubLink, link_of
from offramp.agency.hub_link.membership import PendingDraft
from offramp.agency.hub_link.own_records import (
    is_of_time_of_another_folder,
    is_sent_before,
    place_own_records,
)
from offramp.agency.hub_link.schedule import Duty
from offramp.agency.hub_link.witnessing import cosign_tree, fetch_proofs
from offramp.agency.operations.access import ADMIN, GATEWAY, needs
from offramp.agency.operations.automatic import act_automatically
from offramp.agency.operations.destruction import end_due
from offramp.agency.operations.emergency import forget_late_emergencies
from offramp.agency.operations.meetings import ask_before_meeting
from offramp.agency.operations.membership import list_drafts
from rules.frozen import frozen

NOT_SENT_HERE_FIX = (
    "if nobody copied the folder, the key is stolen: retire it with `offramp agency retire DIR "
    "KEY`; if a folder of yours sent it that you have stopped, say so with `offramp agency "
    "confirm-own DIR RECORD`"
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
    `not_sent_here` are sentences about records that another program sent in this agency's name,
    `sent_since_backup` about those that were sent after the backup this folder was restored from.
    `works_elsewhere` is a sentence if the agency works in another folder, else None.
    `unopened` counts the records that wait for a person to open them: a receipt doesn't.
    `moved_at` is when the agency moved from this folder, None if it is still in it.
    `counts` has the number of composed records by state, and `outbox` the records themselves.
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
    sent_since_backup: tuple[str, ...] = ()
    works_elsewhere: str | None = None
    counts: Mapping[str, int] = field(default_factory=dict)

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
            "sent_since_backup": list(self.sent_since_backup),
            "works_elsewhere": self.works_elsewhere,
            "broken": self.broken,
            "restored": self.restored,
            "recalls": [recall.as_json() for recall in self.recalls],
            "drafts": [draft.as_json() for draft in self.drafts],
            "outbox": [row.as_json() for row in self.outbox],
            "moved": self.moved_at,
        }


@needs(GATEWAY)
def report_status(office: Office, *, most: int | None = None) -> AgencyStatus:
    """Report queued records, pending drafts and recalls, and faults.

    With `most`, only so many records of the outbox are listed: the refused ones, then the queued.
    """
    drafts = list_drafts(office) if office.moved_at is None else ()
    working_set = office.working_set()
    gateway = working_set.gateway
    has_directory = bool(gateway.history.size)
    not_sent_here, since_backup = describe_unknown(office, working_set)
    composed = working_set.outbox.values()
    counts = Counter(outgoing.state for outgoing in composed)
    return AgencyStatus(
        agency=office.agency,
        directory=gateway.history.newest.version if has_directory else None,
        items=gateway.cursor,
        unopened=sum(
            1
            for received in gateway.received.values()
            if received.record and not received.opened and received.record.kind not in QUIET
        ),
        faults=tuple(received.fault for received in gateway.faults),
        not_sent_here=not_sent_here,
        broken=str(gateway.broken) if gateway.broken else None,
        restored=office.journal.get("restored") or None,
        recalls=tuple(
            PendingRecall(recall.record, recall.part, recall.issuer, recall.until)
            for recall in gateway.pending_recalls()
        ),
        drafts=drafts,
        outbox=tuple(
            _outbox_row(outgoing, has_directory=has_directory)
            for outgoing in (composed if most is None else _not_at_hub(composed, counts, most))
        ),
        moved_at=office.moved_at,
        founders=gateway.history.founders if has_directory else None,
        without_key=_without_key(gateway.history) if has_directory else (),
        sent_since_backup=since_backup,
        works_elsewhere=describe_elsewhere(office, working_set),
        counts=counts,
    )


def _not_at_hub(
    composed: Collection[OutgoingRecord], counts: Mapping[str, int], most: int
) -> tuple[OutgoingRecord, ...]:
    """Return the first records that the hub refused or that wait for it, the refused ones first."""
    listed: list[OutgoingRecord] = []
    for state in (REFUSED, QUEUED):
        length = min(counts.get(state, 0), most - len(listed))
        listed += islice((outgoing for outgoing in composed if outgoing.state == state), length)
    return tuple(listed)


def _outbox_row(outgoing: OutgoingRecord, *, has_directory: bool) -> OutboxRow:
    reason = explain_refusal(outgoing.refused) if outgoing.refused is not None else None
    if outgoing.waits:
        reason = (
            "not sent yet, or the hub didn't answer"
            if has_directory
            else "this agency knows no directory yet"
        )
    return OutboxRow(outgoing.jti, outgoing.kind, outgoing.case, outgoing.state, reason)


def _without_key(history: History) -> tuple[str, ...]:
    """Return the names of the listed agencies without an open sealing key."""
    membership = history.membership_at(2**53 - 1)
    agencies = membership.directory.agencies
    return tuple(
        agency.name for agency in agencies.values() if not membership.sealing.get(agency.id)
    )


def describe_elsewhere(office: Office, working_set: WorkingSet) -> str | None:
    """Say that the agency works in another folder than this one, and what to do. None if not."""
    try:
        office.check_works_here(working_set)
    except AgencyError as refusal:
        return f"{refusal.message}; {refusal.fix}"
    return None


def describe_unknown(
    office: Office, working_set: WorkingSet
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Describe the records in this agency's name that were not sent from this folder.

    Returns a sentence for each that another program sent, and for each that the agency sent itself:
    after the backup this folder was restored from, before the folder took over, or from another
    folder, as a person confirmed.
    """
    sent_elsewhere, explained = [], []
    confirmed, numbers = confirmed_records(office.journal), own_numbers(office.journal)
    unknown = working_set.unknown_own_records()
    named = {(each.case, numbers[each.jti]) for each in unknown if each.jti in numbers}
    for record in unknown:
        if (record.case, record.number) in named:
            continue  # its id is listed
        known_by = _known_by(record)
        if _is_since_backup(office, working_set, record):
            explained.append(f"{known_by} was sent after the backup, and is missing here")
        elif (confirmation := confirmed.get(record.jti or "")) is not None:
            explained.append(
                f"{known_by} was sent from another folder of this agency, as "
                f"`{confirmation['by']}` confirmed, and is missing here"
            )
        else:
            sent_elsewhere.append(
                f"{known_by} carries this agency's name and was not sent from this folder"
            )
    return tuple(sent_elsewhere), tuple(explained)


def _known_by(record: UnknownRecord) -> str:
    of_case = f"of the case `{record.case}`" if record.case else "about no case"
    if record.number is not None:
        return f"record `{record.number}` {of_case}"
    if record.agency is not None:
        return f"record `{record.jti}` {of_case}, which `{record.agency}` acknowledges,"
    return f"record `{record.jti}` {of_case}, which the account lists,"


def _is_since_backup(office: Office, working_set: WorkingSet, record: UnknownRecord) -> bool:
    """Report whether a record was sent before this restored folder took over.

    INVARIANT: it isn't known before `place_own_records` asked the hub.
    """
    origin = office.origin
    if origin is None:
        return False
    # A copy lacks nothing that was sent before it, so only a restoration before it explains one.
    taken_over_at = origin.before if origin.purpose == "copy" else origin.index
    if taken_over_at is None:
        return origin.purpose != "copy"
    is_placed = record.jti is None or record.jti in own_leaves(office.journal)
    return not is_placed or is_sent_before(office, working_set, record, taken_over_at)


@frozen
class ConfirmedRecord:
    """A record in the agency's name of which a person said that a folder of the agency sent it."""

    record: str
    by: str

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency confirm-own`."""
        return {"record": self.record, "by": self.by}


@needs(ADMIN, look="act")
def confirm_own_record(office: Office, actor: str, record: str) -> ConfirmedRecord:
    """Confirm that a record was sent from another folder of this agency, and by no thief.

    `record` is its id. Before, the key with which the other folder took over must have been retired
    from here.

    INVARIANT: a person names each record, and one from any other time can't be confirmed. So the
    alarm of a stolen key is never silenced for what comes later. Raises `AgencyError`
    `no-such-record`, `not-of-another-folder`; as `Office.check_works_here`.
    """
    with office.transaction() as working_set:
        office.check_works_here(working_set)
        if record not in {each.jti for each in working_set.unknown_own_records()}:
            raise AgencyError(
                "no-such-record",
                f"no record `{shorten(record)}` in this agency's name is missing here",
                fix="look at `offramp agency doctor DIR`",
            )
        if not is_of_time_of_another_folder(office, record):
            raise AgencyError(
                "not-of-another-folder",
                f"`{record}` was not sent while another folder had taken over, as far as it is "
                "known here",
                fix="retire the key of the other folder first, and let `offramp agency serve DIR` "
                "run; if that was done, the key is stolen",
            )
        keep_confirmed(office.journal, record, actor, office.clock())
    return ConfirmedRecord(record, actor)


def check_own_records(link: HubLink) -> None:
    """Check that all records in this agency's name were sent from here.

    In a restored folder, the hub is asked about each that wasn't. Raises `AgencyError`
    `not-sent-here`, `HubAway`.
    """
    office = link.office
    place_own_records(link)
    sentences, _ = describe_unknown(office, office.working_set())
    if sentences:
        raise AgencyError("not-sent-here", sentences[0], fix=NOT_SENT_HERE_FIX)


@needs(GATEWAY)
def run_duties_once(office: Office) -> None:
    """Do everything that is due with the hub, once.

    Raises `HubAway`, `HubRefused`, `AgencyError` `not-joined`, `works-elsewhere`; `LogError` where
    the log is broken.
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
    """Describe what `serve` is about to do.

    Raises `AgencyError` `not-joined`; as `Office.check_works_here`.
    """
    link_of(office)
    office.check_works_here()
    status = report_status(office, most=0)
    assert office.settings.hub is not None, "it has joined"
    return Service(
        office.agency,
        str(office.folder.absolute()),
        office.settings.hub,
        status.directory,
        office.settings.automatic,
        status.counts.get(QUEUED, 0),
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
        Duty("outbox", EVERY_SECOND, _when_open(link, lambda: _send(link))),
        Duty("witness", WITNESS_EVERY, _when_open(link, lambda: cosign_tree(link))),
        Duty("proofs", WITNESS_EVERY, _when_open(link, lambda: fetch_proofs(link))),
        Duty("own records", WITNESS_EVERY, _when_open(link, lambda: check_own_records(link))),
        Duty("keep until", HOURLY, _when_open(link, lambda: end_due(office))),
        Duty(
            "cases",
            EVERY_SECOND,
            _when_open(link, lambda: act_automatically(office) and _send(link)),
        ),
        Duty("emergencies", DIRECTORY_EVERY, lambda: forget_late_emergencies(office)),
        Duty("meeting", HOURLY, _when_open(link, lambda: ask_before_meeting(office))),
        Duty("inbox", EVERY_SECOND, _when_open(link, lambda: pull_inbox(link, wait=1))),
    )


def _learn(link: HubLink) -> int:
    link.office.check_not_moved()
    learned = learn_directory(link)
    if link.office.working_set().gateway.history.size and link.restored is None:
        take_over(link)
    return learned


def _send(link: HubLink) -> int:
    """Send what waits. The directory is asked for first, since another folder may have taken over.

    INVARIANT: so a folder that another one took over from sends nothing more.
    """
    return send_what_waits(link) if link.office.working_set().to_send() else 0


def _when_open(link: HubLink, do: Callable[[], Any]) -> Callable[[], Any]:
    def duty() -> Any:
        link.office.check_works_here()
        origin = link.office.origin
        if origin is not None and origin.waits:
            return None  # learning the directory comes first, and takes over
        if link.office.working_set().gateway.history.size and link.restored is None:
            link.take_up_key()  # another program may have learned that it is listed
            return do()
        return None

    return duty
