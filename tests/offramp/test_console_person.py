"""The participant's own page in a browser, and what staff do for it.

A case manager's folder of a town in memory, with its console as a process. The hub doesn't answer
there, as in an office whose network is down.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path

import anyio
import httpx
import pytest

from offramp.agency import operations, person_wording
from offramp.agency.cases.account_words import SHORT_CATEGORIES
from offramp.agency.cases.draft import Draft
from offramp.console.agency.participant import COOKIE, ELSEWHERE
from offramp.console.headers import SecurityHeaders
from tests.conftest import ROOT
from tests.support.accessibility import HAS_AXE, NO_AXE, axe_violations
from tests.support.agency_console import (
    PASSWORD,
    AgencyConsole,
    Caller,
    code_of,
    make_account,
    press,
    tell_console_time,
    type_in,
)
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.languages import english_left, texts_of
from tests.support.participant import BORN, MANAGER, Participant
from tests.support.participant import FILING as FILING_STATUS
from tests.support.reading import PLAIN_GRADE, reading_level, words_to_avoid
from tests.support.simulator import part
from tests.support.taps import Taps

needs_browser = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
# Names of agencies and people, and what the person wrote.
NAMES = ("Ana", MANAGER, "Crossroads", "Prosecutor", "Police", "Clinic", "Nobody calls me back")


@pytest.fixture(scope="module")
def ana(tmp_path_factory: pytest.TempPathFactory) -> Participant:
    return Participant(tmp_path_factory.mktemp("ana"), "es")


@pytest.fixture(scope="module")
def console(ana: Participant) -> Iterator[AgencyConsole]:
    with ana.console() as process:
        yield process


@pytest.fixture(scope="module")
def staff(ana: Participant, console: AgencyConsole) -> Caller:
    secret = make_account(ana.office, MANAGER, MANAGER)
    caller = Caller(console)
    caller.get("/sign-in")
    caller.sign_in(MANAGER, PASSWORD, code_of(secret))
    return caller


@pytest.fixture
def words(ana: Participant) -> str:
    return " ".join(operations.issue_code(ana.office, MANAGER, ana.case).words)


def participant(console: AgencyConsole, words: str, lang: str = "en") -> Caller:
    """Sign the participant in. The page is open."""
    caller = Caller(console, cookie=COOKIE)
    caller.get(f"/my?lang={lang}")
    page = caller.send("/my", {"code": words, "year": str(BORN), "lang": lang})
    assert page.status_code == 200, shown(page)
    return caller


def shown(page: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def case_path(ana: Participant) -> str:
    found = operations.case_addresses(ana.office)
    return f"/people/{next(local for local, case in found.items() if case == ana.case)}"


# Staff


def test_staff_make_a_code_that_is_shown_once_and_opens_the_page(
    ana: Participant, console: AgencyConsole, staff: Caller
) -> None:
    path = case_path(ana)
    assert f"{path}/code" in staff.get(path).text
    without = shown(staff.get(f"{path}/code"))
    assert "The person has no code now. The person can’t open the page." in without
    assert "you can take a permission back and write down what is wrong" in without
    page = staff.send(f"{path}/code", {"lang": "es"})
    code = re.search(r'class="num">([^<]+)<', page.text)
    assert code is not None and len(code[1].split()) == 4
    assert f"{console.address}/my" in page.text
    again = staff.get(f"{path}/code")
    assert code[1] not in again.text and f"{MANAGER} made a code" in shown(again)
    # The number to call is written by the case manager, or by an admin, who may remove it.
    assert "shows no number of yours" in page.text
    staff.get("/you")
    faulty = staff.send("/you/phone", {"phone": "at the desk"})
    assert "Write the number with its area code" in shown(faulty) and "at the desk" in faulty.text
    assert 'value="505-555-0142"' in staff.send("/you/phone", {"phone": "505-555-0142"}).text
    assert "shows no number of yours" not in staff.get(f"{path}/code").text
    caller = participant(console, code[1].upper(), "es")
    assert caller.page is not None and 'href="tel:+15055550142"' in caller.page.text
    staff.get("/admin/people")
    staff.send("/admin/people/choose", {"person": MANAGER})
    removed = staff.send("/admin/people/phone", {"phone": ""})
    assert 'name="phone" value=""' in removed.text
    caller = participant(console, code[1].upper(), "es")
    assert caller.page is not None and "Ana, esta es su página" in caller.page.text
    staff.send(f"{path}/code/end")
    assert "Open your page" in shown(caller.get("/my/page"))
    assert "The person can’t open the page." in shown(staff.get(f"{path}/code"))
    printed = staff.get(f"{path}/my-page?lang=es")
    assert "¿Ya no está mi acusación?" in printed.text and "/my/take-back" not in printed.text
    assert english_left(printed.text, besides=(*NAMES, "Skip to the content")) == []
    # Without another choice, it is in the person's language.
    assert staff.get(f"{path}/my-page").text == printed.text
    assert staff.get(f"{path}/my-page?lang=xx").status_code == 404


# The participant


def test_the_first_line_answers_and_nothing_of_the_case_is_in_an_address(
    ana: Participant, console: AgencyConsole, words: str
) -> None:
    """N1 in both languages, and V8: nothing is left in English."""
    for lang, question, answer in (
        ("en", "Is my charge gone?", "We don’t know yet."),
        ("es", "¿Ya no está mi acusación?", "Todavía no lo sabemos."),
    ):
        caller = participant(console, words, lang)
        page = caller.page
        assert page is not None and page.headers["cache-control"] == "no-store"
        texts = texts_of(page.text, lang)
        assert texts[texts.index(question) + 1] == answer
        title = re.search(r"<title>([^<]*)", page.text)
        assert title is not None and "Ana" not in title[1]
        assert ana.case not in page.text and len(page.text.encode()) < 20 * 1024
        if lang == "es":
            assert english_left(page.text, besides=NAMES) == []
    assert "Ningún traductor profesional ha leído este texto todavía." in texts_of(page.text, "es")
    switched = caller.send("/my/language", {"lang": "en", "back": "/my/page"})
    assert "Is my charge gone?" in switched.text
    token = caller.hidden("t")
    for back in ("//evil.example", "/people", "/my/..//x"):
        fields = {"t": token, "lang": "en", "back": back}
        led = caller.ask("POST", "/my/language", data=fields)
        assert led.headers["location"] == "/my/page", back


def test_the_page_is_in_the_persons_language_until_another_is_chosen(
    console: AgencyConsole, words: str
) -> None:
    """The browser's, until a code is typed. Then the one that the record states."""
    caller = Caller(console)
    for header, english in (("es-MX,es;q=0.9,en;q=0.8", False), ("fr, en", True), ("x;;,", True)):
        page = caller.ask("GET", "/my", headers={"accept-language": header})
        assert ("Open your page" in page.text) is english, header
    page = caller.ask("GET", "/my?lang=en", headers={"accept-language": "es"})
    assert "Open your page" in page.text
    for chosen, words_of_page in (("", "esta es su página"), ("en", "this is your page")):
        page = participant(console, words, chosen).get("/my/page")
        assert words_of_page in shown(page)


def test_a_permission_is_taken_back_at_once_though_the_hub_is_away(
    ana: Participant, console: AgencyConsole, words: str
) -> None:
    """N3: three taps, and the own gate closes before the network."""
    caller = participant(console, words, "es")
    page = caller.get("/my/take-back/police")
    assert "Crossroads para en cuanto usted toque el botón." in shown(page)
    assert "Si se queda o no en el programa no depende de esto." in shown(page)
    assert english_left(page.text, besides=NAMES) == []
    path, spanish = "/my/take-back/police/all", {"accept-language": "es"}
    without = caller.ask("POST", path, data={"t": "wrong"}, headers=spanish)
    assert without.status_code == 403 and "No se recibió" in shown(without)
    assert 'href="/my"' in without.text and english_left(without.text, besides=NAMES) == []
    page = caller.get("/my/take-back/police")
    done = caller.send("/my/take-back/police/all")
    assert "Usted lo retiró. Crossroads paró en el momento." in shown(done)
    assert "Usted no permite que se le diga nada más a Police." in shown(done)
    assert "en cuanto se les pueda avisar" in shown(done)
    grants = operations.list_standing_grants(ana.office, ana.case)
    assert "police" not in {grant.recipient for grant in grants}
    assert "/my/take-back/police" not in done.text
    rows = caller.get("/my/page")
    told = shown(rows)
    assert "Usted retiró el permiso." in told, "the row doesn't end with a dash"
    assert "Police" in told and "Aquí no está lo que otras oficinas se dijeron entre sí." in told
    assert "Lo abrió: su nombre; su apellido" in told and "Nada hasta ahora" not in told
    assert re.search('href="/my/print">.*Ver la lista completa', rows.text)
    # The form that was still open says that nothing of it is allowed, and a dead page that nothing
    # was done.
    caller.page = page
    assert "Usted ya lo había retirado." in shown(caller.send("/my/take-back/police/all"))
    stranger = Caller(console, cookie=COOKIE)
    assert "Nothing was done." in shown(stranger.send("/my/take-back/clinic/all", {"t": "x"}))
    assert "Is my charge gone?" not in shown(caller.get("/my/take-back/nobody-here"))


def test_one_line_is_taken_back_and_the_rest_stays(
    ana: Participant, console: AgencyConsole, words: str
) -> None:
    """N3, of one line: what stops and what stays is said before, and again after."""
    caller = participant(console, words, "es")
    lines = caller.get("/my/take-back/crossroads")
    assert english_left(lines.text, besides=NAMES) == []
    addresses = re.findall(r'href="(/my/take-back/crossroads/(?!all)[^"]+)"', lines.text)
    standing = operations.list_standing_grants(ana.office, ana.case)
    kept = [grant for grant in standing if grant.recipient == "crossroads"]
    assert [each.rpartition("/")[2] for each in addresses] == [grant.id for grant in kept]
    chosen = next(grant for grant in kept if grant.discloser == "clinic")
    path = f"/my/take-back/crossroads/{chosen.id}"
    asked = caller.get(path)
    assert english_left(asked.text, besides=NAMES) == []
    stops, _, stays = shown(asked).partition("Qué sigue permitido")
    assert "Clinic puede decir" in stops and "Prosecutor puede decir" in stays
    assert "Se pide que pare a: Clinic." in stops and "Crossroads para" not in stops
    done = caller.send(path)
    assert re.search("<s>Clinic puede decir", done.text)
    assert "Esto sigue permitido: Prosecutor puede decir" in shown(done)
    left = operations.list_standing_grants(ana.office, ana.case)
    assert [grant.id for grant in left] == [g.id for g in standing if g.id != chosen.id]
    # The page keeps what was taken back, and what the yes to the offer still allows of it.
    kinds = "; ".join(SHORT_CATEGORIES[category][1] for category in chosen.categories)
    mine = shown(caller.get("/my/page"))
    assert f"usted retiró lo que podía comunicar Clinic: {kinds}" in mine
    assert "usted retiró lo que podía comunicar Prosecutor" not in mine
    assert "Police aún puede decir esto a Crossroads y corregirlo: " in mine
    page = operations.print_my_page(ana.office, ana.case, "en")
    lines = "\n".join(person_wording.page_lines(page))
    assert re.search(r"You took back on .+ what Clinic could tell: ", lines)
    assert "Police may still tell Crossroads this, and correct it: " in lines


@pytest.mark.parametrize("is_first", [True, False])
def test_a_word_on_the_charge_that_may_no_longer_be_opened_is_not_waited_for(
    tmp_path: Path, is_first: bool
) -> None:
    """It came, and the person took the permission back. Nobody there can open it."""
    rosa = Participant(tmp_path)
    for standing in ("held",) if is_first else ("held", "filed"):
        word = part("charge_status", {"standing": standing}, to={"crossroads": FILING_STATUS})
        prosecutor = rosa.town.at["prosecutor"]
        operations.send_record(prosecutor, "filing_decision", Draft((word,)), rosa.case)
        rosa.town.hub.clock += 24 * 3600
        rosa.town.settle()
        if standing == "held" and not is_first:
            operations.open_case(rosa.office, MANAGER, rosa.case)
    assert operations.list_unopened(rosa.office, rosa.case)[-1].may_open
    operations.revoke_consent(rosa.office, rosa.case, recipient="crossroads")
    shut = "{} was sent, and Crossroads may no longer open it, since you took that permission back."
    page = operations.print_my_page(rosa.office, rosa.case, "en")
    assert shut.format("It" if is_first else "Something newer") in " ".join(
        person_wording.page_lines(page)
    )
    assert "has opened it" not in " ".join(person_wording.page_lines(page))
    spanish = operations.print_my_page(rosa.office, rosa.case, "es")
    assert "Crossroads ya no puede abrirlo, porque usted retiró ese permiso." in " ".join(
        person_wording.page_lines(spanish)
    )
    secret = make_account(rosa.office, MANAGER, MANAGER)
    with rosa.console() as process:
        caller = Caller(process)
        caller.get("/sign-in")
        caller.sign_in(MANAGER, PASSWORD, code_of(secret))
        arrived = shown(caller.get(f"{case_path(rosa)}/open"))
    unopened = operations.list_unopened(rosa.office, rosa.case)
    assert unopened and ("Open all" in arrived) is any(record.may_open for record in unopened)
    assert "no longer let your office read them" in arrived


def test_the_whole_list_is_there_while_the_hub_is_away(console: AgencyConsole, words: str) -> None:
    page = participant(console, words, "es").get("/my/print")
    assert english_left(page.text, besides=NAMES) == []
    for lang, proves in (("en", "own records"), ("es", "propios registros")):
        text = shown(participant(console, words, lang).get("/my/print"))
        assert "Crossroads" in text and proves in text and "--full" not in text


def test_what_the_person_writes_is_read_and_answered_by_staff(
    ana: Participant, console: AgencyConsole, staff: Caller, words: str
) -> None:
    caller = participant(console, words)
    page = caller.get("/my/wrong")
    missing = caller.send("/my/wrong", {"text": "not me <script>"})
    assert missing.status_code == 422 and "not me &lt;script&gt;" in missing.text
    kept = caller.send("/my/wrong", {"about": "contact", "text": "not me <script>"})
    assert "It is written down." in shown(kept)
    page = caller.get("/my/complain")
    form = caller.hidden("f", page)
    for _ in range(2):
        caller.page = page
        caller.send("/my/complain", {"text": "Nobody calls me back", "f": form})
    desk = staff.get(f"{case_path(ana)}/concerns")
    assert shown(desk).count("Nobody calls me back") == 1 and "<script>" not in desk.text
    number = staff.hidden("number", desk)
    answered = staff.send(f"{case_path(ana)}/concerns", {"number": number, "answer": "corrected"})
    assert "corrected" in shown(answered)
    assert "It was corrected." in shown(caller.get("/my/page"))
    looks = staff.get(case_path(ana))
    assert "the participant" in looks.text


def test_a_lost_code_dies_by_its_last_word_and_nothing_is_shown(
    console: AgencyConsole, words: str
) -> None:
    """N5."""
    holder = participant(console, words)
    finder = Caller(console, cookie=COOKIE)
    answers = []
    for word in ("zzzz", words.split()[-1]):
        finder.get("/my/lost")
        answers.append(finder.send("/my/lost", {"word": word, "lang": "en"}).text)
    assert answers[0] == answers[1] and "no longer works" in answers[0]
    assert "Check the spelling of what you typed." in answers[0], "a misspelt word reads the same"
    assert "Revise si lo escribió bien." in finder.get("/my/lost?done&lang=es").text
    assert "Open your page" in shown(holder.get("/my/page"))
    assert finder.send("/my", {"code": words, "year": str(BORN)}).status_code == 422


def test_five_wrong_codes_lock_and_a_known_code_looks_like_an_unknown_one(
    console: AgencyConsole, words: str
) -> None:
    """N6."""
    answers: dict[str, list[tuple[int, str]]] = {}
    for code in (words, "able about above absent"):
        caller = Caller(console, cookie=COOKIE)
        caller.get("/my")
        answers[code] = []
        for _ in range(6):
            page = caller.send("/my", {"code": code, "year": "1950"})
            answers[code].append((page.status_code, page.text))
    first, second = answers.values()
    assert first == second
    assert "Too many tries." in first[-1][1] and "Too many tries." not in first[0][1]


def test_the_public_address_is_off_and_then_for_participants_alone() -> None:
    async def app(scope: object, receive: object, send: object) -> None:
        """Answer that the request was taken."""
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]  # a plain function
        await send({"type": "http.response.body", "body": b"taken"})  # type: ignore[operator]  # a plain function

    async def ask(origin: str | None, path: str) -> int:
        wrapped = SecurityHeaders(app, "https://console.example", origin)  # type: ignore[arg-type]  # a plain function
        transport = httpx.ASGITransport(app=wrapped)  # type: ignore[arg-type]  # a plain function
        async with httpx.AsyncClient(transport=transport, base_url="https://my.example") as client:
            return (await client.get(path)).status_code

    async def all_of_them() -> list[int]:
        public = "https://my.example"
        return [
            await ask(None, "/my"),
            await ask(public, "/my"),
            await ask(public, "/my/page"),
            await ask(public, "/static/style.css"),
            await ask(public, "/sign-in"),
            await ask(public, "/mypeople"),
            await ask(public, "/"),
        ]

    assert anyio.run(all_of_them) == [403, 200, 200, 200, 403, 403, 403]


# In a browser


@needs_browser
def test_leaving_fast_leaves_nothing_to_come_back_to(
    console: AgencyConsole, words: str, tmp_path: Path
) -> None:
    """N4: one tap, then Back shows the sign-in and no word of the page."""
    with Browser(tmp_path / "browser") as browser:
        browser.show(width=390, dark=True)
        sign_in(browser, console, words)
        assert "Ana, esta es su página" in browser.evaluate("document.body.innerText")
        assert browser.complaints == []
        press(browser, "form[action='/my/leave'] button")
        entries = browser.call("Page.getNavigationHistory")["entries"]
        assert not [entry for entry in entries if "Ana" in entry["title"] + entry["url"]]
        pages = [entry["id"] for entry in entries if entry["url"].endswith("/my/page")]
        for entry in pages:
            assert browser.open_again(entry) == "Navigation"
            text = browser.evaluate("document.body.innerText")
            assert "Open your page" in text and "charge" not in text
        assert pages
        browser.open(f"{console.address}/my/page")
        assert "Open your page" in browser.evaluate("document.body.innerText")
        assert ELSEWHERE.startswith("https://")


@needs_browser
def test_each_state_of_the_charge_is_the_first_line_one_tap_after_the_code(tmp_path: Path) -> None:
    """N1 and V4: the rules' answer or the prosecutor's last word, in both languages."""
    ana = Participant(tmp_path)
    words = " ".join(operations.issue_code(ana.office, MANAGER, ana.case).words)
    held = [{"facts": {"case.charge_held": is_held}} for is_held in (False, True)]
    with ana.console() as console, Browser(tmp_path / "browser") as browser:
        browser.show(width=390, dark=True)
        browser.forbid_scripts()
        phone = Taps(browser, console.address)

        def shows(state: str) -> None:
            tell_console_time(ana.town)
            answer = operations.decide(ana.town.at["prosecutor"], ana.case, "filing").answer
            by_rules = {"hold": "held", "prosecutor_may_file": "may_be_filed"}
            possible = {by_rules.get(word, word) for word in answer.possible}
            # What the prosecutor said goes before what the rules say.
            assert state in {"filed", "undetermined", *possible}
            for lang in person_wording.LANGUAGES:
                phone.open(f"/my?lang={lang}")
                phone.type("code", words)
                phone.type("year", str(BORN))
                phone.count = 0
                phone.press(".dock button")
                assert phone.count <= 1
                first, bottom = browser.evaluate(FIRST_ANSWER)
                page = operations.print_my_page(ana.office, ana.case, lang)
                assert page.charge.state == state
                assert first == person_wording.charge_sentence(page.charge, lang)
                assert bottom <= 844, "it is on the screen without a scroll"
                browser.call("Network.clearBrowserCookies")

        shows("undetermined")
        for content, state in ((held[0], "nothing_held"), (held[1], "held")):
            ana.prosecutor_tells("filing_decision", "charge_status", content)
            shows(state)
        ana.town.hub.clock += 40 * 24 * 3600
        ana.town.settle()
        shows("may_be_filed")
        ana.prosecutor_tells("filing_decision", "charge_status", {"standing": "filed"})
        shows("filed")


FIRST_ANSWER = """(() => {
  const answer = document.querySelector("main section .big");
  return [answer.innerText.trim(), answer.getBoundingClientRect().bottom];
})()"""


@needs_browser
def test_a_stranger_stops_a_code_that_they_found_in_two_taps(
    console: AgencyConsole, words: str, tmp_path: Path
) -> None:
    """N5 in a browser: the page closes that was open with the code."""
    holder = participant(console, words)
    with Browser(tmp_path / "browser") as browser:
        browser.show(width=390, dark=True)
        browser.forbid_scripts()
        stranger = Taps(browser, console.address)
        stranger.begin("/my?lang=en")
        stranger.press("a[href^='/my/lost']")
        stranger.type("word", words.split()[-1])
        stranger.press(".dock button")
        assert stranger.count <= 2 and "no longer works" in stranger.text
        assert "Ana" not in stranger.content and MANAGER not in stranger.content
        assert "Open your page" in shown(holder.get("/my/page"))


@needs_browser
def test_a_picture_changes_with_its_page_and_with_nothing_else(
    console: AgencyConsole, tmp_path: Path
) -> None:
    """V9: the script makes each picture that the documentation shows, and one page looks alike."""
    script = (ROOT / "tests" / "support" / "pictures.py").read_text(encoding="utf-8")
    made = set(re.findall(r'"([a-z-]+\.png)"', script))
    assert made == {path.name for path in (ROOT / "docs" / "pictures").iterdir()}
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert made == set(re.findall(r"pictures/([a-z-]+\.png)", text))
    drawn = []
    with Browser(tmp_path / "browser") as browser:
        for lang in ("en", "en", "es"):
            browser.show(width=390, height=620)
            browser.open(f"{console.address}/my?lang={lang}")
            browser.picture(tmp_path / f"{len(drawn)}.png", full=False)
            drawn.append((tmp_path / f"{len(drawn)}.png").read_bytes())
    assert drawn[0] == drawn[1] != drawn[2] and drawn[0].startswith(b"\x89PNG")


@needs_browser
@pytest.mark.skipif(not HAS_AXE, reason=NO_AXE)
def test_axe_finds_nothing_on_any_page_of_the_participant(
    console: AgencyConsole, words: str, tmp_path: Path
) -> None:
    found: dict[str, list[str]] = {}
    with Browser(tmp_path / "browser") as browser:
        for lang in ("en", "es"):
            for path in ("/my", "/my/lost"):
                browser.open(f"{console.address}{path}?lang={lang}")
                look(browser, f"{path} {lang}", found)
        sign_in(browser, console, words)
        for lang in ("en", "es"):
            browser.open(f"{console.address}/my/page")
            press(browser, f"button[value={lang}]")
            look(browser, f"/my/page {lang}", found)
            lines = ("/my/take-back/crossroads", "/my/take-back/crossroads/all")
            for path in (*lines, "/my/wrong", "/my/complain", "/my/print"):
                browser.open(f"{console.address}{path}")
                look(browser, f"{path} {lang}", found)
        browser.open(f"{console.address}/my/wrong")
        press(browser, ".dock button")
        look(browser, "/my/wrong with a fault", found)
    assert not found


def sign_in(browser: Browser, console: AgencyConsole, words: str) -> None:
    """Type the code and the year, and press."""
    browser.open(f"{console.address}/my")
    type_in(browser, "#code", words)
    type_in(browser, "#year", str(BORN))
    press(browser, ".dock button")


def look(browser: Browser, page: str, found: dict[str, list[str]]) -> None:
    """Look with axe, on a dark phone and a light desk."""
    for width, dark in ((390, True), (1280, False), (320, False)):
        browser.show(width=width, dark=dark)
        # Colors fade from light to dark.
        browser.evaluate("Promise.all(document.getAnimations().map(each => each.finished)); 0")
        browser.evaluate("new Promise(done => setTimeout(done, 250))")
        if violations := axe_violations(browser):
            found[f"{page} at {width}"] = violations
        wide = browser.evaluate("document.documentElement.scrollWidth")
        if wide > width:
            found[f"{page} at {width} is {wide} wide"] = []


# Words


def test_the_pages_are_in_short_plain_sentences(
    console: AgencyConsole, staff: Caller, words: str
) -> None:
    """V10 and V11: grade 5, sentences of 20 words, and no word to avoid."""
    for lang in ("en", "es"):
        caller = participant(console, words, lang)
        for path in (
            *("/my/page", "/my/take-back/crossroads", "/my/take-back/crossroads/all"),
            *("/my/take-back/prosecutor", "/my/wrong", "/my/complain", "/my/lost"),
        ):
            texts = texts_of(caller.get(path).text, lang)
            assert words_to_avoid(texts, lang) == [], path
            level = reading_level(texts)
            assert level.long == (), path
            if lang == "en":
                assert level.grade <= PLAIN_GRADE, (path, level.grade)


def test_the_counter_of_levels_finds_a_hard_sentence() -> None:
    hard = (
        "Notwithstanding the aforementioned considerations, an administrative determination "
        "regarding discretionary disclosure necessitates documentation by the responsible agency "
        "representative in accordance with applicable regulations."
    )
    level = reading_level([hard])
    assert level.grade > 20 and level.long == (hard,)
    assert words_to_avoid([hard, "All is well."], "en") == [hard]
    assert reading_level(["It is on hold. It is not filed."]).grade < PLAIN_GRADE
