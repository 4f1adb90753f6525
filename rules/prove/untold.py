"""Check that the role that knows a fact of the pack's own can tell it to the role that decides.

A rule or a clock that waits for a fact which nobody can ever send would decide against the person,
or never decide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date

from rules.decide.consent import DISCLOSURE, Passage, permits
from rules.decide.program import Program
from rules.errors import PackError, Place
from rules.input.vocabulary import CLOSED_TO_PACKS, Fact
from rules.packs.faults import Faults
from rules.packs.pack import Pack

# The facts that a decision reads, through clocks and other decisions too: path, rule, and place.
Reads = Callable[[str], Iterable[tuple[str, str, Place]]]


def refuse_untold(pack: Pack, day: date, reads: Reads, faults: Faults) -> None:
    """Refuse an own fact that is read, and that its role can tell no other agency on a day.

    A fact is no fault if its role itself makes each decision that reads it: the agency notes it
    for itself. Neither is one that never travels, for which `own_reads` has rules of its own. A
    pack without `disclosure` runs no exchange.
    """
    if DISCLOSURE not in pack.decisions:
        return
    own = {
        path: pack.vocabulary.facts[path]
        for path in pack.vocabulary.own
        if pack.vocabulary.facts[path].category not in pack.vocabulary.never_travels
    }
    waiting: dict[str, Place] = {}
    for name, decision in pack.decisions.items() if own else ():
        for path, _, place in reads(name):
            whole = path if path in own else path.rpartition(".")[0]
            if whole in own and own[whole].known_by != decision.decided_by:
                waiting.setdefault(whole, place)
    program = Program(pack, day) if waiting else None
    for path, place in waiting.items():
        assert program is not None
        if not _can_be_told(program, own[path].known_by, own[path].category):
            with faults.collect():
                raise _untold(program, own[path], place)


def _can_be_told(program: Program, sender: str, category: str) -> bool:
    """Return whether a role can tell a category to another role, if the person agrees."""
    vocabulary = program.pack.vocabulary
    roles = vocabulary.facts["sender.role"].choices
    return (
        sender in roles
        and category not in (*CLOSED_TO_PACKS, *vocabulary.never_travels)
        and any(
            permits(program, Passage(sender, recipient, category, purpose))
            for recipient in roles
            if recipient != sender
            for purpose in vocabulary.purposes
        )
    )


def _untold(program: Program, fact: Fact, place: Place) -> PackError:
    vocabulary = program.pack.vocabulary
    categories = [
        category
        for category in vocabulary.categories
        if _can_be_told(program, fact.known_by, category)
    ]
    fix = f"for `{fact.known_by}` write one of these categories: {', '.join(categories)}"
    if not categories:
        roles = ", ".join(vocabulary.facts["sender.role"].choices)
        fix = f"write the agency that knows it in `known_by`: {roles}"
    return PackError(
        "never-told",
        f"`{fact.known_by}` can tell no other agency the fact `{fact.path}` of the category "
        f"`{fact.category}`, and others wait for it",
        at=place,
        fix=fix,
    )
