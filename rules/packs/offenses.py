"""Read an offense table: sections of law with their level and conduct, by date.

A table is a folder with `offenses.csv`, in which a row is a section for a time, `sources.csv`, and
`table.yaml` (see `table_head`).
A pack names its table (`offenses: new-york`). Then a charge's `level` and `conduct` come from its
code where the facts lack them (see `law`), and the sections that were no offense on the day are
the parameter `no_offense`.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path

from rules.errors import FactsError, PackError, Place, nearest
from rules.input.citations import Section, how_to_cite, reader_of
from rules.input.printing import printable
from rules.input.values import iso_day
from rules.input.vocabulary import Vocabulary
from rules.packs.days import reversed_days
from rules.packs.pack import Citation, Offense, Offenses, Parameter, Source, Value

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from rules.packs.table_head import TableHead

CHARGES = "encounter.charges"
NONE = "none"  # the level of a section that was no offense in that time
NO_OFFENSE = "no_offense"  # the parameter that lists their codes
HOMICIDE = "homicide"  # in the column `conduct`: `other` conduct, by a section that decides alone
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


def read_offenses(folder: Path, head: TableHead) -> tuple[Offenses, dict[str, Source]]:
    """Read the table in `folder`, and the sources that it cites. Raises `PackError`.

    The id of a source has the table's before it, such as `new-york.mrta`.
    """
    sources = _read_sources(folder, head.checked)
    rows: dict[str, list[Offense]] = {}
    sections: dict[str, Section] = {}
    for place, row in _rows(folder / "offenses.csv", COLUMNS):
        section = _section(place, row["code"], head)
        sections[section.text] = section
        offense = _offense(folder.name, place, row, section, sources, head.vocabulary)
        for earlier in rows.setdefault(offense.code, []):
            if (earlier.level == NONE) != (offense.level == NONE) and _overlap(earlier, offense):
                message = f"`{offense.code}` is an offense and none on one day"
                _fail(place, "overlapping-dates", message, "let one row end where the other begins")
        rows[offense.code].append(offense)
    cited = {offense.source.id for offenses in rows.values() for offense in offenses}
    _refuse_offenses_below_none(rows, sections)
    table = Offenses(
        folder.name,
        {code: tuple(offenses) for code, offenses in sorted(rows.items())},
        head.covers,
        sections,
        head.short,
    )
    return table, {source.id: source for source in sources.values() if source.id in cited}


def _section(place: Place, code: str, head: TableHead) -> Section:
    """Return the section that a row is about."""
    if not code:
        _fail(place, "missing-key", "the offense `` has no `code`", "fill the column `code`")
    reader = reader_of(head.vocabulary)
    section = reader.read(code)
    if section is None or not section.is_whole:
        message = f"`{printable(code)}` cites no section of law"
        _fail(place, "no-citation", message, how_to_cite(reader, code))
    return section


def _refuse_offenses_below_none(
    rows: Mapping[str, list[Offense]], sections: Mapping[str, Section]
) -> None:
    """Refuse a subsection that is an offense while its section is none.

    The section is listed as no offense, and a list takes in what is below its sections.
    """
    none = [row for offenses in rows.values() for row in offenses if row.level == NONE]
    for row in none:
        for code, section in sections.items():
            if code == row.code or not sections[row.code].contains(section):
                continue
            for below in rows[code]:
                if below.level != NONE and _overlap(row, below):
                    message = f"`{code}` is an offense while `{row.code}` above it is none"
                    fix = "list the subsections that are no offense, and not their section"
                    _fail(below.place, "overlapping-dates", message, fix)


def _read_sources(folder: Path, checked: date | None) -> dict[str, Source]:
    """Read the table's sources, by their ids in the file. `checked` is the table's own day."""
    sources: dict[str, Source] = {}
    for place, row in _rows(folder / "sources.csv", _SOURCE_COLUMNS):
        for key in _SOURCE_COLUMNS:
            if not row[key]:
                _fail(place, "missing-key", f"a source has no `{key}`", f"fill the column `{key}`")
        source_id = row["id"]
        if source_id in sources:
            _fail(
                place,
                "duplicate-id",
                f"the source `{source_id}` appears twice",
                "choose another id",
            )
        if row["confidence"] not in ("high", "medium", "low"):
            _fail(
                place,
                "unknown-word",
                f"`{row['confidence']}` is no confidence",
                "write high, medium or low",
            )
        sources[source_id] = Source(
            f"{folder.name}.{source_id}",
            row["title"],
            row["address"],
            row["confidence"],
            checked=checked,
        )
    return sources


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[Place, dict[str, str]]]:
    """Yield the rows of a CSV file with these columns, each with its place."""
    name = f"{path.parent.name}/{path.name}"
    from rules.input.csv_text import Row, read_rows  # a ready pack has its table

    rows = read_rows(io.BytesIO(_read_bytes(path, name)))
    head = next(rows, None)
    if not isinstance(head, Row) or tuple(head.cells) != columns:
        _fail(
            Place(name, 1),
            "wrong-shape",
            "the columns are not those of such a table",
            f"write `{','.join(columns)}`",
        )
    for row in rows:
        place = Place(name, row.line if isinstance(row, Row) else row.at.line)
        if isinstance(row, FactsError):
            _fail(place, "wrong-shape", f"the row breaks off: {row.message}", row.fix)
        if not all(cell.isprintable() for cell in row.cells):
            _fail(place, "wrong-value", "the row holds what can't be printed", "retype the row")
        if len(row.cells) != len(columns):
            _fail(
                place,
                "wrong-shape",
                f"the row has {len(row.cells)} cells, not {len(columns)}",
                "check commas and quotes",
            )
        cells = zip(columns, row.cells, strict=True)
        yield place, {column: cell.strip() for column, cell in cells}


def _read_bytes(path: Path, name: str) -> bytes:
    try:
        if not path.is_file():  # reading a pipe would not end
            raise FileNotFoundError
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError:
        raise PackError(
            "no-file", f"there is no file `{name}`", fix="add it beside the table"
        ) from None
    if len(raw) > _LARGEST:
        raise PackError(
            "too-large", f"`{name}` has over {_LARGEST} bytes", at=Place(name), fix="split it up"
        )
    try:
        raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise PackError(
            "not-utf-8", "this isn't UTF-8 text", at=Place(name, line), fix="save as UTF-8"
        ) from None
    return raw


def _offense(
    table: str,
    place: Place,
    row: Mapping[str, str],
    section: Section,
    sources: Mapping[str, Source],
    vocabulary: Vocabulary,
) -> Offense:
    subject = f"the offense `{row['code']}`"
    for key in ("title", "level", "conduct"):
        if not row[key]:
            _fail(place, "missing-key", f"{subject} has no `{key}`", f"fill the column `{key}`")
    if not row["source"]:
        _fail(place, "no-source", f"{subject} has no `source`", "name the source it rests on")
    drugs = tuple(row["drug"].split("|")) if row["drug"] else ()
    charge = vocabulary.facts[CHARGES].fields
    _refuse_unknown(place, "level", (row["level"],), (*charge["level"].choices, NONE))
    _refuse_unknown(place, "conduct", (row["conduct"],), (*charge["conduct"].choices, HOMICIDE))
    kinds = vocabulary.facts["encounter.drugs"].fields["kind"].choices
    _refuse_unknown(place, "drug", drugs, kinds)
    if row["source"] not in sources:
        _fail(
            place,
            "unknown-source",
            f"there is no source `{row['source']}`",
            nearest(row["source"], tuple(sources)),
        )
    since, until = _day(place, row["from"]), _day(place, row["until"])
    if since and until and until <= since:
        _fail(place, "dates-reversed", *reversed_days(subject, since, until))
    return Offense(
        code=section.text,
        title=row["title"],
        level=row["level"],
        drugs=drugs,
        conduct="other" if row["conduct"] == HOMICIDE else row["conduct"],
        homicide=row["conduct"] == HOMICIDE,
        source=Citation(sources[row["source"]].id, row["at"] or None),
        since=since,
        until=until,
        provisional=row["provisional"] or None,
        declared_in=table,
        place=place,
    )


def _refuse_unknown(
    place: Place, column: str, values: tuple[str, ...], allowed: tuple[str, ...]
) -> None:
    for value in values:
        if value not in allowed:
            _fail(
                place,
                "unknown-word",
                f"`{value}` is no {column} of an offense",
                nearest(value, allowed),
            )


def _day(place: Place, text: str) -> date | None:
    day = iso_day(text) if text else None
    if text and day is None:
        _fail(place, "no-such-day", f"`{text}` is not a day", "write it as 2014-04-01")
    return day


def _overlap(first: Offense, second: Offense) -> bool:
    """Return whether two rows share a day."""
    return (first.since or date.min) < (second.until or date.max) and (second.since or date.min) < (
        first.until or date.max
    )


def _fail(place: Place, code: str, message: str, fix: str) -> NoReturn:
    raise PackError(code, message, at=place, fix=fix)


def no_offense(table: Offenses) -> Parameter | None:
    """Return the sections that were no offense, as a parameter whose values change by date.

    There is no value on days on which every section was an offense.
    """
    rows = [row for offenses in table.rows.values() for row in offenses if row.level == NONE]
    if not rows:
        return None
    days = sorted(
        {day for row in rows for day in (row.since, row.until) if day is not None} | {date.min}
    )
    values = []
    for day, following in zip(days, [*days[1:], None], strict=True):
        in_force = [row for row in rows if row.in_force(day)]
        if in_force:
            doubts = dict.fromkeys(row.provisional for row in in_force if row.provisional)
            values.append(
                Value(
                    value=tuple(dict.fromkeys(table.sections[row.code] for row in in_force)),
                    source=in_force[0].source,
                    since=None if day == date.min else day,
                    until=following,
                    provisional="; ".join(doubts) or None,
                    declared_in=table.id,
                    place=in_force[0].place,
                )
            )
    label = "sections that were not an offense"
    return Parameter(NO_OFFENSE, label, "citations", tuple(values), table.id, rows[0].place)
