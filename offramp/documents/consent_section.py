"""The sections of a pack page about consent sets and about the words that an officer says."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from offramp.documents.document import Block, Cell, Heading, Table, Text, anchor
from rules.author.phrases import spell_name
from rules.decide.consent import depending, passages, permitted_set
from rules.decide.program import Program
from rules.packs.pack import ConsentGrant, ConsentQuestion, ConsentSet, Item, Pack
from rules.packs.resolve import Segment

INTRODUCTION = (
    "A consent set is what a case manager asks a person in one conversation. The person answers "
    "each question by itself. Every grant is one that `disclosure` permits with that consent, and "
    "no decision about entering the program depends on an optional one. `offramp check` refuses a "
    "pack where that is not so."
)
_HEAD = ("Question", "Who may tell whom", "What", "For", "Need and days", "If the person says no")


def consent_blocks(
    segment: Segment, name_fact: Callable[[str], str], mark: Callable[[Item], str]
) -> Iterator[Block]:
    """Yield the consent sets. `name_fact` is the noun for an event, `mark` the note of an item."""
    pack = segment.pack
    if not pack.consent_sets:
        return
    program = Program(pack, segment.day)
    sets = (permitted_set(program, consent_set) for consent_set in pack.consent_sets.values())
    asked_sets = [asked_set for asked_set in sets if asked_set.questions]
    if not asked_sets:
        return
    yield Heading(2, "What a person is asked to consent to", "consent")
    yield Text(INTRODUCTION)
    for consent_set in asked_sets:
        yield Heading(3, spell_name(consent_set.id).capitalize(), anchor("consent", consent_set.id))
        when = f"{consent_set.label.en} (after {name_fact(consent_set.after)})"
        yield Text(f"{when}.{mark(consent_set)}", "Asked:")
        caption = f"The questions of {spell_name(consent_set.id)}"
        yield Table(caption, _HEAD, tuple(_rows(pack, consent_set)))


def _rows(pack: Pack, consent_set: ConsentSet) -> Iterator[tuple[Cell, ...]]:
    for question in consent_set.questions.values():
        for grant in question.grants:
            yield (
                f"`{question.id}`",
                f"{spell_name(grant.sender)} to {spell_name(question.recipient)}",
                ", ".join(map(spell_name, grant.categories)),
                ", ".join(map(spell_name, grant.purposes)),
                f"{question.need}, {question.days} days",
                _consequence(pack, question, grant),
            )


def _consequence(pack: Pack, question: ConsentQuestion, grant: ConsentGrant) -> str:
    """Return what a no changes: the decisions that depend on the grant."""
    decisions = dict.fromkeys(
        name for passage in passages(grant, question.recipient) for name in depending(pack, passage)
    )
    if not decisions:
        return "no decision depends on it"
    return f"may stay open: {', '.join(map(spell_name, decisions))}"


def words_blocks(pack: Pack, mark: Callable[[Item], str]) -> Iterator[Block]:
    """Yield what the officer says, and the program's phone number."""
    words = pack.words
    if not words.officer_says and words.phone is None:
        return
    yield Heading(2, "What the officer says", "officer-says")
    if words.phone is not None:
        yield Text(words.phone.number + mark(words.phone), "Phone:")
    rows = [
        (spell_name(outcome), spoken.text.en, spoken.text.es, mark(spoken).strip())
        for outcome, spoken in words.officer_says.items()
    ]
    if rows:
        head = ("Answer", "English", "Spanish", "Notes")
        yield Table("What the officer says to the person, in two languages", head, tuple(rows))
