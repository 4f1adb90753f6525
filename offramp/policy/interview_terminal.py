"""`offramp interview`: one question after the other, asked of whoever sits at the keyboard or writes into the pipe."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import IO, Any

import rules
from offramp.policy.decide_cases import facts_in
from rules.decide.interview import Interview, Question
from rules.errors import FactsError, Refusal, RequestError, nearest
from rules.input.facts import printable

LONGEST_ANSWER = 4_000  # characters of one line


def interview(options: argparse.Namespace) -> int:
    program = rules.load(options.pack, options.as_of)
    roles = tuple(program.pack.vocabulary.roles)
    if options.role is not None and options.role not in roles:
        shown = printable(options.role)
        raise RequestError(
            "usage", f"there is no role `{shown}` to ask as", fix=nearest(shown, roles)
        )
    if options.facts == "-":
        raise RequestError(
            "usage", "answers come on standard input, so the facts can't", fix="name a JSON file"
        )
    given = facts_in(options.facts) if options.facts is not None else {}
    state = Interview(program, options.decision, program.read(given), role=options.role)
    state.decision.status  # noqa: B018  # an unknown decision is refused before anything is asked
    talk = _Lines() if options.json else _Words(state)
    state, stopped = _ask(state, talk)
    _save(options.save, state)
    if stopped:
        talk.stop()
        return 130
    talk.end(state)
    return 0 if state.decision.status == "decided" else 3


def _ask(state: Interview, talk: _Words | _Lines) -> tuple[Interview, bool]:
    """Asks until nothing is left to ask, nobody answers, or somebody breaks off. A bad answer is asked again."""
    try:
        while (question := state.question) is not None:
            talk.ask(question)
            line = _line()
            if line is None:
                break
            try:
                state = state.answered(talk.heard(line))
            except Refusal as refusal:
                talk.again(refusal)
    except KeyboardInterrupt:
        return state, True
    return state, False


def _line() -> str | None:
    """The next answer; None when there are no more."""
    stream: IO[bytes] | None = sys.stdin.buffer if sys.stdin is not None else None
    raw = stream.readline(LONGEST_ANSWER * 4) if stream is not None else b""
    if not raw:
        return None
    rest = raw
    while (
        not rest.endswith(b"\n") and len(rest) == LONGEST_ANSWER * 4
    ):  # the end of a line that is too long
        assert stream is not None
        rest = stream.readline(LONGEST_ANSWER * 4)
    return raw.decode("utf-8", "replace").strip()[:LONGEST_ANSWER]


class _Words:
    """Questions for people to read; an answer that was piped in is shown, so that the whole reads as a talk."""

    def __init__(self, state: Interview) -> None:
        self.number = 0
        self.piped = sys.stdin is None or not sys.stdin.isatty()
        pack = state.program.pack
        declared = pack.decisions.get(state.name)
        asked = f" Asked: {_words(state.role)} only." if state.role else ""
        if declared is not None:
            _print(
                f"{pack.title}: {declared.asks}\n`not known` is always an answer; Ctrl-D ends.{asked}"
            )

    def ask(self, question: Question) -> None:
        self.number += 1
        which = f" ({question.fact})" if "[" in question.fact else ""
        _print(
            f"\n{self.number}. {_words(question.ask)}: {question.text}{which}\n   {question.how}\n> ",
            end="",
        )

    def heard(self, line: str) -> str:
        if self.piped:
            _print(printable(line))
        return line

    def again(self, refusal: Refusal) -> None:
        self.number -= 1
        _print(f"   {refusal.message}; {refusal.fix}")

    def end(self, state: Interview) -> None:
        from offramp.policy.decision_text import in_words

        _print(f"\n{in_words(state.decision)}")

    def stop(self) -> None:
        _print("")


class _Lines:
    """One JSON object a line out, one answer a line in: `question` or `error`, at last `decision` with the `facts`."""

    def ask(self, question: Question) -> None:
        self._say({"question": question.as_json()})

    def heard(self, line: str) -> str:
        """The answer in words; one in JSON's (`"opioid"`, `null`) is understood too."""
        if line == "null":
            return "not known"
        if line.startswith('"'):
            try:
                word = json.loads(line)
            except ValueError:
                word = None
            if not isinstance(word, str):
                raise FactsError(
                    "not-json",
                    f"`{printable(line)[:40]}` is no JSON text",
                    fix="write a word, or one in quotes",
                )
            return word
        return line

    def again(self, refusal: Refusal) -> None:
        self._say({"error": refusal.as_json()})

    def end(self, state: Interview) -> None:
        not_known = sorted(state.unknowable)
        self._say(
            {
                "decision": state.decision.as_json(),
                "facts": state.as_facts(),
                "not_known": not_known,
            }
        )

    def stop(self) -> None:
        """Whoever broke off knows it."""

    @staticmethod
    def _say(said: dict[str, Any]) -> None:
        _print(json.dumps(said, ensure_ascii=False, separators=(",", ":")))


def _words(role: str) -> str:
    return role.replace("_", " ")


def _print(text: str, end: str = "\n") -> None:
    print(text, end=end, flush=True)


def _save(name: str | None, state: Interview) -> None:
    """The facts, readable by their owner alone: they are about a person."""
    if name is None:
        return
    text = json.dumps(state.as_facts(), indent=2, ensure_ascii=False) + "\n"
    try:
        with os.fdopen(
            os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            if Path(name).is_file():  # it may have been there, open to others
                os.fchmod(file.fileno(), 0o600)
            file.write(text)
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "it can't be opened").lower()
        message = f"the facts could not be written to `{printable(name)}`: {reason}"
        raise RequestError("no-output", message, fix="make room, or write elsewhere") from None
