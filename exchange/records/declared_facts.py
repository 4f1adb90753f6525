"""Check the facts of a content that only a program's pack has against that pack.

The hub can't read a content, and a reader without the pack can't know the category of such a fact.
So issuer and recipient check it, each by the pack that the directory names.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter, ValidationError

from exchange.errors import ContentError, shorten
from exchange.records.content import field_type
from exchange.records.field_types import is_pack_path
from exchange.records.finer_words import FINER
from rules.input.vocabulary import Fact, Vocabulary
from rules.shelf import vocabulary


def check_declared(value: Any, own: Vocabulary, *, by_issuer: bool) -> None:
    """Check that a content states and asks for each fact in the category that the pack declares.

    `own` is the vocabulary of the pack. The issuer sends nothing that the pack doesn't declare. A
    recipient ignores it, since the issuer may know a newer pack. Raises `ContentError`
    `wrong-content`.
    """
    for category, members in value.items():
        for path in _paths_named(members):
            if is_pack_path(path):
                _check_path(path, category, own, by_issuer)
        for path, stated in (members.get("facts") or {}).items():
            if is_pack_path(path):
                _check_stated(path, stated, category, own, by_issuer)
            elif isinstance(stated, list | tuple):
                shared = vocabulary().facts[path]
                _check_fields(path, stated, category, own, by_issuer, frozenset(shared.fields))


def _paths_named(members: Mapping[str, Any]) -> Iterator[str]:
    """Yield the paths that a question asks for, or that a decision lacks."""
    yield from members.get("asks") or ()
    decision = members.get("decision") or {}
    yield from (need["fact"] for need in decision.get("needed") or ())
    for name in ("unshown", "untold"):
        yield from decision.get(name) or ()


def _check_path(path: str, category: str, own: Vocabulary, by_issuer: bool) -> Fact | None:
    """Return the declared fact, or None for one that this pack doesn't have."""
    fact = own.fact_at(path)
    if fact is None:
        if by_issuer:
            raise _wrong(category, f"the program's pack has no fact `{shorten(path)}`")
        return None
    # A fact about no person may be in any part of a decision.
    if fact.category not in (category, "operation") or fact.known_by == "hub":
        raise _wrong(category, f"`{shorten(path)}` is not one of its facts")
    return fact


def _check_stated(path: str, stated: Any, category: str, own: Vocabulary, by_issuer: bool) -> None:
    fact = _check_path(path, category, own, by_issuer)
    if fact is None or stated is None:
        return
    if fact.category != category:
        raise _wrong(category, f"`{shorten(path)}` is not one of its facts")
    _check_value(fact, stated, category)
    if isinstance(stated, list | tuple):
        _check_fields(path, stated, category, own, by_issuer, frozenset())


def _check_fields(
    path: str,
    entries: Any,
    category: str,
    own: Vocabulary,
    by_issuer: bool,
    shared: frozenset[str],
) -> None:
    """Check the fields of a list's entries that not all packs share."""
    for entry in entries:
        for name, stated in entry.items():
            if name in shared or name in ("id", FINER):
                continue
            field = _check_path(f"{path}.{name}", category, own, by_issuer)
            if field is not None and field.category != category:
                raise _wrong(category, f"`{shorten(field.path)}` is not one of its facts")
            if field is not None and stated is not None:
                _check_value(field, stated, category)


def _check_value(fact: Fact, stated: Any, category: str) -> None:
    try:
        TypeAdapter(field_type(fact)).validate_python(stated)
    except ValidationError:
        why = f"the value of `{fact.path}` isn't as the pack declares it"
        raise _wrong(category, why) from None


def _wrong(category: str, why: str) -> ContentError:
    return ContentError(
        "wrong-content",
        f"the content of `{category}` is wrong: {why}",
        fix="send only what the program's pack declares",
    )
