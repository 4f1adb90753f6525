"""Commands of a policy author: pass the arguments to an operation and print its result."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import rules
from offramp.clock import day_of_asking
from offramp.output_file import check_output
from offramp.policy import operations
from offramp.policy.answer_json import answer_as_json
from offramp.policy.input_files import read_assumed, read_facts
from offramp.policy.local_packs import local_lines
from offramp.terminal import print_error, print_json, print_text
from rules.errors import Refusal, RequestError
from rules.input.printing import printable

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any

    from offramp.policy.case_input import CaseFile
    from offramp.policy.second_engine import SecondEngine


def check(options: argparse.Namespace) -> int:
    """Check each pack. Exit code 2 if one is refused."""
    from offramp.policy.check_text import (
        check_as_json,
        check_lines,
        refusal_as_json,
        refusal_lines,
    )

    results: dict[str, Any] = {}
    code = 0
    today = _today(options)
    for name in options.packs or operations.list_packs():
        try:
            result = operations.check_pack(name, again=options.again)
        except Refusal as refusal:
            code = 2
            results[name] = refusal_as_json(name, refusal)
            line = "\n".join(refusal_lines(name, refusal))
        else:
            results[name] = check_as_json(name, result, today)
            line = "\n".join(check_lines(name, result, today))
        if not options.json:
            print_text(line)
    if options.json:
        print_json(results, indent=2, ascii_only=True)
    return code


def test(options: argparse.Namespace) -> int:
    """Run each pack's scenarios.

    Exit code 1 if a scenario fails, coverage falls short, or the engines differ, and with
    `--strict` if a mistake goes unnoticed. 2 if a pack can't be read, 3 if a mistake is not
    settled.
    """
    from offramp.policy.check_text import (
        refusal_as_json,
        refusal_lines,
        run_as_json,
        run_lines,
    )
    from offramp.policy.mutant_text import added_lines
    from offramp.policy.progress import waiting

    if (options.write or options.strict) and not options.mutants:
        raise RequestError(
            "usage", "`--write` and `--strict` are about mistakes", fix="add `--mutants`"
        )
    results: dict[str, Any] = {}
    codes = {0}
    with _second_engine(options.engine) as second:
        for name in options.packs or operations.list_packs():
            try:
                if options.write:
                    operations.refuse_shipped(name)
                with waiting(sys.stderr, f"trying {name}"):
                    run = operations.run_scenarios(name, second=second, mutants=options.mutants)
                added = operations.add_missing_scenarios(name, run) if options.write else ()
            except Refusal as refusal:
                codes.add(2)
                results[name] = refusal_as_json(name, refusal)
                lines: Iterable[str] = refusal_lines(name, refusal)
            else:
                codes.add(_code_of(run, is_strict=options.strict and not added))
                added_ids = [scenario.id for scenario in added]
                results[name] = run_as_json(name, run) | (
                    {"added": added_ids} if options.write else {}
                )
                lines = run_lines(name, run)
                if options.write:
                    lines = (*lines, *added_lines(name, run.report.pack, added))
            if not options.json:
                print_text("\n".join(lines))
    if options.json:
        print_json(results, indent=2)
    return next(code for code in (2, 1, 3, 0) if code in codes)


def _code_of(run: operations.ScenarioRun, *, is_strict: bool) -> int:
    if not run.passed or (is_strict and run.mutants is not None and run.mutants.of("missed")):
        return 1
    return 3 if run.mutants is not None and run.mutants.of("open") else 0


@contextmanager
def _second_engine(engine: str) -> Iterator[SecondEngine | None]:
    if engine == "compiled":
        yield None
        return
    from offramp.policy.second_engine import second_engine

    with second_engine() as second:
        yield second


def decide(options: argparse.Namespace) -> int:
    """Decide one case, one case under several programs, or many cases."""
    packs = [name for name in options.packs.split(",") if name]
    if not packs:
        raise RequestError("usage", "no pack is named", fix="name one, such as `santa-fe`")
    if (options.exact or options.what_if) and (options.lines or options.map or len(packs) > 1):
        raise RequestError(
            "usage",
            "`--exact` and `--what-if` are about one case under one pack",
            fix="leave out `--lines`, `--map`, and the other packs",
        )
    if options.by:
        return _decide_cohort(packs, options)
    _refuse_without_by(options)
    with _second_engine(options.engine) as second:
        if options.lines or options.map is not None:
            return _decide_many(packs, options, second)
        if options.jobs is not None:
            raise RequestError(
                "usage",
                "`--jobs` is for many cases",
                fix="add `--lines`, or leave `--jobs` out",
            )
        _refuse_table(options.facts)
        if len(packs) > 1:
            return _decide_side_by_side(packs, options, second)
        return _decide_one(packs[0], options, second)


def _refuse_table(name: str) -> None:
    """Refuse a table in place of one case, whose text would be read as broken JSON."""
    if name.removesuffix(".gz").lower().endswith((".csv", ".tsv")):
        raise RequestError(
            "usage",
            f"`{printable(name)}` is a table, and one case is a JSON file",
            fix="add `--map MAP`, which states how its columns become facts",
        )


def _decide_one(pack: str, options: argparse.Namespace, second: SecondEngine | None) -> int:
    program = rules.load(pack, options.as_of)
    facts = read_facts(options.facts)
    decision = operations.decide_case(program, options.decision, facts, second=second)
    if options.exact or options.what_if:
        return _decide_further(decision, options)
    if options.json:
        print_json(_answer_as_json(decision, options), indent=2)
    else:
        from offramp.policy.decision_text import in_words

        print_text(in_words(decision, considered=options.considered, today=_today(options)))
        for line in local_lines([program.pack]):
            print_text(line)
    return 0 if decision.status == "decided" else 3


def _decide_further(decision: rules.Decision, options: argparse.Namespace) -> int:
    """Print a decision with its exact outcomes, or with what would change it."""
    from offramp.policy import what_else

    exact = what_else.exact_of(decision) if options.exact else None
    changes = what_else.what_if_of(decision) if options.what_if else None
    if options.json:
        value = _answer_as_json(decision, options)
        if exact is not None:
            value["exact"] = what_else.exact_as_json(exact)
        if changes is not None:
            value |= what_else.what_ifs_as_json(changes)
        print_json(value, indent=2)
    else:
        from offramp.policy.decision_text import in_words

        text = in_words(decision, considered=options.considered, today=_today(options))
        lines = [text, ""]
        lines += what_else.exact_lines(exact) if exact is not None else ()
        lines += what_else.what_if_lines(decision, changes) if changes is not None else ()
        lines += local_lines([decision.program.pack])
        print_text("\n".join(lines))
    is_settled = exact is not None and len(exact.possible) == 1 and exact.why is None
    return 0 if decision.status == "decided" or is_settled else 3


def _decide_side_by_side(
    packs: list[str], options: argparse.Namespace, second: SecondEngine | None
) -> int:
    facts = read_facts(options.facts)
    answers = operations.compare_programs(
        packs, options.decision, facts, as_of=options.as_of, second=second
    )
    if options.json:
        value = {name: _answer_as_json(answer, options) for name, answer in answers}
        print_json(value, indent=2)
    else:
        from offramp.policy.decision_text import side_by_side

        print_text(side_by_side(options.decision, facts, answers, _today(options)))
        decisions = [answer for _, answer in answers if isinstance(answer, rules.Decision)]
        for line in local_lines(answer.program.pack for answer in decisions):
            print_text(line)
    statuses = {
        "refused" if isinstance(answer, Refusal) else answer.status for _, answer in answers
    }
    return 2 if "refused" in statuses else 3 if "undetermined" in statuses else 0


def _answer_as_json(
    answer: rules.Decision | Refusal, options: argparse.Namespace
) -> dict[str, Any]:
    if isinstance(answer, Refusal):
        return {"error": answer.as_json()}
    return answer_as_json(answer, _today(options), considered=options.considered)


def _today(options: argparse.Namespace) -> date:
    """Return the day of asking, against which the age of the law is measured."""
    return day_of_asking(options.today)


def _decide_many(packs: list[str], options: argparse.Namespace, second: SecondEngine | None) -> int:
    """Print one JSON line for each case. Exit code 2 if a case is refused."""
    if len(packs) > 1:
        raise RequestError(
            "usage", "lines are decided by one pack at a time", fix="run it once a pack"
        )
    gc.enable()  # a case and its decisions refer to each other, and there may be many cases
    import signal  # one case needs none

    signal.signal(signal.SIGINT, _end_once)
    program = rules.load(packs[0], options.as_of)
    code = 0
    lines = operations.answer_file(
        program,
        options.decision,
        _cases(program, options),
        today=_today(options),
        considered=options.considered,
        second=second,
        jobs=options.jobs,
        progress=sys.stderr,
    )
    for line in lines:
        code = 2 if line.is_refused else code
        print_text(line.text)
    return code


def _decide_cohort(packs: list[str], options: argparse.Namespace) -> int:
    """Print how the rules of each pack treat the rows of a file, by group."""
    from offramp.policy.cohort.answers import Question, Side
    from offramp.policy.cohort.beside import count_beside
    from offramp.policy.cohort.engine_choice import ENGINES, choose_engine
    from offramp.policy.cohort.report import NOTHING, CohortSource
    from offramp.policy.cohort.report_json import report_as_json, tables_as_json
    from offramp.policy.cohort.report_text import left_out_ids, report_as_text
    from offramp.policy.earlier_reports import read_reports

    if not options.map:
        raise RequestError("usage", "`--by` counts the rows of a table", fix="add `--map MAP`")
    for name in ("lines", "jobs", "considered"):
        if getattr(options, name):
            raise RequestError(
                "usage", f"`--{name}` is for answers, and `--by` counts rows", fix="leave one out"
            )
    if options.engine == "durable":
        raise RequestError(
            "usage",
            "`--engine durable` decides single cases",
            fix="leave it out; `--by` takes `--engine duckdb` or `--engine spark`",
        )
    engine = choose_engine(options.engine if options.engine in ENGINES else None, options.master)
    gc.enable()  # a case and its decisions refer to each other, and there may be many cases
    assume = options.assume
    programs = [operations.load_named(name, options.as_of) for name in packs]
    report = count_beside(
        [Question((Side(program, options.decision),)) for program in programs],
        CohortSource(
            options.facts,
            options.map,
            tuple(dict.fromkeys(options.by)),
            tuple(options.where or ()),
            options.allow_left_out,
            options.strict,
            options.min_cell,
            engine=engine,
        ),
        read_reports(options.beside or (), packs),
        assume=assume if assume in (None, NOTHING) else read_assumed(assume),
        progress=sys.stderr,
    )
    for line in left_out_ids(report):
        print_error(line)
    if options.json:
        cohort = report_as_json(report) | {"programs": tables_as_json(report)}
        value = {"decision": options.decision, "packs": packs, "cohort": cohort}
        print_json(value, indent=2)
    else:
        print_text(report_as_text(report, packs))
        for line in local_lines(question.sides[0].program.pack for question in report.questions):
            print_text(line)
    return 0


def _refuse_without_by(options: argparse.Namespace) -> None:
    for name in ("where", "assume", "strict", "master", "beside"):
        if getattr(options, name):
            raise RequestError(
                "usage", f"`--{name}` is for counted rows", fix="add `--by COL`, or leave it out"
            )
    if options.engine not in ("compiled", "durable"):
        raise RequestError(
            "usage",
            f"`--engine {options.engine}` is for counted rows",
            fix="add `--by COL`, or leave it out",
        )


def _end_once(*_: object) -> None:
    """End the run. A second interrupt doesn't disturb its end."""
    import signal

    signal.signal(signal.SIGINT, lambda *_: None)
    raise KeyboardInterrupt


def _cases(program: rules.Program, options: argparse.Namespace) -> CaseFile:
    if options.map is not None:
        from offramp.policy.case_table import CaseTable
        from offramp.policy.table_map import read_map

        return CaseTable(read_map(options.map, program.pack), options.facts)
    from offramp.policy.case_input import CaseLines

    return CaseLines(options.facts)


def interview(options: argparse.Namespace) -> int:
    """Ask until the decision is decided. Exit code 130 if interrupted, 3 if undetermined."""
    from offramp.policy.interview_session import (
        JsonLinesDialog,
        TerminalDialog,
        ask_questions,
        save_facts,
    )

    program = rules.load(options.pack, options.as_of)
    if options.facts == "-":
        raise RequestError(
            "usage", "answers come on standard input, so the facts can't", fix="name a JSON file"
        )
    state = operations.start_interview(
        program,
        options.decision,
        read_facts(options.facts) if options.facts is not None else None,
        role=options.role,
    )
    if options.save is not None:
        check_output(options.save, force=options.force)
    today = _today(options)
    dialog = JsonLinesDialog(today) if options.json else TerminalDialog(state, today)
    state, interrupted = ask_questions(state, dialog)
    unsaved: Refusal | None = None
    if options.save is not None:
        try:
            save_facts(options.save, state, force=options.force)
        except Refusal as refusal:  # the answer is still printed
            unsaved = refusal
    if interrupted:
        dialog.stop()
    else:
        dialog.finish(state)
    if unsaved is not None:
        raise unsaved
    if interrupted:
        return 130
    return 0 if state.decision.status == "decided" else 3


def offenses(options: argparse.Namespace) -> int:
    """List each offense of a pack's table with the program's answers."""
    from offramp.policy.offense_text import offenses_as_json, offenses_as_text

    offense_list = operations.list_offenses(options.pack, options.as_of)
    if options.json:
        print_json(offenses_as_json(offense_list), indent=2)
    else:
        print_text(offenses_as_text(offense_list))
    return 0


def new(options: argparse.Namespace) -> int:
    """Create a city's folder and list its files."""
    from offramp.policy.new_city import city_as_json, city_as_text

    city = operations.create_city(
        options.name, options.parent, starts=options.starts or None, today=date.today()
    )
    if options.json:
        print_json(city_as_json(city), indent=2, ascii_only=True)
    else:
        print_text(city_as_text(city))
    return 0
