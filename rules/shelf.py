"""Where packs lie: a folder that the caller names, or a shipped id, found as package data of `offramp`.

Finding package data is no import: the application is looked up by name and never loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from rules.decide.program import Program
from rules.errors import PackError, RequestError, nearest, respelled
from rules.frozen import frozen
from rules.input.printing import printable
from rules.input.values import iso_day
from rules.input.vocabulary import Vocabulary, read_vocabulary
from rules.packs.assemble import assemble
from rules.packs.pack import Pack

TABLE = "offenses.csv"


@lru_cache(maxsize=1)
def jurisdictions() -> Path:
    """The folder of the vocabulary and the shipped packs: inside the installed `offramp`, or beside it in a checkout."""
    spec = find_spec("offramp")
    places = list(spec.submodule_search_locations or ()) if spec else []
    for place in places:
        for folder in (Path(place) / "jurisdictions", Path(place).parent / "jurisdictions"):
            if (folder / "vocabulary.yaml").is_file():
                return folder
    raise PackError("no-file", "the shipped packs are not installed", fix="install `offramp` again")


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    return read_vocabulary(jurisdictions() / "vocabulary.yaml")


@lru_cache(maxsize=1)
def english() -> dict[str, str | tuple[str, str]]:
    """How documents speak of facts, by path: a noun, or the two clauses of a yes or no, or a list's singular and plural."""
    from rules.input.yaml import read_file

    found: dict[str, str | tuple[str, str]] = {}
    for path, node in read_file(jurisdictions() / "english.yaml").mapping("the phrases").items():
        if isinstance(node.value, list):
            one, other = (item.text("a phrase") for item in node.items(f"`{path}`"))
            found[path] = (one, other)
        else:
            found[path] = node.text("a phrase")
    return found


def shipped() -> tuple[str, ...]:
    """The ids of the shipped packs, in order."""
    return tuple(sorted(folder.parent.name for folder in jurisdictions().glob("*/pack.yaml")))


def find(name: str, beside: Path | None = None) -> Path:
    """The folder of a pack: a path to one or a shipped id; of what a pack in `beside` names, a neighbor or a shipped id."""
    try:
        found = _found(name, beside)
    except (OSError, ValueError):  # no name that a file can have
        found = None
    if found is None:
        raise RequestError(
            "unknown-pack",
            f"there is no pack `{printable(name)}`",
            fix=nearest(printable(name), shipped()),
        )
    return found


def _found(name: str, beside: Path | None) -> Path | None:
    given = Path(name)
    if beside is None and given.is_dir() and ("/" in name or not (jurisdictions() / name).is_dir()):
        return given
    for folder in (beside, jurisdictions()):
        if folder is not None and "/" not in name and (folder / name / "pack.yaml").is_file():
            return folder / name
    return (
        given.parent if beside is None and given.name == "pack.yaml" and given.is_file() else None
    )


def read_pack(name: str | Path, *, whole: bool | None = None) -> Pack:
    """Reads a pack and checks every condition. What only shows over the whole pack, proofs included, is checked for every
    pack that isn't shipped, unless `whole` says otherwise; a shipped one was by the gate that let it out. What this user
    proved already isn't proved again (see `proved`).
    """
    folder = find(str(name))
    folder_of_parents = folder.resolve().parent
    pack = assemble(folder, vocabulary(), Neighbors(folder_of_parents))
    if whole or (whole is None and folder_of_parents != jurisdictions().resolve()):
        from rules.prove.proof_cache import (
            prove,
        )  # late: a shipped pack needs no proof, and a cold start feels it

        prove(pack)
    return pack


@frozen
class Neighbors:
    """How the packs in a folder find what they name: beside them first, then among what is shipped. Raises `PackError`."""

    folder: Path

    def pack(self, pack_id: str) -> Path:
        """The folder of a parent."""
        try:
            return find(pack_id, beside=self.folder)
        except RequestError as error:
            raise PackError("unknown-pack", error.message, fix=error.fix) from None

    def table(self, name: str) -> Path:
        """The folder of an offense table."""
        places = (jurisdictions(), self.folder)
        found = {
            table.parent.name: table.parent
            for place in places
            for table in sorted(place.glob(f"*/{TABLE}"))
        }
        if name not in found:
            old = _old_table(name, places)
            fix = (
                f"rename its `{old}` to `{TABLE}`"
                if old
                else nearest(printable(name), tuple(found))
            )
            raise PackError(
                "unknown-offenses", f"there is no offense table `{printable(name)}`", fix=fix
            )
        return found[name]


def _old_table(name: str, places: Iterable[Path]) -> str | None:
    """The file of an offense table that has its old spelling, if this folder has one."""
    return next(
        (
            file.name
            for place in places
            for file in place.glob("*/*.csv")
            if file.parent.name == name and respelled(file.name) == TABLE
        ),
        None,
    )


def load(pack: str | Path, as_of: date | str | None = None) -> Program:
    """A pack ready to decide: `pack` is a folder or a shipped id, `as_of` a date or its ISO text."""
    if isinstance(as_of, str):
        as_of = day_of(as_of)
    return Program(read_pack(pack), as_of)


def day_of(text: str) -> date:
    """A day from its ISO text, or a `RequestError`."""
    day = iso_day(text)
    if day is None:
        raise RequestError(
            "no-such-day", f"`{printable(text)}` is not a day", fix="write it as 2014-04-01"
        )
    return day
