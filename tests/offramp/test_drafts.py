"""The drafts of `offramp console`: the memo of each, served by a real process."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import httpx
import pytest

from offramp.cli import main
from offramp.digest_words import digest_words
from tests.support.accessibility import HAS_AXE, NO_AXE, axe_violations
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.console_process import ConsoleProcess, run_console
from tests.support.riverton import PACK, PROMISE, pack_in

pytest.importorskip("z3", reason="the solver isn't installed")

WIDER = PACK.replace("value: 4", "value: 6")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("drafts")
    pack_in(folder / "now", PACK + PROMISE)
    for name, text in (
        ("wider", WIDER + PROMISE),
        ("lifted", WIDER.replace("person.age < 18", "person.age < 17")),
        ("broken", PACK.replace("person.age < 18", "person.age < 17") + PROMISE),
        ("unreadable", "id: [\n"),
    ):
        pack_in(folder / "drafts" / name, text)
    (folder / "drafts" / "notes").mkdir()
    return folder


@pytest.fixture(scope="module")
def console(folder: Path) -> Iterator[ConsoleProcess]:
    words = [str(folder / "now" / "riverton"), "--drafts", str(folder / "drafts")]
    with run_console(folder, *words) as process:
        yield process


@pytest.fixture
def client(console: ConsoleProcess) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=console.address, timeout=60) as client:
        yield client


def text_of(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def test_a_draft_has_the_memo_of_the_command(
    client: httpx.Client, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """W1."""
    assert 'href="/drafts"' in client.get("/packs").text
    listed = client.get("/drafts").text
    assert 'href="/drafts/wider/memo"' in listed and "notes" not in listed
    sides = [str(folder / side / "riverton") for side in ("now", "drafts/wider")]
    assert main(["change", *sides, "--today", "2026-12-01", "--json"]) == 0
    memo = json.loads(capsys.readouterr().out)
    del memo["repeat"]["command"]
    page = client.get("/drafts/wider/memo")
    shown = text_of(page.text)
    assert page.status_code == 200 and memo["memo"] in shown
    assert " · ".join(digest_words(memo["memo"])) in shown
    assert "More than removed: 4 added: 6 g." in shown and re.search(
        r"\d+ invariants and 2 laws of all packs hold", shown
    )
    sent = client.get("/drafts/wider/memo.json")
    file = sent.json()
    assert str(folder) in file["repeat"].pop("command") and file == memo
    assert sent.headers["content-disposition"] == 'attachment; filename="wider-memo.json"'
    assert " style=" not in page.text and "<style" not in page.text


def test_a_memo_that_breaks_a_promise_says_so_first_and_asks_for_no_signatures(
    client: httpx.Client,
) -> None:
    """W2."""
    page = client.get("/drafts/lifted/memo")
    shown = text_of(page.text)
    assert page.status_code == 200
    first = shown.index("This change breaks something")
    assert first < shown.index("person age 17") < shown.index("What changes")
    assert "eight words" not in shown and "--memo" not in shown and "memo.json" not in page.text
    assert client.get("/drafts/lifted/memo.json").status_code == 404
    # So does a draft that breaks a promise of its own.
    page = client.get("/drafts/broken/memo")
    shown = text_of(page.text)
    assert page.status_code == 200 and "memo.json" not in page.text
    first = shown.index("This change breaks something")
    assert first < shown.index("no-minors") < shown.index("person age 17")
    assert shown.index("person age 17") < shown.index("What changes")
    assert "eight words" not in shown and client.get("/drafts/broken/memo.json").status_code == 404


def test_one_changed_number_gives_other_words(client: httpx.Client, folder: Path) -> None:
    """W5, and a draft is read anew where it was changed."""
    file = folder / "drafts" / "wider" / "riverton" / "pack.yaml"
    text = file.read_text()
    before = re.search(r'memo-words">([^<]+)<', client.get("/drafts/wider/memo").text)
    file.write_text(text.replace("value: 6", "value: 7"))
    after = re.search(r'memo-words">([^<]+)<', client.get("/drafts/wider/memo").text)
    file.write_text(text)
    assert before is not None and after is not None and before[1] != after[1]
    assert len(before[1].split(" · ")) == 8


def test_what_is_no_draft_is_not_here(client: httpx.Client) -> None:
    for name in ("nothing", "notes", "..", "..%2fnow%2friverton"):
        assert client.get(f"/drafts/{name}/memo").status_code == 404
    assert client.get("/drafts/unreadable/memo").status_code == 422
    other = {"host": "elsewhere.example"}
    for path in ("/drafts", "/drafts/wider/memo", "/drafts/wider/memo.json"):
        assert client.get(path, headers=other).status_code == 403


def test_a_folder_of_drafts_that_is_none_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["console", "--drafts", "/no/such/folder"]) == 2
    assert "`--drafts`" in capsys.readouterr().err


@pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER)
@pytest.mark.skipif(not HAS_AXE, reason=NO_AXE)
def test_the_memo_of_a_draft_is_within_the_policy_and_axe_finds_nothing(
    console: ConsoleProcess, tmp_path: Path
) -> None:
    with Browser(tmp_path / "profile") as browser:
        for name in ("wider", "lifted"):
            for width, dark in ((320, False), (390, True), (820, False), (1280, True)):
                browser.show(width=width, dark=dark)
                browser.open(f"{console.address}/drafts/{name}/memo")
                assert browser.complaints == [] and len(browser.requests) <= 3
                assert browser.evaluate("document.documentElement.scrollWidth") <= width
                browser.call("Page.setBypassCSP", enabled=True)
                assert axe_violations(browser) == [], (name, width)
