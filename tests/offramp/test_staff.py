"""The people of an agency: who is listed, with which roles, and who acts."""

from __future__ import annotations

import pwd
import re
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offramp.agency import operations
from offramp.agency.commands import staff as staff_commands
from offramp.agency.errors import AgencyError
from offramp.agency.folder.accounts import Account, Passkey, Provider
from offramp.agency.folder.case_index import CaseIndex
from offramp.agency.folder.office import Office, init
from offramp.agency.folder.staff import FOUNDING_ROLES, Assignment, own_login
from offramp.cli import main
from tests.support.agencies import PASSPHRASE
from tests.support.logins import any_login
from tests.support.refused import refused

FOUNDER = "Rosa Quintana"
ACTS = ("end", "end alone", "hand over", "member", "admin", "supervisor admin", "auditor")


def test_the_founder_is_listed_and_acts_for_the_login_that_made_the_folder(tmp_path: Path) -> None:
    operations.create_agency(tmp_path / "a", "clinic", PASSPHRASE, founder="Rosa Quintana")
    with closing(operations.open_office(tmp_path / "a", PASSPHRASE)) as office:
        session = operations.sign_in(office)
        assert (session.name, session.login) == ("Rosa Quintana", own_login())
        assert session.person.roles == FOUNDING_ROLES


def test_a_name_that_is_not_listed_does_not_act(tmp_path: Path) -> None:
    operations.create_agency(tmp_path / "a", "clinic", PASSPHRASE, founder="Rosa Quintana")
    with closing(operations.open_office(tmp_path / "a", PASSPHRASE)) as office:
        for words in ({"by": "Somebody"}, {"login": "another"}):
            with pytest.raises(AgencyError) as refused:
                operations.sign_in(office, **words)
            assert refused.value.code == "unlisted-person"


def test_a_folder_of_an_older_version_lists_its_owner_first(tmp_path: Path) -> None:
    init(tmp_path / "a", "clinic", PASSPHRASE)
    with closing(operations.open_office(tmp_path / "a", PASSPHRASE)) as office:
        with pytest.raises(AgencyError) as refused:
            operations.sign_in(office, login="another")
        assert refused.value.code == "unlisted-person"
        assert operations.sign_in(office, by="Rosa Quintana").name == "Rosa Quintana"
        assert operations.sign_in(office).name == "Rosa Quintana"


# The list


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    operations.create_agency(tmp_path / "a", "clinic", PASSPHRASE, founder=FOUNDER)
    with closing(operations.open_office(tmp_path / "a", PASSPHRASE)) as opened:
        yield opened


@pytest.fixture
def logins() -> Iterator[None]:
    """Logins of made-up people pass."""
    with any_login():
        yield


def test_a_login_that_this_machine_lacks_is_refused_and_nobody_is_listed(office: Office) -> None:
    with refused("no-such-login"):
        operations.add_person(office, FOUNDER, "Amos Reed", ["member"], logins=["no-such-login"])
    operations.add_person(office, FOUNDER, "Amos Reed", ["member"], logins=["daemon"])
    with refused("no-such-login"):
        operations.set_logins(office, FOUNDER, "Amos Reed", ["daemon", "no-such-login"])
    with any_login():
        operations.set_logins(office, FOUNDER, "Amos Reed", ["elsewhere"])
    # A login of another machine stays listed beside a new one.
    operations.set_logins(office, FOUNDER, "Amos Reed", ["elsewhere", "daemon"])
    assert office.working_set().staff.named("Amos Reed").logins == ("elsewhere", "daemon")


def test_a_login_that_may_be_anybody_is_refused(office: Office) -> None:
    """No command comes from it: the gateway takes none from an account without a number here."""
    nobody = next((each.pw_name for each in pwd.getpwall() if each.pw_uid == 65534), None)
    if nobody is None:
        pytest.skip("this machine has no account 65534")
    with refused("bad-login"):
        operations.add_person(office, FOUNDER, "Amos Reed", ["member"], logins=[nobody])
    assert [person.name for person in office.working_set().staff.active()] == [FOUNDER]


def test_who_was_ended_is_told_so_at_the_own_login_alone(office: Office, logins: None) -> None:
    operations.add_person(office, FOUNDER, "Amos Reed", ["member"], logins=["areed"])
    operations.end_person(office, FOUNDER, "Amos Reed")
    day = f"{datetime.fromtimestamp(office.clock(), UTC):%Y-%m-%d}"
    for words in ({"login": "areed"}, {"login": "areed", "by": "amos reed"}):
        with pytest.raises(AgencyError, match=f"`Amos Reed` was ended on `{day}`") as ended:
            operations.sign_in(office, **words)
        assert ended.value.code == "person-ended"
    with refused("unlisted-person"):
        operations.sign_in(office, login="another", by="Amos Reed")
    with refused("person-ended"):
        operations.set_roles(office, FOUNDER, "Amos Reed", ["member"])


def test_of_who_was_ended_without_a_login_a_colleague_is_told_so(
    office: Office, logins: None
) -> None:
    operations.add_person(office, FOUNDER, "Mia Moss", ["member"], logins=["mmoss"])
    operations.add_person(office, FOUNDER, "Amos Reed", ["member"])
    with refused("login-differs"):
        operations.sign_in(office, login="mmoss", by="Amos Reed")
    operations.end_person(office, FOUNDER, "Amos Reed")
    with pytest.raises(AgencyError, match="`Amos Reed` was ended on") as ended:
        operations.sign_in(office, login="mmoss", by="amos reed")
    assert ended.value.code == "person-ended"
    with refused("unlisted-person"):
        operations.sign_in(office, login="another", by="Amos Reed")
    assert operations.sign_in(office, login="mmoss").name == "Mia Moss"


def test_a_person_has_one_place_in_a_case(office: Office, logins: None) -> None:
    case = "ab" * 16
    for name in ("Amos Reed", "Ana Lucero"):
        operations.add_person(office, FOUNDER, name, ["member"], logins=[name.split()[1]])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CaseIndex, "__contains__", lambda index, handle: handle == case)
        for backup, team in (
            ("AMOS REED", ()),
            (None, ("Amos Reed",)),
            ("Ana Lucero", ("Ana Lucero",)),
            (None, ("Ana Lucero", "Ana Lucero")),
        ):
            with refused("named-twice"):
                operations.assign_case(office, FOUNDER, case, "Amos Reed", backup=backup, team=team)
        operations.assign_case(office, FOUNDER, case, "Amos Reed", team=("Ana Lucero",))
        operations.hand_over(office, FOUNDER, case, "Ana Lucero")
    assert office.working_set().staff.assignments[case] == Assignment("Ana Lucero")


def test_nobody_reviews_the_own_access_while_somebody_else_can(
    office: Office, logins: None
) -> None:
    case = "ab" * 16
    operations.add_person(office, FOUNDER, "Amos Reed", ["member"], logins=["areed"])
    with office.transaction() as working_set:
        cases = {case: Assignment(FOUNDER).as_json()}
        office.append(working_set, "staff", {"does": "assigned", "cases": cases, "by": FOUNDER})
        body = {"does": "glass", "case": case, "reason": "safety", "until": 0, "by": FOUNDER}
        office.append(working_set, "staff", body)
    staff = office.working_set().staff
    assert staff.to_review(staff.named(FOUNDER)) == ()
    (access,) = staff.to_review(staff.named("Amos Reed"))
    operations.end_person(office, FOUNDER, "Amos Reed")
    staff = office.working_set().staff
    assert staff.to_review(staff.named(FOUNDER)) == (access,), "in an agency of one"


def test_a_restored_folder_is_worked_in_on_a_machine_without_the_listed_accounts(
    office: Office, logins: None
) -> None:
    operations.add_person(office, FOUNDER, "Amos Reed", ["member"], logins=["areed-elsewhere"])
    operations.set_logins(office, FOUNDER, FOUNDER, ["rosa-elsewhere"])
    for by in (None, "Somebody", "Amos Reed"):
        with refused("unlisted-person" if by else "login-differs"):
            operations.sign_in(office, by=by)
    assert operations.sign_in(office, by=FOUNDER).name == FOUNDER
    office.session = None
    assert operations.sign_in(office).person.logins == ("rosa-elsewhere", own_login())


def test_an_account_of_a_machine_with_a_listed_account_takes_no_name(office: Office) -> None:
    operations.add_person(office, FOUNDER, "Amos Reed", ["member"], logins=[own_login()])
    operations.set_logins(office, FOUNDER, FOUNDER, ["daemon"])
    with refused("login-differs"):
        operations.sign_in(office, by=FOUNDER)


def test_people_who_share_an_account_are_told_apart_by_name_alone(office: Office) -> None:
    operations.add_person(office, FOUNDER, "Amos Reed", ["member"], logins=[own_login()])
    office.session = None
    with refused("which-person"):
        operations.list_cases(office)
    assert operations.sign_in(office, by="amos reed").name == "Amos Reed"
    with refused("not-your-role"):
        operations.set_roles(office, "Amos Reed", "Amos Reed", ["admin"])


@pytest.mark.parametrize("role", ["admin", "supervisor"])
def test_the_last_admin_and_the_last_supervisor_stay(office: Office, role: str) -> None:
    others = [other for other in FOUNDING_ROLES if other != role]
    operations.add_person(office, FOUNDER, "Amos Reed", ["member"], logins=[own_login()])
    with refused(f"last-{role}"):
        operations.set_roles(office, FOUNDER, FOUNDER, others)
    with refused("last-admin"):
        operations.end_person(office, FOUNDER, FOUNDER, hand_over="Amos Reed")
    operations.set_roles(office, FOUNDER, "Amos Reed", [role, "member"])
    operations.set_roles(office, FOUNDER, FOUNDER, others)
    admin = "Amos Reed" if role == "admin" else FOUNDER
    with refused(f"last-{role}"):
        operations.end_person(office, admin, "Amos Reed")


@pytest.mark.parametrize("role", ["admin", "supervisor"])
def test_the_last_person_of_a_role_who_can_get_in_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], role: str
) -> None:
    operations.create_agency(tmp_path / "a", "clinic", PASSPHRASE, founder=FOUNDER)
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)

    def staff(*words: str, by: str = FOUNDER, code: int = 0) -> str:
        command = ["agency", "staff", str(tmp_path / "a"), *words, "--by", by]
        assert main([*command, "--passphrase-file", str(passphrase)]) == code
        printed = capsys.readouterr()
        return " ".join((printed.out + printed.err).split())

    others = [f"--role={each}" for each in FOUNDING_ROLES if each != role]
    end = ("end", FOUNDER, "--to", "Amos Reed", "--yes")
    staff("add", "Amos Reed", *(f"--role={each}" for each in FOUNDING_ROLES))
    asked = staff(*end[:-1], code=2)
    assert f"End `{FOUNDER}`? It can't be undone; give `--yes`" in asked
    assert "[no-login]" in staff(*end, code=2)
    alone = ("end", FOUNDER, "--yes")
    for words in (alone, ("roles", FOUNDER, *others)):
        said = staff(*words, code=2)
        assert f"no {'admin' if words is alone else role} could get in any more" in said
        assert "`Amos Reed` has no login of this machine" in said
        assert f"[last-{'admin' if words is alone else role}]" in said
    assert f'offramp agency staff {tmp_path / "a"} logins "Amos Reed" --login LOGIN' in said
    staff("logins", "Amos Reed", "--login", own_login())
    staff("roles", FOUNDER, *others)
    staff(*end, by="Amos Reed")
    assert "Amos Reed" in staff("list", by="Amos Reed")


def test_an_admin_is_no_auditor_and_a_name_is_used_once(office: Office) -> None:
    with refused("roles-apart"):
        operations.add_person(office, FOUNDER, "Amos Reed", ["admin", "auditor"])
    operations.add_person(office, FOUNDER, "Amos Reed", ["auditor"])
    operations.end_person(office, FOUNDER, "Amos Reed")
    for name, code in (
        ("Amos Reed", "name-taken"),
        ("AMOS REED", "name-taken"),
        ("the gateway", "reserved-name"),
        ("not listed", "reserved-name"),
        ("None", "reserved-name"),
        ("No-one", "reserved-name"),
        ("4711", "reserved-name"),
        ("12 34", "reserved-name"),
        (" ", "bad-name"),
        ("x" * 81, "bad-name"),
        ("Amos\u202eReed", "hidden-character"),
    ):
        with refused(code):
            operations.add_person(office, FOUNDER, name, ["member"])
    with refused("no-role"):
        operations.add_person(office, FOUNDER, "Ben Ode", [])
    with refused("no-such-role"):
        operations.add_person(office, FOUNDER, "Ben Ode", ["boss"])
    with refused("bad-login"):
        operations.add_person(office, FOUNDER, "Ben Ode", ["member"], logins=["b ode"])
    with refused("unlisted-person"):
        operations.set_roles(office, FOUNDER, "Ben Ode", ["member"])


def test_a_name_that_looks_like_a_listed_one_is_refused(
    tmp_path: Path, office: Office, capsys: pytest.CaptureFixture[str]
) -> None:
    def add(name: str) -> tuple[int, str]:
        passphrase = tmp_path / "passphrase"
        passphrase.touch(0o600)
        passphrase.write_bytes(PASSPHRASE)
        command = ["agency", "staff", str(tmp_path / "a"), "add", name, "--role", "member"]
        code = main([*command, "--passphrase-file", str(passphrase), "--by", FOUNDER])
        return code, capsys.readouterr().err

    assert add("Amos Reed") == (0, "")
    same = ("Amos  Reed", "Amos R\u00e9ed", "Amos Re\u0301ed", "amos reed", "Amos-Reed", "AmosReed")
    for name in same:
        code, error = add(name)
        assert code == 2 and "`Amos Reed` is or was listed here" in error, name
    for name in ("Amos Reed Jr.", "Amos B Reed", "Amos Reed 2", "Zo\u00eb Reed"):
        assert add(name) == (0, ""), name


@pytest.mark.parametrize(
    "typed", ["Niamh O\u2019Brien", "niamh o'brien", "N\u00edamh  O\u2019Brien"]
)
def test_a_person_is_named_with_the_apostrophe_that_is_at_hand(office: Office, typed: str) -> None:
    operations.add_person(office, FOUNDER, "Niamh O'Brien", ["member"])
    operations.set_roles(office, FOUNDER, typed, ["supervisor"])
    assert office.working_set().staff.named("Niamh O'Brien").roles == ("supervisor",)
    operations.end_person(office, FOUNDER, typed)
    with refused("person-ended"):
        operations.set_roles(office, FOUNDER, typed, ["member"])


def test_an_owner_of_cases_keeps_a_role_that_opens_them(
    tmp_path: Path, office: Office, logins: None, capsys: pytest.CaptureFixture[str]
) -> None:
    operations.add_person(office, FOUNDER, "Ben Cole", ["member"], logins=["bcole"])
    owned, helped = "ab" * 16, "cd" * 16
    with office.transaction() as working_set:
        cases = {
            owned: Assignment("Ben Cole").as_json(),
            helped: Assignment(FOUNDER, "Ben Cole").as_json(),
        }
        office.append(working_set, "staff", {"does": "assigned", "cases": cases, "by": FOUNDER})
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)

    def staff(*words: str) -> tuple[int, str]:
        command = ["agency", "staff", str(tmp_path / "a"), *words]
        code = main([*command, "--passphrase-file", str(passphrase), "--by", FOUNDER])
        return code, capsys.readouterr().err

    as_auditor = ("roles", "Ben Cole", "--role", "auditor")
    code, error = staff(*as_auditor)
    assert code == 2 and "[cases-left]" in error and "`abababab`" in error, error
    assert "cdcdcdcd" not in error and "`staff hand-over`" in error
    assert staff("roles", "Ben Cole", "--role", "sender") == (0, "")
    assert staff("hand-over", "Ben Cole", "--to", FOUNDER) == (0, "")
    assert staff(*as_auditor) == (0, "")
    assignments = office.working_set().staff.assignments
    assert assignments[owned] == assignments[helped] == Assignment(FOUNDER)


def test_who_was_ended_acts_no_more_in_another_program(
    office: Office, tmp_path: Path, logins: None
) -> None:
    operations.add_person(office, FOUNDER, "Amos Reed", ["member"], logins=["areed"])
    with closing(operations.open_office(tmp_path / "a", PASSPHRASE)) as other:
        operations.sign_in(other, login="areed")
        assert operations.list_cases(other) == ()
        operations.end_person(office, FOUNDER, "Amos Reed")
        with refused("person-ended"):
            operations.list_cases(other)


def test_ending_a_person_hands_every_case_over_or_names_them(office: Office, logins: None) -> None:
    operations.add_person(office, FOUNDER, "Amos Reed", ["member"], logins=["areed"])
    operations.add_person(office, FOUNDER, "Ada Admin", ["admin"])
    cases = ["ab" * 16, "cd" * 16]
    with office.transaction() as working_set:
        for case, assigned in zip(
            cases, (Assignment("Amos Reed", FOUNDER), Assignment(FOUNDER, "Amos Reed")), strict=True
        ):
            body = {"does": "assigned", "cases": {case: assigned.as_json()}, "by": FOUNDER}
            office.append(working_set, "staff", body)
    with refused("cases-left"):
        operations.end_person(office, FOUNDER, "Amos Reed")
    with refused("no-case-role"):
        operations.end_person(office, FOUNDER, "Amos Reed", hand_over="Ada Admin")
    with refused("cases-left"):
        operations.end_person(office, FOUNDER, "Amos Reed", hand_over="Amos Reed")
    change = operations.end_person(office, FOUNDER, "Amos Reed", hand_over=FOUNDER)
    staff = office.working_set().staff
    assert set(change.cases) == set(cases)
    for case in cases:
        assert staff.assignments[case] == Assignment(FOUNDER)
    ended = staff.people["Amos Reed"]
    assert (ended.ended_by, ended.logins) == (FOUNDER, ())


def test_nobody_gets_a_case_who_could_not_open_it(
    tmp_path: Path, office: Office, logins: None, capsys: pytest.CaptureFixture[str]
) -> None:
    case = "ab" * 16
    for name, roles, login in (
        ("Ben Cole", ["member"], ["bcole"]),
        ("Una Locked", ["member", "supervisor"], []),
        ("Ada Admin", ["admin"], ["aadmin"]),
        ("Gail Gone", ["member"], ["ggone"]),
    ):
        operations.add_person(office, FOUNDER, name, roles, logins=login)
    operations.end_person(office, FOUNDER, "Gail Gone")
    with office.transaction() as working_set:
        cases = {case: Assignment("Ben Cole").as_json()}
        office.append(working_set, "staff", {"does": "assigned", "cases": cases, "by": FOUNDER})
    could_not = {"Una Locked": "no-login", "Ada Admin": "no-case-role", "Gail Gone": "person-ended"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CaseIndex, "__contains__", lambda index, handle: handle == case)
        for name, code in could_not.items():
            with refused(code):
                operations.end_person(office, FOUNDER, "Ben Cole", hand_over=name)
            with refused(code):
                operations.hand_over_all(office, FOUNDER, "Ben Cole", name)
            with refused(code):
                operations.hand_over(office, FOUNDER, case, name)
            with refused(code):
                operations.assign_case(office, FOUNDER, case, name)
            with refused(code):
                operations.assign_case(office, FOUNDER, case, "Ben Cole", backup=name)
            with refused(code):
                operations.assign_case(office, FOUNDER, case, "Ben Cole", team=[name])
    with refused("cases-left"):
        operations.set_logins(office, FOUNDER, "Ben Cole", [])
    staff = office.working_set().staff
    assert staff.assignments == {case: Assignment("Ben Cole")}
    # A case that nobody took is a supervisor's who can get in, also after `staff roles`.
    operations.set_roles(office, FOUNDER, "Ben Cole", ["member", "supervisor"])
    operations.set_logins(office, FOUNDER, FOUNDER, [])
    assert (owner := office.working_set().staff.assignment("cd" * 16)) is not None
    assert owner.owner == "Ben Cole"


def test_whoever_can_sign_in_at_the_console_may_have_a_case(office: Office) -> None:
    case, names = "ab" * 16, ("Kay Passkey", "Ola Provider", "Una Locked")
    for name in names:
        operations.add_person(office, FOUNDER, name, ["member"])
    passkey = Passkey("id", "key", 0, "Phone", 0)
    with office.transaction():
        office.accounts.put(Account("Kay Passkey", passkeys=(passkey,)))
        office.accounts.put(Account("Ola Provider", subject="ola"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(CaseIndex, "__contains__", lambda index, handle: handle == case)
        with refused("no-login"):
            operations.assign_case(office, FOUNDER, case, "Ola Provider")
        provider = Provider("https://city.example", "offramp", None, ("mfa",), ())
        with office.transaction():
            office.accounts.put_provider(provider)
        for name in ("Kay Passkey", "Ola Provider"):
            operations.assign_case(office, FOUNDER, case, name)
        assert not [f for f in operations.examine(office) if "owns" in f.text]
        with refused("no-login"):
            operations.assign_case(office, FOUNDER, case, "Una Locked")


def test_everybody_of_a_demonstration_may_have_a_case(tmp_path: Path) -> None:
    folder, case = tmp_path / "a", "ab" * 16
    operations.create_agency(folder, "clinic", PASSPHRASE, founder=FOUNDER)
    settings = folder / "agency.toml"
    settings.write_text(settings.read_text().replace("demo = false", "demo = true"))
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.add_person(office, FOUNDER, "Luis Ortega", ["member"])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(CaseIndex, "__contains__", lambda index, handle: handle == case)
            operations.assign_case(office, FOUNDER, case, "Luis Ortega")
        assert office.working_set().staff.assignments[case].owner == "Luis Ortega"


def test_doctor_names_an_owner_without_a_login(office: Office, logins: None) -> None:
    operations.add_person(office, FOUNDER, "Una Locked", ["member"])
    with office.transaction() as working_set:
        cases = {"ab" * 16: Assignment("Una Locked").as_json()}
        office.append(working_set, "staff", {"does": "assigned", "cases": cases, "by": FOUNDER})
    found = [finding.text for finding in operations.examine(office)]
    assert any("`Una Locked` owns 1 case and has no login" in text for text in found)


@pytest.fixture
def staff_command(
    tmp_path: Path, office: Office, logins: None, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    """A function that runs `staff` at a terminal, for the founder, and returns what it prints."""
    passphrase = tmp_path / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)

    def staff(*words: str, by: str = FOUNDER) -> tuple[int, str]:
        command = ["agency", "staff", str(tmp_path / "a"), *words]
        code = main([*command, "--passphrase-file", str(passphrase), "--by", by])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return staff


def test_the_cases_of_an_ended_person_are_said_to_be_their_successors(
    office: Office, staff_command: Callable[..., tuple[int, str]]
) -> None:
    operations.add_person(office, FOUNDER, "Ben Cole", ["member"], logins=["bcole"])
    operations.add_person(office, FOUNDER, "Gail Gone", ["member"], logins=["ggone"])
    with office.transaction() as working_set:
        cases = {"ab" * 16: Assignment("Gail Gone").as_json()}
        office.append(working_set, "staff", {"does": "assigned", "cases": cases, "by": FOUNDER})
    operations.end_person(office, FOUNDER, "Gail Gone", hand_over="Ben Cole")
    day = f"{datetime.fromtimestamp(office.clock(), UTC):%Y-%m-%d}"
    code, said = staff_command("hand-over", "gail gone", "--to", FOUNDER)
    assert code == 2 and "[person-ended]" in said
    assert (
        f"`Gail Gone` was ended on `{day}` by `{FOUNDER}`, and the cases are `Ben Cole`'s" in said
    )
    assert 'hand-over "Ben Cole" --to NAME' in said
    code, said = staff_command("hand-over", "Nora Nobody", "--to", FOUNDER)
    assert code == 2 and "[unlisted-person]" in said and "`Nora Nobody` is not listed" in said
    code, said = staff_command("hand-over", "fade", "--to", FOUNDER)
    assert code == 2 and "[no-such-case]" in said


def test_a_flag_that_an_action_would_ignore_is_refused(
    office: Office, staff_command: Callable[..., tuple[int, str]]
) -> None:
    operations.add_person(office, FOUNDER, "Ben Cole", ["member"], logins=["bcole"])
    before = office.working_set().staff.named("Ben Cole")
    for words, flag in (
        (("roles", "Ben Cole", "--role", "sender", "--login", "none"), "--login"),
        (("logins", "Ben Cole", "--login", "x", "--role", "sender"), "--role"),
        (("end", "Ben Cole", "--yes", "--backup", FOUNDER), "--backup"),
        (("add", "Cy Dee", "--role", "member", "--to", FOUNDER), "--to"),
        (("hand-over", "Ben Cole", "--to", FOUNDER, "--team", FOUNDER), "--team"),
        (("list", "Ben Cole"), "Ben Cole"),
    ):
        code, said = staff_command(*words)
        assert code == 2 and f"takes no `{flag}`" in said and "[usage]" in said, said
    assert office.working_set().staff.named("Ben Cole") == before


@pytest.mark.parametrize("action", sorted(staff_commands._ACTIONS))
def test_each_action_alone_lists_or_says_what_it_needs(
    office: Office, staff_command: Callable[..., tuple[int, str]], action: str
) -> None:
    code, printed = staff_command(action)
    assert code == 0 if action == "list" else code == 2 and "[usage]" in printed, printed


def test_a_person_is_invited_by_a_command(
    office: Office, staff_command: Callable[..., tuple[int, str]]
) -> None:
    code, printed = staff_command("invite", FOUNDER)
    invited = re.search(r"[2-9A-Z]{4}(-[2-9A-Z]{4}){3}", printed)
    assert code == 0 and invited and FOUNDER in printed
    hashed, secret = "hash", operations.make_secret()
    assert operations.use_invitation(office, FOUNDER, invited[0], hashed, secret) == FOUNDER
    code, printed = staff_command("invite", FOUNDER, "--role", "member")
    assert code == 2 and "takes no `--role`" in printed


def test_who_has_another_login_is_told_so_and_how_to_mend_it(office: Office, logins: None) -> None:
    operations.add_person(office, FOUNDER, "Ben Cole", ["member"], logins=["bcole"])
    operations.set_logins(office, FOUNDER, "Ben Cole", ["bcole2"])
    for words in ({"login": "bcole"}, {"login": "bcole", "by": "ben cole"}):
        with pytest.raises(AgencyError, match="has the login `bcole2`") as differs:
            operations.sign_in(office, **words)
        assert differs.value.code == "login-differs"
        assert 'logins "Ben Cole" --login bcole2 --login bcole`' in differs.value.fix
    assert operations.sign_in(office, login="bcole2").name == "Ben Cole"
    # Nobody else's account is told who is listed.
    with refused("unlisted-person"):
        operations.sign_in(office, login="another", by="Ben Cole")


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(ACTS), st.sampled_from("abc"))))
def test_after_any_changes_there_are_an_admin_a_supervisor_and_an_owner_of_each_case(
    changes: list[tuple[str, str, str]],
) -> None:
    """Random changes by random people, as far as they pass: the invariants of the list hold."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        operations.create_agency(path, "clinic", PASSPHRASE, founder="a")
        with closing(operations.open_office(path, PASSPHRASE)) as office:
            for name in "bc":
                operations.add_person(office, "a", name, ["member"], logins=[own_login()])
            with office.transaction() as working_set:
                for number, name in enumerate("abc"):
                    case = f"{number}" * 32
                    cases = {case: Assignment(name, "b" if name != "b" else None).as_json()}
                    office.append(
                        working_set, "staff", {"does": "assigned", "cases": cases, "by": "a"}
                    )
            for actor, act, name in changes:
                office.session = None
                with suppress(AgencyError):
                    if act == "end":
                        operations.end_person(office, actor, name, hand_over=actor)
                    elif act == "end alone":
                        operations.end_person(office, actor, name)
                    elif act == "hand over":
                        operations.hand_over_all(office, actor, name, actor)
                    else:
                        operations.set_roles(office, actor, name, act.split())
                staff = office.working_set().staff
                assert staff.active("admin") and staff.active("supervisor")
                for assigned in staff.assignments.values():
                    for each in assigned.people:
                        assert staff.people[each].ended is None
                        assert set(staff.people[each].roles) & {"member", "supervisor", "sender"}
