"""`offramp offenses`: every section of a pack's offense table put through the program's offer and its test, on one day."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from typing import Any

import rules
from rules.errors import RequestError
from rules.frozen import frozen
from rules.input.facts import printable
from rules.packs.offenses import NONE
from rules.packs.pack import Offense
from rules.shelf import day_of

ASKED = {
    "offer": ("must_offer", "may_offer"),
    "eligibility": ("eligible",),
}  # and the outcomes that let somebody in
_ASSUMED = (
    "an arrest for this charge alone, neither violent nor toward a minor; nothing else is known"
)


@frozen
class Passage:
    """What the program answers to one charge. `passes` is None while it hangs on what isn't known."""

    offense: Offense
    answers: dict[str, rules.Decision]

    @property
    def passes(self) -> bool | None:
        answers = {
            name: one
            for name, one in self.answers.items()
            if one.outcome != "not_part_of_this_program"
        }
        let_in = [
            [outcome in ASKED[name] for outcome in one.possible] for name, one in answers.items()
        ]
        if not all(any(one) for one in let_in):
            return False
        return True if all(all(one) for one in let_in) else None


def through(program: rules.Program, as_of: str) -> Iterator[Passage]:
    """Each row of the table in force on the day, by code, and what the program answers to it.

    Raises `RequestError` if the pack names no table or the program did not run on the day.
    """
    table, day = program.pack.offenses, day_of(as_of)
    if table is None:
        message = f"the pack `{program.pack.id}` names no offense table"
        raise RequestError(
            "no-offenses", message, fix="add `offenses:` to it, such as `offenses: new-york`"
        )
    program.refuse_day_outside(day, "as_of")
    for offense in (one for rows in table.rows.values() for one in rows if one.in_force(day)):
        charge = {
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
        facts = program.read({"encounter": encounter})
        yield Passage(offense, {name: program.decide(name, facts) for name in ASKED})


def offenses(options: argparse.Namespace) -> int:
    program = rules.load(options.pack)
    found = list(through(program, options.as_of))
    pack = program.pack
    assert pack.offenses is not None
    if options.json:
        shown = {
            "pack": {"id": pack.id, "digest": program.digest},
            "as_of": options.as_of,
            "table": pack.offenses.id,
            "assumed": _ASSUMED,
            "offenses": [_as_json(program, one) for one in found],
        }
        print(json.dumps(shown, indent=2, ensure_ascii=False))
        return 0
    print(
        f"{pack.title}: the sections of {pack.offenses.id} on {options.as_of}, each as {_ASSUMED}."
    )
    for title, passes in (
        ("Pass", True),
        ("Hang on what is not known", None),
        ("Do not pass", False),
    ):
        group = [one for one in found if one.passes is passes]
        print(f"\n{title}: {len(group)}")
        for one in group:
            print(f"  {_line(program, one)}")
    return 0


def _line(program: rules.Program, passage: Passage) -> str:
    offense = passage.offense
    doubt = " (doubtful)" if offense.provisional else ""
    level = "no offense" if offense.level == NONE else offense.level
    conduct = offense.conduct.replace("_", " ")
    said = [f"{name}: {_answer(answer)}" for name, answer in passage.answers.items()]
    source = program.pack.sources[offense.source.id].title
    return "\n      ".join(
        (
            f"{offense.code}  {level}, {conduct}: {printable(offense.title)}{doubt}",
            *said,
            f"Source: {source}",
        )
    )


def _answer(answer: rules.Decision) -> str:
    """What comes out and why, or what it hangs on."""
    outcomes = " or ".join(answer.possible).replace("_", " ")
    if answer.status == "undetermined":
        return f"{outcomes}; hangs on {', '.join(entry['fact'] for entry in answer.needed)}"
    return f"{outcomes}. {' '.join(_because(answer))}".rstrip()


def _because(answer: rules.Decision) -> list[str]:
    return list(dict.fromkeys(reason["text"] for reason in answer.reasons))


def _as_json(program: rules.Program, passage: Passage) -> dict[str, Any]:
    offense = passage.offense
    source = program.pack.sources[offense.source.id]
    return {
        "code": offense.code,
        "title": printable(offense.title),
        "level": offense.level,
        "drugs": list(offense.drugs),
        "conduct": offense.conduct,
        "source": {
            "id": source.id,
            "title": source.title,
            "at": offense.source.at,
            "confidence": source.confidence,
        },
        "provisional": offense.provisional,
        "passes": passage.passes,
        **{name: _answer_as_json(answer) for name, answer in passage.answers.items()},
    }


def _answer_as_json(answer: rules.Decision) -> dict[str, Any]:
    return {
        "status": answer.status,
        "possible": answer.possible,
        "because": _because(answer),
        "needed": [entry["fact"] for entry in answer.needed],
    }
