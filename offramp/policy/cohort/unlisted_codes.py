"""Codes of charges that an offense table lacks: what a section would state isn't known of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any

import rules
from rules.decide.scene_day import DAY
from rules.frozen import frozen
from rules.input.citations import reader_of

NO_CODE = ""  # in place of a code that a charge lacks
SHOWN = 5  # codes that are named
Codes = tuple[tuple[str, ...], ...]  # of one case, for each program


@frozen
class UnlistedRows:
    """The rows with a code that a program's table lacks, and the codes with the most rows.

    A number that would tell a small one is None.
    """

    rows: int | None
    codes: tuple[tuple[str, int | None], ...] = ()


class UnlistedCodes:
    """Finds the codes of a case that the tables of some programs lack on its day."""

    def __init__(self, programs: Sequence[rules.Program]) -> None:
        self.programs = programs

    def of(self, facts: Any) -> Codes:
        """Return the codes of the facts of a case, as a map gives them."""
        scene = facts.get("encounter") if isinstance(facts, dict) else None
        charges = scene.get("charges") if isinstance(scene, dict) else None
        if not charges or not isinstance(charges, Iterable):
            return ()
        codes = dict.fromkeys(str(charge.get("code") or NO_CODE) for charge in charges)
        day = scene.get(DAY.rpartition(".")[2]) if isinstance(scene, dict) else None
        lacking = tuple(tuple(self._lacking(program, codes, day)) for program in self.programs)
        return lacking if any(lacking) else ()

    def _lacking(self, program: rules.Program, codes: Iterable[str], day: Any) -> Iterator[str]:
        law, read = program.law, reader_of(program.pack.vocabulary).read
        when = law.as_of or (day if isinstance(day, date) else None)
        for code in codes:
            section = read(code) if code else None
            if section is None or when is None or not law.has_row(section, when):
                yield code


def shown_codes(
    counted: Iterable[tuple[Codes, int]],
    place: int,
    printed: Collection[int] | None,
    least: int,
    *,
    are_codes_shown: bool,
) -> UnlistedRows | None:
    """Return the rows of one program, None if its table has every code.

    `counted` has the codes of cases with their rows, and `printed` are the counts of all rows that
    the report has, None if one of them is hidden. Then all numbers are hidden here. So is one that
    differs from a printed count by fewer than `least`: a reader may know that the rows of one are
    among those of the other.
    """
    rows, by_code = 0, Counter[str]()
    for codes, number in counted:
        if codes and codes[place]:
            rows += number
            by_code.update(dict.fromkeys(codes[place], number))
    if not rows:
        return None
    if printed is None or not is_safe(rows, printed, least):
        return UnlistedRows(None)
    others = {*printed, rows}
    return UnlistedRows(rows, tuple(_most_frequent(by_code, others, least, are_codes_shown)))


def _most_frequent(
    by_code: Mapping[str, int], others: Collection[int], least: int, are_counts_shown: bool
) -> Iterator[tuple[str, int | None]]:
    left = sum(by_code.values())
    in_order = sorted(by_code, key=lambda code: (-by_code[code], code))
    for code in in_order[:SHOWN]:
        number = by_code[code]
        left -= number
        if number < least or 0 < left < least or not is_safe(number, others, least):
            return
        yield code, number if are_counts_shown else None


def is_safe(number: int, others: Iterable[int], least: int) -> bool:
    """Return whether a number is not small, and no other one is a few rows from it."""
    return number >= least and all(not 0 < abs(number - other) < least for other in others)
