"""A pack whose rules are compiled for each stretch of days when a decision first needs them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta

from rules.decide.scene_day import with_day
from rules.decide.wording import RuleTexts, fill_in
from rules.errors import FactsError, Place, RequestError, nearest
from rules.frozen import cached_property
from rules.input.facts import Facts, read_facts, read_facts_to_decide
from rules.input.printing import printable
from rules.language import tree
from rules.packs.digest import digest
from rules.packs.pack import Decision, Pack, Stated, conditions
from rules.packs.resolve import Segment, resolve

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeVar

    from rules.decide.compile import Part, Settle
    from rules.decide.compile_unknown import UnknownFinder
    from rules.packs.law import Law

    T = TypeVar("T")


_A_FEW = 3  # walks of a decision's rules before they are compiled, which takes as long
_OFTEN = 30  # evaluations of a part before it is compiled


class CompiledPack:
    """A pack and its compiled segments.

    `as_of` fixes the day whose rules apply. Without it, each decision's governing date does.
    Raises `RequestError` if the program did not run on `as_of`.
    """

    def __init__(self, pack: Pack, as_of: date | None = None) -> None:
        self.pack = pack
        self.as_of = as_of
        self._boundaries = pack.boundaries()
        self._segments: dict[int, CompiledSegment] = {}
        self._differently_dated: dict[str, tuple[str, ...]] = {}
        if as_of is not None:
            self.refuse_day_outside(as_of, "as_of")

    @cached_property
    def law(self) -> Law:
        """The law of the pack's offense table and of the systems of citation."""
        from rules.packs.law import HOMICIDE_SECTIONS, Law  # a case without charges needs no law

        pack = self.pack
        homicide = pack.parameters.get(HOMICIDE_SECTIONS)
        return Law(pack.offenses, pack.vocabulary, self.as_of, homicide)

    def read(self, facts: Any) -> Facts:
        """Check facts against the pack's vocabulary, once for any number of decisions.

        Raises `FactsError` for facts or attested outcomes that the pack does not know.
        """
        return self.checked(read_facts(facts, self.pack.vocabulary))

    def read_to_decide(self, facts: Any) -> Facts:
        """Check facts as `read` does, for one decision. The known facts have no certain order."""
        return self.checked(read_facts_to_decide(facts, self.pack.vocabulary))

    def checked(self, checked: Facts) -> Facts:
        """Check facts that were read against the pack, and return them. Raises as `read` does."""
        with_day(checked, self.pack.time_zone)  # refuse a moment of another day
        for name, outcome in checked.attested.items():
            declared = self.pack.decisions.get(name)
            if declared is None or outcome not in declared.outcomes:
                self._check_attested(name, outcome)
        return checked

    def _check_attested(self, name: str, outcome: str) -> None:
        path = f"decisions.{name}"
        outcomes = self.outcomes(name, Place(path=path))
        if outcome not in outcomes:
            quoted = printable(outcome)
            raise FactsError(
                "unknown-outcome",
                f"`{quoted}` is no outcome of `{name}`",
                at=Place(path=path),
                fix=nearest(quoted, outcomes),
            )

    def outcomes(self, name: str, at: Place | None = None) -> tuple[str, ...]:
        """Return the outcomes of a decision, highest precedence first.

        A decision that is not part of this program has the outcomes that the vocabulary lists.
        Raises `RequestError` for a decision that no program knows.
        """
        vocabulary = self.pack.vocabulary
        declared = self.pack.decisions.get(name) or vocabulary.decisions.get(name)
        if declared is None:
            names = tuple(dict.fromkeys([*self.pack.decisions, *vocabulary.decisions]))
            quoted = printable(name)
            raise RequestError(
                "unknown-decision",
                f"there is no decision `{quoted}`",
                at=Place(path=f"decisions.{quoted}") if at else None,
                fix=nearest(quoted, names),
            )
        return declared.outcomes

    def segment(self, day: date) -> CompiledSegment:
        """Return the rules in force on a day, compiled."""
        index = bisect_right(self._boundaries, day)
        segment = self._segments.get(index)
        if segment is None:
            segment = self._segments[index] = CompiledSegment(resolve(self.pack, day))
        return segment

    def refuse_day_outside(self, day: date, path: str) -> None:
        """Raise `RequestError` if the program did not run on the day, which came from `path`."""
        program = self.pack.program
        if program.since is not None and day < program.since:
            raise RequestError(
                "outside-program",
                f"`{self.pack.id}` began on {program.since}, after {day}",
                at=Place(path=path),
                fix="ask about a later day",
            )
        if program.until is not None and day >= program.until:
            raise RequestError(
                "outside-program",
                f"the last day of `{self.pack.id}` is {program.until - timedelta(days=1)}, "
                f"and {day} is later"
                f"{_on_open_cases(program.open_cases)}",
                at=Place(path=path),
                fix="ask about an earlier day",
            )

    def differently_dated(self, name: str) -> tuple[str, ...]:
        """Return the decisions that a decision reads whose governing date is not its own.

        A decision counts too if it reads one whose date differs from its own. These decisions are
        settled first. So whether a day outside the program is refused never depends on the order
        in which conditions are evaluated.
        """
        found = self._differently_dated.get(name)
        if found is None:
            self._differently_dated |= self._find_differently_dated(name)
            found = self._differently_dated[name]
        return found

    def _find_differently_dated(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return what `differently_dated` does, for a decision and for all that it reads."""
        reads: dict[str, list[str]] = {}
        waiting = [name]
        while waiting:
            reader = waiting.pop()
            if reader not in reads:
                reads[reader] = sorted(set(_decisions_read(self.pack.decisions[reader])))
                waiting += reads[reader]
        result: dict[str, tuple[str, ...]] = dict.fromkeys(reads, ())
        for _ in reads:  # the longest chain of decisions is no longer than their number
            for name, inner_names in reads.items():
                governed_by = self.pack.decisions[name].governed_by
                result[name] = tuple(
                    inner
                    for inner in inner_names
                    if result[inner] or self.pack.decisions[inner].governed_by != governed_by
                )
        return result

    @cached_property
    def change_times(self) -> tuple[datetime, ...]:
        """The times in UTC at which other rules of the pack begin to apply, in order.

        They are the starts of days where the program is, with the program's first and last.
        """
        from rules.input.local_time import first_instant  # zones are slow to load

        program = self.pack.program
        days = {*self._boundaries, program.since, program.until}
        zone = self.pack.time_zone
        return tuple(sorted(first_instant(day, zone) for day in days if day is not None))

    @cached_property
    def reads_now(self) -> bool:
        """True if a condition of the pack names `now` itself, beside clocks and governing dates."""
        return any(
            "now" in tree.facts_read(condition)
            for decision in self.pack.decisions.values()
            for condition in (
                *(each for rule in decision.rules.values() for each in conditions(rule)),
                *(obligation.when for obligation in decision.obligations.values()),
            )
        )

    @cached_property
    def digest(self) -> str:
        """The pack's digest, `sha256:` and 64 hexadecimal digits."""
        return digest(self.pack)


def _decisions_read(decision: Decision) -> Iterator[str]:
    for rule in decision.rules.values():
        for condition in conditions(rule):
            for part in tree.nodes(condition):
                if isinstance(part, tree.OutcomeOf):
                    yield part.decision


def _on_open_cases(stated: Stated | None) -> str:
    """Return what the pack says about cases open at the end, to end a sentence with."""
    if stated is None:
        return ""
    doubt = " (doubtful)" if stated.provisional else ""
    return f"; of cases then open it says: {stated.says.rstrip('.')}{doubt}"


class CompiledSegment:
    """A segment. Decisions, conditions, and texts are compiled when they are first needed."""

    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self._settle: dict[str, Settle] = {}
        self._settled: dict[str, int] = {}
        self._texts: dict[str, RuleTexts] = {}
        self._filled_in: dict[str, str] = {}
        # By the id of a tree: its function, or the number of its evaluations so far.
        self._parts: dict[int, Part | int] = {}
        self._waiting_parts: dict[int, Part | int] = {}
        self._finders: dict[int, UnknownFinder | int] = {}
        self._waiting_finders: dict[int, UnknownFinder | int] = {}

    def settle(self, name: str) -> Settle:
        """Return the function that lists a decision's possible outcomes."""
        settle = self._settle.get(name)
        if settle is None:
            from rules.decide.compile import compile_decision  # one case needs none

            settle = self._settle[name] = compile_decision(
                self.segment.decisions[name], self.segment.parameters, self.segment.pack.time_zone
            )
        return settle

    def frequent_settle(self, name: str) -> Settle | None:
        """Return the function of `settle`, once a decision was settled a few times."""
        settle = self._settle.get(name)
        if settle is None:
            settled = self._settled[name] = self._settled.get(name, 0) + 1
            if settled > _A_FEW:
                settle = self.settle(name)
        return settle

    def texts(self, name: str) -> RuleTexts:
        """Return the texts of a decision's rules."""
        texts = self._texts.get(name)
        if texts is None:
            texts = self._texts[name] = RuleTexts(self.segment, self.segment.decisions[name])
        return texts

    def filled_in(self, text: str) -> str:
        """Return a text of the pack with the values of the day. See `wording.fill_in`."""
        filled = self._filled_in.get(text)
        if filled is None:
            filled = self._filled_in[text] = fill_in(self.segment, text)
        return filled

    def frequent_part(self, node: tree.Tree, *, waits: bool = False) -> Part | None:
        """Return a part of a condition as a function, once it has been evaluated often.

        `waits` is as in `World`.
        """
        return self._frequent(
            _compile_part, self._waiting_parts if waits else self._parts, node, waits
        )

    def frequent_unknown(self, node: tree.Tree, *, waits: bool = False) -> UnknownFinder | None:
        """Return the function that finds a condition's unknown leaves, once they were often asked.

        `waits` is as in `World`.
        """
        finders = self._waiting_finders if waits else self._finders
        return self._frequent(_compile_unknown, finders, node, waits)

    def _frequent(
        self, compile_node: Callable[..., T], kept: dict[int, T | int], node: tree.Tree, waits: bool
    ) -> T | None:
        """Return what a node compiles to. One case walks the tree sooner than it is compiled."""
        # INVARIANT: the segment keeps its trees alive, so an id names one tree.
        key = id(node)
        compiled = kept.get(key, 0)
        if not isinstance(compiled, int):
            return compiled
        kept[key] = compiled + 1
        if compiled < _OFTEN:
            return None
        segment = self.segment
        made = compile_node(node, segment.parameters, segment.pack.time_zone, waits=waits)
        kept[key] = made
        return made


def _compile_part(*arguments: Any, **options: Any) -> Part:
    from rules.decide.compile import compile_part  # one case needs none

    return compile_part(*arguments, **options)


def _compile_unknown(*arguments: Any, **options: Any) -> UnknownFinder:
    from rules.decide.compile_unknown import compile_unknown  # one case needs none

    return compile_unknown(*arguments, **options)
