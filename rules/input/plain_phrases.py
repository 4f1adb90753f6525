"""The plain phrases of choices and sections of law, as a card says them: `plain_english.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from rules.frozen import frozen
from rules.input.yaml import Node, read_file


@frozen
class PlainPhrase:
    """The clauses about a choice, for yes and no, and the words after a noun of a list's entries.

    `{}` stands for the choices. `singular` and `plural` are None where nothing follows a noun.
    `words` has a choice for one entry and for several.
    """

    yes: str
    no: str
    singular: str | None
    plural: str | None
    words: Mapping[str, tuple[str, str]]


def read_plain_phrases(path: Path) -> dict[str, PlainPhrase]:
    """Read the phrases of a file, by the fact's path. Raises `PackError`."""
    return {
        fact: _phrase(fact, node.mapping(f"the phrases of `{fact}`", _KEYS, _KEYS[:2]))
        for fact, node in read_file(path).mapping("the plain phrases").items()
    }


_KEYS = ("yes", "no", "one", "many", "words")


def _phrase(fact: str, clauses: Mapping[str, Node]) -> PlainPhrase:
    texts = {name: clauses[name].text(f"`{name}`") for name in clauses if name != "words"}
    choices = clauses["words"].mapping(f"the words of `{fact}`") if "words" in clauses else {}
    return PlainPhrase(
        texts["yes"],
        texts["no"],
        texts.get("one"),
        texts.get("many"),
        {choice: _for_one_and_many(choice, node) for choice, node in choices.items()},
    )


def _for_one_and_many(choice: str, node: Node) -> tuple[str, str]:
    if not isinstance(node.value, list):
        return (node.text("a word"),) * 2
    singular, plural = (item.text("a word") for item in node.items(f"`{choice}`"))
    return singular, plural
