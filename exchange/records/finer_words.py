"""Facts as parts carry them: shared words in shared fields, and finer words beside them.

A program's pack may add finer words below the vocabulary's, facts, and fields of the vocabulary's
lists. A part holds the shared word, so that every agency can read it, and the finer one in `finer`.
A fact or field that only the pack has travels in the category that the pack declares. One of a
category that never travels is cut.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rules.input.vocabulary import Fact, Vocabulary

FINER = "finer"


def shared_form(path: str, value: Any, own: Vocabulary) -> Any:
    """Return a fact's value as a part carries it: in shared words, with finer words beside them.

    `own` is the vocabulary of the program's pack. The value of a fact that never travels is None.
    """
    fact = own.facts.get(path)
    if fact is None or value is None or not _travels(fact, own):
        return None
    if fact.type == "choice":
        return fact.word_tree.shared(str(value))
    if fact.type != "list":
        return value
    return [
        {
            name: member
            for name, member in _apart(entry, fact).items()
            if name in ("id", FINER) or (name in fact.fields and _travels(fact.fields[name], own))
        }
        for entry in value
    ]


def _travels(fact: Fact, own: Vocabulary) -> bool:
    return fact.category not in own.never_travels


def with_words_apart(path: str, value: Any, own: Vocabulary) -> Any:
    """Return a list with each finer word beside its shared word, and with all of its fields."""
    fact = own.facts.get(path)
    if fact is None or fact.type != "list" or not isinstance(value, Sequence):
        return value
    return [_apart(entry, fact) for entry in value]


def _apart(entry: Mapping[str, Any], fact: Fact) -> dict[str, Any]:
    members, finer = dict(entry), dict(entry.get(FINER) or {})
    for name, field in fact.fields.items():
        choice = entry.get(name)
        if field.finer and isinstance(choice, str) and choice in field.finer:
            members[name] = field.word_tree.shared(choice)
            finer[name] = choice
    return {**members, FINER: finer} if finer else members


def own_form(path: str, value: Any, own: Vocabulary) -> Any:
    """Return a fact's value in the words of a program's pack.

    A finer word counts only if the pack has it below the word in the shared field. Otherwise the
    shared word stays. A field that the pack doesn't have is left out.
    """
    fact = own.facts.get(path)
    if fact is None or fact.type != "list" or not isinstance(value, Sequence):
        return value
    # What is no entry stays, and the rules refuse it.
    return [_own_entry(entry, fact) if isinstance(entry, Mapping) else entry for entry in value]


def _own_entry(entry: Mapping[str, Any], fact: Fact) -> dict[str, Any]:
    members = {name: member for name, member in entry.items() if name in fact.fields}
    for name, choice in (entry.get(FINER) or {}).items():
        field = fact.fields.get(name)
        if field is not None and members.get(name) in field.word_tree.above(str(choice)):
            members[name] = choice
    return members


def paths_cut(path: str, value: Any, own: Vocabulary) -> tuple[str, ...]:
    """Return the paths of a fact, or of fields of its records, that never travel."""
    fact = own.facts[path]
    if not _travels(fact, own):
        return (path,)
    if fact.type != "list" or not isinstance(value, Sequence):
        return ()
    names = dict.fromkeys(name for entry in value for name in entry)
    return tuple(
        f"{path}.{name}"
        for name in names
        if name in fact.fields and not _travels(fact.fields[name], own)
    )
