"""Run the commands in the documents and compare their output."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.conftest import ROOT

PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/**/*.md")])
_CONSOLE = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PYTHON = re.compile(r"^```python\n(>>>.*?)^```$", re.MULTILINE | re.DOTALL)


def _commands() -> list[tuple[Path, str, str]]:
    found = []
    for page in PAGES:
        if page.name in ("tutorial.md", "one-case.md"):
            continue  # its commands follow one another: `test_tutorial.py`, `test_one_case.py`
        for block in _CONSOLE.findall(page.read_text()):
            for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
                command, _, output = part.partition("\n")
                found.append((page, command, output))
    return found


@pytest.fixture(scope="session")
def tools(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `offramp` and `python3` of this very environment."""
    folder = tmp_path_factory.mktemp("bin")
    for name, line in (
        ("offramp", f'exec "{sys.executable}" -m offramp "$@"'),
        ("python3", f'exec "{sys.executable}" "$@"'),
    ):
        (folder / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.mark.parametrize(
    ("page", "command", "output"),
    _commands(),
    ids=[f"{page.name}: {command[:60]}" for page, command, _ in _commands()],
)
def test_a_documented_command_prints_what_the_page_shows(
    page: Path, command: str, output: str, tools: Path
) -> None:
    environment = {
        **os.environ,
        "PATH": f"{tools}:{os.environ['PATH']}",
        "COLUMNS": "110",
        "PYTHONPATH": os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH")))),
        "PYTHONIOENCODING": "utf-8",
        "JDK_JAVA_OPTIONS": "-XX:TieredStopAtLevel=1",  # a short run isn't worth much compiling
    }
    ran = subprocess.run(
        command, shell=True, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=240
    )
    shown = ran.stdout + ran.stderr
    if find_spec("z3") is None and "[no-solver]" in shown:
        pytest.skip("the solver isn't installed")
    if "[no-spark]" in shown or "[no-java]" in shown:
        pytest.skip("Spark (the extra `spark`) or Java isn't installed")
    assert shown.rstrip() == output.rstrip(), f"{page.name} shows something else for `{command}`"


@pytest.mark.parametrize(
    "page", [page for page in PAGES if _PYTHON.search(page.read_text())], ids=lambda page: page.name
)
def test_a_documented_python_session_goes_as_the_page_shows(page: Path) -> None:
    for session in _PYTHON.findall(page.read_text()):
        test = doctest.DocTestParser().get_doctest(session, {}, page.name, str(page), 0)
        assert doctest.DocTestRunner().run(test).failed == 0


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text()):
        if not target.startswith(("http://", "https://")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"
