"""The codes of refusals, read from the sources. Each needs a row in the documents and a test.

A code is a word in hyphens among the first two arguments of an error's class, or of a function or
method called `fail` or `error`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.conftest import ROOT

_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_CLASSES = {
    "PackError": "PackError",
    "FactsError": "FactsError",
    "RequestError": "RequestError",
    "ConditionError": "PackError",  # always reported as one
    "TextError": "TextError",
    "KeyMaterialError": "KeyMaterialError",
    "SignedTextError": "SignedTextError",
    "SealError": "SealError",
    "DisclosureError": "DisclosureError",
    "TreeError": "TreeError",
    "NoteError": "NoteError",
    "ContentError": "ContentError",
    "RecordError": "RecordError",
    "DirectoryError": "DirectoryError",
    "LogError": "LogError",
    "RequestRefused": "RequestRefused",
    "StoreError": "StoreError",
    "AgencyError": "AgencyError",
    "HubAway": "AgencyError",
    "EngineError": "EngineError",
    "NotPassed": "NotPassed",
    "SolverError": "SolverError",
}
# Whose refusals a module's own `fail` raises; a node's `fail`, anywhere, is a `PackError`.
_MODULES = {
    "facts.py": "FactsError",
    "values.py": "FactsError",
}


# Reading all sources takes a second, and they stay as they are while the tests run.
@cache
def raised(folders: tuple[str, ...] = ("rules", "exchange", "offramp")) -> dict[str, set[str]]:
    """The codes of each class of refusal."""
    found: dict[str, set[str]] = {}
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            for kind, code in _in_module(path.name, ast.parse(path.read_text(encoding="utf-8"))):
                found.setdefault(kind, set()).add(code)
    return found


def _in_module(module: str, tree: ast.Module) -> Iterator[tuple[str, str]]:
    own = _MODULES.get(module, "PackError")
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            names = [
                target
                for one in node.targets
                for target in (one.elts if isinstance(one, ast.Tuple) else [one])
            ]
            if any(isinstance(name, ast.Name) and name.id == "code" for name in names):
                yield from ((own, code) for code in _words(node.value))
        if isinstance(node, ast.Call):
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            kind = _CLASSES.get(name) or (own if name in ("fail", "error") else None)
            if kind is not None:
                arguments = (
                    node.args[1:2] if own == "FactsError" and name == "fail" else node.args[:2]
                )
                yield from ((kind, code) for argument in arguments for code in _words(argument))


def _words(node: ast.expr) -> Iterator[str]:
    """The words that an expression may be: itself, either branch, or the first of a pair."""
    if (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and _CODE.fullmatch(node.value)
    ):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _words(node.body)
        yield from _words(node.orelse)
    elif isinstance(node, ast.Tuple):
        yield from _words(node.elts[0])
