"""Make the memo of a rule change: what changes, for which cases, and what can never change.

The memo is plain JSON. Its digest, `memo`, covers everything else in it, and no time is in it. So
the same change gives the same digest on every machine with the same engines.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from offramp import __version__
from offramp.memo_file import digest_of
from offramp.policy.break_even import program_as_json
from offramp.policy.change_promises import Promises, prove_promises
from offramp.policy.change_scenarios import ScenarioFindings, ask_scenarios
from offramp.policy.change_sides import ChangeSide, both_sides
from offramp.policy.change_wording import redlined_sentences
from rules.author.difference import loosened
from rules.author.redline import Change, Redline, redline
from rules.author.region_words import RegionWords
from rules.decide.program import Program
from rules.decide.search_space import SearchSpace
from rules.errors import RequestError
from rules.frozen import frozen
from rules.input.printing import plain
from rules.language import tree
from rules.packs.resolve import Segment, resolve
from rules.prove.changed_answers import changed_answers
from rules.prove.changes import ChangedAnswers, Pair
from rules.prove.sides import Side
from rules.shelf import english

if TYPE_CHECKING:
    from offramp.policy.cohort.report import CohortReport, CohortRequest

_WHEN_IT_HAPPENS = "now"


@frozen
class Memo:
    """The memo as JSON, and what the words of it are made from."""

    value: Mapping[str, Any]
    sides: tuple[ChangeSide, ChangeSide]
    redline: Redline
    answers: Mapping[str, ChangedAnswers]
    words: RegionWords
    cohort: CohortReport | None = None

    @property
    def exit_code(self) -> int:
        """1 if something contradicts a pack, 3 if something is left open, else 0."""
        if self.value["findings"]:
            return 1
        is_settled = all(_is_settled(answer) for answer in self.answers.values())
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
) -> Memo:
    """Compare two packs, or one pack on two days.

    `decisions` are all that both sides have unless some are given. `seconds` limits the search of
    each. With `strict`, an edge without a scenario is a finding. The rows of a `cohort` are counted
    before and after, by one decision. Raises `RequestError` and `PackError`, and `SolverError` if
    the solver and the rules disagree on a case.
    """
    with both_sides(old, new, today) as sides:
        return _memo(sides, decisions, seconds, strict, cohort)


def _memo(
    sides: tuple[ChangeSide, ChangeSide],
    decisions: Sequence[str],
    seconds: float,
    strict: bool,
    request: CohortRequest | None,
) -> Memo:
    formal = (_formal(sides[0]), _formal(sides[1]))
    segments = (formal[0].space.segment, formal[1].space.segment)
    names = _names(formal, decisions)
    phrases = english()
    lines = redline(*segments, phrases, names if decisions else None)
    region_words = RegionWords(*segments, phrases)
    answers = {name: changed_answers(*formal, name, seconds) for name in names}
    scenarios = ask_scenarios(sides, formal, answers)
    value: dict[str, Any] = {
        "old": _side_as_json(sides[0], formal[0]),
        "new": _side_as_json(sides[1], formal[1]),
        "of_decisions": list(decisions),
        "redline": [_change_as_json(change, segments) for change in lines.changes],
        "sentences": redlined_sentences(*segments, names),
        "redline_other_days": [difference.as_json() for difference in lines.other_days],
        "decisions": {
            name: _answers_as_json(answer, region_words)
            for name, answer in answers.items()
            if not _cannot_change(answer)
        },
        "unchanged": [name for name, answer in answers.items() if _cannot_change(answer)],
        "changed_only_through": _through(segments[1], answers),
        "scenarios": {
            "asked": scenarios.asked,
            "flips": [flip.as_json() for flip in scenarios.flips],
            "edges": list(scenarios.edges),
        },
        "open_cases": _open_cases(sides, segments, answers),
    }
    program = program_as_json(sides[1].pack.program, segments[1].day)
    if program:
        value["program"] = program
    promises = prove_promises(*segments, names, seconds)
    value["promises"] = promises.as_json()
    value["findings"] = _findings(sides, segments, scenarios, promises, strict)
    value["sources"] = _sources(segments, value)
    report = None
    if request is not None:
        from offramp.policy.change_cohort import cohort_as_json, count_cohort

        report = count_cohort(request, formal, answers, decisions)
        value["cohort"] = cohort_as_json(report)
    value["repeat"] = {"command": _command(sides, decisions, request), "engines": _engines()}
    return Memo({"memo": digest_of(value), **value}, sides, lines, answers, region_words, report)


def _formal(side: ChangeSide) -> Side:
    return Side(Program(side.pack, side.day), SearchSpace(resolve(side.pack, side.day)))


def _names(formal: tuple[Side, Side], wanted: Sequence[str]) -> list[str]:
    """Return the decisions to compare. Raises `RequestError` for one that neither side has."""
    packs = [side.program.pack for side in formal]
    for name in wanted:
        if not any(name in pack.decisions for pack in packs):
            formal[1].program.outcomes(name)
            raise RequestError(
                "unknown-decision",
                f"neither side has the decision `{name}`",
                fix="leave it out",
            )
    both = [name for name in packs[1].decisions if name in packs[0].decisions]
    return [name for name in both if not wanted or name in wanted]


def _side_as_json(side: ChangeSide, formal: Side) -> dict[str, Any]:
    return {
        "pack": side.pack.id,
        "title": side.pack.title,
        "day": side.day.isoformat(),
        "digest": formal.program.digest,
    }


def _change_as_json(change: Change, segments: tuple[Segment, Segment]) -> dict[str, Any]:
    """Return a change as the memo has it, a value with its name in words."""
    value = change.as_json()
    kind, _, name = change.what.partition(" ")
    packs = [segment.pack for segment in segments]
    labels = [pack.parameters[name].label for pack in packs if name in pack.parameters]
    return {**value, "label": labels[-1]} if kind == "parameter" and labels else value


def _sources(segments: tuple[Segment, Segment], value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the title and the address of each source that the changes cite."""
    cited = {
        change[name]
        for change in value["redline"]
        for name in ("source", "source_before")
        if name in change
    }
    sources = {**segments[0].pack.sources, **segments[1].pack.sources}
    return {
        name: {"title": sources[name].title, "address": sources[name].address}
        for name in sorted(cited)
    }


# Answers


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


def _through(segment: Segment, answers: Mapping[str, ChangedAnswers]) -> dict[str, list[str]]:
    """Return the decisions that can change only through the answers that they read."""
    changed = {name for name, answer in answers.items() if not _cannot_change(answer)}
    reads = {name: _decisions_read(segment, name) for name in answers}
    through: dict[str, list[str]] = {}
    for name in answers:
        seen: set[str] = set()
        still = [name] if name not in changed else []
        while still:
            for inner in reads.get(still.pop(), ()):
                if inner not in seen:
                    seen.add(inner)
                    still.append(inner)
        if seen & changed:
            through[name] = sorted(seen & changed)
    return through


def _decisions_read(segment: Segment, name: str) -> list[str]:
    return sorted(
        {
            part.decision
            for rule in segment.decisions[name].rules
            for part in tree.nodes(rule.condition)
            if isinstance(part, tree.OutcomeOf)
        }
    )


# Open cases


def _open_cases(
    sides: tuple[ChangeSide, ChangeSide],
    segments: tuple[Segment, Segment],
    answers: Mapping[str, ChangedAnswers],
) -> dict[str, Any]:
    """Return what happens to cases that are open on the day of the change."""
    stated = sides[1].pack.program.open_cases
    governed = [
        name
        for name, answer in answers.items()
        if sides[1].pack.decisions[name].governed_by == _WHEN_IT_HAPPENS
        and not _cannot_change(answer)
    ]
    return {
        "says": None if stated is None else stated.says,
        "decided_at_the_time": governed,
        "clocks": _clocks(segments),
    }


def _clocks(segments: tuple[Segment, Segment]) -> list[dict[str, Any]]:
    """Return the clocks whose length differs."""
    from rules.author.phrases import format_amount

    changed = []
    for name in dict.fromkeys((*segments[0].clocks, *segments[1].clocks)):
        lengths = []
        for segment in segments:
            clock = segment.clocks.get(name)
            lengths.append(
                None
                if clock is None
                else format_amount(
                    segment.parameters[clock.length], segment.pack.parameters[clock.length].unit
                )
            )
        if lengths[0] != lengths[1]:
            changed.append({"clock": name, "before": lengths[0], "after": lengths[1]})
    return changed


# Findings, and how to repeat


def _findings(
    sides: tuple[ChangeSide, ChangeSide],
    segments: tuple[Segment, Segment],
    scenarios: ScenarioFindings,
    promises: Promises,
    strict: bool,
) -> list[str]:
    """Return what contradicts a pack, a sentence each."""
    findings = [
        f"the promise `{promise['promise']}` is broken"
        for promise in promises.broken
        if not promise["lifted"]
    ]
    findings += [f"the scenario `{name}` of the new pack fails" for name in scenarios.failing]
    old, new = (segment.pack for segment in segments)
    if old is not new:
        lifted = [name for name in old.invariants if name not in new.invariants]
        findings += [f"the guarantee `{name}` is lifted" for name in lifted]
        findings += loosened(old, new, invariants=False)
    if strict:
        findings += [f"no scenario covers `{edge['id']}`" for edge in scenarios.edges]
    return findings


def _command(
    sides: tuple[ChangeSide, ChangeSide],
    decisions: Sequence[str],
    request: CohortRequest | None,
) -> str:
    """Return the command that makes this memo on any day."""
    words = ["offramp", "change", *map(_dated, sides)]
    for name in decisions:
        words += ["--decision", name]
    return shlex.join([*words, *(_cohort_words(request) if request is not None else ())])


def _cohort_words(request: CohortRequest) -> list[str]:
    """Return the words of the command that count the same rows."""
    from offramp.policy.cohort.report import CohortSource

    source = request.source
    words = ["--cohort", source.file, "--map", source.map]
    for name in source.by:
        words += ["--by", name]
    for text in source.where:
        words += ["--where", text]
    assume = request.assume if isinstance(request.assume, str) else request.assume_name
    words += ["--assume", assume] if assume is not None else []
    usual = CohortSource(source.file, source.map)
    words += ["--min-cell", str(source.least)] if source.least != usual.least else []
    words += ["--allow-left-out", f"{source.allowed:g}"] if source.allowed != usual.allowed else []
    return words


def _dated(side: ChangeSide) -> str:
    return f"{side.name}@{side.day}"


def _engines() -> dict[str, str]:
    import z3

    return {"offramp": __version__, "z3": z3.get_version_string()}
