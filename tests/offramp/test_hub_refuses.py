"""A command whose record the hub refuses says so, names the reason, and ends with another code.

Nobody was told what the hub refused. A person who reads only the exit code must learn it, too.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from exchange.records.bundle import Bundle
from offramp.agency.commands import COMMANDS
from offramp.agency.hub_link.client import Client
from tests.support.running_agencies import SIX_ROLES, Running, pull, serve_joined, told
from tests.support.simulator import FORM, grant

WHY = "the hub is in a bad mood"
YESTERDAY = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
ACCEPTS = ("--although-barred", "--known-person", "someone_else")
REFER = ("--date", YESTERDAY, "--route", "arrest", "--given-name", "Ana", "--drugs",
         "kind=opioid", "--rest-unknown")  # fmt: skip

# The agency and the words of each command that sends a record. CASE is a case in which everybody
# may tell everything that the rules permit, and FILE a file of the name that follows.
SENDING: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "refer": ("police", (*REFER, *ACCEPTS, "--yes")),
    "weigh": ("police", ("CASE", "--drugs", "grams=2.4", "--rest-unknown", "--yes")),
    "screen": ("prosecutor", ("CASE", "--outcome", "proceed", "--yes")),
    "intake": ("crossroads", ("CASE", "--intake-at", "NOW", "--yes")),
    "plan": ("crossroads", ("CASE", "--plan-at", "NOW", "--text", "A room.", "--yes")),
    "progress": ("clinic", ("CASE", "--about", "treatment", "--treatment-text", "Well.", "--yes")),
    "contact-try": ("crossroads", ("CASE", "--last-contact-at", "NOW", "--rest-unknown", "--yes")),
    "service": ("crossroads", ("CASE", "--given-name", "Al", "--text", "A room.", "--yes")),
    "charge": ("prosecutor", ("CASE", "--new-charges", "conduct=theft", "--rest-unknown", "--yes")),
    "grievance": ("crossroads", ("CASE", "--text", "Closed twice.", "--yes")),
    "correct": ("police", ("CASE", "encounter.route=social_contact", "--yes")),
    "correct-name": ("police", ("CASE", "--given-name", "Alba", "--family-name", "Roe", "--yes")),
    "note": ("police", ("CASE", "FILE route")),
    "determine": ("prosecutor", ("CASE", "eligibility", "eligible", "--reason", "rules", "--yes")),
    "decide": ("program", ("CASE", "eligibility", "--send")),
    "ask": ("program", ("CASE", "eligibility")),
    "report-status": ("crossroads", ("CASE", "--engagement", "engaged", "--yes")),
    "meeting-record": (
        "crossroads",
        ("CASE", "--step", "arrange_service:case_management", "--yes"),
    ),
    "consent": ("crossroads", ("FILE consent", "--case", "CASE")),
    "revoke": ("crossroads", ("CASE",)),
    "represent": ("defender", ("CASE", "--yes")),
    "send": ("police", ("referral", "FILE referral")),
    "recall": ("police", ("CASE", "duplicate", "--record", "referral", "--yes")),
    "exit": ("crossroads", ("CASE", "--since", YESTERDAY, "--yes")),
}
# Commands that also send, each by the same operations: an answer, a recall's answer, an
# acknowledgement, counts, an emergency, a report, a sealing, and a decision that was kept.
ALSO_SENDING = frozenset(
    ("answer", "answer-recall", "open", "case", "report", "emergency-confirm", "emergency", "tell",
     "tell-decision", "report-crime", "retry", "seal", "meeting", "meeting-prepare", "notice",
     "hold", "sealed")
)  # fmt: skip
NOT_SENDING = frozenset(
    ("init", "join", "approve", "retire", "spare", "propose", "adopt", "serve", "console", "backup",
     "restore", "move", "doctor", "status", "inbox", "cases", "tasks", "find", "same",
     "report-number", "mine", "account", "export", "breach", "staff", "looks", "retention", "oidc",
     "person-code", "my-page", "confirm-own", "complain", "dispute", "concern")
)  # fmt: skip


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serve_joined(tmp_path_factory.mktemp("town"), SIX_ROLES, "santa-fe") as town:
        yield town


def test_each_command_is_one_that_sends_or_not() -> None:
    assert {*COMMANDS} == {*SENDING} | ALSO_SENDING | NOT_SENDING


def permitted(town: Running, capsys: pytest.CaptureFixture[str]) -> str:
    """Begin a case in which the clinic, the case manager, and counsel may tell one another."""
    case = str(told(town, capsys, "refer", "police", *REFER, *ACCEPTS, "--yes")["case"])
    pull(town, *SIX_ROLES)
    for name in ("prosecutor", "program", "crossroads"):
        told(town, capsys, "case", name, case, "--open")
    pull(town, *SIX_ROLES)
    return case


def write(town: Running, name: str, value: Any) -> str:
    path = town.folder / f"{name}.json"
    path.write_text(json.dumps(value))
    return str(path)


def consents(town: Running, capsys: pytest.CaptureFixture[str], case: str) -> str:
    """Record a consent for what the commands tell, and return a file with one more."""
    expires = (datetime.now(UTC) + timedelta(days=90)).date().isoformat()
    operation = {"purpose": "exchange_operation", "basis": "operation"}

    def draft(number: int, *terms: dict[str, Any]) -> str:
        parts = []
        for place, one in enumerate(terms):
            dated = one | {"id": f"{number:08x}{place:08x}", "from": YESTERDAY, "expires": expires}
            parties = {one["discloser"], one["recipient"]} - {"crossroads"}
            to = dict.fromkeys(sorted(parties), operation)
            parts.append({"category": "consent_terms", "to": to, "says": dated})
        form = {**FORM, "signed_on": YESTERDAY}
        return write(town, f"consent-{number}", {"parts": parts, "form": form})

    first = draft(
        1,
        grant("crossroads", "prosecutor", ["intake_status"], ["filing_status"]),
        grant("crossroads", "clinic", ["plan", "attendance"], ["treatment"]),
        grant("crossroads", "clinic", ["contact", "service"], ["service_arrangement"]),
        grant("clinic", "crossroads", ["treatment"], ["treatment"]),
        grant("prosecutor", "defender", ["new_charge"], ["legal_representation"]),
        grant("prosecutor", "program", ["decision_outcome"], ["diversion_coordination"]),
        grant("crossroads", "defender", ["grievance"], ["legal_representation"]),
        grant("crossroads", "program", ["status", "service"], ["diversion_coordination"]),
        grant("program", "crossroads", ["decision_outcome"], ["diversion_coordination"]),
    )
    told(town, capsys, "consent", "crossroads", first, "--case", case)
    pull(town, *SIX_ROLES)
    told(town, capsys, "represent", "defender", case, "--yes")
    pull(town, *SIX_ROLES)
    return draft(2, grant("crossroads", "program", ["plan"], ["diversion_coordination"]))


def test_a_command_whose_record_the_hub_refuses_ends_with_a_code_and_the_reason(
    town: Running, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = permitted(town, capsys)
    files = {"consent": consents(town, capsys, case)}
    files["route"] = write(town, "route", {"encounter": {"route": "community"}})
    files["referral"] = write(town, "referral", {"parts": [{
        "category": "encounter", "content": {"facts": {"encounter.route": "arrest"}},
        "to": {"program": {"purpose": "offer_and_hand_off", "basis": "offer_at_scene"}},
        "says": {"answer": "accepted"},
    }]})  # fmt: skip

    def refuse(client: Client, bundles: Sequence[Bundle]) -> list[dict[str, Any]]:
        return [{"status": 422, "error": {"code": "no-mood", "message": WHY}} for _ in bundles]

    for name, (agency, words) in SENDING.items():
        given = [_word(word, case, files) for word in words]
        with monkeypatch.context() as refusing:
            refusing.setattr(Client, "submit", refuse)
            capsys.readouterr()
            code = town.agency(name, agency, *given)
            printed = capsys.readouterr()
        assert code == 1, (name, code, printed.out + printed.err)
        lines = [line for line in printed.err.splitlines() if "the hub refused" in line]
        assert lines, (name, printed.err)
        assert all(WHY in line and line.endswith("[hub-refused]") for line in lines), (name, lines)
        if name == "determine":  # the refused record, and not only its words, is in the JSON
            with monkeypatch.context() as refusing:
                refusing.setattr(Client, "submit", refuse)
                assert town.agency(name, agency, *given, "--json") == 1
            (refused,) = json.loads(capsys.readouterr().out)["refused_by_hub"]
            assert WHY in refused["reason"]
            capsys.readouterr()
            assert town.agency("retry", agency, refused["id"]) == 0


def _word(word: str, case: str, files: Mapping[str, str]) -> str:
    if word.startswith("FILE "):
        return files[word.removeprefix("FILE ")]
    if word == "NOW":
        return datetime.now(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    return case if word == "CASE" else word
