"""Write the folder of a city's first draft, complete or not at all.

The draft passes `offramp check` and `offramp test` as it is.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import tempfile
from datetime import date
from pathlib import Path
from typing import Any

from offramp.policy.city import City
from offramp.policy.variant import Draft, Variant
from rules.author.pack_schemas import pack_schema, scenarios_schema
from rules.author.scenarios import read_scenarios, run
from rules.decide.program import Program
from rules.errors import PackError, RequestError
from rules.frozen import frozen
from rules.input.printing import printable
from rules.packs.assemble import assemble
from rules.packs.pack import Pack
from rules.prove.proof_cache import prove
from rules.prove.reachable import idle
from rules.shelf import Neighbors, find, read_pack, shipped, vocabulary

_ID = re.compile(r"[a-z][a-z0-9-]{0,63}")


@frozen
class CityFolder:
    """A folder with a city's draft: the city, the pack it extends, and the contents."""

    city: City
    parent: Pack
    draft: Draft


def write_city(name: str, parent: str, *, starts: date | None, today: date) -> CityFolder:
    """Write the folder `name` with a draft that extends the pack `parent`.

    Raises `RequestError` before anything is written, or with nothing left behind.
    """
    pack_id = _pack_id(name)
    folder = _free_folder(name)
    parent_folder = find(parent)
    parent_pack = read_pack(parent)
    first_day = starts or max(today, parent_pack.program.since or date.min)
    city = City(_label(name), pack_id, first_day)
    Program(parent_pack).refuse_day_outside(first_day, "--starts")
    siblings = folder.resolve().parent
    if _find_parent(parent_pack.id, siblings) != parent_folder.resolve():
        raise RequestError(
            "not-beside",
            f"`{city.folder}` would not find the pack `{printable(parent)}` that it extends",
            fix="make it in the folder in which that pack lies",
        )
    draft = _write_draft(Variant(city, parent_pack, parent_folder), folder, siblings)
    return CityFolder(city, parent_pack, draft)


def city_as_json(created: CityFolder) -> dict[str, Any]:
    """Return the new folder as `offramp new --json` prints it."""
    return {
        "folder": created.city.folder,
        "id": created.city.id,
        "extends": created.parent.id,
        "starts": created.city.starts.isoformat(),
        "parameters": created.draft.parameters,
        "rules": created.draft.rules,
        "scenarios": created.draft.scenario_ids,
    }


def city_as_text(created: CityFolder) -> str:
    """Return the new folder's files and the commands to run next."""
    city, draft = created.city, created.draft
    amounts = _count(len(draft.parameters), "amount")
    rules = _count(sum(len(ids) for ids in draft.rules.values()), "rule")
    cases = _count(len(draft.scenario_ids), "case")
    argument = shlex.quote(city.folder)
    return (
        f"{city.folder}: {city.title}, a variant of {created.parent.title}, from {city.starts}\n"
        f"    pack.yaml       {amounts} and {rules} to look at, where it says CHANGE\n"
        f"    scenarios.yaml  {cases} that must come out as they say\n"
        f"Change one thing at a time; after each, run `offramp check {argument}` and "
        f"`offramp test {argument}`."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _label(name: str) -> str:
    return printable(name.rstrip("/"))


def _find_parent(pack_id: str, folder: Path) -> Path | None:
    """Return the folder that a pack in `folder` reads as its parent."""
    try:
        return Neighbors(folder).pack(pack_id).resolve()
    except PackError:
        return None


def _pack_id(name: str) -> str:
    pack_id = Path(name).name
    if not _ID.fullmatch(pack_id):
        raise RequestError(
            "bad-name",
            f"`{_label(name)}` can't be a pack's name",
            fix="small letters, digits and hyphens, such as `las-cruces`",
        )
    if pack_id in shipped():
        raise RequestError(
            "bad-name", f"`{pack_id}` is a pack that ships with Offramp", fix="choose another name"
        )
    return pack_id


def _free_folder(name: str) -> Path:
    folder = Path(name)
    label = _label(str(folder))
    try:
        if os.path.lexists(folder):
            raise RequestError(
                "file-taken", f"`{label}` is there already", fix="choose another name"
            )
        if not folder.absolute().parent.is_dir():
            raise RequestError(
                "no-folder",
                f"there is no folder `{_label(str(folder.parent))}` to make it in",
                fix="make that folder first",
            )
    except (OSError, ValueError):  # not a name that a file can have
        raise RequestError(
            "no-folder", f"there is no folder for `{label}`", fix="choose another name"
        ) from None
    return folder


def _write_draft(variant: Variant, folder: Path, siblings: Path) -> Draft:
    """Write everything to a temporary folder, check and test it, and only then rename it."""
    city = variant.city
    try:
        temporary = Path(tempfile.mkdtemp(prefix=f".{city.id}-", dir=siblings))
        try:
            draft = _write_and_check(variant, temporary / city.id, siblings)
            # Another process may have made it. An empty folder would be replaced silently.
            if os.path.lexists(folder):
                raise RequestError(
                    "file-taken", f"`{city.folder}` is there already", fix="choose another name"
                )
            (temporary / city.id).rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        reason = (error.strerror or "the system refused").lower()
        raise RequestError(
            "no-output",
            f"`{city.folder}` could not be written: {reason}",
            fix="make room, or write elsewhere",
        ) from None
    return draft


def _write_and_check(variant: Variant, folder: Path, siblings: Path) -> Draft:
    def read() -> Pack:
        """Read the draft as written so far."""
        return assemble(folder, vocabulary(), Neighbors(siblings))

    folder.mkdir()
    (folder / ".schemas").mkdir()
    words_allowed = variant.parent.vocabulary
    for name, schema in (
        ("pack", pack_schema(words_allowed)),
        ("scenarios", scenarios_schema(words_allowed)),
    ):
        _write(folder / ".schemas" / f"{name}.json", json.dumps(schema, indent=1) + "\n")
    _write(folder / "pack.yaml", variant.draft().pack)
    variant.leave_out(idle(read()))
    _write(folder / "pack.yaml", variant.draft().pack)
    draft = variant.draft(Program(read()))
    _write(folder / "pack.yaml", draft.pack)
    _write(folder / "scenarios.yaml", draft.scenarios)
    pack = read()
    prove(pack)
    report = run(Program(pack), read_scenarios(folder))
    assert report.passed, [failure.what for failure in report.failures] + report.short_of
    return draft


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
