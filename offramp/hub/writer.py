"""The one thread that touches the hub: what waits goes in one transaction, and is answered once that is on the disk."""

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


class Writer:
    """Runs jobs against a hub, in the order in which they come, many to one commit."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._waiters: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.stopping = False

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    def wake(self) -> None:
        """Whoever waits for a change is to wait no longer: the hub stops."""
        self.stopping = True
        self._tell()

    def stop(self) -> None:
        """What has been taken is finished first."""
        self._jobs.put(None)
        self._thread.join()

    async def do(self, job: Callable[[Hub], T]) -> T:
        """What a job answers, when it is on the disk. Raises what the job raises, and `StoreError`."""
        future: Future[T] = Future()
        self._jobs.put((job, future))
        return await asyncio.wrap_future(future)

    async def changed(self, seconds: float) -> None:
        """Returns at the next commit, or after so many seconds."""
        event = asyncio.Event()
        self._waiters.add(event)
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            pass
        finally:
            self._waiters.discard(event)

    def _run(self) -> None:
        while True:
            first = self._jobs.get()
            if first is None:
                return
            jobs = [first]
            stopping = False
            while len(jobs) < MOST_TOGETHER and not self._jobs.empty():
                more = self._jobs.get()
                if more is None:
                    stopping = True
                    break
                jobs.append(more)
            self._together(jobs)
            if self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(self._tell)
            if stopping:
                return

    def _tell(self) -> None:
        for event in self._waiters:
            event.set()

    def _together(self, jobs: list[_Job]) -> None:
        # Who asked may have gone; from here on they can't, and what was decided has somebody to be told to.
        jobs = [(job, future) for job, future in jobs if future.set_running_or_notify_cancel()]
        done: list[tuple[Future[Any], Any, Exception | None]] = []
        try:
            with self._hub.together():
                for job, future in jobs:
                    try:
                        with self._hub.together():
                            done.append((future, job(self._hub), None))
                    except StoreError:
                        raise
                    except Exception as error:
                        # A refusal, or a fault of ours: neither may take the others with it.
                        done.append((future, None, error))
        except ExchangeError as error:
            done = [(future, None, error) for _, future in jobs]
        for future, answer, failed in done:
            if failed is not None:
                future.set_exception(failed)
            else:
                future.set_result(answer)
