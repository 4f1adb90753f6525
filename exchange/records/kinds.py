"""Kinds of record and purposes, as the vocabulary declares them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from exchange.errors import ContentError, shorten
from exchange.records import statements
from rules.input.vocabulary import RecordKind
from rules.shelf import vocabulary

Kind = RecordKind


def kinds() -> Mapping[str, Kind]:
    """Every kind, by name."""
    return vocabulary().kinds


def find_kind(name: str) -> Kind:
    """The kind of this name. Raises `ContentError` `unknown-kind`."""
    found = kinds().get(name)
    if found is None:
        raise ContentError(
            "unknown-kind",
            f"`{shorten(name)}` is no kind of record",
            fix="use one of the vocabulary's",
        )
    return found


@cache
def purposes() -> frozenset[str]:
    """Every purpose that may be named: those that can be permitted, and those that are always denied."""
    words = vocabulary()
    return frozenset((*words.purposes, *words.barred_purposes))


@cache
def report_kinds() -> frozenset[str]:
    """The kinds that report what was told outside the exchange. They are never refused a place in the log."""
    return frozenset(
        each.name
        for each in kinds().values()
        if each.says and issubclass(statements.MODELS[each.says], statements.Report)
    )
