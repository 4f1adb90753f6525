"""An amount that is more likely a slip of the decimal point, such as a ton of a drug. Pure.

The rules read a large amount as any other. So a person confirms it before it is told or kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from offramp.agency.cases.pack_terms import PackTerms, detail_names
from rules.frozen import frozen

# The largest usual amounts by unit. A diversion program is for small ones.
_USUAL = {"g": 1_000, "dosage units": 1_000}
_WORDS = {
    "en": "{name} is `{number} {unit}`, an unusual amount",
    "es": "{name}: `{number} {unit}` es una cantidad inusual",
}
# How an amount over the usual is marked beside it.
_MARKS = {"en": "an unusual amount", "es": "una cantidad inusual"}


@frozen
class OddAmount:
    """An amount that is over the usual. `names` are its detail, in English and Spanish.

    `path` is its fact, in a list with the entry's number.
    """

    path: str
    names: tuple[str, str]
    number: float
    unit: str

    def text(self, language: str) -> str:
        """Return the sentence that asks for a second look."""
        name = self.names[language == "es"]
        return _WORDS[language].format(name=name, number=f"{self.number:,g}", unit=self.unit)


def odd_amounts(stated: Iterable[tuple[str, Any]], terms: PackTerms) -> tuple[OddAmount, ...]:
    """Return the stated amounts over the usual, also in the entries of lists."""
    return tuple(
        OddAmount(name, detail_names(name, terms), number, unit)
        for path, value in stated
        for name, number, unit in _amounts(path, value, terms)
        if _is_odd(number, unit)
    )


def amount_text(number: int | float | str, unit: str, label: str, language: str) -> str:
    """Return an amount in words: `2,400 g (an unusual amount)`.

    `label` is the unit in the language. A text that is no number stays as it is.
    """
    try:
        exact = Decimal(str(number))
    except InvalidOperation:
        return f"{number} {label}"
    text = f"{exact:,f} {label}"
    return f"{text} ({_MARKS[language]})" if _is_odd(exact, unit) else text


def _is_odd(number: float | Decimal, unit: str) -> bool:
    return number > _USUAL.get(unit, float("inf"))


def _amounts(name: str, value: Any, terms: PackTerms) -> Iterator[tuple[str, float, str]]:
    """Yield each amount of a fact with its name, in a list with the entry's place, and its unit."""
    if isinstance(value, list | tuple):
        for place, entry in enumerate(value):
            for member, inner in entry.items() if isinstance(entry, Mapping) else ():
                yield from _amounts(f"{name}[{place}].{member}", inner, terms)
        return
    fact = terms.fact(name)
    if fact is not None and fact.unit is not None:
        try:
            yield name, float(value), fact.unit
        except (TypeError, ValueError):
            return
