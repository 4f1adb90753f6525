"""Checks and scenario runs as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from typing import TYPE_CHECKING, Any

from offramp.policy.failing_text import failing_together
from offramp.policy.given_paths import faults_as_given, place_as_given
from offramp.policy.law_age import pack_warnings, source_as_json
from offramp.policy.local_packs import local_lines, local_member
from offramp.policy.mutant_text import mutant_lines, mutants_as_json
from offramp.policy.pack_notes import pack_notes
from rules.decide.law_age import stale_sources
from rules.errors import Refusal
from rules.packs.finer import choices_without_words, words_without_rest

MOST_SHOWN = 20  # errors of one pack
_MOST_QUOTED = 3  # texts in one warning

if TYPE_CHECKING:
    from offramp.policy.operations import PackCheck, ScenarioRun
    from offramp.policy.second_engine import Comparison
    from rules.author.cases import CaseReport, WrongCase
    from rules.author.scenarios import Report, Untouched
    from rules.packs.pack import Pack


def check_as_json(name: str, check: PackCheck, today: date) -> dict[str, Any]:
    """Return a check as `offramp check --json` prints it. `today` is the day of the check."""
    return {
        "digest": check.digest,
        "rules": check.own_rules,
        "invariants": {
            name: "proved" if proved else "holds in every case tried"
            for name, proved in check.invariants.items()
        },
        "known": check.known,
        "warnings": [*_word_warnings(check.pack), *pack_notes(check.noted, today, name)],
        "stale_sources": [source_as_json(source) for source in stale_sources(check.pack, today)],
        **local_member(check.pack),
    }


def check_lines(name: str, check: PackCheck, today: date) -> Iterator[str]:
    """Return a check as one line, one more if it rests on local packs, and one for each warning."""
    proved = sum(check.invariants.values())
    how = "known from an earlier proof" if check.known else f"proved now, in {check.seconds:.1f} s"
    yield (
        f"{name}: sound, {check.own_rules} rules of its own; of {len(check.invariants)} invariants "
        f"{proved} are proved and {len(check.invariants) - proved} hold in every case tried "
        f"({how}); {check.digest}"
    )
    yield from (f"{name}: {line}" for line in local_lines([check.pack], label=""))
    warnings = (*_word_warnings(check.pack), *pack_notes(check.noted, today, name))
    for warning in (*warnings, *pack_warnings(check.pack, today)):
        yield f"{name}: warning: {warning}"


def _word_warnings(pack: Pack) -> list[str]:
    return [*words_without_rest(pack), *choices_without_words(pack), *_without_spanish(pack)]


def _without_spanish(pack: Pack) -> Iterator[str]:
    """Yield one warning that quotes the texts of a pack without Spanish."""
    from rules.author.translation import untranslated

    texts = untranslated(pack)
    if texts:
        quoted = ", ".join(f"“{text}”" for text in texts[:_MOST_QUOTED])
        more = f", and {len(texts) - _MOST_QUOTED} more" if len(texts) > _MOST_QUOTED else ""
        some, verb = ("1 text", "has") if len(texts) == 1 else (f"{len(texts)} texts", "have")
        yield (
            f"{some} {verb} no Spanish, so Spanish forms and letters show English: {quoted}{more}; "
            "add each to `spanish.csv`"
        )


def refusal_as_json(name: str, refusal: Refusal) -> dict[str, Any]:
    """Return a refused pack: the first `error`, and up to 20 `errors` of its stage.

    `more` counts the errors that are left out.
    """
    faults = faults_as_given(refusal, [name])
    value: dict[str, Any] = {
        "error": faults[0].as_json(),
        "errors": [fault.as_json() for fault in faults[:MOST_SHOWN]],
    }
    return value | ({"more": len(faults) - MOST_SHOWN} if len(faults) > MOST_SHOWN else {})


def refusal_lines(name: str, refusal: Refusal) -> Iterator[str]:
    """Return the errors of a refused pack, one line each and 20 at most."""
    faults = faults_as_given(refusal, [name])
    for fault in faults[:MOST_SHOWN]:
        # A file under the folder that was named has its path already.
        is_under = (fault.at.file or "").startswith(f"{name.rstrip('/')}/")
        yield str(fault) if is_under else f"{name}: {fault}"
    if len(faults) > MOST_SHOWN:
        yield f"{name}: {len(faults) - MOST_SHOWN} more"


def run_as_json(name: str, run: ScenarioRun) -> dict[str, Any]:
    """Return a scenario run as `offramp test --json` prints it."""
    report = run.report
    value: dict[str, Any] = {
        "passed": run.passed,
        "scenarios": report.scenarios,
        "generated": run.generated,
        "failures": {failure.scenario.id: list(failure.what) for failure in report.failures},
        "coverage": report.coverage,
        "days": _counted(report.days, [stretch.says for stretch in report.lacking_days]),
        "sides": _counted(report.sides, report.lacking_sides),
        "short_of": report.short_of,
        "untouched": [_untouched(name, untouched) for untouched in report.untouched],
    }
    if run.comparison:
        value["durable"] = {
            "alike": run.comparison.alike,
            "differ": run.comparison.differ,
            "beyond": run.comparison.beyond,
        }
    if run.cases:
        value["cases"] = {
            "cases": run.cases.cases,
            "wrong": {wrong.case.id: _wrong_as_json(wrong) for wrong in run.cases.wrong},
        }
    if run.mutants is not None:
        value["mutants"] = mutants_as_json(run.mutants)
    if run.not_tried is not None:
        value["not_tried"] = run.not_tried
    return value | local_member(report.pack)


def _counted(reached: tuple[int, int], lacking: Iterable[str]) -> dict[str, Any]:
    """Return how many of the days or sides scenarios reach, and a sentence for each other one."""
    return {"reached": reached[0], "of": reached[1], "lacking": list(lacking)}


def _wrong_as_json(wrong: WrongCase) -> dict[str, Any]:
    return {
        "answer": wrong.answer,
        "expected": list(wrong.case.expect),
        "source": wrong.case.source.as_json(),
        "needed": list(wrong.needed),
    }


def run_lines(name: str, run: ScenarioRun) -> Iterator[str]:
    """Return a run as lines: failures, missing coverage, the totals, and the cases apart."""
    yield from _report_lines(name, run.report, run.generated)
    if run.mutants is not None:
        yield from mutant_lines(name, run.mutants)
    if run.not_tried is not None:
        yield f"{name}: {run.not_tried}"
    if run.cases:
        yield from _case_lines(name, run.cases)
    if run.comparison:
        yield from _comparison_lines(name, run.comparison)
    yield from (f"{name}: {line}" for line in local_lines([run.report.pack], label=""))


def _report_lines(name: str, report: Report, generated: int) -> Iterator[str]:
    by_id = {failure.scenario.id: failure for failure in report.failures}
    groups = failing_together((key, "; ".join(item.what)) for key, item in by_id.items())
    for group in groups:
        first = by_id[group.ids[0]]
        place = place_as_given(first.scenario.place, [name])
        if len(group.ids) > 1:
            yield f"{place}: {group.named} fail for one cause"
            yield f"    {group.why}"
            continue
        yield f"{place}: `{first.scenario.id}`: {first.scenario.says}"
        yield from (f"    {sentence}" for sentence in first.what)
    if any(group.is_outside for group in groups):
        yield f"{name}: they reach no rule, so what is not covered is listed once they are moved"
    elif report.short_of or report.value_coverage < 100:
        yield from (_untouched(name, untouched) for untouched in report.untouched)
    yield from (f"{name}: {stretch.says}" for stretch in report.lacking_days)
    if report.value_coverage == 100 and not report.short_of:  # else they are above
        yield from (f"{name}: {sentence}" for sentence in report.lacking_sides)
    yield from (f"{name}: {shortfall}" for shortfall in report.short_of)
    passed = report.scenarios - len(report.failures)
    of_them = f" ({generated} of them generated)" if generated else ""
    yield (
        f"{name}: {passed} of {report.scenarios} scenarios hold{of_them}; "
        f"{report.rule_coverage} % of rules held once, "
        f"{report.condition_coverage} % of conditions seen both ways"
        f"{_on_values(report)}; {report.days[0]} of {report.days[1]} days, "
        f"{report.sides[0]} of {report.sides[1]} sides"
    )


def _case_lines(name: str, report: CaseReport) -> Iterator[str]:
    for wrong in report.wrong:
        case = wrong.case
        yield f"{place_as_given(case.place, [name])}: `{case.id}`: {case.why}"
        missing = f"; it asks for {', '.join(wrong.needed)}" if wrong.needed else ""
        right = " or ".join(case.expect)
        yield f"    the answer is {wrong.answer}, and by {case.source} it is {right}{missing}"
    right_cases = report.cases - len(report.wrong)
    yield f"{name}: cases: {right_cases} of {report.cases} as the sources say"


def _on_values(report: Report) -> str:
    """Return what is missing under the values in time, to end a sentence with."""
    if report.value_coverage == 100:
        return ""
    return f", {report.value_coverage} % under each value in time"


def _untouched(name: str, untouched: Untouched) -> str:
    place = place_as_given(untouched.place, [name])
    return f"{place}: `{untouched.rule}` of `{untouched.decision}`: {untouched.text}"


def _comparison_lines(name: str, comparison: Comparison) -> Iterator[str]:
    for sentence in (*comparison.differ.values(), *comparison.beyond.values()):
        yield f"    {sentence}"
    beyond = (
        f"; {len(comparison.beyond)} it can't express"
        if comparison.beyond
        else ", and there is none it can't express"
    )
    yield (
        f"{name}: durable_rules decides {comparison.alike} of {comparison.decided} scenarios "
        f"alike{beyond}"
    )
