"""The codes with which participants open their own page, sealed in the journal's database.

No code is kept: only its Argon2id hash, and a keyed hash of its last word, with which somebody who
holds a lost code cancels it. Wrong tries are counted for every code that was typed, also for one
that nobody has, so that both are locked alike. See docs/decisions/0140-a-person-s-own-page.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from offramp.agency.folder.sealed_values import SealedValues
from rules.frozen import frozen

MOST_WRONG = 5
_NAME = "person codes"
_MOST_TRIED = 2_000


@frozen
class PersonCode:
    """The code of one case's participant.

    `hash` is of the four words, and `last_word` of the last one. `birth_year` is asked with the
    code. `issued` is in seconds since 1970.
    """

    case: str
    hash: str
    last_word: str
    birth_year: int
    issued: int
    issued_by: str

    def as_json(self) -> dict[str, Any]:
        """Return the form that is sealed."""
        return {
            "case": self.case,
            "hash": self.hash,
            "last_word": self.last_word,
            "birth_year": self.birth_year,
            "issued": self.issued,
            "issued_by": self.issued_by,
        }


class PersonCodes:
    """The codes in an agency's journal, and the wrong tries by the hash of what was typed."""

    def __init__(self, values: SealedValues) -> None:
        self._values = values

    @property
    def salt(self) -> bytes:
        """The salt of this agency's hashes, known to nobody else: a code is found by its hash."""
        return self._values.mac(b"person codes")[:16]

    def word_hash(self, word: str) -> str:
        """Return the keyed hash of a last word."""
        return self._values.mac(b"last word\0" + word.encode()).hex()

    def read(self) -> tuple[dict[str, PersonCode], dict[str, int]]:
        """Return every code by its case, and the number of wrong tries by hash."""
        stored = self._values.read(_NAME) or {"codes": [], "wrong": {}}
        codes = {code["case"]: PersonCode(**code) for code in stored["codes"]}
        return codes, dict(stored["wrong"])

    def write(self, codes: Mapping[str, PersonCode], wrong: Mapping[str, int]) -> None:
        """Replace all codes and counts, within a transaction of the journal.

        The oldest counts of codes that nobody has are forgotten first.
        """
        issued = {code.hash for code in codes.values()}
        excess = max(0, len(wrong) - _MOST_TRIED)
        forgotten = [hashed for hashed in wrong if hashed not in issued][:excess]
        kept = {hashed: count for hashed, count in wrong.items() if hashed not in forgotten}
        self._values.write(
            _NAME, {"codes": [code.as_json() for code in codes.values()], "wrong": kept}
        )
