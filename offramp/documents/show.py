"""`offramp show`: a pack as a document in plain English, what applied when, and several programs side by side.

Everything is read off the rules in force on the day; conditions are put into English from the tree that runs.
`python -m offramp.documents.show FOLDER` writes the page of every shipped pack there, as `docs/packs` holds them.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from offramp.documents.document import (
    Block,
    Bullets,
    Cell,
    Document,
    Heading,
    Table,
    Text,
    anchor,
    as_html,
    as_json,
    markdown,
    passages,
)
from rules.author.english import Passage, day, passage, with_unit, words_of
from rules.decide.program import Program
from rules.decide.wording import fill_in
from rules.errors import RequestError
from rules.language import tree
from rules.packs.pack import (
    Citation,
    Exemption,
    Invariant,
    Item,
    Other,
    Pack,
    Parameter,
    Rule,
    Value,
    Wording,
)
from rules.packs.pack import Program as AboutProgram
from rules.packs.resolve import DecisionInForce, RuleInForce, Segment, resolve
from rules.shelf import day_of, english, read_pack, shipped

BY_HAND = "Made from the rules that run, by `offramp show`. What they leave open is open here too; nothing of it is legal advice."


KINDS = {
    "base": "Other packs extend it; nobody runs it as it stands.",
    "plan": "It was announced, and never opened.",
}


def told(program: AboutProgram) -> Iterator[tuple[str, str, Item]]:
    """What the pack says of how the program runs: a label, the words, and the item that they are from."""
    if program.pilot:
        yield "Pilot", program.pilot.says or "It began as a pilot.", program.pilot
    for one in program.places:
        yield "Places", f"{one.value} at once", one
    for paid in program.funding:
        yield "Money", paid.says, paid
    for body in program.bodies:
        seats = "; ".join([*map(_role, body.members), *body.others])
        yield (
            "Body",
            f"{body.name}{f' ({seats})' if seats else ''}{f'. {body.does}' if body.does else ''}",
            body,
        )
    if program.open_cases:
        yield "Cases open at the end", program.open_cases.says, program.open_cases


def show(options: argparse.Namespace) -> int:
    names = [name for name in options.packs.split(",") if name]
    if not names:
        raise RequestError("usage", "no pack is named", fix="name one, such as `santa-fe`")
    if options.timeline and (len(names) > 1 or options.as_of):
        raise RequestError(
            "usage",
            "a timeline is of one pack and of every day",
            fix="leave `--as-of` and other packs out",
        )
    if options.html and options.json:
        raise RequestError(
            "usage", "a document is HTML or JSON, not both", fix="leave one of them out"
        )
    packs = [read_pack(name) for name in names]
    if options.timeline:
        document = timeline(packs[0])
    else:
        segments = [segment_of(pack, options.as_of) for pack in packs]
        document = side_by_side(segments) if len(segments) > 1 else of_pack(segments[0])
    print_document(document, options, packs[0])
    return 0


def print_document(document: Document, options: argparse.Namespace, pack: Pack) -> None:
    """The document on standard output, in the form that is asked for."""
    if options.html:
        print(as_html(document, f"Rule pack `{pack.id}`, `{Program(pack).digest}`"), end="")
    elif options.json:
        named = {"pack": pack.id, "digest": Program(pack).digest}
        print(json.dumps({**named, **as_json(document)}, indent=2, ensure_ascii=False))
    else:
        print(markdown(document), end="")


def segment_of(pack: Pack, as_of: str | None) -> Segment:
    """The rules on that day; with none given, after the last change that the pack knows, so that no clock is asked."""
    if as_of is not None:
        asked = day_of(as_of)
        Program(pack, asked)  # refuses a day on which the program didn't run
        return resolve(pack, asked)
    return resolve(pack, last_change(pack))


def last_change(pack: Pack) -> date:
    program = pack.program
    days = [one for one in (program.since, *pack.boundaries()) if one is not None]
    if program.until is not None:
        days = [one for one in days if one < program.until] or [program.until - timedelta(days=1)]
    return max(days)


def in_order(segments: list[Segment]) -> list[str]:
    """The decisions of these programs, as a case meets them: the vocabulary's first, then a program's own."""
    held = dict.fromkeys(name for one in segments for name in one.decisions)
    known = [name for name in segments[0].pack.vocabulary.decisions if name in held]
    return [*known, *(name for name in held if name not in known)]


# One pack


def of_pack(segment: Segment) -> Document:
    """The whole pack as it stood on the segment's day."""
    return Document(segment.pack.title, "en", tuple(_Page(segment).blocks()))


class _Page:
    def __init__(self, segment: Segment) -> None:
        self.segment = segment
        self.pack = segment.pack
        self.words = words_of(segment, english())

    def blocks(self) -> Iterator[Block]:
        pack, at = self.pack, self.segment.day
        yield Heading(1, pack.title, "title")
        changed = (
            "the day of the last change it knows of"
            if at == last_change(pack)
            else "the day that was asked about"
        )
        yield Text(f"Rule pack `{pack.id}` on {day(at)}, {changed}. `{Program(pack).digest}`")
        yield Text(BY_HAND)
        yield from self.program()
        yield from self.invariants()
        for name in in_order([self.segment]):
            yield from self.decision(self.segment.decisions[name])
        yield from self.parameters()
        yield from self.clocks()
        yield from self.facts()
        yield from self.sources()

    def program(self) -> Iterator[Block]:
        program = self.pack.program
        yield Heading(2, "The program", "program")
        ran = f"It has run since {day(program.since)}." if program.since else ""
        ran = (
            ran
            if program.until is None
            else f"It ran from {day(program.since)} until {day(program.until)}."
            if program.since
            else ""
        )
        if ran:
            yield Text(f"{ran} Days begin and end in the time zone {self.pack.time_zone}.")
        if self.pack.extends:
            yield Text(f"It builds on `{self.pack.extends}`, whose floor it can't lower.")
        if program.kind != "program":
            yield Text(KINDS[program.kind])
        if self.pack.offenses:
            table, on = self.pack.offenses.id, f"--as-of {self.segment.day}"
            yield Text(
                f"What a section of law was on a day comes from the offense table `{table}`, where a charge doesn't say it. "
                f"`offramp offenses {self.pack.id} {on}` lists which sections the program takes."
            )
        if program.note:
            yield Text(program.note, "Note:")
        yield from self.standing(program)
        for label, said, item in told(program):
            yield Text(said, f"{label}:")
            yield from self.standing(item)

    def invariants(self) -> Iterator[Block]:
        held = [one for one in self.pack.invariants.values() if one.in_force(self.segment.day)]
        yield Heading(2, "What can and can't happen to a person", "invariants")
        yield Table(
            f"All that the rules can answer on {day(self.segment.day)}",
            ("Question", "Who decides", "Can be answered", "No rule gives"),
            tuple(self.answers()),
        )
        if held:
            yield Text(
                "No rule of this program, and no later change of one, may break what follows."
            )
        for one in sorted(held, key=lambda one: in_order([self.segment]).index(one.decision)):
            yield Heading(3, one.because.rstrip("."), anchor("floor", one.id))
            yield Bullets(self.invariant(one))
            yield from self.standing(one)

    def answers(self) -> Iterator[tuple[Cell, ...]]:
        for name in in_order([self.segment]):
            in_force = self.segment.decisions[name]
            decision = in_force.decision
            given = {*(outcome for outcome, _ in in_force.ranks), in_force.otherwise.outcome}
            word = self.pack.vocabulary.decisions.get(name)
            known = dict.fromkeys([*decision.outcomes, *(word.outcomes if word else ())])
            can = ", ".join(_name(one) for one in known if one in given)
            yield (
                decision.asks,
                _role(decision.decided_by),
                can,
                ", ".join(_name(one) for one in known if one not in given),
            )

    def invariant(self, one: Invariant) -> tuple[Passage, ...]:
        if one.independent_of:
            return (
                Passage(
                    f"{_name(one.decision)} never depends on:",
                    passages(self.called(path) for path in one.independent_of),
                ),
            )
        assert one.when is not None and one.always is not None
        return (
            _led("whenever ", passage(one.when, self.words)),
            _led("it is certain that ", passage(one.always, self.words)),
        )

    def called(self, path: str) -> str:
        """What a fact is called; for `group.*` every fact of the group."""
        if path.endswith(".*"):
            group = [one for one in self.pack.vocabulary.facts if one.startswith(path[:-1])]
            return ", ".join(self.called(one) for one in group)
        phrase = self.words.phrases.get(path, path)
        fact = self.pack.vocabulary.facts.get(path)
        if isinstance(phrase, str):
            return phrase
        return (
            f"the {phrase[1]}"
            if fact is not None and fact.type == "list"
            else f"whether {phrase[0]}"
        )

    def decision(self, in_force: DecisionInForce) -> Iterator[Block]:
        decision = in_force.decision
        yield Heading(
            2,
            f"{_name(decision.name).capitalize()}: {decision.asks}",
            anchor("decision", decision.name),
        )
        yield Text(_role(decision.decided_by) + ".", "Who decides:")
        day_read = (
            "the day that is asked about"
            if decision.governed_by == "as_of"
            else self.called(decision.governed_by)
        )
        yield Text(f"those of {day_read}.", "Whose day's rules:")
        order = (
            "All that are surely so, together"
            if decision.collect
            else "The first of these that a rule gives"
        )
        yield Text(f"{order}: {', '.join(_name(one) for one in decision.outcomes)}.", "Answers:")
        for outcome, rules in in_force.ranks:
            yield Heading(
                3, f"{_name(outcome).capitalize()}", anchor("decision", decision.name, outcome)
            )
            for rule in rules:
                yield from self.rule(decision.name, rule)
            yield from self.step("Then", decision.next.get(outcome))
        default = in_force.otherwise
        yield Heading(
            3,
            f"Otherwise: {_name(default.outcome)}",
            anchor("decision", decision.name, "otherwise"),
        )
        yield Text(fill_in(self.segment, default.because))
        yield from self.standing(default)
        if default.outcome not in [outcome for outcome, _ in in_force.ranks]:
            yield from self.step("Then", decision.next.get(default.outcome))
        if decision.while_waiting:
            yield Heading(
                3, "While something is not known", anchor("decision", decision.name, "waiting")
            )
            yield from self.step("Meanwhile", decision.while_waiting)
        if in_force.obligations:
            yield Heading(
                3, "What must go with it", anchor("decision", decision.name, "obligations")
            )
            for one in in_force.obligations:
                yield Bullets(
                    (
                        _led(
                            f"{self.pack.vocabulary.obligations.get(one.id, _name(one.id))}, if ",
                            passage(one.when, self.words),
                        ),
                    )
                )
                yield from self.standing(one)

    def rule(self, decision: str, in_force: RuleInForce) -> Iterator[Block]:
        rule = in_force.rule
        yield Heading(4, f"`{rule.id}`", anchor("rule", decision, rule.id))
        yield Text(fill_in(self.segment, rule.because))
        yield Bullets((_led("if ", passage(rule.when, self.words)),))
        yield from self.standing(rule)
        for one in in_force.unless:
            yield Text(fill_in(self.segment, one.because), "Except:")
            yield Bullets((_led("not if ", passage(one.when, self.words)),))
            yield from self.standing(one)
        if rule.reviewable_by:
            yield Text(f"{_role(rule.reviewable_by)} may look at it again.", "Review:")

    def step(self, label: str, step: Wording | None) -> Iterator[Block]:
        if step is not None and step.in_force(self.segment.day):
            yield Text(fill_in(self.segment, step.text), f"{label}, {_role(step.who)}:")

    def standing(self, item: Item) -> Iterator[Block]:
        """Where it stands, from when, what is doubtful about it, and what another source says."""
        dated = _dated(item) if not isinstance(item, type(self.pack.program)) else ""
        yield Text(f"{self.cited(item.source)}{dated}", "Source:")
        if item.provisional:
            yield Text(item.provisional, "Doubtful:")
        for other in item.other:
            yield Text(self.other(other), "Another source:")

    def other(self, other: Other) -> str:
        return (
            f"{self.cited(other.source)} says: {other.says}{f' ({other.why})' if other.why else ''}"
        )

    def cited(self, citation: Citation) -> str:
        source = self.pack.sources[citation.id]
        at = f", {citation.at}" if citation.at else ""
        return f"{source.title}{at} (`{source.id}`, {source.confidence} confidence)"

    def parameters(self) -> Iterator[Block]:
        shown = [(one, self.segment.values.get(name)) for name, one in self.pack.parameters.items()]
        rows = [self.value(parameter, value) for parameter, value in shown if value is not None]
        if rows:
            yield Heading(2, "Amounts, times and lists", "amounts")
            yield Table(
                f"What is in force on {day(self.segment.day)}",
                ("What", "Value", "Since", "Source", "Doubts"),
                tuple(rows),
            )

    def value(self, parameter: Parameter, value: Value) -> tuple[str, ...]:
        doubts = [value.provisional] if value.provisional else []
        doubts += [self.other(one) for one in value.other]
        since = day(value.since) if value.since else "the program's start"
        until = f", until {day(value.until)}" if value.until else ""
        return (
            parameter.label,
            _shown(value, parameter.unit),
            since + until,
            self.cited(value.source),
            "\n".join(doubts),
        )

    def clocks(self) -> Iterator[Block]:
        rows = []
        for clock in self.segment.clocks.values():
            length = self.segment.values[clock.length]
            unit = self.pack.parameters[clock.length].unit
            every = (
                f"every {_shown(length, unit)}"
                if clock.repeats
                else f"within {_shown(length, unit)}"
            )
            ends = clock.repeats or clock.stop or ""
            when = f"{every} from {self.called(clock.start)}; it ends with {self.called(ends)}"
            rows.append(
                (
                    f"{_name(clock.name)}: {clock.label}",
                    when,
                    _role(clock.owner),
                    clock.follows,
                    self.cited(clock.source),
                )
            )
        if rows:
            yield Heading(2, "Time limits", "clocks")
            yield Table(
                "What is due when, and what follows",
                ("What", "When", "Whose", "What follows", "Source"),
                tuple(rows),
            )

    def facts(self) -> Iterator[Block]:
        """What it takes: every fact that a rule in force reads, who knows it, and for which decisions."""
        read: dict[str, list[str]] = {}
        for name in in_order([self.segment]):
            for path in _reads(self.segment.decisions[name]):
                read.setdefault(path, []).append(_name(name))
        rows = []
        facts = {
            path: one
            for fact in self.pack.vocabulary.facts.values()
            for path, one in [(fact.path, fact), *((f.path, f) for f in fact.fields.values())]
        }
        for path in sorted(read):
            fact = facts[path]
            travels = (
                "; never sent to anybody"
                if fact.category in self.pack.vocabulary.never_travels
                else ""
            )
            rows.append(
                (
                    f"{fact.question}\n`{path}`",
                    _role(fact.known_by),
                    f"{fact.kind}, {_name(fact.category)}{travels}",
                    ", ".join(read[path]),
                )
            )
        yield Heading(2, "What it takes: the facts, and who knows them", "facts")
        yield Text(
            "What is not known counts neither for nor against the person; the answer then says whom to ask for what."
        )
        yield Table(
            "Facts that the rules read",
            ("Question", "Who knows it", "What it is", "For"),
            tuple(rows),
        )

    def sources(self) -> Iterator[Block]:
        used = self.pack.sources.values()
        rows = [
            (
                f"`{one.id}`",
                one.title + (f"\n{one.note}" if one.note else ""),
                one.address,
                one.confidence,
            )
            for one in used
        ]
        yield Heading(2, "Sources", "sources")
        yield Table("Where it is said", ("Id", "Title", "Address", "Confidence"), tuple(rows))


def _reads(in_force: DecisionInForce) -> list[str]:
    conditions = [rule.condition for rule in in_force.rules] + [
        one.when for one in in_force.obligations
    ]
    found = {
        path: fact for condition in conditions for path, fact in tree.facts_read(condition).items()
    }
    return [
        path
        for path, fact in found.items()
        if fact.type != "list" or not any(one.startswith(f"{path}.") for one in found)
    ]


def _shown(value: Value, unit: str) -> str:
    return (
        ", ".join(_name(one) for one in value.value)
        if isinstance(value.value, tuple)
        else with_unit(value.value, unit)
    )


def _dated(item: Item) -> str:
    since = f", since {day(item.since)}" if item.since else ""
    until = f", until {day(item.until)}" if item.until else ""
    return since + until


def _led(lead: str, said: Passage) -> Passage:
    return Passage(lead + said.text, said.items)


def _name(word: str) -> str:
    return word.replace("_", " ")


def _role(role: str) -> str:
    return role.replace("_", " ")


# What applied when


def timeline(pack: Pack) -> Document:
    """Every day on which anything began or ended, and what it was."""
    blocks: list[Block] = [Heading(1, f"{pack.title}: what applied when", "title")]
    blocks.append(
        Text(
            f"Rule pack `{pack.id}`, `{Program(pack).digest}`. What has no day of its own holds from the program's start."
        )
    )
    rows: list[tuple[Cell, ...]] = []
    if pack.program.since:
        rows.append((day(pack.program.since), "the program begins", ""))
    for at in pack.boundaries():
        begins = tuple(
            _dated_line(pack, name, item) for name, item in _items(pack) if item.since == at
        )
        ends = tuple(name for name, item in _items(pack) if item.until == at)
        rows.append((day(at), begins, ends))
    if pack.program.until:
        rows.append((day(pack.program.until), "", "the program"))
    blocks.append(
        Table(
            "What begins and what ends",
            ("Day", "Begins", "Ends (the day before was its last)"),
            tuple(rows),
        )
    )
    for parameter in pack.parameters.values():
        if len(parameter.values) > 1:
            blocks.append(
                Heading(2, parameter.label.capitalize(), anchor("amount", parameter.name))
            )
            spans = [
                (
                    day(one.since) if one.since else "the program's start",
                    day(one.until) if one.until else _next(parameter, one),
                    _shown(one, parameter.unit),
                    pack.sources[one.source.id].title,
                    one.provisional or "",
                )
                for one in parameter.values
            ]
            blocks.append(
                Table(
                    parameter.label, ("From", "Until", "Value", "Source", "Doubtful"), tuple(spans)
                )
            )
    return Document(f"{pack.title}: what applied when", "en", tuple(blocks))


def _next(parameter: Parameter, value: Value) -> str:
    later = [
        one.since
        for one in parameter.values
        if one.since and (value.since is None or one.since > value.since)
    ]
    return day(min(later)) if later else "no end is known"


def _items(pack: Pack) -> Iterator[tuple[str, Item]]:
    yield from pack.items()
    yield from ((f"floor `{one.id}`", one) for one in pack.invariants.values())
    for decision in pack.decisions.values():
        yield from (
            (f"what follows `{outcome}` of `{decision.name}`", one)
            for outcome, one in decision.next.items()
        )
        if decision.while_waiting:
            yield f"what is said while `{decision.name}` waits", decision.while_waiting


def _dated_line(pack: Pack, name: str, item: Item) -> str:
    """What began, in the words of the pack on that day."""
    said = ""
    if isinstance(item, Value):
        parameter = pack.parameters[name.split("`")[1]]
        name, said = parameter.label, f": {_shown(item, parameter.unit)}"
    elif isinstance(item, Rule | Exemption) and item.since is not None:
        said = f": {fill_in(resolve(pack, item.since), item.because)}"
    doubt = f" (doubtful: {item.provisional})" if item.provisional else ""
    return f"{name}{said}{doubt}"


# Several


def side_by_side(segments: list[Segment]) -> Document:
    """The same questions asked of several programs, a column each."""
    title = "Side by side: " + ", ".join(one.pack.title for one in segments)
    head = tuple(f"{one.pack.title} (`{one.pack.id}`)" for one in segments)
    blocks: list[Block] = [Heading(1, title, "title"), Text(BY_HAND)]
    began = tuple(day(one.pack.program.since) if one.pack.program.since else "" for one in segments)
    blocks.append(
        Table(
            "The programs",
            ("", *head),
            (("Rules of", *(day(one.day) for one in segments)), ("Began", *began)),
        )
    )
    for name in in_order(segments):
        held = [one.decisions.get(name) for one in segments]
        decision = next(one for one in held if one is not None).decision
        blocks.append(
            Heading(2, f"{_name(name).capitalize()}: {decision.asks}", anchor("decision", name))
        )
        blocks.append(
            Table(
                f"Who decides {_name(name)}, and what gives each answer",
                ("Answer", *head),
                tuple(_answers(segments, name)),
            )
        )
    names = dict.fromkeys(name for one in segments for name in one.values)
    rows = []
    for name in names:
        cells = [
            _shown(one.values[name], one.pack.parameters[name].unit) if name in one.values else ""
            for one in segments
        ]
        rows.append(
            (
                next(one.pack.parameters[name].label for one in segments if name in one.values),
                *cells,
            )
        )
    if rows:
        blocks += [
            Heading(2, "Amounts, times and lists", "amounts"),
            Table("Values in force", ("What", *head), tuple(rows)),
        ]
    floors = {
        one.id: one.because
        for segment in segments
        for one in segment.pack.invariants.values()
        if one.in_force(segment.day)
    }
    if floors:
        kept = [
            (
                because,
                *(
                    "never broken" if _holds(segment, id_) else "not promised"
                    for segment in segments
                ),
            )
            for id_, because in floors.items()
        ]
        blocks += [
            Heading(2, "What can and can't happen to a person", "invariants"),
            Table("What no rule may break", ("Floor", *head), tuple(kept)),
        ]
    return Document(title, "en", tuple(blocks))


def _holds(segment: Segment, invariant: str) -> bool:
    one = segment.pack.invariants.get(invariant)
    return one is not None and one.in_force(segment.day)


def _answers(segments: list[Segment], name: str) -> Iterator[tuple[Cell, ...]]:
    held = [one.decisions.get(name) for one in segments]
    yield (
        "Who decides",
        *(_role(one.decision.decided_by) if one else "not part of this program" for one in held),
    )
    for outcome in dict.fromkeys(
        outcome for one in held if one for outcome in one.decision.outcomes
    ):
        cells = []
        for segment, one in zip(segments, held, strict=True):
            lines = (
                [
                    why(segment, rule)
                    for rank, rules in one.ranks
                    if rank == outcome
                    for rule in rules
                ]
                if one
                else []
            )
            if one and one.otherwise.outcome == outcome:
                lines.append(f"Otherwise: {fill_in(segment, one.otherwise.because)}")
            cells.append(tuple(lines))
        if any(cells):
            yield _name(outcome), *cells


def why(segment: Segment, rule: RuleInForce) -> str:
    """The rule's wording on the day, and that of what lifts it."""
    return " ".join(
        [
            fill_in(segment, rule.rule.because),
            *(f"Except: {fill_in(segment, one.because)}" for one in rule.unless),
        ]
    )


def pages() -> dict[str, str]:
    """The page of each shipped pack, by file name."""
    return {
        f"{name}.md": markdown(of_pack(segment_of(read_pack(name), None))) for name in shipped()
    }


def main(folder: Path) -> None:
    """Writes them."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
