"""axe-core, the checker of accessibility, run in a page of the browser."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.support.browser import Browser

NO_AXE = "axe-core isn't installed"
# The package's Python needs a browser driver that we don't use. Its script is all we take.
_SPEC = find_spec("axe_playwright_python")
HAS_AXE = _SPEC is not None
# What is right is not described, and no style sheet is fetched again.
_OPTIONS = "{resultTypes: ['violations'], preload: false}"


@cache
def _script() -> str:
    assert _SPEC is not None and _SPEC.origin is not None
    return (Path(_SPEC.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def axe_violations(browser: Browser) -> list[str]:
    """Return what axe finds wrong on the page that is open, a line each."""
    if not browser.evaluate("'axe' in window"):
        browser.evaluate(f"{_script()}; true")
    result: dict[str, Any] = json.loads(
        browser.evaluate(
            f"axe.run({_OPTIONS}).then(found => JSON.stringify(found.violations))"
        ).join(['{"violations": ', "}"])
    )
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def page_faults(browser: Browser) -> dict[int, list[str]]:
    """Return what is wrong on the page that is open, by width: narrow and dark, wide and light.

    Without axe-core it only finds what is wider than the page.
    """
    faults = {}
    for width, dark in ((390, True), (1280, False)):
        browser.show(width=width, dark=dark)
        # Colors change at once then, and not in a tenth of a second.
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        calm = {"name": "prefers-reduced-motion", "value": "reduce"}
        browser.call("Emulation.setEmulatedMedia", features=[scheme, calm])
        violations = axe_violations(browser) if HAS_AXE else []
        if browser.evaluate("document.documentElement.scrollWidth > innerWidth"):
            violations.append("the page is wider than the screen")
        if violations:
            faults[width] = violations
    return faults
