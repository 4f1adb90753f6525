"""Read a case, note what this agency knows of it, and list tasks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from exchange.errors import ExchangeError
from exchange.records.finer_words import paths_cut, shared_form
from offramp.agency.cases import people
from offramp.agency.cases.answering import answer_case, defaults_today, words_of
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.case_entry import FactSource
from offramp.agency.cases.caseload import case_of, decisions_here, recalled_parts
from offramp.agency.cases.charge_word import ChargeDay, charge_day
from offramp.agency.cases.empty_cases import is_withdrawn, live_handles, referrals_asked_back
from offramp.agency.cases.enrollment import awaits_enrollment
from offramp.agency.cases.moments import check_confirmed, moments_of
from offramp.agency.cases.next_steps import SCREENING
from offramp.agency.cases.open_decisions import refuse_decided
from offramp.agency.cases.outdated import (
    OutdatedDecision,
    others_may_look_again,
    outdated_decisions,
)
from offramp.agency.cases.owed_corrections import Holder
from offramp.agency.cases.people import person_name
from offramp.agency.cases.stated import stated_contents
from offramp.agency.cases.stated_members import stated_members
from offramp.agency.cases.task import OPEN, Task
from offramp.agency.cases.tasks import tasks, tasks_of_case, waiting_parts
from offramp.agency.errors import AgencyError
from offramp.agency.folder.case_memory import Subject
from offramp.agency.folder.office import Office
from offramp.agency.folder.staff import ExtraAccess
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_now
from offramp.agency.operations.access import (
    CASE,
    CASES,
    FIND,
    GATEWAY,
    MINE,
    REASONS,
    care_parts,
    check_reason,
    may_find,
    needs,
    note_care,
    open_for_actor,
    opens_care,
    visible,
)
from offramp.agency.operations.automatic import SentAnswer, answer_questions
from offramp.agency.operations.changes import check_unchanged
from offramp.agency.operations.mistakes import (
    SentCorrection,
    changed_facts,
    completed_lists,
    compose_owed_corrections,
    keep_correction,
    list_changes_of,
    send_corrections,
)
from offramp.agency.operations.people import Person, check_new_person, undecided
from rules.errors import Refusal
from rules.frozen import field, frozen
from rules.input.facts import Facts, read_facts
from rules.input.printing import plain
from rules.input.vocabulary import Vocabulary


@frozen
class CaseSummary:
    """A case in a list.

    `outcomes` are the people's, by decision. `conflicts` are fact paths. `person` is the
    participant's name, None where it isn't known here. `joined` are the other cases of the person.
    `is_withdrawn` is true if the referral was asked back, and nothing else stands. `records` is the
    word of the person who checked the records, None before it is here.
    """

    case: str
    facts: int
    conflicts: tuple[str, ...]
    outcomes: Mapping[str, str]
    person: str | None = None
    joined: tuple[str, ...] = ()
    is_withdrawn: bool = False
    records: str | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the case's JSON in `offramp agency cases`."""
        return {
            "case": self.case,
            "person": self.person,
            "joined": list(self.joined),
            "facts": self.facts,
            "conflicts": list(self.conflicts),
            "determined": dict(self.outcomes),
            "withdrawn": self.is_withdrawn,
            "records": self.records,
        }


# The kind of the record with the word of a records check.
RECORDS_CHECK = "screening_outcome"
SUMMARIES: Subject[CaseSummary] = Subject(
    "summary",
    write=lambda summary: summary.as_json(),
    read=lambda written: CaseSummary(
        written["case"],
        written["facts"],
        tuple(written["conflicts"]),
        written["determined"],
        written["person"],
        tuple(written["joined"]),
        written["withdrawn"],
        written.get("records"),
    ),
)


@frozen
class CaseView:
    """Everything that an agency knows of a case.

    `facts` by path with their sources, `conflicts` by path with each agency's statement,
    `determinations` by decision with the deciding `agency`, `answers` of the rules by decision.
    `outdated` are decisions that rest on what was corrected or recalled since, and `unopened` the
    agency whose unopened correction makes a fact unknown, by path. `refusals` are sentences: the
    parts that stay closed, and the decisions that can't be answered.
    `members` are statements that no rule reads, such as the status, by path.
    `person` is the participant's name, and `duplicates` are this agency's people who may be the
    participant. `awaits_enrollment` is true if the person is admitted, and nobody has stated the
    enrollment since. `may_be_reviewed` are decisions of other agencies that may be made anew,
    though the rules agree with them after a correction. `also_determined` are the determinations of
    other agencies beside those in force, and `later` is true for one that is newer. `charge` says
    how old the word on a charge is, None at the prosecutor's and where nothing of it is known.
    """

    agency: str
    case: str
    facts: Mapping[str, FactSource]
    conflicts: Mapping[str, tuple[FactSource, ...]]
    determinations: Mapping[str, Mapping[str, Any]]
    answers: Mapping[str, Answer]
    outdated: tuple[OutdatedDecision, ...]
    unopened: Mapping[str, str]
    refusals: tuple[str, ...]
    person: str | None = None
    duplicates: tuple[Person, ...] = ()
    awaits_enrollment: bool = False
    also_determined: Mapping[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    members: Mapping[str, FactSource] = field(default_factory=dict)
    may_be_reviewed: tuple[OutdatedDecision, ...] = ()
    charge: ChargeDay | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency case`."""
        return {
            "case": self.case,
            "person": self.person,
            "possible_duplicates": [person.as_json() for person in self.duplicates],
            "facts": {path: fact.as_json() for path, fact in self.facts.items()},
            "members": {path: stated.as_json() for path, stated in self.members.items()},
            "conflicts": {
                path: [statement.as_json() for statement in statements]
                for path, statements in self.conflicts.items()
            },
            "determined": {name: dict(made) for name, made in self.determinations.items()},
            "decisions": {name: answer.as_json() for name, answer in self.answers.items()},
            "outdated": [decision.as_json() for decision in self.outdated],
            "unopened": dict(self.unopened),
            "refused": list(self.refusals),
            "charge": self.charge.as_json() if self.charge is not None else None,
        }


@frozen
class NotedFacts:
    """Facts that were noted, by path, the answers sent because of them, and their state.

    `corrections` tell the agencies that had another value, and `untold` are those of them that
    can't be told.
    """

    case: str
    facts: Mapping[str, Any]
    answers: tuple[SentAnswer, ...]
    state: str
    corrections: tuple[SentCorrection, ...] = ()
    untold: tuple[Holder, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency note`."""
        return {
            "case": self.case,
            "noted": dict(self.facts),
            "answered": [answer.as_json() for answer in self.answers],
            "corrections": [correction.as_json() for correction in self.corrections],
            "untold": [holder.as_json() for holder in self.untold],
        }


@frozen
class RulesNotice:
    """The note that a named person gave the participant notice of the rules in force."""

    case: str
    pack_id: str
    pack: str
    actor: str

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency notice`."""
        return {"case": self.case, "pack": self.pack, "by": self.actor}


@needs(MINE, look="list")
def list_cases(office: Office) -> tuple[CaseSummary, ...]:
    """List every case in the caseload of the person who asks, in the order of their arrival.

    A case in which nothing is left, since counsel named it by mistake, isn't listed.
    """
    working_set = office.working_set()
    now = working_set.gateway.hub_time(office.clock())
    summaries = tuple(
        working_set.memory.recall(SUMMARIES, handle, now, partial(_summarize, working_set, handle))
        for handle in filter(visible(office, working_set), live_handles(working_set))
    )
    office.keep_memory(working_set)
    return summaries


def _summarize(working_set: WorkingSet, handle: str) -> tuple[CaseSummary, None]:
    case = case_of(working_set, handle)
    outcomes = {
        name: str(statement.determined["outcome"])
        for name, statement in case.determined.items()
        if statement.determined
    }
    joined = tuple(other for other in working_set.cases.same_person(handle) if other != handle)
    name = person_name(working_set, handle)
    conflicts = tuple(case.conflicts)
    withdrawn = is_withdrawn(working_set, handle)
    checked = case.attested.get(SCREENING)
    is_stated = checked is not None and checked.entry.kind == RECORDS_CHECK
    records = str(checked.value) if checked is not None and is_stated else None
    return (
        CaseSummary(handle, len(case.known), conflicts, outcomes, name, joined, withdrawn, records),
        None,
    )


@needs(FIND)
def find_case(office: Office, prefix: str) -> str:
    """Return the handle of the case that starts with `prefix`, at least 4 hexadecimal digits.

    A whole handle is returned as it is. Raises `AgencyError` `no-such-case`, `ambiguous-case`.
    """
    working_set = office.working_set()
    return people.find_case(working_set, prefix, may_find(office, working_set))


@needs(CASE, look="case")
def read_case(office: Office, case: str, *, because: str | None = None) -> CaseView:
    """Return what this agency knows of a case.

    Facts from parts of care are for the case's owner and backup, and for a supervisor `because` of
    a reason. Raises `AgencyError` `no-such-case`, `unknown-reason`.
    """
    check_reason(because)
    return _view(office, case, (), because)


@needs(CASE)
def count_closed(office: Office, case: str) -> int:
    """Return how many parts of a case nobody here has opened, and may change what is known.

    Receipts and other records that need no opening aren't counted, nor is what can't be opened.
    """
    return sum(1 for _ in waiting_parts(office.working_set(), case, office.clock()))


@needs(CASE, look="case", takes=True)
def open_case(office: Office, actor: str, case: str, *, because: str | None = None) -> CaseView:
    """Open every part of a case that a named person may read, then return the case.

    A part that stays closed is one of the view's `refusals`. `because` is the code of a
    supervisor's reason to open parts of care. Raises `AgencyError` `no-such-case`,
    `unknown-reason`.
    """
    check_reason(because)
    refusals = []
    working_set = office.working_set()
    recalled = recalled_parts(working_set, case)
    for record, part in working_set.closed_parts(case):
        if (record, part) in recalled:
            continue  # it stays closed, and its recall is answered
        try:
            open_for_actor(office, record, part, by=actor, because=because)
        except ExchangeError as error:
            refusals.append(f"`{part}` of `{record}` stays closed: {error.message}")
    check_new_person(office, case)
    send_now(office, None)
    return _view(office, case, refusals, because)


def _view(
    office: Office, handle: str, closed: Sequence[str], because: str | None = None
) -> CaseView:
    working_set = office.working_set()
    case = case_of(working_set, handle)
    refusals = list(closed)
    members = stated_members(case, stated_contents(working_set, handle, case))
    withheld = _withheld_facts(office, working_set, handle, case, members, because)
    if withheld:
        owner = working_set.staff.assignments[handle].owner
        refusals.append(
            f"{len(withheld)} facts come from parts of care, which only owner and backup may read: "
            f"ask `{owner}`"
        )
    withdrawn = is_withdrawn(working_set, handle)
    if withdrawn:
        issuers = " and ".join(f"`{each}`" for each in referrals_asked_back(working_set, handle))
        refusals.append(
            f"{issuers} asked back the referral of this case, and nothing else stands in it: it is "
            "not open"
        )
    answers = {}
    pack = office.program(working_set).pack
    # The rules have nothing to answer in a case that was asked back.
    for decision in () if withdrawn else decisions_here(working_set, pack):
        try:
            answers[decision] = answer_case(office, working_set, handle, decision, case=case)
        except Refusal as refusal:
            refusals.append(f"{decision}: {refusal.message}")
    determinations = {
        name: {**(statement.determined or {}), "agency": statement.by}
        for name, statement in case.determined.items()
    }
    return CaseView(
        working_set.agency,
        handle,
        {path: fact for path, fact in case.known.items() if path not in withheld},
        {path: stated for path, stated in case.conflicts.items() if path not in withheld},
        determinations,
        answers,
        outdated_decisions(working_set, office.program(working_set), handle, case, office.clock()),
        {path: correction.by for path, correction in case.unopened.items()},
        tuple(refusals),
        person_name(working_set, handle),
        undecided(office, handle),
        awaits_enrollment(working_set, handle, case),
        {
            name: tuple(
                {
                    **(statement.determined or {}),
                    "agency": statement.by,
                    "later": statement.position > case.determined[name].position,
                }
                for statement in statements
            )
            for name, statements in case.determined_beside.items()
        },
        {path: stated for path, stated in members.items() if path not in withheld},
        others_may_look_again(
            working_set, office.program(working_set), handle, case, office.clock()
        ),
        charge_day(working_set, handle, case, office.clock()),
    )


def _withheld_facts(
    office: Office,
    working_set: WorkingSet,
    handle: str,
    case: Case,
    members: Mapping[str, FactSource],
    because: str | None,
) -> frozenset[str]:
    """Return the facts that come from parts of care, where the person who acts may not read them.

    A supervisor's reason for reading them is noted for the owner.
    """
    of_care = care_parts(working_set, handle)
    withheld = frozenset(
        path
        for path, statements in (
            *((path, (fact,)) for path, fact in {**case.known, **members}.items()),
            *case.conflicts.items(),
        )
        if any((fact.entry.record, fact.entry.part) in of_care for fact in statements)
    )
    if not withheld:
        return withheld
    if not opens_care(office, working_set, handle, because):
        return withheld
    with office.transaction() as inside:
        note_care(office, inside, handle, because)
    return frozenset()


def facts_outside_care(
    working_set: WorkingSet, handle: str, case: Case
) -> Mapping[str, FactSource]:
    """Return the known facts of a case that no part of care states, for lists of several cases."""
    of_care = care_parts(working_set, handle)
    return {
        path: fact
        for path, fact in case.known.items()
        if (fact.entry.record, fact.entry.part) not in of_care
    }


@needs(CASE, look="act", takes=True)
def note_facts(
    office: Office,
    case: str,
    facts: Mapping[str, Any],
    *,
    seen_at: int | None = None,
    although_odd: bool = False,
) -> NotedFacts:
    """Keep facts of this agency's own knowledge, and answer the questions that they settle.

    An agency that was told another value of a fact, and that may ask for it, is sent a correction.
    `facts` are nested, as `offramp decide` reads them. `seen_at` is the journal's last event when
    the person read the case. Odd moments are noted only with `although_odd`: a person confirmed
    them. Raises `FactsError`; `AgencyError` `case-changed`, `entries-left-out`, `never-kept`,
    `not-yours`, `nothing-to-note`, `odd-day`, `odd-amount`, `decide-it`,
    `no-such-case`, `no-directory`.
    """
    with office.transaction() as working_set:
        check_unchanged(office, working_set, case, seen_at)
        terms = words_of(office, working_set)
        read = read_facts(facts, terms)
        noted = {path: plain(value) for path, value in read.known.items()}
        _refuse_cut(noted, terms)
        noted = {path: shared_form(path, value, terms) for path, value in noted.items()}
        _check_own_facts(working_set, read, noted, terms)
        case_of(working_set, case)
        defaults = defaults_today(office, working_set)
        program, now = office.program(working_set), office.clock()
        refuse_decided(working_set, program, case, noted, now)
        moments = moments_of(working_set, program.pack, "note", case, now)
        check_confirmed(moments, noted.items(), although_odd=although_odd)
        noted = completed_lists(office, working_set, case, noted, only_told=True)
        changed = changed_facts(office, working_set, case, noted)
        kept = {path: value for path, value in noted.items() if path not in changed}
        if kept:
            line = working_set.gateway.line
            body = {
                "case": case,
                "facts": kept,
                "after": line.size if line else 0,
                "keep_until": defaults.keep_until,
            }
            office.append(working_set, "noted", body)
        if changed:
            changes = list_changes_of(office, working_set, case, changed)
            keep_correction(office, working_set, case, changed, None, changes=changes)
        composed, untold = compose_owed_corrections(office, working_set, case)
        answers = answer_questions(office, working_set, case, defaults)
    state = send_now(office, None) if answers else ""
    return NotedFacts(case, noted, answers, state, send_corrections(office, composed), untold)


def _refuse_cut(noted: Mapping[str, Any], terms: Vocabulary) -> None:
    """Refuse a fact or a field that never travels: no record could carry it."""
    for path, value in noted.items():
        for cut in paths_cut(path, value, terms):
            raise AgencyError(
                "never-kept",
                f"`{cut}` isn't kept here",
                fix="give it to `agency decide` with `--facts` each time",
            )


def _check_own_facts(
    working_set: WorkingSet, read: Facts, noted: Mapping[str, Any], words: Vocabulary
) -> None:
    history = working_set.gateway.history
    role = history.newest.role(working_set.agency) if history.size else None
    for path in noted:
        fact = words.facts[path]
        if fact.known_by != role:
            raise AgencyError(
                "not-yours",
                f"`{path}` isn't for `{role}` to say",
                fix=f"it is for {fact.known_by}; note what was seen here",
            )
    if read.attested or not noted:
        raise AgencyError(
            "nothing-to-note",
            "the file holds no facts to note",
            fix="write facts of the vocabulary in it",
        )


@needs(CASE, look="act", takes=True)
def note_notice(office: Office, actor: str, case: str) -> RulesNotice:
    """Note that `actor` gave the participant notice of the rules in force.

    Raises `AgencyError` `no-such-case`, `no-directory`.
    """
    with office.transaction() as working_set:
        case_of(working_set, case)
        defaults = defaults_today(office, working_set)
        line = working_set.gateway.line
        pack = working_set.gateway.history.newest.document.pack
        body = {
            "case": case,
            "notice": pack.digest,
            "by": actor,
            "after": line.size if line else 0,
            "keep_until": defaults.keep_until,
        }
        office.append(working_set, "noted", body)
    return RulesNotice(case, pack.id, pack.digest, actor)


@needs(GATEWAY)
def prepare_tasks(office: Office, done: int, most: int) -> int:
    """Work out the tasks of a few cases before a person asks, and return how many are left.

    `done` is the number of cases that were prepared before, and `most` limits these.
    """
    working_set = office.working_set()
    handles, program = working_set.cases.handles(), office.program(working_set)
    for handle in handles[done : done + most]:
        tasks_of_case(working_set, program, handle, office.clock())
    left = max(0, len(handles) - done - most)
    if not left:
        office.keep_memory(working_set)
    return left


@needs(CASES, look="list")
def list_tasks(office: Office) -> tuple[Task, ...]:
    """List the tasks in the caseload of the person who asks, the most pressing first."""
    working_set = office.working_set()
    all_tasks = tasks(working_set, office.program(working_set), office.clock())
    office.keep_memory(working_set)
    sees = visible(office, working_set)
    return (*review_tasks(office, working_set), *(task for task in all_tasks if sees(task.case)))


def _review_text(access: ExtraAccess) -> str:
    """Return what there is to review of an access beyond a caseload, and the command for it."""
    reason = REASONS.get(access.reason, access.reason.replace("_", " "))
    done = f"Then: `offramp agency staff DIR review {access.number}`"
    if access.does == "glass":
        return f"review that {access.by} broke the glass of this case ({reason}). {done}"
    if access.does == "care":
        return f"see that {access.by} read parts of care here ({reason}). {done}"
    if access.confirmed_by is None:
        return (
            f"see that {access.by} reported a medical emergency ({reason}), not confirmed. {done}"
        )
    return (
        f"tell the person and counsel of the medical emergency ({reason}): {access.by} and "
        f"{access.confirmed_by} told a health provider. {done}"
    )


def review_tasks(office: Office, working_set: WorkingSet) -> tuple[Task, ...]:
    """Return the accesses beyond a caseload that the person who acts must review."""
    if office.acting is None:
        return ()
    person, role = office.acting.person, working_set.gateway.history.newest.role(office.agency)
    return tuple(
        Task(
            access.case,
            role or "nobody",
            _review_text(access),
            OPEN,
            f"access {access.number}",
            person=person_name(working_set, access.case),
        )
        for access in working_set.staff.to_review(person)
    )
