"""JSON text to Python values, with exact numbers and bounds on size and depth."""

from __future__ import annotations

import json
from decimal import Decimal
from functools import lru_cache
from itertools import count

from rules.errors import FactsError, Place
from rules.input.printing import printable

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from rules.input.fast_json import Parser

LARGEST = 1_000_000  # characters of JSON
DEEPEST = 32  # levels, as in `exchange.standards.i_json`
LONGEST_NUMBER = 40  # characters
_OFTEN = 1_000  # texts before the fast parser is made, which takes as long as a thousand texts
_texts = count(1)  # the texts of this process


def parse_json(text: str, subject: str = "the facts") -> Any:
    """Parse JSON text. Raises `FactsError`, which calls the text `subject`.

    Numbers are exact. A duplicate key, NaN, and anything too large or too deep are refused.
    """
    if len(text) > LARGEST:
        raise FactsError(
            "too-large", f"{subject} have over {LARGEST} characters", fix="send one case at a time"
        )
    parse = _fast_parser() if next(_texts) > _OFTEN else None
    value = parse(text) if parse is not None else None
    return parse_json_closely(text, subject) if value is None else value


@lru_cache(maxsize=1)
def _fast_parser() -> Parser | None:
    from rules.input.fast_json import make_fast_parser  # few processes need it

    return make_fast_parser(read_json_number, LONGEST_NUMBER, DEEPEST)


def parse_json_closely(text: str, subject: str = "the facts") -> Any:
    """Parse JSON text as `parse_json` does, with Python's own parser. It is the meaning of that.

    Raises `FactsError`, which calls the text `subject`.
    """
    if not text.strip():
        raise FactsError("not-json", f"{subject} are empty", fix="send `{}` if nothing is known")
    too_deep = FactsError(
        "too-deep", f"{subject} nest too deep to be facts", fix="check the brackets"
    )
    try:
        value = json.loads(
            text,
            object_pairs_hook=_read_pairs,
            parse_constant=_refuse_constant,
            parse_float=read_json_number,
            parse_int=read_json_number,
        )
    except json.JSONDecodeError as error:
        reason = error.msg.replace("'", "`")
        raise FactsError(
            "not-json",
            f"{subject} are not JSON: {reason[0].lower()}{reason[1:]}",
            at=Place(line=error.lineno, column=error.colno),
            fix="check commas, quotes and brackets near here",
        ) from None
    except RecursionError:
        raise too_deep from None
    if _is_deep(value):  # the depth at which `json` itself stops differs between Pythons
        raise too_deep
    return value


def _read_pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in items:
        if key in result:
            raise FactsError(
                "duplicate-key",
                f"the key `{printable(key)}` appears twice",
                at=Place(path=printable(key)),
                fix="keep one of them",
            )
        result[key] = value
    return result


def _refuse_constant(token: str) -> NoReturn:
    raise FactsError("not-json", f"`{token}` is not JSON", fix="leave out what is not known")


def read_json_number(token: str) -> int | Decimal:
    if len(token) > LONGEST_NUMBER:
        raise FactsError(
            "wrong-value",
            f"the number `{token[:12]}…` has {len(token)} digits",
            fix="check the number",
        )
    return int(token) if token.lstrip("-").isdigit() else Decimal(token)


def _is_deep(value: Any) -> bool:
    waiting = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, (dict, list)):
            if depth > DEEPEST:
                return True
            inner = part.values() if isinstance(part, dict) else part
            waiting += [(item, depth + 1) for item in inner]
    return False
