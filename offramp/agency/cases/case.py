"""One case as one agency may see it: its facts with their sources, and the rules' answers. Pure.

Facts come from the records that this agency opened or sent, and from its own notes. Each agency's
newest statement counts. `offramp.agency.cases.corrections` applies corrections and recalls. If two
agencies state different values, the fact is unknown and both are named. No agency is believed more
than another, with two exceptions. A judgment counts only from an agency of the role whose judgment
it is. The outcome of a decision counts from the role with the last word on it.

An event is doubtful if agencies differ on it, if no agency that knows it may share it, or if its
time can't be: it is yet to come, or before the encounter. The engine then decides only what no
choice of the event's time changes. See decision records 0040 and 0088.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from exchange.records.finer_words import own_form
from offramp.agency.cases.case_entry import CaseEntry, FactSource
from offramp.agency.cases.corrections import FactChange, apply_corrections
from offramp.agency.cases.ended_kinds import NOTHING_ENDED, EndedKinds
from offramp.agency.cases.holding import in_seconds
from offramp.agency.cases.moment import encounter_of, read_moment
from offramp.agency.cases.newer_statements import newer_statements
from offramp.agency.cases.stated_facts import StatedFacts, attested_outcomes, rank_of
from rules.decide.decision import Decision
from rules.decide.holding import holds_until
from rules.decide.program import Program
from rules.decide.ruling import keeps_its_needs
from rules.decide.scene_day import DAY, MOMENT
from rules.input.values import read_date, read_timestamp
from rules.input.vocabulary import Fact, Vocabulary, nested

# The roles where each decision is worked out: their agencies may have its facts. `admission` and
# `eligibility` fall to the case managers if a directory lists no program.
WORKED_OUT_BY: Mapping[str, tuple[str, ...]] = {
    "offer": ("police", "prosecutor"),
    "screening": ("police", "prosecutor"),
    "eligibility": ("program",),
    "admission": ("program",),
    "filing": ("prosecutor",),
    "ejection": ("prosecutor",),
    "review": ("case_management",),
    "completion": ("program",),
}
ACCEPTED, REFERRED = "offer.accepted", "case.referred_at"


class Case:
    """The facts that this agency knows of a case, and the decisions on them.

    `entries` are in any order. `recalled` are the parts, by record and id, that their issuer asks
    back, each with the position of the recall: they are ignored. `changes` are the values that were
    corrected or recalled after they were stated, and `places` where each part counts. `unopened`
    has, by path, the correction that nobody opened here yet: until then, the fact is unknown.
    `aside` are the facts of which a statement was set aside.
    """

    def __init__(
        self,
        entries: Iterable[CaseEntry],
        vocabulary: Vocabulary,
        recalled: Mapping[tuple[str, str], float] | None = None,
        *,
        here: str = "",
    ) -> None:
        self.vocabulary = vocabulary
        self.here = here
        in_force = apply_corrections(entries, recalled or {}, vocabulary)
        self.entries = in_force.entries
        self.changes = in_force.changes
        self.unopened = in_force.unopened
        self.places = in_force.places
        self.aside: frozenset[str] = frozenset()
        self._stated = StatedFacts(vocabulary)
        for entry in self.entries:
            self._stated.add(entry)

    def set_aside(self, entries: Collection[CaseEntry]) -> Case:
        """Return the case without what some of its statements say of facts.

        Its corrections stay as they are, and so do the decisions of people.
        """
        left = Case(
            (entry for entry in self.entries if entry not in entries),
            self.vocabulary,
            here=self.here,
        )
        left.changes, left.unopened, left.places = self.changes, self.unopened, self.places
        left.determined, left.determined_beside = self.determined, self.determined_beside
        left.aside = frozenset(path for entry in entries for path in entry.facts)
        return left

    @cached_property
    def known(self) -> Mapping[str, FactSource]:
        """Every fact on which all agencies that state it agree, with its newest statement.

        Of a word and a finer one below it, the finer one counts.
        """
        agreed = {}
        for path in self._stated.paths:
            source = self._stated.agreed(path)
            if source is not None and path not in self.unopened:
                agreed[path] = source
        return agreed

    @cached_property
    def conflicts(self) -> Mapping[str, tuple[FactSource, ...]]:
        """Every fact on which agencies differ, with the value of each."""
        by_path = {path: self._stated.with_value(path) for path in self._stated.paths}
        return {
            path: values
            for path, values in by_path.items()
            if len(values) > 1 and path not in self.known and path not in self.unopened
        }

    def sources_of(self, path: str) -> tuple[FactSource, ...]:
        """Return each agency's newest source of a fact. A withdrawn value is None."""
        return self._stated.of(path)

    @cached_property
    def determined(self) -> Mapping[str, CaseEntry]:
        """The newest determination of each decision by the role with the last word on it."""
        highest: dict[str, tuple[int, CaseEntry]] = {}
        for entry in self.entries:
            if entry.determined is not None:
                decision = str(entry.determined["decision"])
                rank = rank_of(decision, entry.role, self.vocabulary)
                if decision not in highest or rank <= highest[decision][0]:
                    highest[decision] = rank, entry
        return {decision: entry for decision, (_, entry) in sorted(highest.items())}

    @cached_property
    def determined_beside(self) -> Mapping[str, tuple[CaseEntry, ...]]:
        """The newest determination of each other agency, beside the one in force, by decision."""
        newest: dict[str, dict[str, CaseEntry]] = {}
        for entry in self.entries:
            if entry.determined is not None:
                newest.setdefault(str(entry.determined["decision"]), {})[entry.by] = entry
        return {
            decision: beside
            for decision, by_agency in newest.items()
            if (
                beside := tuple(
                    entry
                    for agency, entry in by_agency.items()
                    if agency != self.determined[decision].by
                )
            )
        }

    def decision_of(self, agency: str, decision: str) -> CaseEntry | None:
        """Return the newest determination of a decision by an agency, in force or beside it."""
        made = (self.determined.get(decision), *self.determined_beside.get(decision, ()))
        return next((entry for entry in made if entry is not None and entry.by == agency), None)

    @property
    def decided_by_people(self) -> Mapping[str, CaseEntry]:
        """The newest determinations, and outcomes of other decisions that an agency states."""
        stated = {
            decision: source.entry
            for decision, source in self.attested.items()
            if decision not in self.determined
        }
        return {**self.determined, **stated}

    @cached_property
    def attested(self) -> Mapping[str, FactSource]:
        """The outcomes that an agency states, in place of the rules' own.

        A decision is missing if two agencies of the same rank state different outcomes.
        """
        return attested_outcomes(self.entries, self.vocabulary)

    @property
    def is_ended(self) -> bool:
        """True if the participant has left, without a referral or reinstatement since."""
        return self.ended_at >= 0

    @cached_property
    def ended_at(self) -> float:
        """The position of the last exit in the log. -1 if the participant hasn't left."""
        position = -1.0
        for entry in self.entries:
            if entry.kind == "exit":
                position = entry.position
            elif entry.kind == "reinstatement" or (
                entry.kind == "referral" and entry.facts.get(ACCEPTED)
            ):
                position = -1.0
        return position

    @cached_property
    def restated(self) -> tuple[FactChange, ...]:
        """What newer statements changed, without a correction, in order."""
        return newer_statements(self.entries, self.places, self.vocabulary)

    # Deciding

    def decide(
        self,
        program: Program,
        decision: str,
        now: str,
        own: Mapping[str, Any] | None = None,
        silent: frozenset[str] = frozenset(),
    ) -> Answer:
        """Return the rules' answer at `now`, a UTC time.

        `own` are facts of this agency's own records, by path. They are used and not kept.
        `silent` are the events that no agency may share with this one, so that a missing record of
        them means nothing. Raises as `Program.decide`.
        """
        own = own or {}
        vocabulary = program.pack.vocabulary
        misdated = self._misdated_events(program, now) - set(own)
        stated = {
            path: source.value for path, source in self.known.items() if path not in misdated
        } | dict(own)
        values = {
            path: own_form(path, value, vocabulary)
            for path, value in stated.items()
            if path in vocabulary.facts
        }
        attested = self._attested_for(program, decision, bool(own))
        facts = program.read(
            {
                **nested(values),
                "now": now,
                **({"decisions": attested} if attested else {}),
            }
        )
        doubtful = {**self._doubtful_events(frozenset(own), silent), **dict.fromkeys(misdated)}
        ruling = program.decide(decision, replace(facts, doubtful=doubtful))
        return Answer(self, decision, now, ruling, frozenset(own), silent, misdated)

    def _attested_for(self, program: Program, decision: str, has_own: bool) -> dict[str, str]:
        """Return the outcomes to use in place of the rules' own.

        The decision itself is left to the rules, whatever a person determined. If it reads criminal
        history, its stated outcome is used unless the history is among this agency's own facts. A
        pack's own decision counts from its decider's role, where the pack has that outcome.
        """
        keeps_stated = keeps_its_needs(program.pack, decision) and not has_own
        return {
            name: source.value
            for name, source in self.attested.items()
            if (name != decision or keeps_stated) and self._counts(program, name, source)
        }

    def _counts(self, program: Program, decision: str, source: FactSource) -> bool:
        if decision in self.vocabulary.decisions:
            return True
        own = program.pack.decisions.get(decision)
        return (
            own is not None and source.value in own.outcomes and source.entry.role == own.decided_by
        )

    def _misdated_events(self, program: Program, now: str) -> frozenset[str]:
        """Return the events whose stated time can't be, so that no deadline counts from it.

        An agency with other software may state one. No operation here does.
        """
        zone = ZoneInfo(program.pack.time_zone)
        at = datetime.fromisoformat(now.replace("Z", "+00:00")).astimezone(zone)
        encounter = encounter_of({path: source.value for path, source in self.known.items()}, zone)
        misdated = set()
        for path, source in self.known.items():
            fact = self.vocabulary.facts.get(path)
            moment = read_moment(source.value, zone)
            if fact is None or fact.kind != "event" or moment is None:
                continue
            is_early = encounter is not None and moment.is_before(encounter)
            if is_early or moment.is_after_time(at):
                misdated.add(path)
        return frozenset(misdated)

    def _doubtful_events(
        self, own: frozenset[str], silent: frozenset[str]
    ) -> Mapping[str, tuple[datetime, ...] | None]:
        """Return the doubtful events: the stated times of a conflict, any time of a silent one."""
        events = {path for path, fact in self.vocabulary.facts.items() if fact.kind == "event"}
        doubtful: dict[str, tuple[datetime, ...] | None] = dict.fromkeys(
            sorted(silent & events - own - set(self.known))
        )
        for path, values in self.conflicts.items():
            if path in events - own:
                doubtful[path] = _stated_times(
                    self.vocabulary.facts[path], [source.value for source in values]
                )
        return doubtful


def _stated_times(event: Fact, values: Sequence[Any]) -> tuple[Any, ...] | None:
    """Return the days or moments that agencies state of an event, None for lists of pauses."""
    if event.type == "list":
        return None
    read = read_timestamp if event.type == "timestamp" else read_date
    return tuple(sorted({read(event, event.path, value) for value in values}))


class Answer:
    """The rules' answer on a case: a ruling, and the sources of the facts that it read."""

    def __init__(
        self,
        case: Case,
        decision: str,
        now: str,
        ruling: Decision,
        own: frozenset[str],
        silent: frozenset[str],
        misdated: frozenset[str] = frozenset(),
    ) -> None:
        self.case = case
        self.decision = decision
        self.now = now
        self.ruling = ruling
        self.own = own
        self.silent = silent
        self.misdated = misdated
        # The reason why these rules apply to a person who was in the program before the newest
        # ones. None if no rules came into force since.
        self.governed: str | None = None
        # What a cause has ended here. It is set before the answer is read.
        self.ended: EndedKinds = NOTHING_ENDED

    @property
    def status(self) -> str:
        """`decided` or `undetermined`."""
        return self.ruling.status

    @property
    def outcome(self) -> str | list[str] | None:
        """The outcome as in `Decision`."""
        return self.ruling.outcome

    @property
    def decided_otherwise(self) -> CaseEntry | None:
        """The named person's decision in force, if its outcome is not the rules' own."""
        made = self.case.determined.get(self.decision)
        if made is None or made.determined is None or self.status != "decided":
            return None
        return made if made.determined["outcome"] != self.outcome else None

    @property
    def possible(self) -> list[str]:
        """Every outcome that missing facts and doubtful events leave possible."""
        return self.ruling.possible

    @cached_property
    def needed(self) -> list[dict[str, Any]]:
        """The questions to ask, and the role to ask. A fact in conflict names both sides.

        INVARIANT: nothing that was destroyed under a cause is asked again, nor what a person's
        decision on the very question states.
        """
        terms = self.ruling.program.pack.vocabulary
        questions = [
            dict(question)
            for question in self.ruling.needed
            if not self.ended.covers(str(question["fact"]), terms)
            and question["fact"] not in self.case.aside
        ]
        for question in questions:
            path = str(question["fact"]).partition("[")[0]
            if path in self.case.conflicts:
                question["conflict"] = [source.as_json() for source in self.case.conflicts[path]]
        return questions

    @property
    def is_settled(self) -> bool:
        """True if only a person answered: what the decision itself states leaves nothing to ask."""
        return bool(self.case.aside) and self.status != "decided"

    @property
    def lacks_ended(self) -> bool:
        """True if a missing fact isn't asked for, because a cause has ended its kind here."""
        terms = self.ruling.program.pack.vocabulary
        return any(
            self.ended.covers(str(question["fact"]), terms) for question in self.ruling.needed
        )

    @cached_property
    def reads(self) -> frozenset[str]:
        """Every fact, event, and other decision that the rules in force read.

        Includes the facts that determine which rules are in force.
        """
        paths = {path for rule_reads in self.ruling.reads.values() for path in rule_reads}
        decisions = {self.decision} | {
            path.partition(".")[2] for path in paths if path.startswith("decisions.")
        }
        declared = self.ruling.program.pack.decisions
        governed_by = {declared[name].governed_by for name in decisions if name in declared}
        paths |= governed_by
        if self._rests_on_encounter(paths):
            paths |= {DAY}
        # The moment of the encounter states its day too.
        return frozenset((paths | ({MOMENT} if DAY in paths else set())) - {"now"})

    def _rests_on_encounter(self, paths: set[str]) -> bool:
        """Return True if the encounter's day decides whether an event that is read can be."""
        facts = self.case.vocabulary.facts
        reads_events = any(path in facts and facts[path].kind == "event" for path in paths)
        is_open = not {DAY, MOMENT}.isdisjoint(self.case.conflicts)
        return not self.misdated.isdisjoint(paths) or (reads_events and is_open)

    @property
    def holds_until(self) -> int | None:
        """The first time, in seconds since 1970, at which time alone may change the answer."""
        return in_seconds(holds_until(self.ruling))

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """The rules that gave the outcome, as `Decision.reasons`."""
        return self.ruling.reasons

    def reads_of(self, reason: Mapping[str, Any]) -> frozenset[str]:
        """Return what a reason's rule reads, or the rule that its exception lifts.

        Empty if no rule gave the outcome.
        """
        return self.ruling.reads.get(reason.get("lifts", reason["rule"]), frozenset())

    @property
    def unshown(self) -> list[str]:
        """The facts that were read and are in no record of the log."""
        unlogged = {path for path, source in self.cited if not source.entry.is_logged}
        return sorted(unlogged | self.own & self.reads)

    @cached_property
    def cited(self) -> tuple[tuple[str, FactSource], ...]:
        """Each agency's value of every fact that was read, and each outcome used as stated."""
        facts = [
            (path, source)
            for path in sorted(self.reads - self.own)
            for source in self.case.sources_of(path)
        ]
        outcomes = [
            (path, source) for path, source in self.sources.items() if path.startswith("decisions.")
        ]
        return (*facts, *outcomes)

    @cached_property
    def conflicts(self) -> Mapping[str, tuple[FactSource, ...]]:
        """The conflicts that this answer may depend on."""
        return {
            path: values
            for path, values in self.case.conflicts.items()
            if path in self.reads and path not in self.own
        }

    @cached_property
    def unopened(self) -> Mapping[str, CaseEntry]:
        """The unopened corrections of facts that were read, by path: those facts are unknown."""
        return {
            path: correction
            for path, correction in self.case.unopened.items()
            if path in self.reads and path not in self.own
        }

    def correction_of(self, path: str) -> CaseEntry | None:
        """Return the unopened correction that makes a fact, or the list of a field, unknown.

        One of the moment of the encounter makes its day unknown, too.
        """
        holders = [path, path.partition("[")[0], path.rpartition(".")[0]]
        holders += [MOMENT] if path == DAY else []
        return next((self.unopened[name] for name in holders if name in self.unopened), None)

    def is_closed(self, path: str) -> bool:
        """Return True if an unopened correction makes a fact unknown, as `correction_of`."""
        return self.correction_of(path) is not None

    @cached_property
    def sources(self) -> Mapping[str, FactSource]:
        """Every known fact that was read, with the part that states it.

        Other decisions are `decisions.<name>`.
        """
        facts = {
            path: source
            for path, source in self.case.known.items()
            if path in self.reads and path not in self.own
        }
        outcomes = {f"decisions.{name}": source for name, source in self.case.attested.items()}
        return facts | {path: source for path, source in outcomes.items() if path in self.reads}

    def as_json(self) -> dict[str, Any]:
        """Return the answer as `Decision.as_json`, with the sources of facts, and conflicts."""
        decision = {**self.ruling.as_json(), "needed": self.needed}
        otherwise = self.decided_otherwise
        made = otherwise.determined if otherwise is not None else None
        if made is not None:
            # What comes next follows from the decision in force, not from the rules' answer.
            decision["next"] = None
        return {
            **{name: value for name, value in decision.items() if name != "facts_digest"},
            "now": self.now,
            "decided_otherwise": {"by": made["by"], "outcome": made["outcome"]} if made else None,
            "governed": self.governed,
            "sources": {
                path: {name: value for name, value in source.as_json().items() if name != "value"}
                for path, source in self.sources.items()
            },
            "conflicts": {
                path: [source.as_json() for source in values]
                for path, values in self.conflicts.items()
            },
        }
