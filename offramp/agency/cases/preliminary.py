"""What the rules say of a person before a referral is signed, on what its form states. Pure.

The officer sees the answers of the pack's own decisions at the scene, the one on the offer, and the
one on entry as far as the form decides it. A bar is not an answer of the program: its own decision
may know more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from offramp.agency.cases.case import Case
from rules.author.translation import translate_text
from rules.decide.program import Program
from rules.decide.wording import fill_in
from rules.errors import Refusal
from rules.frozen import frozen
from rules.packs.pack import Pack
from rules.packs.resolve import Segment

# The decisions that a referral is for, with the outcomes that don't stand in its way.
_OPEN: Mapping[str, tuple[str, ...]] = {
    "offer": ("may_offer", "must_offer"),
    "eligibility": ("eligible",),
}


@frozen
class InLanguages:
    """A sentence in English, and in Spanish if the pack has it."""

    english: str
    spanish: str | None

    def text(self, language: str) -> str:
        """Return the sentence in a language, in English if it has no translation."""
        return self.spanish if language == "es" and self.spanish else self.english


@frozen
class Missing:
    """A fact that the answer lacks: its path, the role to ask, and the question."""

    path: str
    ask: str
    question: InLanguages


@frozen
class Preliminary:
    """The rules' answer on one decision before a referral.

    `outcome` is None if it isn't decided, and `possible` has the outcomes left. `reasons` are the
    sentences of the rules that decided. `refusal` says why the rules can't answer. `asks` is the
    question of a decision of the pack's own, which bars nothing by itself.
    """

    decision: str
    outcome: str | None
    possible: tuple[str, ...]
    reasons: tuple[InLanguages, ...] = ()
    missing: tuple[Missing, ...] = ()
    refusal: str | None = None
    asks: InLanguages | None = None

    @property
    def bars(self) -> bool:
        """True if the rules say that the person can't be offered the program or enter it."""
        if self.outcome is None or self.asks is not None:
            return False
        return self.outcome not in _OPEN[self.decision]

    @property
    def needs_prosecutor(self) -> bool:
        """True if the prosecutor has to answer first."""
        return any(missing.ask == "prosecutor" for missing in self.missing)

    def as_json(self) -> dict[str, Any]:
        """Return the answer's JSON in a preview."""
        return {
            "decision": self.decision,
            "outcome": self.outcome,
            "possible": list(self.possible),
            "bars": self.bars,
            "because": [reason.english for reason in self.reasons],
            "needed": [{"fact": each.path, "ask": each.ask} for each in self.missing],
            "refused": self.refusal,
        }


def preliminary_answers(
    program: Program, known: Case, stated: Mapping[str, Any], now: str
) -> tuple[Preliminary, ...]:
    """Return what the rules say on the known facts of a case and those that a form states.

    `now` is a UTC time.
    """
    pack = program.pack
    own = (
        replace(_answer(program, known, name, stated, now), asks=_question(pack, name))
        for name in pack.scene_decisions
    )
    shared = (
        _answer(program, known, name, stated, now) for name in _OPEN if name in pack.decisions
    )
    return (*own, *shared)


def _question(pack: Pack, decision: str) -> InLanguages:
    asks = pack.decisions[decision].asks
    return InLanguages(asks, translate_text(pack, asks, "es"))


def _answer(
    program: Program, known: Case, decision: str, stated: Mapping[str, Any], now: str
) -> Preliminary:
    try:
        answer = known.decide(program, decision, now, stated)
    except Refusal as refusal:
        return Preliminary(decision, None, (), refusal=refusal.message)
    outcome = answer.outcome if isinstance(answer.outcome, str) else None
    return Preliminary(
        decision,
        outcome,
        tuple(answer.possible),
        tuple(because_in_languages(program.pack, decision, reason) for reason in answer.reasons),
        tuple(_missing(program, need) for need in answer.needed) if outcome is None else (),
    )


def because_in_languages(
    pack: Pack, decision: str, reason: Mapping[str, Any], segment: Segment | None = None
) -> InLanguages:
    """Return a reason's text. Its Spanish is that of the rule, with the values of a segment."""
    rules = pack.decisions[decision]
    rule = rules.rules.get(str(reason["rule"])) or rules.otherwise
    spanish = translate_text(pack, rule.because, "es")
    if spanish and segment is not None:
        spanish = fill_in(segment, spanish)
    return InLanguages(str(reason["text"]), spanish if spanish and "{" not in spanish else None)


def _missing(program: Program, need: Mapping[str, Any]) -> Missing:
    question = str(need["question"])
    spanish = translate_text(program.pack, question, "es")
    return Missing(str(need["fact"]), str(need["ask"]), InLanguages(question, spanish))
