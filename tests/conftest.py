"""The paths, Hypothesis profiles, and cache of proofs that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"

# Python compiles each module once for the processes of all runs, also where it was told not to. The
# tests start hundreds of processes, and each would compile 300 modules anew, for 0.8 s.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

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
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


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
