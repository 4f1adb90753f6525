"""The taps on the card for phones that lead to the answer for some facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from offramp.documents.offline_pages import QuestionScreen, Screens
from rules.author.answer_tree import AnswerTree, Leaf
from rules.input.facts import read_facts
from rules.input.vocabulary import Vocabulary
from rules.packs.resolve import Segment
from tests.support import written

# An adult who is arrested with some heroin.
USUAL: Mapping[str, Any] = {
    "person.age": 25,
    "person.resident": True,
    "encounter.route": "arrest",
    "encounter.in_area": True,
    "encounter.overdose_help_sought": False,
    "encounter.can_agree": True,
    "encounter.medical_emergency": False,
    "encounter.mental_crisis": False,
    "encounter.warrant_hit": False,
    "encounter.appearance_ticket": True,
    "encounter.charges": [
        {
            "conduct": "possession",
            "level": "misdemeanor",
            "violent": False,
            "to_minor": False,
            "authority": "state",
        }
    ],
    "encounter.drugs": [{"kind": "opioid", "grams": 1, "form": "weighed"}],
}


def usual_facts(vocabulary: Vocabulary, code: str | None = None) -> dict[str, Any]:
    """Return the facts of the usual case that a pack has words for. `code` is a section of law."""
    stated = {path: value for path, value in USUAL.items() if path in vocabulary.facts}
    if code is not None:
        charge = USUAL["encounter.charges"][0]
        stated["encounter.charges"] = [{**charge, "code": code}]
    return dict(read_facts(written.nested(stated), vocabulary).known)


def taps_to_answer(tree: AnswerTree, segment: Segment, facts: Mapping[str, Any]) -> list[int]:
    """Return the number of the screen that each tap leads to, the last one with the answer."""
    screens = Screens(tree, segment)
    numbers = {identity: number for number, identity in enumerate(screens.all_screens(), 1)}
    path = tree.follow(facts)
    assert path is not None
    left = [option for _, option in path.options]
    node, taps = tree.root, list[int]()
    while not isinstance(node, Leaf):
        screen = screens.screen(node)
        assert isinstance(screen, QuestionScreen)
        row = next(
            row
            for row in (*screen.rows, *screen.unsure)
            if list(row.options) == left[: len(row.options)]
        )
        left, node = left[len(row.options) :], row.then
        taps.append(numbers[id(node)])
    return taps
