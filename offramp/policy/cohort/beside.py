"""Count rows for a new report that is made beside printed ones of the same file.

The questions of the printed reports are asked again of the same rows, since a report has no number
that it hides. What they show stays shown. Of the new report, only numbers are shown with which
nothing that any of the reports hides follows from all of them. `offramp.counts.beside` chooses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import or_
from typing import Any, TextIO

from offramp.counts import LEAST, JointCount, places, shown_beside
from offramp.policy.cohort.answers import Question
from offramp.policy.cohort.asked_json import EarlierReport, asked_from_json
from offramp.policy.cohort.earlier_numbers import printed_numbers
from offramp.policy.cohort.engine_choice import SPARK
from offramp.policy.cohort.joint_rows import (
    LACKING,
    UNLISTED,
    CountsOfReport,
    JointRows,
    Name,
    joint_rows,
)
from offramp.policy.cohort.missing_facts import MissingFact
from offramp.policy.cohort.report import (
    NOTHING,
    Asked,
    CohortReport,
    CohortSource,
    OthersBeside,
    ask,
    count_answers,
    file_digest,
)
from offramp.policy.cohort.table import Tables
from offramp.policy.cohort.unlisted_codes import UnlistedRows
from offramp.policy.progress import waiting
from offramp.policy.table_map import map_digest
from rules.errors import RequestError
from rules.frozen import replace
from rules.input.printing import plain, printable

_FORM = (KeyError, TypeError, ValueError, AttributeError, IndexError)


def count_beside(
    questions: Sequence[Question],
    source: CohortSource,
    earlier: Sequence[EarlierReport],
    *,
    assume: Mapping[str, Any] | str | None = None,
    progress: TextIO | None = None,
) -> CohortReport:
    """Count the rows of a file as `count_answers` does, beside printed reports of the same file.

    Raises `RequestError` for an earlier report that can't be asked again: `not-a-report`,
    `report-of-another-file`, `report-of-another-map`, `pack-not-at-hand`, `report-not-beside`, and
    `report-differs`.
    """
    if not earlier:
        return count_answers(questions, source, assume=assume, progress=progress)
    if source.engine.name == SPARK:
        raise RequestError(
            "usage",
            "`--beside` reads the rows one by one, and `--engine spark` doesn't",
            fix="leave one out",
        )
    new = ask(questions, source, assume)
    _refuse_others(new.source, earlier)
    again = [_ask_again(report, new) for report in earlier]
    reports = []
    for ready in (*again, new):
        ready.reader.keep_rows()
        reports.append(CountsOfReport(ready, ready.read(progress)))
    rows = joint_rows(reports)
    with waiting(progress, "hiding small counts"):
        joint = _Joint(rows)
        for place, counts in enumerate(reports):
            joint.add_parts(place, counts)
        least = new.source.least
        for place, (report, counts) in enumerate(zip(earlier, reports, strict=False)):
            least = max(least, _least_of(report))
            try:
                for name, value in printed_numbers(counts, report.cohort):
                    joint.add_printed(place, name, value, report)
            except _FORM:
                raise _differs(report) from None
        return _report(reports[-1], joint, tuple(report.digest for report in earlier), least)


def _refuse_others(source: CohortSource, earlier: Sequence[EarlierReport]) -> None:
    """Refuse reports of another file or map, and those made beside reports that aren't named."""
    digest, of_map = file_digest(source.file), map_digest(source.map)
    digests = {report.digest for report in earlier}
    for report in earlier:
        if digest is None or report.cohort.get("digest") != digest:
            raise RequestError(
                "report-of-another-file",
                f"`{printable(report.name)}` doesn't count the rows of this file",
                fix="name a report of the same file, byte for byte, and the file by its path",
            )
        if report.cohort.get("map_digest") != of_map:
            raise RequestError(
                "report-of-another-map",
                f"`{printable(report.name)}` was made with another map, or an older version of it",
                fix="count with the map of that report",
            )
        missing = [digest for digest in report.cohort.get("beside") or () if digest not in digests]
        if missing:
            raise RequestError(
                "report-not-beside",
                f"`{printable(report.name)}` was made beside the report `{printable(missing[0])}`, "
                "which isn't named",
                fix="add `--beside` with that report too",
            )


def _ask_again(report: EarlierReport, new: Asked) -> Asked:
    """Return the questions of a printed report, ready to read the rows."""
    stated = report.cohort

    def find_pack(pack: str, digest: str) -> Any:
        try:
            return report.find_pack(pack, digest)
        except KeyError as missing:
            places = " or ".join(f"`{printable(str(place))}`" for place in missing.args)
            where = f": it is not at {places}" if places else ""
            raise RequestError(
                "pack-not-at-hand",
                f"the pack `{printable(pack)}` of `{printable(report.name)}` isn't at hand with "
                f"the digest `{printable(digest[:18])}…`{where}",
                fix="put that version where the report's command names it, or name it in git as "
                "`REV:FOLDER`",
            ) from None

    try:
        questions = asked_from_json(stated["asked"], find_pack)
        if not questions:
            raise ValueError
        by = stated["by"]
        where = [f"{column}={cell}" for column, cells in stated["where"].items() for cell in cells]
        assumed = dict(stated["assumed"])
        assume = assumed if stated["assumed_is_given"] else None if assumed else NOTHING
        source = CohortSource(
            new.source.file,
            new.source.map,
            () if by is None else (by,) if isinstance(by, str) else tuple(by),
            tuple(where),
            allowed=100,
            seconds=new.source.seconds,
            engine=new.source.engine,
        )
    except _FORM:
        raise _not_a_report(report) from None
    again = ask(questions, source, assume)
    if plain(again.assumed) != assumed:
        raise _differs(report)
    return again


def _least_of(report: EarlierReport) -> int:
    least = report.cohort.get("least_shown")
    if not isinstance(least, int) or least < LEAST:
        raise _not_a_report(report)
    return least


def _not_a_report(report: EarlierReport) -> RequestError:
    return RequestError(
        "not-a-report",
        f"`{printable(report.name)}` doesn't state what it asked of the rows",
        fix="make it again with `--json`, by this version, and name that file",
    )


def _differs(report: EarlierReport) -> RequestError:
    return RequestError(
        "report-differs",
        f"`{printable(report.name)}` has other numbers than its questions give now",
        fix="use the version of Offramp and the solver that made it, and more time if it ran out",
    )


class _Joint:
    """All counts of some reports, each once: two of the same rows are one."""

    def __init__(self, rows: JointRows) -> None:
        self.rows = rows
        self._shown: dict[int, bool | None] = {}
        self._few: list[int] = []
        self._in_tables: set[int] = set()

    def atoms(self, place: int, name: Name) -> int:
        """Return the atoms of a count, 0 if no row is in it."""
        return self.rows.atoms.get((place, name), 0)

    def value(self, atoms: int) -> int:
        """Return the number of rows in some atoms."""
        return sum(self.rows.rows[at] for at in places(atoms))

    def add_printed(self, place: int, name: Name, value: int | None, report: EarlierReport) -> None:
        """Add a number of an earlier report, None for a hidden one."""
        atoms = self.atoms(place, name)
        rows = self.value(atoms)
        if value is not None and value != rows:
            raise _differs(report)
        is_in_table = not isinstance(name, tuple)
        is_kept_from_all = is_in_table and not report.cohort["withheld"]
        if value is None and not is_kept_from_all and rows >= LEAST:
            return  # such a number is hidden for others, or with the whole report
        self._add(atoms, is_in_table=is_in_table, is_shown=value is not None)

    def add_new(self, place: int, name: Name) -> None:
        """Add a number of the new report."""
        self._add(self.atoms(place, name), is_in_table=not isinstance(name, tuple))

    def add_parts(self, place: int, counts: CountsOfReport) -> None:
        """Add what a report protects by itself beside its counts.

        They are the rows of a group that no count of a question tells apart, and those that one of
        its counts has and another lacks.
        """
        for maker in counts.makers:
            by_group: dict[Name, list[int]] = {}
            for cell in maker.published():
                by_group.setdefault(cell.group, []).append(self.atoms(place, cell))
            for sums in by_group.values():
                self._few += [first & ~second for first in sums for second in sums]
                self._few += _parts(sums)

    def _add(self, atoms: int, *, is_in_table: bool, is_shown: bool | None = None) -> None:
        if not atoms:
            return
        if is_in_table:
            self._in_tables.add(atoms)
        before = self._shown.get(atoms)
        states = {before, is_shown}
        self._shown[atoms] = True if True in states else False if False in states else None

    def shown(self, order: Sequence[int], least: int) -> frozenset[int] | None:
        """Return the atoms of all counts that may be shown. None if the report is withheld."""
        listed = [*self._shown]
        counts = [
            JointCount(atoms, self._shown[atoms], atoms in self._in_tables) for atoms in listed
        ]
        at = {atoms: number for number, atoms in enumerate(listed)}
        in_order = [at[atoms] for atoms in order if atoms]
        chosen = shown_beside(self.rows.rows, counts, in_order, few=self._few, least=least)
        if chosen is None:
            return None
        before = {atoms for atoms in listed if self._shown[atoms]}
        return frozenset({*before, *(listed[number] for number in chosen), 0})


def _report(
    counts: CountsOfReport, joint: _Joint, digests: tuple[str, ...], least: int
) -> CohortReport:
    """Return the new report, the last one of those that are joint."""
    place, names = len(digests), counts.most_important()
    for name in names:
        joint.add_new(place, name)
    shown = joint.shown([joint.atoms(place, name) for name in names], least)
    hidden = frozenset(
        name for name in names if shown is None or joint.atoms(place, name) not in shown
    )
    tables = Tables(
        tuple(maker.table(hidden) for maker in counts.makers),
        shown is None,
        least,
        counts.cells[0] not in hidden,
    )
    report = counts.asked.report(counts.cohort, tables)
    return replace(
        report,
        beside=OthersBeside(digests, hidden),
        unlisted=tuple(
            _unlisted(rows, number, hidden) for number, rows in enumerate(report.unlisted)
        ),
        missing=tuple(
            tuple(_missing(fact, number, hidden) for fact in facts)
            for number, facts in enumerate(report.missing)
        ),
    )


def _unlisted(
    unlisted: UnlistedRows | None, place: int, hidden: frozenset[Name]
) -> UnlistedRows | None:
    if unlisted is None or unlisted.rows is None or (UNLISTED, place) in hidden:
        return None if unlisted is None else UnlistedRows(None)
    codes = tuple(
        (code, None if (UNLISTED, place, code) in hidden else rows) for code, rows in unlisted.codes
    )
    return UnlistedRows(unlisted.rows, codes)


def _missing(fact: MissingFact, place: int, hidden: frozenset[Name]) -> MissingFact:
    if (LACKING, place, fact.path) in hidden:
        return MissingFact(fact.path, None)
    return MissingFact(
        fact.path,
        fact.rows,
        tuple(
            (code, rows)
            for code, rows in fact.codes
            if (LACKING, place, fact.path, code) not in hidden
        ),
    )


def _parts(sums: Sequence[int]) -> list[int]:
    """Return the atoms of some sums, those together that none of the sums tells apart."""
    parts: dict[tuple[bool, ...], int] = {}
    for at in places(reduce(or_, sums, 0)):
        key = tuple(bool(atoms >> at & 1) for atoms in sums)
        parts[key] = parts.get(key, 0) | 1 << at
    return [*parts.values()]
