"""A decision from a cold shell loads what it needs and nothing heavy."""

from __future__ import annotations

import subprocess
import sys

import pytest

import rules
from tests.conftest import ROOT

HEAVY = (
    "pydantic",
    "typer",
    "click",
    "jsonschema",
    "fastapi",
    "starlette",
    "numpy",
    "duckdb",
    "z3",
    "asyncio",
    "hypothesis",
)


def test_a_decision_imports_nothing_heavy() -> None:
    program = (
        "import sys; from offramp.cli import main; "
        "code = main(['decide', 'santa-fe', 'eligibility', 'examples/arrest.json']); "
        "print('LOADED', *sys.modules); raise SystemExit(code)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in ran.stdout.rpartition("LOADED")[2].split()}
    assert not loaded & set(HEAVY)
    assert "rules" in loaded and "yaml" in loaded


def test_rules_find_the_shipped_packs_without_importing_the_application() -> None:
    program = (
        "import sys, rules; rules.load('santa-fe'); raise SystemExit('offramp' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_importing_rules_alone_loads_almost_nothing() -> None:
    program = (
        "import sys; before = set(sys.modules); import rules; print(*set(sys.modules) - before)"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert set(ran.stdout.split()) == {"rules", "__future__"}


def test_every_public_name_of_rules_can_be_imported() -> None:
    assert set(rules.__all__) <= set(dir(rules))
    assert all(getattr(rules, name) is not None for name in rules.__all__)
    with pytest.raises(AttributeError):
        rules.no_such_name  # noqa: B018  # the look-up is the test
