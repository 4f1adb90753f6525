"""Find the text of a pack's items, as its authors wrote them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from rules.input.yaml import Node, read_file
from rules.shelf import Neighbors


class PackFiles:
    """The contents of the files of a pack and its parents, the pack's own first."""

    def __init__(self, folder: Path) -> None:
        self.tops: list[Mapping[str, Node]] = []
        while True:
            top = read_file(folder / "pack.yaml").value
            self.tops.append(top)
            if "extends" not in top:
                return
            folder = Neighbors(folder.resolve().parent).pack(top["extends"].text("`extends`"))

    def parameter(self, name: str) -> Node:
        """Return the nearest declaration of a parameter."""
        node: Node = next(
            group.value[name]
            for top in self.tops
            for group in _below(top, ("override", "parameters"), ("parameters",))
            if name in group.value
        )
        return node

    def rule(self, decision: str, name: str) -> Node:
        """Return the nearest declaration of a decision's rule."""
        node: Node = next(
            item
            for top in self.tops
            for group in _below(
                top, ("decisions", decision, "override"), ("decisions", decision, "rules")
            )
            for item in group.value
            if item.value["id"].text("`id`") == name
        )
        return node


def _below(top: Mapping[str, Node], *paths: tuple[str, ...]) -> Iterable[Node]:
    for path in paths:
        level: Any = top
        for step in path:
            level = level.value if isinstance(level, Node) else level
            level = level.get(step) if isinstance(level, Mapping) else None
        if level is not None:
            yield level
