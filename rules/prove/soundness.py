"""Check a whole pack: gaps in dates, circles, rules that can't matter, and invariants.

Every pack that isn't shipped is checked when it is read, and every pack in `offramp check`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from rules.decide.program import Program
from rules.decide.search import Search, TooFar, exact
from rules.decide.search_space import SearchSpace, spaces_of
from rules.decide.value_classes import reached
from rules.errors import PackError, Place, Refusal
from rules.frozen import frozen
from rules.language import tree
from rules.packs.faults import Faults
from rules.packs.pack import Decision, Invariant, Pack, conditions
from rules.packs.resolve import Segment, segments_of
from rules.prove.consent_sets import check_consent_sets
from rules.prove.counterpart import AS_WELL, refuse_without_counterpart
from rules.prove.implied import implies
from rules.prove.listed_words import refuse_unknown_words
from rules.prove.own_delay import refuse_own_delay
from rules.prove.reachable import refuse_idle, refuse_idle_defaults
from rules.prove.unread import refuse_unread
from rules.prove.untold import refuse_untold


class BrokenPromise(PackError):
    """A pack doesn't keep an invariant."""


def check_whole(pack: Pack) -> tuple[str, ...]:
    """Return the ids of the invariants that are proved. The others hold in every case tried.

    Raises `PackError` with the faults of one stage: first of names and dates, then of proofs. An
    invariant that isn't kept is a `BrokenPromise`.
    """
    _no_circles(pack)
    segments = list(segments_of(pack))
    spaces = spaces_of(segments)
    faults = Faults()
    for segment in segments:
        with faults.collect():
            _everything_read_exists(segment)
    with faults.collect():
        refuse_dependence(pack)
    with faults.collect():
        refuse_own_delay(pack)
    if not faults.errors:
        refuse_unread(pack, segments, faults)
        check_consent_sets(pack, segments, faults)
        refuse_untold(
            pack,
            segments[-1].day,
            lambda name: _reads(pack, pack.decisions[name], frozenset()),
            faults,
        )
        refuse_without_counterpart(spaces, faults)
        refuse_unknown_words(pack, faults)
    faults.raise_all()
    proved = set(pack.invariants)
    broken: set[str] = set()  # one day that breaks an invariant is enough
    for space in spaces:
        for invariant in pack.invariants.values():
            if not invariant.in_force(space.segment.day) or invariant.id in broken:
                continue
            try:
                if not _holds(space, invariant):
                    proved.discard(invariant.id)
            except PackError as error:
                broken.add(invariant.id)
                faults.add(error)
    if not broken:
        refuse_idle(pack, spaces, faults)
        refuse_idle_defaults(pack, spaces, faults)
    faults.raise_all()
    return tuple(sorted(proved))


def _no_circles(pack: Pack) -> None:
    reads = {
        name: sorted(
            {
                part.decision
                for rule in decision.rules.values()
                for condition in conditions(rule)
                for part in tree.nodes(condition)
                if isinstance(part, tree.OutcomeOf)
            }
        )
        for name, decision in pack.decisions.items()
    }
    checked: set[str] = set()

    def follow(name: str, path: tuple[str, ...]) -> None:
        """Follow what a decision reads, along `path`."""
        if name in path:
            circle = " -> ".join([*path[path.index(name) :], name])
            raise PackError(
                "decision-cycle",
                f"the decision `{name}` waits for itself: {circle}",
                at=pack.decisions[name].place,
                fix="let one of them read the facts instead",
            )
        if name not in checked:
            for inner in reads[name]:
                follow(inner, (*path, name))
            checked.add(name)

    for name in pack.decisions:
        follow(name, ())


@frozen
class _Reader:
    """An item in force that reads parameters and clocks in a condition or names them in a text."""

    label: str
    place: Place
    condition: tree.Tree | None = None
    text: str = ""


def _readers(segment: Segment) -> Iterator[_Reader]:
    for name, in_force in segment.decisions.items():
        decision, otherwise = in_force.decision, in_force.otherwise
        for rule_in_force in in_force.rules:
            rule = rule_in_force.rule
            yield _Reader(
                f"the rule `{rule.id}`", rule.place, rule_in_force.condition, rule.because
            )
            for exempt in rule_in_force.unless:
                yield _Reader(f"the exception `{exempt.id}`", exempt.place, text=exempt.because)
        for obligation in in_force.obligations:
            yield _Reader(f"the obligation `{obligation.id}`", obligation.place, obligation.when)
        yield _Reader(f"`otherwise` of `{name}`", otherwise.place, text=otherwise.because)
        steps = [
            *decision.next.values(),
            *([decision.while_waiting] if decision.while_waiting else []),
        ]
        for step in steps:
            if step.in_force(segment.day):
                yield _Reader(f"a next step of `{name}`", step.place, text=step.text)
    for invariant in segment.pack.invariants.values():
        if invariant.in_force(segment.day):
            for condition in (invariant.when, invariant.always):
                yield _Reader(f"the invariant `{invariant.id}`", invariant.place, condition)
    for clock in segment.clocks.values():
        yield _Reader(
            f"the clock `{clock.name}`", clock.place, tree.ParameterOf(clock.length), clock.follows
        )


def _everything_read_exists(segment: Segment) -> None:
    """Check that every parameter and clock that an item reads has a value on the day."""
    day = segment.day
    for reader in _readers(segment):
        names_read: list[str] = []
        for part in tree.nodes(reader.condition) if reader.condition else ():
            inner = part.values if isinstance(part, (tree.Member, tree.IsOne)) else part
            if isinstance(inner, (tree.ParameterOf, tree.RowOf)):
                names_read.append(inner.name)
            if isinstance(part, tree.StatusOf) and part.clock not in segment.clocks:
                raise PackError(
                    "gap-in-dates",
                    f"{reader.label} reads `clocks.{part.clock}`, which is not in force on {day}",
                    at=reader.place,
                    fix="give one of them other dates",
                )
        for verb, names in (
            ("reads", names_read),
            ("names", re.findall(r"\{([^{}]*)\}", reader.text)),
        ):
            for name in names:
                if name not in segment.parameters:
                    raise PackError(
                        "gap-in-dates",
                        f"{reader.label} {verb} `{name}`, which has no value on {day}",
                        at=reader.place,
                        fix="give one of them other dates",
                    )


def refuse_dependence(pack: Pack) -> None:
    """Refuse a decision that reads a fact which an `independent_of` excludes.

    Facts read through other decisions and through clocks count too.
    """
    for invariant in pack.invariants.values():
        for message, place in dependences(pack, invariant):
            raise BrokenPromise("floor-lifted", message, at=place, fix="decide without that fact")


def dependences(pack: Pack, invariant: Invariant) -> Iterator[tuple[str, Place]]:
    """Yield a sentence for each reading of a fact that an `independent_of` excludes."""
    for path, rule, place in _reads(pack, pack.decisions[invariant.decision], frozenset()):
        if any(
            fnmatchcase(path, excluded) or path.startswith(f"{excluded}.")
            for excluded in invariant.independent_of
        ):
            message = (
                f"the rule `{rule}` reads `{path}`, and `{invariant.id}` says that "
                f"`{invariant.decision}` does not"
            )
            yield message, place


def _reads(
    pack: Pack, decision: Decision, seen: frozenset[str]
) -> Iterator[tuple[str, str, Place]]:
    for rule in decision.rules.values():
        for condition in conditions(rule):
            yield from ((path, rule.id, rule.place) for path in tree.facts_read(condition))
            for part in tree.nodes(condition):
                if isinstance(part, tree.StatusOf):
                    clock = pack.clocks[part.clock]
                    for event in (clock.start, clock.stop, clock.repeats, clock.tolling):
                        if event is not None:
                            yield event, rule.id, rule.place
                if isinstance(part, tree.OutcomeOf) and part.decision not in seen:
                    inner = pack.decisions[part.decision]
                    yield from _reads(pack, inner, seen | {decision.name, part.decision})


def _holds(space: SearchSpace, invariant: Invariant) -> bool:
    """Return True if the invariant is proved, False if it holds in every case tried.

    Raises `PackError` with a case that breaks it.
    """
    segment = space.segment
    if invariant.always is None or _is_shown_by_parts(segment, invariant):
        return True
    broken: tree.Tree = tree.Not(invariant.always)
    if invariant.when is not None:
        broken = tree.And((invariant.when, broken))
    pack = segment.pack
    try:
        case = Search(space, broken, budget=60_000).witness()
    except TooFar:
        raise PackError(
            "not-proved",
            f"the invariant `{invariant.id}` could not be proved on {segment.day}: too many cases",
            at=invariant.place,
            fix="look for a case with `offramp prove`, or make `when` narrower",
        ) from None
    if case is not None:
        case_text = json.dumps(case, sort_keys=True)
        inherited = "" if invariant.declared_in == pack.id else f" of `{invariant.declared_in}`"
        message = (
            f"the invariant `{invariant.id}`{inherited} does not hold on {segment.day} "
            f"for `{case_text}`"
        )
        raise BrokenPromise(
            "floor-lifted",
            message,
            at=pack.decisions[invariant.decision].place,
            fix=_fix_of_broken(space, invariant, case),
        )
    return exact(*reached(segment, broken))


def _fix_of_broken(space: SearchSpace, invariant: Invariant, case: Mapping[str, Any]) -> str:
    """Return which rules decide a case that breaks an invariant, and what else mends it."""
    names = [
        part.decision
        for condition in (invariant.when, invariant.always)
        for part in (tree.nodes(condition) if condition is not None else ())
        if isinstance(part, tree.OutcomeOf)
    ]
    names = list(dict.fromkeys(names)) or [invariant.decision]
    rules = [
        f"`{rule_id}` of `{name}`"
        for name in names
        for rule_id in _deciding_rules(space.segment, name, case)
    ]
    if not rules:
        return "change the rule that decides this case"
    fix = f"change {'the rule' if len(rules) == 1 else 'a rule'} that decides this case: "
    fix += ", ".join(rules)
    is_withheld = names == ["offer", "eligibility"] and len(rules) == 1
    return f"{fix}; {AS_WELL}, or remove the rule" if is_withheld else fix


def _deciding_rules(segment: Segment, name: str, case: Mapping[str, Any]) -> list[str]:
    """Return the rules that give a case its answer, none where it is that of `otherwise`."""
    in_force = segment.decisions.get(name)
    own = {rule.rule.id for rule in in_force.rules} if in_force is not None else set[str]()
    try:
        reasons = Program(segment.pack, segment.day).decide(name, case).reasons
    except Refusal:
        return []
    return list(dict.fromkeys(reason["rule"] for reason in reasons if reason["rule"] in own))


def _is_shown_by_parts(segment: Segment, invariant: Invariant) -> bool:
    """Return True if rules compared part by part show that a case has an outcome.

    The case is a condition, or the outcome of another decision. Then it is every rule that gives
    that outcome. It must imply a rule that gives the second outcome, which must be the highest of
    its decision. A search over sums would give up.
    """
    if invariant.when is None or invariant.always is None:
        return False
    second = _outcome_asked(invariant.always)
    reasons = _reasons(segment, invariant.when)
    if second is None or reasons is None:
        return False
    effect = segment.decisions[second[0]]
    if effect.decision.collect or effect.decision.outcomes[0] != second[1]:
        return False
    results = [rule.condition for rule in effect.rules if rule.rule.then == second[1]]
    return all(any(implies(reason, result) for result in results) for reason in reasons)


def _reasons(segment: Segment, when: tree.Tree) -> list[tree.Tree] | None:
    """Return the conditions of which one is true in each case of `when`, if they are known.

    `when` may ask for an outcome and for more. A rule that surely denies the rest gives no case.
    """
    items = when.items if isinstance(when, tree.And) else (when,)
    outcomes_asked = [outcome for item in items if (outcome := _outcome_asked(item)) is not None]
    if not outcomes_asked:
        return [when]
    (name, wanted), rest = (
        outcomes_asked[0],
        [item for item in items if _outcome_asked(item) is None],
    )
    cause = segment.decisions[name]
    if len(outcomes_asked) > 1 or cause.decision.collect or cause.otherwise.outcome == wanted:
        return None
    conditions = [rule.condition for rule in cause.rules if rule.rule.then == wanted]
    return [
        tree.And((condition, *rest)) if rest else condition
        for condition in conditions
        if not any(implies(condition, tree.Not(item)) for item in rest)
    ]


def _outcome_asked(condition: tree.Tree) -> tuple[str, str] | None:
    """Return the decision and the outcome of `decision == "outcome"`."""
    match condition:
        case tree.Compare("==", tree.OutcomeOf(name), tree.Constant(str() as outcome)):
            return name, outcome
    return None
