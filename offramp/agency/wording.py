"""The results of an agency's operations in words: the lines that a command prints."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from exchange.membership.history import in_groups
from offramp.agency.cases.account import case_heading, details, first_page
from offramp.agency.cases.breach import Breach
from offramp.agency.cases.case import Answer
from offramp.agency.cases.case_entry import FactSource
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.outdated import OutdatedDecision
from offramp.agency.cases.pack_terms import PackTerms, noun_of
from offramp.agency.cases.stated_facts import ENROLLED
from offramp.agency.cases.task import OVERDUE
from offramp.agency.cases.unopened_answers import UnopenedPart
from offramp.agency.fact_words import fact_label, fact_text
from offramp.agency.operations import (
    AgencyStatus,
    Approval,
    Backup,
    BreachReport,
    CaseAccount,
    CaseAnswer,
    CaseSummary,
    CaseView,
    ConsentSetSummary,
    Determination,
    Drill,
    Inbox,
    OpenedPart,
    PackProposal,
    PendingDraft,
    Proposal,
    ReceivedRecord,
    RecordedConsent,
    Representation,
    RestoredAgency,
    Retirement,
    Revocation,
    RulesNotice,
    SentQuestion,
    SentRecord,
    Service,
    SpareKey,
    StandingGrant,
    Task,
    ToldDecision,
)
from offramp.agency.operations.upkeep import NOT_SENT_HERE_FIX
from offramp.agency.people_wording import duplicate_lines
from offramp.agency.retention_wording import CAUSES
from offramp.agency.short_handles import short
from offramp.digest_words import digest_words
from rules.author.spoken_dates import spoken_day, spoken_moment
from rules.decide.wording import role_name
from rules.input.vocabulary import Vocabulary
from rules.shelf import vocabulary

# Membership


def approval_lines(approval: Approval) -> list[str]:
    """Describe a signed draft."""
    lines = [
        f"{approval.result} `{approval.digest}`",
        *(f"  {change}" for change in approval.changes),
    ]
    if approval.pack is not None:
        lines.append(_pack_line(approval.pack))
    if approval.words:
        lines.append(f"  the memo of the change in words: {' '.join(approval.words)}")
    return lines + (_needed_lines(approval.draft) if approval.draft is not None else [])


def _pack_line(pack: tuple[str, str]) -> str:
    return f"  the pack is `{pack[0]}`, with the digest {pack[1]}"


def _memo_lines(memo: tuple[str, ...]) -> list[str]:
    """Return the memo of the change, which a signer reads before signing."""
    return (
        ["  the memo that is signed with it:", *(f"    {line}".rstrip() for line in memo)]
        if memo
        else []
    )


def _needed_lines(draft: PendingDraft) -> list[str]:
    return [f"  still needed: {sentence}" for sentence in draft.still_needed]


def drafts_lines(drafts: Sequence[PendingDraft]) -> list[str]:
    """Describe drafts, the oldest first. Of several with a memo, the newest is described whole."""
    with_memo = [draft.sha256 for draft in drafts if draft.memo]
    return [
        line
        for draft in drafts
        for line in (
            _older_draft_lines(draft) if draft.sha256 in with_memo[:-1] else draft_lines(draft)
        )
    ]


def _older_draft_lines(draft: PendingDraft) -> list[str]:
    """Describe a draft that a newer one replaces, in short."""
    return [
        f"draft {draft.sha256} is older than another draft that changes the rules. It ends when "
        "that one is in force, so sign one of the two",
        _pack_line(draft.pack),
    ]


def draft_lines(draft: PendingDraft) -> list[str]:
    """Describe a draft: its digest, its changes, and its signers."""
    waits = "waits for your signature" if draft.is_mine else "waits for others"
    signed = f"; signed with {', '.join(draft.signed)}" if draft.signed else ""
    return [
        f"draft {draft.sha256} {waits}{signed}",
        *(f"  {change}" for change in draft.changes),
        *_memo_lines(draft.memo),
        _pack_line(draft.pack),
        *_needed_lines(draft),
    ]


def retirement_lines(retirement: Retirement) -> list[str]:
    """Describe a retirement, and the draft that must be signed."""
    if retirement.opens_parts:
        return _sealing_key_lines(retirement)
    lines = []
    if retirement.at_once:
        lines.append(
            f"`{retirement.retired}` is retired: nothing that it signs from now on counts, "
            "and all it signed before stays good"
        )
    if retirement.new_key:
        lines.append(
            f"`{retirement.new_key}` takes its place when enough have signed; "
            f"until then `{retirement.agency}` can send nothing"
        )
    if retirement.draft:
        lines.append(f"have the others compare and approve `{retirement.draft}`")
    return lines


def _sealing_key_lines(retirement: Retirement) -> list[str]:
    if retirement.new_key is None:
        return [f"`{retirement.retired}` is closed already: nothing more can be sealed to it"]
    return [
        f"`{retirement.new_key}` replaces `{retirement.retired}` and every earlier sealing key of "
        f"`{retirement.agency}`: the hub takes nothing more that is sealed to them",
        "what was sealed to them before stays readable here, and to a thief of the key",
    ]


def spare_key_lines(spare: SpareKey) -> list[str]:
    """Explain the next steps with a spare key."""
    return [
        f"made `{spare.key}`; have the others compare and approve `{spare.draft}`",
        f"then keep its file, `keys/{spare.key}.json`, in another place: "
        "a thief of this folder must not get both",
    ]


def proposal_lines(proposal: Proposal) -> list[str]:
    """Describe a proposed draft and its changes."""
    return [
        f"proposed and signed `{proposal.draft}`",
        *(f"  {change}" for change in proposal.changes),
        f"have the others compare and approve `{proposal.draft}`",
    ]


def pack_proposal_lines(proposal: PackProposal) -> list[str]:
    """Describe a proposed pack, its changes, and the start of its force."""
    return [
        f"proposed and signed `{proposal.draft}`: the pack `{proposal.id}` ({proposal.pack})",
        *_proposed_changes(proposal),
        f"have the others compare and approve `{proposal.draft}`: it is in force when enough have "
        "approved that draft, and it applies to later entries of the log",
    ]


def _proposed_changes(proposal: PackProposal) -> list[str]:
    """Return the changes, or the memo in their place: its digest, and the words to read out."""
    if proposal.memo is None:
        return [f"  {change}" for change in proposal.changes]
    words = " ".join(digest_words(proposal.memo))
    return [f"  with the memo {proposal.memo}", f"  in words: {words}"]


# State


def serve_lines(service: Service, socket: str | None) -> list[str]:
    """Say what a gateway is about to do, and how to stop it. `socket` takes others' commands."""
    directory = (
        f"version {service.directory} of the directory is in force"
        if service.directory
        else "it knows no directory yet, and asks the hub for it"
    )
    acts = (
        f"it asks and answers in the name of {service.automatic}"
        if service.automatic
        else "it asks and answers nothing by itself"
    )
    queued = "1 record waits" if service.queued == 1 else f"{service.queued} records wait"
    unopened = "1 is unopened" if service.unopened == 1 else f"{service.unopened} are unopened"
    return [
        f"the gateway of `{service.agency}` runs with the folder {service.folder}",
        f"it sends to {service.hub}, fetches what arrives, cosigns the log, and opens no port; "
        f"{directory}",
        f"{queued} for the hub, and of what arrived {unopened}; {acts}",
        f"other accounts of this machine give their commands at {socket}"
        if socket is not None
        else "other accounts of this machine can't give commands: that needs Linux",
        "Ctrl-C stops it; nothing is lost, and it goes on where it was",
    ]


def status_lines(status: AgencyStatus, zone: ZoneInfo) -> list[str]:
    """Describe an agency's state: what is pending, and why."""
    lines = [
        f"{status.agency}: directory {status.directory or 'none yet'}, "
        f"{status.items} received, {status.unopened} unopened",
        *([f"founders' fingerprint: {in_groups(status.founders)}"] if status.founders else []),
        *(
            [
                f"no key announced yet: {', '.join(status.without_key)}. Nothing can be sent there "
                "until the gateway there runs"
            ]
            if status.without_key
            else []
        ),
        *(f"NOT BELIEVED: {fault}" for fault in status.faults),
    ]
    lines += [f"NOT SENT FROM HERE: {sentence}" for sentence in status.not_sent_here]
    if status.moved_at is not None:
        lines.append("MOVED: this agency works in another folder, and sends nothing from here")
    elif status.works_elsewhere is not None:
        lines.append(f"MOVED: {status.works_elsewhere}")
    lines += [f"MISSING HERE: {sentence}" for sentence in status.sent_since_backup]
    if status.not_sent_here:
        lines.append(NOT_SENT_HERE_FIX)
    if status.broken:
        lines.append(f"THE LOG IS BROKEN: {status.broken}")
    if status.restored:
        from offramp.restored import lines as restored_hub_lines

        lines += restored_hub_lines(dict(status.restored))
    lines += drafts_lines(status.drafts)
    for recall in status.recalls:
        until = spoken_moment(recall.until, zone)
        lines.append(f"recall of `{recall.part}` to answer by {until}")
    for row in status.outbox:
        reason = f"  {row.reason}" if row.reason else ""
        lines.append(f"{row.state:<10} {row.id}  {kind_text(row.kind)}{reason}")
    return lines


def backup_lines(backup: Backup) -> list[str]:
    """Say where a backup is, and whether it restores."""
    lines = [
        f"`{backup.file}` has settings, keys, and journal, encrypted under the passphrase; "
        "keep it on another machine, and the passphrase apart from it"
    ]
    return [*lines, *_drill_lines(backup.drill, "make a new backup")]


def moved_lines(backup: Backup) -> list[str]:
    """Say what to do with the file of a move, and whether it restores."""
    return [
        f"`{backup.file}` has the whole agency, and this folder sends nothing any more",
        *_drill_lines(backup.drill, "move again, to another file"),
        "on the new machine, run `offramp agency restore FOLDER FILE`, and do what it prints; then "
        "delete this folder",
    ]


def _drill_lines(drill: Drill | None, again: str) -> list[str]:
    """Say what a drill found, and what to do `again` if the file lacks something."""
    if drill is None:
        return []
    lines = [f"restored {drill.events} events and {drill.keys} keys into a temporary folder"]
    if drill.is_complete:
        return [*lines, "the restored folder is the same as this one"]
    if drill.missing_events:
        lines.append(f"it lacks the last {drill.missing_events} events: {again}")
    lines += [f"it lacks `{name}`: {again}" for name in drill.missing_keys]
    return [*lines, *(f"it differs in `{name}`" for name in drill.different)]


def restored_lines(restored: RestoredAgency) -> list[str]:
    """Say what was restored, and what to do until the folder before can be deleted."""
    lines = [
        f"`{restored.folder}` is the folder of `{restored.agency}` again, with {restored.events} "
        f"events and {len(restored.keys)} keys",
        "1. if a folder from before still runs, stop its gateway",
        "2. run `offramp agency serve DIR`: with the hub's first answer this folder takes over, "
        "and one from before sends nothing any more",
        "3. run `offramp agency backup DIR FILE`, since this folder makes a new key",
        "4. run `offramp agency doctor DIR`, until it says that this folder has taken over",
        "5. delete the one from before",
    ]
    if restored.purpose == "backup":
        lines.append(
            "records that were sent after the backup are missing here, and `offramp agency status "
            "DIR` names each one that another agency acknowledges. If the folder from before is "
            "whole, read in it what is missing (`offramp agency doctor`, `cases`, and `case`), and "
            "tell it anew before you delete it"
        )
    return lines


def inbox_lines(inbox: Inbox) -> list[str]:
    """List the records that arrived."""
    return [_received_line(record) for record in inbox.records]


def _received_line(record: ReceivedRecord) -> str:
    parts = "; ".join(
        f"{part.id} {', '.join(part.category)} ({part.state})" for part in record.parts
    )
    return (
        f"{record.number:>4}  {record.sender:<16} {record.kind:<20} "
        f"case {record.case or '-'}  {parts}"
    )


# Records


def sent_lines(record: SentRecord) -> list[str]:
    """Describe the state of a record."""
    case = f" in case `{record.case}`" if record.case else ""
    return [f"{kind_text(record.kind)} `{record.id}`{case}: {record.state}"]


def kind_text(kind: str) -> str:
    """Return what a kind of record is about, in words."""
    known = vocabulary().kinds.get(kind)
    return known.line if known else kind.replace("_", " ")


def revocation_lines(revocation: Revocation) -> list[str]:
    """Report the end of a consent, and the notices of an oral revocation."""
    lines = [line for record in revocation.records for line in sent_lines(record)]
    oral = revocation.oral
    if oral is None:
        return lines
    if oral.record is not None:
        return lines + sent_lines(oral.record)
    if oral.refusal is not None:
        return [*lines, f"no agency is told that the revocation was oral: {oral.refusal}"]
    return [
        *lines,
        "the revocation was oral. Only this journal states that, because no agency may be told",
    ]


def consent_sets_lines(sets: Sequence[ConsentSetSummary]) -> list[str]:
    """List the consent sets, and whether each is due."""
    lines = []
    for summary in sets:
        state = "due" if summary.is_due else "not due yet"
        if summary.asked:
            state = f"asked on {', '.join(summary.asked)}"
        lines.append(f"`{summary.id}`: {summary.label} ({state})")
    return lines or ["the rules in force have no consent set"]


def recorded_consent_lines(recorded: RecordedConsent, is_shown: bool) -> list[str]:
    """Report a recorded consent, with its text unless that was shown before."""
    lines = [] if is_shown else list(recorded.lines)
    if not recorded.grants:
        lines.append("nothing new is allowed")
    for record in recorded.records:
        lines += sent_lines(record)
    lines.append(f"the text `{recorded.version}` is kept here")
    return lines


def standing_lines(standing: Sequence[StandingGrant]) -> list[str]:
    """List the grants in force, each with its id."""
    return [f"`{grant.id}`: {grant.sentence}" for grant in standing] or [
        "no consent is known here that could end"
    ]


def opened_lines(opened: OpenedPart) -> list[str]:
    """Show a part with what binds its reader."""
    lines = []
    if opened.is_unwitnessed:
        lines.append("UNWITNESSED: the log's witnesses haven't signed this yet")
    if opened.notice:
        lines.append(f"[notice {opened.notice_version}] {opened.notice}")
    return [
        *lines,
        *(f"obligation: {obligation}" for obligation in opened.obligations),
        f"keep until {opened.keep_until}; use: {opened.use}",
        json.dumps(opened.content, ensure_ascii=False, indent=2),
        *duplicate_lines(opened.duplicates),
    ]


def account_lines(
    account: CaseAccount, language: str, *, is_full: bool = False, is_read: bool = False
) -> list[str]:
    """Show the account of a case in English (`en`) or Spanish (`es`): its first page, or all.

    The person's other cases follow, each under its handle. With `is_read`, the person reads all of
    it on a page, so no option of a command is named.
    """
    if account.joined:
        lines = [case_heading(account.statement.case, language, is_other=False), ""]
        lines += _one_account(account, language, is_full, is_read)
        for other in account.joined:
            lines += ["", case_heading(other.statement.case, language, is_other=True), ""]
            lines += _one_account(other, language, is_full, is_read)
        return lines
    return _one_account(account, language, is_full, is_read)


def _one_account(account: CaseAccount, language: str, is_full: bool, is_read: bool) -> list[str]:
    text = account.text(language, is_read=is_read)
    lines = first_page(text, language, is_read=is_read)
    return [*lines, *(("", *details(text, language)) if is_full else ())]


def representation_lines(shown: Representation) -> list[str]:
    """Show what is known of a case before counsel states that it acts for the person in it."""
    if shown.known:
        name = f" of {shown.person}" if shown.person else ""
        lines = [f"case {short(shown.case)}{name}: {_count(shown.records, 'record')} came here"]
    else:
        groups = "-".join(shown.case[at : at + 4] for at in range(0, len(shown.case), 4))
        lines = [
            f"case {groups}",
            "  Nothing of this case has come here. If a digit is wrong, a case without a person "
            "begins, and the person stays without counsel",
        ]
    if shown.is_repeated:
        lines.append("  you have stated this before")
    would = "to state" if shown.recipients else "nothing can be stated now"
    lines.append(f"{would}: `{shown.counsel}` acts for the person")
    if shown.recipients:
        lines.append(f"  to tell: {', '.join(shown.recipients)}")
    if shown.without_key:
        names = ", ".join(shown.without_key)
        lines.append(
            f"  NOT told yet, since no key is announced: {names}. Call them, and state it again "
            "when their gateways run"
        )
    return lines


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def exported_line(file: Path, record: str, use: str) -> str:
    """Name the file and the record of an export."""
    return f"`{file}` contains `{record}`. Only you can read the file: {use}"


# Cases


def cases_lines(summaries: Sequence[CaseSummary]) -> list[str]:
    """List cases."""
    return [
        f"{summary.case}  {_person_text(summary.person)}{summary.facts} facts"
        + ("; not open: the referral was asked back" if summary.is_withdrawn else "")
        + (f"; the same person: {_handles(summary.joined)}" if summary.joined else "")
        + (f"; in conflict: {', '.join(summary.conflicts)}" if summary.conflicts else "")
        + "".join(
            f"; {name}: {_decided(name, outcome)}" for name, outcome in summary.outcomes.items()
        )
        for summary in summaries
    ] or ["no case is known here"]


def _person_text(person: str | None) -> str:
    return f"{person}  " if person else ""


def _handles(cases: Iterable[str]) -> str:
    return ", ".join(short(case) for case in cases)


def case_lines(view: CaseView, zone: ZoneInfo, terms: PackTerms) -> list[str]:
    """Show a case: facts with their sources, conflicts, decisions, and the rules' answers."""
    of_person = f" of {view.person}" if view.person else ""
    lines = [f"case {view.case}{of_person}, as `{view.agency}` may see it"]
    lines += duplicate_lines(view.duplicates, view.case)
    lines += _closed_corrections(view, terms)
    for path, fact in {**view.members, **view.facts}.items():
        text = fact_text(path, fact.value, "en", zone, terms)
        lines.append(f"  {fact_label(path, terms)}  {text}   ({path}; {_source(fact)})")
    for path, statements in view.conflicts.items():
        differing = "; ".join(
            f"{each.entry.by} says {fact_text(path, each.value, 'en', zone, terms)}"
            for each in statements
        )
        lines.append(
            f"  {fact_label(path, terms)}  NOT KNOWN, since they differ: {differing} ({path})"
        )
    if view.awaits_enrollment:
        lines.append(
            f"  {fact_label(ENROLLED, terms)}  not recorded yet: the person is admitted, and the "
            f"enrollment isn't stated since ({ENROLLED})"
        )
    for name, made in view.determinations.items():
        lines.append(
            f"determined: {name}: {_decided(name, made['outcome'])}, by {made['by']} of "
            f"{made['agency']} (reason: {made['reason']})"
        )
    lines += _charge_day_lines(view)
    lines += [_outdated_line(outdated) for outdated in view.outdated]
    for answer in view.answers.values():
        if not answer.is_settled:  # the decision above is the answer
            lines += ["", answer_text(answer, zone)]
    return lines + [f"! {refusal}" for refusal in view.refusals]


def _charge_day_lines(view: CaseView) -> list[str]:
    """Return as of which day the charge is known here, and that it may have changed since."""
    if view.charge is None:
        return []
    on = view.charge.on
    lines = [] if on is None else [f"charge: as of {spoken_day(on, 'en', with_year=True)}"]
    if view.charge.may_have_changed:
        lines.append(
            f"charge: it may have changed since. The prosecutor may not tell `{view.agency}` now, "
            "so nobody here would learn of it. Ask counsel or the court."
        )
    return lines


def _closed_corrections(view: CaseView, terms: PackTerms) -> list[str]:
    """Say once for each sender which facts count as not known until its correction is opened."""
    by_agency: dict[str, list[str]] = {}
    for path, agency in view.unopened.items():
        by_agency.setdefault(agency, []).append(noun_of(terms.vocabulary, path))
    return [
        f"OPEN FIRST: {agency} sent a correction that nobody here has opened. It says only what it "
        f"is about, so until then all of this counts as not known: {', '.join(nouns)}. Open it: "
        "`agency case DIR CASE --open`"
        for agency, nouns in by_agency.items()
    ]


def _outdated_line(outdated: OutdatedDecision) -> str:
    changed = "; ".join(outdated.changed)
    if outdated.waits_for_opening:
        return (
            f"PERHAPS OUT OF DATE: {outdated.agency}'s decision on {outdated.decision}: {changed}. "
            "Open it first"
        )
    remark = f". {outdated.agency} decides again"
    if not outdated.reaches_here:
        remark = (
            f". {outdated.agency} may have decided again. It may not tell you now, so nobody here "
            "would learn of it. Ask counsel or the court."
        )
    if outdated.by is None:
        remark = "" if outdated.reaches_here else remark
        return f"OUT OF DATE: {outdated.agency}'s answer on {outdated.decision}: {changed}{remark}"
    outcome = _decided(outdated.decision, outdated.outcome)
    return (
        f"OUT OF DATE: {outdated.decision}: {outcome}, by {outdated.by} of {outdated.agency}: "
        f"{changed}{remark}"
    )


def _statement(statement: FactSource, zone: ZoneInfo) -> str:
    return f"{statement.entry.by} says {value_text(statement.value, zone)}"


def _source(fact: FactSource) -> str:
    record = fact.entry.record
    return f"{fact.entry.by}, {'noted here' if record is None else 'record ' + record[:8]}"


def value_text(value: Any, zone: ZoneInfo) -> str:
    """Return a fact's value in words, a time as the program's local time."""
    return (
        spoken_moment(value, zone)
        if isinstance(value, str)
        else json.dumps(value, ensure_ascii=False)
    )


def answer_text(answer: Answer, zone: ZoneInfo, asked_on: date | None = None) -> str:
    """Return an answer to read, with the agencies that differ where there is doubt.

    The age of the law is measured on `asked_on`.
    """
    from offramp.policy import decision_text

    open_first = [need for need in answer.needed if answer.is_closed(str(need["fact"]))]
    needed = (
        [need for need in answer.needed if need not in open_first]
        if answer.lacks_ended or open_first or answer.case.aside
        else None
    )
    overruled = _decided_otherwise(answer)
    ruled = answer.ruling
    text = decision_text.in_words(ruled, today=asked_on, needed=needed, overruled=overruled)
    lines = [text]
    given = answer.case.attested.get(answer.decision)
    if given is not None and any(reason["rule"] == "attested" for reason in answer.reasons):
        lines.append(f"Given by {given.entry.by}")
    if answer.lacks_ended:
        causes = " and ".join(CAUSES[cause] for cause in answer.ended.causes)
        lines.append(f"What was destroyed here is not asked for again: {causes}")
    if answer.governed is not None:
        pack = answer.ruling.pack
        lines.append(
            f"By the rules of {pack['id']}, {str(pack['digest'])[:19]}…: {answer.governed}"
        )
    for path in sorted(answer.silent & answer.reads - set(answer.case.known)):
        lines.append(_not_recorded_line(answer, path))
    for agency in dict.fromkeys(correction.by for correction in answer.unopened.values()):
        lines.append(
            f"{agency} sent a correction on which this answer may depend, and nobody here has "
            "opened it. Open it first: `agency case DIR CASE --open`"
        )
    for path, statements in answer.conflicts.items():
        differing = "; ".join(_statement(statement, zone) for statement in statements)
        lines.append(f"Agencies differ on {_noun(answer, path)}: {differing}")
    return "\n".join(lines)


def _not_recorded_line(answer: Answer, path: str) -> str:
    """Say that a missing record of an event means nothing, and which role makes it."""
    fact = answer.ruling.program.pack.vocabulary.facts[path]
    return (
        f"No record of {_noun(answer, path)} is here, and it may have happened or not. It is for "
        f"{role_name(fact.known_by)} to make, who may not share it here, or had less than seven "
        "days to"
    )


def _decided_otherwise(answer: Answer) -> str | None:
    """Name the person whose decision is in force beside another answer of the rules, or none."""
    entry = answer.decided_otherwise
    if answer.is_settled:
        entry = answer.case.determined.get(answer.decision)
    if entry is None or entry.determined is None:
        return None
    made = entry.determined
    otherwise = "" if answer.is_settled else " otherwise"
    return (
        f"{made['by']} of {entry.by} decided{otherwise}: "
        f"{_decided(answer.decision, made['outcome'])}. That decision "
        f"is in force until {entry.by} decides again."
    )


def _noun(answer: Answer, path: str) -> str:
    """Return a fact in the words of the pack, to stand inside a sentence."""
    return noun_of(answer.ruling.program.pack.vocabulary, path)


def notice_lines(notice: RulesNotice) -> list[str]:
    """Describe the notice that a person was given."""
    return [
        f"noted: {notice.actor} gave the person notice of the rules in force, "
        f"`{notice.pack_id}` ({notice.pack[:19]}…)"
    ]


def tasks_lines(tasks: Iterable[Task], role: str, zone: ZoneInfo, terms: PackTerms) -> list[str]:
    """List tasks by case and person, the most pressing first, one line each.

    Facts that are wanted when somebody knows them are one line for each decision. What another role
    has to do stands apart, at the end of its case.
    """
    by_case: dict[str, list[Task]] = {}
    for task in tasks:
        by_case.setdefault(task.case, []).append(task)
    lines: list[str] = []
    for case, of_case in by_case.items():
        name = next((task.person for task in of_case if task.person), None)
        lines += ["", f"case {short(case)}  {name or ''}".rstrip()]
        own = [task for task in of_case if task.owner == role]
        facts = [task for task in own if task.wanted_for is not None]
        steps = Counter(_task_line(task, zone) for task in own if task not in facts)
        lines += [f"{line} ({count} times)" if count > 1 else line for line, count in steps.items()]
        for decision in dict.fromkeys(task.wanted_for for task in facts):
            wanted = [
                noun_of(terms.vocabulary, task.about)
                for task in facts
                if task.wanted_for == decision
            ]
            lines.append(f"  when known, for the {decision}: {', '.join(wanted)}")
        lines += [f"  waits for others: {task.what}" for task in of_case if task.owner != role]
    return lines[1:] or ["no tasks"]


def _task_line(task: Task, zone: ZoneInfo) -> str:
    if task.due is None:
        return f"  {task.what}"
    due = date.fromisoformat(task.due) if len(task.due) == 10 else None
    text = spoken_day(due, "en") if due else spoken_moment(task.due, zone)
    state = "OVERDUE since" if task.state == OVERDUE else "by"
    return f"  {state} {text}: {task.what.removeprefix('Due: ')}"


# Decisions


def case_answer_lines(answered: CaseAnswer, zone: ZoneInfo) -> list[str]:
    """Show the rules' answer, and the agencies that were told."""
    vocabulary = answered.answer.ruling.program.pack.vocabulary
    lines = _unopened_lines(answered.closed, answered.case, vocabulary)
    lines.append(answer_text(answered.answer, zone, answered.asked_on))
    lines += [_outdated_line(outdated) for outdated in answered.outdated]
    if answered.record is not None:
        lines.append(f"told to {', '.join(answered.recipients)}: {answered.state}")
    reasons: dict[str, list[str]] = {}
    for refused in answered.untold:
        because = refused.because or "the person's consent doesn't cover it"
        reasons.setdefault(because, []).append(refused.agency)
    lines += [f"not told to {', '.join(who)}: {because}" for because, who in reasons.items()]
    return lines


def _unopened_lines(closed: Iterable[UnopenedPart], case: str, vocabulary: Vocabulary) -> list[str]:
    """Say which parts to open first: they may state what is missing."""
    return [
        f"OPEN FIRST: {part.agency} sent part `{part.part}` of record `{part.record[:8]}` "
        f"({part.kind.replace('_', ' ')}), and nobody here has opened it. It may state "
        f"{', '.join(_asked_for(path, vocabulary) for path in part.paths)}. Open it: "
        f"`agency case DIR {short(case)} --open`"
        for part in closed
    ]


def question_lines(question: SentQuestion, terms: PackTerms) -> list[str]:
    """List the facts that each agency was asked for, in the words of the pack."""
    return [
        f"question `{question.record}` in case `{question.case}`: {question.state}",
        *(
            f"  asked {agency}: {', '.join(_asked_for(path, terms.vocabulary) for path in paths)}"
            for agency, paths in question.asked.items()
        ),
        *_unopened_lines(question.closed, question.case, terms.vocabulary),
    ]


def _asked_for(path: str, vocabulary: Vocabulary) -> str:
    group, _, decision = path.partition(".")
    if group == "decisions":
        return f"the answer on `{decision}`"
    return noun_of(vocabulary, path)


def determination_lines(made: Determination) -> list[str]:
    """Describe a person's decision, and list the agencies that were told."""
    differs = ", which differs from the rules' answer" if made.differs else ""
    told = (
        f"told to {', '.join(made.recipients)}: {made.state}"
        if made.record is not None
        else "nobody may be told; it is kept here"
    )
    unaware = ", ".join(made.unaware)
    return [
        f"{made.decision}: {_decided(made.decision, made.outcome)}{differs}; {told}",
        *([f"not told, and they serve the person: {unaware}"] if unaware else []),
    ]


def told_decision_lines(telling: ToldDecision) -> list[str]:
    """List the agencies that were told a decision later, and how far the record came."""
    return [f"{telling.decision} is told to {', '.join(telling.recipients)}: {telling.state}"]


def _decided(decision: str, outcome: Any) -> str:
    """Return a person's decision in the words of the choice."""
    return form_terms().decided_label(decision, outcome, "en")


def _spaced(outcome: Any) -> str:
    """Return an outcome as people read it: `may offer`."""
    return str(outcome).replace("_", " ")


def _next_step(breach: Breach) -> str:
    """Say what to do first: the thief must not go on."""
    if not breach.is_in_force:
        return "it is no longer in force"
    use = "is still sealed to" if breach.opens_parts else "still signs"
    whose = "now" if breach.is_own else f"have `{breach.agency}` do it now"
    return f"it {use}. Retire it, {whose}: `offramp agency retire DIR {breach.key}`"


def breach_lines(report: BreachReport) -> list[str]:
    """Say what the thief of a key could have read, and by when people must be told."""
    breach = report.breach
    lines = [
        f"whoever has `{breach.key}` "
        + (
            "opens parts that are sealed to it"
            if breach.opens_parts
            else "opens no part, and sees the labels in the inbox of its agency"
        ),
        _next_step(breach),
        f"{_counted(len(breach.cases), 'case')} could have been read in part, from what "
        "this agency holds",
    ]
    for case in breach.cases:
        named = f" ({case.name})" if case.name else ""
        lines.append(f"  case {short(case.case)}{named}")
        if case.categories:
            lines.append(f"    contents: {', '.join(case.categories)}")
        if case.label_categories:
            lines.append(f"    only that they exist: {', '.join(case.label_categories)}")
    if breach.without_case:
        lines.append(f"  and {_counted(len(breach.without_case), 'part')} about no case")
    lines += [
        f"tell each person by {breach.tell_by} (45 CFR 164.404(b)). State law may say sooner",
        f"tell the Secretary of Health and Human Services by {breach.report_by} (45 CFR 164.408)",
        "other agencies run this command too: each knows only what it sent or received",
    ]
    return [*lines, *(f"wrote {path}" for path in report.letters)]


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"
