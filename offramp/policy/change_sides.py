"""Read the two sides of a change: a shipped pack, a folder, an adopted copy, or one from git."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from offramp.adoption import PackFiles, is_installed, read_pack_files
from offramp.policy.given_paths import place_of_side
from rules.errors import PackError, Refusal, RequestError
from rules.frozen import frozen
from rules.input.printing import printable
from rules.input.values import iso_day
from rules.packs.pack import Pack
from rules.prove.proof_cache import prove
from rules.prove.soundness import BrokenPromise
from rules.shelf import find, jurisdictions, read_pack

_SUFFIXES = (".yaml", ".csv")
_LAW = "law"


_ADOPTED = ".json"  # the end of a file with an adopted pack


@frozen
class ChangeSide:
    """One side of a change: its name as typed, its folder, its pack, and the day of its rules.

    `broken` is the error of a pack that doesn't keep its own promises.
    """

    name: str
    folder: Path
    pack: Pack
    day: date
    broken: PackError | None = None


@frozen
class _Typed:
    label: str
    name: str
    day: date | None


@contextmanager
def both_sides(old: str, new: str, today: date) -> Iterator[tuple[ChangeSide, ChangeSide]]:
    """Read both sides, each on its own day or both on the same one.

    That day is the other side's, if that has one. Else it is `today`, or the first later day on
    which both programs run. Raises `RequestError` and `PackError`.
    """
    typed = (_typed("OLD", old), _typed("NEW", new))
    with ExitStack() as kept:
        folders = []
        for side in typed:
            with naming(side.label, side.name):
                folders.append(_folder(side.name, kept))
        # One pack on two days is read once.
        packs: dict[Path, tuple[Pack, PackError | None]] = {}
        for side, folder in zip(typed, folders, strict=True):
            with naming(side.label, side.name):
                if folder not in packs:
                    packs[folder] = _read(folder, may_break=side is typed[1])
        starts = [packs[folder][0].program.since for folder in folders]
        first_day = max((day for day in starts if day is not None), default=today)
        same = typed[0].day or typed[1].day or max(today, first_day)
        first, second = (
            ChangeSide(side.name, folder, pack, side.day or same, broken)
            for side, folder in zip(typed, folders, strict=True)
            for pack, broken in (packs[folder],)
        )
        yield first, second


def read_named(name: str) -> Pack:
    """Read a pack that is named as a side of a change is, whatever its day. Raises a `Refusal`."""
    with ExitStack() as kept:
        return _read(_folder(_typed("PACK", name).name, kept), may_break=True)[0]


@contextmanager
def unpacked(old: PackFiles, new: PackFiles, day: date) -> Iterator[tuple[ChangeSide, ChangeSide]]:
    """Read both sides of a change from the files of packs that were proved, on one day."""
    with ExitStack() as kept:
        sides = []
        for files in (old, new):
            folder = _unpacked(files, kept)
            pack = read_pack(folder, whole=False)
            sides.append(ChangeSide(pack.id, folder, pack, day))
        yield sides[0], sides[1]


@contextmanager
def naming(label: str, name: str) -> Iterator[None]:
    """Have the refusals in this block name the side, as it was typed, and the side's own file."""
    try:
        yield
    except Refusal as refusal:
        for fault in refusal.all() if isinstance(refusal, PackError) else (refusal,):
            fault.message = f"{label} `{printable(name)}`: {fault.message}"
            fault.at = place_of_side(fault.at, name)
        raise


def _read(folder: Path, *, may_break: bool) -> tuple[Pack, PackError | None]:
    """Read and prove a pack. A promise that it doesn't keep is a finding, if it may break one."""
    if not may_break or folder.resolve().parent == jurisdictions().resolve():
        return read_pack(folder), None
    pack = read_pack(folder, whole=False)
    try:
        prove(pack)
    except PackError as error:
        # The solver settles what the built-in search leaves, and `prove_promises` refuses the rest.
        if not all(
            isinstance(fault, BrokenPromise) or fault.code == "not-proved" for fault in error.all()
        ):
            raise
        return pack, error
    return pack, None


def _typed(label: str, text: str) -> _Typed:
    """Split `PACK@DATE`. A folder may have an `@` in its name."""
    name, at, day = text.rpartition("@")
    if not at or _is_there(text):
        return _Typed(label, text, None)
    typed_day = iso_day(day)
    if typed_day is None:
        raise RequestError(
            "no-such-day",
            f"{label}: `{printable(day)}` is not a day",
            fix=f"write it as `{printable(name)}@2014-04-01`",
        )
    return _Typed(label, name, typed_day)


def _is_there(text: str) -> bool:
    try:
        return Path(text).is_dir() or _is_adopted_copy(text)
    except (OSError, ValueError):  # no name that a file can have
        return False


def _is_adopted_copy(text: str) -> bool:
    return text.endswith(_ADOPTED) and Path(text).is_file()


def _folder(name: str, kept: ExitStack) -> Path:
    revision, colon, path = name.partition(":")
    if _is_there(name) and _is_adopted_copy(name):
        return _adopted_copy(Path(name), kept)
    if colon and revision and path and not _is_there(name):
        copy = Path(kept.enter_context(TemporaryDirectory(prefix="offramp-change-")))
        return _from_git(revision, path, copy)
    return find(name)


def _adopted_copy(file: Path, kept: ExitStack) -> Path:
    """Return the folder of a pack that an agency adopted, as its gateway keeps it.

    Raises `RequestError` `not-a-pack`.
    """
    return _unpacked(read_pack_files(file.read_bytes()), kept)


def _unpacked(files: PackFiles, kept: ExitStack) -> Path:
    if is_installed(files):
        return jurisdictions() / files.id
    return files.unpack(Path(kept.enter_context(TemporaryDirectory(prefix="offramp-change-"))))


# Packs of an earlier revision


def _from_git(revision: str, path: str, copy: Path) -> Path:
    """Copy a pack of a revision, with what is beside it: its parents and its offense table."""
    inside = PurePosixPath(path)
    if revision.startswith("-") or ".." in inside.parts or inside.is_absolute() or not inside.name:
        raise _no_revision(revision, path)
    try:
        prefix = _git("rev-parse", "--show-prefix") if path.startswith("./") else b""
        folder = PurePosixPath(prefix.decode().strip()) / inside
        parent = "" if str(folder.parent) == "." else f"{folder.parent}"
        listed = _git("ls-tree", "-r", "-z", "--full-tree", f"{revision}:{parent}")
    except (subprocess.CalledProcessError, UnicodeDecodeError):
        raise _no_revision(revision, path) from None
    files = list(_files(listed, folder.name))
    if not any(name == PurePosixPath(folder.name, "pack.yaml") for _, name in files):
        raise _no_revision(revision, path)
    contents = _blobs([entry for entry, _ in files])
    for (_, name), content in zip(files, contents, strict=True):
        target = copy.joinpath(*name.parts)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    return copy / folder.name


def _blobs(entries: Sequence[str]) -> Iterator[bytes]:
    """Yield the contents of objects, in order."""
    rest = _git("cat-file", "--batch", standard_input="\n".join(entries).encode() + b"\n")
    for _ in entries:
        head, _, rest = rest.partition(b"\n")
        size = int(head.split()[-1])
        yield rest[:size]
        rest = rest[size + 1 :]


def _files(listed: bytes, own: str) -> Iterator[tuple[str, PurePosixPath]]:
    """Yield the object and the name of each file that a pack may need."""
    for line in listed.split(b"\0"):
        head, _, name = line.partition(b"\t")
        fields = head.decode("ascii", "replace").split()
        if len(fields) != 3 or fields[0] == "120000" or fields[1] != "blob":
            continue
        path = PurePosixPath(name.decode("utf-8", "surrogateescape"))
        depth = len(path.parts)
        is_near = depth == 2 or (path.parts[0] == _LAW and depth == 3)
        if (is_near or path.parts[0] == own) and path.suffix in _SUFFIXES:
            yield fields[2], path


def _git(*arguments: str, standard_input: bytes = b"") -> bytes:
    try:
        ran = subprocess.run(  # no shell, and no word starts with a dash
            ["git", *arguments],  # the user's own git
            input=standard_input,
            capture_output=True,
            check=True,
            timeout=60,
        )
    except FileNotFoundError:
        raise RequestError(
            "no-git",
            "git isn't installed, and a pack of a revision is read with it",
            fix="install git, or name a folder",
        ) from None
    return ran.stdout


def _no_revision(revision: str, path: str) -> RequestError:
    quoted = printable(f"{revision}:{path}")
    return RequestError(
        "no-revision",
        f"there is no pack at `{quoted}`",
        fix="name it from the root of the repository, such as `HEAD~1:packs/riverton`",
    )
