"""Compare cold commands of some commits, each from an installed wheel, to a bare interpreter.

Run it as `python bench/cold.py COMMIT… [--runs N] [--results FILE]`. It builds a wheel of each
commit in a temporary folder and installs it with the pinned releases. The figures are CPU time,
user and system, because wall time on a shared machine measures its neighbors. Runs alternate.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from measured import Bar, Measurement, options_of, write_results

ROOT = Path(__file__).parent.parent
# The facts of a case are each commit's own, since fact names may differ.
CASE = "examples/arrest.json"
COMMANDS = {
    "offramp --version": ["--version"],
    "offramp agency status --help": ["agency", "status", "--help"],
    "offramp decide, one program": ["decide", "santa-fe", "eligibility", CASE],
    "offramp decide, four programs": [
        "decide",
        "santa-fe,seattle,nyc-violations,drug-court",
        "eligibility",
        CASE,
    ],
}

# What a command may take, in bare starts.
BARS = {
    "offramp --version": 3,
    "offramp decide, one program": 6,
    "offramp decide, four programs": 9,
}


def main() -> None:
    """Print the median of each command for each commit, in bare starts."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("commits", nargs="+", metavar="COMMIT")
    chosen = options_of(options, runs=20)
    with tempfile.TemporaryDirectory() as scratch:
        homes = {commit: install(commit, Path(scratch)) for commit in chosen.commits}
        times = measure(homes, chosen.runs)
    for name in COMMANDS:
        shown = [
            f"{commit}: {statistics.median(times[commit, name]) * 1000:.0f} ms, "
            f"{statistics.median(times[commit, name]) / statistics.median(times[commit, '']):.2f}"
            for commit in homes
        ]
        print(f"{name:32}  {'   '.join(shown)} bare starts")
    newest = chosen.commits[-1]
    measured = [
        Measurement.of(
            f"{name}, from a wheel, cold",
            [a / b for a, b in zip(times[newest, name], times[newest, ""], strict=True)],
            Bar(bar, "bare starts", "at most"),
        )
        for name, bar in BARS.items()
    ]
    write_results(chosen.results, measured)


def install(commit: str, scratch: Path) -> Path:
    """Install a commit's wheel into an environment of its own. Returns its folder of programs."""
    source, home = scratch / f"source-{commit}", scratch / f"venv-{commit}"
    source.mkdir()
    archive = subprocess.run(
        ["git", "archive", commit], cwd=ROOT, check=True, capture_output=True
    ).stdout
    subprocess.run(["tar", "-x", "-C", str(source)], input=archive, check=True)
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)
    pip = [str(home / "bin" / "pip"), "install", "--quiet", "-c", str(ROOT / "constraints.txt")]
    subprocess.run([*pip, str(source)], check=True)
    shutil.copytree(source / "examples", home / "cases" / "examples")
    return home / "bin"


def measure(homes: dict[str, Path], runs: int) -> dict[tuple[str, str], list[float]]:
    """Return CPU seconds by commit and command. The empty name is the bare interpreter."""
    commands = {
        (commit, name): [str(programs / "offramp"), *words]
        for commit, programs in homes.items()
        for name, words in COMMANDS.items()
    }
    for commit, programs in homes.items():
        commands[commit, ""] = [str(programs / "python"), "-c", "pass"]
    folders = {commit: programs.parent / "cases" for commit, programs in homes.items()}
    times: dict[tuple[str, str], list[float]] = {key: [] for key in commands}
    for run in range(runs + 1):
        for key, command in commands.items():
            seconds = cpu_seconds(command, folders[key[0]])
            if run:  # the first round warms the caches
                times[key].append(seconds)
    return times


def cpu_seconds(command: list[str], folder: Path) -> float:
    """Run a command in a folder without sources, and return its CPU time."""
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 3):  # decided, or undetermined in a program
        raise SystemExit(f"`{' '.join(command)}` ended with exit status {process.returncode}")
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
