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
    "pyspark",
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
    assert "rules" in loaded


def loaded_by(*words: str) -> set[str]:
    """Return the modules that a command loads in a process of its own."""
    program = (
        "import sys; from offramp.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "print('LOADED', *sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ran.stdout.rpartition("LOADED")[2].split())


@pytest.mark.parametrize("words", [["--version"], ["--help"], [], ["nonsense"]])
def test_what_needs_only_names_loads_no_command(words: list[str]) -> None:
    loaded = loaded_by(*words)
    assert "offramp.cli" in loaded
    assert not {"offramp.arguments", "rules.shelf", "exchange", "offramp.agency", "yaml"} & loaded


def test_a_second_cold_decision_reads_no_yaml() -> None:
    words = ("decide", "santa-fe", "eligibility", "examples/arrest.json")
    loaded_by(*words)
    assert not {"yaml", "rules.packs.assemble", "rules.language.parse"} & loaded_by(*words)


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
