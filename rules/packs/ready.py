"""Ready packs: a pack that was read once is kept as a file, and a cold start reads that.

Assembling a pack from YAML takes half of a cold `decide`. A ready file has the finished `Pack`, and
all that its reading depended on: the code, each file's content, and each folder that was looked up.
It counts only if all of that is the same now. Otherwise the pack is read from its files, with the
same result. The pack's own digest is in it too.

INVARIANT: a ready file runs no code. It is read by an unpickler that finds the records of a pack,
days, times of day, and decimals, and nothing else. See docs/decisions/0095-ready-packs.md.
"""

from __future__ import annotations

import json
import os
from functools import lru_cache
from importlib import import_module
from pathlib import Path

from rules import user_cache
from rules.frozen import fields, is_record

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from rules.packs.pack import Pack
else:
    Protocol = object

LARGEST = 10_000_000  # bytes; the largest shipped pack's has a fiftieth of it
_FORMAT = 2
# The code that makes a pack. It imports nothing else of `rules` (see the layers in pyproject.toml).
_CODE = (".", "input", "language", "packs")
# What a pack is read from, below its folder and below its offense table's.
_PACK_FILES = ("pack.yaml", "spanish.csv")
_TABLE_FILES = ("offenses.csv", "sources.csv", "table.yaml")
# The classes that a ready file may name.
_CLASSES = {
    "datetime": "date time timedelta",
    "decimal": "Decimal",
    "rules.errors": "Place",
    "rules.input.citations": "Section System",
    "rules.input.finer_words": "WordTree",
    "rules.input.vocabulary": "DecisionTerms Fact RecordKind Vocabulary",
    "rules.language.tree": "Alike And Arithmetic Choose Cited Compare Constant FactOf FieldOf "
    "IfKnown IsOne LengthOf Member Months Not Or OutcomeOf ParameterOf PartOf Quantifier RowOf "
    "StatusOf Total",
    "rules.packs.pack": "Body BreakEven Citation Clock ConsentGrant ConsentQuestion ConsentSet "
    "Cost Decision Default Exemption Figure Grouping InBoth Invariant Obligation Offense Offenses "
    "Other Pack PackWords Parameter Period PhoneNumber Pilot Places Program Retention Rule Source "
    "Spoken Stated Value Wording",
}
_FINDABLE = {(module, name) for module, names in _CLASSES.items() for name in names.split()}


class Neighbors(Protocol):
    """A `Find` that states its folder, so that a lookup can be repeated."""

    @property
    def folder(self) -> Path:
        """The folder beside whose packs it looks."""

    def pack(self, pack_id: str, /) -> Path:
        """Return the folder of a pack."""

    def table(self, name: str, /) -> Path:
        """Return the folder of an offense table."""

    def beside(self, folder: Path, /) -> Neighbors:
        """Return the lookup for what the pack in a folder names."""

    def replaces_shipped(self, folder: Path, /) -> bool:
        """Return whether a folder is a local one with the name of a shipped pack or table."""


class Observed:
    """A lookup that notes each answer, and each file's content before the file is read.

    `folder` is that of the pack, and `shipped` that of the vocabulary and the shipped packs, whose
    paths are noted from there. `vocabulary` is the content of `vocabulary.yaml` when it was read.
    """

    def __init__(
        self, find: Neighbors, folder: Path, vocabulary: str | None, shipped: Path
    ) -> None:
        self.find = find
        self.shipped = shipped
        self.lookups: list[list[str]] = []
        self.files = {short_name(shipped / "vocabulary.yaml", shipped): vocabulary}
        self._note_files(folder, _PACK_FILES)

    def pack(self, pack_id: str) -> Path:
        """Return the folder of a pack."""
        folder = self.find.pack(pack_id)
        self._note("pack", pack_id, self._short(folder))
        self._note_files(folder, _PACK_FILES)
        return folder

    def table(self, name: str) -> Path:
        """Return the folder of an offense table."""
        folder = self.find.table(name)
        self._note("table", name, self._short(folder))
        self._note_files(folder, _TABLE_FILES)
        return folder

    def beside(self, folder: Path) -> Observed:
        """Return the lookup for what the pack in a folder names, with the same notes."""
        inner = Observed.__new__(Observed)
        inner.__dict__.update(self.__dict__, find=self.find.beside(folder))
        return inner

    def replaces_shipped(self, folder: Path) -> bool:
        """Return whether a folder is a local one with the name of a shipped pack or table."""
        answer = self.find.replaces_shipped(folder)
        self._note("replaces", self._short(folder), str(answer))
        return answer

    def _note(self, kind: str, name: str, answer: str) -> None:
        self.lookups.append([kind, self._short(self.find.folder), name, answer])

    def _note_files(self, folder: Path, names: tuple[str, ...]) -> None:
        for name in names:
            path = folder / name
            self.files.setdefault(self._short(path), content_of(path))

    def _short(self, path: Path) -> str:
        return short_name(path, self.shipped)


_SHIPPED = "shipped:"


def short_name(path: Path, shipped: Path) -> str:
    """Return a path as it is noted: from the folder of the shipped packs, or else absolute."""
    text = os.path.abspath(path)  # noqa: PTH100  # it is fast
    for root in (str(shipped), os.path.realpath(shipped)):
        if text == root or text.startswith(f"{root}/"):
            return f"{_SHIPPED}{text[len(root) + 1 :]}"
    return text


def _long_name(noted: str, shipped: Path) -> Path:
    is_shipped = noted.startswith(_SHIPPED)
    return shipped / noted.removeprefix(_SHIPPED) if is_shipped else Path(noted)


def content_of(path: Path) -> str | None:
    """Return a hash of a file's content, None for one that can't be read, such as a pipe."""
    if not os.path.isfile(path):  # noqa: PTH113  # opening a pipe would not end
        return None
    try:
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123  # it is fast
            return user_cache.hash_of(file.read())
    except OSError:
        return None


def pack_bytes(pack: Pack, observed: Observed) -> bytes | None:
    """Return a ready file's content, None if a file changed since it was read."""
    from rules.packs.digest import digest

    code = user_cache.code_digest(_CODE)
    if code is None or not _same_files(observed.files, observed.shipped):
        return None
    head = {
        "format": _FORMAT,
        "code": code,
        "files": observed.files,
        "lookups": observed.lookups,
        "digest": digest(pack),
    }
    return json.dumps(head).encode() + b"\n" + pickled(pack)


def read_ready(raw: bytes, find: Neighbors, shipped: Path, code: str) -> Pack | None:
    """Return the pack of a ready file, None if anything that it depends on is different now.

    `find` is the lookup of the pack's own folder.
    """
    line, _, body = raw.partition(b"\n")
    try:
        head = json.loads(line)
        if (head["format"], head["code"]) != (_FORMAT, code):
            return None
        if not _same_files(head["files"], shipped) or not _same_lookups(
            head["lookups"], find, shipped
        ):
            return None
        pack = unpickled(body)
        if type(pack).__name__ != "Pack":
            return None
        digest = head["digest"]
    except Exception:  # whatever a damaged file causes: the pack's own files are read then
        return None
    pack.__dict__["_digest"] = digest
    return pack


@lru_cache(maxsize=1)
def current_code() -> str | None:
    """Return a hash of the code that makes a pack, None if this process may run other code.

    It is found once: a process goes on with the code that it has. Before a file is written, it is
    found again.
    """
    return user_cache.code_digest(_CODE)


def _same_files(files: dict[str, str | None], shipped: Path) -> bool:
    return all(content_of(_long_name(name, shipped)) == content for name, content in files.items())


def _same_lookups(lookups: list[list[str]], find: Neighbors, shipped: Path) -> bool:
    neighbors: dict[str, Neighbors] = {}
    for kind, beside, name, answer in lookups:
        # INVARIANT: a lookup depends on its folder alone.
        here = neighbors.get(beside)
        if here is None:  # to resolve a path asks the file system for each folder above it
            here = neighbors[beside] = find.beside(_long_name(beside, shipped) / "any")
        if kind == "replaces":
            current = str(here.replaces_shipped(_long_name(name, shipped)))
        else:
            current = short_name(here.pack(name) if kind == "pack" else here.table(name), shipped)
        if current != answer:
            return False
    return True


def pickled(pack: Pack) -> bytes:
    """Return a pack as bytes, which `unpickled` reads."""
    import copyreg
    import io
    import pickle

    class Pickler(pickle.Pickler):
        """Writes a record's fields, and nothing that it remembers beside them."""

        def reducer_override(self, value: Any) -> Any:
            if isinstance(value, type) or not is_record(value):
                return NotImplemented
            state = {item.name: value.__dict__[item.name] for item in fields(value)}
            return copyreg.__newobj__, (value.__class__,), state  # type: ignore[attr-defined]  # not in the stubs

    file = io.BytesIO()
    Pickler(file, 5).dump(pack)
    return file.getvalue()


def unpickled(raw: bytes) -> Pack:
    """Return the pack that `pickled` wrote. No bytes make it run code."""
    import io

    try:
        from _pickle import Unpickler, UnpicklingError  # without what writing takes
    except ImportError:
        from pickle import Unpickler, UnpicklingError

    class Reader(Unpickler):
        """Finds the listed classes alone."""

        def find_class(self, module: str, name: str) -> Any:
            if (module, name) not in _FINDABLE:
                raise UnpicklingError(f"a ready pack has no `{module}.{name}`")
            return getattr(import_module(module), name)

    pack: Pack = Reader(io.BytesIO(raw)).load()
    return pack
