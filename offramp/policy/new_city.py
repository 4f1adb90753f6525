"""`offramp new`: a folder with a city's first draft, whole or not at all, that passes `check` and `test` as it stands."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import tempfile
from datetime import date
from pathlib import Path

from offramp.policy.variant import City, Draft, Variant
from rules.author.pack_schemas import pack_schema, scenarios_schema
from rules.author.scenarios import read_scenarios, run
from rules.decide.program import Program
from rules.errors import PackError, RequestError
from rules.input.facts import printable
from rules.packs.assemble import assemble
from rules.prove.proof_cache import prove
from rules.prove.soundness import idle
from rules.shelf import Neighbors, day_of, find, read_pack, shipped, vocabulary

_ID = re.compile(r"[a-z][a-z0-9-]{0,63}")


def new(options: argparse.Namespace) -> int:
    """Makes the folder and says what is in it. Raises `RequestError` before anything is written, or with nothing left."""
    name, starts = _id(options.name), day_of(options.starts) if options.starts else None
    folder = _free(Path(options.name))
    parent_folder = find(options.parent)
    parent = read_pack(options.parent)
    city = City(
        _shown(options.name), name, starts or max(date.today(), parent.program.since or date.min)
    )
    Program(parent).refuse_day_outside(city.starts, "--starts")
    beside = folder.resolve().parent
    if _parent_found(parent.id, beside) != parent_folder.resolve():
        raise RequestError(
            "not-beside",
            f"`{city.folder}` would not find the pack `{printable(options.parent)}` that it extends",
            fix="make it in the folder in which that pack lies",
        )
    draft = _made(city, Variant(city, parent, parent_folder), folder, beside)
    if options.json:
        shown = {
            "folder": city.folder,
            "id": city.id,
            "extends": parent.id,
            "starts": city.starts.isoformat(),
        }
        print(
            json.dumps(
                {
                    **shown,
                    "parameters": draft.parameters,
                    "rules": draft.rules,
                    "scenarios": draft.cases,
                },
                indent=2,
            )
        )
        return 0
    amounts = _counted(len(draft.parameters), "amount")
    rules = _counted(sum(len(ids) for ids in draft.rules.values()), "rule")
    print(
        f"{city.folder}: {city.title}, a variant of {parent.title}, from {city.starts}\n"
        f"    pack.yaml       {amounts} and {rules} to look at, where it says CHANGE\n"
        f"    scenarios.yaml  {_counted(len(draft.cases), 'case')} that must come out as they say\n"
        f"Change one thing at a time; after each, run `offramp check {city.folder}` and `offramp test {city.folder}`."
    )
    return 0


def _parent_found(pack_id: str, beside: Path) -> Path | None:
    """What a pack that lies in `beside` will read as its parent."""
    try:
        return Neighbors(beside).pack(pack_id).resolve()
    except PackError:
        return None


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _shown(name: str) -> str:
    return printable(name.rstrip("/"))


def _id(name: str) -> str:
    last = Path(name).name
    if not _ID.fullmatch(last):
        raise RequestError(
            "bad-name",
            f"`{_shown(name)}` can't be a pack's name",
            fix="small letters, digits and hyphens, such as `las-cruces`",
        )
    if last in shipped():
        raise RequestError(
            "bad-name", f"`{last}` is a pack that ships with Offramp", fix="choose another name"
        )
    return last


def _free(folder: Path) -> Path:
    try:
        if os.path.lexists(folder):
            raise RequestError(
                "file-taken", f"`{_shown(str(folder))}` is there already", fix="choose another name"
            )
        if not folder.absolute().parent.is_dir():
            above = _shown(str(folder.parent))
            raise RequestError(
                "no-folder",
                f"there is no folder `{above}` to make it in",
                fix="make that folder first",
            )
    except (OSError, ValueError):  # no name that a file can have
        raise RequestError(
            "no-folder",
            f"there is no folder for `{_shown(str(folder))}`",
            fix="choose another name",
        ) from None
    return folder


def _made(city: City, variant: Variant, folder: Path, beside: Path) -> Draft:
    """Writes everything apart, holds it to `check` and `test`, and only then gives it its name."""
    try:
        apart = Path(tempfile.mkdtemp(prefix=f".{city.id}-", dir=beside))
        try:
            draft = _tried(city, variant, apart / city.id, beside)
            if os.path.lexists(folder):  # made meanwhile; an empty folder would give way silently
                raise RequestError(
                    "file-taken", f"`{city.folder}` is there already", fix="choose another name"
                )
            (apart / city.id).rename(folder)
        finally:
            shutil.rmtree(apart, ignore_errors=True)
    except OSError as error:
        reason = (error.strerror or "the system refused").lower()
        raise RequestError(
            "no-output",
            f"`{city.folder}` could not be written: {reason}",
            fix="make room, or write elsewhere",
        ) from None
    return draft


def _tried(city: City, variant: Variant, folder: Path, beside: Path) -> Draft:
    folder.mkdir()
    (folder / ".schemas").mkdir()
    words = variant.parent.vocabulary
    for name, schema in (("pack", pack_schema(words)), ("scenarios", scenarios_schema(words))):
        _write(folder / ".schemas" / f"{name}.json", json.dumps(schema, indent=1) + "\n")
    _write(folder / "pack.yaml", variant.draft().pack)
    variant.leave_out(idle(assemble(folder, vocabulary(), Neighbors(beside))))
    _write(folder / "pack.yaml", variant.draft().pack)
    draft = variant.draft(Program(assemble(folder, vocabulary(), Neighbors(beside))))
    _write(folder / "pack.yaml", draft.pack)
    _write(folder / "scenarios.yaml", draft.scenarios)
    pack = assemble(folder, vocabulary(), Neighbors(beside))
    prove(pack)
    report = run(Program(pack), read_scenarios(folder))
    assert report.passed, [failure.what for failure in report.failures] + report.short_of
    return draft


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
