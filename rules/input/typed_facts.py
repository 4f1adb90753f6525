"""Read plainly usual facts fast: a reader made for one vocabulary, with msgspec's checks in C.

`make_typed_reader` writes a function that returns what `facts.read_facts` returns, or None for
anything unusual: a wrong value, an unknown path, a null in a list, a class of its own. Then
`read_facts` reads the same value and finds the fault, if there is one. So this module makes no
message, and the rules for every value are those of `values`.

msgspec checks the paths, the choices, the days, and true and false. A number, a text, a citation,
or a moment has a rule that msgspec can't state, so its own reader of `values` looks at it too.

INVARIANT: names from a pack never reach the source. They are passed in by number.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from functools import lru_cache, partial
from math import ceil, floor
from types import GenericAlias
from typing import TYPE_CHECKING, Any, Literal, TypedDict

from rules.input.amounts import DIGITS_OF_UNIT, LARGEST_NUMBER
from rules.input.citations import reader_of
from rules.input.values import (
    read_citation,
    read_number,
    read_text,
    read_timestamp,
    short_decimal,
)

if TYPE_CHECKING:
    from rules.input.vocabulary import Fact, Vocabulary

ATTESTED = "decisions"
# The known facts by path and the attested outcomes by decision, or None for anything unusual.
TypedReader = Callable[[dict[Any, Any]], "tuple[dict[str, Any], dict[str, str]] | None"]


class _Unusual(Exception):
    """The typed reader does not read these facts."""


def make_typed_reader(vocabulary: Vocabulary, longest_list: int) -> TypedReader | None:
    """Return the typed reader of a vocabulary, or None where msgspec is not installed.

    A list of more than `longest_list` records is unusual.
    """
    try:
        import msgspec  # noqa: F401  # it takes longer than a decision: loaded for many of them
    except ImportError:
        return None
    if ATTESTED in vocabulary.tree:
        return None
    writer = _Writer(vocabulary, longest_list)
    read = writer.compiled(vocabulary.tree)

    def read_typed(value: dict[Any, Any]) -> tuple[dict[str, Any], dict[str, str]] | None:
        """Read usual facts, or return None."""
        try:
            result: tuple[dict[str, Any], dict[str, str]] = read(value)
        except Exception:  # msgspec raises anything for a value of an odd class
            return None
        return result

    return read_typed


class _Writer:
    """Writes the source of one reader. `names` are the values that the source names."""

    def __init__(self, vocabulary: Vocabulary, longest_list: int) -> None:
        import msgspec

        self.citations = reader_of(vocabulary)
        self.longest_list = longest_list
        self.struct = partial(msgspec.defstruct, kw_only=True, forbid_unknown_fields=True, gc=False)
        self.record: Any = TypedDict
        self.functions: list[str] = []
        self.locals = 0
        self.names: dict[str, Any] = {
            "convert": msgspec.convert,
            "Unusual": _Unusual,
            "absent": object(),
            "cited": self.citations.remembered.get,
            # A float has one shortest decimal, which takes longer to find than to remember.
            "short_decimal": lru_cache(maxsize=4096)(short_decimal),
        }

    def name(self, value: Any) -> str:
        """Return the name by which the source knows a value."""
        name = f"k{len(self.names)}"
        self.names[name] = value
        return name

    def local(self) -> str:
        """Return a number for new local names."""
        self.locals += 1
        return str(self.locals)

    def compiled(self, tree: Mapping[str, Any]) -> Callable[[Any], Any]:
        """Compile the reader of all facts of the tree."""
        root, lines = self.group(tree, "group", "given", {ATTESTED: dict[str, str]})
        source = [
            *self.functions,
            "def read(given):",
            "    if given.__class__ is not dict: raise Unusual",
            f"    group = convert(given, {self.name(root)})",
            "    known = {}",
            *(f"    {line}" for line in lines),
            f"    attested = group.f{len(tree)}",
            "    if attested is None: return known, {}",
            f"    if given[{ATTESTED!r}].__class__ is not dict: raise Unusual",
            "    return known, attested",
        ]
        exec(compile("\n".join(source), "<vocabulary>", "exec"), self.names)
        read: Callable[[Any], Any] = self.names["read"]
        return read

    def group(
        self, tree: Mapping[str, Any], group: str, given: str, more: Mapping[str, Any]
    ) -> tuple[type, list[str]]:
        """Return the struct of a group of facts, and the lines that put them into `known`.

        `group` and `given` are the locals with the struct and with the group as it was given.
        `more` are the types of further keys.
        """
        types: dict[str, Any] = {}
        lines: list[str] = []
        for key, below in tree.items():
            field, source = f"{group}.f{len(types)}", f"{given}[{self.name(key)}]"
            if isinstance(below, Mapping):
                number = self.local()
                types[key], inner = self.group(below, f"group{number}", f"given{number}", {})
                lines += [
                    f"if (group{number} := {field}) is not None:",
                    f"    given{number} = {source}",
                    f"    if given{number}.__class__ is not dict: raise Unusual",
                    *(f"    {line}" for line in inner),
                ]
            else:
                read, types[key] = self.value(below, source)
                path = self.name(below.path)
                lines.append(f"if (v := {field}) is not None: known[{path}] = {read}")
        types |= more
        # A key may be no name of Python's, such as `class`.
        fields = [(f"f{number}", type_ | None, None) for number, type_ in enumerate(types.values())]
        rename = {f"f{number}": key for number, key in enumerate(types)}
        return self.struct("Group", fields, rename=rename), lines

    def value(self, fact: Fact, given: str) -> tuple[str, Any]:
        """Return the expression that reads `v` as a fact, and the type that msgspec checks."""
        match fact.type:
            case "bool":
                return "v", bool
            case "choice":
                return "v", Literal[tuple(fact.choices)]
            case "date":
                return "v", date
            case "int" | "decimal":
                return self.number(fact), Any
            case "list":
                return self.records(fact, given)
            case "citation":
                return (
                    f"cited(v) or {self.reader(partial(read_citation, self.citations), fact)}",
                    str,
                )
        return self.reader({"text": read_text, "timestamp": read_timestamp}[fact.type], fact), Any

    def reader(self, read: Callable[[Fact, str, Any], Any], fact: Fact) -> str:
        """Return the call of the fact's own reader. Nobody sees its message."""
        return f"{self.name(partial(read, fact, fact.path))}(v)"

    def number(self, fact: Fact) -> str:
        """Return the expression that reads a number: short ones at once."""
        low = -LARGEST_NUMBER if fact.low is None else max(ceil(fact.low), -LARGEST_NUMBER)
        high = LARGEST_NUMBER if fact.high is None else min(floor(fact.high), LARGEST_NUMBER)
        read = f"v if v.__class__ is int and {low} <= v <= {high} else"
        if fact.type == "decimal" and fact.unit not in DIGITS_OF_UNIT:
            read += f" v.__class__ is float and {low} <= v <= {high} and short_decimal(v) or"
        return f"{read} {self.reader(read_number, fact)}"

    def records(self, fact: Fact, given: str) -> tuple[str, Any]:
        """Return the expression that reads `v` as a list of records, and its type."""
        types: dict[str, Any] = {}
        lines: list[str] = []
        for key, field in fact.fields.items():
            read, types[key] = self.value(field, "")
            if read != "v":
                name = self.name(key)
                lines.append(f"if (v := record.get({name}, absent)) is not absent:")
                lines.append(f"    record[{name}] = {read}")
        function = f"read_list{self.local()}"
        self.functions += [
            f"def {function}(records, given):",
            "    if given.__class__ is not list: raise Unusual",
            f"    if len(given) > {self.longest_list}: raise Unusual",
            "    for record, item in zip(records, given):",
            # msgspec leaves out a field that it doesn't know, so the lengths are compared.
            "        if item.__class__ is not dict or len(record) != len(item): raise Unusual",
            *(f"        {line}" for line in lines),
            "    return tuple(records)",
        ]
        # A null in a record is unusual: neither these types nor the readers take it.
        record: Any = self.record("Record", types, total=False)
        return f"{function}(v, {given})", GenericAlias(list, (record,))
