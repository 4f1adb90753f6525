"""A decision as a record: one part for each set of categories that its reasons, needs and sources belong to. Pure.

So each agency gets the part of the why that it may have. The same function makes the parts of a record and, in `replay`, those
that they must equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from exchange.records.kinds import kinds
from offramp.agency.cases.case import Answer
from rules.input.vocabulary import Vocabulary

OUTCOME, SCREENING = "decision_outcome", "screening_outcome"

Contents = Mapping[tuple[str, ...], dict[str, Any]]


def contents(answer: Answer) -> Contents:
    """What each part holds, by the part's categories in order. What no part of a decision record may hold is left out.

    Of a decision that reads criminal history there is the outcome alone.
    """
    words = answer.case.vocabulary
    word = words.decisions[answer.decision]
    program = answer.first.program
    base = {
        "decision": answer.decision,
        "status": answer.status,
        "pack": program.pack.id,
        "digest": program.digest,
        "now": answer.now,
        **({"as_of": answer.first.as_of.isoformat()} if answer.first.as_of else {}),
    }
    found: dict[frozenset[str], dict[str, Any]] = {}

    def part(*categories: str) -> dict[str, Any]:
        return found.setdefault(frozenset(categories), dict(base))

    outcomes = (
        answer.outcome
        if isinstance(answer.outcome, list)
        else [answer.outcome]
        if answer.outcome
        else []
    )
    default = SCREENING if word.reads_criminal_history else OUTCOME
    if not outcomes:
        part(
            *(
                {default}
                if not word.collect
                else {word.categories[one] for one in word.outcomes[:1]}
            )
        )
    for outcome in outcomes:
        held = part(word.categories.get(outcome, default))
        held["outcome"] = [*held.get("outcome", ()), outcome] if word.collect else outcome
    if not word.reads_criminal_history:
        for reason in answer.reasons:
            step = word.categories.get(reason["outcome"])
            cited = [*_categories(answer.reads_of(reason), words), *([step] if step else [])]
            # What no rule gave cites nothing: it says what the outcome says.
            held = part(*(cited or [default]))
            held.setdefault("reasons", []).append(
                {"rule": reason["rule"], "outcome": reason["outcome"]}
            )
        for need in answer.needed:
            category = _category(str(need["fact"]), words)
            if category is not None:
                path = plain_path(str(need["fact"]))
                held = part(category if category != "operation" else default).setdefault(
                    "needed", []
                )
                if {"fact": path, "ask": need["ask"]} not in held:
                    held.append({"fact": path, "ask": need["ask"]})
        for path, said in answer.cited:
            category = _category(path, words)
            if category is not None and said.entry.is_logged:
                held = part(category).setdefault("rests_on", [])
                if (one := {"record": said.entry.record, "part": said.entry.part}) not in held:
                    held.append(one)
        for member, paths in (
            ("unshown", answer.unshown),
            ("untold", sorted(answer.silent & answer.reads)),
        ):
            for path in paths:
                if (category := _category(path, words)) is not None:
                    part(category if category != "operation" else default).setdefault(
                        member, []
                    ).append(path)
    may = frozenset(kinds()["decision"].categories)
    return {
        tuple(sorted(categories)): held for categories, held in found.items() if categories <= may
    }


def content_of(categories: tuple[str, ...], decision: Mapping[str, Any]) -> dict[str, Any]:
    """A part's content: what the rules answered stands under the first of its categories."""
    return {
        category: {"decision": dict(decision)} if category == categories[0] else {}
        for category in categories
    }


def decision_in(content: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What the rules answered, in a content."""
    return next((held["decision"] for held in content.values() if held.get("decision")), None)


def plain_path(path: str) -> str:
    """A path as records have it: without places in a list."""
    return "".join(
        piece.partition("]")[2] if number else piece for number, piece in enumerate(path.split("["))
    )


def _category(path: str, words: Vocabulary) -> str | None:
    """Which kind of information a fact is; of an outcome too. None for what never travels or isn't the vocabulary's own."""
    if path.startswith("decisions."):
        word = words.decisions.get(path.partition(".")[2])
        return SCREENING if word and word.reads_criminal_history else OUTCOME
    if path in ("now", "as_of"):
        return "operation"
    plain = plain_path(path)
    fact = words.facts.get(plain) or words.facts.get(plain.rpartition(".")[0])
    return None if fact is None or fact.category in words.never_travels else fact.category


def _categories(paths: Iterable[str], words: Vocabulary) -> list[str]:
    return [
        category
        for path in paths
        if (category := _category(path, words)) is not None and category != "operation"
    ]
