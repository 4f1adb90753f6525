"""`offramp verify`, as counsel would run it: what it says, and what it exits with."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from exchange.consent.account import Proved
from exchange.evidence import documents
from exchange.evidence.verify import verify_exhibit
from offramp.cli import main
from tests.support.exhibits import logged, path_in, said_no, told
from tests.support.simulator import DAY

ROOT = told()[0].hub.history.founders


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "exhibit.json"
    path.write_bytes(told()[1].write())
    return path


def test_with_the_founders_fingerprint_it_is_verified_and_says_all_that_it_must(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(file), "--root", ROOT]) == 0
    out = capsys.readouterr().out
    assert out.startswith("VERIFIED.")
    for words in (
        "signed by: Crossroads (`crossroads`, case management), with the key `crossroads.s1`",
        "entry 12, 2026-11-02 18:10:00 UTC "
        "(witnessed: after 2026-11-02 18:00:00 UTC, by 2026-11-02 18:11:00 UTC)",
        'content: {"status": {"engagement": "engaged"}}',
        "told to: `prosecutor`, for `diversion_coordination`, on the basis `consent`",
        "7 digests of this record stay closed",
        "a revocation that isn't in this file can't be seen",
        "`defender`",
        "This is the fingerprint that you gave.",
    ):
        assert words in out
    assert all(len(line) <= 160 for line in out.splitlines())


def test_without_it_the_first_words_are_that_it_is_not_verified_yet(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(file)]) == 0
    out = capsys.readouterr().out
    assert out.startswith("NOT YET VERIFIED.") and "NOT COMPARED" in out
    assert ROOT in out.replace(" ", "")


def test_a_fingerprint_may_be_given_as_it_is_read_aloud(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    aloud = " ".join(ROOT[i : i + 4] for i in range(0, 64, 4)).upper()
    assert main(["verify", str(file), "--root", aloud]) == 0
    assert capsys.readouterr().out.startswith("VERIFIED.")


def test_with_other_founders_it_is_wrong(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(file), "--root", "0" * 64]) == 1
    out = capsys.readouterr().out
    assert out.startswith("NOT VERIFIED.") and "[wrong-root]" in out
    assert main(["verify", str(file), "--root", "none"]) == 2


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda: logged(later=400 * DAY), "consent-not-live"),
        (lambda: logged(first=said_no), "restricted"),
        (lambda: replace(told()[1], relied=()), "relied-missing"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_else_is(
    made: object, code: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "x.json"
    assert callable(made)
    path.write_bytes(made().write())
    assert main(["verify", str(path), "--root", ROOT]) == 1
    out = capsys.readouterr().out
    assert out.startswith("NOT VERIFIED.") and f"[{code}]" in out and "engaged" not in out
    assert main(["verify", str(path), "--json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert (answer["verified"], answer["error"]["code"]) == (False, code)


def test_as_json_it_is_verified_only_with_the_founders(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for given, verified in ((["--root", ROOT], True), ([], False)):
        assert main(["verify", str(file), "--json", *given]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["verified"] is verified and answer["holds_together"]
        assert answer["found"]["signer"]["agency"] == "crossroads"
        assert answer["found"]["parts"][0]["content"] == {"status": {"engagement": "engaged"}}


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"\xff\xfe", b"[" * 2**20, b"0" * 2**20], ids=range(5)
)
def test_what_cannot_be_read_is_bad_input(
    data: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "junk"
    path.write_bytes(data)
    assert main(["verify", str(path)]) == 2
    told_ = capsys.readouterr()
    assert not told_.out and "[not-an-exhibit]" in told_.err and len(told_.err) < 400


def test_no_file_and_a_folder_are_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in (tmp_path / "none", tmp_path, "a\0b"):
        assert main(["verify", str(path)]) == 2
        assert "[no-file]" in capsys.readouterr().err


def test_an_account_and_a_receipt_are_verified_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    honest, exhibit = told()
    world = honest.fork()
    case = verify_exhibit(exhibit).case
    assert case is not None
    account = world.hub.account(case, "crossroads", world.witnessed(), world.clock)
    path = path_in(world)
    members = tuple(
        replace(one, proved=Proved(one.proved.leaf, path(one.proved.leaf)))
        for one in exhibit.members
    )
    (tmp_path / "a").write_bytes(documents.ProvedAccount(account, members).write())
    assert main(["verify", str(tmp_path / "a"), "--root", ROOT]) == 0
    out = capsys.readouterr().out
    assert (
        "`crossroads` to `prosecutor`: `status` for `diversion_coordination` "
        "on the basis `consent`: handed out" in out
    )
    assert main(["verify", str(tmp_path / "a"), "--root", ROOT, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["found"]["rows"]
    index = exhibit.record.recorded.leaf.index
    (sent,) = [
        one
        for one in honest.at["crossroads"]._sent.values()
        if one[1] is not None and one[1].index == index
    ]
    bundle, receipt = sent[:2]
    assert receipt is not None
    proof = documents.ProvedReceipt(
        bundle.record, receipt, exhibit.record.recorded.path, exhibit.checkpoints, exhibit.members
    )
    (tmp_path / "r").write_bytes(proof.write())
    assert main(["verify", str(tmp_path / "r"), "--root", ROOT]) == 0
    assert "logged: entry 12" in capsys.readouterr().out


def test_as_a_process_from_standard_input(file: Path) -> None:
    command = [sys.executable, "-m", "offramp", "verify", "-", "--root", ROOT]
    ran = subprocess.run(
        command, input=file.read_bytes(), capture_output=True, env=os.environ, timeout=60
    )
    assert ran.returncode == 0 and ran.stdout.startswith(b"VERIFIED.") and not ran.stderr
