"""The values of facts and of other answers in the words of a page."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from offramp.agency.cases.pack_terms import PackTerms
from offramp.agency.fact_words import fact_text
from rules.author.spoken_dates import spoken_day
from rules.frozen import frozen
from rules.input.values import iso_day

NOT_KNOWN = "Not known yet"


@frozen
class ValueWords:
    """Puts values into English words. `zone` is the program's, in which people read times."""

    terms: PackTerms
    zone: ZoneInfo

    def text(self, path: str, value: Any) -> str:
        """Return the value of a fact or of another answer. A list has an entry after the other."""
        if value is None:
            return NOT_KNOWN
        if isinstance(value, str) and (day := iso_day(value)) is not None:
            return spoken_day(day, "en")
        if isinstance(value, (list, tuple)) and not value:
            return "None"
        text = fact_text(path, value, "en", self.zone, self.terms)
        text = text.replace(f" ({self.zone.key})", "")
        return text[:1].upper() + text[1:] if isinstance(value, bool) else text

    def label(self, path: str, word: object) -> str:
        """Return a choice, or several, by their labels, with a capital."""
        words = word if isinstance(word, (list, tuple)) else (word,)
        text = ", ".join(self.terms.label(path, str(each), "en") for each in words)
        return text[:1].upper() + text[1:]
