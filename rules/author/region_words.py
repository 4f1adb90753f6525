"""Say in words in which cases an answer changes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rules.author.english import line
from rules.author.phrases import Phrase, words_of
from rules.language import tree
from rules.packs.resolve import Segment
from rules.prove.changes import Part, Region

NO_OTHER_BAR = "no other bar holds"
_TIMES = ("before", "after")
_OPPOSITE = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}


class RegionWords:
    """Puts regions into words. A part takes the values of its own side."""

    def __init__(self, old: Segment, new: Segment, phrases: Mapping[str, Phrase]) -> None:
        self._segments = (old, new)
        self._words = (words_of(old, phrases), words_of(new, phrases))

    def as_json(self, region: Region) -> dict[str, Any]:
        """Return a region as the memo has it."""
        value: dict[str, Any] = {
            "all": [
                {"says": self._says(node, part), "is": is_true}
                for part in region.parts
                for node, is_true in [turned(part)]
            ],
            "and_no_other_bar": region.and_no_other_bar,
        }
        if region.rules:
            value["rules"] = [
                {
                    "rule": rule.id,
                    "applies": rule.applies,
                    **({} if rule.side is None else {"on": _TIMES[rule.side]}),
                }
                for rule in region.rules
            ]
        return value

    def sentences(self, region: Region) -> list[str]:
        """Return what is so in a region, a sentence each without its period."""
        sentences = []
        for part in region.parts:
            node, is_true = turned(part)
            sentences.append(self._says(node if is_true else tree.Not(node), part))
        for rule in region.rules:
            verb = "applies" if rule.applies else "does not apply"
            when = (
                "" if rule.side is None else (" before the change", " after the change")[rule.side]
            )
            sentences.append(f"the rule `{rule.id}` {verb}{when}")
        if region.and_no_other_bar:
            sentences.append(NO_OTHER_BAR)
        return sentences or ["in every case"]

    def _says(self, node: tree.Tree, part: Part) -> str:
        """Return a part in the words of its side, and the side where both have the same words."""
        words = line(node, self._words[part.side])
        time = _TIMES[part.side]
        if part.is_its_own:
            return f"{words} (by the law {time} the change)"
        if self._reads_other_list(node):
            return f"{words} (by the list {time} the change)"
        return words

    def _reads_other_list(self, node: tree.Tree) -> bool:
        """Return whether a part reads a list whose entries differ. Its words don't show them."""
        old, new = (segment.parameters for segment in self._segments)
        return any(
            isinstance(part, tree.ParameterOf)
            and isinstance(old.get(part.name), tuple)
            and isinstance(new.get(part.name), tuple)
            and old[part.name] != new[part.name]
            for part in tree.nodes(node)
        )


def turned(part: Part) -> tuple[tree.Tree, bool]:
    """Return a part and whether it is true. A comparison that is false is turned around."""
    node = part.node
    if isinstance(node, tree.Compare) and not part.is_true and node.operator in _OPPOSITE:
        return tree.Compare(_OPPOSITE[node.operator], node.left, node.right), True
    return node, part.is_true
