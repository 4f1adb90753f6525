"""Count the rows of a file by the answers of programs: what `decide --by` prints."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TextIO, TypeVar

import rules
from offramp.counts import LEAST
from offramp.policy.cohort.answers import Answerer, Question, Side
from offramp.policy.cohort.asked_json import EarlierReport
from offramp.policy.cohort.assumed_facts import flat_facts, refuse_bad_facts
from offramp.policy.cohort.assumption import Assumption, facts_of_changed_rules, work_out
from offramp.policy.cohort.completions import Completions
from offramp.policy.cohort.engine_choice import EngineChoice, open_engine
from offramp.policy.cohort.missing_facts import MissingFact, shown_missing
from offramp.policy.cohort.possible import DecidingRule, Outcomes, Possible
from offramp.policy.cohort.reading import DEFAULT_SHARE, Cohort, CohortReader
from offramp.policy.cohort.selection import Filter, read_filters
from offramp.policy.cohort.sql_reading import read_by_sql
from offramp.policy.cohort.table import AnswerTable, Tables, make_tables
from offramp.policy.cohort.unlisted_codes import UnlistedCodes, UnlistedRows, shown_codes
from offramp.policy.input_files import open_input, refuse_broken
from offramp.policy.progress import shown_alone, waiting
from offramp.policy.table_map import TableMap, map_digest, read_map
from rules.errors import RequestError
from rules.frozen import frozen
from rules.packs.law import CHARGES

T = TypeVar("T")
NOTHING = "nothing"  # the assumption that assumes nothing
SECONDS = 60.0  # in which open rows are solved
# Numbers beside the tables, by name: rows of the file, of the selection, and those left out.
OF_FILE, SELECTED, LEFT_OUT = ("file",), ("selected",), ("left out",)
_BLOCK = 1 << 20


@frozen
class CohortSource:
    """A file of rows with its map, and which of its rows are counted by what.

    `where` are filters as they are written, `COL=VALUE`. `allowed` is the percentage of selected
    rows that may be left out since they can't be read. With `strict`, none may be. Open rows are
    solved for `seconds` at most. The `engine` counts the rows, and changes no number.
    """

    file: str
    map: str
    by: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    allowed: float = DEFAULT_SHARE
    strict: bool = False
    least: int = LEAST
    seconds: float = SECONDS
    engine: EngineChoice = EngineChoice()


@frozen
class CohortRequest:
    """A file of rows to count before and after a change.

    `assume` has facts that every row lacks, `nothing` assumes none, and None works them out.
    `assume_name` is the name of their file. The counts are made `beside` printed reports. Progress
    is shown on `progress` if it is a terminal.
    """

    source: CohortSource
    assume: Mapping[str, Any] | str | None = None
    assume_name: str | None = None
    beside: tuple[EarlierReport, ...] = ()
    progress: TextIO | None = None


@frozen
class OthersBeside:
    """The reports that a report is made beside, by digest, and the counts that it hides for them.

    `hidden` has cells of its tables, and the names of numbers beside them.
    """

    digests: tuple[str, ...] = ()
    hidden: frozenset[Hashable] = frozenset()


@frozen
class CohortReport:
    """How the rules treat the rows of a file.

    `digest` is that of the file, None for standard input. `assumed` has the values of facts that no
    row says, by path. It `is_given` if somebody wrote it. `deciding` has for each question the
    rules that decide changes of its answer, `unlisted` the rows with a code that the table lacks,
    and `missing` the facts that leave answers open, of whole programs alone.
    """

    source: CohortSource
    digest: str | None
    mapping: TableMap
    map_digest: str
    filters: tuple[Filter, ...]
    cohort: Cohort[tuple[Possible, ...]]
    assumed: Assumption
    questions: tuple[Question, ...]
    tables: Tables
    deciding: tuple[frozenset[DecidingRule], ...] = ()
    is_out_of_time: bool = False
    is_given: bool = False
    unlisted: tuple[UnlistedRows | None, ...] = ()
    missing: tuple[tuple[MissingFact, ...], ...] = ()
    beside: OthersBeside = OthersBeside()

    @property
    def shown_left_out(self) -> int | None:
        """The number of rows that can't be read. None if it is small, or would tell a small one."""
        rows = self.cohort.selected - self.cohort.counted
        is_hidden = 0 < rows < self.source.least or LEFT_OUT in self.beside.hidden
        return None if is_hidden else rows

    @property
    def left_out_reasons(self) -> Iterator[tuple[str, str, int | None]]:
        """The columns and reasons, with the number of rows. All are None if one is small."""
        left_out = self.cohort.left_out
        are_shown = all(
            item.rows >= self.source.least
            and (*LEFT_OUT, item.column, item.reason) not in self.beside.hidden
            for item in left_out
        )
        for item in left_out:
            yield item.column, item.reason, item.rows if are_shown else None

    @property
    def shown_selected(self) -> int | None:
        """The number of selected rows. None if it tells a hidden number of other rows."""
        is_shown = self.tables.is_total_shown and self.shown_left_out is not None
        return self.cohort.selected if is_shown and SELECTED not in self.beside.hidden else None

    @property
    def shown_rows(self) -> int | None:
        """The number of rows of the file. None if it tells a small number."""
        rows = self.cohort.rows
        if OF_FILE in self.beside.hidden:
            return None
        least, others = self.source.least, rows - self.cohort.selected
        if self.shown_selected is None:
            return None if rows < least or others < least else rows
        return None if 0 < others < least else rows


def count_rows(
    programs: Sequence[rules.Program],
    decision: str,
    source: CohortSource,
    *,
    assume: Mapping[str, Any] | str | None = None,
    progress: TextIO | None = None,
) -> CohortReport:
    """Count the rows of a file by the answer of each program, one table for each.

    `assume` has facts that every row lacks, as JSON or by path. `nothing` assumes none, and None
    works out values under which no rule bars. Raises a `Refusal` for input that can't be accepted.
    """
    questions = [Question((Side(program, decision),)) for program in programs]
    return count_answers(questions, source, assume=assume, progress=progress)


def count_flips(
    before: rules.Program,
    after: rules.Program,
    decision: str,
    source: CohortSource,
    *,
    assume: Mapping[str, Any] | str | None = None,
    never: Iterable[Outcomes] = (),
    occurring: Iterable[Outcomes] = (),
    progress: TextIO | None = None,
) -> CohortReport:
    """Count the rows of a file whose answer changes, surely and at most, as `count_rows` does.

    `never` are changes that are proved to happen in no case. Those that are `occurring` in some
    case are counted even if no row has them.
    """
    sides = Side(before, decision), Side(after, decision)
    question = Question(sides, frozenset(never), frozenset(occurring))
    return count_answers([question], source, assume=assume, progress=progress)


def count_answers(
    questions: Sequence[Question],
    source: CohortSource,
    *,
    assume: Mapping[str, Any] | str | None = None,
    progress: TextIO | None = None,
) -> CohortReport:
    """Count the rows of a file by the answers to questions, as `count_rows` does.

    What a changed rule reads is never worked out as assumed.
    """
    ready = ask(questions, source, assume)
    cohort = ready.read(progress)
    with waiting(progress, "hiding small counts"):
        tables = make_tables(cohort, questions, source.by, least=source.least)
    return ready.report(cohort, tables)


@frozen
class Asked:
    """Questions about a file whose input was accepted, ready to read the rows."""

    questions: tuple[Question, ...]
    source: CohortSource
    mapping: TableMap
    filters: tuple[Filter, ...]
    assumed: Assumption
    is_given: bool
    completions: Completions
    answerer: Answerer
    reader: CohortReader[tuple[Possible, ...]]

    def read(self, progress: TextIO | None) -> Cohort[tuple[Possible, ...]]:
        """Read the file. Raises `RequestError`."""
        source, reader = self.source, self.reader
        limits: dict[str, Any] = {"allowed": source.allowed, "strict": source.strict}
        with waiting(progress, "counting the rows"), open_engine(source.engine) as engine:
            cohort = read_by_sql(reader, self.answerer, engine, **limits)
        if cohort is None:
            rows = shown_alone(reader.table.rows(), reader.table, progress)
            cohort = reader.read(**limits, rows=rows)
        return cohort

    def report(
        self,
        cohort: Cohort[tuple[Possible, ...]],
        tables: Tables,
    ) -> CohortReport:
        """Return the report with these tables."""
        unlisted, missing = _unlisted(self.reader, cohort, tables, self.source)
        source, deciding = self.source, self.completions.deciding
        return CohortReport(
            source,
            file_digest(source.file),
            self.mapping,
            map_digest(source.map),
            self.filters,
            cohort,
            self.assumed,
            self.questions,
            tables,
            tuple(frozenset(deciding[number]) for number in range(len(self.questions))),
            self.completions.is_out_of_time,
            self.is_given,
            unlisted,
            missing,
        )


def ask(
    questions: Sequence[Question],
    source: CohortSource,
    assume: Mapping[str, Any] | str | None = None,
) -> Asked:
    """Return questions ready to read a file, as `count_answers` does."""
    if source.least < LEAST:
        raise RequestError(
            "usage",
            f"`--min-cell {source.least}` would show counts under {LEAST}",
            fix=f"write {LEAST} or more",
        )
    sides = [side for question in questions for side in question.sides]
    packs = {side.program.pack.id: side.program.pack for side in sides}
    mapping = read_map(source.map, next(iter(packs.values())) if len(packs) == 1 else None)
    filters = read_filters(source.where)
    assumed = _assumption(questions, mapping, assume)
    completions = Completions(source.seconds)
    needs_row = assume is None and mapping.cites_law
    answerer = Answerer(questions, completions, assumed, needs_row=needs_row)
    codes = UnlistedCodes([question.sides[-1].program for question in questions])
    reader = CohortReader(
        mapping,
        source.file,
        answerer.answer,
        codes=codes if mapping.cites_law else None,
        by=source.by,
        where=filters,
        day_matters=answerer.day_matters,
        asks_missing=all(len(question.sides) == 1 for question in questions),
    )
    is_given = assume is not None and assume != NOTHING
    return Asked(
        tuple(questions),
        source,
        mapping,
        filters,
        assumed,
        is_given,
        completions,
        answerer,
        reader,
    )


def _assumption(
    questions: Sequence[Question], mapping: TableMap, assume: Mapping[str, Any] | str | None
) -> Assumption:
    sides = [side for question in questions for side in question.sides]
    if assume == NOTHING:
        return {}
    if assume is not None:
        assert not isinstance(assume, str)
        assumed = flat_facts(assume)
        refuse_bad_facts(sides, mapping, assumed)
        return assumed
    changed: set[str] = set()
    for question in questions:
        if len(question.sides) == 2:
            changed |= facts_of_changed_rules(*question.sides)
    return work_out(sides, mapping, changed)


def _unlisted(
    reader: CohortReader[tuple[Possible, ...]],
    cohort: Cohort[tuple[Possible, ...]],
    tables: Tables,
    source: CohortSource,
) -> tuple[tuple[UnlistedRows | None, ...], tuple[tuple[MissingFact, ...], ...]]:
    """Return the rows of each question with a code that its table lacks, and the missing facts.

    A table by codes has their rows.
    """
    counted = [*reader.unlisted()]
    by_columns = {column for item in reader.groupings.values() for column in item.columns}
    are_codes_shown = by_columns.isdisjoint(reader.mapping.columns_of.get(CHARGES, ()))
    is_hidden = any(None in _of_sides(table) for table in tables.tables)
    shown = {count for table in tables.tables for count in _printed(table) if count is not None}
    others = {cohort.counted, *shown, *(cohort.counted - count for count in shown)}
    all_unlisted, all_missing = [], []
    asked = [*reader.missing()]
    kept_back = {
        path
        for path in {path for missing, _ in asked for of in missing for path, _ in of}
        if not by_columns.isdisjoint(reader.mapping.columns_of.get(path.partition("[")[0], ()))
    }
    for place in range(len(tables.tables)):
        unlisted = shown_codes(
            counted,
            place,
            None if is_hidden else others,
            source.least,
            are_codes_shown=are_codes_shown,
        )
        if unlisted is not None and unlisted.rows is not None:
            others |= {unlisted.rows, *(rows for _, rows in unlisted.codes if rows is not None)}
        all_unlisted.append(unlisted)
    for place in range(len(tables.tables)) if reader.asks_missing else ():
        printed = None if is_hidden else others
        facts = tuple(shown_missing(asked, place, printed, source.least, kept_back))
        all_missing.append(facts)
        others |= {fact.rows for fact in facts if fact.rows is not None}
        others |= {rows for fact in facts for _, rows in fact.codes if rows is not None}
    return tuple(all_unlisted), tuple(all_missing)


def _of_sides(table: AnswerTable) -> list[int | None]:
    """Return the numbers of all rows, and of those with each answer."""
    everyone = table.groups[0]
    counts = [everyone.rows, *(side.either for side in everyone.sides)]
    return counts + [count for side in everyone.sides for count in side.surely.values()]


def _printed(table: AnswerTable) -> Iterator[int | None]:
    """Yield the counts of all rows that a table has."""
    everyone = table.groups[0]
    yield from (table.not_running, *_of_sides(table))
    yield from (shown.at_most for side in everyone.sides for shown in side.ranges.values())
    for flip in everyone.flips:
        yield from (flip.range.surely, flip.range.at_most)
    yield from (item.rows for side in table.deciders for item in side)


def file_digest(name: str) -> str | None:
    """Return SHA-256 of a file as it is stored, None for standard input."""
    if name == "-":
        return None
    digest = hashlib.sha256()
    for block in _blocks(name):
        digest.update(block)
    return f"sha256:{digest.hexdigest()}"


def _blocks(name: str) -> Iterator[bytes]:
    with open_input(name, unzip=False) as stream, refuse_broken(name):
        while block := stream.read(_BLOCK):
            yield block


def possible_answers(report: CohortReport) -> Iterable[tuple[tuple[Possible, ...], int]]:
    """Yield the answers of each distinct case, with its rows. For tests and other reports."""
    for case in report.cohort.cases:
        yield case.answer, sum(case.rows.values())
