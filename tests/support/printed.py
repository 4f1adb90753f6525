"""A page of the browser as it is printed."""

from __future__ import annotations

import re
from base64 import b64decode

from tests.support.browser import Browser


def pages_of(browser: Browser) -> int:
    """Return how many pages of paper the page of the browser is printed on."""
    made = b64decode(browser.call("Page.printToPDF", preferCSSPageSize=True)["data"])
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", made))


def print_faults(browser: Browser) -> list[str]:
    """Return what of the printed page isn't black on white, is a control, or may be cut in two."""
    browser.call("Emulation.setEmulatedMedia", media="print")
    try:
        faults: list[str] = browser.evaluate(PRINT_FAULTS)
    finally:
        browser.call("Emulation.setEmulatedMedia", media="")
    return faults


PRINT_FAULTS = """(() => {
  const faults = [];
  const gray = (color) => (color.match(/[0-9.]+/g) || []).map(Number);
  for (const e of document.querySelectorAll("main, main *")) {
    if (!e.checkVisibility() || e.closest("svg")) continue;
    const style = getComputedStyle(e), what = e.outerHTML.slice(0, 80);
    if (e.matches("button, input:not([type=hidden]), select, textarea, .btn")) faults.push(what);
    const [r, g, b] = gray(style.color);
    if (Math.max(r, g, b) > 60) faults.push(`${style.color}: ${what}`);
    const back = gray(style.backgroundColor);
    if (back[3] !== 0 && Math.min(...back.slice(0, 3)) < 255)
      faults.push(`on ${style.backgroundColor}: ${what}`);
    if (e.matches("li, tr, .card") && style.breakInside !== "avoid" && e.offsetHeight < 400)
      faults.push(`may be cut: ${what}`);
  }
  return faults.slice(0, 8);
})()"""
