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

from offramp.agency import operations
from offramp.console.agency.catalogs import (
    ENGLISH,
    LANGUAGES,
    catalog_of,
    spell_day,
    spell_moment,
)
from offramp.console.requests import AGENCY_STATIC, static_bytes
from offramp.phone_numbers import call_address

# Commands that a sentence for the terminal names, with the words around them.
_COMMAND = re.compile(r"\s*(?:\(`[^`]*`\)|Then: `[^`]*`|(?:with|by|see|run|use) `offramp [^`]*`)")


class Templates:
    """Renders the pages of one console.

    `zone` is the program's, `tabs_of` returns a person's tabs, `has_page` reports whether a person
    has a page, and `idle` is the time after which a page locks, in seconds.
    """

    def __init__(
        self,
        zone: ZoneInfo,
        tabs_of: Callable[..., Any],
        has_page: Callable[..., bool] = lambda *_: False,
        *,
        idle: float,
        is_demo: bool = False,
    ) -> None:
        self.has_page = has_page
        self._environment = Environment(
            loader=PackageLoader("offramp.console.agency", "templates"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n"],
        )
        self._environment.policies["ext.i18n.trimmed"] = True
        # The extension's own methods aren't part of the environment's type.
        i18n: Any = self._environment
        i18n.install_gettext_callables(_gettext, _ngettext, newstyle=True)
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
            "has_page": has_page,
            "is_demo": is_demo,
            "idle": round(idle / 60),
            "languages": LANGUAGES,
        }
        self._environment.filters |= {
            "words": _words,
            "moment": self._moment,
            "day": self._day,
            "plainly": plainly,
            "call_address": call_address,
            "qr": qr_code,
        }

    def render(self, template: str, *, lang: str = ENGLISH, **values: Any) -> str:
        """Return a page in a language."""
        found = self._environment.get_template(template)
        return found.render(used_icons={}, lang=lang, **values)

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

    @pass_context
    def _moment(self, context: Context, value: str | int | None) -> str:
        """Return a time as people say it: `June 18, 4:10 p.m.`"""
        return "" if value is None else spell_moment(self._read(value), context["lang"])

    @pass_context
    def _day(self, context: Context, value: str | int | None) -> str:
        """Return a day as people say it: `June 18, 2026`."""
        if value is None:
            return ""
        is_day = isinstance(value, str) and "T" not in value
        day = date.fromisoformat(str(value)) if is_day else self._read(value).date()
        return spell_day(day, context["lang"])

    def _read(self, value: str | int) -> datetime:
        """Return a moment in the program's zone."""
        if isinstance(value, int):
            return datetime.fromtimestamp(value, self._zone)
        return datetime.fromisoformat(value.replace("Z", "+00:00")).astimezone(self._zone)


@pass_context
def _gettext(context: Context, text: str) -> str:
    return catalog_of(context["lang"]).gettext(text)


@pass_context
def _ngettext(context: Context, one: str, several: str, count: int) -> str:
    return catalog_of(context["lang"]).ngettext(one, several, count)


@cache
def _static(name: str) -> str:
    """Return the address of a static file, which changes with its content."""
    digest = sha256(static_bytes(AGENCY_STATIC, name)).hexdigest()
    return f"/static/{name}?v={digest[:12]}"


def plainly(sentence: str) -> str:
    """Return a sentence for the terminal without its commands and codes, for a page."""
    text = operations.codes_in_words(_COMMAND.sub("", sentence), {}).replace("`", "").strip()
    return text[:1].upper() + text[1:]


def _words(word: object) -> str:
    """Return a code, or several, as words."""
    listed = word if isinstance(word, (list, tuple)) else [word]
    return ", ".join(str(part).replace("_", " ") for part in listed)


def qr_code(text: str) -> Markup:
    """Return a QR code (ISO/IEC 18004) as a drawing. The page gives it a name."""
    import segno  # few pages draw one

    drawn: str = segno.make(text, error="m", micro=False).svg_inline(
        border=4, dark="#000", light="#fff", omitsize=True, svgclass=None, lineclass=None
    )
    # It is a path of squares, and nobody's text.
    return Markup(drawn)
