"""The pages of prosecutor and program, from a referral to the admission, in a real browser.

A real hub and six gateways as processes with the defaults, four of them with a console. The people
use the pages' own controls, and nothing else.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, redirect_stdout
from dataclasses import dataclass, field
from html import unescape
from io import StringIO
from pathlib import Path

import httpx
import pytest

from exchange.errors import ExchangeError
from offramp.agency import operations
from offramp.cli import main
from tests.support.accessibility import HAS_AXE, axe_violations
from tests.support.agencies import Town
from tests.support.agency_console import (
    PASSWORD,
    Caller,
    add_authenticator,
    code_of,
    make_account,
    press,
    run_agency_console,
    serve_gateway,
    serve_with_console,
    type_in,
)
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.running_agencies import PASSPHRASE, SIX_ROLES, Running, serve_joined
from tests.support.santa_fe_town import (
    consent,
    interview,
    linked_town,
    refer,
    screen,
    settle,
    state,
)
from tests.support.staff import founder_of

needs_browser = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)

# Who decides, or explains a consent, confirms it with a passkey.
DECIDERS = ("crossroads", "prosecutor", "program")
CONSOLES = ("police", *DECIDERS)
OPEN = "form[action$='/open'] button"
PATIENCE = 30.0  # seconds until a record has arrived by itself


@dataclass
class TownInBrowser:
    """A running town, one browser for all its people, and what the pages' addresses showed."""

    town: Running
    browser: Browser
    addresses: dict[str, str]
    history: list[str] = field(default_factory=list)
    found: dict[str, list[str]] = field(default_factory=dict)
    taps: int = 0  # since a task began

    def open(self, agency: str, path: str) -> None:
        """Open a page of an agency's console."""
        self.browser.open(self.addresses[agency] + path)
        self.note()

    def press(self, selector: str) -> None:
        """Press a control that leads to another page."""
        self.taps += 1
        press(self.browser, selector)
        self.note()

    def tap(self, selector: str) -> None:
        """Tap a control that stays on the page."""
        self.taps += 1
        self.browser.click(selector)

    def note(self) -> None:
        """Note what the browser's history shows of the page."""
        self.history.append(self.browser.evaluate("document.title + ' ' + location.href"))

    @property
    def heading(self) -> str:
        """The heading of the page."""
        return str(self.browser.evaluate("document.querySelector('h1').textContent.trim()"))

    @property
    def text(self) -> str:
        """The text of the page."""
        return str(self.browser.evaluate("document.querySelector('main').innerText"))

    def has(self, selector: str) -> bool:
        """Report whether the page has an element."""
        return bool(self.browser.evaluate(f"!!document.querySelector({json.dumps(selector)})"))

    def until(self, agency: str, path: str, selector: str) -> None:
        """Reload a page until it has an element: what was sent arrives by itself."""
        end = time.monotonic() + PATIENCE
        self.open(agency, path)
        while not self.has(selector):
            assert time.monotonic() < end, (agency, path, selector, self.text)
            time.sleep(0.3)
            self.open(agency, path)

    def sign_in(self, agency: str) -> None:
        """Sign an agency's founder in. Those who decide add a passkey."""
        person = founder_of(agency)
        with closing(operations.open_office(self.town.folder / agency, PASSPHRASE)) as office:
            secret = make_account(office, person, person)
        self.open(agency, "/sign-in")
        type_in(self.browser, "#name", person)
        type_in(self.browser, "#password", PASSWORD)
        type_in(self.browser, "#code", code_of(secret))
        self.press("form[action='/sign-in'] button")
        if agency not in DECIDERS:
            return  # the browser's device keeps three passkeys
        self.open(agency, "/you")
        type_in(self.browser, "#label", "desk")
        self.press("form[action='/you/passkeys'] button")

    def check(self, name: str) -> None:
        """Run axe on the page, on a phone and a desk, light and dark."""
        for width, dark in ((390, True), (1280, False)):
            self.browser.show(width=width, dark=dark)
            time.sleep(0.2)  # the colors of buttons change slowly
            if HAS_AXE:
                self.found[f"{name} {width}"] = axe_violations(self.browser)
            wide = self.browser.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert wide <= 0, (name, width)
            size = self.browser.evaluate("document.documentElement.outerHTML.length")
            assert size <= 20 * 1024, (name, size)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TownInBrowser]:
    base = tmp_path_factory.mktemp("decisions")
    with ExitStack() as stack:
        town = stack.enter_context(serve_joined(base, SIX_ROLES, "santa-fe"))
        addresses = {name: stack.enter_context(serve_with_console(town, name)) for name in CONSOLES}
        for name in SIX_ROLES.keys() - addresses.keys():
            stack.enter_context(serve_gateway(town, name))
        browser = stack.enter_context(Browser(base / "profile"))
        browser.show(width=1280)
        add_authenticator(browser)
        place = TownInBrowser(town, browser, addresses)
        for name in CONSOLES:
            place.sign_in(name)
        yield place


def _refers(place: TownInBrowser, given: str, family: str) -> None:
    """Offer the program at the scene, and send the referral."""
    browser = place.browser
    place.open("police", "/offer")
    place.press("button[value=arrest]")
    browser.click("input[value=opioid]")
    browser.click("input[value=possession]")
    type_in(browser, "[id='person.age']", "27")
    place.press(".dock button")
    while "What did they say?" not in place.text:
        browser.evaluate("document.querySelectorAll('input[value=no]').forEach(box => box.click())")
        place.press(".dock button")
    place.press("button[value=accepted]")
    type_in(browser, "[id='contact.given_name']", given)
    type_in(browser, "[id='contact.family_name']", family)
    place.press(".dock button")
    place.press(".dock button")
    assert place.heading == "Sent", place.text


def _confirms(place: TownInBrowser) -> None:
    """Confirm what the check shows with the passkey."""
    assert place.heading == "Check and confirm", place.text
    place.press(".dock button")
    assert place.heading in ("Sent", "Kept here"), place.text


def _opens_until(place: TownInBrowser, agency: str, path: str, words: str) -> None:
    """Open what arrives for a decision until its page says something."""
    end = time.monotonic() + PATIENCE
    place.open(agency, path)
    while words not in place.text:
        assert time.monotonic() < end, (agency, words, place.text)
        if place.has(OPEN):
            place.press(OPEN)
        else:
            time.sleep(0.3)
            place.open(agency, path)


def _first(place: TownInBrowser, agency: str, path: str) -> str:
    """Open the first entry of a list, as soon as there is one. Return the address."""
    place.until(agency, path, "tbody a")
    place.press("tbody a")
    return str(place.browser.evaluate("location.pathname"))


def _decides(place: TownInBrowser, outcome: str, reason: str) -> None:
    """Choose an outcome and a reason, and confirm them."""
    place.tap(f"input[name=outcome][value={outcome}]")
    place.tap(f"input[name=reason][value={reason}]")
    place.press("#decide .dock button")
    _confirms(place)


@needs_browser
def test_a_case_goes_from_referral_to_admission_in_browsers(place: TownInBrowser) -> None:
    """P1, P2, G1, and the case between them, with the consent in the person's hand."""
    _refers(place, "Ana", "Muñoz")

    # The prosecutor gives one word.
    place.taps = 0
    _first(place, "prosecutor", "/queue")
    assert place.heading == "Do the records stop this person from entering?"
    assert not place.has("main input:not([type=hidden]), main textarea, main select")
    place.check("records check")
    # The prosecutor is told no name. The page names the office to ask, and the number by which that
    # office finds the person.
    (number,) = set(re.findall(r"No name here case ([0-9a-f]{8})", " ".join(place.text.split())))
    assert "who this is." in place.text and "sk Police by phone" in place.text
    with closing(operations.open_office(place.town.folder / "police", PASSPHRASE)) as office:
        assert [person.name for person in operations.find(office, number)] == ["Ana Muñoz"]
    place.press("button[value=proceed]")
    assert "Crossroads: " in place.text and "Not told: " in place.text
    place.check("check of the word")
    _confirms(place)
    assert place.taps <= 3
    # What Today asks for is in the queue as well, until the prosecutor says it.
    place.open("prosecutor", "/queue")
    assert place.heading == "One decision waits for your word" and "file the charge" in place.text
    _first(place, "prosecutor", "/queue")
    _decides(place, "hold", "discretion")
    place.open("prosecutor", "/queue")
    assert place.heading == "Nobody waits for your word."
    place.check("empty queue")

    # The case manager opens the referral, and takes the consent.
    person = _first(place, "crossroads", "/people")
    place.press(OPEN)
    assert place.heading == "Ana Muñoz"
    _consents(place, person)

    # The program asks police for what is missing, and decides on eligibility.
    eligibility = _first(place, "program", "/applications")
    place.check("unopened")
    _opens_until(place, "program", eligibility, "Opioid")
    assert "Not known yet" in place.text and "Asks Police. Not asked yet." in place.text
    place.check("not known yet")
    place.open("program", "/applications")
    place.check("applications")
    place.press(f"a[href='{eligibility}#ask']")
    _ticks(place)
    place.press("form[action$='/ask'] button")
    assert "Asked: Police" in place.text
    place.until("police", "/asked", "form[action='/asked'] button")
    place.press("form[action='/asked'] button")
    place.press("section a.btn")
    _answers(place)
    _opens_until(place, "program", eligibility, "As the rules say.")
    place.open("program", "/applications")
    place.taps = 0
    place.press(f"a[href='{eligibility}']")
    place.check("eligible")
    place.browser.show(width=390)
    jump = ".jump a[href='#decide']"
    above = f"document.querySelector({json.dumps(jump)}).getBoundingClientRect().bottom"
    assert place.browser.evaluate(f"{above} < innerHeight"), "the decision is one tap away"
    place.browser.click(jump)
    top = "document.querySelector('#decide').getBoundingClientRect().top"
    assert abs(place.browser.evaluate(top)) < 100
    place.browser.show(width=1280)
    assert not place.browser.evaluate(f"document.querySelector({json.dumps(jump)}).offsetHeight")
    _decides(place, "eligible", "rules")
    assert place.taps <= 5

    # The case manager tells of the interview.
    place.open("crossroads", f"{person}/tell/intake")
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    type_in(place.browser, "[id='case.intake_at']", moment)
    place.press(".dock button")
    place.press(".dock button")
    assert place.heading == "Sent", place.text

    # The program notes its places, and asks for the prosecutor's approval.
    place.open("program", "/places")
    assert place.heading == "Places: not known yet" and "Ana Muñoz" in place.text
    place.check("places")
    type_in(place.browser, "#free", "4")
    place.press("#places button")
    assert place.heading == "4 places are free"
    assert "Noted " in place.text and "Admissions since then aren’t subtracted." in place.text
    admission = _first(place, "program", "/applications")
    _opens_until(place, "program", admission, "Has the prosecutor approved or declined?")
    place.press("form[action$='/ask'] button")
    place.until("prosecutor", "/queue", "form[action='/queue'] button")
    place.check("queue with a question")
    place.press("form[action='/queue'] button")
    approval = _first(place, "prosecutor", "/queue")
    _opens_until(place, "prosecutor", approval, "Yours to decide")
    place.check("approval")
    _decides(place, "admitted", "discretion")
    place.open("prosecutor", "/held")
    assert "On hold" in place.text
    place.check("held charges")

    # The program admits the person.
    _opens_until(place, "program", admission, "As the rules say.")
    _decides(place, "admitted", "rules")
    place.open("program", "/applications")
    assert place.heading == "Nobody waits for a decision."
    place.until("crossroads", person, OPEN)
    place.press(OPEN)
    with closing(operations.open_office(place.town.folder / "crossroads", PASSPHRASE)) as office:
        (case,) = operations.list_cases(office)
        assert case.outcomes == {"admission": "admitted", "eligibility": "eligible"}

    _proves_the_confirmation(place)
    assert not [text for text in place.browser.complaints if "Policy" in text]
    assert not {page: lines for page, lines in place.found.items() if lines}
    assert not any("Mu" in shown or "Ana" in shown for shown in place.history)


# What the pages refuse, without scripts


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A prosecutor's folder with a person over the limit, and two words to give. No hub runs."""
    base = tmp_path_factory.mktemp("pages") / "town"
    base.mkdir()
    with linked_town(base) as town:
        town.hub.clock = int(time.time())
        for name in ("Ben Archuleta", "Uma Ortiz"):
            case = refer(town, name, "1992-01-02")
            state(town, "police", "weigh", case, {"encounter.drugs[0].grams": "9.1 g"})
            settle(town, case)
            screen(town, case)
            consent(town, case)
        _has_a_new_charge(town)
        for office in town.at.values():
            office.close()
    passphrase = base / "passphrase"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)
    return base / "prosecutor"


def _has_a_new_charge(town: Town) -> None:
    """Admit a person, whom the prosecutor then charges with possession."""
    case = refer(town, "Ana Delgado", "1990-04-17")
    screen(town, case)
    consent(town, case)
    operations.represent(town.at["defender"], case, although_unknown=True)
    interview(town, case)
    for agency, person in (("prosecutor", "Thomas Baca"), ("program", "Julia Vigil")):
        words = (person, case, "admission", "admitted", "discretion")
        operations.determine(town.at[agency], *words)
        settle(town, case)
    charge = {
        "case.new_charges": 1,
        "case.new_charges[0].conduct": "possession",
        "case.new_charges[0].egregious": "no",
        "case.new_charges[0].evidence_origin": "independent",
    }
    state(town, "prosecutor", "charge", case, charge)
    settle(town, case)


def _office(folder: Path) -> operations.Office:
    office = operations.open_office(folder, PASSPHRASE)
    operations.sign_in(office, by=founder_of("prosecutor"))
    return office


def _code(folder: Path) -> str:
    """Return a code that wasn't used yet: of a new secret, since a code is good once."""
    person = founder_of("prosecutor")
    with closing(_office(folder)) as office:
        return code_of(make_account(office, person, person))


def _words(page: httpx.Response) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", page.text)).split())


def test_a_decision_is_recorded_once_and_never_on_what_changed(folder: Path) -> None:
    """P3 and P5 without scripts: no reason, two tabs, a stale answer, a wrong code."""
    with closing(_office(folder)) as office:
        cases = {
            listed.case: office.accounts.local_id(listed.case)
            for listed in operations.list_cases(office)
            if "admission" not in listed.outcomes
        }
        case, other = sorted(cases)
    path = f"/queue/{cases[case]}/eligibility"
    with run_agency_console(folder, folder.parent / "passphrase") as console:
        caller = Caller(console)
        caller.get("/sign-in")
        caller.sign_in(founder_of("prosecutor"), PASSWORD, _code(folder))

        def choose(**fields: str) -> httpx.Response:
            caller.get(path)
            return caller.send(path, {"seen": caller.hidden("seen"), **fields})

        page = caller.get(path)
        assert "Not eligible" in page.text and " checked" not in page.text
        assert 'type="text"' not in page.text and "<textarea" not in page.text
        page = choose()
        assert "Choose what you decide" in page.text and "Choose a reason" in page.text
        page = choose(outcome="eligible", reason="rules")
        assert "The rules say otherwise. Choose your own reason" in page.text
        assert 'value="eligible" data-differs checked' in page.text, "what was chosen is kept"
        page = caller.send(path, {"seen": "0" * 64, "outcome": "eligible", "reason": "safety"})
        assert "The answer changed since you opened this" in page.text
        page = choose(outcome="eligible", reason="discretion")
        assert "Check and confirm" in page.text and "This is not what the rules say." in page.text
        assert "Crossroads : " in _words(page) and "Not told: " in _words(page)
        tabs = [caller.get(f"{path}/check") for _ in range(2)]
        forms = [{name: caller.hidden(name, tab) for name in ("t", "f", "seen")} for tab in tabs]
        wrong = caller.ask(
            "POST", f"{path}/check", data=forms[0] | {"password": PASSWORD, "code": "000000"}
        )
        assert "don’t fit" in caller.get(wrong.headers["location"]).text
        typed = {"password": PASSWORD, "code": _code(folder)}
        first = caller.ask("POST", f"{path}/check", data=forms[0] | typed)
        assert first.headers["location"] == "/told"
        assert "Saved here" in caller.get("/told").text, "no hub answers"
        assert (
            caller.ask("POST", f"{path}/check", data=forms[0] | typed).headers["location"]
            == "/told"
        )
        second = caller.ask("POST", f"{path}/check", data=forms[1] | {"password": PASSWORD})
        assert second.headers["location"] == path, "the draft was used"
        page = caller.get(path)
        assert (
            "A person decided: Eligible." in page.text and "Confirmed without passkey" in page.text
        )

        # A second decision was prepared, and the case changed before it was confirmed.
        choose(outcome="ineligible", reason="rules")
        caller.get(f"{path}/check")
        fields = {"seen": caller.hidden("seen"), "password": PASSWORD}
        with closing(_office(folder)) as office:
            words = (case, "eligibility", "eligible", "safety")
            operations.determine(office, founder_of("prosecutor"), *words)
        page = caller.send(f"{path}/check", fields)
        assert "The answer changed since you opened this" in page.text

        # P4: the rules keep the person, and counsel is told first.
        page = caller.get("/queue")
        assert "There is a new charge" in page.text
        (ends,) = re.findall(r'href="(/queue/[0-9a-f]+/ejection)"', page.text)
        page = caller.get(ends)
        assert "The person stays in the program" in page.text
        assert "The rules leave no other answer." in page.text
        chosen = {"outcome": "prosecutor_may_eject", "reason": "safety"}
        page = caller.send(ends, {"seen": caller.hidden("seen"), **chosen})
        assert "marked as outside the rules" in page.text
        assert "Counsel is told first: Defender" in _words(page)

        # The rules' answer changed after "as the rules say" was chosen, and the check says so.
        chosen = {"outcome": "retain", "reason": "rules"}
        page = caller.send(ends, {"seen": caller.hidden("seen", caller.get(ends)), **chosen})
        assert "Check and confirm" in page.text
        with closing(_office(folder)) as office:
            charged = operations.case_addresses(office)[ends.split("/")[2]]
            by = founder_of("prosecutor")
            operations.recall(office, by, charged, "wrong_person", record="new_charge")
        page = caller.get(f"{ends}/check")
        assert page.status_code == 200 and "Not known yet" in page.text
        assert "The answer changed since you opened this" in page.text

        for gone in (
            f"/queue/{cases[other]}/review",
            f"/queue/{cases[other]}/open",
            "/queue/ffff/eligibility",
            f"/applications/{cases[other]}/eligibility",
        ):
            assert caller.get(gone).status_code == 404

        # The end of a place names the agencies that serve the person and don't know.
        chosen = {"outcome": "prosecutor_may_eject", "reason": "safety"}
        caller.send(ends, {"seen": caller.hidden("seen", caller.get(ends)), **chosen})
        typed = {"password": PASSWORD, "code": _code(folder)}
        page = caller.send(f"{ends}/check", {"seen": caller.hidden("seen"), **typed})
        assert "Not told, and they serve the person: Program." in _words(page), _words(page)
    with closing(_office(folder)) as office:
        kept = operations.list_confirmations(office, case)
        assert [(each.decision, each.words) for each in kept] == [
            ("eligibility", "confirmed without passkey")
        ]
        sent = [
            each
            for each in office.working_set().outbox.values()
            if each.case == case and each.kind == "determination"
        ]
        assert len(sent) == 2, "one of the page, one of the other program"


def _proves_the_confirmation(place: TownInBrowser) -> None:
    """P2: the exported decision shows the passkey's signature, and a changed one is reported."""
    folder = place.town.folder
    with closing(operations.open_office(folder / "program", PASSPHRASE)) as office:
        outbox = office.working_set().outbox.values()
        record = next(each for each in outbox if each.kind == "determination")
        case = str(record.case)
        kept = operations.list_confirmations(office, case)
        assert [(each.decision, each.words) for each in kept] == [
            ("eligibility", "confirmed with a passkey"),
            ("admission", "confirmed with a passkey"),
        ]
        end = time.monotonic() + PATIENCE
        while True:
            try:
                text = operations.export_decision(office, record.jti).text
                break
            except ExchangeError:  # the witnesses haven't signed yet
                assert time.monotonic() < end
                time.sleep(0.5)
    file = folder / "decision.json"
    file.write_bytes(text)
    shown = _prints("replay", str(file))
    assert shown[0] == 0 and "DECIDED BY A PERSON" in shown[1]
    assert "decided: “Entry to the program” is “Eligible”, by Julia Vigil (rules)" in shown[1]
    assert "Julia Vigil: confirmed with a passkey" in shown[1]
    assert "signature over this decision was checked" in _prints("verify", str(file))[1]
    document = json.loads(text)
    (confirmation,) = document["confirmations"]
    signature = confirmation["assertion"]["signature"]
    other = "A" if signature[20] != "A" else "B"
    for changed, why in (
        (
            {"assertion": confirmation["assertion"] | {"signature": _at(signature, 20, other)}},
            "didn't sign this decision",
        ),
        ({"assertion": None}, "didn't sign this decision"),
        (
            {"assertion": confirmation["assertion"] | {"host": "evil.example"}},
            "didn't sign this decision",
        ),
        ({"by": "Rosa Quintana"}, "isn't what the record states"),
        (
            {"draft": confirmation["draft"] | {"outcome": "ineligible"}},
            "isn't what the record states",
        ),
        ({"draft": confirmation["draft"] | {"recipient": "police"}}, "didn't sign this decision"),
    ):
        file.write_text(json.dumps(document | {"confirmations": [confirmation | changed]}))
        for command in ("verify", "replay"):
            code, printed = _prints(command, str(file))
            assert code == 1 and "NOT VERIFIED" in printed and why in printed, (changed, printed)


def _at(text: str, place: int, letter: str) -> str:
    return text[:place] + letter + text[place + 1 :]


def _prints(*words: str) -> tuple[int, str]:
    with redirect_stdout(StringIO()) as printed:
        code = main([*words])
    return code, printed.getvalue()


def _consents(place: TownInBrowser, person: str) -> None:
    """Hand the form over, answer each question with a yes, sign, and confirm with a passkey."""
    place.open("crossroads", f"{person}/consent")
    place.press("button[name=lang][value=en]")
    while place.has("button[name=answer][value=yes]"):
        place.press("button[name=answer][value=yes]")
    type_in(place.browser, "#typed", "Ana Muñoz")
    place.press("button[value=sign]")
    place.press("a[href$='/confirm']")
    place.press(".dock button")
    assert place.heading == "The person’s copy", place.text


def _ticks(place: TownInBrowser) -> None:
    """See what is ticked: what matters now, each with the agency that is asked and its rule."""
    ticks = place.browser.evaluate(
        "[...document.querySelectorAll('input[name=fact]')].map(e => [e.value, e.checked,"
        " e.closest('label').innerText])"
    )
    now = [path for path, is_ticked, _ in ticks if is_ticked]
    later = [path for path, is_ticked, _ in ticks if not is_ticked]
    assert "encounter.drugs.grams" in now and "judgment.amenable" in now
    assert {"encounter.drugs.form", "encounter.charges.code"} <= set(later)
    assert [path for path, _, _ in ticks] == now + later, "what matters now comes first"
    assert all("Asks Police. Not asked yet. For this rule: “" in text for _, _, text in ticks)
    place.check("what to ask")
    for path in now:
        place.tap(f"input[name=fact][value='{path}']")
    place.press("form[action$='/ask'] button")
    assert "Tick what you want to ask" in place.text and "Asked: " not in place.text
    for path in now:
        if not place.browser.evaluate(f"document.querySelector('[value=\"{path}\"]').checked"):
            place.tap(f"input[name=fact][value='{path}']")


def _answers(place: TownInBrowser) -> None:
    """Answer what the program asked, and send it."""
    browser = place.browser
    type_in(browser, "[id='encounter.drugs[0].grams']", "2.4")
    # Only what was ticked was asked: that decides, if nothing unusual comes out.
    for name in ("encounter.charges[0].code", "encounter.drugs[0].form"):
        assert not place.has(f"[name='{name}'], [name='{name}.unknown']"), name
    for name, value in (
        ("encounter.charges[0].authority", "state"),
        ("judgment.amenable", "yes"),
        ("judgment.exploits_others", "no"),
    ):
        browser.click(f"input[name='{name}'][value='{value}']")
    place.press(".dock button")
    place.press(".dock button")
    assert place.heading == "Sent", place.text
