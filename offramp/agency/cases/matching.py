"""Compare two descriptions of people: name, birth date, and phone number. Pure.

Names are compared without accents, spelling, or order. A match is a possibility that a person must
look at, and never a finding. It is better to show one possibility too many than to miss one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

from offramp.names import latin_name
from offramp.phone_numbers import read_phone
from rules.frozen import cached_property, frozen

if TYPE_CHECKING:
    from nicknames import NickNamer

# The reasons for a match, the strongest first.
SAME_NAME, LIKE_NAME, PART_OF_NAME = "same_name", "like_name", "part_of_name"
SAME_DATE, SWAPPED_DATE, LIKE_DATE = "same_date", "swapped_date", "like_date"
SAME_PHONE = "same_phone"
_STRENGTH = {
    SAME_DATE: 8,
    SAME_PHONE: 6,
    SAME_NAME: 6,
    SWAPPED_DATE: 5,
    LIKE_NAME: 4,
    LIKE_DATE: 3,
    PART_OF_NAME: 1,
}

# Words between the parts of a name, which people leave out or join to the next one.
# fmt: off
_PARTICLES = frozenset((
    "al", "bin", "da", "das", "de", "del", "della", "den", "der", "di", "do", "dos", "e",
    "el", "ibn", "la", "las", "los", "mac", "mc", "san", "santa", "van", "von", "y", "zu",
))
# fmt: on
_SUFFIXES = frozenset(("jr", "sr", "ii", "iii", "iv"))
# Short forms of Spanish names. Those of English names are in the package `nicknames`.
_SPANISH_SHORT_FORMS = """
alejandra ale sandra | alejandro ale alex | alberto beto | antonio tono tony | carmen menchu
concepcion concha chita | consuelo chelo | dolores lola | eduardo lalo edu | enrique quique kike
francisca paca pancha | francisco paco pancho cisco | gilberto beto | graciela chela
gregorio goyo | guadalupe lupe lupita | guillermo memo willy | humberto beto | ignacia nacha
ignacio nacho | isabel chabela isa | jesus chuy chucho | jose pepe chepe | josefa pepa
josefina fina pepa | juan juancho | leticia lety | luis lucho | manuel manny manolo memo
margarita mago rita | maria mari | mercedes meche | miguel mike | rafael rafa | ramon moncho
refugio cuca cuco | roberto beto | rodolfo fito rudy | rosario chayo charo | salvador chava
santiago chago santi | teresa tere | vicente chente
"""


@frozen
class Description:
    """A person as one record describes them. Every member may be unknown."""

    given_name: str | None = None
    family_name: str | None = None
    birth_date: str | None = None
    phone: str | None = None

    @property
    def name(self) -> str | None:
        """The whole name as people write it, None if no part of it is known."""
        return " ".join(part for part in (self.given_name, self.family_name) if part) or None

    @property
    def is_complete(self) -> bool:
        """True if name and birth date are known, so that another person can be told apart."""
        return len(self.words) > 1 and self.birth_date is not None

    @cached_property
    def words(self) -> tuple[tuple[str, ...], ...]:
        """The words of the name, each with its spellings, as `name_words` returns them."""
        return name_words(self.name or "")

    @cached_property
    def digits(self) -> str:
        """The digits of the phone number that identify it, without an extension."""
        number = read_phone(self.phone or "")
        return number.identity if number is not None else ""


def compare(first: Description, second: Description) -> tuple[str, ...]:
    """Return the reasons why two descriptions may be of one person, empty if they are not.

    A person decides on the reasons. Unknown members speak neither for nor against.
    """
    alike, exact, fewest, most = _compare_words(first.words, second.words)
    dates = _compare_dates(first.birth_date, second.birth_date)
    phone = [SAME_PHONE] if first.digits and first.digits == second.digits else []
    is_like = fewest > 0 and alike == fewest and (fewest > 1 or most == 1)
    name = []
    if is_like:
        name = [SAME_NAME if exact == most else LIKE_NAME]
    elif alike:
        name = [PART_OF_NAME]
    if phone:
        is_match = True
    elif dates in (SAME_DATE, SWAPPED_DATE):
        # Twins share a birth date and a family name: a person tells them apart.
        is_match = alike > 0 or fewest == 0
    elif dates == LIKE_DATE:
        is_match = is_like or alike > 1
    elif dates is None:
        is_match = is_like
    else:
        is_match = exact == most and most > 2
    if not is_match:
        return ()
    reasons = [*name, *([dates] if dates else []), *phone]
    return tuple(reason for reason in reasons if reason in _STRENGTH)


def strength(reasons: Iterable[str]) -> int:
    """Return how much speaks for a match, to list the likeliest first."""
    return sum(_STRENGTH[reason] for reason in reasons)


# Names


@lru_cache(maxsize=65_536)
def name_words(name: str) -> tuple[tuple[str, ...], ...]:
    """Return the words of a name in small Latin letters, each with its possible spellings.

    Apostrophes join, hyphens part. A particle such as `de la` is left out, and also joined to the
    word after it. A name of particles alone keeps them.
    """
    parts = [part for part in re.findall(r"[a-z]+", latin_name(name)) if part not in _SUFFIXES]
    spelled: list[tuple[str, ...]] = []
    before = ""
    for part in parts:
        if part in _PARTICLES:
            before += part
            continue
        spelled.append((part, before + part) if before else (part,))
        before = ""
    if before and spelled:
        spelled[-1] = (*spelled[-1], spelled[-1][-1] + before)
    return tuple(spelled) or tuple((part,) for part in parts)


def is_like_word(first: str, second: str) -> bool:
    """Report whether two words of a name may be one: misspelled, an initial, or a short form."""
    if first == second:
        return True
    shorter, longer = sorted((first, second), key=len)
    if len(shorter) == 1:
        return longer.startswith(shorter)
    if len(longer) < 4:
        return False
    allowed = 2 if len(shorter) >= 8 else 1
    if len(longer) - len(shorter) <= allowed:
        from rapidfuzz.distance import OSA

        if OSA.distance(first, second, score_cutoff=allowed) <= allowed:
            return True
    return not _short_forms(first).isdisjoint(_short_forms(second) | {second})


@lru_cache(maxsize=16_384)
def _short_forms(spelling: str) -> frozenset[str]:
    """Return a word's short forms and the names that it is short for."""
    forms = {spelling} | set(_spanish_short_forms().get(spelling, ()))
    english = _nicknamer()
    return frozenset(forms | english.nicknames_of(spelling) | english.canonicals_of(spelling))


@lru_cache(maxsize=1)
def _nicknamer() -> NickNamer:
    from nicknames import NickNamer

    return NickNamer()


@lru_cache(maxsize=1)
def _spanish_short_forms() -> dict[str, set[str]]:
    forms: dict[str, set[str]] = {}
    for row in re.split(r"[|\n]", _SPANISH_SHORT_FORMS):
        whole, *short = row.split() or [""]
        for form in short:
            forms.setdefault(whole, set()).add(form)
            forms.setdefault(form, set()).add(whole)
    return forms


def _compare_words(
    first: Sequence[Sequence[str]], second: Sequence[Sequence[str]]
) -> tuple[int, int, int, int]:
    """Return how many words are alike, how many are the same, and the fewest and most words.

    Each word counts once, in any order. Names that are written apart or together are alike.
    """
    fewest, most = sorted((len(first), len(second)))
    exact = 0
    left, right = list(first), list(second)
    for spellings in first:
        match = next((spelled for spelled in right if not set(spellings).isdisjoint(spelled)), None)
        if match is not None:
            left.remove(spellings)
            right.remove(match)
            exact += 1
    alike = exact
    for spellings in left:
        match = next((spelled for spelled in right if _is_like(spellings, spelled)), None)
        if match is not None:
            right.remove(match)
            alike += 1
    if len(first) != len(second) and _differs_by_one(_joined(first), _joined(second)):
        alike = fewest
    return alike, exact, fewest, most


def _is_like(first: Iterable[str], second: Iterable[str]) -> bool:
    return any(is_like_word(spelling, spelled) for spelling in first for spelled in second)


def _differs_by_one(first: str, second: str) -> bool:
    from rapidfuzz.distance import OSA

    return OSA.distance(first, second, score_cutoff=1) <= 1


def _joined(spelled: Sequence[Sequence[str]]) -> str:
    return "".join(spellings[-1] for spellings in spelled)


# Dates


def _compare_dates(first: str | None, second: str | None) -> str | None:
    """Return how two days are alike, `different`, or None if one is unknown."""
    if first is None or second is None:
        return None
    if first == second:
        return SAME_DATE
    try:
        day, twin = date.fromisoformat(first), date.fromisoformat(second)
    except ValueError:
        return "different"
    if day.year == twin.year and (day.month, day.day) == (twin.day, twin.month):
        return SWAPPED_DATE
    same = (day.year == twin.year) + (day.month == twin.month) + (day.day == twin.day)
    return LIKE_DATE if _differs_by_one(first, second) or same == 2 else "different"
