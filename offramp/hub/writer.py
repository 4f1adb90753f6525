"""Run every job on the hub in one thread, many jobs to one commit.

A job is answered when its effects are on the disk.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

from exchange.errors import ExchangeError, StoreError
from exchange.hub.hub import Hub

T = TypeVar("T")
MOST_TOGETHER = 256

_Job = tuple[Callable[[Hub], Any], "Future[Any]"]
_Outcome = tuple["Future[Any]", Any, Exception | None]


class Writer:
    """Run jobs on a hub in the order in which they arrive, many to one commit."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._commit_events: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.stopping = False

    def start(self) -> None:
        """Start the thread. Call it in the event loop that will wait for the answers."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def wake(self) -> None:
        """End every wait for a commit, because the hub stops."""
        self.stopping = True
        self._announce_commit()

    def stop(self) -> None:
        """Finish the jobs that were taken, then end the thread."""
        self._jobs.put(None)
        self._thread.join()

    async def do(self, job: Callable[[Hub], T]) -> T:
        """Return a job's answer when it is on the disk.

        Raises what the job raises, and `StoreError`.
        """
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return await asyncio.wrap_future(future)

    async def changed(self, seconds: float) -> None:
        """Wait for the next commit, for at most so many seconds."""
        event = asyncio.Event()
        self._commit_events.add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._commit_events.discard(event)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            batch = [job]
            stopping = False
            while len(batch) < MOST_TOGETHER and not self._jobs.empty():
                job = self._jobs.get()
                if job is None:
                    stopping = True
                    break
                batch.append(job)
            self._commit(batch)
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._announce_commit)
            if stopping:
                return

    def _announce_commit(self) -> None:
        for event in self._commit_events:
            event.set()

    def _commit(self, batch: list[_Job]) -> None:
        # A client may cancel until here. After this line each outcome has a waiting client.
        jobs = [(job, future) for job, future in batch if future.set_running_or_notify_cancel()]
        outcomes: list[_Outcome] = []
        try:
            with self._hub.together():
                for job, future in jobs:
                    outcomes.append(self._run_one(job, future))
        except ExchangeError as error:
            outcomes = [(future, None, error) for _, future in jobs]
        for future, answer, failure in outcomes:
            if failure is not None:
                future.set_exception(failure)
            else:
                future.set_result(answer)

    def _run_one(self, job: Callable[[Hub], Any], future: Future[Any]) -> _Outcome:
        """Run one job in its own savepoint. A refusal or a fault of ours spares the other jobs."""
        try:
            with self._hub.together():
                return future, job(self._hub), None
        except StoreError:
            raise
        except Exception as error:
            return future, None, error
