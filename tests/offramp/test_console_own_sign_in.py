"""The agency's own sign-in (OpenID Connect), with a provider that is a process of its own."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from offramp.agency import operations
from offramp.agency.errors import AgencyError
from offramp.cli import main
from offramp.console.agency.provider import COOKIE, NOT_CHECKED, NOT_PROVED, NOT_STARTED, ONE_FACTOR
from offramp.console.agency.sessions import COOKIE as SESSION
from tests.support.accessibility import HAS_AXE, axe_violations
from tests.support.agency_console import (
    PASSWORD,
    AgencyConsole,
    Caller,
    code_of,
    make_account,
    press,
    run_agency_console,
    type_in,
)
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.oidc_provider import (
    CLIENT,
    HAS_PROVIDER,
    NO_PROVIDER,
    SECRET,
    Provider,
    run_provider,
)

pytestmark = pytest.mark.skipif(not HAS_PROVIDER, reason=NO_PROVIDER)
needs_browser = pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
PASSPHRASE = b"a passphrase for tests"
ADMIN, ROSA, BEN = "Ada Quill", "Rosa Quintana", "Ben Ortiz"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with run_provider() as process:
        yield process


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, provider: Provider) -> Path:
    """An agency whose admin set the own sign-in up by the command, and entered two people's ids."""
    base = tmp_path_factory.mktemp("oidc")
    passphrase, secret = base / "passphrase", base / "secret"
    for file, text in ((passphrase, PASSPHRASE), (secret, SECRET.replace(" ", "-").encode())):
        file.touch(0o600)
        file.write_bytes(text)
    folder = base / "clinic"
    operations.create_agency(folder, "clinic", PASSPHRASE, founder=ADMIN)
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.add_person(office, ADMIN, ROSA, ["supervisor", "member"])
        operations.add_person(office, ADMIN, BEN, ["member"])
    oidc(folder, "--issuer", provider.issuer, "--client", CLIENT, "--secret-file", str(secret))
    oidc(folder, "--person", ROSA, "--id", "rosa")
    oidc(folder, "--person", BEN, "--id", "ben")
    return folder


def oidc(folder: Path, *words: str, code: int = 0) -> None:
    command = ["agency", "oidc", str(folder), *words]
    assert main([*command, "--passphrase-file", str(folder.parent / "passphrase")]) == code


@pytest.fixture(scope="module")
def console(folder: Path) -> Iterator[AgencyConsole]:
    with run_agency_console(folder, folder.parent / "passphrase") as process:
        yield process


@dataclass
class Traveler(Caller):
    """Somebody whose browser goes to the provider and comes back, with the cookies of both ways."""

    way: str = ""

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Send one request with the cookie of the way, too."""
        headers = dict(more.pop("headers", {}))
        answer = super().ask(method, path, headers={**self.headers, **headers}, **more)
        for text in answer.headers.get_list("set-cookie"):
            if (found := re.match(f'({COOKIE}|{SESSION})="?([^";]*)"?;', text)) is None:
                continue
            if found[1] == SESSION:
                self.token = found[2] or None
            else:
                self.way = found[2]
        return answer

    def leave(self, begin: str = "/sign-in/agency") -> str:
        """Begin, and return the provider's address."""
        answer = self.ask("GET", begin)
        assert answer.status_code == 303, answer.text
        return str(answer.headers["location"])

    def come_back(self, address: str) -> httpx.Response:
        """Come back from the provider, as a browser does: with no cookie but that of the way."""
        path = address[address.index("/sign-in") :]
        before, self.token = self.token, None
        answer = self.ask("GET", path, headers={"cookie": f"{COOKIE}={self.way}"})
        self.token = self.token or before
        return answer

    def arrive(self, provider: Provider, subject: str, **claims: Any) -> httpx.Response:
        """Sign in at the provider, which states what a test wants, and come back."""
        provider.state(subject, **claims)
        return self.come_back(provider.agree(self.leave(), subject))


def refused_with(answer: httpx.Response, sentence: str) -> bool:
    found = re.search(r'<p class="lead">(.*?)</p>', answer.text)
    return answer.status_code == 422 and found is not None and found[1] == sentence


def refusals_of(folder: Path) -> list[str | None]:
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        looks = operations.list_looks(office, only_refused=True).looks
        return [look.refused for look in looks if look.operation == "sign_in"]


def test_a_person_signs_in_and_nobody_is_listed_by_that(
    console: AgencyConsole, folder: Path, provider: Provider
) -> None:
    rosa = Traveler(console)
    assert "Use your agency’s sign-in" in rosa.get("/sign-in").text
    answer = rosa.arrive(provider, "rosa")
    assert answer.status_code == 200 and 'content="0;url=/"' in answer.text
    assert rosa.token and "Rosa Quintana" in rosa.get("/you").text
    assert "agency’s sign-in" in rosa.get("/you").text
    stranger = Traveler(console)
    refused = stranger.arrive(provider, "zeb", name="Rosa Quintana", email="rosa@clinic.example")
    assert "enter your id there: zeb" in refused.text and stranger.token is None
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        assert len(operations.list_staff(office).people) == 3
        seen = [look for look in operations.list_looks(office).looks if look.kind == "sign-in"]
    assert seen[-1].person == ROSA and refusals_of(folder)[-1] == "not-here"


@pytest.mark.parametrize(
    ("asked", "leads_to"),
    [
        ("/admin/doctor", "/admin/doctor"),
        ("//evil.example/admin", "/"),
        ("https://evil.example/admin/doctor", "/"),
        ("/admin/doctor/../../you", "/"),
        ("/admin%0d%0aset-cookie:x", "/"),
    ],
)
def test_a_sign_in_leads_to_the_page_asked_for_and_never_to_another_site(
    console: AgencyConsole, provider: Provider, asked: str, leads_to: str
) -> None:
    rosa = Traveler(console)
    page = rosa.get(asked if asked == leads_to else f"/sign-in?to={asked}")
    link = re.search(r'href="(/sign-in/agency[^"]*)"', page.text)
    assert link is not None and link[1].endswith("to=/admin/doctor") == (asked == leads_to)
    provider.state("rosa")
    begun = rosa.leave(f"/sign-in/agency?to={asked}")
    assert "admin" not in begun and "evil" not in begun, "the provider isn't told"
    answer = rosa.come_back(provider.agree(begun, "rosa"))
    assert f'content="0;url={leads_to}"' in answer.text


def test_an_ended_person_has_no_way_in(
    console: AgencyConsole, folder: Path, provider: Provider
) -> None:
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.add_person(office, ADMIN, "Gus Hale", ["member"])
        operations.set_subject(office, ADMIN, "Gus Hale", "gus")
    gus = Traveler(console)
    gus.arrive(provider, "gus")
    assert gus.get("/you").status_code == 200
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.end_person(office, ADMIN, "Gus Hale")
    assert "<h1>Sign in</h1>" in gus.get("/you").text
    assert "Ask an admin here" in gus.arrive(provider, "gus").text


NOW = int(time.time())


@pytest.mark.parametrize(
    ("claims", "sentence"),
    [
        ({"nonce": "another"}, NOT_PROVED),
        ({"iss": "https://evil.example"}, NOT_PROVED),
        ({"aud": ["another-client"]}, NOT_PROVED),
        ({"aud": [CLIENT, "another"], "azp": "another"}, NOT_PROVED),
        ({"exp": NOW - 3600}, NOT_PROVED),
        ({"exp": "never"}, NOT_PROVED),
        ({"iat": NOW + 86_400}, NOT_PROVED),
        ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, NOT_PROVED),
        ({"lie": "none"}, NOT_PROVED),
        ({"lie": "own key"}, NOT_PROVED),
        ({"lie": "shared key"}, NOT_PROVED),
        ({"lie": "changed"}, NOT_PROVED),
        ({"amr": None}, ONE_FACTOR),
        ({"amr": ["pwd"]}, ONE_FACTOR),
        ({"amr": "mfa"}, NOT_PROVED),
        ({"amr": None, "acr": "mfa"}, ONE_FACTOR),
        ({"auth_time": ""}, NOT_CHECKED),
        ({"auth_time": NOW - 7200}, NOT_CHECKED),
        pytest.param({"auth_time": 10**400}, NOT_CHECKED, id="a time beyond numbers"),
    ],
)
def test_a_hostile_answer_is_refused_with_one_sentence(
    console: AgencyConsole, provider: Provider, claims: dict[str, Any], sentence: str
) -> None:
    ben = Traveler(console)
    answer = ben.arrive(provider, "ben", **claims)
    assert refused_with(answer, sentence), answer.text
    assert ben.token is None and "<h1>Sign in</h1>" in ben.get("/you").text


def test_an_answer_counts_once_and_in_the_browser_that_asked(
    console: AgencyConsole, folder: Path, provider: Provider
) -> None:
    ben, thief = Traveler(console), Traveler(console)
    provider.state("ben")
    address = provider.agree(ben.leave(), "ben")
    thief.leave()
    assert refused_with(thief.come_back(address), NOT_STARTED), "another browser's state"
    assert refused_with(Traveler(console).come_back(address), NOT_STARTED), "no cookie"
    wrong = re.sub("state=[^&]+", "state=forged", address)
    assert refused_with(ben.come_back(wrong), NOT_STARTED)
    assert refused_with(ben.come_back(address), NOT_STARTED), "the way was used"
    again = provider.agree(ben.leave(), "ben")
    thief.way = ben.way
    assert ben.come_back(again).status_code == 200
    assert refused_with(thief.come_back(again), NOT_STARTED)
    denied = Traveler(console)
    denied.leave()
    answer = denied.come_back("/sign-in/agency/return?error=access_denied&state=x")
    assert "refused" in answer.text and answer.status_code == 422
    named = Traveler(console)
    other = provider.agree(named.leave(), "ben") + "&iss=https%3A%2F%2Fevil.example"
    assert refused_with(named.come_back(other), NOT_PROVED), "RFC 9207"
    codes = set(refusals_of(folder))
    assert codes >= {"wrong-state", "not-started", "provider-refused", "wrong-issuer", "one-factor"}
    from_elsewhere = {"sec-fetch-site": "cross-site"}
    assert Caller(console).ask("GET", "/sign-in/agency", headers=from_elsewhere).status_code == 403


def test_the_same_person_unlocks_and_a_draft_is_kept(
    console: AgencyConsole, provider: Provider
) -> None:
    rosa = Traveler(console)
    rosa.arrive(provider, "rosa")
    rosa.get("/people/find")
    rosa.send("/lock", {"lock": "/people/find", "q": "Zelda Halfway"})
    page = rosa.get("/unlock")
    assert "Use your agency’s sign-in" in page.text and "Halfway" not in page.text
    wrong = rosa.arrive(provider, "ben")
    assert "another person’s account" in wrong.text
    assert rosa.ask("GET", "/you").headers["location"] == "/unlock"
    right = rosa.arrive(provider, "rosa")
    assert 'content="0;url=/people/find"' in right.text
    assert 'value="Zelda Halfway"' in rosa.get("/people/find").text


def test_a_class_counts_where_the_setting_names_it(
    console: AgencyConsole, folder: Path, provider: Provider
) -> None:
    """The setting is read at each sign-in. With a class alone, the method `mfa` isn't enough."""
    secret = SECRET.replace(" ", "-")
    try:
        with closing(operations.open_office(folder, PASSPHRASE)) as office:
            operations.set_provider(
                office, provider.issuer, CLIENT, secret=secret, acr=["two-factors"]
            )
        ben = Traveler(console)
        assert "acr_values=two-factors" in ben.leave()
        assert ben.arrive(provider, "ben", amr=None, acr="two-factors").status_code == 200
        assert ben.token
        assert refused_with(Traveler(console).arrive(provider, "ben"), ONE_FACTOR)
    finally:
        with closing(operations.open_office(folder, PASSPHRASE)) as office:
            operations.set_provider(office, provider.issuer, CLIENT, secret=secret)


def test_the_settings_are_checked_and_an_id_is_one_persons(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for issuer in ("http://idp.example", "ftp://idp.example", "https://a@b.example", "idp", ""):
        oidc(folder, "--issuer", issuer, "--client", "x", code=2)
        assert "no address of a provider" in capsys.readouterr().err
    oidc(folder, "--issuer", "https://idp.example", code=2)
    oidc(folder, "--person", ADMIN, "--id", "rosa", code=2)
    assert "this id is `Rosa Quintana`'s" in capsys.readouterr().err
    oidc(folder)
    printed = capsys.readouterr().out
    assert "`amr` mfa" in printed and "Rosa Quintana: rosa" in printed
    assert SECRET.replace(" ", "-") not in printed
    database = b"".join(path.read_bytes() for path in folder.glob("agency.db*"))
    assert SECRET.replace(" ", "-").encode() not in database, "the secret is sealed"


def test_another_provider_forgets_the_ids_of_the_first(tmp_path: Path) -> None:
    operations.create_agency(tmp_path / "a", "clinic", PASSPHRASE, founder=ADMIN)
    with closing(operations.open_office(tmp_path / "a", PASSPHRASE)) as office:
        with pytest.raises(AgencyError) as refusal:
            operations.set_subject(office, ADMIN, ADMIN, "ada")
        assert refusal.value.code == "no-provider"
        first = operations.set_provider(office, "https://one.example", "x", acr=["two-factors"])
        assert (first.amr, first.acr) == ((), ("two-factors",))
        operations.set_subject(office, ADMIN, ADMIN, "ada")
        assert operations.person_of_subject(office, "https://one.example", "ada") == ADMIN
        assert operations.person_of_subject(office, "https://two.example", "ada") is None
        same = operations.set_provider(office, "https://one.example", "y")
        assert same.subjects == {ADMIN: "ada"} and same.amr == ("mfa",)
        assert operations.set_provider(office, "https://two.example", "x").subjects == {}
        operations.drop_provider(office)
        assert operations.describe_provider(office) is None


@needs_browser
def test_a_browser_goes_to_the_provider_and_comes_back(
    console: AgencyConsole, folder: Path, provider: Provider, tmp_path: Path
) -> None:
    """The policy lets the way to the provider pass, and the strict cookie is there after it."""
    provider.state("rosa")
    with Browser(tmp_path / "profile") as browser:

        def sign_in_there() -> None:
            """Press the link, and agree at the provider's page."""
            press(browser, "a[href='/sign-in/agency']")
            assert str(browser.evaluate("location.href")).startswith(provider.issuer)
            type_in(browser, "input[name=sub]", "rosa")
            press(browser, "button")

        def text() -> str:
            """Return the page's text, once the page that leads on is gone."""
            end = time.monotonic() + 20
            while "/return" in str(browser.evaluate("location.href")):
                assert time.monotonic() < end
            return str(browser.evaluate("document.body.textContent"))

        browser.show(width=390, dark=True)
        browser.open(f"{console.address}/sign-in")
        if HAS_AXE:
            assert axe_violations(browser) == []
        sign_in_there()
        assert "Rosa Quintana" in text()
        complaints = [each for each in browser.complaints if "Policy" in each]
        browser.open(f"{console.address}/people/find")
        type_in(browser, "#q", "Zelda Halfway")
        press(browser, "button.lock")
        provider.state("rosa")
        sign_in_there()
        assert "Find a person" in text()
        assert browser.evaluate("document.querySelector('#q').value") == "Zelda Halfway"
        assert not complaints


def test_an_id_is_entered_at_the_console(console: AgencyConsole, folder: Path) -> None:
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        operations.add_person(office, ADMIN, "Ida Rule", ["auditor"])
        secret = make_account(office, ADMIN, ADMIN)
    admin = Caller(console)
    admin.get("/sign-in")
    admin.sign_in(ADMIN, PASSWORD, code_of(secret))
    admin.get("/admin/people")
    admin.send("/admin/people/choose", {"person": "Ida Rule"})
    taken = admin.send("/admin/people/id", {"subject": "rosa"})
    assert taken.status_code == 422 and "This id is Rosa Quintana" in taken.text
    admin.get("/admin/people/person")
    shown = admin.send("/admin/people/id", {"subject": "ida"})
    assert "Can sign in" in shown.text and 'value="ida"' in shown.text
