"""Operations of a policy author: check a pack, run its scenarios, decide, and start a new city.

Each operation is a typed function of one task. It takes values, returns values, and prints nothing.
A pack is named by a shipped id or by its folder. Every operation raises a `Refusal` (`PackError`,
`FactsError`, or `RequestError`) for input that it can't accept.

Heavy modules are imported by the operation that needs them, so that a decision from a cold shell
loads only the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

import rules
from offramp.policy.case_input import AnswerLine, CaseFile, CaseInput
from rules.errors import PackError, Refusal, RequestError, nearest
from rules.frozen import frozen
from rules.input.facts import Facts
from rules.input.printing import printable
from rules.shelf import day_of, find, read_pack, shipped

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

    from offramp.policy.change import Memo
    from offramp.policy.cohort.report import CohortRequest
    from offramp.policy.new_city import CityFolder
    from offramp.policy.offense_list import OffenseAnswer
    from offramp.policy.second_engine import Comparison, SecondEngine
    from rules.author.cases import CaseReport
    from rules.author.kept_sources import KeptSource, LargeStep
    from rules.author.mutants import MutantScore
    from rules.author.scenarios import Report, Scenario
    from rules.decide.interview import Interview
    from rules.packs.pack import Pack
    from rules.packs.written_days import WrittenDay
    from rules.prove.by_solver import Claim

__all__ = [
    "AnswerLine",
    "CaseFile",
    "CaseInput",
    "CaseResult",
    "NotedPack",
    "OffenseList",
    "PackCheck",
    "PackProof",
    "ProgramStatus",
    "ScenarioRun",
    "add_missing_scenarios",
    "answer_file",
    "answer_of_base",
    "change_memo",
    "check_pack",
    "compare_programs",
    "create_city",
    "decide_case",
    "decide_cases",
    "list_offenses",
    "list_packs",
    "list_programs",
    "load_named",
    "no_solver",
    "note_doubts",
    "prove_pack",
    "refuse_shipped",
    "run_scenarios",
    "start_interview",
]


def list_packs() -> tuple[str, ...]:
    """Return the ids of the shipped packs, in order."""
    return shipped()


# Check a pack


@frozen
class NotedPack:
    """What may be a slip in a pack. `days` are all that its file has.

    `kept_sources` are its numbers that differ from an earlier one of the same source, and
    `large_steps` those that are many times an earlier one, or a small part of it.
    """

    pack: Pack
    days: tuple[WrittenDay, ...]
    kept_sources: tuple[KeptSource, ...]
    large_steps: tuple[LargeStep, ...]


@frozen
class PackCheck:
    """A pack that passed every check.

    `own_rules` counts the rules that the pack itself declares. `invariants` maps each id to True if
    it is proved, and to False if it holds in every case tried. `known` is True if an earlier run
    proved the pack. `seconds` is the time that the proof took. `noted` has what a reader should be
    asked about.
    """

    pack: Pack
    digest: str
    own_rules: int
    invariants: Mapping[str, bool]
    known: bool
    seconds: float
    noted: NotedPack


def check_pack(pack: str | Path, *, again: bool = False) -> PackCheck:
    """Read a pack and its scenarios, and prove its invariants.

    With `again`, prove what an earlier run proved. Raises `PackError` with all faults of a stage:
    first those of the files of the pack, scenarios, and cases, then those of the pack as a whole.
    """
    from time import monotonic

    from rules.author.cases import FILE, read_cases, refuse_bad_case
    from rules.author.retention_cover import refuse_unkept
    from rules.author.scenarios import read_generated, read_scenarios, refuse_bad_facts
    from rules.packs.faults import Faults
    from rules.prove.proof_cache import prove

    folder = find(str(pack))
    faults = Faults()
    with faults.collect():
        checked = read_pack(pack, whole=False)
    scenarios = []
    if (folder / "scenarios.yaml").exists():
        with faults.collect():
            scenarios = read_scenarios(folder)
    with faults.collect():
        scenarios = [*scenarios, *read_generated(folder, scenarios)]
    cases = []
    if (folder / FILE).exists():
        with faults.collect():
            cases = read_cases(folder)
    faults.raise_all()
    program = rules.Program(checked)
    refuse_unkept(checked, faults)
    for scenario in scenarios:
        with faults.collect():
            refuse_bad_facts(program, scenario)
    for case in cases:
        with faults.collect():
            refuse_bad_case(program, case)
    faults.raise_all()
    start = monotonic()
    proof = prove(checked, again=again)
    seconds = monotonic() - start
    own_rules = sum(
        rule.declared_in == checked.id
        for decision in checked.decisions.values()
        for rule in decision.rules.values()
    )
    invariants = {name: name in proof.proved for name in sorted(checked.invariants)}
    return PackCheck(
        checked,
        program.digest,
        own_rules,
        invariants,
        proof.known,
        seconds,
        note_doubts(checked, folder),
    )


def note_doubts(pack: Pack, folder: Path) -> NotedPack:
    """Return the days and the numbers of a pack in a folder that a reader should be asked about."""
    from rules.author.kept_sources import kept_in, large_steps_in
    from rules.packs.written_days import days_in

    parent = _parent_of(pack, folder)
    return NotedPack(pack, days_in(folder), kept_in(pack, parent), large_steps_in(pack, parent))


# Prove a pack


@frozen
class PackProof:
    """What the solver found of a pack's invariants, and of claims that were read with it.

    `stricter` are laws on disclosure that no pack has to keep. They say what consent opens.
    `in_file` are the ids of the claims that were read from a file of their own.
    """

    pack: Pack
    claims: tuple[Claim, ...]
    stricter: tuple[Claim, ...] = ()
    in_file: tuple[str, ...] = ()


def prove_pack(
    pack: str | Path, *, claims: str | Path | None = None, seconds: float = 60.0
) -> PackProof:
    """Prove each invariant of a pack on each stretch of days, with the solver.

    `claims` is a file with more invariants. `seconds` limits each proof. Raises `RequestError` if
    the solver isn't installed, and `PackError` for a pack or claims that can't be read.
    """
    try:
        from rules.prove.by_solver import prove_pack as prove
        from rules.prove.by_solver import what_consent_opens
    except ImportError:
        raise no_solver() from None
    from rules.author.claims import read_claims

    read = read_claims(Path(claims)) if claims is not None else None
    checked = read_pack(pack, whole=False, claims=read)
    stricter = tuple(what_consent_opens(checked, seconds))
    in_file = tuple(entry.value["id"].value for entry in read.value) if read is not None else ()
    return PackProof(checked, tuple(prove(checked, seconds)), stricter, in_file)


def no_solver() -> RequestError:
    """Return the refusal of what needs the solver where it isn't installed."""
    return RequestError(
        "no-solver",
        "the solver that proves isn't installed",
        fix="in Offramp's checkout: pip install -c constraints.txt '.[prove]'",
    )


def answer_of_base(pack: str | Path, proof: PackProof, claim: Claim) -> str | list[str] | None:
    """Return what the pack that this one extends answers to a case that refutes a claim.

    None if there is no such pack, or if it doesn't decide this.
    """
    if proof.pack.extends is None or claim.facts is None:
        return None
    folder = find(proof.pack.extends, beside=find(str(pack)).resolve().parent)
    base = rules.Program(read_pack(folder, whole=False), claim.day)
    if claim.decision not in base.pack.decisions:
        return None
    try:
        return base.decide(claim.decision, claim.facts).outcome
    except Refusal:  # the facts are the pack's own, or the base ran on other days
        return None


# Test a change


def change_memo(
    old: str,
    new: str,
    *,
    today: date | str,
    decisions: tuple[str, ...] = (),
    seconds: float = 60.0,
    strict: bool = False,
    cohort: CohortRequest | None = None,
    again: Mapping[str, Any] | None = None,
    progress: TextIO | None = None,
) -> Memo:
    """Compare two packs, or one pack on two days, and return the memo of the change.

    `old` and `new` are shipped ids, folders, files of adopted packs, `PACK@DATE`, or `REV:FOLDER`.
    With `again`, a memo, its scenarios are asked in place of those beside the packs. `seconds`
    limits the search of each decision. With `strict`, an edge of the change that no scenario
    covers is a finding. Raises `RequestError` if the solver isn't installed or a side can't be
    found, and `PackError` for a pack that fails its check. A `progress` that is a terminal shows
    what takes long.
    """
    try:
        from offramp.policy.change import make_memo
        from offramp.policy.change_scenarios import AskedScenarios
    except ImportError:
        raise no_solver() from None
    day = today if isinstance(today, date) else day_of(today)
    return make_memo(
        old,
        new,
        today=day,
        decisions=decisions,
        seconds=seconds,
        strict=strict,
        cohort=cohort,
        progress=progress,
        scenarios=None if again is None else AskedScenarios.from_json(again["scenarios"]["list"]),
    )


# Run a pack's scenarios and cases


@frozen
class ScenarioRun:
    """The result of a pack's scenarios and cases.

    `generated` counts the scenarios of `scenarios.auto.yaml` among them. `mutants` is present if
    mistakes were tried, which needs scenarios that all hold. `not_tried` says why none was, where
    they were asked for. `comparison` is present if a second
    engine decided the scenarios too, `cases` if the pack has any.
    """

    report: Report
    comparison: Comparison | None = None
    cases: CaseReport | None = None
    generated: int = 0
    mutants: MutantScore | None = None
    not_tried: str | None = None

    @property
    def passed(self) -> bool:
        """True if all scenarios and cases passed, coverage suffices, and the engines agree."""
        return (
            self.report.passed
            and not (self.comparison and self.comparison.differ)
            and not (self.cases and self.cases.wrong)
        )


def run_scenarios(
    pack: str | Path, *, second: SecondEngine | None = None, mutants: bool = False
) -> ScenarioRun:
    """Decide each of a pack's scenarios and cases, and compare the result with what it expects.

    With `mutants`, small mistakes are made in the pack, and each is noticed by a scenario or not.
    """
    from rules.author.cases import FILE, read_cases, run_cases
    from rules.author.scenarios import read_generated, read_scenarios, run

    program = rules.Program(read_pack(pack))
    folder = find(str(pack))
    written = read_scenarios(folder)
    scenarios = [*written, *read_generated(folder, written)]
    report = run(program, scenarios)
    comparison = second.compare(program, scenarios) if second is not None else None
    cases = run_cases(program, read_cases(folder)) if (folder / FILE).exists() else None
    score, not_tried = None, None
    if mutants and report.failures:
        failed = len(report.failures)
        some = "a scenario fails" if failed == 1 else f"{failed} scenarios fail"
        not_tried = f"no mistake was tried, since {some}"
    elif mutants:
        from rules.author.mutants import try_mistakes

        parent = _parent_of(program.pack, folder)
        score = try_mistakes(program, parent, scenarios)
    generated = len(scenarios) - len(written)
    return ScenarioRun(report, comparison, cases, generated, score, not_tried)


def _parent_of(pack: Pack, folder: Path) -> Pack | None:
    """Return the pack that one in a folder extends."""
    from rules.shelf import Neighbors

    if pack.extends is None:
        return None
    return read_pack(Neighbors(folder.resolve().parent).pack(pack.extends), whole=False)


def refuse_shipped(pack: str | Path) -> None:
    """Refuse to add scenarios to a shipped pack. Raises `RequestError`."""
    from offramp.policy import scenario_files

    scenario_files.refuse_shipped(str(pack))


def add_missing_scenarios(pack: str | Path, run: ScenarioRun) -> tuple[Scenario, ...]:
    """Add the scenarios that a run found missing to `scenarios.auto.yaml`, and return them.

    Those that notice a mistake come first. Then each day of change gets a scenario on the sides
    that still have none. Nothing is added while a scenario fails. Raises `RequestError` for a
    shipped pack, and for a file that can't be written.
    """
    from offramp.policy.scenario_files import add_generated
    from rules.author.missing_days import missing_days
    from rules.author.scenarios import read_generated, read_scenarios
    from rules.author.scenarios import run as run_all

    refuse_shipped(pack)
    if run.report.failures or run.mutants is None:
        return ()
    program, folder = rules.Program(run.report.pack), find(str(pack))
    written = read_scenarios(folder)
    scenarios = [*written, *read_generated(folder, written), *run.mutants.missing]
    lacking = run_all(program, scenarios).lacking_days
    added = (*run.mutants.missing, *missing_days(program, scenarios, lacking))
    add_generated(str(pack), added)
    return added


# Decide


def decide_case(
    program: rules.Program,
    decision: str,
    facts: Mapping[str, Any] | Facts,
    *,
    second: SecondEngine | None = None,
) -> rules.Decision:
    """Decide one question on the facts of one case. `rules.load` makes a program of a pack.

    With `second`, raises `EngineError` if the second engine reaches other outcomes.
    """
    answer = program.decide(decision, facts)
    if second is not None:
        second.confirm(answer)
    return answer


def load_named(name: str, as_of: date | str | None) -> rules.Program:
    """Read one of several packs. A fault names the file of this one. Raises as `rules.load`."""
    try:
        return rules.load(name, as_of)
    except Refusal as refusal:
        from offramp.policy.given_paths import place_of_side  # only a fault needs it

        for fault in refusal.all() if isinstance(refusal, PackError) else (refusal,):
            fault.at = place_of_side(fault.at, name)
        raise


def compare_programs(
    packs: Iterable[str],
    decision: str,
    facts: Mapping[str, Any],
    *,
    as_of: date | str | None = None,
    second: SecondEngine | None = None,
) -> list[tuple[str, rules.Decision | Refusal]]:
    """Decide one case under several programs.

    Returns each pack's name with its decision, or with the refusal where it gives none.
    """
    answers: list[tuple[str, rules.Decision | Refusal]] = []
    for pack in packs:
        try:
            program = load_named(pack, as_of)
            answers.append((pack, decide_case(program, decision, facts, second=second)))
        except Refusal as refusal:
            answers.append((pack, refusal))
    return answers


@frozen
class CaseResult:
    """The result of one case of many: a decision, or the refusal of its facts."""

    id: Any
    answer: rules.Decision | Refusal


def decide_cases(
    program: rules.Program,
    decision: str,
    cases: Iterable[CaseInput],
    *,
    second: SecondEngine | None = None,
) -> Iterator[CaseResult]:
    """Decide many cases, one after the other. A bad case does not stop the others.

    Raises `RequestError` at once for a decision that no program knows.
    """
    program.outcomes(decision)
    return (_result(program, decision, case, second) for case in cases)


def _result(
    program: rules.Program, decision: str, case: CaseInput, second: SecondEngine | None
) -> CaseResult:
    try:
        answer = decide_case(program, decision, case.read_facts(), second=second)
        return CaseResult(case.id, answer)
    except Refusal as refusal:
        return CaseResult(case.id, refusal)


def answer_file(
    program: rules.Program,
    decision: str,
    file: CaseFile,
    *,
    today: date,
    considered: bool = False,
    second: SecondEngine | None = None,
    jobs: int | None = None,
    progress: TextIO | None = None,
) -> Iterator[AnswerLine]:
    """Answer the cases of a file in JSON, each in one line, in the order of the file.

    A bad case does not stop the others. Equal rows of a table are decided once. `today` is the day
    against which the age of the law is measured. With `considered`, each answer has every rule with
    its value. `jobs` is the number of processes that decide, this one alone by default. A
    `progress` that is a terminal shows how far the file is read. Raises `RequestError` for a
    decision that no program knows.
    """
    from offramp.policy.answer_lines import LineWriter
    from offramp.policy.progress import shown

    program.outcomes(decision)
    writer = LineWriter(program, decision, today=today, considered=considered, second=second)
    lines: Iterator[AnswerLine]
    if jobs is None:
        lines = (writer.answer(file.case(row)) for row in file.rows())
    elif second is not None:
        raise RequestError(
            "usage", "a second engine decides one case at a time", fix="leave out `--jobs`"
        )
    else:
        from offramp.policy.answer_jobs import answer_in_jobs

        lines = answer_in_jobs(writer, file, jobs)
    return shown(lines, file, progress)


def start_interview(
    program: rules.Program,
    decision: str,
    facts: Mapping[str, Any] | None = None,
    *,
    role: str | None = None,
) -> Interview:
    """Start an interview about a decision, from the facts known already.

    With `role`, only the questions that this role can answer are asked.
    """
    from rules.decide.interview import Interview

    roles = tuple(program.pack.vocabulary.roles)
    if role is not None and role not in roles:
        quoted = printable(role)
        raise RequestError(
            "usage", f"there is no role `{quoted}` to ask as", fix=nearest(quoted, roles)
        )
    interview = Interview(
        program, decision, program.read({} if facts is None else facts), role=role
    )
    interview.decision.status  # noqa: B018  # refuse an unknown decision before any question
    return interview


# Start a new city


def create_city(
    folder: str, parent: str, *, today: date, starts: date | str | None = None
) -> CityFolder:
    """Write the folder of a new city's draft, which passes check and test, or write nothing.

    The pack's id is the folder's last part. `starts` is the program's first day. Without it, that
    is `today`, or the parent's first day if later.
    """
    from offramp.policy.new_city import write_city

    return write_city(folder, parent, starts=_day(starts), today=today)


# List what programs take, and when they ran


@frozen
class OffenseList:
    """Each offense of a program's table in force on a day, with the program's answers."""

    program: rules.Program
    as_of: str
    answers: tuple[OffenseAnswer, ...]


def list_offenses(pack: str | Path, as_of: str) -> OffenseList:
    """Put each offense of the pack's table through the program's offer and eligibility."""
    from offramp.policy.offense_list import answer_offenses

    program = rules.load(pack)
    return OffenseList(program, as_of, tuple(answer_offenses(program, as_of)))


@frozen
class ProgramStatus:
    """A pack, and whether its program was `not_yet`, `in_force`, or `over` on a day."""

    pack: Pack
    status: str


def list_programs(on: date | str, packs: Iterable[str] = ()) -> tuple[ProgramStatus, ...]:
    """Return the status of each program on a day, ordered by the program's first day.

    Without `packs`, all shipped packs are listed.
    """
    from offramp.policy.program_status import status_on

    day = on if isinstance(on, date) else day_of(on)
    read = [read_pack(name) for name in tuple(packs) or shipped()]
    read.sort(key=lambda pack: (pack.program.since or date.min, pack.id))
    return tuple(ProgramStatus(pack, status_on(pack.program, day)) for pack in read)


def _day(day: date | str | None) -> date | None:
    return day_of(day) if isinstance(day, str) else day
