"""What a person has to do today, in words without commands, as a page lists it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.day_steps import DayStep, day_steps
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.step_places import DECISION, FORM, StepPlace
from offramp.agency.cases.task import RECALL, Task
from offramp.agency.cases.tasks import order_of
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASES, needs, visible
from offramp.agency.operations.case_file import review_tasks
from offramp.agency.operations.code_words import in_words
from offramp.agency.operations.deciding import ChangedFact, changed_for_list
from offramp.agency.operations.telling import agency_names
from rules.frozen import frozen
from rules.input.vocabulary import Fact

# In a sentence for the terminal: a command at its end, and sentences that only say how to type it.
_SENTENCE_END = re.compile(r"(?<=[.?!])\s+")
_COMMAND = r"`(?:offramp )?agency [^`]*`"
_TAIL = re.compile(rf"(?:\s*[:,]?\s*\(?(?:with |by |or |use |run )?{_COMMAND}\)?)+")
_HOW_TO_TYPE = ("To ", "Before ", "Then:")
# The words of a recall. Its part has a number that nobody needs.
_ASKED_BACK = re.compile(r"`([^`]+)` asks back part `[^`]+`\.")
# What a list of things to do says by itself, and a deadline beside it.
_LEAD = re.compile(r"^(?:Next step|Due): ")
# The page on which a person reviews accesses beyond a caseload.
REVIEWS = "reviews"


@frozen
class TodayTask:
    """A task of one case. `what` has no commands, and names agencies as people do.

    `waiting` are the other tasks of the case that rest on what this one opens. `place` is the page
    on which it is done, and `about` are the kinds of information to choose in its form. `changed`
    is what changed of the facts of a decision. `person` is the same for all cases of one person.
    """

    task: Task
    what: str
    digits: str
    place: StepPlace
    waiting: int = 0
    about: tuple[str, ...] = ()
    changed: tuple[ChangedFact, ...] = ()
    person: str = ""


@frozen
class TodayList:
    """The first tasks of a person, the number of all, and that of records asked back."""

    tasks: tuple[TodayTask, ...]
    count: int
    asked_back: int


@needs(CASES, look="list")
def list_today(office: Office, most: int) -> TodayList:
    """List the first `most` tasks of the person who asks, the most pressing first.

    What another agency asks back comes first, then the accesses beyond a caseload that the person
    must review, and then complaints.
    """
    working_set = office.working_set()
    names, digits = agency_names(working_set), working_set.cases.digits
    steps = day_steps(working_set, office.program(working_set), office.clock())
    office.keep_memory(working_set)
    sees = visible(office, working_set)
    steps = tuple(step for step in steps if sees(step.task.case))
    recalls = [step.task.case for step in steps if step.task.action == RECALL]
    asked_back = {
        (recall.issuer, recall.record)
        for case in dict.fromkeys(recalls)
        for recall in working_set.gateway.pending_recalls(case)
    }
    reviews = review_tasks(office, working_set)
    facts = office.program(working_set).pack.vocabulary.facts
    # A case manager may have a thousand tasks. Only those that are shown are put in words.
    first = list(steps[:most])
    first[len(recalls) : len(recalls)] = [_reviewing(review) for review in reviews]
    listed = tuple(
        TodayTask(
            step.task,
            in_plain_words(_LEAD.sub("", step.task.what), names),
            digits(step.task.case),
            step.place,
            step.waiting,
            _chosen(step, facts),
            _changed(office, working_set, step),
            working_set.cases.same_person(step.task.case)[0],
        )
        for step in first[:most]
    )
    return TodayList(listed, len(reviews) + len(steps), len(asked_back))


def _changed(office: Office, working_set: WorkingSet, step: DayStep) -> tuple[ChangedFact, ...]:
    """Return what changed of the facts on which a decision rests."""
    if step.place.page != DECISION:
        return ()
    handle = step.task.case
    case = case_of(working_set, handle)
    return changed_for_list(office, working_set, handle, case, step.place.name)


def _reviewing(review: Task) -> DayStep:
    return DayStep(review, StepPlace(REVIEWS), 0, (0, order_of(review)))


def _chosen(step: DayStep, facts: Mapping[str, Fact]) -> tuple[str, ...]:
    """Return the categories to choose in the form of a step, for a form that asks for some."""
    if step.place.page != FORM or not form_terms().forms[step.place.name].chooses:
        return ()
    paths = step.facts or (step.task.about.partition(".")[2],)
    texts = form_terms().members
    categories = (
        facts[path].category if path in facts else path.partition(".")[0]
        for path in paths
        if path in facts or path in texts
    )
    return tuple(dict.fromkeys(categories))


def in_plain_words(sentence: str, names: Mapping[str, str]) -> str:
    """Return a sentence for the terminal without commands, codes, and ids of agencies."""
    text = _ASKED_BACK.sub(r"`\1` asks something back.", sentence)
    kept = []
    for part in _SENTENCE_END.split(text.strip()):
        has_command = re.search(_COMMAND, part) is not None or "`--" in part
        if has_command and part.startswith(_HOW_TO_TYPE):
            continue
        kept.append(_end(_TAIL.sub("", part)) if has_command else part)
    plain = in_words(" ".join(kept), names)
    return plain[:1].upper() + plain[1:]


def _end(sentence: str) -> str:
    """Return a sentence with one mark at its end."""
    return sentence.rstrip(" .:,") + ("" if sentence.rstrip().endswith(("?", "!")) else ".")
