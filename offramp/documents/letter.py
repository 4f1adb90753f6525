"""`offramp letter`: a decision as a letter to the person whom it is about: what, why, by which source, who can look again.

The letter trusts the decision's file for nothing but names: which pack, day, decision, outcome, rules and questions. Every
sentence comes from the pack of that very digest, or from `jurisdictions/letter.yaml`, so that no file can put words into it.

A letter lies on a table where others read it. It holds what is of `TOLD` categories; of a reason that rests on anything else it
says that there is one, and whom to ask (docs/decisions/0024-letters.md).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, NoReturn

from offramp.documents.document import (
    Block,
    Bullets,
    Document,
    Heading,
    Text,
    as_html,
    as_json,
    passages,
    plain_text,
)
from offramp.policy.input_files import read_json
from rules.decide.program import Program
from rules.decide.ruling import NOT_PART
from rules.decide.wording import fill_in
from rules.errors import FactsError, Place, RequestError
from rules.input.facts import iso_day, printable
from rules.input.yaml import read_file
from rules.language import tree
from rules.packs.pack import Citation, Exemption, Item
from rules.packs.resolve import DecisionInForce, RuleInForce, Segment, resolve
from rules.shelf import jurisdictions, read_pack, shipped

WIDTH = 80
TOLD = frozenset(
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
_MONTHS = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio",
    "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
)  # fmt: skip


def letter(options: argparse.Namespace) -> int:
    if options.html and options.json:
        raise RequestError(
            "usage", "a document is HTML or JSON, not both", fix="leave one of them out"
        )
    given = read_json(options.decision, "the contents of the decision")
    document = written(given, options.lang, options.pack)
    if options.html:
        print(as_html(document), end="")
    elif options.json:
        print(json.dumps(as_json(document), indent=2, ensure_ascii=False))
    else:
        print(plain_text(document, WIDTH))
    return 0


@lru_cache(maxsize=1)
def fixed() -> Mapping[str, Mapping[str, Any]]:
    """The letters' fixed wording by language."""
    found: dict[str, Mapping[str, Any]] = read_file(jurisdictions() / "letter.yaml").data()
    return found


def written(given: Any, lang: str = "en", by: Program | str | None = None) -> Document:
    """The letter about a decision as `offramp decide --json` prints it, `lang` one of `fixed()`; `by` the program that decided,
    or its folder, else the shipped one of the id that the decision names.

    Raises `FactsError` for what is no such decision, `RequestError` for one of another pack or one that nobody writes about.
    """
    return Document(*_Letter(_Read(given, by), lang).made())


class _Read:
    """The decision's file, held against the pack: whatever is taken from it is one of the pack's own names."""

    def __init__(self, given: Any, by: Program | str | None) -> None:
        if not isinstance(given, dict):
            _refuse("the decision is no JSON object", None)
        about = given.get("pack")
        if (
            not isinstance(about, dict)
            or not isinstance(about.get("id"), str)
            or not isinstance(about.get("digest"), str)
        ):
            _refuse("the decision names no pack with `id` and `digest`", "pack")
        self.program = _program_of(about["id"], about["digest"], by)
        self.pack = self.program.pack
        self.decision = self.one_of(
            given.get("decision"),
            tuple(self.pack.vocabulary.decisions) + tuple(self.pack.decisions),
            "decision",
        )
        if self.decision == "disclosure" or given.get("outcome") == NOT_PART:
            raise RequestError(
                "no-letter",
                f"`{self.decision}` of `{self.pack.id}` decides nothing about a person",
                fix="write about `offer`, `eligibility`, `admission` or another decision of the program",
            )
        if self.decision not in self.pack.decisions:
            _refuse(f"`{self.pack.id}` has no decision `{self.decision}`", "decision")
        self.declared = self.pack.decisions[self.decision]
        self.segment = self.on(about.get("as_of"))
        self.in_force: DecisionInForce | None = (
            self.segment.decisions[self.decision] if self.segment else None
        )
        self.decided = (
            self.one_of(given.get("status"), ("decided", "undetermined"), "status") == "decided"
        )
        outcomes = given.get("outcome")
        listed = outcomes if isinstance(outcomes, list) else [] if outcomes is None else [outcomes]
        self.outcomes = [
            self.one_of(one, self.declared.outcomes, "outcome")
            for one in self.few(listed, "outcome")
        ]
        self.possible = [
            self.one_of(one, self.declared.outcomes, "possible")
            for one in self.few(given.get("possible"), "possible")
        ]
        fits = (
            bool(self.outcomes)
            if self.decided
            else bool(self.possible) and (self.declared.collect or not self.outcomes)
        )
        if not fits or (len(self.outcomes) > 1 and not self.declared.collect):
            _refuse(
                "`status`, `outcome` and `possible` of the decision don't fit together", "outcome"
            )
        self.reasons = [
            self.reason(one, f"reasons[{index}]")
            for index, one in enumerate(self.few(given.get("reasons"), "reasons"))
        ]
        self.needed = [
            self.question(one, f"needed[{index}]")
            for index, one in enumerate(self.few(given.get("needed"), "needed"))
        ]

    def on(self, as_of: Any) -> Segment | None:
        if as_of is None:
            return None
        at = iso_day(as_of) if isinstance(as_of, str) else None
        if at is None:
            _refuse("the day of the decision's rules is no day", "pack.as_of")
        self.program.refuse_day_outside(at, "pack.as_of")
        return resolve(self.pack, at)

    def one_of(self, value: Any, known: Iterable[str], at: str) -> str:
        if not isinstance(value, str) or value not in known:
            shown = f"`{printable(value)}`" if isinstance(value, str) else "what stands there"
            _refuse(f"{shown} is no `{at.partition('[')[0]}` that the pack knows", at)
        return value

    def few(self, value: Any, at: str) -> list[Any]:
        if not isinstance(value, list) or len(value) > 1000:
            _refuse(f"`{at}` is no list of at most 1000", at)
        return value

    def reason(self, value: Any, at: str) -> RuleInForce | Exemption | str:
        """The rule, the exception, or `otherwise` or `attested`."""
        if not isinstance(value, dict) or not isinstance(value.get("rule"), str):
            _refuse("a reason names no rule", at)
        name = value["rule"]
        if name == "attested":
            return "attested"
        if self.in_force is None:
            _refuse("a reason stands without the day of its rules", at)
        if name == "otherwise" and "lifts" not in value:
            return "otherwise"
        rules = {one.rule.id: one for one in self.in_force.rules}
        if "lifts" in value:
            lifted = rules[self.one_of(value["lifts"], rules, f"{at}.lifts")]
            exceptions = {one.id: one for one in lifted.unless}
            return exceptions[self.one_of(name, exceptions, f"{at}.rule")]
        rule = rules[self.one_of(name, rules, f"{at}.rule")]
        if rule.rule.then not in (self.outcomes or self.possible):
            _refuse(f"the rule `{name}` doesn't give that outcome", at)
        return rule

    def question(self, value: Any, at: str) -> tuple[str, str, str]:
        """What is asked, of whom, and its category (for a decision that is asked of its decider, its outcome's)."""
        path = value.get("fact") if isinstance(value, dict) else None
        if not isinstance(path, str) or len(path) > 200:
            _refuse("what is needed names no fact", at)
        if path == "as_of":
            return "", "hub", ""
        name = path.removeprefix("decisions.")
        if name != path and name in self.pack.decisions:
            declared = self.pack.decisions[name]
            return declared.asks, declared.decided_by, "decision_outcome"
        facts = self.pack.vocabulary.facts
        plain = "".join(
            part.partition("]")[2] if index else part for index, part in enumerate(path.split("["))
        )
        above, _, field = plain.rpartition(".")
        fact = facts.get(plain) or (facts[above].fields.get(field) if above in facts else None)
        if fact is None:
            _refuse(f"`{printable(path)}` is no fact that the pack knows", at)
        return fact.question, fact.known_by, fact.category


def _program_of(name: str, digest: str, by: Program | str | None) -> Program:
    if by is None and name not in shipped():
        fix = "name the pack with `--pack FOLDER`"
        raise RequestError(
            "other-pack",
            f"the decision is by `{printable(name)}`, which is no shipped pack",
            fix=fix,
        )
    program = by if isinstance(by, Program) else Program(read_pack(by or name))
    if (program.pack.id, program.digest) != (name, digest):
        raise RequestError(
            "other-pack",
            f"the decision is not by `{program.pack.id}` as it stands here",
            fix="take the pack that decided, with `--pack FOLDER`, or decide again",
        )
    return program


def _refuse(message: str, at: str | None) -> NoReturn:
    raise FactsError(
        "not-a-decision",
        message,
        at=Place(path=at),
        fix="give what `offramp decide … --json` prints for one pack",
    )


class _Letter:
    def __init__(self, read: _Read, lang: str) -> None:
        self.read = read
        self.lang = lang
        self.words = fixed()[lang]
        self.pack_lang = None if lang == "en" else "en"  # packs are written in English

    def made(self) -> tuple[str, str, tuple[Block, ...], str]:
        title = self.say("title", program=self.read.pack.title)
        return title, self.lang, (Heading(1, title, "title"), *self.blocks()), "letter"

    def blocks(self) -> Iterator[Block]:
        read, decider = self.read, self.read.declared.decided_by
        if read.segment:
            yield Text(self.say("opening", program=read.pack.title, day=self.day(read.segment.day)))
        else:
            yield Text(self.say("opening_without_day", program=read.pack.title))
        yield Text(self.say("human", role=self.role(decider)))
        if self.words["foreign"]:
            yield Text(self.words["foreign"])
        yield Heading(2, self.words["answer"], "answer")
        yield from self.answer()
        if read.reasons:
            yield Heading(2, self.words["why"], "why")
            yield from self.why()
        if read.needed:
            yield Heading(2, self.words["missing"], "missing")
            yield from self.missing()
        yield Heading(2, self.words["next"], "next")
        yield from self.next()
        yield Heading(2, self.words["again"], "again")
        reviewers = dict.fromkeys(one for one in map(self.reviewer, read.reasons) if one)
        yield from (Text(self.say("reviewer", role=self.role(one))) for one in reviewers)
        if not reviewers:
            yield Text(self.say("no_reviewer", role=self.role(decider)))
        yield Heading(2, self.words["do"], "do")
        yield Bullets(
            passages(one.format(role=self.role(decider)) for one in self.words["actions"])
        )
        shown = [
            one.rule.id
            if isinstance(one, RuleInForce)
            else one.id
            if isinstance(one, Exemption)
            else one
            for one in read.reasons
        ]
        if not all(self.told(one) for one in read.reasons):
            shown = []
        digest = read.program.digest
        yield Text(
            self.say(
                "kept",
                pack=read.pack.id,
                rules=", ".join(dict.fromkeys(shown)) or "–",
                digest=digest,
            )
        )

    # What the answer is

    def answer(self) -> Iterator[Block]:
        read = self.read
        sure = [one for one in read.outcomes if self.outcome_told(one)]
        yield from (self.outcome(one) for one in sure)
        if len(sure) < len(read.outcomes):
            yield Text(self.words["step_withheld"])
        if not read.decided:
            yield Text(self.words["undetermined"])
            perhaps = [
                one for one in read.possible if one not in read.outcomes and self.outcome_told(one)
            ]
            if perhaps:
                yield Text(self.words["possible"])
                yield from map(self.outcome, perhaps)

    def outcome(self, outcome: str) -> Text:
        known = self.words["outcomes"].get(self.read.decision, {}).get(outcome)
        if known is not None:
            return Text(known)
        return Text(
            f"{self.read.declared.asks} {outcome.replace('_', ' ')}",
            self.words["own"],
            self.pack_lang,
        )

    def outcome_told(self, outcome: str) -> bool:
        word = self.read.pack.vocabulary.decisions.get(self.read.decision)
        return word is None or word.categories.get(outcome, "decision_outcome") in TOLD

    # Why

    def why(self) -> Iterator[Block]:
        keepers = []
        for one in self.read.reasons:
            if one == "attested":
                yield Text(self.say("attested", role=self.role(self.read.declared.decided_by)))
            elif not self.told(one):
                keepers.append(self.keeper(one))
            elif isinstance(one, Exemption):
                yield from self.reason(one, one.because, "lifted")
            elif isinstance(one, RuleInForce):
                yield from self.reason(one.rule, one.rule.because)
            elif self.read.in_force is not None:
                yield from self.reason(
                    self.read.in_force.otherwise, self.read.in_force.otherwise.because
                )
        yield from (
            Text(self.say("withheld", role=self.role(one))) for one in dict.fromkeys(keepers)
        )

    def reason(self, item: Item, because: str, lead: str = "") -> Iterator[Block]:
        assert self.read.segment is not None
        said = fill_in(self.read.segment, because)
        yield Text(said, self.words[lead] if lead else "", self.pack_lang)
        yield Text(self.cited(item.source), self.words["where"], self.pack_lang)
        if item.provisional:
            yield Text(item.provisional, self.words["doubtful"], self.pack_lang)

    def told(self, reason: RuleInForce | Exemption | str) -> bool:
        """Whether the reason's wording tells nothing but what a letter may hold: its condition reads nothing else."""
        return self.categories(reason) <= TOLD

    def categories(self, reason: RuleInForce | Exemption | str) -> set[str]:
        return {
            fact.category
            for condition in self.conditions(reason)
            for fact in tree.facts_read(condition).values()
        }

    def conditions(self, reason: RuleInForce | Exemption | str) -> list[tree.Tree]:
        if isinstance(reason, Exemption):
            return [reason.when]
        if isinstance(reason, RuleInForce):
            return [reason.condition]
        if reason == "attested" or self.read.in_force is None:
            return []
        return [one.condition for one in self.read.in_force.rules]

    def keeper(self, reason: RuleInForce | Exemption | str) -> str:
        """Who knows what the reason rests on."""
        facts = [
            fact
            for condition in self.conditions(reason)
            for fact in tree.facts_read(condition).values()
        ]
        return next(fact.known_by for fact in facts if fact.category not in TOLD)

    def reviewer(self, reason: RuleInForce | Exemption | str) -> str | None:
        if isinstance(reason, RuleInForce):
            return reason.rule.reviewable_by
        if reason == "otherwise" and self.read.in_force is not None:
            return self.read.in_force.otherwise.reviewable_by
        return None

    # What now

    def missing(self) -> Iterator[Block]:
        for question, role, category in [one for one in self.read.needed if one[0]][:20]:
            if category in TOLD:
                yield Text(question, self.say("ask", role=self.role(role)), self.pack_lang)
            else:
                yield Text(self.say("ask_withheld", role=self.role(role)))

    def next(self) -> Iterator[Block]:
        read, declared = self.read, self.read.declared
        if read.decided:
            steps = [
                declared.next[one]
                for one in read.outcomes
                if one in declared.next and self.step_told(one)
            ]
        else:
            steps = [declared.while_waiting] if declared.while_waiting else []
        steps = [one for one in steps if read.segment is None or one.in_force(read.segment.day)]
        for step in steps:
            yield Text(
                fill_in(read.segment, step.text),
                self.say("step", role=self.role(step.who)),
                self.pack_lang,
            )
        if not steps:
            yield Text(self.say("no_step", role=self.role(declared.decided_by)))

    def step_told(self, outcome: str) -> bool:
        """Whether what follows an outcome tells nothing but what its reasons may."""
        if self.read.in_force is None or not self.outcome_told(outcome):
            return False
        reasons: list[RuleInForce | str] = [
            one for one in self.read.in_force.rules if one.rule.then == outcome
        ]
        reasons += ["otherwise"] if self.read.in_force.otherwise.outcome == outcome else []
        return all(self.told(one) for one in reasons)

    # Words

    def say(self, key: str, **parts: str) -> str:
        text: str = self.words[key]
        role = parts.get("role", "")
        return text.format(**parts, Role=role[:1].upper() + role[1:])

    def role(self, role: str) -> str:
        word: str = self.words["roles"][role]
        return word

    def cited(self, citation: Citation) -> str:
        source = self.read.pack.sources[citation.id]
        return f"{source.title}{f', {citation.at}' if citation.at else ''}"

    def day(self, value: date) -> str:
        if self.lang == "es":
            return f"{value.day} de {_MONTHS[value.month - 1]} de {value.year}"
        return f"{value.day} {value:%B} {value.year}"
