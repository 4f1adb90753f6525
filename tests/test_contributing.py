"""Follow the recipes of CONTRIBUTING.md in a copy of the repository, as a newcomer would.

Blocks of `yaml` and `python` are files. Their first line is a comment with the path. A `diff`
changes a file. A `console` block runs commands and shows their output, in which `…` matches
anything. The blocks of `sh` are left out here, because the gate runs their parts.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
COPIED = ("rules", "exchange", "offramp", "jurisdictions", "schemas", "tests", "pyproject.toml")
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the repository, with `offramp` and `python` beside it."""
    away = tmp_path_factory.mktemp("contributing")
    for name in COPIED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(ROOT / name, away / "copy" / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, away / "copy" / name)
    (away / "bin").mkdir()
    for name, module in (("offramp", "-m offramp "), ("python", "")):
        script = away / "bin" / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n')
        script.chmod(0o755)
    return away / "copy"


def test_the_recipes_work_in_their_order(copy: Path) -> None:
    blocks = _BLOCK.findall(PAGE[PAGE.index("## Recipes") :])
    kinds = [kind for kind, _ in blocks]
    assert kinds.count("console") >= 5 and kinds.count("diff") >= 5
    for kind, text in blocks:
        if kind in ("yaml", "python"):
            write_file(copy, text)
        elif kind == "diff":
            change_file(copy, text)
        elif kind == "console":
            run_commands(copy, text)
        else:
            assert kind == "sh", f"a recipe contains an unknown block `{kind}`"


def write_file(folder: Path, text: str) -> None:
    """Write a new file. Its first line names the path."""
    first, _, content = text.partition("\n")
    path = folder / first.removeprefix("# ")
    assert not path.exists(), f"`{path.name}` exists already"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def change_file(folder: Path, text: str) -> None:
    """Apply one change. The lines without `+` must occur exactly once in the file."""
    first, *lines = text.splitlines()
    path = folder / first.removeprefix("--- ")
    before = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "+")
    after = "".join(f"{line[1:]}\n" for line in lines if line[:1] != "-")
    content = path.read_text(encoding="utf-8")
    found = content.count(before)
    assert found == 1, f"`{path.name}` contains these lines {found} times:\n{before}"
    path.write_text(content.replace(before, after), encoding="utf-8")


def run_commands(folder: Path, text: str) -> None:
    """Run each command of a block and compare its output."""
    environment = {
        **os.environ,
        "PATH": f"{folder.parent / 'bin'}:{os.environ['PATH']}",
        "PYTHONPATH": str(folder),
        "PYTHONIOENCODING": "utf-8",
        "COLUMNS": "110",
    }
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        ran = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=300,
        )
        shown = (ran.stdout + ran.stderr).rstrip()
        pattern = ".*".join(re.escape(piece) for piece in expected.rstrip().split("…"))
        assert re.fullmatch(pattern, shown, re.DOTALL), (
            f"`{command}` prints\n{shown}\nand the page shows\n{expected}"
        )
