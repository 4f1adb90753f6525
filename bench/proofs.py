"""Compare the proofs of two commits: what `check` does after a pack was read.

Run it as `python bench/proofs.py OLD NEW [--runs N]`. It measures the proofs of every shipped pack
that both commits have, and those of made-up packs of 16 to 128 rules, which show the growth. Each
commit's code proves its own packs. The figures are processor time, because wall time on a shared
machine measures its neighbors. Runs alternate. The first loads what later runs reuse and isn't
counted.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measured import Bar, Measurement, options_of, write_results

ROOT = Path(__file__).parent.parent
SIZES = (16, 32, 64, 128)
HEAD = """
id: grown-{size}
title: A program made for measurements
extends: deflection
time_zone: America/Denver
program: {{from: 2020-01, source: a}}
sources: {{a: {{title: A source, address: "https://example.org", confidence: low}}}}
facts:
{facts}
decisions:
  track:
    asks: Which track fits this case?
    decided_by: police
    governed_by: encounter.date
    outcomes: [first, second, third, fourth]
    rules:
{rules}
    otherwise: {{outcome: fourth, because: Nothing else applies., source: a}}
"""
OUTCOMES = ("first", "second", "third")
# Half of the rules read a fact of their own, and half read the charges, as real packs do.
FACT = (
    "  case.mark_{n}: {{type: bool, kind: record, known_by: police, category: encounter, "
    "question: 'Mark {n}?', source: a}}"
)
OWN, CHARGE = "case.mark_{n}", 'encounter.charges.exists(c, c.code == "RCW 9.1.{n}")'
RULE = "      - {{id: r{n}, when: '{when}', then: {then}, because: Rule {n}., source: a}}"


def main() -> None:
    """Print the processor time of each pack's proofs by both commits, and the ratio."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("old", nargs="?")
    options.add_argument("new", nargs="?")
    options.add_argument("--prove", help=argparse.SUPPRESS)
    chosen = options_of(options, runs=5)
    if chosen.prove:
        prove_all(Path(chosen.prove))
        return
    with tempfile.TemporaryDirectory() as scratch:
        sources = {commit: unpack(commit, Path(scratch)) for commit in (chosen.old, chosen.new)}
        runs: dict[str, list[dict[str, float]]] = {commit: [] for commit in sources}
        for run in range(chosen.runs + 1):
            for commit, source in sources.items():
                seconds = proof_seconds(source)
                if run:
                    runs[commit].append(seconds)
    medians = {
        commit: {name: statistics.median(run[name] for run in each) for name in each[0]}
        for commit, each in runs.items()
    }
    report(medians[chosen.old], medians[chosen.new])
    packs = [name for name in medians[chosen.old] if name in medians[chosen.new]]
    packs = [name for name in packs if not name.endswith(" rules")]
    ratios = [
        sum(new[name] for name in packs) / sum(old[name] for name in packs)
        for old, new in zip(runs[chosen.old], runs[chosen.new], strict=True)
    ]
    name = f"built-in search over all packs, against {chosen.old}"
    measured = Measurement.of(name, ratios, Bar(0.25, "x", "at most"))
    print(measured.line())
    write_results(chosen.results, [measured])


def unpack(commit: str, scratch: Path) -> Path:
    """Write the files of a commit to a folder."""
    source = scratch / f"source-{commit.replace('/', '-')}"
    source.mkdir()
    archive = subprocess.run(
        ["git", "archive", commit], cwd=ROOT, check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive, check=True)
    return source


def proof_seconds(source: Path) -> dict[str, float]:
    """Run the proofs with the code of a folder in a new process."""
    command = [sys.executable, str(Path(__file__).resolve()), "--prove", str(source)]
    done = subprocess.run(command, cwd=source, check=True, capture_output=True, text=True)
    seconds: dict[str, float] = json.loads(done.stdout)
    return seconds


def prove_all(source: Path) -> None:
    """Print the processor time of the proofs of each shipped and made-up pack, as JSON."""
    import time

    sys.path.insert(0, str(source))
    from rules.packs.pack import Pack
    from rules.prove.soundness import check_whole
    from rules.shelf import read_pack, shipped

    def timed(pack: Pack) -> float:
        """Prove a pack once."""
        began = time.process_time()
        check_whole(pack)
        return time.process_time() - began

    seconds = {name: timed(read_pack(name, whole=False)) for name in shipped()}
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            place = Path(folder) / f"grown-{size}"
            place.mkdir()
            (place / "pack.yaml").write_text(grown(size))
            seconds[f"{size} rules"] = timed(read_pack(place, whole=False))
    print(json.dumps(seconds))


def grown(size: int) -> str:
    """Return the text of a pack with so many rules of its own."""
    numbers = range(1, size + 1)
    facts = "\n".join(FACT.format(n=n) for n in numbers if n % 2)
    rules = "\n".join(
        RULE.format(n=n, when=(OWN if n % 2 else CHARGE).format(n=n), then=OUTCOMES[n % 3])
        for n in numbers
    )
    return HEAD.format(size=size, facts=facts, rules=rules)


def report(old: dict[str, float], new: dict[str, float]) -> None:
    """Print a table."""
    print("| proofs | old | new | ratio |\n| --- | --- | --- | --- |")
    both = [name for name in old if name in new]
    packs = [name for name in both if not name.endswith(" rules")]
    rows = {name: (old[name], new[name]) for name in packs}
    rows["all packs"] = (sum(old[name] for name in packs), sum(new[name] for name in packs))
    rows |= {name: (old[name], new[name]) for name in both if name not in packs}
    for name, (before, after) in rows.items():
        print(f"| {name} | {before:.3f} s | {after:.3f} s | {after / before:.2f} |")
    ends = f"{SIZES[0]} rules", f"{SIZES[-1]} rules"
    steps = math.log(SIZES[-1] / SIZES[0])
    exponents = (math.log(times[ends[1]] / times[ends[0]]) / steps for times in (old, new))
    print("exponent of the growth: {:.2f}, {:.2f}".format(*exponents))


if __name__ == "__main__":
    main()
