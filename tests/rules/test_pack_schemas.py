"""The schemas for editors: they accept every sound pack, and find each wrong member at its line."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from rules.author.cases import read_cases
from rules.author.pack_schemas import cases_schema, pack_schema, scenarios_schema
from rules.author.scenarios import read_scenarios
from rules.errors import PackError
from rules.input import keys
from rules.input.yaml import Node, read_file, read_text
from rules.shelf import read_pack, vocabulary
from tests.conftest import ROOT
from tests.support.editors import editor_value

PARENT = """\
id: base
title: Base
time_zone: UTC
program: {from: 2015-01-01, source: act}
sources: {act: {title: The act, address: here, confidence: high}}
parameters:
  cap: {label: cap, unit: g, values: [{value: 3, source: act}]}
  hours: {label: hours, unit: hours, values: [{value: 72, source: act}]}
clocks:
  plan: {label: plan, owner: case_management, start: case.intake_at, stop: case.plan_at,
       length: hours, follows: So.,
         source: act}
consent_sets:
  first:
    label: {en: at first, es: al principio}
    after: case.referred_at
    days: 9
    source: act
    questions:
      told:
        to: program
        need: optional
        grants: [{from: defender, categories: [grievance], purposes: [admission]}]
groups:
  route: {of: encounter.route, says: entry, source: act}
retention:
  notes: {says: notes, held_by: [police], categories: [encounter], keep: {days: 9}, source: act}
decisions:
  eligibility:
    rules:
      - {id: young, when: person.age < 18, then: ineligible, because: Under 18., source: act}
      - {id: armed, when: encounter.weapon, then: ineligible, because: Armed., source: act}
    optional:
      - {id: old, when: person.age > 80, then: ineligible, because: Over 80., source: act}
    otherwise: {outcome: eligible, because: Nothing bars it., source: act}
  filing:
    otherwise: {outcome: hold, because: It rests., source: act}
"""
# The pack is read two thousand times, and a shipped table of offenses takes half of that time.
TABLE = {
    "table.yaml": "{system: NY PL, authority: state, covers: [NY PL 240], checked: 2026-11-23}\n",
    "sources.csv": "id,title,address,confidence\nlaw,The law,there,high\n",
    "offenses.csv": (
        "code,title,level,drug,conduct,from,until,source,at,provisional\n"
        "NY PL 240.20,disorderly conduct,violation,,other,,,law,,\n"
        "NY PL 240.37,loitering,none,,other,,,law,,\n"
    ),
}
# Every key that a pack may have; a test below holds that.
EVERY_KEY = """\
id: town
title: Town
extends: base
time_zone: America/New_York
offenses: riverside
program:
  from: 2018-01-01
  until: 2030-01-01
  source: {id: ordinance, at: section 1}
  provisional: the day is not sure
  note: It began.
  kind: program
  pilot:
    says: To see.
    from: 2018-01-01
    until: 2020-01-01
    source: ordinance
    provisional: perhaps
    other: [{says: two years, source: act}]
  places:
    - {value: 60, high: 70, from: 2018-01-01, until: 2030-01-01, source: ordinance,
       provisional: perhaps, other: [{says: 70, source: act}]}
  costs:
    - {id: budget, says: the budget, unit: total, low: {dollars: 10, says: ten, source: act},
       high: {dollars: 20, says: twenty, source: act}, from: 2018-01-01, until: 2030-01-01,
       source: ordinance, provisional: perhaps, other: [{says: 30, source: act}]}
    - {id: person, says: a client, unit: client, low: {dollars: 1, says: one, source: act},
       high: {dollars: 2, says: two, source: act}, source: ordinance}
  break_even:
    - {says: To spend it, total: budget, each: person, note: unsure, from: 2018-01-01,
       until: 2030-01-01, source: ordinance, provisional: perhaps, other: [{says: 40, source: act}]}
  funding:
    - {says: a grant, from: 2018-01-01, until: 2030-01-01, source: ordinance, provisional: perhaps,
       other: [{says: a gift, source: act}]}
  bodies:
    - name: council
      members: [police, defender]
      others: [a judge]
      does: It decides.
      from: 2018-01-01
      until: 2030-01-01
      source: ordinance
      provisional: perhaps
      other: [{says: a board, source: act}]
  doubts:
    - {says: Nobody saw the rules., from: 2018-01-01, until: 2030-01-01, source: ordinance,
       provisional: perhaps, other: [{says: They were seen, source: act}]}
  open_cases: {says: They go on., source: ordinance, provisional: perhaps,
       other: [{says: They end., source: act}]}
  other:
    - {says: 2019, source: act, why: it is later}
sources:
  ordinance: {title: The ordinance, address: there, confidence: low, note: seen in part,
    checked: 2019-01-01}
checked: 2018-01-01
coverage: {rules: 0, conditions: 0, values: 0}
facts:
  encounter.charges.consent:
    {type: bool, question: Is there consent?, asks: victim, source: ordinance}
  encounter.park:
    asks: person
    type: bool
    question: Was it in a park?
    says: [it was in a park, it was not in a park]
    known_by: police
    category: encounter
    kind: record
    scene: true
    source: ordinance
  encounter.dogs:
    type: list
    question: Which dogs were there?
    known_by: police
    category: encounter
    kind: record
    source: ordinance
    fields:
      size: {type: choice, choices: [small, large], says: size, question: How large?,
             known_by: police, category: encounter, kind: judgment}
      legs: {type: int, range: [0, 4], unit: count, question: How many legs?, asks: person}
      bark: {type: bool, question: Did it bark?, scene: true}
  encounter.mood:
    {type: choice, choices: [calm, loud], question: How was it?, known_by: police,
         category: encounter, kind: judgment,
     source: ordinance}
  encounter.heat:
    {type: int, range: [0, null], unit: count, question: How hot?, known_by: police,
         category: encounter, kind: measurement,
     source: ordinance}
  case.pauses:
    type: list
    question: When did it rest?
    known_by: program
    category: operation
    kind: event
    source: ordinance
    fields:
      from: {type: timestamp, question: From when?}
      until: {type: timestamp, question: Until when?}
refine:
  encounter.mood: {angry: loud}
parameters:
  spell: {label: a spell, unit: months, values: [{value: 2, source: ordinance}]}
  by_mood:
    label: bones by mood
    unit: count
    by: encounter.mood
    values: [{value: {calm: 1, otherwise: 2}, source: ordinance}]
  listed:
    label: listed sections
    unit: citations
    values:
      - value: [NY PL 1.01, NY PL 1.02]
        from: 2018-01-01
        until: 2020-01-01
        source: ordinance
        provisional: perhaps
        other: [{says: A 3, source: act, why: it was another}]
      - {value: [NY PL 1.04], from: 2020-01-01, source: ordinance}
clocks:
  look:
    label: a look
    owner: program
    start: case.intake_at
    repeats: case.last_review_at
    length: spell
    tolling: case.pauses
    counts: days
    follows: Within {spell} months.
    source: ordinance
    from: 2018-01-01
    until: 2030-01-01
    provisional: perhaps
    other: [{says: a week, source: act}]
override:
  parameters:
    cap: {label: cap, unit: g, range: [0, 5], values: [{value: 5, source: ordinance}]}
  clocks:
    plan: {label: plan, owner: program, start: case.intake_at, stop: case.plan_at, length: hours,
         follows: So., source: act}
  consent_sets:
    first:
      label: {en: at the start, es: al comienzo}
      after: case.referred_at
      days: 8
      source: act
      questions:
        told:
          to: program
          need: optional
          grants: [{from: defender, categories: [grievance], purposes: [admission]}]
  groups:
    route: {of: encounter.route, says: the way in, source: act}
  retention:
    notes: {says: notes, held_by: [police], categories: [encounter], keep: {months: 2},
       source: act}
retention:
  papers:
    says: papers
    held_by: [police, program]
    categories: [charge, contact]
    keep: {years: 6}
    ends: {dismissed: 9, sealed: 0, completed: 30}
    source: ordinance
    from: 2018-01-01
    until: 2030-01-01
    provisional: perhaps
    other: [{says: for ever, source: act}]
  files: {says: files, held_by: [defender], categories: [charge], keep: {days: 1}, source: act}
groups:
  age: {of: person.age, says: age, bands: [25, 35], source: ordinance, provisional: perhaps,
      other: [{says: no bands, source: act}]}
consent_sets:
  second:
    label: {en: later, es: más tarde}
    after: case.intake_at
    days: 30
    source: ordinance
    provisional: perhaps
    other: [{says: a year, source: act}]
    questions:
      counsel:
        to: defender
        need: minimum
        days: 20
        asks: {en: May counsel know?, es: ¿Puede saberlo el abogado?}
        grants:
          - from: program
            categories: [enrollment]
            purposes: [legal_representation]
            says: {en: It helps., es: Ayuda.}
words:
  phone: {number: 505-555-0100, source: ordinance, provisional: perhaps,
       other: [{says: another one, source: act}]}
  officer_says:
    may_offer: {en: Will you come?, es: ¿Viene?, source: ordinance, provisional: perhaps,
         other: [{says: nothing, source: act}]}
  choices:
    encounter.mood:
      calm: {en: Calm, es: En calma}
decisions:
  eligibility:
    remove:
      - {id: armed, because: Nobody asks for it here., source: ordinance}
    use:
      - {id: old, because: The council said so., source: ordinance, from: 2018-01-01,
             until: 2030-01-01, provisional: perhaps, other: [{says: no, source: act}]}
    optional:
      - {id: older, when: person.age > 90, then: ineligible, because: Over 90., source: ordinance}
    override:
      - {id: young, when: person.age < 16, then: ineligible, because: Under 16.,
             source: ordinance, reviewable_by: prosecutor}
      - id: otherwise
        outcome: eligible
        because: Nothing bars it here.
        reviewable_by: program
        source: ordinance
        provisional: perhaps
        other: [{says: no, source: act}]
    rules:
      - id: listed
        when: encounter.charges.exists(c, c.code in listed)
        then: ineligible
        because: It is listed.
        reviewable_by: defender
        source: ordinance
        from: 2018-01-01
        until: 2030-01-01
        provisional: perhaps
        other: [{says: no, source: act}]
        unless:
          - id: in-the-park
            when: encounter.park
            because: It was in the park.
            source: ordinance
            from: 2018-01-01
            until: 2030-01-01
            provisional: perhaps
            other: [{says: no, source: act}]
    while_waiting: {who: police, text: Wait., source: ordinance, from: 2018-01-01,
         until: 2030-01-01, provisional: perhaps}
    next:
      ineligible: {who: police, text: Book., source: ordinance, other: [{says: no, source: act}]}
  disclosure:
    outcomes: [deny, permit]
    otherwise: {outcome: deny, because: Nothing permits it., source: ordinance}
    obligations:
      - id: keep_until
        when: 'true'
        source: ordinance
        from: 2018-01-01
        until: 2030-01-01
        provisional: perhaps
        other: [{says: no, source: act}]
  towing:
    asks: Is the car towed?
    decided_by: police
    governed_by: encounter.date
    reads: [records]
    collect: false
    outcomes: [towed, left]
    rules:
      - {id: dogs, when: "encounter.dogs.exists(d, d.legs > 2)", then: left,
             because: A dog is in it., source: ordinance}
    otherwise: {outcome: towed, because: It is., source: ordinance}
invariants:
  - id: listed-stay-out
    decision: eligibility
    when: encounter.weapon
    always: eligibility == "ineligible"
    because: So it is.
    source: ordinance
    from: 2018-01-01
    until: 2030-01-01
    provisional: perhaps
    other: [{says: no, source: act}]
  - {id: mood-is-no-matter, decision: eligibility, independent_of: [encounter.mood, "case.*"],
         because: It is not.,
     source: ordinance}
"""
EVERY_KEY_OF_SCENARIOS = """\
- id: one
  says: Somebody of 12.
  decision: eligibility
  as_of: 2019-01-01
  facts: {person: {age: 12}}
  expect: {status: decided, outcome: ineligible, outcome_not: eligible, possible: [ineligible],
       needs: [], rules: [young], would_bar: [],
    clocks: {plan: unknown}, provisional: false, next: police}
- id: two
  says: The same.
  decision: review
  like: one
  expect: {outcome_includes: [continue], error: true}
"""
EVERY_KEY_OF_CASES = """\
- id: one
  decision: eligibility
  day: 2019-01-01
  facts: {person: {age: 12}}
  expect: [ineligible, undetermined]
  source: {cite: The act, at: section 2, address: https://example.org/act}
  why: The act takes adults alone.
- id: two
  decision: eligibility
  day: 2019-01-01
  like: one
  expect: [ineligible]
  source: {cite: The act, at: section 2}
  why: The same.
  unchecked: The act as amended in 2018.
"""
PACKS = jsonschema.Draft7Validator(
    json.loads((ROOT / "schemas" / "pack.json").read_text(encoding="utf-8"))
)
SCENARIOS = jsonschema.Draft7Validator(
    json.loads((ROOT / "schemas" / "scenarios.json").read_text(encoding="utf-8"))
)
CASES = jsonschema.Draft7Validator(
    json.loads((ROOT / "schemas" / "cases.json").read_text(encoding="utf-8"))
)
BY_FILE = {"pack.yaml": PACKS, "scenarios.yaml": SCENARIOS, "cases.yaml": CASES}


def test_the_published_schemas_are_made_from_the_list_of_keys_and_the_vocabulary() -> None:
    assert PACKS.schema == pack_schema(vocabulary())
    assert SCENARIOS.schema == scenarios_schema(vocabulary())
    assert CASES.schema == cases_schema(vocabulary())
    for validator in BY_FILE.values():
        jsonschema.Draft7Validator.check_schema(validator.schema)


# Its unquoted `~` and `null` are texts for the reader, and nothing for an editor.
SOUND = [
    path
    for folder in ("jurisdictions", "tests/packs/good")
    for name in BY_FILE
    for path in sorted((ROOT / folder).glob(f"*/{name}"))
    if path.parent.name != "words-keep-their-text"
]


@pytest.mark.parametrize("path", SOUND, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_sound_file_fits_its_schema(path: Path) -> None:
    BY_FILE[path.name].validate(editor_value(read_file(path)))


def test_every_key_says_in_a_sentence_what_it_is_for() -> None:
    def told(value: keys.Value) -> Iterator[tuple[str, str]]:
        match value:
            case keys.Entry():
                for name, key in value.keys.items():
                    yield f"{value.name}: {name}", key.about
                    yield from told(key.value)
            case keys.ListOf() | keys.MapOf():
                yield from told(value.item)

    for name, about in [
        *told(keys.PACK),
        *told(keys.RULE),
        *told(keys.OTHERWISE),
        *told(keys.SCENARIOS),
        *told(keys.CASES),
    ]:
        assert about.endswith((".", "g, years, …")) and len(about) > 10, name
    rule = PACKS.schema["definitions"]["a-rule-in-eligibility"]["properties"]
    assert rule["then"] == {
        "description": keys.RULE.keys["then"].about,
        "enum": ["ineligible", "eligible"],
    }
    assert rule["from"]["description"] == keys.RULE.keys["from"].about


# Every member, written wrongly

Path_ = tuple[str | int, ...]


class Written:
    """The sample as plain data, one member a line, so that each fault has its own line."""

    def __init__(self, text: str, name: str, value: keys.Value) -> None:
        self.tree = _texts(read_text(text, name))
        self.name = name
        self.value = value

    def emitted(self, tree: Any) -> str:
        if not isinstance(tree, dict):
            return _dump(json.dumps(tree))
        return "".join(_dump(json.dumps({key: member})) for key, member in tree.items())

    def members(self) -> list[tuple[Path_, keys.Key]]:
        return list(_members(self.tree, self.value, ()))


def _texts(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _texts(one) for key, one in node.value.items()}
    return [_texts(one) for one in node.value] if isinstance(node.value, list) else node.value


class _Emitter(yaml.CSafeDumper):
    def ignore_aliases(self, data: Any) -> bool:
        return True


# A text that looks like a number, a date, or a yes stays that text.
_Emitter.yaml_implicit_resolvers = {}
_Emitter.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text)
)


@cache
def _dump(text: str) -> str:
    """Return JSON as YAML. Each change is in one member of the sample, and the others are known."""
    tree = json.loads(text)
    return yaml.dump(tree, Dumper=_Emitter, sort_keys=False, allow_unicode=True, width=10_000)


def _members(tree: Any, value: keys.Value, path: Path_) -> Iterator[tuple[Path_, keys.Key]]:
    """Yield the members of all mappings with known keys, and their paths."""
    if value == keys.REPLACED:
        value = keys.OTHERWISE if tree["id"] == "otherwise" else keys.RULE
    match value:
        case keys.Entry():
            for key, one in value.keys.items():
                if key in tree:
                    yield (*path, key), one
                    yield from _members(tree[key], one.value, (*path, key))
        case keys.ListOf():
            for number, item in enumerate(tree):
                yield from _members(item, value.item, (*path, number))
        case keys.MapOf():
            for key, item in tree.items():
                yield from _members(item, value.item, (*path, key))


PACK = Written(EVERY_KEY, "pack.yaml", keys.PACK)
TRIED = Written(EVERY_KEY_OF_SCENARIOS, "scenarios.yaml", keys.SCENARIOS)
ANSWERED = Written(EVERY_KEY_OF_CASES, "cases.yaml", keys.CASES)
FILES = (PACK, TRIED, ANSWERED)
MEMBERS = [(written, path, key) for written in FILES for path, key in written.members()]


def every_key(value: keys.Value, seen: set[str]) -> set[str]:
    match value:
        case keys.Entry():
            if value.name not in seen:
                seen.add(value.name)
                found = {f"{value.name}: {key}" for key in value.names}
                return found.union(*(every_key(one.value, seen) for one in value.keys.values()))
        case keys.ListOf() | keys.MapOf():
            return every_key(value.item, seen)
    return (
        every_key(keys.RULE, seen) | every_key(keys.OTHERWISE, seen)
        if value == keys.REPLACED
        else set()
    )


def entry_of(written: Written, path: Path_) -> str:
    """Return the kind of mapping that has a member."""
    found = written.value
    tree = written.tree
    for step in path[:-1]:
        if found == keys.REPLACED:
            found = keys.OTHERWISE if tree["id"] == "otherwise" else keys.RULE
        match found:
            case keys.Entry():
                found = found.keys[str(step)].value
            case keys.ListOf() | keys.MapOf():
                found = found.item
        tree = tree[step]
    if found == keys.REPLACED:
        found = keys.OTHERWISE if tree["id"] == "otherwise" else keys.RULE
    assert isinstance(found, keys.Entry)
    return found.name


def test_the_samples_are_sound_and_have_every_key_there_is(town: Path) -> None:
    for written in FILES:
        told = Told(town, written, written.tree)
        assert told.error is None and told.fits
    there = {f"{entry_of(written, path)}: {path[-1]}" for written, path, _ in MEMBERS}
    assert there == set().union(*(every_key(written.value, set()) for written in FILES))


@pytest.fixture(scope="module")
def town() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        for file, text in (
            ("base/pack.yaml", PARENT),
            ("town/pack.yaml", EVERY_KEY),
            *((f"riverside/{name}", text) for name, text in TABLE.items()),
        ):
            path = Path(folder) / file
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        yield Path(folder) / "town"


@lru_cache(maxsize=512)
def _part_read(text: str, file: str) -> tuple[Node, Any]:
    """Return a part of a file and its data. A change is in one part, and the others are known."""
    node = read_text(text, file)
    return node, editor_value(node)


class Told:
    """The results of the reader and the schema for a changed file."""

    def __init__(self, town: Path, written: Written, tree: Any) -> None:
        text = written.emitted(tree)
        # Each member of a mapping, or the whole list, with the number of lines above it.
        self.parts: dict[str, tuple[Node, int]] = {}
        data: Any = {}
        above = 0
        if isinstance(tree, dict):
            for key, member in tree.items():
                part_text = written.emitted({key: member})
                node, value = _part_read(part_text, written.name)
                self.parts[key] = node, above
                data |= value
                above += part_text.count("\n")
        else:
            node, data = _part_read(text, written.name)
            self.parts[""] = node, above
        self.fits = BY_FILE[written.name].is_valid(data)
        self.error: PackError | None = None
        (town / written.name).write_text(text, encoding="utf-8")
        try:
            if written is PACK:
                read_pack(town, whole=False)
            elif written is TRIED:
                read_scenarios(town)
            else:
                read_cases(town)
        except PackError as error:
            self.error = error

    def at(self, path: Path_) -> bool:
        """Return whether the reader refuses it at these lines."""
        return self.error is not None and self.error.at.line in self.lines(path)

    def lines(self, path: Path_) -> range:
        """The lines of a member, or of a list's item: from its key's to its last scalar's."""
        if not path:
            return range(1, max(above + _last(node) for node, above in self.parts.values()) + 1)
        (node, above), first = self.parts["" if "" in self.parts else str(path[0])], 1
        for step in path:
            first = node.keys[step].line if isinstance(step, str) else node.value[step].line
            node = node.value[step]
        return range(above + first, above + _last(node) + 1)


def changed(tree: Any, path: Path_, change: Callable[[Any, Any], None]) -> Any:
    """A copy in which `change(holder, key)` was made at the path."""
    copied = json.loads(json.dumps(tree))
    holder = copied
    for step in path[:-1]:
        holder = holder[step]
    change(holder, path[-1])
    return copied


def _last(node: Node) -> int:
    below = (
        node.value.values()
        if isinstance(node.value, dict)
        else node.value
        if isinstance(node.value, list)
        else ()
    )
    return max([node.line, *map(_last, below)])


def renamed(holder: Any, key: Any) -> None:
    items = list(holder.items())
    holder.clear()
    holder.update({f"{name}x" if name == key else name: value for name, value in items})


BOTH = pytest.mark.parametrize("written", FILES, ids=["pack", "scenarios", "cases"])


@BOTH
def test_a_misspelled_key_is_said_at_its_line_by_both(town: Path, written: Written) -> None:
    for path, _ in written.members():
        told = Told(town, written, changed(written.tree, path, renamed))
        assert told.error is not None and told.error.code in (
            "unknown-key",
            "missing-key",
            "no-source",
        ), (
            path,
            str(told.error),
        )
        if told.error.code == "unknown-key":
            assert told.error.at.line == told.lines((*path[:-1], f"{path[-1]}x")).start, (
                path,
                str(told.error),
            )
            assert f"`{path[-1]}`" in told.error.fix, "the fix is the key that was meant"
        assert not told.fits, path


@BOTH
def test_a_missing_key_is_said_at_its_holder_s_lines_by_both(town: Path, written: Written) -> None:
    required = [path for path, key in written.members() if key.required]
    assert len(required) > 5
    for path in required:
        told = Told(
            town, written, changed(written.tree, path, lambda holder, name: holder.pop(name))
        )
        assert told.error is not None and told.error.code in ("missing-key", "no-source"), (
            path,
            str(told.error),
        )
        assert told.at(path[:-1]), (path, str(told.error))
        assert not told.fits, path


def wrong_kinds(key: keys.Key) -> list[Any]:
    """Values of a kind that the key never has."""
    match key.value:
        case keys.Entry() | keys.MapOf():
            return ["some text", ["a", "list"]]
        case keys.ListOf():
            return ["some text", {"a": "mapping"}]
        case keys.CITED:
            return [["a", "list"], {"at": "without an id"}, {"id": "act", "on": "page 3"}]
        case keys.AMOUNT:
            return [{"a": "mapping"}, "three"]
        case keys.ANSWER:
            return [{"a": "mapping"}, ""]
        case keys.FACTS:
            return [["a", "list"]]
        case keys.FLAG | keys.PERCENT:
            return [{"a": "mapping"}, "often"]
        case keys.DAY:
            return [["a", "list"], "last May", "2018-1-1"]
    return [{"a": "mapping"}, ""]


@BOTH
def test_a_value_of_the_wrong_kind_is_said_at_its_line_by_both(
    town: Path, written: Written
) -> None:
    for path, key in written.members():
        for value in wrong_kinds(key):
            told = Told(
                town,
                written,
                changed(
                    written.tree,
                    path,
                    lambda holder, name, value=value: holder.update({name: value}),
                ),
            )
            # A scenario's day is read when it is asked, as a caller's is.
            assert told.at(path) or (path[-1] == "as_of" and isinstance(value, str)), (
                path,
                value,
                str(told.error),
            )
            assert not told.fits, (path, value)


@pytest.mark.parametrize("day", ["2018-02-30", "2018-13-01", "0000-01-01"])
def test_a_day_that_no_calendar_has_is_said_at_its_line(town: Path, day: str) -> None:
    """The reader refuses it. A schema checks digits and no calendar."""
    for path, key in PACK.members():
        if key.value == keys.DAY:
            told = Told(
                town,
                PACK,
                changed(PACK.tree, path, lambda holder, name: holder.update({name: day})),
            )
            assert told.error is not None and told.error.code == "no-such-day" and told.at(path), (
                path,
                str(told.error),
            )


@BOTH
def test_a_word_outside_its_list_is_said_at_its_line(town: Path, written: Written) -> None:
    """The reader of a pack refuses it, and the schema does where the list is closed."""
    for path, key in written.members():
        closed = isinstance(key.value, keys.Words)
        if closed or key.value in (keys.OUTCOME, keys.NAME, keys.CITED):
            told = Told(
                town,
                written,
                changed(
                    written.tree, path, lambda holder, name: holder.update({name: "Nobody's word!"})
                ),
            )
            if written is PACK:
                assert told.at(path), (path, str(told.error))
            if isinstance(key.value, keys.Words) and not key.value.open_ended:
                assert not told.fits, path
            if key.value == keys.OUTCOME and "towing" not in path:
                assert not told.fits, path


@BOTH
def test_an_item_of_another_kind_is_said_at_its_line_by_both(town: Path, written: Written) -> None:
    for path, key in written.members():
        if isinstance(key.value, keys.ListOf):
            wrong = changed(
                written.tree, path, lambda holder, name: holder[name].append({"nobody": "knows me"})
            )
            told = Told(town, written, wrong)
            assert told.at(path) and not told.fits, (path, str(told.error))
