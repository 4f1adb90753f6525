"""Packs as they travel and are stored: a pack's texts, and those of its parents and tables.

Each is named by the digest of what it resolves to. No party believes another about a digest: the
receiver of a pack reads the text and computes it. A pack that isn't a shipped one is proved whole,
and none is accepted that lifts the limits on disclosure of `deflection`, or the guarantees of a
shipped pack that it extends. An adopted pack is stored for ever, since
a case is judged by the pack that was in force, whatever is installed since.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache, lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

from exchange.errors import ExchangeError
from exchange.standards import i_json
from rules.author.difference import loosened
from rules.errors import PackError, Refusal, RequestError
from rules.frozen import frozen
from rules.packs.digest import digest
from rules.packs.pack import Pack
from rules.packs.words import SPANISH
from rules.shelf import Neighbors, find, jurisdictions, read_pack, shipped

LARGEST = 4 * 1024 * 1024
MOST_FILES = 16
FLOOR = "deflection"
_FILE = re.compile(
    r"[a-z][a-z0-9-]{0,63}/(pack\.yaml|spanish\.csv|offenses\.csv|sources\.csv|table\.yaml)"
)


@frozen
class PackFiles:
    """A pack's id, and the text of each of its files by path, such as `santa-fe/pack.yaml`."""

    id: str
    files: Mapping[str, str]

    def write(self) -> bytes:
        """Return the JSON that `read_pack_files` reads."""
        return i_json.write({"id": self.id, "files": dict(self.files)})

    def unpack(self, folder: Path) -> Path:
        """Write the files below an empty folder, and return the folder of the pack itself.

        Raises `RequestError` `not-a-pack` if it lacks a file of its own.
        """
        for path, text in self.files.items():
            (folder / path).parent.mkdir(exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8", newline="")
        # INVARIANT: nothing is read from what is installed here, which may differ elsewhere.
        for needed in _files(folder / self.id):
            path = f"{needed.parent.name}/{needed.name}"
            if path not in self.files:
                raise _not_a_pack(f"`{path}` is missing")
        return folder / self.id

    def pack(self) -> Pack:
        """Read the pack, its conditions checked and nothing proved: that was done on acceptance.

        Raises `PackError`; `RequestError` `not-a-pack`.
        """
        return _read_files(self.id, tuple(sorted(self.files.items())))


# The same texts are always the same pack, which nothing changes. Reading one takes half a second.
@lru_cache(maxsize=16)
def _read_files(pack_id: str, files: tuple[tuple[str, str], ...]) -> Pack:
    packed = PackFiles(pack_id, dict(files))
    if is_installed(packed):
        # The same texts are the same pack, and the installed one is ready.
        return read_pack(jurisdictions() / pack_id, whole=False)
    with TemporaryDirectory(prefix="offramp-") as name:
        return read_pack(packed.unpack(Path(name)), whole=False)


@cache
def shipped_digest(name: str) -> str:
    """Return the digest of an installed pack, which stays as it is while the program runs."""
    assert name in shipped(), "a local pack may change"
    return digest(read_pack(name))


def collect_pack(name: str) -> PackFiles:
    """Collect the files of the pack in a folder or of a shipped id, with parents and tables.

    Raises `PackError`, `RequestError` `unknown-pack`.
    """
    folder = find(name)
    files = {
        f"{path.parent.name}/{path.name}": path.read_text(encoding="utf-8")
        for path in _files(folder)
    }
    return PackFiles(read_pack(folder, whole=False).id, files)


def _files(folder: Path) -> Iterator[Path]:
    """Yield every file of the pack in a folder, its parents' after its own."""
    folder = folder.resolve()
    pack, neighbors = read_pack(folder, whole=False), Neighbors(folder.parent)
    yield folder / "pack.yaml"
    if (folder / SPANISH).is_file():
        yield folder / SPANISH
    if pack.offenses is not None:
        table = neighbors.table(pack.offenses.id)
        yield from (table / "offenses.csv", table / "sources.csv", table / "table.yaml")
    if pack.extends is not None:
        yield from _files(neighbors.pack(pack.extends))


def read_pack_files(data: bytes) -> PackFiles:
    """Read a pack's files from JSON, unchecked. Raises `RequestError` `not-a-pack`."""
    try:
        value = i_json.read_object(data) if len(data) <= LARGEST else {}
    except ExchangeError as error:
        raise _not_a_pack(error.message) from None
    pack_id, files = value.get("id"), value.get("files")
    if (
        not isinstance(files, dict)
        or set(value) != {"id", "files"}
        or not 1 <= len(files) <= MOST_FILES
    ):
        raise _not_a_pack("it has an `id`, and `files` with the text of each file by its path")
    if f"{pack_id}/pack.yaml" not in files or not all(
        _FILE.fullmatch(path) and isinstance(text, str) for path, text in files.items()
    ):
        raise _not_a_pack("its `files` are no texts by path, or lack its own")
    return PackFiles(str(pack_id), files)


def accept_pack(files: PackFiles, expected: str | None = None) -> tuple[Pack, str]:
    """Read and prove a pack, and return it with its digest.

    Raises `PackError` `floor-lifted`, and where the pack fails; `RequestError` `not-a-pack` where
    the digest isn't the `expected` one.
    """
    pack = files.pack()
    pack_digest = digest(pack)
    if expected is not None and pack_digest != expected:
        raise _not_a_pack(f"it resolves to `{pack_digest[:19]}…`")
    _check_floor(files, pack)
    if not is_installed(files):
        from rules.prove.proof_cache import prove

        prove(pack)
    return pack, pack_digest


def is_installed(files: PackFiles) -> bool:
    """Test if a pack's files are those of a shipped pack, which was proved when it was made."""
    return files.id in shipped() and files == collect_pack(files.id)


def _check_floor(files: PackFiles, pack: Pack) -> None:
    """Check that a pack keeps the limits on disclosure of `deflection`, whatever it extends.

    It also keeps the guarantees of each shipped pack that it extends, such as `lead`. A pack
    without `disclosure` keeps the limits too: nothing passes by it.
    """
    parents = {path.partition("/")[0] for path in files.files if path.endswith("/pack.yaml")}
    lifted = [*loosened(read_pack(jurisdictions() / FLOOR), pack, invariants=FLOOR in parents)]
    for parent in sorted((parents & set(shipped())) - {pack.id, FLOOR}):
        lifted += loosened(read_pack(jurisdictions() / parent), pack, invariants=True)
    if lifted:
        raise PackError(
            "floor-lifted", f"`{pack.id}` lifts the floor: {lifted[0]}", fix="add rules that deny"
        )


def path_of(folder: Path, pack_digest: str) -> Path:
    """Return where the pack of a digest is stored in a folder."""
    return folder / f"{pack_digest.removeprefix('sha256:')}.json"


def stored_pack(folder: Path, pack_digest: str) -> PackFiles | None:
    """Return the stored pack of a digest, None where it isn't there or can't be read."""
    try:
        return read_pack_files(path_of(folder, pack_digest).read_bytes())
    except (OSError, Refusal):
        return None


def _not_a_pack(why: str) -> RequestError:
    return RequestError(
        "not-a-pack", f"this is no pack that travels: {why}", fix="send it again with its parents"
    )
