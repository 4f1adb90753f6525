"""Hypothesis strategies for conditions as people write them, and for whole programs as YAML.

`generated` makes trees in their normal form. The texts here are not in that form: pipelines of
`filter` and `map`, variables within variables, dates moved by lengths of time, and numbers in every
spelling. The facts are the vocabulary's and a few more, with negative numbers, texts, times, and
small finite domains.
"""

from __future__ import annotations

import atexit
import json
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, time
from decimal import Decimal
from functools import cache
from itertools import product
from pathlib import Path
from shutil import rmtree
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from rules.decide.program import Program
from rules.input.citations import reader_of
from rules.input.values import read_instant
from rules.input.vocabulary import Fact, Vocabulary
from rules.input.yaml import Node
from rules.language import tree
from rules.language.check import check
from rules.language.checker import Scope
from rules.packs.assemble import assemble
from rules.packs.pack import Pack
from rules.packs.tables import table_of
from rules.prove.proof_cache import prove
from rules.shelf import Neighbors, vocabulary

SHARED_BY_ALL = {
    "kind": "record",
    "known_by": "police",
    "category": "encounter",
    "question": "What is it?",
    "source": "s",
}


def _field(kind: str, **more: Any) -> dict[str, Any]:
    return {"type": kind, "question": "What is it?", **more}


# `tiny` facts have few values each, so that every completion can be tried. `wide` facts are the
# others.
ADDED: dict[str, dict[str, Any]] = {
    # Fields of lists that all packs share.
    "encounter.drugs.hidden": {"type": "bool", "question": "Was it hidden?", "source": "s"},
    "history.convictions.juvenile": {
        "type": "bool",
        "question": "Was it as a juvenile?",
        "asks": "person",
        "source": "s",
    },
    "tiny.yes": {**SHARED_BY_ALL, "type": "bool"},
    "tiny.kind": {**SHARED_BY_ALL, "type": "choice", "choices": ["a", "b", "c"]},
    "tiny.score": {**SHARED_BY_ALL, "type": "int", "range": [-1, 1]},
    "tiny.rows": {
        **SHARED_BY_ALL,
        "type": "list",
        "fields": {
            "n": _field("int", range=[-1, 1]),
            "yes": _field("bool"),
            "kind": _field("choice", choices=["a", "b"]),
        },
    },
    "wide.heat": {**SHARED_BY_ALL, "type": "decimal", "range": [-50, 50]},
    "wide.word": {**SHARED_BY_ALL, "type": "text"},
    "wide.seen_at": {**SHARED_BY_ALL, "type": "timestamp"},
    "wide.rows": {
        **SHARED_BY_ALL,
        "type": "list",
        "fields": {
            "grams": _field("decimal", range=[-2.5, None], unit="g"),
            "count": _field("int", range=[None, 4]),
            "word": _field("text"),
            "day": _field("date"),
            "seen_at": _field("timestamp"),
        },
    },
    "wide.pauses": {
        **SHARED_BY_ALL,
        "kind": "event",
        "type": "list",
        "fields": {"from": _field("timestamp"), "until": _field("timestamp")},
    },
}
ZONE = "America/Denver"
# Finer words: a child of a child, and a coarse word whose rest has a word of its own.
KINDS = {"a1": "a", "a2": "a", "a21": "a2", "a22": "a2"}
REFINED: dict[str, dict[str, str]] = {
    "tiny.kind": KINDS,
    "tiny.rows.kind": {"a1": "a", "a2": "a"},
    "encounter.drugs.kind": {"heroin": "opioid", "fentanyl": "opioid", "other_opioid": "opioid"},
}
HEAD: dict[str, Any] = {
    "id": "made-up",
    "title": "Made up",
    "time_zone": ZONE,
    "program": {"from": "2010-01-01", "source": "s"},
    "sources": {"s": {"title": "S", "address": "here", "confidence": "high"}},
    "facts": ADDED,
    "refine": REFINED,
    "offenses": "made-up-law",
}
# The offense table of the packs. It covers a chapter, of which it has one section.
LISTED = {"code": "RCW 77.01.001", "level": "misdemeanor", "conduct": "possession"}
TABLE = {
    "table.yaml": "{system: RCW, authority: state, covers: [RCW 77.01]}",
    "sources.csv": "id,title,address,confidence\nact,An act,here,high\n",
    "offenses.csv": "code,title,level,drug,conduct,from,until,source,at,provisional\n"
    "{code},An offense,{level},,{conduct},,,act,,\n".format(**LISTED),
}
# What the rules ask about: a section that the table lacks, a chapter alone, and no citation.
UNSETTLED = ("RCW 77.01.9", "RCW 77.01", "loitering")


@cache
def _shelf() -> Path:
    """Return a folder for packs, with the table of offenses. It is removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="offramp-packs-"))
    atexit.register(rmtree, folder, ignore_errors=True)
    law = folder / "law" / str(HEAD["offenses"])
    law.mkdir(parents=True)
    for file, content in TABLE.items():
        (law / file).write_text(content, encoding="utf-8")
    return folder


def assembled(*texts: str, whole: bool = False) -> Pack:
    """Read the last of these packs, from a folder with all of them.

    Each text begins with its `id`, or is JSON. No ready file is kept, which takes as long as
    reading a pack: no text comes again.
    """
    shelf, folders = _shelf(), []
    try:
        for text in texts:
            name = (
                json.loads(text)["id"]
                if text.startswith("{")
                else text.split("id:", 1)[1].split()[0].strip("'\"")
            )
            folders.append(shelf / name)
            folders[-1].mkdir()
            (folders[-1] / "pack.yaml").write_text(text, encoding="utf-8")
        pack = assemble(folders[-1], vocabulary(), Neighbors(shelf.resolve()))
    finally:
        for folder in folders:
            rmtree(folder)
    if whole:
        prove(pack)
    return pack


def _words() -> Vocabulary:
    otherwise = {"outcome": "eligible", "because": "B.", "source": "s"}
    return assembled(
        json.dumps({**HEAD, "decisions": {"eligibility": {"otherwise": otherwise}}})
    ).vocabulary


WORDS = _words()
CHARGES = "encounter.charges"
CODES = ("A", "B", "NY PL 221.05")
# Canonical, and none below another, so that the plain meaning may compare them as texts.
CITED = ("NY PL 1.10", "RCW 1.02.003(1)(a)", "21 USC 844", LISTED["code"])
PARAMETERS: dict[str, tuple[str, Any]] = {
    "cap": ("g", 3),
    "limit": ("count", 2),
    "plain_hours": ("hours", 72),
    "listed": ("codes", ("A", "B")),
    "lookback": ("days", 30),
    "fortnights": ("weeks", 4),
    "spell": ("months", 7),
    "decade": ("years", 10),
    "opens": ("time of day", time(7, 0)),
    "closed": ("codes", ("sunday", "monday")),
    # Words of a choice, a coarse one among them.
    "kinds": ("codes", ("a2", "b")),
    "drugs": ("codes", ("heroin", "cocaine")),
    "sections": ("citations", CITED[:2]),
}
# Tables: the unit, the choice that they have rows by, and the rows.
TABLES: dict[str, tuple[str, str, dict[str, Any]]] = {
    "kind_cap": ("g", "tiny.kind", {"a": 1, "a21": 3, "otherwise": 2.5}),
    "row_limit": ("count", "tiny.rows.kind", {"a1": 0, "otherwise": 1}),
    "drug_cap": ("g", "encounter.drugs.kind", {"heroin": 1, "opioid": 3, "otherwise": 2.5}),
    "last_hour": ("time of day", "tiny.kind", {"a2": "07:00", "a": "17:00", "otherwise": "07:00"}),
}
# Lists of words, by the choice that they are words of.
WORD_LISTS = {"tiny.kind": "kinds", "encounter.drugs.kind": "drugs"}


def parameters() -> dict[str, Any]:
    """Return the values of all parameters as conditions read them."""
    tables = {}
    for name, (_, by, rows) in TABLES.items():
        fact = WORDS.fact_at(by)
        assert fact is not None
        exact = {word: _row(value) for word, value in rows.items()}
        tables[name] = table_of(exact, fact.word_tree)
    values = {name: value for name, (_, value) in PARAMETERS.items()}
    read = reader_of(WORDS).read
    return {**values, "sections": tuple(map(read, values["sections"])), **tables}


def _row(value: Any) -> Decimal | time:
    return time.fromisoformat(value) if isinstance(value, str) else Decimal(str(value))


DECISIONS = {
    "screening": WORDS.decisions["screening"].outcomes,
    "eligibility": ("ineligible", "eligible"),
}
CLOCKS = ("intake", "plan", "season", "era")
DAYS = ("2014-04-01", "2016-02-28", "2016-02-29", "2018-10-01", "2015-02-28")
TIMES = ("2014-04-01T00:00:00Z", "2016-02-29T23:30:00Z", "2018-10-01T06:00:00Z")
# The last second of ten years after March 31, 2014 in Denver, and the second after it.
ENDS = ("2024-04-01T05:59:59Z", "2024-04-01T06:00:00Z")
_GROUPS = (
    "person.",
    "approval.",
    "encounter.",
    "history.",
    "case.",
    "tiny.",
    "wide.",
    "program.",
    "now",
)
READABLE = tuple(
    path for path, fact in WORDS.facts.items() if path.startswith(_GROUPS) and fact.kind != "event"
)
TINY = ("tiny.yes", "tiny.kind", "tiny.score", "tiny.rows")


@dataclass(frozen=True)
class Readable:
    """The names in a condition: facts, parameters, decisions with their outcomes, and clocks."""

    paths: tuple[str, ...] = READABLE
    parameters: tuple[str, ...] = tuple(PARAMETERS)
    decisions: Mapping[str, tuple[str, ...]] | None = None
    clocks: tuple[str, ...] = CLOCKS
    tables: tuple[str, ...] = tuple(TABLES)
    of_scene: bool = False

    def fields(self, fact: Fact) -> Mapping[str, Fact]:
        """The fields that a condition may read."""
        if not self.of_scene:
            return fact.fields
        return {name: field for name, field in fact.fields.items() if field.scene}

    @property
    def outcomes(self) -> Mapping[str, tuple[str, ...]]:
        return DECISIONS if self.decisions is None else self.decisions

    @property
    def scope(self) -> Scope:
        return Scope(
            WORDS,
            {name: PARAMETERS[name][0] for name in self.parameters}
            | {name: TABLES[name][0] for name in self.tables},
            self.outcomes,
            self.clocks,
            tables={name: TABLES[name][1] for name in self.tables},
        )


EVERYTHING = Readable()
SMALL = Readable(TINY, (), {}, (), ("kind_cap", "row_limit"))


@dataclass(frozen=True)
class Item:
    """The type of a variable after `map`."""

    type: str
    unit: str | None = None
    choices: tuple[str, ...] = ()


Bound = Mapping[str, Fact | Item]
NUMBERS = ("int", "decimal")


class Author:
    """An author of conditions. Each method returns a text, in brackets where it needs them."""

    def __init__(self, draw: st.DrawFn, readable: Readable) -> None:
        self.draw = draw
        self.readable = readable

    def pick(self, options: Iterable[Any]) -> Any:
        return self.draw(st.sampled_from(tuple(options)))

    def maybe(self, chance: int = 2) -> bool:
        return bool(self.draw(st.integers(1, chance)) == 1)

    def leaves(self, bound: Bound, *types: str) -> list[tuple[str, Fact | Item]]:
        """Facts, fields and mapped values of these types, by how they are written."""
        facts = [(path, WORDS.facts[path]) for path in self.readable.paths]
        found: list[tuple[str, Fact | Item]] = [
            (path, fact) for path, fact in facts if fact.type in types
        ]
        near: list[tuple[str, Fact | Item]] = []
        for variable, what in bound.items():
            if isinstance(what, Item):
                near += [(variable, what)] if what.type in types else []
            else:
                near += [
                    (f"{variable}.{name}", field)
                    for name, field in self.readable.fields(what).items()
                    if field.type in types
                ]
        return near if near and self.maybe() else found + near

    # Numbers

    def rows(self, unit: str | None, bound: Bound) -> list[str]:
        """The rows of tables in this unit, of which the key is at hand."""
        found = []
        for name in self.readable.tables:
            own_unit, by, _ = TABLES[name]
            if own_unit != unit:
                continue
            found += [f"{name}[{by}]"] if by in self.readable.paths else []
            over, _, field = by.rpartition(".")
            found += [
                f"{name}[{variable}.{field}]"
                for variable, what in bound.items()
                if isinstance(what, Fact) and what.path == over
            ]
        return found

    def number(self, unit: str | None, bound: Bound, depth: int) -> str:
        """A number in this unit, or in none."""
        ways = ["written", "written", "leaf", "leaf"]
        ways += ["sum", "sum", "less", "times", "choice", "size", "minus"] if depth > 0 else []
        match self.pick(ways):
            case "written":
                return str(
                    self.pick(["0", "1", "2", "3", "-1", "0.5", "3.0", "2.50", "18", "1e0", "-0.5"])
                )
            case "leaf":
                leaves = [
                    one for one, what in self.leaves(bound, *NUMBERS) if what.unit in (unit, None)
                ]
                leaves += [name for name in self.readable.parameters if PARAMETERS[name][0] == unit]
                rows = self.rows(unit, bound)
                leaves += rows * (1 + len(leaves) // 2)
                return str(self.pick(leaves)) if leaves else "1"
            case "sum":
                return self.total(unit, bound, depth - 1)
            case "less":
                operator = self.pick("+-")
                left = self.number(unit, bound, depth - 1)
                return f"({left} {operator} {self.number(unit, bound, depth - 1)})"
            case "times":
                left = self.number(unit, bound, depth - 1)
                return f"({left} * {self.number(None, {}, 0) if unit else self.pick('23')})"
            case "minus":
                return f"(-{self.number(unit, bound, depth - 1)})"
            case "size":
                over, _ = self.pipeline(bound, depth - 1, mapped=False)
                return f"size({over})" if unit == "count" else self.total(unit, bound, depth - 1)
        then, otherwise = self.number(unit, bound, depth - 1), self.number(unit, bound, depth - 1)
        return f"({self.condition(bound, depth - 1)} ? {then} : {otherwise})"

    def total(self, unit: str | None, bound: Bound, depth: int) -> str:
        over, within = self.pipeline(bound, depth, mapped=False)
        variable = self.fresh(bound)
        return (
            f"sum({over}.map({variable}, {self.number(unit, {**bound, variable: within}, depth)}))"
        )

    # Lists

    def fresh(self, bound: Bound) -> str:
        return str(
            self.pick([name for name in ("a", "b", "c", "d", "e", "f") if name not in bound][:2])
        )

    def pipeline(self, bound: Bound, depth: int, *, mapped: bool) -> tuple[str, Fact | Item]:
        """A list, and what its elements are."""
        path = self.pick(path for path in self.readable.paths if WORDS.facts[path].type == "list")
        text, what = path, WORDS.facts[path]
        for _ in range(self.pick([0, 0, 1, 1, 2])):
            variable = self.fresh(bound)
            text = (
                f"{text}.filter({variable}, {self.condition({**bound, variable: what}, depth - 1)})"
            )
        if not mapped:
            return text, what
        variable = self.fresh(bound)
        name = self.pick(self.readable.fields(what))
        field = what.fields[name]
        keep = f"{self.condition({**bound, variable: what}, depth - 1)}, " if self.maybe(4) else ""
        item = Item(field.type, field.unit, field.choices)
        value = f"{variable}.{name}"
        if field.type in NUMBERS and depth > 0 and self.maybe(4):
            value = f"({self.condition({**bound, variable: what}, 0)} ? {value} : -{value})"
        text = f"{text}.map({variable}, {keep}{value})"
        if self.maybe(4):
            variable = self.fresh(bound)
            text = (
                f"{text}.filter({variable}, {self.condition({**bound, variable: item}, depth - 1)})"
            )
        return text, item

    def quantifier(self, bound: Bound, depth: int) -> str:
        over, what = self.pipeline(bound, depth - 1, mapped=self.maybe(4))
        variable = self.fresh(bound)
        kind = self.pick(["exists", "all"])
        return f"{over}.{kind}({variable}, {self.condition({**bound, variable: what}, depth - 1)})"

    # Yes or no

    def condition(self, bound: Bound, depth: int) -> str:
        ways = [
            "flag",
            "number",
            "number",
            "choice",
            "choice",
            "text",
            "citation",
            "day",
            "time",
            "clock time",
            "weekday",
            "status",
            "outcome",
            "flags",
        ]
        if depth > 0:
            ways += [
                "and",
                "or",
                "not",
                "if",
                "quantifier",
                "quantifier",
                "quantifier",
                "within",
                "total",
                "total",
                "total",
            ]
        if any(
            field.type == "citation"
            for what in bound.values()
            if isinstance(what, Fact)
            for field in self.readable.fields(what).values()
        ):
            ways += ["citation"] * 8  # only records of charges have one
        way = self.pick(ways)
        inner: Callable[[], str] = lambda: self.condition(bound, depth - 1)  # noqa: E731  # drawn anew
        match way:
            case "and" | "or":
                return (
                    "("
                    + (" && " if way == "and" else " || ").join(
                        inner() for _ in range(self.pick([2, 2, 3]))
                    )
                    + ")"
                )
            case "not":
                return f"!{inner()}" if self.maybe() else f"!({inner()})"
            case "if":
                return f"({inner()} ? {inner()} : {inner()})"
            case "quantifier":
                return self.quantifier(bound, depth)
            case "within":
                over, item = self.pipeline(bound, depth - 1, mapped=True)
                sought = self.like(item, bound) if isinstance(item, Item) else None
                return f"({sought} in {over})" if sought else self.quantifier(bound, depth)
            case "total":
                unit = self.pick(["g", "count", None])
                over = self.pipeline(bound, depth, mapped=False)[0] if unit == "count" else ""
                total = f"size({over})" if over else self.total(unit, bound, depth - 1)
                operator = self.pick(["==", "!=", "<", "<=", ">", ">="])
                return f"({total} {operator} {self.number(unit, {}, 0)})"
            case "number":
                unit = self.pick(["g", "years", "count", None, None])
                left, right = self.number(unit, bound, depth), self.number(unit, bound, depth - 1)
                if self.maybe(6):
                    return f"({left} in [{right}, 1, 2.0])"
                if self.maybe(8):
                    return f"({left} in [{right}])"
                return f"({left} {self.pick(['==', '!=', '<', '<=', '>', '>='])} {right})"
            case "day":
                return self.compared(self.day(bound, depth), self.day(bound, depth), ordered=True)
            case "time":
                if self.maybe(3):
                    length = f"({self.time(bound)} - {self.time(bound)})"
                    return self.compared(
                        length, self.pick(["hours(72)", "days(3)", "hours(-1)"]), ordered=True
                    )
                return self.compared(self.time(bound), self.time(bound), ordered=True)
            case "clock time":
                sides = self.clock_time(bound), self.clock_time(bound)
                return self.compared(*sides, ordered=True)
            case "weekday":
                return self.weekday(bound)
            case "text" if self.leaves({}, "text"):
                return self.about_text(bound)
            case "citation" if self.leaves(bound, "citation"):
                return self.about_citation(bound)
            case "status" if self.readable.clocks:
                among = json.dumps(
                    self.draw(
                        st.lists(st.sampled_from(tree.CLOCK_STATUSES[:-1]), max_size=3, unique=True)
                    )
                )
                return f"(clocks.{self.pick(self.readable.clocks)} in {among})"
            case "outcome" if self.readable.outcomes:
                name = self.pick(self.readable.outcomes)
                return self.compared(name, json.dumps(self.pick(self.readable.outcomes[name])))
            case "choice":
                return self.about_choice(bound)
            case "flags":
                return self.compared(
                    self.pick(self.leaves(bound, "bool"))[0], self.pick(["true", "false"])
                )
        return str(self.pick([*(one for one, _ in self.leaves(bound, "bool")), "true", "false"]))

    def compared(self, left: str, right: str, *, ordered: bool = False) -> str:
        operators = ["==", "!=", "<", "<=", ">", ">="] if ordered else ["==", "!="]
        left, right = (left, right) if self.maybe() else (right, left)
        return f"({left} {self.pick(operators)} {right})"

    def about_choice(self, bound: Bound) -> str:
        one, what = self.pick(self.leaves(bound, "choice"))
        listed = WORD_LISTS.get(what.path) if isinstance(what, Fact) else None
        if listed in self.readable.parameters and self.maybe(3):
            return f"({one} in {listed})"
        chosen = self.draw(
            st.lists(st.sampled_from(what.choices), min_size=0, max_size=3, unique=True)
        )
        if len(chosen) == 1:
            return self.compared(one, json.dumps(chosen[0]))
        others = [
            other for other, field in self.leaves(bound, "choice") if field.choices == what.choices
        ]
        if others and self.maybe(3):
            return self.compared(one, self.pick(others))
        return f"({one} in {json.dumps(chosen)})"

    def about_text(self, bound: Bound) -> str:
        one, _ = self.pick(self.leaves(bound, "text"))
        if "listed" in self.readable.parameters and self.maybe(3):
            return f"({one} in listed)"
        return (
            f"({one} in {json.dumps(self.pick([CODES[:1], CODES]))})"
            if self.maybe()
            else f"({one} != 'A')"
        )

    def about_citation(self, bound: Bound) -> str:
        one, _ = self.pick(self.leaves(bound, "citation"))
        if "sections" in self.readable.parameters and self.maybe(3):
            return f"({one} in sections)"
        if self.maybe():
            return f"({one} in {json.dumps(self.pick([CITED[:1], CITED]))})"
        return f"({one} {self.pick(['==', '!='])} {json.dumps(self.pick(CITED))})"

    def like(self, item: Item, bound: Bound) -> str | None:
        """A value to be looked for among such items."""
        match item.type:
            case "int" | "decimal":
                return self.number(item.unit, bound, 0)
            case "choice":
                return json.dumps(self.pick(item.choices))
            case "text":
                return '"A"'
            case "citation":
                return json.dumps(self.pick(CITED))
            case "bool":
                return str(self.pick(["true", *(one for one, _ in self.leaves(bound, "bool"))]))
            case "date":
                return self.day(bound, 0)
        return None

    def day(self, bound: Bound, depth: int) -> str:
        leaves = [one for one, _ in self.leaves(bound, "date")]
        base = self.pick(leaves) if leaves and self.maybe() else f'date("{self.pick(DAYS)}")'
        moments = [one for one, _ in self.leaves(bound, "timestamp")]
        if moments and self.maybe(4):
            base = f"day({self.pick(moments)})"
        if depth > 0 and self.maybe(3):
            length = self.pick(
                [
                    "days(1)",
                    "days(-30)",
                    "years(1)",
                    "years(10)",
                    "years(-4)",
                    "weeks(2)",
                    "months(1)",
                    "months(-7)",
                    "months(24)",
                    "(days(2) - days(1))",
                    *self.lengths("days", "weeks", "months", "years"),
                ]
            )
            return f"({base} {self.pick('+-')} {length})"
        return str(base)

    def lengths(self, *units: str) -> list[str]:
        """Lengths of time that parameters in these units give."""
        return [
            f"{unit}({name})"
            for name in self.readable.parameters
            for unit in units
            if PARAMETERS[name][0] == unit
        ]

    def clock_time(self, bound: Bound) -> str:
        moments = [one for one, _ in self.leaves(bound, "timestamp")]
        written_out = [f'time("{hour}")' for hour in ("00:00", "07:00", "17:00", "23:59")]
        parameters = [
            name for name in self.readable.parameters if PARAMETERS[name][0] == "time of day"
        ]
        rows = self.rows("time of day", bound)
        ways = [*(f"time({one})" for one in moments), *written_out, *parameters, *rows, *rows]
        return str(self.pick(ways))

    def weekday(self, bound: Bound) -> str:
        """A question about the day of the week."""
        moments = [one for one, _ in self.leaves(bound, "timestamp", "date")]
        if not moments:
            return "true"
        asked = f"weekday({self.pick(moments)})"
        if "closed" in self.readable.parameters and self.maybe():
            return f"({asked} in closed)"
        days = self.draw(st.lists(st.sampled_from(tree.WEEKDAYS), max_size=3, unique=True))
        return f"({asked} in {json.dumps(days)})"

    def time(self, bound: Bound) -> str:
        leaves = [one for one, _ in self.leaves(bound, "timestamp")]
        if not leaves:
            return 'date("2014-04-01")'
        base = self.pick(leaves)
        return (
            f"({base} {self.pick('+-')} "
            f"{self.pick(['hours(72)', 'hours(1)', 'days(2)', *self.lengths('hours', 'days')])})"
            if self.maybe(3)
            else str(base)
        )


@st.composite
def conditions(draw: st.DrawFn, readable: Readable = EVERYTHING, depth: int = 2) -> str:
    """The text of a condition that checks."""
    return Author(draw, readable).condition({}, depth)


def checked(text: str, scope: Scope | None = None) -> tree.Tree:
    return check(Node("a condition", 1, 1, text, quoted=True), scope or EVERYTHING.scope)


# Facts


def values_of(fact: Fact) -> st.SearchStrategy[Any]:
    """Known values of a fact, near what the conditions name, as JSON gives them."""
    match fact.type:
        case "bool":
            return st.booleans()
        case "choice":
            return st.sampled_from(fact.word_tree.finest)
        case "text":
            return st.sampled_from(CODES)
        case "citation":
            return st.sampled_from(CITED)
        case "date":
            return st.sampled_from([*DAYS, "2014-03-31", "2012-02-29", "2026-03-01"])
        case "timestamp":
            return st.sampled_from([*TIMES, "2014-04-04T00:00:00Z", "2014-04-04T02:00:01+02:00"])
        case "list":
            record = st.fixed_dictionaries(
                {name: values_of(field) for name, field in fact.fields.items()}
            )
            return st.lists(record, max_size=2 if fact.path.startswith("tiny.") else 3)
    near = (
        [0, 1, 2, 3, -1, 17, 18, 19]
        if fact.type == "int"
        else [0, 0.5, 1, 2.5, 3, 3.0, 3.000001, 4.2, -0.5, -2.5]
    )
    allowed = [
        one
        for one in near
        if (fact.low is None or one >= fact.low) and (fact.high is None or one <= fact.high)
    ]
    return st.sampled_from(allowed)


Flat = dict[str, Any]


def complete(paths: Iterable[str] = READABLE) -> st.SearchStrategy[Flat]:
    """Make values of all these facts, by path. The encounter's day is that of its moment."""
    return st.fixed_dictionaries({path: values_of(WORDS.facts[path]) for path in paths}).map(
        _agreeing
    )


def _agreeing(flat: Flat) -> Flat:
    if CHARGES in flat:
        flat = {**flat, CHARGES: [agreeing_charge(charge) for charge in flat[CHARGES]]}
    if "encounter.at" not in flat or "encounter.date" not in flat:
        return flat
    return {**flat, "encounter.date": local_day(flat["encounter.at"])}


def agreeing_charge(charge: dict[str, Any]) -> dict[str, Any]:
    """Return a charge that does not contradict the law of its section."""
    section = reader_of(WORDS).read(charge.get("code") or "")
    if section is None:
        return charge
    stated = LISTED if section.text == LISTED["code"] else {}
    return {**charge, "authority": WORDS.citations[section.system].authority, **stated}


@st.composite
def unsettled(draw: st.DrawFn, flat: Flat) -> Flat:
    """Make some codes cite nothing clear, and some fields contradict the law of their section."""
    if not flat.get(CHARGES):
        return flat
    fields = WORDS.facts[CHARGES].fields
    charges = []
    for charge in flat[CHARGES]:
        match draw(st.integers(0, 5)):
            case 0 | 1:
                charge = {**charge, "code": draw(st.sampled_from(UNSETTLED))}
            case 2:
                name = draw(st.sampled_from(("authority", "level", "conduct")))
                other = draw(st.sampled_from(fields[name].word_tree.finest))
                charge = {**charge, "code": LISTED["code"], name: other}
        charges.append(charge)
    return {**flat, CHARGES: charges}


def local_day(text: str) -> str:
    """The day of a moment in the zone of these packs, as JSON has it."""
    instant = read_instant(text)
    assert instant is not None
    return instant.astimezone(ZoneInfo(ZONE)).date().isoformat()


def with_day(flat: Flat) -> Flat:
    """The facts with the encounter's day, if its moment is known."""
    moment = flat.get("encounter.at")
    return flat if moment is None else {**flat, "encounter.date": local_day(moment)}


@st.composite
def holes_in(draw: st.DrawFn, flat: Flat) -> Flat:
    """Drop some of the facts and some fields of records, and make some words coarser."""
    keep = draw(st.sampled_from([1, 4, 7, 10]))

    def stays() -> bool:
        return draw(st.integers(1, 10)) <= keep

    def coarser(fact: Fact, value: Any) -> Any:
        above = fact.word_tree.above(value) if fact.finer else ()
        return value if not above or stays() else draw(st.sampled_from(above))

    def thinned(fact: Fact, value: Any) -> Any:
        if not isinstance(value, list):
            return coarser(fact, value)
        return [
            {name: coarser(fact.fields[name], one) for name, one in record.items() if stays()}
            for record in value
        ]

    return {path: thinned(WORDS.facts[path], value) for path, value in flat.items() if stays()}


def nested(flat: Flat) -> dict[str, Any]:
    """Facts by path to facts as they arrive."""
    facts: dict[str, Any] = {}
    for path, value in flat.items():
        *groups, last = path.split(".")
        level = facts
        for group in groups:
            level = level.setdefault(group, {})
        level[last] = value
    return facts


def domain(fact: Fact) -> list[Any]:
    """Return all values of a `tiny` fact. For a list, these are the lists of up to two records."""
    match fact.type:
        case "bool":
            return [True, False]
        case "choice":
            return list(fact.word_tree.finest)
        case "int":
            assert fact.low is not None and fact.high is not None
            return list(range(int(fact.low), int(fact.high) + 1))
    names = [name for name in fact.fields if name in fact.fields]
    records = [
        dict(zip(names, one, strict=True))
        for one in product(*(domain(fact.fields[name]) for name in names))
    ]
    return [[*some] for length in (0, 1, 2) for some in product(records, repeat=length)]


def is_open(fact: Fact, value: Any) -> bool:
    """Return True if a fact is unknown, or known by a coarse word."""
    return value is None or (bool(fact.finer) and fact.word_tree.is_coarse(value))


def meant(fact: Fact, value: Any) -> list[Any]:
    """Return the values that an open fact may have."""
    return domain(fact) if value is None else sorted(fact.word_tree.finest_of(value))


def completions(partial: Flat, read: Mapping[str, Fact]) -> Iterator[Flat]:
    """Yield all completions of the facts by the `tiny` facts and fields that are read."""
    ways: list[list[tuple[str, Any]]] = []
    for path, fact in read.items():
        if fact.of is not None:
            continue
        fields = [field for name, field in fact.fields.items() if field.path in read]
        if path not in partial:
            if fact.type != "list":
                ways.append([(path, value) for value in domain(fact)])
                continue
            records = [
                dict(zip([f.name for f in fields], one, strict=True))
                for one in product(*map(domain, fields))
            ]
            ways.append(
                [
                    (path, [*some])
                    for length in (0, 1, 2)
                    for some in product(records, repeat=length)
                ]
            )
        elif fact.type == "list":
            each = []
            for record in partial[path]:
                open_ = [field for field in fields if is_open(field, record.get(field.name))]
                values = product(*(meant(f, record.get(f.name)) for f in open_))
                names = [f.name for f in open_]
                each.append([{**record, **dict(zip(names, one, strict=True))} for one in values])
            ways.append([(path, [*some]) for some in product(*each)])
        elif is_open(fact, partial[path]):
            ways.append([(path, value) for value in meant(fact, partial[path])])
    for chosen in product(*ways):
        yield {**partial, **dict(chosen)}


# Programs

CUSTOM = ("top", "middle", "bottom")
PARTS: dict[str, dict[str, Any]] = {
    "offer": {"outcomes": WORDS.decisions["offer"].outcomes},
    "at_hand": {
        "outcomes": CUSTOM,
        "head": {
            "asks": "What is at hand?",
            "decided_by": "police",
            "governed_by": "encounter.date",
            "reads": ["scene"],
            "outcomes": list(CUSTOM),
        },
    },
    "screening": {"outcomes": DECISIONS["screening"]},
    "eligibility": {"outcomes": DECISIONS["eligibility"]},
    "ranking": {
        "outcomes": CUSTOM,
        "head": {
            "asks": "Where?",
            "decided_by": "program",
            "governed_by": "encounter.date",
            "outcomes": list(CUSTOM),
        },
    },
    "record": {
        "outcomes": CUSTOM,
        "head": {
            "asks": "What do the records say?",
            "decided_by": "prosecutor",
            "governed_by": "encounter.date",
            "reads": ["records"],
            "outcomes": list(CUSTOM),
        },
    },
    "completion": {"outcomes": WORDS.decisions["completion"].outcomes, "clocks": True},
    "pace": {
        "outcomes": CUSTOM,
        "clocks": True,
        "head": {
            "asks": "How far?",
            "decided_by": "program",
            "governed_by": "now",
            "reads": ["clocks"],
            "outcomes": list(CUSTOM),
        },
    },
    "admission": {"outcomes": WORDS.decisions["admission"].outcomes, "clocks": True},
    "ejection": {"outcomes": WORDS.decisions["ejection"].outcomes},
    "marks": {
        "outcomes": CUSTOM,
        "collect": True,
        "head": {
            "asks": "Which?",
            "decided_by": "program",
            "governed_by": "now",
            "outcomes": list(CUSTOM),
            "collect": "true",
        },
    },
    "review": {"outcomes": WORDS.decisions["review"].outcomes[:4], "collect": True, "clocks": True},
}
_SOURCED = {"source": "s"}


AT_SCENE = tuple(path for path in READABLE if WORDS.facts[path].scene)
OPEN_AT_SCENE = tuple(
    path for path in AT_SCENE if WORDS.facts[path].category not in WORDS.never_travels
)
# What police may hold, with `if_known`.
HELD = tuple(
    path
    for path in READABLE
    if WORDS.facts[path].scene
    or all(
        one.known_by == "police" or one.category == "enrollment"
        for one in (WORDS.facts[path], *WORDS.facts[path].fields.values())
    )
)


@st.composite
def offer_conditions(draw: st.DrawFn, decisions: Mapping[str, tuple[str, ...]]) -> str:
    """A condition of an offer: facts of the scene, and what is known by chance."""
    seen = conditions(Readable(AT_SCENE, decisions=decisions, clocks=(), of_scene=True), depth=1)
    held = Readable(HELD, decisions={}, clocks=())
    chance = conditions(held, depth=1).map(lambda text: f"if_known({text})")
    drug = Author(draw, held).condition({"d": WORDS.facts["encounter.drugs"]}, 0)
    kind = draw(st.sampled_from(WORDS.facts["encounter.drugs"].fields["kind"].choices))
    ways = [
        seen,
        chance,
        st.builds("({} && {})".format, seen, chance),
        st.builds("({} || {})".format, chance, seen),
        st.builds("({} && {})".format, chance, chance),
        st.just(f"encounter.drugs.exists(d, if_known({drug}) && d.kind == {json.dumps(kind)})"),
        st.builds('({} && approval.prosecutor == "declined")'.format, st.just("person.age < 18")),
    ]
    return draw(st.one_of(ways))


def _private(path: str) -> bool:
    return WORDS.facts[path].category in WORDS.never_travels


def _may_read(decision: str, path: str) -> bool:
    """Return whether a decision may read a fact that never travels."""
    if decision == "record":
        return WORDS.facts[path].known_by == "prosecutor"
    return decision == "screening"


@st.composite
def packs(draw: st.DrawFn, names: tuple[str, ...] = ()) -> dict[str, Any]:
    """Make a program as data: parameters, clocks, and decisions with rules and exceptions by date.

    It has the named decisions of `PARTS`, in this order. Without names, it has two to four of them.
    """
    dates = st.sampled_from(
        [
            {},
            {},
            {},
            {"from": "2016-02"},
            {"until": "2018-10-01"},
            {"from": "2016-02-29", "until": "2018"},
        ]
    )
    clock = {
        "label": "c",
        "owner": "program",
        "start": "case.referred_at",
        "length": "plain_hours",
        "follows": "F.",
        **_SOURCED,
    }
    pack: dict[str, Any] = {
        **HEAD,
        "parameters": {
            "cap": {"label": "c", "unit": "g", "values": [{"value": 3, **_SOURCED},
                      {"from": "2018-10", "value": 6, "provisional": "A guess.", **_SOURCED}]},
            "limit": {"label": "l", "unit": "count", "values": [{"value": 2, **_SOURCED}]},
            "plain_hours": {"label": "h", "unit": "hours", "values": [{"value": 72, **_SOURCED}]},
            "listed": {"label": "l", "unit": "codes", "values": [{"value": ["A", "B"], **_SOURCED},
                       {"from": "2016-02-29", "value": ["B"], **_SOURCED}]},
            "lookback": {"label": "b", "unit": "days", "range": [1, 365],
                         "values": [{"value": 30, **_SOURCED},
                                    {"from": "2016-02-29", "value": 365, **_SOURCED}]},
            "opens": {"label": "o", "unit": "time of day",
                      "values": [{"value": "07:00", **_SOURCED},
                                 {"from": "2018-10", "value": "17:00", **_SOURCED}]},
            "closed": {"label": "d", "unit": "codes",
                       "values": [{"value": ["sunday", "monday"], **_SOURCED}]},
            **{name: {"label": name, "unit": PARAMETERS[name][0],
                      "values": [{"value": PARAMETERS[name][1], **_SOURCED}]}
               for name in ("fortnights", "spell", "decade")},
            **{name: {"label": name, "unit": unit, "by": by,
                      "values": [{"value": rows, **_SOURCED},
                                 {"from": "2018-10", "value": {"otherwise": rows["otherwise"]},
                                  **_SOURCED}]}
               for name, (unit, by, rows) in TABLES.items()},
            **{name: {"label": name, "unit": "codes",
                      "values": [{"value": [*PARAMETERS[name][1]], **_SOURCED}]}
               for name in WORD_LISTS.values()},
            "sections": {"label": "s", "unit": "citations",
                         "values": [{"value": [*CITED[:2]], **_SOURCED}]},
        },
        "clocks": {"intake": {**clock, "stop": "case.intake_at", "tolling": "wide.pauses"},
                   "plan": {**clock, "start": "case.intake_at", "repeats": "case.plan_at",
                            "length": "lookback", "counts": "days", "tolling": "wide.pauses"},
                   "season": {**clock, "stop": "case.intake_at",
                              "length": "spell", "counts": "days", "tolling": "wide.pauses"},
                   "era": {**clock, "stop": "case.plan_at", "length": "decade", "counts": "days"}},
        "decisions": {},
    }  # fmt: skip
    before: dict[str, tuple[str, ...]] = {}
    some = st.lists(st.sampled_from(sorted(PARTS)), min_size=2, max_size=4, unique=True)
    for name in names or draw(some):
        part = PARTS[name]
        paths = tuple(path for path in READABLE if not _private(path) or _may_read(name, path))
        readable = Readable(
            paths, decisions=dict(before), clocks=CLOCKS if part.get("clocks") else ()
        )
        asked = whole = conditions(readable, depth=1)
        scenes = {name: before[name] for name in before if name == "at_hand"}
        if name == "at_hand":
            asked = whole = conditions(
                Readable(OPEN_AT_SCENE, decisions={}, clocks=(), of_scene=True), depth=1
            )
        if name == "offer":
            whole = offer_conditions(scenes)
            asked = conditions(
                Readable(AT_SCENE, decisions=scenes, clocks=(), of_scene=True), depth=1
            )
        rules = []
        for number in range(draw(st.integers(1, 3))):
            rule = {
                "id": f"r{number}",
                "when": draw(whole),
                "then": draw(st.sampled_from(part["outcomes"])),
                "because": "B.",
                **_SOURCED,
                **draw(dates),
            }
            if draw(st.integers(0, 2)) == 0:
                rule["unless"] = [
                    {"id": "x", "when": draw(asked), "because": "E.", **_SOURCED, **draw(dates)}
                ]
            rules.append(rule)
        last = {"outcome": draw(st.sampled_from(part["outcomes"])), "because": "O.", **_SOURCED}
        pack["decisions"][name] = {**part.get("head", {}), "rules": rules, "otherwise": last}
        if not part.get("collect") and name != "offer":
            before[name] = part["outcomes"]
    return pack


# Dates for `program`: None reads the date that governs a decision from the facts.
AS_OF = st.sampled_from(
    [
        None,
        None,
        None,
        "2014-04-01",
        "2016-01-31",
        "2016-02-01",
        "2016-02-29",
        "2018-01-01",
        "2018-10-01",
    ]
)


def program(pack: Mapping[str, Any], as_of: str | None = None) -> Program:
    """Compile a pack that is data, as of an ISO date if there is one."""
    return Program(assembled(json.dumps(pack)), date.fromisoformat(as_of) if as_of else None)


EVENTS = ("case.referred_at", "case.intake_at", "case.plan_at", "wide.pauses")


@st.composite
def cases(draw: st.DrawFn) -> Flat:
    """Events and `now`, which stay as they are while other facts are learned."""
    held = {path: draw(values_of(WORDS.facts[path])) for path in EVENTS if draw(st.booleans())}
    for pause in held.get("wide.pauses", ()):
        if draw(st.booleans()):
            del pause["until"]
    if draw(st.integers(0, 3)):
        held["now"] = draw(st.sampled_from((*TIMES, *ENDS)))
    return held


RANKED = Readable(TINY, (), {"ranking": CUSTOM}, (), SMALL.tables)
OPERATORS = ("<", "<=", ">", ">=", "==")
AMOUNTS = ("tiny.score", "sum(tiny.rows.map(r, r.n))", "size(tiny.rows.filter(r, r.yes))")
# Numbers at a limit, where one step too far is seen.
LIMITS = st.builds(
    "{} {} {}".format, st.sampled_from(AMOUNTS), st.sampled_from(OPERATORS), st.integers(-1, 2)
)


def at_a_limit(operator: str) -> list[str]:
    """Conditions that an operator read as another one makes true or false at its number alone."""
    return [
        f"{negation}({amount} {operator} 1) && {amount} == 1"
        for amount in AMOUNTS
        for negation in ("", "!")
    ]


@st.composite
def small_packs(draw: st.DrawFn) -> dict[str, Any]:
    """Make a pack on small facts: a ranking, and an eligibility that may read it."""

    def decision(readable: Readable, outcomes: tuple[str, ...]) -> dict[str, Any]:
        conditions_read = st.one_of(LIMITS, conditions(readable, depth=1))
        dates = st.sampled_from([{}, {}, {"from": "2016-02"}, {"until": "2018-10-01"}])
        rules = []
        for number in range(draw(st.integers(1, 3))):
            rule = {
                "id": f"r{number}",
                "when": draw(conditions_read),
                "then": draw(st.sampled_from(outcomes)),
                "because": "B.",
                **_SOURCED,
                **draw(dates),
            }
            if draw(st.integers(0, 2)) == 0:
                exception = {"id": "x", "when": draw(conditions_read), "because": "E.", **_SOURCED}
                rule["unless"] = [exception | draw(dates)]
            rules.append(rule)
        last = {"outcome": draw(st.sampled_from(outcomes)), "because": "O.", **_SOURCED}
        return {"rules": rules, "otherwise": last}

    return {
        **pack_of(),
        "decisions": {
            "ranking": {**PARTS["ranking"]["head"], **decision(SMALL, CUSTOM)},
            "eligibility": decision(RANKED, DECISIONS["eligibility"]),
        },
    }


def pack_of(*conditions: str) -> dict[str, Any]:
    """A pack that makes ineligible by any of these conditions, on small facts."""
    return {
        **HEAD,
        "parameters": {
            name: {
                "label": name,
                "unit": unit,
                "by": by,
                "values": [{"value": rows, "source": "s"}],
            }
            for name, (unit, by, rows) in TABLES.items()
            if name in SMALL.tables
        },
        "decisions": {
            "eligibility": {
                "rules": [
                    {
                        "id": f"rule-{number}",
                        "when": condition,
                        "then": "ineligible",
                        "because": "B.",
                        "source": "s",
                    }
                    for number, condition in enumerate(conditions)
                ],
                "otherwise": {"outcome": "eligible", "because": "B.", "source": "s"},
            }
        },
    }
