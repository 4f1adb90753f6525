"""Decisions that rest on what was changed since, in the words of a page, and what was changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from offramp.agency.cases.case import Answer
from offramp.agency.cases.corrections import UNOPENED
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.list_changes import differences
from offramp.agency.cases.outdated import ANSWER, OutdatedDecision
from offramp.agency.cases.pack_terms import noun_of
from offramp.agency.operations.code_words import in_words
from offramp.agency.operations.value_words import ValueWords
from rules.frozen import frozen
from rules.packs.pack import Pack
from rules.shelf import vocabulary

# The facts that an unopened correction may change, at most as many as are named.
_MOST_NAMED = 3
# Of an agency that may not tell this one now.
_NOT_HEARD = (
    "{by} may have decided again. It may not tell you now, so nobody here would learn of it. Ask "
    "counsel or the court."
)


@frozen
class ChangedValue:
    """A value that was changed, in words: its question, the value now, and the one before.

    `now` is empty for an entry of a list that was taken back, and `before` for one that was added.
    """

    label: str
    now: str
    before: str

    @property
    def replaces(self) -> bool:
        """True if one value is in place of another."""
        return bool(self.now and self.before)

    @property
    def entry(self) -> str:
        """The fate of an entry that was added or taken back."""
        return f"added since: {self.now}" if self.now else f"taken back: {self.before}"


def values_changed(
    wording: ValueWords, path: str, before: Any, after: Any
) -> Iterator[ChangedValue]:
    """Yield what differs between two values of a fact, of a list field by field."""
    for change in differences(path, before, after, ()):
        is_entry = change.name.endswith("]")
        old, new = (
            "" if is_entry and value is None else wording.text(change.name, value)
            for value in (change.before, change.after)
        )
        yield ChangedValue(wording.terms.question(change.name, "en"), new, old)


def asks_of(decision: str) -> str:
    """Return the question of a decision."""
    label = form_terms().labels.get("decision.asks", {}).get(decision)
    if label is not None:
        return label["en"]
    terms = vocabulary().decisions.get(decision)
    asks = terms.asks if terms is not None else decision.replace("_", " ").capitalize() + "?"
    return " ".join(asks.split())


def asks_in(pack: Pack, decision: str) -> str:
    """Return the question of a decision that only the pack may have."""
    if decision in vocabulary().decisions or decision not in pack.decisions:
        return asks_of(decision)
    return " ".join(pack.decisions[decision].asks.split())


def out_of_date(outdated: OutdatedDecision, names: Mapping[str, str]) -> str:
    """Return in words that a decision is out of date, or may be, and what to do."""
    asks, by = asks_of(outdated.decision), names.get(outdated.agency, outdated.agency)
    changed = in_words("; ".join(outdated.changed), names)
    if outdated.waits_for_opening:
        perhaps = _list_some(_perhaps_changed(outdated))
        return (
            f"{asks} The answer of {by} may be out of date: {changed}. It may change {perhaps}. "
            "Open it first."
        )
    by_whom = f"{outdated.by} of {by}" if outdated.by else by
    answer, what_next = f"The answer of {by_whom}", f"{by} decides again."
    if outdated.what == ANSWER:
        answer, what_next = f"The rules’ answer that {by} sent", f"{by} sends the new one."
    if not outdated.reaches_here:
        what_next = _NOT_HEARD.format(by=by)
    return f"{asks} {answer} is out of date: {changed}. {what_next}"


def sent_closed(agency: str) -> str:
    """Return the sentence that an agency's correction is unopened. `agency` is its name."""
    return f"{agency} sent a correction that isn’t opened. Open it."


def closed_corrections(answer: Answer, names: Mapping[str, str]) -> tuple[str, ...]:
    """Return a sentence for each agency whose unopened correction holds what an answer lacks."""
    corrections = (answer.correction_of(str(need["fact"])) for need in answer.needed)
    senders = dict.fromkeys(correction.by for correction in corrections if correction is not None)
    return tuple(sent_closed(names.get(sender, sender)) for sender in senders)


def _perhaps_changed(outdated: OutdatedDecision) -> tuple[str, ...]:
    """Return what the decision reads and an unopened correction may change."""
    nouns = (
        noun_of(outdated.vocabulary, str(change.path))
        for change in outdated.changes
        if change.how == UNOPENED and not str(change.path).startswith("decisions.")
    )
    return tuple(dict.fromkeys(nouns)) or ("what it rests on",)


def _list_some(nouns: Sequence[str]) -> str:
    if len(nouns) > _MOST_NAMED:
        return f"{', '.join(nouns[:_MOST_NAMED])}, and {len(nouns) - _MOST_NAMED} more"
    return " or ".join(nouns)


def may_be_made_anew(outdated: OutdatedDecision, names: Mapping[str, str]) -> str:
    """Return in words that another agency may look at its decision again."""
    by = names.get(outdated.agency, outdated.agency)
    by_whom = f"{outdated.by} of {by}" if outdated.by else by
    changed = in_words("; ".join(outdated.changed), names)
    what_next = f"Until {by} has decided, its decision stands."
    if not outdated.reaches_here:
        what_next = _NOT_HEARD.format(by=by)
    return (
        f"{asks_of(outdated.decision)} {by} may look at this again: after the decision of "
        f"{by_whom}, {changed}. The rules answer the same as before. {what_next}"
    )
