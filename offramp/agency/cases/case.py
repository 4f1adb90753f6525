"""One case as one agency may see it: every fact with its source, and the rules' answers. Pure.

Facts come from what this agency opened, issued, and noted for itself. The newest statement of each
agency counts. A correction takes the place of what it corrects, and of nothing else. Two agencies
that differ make a fact unknown, with both named. No agency is believed over another, with two
exceptions. A judgment counts only from the agency of the person who makes it. The outcome of a
decision counts from the role with the last word on it.

An event on which two agencies differ is neither recorded nor absent. An answer that reads it is
decided only where it is the same either way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from itertools import product
from typing import Any

from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.frozen import frozen
from rules.input.vocabulary import Fact, Vocabulary, nested

# The roles that work each decision out, since its facts may be there. `admission` and `eligibility`
# fall to the case managers where a directory lists no program.
WORKED_OUT_BY: Mapping[str, tuple[str, ...]] = {
    "offer": ("police", "prosecutor"),
    "screening": ("police", "prosecutor"),
    "eligibility": ("program",),
    "admission": ("program",),
    "filing": ("prosecutor",),
    "ejection": ("prosecutor",),
    "review": ("case_management",),
}
# The roles with the last word on a decision, the highest first. Else the role that decides.
LAST_WORD: Mapping[str, tuple[str, ...]] = {
    "eligibility": ("prosecutor", "program"),
    "admission": ("prosecutor", "program"),
}
# The most readings of a case that conflicting events may give: more could not be followed.
MOST_READINGS = 64
# The position of an entry that isn't in the log yet.
LATEST = float(2**53)


@frozen
class CaseEntry:
    """The statements of one part about a case.

    `by` is the agency, `role` its role, `position` the place in the log. `record` and `part` are
    None for what was only noted here. `facts` are by path, `outcomes` by decision. `corrects` names
    record and part.
    """

    by: str
    role: str | None
    position: float
    record: str | None
    part: str | None
    facts: Mapping[str, Any]
    outcomes: Mapping[str, str]
    determined: Mapping[str, Any] | None = None
    corrects: tuple[str, str] | None = None

    @property
    def is_logged(self) -> bool:
        """True if it is in a record that the log contains, which others can be shown."""
        return self.record is not None and self.position < LATEST


@frozen
class FactSource:
    """One agency's newest value of one fact, and the entry that states it."""

    value: Any
    entry: CaseEntry

    def as_json(self) -> dict[str, Any]:
        """Return the source as commands print it."""
        return {
            "by": self.entry.by,
            "value": self.value,
            "record": self.entry.record,
            "part": self.entry.part,
        }


class Case:
    """The facts of a case.

    `entries` may be in any order. `recalled` are the parts, by record and id, that their issuer
    recalled: nothing is decided on them any more.
    """

    def __init__(
        self,
        entries: Iterable[CaseEntry],
        vocabulary: Vocabulary,
        recalled: Iterable[tuple[str, str]] = (),
        *,
        here: str = "",
    ) -> None:
        self.vocabulary = vocabulary
        self.here = here
        self.entries = _in_force(entries, frozenset(recalled))
        self._sources: dict[str, dict[str, FactSource]] = {}
        for entry in self.entries:
            for path, value in entry.facts.items():
                self._add(entry, path, value)

    def _add(self, entry: CaseEntry, path: str, value: Any) -> None:
        fact = self.vocabulary.facts.get(path)
        if fact is None or (fact.kind == "judgment" and entry.role != fact.known_by):
            return
        by_agency = self._sources.setdefault(path, {})
        by_agency.pop(entry.by, None)
        # None takes back what the same agency stated before.
        visible = None if value is None else _visible(value, fact, entry.role)
        by_agency[entry.by] = FactSource(visible, entry)

    @cached_property
    def known(self) -> Mapping[str, FactSource]:
        """Every fact on which all agencies agree, with the newest source, by path."""
        known = {}
        for path, by_agency in self._sources.items():
            sources = [source for source in by_agency.values() if source.value is not None]
            if sources and all(_is_same(source.value, sources[0].value) for source in sources):
                known[path] = sources[-1]
        return {path: known[path] for path in sorted(known)}

    @cached_property
    def conflicts(self) -> Mapping[str, tuple[FactSource, ...]]:
        """Every fact on which agencies differ, with each agency's source."""
        stated = {
            path: tuple(source for source in by_agency.values() if source.value is not None)
            for path, by_agency in sorted(self._sources.items())
        }
        return {
            path: sources for path, sources in stated.items() if sources and path not in self.known
        }

    def sources_of(self, path: str) -> tuple[FactSource, ...]:
        """Return the newest source of each agency on a fact."""
        return tuple(self._sources.get(path, {}).values())

    @cached_property
    def determined(self) -> Mapping[str, CaseEntry]:
        """The newest determination of each decision by the role with the last word on it."""
        newest: dict[str, tuple[int, CaseEntry]] = {}
        for entry in self.entries:
            if entry.determined is not None:
                decision = str(entry.determined["decision"])
                rank = _rank(decision, entry.role, self.vocabulary)
                if decision not in newest or rank <= newest[decision][0]:
                    newest[decision] = rank, entry
        return {decision: entry for decision, (_, entry) in sorted(newest.items())}

    @cached_property
    def attested(self) -> Mapping[str, FactSource]:
        """The outcomes that an agency attests, in place of the rules.

        None for a decision on which two agencies of the same rank differ.
        """
        best: dict[str, tuple[int, dict[str, FactSource]]] = {}
        for entry in self.entries:
            for decision, outcome in entry.outcomes.items():
                rank = _rank(decision, entry.role, self.vocabulary)
                best_rank, by_agency = best.get(decision, (rank, {}))
                if rank < best_rank:
                    best_rank, by_agency = rank, {}
                if rank == best_rank:
                    by_agency.pop(entry.by, None)
                    source = FactSource(outcome, entry)
                    best[decision] = best_rank, {**by_agency, entry.by: source}
        return {
            decision: list(by_agency.values())[-1]
            for decision, (_, by_agency) in sorted(best.items())
            if len({source.value for source in by_agency.values()}) == 1
        }

    # Deciding

    def decide(
        self,
        program: Program,
        decision: str,
        now: str,
        own: Mapping[str, Any] | None = None,
        silent: frozenset[str] = frozenset(),
    ) -> Answer:
        """Return the rules' answer.

        `now` is a UTC time. `own` are facts of this agency's own records, by path, used and not
        kept. `silent` are events that no agency which knows may tell this one, so that their
        absence means nothing. Raises as `Program.decide`.
        """
        facts = {path: source.value for path, source in self.known.items()} | dict(own or {})
        # The rules answer this decision whatever a person determined. An answer from records that
        # never travel can only be taken as it is, unless the records are here.
        word = self.vocabulary.decisions.get(decision)
        reads_records = bool(word and word.reads_criminal_history)
        attested = {
            name: source.value
            for name, source in self.attested.items()
            if name != decision or (reads_records and not own)
        }
        readings = []
        for events in self._events(own or {}, silent, now):
            facts_read = {
                **nested({**facts, **events}),
                "now": now,
                **({"decisions": attested} if attested else {}),
            }
            readings.append(program.decide(decision, facts_read))
        return Answer(self, decision, now, tuple(readings), frozenset(own or {}), silent)

    def _events(
        self, own: Mapping[str, Any], silent: frozenset[str], now: str
    ) -> Iterator[dict[str, Any]]:
        """Yield every way in which the events in doubt may have happened.

        Events in conflict at any of the times stated, or not yet. Silent events not yet, just now,
        or as early as anything that is known.
        """
        events = {
            path for path, fact in self.vocabulary.facts.items() if fact.kind == "event"
        } - set(own)
        first = min(
            (str(source.value) for path, source in self.known.items() if path in events),
            default=now,
        )
        choices: dict[str, Sequence[Any]] = {
            path: [None, *(source.value for source in sources)]
            for path, sources in self.conflicts.items()
            if path in events
        }
        for path in sorted(silent & events - set(self.known) - set(choices)):
            choices[path] = [None, *dict.fromkeys((now, first))]
        for number, values in enumerate(product(*choices.values())):
            if number == MOST_READINGS:
                return
            yield {
                path: value
                for path, value in zip(choices, values, strict=True)
                if value is not None
            }


class Answer:
    """The rules' answer on a case: one reading of it, or several where events are in doubt.

    `governed` says why these rules and not the newest count for a person who entered the program
    before them, None where no later rules are in force.
    """

    def __init__(
        self,
        case: Case,
        decision: str,
        now: str,
        readings: tuple[Decision, ...],
        own: frozenset[str],
        silent: frozenset[str],
    ) -> None:
        self.case = case
        self.decision = decision
        self.now = now
        self.readings = readings
        self.own = own
        self.silent = silent
        self.first = readings[0]
        self.governed: str | None = None

    @property
    def is_agreed(self) -> bool:
        """True if the answer is the same in every reading of the events in doubt."""
        return len(self.readings) < MOST_READINGS and all(
            (reading.status, reading.outcome, reading.possible)
            == (self.first.status, self.first.outcome, self.first.possible)
            for reading in self.readings
        )

    @property
    def status(self) -> str:
        """The status of the first reading, or `undetermined` where readings differ."""
        return self.first.status if self.is_agreed else "undetermined"

    @property
    def outcome(self) -> str | list[str] | None:
        """The outcome, or the outcomes that every reading has."""
        if self.is_agreed:
            return self.first.outcome
        if isinstance(self.first.outcome, list):
            return [
                outcome
                for outcome in self.first.outcome
                if all(outcome in (reading.outcome or ()) for reading in self.readings)
            ]
        return None

    @property
    def possible(self) -> list[str]:
        """The outcomes that any reading may have, in the decision's order."""
        possible = {outcome for reading in self.readings for outcome in reading.possible}
        outcomes = self.first.program.outcomes(self.decision)
        return [outcome for outcome in outcomes if outcome in possible] or self.first.possible

    @cached_property
    def needed(self) -> list[dict[str, Any]]:
        """The missing facts with the role to ask. A fact in conflict names the agencies."""
        needs: dict[str, dict[str, Any]] = {}
        for reading in self.readings:
            for need in reading.needed:
                needs.setdefault(need["fact"], dict(need))
        if not self.is_agreed:
            needs |= self._events_in_doubt()
        for need in needs.values():
            group = str(need["fact"]).partition("[")[0]
            if group in self.case.conflicts:
                need["conflict"] = [source.as_json() for source in self.case.conflicts[group]]
        return [needs[path] for path in sorted(needs)]

    def _events_in_doubt(self) -> dict[str, dict[str, Any]]:
        silent = self.silent - set(self.case.known) - self.own
        needs = {}
        for path in (self.conflicts.keys() | silent) & self.reads:
            fact = self.case.vocabulary.facts[path]
            if fact.kind == "event":
                needs[path] = {
                    "fact": path,
                    "question": fact.question,
                    "ask": fact.known_by,
                    "kind": fact.kind,
                    "rule": None,
                }
        return needs

    @cached_property
    def reads(self) -> frozenset[str]:
        """Every fact, event and other outcome that the rules in force read for this answer.

        Also the facts that determine which rules are in force.
        """
        read = {
            path for reading in self.readings for paths in reading.reads.values() for path in paths
        }
        names = {self.decision} | {
            path.partition(".")[2] for path in read if path.startswith("decisions.")
        }
        declared = self.first.program.pack.decisions
        return frozenset(
            read | {declared[name].governed_by for name in names if name in declared} - {"now"}
        )

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """The rules that gave the outcome, as `Decision.reasons`. Empty where readings differ."""
        return self.first.reasons if self.is_agreed else []

    def reads_of(self, reason: Mapping[str, Any]) -> frozenset[str]:
        """Return what a reason's rule reads, or the rule that its exception lifts."""
        return self.first.reads.get(reason.get("lifts", reason["rule"]), frozenset())

    @property
    def unshown(self) -> list[str]:
        """The facts that were read and are in no record of the log."""
        return sorted(
            {path for path, source in self.cited if not source.entry.is_logged}
            | self.own & self.reads
        )

    @cached_property
    def cited(self) -> tuple[tuple[str, FactSource], ...]:
        """Every agency's source of each fact that was read, and of each attested outcome."""
        facts = [
            (path, source)
            for path in sorted(self.reads - self.own)
            for source in self.case.sources_of(path)
        ]
        outcomes = (
            (path, source) for path, source in self.sources.items() if path.startswith("decisions.")
        )
        return (*facts, *outcomes)

    @cached_property
    def conflicts(self) -> Mapping[str, tuple[FactSource, ...]]:
        """The conflicts on which this answer may depend."""
        return {
            path: sources
            for path, sources in self.case.conflicts.items()
            if path in self.reads and path not in self.own
        }

    @cached_property
    def sources(self) -> Mapping[str, FactSource]:
        """Every fact that was known and read, with its source. Outcomes as `decisions.<name>`."""
        facts = {
            path: source
            for path, source in self.case.known.items()
            if path in self.reads and path not in self.own
        }
        outcomes = {f"decisions.{name}": source for name, source in self.case.attested.items()}
        return facts | {path: source for path, source in outcomes.items() if path in self.reads}

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `Decision.as_json`, with sources and conflicts."""
        value = self.first.as_json()
        value |= {
            "status": self.status,
            "outcome": self.outcome,
            "possible": self.possible,
            "needed": self.needed,
        }
        if not self.is_agreed:
            value |= {"next": None, "reasons": self.reasons}
        return {
            **{name: member for name, member in value.items() if name != "facts_digest"},
            "now": self.now,
            "governed": self.governed,
            "sources": {
                path: {name: member for name, member in source.as_json().items() if name != "value"}
                for path, source in self.sources.items()
            },
            "conflicts": {
                path: [source.as_json() for source in sources]
                for path, sources in self.conflicts.items()
            },
        }


def _in_force(
    entries: Iterable[CaseEntry], recalled: frozenset[tuple[str, str]]
) -> tuple[CaseEntry, ...]:
    """Return the entries in force, in order. A correction takes the position of its subject."""
    ordered = sorted(entries, key=lambda entry: entry.position)
    positions = {_key(entry): entry.position for entry in ordered}
    corrected = set()
    for entry in ordered:
        if entry.corrects is not None and (earlier := (entry.by, *entry.corrects)) in positions:
            corrected.add(earlier)
            # Through any number of corrections of corrections.
            positions[_key(entry)] = positions[earlier]
    dropped = corrected | {
        _key(entry) for entry in ordered if entry.record and (entry.record, entry.part) in recalled
    }
    kept = [entry for entry in ordered if entry.record is None or _key(entry) not in dropped]
    return tuple(
        sorted(kept, key=lambda entry: positions[_key(entry)] if entry.record else entry.position)
    )


def _key(entry: CaseEntry) -> tuple[str, str | None, str | None]:
    return entry.by, entry.record, entry.part


def _rank(decision: str, role: str | None, vocabulary: Vocabulary) -> int:
    """Return a role's rank among those that decide. The role of rank 0 has the last word."""
    word = vocabulary.decisions.get(decision)
    roles = LAST_WORD.get(decision) or ((word.decided_by,) if word else ())
    return roles.index(role) if role in roles else len(roles)


def _visible(value: Any, fact: Fact, role: str | None) -> Any:
    """Return a value as the rules read it: without entries' ids and without foreign judgments."""
    if fact.type != "list" or not isinstance(value, list | tuple):
        return value
    foreign = {
        field.name
        for field in fact.fields.values()
        if field.kind == "judgment" and role != fact.known_by
    }
    return [
        {name: member for name, member in entry.items() if name != "id" and name not in foreign}
        for entry in value
    ]


def _is_same(value: Any, other: Any) -> bool:
    """Compare two values. The order of a list's entries means nothing."""
    if isinstance(value, list) and isinstance(other, list):
        return len(value) == len(other) and sorted(map(repr, map(_members, value))) == sorted(
            map(repr, map(_members, other))
        )
    return bool(value == other)


def _members(entry: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted((name, value) for name, value in entry.items() if value is not None)
