"""One case as one agency may see it: every fact with the record that says it, and the rules' answers on them. Pure.

Facts come from what this agency opened, what it issued, and what it noted for itself. The newest word of each agency counts; a
correction stands in the place of what it corrects, and of nothing else. Two agencies that say different things make a fact
unknown, with both named: nobody here is believed more than another, but in two matters. A judgment is its human's own, so it
counts from the agency whose human that is. And a decision's outcome counts from whoever has the last word on it.

An event on which two agencies differ is neither recorded nor not: what reads it is decided only where the answer is the same
either way.
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

# Where each decision is worked out: there its facts may be. `admission` and `eligibility` fall to the case managers where a
# directory lists no program.
WORKED_OUT_BY: Mapping[str, tuple[str, ...]] = {
    "offer": ("police", "prosecutor"),
    "screening": ("police", "prosecutor"),
    "eligibility": ("program",),
    "admission": ("program",),
    "filing": ("prosecutor",),
    "ejection": ("prosecutor",),
    "review": ("case_management",),
}
# Who has the last word on a decision, the highest first; on any other, whoever decides it.
LAST_WORD: Mapping[str, tuple[str, ...]] = {
    "eligibility": ("prosecutor", "program"),
    "admission": ("prosecutor", "program"),
}
# Conflicting events give as many readings of a case; beyond these nobody could follow an answer.
MOST_READINGS = 64
LATEST = float(2**53)


@frozen
class Stated:
    """What one part says, and where: by which agency, in which role, at which place in the log (`LATEST`: not there yet), in
    which part of which record (None: only noted here). `facts` by path; `outcomes` by decision; `corrects` names record and
    part.
    """

    by: str
    role: str | None
    place: float
    record: str | None
    part: str | None
    facts: Mapping[str, Any]
    outcomes: Mapping[str, str]
    determined: Mapping[str, Any] | None = None
    corrects: tuple[str, str] | None = None

    @property
    def logged(self) -> bool:
        """Whether it stands in a record that the log holds: others can be shown it."""
        return self.record is not None and self.place < LATEST


@frozen
class Said:
    """One agency's newest word on one fact, and the part that holds it."""

    value: Any
    stated: Stated

    def as_json(self) -> dict[str, Any]:
        return {
            "by": self.stated.by,
            "value": self.value,
            "record": self.stated.record,
            "part": self.stated.part,
        }


class Case:
    """What is known of a case. `stated` in any order; `recalled` are the parts, by record and id, whose issuer wants them back:
    nothing is decided on them any more.
    """

    def __init__(
        self,
        stated: Iterable[Stated],
        vocabulary: Vocabulary,
        recalled: Iterable[tuple[str, str]] = (),
        *,
        here: str = "",
    ) -> None:
        self.vocabulary = vocabulary
        self.here = here
        self.stated = _standing(stated, frozenset(recalled))
        self._said: dict[str, dict[str, Said]] = {}
        for each in self.stated:
            for path, value in each.facts.items():
                self._say(each, path, value)

    def _say(self, each: Stated, path: str, value: Any) -> None:
        fact = self.vocabulary.facts.get(path)
        if fact is None or (fact.kind == "judgment" and each.role != fact.known_by):
            return
        by = self._said.setdefault(path, {})
        by.pop(each.by, None)
        # None takes back what the same agency said before.
        by[each.by] = Said(None if value is None else _plain(value, fact, each.role), each)

    @cached_property
    def known(self) -> Mapping[str, Said]:
        """Every fact on which all who speak of it agree, with the newest that says it, by path."""
        found = {}
        for path, by in self._said.items():
            said = [one for one in by.values() if one.value is not None]
            if said and all(_same(one.value, said[0].value) for one in said):
                found[path] = said[-1]
        return {path: found[path] for path in sorted(found)}

    @cached_property
    def conflicts(self) -> Mapping[str, tuple[Said, ...]]:
        """Every fact on which agencies differ, with each one's word."""
        found = {
            path: tuple(one for one in by.values() if one.value is not None)
            for path, by in sorted(self._said.items())
        }
        return {path: said for path, said in found.items() if said and path not in self.known}

    def words(self, path: str) -> tuple[Said, ...]:
        """The newest word of each agency on a fact."""
        return tuple(self._said.get(path, {}).values())

    @cached_property
    def determined(self) -> Mapping[str, Stated]:
        """The newest determination of each decision by who has the last word on it."""
        found: dict[str, tuple[int, Stated]] = {}
        for each in self.stated:
            if each.determined is not None:
                decision = str(each.determined["decision"])
                rank = _rank(decision, each.role, self.vocabulary)
                if decision not in found or rank <= found[decision][0]:
                    found[decision] = rank, each
        return {decision: each for decision, (_, each) in sorted(found.items())}

    @cached_property
    def attested(self) -> Mapping[str, Said]:
        """The outcomes that somebody answers for, in place of the rules; none where two who are alike differ."""
        best: dict[str, tuple[int, dict[str, Said]]] = {}
        for each in self.stated:
            for decision, outcome in each.outcomes.items():
                rank = _rank(decision, each.role, self.vocabulary)
                held, by = best.get(decision, (rank, {}))
                if rank < held:
                    held, by = rank, {}
                if rank == held:
                    by.pop(each.by, None)
                    best[decision] = held, {**by, each.by: Said(outcome, each)}
        return {
            decision: list(by.values())[-1]
            for decision, (_, by) in sorted(best.items())
            if len({one.value for one in by.values()}) == 1
        }

    # Deciding

    def decide(
        self,
        program: Program,
        decision: str,
        now: str,
        own: Mapping[str, Any] | None = None,
        untold: frozenset[str] = frozenset(),
    ) -> Answer:
        """The rules' answer. `now` is a UTC time; `own` are facts of this agency's own records, by path, used and not kept;
        `untold` events of which nobody who knows may tell this agency, so that silence about them says nothing.

        Raises as `Program.decide`.
        """
        facts = {path: said.value for path, said in self.known.items()} | dict(own or {})
        # The rules say what they say of this decision, whatever somebody determined; an answer from records that never travel
        # can only be taken as it is, unless the records are here.
        word = self.vocabulary.decisions.get(decision)
        records = bool(word and word.reads_criminal_history and own)
        attested = {
            name: said.value
            for name, said in self.attested.items()
            if name != decision
            or (word is not None and word.reads_criminal_history and not records)
        }
        readings = []
        for events in self._events(own or {}, untold, now):
            given = {
                **nested({**facts, **events}),
                "now": now,
                **({"decisions": attested} if attested else {}),
            }
            readings.append(program.decide(decision, given))
        return Answer(self, decision, now, tuple(readings), frozenset(own or {}), untold)

    def _events(
        self, own: Mapping[str, Any], untold: frozenset[str], now: str
    ) -> Iterator[dict[str, Any]]:
        """Every way in which events may have been that are in conflict, at any of the times said or not yet; and those that
        can't be told here: not yet, just now, or as early as anything that is known.
        """
        events = {
            path for path, fact in self.vocabulary.facts.items() if fact.kind == "event"
        } - set(own)
        first = min(
            (str(said.value) for path, said in self.known.items() if path in events), default=now
        )
        choices: dict[str, Sequence[Any]] = {
            path: [None, *(one.value for one in said)]
            for path, said in self.conflicts.items()
            if path in events
        }
        for path in sorted(untold & events - set(self.known) - set(choices)):
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
    """What the rules answer on a case: one reading of it, or several where events are in conflict or can't be told here."""

    def __init__(
        self,
        case: Case,
        decision: str,
        now: str,
        readings: tuple[Decision, ...],
        own: frozenset[str],
        untold: frozenset[str],
    ) -> None:
        self.case = case
        self.decision = decision
        self.now = now
        self.readings = readings
        self.own = own
        self.untold = untold
        self.first = readings[0]
        # Why these rules and not the newest count for somebody who was in the program before them; None where none came since.
        self.governed: str | None = None

    @property
    def agreed(self) -> bool:
        """Whether the answer is the same however the events were of which there is doubt."""
        return len(self.readings) < MOST_READINGS and all(
            (one.status, one.outcome, one.possible)
            == (self.first.status, self.first.outcome, self.first.possible)
            for one in self.readings
        )

    @property
    def status(self) -> str:
        return self.first.status if self.agreed else "undetermined"

    @property
    def outcome(self) -> str | list[str] | None:
        if self.agreed:
            return self.first.outcome
        if isinstance(self.first.outcome, list):
            return [
                one
                for one in self.first.outcome
                if all(one in (each.outcome or ()) for each in self.readings)
            ]
        return None

    @property
    def possible(self) -> list[str]:
        found = {one for each in self.readings for one in each.possible}
        return [
            one for one in self.first.program.outcomes(self.decision) if one in found
        ] or self.first.possible

    @cached_property
    def needed(self) -> list[dict[str, Any]]:
        """What to ask whom. A fact in conflict says so, and between whom."""
        found: dict[str, dict[str, Any]] = {}
        for each in self.readings:
            for entry in each.needed:
                found.setdefault(entry["fact"], dict(entry))
        if not self.agreed:
            for path in (
                self.conflicts.keys() | self.untold - set(self.case.known) - self.own
            ) & self.reads:
                fact = self.case.vocabulary.facts[path]
                if fact.kind == "event":
                    found[path] = {
                        "fact": path,
                        "question": fact.question,
                        "ask": fact.known_by,
                        "kind": fact.kind,
                        "rule": None,
                    }
        for entry in found.values():
            group = str(entry["fact"]).partition("[")[0]
            if group in self.case.conflicts:
                entry["conflict"] = [one.as_json() for one in self.case.conflicts[group]]
        return [found[path] for path in sorted(found)]

    @cached_property
    def reads(self) -> frozenset[str]:
        """Every fact, event and other decision's outcome that the rules in force read for this answer; and the facts that say
        which rules those are.
        """
        read = {path for each in self.readings for paths in each.reads.values() for path in paths}
        named = {self.decision} | {
            path.partition(".")[2] for path in read if path.startswith("decisions.")
        }
        declared = self.first.program.pack.decisions
        return frozenset(
            read | {declared[name].governed_by for name in named if name in declared} - {"now"}
        )

    @property
    def reasons(self) -> list[dict[str, Any]]:
        """The rules that gave the outcome, as `Decision.reasons`; none where only some readings have it."""
        return self.first.reasons if self.agreed else []

    def reads_of(self, reason: Mapping[str, Any]) -> frozenset[str]:
        """What a reason's rule reads, or the rule that its exception lifts; nothing, where no rule gave the outcome."""
        return self.first.reads.get(reason.get("lifts", reason["rule"]), frozenset())

    @property
    def unshown(self) -> list[str]:
        """The facts that were read and stand in no record of the log."""
        return sorted(
            {path for path, said in self.cited if not said.stated.logged} | self.own & self.reads
        )

    @cached_property
    def cited(self) -> tuple[tuple[str, Said], ...]:
        """Everybody's word on each fact that was read, and each outcome that stood in place of the rules."""
        facts = [
            (path, said) for path in sorted(self.reads - self.own) for said in self.case.words(path)
        ]
        return (
            *facts,
            *((path, said) for path, said in self.sources.items() if path.startswith("decisions.")),
        )

    @cached_property
    def conflicts(self) -> Mapping[str, tuple[Said, ...]]:
        """The conflicts that this answer may hang on."""
        return {
            path: said
            for path, said in self.case.conflicts.items()
            if path in self.reads and path not in self.own
        }

    @cached_property
    def sources(self) -> Mapping[str, Said]:
        """Every fact that was known and read, with the part that says it; other decisions as `decisions.<name>`."""
        facts = {
            path: said
            for path, said in self.case.known.items()
            if path in self.reads and path not in self.own
        }
        outcomes = {f"decisions.{name}": said for name, said in self.case.attested.items()}
        return facts | {path: said for path, said in outcomes.items() if path in self.reads}

    def as_json(self) -> dict[str, Any]:
        """As `Decision.as_json`, with where each fact comes from and what is in conflict."""
        shown = self.first.as_json()
        shown |= {
            "status": self.status,
            "outcome": self.outcome,
            "possible": self.possible,
            "needed": self.needed,
        }
        if not self.agreed:
            shown |= {"next": None, "reasons": self.reasons}
        return {
            **{name: value for name, value in shown.items() if name != "facts_digest"},
            "now": self.now,
            "governed": self.governed,
            "sources": {
                path: {name: value for name, value in said.as_json().items() if name != "value"}
                for path, said in self.sources.items()
            },
            "conflicts": {
                path: [one.as_json() for one in said] for path, said in self.conflicts.items()
            },
        }


def _standing(stated: Iterable[Stated], recalled: frozenset[tuple[str, str]]) -> tuple[Stated, ...]:
    """What still stands, in the order in which it was said; a correction in the place of what its issuer corrects with it."""
    every = sorted(stated, key=lambda one: one.place)
    place = {_key(one): one.place for one in every}
    corrected = set()
    for each in every:
        if each.corrects is not None and (earlier := (each.by, *each.corrects)) in place:
            corrected.add(earlier)
            # Through any number of corrections of corrections.
            place[_key(each)] = place[earlier]
    gone = {
        _key(one) for one in every if one.record and (one.record, one.part) in recalled
    } | corrected
    left = [one for one in every if one.record is None or _key(one) not in gone]
    return tuple(sorted(left, key=lambda one: place[_key(one)] if one.record else one.place))


def _key(one: Stated) -> tuple[str, str | None, str | None]:
    return one.by, one.record, one.part


def _rank(decision: str, role: str | None, vocabulary: Vocabulary) -> int:
    """How far down somebody stands among those who have a word on a decision; 0 has the last."""
    word = vocabulary.decisions.get(decision)
    roles = LAST_WORD.get(decision) or ((word.decided_by,) if word else ())
    return roles.index(role) if role in roles else len(roles)


def _plain(value: Any, fact: Fact, role: str | None) -> Any:
    """A value as the rules read it: a record's entries have ids, which they don't see, and judgments are their human's own."""
    if fact.type != "list" or not isinstance(value, list | tuple):
        return value
    foreign = {
        one.name for one in fact.fields.values() if one.kind == "judgment" and role != fact.known_by
    }
    return [
        {name: one for name, one in entry.items() if name != "id" and name not in foreign}
        for entry in value
    ]


def _same(one: Any, other: Any) -> bool:
    """Whether two values say the same; the order of a list's entries says nothing."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and sorted(map(repr, map(_sorted, one))) == sorted(
            map(repr, map(_sorted, other))
        )
    return bool(one == other)


def _sorted(entry: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return sorted((name, value) for name, value in entry.items() if value is not None)
