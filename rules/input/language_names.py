"""The names of languages: read the language that a person named, and say it in words.

The names are those of Unicode CLDR, in English, in Spanish, and in the language itself. The codes
are those of ISO 639, with a country where it matters: `es-MX` (BCP 47). The table is written by
`tests/support/language_names.py`.
"""

from __future__ import annotations

import difflib
import re
from functools import cache
from pathlib import Path

from rules.frozen import frozen
from rules.input.typed_days import fold

_CODE = re.compile(r"([a-z]{2,3})(?:[-_]([a-z]{2}))?")
_MARKS = re.compile("['`\N{LEFT SINGLE QUOTATION MARK}\N{RIGHT SINGLE QUOTATION MARK}\u02bc]")
# Names that people use and CLDR doesn't.
_ALSO = {
    "american sign": "ase",
    "asl": "ase",
    "castellano": "es",
    "dine": "nv",
    "farsi": "fa",
    "kreyol": "ht",
    "mandarin": "cmn",
    "sign language": "ase",
    "towa": "tow",
}
_MOST_SUGGESTED = 3


@frozen
class LanguageName:
    """A language by its code, and its names. `longer` are its codes of three letters."""

    code: str
    longer: str
    english: str
    spanish: str
    own: str


def read_language(text: str) -> str | None:
    """Return the code of the language that a person named, None if nobody can tell which it is.

    A code is taken as it is. One of three letters may be of a language without a name here: ISO
    639-3 has 7,900 of them.
    """
    written = text.strip()
    code = _read_code(written) if written.islower() else None
    if code is not None and (code.partition("-")[0] in _table() or "-" in code):
        return code
    codes = _by_name().get(_plain(written), ())
    if len(codes) == 1:
        return codes[0]
    if code is not None and len(code) == 3:
        return code
    other = _read_code(fold(written))
    return other if other is not None and other.partition("-")[0] in _table() else None


def language_name(code: str, language: str = "en") -> str:
    """Return the name of a language in English or Spanish. A code without a name is its own."""
    base, _, country = code.partition("-")
    named = _table().get(base)
    if named is None:
        return code
    name = (named.spanish or named.english) if language == "es" else named.english
    return f"{name} ({country})" if country else name


def similar_languages(text: str, language: str = "en") -> tuple[str, ...]:
    """Return the names that somebody may have meant, the most similar first."""
    typed = _plain(text)
    if not typed:
        return ()
    within = [name for name in _by_name() if typed in name.split() or name in typed.split()]
    close = difflib.get_close_matches(typed, _by_name(), n=_MOST_SUGGESTED, cutoff=0.7)
    codes = [code for name in (*_by_name_of(typed), *within, *close) for code in _by_name()[name]]
    names = dict.fromkeys(language_name(code, language) for code in codes)
    return tuple(names)[:_MOST_SUGGESTED]


def _by_name_of(typed: str) -> tuple[str, ...]:
    return (typed,) if typed in _by_name() else ()


def _read_code(text: str) -> str | None:
    """Return a code in its usual spelling, the shortest code of its language."""
    found = _CODE.fullmatch(text.casefold())
    if found is None:
        return None
    base = _shorter().get(found[1], found[1])
    if len(base) == 2 and base not in _table():
        return None
    return f"{base}-{found[2].upper()}" if found[2] else base


def _plain(name: str) -> str:
    return " ".join(_MARKS.sub("", fold(name)).replace("-", " ").split())


@cache
def _table() -> dict[str, LanguageName]:
    text = Path(__file__).with_suffix(".tsv").read_text(encoding="utf-8")
    rows = (LanguageName(*line.split("\t")) for line in text.splitlines())
    return {row.code: row for row in rows}


@cache
def _shorter() -> dict[str, str]:
    return {longer: row.code for row in _table().values() for longer in row.longer.split()}


@cache
def _by_name() -> dict[str, tuple[str, ...]]:
    """Return the codes of each name. Few names are shared by several languages."""
    found: dict[str, dict[str, None]] = {}
    for row in _table().values():
        for name in (row.english, row.spanish, row.own):
            if name:
                found.setdefault(_plain(name), {})[row.code] = None
    for name, code in _ALSO.items():
        found[name] = {code: None}
    return {name: tuple(codes) for name, codes in found.items()}
