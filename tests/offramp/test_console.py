"""The policy pages, served by a real process and opened in a real browser."""

from __future__ import annotations

import json
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import quote

import httpx
import pytest

import rules
from offramp.cli import main
from offramp.console.headers import HEADERS
from offramp.policy import what_if_in_time as in_time
from offramp.policy.decision_text import observations_of
from offramp.policy.operations import no_solver
from rules.shelf import shipped
from tests.conftest import ROOT
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.console_process import ConsoleProcess, run_console
from tests.support.parsed_page import ParsedPage

OWN_PACK = ROOT / "tests" / "packs" / "good" / "every-kind-of-fact"
PERSON = "Zebulon Quillfeather"
KB = 1024


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleProcess]:
    with run_console(tmp_path_factory.mktemp("console"), str(OWN_PACK)) as process:
        yield process


@pytest.fixture
def client(console: ConsoleProcess) -> Iterator[httpx.Client]:
    with httpx.Client(
        base_url=console.address, headers={"origin": console.address}, verify=False
    ) as client:
        yield client


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


# Pages


def test_each_program_has_its_pages_and_they_are_small(client: httpx.Client) -> None:
    """V6, but for the document of a whole pack, which is as long as the pack."""
    listed = client.get("/packs")
    assert listed.status_code == 200 and len(listed.content) <= 20 * KB
    assert client.get("/").headers["location"] == "/packs"
    for name in shipped():
        assert f'href="/packs/{name}"' in listed.text
    for name in ("santa-fe", "drug-court", "every-kind-of-fact"):
        for path, most in (("", 300), ("/timeline", 40), ("/try", 20)):
            page = client.get(f"/packs/{name}{path}")
            assert page.status_code == 200, (name, path)
            assert len(page.content) <= most * KB, (name, path)
            ParsedPage(re.sub(r"<path [^>]*/>", "", page.text))
    assert len(client.get("/static/style.css").content) <= 28 * KB


def test_a_page_shows_the_document_that_the_command_prints(
    client: httpx.Client, capsys: pytest.CaptureFixture[str]
) -> None:
    for options, address in (
        ((), "/packs/seattle"),
        (("--as-of", "2015-01-01"), "/packs/seattle?as_of=2015-01-01"),
        (("--timeline",), "/packs/seattle/timeline"),
    ):
        assert main(["show", "seattle", "--html", *options]) == 0
        printed = capsys.readouterr().out
        main_part = re.search(r'<main id="text" tabindex="-1">\n(.*)\n</main>', printed, re.DOTALL)
        assert main_part is not None
        assert main_part[1] in client.get(address).text
    assert client.get("/packs/seattle?as_of=1990-01-01").status_code == 422
    refused = client.get("/packs/seattle?as_of=nonsense")
    assert refused.status_code == 422 and "write it as 2014-04-01" in text_of(refused.text)


def test_the_card_for_phones_can_be_saved(
    client: httpx.Client, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answer = client.get("/packs/lane-or/card")
    assert answer.headers["content-disposition"] == 'attachment; filename="lane-or-card.html"'
    main(["card", "lane-or", "--offline", str(tmp_path / "c.html"), "--today", "2026-12-01"])
    saved = (tmp_path / "c.html").read_text(encoding="utf-8")
    assert text_of(answer.text).startswith(text_of(saved)[:400])
    assert "/packs/lane-or/card" in client.get("/packs/lane-or").text
    assert "/card" not in client.get("/packs/drug-court").text


# Try a case


def send(
    client: httpx.Client, pack: str, decision: str, *answers: tuple[str, str]
) -> httpx.Response:
    fields = [("decision", decision)]
    for fact, answer in answers:
        fields += [("fact", fact), ("answer", answer)]
    body = str(httpx.QueryParams(fields)).encode()
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return client.post(f"/packs/{pack}/try", content=body, headers=kind)


def asked_fact(page: httpx.Response) -> str:
    """Return the fact that the page asks for: the last one in its first form."""
    form = re.search(r'<form method="post".*?</form>', page.text, re.DOTALL)
    assert form is not None
    return unescape(re.findall(r'name="fact" value="([^"]+)"', form[0])[-1])


def test_a_case_is_asked_what_matters_and_answered_as_decide_answers(
    client: httpx.Client,
) -> None:
    given: dict[str, str] = {
        "encounter.date": "2023-08-01",
        "person.age": "34",
        "encounter.route": "arrest",
        "encounter.charges": "1",
        "encounter.charges[0].conduct": "possession",
        "encounter.charges[0].violent": "no",
        "encounter.drugs": "1",
        "encounter.drugs[0].kind": "opioid",
    }
    answers: list[tuple[str, str]] = []
    for _ in range(20):
        page = send(client, "santa-fe", "offer", *answers)
        assert page.status_code == 200 and len(page.content) <= 20 * KB
        if "the rules say" in page.text:
            break
        fact = asked_fact(page)
        assert fact not in dict(answers)
        answers.append((fact, given.get(fact, "not known")))
    shown = text_of(page.text)
    facts_given: dict[str, Any] = {
        "person": {"age": 34},
        "encounter": {
            "date": "2023-08-01",
            "route": "arrest",
            "charges": [{"conduct": "possession", "violent": False}],
            "drugs": [{"kind": "opioid"}],
        },
    }
    decision = rules.load("santa-fe").decide("offer", facts_given)
    assert decision.outcome == "may_offer" and "MAY OFFER" in shown
    assert decision.reasons[0]["text"] in shown and decision.pack["digest"] in shown
    observations = [*observations_of(decision)]
    assert any("6 g" in observation for observation in observations)  # nobody is asked to weigh
    assert any("Thrive" in doubt for doubt in decision.provisional)
    for said in (*observations, *decision.provisional):
        assert " ".join(said.split()) in shown
    # A Change leads back to the question, with the answers before it.
    fields = {"decision": "offer", "fact": "encounter.date", "answer": "2023-08-01", "keep": "0"}
    assert "On what day was the encounter?" in client.post("/packs/santa-fe/try", data=fields).text


FOUR_GRAMS = {
    "person.age": "34",
    "encounter.date": "2014-05-01",
    "encounter.route": "arrest",
    "encounter.charges": "1",
    "encounter.charges[0].conduct": "possession",
    "encounter.charges[0].violent": "no",
    "encounter.drugs": "1",
    "encounter.drugs[0].kind": "opioid",
    "encounter.drugs[0].grams": "4",
}


def answered(client: httpx.Client, pack: str, decision: str, given: Mapping[str, str]) -> str:
    """Answer each question with what is given of its fact, else that it isn't known."""
    answers: list[tuple[str, str]] = []
    for _ in range(40):
        page = send(client, pack, decision, *answers)
        if "What would change the answer" in page.text:
            return text_of(page.text)
        fact = asked_fact(page)
        answers.append((fact, given.get(fact, "not known")))
    raise AssertionError(answers)


def test_a_tried_case_says_what_would_change_the_answer(client: httpx.Client) -> None:
    """W3 for one case: in words, with nothing of what a person is or what is past."""
    pytest.importorskip("z3", reason="the solver isn't installed")
    shown = answered(client, "santa-fe", "eligibility", FOUR_GRAMS)
    part = shown.partition("What would change the answer")[2].partition("Rules of the pack")[0]
    assert "at most 3 g" in part or in_time.NOT_IN_TIME in part, shown
    drugs = [{"kind": "opioid", "grams": 4}]
    facts = {"person": {"age": 34}, "encounter": {"drugs": drugs, "route": "arrest"}}
    decision = rules.load("santa-fe", "2014-05-01").decide("eligibility", facts)
    words = in_time.what_if_in_time(decision, 120.0)
    part += " ".join(sentence.text for sentence in words.sentences)
    assert "If the weight were at most 3 g and not 4 g" in part
    for word in ("you should", " age ", "race", " sex ", "encounter.", "the day of"):
        assert word not in part


def test_an_answer_before_the_age_is_asked_names_it_and_proves_nothing(
    client: httpx.Client,
) -> None:
    """Three answers bar the person before the age is asked. A change can still help."""
    pytest.importorskip("z3", reason="the solver isn't installed")
    three = {"encounter.date": "2026-07-01", "judgment.exploits_others": "yes"}
    three |= {"encounter.route": "arrest", "judgment.amenable": "yes"}
    shown = answered(client, "santa-fe", "eligibility", three)
    part = shown.partition("What would change the answer")[2].partition("Rules of the pack")[0]
    named = "The person's age isn't known. Ask police."
    assert named in part or in_time.NOT_IN_TIME in part, shown
    assert "proved" not in part
    facts = {
        "encounter": {"date": "2026-07-01", "route": "arrest"},
        "judgment": {"amenable": True, "exploits_others": True},
    }
    words = in_time.what_if_in_time(rules.load("santa-fe").decide("eligibility", facts), 120.0)
    (note,) = words.notes
    assert note == f"Not worked out: whether any change gives eligible. {named}"


def test_a_tried_case_says_that_time_or_the_solver_was_missing(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = rules.load("santa-fe", "2014-05-01")
    decision = program.decide("eligibility", {"person": {"age": 34}})
    began = monotonic()
    monkeypatch.setattr(in_time, "what_if_of", lambda *_, **__: sleep(2))
    assert in_time.what_if_in_time(decision, 0.2).notes == (in_time.NOT_IN_TIME,)
    assert monotonic() - began < 1.5

    def missing(*_: object, **__: object) -> None:
        raise no_solver()

    monkeypatch.setattr(in_time, "what_if_of", missing)
    (note,) = in_time.what_if_in_time(decision, 10.0).notes
    assert "the extra `prove` is not installed" in note


def test_nothing_known_is_never_a_no(client: httpx.Client) -> None:
    """O4 and G1: what is missing, and whom to ask."""
    answers: list[tuple[str, str]] = [("encounter.date", "2023-08-01")]
    for _ in range(30):
        page = send(client, "santa-fe", "eligibility", *answers)
        if "Not known yet" in page.text:
            break
        answers.append((asked_fact(page), "not known"))
    shown = text_of(page.text)
    assert "Not known yet" in shown and "This is not a no." in shown
    assert (
        "What is missing" in shown and "Ask the prosecutor" in shown
    ) or "Ask prosecutor" in shown
    assert "INELIGIBLE" not in shown


def test_a_bad_answer_keeps_what_was_said_and_says_what_to_do(client: httpx.Client) -> None:
    day = ("encounter.date", "2023-08-01")
    page = send(client, "santa-fe", "offer", day, ("person.age", "old"))
    assert page.status_code == 422 and "<title>Error: Try a case" in page.text
    shown = text_of(page.text)
    assert "How old is the person?" in shown and "`old` is no answer" in shown
    assert 'value="2023-08-01"' in page.text
    # An answer that is no longer asked is left out.
    page = send(client, "santa-fe", "offer", ("person.age", "34"), day)
    assert page.status_code == 200 and "On what day was the encounter?" in page.text


HOSTILE = (
    "<script>alert(1)</script>",
    "\u202e\u2066rtl",
    "\N{SLIGHTLY SMILING FACE}" * 50,
    "a" * 60_000,
    "\x00",
    "' OR 1=1",
)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_answers_are_shown_as_text_or_refused(client: httpx.Client, text: str) -> None:
    page = send(client, "every-kind-of-fact", "eligibility", ("person.age", text), (text, "1"))
    assert page.status_code in (200, 413, 422), page.status_code
    assert "<script" not in page.text and "Traceback" not in page.text
    quoted = quote(text[:50])
    assert client.get(f"/packs/{quoted}").status_code == 404
    assert client.get(f"/packs/santa-fe?as_of={quoted}").status_code == 422


# Refusals, and the frame of every answer


def test_every_answer_has_the_headers_and_unknown_addresses_look_alike(
    client: httpx.Client,
) -> None:
    """S1: errors and static files included."""
    answers = [
        client.get("/packs"),
        client.get("/packs/nowhere"),
        client.get("/packs/..%2f..%2fetc"),
        client.get("/elsewhere"),
        client.get("/static/app.py"),
        client.get("/static/style.css"),
        client.post("/packs", data={}),
        send(client, "santa-fe", "no-decision"),
    ]
    assert [answer.status_code for answer in answers] == [200, 404, 404, 404, 404, 200, 404, 422]
    for answer in answers:
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (answer.url, name)
        assert "server" not in answer.headers and "set-cookie" not in answer.headers
        if "style.css" not in str(answer.url):
            assert answer.headers["cache-control"] == "no-store"
    assert len({answer.text for answer in answers[1:5]}) == 1
    assert " style=" not in answers[0].text and "<style" not in answers[0].text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://elsewhere.example"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"host": "elsewhere.example"},
    ],
    ids=str,
)
def test_a_form_of_another_site_is_refused(client: httpx.Client, headers: dict[str, str]) -> None:
    """S2."""
    page = client.post("/packs/santa-fe/try", data={"decision": "offer"}, headers=headers)
    assert page.status_code == 403 and "Not taken" in page.text


@pytest.mark.parametrize("path", ["/", "/packs", "/static/style.css", "/nothing-here"])
def test_another_host_name_shows_no_page(client: httpx.Client, path: str) -> None:
    """For any address, with one sentence. An address that another site made may point here."""
    for method in ("GET", "POST"):
        page = client.request(method, path, headers={"host": "elsewhere.example"})
        assert page.status_code == 403 and page.text.startswith("Not taken: the request names")
        assert page.text.endswith("open the address that the server printed.\n")
        assert page.text.count(".\n") == 1 and "content-security-policy" in page.headers
    assert client.get("/packs", headers={"host": "pages.localhost:1"}).status_code == 200


def test_nothing_of_a_case_is_in_an_address_a_title_or_a_log(
    client: httpx.Client, console: ConsoleProcess
) -> None:
    """S4: also where an answer is refused."""
    page = send(client, "santa-fe", "offer", ("encounter.date", PERSON))
    assert page.status_code == 422
    assert PERSON not in str(page.url) and PERSON not in page.text.partition("</title>")[0]
    assert PERSON not in json.dumps(dict(page.headers))
    assert console.log.read_text() == ""


# The command


def test_a_port_in_use_and_missing_packages_are_said(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["console", "--port", str(taken.getsockname()[1])]) == 2
    assert "[port-taken]" in capsys.readouterr().err
    assert main(["console", "--port", "99999"]) == 2
    assert "`99999`" in capsys.readouterr().err
    assert main(["console", "nowhere"]) == 2
    assert "[unknown-pack]" in capsys.readouterr().err
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert main(["console"]) == 2
    assert "[no-console]" in capsys.readouterr().err


# In a browser


@pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
def test_a_case_is_tried_in_a_browser_without_scripts(
    console: ConsoleProcess, tmp_path: Path
) -> None:
    """V2, V4, V6: with the keyboard, with at most three requests a page, within the policy."""
    heading = "document.querySelector('h1').innerText"
    with Browser(tmp_path / "profile") as browser:
        browser.show(width=390)
        browser.forbid_scripts()
        browser.open(f"{console.address}/packs/santa-fe/try")
        assert len(browser.requests) <= 3
        browser.events.clear()
        browser.click("button[value=offer]")
        browser.wait_for("Page.loadEventFired")
        assert browser.evaluate(heading) == "On what day was the encounter?"
        browser.click("#answer")
        for sign in "2023-08-01":
            browser.call("Input.insertText", text=sign)
        browser.events.clear()
        browser.press("Enter")
        browser.wait_for("Page.loadEventFired")
        assert browser.evaluate(heading) == "How old is the person?"
        assert browser.evaluate("location.href").endswith("/packs/santa-fe/try")
        assert browser.evaluate("document.title") == "Try a case – Offramp"
        for width in (320, 820, 1280):
            for path in ("/packs", "/packs/santa-fe", "/packs/santa-fe/timeline"):
                browser.show(width=width, dark=width == 820)
                browser.open(console.address + path)
                wide = browser.evaluate("document.documentElement.scrollWidth")
                assert wide <= width, (path, width)
                assert browser.complaints == [] and len(browser.requests) <= 3
