"""Values as conformance files write them: `{"int": 1}`, `{"double": "1.0"}`, `{"list": [...]}`; type and value in one.

The form is that of the standard's suite as the reference material has it, and of our own three-valued cases, where
`{"unknown": true}` stands for what nobody has recorded.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from rules._cel_time import SECOND, Duration, Timestamp
from rules.errors import EvaluationError
from rules.expression import evaluate
from rules.unknown import UNKNOWN

ERROR = {"error": True}
UNDETERMINED = {"unknown": True}


def value_of(tagged: dict[str, Any]) -> Any:
    """A tagged value as the facts would hold it; an unknown one is null."""
    ((tag, value),) = tagged.items()
    match tag:
        case "list":
            return [value_of(item) for item in value]
        case "map":
            return {value_of(key): value_of(item) for key, item in value}
        case "double":
            return float(value)
        case "duration":
            seconds, nanoseconds = value
            return Duration(seconds * SECOND + nanoseconds)
        case "unknown":
            return None
    return value


def tagged(value: Any) -> dict[str, Any]:
    """A result in its tagged form, in which `1`, `1.0` and `true` differ."""
    match value:
        case None:
            return {"null": None}
        case bool():
            return {"bool": value}
        case int():
            return {"int": value}
        case float():
            return {"double": repr(value)}
        case str():
            return {"string": value}
        case list():
            return {"list": [tagged(item) for item in value]}
        case dict():
            return {
                "map": sorted(
                    ([tagged(key), tagged(item)] for key, item in value.items()), key=json.dumps
                )
            }
        case datetime():
            return tagged(Timestamp.of(value))
        case timedelta():
            return tagged(Duration.of(value))
        case Timestamp():
            return {"timestamp": list(divmod(value.nanoseconds, SECOND))}
        case Duration():
            return {"duration": list(divmod(value.nanoseconds, SECOND))}
    assert value is UNKNOWN, f"{value!r} is no result"
    return UNDETERMINED


def expected_of(case: dict[str, Any]) -> dict[str, Any]:
    """What a case asks for, in the form in which `result_of` answers."""
    if case.get("error"):
        return ERROR
    if case.get("unknown"):
        return UNDETERMINED
    return tagged(value_of(case["value"]))


def result_of(expression: str, bindings: dict[str, Any]) -> dict[str, Any]:
    try:
        return tagged(
            evaluate(expression, {name: value_of(value) for name, value in bindings.items()})
        )
    except EvaluationError:
        return ERROR
