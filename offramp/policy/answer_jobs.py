"""Answer the cases of a file in several processes, in the order of the file.

Rows with equal cells go to one process, so that each is decided once there too.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from offramp.policy.answer_lines import LineWriter
from offramp.policy.case_input import AnswerLine, CaseFile
from rules.errors import FactsError, Refusal, RequestError

_BLOCK = 1_000  # rows that are read before they are given out
_AHEAD = 3  # blocks that are given out before the first is printed


def answer_in_jobs(writer: LineWriter, file: CaseFile, jobs: int) -> Iterator[AnswerLine]:
    """Answer the cases of a file in so many processes.

    Raises `RequestError` if one of them is killed. What was answered before is right.
    """
    blocks = _blocks(file.rows())
    block, failure = next(blocks)  # with the head of a table, which the processes need
    processes: list[_Process] = []
    try:
        for _ in range(jobs):
            processes.append(_Process(writer, file))
        waiting: deque[_Block] = deque()
        while block:
            waiting.append(_Block(writer, file, processes, block))
            if len(waiting) == _AHEAD:
                yield from waiting.popleft().answers()
            if failure is not None:
                break
            block, failure = next(blocks)
        for given_out in waiting:
            yield from given_out.answers()
        if failure is not None:
            raise failure
    finally:
        for process in processes:
            process.stop()


def _blocks(rows: Iterator[Any]) -> Iterator[tuple[list[Any], Refusal | None]]:
    """Yield the rows in blocks, at the end an empty one, or with the failure that ends the file."""
    while True:
        block: list[Any] = []
        try:
            for row in islice(rows, _BLOCK):
                block.append(row)  # a failure keeps the rows before it
        except Refusal as refusal:
            yield block, refusal
            return
        yield block, None


class _Block:
    """Some rows, each given out to the process of its likeness."""

    def __init__(
        self,
        writer: LineWriter,
        file: CaseFile,
        processes: list[_Process],
        rows: list[Any],
    ) -> None:
        self.order: list[int | AnswerLine] = []
        shares: list[list[Any]] = [[] for _ in processes]
        for row in rows:
            if isinstance(row, FactsError):
                self.order.append(writer.answer(file.case(row)))
            else:
                number = file.likeness(row) % len(processes)
                shares[number].append(row)
                self.order.append(number)
        self.shares: list[Future[list[tuple[str, bool]]]] = [
            process.answer(share) for process, share in zip(processes, shares, strict=True)
        ]

    def answers(self) -> Iterator[AnswerLine]:
        """Yield the answers in the order of the rows."""
        lines = [iter(share.result()) for share in self.shares]
        for place in self.order:
            yield place if isinstance(place, AnswerLine) else AnswerLine(*next(lines[place]))


class _Process:
    """A copy of this process, which has the program as read here, even if the file changes.

    An executor of processes waits forever for the rest of an answer if its process is killed in
    the middle of it. Here each process alone has its end of its pipe, so that its death ends it.
    """

    def __init__(self, writer: LineWriter, file: CaseFile) -> None:
        context = get_context("fork")
        self._connection, far_end = context.Pipe()
        words = self._connection, far_end, writer, file
        self._process = context.Process(target=_decide, args=words, daemon=True)
        self._thread = ThreadPoolExecutor(1)
        # An interrupt is for this process, which ends the others. The new one keeps the block.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
        try:
            self._process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        far_end.close()

    def answer(self, rows: list[Any]) -> Future[list[tuple[str, bool]]]:
        return self._thread.submit(self._ask, rows)

    def stop(self) -> None:
        self._process.kill()  # it has nothing to lose, and may be halted
        self._thread.shutdown(cancel_futures=True)
        self._process.join()

    def _ask(self, rows: list[Any]) -> list[tuple[str, bool]]:
        try:
            self._connection.send(rows)
            answers: list[tuple[str, bool]] = self._connection.recv()
        except (EOFError, OSError):
            raise RequestError(
                "job-stopped",
                "a process that decides was stopped from outside",
                fix="decide again with fewer `--jobs`, which take less memory",
            ) from None
        return answers


def _decide(near_end: Connection, far_end: Connection, writer: LineWriter, file: CaseFile) -> None:
    near_end.close()  # else this process would outlive the one that asks
    with suppress(EOFError, OSError):  # the process that asks is gone
        while True:
            answers = (writer.answer(file.case(row)) for row in far_end.recv())
            far_end.send([(answer.text, answer.is_refused) for answer in answers])
