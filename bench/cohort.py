"""Measure SQL printed from the rules against hand-written SQL, on made-up rows in DuckDB.

Run it as `python bench/cohort.py [--rows N] [--runs N] [--results FILE]`. The question is Santa
Fe's eligibility of 2018 with a known record. Both statements group the same rows by the values of
the same two rules, over the cap and a sale, and have to give the same table. Runs alternate. The
bar is a ratio, since wall time on a shared machine measures its neighbors.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import duckdb
from measured import Bar, Measurement, options_of, write_results

import rules
from offramp.policy.cohort.sql_conditions import ConditionPrinter, quoted
from rules.decide.compiled_pack import CompiledSegment

BAR = Bar(80, "%", "at least")
ROWS = """
CREATE TABLE arrests AS SELECT
  list_transform(range(i % 3), lambda d: {
    'kind': CASE (i + d) % 4 WHEN 0 THEN 'opioid' WHEN 1 THEN 'stimulant' WHEN 2 THEN 'opioid' END,
    'form': CASE (i + d) % 5 WHEN 0 THEN 'pills' ELSE 'weighed' END,
    'prescription': (i + d) % 7 = 0,
    'grams low': CASE WHEN (i + d) % 3 = 0 THEN NULL ELSE ((i * 7 + d) % 90) * 100000 END,
    'grams high': CASE WHEN (i + d) % 3 = 0 THEN NULL ELSE ((i * 7 + d) % 90) * 100000 END
  }) AS "encounter.drugs",
  [{'conduct': CASE i % 11 WHEN 0 THEN 'sale' WHEN 1 THEN NULL ELSE 'possession' END}]
    AS "encounter.charges"
FROM (SELECT unnest(range(?)) AS i)
"""
# Over 3 g: the least and the greatest weight of opioids. A sale: one that is known, or may be.
BY_HAND = """
SELECT cap, sale, count(*) FROM (SELECT
  CASE WHEN least_grams > 3000000 THEN 1
       WHEN NOT is_open AND most_grams <= 3000000 THEN 0 ELSE 2 END AS cap,
  CASE WHEN len(list_filter(charges, lambda c: c.conduct IN ('sale', 'intent_to_sell'))) > 0 THEN 1
       WHEN len(list_filter(charges, lambda c: c.conduct IS NULL)) > 0 THEN 2 ELSE 0 END AS sale
  FROM (SELECT "encounter.charges" AS charges,
    coalesce(list_sum(list_transform("encounter.drugs", lambda d:
      CASE WHEN d.kind = 'opioid' THEN coalesce(d."grams low", 0) ELSE 0 END)), 0) AS least_grams,
    coalesce(list_sum(list_transform("encounter.drugs", lambda d: CASE
      WHEN d.kind = 'opioid' OR d.kind IS NULL THEN coalesce(d."grams high", 0) ELSE 0
      END)), 0) AS most_grams,
    len(list_filter("encounter.drugs", lambda d:
      (d.kind = 'opioid' OR d.kind IS NULL) AND d."grams high" IS NULL)) > 0 AS is_open
    FROM arrests))
GROUP BY ALL ORDER BY ALL
"""


def main() -> None:
    """Print the rows a second of both statements, and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = options_of(parser, runs=5)
    connection = duckdb.connect(":memory:")
    connection.execute(ROWS, [options.rows])
    statements = {"printed": printed(), "by hand": BY_HAND}
    tables = {name: connection.execute(sql).fetchall() for name, sql in statements.items()}
    assert tables["printed"] == tables["by hand"], tables
    times: dict[str, list[float]] = {name: [] for name in statements}
    for _ in range(options.runs):
        for name, sql in statements.items():
            start = time.process_time()
            connection.execute(sql).fetchall()
            times[name].append(time.process_time() - start)
    for name, spent in times.items():
        print(f"{name}: {options.rows / median(spent):,.0f} rows for each second of the processor")
    pairs = zip(times["by hand"], times["printed"], strict=True)
    measured = Measurement.of(
        "SQL printed from the rules, of the speed of hand-written SQL",
        [100 * by_hand / printed for by_hand, printed in pairs],
        BAR,
    )
    print(measured.line())
    write_results(options.results, [measured])


def printed() -> str:
    """Return the statement that is printed from the rules of 2014."""
    program = rules.load("santa-fe", "2014-04-01")
    assert program.as_of is not None
    compiled: CompiledSegment = program.segment(program.as_of)
    segment = compiled.segment
    columns = {path: quoted(path) for path in ("encounter.drugs", "encounter.charges")}
    printer = ConditionPrinter(columns, {}, segment.parameters, {}, {})
    by_id = {rule.rule.id: rule for rule in segment.decisions["eligibility"].rules}
    texts = []
    for name, rule in (("cap", "over-the-cap"), ("sale", "intent-to-sell")):
        truth = printer.rule(by_id[rule].condition)
        texts.append(
            f"CASE WHEN {truth.true} THEN 1 WHEN {truth.false} THEN 0 ELSE 2 END AS {name}"
        )
    inner = f"SELECT {', '.join(texts)} FROM arrests"
    return f"SELECT cap, sale, count(*) FROM ({inner}) GROUP BY ALL ORDER BY ALL"


if __name__ == "__main__":
    main()
