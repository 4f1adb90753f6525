"""Count what each role does for one person's case, by the page that the tests work: one-case.md.

Run it as `python bench/story.py`. A command is a line that the page shows. An answer is a value
that the command line gives in place of a question. A written line is one that somebody types into a
file. Seconds are those of the commands, without a person's reading and thinking, and without the
start of a new program for each.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from tests.support.worked_page import PAGE, founded, work_block
from tests.support.written_page import blocks_of

# They say who types, confirm, or choose a form of output, and answer no question.
NO_ANSWERS = ("--by", "--yes", "--lang", "--list", "--send", "--for-person", "--present")
# Founding is work that no case needs. The page shows one agency's, and each does the same.
CASE_WORK = "agency "
FOUNDING = ("agency init", "agency join", "agency approve")


def main() -> None:
    """Print a row for each role."""
    os.environ["COLUMNS"] = "110"
    commands: Counter[str] = Counter()
    answers: Counter[str] = Counter()
    written: Counter[str] = Counter()
    seconds: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder, founded(Path(folder)) as city:
        for block in blocks_of(PAGE.read_text()):
            started = time.perf_counter()
            for (line, _), _ in zip(block.commands, work_block(city, block), strict=True):
                passed, started = time.perf_counter() - started, time.perf_counter()
                is_founding = not line.startswith(f"offramp {CASE_WORK}") or any(
                    line.startswith(f"offramp {name}") for name in FOUNDING
                )
                who = "founding, once" if is_founding else block.who
                commands[who] += 1
                answers[who] += sum(
                    word.startswith("--") and word not in NO_ANSWERS for word in shlex.split(line)
                )
                written[who] += ">>" in line
                seconds[who] += passed
    print("| | commands | answers | written lines | seconds |\n| --- | --- | --- | --- | --- |")
    for who in sorted(commands):
        print(f"| {who} | {commands[who]} | {answers[who]} | {written[who]} | {seconds[who]:.1f} |")
    print(
        f"| all | {commands.total()} | {answers.total()} | {written.total()} "
        f"| {seconds.total():.1f} |"
    )


if __name__ == "__main__":
    main()
