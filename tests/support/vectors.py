"""The published test vectors beside the checkout, and what is said of the few that we answer otherwise.

A case is skipped only by a *kind*, which is a rule about the case itself, so that nothing else can hide under it; each test
file holds how often each kind occurs. A case that is plainly wrong is an *exception*, listed by number with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.conftest import SHARED

Case = dict[str, Any]


def vectors(name: str) -> Any:
    """The content of one file of vectors; nothing where it isn't beside the checkout (`shared` then skips the test)."""
    path = SHARED / "vectors" / name
    return json.loads(path.read_bytes()) if path.exists() else {}


def wycheproof(name: str) -> list[tuple[Case, Case]]:
    """Every case of one Wycheproof file with its group."""
    return list(_cases(vectors(f"wycheproof/{name}_test.json")))


def _cases(file: Any) -> Iterator[tuple[Case, Case]]:
    for group in file.get("testGroups", []):
        for case in group["tests"]:
            yield group, case


def numbered(given: tuple[Case, Case]) -> str:
    """A case's name in a test report."""
    group, case = given
    return f"{case['tcId']}-{group.get('comment', '')}-{case['comment']}".replace(" ", "_")[:60]
