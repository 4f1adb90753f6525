"""Say in words what differs between two packs on a day, or in one pack between two days.

Rules, exceptions, and values are compared as they are in force, with the source and the doubt of
each side. Everything else is compared by `difference`, without its dates.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from rules.author.difference import Difference, Speak, differences
from rules.author.english import line
from rules.author.kept_sources import kept_sources, large_steps
from rules.author.phrases import Phrase, Words, format_value, spell_name, words_of
from rules.author.translation import untranslated
from rules.decide.wording import fill_in
from rules.frozen import field, frozen, replace
from rules.language import tree
from rules.packs.digest import canonical
from rules.packs.pack import Exemption, Item, Offense, Pack, Parameter, Removal, Rule
from rules.packs.resolve import DecisionInForce, RuleInForce, Segment
from rules.prove.written_rules import written_exemption, written_rule

CAME, WENT, CHANGED = "came", "went", "changed"
RENAMED, REORDERED, REWORDED = "renamed", "reordered", "reworded"
SOURCED = "sourced"  # the same, with another source or doubt
WORDS_ADDED, WORDS_REMOVED, WORDS_MISSING = "added", "removed", "missing"
_OF_RULES = (RENAMED, REORDERED, REWORDED, SOURCED)
_NO_ANSWER = (*_OF_RULES, WORDS_ADDED, WORDS_REMOVED, WORDS_MISSING)
_OF_WORDS = {CAME: WORDS_ADDED, WENT: WORDS_REMOVED, CHANGED: REWORDED}
_OWN = (
    "rule ",
    "parameter ",
    "reason for removing ",
)  # what `difference` says of these is in other words here
_SHOWN_IN_ENGLISH = "readers of Spanish see the English"
_DEFAULT = ", where no rule holds"
_ONLY_READ = ("Spanish of ", "what is said ")  # words that people read and no rule does
_OF_A_DECISION = re.compile(
    r"(?:wording of |optional |reason for removing )?"
    r"(?:rule|exception|obligation|next step) (\w+)\..*"
    r"|(?:order of the rules of|decision) (\w+)|(\w+), .*"
)


@frozen
class Change:
    """One item that differs, in words.

    `how` is `came`, `went`, `changed`, or one of those that change no answer: `renamed`,
    `reordered`, `sourced`, and of words `reworded`, `added`, `removed`, and `missing`. An item that
    is `sourced` says the same with another source or doubt, and has it in `after` alone. `source`
    and `provisional` are those of the new side, or of what went. The other two are those of the
    old side of what changed. `because` is the reason of a rule or an exception that came or went.
    `same_source` is set where a number changed and its source did not. `times` is set where a
    number is many times the one before it (`20`), or a small part of it (`1/20`).
    """

    what: str
    how: str
    before: str | None = None
    after: str | None = None
    source: str | None = None
    provisional: str | None = None
    source_before: str | None = None
    provisional_before: str | None = None
    because: str | None = None
    same_source: bool | None = None
    times: str | None = None

    @property
    def changes_answers(self) -> bool:
        """False if no answer can change by it."""
        return self.how not in _NO_ANSWER

    def as_json(self) -> dict[str, Any]:
        """Return the change as the memo has it, without what isn't there."""
        value = {name: getattr(self, name) for name in _FIELDS}
        present = {name: text for name, text in value.items() if text is not None}
        return present if self.changes_answers else {**present, "changes_no_answer": True}


_FIELDS = (
    "what",
    "how",
    "before",
    "after",
    "source",
    "provisional",
    "source_before",
    "provisional_before",
    "because",
    "same_source",
    "times",
)


@frozen
class Redline:
    """What differs on the days compared, and what differs between the packs on other days."""

    changes: tuple[Change, ...]
    other_days: tuple[Difference, ...] = field(default_factory=tuple)


def redline(
    old: Segment,
    new: Segment,
    phrases: Mapping[str, Phrase],
    decisions: Collection[str] | None = None,
) -> Redline:
    """Return what differs between two segments. `phrases` are as `rules.shelf.english` reads.

    With `decisions`, the rules of other decisions are left out.
    """
    others = {*old.decisions, *new.decisions}.difference(decisions or ())
    left_out = set[str]() if decisions is None else others
    speak = _spoken_on_any_day((old, new), phrases)
    days = old.day, new.day
    kept = {item.item_name for item in kept_sources(old.pack, new.pack, days)}
    steps = {item.item_name: item.times for item in large_steps(old.pack, new.pack, days)}
    changes = tuple(
        replace(change, same_source=change.what in kept or None, times=steps.get(change.what))
        if change.how == CHANGED
        else change
        for change in _changes(old, new, phrases, speak)
        if _decision_of(change.what) not in left_out
    )
    elsewhere: tuple[Difference, ...] = ()
    if old.pack is not new.pack:
        names_in_redline = {change.what for change in changes}
        elsewhere = tuple(
            difference
            for difference in differences(old.pack, new.pack, speak)
            if difference.what not in names_in_redline
            and not _is_told(difference.what, names_in_redline)
            and _decision_of(difference.what) not in left_out
        )
    return Redline(changes, elsewhere)


def says_the_same(old: Segment, new: Segment) -> bool:
    """Return whether two segments say the same, apart from their dates."""
    return _in_force(old) == _in_force(new) and all(
        difference.what.startswith(_OWN) for difference in differences(_undated(old), _undated(new))
    )


def _in_force(segment: Segment) -> Any:
    """Return the values and the rules of a segment, without their dates."""
    values = {name: _without_dates(value) for name, value in segment.values.items()}
    rules = {
        (name, rule.rule.id): (
            _without_dates(replace(rule.rule, unless=())),
            {exemption.id: _without_dates(exemption) for exemption in rule.unless},
        )
        for name, decision in segment.decisions.items()
        for rule in decision.rules
    }
    return values, rules


def _without_dates(item: Item) -> Any:
    return canonical(replace(item, since=None, until=None))


def on_no_day(redlines: Sequence[Redline]) -> tuple[Difference, ...]:
    """Return what the first redline has of other days, and none of the redlines has on its own."""
    names = {change.what for lines in redlines for change in lines.changes}
    return tuple(
        difference
        for difference in redlines[0].other_days
        if difference.what not in names and not _is_told(difference.what, names)
    )


def _decision_of(what: str) -> str | None:
    """Return the decision that an item belongs to, None for one that belongs to none."""
    match = _OF_A_DECISION.fullmatch(what)
    return next((name for name in match.groups() if name), None) if match else None


def _is_told(what: str, names_in_redline: set[str]) -> bool:
    """Return whether the redline has a rule by its words, or by an exception of its own."""
    name = what.removeprefix("rule ")
    return what.startswith("rule ") and any(
        row == f"wording of rule {name}"
        or row.removeprefix("wording of ").startswith(f"exception {name}.")
        for row in names_in_redline
    )


def _spoken_on_any_day(segments: tuple[Segment, Segment], phrases: Mapping[str, Phrase]) -> Speak:
    """Return how to write a condition of either side in English, without the values of a day."""
    terms = [replace(words_of(segment, phrases), values={}) for segment in reversed(segments)]

    def speak(node: tree.Tree) -> str:
        for side_terms in terms:
            try:
                return line(node, side_terms)
            except KeyError:  # the other side alone has what it names
                continue
        return tree.text(node)

    return speak


def _changes(
    old: Segment, new: Segment, phrases: Mapping[str, Phrase], speak: Speak
) -> Iterator[Change]:
    phrases_of_sides = words_of(old, phrases), words_of(new, phrases)
    yield from _parameters(old, new)
    yield from _ranges(old, new)
    for name in dict.fromkeys((*old.decisions, *new.decisions)):
        before, after = old.decisions.get(name), new.decisions.get(name)
        if before is not None and after is not None:
            yield from _rules(name, (old, new), (before, after), phrases_of_sides)
            yield from _default(name, before, after)
            yield from _removals(name, before.decision.removed, after.decision.removed)
    for difference in differences(_undated(old), _undated(new), speak):
        if not difference.what.startswith(_OWN) and not difference.what.endswith(_DEFAULT):
            is_of_words = difference.what.startswith(_ONLY_READ)
            how = _OF_WORDS[difference.how] if is_of_words else difference.how
            change = Change(difference.what, how, difference.before, difference.after)
            yield _with_source_of_rows(change, (old, new))
    if old.pack is not new.pack:
        before_texts = untranslated(old.pack)
        for text in untranslated(new.pack):
            if text not in before_texts:
                yield Change(f"Spanish of {text}", WORDS_MISSING, None, _SHOWN_IN_ENGLISH)


def _with_source_of_rows(change: Change, segments: tuple[Segment, Segment]) -> Change:
    """Return an offense's change with the source of its rows that differ, if they have one."""
    kind, _, code = change.what.partition(" ")
    if kind != "offense":
        return change
    rows_of_sides = [_rows_on(segment, code) for segment in segments]
    undated = [[_without_dates(row) for row in rows] for rows in rows_of_sides]
    cited = [
        {row.source.id for row in rows if _without_dates(row) not in others}
        for rows, others in zip(rows_of_sides, reversed(undated), strict=True)
    ]
    before, after = (next(iter(ids)) if len(ids) == 1 else None for ids in cited)
    if change.how == CHANGED:
        return replace(change, source=after, source_before=before)
    return replace(change, source=before if change.how == WENT else after)


def _rows_on(segment: Segment, code: str) -> list[Offense]:
    offenses = segment.pack.offenses
    rows = () if offenses is None else offenses.rows.get(code, ())
    return [row for row in rows if row.in_force(segment.day)]


def _ranges(old: Segment, new: Segment) -> Iterator[Change]:
    """Yield each range of a parameter that differs."""
    for name, parameter in new.pack.parameters.items():
        before = old.pack.parameters.get(name)
        if before is None or (before.low, before.high) == (parameter.low, parameter.high):
            continue
        texts = _range_text(before), _range_text(parameter)
        how = CAME if texts[0] is None else WENT if texts[1] is None else CHANGED
        yield Change(f"range of parameter {name}", how, texts[0], texts[1])


def _range_text(parameter: Parameter) -> str | None:
    ends = parameter.low, parameter.high
    if ends == (None, None):
        return None
    return " to ".join(
        "no end" if end is None else format_value(end, parameter.unit) for end in ends
    )


def _removals(
    name: str, old: Mapping[str, Removal], new: Mapping[str, Removal]
) -> Iterator[Change]:
    """Yield why rules of a parent don't apply, where one side has no reason or another one."""
    for rule_id in dict.fromkeys((*old, *new)):
        before, after = old.get(rule_id), new.get(rule_id)
        texts = tuple(None if item is None else item.because for item in (before, after))
        yield from _change(
            f"reason for removing rule {name}.{rule_id}", (before, after), (texts[0], texts[1])
        )


def _parameters(old: Segment, new: Segment) -> Iterator[Change]:
    for name in dict.fromkeys((*old.values, *new.values)):
        before, after = old.values.get(name), new.values.get(name)
        texts = [
            None if value is None else format_value(value.value, segment.pack.parameters[name].unit)
            for value, segment in ((before, old), (after, new))
        ]
        yield from _change(f"parameter {name}", (before, after), (texts[0], texts[1]))


def _change(
    what: str, items: tuple[Item | None, Item | None], texts: tuple[str | None, str | None]
) -> Iterator[Change]:
    """Yield the change of one item, none if both sides say the same."""
    before, after = items
    if before is None and after is not None:
        yield Change(what, CAME, None, texts[1], after.source.id, after.provisional)
    elif after is None and before is not None:
        yield Change(what, WENT, texts[0], None, before.source.id, before.provisional)
    elif before is not None and after is not None:
        basis_before = (before.source.id, before.provisional)
        basis_after = (after.source.id, after.provisional)
        if texts[0] != texts[1]:
            yield Change(what, CHANGED, *texts, *basis_after, *basis_before)
        elif basis_before != basis_after:
            yield Change(what, SOURCED, None, texts[1], *basis_after, *basis_before)


def _rules(
    name: str,
    segments: tuple[Segment, Segment],
    decisions: tuple[DecisionInForce, DecisionInForce],
    phrases_of_sides: tuple[Words, Words],
) -> Iterator[Change]:
    old, new = ({rule.rule.id: rule for rule in decision.rules} for decision in decisions)
    written = tuple(
        {rule_id: written_rule(segment, rule) for rule_id, rule in rules.items()}
        for segment, rules in zip(segments, (old, new), strict=True)
    )
    went = {written[0][rule_id]: rule_id for rule_id in old if rule_id not in new}
    renamed = {
        went[written[1][rule_id]]: rule_id
        for rule_id in new
        if rule_id not in old and written[1][rule_id] in went
    }
    for before_id, after_id in renamed.items():
        yield Change(f"rule {name}.{before_id}", RENAMED, before_id, after_id)
    for rule_id in dict.fromkeys((*old, *new)):
        if rule_id in renamed or rule_id in renamed.values():
            continue
        before, after = old.get(rule_id), new.get(rule_id)
        if before is not None and after is not None:
            yield from _rule(f"{name}.{rule_id}", segments, (before, after), phrases_of_sides)
        else:
            texts = (_text(before, phrases_of_sides[0]), _text(after, phrases_of_sides[1]))
            items = (
                None if before is None else before.rule,
                None if after is None else after.rule,
            )
            for change in _change(f"rule {name}.{rule_id}", items, texts):
                yield _with_reason(change, items, segments)
    orders = [
        [
            rule_id
            for rule_id in segment.pack.decisions[name].rules
            if rule_id in old and rule_id in new
        ]
        for segment in segments
    ]
    if orders[0] != orders[1]:
        yield Change(f"order of the rules of {name}", REORDERED)


def _with_reason(
    change: Change,
    items: tuple[Rule | Exemption | None, Rule | Exemption | None],
    segments: tuple[Segment, Segment],
) -> Change:
    """Return the change of a rule or an exception that came or went, with its reason."""
    side = {CAME: 1, WENT: 0}.get(change.how)
    item = None if side is None else items[side]
    if side is None or item is None:
        return change
    return replace(change, because=fill_in(segments[side], item.because))


def _rule(
    name: str,
    segments: tuple[Segment, Segment],
    rules: tuple[RuleInForce, RuleInForce],
    phrases_of_sides: tuple[Words, Words],
) -> Iterator[Change]:
    """Yield what differs in a rule that both sides have: itself, and each exception."""
    before, after = rules
    rule_texts = tuple(
        f"{spell_name(rule.rule.then)} when {line(rule.rule.when, own)}"
        for rule, own in zip(rules, phrases_of_sides, strict=True)
    )
    # A value that changed is names_in_redline as itself.
    own = tuple((rule.rule.then, tree.text(rule.rule.when)) for rule in rules)
    if own[0] != own[1]:
        yield from _change(
            f"rule {name}", (before.rule, after.rule), (rule_texts[0], rule_texts[1])
        )
    elif before.rule.because != after.rule.because:
        yield _reworded(f"rule {name}", before.rule, after.rule)
    else:
        yield from _change(
            f"rule {name}", (before.rule, after.rule), (rule_texts[1], rule_texts[1])
        )
    exceptions = [{exemption.id: exemption for exemption in rule.unless} for rule in rules]
    for exemption_id in dict.fromkeys((*exceptions[0], *exceptions[1])):
        first, second = (by_id.get(exemption_id) for by_id in exceptions)
        if first is not None and second is not None:
            if written_exemption(first) == written_exemption(second):
                if first.because != second.because:
                    yield _reworded(f"exception {name}.{exemption_id}", first, second)
                continue
        conditions = tuple(
            None if exemption is None else _exemption(exemption, terms)
            for exemption, terms in zip((first, second), phrases_of_sides, strict=True)
        )
        items = (first, second)
        texts = (conditions[0], conditions[1])
        for change in _change(f"exception {name}.{exemption_id}", items, texts):
            yield _with_reason(change, items, segments)


def _reworded(what: str, before: Rule | Exemption, after: Rule | Exemption) -> Change:
    """Return the change of an item that gives its reason in other words."""
    basis_before = before.source.id, before.provisional
    basis_after = after.source.id, after.provisional
    texts = before.because, after.because
    return Change(f"wording of {what}", REWORDED, *texts, *basis_after, *basis_before)


def _text(rule: RuleInForce | None, phrases: Words) -> str | None:
    if rule is None:
        return None
    text = f"{spell_name(rule.rule.then)} when {line(rule.rule.when, phrases)}"
    return text + "".join(f"; unless {_exemption(exemption, phrases)}" for exemption in rule.unless)


def _exemption(exemption: Exemption, phrases: Words) -> str:
    return line(exemption.when, phrases)


def _default(name: str, before: DecisionInForce, after: DecisionInForce) -> Iterator[Change]:
    old, new = before.otherwise, after.otherwise
    texts = (spell_name(old.outcome), spell_name(new.outcome))
    yield from _change(f"{name}{_DEFAULT}", (old, new), texts)


_PACK_PARTS = ("decisions", "clocks", "invariants", "groups", "retention", "consent_sets")
_DECISION_PARTS = ("rules", "optional", "obligations", "next")


def _undated(segment: Segment) -> Pack:
    """Return the pack of a day: what is in force then, without dates."""
    undated: Pack = _on(segment.pack, segment.day)
    return undated


def _on(value: Any, day: date) -> Any:
    if isinstance(value, Mapping):
        kept = {name: _on(item, day) for name, item in value.items() if _is_in_force(item, day)}
        return {name: item for name, item in kept.items() if item != ()}
    if isinstance(value, tuple):
        return tuple(_on(item, day) for item in value if _is_in_force(item, day))
    if isinstance(value, Item):
        return replace(value, since=None, until=None)
    if isinstance(value, Pack):
        changed = {name: _on(getattr(value, name), day) for name in _PACK_PARTS}
        offenses = value.offenses
        if offenses is not None:
            offenses = replace(offenses, rows=_on(offenses.rows, day))
        # The first and last day of a program change no answer on a day between them.
        doubts = _on(value.program.doubts, day)
        program = replace(value.program, doubts=doubts, since=None, until=None)
        return replace(value, **changed, offenses=offenses, program=program)
    if hasattr(value, "otherwise"):
        return replace(value, **{name: _on(getattr(value, name), day) for name in _DECISION_PARTS})
    return value


def _is_in_force(item: Any, day: date) -> bool:
    return not isinstance(item, Item) or item.in_force(day)
