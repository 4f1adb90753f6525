"""Every page of the six agencies' consoles, walked in one browser by those who see the most.

A real hub, six agencies founded with the defaults, and two referred persons. The founder of an
agency has every role of a worker and an administrator.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any
from urllib.parse import urlsplit

import pytest

import offramp.console.agency.server  # noqa: F401  # it imports all pages, which declare themselves
from offramp.agency import operations
from offramp.console.agency.routes import collect_routes
from offramp.console.agency.sessions import COOKIE
from tests.support.accessibility import HAS_AXE, NO_AXE, axe_violations
from tests.support.agency_console import (
    PASSWORD,
    Caller,
    code_of,
    make_account,
    run_agency_console,
)
from tests.support.browser import BROWSER, NO_BROWSER, Browser
from tests.support.referrals import address, refer
from tests.support.running_agencies import PASSPHRASE, SIX_ROLES, Running, serve_joined
from tests.support.staff import founder_of

pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason=NO_BROWSER),
    pytest.mark.skipif(not HAS_AXE, reason=NO_AXE),
]

KB = 1024
LONG_NAME = "Wolfeschlegelsteinhausen O’Brien-García Muñozmuñozmuñozmuñoz"
# Each width with each color scheme. The page isn't loaded again in between.
VIEWS = tuple((width, dark) for width in (320, 390, 820, 1280) for dark in (False, True))
# Text spacing of WCAG 2.2, criterion 1.4.12.
SPACED = """(() => { const sheet = new CSSStyleSheet(); sheet.replaceSync(
  '* { line-height: 1.5 !important; letter-spacing: .12em !important;' +
  ' word-spacing: .16em !important } p { margin-bottom: 2em !important }');
  document.adoptedStyleSheets = [sheet]; return true; })()"""
# Elements that are larger than the box which hides their rest. The heads of cards aren't shown.
CUT_OFF = """[...document.querySelectorAll('main *')].filter(e => {
  const style = getComputedStyle(e);
  return e.checkVisibility() && !e.closest('svg, .vh, thead, input, select, textarea') &&
    /hidden|clip/.test(style.overflow) &&
    (e.scrollHeight > e.clientHeight + 1 || e.scrollWidth > e.clientWidth + 1);
}).map(e => e.outerHTML.slice(0, 90))"""
MOVING = """[...document.querySelectorAll('*')].filter(e => {
  const style = getComputedStyle(e);
  return style.transitionDuration !== '0s' || style.animationName !== 'none';
}).map(e => e.outerHTML.slice(0, 90))"""
TOO_WIDE = "document.documentElement.scrollWidth - innerWidth"
# The element with the focus: whether it follows the one before in the page, whether the middle of
# it can be seen, and whether it is outlined.
FOCUSED = """(() => {
  const now = document.activeElement, before = window.lastFocused;
  if (!now || now === document.body) return null;
  window.lastFocused = now;
  const box = now.getBoundingClientRect(), style = getComputedStyle(now);
  const top = document.elementFromPoint(
    Math.min(Math.max(box.x + box.width / 2, 0), innerWidth - 1),
    Math.min(Math.max(box.y + box.height / 2, 0), innerHeight - 1));
  const label = now.labels && now.labels.length ? now.labels[0] : null;
  return {
    what: now.outerHTML.slice(0, 90),
    follows: !before || !!(before.compareDocumentPosition(now) & 4),
    seen: !!top && (now.contains(top) || top.contains(now) || !!(label && label.contains(top))),
    outlined: style.outlineStyle !== 'none' || style.boxShadow !== 'none' ||
      !!(label && getComputedStyle(label).outlineStyle !== 'none'),
  };
})()"""


class Walker:
    """A signed-in founder of an agency, with a browser that has the session."""

    def __init__(self, browser: Browser, caller: Caller) -> None:
        self.browser, self.caller = browser, caller

    def sign_in(self) -> None:
        """Give the browser the session."""
        self.browser.call(
            "Network.setCookie",
            name=COOKIE,
            value=str(self.caller.token),
            url=self.caller.console.address,
            secure=True,
            path="/",
        )

    def open(self, path: str) -> None:
        self.browser.open(self.caller.console.address + path)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serve_joined(tmp_path_factory.mktemp("walk"), SIX_ROLES, "santa-fe") as found:
        yield found


@pytest.fixture(scope="module")
def walkers(
    town: Running, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Walker, list[str]]]]:
    """A walker for each agency, with the paths of the pages that are for its founder.

    Of pages that all agencies have, only the first agency's are walked, but for those that list
    people.
    """
    case = refer(town, "Ana", LONG_NAME)
    refer(town, "Ben", "Ortiz")
    walked: set[str] = set()
    found = {}
    with ExitStack() as stack:
        browser = stack.enter_context(Browser(tmp_path_factory.mktemp("browser") / "profile"))
        for agency, kind in SIX_ROLES.items():
            founder = founder_of(agency)
            with closing(operations.open_office(town.folder / agency, PASSPHRASE)) as office:
                secret = make_account(office, founder, founder)
                roles = office.working_set().staff.named(founder).roles
            console = stack.enter_context(run_agency_console(town.folder / agency, town.passphrase))
            caller = Caller(console)
            caller.get("/sign-in")
            caller.sign_in(founder, PASSWORD, code_of(secret))
            paths = {
                route.path
                for route in collect_routes()
                if route.method == "GET" and "{" not in route.path and route.admits(roles, kind)
            }
            paths = {path for path in paths if path in ("/today", "/people") or path not in walked}
            walked |= paths
            if agency in ("crossroads", "program"):
                paths.add(address(town, case, agency))
            found[agency] = Walker(browser, caller), sorted(paths)
        yield found


def pages(walkers: dict[str, tuple[Walker, list[str]]]) -> Iterator[tuple[str, Walker]]:
    """Open each page that is shown, and yield its name."""
    for agency, (walker, paths) in walkers.items():
        walker.sign_in()
        for path in paths:
            walker.open(path)
            # A page within a flow leads back to its beginning, which is walked by itself.
            if walker.browser.evaluate("location.pathname") == path:
                yield f"{agency} {re.sub('[0-9a-f]{20}', 'CASE', path)}", walker


def test_axe_finds_nothing_on_any_page_and_nothing_is_too_wide_or_heavy(
    walkers: dict[str, tuple[Walker, list[str]]],
) -> None:
    found: dict[str, Any] = {}
    names = set()
    for name, walker in pages(walkers):
        browser = walker.browser
        names.add(name)
        asked = [urlsplit(address).path for address in browser.requests]
        if len(asked) > 4 or not any(path.startswith("/static/") for path in asked):
            found[name, "requests"] = asked
        length = browser.evaluate("document.documentElement.outerHTML.length")
        if length > 20 * KB:
            found[name, "bytes"] = length
        for width, dark in VIEWS:
            browser.show(width=width, dark=dark)
            if lines := axe_violations(browser):
                found[name, width, dark] = lines
            if browser.evaluate(TOO_WIDE) > 0:
                found[name, width, "too wide"] = browser.evaluate(TOO_WIDE)
        # A page within a flow is "Not here" without its beginning.
        if lines := [line for line in browser.complaints if "404 (Not Found)" not in line]:
            found[name, "complaints"] = lines
    assert found == {}, json.dumps({str(key): value for key, value in found.items()}, indent=1)
    assert len(names) >= 30


def test_the_keyboard_reaches_everything_in_order_and_the_focus_is_seen(
    walkers: dict[str, tuple[Walker, list[str]]],
) -> None:
    found: dict[str, Any] = {}
    for name, walker in pages(walkers):
        browser = walker.browser
        browser.show(width=390, dark=False)
        for stop in range(60):
            browser.press("Tab")
            focused = browser.evaluate(FOCUSED)
            if focused is None:
                assert stop > 2, f"nothing of {name} is reached"
                break
            for fault in ("follows", "seen", "outlined"):
                if not focused[fault]:
                    found.setdefault(f"{name}, {fault}", []).append(focused["what"])
    assert found == {}, json.dumps(found, indent=1)


def test_spaced_text_zoom_and_forced_colors_hide_nothing(
    walkers: dict[str, tuple[Walker, list[str]]],
) -> None:
    found: dict[str, Any] = {}
    for name, walker in pages(walkers):
        browser = walker.browser
        browser.evaluate(SPACED)
        # 1280 pixels at a zoom of 200 and of 400 percent.
        for width in (640, 320):
            browser.show(width=width)
            if browser.evaluate(TOO_WIDE) > 0:
                found[f"{name} spaced at {width}"] = browser.evaluate(TOO_WIDE)
            for fault, expression in (("is cut off", CUT_OFF), ("moves", MOVING)):
                if elements := browser.evaluate(expression):
                    found[f"{name} spaced at {width} {fault}"] = elements
        forced = [{"name": "forced-colors", "value": "active"}]
        browser.call("Emulation.setEmulatedMedia", features=forced)
        if not browser.evaluate("matchMedia('(forced-colors: active)').matches"):
            found[name] = "the colors aren't forced"
        bare = browser.evaluate(
            "[...document.querySelectorAll('select, textarea,"
            " input:not([type=hidden], [type=radio], [type=checkbox])')]"
            ".filter(e => e.offsetParent && getComputedStyle(e).borderStyle === 'none')"
            ".map(e => e.outerHTML.slice(0, 90))"
        )
        if bare:
            found[f"{name} in forced colors"] = bare
    assert found == {}, json.dumps(found, indent=1)
