"""The demo's story as lines to read: the steps, the disclosures, and the checks."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from textwrap import wrap
from typing import Any
from zoneinfo import ZoneInfo

from offramp.demo.town import AGENCIES

_TITLES = {
    "A": "A, whose weight nobody knew, who relapsed and was arrested again, and kept the place",
    "B": "B, over the cap",
    "B, later": "B again, without an arrest",
    "C": "C, charged with violence",
    "A key": "A key is stolen",
}
_SHORT = {
    "police": "police",
    "prosecutor": "prosec.",
    "defender": "defender",
    "case-management": "case mgmt",
    "treatment": "clinic",
    "program": "program",
}


def timeline(story: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of a story, which has the shape of `story.json`."""
    lines = StoryLines(story["zone"])
    yield from lines.opening()
    for step in story["steps"]:
        yield from lines.step(step)
    yield from lines.closing(story)


class StoryLines:
    """The lines of a story, step by step in order. `zone` is the program's time zone."""

    def __init__(self, zone: str) -> None:
        self._zone = ZoneInfo(zone)
        self._width = min(max(shutil.get_terminal_size((100, 24)).columns, 60), 120)
        self._person: str | None = None
        self._day: date | None = None
        self._seen: set[str] = set()

    def opening(self) -> Iterator[str]:
        """Yield the lines before the first step."""
        names = ", ".join(name for name, *_ in AGENCIES.values())
        yield from wrap(
            f"A hub and six agencies ({names}), each a process of its own on this machine, under "
            "Santa Fe's rules of June 2026. The people and their cases are made up. Times are "
            f"local times of the zone {self._zone.key}.",
            self._width,
        )

    def step(self, step: Mapping[str, Any]) -> Iterator[str]:
        """Yield the lines of a step. A new person and a new day have a heading."""
        person = step["person"]
        if person != self._person:
            again = person in self._seen
            self._person, self._day = person, None
            self._seen.add(person)
            yield ""
            yield f"{person} AGAIN" if again else _TITLES.get(person, person).upper()
        at = datetime.fromisoformat(step["at"].replace("Z", "+00:00")).astimezone(self._zone)
        if at.date() != self._day:
            self._day = at.date()
            yield f"  {self._day}"
        yield from _step(step, at, self._width)

    def closing(self, story: Mapping[str, Any]) -> Iterator[str]:
        """Yield the lines after the last step: the kinds of information, and the checks."""
        yield ""
        yield from held_table(story["held"])
        yield ""
        for check in story["checks"]:
            yield from wrap(
                f"{'ok' if check['holds'] else 'NOT SO'}: {check['what']}",
                self._width,
                subsequent_indent="    ",
            )


def _step(step: Mapping[str, Any], at: datetime, width: int) -> Iterator[str]:
    def lines(label: str, text: str) -> list[str]:
        return wrap(
            text,
            width,
            initial_indent=f"{label:>26} ",
            subsequent_indent=" " * 27,
            break_on_hyphens=False,
        )

    head = f"    {at:%H:%M}  {step['agency']}"
    first, *rest = wrap(step["what"], width - 27)
    yield f"{head:<26} {first}"
    yield from (" " * 27 + line for line in rest)
    answer = step["answer"]
    if "decision" in answer:
        outcome = (
            answer["outcome"]
            if isinstance(answer["outcome"], list)
            else [answer["outcome"]]
            if answer["outcome"]
            else []
        )
        outcomes = ", ".join(name.replace("_", " ") for name in outcome) or "undetermined"
        yield from lines("the rules:", f"{answer['decision']}: {outcomes}" + _lacking(answer))
        for reason in answer["reasons"]:
            yield from lines("", reason["text"])
    if answer.get("refused") and isinstance(answer["refused"], str):
        yield from lines("refused:", answer["refused"])
    for part in step["told"]:
        yield from lines("told:", f"{_words(part['category'])} to {', '.join(part['to'])}")
        why: dict[str, list[str]] = {}
        for agency, reason in part["kept_from"].items():
            why.setdefault(reason, []).append(agency)
        for reason, agencies in why.items():
            yield from lines("not:", f"{', '.join(agencies)}: {reason}")


def _lacking(answer: Mapping[str, Any]) -> str:
    questions = [
        f"{need['question']} (ask {need['ask'].replace('_', ' ')})" for need in answer["needed"]
    ]
    return f" ({'; '.join(questions)})" if questions and not answer["reasons"] else ""


def _words(categories: list[str]) -> str:
    return " and ".join(category.replace("_", " ") for category in categories)


def held_table(held: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Yield a table of the categories that each agency ever held: own, opened, or sealed."""
    marks = {"own": "own", "opened": "read", "sealed": "sealed"}
    categories = sorted({category for states in held.values() for category in states})
    yield (
        "What each agency had. own: its own statement. read: a part that somebody there opened. "
        "sealed: a part that arrived and that nobody opened."
    )
    yield ""
    yield (f"{'':<22}" + "".join(f"{_SHORT[agency]:<11}" for agency in held)).rstrip()
    for category in categories:
        row = "".join(f"{marks.get(held[agency].get(category, ''), '·'):<11}" for agency in held)
        yield f"{category.replace('_', ' '):<22}{row}".rstrip()
