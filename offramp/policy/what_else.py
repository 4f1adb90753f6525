"""The exact outcomes of a case, and what would change them, as text and as JSON."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from offramp.policy.operations import no_solver
from rules.author.case_words import records_in_words, section_in_words
from rules.author.phrases import Words, format_amount, spell_name, words_of
from rules.decide.decision import Decision
from rules.decide.next_step import role_asked
from rules.input.printing import plain, printable
from rules.packs.tables import join_or
from rules.shelf import english

if TYPE_CHECKING:
    from rules.prove.exact import Exact
    from rules.prove.smallest_change import Change
    from rules.prove.what_if import WhatIf, WhatIfs

    Which = Callable[[Change, Decision], str]

_PLACE = re.compile(r"\[[0-9]+\]")
_FEW = 3  # words that are all named
_SIDES = {"at_most": "at most", "at_least": "at least", "below": "below", "above": "above"}


def exact_of(decision: Decision) -> Exact:
    """Return the exact outcomes. Raises `RequestError` if the solver isn't installed."""
    try:
        from rules.prove.exact import find_exact
    except ImportError:
        raise no_solver() from None
    return find_exact(decision)


def what_if_of(decision: Decision, together: float | None = None) -> WhatIfs:
    """Return the smallest changes. Raises `RequestError` if the solver isn't installed.

    `together` limits all searches together, in seconds.
    """
    try:
        from rules.prove.what_if import find_what_if
    except ImportError:
        raise no_solver() from None
    return find_what_if(decision, together=together)


def exact_as_json(exact: Exact) -> dict[str, Any]:
    """Return exact outcomes as `offramp decide --exact --json` prints them."""
    value: dict[str, Any] = {"possible": list(exact.possible), "needs": list(exact.needs)}
    return value | ({"open": exact.why} if exact.why is not None else {})


def what_ifs_as_json(changes: WhatIfs) -> dict[str, Any]:
    """Return the smallest changes as `--json` prints them, with what the search left open."""
    value: dict[str, Any] = {"what_if": [what_if_as_json(answer) for answer in changes.answers]}
    return value | ({"what_if_open": dict(changes.open)} if changes.open else {})


def what_if_as_json(answer: WhatIf) -> dict[str, Any]:
    """Return a change as `offramp decide --what-if --json` prints it.

    `learn` has what isn't known yet and must come out so, beside the facts that change.
    """
    changed, learned = _parts(answer)
    value: dict[str, Any] = {"outcome": answer.outcome}
    value["change"] = [_change_as_json(change) for change in changed]
    if learned:
        value["learn"] = [
            {"fact": change.fact, "is": _value_as_json(change), **_others_as_json(change)}
            for change in learned
        ]
    return {**value, "rule": answer.rule, "source": answer.source}


def _parts(answer: WhatIf) -> tuple[list[Change], list[Change]]:
    """Return the facts that change, and those to learn. A case may change by learning alone."""
    changed = [change for change in answer.changes if change.before is not None]
    learned = [change for change in answer.changes if change.before is None]
    return (changed, learned) if changed else (learned, [])


def _change_as_json(change: Change) -> dict[str, Any]:
    before, after = plain(change.before), _value_as_json(change)
    return {"fact": change.fact, "from": before, "to": after, **_others_as_json(change)}


def _others_as_json(change: Change) -> dict[str, Any]:
    """Return the other words that give the outcome as well, nothing without one."""
    return {"or": list(change.others)} if change.others else {}


def _value_as_json(change: Change) -> Any:
    """Return the value that a fact has after a change, or the ends of its range."""
    ends = _ends(change)
    return {side: plain(limit) for side, limit in ends} if ends else plain(change.after)


def _ends(change: Change) -> list[tuple[str, Any]]:
    """Return the ends of the range that a number may have, none for one value."""
    first = [(change.bound, change.limit)] if change.bound is not None else []
    return [*first, *([change.second] if change.second is not None else [])]


def exact_lines(exact: Exact) -> Iterator[str]:
    """Yield the exact outcomes as text."""
    outcomes = " or ".join(spell_name(outcome) for outcome in exact.possible)
    if len(exact.possible) == 1:
        yield f"Exact  {outcomes}, whatever is still unknown"
    else:
        yield f"Exact  {outcomes}, depending on what is still unknown"
    if exact.needs:
        yield f"       what still matters: {', '.join(exact.needs)}"
    if exact.why is not None:
        yield f"       open: {exact.why}"


def what_if_lines(decision: Decision, changes: WhatIfs) -> Iterator[str]:
    """Yield the smallest change for each other outcome as text, and what the search left open."""
    if not changes.answers and not changes.open:
        yield "If     no change gives another outcome: this is proved for the facts that somebody"
        yield "       may still change or learn, with the same records and the same sections of"
        yield "       law, whatever the facts are that aren't known"
        return
    if decision.segment is not None:
        yield from _answer_lines(decision, changes.answers)
    with_answer = {answer.outcome for answer in changes.answers}
    for outcome, why in changes.open.items():
        name = spell_name(outcome).upper()
        if outcome in changes.unknown:
            yield f"Open   {not_worked_out(decision, name, changes.unknown[outcome])}"
            continue
        size = "a smaller" if outcome in with_answer else "any"
        yield f"Open   whether {size} change gives {name}: {why}"


def not_worked_out(decision: Decision, name: str, paths: Iterable[str]) -> str:
    """Return that an outcome depends on facts that aren't known, and whom to ask."""
    assert decision.segment is not None
    terms = words_of(decision.segment.segment, english())
    clauses, roles = [], []
    for path in paths:
        whole = _PLACE.sub("", path)
        fact = decision.program.pack.vocabulary.fact_at(whole)
        assert fact is not None  # only facts are looked for
        number = _number(path, decision)
        phrase = terms.phrases.get(whole, whole)
        if fact.type == "list":
            clauses.append(f"the {spell_name(fact.name)} aren't known")
        elif isinstance(phrase, tuple):
            clauses.append(f"it isn't known whether {phrase[0]}{number}")
        else:
            clauses.append(f"{_with_the(phrase)}{number} isn't known")
        person = {"of": fact.asks} if fact.asks is not None else {}
        roles.append(role_asked({"ask": fact.known_by, **person}))
    asked = " and ".join(dict.fromkeys(roles))
    text = ", and ".join(clauses)
    return (
        f"Not worked out: whether any change gives {name}. {text[0].upper()}{text[1:]}. "
        f"Ask {asked}."
    )


def _answer_lines(decision: Decision, answers: Iterable[WhatIf]) -> Iterator[str]:
    for answer in answers:
        yield f"If     {_condition(answer, decision, _path_of)}: {_name(answer)}"
        yield f"       ({_grounds(answer, decision)})"


def sentence_of(answer: WhatIf, decision: Decision) -> str:
    """Return a change as a sentence for a page, without paths of facts."""
    return f"If {_condition(answer, decision, _number_of)}, the rules would say"


def _condition(answer: WhatIf, decision: Decision, which: Which) -> str:
    """Return what would have to be so. `which` tells the records of a list apart."""
    assert decision.segment is not None
    terms = words_of(decision.segment.segment, english())
    changed, learned = _parts(answer)
    conditions = [_said(change, decision, terms, which) for change in changed]
    conditions += [_said(change, decision, terms, which, learned=True) for change in learned]
    return ", and ".join(conditions)


def _path_of(change: Change, decision: Decision) -> str:
    return f" ({change.fact})" if _PLACE.search(change.fact) else ""


def _number_of(change: Change, decision: Decision) -> str:
    """Return which record of a list a change is about, nothing where there is one."""
    return _number(change.fact, decision)


def _number(place: str, decision: Decision) -> str:
    path, bracket, rest = place.partition("[")
    if not bracket or len(decision.case.facts.known.get(path, ())) < 2:
        return ""
    return f" (number {int(rest.partition(']')[0]) + 1})"


def _grounds(answer: WhatIf, decision: Decision) -> str:
    """Return the rule that no longer decides, with its source, or the one that would decide."""
    source = f" ({answer.source})" if answer.source is not None else ""
    if answer.rule in {reason["rule"] for reason in decision.reasons}:
        return f"the rule {answer.rule}{source} would no longer apply"
    return f"by the rule {answer.rule}{source}"


def _name(answer: WhatIf) -> str:
    return spell_name(answer.outcome).upper()


def _said(
    change: Change, decision: Decision, terms: Words, which: Which, *, learned: bool = False
) -> str:
    """Return a change as a condition: `the weight were at most 3 g and not 3.001 g`."""
    verb = "turned out to be" if learned or change.before is None else "were"
    if change.fact.startswith("decisions."):
        name = spell_name(change.fact.removeprefix("decisions."))
        return f"{name} {verb} {_words(change)}{_not(change, None)}"
    path = _PLACE.sub("", change.fact)
    fact = decision.program.pack.vocabulary.fact_at(path)
    if fact is not None and fact.type == "list":
        zone = ZoneInfo(decision.program.pack.time_zone)
        records = "none"
        if change.after:  # other records may give the outcome as well
            listed = records_in_words(fact, change.after, terms.phrases, zone)
            records = f"for example: {listed}"
        return f"the {spell_name(fact.name)} {verb} {records}"
    phrase = terms.phrases.get(path, path)
    of = which(change, decision)
    unit = fact.unit if fact is not None else None
    if isinstance(phrase, tuple) and isinstance(change.after, bool):
        lead = "it were so that" if verb == "were" else "it turned out that"
        return f"{lead} {phrase[0] if change.after else phrase[1]}{of}"
    label = phrase if isinstance(phrase, str) else path
    label = _with_the(label)
    if _ends(change) == [("at_most", 0)]:  # no amount is below 0
        return f"{label}{of} {verb} {format_amount(0, unit)}{_not(change, unit)}"
    ends = [f"{_SIDES[side]} {format_amount(limit, unit)}" for side, limit in _ends(change)]
    if ends:
        return f"{label}{of} {verb} {' and '.join(ends)}{_not(change, unit)}"
    value = _words(change) if change.others else _value(change.after, unit)
    if fact is not None and fact.type == "citation":
        value = section_in_words(str(plain(change.after)))
    return f"{label}{of} {verb} {value}{_not(change, unit)}"


def _words(change: Change) -> str:
    """Return the words that give the outcome: all where they are few, or how many and the first."""
    texts = [_value(choice, None) for choice in (change.after, *change.others)]
    if len(texts) <= _FEW:
        return join_or(texts)
    return f"one of {len(texts)} words, such as {texts[0]}"


def _with_the(label: str) -> str:
    return label if label.startswith("the ") else f"the {label}"


def _not(change: Change, unit: str | None) -> str:
    return "" if change.before is None else f" and not {_value(change.before, unit)}"


def _value(value: Any, unit: str | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return ", ".join(spell_name(printable(plain(each))) for each in value) or "none"
    if unit is not None:
        return format_amount(value, unit)
    return spell_name(printable(plain(value)))
