"""Readers of a pack's head: sources, added facts, the program, its time zone, and its coverage."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from rules.errors import nearest
from rules.frozen import replace
from rules.input import keys
from rules.input.vocabulary import Fact, read_fact
from rules.input.yaml import Node
from rules.packs.costs import read_break_evens, read_costs
from rules.packs.days import read_day
from rules.packs.draft import Draft, read_items, read_optional_text, refuse_bad_id
from rules.packs.fields import find_list, read_field
from rules.packs.pack import Body, Pilot, Places, Program, Source, Stated
from rules.packs.scene import refuse_scene_fact

CONFIDENCE = ("high", "medium", "low")
PROGRAM_KINDS = ("program", "base", "plan")
_FACT_PATH = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){1,3}")
_USUAL_ZONES = (
    "America/Los_Angeles",
    "America/Denver",
    "America/Chicago",
    "America/New_York",
    "UTC",
)


def read_sources(draft: Draft) -> None:
    """Read `sources` into the draft, each with the day of its last check."""
    checked = None
    if "checked" in draft.entry:
        with draft.faults.collect():
            checked = read_day(draft.entry["checked"])
    for name, node in draft.section("sources").items():
        with draft.faults.collect(name):
            if name in draft.sources:
                node.fail(
                    "duplicate-id",
                    f"the source `{name}` is in a parent already",
                    "choose another id",
                )
            refuse_bad_id(name, node)
            draft.sources[name] = _read_source(name, node, checked)


def _read_source(name: str, node: Node, checked: date | None) -> Source:
    subject = f"the source `{name}`"
    fields = node.mapping(subject, keys.SOURCE.names, keys.SOURCE.required)
    confidence = fields["confidence"].text("`confidence`")
    if confidence not in CONFIDENCE:
        fields["confidence"].fail(
            "unknown-word", f"`{confidence}` is no confidence", "write high, medium or low"
        )
    note = read_optional_text(fields, "note")
    title = fields["title"].text(f"the title of {subject}")
    address = fields["address"].text(f"the address of {subject}")
    if "checked" in fields:
        checked = read_day(fields["checked"])
    return Source(name, title, address, confidence, note, checked)


def read_facts(draft: Draft) -> None:
    """Read `facts` into the draft's vocabulary."""
    added: dict[str, Fact] = {}
    for path, node in draft.section("facts").items():
        with draft.faults.collect(path):
            over = find_list(draft, path)
            if over is not None:
                draft.vocabulary = draft.vocabulary.with_fact(read_field(draft, over, path, node))
                continue
            _refuse_bad_path(path, node, draft, added)
            subject = f"the fact `{path}`"
            cited = draft.read_citation(node, node.mapping(subject), subject)
            fact = read_fact(path, node, draft.vocabulary.roles, draft.vocabulary.categories)
            refuse_scene_fact(fact, node)
            added[path] = replace(fact, cited=(cited.id, cited.at))
    if added:
        draft.vocabulary = draft.vocabulary.extended(added)


def _refuse_bad_path(path: str, node: Node, draft: Draft, added: dict[str, Fact]) -> None:
    """Refuse a path of another form, or one that clashes with another name."""
    facts = {**draft.vocabulary.facts, **added}
    if path in draft.vocabulary.facts:
        node.fail(
            "name-clash", f"the fact `{path}` is in the vocabulary already", "use it as it is"
        )
    if not _FACT_PATH.fullmatch(path):
        node.fail("bad-id", f"`{path}` is no path of a fact", "write it as `encounter.park`")
    parts = path.split(".")
    groups = [".".join(parts[:end]) for end in range(1, len(parts))]
    if path.startswith(("clocks.", "decisions.")) or any(group in facts for group in groups):
        node.fail("name-clash", f"the fact `{path}` is inside another name", "choose another path")
    if any(fact_path.startswith(f"{path}.") for fact_path in facts):
        node.fail("name-clash", f"the fact `{path}` holds other facts", "choose another path")


def read_time_zone(draft: Draft) -> str:
    """Read `time_zone`: a name of the tz database, such as `America/Denver`."""
    node = draft.entry["time_zone"]
    name = node.text("`time_zone`")
    if name not in _USUAL_ZONES and not _is_zone(name):
        fix = nearest(name, _zones()) if "/" in name else "write it as `America/Denver`"
        node.fail("unknown-time-zone", f"`{name}` is no time zone", fix)
    return name


def _is_zone(name: str) -> bool:
    from zoneinfo import ZoneInfo  # slow to load, and seldom needed

    try:
        return "/" in name and ZoneInfo(name) is not None
    except (KeyError, ValueError, OSError):
        return False


def _zones() -> tuple[str, ...]:
    from zoneinfo import available_timezones

    return tuple(
        zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc/")
    )


def read_coverage(draft: Draft) -> dict[str, int]:
    """Read `coverage`: the percentages that the pack's scenarios must reach."""
    goals = dict.fromkeys(keys.COVERAGE.names, 0)
    if "coverage" not in draft.entry:
        return goals
    for key, node in draft.entry["coverage"].mapping("`coverage`", keys.COVERAGE.names).items():
        number: Any = node.data()
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number <= 100:
            node.fail(
                "wrong-shape",
                f"`coverage.{key}` is no percentage",
                "write a whole number from 0 to 100",
            )
        goals[key] = number
    return goals


def read_program(draft: Draft) -> Program:
    """Read `program`: its dates, and the statements about how it runs."""
    node = draft.entry["program"]
    fields = node.mapping("`program`", keys.PROGRAM.names, keys.PROGRAM.required)
    kind = fields["kind"].text("`kind`") if "kind" in fields else "program"
    if kind not in PROGRAM_KINDS:
        fields["kind"].fail(
            "unknown-word", f"`{kind}` is no kind of program", nearest(kind, PROGRAM_KINDS)
        )
    funding = read_items(fields, "funding")
    costs = read_costs(draft, read_items(fields, "costs"))
    return Program(
        kind=kind,
        note=read_optional_text(fields, "note"),
        pilot=_read_pilot(draft, fields["pilot"]) if "pilot" in fields else None,
        places=tuple(_read_places(draft, inner) for inner in read_items(fields, "places")),
        funding=tuple(_read_stated(draft, inner, "funding", keys.FUNDING) for inner in funding),
        costs=costs,
        break_even=read_break_evens(draft, read_items(fields, "break_even"), costs),
        doubts=tuple(
            _read_stated(draft, inner, "a doubt about the program", keys.PROGRAM_DOUBT)
            for inner in read_items(fields, "doubts")
        ),
        bodies=tuple(_read_body(draft, inner) for inner in read_items(fields, "bodies")),
        open_cases=(
            _read_stated(draft, fields["open_cases"], "`open_cases`", keys.OPEN_CASES)
            if "open_cases" in fields
            else None
        ),
        **draft.read_item(node, fields, "the program"),
    )


def _read_pilot(draft: Draft, node: Node) -> Pilot:
    fields = node.mapping("`pilot`", keys.PILOT.names, keys.PILOT.required)
    statement = read_optional_text(fields, "says")
    return Pilot(says=statement, **draft.read_item(node, fields, "the pilot"))


def _read_places(draft: Draft, node: Node) -> Places:
    fields = node.mapping("places", keys.PLACES.names, keys.PLACES.required)
    number: Any = fields["value"].data()
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        fields["value"].fail(
            "wrong-shape", "`value` is no number of places", "write a whole number, such as 60"
        )
    high: Any = fields["high"].data() if "high" in fields else None
    if "high" in fields and (isinstance(high, bool) or not isinstance(high, int) or high <= number):
        fields["high"].fail(
            "wrong-shape",
            f"`high` is no number of places above {number}",
            "write a larger whole number, or leave it out",
        )
    return Places(value=number, high=high, **draft.read_item(node, fields, "places"))


def _read_stated(draft: Draft, node: Node, subject: str, entry: keys.Entry) -> Stated:
    fields = node.mapping(subject, entry.names, entry.required)
    statement = fields["says"].text("`says`")
    return Stated(says=statement, **draft.read_item(node, fields, subject))


def _read_body(draft: Draft, node: Node) -> Body:
    fields = node.mapping("a body", keys.BODY.names, ("name",))
    name = fields["name"].text("`name`")
    subject = f"the body `{name}`"
    node.mapping(subject, (), keys.BODY.required)
    members = tuple(draft.read_role(member) for member in read_items(fields, "members"))
    others = tuple(member.text("a member") for member in read_items(fields, "others"))
    for listed in (members, others):
        twice = next((member for member in listed if listed.count(member) > 1), None)
        if twice is not None:
            node.fail("duplicate-id", f"`{twice}` appears twice in {subject}", "leave it once")
    does = read_optional_text(fields, "does")
    return Body(
        name=name,
        members=members,
        others=others,
        does=does,
        **draft.read_item(node, fields, subject),
    )
