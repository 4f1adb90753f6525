"""The passphrase of an agency's keys: its sources, and the unit of the service that gives it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from offramp.agency.commands.passphrase import CREDENTIAL, find_passphrase
from offramp.agency.folder.settings import read_settings, write_settings
from offramp.cli import main
from tests.conftest import ROOT
from tests.support.refused import refused
from tests.support.terminals import converse

SECRET = "a passphrase for tests"
OTHER = "another passphrase, too"


def write(path: Path, text: str) -> Path:
    path.touch(0o600)
    path.write_text(f"{text}\n")
    return path


@pytest.fixture
def credential(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A credential as systemd gives it: its group's bits are the mask of an access list."""
    folder = tmp_path / "credentials"
    folder.mkdir(0o700)
    path = write(folder / CREDENTIAL, SECRET)
    path.chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    return path


def test_an_option_counts_before_the_credential_and_that_before_the_setting(
    tmp_path: Path, credential: Path
) -> None:
    option, setting = write(tmp_path / "option", OTHER), write(tmp_path / "setting", "x" * 20)
    assert find_passphrase(str(option), str(setting)) == OTHER.encode()
    assert find_passphrase(None, str(setting)) == SECRET.encode()
    credential.unlink()
    assert find_passphrase(None, str(setting)) == b"x" * 20
    with refused("no-passphrase"):
        find_passphrase(None, None)


@pytest.mark.parametrize("content", ["short", ""])
def test_a_credential_that_is_too_short_is_refused(credential: Path, content: str) -> None:
    credential.chmod(0o600)
    credential.write_text(content)
    with refused("no-passphrase"):
        find_passphrase(None)


def test_init_asks_twice_and_leaves_no_passphrase_in_the_folder(tmp_path: Path) -> None:
    folder = tmp_path / "agency"
    program = [sys.executable, "-c", _ASKING, "agency"]
    words = [str(folder), "--id", "clinic"]
    different = converse([*program, "init", *words], [SECRET, OTHER])
    assert different.code == 2 and "[no-passphrase]" in different.text and not folder.exists()
    made = converse([*program, "init", *words], [SECRET, SECRET])
    assert made.code == 0 and SECRET not in made.text, made.text
    for path in folder.rglob("*"):
        assert path.is_dir() or SECRET.encode() not in path.read_bytes()
    assert read_settings(folder).passphrase_file is None
    opened = converse([*program, "status", str(folder)], [SECRET])
    assert opened.code == 0, opened.text
    wrong = converse([*program, "status", str(folder)], [OTHER])
    assert wrong.code == 2 and "[wrong-passphrase]" in wrong.text


# `getpass` shows a prompt of its own. The terminal's helper waits for one of ours.
_ASKING = """
import getpass, sys
ask = getpass.getpass
getpass.getpass = lambda prompt: ask(prompt + "\\n> ")
from offramp.cli import main
raise SystemExit(main(sys.argv[1:]))
"""


def test_a_command_without_a_terminal_asks_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "offramp", "agency", "init", str(tmp_path / "a"), "--id", "ab"]
    ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert ended.returncode == 2 and b"[no-passphrase]" in ended.stderr


def test_doctor_finds_a_passphrase_beside_the_keys(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "agency"
    away = write(tmp_path / "secret", SECRET)
    words = ["--passphrase-file", str(away)]
    assert main(["agency", "init", str(folder), "--id", "clinic", *words]) == 0
    write(folder / "notice.txt", "a notice that is no passphrase")
    main(["agency", "doctor", str(folder), *words])
    assert "beside them" not in capsys.readouterr().out
    for beside in (folder / "todo.txt", folder / "keys" / "p"):
        write(beside, SECRET)
        write_settings(
            folder, read_settings(folder).model_copy(update={"passphrase_file": str(beside)})
        )
        assert main(["agency", "doctor", str(folder)]) == 1
        assert f"beside them, in `{beside}`" in capsys.readouterr().out
        beside.unlink()


def test_the_unit_of_the_service_is_sound(tmp_path: Path) -> None:
    if (analyze := shutil.which("systemd-analyze")) is None:
        pytest.skip("there is no systemd-analyze here")
    page = (ROOT / "docs" / "for-it.md").read_text(encoding="utf-8")
    (unit,) = re.findall(r"```ini\n(\[Unit\].*?)```", page, re.DOTALL)
    program = tmp_path / "offramp"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert f"LoadCredentialEncrypted={CREDENTIAL}:" in unit and "\nPrivateUsers" not in unit
    path = tmp_path / "offramp-agency.service"
    # The account and the program are made on the service's machine.
    named = unit.replace("User=offramp", "User=daemon").replace("Group=offramp", "Group=daemon")
    path.write_text(named.replace("/opt/offramp/bin/offramp", str(program)))
    verified = subprocess.run(
        [analyze, "verify", str(path)], capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0 and str(path) not in verified.stderr, verified.stderr
    path.write_text(path.read_text().replace("ProtectSystem=strict", "ProtectSystem=strictly"))
    broken = subprocess.run(
        [analyze, "verify", str(path)], capture_output=True, text=True, check=False
    )
    assert str(path) in broken.stderr, "the check can fail"
