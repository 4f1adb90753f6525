"""Kinds of record and purposes, as the vocabulary declares them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from exchange.errors import ContentError, shorten
from exchange.records import statements
from rules.errors import nearest
from rules.input.vocabulary import RecordKind
from rules.shelf import vocabulary

Kind = RecordKind

# The kinds of record that ask for something, and by the check of their contents tell nothing about
# the person.
ASKING = ("question", "meeting_agenda")


def kinds() -> Mapping[str, Kind]:
    """Return every kind of record by name."""
    return vocabulary().kinds


def find_kind(name: str) -> Kind:
    """Return the kind with this name. Raises `ContentError` `unknown-kind`."""
    match = kinds().get(name)
    if match is None:
        raise ContentError(
            "unknown-kind",
            f"`{shorten(name)}` is not a kind of record",
            fix=nearest(name, sorted(kinds())),
        )
    return match


@cache
def purposes() -> frozenset[str]:
    """Return every purpose that may be named: those that can be permitted and those always
    denied.
    """
    terms = vocabulary()
    return frozenset((*terms.purposes, *terms.barred_purposes))


@cache
def report_kinds() -> frozenset[str]:
    """Return the kinds that report a disclosure outside the exchange.

    The log always accepts them.
    """
    return frozenset(
        record_kind.name
        for record_kind in kinds().values()
        if record_kind.says and issubclass(statements.MODELS[record_kind.says], statements.Report)
    )
