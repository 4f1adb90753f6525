"""Read and prove a pack that came from outside, in a process of its own with a budget.

A pack can be written so that reading or proving it takes hours or all memory. So a process reads
it under limits of memory and time, outside every lock and transaction, and answers with the digest
or the refusal. What didn't finish is "not proved within the budget", never accepted.

Run as a program, this module is that process: a pack's files on standard input, the answer on
standard output.
"""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

from exchange.standards import i_json
from offramp.adoption import PackFiles, accept_pack, is_installed, read_pack_files
from rules.errors import PackError, Place, Refusal, RequestError
from rules.frozen import frozen


@frozen
class Budget:
    """Seconds of processor time, of waiting, and of reading alone, and bytes of memory.

    Every party reads an adopted pack again, without a proof. So reading has a budget of its own.
    """

    seconds: int = 120
    wait_seconds: int = 300
    read_seconds: int = 10
    memory: int = 1536 * 1024 * 1024


BUDGET = Budget()


def examine_pack(files: PackFiles, expected: str | None = None, budget: Budget = BUDGET) -> str:
    """Prove a pack in a process of its own, and return its digest.

    Raises as `accept_pack`; `RequestError` `not-proved`.
    """
    if is_installed(files):
        return accept_pack(files, expected)[1]
    try:
        done = subprocess.run(
            _COMMAND,
            input=_question(files, expected, budget),
            capture_output=True,
            timeout=budget.wait_seconds,
        )
    except subprocess.TimeoutExpired:
        raise _not_proved(files, budget) from None
    return _digest_of(files, budget, done.returncode, done.stdout)


async def examine_pack_async(files: PackFiles, budget: Budget = BUDGET) -> str:
    """Prove a pack as `examine_pack`. A cancellation kills the process."""
    if is_installed(files):
        return await asyncio.to_thread(lambda: accept_pack(files)[1])
    process = await asyncio.create_subprocess_exec(
        *_COMMAND,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(budget.wait_seconds):
            answer, _ = await process.communicate(_question(files, None, budget))
    except TimeoutError:
        raise _not_proved(files, budget) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode is not None, "the process has ended"
    return _digest_of(files, budget, process.returncode, answer)


_COMMAND = (sys.executable, "-m", "offramp.pack_trial")


def _question(files: PackFiles, expected: str | None, budget: Budget) -> bytes:
    """Return the question on standard input: the limits on a line of their own, then the pack."""
    limits = (budget.seconds, budget.read_seconds, budget.memory)
    return b"%d %d %d\n" % limits + i_json.write(
        {"pack": {"id": files.id, "files": dict(files.files)}, "expected": expected}
    )


def _digest_of(files: PackFiles, budget: Budget, code: int, answer: bytes) -> str:
    """Read the answer of the process. Raises the refusal in it, or `not-proved`."""
    if code != 0:
        raise _not_proved(files, budget)
    value = i_json.read_object(answer)
    if "error" in value:
        raise refusal_from_json(value["error"])
    return str(value["digest"])


def refusal_from_json(error: dict[str, Any]) -> Refusal:
    """Return the refusal that a trial printed."""
    kind = PackError if error["kind"] == "PackError" else RequestError
    place = Place(path=error["at"])
    return kind(error["code"], error["message"], at=place, fix=error["fix"] or "")


def _not_proved(files: PackFiles, budget: Budget) -> RequestError:
    return RequestError(
        "not-proved",
        f"`{files.id}` was not proved within {budget.seconds} seconds and "
        f"{budget.memory // 2**20} MiB",
        fix="make it simpler, or try it alone with `offramp check`",
    )


def limit_this_process(seconds: int, memory: int) -> None:
    """Limit this process, and end it with the one that asked."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), daemon=True).start()


def main() -> int:
    """Answer the question on standard input under the limits."""
    seconds, read_seconds, memory = map(int, sys.stdin.buffer.readline(100).split())
    limit_this_process(seconds, memory)
    question = i_json.read_object(sys.stdin.buffer.read())

    def examined() -> dict[str, Any]:
        """Return the digest of the pack, or raise its refusal."""
        files = read_pack_files(i_json.write(question["pack"]))
        began = time.process_time()
        files.pack()
        if time.process_time() - began > read_seconds:
            raise RequestError(
                "not-proved",
                f"`{files.id}` takes over {read_seconds} seconds to read",
                fix="make it simpler",
            )
        return {"digest": accept_pack(files, question["expected"])[1]}

    return print_answer(examined)


def print_answer(work: Callable[[], dict[str, Any]]) -> int:
    """Print what a trial returns, or its refusal. Returns the exit code of the process."""
    try:
        answer = work()
    except Refusal as refusal:
        answer = {"error": {"kind": type(refusal).__name__, **refusal.as_json()}}
    except (MemoryError, RecursionError):
        return 1
    sys.stdout.buffer.write(i_json.write(answer))
    return 0


def _end_with_parent(parent: int) -> None:
    """End this process when the one that asked has ended: nobody waits for the answer."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
