"""Fixtures of the application's tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.hub_process import HubProcess, Starter, WireWorld
from tests.support.running_agencies import running

__all__ = ["own_world", "running", "starter"]


@pytest.fixture(scope="module")
def starter() -> Iterator[Starter]:
    """Start hub processes quickly, for the tests of one module."""
    starter = Starter()
    yield starter
    starter.close()


@pytest.fixture
def own_world(starter: Starter, tmp_path: Path) -> Iterator[WireWorld]:
    """Serve a hub for one test, which may break it."""
    process = HubProcess(starter, tmp_path / "hub")
    process.start()
    yield WireWorld(process)
    process.end(signal.SIGKILL)
