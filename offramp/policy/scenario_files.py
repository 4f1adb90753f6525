"""Add scenarios at the end of a pack's files, so that what is there stays as it is."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from offramp.policy.given_paths import packs_named
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


def check_can_add(name: str) -> None:
    """Refuse to add scenarios to what is no folder of the user's. Raises `RequestError`."""
    names = packs_named([name])
    for pack_name in names:
        refuse_shipped(pack_name)
    if not any(Path(path).is_dir() for path in names):
        raise RequestError(
            "usage",
            f"`{printable(name)}` is no folder, so no scenario can be added to it",
            fix="name the folder of a pack of your own",
        )


def add_offered(folder: Path, items: Iterable[Mapping[str, Any]]) -> None:
    """Add the scenarios that a memo offers to `scenarios.yaml`. Raises `RequestError`."""
    append_items(folder / FILE, items)


def append_items(path: Path, items: Iterable[Mapping[str, Any]], header: str = "") -> None:
    """Add scenarios to a file. Raises `RequestError` for a file to which none can be added."""
    added = "".join(f"\n{to_yaml([item])}\n" for item in items)
    try:
        before = path.read_text("utf-8") if path.exists() else header
    except OSError as error:
        raise _not_written(path, error) from None
    if added and before and not before.endswith("\n"):
        added = f"\n{added}"
    if added:
        read_text(before + added, path.name).items("the scenarios")
        replace_file(path.resolve(), before + (added if before else added.lstrip("\n")))


def _not_written(path: Path, error: OSError) -> RequestError:
    reason = (error.strerror or "the system refused").lower()
    return RequestError(
        "no-output",
        f"`{printable(path)}` can't be written: {reason}",
        fix="check the folder's permissions",
    )


def replace_file(path: Path, text: str) -> None:
    """Write a file complete, or leave it as it was. Raises `RequestError` `no-output`."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        if path.exists():
            shutil.copymode(path, partial)
        partial.replace(path)
    except OSError as error:
        raise _not_written(path, error) from None
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
