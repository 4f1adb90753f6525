"""The questions of a report as JSON, so that a later report can ask them again of the same rows.

A pack is named by its id and its digest, never by where it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import rules
from offramp.policy.cohort.answers import Question, Side
from rules.frozen import frozen
from rules.input.printing import plain
from rules.packs.pack import Pack

FindPack = Callable[[str, str], Pack]  # by id and digest


@frozen
class EarlierReport:
    """A printed report of the same file. `cohort` is that part of its JSON.

    `name` is that of its file, and `digest` SHA-256 of it or of its memo. `find_pack` finds the
    packs that it is of, and raises `KeyError` for one that isn't at hand.
    """

    name: str
    digest: str
    cohort: Mapping[str, Any]
    find_pack: FindPack


@frozen
class AskedSide:
    """One side of a question. `day` is None if the day of each row decides."""

    pack: str
    digest: str
    day: str | None
    decision: str


def asked_as_json(questions: Sequence[Question]) -> list[dict[str, Any]]:
    """Return the questions of a report."""
    return [
        {
            "sides": [
                {
                    "pack": side.program.pack.id,
                    "digest": side.program.digest,
                    "day": plain(side.program.as_of),
                    "decision": side.decision,
                }
                for side in question.sides
            ],
            "never": sorted(map(list, question.never)),
            "occurring": sorted(map(list, question.occurring)),
            "of_all_rows": question.of_all_rows,
        }
        for question in questions
    ]


def asked_from_json(value: Any, find_pack: FindPack) -> list[Question]:
    """Return questions as `asked_as_json` states them, of the packs that `find_pack` returns.

    Raises `KeyError`, `TypeError`, or `ValueError` for another form.
    """
    programs: dict[tuple[str, str | None], rules.Program] = {}

    def side(stated: AskedSide) -> Side:
        key = stated.digest, stated.day
        if key not in programs:
            day = None if stated.day is None else date.fromisoformat(stated.day)
            programs[key] = rules.Program(find_pack(stated.pack, stated.digest), day)
        return Side(programs[key], stated.decision)

    return [
        Question(
            tuple(side(AskedSide(**stated)) for stated in question["sides"]),
            frozenset(map(tuple, question["never"])),
            frozenset(map(tuple, question["occurring"])),
            bool(question["of_all_rows"]),
        )
        for question in value
    ]
