"""Published test vectors beside the checkout, and the few cases that this code answers differently.

A case is skipped only by a *kind*, a rule about the case itself, so that nothing else can hide
under it. Each test file states how often each kind occurs. A case that is plainly wrong is an
*exception*, listed by number with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.conftest import SHARED

Case = dict[str, Any]


def vectors(name: str) -> Any:
    """Read a file of vectors. Empty if it isn't beside the checkout (`shared` then skips the
    test).
    """
    path = SHARED / "vectors" / name
    return json.loads(path.read_bytes()) if path.exists() else {}


def wycheproof(name: str) -> list[tuple[Case, Case]]:
    """Return every case of a Wycheproof file with its group."""
    return list(_cases(vectors(f"wycheproof/{name}_test.json")))


def _cases(file: Any) -> Iterator[tuple[Case, Case]]:
    for group in file.get("testGroups", []):
        for case in group["tests"]:
            yield group, case


def numbered(group_and_case: tuple[Case, Case]) -> str:
    """Return a case's name in a test report."""
    group, case = group_and_case
    return f"{case['tcId']}-{group.get('comment', '')}-{case['comment']}".replace(" ", "_")[:60]
