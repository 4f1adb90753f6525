"""Offense tables: what a section of law was on a day, for everybody who charges under it.

A table is a folder with `offenses.csv`, a row a section and time, and `sources.csv`. In a pack that names one
(`offenses: new-york`) a charge's `level` and `conduct` come from its code, where they aren't given and the table says one
thing; and the sections that were none on the day are the parameter `no_offense`. What is given wins, and a difference is told.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

from rules.errors import PackError, Place, nearest
from rules.input.facts import Facts, iso_day
from rules.input.vocabulary import Vocabulary
from rules.packs.pack import Citation, Offense, Offenses, Parameter, Source, Value

CHARGES = "encounter.charges"
FILLED = ("level", "conduct")
NONE = "none"  # the level of what was no offense in that time
NO_OFFENSE = "no_offense"  # the parameter that lists their codes
COLUMNS = (
    "code",
    "title",
    "level",
    "drug",
    "conduct",
    "from",
    "until",
    "source",
    "at",
    "provisional",
)
_SOURCE_COLUMNS = ("id", "title", "address", "confidence")
_LARGEST = 1_000_000  # bytes of a table


# Reading


def read_offenses(folder: Path, vocabulary: Vocabulary) -> tuple[Offenses, dict[str, Source]]:
    """The table in `folder` and its sources, their ids behind the table's (`new-york.mrta`). Raises `PackError`."""
    name = folder.name
    sources = {}
    for place, row in _rows(folder / "sources.csv", _SOURCE_COLUMNS):
        for key in _SOURCE_COLUMNS:
            if not row[key]:
                _fail(place, "missing-key", f"a source has no `{key}`", f"fill the column `{key}`")
        if row["id"] in sources:
            _fail(
                place, "duplicate-id", f"the source `{row['id']}` stands twice", "choose another id"
            )
        if row["confidence"] not in ("high", "medium", "low"):
            _fail(
                place,
                "unknown-word",
                f"`{row['confidence']}` is no confidence",
                "write high, medium or low",
            )
        sources[row["id"]] = Source(
            f"{name}.{row['id']}", row["title"], row["address"], row["confidence"]
        )
    rows: dict[str, list[Offense]] = {}
    for place, row in _rows(folder / "offenses.csv", COLUMNS):
        offense = _offense(name, place, row, sources, vocabulary)
        for other in rows.setdefault(offense.code, []):
            if (other.level == NONE) != (offense.level == NONE) and _overlap(other, offense):
                message = f"`{offense.code}` is an offense and none on one day"
                _fail(place, "overlapping-dates", message, "let one row end where the other begins")
        rows[offense.code].append(offense)
    cited = {one.source.id for of_code in rows.values() for one in of_code}
    return Offenses(name, {code: tuple(of_code) for code, of_code in sorted(rows.items())}), {
        one.id: one for one in sources.values() if one.id in cited
    }


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[Place, dict[str, str]]]:
    shown = f"{path.parent.name}/{path.name}"
    try:
        if not path.is_file():  # a pipe would be waited for
            raise FileNotFoundError
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError:
        raise PackError(
            "no-file", f"there is no file `{shown}`", fix="add it beside the table"
        ) from None
    if len(raw) > _LARGEST:
        raise PackError(
            "too-large", f"`{shown}` has over {_LARGEST} bytes", at=Place(shown), fix="split it up"
        )
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PackError(
            "not-utf-8", "this isn't UTF-8 text", at=Place(shown, line), fix="save as UTF-8"
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        head = next(reader, [])
        if tuple(head) != columns:
            _fail(
                Place(shown, 1),
                "wrong-shape",
                "the columns are not those of such a table",
                f"write `{','.join(columns)}`",
            )
        for cells in reader:
            place = Place(shown, reader.line_num)
            if not cells:  # a blank line, such as editors leave at the end
                continue
            if not all(cell.isprintable() for cell in cells):
                _fail(place, "wrong-value", "the row holds what can't be printed", "retype the row")
            if len(cells) != len(columns):
                _fail(
                    place,
                    "wrong-shape",
                    f"the row has {len(cells)} cells, not {len(columns)}",
                    "check commas and quotes",
                )
            yield place, {column: cell.strip() for column, cell in zip(columns, cells, strict=True)}
    except csv.Error as error:
        _fail(
            Place(shown, reader.line_num),
            "wrong-shape",
            f"the row breaks off: {error}",
            "check commas and quotes",
        )


def _offense(
    table: str,
    place: Place,
    row: Mapping[str, str],
    sources: Mapping[str, Source],
    vocabulary: Vocabulary,
) -> Offense:
    what = f"the offense `{row['code']}`"
    fields = vocabulary.facts[CHARGES].fields
    kinds = vocabulary.facts["encounter.drugs"].fields["kind"].choices
    drugs = tuple(row["drug"].split("|")) if row["drug"] else ()
    for key in ("code", "title", "level", "conduct"):
        if not row[key]:
            _fail(place, "missing-key", f"{what} has no `{key}`", f"fill the column `{key}`")
    if not row["source"]:
        _fail(place, "no-source", f"{what} has no `source`", "name the source it rests on")
    levels = (*fields["level"].choices, NONE)
    for key, words, allowed in (("level", (row["level"],), levels), ("conduct", (row["conduct"],), fields["conduct"].choices),
                                ("drug", drugs, kinds)):  # fmt: skip
        for word in words:
            if word not in allowed:
                _fail(
                    place,
                    "unknown-word",
                    f"`{word}` is no {key} of an offense",
                    nearest(word, allowed),
                )
    if row["source"] not in sources:
        _fail(
            place,
            "unknown-source",
            f"there is no source `{row['source']}`",
            nearest(row["source"], tuple(sources)),
        )
    days = []
    for key in ("from", "until"):
        day = iso_day(row[key]) if row[key] else None
        if row[key] and day is None:
            _fail(place, "no-such-day", f"`{row[key]}` is not a day", "write it as 2014-04-01")
        days.append(day)
    since, until = days
    if since and until and until <= since:
        _fail(
            place,
            "dates-reversed",
            f"{what} ends on {until} before it begins on {since}",
            "swap the dates",
        )
    return Offense(
        code=row["code"],
        title=row["title"],
        level=row["level"],
        drugs=drugs,
        conduct=row["conduct"],
        source=Citation(sources[row["source"]].id, row["at"] or None),
        since=since,
        until=until,
        provisional=row["provisional"] or None,
        declared_in=table,
        place=place,
    )


def _overlap(one: Offense, other: Offense) -> bool:
    first, last = date.min, date.max
    return (one.since or first) < (other.until or last) and (other.since or first) < (
        one.until or last
    )


def _fail(place: Place, code: str, message: str, fix: str) -> None:
    raise PackError(code, message, at=place, fix=fix)


def no_offense(table: Offenses) -> Parameter | None:
    """The sections that were no offense, by date; there is no value on days on which each of the table's was one."""
    none = [one for of_code in table.rows.values() for one in of_code if one.level == NONE]
    days = sorted(
        {day for one in none for day in (one.since, one.until) if day is not None} | {date.min}
    )
    values = []
    for day, following in zip(days, [*days[1:], None], strict=True):
        there = [one for one in none if one.in_force(day)]
        if there:
            doubts = dict.fromkeys(one.provisional for one in there if one.provisional)
            values.append(
                Value(
                    value=tuple(one.code for one in there),
                    source=there[0].source,
                    since=None if day == date.min else day,
                    until=following,
                    provisional="; ".join(doubts) or None,
                    declared_in=table.id,
                    place=there[0].place,
                )
            )
    label = "sections that were no offense"
    return (
        Parameter(NO_OFFENSE, label, "codes", tuple(values), table.id, none[0].place)
        if none
        else None
    )


# Charges


def said(table: Offenses, code: str, day: date) -> dict[str, tuple[Offense, str]]:
    """What the table says of `level` and `conduct` on the day, each with a row that says so; not where rows differ."""
    rows = [one for one in table.rows.get(code, ()) if one.level != NONE and one.in_force(day)]
    found = {}
    for name in FILLED:
        values = {str(getattr(one, name)) for one in rows}
        if len(values) == 1:
            found[name] = (rows[0], values.pop())
    return found


def _folded(code: str) -> str:
    return "".join(code.replace("§", "").casefold().split())


class Law:
    """A table as one program reads it; `as_of` is the caller's day. What it says of a code on a day is kept."""

    def __init__(self, table: Offenses, as_of: date | None) -> None:
        self.as_of = as_of
        self.table = table
        self._spelled = {_folded(code): code for code in table.rows}
        self._said = lru_cache(maxsize=4096)(partial(said, table))

    def _of(self, charge: Mapping[str, Any], facts: Facts) -> dict[str, tuple[Offense, str]]:
        """What the law says of a charge on the day that counts: the encounter's, unless the caller says whose rules apply."""
        day = self.as_of or facts.known.get("encounter.date")
        return self._said(charge["code"], day) if day and "code" in charge else {}

    def filled(self, facts: Facts) -> Facts:
        """The facts with each code in the table's spelling, and what it says in place of what nobody gave; the same facts if
        that is nothing.
        """
        charges = facts.known.get(CHARGES)
        if charges:
            for (
                charge
            ) in charges:  # mostly everything is given, and every decision comes through here
                if "code" in charge and (
                    "level" not in charge
                    or "conduct" not in charge
                    or charge["code"] not in self.table.rows
                ):
                    return self._filled(facts, charges)
        return facts

    def _as_spelled(self, charge: Mapping[str, Any]) -> Mapping[str, Any]:
        """The charge with its code as the table spells it: case, blanks and `§` are no matter. The state isn't guessed."""
        code = charge.get("code")
        found = self._spelled.get(_folded(code)) if code is not None else None
        return charge if found is None or found == code else {**charge, "code": found}

    def doubted(self, facts: Facts) -> Iterator[str]:
        """Of each code that the table lacks and that may be one of its sections, written short."""
        for charge in facts.known.get(CHARGES) or ():
            code = charge.get("code")
            if (
                code is not None
                and _folded(code) not in self._spelled
                and len(folded := _folded(code)) > 2
            ):
                meant = [held for end, held in self._spelled.items() if end.endswith(folded)]
                if meant:
                    yield f"the offense table `{self.table.id}` has no section `{code}`; `{meant[0]}` may be meant"

    def _filled(self, facts: Facts, charges: tuple[Mapping[str, Any], ...]) -> Facts:
        spelled = [self._as_spelled(charge) for charge in charges]
        records = tuple(
            {**{name: value for name, (_, value) in self._of(charge, facts).items()}, **charge}
            for charge in spelled
        )
        if records == tuple(charges):
            return facts
        return Facts({**facts.known, CHARGES: records}, facts.attested)

    def told(self, given: Facts, sources: Mapping[str, Source]) -> list[dict[str, Any]]:
        """What the table filled in (`given` is None) or has otherwise than given: `fact`, `code`, `table`, `given`, `source`,
        `provisional` each.
        """
        found = []
        for index, charge in enumerate(map(self._as_spelled, given.known.get(CHARGES) or ())):
            for name, (row, value) in self._of(charge, given).items():
                if charge.get(name) != value:
                    source = sources[row.source.id]
                    cited = {
                        "id": source.id,
                        "title": source.title,
                        "at": row.source.at,
                        "confidence": source.confidence,
                    }
                    found.append({"fact": f"{CHARGES}[{index}].{name}", "code": row.code, "table": value,
                                  "given": charge.get(name), "source": cited, "provisional": row.provisional})  # fmt: skip
        return found
