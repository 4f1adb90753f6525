"""Ask the rules, ask other agencies for missing facts, record what a named person decided."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from exchange.records.building import Part
from exchange.records.finer_words import with_words_apart
from exchange.records.ids import new_id
from offramp.agency.cases.addressing import decision_parts, refusals
from offramp.agency.cases.after_exit import check_may_be_told
from offramp.agency.cases.answering import answer_case, defaults_today, words_of
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.enrollment import serving_agencies
from offramp.agency.cases.fact_kinds import plain_path
from offramp.agency.cases.human_decision import (
    HumanDecision,
    decisions_to_make,
    human_decision_parts,
    make_decision,
)
from offramp.agency.cases.open_decisions import answer_on_known_facts
from offramp.agency.cases.outdated import OutdatedDecision, outdated_decisions
from offramp.agency.cases.pack_terms import noun_of, terms_of
from offramp.agency.cases.questions import question_parts
from offramp.agency.cases.refusals import Refused, nobody_to_tell
from offramp.agency.cases.unopened_answers import UnopenedPart, unopened_answers
from offramp.agency.cases.untold_decisions import UNSENT, unsent_decisions
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_now
from offramp.agency.operations.access import CASE, OFFER, decides_about, needs
from offramp.agency.operations.changes import check_unchanged
from offramp.agency.operations.confirmation import (
    Confirmation,
    determination_draft,
    draft_digest,
    keep_confirmation,
)
from offramp.agency.operations.doubts import check_no_doubt
from offramp.agency.operations.telling import PartPreview, agency_names
from offramp.clock import utc_day
from offramp.policy.law_age import age_member
from rules.errors import Refusal
from rules.frozen import frozen
from rules.input.facts import read_facts
from rules.input.printing import plain
from rules.shelf import vocabulary

# In place of a case: a case that no agency has heard of yet.
NEW_CASE = "new"


@frozen
class CaseAnswer:
    """The rules' answer on a case, and where it was sent, the record and its recipients.

    `outdated` are earlier decisions of the same question that rest on what was corrected or
    recalled since. The age of the law is measured on `asked_on`. `untold` are the agencies that
    were told no part of a sent answer, and why. `closed` are parts that nobody here opened, and
    that may state what the answer lacks.
    """

    case: str
    answer: Answer
    record: str | None = None
    recipients: tuple[str, ...] = ()
    state: str | None = None
    outdated: tuple[OutdatedDecision, ...] = ()
    asked_on: date | None = None
    untold: tuple[Refused, ...] = ()
    closed: tuple[UnopenedPart, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency decide`."""
        value = {**self.answer.as_json(), "case": self.case}
        if self.asked_on is not None:
            value |= age_member(self.answer.ruling, self.asked_on)
        value["outdated"] = [decision.as_json() for decision in self.outdated]
        value["unopened"] = {path: part.agency for part in self.closed for path in part.paths} | {
            path: correction.by for path, correction in self.answer.unopened.items()
        }
        if self.record is not None:
            value |= {"id": self.record, "to": list(self.recipients), "state": self.state}
            value["not_to"] = {
                each.agency: {"rule": each.rule, "because": each.because} for each in self.untold
            }
        return value


@frozen
class DeterminationPreview:
    """What a named person's decision would tell, to whom, and to whom not, before it is recorded.

    `parts` may be without recipients: then the decision is kept here. `differs` is true where the
    rules answered otherwise. `names` are the agencies' names by id. `seen_at` is the journal's last
    event when it was shown. `is_outside_rules` is true if it ends a place that the rules keep. Then
    counsel, `told_first`, is told before all others.
    """

    case: str
    kind: str
    decision: str
    outcome: str
    differs: bool
    parts: tuple[PartPreview, ...]
    names: Mapping[str, str]
    seen_at: int | None = None
    is_outside_rules: bool = False
    told_first: tuple[str, ...] = ()

    @property
    def is_told(self) -> bool:
        """True if any agency may be told any part."""
        return any(part.part.to for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency determine --dry-run`."""
        return {
            "case": self.case,
            "kind": self.kind,
            "decision": self.decision,
            "outcome": self.outcome,
            "differs": self.differs,
            "parts": [part.as_json() for part in self.parts],
            **({"told_first": list(self.told_first)} if self.is_outside_rules else {}),
        }


@frozen
class SentQuestion:
    """A question to other agencies: the paths of the facts asked for, by agency.

    `closed` are parts that nobody here opened: what they may state was not asked again.
    """

    record: str
    case: str
    asked: Mapping[str, tuple[str, ...]]
    state: str
    closed: tuple[UnopenedPart, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency ask`."""
        return {
            "id": self.record,
            "case": self.case,
            "asked": {agency: list(paths) for agency, paths in self.asked.items()},
            "state": self.state,
        }


@frozen
class Determination:
    """A named person's recorded decision.

    `record` is the record that tells it to `recipients`. Where no agency may be told, it is None
    and `state` is `kept`: the decision is noted in this agency's journal. `differs` is true where
    the rules answered otherwise. `told_first` is counsel, where `record` is for counsel alone and
    another one follows it to the others. `unaware` are the agencies that serve the person, as far
    as this one knows, and that weren't told that the place ended.
    """

    case: str
    kind: str
    decision: str
    outcome: str
    differs: bool
    record: str | None
    recipients: tuple[str, ...]
    state: str
    told_first: tuple[str, ...] = ()
    unaware: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency determine`."""
        return {
            "case": self.case,
            "kind": self.kind,
            "differs": self.differs,
            "id": self.record,
            "to": list(self.recipients),
            "state": self.state,
            **({"told_first": list(self.told_first)} if self.told_first else {}),
            **({"unaware": list(self.unaware)} if self.unaware else {}),
        }


@needs({"new": OFFER, "case": CASE}, variant=decides_about, look="case")
def decide(
    office: Office, case: str, decision: str, *, facts: Mapping[str, Any] | None = None
) -> CaseAnswer:
    """Return the rules' answer on what this agency knows of a case.

    `facts` are nested facts of this agency's own records: they are used and not kept. Raises
    `FactsError`; `AgencyError` `no-such-case`, `not-here-decided`; as `Program.decide`.
    """
    working_set = office.working_set()
    own_facts = {}
    if facts is not None:
        terms = words_of(office, working_set)
        own_facts = {
            path: with_words_apart(path, plain(value), terms)
            for path, value in read_facts(facts, terms).known.items()
        }
    answer = answer_case(office, working_set, case, decision, own_facts)
    program, now = office.program(working_set), office.clock()
    outdated = tuple(
        earlier
        for earlier in outdated_decisions(working_set, program, case, answer.case, now)
        if earlier.decision == decision
    )
    closed = unopened_answers(working_set, case, answer.case, answer, now)
    return CaseAnswer(case, answer, outdated=outdated, asked_on=utc_day(now), closed=closed)


@needs({"new": OFFER, "case": CASE}, variant=decides_about, look="act", takes=True)
def send_answer(office: Office, answered: CaseAnswer) -> CaseAnswer:
    """Send an answer of `decide` to the agencies that may receive each part of it.

    Raises `AgencyError` `nobody-to-tell`, `correction-unopened`.
    """
    check_corrections_read(answered.answer)
    if answered.answer.decision not in vocabulary().decisions:
        raise AgencyError(
            "nothing-to-tell",
            f"no record holds the reasons of `{answered.answer.decision}`, which only this program "
            "has",
            fix="record the outcome with `offramp agency determine DIR CASE DECISION OUTCOME`",
        )
    with office.transaction() as working_set:
        defaults, now = defaults_today(office, working_set), office.clock()
        answer, pack = answered.answer, office.program(working_set).pack
        drafted = decision_parts(working_set, answered.case, answer, defaults, now)
        parts = tuple(part for part in drafted if part.to)
        told = recipients_of(parts)
        refused = [
            each
            for part in drafted
            for each in refusals(
                working_set, pack, answered.case, "decision", part, answer.decision, now
            )
            if each.agency not in told
        ]
        if not parts:
            _note_unsent(office, working_set, answered.case, answer.decision, defaults)
            untellable = nobody_to_tell(refused, agency_names(working_set))
        else:
            bundle = office.compose_in(working_set, "decision", parts, answered.case)
    if not parts:  # the note that it is still to be told stays
        raise untellable
    untold = tuple({each.agency: each for each in refused}.values())
    state = send_now(office, bundle.id)
    return CaseAnswer(
        answered.case,
        answer,
        bundle.id,
        told,
        state,
        asked_on=answered.asked_on,
        untold=untold,
        closed=answered.closed,
    )


def _note_unsent(
    office: Office, working_set: WorkingSet, case: str, decision: str, defaults: Defaults
) -> None:
    """Note that the rules' answer is still to be told, once."""
    if decision in unsent_decisions(working_set, case):
        return
    line = working_set.gateway.line
    body = {
        "case": case,
        UNSENT: decision,
        "after": line.size if line else 0,
        "keep_until": defaults.keep_until,
    }
    office.append(working_set, "noted", body)


def check_corrections_read(answer: Answer | None) -> None:
    """Check that nobody decides on a value of which a correction waits unopened.

    Raises `AgencyError` `correction-unopened`.
    """
    for path, correction in answer.unopened.items() if answer is not None else ():
        assert answer is not None, "it has an unopened correction"
        others = len(answer.unopened) - 1
        more = f" and {others} more {'fact' if others == 1 else 'facts'}" if others else ""
        raise AgencyError(
            "correction-unopened",
            f"`{correction.by}` sent a correction that may change "
            f"{noun_of(answer.case.vocabulary, path)}{more}, and nobody here has opened it",
            fix="open it with `offramp agency case DIR CASE --open`",
        )


@needs(CASE, look="act", takes=True)
def ask(
    office: Office,
    case: str,
    decision: str,
    *,
    again: bool = True,
    facts: Collection[str] | None = None,
) -> SentQuestion:
    """Ask other agencies for the facts that a decision lacks.

    A person who decides may ask also where another agency works the answer out. Without `again`, an
    agency isn't asked for what this one, or its gateway, asked it before. `facts` are the paths to
    ask for, None for all that may be asked.

    Raises `AgencyError` `nothing-to-ask`, `never-asked`, `case-ended`, `correction-unopened`,
    `not-lacking`, and as `decide`.
    """
    read = office.working_set()
    decides = decision in decisions_to_make(read, office.program(read).pack)
    answer = answer_case(office, read, case, decision, anywhere=decides)
    _check_lacking(answer, facts)
    if any(answer.is_closed(str(need["fact"])) for need in answer.needed):
        check_corrections_read(answer)
    with office.transaction() as working_set:
        check_may_be_told(working_set, "question", case)
        defaults = defaults_today(office, working_set)
        now = office.clock()
        closed = unopened_answers(working_set, case, answer.case, answer, now)
        only = None if facts is None else frozenset(facts)
        parts = question_parts(
            working_set, case, answer, defaults, now, again=again, closed=closed, only=only
        )
        bundle = office.compose_in(working_set, "question", parts, case)
    # An agency may be asked in several parts, one for each category.
    asked: dict[str, list[str]] = {}
    for part in parts:
        for agency in part.to:
            for content in part.content.values():
                asked.setdefault(agency, []).extend(content["asks"])
    paths = {agency: tuple(listed) for agency, listed in asked.items()}
    return SentQuestion(bundle.id, case, paths, send_now(office, bundle.id), closed)


def _check_lacking(answer: Answer, facts: Collection[str] | None) -> None:
    """Check that the rules lack each fact to ask for. Raises `AgencyError` `not-lacking`."""
    lacking = sorted({plain_path(str(need["fact"])) for need in answer.needed})
    for path in facts or ():
        if path not in lacking:
            raise AgencyError(
                "not-lacking",
                f"`{path[:80]}` is no fact that `{answer.decision}` lacks",
                fix=f"it lacks {', '.join(f'`{each}`' for each in lacking) or 'nothing'}",
            )


@needs(CASE, look="act", takes=True)
def determine(
    office: Office,
    actor: str,
    case: str,
    decision: str,
    outcome: str,
    reason: str,
    *,
    recipient: str | None = None,
    seen_at: int | None = None,
    confirmation: Confirmation | None = None,
    although_in_doubt: bool = False,
) -> Determination:
    """Record a named person's decision, and send it to the agencies that may receive it.

    `actor` is the person's name, `reason` a reason's code such as `rules`. `case` may be
    `NEW_CASE`: a person who is offered nothing has no case, and the decision is noted all the same.
    Where it ends a place that the rules keep, counsel is told in a record of its own before the
    others. With `recipient`, only that agency is told. `seen_at` is that of the preview that the
    person read. `confirmation` is the person's of this very decision, and is kept beside it. With
    `although_in_doubt`, the person confirmed to decide although a decision on which this one rests
    may be made anew. Raises `AgencyError` `not-confirmed`, `decision-in-doubt`, `unknown-decision`,
    `unknown-outcome`, `not-yours`, `case-changed`, `correction-unopened`, `no-such-case`,
    `no-directory`; `ContentError` `wrong-content`.
    """
    draft = determination_draft(case, decision, outcome, reason, recipient)
    with office.transaction() as working_set:
        if case != NEW_CASE:
            check_unchanged(office, working_set, case, seen_at)
        before = case_of(working_set, case) if case != NEW_CASE else None
        case, made, drafted = _draft_decision(
            office, working_set, actor, case, decision, outcome, reason, recipient
        )
        if before is not None and not although_in_doubt:
            check_no_doubt(office, working_set, before, case, decision)
        parts = tuple(part for part in drafted if part.to)
        first = told_before_others(working_set, made, parts)
        records = [
            office.compose_in(working_set, made.kind, composed, case).id
            for composed in in_order(parts, first)
        ]
        record = records[0] if records else None
        recipients = recipients_of(parts)
        unaware = (
            tuple(each for each in serving_agencies(working_set, case) if each not in recipients)
            if made.kind == "ejection"
            else ()
        )
        if confirmation is not None:
            keep_confirmation(
                office, working_set, confirmation, draft_digest(draft), case, record, draft
            )
        sent = frozenset(part.category for part in parts)
        if not sent.issuperset(made.contents):
            defaults = defaults_today(office, working_set)
            _keep(office, working_set, case, made, sent, defaults, actor, decision, outcome, reason)
    state = send_now(office, record) if record is not None else "kept"
    return Determination(
        case,
        made.kind,
        decision,
        outcome,
        made.differs,
        record,
        recipients,
        state,
        first,
        unaware,
    )


@needs(CASE, look="list")
def preview_determination(
    office: Office,
    actor: str,
    case: str,
    decision: str,
    outcome: str,
    reason: str,
    *,
    recipient: str | None = None,
) -> DeterminationPreview:
    """Show what `determine` would tell, to whom, and to whom not. Nothing is kept or sent.

    The arguments and refusals are those of `determine`.
    """
    working_set = office.working_set()
    seen_at = office.at
    case, made, parts = _draft_decision(
        office, working_set, actor, case, decision, outcome, reason, recipient
    )
    pack, now = office.program(working_set).pack, office.clock()
    previews = tuple(
        PartPreview(part, refusals(working_set, pack, case, made.kind, part, decision, now))
        for part in parts
    )
    return DeterminationPreview(
        case,
        made.kind,
        decision,
        outcome,
        made.differs,
        previews,
        agency_names(working_set),
        seen_at,
        made.is_outside_rules,
        told_before_others(working_set, made, parts),
    )


def told_before_others(
    working_set: WorkingSet, made: HumanDecision, parts: tuple[Part, ...]
) -> tuple[str, ...]:
    """Return the recipients that are told before all others: counsel, outside the rules."""
    if not made.is_outside_rules:
        return ()
    counsel = working_set.gateway.history.newest.with_role("defender")
    return tuple(agency for agency in recipients_of(parts) if agency in counsel)


def in_order(parts: tuple[Part, ...], first: tuple[str, ...]) -> tuple[tuple[Part, ...], ...]:
    """Return the parts of each record: those for `first`, then those for all others."""
    groups = (
        tuple(
            replace(part, to=to)
            for part in parts
            if (to := {way: part.to[way] for way in part.to if (way in first) is is_first})
        )
        for is_first in (True, False)
    )
    return tuple(group for group in groups if group)


def _draft_decision(
    office: Office,
    working_set: WorkingSet,
    actor: str,
    case: str,
    decision: str,
    outcome: str,
    reason: str,
    recipient: str | None,
) -> tuple[str, HumanDecision, tuple[Part, ...]]:
    """Return the case, the decision, and its parts. A part that nobody may get has no recipient."""
    if case == NEW_CASE:
        case = new_id(office.random)
        known = Case((), terms_of(working_set).vocabulary, here=working_set.agency)
    else:
        known = case_of(working_set, case)
    answer = _answer_if_here(office, working_set, case, decision, known)
    check_corrections_read(answer)
    defaults, now = defaults_today(office, working_set), office.clock()
    made = make_decision(
        working_set,
        known,
        answer,
        decision,
        outcome,
        reason=reason,
        by=actor,
        now=now,
        pack=office.program(working_set).pack,
    )
    made.check()
    parts = human_decision_parts(working_set, case, made, decision, defaults, now, recipient)
    return case, made, parts


def _answer_if_here(
    office: Office, working_set: WorkingSet, case: str, decision: str, known: Case
) -> Answer | None:
    """Return the rules' answer, None where this agency may not know it. A person decides anyway.

    Where another agency works it out, the answer is on what is known here.
    """
    try:
        return answer_case(office, working_set, case, decision, case=known)
    except Refusal as refusal:
        if refusal.code != "not-here-decided" or case not in working_set.cases:
            return None
    program = office.program(working_set)
    return answer_on_known_facts(working_set, program, known, case, decision, office.clock())


def _keep(
    office: Office,
    working_set: WorkingSet,
    case: str,
    made: HumanDecision,
    sent: frozenset[tuple[str, ...]],
    defaults: Defaults,
    actor: str,
    decision: str,
    outcome: str,
    reason: str,
) -> None:
    """Note what no agency may be told of a decision: its outcome, or facts that follow from it.

    `sent` are the categories of the parts that are told.
    """
    line = working_set.gateway.line
    untold = [content for categories, content in made.contents.items() if categories not in sent]
    facts = {path: value for part in untold for path, value in part.get("facts", {}).items()}
    is_outcome_told = made.outcome_categories in sent
    if is_outcome_told and not facts:
        return
    content = made.contents[made.outcome_categories]
    determination = content.get("determination") or {
        "decision": decision,
        "outcome": outcome,
        "by": actor,
        "reason": reason,
    }
    body = {
        "case": case,
        **({} if is_outcome_told else {"determination": determination}),
        "facts": facts,
        "after": line.size if line else 0,
        "keep_until": defaults.keep_until,
    }
    office.append(working_set, "noted", body)


def recipients_of(parts: tuple[Part, ...]) -> tuple[str, ...]:
    return tuple(sorted({agency for part in parts for agency in part.to}))
