"""Measure an interview: the time from an answer to the next question.

Run it as `python bench/interview.py [--runs N] [--results FILE]`. The answers of each interview are
drawn by its number, among those that the question allows, with "not known" now and then.
"""

from __future__ import annotations

import argparse
import random
import time

from measured import Bar, Measurement, options_of, write_results

import rules
from rules.decide.interview import Interview, Question
from rules.errors import Refusal

PACK, DECISION = "santa-fe", "eligibility"
BAR = Bar(20, "ms", "at most")


def main() -> None:
    """Print the time from an answer to the next question."""
    parser = argparse.ArgumentParser(description=__doc__)
    options = options_of(parser, runs=40)
    taps = [seconds for run in range(options.runs) for seconds in interview(run)]
    measured = Measurement.of(
        f"interview, answer to next question on {PACK} {DECISION}",
        [seconds * 1e3 for seconds in taps],
        BAR,
    )
    worst = max(taps) * 1e3
    print(f"{len(taps)} answers in {options.runs} interviews; the slowest took {worst:.1f} ms")
    print(measured.line())
    write_results(options.results, [measured])


def interview(run: int) -> list[float]:
    """Hold one interview, and return the seconds from each answer to the next question."""
    chance = random.Random(run)
    state = Interview(rules.load(PACK), DECISION, rules.load(PACK).read({}))
    question, taps = state.question, []
    while question is not None:
        start = time.perf_counter()
        state, question = answered(state, question, chance)
        taps.append(time.perf_counter() - start)
    return taps[1:]  # the first answer compiles the rules


def answered(
    state: Interview, question: Question, chance: random.Random
) -> tuple[Interview, Question | None]:
    """Answer a question, and return the state with its next question."""
    try:
        after = state.answer(answer_to(question, chance))
    except Refusal:  # the drawn answer is none, such as a day in the future
        after = state.answer("not known")
    return after, after.question


def answer_to(question: Question, chance: random.Random) -> str:
    """Return an answer of the question's type."""
    if chance.random() < 0.1:
        return "not known"
    match question.type:
        case "bool":
            return chance.choice(("yes", "no"))
        case "choice":
            return chance.choice(question.choices)
        case "int" | "decimal" | "list":
            return str(chance.randint(0, 3) if question.type == "list" else chance.randint(1, 40))
        case "date":
            return f"2015-06-{chance.randint(1, 28):02}"
    return "not known"


if __name__ == "__main__":
    main()
