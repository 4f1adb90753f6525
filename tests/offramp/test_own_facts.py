"""A city's own fact, field, choice, and finer word, with no code: asked, told, decided, corrected.

The city's agencies work by their commands, each in its own folder, around a hub of its own.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import httpx
import pytest

from offramp.agency import operations
from offramp.cli import main
from tests.support.agencies import RIO_VERDE
from tests.support.agency_console import (
    PASSWORD,
    Caller,
    code_of,
    make_account,
    run_agency_console,
)
from tests.support.languages import english_left
from tests.support.running_agencies import PASSPHRASE, ROLES, Running, refused, told
from tests.support.staff import founder_of

PACK = (
    RIO_VERDE
    + """\
refine:
  encounter.drugs.kind: {heroin: opioid, other_opioid: opioid}
facts:
  encounter.park: {type: bool, kind: record, known_by: police, category: encounter,
    question: Was it in a park?, source: county}
  encounter.ground: {type: choice, choices: [play_ground, lawn], kind: record, known_by: police,
    category: encounter, scene: true, question: On what ground was it?, source: county}
  encounter.path: {type: choice, choices: [foot_path, bike_lane], kind: record, known_by: police,
    category: encounter, scene: true, question: On which path was it?, source: county}
  encounter.drugs.laced: {type: bool, question: Was it laced?, source: county}
  encounter.charges.victim_consents: {type: bool, category: third_party, asks: victim,
    question: Does the victim consent?, source: county}
consent_sets:
  afterward:
    label: {en: after your first interview, es: después de su primera entrevista}
    after: case.referred_at
    days: 30
    source: county
    questions:
      clinic_progress:
        to: treatment_provider
        need: optional
        grants: [{from: case_management, categories: [progress], purposes: [treatment]}]
words:
  choices:
    encounter.ground: {play_ground: {en: Playground, es: Zona de juegos}}
    encounter.path:
      foot_path: {en: Footpath, es: Sendero}
      bike_lane: {en: Bike lane, es: Ciclovía}
decisions:
  offer:
    rules:
      - {id: bike-lane, when: encounter.path == "bike_lane", then: may_not_offer,
         because: On a bike lane nobody is stopped for long., source: county}
  warning:
    asks: Is a spoken warning enough?
    decided_by: police
    governed_by: encounter.date
    reads: [scene]
    outcomes: [not_enough, enough]
    rules:
      - {id: on-a-playground, when: encounter.ground == "play_ground", then: not_enough,
         because: A playground needs more than a warning., source: county}
    otherwise: {outcome: enough, because: Elsewhere a warning is enough., source: county}
  eligibility:
    rules:
      - {id: park, when: encounter.park && encounter.ground == "play_ground", then: ineligible,
         because: The playground is outside the program., source: county}
      - {id: laced, when: 'encounter.drugs.exists(d, d.kind == "heroin" && d.laced)',
         then: ineligible, because: Laced heroin is outside the program., source: county}
"""
)
SPANISH = """english,spanish
Was it in a park?,¿Fue en un parque?
On which path was it?,¿En qué camino fue?
On what ground was it?,¿En qué terreno fue?
Was it laced?,¿Estaba adulterada?
Is a spoken warning enough?,¿Basta con una advertencia?
A playground needs more than a warning.,Una zona de juegos exige más que una advertencia.
"""
SCENE = [
    *("--date", "2026-11-02", "--charges", "conduct=possession, authority=state, violent=no"),
    *("--overdose-help-sought", "no", "--birth-date", "1990-04-17", "--rest-unknown"),
    *("--amenable", "yes"),
]


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("city")
    (folder / "rio-verde").mkdir()
    (folder / "rio-verde" / "pack.yaml").write_text(PACK, encoding="utf-8")
    (folder / "rio-verde" / "spanish.csv").write_text(SPANISH, encoding="utf-8")
    city = Running(folder, pack=str(folder / "rio-verde"))
    try:
        city.join_all()
        yield city
    finally:
        city.stop()


YES_AT_THE_SCENE = {
    "encounter.charges": "possession",
    "encounter.path": "foot_path",
    "person.age": "27",
}
NAMES = ("Sol Paz", "Sol", *(founder_of(name) for name in ROLES), *map(str.title, ROLES))


@contextmanager
def console_of(city: Running, agency: str) -> Iterator[Caller]:
    """Run an agency's console, with its founder signed in."""
    founder = founder_of(agency)
    with closing(operations.open_office(city.folder / agency, PASSPHRASE)) as office:
        secret = make_account(office, founder, founder)
    with run_agency_console(city.folder / agency, city.passphrase) as console:
        caller = Caller(console)
        caller.get("/sign-in")
        caller.sign_in(founder, PASSWORD, code_of(secret))
        yield caller


def words_of(page: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


SENT = ("--yes", "--although-barred")  # the city bars some of them by its own rules


def refer(city: Running, capsys: pytest.CaptureFixture[str], name: str, *answers: str) -> str:
    words = ("--given-name", name, *answers)
    case = str(told(city, capsys, "refer", "police", *SCENE, *words, *SENT)["case"])
    city.settle()
    assert city.agency("case", "crossroads", case, "--by", founder_of("crossroads")) == 0
    return case


def eligibility(city: Running, capsys: pytest.CaptureFixture[str], case: str) -> tuple[str, str]:
    capsys.readouterr()
    assert city.agency("decide", "crossroads", case, "eligibility", "--json") in (0, 3)
    answer = json.loads(capsys.readouterr().out)
    return str(answer["outcome"]), " ".join(reason["rule"] for reason in answer["reasons"])


def test_a_citys_own_facts_reach_whoever_decides(
    city: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = ("--answer", "encounter.park=yes", "--answer", "encounter.ground=play_ground")
    dry = (*SCENE, "--given-name", "Ana", *answers, "--dry-run", "--lang", "es")
    capsys.readouterr()
    assert city.agency("refer", "police", *dry, "--drugs", "kind=heroin, laced=yes") == 0
    shown = capsys.readouterr().out
    for line in ("¿Fue en un parque?  sí", "¿En qué terreno fue?  Zona de juegos"):
        assert line in shown, shown
    assert "¿Estaba adulterada? Sí" in shown and "encounter." not in shown
    case = refer(city, capsys, "Ana", *answers, "--drugs", "none")
    assert "Was it in a park?  yes" in capsys.readouterr().out
    assert eligibility(city, capsys, case) == ("ineligible", "park")
    laced = refer(city, capsys, "Eva", "--drugs", "kind=heroin, laced=yes")
    assert eligibility(city, capsys, laced) == ("ineligible", "laced")


def test_a_citys_own_decision_at_the_scene_is_on_the_card_and_in_the_preview_of_a_referral(
    city: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    ground = ("--answer", "encounter.ground=play_ground")
    dry = (*SCENE, "--given-name", "Paz", *ground, "--drugs", "none", "--dry-run")
    said = {
        "en": "Is a spoken warning enough: not enough. A playground needs more than a warning.",
        "es": "¿Basta con una advertencia: not enough. Una zona de juegos exige más que una",
    }
    for language, expected in said.items():
        capsys.readouterr()
        assert city.agency("refer", "police", *dry, "--lang", language) == 0
        printed = capsys.readouterr().out
        assert expected in printed and "THE RULES BAR" not in printed.partition(expected)[0]
    assert main(["card", str(city.folder / "rio-verde")]) == 0
    card = capsys.readouterr().out
    own = card.partition("Is a spoken warning enough?")[2]
    assert "NOT ENOUGH if this is true:" in own
    assert "Otherwise ENOUGH. Elsewhere a warning is enough." in own


def test_a_citys_own_fact_is_asked_for_answered_and_corrected(
    city: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    case = refer(city, capsys, "Inés", "--drugs", "none", "--answer", "encounter.ground=lawn")
    assert eligibility(city, capsys, case) == ("eligible", "otherwise")
    capsys.readouterr()
    assert city.agency("correct", "police", case, "encounter.ground=?", "--yes") == 0
    printed = capsys.readouterr().out
    assert "On what ground was it?  unknown\n  `crossroads` was told lawn; will be told" in printed
    assert "encounter." not in printed
    city.settle()
    assert city.agency("case", "crossroads", case, "--by", founder_of("crossroads")) == 0
    assert eligibility(city, capsys, case)[0] == "None"
    asked = told(city, capsys, "ask", "crossroads", case, "eligibility")["asked"]
    assert {"encounter.park", "encounter.ground"} <= set(asked["police"])
    city.settle()
    capsys.readouterr()
    assert city.agency("answer", "police", "--answer", "encounter.park=no", *REST) == 0
    assert "Was it in a park?  no" in capsys.readouterr().out
    city.settle()
    assert city.agency("case", "crossroads", case, "--by", founder_of("crossroads")) == 0
    assert eligibility(city, capsys, case)[0] == "eligible"


def test_two_answers_to_one_question_are_refused(
    city: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    ground = ("--answer", "encounter.park=yes", "--answer", "encounter.park=no")
    twice = (*SCENE, "--given-name", "Ana", *ground, "--dry-run")
    assert "`encounter.park` is answered twice" in refused(city, capsys, "refer", "police", *twice)
    both = (*SCENE, "--given-name", "Ana", "--answer", "encounter.date=2026-11-01", "--dry-run")
    assert "`encounter.date` is answered twice" in refused(city, capsys, "refer", "police", *both)


def test_a_citys_own_words_are_on_each_page_and_no_key_is(
    city: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    """V8: the new fact, choice, and consent are in scene, check, consent, account, and own page."""
    with console_of(city, "police") as officer:
        officer.get("/offer")
        page, scene = officer.send("/offer", {"route": "arrest"}), ""
        while asked := re.findall(r'name="asked" value="([^"]+)"', page.text):
            scene += page.text
            known = {name: ["no"] for name in asked if "[" in name}
            known |= {name: [YES_AT_THE_SCENE[name]] for name in asked if name in YES_AT_THE_SCENE}
            page = officer.send("/offer/scene", {"asked": asked, **known})
        assert "On which path was it?" in scene and "Footpath" in scene
        officer.send("/offer/answer", {"answer": "accepted"})
        asked = re.findall(r'name="asked" value="([^"]+)"', (officer.page or page).text)
        named = {"contact.given_name": "Sol", "contact.family_name": "Paz"}
        check = officer.send("/offer/who", {"asked": asked, **named})
        assert "Footpath" in check.text and "foot_path" not in words_of(check)
        officer.send("/offer/check", {"seen": officer.hidden("seen")})
    city.settle()
    with console_of(city, "crossroads") as staff:
        to_open = re.findall(r'href="(/people/[0-9a-f]{20})/open"', staff.get("/today").text)
        path = to_open[-1]
        staff.get(f"{path}/open")
        staff.send(f"{path}/open")
        assert "Footpath" in words_of(staff.get(path))
        languages = ("en", "es")
        account = [staff.get(f"{path}/account?lang={lang}") for lang in languages]
        own = [staff.get(f"{path}/my-page?lang={lang}") for lang in languages]
        staff.get(f"{path}/consent")
        form = {"set": "afterward", "lang": "es", "place": "Crossroads"}
        spanish = staff.send(f"{path}/consent", form)
        english = staff.send(
            f"{path}/consent/person/choose/language", {"to": f"en {path}/consent/person/1"}
        )
    kinds = ("how your life is going", "cómo va su vida")
    met = ("the encounter with police", "el encuentro con la policía")
    for number, texts in enumerate((kinds, met, met)):
        for page, text in zip(((english, spanish), account, own)[number], texts, strict=True):
            assert text in words_of(page)
            assert not re.search(r"encounter\.|foot_path|case_management", words_of(page))
    for page in (spanish, own[1]):
        assert english_left(page.text, besides=NAMES) == []


REST = ("--rest-unknown", "--yes", "--by", founder_of("police"))


def test_what_never_travels_stays_and_a_wrong_category_is_refused(
    city: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    entry = "conduct=possession, victim_consents=no"
    capsys.readouterr()
    words = ("--given-name", "Luz", "--charges", entry, "--rest-unknown", "--dry-run", "--json")
    code = city.agency("refer", "police", "--date", "2026-11-02", *words)
    assert code == 2
    assert "`encounter.charges[0].victim_consents` isn't asked here" in capsys.readouterr().out
    draft = tmp_path / "draft.json"
    part = {
        "category": ["charge"],
        "content": {"charge": {"facts": {"encounter.park": True}}},
        "to": {"crossroads": {"purpose": "offer_and_hand_off", "basis": "offer_at_scene"}},
        "says": {"answer": "accepted"},
    }
    draft.write_text(json.dumps({"parts": [part]}), encoding="utf-8")
    assert city.agency("send", "police", "referral", str(draft)) == 2
    assert "`encounter.park` is not one of its facts" in capsys.readouterr().err
