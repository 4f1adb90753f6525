"""Run each file of `examples/` in an empty folder and check the lines that matter in its output."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
EXPECTED: dict[str, tuple[str, ...]] = {
    "decide_a_case.py": (
        "eligibility: eligible, decided by program",
        "  source: The Nation, 2014",
        "[outside-program] `santa-fe` began on 2014-04-01",
    ),
    "explain_an_answer.py": (
        "status: undetermined, possible outcomes: ineligible, eligible",
        "ask police: How many grams does it weigh?  (encounter.drugs[0].grams)",
        "open rules: over-the-cap, record-stops",
        "with both answers: eligible",
    ),
    "run_an_interview.py": (
        "police: How old is the person?",
        "offer: decided, may_offer",
    ),
    "seal_a_record.py": (
        "the hub sees: status from crossroads, category status",
        "the hub can read the content: False",
        "the prosecutor reads: {'status': {'engagement': 'engaged'}}",
        "police: ",
    ),
    "decide_a_table.sh": (
        "  A1: may_offer",
        "  A3: may_not_offer",
        "  A3: ineligible",
        "  A4: error no-such-day at encounter.date",
    ),
    "new_city.sh": (
        "las-cruces: 49 of 49 scenarios hold",
        "a scenario fails: the change has an effect",
        "# Las Cruces",
    ),
}


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with `offramp` and `python3` of this environment."""
    folder = tmp_path_factory.mktemp("programs")
    for name, module in (("offramp", "-m offramp "), ("python3", "")):
        script = folder / name
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" {module}"$@"\n')
        script.chmod(0o755)
    return folder


def test_every_example_is_run() -> None:
    found = {path.name for path in EXAMPLES.iterdir() if path.suffix in (".py", ".sh")}
    assert found == set(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_an_example_prints_what_it_promises(name: str, programs: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "PYTHONIOENCODING": "utf-8",
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }
    folder = tmp_path / "empty"
    folder.mkdir()
    command = [sys.executable if name.endswith(".py") else "sh", str(EXAMPLES / name)]
    ran = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stderr
    for line in EXPECTED[name]:
        assert any(shown.startswith(line) for shown in ran.stdout.splitlines()), (
            f"`{name}` does not print `{line}`:\n{ran.stdout}"
        )
