"""Every code with which an agency's program refuses is on the page, with a fix that the program gives."""

from __future__ import annotations

import ast
from collections import defaultdict

from tests.conftest import ROOT
from tests.offramp.test_error_docs import rows

CLASSES = {"AgencyError", "HubAway"}


def given() -> dict[str, set[str | None]]:
    """The codes in the sources, each with its fixes; None stands for one that is worked out, or that the hub wrote."""
    found: dict[str, set[str | None]] = defaultdict(set)
    for path in sorted((ROOT / "offramp" / "agency").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id in CLASSES
            ):
                code, fixes = (
                    node.args[0],
                    [each.value for each in node.keywords if each.arg == "fix"],
                )
                assert isinstance(code, ast.Constant)
                found[str(code.value)] |= {
                    str(each.value) if isinstance(each, ast.Constant) else None for each in fixes
                }
    return found


def test_every_code_is_documented_once_with_a_fix_that_is_given() -> None:
    listed = rows("AgencyError")
    assert sorted(row["code"] for row in listed) == sorted(given())
    for row in listed:
        fixes = given()[row["code"]]
        assert row["fix"] in fixes or None in fixes, row["code"]
        assert row["meaning"].endswith("."), row["code"]
