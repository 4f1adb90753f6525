"""The meeting with the settings of `agency init`, by commands, between real processes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.support.running_agencies import Running, consent, serve_joined, told
from tests.support.simulator import grant

SIX = {
    "police": "police",
    "da": "prosecutor",
    "defender": "defender",
    "crossroads": "case_management",
    "clinic": "treatment_provider",
    "program": "program",
}
TOGETHER = "diversion_coordination"
# Who may tell whom what, each in a consent of its own.
GRANTS = (
    ("crossroads", "police", ["status"]),
    ("crossroads", "da", ["status", "intake_status"]),
    ("crossroads", "program", ["status", "intake_status"]),
    ("crossroads", "program", ["barriers"]),
    ("program", "crossroads", ["status"]),
)


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Running]:
    with serve_joined(tmp_path, SIX, "santa-fe") as running:
        yield running


def send(
    town: Running,
    capsys: pytest.CaptureFixture[str],
    agency: str,
    kind: str,
    *words: str,
    **part: Any,
) -> dict[str, Any]:
    file = town.folder / f"{kind}.json"
    file.write_text(json.dumps({"parts": [part]}))
    return told(town, capsys, "send", agency, kind, str(file), *words)


def lines(town: Running, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert town.agency(*words) == 0
    return capsys.readouterr().out


def test_a_case_with_a_fresh_status_is_on_the_board_as_far_as_all_present_may_see(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    way = {"purpose": "offer_and_hand_off", "basis": "offer_at_scene"}
    sent = send(
        town,
        capsys,
        "police",
        "referral",
        category="contact",
        content={"given_name": "Dolores", "family_name": "Romero"},
        to={"crossroads": way, "program": way},
        says={"answer": "accepted"},
    )
    case = sent["case"]
    town.settle()
    told(town, capsys, "case", "crossroads", case, "--by", "Rosa Quintana")
    for number, (sender, recipient, categories) in enumerate(GRANTS, 1):
        consent(town, capsys, case, number, grant(sender, recipient, categories, [TOGETHER]))
    town.settle()
    now = datetime.now(UTC)
    today = now.astimezone(town.office("program").working_set().gateway.history.newest.zone)
    send(
        town,
        capsys,
        "crossroads",
        "intake",
        "--case",
        case,
        category="intake_status",
        content={
            "done_on": today.date().isoformat(),
            "facts": {"case.intake_at": now.strftime("%Y-%m-%dT%H:%M:%SZ")},
        },
        to={"da": TOGETHER, "program": TOGETHER},
    )
    # The program asks for the status, the case manager tells it, and the request is done.
    asked = told(
        town,
        capsys,
        "meeting-prepare",
        "program",
        "--on",
        today.date().isoformat(),
        "--by",
        "Julia Vigil",
    )
    assert asked["has_asked"] and asked["asked"] == {case: ["crossroads"]}
    town.settle()
    told(town, capsys, "case", "crossroads", case, "--by", "Rosa Quintana")
    assert "meeting.status" in abouts(town, capsys, "crossroads")
    words = ("--engagement", "engaged", "--barriers", "housing,id_documents", "--yes")
    said = lines(town, capsys, "report-status", "crossroads", case[:8], *words)
    assert "Status: taking part" in said and "In the way: housing, identity documents" in said
    assert "told to: program" in said and "not told to: police" in said
    assert "meeting.status" not in abouts(town, capsys, "crossroads")
    town.settle()
    # With police in the room: the one word. Without: the clocks and the rest.
    first = lines(town, capsys, "meeting", "crossroads", "--present", "police,da,program")
    assert "with police in the room" in first and "Status: taking part" in first
    assert "In the way" not in first and "Dolores" not in first and "Due:" not in first
    assert "--present da,program" in first
    second = lines(town, capsys, "meeting", "crossroads", "--present", "da,program")
    assert "without police in the room" in second and "Due: the partners review the case." in second
    assert "In the way" in lines(town, capsys, "meeting", "crossroads", "--present", "program")
    # The program's own screen, after it opened the status.
    own = lines(town, capsys, "meeting", "program", "--by", "Julia Vigil")
    assert f"case {case[:8]}" in own and "Status: taking part" in own
    # What was agreed on goes to those who may know it, and is a task of its role.
    agreed = ("--by", "Rosa Quintana", "--step", "complete_intake:case_management:2030-06-30")
    recorded = lines(town, capsys, "meeting-record", "crossroads", case, *agreed, "--yes")
    assert "finish the first interview (case management, by June 30): told to program" in recorded
    assert "meeting.complete_intake" in abouts(town, capsys, "crossroads")
    # After an exit no task is open, and the case is off the board.
    to = {"program": {"purpose": "exchange_operation", "basis": "operation"}}
    send(town, capsys, "crossroads", "exit", "--case", case, category="operation", to=to)
    town.settle()
    assert abouts(town, capsys, "crossroads") == []
    assert "There is no case to discuss." in lines(town, capsys, "meeting", "crossroads")
    room = lines(town, capsys, "meeting", "crossroads", "--present", "da,program")
    assert "No case can be shown to everybody here." in room and "no case to discuss" not in room


def abouts(town: Running, capsys: pytest.CaptureFixture[str], agency: str) -> list[str]:
    return [task["about"] for task in told(town, capsys, "tasks", agency)["tasks"]]
