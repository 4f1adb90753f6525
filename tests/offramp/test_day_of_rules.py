"""A page, a card, and a page of the console show the rules of today, and say what follows."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from pathlib import Path

import httpx
import pytest

from offramp.cli import main
from offramp.console.app import make_app
from offramp.documents import operations

TODAY = "2026-12-01"
FOLLOWS = "These are the rules of today, December 1, 2026. From March 1, 2027, other rules apply."
LATER_AMOUNT = "        - {from: 2027-03-01, value: 6, source: riverton-decision}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a program like Fayetteville's that takes 6 g from March 1, 2027, and before it 4 g."""
    monkeypatch.chdir(tmp_path)
    assert main(["new", "riverton", "--from", "fayetteville-nc", "--starts", "2026-06-01"]) == 0
    pack = tmp_path / "riverton" / "pack.yaml"
    text = pack.read_text(encoding="utf-8")
    at = text.index("    intake_days:\n")
    pack.write_text(text[:at] + LATER_AMOUNT + text[at:], encoding="utf-8")
    return tmp_path / "riverton"


def change_program(folder: Path, old: str, new: str) -> None:
    pack = folder / "pack.yaml"
    text = pack.read_text(encoding="utf-8")
    assert text.count(old) == 1
    pack.write_text(text.replace(old, new), encoding="utf-8")


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert main(words) == 0
    return " ".join(capsys.readouterr().out.split())


def all_pages(
    capsys: pytest.CaptureFixture[str], folder: Path, *options: str, today: str = TODAY
) -> list[str]:
    """Return the page, its JSON, the card, and the phone card of a day."""
    words = (str(folder), "--today", today, *options)
    file = folder.parent / "card.html"
    printed(capsys, "card", *words, "--offline", str(file), "--force")
    page = json.loads(printed(capsys, "show", *words, "--json"))
    return [
        printed(capsys, "show", *words),
        " ".join(str(block.get("text")) for block in page["blocks"]),
        printed(capsys, "card", *words),
        " ".join(file.read_text(encoding="utf-8").split()),
    ]


def test_each_page_shows_the_rules_of_today_and_says_what_follows(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = all_pages(capsys, folder)
    assert all(page.count(FOLLOWS) == 1 for page in pages)
    assert all(page.index(FOLLOWS) < 4_000 for page in pages[:3])
    assert pages[3].index(FOLLOWS) < pages[3].index("</header>")  # above each screen
    assert "takes no one, all substances together | 4 g" in pages[0]
    assert "the day of their last change until now" in pages[0]
    assert all("Rules of June 1, 2026" in page for page in pages[2:])
    # From that day on there is nothing to announce, and the rules are the new ones.
    pages = all_pages(capsys, folder, today="2027-03-01")
    assert not any("other rules apply" in page for page in pages)
    assert "takes no one, all substances together | 6 g" in pages[0]


def test_a_chosen_day_is_shown_and_said_not_to_be_today(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = all_pages(capsys, folder, "--as-of", "2027-03-01")
    says = "These are the rules of March 1, 2027, not those of today, December 1, 2026."
    assert all(says in page and "other rules apply" not in page for page in pages)
    assert "takes no one, all substances together | 6 g" in pages[0]
    # A day of the same rules as today's needs no such word.
    pages = all_pages(capsys, folder, "--as-of", "2026-07-01")
    assert all("not those of today" not in page and FOLLOWS in page for page in pages)


def test_a_program_that_has_not_begun_or_is_over_says_so(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pages = all_pages(capsys, folder, today="2026-05-31")
    says = "Not in force yet: the program begins on June 1, 2026. These are the rules of that day."
    assert all(f"{says} From March 1, 2027, other rules apply." in page for page in pages)
    change_program(folder, "  from: 2026-06-01\n", "  from: 2026-06-01\n  until: 2027-05-01\n")
    says = "The program ends: its last day is April 30, 2027."
    assert all(says in page for page in all_pages(capsys, folder, today="2027-04-30"))
    says = (
        "No longer in force: the last day of the program was April 30, 2027. "
        "These are the rules of that day."
    )
    pages = all_pages(capsys, folder, today="2027-05-01")
    assert all(says in page for page in pages)
    assert "takes no one, all substances together | 6 g" in pages[0]


def test_programs_side_by_side_say_which_rules_follow(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = printed(capsys, "show", f"{folder},santa-fe", "--today", TODAY)
    assert f"| Note | {FOLLOWS} |" in table
    assert "| Note |" not in printed(capsys, "show", "seattle,santa-fe", "--today", TODAY)


def test_the_pages_of_the_console_show_the_rules_of_its_day(folder: Path) -> None:
    app = make_app({"riverton": folder}, date(2026, 12, 1))
    paths = ("/packs/riverton", "/packs/riverton/card", "/packs/riverton?as_of=2027-03-01")

    async def pages() -> list[str]:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return [(await client.get(path)).text for path in paths]

    page, card, later = asyncio.run(pages())
    assert FOLLOWS in page and FOLLOWS in card
    assert "not those of today" in later and FOLLOWS not in later


def test_the_card_of_an_agency_says_which_rules_follow(folder: Path) -> None:
    """The agency's card is made for the day in its own zone."""
    assert FOLLOWS in operations.make_card(folder, date(2026, 12, 1)).html
    assert "other rules apply" not in operations.make_card(folder, date(2027, 3, 1)).html
