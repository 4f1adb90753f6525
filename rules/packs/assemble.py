"""Files to a checked pack: reads `pack.yaml`, adds it to its parents, checks every condition.

What holds afterwards: every word is known, every item has its source, every condition its typed tree, and whatever a
child adds, overrides or removes it was allowed to. What only shows over the whole pack (dates that gap, rules that can't
matter, invariants that don't hold) is `sound`'s to find.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol, TypeVar

from rules.errors import PackError, nearest
from rules.input import keys
from rules.input.facts import fits
from rules.input.vocabulary import DecisionWord, Fact, Vocabulary, read_fact
from rules.input.yaml import Node, read_file
from rules.language import tree
from rules.language.check import Scope, check
from rules.language.parse import KEYWORDS, RESERVED
from rules.packs.pack import (
    Body,
    Citation,
    Clock,
    Decision,
    Default,
    Exemption,
    Invariant,
    Obligation,
    Other,
    Pack,
    Parameter,
    Pilot,
    Places,
    Program,
    Rule,
    Source,
    Stated,
    Value,
    Wording,
)

UNITS = ("g", "dosage units", "years", "days", "hours", "weeks", "count", "codes")
CLOCK_UNITS = ("days", "hours", "weeks")
CONFIDENCE = ("high", "medium", "low")
PROGRAM_KINDS = ("program", "base", "plan")
_UNUSABLE = KEYWORDS | RESERVED | {"decisions", "clocks", "has", "size", "sum"}
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PARAMETER_IN_TEXT = re.compile(r"\{([^{}]*)\}")
_USUAL_ZONES = (
    "America/Los_Angeles",
    "America/Denver",
    "America/Chicago",
    "America/New_York",
    "UTC",
)
T = TypeVar("T")


class Find(Protocol):
    """Where what a pack names by its id lies: a folder. Raises `PackError`, to which the place is added."""

    def pack(self, pack_id: str, /) -> Path: ...
    def table(self, name: str, /) -> Path: ...


def assemble(
    folder: Path, vocabulary: Vocabulary, find: Find, children: tuple[str, ...] = ()
) -> Pack:
    """Reads the pack in `folder`. `find` knows its parents and offense tables; `children` are the packs on the way down."""
    file = folder / "pack.yaml"
    shown = f"{folder.name}/pack.yaml"
    top = read_file(file, shown)
    entry = top.mapping("the pack", keys.PACK.names, keys.PACK.required)
    pack_id = entry["id"].text("`id`")
    if not _ID.fullmatch(pack_id):
        entry["id"].fail("bad-id", f"`{pack_id}` is no id", "use small letters, digits and hyphens")
    if pack_id != folder.resolve().name:
        entry["id"].fail(
            "bad-id",
            f"the pack `{pack_id}` lies in the folder `{folder.resolve().name}`",
            "give folder and id the same name",
        )
    parent = None
    if "extends" in entry:
        parent_id = entry["extends"].text("`extends`")
        if parent_id in (*children, pack_id):
            way = " -> ".join([*children, pack_id, parent_id])
            entry["extends"].fail(
                "extends-cycle", f"`{parent_id}` extends itself: {way}", "extend one base"
            )
        parent = assemble(
            _folder(find.pack, entry["extends"], parent_id), vocabulary, find, (*children, pack_id)
        )
    return _Assembly(pack_id, entry, parent, vocabulary, top, find).pack()


def _folder(find: Callable[[str], Path], node: Node, name: str) -> Path:
    try:
        return find(name)
    except PackError as error:
        raise PackError(error.code, error.message, at=node.place, fix=error.fix) from None


class _Assembly:
    def __init__(
        self,
        pack_id: str,
        entry: dict[str, Node],
        parent: Pack | None,
        vocabulary: Vocabulary,
        top: Node,
        find: Find,
    ) -> None:
        self.id = pack_id
        self.entry = entry
        self.parent = parent
        self.vocabulary = parent.vocabulary if parent else vocabulary
        self.top = top
        self.find = find
        self.sources: dict[str, Source] = dict(parent.sources) if parent else {}
        self.parameters: dict[str, Parameter] = dict(parent.parameters) if parent else {}
        self.words: dict[str, DecisionWord] = {}
        self.offenses = parent.offenses if parent else None

    def pack(self) -> Pack:
        entry, parent = self.entry, self.parent
        self.read_sources()
        program = self.program()
        self.read_facts()
        overrides = self.overrides()
        self.read_parameters(overrides["parameters"])
        self.read_offenses()
        clock_nodes = self.section("clocks")
        parent_clocks = parent.clocks if parent else {}
        clock_names = tuple(dict.fromkeys([*parent_clocks, *clock_nodes]))
        decision_nodes = self.section("decisions")
        self.read_words(decision_nodes)
        self.refuse_clashes(decision_nodes)
        self.scope = Scope(
            self.vocabulary,
            {name: one.unit for name, one in self.parameters.items()},
            {name: word.outcomes for name, word in self.words.items()},
            clock_names,
            tuple(name for name, word in self.words.items() if word.collect),
        )
        clocks = self.merged("clock", parent_clocks, clock_nodes, overrides["clocks"], self.clock)
        decisions = dict(parent.decisions) if parent else {}
        for name, node in decision_nodes.items():
            decisions[name] = self.decision(name, node, decisions.get(name))
        invariants = dict(parent.invariants) if parent else {}
        for node in entry["invariants"].items("`invariants`") if "invariants" in entry else []:
            invariant = self.invariant(node)
            if invariant.id in invariants:
                if parent and invariant.id in parent.invariants:
                    node.fail(
                        "floor-lifted",
                        f"the invariant `{invariant.id}` is the parent's",
                        "add one with another id",
                    )
                node.fail(
                    "duplicate-id",
                    f"the invariant `{invariant.id}` stands twice",
                    "choose another id",
                )
            invariants[invariant.id] = invariant
        if not decisions:
            self.top.fail(
                "missing-key", "the pack decides nothing", "add `decisions:` or `extends:`"
            )
        return Pack(
            self.id,
            entry["title"].text("`title`"),
            parent.id if parent else None,
            self.time_zone(),
            program,
            self.sources,
            self.parameters,
            decisions,
            clocks,
            invariants,
            self.vocabulary,
            self.coverage(),
            self.top.place,
            self.offenses,
        )

    # The pack's head

    def section(self, key: str) -> dict[str, Node]:
        return self.entry[key].mapping(f"`{key}`") if key in self.entry else {}

    def time_zone(self) -> str:
        name = self.entry["time_zone"].text("`time_zone`")
        if name not in _USUAL_ZONES:
            from zoneinfo import ZoneInfo, available_timezones  # slow to load, and seldom needed

            try:
                known = "/" in name and ZoneInfo(name) is not None
            except (KeyError, ValueError, OSError):
                known = False
            if not known:
                zones = tuple(
                    zone
                    for zone in available_timezones()
                    if "/" in zone and not zone.startswith("Etc/")
                )
                fix = nearest(name, zones) if "/" in name else "write it as `America/Denver`"
                self.entry["time_zone"].fail("unknown-time-zone", f"`{name}` is no time zone", fix)
        return name

    def coverage(self) -> dict[str, int]:
        goals = dict.fromkeys(keys.COVERAGE.names, 0)
        for key, node in (
            self.entry["coverage"].mapping("`coverage`", keys.COVERAGE.names).items()
            if "coverage" in self.entry
            else ()
        ):
            number: Any = node.data()
            if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 100:
                node.fail(
                    "wrong-shape",
                    f"`coverage.{key}` is no percentage",
                    "write a whole number from 0 to 100",
                )
            goals[key] = number
        return goals

    def read_sources(self) -> None:
        for name, node in self.section("sources").items():
            if name in self.sources:
                node.fail(
                    "duplicate-id",
                    f"the source `{name}` stands in a parent already",
                    "choose another id",
                )
            if not _ID.fullmatch(name):
                node.fail("bad-id", f"`{name}` is no id", "use small letters, digits and hyphens")
            what = f"the source `{name}`"
            fields = node.mapping(what, keys.SOURCE.names, keys.SOURCE.required)
            confidence = fields["confidence"].text("`confidence`")
            if confidence not in CONFIDENCE:
                fields["confidence"].fail(
                    "unknown-word", f"`{confidence}` is no confidence", "write high, medium or low"
                )
            note = fields["note"].text("`note`") if "note" in fields else None
            self.sources[name] = Source(
                name,
                fields["title"].text(f"the title of {what}"),
                fields["address"].text(f"the address of {what}"),
                confidence,
                note,
            )

    def program(self) -> Program:
        node = self.entry["program"]
        fields = node.mapping("`program`", keys.PROGRAM.names, keys.PROGRAM.required)
        kind = fields["kind"].text("`kind`") if "kind" in fields else "program"
        if kind not in PROGRAM_KINDS:
            fields["kind"].fail(
                "unknown-word", f"`{kind}` is no kind of program", nearest(kind, PROGRAM_KINDS)
            )
        return Program(
            kind=kind,
            note=fields["note"].text("`note`") if "note" in fields else None,
            pilot=self.pilot(fields["pilot"]) if "pilot" in fields else None,
            places=tuple(self.places(one) for one in _items(fields, "places")),
            funding=tuple(
                self.stated(one, "funding", keys.FUNDING) for one in _items(fields, "funding")
            ),
            bodies=tuple(self.body(one) for one in _items(fields, "bodies")),
            open_cases=(
                self.stated(fields["open_cases"], "`open_cases`", keys.OPEN_CASES)
                if "open_cases" in fields
                else None
            ),
            **self.item(node, fields, "the program"),
        )

    def pilot(self, node: Node) -> Pilot:
        fields = node.mapping("`pilot`", keys.PILOT.names, keys.PILOT.required)
        says = fields["says"].text("`says`") if "says" in fields else None
        return Pilot(says=says, **self.item(node, fields, "the pilot"))

    def places(self, node: Node) -> Places:
        fields = node.mapping("places", keys.PLACES.names, keys.PLACES.required)
        number: Any = fields["value"].data()
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            fields["value"].fail(
                "wrong-shape", "`value` is no number of places", "write a whole number, such as 60"
            )
        return Places(value=number, **self.item(node, fields, "places"))

    def stated(self, node: Node, what: str, entry: keys.Entry) -> Stated:
        fields = node.mapping(what, entry.names, entry.required)
        return Stated(says=fields["says"].text("`says`"), **self.item(node, fields, what))

    def body(self, node: Node) -> Body:
        fields = node.mapping("a body", keys.BODY.names, ("name",))
        name = fields["name"].text("`name`")
        node.mapping(f"the body `{name}`", (), keys.BODY.required)
        members = tuple(self.role(one) for one in _items(fields, "members"))
        others = tuple(one.text("a member") for one in _items(fields, "others"))
        for listed in (members, others):
            twice = next((one for one in listed if listed.count(one) > 1), None)
            if twice is not None:
                node.fail(
                    "duplicate-id", f"`{twice}` stands twice in the body `{name}`", "leave it once"
                )
        does = fields["does"].text("`does`") if "does" in fields else None
        return Body(
            name=name,
            members=members,
            others=others,
            does=does,
            **self.item(node, fields, f"the body `{name}`"),
        )

    def read_facts(self) -> None:
        added: dict[str, Fact] = {}
        for path, node in self.section("facts").items():
            if path in self.vocabulary.facts:
                node.fail(
                    "name-clash",
                    f"the fact `{path}` is in the vocabulary already",
                    "use it as it is",
                )
            if not re.fullmatch(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,3}", path):
                node.fail(
                    "bad-id", f"`{path}` is no path of a fact", "write it as `encounter.park`"
                )
            above = [".".join(path.split(".")[:end]) for end in range(1, path.count(".") + 1)]
            if path.startswith(("clocks.", "decisions.")) or any(
                one in self.vocabulary.facts or one in added for one in above
            ):
                node.fail(
                    "name-clash",
                    f"the fact `{path}` lies inside another name",
                    "choose another path",
                )
            if any(known.startswith(f"{path}.") for known in (*self.vocabulary.facts, *added)):
                node.fail(
                    "name-clash", f"the fact `{path}` holds other facts", "choose another path"
                )
            self.citation(node, node.mapping(f"the fact `{path}`"), f"the fact `{path}`")
            added[path] = read_fact(path, node, self.vocabulary.roles, self.vocabulary.categories)
        if added:
            self.vocabulary = self.vocabulary.extended(added)

    def overrides(self) -> dict[str, dict[str, Node]]:
        if "override" not in self.entry:
            return {"parameters": {}, "clocks": {}}
        fields = self.entry["override"].mapping("`override`", keys.OVERRIDE.names)
        return {
            key: fields[key].mapping(f"`override.{key}`") if key in fields else {}
            for key in keys.OVERRIDE.names
        }

    # What every item has

    def citation(self, node: Node, fields: Mapping[str, Node], what: str) -> Citation:
        if "source" not in fields:
            node.fail("no-source", f"{what} has no `source`", "name the source it rests on")
        cited = fields["source"]
        at = None
        if isinstance(cited.value, dict):
            inner = cited.mapping(f"the source of {what}", ("id", "at"), ("id",))
            at = inner["at"].text("`at`") if "at" in inner else None
            cited = inner["id"]
        name = cited.text(f"the source of {what}")
        if name not in self.sources:
            cited.fail(
                "unknown-source", f"there is no source `{name}`", nearest(name, tuple(self.sources))
            )
        return Citation(name, at)

    def item(self, node: Node, fields: Mapping[str, Node], what: str) -> dict[str, Any]:
        since = _day(fields["from"]) if "from" in fields else None
        until = _day(fields["until"]) if "until" in fields else None
        if since and until and until <= since:
            fields["until"].fail(
                "dates-reversed",
                f"{what} ends on {until} before it begins on {since}",
                "swap the dates",
            )
        others = []
        for one in fields["other"].items("`other`") if "other" in fields else []:
            inner = one.mapping("what another source says", keys.OTHER.names, keys.OTHER.required)
            why = inner["why"].text("`why`") if "why" in inner else None
            others.append(
                Other(
                    inner["says"].text("`says`"), self.citation(one, inner, "the other value"), why
                )
            )
        return {
            "source": self.citation(node, fields, what),
            "since": since,
            "until": until,
            "provisional": fields["provisional"].text("`provisional`")
            if "provisional" in fields
            else None,
            "other": tuple(others),
            "declared_in": self.id,
            "place": node.place,
        }

    def role(self, node: Node) -> str:
        name = node.text("the role")
        if name not in self.vocabulary.roles:
            node.fail(
                "unknown-role",
                f"there is no role `{name}`",
                nearest(name, tuple(self.vocabulary.roles)),
            )
        return name

    def wording(self, node: Node) -> str:
        """A text whose `{braces}` name parameters."""
        text = " ".join(node.text("the wording").split())
        for name in _PARAMETER_IN_TEXT.findall(text):
            if name not in self.parameters:
                node.fail(
                    "unknown-parameter",
                    f"there is no parameter `{name}`",
                    nearest(name, tuple(self.parameters)),
                )
        return text

    def merged(
        self,
        what: str,
        parents: Mapping[str, T],
        added: Mapping[str, Node],
        replaced: Mapping[str, Node],
        read: Callable[[str, Node], T],
    ) -> dict[str, T]:
        """The parent's items, with those of `replaced` in place of the parent's and those of `added` as well."""
        result = dict(parents)
        for name, node in replaced.items():
            if name not in parents:
                node.fail(
                    "override-of-nothing",
                    f"there is no {what} `{name}` to override",
                    nearest(name, tuple(parents)),
                )
            result[name] = read(name, node)
        for name, node in added.items():
            if name in parents:
                node.fail(
                    "duplicate-id",
                    f"the {what} `{name}` stands in the parent already",
                    "override it, or rename it",
                )
            result[name] = read(name, node)
        return result

    # Parameters and clocks

    def read_parameters(self, replaced: Mapping[str, Node]) -> None:
        parents = dict(self.parameters)
        self.parameters = self.merged(
            "parameter", parents, self.section("parameters"), replaced, self.parameter
        )
        for name in replaced:
            if parents[name].unit != self.parameters[name].unit:
                replaced[name].fail(
                    "wrong-unit",
                    f"`{name}` is in `{parents[name].unit}` in the parent",
                    "keep the unit",
                )

    def read_offenses(self) -> None:
        """The offense table, in place of the parent's; what it says are no offenses is a parameter."""
        if "offenses" not in self.entry:
            return
        from rules.packs import offenses  # a pack without a table doesn't need it

        node = self.entry["offenses"]
        name = node.text("`offenses`")
        folder = _folder(self.find.table, node, name)
        own = self.parameters.get(offenses.NO_OFFENSE)
        if own is not None and (self.offenses is None or own.declared_in != self.offenses.id):
            message = f"the parameter `{offenses.NO_OFFENSE}` comes from the offense table `{name}`"
            raise PackError(
                "name-clash",
                message,
                at=own.place,
                fix="rename the parameter, or leave it to the table",
            )
        self.parameters.pop(offenses.NO_OFFENSE, None)
        self.offenses, sources = offenses.read_offenses(folder, self.vocabulary)
        self.sources |= sources
        found = offenses.no_offense(self.offenses)
        if found is not None:
            self.parameters[found.name] = found

    def parameter(self, name: str, node: Node) -> Parameter:
        what = f"the parameter `{name}`"
        _refuse_unusable(name, node)
        fields = node.mapping(what, keys.PARAMETER.names, keys.PARAMETER.required)
        unit = fields["unit"].text("`unit`")
        if unit not in UNITS:
            fields["unit"].fail("wrong-unit", f"`{unit}` is no unit", nearest(unit, UNITS))
        values = [
            self.parameter_value(one, unit, what)
            for one in fields["values"].items(f"the values of {what}")
        ]
        if not values:
            fields["values"].fail("missing-key", f"{what} has no value", "add one with its source")
        values.sort(key=lambda value: value.since or date.min)
        closed: list[Value] = []
        for value, following in zip(values, [*values[1:], None], strict=True):
            ends = value.until
            if following is not None:
                if (
                    following.since is None
                    or following.since == value.since
                    or (value.until or date.min) > following.since
                ):
                    day = following.since or value.since
                    message = (
                        f"two values of `{name}` hold on {day}"
                        if day
                        else f"two values of `{name}` have no `from`"
                    )
                    raise PackError(
                        "overlapping-dates",
                        message,
                        at=following.place,
                        fix="give each its own `from`",
                    )
                if value.until is not None and value.until < following.since:
                    raise PackError(
                        "gap-in-dates",
                        f"`{name}` has no value from {value.until} to {following.since}",
                        at=following.place,
                        fix="leave out `until`, or move `from`",
                    )
                ends = following.since
            closed.append(replace(value, until=ends))
        return Parameter(
            name, fields["label"].text("`label`"), unit, tuple(closed), self.id, node.place
        )

    def parameter_value(self, node: Node, unit: str, what: str) -> Value:
        fields = node.mapping(
            f"a value of {what}", keys.PARAMETER_VALUE.names, keys.PARAMETER_VALUE.required
        )
        given = fields["value"]
        value: int | Decimal | tuple[str, ...]
        if unit == "codes":
            value = tuple(one.text("a code") for one in given.items(f"a value of {what}"))
            if not value:
                given.fail(
                    "wrong-shape", f"a value of {what} is an empty list", "leave the value out"
                )
        else:
            number: Any = given.data()
            if isinstance(number, bool) or not isinstance(number, (int, Decimal)):
                given.fail(
                    "wrong-shape",
                    f"a value of {what} is not a number",
                    f"write the number of {unit}",
                )
            if not fits(number):
                given.fail("number-too-fine", f"a value of {what} has too many digits", "round it")
            value = number
        return Value(value=value, **self.item(node, fields, f"a value of {what}"))

    def clock(self, name: str, node: Node) -> Clock:
        what = f"the clock `{name}`"
        _refuse_unusable(name, node)
        fields = node.mapping(what, keys.CLOCK.names, keys.CLOCK.required)
        if ("stop" in fields) == ("repeats" in fields):
            node.fail(
                "wrong-shape",
                f"{what} needs either `stop` or `repeats`",
                "say which event ends or renews it",
            )
        length = fields["length"].text("`length`")
        if length not in self.parameters:
            fields["length"].fail(
                "unknown-parameter",
                f"there is no parameter `{length}`",
                nearest(length, tuple(self.parameters)),
            )
        unit = self.parameters[length].unit
        if unit not in CLOCK_UNITS:
            fields["length"].fail(
                "wrong-unit",
                f"`{length}` is in `{unit}`, which is no length of time",
                "use a parameter in hours, days or weeks",
            )
        return Clock(
            name=name,
            label=fields["label"].text("`label`"),
            owner=self.role(fields["owner"]),
            start=self.event(fields["start"]),
            stop=self.event(fields["stop"]) if "stop" in fields else None,
            repeats=self.event(fields["repeats"]) if "repeats" in fields else None,
            length=length,
            tolling=self.pauses(fields["tolling"]) if "tolling" in fields else None,
            follows=self.wording(fields["follows"]),
            **self.item(node, fields, what),
        )

    def event(self, node: Node) -> str:
        path = node.text("the event")
        fact = self.vocabulary.facts.get(path)
        if fact is None or fact.kind != "event":
            events = tuple(
                one.path for one in self.vocabulary.facts.values() if one.kind == "event"
            )
            node.fail("unknown-fact", f"`{path}` is no event", nearest(path, events))
        return path

    def pauses(self, node: Node) -> str:
        path = node.text("`tolling`")
        fact = self.vocabulary.facts.get(path)
        ends = {name: one.type for name, one in fact.fields.items()} if fact else {}
        if (
            fact is None
            or fact.kind != "event"
            or (ends.get("from"), ends.get("until")) != ("timestamp", "timestamp")
        ):
            node.fail(
                "unknown-fact",
                f"`{path}` is no list of pauses",
                "declare a list with `from` and `until` timestamps",
            )
        return path

    # Decisions

    def read_words(self, nodes: Mapping[str, Node]) -> None:
        """What each decision of this pack is called, decided by and may answer, before any condition is read."""
        known = self.vocabulary.decisions
        if self.parent:
            for name, decision in self.parent.decisions.items():
                self.words[name] = _word_of(decision, known.get(name))
        for name, node in nodes.items():
            fields = node.mapping(f"the decision `{name}`", keys.DECISION.names)
            word = self.words.get(name) or known.get(name)
            inherited = name in self.words
            _refuse_unusable(name, node)
            if word is None:
                for key in ("asks", "decided_by", "governed_by", "outcomes"):
                    if key not in fields:
                        fix = nearest(name, tuple(known)) if key == "asks" else f"add `{key}:`"
                        self.node_key(nodes, name).fail(
                            "unknown-decision",
                            f"the decision `{name}` is not in the vocabulary and has no `{key}`",
                            fix,
                        )
                governed_by = fields["governed_by"].text("`governed_by`")
                if governed_by not in ("as_of", "now") and self.type_of(governed_by) != "date":
                    fields["governed_by"].fail(
                        "unknown-fact",
                        f"`{governed_by}` is no date",
                        "name a date, `now` or `as_of`",
                    )
                word = DecisionWord(
                    name,
                    fields["asks"].text("`asks`"),
                    self.role(fields["decided_by"]),
                    governed_by,
                    (),
                )
            else:
                for key in ("asks", "decided_by", "governed_by"):
                    if key in fields:
                        fields[key].fail(
                            "fixed-word",
                            f"`{key}` of `{name}` is fixed by the vocabulary",
                            "leave it out",
                        )
            if "collect" in fields and not word.collect:
                if word.outcomes:
                    fields["collect"].fail(
                        "fixed-word", f"`collect` of `{name}` is fixed already", "leave it out"
                    )
                word = replace(word, collect=fields["collect"].flag("`collect`"))
            if "outcomes" in fields:
                if inherited:
                    fields["outcomes"].fail(
                        "floor-lifted",
                        f"the outcomes of `{name}` are the parent's",
                        "leave them out",
                    )
                outcomes = tuple(
                    self.outcome(one, word.outcomes, name)
                    for one in fields["outcomes"].items("`outcomes`")
                )
                ranks = (
                    [word.outcomes.index(one) for one in outcomes]
                    if word.outcomes
                    else list(range(len(outcomes)))
                )
                if (
                    ranks != sorted(set(ranks))
                    or len(set(outcomes)) != len(outcomes)
                    or not outcomes
                ):
                    fields["outcomes"].fail(
                        "wrong-order",
                        f"the outcomes of `{name}` stand out of order",
                        f"keep the order: {', '.join(word.outcomes) or 'each once'}",
                    )
                word = replace(word, outcomes=outcomes)
            self.words[name] = word

    def node_key(self, nodes: Mapping[str, Node], name: str) -> Node:
        return self.entry["decisions"].keys.get(name, nodes[name])

    def type_of(self, path: str) -> str | None:
        fact = self.vocabulary.facts.get(path)
        return fact.type if fact else None

    def refuse_clashes(self, decisions: Mapping[str, Node]) -> None:
        facts = self.vocabulary.facts
        for name, one in self.parameters.items():
            if name in facts or name in self.words or name in self.vocabulary.decisions:
                other = "fact" if name in facts else "decision"
                raise PackError(
                    "name-clash",
                    f"the parameter `{name}` has the name of a {other}",
                    at=one.place,
                    fix="rename the parameter",
                )
        for name, node in decisions.items():
            if name in facts:
                node.fail(
                    "name-clash",
                    f"the decision `{name}` has the name of a fact",
                    "rename the decision",
                )

    def outcome(self, node: Node, allowed: tuple[str, ...], decision: str) -> str:
        name = node.text("the outcome")
        if allowed and name not in allowed:
            node.fail(
                "unknown-outcome", f"`{name}` is no outcome of `{decision}`", nearest(name, allowed)
            )
        return name

    def decision(self, name: str, node: Node, before: Decision | None) -> Decision:
        fields = node.mapping(f"the decision `{name}`")
        word = self.words[name]
        if before and word.tighten_only:
            for key in ("override", "remove", "otherwise"):
                if key in fields:
                    fields[key].fail(
                        "floor-lifted",
                        f"`{name}` may only be tightened, and `{key}` could loosen it",
                        f"add rules that {' or '.join(word.tighten_only)}",
                    )
        rules = dict(before.rules) if before else {}
        otherwise = before.otherwise if before else None
        for one in fields["remove"].items("`remove`") if "remove" in fields else []:
            inner = one.mapping("what is removed", keys.REMOVAL.names, ("id",))
            gone = inner["id"].text("`id`")
            one.mapping(f"the removal of `{gone}`", (), keys.REMOVAL.required)
            inner["because"].text(f"`because` of the removal of `{gone}`")
            self.citation(one, inner, f"the removal of `{gone}`")
            if gone not in rules:
                inner["id"].fail(
                    "override-of-nothing",
                    f"there is no rule `{gone}` to remove",
                    nearest(gone, tuple(rules)),
                )
            del rules[gone]
        overridden: set[str] = set()
        for one in fields["override"].items("`override`") if "override" in fields else []:
            inner = one.mapping("what overrides", (), ("id",))
            replaced = inner["id"].text("`id`")
            if replaced in overridden:
                inner["id"].fail(
                    "duplicate-id", f"`{replaced}` is overridden twice", "keep one of them"
                )
            overridden.add(replaced)
            if replaced == "otherwise" and otherwise is not None:
                otherwise = self.default(one, word, name)
            elif before is None or replaced not in before.rules:
                inner["id"].fail(
                    "override-of-nothing",
                    f"there is no rule `{replaced}` to override",
                    nearest(replaced, tuple(before.rules) if before else ()),
                )
            else:
                rules[replaced] = self.rule(one, word, name)
        for one in fields["rules"].items("`rules`") if "rules" in fields else []:
            rule = self.rule(one, word, name)
            if rule.id == "otherwise":
                one.fail(
                    "bad-id",
                    "`otherwise` is the word for what holds when no rule does",
                    "choose another id",
                )
            if rule.id in rules:
                inherited = before is not None and rule.id in before.rules
                where = "in the parent already" if inherited else "twice"
                fix = (
                    "put it under `override`, or choose another id"
                    if inherited
                    else "choose another id"
                )
                one.fail("duplicate-id", f"the rule `{rule.id}` of `{name}` stands {where}", fix)
            if before and word.tighten_only and rule.then not in word.tighten_only:
                one.fail(
                    "floor-lifted",
                    f"`{name}` may only be tightened, and `{rule.id}` would {rule.then}",
                    f"add rules that {' or '.join(word.tighten_only)}",
                )
            rules[rule.id] = rule
        if "otherwise" in fields:
            if otherwise is not None:
                fields["otherwise"].fail(
                    "duplicate-id",
                    f"`{name}` has the parent's `otherwise` already",
                    "put it under `override` with `id: otherwise`",
                )
            otherwise = self.default(fields["otherwise"], word, name)
        if otherwise is None:
            node.fail(
                "missing-key",
                f"the decision `{name}` has no `otherwise`",
                "say what holds when no rule does",
            )
        following = dict(before.next) if before else {}
        for outcome, one in fields["next"].mapping("`next`").items() if "next" in fields else ():
            self.outcome(fields["next"].keys[outcome], word.outcomes, name)
            following[outcome] = self.next_step(one, f"the next step of `{outcome}`")
        waiting = before.while_waiting if before else None
        if "while_waiting" in fields:
            waiting = self.next_step(fields["while_waiting"], "`while_waiting`")
        obligations = dict(before.obligations) if before else {}
        for one in fields["obligations"].items("`obligations`") if "obligations" in fields else []:
            obligation = self.obligation(one, name)
            if obligation.id in obligations:
                one.fail(
                    "duplicate-id",
                    f"the obligation `{obligation.id}` stands already",
                    "leave it out",
                )
            obligations[obligation.id] = obligation
        return Decision(
            name,
            word.asks,
            word.decided_by,
            word.governed_by,
            word.outcomes,
            word.collect,
            rules,
            otherwise,
            waiting,
            following,
            obligations,
            node.place,
        )

    def condition(self, node: Node, decision: str, what: str) -> tree.Tree:
        checked = check(node, self.scope)
        word = self.words[decision]
        for part in tree.nodes(checked):
            if isinstance(part, tree.StatusOf) and not word.reads_clocks:
                node.fail(
                    "reads-clock",
                    f"{what} reads the clock `{part.clock}`, and `{decision}` may not",
                    "only admission, filing and review read clocks",
                )
            if isinstance(part, tree.OutcomeOf) and word.reads_only:
                node.fail(
                    "reads-too-much",
                    f"{what} reads the decision `{part.decision}`, and `{decision}` may not",
                    "an offer reads only what is seen at the scene",
                )
        never = self.vocabulary.never_travels
        for path, fact in tree.facts_read(checked).items():
            if word.reads_only:
                if path not in word.reads_only:
                    node.fail(
                        "reads-too-much",
                        f"{what} reads `{path}`, and `{decision}` may not",
                        "an offer reads only what is seen at the scene",
                    )
            elif fact.category in never and not word.reads_criminal_history:
                node.fail(
                    "reads-too-much",
                    f"{what} reads `{path}`, which never leaves the office that knows it",
                    "read it in `screening`, and that decision here",
                )
        return checked

    def rule(self, node: Node, word: DecisionWord, decision: str) -> Rule:
        fields = node.mapping("a rule", keys.RULE.names, ("id",))
        name = self.identifier(fields["id"])
        what = f"the rule `{name}`"
        node.mapping(what, (), keys.RULE.required)
        exemptions: list[Exemption] = []
        for one in fields["unless"].items("`unless`") if "unless" in fields else []:
            inner = one.mapping("an exception", keys.EXEMPTION.names, ("id",))
            exempt = self.identifier(inner["id"])
            one.mapping(f"the exception `{exempt}`", (), keys.EXEMPTION.required)
            if any(exempt == other.id for other in exemptions):
                one.fail(
                    "duplicate-id", f"the exception `{exempt}` stands twice", "choose another id"
                )
            exemptions.append(
                Exemption(
                    id=exempt,
                    when=self.condition(inner["when"], decision, f"the exception `{exempt}`"),
                    because=self.wording(inner["because"]),
                    **self.item(one, inner, f"the exception `{exempt}`"),
                )
            )
        return Rule(
            id=name,
            when=self.condition(fields["when"], decision, what),
            then=self.outcome(fields["then"], word.outcomes, decision),
            because=self.wording(fields["because"]),
            unless=tuple(exemptions),
            reviewable_by=self.role(fields["reviewable_by"]) if "reviewable_by" in fields else None,
            **self.item(node, fields, what),
        )

    def identifier(self, node: Node) -> str:
        name = node.text("`id`")
        if not _ID.fullmatch(name):
            node.fail("bad-id", f"`{name}` is no id", "use small letters, digits and hyphens")
        return name

    def default(self, node: Node, word: DecisionWord, decision: str) -> Default:
        fields = node.mapping(
            "`otherwise`", keys.OTHERWISE.names, keys.OTHERWISE.required
        )  # no dates: always in force
        return Default(
            outcome=self.outcome(fields["outcome"], word.outcomes, decision),
            because=self.wording(fields["because"]),
            reviewable_by=self.role(fields["reviewable_by"]) if "reviewable_by" in fields else None,
            **self.item(node, fields, "`otherwise`"),
        )

    def next_step(self, node: Node, what: str) -> Wording:
        fields = node.mapping(what, keys.STEP.names, keys.STEP.required)
        return Wording(
            who=self.role(fields["who"]),
            text=self.wording(fields["text"]),
            **self.item(node, fields, what),
        )

    def obligation(self, node: Node, decision: str) -> Obligation:
        fields = node.mapping("an obligation", keys.OBLIGATION.names, ("id",))
        name = fields["id"].text("`id`")
        node.mapping(f"the obligation `{name}`", (), keys.OBLIGATION.required)
        if name not in self.vocabulary.obligations:
            fields["id"].fail(
                "unknown-obligation",
                f"there is no obligation `{name}`",
                nearest(name, tuple(self.vocabulary.obligations)),
            )
        what = f"the obligation `{name}`"
        return Obligation(
            id=name,
            when=self.condition(fields["when"], decision, what),
            **self.item(node, fields, what),
        )

    def invariant(self, node: Node) -> Invariant:
        fields = node.mapping("an invariant", keys.INVARIANT.names, ("id",))
        name = self.identifier(fields["id"])
        what = f"the invariant `{name}`"
        node.mapping(what, (), keys.INVARIANT.required)
        decision = fields["decision"].text("`decision`")
        if decision not in self.words:
            fields["decision"].fail(
                "unknown-decision",
                f"there is no decision `{decision}`",
                nearest(decision, tuple(self.words)),
            )
        if ("always" in fields) == ("independent_of" in fields):
            node.fail(
                "wrong-shape",
                f"{what} needs either `always` or `independent_of`",
                "say what must hold",
            )
        paths = (
            [one.text("a path") for one in fields["independent_of"].items("`independent_of`")]
            if "independent_of" in fields
            else []
        )
        for path in paths:
            stem = path.removesuffix("*")
            if path not in self.vocabulary.facts and not (
                path.endswith(".*") and any(fact.startswith(stem) for fact in self.vocabulary.facts)
            ):
                fields["independent_of"].fail(
                    "unknown-fact",
                    f"there is no fact `{path}`",
                    nearest(path, tuple(self.vocabulary.facts)),
                )
        return Invariant(
            id=name,
            decision=decision,
            when=check(fields["when"], self.scope) if "when" in fields else None,
            always=check(fields["always"], self.scope) if "always" in fields else None,
            independent_of=tuple(paths),
            because=self.wording(fields["because"]) if "because" in fields else "",
            **self.item(node, fields, what),
        )


def _items(fields: Mapping[str, Node], key: str) -> list[Node]:
    return fields[key].items(f"`{key}`") if key in fields else []


def _refuse_unusable(name: str, node: Node) -> None:
    """A name that no condition could write: of a parameter, a decision or a clock."""
    if not _NAME.fullmatch(name):
        node.fail("bad-id", f"`{name}` is no name", "use small letters, digits and underscores")
    if name in _UNUSABLE:
        node.fail("bad-id", f"`{name}` is a word of the language", "choose another name")


def _word_of(decision: Decision, known: DecisionWord | None) -> DecisionWord:
    if known is None:
        return DecisionWord(
            decision.name,
            decision.asks,
            decision.decided_by,
            decision.governed_by,
            decision.outcomes,
            decision.collect,
        )
    return replace(known, outcomes=decision.outcomes)


def _day(node: Node) -> date:
    """A day; a month or a year alone is its first day."""
    text = node.text("the date")
    shape = re.fullmatch(r"([0-9]{4})(?:-([0-9]{2})(?:-([0-9]{2}))?)?", text)
    if shape:
        try:
            return date(int(shape[1]), int(shape[2] or 1), int(shape[3] or 1))
        except ValueError:
            pass
    node.fail("no-such-day", f"`{text}` is not a day", "write it as 2014-04-01, 2014-04 or 2014")
