"""The page on which a step of the day is taken. Pure.

Each kind of task has one place. A task without a place is no step of this agency: it waits for
another one, or only says what isn't known.
"""

from __future__ import annotations

from typing import Final

from offramp.agency.cases.caseload import case_of, open_questions
from offramp.agency.cases.form_parts import form_stating, roles_under
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.human_decision import decisions_to_make
from offramp.agency.cases.next_steps import APPROVAL, APPROVING, SCREENED, awaited_approval
from offramp.agency.cases.task import ANSWER, COMPARE, Task
from offramp.agency.cases.told import own_list
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.frozen import frozen
from rules.packs.pack import Pack
from rules.shelf import vocabulary

# The pages. What isn't done in the console, such as a call or a meeting, leads to the case.
FORM, DECISION, DECIDED, ENTRY, PLACES, CONSENT, CONSENTS, REPRESENT, MISTAKE, OLD_VALUES, CASE = (
    *("form", "decision", "decided", "entry", "places", "consent", "consents", "represent"),
    *("mistake", "old_values", "case"),
)
# The kinds of tasks that are about a decision, before its name.
_OF_A_DECISION = ("decisions", "outdated")
# Facts that no form asks for: a named person's decision states the first two, and the list of
# places the third.
_DECIDED_IN = {"case.charge_held": "filing", "person.enrolled": "admission"}
_PLACES_FREE = "program.places_free"
# The page of each next step of a review or of a meeting. The others are done by talking.
_NEXT: Final = {
    "attempt_contact": (FORM, "contact-try"),
    "complete_intake": (FORM, "intake"),
    "prepare_plan": (FORM, "plan"),
    "revise_plan": (FORM, "plan"),
    "arrange_service": (FORM, "service"),
    "offer_treatment": (FORM, "service"),
    "renew_consent": (CONSENT, ""),
    "prosecutor_considers_new_charge": (DECISION, "ejection"),
    "prosecutor_considers_filing": (DECISION, "filing"),
}


@frozen
class StepPlace:
    """The page on which a step is taken.

    `page` is a word of this module, or the action of a task. `name` is the form, the decision, the
    entry such as `encounter.charges[0]`, or the other case.
    """

    page: str
    name: str = ""


def place_of(
    working_set: WorkingSet, program: Program, task: Task, now: int, role: str
) -> StepPlace | None:
    """Return the page on which this agency, of a `role`, takes a step. None if it is no step here.

    `now` is in seconds since 1970.
    """
    if task.owner != role:
        return None  # another agency takes it
    if task.action == ANSWER:
        return _of_question(working_set, program, task, now)
    if task.action == COMPARE:
        return StepPlace(COMPARE, task.about.partition(".")[2])
    if task.action is not None:
        return StepPlace(task.action)
    subject, _, name = task.about.partition(".")
    pack = program.pack
    if task.about == APPROVAL:
        return _approval(working_set, program, task.case, now)
    if (decision := telling_of(pack, task.about)) is not None:
        return StepPlace(DECIDED, decision)
    if (decision := deciding_of(working_set, pack, task.about)) is not None:
        return StepPlace(DECISION, decision)
    if subject in _PLACES_OF:
        return _PLACES_OF[subject]
    if subject in ("review", "meeting"):
        return _next_step(working_set, pack, role, name, is_own=subject == "review")
    if subject == "clocks":
        form = _form_ending(pack, role, name)
        return StepPlace(FORM, form) if form is not None else StepPlace(CASE)
    if subject == "again":
        return _stating_again(working_set, pack, role, task, name)
    if subject == "untold":
        form = "tell" if name in pack.vocabulary.own else form_stating(pack, role, name)
        return StepPlace(FORM, form) if form is not None else StepPlace(CASE)
    if subject == "referral":
        return StepPlace(CONSENTS if name == "consent" else MISTAKE)
    if task.wanted_for is not None or pack.vocabulary.fact_at(task.about) is not None:
        return _stating(working_set, pack, role, task)
    return StepPlace(CASE)


# By the first word of what a task is about.
_PLACES_OF = {
    "consent": StepPlace(CONSENT),
    "representation": StepPlace(REPRESENT),
    "passed": StepPlace(MISTAKE, "detail"),
    "holder": StepPlace(OLD_VALUES),
    "unsent": None,  # the gateway sends it by itself
}


def deciding_of(working_set: WorkingSet, pack: Pack, about: str) -> str | None:
    """Return the decision of this agency that a task is about or that states its fact."""
    group, _, name = about.partition(".")
    decision = name if group in _OF_A_DECISION else _DECIDED_IN.get(about)
    return decision if decision in decisions_to_make(working_set, pack) else None


def telling_of(pack: Pack, about: str) -> str | None:
    """Return the decision that a task asks this agency to tell, its own or the rules' answer."""
    decision = about.rpartition(".")[2]
    is_told = about in (f"untold.{decision}", f"resend.{decision}") or about.startswith("tell.")
    return decision if is_told and decision in (*pack.decisions, *vocabulary().decisions) else None


def _of_question(
    working_set: WorkingSet, program: Program, task: Task, now: int
) -> StepPlace | None:
    """Return where a question is answered: one for a decision's outcome is, by deciding."""
    decision = deciding_of(working_set, program.pack, task.asks or "")
    if task.asks == SCREENED and decision is not None:
        return StepPlace(DECISION, decision)
    if task.asks == APPROVAL:
        awaited = _approval(working_set, program, task.case, now)
        return awaited or _asked_approval(working_set, program, task) or StepPlace(ANSWER)
    return StepPlace(ANSWER)


def _approval(working_set: WorkingSet, program: Program, case: str, now: int) -> StepPlace | None:
    decision = awaited_approval(working_set, program, case_of(working_set, case), now)
    return StepPlace(DECISION, decision) if decision is not None else None


def _asked_approval(working_set: WorkingSet, program: Program, task: Task) -> StepPlace | None:
    """Return the decision for which an agency asks for the approval. No form states it."""
    decided = (
        question.decision
        for question in open_questions(working_set, task.case)
        if question.path == APPROVAL and question.record == task.about
    )
    possible = APPROVING.keys() & decisions_to_make(working_set, program.pack).keys()
    return next((StepPlace(DECISION, name) for name in decided if name in possible), None)


def _next_step(
    working_set: WorkingSet, pack: Pack, role: str, step: str, *, is_own: bool
) -> StepPlace | None:
    """Return where a step of a review or a meeting is taken. Another role's is none of a review."""
    page, name = _NEXT.get(step, (CASE, ""))
    if page == DECISION and name not in decisions_to_make(working_set, pack):
        return None if is_own else StepPlace(CASE)
    if page == FORM and role not in roles_under(form_terms().forms[name], pack):
        return StepPlace(CASE)
    return StepPlace(page, name)


def _form_ending(pack: Pack, role: str, name: str) -> str | None:
    """Return the form that states what ends a clock."""
    clock = pack.clocks.get(name)
    if clock is None:
        return None
    path = clock.stop or clock.repeats or clock.start
    category = pack.vocabulary.facts[path].category
    return next(
        (
            form.name
            for form in form_terms().forms.values()
            if role in roles_under(form, pack)
            and category in form.parts
            and not form.only
            and not form.begins
            and form.name != "tell"  # it asks for a pack's own facts alone
        ),
        form_stating(pack, role, path),
    )


def _stating_again(
    working_set: WorkingSet, pack: Pack, role: str, task: Task, wrong: str
) -> StepPlace:
    """Return the form that states anew what was asked back as wrong.

    A form that begins a case begins no second one: what it stated is stated by another.
    """
    kinds = {
        working_set.outbox[jti].kind
        for event in working_set.mistakes
        if event.body["case"] == task.case and event.body.get("wrong") == wrong
        for jti, _ in event.body["parts"]
    }
    forms = form_terms().forms.values()
    same = (form.name for form in forms if form.kind.name in kinds and not form.begins)
    form = next(same, None) or form_stating(pack, role, wrong)
    return StepPlace(FORM, form) if form is not None else StepPlace(CASE)


def _stating(working_set: WorkingSet, pack: Pack, role: str, task: Task) -> StepPlace | None:
    """Return where a fact is stated, None where this agency states it nowhere.

    What a person keeps to themselves for a decision, such as a criminal history, is in no form.
    """
    path, _, place = task.about.partition("[")
    if place:
        entries = own_list(working_set, case_of(working_set, task.case), path)
        at = int(place.partition("]")[0])
        return StepPlace(ENTRY, f"{path}[{at}]") if at < len(entries) else None
    if path == _PLACES_FREE:
        return StepPlace(PLACES)
    form = form_stating(pack, role, path)
    if form is not None:
        return StepPlace(FORM, form)
    return None if task.wanted_for is not None else StepPlace(CASE)
