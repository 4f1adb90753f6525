"""Make the memo of a rule change: what changes, for which cases, and what can never change.

The memo is plain JSON. Its digest, `memo`, covers everything in it but itself and the command, and
no time is in it. So the same change gives the same digest on every machine with the same engines,
wherever the packs are.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, TextIO

from offramp import __version__
from offramp.memo_file import digest_of
from offramp.policy.change_coverage import with_covered_sides
from offramp.policy.change_day_scenarios import day_scenarios, unsaid_days
from offramp.policy.change_days import NEW, OneSidedStretch, Stretch
from offramp.policy.change_effect import names_that_change
from offramp.policy.change_parts import PlainParts
from offramp.policy.change_promises import prove_promises
from offramp.policy.change_scenarios import AskedScenarios, ask_scenarios
from offramp.policy.change_sides import ChangeSide, both_sides
from offramp.policy.progress import waiting
from rules.author.redline import Redline
from rules.author.region_words import RegionWords
from rules.frozen import frozen
from rules.input.printing import plain
from rules.packs.resolve import Segment
from rules.prove.changed_answers import changed_answers
from rules.prove.changes import ChangedAnswers, Pair
from rules.prove.fresh_solver import fresh_solver
from rules.shelf import english

if TYPE_CHECKING:
    from offramp.policy.cohort.report import CohortReport, CohortRequest


@frozen
class Memo:
    """The memo as JSON, and what its words are made from. `answers` are those of every day."""

    value: Mapping[str, Any]
    sides: tuple[ChangeSide, ChangeSide]
    answers: tuple[ChangedAnswers, ...]
    cohort: CohortReport | None = None

    @property
    def exit_code(self) -> int:
        """1 if something contradicts a pack, 3 if something is left open, else 0."""
        if self.value["findings"]:
            return 1
        is_settled = all(map(_is_settled, self.answers))
        is_counted = self.cohort is None or not self.cohort.is_out_of_time
        return 0 if is_settled and is_counted else 3


def _is_settled(answer: ChangedAnswers) -> bool:
    return answer.is_same or answer.is_proved


def make_memo(
    old: str,
    new: str,
    *,
    today: date,
    decisions: Sequence[str] = (),
    seconds: float = 60.0,
    strict: bool = False,
    cohort: CohortRequest | None = None,
    scenarios: AskedScenarios | None = None,
    progress: TextIO | None = None,
) -> Memo:
    """Compare two packs, or one pack on two days.

    `decisions` are all that both sides have unless some are given. `seconds` limits the search of
    each. With `strict`, an edge without a scenario is a finding. The rows of a `cohort` are counted
    before and after, by one decision. `scenarios` replace those beside the packs. Raises
    `RequestError` and `PackError`, and `SolverError` if the solver and the rules disagree on a
    case. A `progress` that is a terminal shows what takes long.
    """
    with both_sides(old, new, today) as sides:
        return memo_of(sides, decisions, seconds, strict, cohort, scenarios, progress)


def memo_of(
    sides: tuple[ChangeSide, ChangeSide],
    decisions: Sequence[str] = (),
    seconds: float = 60.0,
    strict: bool = False,
    request: CohortRequest | None = None,
    listed: AskedScenarios | None = None,
    progress: TextIO | None = None,
) -> Memo:
    """Return the memo of two sides, as `make_memo` does of their names."""
    return _memo(PlainParts(sides, decisions), seconds, strict, request, listed, progress)


def _memo(
    parts: PlainParts,
    seconds: float,
    strict: bool,
    request: CohortRequest | None,
    listed: AskedScenarios | None,
    progress: TextIO | None,
) -> Memo:
    sides, names = parts.sides, parts.names
    with waiting(progress, "comparing the rules"):
        answers = [
            {name: changed_answers(*stretch.formal, name, seconds) for name in names}
            for stretch, _ in parts.parts_on_days
        ]
    own_answers, answers = answers[len(parts.stretches) :], answers[: len(parts.stretches)]
    on_days = [(stretch.formal, own) for stretch, own in zip(parts.stretches, answers, strict=True)]
    asked = listed or AskedScenarios.beside(sides)
    with waiting(progress, "asking the scenarios"):
        on_edges = day_scenarios(sides, parts.stretches, names, asked, seconds, parts.one_sided)
        scenarios = with_covered_sides(
            ask_scenarios(asked, sides, parts.formal, on_days, on_edges.edges),
            sides,
            parts.stretches,
            names,
        )
    with fresh_solver(), waiting(progress, "proving the invariants"):
        promises = prove_promises(
            _days_of_promises(parts), names, seconds, sides[1].broken
        ).as_json()
    findings = parts.findings(scenarios.failing, promises["broken"])
    if strict:
        findings += [*unsaid_days(asked, parts.days_taken_away), *map(_uncovered, scenarios.edges)]
        findings += [f"no scenario covers a side: {text}" for text in scenarios.uncovered]
    on_each = [
        _on_days(parts, stretch, lines, own)
        for (stretch, lines), own in zip(parts.parts_on_days, [*answers, *own_answers], strict=True)
    ]
    first, *later = on_each[: len(answers)]
    every_answer = [answer for own in (*answers, *own_answers) for answer in own.values()]
    one_sided = [
        {**stretch.as_json(), **own}
        for stretch, own in zip(parts.one_sided, on_each[len(answers) :], strict=True)
    ]
    value: dict[str, Any] = {
        **parts.head(),
        **first,
        "later": [
            {"covers": stretch.as_json(), **own}
            for stretch, own in zip(parts.stretches[1:], later, strict=True)
        ],
        **({"one_sided": one_sided} if one_sided else {}),
        "scenarios": {
            **scenarios.as_json(),
            **({"none_possible": list(on_edges.none_possible)} if on_edges.none_possible else {}),
        },
    }
    value |= {
        "open_cases": parts.open_cases(*names_that_change(value)),
        **parts.program(),
        "promises": promises,
        "findings": findings,
    }
    report = None
    if request is not None:
        from offramp.policy.change_cohort import count_cohort

        counted = count_cohort(request, parts.stretches, answers, parts.decisions, parts.one_sided)
        report, value["cohort"] = counted.report, counted.as_json()
    value["repeat"] = {
        "command": _command(sides, parts.decisions, request),
        "engines": _engines(),
    }
    return Memo({"memo": digest_of(value), **value}, sides, tuple(every_answer), report)


def _days_of_promises(parts: PlainParts) -> list[tuple[Segment, Segment]]:
    """Return both packs on each day for which the new side's promises are proved.

    On the days that only the new pack has, the old one is that of the compared day.
    """
    both = [stretch.segments for stretch in parts.stretches]
    new_only = [stretch.segments[1] for stretch in parts.one_sided if stretch.side == NEW]
    return [*both, *((both[0][0], segment) for segment in new_only)]


def _uncovered(edge: Mapping[str, Any]) -> str:
    """Return that no scenario is at an edge of the change, as a finding."""
    if "error" in edge["expect"]:
        return f"no scenario says that the new pack gives no answer: `{edge['id']}`"
    return f"no scenario covers `{edge['id']}`"


# Answers


def _on_days(
    parts: PlainParts,
    stretch: Stretch | OneSidedStretch,
    lines: Redline,
    answers: Mapping[str, ChangedAnswers],
) -> dict[str, Any]:
    """Return what changes on a stretch of days: the redline, and which answers."""
    words = RegionWords(*stretch.segments, english())
    unchanged = [name for name, answer in answers.items() if _cannot_change(answer)]
    return {
        **parts.changes(stretch, lines),
        "decisions": {
            name: _answers_as_json(answer, words)
            for name, answer in answers.items()
            if name not in unchanged
        },
        "unchanged": unchanged,
        "changed_only_through": parts.changed_only_through(stretch, unchanged),
    }


def _cannot_change(answer: ChangedAnswers) -> bool:
    return answer.is_same or (answer.is_proved and not answer.pairs)


def _answers_as_json(answer: ChangedAnswers, region_words: RegionWords) -> dict[str, Any]:
    value: dict[str, Any] = {
        "bound": {"complete": answer.bounds.is_complete, "lists": dict(answer.bounds.lengths)},
        "pairs": [_pair_as_json(pair, region_words) for pair in answer.pairs],
        # "Never" is a proof. Nothing else is listed under it.
        "never": [
            {"before": before, "after": after}
            for before, after in (answer.never if answer.is_proved else ())
        ],
        "with_unknowns": [list(pair) for pair in answer.with_unknowns],
        "with_unknowns_complete": answer.open_with_unknowns == (),
        "with_unknowns_open": (
            None
            if answer.open_with_unknowns is None
            else [list(pair) for pair in answer.open_with_unknowns]
        ),
    }
    return value if answer.why is None else {**value, "open": answer.why}


def _pair_as_json(pair: Pair, region_words: RegionWords) -> dict[str, Any]:
    outcome = {} if pair.outcome is None else {"outcome": pair.outcome}
    return {
        **outcome,
        "before": pair.before,
        "after": pair.after,
        "regions": [
            {**region_words.as_json(region), "reads": region_words.sentences(region)}
            for region in pair.regions
        ],
        "regions_left_out": pair.left_out,
        "complete": pair.is_complete,
        "example": {
            "facts": plain(pair.example.facts),
            "rules": {"before": list(pair.example.before), "after": list(pair.example.after)},
        },
    }


# How to repeat it


def _command(
    sides: tuple[ChangeSide, ChangeSide],
    decisions: Sequence[str],
    request: CohortRequest | None,
) -> str:
    """Return the command that makes this memo on any day."""
    options = ["offramp", "change", *map(_dated, sides)]
    for name in decisions:
        options += ["--decision", name]
    return shlex.join([*options, *(_cohort_words(request) if request is not None else ())])


def _cohort_words(request: CohortRequest) -> list[str]:
    """Return the options of the command that count the same rows."""
    from offramp.policy.cohort.report import CohortSource

    source = request.source
    options = ["--cohort", source.file, "--map", source.map]
    for name in source.by:
        options += ["--by", name]
    for text in source.where:
        options += ["--where", text]
    for report in request.beside:
        options += ["--beside", report.name]
    assume = request.assume if isinstance(request.assume, str) else request.assume_name
    options += ["--assume", assume] if assume is not None else []
    usual = CohortSource(source.file, source.map)
    options += ["--min-cell", str(source.least)] if source.least != usual.least else []
    options += (
        ["--allow-left-out", f"{source.allowed:g}"] if source.allowed != usual.allowed else []
    )
    return options


def _dated(side: ChangeSide) -> str:
    return f"{side.name}@{side.day}"


def _engines() -> dict[str, str]:
    import z3

    return {"offramp": __version__, "z3": z3.get_version_string()}
