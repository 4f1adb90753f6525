"""The one thread that works with an agency's folder.

An opened folder is one person's at a time: the operations of a request run from its first to its
last without another request between them. So two sends of one form come one after the other.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from offramp.agency import operations

R = TypeVar("R")


class OfficeThread:
    """An opened folder and its thread."""

    def __init__(self, folder: Path, passphrase: bytes, clock_file: Path | None) -> None:
        self._pool = ThreadPoolExecutor(1, "office")
        self._office = self._pool.submit(
            operations.open_office, folder, passphrase, clock_file=clock_file
        ).result()

    async def run(self, work: Callable[[operations.Office], R]) -> R:
        """Run work with the folder, after the work that came before."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, work, self._office)

    def run_now(self, work: Callable[[operations.Office], R]) -> R:
        """Run work with the folder before the console serves."""
        return self._pool.submit(work, self._office).result()

    def close(self) -> None:
        """End the thread, and close the folder."""
        self._pool.submit(self._office.close).result()
        self._pool.shutdown()
