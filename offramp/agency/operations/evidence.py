"""Fetch the account of a case, and export records and decisions with their proofs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import field, replace
from typing import Any

from exchange.agency.exhibits import decision_exhibit_of, exhibit_of
from exchange.consent.account_rows import Row
from exchange.consent.accounting import AccountStatement
from exchange.errors import ExchangeError
from exchange.evidence.confirmations import decisions_in
from exchange.evidence.verify import verify_decision, verify_exhibit
from exchange.log.leaves import Leaf
from exchange.membership.directory import Directory
from exchange.standards.notes import read_checkpoint, read_note
from offramp.agency.cases.account import NO_FATE, AccountText, account_text, rows_of_agency
from offramp.agency.cases.decision_record import decision_in
from offramp.agency.cases.own_account import own_account
from offramp.agency.cases.people import cases_of_person
from offramp.agency.cases.signed_ends import SignedEnd, signed_ends
from offramp.agency.cases.text_fates import TextFate, TextKey, key_of, known_rows, text_fates
from offramp.agency.cases.text_openings import TextOpenings
from offramp.agency.cases.told_words import NOTHING_READABLE, ToldContents, named, told_contents
from offramp.agency.errors import AgencyError, HubRefused
from offramp.agency.folder.office import Office
from offramp.agency.hub_link.client import short_patience
from offramp.agency.hub_link.link import link_of
from offramp.agency.operations.access import CASE, needs, visible
from offramp.agency.operations.confirmation import shown_confirmations
from offramp.agency.operations.looks import Opening, openings_of
from offramp.agency.operations.records import find_record
from rules.frozen import frozen

# The columns of an account in JSON, in order, with the attribute of each.
_COLUMNS = {
    "issuer": "issuer",
    "kind": "kind",
    "to": "to",
    "category": "category",
    "purpose": "purpose",
    "basis": "basis",
    "what": "status",
    "at": "at",
    "told_aloud": "is_oral",
    "denied": "denied",
    "opened": "opened",
    "recalled": "recalled",
    "answered": "answered",
}


@frozen
class CaseAccount:
    """A verified account of a case, and the directory that names its agencies.

    `agency` is this agency if the account has only the rows that it said or was told, and None if
    the account is whole. With `is_proved` false it is made of this agency's own records, since the
    hub gives no account of the case here. `joined` are the accounts of the person's other cases.
    `openings` are the people of this agency who opened the file, where the account is for the
    person. `ends` are what agencies signed about parts that they destroyed, `fates` what became of
    each text, and `contents` what it told, as far as this agency knows it. `is_withheld` is true
    where the hub gives the account only after this agency recorded a consent. `text_openings` tells
    what a person opened from what a gateway may have used by itself.
    """

    statement: AccountStatement
    directory: Directory
    agency: str | None = None
    is_proved: bool = True
    joined: tuple[CaseAccount, ...] = ()
    openings: tuple[Opening, ...] | None = None
    ends: tuple[SignedEnd, ...] = ()
    fates: Mapping[TextKey, TextFate] = field(default_factory=dict)
    contents: ToldContents = NOTHING_READABLE
    is_withheld: bool = False
    text_openings: TextOpenings | None = None

    def text(self, language: str, *, is_read: bool = False) -> AccountText:
        """Return the account in sentences, without those of the joined cases.

        With `is_read`, the person reads them.
        """
        return account_text(
            self.statement,
            self.directory,
            language,
            self.agency,
            is_proved=self.is_proved,
            is_read=is_read,
            is_withheld=self.is_withheld,
            ends=self.ends,
            fates=self.fates,
            contents=self.contents,
            openings=self.text_openings,
        )

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency account`."""
        rows: list[dict[str, Any]] = [
            {name: getattr(row, attribute) for name, attribute in _COLUMNS.items()}
            | {"denied": None if row.denied is None else list(row.denied)}
            | self._fate_json(row)
            for row in self.statement.rows
        ]
        return {
            "case": self.statement.case,
            "at": self.statement.at,
            "rows": rows,
            "missing": list(self.statement.missing),
            "signed_ends": [end.as_json() for end in self.ends],
            "proved": self.is_proved,
            "withheld": self.is_withheld,
            "joined": [account.as_json() for account in self.joined],
            **(
                {"opened_by": [opening.as_json() for opening in self.openings]}
                if self.openings is not None
                else {}
            ),
        }

    @property
    def _openings(self) -> TextOpenings:
        return self.text_openings or TextOpenings(self.statement.records)

    def _fate_json(self, row: Row) -> dict[str, Any]:
        fate = self.fates.get(key_of(row), NO_FATE)
        return {
            "answer": fate.answer,
            "kept_because": fate.kept_because,
            "ended": fate.end,
            "used_by": self._openings.of(row),
            "details": None if self.contents.of(row) is None else named([row], self.contents, 0),
        }


@frozen
class Export:
    """A record or decision as a file that anyone can verify offline. `text` is JSON in UTF-8."""

    record: str
    text: bytes


@needs(CASE, look="print")
def fetch_account(
    office: Office, case: str, *, for_person: bool = False, may_be_own: bool = False
) -> CaseAccount:
    """Fetch a case's account from the hub, verify it, and keep it.

    The person's counsel gets all of it. Any other agency gets what it said or was told, since what
    agencies tell each other is not its affair. With `for_person` it gets all of it, to give to the
    person. The person's other cases, joined at this agency, come with it, each in a part of its
    own. Where the hub gives a case manager no account of a case, its own records make one, and so
    they do for a joined case. With `may_be_own`, they do so for every agency.

    Raises `HubAway`; `HubRefused` where this agency may not have it; `AgencyError` `not-joined`;
    `LogError` where the account can't be proved.
    """
    working_set = office.working_set()
    # A joined case outside the caseload of the person who asks stays out of it.
    sees = visible(office, working_set)
    joined = [
        handle for handle in cases_of_person(working_set, case) if handle != case and sees(handle)
    ]
    role = working_set.gateway.history.newest.role(office.agency)
    may_be_own = may_be_own or role == "case_management"
    account = _account_of(office, case, for_person, may_be_own=may_be_own)
    others = tuple(_account_of(office, handle, for_person, may_be_own=True) for handle in joined)
    openings = openings_of(office, case) if for_person else None
    return replace(account, joined=others, openings=openings)


def _account_of(office: Office, case: str, for_person: bool, *, may_be_own: bool) -> CaseAccount:
    """Return the account of one case: the hub's, or this agency's own records of a case here."""
    try:
        statement = office.learn_account(link_of(office).client.account(case))
    except HubRefused as refusal:
        working_set = office.working_set()
        if refusal.status != 403 or not may_be_own or case not in working_set.cases:
            raise
        own_records = _of_own_records(office, case)
        is_keeper = working_set.gateway.history.newest.role(office.agency) == "case_management"
        return replace(own_records, is_withheld=is_keeper)
    directory = office.working_set().gateway.history.newest
    if for_person or directory.role(office.agency) == "defender":
        return _with_what_is_known(office, CaseAccount(statement, directory))
    own = rows_of_agency(statement, office.agency)
    return _with_what_is_known(office, CaseAccount(own, directory, office.agency))


def peek_account(office: Office, case: str) -> AccountStatement | None:
    """Fetch a case's account, verify it, and keep nothing of it: a page shows it at each look.

    None if the hub gives none within three seconds, or what it gives can't be proved.
    """
    with suppress(ExchangeError, AgencyError), short_patience(link_of(office).client) as client:
        return office.working_set().gateway.read_account(client.account(case))
    return None


def account_of_own_records(office: Office, case: str) -> CaseAccount:
    """Return a case's account by this agency's own records, for the person while the hub is away.

    It proves nothing, and says so.
    """
    return replace(_of_own_records(office, case), openings=openings_of(office, case))


def _of_own_records(office: Office, case: str) -> CaseAccount:
    working_set = office.working_set()
    statement = own_account(working_set, case, office.clock())
    directory = working_set.gateway.history.newest
    account = CaseAccount(statement, directory, office.agency, is_proved=False)
    return _with_what_is_known(office, account)


def _with_what_is_known(office: Office, account: CaseAccount) -> CaseAccount:
    """Return an account with what this agency knows of its texts, also since it was witnessed."""
    case = account.statement.case
    open_recall_answers(office, case)
    working_set = office.working_set()
    rows = known_rows(working_set, case, account.statement.rows)
    ends = signed_ends(working_set, case, rows)
    now = working_set.gateway.hub_time(office.clock())
    return replace(
        account,
        statement=replace(account.statement, rows=rows),
        ends=ends,
        fates=text_fates(working_set, case, rows, ends, now),
        contents=told_contents(working_set, case),
        text_openings=TextOpenings(
            account.statement.records, office.agency, working_set.opened_automatically
        ),
    )


def open_recall_answers(office: Office, case: str) -> None:
    """Open the answers to this agency's recalls, which say if a text was deleted or kept.

    They say nothing about the person, so every person who may see the case may read them.
    """
    working_set = office.working_set()
    received = working_set.cases.records(case).received
    kinds = {jti: each.record.kind for (_, jti), each in received.items() if each.record}
    for jti, part in working_set.closed_parts(case):
        if kinds.get(jti) == "recall_answer" and office.acting is not None:
            with suppress(ExchangeError, AgencyError):  # it stays closed, and isn't known
                office.open(jti, part, by=office.acting.name)


@needs(CASE, look="export")
def export_record(office: Office, record: str) -> Export:
    """Export what was opened of a received record, with its proofs, verified.

    `record` is an id or a number in the inbox. Raises `HubAway`, `HubRefused`; `AgencyError`
    `not-here`, `unproved`, `not-joined`; as `exchange.evidence.verify.verify_exhibit`.
    """
    gateway = office.working_set().gateway
    jti = find_record(office, record)
    received = next(
        received for (_, received_id), received in gateway.received.items() if received_id == jti
    )
    leaves = [leaf for leaf in (received.item.leaf, received.item.recorded) if leaf is not None]
    checkpoints, path = _proofs(office, leaves, jti)
    exhibit = exhibit_of(
        gateway, received.item.issuer, jti, received.opened, checkpoints=checkpoints, path=path
    )
    verify_exhibit(exhibit)
    return Export(jti, exhibit.write())


@needs(CASE, look="export")
def export_decision(office: Office, record: str) -> Export:
    """Export a decision, own or received, with the records that it rests on, verified.

    `offramp replay` repeats it. A named person's decision is exported with its confirmations, if
    it was made here. Raises as `export_record`, and `AgencyError` `not-a-decision`.
    """
    working_set = office.working_set()
    own = working_set.outbox.get(record)
    if own is not None:
        jti, leaf = own.jti, own.leaf(working_set.agency)
        contents = [part["content"] for part in own.parts]
    else:
        jti = find_record(office, record)
        received = next(
            received
            for (_, received_id), received in working_set.gateway.received.items()
            if received_id == jti
        )
        leaf = received.item.recorded
        contents = [opened.content for opened in received.opened.values()]
    kind = own.kind if own is not None else received.record.kind if received.record else ""
    decided = decisions_in(kind, contents)
    decisions = [decision for content in contents if (decision := decision_in(content)) is not None]
    if leaf is None or not (decisions or decided):
        raise AgencyError(
            "not-a-decision",
            f"`{jti}` is no decision that is logged and readable here",
            fix="open it first",
        )
    checkpoints, path = _proofs(office, [leaf], jti)
    rests_on = [
        (source["record"], source["part"])
        for decision in decisions
        for source in decision.get("rests_on", ())
    ]
    exhibit = decision_exhibit_of(
        working_set.gateway, jti, rests_on, checkpoints=checkpoints, path=path
    )
    if own is not None and own.case is not None and decided:
        shown = shown_confirmations(office, own.case, decided)
        exhibit = replace(exhibit, confirmations=shown)
    verify_decision(exhibit)
    return Export(jti, exhibit.write())


def _proofs(
    office: Office, leaves: Sequence[Leaf], jti: str
) -> tuple[list[bytes], Callable[[Leaf], tuple[bytes, ...]]]:
    """Return the witnessed checkpoints around these leaves, and a function to each leaf's path.

    The last checkpoint covers every leaf, and each path leads to its root.
    """
    client = link_of(office).client
    newest = client.checkpoint(witnessed=True)
    if newest is None or _size(newest) <= max(leaf.index for leaf in leaves):
        raise AgencyError(
            "unproved",
            f"no witnessed checkpoint holds the hand-out of `{jti}`",
            fix="wait for the witnesses",
        )
    kept = {_size(note): note for note in _kept_checkpoints(office)}
    around = {_size(newest): newest}
    for leaf in leaves:
        before = [size for size in kept if size <= leaf.index]
        after = [size for size in kept if leaf.index < size < _size(newest)]
        around |= {size: kept[size] for size in (*before[-1:], *after[:1])}
    return [around[size] for size in sorted(around)], lambda leaf: client.inclusion(
        leaf.index, _size(newest)
    )


def _kept_checkpoints(office: Office) -> list[bytes]:
    """Return the witnessed checkpoints in the journal, the smallest first."""
    notes = [
        event.body["checkpoint"].encode()
        for event in office.journal.after(0)
        if event.kind == "proved"
    ]
    return sorted(notes, key=_size)


def _size(note: bytes) -> int:
    return read_checkpoint(read_note(note).text).size
