"""The paths, Hypothesis profiles, and cache of proofs that all tests share."""

from __future__ import annotations

import gc
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.support.long_files import share_out

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"

# Python compiles each module once for the processes of all runs, also where it was told not to. The
# tests start hundreds of processes, and each would compile 300 modules anew, for 0.8 s.
# Pytest keeps its own compiled form of the tests' files as well.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

MEMORY = Path("/dev/shm")
GIGABYTE = 1 << 30


def has_room_in_memory() -> bool:
    """Tell if the folders of a run fit into memory, which take less than one gigabyte."""
    if not (MEMORY.is_dir() and os.access(MEMORY, os.W_OK | os.X_OK)):
        return False
    left = re.search(r"^MemAvailable: *(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    is_large = left is not None and int(left[1]) * 1024 > 6 * GIGABYTE
    return is_large and shutil.disk_usage(MEMORY).free > 2 * GIGABYTE


# A command waits 3 ms for each write to reach a disk, and the tests make very many. They switch no
# machine off, and a killed process loses nothing that it gave to the system.
if "TMPDIR" not in os.environ and has_room_in_memory():
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # else the folder that was asked for before stays

settings.register_profile(
    "default", max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile(
    "ci",
    max_examples=100,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "deep", max_examples=5_000, deadline=None, suppress_health_check=list(HealthCheck)
)
# A look at what breaks, where somebody waits: the newest releases of the libraries.
settings.register_profile(
    "quick",
    max_examples=10,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def pytest_xdist_auto_num_workers() -> int:
    """Return three workers for two cores: a test often waits for a process that it started.

    Two workers left a quarter of two cores idle.
    """
    cores = len(os.sched_getaffinity(0))
    return cores + (cores + 1) // 2


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage while the tests are collected, and never among them.

    Collecting makes 600,000 objects that stay until the end. To search them took 6 s.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    """Let Python look for garbage again after a test that ran a command.

    A command turns that off, since its process soon ends. A process of the tests grew to 4 GB, and
    the search that a later command began took 20 s of processor time.
    """
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Give each process of the run its share of the long files first. Otherwise the order stays."""
    given: dict[str, object] = getattr(config, "workerinput", {})
    items[:] = share_out(items, int(str(given.get("workercount", 1))))


def shared(path: str) -> Path:
    """Return a file of the reference material beside the checkout, or skip the test without it."""
    file = SHARED / path
    if not file.exists():
        if os.environ.get("OFFRAMP_MUST_RUN") and SHARED.exists():
            pytest.fail(f"the reference file {path} is missing")
        pytest.skip(f"the reference material ({path}) is not beside this checkout")
    return file


@pytest.fixture(scope="session", autouse=True)
def no_cache_of_the_user_s(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep proofs for the run only. The tests neither read nor write the user's own cache.

    The processes of one run (`-n`) share the cache, as the processes of one user do. The folder of
    the whole run is then the parent of each process's own.
    """
    if "PYTEST_XDIST_WORKER" in os.environ:
        cache = tmp_path_factory.getbasetemp().parent / "cache"
        cache.mkdir(mode=0o700, exist_ok=True)
    else:
        cache = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(cache))
        yield
