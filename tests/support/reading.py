"""How hard a page is to read, and which words it should not have (CONSOLE.md, section 7)."""

from __future__ import annotations

import re
from collections.abc import Iterable

from rules.frozen import frozen

MOST_WORDS = 20  # of a sentence
PLAIN_GRADE = 5.0  # of pages for participants and officers
# Words to avoid on every page, by language. Of the person's own page, also "client".
AVOIDED = {
    "en": re.compile(
        r"(?<!\w)(?:disclos\w*|grants?|handles?|adjudicat\w*|subjects?|non-compliant|failed|refused"
        r"|abuse\w*|addicts?|addict\w+|dirty|violations?|he|she|his|hers?|him)(?!\w)",
        re.IGNORECASE,
    ),
    "es": re.compile(
        r"(?<!\w)(?:adict\w+|abus\w+|incumplid\w+|infracci\w+|fracas\w+|tú|tu|tus|cliente\w*)(?!\w)",
        re.IGNORECASE,
    ),
}
_WORD = re.compile(r"[^\W\d_][^\W\d_’']*")


@frozen
class Level:
    """The Flesch-Kincaid grade of texts, and the sentences that are too long."""

    grade: float
    long: tuple[str, ...]


def reading_level(texts: Iterable[str]) -> Level:
    """Return the level of the texts of a page. A title, a label, and a colon end a sentence.

    Texts of fewer than three words are no sentences.
    """
    sentences = [
        sentence
        for text in texts
        for sentence in re.split(r"(?<=[.!?:;])\s+", text)
        if len(_WORD.findall(sentence)) > 2
    ]
    words = [word for sentence in sentences for word in _WORD.findall(sentence)]
    if not words:
        return Level(0.0, ())
    syllables = sum(map(_syllables, words))
    grade = 0.39 * len(words) / len(sentences) + 11.8 * syllables / len(words) - 15.59
    long = tuple(each for each in sentences if len(_WORD.findall(each)) > MOST_WORDS)
    return Level(round(grade, 1), long)


def _syllables(word: str) -> int:
    word = word.casefold()
    count = len(re.findall(r"[aeiouyáéíóúü]+", word))
    is_silent = word.endswith("e") and not word.endswith("le") and count > 1
    return max(1, count - is_silent)


def words_to_avoid(texts: Iterable[str], lang: str) -> list[str]:
    """Return the texts with a word that no page should have."""
    return [text for text in texts if AVOIDED[lang].search(text)]
