"""Facts as they arrive to facts as conditions read them: known ones only, by path, each of its type.

What holds afterwards: every path is in the vocabulary, every value has its type and lies in its range; null and absent are
both simply not there; dates are `date`, timestamps `datetime` in UTC, numbers int or Decimal, lists tuples of records.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, NoReturn

from rules.errors import FactsError, Place, nearest
from rules.frozen import frozen
from rules.vocabulary import Fact, Vocabulary

LARGEST = 1_000_000  # characters of JSON
DEEPEST = 50
LONGEST_TEXT = 1_000
LONGEST_LIST = 1_000
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_TIMESTAMP = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.0+)?([Zz]|[+-][0-9]{2}:[0-9]{2})")


@frozen
class Facts:
    """`known` by path (a list's records by field name); `attested` outcomes of decisions, as given."""

    known: Mapping[str, Any]
    attested: Mapping[str, str]

    def digest(self) -> str:
        """SHA-256 over the known facts in canonical form, so that spelling and order don't matter."""
        import hashlib  # OpenSSL loads with it, and an answer in words needs no digest

        canonical = json.dumps(
            {"decisions": dict(self.attested), "facts": {path: plain(value) for path, value in self.known.items()}},
            sort_keys=True,
            separators=(",", ":"),
        )
        return f"sha256:{hashlib.sha256(canonical.encode()).hexdigest()}"


def parse_json(text: str, what: str = "the facts") -> Any:
    """JSON text to Python values: exact numbers, no duplicate keys, no NaN, nothing too large or too deep."""
    if len(text) > LARGEST:
        raise FactsError("too-large", f"{what} have over {LARGEST} characters", mend="send one case at a time")
    if not text.strip():
        raise FactsError("not-json", f"{what} are empty", mend="send `{}` if nothing is known")

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key, value in items:
            if key in result:
                raise FactsError(
                    "duplicate-key",
                    f"the key `{printable(key)}` stands twice",
                    at=Place(path=printable(key)),
                    mend="keep one of them",
                )
            result[key] = value
        return result

    def refuse(token: str) -> NoReturn:
        raise FactsError("not-json", f"`{token}` is not JSON", mend="leave out what is not known")

    def number(token: str) -> Any:
        if len(token) > 40:
            raise FactsError("wrong-value", f"the number `{token[:12]}…` has {len(token)} digits", mend="check the number")
        return int(token) if token.lstrip("-").isdigit() else Decimal(token)

    too_deep = FactsError("too-deep", f"{what} nest too deep to be facts", mend="check the brackets")
    try:
        value = json.loads(text, object_pairs_hook=pairs, parse_constant=refuse, parse_float=number, parse_int=number)
    except json.JSONDecodeError as error:
        reason = error.msg.replace("'", "`")
        message = f"{what} are not JSON: {reason[0].lower()}{reason[1:]}"
        raise FactsError(
            "not-json",
            message,
            at=Place(line=error.lineno, column=error.colno),
            mend="check commas, quotes and brackets near here",
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
            waiting += [(one, depth + 1) for one in (part.values() if isinstance(part, dict) else part)]
    return False


def read_facts(given: Any, vocabulary: Vocabulary) -> Facts:
    """Facts as `json.loads` gives them. Raises `FactsError` naming the path of what is wrong."""
    if not isinstance(given, dict):
        raise FactsError("wrong-shape", f"the facts are {kind_of(given)}, not an object", mend="write them as `{ … }`")
    known: dict[str, Any] = {}
    attested: dict[str, str] = {}
    for key, value in given.items():
        if key == "decisions":
            attested = _attested(value)
        else:
            _level(key, key, value, vocabulary.tree, vocabulary, known)
    return Facts(known, attested)


def _level(key: Any, path: Any, value: Any, level: Mapping[str, Any], vocabulary: Vocabulary, known: dict[str, Any]) -> None:
    entry = level.get(key) if isinstance(key, str) else None
    if entry is None:
        shown = printable(path)
        raise FactsError(
            "unknown-fact", f"there is no fact `{shown}`", at=Place(path=shown), mend=nearest(shown, tuple(vocabulary.facts))
        )
    if value is None:
        return
    if isinstance(entry, Fact):
        if _plainly(entry, value):
            known[path] = value
        else:
            known[path] = _records(entry, path, value) if entry.type == "list" else _value(entry, path, value)
        return
    if not isinstance(value, dict):
        fail(path, "wrong-shape", f"`{path}` is {kind_of(value)}, not an object", "write it as `{ … }`")
    for inner, part in value.items():
        _level(inner, f"{path}.{inner}", part, entry, vocabulary, known)


def _attested(value: Any) -> dict[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        fail("decisions", "wrong-shape", f"`decisions` is {kind_of(value)}, not an object", 'write `{"screening": …}`')
    attested: dict[str, str] = {}
    for name, outcome in value.items():
        path = f"decisions.{printable(name)}"
        if outcome is None:
            continue
        if not isinstance(outcome, str):
            fail(path, "wrong-type", f"`{path}` is {kind_of(outcome)}, not an outcome", "write the outcome's name")
        attested[str(name)] = outcome
    return attested


def _records(fact: Fact, path: str, value: Any) -> tuple[Mapping[str, Any], ...]:
    if not isinstance(value, (list, tuple)):
        fail(path, "wrong-shape", f"`{path}` is {kind_of(value)}, not a list", "write it as `[ … ]`")
    if len(value) > LONGEST_LIST:
        fail(path, "too-large", f"`{path}` has over {LONGEST_LIST} entries", "check the list")
    records = []
    for index, entry in enumerate(value):
        at = f"{path}[{index}]"
        if not isinstance(entry, dict):
            fail(at, "wrong-shape", f"`{at}` is {kind_of(entry)}, not an object", "leave it out, or write `{}` if unknown")
        record: dict[str, Any] = {}
        for key, inner in entry.items():
            field = fact.fields.get(key) if isinstance(key, str) else None
            if field is None:
                fail(
                    f"{at}.{printable(key)}",
                    "unknown-fact",
                    f"`{path}` has no field `{printable(key)}`",
                    nearest(printable(key), tuple(fact.fields)),
                )
            if inner is not None:
                record[key] = inner if _plainly(field, inner) else _value(field, f"{at}.{key}", inner)
        records.append(record)
    return tuple(records)


def _plainly(fact: Fact, value: Any) -> bool:
    """Whether the value is right as it stands: the commonest cases, found without naming their place."""
    kind = value.__class__
    return (kind is bool and fact.type == "bool") or (kind is str and value in fact.choices)


def _value(fact: Fact, path: str, value: Any) -> Any:
    match fact.type:
        case "bool":
            if not isinstance(value, bool):
                fail(path, "wrong-type", f"`{path}` is {kind_of(value)}, not true or false", "write `true` or `false`")
            return value
        case "int" | "decimal":
            return _number(fact, path, value)
        case "choice":
            if not isinstance(value, str):
                fail(path, "wrong-type", f"`{path}` is {kind_of(value)}, not a choice", f"one of {', '.join(fact.choices)}")
            if value not in fact.choices:
                fail(
                    path,
                    "unknown-choice",
                    f"`{printable(value)}` is no choice for `{path}`",
                    nearest(printable(value), fact.choices),
                )
            return value
        case "text":
            if not isinstance(value, str):
                fail(path, "wrong-type", f"`{path}` is {kind_of(value)}, not a text", "put it in quotes")
            if len(value) > LONGEST_TEXT or not value.isprintable():
                fail(path, "wrong-value", f"`{path}` is not a short text that can be printed", "check the text")
            return value
        case "date":
            return _date(path, value)
    return _timestamp(path, value)


def _number(fact: Fact, path: str, value: Any) -> int | Decimal:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        fail(path, "wrong-type", f"`{path}` is {kind_of(value)}, not a number", "write a number without quotes")
    number: int | Decimal = Decimal(repr(value)) if isinstance(value, float) else value
    if isinstance(number, Decimal):
        if not number.is_finite():
            fail(path, "wrong-value", f"`{path}` is not a finite number", "leave out what is not known")
        if abs(number.adjusted()) > 30 and number:
            fail(path, "wrong-value", f"`{path}` is no number that can be measured", "check the number")
        if fact.type == "int" or number == number.to_integral_value():
            if number != number.to_integral_value():
                fail(path, "wrong-type", f"`{path}` is {number}, not a whole number", "write a whole number")
            number = int(number)
    if not fits(number):
        fail(path, "wrong-value", f"`{path}` has over 12 digits before the point or 6 after it", "round it")
    if (fact.low is not None and number < fact.low) or (fact.high is not None and number > fact.high):
        low = "" if fact.low is None else f"{fact.low} or more"
        high = "" if fact.high is None else f"{fact.high} or less"
        bounds = " and ".join(bound for bound in (low, high) if bound)
        fail(path, "out-of-range", f"`{path}` is {number}, and it is always {bounds}", "check the number")
    return number


def fits(number: int | Decimal) -> bool:
    return -(10**12) < number < 10**12 and (isinstance(number, int) or number == round(number, 6))


def _date(path: str, value: Any) -> date:
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        fail(path, "wrong-type", f"`{path}` is {kind_of(value)}, not a day", "write it as 2014-04-01")
    day = iso_day(value)
    if day is None:
        fail(path, "no-such-day", f"`{path}` is {value}, which is no day", "check the calendar")
    return day


def iso_day(text: str) -> date | None:
    """The day that `2014-04-01` names, and nothing else that Python would read as one."""
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None


def _timestamp(path: str, value: Any) -> datetime:
    held = isinstance(value, datetime) and value.tzinfo is not None and value.microsecond == 0
    if not held and (not isinstance(value, str) or not _TIMESTAMP.fullmatch(value)):
        fail(path, "wrong-type", f"`{path}` is {kind_of(value)}, not a time", "write it as 2014-07-02T23:10:00Z, whole seconds")
    if isinstance(value, datetime):
        return value.astimezone(UTC)
    instant = read_instant(value)
    if instant is None:
        fail(path, "no-such-day", f"`{path}` is {value}, which is no time", "check the calendar and the clock")
    return instant


def read_instant(text: str) -> datetime | None:
    """The instant that `2014-07-02T23:10:00Z` names, and nothing else that Python would read as one."""
    if not _TIMESTAMP.fullmatch(text) or text[11:13] == "24":  # a later Python reads it as the next day
        return None
    try:
        return datetime.fromisoformat(re.sub(r"\.0+", "", text.upper())).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def plain(value: Any) -> Any:
    """A fact's value as JSON holds it: exact, and the same however it was written."""
    match value:
        case bool() | int() | float() | str() | None:
            return value
        case Decimal():
            return float(value) if float(value) == value or Decimal(repr(float(value))) == value else str(value)
        case datetime():
            return value.strftime("%Y-%m-%dT%H:%M:%SZ") if value.year > 999 else value.isoformat().replace("+00:00", "Z")
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
            return f"`{short[:30]}…`" if len(short) > 30 else f"`{short}`" if short else "an empty text"
        case list() | tuple():
            return "a list"
        case Mapping():
            return "an object"
    return f"a {type(value).__name__}"


def printable(text: Any) -> str:
    """Any text in a form that prints on one line: lone surrogates and control characters are written out."""
    shown = str(text)[:200]
    return "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in shown)


def fail(path: str, code: str, message: str, mend: str) -> NoReturn:
    shown = printable(path)
    raise FactsError(code, message.replace(path, shown), at=Place(path=shown), mend=mend)
