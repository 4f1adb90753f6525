"""What one case adds to a report, by the day on which it happened. Pure.

Each agency counts what it did itself, so that nothing is counted at two agencies. The day decides
the quarter: the day that a record states, not the day on which it arrived. So a late or corrected
record counts in the quarter of the event.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

from exchange.consent.disclosure import day_of
from offramp.agency.cases.case import ACCEPTED, REFERRED, Case
from offramp.agency.cases.case_entry import CaseEntry
from offramp.agency.cases.caseload import (
    answers_enrollment,
    case_of,
    decisions_here,
    seconds,
    standing_records,
    utc,
)
from offramp.agency.cases.quarters import read_quarter
from offramp.agency.cases.silence import silent_events
from offramp.agency.cases.stated import stated_contents
from offramp.agency.cases.stated_facts import ENROLLED
from offramp.agency.folder.retention_state import CountedMark
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program
from rules.errors import Refusal
from rules.frozen import frozen
from rules.input.vocabulary import Vocabulary
from rules.packs.groups import group_of
from rules.packs.pack import Grouping

# A measure, the decision that it is about, and a reason or the id of a rule.
Measure = tuple[str, str | None, str | None]
# The decisions whose questions are reported.
ASKED_FOR = ("eligibility", "admission")
_ENGAGED = ("engaged", "meeting_goals")
_OFFERED = ("may_offer", "must_offer")
ENROLLMENT = "enrollment"


@frozen
class Tally:
    """Something that happened in a case on a day, as measures, each counted once.

    `hours` are times of waiting, by measure.
    """

    day: date
    measures: frozenset[Measure]
    hours: Mapping[Measure, int]


@frozen
class CaseTally:
    """All that a case adds: its tallies, its times in the program, and its group by grouping.

    A stay is its first day, and the day on which the person left, None for one who stayed.
    `settled` are the families of measures that are counted for good, each with the quarter's name:
    what the case states of them now adds nothing.
    """

    tallies: tuple[Tally, ...]
    stays: tuple[tuple[date, date | None], ...]
    groups: Mapping[str, str]
    settled: frozenset[tuple[str, str]] = frozenset()

    @property
    def is_enrolled(self) -> bool:
        """True if the person is in the program now."""
        return any(left is None for _, left in self.stays)


def measure(name: str, decision: str | None = None, detail: str | None = None) -> Measure:
    """Return a measure."""
    return name, decision, detail


# The measures of each family, but for those of a referral. No sum joins two families.
_FAMILIES = {
    "offer": ("offers", "accepted", "declined", "not_offered", "not_offered_for"),
    "held": ("held_decided", "held_filed", "held_not_filed", "held_dismissed"),
    "reviews": ("reviews",),
    ENROLLMENT: (
        *("entered", "left", "in_program", "before"),
        *("left_completed", "left_unsuccessful", "left_moved", "left_ejected", "left_other"),
    ),
}
_FAMILY_OF = {name: family for family, names in _FAMILIES.items() for name in names}


def family_of(counted: Measure) -> str:
    """Return the family of a measure: what is settled together when records are destroyed."""
    return _FAMILY_OF.get(counted[0], "referral")


def tally_case(
    working_set: WorkingSet,
    program: Program,
    groupings: Mapping[str, Grouping],
    handle: str,
    now: int,
    mark: CountedMark | None = None,
) -> CaseTally:
    """Return what a case adds to the reports of this agency. `now` is in seconds since 1970.

    `mark` is what of it is counted for good, without one as the journal has it.
    """
    case = case_of(working_set, handle)
    mark = mark or working_set.retention.mark_of(handle)
    counted = _Counted(working_set, program, handle, case, now, mark)
    words = case.vocabulary
    return CaseTally(
        tuple(counted.tallies()),
        tuple(counted.stays()),
        {name: _group(words, grouping, case) for name, grouping in groupings.items()},
        mark.settled,
    )


def _group(words: Vocabulary, grouping: Grouping, case: Case) -> str:
    source = case.known.get(grouping.of)
    return group_of(grouping, words.facts[grouping.of], None if source is None else source.value)


class _Counted:
    """One case while it is counted."""

    def __init__(
        self,
        working_set: WorkingSet,
        program: Program,
        handle: str,
        case: Case,
        now: int,
        mark: CountedMark,
    ) -> None:
        self.working_set = working_set
        self.program = program
        self.handle = handle
        self.case = case
        self.now = now
        self.agency = working_set.agency
        directory = working_set.gateway.history.newest
        self.zone = directory.zone
        self.role = directory.role(working_set.agency)
        self.records = working_set.cases.records(handle)
        self.mark = mark
        self.contents = stated_contents(working_set, handle, case)
        self.own = [stated for stated in self.contents if stated.by == self.agency]

    def tallies(self) -> Iterator[Tally]:
        """Yield what this agency counts by its role."""
        if self.role == "police":
            yield from self._offer()
        if self.role == "prosecutor":
            yield from self._held_charge()
        if self.role == "case_management" or answers_enrollment(self.working_set):
            yield from self._referral()
            yield from self._reviews()
        if answers_enrollment(self.working_set):
            for day, name in self._changes():
                names = (name,) if name == "entered" else ("left", name)
                yield Tally(day, frozenset(measure(each) for each in names), {})

    def stays(self) -> Iterator[tuple[date, date | None]]:
        """Yield the times in the program, at the agency that knows who is enrolled."""
        if not answers_enrollment(self.working_set):
            return
        entered = self._entered_before()
        for day, name in self._changes():
            if name == "entered":
                entered = day
            elif entered is not None:
                yield entered, max(day, entered)
                entered = None
        if entered is not None:
            yield entered, None

    # Police

    def _offer(self) -> Iterator[Tally]:
        stated = [
            source for source in self.case.sources_of(ACCEPTED) if source.entry.by == self.agency
        ]
        determined = self.case.determined.get("offer")
        if stated and stated[-1].value is not None:
            answer = "accepted" if stated[-1].value else "declined"
            day = self._encounter_day() or self._first_day("offer", "referral") or self._noted_day()
            if day is not None:
                yield Tally(day, frozenset({measure("offers"), measure(answer)}), {})
        elif determined is not None and determined.by == self.agency and determined.determined:
            if determined.determined["outcome"] in _OFFERED:
                return
            day = self._encounter_day() or self._note_day("offer")
            reason = str(determined.determined.get("reason", "rules"))
            if day is not None:
                measures = {measure("not_offered"), measure("not_offered_for", None, reason)}
                yield Tally(day, frozenset(measures), {})

    def _encounter_day(self) -> date | None:
        met = self.case.known.get("encounter.date")
        if met is not None:
            return date.fromisoformat(str(met.value))
        moment = self.case.known.get("encounter.at")
        return None if moment is None else self._day(seconds(str(moment.value)))

    def _first_day(self, *kinds: str) -> date | None:
        times = [
            outgoing.receipt.time if outgoing.receipt else outgoing.time
            for outgoing in self.records.sent
            if outgoing.kind in kinds and outgoing.refused is None
        ]
        return self._day(min(times)) if times else None

    def _noted_day(self) -> date | None:
        """Return the day of the note that says what the person answered."""
        times = [note.time for note in self.records.notes if ACCEPTED in note.body.get("facts", {})]
        return self._day(min(times)) if times else None

    def _note_day(self, decision: str) -> date | None:
        times = [
            note.time
            for note in self.records.notes
            if (note.body.get("determination") or {}).get("decision") == decision
        ]
        times += [
            stated.time
            for stated in self.own
            if (stated.content.get("decision_outcome") or {}).get("determination")
        ]
        return self._day(max(times)) if times else None

    # The prosecutor

    def _held_charge(self) -> Iterator[Tally]:
        standing, day = None, None
        for stated in self.own:
            charge = stated.content.get("charge_status") or {}
            # A sealing is a court's, and no decision on the charge.
            if charge.get("standing") and charge["standing"] != "sealed":
                standing = str(charge["standing"])
                on = charge.get("on")
                day = date.fromisoformat(on) if on else self._day(stated.time)
        if day is not None and standing in ("filed", "not_filed", "dismissed"):
            yield Tally(day, frozenset({measure("held_decided"), measure(f"held_{standing}")}), {})

    # Case managers and the program

    def _referral(self) -> Iterator[Tally]:
        referred = self.case.known.get(REFERRED)
        if referred is None:
            return
        began = seconds(str(referred.value))
        measures = {measure("referrals"), measure("referrals_from", None, referred.entry.by)}
        hours: dict[Measure, int] = {}
        if self.role == "case_management":
            stages, waited = self._stages(began)
            measures |= stages
            hours |= waited
        for decision in decisions_here(self.working_set, self.program.pack):
            if decision in ASKED_FOR:
                measures |= self._answer(decision)
                questions, waited = self._questions(decision)
                measures |= questions
                hours |= waited
        yield Tally(self._day(began), frozenset(measures), hours)

    def _stages(self, began: int) -> tuple[set[Measure], dict[Measure, int]]:
        clocks = self._clocks()
        intake = self._step("intake", clocks, "case.intake_at")
        plan = self._step("plan", clocks, "case.plan_at")
        words = [
            str(word)
            for stated in self.own
            if (word := (stated.content.get("status") or {}).get("engagement"))
        ]
        word = "no_word" if not words else "engaged" if words[-1] in _ENGAGED else "starting"
        met_at = self._met_at()
        recorded = [name for name in (intake, plan) if not name.endswith("_open")]
        is_met = met_at is not None or bool(recorded) or word != "no_word"
        names = {intake, plan, word, "met" if is_met else "not_met"}
        hours = {}
        if is_met:
            names.add("hours_not_known" if met_at is None else "hours_known")
            names |= {"met_without_intake"} if intake.endswith("_open") else set()
            names |= {"met_without_plan"} if plan.endswith("_open") else set()
            names |= {"met_without_word"} if word == "no_word" else set()
            if met_at is not None:
                hours[measure("to_case_manager")] = max(0, -(-(met_at - began) // 3600))
        return {measure(name) for name in names}, hours

    def _met_at(self) -> int | None:
        """Return the time of the hand-off, or of the first consent, which is collected at it."""
        times = [
            record.time
            for record in standing_records(self.working_set, self.handle, "hand_off", "consent")
            if record.issuer == self.agency
        ]
        return min(times) if times else None

    def _clocks(self) -> Mapping[str, str]:
        """Return each clock's status by the rules of the encounter's day, or else of today."""
        at = utc(self.working_set.gateway.hub_time(self.now))
        for decision in ("admission", "review"):
            try:
                clocks = self.case.decide(self.program, decision, at).ruling.clocks
            except Refusal:
                continue
            if clocks:
                return {clock["clock"]: clock["status"] for clock in clocks}
        return {}

    def _step(self, name: str, clocks: Mapping[str, str], event: str) -> str:
        if event not in self.case.known:
            return f"{name}_open"
        status = clocks.get(name)
        return {"met": f"{name}_in_time", "late": f"{name}_late"}.get(
            str(status), f"{name}_no_limit"
        )

    def _reviews(self) -> Iterator[Tally]:
        days = {self._day(each.time) for each in self.own if each.kind == "meeting_decision"}
        days |= {
            self._day(seconds(str(entry.facts["case.last_review_at"])))
            for entry in self.case.entries
            if entry.by == self.agency and entry.facts.get("case.last_review_at")
        }
        for day in sorted(days):
            yield Tally(day, frozenset({measure("reviews")}), {})

    # Questions

    def _answer(self, decision: str) -> set[Measure]:
        try:
            at = utc(self.working_set.gateway.hub_time(self.now))
            silent = silent_events(self.working_set, self.handle, self.now)
            answer = self.case.decide(self.program, decision, at, silent=silent)
        except Refusal:
            return {
                measure("undetermined", decision),
                measure("undetermined_by", decision, "no-answer"),
            }
        if answer.status == "decided":
            return {measure("decided", decision)}
        waiting = {str(question["rule"]) for question in answer.needed if question.get("rule")}
        declared = self.program.pack.decisions[decision].rules
        first = next((rule for rule in declared if rule in waiting), None)
        rule = first or min(waiting, default="day-not-known")
        return {measure("undetermined", decision), measure("undetermined_by", decision, rule)}

    def _questions(self, decision: str) -> tuple[set[Measure], dict[Measure, int]]:
        asked = [
            outgoing.receipt.time if outgoing.receipt else outgoing.time
            for outgoing in self.records.sent
            if outgoing.kind == "question"
            and outgoing.replaced_by is None
            and outgoing.refused is None
            and any((part.get("says") or {}).get("for") == decision for part in outgoing.parts)
        ]
        if not asked:
            return {measure("not_asked", decision)}, {}
        answered = [
            received.committed.time
            for received in self.records.received.values()
            if received.record is not None
            and received.committed is not None
            and received.record.kind == "answer"
            and received.committed.time >= min(asked)
        ]
        hours = {}
        if answered:
            waited = max(0, -(-(max(answered) - min(asked)) // 3600))
            hours[measure("to_answer", decision)] = waited
        return {measure("asked", decision)}, hours

    # Enrollment

    def _changes(self) -> Iterator[tuple[date, str]]:
        """Yield the days on which the person entered and left, in order, with the way of it."""
        noted = any(ENROLLED in note.body.get("facts", {}) for note in self.records.notes)
        changes = [
            (self._day_of_entry(entry), entry.position, bool(entry.facts[ENROLLED]), entry)
            for entry in self.case.entries
            if entry.facts.get(ENROLLED) is not None and (entry.record is not None or noted)
        ]
        is_in = self.mark.enrolled is not None
        for day, _, now_in, entry in sorted(changes, key=lambda change: change[:2]):
            if now_in != is_in:
                is_in = now_in
                yield day, "entered" if now_in else self._way_out(entry)

    def _entered_before(self) -> date | None:
        """Return a day before which a person entered whose entry was destroyed."""
        return read_quarter(self.mark.enrolled).first if self.mark.enrolled is not None else None

    def _way_out(self, entry: CaseEntry) -> str:
        if entry.kind == "ejection":
            return "left_ejected"
        if entry.kind == "transfer":
            return "left_moved"
        completion = self.case.determined.get("completion")
        outcome = completion.determined["outcome"] if completion and completion.determined else ""
        if outcome in ("completed", "unsuccessful"):
            return f"left_{outcome}"
        return "left_other"

    def _day_of_entry(self, entry: CaseEntry) -> date:
        since = None
        for stated in self.contents:
            if (stated.record, stated.by) == (entry.record, entry.by):
                since = (stated.content.get("enrollment") or {}).get("since") or since
        if since is not None:
            return date.fromisoformat(str(since))
        return self._day(self._time_of(entry))

    def _time_of(self, entry: CaseEntry) -> int:
        for outgoing in self.records.sent:
            if outgoing.jti == entry.record:
                return outgoing.receipt.time if outgoing.receipt else outgoing.time
        received = self.records.received.get((entry.by, str(entry.record)))
        if received is not None and received.committed is not None:
            return received.committed.time
        times = [note.time for note in self.records.notes if ENROLLED in note.body.get("facts", {})]
        return max(times, default=self.now)

    def _day(self, time: int) -> date:
        return day_of(time, self.zone)
