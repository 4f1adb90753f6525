"""Fixtures of the application's tests."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from offramp.agency.folder import keys
from tests.support.hub_process import HubProcess, Starter, WireWorld, shared_starter
from tests.support.running_agencies import running

__all__ = ["own_world", "running", "starter"]


@pytest.fixture(scope="session", autouse=True)
def stretched_once() -> Iterator[None]:
    """Make the key of a passphrase and a salt once in this process. Each takes scrypt 0.1 s."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keys, "stretching", cache(keys.stretching))
        yield


@pytest.fixture(scope="session")
def starter() -> Starter:
    """Start hub processes quickly."""
    return shared_starter()


@pytest.fixture
def own_world(starter: Starter, tmp_path: Path) -> Iterator[WireWorld]:
    """Serve a hub for one test, which may break it."""
    process = HubProcess(starter, tmp_path / "hub")
    process.start()
    yield WireWorld(process)
    process.end(signal.SIGKILL)
