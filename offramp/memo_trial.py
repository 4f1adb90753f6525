"""Make a memo of two packs from outside again, in a process of its own with a budget.

The solver may take hours or all memory over packs that somebody wrote for that. Run as a program,
this module is that process: both packs and the memo on standard input, the answer on standard
output.
"""

from __future__ import annotations

import subprocess
import sys
from functools import lru_cache
from importlib.util import find_spec
from typing import Any

from exchange.standards import i_json
from offramp.adoption import PackFiles, read_pack_files
from offramp.memo_file import MemoFile, read_memo
from offramp.pack_trial import Budget, limit_this_process, print_answer, refusal_from_json

BUDGET = Budget(seconds=180, wait_seconds=300, memory=3 * 1024 * 1024 * 1024)
_EACH = 30.0  # seconds for each decision
_WHOLE = "Checked here: made again from both packs, this memo is the same."
_PLAIN = (
    "Checked here: the changes, the findings, the scenarios, and every smallest case follow from "
    "both packs. That no other case changes was not proved again here: {why}."
)


def make_again(memo: MemoFile, old: PackFiles, new: PackFiles, budget: Budget = BUDGET) -> str:
    """Check a memo against its packs, and return in a sentence what was checked.

    Both packs were proved before. Raises `RequestError` `memo-not-true`.
    """
    return _check(memo.digest, memo.text, old.write(), new.write(), budget)


# One process may act for several agencies, and the same bytes have the same answer.
@lru_cache(maxsize=16)
def _check(digest: str, text: bytes, old_files: bytes, new_files: bytes, budget: Budget) -> str:
    memo = read_memo(text, digest)
    old, new = map(read_pack_files, (old_files, new_files))
    from offramp.policy.memo_check import check_plain_parts  # most commands check no memo

    check_plain_parts(memo, old, new)
    if find_spec("z3") is None:
        return _PLAIN.format(why="the solver isn't installed")
    is_whole = _try_whole(memo, old, new, budget)
    return _WHOLE if is_whole else _PLAIN.format(why="it took too long")


def _try_whole(memo: MemoFile, old: PackFiles, new: PackFiles, budget: Budget) -> bool:
    question = b"%d %d\n" % (budget.seconds, budget.memory) + i_json.write(
        {
            "old": {"id": old.id, "files": dict(old.files)},
            "new": {"id": new.id, "files": dict(new.files)},
            "memo": memo.text.decode(),
        }
    )
    try:
        done = subprocess.run(
            (sys.executable, "-m", "offramp.memo_trial"),
            input=question,
            capture_output=True,
            timeout=budget.wait_seconds,
        )
    except subprocess.TimeoutExpired:
        return False
    if done.returncode != 0:
        return False
    answer = i_json.read_object(done.stdout)
    if "error" in answer:
        raise refusal_from_json(answer["error"])
    return bool(answer["whole"])


def main() -> int:
    """Answer the question on standard input under the limits."""
    seconds, memory = map(int, sys.stdin.buffer.readline(100).split())
    limit_this_process(seconds, memory)
    from offramp.policy.memo_check import check_whole_memo

    question = i_json.read_object(sys.stdin.buffer.read())
    old, new = (read_pack_files(i_json.write(question[side])) for side in ("old", "new"))

    def is_made_again() -> dict[str, Any]:
        """Return whether the whole memo was made again, or raise what it isn't true of."""
        memo = read_memo(question["memo"].encode())
        return {"whole": check_whole_memo(memo, old, new, _EACH)}

    return print_answer(is_made_again)


if __name__ == "__main__":
    sys.exit(main())
