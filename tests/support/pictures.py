"""Make the pictures of the documentation: `python -m tests.support.pictures` from the root.

Each is made in a real browser, of a page that the program serves or writes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from offramp.documents.operations import make_card
from tests.conftest import ROOT
from tests.support.browser import Browser
from tests.support.console_process import run_console

FOLDER = ROOT / "docs" / "pictures"


def main() -> None:
    """Write every picture."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        card = folder / "card.html"
        card.write_text(make_card("santa-fe").html, encoding="utf-8")
        with run_console(folder) as console, Browser(folder / "profile") as browser:
            browser.show(width=390, height=620)
            browser.open(card.as_uri())
            browser.picture(FOLDER / "card-question.png", full=False)
            browser.show(width=390, height=620, dark=True)
            answer = browser.evaluate("document.querySelector('section.go').id")
            browser.open("about:blank")
            browser.open(f"{card.as_uri()}#{answer}")
            browser.picture(FOLDER / "card-answer.png", full=False)
            browser.show(width=1280, height=720)
            browser.open(f"{console.address}/packs/santa-fe")
            browser.picture(FOLDER / "console-rules.png", full=False)
            browser.show(width=390, height=720)
            browser.open(f"{console.address}/packs/santa-fe/try")
            browser.picture(FOLDER / "console-try.png", full=False)


if __name__ == "__main__":
    main()
