"""A YAML file as a text editor's schema check reads it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from rules.input.yaml import Node


def editor_value(node: Node) -> Any:
    """Return a node's data with decimals as floats, as a JSON Schema validator takes it."""
    return _with_floats(node.data())


def _with_floats(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _with_floats(member) for key, member in data.items()}
    if isinstance(data, list):
        return [_with_floats(item) for item in data]
    return float(data) if isinstance(data, Decimal) else data
