"""Read the facts of a case: nested JSON values to known facts by path, each of its type.

Facts that were read have these properties: every path is in the vocabulary, and every value has its
type and is in its range. Null and absent facts are both left out. Dates are `date`, timestamps
`datetime` in UTC, numbers int or Decimal, and lists tuples of records.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Mapping
from datetime import datetime
from functools import partial
from math import ceil, floor

from rules.errors import FactsError, Place, nearest
from rules.frozen import cached_property, field, frozen
from rules.input.amounts import LARGEST_NUMBER
from rules.input.citations import reader_of
from rules.input.printing import PLAIN, kind_of, plain, printable
from rules.input.values import (
    fail,
    read_bool,
    read_choice,
    read_citation,
    read_date,
    read_number,
    read_text,
    read_timestamp,
)
from rules.input.vocabulary import Fact, Vocabulary

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rules.input.typed_facts import TypedReader
else:
    Any = object  # for aliases

LONGEST_LIST = 1_000
_OFTEN = 1_000  # reads before a typed reader is made, which takes as long as a thousand reads
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@frozen
class Facts:
    """The facts of a case. `known` has them by path, and records of a list by field.

    `attested` has the outcomes of decisions that the facts state, by decision. `doubtful` has the
    events that perhaps did not happen, by path, with the times at which they may have happened.
    None in place of the times is any time up to `now`. A doubtful event is not among the known.
    """

    known: Mapping[str, Any]
    attested: Mapping[str, str]
    doubtful: Mapping[str, tuple[datetime, ...] | None] = field(default_factory=dict)

    def digest(self) -> str:
        """Return SHA-256 over the known facts in canonical form, without spelling and order."""
        return digest_of(self.canonical())

    def canonical(self) -> str:
        """Return the known facts and the attested outcomes as canonical JSON."""
        return self._canonical

    @cached_property
    def _canonical(self) -> str:
        known = {
            path: value if value.__class__ in PLAIN else plain(value)
            for path, value in self.known.items()
        }
        return _ENCODER.encode({"decisions": dict(self.attested), "facts": known})


def digest_of(canonical: str) -> str:
    """Return the digest of facts whose canonical form is given."""
    from rules.sha256 import hex_digest  # an answer in words needs no digest

    return f"sha256:{hex_digest(canonical.encode())}"


def read_facts(value: Any, vocabulary: Vocabulary) -> Facts:
    """Read facts from the value that `json.loads` returns.

    Raises `FactsError` with the path of the fault.
    """
    if not isinstance(value, dict):
        raise FactsError(
            "wrong-shape",
            f"the facts are {kind_of(value)}, not an object",
            fix="write them as `{ … }`",
        )
    table: _Table | None = vocabulary.__dict__.get("_table")
    if table is None:
        table = vocabulary.__dict__["_table"] = _table(vocabulary.tree, vocabulary)
    known: dict[str, Any] = {}
    _read_level("", value, table, vocabulary, known)
    return Facts(known, _read_attested(value.get("decisions")))


def read_facts_to_decide(value: Any, vocabulary: Vocabulary) -> Facts:
    """Read facts as `read_facts` does, faster once a vocabulary's facts have been read often.

    The known facts may be in another order, which no decision depends on. Raises `FactsError`.
    """
    reader = typed_reader_of(vocabulary)
    usual = reader(value) if reader is not None else None
    return read_facts(value, vocabulary) if usual is None else Facts(*usual)


def typed_reader_of(vocabulary: Vocabulary) -> TypedReader | None:
    """Return the typed reader of a vocabulary once this was asked for often, else None."""
    state = vocabulary.__dict__
    reader: TypedReader | None = state.get("_typed_reader")
    if reader is None:
        reads = state["_reads"] = state.get("_reads", 0) + 1
        if reads == _OFTEN:
            from rules.input.typed_facts import make_typed_reader  # few processes need it

            reader = state["_typed_reader"] = make_typed_reader(vocabulary, LONGEST_LIST)
    return reader


# Reading facts takes longer than deciding. A vocabulary's table is made once, and a value that is
# plainly right passes quickly: its class is the usual one for its fact, and it is among the usual
# values. The fact's reader takes a closer look at all other values.
_Reader = Callable[[Fact, str, Any], Any]
# The usual class, the usual values, the path, and the reader with its fact.
_Entry = tuple[type, Container[Any], str, tuple[_Reader, Fact]]
# By name: the entry of a fact, or the table of a group.
_Table = dict[str, Any]


def _table(level: Mapping[str, Any], vocabulary: Vocabulary) -> _Table:
    return {
        key: _entry(below, vocabulary) if isinstance(below, Fact) else _table(below, vocabulary)
        for key, below in level.items()
    }


def _entry(fact: Fact, vocabulary: Vocabulary) -> _Entry:
    match fact.type:
        case "bool":
            return bool, (False, True), fact.path, (read_bool, fact)
        case "choice":
            return str, frozenset(fact.choices), fact.path, (read_choice, fact)
        case "int" | "decimal":
            low = -LARGEST_NUMBER if fact.low is None else max(ceil(fact.low), -LARGEST_NUMBER)
            high = LARGEST_NUMBER if fact.high is None else min(floor(fact.high), LARGEST_NUMBER)
            return int, range(low, high + 1), fact.path, (read_number, fact)
        case "list":
            fields = {name: _entry(field, vocabulary) for name, field in fact.fields.items()}
            return Fact, (), fact.path, (partial(_read_records, fields), fact)
        case "citation":
            return Fact, (), fact.path, (partial(read_citation, reader_of(vocabulary)), fact)
    # No JSON value has the class `Fact`, so that the reader sees every value.
    readers = {"text": read_text, "date": read_date, "timestamp": read_timestamp}
    return Fact, (), fact.path, (readers[fact.type], fact)


def _read_level(
    above: str,
    level: Mapping[Any, Any],
    table: _Table,
    vocabulary: Vocabulary,
    known: dict[str, Any],
) -> None:
    """Read a group of facts into `known`. `above` is the group's path, with a point at its end."""
    for key, value in level.items():
        entry = table.get(key)
        if entry.__class__ is tuple:
            kind, usual, path, (read, fact) = entry
            if value.__class__ is kind and value in usual:
                known[path] = value
            elif value is not None:
                known[path] = read(fact, path, value)
        elif entry is None:
            if key != "decisions" or above:
                name = printable(f"{above}{key}")
                fix = (
                    _nested(name)
                    if name in vocabulary.facts
                    else nearest(name, tuple(vocabulary.facts))
                )
                raise FactsError(
                    "unknown-fact", f"there is no fact `{name}`", at=Place(path=name), fix=fix
                )
        elif isinstance(value, dict):
            _read_level(f"{above}{key}.", value, entry, vocabulary, known)
        elif value is not None:
            path = f"{above}{key}"
            fail(
                path,
                "wrong-shape",
                f"`{path}` is {kind_of(value)}, not an object",
                "write it as `{ … }`",
            )


def _nested(path: str) -> str:
    """Return the fix for a fact whose whole path is written as one key."""
    *groups, name = path.split(".")
    opened = "".join(f'{{"{group}": ' for group in groups)
    return f'write one object in another: `{opened}{{"{name}": …}}{"}" * len(groups)}`'


def _read_attested(value: Any) -> dict[str, str]:
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


def _read_records(
    fields: Mapping[str, _Entry], fact: Fact, path: str, value: Any
) -> tuple[Mapping[str, Any], ...]:
    """Read a list of records, each by its fields."""
    if not isinstance(value, (list, tuple)):
        fail(
            path, "wrong-shape", f"`{path}` is {kind_of(value)}, not a list", "write it as `[ … ]`"
        )
    if len(value) > LONGEST_LIST:
        fail(path, "too-large", f"`{path}` has over {LONGEST_LIST} entries", "check the list")
    return tuple(
        _read_record(fields, path, f"{path}[{index}]", item) for index, item in enumerate(value)
    )


def _read_record(
    fields: Mapping[str, _Entry], list_path: str, path: str, value: Any
) -> dict[str, Any]:
    if not isinstance(value, dict):
        fail(
            path,
            "wrong-shape",
            f"`{path}` is {kind_of(value)}, not an object",
            "leave it out, or write `{}` if unknown",
        )
    record: dict[str, Any] = {}
    for key, inner in value.items():
        entry = fields.get(key)
        if entry is None:
            name = printable(key)
            fix = nearest(name, tuple(fields))
            fail(f"{path}.{name}", "unknown-fact", f"`{list_path}` has no field `{name}`", fix)
        kind, usual, _, (read, field) = entry
        if inner.__class__ is kind and inner in usual:
            record[key] = inner
        elif inner is not None:
            record[key] = read(field, f"{path}.{key}", inner)
    return record
