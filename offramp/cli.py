"""The command line: from words to a command, from a refusal to one sentence and an exit code.

Exit codes: 0 decided or all well · 1 found wrong · 2 bad input or pack · 3 undetermined · 4 the
agency works in another folder. With `--json`, a refusal is an object on standard output.
"""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from importlib import import_module
from types import SimpleNamespace

from offramp.command_table import AGENCY, COMMANDS
from offramp.terminal import print_error, print_json
from rules.errors import Refusal, RequestError

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    Prepare = Callable[[argparse.Namespace], None]

# What the parser makes of `decide PACK DECISION FACTS` beside these three words. To load a parser
# takes longer than the decision.
USUAL_OPTIONS: Mapping[str, Any] = {
    **dict.fromkeys(("as_of", "map", "jobs", "by", "where", "assume", "beside", "master", "today")),
    **dict.fromkeys(("json", "considered", "exact", "what_if", "lines", "strict"), False),
    "min_cell": 11,
    "allow_left_out": 10,
    "engine": "compiled",
}


# A refusal that no second try changes has its own exit code: a service manager must not repeat it.
EXIT_CODES = {"moved": 4, "works-elsewhere": 4}
REFUSED = 2


def _imported(target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


def main(words: Sequence[str] | None = None, prepare: Prepare | None = None) -> int:
    """Run one command, and return its exit code. `words` are those after `offramp`.

    `prepare` changes or refuses the parsed words: a command server runs commands for others.
    Without it, an agency's command goes to the command server of its folder, if one answers.
    """
    words = list(sys.argv[1:] if words is None else words)
    gc.disable()  # a command lives for a tenth of a second and makes no cycles worth a search
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    try:
        return _run_or_refuse(words, prepare)
    except KeyboardInterrupt:
        if prepare is None:
            _end_undisturbed()
        return 130
    except BrokenPipeError:
        _drop_output()
        return 141
    except OSError as error:
        _drop_output()
        reason = (error.strerror or "the system refused").lower()
        return _print_refusal(
            RequestError(
                "no-output",
                f"the answer could not be written: {reason}",
                fix="make room, or write elsewhere",
            ),
            as_json=False,
        )


def _run_or_refuse(words: list[str], prepare: Prepare | None) -> int:
    try:
        if sys.stdout is None:
            raise RequestError(
                "no-output", "standard output is closed", fix="write the answer somewhere"
            )
        code = _run(words, prepare)
        sys.stdout.flush()
        return code
    except Refusal as refusal:
        return _print_refusal(
            _named_as_given(refusal, words),
            as_json=sys.stdout is not None and ("--json" in words or "--lines" in words),
        )


def _end_undisturbed() -> None:
    """Ignore whoever presses Ctrl-C once more: the exit code would be another one by chance."""
    import signal

    with suppress(ValueError):  # this isn't the process's own thread
        signal.signal(signal.SIGINT, signal.SIG_IGN)


def _drop_output() -> None:
    """Discard what is left in the buffer, so that closing it at the end can't fail again."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(words: list[str], prepare: Prepare | None) -> int:
    functions = {command.name: command.function for command in COMMANDS}
    named = words[0] if words and words[0] in functions else None
    if prepare is None and named is not None and functions[named] == AGENCY:
        code: int | None = _imported("offramp.command_server.client:run_at_server")(words)
        if code is not None:
            return code
    options = usual_options(words)
    if options is None:
        from offramp.parsers import parser_of

        options = parser_of(named).parse_args(words)
    if prepare is not None:
        prepare(options)
    return int(_imported(functions[options.command])(options))


def usual_options(words: Sequence[str]) -> Any:
    """Return what the parser makes of `decide PACK DECISION FACTS`, or None for other words."""
    if len(words) != 4 or words[0] != "decide" or any(word[:1] in ("", "-") for word in words):
        return None
    named = zip(("command", "packs", "decision", "facts"), words, strict=True)
    return SimpleNamespace(**USUAL_OPTIONS, **dict(named))


def _named_as_given(refusal: Refusal, words: Sequence[str]) -> Refusal:
    """Return a refusal whose place in a pack's file can be opened from the current folder."""
    if refusal.at.file is None:
        return refusal
    from offramp.policy.given_paths import faults_as_given, packs_named

    return faults_as_given(refusal, packs_named(words))[0]


def _print_refusal(refusal: Refusal, *, as_json: bool) -> int:
    if as_json:
        print_json({"error": refusal.as_json()}, ascii_only=True)
        sys.stdout.flush()
    elif sys.stderr is not None:
        with suppress(OSError):
            print_error(f"offramp: {refusal}")
    return EXIT_CODES.get(refusal.code, REFUSED)
