"""The templates of an agency's console, and the words and icons that they share."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from markupsafe import Markup

from offramp.console.requests import AGENCY_STATIC, static_bytes

# Commands that a sentence for the terminal names, with the words around them.
_COMMAND = re.compile(r"\s*(?:\(`[^`]*`\)|Then: `[^`]*`|(?:with|by|see|run|use) `offramp [^`]*`)")


class Templates:
    """Renders the pages of one console.

    `zone` is the program's, `tabs_of` returns a person's tabs, and `idle` is the time after which
    a page locks, in seconds.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        tabs_of: Callable[..., Any],
        *,
        idle: float,
        is_demo: bool = False,
    ) -> None:
        self._environment = Environment(
            loader=PackageLoader("offramp.console.agency", "templates"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        symbols = (files("offramp.console.agency") / "icons.svg").read_text(encoding="utf-8")
        self._icons = {
            found[1]: found[0]
            for found in re.finditer(r'<symbol id="i-(\w+)".*?</symbol>', symbols)
        }
        self._zone = zone
        self._environment.globals |= {
            "icon": self._icon,
            "sprite": self._sprite,
            "static": _static,
            "tabs_of": tabs_of,
            "is_demo": is_demo,
            "idle": round(idle / 60),
        }
        self._environment.filters |= {
            "words": _words,
            "moment": self._moment,
            "day": self._day,
            "plainly": plainly,
            "dialed": dialed,
        }

    def render(self, template: str, **values: Any) -> str:
        """Return a page."""
        return self._environment.get_template(template).render(used_icons={}, **values)

    @pass_context
    def _icon(self, context: Context, name: str) -> Markup:
        """Return an icon. Its drawing is at the end of the page, once."""
        context["used_icons"][name] = self._icons[name]
        return Markup(
            '<svg class="i" aria-hidden="true" focusable="false"><use href="#i-{}"/></svg>'
        ).format(name)

    @pass_context
    def _sprite(self, context: Context) -> Markup:
        """Return the drawings of the icons that the page uses."""
        # They are this package's own file, and nobody's input.
        drawn = "".join(context["used_icons"].values())
        return Markup(
            '<svg class="sprite" aria-hidden="true" focusable="false">' + drawn + "</svg>"
        )

    def _moment(self, value: str | int | None) -> str:
        """Return a time as people say it: `June 18, 4:10 p.m.`"""
        if value is None:
            return ""
        at = (
            datetime.fromtimestamp(value, self._zone)
            if isinstance(value, int)
            else _read_time(value).astimezone(self._zone)
        )
        half = "a.m." if at.hour < 12 else "p.m."
        return f"{at:%B} {at.day}, {at.hour % 12 or 12}:{at:%M} {half}"

    def _day(self, value: str | int | None) -> str:
        """Return a day as people say it: `June 18, 2026`."""
        if value is None:
            return ""
        if isinstance(value, int):
            return _spoken(datetime.fromtimestamp(value, self._zone).date())
        if "T" in value:
            return _spoken(_read_time(value).astimezone(self._zone).date())
        return _spoken(date.fromisoformat(value))


def _read_time(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


@cache
def _static(name: str) -> str:
    """Return the address of a static file, which changes with its content."""
    digest = sha256(static_bytes(AGENCY_STATIC, name)).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def _spoken(day: date) -> str:
    return f"{day:%B} {day.day}, {day.year}"


def plainly(sentence: str) -> str:
    """Return a sentence for the terminal without its commands and back-ticks, for a page."""
    text = _COMMAND.sub("", sentence).replace("`", "").strip()
    return text[:1].upper() + text[1:]


def dialed(number: str) -> str:
    """Return a phone number as a link dials it."""
    return "".join(sign for sign in number if sign.isdigit() or sign == "+")


def _words(word: object) -> str:
    """Return a code, or several, as words."""
    listed = word if isinstance(word, (list, tuple)) else [word]
    return ", ".join(str(part).replace("_", " ") for part in listed)
