"""Write the table of language names from Babel's copy of Unicode CLDR.

    python -m tests.support.language_names

Run it after a new release of Babel. The program reads the table and needs no Babel.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from babel import Locale, localedata
from babel.core import get_global

from rules.input import language_names

TABLE = Path(language_names.__file__).with_suffix(".tsv")
# Languages of New Mexico, and of people from Guatemala and China, that CLDR doesn't name. The codes
# are those of ISO 639-3.
UNNAMED = (
    ("apj", "Jicarilla Apache", "apache jicarilla", ""),
    ("cmn", "Mandarin Chinese", "chino mandarín", ""),
    ("apm", "Mescalero-Chiricahua Apache", "apache mescalero-chiricahua", ""),
    ("kee", "Eastern Keres", "keres oriental", ""),
    ("kek", "Q’eqchi’", "q’eqchi’", ""),
    ("kjb", "Q’anjob’al", "q’anjob’al", ""),
    ("kjq", "Western Keres", "keres occidental", ""),
    ("mam", "Mam", "mam", ""),
    ("tew", "Tewa", "tewa", ""),
    ("tix", "Southern Tiwa", "tiwa del sur", ""),
    ("tow", "Jemez", "jémez", ""),
    ("twf", "Northern Tiwa", "tiwa del norte", ""),
)


def rows() -> Iterator[tuple[str, str, str, str, str]]:
    """Yield code, codes of three letters, and the names in English, in Spanish, and in itself."""
    english, spanish = Locale("en").languages, Locale("es").languages
    longer: dict[str, list[str]] = {}
    for long, code in get_global("language_aliases").items():
        if len(long) == 3:
            longer.setdefault(code, []).append(long)
    named = {
        code: (name, spanish.get(code, ""), _own_name(code))
        for code, name in english.items()
        if re.fullmatch("[a-z]{2,3}", code)
    }
    for code, *names in UNNAMED:
        named.setdefault(code, (names[0], names[1], names[2]))
    for code in sorted(named):
        yield code, " ".join(sorted(longer.get(code, ()))), *named[code]


def _own_name(code: str) -> str:
    return (Locale(code).languages.get(code) or "") if localedata.exists(code) else ""


def table() -> str:
    """Return the text of the table."""
    return "".join("\t".join(row) + "\n" for row in rows())


if __name__ == "__main__":
    TABLE.write_text(table(), encoding="utf-8")
