"""A small pack of a made-up city, for tests of rule changes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

PACK = """
id: riverton
title: Riverton
extends: lead
time_zone: America/Denver
program: {from: 2020-01-01, source: own}
sources:
  own: {title: A resolution, address: the clerk's office, confidence: low}
parameters:
  cap: {label: largest amount, unit: g, values: [{value: 4, source: own}]}
decisions:
  eligibility:
    rules:
      - id: over-the-cap
        when: sum(encounter.drugs.map(d, d.grams)) > cap
        then: ineligible
        because: More than {cap} g.
        source: own
      - id: under-age
        when: person.age < 18
        then: ineligible
        because: Nobody under 18.
        source: own
"""

PROMISE = """
invariants:
  - id: no-minors
    decision: eligibility
    when: person.age < 18
    always: eligibility == "ineligible"
    because: The program is for adults.
    source: own
"""


def pack_in(folder: Path, text: str = PACK, scenarios: Any = None) -> str:
    """Write a pack into a folder of its own and return its path."""
    pack = folder / "riverton"
    pack.mkdir(parents=True, exist_ok=True)
    (pack / "pack.yaml").write_text(text)
    if scenarios is not None:
        (pack / "scenarios.yaml").write_text(yaml.safe_dump(scenarios, sort_keys=False))
    return str(pack)
