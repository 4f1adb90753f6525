"""An offense table as a program reads it: the level and conduct of charges by code and day.

Values in the facts win over the table's. `differences` lists each value that the table adds, and
each that differs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache, partial
from typing import Any

from rules.input.facts import Facts
from rules.packs.offenses import NONE
from rules.packs.pack import Offense, Offenses, Source

CHARGES = "encounter.charges"
FILLED = ("level", "conduct")


def stated_values(table: Offenses, code: str, day: date) -> dict[str, tuple[Offense, str]]:
    """Return `level` and `conduct` of a code on a day, each with a row that states it.

    A value on which the rows of that day differ is left out.
    """
    rows = [row for row in table.rows.get(code, ()) if row.level != NONE and row.in_force(day)]
    stated = {}
    for name in FILLED:
        values = {str(getattr(row, name)) for row in rows}
        if len(values) == 1:
            stated[name] = (rows[0], values.pop())
    return stated


def _folded(code: str) -> str:
    """Return a code without what spellings differ in: case, blanks, and `§`."""
    return "".join(code.replace("§", "").casefold().split())


class Law:
    """An offense table, applied to the charges of cases.

    `as_of` is the day whose law applies, or None for the day of each encounter. Answers are cached.
    """

    def __init__(self, table: Offenses, as_of: date | None) -> None:
        self.as_of = as_of
        self.table = table
        self._spellings = {_folded(code): code for code in table.rows}
        self._stated_values = lru_cache(maxsize=4096)(partial(stated_values, table))

    def filled(self, facts: Facts) -> Facts:
        """Return the facts with codes as the table spells them, and with missing values filled in.

        If that changes nothing, these are the same facts.
        """
        charges = facts.known.get(CHARGES)
        if charges:
            for charge in charges:  # most charges are complete, and each decision passes here
                if "code" in charge and (
                    "level" not in charge
                    or "conduct" not in charge
                    or charge["code"] not in self.table.rows
                ):
                    return self._filled(facts, charges)
        return facts

    def _filled(self, facts: Facts, charges: tuple[Mapping[str, Any], ...]) -> Facts:
        records = tuple(
            {
                **{name: value for name, (_, value) in self._values_of(charge, facts).items()},
                **charge,
            }
            for charge in map(self._respelled, charges)
        )
        if records == tuple(charges):
            return facts
        return Facts({**facts.known, CHARGES: records}, facts.attested, facts.doubtful)

    def _values_of(self, charge: Mapping[str, Any], facts: Facts) -> dict[str, tuple[Offense, str]]:
        day = self.as_of or facts.known.get("encounter.date")
        return self._stated_values(charge["code"], day) if day and "code" in charge else {}

    def _respelled(self, charge: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the charge with its code as the table spells it. The state is not guessed."""
        code = charge.get("code")
        spelling = self._spellings.get(_folded(code)) if code is not None else None
        return charge if spelling is None or spelling == code else {**charge, "code": spelling}

    def doubts(self, facts: Facts) -> Iterator[str]:
        """Yield a sentence for each code that may be a section of the table, written short."""
        for charge in facts.known.get(CHARGES) or ():
            code = charge.get("code")
            folded = "" if code is None else _folded(code)
            if len(folded) <= 2 or folded in self._spellings:
                continue
            section = next(
                (code for end, code in self._spellings.items() if end.endswith(folded)), None
            )
            if section is not None:
                yield (
                    f"the offense table `{self.table.id}` has no section `{code}`; "
                    f"`{section}` may be meant"
                )

    def differences(self, facts: Facts, sources: Mapping[str, Source]) -> list[dict[str, Any]]:
        """Return the values that the table adds to these facts or that differ from them, as JSON.

        Each has `fact`, `code`, `table`, `given` (null if added), `source`, and `provisional`.
        """
        differences = []
        for index, charge in enumerate(map(self._respelled, facts.known.get(CHARGES) or ())):
            for name, (row, value) in self._values_of(charge, facts).items():
                if charge.get(name) != value:
                    differences.append(
                        {
                            "fact": f"{CHARGES}[{index}].{name}",
                            "code": row.code,
                            "table": value,
                            "given": charge.get(name),
                            "source": _cited(row, sources),
                            "provisional": row.provisional,
                        }
                    )
        return differences


def _cited(row: Offense, sources: Mapping[str, Source]) -> dict[str, Any]:
    source = sources[row.source.id]
    return {
        "id": source.id,
        "title": source.title,
        "at": row.source.at,
        "confidence": source.confidence,
    }
