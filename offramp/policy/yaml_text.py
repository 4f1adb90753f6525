"""Write YAML as the shipped packs have it.

Blocks are indented, short lists and mappings are written in one line, long texts are folded, and
there are no quotes that aren't needed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rules.input.yaml import Node

# Items of these lists, and mappings with one of these keys, are easier to change on lines of their
# own.
_ITEM_LINES = ("values", "unless", "")
_KEY_LINES = ("because", "when", "says", "values", "facts", "unless")
_LONG = 90  # characters; a longer text is folded over several lines


def indented(text: str, spaces: int) -> list[str]:
    """Return the lines of a text, each indented unless it is empty."""
    return [f"{' ' * spaces}{line}" if line else line for line in text.splitlines()]


def scalar(text: str) -> str:
    """Return a text as a YAML scalar."""
    return to_yaml(text).strip()


def to_yaml(value: Any) -> str:
    """Return plain data, or a `Node` that was read, as YAML."""
    import yaml

    class Emitter(yaml.Dumper):
        """Indents lists inside mappings, and never quotes a plain scalar."""

        yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012  # PyYAML's own name

        def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
            """Indent a list under its key."""
            super().increase_indent(flow, False)

    emitted: str = yaml.serialize(_node(value), Dumper=Emitter, width=110, allow_unicode=True)
    return emitted.removesuffix("\n...\n").rstrip("\n")


def _node(value: Any, key: str = "") -> Any:
    """Return PyYAML's node for plain data or for a `Node`. `key` is the mapping's key for it."""
    import yaml

    plain = value.value if isinstance(value, Node) else value
    if isinstance(plain, Mapping):
        pairs = [(_node(name), _node(item, name)) for name, item in plain.items()]
        nodes = [node for pair in pairs for node in pair]
        return yaml.MappingNode("tag:yaml.org,2002:map", pairs, flow_style=_is_short(nodes))
    if isinstance(plain, (list, tuple)):
        items = [_node(item) for item in plain]
        return yaml.SequenceNode(
            "tag:yaml.org,2002:seq",
            items,
            flow_style=key not in _ITEM_LINES and _is_short(items),
        )
    text = _text(plain)
    if len(text) > _LONG and key == "when":
        return yaml.ScalarNode(
            "tag:yaml.org,2002:str", _break_condition(" ".join(text.split())), style="|"
        )
    if len(text) > _LONG:
        return yaml.ScalarNode("tag:yaml.org,2002:str", " ".join(text.split()), style=">")
    is_text = value.quoted if isinstance(value, Node) else isinstance(plain, str)
    # Without quotes it would be read as a number, as true or false, or as nothing.
    needs_quotes = is_text and not isinstance(Node("", 0, 0, text).data(), str)
    return yaml.ScalarNode("tag:yaml.org,2002:str", text, style="'" if needs_quotes else None)


def _break_condition(condition: str) -> str:
    """Break a long condition before each `&&` and `||` outside brackets."""
    lines, depth = "", 0
    for part in re.split(r"( && | \|\| |[()\[\]])", condition):
        depth += (part in ("(", "[")) - (part in (")", "]"))
        lines += f"\n{part.lstrip()}" if depth == 0 and part in (" && ", " || ") else part
    return lines


def _text(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def _is_short(nodes: list[Any]) -> bool:
    """Test whether a list or a mapping of these nodes fits in a line, and no key needs a line."""
    texts = [node.value for node in nodes if isinstance(node.value, str)]
    return (
        not any(text in _KEY_LINES for text in texts)
        and sum(_width(node) + 2 for node in nodes) < _LONG
    )


def _width(node: Any) -> int:
    if isinstance(node.value, str):
        return len(node.value) if node.style not in (">", "|") else 10 * _LONG
    if not node.flow_style:
        return 10 * _LONG
    return 2 + sum(
        _width(item) + 2
        for part in node.value
        for item in (part if isinstance(part, tuple) else (part,))
    )
