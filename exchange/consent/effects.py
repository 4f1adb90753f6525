"""Find the passages that a new record of a case can stop.

A hub judges a waiting part again when a record may have ended its permission. To judge every
waiting part at every record would cost the square of a case's records.

INVARIANT: a passage that this module leaves out keeps its permit under the new record. A property
test holds it to the reduction.
"""

from __future__ import annotations

from collections.abc import Iterator

from exchange.consent.state import COLLECTORS, Committed, State
from exchange.records.statements import About, Answer, Change, Grant, Statement
from rules.frozen import frozen


@frozen
class Effect:
    """A condition on passages: each part that is given must hold, and none given holds for all.

    `between` are two agencies in either direction, `party` is an agency at one end. The passage has
    one of the `purposes`.
    """

    between: tuple[str, str] | None = None
    party: str | None = None
    basis: str | None = None
    purposes: tuple[str, ...] | None = None

    def covers(self, issuer: str, to: str, purpose: str, basis: str) -> bool:
        """Return whether the condition holds for a passage."""
        return (
            (self.between is None or {issuer, to} == set(self.between))
            and (self.party is None or self.party in (issuer, to))
            and (self.basis is None or self.basis == basis)
            and (self.purposes is None or purpose in self.purposes)
        )


EVERYTHING = Effect()


def effects_of(record: Committed, before: State) -> tuple[Effect, ...]:
    """Return conditions of which each passage that the record can stop meets one.

    `before` is the case without the record.
    """
    return tuple(dict.fromkeys(_effects_of(record, before)))


def _effects_of(record: Committed, before: State) -> Iterator[Effect]:
    match record.kind:
        case "offer" | "referral":
            # An acceptance only permits. A refusal ends the acceptance before it.
            if any(_is_refusal(statement) for _, statement in record.says()):
                yield Effect(basis="offer_at_scene")
        case "representation":
            yield Effect(party=record.issuer)
        case "exit":
            yield Effect(basis="offer_at_scene")
            for other in before.kind("representation"):
                yield Effect(party=other.issuer)
        case "recall":
            # The recall of a referral ends its acceptance.
            if any(
                _is_about(record, statement, before, "referral") for _, statement in record.says()
            ):
                yield Effect(basis="offer_at_scene")
            # That of a representation ends it.
            if any(
                _is_about(record, statement, before, "representation")
                for _, statement in record.says()
            ):
                yield Effect(party=record.issuer)
        case "emergency_disclosure":
            yield Effect(purposes=("medical_emergency",))
        case "consent" | "consent_change":
            yield from _effects_of_terms(record, before)
        case _:
            # A refusal counts in a record of any kind.
            if any(_is_refusal(statement) for _, statement in record.says()):
                yield Effect(basis="offer_at_scene")


def _effects_of_terms(record: Committed, before: State) -> Iterator[Effect]:
    if not record.sound:
        yield EVERYTHING
    seen: set[str] = set()
    for label in record.labels.values():
        terms = label.statement
        if isinstance(terms, Grant):
            pair = (terms.discloser, terms.recipient)
            is_taken = terms.id in seen or before.grant(terms.id) is not None
            is_fault = is_taken or record.role not in COLLECTORS
            seen.add(terms.id)
            # A fault blocks its pair. A sound grant counts for its own purposes only.
            yield Effect(between=pair, purposes=None if is_fault else tuple(terms.purposes))
        elif isinstance(terms, Change) and terms.pairs is not None:
            yield from (Effect(between=pair) for pair in terms.pairs)
        elif isinstance(terms, Change) and (logged := before.grant(terms.grant)) is not None:
            yield Effect(between=logged.pair, purposes=tuple(logged.grant.purposes))
        elif "consent_terms" in label.category:
            yield EVERYTHING


def _is_about(record: Committed, statement: Statement, before: State, kind: str) -> bool:
    return isinstance(statement, About) and any(
        subject.kind == kind and subject.issuer == record.issuer
        for subject in before.of_id(statement.about[0])
    )


def _is_refusal(statement: Statement) -> bool:
    return isinstance(statement, Answer) and statement.answer == "declined"
