"""The answers of programs to the cases of a file: alone, side by side, or before and after."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Mapping, Sequence
from datetime import date
from typing import Any

import rules
from offramp.policy.cohort.completions import Completions
from offramp.policy.cohort.missing_facts import Missing, missing_facts
from offramp.policy.cohort.possible import Outcomes, Possible
from rules.decide.ruling import CHARGES, CaseFacts, Ruling
from rules.decide.same_law import depends_on_law_alone, law_changes
from rules.decide.scene_day import DAY
from rules.decide.search_space import DECISION
from rules.errors import RequestError
from rules.frozen import cached_property, frozen
from rules.input.facts import Facts
from rules.input.printing import printable
from rules.input.vocabulary import nested
from rules.packs.law import Law

NOT_RUNNING = "program_not_running"


@frozen
class Side:
    """A program and the decision that it is asked for."""

    program: rules.Program
    decision: str

    def ruling(
        self,
        facts: Mapping[str, Any],
        of_charges: Mapping[str, Any] | None = None,
        *,
        needs_row: bool = False,
    ) -> Ruling | None:
        """Decide a case. None if the program did not run on its day. Raises `FactsError`.

        `of_charges` are fields that each charge has if neither the case nor the law states them.
        With `needs_row`, only a charge whose section is in the offense table has them.
        """
        checked = self.checked(facts, of_charges, needs_row=needs_row)
        try:
            return Ruling(CaseFacts(self.program, checked), self.decision)
        except RequestError as refusal:
            if refusal.code != "outside-program":
                raise
            return None

    def checked(
        self,
        facts: Mapping[str, Any],
        of_charges: Mapping[str, Any] | None,
        *,
        needs_row: bool = False,
    ) -> Facts:
        """Return the facts of a case, with fields that its charges lack. Raises `FactsError`."""
        checked = self.program.read_to_decide(facts)
        if not of_charges:
            return checked
        return _with_fields(checked, self.program.law, of_charges, needs_row)

    def knows(self, path: str) -> bool:
        """Return whether a path is a fact or a decision that the program knows."""
        pack = self.program.pack
        name = path.removeprefix(DECISION)
        if name != path:
            return name in pack.vocabulary.decisions or name in pack.decisions
        of_list, _, field = path.rpartition(".")
        facts = pack.vocabulary.facts
        return path in facts or (of_list in facts and field in facts[of_list].fields)

    @cached_property
    def outcomes(self) -> tuple[str, ...]:
        """The answers there are, in the order in which tables have them: the best first.

        Raises `RequestError` for a decision that isn't known, or that has several answers at once.
        """
        outcomes = self.program.outcomes(self.decision)
        declared = self.program.pack.decisions.get(self.decision)
        if declared is not None and declared.collect:
            raise RequestError(
                "usage",
                f"`{printable(self.decision)}` has several answers at once, and a table counts one",
                fix="count by another decision, such as `eligibility`",
            )
        return tuple(reversed(outcomes))


@frozen
class Question:
    """What is asked of each case: one side alone, or two sides, before and after a change.

    `never` are changes of the answer that are proved to happen in no case. Those that are
    `occurring` in some case are counted even if no row has them. With `of_all_rows`, the answers
    aren't counted for each group.
    """

    sides: tuple[Side, ...]
    never: frozenset[Outcomes] = frozenset()
    occurring: frozenset[Outcomes] = frozenset()
    of_all_rows: bool = False

    @property
    def is_same_twice(self) -> bool:
        """True if both sides are the same rules, so that no answer can change."""
        if len(self.sides) < 2:
            return False
        before, after = self.sides
        return (before.decision, before.program.as_of, before.program.digest) == (
            after.decision,
            after.program.as_of,
            after.program.digest,
        )


class Answerer:
    """Answers questions about cases.

    With `needs_row`, a field is assumed only of a charge whose section the offense table has. Of
    another charge the table's row might state it.
    """

    def __init__(
        self,
        questions: Sequence[Question],
        completions: Completions,
        assumed: Mapping[str, Any] | None = None,
        *,
        needs_row: bool = False,
    ) -> None:
        self.questions = tuple(questions)
        self._completions = completions
        self._needs_row = needs_row
        self._assumed = dict(assumed or {})
        self.sides = tuple(side for question in questions for side in question.sides)
        for side in self.sides:
            side.outcomes  # noqa: B018  # refuse a decision before any row
        # INVARIANT: the sides keep their programs alive, so an id names one program.
        self._known_to = {
            id(side.program): _AssumedOfPack(side, self._assumed) for side in self.sides
        }
        self._changes = [
            law_changes(side.program) for side in self.sides if side.program.as_of is None
        ]
        self._is_day_read = not all(
            depends_on_law_alone(side.program, side.decision) for side in self.sides
        )

    def day_matters(self, day: date | None) -> Hashable:
        """Return what of a row's day can change an answer."""
        if self._is_day_read or day is None:
            return day
        return tuple(bisect_right(changes, day) for changes in self._changes)

    def answer(self, facts: Any, missing: list[Missing] | None = None) -> tuple[Possible, ...]:
        """Return the possible answers to each question. Raises `FactsError`.

        Of each question, the facts that leave several answers are added to `missing`.
        """
        return tuple(
            _without_never(self._possible(question, facts, number, missing), question.never)
            for number, question in enumerate(self.questions)
        )

    def checked(self, side: Side, facts: dict[str, Any]) -> Facts:
        """Return the facts of a case as a side decides it, with what is assumed.

        Raises `FactsError`.
        """
        assumed = self._known_to[id(side.program)]
        with_assumed = assumed.added_to(facts)
        return side.checked(with_assumed, assumed.of_charges, needs_row=self._needs_row)

    @property
    def attested(self) -> dict[str, str]:
        """The answers of other decisions that are assumed."""
        return {
            path.removeprefix(DECISION): value
            for path, value in self._assumed.items()
            if path.startswith(DECISION)
        }

    def _possible(
        self, question: Question, facts: Any, number: int, missing: list[Missing] | None = None
    ) -> Possible:
        if question.is_same_twice:
            alone = self._possible(Question(question.sides[:1]), facts, number, missing)
            return Possible(frozenset(outcomes * 2 for outcomes in alone.outcomes), alone.why)
        rulings = [self._ruling(side, facts) for side in question.sides]
        running = [ruling for ruling in rulings if ruling is not None]
        possible = (
            self._completions.possible(running, number) if running else Possible(frozenset({()}))
        )
        if missing is not None:
            is_open = len(possible.outcomes) > 1
            missing.append(missing_facts(running) if is_open else frozenset())
        if len(running) == len(rulings):
            return possible
        return Possible(
            frozenset(_with_gaps(rulings, outcomes) for outcomes in possible.outcomes),
            possible.why,
        )

    def _ruling(self, side: Side, facts: Any) -> Ruling | None:
        assumed = self._known_to[id(side.program)]
        with_assumed = assumed.added_to(facts)
        return side.ruling(with_assumed, assumed.of_charges, needs_row=self._needs_row)


class _AssumedOfPack:
    """What is assumed of the facts of one pack. A fact of one pack alone is no fact of another.

    Of a list, a detail is assumed of each entry that a case lists without it, and of no other: it
    never makes a list. Details of charges are added after the law, in `of_charges`.
    """

    def __init__(self, side: Side, assumed: Mapping[str, Any]) -> None:
        facts = side.program.pack.vocabulary.facts
        self._alone: dict[str, Any] = {}
        details: dict[str, dict[str, Any]] = {}
        for path, value in assumed.items():
            if not side.knows(path):
                continue
            of_list, _, name = path.rpartition(".")
            if of_list in facts:
                details.setdefault(of_list, {})[name] = value
            else:
                self._alone[path] = value
        charge = details.pop(CHARGES, {})
        records = side.program.read(nested({CHARGES: [charge]})).known[CHARGES] if charge else [{}]
        self.of_charges: Mapping[str, Any] = records[0]
        self._details = details

    def added_to(self, facts: Any) -> Any:
        """Return facts with what is assumed. What they state is never replaced."""
        if not (self._alone or self._details) or not isinstance(facts, dict):
            return facts
        copy = dict(facts)
        for path, value in self._alone.items():
            _set_if_absent(copy, path, value)
        for path, fields in self._details.items():
            _add_details(copy, path, fields)
        return copy


def _without_never(possible: Possible, never: frozenset[Outcomes]) -> Possible:
    """Return what can be, without changes that are proved to happen in no case.

    A sharp result was found by a solver. It is left as it is.
    """
    left = possible.outcomes - never if never and not possible.is_sharp else None
    return Possible(left, possible.why, possible.deciders) if left else possible


def _with_gaps(rulings: Sequence[Ruling | None], outcomes: tuple[str, ...]) -> tuple[str, ...]:
    left = iter(outcomes)
    return tuple(NOT_RUNNING if ruling is None else next(left) for ruling in rulings)


def _with_fields(facts: Facts, law: Law, fields: Mapping[str, Any], needs_row: bool) -> Facts:
    """Return facts in which each charge has the fields that neither it nor the law states."""
    charges = facts.known.get(CHARGES)
    if not charges:
        return facts
    day = law.as_of or facts.known.get(DAY)
    filled = []
    for charge in charges:
        if needs_row and not _has_row(law, charge, day):
            filled.append(charge)
            continue
        stated = law.stated(charge, day)
        lacking = {
            name: value
            for name, value in fields.items()
            if charge.get(name) is None and name not in stated
        }
        filled.append({**charge, **lacking} if lacking else charge)
    return Facts({**facts.known, CHARGES: tuple(filled)}, facts.attested, facts.doubtful)


def _has_row(law: Law, charge: Mapping[str, Any], day: date | None) -> bool:
    citation = charge.get("code")
    section = citation.section if citation is not None else None
    return section is not None and day is not None and law.has_row(section, day)


def _set_if_absent(level: dict[str, Any], path: str, value: Any) -> None:
    """Set a fact that a case lacks. Groups are shared with other cases, and are never changed."""
    group, dot, rest = path.partition(".")
    inner = level.get(group)
    if not dot:
        if inner is None:
            level[group] = value
        return
    if inner is None or isinstance(inner, dict):
        copy = level[group] = dict(inner or {})
        _set_if_absent(copy, rest, value)


def _add_details(level: dict[str, Any], path: str, fields: Mapping[str, Any]) -> None:
    """Add fields to each record of a list that lacks them. Without the list, nothing is added."""
    group, dot, rest = path.partition(".")
    inner = level.get(group)
    if dot and isinstance(inner, dict):
        copy = level[group] = dict(inner)
        _add_details(copy, rest, fields)
    elif not dot and isinstance(inner, (list, tuple)):
        level[group] = [_with_details(record, fields) for record in inner]


def _with_details(record: Any, fields: Mapping[str, Any]) -> Any:
    if not isinstance(record, dict):
        return record  # that is no record, which reading it says
    lacking = {name: value for name, value in fields.items() if record.get(name) is None}
    return {**record, **lacking} if lacking else record
