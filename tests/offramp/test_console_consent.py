"""Consent in a browser: the form in the person's hand, its signature, and taking it back.

A real hub, six agencies, and the console of the case managers as a process.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from exchange.records.ids import new_id
from offramp.agency import operations, person_wording
from offramp.agency.hub_link.delivery import send_outbox
from offramp.agency.hub_link.duties import run_duties
from offramp.agency.hub_link.link import link_of
from rules.author.spoken_dates import spoken_day
from tests.support.accessibility import HAS_AXE, NO_AXE, axe_violations
from tests.support.agency_console import (
    PASSWORD,
    AgencyConsole,
    Caller,
    add_authenticator,
    code_of,
    make_account,
    press,
    run_agency_console,
    type_in,
)
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.chance import chance
from tests.support.languages import english_left, texts_of
from tests.support.printed import print_faults
from tests.support.reading import PLAIN_GRADE, reading_level, words_to_avoid
from tests.support.running_agencies import PASSPHRASE, SIX_ROLES, Running
from tests.support.simulator import part
from tests.support.staff import founder_of

needs_browser = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
OFFER = ("offer_and_hand_off", "offer_at_scene")
ROSA = founder_of("crossroads")
NAME = "Ana María Delgado"
YES, NO = "yes", "no"
random = chance(73)
people = count(1)


@dataclass
class Desk:
    """The case managers' console, with somebody signed in, and the town around it."""

    town: Running
    console: AgencyConsole
    caller: Caller
    office: operations.Office
    police: operations.Office

    def code(self) -> str:
        """Return a code that wasn't used: those of a new secret."""
        return code_of(make_account(self.office, ROSA, ROSA))

    def grants(self, case: str) -> list[dict[str, Any]]:
        """Return what is in force in a case, each member of it."""
        return [grant.as_json() for grant in operations.list_standing_grants(self.office, case)]

    def asked(self, case: str) -> tuple[operations.AskedConsent, ...]:
        return operations.list_asked_consents(self.office, case)

    def begin(self, given: str = NAME) -> tuple[str, str]:
        """Refer a new person. Return the case, and the address of its page."""
        name = f"{given} {'I' * next(people)}"
        to = {"crossroads": OFFER}
        says = {"answer": "accepted"}
        facts = {"facts": {"encounter.route": "arrest"}}
        parts = (
            part("contact", {"given_name": name}, to=to, says=says, use="none"),
            part("encounter", facts, to=to, says=says, use="none"),
        )
        case = new_id(random)
        self.police.compose("referral", parts, case=case)
        send_outbox(link_of(self.police))
        run_duties(link_of(self.office))
        operations.open_case(self.office, ROSA, case)
        addresses = operations.case_addresses(self.office)
        local = {handle: id_ for id_, handle in addresses.items()}
        return case, f"/people/{local[case]}"

    def hand_over(
        self, path: str, lang: str = "en", caller: Caller | None = None
    ) -> httpx.Response:
        """Give the form of the hand-off to the person. Return its first page."""
        by = caller or self.caller
        by.get(f"{path}/consent")
        fields = {"set": "hand_off", "place": "Crossroads", "time_to_think": "yes", "lang": lang}
        return by.send(f"{path}/consent", fields)

    def answer(self, page: httpx.Response, word: str, **more: Any) -> httpx.Response:
        """Answer the question of a page."""
        return self.caller.send(page.url.path, {"answer": word, **more})

    def answer_all(self, page: httpx.Response, words: list[str]) -> httpx.Response:
        """Answer each question. Return the page with all of it."""
        for word in words:
            page = self.answer(page, word)
        assert page.url.path.endswith("/sign"), words_of(page)
        return page

    def sign(self, page: httpx.Response, **fields: str) -> httpx.Response:
        """Finish the form of the page to sign."""
        sent = {"version": self.caller.hidden("version", page), **fields}
        return self.caller.send(page.url.path, sent)

    def confirm(self, path: str) -> httpx.Response:
        """Confirm as Rosa what was signed, and take the browser back."""
        self.caller.get(f"{path}/consent/person/confirm")
        fields = {"copy": "yes", "password": PASSWORD, "code": self.code()}
        return self.caller.send(f"{path}/consent/person/confirm", fields)

    def leave(self, path: str) -> httpx.Response:
        """Take the browser back as Rosa."""
        self.caller.get(f"{path}/consent/person/leave")
        fields = {"password": PASSWORD, "code": self.code()}
        return self.caller.send(f"{path}/consent/person/leave", fields)

    def allow(self, path: str, words: list[str]) -> httpx.Response:
        """Have the person answer, sign by name, and Rosa confirm it."""
        page = self.answer_all(self.hand_over(path), words)
        self.sign(page, do="sign", typed=name_on(page))
        return self.confirm(path)


def words_of(page: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.text)).split())


def name_on(page: httpx.Response) -> str:
    hint = re.search(
        r"As it is on the form: ([^<]+)<|Como está en el formulario: ([^<]+)<", page.text
    )
    assert hint is not None, words_of(page)
    return html.unescape(hint[1] or hint[2])


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    town = Running(tmp_path_factory.mktemp("consent"), SIX_ROLES, "santa-fe")
    try:
        town.join_all()
        folder = town.folder / "crossroads"
        with (
            closing(operations.open_office(folder, PASSPHRASE)) as office,
            closing(town.office("police")) as police,
            run_agency_console(folder, town.passphrase) as console,
        ):
            operations.sign_in(office, by=ROSA)
            desk = Desk(town, console, Caller(console), office, police)
            desk.caller.get("/sign-in")
            desk.caller.sign_in(ROSA, PASSWORD, desk.code())
            yield desk
    finally:
        town.stop()


SIX_YES = [YES] * 6


def test_a_signed_form_is_recorded_once_a_staff_member_confirms_it(desk: Desk) -> None:
    """C2: nothing before the confirmation, then all of it, with a copy in the person's words."""
    case, path = desk.begin()
    page = desk.hand_over(path, "es")
    pages = [page]
    for _ in range(6):
        assert (
            page.text.count('class="btn plain" name="answer"') == 2 and "checked" not in page.text
        )
        pages.append(page := desk.answer(page, YES))
    name = name_on(page)
    pages.append(page := desk.sign(page, do="sign", typed=name.upper()))
    assert "Gracias" in words_of(page) and desk.grants(case) == [] == list(desk.asked(case))
    agencies = ["Crossroads", "Police", "Prosecutor", "Defender", "Program", "Clinic"]
    besides = [*agencies, ROSA, name, "Santa Fe LEAD"]
    for shown in pages:
        assert '<html lang="es"' in shown.text
        assert english_left(shown.text, besides=besides) == []
        assert not re.search(NAME.split()[0], re.findall("<title>(.*?)</title>", shown.text)[0])
    counsel = "Un sí aquí no hace nada hasta que Defender diga en su caso que es su defensa."
    assert sum(counsel in words_of(page) for page in pages[:6]) == 1
    # Two questions may name one recipient: what is asked tells them apart.
    to_confirm = desk.caller.get(f"{path}/consent/person/confirm").text
    rows = re.findall("<dd>(.*?)</dd>", to_confirm)
    assert len(rows) == len(set(rows)) == 9
    copy = desk.confirm(path)
    (asked,) = desk.asked(case)
    assert copy.url.path == f"{path}/consents/1"
    assert asked.signed == "typed" and asked.language == "es" and asked.by == ROSA
    assert asked.lines.count(counsel) == 1, "it is part of what is signed"
    for line in (*asked.lines, *asked.circumstances):
        assert " ".join(line.split()) in words_of(copy)
    assert f"Lo explica {ROSA} en español." in words_of(copy)
    assert len(desk.grants(case)) == sum("SÍ:" in line for line in asked.lines) >= 11
    (kept,) = operations.list_confirmations(desk.office, case)
    assert kept.words == "confirmed without passkey" and kept.confirmation.by == ROSA
    # The form is done: its pages lead staff to what is allowed now.
    again = desk.caller.get(f"{path}/consent/person/sign")
    assert again.url.path == f"{path}/consents"


def test_a_no_to_everything_allows_nothing_and_takes_no_longer(desk: Desk) -> None:
    """C3: as many answers as for a yes, or two. What stays possible is shown."""
    case, path = desk.begin()
    page = desk.hand_over(path)
    pages = [words_of(page)]
    for _ in range(6):
        pages.append(words_of(page := desk.answer(page, NO)))
    before = "A yes here does nothing before Defender says in your case that it is your lawyer."
    assert sum(before in text for text in pages[:6]) == 1
    assert "there is nothing to sign" in words_of(page) and 'name="typed"' not in page.text
    page = desk.sign(page, do="finish")
    assert "No rule of the program looks at whether you said yes or no." in words_of(page)
    assert "may make your treatment" in words_of(page)
    # It is so for some questions, and not for all of them.
    assert "Whether you enter the program does not depend on it." not in words_of(page)
    assert desk.grants(case) == []
    (asked,) = desk.asked(case)
    assert before not in asked.lines and asked.signed is None
    assert not any(line.startswith("YES") for line in asked.lines)
    assert desk.leave(path).url.path == f"{path}/consents"
    page = desk.answer(desk.hand_over(path), "all-no")
    assert page.url.path.endswith("/sign") and words_of(page).count("You said no") == 6
    desk.leave(path)
    assert len(desk.asked(case)) == 1


def test_a_line_with_a_no_and_a_question_put_off_are_no_grants(desk: Desk) -> None:
    """C4: exactly that line lacks. A language chosen halfway keeps every answer."""
    case, path = desk.begin()
    page = desk.answer(desk.hand_over(path), "each")
    count_of_lines = len(re.findall(r'name="line-\d+" value="yes"', page.text))
    switched = desk.caller.send(
        f"{path}/consent/person/choose/language",
        {"to": f"es {page.url.path}", "line-1": YES},
    )
    assert '<html lang="es"' in switched.text
    assert re.search('name="line-1" value="yes"[^>]* checked', switched.text)
    page = desk.caller.send(switched.url.path, {"line-1": YES, "line-2": NO})
    page = desk.answer(page, "later")
    page = desk.answer_all(page, [NO] * 4)
    desk.sign(page, do="sign", typed=name_on(page))
    # Staff see the answer to each line that they attest.
    shown = desk.caller.get(f"{path}/consent/person/confirm").text
    answers = [re.findall("<b>(Yes|No):</b>", row) for row in re.findall("<dd>(.*?)</dd>", shown)]
    assert answers[:2] == [["Yes", "No"], []] and all(set(row) == {"No"} for row in answers[2:6])
    desk.confirm(path)
    assert count_of_lines == 2 and len(desk.grants(case)) == 1
    (asked,) = desk.asked(case)
    assert asked.language == "es" and sum(line.startswith("NO:") for line in asked.lines) > 5


def test_staff_correct_the_name_and_the_place_and_no_answer_is_lost(desk: Desk) -> None:
    """What a signed form can't state is refused before the person has it, never afterward."""
    case, path = desk.begin("Rita Trujilo")
    page = desk.caller.get(f"{path}/consent")
    assert re.search('name="name" value="Rita Trujilo I+"', page.text)
    fields = {"set": "hand_off", "lang": "en", "place": "Office: 2", "interpreter": "Room 2"}
    page = desk.caller.send(f"{path}/consent", {**fields, "name": "Rita 2"})
    assert page.url.path == f"{path}/consent"
    for words in ("in at most ten words, without", "such as: Crossroads, office #2", "five words"):
        assert words in words_of(page)
    fields |= {"place": "Crossroads, office #2", "interpreter": ""}
    page = desk.answer_all(desk.caller.send(f"{path}/consent", fields), SIX_YES)
    page = desk.sign(page, do="sign", typed="Rita Trujillo")
    assert f"sign it so, or ask {ROSA} to correct it" in words_of(page)
    details = f"{path}/consent/person/details"
    assert f'href="{details}"' in page.text
    desk.caller.get(details)
    new = {"name": "Rita Trujillo", "place": "1220 St. Francis Dr., Apt. 4"}
    page = desk.caller.send(details, new)
    assert page.url.path.endswith("/sign") and name_on(page) == new["name"]
    assert f"Place: {new['place']}" in words_of(page)
    desk.sign(page, do="sign", typed=new["name"])
    # The signature counts for its name alone. Where it was signed isn't in the text.
    assert 'name="name"' not in desk.caller.get(details).text
    assert "such as" in words_of(desk.caller.send(details, {"place": "Room = 2"}))
    page = desk.caller.send(details, {"name": "Rita Salas", "place": "Room 2/3 (left)"})
    assert page.url.path.endswith("/confirm") and "Room 2/3 (left)" in words_of(page)
    desk.confirm(path)
    (asked,) = desk.asked(case)
    assert asked.signed == "typed" and any(new["name"] in line for line in asked.lines)
    assert any("Room 2/3 (left)" in text for text in asked.circumstances)
    assert len(desk.grants(case)) >= 11


def test_a_form_that_stops_midway_changes_nothing(desk: Desk) -> None:
    """C5, byte by byte, of a person who allowed something before."""
    case, path = desk.begin()
    desk.allow(path, [YES, NO, NO, NO, NO, YES])
    before, caller = desk.grants(case), desk.caller

    def check_unchanged() -> None:
        assert desk.grants(case) == before and len(desk.asked(case)) == 1

    page = desk.hand_over(path)
    for word in (NO, YES, YES):
        page = desk.answer(page, word)
    # The window is closed at question 4.
    check_unchanged()
    # Back, and another answer.
    desk.answer(caller.get(f"{path}/consent/person/1"), "later")
    check_unchanged()
    # Locked. Nobody but the staff member goes on, with the answers as they were.
    caller.get(f"{path}/consent/person/4")
    caller.send("/lock", {"lock": page.url.path})
    locked = caller.get(f"{path}/consent/person")
    assert "Locked" in words_of(locked) and "/sign-out" not in locked.text
    caller.send("/unlock", {"password": PASSWORD, "code": desk.code()})
    assert "You put it off" in words_of(caller.get(f"{path}/consent/person/1"))
    check_unchanged()
    # Taken back before its end.
    assert desk.leave(path).url.path == f"{path}/consents"
    check_unchanged()
    # The session ends, as after 12 hours or a new start of the console.
    desk.hand_over(path)
    other = Caller(desk.console)
    other.get("/sign-in")
    other.sign_in(ROSA, PASSWORD, desk.code())
    for session in re.findall('name="session" value="([^"]+)"', other.get("/you").text):
        other.get("/you")
        other.send("/you/sessions/end", {"session": session})
    assert "Sign in" in words_of(caller.get(f"{path}/consent/person/4"))
    caller.token = other.token
    assert caller.get(f"{path}/consent/person").url.path == f"{path}/consents"
    check_unchanged()


def test_a_person_with_the_tablet_reaches_the_form_and_nothing_else(desk: Desk) -> None:
    """C8, by each address of the console and each form of it."""
    from offramp.console.agency.routes import collect_routes

    case, path = desk.begin()
    caller = desk.caller
    staff = caller.get("/people/find")
    old = {"t": caller.hidden("t", staff), "f": caller.hidden("f", staff), "q": "Ana"}
    first = desk.hand_over(path)
    assert first.url.path == f"{path}/consent/person/1"
    form = f"{path}/consent/person"
    for route in collect_routes():
        if route.in_hand:
            continue
        address = route.path.replace("{c}", path.split("/")[2]).replace("{form}", "intake")
        answer = caller.ask(route.method, address, data=old if route.method == "POST" else None)
        assert (answer.status_code, answer.headers["location"]) == (303, form), route.path
    others = ("/", "/sign-in", "/invited", "/no/such", "/people/ffff", f"{path}/consent/personal")
    for address in others:
        assert caller.ask("GET", address).headers["location"] == form, address
    for address in ("/sign-in", "/invited", "/sign-out", "/demo-sign-in", "/sign-in/passkey"):
        token = {"t": caller.hidden("t", first), "name": ROSA}
        assert caller.ask("POST", address, data=token).headers["location"] == form, address
    other_case = caller.ask("GET", f"/people/{'0' * 32}/consent/person/1")
    assert other_case.headers["location"] == form
    page = caller.get(form)
    links = set(re.findall('(?:href|action)="(/[^"]*)"', page.text)) - {"/lock"}
    assert all(link.startswith((form, "/static/")) for link in links)
    assert 'class="tabs"' not in page.text and "/you" not in page.text
    for password, code in (("wrong wrong wrong", "000000"), ("", ""), (PASSWORD, "000000")):
        caller.get(f"{form}/leave")
        refused = caller.send(f"{form}/leave", {"password": password, "code": code})
        assert refused.status_code == 422
    assert caller.ask("GET", "/people").headers["location"] == form
    assert desk.leave(path).url.path == f"{path}/consents"
    assert caller.get("/people").status_code == 200
    assert desk.grants(case) == []


def test_a_yes_needs_a_new_signature_and_a_no_needs_none(desk: Desk) -> None:
    """C6, and a form whose yes nobody confirms: its no counts at once."""
    case, path = desk.begin()
    desk.allow(path, SIX_YES)
    allowed = desk.grants(case)
    caller = desk.caller
    page = caller.get(f"{path}/consents")
    boxes = re.findall('name="grant" value="([^"]+)"', page.text)
    assert "Prosecutor is told none of this through " in words_of(page)
    assert (
        sorted(boxes) == sorted(grant["grant"] for grant in allowed) and "checked" not in page.text
    )
    assert "Choose what the person takes back" in words_of(caller.send(f"{path}/consents"))
    page = caller.send(f"{path}/consents", {"grant": boxes[0], "do": "some"})
    assert "Taken back" in words_of(page) and "The hub has it" in words_of(page)
    left = desk.grants(case)
    ended, still = (
        [
            html.unescape(text)
            for text in re.findall(rf'<{tag} class="serif">(.*?)</{tag}>', page.text)
        ]
        for tag in ("s", "span")
    )
    recipient = next(grant["to"] for grant in allowed if grant["grant"] == boxes[0])
    assert ended == [grant["sentence"] for grant in allowed if grant["grant"] == boxes[0]]
    assert still == [grant["sentence"] for grant in left if grant["to"] == recipient] != []
    assert [grant for grant in allowed if grant["grant"] != boxes[0]] == left
    # A yes without a signature, in each way that it could be sent.
    page = desk.answer_all(desk.hand_over(path), [YES, NO, *[YES] * 4])
    unsigned: tuple[dict[str, str], ...] = (
        {},
        {"do": "sign"},
        {"do": "sign", "typed": "Somebody Else"},
        {"do": "yes"},
        {"do": "sign", "drawing": "M1 1"},
        {"do": "sign", "version": "old"},
    )
    for fields in unsigned:
        shown = desk.sign(page, **fields)
        assert "Please look at this" in words_of(shown), fields
    assert desk.grants(case) == left
    page = caller.get(f"{path}/consent/person/sign")
    desk.sign(page, do="sign", typed=name_on(page))
    ended = [grant for grant in left if grant not in desk.grants(case)]
    assert [(grant["to"], grant["categories"]) for grant in ended] == [
        ("prosecutor", ["intake_status"])
    ]
    desk.leave(path)
    assert desk.grants(case) == [grant for grant in left if grant not in ended]


@pytest.mark.parametrize(
    ("on_paper", "typed"), [("O'Brien", "O\u2019Brien"), ("O\u2019Brien", "o'brien")]
)
def test_a_name_is_signed_with_the_apostrophe_that_the_phone_types(
    desk: Desk, on_paper: str, typed: str
) -> None:
    _, path = desk.begin(f"Niamh {on_paper}")
    page = desk.answer_all(desk.hand_over(path), SIX_YES)
    name = name_on(page)
    signed = desk.sign(page, do="sign", typed=name.replace(on_paper, typed))
    assert on_paper in name and "Please look at this" not in words_of(signed)
    desk.leave(path)


def test_a_no_stands_on_the_page_of_the_person_until_a_yes(desk: Desk) -> None:
    """The printed page and the lines of the command say what the account has, and each no."""
    case, path = desk.begin()
    desk.allow(path, [YES, NO, *[YES] * 4])
    desk.town.settle()
    page = operations.print_my_page(desk.office, case)
    declined = {kind for agency in page.told for kind in agency.declined}
    printed = words_of(desk.caller.get(f"{path}/my-page"))
    lines = " ".join(person_wording.page_lines(page))
    assert page.is_whole and "What other offices told" not in printed + lines
    assert declined and all(kind in printed and kind in lines for kind in declined)
    spanish = words_of(desk.caller.get(f"{path}/my-page?lang=es"))
    noes = [no for agency in page.told for no in agency.noes]
    for no in noes:
        day = spoken_day(date.fromisoformat(no.on), "en")
        text = f"You said no on {day} to what {no.by} would tell: "
        assert text in printed and text in lines
        assert f"usted dijo que no a lo que comunicaría {no.by}:" in spanish
    desk.allow(path, SIX_YES)
    desk.town.settle()
    assert not any(a.declined for a in operations.print_my_page(desk.office, case).told)


def test_each_no_is_on_the_page_with_the_agency_that_would_tell(desk: Desk) -> None:
    """One kind that three agencies may not tell is three noes."""
    case, path = desk.begin()
    desk.allow(path, [*[NO] * 5, YES])
    desk.town.settle()
    agencies = desk.office.working_set().gateway.history.newest.agencies
    declined = [
        (line["to"], agencies[line["from"]].name)
        for event in desk.office.working_set().statements_of(case)
        for line in event.body["said"]
        if not line["yes"]
    ]
    recipients = operations.print_my_page(desk.office, case).told
    noes = [(agency.agency, no.by) for agency in recipients for no in agency.noes]
    assert sorted(noes) == sorted(set(declined)) and len({by for _, by in noes}) >= 3


def test_a_form_is_recorded_once_and_not_over_another_one(desk: Desk) -> None:
    """A double send is one record. Of two tablets with one person, the second form is refused."""
    case, path = desk.begin()
    other = Caller(desk.console)
    other.get("/sign-in")
    other.sign_in(ROSA, PASSWORD, desk.code())
    desk.hand_over(path, caller=other)
    other.send(f"{path}/consent/person/1", {"answer": "all-no"})
    other.get(f"{path}/consent/person/1")
    page = other.send(f"{path}/consent/person/1", {"answer": YES})
    page = desk.answer_all(desk.hand_over(path), SIX_YES)
    desk.sign(page, do="sign", typed=name_on(page))
    desk.caller.get(f"{path}/consent/person/confirm")
    sent = {
        "t": desk.caller.hidden("t"),
        "f": desk.caller.hidden("f"),
        "copy": "yes",
        "password": PASSWORD,
        "code": desk.code(),
    }
    answers = [desk.caller.ask("POST", f"{path}/consent/person/confirm", data=sent) for _ in "12"]
    assert answers[0].headers["location"] == f"{path}/consents/1"
    # The browser changed hands in between, and no form of the other hand counts.
    assert answers[1].status_code == 403 and len(desk.asked(case)) == 1
    allowed = desk.grants(case)
    page = other.get(f"{path}/consent/person/sign")
    name = name_on(page)
    other.send(page.url.path, {"version": other.hidden("version"), "do": "sign", "typed": name})
    less = [grant for grant in allowed if grant in desk.grants(case)]
    assert 0 < len(less) < len(allowed), "what the second form says no to ends all the same"
    other.get(f"{path}/consent/person/confirm")
    fields = {"copy": "yes", "password": PASSWORD, "code": desk.code()}
    refused = other.send(f"{path}/consent/person/confirm", fields)
    assert refused.status_code == 422 and "changed since you read it" in words_of(refused)
    assert desk.grants(case) == less
    # That signature can't count any more. Each answer stays, to be read and signed once more.
    page = other.get(f"{path}/consent/person/confirm")
    assert page.url.path.endswith("/sign") and words_of(page).count("You said no") == 5
    other.send(page.url.path, {"version": other.hidden("version"), "do": "sign", "typed": name})
    other.get(f"{path}/consent/person/confirm")
    other.send(f"{path}/consent/person/confirm", {**fields, "code": desk.code()})
    assert len(desk.asked(case)) == 2 and len(desk.grants(case)) > len(less)


def test_what_is_taken_back_stops_here_before_the_hub_knows(desk: Desk) -> None:
    """C7: by word of mouth, with the hub away. The page says both, and later that it went."""
    case, path = desk.begin()
    desk.allow(path, SIX_YES)
    desk.town.stop()
    try:
        desk.caller.get(f"{path}/consents")
        page = desk.caller.send(f"{path}/consents", {"do": "all"})
        assert "Crossroads stopped at once" in words_of(page)
        assert "The hub doesn’t have it yet." in words_of(page)
        assert desk.grants(case) == []
    finally:
        desk.town.start()
    run_duties(link_of(desk.office))
    assert "The hub has it" in words_of(desk.caller.get(f"{path}/consents/taken"))
    assert "allows nothing now" in words_of(desk.caller.get(f"{path}/consents"))


# In a real browser


def sign_in(browser: Browser, desk: Desk) -> None:
    browser.open(f"{desk.console.address}/sign-in")
    type_in(browser, "#name", ROSA)
    type_in(browser, "#password", PASSWORD)
    type_in(browser, "#code", desk.code())
    press(browser, "form[action='/sign-in'] button")


def at(browser: Browser) -> str:
    return str(browser.evaluate("location.pathname + ' ' + document.querySelector('h1').innerText"))


@needs_browser
def test_a_tablet_without_scripts_needs_one_tap_a_question(desk: Desk, tmp_path: Path) -> None:
    """C2, C8, and V4: three taps of staff to start, one a question, and nowhere else to go."""
    case, path = desk.begin()
    address, form = desk.console.address, f"{path}/consent/person"
    with Browser(tmp_path / "profile") as browser:
        browser.show(width=820, height=1180)
        browser.forbid_scripts()
        sign_in(browser, desk)
        browser.open(f"{address}/people")
        browser.open(f"{address}{path}")
        taps = [f"a[href='{path}/consent']", "input[name=time_to_think]", "button[value=es]"]
        press(browser, taps[0])
        browser.click(taps[1])
        press(browser, taps[2])
        assert len(taps) <= 3 and at(browser).startswith(f"{form}/1 ¿")
        for typed in ("/people", path, "/people/find", "/you", f"{path}/consents"):
            browser.open(f"{address}{typed}")
            assert at(browser).startswith(f"{form}/1 "), typed
        visited = browser.call("Page.getNavigationHistory")["entries"]
        assert len(visited) > 8
        for entry in visited[1:]:
            browser.open_again(entry["id"])
            assert at(browser).startswith(f"{form}/1 "), entry["url"]
        for _ in range(6):
            press(browser, "button[name=answer][value=yes]")
        assert at(browser).startswith(f"{form}/sign ")
        name = browser.evaluate("document.querySelector('#typed-h').textContent").split(": ")[1]
        type_in(browser, "#typed", name)
        browser.events.clear()
        browser.press("Enter")
        browser.wait_for("Page.loadEventFired")
        assert at(browser).startswith(f"{form}/sign "), "Enter neither signs nor declines"
        press(browser, "button[value=sign]")
        assert at(browser) == f"{form}/done Gracias" and desk.grants(case) == []
        press(browser, f"a[href='{form}/confirm']")
        type_in(browser, "#password", PASSWORD)
        type_in(browser, "#code", desk.code())
        press(browser, ".dock button")
        assert at(browser) == f"{path}/consents/1 The person’s copy"
        (asked,) = desk.asked(case)
        assert len(desk.grants(case)) >= 11 and asked.signed == "typed"
        browser.call("Emulation.setEmulatedMedia", media="print")
        printed = browser.evaluate("document.body.innerText")
        assert "SÍ: Crossroads puede decir" in printed and "Print it" not in printed
        assert print_faults(browser) == []
        assert not [text for text in browser.complaints if "Policy" in text]


@needs_browser
@pytest.mark.skipif(not HAS_AXE, reason=NO_AXE)
def test_a_finger_signs_a_passkey_confirms_and_axe_finds_nothing(
    desk: Desk, tmp_path: Path
) -> None:
    case, path = desk.begin()
    address, form = desk.console.address, f"{path}/consent/person"

    def check(browser: Browser) -> None:
        """Look at a page of the form on a phone in the dark, and on a large screen."""
        for width, dark in ((320, False), (390, True), (1280, False)):
            browser.show(width=width, dark=dark)
            browser.evaluate("document.getAnimations().forEach(each => each.finish())")
            assert axe_violations(browser) == [], at(browser)
            assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")

    with Browser(tmp_path / "profile") as browser:
        add_authenticator(browser)
        sign_in(browser, desk)
        browser.open(f"{address}/you")
        type_in(browser, "#label", "tablet")
        press(browser, "form[action='/you/passkeys'] button")
        browser.open(f"{address}{path}/consent")
        check(browser)
        press(browser, "button[name=lang][value=en]")
        check(browser)
        press(browser, "button[value=each]")
        check(browser)
        browser.click("input[name='line-1'][value=yes]")
        press(browser, ".row.between button")
        for word in (NO, "later", YES, YES, YES):
            press(browser, f"button[name=answer][value={word}]")
        browser.show(width=820)
        place = browser.evaluate(
            "(() => { const e = document.querySelector('.sign svg');"
            " e.scrollIntoView({block: 'center'}); const r = e.getBoundingClientRect();"
            " return [r.x, r.y, r.width, r.height]; })()"
        )
        kinds = ["mousePressed", *["mouseMoved"] * 12, "mouseReleased"]
        for step, kind in enumerate(kinds):
            browser.call(
                "Input.dispatchMouseEvent",
                type=kind,
                x=place[0] + 40 + 20 * step,
                y=place[1] + place[3] * (0.4 + 0.2 * (step % 2)),
                button="left",
                buttons=1,
                clickCount=1,
            )
        press(browser, "button[name=to][value^=es]")
        press(browser, "button[name=to][value^=en]")
        check(browser)
        drawn = browser.evaluate("document.querySelector('[name=drawing]').value")
        assert operations.is_drawing(drawn) and drawn.count("L") > 8, "a language keeps the drawing"
        press(browser, "button[value=sign]")
        check(browser)
        press(browser, f"a[href='{form}/confirm']")
        check(browser)
        press(browser, ".dock button")
        assert at(browser) == f"{path}/consents/1 The person’s copy"
        check(browser)
        browser.open(f"{address}{path}/consents")
        check(browser)
        press(browser, "button[value=all]")
        check(browser)
        assert not [text for text in browser.complaints if "Policy" in text]
    (asked,) = desk.asked(case)
    assert (asked.signed, asked.drawing) == ("drawn", drawn)
    (kept,) = operations.list_confirmations(desk.office, case)
    assert kept.words == "confirmed with a passkey" and kept.is_proved


# This is the last test: it locks the account for 15 minutes.


def test_too_many_wrong_codes_lock_the_way_back(desk: Desk) -> None:
    """The person has the tablet and all the time of the world: five tries, then none."""
    _, path = desk.begin()
    desk.hand_over(path)
    leave = f"{path}/consent/person/leave"
    for _ in range(5):
        desk.caller.get(leave)
        desk.caller.send(leave, {"password": "wrong wrong wrong", "code": "000000"})
    assert "Too many tries" in words_of(desk.leave(path))
    assert desk.caller.ask("GET", "/people").headers["location"] == leave.removesuffix("/leave")


def test_the_questions_are_in_short_plain_sentences(desk: Desk) -> None:
    """V10 and V11: grade 5, sentences of 20 words, kinds of 15, and no word to avoid."""
    _, path = desk.begin()
    page = desk.hand_over(path)
    for _ in range(6):
        spanish = desk.caller.send(
            f"{path}/consent/person/choose/language", {"to": f"es {page.url.path}"}
        )
        english = desk.caller.send(
            f"{path}/consent/person/choose/language", {"to": f"en {page.url.path}"}
        )
        for lang, shown in (("en", english), ("es", spanish)):
            texts = texts_of(shown.text, lang)
            level = reading_level(texts)
            assert words_to_avoid(texts, lang) == [], texts
            assert level.long == (), level
            assert lang != "en" or level.grade <= PLAIN_GRADE, level
            lists = re.findall('<div class="sentence"><p>.+?</p><ul>(.+?)</ul><p>', shown.text)
            kinds = [kind for each in lists for kind in re.findall("<li>(.+?)</li>", each)]
            assert kinds and all(len(kind.split()) <= 15 for kind in kinds), kinds
        page = desk.answer(page, "no")
