"""Run the measurements that have a bar, and write down which bars hold.

Run it as `python -m bench [--quick] [--write] [NAME…]` from a checkout. Each measurement is a
program of its own that alternates with its peers or its floor. The figures go to
`bench-results.json`. With `--write`, they also go into the table at the end of
`docs/measurements.md`, with the commit that they were made at. Without a name, all run. Rows that
were not measured stay in the table.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from measured import Measurement, number, read_results

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "measurements.md"
RESULTS = ROOT / "bench-results.json"
BEGIN, END = "<!-- bench: begin -->", "<!-- bench: end -->"
# The code before the work on speed began, for the proofs.
BEFORE = "7039da8d"
# By name: the words of the program, and those of a quick run.
PROGRAMS = {
    "engines": (["engines.py"], ["--runs", "21"]),
    "cold": (["cold.py", "HEAD"], ["--runs", "5"]),
    "table": (["table.py"], ["--runs", "1"]),
    "proofs": (["proofs.py", BEFORE, "HEAD"], ["--runs", "1"]),
    "change": (["change.py"], ["--runs", "1"]),
    "solver": (["solver.py"], ["--runs", "1"]),
    "cohort": (["cohort.py"], ["--runs", "2"]),
    "people": (["people.py"], ["--runs", "1"]),
    "exact": (["exact.py"], ["--runs", "1"]),
    "mutants": (["mutants.py"], ["--runs", "1"]),
    "interview": (["interview.py"], ["--runs", "10"]),
    "flows": (["flows.py"], ["--runs", "1"]),
    "hub": (["hub.py", "--leaves", "2000"], ["--runs", "2"]),
    "hub_http": (["hub_http.py"], ["--runs", "2"]),
}


def main() -> int:
    """Run the named measurements. Exit code 1 if a bar is missed, 2 if a program failed."""
    options = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    options.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PROGRAMS))
    options.add_argument("--quick", action="store_true", help="few runs, to see that all works")
    options.add_argument("--write", action="store_true", help=f"write {PAGE.relative_to(ROOT)}")
    chosen = options.parse_args()
    unknown = set(chosen.names) - set(PROGRAMS)
    if unknown:
        options.error(f"there is no measurement {', '.join(sorted(unknown))}")
    measured, failed = run_all(chosen.names or [*PROGRAMS], quick=chosen.quick)
    print(f"\n{'=' * 20} bars\n")
    for one in measured:
        print(one.line())
    for name in failed:
        print(f"{name}: FAILED, see above")
    where = circumstances()
    RESULTS.write_text(
        json.dumps(
            {**where, "failed": failed, "figures": [asdict(one) for one in measured]}, indent=1
        )
    )
    if chosen.write:
        PAGE.write_text(with_table(PAGE.read_text(), measured, where))
    return 2 if failed else 0 if all(one.holds for one in measured) else 1


def run_all(names: list[str], *, quick: bool) -> tuple[list[Measurement], list[str]]:
    """Run programs one after the other. Returns their figures, and those that failed."""
    measured: list[Measurement] = []
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for name in names:
            words, fewer = PROGRAMS[name]
            results = Path(folder) / f"{name}.json"
            command = [sys.executable, str(ROOT / "bench" / words[0]), *words[1:]]
            command += [*(fewer if quick else []), "--results", str(results)]
            print(f"\n{'=' * 20} {name}\n", flush=True)
            begun = time.monotonic()
            done = subprocess.run(command, cwd=ROOT)
            print(f"({time.monotonic() - begun:.0f} s)", flush=True)
            if done.returncode or not results.exists():
                failed.append(name)
            else:
                measured += read_results(results)
    return measured, failed


def circumstances() -> dict[str, object]:
    """Return the commit, the day, and the machine."""
    git = ["git", "describe", "--always", "--dirty", "--abbrev=8"]
    commit = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return {
        "commit": commit.strip(),
        "day": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "load": round(os.getloadavg()[1], 1),
    }


def table(measured: list[Measurement], where: dict[str, object], before: str) -> str:
    """Return the figures as a table in Markdown. Rows of `before` that were not measured stay."""
    made_at = f"`{where['commit']}`, {where['day']}, load {where['load']}"
    rows = {line.split(" | ")[0]: line for line in before.splitlines() if line.startswith("| ")}
    for one in measured:
        rows[f"| {one.name}"] = (
            f"| {one.name} | {number(one.median)} {one.bar.unit} | {number(one.low)} to "
            f"{number(one.high)} | {one.bar.sense} {number(one.bar.limit)} | "
            f"{'holds' if one.holds else '**missed**'} | {made_at} |"
        )
    lines = [
        f"Python {where['python']}, {where['processors']} processors. The spread is from the first "
        "to the third quartile. The load is the average over five minutes, in processes.",
        "",
        "| work | median | spread | bar | | commit |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    return "\n".join([*lines, *(row for name, row in rows.items() if name not in _HEAD)])


_HEAD = ("| work", "| ---")


def with_table(page: str, measured: list[Measurement], where: dict[str, object]) -> str:
    """Return the page with its table between the two marks replaced."""
    before, _, rest = page.partition(BEGIN)
    kept, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table(measured, where, kept)}\n{END}{after}"


if __name__ == "__main__":
    raise SystemExit(main())
