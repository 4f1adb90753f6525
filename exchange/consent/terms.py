"""The agencies that consent terms bind, and those that may receive the terms."""

from __future__ import annotations

from exchange.consent.state import State
from exchange.records.statements import Change, Grant, Statement


def bound_agencies(state: State, terms: Statement | None) -> frozenset[str]:
    """Return the agencies that consent terms bind.

    A grant binds its discloser, its recipient, and its certifier, which must know the grant. A
    change binds the two agencies of its grant, and a restriction those of its pairs.
    """
    if isinstance(terms, Grant):
        certifier = [terms.certifier] if terms.certifier else []
        return frozenset((terms.discloser, terms.recipient, *certifier))
    if isinstance(terms, Change) and terms.pairs is not None:
        # Without a grant for the pair, only the discloser must know of the restriction.
        return frozenset(
            agency
            for pair in terms.pairs
            for agency in (pair if state.grants_of(pair) else pair[:1])
        )
    if isinstance(terms, Change):
        logged = state.grant(terms.grant)
        return frozenset(logged.pair) if logged else frozenset()
    return frozenset()


def named_agencies(state: State, terms: Statement | None) -> frozenset[str]:
    """Return the agencies that may receive consent terms: the bound ones, and some certifiers.

    The certifier of an event should know that the grant has ended. Otherwise it would go on
    watching a person for an event that no longer ends anything. But an end never waits for a
    certifier that has left or has no key. A narrowing is not the certifier's to know.
    """
    agencies = bound_agencies(state, terms)
    if isinstance(terms, Change) and terms.does == "end":
        ended = state.grant(terms.grant)
        if ended is not None and ended.grant.certifier:
            return agencies | {ended.grant.certifier}
    return agencies
