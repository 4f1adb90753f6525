"""What waits for a named person's decision, and what the person sees before deciding.

`list_open_decisions` is the queue of an office. `open_decision` shows the rules' answer and its
facts beside the choices. `preview_determination`, `determine`, and `ask` follow from it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

from exchange.standards import i_json
from offramp.agency.cases.account_words import SHORT_CATEGORIES
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.case import REFERRED, Answer, Case
from offramp.agency.cases.case_entry import CaseEntry, FactSource
from offramp.agency.cases.caseload import (
    agencies_not_knowing,
    case_of,
    handles,
    has_answered,
    questions_asked,
)
from offramp.agency.cases.corrections import CORRECTED, RECALLED, UNOPENED, FactChange
from offramp.agency.cases.fact_kinds import plain_path
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.human_decision import (
    UNDECIDED,
    decisions_to_make,
    relation_of,
)
from offramp.agency.cases.next_steps import APPROVAL, SCREENING, has_no_charge
from offramp.agency.cases.open_decisions import (
    OpenDecision,
    answer_on_known_facts,
    choices_of,
    last_day_of,
    open_decisions,
)
from offramp.agency.cases.outdated import ANSWER, FactsRead, changes_after
from offramp.agency.cases.pack_terms import PackTerms, terms_of
from offramp.agency.cases.people import person_name, person_of
from offramp.agency.cases.questions import (
    CONSENT,
    NEVER,
    NOBODY,
    RULES,
    UNASKED,
    question_parts,
    why_not_asked,
)
from offramp.agency.cases.refusals import series
from offramp.agency.cases.stated_facts import rank_of
from offramp.agency.cases.tasks import answers_of_case
from offramp.agency.cases.unopened_answers import unopened_answers
from offramp.agency.cases.untold_decisions import tellable_decisions
from offramp.agency.errors import AgencyError
from offramp.agency.fact_words import fact_label, fact_text
from offramp.agency.folder.case_memory import Subject
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASE, CASES, needs, visible
from offramp.agency.operations.automatic import asks_by_itself
from offramp.agency.operations.case_file import (
    CaseView,
    count_closed,
    facts_outside_care,
    note_facts,
    read_case,
)
from offramp.agency.operations.confirmation import confirmed_by, list_confirmations
from offramp.agency.operations.doubts import doubts_of
from offramp.agency.operations.outdated_words import asks_in, closed_corrections, values_changed
from offramp.agency.operations.telling import agency_names
from offramp.agency.operations.untold import TellingPreview
from offramp.agency.operations.value_words import ValueWords
from rules.author.spoken_dates import day_of_moment, spoken_day
from rules.decide.interview import Interview
from rules.decide.program import Program
from rules.decide.wording import fill_in, reasons_with_sources
from rules.errors import Refusal
from rules.frozen import frozen
from rules.input.values import iso_day

# The fields by which people name a charge.
_NAMING = ("conduct", "level")
_MET = "encounter.date"
_CHARGES, _HELD, _PLACES = "encounter.charges", "case.charge_held", "program.places_free"
_EJECTION, _FILING, _ELIGIBILITY, _ADMISSION = "ejection", "filing", "eligibility", "admission"
_GOOD = frozenset(("eligible", "admitted", "hold", "nothing_held", "retain", "proceed"))
_BAD = frozenset(
    ("ineligible", "not_eligible", "declined_by_person", "declined_by_prosecutor", "stop")
)
_REASON = "determination.reason"
# The cases of which the questions to ask first are remembered.
_REMEMBERED = 200
# Why nobody may be asked, apart from a missing consent, and what helps.
_CANNOT = {
    NEVER: "No questions are sent for this decision. Wait until they tell it.",
    NOBODY: "No agency of this program has that role.",
    UNASKED: "This is never asked through the exchange. Call them.",
    RULES: "The rules don’t let your office ask. Call them, or decide on what you know.",
}
# The reason of a decision that follows the rules. No other reason fits one that doesn't.
BY_RULES = "rules"


@frozen
class RulesAnswer:
    """The rules' answer in words.

    `kind` is `go`, `stop`, `wait`, or `yours` where the rules leave it to the person. `outcome` is
    None while they can't tell. `because` are sentences with their sources. `closed` are sentences
    on the unopened corrections without which they can't tell.
    """

    kind: str
    title: str
    outcome: str | None
    because: tuple[tuple[str, str | None], ...] = ()
    doubts: tuple[str, ...] = ()
    closed: tuple[str, ...] = ()


@frozen
class MissingFact:
    """A fact that the rules lack: its path, its question, and the role that knows it.

    `agencies_asked` are the names of those that were asked, `not_knowing` of those that answered
    that it isn't known there, and `askable` of those that may be asked now and weren't yet.
    `unclear_at` are the names of those that were asked and gave an answer that the rules can't use.
    `closed` is true if something unopened here may state it. `is_own` is
    true for what this office knows itself, and `is_places` for the number of free places.
    `purpose` is the reason of the first rule that needs it. `is_later` is true if it matters only
    after some answers to the others. `cannot` says why nobody may be asked now and what would help,
    None for a fact that may be asked or was.
    """

    path: str
    question: str
    role: str
    agencies_asked: tuple[str, ...]
    not_knowing: tuple[str, ...]
    askable: tuple[str, ...]
    closed: bool
    is_own: bool
    is_places: bool
    unclear_at: tuple[str, ...] = ()
    purpose: str | None = None
    is_later: bool = False
    cannot: str | None = None


@frozen
class ChangedFact:
    """A fact that changed after a decision: its question, the value now, the earlier one, and `by`.

    `now` is empty for an entry of a list that was taken back, and `before` for one that was added.
    Both are empty where no value is shown, and `label` says it all.
    """

    label: str
    now: str
    before: str
    by: str


@frozen
class ListedDecision:
    """A decision in a list: the case, why it waits, the rules' answer, and the last day.

    `why` is a sentence. `referred` is the time of the referral, and `charges` its charges in words,
    by which an office without the person's name tells cases apart. `changed` is what changed after
    the decision that is to be made anew, or what was corrected before the first one.
    """

    case: str
    person: str | None
    decision: str
    question: str
    why: str
    answer: RulesAnswer
    missing: tuple[MissingFact, ...]
    last_day: str | None
    is_overdue: bool
    referred: str | None
    charges: str | None
    changed: tuple[ChangedFact, ...] = ()


@frozen
class OpenDecisionList:
    """How many decisions wait, and those of a page."""

    count: int
    listed: tuple[ListedDecision, ...]


@frozen
class KnownFact:
    """A fact that the rules read: its question, its value in words, and the agency that states it.

    `by` is None for what this agency states itself.
    """

    label: str
    value: str
    by: str | None


@frozen
class DecisionRestedOn:
    """A named person's decision on which another one rests, in words, and who made it.

    `by` is None where the person isn't known here, and `on` a day in words, None where it isn't
    known. `doubt` says that it may be out of date or decided again, empty for neither.
    """

    decision: str
    question: str
    outcome: str
    by: str | None
    agency: str
    is_own: bool
    on: str | None
    differs: bool
    doubt: str


@frozen
class OutcomeChoice:
    """An outcome that a person may choose, and its relation to the rules' answer.

    `relation` is `same`, `permitted`, `other`, or `undecided`.
    """

    word: str
    label: str
    relation: str


@frozen
class StandingDecision:
    """A named person's decision in force, and how it was confirmed, if that is known here.

    `own` is this office's newest decision beside it, in words. `has_last_word` is true if a new
    decision of this office doesn't replace the one in force.
    """

    outcome: str
    by: str
    agency: str
    reason: str
    is_own: bool
    differs: bool
    confirmed: str | None
    own: str | None = None
    has_last_word: bool = False


@frozen
class GivenWord:
    """The word of the records check that counts: its label, the agency, its day, and the person.

    `by` is None where the person isn't known here. `on` is a day in words, None if it isn't known.
    """

    outcome: str
    agency: str
    is_own: bool
    by: str | None
    on: str | None


@frozen
class CaseIdentity:
    """What this agency was told that matches a case to the papers of its own office.

    `report_numbers` are this agency's own. `met` is the day of the encounter in words, and
    `referred` the time of the referral. `by` are the names of the agencies that referred the
    person.
    """

    name: str | None
    birth_date: str | None
    report_numbers: tuple[str, ...]
    met: str | None
    charges: str | None
    referred: str | None
    by: tuple[str, ...]

    @property
    def has_person(self) -> bool:
        """True if this agency was told something that only one person or one report has."""
        return bool(self.name or self.report_numbers)


@frozen
class DecisionToMake:
    """All that a person sees before deciding.

    `identity` is what matches the case to the office's own papers.
    `is_fixed` is true where the rules allow a single outcome and the office may decide otherwise
    only outside of them. `closed` counts the parts that nobody opened. `digest` changes with the
    answer of the rules, and with each decision of a person. `may_be_told` are the names of the
    agencies that may be told now what nobody was told yet: the decision of this office in force, or
    the rules' answer. It is None where nothing waits to be told. `changed` is what changed of the
    facts since this office, or the one with the decision in force, decided. `in_doubt` are
    sentences on the decisions that this one rests on and that may be made anew, also this office's
    own: the person confirms to decide all the same, or waits. `rests_on` are the decisions that
    this one reads. `earlier_word` is the word that was given already, of the records check.
    `asks_itself` is the name in which the gateway asks for what is missing without a person, None
    where it doesn't.
    """

    case: str
    person: str | None
    identity: CaseIdentity
    decision: str
    question: str
    answer: RulesAnswer
    facts: tuple[KnownFact, ...]
    choices: tuple[OutcomeChoice, ...]
    reasons: tuple[tuple[str, str], ...]
    missing: tuple[MissingFact, ...]
    standing: StandingDecision | None
    is_fixed: bool
    closed: int
    digest: str
    may_be_told: tuple[str, ...] | None = None
    changed: tuple[ChangedFact, ...] = ()
    in_doubt: tuple[str, ...] = ()
    earlier_word: GivenWord | None = None
    rests_on: tuple[DecisionRestedOn, ...] = ()
    asks_itself: str | None = None

    def relation(self, outcome: str) -> str:
        """Return how an outcome relates to the rules' answer."""
        return next(
            (choice.relation for choice in self.choices if choice.word == outcome), UNDECIDED
        )

    def label(self, outcome: str) -> str:
        """Return the label of an outcome."""
        return _label(self.decision, outcome)


@frozen
class HeldCharge:
    """A case with a charge on hold, or with a charge of which nobody said that.

    `is_held` is None where it isn't known here. `rests_until` is when the person's time for the
    first interview ends, None where no clock runs or it is over. `may_file` is true where the
    rules let the prosecutor file.
    """

    case: str
    person: str | None
    charges: str | None
    referred: str | None
    is_held: bool | None
    rests_until: str | None
    may_file: bool


@frozen
class WaitingPerson:
    """A person who was promised a place, or who `waits` for one."""

    case: str
    person: str | None
    referred: str | None
    waits: bool


@frozen
class PlaceList:
    """The places of the program: how many are free by the newest note, and who is in line.

    `free` is None where nobody has said it, and `noted_at` is the time of the note in seconds since
    1970. No admission since is subtracted. `promised` are eligible and not in yet, `waiting` wait
    for a place, both in the order of their referrals.
    """

    free: int | None
    promised: tuple[WaitingPerson, ...]
    waiting: tuple[WaitingPerson, ...]
    noted_at: int | None = None


@needs(CASES)
def name_agencies(office: Office) -> Mapping[str, str]:
    """Return the agencies' names by id."""
    return agency_names(office.working_set())


# Lists


@needs(CASES, look="list")
def list_open_decisions(
    office: Office, *, first: int = 0, most: int | None = None, with_missing: bool = True
) -> OpenDecisionList:
    """List the decisions that wait for the person who asks, by the last day.

    `first` is the place of the first to return, and `most` how many, None for all. What the rules
    lack is worked out only `with_missing`: it takes as long as all else.
    """
    working_set = office.working_set()
    program, sees = office.program(working_set), visible(office, working_set)
    entries = [
        entry for entry in open_decisions(working_set, program, office.clock()) if sees(entry.case)
    ]
    on_page = entries[first : None if most is None else first + most]
    listed = tuple(_listed(office, working_set, program, entry, with_missing) for entry in on_page)
    office.keep_memory(working_set)
    return OpenDecisionList(len(entries), listed)


@needs(CASES, look="list")
def list_held_charges(office: Office) -> tuple[HeldCharge, ...]:
    """List the charges on hold by the day until which they rest, those not known first."""
    working_set = office.working_set()
    program, now, sees = office.program(working_set), office.clock(), visible(office, working_set)
    charges = working_set.memory.recall_list(
        ("held charges", program.digest),
        working_set.gateway.hub_time(now),
        lambda handle: _held_charge(working_set, program, handle, now),
        lambda charge: (charge.is_held is not None, charge.rests_until or "9999", charge.case),
    )
    return tuple(charge for charge in charges if sees(charge.case))


def _held_charge(
    working_set: WorkingSet, program: Program, handle: str, now: int
) -> tuple[tuple[HeldCharge, ...], int | None]:
    """Return the held charge of a case, and when time alone may change that."""
    case = case_of(working_set, handle)
    is_held, charges = case.known.get(_HELD), case.known.get(_CHARGES)
    _, until = answers_of_case(working_set, program, case, handle, now)
    answer = answer_on_known_facts(working_set, program, case, handle, _FILING, now)
    # This office may know of no charge, and is asked about one all the same.
    is_asked = answer is not None and any(need["fact"] == _HELD for need in answer.needed)
    has_charges = charges is not None and bool(charges.value)
    has_none = is_held.value is False if is_held else not (has_charges or is_asked)
    if case.is_ended or has_none or has_no_charge(case):
        return (), until
    may_file = answer is not None and answer.outcome == "prosecutor_may_file"
    charge = HeldCharge(
        handle,
        person_name(working_set, handle),
        *_about(working_set, case),
        is_held.value if is_held is not None else None,
        None if may_file else last_day_of(working_set, program, case, now),
        may_file,
    )
    return (charge,), until


@needs(CASES, look="list")
def list_places(office: Office) -> PlaceList:
    """Return how many places are free, who was promised one, and who waits by turn."""
    working_set = office.working_set()
    program, now, sees = office.program(working_set), office.clock(), visible(office, working_set)
    people = [
        person
        for person in working_set.memory.recall_list(
            ("places", program.digest),
            working_set.gateway.hub_time(now),
            lambda handle: _waiting_person(working_set, program, handle, now),
            lambda person: (person.referred or "9999", person.case),
        )
        if sees(person.case)
    ]
    cases = handles(working_set)
    # The number concerns no person, so every case knows the newest one.
    free = case_of(working_set, cases[-1]).known.get(_PLACES) if cases else None
    return PlaceList(
        int(free.value) if free is not None else None,
        tuple(person for person in people if not person.waits),
        tuple(person for person in people if person.waits),
        None if free is None else _noted_at(working_set, free.value),
    )


def _noted_at(working_set: WorkingSet, free: Any) -> int | None:
    """Return when the number of free places was noted here, None if the note is gone."""
    notes = [event for event in working_set.noted if _PLACES in event.body.get("facts", {})]
    is_newest = bool(notes) and notes[-1].body["facts"][_PLACES] == free
    return notes[-1].time if is_newest else None


def _waiting_person(
    working_set: WorkingSet, program: Program, handle: str, now: int
) -> tuple[tuple[WaitingPerson, ...], int | None]:
    """Return the person of a case who is promised a place, and when time alone may change that."""
    case = case_of(working_set, handle)
    decided = {name: entry.determined for name, entry in case.determined.items()}
    eligibility, admission = decided.get(_ELIGIBILITY), decided.get(_ADMISSION)
    is_in = case.known.get("person.enrolled")
    answers, until = answers_of_case(working_set, program, case, handle, now)
    is_eligible = eligibility is not None and eligibility["outcome"] == "eligible"
    if case.is_ended or not is_eligible or (is_in is not None and is_in.value):
        return (), until
    by_rules = [answer.outcome for answer in answers if answer.decision == _ADMISSION]
    outcome = admission["outcome"] if admission else next(iter(by_rules), None)
    if outcome not in (None, "awaiting", "admitted", "eligible_waiting"):
        return (), until
    referred = _about(working_set, case)[1]
    waits = outcome == "eligible_waiting"
    return (WaitingPerson(handle, person_name(working_set, handle), referred, waits),), until


@needs(CASES, look="act")
def note_places(office: Office, number: int) -> None:
    """Note how many places are free. The note concerns no person, and counts in every case.

    Raises `AgencyError` `nobody-waits` before the first referral.
    """
    cases = handles(office.working_set())
    if not cases:
        raise AgencyError(
            "nobody-waits",
            "nobody was referred to this program yet",
            fix="note the free places when somebody was",
        )
    note_facts(office, cases[-1], {"program": {"places_free": number}})


def _listed(
    office: Office,
    working_set: WorkingSet,
    program: Program,
    entry: OpenDecision,
    with_missing: bool,
) -> ListedDecision:
    case = case_of(working_set, entry.case)
    answer = answer_on_known_facts(
        working_set, program, case, entry.case, entry.decision, office.clock()
    )
    charges, referred = _about(working_set, case)
    return ListedDecision(
        entry.case,
        person_name(working_set, entry.case),
        entry.decision,
        _asks(program, entry.decision),
        _why(working_set, entry),
        _in_words(working_set, entry.decision, answer),
        _missing(office, working_set, entry.case, answer) if with_missing else (),
        entry.last_day,
        entry.is_overdue,
        referred,
        charges,
        changed_for_list(office, working_set, entry.case, case, entry.decision),
    )


def _why(working_set: WorkingSet, entry: OpenDecision) -> str:
    if entry.why == "asked":
        if entry.by is None:
            return "The rules ask for your approval"
        return f"{agency_names(working_set).get(entry.by, entry.by)} asks for your approval"
    return {
        "records": "One word is asked of you",
        "may_file": "No interview is on record in time",
        "new_charge": "There is a new charge",
        "entry": "The person said yes, and waits",
        "changed": "Something changed after the decision",
        "tell": "It was kept here, and may be told now",
        "step": "Your office hasn’t said it yet",
    }[entry.why]


def _about(working_set: WorkingSet, case: Case) -> tuple[str | None, str | None]:
    """Return the charges in words, and the time of the referral."""
    charges, referred = case.known.get(_CHARGES), case.known.get(REFERRED)
    terms = terms_of(working_set)
    text = "; ".join(
        ", ".join(
            terms.label(f"{_CHARGES}.{field}", str(entry[field]), "en")
            for field in _NAMING
            if entry.get(field)
        )
        or str(entry.get("code") or "a charge that isn’t known")
        for entry in (charges.value if charges is not None else ())
    )
    return text or None, str(referred.value) if referred is not None else None


# One decision


@needs(CASE, look="case")
def open_decision(office: Office, case: str, decision: str) -> DecisionToMake:
    """Return what a person sees before deciding. Nothing is opened or kept.

    Raises `AgencyError` `no-such-decision` for what isn't for this agency, `no-such-case`.
    """
    working_set = office.working_set()
    program, now = office.program(working_set), office.clock()
    outcomes = choices_of(working_set, program.pack, decision)
    if decision not in decisions_to_make(working_set, program.pack) or not outcomes:
        raise AgencyError(
            "no-such-decision", "nobody here decides that", fix="look at the list of what waits"
        )
    view, own_case = read_case(office, case), case_of(working_set, case)
    flagged = view.outdated, view.may_be_reviewed
    # The records check is of records that are in no record of the exchange.
    answer = view.answers.get(decision) or answer_on_known_facts(
        working_set, program, own_case, case, decision, now
    )
    by_rules = answer.outcome if answer is not None else None
    ruled = _in_words(working_set, decision, answer)
    standing = _standing(office, view, decision)
    return DecisionToMake(
        case,
        view.person,
        _identity(working_set, case, own_case),
        decision,
        _asks(program, decision),
        ruled,
        tuple(_facts(working_set, view, answer)),
        tuple(
            OutcomeChoice(
                word,
                _label(decision, word),
                UNDECIDED if decision == SCREENING else relation_of(decision, by_rules, word),
            )
            for word in outcomes
        ),
        tuple(
            (word, form_terms().label(_REASON, word, "en"))
            for word in form_terms().labels[_REASON]
            # Nobody follows rules that can't tell.
            if word != BY_RULES or ruled.outcome is not None or decision == SCREENING
        ),
        _missing(office, working_set, case, answer, is_open=True),
        standing,
        decision == _EJECTION and by_rules == "retain",
        count_closed(office, case),
        _digest(case, decision, answer, own_case),
        _may_be_told(working_set, program, own_case, case, decision, now),
        tuple(changed_facts_of(office, working_set, case, own_case, decision, view.facts)),
        doubts_of(working_set, program, own_case, case, decision, flagged, now),
        _given_word(office, working_set, own_case, case) if decision == SCREENING else None,
        tuple(_rests_on(working_set, program, view, own_case, decision, now)),
        asks_by_itself(office, working_set, case, own_case, decision),
    )


def _given_word(
    office: Office, working_set: WorkingSet, case: Case, handle: str
) -> GivenWord | None:
    """Return the word of the records check that counts, None before one is given."""
    stated = case.attested.get(SCREENING)
    if stated is None:
        return None
    entry = stated.entry
    is_own = entry.by == working_set.agency
    by = confirmed_by(office, handle, SCREENING) if is_own else None
    name = agency_names(working_set).get(entry.by, entry.by)
    label = _label(SCREENING, str(stated.value))
    return GivenWord(label, name, is_own, by, _day_of(working_set, entry))


def _day_of(working_set: WorkingSet, entry: CaseEntry) -> str | None:
    """Return the day of an entry's record in words, None if it isn't known here."""
    sent = working_set.outbox.get(entry.record or "")
    received = working_set.gateway.received.get((entry.by, entry.record or ""))
    time = None
    if sent is not None:
        time = sent.receipt.time if sent.receipt else sent.time
    elif received is not None and received.committed is not None:
        time = received.committed.time
    zone = working_set.gateway.history.newest.zone
    return spoken_day(day_of_moment(time, zone), "en") if time is not None else None


def changed_facts_of(
    office: Office,
    working_set: WorkingSet,
    handle: str,
    case: Case,
    decision: str,
    facts: Mapping[str, FactSource],
) -> Iterator[ChangedFact]:
    """Yield what changed after a decision of what it read, as far as it is among `facts`.

    It is this office's newest decision, or else the one in force. Without any, it is what was
    corrected of what the decision reads.
    """
    program, now = office.program(working_set), office.clock()
    names, terms = agency_names(working_set), terms_of(working_set)
    wording = ValueWords(terms, working_set.gateway.history.newest.zone)
    labels: set[str] = set()
    for change in _changes_of(working_set, program, handle, case, decision, now):
        by = names.get(change.by, change.by)
        if change.how in (UNOPENED, RECALLED):
            what = "sent a correction that isn’t opened" if change.how == UNOPENED else "took back"
            about = dict.fromkeys(SHORT_CATEGORIES[name][0] for name in change.categories)
            label = f"{by} {what}{' ' if about else ''}{', '.join(about)}"
            if label not in labels:
                labels.add(label)
                yield ChangedFact(label, "", "", by)
            continue
        path = str(change.path)
        fact = facts.get(path)
        # The first change has the value on which the person decided.
        if fact is None or path in labels or path.startswith("decisions."):
            continue
        labels.add(path)
        for value in values_changed(wording, path, change.before, fact.value):
            yield ChangedFact(value.label, value.now, value.before, by)


def changed_for_list(
    office: Office, working_set: WorkingSet, handle: str, case: Case, decision: str
) -> tuple[ChangedFact, ...]:
    """Return what changed of a decision's facts, for a list of several cases: nothing of care."""
    if not (case.changes or case.restated):
        return ()
    facts = facts_outside_care(working_set, handle, case)
    return tuple(changed_facts_of(office, working_set, handle, case, decision, facts))


def _changes_of(
    working_set: WorkingSet, program: Program, handle: str, case: Case, decision: str, now: int
) -> Iterable[FactChange]:
    if not (case.changes or case.restated):
        return ()
    made = case.determined.get(decision)
    beside = case.determined_beside.get(decision, ())
    made = next((entry for entry in beside if entry.by == case.here), made)
    # An outcome without a name, such as the word of the records check, has changes after it, too.
    made = made if made is not None else case.decided_by_people.get(decision)
    if made is not None:
        return changes_after(working_set, program, handle, case, decision, made, now)
    paths = FactsRead(working_set, program, handle, case, now).of(decision) or frozenset()
    return (change for change in case.changes if change.how == CORRECTED and change.path in paths)


def _rests_on(
    working_set: WorkingSet,
    program: Program,
    view: CaseView,
    case: Case,
    decision: str,
    now: int,
) -> Iterator[DecisionRestedOn]:
    """Yield the decisions of people that a decision reads, by their names."""
    paths = FactsRead(working_set, program, view.case, case, now).of(decision) or frozenset()
    names = agency_names(working_set)
    outdated = {
        (flagged.agency, flagged.decision) for flagged in view.outdated if flagged.what != ANSWER
    }
    reviewed = {(flagged.agency, flagged.decision) for flagged in view.may_be_reviewed}
    for name, entry in sorted(case.decided_by_people.items()):
        if name == decision or f"decisions.{name}" not in paths:
            continue
        made, key = entry.determined or {}, (entry.by, name)
        yield DecisionRestedOn(
            name,
            _asks(program, name),
            _label(name, str(entry.outcomes.get(name))),
            str(made["by"]) if "by" in made else None,
            names.get(entry.by, entry.by),
            entry.by == view.agency,
            _day_of(working_set, entry) or _day_kept(working_set, view.case, entry),
            bool(made.get("differs")),
            "may be out of date"
            if key in outdated
            else "may be decided again"
            if key in reviewed
            else "",
        )


def _day_kept(working_set: WorkingSet, handle: str, entry: CaseEntry) -> str | None:
    """Return the day of a decision that was kept here, in words."""
    zone = working_set.gateway.history.newest.zone
    days = [
        day_of_moment(note.time, zone)
        for note in working_set.cases.records(handle).notes
        if entry.by == working_set.agency
        and entry.determined is not None
        and note.body.get("determination") == entry.determined
    ]
    return spoken_day(days[-1], "en") if days else None


def _may_be_told(
    working_set: WorkingSet, program: Program, case: Case, handle: str, decision: str, now: int
) -> tuple[str, ...] | None:
    tellable = tellable_decisions(working_set, program, case, handle, now)
    names = agency_names(working_set)
    if decision not in tellable:
        return None
    return tuple(names.get(agency, agency) for agency in tellable[decision])


@frozen
class TellingWords:
    """A decision to tell, in words: the person, the question, the outcome, and the reason.

    `in_force` is the outcome of another agency's decision beside the rules' answer, None without.
    `facts` are those on which the rules' answer rests, without what parts of care state.
    """

    person: str | None
    question: str
    outcome: str
    reason: str | None
    in_force: str | None = None
    facts: tuple[KnownFact, ...] = ()


@needs(CASE)
def describe_telling(office: Office, case: str, preview: TellingPreview) -> TellingWords:
    """Return in words what `tell_decision` would tell, and on which facts it rests."""
    working_set, now = office.working_set(), office.clock()
    program, own_case = office.program(working_set), case_of(working_set, case)
    decision = preview.decision
    answer = answer_on_known_facts(working_set, program, own_case, case, decision, now)
    facts = facts_outside_care(working_set, case, own_case)
    outcomes = preview.outcome if isinstance(preview.outcome, list) else [preview.outcome]
    label = _label if preview.by is not None else _answer_label
    return TellingWords(
        person_name(working_set, case),
        _asks(program, decision),
        "; ".join(label(decision, str(outcome)) for outcome in outcomes if outcome is not None)
        or "Not known yet",
        form_terms().label(_REASON, preview.reason, "en") if preview.reason is not None else None,
        _label(decision, preview.in_force.outcome) if preview.in_force is not None else None,
        tuple(_read_facts(working_set, facts, answer)),
    )


def _identity(working_set: WorkingSet, handle: str, case: Case) -> CaseIdentity:
    person, names = person_of(working_set, handle), agency_names(working_set)
    charges, referred = _about(working_set, case)
    met = case.known.get(_MET)
    zone, terms = working_set.gateway.history.newest.zone, terms_of(working_set)
    by = dict.fromkeys(
        record.issuer for record in working_set.gateway.state(handle).kind("referral")
    )
    return CaseIdentity(
        person.name,
        person.newest.birth_date,
        person.report_numbers,
        _value(_MET, met.value, zone, terms) if met is not None else None,
        charges,
        referred,
        tuple(names.get(agency, agency) for agency in by),
    )


def _standing(office: Office, view: CaseView, decision: str) -> StandingDecision | None:
    made = view.determinations.get(decision)
    if made is None or "by" not in made:
        return None
    is_own = made["agency"] == view.agency
    confirmed = [
        kept
        for kept in (list_confirmations(office, view.case) if is_own else ())
        if kept.confirmation.by == made["by"] and kept.decision == decision
    ]
    working_set = office.working_set()
    names, directory = agency_names(working_set), working_set.gateway.history.newest
    terms = terms_of(working_set).vocabulary
    theirs, ours = (
        rank_of(decision, directory.role(agency), terms)
        for agency in (str(made["agency"]), view.agency)
    )
    own = [
        f"{_label(decision, str(beside['outcome']))}, by {beside['by']}"
        for beside in view.also_determined.get(decision, ())
        if beside["agency"] == view.agency
    ]
    return StandingDecision(
        _label(decision, str(made["outcome"])),
        str(made["by"]),
        names.get(str(made["agency"]), str(made["agency"])),
        form_terms().label(_REASON, str(made["reason"]), "en"),
        is_own,
        bool(made.get("differs")),
        confirmed[-1].words if confirmed else None,
        own[0] if own else None,
        theirs < ours,
    )


def _facts(working_set: WorkingSet, view: CaseView, answer: Answer | None) -> Iterator[KnownFact]:
    """Yield the known facts that the answer read, and on which it rests.

    INVARIANT: each is as the answer read it. A fact that a decision on the question states isn't
    shown beside an answer that leaves it out.
    """
    terms, zone = terms_of(working_set), working_set.gateway.history.newest.zone
    names = agency_names(working_set)
    # A fact in neither is withheld from the person who asks.
    yield from _read_facts(working_set, {**view.facts, **view.conflicts}, answer)
    for path, statements in (answer.conflicts if answer is not None else {}).items():
        if path not in view.conflicts:
            continue
        for fact in statements:
            by = names.get(fact.entry.by, fact.entry.by)
            yield KnownFact(fact_label(path, terms), _value(path, fact.value, zone, terms), by)


def _read_facts(
    working_set: WorkingSet, readable: Container[str], answer: Answer | None
) -> Iterator[KnownFact]:
    """Yield the facts that the answer read, as it read them, of those `readable` by the person."""
    terms, zone = terms_of(working_set), working_set.gateway.history.newest.zone
    here, names = working_set.agency, agency_names(working_set)
    for path, fact in (answer.sources if answer is not None else {}).items():
        if path in readable:
            by = None if fact.entry.by == here else names.get(fact.entry.by, fact.entry.by)
            yield KnownFact(fact_label(path, terms), _value(path, fact.value, zone, terms), by)


def _value(path: str, value: Any, zone: ZoneInfo, terms: PackTerms) -> str:
    day = iso_day(value) if isinstance(value, str) else None
    text = spoken_day(day, "en") if day is not None else fact_text(path, value, "en", zone, terms)
    text = text.replace(f" ({zone.key})", "")  # each page has the program's time
    return text[:1].upper() + text[1:]


def _missing(
    office: Office,
    working_set: WorkingSet,
    handle: str,
    answer: Answer | None,
    *,
    is_open: bool = False,
) -> tuple[MissingFact, ...]:
    """Return what an answer lacks. With `is_open`, what may wait for other answers is marked.

    Facts of an unopened correction aren't among it: they aren't lacking, and are opened.
    """
    if answer is None or not answer.needed or answer.decision == SCREENING:
        return ()
    if answer.is_settled:
        return ()
    terms, names = terms_of(working_set), agency_names(working_set)
    were_asked = _agencies_by_path(questions_asked(working_set, handle))
    askable = _agencies_by_path(_askable(office, working_set, handle, answer))
    closed = {
        path
        for part in unopened_answers(working_set, handle, answer.case, answer, office.clock())
        for path in part.paths
    }
    missing: dict[str, MissingFact] = {}
    role = working_set.gateway.history.newest.role(working_set.agency)
    usual = _usual_questions(office, working_set, handle, answer) if is_open else ()
    purposes = _purposes(answer) if is_open else {}
    order = {path: place for place, path in enumerate(usual)}
    for need in sorted(
        answer.needed, key=lambda need: order.get(plain_path(str(need["fact"])), len(order))
    ):
        path = plain_path(str(need["fact"]))
        if answer.is_closed(path):
            continue
        # One that contradicts the charge's section names both itself, and matters at once.
        is_dispute = need.get("given") is not None
        missing[path] = MissingFact(
            path,
            str(need.get("question") or terms.question(path, "en")),
            form_terms().label("role", str(need["ask"]), "en"),
            tuple(names.get(agency, agency) for agency in sorted(were_asked.get(path, ()))),
            tuple(names.get(agency, agency) for agency in agencies_not_knowing(answer.case, path)),
            tuple(names.get(agency, agency) for agency in sorted(askable.get(path, ()))),
            path in closed,
            str(need["ask"]) == role,
            path == _PLACES,
            tuple(
                names.get(agency, agency)
                for agency in sorted(were_asked.get(path, ()))
                if has_answered(working_set, handle, agency, path)
            ),
            None if is_dispute else purposes.get(str(need.get("rule"))),
            is_open and path not in order and not is_dispute,
            _cannot(working_set, handle, answer, path, office.clock())
            if not (askable.get(path) or were_asked.get(path) or str(need["ask"]) == role)
            else None,
        )
    if all(fact.is_later for fact in missing.values()):  # there are no others to wait for
        return tuple(replace(fact, is_later=False) for fact in missing.values())
    return tuple(missing.values())


def _cannot(
    working_set: WorkingSet, handle: str, answer: Answer, path: str, now: int
) -> str | None:
    """Return why nobody may be asked for a fact now, and what would help."""
    why_not = why_not_asked(working_set, handle, answer, path, now)
    if why_not != CONSENT:
        return _CANNOT.get(why_not or "")
    directory, names = working_set.gateway.history.newest, agency_names(working_set)
    managers = [names.get(agency, agency) for agency in directory.with_role("case_management")]
    who = "You" if directory.role(working_set.agency) == "case_management" else series(managers)
    helps = f" {who} can ask the person for it." if who else ""
    return f"The person’s consent doesn’t cover the question.{helps}"


def _usual_questions(
    office: Office, working_set: WorkingSet, handle: str, answer: Answer
) -> tuple[str, ...]:
    """Return the facts that decide if nothing unusual comes out, the most telling first."""
    ruling, program, now = answer.ruling, office.program(working_set), office.clock()
    if ruling.segment is None:
        return tuple(plain_path(str(need["fact"])) for need in answer.needed)

    def work_out() -> tuple[tuple[str, ...], int | None]:
        """Return the facts, and when time alone may change them."""
        _, until = answers_of_case(working_set, program, answer.case, handle, now)
        interview = Interview(program, answer.decision, ruling.case.facts)
        usual = interview.usual_questions()
        return tuple(dict.fromkeys(plain_path(each.fact) for each in usual)), until

    name = f"usual questions {program.digest} {answer.decision}"
    hub_time = working_set.gateway.hub_time(now)
    return working_set.memory.recall(Subject(name, most=_REMEMBERED), handle, hub_time, work_out)


def _purposes(answer: Answer) -> Mapping[str, str]:
    """Return the reason of each rule by its id, first those of the answer's own decision."""
    ruling = answer.ruling
    if ruling.segment is None:
        return {}
    segment = ruling.rules_segment
    return {
        rule.rule.id: fill_in(segment, rule.rule.because)
        for in_force in (*segment.decisions.values(), ruling.rules_in_force)
        for rule in in_force.rules
    }


def _agencies_by_path(pairs: Iterable[tuple[str, str]]) -> Mapping[str, set[str]]:
    by_path: dict[str, set[str]] = {}
    for agency, path in pairs:
        by_path.setdefault(path, set()).add(agency)
    return by_path


def _askable(
    office: Office, working_set: WorkingSet, handle: str, answer: Answer
) -> Iterator[tuple[str, str]]:
    """Yield the agency and the path of each question that may be sent and wasn't yet."""
    defaults, now = defaults_today(office, working_set), office.clock()
    closed = unopened_answers(working_set, handle, answer.case, answer, now)
    try:
        parts: Sequence[Any] = question_parts(
            working_set, handle, answer, defaults, now, again=False, closed=closed
        )
    except Refusal:
        return
    for part in parts:
        for content in part.content.values():
            for agency in part.to:
                yield from ((agency, path) for path in content["asks"])


# Words


def _asks(program: Program, decision: str) -> str:
    return asks_in(program.pack, decision)


def _label(decision: str, word: str) -> str:
    text = form_terms().label(f"decide.{decision}", word, "en")
    return text[:1].upper() + text[1:]


def _answer_label(decision: str, outcome: str) -> str:
    text = form_terms().label(f"decisions.{decision}", outcome, "en")
    return text[:1].upper() + text[1:]


def _in_words(working_set: WorkingSet, decision: str, answer: Answer | None) -> RulesAnswer:
    """Return the rules' answer in words. What isn't known is never shown as a no."""
    if decision == SCREENING:
        return RulesAnswer("yours", "One word is asked", None)
    if answer is None:
        return RulesAnswer("wait", "Not known here", None)
    ruling = answer.ruling
    because = tuple(reasons_with_sources(ruling.reasons))
    if answer.status == "decided" and isinstance(answer.outcome, str):
        label, word = _answer_label(decision, answer.outcome), answer.outcome
        kind = "go" if word in _GOOD else "stop" if word in _BAD else "yours"
        doubts = tuple(ruling.provisional)
        return RulesAnswer(kind, label, word, because, doubts)
    if answer.is_settled:
        return RulesAnswer("yours", "Not known without the decision", None, because)
    closed = closed_corrections(answer, agency_names(working_set))
    role = working_set.gateway.history.newest.role(working_set.agency)
    if any(need["fact"] == APPROVAL and need["ask"] == role for need in answer.needed):
        return RulesAnswer("yours", "Yours to decide", None, because, closed=closed)
    return RulesAnswer("wait", "Not known yet", None, because, closed=closed)


def _digest(handle: str, decision: str, answer: Answer | None, case: Case) -> str:
    """Return a digest of the rules' answer and of people's decisions, to see if they changed."""
    standing = [
        {"decision": name, "by": entry.by, "record": entry.record, "position": str(entry.position)}
        for name, entry in case.determined.items()
        if name == decision
    ]
    ruled = None
    if answer is not None:
        ruled = {
            "status": answer.status,
            "outcome": answer.outcome,
            "possible": list(answer.possible),
            "needed": [str(need["fact"]) for need in answer.needed],
            "rules": [str(reason["rule"]) for reason in answer.reasons],
            "facts": {
                path: [each.entry.record, each.entry.part] for path, each in answer.sources.items()
            },
        }
    attested = case.attested.get(decision)
    stated = str(attested.value) if attested is not None else None
    state = {"case": handle, "ruled": ruled, "standing": standing, "attested": stated}
    return sha256(i_json.write(state)).hexdigest()
