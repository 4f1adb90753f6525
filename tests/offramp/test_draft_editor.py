"""The editor of a draft in `offramp console`: plain forms, saved as typed, checked on each save."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from offramp.cli import main
from offramp.policy.counted_rows_text import touched_rows
from tests.support.accessibility import HAS_AXE, NO_AXE, axe_violations
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.console_process import ConsoleProcess, run_console
from tests.support.made_up_arrests import ARRESTS, LONG, MAP
from tests.support.riverton import PACK, PROMISE, pack_in

pytest.importorskip("z3", reason="the solver isn't installed")

RULES = PACK.replace("value: 4", "value: 3")
BASE = RULES + PROMISE
SCENARIO = {
    "id": "too-young",
    "says": "He is 17.",
    "decision": "eligibility",
    "as_of": "2021-05-05",
    "facts": {"person": {"age": 17}},
    "expect": {"outcome": "ineligible"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("editor")
    pack_in(folder / "now", BASE)
    for name in ("six grams", "other"):
        pack_in(folder / "drafts" / name, BASE, [SCENARIO])
    (folder / "rows.csv").write_text(ARRESTS)
    (folder / "map.yaml").write_text(MAP)
    return folder


@pytest.fixture(scope="module")
def console(folder: Path) -> Iterator[ConsoleProcess]:
    words = [str(folder / "now" / "riverton"), "--drafts", str(folder / "drafts")]
    counted = ["--cohort", str(folder / "rows.csv"), "--map", str(folder / "map.yaml")]
    with run_console(folder, *words, *counted, "--by", "race") as process:
        yield process


@pytest.fixture
def client(console: ConsoleProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=console.address, timeout=60, follow_redirects=True) as client:
        yield client


def test_a_page_says_what_is_kept_only_if_it_is_so(client: httpx.Client) -> None:
    nothing = "Nothing that you enter here is kept or sent."
    saved = "What you save is written to the draft’s file on this machine. Nothing is sent."
    for path in ("/drafts", "/drafts/other", "/drafts/other/scenarios"):
        page = client.get(path).text
        assert saved in page and nothing not in page, path
    for path in ("/drafts/other/memo", "/packs", "/nowhere"):
        page = client.get(path).text
        assert saved not in page and nothing not in page and "Not legal advice." in page, path
    for path in ("/packs/riverton", "/packs/riverton/try"):
        assert nothing in client.get(path).text, path
    own_site = {"origin": str(client.base_url).rstrip("/")}
    chosen = {"decision": "eligibility"}
    asked = client.post("/packs/riverton/try", data=chosen, headers=own_site)
    assert asked.status_code == 200 and nothing in asked.text


ADDRESS = "/drafts/six%20grams"


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def typed_text(html: str) -> str:
    """Return what is in the form's text field, as a browser reads it."""
    found = re.search(r"<textarea [^>]*>\n(.*?)</textarea>", html, re.DOTALL)
    assert found is not None
    return unescape(found[1])


def save(client: httpx.Client, text: str, address: str = ADDRESS, page: str = "") -> httpx.Response:
    """Save a text as a browser does that shows the page, with its line ends."""
    version = re.search(r'name="version" value="([^"]*)"', page or client.get(address).text)
    assert version is not None
    fields = {"version": version[1], "text": text.replace("\n", "\r\n")}
    origin = str(client.base_url).rstrip("/")
    return client.post(address, data=fields, headers={"origin": origin})


def pack_of(folder: Path, draft: str = "six grams") -> Path:
    return folder / "drafts" / draft / "riverton" / "pack.yaml"


def test_a_saved_draft_is_checked_with_examples_promises_gaps_and_past_cases(
    client: httpx.Client, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """W1 and W3: 3 g to 6 g, with the figures of the command, as ranges."""
    before = client.get(ADDRESS)
    assert before.status_code == 200 and typed_text(before.text) == BASE
    text = BASE.replace("value: 3", "value: 6")
    page = save(client, text)
    assert page.history[0].status_code == 303 and page.url.raw_path == ADDRESS.encode()
    assert pack_of(folder).read_text() == text == typed_text(page.text)
    shown = text_of(page.text)
    assert "What this draft gives : 1 example holds, " in shown
    assert not re.search(r"\b1 (examples|invariants|gaps)\b", shown)
    assert "In force Takes effect at once." in shown
    assert "Examples All 1 hold." in shown and re.search(
        r"Invariants Proved: \d+ invariants and 2 laws of all packs hold\.", shown
    )
    assert "The case is exactly at 6 g: eligible." in shown
    sides = [str(folder / "now" / "riverton"), str(pack_of(folder).parent)]
    counted = ["--cohort", str(folder / "rows.csv"), "--map", str(folder / "map.yaml")]
    words = ["change", *sides, *counted, "--by", "race", "--today", "2026-12-01"]
    assert main([*words, "--json"]) == 0
    memo = json.loads(capsys.readouterr().out)
    (flip,) = memo["cohort"]["groups"][0]["flips"]
    assert 0 < flip["surely"] < flip["at_most"]
    # The rows that are left out are in no count, as in the memo.
    touched = f"At least {flip['surely']} and at most {flip['at_most']} of 1,634 arrests go from"
    assert f"{touched} ineligible to eligible. Left out of these arrests: a hidden number" in shown
    memo_page = text_of(client.get(f"{ADDRESS}/memo").text)
    assert memo["memo"] in memo_page
    # A group with a count from 1 to 10 has no number, in this memo and in a second one (W4).
    assert f"{LONG} 34 hidden hidden hidden hidden" in memo_page
    save(client, text.replace("value: 6", "value: 7"))
    assert f"{LONG} 34 hidden hidden hidden hidden" in text_of(client.get(f"{ADDRESS}/memo").text)


@pytest.mark.parametrize(
    ("ends", "sentence"),
    [
        ((None, 1072), "At most 1,072 of 1,987 arrests {}. How many surely do is hidden."),
        ((210, None), "At least 210 of 1,987 arrests {}. How many can at most is hidden."),
        ((None, None), "Some of 1,987 arrests can {}. How many is hidden."),
        ((210, 652), "At least 210 and at most 652 of 1,987 arrests {}."),
    ],
)
def test_a_hidden_number_of_past_cases_is_a_sentence(
    ends: tuple[int | None, int | None], sentence: str
) -> None:
    surely, at_most = ({"hidden": True} if end is None else end for end in ends)
    flip = {"before": "ineligible", "after": "eligible", "surely": surely, "at_most": at_most}
    cohort = {
        "unit": "arrest",
        "left_out": [],
        "groups": [{"group": "ALL", "rows": 1987, "flips": [{**flip, "sharp": False}]}],
        "not_sharp": [{"why": "the time to solve them ran out", "rows": 182}],
    }
    assert touched_rows({"cohort": cohort}) == [
        sentence.format("go from ineligible to eligible"),
        "Not sharp: the ranges may be wider than they need to be, for 182 arrests (the time to "
        "solve them ran out).",
    ]


def test_what_can_t_be_read_is_kept_and_named_by_its_line(
    client: httpx.Client, folder: Path
) -> None:
    text = RULES.replace("person.age < 18", "person.agee < 18")
    page = save(client, text)
    assert page.status_code == 200 and pack_of(folder).read_text() == text
    assert typed_text(page.text) == text and "<title>Error: Edit a draft" in page.text
    shown = text_of(page.text)
    line = text.splitlines().index("        when: person.agee < 18") + 1
    assert f"pack.yaml, line {line} : There is no fact person.agee . Did you mean" in shown
    assert f"{line} when: person.agee < 18" in shown
    memo = client.get(f"{ADDRESS}/memo")
    assert memo.status_code == 422 and f"pack.yaml, line {line}:" in text_of(memo.text)
    # No YAML at all, hostile text, and no final line end.
    for text in ("id: [\n", "</textarea><script>alert(1)</script>", '\n\n  "x": &a [*a]'):
        page = save(client, text)
        kept = text if text.endswith("\n") else f"{text}\n"
        assert typed_text(page.text) == kept == pack_of(folder).read_text()
        assert (
            "1 fault to fix" in text_of(page.text)
            and "Saved, and" not in page.text
            and "<script" not in page.text
        )


def test_the_notes_of_the_check_and_of_the_change_are_shown(client: httpx.Client) -> None:
    """60 g for 3 g, the same source, and a later value of a year that is a typo."""
    shown = text_of(save(client, BASE.replace("value: 3", "value: 60")).text)
    assert "Notes Each may be a typo:" in shown
    assert "parameter cap : the number changed, its source didn't." in shown
    assert "20 times the number before. Check it." in shown
    far = BASE.replace(
        "program: {from: 2020-01-01", "program: {from: 2020-01-01, until: 2072-01-01"
    )
    shown = text_of(save(client, far).text)
    assert "is January 1, 2072, in 45 years; correct the day if it is a typo" in shown


def test_a_fault_of_the_examples_leads_to_the_examples_from_each_page(
    client: httpx.Client, folder: Path
) -> None:
    save(client, BASE)
    file = pack_of(folder).parent / "scenarios.yaml"
    scenarios = file.read_text()
    file.write_text("- {id: x\n")
    link = '<a href="{}">scenarios.yaml, line 2</a>: This is not YAML'
    assert link.format(f"{ADDRESS}/scenarios") in client.get(ADDRESS).text
    assert link.format("#text") in client.get(f"{ADDRESS}/scenarios").text
    # A file without anything has no line, and is named.
    file.write_text("")
    assert "scenarios.yaml</a>: The file is empty." in client.get(ADDRESS).text
    file.write_text(scenarios)


def test_nothing_typed_is_lost_where_it_can_t_be_saved(client: httpx.Client, folder: Path) -> None:
    opened = client.get("/drafts/other").text
    pack_of(folder, "other").write_text(BASE + "\n# by a colleague\n")
    text = BASE.replace("value: 3", "value: 5")
    page = save(client, text, "/drafts/other", opened)
    shown = text_of(page.text)
    assert page.status_code == 422 and "# by a colleague" in pack_of(folder, "other").read_text()
    assert typed_text(page.text).replace("\r\n", "\n") == text
    assert "Not saved" in shown and "# by a colleague" in shown and "Save over" in shown
    # The page with both texts can save the typed one over the other.
    assert save(client, text, "/drafts/other", page.text).status_code == 200
    assert pack_of(folder, "other").read_text() == text
    page = save(client, " \n", "/drafts/other")
    assert page.status_code == 422 and pack_of(folder, "other").read_text() == text
    # A form of another site, an unknown draft, and too long a text change nothing.
    fields = {"version": "", "text": "x"}
    elsewhere = {"origin": "https://elsewhere.example"}
    assert client.post("/drafts/other", data=fields, headers=elsewhere).status_code == 403
    here = {"origin": str(client.base_url).rstrip("/")}
    for address in ("/drafts/nothing", "/drafts/..", "/drafts/other/pack.yaml"):
        assert client.post(address, data=fields, headers=here).status_code in (404, 405)
    assert save(client, "x" * 5_000_000, "/drafts/other").status_code == 413
    assert pack_of(folder, "other").read_text() == text


def test_examples_are_edited_and_a_broken_promise_comes_first(
    client: httpx.Client, folder: Path
) -> None:
    """W2."""
    save(client, BASE)
    page = client.get(f"{ADDRESS}/scenarios")
    scenarios = typed_text(page.text)
    page = save(
        client,
        scenarios.replace("outcome: ineligible", "outcome: eligible"),
        f"{ADDRESS}/scenarios",
    )
    shown = text_of(page.text)
    assert "1 of 1 fail: too-young : The outcome is ineligible" in shown
    title = "This change needs work: 1 scenario fails scenarios.yaml, line 1 : The scenario"
    assert shown.index(title) < shown.index("The scenarios, in YAML")
    assert "breaks something" not in shown and 'href="#text">scenarios.yaml' in page.text
    # On the page of the rules, the place leads to the examples.
    assert f'href="{ADDRESS}/scenarios">scenarios.yaml, line 1' in client.get(ADDRESS).text
    save(client, scenarios, f"{ADDRESS}/scenarios")
    page = save(client, BASE.replace("person.age < 18", "person.age < 17", 1))
    shown = text_of(page.text)
    title = re.search(
        r"This change breaks something: 1 invariant is broken and 1 scenario fails "
        r"pack\.yaml, line (\d+) : "
        r"The invariant no-minors is broken",
        shown,
    )
    assert title is not None, shown[:600]
    assert title.start() < shown.index("The pack, in YAML")
    line = pack_of(folder).read_text().splitlines()[int(title[1]) - 1]
    assert "no-minors" in line
    memo = text_of(client.get(f"{ADDRESS}/memo").text)
    assert memo.index("no-minors") < memo.index("person age 17") < memo.index("What changes")
    assert "eight words" not in memo and "memo.json" not in memo


@pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
@pytest.mark.skipif(not HAS_AXE, reason=NO_AXE)
def test_the_editor_is_within_the_policy_and_axe_finds_nothing(
    console: ConsoleProcess, client: httpx.Client, folder: Path, tmp_path: Path
) -> None:
    save(client, RULES.replace("person.age < 18", "person.agee < 18"), "/drafts/other")
    save(client, BASE.replace("value: 3", "value: 6"))
    with Browser(tmp_path / "profile") as browser:
        for path in (ADDRESS, f"{ADDRESS}/memo", "/drafts/other", "/drafts"):
            for width, dark in ((320, False), (1280, True)):
                browser.show(width=width, dark=dark)
                browser.open(f"{console.address}{path}")
                assert browser.complaints == [] and len(browser.requests) <= 3
                assert browser.evaluate("document.documentElement.scrollWidth") <= width
                browser.call("Page.setBypassCSP", enabled=True)
                assert axe_violations(browser) == [], (path, width)
                browser.call("Page.setBypassCSP", enabled=False)
