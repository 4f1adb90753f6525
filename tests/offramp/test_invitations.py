"""Invitations: short enough to read aloud, valid for seven days, and ended by a withdrawal."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from offramp.cli import main
from offramp.hub import invitations, operations
from offramp.hub.folder import Folder
from offramp.invitation_code import check_code_form
from rules.errors import RequestError
from tests.support.refused import refused

NOW = 1_790_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    path = tmp_path_factory.mktemp("invitations") / "hub"
    assert main(["hub", "init", str(path), "--pack", "lead"]) == 0
    return operations.open_folder(path)


def opens(folder: Folder, agency: str, code: str, now: int = NOW) -> invitations.Invited:
    return invitations.check_code(folder.secret, invitations.find(folder.path, agency), code, now)


def invited(folder: Folder, agency: str = "clinic") -> operations.Invitation:
    return operations.invite_agency(folder, agency, "treatment_provider", "Mesa Clinic", now=NOW)


def test_a_code_fits_a_telephone_call_and_opens_its_invitation_alone(folder: Folder) -> None:
    code = invited(folder).code
    assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}", code)
    for heard in (code, code.lower(), code.replace("-", " "), code.replace("0", "o"), f" {code}"):
        assert opens(folder, "clinic", heard).role == "treatment_provider"
    assert opens(folder, "clinic", code.replace("1", "l")).name == "Mesa Clinic"
    invited(folder, "hospital")
    for agency, wrong in (("hospital", code), ("nobody", code), ("clinic", ""), ("../keys", code)):
        with refused("bad-code"):
            opens(folder, agency, wrong)


@given(st.text(max_size=40))
def test_no_other_text_is_a_code(folder: Folder, text: str) -> None:
    right = invited(folder).code
    if invitations._normal(text) != invitations._normal(right):
        with refused("bad-code"):
            opens(folder, "clinic", text)


def test_a_code_expires_after_seven_days_and_a_new_one_replaces_it(folder: Folder) -> None:
    first = invited(folder)
    assert first.until == NOW + 7 * 24 * 3600
    assert opens(folder, "clinic", first.code, first.until)
    with refused("bad-code"):
        opens(folder, "clinic", first.code, first.until + 1)
    second = invited(folder)
    assert opens(folder, "clinic", second.code)
    with refused("bad-code"):
        opens(folder, "clinic", first.code)


def states(folder: Folder, now: int = NOW) -> dict[str, tuple[str, str]]:
    listed = operations.list_invitations(folder, now=now)
    return {each.agency: (each.state, each.code) for each in listed}


def test_a_withdrawn_code_is_void_and_listed_as_that(folder: Folder) -> None:
    code = invited(folder).code
    assert states(folder)["clinic"] == ("open", code)
    operations.withdraw_invitation(folder, "clinic")
    with refused("bad-code"):
        opens(folder, "clinic", code)
    assert states(folder)["clinic"] == ("withdrawn", "")
    with pytest.raises(RequestError, match="has no invitation"):
        operations.withdraw_invitation(folder, "clinic")
    again = invited(folder).code
    assert states(folder)["clinic"] == ("open", again)
    assert states(folder, NOW + 8 * 24 * 3600)["clinic"] == ("expired", "")
    invitations.note_use(folder.path, opens(folder, "clinic", again), NOW + 60)
    (used,) = (
        each for each in operations.list_invitations(folder, now=NOW) if each.agency == "clinic"
    )
    assert (used.state, used.code, used.used_at) == ("used", "", NOW + 60)
    invitations.note_use(folder.path, opens(folder, "clinic", again), NOW + 90)
    assert invitations.used_at(folder.path, opens(folder, "clinic", again)) == NOW + 60
    newest = invited(folder).code
    assert states(folder)["clinic"] == ("open", newest), "a new invitation isn't used yet"


def test_a_damaged_or_foreign_file_invites_nobody(folder: Folder) -> None:
    code = invited(folder).code
    path = folder.path / "invitations" / "clinic.json"
    assert path.stat().st_mode & 0o777 == 0o600
    whole = path.read_bytes()
    for damaged in (b"", b"{}", b"\xff", whole.replace(b"Mesa", b"Mega"), whole[:-1]):
        path.write_bytes(damaged)
        with refused("bad-code"):
            opens(folder, "clinic", code)
    (folder.path / "invitations" / "hospital.json").write_bytes(whole)
    with refused("bad-code"):
        opens(folder, "hospital", code)


def test_the_command_says_until_when_and_lists_and_withdraws(
    folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(*words: str) -> tuple[int, str, str]:
        code = main(["hub", "invite", str(folder.path), *words])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    status, out, said = run("police", "--role", "police", "--name", "Police Department")
    assert status == 0 and re.fullmatch(r"[0-9A-Z-]{19}\n", out)
    assert "valid until" in said and "(America/" in said and "--withdraw" in said
    assert out.strip() in run("--list")[1]
    assert json.loads(run("--list", "--json")[1])[0]["until"].endswith("Z")
    assert "void" in run("police", "--withdraw")[1] and out.strip() not in run("--list")[1]
    for wrong in ((), ("police",), ("police", "--withdraw"), ("Police", "--role", "police")):
        assert run(*wrong)[0] == 2
    # Each refusal names the word at fault, and the words that pass.
    for words, said in (
        (
            ("Police", "--role", "police", "--name", "Police"),
            "`Police` is no id of an agency; use 2",
        ),
        (("police", "--role", "cops", "--name", "Police"), "`cops` is no role of an agency; "),
        (("police", "--role", "cops", "--name", "Police"), "`police`"),
        (("police", "--role", "police", "--name", ""), "is no name of an agency; write it on one"),
        (("police",), "with one of the roles police, "),
        ((), "name its new id, such as `police`, with `--role` and `--name`"),
    ):
        refusal = " ".join(run(*words)[2].split())
        assert "[bad-invitation]" in refusal and said in refusal, refusal
    assert not list(Path(folder.path / "invitations").glob("*.partial"))


@pytest.mark.parametrize(
    ("code", "why"),
    [
        ("7ECF-CHQD-YZBC", "is cut off: it has 12 letters and digits, and a whole one has 16"),
        ("", "is cut off: it has 0 letters and digits"),
        ("7ECF-CHQD-YZBC-N1D0-7ECF", "is too long: it has 20"),
        ("7ECF-CHQD-YZBC-N1D!", "no code has `!`"),
        ("7ECF-CHQD-YZBC-N1DU", "no code has `U`"),
    ],
)
def test_a_code_that_is_not_whole_is_named_before_the_hub_is_asked(code: str, why: str) -> None:
    with pytest.raises(RequestError) as wrong:
        check_code_form(code)
    assert wrong.value.code == "wrong-code" and why in wrong.value.message
    check_code_form("7ecf chqd yzbc nid-o")  # as it is heard
