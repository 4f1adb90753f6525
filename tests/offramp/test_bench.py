"""Check that the bench of engines checks their results first and names the missing engines."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_one_command_says_which_bars_hold(tmp_path: Path) -> None:
    """It writes a file for machines, and the table of the page between two marks."""
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "bench", checkout / "bench")
    (checkout / "docs").mkdir()
    page = checkout / "docs" / "measurements.md"
    page.write_text("Before\n<!-- bench: begin -->\nearlier figures\n<!-- bench: end -->\nAfter\n")
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", *words]
        subprocess.run(git, cwd=checkout, check=True)
    command = [sys.executable, "-m", "bench", "--quick", "--write", "interview"]
    ran = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    assert ran.returncode in (0, 1), ran.stderr
    assert "bar at most 20: " in ran.stdout
    written = json.loads((checkout / "bench-results.json").read_text())
    (figure,) = written["figures"]
    assert figure["median"] > 0 and figure["count"] > 10 and written["failed"] == []
    text = page.read_text()
    assert text.startswith("Before\n") and text.endswith("\nAfter\n") and "earlier" not in text
    assert figure["name"] in text and written["commit"] in text


def test_a_bar_is_held_against_the_median(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    measured = importlib.import_module("measured")
    for figures, sense, holds in (
        ([1, 2, 9], "at most", True),
        ([1, 3, 9], "at most", False),
        ([1, 3, 9], "at least", True),
        ([1, 1.9, 9], "at least", False),
    ):
        one = measured.Measurement.of("work", figures, measured.Bar(2, "x", sense))
        assert one.holds is holds and one.line().endswith("holds" if holds else "MISSED")
