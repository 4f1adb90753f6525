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


@cache
def _script() -> str:
    assert _SPEC is not None and _SPEC.origin is not None
    return (Path(_SPEC.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def axe_violations(browser: Browser) -> list[str]:
    """Return what axe finds wrong on the page that is open, a line each."""
    browser.evaluate(f"{_script()}; true")
    result: dict[str, Any] = json.loads(
        browser.evaluate("axe.run().then(found => JSON.stringify(found.violations))").join(
            ['{"violations": ', "}"]
        )
    )
    return [
        f"{violation['id']}: {node['html'][:120]}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]
