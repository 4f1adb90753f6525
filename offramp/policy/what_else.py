"""The exact outcomes of a case, and what would change them, as text and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from offramp.policy.operations import no_solver
from rules.author.phrases import Words, format_amount, spell_name, words_of
from rules.decide.decision import Decision
from rules.input.printing import plain, printable
from rules.shelf import english

if TYPE_CHECKING:
    from rules.prove.exact import Exact
    from rules.prove.what_if import Change, WhatIf

_PLACE = re.compile(r"\[[0-9]+\]")
_SIDES = {"at_most": "at most", "at_least": "at least", "below": "below", "above": "above"}


def exact_of(decision: Decision) -> Exact:
    """Return the exact outcomes. Raises `RequestError` if the solver isn't installed."""
    try:
        from rules.prove.exact import find_exact
    except ImportError:
        raise no_solver() from None
    return find_exact(decision)


def what_if_of(decision: Decision) -> tuple[WhatIf, ...]:
    """Return the smallest changes. Raises `RequestError` if the solver isn't installed."""
    try:
        from rules.prove.what_if import find_what_if
    except ImportError:
        raise no_solver() from None
    return find_what_if(decision)


def exact_as_json(exact: Exact) -> dict[str, Any]:
    """Return exact outcomes as `offramp decide --exact --json` prints them."""
    value: dict[str, Any] = {"possible": list(exact.possible), "needs": list(exact.needs)}
    return value | ({"open": exact.why} if exact.why is not None else {})


def what_if_as_json(answer: WhatIf) -> dict[str, Any]:
    """Return a change as `offramp decide --what-if --json` prints it.

    `learn` has what isn't known yet and must come out so, beside the facts that change.
    """
    changed, learned = _parts(answer)
    value: dict[str, Any] = {"outcome": answer.outcome}
    value["change"] = [_change_as_json(change) for change in changed]
    if learned:
        value["learn"] = [{"fact": each.fact, "is": plain(each.after)} for each in learned]
    return {**value, "rule": answer.rule, "source": answer.source}


def _parts(answer: WhatIf) -> tuple[list[Change], list[Change]]:
    """Return the facts that change, and those to learn. A case may change by learning alone."""
    changed = [change for change in answer.changes if change.before is not None]
    learned = [change for change in answer.changes if change.before is None]
    return (changed, learned) if changed else (learned, [])


def _change_as_json(change: Change) -> dict[str, Any]:
    to = {change.bound: plain(change.limit)} if change.bound is not None else plain(change.after)
    return {"fact": change.fact, "from": plain(change.before), "to": to}


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


def what_if_lines(decision: Decision, answers: tuple[WhatIf, ...]) -> Iterator[str]:
    """Yield the smallest change for each other outcome as text."""
    if not answers or decision.segment is None:
        yield "If     no change was found among the facts that somebody may still change or learn"
        return
    terms = words_of(decision.segment.segment, english())
    for answer in answers:
        changed, learned = _parts(answer)
        conditions = [_said(change, decision, terms) for change in changed]
        conditions += [_said(change, decision, terms, learned=True) for change in learned]
        yield f"If     {', and '.join(conditions)}: {_name(answer)}"
        source = f", {answer.source}" if answer.source is not None else ""
        yield f"       ({answer.rule}{source})"


def _name(answer: WhatIf) -> str:
    return spell_name(answer.outcome).upper()


def _said(change: Change, decision: Decision, terms: Words, *, learned: bool = False) -> str:
    """Return a change as a condition: `the weight were at most 3 g and not 3.001 g`."""
    verb = "turned out to be" if learned or change.before is None else "were"
    if change.fact.startswith("decisions."):
        name = spell_name(change.fact.removeprefix("decisions."))
        return f"{name} {verb} {_value(change.after, None)}{_not(change, None)}"
    path = _PLACE.sub("", change.fact)
    fact = decision.program.pack.vocabulary.fact_at(path)
    phrase = terms.phrases.get(path, path)
    of = f" ({change.fact})" if _PLACE.search(change.fact) else ""
    unit = fact.unit if fact is not None else None
    if isinstance(phrase, tuple) and isinstance(change.after, bool):
        lead = "it were so that" if verb == "were" else "it turned out that"
        return f"{lead} {phrase[0] if change.after else phrase[1]}{of}"
    label = phrase if isinstance(phrase, str) else path
    label = label if label.startswith("the ") else f"the {label}"
    if change.bound is not None:
        limit = format_amount(change.limit, unit)
        return f"{label}{of} {verb} {_SIDES[change.bound]} {limit}{_not(change, unit)}"
    return f"{label}{of} {verb} {_value(change.after, unit)}{_not(change, unit)}"


def _not(change: Change, unit: str | None) -> str:
    return "" if change.before is None else f" and not {_value(change.before, unit)}"


def _value(value: Any, unit: str | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "none" if not value else printable(plain(value))
    if unit is not None:
        return format_amount(value, unit)
    return spell_name(printable(plain(value)))
