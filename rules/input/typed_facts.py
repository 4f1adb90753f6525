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

from collections.abc import Callable, Collection, Mapping
from datetime import date
from decimal import Decimal
from functools import lru_cache, partial
from math import ceil, floor
from types import GenericAlias
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypedDict

from rules.frozen import frozen
from rules.input.amounts import LARGEST_NUMBER
from rules.input.citations import reader_of
from rules.input.json_text import LARGEST, read_json_number
from rules.input.printing import PLAIN
from rules.input.values import (
    read_citation,
    read_number,
    read_text,
    read_timestamp,
)

if TYPE_CHECKING:
    from rules.input.vocabulary import Fact, Vocabulary

ATTESTED = "decisions"
_MOST_REMEMBERED = 4096  # numbers
# A case as its vocabulary's types have it: a struct with the groups of facts.
Root = Any
# The attributes that lead to a fact from the outermost struct, by the fact's path.
Places = Mapping[str, tuple[str, ...]]


class _Unusual(Exception):
    """The typed reader does not read these facts."""


@frozen
class Needs:
    """The facts that one use of a case can't do without, and that use.

    A case that lacks a fact of `known`, or has one of `unknown`, is unusual. Those of `as_text` are
    left as the texts that they are written as. `outcomes` has what each decision may be attested
    as. All records of lists are structs. `of_record` returns the lines that end the reading of a
    record, from the path of its list and the attributes of its fields. The lines may name the `day`
    that was given to the reader, and `names`, which begin with a capital letter. `use` returns a
    function of the case, from the attributes that lead to each fact.
    """

    known: Collection[str]
    unknown: Collection[str]
    as_text: Collection[str]
    outcomes: Mapping[str, tuple[str, ...]]
    of_record: Callable[[str, Mapping[str, str]], list[str]]
    names: Mapping[str, Any]
    use: Callable[[Places], Callable[[Root], Any]]


class TypedReader:
    """The reader of usual facts of one vocabulary. Made by `make_typed_reader`.

    `read` and `read_text` return the facts in structs, from the value of a JSON text or from the
    text itself, or None for anything unusual. Nothing of the value is in the structs. `known`
    returns the known facts by path and the attested outcomes by decision. `places` has the
    attributes, from the outermost struct to the fact's, by path. `attested` is the attribute with
    the attested outcomes, which is None without any.
    """

    def __init__(self, writer: _Writer, vocabulary: Vocabulary) -> None:
        self.read: Callable[[Any], Root | None]
        self.read_text: Callable[[str], Root | None]
        self.read, self.read_text = writer.compiled(vocabulary.tree)
        self._read_known: Callable[[Root], dict[str, Any]] = writer.names["known"]
        self.places: Mapping[str, tuple[str, ...]] = writer.places
        self.attested = f"f{len(vocabulary.tree)}"

    def __call__(self, value: Any) -> tuple[dict[str, Any], dict[str, str]] | None:
        """Return what `known` returns of usual facts, or None."""
        root = self.read(value)
        return None if root is None else self.known(root)

    def known(self, root: Root) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the known facts by path, and the attested outcomes by decision."""
        return self._read_known(root), getattr(root, self.attested) or {}


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
    return TypedReader(_Writer(vocabulary, longest_list), vocabulary)


def make_reader_of_needs(
    vocabulary: Vocabulary, longest_list: int, needs: Needs
) -> Callable[[Any, str | None], Any]:
    """Return a function of the value of a JSON text and of a day. It needs msgspec.

    The function returns what the use of the case returns, or None for anything unusual.
    """
    return _Writer(vocabulary, longest_list, needs).compiled_for_needs(vocabulary.tree)


class _Writer:
    """Writes the source of one reader. `names` are the values that the source names.

    Two functions read the same facts. `read` takes a value, and looks at the classes of its
    objects and lists. `decode` takes JSON text, and compares its colons with those of the facts as
    msgspec writes them. A text has one colon for each key, and those in its strings. So it has
    more if a key is there twice, or a null, or a field that msgspec left out.
    """

    def __init__(
        self, vocabulary: Vocabulary, longest_list: int, needs: Needs | None = None
    ) -> None:
        import msgspec

        self.needs = needs
        self.known = set(needs.known) if needs is not None else set[str]()
        # A case without a group of facts lacks all of them. A list may be empty.
        for path in self.known & set(vocabulary.facts):
            self.known |= {path[:place] for place, sign in enumerate(path) if sign == "."}
        self.unknown = needs.unknown if needs is not None else ()
        self.as_text = needs.as_text if needs is not None else ()
        self.citations = reader_of(vocabulary)
        self.longest_list = longest_list
        self.struct = partial(
            msgspec.defstruct,
            kw_only=True,
            forbid_unknown_fields=True,
            omit_defaults=True,
            gc=False,
        )
        self.record: Any = TypedDict
        self.limited = msgspec.Meta
        self.places: dict[str, tuple[str, ...]] = {}
        self.names: dict[str, Any] = {
            "convert": msgspec.convert,
            "encode": msgspec.json.Encoder().encode,
            "Unusual": _Unusual,
            "plain": PLAIN | {list},
            "cited": self.citations.remembered.get,
            "written_number": lru_cache(maxsize=_MOST_REMEMBERED)(read_json_number),
            "UNSET": msgspec.UNSET,
        }

    def name(self, value: Any) -> str:
        """Return the name by which the source knows a value."""
        name = f"k{len(self.names)}"
        self.names[name] = value
        return name

    def compiled(
        self, tree: Mapping[str, Any]
    ) -> tuple[Callable[[Any], Root | None], Callable[[str], Root | None]]:
        """Compile `read`, `decode`, and `known` for all facts of the tree. Returns the first two.

        Names of the tree have no colon.
        """
        import msgspec

        types, lines = self.group(tree, (), {ATTESTED: dict[str, str]})
        root = self.name(types)
        decoder: Any = msgspec.json.Decoder(types, float_hook=self.names["written_number"])
        source = [
            *self.reader_of_values(root, lines, "given", "root"),
            "def decode(text):",
            "  try:",
            f"    if len(text) > {LARGEST} or '\\\\' in text: raise Unusual",
            f"    root = {self.name(decoder.decode)}(text)",
            "    if text.count(':') != encode(root).count(b':'): raise Unusual",
            *(f"    {line}" for line in lines.of_text),
            "    return root",
            "  except Exception: return None",  # the plain readers find the fault
            "def known(root):",
            "    known = {}",
            *(f"    {line}" for line in lines.of_known),
            "    return known",
        ]
        exec(compile("\n".join(source), "<vocabulary>", "exec"), self.names)
        return self.names["read"], self.names["decode"]

    def compiled_for_needs(self, tree: Mapping[str, Any]) -> Callable[[Any, str | None], Any]:
        """Compile the reader of a value that ends with the use of the needs."""
        needs = self.needs
        assert needs is not None
        types, lines = self.group(tree, (), {ATTESTED: self.attested(len(tree), needs.outcomes)})
        self.names |= {**needs.names, "Use": needs.use(self.places)}
        source = self.reader_of_values(self.name(types), lines, "given, day", "Use(root)")
        exec(compile("\n".join(source), "<vocabulary>", "exec"), self.names)
        read: Callable[[Any, str | None], Any] = self.names["read"]
        return read

    @staticmethod
    def reader_of_values(root: str, lines: _Lines, arguments: str, result: str) -> list[str]:
        """Return the source of `read`."""
        return [
            f"def read({arguments}):",
            "  try:",
            "    if given.__class__ is not dict: raise Unusual",
            f"    root = convert(given, {root})",
            "    for v in given.values():",
            "        if v.__class__ is not dict and v.__class__ not in plain: raise Unusual",
            *(f"    {line}" for line in lines.of_value),
            f"    return {result}",
            "  except Exception: return None",  # msgspec raises anything for an odd class
        ]

    def attested(self, number: int, outcomes: Mapping[str, tuple[str, ...]]) -> type:
        """Return the struct of the attested outcomes, which is the group of this number."""
        fields: list[tuple[Any, ...]] = []
        rename: dict[str, str] = {}
        for name, allowed in outcomes.items():
            path, attribute = f"{ATTESTED}.{name}", f"f{len(fields)}"
            fields.append(self.field(path, attribute, Literal[allowed]))
            self.places[path] = (f"f{number}", attribute)
            rename[attribute] = name
        return self.struct("Attested", fields, rename=rename)

    def field(self, path: str, attribute: str, type_: Any) -> tuple[Any, ...]:
        """Return the field of a struct, which may be left out unless it is needed."""
        if path in self.unknown:
            return attribute, None, None
        return (attribute, type_) if path in self.known else (attribute, type_ | None, None)

    def group(
        self,
        tree: Mapping[str, Any],
        above: tuple[str, ...],
        more: Mapping[str, Any],
        start: str = "",
    ) -> tuple[type, _Lines]:
        """Return the struct of a group of facts, and the lines that read its fields.

        `start` is how the paths of its facts begin. `above` are the attributes that lead to the
        group. `more` are the types of further keys.
        The locals `group…` and `given…` are the struct of a group and the group as it was given.
        """
        types: dict[str, Any] = {}
        group, given = (
            ("group" + "_".join(above), "given" + "_".join(above))
            if above
            else (
                "root",
                "given",
            )
        )
        lines = _Lines()
        for key, below in tree.items():
            attribute = f"f{len(types)}"
            field, source = f"{group}.{attribute}", f"{given}[{self.name(key)}]"
            place = (*above, attribute)
            if isinstance(below, Mapping):
                types[key], inner = self.group(below, place, {}, f"{start}{key}.")
                lines.add_group("_".join(place), field, source, inner)
            else:
                types[key] = self.value(below, field, source, lines)
                self.places[below.path] = place
                path = self.name(below.path)
                lines.of_known.append(f"if (v := {field}) is not None: known[{path}] = v")
        types |= more
        # A key may be no name of Python's, such as `class`.
        fields = [
            self.field(start + key, f"f{number}", type_)
            for number, (key, type_) in enumerate(types.items())
        ]
        rename = {f"f{number}": key for number, key in enumerate(types)}
        return self.struct("Group", fields, rename=rename), lines

    def value(self, fact: Fact, field: str, given: str, lines: _Lines) -> Any:
        """Write the lines that read a field as a fact. Returns the type that msgspec checks."""
        if fact.type == "list":
            return self.records(fact, field, given, lines)
        if fact.path in self.as_text:
            return str
        read, type_ = self.one(fact)
        if read != "v":
            is_needed = fact.path in self.known
            given_value = f"v = {field}; " if is_needed else f"if (v := {field}) is not None: "
            replaced = f"{given_value}{field} = {read}"
            lines.of_value.append(replaced)
            lines.of_text.append(replaced)
        return type_

    def one(self, fact: Fact) -> tuple[str, Any]:
        """Return the expression that reads `v` as a fact, and the type that msgspec checks."""
        match fact.type:
            case "bool":
                return "v", bool
            case "choice":
                return "v", Literal[tuple(fact.choices)]
            case "date":
                return "v", date
            case "int":
                low, high = _bounds(fact)
                return "v", Annotated[int, self.limited(ge=low, le=high)]
            case "decimal":
                return self.number(fact), Any
            case "citation":
                return (
                    f"cited(v) or {self.reader(partial(read_citation, self.citations), fact)}",
                    str,
                )
        read = {"text": read_text, "timestamp": read_timestamp}[fact.type]
        return self.reader(read, fact), str

    def reader(self, read: Callable[[Fact, str, Any], Any], fact: Fact) -> str:
        """Return the call of the fact's own reader. Nobody sees its message."""
        return f"{self.name(partial(read, fact, fact.path))}(v)"

    def number(self, fact: Fact) -> str:
        """Return the expression that reads a number: short ones at once."""
        low, high = _bounds(fact)
        numbers = _NumberReader(fact)
        read, remembered = self.name(numbers.read), self.name(numbers.of_floats.get)
        return (
            f"{remembered}(v) or {read}(v) if v.__class__ is float "
            f"else v if v.__class__ is int and {low} <= v <= {high} else {read}(v)"
        )

    def records(self, fact: Fact, field: str, given: str, lines: _Lines) -> Any:
        """Write the lines that read a field as a list of records, and return its type."""
        if self.needs is not None:
            return self.structs(fact, field, given, lines, self.needs)
        types: dict[str, Any] = {}
        reads: list[str] = []
        for key, inner in fact.fields.items():
            read, types[key] = self.one(inner)
            if read == "v":
                continue
            name = self.name(key)
            value = f"if (v := record.get({name})) is not None:"
            reads += [value, f"    record[{name}] = {read}"]
            if types[key] is Any:  # msgspec takes a null for it
                reads.append(f"elif {name} in record: raise Unusual")
        lines.of_value += [
            f"if (records := {field}) is not None:",
            f"    items = {given}",
            "    if items.__class__ is not list: raise Unusual",
            "    for record, item in zip(records, items):",
            # msgspec leaves out a field that it doesn't know, so the lengths are compared.
            "        if item.__class__ is not dict or len(record) != len(item): raise Unusual",
            *(f"        {line}" for line in reads),
        ]
        if reads:
            lines.of_text += [
                f"if (records := {field}) is not None:",
                "    for record in records:",
                *(f"        {line}" for line in reads),
            ]
        # A null in a record is unusual: neither these types nor the readers take it.
        return self.list_of(self.record("Record", types, total=False))

    def list_of(self, record: Any) -> Any:
        """Return the type of a list of records."""
        records = GenericAlias(tuple, (record, ...))
        return Annotated[records, self.limited(max_length=self.longest_list)]

    def structs(self, fact: Fact, field: str, given: str, lines: _Lines, needs: Needs) -> Any:
        """Write what `records` does, for records that are structs."""
        fields: list[tuple[Any, ...]] = []
        places: dict[str, str] = {}
        reads: list[str] = []
        for key, inner in fact.fields.items():
            attribute = places[key] = f"f{len(fields)}"
            self.places[inner.path] = (attribute,)
            read, type_ = self.one(inner)
            # msgspec takes a null for `Any`. It then differs from a field that is left out.
            left_out, absent = (self.names["UNSET"], "UNSET") if type_ is Any else (None, "None")
            is_needed = inner.path in self.known
            fields.append((attribute, type_) if is_needed else (attribute, type_, left_out))
            if read == "v" or inner.path in self.as_text:
                continue
            value = f"record.{attribute}"
            test = f"v = {value}; " if is_needed else f"if (v := {value}) is not {absent}: "
            reads.append(f"{test}{value} = {read}")
        reads += needs.of_record(fact.path, places)
        lines.of_value += [
            f"if (records := {field}) is not None:",
            f"    items = {given}",
            "    if items.__class__ is not list: raise Unusual",
            "    for record, item in zip(records, items):",
            "        if item.__class__ is not dict: raise Unusual",
            *(f"        {line}" for line in reads),
        ]
        rename = {attribute: key for key, attribute in places.items()}
        return self.list_of(self.struct("Record", fields, rename=rename))


class _NumberReader:
    """Reads a fact's numbers, and remembers some of them by what they are written as.

    `of_floats` has the decimals of floats. `decimals` are those that are read as they are, which
    depends on their amount alone.
    """

    def __init__(self, fact: Fact) -> None:
        self.fact = fact
        self.of_floats: dict[float, Any] = {}
        self.decimals: set[Decimal] = set()

    def read(self, value: Any) -> Any:
        """Read a number. Nobody sees the message of a refusal."""
        kind = value.__class__
        if kind is Decimal and value in self.decimals:
            return value
        number = read_number(self.fact, self.fact.path, value)
        if kind is float:
            if len(self.of_floats) == _MOST_REMEMBERED:
                self.of_floats.clear()
            self.of_floats[value] = number
        elif isinstance(number, Decimal) and number is value:
            if len(self.decimals) == _MOST_REMEMBERED:
                self.decimals.clear()
            self.decimals.add(number)
        return number


class _Lines:
    """The lines that read a group's fields, by the function that they are for."""

    def __init__(self) -> None:
        self.of_value: list[str] = []
        self.of_text: list[str] = []
        self.of_known: list[str] = []

    def add_group(self, place: str, field: str, given: str, inner: _Lines) -> None:
        """Add the lines of a group below, which is the value of a field."""
        group = f"if (group{place} := {field}) is not None:"
        of_value = [f"    {line}" for line in inner.of_value]
        if "_" in place:  # the groups of the outermost level are looked at together
            of_value.insert(0, f"    if given{place}.__class__ is not dict: raise Unusual")
        if of_value:
            self.of_value += [group, f"    given{place} = {given}", *of_value]
        if inner.of_text:
            self.of_text += [group, *(f"    {line}" for line in inner.of_text)]
        self.of_known += [group, *(f"    {line}" for line in inner.of_known)]


def _bounds(fact: Fact) -> tuple[int, int]:
    """Return the lowest and the highest whole number that is surely in a fact's range."""
    low = -LARGEST_NUMBER if fact.low is None else max(ceil(fact.low), -LARGEST_NUMBER)
    high = LARGEST_NUMBER if fact.high is None else min(floor(fact.high), LARGEST_NUMBER)
    return low, high
