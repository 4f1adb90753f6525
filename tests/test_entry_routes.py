"""Every entry route is listed, the list has no stale row, and only the listed modules print."""

from __future__ import annotations

import ast

import pytest

from tests.conftest import ROOT
from tests.support.entry_routes import PACKAGES, listed, uses, uses_in


def test_every_entry_route_is_listed_and_no_row_is_stale() -> None:
    rows = [(module, kind.strip()) for module, kind, _ in listed()]
    assert len(set(rows)) == len(rows)
    assert uses() - set(rows) == set(), "read from outside by a listed reader, or add a row"
    assert set(rows) - uses() == set(), "delete the stale row of docs/entry-routes.md"


def test_every_row_names_a_reader_that_exists() -> None:
    for module, _, reader in listed():
        assert reader, module
        for path in reader.split("`")[1::2]:
            assert not path.endswith(".py") or (ROOT / path).is_file(), path


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("open('a')", "file"),
        ("from pathlib import Path\nPath('a').read_text()", "file"),
        ("import json\njson.load(stream)", "JSON"),
        ("from json import loads as parse\nparse(text)", "JSON"),
        ("import yaml as y\ny.safe_load(text)", "YAML"),
        ("import tomllib\ntomllib.loads(text)", "TOML"),
        ("import sys\nfor line in sys.stdin: pass", "standard input"),
        ("import os\nos.environ['HOME']", "environment"),
        ("answer = input()", "standard input"),
        ("import csv\ncsv.reader(stream)", "CSV"),
        ("from urllib.request import urlopen\nurlopen(url)", "HTTP answer"),
        ("import sqlite3\nsqlite3.connect(path)", "database"),
        ("import time\ntime.time()", "clock"),
        ("from datetime import datetime\ndatetime.now()", "clock"),
        ("import sys\nsys.argv", "arguments"),
    ],
)
def test_a_new_route_would_be_found(code: str, kind: str) -> None:
    assert kind in set(uses_in(ast.parse(code)))


# A pipe to a child process carries JSON alone, and no person reads it.
_PIPES = ("offramp/policy/second_engine.py", "offramp/policy/second_engine_process.py")


def test_only_one_module_prints() -> None:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            module = path.relative_to(ROOT).as_posix()
            if module == "offramp/terminal.py" or module in _PIPES:
                continue
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                is_print = isinstance(node, ast.Name) and node.id == "print"
                is_write = isinstance(node, ast.Attribute) and ast.unparse(node) in (
                    "sys.stdout.write",
                    "sys.stderr.write",
                )
                assert not is_print and not is_write, f"{module}:{node.lineno}"
