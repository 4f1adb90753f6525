"""How finely an amount is written: one limit for facts, parameters, ranges, and conditions."""

from __future__ import annotations

from decimal import Decimal

LARGEST_NUMBER = 10**12 - 1  # before the point
MOST_DIGITS = 6  # after the point
# Units that have a smallest part, with its digits: nobody owes a tenth of a cent.
DIGITS_OF_UNIT = {"USD": 2}


def fits(number: int | Decimal, unit: str | None = None) -> bool:
    """Return whether a number has at most 12 digits before the point and 6 after it.

    An amount in dollars has at most 2 after it.
    """
    return -LARGEST_NUMBER - 1 < number < LARGEST_NUMBER + 1 and (
        isinstance(number, int) or number == round(number, digits_after_point(unit))
    )


def digits_after_point(unit: str | None) -> int:
    """Return how many digits after the point an amount in this unit may have."""
    return DIGITS_OF_UNIT.get(unit or "", MOST_DIGITS)


def fault_of(number: int | Decimal, unit: str | None = None) -> tuple[str, str]:
    """Return what is wrong with a number that does not fit, to follow its name, and the fix."""
    if fits(number) and unit in DIGITS_OF_UNIT:
        digits = DIGITS_OF_UNIT[unit]
        return f"is {number} {unit}, with over {digits} digits after the point", "round it to cents"
    return f"has over 12 digits before the point or {MOST_DIGITS} after it", "round it"
