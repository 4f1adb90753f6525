"""Check that the bench of engines checks their results first and names the missing engines."""

from __future__ import annotations

import subprocess
import sys

from tests.conftest import ROOT


def test_the_engines_that_are_here_agree_and_the_others_are_named() -> None:
    command = [sys.executable, "bench/engines.py", "--runs", "1"]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "engines give the same outcomes on 363 cases" in ran.stdout
    for peer in (
        "durable_rules",
        "zen-engine",
        "cel-expr-python",
        "datalogic-py",
        "cedarpy",
        "OpenFisca",
    ):
        assert f"\n{peer}" in ran.stdout
