"""Measure how counting rows grows with the rows, with DuckDB and with Spark on one and two cores.

Run it as `python bench/spark.py [--rows 150000,1500000,10000000] [--skip NAME]`. It makes Parquet
files of made-up arrests and runs `offramp decide … --by` in a process of its own, so that a figure
contains the start of Python and of Java. All reports of a file have to be the same.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

MAP = """\
title: made-up arrests
id: id
unit: arrest
unknown: [""]
facts:
  encounter.date: {column: day}
  encounter.route: {value: arrest}
  person.age: {column: age}
  encounter.charges: {items: [{conduct: {column: conduct}, level: {value: felony}}]}
  encounter.drugs: {items: [{kind: {column: drug}, grams: {column: grams}}]}
"""
ROWS = """
COPY (SELECT i AS id, DATE '2015-01-01' + (i % 1000)::INTEGER AS day,
  (14 + i * 7 % 60)::INTEGER AS age, CASE i % 3 WHEN 0 THEN 'black' WHEN 1 THEN 'white' END AS race,
  CASE i % 11 WHEN 0 THEN 'sale' WHEN 1 THEN NULL ELSE 'possession' END AS conduct,
  CASE i % 5 WHEN 0 THEN NULL WHEN 1 THEN 'stimulant' ELSE 'opioid' END AS drug,
  CASE WHEN i % 4 = 0 THEN NULL ELSE ((i * 13 % 90) / 10)::DECIMAL(6, 1) END AS grams
  FROM range({rows}) made(i)) TO '{file}'
"""
ENGINES = {
    "duckdb": ["--engine", "duckdb"],
    "spark, 1 core": ["--engine", "spark", "--master", "local[1]"],
    "spark, 2 cores": ["--engine", "spark", "--master", "local[2]"],
}


def main() -> None:
    """Print the seconds by the clock and of the processor for each engine and number of rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", default="150000,1500000,10000000")
    parser.add_argument("--skip", action="append", default=[], metavar="NAME", choices=ENGINES)
    options = parser.parse_args()
    print("| rows | engine | seconds | seconds of the processor |\n| --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        mapping = Path(folder) / "map.yaml"
        mapping.write_text(MAP)
        for rows in map(int, options.rows.split(",")):
            file = Path(folder) / f"{rows}.parquet"
            duckdb.execute(ROWS.format(rows=rows, file=file))
            reports = {
                name: measured(name, rows, file, mapping)
                for name in ENGINES
                if name not in options.skip
            }
            assert len(set(reports.values())) == 1, "the reports differ"


def measured(name: str, rows: int, file: Path, mapping: Path) -> bytes:
    """Print the times of one run. Return its report."""
    words = ["decide", "santa-fe", "eligibility", str(file), "--map", str(mapping)]
    words += ["--by", "race", "--as-of", "2018-10-01", *ENGINES[name]]
    start, before = time.perf_counter(), os.times()
    ran = subprocess.run([sys.executable, "-m", "offramp", *words], capture_output=True, check=True)
    seconds, after = time.perf_counter() - start, os.times()
    spent = sum(after[2:4]) - sum(before[2:4])
    print(f"| {rows:,} | {name} | {seconds:.1f} | {spent:.1f} |", flush=True)
    return ran.stdout


if __name__ == "__main__":
    main()
