"""Who may do what: roles by operation, and a case by the people on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from inspect import Parameter, isfunction, signature
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from offramp.agency import operations, staff_wording
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.staff import ROLES, Session
from offramp.agency.operations import records
from offramp.agency.operations.access import DECLARED, admit
from offramp.agency.operations.looks import openings_of
from rules.errors import Refusal
from tests.support.agencies import PASSPHRASE, Town, referral
from tests.support.logins import any_login
from tests.support.refused import refused
from tests.support.staff import founder_of

# The roles by route, written out by hand from CONSOLE.md sections 3 and 5. A member and a
# supervisor have the pages of their agency's kind, a sender the offer, what is asked, and the own
# referrals.
WORKERS = {"member", "supervisor"}
ROUTES: dict[str, set[str]] = {
    "/offer": {"sender", *WORKERS},
    "/asked": {"sender", *WORKERS},
    "/mine": {"sender", *WORKERS},
    "/people": WORKERS,
    "/meeting": {"chair", *WORKERS},
    "/meeting/prepare": {"chair"},
    "/quarter": {"chair", "supervisor"},
    "assignments": {"supervisor"},
    "hand-over": WORKERS,
    "break-glass": WORKERS,
    # A supervisor helps a colleague in, and never an admin.
    "invitations": {"admin", "supervisor"},
    "own account": set(ROLES),
    "/admin/people": {"admin"},
    "/admin/people list": {"admin", *WORKERS},
    "/admin/exchange": {"admin"},
    "/admin/exchange retry": {"admin", "sender", *WORKERS},
    "/admin/looked": {"supervisor", "auditor", "admin"},
    "found by digits": {"sender", "chair", *WORKERS},
}
# The route of each operation, by the variant of its arguments.
OPERATIONS: dict[str, str | dict[str, str]] = {
    "list_cases": "/mine",
    "find_case": "found by digits",
    "read_case": "/people",
    "describe_case": "/people",
    "assign_cases": "assignments",
    "hand_over_case": "/people",
    "list_unassigned": "assignments",
    "preview_contact": "/people",
    "names_of": "/people",
    "preview_status": "/people",
    "describe_correction": "/mine",
    "describe_effects": "/mine",
    "describe_old_values": "/mine",
    "describe_recall": "/mine",
    "describe_own_entries": "/mine",
    "describe_about": "/mine",
    "describe_account": "/people",
    "describe_knowledge": "/people",
    "list_recalls": "/people",
    "list_unopened": "/people",
    "open_arrivals": "/people",
    "list_correctable": "/mine",
    "open_case": "/people",
    "note_facts": "/people",
    "note_notice": "/people",
    "list_tasks": "/people",
    "list_today": "/people",
    "compare_open_cases": "assignments",
    "publishes_quarter": "/quarter",
    "count_unopened_cases": "/quarter",
    "report_quarter": "/quarter",
    "list_feedback": "/mine",
    "report_breach": "assignments",
    "list_consent_sets": "/people",
    "person_name": "/people",
    "open_name": "/people",
    "preview_name": "/people",
    "correct_name": "/people",
    "issue_code": "/people",
    "cancel_code": "/people",
    "code_state": "/people",
    "knows_birth_year": "/people",
    "language_of_code": "/people",
    "print_my_page": "/people",
    "note_complaint": "/people",
    "note_dispute": "/people",
    "list_concerns": "/people",
    "answer_concern": "/people",
    "open_consent_form": "/people",
    "write_statement": "/people",
    "record_answers": "/people",
    "list_standing_grants": "/people",
    "list_standing_consents": "/people",
    "list_asked_consents": "/people",
    "delivery_of": "/people",
    "end_declined": "/people",
    "decide": {"new": "/offer", "case": "/people"},
    "send_answer": {"new": "/offer", "case": "/people"},
    "ask": "/people",
    "determine": "/people",
    "preview_determination": "/people",
    "preview_telling": "/people",
    "describe_telling": "/people",
    "tell_decision": "/people",
    "list_open_decisions": "/people",
    "open_decision": "/people",
    "list_held_charges": "/people",
    "list_places": "/people",
    "note_places": "/people",
    "name_agencies": "/people",
    "fetch_account": "/people",
    "export_record": "/people",
    "export_decision": "/people",
    "examine": "/admin/exchange",
    "show_agenda": "/meeting",
    "show_off_board": "/meeting",
    "open_statuses": "/meeting",
    "prepare_meeting": "/meeting/prepare",
    "status_owed": "/meeting",
    "program_day": "/meeting",
    "draft_status": "/people",
    "send_status": "/people",
    "record_meeting": "/meeting/prepare",
    "join_hub": "/admin/exchange",
    "list_drafts": "/admin/exchange",
    "approve_draft": "/admin/exchange",
    "retire": "/admin/exchange",
    "confirm_own_record": "/admin/exchange",
    "make_spare_key": "/admin/exchange",
    "propose_change": "/admin/exchange",
    "adopt_pack": "/admin/exchange",
    "back_up": "/admin/exchange",
    "move_agency": "/admin/exchange",
    "drill_backup": "/admin/exchange",
    "approve_by_words": "/admin/exchange",
    "read_directory_drafts": "/admin/exchange",
    "list_own_keys": "/admin/exchange",
    "hub_folder": "/admin/exchange",
    "hub_of": "/admin/exchange",
    "open_invitations": "/admin/exchange",
    "describe_backups": "/admin/exchange",
    "back_up_here": "/admin/exchange",
    "drill_here": "/admin/exchange",
    "retry_record": "/admin/exchange retry",
    "list_told": "/mine",
    "effects": "/mine",
    "correct": "/mine",
    "list_stated_lists": "/mine",
    "open_entry": "/mine",
    "preview_entry": "/mine",
    "change_entry": "/mine",
    "list_own_entries": "/mine",
    "preview_recall": "/mine",
    "recall": "/mine",
    "answer_recalls": "/people",
    "find": "/people",
    "possible_duplicates": "/offer",
    "read_scene": "/offer",
    "open_referral": "/offer",
    "draft_referral": "/offer",
    "note_declined": "/offer",
    "note_not_offered": "/offer",
    "count_closed": "/people",
    "list_forms": "/people",
    "untellable_forms": "/people",
    "allowed_by_offer": "/people",
    "decision_doubts": "/people",
    "duplicates_of": "/people",
    "same_person": "/people",
    "join": "/people",
    "tell_apart": "/people",
    "split": "/people",
    "note_same_person": "/offer",
    "note_other_people": "/offer",
    "note_report_number": "/offer",
    "parse_draft": "/mine",
    "build_draft": "/mine",
    "send_record": {"begins": "/offer", "case": "/people"},
    "record_consent": "/people",
    "revoke_consent": "/people",
    "list_inbox": "/people",
    "open_part": "/people",
    "preview_representation": "/people",
    "represent": "/people",
    "open_form": {"begins": "/offer", "answers": "/asked", "case": "/people"},
    "draft_form": {"begins": "/offer", "answers": "/asked", "case": "/people"},
    "preview_draft": {"begins": "/offer", "answers": "/asked", "case": "/people"},
    "send_draft": {"begins": "/offer", "answers": "/asked", "case": "/people"},
    "waiting_questions": "/asked",
    "closed_questions": "/asked",
    "measurements_asked": "/asked",
    "open_questions_as": "/asked",
    "list_staff": "/admin/people list",
    "add_person": "/admin/people",
    "set_roles": "/admin/people",
    "set_logins": "/admin/people",
    "set_phone": "/admin/people",
    "set_own_phone": "own account",
    "end_person": "/admin/people",
    "assign_case": "assignments",
    "hand_over": "hand-over",
    "hand_over_all": "assignments",
    "break_glass": "break-glass",
    "find_beyond": "break-glass",
    "list_health_providers": "break-glass",
    "list_reviews": "/people",
    "invite": "invitations",
    "list_accounts": "invitations",
    "recover": "invitations",
    "end_device": "invitations",
    "session_looks": "invitations",
    "set_provider": "/admin/exchange",
    "drop_provider": "/admin/exchange",
    "describe_provider": "/admin/exchange",
    "set_subject": "/admin/people",
    "own_refused_sign_ins": "own account",
    "has_own_password": "own account",
    "end_own_device": "own account",
    "own_session_looks": "own account",
    "list_passkeys": "own account",
    "passkey_request": "own account",
    "confirmation_request": "own account",
    "confirm_by_password": "own account",
    "confirm_by_passkey": "own account",
    "confirm_in_demo": "own account",
    "list_confirmations": "/people",
    "add_passkey": "own account",
    "remove_passkey": "own account",
    "review_access": "/admin/people list",
    "report_emergency": "break-glass",
    "list_emergencies": "break-glass",
    "confirm_emergency": "break-glass",
    "list_retention": "/people",
    "hold_case": "assignments",
    "release_hold": "assignments",
    "preview_ending": "assignments",
    "note_ending": "assignments",
    "noted_ending": "assignments",
    "withdraw_ending": "assignments",
    "prove_sealing": "/people",
    "list_looks": "/admin/looked",
    "list_case_looks": "/people",
}
# Acts of the gateway itself: they need no person, and show no case.
OF_THE_GATEWAY = {
    "report_status",
    "run_duties_once",
    "describe_service",
    "duties_of",
    "act_automatically",
    "end_due",
    "prepare_tasks",
    # Before somebody is signed in at the console, and for each of its requests.
    "describe_agency",
    "offer_in_force",
    "demo_people",
    "find_account",
    "sign_in_provider",
    "alerts_of",
    "folder_use",
    "check_in_use",
    "begin_work",
    "person_of_subject",
    "use_invitation",
    "use_step",
    "use_passkey",
    "console_session",
    "note_sign_in",
    "note_refused_page",
    "case_addresses",
    "case_digits",
    # By a participant, whose code was checked.
    "code_salt",
    "use_code",
    "cancel_lost_code",
    "my_page",
    "my_account",
    "my_permission",
    "my_take_back",
    "my_language",
    "take_back",
    "dispute",
    "complain",
}
# These find out who acts, or need no office. `refused_here` lists what the own command just sent,
# and `cases_tried` is for the look of somebody who is refused at the sign-in. `note_refusal`
# writes the look of a command that no operation refused.
BEFORE = {"sign_in", "acting", "refused_here", "cases_tried", "note_refusal"}

# Arguments that choose a variant.
VARIANTS: dict[str, dict[str, Any]] = {
    "": {},
    "new": {"case": "new", "answered": SimpleNamespace(case="new")},
    "case": {
        "case": "ab" * 16,
        "answered": SimpleNamespace(case="ab" * 16),
        "name": "plan",
        "opened": SimpleNamespace(form=SimpleNamespace(name="plan"), case="ab" * 16),
        "draft": SimpleNamespace(form="plan", case="ab" * 16),
    },
    "begins": {
        "case": None,
        "name": "refer",
        "opened": SimpleNamespace(form=SimpleNamespace(name="refer"), case=None),
        "draft": SimpleNamespace(form="refer", case="ab" * 16),
    },
    "answers": {
        "name": "answer",
        "opened": SimpleNamespace(form=SimpleNamespace(name="answer"), case=None),
        "draft": SimpleNamespace(form="answer", case=None),
    },
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A folder in which one person has each role, with a login of the role's name."""
    folder = tmp_path_factory.mktemp("roles") / "a"
    operations.create_agency(folder, "clinic", PASSPHRASE, founder="Founder")
    with closing(operations.open_office(folder, PASSPHRASE)) as opened:
        with any_login():
            for role in ROLES:
                operations.add_person(opened, "Founder", f"Only {role}", [role], logins=[role])
        yield opened


def values_of(name: str, variant: str) -> dict[str, Any]:
    """The arguments of an operation that choose a variant."""
    named = signature(getattr(operations, name)).parameters
    return {key: value for key, value in VARIANTS[variant].items() if key in named}


MATRIX = [
    (name, variant, route, role)
    for name, routes in OPERATIONS.items()
    for variant, route in (routes.items() if isinstance(routes, dict) else [("", routes)])
    for role in ROLES
]


def test_every_public_operation_declares_its_need() -> None:
    takes_office = {
        name
        for name in operations.__all__
        if isfunction(operation := getattr(operations, name))
        and next(iter(signature(operation).parameters), "") == "office"
    }
    assert takes_office - BEFORE == set(DECLARED) == set(OPERATIONS) | OF_THE_GATEWAY
    needs_nobody = {
        name
        for name, declared in DECLARED.items()
        if any(not each.roles for each in declared.accesses.values())
    }
    assert needs_nobody == OF_THE_GATEWAY


def test_each_role_has_the_operations_of_its_routes_and_no_others(office: Office) -> None:
    """Every role, alone, at every operation and variant: admitted exactly as the table says."""
    wrong = []
    for name, variant, route, role in MATRIX:
        declared = DECLARED[name]
        values = values_of(name, variant)
        session = Session(office.working_set().staff.named(f"Only {role}"), role, "a test")
        with operations.acting(office, session):
            try:
                admit(office, declared, values)
                is_admitted = True
            except AgencyError as refusal:
                # A role may be admitted, and then not know the case.
                is_admitted = refusal.code != "not-your-role"
        if is_admitted != (role in ROUTES[route]):
            wrong.append((name, variant, role, is_admitted))
    assert not wrong


def test_a_refusal_of_a_role_names_the_roles_and_no_case(office: Office) -> None:
    with (
        operations.acting(office, session_of(office, "Only admin")),
        pytest.raises(AgencyError) as refusal,
    ):
        operations.read_case(office, "ab" * 16)
    assert refusal.value.code == "not-your-role" and "abab" not in str(refusal.value)


def session_of(office: Office, name: str) -> Session:
    """A session of a listed person at a login of the own."""
    person = office.working_set().staff.named(name)
    return Session(person, person.logins[0], "a test")


# The caseload

PEOPLE = {
    "Olive Owner": ["member"],
    "Ben Backup": ["member"],
    "Tess Team": ["member"],
    "Nora Nobody": ["member"],
    "Sue Super": ["supervisor"],
    "Ada Admin": ["admin"],
    "Art Auditor": ["auditor"],
    "Sid Sender": ["sender"],
    "Cher Chair": ["chair"],
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A town whose case managers have a role each, and logins of their own.

    This machine has no such logins, and a case is assigned only to somebody whose login it has.
    """
    found = Town(tmp_path_factory.mktemp("town"))
    office = found.at["crossroads"]
    with any_login():
        for name, roles in PEOPLE.items():
            operations.add_person(office, "Rosa Quintana", name, roles, logins=[name.split()[0]])
        yield found


def case_of_owner(town: Town) -> str:
    """A case with a part of care, which `Olive Owner` opened, with a backup and a team."""
    draft = operations.Draft((replace(referral(), sensitivity="health"),), None)
    sent = operations.send_record(town.at["police"], "referral", draft)
    town.settle()
    assert sent.case is not None
    with acting_as(town, "Olive Owner") as office:
        operations.open_case(office, "Olive Owner", sent.case)
    with acting_as(town, "Sue Super") as office:
        operations.assign_case(
            office,
            "Sue Super",
            sent.case,
            "Olive Owner",
            backup="Ben Backup",
            team=["Tess Team"],
        )
    return sent.case


@contextmanager
def acting_as(town: Town, name: str) -> Iterator[Office]:
    office = town.at["crossroads"]
    with operations.acting(office, session_of(office, name)):
        yield office


def test_a_case_opens_for_the_people_on_it_and_a_supervisor_alone(town: Town) -> None:
    case = case_of_owner(town)
    for name in PEOPLE:
        sees = name in ("Olive Owner", "Ben Backup", "Tess Team", "Sue Super")
        with acting_as(town, name) as office:
            if sees:
                assert operations.read_case(office, case).case == case
                assert case in {each.case for each in operations.list_cases(office)}
                continue
            with pytest.raises(AgencyError) as refusal:
                operations.read_case(office, case)
            unknown = "cd" * 16
            with pytest.raises(AgencyError) as other:
                operations.read_case(office, unknown)
            # What isn't there and what is somebody else's are refused alike.
            assert refusal.value.code == other.value.code
            assert str(refusal.value).replace(case, unknown) == str(other.value)
            if "member" in PEOPLE[name]:
                assert case not in {each.case for each in operations.list_cases(office)}
                with refused("no-such-case"):
                    operations.find_case(office, case[:8])


def test_a_part_of_care_is_read_by_owner_and_backup_and_a_supervisor_with_a_reason(
    town: Town,
) -> None:
    case = case_of_owner(town)
    route = "encounter.route"
    for name, because, sees in (
        ("Olive Owner", None, True),
        ("Ben Backup", None, True),
        ("Tess Team", None, False),
        ("Tess Team", "supervision", False),
        ("Sue Super", None, False),
        ("Sue Super", "supervision", True),
    ):
        with acting_as(town, name) as office:
            view = operations.read_case(office, case, because=because)
            assert (route in view.facts) is sees, (name, because)
            # The others see that there is something.
            assert any("parts of care" in sentence for sentence in view.refusals) is not sees
    with acting_as(town, "Olive Owner") as office:
        (seen,) = [each for each in operations.list_staff(office).to_review if each.case == case]
        assert (seen.does, seen.by, seen.reason) == ("care", "Sue Super", "supervision")
        assert "Sue Super read parts of care" in operations.list_tasks(office)[0].what
        operations.review_access(office, "Olive Owner", seen.number)
        assert operations.list_staff(office).to_review == ()


def test_an_unopened_part_of_care_stays_closed_for_the_team(town: Town) -> None:
    case = case_of_owner(town)
    draft = operations.Draft((replace(referral(), sensitivity="health"),), None)
    operations.send_record(town.at["police"], "referral", draft, case)
    town.settle()
    office = town.at["crossroads"]
    (record, part) = office.working_set().closed_parts(case)[0]
    with acting_as(town, "Tess Team"), refused("care-part"):
        operations.open_part(office, "Tess Team", record, part=part)
    with acting_as(town, "Sue Super"):
        with refused("reason-needed"):
            operations.open_part(office, "Sue Super", record, part=part)
        with refused("unknown-reason"):
            operations.open_part(office, "Sue Super", record, part=part, because="curious")
    with acting_as(town, "Nora Nobody"), refused("not-here"):
        operations.open_part(office, "Nora Nobody", record, part=part)
    assert (record, part) in office.working_set().closed_parts(case)
    with acting_as(town, "Sue Super"):
        operations.open_part(office, "Sue Super", record, part=part, because="owner_away")
    assert (record, part) not in office.working_set().closed_parts(case)


def test_breaking_the_glass_lasts_an_hour_and_waits_for_a_review(town: Town) -> None:
    case = case_of_owner(town)
    with acting_as(town, "Nora Nobody") as office:
        access = operations.break_glass(office, "Nora Nobody", case[:12], "safety")
        assert "encounter.route" in operations.read_case(office, case).facts
    (broke,) = [look for look in office.looks.read(case) if look.kind == "glass"]
    assert (broke.person, broke.reason) == ("Nora Nobody", "safety")
    for name in ("Olive Owner", "Sue Super"):
        with acting_as(town, name) as office:
            assert access in operations.list_staff(office).to_review
    with acting_as(town, "Nora Nobody") as office, refused("nothing-to-review"):
        operations.review_access(office, "Nora Nobody", access.number)
    town.hub.clock += 3600
    with acting_as(town, "Nora Nobody") as office, refused("no-such-case"):
        operations.read_case(office, case)
    with acting_as(town, "Sue Super") as office:
        assert access in operations.list_staff(office).to_review
        assert operations.review_access(office, "Sue Super", access.number).reviewed_by
        assert access.number not in {
            each.number for each in operations.list_staff(office).to_review
        }


def test_the_number_to_review_is_in_the_looks_and_the_looks_in_the_list(town: Town) -> None:
    case = case_of_owner(town)
    with acting_as(town, "Nora Nobody") as office:
        access = operations.break_glass(office, "Nora Nobody", case, "safety")
    with acting_as(town, "Sue Super") as office:
        listed = operations.list_looks(office, of_case=case)
        (broke,) = [look for look in listed.looks if look.kind == "glass"]
        assert (broke.number, access.number) == (access.look, listed.reviews[broke.number])
        lines = staff_wording.looks_lines(listed, ZoneInfo("UTC"))
        assert f"(`staff review {access.number}`)" in next(
            line for line in lines if "glass" in line
        )
        lines = staff_wording.staff_lines(operations.list_staff(office), ZoneInfo("UTC"))
        (line,) = [line for line in lines if line.startswith(f"  {access.number}: ")]
        assert line.endswith(f"(look {broke.number})")


def test_nobody_breaks_the_glass_of_a_case_that_opens_anyway(town: Town) -> None:
    case = case_of_owner(town)
    waiting = len(town.at["crossroads"].working_set().staff.extra)
    for name in ("Olive Owner", "Ben Backup"):
        with acting_as(town, name) as office, refused("own-case"):
            operations.break_glass(office, name, case, "safety")
    assert len(town.at["crossroads"].working_set().staff.extra) == waiting


def test_police_and_prosecutor_have_no_glass_to_break(town: Town) -> None:
    case = case_of_owner(town)
    for name in ("police", "prosecutor"):
        office = town.at[name]
        with refused("no-glass"):
            operations.break_glass(office, founder(office), case, "safety")


def founder(office: Office) -> str:
    """The name of the person who acts where a test names nobody."""
    return operations.sign_in(office, by=founder_of(office.agency)).name


def test_a_case_is_of_the_person_who_acts_first_and_until_then_of_a_supervisor(
    town: Town,
) -> None:
    sent = operations.send_record(
        town.at["police"], "referral", operations.Draft((referral(),), None)
    )
    town.settle()
    case = str(sent.case)
    # Police: who referred. Nobody took it at the case manager's: it is the first supervisor's.
    police, crossroads = town.at["police"], town.at["crossroads"]
    assert owner(police, case) == "Officer Lund"
    assert owner(crossroads, case) == "Rosa Quintana"
    assert not crossroads.working_set().staff.is_taken(case)
    with acting_as(town, "Nora Nobody") as office:
        assert case in {each.case for each in operations.list_cases(office)}
        operations.open_case(office, "Nora Nobody", case)
    assert owner(crossroads, case) == "Nora Nobody"
    with acting_as(town, "Olive Owner") as office, refused("no-such-case"):
        operations.open_case(office, "Olive Owner", case)


def owner(office: Office, case: str) -> str:
    assigned = office.working_set().staff.assignment(case)
    assert assigned is not None
    return assigned.owner


# Refusals by access

# These may name any case of the agency: what can't wait, and what is asked of everybody.
FOR_EVERY_CASE = {
    "list_open_decisions",
    "break_glass",
    "report_emergency",
    "waiting_questions",
    "closed_questions",
    "measurements_asked",
    "open_questions_as",
}


def calls_that_name_a_case(case: str, record: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every public operation that names a case, with the arguments that do."""
    about = SimpleNamespace(form="plan", case=case)
    naming = {
        "case": case,
        "first": case,
        "second": case,
        "of_case": case,
        "prefix": case[:8],
        "answered": about,
        "draft": about,
        "opened": SimpleNamespace(form=SimpleNamespace(name="plan"), case=case),
        "name": "plan",
    }
    for name in OPERATIONS:
        parameters = signature(getattr(operations, name)).parameters
        values = {key: value for key, value in naming.items() if key in parameters}
        if "case" in values:
            values.pop("draft", None)
        if "record" in parameters and not values:
            values = {"record": record}
        if set(values) - {"name"} and name not in FOR_EVERY_CASE | {"retry_record"}:
            required = {
                key: "Nora Nobody" if key == "actor" else None
                for key, parameter in parameters.items()
                if parameter.default is Parameter.empty and key not in ("office", *values)
            }
            yield name, {**required, **values}


def test_every_refused_try_on_the_case_of_a_colleague_is_a_look(town: Town) -> None:
    case = case_of_owner(town)
    office = town.at["crossroads"]
    (record,) = {jti for _, jti in office.working_set().cases.records(case).received}
    unknown, unknown_record = "cd" * 16, "ef" * 16
    tried = []
    with acting_as(town, "Nora Nobody") as office:
        for (name, values), (_, other_values) in zip(
            calls_that_name_a_case(case, record),
            calls_that_name_a_case(unknown, unknown_record),
            strict=True,
        ):
            before = len(list(office.looks.read()))
            with pytest.raises(AgencyError) as refusal:
                getattr(operations, name)(office, **values)
            looks = list(office.looks.read())[before:]
            written = {(each.person, each.kind, each.case, each.refused) for each in looks}
            expected = ("Nora Nobody", "refused", case, refusal.value.code)
            assert expected in written, (name, written)
            tried.append(name)
            if DECLARED[name].access(other_values).scope == "new":
                continue  # a case that nobody has may be begun
            # Nothing tells the person that the case exists.
            with pytest.raises(AgencyError) as other:
                getattr(operations, name)(office, **other_values)
            text = str(refusal.value)
            for here, elsewhere in ((case, unknown), (case[:8], unknown[:8]), (record, "ef" * 16)):
                text = text.replace(here, elsewhere)
            assert text == str(other.value), name
    assert len(tried) > 40 and {"find_case", "list_retention", "hold_case", "hand_over"} <= {*tried}
    # The people of the case see who tried, and the person who tried sees nothing.
    with acting_as(town, "Olive Owner") as office:
        seen = operations.list_case_looks(office, case, only_refused=True)
        assert {look.person for look in seen.looks} >= {"Nora Nobody"}
    with acting_as(town, "Nora Nobody") as office, refused("no-such-case"):
        operations.list_case_looks(office, case)


def test_a_refusal_within_an_operation_is_a_look_too(town: Town) -> None:
    case = case_of_owner(town)
    with acting_as(town, "Tess Team") as office, refused("not-the-owner"):
        operations.hand_over(office, "Tess Team", case, "Tess Team")
    assert "not-the-owner" in {look.refused for look in office.looks.read(case)}


# Refusals for another reason than access


def refused_calls(case: str) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Calls that are refused after access was checked, with the code of each refusal."""
    yield "assign_case", {"case": case, "owner": "Tess Team", "team": ["Tess Team"]}, "named-twice"
    yield "assign_case", {"case": case, "owner": "Gone Gail"}, "person-ended"
    yield "assign_case", {"case": case, "owner": "Nobody Known"}, "unlisted-person"
    yield "assign_case", {"case": case, "owner": "Art Auditor"}, "no-case-role"
    yield "hand_over", {"case": case, "to": "Nobody Known"}, "unlisted-person"
    yield "hold_case", {"case": case, "reason": "none"}, "unknown-reason"
    yield "hold_case", {"case": case, "reason": "audit"}, "held-already"
    yield "release_hold", {"case": case, "number": 1}, "no-hold"
    yield "add_person", {"name": "Tess Team", "roles": ["member"]}, "name-taken"
    yield "set_roles", {"name": "Tess Team", "roles": ["none"]}, "no-such-role"
    yield "set_roles", {"name": "Gone Gail", "roles": ["member"]}, "person-ended"
    yield "set_logins", {"name": "Nobody Known", "logins": ["x"]}, "unlisted-person"
    yield "set_phone", {"name": "Gone Gail", "phone": "505-555-0142"}, "person-ended"
    yield "end_person", {"name": "Olive Owner"}, "cases-left"
    yield "prove_sealing", {"case": case}, "nothing-sealed"


def generated_calls(case: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every operation with a look that takes only texts and numbers, with unknown names."""
    words = {"str": "nothing", "int": 10**6, "Sequence[str]": ["nothing"]}
    for name, declared in DECLARED.items():
        required = {
            key: parameter.annotation
            for key, parameter in signature(getattr(operations, name)).parameters.items()
            if parameter.default is Parameter.empty and key not in ("office", "actor")
        }
        if (
            declared.look
            and not declared.variant
            and required
            and set(required.values()) <= set(words)
        ):
            yield (
                name,
                {key: words[kind] for key, kind in required.items()}
                | ({"case": case} if "case" in required else {}),
            )


def test_an_operation_that_refuses_is_shown_as_refused_and_never_as_done(town: Town) -> None:
    case = case_of_owner(town)
    with any_login(), acting_as(town, "Rosa Quintana") as office:
        operations.add_person(office, "Rosa Quintana", "Gone Gail", ["member"], logins=["Gail"])
        operations.end_person(office, "Rosa Quintana", "Gone Gail")
        operations.hold_case(office, "Rosa Quintana", case, "audit")
        expected = list(refused_calls(case))
        tried = [(name, values) for name, values, _ in expected] + list(generated_calls(case))
        codes, names = [], set()
        for name, values in tried:
            shown = operations.list_looks(office).looks
            takes_actor = "actor" in signature(getattr(operations, name)).parameters
            actor = {"actor": "Rosa Quintana"} if takes_actor else {}
            try:
                getattr(operations, name)(office, **actor, **values)
            except Refusal as refusal:
                code = refusal.code
            else:
                continue
            codes.append(code)
            names.add(name)
            listed = operations.list_looks(office).looks[len(shown) :]
            of_operation = [look for look in listed if look.operation == name]
            assert [(look.kind, look.refused) for look in of_operation] == [("refused", code)], name
            only = operations.list_looks(office, only_refused=True).looks
            assert of_operation[0] in only, name
    assert codes[: len(expected)] == [code for _, _, code in expected]
    assert len(names) > 20, sorted(names)


def test_a_refused_print_opened_no_file_and_an_opened_part_stays_opened(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = case_of_owner(town)
    (record,) = {jti for _, jti in town.at["crossroads"].working_set().cases.records(case).received}
    with acting_as(town, "Ben Backup") as office:
        with refused("nothing-sealed"):
            operations.prove_sealing(office, "Ben Backup", case)
        assert "Ben Backup" not in {opening.person for opening in openings_of(office, case)}

        def fail(**_: object) -> None:
            raise AgencyError("no-room", "the disk refuses", fix="make room")

        # The part is open before this fails, so the look of the opening counts.
        monkeypatch.setattr(records, "OpenedPart", fail)
        with refused("no-room"):
            operations.open_part(office, "Ben Backup", record)
        looks = operations.list_case_looks(office, case, person="Ben Backup").looks
        assert [(look.kind, look.refused) for look in looks if look.record == record] == [
            ("part", None),
            ("refused", "no-room"),
        ]
        assert "Ben Backup" in {opening.person for opening in openings_of(office, case)}
