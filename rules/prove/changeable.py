"""The facts that somebody may still change, learn, or correct.

Age, race, and sex are never proposed for a change, and neither is what happened: the encounter, the
record, and the events of the case. A weight can be taken again, a charge can be charged otherwise,
and a judgment, an approval, or another decision is somebody's to make.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from rules.decide.ruling import Ruling, keeps_its_needs
from rules.input.facts import Facts
from rules.input.vocabulary import Fact
from rules.packs.law import CHARGES
from rules.prove.grounding import without_places

_PERSONAL = re.compile(
    r"(^|[._])(age|race|ethnicity|sex|gender|birth|born|nationality|religion)([._]|$)"
)
# What happened, but for the drugs and the charges, which are weighed and written by somebody.
_PAST = ("encounter.", "history.", "case.", "now")
_STILL_OPEN = ("encounter.drugs", CHARGES, "case.charge_held", "case.progress.")
_TIMES = ("date", "timestamp", "citation")


def can_change(fact: Fact) -> bool:
    """Return whether somebody may still change or correct a known fact."""
    is_past = fact.path.startswith(_PAST) and not fact.path.startswith(_STILL_OPEN)
    return not is_past and can_be_learned(fact) and fact.type not in _TIMES


def can_be_learned(fact: Fact) -> bool:
    """Return whether a fact that isn't known may be named: all but what a person is."""
    return not _PERSONAL.search(fact.path) and fact.kind != "event"


def changeable_paths(ruling: Ruling) -> Iterator[str]:
    """Yield the known facts of a case that may change, and the outcomes of others' decisions.

    What the law states of a section is not the charge's own.
    """
    facts: Facts = ruling.case.facts
    vocabulary = ruling.program.pack.vocabulary
    day = ruling.program.as_of or facts.known.get("encounter.date")
    for path, value in facts.known.items():
        fact = vocabulary.facts[path]
        if fact.type != "list":
            if can_change(fact):
                yield path
            continue
        for place, record in enumerate(value):
            stated: Mapping[str, Any] = {}
            if path == CHARGES:
                stated = ruling.program.law.stated(record, day)
            for name in record:
                if can_change(fact.fields[name]) and name not in stated:
                    yield f"{path}[{place}].{name}"
    for name in facts.attested:
        if keeps_its_needs(ruling.program.pack, name):
            yield f"decisions.{name}"


def is_named(ruling: Ruling, path: str) -> bool:
    """Return whether a fact that isn't known may be named as one to learn."""
    if path.startswith("decisions."):
        return True
    fact = ruling.program.pack.vocabulary.fact_at(without_places(path))
    return fact is not None and can_be_learned(fact)
