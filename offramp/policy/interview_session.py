"""Ask an interview's questions on standard output and read the answers from standard input."""

from __future__ import annotations

import json
import sys
from datetime import date
from typing import Any

from offramp.asking import read_line
from offramp.output_file import write_output
from offramp.policy.law_age import age_member
from offramp.policy.local_packs import local_lines, local_member
from offramp.terminal import print_json, print_text
from rules.decide.interview import Interview, Question
from rules.errors import FactsError, Refusal
from rules.input.json_text import parse_json
from rules.input.printing import printable


def ask_questions(
    interview: Interview, dialog: TerminalDialog | JsonLinesDialog
) -> tuple[Interview, bool]:
    """Ask until no question is left or no answer comes. A bad answer is asked for again.

    Returns the interview with its answers, and True if an interrupt ended it.
    """
    try:
        while (question := interview.question) is not None:
            dialog.ask(question)
            line = read_line()
            if line is None:
                break
            try:
                interview = interview.answer(dialog.read_answer(line))
            except Refusal as refusal:
                dialog.refuse(refusal)
    except KeyboardInterrupt:
        return interview, True
    return interview, False


class TerminalDialog:
    """Questions as text. Piped answers are printed too, so that the output reads as a dialog."""

    def __init__(self, interview: Interview, today: date) -> None:
        self.today = today
        self.number = 0
        self.is_piped = sys.stdin is None or not sys.stdin.isatty()
        pack = interview.program.pack
        declared = pack.decisions.get(interview.name)
        limit = f" Asked: {_role(interview.role)} only." if interview.role else ""
        if declared is not None:
            _print(
                f"{pack.title}: {declared.asks}\n"
                f"`not known` is always an answer; Ctrl-D ends.{limit}"
            )

    def ask(self, question: Question) -> None:
        """Print the question and a prompt."""
        self.number += 1
        path = f" ({question.fact})" if "[" in question.fact else ""
        _print(f"\n{self.number}. {_role(question.ask)}: {question.text}{path}")
        _print(f"   {question.how}\n> ", end="")

    def read_answer(self, line: str) -> str:
        """Return the answer in a line."""
        if self.is_piped:
            _print(printable(line))
        return line

    def refuse(self, refusal: Refusal) -> None:
        """Print a refused answer's fault. Its question is asked again under the same number."""
        self.number -= 1
        _print(f"   {refusal.message}; {refusal.fix}")

    def finish(self, interview: Interview) -> None:
        """Print the decision."""
        from offramp.policy.decision_text import in_words

        _print(f"\n{in_words(interview.decision, today=self.today)}")
        for line in local_lines([interview.program.pack]):
            _print(line)

    def stop(self) -> None:
        """End the prompt's line after an interrupt."""
        _print("")


class JsonLinesDialog:
    """One JSON object a line out, one answer a line in.

    Each object is a `question` or an `error`. The last has the `decision` and its `facts`.
    """

    def __init__(self, today: date) -> None:
        self.today = today

    def ask(self, question: Question) -> None:
        """Print the question."""
        self._print({"question": question.as_json()})

    def read_answer(self, line: str) -> str:
        """Return the answer in a line, which may be a JSON text or `null`."""
        if line == "null":
            return "not known"
        if not line.startswith('"'):
            return line
        try:
            answer = parse_json(line, "the answer")
        except FactsError:
            answer = None
        if not isinstance(answer, str):
            raise FactsError(
                "not-json",
                f"`{printable(line)[:40]}` is no JSON text",
                fix="write a word, or one in quotes",
            )
        return answer

    def refuse(self, refusal: Refusal) -> None:
        """Print a refused answer's fault."""
        self._print({"error": refusal.as_json()})

    def finish(self, interview: Interview) -> None:
        """Print the decision, the facts, and the facts that the role does not know."""
        self._print(
            {
                "decision": interview.decision.as_json()
                | local_member(interview.program.pack)
                | age_member(interview.decision, self.today),
                "facts": interview.as_facts(),
                "not_known": sorted(interview.unknowable),
            }
        )

    def stop(self) -> None:
        """Print nothing after an interrupt."""

    @staticmethod
    def _print(value: dict[str, Any]) -> None:
        print_json(value, compact=True, flush=True)


def _role(role: str) -> str:
    return role.replace("_", " ")


def _print(text: str, end: str = "\n") -> None:
    print_text(text, end=end, flush=True)


def save_facts(name: str, interview: Interview, *, force: bool = False) -> None:
    """Write the facts to a file that only its owner can read, since they are about a person."""
    text = json.dumps(interview.as_facts(), indent=2, ensure_ascii=False) + "\n"
    write_output(name, text.encode(), force=force)
