"""The tasks of an agency as typed functions: the Python API of `offramp agency`.

The command line, the demonstration, and the web console call these functions. Each takes values
and returns a frozen record. None parses arguments, prints, or asks a person.

Conventions:

- `office` comes first: an opened agency folder, from `open_office`.
- `actor` is the name of the person who acts, wherever a record or the journal states it.
- A case and a record are named by 32 hexadecimal digits. `find_case` completes the first digits
  of a case. Times are seconds since 1970 (UTC), days
  are text such as `2026-11-28`.
- A change is one transaction of the journal. It is on the disk before anything is sent, and a hub
  that is away leaves it queued: `state` says so.
- A function raises a subclass of `rules.errors.Refusal` with a stable `code`, a sentence, and a
  fix. `AgencyError`, `HubAway`, and `HubRefused` are in `offramp.agency.errors`.
- `as_json` of a result is what the command of the same task prints with `--json`.

    >>> with closing(open_office(Path("~/agency").expanduser(), passphrase)) as office:
    ...     determine(office, "J. Vigil", case, "admission", "admitted", "rules")
"""

from typing import Any, Protocol

from offramp.agency.cases.draft import Draft
from offramp.agency.cases.meeting import Agenda, Item, OffBoard
from offramp.agency.cases.minutes import StatusRequest, Step
from offramp.agency.cases.task import Task
from offramp.agency.folder.staff import Session, StaffPerson
from offramp.agency.hub_link.membership import PendingDraft
from offramp.agency.operations.automatic import SentAnswer, act_automatically
from offramp.agency.operations.backups import (
    Backup,
    Drill,
    RestoredAgency,
    back_up,
    drill_backup,
    move_agency,
    restore_agency,
)
from offramp.agency.operations.breach import BreachReport, report_breach
from offramp.agency.operations.case_file import (
    CaseSummary,
    CaseView,
    NotedFacts,
    RulesNotice,
    Takeup,
    find_case,
    list_cases,
    list_tasks,
    note_facts,
    note_notice,
    open_case,
    publish_takeup,
    read_case,
)
from offramp.agency.operations.changes import CASE_CHANGED
from offramp.agency.operations.consent import (
    ConsentSetSummary,
    RecordedConsent,
    Signature,
    StandingGrant,
    list_consent_sets,
    list_standing_grants,
    open_consent_form,
    person_name,
    record_answers,
    write_statement,
)
from offramp.agency.operations.decisions import (
    NEW_CASE,
    CaseAnswer,
    Determination,
    SentQuestion,
    ask,
    decide,
    determine,
    send_answer,
)
from offramp.agency.operations.evidence import (
    CaseAccount,
    Export,
    export_decision,
    export_record,
    fetch_account,
)
from offramp.agency.operations.examination import Finding, examine, examine_files
from offramp.agency.operations.meetings import (
    Meeting,
    Preparation,
    RecordedMeeting,
    SentStatus,
    StatusDraft,
    draft_status,
    open_statuses,
    prepare_meeting,
    program_day,
    record_meeting,
    send_status,
    show_agenda,
    show_off_board,
    status_owed,
)
from offramp.agency.operations.membership import (
    Approval,
    JoinRequest,
    PackProposal,
    Proposal,
    Retirement,
    SpareKey,
    adopt_pack,
    approve_draft,
    join_hub,
    list_drafts,
    make_spare_key,
    propose_change,
    retire,
)
from offramp.agency.operations.mistakes import (
    Correction,
    Effects,
    SentCorrection,
    correct,
    effects,
    list_told,
)
from offramp.agency.operations.opening import create_agency, open_office
from offramp.agency.operations.people import (
    Comparison,
    Person,
    PersonCase,
    duplicates_of,
    find,
    join,
    note_other_people,
    note_report_number,
    note_same_person,
    possible_duplicates,
    same_person,
    split,
    tell_apart,
)
from offramp.agency.operations.recalls import (
    KEEP_REASONS,
    REASONS,
    Recall,
    RecallAnswer,
    answer_recalls,
    list_own_entries,
    preview_recall,
    recall,
)
from offramp.agency.operations.records import (
    Inbox,
    OpenedPart,
    OralNotice,
    ReceivedPart,
    ReceivedRecord,
    Retry,
    Revocation,
    SentRecord,
    build_draft,
    list_inbox,
    open_part,
    parse_draft,
    record_consent,
    retry_record,
    revoke_consent,
    send_record,
)
from offramp.agency.operations.representation import represent
from offramp.agency.operations.sign_in import acting, sign_in
from offramp.agency.operations.telling import (
    FormDraft,
    OpenedForm,
    PartPreview,
    Preview,
    SentForm,
    WaitingQuestion,
    closed_questions,
    draft_form,
    open_form,
    open_questions_as,
    preview_draft,
    send_draft,
    waiting_questions,
)
from offramp.agency.operations.upkeep import (
    AgencyStatus,
    OutboxRow,
    PendingRecall,
    Service,
    describe_service,
    duties_of,
    report_status,
    run_duties_once,
)


class Result(Protocol):
    """A result of an operation that has a form in JSON."""

    def as_json(self) -> dict[str, Any]:
        """Return what the command of the same task prints with `--json`."""


__all__ = [
    "CASE_CHANGED",
    "KEEP_REASONS",
    "NEW_CASE",
    "REASONS",
    "AgencyStatus",
    "Agenda",
    "Approval",
    "Backup",
    "BreachReport",
    "CaseAccount",
    "CaseAnswer",
    "CaseSummary",
    "CaseView",
    "Comparison",
    "ConsentSetSummary",
    "Correction",
    "Determination",
    "Draft",
    "Drill",
    "Effects",
    "Export",
    "Finding",
    "FormDraft",
    "Inbox",
    "Item",
    "JoinRequest",
    "Meeting",
    "NotedFacts",
    "OffBoard",
    "OpenedForm",
    "OpenedPart",
    "OralNotice",
    "OutboxRow",
    "PackProposal",
    "PartPreview",
    "PendingDraft",
    "PendingRecall",
    "Person",
    "PersonCase",
    "Preparation",
    "Preview",
    "Proposal",
    "Recall",
    "RecallAnswer",
    "ReceivedPart",
    "ReceivedRecord",
    "RecordedConsent",
    "RecordedMeeting",
    "RestoredAgency",
    "Result",
    "Retirement",
    "Retry",
    "Revocation",
    "RulesNotice",
    "SentAnswer",
    "SentCorrection",
    "SentForm",
    "SentQuestion",
    "SentRecord",
    "SentStatus",
    "Service",
    "Session",
    "Signature",
    "SpareKey",
    "StaffPerson",
    "StandingGrant",
    "StatusDraft",
    "StatusRequest",
    "Step",
    "Takeup",
    "Task",
    "WaitingQuestion",
    "act_automatically",
    "acting",
    "adopt_pack",
    "answer_recalls",
    "approve_draft",
    "ask",
    "back_up",
    "build_draft",
    "closed_questions",
    "correct",
    "create_agency",
    "decide",
    "describe_service",
    "determine",
    "draft_form",
    "draft_status",
    "drill_backup",
    "duplicates_of",
    "duties_of",
    "effects",
    "examine",
    "examine_files",
    "export_decision",
    "export_record",
    "fetch_account",
    "find",
    "find_case",
    "join",
    "join_hub",
    "list_cases",
    "list_consent_sets",
    "list_drafts",
    "list_inbox",
    "list_own_entries",
    "list_standing_grants",
    "list_tasks",
    "list_told",
    "make_spare_key",
    "move_agency",
    "note_facts",
    "note_notice",
    "note_other_people",
    "note_report_number",
    "note_same_person",
    "open_case",
    "open_consent_form",
    "open_form",
    "open_office",
    "open_part",
    "open_questions_as",
    "open_statuses",
    "parse_draft",
    "person_name",
    "possible_duplicates",
    "prepare_meeting",
    "preview_draft",
    "preview_recall",
    "program_day",
    "propose_change",
    "publish_takeup",
    "read_case",
    "recall",
    "record_answers",
    "record_consent",
    "record_meeting",
    "report_breach",
    "report_status",
    "represent",
    "restore_agency",
    "retire",
    "retry_record",
    "revoke_consent",
    "run_duties_once",
    "same_person",
    "send_answer",
    "send_draft",
    "send_record",
    "send_status",
    "show_agenda",
    "show_off_board",
    "sign_in",
    "split",
    "status_owed",
    "tell_apart",
    "waiting_questions",
    "write_statement",
]
