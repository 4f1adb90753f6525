"""The tasks that follow from mistakes: decide again, tell a holder, call about a recall. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set

from exchange.consent.disclosure import day_of
from exchange.consent.reduction import OFFER_LASTS, represents
from exchange.records.statements import About
from offramp.agency.cases.case import Case
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.holding import earliest
from offramp.agency.cases.outdated import (
    ANSWER,
    DETERMINATION,
    STATEMENT,
    OutdatedDecision,
    outdated_decisions,
)
from offramp.agency.cases.owed_corrections import (
    QUEUED_FIRST,
    holders_of_earlier_facts,
    owed_corrections,
    stated_anew,
)
from offramp.agency.cases.pack_terms import noun_of, terms_of
from offramp.agency.cases.passed_on import passed_on
from offramp.agency.cases.silence import next_change
from offramp.agency.cases.task import OPEN, OVERDUE, Task
from offramp.agency.cases.tell_decider import TELL, tell_decider
from offramp.agency.cases.told import told_parts
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program

HOUR, DAY = 3600, 24 * 3600
# A recipient answers a recall within seven days. After two, somebody calls.
_CALL_AFTER, _ANSWER_WITHIN = 2 * DAY, 7 * DAY
# After that, police need a new offer, and the hub passes nothing more on the old one.
_STATE_AGAIN_WITHIN = int(OFFER_LASTS.total_seconds())


def repair_tasks(
    working_set: WorkingSet,
    program: Program,
    case: Case,
    handle: str,
    role: str,
    now: int,
    *,
    withdrawn: bool = False,
) -> tuple[list[Task], int | None]:
    """Return the tasks of a case that follow from corrections and recalls.

    In a `withdrawn` case nothing is decided again, and its referral may be made anew. Also returns
    the first time at which time alone may change the tasks, None for never. Times are in seconds
    since 1970.
    """
    tasks: list[Task] = []
    ends: list[int | None] = []
    if withdrawn and not case.is_ended:
        tasks += _state_again(working_set, handle, role, now)
    elif not case.is_ended:
        closed = _closed_corrections(working_set, handle)
        outdated_here = outdated_decisions(working_set, program, handle, case, now)
        # Where the rules' answer is sent again, the same record tells the agency that decided.
        sent_again = {
            outdated.decision
            for outdated in outdated_here
            if outdated.what == ANSWER and outdated.agency == working_set.agency
        }
        for outdated in outdated_here:
            if outdated.waits_for_opening and closed.issuperset(
                change.changed_at for change in outdated.changes
            ):
                continue  # the task to open the correction comes first, and names what may change
            tasks.append(_decide_again(working_set, handle, outdated, role))
            telling = tell_decider(working_set, program, case, handle, outdated, role, now)
            is_sent_again = outdated.decision in sent_again
            tasks += (
                task for task in telling if not (is_sent_again and task.about.startswith(TELL))
            )
        tasks += _represent_again(working_set, handle, role)
        tasks += _state_again(working_set, handle, role, now)
        tasks += _holders_of_earlier_facts(working_set, handle, role, now)
        # A consent that begins or ends changes who tells this agency of a new decision.
        if any(outdated.agency != working_set.agency for outdated in outdated_here):
            ends.append(next_change(working_set, handle, working_set.gateway.hub_time(now)))
    untold = list(_holders_untold(working_set, handle, role, now))
    time = working_set.gateway.hub_time(now)
    # A consent that begins or ends changes who may be told.
    ends += [time + HOUR if untold else None, _next_call(working_set, handle, time)]
    tasks += _passed_on(working_set, handle, role, now)
    tasks += [*untold, *_unanswered_recalls(working_set, handle, role, now)]
    return tasks, earliest(ends)


def _closed_corrections(working_set: WorkingSet, handle: str) -> frozenset[float]:
    """Return the places in the log of the corrections that somebody here can still open."""
    return frozenset(
        float(received.committed.index)
        for received in working_set.cases.records(handle).received.values()
        if received.record is not None
        and received.committed is not None
        and received.record.kind == CORRECTION
        and not received.opened
        and any(
            (received.record.issuer, received.record.jti, part) not in working_set.destroyed
            for part in received.record.labels
        )
    )


def _next_call(working_set: WorkingSet, handle: str, time: int) -> int | None:
    """Return the next time at which a recall of this agency has waited too long."""
    return min(
        (
            recall.time + wait
            for recall in working_set.gateway.state(handle).kind("recall")
            if recall.issuer == working_set.agency
            for wait in (_CALL_AFTER, _ANSWER_WITHIN)
            if recall.time + wait > time
        ),
        default=None,
    )


def _decide_again(
    working_set: WorkingSet, handle: str, outdated: OutdatedDecision, role: str
) -> Task:
    """Return the task to decide again. It names facts, and no value."""
    changed = "; ".join(outdated.changed)
    decision, is_here = outdated.decision, outdated.agency == working_set.agency
    if not outdated.reaches_here:
        step = (
            f"`{decision}` of `{outdated.agency}` is out of date: {changed}. "
            f"`{outdated.agency}` may not tell you of a new decision now, so nobody here would "
            "learn of it."
        )
    elif outdated.what == DETERMINATION:
        step = (
            f"Decide `{decision}` again: {changed}, after {outdated.by} decided."
            if is_here
            else f"`{decision}` waits for a new decision of `{outdated.agency}`: {changed}, after "
            f"{outdated.by} decided."
        )
    elif outdated.what == STATEMENT:
        step = (
            f"Answer `{decision}` again: {changed}, after it was answered."
            if is_here
            else f"`{decision}` waits for a new answer of `{outdated.agency}`: {changed}."
        )
    else:
        step = (
            f"Send the rules' answer on `{decision}` again: {changed}, after it was sent."
            if is_here
            else f"The answer of `{outdated.agency}` on `{decision}` is out of date: {changed}."
        )
    owner = role if is_here else outdated.role or role
    about = "resend" if is_here and outdated.what == ANSWER else "outdated"
    return Task(handle, owner, step, OPEN, f"{about}.{decision}")


def _represent_again(working_set: WorkingSet, handle: str, role: str) -> Iterator[Task]:
    """Yield counsel's task after an exit that was taken back: the exit ended the representation."""
    state = working_set.gateway.state(handle)
    agency = working_set.agency
    if represents(state, agency, past_exit=True) and not represents(state, agency):
        step = "The exit was a mistake and ended your representation: state it again."
        yield Task(handle, role, step, OPEN, "representation")


def _state_again(working_set: WorkingSet, handle: str, role: str, now: int) -> Iterator[Task]:
    """Yield the task to state anew what was recalled as wrong, for as long as a referral lasts."""
    gateway = working_set.gateway
    if not gateway.history.size:
        return
    today = day_of(gateway.hub_time(now), gateway.history.newest.zone).isoformat()
    for event in working_set.mistakes:
        body = event.body
        is_over = gateway.hub_time(now) >= event.time + _STATE_AGAIN_WITHIN
        if body["case"] != handle or "wrong" not in body or is_over:
            continue
        untold = [
            agency
            for agency in body["to"]
            if agency in gateway.history.newest.agencies
            and not _is_told_any(working_set, handle, agency, body["details"], today)
        ]
        if untold:
            detail = noun_of(terms_of(working_set).vocabulary, body["wrong"])
            names = ", ".join(f"`{agency}`" for agency in untold)
            kinds = {working_set.outbox[jti].kind for jti, _ in body["parts"]}
            command = _command_of(kinds, working_set.cases.digits(handle))
            step = (
                f"You asked back the part with {detail} from {names}. If it is still needed, state "
                f"the part anew{command}."
            )
            yield Task(handle, role, step, OPEN, f"again.{body['wrong']}")


def _is_told_any(
    working_set: WorkingSet, handle: str, agency: str, names: Sequence[str], today: str
) -> bool:
    """Return True if an agency has a value of one of these details from this agency."""
    return any(
        detail.name in names
        for part in told_parts(working_set, handle, agency, today)
        for detail in part.ever
    )


def _command_of(kinds: Set[str], digits: str) -> str:
    """Return the command whose form states records of one of these kinds, to end a sentence."""
    for form in form_terms().forms.values():
        if form.kind.name in kinds:
            case = f"--case {digits}" if form.begins else digits
            return f": `agency {form.name} {case}`"
    return ""


def _holders_untold(working_set: WorkingSet, handle: str, role: str, now: int) -> Iterator[Task]:
    gateway = working_set.gateway
    if not gateway.history.size:
        return
    today = day_of(gateway.hub_time(now), gateway.history.newest.zone).isoformat()
    digits = working_set.cases.digits(handle)
    for owed in owed_corrections(working_set, handle, bytes, today, now):
        for holder in owed.holders:
            detail, subject = noun_of(terms_of(working_set).vocabulary, holder.name), "holder"
            if holder.why_not is None:
                subject = "unsent"
                step = (
                    f"`{holder.agency}` has an old value of {detail} and may be "
                    "told the new one: let the gateway run."
                )
            elif holder.why_not == QUEUED_FIRST:
                continue
            else:
                step = (
                    f"`{holder.agency}` has an old value of {detail} and can't "
                    f"be told: {holder.why_not}. To ask it back, so that it counts no longer: "
                    f"`agency recall {digits} wrong-fact --detail {holder.name} "
                    f"--to {holder.agency}`."
                )
            yield Task(handle, role, step, OPEN, f"{subject}.{holder.name}")


def _passed_on(working_set: WorkingSet, handle: str, role: str, now: int) -> Iterator[Task]:
    """Yield the tasks about agencies to which this one passed on what was corrected since."""
    gateway = working_set.gateway
    if not gateway.history.size:
        return
    today = day_of(gateway.hub_time(now), gateway.history.newest.zone).isoformat()
    digits = working_set.cases.digits(handle)
    for holder in passed_on(working_set, handle, today):
        detail = noun_of(terms_of(working_set).vocabulary, holder.name)
        step = (
            f"`{holder.agency}` has from you an old value of {detail} that "
            f"`{holder.corrected_by}` corrected. Correct it there too: `agency correct {digits}`."
        )
        yield Task(handle, role, step, OPEN, f"passed.{holder.name}")


def _holders_of_earlier_facts(
    working_set: WorkingSet, handle: str, role: str, now: int
) -> Iterator[Task]:
    """Yield the tasks about agencies that were told a fact and may not be told its newer value."""
    gateway = working_set.gateway
    if not gateway.history.size:
        return
    today = day_of(gateway.hub_time(now), gateway.history.newest.zone).isoformat()
    facts, digits = stated_anew(working_set, handle, today), working_set.cases.digits(handle)
    for holder in holders_of_earlier_facts(working_set, handle, facts, today, now):
        detail = noun_of(terms_of(working_set).vocabulary, holder.name)
        step = (
            f"`{holder.agency}` has an earlier value of {detail} and can't be told the newer one: "
            f"{holder.why_not} If the earlier one was wrong, ask it back: `agency recall "
            f"{digits} wrong-fact --detail {holder.name} --to {holder.agency}`."
        )
        yield Task(handle, role, step, OPEN, f"holder.{holder.name}")


def _unanswered_recalls(
    working_set: WorkingSet, handle: str, role: str, now: int
) -> Iterator[Task]:
    gateway = working_set.gateway
    state, time = gateway.state(handle), gateway.hub_time(now)
    answered = {
        (answer.issuer, *statement.about)
        for answer in state.kind("recall_answer")
        for _, statement in answer.says()
        if isinstance(statement, About)
    }
    listed = gateway.history.newest.agencies
    for recall in state.kind("recall"):
        if recall.issuer != working_set.agency or time < recall.time + _CALL_AFTER:
            continue
        silent = {
            agency
            for part in recall.labels
            for agency in recall.recipients(part)
            if (agency, recall.jti, part) not in answered and agency in listed
        }
        until = recall.time + _ANSWER_WITHIN
        for agency in sorted(silent):
            step = f"Call `{agency}`: it hasn't answered what you asked back."
            status = OVERDUE if time >= until else OPEN
            due = day_of(until, gateway.history.newest.zone).isoformat()
            yield Task(handle, role, step, status, recall.jti, due)
