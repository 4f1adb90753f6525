"""Files that commands write: refused before the work, never overwritten by chance."""

from __future__ import annotations

import io
import json
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp import output_file
from offramp.cli import main
from offramp.output_file import check_output, write_output
from rules.errors import RequestError

SANTA_FE = ["interview", "santa-fe", "offer"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"2014-07-02\n")))
    return tmp_path


@pytest.mark.parametrize(
    ("name", "code", "at_fault"),
    [
        ("/no/such/x.json", "no-output", "`/no/such`"),
        ("a-folder", "no-output", "is a folder"),
        ("a-file/x.json", "no-output", "not a directory"),
        ("a-file", "file-taken", "`a-file`"),
        ("a-dangling-link", "file-taken", "`a-dangling-link`"),
        ("x" * 300, "no-output", "can't be written"),
        ("", "no-output", "folder"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_an_interview_refuses_its_file_before_the_first_question(
    name: str,
    code: str,
    at_fault: str,
    as_json: bool,
    here: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (here / "a-folder").mkdir()
    (here / "a-file").write_text("kept")
    (here / "a-dangling-link").symlink_to("nowhere")
    assert main([*SANTA_FE, "--save", name, *(["--json"] if as_json else [])]) == 2
    shown = capsys.readouterr()
    if as_json:
        assert shown.out.count("\n") == 1, "no question was asked"
        error = json.loads(shown.out)["error"]
        assert error["code"] == code and at_fault in error["message"] and error["fix"]
    else:
        assert shown.out == "" and f"[{code}]" in shown.err and at_fault in shown.err
    assert (here / "a-file").read_text() == "kept"
    assert len(list(here.iterdir())) == 3, "nothing is left behind"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused_first(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "closed").mkdir(mode=0o500)
    assert main([*SANTA_FE, "--save", "closed/x.json"]) == 2
    assert "[no-output]" in capsys.readouterr().err


def test_a_full_disk_is_noticed_first(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(path: Path, data: bytes) -> None:
        path.write_bytes(data[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(output_file, "_write", fail)
    assert main([*SANTA_FE, "--save", "x.json"]) == 2
    shown = capsys.readouterr()
    assert shown.out == "" and "no space left on device" in shown.err
    assert list(here.iterdir()) == []


def test_force_overwrites_and_closes_the_file_to_others(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = here / "facts.json"
    saved.write_text("older, and longer than what follows " * 100)
    saved.chmod(0o644)
    assert main([*SANTA_FE, "--save", "facts.json", "--force"]) == 3
    assert json.loads(saved.read_text()) == {"encounter": {"date": "2014-07-02"}}
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert [path.name for path in here.iterdir()] == ["facts.json"]


def test_a_file_that_appears_meanwhile_is_kept_and_the_answer_is_printed(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def appear(*_: object, **__: object) -> None:
        (here / "facts.json").write_text("from somebody else")

    monkeypatch.setattr("offramp.policy.commands.check_output", appear)
    assert main([*SANTA_FE, "--save", "facts.json", "--json"]) == 2
    *_, decision, error = map(json.loads, capsys.readouterr().out.splitlines())
    assert decision["facts"] == {"encounter": {"date": "2014-07-02"}}
    assert error["error"]["code"] == "file-taken"
    assert (here / "facts.json").read_text() == "from somebody else"


def test_a_device_is_written_without_force() -> None:
    check_output("/dev/null")
    write_output("/dev/null", b"x")


def test_a_backup_of_a_hub_never_overwrites(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hub", "init", "hub", "--pack", "lead"]) == 0
    from exchange.hub.store import Store

    Store(here / "hub" / "hub.db").close()
    assert main(["hub", "backup", "hub", "no/copy"]) == 2
    assert main(["hub", "backup", "hub", "copy"]) == 0
    before = (here / "copy").read_bytes()
    assert main(["hub", "backup", "hub", "copy"]) == 2
    assert "[file-taken]" in capsys.readouterr().err
    assert (here / "copy").read_bytes() == before
    assert main(["hub", "backup", "hub", "copy", "--force"]) == 0


NAMES = st.one_of(
    st.sampled_from(["new", "taken", "folder", "folder/new", "none/new", "taken/new", ".", ".."]),
    st.text(max_size=30),
)


@given(name=NAMES, force=st.booleans(), data=st.binary(max_size=100))
def test_what_is_checked_can_be_written_and_what_is_refused_changes_nothing(
    name: str, force: bool, data: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("files")
    (folder / "taken").write_bytes(b"older")
    (folder / "folder").mkdir()
    path = f"{folder}/{name}" if not name.startswith("/") else f"{folder}{name}"

    def contents() -> dict[str, bytes | None]:
        files = folder.rglob("*")
        return {str(file): file.read_bytes() if file.is_file() else None for file in files}

    before = contents()
    try:
        check_output(path, force=force)
    except RequestError as refusal:
        assert refusal.code in ("file-taken", "no-output") and refusal.fix
        with pytest.raises(RequestError):
            write_output(path, data, force=force)
        assert contents() == before
        return
    assert contents() == before
    write_output(path, data, force=force)
    assert Path(path).read_bytes() == data
    assert len(contents()) == len(before) + (not force or "taken" not in name)
