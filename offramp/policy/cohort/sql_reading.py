"""Read a cohort with DuckDB or Spark: the same rows and the same answers as row by row, sooner.

Only distinct cells of each fact are read through the map, and only distinct combinations of facts
are tested. Their rules are SQL, printed from the typed tree. Where the values of the rules leave
one answer, one case of each combination of values is decided by the compiled rules, and its answer
has to agree. Where they leave several, each distinct case is. Rows that can't be read are read
again one by one, so that their column and reason are those that every other command names.

`None` instead of a cohort means that this file, map, or question isn't one for SQL. The rows are
then read one by one, with the same result.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from offramp.policy.cohort.answers import Answerer
from offramp.policy.cohort.missing_facts import Missing
from offramp.policy.cohort.plain_tables import column_names, has_types
from offramp.policy.cohort.possible import Possible
from offramp.policy.cohort.reading import Cohort, CohortReader
from offramp.policy.cohort.selection import group_of
from offramp.policy.cohort.side_columns import Conditions, SideColumns
from offramp.policy.cohort.sql_conditions import CannotPrint, quoted
from offramp.policy.cohort.sql_engine import LOADED, SqlEngine
from offramp.policy.cohort.sql_values import column_expressions
from rules.decide.scene_day import MOMENT
from rules.errors import FactsError, RequestError
from rules.input.printing import printable
from rules.input.vocabulary import nested
from rules.packs.law import CHARGES

Answer = tuple[Possible, ...]
_REFUSED = -1  # in place of the number of a value that can't be read


def read_by_sql(
    reader: CohortReader[Answer],
    answerer: Answerer,
    engine: SqlEngine | None,
    *,
    allowed: float,
    strict: bool,
) -> Cohort[Answer] | None:
    """Read a whole file. Return None without an engine, or if it can't be used for the file.

    Raises `RequestError` as `CohortReader.read` does, and for Parquet or JSON Lines without DuckDB.
    """
    needs_sql = has_types(reader.table)
    if engine is None:
        if needs_sql:
            raise _no_duckdb(reader.table.name)
        return None
    if reader.taken is not None:
        return _read_each(reader, engine, allowed=allowed, strict=strict) if needs_sql else None
    try:
        cohort = _SqlReading(reader, answerer, _columns(reader, answerer), engine).read(
            allowed, strict
        )
    except (CannotPrint, FactsError) as reason:
        reader.restart()
        has_day = all(side.program.as_of is not None for side in answerer.sides)
        engine.refuse_row_by_row(str(reason), "" if has_day else "add `--as-of DATE`")
        return _read_each(reader, engine, allowed=allowed, strict=strict) if needs_sql else None
    if cohort is None:
        engine.refuse_row_by_row("the file has an unusual shape", "save it as Parquet")
    return cohort


def _no_duckdb(name: str) -> RequestError:
    return RequestError(
        "no-duckdb",
        f"`{printable(name)}` is read with DuckDB, and it isn't installed",
        fix="run `pip install -c constraints.txt '.[cohort]'` in Offramp's checkout, or use a CSV "
        "file",
    )


def _columns(reader: CohortReader[Answer], answerer: Answerer) -> SideColumns:
    paths = [path for path, _ in reader.mapping.readers]
    if MOMENT in paths or any(path.startswith("decisions.") for path in paths):
        raise CannotPrint("a fact that other facts follow from")
    return SideColumns(answerer, paths)


def _read_each(
    reader: CohortReader[Answer], engine: SqlEngine, *, allowed: float, strict: bool
) -> Cohort[Answer]:
    """Read the rows of a file with types one by one."""
    engine.load_rows(reader.table)
    names = column_names(reader.table)
    listed = ", ".join(["place", *names.values()])
    selected, seen = 0, set[str]()
    for place, *cells in engine.rows(f"SELECT {listed} FROM {LOADED} ORDER BY place"):
        by_column = dict(zip(names, cells, strict=True))
        reader.rows += 1
        if not all(item.takes(by_column) for item in reader.where):
            reader.skip_row()
            continue
        selected += 1
        given_id = by_column[reader.mapping.id_column]
        if given_id and given_id in seen:
            reader.add_repeated(given_id)
            continue
        seen.add(given_id)
        reader.add_row(given_id or f"line {place + 1}", by_column)
    return reader.finished(selected, allowed=allowed, strict=strict)


class _SqlReading:
    def __init__(
        self,
        reader: CohortReader[Answer],
        answerer: Answerer,
        columns: SideColumns,
        engine: SqlEngine,
    ) -> None:
        self.reader = reader
        self.answerer = answerer
        self.columns = columns
        self.engine = engine
        self._run = engine.run
        self.readers = dict(reader.mapping.readers)
        # The values of each fact that rules read, and the words of each way of grouping.
        self.values: dict[str, list[Any]] = {}
        self.words: list[list[str]] = []
        self.names: dict[str, str] = {}  # of the columns in SQL
        # The facts that rules read and rows differ in, and those of them that have columns.
        self.keys: list[str] = []
        self.typed: list[str] = []

    def read(self, allowed: float, strict: bool) -> Cohort[Answer] | None:
        """Read the file."""
        reader = self.reader
        rows = self.engine.load_rows(reader.table)
        if rows is None:
            return None
        reader.rows = rows
        self.names = column_names(reader.table)
        self._select()
        selected = self._number("SELECT count(*) FROM selected")
        if selected:
            self._code()
            self._leave_out()
            self._count()
        return reader.finished(selected, allowed=allowed, strict=strict)

    def _number(self, sql: str) -> int:
        return int(self._run(sql)[0][0])

    # Rows

    def _select(self) -> None:
        """Make the table of selected rows."""
        tests = []
        for number, item in enumerate(self.reader.where):
            column = self.names[item.column]
            cells = [cell for (cell,) in self._run(f"SELECT DISTINCT {column} FROM {LOADED}")]
            wanted = [cell for cell in cells if item.takes({item.column: cell})]
            self.engine.put(f"wanted{number}", {"cell": "VARCHAR"}, [wanted])
            tests.append(f"{column} IN (SELECT cell FROM wanted{number})")
        where = f" WHERE {' AND '.join(tests)}" if tests else ""
        make = self.engine.create if tests else self.engine.name_query
        make("selected", f"SELECT * FROM {LOADED}{where}")

    def _code(self) -> None:
        """Make the table of rows in which each fact and each group is a number."""
        joins, fields = [], []
        for number, (path, read) in enumerate(self.readers.items()):
            columns = self.reader.mapping.columns_of[path]
            cells = self._distinct(columns)
            values = list(self._values(path, read, columns, cells))
            if not columns:
                continue
            joins.append(self._join(f"fact{number}", columns, cells, values))
            fields.append(f"fact{number}.number AS {quoted(path)}")
        for number, grouping in enumerate(self.reader.groupings.values()):
            words: dict[str, int] = {}
            cells = self._distinct(grouping.columns)
            numbers = [
                words.setdefault(
                    group_of(grouping, dict(zip(grouping.columns, item, strict=True))), len(words)
                )
                for item in cells
            ]
            joins.append(self._join(f"group{number}", grouping.columns, cells, numbers))
            fields.append(f"group{number}.number AS {quoted(_group(number))}")
            self.words.append(list(words))
        self.engine.create(
            "coded",
            f"SELECT {', '.join(['selected.place', *fields])} FROM selected {' '.join(joins)}",
        )

    def _distinct(self, cells: Sequence[str]) -> list[tuple[str, ...]]:
        names = ", ".join(self.names[cell] for cell in cells)
        return self._run(f"SELECT DISTINCT {names} FROM selected ORDER BY ALL") if cells else [()]

    def _values(
        self, path: str, read: Any, columns: Sequence[str], cells: Sequence[tuple[str, ...]]
    ) -> Iterator[int]:
        """Yield the number of the value of each distinct combination of cells."""
        numbers: dict[str, int] = {}
        values = self.values[path] = []
        for item in cells:
            try:
                value = read(dict(zip(columns, item, strict=True)))
                token = repr(value)
                if token not in numbers:
                    if value is not None:
                        self.columns.refuse(path, value)
                    numbers[token] = len(values)
                    values.append(value)
            except FactsError:
                if not columns:
                    raise
                yield _REFUSED
                continue
            yield numbers[token]

    def _join(
        self,
        table: str,
        columns: Sequence[str],
        cells: Sequence[tuple[str, ...]],
        numbers: Sequence[int],
    ) -> str:
        """Make a table of combinations of cells with their numbers. Return the join with it."""
        names = [self.names[column] for column in columns]
        types = {**dict.fromkeys(names, "VARCHAR"), "number": "INTEGER"}
        by_column = [[item[at] for item in cells] for at in range(len(names))]
        self.engine.put(table, types, [*by_column, numbers])
        tests = " AND ".join(f"{table}.{name} = selected.{name}" for name in names)
        return f"JOIN {table} ON {tests}"

    def _leave_out(self) -> None:
        """Leave out repeated rows, and those that can't be read, in the order of the file."""
        identifier = self.names[self.reader.mapping.id_column]
        self.engine.create(
            "repeated",
            "SELECT place FROM (SELECT place, row_number() OVER "
            f"(PARTITION BY {identifier} ORDER BY place) AS turn FROM selected "
            f"WHERE {identifier} <> '') WHERE turn > 1"
            if self._number(
                f"SELECT count({identifier}) - count(DISTINCT {identifier}) FROM selected "
                f"WHERE {identifier} <> ''"
            )
            else "SELECT place FROM selected WHERE FALSE",
        )
        refused = [
            f"{quoted(path)} = {_REFUSED}"
            for path in self.readers
            if self.reader.mapping.columns_of[path]
        ]
        self.engine.create(
            "odd",
            "SELECT place FROM coded "
            f"WHERE {' OR '.join(refused) or 'FALSE'} UNION SELECT place FROM repeated",
        )
        names, listed = list(self.names), ", ".join(self.names.values())
        for place, is_repeated, *cells in self._run(
            f"SELECT place, place IN (SELECT place FROM repeated), {listed} "
            "FROM selected WHERE place IN (SELECT place FROM odd) ORDER BY place"
        ):
            by_column = dict(zip(names, cells, strict=True))
            case_id = by_column[self.reader.mapping.id_column] or f"line {place + 1}"
            if is_repeated:
                self.reader.add_repeated(case_id)
            else:
                self.reader.add_row(case_id, by_column)

    # Cases

    def _count(self) -> None:
        """Count the rows of each case by its answer."""
        keys = [path for path in self.columns.read if self.reader.mapping.columns_of[path]]
        self.keys = keys
        groups = [_group(number) for number in range(len(self.words))]
        listed = ", ".join(map(quoted, [*keys, *groups]))
        by = f"GROUP BY {listed}" if listed else ""
        self.engine.create(
            "cases",
            f"SELECT {listed + ', ' if listed else ''}count(*) AS rows "
            f"FROM coded WHERE place NOT IN (SELECT place FROM odd) {by}",
        )
        if not self._number("SELECT coalesce(sum(rows), 0) FROM cases"):
            return
        self._note_codes()
        fixed = {
            path: values[0]
            for path, values in self.values.items()
            if not self.reader.mapping.columns_of[path] and values[0] is not None
        }
        conditions = self.columns.conditions(self._fact_columns(keys), fixed, self.engine.dialect)
        texts = [f"{text} AS v{number}" for number, text in enumerate(conditions.texts)]
        vector = [f"v{number}" for number in range(len(texts))]
        joins = " ".join(
            f"JOIN typed{number} ON typed{number}.number = cases.{quoted(path)}"
            for number, path in enumerate(keys)
            if path in self.typed
        )
        columns = ", ".join(["cases.*", *texts])
        self.engine.create("tested", f"SELECT {columns} FROM cases {joins}")
        self._count_vectors(conditions, keys, groups, vector)

    def _note_codes(self) -> None:
        """Note the codes of charges that offense tables lack."""
        codes = self.reader.codes
        if codes is None or not self.reader.mapping.columns_of.get(CHARGES):
            return
        for number, rows in self._run(
            f"SELECT {quoted(CHARGES)}, count(*) FROM coded "
            f"WHERE place NOT IN (SELECT place FROM odd) GROUP BY {quoted(CHARGES)}"
        ):
            lacking = codes.of(nested({CHARGES: self.values[CHARGES][number]}))
            if lacking:
                self.reader.add_unlisted(lacking, int(rows))

    def _fact_columns(self, keys: Sequence[str]) -> list[str]:
        """Make the tables of the facts' values. Return the facts that have columns."""
        for number, path in enumerate(keys):
            try:
                columns = self.columns.columns_of(path)
                cells = [
                    json.dumps(self.columns.value_of(path, item)) for item in self.values[path]
                ]
            except CannotPrint:
                continue
            structure = {name: kind for name, kind, _ in columns}
            outer = [
                expression
                for name, _, parts in columns
                for expression in column_expressions(name, parts)
            ]
            self.engine.put(
                f"raw{number}",
                {"cell": "VARCHAR", "number": "INTEGER"},
                [cells, range(len(cells))],
            )
            value = self.engine.dialect.parsed("cell", structure)
            self.engine.create(
                f"typed{number}",
                f"SELECT {', '.join(['number', *outer])} "
                f"FROM (SELECT number, {value} AS value FROM raw{number})",
            )
            self.typed.append(path)
        return self.typed

    def _count_vectors(
        self,
        conditions: Conditions,
        keys: Sequence[str],
        groups: Sequence[str],
        vector: Sequence[str],
    ) -> None:
        listed = ", ".join([*vector, *map(quoted, groups)])
        case = self.engine.dialect.record(
            {f"c{at}": quoted(key) for at, key in enumerate(keys)} or {"none": "0"}
        )
        found = self._run(
            f"SELECT {listed + ', ' if listed else ''}any_value({case}), sum(rows) FROM tested "
            + (f"GROUP BY {listed} ORDER BY {listed}" if listed else "")
        )
        answers: dict[tuple[int, ...], Answer] = {}
        waiting: set[tuple[int, ...]] = set()
        for *cells, numbers, rows in found:
            values = tuple(cells[: len(vector)])
            outcomes = conditions.decided(values)
            if outcomes is None:
                waiting.add(values)
                continue
            answer = answers.get(values)
            if answer is None:
                answer = self._answer(numbers)
                answers[values] = answer
                _refuse_difference(outcomes, answer)
            self.reader.add_counts(answer, self._words(cells[len(vector) :]), int(rows))
        by_facts: dict[tuple[str, ...], list[tuple[int, ...]]] = {}
        for values in sorted(waiting):
            by_facts.setdefault(conditions.open_facts(values), []).append(values)
        for paths, vectors in by_facts.items():
            self._count_open([key for key in keys if key in paths], case, groups, vector, vectors)

    def _count_open(
        self,
        open_keys: Sequence[str],
        case: str,
        groups: Sequence[str],
        vector: Sequence[str],
        waiting: Sequence[tuple[int, ...]],
    ) -> None:
        """Count the rows that the values of some rules leave open, by what those rules read."""
        same = [*vector, *map(quoted, open_keys)]
        listed = ", ".join([*same, *map(quoted, groups)]) or "1"
        test = ""
        if vector:
            rows = ", ".join(f"({', '.join(map(str, values))})" for values in waiting)
            names = ", ".join(vector)
            test = f"JOIN (VALUES {rows}) waiting({names}) USING ({names}) "
        answers: dict[tuple[int, ...], Answer] = {}
        missing: dict[tuple[int, ...], list[Missing]] = {}
        for *cells, numbers, count in self._run(
            f"SELECT {listed}, any_value({case}), sum(rows) FROM tested {test}"
            f"GROUP BY {listed} ORDER BY {listed}"
        ):
            key = tuple(cells[: len(same)])
            if key not in answers:
                missing[key] = []
                answers[key] = self._answer(
                    numbers, missing[key] if self.reader.asks_missing else None
                )
            if any(missing[key]):
                self.reader.add_missing(missing[key], int(count))
            words = cells[len(same) : len(same) + len(groups)]
            self.reader.add_counts(answers[key], self._words(words), int(count))

    def _words(self, numbers: Sequence[int]) -> tuple[str, ...]:
        return tuple(words[number] for words, number in zip(self.words, numbers, strict=True))

    def _answer(self, case: Mapping[str, int], missing: list[Missing] | None = None) -> Answer:
        """Decide a case by the compiled rules, with the facts that rules read."""
        facts: dict[str, Any] = {
            path: values[0]
            for path, values in self.values.items()
            if path in self.columns.read and not self.reader.mapping.columns_of[path]
        }
        facts |= {
            path: self.values[path][case[f"c{place}"]] for place, path in enumerate(self.keys)
        }
        return self.answerer.answer(
            nested({path: value for path, value in facts.items() if value is not None}), missing
        )


def _refuse_difference(outcomes: tuple[str, ...], answer: Answer) -> None:
    """Raise `RequestError` if SQL and the compiled rules disagree on a case."""
    decided = iter(outcomes)
    for possible in answer:
        sides = len(next(iter(possible.outcomes)))
        expected = tuple(next(decided) for _ in range(sides))
        if possible.outcomes != {expected}:
            raise RequestError(
                "engines-differ",
                f"`{' and '.join(expected)}` is the answer in SQL to a case, and the rules have "
                "another",
                fix="report it, with the file's map and the pack",
            )


def _group(number: int) -> str:
    return f"group {number}"
