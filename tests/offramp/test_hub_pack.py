"""A hub works with its own copy of its pack, whatever the operator does to the folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exchange.hub.hub import Hub
from exchange.hub.store import Store
from offramp.hub.folder import Folder
from rules.errors import RequestError
from rules.packs.digest import digest
from rules.shelf import read_pack
from tests.support.agencies import RIO_VERDE
from tests.support.running_agencies import Running


def edit(folder: Path) -> None:
    path = folder / "pack.yaml"
    path.write_text(path.read_text().replace("Rio Verde LEAD", "Rio Verde LEAD 2"))


def spoil(folder: Path) -> None:
    (folder / "pack.yaml").write_text("id: [", encoding="utf-8")


def move(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


def leave(folder: Path) -> None:
    """Change nothing."""


@pytest.fixture
def founded(tmp_path: Path) -> Iterator[tuple[Running, Path, str]]:
    """A hub that was founded with a city's own pack, and is stopped."""
    folder = tmp_path / "rio-verde"
    folder.mkdir()
    (folder / "pack.yaml").write_text(RIO_VERDE, encoding="utf-8")
    city = Running(tmp_path, pack=str(folder))
    try:
        city.join_all()
        city.stop()
        yield city, folder, digest(read_pack(folder))
    finally:
        city.stop()


def opened(city: Running) -> Hub:
    return Folder(city.folder / "hub").open()


def without_copies(city: Running) -> None:
    with closing(Store(city.folder / "hub" / "hub.db")) as store:
        store.delete_values("pack ")
        store.delete_values("founding")


def test_a_hub_starts_from_its_copy_and_says_that_the_folder_differs(
    founded: tuple[Running, Path, str],
) -> None:
    city, folder, adopted = founded
    # A hub of before has no copies, and makes them from the unchanged folder.
    without_copies(city)
    changes: list[tuple[Callable[[Path], None], str | None]] = [
        (leave, None),
        (edit, "differs from the pack in force"),
        (spoil, "can't be read"),
        (move, "can't be read"),
    ]
    for change, expected in changes:
        change(folder)
        hub = opened(city)
        with closing(hub.store):
            note = Folder(city.folder / "hub").draft_note(hub)
            assert (note is None) if expected is None else (expected in str(note)), note
            assert hub.history.newest.pack == adopted
            pack = Folder(city.folder / "hub").founding_pack(hub.store)
            assert digest(pack) == adopted
    city.start()
    city.settle()
    city.stop()
    folder.mkdir()
    (folder / "pack.yaml").write_text(RIO_VERDE.replace("Verde LEAD", "Verde"), encoding="utf-8")
    without_copies(city)
    with pytest.raises(RequestError) as changed:
        opened(city)
    assert changed.value.code == "pack-changed"


def test_before_there_is_a_directory_the_folder_counts(tmp_path: Path) -> None:
    folder = tmp_path / "rio-verde"
    folder.mkdir()
    (folder / "pack.yaml").write_text(RIO_VERDE, encoding="utf-8")
    city = Running(tmp_path, pack=str(folder))
    city.stop()
    edit(folder)
    hub = opened(city)
    with closing(hub.store):
        edited = digest(Folder(city.folder / "hub").founding_pack(hub.store))
        assert edited == digest(read_pack(folder))
    move(folder)
    hub = opened(city)
    with closing(hub.store):
        assert digest(Folder(city.folder / "hub").founding_pack(hub.store)) == edited
