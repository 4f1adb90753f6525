"""Find rules and an `otherwise` that decide no case on any day."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rules.decide.scene_day import DAY, MOMENT
from rules.decide.search import Search, TooFar, bounded
from rules.decide.search_space import SearchSpace, spaces_of
from rules.errors import PackError
from rules.frozen import cached_property
from rules.language import tree
from rules.packs.faults import Faults
from rules.packs.pack import Decision, Pack, Rule
from rules.packs.resolve import RuleInForce, segments_of
from rules.prove.implied import implies
from rules.prove.no_case import has_no_case


def idle(pack: Pack) -> tuple[tuple[str, str], ...]:
    """Return the decision and the id of each rule of this pack that decides no case on any day."""
    return tuple(
        (decision.name, rule.id) for decision, rule, _ in _idle(pack, spaces_of(segments_of(pack)))
    )


def _idle(pack: Pack, spaces: list[SearchSpace]) -> Iterator[tuple[Decision, Rule, bool]]:
    """Return each such rule, and True if it is ever in force."""
    for decision in pack.decisions.values():
        all_ranks = [_Ranks(space, decision.name) for space in spaces]
        for rule in decision.rules.values():
            if rule.declared_in != pack.id:
                continue
            in_force_in = [ranks for ranks in all_ranks if rule.id in ranks.rules]
            if not any(ranks.matters(ranks.rules[rule.id]) for ranks in in_force_in):
                yield decision, rule, bool(in_force_in)


def refuse_idle(pack: Pack, spaces: list[SearchSpace], faults: Faults) -> None:
    """Add a fault for each rule of this pack that decides no case on any day."""
    for decision, rule, ever_in_force in _idle(pack, spaces):
        why, fix = (
            ("no facts make it decide", "look at its condition, and at the outcomes above it")
            if ever_in_force
            else ("it is never in force", "look at its dates, and at the program's")
        )
        faults.add(
            PackError(
                "unreachable-rule",
                f"the rule `{rule.id}` of `{decision.name}` can't matter: {why}",
                at=rule.place,
                fix=fix,
            )
        )


def refuse_idle_defaults(pack: Pack, spaces: list[SearchSpace], faults: Faults) -> None:
    """Add a fault for each `otherwise` of this pack that decides no case on any day."""
    for name, decision in pack.decisions.items():
        otherwise = decision.otherwise
        if otherwise.declared_in != pack.id:
            continue
        if not any(_can_come_out(space, name) for space in spaces):
            faults.add(
                PackError(
                    "unreachable-rule",
                    f"the `otherwise` of `{name}` can't come out: on every day, some rule is true "
                    "for all facts",
                    at=otherwise.place,
                    fix="make one of the rules narrower, or leave out the one that it repeats",
                )
            )


def _can_come_out(space: SearchSpace, name: str) -> bool:
    """Return False if the rules of a decision surely leave nothing to its `otherwise`."""
    conditions = [rule.condition for rule in space.segment.decisions[name].rules]
    if not conditions:
        return True
    goal = tree.And(tuple(tree.Not(condition) for condition in conditions))
    try:
        if Search(space, goal, attested=True).witness() is not None:
            return True
        if bounded(goal):
            return False
    except TooFar:
        pass
    # Two rules of which one is true wherever the other isn't leave nothing either.
    return not has_no_case(space, goal) and not any(
        implies(tree.Not(first), second)
        for index, first in enumerate(conditions)
        for second in conditions[index:]
    )


class _Ranks:
    """The rules of one decision in force, by rank, for searches that look at one rule at a time."""

    def __init__(self, space: SearchSpace, name: str) -> None:
        self.space = space
        decision = space.segment.decisions[name]
        self.rules = {in_force.rule.id: in_force for in_force in decision.rules}
        self._above: dict[str, _Above] = {}
        above: list[tree.Not] = []
        for outcome, rules in decision.ranks:
            self._above[outcome] = _Above(space, () if decision.decision.collect else above)
            above += [tree.Not(in_force.condition) for in_force in rules]

    def matters(self, in_force: RuleInForce) -> bool:
        """Return True if a case has this rule true and none of a higher outcome."""
        condition = in_force.condition
        above = self._above[in_force.rule.then]
        beside, apart = above.divided(self.space.clause(condition).own_names)
        goal = tree.And((condition, *beside))
        witnesses = sum(isinstance(part, tree.Quantifier) for part in tree.nodes(condition))
        try:
            is_decisive = (
                Search(self.space, goal, attested=True, witnesses=witnesses).witness() is not None
            )
        except TooFar:
            return True
        if is_decisive and all(group.is_possible for group in apart):
            return True
        if bounded(condition) and above.is_bounded:
            return False
        return not has_no_case(self.space, tree.And((condition, *above.denied)))


class _Above:
    """The denied rules of higher outcomes, in groups that share no fact.

    A case for each group makes a case for all of them, so each group is searched alone, and once.
    """

    def __init__(self, space: SearchSpace, denied: Iterable[tree.Not]) -> None:
        self.space = space
        self.denied = tuple(denied)

    @cached_property
    def is_bounded(self) -> bool:
        """True if the values tried represent all there are, but for the length of lists."""
        return bounded(*self.denied)

    def divided(self, names: frozenset[str]) -> tuple[tuple[tree.Not, ...], list[_Group]]:
        """Return the denied rules that a condition's names can touch, and the other groups."""
        touched = {id(self._groups[name]) for name in _linked(names) if name in self._groups}
        groups = {id(group): group for group in self._groups.values()}
        beside = tuple(node for key in groups if key in touched for node in groups[key].denied)
        return beside, [group for key, group in groups.items() if key not in touched]

    @cached_property
    def _groups(self) -> dict[str, _Group]:
        """The groups, by each name that one of their rules reads."""
        groups: dict[str, _Group] = {}
        for node in self.denied:
            names = _linked(self.space.clause(node.operand).own_names)
            met = {id(groups[name]): groups[name] for name in names if name in groups}
            group = max(met.values(), key=lambda met_group: len(met_group.denied), default=None)
            if group is None:
                group = _Group(self.space)
            for merged_group in met.values():
                if merged_group is not group:
                    group.take(merged_group.denied, merged_group.names)
                    groups |= dict.fromkeys(merged_group.names, group)
            group.take([node], names)
            groups |= dict.fromkeys(names, group)
        return groups


class _Group:
    """Denied rules that share facts, directly or through each other."""

    def __init__(self, space: SearchSpace) -> None:
        self.space = space
        self.denied: list[tree.Not] = []
        self.names: set[str] = set()

    def take(self, denied: Iterable[tree.Not], names: Iterable[str]) -> None:
        """Add rules and the names that they read."""
        self.denied += denied
        self.names |= set(names)

    @cached_property
    def is_possible(self) -> bool:
        """False if no case has all these rules false. True too if the search gave up."""
        goal = tree.And(tuple(self.denied))
        witnesses = sum(isinstance(part, tree.Quantifier) for part in tree.nodes(goal))
        try:
            return (
                Search(self.space, goal, attested=True, witnesses=witnesses).witness() is not None
            )
        except TooFar:
            return True


def _linked(names: frozenset[str]) -> frozenset[str]:
    """Return the names, with one name for the day and the moment of the encounter.

    What reads nothing gets a name too, so that it is in a group.
    """
    return (names - {MOMENT} | {DAY} if MOMENT in names else names) or frozenset(("",))
