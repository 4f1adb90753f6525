"""The decision: one question, one set of facts, one day.

`Program.decide` settles what is possible with the compiled rules; everything that explains it (reasons, questions, clocks,
digests, wording) is worked out by `Decision` when somebody reads it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from rules.decide import explain, say
from rules.decide.clocks import ClockReading, read_clock
from rules.decide.compile import Condition, Settle, Shown, compile_condition, compile_decision
from rules.decide.say import Sayings
from rules.decide.walk import World
from rules.errors import FactsError, Place, RequestError, nearest
from rules.frozen import kept
from rules.input.facts import Facts, printable, read_facts
from rules.language import tree
from rules.packs.digest import digest
from rules.packs.pack import Pack, Stated, conditions
from rules.packs.resolve import DecisionInForce, Segment, resolve

if TYPE_CHECKING:
    from rules.packs.offenses import Law

NOT_PART = "not_part_of_this_program"


class Program:
    """A pack ready to decide. `as_of` fixes the day whose rules apply; without it each decision's governing date does."""

    def __init__(self, pack: Pack, as_of: date | None = None) -> None:
        self.pack = pack
        self.as_of = as_of
        self._boundaries = pack.boundaries()
        self._compiled: dict[int, CompiledSegment] = {}
        self.law: Law | None = None
        if pack.offenses is not None:
            from rules.packs.offenses import Law  # a pack without a table doesn't need it

            self.law = Law(pack.offenses, as_of)
        if as_of is not None:
            self.refuse_day_outside(as_of, "as_of")

    def decide(self, name: str, facts: Mapping[str, Any] | Facts) -> Decision:
        """The decision `name` on `facts` (what `json.loads` gives, or `Facts` read before).

        Raises `FactsError` for facts that aren't what the vocabulary says, `RequestError` for a decision that no program
        knows or a day on which this one didn't run. Unknown facts are never an error.
        """
        read = facts if isinstance(facts, Facts) else self.read(facts)
        return self._asked(name, read)

    def outcome(self, name: str, facts: Mapping[str, Any] | Facts) -> str | list[str] | None:
        """The outcome alone, for whoever asks about thousands: nothing is kept that could explain it."""
        read = facts if isinstance(facts, Facts) else self.read(facts)
        return self._asked(name, read).outcome

    def _asked(self, name: str, facts: Facts) -> Decision:
        decision = Decision(
            Case(self, facts), name
        )  # not kept in the case, so that both go as soon as nobody holds them
        if decision.attested and decision.as_of is not None:
            self.refuse_day_outside(decision.as_of, str(decision.as_of_from))
        return decision

    @kept
    def by_another_date(self) -> Mapping[str, tuple[str, ...]]:
        """Per decision, those it reads that go by another date than its own, or read one that does.

        They are settled first, so that whether a day outside the program is refused never hangs on what a decision looks at.
        """
        reads = {name: sorted({part.decision for rule in one.rules.values() for condition in conditions(rule)
                               for part in tree.nodes(condition) if isinstance(part, tree.OutcomeOf)})
                 for name, one in self.pack.decisions.items()}  # fmt: skip
        found: dict[str, tuple[str, ...]] = dict.fromkeys(reads, ())
        for _ in reads:  # as often as one decision can hang on another
            for name, others in reads.items():
                by = self.pack.decisions[name].governed_by
                found[name] = tuple(
                    one
                    for one in others
                    if found[one] or self.pack.decisions[one].governed_by != by
                )
        return found

    def read(self, facts: Any) -> Facts:
        """Facts held against the pack's vocabulary, once, for any number of decisions."""
        read = read_facts(facts, self.pack.vocabulary)
        for name, outcome in read.attested.items():
            declared = self.pack.decisions.get(name)
            if declared is not None and outcome in declared.outcomes:
                continue
            path = f"decisions.{name}"
            outcomes = self.outcomes(name, Place(path=path))
            if outcome not in outcomes:
                shown = printable(outcome)
                raise FactsError(
                    "unknown-outcome",
                    f"`{shown}` is no outcome of `{name}`",
                    at=Place(path=path),
                    fix=nearest(shown, outcomes),
                )
        return read

    def outcomes(self, name: str, at: Place | None = None) -> tuple[str, ...]:
        """The outcomes of a decision, highest first; those of the vocabulary where this program hasn't got it."""
        known = self.pack.decisions.get(name) or self.pack.vocabulary.decisions.get(name)
        if known is None:
            names = tuple(dict.fromkeys([*self.pack.decisions, *self.pack.vocabulary.decisions]))
            shown = printable(name)
            at = Place(path=f"decisions.{shown}") if at else None
            raise RequestError(
                "unknown-decision",
                f"there is no decision `{shown}`",
                at=at,
                fix=nearest(shown, names),
            )
        return known.outcomes

    def on(self, day: date) -> Program:
        """The same pack by the rules of one day."""
        return Program(self.pack, day)

    def segment(self, day: date) -> CompiledSegment:
        index = bisect_right(self._boundaries, day)
        found = self._compiled.get(index)
        if found is None:
            found = self._compiled[index] = CompiledSegment(resolve(self.pack, day))
        return found

    def refuse_day_outside(self, day: date, given_by: str) -> None:
        program = self.pack.program
        if program.since is not None and day < program.since:
            raise RequestError(
                "outside-program",
                f"`{self.pack.id}` began on {program.since}, after {day}",
                at=Place(path=given_by),
                fix="ask about a later day",
            )
        if program.until is not None and day >= program.until:
            raise RequestError(
                "outside-program",
                f"`{self.pack.id}` ended on {program.until}, and {day} is later{_of_open_cases(program.open_cases)}",
                at=Place(path=given_by),
                fix="ask about an earlier day",
            )

    @kept
    def digest(self) -> str:
        return digest(self.pack)


def _of_open_cases(said: Stated | None) -> str:
    """What the pack says of the cases that were open then, as the end of a sentence."""
    if said is None:
        return ""
    doubt = " (doubtful)" if said.provisional else ""
    return f"; of cases then open it says: {said.says.rstrip('.')}{doubt}"


class CompiledSegment:
    """A segment with its decisions compiled when they are first asked for."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._settle: dict[str, Settle] = {}
        self._sayings: dict[str, Sayings] = {}
        self._conditions: dict[int, Condition] = {}

    def settle(self, name: str) -> Settle:
        found = self._settle.get(name)
        if found is None:
            found = self._settle[name] = compile_decision(
                self.segment.decisions[name], self.segment.parameters
            )
        return found

    def sayings(self, name: str) -> Sayings:
        found = self._sayings.get(name)
        if found is None:
            found = self._sayings[name] = Sayings(self.segment, self.segment.decisions[name])
        return found

    def condition(self, node: tree.Tree) -> Condition:
        found = self._conditions.get(id(node))
        if found is None:
            found = self._conditions[id(node)] = compile_condition(node, self.segment.parameters)
        return found


class Case:
    """The facts of one case under one program; remembers what other decisions and clocks said."""

    def __init__(self, program: Program, facts: Facts) -> None:
        self.program = program
        self.given = facts
        self.facts = facts if program.law is None else program.law.filled(facts)
        self.decided: dict[str, Decision] = {}

    def decide(self, name: str) -> Decision:
        found = self.decided.get(name)
        if found is None:
            found = self.decided[name] = Decision(self, name)
        return found

    def outcome(self, name: str) -> str | None:
        attested = self.facts.attested.get(name)
        if attested is not None:
            return attested
        outcome = self.decide(name).outcome
        return outcome if isinstance(outcome, str) else None

    def governing_day(self, governed_by: str) -> tuple[date | None, str]:
        """The day whose rules apply and where it comes from; None while it isn't known."""
        program = self.program
        if program.as_of is not None:
            return program.as_of, "as_of"
        at = self.facts.known.get(governed_by)
        if at is None:
            return None, governed_by
        if governed_by == "now":
            return _day_in(at, program.pack.time_zone), governed_by
        day: date = at
        return day, governed_by

    def clock(self, name: str, segment: Segment) -> ClockReading:
        clock = segment.clocks[name]
        length = segment.parameters[clock.length]
        return read_clock(
            clock, length, segment.pack.parameters[clock.length].unit, self.facts.known
        )


def _day_in(at: Any, time_zone: str) -> date:
    from zoneinfo import ZoneInfo

    try:
        day: date = at.astimezone(ZoneInfo(time_zone)).date()
    except OverflowError:
        day = at.date()
    return day


class Decision:
    """The answer. `status` is `decided` or `undetermined`; `outcome` None while undetermined (of a collecting decision:
    the outcomes that are sure); `possible` every outcome that facts still missing could bring, highest first.
    """

    def __init__(self, case: Case, name: str) -> None:
        self.case = case
        self.decision = name
        program, pack = case.program, case.program.pack
        self.segment: CompiledSegment | None = None
        self.as_of: date | None = None
        self.as_of_from: str | None = None
        self.possible: list[str]
        self.outcome: str | list[str] | None
        self.status: str
        declared = pack.decisions.get(name)
        if declared is None:
            program.outcomes(name)
            self.decided_by = pack.vocabulary.decisions[name].decided_by
            self._say([NOT_PART], collect=False)
            return
        self.decided_by = declared.decided_by
        self.as_of, self.as_of_from = case.governing_day(declared.governed_by)
        if self.as_of is not None:
            self.segment = program.segment(self.as_of)
        attested = case.facts.attested.get(name)
        if attested is not None:
            self._say([attested], collect=declared.collect, sure=[attested])
            return
        if self.as_of is None or self.segment is None:
            given = {rule.then for rule in declared.rules.values()} | {declared.otherwise.outcome}
            self.possible = [one for one in declared.outcomes if one in given]
            self.outcome, self.status = ([] if declared.collect else None), "undetermined"
            return
        program.refuse_day_outside(self.as_of, self.as_of_from)
        for other in program.by_another_date[name]:
            if other not in case.facts.attested:
                case.decide(other)
        if declared.collect:
            self._collect()
        else:
            settle = self.segment.settle(name)
            self._say(settle(case.facts.known, case.outcome, self._status_of), collect=False)

    def _say(self, possible: list[str], *, collect: bool, sure: list[str] | None = None) -> None:
        self.possible = possible
        if collect:
            self.outcome = sure or []
            decided = self.outcome == possible
        else:
            self.outcome = possible[0] if len(possible) == 1 else None
            decided = self.outcome is not None
        self.status = "decided" if decided else "undetermined"

    def _collect(self) -> None:
        """Every outcome with a true rule; perhaps those with an unknown one; the default while none is surely true."""
        assert self.segment is not None
        sure, perhaps = [], []
        for outcome, rules in self.rules_in_force.ranks:
            values = [self.value(rule.condition) for rule in rules]
            if True in values:
                sure.append(outcome)
            elif None in values:
                perhaps.append(outcome)
        last = self.rules_in_force.otherwise.outcome
        if not sure:
            (perhaps if perhaps else sure).append(last)
        order = self.rules_in_force.decision.outcomes.index
        self._say(sorted({*sure, *perhaps}, key=order), collect=True, sure=sorted(sure, key=order))

    # What everything below reads

    @property
    def in_force(self) -> DecisionInForce | None:
        """The decision's rules on the day; None if the day isn't known or the program hasn't got the decision."""
        return self.segment.segment.decisions[self.decision] if self.segment else None

    @property
    def rules_in_force(self) -> DecisionInForce:
        assert self.segment is not None
        return self.segment.segment.decisions[self.decision]

    def _status_of(self, clock: str) -> str | None:
        assert self.segment is not None
        if clock not in self.segment.segment.clocks:
            return "not_started"
        status = self.case.clock(clock, self.segment.segment).status
        return None if status == "unknown" else status

    @property
    def sayings(self) -> Sayings:
        """What is said of the decision's rules on the day."""
        assert self.segment is not None
        return self.segment.sayings(self.decision)

    def value(self, condition: tree.Tree) -> bool | None:
        assert self.segment is not None
        return self.segment.condition(condition)(
            self.case.facts.known, self.case.outcome, self._status_of
        )

    def shown(self, shown: Shown) -> dict[str, Any]:
        return shown(self.case.facts.known, self.case.outcome, self._status_of)

    @kept
    def world(self) -> World:
        assert self.segment is not None
        return World(
            self.case.facts.known,
            self.segment.segment.parameters,
            self.case.outcome,
            self._status_of,
        )

    @kept
    def reads(self) -> dict[str, frozenset[str]]:
        """Per rule in force, all that it reads, known or not: facts and lists by path, its clocks' events, and other decisions,
        as `decisions.<name>` and, where they aren't attested, with what they read themselves.
        """
        if self.segment is None:
            return {}
        return {rule.rule.id: self._read_by(rule.condition) for rule in self.rules_in_force.rules}

    def _read_by(self, condition: tree.Tree) -> frozenset[str]:
        assert self.segment is not None
        named = explain.names(condition)
        found = {*named.facts, *(path for path, _ in named.lists)}
        for name in named.clocks:
            if (clock := self.segment.segment.clocks.get(name)) is not None:
                found |= {
                    one
                    for one in (clock.start, clock.stop, clock.repeats, clock.tolling)
                    if one is not None
                }
        for name in named.decisions:
            found.add(f"decisions.{name}")
            word = self.program.pack.vocabulary.decisions.get(name)
            if name not in self.case.facts.attested and not (word and word.keeps_its_needs):
                found |= frozenset[str]().union(*self.case.decide(name).reads.values())
        return frozenset(found)

    @property
    def attested(self) -> bool:
        return (
            self.decision in self.case.facts.attested
            and self.decision in self.program.pack.decisions
        )

    @property
    def program(self) -> Program:
        return self.case.program

    # What is missing

    @kept
    def needed(self) -> list[dict[str, Any]]:
        """What to ask whom, sorted by path; empty when decided."""
        if self.status == "decided":
            return []
        if self.segment is None:
            assert self.as_of_from is not None
            return [self._question(explain.Leaf(self.as_of_from), None)]
        found: dict[str, dict[str, Any]] = {}
        for outcome, rules in self.rules_in_force.ranks:
            if outcome not in self.possible:
                continue
            values = [self.value(rule.condition) for rule in rules]
            if True in values:
                continue
            for rule, value in zip(rules, values, strict=True):
                if value is None:
                    for leaf in explain.unknown(rule.condition, self.world).values():
                        self._ask(leaf, rule.rule.id, found)
        return [found[path] for path in sorted(found)]

    def _ask(self, leaf: explain.Leaf, rule: str, found: dict[str, dict[str, Any]]) -> None:
        found.setdefault(leaf.path, self._question(leaf, rule))
        if leaf.decision is not None:
            word = self.program.pack.vocabulary.decisions.get(leaf.decision)
            if word is None or not word.keeps_its_needs:
                for entry in self.case.decide(leaf.decision).needed:
                    found.setdefault(entry["fact"], entry)

    def _question(self, leaf: explain.Leaf, rule: str | None) -> dict[str, Any]:
        if leaf.decision is not None:
            declared = self.program.pack.decisions[leaf.decision]
            return {
                "fact": leaf.path,
                "question": declared.asks,
                "ask": declared.decided_by,
                "kind": "decision",
                "rule": rule,
            }
        fact = leaf.fact or self.program.pack.vocabulary.facts.get(leaf.path)
        if fact is None:  # the caller's own `as_of`
            return {
                "fact": leaf.path,
                "question": "On what day does the question stand?",
                "ask": "hub",
                "kind": "record",
                "rule": rule,
            }
        return {
            "fact": leaf.path,
            "question": fact.question,
            "ask": fact.known_by,
            "kind": fact.kind,
            "rule": rule,
        }

    # Why

    @kept
    def reasons(self) -> list[dict[str, Any]]:
        """The rules that gave the outcome, or the default; of an undetermined decision those that are sure already."""
        return say.reasons(self)

    @kept
    def offenses(self) -> list[dict[str, Any]]:
        """What the offense table said of the charges that the decision reads: filled in, or otherwise than given."""
        return say.offenses(self)

    @kept
    def considered(self) -> list[dict[str, Any]]:
        """Every rule in force with its value and the known facts that settled it."""
        return say.considered(self)

    @kept
    def provisional(self) -> list[str]:
        """What the decision rests on that its sources leave doubtful."""
        return say.provisional(self)

    @property
    def next(self) -> dict[str, str] | None:
        """What may be done now, and by whom."""
        return say.next_step(self)

    @kept
    def obligations(self) -> list[str]:
        """What must go with it: each obligation unless its condition is surely false."""
        if self.segment is None:
            return []
        return [
            one.id for one in self.rules_in_force.obligations if self.value(one.when) is not False
        ]

    @kept
    def clocks(self) -> list[dict[str, Any]]:
        """Every clock of the program at `now`, for the decisions that read clocks."""
        word = self.program.pack.vocabulary.decisions.get(self.decision)
        if self.segment is None or word is None or not word.reads_clocks:
            return []
        segment = self.segment.segment
        return [self.case.clock(name, segment).as_json() for name in sorted(segment.clocks)]

    @property
    def pack(self) -> dict[str, str | None]:
        as_of = self.as_of.isoformat() if self.as_of else None
        return {
            "id": self.program.pack.id,
            "digest": self.program.digest,
            "as_of": as_of,
            "as_of_from": self.as_of_from if self.as_of else None,
        }

    @property
    def facts_digest(self) -> str:
        """Names the facts; never goes into an exchange record, where it could be guessed back."""
        return self.case.given.digest()

    def as_json(self, *, considered: bool = False) -> dict[str, Any]:
        """The shape of DESIGN 2.5, keys in that order."""
        shown: dict[str, Any] = {
            "decision": self.decision,
            "status": self.status,
            "outcome": self.outcome,
            "possible": self.possible,
            "decided_by": self.decided_by,
            "next": self.next,
            "pack": self.pack,
            "reasons": self.reasons,
            "needed": self.needed,
            "obligations": self.obligations,
            "clocks": self.clocks,
            "provisional": self.provisional,
            "facts_digest": self.facts_digest,
        }
        if self.offenses:
            shown["offenses"] = self.offenses
        if considered:
            shown["considered"] = self.considered
        return shown
