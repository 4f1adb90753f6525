"""`offramp letter`: a decision as a letter to the person: the answer, the reasons, and what to do.

Other people may read a letter. It holds only `ALLOWED` categories of information. If a reason rests
on any other category, the letter says that there is a reason and which agency to ask
(docs/decisions/0024-letters.md). The sender fills in the blanks, or gives them as options.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from offramp.documents.decision_file import (
    ATTESTED,
    OTHERWISE,
    DecisionFile,
    Reason,
    read_decision,
)
from offramp.documents.document import (
    BLANK,
    Block,
    Bullets,
    Document,
    Heading,
    Text,
    as_json,
    passages,
)
from offramp.documents.plain_text import plain_text
from offramp.documents.show import refuse_two_forms
from offramp.documents.web_page import as_html
from offramp.policy.input_files import read_json
from offramp.terminal import print_json, print_text
from rules.author.phrases import format_day, spell_name
from rules.author.spoken_dates import spoken_day
from rules.author.translation import translate_text
from rules.decide.explain import names
from rules.decide.law_age import oldest_check
from rules.decide.program import Program
from rules.decide.wording import fill_in, parameters_read
from rules.input.printing import printable
from rules.input.yaml import read_file
from rules.language import tree
from rules.packs.pack import Citation, Exemption, Item
from rules.packs.resolve import RuleInForce, Segment
from rules.shelf import day_of, jurisdictions

WIDTH = 80
ALLOWED = frozenset(
    {
        "contact",
        "encounter",
        "charge",
        "screening_outcome",
        "new_charge",
        "charge_status",
        "decision_outcome",
        "enrollment",
        "intake_status",
        "case_manager_contact",
        "status",
        "plan",
        "service",
        "consent_terms",
        "operation",
    }
)
_MOST_QUESTIONS = 20


@dataclass(frozen=True)
class Letterhead:
    """The entries that the sender knows and no rule does. None leaves a line to fill in."""

    sender: str | None = None
    phone: str | None = None
    written_on: date | None = None
    case_number: str | None = None
    reply_by: date | None = None


def letter(options: argparse.Namespace) -> int:
    """Print the letter about the decision that the options name, and return exit status 0."""
    refuse_two_forms(options)
    content = read_json(options.decision, "the contents of the decision")
    document = write_letter(content, options.lang, options.pack, _letterhead(options))
    if options.html:
        print_text(as_html(document), end="")
    elif options.json:
        print_json(as_json(document), indent=2)
    else:
        print_text(plain_text(document, WIDTH))
    return 0


def _letterhead(options: argparse.Namespace) -> Letterhead:
    def text(name: str) -> str | None:
        value = getattr(options, name, None)
        return printable(value) if value else None

    def day(name: str) -> date | None:
        """Return the day in the letter's language."""
        value = getattr(options, name, None)
        return day_of(value) if value else None

    return Letterhead(
        text("sender"), text("phone"), day("date"), text("case_number"), day("reply_by")
    )


@lru_cache(maxsize=1)
def letter_words() -> Mapping[str, Mapping[str, Any]]:
    """Return the letters' fixed wording by language."""
    by_language: dict[str, Mapping[str, Any]] = read_file(jurisdictions() / "letter.yaml").data()
    return by_language


def write_letter(
    content: Any,
    lang: str = "en",
    by: Program | str | None = None,
    letterhead: Letterhead | None = None,
) -> Document:
    """Return the letter about a decision as `offramp decide --json` prints it.

    `lang` is a language of `letter_words()`. `by` is the program that decided, or its folder; by
    default the shipped pack of the id in the decision. Raises `FactsError` if the content is no
    such decision, and `RequestError` if it is by another pack or about no person.
    """
    return _Letter(read_decision(content, by), lang, letterhead or Letterhead()).document()


class _Letter:
    """A decision put into one language's words, section by section."""

    def __init__(self, decision_file: DecisionFile, lang: str, letterhead: Letterhead) -> None:
        self.file = decision_file
        self.lang = lang
        self.letterhead = letterhead
        self.words = letter_words()[lang]
        self.pack_lang = None if lang == "en" else "en"  # packs are written in English
        self.decider = self.role(decision_file.decision.decided_by)

    def document(self) -> Document:
        """Return the whole letter."""
        title = self.say("title", program=self.file.pack.title)
        blocks = (Heading(1, title, "title"), *self.blocks())
        return Document(title, self.lang, blocks, "letter")

    def blocks(self) -> Iterator[Block]:
        """Yield the sections of the letter."""
        yield from self.head()
        yield from self.opening()
        yield Heading(2, self.words["answer"], "answer")
        yield from self.answer()
        if self.file.reasons:
            yield Heading(2, self.words["why"], "why")
            yield from self.why()
        if self.file.needed:
            yield Heading(2, self.words["missing"], "missing")
            yield from self.missing()
        yield Heading(2, self.words["next"], "next")
        yield from self.next_steps()
        yield Heading(2, self.words["again"], "again")
        yield from self.review()
        yield Heading(2, self.words["do"], "do")
        yield Bullets(
            passages(action.format(role=self.decider) for action in self.words["actions"])
        )
        checked = oldest_check(self.file.pack)
        if checked is None:
            yield Text(self.words["checked_unknown"])
        else:
            yield Text(self.say("checked", day=self.day(checked)))
        yield Text(self.say("kept", pack=self.file.pack.id, digest=self.file.program.digest))

    # The head

    def head(self) -> Iterator[Block]:
        """Yield the lines for sender, phone, date, and case number."""
        head, labels = self.letterhead, self.words["head"]
        day = self.day(head.written_on) if head.written_on else None
        yield Text(head.sender or BLANK, labels["sender"])
        yield Text(head.phone or BLANK, labels["phone"])
        yield Text(day or BLANK, labels["date"])
        yield Text(head.case_number or BLANK, labels["case_number"])

    def opening(self) -> Iterator[Block]:
        """Yield what the letter is about, and that a person decides."""
        program, segment = self.file.pack.title, self.file.segment
        if segment:
            yield Text(self.say("opening", program=program, day=self.day(segment.day)))
        else:
            yield Text(self.say("opening_without_day", program=program))
        yield Text(self.say("human", role=self.decider))
        if self.words["foreign"]:
            yield Text(self.words["foreign"])

    # The answer

    def answer(self) -> Iterator[Block]:
        """Yield the outcomes, or those still possible."""
        allowed = [outcome for outcome in self.file.outcomes if self.may_name(outcome)]
        yield from map(self.outcome, allowed)
        if len(allowed) < len(self.file.outcomes):
            yield Text(self.words["step_withheld"])
        if not self.file.is_decided:
            yield Text(self.words["undetermined"])
            possible = [
                outcome
                for outcome in self.file.possible
                if outcome not in self.file.outcomes and self.may_name(outcome)
            ]
            if possible:
                yield Text(self.words["possible"])
                yield from map(self.outcome, possible)

    def outcome(self, outcome: str) -> Text:
        """Return the sentence for an outcome, or the pack's own words for it."""
        sentence = self.words["outcomes"].get(self.file.decision.name, {}).get(outcome)
        if sentence is not None:
            return Text(sentence.format(On_day=self.on_day()))
        text = f"{self.file.decision.asks} {spell_name(outcome)}"
        return Text(text, self.words["own"], self.pack_lang)

    def on_day(self) -> str:
        """Return the day of the letter, which may be read later, to begin a sentence."""
        written_on = self.letterhead.written_on
        if written_on is None:
            on_date: str = self.words["on_date_of_letter"]
            return on_date
        return self.say("on_day", day=self.day(written_on))

    def may_name(self, outcome: str) -> bool:
        """Return True if the outcome's category is one that a letter may hold."""
        shared = self.file.pack.vocabulary.decisions.get(self.file.decision.name)
        return shared is None or shared.categories.get(outcome, "decision_outcome") in ALLOWED

    # The reasons

    def why(self) -> Iterator[Block]:
        """Yield the reasons, and which agency to ask about those left out."""
        keepers = []
        for reason in self.file.reasons:
            if reason == ATTESTED:
                yield Text(self.say("attested", role=self.decider))
            elif not self.may_give(reason):
                keepers.append(self.keeper(reason))
            elif isinstance(reason, Exemption):
                yield from self.reason(reason, reason.because, reason.when, label="lifted")
            elif isinstance(reason, RuleInForce):
                yield from self.reason(reason.rule, reason.rule.because, reason.condition)
            elif self.file.in_force is not None:
                default = self.file.in_force.otherwise
                yield from self.reason(default, default.because)
        for keeper in dict.fromkeys(keepers):
            yield Text(self.say("withheld", role=self.role(keeper)))

    def reason(
        self, item: Item, because: str, condition: tree.Tree | None = None, label: str = ""
    ) -> Iterator[Block]:
        """Yield a reason, where its amounts and the rule are written, and its doubts."""
        segment = self.file.segment
        assert segment is not None
        yield self.packs_text(because, self.words[label] if label else "", segment)
        read = parameters_read(segment, names(condition)) if condition is not None else ()
        # The source of an amount comes first: it is what decided.
        citations = dict.fromkeys((*(segment.values[name].source for name in read), item.source))
        yield from dict.fromkeys(self.written_in(citation, segment) for citation in citations)
        if item.provisional:
            yield Text(item.provisional, self.words["doubtful"], self.pack_lang)

    def packs_text(self, text: str, label: str, segment: Segment | None) -> Text:
        """Return a text of the pack in the letter's language, or in English if it has no other."""
        translated = translate_text(self.file.pack, text, self.lang)
        if translated is None:
            return Text(fill_in(segment, text), label, self.pack_lang)
        return Text(fill_in(segment, translated), label)

    def written_in(self, citation: Citation, segment: Segment) -> Text:
        """Return where the rule is written: its source, if that is a primary document.

        A secondary source, such as a magazine, binds no agency. The program's own rules do.
        """
        source = self.file.pack.sources[citation.id]
        label = self.words["where"]
        if source.confidence == "high":
            at = f", {citation.at}" if citation.at else ""
            return Text(f"{source.title}{at}", label, self.pack_lang)
        day = self.day(segment.day)
        return Text(self.say("own_rules", program=self.file.pack.title, day=day), label)

    def may_give(self, reason: Reason) -> bool:
        """Return True if the reason's condition reads only what a letter may hold."""
        return all(category in ALLOWED for category, _ in self.basis(reason))

    def keeper(self, reason: Reason) -> str:
        """Return the role that knows what a withheld reason rests on."""
        return next(role for category, role in self.basis(reason) if category not in ALLOWED)

    def basis(self, reason: Reason) -> Iterator[tuple[str, str]]:
        """Yield the category and the role of everything that the reason's condition reads."""
        decisions = self.file.pack.vocabulary.decisions
        for condition in self.conditions(reason):
            for fact in tree.facts_read(condition).values():
                yield fact.category, fact.known_by
            for part in tree.nodes(condition):
                if isinstance(part, tree.OutcomeOf):
                    shared = decisions.get(part.decision)
                    if shared is not None and shared.reads_criminal_history:
                        yield "criminal_history", self.file.pack.decisions[part.decision].decided_by

    def conditions(self, reason: Reason) -> list[tree.Tree]:
        """Return the conditions that the reason rests on."""
        if isinstance(reason, Exemption):
            return [reason.when]
        if isinstance(reason, RuleInForce):
            return [reason.condition]
        if reason == ATTESTED or self.file.in_force is None:
            return []
        return [rule.condition for rule in self.file.in_force.rules]

    # What now

    def missing(self) -> Iterator[Block]:
        """Yield the open questions and the agency that can answer each."""
        questions = [question for question in self.file.needed if question.text]
        for question in questions[:_MOST_QUESTIONS]:
            role = self.role(question.known_by)
            if question.category in ALLOWED:
                asks = self.say("ask", role=role)
                yield self.packs_text(question.text, asks, self.file.segment)
            else:
                yield Text(self.say("ask_withheld", role=role))

    def next_steps(self) -> Iterator[Block]:
        """Return a sentence to the person for each outcome. The pack's steps are for agencies."""
        if not self.file.is_decided:
            yield Text(self.say("next_undetermined", role=self.decider))
            return
        sentences = self.words["next_steps"].get(self.file.decision.name, {})
        steps = [
            sentences[outcome]
            for outcome in self.file.outcomes
            if outcome in sentences and self.may_name(outcome)
        ]
        for step in dict.fromkeys(steps):
            yield Text(step)
        if not steps:
            yield Text(self.say("no_step", role=self.decider))

    def review(self) -> Iterator[Block]:
        """Yield which agency to ask for a review, and by when."""
        reviewers = dict.fromkeys(
            reviewer for reviewer in map(self.reviewer, self.file.reasons) if reviewer
        )
        for reviewer in reviewers:
            yield Text(self.say("reviewer", role=self.role(reviewer)))
        if not reviewers:
            yield Text(self.say("no_reviewer", role=self.decider))
        reply_by = self.letterhead.reply_by
        yield Text(self.day(reply_by) if reply_by else BLANK, self.words["head"]["reply_by"])

    def reviewer(self, reason: Reason) -> str | None:
        """Return the role that may review the reason."""
        if isinstance(reason, RuleInForce):
            return reason.rule.reviewable_by
        if reason == OTHERWISE and self.file.in_force is not None:
            return self.file.in_force.otherwise.reviewable_by
        return None

    # Words

    def say(self, key: str, **parts: str) -> str:
        """Return a fixed sentence with its parts filled in."""
        text: str = self.words[key]
        role = parts.get("role", "")
        return text.format(**parts, Role=role[:1].upper() + role[1:])

    def role(self, role: str) -> str:
        """Return the word for a role."""
        noun: str = self.words["roles"][role]
        return noun

    def day(self, day: date) -> str:
        if self.lang == "es":
            return spoken_day(day, "es")
        return format_day(day)
