"""A case in plain words, as its page shows it: the person, what is known, and what happened."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from exchange.records.label import Label
from offramp.agency.cases.account_words import SHORT_CATEGORIES
from offramp.agency.cases.after_exit import stopped_by_exit
from offramp.agency.cases.case import ACCEPTED, Answer, Case
from offramp.agency.cases.case_entry import FactSource
from offramp.agency.cases.caseload import case_of, has_answered, questions_asked, recalled_parts
from offramp.agency.cases.charge_word import FILING
from offramp.agency.cases.corrections import CORRECTED, CORRECTION
from offramp.agency.cases.enrollment import ADMISSION
from offramp.agency.cases.fact_kinds import plain_path
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.human_decision import decisions_to_make
from offramp.agency.cases.list_changes import is_list
from offramp.agency.cases.next_steps import EJECTION, SCREENING, may_be_ejected
from offramp.agency.cases.open_decisions import answer_on_known_facts, choices_of
from offramp.agency.cases.outdated import ANSWER
from offramp.agency.cases.pack_terms import PackTerms, noun_of, pack_terms
from offramp.agency.cases.people import person_of, unsettled_name
from offramp.agency.cases.positions import note_position
from offramp.agency.cases.questions import CONSENT, why_not_asked
from offramp.agency.cases.refusals import series
from offramp.agency.cases.stated import preferred_language, stated_at, stated_contents
from offramp.agency.cases.tasks import waiting_parts
from offramp.agency.cases.untold_decisions import tellable_decisions
from offramp.agency.folder.looks import Look, with_outcomes
from offramp.agency.folder.office import Office
from offramp.agency.folder.outgoing import OwnLabel
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASE, needs
from offramp.agency.operations.case_file import RECORDS_CHECK, CaseView, read_case
from offramp.agency.operations.confirmation import confirmed_by
from offramp.agency.operations.outdated_words import (
    asks_in,
    asks_of,
    may_be_made_anew,
    out_of_date,
    sent_closed,
    values_changed,
)
from offramp.agency.operations.person_names import NameForm, open_name
from offramp.agency.operations.recalls import KEEP_REASONS
from offramp.agency.operations.telling import CaseAbout, about_case, agency_names
from offramp.agency.operations.value_words import NOT_KNOWN, ValueWords
from rules.author.spoken_dates import day_of_moment, spoken_day
from rules.decide.program import Program
from rules.decide.wording import reasons_with_sources
from rules.frozen import frozen
from rules.input.language_names import language_name
from rules.packs.pack import Pack
from rules.shelf import vocabulary

# Records that run the exchange. They tell nothing of the person.
QUIET = ("acknowledgement", "recall", "recall_answer")
# Of the newest looks. A page has several, which read as one line, and a refused try has two.
_LOOKS_SHOWN = 40
# The fields by which people name an entry of a list.
_NAMING = ("conduct", "kind")
# The outcome that a person keeps the place, and the decision at the scene.
_RETAIN, _OFFER = "retain", "offer"
# Of a person's decision, by whether a correction of what it read is unopened.
_OUT_OF_DATE = {False: "Out of date", True: "May be out of date"}
# Steps of every program, with the fact that states when each was done.
_STEPS = (
    ("Referral", "case.referred_at"),
    ("First interview", "case.intake_at"),
    ("Plan", "case.plan_at"),
)


@frozen
class KnownFact:
    """A fact in words: its question, its value, and who said it when. `path` is the fact's.

    `before` are the values that its source corrected, and `entries` says which entries were taken
    back or added since. Both are empty without a correction.
    """

    path: str
    label: str
    value: str
    source: str
    before: str = ""
    entries: str = ""


@frozen
class CaseNote:
    """What to see before one relies on the case. `kind` is `wait`, `stop`, or `shut`."""

    kind: str
    text: str


@frozen
class DescribedAnswer:
    """What the rules say on one decision, and what a named person decided.

    `outcome` is None if it isn't known yet. Of several steps it has the certain ones, and
    `possible` those that missing facts leave open. `missing` says what to find out, and from whom.
    `because` are the rules' words. `also_decided` are sentences on other people's decisions, beside
    the one in force. `may_be_told` are the names of the agencies that may be told it now, empty
    where it was told or nobody may be. `differs` is a sentence where the rules said otherwise than
    the person decided. `reason` is the person's. `out_of_date` says that what the person decided
    on was changed since, or may have been, empty otherwise. `ended` says of an admission by which
    decision the place ended since. `as_of` are sentences on a charge at another agency than the
    prosecutor's: the day on which this agency was last told, and that it may have changed since,
    where the prosecutor may not tell this agency now.
    """

    decision: str
    asks: str
    outcome: str | None
    because: tuple[str, ...]
    missing: tuple[str, ...]
    decided: str | None
    also_decided: tuple[str, ...] = ()
    may_be_told: tuple[str, ...] = ()
    possible: str | None = None
    differs: str | None = None
    out_of_date: str = ""
    reason: str = ""
    ended: str = ""
    as_of: tuple[str, ...] = ()


@frozen
class CaseEvent:
    """A record of the case: what it says, who sent it when, and its other recipients.

    `kind` is the record's, and `time` in seconds since 1970. `state` is `sent`, `waiting`,
    `refused`, `closed` for what nobody here opened, `recalled`, or `kept` for a decision that was
    made here and that nobody was told. `stopped` are sentences on what a recipient doesn't get.
    """

    time: int
    kind: str
    line: str
    by: str
    is_own: bool
    to: tuple[str, ...]
    state: str
    stopped: tuple[str, ...] = ()


@frozen
class Step:
    """A step of the program. `on` is the day on which it was done, None if it wasn't yet."""

    label: str
    on: str | None


@frozen
class CaseDescription:
    """A case in plain words.

    `birth_date`, `phone`, and `language` are how to reach the person. `people` are those of this
    agency who work on the case, with what they are in it. `duplicates` are cases of people who may
    be the person, and `joined` the person's other cases. `has_lists` is true if this agency stated
    a list, such as charges. `is_being_corrected` is true while nobody opened a correction that may
    change how to reach the person. `decides` are the decisions that a person of this agency may
    make, also those that don't wait, each with its question. `looks` are the newest looks at
    the case. `closed` counts the parts that nobody here has opened, and `recalls` the records that
    are asked back. `naming` is None unless the person signed with another name than the case has.
    """

    about: CaseAbout
    birth_date: str | None
    phone: str | None
    language: str | None
    steps: tuple[Step, ...]
    facts: tuple[KnownFact, ...]
    notes: tuple[CaseNote, ...]
    answers: tuple[DescribedAnswer, ...]
    events: tuple[CaseEvent, ...]
    people: tuple[tuple[str, str], ...]
    duplicates: tuple[str, ...]
    joined: tuple[str, ...]
    has_lists: bool = False
    is_being_corrected: bool = False
    decides: tuple[tuple[str, str], ...] = ()
    looks: tuple[Look, ...] = ()
    closed: int = 0
    recalls: int = 0
    naming: NameForm | None = None


@needs(CASE, look="case")
def describe_case(office: Office, case: str, *, because: str | None = None) -> CaseDescription:
    """Return a case in plain words. Nothing is opened by looking.

    Raises as `read_case`.
    """
    view = read_case(office, case, because=because)
    working_set = office.working_set()
    program = office.program(working_set)
    terms = pack_terms(program.pack)
    own_case = case_of(working_set, case)
    tellable = tellable_decisions(working_set, program, own_case, case, office.clock())
    outdated = {
        decision.decision: decision for decision in view.outdated if decision.what != ANSWER
    }
    zone = working_set.gateway.history.newest.zone
    checked = own_case.attested.get(SCREENING)
    is_own = checked is not None and checked.entry.by == working_set.agency
    checked_by = confirmed_by(office, case, SCREENING) if is_own else None
    teller = _Teller(working_set, case, own_case, ValueWords(terms, zone), checked_by)
    described, staff = person_of(working_set, case), working_set.staff
    person = described.newest
    assigned = staff.assignment(case)
    people = ()
    if assigned is not None and staff.is_taken(case):
        backup = (("Backup", assigned.backup),) if assigned.backup else ()
        team = tuple(("Team", name) for name in assigned.team)
        people = (("Case owner", assigned.owner), *backup, *team)
    return CaseDescription(
        about_case(working_set, case),
        person.birth_date,
        person.phone,
        teller.language(),
        tuple(teller.steps(view)),
        tuple(teller.facts(view)),
        tuple(teller.notes(view)),
        tuple(
            replace(
                answer,
                may_be_told=tuple(map(teller.name, tellable.get(answer.decision, ()))),
                out_of_date=_OUT_OF_DATE[outdated[answer.decision].waits_for_opening]
                if answer.decision in outdated
                else "",
                ended=teller.ended(answer.decision),
                as_of=tuple(teller.as_of(answer, view)),
            )
            for answer in teller.answers(view, program, office.clock())
        ),
        tuple(teller.events()),
        people,
        tuple(duplicate.cases[-1].case for duplicate in view.duplicates),
        tuple(joined for joined in working_set.cases.same_person(case) if joined != case),
        any(
            is_list(value) and value
            for entry in teller.seen.entries
            if entry.by == working_set.agency
            for value in entry.facts.values()
        ),
        described.is_being_corrected,
        tuple(teller.decisions(program.pack)),
        with_outcomes(office.looks.read(case, newest=_LOOKS_SHOWN)),
        sum(1 for _ in waiting_parts(working_set, case, office.clock())),
        len({recall.record for recall in working_set.gateway.pending_recalls(case)}),
        open_name(office, case) if unsettled_name(working_set, case) is not None else None,
    )


def _line(kind: str, labels: Iterable[Label | OwnLabel]) -> str:
    """Return what a record says by its kind, and of a correction also the kinds of information."""
    line = vocabulary().kinds[kind].line
    if kind != CORRECTION:
        return line
    categories = dict.fromkeys(name for label in labels for name in label.category)
    return f"{line}: {', '.join(SHORT_CATEGORIES[name][0] for name in categories)}"


def _kinds_of(categories: Iterable[str]) -> str:
    """Return kinds of information in words, with a capital."""
    kinds = ", ".join(SHORT_CATEGORIES[name][0] for name in categories)
    return f"{kinds[:1].upper()}{kinds[1:]}"


def _differs(decision: str, made: Mapping[str, Any]) -> str | None:
    """Return what to say where the rules answered otherwise than a person decided."""
    if not made.get("differs"):
        return None
    text = "The rules said otherwise."
    return f"{text} This decision is outside the rules." if decision == EJECTION else text


def _reason(made: Mapping[str, Any]) -> str:
    """Return the reason of a person's decision, as the person chose it."""
    return form_terms().label("determination.reason", str(made["reason"]), "en")


def _made(made: Mapping[str, Any]) -> str:
    """Return a person's decision as an event: the choice, the person, and the reason."""
    outcome = form_terms().decided_label(str(made["decision"]), made["outcome"], "en")
    return f"{made['by']} decided: {outcome}. Reason: {_reason(made)}"


def _as_list(outcome: Any) -> list[str]:
    """Return the outcomes of an answer, which has one, several, or none yet."""
    return (
        list(outcome) if isinstance(outcome, (list, tuple)) else [str(outcome)] if outcome else []
    )


class _Teller:
    """Puts one case into words."""

    def __init__(
        self,
        working_set: WorkingSet,
        case: str,
        own_case: Case,
        wording: ValueWords,
        checked_by: str | None,
    ) -> None:
        # The person of this office who checked the records, where that was confirmed.
        self.checked_by = checked_by
        self.working_set, self.case, self.wording = working_set, case, wording
        self.terms: PackTerms = wording.terms
        self.names = agency_names(working_set)
        self.asked = sorted(questions_asked(working_set, case))
        self.seen = seen = own_case
        self.stated = stated_contents(working_set, case, seen)
        self.corrected = {
            (change.by, str(change.path)): change.before
            for change in sorted(seen.changes, key=lambda change: change.changed_at)
            if change.how == CORRECTED and change.before is not None
        }
        self.times = stated_at(working_set, case, seen)
        self.noted_at = {
            note_position(working_set, note): note.time
            for note in working_set.cases.records(case).notes
        }

    def name(self, agency: str) -> str:
        return self.names.get(agency, agency)

    def language(self) -> str | None:
        """Return the language that the person prefers, by the newest contact details."""
        shown = stated_contents(self.working_set, self.case, self.seen, with_unopened=True)
        code = preferred_language(shown)
        return language_name(code) if code else None

    def steps(self, view: CaseView) -> Iterator[Step]:
        for label, path in _STEPS:
            source = view.facts.get(path)
            on = self.wording.text(path, source.value) if source is not None else None
            # The day is enough.
            yield Step(label, ", ".join(on.split(", ")[:2]) if on else None)

    def facts(self, view: CaseView) -> Iterator[KnownFact]:
        for path, source in {**view.members, **view.facts}.items():
            label, value = self.terms.question(path, "en"), self.wording.text(path, source.value)
            before = self.corrected.get((source.entry.by, path))
            changed = (
                ()
                if before is None
                else tuple(values_changed(self.wording, path, before, source.value))
            )
            entries = "; ".join(change.entry for change in changed if not change.replaces)
            old = "; ".join(dict.fromkeys(change.before for change in changed if change.replaces))
            yield KnownFact(path, label, value, self._source(path, source), old, entries)
        for path in view.conflicts:
            yield KnownFact(path, self.terms.question(path, "en"), NOT_KNOWN, "agencies differ")
        for path, agency in view.unopened.items():
            label = self.terms.question(path, "en")
            yield KnownFact(path, label, NOT_KNOWN, f"{self.name(agency)} corrected it, not opened")

    def _source(self, path: str, source: FactSource) -> str:
        entry = source.entry
        if entry.record is None:
            noted_at = self.noted_at.get(entry.position)
            return "noted here" if noted_at is None else f"noted here, {self._day(noted_at)}"
        part = entry.by, entry.record, str(entry.part)
        time = self.times.get((*part, path), self.times.get((*part, "")))
        by = "here" if entry.by == self.working_set.agency else self.name(entry.by)
        return f"{by}, {self._day(time)}" if time is not None else by

    def _day(self, time: int) -> str:
        return spoken_day(day_of_moment(time, self.wording.zone), "en")

    def notes(self, view: CaseView) -> Iterator[CaseNote]:
        by_agency: dict[str, list[str]] = {}
        for path, agency in view.unopened.items():
            by_agency.setdefault(agency, []).append(noun_of(self.terms.vocabulary, path))
        for agency, nouns in by_agency.items():
            text = (
                f"{self.name(agency)} sent a correction that nobody here has opened. Open it "
                f"first: until then, this counts as not known: {', '.join(nouns)}."
            )
            yield CaseNote("stop", text)
        for path, statements in view.conflicts.items():
            sides = "; ".join(
                f"{self.name(side.entry.by)} says {self.wording.text(path, side.value)}"
                for side in statements
            )
            text = f"{self.terms.question(path, 'en')} Agencies differ: {sides}."
            yield CaseNote("wait", f"{text} It counts as not known until one of them corrects it.")
        for outdated in view.outdated:
            yield CaseNote("stop", out_of_date(outdated, self.names))
        for reviewed in view.may_be_reviewed:
            yield CaseNote("wait", may_be_made_anew(reviewed, self.names))
        if view.awaits_enrollment:
            yield CaseNote(
                "wait", "The person is admitted. Whether the person takes part isn’t stated since."
            )
        for refusal in view.refusals:
            yield CaseNote("shut", refusal)
        for text in dict.fromkeys(self._recall_answers()):
            yield CaseNote("shut", text)

    def _recall_answers(self) -> Iterator[str]:
        """Yield how each agency answered what this one asked back, as far as it is opened here."""
        for stated in self.stated:
            if stated.by == self.working_set.agency or stated.kind != "recall_answer":
                continue
            said = stated.content.get("operation") or {}
            if ground := KEEP_REASONS.get(str(said.get("reason"))):
                yield f"{self.name(stated.by)} keeps what was asked back: {ground}."
            else:
                yield f"{self.name(stated.by)} deleted what was asked back."

    def decisions(self, pack: Pack) -> Iterator[tuple[str, str]]:
        """Yield the decisions that a person of this agency may make, and their questions."""
        for decision in decisions_to_make(self.working_set, pack):
            is_possible = decision != EJECTION or may_be_ejected(self.seen)
            if is_possible and choices_of(self.working_set, pack, decision):
                yield decision, asks_in(pack, decision)

    def answers(self, view: CaseView, program: Program, now: int) -> Iterator[DescribedAnswer]:
        """Yield the answers, what people decided before what only the rules say."""
        described = (*self._answers_here(view, now), *self._decided_elsewhere(view, program, now))
        yield from sorted(described, key=lambda answer: answer.decided is None)

    def as_of(self, answer: DescribedAnswer, view: CaseView) -> Iterator[str]:
        """Yield the day of what is known here of a charge, and whom to ask if it may be old."""
        is_stated = answer.decided is not None or answer.outcome is not None
        if view.charge is None or answer.decision != FILING or not is_stated:
            return
        if view.charge.on is not None:
            yield f"As of {spoken_day(view.charge.on, 'en')}."
        if view.charge.may_have_changed:
            here = self.name(self.working_set.agency)
            yield (
                f"It may have changed since. The prosecutor may not tell {here} now, so nobody "
                "here would learn of it. Ask counsel or the court."
            )

    def _answers_here(self, view: CaseView, now: int) -> Iterator[DescribedAnswer]:
        for decision, answer in view.answers.items():
            made = view.determinations.get(decision)
            is_answered = decision == _OFFER and ACCEPTED in self.seen.known
            if is_answered and answer.status != "decided":
                continue  # the person answered the offer, so nobody waits for the rules
            if decision == EJECTION and made is None and not may_be_ejected(self.seen):
                continue  # nothing asks for it
            beside, outcome = self._beside(view, decision), self._records_word(decision)
            if made is None and outcome is not None:
                # The rules took the word, and have no answer of their own.
                yield DescribedAnswer(decision, asks_of(decision), None, (), (), outcome, beside)
            elif made is not None and answer.is_settled:
                yield self._decided_alone(decision, made, beside)
            else:
                yield self._answer(decision, answer, made, beside, now)

    def _records_word(self, decision: str) -> str | None:
        """Return the word of the person who checked the records, and the agency. None without."""
        stated = self.seen.attested.get(decision)
        if stated is None or stated.entry.kind != RECORDS_CHECK:
            return None
        by = self.name(stated.entry.by)
        if self.checked_by is not None and stated.entry.by == self.working_set.agency:
            by = f"{self.checked_by}, {by}"
        return f"{self._outcome(decision, stated.value)}, by {by}"

    def _decided_elsewhere(
        self, view: CaseView, program: Program, now: int
    ) -> Iterator[DescribedAnswer]:
        for decision, made in view.determinations.items():
            if decision in view.answers:
                continue
            beside = self._beside(view, decision)
            # An agency that may decide, too, sees the rules' answer beside what was decided.
            may_decide = decision in decisions_to_make(self.working_set, program.pack)
            known = (self.working_set, program, self.seen, self.case, decision, now)
            by_rules = answer_on_known_facts(*known) if may_decide else None
            if by_rules is not None and by_rules.status == "decided":
                yield self._answer(decision, by_rules, made, beside, now)
            else:
                yield self._decided_alone(decision, made, beside)

    def _decided_alone(
        self, decision: str, made: Mapping[str, Any], beside: tuple[str, ...]
    ) -> DescribedAnswer:
        """Return a person's decision beside which the rules have no answer."""
        return DescribedAnswer(
            decision,
            asks_of(decision),
            None,
            (),
            (),
            self._decided(decision, made),
            beside,
            differs=_differs(decision, made),
            reason=_reason(made),
        )

    def _answer(
        self,
        decision: str,
        answer: Answer,
        made: Mapping[str, Any] | None,
        beside: tuple[str, ...],
        now: int,
    ) -> DescribedAnswer:
        steps = answer.outcome if isinstance(answer.outcome, list) else None
        outcome = answer.outcome if steps or answer.status == "decided" else None
        open_steps = (
            [] if steps is None else [each for each in answer.possible if each not in steps]
        )
        missing = tuple(dict.fromkeys(self._missing(answer, need, now) for need in answer.needed))
        return DescribedAnswer(
            decision,
            asks_of(decision),
            self._outcome(decision, outcome) if outcome else None,
            tuple(text for text, _ in reasons_with_sources(answer.reasons)) if outcome else (),
            missing,
            self._decided(decision, made) if made else None,
            beside,
            possible=self._outcome(decision, open_steps) if open_steps else None,
            differs=_differs(decision, made) if made else None,
            reason=_reason(made) if made else "",
        )

    def _missing(self, answer: Answer, need: Mapping[str, Any], now: int) -> str:
        """Return what to find out and from whom. Nobody asks their own agency, or in vain.

        It says of each fact what the page of the decision says. A fact of an unopened correction
        is opened, and not found out.
        """
        role, path = str(need["ask"]), plain_path(str(need["fact"]))
        correction = answer.correction_of(path)
        if correction is not None:
            return sent_closed(self.name(correction.by))
        question = f"{need['question']}{self._entry_name(str(need['fact']))}"
        if role == self.working_set.gateway.history.newest.role(self.working_set.agency):
            return f"For your own agency to say: {question}"
        asked = [agency for agency, asked_for in self.asked if asked_for == path]
        heard = [
            agency for agency in asked if has_answered(self.working_set, self.case, agency, path)
        ]
        if heard:
            names = series([self.name(agency) for agency in heard])
            return f"{names} answered, and the rules can’t use the answer: {question}"
        if asked:
            return f"Asked {series([self.name(agency) for agency in asked])}: {question}"
        label = form_terms().label("role", role, "en")
        why_not = why_not_asked(self.working_set, self.case, answer, path, now)
        if why_not == CONSENT:
            return f"For {label} to say, not asked without the person’s consent: {question}"
        return f"For {label} to say: {question}" if why_not else f"Ask {label}: {question}"

    def _entry_name(self, path: str) -> str:
        """Return which entry of a list a fact is of, in brackets: a charge by its conduct."""
        list_path, is_entry, rest = path.partition("[")
        stated = self.seen.known.get(list_path)
        place = rest.partition("]")[0]
        if not is_entry or stated is None or not place.isdigit() or int(place) >= len(stated.value):
            return ""
        entry = stated.value[int(place)]
        name = next((name for name in _NAMING if entry.get(name)), None)
        if name is None:
            return f" (number {int(place) + 1})" if len(stated.value) > 1 else ""
        return f" ({self.wording.text(f'{list_path}.{name}', entry[name])})"

    def _outcome(self, decision: str, outcome: object) -> str:
        return self.wording.label(f"decisions.{decision}", outcome)

    def ended(self, decision: str) -> str:
        """Return by which decision a place ended after it was given, of the admission alone."""
        admitted, ended = self.seen.determined.get(decision), self.seen.determined.get(EJECTION)
        if decision != ADMISSION or admitted is None or ended is None or ended.determined is None:
            return ""
        if ended.determined["outcome"] == _RETAIN or ended.position < admitted.position:
            return ""
        return self._decided(EJECTION, {**ended.determined, "agency": ended.by})

    def _decided(self, decision: str, made: Mapping[str, Any]) -> str:
        outcome = form_terms().decided_label(decision, made["outcome"], "en")
        return f"{outcome}, by {made['by']}, {self.name(str(made['agency']))}"

    def _beside(self, view: CaseView, decision: str) -> tuple[str, ...]:
        """Return the decisions of other agencies beside the one in force, as sentences."""
        sentences = []
        for made in view.also_determined.get(decision, ()):
            text = (
                f"{'Since then' if made['later'] else 'Before'}: {self._decided(decision, made)}."
            )
            if made["later"]:
                last_word = self.name(str(view.determinations[decision]["agency"]))
                text += f" {last_word} has the last word."
            sentences.append(text)
        return tuple(sentences)

    def _rules_answered(self, answered: Mapping[str, Any], outcomes: Sequence[str]) -> str:
        """Return which question the rules answered in a record, and how."""
        decision = str(answered["decision"])
        answer = self._outcome(decision, tuple(outcomes)) if outcomes else NOT_KNOWN
        return f"the rules’ answer: {asks_of(decision)} {answer}"

    def _outcomes(self) -> dict[str, str]:
        """Return what was decided by the record that says it, as far as it is opened here."""
        outcomes: dict[str, str] = {}
        answers: dict[str, list[str]] = {}
        for stated in self.stated:
            for members in stated.content.values():
                if (answered := members.get("decision")) and isinstance(answered, Mapping):
                    # The sender has each part of the record, and not every part has the outcome.
                    words = answers.setdefault(stated.record, [])
                    words += _as_list(answered.get("outcome"))
                    outcomes[stated.record] = self._rules_answered(answered, words)
                if made := members.get("determination"):
                    outcomes[stated.record] = _made(made)
            if word := (stated.content.get(RECORDS_CHECK) or {}).get("outcome"):
                label = form_terms().label(f"{RECORDS_CHECK}.outcome", str(word), "en")
                outcomes[stated.record] = f"the records were checked: {label}"
        return outcomes

    def events(self) -> Iterator[CaseEvent]:
        """Yield the records of the case, the newest first."""
        records = self.working_set.cases.records(self.case)
        recalled = {record for record, _ in recalled_parts(self.working_set, self.case)}
        events, outcomes = [], self._outcomes()
        for sent in records.sent:
            if sent.replaced_by is not None or sent.kind in QUIET:
                continue
            state = "refused" if sent.refused else "sent" if sent.receipt else "waiting"
            to = {agency for part in sent.parts for agency in part["to"]}
            stopped = stopped_by_exit(self.working_set, self.case, sent)
            events.append(
                CaseEvent(
                    sent.receipt.time if sent.receipt else sent.time,
                    sent.kind,
                    outcomes.get(sent.jti, _line(sent.kind, dict(sent.labels).values())),
                    self.name(self.working_set.agency),
                    True,
                    tuple(sorted(self.name(agency) for agency in to)),
                    "recalled" if sent.jti in recalled else state,
                    tuple(
                        f"{self.name(agency)} got the notice alone. "
                        f"{_kinds_of(categories)} was stopped: with the exit, the office no longer "
                        "represents the person."
                        for agency, categories in stopped.items()
                    ),
                )
            )
        for received in records.received.values():
            record, committed = received.record, received.committed
            if record is None or committed is None or record.kind in QUIET:
                continue
            state = "sent" if received.opened else "closed"
            events.append(
                CaseEvent(
                    committed.time,
                    record.kind,
                    outcomes.get(record.jti, _line(record.kind, record.labels.values())),
                    self.name(record.issuer),
                    False,
                    (),
                    "recalled" if record.jti in recalled else state,
                )
            )
        events += self._kept_decisions()
        yield from sorted(events, key=lambda event: -event.time)

    def _kept_decisions(self) -> Iterator[CaseEvent]:
        """Yield the decisions that a person made here, and that no record tells anybody."""
        records = self.working_set.cases.records(self.case)
        told_of = [
            members.get("determination")
            for stated in self.stated
            for members in stated.content.values()
            if isinstance(members, Mapping)
        ]
        for note in records.notes:
            made = note.body.get("determination")
            if made is None or made in told_of:
                continue
            yield CaseEvent(
                note.time,
                "determination",
                _made(made),
                self.name(self.working_set.agency),
                True,
                (),
                "kept",
            )
