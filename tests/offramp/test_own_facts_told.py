"""A city's own fact of any category and role is told by an operation, or `check` refuses the pack.

The pack has an own fact for every category that travels and every role. Those that `check` refuses
are left out, and every other one is told by its agency and arrives.
"""

from __future__ import annotations

import argparse
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from exchange.records.content_checks import check_content
from offramp.agency import commands, operations
from offramp.agency.cases.caseload import case_of, utc
from offramp.cli import main
from rules.decide.consent import Passage, permits
from rules.decide.program import Program
from rules.errors import RequestError
from rules.input.vocabulary import CLOSED_TO_PACKS
from rules.shelf import read_pack, vocabulary
from tests.support.agencies import RIO_VERDE, Town
from tests.support.refused import refused
from tests.support.simulator import DAY, FORM, HOUR, grant, part

AGENCIES = {
    "police": "police",
    "prosecutor": "prosecutor",
    "defender": "defender",
    "program": "program",
    "crossroads": "case_management",
    "clinic": "treatment_provider",
    "shelter": "service_provider",
    "hospital": "health_provider",
}
AGENCY_OF = {role: agency for agency, role in AGENCIES.items()}
TRAVELING = [one for one in vocabulary().categories if one not in vocabulary().never_travels]
PAIRS = [(category, role) for category in TRAVELING for role in AGENCIES.values()]
PLAIN = ("service", "case_management")
CLOCK = """
parameters:
  time_for_help: {label: the time to take up help, unit: days, values: [{value: 1, source: county}]}
clocks:
  help: {label: the person takes up help, owner: person, start: case.referred_at,
    stop: case.help_at, length: time_for_help, counts: days, follows: The offer of help ends.,
    source: county}
"""
COMPLETION = """
  completion:
    rules:
      - {id: taken, when: 'clocks.help in ["met", "late"]', then: completed,
         because: The person took up help., source: county}
      - {id: too-late, when: clocks.help == "overdue", then: expired,
         because: The time to take up help is over., source: county}
    otherwise: {outcome: under_way, because: There is time., source: county}
"""


def path_of(category: str, role: str) -> str:
    return f"own.{role}.{category}"


def write_pack(folder: Path, pairs: list[tuple[str, str]], *, clock: bool = False) -> Path:
    """Write a pack with an own fact for each pair, read by a decision of another role."""
    facts, deciding = [], []
    for category, role in pairs:
        facts.append(
            f"  {path_of(category, role)}: {{type: bool, kind: record, known_by: {role}, "
            f"category: {category}, question: 'Own {category} of {role}?', source: county}}"
        )
    if clock:
        facts.append(
            "  case.help_at: {type: timestamp, kind: event, known_by: service_provider, "
            "category: status, question: When did the person take up help?, source: county}"
        )
    for role in dict.fromkeys(role for _, role in pairs):
        own = [path_of(category, other) for category, other in pairs if other == role]
        deciding.append(
            f"  word_of_{role}: {{asks: What does it say?, governed_by: encounter.date, "
            f"decided_by: {'case_management' if role == 'program' else 'program'}, "
            "outcomes: [good, open], "
            f"rules: [{{id: word-of-{role.replace('_', '-')}, when: {' && '.join(own)}, then: good,"
            " because: All is well., source: county}], "
            "otherwise: {outcome: open, because: Not all is well., source: county}}"
        )
    folder.mkdir(parents=True)
    (folder / "pack.yaml").write_text(
        "\n".join(
            [
                RIO_VERDE,
                "facts:",
                *facts,
                CLOCK if clock else "",
                "decisions:",
                *deciding,
                COMPLETION if clock else "",
            ]
        ),
        encoding="utf-8",
    )
    return folder


def refused_pairs(folder: Path, capsys: pytest.CaptureFixture[str]) -> set[tuple[str, str]]:
    """Return the pairs that `offramp check` refuses, one role after the other."""
    refused = set()
    for role in AGENCY_OF:
        pairs = [pair for pair in PAIRS if pair[1] == role]
        pack = write_pack(folder / role / "rio-verde", pairs)
        capsys.readouterr()
        assert main(["check", str(pack)]) == 2
        lines = capsys.readouterr().out.splitlines()
        assert all(line.endswith("[never-told]") for line in lines), lines
        refused |= {
            pair for pair in pairs if any(f"`{path_of(*pair)}` of" in line for line in lines)
        }
    return refused


REFUSED = {(category, role) for category in CLOSED_TO_PACKS for role in AGENCIES.values()} | {
    # The golden rule: nobody in care tells anything of an arrest.
    (category, role)
    for category in ("encounter", "charge", "screening_outcome", "new_charge", "charge_status")
    for role in ("case_management", "treatment_provider", "service_provider", "health_provider")
}


def test_check_refuses_exactly_what_nobody_could_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused_pairs(tmp_path, capsys) == REFUSED
    pack = write_pack(tmp_path / "rio-verde", [("charge", "service_provider")])
    assert main(["check", str(pack)]) == 2
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        "`service_provider` can tell no other agency the fact `own.service_provider.charge` of the "
        "category `charge`, and others wait for it; for `service_provider` write one of these "
        "categories: contact, decision_outcome, enrollment," in printed
    )


def test_a_fact_that_no_agency_knows_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for role in ("person", "hub", "policy_group"):
        pack = write_pack(tmp_path / role / "rio-verde", [("status", role)])
        assert main(["check", str(pack)]) == 2
        printed = capsys.readouterr().out
        assert "[never-told]" in printed and "write the agency that knows it" in printed


def test_a_role_that_decides_alone_on_its_own_fact_waits_for_nobody(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = write_pack(tmp_path / "rio-verde", [("charge", "case_management")])
    path = pack / "pack.yaml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("decided_by: program", "decided_by: case_management"))
    assert main(["check", str(pack)]) == 0


# Told


RECIPIENTS = (
    *("program", "case_management", "treatment_provider", "health_provider", "service_provider"),
    *("prosecutor", "police"),
)
PURPOSES = ("diversion_coordination", "treatment")


def refer(town: Town) -> str:
    to = {
        "crossroads": ("offer_and_hand_off", "offer_at_scene"),
        "program": ("offer_and_hand_off", "offer_at_scene"),
        "prosecutor": ("screening", "offer_at_scene"),
    }
    said = {"answer": "accepted", "referred_at": town.hub.clock}
    accepted = part("encounter", to=to, says=said, use="none")
    draft = operations.Draft((accepted,))
    case = operations.send_record(town.at["police"], "referral", draft).case
    assert case is not None
    town.settle()
    return case


def completion(town: Town, case: str) -> tuple[str, str | None]:
    """Return what the rules answer at the program on whether the person has done what it asks."""
    for record, part_id in town.at["program"].working_set().closed_parts(case):
        town.at["program"].open(record, part_id, by="Rosa Quintana")
    decision = operations.decide(town.at["program"], case, "completion").answer.ruling
    return decision.status, decision.outcome


def terms_for(program: Program, role: str) -> list[dict[str, Any]]:
    """Return terms by which a role may tell each category to the first role that may know it."""
    terms = []
    for category in TRAVELING:
        if (category, role) in REFUSED:
            continue
        recipient, purpose = next(
            (other, purpose)
            for other in RECIPIENTS
            if other != role
            for purpose in PURPOSES
            if permits(program, Passage(role, other, category, purpose))
        )
        kind = "counseling_notes" if category == "counseling_note" else "ordinary"
        terms.append(grant(AGENCY_OF[role], AGENCY_OF[recipient], [category], [purpose], type=kind))
    return terms


def agree(town: Town, case: str, terms: list[dict[str, Any]]) -> None:
    """Record a person's consent to these terms, each given to both of its agencies."""
    way = ("exchange_operation", "operation")
    parts = tuple(
        part(
            "consent_terms",
            to=dict.fromkeys({one["discloser"], one["recipient"]} - {"crossroads"}, way),
            says=one,
        )
        for one in terms
    )
    for first in range(0, len(parts), 16):
        draft = operations.Draft(parts[first : first + 16], FORM)
        operations.record_consent(town.at["crossroads"], case, draft)


def test_every_fact_that_check_accepts_is_told_and_arrives(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "rio-verde", [pair for pair in PAIRS if pair not in REFUSED])
    program = Program(read_pack(folder, whole=False), date(2026, 11, 2))
    town = Town(tmp_path / "town", AGENCIES, pack=folder)
    case = refer(town)
    terms = {role: terms_for(program, role) for role in AGENCY_OF}
    agree(town, case, [one for of_role in terms.values() for one in of_role])
    town.settle()
    for role, of_role in terms.items():
        opened = operations.open_form(town.at[AGENCY_OF[role]], "tell", case)
        asked = {question.name for question in opened.questions({})}
        assert asked == {path_of(one["categories"][0], role) for one in of_role}
        draft = operations.draft_form(town.at[AGENCY_OF[role]], opened, dict.fromkeys(asked, True))
        sent = operations.send_draft(town.at[AGENCY_OF[role]], draft)
        assert not sent.kept and sent.record is not None and sent.record.kind == "program_facts"
    town.settle()
    for office in town.at.values():
        for record, part_id in office.working_set().closed_parts(case):
            office.open(record, part_id, by="Rosa Quintana")
    arrived = {name: case_of(each.working_set(), case).known for name, each in town.at.items()}
    for role, of_role in terms.items():
        for one in of_role:
            path = path_of(one["categories"][0], role)
            assert arrived[one["recipient"]][path].value is True, path


def test_a_clock_on_an_own_event_waits_until_its_holder_had_time_to_report_it(
    tmp_path: Path,
) -> None:
    folder = write_pack(tmp_path / "rio-verde", [], clock=True)
    town = Town(tmp_path / "town", AGENCIES, pack=folder)
    case = refer(town)
    begun = town.hub.clock
    town.hub.clock += 5 * DAY
    town.settle()
    # Nobody who knows the event may tell it, so the silence says nothing.
    assert completion(town, case) == ("undetermined", None)
    agree(town, case, [help_told_by("shelter")])
    town.settle()
    for _ in range(7):
        # The holder may tell it. It had no time to, so the silence still says nothing.
        assert completion(town, case) == ("undetermined", None)
        town.hub.clock += DAY - 1
    town.hub.clock += HOUR
    town.settle()
    assert completion(town, case) == ("decided", "expired")
    (question,) = operations.open_form(town.at["shelter"], "tell", case).questions({})
    assert question.text == "When did the person take up help?"
    tell_help(town, "shelter", case, begun + HOUR)
    assert completion(town, case) == ("decided", "completed")


def test_a_pack_with_a_new_event_asks_for_it_before_its_silence_counts(tmp_path: Path) -> None:
    """The consent is old, and nobody was ever asked for the event."""
    town = Town(
        tmp_path / "town", AGENCIES, pack=write_pack(tmp_path / "v1" / "rio-verde", [PLAIN])
    )
    case = refer(town)
    agree(town, case, [help_told_by("shelter")])
    town.hub.clock += 20 * DAY
    town.settle()
    town.adopt(write_pack(tmp_path / "v2" / "rio-verde", [], clock=True))
    assert completion(town, case) == ("undetermined", None)
    town.hub.clock += 8 * DAY
    town.settle()
    # No record of the case shows that the pack has been in force for a week.
    assert completion(town, case) == ("undetermined", None)
    tell_help(town, "shelter", case, town.hub.clock - HOUR)
    assert completion(town, case) == ("decided", "completed")


def test_an_own_fact_kept_before_the_consent_is_a_task_once_it_may_be_told(
    tmp_path: Path,
) -> None:
    folder = write_pack(tmp_path / "rio-verde", [], clock=True)
    town = Town(tmp_path / "town", AGENCIES, pack=folder)
    case = refer(town)
    to_shelter = ("diversion_coordination", "consent")
    agree(town, case, [grant("crossroads", "shelter", ["status"], [to_shelter[0]])])
    town.settle()
    taken = town.hub.clock
    kept = tell_help(town, "shelter", case, taken)
    assert kept.record is None and set(kept.kept) == {"case.help_at"}
    town.hub.clock += 5 * DAY
    town.settle()
    assert untold_tasks(town, case) == []
    agree(town, case, [help_told_by("shelter")])
    town.settle()
    assert completion(town, case) == ("undetermined", None)
    (task,) = untold_tasks(town, case)
    assert task.about == "untold.case.help_at"
    assert "`program`" in task.what and "When did the person take up help?" in task.what
    command = f"agency tell {case[:8]} --answer case.help_at={utc(taken)}"
    assert command in task.what
    tell_help(town, "shelter", case, taken)
    assert untold_tasks(town, case) == []
    assert completion(town, case) == ("decided", "completed")


def test_an_own_fact_that_no_rule_reads_is_kept_before_the_consent_too(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "rio-verde", [], clock=True)
    unread = (
        "facts:\n  own.bed: {type: bool, kind: record, known_by: service_provider, category: "
        "status, question: Has the person a bed?, source: county}\n"
    )
    pack = folder / "pack.yaml"
    pack.write_text(pack.read_text(encoding="utf-8").replace("facts:\n", unread), encoding="utf-8")
    town = Town(tmp_path / "town", AGENCIES, pack=folder)
    case = refer(town)
    agree(town, case, [grant("crossroads", "shelter", ["status"], ["diversion_coordination"])])
    town.settle()
    opened = operations.open_form(town.at["shelter"], "tell", case)
    assert [question.name for question in opened.questions({})] == ["own.bed", "case.help_at"]
    draft = operations.draft_form(town.at["shelter"], opened, {"own.bed": True})
    assert operations.send_draft(town.at["shelter"], draft).kept == {"own.bed": True}
    assert untold_tasks(town, case) == []
    agree(town, case, [help_told_by("shelter")])
    town.settle()
    (task,) = untold_tasks(town, case)
    assert f"`agency tell {case[:8]} --answer own.bed=yes`" in task.what


def tell_by_command(town: Town, agency: str, case: str, *words: str) -> Any:
    """Run `offramp agency tell` without a terminal, and return its JSON and lines."""
    parser = argparse.ArgumentParser()
    commands.agency(parser, argparse.ArgumentParser)
    folder = str(town.folder / agency)
    options = parser.parse_args(["tell", folder, case, "--yes", "--rest-unknown", *words])
    options.case = case
    run = commands.COMMANDS["tell"].run
    assert run is not None
    return run(town.at[agency], options)


def test_the_command_keeps_an_own_fact_and_names_who_tells_another(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "rio-verde", [("status", "program")], clock=True)
    town = Town(tmp_path / "town", AGENCIES, pack=folder)
    case = refer(town)
    agree(town, case, [grant("crossroads", "shelter", ["status"], ["diversion_coordination"])])
    town.settle()
    day = utc(town.hub.clock)
    kept = tell_by_command(town, "shelter", case, "--answer", f"case.help_at={day}")
    assert kept.json["kept"] == {"case.help_at": day} and kept.json["state"] == "kept"
    assert kept.lines[0].startswith("Kept here") and "Nobody was told" in kept.lines[0]
    other = path_of("status", "program")
    with pytest.raises(RequestError, match="the pack says that `program` knows it") as told:
        tell_by_command(town, "shelter", case, "--answer", f"{other}=yes")
    assert told.value.code == "unknown-question"


def test_silence_counts_only_if_every_agency_of_the_role_may_tell(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "rio-verde", [], clock=True)
    town = Town(tmp_path / "town", AGENCIES | {"hostel": "service_provider"}, pack=folder)
    case, other = refer(town), refer(town)
    for each in (case, other):
        agree(town, each, [help_told_by("shelter")])
    agree(town, other, [help_told_by("hostel")])
    town.settle()
    town.hub.clock += 9 * DAY
    town.settle()
    # The hostel may know it, and may not tell it.
    assert completion(town, case) == ("undetermined", None)
    assert completion(town, other) == ("decided", "expired")


def test_silence_counts_once_the_agency_of_the_case_is_known(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "rio-verde", [("status", "service_provider")], clock=True)
    town = Town(tmp_path / "town", AGENCIES | {"hostel": "service_provider"}, pack=folder)
    case = refer(town)
    agree(town, case, [help_told_by("shelter")])
    town.settle()
    town.hub.clock += 9 * DAY
    town.settle()
    assert completion(town, case) == ("undetermined", None)
    opened = operations.open_form(town.at["shelter"], "tell", case)
    answer = {path_of("status", "service_provider"): True}
    operations.send_draft(
        town.at["shelter"], operations.draft_form(town.at["shelter"], opened, answer)
    )
    town.settle()
    assert completion(town, case) == ("decided", "expired")


def help_told_by(agency: str) -> dict[str, Any]:
    return grant(agency, "program", ["status"], ["diversion_coordination"])


def tell_help(town: Town, agency: str, case: str, time: int) -> operations.SentForm:
    """Tell at an agency when the person took up help."""
    opened = operations.open_form(town.at[agency], "tell", case)
    draft = operations.draft_form(town.at[agency], opened, {"case.help_at": utc(time)})
    sent = operations.send_draft(town.at[agency], draft)
    town.settle()
    return sent


def untold_tasks(town: Town, case: str) -> list[operations.Task]:
    tasks = operations.list_tasks(town.at["shelter"])
    return [task for task in tasks if task.case == case and task.about.startswith("untold.")]


def test_police_are_told_no_own_fact_of_a_status(tmp_path: Path) -> None:
    folder = write_pack(tmp_path / "rio-verde", [("status", "program")])
    town = Town(tmp_path / "town", AGENCIES, pack=folder)
    case = refer(town)
    to_police = grant("program", "police", ["status"], ["diversion_coordination"])
    agree(town, case, [to_police])
    town.settle()
    opened = operations.open_form(town.at["program"], "tell", case)
    answer = {path_of("status", "program"): True}
    draft = operations.draft_form(town.at["program"], opened, answer)
    assert not draft.parts and draft.kept == answer, "police get the one word of `report-status`"


def test_a_record_of_own_facts_has_nothing_that_all_packs_share() -> None:
    shared = {"case.charge_held": True}
    for content in ({"facts": shared}, {"standing": "held"}, {}):
        with refused("wrong-content"):
            check_content("program_facts", ("charge_status",), {"charge_status": content})
    own = {"charge_status": {"facts": {"own.prosecutor.word": True}}}
    check_content("program_facts", ("charge_status",), own)


# Words


def test_check_warns_of_own_choices_without_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = write_pack(tmp_path / "rio-verde", [("status", "program")])
    path = pack / "pack.yaml"
    text = path.read_text(encoding="utf-8").replace(
        "decisions:\n",
        "  own.home: {type: choice, choices: [own_home, no_home], kind: record, known_by: program, "
        "category: status, question: Where does the person live?, source: county}\ndecisions:\n",
        1,
    )
    path.write_text(text, encoding="utf-8")
    assert main(["check", str(pack)]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert (
        "warning: nobody is shown words for `own_home`, `no_home` of `own.home`; "
        "add them in English and Spanish to `choices` of `words`" in printed
    )
    words = "words: {choices: {own.home: {own_home: {en: A home, es: Una casa}}}}\n"
    path.write_text(text + words, encoding="utf-8")
    assert main(["check", str(pack), "--json"]) == 0
    printed = capsys.readouterr().out
    assert "words for `no_home` of `own.home`" in printed


def test_the_status_dialog_names_the_one_that_asks_own_facts(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["agency", "report-status", "--help"])
    assert "agency tell" in " ".join(capsys.readouterr().out.split())
