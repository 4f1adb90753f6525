"""Check the page of errors against the codes and fixes in an agency's program."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.conftest import ROOT
from tests.support.error_page import rows

CLASSES = {"AgencyError", "HubAway"}


def fixes_by_code() -> dict[str, set[str | None]]:
    """Return the codes in the sources and their fixes.

    None means that the fix is computed, or that the hub wrote it.
    """
    fixes: dict[str, set[str | None]] = defaultdict(set)
    for path in sorted((ROOT / "offramp" / "agency").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in CLASSES
            ):
                code = node.args[0]
                assert isinstance(code, ast.Constant)
                fixes[str(code.value)] |= {
                    str(keyword.value.value) if isinstance(keyword.value, ast.Constant) else None
                    for keyword in node.keywords
                    if keyword.arg == "fix"
                }
    return fixes


def test_every_code_is_documented_once_with_a_fix_that_is_given() -> None:
    listed, by_code = rows("AgencyError"), fixes_by_code()
    assert sorted(row["code"] for row in listed) == sorted(by_code)
    for row in listed:
        fixes = by_code[row["code"]]
        assert row["fix"] in fixes or None in fixes, row["code"]
        assert row["meaning"].endswith("."), row["code"]
