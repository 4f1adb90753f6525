"""The tasks of the agency that has to act next, and of those who wait for it. Pure.

Where no gateway asks by itself, nobody is asked for these steps: the records check, the consent,
counsel's appearance, the prosecutor's approval, and the enrollment.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from exchange.consent.disclosure import day_of
from exchange.consent.reduction import represents
from exchange.consent.state import COLLECTORS
from offramp.agency.cases.case import ACCEPTED, Answer, Case
from offramp.agency.cases.caseload import answers_enrollment, questions_asked, settled_at, utc
from offramp.agency.cases.consent_form import asked_sets
from offramp.agency.cases.enrollment import ADMISSION, ADMITTED, awaits_enrollment
from offramp.agency.cases.questions import CONSENT, why_not_asked
from offramp.agency.cases.stated_facts import ENROLLED
from offramp.agency.cases.task import OPEN, Task
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.errors import Refusal

SCREENING, APPROVAL = "screening", "approval.prosecutor"
SCREENED = f"decisions.{SCREENING}"
EJECTION, NEW_CHARGES = "ejection", "case.new_charges"
CHARGES, CHARGE_HELD = "encounter.charges", "case.charge_held"
# The prosecutor's decisions that approve or decline, each with both outcomes.
APPROVING = {
    "eligibility": ("eligible", "ineligible"),
    ADMISSION: (ADMITTED, "declined_by_prosecutor"),
}


def next_step_tasks(
    working_set: WorkingSet,
    program: Program,
    case: Case,
    handle: str,
    role: str,
    answers: Iterable[Answer],
    now: int,
) -> Iterator[Task]:
    """Yield the steps of an open case that no question asks for.

    `answers` are the rules' answers here, `now` is in seconds since 1970.
    """
    answered = tuple(answers)
    yield from _records_check(working_set, program, case, handle, role)
    yield from _consents_due(working_set, program, case, handle, role, now)
    yield from _representation(working_set, handle, role, now)
    yield from _approval(working_set, program, case, handle, role, now)
    yield from _decisions_of_others(working_set, case, handle, role, answered, now)
    yield from _enrollment(working_set, case, handle, role, answered)


def _records_check(
    working_set: WorkingSet, program: Program, case: Case, handle: str, role: str
) -> Iterator[Task]:
    """Yield the records check, and the wait for it, once the person has accepted the offer."""
    accepted = case.known.get(ACCEPTED)
    if accepted is None or not accepted.value or SCREENING in case.attested:
        return
    if SCREENING not in program.pack.decisions:
        return
    decider = program.pack.vocabulary.decisions[SCREENING].decided_by
    deciders = working_set.gateway.history.newest.with_role(decider)
    if role == decider:
        command = f"agency screen {working_set.cases.digits(handle)}"
        step = f"Check the records, and tell the outcome in one word: `{command}`."
        yield Task(handle, role, step, OPEN, SCREENED)
    elif deciders and role in ("program", "case_management") and not case.determined:
        step = f"{_names(deciders)} checks the records: no outcome of the screening is known here."
        yield Task(handle, decider, step, OPEN, SCREENED)


def _consents_due(
    working_set: WorkingSet, program: Program, case: Case, handle: str, role: str, now: int
) -> Iterator[Task]:
    """Yield each consent set that is due by the pack's form and that nobody has asked."""
    if role not in COLLECTORS:
        return
    asked = {event.body["set"] for event in working_set.statements_of(handle)}
    if not asked and working_set.gateway.state(handle).kind("consent"):
        return  # another agency asked, or this one recorded a consent from a file
    due = [
        name
        for name, consent_set in program.pack.consent_sets.items()
        if consent_set.after in case.known and name not in asked
    ]
    sets = asked_sets(program.on(_today(working_set, now))) if due else {}
    for name in due:
        if name in sets:
            label = sets[name].label.text("en")
            command = f"agency consent {working_set.cases.digits(handle)} --set {name}"
            step = f"Ask the person for the consent “{label}”, which is due: `{command}`."
            yield Task(handle, role, step, OPEN, f"consent.{name}")


def _representation(working_set: WorkingSet, handle: str, role: str, now: int) -> Iterator[Task]:
    """Yield counsel's task to state that it represents a person whose consent names it."""
    state, agency = working_set.gateway.state(handle), working_set.agency
    if role != "defender" or represents(state, agency, past_exit=True):
        return
    today = _today(working_set, now).isoformat()
    ended = {change.change.grant for change in state.changes if change.change.does == "end"}
    named = [
        logged
        for logged in state.grants
        if logged.grant.recipient == agency
        and logged.grant.id not in ended
        and (logged.grant.expires is None or logged.grant.expires >= today)
    ]
    if named:
        step = (
            "The person's consent names you as counsel. If you represent the person, state it: "
            f"`agency represent {working_set.cases.digits(handle)}`."
        )
        yield Task(handle, role, step, OPEN, "representation")


def _approval(
    working_set: WorkingSet, program: Program, case: Case, handle: str, role: str, now: int
) -> Iterator[Task]:
    """Yield the prosecutor's approval, after the records check, if the rules ask for it."""
    decision = awaited_approval(working_set, program, case, now) if role == "prosecutor" else None
    if decision is None:
        return
    digits = working_set.cases.digits(handle)
    approve, decline = (
        f"`agency determine {digits} {decision} {outcome} --reason rules`"
        for outcome in APPROVING[decision]
    )
    step = f"Approve or decline, when you know enough: {approve} or {decline}."
    yield Task(handle, role, step, OPEN, APPROVAL)


def awaited_approval(working_set: WorkingSet, program: Program, case: Case, now: int) -> str | None:
    """Return the decision for which the rules need the prosecutor's approval, None for none.

    It comes after the records check. `now` is in seconds since 1970.
    """
    if APPROVAL in case.known or case.determined.keys() & APPROVING:
        return None
    if SCREENING in program.pack.decisions and SCREENING not in case.attested:
        return None
    at = utc(working_set.gateway.hub_time(now))
    for decision in APPROVING:
        if decision not in program.pack.decisions:
            continue
        try:
            answer = case.decide(program, decision, at)
        except Refusal:
            continue
        if any(need["fact"] == APPROVAL for need in answer.needed):
            return decision
    return None


def may_be_ejected(case: Case) -> bool:
    """Report whether an ejection can be a question: the person takes part, and has a later charge.

    Before that, no rule makes anybody look for later charges.
    """
    charged, enrolled = case.known.get(NEW_CHARGES), case.known.get(ENROLLED)
    return bool(charged and charged.value and enrolled and enrolled.value)


def has_no_charge(case: Case) -> bool:
    """Report whether it is known that there is no charge, and no charge is said to be on hold.

    Then nobody is asked about one, and no filing waits.
    """
    charges, held = case.known.get(CHARGES), case.known.get(CHARGE_HELD)
    return charges is not None and not charges.value and not (held is not None and held.value)


def _decisions_of_others(
    working_set: WorkingSet,
    case: Case,
    handle: str,
    role: str,
    answers: Iterable[Answer],
    now: int,
) -> Iterator[Task]:
    """Yield what an answer here waits for: the prosecutor's approval.

    What a person decided waits for nobody.
    """
    directory = working_set.gateway.history.newest
    for answer in answers:
        if settled_at(case, answer.decision) >= 0:
            continue
        for need in answer.needed:
            owner = str(need["ask"])
            deciders = directory.with_role(owner)
            if need["fact"] != APPROVAL or owner == role or not deciders:
                continue
            step = (
                f"{_names(deciders)} approves or declines: `{answer.decision}` waits for it. "
                f"{_how_to_ask(working_set, handle, answer, now)}"
            )
            yield Task(handle, owner, step.rstrip(), OPEN, APPROVAL)
            return


def _how_to_ask(working_set: WorkingSet, handle: str, answer: Answer, now: int) -> str:
    """Return how to ask for the approval, that it was asked for, or what would help."""
    if any(path == APPROVAL for _, path in questions_asked(working_set, handle)):
        return "It was asked."
    why_not = why_not_asked(working_set, handle, answer, APPROVAL, now)
    if why_not is None:
        return f"To ask: `agency ask {working_set.cases.digits(handle)} {answer.decision}`."
    if why_not == CONSENT:
        return "It can't be asked now: the person's consent has to cover the question."
    return ""


def _enrollment(
    working_set: WorkingSet, case: Case, handle: str, role: str, answers: Iterable[Answer]
) -> Iterator[Task]:
    """Yield the task to state the enrollment of a person who is admitted."""
    if not answers_enrollment(working_set):
        return
    by_rules = [answer for answer in answers if answer.decision == ADMISSION]
    is_admitted = any(answer.outcome == ADMITTED for answer in by_rules)
    is_otherwise = any(answer.outcome not in (None, ADMITTED) for answer in by_rules)
    if is_otherwise or not (is_admitted or awaits_enrollment(working_set, handle, case)):
        return
    enrolled = case.known.get(ENROLLED)
    if enrolled is not None and (enrolled.value or enrolled.entry.record is not None):
        return  # stated since, or the rules' answer wasn't sent yet
    command = f"agency determine {working_set.cases.digits(handle)} {ADMISSION} {ADMITTED}"
    step = (
        f"The person is admitted, and nobody has stated the enrollment: `{command} --reason rules`."
    )
    yield Task(handle, role, step, OPEN, ENROLLED)


def _today(working_set: WorkingSet, now: int) -> date:
    gateway = working_set.gateway
    return day_of(gateway.hub_time(now), gateway.history.newest.zone)


def _names(agencies: Iterable[str]) -> str:
    return " or ".join(f"`{agency}`" for agency in agencies)
