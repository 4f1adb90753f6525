"""A person at a browser with the pages' own controls. Each tap is counted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from offramp.agency import operations
from tests.support.agency_console import (
    PASSWORD,
    code_of,
    make_account,
    press,
    run_agency_console,
    type_in,
)
from tests.support.browser import Browser
from tests.support.running_agencies import PASSPHRASE, Running
from tests.support.staff import founder_of


@dataclass
class Taps:
    """A browser at one console. `count` is of taps since `begin`. Typing is no tap."""

    browser: Browser
    address: str
    count: int = 0

    def sign_in(self, name: str, secret: str) -> None:
        """Sign in with a password and a one-time code."""
        self.open("/sign-in")
        type_in(self.browser, "#name", name)
        type_in(self.browser, "#password", PASSWORD)
        type_in(self.browser, "#code", code_of(secret))
        self.press("form[action='/sign-in'] button")

    def open(self, path: str) -> None:
        """Open an address by typing it."""
        self.browser.open(self.address + path)

    def begin(self, path: str) -> None:
        """Open the page on which a task begins, and count from here."""
        self.open(path)
        self.count = 0

    def tap(self, selector: str) -> None:
        """Tap a control that stays on the page, such as a box to tick."""
        self.count += 1
        self.browser.click(selector)

    def double_tap(self, selector: str) -> None:
        """Tap a control twice at once."""
        self.count += 2
        self.browser.double_click(selector)

    def press(self, selector: str) -> None:
        """Tap a control that leads to another page."""
        self.count += 1
        press(self.browser, selector)

    def type(self, name: str, text: str) -> None:
        """Type into the field of a name."""
        type_in(self.browser, f"[id={json.dumps(name)}]", text)

    def has(self, selector: str) -> bool:
        """Report whether the page has an element."""
        return bool(self.browser.evaluate(f"!!document.querySelector({json.dumps(selector)})"))

    @property
    def path(self) -> str:
        """The address of the page, without the console's."""
        return str(self.browser.evaluate("location.pathname"))

    @property
    def heading(self) -> str:
        """The heading of the page."""
        return str(self.browser.evaluate("document.querySelector('h1')?.textContent.trim()"))

    @property
    def text(self) -> str:
        """The text of the page that can be seen."""
        return str(self.browser.evaluate("document.querySelector('main').innerText"))

    @property
    def content(self) -> str:
        """The whole page but for its form's ids, which are new on each page."""
        return str(
            self.browser.evaluate(
                'document.documentElement.outerHTML.replace(/(name="[tf]" value=")[^"]*/g, "$1")'
            )
        )


@contextmanager
def founder_at(
    town: Running, agency: str, profile: Path, *, width: int, dark: bool = False
) -> Iterator[Taps]:
    """Sign an agency's founder in at its console, in a browser without scripts."""
    folder, founder = town.folder / agency, founder_of(agency)
    with closing(operations.open_office(folder, PASSPHRASE)) as office:
        secret = make_account(office, founder, founder)
    with run_agency_console(folder, town.passphrase) as console, Browser(profile) as browser:
        browser.show(width=width, dark=dark)
        browser.forbid_scripts()
        taps = Taps(browser, console.address)
        taps.sign_in(founder, secret)
        yield taps
