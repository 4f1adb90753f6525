"""Follow the tutorial: run its commands, make its edits, and compare its outputs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.support.tutorial_page import BLOCK, PAGE, blocks, edit


def test_the_reader_comes_to_the_end_as_the_page_says(tmp_path: Path) -> None:
    pytest.importorskip("z3", reason="the page's step on mistakes needs the solver")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "offramp").write_text(
        f'#!/bin/sh\nexec "{sys.executable}" -m offramp "$@"\n'
    )
    (tmp_path / "bin" / "offramp").chmod(0o755)
    (tmp_path / "here").mkdir()
    for kind, text in blocks():
        if kind == "console":
            for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                assert_prints(command, output, tmp_path)
        elif kind == "diff":
            edit(tmp_path / "here", text)
        else:
            pytest.fail(f"a block of `{kind}` is nothing that a reader does")


def assert_prints(command: str, output: str, folder: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "110",
    }
    environment["PYTHONIOENCODING"] = "utf-8"
    ran = subprocess.run(
        command,
        shell=True,
        cwd=folder / "here",
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    shown = (ran.stdout + ran.stderr).rstrip()
    wanted = ".*".join(re.escape(part) for part in output.rstrip().split("…"))
    assert re.fullmatch(wanted, shown), f"`{command}` prints\n{shown}\nand the page says\n{output}"


def test_the_page_has_enough_of_both() -> None:
    kinds = [kind for kind, _ in blocks()]
    assert kinds.count("console") >= 6 and kinds.count("diff") >= 6


def test_a_line_number_in_the_text_is_one_that_a_command_prints() -> None:
    page = PAGE.read_text(encoding="utf-8")
    printed = "\n".join(text for kind, text in blocks() if kind == "console")
    for number in re.findall(r"\bline (\d+)", BLOCK.sub("", page), re.IGNORECASE):
        assert f":{number}:" in printed, f"no command prints line {number}"
