"""The form of an invitation code, which a hub's operator reads out and an agency types.

A code has 16 letters and digits (80 bits) in groups of four. Capitals, spaces, and dashes don't
matter, and letters that sound or look like a digit are read as that digit.
"""

from __future__ import annotations

from rules.errors import RequestError
from rules.input.printing import printable

LENGTH = 16
# Crockford's base 32: without letters that could be another letter or a digit.
_STANDARD = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_SPOKEN = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TO_SPOKEN = str.maketrans(_STANDARD, _SPOKEN)
_AS_HEARD = str.maketrans("OIL", "011", " -\N{EN DASH}\N{HYPHEN}")
# The spelling alphabet of ICAO, for the letters that a code has.
_SPELLED = {
    word[0]: word
    for word in (
        *("Alfa", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "Juliett"),
        *("Kilo", "Mike", "November", "Papa", "Quebec", "Romeo", "Sierra", "Tango", "Victor"),
        *("Whiskey", "X-ray", "Yankee", "Zulu"),
    )
}
_FIX = (
    "type the whole code, such as `7K2M-9QXR-04WT-HB5D`, or ask the hub's operator to read it again"
)


def spoken_code(base32: str) -> str:
    """Return a code for the telephone from its standard base 32, in groups of four."""
    spoken = base32.translate(_TO_SPOKEN)
    return "-".join(spoken[at : at + 4] for at in range(0, len(spoken), 4))


def spelled_code(code: str) -> str:
    """Return a code as people read it by telephone: `7 Kilo 2 Mike, 9 Quebec …`."""
    groups = (" ".join(_SPELLED.get(sign, sign) for sign in group) for group in code.split("-"))
    return ", ".join(groups)


def heard_code(code: str) -> str:
    """Return a code as it was heard: without case, spaces, and dashes, O as 0, I and L as 1."""
    return code[:200].upper().translate(_AS_HEARD)


def check_code_form(code: str) -> None:
    """Check that a typed code is whole. Raises `RequestError` `wrong-code`."""
    heard, shown = heard_code(code), printable(code)[:40]
    strange = next((letter for letter in heard if letter not in _SPOKEN), None)
    if strange is not None:
        raise RequestError(
            "wrong-code",
            f"`{shown}` is no invitation code: no code has `{printable(strange)}`",
            fix=_FIX,
        )
    if len(heard) != LENGTH:
        why = "cut off" if len(heard) < LENGTH else "too long"
        raise RequestError(
            "wrong-code",
            f"the invitation code `{shown}` is {why}: it has {len(heard)} letters and digits, and "
            f"a whole one has {LENGTH}",
            fix=_FIX,
        )
