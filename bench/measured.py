"""A figure with its spread and its bar, and the file in which a run leaves its figures."""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Bar:
    """What a figure must reach: `at most` or `at least` so much."""

    limit: float
    unit: str
    sense: str


@dataclass(frozen=True)
class Measurement:
    """The median of a figure, with its quartiles and its bar."""

    name: str
    median: float
    low: float
    high: float
    count: int
    bar: Bar

    @classmethod
    def of(cls, name: str, figures: Sequence[float], bar: Bar) -> Measurement:
        """Summarize figures."""
        low, _, high = statistics.quantiles(figures, n=4) if len(figures) > 1 else figures * 3
        return cls(name, statistics.median(figures), low, high, len(figures), bar)

    @property
    def holds(self) -> bool:
        """True if the median reaches its bar."""
        is_most = self.bar.sense == "at most"
        return self.median <= self.bar.limit if is_most else self.median >= self.bar.limit

    def line(self) -> str:
        """Return the figure as a line of text."""
        verdict = "holds" if self.holds else "MISSED"
        return (
            f"{self.name}: {number(self.median)} {self.bar.unit} "
            f"({number(self.low)} to {number(self.high)}, {self.count} runs); "
            f"bar {self.bar.sense} {number(self.bar.limit)}: {verdict}"
        )


def number(value: float) -> str:
    """Return a number with three digits that count."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def options_of(parser: argparse.ArgumentParser, runs: int) -> argparse.Namespace:
    """Read the command line, with the options of every measurement."""
    parser.add_argument("--runs", type=int, default=runs)
    parser.add_argument("--results", type=Path, help="write the figures with a bar to this file")
    return parser.parse_args()


def write_results(path: Path | None, measured: Sequence[Measurement]) -> None:
    """Write figures as JSON, if a file is named."""
    if path is not None:
        path.write_text(json.dumps([asdict(one) for one in measured], indent=1))


def read_results(path: Path) -> list[Measurement]:
    """Read figures that a run wrote."""
    return [
        Measurement(**(entry | {"bar": Bar(**entry["bar"])}))
        for entry in json.loads(path.read_text())
    ]
