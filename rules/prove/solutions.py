"""Solutions of the solver as facts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import z3

from rules.input.citations import GivenCitation
from rules.input.vocabulary import nested
from rules.prove.formulas import Formulas

_MILLIONTH = Decimal("0.000001")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def facts_of(formulas: Formulas, model: z3.ModelRef) -> dict[str, Any]:
    """Return a solution as facts arrive."""
    facts: dict[str, Any] = {}
    for path, size in formulas.sizes.items():
        facts[path] = [{} for _ in range(model.eval(size, model_completion=True).as_long())]
    for path, unknown in formulas.unknowns.items():
        happened = formulas.happened.get(path)
        if happened is not None and not z3.is_true(model.eval(happened, model_completion=True)):
            continue
        value = typed_value(formulas, path, model.eval(unknown, model_completion=True))
        if isinstance(value, GivenCitation):
            value = value.given
        elif isinstance(value, date):  # a moment is one too
            value = value.isoformat()
        start, bracket, rest = path.partition("[")
        if not bracket:
            facts[path] = value
        else:
            place, _, name = rest.partition("].")
            if int(place) < len(facts[start]):
                facts[start][int(place)][name] = value
    return nested(facts)


def typed_value(formulas: Formulas, path: str, value: Any) -> Any:
    """Return an unknown's value in a solution, of its fact's type."""
    match formulas.facts[path].type:
        case "bool":
            return bool(z3.is_true(value))
        case "choice":
            return formulas.word(value.as_long())
        case "int":
            return value.as_long()
        case "decimal":
            return decimal_of(value)
        case "date":
            return date.fromordinal(value.as_long())
        case "timestamp":
            fraction = value.as_fraction()
            micros = fraction.numerator * 1_000_000 // fraction.denominator
            return _EPOCH + timedelta(microseconds=micros)
        case "citation":
            citation: GivenCitation | None = formulas.citations[path][value.as_long()]
            return citation
    return formulas.word(value.as_long()) or "another text"


def decimal_of(value: Any) -> Decimal:
    """Return a fraction of the solver as a number with six places at most."""
    fraction = value.as_fraction()
    number = Decimal(fraction.numerator) / Decimal(fraction.denominator)
    return Decimal(format(number.quantize(_MILLIONTH), "f").rstrip("0").rstrip("."))
