"""The search for the smallest set of facts whose change gives an outcome.

A set of facts is enough if they have values with which the rules decide the outcome, all else being
as it is, known or not. The smallest set meets every set that it has to meet: each attempt that
fails names facts of which at least one must change. So no set is left out, and none is tried twice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import z3

from rules.decide.decision import Decision
from rules.decide.ruling import CaseFacts
from rules.errors import Refusal
from rules.frozen import frozen, replace
from rules.input.citations import GivenCitation
from rules.input.facts import Facts
from rules.prove.case_formulas import CaseFormulas, set_value
from rules.prove.changeable import changeable_paths, is_named
from rules.prove.grounding import known_value
from rules.prove.solutions import decimal_of
from rules.prove.timed_solver import TimedSolver, TimeIsUp

_MOST_FACTS = 8  # that change together
_MOST_SETS = 40  # of the fewest facts, whose sizes are compared
_MOST_RECORDS = 4  # of a list that is learned, before any number is taken
_MOST_TRIES = 40  # values of one set, before it is left open
_MOST_OPEN = 3  # values with which the rules stay open, where each completion has the outcome
_STEPS = (Decimal("0.001"), Decimal("0.000001"))


@frozen
class Change:
    """A fact with another value. `before` is None if it wasn't known.

    `bound` is how far the value may go with the same outcome: `at_most`, `at_least`, `below`, or
    `above` `limit`. None means that the value is exactly `after`. `second` is the upper end of a
    range that has two. `others` are the other words that give the outcome as well, in the order of
    the choice. Of the words, `after` is the first one.
    """

    fact: str
    before: Any
    after: Any
    bound: str | None = None
    limit: Any = None
    second: tuple[str, Any] | None = None
    others: tuple[str, ...] = ()


@frozen
class FoundChange:
    """A change of a case that gives an outcome, and the rules' answer to the changed case."""

    changes: tuple[Change, ...]
    decided: Decision


def size_of(changes: Sequence[Change]) -> tuple[int, Decimal]:
    """Return how large a change is: its facts, and how far their values move together."""
    return len(changes), sum((_moved(change) for change in changes), Decimal(0))


def _moved(change: Change) -> Decimal:
    """Return how far a value moves: a number by its share of the larger one, a word by 1.

    What wasn't known doesn't move.
    """
    if change.before is None:
        return Decimal(0)
    if not _is_number(change.before) or not _is_number(change.after):
        return Decimal(1)
    before, after = Decimal(change.before), Decimal(change.after)
    largest = max(abs(before), abs(after))
    return abs(after - before) / largest if largest else Decimal(0)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, Decimal)) and not isinstance(value, bool)


def _short(number: Any) -> Any:
    """Return a number without zeros at its end."""
    if not isinstance(number, Decimal):
        return number
    return int(number) if number == number.to_integral_value() else number.normalize()


@frozen
class _Enough:
    """A set of facts that is enough, with the solver's values of them."""

    paths: tuple[str, ...]
    values: Mapping[str, Sequence[tuple[Any, Any]]]
    completed: Facts
    decided: Decision


class ChangeSearch:
    """The search for changes of one case, with formulas of the case without what may change."""

    def __init__(self, decision: Decision, formulas: CaseFormulas) -> None:
        self.decision = decision
        self.formulas = formulas
        self.facts: Facts = decision.case.facts
        terms = dict(formulas.unknowns)
        terms |= {f"decisions.{name}": formulas.outcome(name) for name in formulas.grounding.free}
        self.terms = terms
        changeable = set(changeable_paths(decision))
        self.known = tuple(
            path
            for path in terms
            if path in changeable and not isinstance(self.before(path), GivenCitation)
        )
        self.same = {path: self._same(path) for path in self.known}
        self.stays = {path: z3.Bool(f"{path} stays") for path in self.known}
        unknown = [path for path in terms if self.before(path) is None]
        self.paths = (*self.known, *(path for path in self._learnable(unknown)))
        # Every other variable of the formulas: what nobody changes or learns may be anything.
        self.variables = variables_of([*formulas.always, formulas.result])

    @property
    def outcomes(self) -> tuple[str, ...]:
        """The outcomes that what is left of the rules may give."""
        return self.formulas.grounding.outcomes(self.decision.decision)

    def _learnable(self, unknown: Iterable[str]) -> Iterable[str]:
        sizes = self.formulas.sizes
        of_lists = tuple(f"{path}[" for path in sizes)
        every = dict.fromkeys((*unknown, *sizes))
        return (
            path
            for path in every
            if is_named(self.decision, path) and not path.startswith(of_lists or ("\0",))
        )

    def before(self, path: str) -> Any:
        """Return a fact's value in the case, None if it isn't known."""
        if path.startswith("decisions."):
            return self.facts.attested.get(path.removeprefix("decisions."))
        return known_value(self.facts.known, path)

    def _same(self, path: str) -> z3.BoolRef:
        """Return the formula that a known fact stays as it is."""
        before, term = self.before(path), self.terms[path]
        fact = self.formulas.facts.get(path)
        if fact is not None and fact.type == "choice":
            return self.formulas.among(term, fact.word_tree.finest_of(before))
        return term == self.formulas.value(before)

    def smallest(self, outcome: str, deadline: float) -> tuple[FoundChange | None, str | None]:
        """Return the smallest change that gives an outcome, None if there is none.

        The second value says why a smaller change may exist, or why there may be one at all.
        Raises `TimeIsUp` if nothing was found in time.
        """
        search = _Sets(self, outcome, TimedSolver(deadline))
        found: list[FoundChange] = []
        try:
            for enough in search.of_fewest_facts():
                found.append(search.nearest(enough))
        except TimeIsUp:
            if not found:
                raise
            search.why = "it took too long"
        if not found:
            return None, search.why
        return min(found, key=lambda each: (size_of(each.changes), _paths(each))), search.why

    def still_open(
        self, outcome: str, tried: Collection[str], deadline: float
    ) -> tuple[str, ...] | None:
        """Return the facts that aren't known, and keep an outcome open beside those tried.

        None if no completion gives the outcome, whatever is known. Empty if it isn't clear which
        facts do. Raises `TimeIsUp`.
        """
        sets = _Sets(self, outcome, TimedSolver(deadline))
        if not sets.can_be_given():
            return None
        of_lists = tuple(f"{path}[" for path in self.formulas.sizes)
        every = dict.fromkeys((*self.terms, *self.formulas.sizes))
        every_open = [path for path in every if not path.startswith(of_lists or ("\0",))]
        left = [path for path in every_open if path not in tried and self._is_open(path)]
        for path in left.copy():
            others = [other for other in every_open if other != path]
            if sets.is_surely_enough(others):
                left.remove(path)
                every_open.remove(path)
        return tuple(left)

    def _is_open(self, path: str) -> bool:
        """Return whether a fact isn't known, or not in full: a coarse word, an unread section."""
        before, fact = self.before(path), self.formulas.facts.get(path)
        if path in self.formulas.happened:  # what isn't recorded did not happen
            return path in self.facts.doubtful
        if before is None or isinstance(before, GivenCitation):
            return True
        return (
            fact is not None
            and fact.type == "choice"
            and len(tuple(fact.word_tree.finest_of(before))) > 1
        )

    def decide(self, paths: Iterable[str], completed: Facts) -> Decision | None:
        """Decide the case with these facts of the completed one. None if the facts are refused."""
        known_facts, attested = dict(self.facts.known), dict(self.facts.attested)
        for path in paths:
            if path.startswith("decisions."):
                name = path.removeprefix("decisions.")
                attested[name] = completed.attested[name]
                continue
            value = known_value(completed.known, path)
            if value is not None:
                set_value(known_facts, path, value)
        try:
            settled = {
                path: when for path, when in self.facts.doubtful.items() if path not in paths
            }
            facts = Facts(known_facts, attested, settled)
            return Decision(CaseFacts(self.decision.program, facts), self.decision.decision)
        except Refusal:
            return None

    def terms_of(self, path: str) -> list[Any]:
        """Return the solver's terms of a fact. A list has its length, and each field."""
        if path not in self.formulas.sizes:
            happened = self.formulas.happened.get(path)
            return [self.terms[path], *([happened] if happened is not None else [])]
        fields = [term for name, term in self.terms.items() if name.startswith(f"{path}[")]
        return [self.formulas.sizes[path], *fields]

    def change(self, path: str, completed: Facts) -> Change:
        """Return a fact's change to its value in a completed case."""
        if path.startswith("decisions."):
            after: Any = completed.attested[path.removeprefix("decisions.")]
        else:
            after = known_value(completed.known, path)
        return Change(path, self.before(path), after)


def variables_of(formulas: Iterable[Any]) -> list[Any]:
    """Return the variables of formulas, each once. A shared part is looked at once."""
    variables, seen, still = [], set(), list(formulas)
    while still:
        part = still.pop()
        if part.get_id() in seen:
            continue
        seen.add(part.get_id())
        still += part.children()
        if z3.is_const(part) and part.decl().kind() == z3.Z3_OP_UNINTERPRETED:
            variables.append(part)
    return variables


def _paths(found: FoundChange) -> tuple[str, ...]:
    return tuple(change.fact for change in found.changes)


class _Unsettled(Exception):
    """A set of facts may be enough. The message says why that isn't known."""


class _Sets:
    """The sets of facts that are enough for one outcome."""

    def __init__(self, search: ChangeSearch, outcome: str, timed: TimedSolver) -> None:
        self.search = search
        self.outcome = outcome
        self.timed = timed
        self.why: str | None = None
        formulas = search.formulas
        self.gives_it = formulas.result == formulas.value(outcome)
        every = [z3.Implies(search.stays[path], same) for path, same in search.same.items()]
        self.inside = timed.new([*formulas.always, *every, self.gives_it])
        self.outside = timed.new([*formulas.always, *every, z3.Not(self.gives_it)])

    def of_fewest_facts(self) -> Iterable[_Enough]:
        """Yield each set of the fewest facts that is enough."""
        chosen = {path: z3.Bool(path) for path in self.search.paths}
        chooser = self.timed.new([])
        for number in range(1, _MOST_FACTS + 1):
            sets, unsettled = 0, None
            while self.timed.is_possible(chooser, *self._at_most(chosen, number)):
                model = chooser.model()
                paths = tuple(path for path in chosen if z3.is_true(model.eval(chosen[path])))
                try:
                    enough = self.enough(paths)
                except _Unsettled as part:
                    unsettled, enough = str(part), None
                    must = [path for path in chosen if path not in paths]
                else:
                    must = [] if enough is not None else self._one_must(paths)
                if enough is not None:
                    sets += 1
                    yield enough
                    chooser.add(z3.Not(z3.And([chosen[path] for path in paths])))
                    if sets == _MOST_SETS:
                        self.why = f"more than {_MOST_SETS} changes of as many facts give it"
                        return
                else:
                    chooser.add(z3.Or([chosen[path] for path in must]))
            if sets or (unsettled is None and not self.timed.is_possible(chooser)):
                return
            self.why = unsettled or self.why
        self.why = f"more than {_MOST_FACTS} facts would have to change together"

    def _at_most(self, chosen: Mapping[str, z3.BoolRef], number: int) -> list[z3.BoolRef]:
        return [z3.AtMost(*chosen.values(), number)] if len(chosen) > number else []

    def _one_must(self, paths: Sequence[str]) -> list[str]:
        """Return facts of which one must be in each set that is enough, as this one isn't."""
        kept = [path for path in self.search.known if path not in paths]
        stays = {self.search.stays[path].get_id(): path for path in kept}
        if not self.timed.is_possible(self.inside, *(self.search.stays[path] for path in kept)):
            return [stays[literal.get_id()] for literal in self.inside.unsat_core()]
        too_few = list(paths)
        for path in self.search.paths:
            if path not in too_few and self._is_too_few((*too_few, path)):
                too_few.append(path)
        return [path for path in self.search.paths if path not in too_few]

    def can_be_given(self) -> bool:
        """Return whether any completion gives the outcome, with any change that is searched."""
        self.inside.push()
        self.inside.add(*self._placed([*self.search.terms]))
        is_possible = self.timed.is_possible(self.inside)
        self.inside.pop()
        return is_possible

    def is_surely_enough(self, paths: Sequence[str]) -> bool:
        """Return whether values of these facts were found with which the rules give it."""
        try:
            return self.enough(paths) is not None
        except _Unsettled:
            return False

    def _is_too_few(self, paths: Sequence[str]) -> bool:
        try:
            return self.enough(paths) is None
        except _Unsettled:
            return False

    def enough(self, paths: Sequence[str], *, is_nearest: bool = False) -> _Enough | None:
        """Return values of these facts with which the rules decide the outcome, if there are any.

        With `is_nearest`, numbers move as little as they can, and the first words are taken. Raises
        `_Unsettled` if there may be other values.
        """
        is_open = 0
        search, formulas = self.search, self.search.formulas
        stays = [search.stays[path] for path in search.known if path not in paths]
        terms = {path: search.terms_of(path) for path in paths}
        self.inside.push()
        self.inside.add(*stays, *self._placed(paths))
        try:
            for _ in range(_MOST_TRIES):
                model = self._solution(paths if is_nearest else ())
                if model is None:
                    return None
                completed = formulas.completed(model)
                decided = search.decide(paths, completed)
                values = {
                    path: [(term, model.eval(term, model_completion=True)) for term in own]
                    for path, own in terms.items()
                }
                if decided is not None and decided.outcome == self.outcome:
                    return _Enough(tuple(paths), values, completed, decided)
                fixed = [term == value for own in values.values() for term, value in own]
                if not fixed:
                    return None
                otherwise = self._other_completion(fixed, stays)
                if otherwise is not None:
                    self.inside.add(self._must_survive(otherwise, terms))
                elif is_open == _MOST_OPEN:
                    raise _Unsettled("the rules stay open where each completion has the outcome")
                else:
                    is_open += 1
                    self.inside.add(z3.Not(z3.And(fixed)))
        finally:
            self.inside.pop()
        raise _Unsettled("for some facts, no values were found and none were ruled out")

    def _other_completion(
        self, fixed: Sequence[z3.BoolRef], stays: Sequence[z3.BoolRef]
    ) -> z3.ModelRef | None:
        """Return a completion with another outcome, None if there is none."""
        self.outside.push()
        self.outside.add(*fixed, *stays)
        is_possible = self.timed.is_possible(self.outside)
        model = self.outside.model() if is_possible else None
        self.outside.pop()
        return model

    def _placed(self, paths: Sequence[str]) -> list[z3.BoolRef]:
        """Return that a section that is learned is one of a known law."""
        return [
            self.search.terms[path] < len(candidates) - 1
            for path, candidates in self.search.formulas.citations.items()
            if path in paths and candidates[-1] is None
        ]

    def _must_survive(self, model: z3.ModelRef, terms: Mapping[str, list[Any]]) -> z3.BoolRef:
        """Return that the outcome is given where all but these facts is as in a solution."""
        free = {term.get_id() for own in terms.values() for term in own}
        values = [
            (variable, model.eval(variable, model_completion=True))
            for variable in self.search.variables
            if variable.get_id() not in free
        ]
        every = z3.Implies(z3.And(self.search.formulas.always), self.gives_it)
        return z3.substitute(every, *values)

    def _solution(self, nearest: Sequence[str]) -> z3.ModelRef | None:
        self.inside.push()
        try:
            for path in nearest:
                self._settle(path)
            clear = self._named(z3.And(self.search.formulas.clear))
            for wanted in (clear, []):
                if self.timed.is_possible(self.inside, *wanted):
                    return self.inside.model()
            return None
        finally:
            self.inside.pop()

    # The values that are shown

    def nearest(self, enough: _Enough) -> FoundChange:
        """Return the change of a set whose values move least, with the range of each number."""
        try:
            near = self.enough(enough.paths, is_nearest=True) or enough
        except _Unsettled:
            near = enough
        changes = {path: self.search.change(path, near.completed) for path in near.paths}
        boxes: dict[str, list[z3.BoolRef]] = {
            path: [term == value for term, value in own] for path, own in near.values.items()
        }
        for path, change in changes.items():
            if _is_number(change.after) and path not in self.search.formulas.sizes:
                others = [part for other, box in boxes.items() if other != path for part in box]
                changes[path], boxes[path] = self._with_range(change, others, near.paths)
        for path, change in changes.items():
            if isinstance(change.after, str) and self._words(path):
                others = [part for fact, box in boxes.items() if fact != path for part in box]
                changes[path], boxes[path] = self._with_words(change, others, near.paths)
        return FoundChange(tuple(changes.values()), near.decided)

    def _with_words(
        self, change: Change, others: Sequence[z3.BoolRef], paths: Sequence[str]
    ) -> tuple[Change, list[z3.BoolRef]]:
        """Return a change with the other words of its choice that give the outcome as well.

        `others` is what the other facts of the change are, and each word gives the outcome with all
        of it. If time runs out, it names the one word that was found.
        """
        term, value = self.search.terms[change.fact], self.search.formulas.value
        stays = [self.search.stays[path] for path in self.search.known if path not in paths]
        placed = [*stays, *others, *self._placed(paths)]
        words: list[str] = []
        try:
            for choice in self._words(change.fact):
                is_word = term == value(choice)
                if choice == change.after or (
                    self._is_possible(self.inside, [*placed, is_word])
                    and not self._is_possible(self.outside, [*stays, *others, is_word])
                ):
                    words.append(choice)
        except TimeIsUp:
            words = [change.after]
        rest = tuple(choice for choice in words if choice != change.after)
        return replace(change, others=rest), [z3.Or([term == value(choice) for choice in words])]

    def _words(self, path: str) -> Sequence[str]:
        """Return the words that a fact or an answer can have, in their order."""
        if path.startswith("decisions."):
            return tuple(self.search.formulas.grounding.free[path.removeprefix("decisions.")])
        fact = self.search.formulas.facts.get(path)
        return fact.word_tree.finest if fact is not None and fact.type == "choice" else ()

    def _is_possible(self, solver: Any, formulas: Sequence[z3.BoolRef]) -> bool:
        solver.push()
        try:
            solver.add(*formulas)
            return self.timed.is_possible(solver)
        finally:
            solver.pop()

    def _settle(self, path: str) -> None:
        """Keep the nearest number, or the first word, with which the outcome may be given."""
        if path in self.search.formulas.sizes:
            size = self.search.formulas.sizes[path]
            self._keep_first([size == number for number in range(_MOST_RECORDS)])
            return
        term, before = self.search.terms[path], self.search.before(path)
        fact = self.search.formulas.facts.get(path)
        if fact is not None and fact.type in ("int", "decimal"):
            values = self._near_values(term, before, fact.low)
        else:
            values = self._choices(path)
        self._keep_first([term == value for value in values])

    def _keep_first(self, formulas: Iterable[z3.BoolRef]) -> None:
        """Keep the first of some formulas that can be true."""
        for formula in formulas:
            if self.timed.is_possible(self.inside, *self._named(formula)):
                self.inside.add(formula)
                return

    def _named(self, formula: z3.BoolRef) -> list[z3.BoolRef]:
        name = z3.FreshBool("tried")
        self.inside.add(z3.Implies(name, formula))
        return [name]

    def _choices(self, path: str) -> list[Any]:
        formulas = self.search.formulas
        fact = formulas.facts.get(path)
        if path.startswith("decisions."):
            outcomes = formulas.grounding.free[path.removeprefix("decisions.")]
            return [formulas.value(outcome) for outcome in outcomes]
        if fact is not None and fact.type == "choice":
            return [formulas.value(word) for word in fact.word_tree.finest]
        if fact is not None and fact.type == "bool":
            return [z3.BoolVal(False), z3.BoolVal(True)]
        if path in formulas.citations:
            return [z3.IntVal(number) for number in range(len(formulas.citations[path]))]
        return []

    def _near_values(self, term: Any, before: Any, low: Any) -> list[Any]:
        """Return the numbers nearest to the one before, of either side, the nearest first.

        A limit that can't be reached is passed by a small step. A number that wasn't known is as
        low as it may be.
        """
        value = self.search.formulas.value
        origin = before if before is not None else low if low is not None else 0
        sides = []
        ways = [(1, term >= value(origin))]
        ways += [(-1, term < value(origin))] if before is not None or low is None else []
        for sign, way in ways:
            found = self._least(sign * term, way)
            if found is not None:
                number, is_open = found
                number = sign * number
                sides.append((abs(number - origin), is_open, sign, number))
        values: list[Any] = []
        for _, is_open, sign, number in sorted(sides, key=lambda side: side[:2]):
            near = [number + sign * step for step in _STEPS] if is_open else [number]
            values += map(value, near)
        return values

    def _least(self, term: Any, *more: z3.BoolRef, solver: Any = None) -> tuple[Any, bool] | None:
        """Return the least value of a term, and whether it can't be reached. None without one."""
        optimizer = z3.Optimize()
        optimizer.set("timeout", self.timed.milliseconds())
        optimizer.add(*(solver or self.inside).assertions(), *more)
        least = optimizer.minimize(term)
        answer = optimizer.check()
        if answer == z3.unknown:
            raise TimeIsUp
        if answer != z3.sat:
            return None
        _, number, small = optimizer.lower_values(least)
        is_open = str(small) != "0"  # a multiple of what is smaller than any number
        return (number.as_long() if z3.is_int_value(number) else decimal_of(number)), is_open

    def _with_range(
        self, change: Change, others: Sequence[z3.BoolRef], paths: Sequence[str]
    ) -> tuple[Change, list[z3.BoolRef]]:
        """Return a change with the range of its number in which the outcome is given throughout.

        `others` is what the other facts of the change are. The range of each is for all numbers of
        the other ranges.
        """
        term = self.search.terms[change.fact]
        number, value = change.after, self.search.formulas.value
        stays = [self.search.stays[path] for path in self.search.known if path not in paths]
        outside = self.timed.new([*self.outside.assertions(), *stays, *others])
        below = self._least(-term, term < value(number), solver=outside)
        above = self._least(term, term > value(number), solver=outside)
        is_whole = bool(term.is_int())
        ends: list[tuple[str, Any]] = []
        if below is not None:
            ends.append(_low_end(-below[0], is_open=below[1], is_whole=is_whole))
        if above is not None:
            ends.append(_high_end(above[0], is_open=above[1], is_whole=is_whole))
        if not ends or (len(ends) == 2 and ends[0][1] == ends[1][1]):
            return change, [term == value(number)]
        (bound, limit), second = ends[0], next(iter(ends[1:]), None)
        box = [_SIDES[side](term, value(end)) for side, end in ends]
        return replace(change, bound=bound, limit=limit, second=second), box


_SIDES: Mapping[str, Callable[[Any, Any], z3.BoolRef]] = {
    "at_least": lambda term, limit: term >= limit,
    "above": lambda term, limit: term > limit,
    "at_most": lambda term, limit: term <= limit,
    "below": lambda term, limit: term < limit,
}


def _low_end(bad: Any, *, is_open: bool, is_whole: bool) -> tuple[str, Any]:
    """Return the low end of a range above a number that doesn't give the outcome."""
    if is_whole:
        return "at_least", bad + 1
    return ("at_least" if is_open else "above"), _short(bad)


def _high_end(bad: Any, *, is_open: bool, is_whole: bool) -> tuple[str, Any]:
    """Return the high end of a range below a number that doesn't give the outcome."""
    if is_whole:
        return "at_most", bad - 1
    return ("at_most" if is_open else "below"), _short(bad)
