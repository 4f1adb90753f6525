"""What another pack would change, in words: for whoever is asked to adopt it. And whether it lifts the floor.

Two packs are compared item by item, by what counts for the digest: spelling and order don't show. What is below the floor is
found by comparing too, not by trusting that the pack was built on the base that it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from rules.frozen import frozen
from rules.language import tree
from rules.packs.digest import canonical
from rules.packs.pack import (
    Body,
    Clock,
    Decision,
    Invariant,
    Item,
    Obligation,
    Offense,
    Pack,
    Parameter,
    Pilot,
    Places,
    Rule,
    Stated,
    Wording,
)

CAME, WENT, CHANGED = "came", "went", "changed"


@frozen
class Difference:
    """One thing that `came`, `went` or `changed`: what it is (`rule eligibility.under-age`), and a sentence for each side."""

    how: str
    what: str
    before: str | None = None
    after: str | None = None

    def __str__(self) -> str:
        if self.how == CHANGED:
            return f"{self.what} changed: from {self.before} -- to {self.after}"
        return f"{self.what} {self.how}: {self.after if self.how == CAME else self.before}"


def differences(before: Pack, after: Pack) -> tuple[Difference, ...]:
    """Everything in which two packs differ: the program, rules, obligations, parameters, offenses, clocks, invariants."""
    return tuple(_differences(before, after))


def _differences(before: Pack, after: Pack) -> Iterator[Difference]:
    yield from _one("the program", _program(before), _program(after))
    yield from _each("what the pack says of", _told(before), _told(after), _as_told)
    names = dict.fromkeys((*before.decisions, *after.decisions))
    for name in names:
        old, new = before.decisions.get(name), after.decisions.get(name)
        yield from _decision(name, old, new)
    yield from _each("parameter", before.parameters, after.parameters, _parameter)
    yield from _each("offense", _offenses(before), _offenses(after), _offense)
    yield from _each("clock", before.clocks, after.clocks, _clock)
    yield from _each("invariant", before.invariants, after.invariants, _invariant)
    yield from _each(
        "fact", before.vocabulary.facts, after.vocabulary.facts, lambda one: one.question
    )


def _decision(name: str, old: Decision | None, new: Decision | None) -> Iterator[Difference]:
    if old is None or new is None:
        yield from _one(f"decision {name}", old.asks if old else None, new.asks if new else None)
    yield from _each(f"rule {name}.", old.rules if old else {}, new.rules if new else {}, _rule)
    yield from _one(f"{name}, where no rule holds", _default(old), _default(new))
    yield from _each(
        f"obligation {name}.",
        old.obligations if old else {},
        new.obligations if new else {},
        _obligation,
    )
    yield from _each(f"next step {name}.", old.next if old else {}, new.next if new else {}, _step)
    yield from _one(f"{name}, while it is open", _waiting(old), _waiting(new))


def _each(
    kind: str, before: Mapping[str, Any], after: Mapping[str, Any], say: Callable[[Any], str]
) -> Iterator[Difference]:
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if canonical(old) != canonical(new):
            what = f"{kind}{name}" if kind.endswith(".") else f"{kind} {name}"
            yield from _one(
                what,
                None if old is None else say(old),
                None if new is None else say(new),
                same_words=True,
            )


def _one(
    what: str, old: str | None, new: str | None, *, same_words: bool = False
) -> Iterator[Difference]:
    if old is None and new is not None:
        yield Difference(CAME, what, after=new)
    elif new is None and old is not None:
        yield Difference(WENT, what, before=old)
    elif old != new or (same_words and old is not None):
        # Where the words are the same it is a source, a doubt or what another source says.
        yield Difference(
            CHANGED,
            what,
            old,
            new if old != new else f"{new} (its source, or how sure it is, differs)",
        )


def _program(pack: Pack) -> str:
    return f"`{pack.title}`{_dates(pack.program)}, time zone {pack.time_zone}"


def _told(pack: Pack) -> dict[str, list[Item]]:
    """Everything that is told of how the program runs, by what it is about: a list, since money has several items."""
    found: dict[str, list[Item]] = {}
    for what, item in pack.program.stated():
        found.setdefault(what, []).append(item)
    return found


def _as_told(items: list[Item]) -> str:
    return "; ".join(f"{_words_of(item)}{_dates(item)}{_doubt(item)}" for item in items)


def _words_of(item: Item) -> str:
    match item:
        case Places():
            return str(item.value)
        case Body():
            return ", ".join([*item.members, *item.others]) + (
                f": {item.does}" if item.does else ""
            )
        case Stated() | Pilot():
            return item.says or "a pilot"
    return ""


def _offenses(pack: Pack) -> Mapping[str, tuple[Offense, ...]]:
    return pack.offenses.rows if pack.offenses is not None else {}


def _offense(rows: tuple[Offense, ...]) -> str:
    return "; ".join(
        f"{one.title}, {one.level}, {_words(one.conduct)}{_dates(one)}{_doubt(one)}" for one in rows
    )


def _rule(rule: Rule) -> str:
    unless = "".join(f"; unless {tree.text(one.when)}: {one.because}" for one in rule.unless)
    return f"{_words(rule.then)} when {tree.text(rule.when)}: {rule.because}{unless}{_dates(rule)}{_doubt(rule)}"


def _default(decision: Decision | None) -> str | None:
    return (
        None
        if decision is None
        else f"{_words(decision.otherwise.outcome)}: {decision.otherwise.because}"
    )


def _step(step: Wording) -> str:
    return f"{_words(step.who)}: {step.text}"


def _waiting(decision: Decision | None) -> str | None:
    return (
        None
        if decision is None or decision.while_waiting is None
        else _step(decision.while_waiting)
    )


def _obligation(one: Obligation) -> str:
    return f"when {tree.text(one.when)}{_dates(one)}"


def _parameter(parameter: Parameter) -> str:
    values = "; ".join(
        f"{_value(one.value)} {parameter.unit}{_dates(one)}{_doubt(one)}"
        for one in parameter.values
    )
    return f"{parameter.label}: {values}"


def _value(value: Any) -> str:
    return ", ".join(value) if isinstance(value, tuple) else str(canonical(value))


def _clock(clock: Clock) -> str:
    ends = f"until {clock.stop}" if clock.stop else f"again after {clock.repeats}"
    return f"{clock.label}: {clock.length} from {clock.start} {ends}, owed by {_words(clock.owner)}{_dates(clock)}"


def _invariant(one: Invariant) -> str:
    return f"of {one.decision}: {one.because}{_dates(one)}"


def _dates(item: Any) -> str:
    since = f" from {item.since}" if item.since else ""
    return since + (f" until {item.until}" if item.until else "")


def _doubt(item: Any) -> str:
    return f" [doubtful: {item.provisional}]" if item.provisional else ""


def _words(word: str) -> str:
    return word.replace("_", " ")


# The floor


def loosened(floor: Pack, pack: Pack, *, invariants: bool) -> tuple[str, ...]:
    """What of the floor a pack doesn't hold, a sentence each.

    Of a decision that may only be tightened (`disclosure`): each of the floor's rules that tighten, each of its obligations and
    its `otherwise` stand as they are, and nothing lets pass that the floor wouldn't. With `invariants`, each of the floor's own
    stands too. A pack without such a decision permits nothing by it, and so holds the floor.
    """
    return tuple(_loosened(floor, pack, invariants))


def _loosened(floor: Pack, pack: Pack, invariants: bool) -> Iterator[str]:
    for name, base in floor.decisions.items():
        word, decision = floor.vocabulary.decisions.get(name), pack.decisions.get(name)
        tight = word.tighten_only if word is not None else ()
        if not tight or decision is None:
            continue
        for rule in base.rules.values():
            if rule.then in tight and _meaning(decision.rules.get(rule.id)) != _meaning(rule):
                yield f"the rule `{rule.id}` of `{name}` isn't there as it must be"
        for rule in decision.rules.values():
            if rule.then not in tight and _meaning(base.rules.get(rule.id)) != _meaning(rule):
                yield f"the rule `{rule.id}` of `{name}` would {_words(rule.then)} what the floor doesn't"
        for obligation in base.obligations.values():
            if _meaning(decision.obligations.get(obligation.id)) != _meaning(obligation):
                yield f"the obligation `{obligation.id}` of `{name}` isn't there as it must be"
        if decision.otherwise.outcome not in (*tight, base.otherwise.outcome):
            yield f"`{name}` would {_words(decision.otherwise.outcome)} where no rule holds"
    for invariant in floor.invariants.values() if invariants else ():
        if _meaning(pack.invariants.get(invariant.id)) != _meaning(invariant):
            yield f"the invariant `{invariant.id}` isn't there as it must be"


# What is only said about an item, and changes no answer.
_ABOUT = ("because", "source", "provisional", "other", "reviewable_by")


def _meaning(item: Any) -> Any:
    held = canonical(item)
    return _without(held) if isinstance(held, dict) else held


def _without(held: Any) -> Any:
    if isinstance(held, dict):
        return {name: _without(one) for name, one in held.items() if name not in _ABOUT}
    return [_without(one) for one in held] if isinstance(held, list) else held
