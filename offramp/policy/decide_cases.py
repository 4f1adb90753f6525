"""`offramp decide`: facts in, decisions out, as words, a table, JSON or JSON Lines."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import rules
from rules.errors import FactsError, Place, Refusal, RequestError
from rules.input.facts import LARGEST, parse_json, printable

Held = Callable[[rules.Decision], rules.Decision]


def decide(options: argparse.Namespace) -> int:
    with _held(options.engine) as held:
        return _decide(options, held)


@contextmanager
def _held(engine: str) -> Iterator[Held]:
    """Gives a decision back as it is, once the second engine has come to the same where it was asked for."""
    if engine == "compiled":
        yield lambda decision: decision
        return
    from offramp.policy.second_engine import second_engine

    with second_engine() as second:

        def held(decision: rules.Decision) -> rules.Decision:
            second.hold(decision)
            return decision

        yield held


def _decide(options: argparse.Namespace, held: Held) -> int:
    names = [name for name in options.packs.split(",") if name]
    if not names:
        raise RequestError("usage", "no pack is named", fix="name one, such as `santa-fe`")
    if options.lines or options.map:
        if len(names) > 1:
            raise RequestError(
                "usage", "lines are decided by one pack at a time", fix="run it once a pack"
            )
        return _lines(rules.load(names[0], options.as_of), options, held)
    if len(names) > 1:
        return _side_by_side(names, options, held)
    program = rules.load(names[0], options.as_of)
    decision = held(program.decide(options.decision, facts_in(options.facts)))
    if options.json:
        print(
            json.dumps(
                decision.as_json(considered=options.considered), indent=2, ensure_ascii=False
            )
        )
    else:
        from offramp.policy.decision_text import in_words

        print(in_words(decision, considered=options.considered))
    return 0 if decision.status == "decided" else 3


def _side_by_side(names: list[str], options: argparse.Namespace, held: Held) -> int:
    facts = facts_in(options.facts)
    answers: list[tuple[str, rules.Decision | Refusal]] = []
    for name in names:
        try:
            answers.append(
                (name, held(rules.load(name, options.as_of).decide(options.decision, facts)))
            )
        except Refusal as refusal:
            answers.append((name, refusal))
    if options.json:
        shown = {
            name: {"error": answer.as_json()}
            if isinstance(answer, Refusal)
            else answer.as_json(considered=options.considered)
            for name, answer in answers
        }
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    else:
        from offramp.policy.decision_text import side_by_side

        print(side_by_side(options.decision, facts, answers))
    if any(isinstance(answer, Refusal) for _, answer in answers):
        return 2
    undetermined = any(
        isinstance(answer, rules.Decision) and answer.status == "undetermined"
        for _, answer in answers
    )
    return 3 if undetermined else 0


def facts_in(name: str) -> Any:
    """The facts in a JSON file, or on standard input for `-`."""
    return read_json(name, "the facts")


def read_json(name: str, what: str) -> Any:
    """The JSON in a file, or in standard input for `-`; `what` names it in a refusal."""
    return parse_json(read_text(name), what)


def read_text(name: str) -> str:
    """The text of a file, or of standard input for `-`. Raises `RequestError` `no-file`, `FactsError` `not-utf-8`."""
    with _opened(name) as stream, _reading(name):
        raw = stream.read(LARGEST * 4 + 1)
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise FactsError(
            "not-utf-8", f"`{_shown(name)}` is not UTF-8 text", fix="save it as UTF-8"
        ) from None


def _opened(name: str) -> IO[bytes]:
    if name == "-":
        if sys.stdin is None or sys.stdin.isatty():
            raise RequestError(
                "no-file", "no facts are given", fix="name a JSON file, or pipe JSON in"
            )
        return sys.stdin.buffer
    try:
        path = Path(name)
        if path.suffix == ".gz":
            import gzip

            return gzip.open(path)  # type: ignore[return-value]  # opened for bytes, as asked
        return path.open("rb")
    except FileNotFoundError:
        raise RequestError(
            "no-file", f"there is no file `{_shown(name)}`", fix="check the path"
        ) from None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or "it can't be opened").lower()
        raise RequestError(
            "no-file", f"`{_shown(name)}` can't be read: {reason}", fix="check the path"
        ) from None


@contextmanager
def _reading(name: str) -> Iterator[None]:
    """What goes wrong while a file is read is the file's fault: a compressed one may be cut off, or none."""
    broken: tuple[type[Exception], ...] = (OSError, EOFError)
    if name.endswith(".gz"):
        from zlib import error as not_compressed

        broken += (not_compressed,)
    try:
        yield
    except broken as error:
        reason = (getattr(error, "strerror", None) or "it is not whole").lower()
        raise RequestError(
            "no-file", f"`{_shown(name)}` can't be read: {reason}", fix="check the file"
        ) from None


def _shown(name: str) -> str:
    return "standard input" if name == "-" else printable(name)


def _lines(program: rules.Program, options: argparse.Namespace, held: Held) -> int:
    """Decides line by line; a bad line becomes an error line and the rest go on."""
    gc.enable()  # a case and its decisions hold one another, and here there are many
    program.outcomes(options.decision)
    failed = False
    cases = _mapped(options) if options.map else _parsed(options.facts)
    for case_id, read in cases:
        answer: dict[str, Any] = {"id": case_id}
        try:
            answer["decision"] = held(program.decide(options.decision, read())).as_json(
                considered=options.considered
            )
        except Refusal as refusal:
            answer["error"] = refusal.as_json()
            failed = True
        sys.stdout.write(json.dumps(answer, separators=(",", ":")) + "\n")
    return 2 if failed else 0


Case = tuple[Any, Callable[[], Any]]


def _parsed(name: str) -> Iterator[Case]:
    """Each line's id and a reader of its facts, which may refuse."""
    with _opened(name) as stream:
        number = 0
        while line := _line(stream, name):
            number += 1
            if line.strip():
                yield _one(line, number)


def _line(stream: IO[bytes], name: str) -> bytes:
    """The next line; of one that is too long to be a case as much as shows that."""
    longest = LARGEST * 4
    with _reading(name):
        line = rest = stream.readline(longest)
        while len(rest) == longest and not rest.endswith(b"\n"):
            rest = stream.readline(longest)
    return line


def _one(line: bytes, number: int) -> Case:
    def refused(error: Refusal) -> Callable[[], Any]:
        error.at = Place(line=number, path=error.at.path)

        def fail() -> Any:
            raise error

        return fail

    try:
        case = parse_json(
            line.decode("utf-8-sig", "strict" if len(line) < LARGEST else "replace"),
            "the facts of this line",
        )
    except UnicodeDecodeError:
        return None, refused(
            FactsError("not-utf-8", "the line is not UTF-8 text", fix="save it as UTF-8")
        )
    except Refusal as error:
        return None, refused(error)
    if not isinstance(case, dict) or not set(case) <= {"id", "facts"} or "facts" not in case:
        message = "the line is not an object with `id` and `facts`"
        known = case.get("id") if isinstance(case, dict) else None
        return _plain_id(known), refused(
            FactsError("wrong-shape", message, fix='write `{"id": …, "facts": {…}}`')
        )
    return _plain_id(case.get("id")), lambda: case["facts"]


def _plain_id(given: Any) -> Any:
    return given if isinstance(given, int) else printable(given) if isinstance(given, str) else None


def _mapped(options: argparse.Namespace) -> Iterator[Case]:
    from offramp.policy.tables import read_map, rows

    mapping = read_map(options.map)
    with _opened(options.facts) as stream, _reading(options.facts):
        yield from rows(mapping, stream)
