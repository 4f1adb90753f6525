"""Answer the cases of a file in several processes, in the order of the file.

Rows with equal cells go to one process, so that each is decided once there too.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from multiprocessing import get_context
from typing import Any

from offramp.policy.answer_lines import LineWriter
from offramp.policy.case_input import AnswerLine, CaseFile
from rules.errors import FactsError, Refusal, RequestError

_BLOCK = 1_000  # rows that are read before they are given out
_AHEAD = 3  # blocks that are given out before the first is printed
_worker: tuple[LineWriter, CaseFile]  # of a process that decides


def answer_in_jobs(writer: LineWriter, file: CaseFile, jobs: int) -> Iterator[AnswerLine]:
    """Answer the cases of a file in so many processes.

    Raises `RequestError` if one of them is killed. What was answered before is right.
    """
    blocks = _blocks(file.rows())
    block, failure = next(blocks)  # with the head of a table, which the processes need
    # A process is a copy of this one. It has the program as read here, even if the file changes.
    context = get_context("fork")
    processes = [
        ProcessPoolExecutor(1, context, initializer=_begin, initargs=(writer, file))
        for _ in range(jobs)
    ]
    try:
        _start(processes)
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
    except BrokenProcessPool:
        raise RequestError(
            "job-stopped",
            "a process that decides was stopped from outside",
            fix="decide again with fewer `--jobs`, which take less memory",
        ) from None
    finally:
        for process in processes:
            process.shutdown(cancel_futures=True)  # else the exit may race with it


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
        processes: list[ProcessPoolExecutor],
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
            process.submit(_answer, share) for process, share in zip(processes, shares, strict=True)
        ]

    def answers(self) -> Iterator[AnswerLine]:
        """Yield the answers in the order of the rows."""
        lines = [iter(share.result()) for share in self.shares]
        for place in self.order:
            yield place if isinstance(place, AnswerLine) else AnswerLine(*next(lines[place]))


def _start(processes: list[ProcessPoolExecutor]) -> None:
    """Start the processes. An interrupt is for this process, which ends the others."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        for process in processes:
            process.submit(_answer, [])  # the new process keeps the block
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(writer: LineWriter, file: CaseFile) -> None:
    global _worker
    _worker = writer, file


def _answer(rows: list[Any]) -> list[tuple[str, bool]]:
    writer, file = _worker
    answers = (writer.answer(file.case(row)) for row in rows)
    return [(answer.text, answer.is_refused) for answer in answers]
