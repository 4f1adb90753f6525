"""Tell a decision later: a person's that was kept here, as it was made, or the rules' answer.

A person's decision keeps its name, its reason, and its day. The person who tells it confirms only
that. See docs/decisions/0165-a-decision-lapses-if-it-could-differ.md for the rules' answer, which
shows another agency that its own decision rests on something else now.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from exchange.records.building import Part
from offramp.agency.cases.addressing import decision_parts, refusals
from offramp.agency.cases.after_exit import check_may_be_told
from offramp.agency.cases.answering import answer_case, defaults_today
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.case_entry import CaseEntry
from offramp.agency.cases.caseload import case_of, decisions_here
from offramp.agency.cases.decision_effects import replaces_answer
from offramp.agency.cases.decision_record import decision_in
from offramp.agency.cases.human_decision import (
    OTHER,
    HumanDecision,
    human_decision_parts,
    relation_of,
)
from offramp.agency.cases.open_decisions import answer_on_known_facts
from offramp.agency.cases.outdated import ANSWER, outdated_decisions
from offramp.agency.cases.positions import record_position
from offramp.agency.cases.untold_decisions import (
    kept_decisions,
    restored_decision,
    unsent_decisions,
)
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.outgoing import OutgoingRecord
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_now
from offramp.agency.operations.access import CASE, needs
from offramp.agency.operations.changes import check_unchanged
from offramp.agency.operations.confirmation import (
    Confirmation,
    keep_confirmation,
    telling_digest,
)
from offramp.agency.operations.decisions import (
    check_corrections_read,
    in_order,
    recipients_of,
    told_before_others,
)
from offramp.agency.operations.telling import PartPreview, agency_names
from rules.frozen import frozen
from rules.input.printing import printable


@frozen
class StandingTelling:
    """A person's decision in whose place no answer of the rules is told, or an answer that was.

    `agency` decided, and `recipients` are the agencies that this one told it. They are empty for
    another agency's decision, and for one of this agency that was kept here. `by` is None where the
    person isn't known here. `on` is the time of the record in seconds since 1970, None where it
    isn't in the log yet. `by_rules` is true for the rules' answer that this agency told, on which
    nothing changed since. Of another agency's decision, `differs` is true where the rules say
    otherwise, and `is_outdated` where what it rests on changed.
    """

    outcome: str
    by: str | None
    agency: str
    is_own: bool
    recipients: tuple[str, ...]
    on: int | None = None
    by_rules: bool = False
    differs: bool = False
    is_outdated: bool = False


@frozen
class TellingPreview:
    """A decision that may be told now: what that tells, to whom, and to whom not.

    `by`, `reason`, and `day` are those of a person's decision, None for the rules' answer.
    `outcome` is None where the rules can't tell. `standing` is the decision of a person here, one
    that another agency made, or the rules' answer that was told: then nothing may be told, and
    there are no parts. `in_force` is another agency's decision that stays in force
    beside the rules' answer. The others are as in `DeterminationPreview`.
    """

    case: str
    kind: str
    decision: str
    outcome: Any
    by: str | None
    reason: str | None
    day: str | None
    differs: bool
    parts: tuple[PartPreview, ...]
    names: Mapping[str, str]
    seen_at: int | None = None
    is_outside_rules: bool = False
    told_first: tuple[str, ...] = ()
    standing: StandingTelling | None = None
    in_force: StandingTelling | None = None

    @property
    def is_told(self) -> bool:
        """True if any agency may be told any part."""
        return any(part.part.to for part in self.parts)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency tell-decision --dry-run`."""
        return {
            "case": self.case,
            "kind": self.kind,
            "decision": self.decision,
            "outcome": self.outcome,
            "by": self.by,
            "reason": self.reason,
            "day": self.day,
            "differs": self.differs,
            "parts": [part.as_json() for part in self.parts],
            **({"told_first": list(self.told_first)} if self.is_outside_rules else {}),
            **({"told_to": list(self.standing.recipients)} if self.standing is not None else {}),
        }


@frozen
class ToldDecision:
    """A decision that was told later: the record, its recipients, and how far the record came.

    `told_first` is counsel, where `record` is for counsel alone and another one follows it.
    """

    case: str
    kind: str
    decision: str
    record: str
    recipients: tuple[str, ...]
    state: str
    told_first: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency tell-decision`."""
        return {
            "case": self.case,
            "kind": self.kind,
            "id": self.record,
            "to": list(self.recipients),
            "state": self.state,
            **({"told_first": list(self.told_first)} if self.told_first else {}),
        }


@frozen
class _Telling:
    """What would be told: the decision's kind, its words, and its parts.

    `made` is None for the rules' answer.
    """

    kind: str
    outcome: Any
    by: str | None
    reason: str | None
    day: str | None
    made: HumanDecision | None
    parts: tuple[Part, ...]
    standing: StandingTelling | None = None
    in_force: StandingTelling | None = None


@needs(CASE, look="case")
def preview_telling(office: Office, case: str, decision: str) -> TellingPreview:
    """Show what `tell_decision` would tell, to whom, and to whom not. Nothing is kept or sent.

    What was told before isn't told again: the preview says so, in `standing`. Raises as
    `tell_decision`, but for `nobody-to-tell`.
    """
    working_set = office.working_set()
    seen_at = office.at
    telling = _telling(office, working_set, case, decision)
    pack, now = office.program(working_set).pack, office.clock()
    previews = tuple(
        PartPreview(part, refusals(working_set, pack, case, telling.kind, part, decision, now))
        for part in telling.parts
    )
    made = telling.made
    return TellingPreview(
        case,
        telling.kind,
        decision,
        telling.outcome,
        telling.by,
        telling.reason,
        telling.day,
        made is not None and made.differs,
        previews,
        agency_names(working_set),
        seen_at,
        made is not None and made.is_outside_rules,
        told_before_others(working_set, made, telling.parts) if made is not None else (),
        telling.standing,
        telling.in_force,
    )


@needs(CASE, look="act", takes=True)
def tell_decision(
    office: Office,
    actor: str,
    case: str,
    decision: str,
    *,
    seen_at: int | None = None,
    confirmation: Confirmation | None = None,
) -> ToldDecision:
    """Tell a decision that was kept here, or the rules' answer where no person here keeps one.

    It goes to every agency that may receive it. A person's decision is told as it was made. `actor`
    tells it, and decides nothing. `seen_at` and `confirmation` are as in `determine`, and the
    confirmation is of `telling_digest`. Raises `AgencyError` `nothing-to-tell`, `nobody-to-tell`,
    `decide-again`, `correction-unopened`, `case-changed`, `case-ended`, `not-confirmed`,
    `no-such-case`.
    """
    with office.transaction() as working_set:
        check_unchanged(office, working_set, case, seen_at)
        telling = _telling(office, working_set, case, decision)
        if telling.standing is not None:
            raise _not_told_again(decision, telling.standing)
        check_may_be_told(working_set, telling.kind, case)
        parts = tuple(part for part in telling.parts if part.to)
        if not parts:
            raise AgencyError(
                "nobody-to-tell",
                f"no agency may be told `{decision}` now",
                fix="ask the person for consent first",
            )
        made = telling.made
        first = told_before_others(working_set, made, parts) if made is not None else ()
        records = [
            office.compose_in(working_set, telling.kind, composed, case).id
            for composed in in_order(parts, first)
        ]
        if confirmation is not None:
            digest = telling_digest(case, decision, str(telling.outcome))
            keep_confirmation(office, working_set, confirmation, digest, case, records[0])
    state = send_now(office, records[0])
    return ToldDecision(
        case, telling.kind, decision, records[0], recipients_of(parts), state, first
    )


def _telling(office: Office, working_set: WorkingSet, case: str, decision: str) -> _Telling:
    """Return what would be told. A part that nobody may get has no recipient."""
    program, now = office.program(working_set), office.clock()
    defaults, view = defaults_today(office, working_set), case_of(working_set, case)
    if decision in kept_decisions(working_set, view):
        restored = restored_decision(working_set, program, view, case, decision, now)
        if restored is None:
            raise AgencyError(
                "decide-again",
                f"`{decision}` rests on what changed since it was made",
                fix="decide it again, and it is told",
            )
        entry, made, day = restored
        parts = human_decision_parts(working_set, case, made, decision, defaults, now, None)
        determined = entry.determined or {}
        return _Telling(
            made.kind,
            str(determined["outcome"]),
            str(determined["by"]),
            str(determined["reason"]),
            day,
            made,
            parts,
        )
    if (standing := _standing(office, working_set, view, case, decision)) is not None:
        return _Telling(
            "determination", standing.outcome, standing.by, None, None, None, (), standing
        )
    if decision not in decisions_here(working_set, program.pack):
        raise AgencyError(
            "nothing-to-tell",
            f"no decision `{printable(decision)[:40]}` is kept here, and the rules' answer on it "
            "isn't worked out here",
            fix="look at the case: `offramp agency case DIR CASE`",
        )
    answer = answer_case(office, working_set, case, decision)
    check_corrections_read(answer)
    parts = decision_parts(working_set, case, answer, defaults, now)
    if (earlier := _answer_told(working_set, view, case, answer, parts)) is not None:
        return _Telling("decision", answer.outcome, None, None, None, None, (), earlier)
    return _Telling(
        "decision",
        answer.outcome,
        None,
        None,
        None,
        None,
        parts,
        in_force=_in_force_elsewhere(office, working_set, view, case, decision),
    )


def _standing(
    office: Office, working_set: WorkingSet, view: Case, handle: str, decision: str
) -> StandingTelling | None:
    """Return the person's decision in whose place the rules' answer isn't told, None for none.

    It is this agency's, or another agency's. One of another agency that followed the rules is none
    where the rules have an answer, and that decision or the answer sent before is out of date: the
    answer shows what changed.
    INVARIANT: an agency tells no answer of the rules on what a person there decided, and none in
    place of a decision against the rules.
    """
    program, now = office.program(working_set), office.clock()
    in_force = view.decided_by_people.get(decision)
    is_other = in_force is not None and in_force.by != working_set.agency
    own = view.decision_of(working_set.agency, decision) or (None if is_other else in_force)
    if own is not None:
        return _told_before(working_set, handle, decision, own)
    standing = _in_force_elsewhere(office, working_set, view, handle, decision)
    if standing is None:
        return None
    answer = answer_on_known_facts(working_set, program, view, handle, decision, now)
    by_rules = answer.outcome if answer is not None else None
    may_show = by_rules is not None and not replaces_answer(view, working_set.agency, decision)
    is_sent_again = any(
        (outdated.what, outdated.decision, outdated.agency)
        == (ANSWER, decision, working_set.agency)
        for outdated in outdated_decisions(working_set, program, handle, view, now)
    )
    if may_show and (standing.is_outdated or is_sent_again):
        return None
    return replace(standing, differs=relation_of(decision, by_rules, standing.outcome) == OTHER)


def _answer_told(
    working_set: WorkingSet,
    view: Case,
    handle: str,
    answer: Answer,
    parts: Iterable[Part],
) -> StandingTelling | None:
    """Return the rules' answer where this agency told it, and nothing changed since, None if not.

    It is told again to an agency that didn't get it, and where what it read is newer.
    """
    decision, sent = answer.decision, _newest_answer(working_set, handle, answer.decision)
    if sent is None or decision in unsent_decisions(working_set, handle):
        return None
    outcome = next(
        (content["outcome"] for content in _answers_in(sent, decision) if "outcome" in content),
        None,
    )
    recipients = {agency for part in sent.parts for agency in part["to"]}
    is_whole = recipients.issuperset(agency for part in parts for agency in part.to)
    if outcome != answer.outcome or not is_whole or _is_newer(view, answer, sent):
        return None
    on = sent.receipt.time if sent.receipt is not None else None
    to = tuple(sorted(recipients))
    return StandingTelling(
        str(answer.outcome), None, working_set.agency, True, to, on, by_rules=True
    )


def _newest_answer(working_set: WorkingSet, handle: str, decision: str) -> OutgoingRecord | None:
    """Return the newest record by which this agency told the rules' answer, None without one."""
    return max(
        (
            outgoing
            for outgoing in working_set.cases.records(handle).sent
            if outgoing.kind == "decision"
            and not (outgoing.refused or outgoing.replaced_by)
            and _answers_in(outgoing, decision)
        ),
        key=record_position,
        default=None,
    )


def _answers_in(outgoing: OutgoingRecord, decision: str) -> list[Mapping[str, Any]]:
    """Return what the parts of a record say of the rules' answer on a decision."""
    answers = (decision_in(part["content"]) for part in outgoing.parts)
    return [answer for answer in answers if answer is not None and answer["decision"] == decision]


def _is_newer(view: Case, answer: Answer, sent: OutgoingRecord) -> bool:
    """Report whether anything that the answer reads was stated or changed after a record."""
    position = record_position(sent)
    seen = position if sent.seen is None else float(sent.seen)
    stated = (
        (entry.by, entry.position)
        for entry in view.entries
        if not answer.reads.isdisjoint(
            (*entry.facts, *(f"decisions.{name}" for name in entry.outcomes))
        )
    )
    changed = (
        (change.by, change.changed_at)
        for change in (*view.changes, *view.restated)
        if change.path is None or change.path in answer.reads
    )
    return any(
        place > position if by == view.here else place >= seen for by, place in (*stated, *changed)
    )


def _in_force_elsewhere(
    office: Office, working_set: WorkingSet, view: Case, handle: str, decision: str
) -> StandingTelling | None:
    """Return the decision of a person of another agency that is in force, None without one."""
    entry = view.determined.get(decision)
    if entry is None or entry.determined is None or entry.by == working_set.agency:
        return None
    program, now = office.program(working_set), office.clock()
    is_outdated = any(
        (outdated.decision, outdated.agency) == (decision, entry.by)
        for outdated in outdated_decisions(working_set, program, handle, view, now)
        # Nobody knows what a correction says that isn't opened.
        if outdated.what != ANSWER and not outdated.waits_for_opening
    )
    outcome, by = str(entry.determined["outcome"]), str(entry.determined["by"])
    return StandingTelling(outcome, by, entry.by, False, (), is_outdated=is_outdated)


def _told_before(
    working_set: WorkingSet, handle: str, decision: str, entry: CaseEntry
) -> StandingTelling:
    """Return a decision of this agency, and whom it told in one record or two, or nobody."""
    records = [
        outgoing
        for outgoing in working_set.cases.records(handle).sent
        if not (outgoing.refused or outgoing.replaced_by)
        and (outgoing.jti == entry.record or _states(outgoing.parts, entry.determined))
    ]
    recipients = {
        agency for outgoing in records for part in outgoing.parts for agency in part["to"]
    }
    times = [outgoing.receipt.time for outgoing in records if outgoing.receipt is not None]
    by = (entry.determined or {}).get("by")
    return StandingTelling(
        str(entry.outcomes.get(decision)),
        str(by) if by is not None else None,
        entry.by,
        True,
        tuple(sorted(recipients)),
        min(times, default=None),
    )


def _states(parts: Iterable[Mapping[str, Any]], made: Mapping[str, Any] | None) -> bool:
    return made is not None and any(
        content.get("determination") == made
        for part in parts
        for content in part["content"].values()
    )


def _not_told_again(decision: str, standing: StandingTelling) -> AgencyError:
    """Return the refusal to tell the rules' answer in place of a person's decision."""
    recipients = ", ".join(f"`{agency}`" for agency in standing.recipients)
    what = (
        f"`{decision}` was told before, to {recipients}"
        if recipients
        else f"a person here decided `{decision}`, and the rules' answer isn't told in its place"
        if standing.is_own
        else f"a person of `{standing.agency}` decided `{decision}`"
        f"{' otherwise than the rules' if standing.differs else ''}, and the rules' answer isn't "
        "told in place of that"
    )
    return AgencyError(
        "nothing-to-tell",
        what,
        fix="to decide otherwise, decide it again with `agency determine CASE DECISION OUTCOME`",
    )
