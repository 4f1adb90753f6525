"""`offramp card`: the officer's pocket card for a program, one sheet made from the rules that run.

It answers what an officer asks at the scene: may I offer, what do I do then, what of what I see bars later, and what can never
cost a person the place. Every statement is the tree's own English; wording is the pack's.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator

from offramp.documents.document import (
    Block,
    Bullets,
    Document,
    Heading,
    Text,
    as_html,
    as_json,
    passages,
    plain_text,
)
from offramp.documents.show import segment_of, why
from rules.author.english import Passage, Words, day, passage, words_of
from rules.decide.program import Program
from rules.decide.wording import fill_in
from rules.errors import RequestError
from rules.language import tree
from rules.packs.resolve import DecisionInForce, RuleInForce, Segment
from rules.shelf import english, read_pack

WIDTH = 96
FOOT = "Made from the rules that run, by `offramp card`. The whole pack: `offramp show`. Not legal advice."
_OFFICER = "police"


def card(options: argparse.Namespace) -> int:
    if options.html and options.json:
        raise RequestError(
            "usage", "a document is HTML or JSON, not both", fix="leave one of them out"
        )
    pack = read_pack(options.packs)
    document = of_segment(segment_of(pack, options.as_of))
    if options.html:
        print(as_html(document, FOOT), end="")
    elif options.json:
        named = {"pack": pack.id, "digest": Program(pack).digest}
        print(json.dumps({**named, **as_json(document)}, indent=2, ensure_ascii=False))
    else:
        print(plain_text(document, WIDTH))
    return 0


def of_segment(segment: Segment) -> Document:
    """The card of one day. Raises `RequestError` for a program in which no officer offers anything."""
    offer = segment.decisions.get("offer")
    if offer is None:
        raise RequestError(
            "no-card",
            f"`{segment.pack.id}` has no decision `offer`",
            fix="`offramp show` prints any pack",
        )
    blocks = tuple(_blocks(segment, offer, words_of(segment, english())))
    return Document(f"{segment.pack.title}: pocket card", "en", blocks, "card")


def _blocks(segment: Segment, offer: DecisionInForce, words: Words) -> Iterator[Block]:
    yield Heading(1, f"{segment.pack.title}: pocket card", "title")
    yield Text(f"Rules of {day(segment.day)}. Pack `{segment.pack.id}`.")
    yield Heading(2, "May I offer it now?", "offer")
    if len(offer.ranks) > 1:
        yield Text("The first of these that holds counts.")
    for outcome, rules in offer.ranks:
        yield Text(
            "if any of these holds:" if len(rules) > 1 else "if this holds:",
            f"{_name(outcome).upper()}",
        )
        yield Bullets(tuple(_with_exceptions(rule, words) for rule in rules))
    yield Text(
        fill_in(segment, offer.otherwise.because),
        f"Otherwise {_name(offer.otherwise.outcome).upper()}.",
    )
    if offer.decision.while_waiting:
        yield Text(fill_in(segment, offer.decision.while_waiting.text), "Not sure?")
    lists = {part.values.name for rule in offer.rules for part in tree.nodes(rule.condition)
             if isinstance(part, tree.Member) and isinstance(part.values, tree.ParameterOf)}  # fmt: skip
    for name in sorted(lists):
        held = segment.parameters.get(name)
        yield Text(
            ", ".join(_name(one) for one in held) if isinstance(held, tuple) else "nothing",
            f"“{words.parameters[name]}”:",
        )
    given = {*(outcome for outcome, _ in offer.ranks), offer.otherwise.outcome}
    steps = [
        (name, step)
        for name, step in offer.decision.next.items()
        if name in given and step.in_force(segment.day)
    ]
    if steps:
        yield Heading(2, "What I do then", "then")
        for name, step in steps:
            who = "" if step.who == _OFFICER else f" ({_name(step.who)})"
            yield Text(fill_in(segment, step.text), f"{_name(name).capitalize()}{who}:")
    eligibility = segment.decisions.get("eligibility")
    if eligibility is not None:
        seen = [
            rule
            for rule in eligibility.rules
            if _is_the_officers(rule) and rule.rule.then != eligibility.otherwise.outcome
        ]
        already = {fill_in(segment, rule.rule.because) for rule in offer.rules}
        later = [
            text
            for text in dict.fromkeys(why(segment, rule) for rule in seen)
            if text not in already
        ]
        if later:
            yield Heading(2, "What I may see that bars later", "later")
            yield Text("The program's own test asks it. It doesn't keep me from offering.")
            yield Bullets(passages(later))
        asked = _asked(segment, eligibility)
        if asked:
            yield Heading(2, "What I note for that test", "note")
            yield Bullets(passages(asked))
    floors = [
        one
        for one in segment.pack.invariants.values()
        if one.in_force(segment.day) and one.decision != "disclosure"
    ]
    if floors:
        yield Heading(2, "What always holds", "floor")
        yield Bullets(passages(dict.fromkeys(one.because for one in floors)))


def _with_exceptions(rule: RuleInForce, words: Words) -> Passage:
    said = passage(rule.rule.when, words)
    if not rule.unless:
        return said
    lifts = (passage(one.when, words) for one in rule.unless)
    return Passage(
        "a rule with an exception:",
        (said, *(Passage(f"but not if {one.text}", one.items) for one in lifts)),
    )


def _is_the_officers(rule: RuleInForce) -> bool:
    """Whether the officer alone knows all that the rule reads."""
    if any(
        isinstance(part, (tree.OutcomeOf, tree.StatusOf)) for part in tree.nodes(rule.condition)
    ):
        return False
    return all(fact.known_by == _OFFICER for fact in tree.facts_read(rule.condition).values())


def _asked(segment: Segment, eligibility: DecisionInForce) -> list[str]:
    """The questions that only the officer can answer and the offer doesn't ask."""
    read = {
        path: fact
        for rule in eligibility.rules
        for path, fact in tree.facts_read(rule.condition).items()
    }
    before = {
        path
        for rule in segment.decisions["offer"].rules
        for path in tree.facts_read(rule.condition)
    }
    return [
        fact.question
        for path, fact in sorted(read.items())
        if fact.known_by == _OFFICER and path not in before and fact.type != "list"
    ]


def _name(word: str) -> str:
    return word.replace("_", " ")
