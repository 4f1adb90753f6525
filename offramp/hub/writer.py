"""Run every job on the hub in one thread, many jobs to one commit.

A job is answered when its effects are on the disk. Each member has a queue of its own, and the
queues take turns, so that no member waits for another's backlog.
"""

from __future__ import annotations

import asyncio
import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from queue import SimpleQueue
from typing import Any, TypeVar

from exchange.errors import ExchangeError, StoreError
from exchange.hub.hub import Hub
from rules.frozen import frozen

T = TypeVar("T")
# The most jobs, each counted by its weight, in one commit.
MOST_TOGETHER = 128


@frozen
class _Job:
    """A job, who waits for it, and about how many records it commits."""

    run: Callable[[Hub], Any]
    future: asyncio.Future[Any]
    weight: int


_Outcome = tuple["asyncio.Future[Any]", Any, Exception | None]


class _Queues:
    """A queue of jobs for each member. They take turns."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._queues: OrderedDict[str, deque[_Job]] = OrderedDict()
        self._is_closed = False
        # INVARIANT: an entry is added only for a writer that waits, and ends its wait. A condition
        # would change threads more often.
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._is_waiting = False

    def put(self, member: str, job: _Job) -> None:
        with self._lock:
            self._queues.setdefault(member, deque()).append(job)
            was_waiting, self._is_waiting = self._is_waiting, False
        if was_waiting:
            self._wakes.put(None)

    @property
    def size(self) -> int:
        with self._lock:
            return sum(map(len, self._queues.values()))

    def close(self) -> None:
        """Let the jobs that wait be taken, and then no more."""
        with self._lock:
            self._is_closed = True
            was_waiting, self._is_waiting = self._is_waiting, False
        if was_waiting:
            self._wakes.put(None)

    def take(self) -> list[_Job]:
        """Return the next jobs for one commit, one of each member in turn. Empty at the end."""
        while True:
            with self._lock:
                batch = self._next_batch()
                if batch or self._is_closed:
                    return batch
                self._is_waiting = True
            self._wakes.get()

    def _next_batch(self) -> list[_Job]:
        batch: list[_Job] = []
        weight = 0
        while self._queues and weight < MOST_TOGETHER:
            member, queue = self._queues.popitem(last=False)
            batch.append(queue.popleft())
            weight += batch[-1].weight
            if queue:
                self._queues[member] = queue
        return batch


class Writer:
    """Run jobs on a hub, many to one commit. The jobs of one member keep their order."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._queues = _Queues()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self.stopping = False

    def start(self) -> None:
        """Start the thread. Call it in the event loop that will wait for new items."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    @property
    def waiting_jobs(self) -> int:
        """The number of jobs that wait for their turn."""
        return self._queues.size

    def wake(self) -> None:
        """End every wait for an item, because the hub stops."""
        self.stopping = True
        self._announce(list(self._waiting))

    def stop(self) -> None:
        """Finish the jobs that were taken, then end the thread."""
        self._queues.close()
        self._thread.join()

    async def do(self, job: Callable[[Hub], T], member: str = "", *, weight: int = 1) -> T:
        """Return a job's answer when it is on the disk.

        `member` is the agency whose turn it takes, empty for a caller that signed nothing. Raises
        what the job raises, and `StoreError`.
        """
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._queues.put(member, _Job(job, future, weight))
        return await future

    @contextmanager
    def watch(self, agency: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set at each commit that adds to an agency's inbox."""
        event = asyncio.Event()
        self._waiting.setdefault(agency, set()).add(event)
        try:
            yield event
        finally:
            self._waiting[agency].discard(event)
            if not self._waiting[agency]:
                del self._waiting[agency]

    def _run(self) -> None:
        while batch := self._queues.take():
            self._answer(self._commit(batch))
            grown = [agency for agency in self._hub.store.take_grown() if agency in self._waiting]
            if grown and self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._announce, grown)

    def _announce(self, agencies: list[str]) -> None:
        for agency in agencies:
            for event in self._waiting.get(agency, ()):
                event.set()

    def _commit(self, batch: list[_Job]) -> list[_Outcome]:
        # A client may cancel until here. After this line each job is run.
        jobs = [job for job in batch if not job.future.cancelled()]
        return [self._run_alone(jobs[0])] if len(jobs) == 1 else self._run_together(jobs)

    def _answer(self, outcomes: list[_Outcome]) -> None:
        """Hand the outcomes of one commit to the event loops that wait, each with one wake-up."""
        by_loop: dict[asyncio.AbstractEventLoop, list[_Outcome]] = {}
        for outcome in outcomes:
            by_loop.setdefault(outcome[0].get_loop(), []).append(outcome)
        for loop, of_loop in by_loop.items():
            # A loop that is closed has no client any more.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, of_loop)

    def _run_alone(self, job: _Job) -> _Outcome:
        """Run a job in a transaction of its own, which needs no savepoint."""
        try:
            return self._run_one(job)
        except StoreError as error:
            return job.future, None, error

    def _run_together(self, jobs: list[_Job]) -> list[_Outcome]:
        outcomes: list[_Outcome] = []
        try:
            with self._hub.together():
                for job in jobs:
                    outcomes.append(self._run_one(job))
        except ExchangeError as error:
            return [(job.future, None, error) for job in jobs]
        return outcomes

    def _run_one(self, job: _Job) -> _Outcome:
        """Run one job in its own savepoint. A refusal or a fault of ours spares the other jobs.

        A job that is alone gets the whole transaction.
        """
        try:
            with self._hub.together():
                return job.future, job.run(self._hub), None
        except StoreError:
            raise
        except Exception as error:
            return job.future, None, error


def _settle(outcomes: list[_Outcome]) -> None:
    """Set the outcomes, in the event loop of those that wait for them."""
    for future, answer, failure in outcomes:
        if future.done():
            # Its client has left meanwhile.
            continue
        if failure is not None:
            future.set_exception(failure)
        else:
            future.set_result(answer)
