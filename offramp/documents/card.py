"""`offramp card`: the officer's pocket card for a program, one sheet made from the rules that run.

The card answers an officer's questions at the scene: may I offer the program, and what do I do
then. Below that it names the bars that the program checks later, the facts to write down, and the
promises of the rules.
Every condition is the tree's own English; every other sentence is the pack's.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import date

from offramp.clock import day_in_zone
from offramp.documents.card_words import age_of_rules, is_offer, list_entries, step_text
from offramp.documents.document import (
    BLANK,
    Block,
    Bullets,
    Document,
    Heading,
    Text,
    as_json,
    passages,
)
from offramp.documents.plain_text import plain_text
from offramp.documents.segments import (
    PROMISES,
    PROVED,
    TRIED,
    cited,
    day_notice,
    in_pack_order,
    invariant_status,
    reason,
    segment_of,
)
from offramp.documents.show import refuse_two_forms
from offramp.documents.web_page import as_html
from offramp.output_file import check_output, write_output
from offramp.policy.local_packs import local_member, print_local_note
from offramp.terminal import print_json, print_text
from rules.author.english import Passage, Words, passage, words_of
from rules.author.observations import is_measured, sentence_of
from rules.author.phrases import format_value, spell_name
from rules.decide.explain import names_of
from rules.decide.program import Program
from rules.decide.wording import fill_in, parameters_read
from rules.errors import RequestError
from rules.input.printing import printable
from rules.language import tree
from rules.packs.pack import Pack, Wording
from rules.packs.resolve import DecisionInForce, RuleInForce, Segment
from rules.prove.implied import without_if_known
from rules.shelf import english, read_pack

WIDTH = 96
FOOT = "Made by `offramp card` from the rules that run. Fold the sheet twice. Not legal advice."
_OFFICER = "police"


def card(options: argparse.Namespace) -> int:
    """Print the card of the pack that the options name, and return exit status 0."""
    refuse_two_forms(options)
    pack = read_pack(options.packs)
    if options.offline is not None:
        return _write_offline(pack, options)
    print_local_note([pack])
    today = day_in_zone(options.today, pack.time_zone)
    document = card_of(segment_of(pack, options.as_of, today), today)
    if options.html:
        print_text(as_html(document, FOOT), end="")
    elif options.json:
        identity = {"pack": pack.id, "digest": Program(pack).digest} | local_member(pack)
        print_json({**identity, **as_json(document)}, indent=2)
    else:
        print_text(plain_text(document, WIDTH))
    return 0


def _write_offline(pack: Pack, options: argparse.Namespace) -> int:
    """Write the card as a page to tap through, and return exit status 0."""
    from offramp.documents.offline_card import offline_card  # the printed card needs no tree

    if options.html or options.json:
        raise RequestError(
            "usage", "`--offline` writes one HTML file", fix="leave out `--html` and `--json`"
        )
    check_output(options.offline, force=options.force)
    made = offline_card(pack, options.as_of, day_in_zone(options.today, pack.time_zone))
    write_output(options.offline, made.html.encode(), force=options.force)
    print_local_note([pack])
    size = f"{made.screens} screens, {len(made.html.encode()) // 1024} KB"
    print_text(f"{printable(options.offline)}: {size}, at most {made.most_taps} taps")
    return 0


def card_of(segment: Segment, today: date | None = None) -> Document:
    """Return the card of one day's rules.

    With `today`, it names the sources that are out of date then, and says if its rules aren't those
    of that day, or other rules follow.
    Raises `RequestError` for a program in which no officer makes an offer.
    """
    offer = segment.decisions.get("offer")
    if offer is None:
        raise RequestError(
            "no-card",
            f"`{segment.pack.id}` has no decision `offer`",
            fix="print the pack with `offramp show`",
        )
    title = f"{segment.pack.title}: pocket card"
    blocks = (
        Heading(1, title, "title"),
        *_notice(segment, today),
        Text(_phone(segment), "Case manager on call:"),
        *_offer(segment, offer, words_of(segment, english())),
        *_at_scene(segment, words_of(segment, english())),
        *_later(segment, offer),
        *_promises(segment),
        *age_of_rules(segment, today),
    )
    return Document(title, "en", blocks, "card")


def _notice(segment: Segment, today: date | None) -> Iterator[Block]:
    if notice := day_notice(segment, today):
        yield Text(notice)


# May I offer it now?


def _offer(segment: Segment, offer: DecisionInForce, terms: Words) -> Iterator[Block]:
    default = offer.otherwise
    yield Heading(2, "May I offer it now?", "offer")
    ranks = ranks_that_matter(offer)
    yield from _ranked(segment, offer, ranks, terms)
    step = offer.decision.next.get(default.outcome)
    lead = "Otherwise " if ranks else ""
    label = f"{lead}{spell_name(default.outcome).upper()}."
    if step is not None and step.in_force(segment.day) and default.outcome not in dict(ranks):
        yield Text(step_text(segment, step), label)
    else:
        yield Text(fill_in(segment, default.because), label)
    yield from _known_by_chance(offer, terms)
    if offer.decision.while_waiting:
        yield Text(fill_in(segment, offer.decision.while_waiting.text), "Not sure?")
    yield from _spoken(segment, [*dict(ranks), default.outcome])
    yield from _lists(segment, offer, terms)
    yield from _amounts(segment, offer, terms)


def _ranked(
    segment: Segment,
    decision: DecisionInForce,
    ranks: tuple[tuple[str, tuple[RuleInForce, ...]], ...],
    terms: Words,
) -> Iterator[Block]:
    """Yield each outcome with the conditions that give it, the highest first."""
    if len(ranks) > 1:
        yield Text("Take the first of these that is true.")
    for outcome, rules in ranks:
        conditions = tuple(_with_exceptions(rule, terms) for rule in rules)
        lead = "any of these is true:" if len(rules) > 1 else "this is true:"
        if len(conditions) == 1 and conditions[0].items and not rules[0].unless:
            lead, conditions = conditions[0].text, conditions[0].items
        yield Text(f"if {lead}", spell_name(outcome).upper())
        yield Bullets(conditions)
        yield from _step(segment, decision.decision.next.get(outcome))


def _at_scene(segment: Segment, terms: Words) -> Iterator[Block]:
    """Yield the pack's own decisions at the scene, each under its question."""
    for name in segment.pack.scene_decisions:
        if (own := segment.decisions.get(name)) is None:
            continue
        default, ranks = own.otherwise, ranks_that_matter(own)
        yield Heading(2, own.decision.asks, name.replace("_", "-"))
        yield from _ranked(segment, own, ranks, terms)
        lead = "Otherwise " if ranks else ""
        label = f"{lead}{spell_name(default.outcome).upper()}."
        step = own.decision.next.get(default.outcome)
        is_told = step is not None and step.in_force(segment.day)
        text = step_text(segment, step) if step and is_told else None
        yield Text(text or fill_in(segment, default.because), label)


def _known_by_chance(offer: DecisionInForce, terms: Words) -> Iterator[Block]:
    """Say what the officer need not find out, and what a weight would change.

    The other conditions on what is known are in the list of their outcome, as "it is known that".
    """
    rules = [
        rule for _, ranked in ranks_that_matter(offer) for rule in ranked if rule.asks_if_known
    ]
    if not rules:
        return
    sentences = [sentence_of(rule, terms) for rule in rules if is_measured(rule)]
    known = "You need not find out what a rule above calls known."
    yield Text(" ".join((known, *sentences)), "Only if known:")


def _phone(segment: Segment) -> str:
    """Return the program's phone number, or a blank to fill in."""
    phone = segment.pack.words.phone
    return phone.number if phone is not None else BLANK


def _spoken(segment: Segment, outcomes: list[str]) -> Iterator[Block]:
    """Return what the officer says for each outcome that offers the program, in two languages."""
    for outcome in outcomes:
        spoken = segment.pack.words.officer_says.get(outcome)
        if spoken is not None and is_offer(outcome):
            yield Text(spoken.text.en, f"Say ({spell_name(outcome)}):")
            yield Text(spoken.text.es, "In Spanish:", "es")


def ranks_that_matter(offer: DecisionInForce) -> tuple[tuple[str, tuple[RuleInForce, ...]], ...]:
    """Return the ranks of the offer without last ones that only repeat the default answer."""
    ranks = offer.ranks
    while ranks and ranks[-1][0] == offer.otherwise.outcome:
        ranks = ranks[:-1]
    return ranks


def _with_exceptions(rule: RuleInForce, terms: Words) -> Passage:
    condition = passage(rule.rule.when, terms)
    if not rule.unless:
        return condition
    exceptions = (passage(exemption.when, terms) for exemption in rule.unless)
    return Passage(
        "a rule with an exception:",
        (condition, *(exception.prefixed("but not if ") for exception in exceptions)),
    )


def _step(segment: Segment, step: Wording | None) -> Iterator[Block]:
    if step is not None and step.in_force(segment.day):
        yield Text(step_text(segment, step), "Then:")


def _lists(segment: Segment, offer: DecisionInForce, terms: Words) -> Iterator[Block]:
    """Return the entries of every list that a condition on the card names."""
    conditions = [rule.condition for _, rules in ranks_that_matter(offer) for rule in rules]
    for name, entries in list_entries(segment, conditions).items():
        yield Text(entries, f"“{terms.parameters[name]}”:")


def _amounts(segment: Segment, offer: DecisionInForce, terms: Words) -> Iterator[Block]:
    """Return the source of every amount that a condition on the card reads."""
    conditions = [rule.condition for _, rules in ranks_that_matter(offer) for rule in rules]
    for name in parameters_read(segment, names_of(conditions)):
        value = segment.values[name]
        if not isinstance(value.value, tuple):
            amount = format_value(value.value, segment.pack.parameters[name].unit)
            source = cited(segment.pack, value.source)
            yield Text(f"{amount}, by {source}.", f"“{terms.parameters[name]}”:")


# What the program checks later


def _later(segment: Segment, offer: DecisionInForce) -> Iterator[Block]:
    eligibility = segment.decisions.get("eligibility")
    if eligibility is None:
        return
    on_card = [without_if_known(rule.rule.when) for rule in offer.rules]
    reasons = dict.fromkeys(
        reason(segment, rule)
        for rule in in_pack_order(segment, eligibility.rules)
        if _is_officers(rule)
        and rule.rule.then != eligibility.otherwise.outcome
        and (rule.unless or rule.rule.when not in on_card)
    )
    if reasons:
        heading = "The program checks these later, and they do not stop the offer now"
        yield Heading(2, heading, "later")
        yield Bullets(passages(reasons))
    questions = _questions(segment, eligibility)
    if questions:
        yield Heading(2, "Write down", "note")
        yield Text(" ".join(questions))


def _is_officers(rule: RuleInForce) -> bool:
    """Return True if the officer knows every fact that the rule reads."""
    if any(
        isinstance(part, (tree.OutcomeOf, tree.StatusOf)) for part in tree.nodes(rule.condition)
    ):
        return False
    return all(fact.known_by == _OFFICER for fact in tree.facts_read(rule.condition).values())


def _questions(segment: Segment, eligibility: DecisionInForce) -> list[str]:
    """Return the questions that only the officer can answer and the offer does not ask."""
    asked_before = {
        path
        for rule in segment.decisions["offer"].rules
        for path in tree.facts_read(rule.condition)
    }
    read = {
        path: fact
        for rule in eligibility.rules
        for path, fact in tree.facts_read(rule.condition).items()
    }
    return [
        fact.question
        for path, fact in sorted(read.items())
        if fact.known_by == _OFFICER and path not in asked_before and fact.type != "list"
    ]


# What the rules never do


def _promises(segment: Segment) -> Iterator[Block]:
    promised = [
        invariant
        for invariant in segment.pack.invariants.values()
        if invariant.in_force(segment.day) and invariant.decision != "disclosure"
    ]
    if not promised:
        return
    yield Heading(2, "What the rules never do", "invariants")
    yield Text(PROMISES)
    for status, label in ((PROVED, "Proved:"), (TRIED, "Tried, not proved:")):
        texts = dict.fromkeys(
            invariant.because
            for invariant in promised
            if invariant_status(segment, invariant.id) == status
        )
        if texts:
            yield Text(" ".join(texts), label)
