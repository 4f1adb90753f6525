"""Add scenarios at the end of a pack's files, so that what is there stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from offramp.policy.variant_scenarios import facts_like
from offramp.policy.yaml_text import to_yaml
from rules.author.scenarios import FILE, GENERATED, Scenario, read_generated, read_scenarios
from rules.errors import RequestError
from rules.input.printing import plain, printable
from rules.input.yaml import read_text
from rules.shelf import find, shipped

_HEADER = """\
# Read before you keep. `offramp test --mutants --write` made these cases. Each takes the pack's own
# answer as right. If the pack has a typo, the case has it too. Change or delete what is wrong.
# They notice small mistakes that no case of scenarios.yaml notices, and lie beside days of change.
"""


def refuse_shipped(name: str) -> None:
    """Refuse to change the scenarios of a shipped pack. Raises `RequestError`."""
    if name in shipped():
        raise RequestError(
            "usage",
            f"`{name}` is a shipped pack, and its scenarios stay as they are",
            fix="name the folder of a pack of your own",
        )


def append_items(path: Path, items: Iterable[Mapping[str, Any]], header: str = "") -> None:
    """Add scenarios to a file. Raises `RequestError` for a file to which none can be added."""
    added = "".join(f"\n{to_yaml([item])}\n" for item in items)
    try:
        before = path.read_text("utf-8") if path.exists() else header
        if added and before and not before.endswith("\n"):
            added = f"\n{added}"
        read_text(before + added, path.name).items("the scenarios") if added else None
        if added:
            _replace(path.resolve(), before + (added if before else added.lstrip("\n")))
    except OSError as error:
        reason = (error.strerror or "the system refused").lower()
        raise RequestError(
            "no-output",
            f"`{printable(path)}` can't be written: {reason}",
            fix="check the folder's permissions",
        ) from None


def _replace(path: Path, text: str) -> None:
    """Write a file complete, or leave it as it was."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        if path.exists():
            shutil.copymode(path, partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def add_generated(name: str, scenarios: Iterable[Scenario]) -> list[str]:
    """Add scenarios to `scenarios.auto.yaml`, and return their ids. Raises `RequestError`."""
    refuse_shipped(name)
    folder = find(name)
    written = read_scenarios(folder) if (folder / FILE).exists() else []
    earlier = [*written, *read_generated(folder, written)]
    items: list[dict[str, Any]] = []
    for scenario in scenarios:
        item: dict[str, Any] = {
            "id": scenario.id,
            "says": scenario.says,
            "decision": scenario.decision,
        }
        item |= {"as_of": scenario.as_of} if scenario.as_of is not None else {}
        like, facts = facts_like(scenario, earlier)
        item |= {"like": like} if like is not None else {}
        item |= {"facts": plain(facts)} if facts else {}
        item["expect"] = dict(scenario.expect)
        items.append(item)
        earlier.append(scenario)
    append_items(folder / GENERATED, items, _HEADER)
    return [item["id"] for item in items]
