"""Mistakes on a real hub, with the settings of `agency init`, by the commands that people type."""

from __future__ import annotations

import json
import re
import shlex
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from offramp.agency import operations
from offramp.cli import main
from tests.support.running_agencies import (
    PASSPHRASE,
    SIX_ROLES,
    Running,
    consent,
    pull,
    refused,
    serve_joined,
    told,
)
from tests.support.simulator import FORM, grant
from tests.support.staff import founder_of
from tests.support.terminals import INTERRUPT, converse

OFFER = {"purpose": "offer_and_hand_off", "basis": "offer_at_scene"}
OPERATION = {"purpose": "exchange_operation", "basis": "operation"}
DRUGS, CHARGES = "encounter.drugs", "encounter.charges"
KINDS = ("opioid", "stimulant")
HOLDERS = ("crossroads", "program", "prosecutor")


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Six agencies and the rules of Santa Fe, with a cap of 6 grams."""
    with serve_joined(tmp_path_factory.mktemp("town"), SIX_ROLES, "santa-fe") as found:
        yield found


def write(town: Running, name: str, value: Any) -> str:
    path = town.folder / name
    path.write_text(json.dumps(value))
    return str(path)


def drugs(grams: float | None = None) -> list[dict[str, Any]]:
    weight = {} if grams is None else {"grams": grams}
    return [{"id": "0" * 16, "kind": "opioid", "form": "weighed", **weight}]


def refer(
    town: Running, capsys: pytest.CaptureFixture[str], *more_charges: Any, **facts: Any
) -> str:
    """Refer a person of 27, whom the prosecutor's records don't stop. Returns the case."""
    says = {"answer": "accepted"}
    to = dict.fromkeys(HOLDERS, OFFER)
    encounter = {
        "encounter.date": (datetime.now(UTC) - timedelta(days=1)).date().isoformat(),
        "encounter.route": "arrest",
        "encounter.in_area": True,
        "judgment.amenable": True,
        "judgment.exploits_others": False,
        "judgment.threat_of_harm": False,
        "judgment.above_subsistence": False,
        **facts,
    }
    charges = [
        {"id": "1" * 16, "conduct": "possession", "authority": "state", "level": "felony",
         "violent": False, "to_minor": False},
        *more_charges,
    ]  # fmt: skip
    contact = {"given_name": "Maria", "family_name": "Rael", "facts": {"person.age": 27}}
    parts = [
        {"category": "contact", "to": to, "says": says, "content": contact},
        {"category": "encounter", "to": to, "says": says, "content": {"facts": encounter}},
        {"category": "charge", "to": to, "says": says,
         "content": {"facts": {"encounter.charges": charges}}},
    ]  # fmt: skip
    draft = write(town, "referral.json", {"parts": parts})
    sent = told(town, capsys, "send", "police", "referral", draft)
    open_everywhere(town, capsys, sent["case"], *HOLDERS)
    screened = ("determine", "prosecutor", sent["case"], "screening", "proceed")
    told(town, capsys, *screened, "--reason", "rules", "--by", "Ada Chavez", "--yes")
    open_everywhere(town, capsys, sent["case"], "program")
    return str(sent["case"])


def open_everywhere(
    town: Running, capsys: pytest.CaptureFixture[str], case: str, *names: str
) -> None:
    pull(town, *SIX_ROLES)
    for name in names:
        told(town, capsys, "case", name, case, "--open")
    pull(town, *names)


def eligibility(
    town: Running, capsys: pytest.CaptureFixture[str], case: str
) -> tuple[Any, dict[str, Any]]:
    capsys.readouterr()
    town.agency("decide", "program", case, "eligibility", "--json")
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer["outcome"], answer


def tasks(town: Running, capsys: pytest.CaptureFixture[str], name: str) -> list[str]:
    return [task["what"] for task in told(town, capsys, "tasks", name)["tasks"]]


def exit_case(town: Running, capsys: pytest.CaptureFixture[str], case: str) -> None:
    part = {"category": "operation", "to": {"program": OPERATION}, "content": {}}
    draft = write(town, "exit.json", {"parts": [part]})
    told(town, capsys, "send", "crossroads", "exit", draft, "--case", case)
    pull(town, "program")


def test_a_later_weight_reaches_the_program_and_the_decision_is_made_again(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """X06, and X07 after it: the weight was answered, then it changed, then the day was wrong."""
    case = refer(town, capsys, **{DRUGS: drugs()})
    outcome, answer = eligibility(town, capsys, case)
    assert outcome is None and "encounter.drugs[0].grams" in [
        need["fact"] for need in answer["needed"]
    ]
    told(town, capsys, "ask", "program", case, "eligibility")
    open_everywhere(town, capsys, case, "police")
    plain = [{"kind": "opioid", "form": "weighed", "grams": 2.4}]
    light = write(town, "light.json", {"encounter": {"drugs": plain}})
    noted = told(town, capsys, "note", "police", case, light)
    assert [sent["to"] for sent in noted["answered"]] == ["program"]
    open_everywhere(town, capsys, case, "program", "crossroads")
    assert eligibility(town, capsys, case)[0] == "eligible"
    decide = ("determine", "program", case, "eligibility", "eligible", "--reason", "rules")
    told(town, capsys, *decide, "--yes")

    heavy = write(town, "heavy.json", {"encounter": {"drugs": [{**plain[0], "grams": 7.9}]}})
    noted = told(town, capsys, "note", "police", case, heavy)
    # The others were told of no weight, so they learn of none.
    assert [(sent["to"], sent["state"]) for sent in noted["corrections"]] == [("program", "sent")]
    pull(town, "program")
    outcome, answer = eligibility(town, capsys, case)
    assert outcome is None and answer["unopened"] == {DRUGS: "police"}
    open_everywhere(town, capsys, case, "program")
    outcome, answer = eligibility(town, capsys, case)
    assert outcome == "ineligible" and "over-the-cap" in str(answer["reasons"])
    assert [flagged["by"] for flagged in answer["outdated"]] == ["Julia Vigil"]
    assert any("Decide `eligibility` again" in text for text in tasks(town, capsys, "program"))
    capsys.readouterr()
    assert town.agency("case", "program", case) == 0
    assert "OUT OF DATE: eligibility: Eligible, by Julia Vigil" in capsys.readouterr().out
    told(town, capsys, *(*decide[:4], "ineligible", *decide[5:], "--yes"))
    assert not eligibility(town, capsys, case)[1]["outdated"]

    # X07: by fact, filled in with what was sent. The rest stands as it was.
    listed = told(town, capsys, "correct", "police", case)["told"]
    assert {holding["agency"] for holding in listed["encounter.in_area"]} == set(HOLDERS)
    before = told(town, capsys, "case", "program", case)["facts"]
    change = ("correct", "police", case, "encounter.drugs[0].grams=5.1", "encounter.in_area=no")
    preview = told(town, capsys, *change, "--dry-run")
    assert "eligibility" in [resting["decision"] for resting in preview["decisions"]]
    assert "there is no terminal to ask at: Send it?" in refused(town, capsys, *change)
    made = told(town, capsys, *change, "--yes", "--by", "Officer Lund")
    assert {sent["to"] for sent in made["corrections"]} == set(HOLDERS)
    open_everywhere(town, capsys, case, "program", "crossroads")
    after = told(town, capsys, "case", "program", case)["facts"]
    assert after[DRUGS]["value"][0]["grams"] == 5.1
    assert after["encounter.in_area"]["value"] is False
    changed = {DRUGS, "encounter.in_area"}
    assert {path: fact["value"] for path, fact in before.items() if path not in changed} == {
        path: fact["value"] for path, fact in after.items() if path not in changed
    }


def test_two_fields_of_one_entry_are_corrected_by_one_command(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """An added field is told to nobody, and the command says so, also as the first correction."""
    untold = refer(town, capsys, **{DRUGS: drugs(2.4)})
    case = refer(town, capsys, **{DRUGS: drugs(2.4)})
    change = ("correct", "police", case, "encounter.drugs[0].kind=stimulant",
              "encounter.drugs[0].grams=5.1")  # fmt: skip
    told(town, capsys, *change, "--yes")
    open_everywhere(town, capsys, case, *HOLDERS)
    for holder in HOLDERS:
        (entry,) = told(town, capsys, "case", holder, case)["facts"][DRUGS]["value"]
        assert (entry["kind"], entry["grams"]) == ("stimulant", 5.1)

    basis = "encounter.drugs[0].basis=estimated"
    kept = told(town, capsys, "correct", "police", untold, basis, "--yes")
    assert kept["corrections"] == [] and kept["details"][DRUGS][0]["basis"] == "estimated"
    (entry,) = told(town, capsys, "case", "police", untold)["facts"][DRUGS]["value"]
    assert (entry["basis"], entry["grams"]) == ("estimated", 2.4)
    message = refused(town, capsys, "correct", "police", untold, basis, "--yes")
    assert "has this value already" in message
    assert town.agency("correct", "police", case, basis, "--dry-run") == 0
    assert "Weighed, Estimated\n  no agency is told." in capsys.readouterr().out
    both = (basis, "encounter.drugs[0].grams=6")
    assert town.agency("correct", "police", case, *both, "--dry-run") == 0
    shown = capsys.readouterr().out
    assert "and not the rest, which it was never told" in shown and "no agency is told" not in shown

    # What was noted and told to nobody stays when another field is corrected.
    told(town, capsys, "correct", "police", case, basis, "--yes")
    told(town, capsys, "correct", "police", case, "encounter.drugs[0].grams=6", "--yes")
    (entry,) = told(town, capsys, "case", "police", case)["facts"][DRUGS]["value"]
    assert (entry["basis"], entry["grams"]) == ("estimated", 6)


def facts_at(
    town: Running, capsys: pytest.CaptureFixture[str], case: str, *names: str
) -> dict[str, dict[str, Any]]:
    """Return the values of all facts, by the agencies that know them."""
    return {
        name: {
            path: fact["value"]
            for path, fact in told(town, capsys, "case", name, case)["facts"].items()
        }
        for name in names
    }


def answered(town: Running, capsys: pytest.CaptureFixture[str]) -> str:
    """Refer with kinds alone. The program asks, and is the only one that is told the weights."""
    kinds = [{"id": f"{place}" * 16, "kind": kind} for place, kind in enumerate(KINDS)]
    case = refer(town, capsys, **{DRUGS: kinds})
    told(town, capsys, "ask", "program", case, "eligibility")
    open_everywhere(town, capsys, case, "police")
    answers = {
        DRUGS: [{"grams": "2.4", "form": "weighed"}, {"grams": "1.8", "form": "weighed"}],
    }
    file = write(town, "answers.json", answers)
    flags = ("--answers", file, "--rest-unknown", "--yes")
    told(town, capsys, "answer", "police", "--case", case, *flags)
    open_everywhere(town, capsys, case, *HOLDERS)
    return case


def test_an_answer_with_a_list_that_nobody_asked_for_adds_to_what_stands(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two charges stand: an answer adds to both of them, and one that leaves one out is refused."""
    theft = {"id": "2" * 16, "conduct": "theft", "authority": "state", "level": "felony",
             "violent": False, "to_minor": False, "code": "30-16-1"}  # fmt: skip
    case = refer(town, capsys, theft, **{DRUGS: drugs()})
    everybody = ("police", *HOLDERS)
    told(town, capsys, "ask", "program", case, "eligibility")
    open_everywhere(town, capsys, case, "police")
    expected = facts_at(town, capsys, case, *everybody)
    left = told(town, capsys, "answer", "police", "--case", case, "--rest-open", "--yes")
    assert left == {"answers": [{"case": case, "sent": False}]}
    assert facts_at(town, capsys, case, *everybody) == expected
    answer = ("answer", "police", "--case", case, "--rest-unknown", "--yes", "--answers")
    weight = {DRUGS: [{"grams": "2.4"}]}
    for listed in ([{"code": "30-31-23"}], [{"conduct": "theft"}], "none"):
        file = write(town, "one.json", {**weight, CHARGES: listed})
        message = refused(town, capsys, *answer, file)
        assert f"leaves out what this agency stated before: `{CHARGES}[" in message
        assert facts_at(town, capsys, case, *everybody) == expected
    added = [{"conduct": "theft", "level": "misdemeanor"}, {"code": "30-31-23"}]
    file = write(town, "both.json", {**weight, CHARGES: added})
    told(
        town, capsys, "answer", "police", "--case", case, "--rest-open", "--yes", "--answers", file
    )
    open_everywhere(town, capsys, case, *HOLDERS)
    after = facts_at(town, capsys, case, *everybody)
    # Everybody has the field of the second charge, and only the program the weight.
    for name in everybody:
        expected[name][CHARGES][1]["level"] = "misdemeanor"
        expected[name][CHARGES][0]["code"] = "30-31-23"
    for name in ("police", "program"):
        expected[name][DRUGS][0]["grams"] = 2.4
    assert after == expected


def test_a_correction_of_one_field_leaves_all_else_as_each_agency_has_it(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was said in the referral and in the answer stands, for the sender and recipients."""
    case, everybody = answered(town, capsys), ("police", *HOLDERS)
    expected = facts_at(town, capsys, case, *everybody)
    assert [entry["grams"] for entry in expected["program"][DRUGS]] == [2.4, 1.8]
    assert [*expected["crossroads"][DRUGS][0]] == ["kind"]
    for change, path, place, field, value, who in (
        (f"{DRUGS}[1].grams=1.5", DRUGS, 1, "grams", 1.5, ("police", "program")),
        (f"{CHARGES}[0].level=misdemeanor", CHARGES, 0, "level", "misdemeanor", everybody),
        (f"{CHARGES}.conduct=theft", CHARGES, 0, "conduct", "theft", everybody),
        (f"{DRUGS}[0].kind=other", DRUGS, 0, "kind", "other", everybody),
        (f"{DRUGS}[1].grams=1.9", DRUGS, 1, "grams", 1.9, ("police", "program")),
        (f"{DRUGS}[1].grams=1.8", DRUGS, 1, "grams", 1.8, ("police", "program")),
    ):
        made = told(town, capsys, "correct", "police", case, change, "--yes")
        assert {sent["to"] for sent in made["corrections"]} == {*who} - {"police"}, change
        for name in who:
            expected[name][path][place][field] = value
        open_everywhere(town, capsys, case, *HOLDERS)
        assert facts_at(town, capsys, case, *everybody) == expected, change
    # An entry is removed, and what each agency has of the other one stands.
    told(town, capsys, "correct", "police", case, f"{DRUGS}[0]=none", "--yes")
    open_everywhere(town, capsys, case, *HOLDERS)
    for name in everybody:
        del expected[name][DRUGS][0]
    assert facts_at(town, capsys, case, *everybody) == expected
    assert not any("old value" in text for text in tasks(town, capsys, "police"))
    message = refused(town, capsys, "correct", "police", case, f"{DRUGS}[1]=none", "--yes")
    assert "has 1 entries, from 0" in message


def test_a_weight_that_is_added_after_a_correction_reverts_nothing(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """The weight reaches everybody who has the record, and what was corrected stays corrected."""
    case, everybody = refer(town, capsys, **{DRUGS: drugs()}), ("police", *HOLDERS)
    told(town, capsys, "correct", "police", case, "encounter.in_area=no", "--yes")
    open_everywhere(town, capsys, case, *HOLDERS)
    expected = facts_at(town, capsys, case, *everybody)
    for grams in (2.4, 2.9):
        weigh = ("weigh", "police", case, "--drugs", f"grams={grams}", "--rest-unknown", "--yes")
        assert {*told(town, capsys, *weigh)["to"]} == {*HOLDERS}
        open_everywhere(town, capsys, case, *HOLDERS)
        for name in everybody:
            expected[name][DRUGS][0]["grams"] = grams
        assert facts_at(town, capsys, case, *everybody) == expected
        told(town, capsys, "correct", "police", case, f"{DRUGS}.grams=2.5", "--yes")
        open_everywhere(town, capsys, case, *HOLDERS)


def test_the_list_of_what_can_be_corrected_names_each_field_that_somebody_has(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    case = answered(town, capsys)
    capsys.readouterr()
    assert town.agency("correct", "police", case) == 0
    printed = capsys.readouterr().out
    assert f"`{DRUGS}[1].grams=`  2. How many grams does it weigh?  1.8 g" in printed
    assert f"{DRUGS}[0].basis" not in printed
    assert town.agency("correct", "police", case, f"{DRUGS}[1].grams=1.5", "--dry-run") == 0
    printed = capsys.readouterr().out
    assert "`program` was told 1.8 g; will be told 1.5 g, if the hub passes it" in printed
    assert "`crossroads`" not in printed


def test_an_agency_that_passed_a_detail_on_is_asked_to_correct_it_there(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """Police don't know that Crossroads told the clinic. Crossroads does, and has the task."""
    case = refer(town, capsys)
    terms = grant("crossroads", "clinic", ["contact", "service"], ["service_arrangement"])
    consent(town, capsys, case, 61, terms)
    names = ("--given-name", "Maria", "--family-name", "Rael", "--text", "A room.")
    told(town, capsys, "service", "crossroads", case, *names, "--rest-unknown", "--yes")
    open_everywhere(town, capsys, case, "clinic")
    task = "`clinic` has from you an old value of"
    for value in ("Mary", "Marie"):
        told(town, capsys, "correct", "police", case, f"contact.given_name={value}", "--yes")
        open_everywhere(town, capsys, case, "crossroads", "program")
        (step,) = (text for text in tasks(town, capsys, "crossroads") if task in text)
        assert f"agency correct {case[:8]}`" in step and value not in step
        assert not any(task in text for text in tasks(town, capsys, "program"))
        told(town, capsys, "correct", "crossroads", case, f"contact.given_name={value}", "--yes")
        assert not any(task in text for text in tasks(town, capsys, "crossroads"))
        open_everywhere(town, capsys, case, "clinic")
        stated = told(town, capsys, "correct", "crossroads", case)["told"]["contact.given_name"]
        assert stated == [{"agency": "clinic", "value": value}]


def test_an_exit_in_the_wrong_case_is_undone_by_one_command(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """X08: the case is open at every agency, and a refused correction says why."""
    case = refer(town, capsys, **{DRUGS: drugs(2.4)})
    exit_case(town, capsys, case)
    for name in ("program", "crossroads"):
        assert told(town, capsys, "case", name, case)["facts"]["person.enrolled"]["value"] is False
    correct = ("correct", "police", case, "encounter.drugs[0].grams=7.9", "--yes")
    capsys.readouterr()
    assert town.agency(*correct) == 1
    printed = capsys.readouterr().out
    # Nothing is said to be told that isn't, and the reason is there once.
    assert "; is told" not in printed and "will be told 7.9 g, if the hub passes it" in printed
    assert printed.count("NOT corrected at `") == len(HOLDERS)
    assert printed.count("still have the old value") == 1 and "left the program" in printed
    assert "no exit" in refused(town, capsys, "recall", "police", case, "mistaken-exit", "--yes")
    capsys.readouterr()
    assert town.agency("recall", "crossroads", case, "mistaken-exit", "--yes") == 0
    assert "the case is open again" in capsys.readouterr().out
    pull(town, "program")
    for name in ("program", "crossroads"):
        assert "person.enrolled" not in told(town, capsys, "case", name, case)["facts"]
    assert any("asks back" in text for text in tasks(town, capsys, "program"))
    # The task prints the whole command, and it works as it is printed.
    capsys.readouterr()
    assert town.agency("tasks", "program") == 0
    printed = capsys.readouterr().out
    (command,) = set(re.findall(rf"`(offramp agency answer-recall \S+ {case[:8]})`", printed))
    assert main([*shlex.split(command)[1:], "--passphrase-file", str(town.passphrase)]) == 0
    assert "deleted" in capsys.readouterr().out
    assert not any("asks back" in text for text in tasks(town, capsys, "program"))
    # With a consent, police can correct again.
    day = (datetime.now(UTC) - timedelta(days=1)).date().isoformat()
    terms = grant("police", "program", ["encounter"], ["diversion_coordination"])
    terms |= {"from": day, "expires": (datetime.now(UTC) + timedelta(days=90)).date().isoformat()}
    part = {
        "category": "consent_terms",
        "to": {"police": OPERATION, "program": OPERATION},
        "says": terms,
    }
    form = write(town, "consent.json", {"parts": [part], "form": {**FORM, "signed_on": day}})
    told(town, capsys, "consent", "crossroads", form, "--case", case)
    pull(town, "police", "program")
    capsys.readouterr()
    again = ("correct", "police", case, "encounter.drugs[0].grams=8.1", "--yes", "--json")
    town.agency(*again)
    made = json.loads(capsys.readouterr().out)
    assert ("program", "sent") in {(sent["to"], sent["state"]) for sent in made["corrections"]}


def test_what_is_in_the_wrong_case_comes_back_as_a_draft(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    case = refer(town, capsys, **{DRUGS: drugs(2.4)})
    for nonsense, words in {
        "nonsense": "is no detail with its new value",
        "encounter.date=": "is no detail with its new value",
        "encounter.date=soon": "encounter.date",
        "encounter.date=2026-02-30": "encounter.date",
        "encounter.drugs=7": "is a list",
        "encounter.drugs=[7]": "encounter.drugs",
        "encounter.drugs[7].grams=1": "has 1 entries",
        "encounter.drugs[0].color=red": "has 1 entries",
        "encounter.drugs[0].grams=-1": "encounter.drugs",
        "encounter.weapon=yes": "told nobody `encounter.weapon`",
        "contact.birth_date=1999-01-01": "told nobody `contact.birth_date`",
        f"contact.given_name={'x' * 5000}": "content of `contact`",
    }.items():
        message = refused(town, capsys, "correct", "police", case, nonsense, "--yes")
        assert words in message, message
    assert "is no reason" in refused(town, capsys, "recall", "police", case, "regret", "--yes")
    (entry,) = told(town, capsys, "recall", "police", case)["entries"]
    assert (entry["kind"], entry["to"]) == ("referral", [*HOLDERS])
    assert "asks anything back" in refused(town, capsys, "answer-recall", "police", case)
    command = [sys.executable, "-m", "offramp", "agency", "correct", str(town.folder / "police")]
    command += [case, "--passphrase-file", str(town.passphrase)]
    stopped = converse(command, ["contact.given_name", INTERRUPT])
    assert stopped.code == 130 and "nothing was kept or sent" in stopped.text
    spoken = converse(command, ["contact.given_name", "María", "Officer Lund", "yes"])
    assert "What is right? It was told as Maria." in spoken.text and spoken.code == 0
    assert spoken.text.count("corrected at `") == len(HOLDERS), spoken.text
    draft = town.folder / "again.json"
    recall = ("recall", "police", case, "wrong-case", "--record", "referral")
    made = told(town, capsys, *recall, "--draft", str(draft), "--yes")
    assert made["to"] == [*HOLDERS] and draft.stat().st_mode & 0o077 == 0
    pull(town, "program", "crossroads")
    for name in ("police", "program"):
        assert DRUGS not in told(town, capsys, "case", name, case)["facts"]
    kept = told(town, capsys, "answer-recall", "crossroads", case, "--keep", "law")
    assert (kept["answer"], kept["reason"]) == ("retained", "law")
    sent = told(town, capsys, "send", "police", "referral", str(draft))
    assert sent["case"] != case
    open_everywhere(town, capsys, sent["case"], "program")
    assert told(town, capsys, "case", "program", sent["case"])["facts"][DRUGS]["value"]


def refer_again(town: Running, capsys: pytest.CaptureFixture[str], case: str, *answers: str) -> Any:
    """Refer the person of a case again. Returns the parts as they were shown and sent."""
    flags = ("--same-encounter", "yes", "--rest-unknown", "--yes")
    sent = told(town, capsys, "refer", "police", "--case", case, *answers, *flags)
    assert sent["state"] == "sent", sent
    return sent["preview"]["parts"]


def test_a_person_is_referred_again_after_a_correction_of_a_list(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """The corrected list keeps the ids of its entries, and the newer part needs no correction."""
    case = refer(town, capsys, **{DRUGS: drugs(2.4)})
    told(town, capsys, "correct", "police", case, "encounter.drugs[0].grams=1.9", "--yes")
    parts = refer_again(town, capsys, case)
    (entry,) = next(
        part["content"]["encounter"]["facts"][DRUGS]
        for part in parts
        if "encounter" in part["content"]
    )
    assert entry == {"id": "0" * 16, "kind": "opioid", "form": "weighed", "grams": 1.9}
    pull(town, "program")
    assert eligibility(town, capsys, case)[1]["unopened"]
    with closing(town.office("program")) as office:
        for received in office.working_set().cases.records(case).received.values():
            record = received.record
            if record is not None and record.kind == "referral":
                for part in set(record.labels) - set(received.opened):
                    office.open(record.jti, part, by="Julia Vigil")
    outcome, answer = eligibility(town, capsys, case)
    assert (outcome, answer["unopened"]) == ("eligible", {})


def test_a_correction_opens_after_a_mistaken_exit_was_taken_back(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was handed out before the exit opens as before. Until then the sentences are true."""
    case = refer(town, capsys, **{DRUGS: drugs(7.9)})
    told(town, capsys, "correct", "police", case, "encounter.drugs[0].grams=1.9", "--yes")
    pull(town, "program", "crossroads")
    exit_case(town, capsys, case)
    told(town, capsys, "case", "program", case, "--open")
    told(town, capsys, "recall", "crossroads", case, "mistaken-exit", "--yes")
    pull(town, "program")
    told(town, capsys, "answer-recall", "program", case)
    message = refused(town, capsys, "decide", "program", case, "eligibility", "--send")
    assert "sent a correction that may change " in message and "opened it" in message
    capsys.readouterr()
    assert town.agency("case", "program", case) == 0
    assert "OPEN FIRST: police sent a correction" in capsys.readouterr().out
    assert any("Open what `police` sent" in text for text in tasks(town, capsys, "program"))
    for name in ("program", "crossroads"):
        view = told(town, capsys, "case", name, case, "--open")
        assert view["facts"][DRUGS]["value"][0]["grams"] == 1.9
        assert (view["unopened"], view["refused"]) == ({}, [])
    assert eligibility(town, capsys, case)[0] == "eligible"


def test_a_part_that_was_recalled_as_wrong_is_stated_anew(
    town: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """After a mistaken exit police can't correct. They ask the part back and refer again."""
    case = refer(town, capsys, **{DRUGS: drugs(7.9)})
    exit_case(town, capsys, case)
    told(town, capsys, "recall", "crossroads", case, "mistaken-exit", "--yes")
    pull(town, "program")
    recall = ("recall", "police", case, "wrong-fact", "--detail", DRUGS)
    assert town.agency(*recall, "--yes") == 0
    assert "state the rest of it anew" in capsys.readouterr().out
    pull(town, "program")
    assert DRUGS not in told(town, capsys, "case", "program", case)["facts"]
    assert town.agency("ask", "program", case, "eligibility") == 2
    assert "when it refers the person again" in capsys.readouterr().err
    change = ("correct", "police", case, "encounter.drugs[0].grams=1.9", "--yes")
    assert "asked back all that it told" in refused(town, capsys, *change)
    (step,) = (text for text in tasks(town, capsys, "police") if "You asked back" in text)
    assert f"agency refer --case {case[:8]}`" in step
    with closing(operations.open_office(town.folder / "police", PASSPHRASE)) as office:
        operations.sign_in(office, by=founder_of("police"))
        places = {item.task.about: item.place for item in operations.list_today(office, 99).tasks}
        place = places[f"again.{DRUGS}"]
        # The form of a referral begins a case, and this one has begun.
        assert (place.page, place.name) != ("form", "refer")
        assert place.page == "case" or operations.open_form(office, place.name, case).case == case
    weighed = "kind=opioid, form=weighed, grams=4.5"
    refer_again(town, capsys, case, "--drugs", weighed)
    assert not any("You asked back" in text for text in tasks(town, capsys, "police"))
    open_everywhere(town, capsys, case, "program", "prosecutor")
    assert eligibility(town, capsys, case)[0] == "eligible"
    told(town, capsys, *change)
    open_everywhere(town, capsys, case, "program")
    view = told(town, capsys, "case", "program", case)
    assert view["facts"][DRUGS]["value"][0]["grams"] == 1.9
