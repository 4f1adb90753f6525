"""Read a phone number as people write it: to compare it, and to dial it (RFC 3966)."""

from __future__ import annotations

import re

from rules.frozen import frozen

# `x3`, `ext. 3`, `extension 3`, or `#3` at the end of a number.
_EXTENSION = re.compile(r"\s*[;,]?\s*(?:x|ext\.?|extension|#)\s*\.?\s*([0-9]{1,6})\s*$", re.I)
_HYPHENS = re.compile(r"[\u2010-\u2015]")
_NUMBER = re.compile(r"\+?[0-9 ()./\u2010-\u2015-]+")
COUNTRY = "1"
NATIONAL_DIGITS = 10
_FEWEST_COMPARED = 7
_ABROAD = "011"
DIGITS = "0123456789"
_LONGEST = 24


@frozen
class PhoneNumber:
    """A phone number. `digits` are its own, without a `+`. `extension` is empty without one.

    `has_country` is true where the digits begin with the code of a country.
    """

    digits: str
    extension: str
    has_country: bool

    @property
    def identity(self) -> str:
        """The digits by which two spellings are compared, empty where too few are known.

        An extension isn't among them: colleagues and families share a number.
        """
        return self.digits[-NATIONAL_DIGITS:] if len(self.digits) >= _FEWEST_COMPARED else ""

    @property
    def address(self) -> str:
        """The address that a link dials, such as `tel:+15055550142;ext=3`.

        A number without its area code has no country either. It is dialed as it is.
        """
        plus = "+" if self.has_country else ""
        extension = f";ext={self.extension}" if self.extension else ""
        return f"tel:{plus}{self.digits}{extension}"


def read_phone(text: str) -> PhoneNumber | None:
    """Return the phone number that a text is, None if it is none.

    A number of ten digits is of the United States, with or without the country's `1`.
    """
    found = _EXTENSION.search(text)
    number, extension = (text[: found.start()], found[1]) if found else (text, "")
    number = number.strip()
    digits = "".join(sign for sign in number if sign in DIGITS)
    if not digits or _NUMBER.fullmatch(number) is None:
        return None
    if number.startswith("+"):
        return PhoneNumber(digits, extension, True)
    if digits.startswith(_ABROAD) and len(digits) > NATIONAL_DIGITS + 1:
        return PhoneNumber(digits.removeprefix(_ABROAD), extension, True)
    if len(digits) == NATIONAL_DIGITS:
        return PhoneNumber(COUNTRY + digits, extension, True)
    is_national = len(digits) == NATIONAL_DIGITS + 1 and digits.startswith(COUNTRY)
    return PhoneNumber(digits, extension, is_national)


def spell_phone(text: str) -> str | None:
    """Return a whole phone number as records state it, None for a text that is none.

    Hyphens are those of a keyboard, and an extension is `x3`.
    """
    number = read_phone(text)
    if number is None or not number.identity:
        return None
    found = _EXTENSION.search(text)
    main = _HYPHENS.sub("-", text[: found.start()] if found else text).strip()
    if len(main) > _LONGEST or not main.startswith(("+", "(", *DIGITS)):
        return None
    return f"{main} x{number.extension}" if number.extension else main


def call_address(text: str) -> str:
    """Return the address of a link that calls a number, as people wrote it."""
    number = read_phone(text)
    return number.address if number is not None else "tel:"
