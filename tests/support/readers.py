"""The readers of files and lines, each with a valid text, for the tests that send wrong ones.

`tests/support/outside.py` has the parsers of the exchange.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from offramp.agency.cases.draft import Defaults, Draft, parse_draft
from rules.errors import FactsError, PackError
from rules.input.characters import refuse_hidden
from rules.input.csv_text import read_rows
from rules.input.facts import read_facts
from rules.input.json_text import parse_json
from rules.input.number_text import read_number_text
from rules.input.printing import plain
from rules.input.toml_text import parse_toml
from rules.input.yaml import read_text
from rules.shelf import vocabulary

DEFAULTS = Defaults("2027-06-30", "none", "part2-2024", lambda size: bytes(size))
DRAFT = """\
parts:
  - category: contact
    content: {facts: {person.age: 21}}
    to: {program: {purpose: offer_and_hand_off, basis: offer_at_scene}}
    says: {answer: accepted}
"""


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def read_draft(text: str) -> Draft:
    return parse_draft(text, DEFAULTS)


def read_yaml(text: str) -> Any:
    return plain(read_text(text, "the file").data())


def _facts(data: bytes) -> object:
    return read_facts(parse_json(text_of(data)), vocabulary())


READERS: dict[str, tuple[Callable[[bytes], Any], bytes]] = {
    "yaml": (lambda data: read_yaml(text_of(data)), b"a: [1, 'b', \"\\u00e9\", {c: 2.5}]\n"),
    "draft": (lambda data: read_draft(text_of(data)), DRAFT.encode()),
    "json of facts": (lambda data: parse_json(text_of(data)), b'{"a":[1,2.5,null,"\\u00e4"]}'),
    "facts": (_facts, b'{"person":{"age":21},"encounter":{"date":"2026-06-30"}}'),
    "toml": (lambda data: parse_toml(data, "`agency.toml`"), b'id = "police"\nkeep_days = 365\n'),
    "csv": (lambda data: list(read_rows(io.BytesIO(data))), b'a,b\n1,"x ""y"""\n'),
    "number": (lambda data: read_number_text(text_of(data)), b"1800.25"),
    "text": (lambda data: refuse_hidden(text_of(data), "the name"), b"Ana Flores"),
}

REFUSALS = (FactsError, PackError)
