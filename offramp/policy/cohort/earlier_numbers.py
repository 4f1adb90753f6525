"""Read which numbers a printed report shows, and which it hides, from its JSON.

The report is laid out again with a label in place of each count. Where the label is, the printed
report has the count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from offramp.policy.cohort.joint_rows import LACKING, UNLISTED, CountsOfReport, Name
from offramp.policy.cohort.report import LEFT_OUT, OF_FILE, SELECTED
from offramp.policy.cohort.report_json import HIDDEN, counts_as_json, tables_as_json
from offramp.policy.cohort.table import TableMaker, Tables

# They follow from the counts, or are read by themselves.
_BESIDE_COUNTS = frozenset(
    ("rates", "rate", "interval", "differences", "says", "unlisted_codes", "left_open_by", "digest")
)
_NO_ROWS = -1  # the label where no row can be counted


def printed_numbers(
    counts: CountsOfReport, cohort: Mapping[str, Any]
) -> Iterator[tuple[Name, int | None]]:
    """Yield the numbers of a report's JSON, None for a hidden one.

    Raises `KeyError`, `TypeError`, or `ValueError` if the JSON is of other questions or rows.
    """
    yield OF_FILE, _number(cohort["rows"])
    yield SELECTED, _number(cohort["selected"])
    yield LEFT_OUT, _number(cohort["left_out_rows"])
    for item in cohort["left_out"]:
        yield (*LEFT_OUT, item["column"], item["reason"]), _number(item["rows"])
    parts = _parts(cohort)
    labels: dict[Any, int] = {cell: number for number, cell in enumerate(counts.cells)}
    for place, (labeled, part) in enumerate(zip(_labeled(counts, labels), parts, strict=True)):
        for label, value in _pairs(labeled, part):
            if label != _NO_ROWS:
                yield counts.cells[label], _number(value)
            elif _number(value) and not cohort["withheld"]:
                raise ValueError("there are no such rows")
        yield from _codes(place, part)
        yield from _facts(place, part, counts)


def _parts(cohort: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the part of each question, in their order."""
    if "programs" in cohort:
        return list(cohort["programs"])
    return [cohort, *cohort["later"], *cohort.get("without_rules", ())]


def _labeled(counts: CountsOfReport, labels: Mapping[Any, int]) -> Iterator[Mapping[str, Any]]:
    """Yield the JSON of each question with labels in place of counts."""
    made = tuple(
        TableMaker(counts.tally, number, question, labels).table(frozenset())
        for number, question in enumerate(counts.asked.questions)
    )
    report = counts.asked.report(
        counts.cohort, Tables(made, False, counts.asked.source.least, True)
    )
    is_change = any(len(question.sides) > 1 for question in counts.asked.questions)
    if not is_change:
        yield from tables_as_json(report)
        return
    for number, question in enumerate(counts.asked.questions):
        if len(question.sides) > 1:
            value = counts_as_json(report, number)
            yield {name: part for name, part in value.items() if name not in _BESIDE_COUNTS}
        else:
            everyone = made[number].groups[0]
            answers = everyone.sides[0]
            yield {
                "rows": everyone.rows,
                "answers": {**answers.surely, "either": answers.either},
                "not_sharp": [{"why": why, "rows": rows} for why, rows in made[number].not_sharp],
            }


def _pairs(labeled: Any, printed: Any) -> Iterator[tuple[int, Any]]:
    """Yield each label with the printed count at its place."""
    if isinstance(labeled, Mapping):
        for name, part in labeled.items():
            if name not in _BESIDE_COUNTS and _has_labels(part):
                yield from _pairs(part, printed[name])
            elif name == "group" and printed[name] != part:
                raise ValueError("the groups differ")
    elif isinstance(labeled, list):
        for part, of_part in zip(labeled, printed, strict=True):
            yield from _pairs(part, of_part)
    elif isinstance(labeled, int) and not isinstance(labeled, bool):
        yield labeled, printed


def _has_labels(part: Any) -> bool:
    if isinstance(part, Mapping):
        return any(map(_has_labels, part.values()))
    if isinstance(part, list):
        return any(map(_has_labels, part))
    return isinstance(part, int) and not isinstance(part, bool)


def _codes(place: int, part: Mapping[str, Any]) -> Iterator[tuple[Name, int | None]]:
    unlisted = part.get("unlisted_codes")
    if unlisted is None or unlisted["rows"] == 0:
        return
    yield (UNLISTED, place), _number(unlisted["rows"])
    for item in unlisted["codes"]:
        yield (UNLISTED, place, item["code"] or ""), _number(item["rows"])


def _facts(
    place: int, part: Mapping[str, Any], counts: CountsOfReport
) -> Iterator[tuple[Name, int | None]]:
    for item in part.get("left_open_by", ()):
        path = counts.path_of(place, item["fact"])
        yield (LACKING, place, path), _number(item["rows"])
        for code in item["codes"]:
            yield (LACKING, place, path, code["code"]), _number(code["rows"])


def _number(printed: Any) -> int | None:
    if printed == HIDDEN:
        return None
    if isinstance(printed, bool) or not isinstance(printed, int):
        raise TypeError("no count")
    return printed
