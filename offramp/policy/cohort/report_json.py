"""A report on a cohort as JSON."""

from __future__ import annotations

from typing import Any

from offramp.policy.cohort.answers import Side
from offramp.policy.cohort.asked_json import asked_as_json
from offramp.policy.cohort.missing_facts import MissingFact
from offramp.policy.cohort.report import CohortReport
from offramp.policy.cohort.table import (
    Answers,
    AnswerTable,
    Count,
    DecidingRows,
    Difference,
    Ends,
    Flip,
    GroupCounts,
    ShownRange,
)
from offramp.policy.cohort.unlisted_codes import UnlistedRows

HIDDEN = {"hidden": True}
_SIDES = ("before", "after")
_DIGITS = 6


def report_as_json(report: CohortReport) -> dict[str, Any]:
    """Return a report on whole programs, or on one change, as JSON has it."""
    source = report.source
    return {
        "digest": report.digest,
        "map": source.map,
        "map_digest": report.map_digest,
        "unit": report.mapping.unit,
        "rows": count_as_json(report.shown_rows),
        "selected": count_as_json(report.shown_selected),
        "where": {item.column: list(item.wanted) for item in report.filters},
        "left_out": [
            {"column": column, "reason": reason, "rows": count_as_json(rows)}
            for column, reason, rows in report.left_out_reasons
        ],
        "left_out_rows": count_as_json(report.shown_left_out),
        "asked": asked_as_json(report.questions),
        "beside": list(report.beside.digests),
        "assumed": report.assumed,
        "assumed_is_given": report.is_given,
        "by": (source.by[0] if len(source.by) == 1 else list(source.by)) if source.by else None,
        "least_shown": report.tables.least,
        "withheld": report.tables.is_withheld,
    }


def change_as_json(report: CohortReport) -> dict[str, Any]:
    """Return a report on one change, without the counts on each of its days."""
    return {"decision": report.questions[0].sides[0].decision, **report_as_json(report)}


def counts_as_json(report: CohortReport, number: int) -> dict[str, Any]:
    """Return the counts of one question of a change: its groups, and what decides."""
    question, table = report.questions[number], report.tables.tables[number]
    value = {
        **table_as_json(table, by_several=len(report.source.by) > 1),
        "unlisted_codes": unlisted_as_json(report.unlisted[number]),
        "rules": {
            name: [_deciding_rows(side, item) for item in rows]
            for name, side, rows in zip(_SIDES, question.sides, table.deciders, strict=False)
        },
    }
    everyone = value["groups"][0]
    for entry, flip in zip(everyone["flips"], table.groups[0].flips, strict=True):
        entry["rules"] = flip_rules(report, number, flip) or HIDDEN
    return value


def flip_rules(report: CohortReport, number: int, flip: Flip) -> dict[str, list[str]]:
    """Return the rules that decide a change on each side, none beside a hidden count.

    `number` is that of the question.
    """
    if flip.range.at_most is None:
        return {}
    pair = flip.before, flip.after
    return {
        name: sorted(
            rule for outcomes, at, rule in report.deciding[number] if (outcomes, at) == (pair, side)
        )
        for side, name in enumerate(_SIDES)
    }


def _deciding_rows(side: Side, item: DecidingRows) -> dict[str, Any]:
    decider = item.decider
    entry: dict[str, Any] = {"decides": decider.kind}
    if decider.rule:
        entry |= {"rule": decider.rule, "says": rule_text(side, decider.rule)}
    return {**entry, "rows": count_as_json(item.rows)}


def rule_text(side: Side, rule: str) -> str:
    """Return what a rule says, on the day of its side."""
    day = side.program.as_of
    assert day is not None, "a change has a day on each side"
    segment = side.program.segment(day)
    texts = segment.texts(side.decision)
    return next(
        texts.of_rule(in_force).text
        for in_force in segment.segment.decisions[side.decision].rules
        if in_force.rule.id == rule
    )


def tables_as_json(report: CohortReport) -> list[dict[str, Any]]:
    """Return the table of each program."""
    return [
        {
            "pack": question.sides[0].program.pack.id,
            "day": _day(question.sides[0].program.as_of),
            "digest": question.sides[0].program.digest,
            **table_as_json(table, by_several=len(report.source.by) > 1),
            "unlisted_codes": unlisted_as_json(unlisted),
            "left_open_by": [_missing(report, fact) for fact in missing],
        }
        for question, table, unlisted, missing in zip(
            report.questions, report.tables.tables, report.unlisted, report.missing, strict=True
        )
    ]


def _missing(report: CohortReport, fact: MissingFact) -> dict[str, Any]:
    name, of_list = fact.line
    return {
        "fact": fact.path.replace("[]", ""),
        "rows": count_as_json(fact.rows),
        "codes": [{"code": code, "rows": count_as_json(rows)} for code, rows in fact.codes],
        "map_line": name,
        "under": of_list or None,
        "columns": list(report.mapping.columns_of.get(of_list or name, ())),
    }


def unlisted_as_json(unlisted: UnlistedRows | None) -> dict[str, Any]:
    """Return the rows with a code that the offense table lacks. The code is null where none is."""
    if unlisted is None:
        return {"rows": 0, "codes": []}
    return {
        "rows": count_as_json(unlisted.rows),
        "codes": [
            {"code": code or None, "rows": count_as_json(rows)} for code, rows in unlisted.codes
        ],
    }


def table_as_json(table: AnswerTable, *, by_several: bool = False) -> dict[str, Any]:
    """Return one table: the rows apart, its groups, and the differences between them."""
    return {
        "not_running": count_as_json(table.not_running),
        "not_sharp": [{"why": why, "rows": count_as_json(rows)} for why, rows in table.not_sharp],
        "groups": [
            _group(group, by_several, is_change=len(table.groups[0].sides) > 1)
            for group in table.groups
        ],
        "differences": [_difference(item, by_several) for item in table.differences],
    }


def _day(day: Any) -> str:
    return "the day of each row" if day is None else day.isoformat()


def _group(group: GroupCounts, by_several: bool, *, is_change: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"group": group.group, "rows": count_as_json(group.rows)}
    if by_several and group.by:
        entry["by"] = group.by
    if len(group.sides) == 1:
        entry["answers"] = _answers(group.sides[0])
        entry["ranges"] = [
            {"answer": outcome, **range_as_json(item)}
            for outcome, item in group.sides[0].ranges.items()
        ]
    elif group.sides:
        entry["before"], entry["after"] = map(_answers, group.sides)
        entry["rates"] = {
            name: _best_rate(answers) for name, answers in zip(_SIDES, group.sides, strict=True)
        }
    if is_change:
        entry["flips"] = [
            {"before": flip.before, "after": flip.after, **range_as_json(flip.range)}
            for flip in group.flips
        ]
    return entry


def _answers(answers: Answers) -> dict[str, Any]:
    counts = {outcome: count_as_json(count) for outcome, count in answers.surely.items()}
    return {**counts, "either": count_as_json(answers.either)}


def _best_rate(answers: Answers) -> dict[str, Any]:
    """Return the rate of the first answer of one side, for one row."""
    best, shown = next(iter(answers.ranges.items()))
    return {"outcome": best, "rate": _ends(shown.rate), "interval": _ends(shown.interval)}


def count_as_json(count: Count) -> Any:
    """Return a count, or the mark of a hidden one."""
    return HIDDEN if count is None else count


def range_as_json(shown: ShownRange) -> dict[str, Any]:
    """Return a range with its rate for one row. An end of a rate that is hidden is null."""
    return {
        "surely": count_as_json(shown.surely),
        "at_most": count_as_json(shown.at_most),
        "sharp": shown.is_sharp,
        "rate": _ends(shown.rate),
        "interval": _ends(shown.interval),
    }


def _difference(difference: Difference, by_several: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {"group": difference.group, "less": difference.less}
    if by_several:
        entry["by"] = difference.by
    if len(difference.answer) == 1:
        entry["answer"] = difference.answer[0]
    else:
        entry["before"], entry["after"] = difference.answer
    return entry | {"range": _ends(difference.range), "interval": _ends(difference.interval)}


def _ends(ends: Ends) -> list[float | None]:
    return [None if end is None else round(end, _DIGITS) for end in ends]
