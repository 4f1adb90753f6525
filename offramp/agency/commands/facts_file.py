"""Facts in a JSON file that a command names."""

from __future__ import annotations

from typing import Any


def read_facts_file(path: str) -> Any:
    """Read facts from a JSON file. Raises `FactsError`; `RequestError` `no-file`."""
    from offramp.policy.input_files import read_text
    from rules.input.json_text import parse_json

    return parse_json(read_text(path), "the facts")
