"""Facts in a YAML or JSON file that a command names."""

from __future__ import annotations

from typing import Any


def read_facts_file(path: str) -> Any:
    """Read facts from a file. A text that begins with a brace or a bracket is JSON, else YAML.

    Raises `FactsError`; `PackError` for text that isn't YAML; `RequestError` `no-file`.
    """
    from offramp.policy.input_files import read_text
    from rules.input import yaml
    from rules.input.json_text import LARGEST, parse_json
    from rules.input.printing import plain

    text = read_text(path)
    if text.lstrip()[:1] in ("{", "[", "") or len(text) > LARGEST:
        return parse_json(text, "the facts")
    return plain(yaml.read_text(text, "the facts").data())
