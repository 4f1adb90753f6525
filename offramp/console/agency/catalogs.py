"""The texts of an agency's console in each language, by their English.

A template marks a text with `{{ _("…") }}` or `{% trans %}`, and a page's code with
`visit.translate("…")`, or with `mark("…")` where the language isn't known yet. The Spanish is in
`languages/es.po`. `python -m offramp.console.agency.renew_catalogs` writes the texts that are new
into it, and takes out those that no page has any more. See docs/console.md.
"""

from __future__ import annotations

import gettext
import io
from collections.abc import Mapping
from datetime import date, datetime
from functools import cache
from importlib.resources import files
from typing import Any

ENGLISH = "en"
# Each language by its own name, in the order in which pages offer them.
LANGUAGES: Mapping[str, str] = {ENGLISH: "English", "es": "Español"}
FOLDER = "languages"
# As Spanish is written in the United States: June 18 and 4:10 p.m., not 18/6 and 16:10.
_LOCALES = {"es": "es_US"}
_DAY_AND_TIME = {"es": "d 'de' MMMM, h:mm a"}


@cache
def catalog_of(lang: str) -> gettext.NullTranslations:
    """Return the texts of a language. A text without a translation stays English."""
    if lang == ENGLISH:
        return gettext.NullTranslations()
    from babel.messages.mofile import write_mo
    from babel.messages.pofile import read_po

    compiled = io.BytesIO()
    with (files("offramp.console.agency") / FOLDER / f"{lang}.po").open("rb") as file:
        write_mo(compiled, read_po(file, lang))
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def translate(lang: str, text: str, **values: Any) -> str:
    """Return a text in a language, with values for its `%(name)s`."""
    return catalog_of(lang).gettext(text) % values


def mark(text: str) -> str:
    """Return a text as it is. It is translated where it is shown, such as a page's title."""
    return text


def spell_day(day: date, lang: str) -> str:
    """Return a day in words: `June 18, 2026`."""
    if lang == ENGLISH:
        return f"{day:%B} {day.day}, {day.year}"
    from babel.dates import format_date

    return format_date(day, "long", locale=_LOCALES[lang])


def spell_moment(at: datetime, lang: str) -> str:
    """Return a time in words: `June 18, 4:10 p.m.`"""
    if lang == ENGLISH:
        half = "a.m." if at.hour < 12 else "p.m."
        return f"{at:%B} {at.day}, {at.hour % 12 or 12}:{at:%M} {half}"
    from babel.dates import format_datetime

    return format_datetime(at, _DAY_AND_TIME[lang], tzinfo=at.tzinfo, locale=_LOCALES[lang])
