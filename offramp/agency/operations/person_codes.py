"""The code of a participant: issue it, cancel it, and open the own page with it.

A code is four words of a list with 2,048, so it has 44 bits. It is printed on paper and asked
together with the birth year. After five wrong tries it is locked until a new one is issued.

INVARIANT: a code that nobody has takes the same steps, the same time, and the same answers as one
that somebody has, until the code and the year are both right.
"""

from __future__ import annotations

import secrets
import unicodedata
from functools import cache
from typing import Any

from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.people import person_of
from offramp.agency.cases.stated import preferred_language, stated_contents
from offramp.agency.errors import AgencyError
from offramp.agency.folder.looks import Look
from offramp.agency.folder.office import Office
from offramp.agency.folder.person_codes import MOST_WRONG, PersonCode
from offramp.agency.folder.staff import BY_CODE, PARTICIPANT
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASE, GATEWAY, needs
from offramp.agency.operations.sign_in import NOT_LISTED
from rules.errors import RequestError
from rules.frozen import frozen

WORDS_OF_A_CODE = 4
_LONGEST_TYPED = 200
_ENGLISH = "en"
_LISTS = {_ENGLISH: "english", "es": "spanish"}
_FIRST_YEAR, _LAST_YEAR = 1900, 2100
# Argon2id as for passwords (RFC 9106, second choice): 64 MiB, 3 passes, 4 lanes.
_PASSES, _MEMORY_KB, _LANES, _BYTES = 3, 64 * 1024, 4, 32


@frozen
class IssuedCode:
    """A new code of a case's participant. It is shown once, and nobody keeps it."""

    case: str
    words: tuple[str, ...]
    birth_year: int

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency person-code CASE`."""
        return {"case": self.case, "code": list(self.words), "birth_year": self.birth_year}


@frozen
class CodeState:
    """Whether a case's participant has a code. `issued` is in seconds since 1970."""

    issued: int
    issued_by: str
    is_locked: bool

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency person-code CASE --state`."""
        return {"issued": self.issued, "issued_by": self.issued_by, "locked": self.is_locked}


@needs(CASE, look="act", takes=True)
def issue_code(
    office: Office,
    actor: str,
    case: str,
    *,
    birth_year: int | None = None,
    lang: str | None = None,
) -> IssuedCode:
    """Issue a new code for a case's participant, in words of a language. An earlier code ends.

    Without `lang`, the words are in the language that the person prefers, as `language_of_code`.
    `birth_year` may be left out where the birth date is known here. Hand the code over in person,
    on paper. Raises `AgencyError` `no-such-case`, `no-birth-year`, `bad-birth-year`; `RequestError`
    `no-console`.
    """
    salt = office.person_codes.salt
    with office.transaction() as working_set:
        year = birth_year or _known_year(person_of(working_set, case).newest.birth_date)
        if year is None:
            raise AgencyError(
                "no-birth-year",
                "the person's birth date isn't known here, and the code is asked with the year",
                fix="give it with `--birth-year`",
            )
        if not _FIRST_YEAR <= year <= _LAST_YEAR:
            raise AgencyError(
                "bad-birth-year", f"`{year}` is no year of birth", fix="use four digits"
            )
        codes, wrong = office.person_codes.read()
        codes.pop(case, None)
        spoken = lang or stated_language(working_set, case) or _ENGLISH
        words = _new_words(office, spoken, {code.last_word for code in codes.values()})
        hashed = hash_code(" ".join(words), salt)
        last_word = office.person_codes.word_hash(_plain(words[-1]))
        codes[case] = PersonCode(case, hashed, last_word, year, office.clock(), actor)
        wrong.pop(hashed, None)
        office.person_codes.write(codes, wrong)
    return IssuedCode(case, words, year)


@needs(CASE, look="act")
def cancel_code(office: Office, case: str) -> bool:
    """End the code of a case's participant. Return whether there was one."""
    with office.transaction():
        return _cancel(office, case)


@needs(CASE, look="case")
def code_state(office: Office, case: str) -> CodeState | None:
    """Return whether a case's participant has a code, None without one."""
    codes, wrong = office.person_codes.read()
    code = codes.get(case)
    if code is None:
        return None
    return CodeState(code.issued, code.issued_by, wrong.get(code.hash, 0) >= MOST_WRONG)


@needs(CASE)
def knows_birth_year(office: Office, case: str) -> bool:
    """Report whether a code can be issued without the year of birth."""
    return _known_year(person_of(office.working_set(), case).newest.birth_date) is not None


@needs(CASE)
def language_of_code(office: Office, case: str) -> str:
    """Return the language of a new code's words: the one that the person prefers, or English."""
    return stated_language(office.working_set(), case) or _ENGLISH


def stated_language(working_set: WorkingSet, case: str) -> str | None:
    """Return the language that the person prefers, None if it isn't known or no page is in it."""
    stated = stated_contents(working_set, case, case_of(working_set, case))
    spoken = (preferred_language(stated) or "").partition("-")[0].lower()
    return spoken if spoken in _LISTS else None


# Before anybody is signed in


@needs(GATEWAY)
def code_salt(office: Office) -> bytes:
    """Return the salt for `hash_code`. It never leaves the agency."""
    return office.person_codes.salt


def hash_code(typed: str, salt: bytes) -> str:
    """Return the Argon2id hash of a code as somebody typed it. Raises `RequestError` `no-console`.

    Spaces, hyphens, capitals, and accents make no difference.
    """
    try:
        from argon2.low_level import Type, hash_secret_raw
    except ImportError:
        raise RequestError(
            "no-console",
            "the package that protects codes isn't installed",
            fix="in Offramp's checkout: pip install -c constraints.txt '.[console]'",
        ) from None
    text = _plain(typed[:_LONGEST_TYPED]).encode()
    return hash_secret_raw(text, salt, _PASSES, _MEMORY_KB, _LANES, _BYTES, Type.ID).hex()


@needs(GATEWAY)
def use_code(office: Office, hashed: str, birth_year: str, origin: str) -> bool | None:
    """Check a code and a birth year. Return True if both are right, None if the code is locked.

    A wrong try is counted for the code that was typed, whether anybody has it or not.
    """
    with office.transaction():
        codes, wrong = office.person_codes.read()
        code = next((each for each in codes.values() if each.hash == hashed), None)
        count = wrong.get(hashed, 0)
        if count >= MOST_WRONG:
            _note(office, code, origin, "use_code", "locked")
            return None
        is_right = code is not None and str(code.birth_year) == birth_year.strip()
        wrong = {each: number for each, number in wrong.items() if each != hashed}
        if not is_right:
            wrong[hashed] = count + 1
        office.person_codes.write(codes, wrong)
        _note(office, code, origin, "use_code", None if is_right else "wrong-secret")
        return is_right or (None if count + 1 >= MOST_WRONG else False)


@needs(GATEWAY)
def cancel_lost_code(office: Office, last_word: str, origin: str) -> bool:
    """End the code with this last word, without a sign-in. Return whether there was one.

    INVARIANT: the page that calls it shows the same, whatever this returns.
    """
    with office.transaction():
        codes, _ = office.person_codes.read()
        wanted = office.person_codes.word_hash(_plain(last_word[:_LONGEST_TYPED]))
        code = next((each for each in codes.values() if each.last_word == wanted), None)
        refused = None if code is not None else "wrong-secret"
        _note(office, code, origin, "cancel_lost_code", refused)
        return code is not None and _cancel(office, code.case)


@needs(GATEWAY)
def my_language(office: Office, code: str) -> str | None:
    """Return the language that the participant of a code prefers. None as `stated_language`.

    `code` is the hash of a code that `use_code` accepted. Raises `AgencyError` `code-ended`.
    """
    return stated_language(office.working_set(), case_of_code(office, code))


def case_of_code(office: Office, hashed: str) -> str:
    """Return the case of a code that was used. Raises `AgencyError` `code-ended`."""
    codes, wrong = office.person_codes.read()
    for code in codes.values():
        if code.hash == hashed and wrong.get(hashed, 0) < MOST_WRONG:
            return code.case
    raise AgencyError(
        "code-ended", "this code isn't valid any more", fix="ask the case manager for a new one"
    )


def note_look(
    office: Office, case: str | None, origin: str, operation: str, refused: str | None = None
) -> None:
    """Write a look of a case's participant, within a transaction of the journal."""
    office.looks.add(
        Look(
            0,
            office.clock(),
            PARTICIPANT if case is not None else NOT_LISTED,
            BY_CODE,
            origin,
            "refused" if refused else "case",
            operation,
            case,
            refused=refused,
        )
    )


def _note(
    office: Office, code: PersonCode | None, origin: str, operation: str, refused: str | None
) -> None:
    note_look(office, code.case if code is not None else None, origin, operation, refused)


def _cancel(office: Office, case: str) -> bool:
    codes, wrong = office.person_codes.read()
    code = codes.pop(case, None)
    if code is not None:
        office.person_codes.write(codes, wrong)
    return code is not None


def _new_words(office: Office, lang: str, used: set[str]) -> tuple[str, ...]:
    """Draw four words. The last one is no other code's, so that it cancels this code alone."""
    listed = _listed(lang)
    is_free = [
        word for word in listed if office.person_codes.word_hash(_plain(word)) not in used
    ] or listed
    first = [secrets.choice(listed) for _ in range(WORDS_OF_A_CODE - 1)]
    return (*first, secrets.choice(is_free))


def _known_year(birth_date: str | None) -> int | None:
    year = (birth_date or "")[:4]
    return int(year) if year.isdigit() and len(year) == 4 else None


def _plain(text: str) -> str:
    """Return words without accents, capitals, and anything between them but one space."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(
        sign if sign.isalpha() else " " for sign in letters if not unicodedata.combining(sign)
    )
    return " ".join(kept.split())


@cache
def _listed(lang: str) -> list[str]:
    """Return the 2,048 words of a language (BIP 39). Each is told apart by its first letters."""
    from mnemonic import Mnemonic

    words = Mnemonic(_LISTS.get(lang, _LISTS[_ENGLISH])).wordlist
    return [unicodedata.normalize("NFC", word) for word in words]
