"""Find packs: a folder that the caller names, or a shipped id in the package data of `offramp`.

The application's folder is looked up by name. The application is never imported.
"""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from rules import user_cache
from rules.errors import PackError, RequestError, nearest, respelled
from rules.frozen import frozen
from rules.input.printing import printable
from rules.packs import ready
from rules.packs.ready import content_of

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import date

    from rules.decide.program import Program
    from rules.input.plain_phrases import PlainPhrase
    from rules.input.vocabulary import Vocabulary
    from rules.input.yaml import Node
    from rules.packs.pack import InBoth, Pack

TABLE = "offenses.csv"
LAW = "law"  # the folder of offense tables, beside the packs
READY = "ready"  # the folder of shipped packs' ready files, beside the packs of a wheel
_READY = "packs"  # that of others, in the user's cache
_READY_KEPT = 60


@lru_cache(maxsize=1)
def jurisdictions() -> Path:
    """Return the folder of the vocabulary and the shipped packs.

    It is inside the installed `offramp`, or beside it in a checkout.
    """
    spec = find_spec("offramp")
    locations = list(spec.submodule_search_locations or ()) if spec else []
    for location in locations:
        for folder in (Path(location) / "jurisdictions", Path(location).parent / "jurisdictions"):
            if (folder / "vocabulary.yaml").is_file():
                return folder
    raise PackError("no-file", "the shipped packs are not installed", fix="install `offramp` again")


@lru_cache(maxsize=1)
def _shipped_folder() -> Path:
    return jurisdictions().resolve()


@lru_cache(maxsize=1)
def vocabulary() -> Vocabulary:
    """Return the shipped vocabulary."""
    return _vocabulary_as_read()[1]


@lru_cache(maxsize=1)
def _vocabulary_as_read() -> tuple[str | None, Vocabulary]:
    """Return the vocabulary with a hash of its file, of before it was read."""
    from rules.input.vocabulary import read_vocabulary

    path = jurisdictions() / "vocabulary.yaml"
    return content_of(path), read_vocabulary(path)


@lru_cache(maxsize=1)
def english() -> dict[str, str | tuple[str, str]]:
    """Return the phrases for facts in documents, by path.

    A phrase is a noun, the two clauses of a yes or no, or a list's singular and plural.
    """
    from rules.input.yaml import read_file

    phrases: dict[str, str | tuple[str, str]] = {}
    for path, node in read_file(jurisdictions() / "english.yaml").mapping("the phrases").items():
        if isinstance(node.value, list):
            first, second = (item.text("a phrase") for item in node.items(f"`{path}`"))
            phrases[path] = (first, second)
        else:
            phrases[path] = node.text("a phrase")
    return phrases


@lru_cache(maxsize=1)
def plain_english() -> Mapping[str, PlainPhrase]:
    """Return how a card says conditions on choices and sections of law, by the fact's path."""
    from rules.input.plain_phrases import read_plain_phrases

    return read_plain_phrases(jurisdictions() / "plain_english.yaml")


@lru_cache(maxsize=1)
def spanish() -> Mapping[str, str]:
    """Return the Spanish of the vocabulary's questions, by their English text."""
    from rules.packs.words import SPANISH, read_translations

    path = jurisdictions() / SPANISH
    return {english: text for _, english, text in read_translations(path, SPANISH)}


@lru_cache(maxsize=1)
def choice_labels() -> Mapping[str, Mapping[str, InBoth]]:
    """Return the short labels of the vocabulary's choices, by a fact's path and the choice."""
    from rules.input.yaml import read_file
    from rules.packs.consent_sets import read_in_both

    top = read_file(jurisdictions() / "choices.yaml").mapping("the choices")
    return {
        path: {
            choice: read_in_both(inner, f"the label of `{choice}`")
            for choice, inner in node.mapping(f"the labels of `{path}`").items()
        }
        for path, node in top.items()
    }


def shipped() -> tuple[str, ...]:
    """Return the ids of the shipped packs, in order."""
    return tuple(sorted(folder.parent.name for folder in jurisdictions().glob("*/pack.yaml")))


def find(name: str, beside: Path | None = None) -> Path:
    """Return the folder of a pack, which is named by a path or a shipped id.

    With `beside`, the name is one that a pack in that folder uses: a neighbor or a shipped id.
    Raises `RequestError`.
    """
    try:
        folder = _find_folder(name, beside)
    except (OSError, ValueError):  # no name that a file can have
        folder = None
    if folder is None:
        _refuse_bad_day(name, beside)
        allowed = (*shipped(), *_own_packs(name, beside))
        raise RequestError(
            "unknown-pack",
            f"there is no pack `{printable(name)}`",
            fix=_without_day(name)
            or _without_pack_file(name, beside)
            or nearest(printable(name), allowed),
        )
    return folder


def _refuse_bad_day(name: str, beside: Path | None) -> None:
    """Raise `RequestError` `no-such-day` for a known pack with a day that isn't one."""
    pack, at, day = name.rpartition("@")
    if beside is not None or not at:
        return
    try:
        is_known = _find_folder(pack, None) is not None
    except (OSError, ValueError):
        return
    if is_known:
        day_of(day)


def _without_day(name: str) -> str | None:
    """Return the fix for a name such as `santa-fe@2014-04-01`, which `offramp change` reads."""
    from rules.input.values import iso_day

    pack, at, day = name.rpartition("@")
    if not at or iso_day(day) is None:
        return None
    return (
        f"name the pack `{printable(pack)}`, and its day with `--as-of {day}` in `decide`, "
        "`interview`, and `show`"
    )


def _without_pack_file(name: str, beside: Path | None) -> str | None:
    """Return the fix for a name that is a file, or a folder without a pack in it."""
    try:
        path = Path(name)
        if beside is not None or not path.exists():
            return None
    except (OSError, ValueError):  # no name that a file can have
        return None
    kind = "a folder without `pack.yaml`" if path.is_dir() else "a file, and a pack is a folder"
    inside = [f"`{entry}`" for entry in _own_packs(f"{name}/x", None)]
    if path.is_dir() and inside:
        return f"it is {kind}; name a pack in it, such as {inside[0]}"
    return f"it is {kind}; name the folder that has a `pack.yaml`"


def _own_packs(name: str, beside: Path | None) -> list[str]:
    """Return the packs in the folder in which a name was looked for, each as it would be named."""
    try:
        folder = beside or Path(name).parent
        found = [path.parent for path in folder.glob("*/pack.yaml")]
    except (OSError, ValueError):  # no name that a file can have
        return []
    start = "./" if beside is None and name.startswith("./") else ""
    names = (path.name if beside is not None else f"{start}{path}" for path in found)
    return sorted(printable(own) for own in names if own not in shipped())


def _find_folder(name: str, beside: Path | None) -> Path | None:
    path = Path(name)
    is_own = (path / "pack.yaml").exists() and name not in shipped()
    if beside is None and path.is_dir() and ("/" in name or is_own):
        return path
    for folder in (beside, jurisdictions()):
        if folder is not None and "/" not in name and (folder / name / "pack.yaml").is_file():
            return folder / name
    return path.parent if beside is None and path.name == "pack.yaml" and path.is_file() else None


def read_pack(name: str | Path, *, whole: bool | None = None, claims: Node | None = None) -> Pack:
    """Read a pack and check every condition. `claims` are more invariants, in a file of their own.

    The checks of the whole pack, proofs included, run for every pack that isn't shipped, unless
    `whole` is given. The gate runs them for shipped packs before a release. An earlier proof by
    this user is not repeated (see `rules.prove.proof_cache`).
    """
    folder = find(str(name))
    folder_of_parents = folder.resolve().parent
    is_shipped = folder_of_parents == jurisdictions().resolve()
    near = Neighbors(folder_of_parents)
    if claims is None:
        pack = _ready_pack(folder, near, is_shipped=is_shipped)
    else:
        from rules.packs.assemble import assemble

        pack = assemble(folder, vocabulary(), near, claims=claims)
    if whole or (whole is None and not is_shipped):
        # A shipped pack needs no proof, and a cold start is slower with the import.
        from rules.prove.proof_cache import prove

        prove(pack)
    return pack


def _ready_pack(folder: Path, find: Neighbors, *, is_shipped: bool) -> Pack:
    """Return a pack from a ready file, or from its own files, which makes it ready."""
    code = ready.current_code()
    name = user_cache.hash_of(f"{folder.absolute()}\0{jurisdictions()}\0{code}".encode())
    for raw in _ready_files(folder, name, is_shipped=is_shipped):
        if raw is not None and code is not None:
            pack = ready.read_ready(raw, find, jurisdictions(), code)
            if pack is not None:
                return pack
    pack, raw = make_ready(folder, find)
    if raw is not None:
        user_cache.write(_READY, name, raw, _READY_KEPT)
    return pack


def _ready_files(folder: Path, name: str, *, is_shipped: bool) -> Iterator[bytes | None]:
    """Yield the ready file beside the shipped packs, and the one in the user's cache."""
    if is_shipped:
        # Its folder is as trustworthy as the shipped packs: a writer there could change the rules.
        with suppress(OSError):
            path = jurisdictions() / READY / f"{folder.name}.pack"
            yield user_cache.unsealed(path.read_bytes())
    yield user_cache.read(_READY, name, ready.LARGEST)


def make_ready(folder: Path, find: Neighbors) -> tuple[Pack, bytes | None]:
    """Return a pack from its files, and its ready file unless a file changed meanwhile.

    Raises `PackError`.
    """
    from rules.packs.assemble import assemble

    read, words = _vocabulary_as_read()
    observed = ready.Observed(find, folder, read, jurisdictions())
    pack = assemble(folder, words, observed)
    return pack, ready.pack_bytes(pack, observed)


@frozen
class Neighbors:
    """Finds what the packs in a folder name: beside them, or among the shipped ones.

    Raises `PackError`.
    """

    folder: Path

    def pack(self, pack_id: str) -> Path:
        """Return the folder of a parent."""
        try:
            return find(pack_id, beside=self.folder)
        except RequestError as error:
            raise PackError("unknown-pack", error.message, fix=error.fix) from None

    def table(self, name: str) -> Path:
        """Return the folder of an offense table."""
        places = (jurisdictions() / LAW, self.folder / LAW, self.folder)
        if name == Path(name).name:
            for place in reversed(places):
                if (place / name / TABLE).exists():
                    return place / name
        folders = {
            table.parent.name: table.parent
            for place in places
            for table in sorted(place.glob(f"*/{TABLE}"))
        }
        if name not in folders:
            old = _old_table(name, places)
            fix = (
                f"rename its `{old}` to `{TABLE}`"
                if old
                else nearest(printable(name), tuple(folders))
            )
            raise PackError(
                "unknown-offenses", f"there is no offense table `{printable(name)}`", fix=fix
            )
        return folders[name]

    def beside(self, folder: Path) -> Neighbors:
        """Return the lookup for the parents of the pack in a folder.

        A shipped pack extends a shipped one, also under a local pack beside which another of that
        name is.
        """
        return Neighbors(folder.resolve().parent)

    def replaces_shipped(self, folder: Path) -> bool:
        """Return whether a folder is a local one with the name of a shipped pack or table."""
        folder, shipped_folder = folder.resolve(), _shipped_folder()
        return any(
            (folder / file).is_file() and (namesake / file).is_file() and folder != namesake
            for namesake, file in (
                (shipped_folder / folder.name, "pack.yaml"),
                (shipped_folder / LAW / folder.name, TABLE),
            )
        )


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
    """Return a pack ready to decide.

    `pack` is a folder or a shipped id, `as_of` a date or its ISO text.
    """
    from rules.decide.program import Program

    if isinstance(as_of, str):
        as_of = day_of(as_of)
    return Program(read_pack(pack), as_of)


def day_of(text: str) -> date:
    """Return a day from its ISO text, or raise `RequestError`."""
    from rules.input.values import iso_day

    day = iso_day(text)
    if day is None:
        raise RequestError(
            "no-such-day", f"`{printable(text)}` is not a day", fix="write it as 2014-04-01"
        )
    return day
