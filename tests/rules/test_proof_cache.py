"""Test the cache of proofs: it is used the next time, and no forged entry is believed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from rules.errors import PackError
from rules.prove import proof_cache
from rules.prove.proof_cache import Proof, prove
from rules.shelf import read_pack
from tests.conftest import ROOT

PACK = """\
id: town
title: Town
time_zone: UTC
program: {from: 2020-01-01, source: act}
sources: {act: {title: The act, address: here, confidence: high}}
decisions:
  eligibility:
    rules:
      - {id: young, when: person.age < 18, then: ineligible, because: Under 18., source: act}
    otherwise: {outcome: eligible, because: Nothing bars it., source: act}
invariants:
  - {id: minors-stay-out, decision: eligibility, when: person.age < 18,
     always: eligibility == "ineligible", because: They do., source: act}
  - {id: no-matter-who-is-asked, decision: eligibility, independent_of: [offer.accepted],
     because: It is no test., source: act}
"""
UNSOUND = PACK.replace("when: person.age < 18, then", "when: person.age < 17, then")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    town = tmp_path / "town"
    town.mkdir()
    (town / "pack.yaml").write_text(PACK)
    return town


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield tmp_path / "cache" / "offramp" / "proofs"


def proof(folder: Path) -> Proof:
    return prove(read_pack(folder, whole=False))


def only(cache: Path) -> Path:
    (file,) = cache.iterdir()
    return file


def test_a_pack_is_proved_once(folder: Path, cache: Path) -> None:
    first, second = proof(folder), proof(folder)
    assert (first.known, second.known) == (False, True)
    assert first.proved == second.proved != ()
    assert (cache.stat().st_mode & 0o777, only(cache).stat().st_mode & 0o777) == (0o700, 0o600)
    assert not prove(read_pack(folder, whole=False), again=True).known


def test_what_reads_a_pack_knows_what_check_proved(folder: Path, cache: Path) -> None:
    read_pack(folder)
    assert proof(folder).known
    only(cache).unlink()
    assert not proof(folder).known


def test_spelling_needs_no_new_proof_and_a_changed_rule_does(folder: Path) -> None:
    proof(folder)
    pack = folder / "pack.yaml"
    pack.write_text("# a remark\n" + PACK.replace("person.age < 18,", "(person.age<18),"))
    assert proof(folder).known
    pack.write_text(PACK.replace("Under 18.", "Younger than 18."))
    assert not proof(folder).known


def test_what_was_sound_does_not_vouch_for_what_is_not(folder: Path) -> None:
    proof(folder)
    (folder / "pack.yaml").write_text(UNSOUND)
    with pytest.raises(PackError) as refused:
        proof(folder)
    assert refused.value.code == "floor-lifted"


def test_what_is_refused_is_not_kept(folder: Path, cache: Path) -> None:
    (folder / "pack.yaml").write_text(UNSOUND)
    for _ in range(2):
        with pytest.raises(PackError):
            proof(folder)
    assert not cache.exists()


def test_a_child_with_the_same_text_as_its_parent_s_rules_is_proved_for_itself(
    folder: Path,
) -> None:
    """Which rules are a pack's own decides what must be reachable, so it is part of the key."""
    rule = '{id: same, when: person.age < 18, then: ineligible, because: "Under 18.", source: act}'
    for name, body in (
        ("inherits", ""),
        (
            "repeats",
            f"decisions: {{eligibility: {{override: [{rule.replace('same', 'young')}]}}}}\n",
        ),
    ):
        child = folder.parent / name / "child"
        child.mkdir(parents=True)
        shutil.copytree(folder, child.parent / "town")
        (child / "pack.yaml").write_text(
            "id: child\ntitle: Child\nextends: town\ntime_zone: UTC\n"
            "program: {from: 2020-01-01, source: act}\nsources: {}\n" + body
        )
        assert not proof(child).known


def forged(cache: Path, folder: Path) -> None:
    """Write a cache file, under the right key, that states that the unsound pack is sound."""
    pack = read_pack(folder, whole=False)
    key = proof_cache._key(pack)
    cache.mkdir(parents=True, mode=0o700, exist_ok=True)
    (cache / key).write_bytes(proof_cache._text(key, tuple(pack.invariants)))
    (cache / key).chmod(0o600)


def test_the_forgery_would_pass_if_it_were_the_user_s_own(folder: Path, cache: Path) -> None:
    """So that the refusals below are for the reason that they name."""
    (folder / "pack.yaml").write_text(UNSOUND)
    forged(cache, folder)
    assert proof(folder).known


@pytest.mark.parametrize("bits", [0o020, 0o002, 0o004])
@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_somebody_else_may_write_or_read_is_not_believed(
    folder: Path, cache: Path, what: str, bits: int
) -> None:
    (folder / "pack.yaml").write_text(UNSOUND)
    forged(cache, folder)
    at = cache if what == "folder" else only(cache)
    at.chmod(at.stat().st_mode | bits)
    with pytest.raises(PackError):
        proof(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to somebody else")
@pytest.mark.parametrize("what", ["folder", "file"])
def test_what_belongs_to_somebody_else_is_not_believed(
    folder: Path, cache: Path, what: str
) -> None:
    (folder / "pack.yaml").write_text(UNSOUND)
    forged(cache, folder)
    os.chown(cache if what == "folder" else only(cache), 12345, 12345)
    with pytest.raises(PackError):
        proof(folder)


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_link_is_not_followed(folder: Path, cache: Path, what: str, tmp_path: Path) -> None:
    (folder / "pack.yaml").write_text(UNSOUND)
    forged(cache, folder)
    at = cache if what == "folder" else only(cache)
    at.rename(tmp_path / "elsewhere")
    at.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(PackError):
        proof(folder)


def test_a_pipe_in_the_file_s_place_holds_nobody_up(folder: Path, cache: Path) -> None:
    proof(folder)
    file = only(cache)
    file.unlink()
    os.mkfifo(file, 0o600)
    assert not proof(folder).known


def test_any_byte_that_isn_t_what_was_written_means_that_it_is_proved_again(
    folder: Path, cache: Path
) -> None:
    proof(folder)
    file = only(cache)
    whole = file.read_bytes()
    broken = [whole[:end] for end in range(0, len(whole), 7)]
    broken += [
        whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :] for at in range(0, len(whole), 5)
    ]
    broken += [whole + b"\n", b"[]", b"null", b"\xff", b"{" * 100_000]
    for text in broken:
        file.write_bytes(text)
        assert proof_cache._read(file.name) is None, text[:80]
    assert not proof(folder).known
    assert proof(folder).known


def test_an_answer_to_another_pack_is_not_taken_for_this_one(folder: Path, cache: Path) -> None:
    proof(folder)
    answer = only(cache)
    (folder / "pack.yaml").write_text(UNSOUND)
    answer.rename(cache / proof_cache._key(read_pack(folder, whole=False)))
    with pytest.raises(PackError):
        proof(folder)


def test_another_version_of_the_prover_proves_for_itself(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    proof(folder)
    monkeypatch.setattr(proof_cache, "_prover", lambda: "of another version")
    assert not proof(folder).known


KEY = """
import sys
from pathlib import Path
from rules.prove import proof_cache
from rules.shelf import read_pack
assert Path(proof_cache.__file__).is_relative_to(sys.argv[1]), "another copy was imported"
print(proof_cache._key(read_pack(sys.argv[2], whole=False)))
"""


def key_by(copy: Path, folder: Path) -> str:
    """The key of the pack in `folder`, by a copy of `rules` that lies in `copy`."""
    environment = {**os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-B", "-c", KEY, str(copy), str(folder)]
    return subprocess.run(
        command, env=environment, cwd=copy, capture_output=True, text=True, check=True
    ).stdout


def test_an_edit_in_any_sub_package_makes_a_new_key(folder: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    package = copy / "rules"
    shutil.copytree(ROOT / "rules", package, ignore=shutil.ignore_patterns("__pycache__"))
    edited = {path.parent: path for path in sorted(package.rglob("*.py"))}
    names = {path.relative_to(package).as_posix() for path in edited}
    assert names >= {".", "author", "decide", "input", "language", "packs", "prove"}
    keys = [key_by(copy, folder)]
    assert key_by(copy, folder) == keys[0], "nothing was edited"
    for path in edited.values():
        path.write_text(path.read_text() + "# an edit\n")
        keys.append(key_by(copy, folder))
    (package / "decide" / "new.py").touch()
    keys.append(key_by(copy, folder))
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("place", ["no home", "a file", "relative"])
def test_without_a_place_to_keep_it_a_pack_is_proved_each_time(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    (tmp_path / "file").write_text("")
    home = tmp_path / "home"
    monkeypatch.setenv("HOME", str(home if place == "relative" else tmp_path / "file"))
    monkeypatch.setenv(
        "XDG_CACHE_HOME",
        {"no home": "", "a file": str(tmp_path / "file"), "relative": "cache"}[place],
    )
    monkeypatch.chdir(tmp_path)
    assert not proof(folder).known
    assert proof(folder).known == (place == "relative"), (
        "a relative cache is ignored, and the home's is used"
    )
    assert not (tmp_path / "cache").exists()


def test_the_cache_does_not_grow_for_ever(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof_cache, "KEPT", 3)
    for number in range(6):
        (folder / "pack.yaml").write_text(PACK.replace("Under 18.", f"Under 18 ({number})."))
        proof(folder)
        os.utime(cache / proof_cache._key(read_pack(folder, whole=False)), (number, number))
    assert len(list(cache.iterdir())) == 3
    assert proof(folder).known, "the newest is kept"


def test_check_says_whether_it_proved_or_knew(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from offramp.cli import main

    for how in ("proved now, in ", "known from an earlier proof"):
        assert main(["check", str(folder)]) == 0
        assert how in capsys.readouterr().out
    assert main(["check", "--again", "--json", str(folder)]) == 0
    assert json.loads(capsys.readouterr().out)[str(folder)]["known"] is False
