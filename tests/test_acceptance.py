"""Hold the page about the console's acceptance to the tests that exist and to the list itself."""

from __future__ import annotations

import ast
import re
from functools import cache

from tests.conftest import ROOT, shared

FOLDER = ROOT / "tests" / "offramp"
_ROW = re.compile(r"^\| ([A-Z]\d+) \| (.+?) \| (.+) \|$", re.MULTILINE)
_TEST = re.compile(r"`(test_\w+\.py)::(\w+)`")


def rows() -> dict[str, tuple[str, str]]:
    """Return the tests and what isn't shown of each line of the list."""
    found = _ROW.findall((ROOT / "tests" / "acceptance.md").read_text(encoding="utf-8"))
    assert len({id_ for id_, *_ in found}) == len(found), "each line has one row"
    return {id_: (tests, rest) for id_, tests, rest in found}


@cache
def names_in(file: str) -> frozenset[str]:
    tree = ast.parse((FOLDER / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def test_each_named_test_exists_and_what_has_none_says_why() -> None:
    for id_, (tests, rest) in rows().items():
        named = _TEST.findall(tests)
        assert named or (tests, rest != "–") == ("–", True), id_
        for file, name in named:
            assert name in names_in(file), (id_, file, name)


def test_each_line_of_the_list_has_a_row() -> None:
    text = shared("console/ACCEPTANCE.md").read_text(encoding="utf-8")
    pages = text.partition("## Every page")[2]
    ids = {*re.findall(r"^\| ([A-Z]\d+) \|", text, re.MULTILINE), *re.findall(r"\bV\d+\b", pages)}
    assert ids == rows().keys()
