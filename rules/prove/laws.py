"""The laws that every pack is under, without declaring them.

A pack that extends another has its invariants too, so a variant keeps its base's floor. What is
added here is about `disclosure`: no counseling note reaches police or prosecutors, and no test
result or relapse does without the person's consent. Packs of LEAD permit it with no consent either,
by an invariant of their base.
"""

from __future__ import annotations

from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.pack import Citation, Invariant, Pack

DISCLOSURE = "disclosure"
NOTES_STAY = "law-counseling-notes-stay-in-care"
TESTS_NEED_CONSENT = "law-tests-and-relapses-need-consent"
STRICTER = "stricter-tests-and-relapses-never-to-"
_JUSTICE = ("police", "prosecutor")
_RELAPSES = "substance_use"  # the category that has relapses


def laws_of(pack: Pack) -> list[Invariant]:
    """Return the laws as invariants of a pack. Their `declared_in` is empty."""
    facts = pack.vocabulary.facts
    if DISCLOSURE not in pack.decisions:
        return []
    to_justice = _is_one(facts["recipient.role"], _JUSTICE)
    category, basis = facts["part.category"], facts["basis"]
    no_consent = tree.Not(_is_one(basis, ("consent",)))
    return [
        _never_sent(
            NOTES_STAY,
            tree.And((to_justice, _is_one(category, ("counseling_note",)))),
            "No pack may send a counseling note to police or prosecutors.",
        ),
        _never_sent(
            TESTS_NEED_CONSENT,
            tree.And((to_justice, _is_one(category, ("test_result", _RELAPSES)), no_consent)),
            "No pack may send a test result or a relapse to police or prosecutors without consent.",
        ),
    ]


def stricter_laws_of(pack: Pack) -> list[Invariant]:
    """Return the laws that a pack need not keep: no test result or relapse, with consent either.

    There is one for the police and one for prosecutors. Whether they hold is said openly, since a
    person who consents should know what consent opens.
    """
    facts = pack.vocabulary.facts
    if DISCLOSURE not in pack.decisions:
        return []
    is_care = _is_one(facts["part.category"], ("test_result", _RELAPSES))
    return [
        _never_sent(
            f"{STRICTER}{role}",
            tree.And((_is_one(facts["recipient.role"], (role,)), is_care)),
            "A pack may send a test result or a relapse with consent.",
        )
        for role in _JUSTICE
    ]


def _never_sent(law: str, when: tree.Tree, because: str) -> Invariant:
    return Invariant(
        id=law,
        decision=DISCLOSURE,
        when=when,
        always=tree.Compare("==", tree.OutcomeOf(DISCLOSURE), tree.Constant("deny")),
        independent_of=(),
        because=because,
        source=Citation("", None),
        declared_in="",
    )


def _is_one(fact: Fact, choices: tuple[str, ...]) -> tree.Tree:
    return tree.IsOne(tree.FactOf(fact), choices, fact.word_tree)
