"""What a consent permits and what a no changes, from the rules alone.

A consent set is a promise about the rules: each grant could pass, and nothing optional is tied to
entry. Both are worked out here. A decision depends on a grant if the role that decides would learn
by it what the rules read and ask the sender for. Where no decision depends on a grant, no answer of
the rules changes with the person's yes or no.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache

from rules.decide.program import Program
from rules.frozen import frozen, replace
from rules.input.vocabulary import nested
from rules.language import tree
from rules.packs.pack import ConsentGrant, ConsentSet, Pack, conditions

DISCLOSURE = "disclosure"
# The decisions about entering the program, and about staying in it. Those they read count too.
ENTRY, STAYING = ("screening", "eligibility", "admission"), ("ejection",)
COUNSEL = "defender"
_SENSITIVITIES = ("plain", "health", "part2")
LIMIT = "no_adverse_action"
# The facts of a person's consent. Only `disclosure` may read them.
_OF_CONSENT = ("grant.", "restriction", "basis", "override")


@frozen
class Passage:
    """A kind of information on its way from one role to another, for a purpose."""

    sender: str
    recipient: str
    category: str
    purpose: str


@lru_cache(maxsize=16_384)
def permits(program: Program, passage: Passage, *, use: str = LIMIT) -> bool:
    """Return whether a live consent for exactly this would let it pass, however sensitive.

    `program` is the pack on a day. Anything but a clear permit is False: a denial, an undetermined
    answer, and a pack without `disclosure`.
    """
    if DISCLOSURE not in program.pack.decisions:
        return False
    is_note = passage.category == "counseling_note"
    flat = {
        "sender.role": passage.sender,
        "recipient.role": passage.recipient,
        "recipient.represents": passage.recipient == COUNSEL,
        "part.category": passage.category,
        "part.use": use,
        "part.question": False,
        "purpose": passage.purpose,
        "grant.status": "live",
        "grant.type": "counseling_notes" if is_note else "ordinary",
        "restriction": False,
        "override": "none",
        "basis": "consent",
    }
    return all(
        program.outcome(DISCLOSURE, nested({**flat, "part.sensitivity": sensitivity})) == "permit"
        for sensitivity in _SENSITIVITIES
    )


def passages(grant: ConsentGrant, recipient: str) -> Iterator[Passage]:
    """Yield each kind of information that a grant covers, for each of its purposes."""
    for category in grant.categories:
        for purpose in grant.purposes:
            yield Passage(grant.sender, recipient, category, purpose)


def permitted_set(program: Program, consent_set: ConsentSet) -> ConsentSet:
    """Return a consent set without what `disclosure` denies on the program's day.

    A pack's own set asks for nothing else: `soundness` refuses it. A child may deny what an
    inherited set asks for, and then nobody is asked for it.
    """
    questions = {}
    for name, question in consent_set.questions.items():
        grants = tuple(
            permitted
            for grant in question.grants
            if (permitted := _permitted_grant(program, question.recipient, grant)) is not None
        )
        if grants:
            questions[name] = replace(question, grants=grants)
    return replace(consent_set, questions=questions)


def _permitted_grant(program: Program, recipient: str, grant: ConsentGrant) -> ConsentGrant | None:
    allowed = {
        (passage.category, passage.purpose)
        for passage in passages(grant, recipient)
        if permits(program, passage)
    }
    categories = tuple(
        category
        for category in grant.categories
        if any((category, purpose) in allowed for purpose in grant.purposes)
    )
    purposes = tuple(
        purpose
        for purpose in grant.purposes
        if all((category, purpose) in allowed for category in categories)
    )
    if not categories or not purposes:
        return None
    return replace(grant, categories=categories, purposes=purposes)


def never_told(program: Program, recipient: str, categories: Iterable[str]) -> tuple[str, ...]:
    """Return the categories that no consent lets any role tell this one, for any purpose."""
    vocabulary = program.pack.vocabulary
    senders = vocabulary.facts["sender.role"].choices
    return tuple(
        category
        for category in categories
        if not any(
            permits(program, Passage(sender, recipient, category, purpose))
            for sender in senders
            if sender != recipient
            for purpose in vocabulary.purposes
        )
    )


def information_read(pack: Pack, decision: str) -> frozenset[tuple[str, str]]:
    """Return what a decision reads on any day: the category and the role that knows it.

    Facts read by clocks and by other decisions count, and so do the answers of those.
    """
    return frozenset(_information(pack, decision, frozenset()))


def facts_read(pack: Pack, decision: str) -> frozenset[str]:
    """Return the paths that a decision reads on any day, by clocks and by other decisions too.

    Another decision is `decisions.<name>`. What determines the rules in force is among them.
    """
    paths: set[str] = set()
    for name in closure(pack, (decision,)):
        paths |= {pack.decisions[name].governed_by}
        paths |= {f"decisions.{name}"} if name != decision else set()
        for rule in pack.decisions[name].rules.values():
            for condition in conditions(rule):
                paths |= set(tree.facts_read(condition))
                for part in tree.nodes(condition):
                    if isinstance(part, tree.StatusOf):
                        paths |= set(_events_of_clock(pack, part.clock))
    return frozenset(paths)


def _information(pack: Pack, name: str, seen: frozenset[str]) -> Iterator[tuple[str, str]]:
    decision = pack.decisions[name]
    for rule in decision.rules.values():
        for condition in conditions(rule):
            for fact in tree.facts_read(condition).values():
                yield fact.category, fact.known_by
            for part in tree.nodes(condition):
                if isinstance(part, tree.StatusOf):
                    yield from _of_clock(pack, part.clock)
                if isinstance(part, tree.OutcomeOf):
                    yield from _of_outcome(pack, part.decision)
                    if part.decision not in seen:
                        yield from _information(pack, part.decision, seen | {name, part.decision})


def _of_clock(pack: Pack, name: str) -> Iterator[tuple[str, str]]:
    for path in _events_of_clock(pack, name):
        fact = pack.vocabulary.facts[path]
        yield fact.category, fact.known_by


def _events_of_clock(pack: Pack, name: str) -> tuple[str, ...]:
    clock = pack.clocks[name]
    events = (clock.start, clock.stop, clock.repeats, clock.tolling)
    return tuple(path for path in events if path is not None)


def _of_outcome(pack: Pack, name: str) -> Iterator[tuple[str, str]]:
    """Yield the categories of another decision's answer, and the role that gives it."""
    terms, decided_by = pack.vocabulary.decisions.get(name), pack.decisions[name].decided_by
    categories = {*terms.categories.values()} if terms and terms.categories else set()
    if name == "screening":
        categories.add("screening_outcome")
    for category in sorted(categories | {"decision_outcome"}):
        yield category, decided_by


def depending(pack: Pack, passage: Passage) -> tuple[str, ...]:
    """Return the decisions, in the vocabulary's order, that depend on what a passage tells.

    A decision does if the recipient makes it, and its rules read this kind of information and ask
    the sender for it.
    """
    order = [*pack.vocabulary.decisions, *pack.decisions]
    return tuple(
        name
        for name in dict.fromkeys(order)
        if name in pack.decisions
        and name != DISCLOSURE
        and pack.decisions[name].decided_by == passage.recipient
        and (passage.category, passage.sender) in information_read(pack, name)
    )


def closure(pack: Pack, names: Iterable[str]) -> frozenset[str]:
    """Return those of the decisions that the pack has, and all that they read."""
    reached: set[str] = set()
    waiting = [name for name in names if name in pack.decisions]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += [
                part.decision
                for rule in pack.decisions[name].rules.values()
                for condition in conditions(rule)
                for part in tree.nodes(condition)
                if isinstance(part, tree.OutcomeOf)
            ]
    return frozenset(reached)


def reads_no_consent(pack: Pack) -> bool:
    """Return whether no decision but `disclosure` reads whether the person consented."""
    return not any(
        path.startswith(_OF_CONSENT)
        for name, decision in pack.decisions.items()
        if name != DISCLOSURE
        for rule in decision.rules.values()
        for condition in conditions(rule)
        for path in tree.facts_read(condition)
    )
