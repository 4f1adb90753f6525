"""Name the device of a session, so that its person can tell a lost phone from the computer here."""

from __future__ import annotations

from starlette.requests import Request

# What a browser states of itself, and the words for it. The first that fits is taken.
_KINDS = (
    ("iPad", "a tablet"),
    ("iPhone", "an iPhone"),
    ("Android", "an Android device"),
    ("CrOS", "a Chromebook"),
    ("Windows", "a Windows computer"),
    ("Macintosh", "a Mac"),
    ("Linux", "a Linux computer"),
)
_BROWSERS = (
    ("Edg", "Edge"),
    ("Firefox", "Firefox"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)


def device_of(request: Request) -> str:
    """Return the browser and the kind of device, such as `Firefox on a Windows computer`.

    Both are what the browser says. Nothing else of it is kept.
    """
    stated = request.headers.get("user-agent", "")
    kind = next((name for mark, name in _KINDS if mark in stated), "")
    browser = next((name for mark, name in _BROWSERS if mark in stated), "")
    return " on ".join(part for part in (browser, kind) if part)
