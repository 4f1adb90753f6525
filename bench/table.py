"""Measure a table of arrests: rows for each second of processor time, with whole JSON answers.

Run it as `python bench/table.py [--runs N] [--arrests FILE] [--results FILE]`. Without a file, it
makes one with as many rows and about as many that differ as the arrests that Louisiana reported
from 2010 to 2020. The floor reads the same rows with Python's `csv` and writes each as JSON.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

from measured import Bar, Measurement, options_of, write_results

ROOT = Path(__file__).parent.parent
ROWS = 152_724
HEAD = (
    "arrestee_id,arrest_date,age,armed_at_arrest,arrest_offense,incident_offenses,drug_acts,drugs"
)
BAR = Bar(12_000, "rows a second", "at least")
FLOOR = """
import csv, json, sys
for row in csv.DictReader(open(sys.argv[1], encoding="utf-8")):
    print(json.dumps(row))
"""
# What a drug arrest may have seized: often the same little, at times much of several kinds.
KINDS = ("E", "A", "L", "H", "B", "D", "P")


def main() -> None:
    """Print rows a second, and the floor's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arrests", type=Path, help="a table for the map `louisiana-nibrs`")
    options = options_of(parser, runs=3)
    with tempfile.TemporaryDirectory() as folder:
        table = options.arrests or made_table(Path(folder) / "arrests.csv")
        command = [sys.executable, "-m", "offramp", "decide", "santa-fe", "eligibility"]
        command += [str(table), "--map", "louisiana-nibrs", "--lines"]
        floor = [sys.executable, "-c", FLOOR, str(table)]
        count = lines_of(command)
        ours, theirs = [], []
        for _ in range(options.runs):
            ours.append(count / processor_seconds(command))
            theirs.append(count / processor_seconds(floor))
    source = "arrests" if options.arrests else "made-up arrests"
    name = f"{count:,} {source}, whole JSON answers, for each second of the processor"
    measured = Measurement.of(name, ours, BAR)
    print(measured.line())
    print(f"the floor, which reads and writes the rows: {max(theirs):,.0f} rows a second")
    write_results(options.results, [measured])


def made_table(path: Path) -> Path:
    """Write made-up arrests, the same in each run."""
    chance = random.Random(22)
    first = date(2010, 1, 1)
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{HEAD}\n")
        for number in range(ROWS):
            day = first + timedelta(days=number * 4_000 // ROWS)
            age = min(90, 17 + int(chance.expovariate(1 / 9)))
            offense = chance.choice(("35A", "35A", "35A", "35B", "23F", "13B", "520"))
            others = chance.choice((offense, offense, f"{offense}|35A", f"{offense}|90Z"))
            file.write(
                f"{number},{day},{age},{int(chance.random() < 0.03)},{offense},{others},"
                f"{chance.choice(('P', 'P', 'PD', ''))},{seized(chance)}\n"
            )
    return path


def seized(chance: random.Random) -> str:
    """Return the drugs of one arrest."""
    if chance.random() < 0.3:
        return ""
    kinds = chance.sample(KINDS, 1 + (chance.random() < 0.12))
    return "|".join(f"{kind}:{1 + int(chance.expovariate(1))}:GM" for kind in kinds)


def lines_of(command: list[str]) -> int:
    """Return the number of answers."""
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE).stdout.count(b"\n")


def processor_seconds(command: list[str]) -> float:
    """Run a command and return its processor time."""
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
