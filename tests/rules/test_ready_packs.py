"""A pack from a ready file is the pack from its own files, and a doubtful ready file is ignored."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from rules import user_cache
from rules.decide.program import Program
from rules.errors import PackError
from rules.packs import ready
from rules.packs.digest import digest
from rules.packs.pack import Pack
from rules.shelf import Neighbors, jurisdictions, make_ready, read_pack, shipped
from tests.conftest import ROOT

PACK = """\
id: town
title: Town
time_zone: UTC
program: {from: 2020-01-01, source: own}
extends: base
sources: {own: {title: The act, address: here, confidence: high}}
"""
BASE = """\
id: base
title: Base
time_zone: UTC
program: {from: 2020-01-01, source: act}
sources: {act: {title: The act, address: here, confidence: high}}
decisions:
  eligibility:
    rules:
      - {id: young, when: person.age < 18, then: ineligible, because: Under 18., source: act}
    otherwise: {outcome: eligible, because: Nothing bars it., source: act}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in (("town", PACK), ("base", BASE)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "pack.yaml").write_text(text)
    return tmp_path / "town"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield tmp_path / "cache" / "offramp" / "packs"


def only(cache: Path) -> Path:
    (file,) = cache.iterdir()
    return file


def age_limit(folder: Path) -> str:
    """Return the outcome for a person of 19, which shows what rules were read."""
    return str(Program(read_pack(folder)).outcome("eligibility", _AT_19))


_AT_19: dict[str, Any] = {"person": {"age": 19}, "encounter": {"date": "2021-01-01"}}


def shown(pack: Pack) -> str:
    """Return every field of a pack as text, places too, which no comparison counts."""
    return re.sub(
        r"frozenset\(\{([^}]*)\}\)", lambda found: str(sorted(found[1].split(", "))), repr(pack)
    )


def from_files(name: str) -> tuple[Pack, bytes]:
    pack, content = make_ready(jurisdictions() / name, Neighbors(jurisdictions().resolve()))
    assert content is not None
    return pack, content


@pytest.mark.parametrize("name", shipped())
def test_a_ready_shipped_pack_is_the_pack_with_its_places_and_digest(name: str) -> None:
    pack, content = from_files(name)
    code = ready.current_code()
    assert code is not None
    kept = ready.read_ready(content, Neighbors(jurisdictions().resolve()), jurisdictions(), code)
    assert kept is not None
    assert kept == pack
    assert shown(kept) == shown(pack)
    assert digest(kept) == digest(pack)
    del kept.__dict__["_digest"]
    assert digest(kept) == digest(pack)
    assert str(ROOT).encode() not in content


def test_a_pack_is_read_once_and_then_without_yaml(folder: Path, cache: Path) -> None:
    read_pack(folder)
    assert (cache.stat().st_mode & 0o777, only(cache).stat().st_mode & 0o777) == (0o700, 0o600)
    program = (
        "import sys; from rules.shelf import read_pack; read_pack(sys.argv[1], whole=False); "
        "print(*sys.modules)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not {"yaml", "rules.packs.assemble", "rules.input.yaml"} & set(ran.stdout.split())


def test_every_file_that_is_opened_is_noted(tmp_path: Path) -> None:
    program = """
import sys
opened = []
sys.addaudithook(lambda event, found: opened.append(found[0]) if event == "open" else None)
from rules.shelf import Neighbors, find, jurisdictions, make_ready, shipped
import json, os
for name in shipped():
    opened.clear()
    _, content = make_ready(find(name), Neighbors(jurisdictions().resolve()))
    noted = json.loads(content.partition(b"\\n")[0])["files"]
    root = os.path.realpath(jurisdictions())
    read = {os.path.relpath(os.path.realpath(path), root) for path in opened
            if isinstance(path, (str, os.PathLike)) and os.path.realpath(path).startswith(root)}
    # The vocabulary is read once for all packs.
    print(json.dumps([name, sorted(read - {key.removeprefix("shipped:") for key in noted})]))
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    missing = dict(json.loads(line) for line in ran.stdout.splitlines())
    assert set(missing) == set(shipped())
    assert not {name: files for name, files in missing.items() if files}


def test_a_changed_file_of_the_pack_or_its_parent_is_read_anew(folder: Path) -> None:
    assert age_limit(folder) == "eligible"
    base = folder.parent / "base" / "pack.yaml"
    before = base.stat()
    base.write_text(BASE.replace("< 18", "< 21"))
    os.utime(base, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert age_limit(folder) == "ineligible"
    base.write_text(BASE)
    assert age_limit(folder) == "eligible"
    (folder / "spanish.csv").write_text("no such columns\n")
    with pytest.raises(PackError) as refused:
        read_pack(folder)
    assert refused.value.code == "wrong-shape"


def test_a_table_or_parent_found_elsewhere_is_read_anew(tmp_path: Path) -> None:
    town = tmp_path / "town"
    town.mkdir()
    (town / "pack.yaml").write_text(PACK.replace("extends: base", "extends: santa-fe"))
    read_pack(town, whole=False)
    shutil.copytree(jurisdictions() / "santa-fe", tmp_path / "santa-fe")
    text = (tmp_path / "santa-fe" / "pack.yaml").read_text()
    (tmp_path / "santa-fe" / "pack.yaml").write_text(text.replace("id: santa-fe", "id: other", 1))
    with pytest.raises(PackError):
        read_pack(town, whole=False)


def test_another_version_of_the_code_reads_anew(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    read_pack(folder)
    monkeypatch.setattr(ready, "current_code", lambda: "of another version")
    read_pack(folder)
    assert len(list(cache.iterdir())) == 2


def test_code_that_was_written_after_the_start_makes_nothing_ready(
    folder: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    monkeypatch.setattr(user_cache, "_STARTED", 0.0)
    monkeypatch.setattr(ready, "current_code", ready.current_code.__wrapped__)
    read_pack(folder)
    assert ready.current_code() is None and not cache.exists()


class _Evil:
    def __reduce__(self) -> Any:
        return os.system, ("touch ran",)


@pytest.mark.parametrize(
    "damage",
    ["empty", "cut", "flipped", "unsealed", "another class", "no pack", "readable", "link"],
)
def test_a_doubtful_file_is_ignored(
    folder: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: str
) -> None:
    whole = repr(read_pack(folder))
    file = only(cache)
    raw = file.read_bytes()
    body = user_cache.unsealed(raw)
    assert body is not None
    head, _, pickled = body.partition(b"\n")
    forged = pickled.replace(b"ineligible", b"eligible_x")
    assert forged != pickled
    monkeypatch.chdir(tmp_path)
    if damage == "empty":
        file.write_bytes(b"")
    elif damage == "cut":
        file.write_bytes(raw[: len(raw) // 2])
    elif damage == "flipped":
        file.write_bytes(raw.replace(b"ineligible", b"eligible_x"))
    elif damage == "unsealed":
        file.write_bytes(head + b"\n" + forged)
    elif damage == "another class":
        file.write_bytes(user_cache.sealed(head + b"\n" + pickle.dumps(_Evil())))
    elif damage == "no pack":
        file.write_bytes(user_cache.sealed(head + b"\n" + pickle.dumps({"id": "town"})))
    elif damage == "readable":
        file.write_bytes(user_cache.sealed(head + b"\n" + forged))
        file.chmod(0o644)
    else:
        other = tmp_path / "other"
        other.write_bytes(user_cache.sealed(head + b"\n" + forged))
        other.chmod(0o600)
        file.unlink()
        file.symlink_to(other)
    assert repr(read_pack(folder)) == whole
    assert not (tmp_path / "ran").exists()


def test_a_sealed_file_of_the_user_is_believed(folder: Path, cache: Path) -> None:
    """The tests above would pass without a cache: this one shows that a file counts."""
    read_pack(folder)
    file = only(cache)
    body = user_cache.unsealed(file.read_bytes())
    assert body is not None
    file.write_bytes(user_cache.sealed(body.replace(b"Nothing bars it.", b"Nothing b4rs it.")))
    assert "Nothing b4rs it." in repr(read_pack(folder))


@pytest.mark.parametrize("place", ["file", "no home", "not mine"])
def test_no_fault_of_the_cache_is_an_error(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    if place == "no home":
        monkeypatch.delenv("XDG_CACHE_HOME")
        monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
        monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    elif place == "file":
        (tmp_path / "file").write_text("")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    else:
        (tmp_path / "cache" / "offramp" / "packs").mkdir(parents=True, mode=0o777)
        (tmp_path / "cache" / "offramp" / "packs").chmod(0o777)
    assert age_limit(folder) == "eligible"
    assert age_limit(folder) == "eligible"
    if place == "not mine":
        assert not list((tmp_path / "cache" / "offramp" / "packs").iterdir())


def test_a_full_disk_leaves_no_half_file(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert age_limit(folder) == "eligible"
    assert not [file for file in cache.iterdir() if "." not in file.name]


def test_several_processes_at_once_all_decide(folder: Path, cache: Path) -> None:
    program = (
        "import sys; from rules.shelf import read_pack; "
        "print(read_pack(sys.argv[1], whole=False).title)"
    )
    running = [
        subprocess.Popen(
            [sys.executable, "-c", program, str(folder)], cwd=ROOT, stdout=subprocess.PIPE
        )
        for _ in range(4)
    ]
    assert [process.communicate()[0] for process in running] == [b"Town\n"] * 4
    assert user_cache.unsealed(only(cache).read_bytes()) is not None
