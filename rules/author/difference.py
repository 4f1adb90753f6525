"""Describe in words what another pack would change, for an agency asked to adopt it.

Two packs are compared item by item, by what counts for the digest, so spelling and order don't
matter. Whether a pack keeps the floor is found by comparing too, not by trusting the base it names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from rules.frozen import frozen, replace
from rules.input.vocabulary import Fact, Vocabulary
from rules.language import tree
from rules.packs.consent_sets import wider_grants
from rules.packs.digest import canonical
from rules.packs.pack import (
    Body,
    BreakEven,
    Clock,
    ConsentQuestion,
    ConsentSet,
    Cost,
    Decision,
    Grouping,
    InBoth,
    Invariant,
    Item,
    Obligation,
    Offense,
    Pack,
    Parameter,
    Pilot,
    Places,
    Removal,
    Retention,
    Rule,
    Source,
    Stated,
    Wording,
)
from rules.packs.tables import rows_in_words

ADDED, REMOVED, CHANGED = "came", "went", "changed"


@frozen
class Difference:
    """One item that `came`, `went`, or `changed`, with a sentence for each side.

    `what` names the item, such as `rule eligibility.under-age`.
    """

    how: str
    what: str
    before: str | None = None
    after: str | None = None

    def as_json(self) -> dict[str, str]:
        """Return the difference as a memo has it, without a side that isn't there."""
        sides = {"before": self.before, "after": self.after}
        present = {name: text for name, text in sides.items() if text is not None}
        return {"what": self.what, "how": self.how, **present}

    def __str__(self) -> str:
        if self.how == CHANGED:
            return f"{self.what} changed: from {self.before} -- to {self.after}"
        return f"{self.what} {self.how}: {self.after if self.how == ADDED else self.before}"


Speak = Callable[[tree.Tree], str]  # how a condition is written


def differences(before: Pack, after: Pack, speak: Speak = tree.text) -> tuple[Difference, ...]:
    """Return everything in which two packs differ. `speak` writes a condition, by default as code.

    This covers the program, rules, obligations, parameters, offenses, clocks, invariants,
    groupings, retention, what is asked of a person, and the words that people read.
    """
    return tuple(_differences(before, after, speak))


def _differences(before: Pack, after: Pack, speak: Speak) -> Iterator[Difference]:
    yield from _one("the program", _program(before), _program(after))
    yield from _each(
        "what the pack says of", _statements(before), _statements(after), _statements_text
    )
    names = dict.fromkeys((*before.decisions, *after.decisions))
    for name in names:
        old, new = before.decisions.get(name), after.decisions.get(name)
        yield from _decision(name, old, new, speak)
    yield from _each("parameter", before.parameters, after.parameters, _parameter)
    yield from _each("offense", _offenses(before), _offenses(after), _offense)
    yield from _each("clock", before.clocks, after.clocks, _clock)
    say_invariant = partial(_invariant, speak=speak)
    yield from _each("invariant", before.invariants, after.invariants, say_invariant)
    yield from _facts(before.vocabulary, after.vocabulary)
    yield from _each("grouping of reports", before.groups, after.groups, _grouping)
    yield from _each("rule on retention", before.retention, after.retention, _retention)
    yield from _each("consent", before.consent_sets, after.consent_sets, _consent_set)
    yield from _each("what is said", _said(before), _said(after), str)
    yield from _each("Spanish of", before.spanish, after.spanish, str)
    yield from _each("source", *_in_both_packs(before.sources, after.sources), _source)


def _in_both_packs(
    before: Mapping[str, Any], after: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the items whose names both packs have."""
    names = sorted(before.keys() & after.keys())
    return {name: before[name] for name in names}, {name: after[name] for name in names}


def _decision(
    name: str, old: Decision | None, new: Decision | None, speak: Speak
) -> Iterator[Difference]:
    if old is None or new is None:
        yield from _one(f"decision {name}", old.asks if old else None, new.asks if new else None)
    yield from _one(f"{name}, what else it reads", _reads(old), _reads(new))
    say_rule = partial(_rule, speak=speak)
    yield from _each(f"rule {name}.", old.rules if old else {}, new.rules if new else {}, say_rule)
    yield from _each(
        f"optional rule {name}.",
        old.optional if old else {},
        new.optional if new else {},
        say_rule,
    )
    yield from _each(
        f"reason for removing rule {name}.",
        old.removed if old else {},
        new.removed if new else {},
        _removal,
    )
    yield from _one(f"{name}, where no rule holds", _default(old), _default(new))
    yield from _each(
        f"obligation {name}.",
        old.obligations if old else {},
        new.obligations if new else {},
        partial(_obligation, speak=speak),
    )
    yield from _each(f"next step {name}.", old.next if old else {}, new.next if new else {}, _step)
    yield from _one(f"{name}, while it is open", _waiting(old), _waiting(new))


def _each(
    kind: str, before: Mapping[str, Any], after: Mapping[str, Any], say: Callable[[Any], str]
) -> Iterator[Difference]:
    for name in dict.fromkeys((*before, *after)):
        old, new = before.get(name), after.get(name)
        if canonical(old) != canonical(new):
            label = f"{kind}{name}" if kind.endswith(".") else f"{kind} {name}"
            yield from _one(
                label,
                None if old is None else say(old),
                None if new is None else say(new),
                unsaid=_unsaid(canonical(old), canonical(new)),
            )


def _one(label: str, old: str | None, new: str | None, *, unsaid: str = "") -> Iterator[Difference]:
    """Yield the difference of two texts. `unsaid` tells what differs while the texts are equal."""
    if old is None and new is not None:
        yield Difference(ADDED, label, after=new)
    elif new is None and old is not None:
        yield Difference(REMOVED, label, before=old)
    elif old != new or (unsaid and old is not None):
        yield Difference(CHANGED, label, old, new if old != new else f"{new} ({unsaid})")


# Keys of an item that say where it is written, and how sure it is.
_WRITTEN = {"source", "other", "provisional"}


def _unsaid(old: Any, new: Any) -> str:
    """Return in words which parts of two items differ that their texts leave out."""
    parts = sorted(_parts(old, new))
    if set(parts) <= _WRITTEN:
        return "its source, or how sure it is, differs"
    return f"what differs: {', '.join(map(_words, parts))}"


def _parts(old: Any, new: Any) -> set[str]:
    """Return the keys whose values differ, at the depth where they have a name."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {
            part
            for key in old.keys() | new.keys()
            if old.get(key) != new.get(key)
            for part in (_parts(old.get(key), new.get(key)) if key not in _WRITTEN else {key})
            or {key}
        }
    if isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        return {part for pair in zip(old, new, strict=True) for part in _parts(*pair)}
    return set()


def _program(pack: Pack) -> str:
    return f"`{pack.title}`{_dates(pack.program)}, time zone {pack.time_zone}"


def _grouping(grouping: Grouping) -> str:
    bands = f", from {', '.join(map(str, grouping.bands))}" if grouping.bands else ""
    return f"{grouping.says} (`{grouping.of}`{bands}){_dates(grouping)}{_doubt(grouping)}"


def _retention(rule: Retention) -> str:
    ends = "".join(f"; {number} days after {cause}" for cause, number in rule.ends.items())
    kept = f"{rule.keep.number} {rule.keep.unit}{ends}"
    roles = ", ".join(map(_words, rule.held_by))
    categories = ", ".join(map(_words, rule.categories))
    return f"{rule.says}: {roles} keep {categories} {kept}{_dates(rule)}{_doubt(rule)}"


def _statements(pack: Pack) -> dict[str, list[Item]]:
    """Return everything that is stated of how the program runs, by subject.

    Each subject has a list, since money has several items.
    """
    subjects: dict[str, list[Item]] = {}
    for subject, item in pack.program.stated():
        subjects.setdefault(subject, []).append(item)
    return subjects


def _statements_text(items: list[Item]) -> str:
    return "; ".join(f"{_words_of(item)}{_dates(item)}{_doubt(item)}" for item in items)


def _words_of(item: Item) -> str:
    match item:
        case Places():
            return _ends(str(item.value), None if item.high is None else str(item.high))
        case Cost():
            return f"{item.says}: {_cost(item)}"
        case BreakEven():
            note = f" ({item.note})" if item.note else ""
            return f"{item.says}: {_cost(item.total)}, at {_cost(item.each)}{note}"
        case Body():
            members = ", ".join([*item.members, *item.others])
            return ": ".join(part for part in (members, item.does) if part)
        case Stated() | Pilot():
            return item.says or "a pilot"
    return ""


_COST_UNITS = {"total": "in total", "total_year": "in total a year"}


def _cost(cost: Cost) -> str:
    """Return the amounts of a cost, each with what its source says of it."""
    low, high = (f"${end.dollars:,} [{end.says}, {end.source.id}]" for end in (cost.low, cost.high))
    return f"{_ends(low, high)} {_COST_UNITS.get(cost.unit) or f'for one {_words(cost.unit)}'}"


def _ends(low: str, high: str | None) -> str:
    return low if high is None or high == low else f"{low} to {high}"


def _offenses(pack: Pack) -> Mapping[str, tuple[Offense, ...]]:
    return pack.offenses.rows if pack.offenses is not None else {}


def _offense(rows: tuple[Offense, ...]) -> str:
    return "; ".join(
        f"{row.title}, {row.level}, {_words(row.conduct)}{_dates(row)}{_doubt(row)}" for row in rows
    )


def _rule(rule: Rule, speak: Speak) -> str:
    unless = "".join(
        f"; unless {speak(exemption.when)}: {exemption.because}" for exemption in rule.unless
    )
    condition = f"{_words(rule.then)} when {speak(rule.when)}: {rule.because}"
    return f"{condition}{unless}{_dates(rule)}{_doubt(rule)}"


def _removal(removal: Removal) -> str:
    return f"{removal.because}{_doubt(removal)}"


def _reads(decision: Decision | None) -> str | None:
    return ", ".join(decision.reads) or None if decision is not None else None


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


def _obligation(obligation: Obligation, speak: Speak) -> str:
    return f"when {speak(obligation.when)}{_dates(obligation)}"


def _parameter(parameter: Parameter) -> str:
    values = "; ".join(
        f"{_value(value.value)} {parameter.unit}{_dates(value)}{_doubt(value)}"
        for value in parameter.values
    )
    return f"{parameter.label}: {values}"


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return rows_in_words(value, lambda amount: str(canonical(amount)), _words)
    return ", ".join(map(str, value)) if isinstance(value, tuple) else str(canonical(value))


def _facts(before: Vocabulary, after: Vocabulary) -> Iterator[Difference]:
    """Yield each fact that differs, and of a new one which consents cover it.

    A consent names categories, so one that was signed before covers a fact that is newer than it.
    """
    for difference in _each("fact", before.facts, after.facts, _fact):
        fact = after.facts.get(difference.what.removeprefix("fact "))
        if difference.how != ADDED or fact is None or fact.category in after.never_travels:
            yield difference
        else:
            covered = (
                f"{difference.after} (its category is `{fact.category}`: an agency that may have "
                "that by a consent signed before may be told this too)"
            )
            yield Difference(ADDED, difference.what, after=covered)


def _fact(fact: Fact) -> str:
    """Return a fact's question, and the finer words that its pack has for it or for its fields."""
    words = [
        f"; finer words of `{entry.path}`: "
        + ", ".join(f"{word} (a kind of {above})" for word, above in entry.finer.items())
        for entry in (fact, *fact.fields.values())
        if entry.finer
    ]
    fields = [
        f"; {field.path}: {field.question}{_range(field)}"
        for field in fact.fields.values()
        if field.of is not None
    ]
    return fact.question + _range(fact) + "".join(fields) + "".join(words)


def _range(fact: Fact) -> str:
    """Return the range of a fact that a pack adds, or of such a field, to follow its question."""
    return f" ({fact.range_text})" if fact.cited is not None and fact.range_text else ""


def _clock(clock: Clock) -> str:
    ends = f"until {clock.stop}" if clock.stop else f"again after {clock.repeats}"
    span = f"{clock.length} from {clock.start} {ends}"
    span += f" in local {clock.counts}" if clock.counts else ""
    return f"{clock.label}: {span}, owed by {_words(clock.owner)}{_dates(clock)}"


def _invariant(invariant: Invariant, speak: Speak) -> str:
    when = f"when {speak(invariant.when)}, " if invariant.when is not None else ""
    if invariant.always is not None:
        promise = f"{when}always {speak(invariant.always)}"
    else:
        promise = f"{when}independent of {', '.join(invariant.independent_of)}"
    return f"of {invariant.decision}: {promise}: {invariant.because}{_dates(invariant)}"


def _consent_set(consent_set: ConsentSet) -> str:
    questions = [_question(question) for question in consent_set.questions.values()]
    asked = "; ".join(questions) if questions else "nothing is asked"
    return f"{consent_set.label.en}, after {consent_set.after}: {asked}{_dates(consent_set)}"


def _question(question: ConsentQuestion) -> str:
    grants = ", and ".join(
        f"{_words(grant.sender)} may tell {', '.join(map(_words, grant.categories))}"
        f" for {', '.join(map(_words, grant.purposes))}"
        for grant in question.grants
    )
    return f"{_words(question.recipient)} ({question.need}, {question.days} days): {grants}"


def _said(pack: Pack) -> dict[str, str]:
    """Return the words that people read and no rule does, by where they are read."""
    words = pack.words
    said = {
        f"to a person at the outcome {_words(outcome)}": _in_both(spoken.text)
        for outcome, spoken in words.officer_says.items()
    }
    for path, labels in words.choices.items():
        said |= {f"for `{choice}` of `{path}`": _in_both(label) for choice, label in labels.items()}
    return said | ({"as the phone number": words.phone.number} if words.phone is not None else {})


def _in_both(text: InBoth) -> str:
    return f"{text.en} (in Spanish: {text.es})"


def _source(source: Source) -> str:
    return f"{source.title}, {source.address} ({source.confidence} confidence)"


def _dates(item: Any) -> str:
    since = f" from {item.since}" if item.since else ""
    return since + (f" until {item.until}" if item.until else "")


def _doubt(item: Any) -> str:
    return f" [doubtful: {item.provisional}]" if item.provisional else ""


def _words(name: str) -> str:
    return name.replace("_", " ")


# The floor


def loosened(floor: Pack, pack: Pack, *, invariants: bool) -> tuple[str, ...]:
    """Return the parts of the floor that a pack does not keep, a sentence each.

    A decision such as `disclosure` may only be tightened. The floor's rules that tighten, its
    obligations, and its `otherwise` must be as they are, and no other rule may permit what the
    floor would not, except an optional rule of the floor's. A consent set of the floor's may only
    ask for less. With `invariants`, each of the floor's invariants must be there too. A pack
    without such a decision permits nothing by it, and so keeps the floor.
    """
    return tuple(_loosened(floor, pack, invariants))


def _loosened(floor: Pack, pack: Pack, invariants: bool) -> Iterator[str]:
    for name, base in floor.decisions.items():
        declared, decision = floor.vocabulary.decisions.get(name), pack.decisions.get(name)
        tight = declared.tighten_only if declared is not None else ()
        if not tight or decision is None:
            continue
        for rule in base.rules.values():
            if rule.then in tight and _meaning(decision.rules.get(rule.id)) != _meaning(rule):
                yield f"the rule `{rule.id}` of `{name}` isn't there as it must be"
        for rule in decision.rules.values():
            is_kept = _meaning(base.rules.get(rule.id)) == _meaning(rule)
            if rule.then not in tight and not is_kept and not _is_optional(rule, base):
                yield (
                    f"the rule `{rule.id}` of `{name}` would {_words(rule.then)} "
                    "what the floor doesn't"
                )
        for obligation in base.obligations.values():
            if _meaning(decision.obligations.get(obligation.id)) != _meaning(obligation):
                yield f"the obligation `{obligation.id}` of `{name}` isn't there as it must be"
        if decision.otherwise.outcome not in (*tight, base.otherwise.outcome):
            yield f"`{name}` would {_words(decision.otherwise.outcome)} where no rule holds"
    for name, consent_set in floor.consent_sets.items():
        if name in pack.consent_sets:
            for question, grant in wider_grants(consent_set, pack.consent_sets[name]):
                yield (
                    f"the question `{question.id}` of `{name}` asks that `{grant.sender}` may tell "
                    f"`{question.recipient}` more than the floor asks for"
                )
    for invariant in floor.invariants.values() if invariants else ():
        if _meaning(pack.invariants.get(invariant.id)) != _meaning(invariant):
            yield f"the invariant `{invariant.id}` isn't there as it must be"


def _is_optional(rule: Rule, base: Decision) -> bool:
    """Return whether a rule is one that the floor leaves to each program, on whatever days."""
    optional = base.optional.get(rule.id)
    return optional is not None and _meaning(
        replace(rule, since=optional.since, until=optional.until)
    ) == _meaning(optional)


# What is only said about an item, and changes no answer.
_ABOUT = ("because", "source", "provisional", "other", "reviewable_by")


def _meaning(item: Any) -> Any:
    content = canonical(item)
    return _without(content) if isinstance(content, dict) else content


def _without(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _without(part) for name, part in content.items() if name not in _ABOUT}
    return [_without(part) for part in content] if isinstance(content, list) else content
