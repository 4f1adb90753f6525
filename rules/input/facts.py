"""Facts as they arrive to facts as conditions read them: known ones only, by path, each of its type.

What holds afterwards: every path is in the vocabulary, every value has its type and lies in its range; null and absent are
both simply not there; dates are `date`, timestamps `datetime` in UTC, numbers int or Decimal, lists tuples of records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Container, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from math import ceil, floor
from typing import Any, NoReturn

from rules.errors import FactsError, Place, nearest
from rules.frozen import frozen
from rules.input.vocabulary import Fact, Vocabulary

LARGEST = 1_000_000  # characters of JSON
DEEPEST = 50
LONGEST_TEXT = 1_000
LONGEST_LIST = 1_000
LARGEST_NUMBER = 10**12 - 1  # before the point
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.0+)?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)


@frozen
class Facts:
    """`known` by path (a list's records by field name); `attested` outcomes of decisions, as given."""

    known: Mapping[str, Any]
    attested: Mapping[str, str]

    def digest(self) -> str:
        """SHA-256 over the known facts in canonical form, so that spelling and order don't matter."""
        import hashlib  # OpenSSL loads with it, and an answer in words needs no digest

        canonical = json.dumps(
            {
                "decisions": dict(self.attested),
                "facts": {path: plain(value) for path, value in self.known.items()},
            },
            sort_keys=True,
            separators=(",", ":"),
        )
        return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def parse_json(text: str, what: str = "the facts") -> Any:
    """JSON text to Python values: exact numbers, no duplicate keys, no NaN, nothing too large or too deep."""
    if len(text) > LARGEST:
        raise FactsError(
            "too-large", f"{what} have over {LARGEST} characters", fix="send one case at a time"
        )
    if not text.strip():
        raise FactsError("not-json", f"{what} are empty", fix="send `{}` if nothing is known")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in items:
            if key in result:
                raise FactsError(
                    "duplicate-key",
                    f"the key `{printable(key)}` stands twice",
                    at=Place(path=printable(key)),
                    fix="keep one of them",
                )
            result[key] = value
        return result

    def refuse(token: str) -> NoReturn:
        raise FactsError("not-json", f"`{token}` is not JSON", fix="leave out what is not known")

    def number(token: str) -> Any:
        if len(token) > 40:
            raise FactsError(
                "wrong-value",
                f"the number `{token[:12]}…` has {len(token)} digits",
                fix="check the number",
            )
        return int(token) if token.lstrip("-").isdigit() else Decimal(token)

    too_deep = FactsError("too-deep", f"{what} nest too deep to be facts", fix="check the brackets")
    try:
        value = json.loads(
            text,
            object_pairs_hook=pairs,
            parse_constant=refuse,
            parse_float=number,
            parse_int=number,
        )
    except json.JSONDecodeError as error:
        reason = error.msg.replace("'", "`")
        message = f"{what} are not JSON: {reason[0].lower()}{reason[1:]}"
        raise FactsError(
            "not-json",
            message,
            at=Place(line=error.lineno, column=error.colno),
            fix="check commas, quotes and brackets near here",
        ) from None
    except RecursionError:
        raise too_deep from None
    if _is_deep(value):  # how deep `json` itself goes is each Python's own
        raise too_deep
    return value


def _is_deep(value: Any) -> bool:
    waiting = [(value, 1)]
    while waiting:
        part, depth = waiting.pop()
        if isinstance(part, (dict, list)):
            if depth > DEEPEST:
                return True
            waiting += [
                (one, depth + 1) for one in (part.values() if isinstance(part, dict) else part)
            ]
    return False


def read_facts(given: Any, vocabulary: Vocabulary) -> Facts:
    """Facts as `json.loads` gives them. Raises `FactsError` naming the path of what is wrong."""
    if not isinstance(given, dict):
        raise FactsError(
            "wrong-shape",
            f"the facts are {kind_of(given)}, not an object",
            fix="write them as `{ … }`",
        )
    table: _Table | None = vocabulary.__dict__.get("_table")
    if table is None:
        table = vocabulary.__dict__["_table"] = _table(vocabulary.tree)
    known: dict[str, Any] = {}
    _level("", given, table, vocabulary, known)
    return Facts(known, _attested(given.get("decisions")))


# Reading costs more than deciding, so it goes by a table made once for a vocabulary, and what is plainly right passes with as
# little as it takes: a value of the commonest class for its fact that is among the right ones. All else is looked at closely.
_Reader = Callable[[Fact, str, Any], Any]
_Entry = tuple[
    type, Container[Any], str, tuple[_Reader, Fact]
]  # the class, the right values, the path, a closer look
_Table = dict[str, Any]  # by name: of a fact its entry, of a group the table of what is in it


def _table(level: Mapping[str, Any]) -> _Table:
    return {
        key: _entry(below) if isinstance(below, Fact) else _table(below)
        for key, below in level.items()
    }


def _entry(fact: Fact) -> _Entry:
    match fact.type:
        case "bool":
            return bool, (False, True), fact.path, (_bool, fact)
        case "choice":
            return str, frozenset(fact.choices), fact.path, (_choice, fact)
        case "int" | "decimal":
            low = -LARGEST_NUMBER if fact.low is None else max(ceil(fact.low), -LARGEST_NUMBER)
            high = LARGEST_NUMBER if fact.high is None else min(floor(fact.high), LARGEST_NUMBER)
            return int, range(low, high + 1), fact.path, (_number, fact)
        case "list":
            return (
                Fact,
                (),
                fact.path,
                (partial(_records, {name: _entry(one) for name, one in fact.fields.items()}), fact),
            )
    # No JSON value is a `Fact`, so each is looked at.
    return (
        Fact,
        (),
        fact.path,
        ({"text": _text, "date": _date, "timestamp": _timestamp}[fact.type], fact),
    )


def _level(
    above: str,
    given: Mapping[Any, Any],
    table: _Table,
    vocabulary: Vocabulary,
    known: dict[str, Any],
) -> None:
    for key, value in given.items():
        entry = table.get(key)
        if entry.__class__ is tuple:
            kind, right, path, close = entry
            if value.__class__ is kind and value in right:
                known[path] = value
            elif value is not None:
                read, fact = close
                known[path] = read(fact, path, value)
        elif entry is None:
            if key != "decisions" or above:
                shown = printable(f"{above}{key}")
                fix = nearest(shown, tuple(vocabulary.facts))
                raise FactsError(
                    "unknown-fact", f"there is no fact `{shown}`", at=Place(path=shown), fix=fix
                )
        elif isinstance(value, dict):
            _level(f"{above}{key}.", value, entry, vocabulary, known)
        elif value is not None:
            path = f"{above}{key}"
            fail(
                path,
                "wrong-shape",
                f"`{path}` is {kind_of(value)}, not an object",
                "write it as `{ … }`",
            )


def _attested(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        fail(
            "decisions",
            "wrong-shape",
            f"`decisions` is {kind_of(value)}, not an object",
            'write `{"screening": …}`',
        )
    attested: dict[str, str] = {}
    for name, outcome in value.items():
        if outcome is None:
            continue
        if not isinstance(outcome, str):
            path = f"decisions.{printable(name)}"
            fail(
                path,
                "wrong-type",
                f"`{path}` is {kind_of(outcome)}, not an outcome",
                "write the outcome's name",
            )
        attested[str(name)] = outcome
    return attested


def _records(
    fields: Mapping[str, _Entry], fact: Fact, path: str, value: Any
) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, (list, tuple)):
        fail(
            path, "wrong-shape", f"`{path}` is {kind_of(value)}, not a list", "write it as `[ … ]`"
        )
    if len(value) > LONGEST_LIST:
        fail(path, "too-large", f"`{path}` has over {LONGEST_LIST} entries", "check the list")
    records: list[Mapping[str, Any]] = []
    for given in value:
        at = f"{path}[{len(records)}]"
        if not isinstance(given, dict):
            fail(
                at,
                "wrong-shape",
                f"`{at}` is {kind_of(given)}, not an object",
                "leave it out, or write `{}` if unknown",
            )
        record: dict[str, Any] = {}
        for key, inner in given.items():
            entry = fields.get(key)
            if entry is None:
                shown = printable(key)
                fix = nearest(shown, tuple(fields))
                fail(f"{at}.{shown}", "unknown-fact", f"`{path}` has no field `{shown}`", fix)
            kind, right, _, close = entry
            if inner.__class__ is kind and inner in right:
                record[key] = inner
            elif inner is not None:
                read, field = close
                record[key] = read(field, f"{at}.{key}", inner)
        records.append(record)
    return tuple(records)


def _bool(fact: Fact, path: str, value: Any) -> bool:
    if not isinstance(value, bool):
        fail(
            path,
            "wrong-type",
            f"`{path}` is {kind_of(value)}, not true or false",
            "write `true` or `false`",
        )
    return value


def _choice(fact: Fact, path: str, value: Any) -> str:
    if not isinstance(value, str):
        fail(
            path,
            "wrong-type",
            f"`{path}` is {kind_of(value)}, not a choice",
            f"one of {', '.join(fact.choices)}",
        )
    if value not in fact.choices:
        shown = printable(value)
        fail(
            path,
            "unknown-choice",
            f"`{shown}` is no choice for `{path}`",
            nearest(shown, fact.choices),
        )
    return value


def _text(fact: Fact, path: str, value: Any) -> str:
    if not isinstance(value, str):
        fail(path, "wrong-type", f"`{path}` is {kind_of(value)}, not a text", "put it in quotes")
    if len(value) > LONGEST_TEXT or not value.isprintable():
        fail(
            path,
            "wrong-value",
            f"`{path}` is not a short text that can be printed",
            "check the text",
        )
    return value


def _number(fact: Fact, path: str, value: Any) -> int | Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        fail(
            path,
            "wrong-type",
            f"`{path}` is {kind_of(value)}, not a number",
            "write a number without quotes",
        )
    short = _short(value) if isinstance(value, float) else None
    number: int | Decimal = (
        short if short is not None else Decimal(repr(value)) if isinstance(value, float) else value
    )
    if short is None and isinstance(number, Decimal):
        if not number.is_finite():
            fail(
                path,
                "wrong-value",
                f"`{path}` is not a finite number",
                "leave out what is not known",
            )
        if abs(number.adjusted()) > 30 and number:
            fail(
                path,
                "wrong-value",
                f"`{path}` is no number that can be measured",
                "check the number",
            )
        if number == number.to_integral_value():
            number = int(number)
    if fact.type == "int" and isinstance(number, Decimal):
        fail(
            path, "wrong-type", f"`{path}` is {number}, not a whole number", "write a whole number"
        )
    if short is None and not fits(number):
        fail(
            path,
            "wrong-value",
            f"`{path}` has over 12 digits before the point or 6 after it",
            "round it",
        )
    if (fact.low is not None and number < fact.low) or (
        fact.high is not None and number > fact.high
    ):
        low = "" if fact.low is None else f"{fact.low} or more"
        high = "" if fact.high is None else f"{fact.high} or less"
        bounds = " and ".join(bound for bound in (low, high) if bound)
        fail(
            path,
            "out-of-range",
            f"`{path}` is {number}, and it is always {bounds}",
            "check the number",
        )
    return number


def _short(value: float) -> int | Decimal | None:
    """The shortest decimal of a float that is written as most measurements are: few digits, no exponent, not infinite."""
    text = repr(value)
    whole, _, part = text.partition(".")
    if not part.isdigit() or len(whole) > 12 or len(part) > 6:
        return None
    return int(whole) if part == "0" else Decimal(text)


def fits(number: int | Decimal) -> bool:
    return -LARGEST_NUMBER - 1 < number < LARGEST_NUMBER + 1 and (
        isinstance(number, int) or number == round(number, 6)
    )


def _date(fact: Fact, path: str, value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    day = iso_day(value) if isinstance(value, str) else None
    if day is None:
        if not isinstance(value, str) or not _DATE.fullmatch(value):
            fail(
                path,
                "wrong-type",
                f"`{path}` is {kind_of(value)}, not a day",
                "write it as 2014-04-01",
            )
        fail(path, "no-such-day", f"`{path}` is {value}, which is no day", "check the calendar")
    return day


def iso_day(text: str) -> date | None:
    """The day that `2014-04-01` names, and nothing else that Python would read as one."""
    try:  # the dashes leave Python no week of a year to read, and ten letters no other form
        return date.fromisoformat(text) if len(text) == 10 and text[4] == text[7] == "-" else None
    except ValueError:
        return None


def _timestamp(fact: Fact, path: str, value: Any) -> datetime:
    held = isinstance(value, datetime) and value.tzinfo is not None and value.microsecond == 0
    if not held and (not isinstance(value, str) or not _TIMESTAMP.fullmatch(value)):
        fail(
            path,
            "wrong-type",
            f"`{path}` is {kind_of(value)}, not a time",
            "write it as 2014-07-02T23:10:00Z, whole seconds",
        )
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    instant = read_instant(value)
    if instant is None:
        fail(
            path,
            "no-such-day",
            f"`{path}` is {value}, which is no time",
            "check the calendar and the clock",
        )
    return instant


def read_instant(text: str) -> datetime | None:
    """The instant that `2014-07-02T23:10:00Z` names, and nothing else that Python would read as one."""
    if (
        not _TIMESTAMP.fullmatch(text) or text[11:13] == "24"
    ):  # a later Python reads it as the next day
        return None
    try:
        return datetime.fromisoformat(re.sub(r"\.0+", "", text.upper())).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


PLAIN = frozenset({bool, int, float, str, type(None)})


def plain(value: Any) -> Any:
    """A fact's value as JSON holds it: exact, and the same however it was written."""
    if value.__class__ in PLAIN:
        return value
    if isinstance(value, Decimal):
        near, text = float(value), str(value)
        return near if repr(near) == text or Decimal(repr(near)) == value or near == value else text
    match value:
        case bool() | int() | float() | str() | None:
            return value
        case datetime():
            return (
                value.strftime("%Y-%m-%dT%H:%M:%SZ")
                if value.year > 999
                else value.isoformat().replace("+00:00", "Z")
            )
        case date():
            return value.isoformat()
        case tuple() | list():
            return [plain(one) for one in value]
        case Mapping():
            return {key: plain(one) for key, one in value.items()}
    raise TypeError(type(value))


def kind_of(value: Any) -> str:
    """What a JSON value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "`true`" if value else "`false`"
        case int() | float() | Decimal():
            return "a number"
        case str():
            short = printable(value)
            return (
                f"`{short[:30]}…`"
                if len(short) > 30
                else f"`{short}`"
                if short
                else "an empty text"
            )
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
    return f"a {type(value).__name__}"


def printable(text: Any) -> str:
    """Any text in a form that prints on one line: lone surrogates and control characters are written out."""
    shown = str(text)[:200]
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown)


def fail(path: str, code: str, message: str, fix: str) -> NoReturn:
    shown = printable(path)
    raise FactsError(code, message.replace(path, shown), at=Place(path=shown), fix=fix)
