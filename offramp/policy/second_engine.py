"""Check each decision with a second engine, `durable_rules`, in a process of its own.

The second engine is older, unmaintained C that can crash, hang, or run out of memory, so it never
runs in this process. Its result is never the answer. The answer is the compiled engine's, and it is
returned only if both engines reach the same outcome and the same possible outcomes.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Timer
from typing import Any, NoReturn

from rules.author.scenarios import Scenario
from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.decide.ruling import Ruling
from rules.errors import Place, Refusal
from rules.second_engine import JOINS, Projection, project
from rules.shelf import day_of

PROCESS = Path(__file__).with_name("second_engine_process.py")
SECONDS = 10.0  # for one decision, which takes three milliseconds
MEGABYTES = 2_000
# Python 3.13 has no `PyEval_CallObject`, which the engine's C calls.
_CC = "`CC='gcc -DPyEval_CallObject=PyObject_CallObject -Wno-error=implicit-function-declaration'`"


class EngineError(Refusal):
    """The second engine is missing, failed, or reached another answer.

    Nothing is wrong with the pack or the facts.
    """


@contextmanager
def second_engine(seconds: float = SECONDS, megabytes: int | None = None) -> Iterator[SecondEngine]:
    """Run the engine in its own process, which ends with the block.

    `seconds` is the longest that one decision may take.
    """
    megabytes = MEGABYTES if megabytes is None else megabytes
    process = subprocess.Popen(
        # -P keeps the file's folder off the path, so that nothing there is imported by accident.
        [sys.executable, "-P", str(PROCESS), str(megabytes if sys.platform != "win32" else 0)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield SecondEngine(process, seconds)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):  # input that the process did not read
                assert stream is not None
                stream.close()


@dataclass
class Comparison:
    """Scenarios decided by both engines.

    `differ` and `beyond` map scenario ids to sentences: results that differ, and scenarios that the
    second engine can't express.
    """

    decided: int = 0
    alike: int = 0
    differ: dict[str, str] = field(default_factory=dict)
    beyond: dict[str, str] = field(default_factory=dict)


@dataclass
class SecondEngine:
    """The engine's process, and the projections made for it.

    INVARIANT: `projections` is keyed by the id of a decision in force, which the projection keeps
    alive.
    """

    process: subprocess.Popen[str]
    seconds: float = SECONDS
    projections: dict[int, Projection] = field(default_factory=dict)

    def confirm(self, decision: Decision) -> None:
        """Raise `EngineError` unless the engine reaches the decision's outcomes too."""
        possible, outcome = self.answer(decision)
        if (possible, outcome) != (decision.possible, decision.outcome):
            raise EngineError(
                "engines-differ",
                f"`{decision.decision}` is one of {_listed(decision.possible)}, and the second "
                f"engine says {_listed(possible)}",
                fix="don't act on either; send us the pack and the facts",
            )

    def compare(self, program: Program, scenarios: Iterable[Scenario]) -> Comparison:
        """Decide every scenario with both engines.

        Scenarios whose facts or day are refused are left out. Raises `EngineError` if the engine
        crashes.
        """
        comparison = Comparison()
        for scenario in scenarios:
            dated = program.on(day_of(scenario.as_of)) if scenario.as_of is not None else program
            try:
                decision = dated.decide(scenario.decision, scenario.facts)
            except Refusal:
                continue
            comparison.decided += 1
            try:
                self.confirm(decision)
                comparison.alike += 1
            except EngineError as error:
                if error.code not in ("too-many-joins", "engines-differ"):
                    raise
                group = comparison.beyond if error.code == "too-many-joins" else comparison.differ
                group[scenario.id] = f"`{scenario.id}`: {error.message}"
        return comparison

    def answer(self, ruling: Ruling) -> tuple[list[str], str | list[str] | None]:
        """Return the possible outcomes and the outcome.

        Where no rule was applied (attested, or no day yet) these are the ruling's own.
        """
        if ruling.attested or ruling.segment is None:
            return ruling.possible, ruling.outcome
        in_force = ruling.rules_in_force
        projection = self.projections.get(id(in_force))
        if projection is None:
            projection = self.projections[id(in_force)] = project(in_force)
        for beyond in projection.beyond:
            raise EngineError(
                "too-many-joins",
                f"`{beyond.rule}` joins {beyond.joins} conditions, and the second engine at most "
                f"{JOINS}",
                at=Place(path=ruling.decision),
                fix="leave out `--engine`; the compiled engine has no such limit",
            )
        world = replace(ruling.world, outcome=lambda name: self._outcome(ruling, name))
        rules = [(rule.facts, rule.gives) for rule in projection.rules]
        return projection.possible(self._ask({"rules": rules, "facts": projection.facts(world)}))

    def _outcome(self, ruling: Ruling, name: str) -> str | None:
        """Return the outcome of a decision that the ruling reads, by this engine too."""
        attested = ruling.case.facts.attested.get(name)
        if attested is not None:
            return attested
        _, outcome = self.answer(ruling.case.decide(name))
        return outcome if isinstance(outcome, str) else None

    def _ask(self, job: dict[str, Any]) -> set[str]:
        """Return the facts that the engine derives. Kill the process if it takes too long."""
        timeouts: list[bool] = []

        def stop() -> None:
            """End the process that gave no answer in time."""
            timeouts.append(True)
            self.process.kill()

        timer = Timer(self.seconds, stop)
        timer.start()
        try:
            assert self.process.stdin is not None and self.process.stdout is not None
            print(json.dumps(job), file=self.process.stdin, flush=True)
            line = self.process.stdout.readline()
        except OSError:
            line = ""
        finally:
            timer.cancel()
        if not line.endswith("\n"):
            self._refuse_ended(timed_out=bool(timeouts))
        answer = json.loads(line)
        if "error" in answer:
            self._refuse_failed(answer["error"])
        return set(answer["held"])

    def _refuse_ended(self, *, timed_out: bool) -> NoReturn:
        if timed_out:
            raise EngineError(
                "engine-silent",
                f"the second engine gave no answer in {self.seconds:g} seconds and was stopped",
                fix="try again, or leave out `--engine`",
            )
        code = self.process.wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise EngineError(
            "engine-crashed",
            f"the second engine ended by {how}",
            fix="try again, or leave out `--engine`",
        )

    def _refuse_failed(self, error: str) -> NoReturn:
        if error == "missing":
            raise EngineError(
                "engine-missing",
                "the second engine, `durable_rules`, can't be loaded",
                fix="install `.[durable]` with a C compiler, and on Python 3.13 set "
                f"{_CC} for its build",
            )
        if error == "memory":
            raise EngineError(
                "engine-memory", "the second engine ran out of memory", fix="leave out `--engine`"
            )
        raise EngineError(
            "engine-failed", f"the second engine failed: `{error}`", fix="leave out `--engine`"
        )


def _listed(outcomes: list[str]) -> str:
    return ", ".join(f"`{outcome}`" for outcome in outcomes)
