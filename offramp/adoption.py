"""Packs as they travel and are kept: the text of a pack, of its parents and their offense tables, by the digest of what they
resolve to.

Nobody believes anybody about a digest: whoever takes a pack reads the text and computes it. A pack that isn't a shipped one is
proved whole, and none is taken that lifts the floor. What was adopted is kept for ever, since a case is judged by the pack that
was in force, whatever is installed since.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from exchange.errors import ExchangeError
from exchange.standards import i_json
from rules.author.difference import loosened
from rules.errors import PackError, Refusal, RequestError
from rules.frozen import frozen
from rules.packs.digest import digest
from rules.packs.pack import Pack
from rules.shelf import Neighbors, find, jurisdictions, read_pack, shipped

LARGEST = 4 * 1024 * 1024
MOST_FILES = 16
FLOOR = "lead"
_FILE = re.compile(r"[a-z][a-z0-9-]{0,63}/(pack\.yaml|offenses\.csv|sources\.csv)")


@frozen
class Carried:
    """A pack's id, and the text of each file that it is made of, by its path from where they lie side by side."""

    id: str
    files: Mapping[str, str]

    def write(self) -> bytes:
        """As JSON, as `read_carried` reads it."""
        return i_json.write({"id": self.id, "files": dict(self.files)})

    def pack(self) -> Pack:
        """The pack, its conditions checked and nothing proved: that was done when it was taken.

        Raises `PackError`; `RequestError` `not-a-pack`.
        """
        with TemporaryDirectory(prefix="offramp-") as name:
            folder = Path(name)
            for path, text in self.files.items():
                (folder / path).parent.mkdir(exist_ok=True)
                (folder / path).write_text(text, encoding="utf-8", newline="")
            # Nothing may come from what is installed here: elsewhere, or later, that may be something else.
            for needed in _files(folder / self.id):
                path = f"{needed.parent.name}/{needed.name}"
                if path not in self.files:
                    raise _no_pack(f"`{path}` is missing")
            return read_pack(folder / self.id, whole=False)


def carried(name: str) -> Carried:
    """The pack of a folder or shipped id, with its parents and tables. Raises `PackError`, `RequestError` `unknown-pack`."""
    folder = find(name)
    files = {
        f"{one.parent.name}/{one.name}": one.read_text(encoding="utf-8") for one in _files(folder)
    }
    return Carried(read_pack(folder, whole=False).id, files)


def _files(folder: Path) -> Iterator[Path]:
    """Every file that the pack in the folder is made of, its parents' after its own."""
    folder = folder.resolve()
    pack, found = read_pack(folder, whole=False), Neighbors(folder.parent)
    yield folder / "pack.yaml"
    if pack.offenses is not None:
        table = found.table(pack.offenses.id)
        yield from (table / "offenses.csv", table / "sources.csv")
    if pack.extends is not None:
        yield from _files(found.pack(pack.extends))


def read_carried(data: bytes) -> Carried:
    """A pack that somebody sent or kept, nothing of it checked. Raises `RequestError` `not-a-pack`."""
    try:
        value = i_json.read_object(data) if len(data) <= LARGEST else {}
    except ExchangeError as error:
        raise _no_pack(error.message) from None
    pack_id, files = value.get("id"), value.get("files")
    if (
        not isinstance(files, dict)
        or set(value) != {"id", "files"}
        or not 1 <= len(files) <= MOST_FILES
    ):
        raise _no_pack("it has an `id`, and `files` with the text of each file by its path")
    if f"{pack_id}/pack.yaml" not in files or not all(
        _FILE.fullmatch(path) and isinstance(text, str) for path, text in files.items()
    ):
        raise _no_pack("its `files` are no texts by path, or lack its own")
    return Carried(str(pack_id), files)


def taken(given: Carried, named: str | None = None) -> tuple[Pack, str]:
    """A pack that was read and proved, and its digest: what is kept from then on.

    Raises `PackError` as a pack doesn't hold, `floor-lifted`; `RequestError` `not-a-pack` where its digest isn't `named`.
    """
    pack = given.pack()
    found = digest(pack)
    if named is not None and found != named:
        raise _no_pack(f"it resolves to `{found[:19]}…`")
    above = {path.partition("/")[0] for path in given.files if path.endswith("/pack.yaml")}
    lacking = [*loosened(read_pack(jurisdictions() / FLOOR), pack, invariants=FLOOR in above)]
    for base in sorted((above & set(shipped())) - {pack.id, FLOOR}):
        lacking += loosened(read_pack(jurisdictions() / base), pack, invariants=True)
    if lacking:
        raise PackError(
            "floor-lifted", f"`{pack.id}` lifts the floor: {lacking[0]}", fix="add rules that deny"
        )
    if pack.id not in shipped() or found != digest(read_pack(jurisdictions() / pack.id)):
        from rules.prove.proof_cache import prove

        prove(pack)
    return pack, found


def file_of(folder: Path, named: str) -> Path:
    """Where the pack of a digest is kept in a folder."""
    return folder / f"{named.removeprefix('sha256:')}.json"


def kept(folder: Path, named: str) -> Carried | None:
    """The pack of a digest that is kept in a folder; None if it isn't there, or can't be read."""
    try:
        return read_carried(file_of(folder, named).read_bytes())
    except (OSError, Refusal):
        return None


def _no_pack(why: str) -> RequestError:
    return RequestError(
        "not-a-pack", f"this is no pack that travels: {why}", fix="send it again with its parents"
    )
