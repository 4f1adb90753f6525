"""The paths, Hypothesis profiles, and cache of proofs that all tests share."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"

# Python compiles each module once for the processes of all runs, also where it was told not to. The
# tests start hundreds of processes, and each would compile 300 modules anew, for 0.8 s.
# Pytest keeps its own compiled form of the tests' files as well.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

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


# Files whose tests take half a minute, or share what takes as long. The last tests of a run are
# then short ones, and no process of the run waits for another one's long test.
LONG = (
    "test_whole_story.py",
    "test_demo.py",
    "test_console_decisions.py",
    "test_console_walk.py",
    "test_draft_editor.py",
    "test_agency_console.py",
    "test_console_case.py",
    "test_console_consent.py",
    "test_acceptance_case.py",
    "test_acceptance_offer.py",
    "test_acceptance_people.py",
    "test_pack_schemas.py",
    "test_retention.py",
    "test_mistakes_process.py",
    "test_agency_process.py",
    "test_change_examples.py",
    "test_t10_revocation_race.py",
    "test_report.py",
    "test_one_case.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first. Otherwise the order stays."""
    items.sort(key=lambda item: LONG.index(item.path.name) if item.path.name in LONG else len(LONG))


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
