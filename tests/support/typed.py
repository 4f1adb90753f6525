"""The typed reader of a vocabulary's facts, made at once and once for each vocabulary."""

from __future__ import annotations

from rules.input.facts import LONGEST_LIST
from rules.input.typed_facts import TypedReader, make_typed_reader
from rules.input.vocabulary import Vocabulary

_READERS: dict[int, tuple[Vocabulary, TypedReader]] = {}


def typed_reader(vocabulary: Vocabulary) -> TypedReader:
    """Return the typed reader of the vocabulary. A test that asks for it needs msgspec."""
    made = _READERS.get(id(vocabulary))
    if made is None:
        reader = make_typed_reader(vocabulary, LONGEST_LIST)
        assert reader is not None, "msgspec is not installed"
        made = _READERS[id(vocabulary)] = vocabulary, reader
    return made[1]
