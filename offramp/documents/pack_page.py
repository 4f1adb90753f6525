"""A pack as a page in plain English: what the program takes first, then every rule, then sources.

Everything comes from the rules in force on the day. Conditions are put into English from the tree
that runs. Sources, dates, and doubts are numbered notes at the end of each section.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from offramp.documents.consent_section import consent_blocks, words_blocks
from offramp.documents.document import (
    Block,
    Bullets,
    Cell,
    Document,
    Heading,
    Notes,
    Statement,
    Table,
    Text,
    anchor,
    passages,
)
from offramp.documents.program_facts import KINDS, program_facts
from offramp.documents.retention_section import retention_blocks
from offramp.documents.segments import (
    PROMISES,
    PROVED,
    PROVED_MEANS,
    TRIED,
    TRIED_MEANS,
    cited,
    day_notice,
    decisions_in_order,
    in_pack_order,
    invariant_status,
    last_change,
    newest_day,
    reason,
)
from rules.author.english import Passage, passage, words_of
from rules.author.phrases import format_amount, format_day, format_value, format_word, spell_name
from rules.decide.explain import names
from rules.decide.next_step import PERSON_NAMES
from rules.decide.program import Program
from rules.decide.wording import fill_in, parameters_read
from rules.input.vocabulary import Fact
from rules.language import tree
from rules.packs.own_reads import RECORDS
from rules.packs.pack import Decision, Invariant, Item, Parameter, Wording
from rules.packs.resolve import DecisionInForce, RuleInForce, Segment
from rules.shelf import english

MADE_BY = (
    "Made by `offramp show` from the rules that run. A question that the rules leave open is open "
    "here too. This is not legal advice."
)


def pack_page(segment: Segment, today: date | None = None) -> Document:
    """Return the page of the whole pack on the segment's day.

    With `today`, it begins with what a reader of that day must know about the day of the rules.
    """
    return Document(segment.pack.title, "en", tuple(_Page(segment, today).blocks()))


class _Page:
    """The page's sections, and the notes collected for the current section."""

    def __init__(self, segment: Segment, today: date | None) -> None:
        self.segment, self.today = segment, today
        self.pack = segment.pack
        self.words = words_of(segment, english())
        self.notes: dict[str, int] = {}

    def blocks(self) -> Iterator[Block]:
        """Yield the sections in order, each with its notes."""
        yield Heading(1, self.pack.title, "title")
        if notice := day_notice(self.segment, self.today):
            yield Text(notice)
        yield from self.summary()
        sections = [
            self.takes(),
            self.deciders(),
            self.invariants(),
            self.parameters(),
            self.clocks(),
            *(
                self.decision(self.segment.decisions[name])
                for name in decisions_in_order([self.segment])
            ),
            consent_blocks(self.segment, self.fact_name, self.mark),
            words_blocks(self.pack, self.mark),
            retention_blocks(self.segment, self.mark),
            self.facts(),
            self.program(),
            self.sources(),
        ]
        for section in sections:
            yield from section
            yield from self.end_of_section()

    # Notes

    def mark(self, item: Item, *, is_dated: bool = True) -> str:
        """Add a note with the item's source, dates, and doubts, and return the mark for it."""
        number = self.notes.setdefault(self.note(item, is_dated=is_dated), len(self.notes) + 1)
        return f" [{number}, in doubt]" if item.provisional else f" [{number}]"

    def value_marks(self, condition: tree.Tree) -> str:
        """Add a note with the source of each value that a condition reads, and return the marks."""
        marks = ""
        for name in parameters_read(self.segment, names(condition)):
            value, parameter = self.segment.values[name], self.pack.parameters[name]
            is_list = isinstance(value.value, tuple)
            amount = "the list" if is_list else format_value(value.value, parameter.unit)
            note = f"“{parameter.label}” is {amount}. {self.note(value, is_dated=True)}"
            number = self.notes.setdefault(note, len(self.notes) + 1)
            marks += f" [{number}, in doubt]" if value.provisional else f" [{number}]"
        return marks

    def note(self, item: Item, *, is_dated: bool) -> str:
        """Return the note for an item: its source, dates, doubts, and other sources."""
        parts = [f"{cited(self.pack, item.source)}{_dates(item) if is_dated else ''}."]
        if item.provisional:
            parts.append(f"In doubt: {item.provisional.rstrip('.')}.")
        for dissent in item.other:
            why = f" ({dissent.why})" if dissent.why else ""
            source = cited(self.pack, dissent.source)
            parts.append(f"Another source says: {dissent.says}{why}. It is {source}.")
        return " ".join(parts)

    def end_of_section(self) -> Iterator[Block]:
        """Yield the notes of the section and start anew."""
        if self.notes:
            yield Notes(tuple(self.notes))
        self.notes = {}

    # The answer first

    def summary(self) -> Iterator[Block]:
        """Yield the dates and the kind of the program."""
        program, day = self.pack.program, self.segment.day
        since = f" from {format_day(program.since)}" if program.since else ""
        if program.until is None:
            ran = f"In force{since}." if since else ""
        else:
            ran = f"In force{since} until {format_day(program.until)}."
        kind = KINDS.get(program.kind, "")
        which_rules = f"This page shows the rules of {format_day(day)}, {self.which_day()}."
        yield Text(" ".join(part for part in (ran, kind, which_rules) if part))
        yield Text("The rules answer. A named person decides, and may decide otherwise.")

    def which_day(self) -> str:
        """Return why the page shows the rules of its day."""
        if self.segment.day == last_change(self.pack):
            return "the day of their last known change"
        if self.today is not None and self.segment.day == newest_day(self.pack, self.today):
            return "the day of their last change until now"
        return "as asked"

    def takes(self) -> Iterator[Block]:
        """Return the answers of the program's test with their reasons, without conditions."""
        names = decisions_in_order([self.segment])
        name = "eligibility" if "eligibility" in names else names[0]
        in_force = self.segment.decisions[name]
        yield Heading(2, "What the program takes", "takes")
        yield Text(in_force.decision.asks)
        for outcome, rules in in_force.ranks:
            yield Text("", f"{_capitalized(outcome)}:")
            ordered = in_pack_order(self.segment, rules)
            reasons = dict.fromkeys(reason(self.segment, rule) for rule in ordered)
            yield Bullets(passages(reasons))
        default = in_force.otherwise
        yield Text(
            fill_in(self.segment, default.because), f"Otherwise {spell_name(default.outcome)}:"
        )

    def deciders(self) -> Iterator[Block]:
        """Yield the table of questions, deciders, and answers."""
        yield Heading(2, "Who decides", "deciders")
        yield Table(
            f"All that the rules can answer on {format_day(self.segment.day)}",
            ("Question", "Who decides", "Possible answers", "No rule gives"),
            tuple(self.answers()),
        )

    def answers(self) -> Iterator[tuple[Cell, ...]]:
        """Yield a row for each decision."""
        for name in decisions_in_order([self.segment]):
            in_force = self.segment.decisions[name]
            decision = in_force.decision
            possible = {*(outcome for outcome, _ in in_force.ranks), in_force.otherwise.outcome}
            shared = self.pack.vocabulary.decisions.get(name)
            outcomes = dict.fromkeys([*decision.outcomes, *(shared.outcomes if shared else ())])
            yield (
                decision.asks,
                spell_name(decision.decided_by),
                ", ".join(spell_name(outcome) for outcome in outcomes if outcome in possible),
                ", ".join(spell_name(outcome) for outcome in outcomes if outcome not in possible),
            )

    # Invariants

    def invariants(self) -> Iterator[Block]:
        """Yield the promises, the proved ones before those only tried."""
        day = self.segment.day
        order = decisions_in_order([self.segment])
        promised = sorted(
            (invariant for invariant in self.pack.invariants.values() if invariant.in_force(day)),
            key=lambda invariant: order.index(invariant.decision),
        )
        if not promised:
            return
        yield Heading(2, "What can and can't happen to a person", "invariants")
        yield Text(PROMISES)
        for status, meaning in ((PROVED, PROVED_MEANS), (TRIED, TRIED_MEANS)):
            of_status = [
                invariant
                for invariant in promised
                if invariant_status(self.segment, invariant.id) == status
            ]
            if of_status:
                yield Heading(3, meaning.rstrip("."), anchor("invariants", status))
                yield from map(self.invariant, of_status)

    def invariant(self, invariant: Invariant) -> Statement:
        """Return a promise with its condition."""
        text = fill_in(self.segment, invariant.because) + self.mark(invariant)
        items: tuple[Passage, ...]
        if invariant.independent_of:
            facts = passages(self.fact_name(path) for path in invariant.independent_of)
            items = (Passage(f"{spell_name(invariant.decision)} never depends on:", facts),)
        else:
            assert invariant.when is not None and invariant.always is not None
            items = (
                passage(invariant.when, self.words).prefixed("whenever "),
                passage(invariant.always, self.words).prefixed("it is certain that "),
            )
        return Statement(text, invariant.id, anchor("invariant", invariant.id), items)

    def fact_name(self, path: str) -> str:
        """Return the noun for a fact, or for `group.*` the nouns of all its facts."""
        if path.endswith(".*"):
            group = [name for name in self.pack.vocabulary.facts if name.startswith(path[:-1])]
            return ", ".join(map(self.fact_name, group))
        phrase = self.words.phrases.get(path, path)
        if isinstance(phrase, str):
            return phrase
        fact = self.pack.vocabulary.facts.get(path)
        is_list = fact is not None and fact.type == "list"
        return f"the {phrase[1]}" if is_list else f"whether {phrase[0]}"

    # Amounts and time limits

    def parameters(self) -> Iterator[Block]:
        """Yield the table of amounts, times, and lists."""
        rows: list[tuple[Cell, ...]] = []
        for name, parameter in self.pack.parameters.items():
            value = self.segment.values.get(name)
            if value is not None:
                since = format_day(value.since) if value.since else "the program's start"
                until = f", until {format_day(value.until)}" if value.until else ""
                mark = self.mark(value, is_dated=False).strip()
                amounts = self.amounts(parameter, value.value)
                rows += [(label, amount, since + until, mark) for label, amount in amounts]
        if rows:
            yield Heading(2, "Amounts, times, and lists", "amounts")
            caption = f"In force on {format_day(self.segment.day)}"
            yield Table(caption, ("What", "Value", "Since", "Notes"), tuple(rows))

    def amounts(self, parameter: Parameter, value: Any) -> Iterator[tuple[str, str]]:
        """Yield a parameter's name with its value: for a table a line for each row."""
        if not isinstance(value, Mapping):
            yield parameter.label, format_value(value, parameter.unit)
            return
        fact = self.pack.vocabulary.fact_at(str(parameter.by))
        assert fact is not None  # it was there when the parameter was read
        for word, amount in value.items():
            name = format_word(word, fact.word_tree)
            yield f"{parameter.label}: {name}", format_amount(amount, parameter.unit)

    def clocks(self) -> Iterator[Block]:
        """Yield the table of time limits."""
        rows: list[tuple[Cell, ...]] = []
        for clock in self.segment.clocks.values():
            length = format_value(
                self.segment.values[clock.length].value, self.pack.parameters[clock.length].unit
            )
            length += " (whole days, local time)" if clock.counts else ""
            limit = f"every {length}" if clock.repeats else f"within {length}"
            end = self.fact_name(clock.repeats or clock.stop or "")
            rows.append(
                (
                    f"{spell_name(clock.name)}: {clock.label}",
                    f"{limit} from {self.fact_name(clock.start)}, ends with {end}",
                    spell_name(clock.owner),
                    clock.follows,
                    self.mark(clock).strip(),
                )
            )
        if rows:
            yield Heading(2, "Time limits", "clocks")
            head = ("What", "When", "Who must act", "What follows", "Notes")
            yield Table("What is due when, and what follows", head, tuple(rows))

    # Decisions

    def decision(self, in_force: DecisionInForce) -> Iterator[Block]:
        """Yield the section of one decision."""
        decision = in_force.decision
        title = f"{_capitalized(decision.name)}: {decision.asks}"
        yield Heading(2, title, anchor("decision", decision.name))
        yield Text(f"{spell_name(decision.decided_by)}.", "Who decides:")
        governed_by = (
            "the day asked about"
            if decision.governed_by == "as_of"
            else self.fact_name(decision.governed_by)
        )
        yield Text(f"the rules of {governed_by}.", "Which rules apply:")
        order = (
            "every answer that certainly applies"
            if decision.collect
            else "the first of these that a rule gives"
        )
        yield Text(f"{order}: {', '.join(map(spell_name, decision.outcomes))}.", "Answer:")
        if RECORDS in decision.reads:
            yield Text("records that are never sent. Others see the answer alone.", "Reads:")
        for outcome, rules in in_force.ranks:
            yield Heading(3, _capitalized(outcome), anchor("decision", decision.name, outcome))
            for rule in in_pack_order(self.segment, rules):
                yield self.rule(decision.name, rule)
            yield from self.step("Then", decision.next.get(outcome))
        yield from self.otherwise(in_force)
        if decision.while_waiting:
            heading_id = anchor("decision", decision.name, "waiting")
            yield Heading(3, "While a fact is missing", heading_id)
            yield from self.step("Meanwhile", decision.while_waiting)
        yield from self.obligations(in_force)
        yield from self.optional(decision)

    def optional(self, decision: Decision) -> Iterator[Block]:
        """Yield the rules that a program may use, and that this one doesn't."""
        unused = [rule for rule in decision.optional.values() if rule.id not in decision.rules]
        if unused:
            heading_id = anchor("decision", decision.name, "optional")
            yield Heading(3, "Off, unless a program uses it", heading_id)
            for rule in unused:
                yield self.rule(decision.name, RuleInForce(rule, rule.unless, rule.when))

    def rule(self, decision: str, in_force: RuleInForce) -> Statement:
        """Return a rule: its reason, condition, exceptions, and reviewer."""
        rule = in_force.rule
        items = [passage(rule.when, self.words).prefixed("if ")]
        for exemption in in_force.unless:
            because = f"except: {fill_in(self.segment, exemption.because)}{self.mark(exemption)}"
            condition = passage(exemption.when, self.words).prefixed("not if ")
            items.append(Passage(because, (condition,)))
        if rule.reviewable_by:
            items.append(Passage(f"can be reviewed by: {spell_name(rule.reviewable_by)}"))
        marks = self.value_marks(in_force.condition) + self.mark(rule)
        text = fill_in(self.segment, rule.because) + marks
        return Statement(text, rule.id, anchor("rule", decision, rule.id), tuple(items))

    def otherwise(self, in_force: DecisionInForce) -> Iterator[Block]:
        """Yield the answer when no rule gives one."""
        decision, default = in_force.decision, in_force.otherwise
        heading_id = anchor("decision", decision.name, "otherwise")
        yield Heading(3, f"Otherwise: {spell_name(default.outcome)}", heading_id)
        yield Text(fill_in(self.segment, default.because) + self.mark(default))
        if default.outcome not in [outcome for outcome, _ in in_force.ranks]:
            yield from self.step("Then", decision.next.get(default.outcome))

    def obligations(self, in_force: DecisionInForce) -> Iterator[Block]:
        """Yield the duties that go with the answer."""
        if not in_force.obligations:
            return
        name = in_force.decision.name
        yield Heading(3, "Duties that go with it", anchor("decision", name, "obligations"))
        duties = []
        for obligation in in_force.obligations:
            duty = self.pack.vocabulary.obligations.get(obligation.id, spell_name(obligation.id))
            condition = passage(obligation.when, self.words).prefixed(f"{duty}, if ")
            duties.append(Passage(condition.text + self.mark(obligation), condition.items))
        yield Bullets(tuple(duties))

    def step(self, label: str, step: Wording | None) -> Iterator[Block]:
        """Yield the next step of a role, if it is in force."""
        if step is not None and step.in_force(self.segment.day):
            text = fill_in(self.segment, step.text) + self.mark(step)
            yield Text(text, f"{label}, {spell_name(step.who)}:")

    # Facts, the program, and sources

    def facts(self) -> Iterator[Block]:
        """Return every fact that a rule in force reads, the agency that knows it, and its use."""
        readers: dict[str, list[str]] = {}
        for name in decisions_in_order([self.segment]):
            for path in _facts_read(self.segment.decisions[name]):
                readers.setdefault(path, []).append(spell_name(name))
        facts = {
            path: entry
            for fact in self.pack.vocabulary.facts.values()
            for path, entry in [(fact.path, fact), *((f.path, f) for f in fact.fields.values())]
        }
        rows = []
        for path in sorted(readers):
            fact = facts[path]
            is_kept = fact.category in self.pack.vocabulary.never_travels
            kind = f"{fact.kind}, {spell_name(fact.category)}"
            role = spell_name(fact.known_by)
            rows.append(
                (
                    f"{fact.question}{_finer_words(fact)}\n`{path}`",
                    f"{role}, who asks {PERSON_NAMES[fact.asks]}" if fact.asks else role,
                    f"{kind}, never sent to anyone" if is_kept else kind,
                    ", ".join(readers[path]),
                )
            )
        yield Heading(2, "The facts that the rules read", "facts")
        yield Text(
            "A missing fact counts neither for nor against the person. The answer then says which "
            "agency to ask for it."
        )
        head = ("Question", "Known by", "Kind", "For")
        yield Table("Facts that the rules read", head, tuple(rows))

    def program(self) -> Iterator[Block]:
        """Yield the history of the program and the agencies that run it."""
        program = self.pack.program
        yield Heading(2, "About the program", "program")
        if program.note:
            yield Text(program.note + self.mark(program, is_dated=False))
        elif program.since or program.until:
            yield Text(f"The program's dates{self.mark(program, is_dated=False)}")
        yield Text(f"Days begin and end in the time zone {self.pack.time_zone}.")
        if self.pack.extends:
            yield Text(f"It builds on `{self.pack.extends}` and can't go below its minimum.")
        if self.pack.offenses:
            day = self.segment.day
            yield Text(
                f"A charge that gives only its section gets the rest from the offense table "
                f"`{self.pack.offenses.id}`. `offramp offenses {self.pack.id} --as-of {day}` lists "
                "the sections that the program takes."
            )
        for label, text, item in program_facts(program):
            yield Text(text + self.mark(item), f"{label}:")
        for grouping in self.pack.groups.values():
            yield Text(grouping.says + self.mark(grouping), "Reports count by:")

    def sources(self) -> Iterator[Block]:
        """Yield the table of sources."""
        rows = [
            (
                f"`{source.id}`",
                source.title + (f"\n{source.note}" if source.note else ""),
                source.address,
                source.confidence,
            )
            for source in self.pack.sources.values()
        ]
        yield Heading(2, "Sources", "sources")
        yield Table("Every source", ("Id", "Title", "Address", "Confidence"), tuple(rows))
        yield Text(f"Rule pack `{self.pack.id}`, `{Program(self.pack).digest}`. {MADE_BY}")


def _finer_words(fact: Fact) -> str:
    """Return the words that the pack adds below those of the choice."""
    words = [format_word(choice, fact.word_tree) for choice in fact.finer]
    return f"\nFiner words: {', '.join(words)}" if words else ""


def _facts_read(in_force: DecisionInForce) -> list[str]:
    """Return the paths that the decision reads, a list only if none of its fields is read."""
    conditions = [rule.condition for rule in in_force.rules]
    conditions += [obligation.when for obligation in in_force.obligations]
    facts = {
        path: fact for condition in conditions for path, fact in tree.facts_read(condition).items()
    }
    return [
        path
        for path, fact in facts.items()
        if fact.type != "list" or not any(field.startswith(f"{path}.") for field in facts)
    ]


def _dates(item: Item) -> str:
    since = f", since {format_day(item.since)}" if item.since else ""
    until = f", until {format_day(item.until)}" if item.until else ""
    return since + until


def _capitalized(name: str) -> str:
    return spell_name(name).capitalize()
