"""Put each offense of a pack's table through the program's offer and eligibility, on one day."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import rules
from rules.decide.ruling import NOT_PART
from rules.errors import RequestError
from rules.frozen import frozen
from rules.packs.offenses import NONE
from rules.packs.pack import Offense
from rules.shelf import day_of

# The decisions that are asked, each with the outcomes that let a person in.
ADMITTING = {"offer": ("must_offer", "may_offer"), "eligibility": ("eligible",)}
ADULT = 30  # an age that is over every limit: the list is about offenses, not about minors


@frozen
class OffenseAnswer:
    """A program's answers to a charge of one offense, by decision."""

    offense: Offense
    answers: Mapping[str, rules.Decision]

    @property
    def passes(self) -> bool | None:
        """True if the program takes the charge. None while that depends on missing facts."""
        admits = [
            [outcome in ADMITTING[name] for outcome in answer.possible]
            for name, answer in self.answers.items()
            if answer.outcome != NOT_PART
        ]
        if not all(any(outcomes) for outcomes in admits):
            return False
        return True if all(all(outcomes) for outcomes in admits) else None


def answer_offenses(program: rules.Program, as_of: str) -> Iterator[OffenseAnswer]:
    """Return the answers to each row of the table in force on the day, in the order of codes.

    It is the arrest of an adult for this charge alone, neither violent nor toward a minor. Raises
    `RequestError` if the pack names no table or the program did not run on the day.
    """
    table, day = program.pack.offenses, day_of(as_of)
    if table is None:
        raise RequestError(
            "no-offenses",
            f"the pack `{program.pack.id}` names no offense table",
            fix="add `offenses:` to it, such as `offenses: new-york`",
        )
    program.refuse_day_outside(day, "as_of")
    for rows in table.rows.values():
        for offense in rows:
            if offense.in_force(day):
                facts = program.read({"person": {"age": ADULT}, **_arrest(offense, as_of)})
                answers = {name: program.decide(name, facts) for name in ADMITTING}
                yield OffenseAnswer(offense, answers)


def _arrest(offense: Offense, as_of: str) -> dict[str, Any]:
    charge: dict[str, Any] = {
        "code": offense.code,
        "conduct": offense.conduct,
        "violent": False,
        "to_minor": False,
    }
    if offense.level != NONE:
        charge["level"] = offense.level
    encounter: dict[str, Any] = {"date": as_of, "route": "arrest", "charges": [charge]}
    if len(offense.drugs) == 1:
        encounter["drugs"] = [{"kind": offense.drugs[0]}]
    return {"encounter": encounter}
