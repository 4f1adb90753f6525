"""Readers of a pack's consent sets: what a person may consent to, and in which questions.

A question has one recipient role and one need, so that no answer covers both what entry depends on
and what is optional. A child's set may only be tighter than the parent's set of the same id.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from functools import partial

from rules.errors import PackError, nearest
from rules.input import keys
from rules.input.yaml import Node
from rules.packs.draft import Draft, merge_items, read_items, refuse_unusable
from rules.packs.faults import gather
from rules.packs.pack import ConsentGrant, ConsentQuestion, ConsentSet, InBoth
from rules.packs.parameters import read_event

MINIMUM, OPTIONAL = NEEDS = ("minimum", "optional")
MOST_DAYS = 3660
# Kinds of information that need a grant of their own, as the form of a grant states.
_ALONE = ("barriers", "counseling_note")
# What passes without a consent, and so is in none.
_WITHOUT_CONSENT = (
    "operation",
    "consent_terms",
    "exchange_operation",
    "medical_emergency",
    "premises_crime",
)
# No agency of these roles tells anything, or is told anything.
_NO_AGENCIES = ("hub", "person", "policy_group")


def read_consent_sets(draft: Draft) -> dict[str, ConsentSet]:
    """Return the pack's consent sets, and those of its parent that it doesn't replace, by id."""
    parents = draft.parent.consent_sets if draft.parent else {}
    sets = merge_items(
        "consent set",
        parents,
        draft.section("consent_sets"),
        draft.overrides("consent_sets"),
        partial(_read_set, draft),
        draft.faults,
    )
    for name, replaced in sets.items():
        if name in parents and replaced is not parents[name]:
            with draft.faults.collect(name):
                _check_tighter(parents[name], replaced)
    return sets


def _read_set(draft: Draft, name: str, node: Node) -> ConsentSet:
    subject = f"the consent set `{name}`"
    refuse_unusable(name, node)
    fields = node.mapping(subject, keys.CONSENT_SET.names, keys.CONSENT_SET.required)
    parts = gather(
        {
            "label": partial(read_in_both, fields["label"], f"the label of {subject}"),
            "after": partial(read_event, draft, fields["after"]),
            "questions": partial(_read_questions, draft, fields),
            "item": partial(draft.read_item, node, fields, subject),
        }
    )
    item = parts.pop("item")
    return ConsentSet(id=name, **parts, **item)


def _read_questions(draft: Draft, fields: Mapping[str, Node]) -> dict[str, ConsentQuestion]:
    days = _read_days(fields["days"])
    nodes = fields["questions"].mapping("`questions`")
    return gather(
        {name: partial(_read_question, draft, name, node, days) for name, node in nodes.items()}
    )


def _read_question(draft: Draft, name: str, node: Node, days: int) -> ConsentQuestion:
    subject = f"the consent question `{name}`"
    refuse_unusable(name, node)
    fields = node.mapping(subject, keys.CONSENT_QUESTION.names, keys.CONSENT_QUESTION.required)
    need = _read_word(fields["need"], NEEDS, "need")
    recipient = _read_agency_role(draft, fields["to"])
    grants = tuple(_read_grant(draft, inner, recipient) for inner in read_items(fields, "grants"))
    if not grants:
        fields["grants"].fail("wrong-shape", f"{subject} has no grants", "name what may be told")
    return ConsentQuestion(
        name,
        recipient,
        need,
        _read_days(fields["days"]) if "days" in fields else days,
        grants,
        read_in_both(fields["asks"], f"`asks` of {subject}") if "asks" in fields else None,
        node.place,
    )


def _read_grant(draft: Draft, node: Node, recipient: str) -> ConsentGrant:
    fields = node.mapping("a grant", keys.CONSENT_GRANT.names, keys.CONSENT_GRANT.required)
    sender = _read_agency_role(draft, fields["from"])
    if sender == recipient:
        fields["from"].fail(
            "wrong-shape", f"`{sender}` would tell `{recipient}`, itself", "name two roles"
        )
    vocabulary = draft.vocabulary
    barred = (*vocabulary.never_travels, *_WITHOUT_CONSENT)
    allowed = [name for name in vocabulary.categories if name not in barred]
    served = [name for name in vocabulary.purposes if name not in _WITHOUT_CONSENT]
    categories = _read_words(fields["categories"], allowed, "category of a consent")
    alone = next((name for name in _ALONE if name in categories and len(categories) > 1), None)
    if alone is not None:
        fields["categories"].fail(
            "wrong-shape", f"`{alone}` is in a grant with others", "give it a grant of its own"
        )
    return ConsentGrant(
        sender,
        categories,
        _read_words(fields["purposes"], served, "purpose of a consent"),
        read_in_both(fields["says"], "`says` of a grant") if "says" in fields else None,
        node.place,
    )


def _read_words(node: Node, allowed: Collection[str], noun: str) -> tuple[str, ...]:
    """Read a list of different words of a closed list, none of them twice."""
    words: list[str] = []
    for item in node.items("the list"):
        word = _read_word(item, allowed, noun)
        if word in words:
            item.fail("duplicate-id", f"`{word}` appears twice", "leave it once")
        words.append(word)
    if not words:
        node.fail("wrong-shape", f"the grant names no {noun}", "name at least one")
    return tuple(words)


def _read_word(node: Node, allowed: Collection[str], noun: str) -> str:
    word = node.text(f"the {noun}")
    if word not in allowed:
        node.fail("unknown-word", f"`{word}` is no {noun}", nearest(word, tuple(allowed)))
    return word


def _read_agency_role(draft: Draft, node: Node) -> str:
    role = draft.read_role(node)
    if role in _NO_AGENCIES:
        node.fail("unknown-role", f"`{role}` is no agency", "name the role of an agency")
    return role


def _read_days(node: Node) -> int:
    days = node.data()
    if isinstance(days, bool) or not isinstance(days, int) or not 1 <= days <= MOST_DAYS:
        node.fail(
            "out-of-range",
            f"`days` is no whole number from 1 to {MOST_DAYS}",
            "write how many days the consent lasts, such as 365",
        )
    return days


def read_in_both(node: Node, subject: str) -> InBoth:
    """Read a text in English and in Spanish."""
    fields = node.mapping(subject, keys.IN_BOTH.names, keys.IN_BOTH.required)
    english, spanish = (
        " ".join(fields[lang].text(f"{subject} in `{lang}`").split()) for lang in ("en", "es")
    )
    return InBoth(english, spanish)


def _check_tighter(parent: ConsentSet, child: ConsentSet) -> None:
    """Check that a set asks for nothing that the parent's doesn't ask for, and for no longer."""
    for question, grant in wider_grants(parent, child):
        raise PackError(
            "consent-widened",
            f"the question `{question.id}` asks for more than the set `{parent.id}` of "
            f"`{parent.declared_in}`",
            at=grant.place,
            fix="ask for less, or for fewer days, or declare another set",
        )


def wider_grants(
    parent: ConsentSet, child: ConsentSet
) -> Iterator[tuple[ConsentQuestion, ConsentGrant]]:
    """Yield each grant of a set that no grant of the parent's set covers, with its question."""
    for question in child.questions.values():
        for grant in question.grants:
            if not any(
                _is_within(question, grant, wider, wider_grant)
                for wider in parent.questions.values()
                for wider_grant in wider.grants
            ):
                yield question, grant


def _is_within(
    question: ConsentQuestion,
    grant: ConsentGrant,
    wider: ConsentQuestion,
    wider_grant: ConsentGrant,
) -> bool:
    return (
        (grant.sender, question.recipient) == (wider_grant.sender, wider.recipient)
        and set(grant.categories) <= set(wider_grant.categories)
        and set(grant.purposes) <= set(wider_grant.purposes)
        and question.days <= wider.days
        and (question.need == OPTIONAL or wider.need == MINIMUM)
    )
