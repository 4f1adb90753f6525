"""A decision file, as `offramp decide --json` prints it, checked against the pack that decided.

INVARIANT: the file is trusted for names only (pack, day, decision, outcome, rules, questions).
Every value taken from it is one of the pack's own names, so no file can put words into a letter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NoReturn

from rules.decide.program import Program
from rules.decide.ruling import NOT_PART
from rules.errors import FactsError, Place, RequestError
from rules.input.printing import printable
from rules.input.values import iso_day
from rules.packs.pack import Decision, Exemption, Pack
from rules.packs.resolve import DecisionInForce, RuleInForce, Segment, resolve
from rules.shelf import read_pack, shipped

_LONGEST_LIST = 1000
_LONGEST_PATH = 200
ATTESTED = "attested"
OTHERWISE = "otherwise"

# A rule, an exception that lifted one, or `attested` or `otherwise`.
Reason = RuleInForce | Exemption | str


@dataclass(frozen=True)
class Question:
    """A question that is still open, the role that can answer it, and the answer's category."""

    text: str
    known_by: str
    category: str


@dataclass(frozen=True)
class DecisionFile:
    """The names in a decision file. `segment` and `in_force` are None if it gives no day."""

    program: Program
    decision: Decision
    segment: Segment | None
    in_force: DecisionInForce | None
    is_decided: bool
    outcomes: tuple[str, ...]
    possible: tuple[str, ...]
    reasons: tuple[Reason, ...]
    needed: tuple[Question, ...]

    @property
    def pack(self) -> Pack:
        """The pack that decided."""
        return self.program.pack


def read_decision(content: Any, by: Program | str | None) -> DecisionFile:
    """Check the content of a decision file; `by` is the program that decided, or its folder.

    Without `by`, the shipped pack of the id in the file is used. Raises `FactsError` if the content
    is no such decision, and `RequestError` if it is by another pack or about no person.
    """
    if not isinstance(content, dict):
        _refuse("the decision is no JSON object", None)
    about = content.get("pack")
    if (
        not isinstance(about, dict)
        or not isinstance(about.get("id"), str)
        or not isinstance(about.get("digest"), str)
    ):
        _refuse("the decision names no pack with `id` and `digest`", "pack")
    program = _program(about["id"], about["digest"], by)
    decision = _decision(program.pack, content)
    segment = _segment(program, about.get("as_of"))
    in_force = segment.decisions[decision.name] if segment else None
    status = _one_of(content.get("status"), ("decided", "undetermined"), "status")
    is_decided = status == "decided"
    outcomes = _outcomes(content.get("outcome"), decision, "outcome")
    possible = _outcomes(_list(content.get("possible"), "possible"), decision, "possible")
    _refuse_contradiction(decision, outcomes, possible, is_decided=is_decided)
    return DecisionFile(
        program,
        decision,
        segment,
        in_force,
        is_decided,
        outcomes,
        possible,
        tuple(
            _reason(entry, f"reasons[{index}]", in_force, outcomes or possible)
            for index, entry in enumerate(_list(content.get("reasons"), "reasons"))
        ),
        tuple(
            _question(entry, f"needed[{index}]", program.pack)
            for index, entry in enumerate(_list(content.get("needed"), "needed"))
        ),
    )


def _program(name: str, digest: str, by: Program | str | None) -> Program:
    if by is None and name not in shipped():
        raise RequestError(
            "other-pack",
            f"the decision is by `{printable(name)}`, which is no shipped pack",
            fix="name the pack with `--pack FOLDER`",
        )
    program = by if isinstance(by, Program) else Program(read_pack(by or name))
    if (program.pack.id, program.digest) != (name, digest):
        raise RequestError(
            "other-pack",
            f"the decision is not by this version of `{program.pack.id}`",
            fix="name the pack that decided with `--pack FOLDER`, or decide again",
        )
    return program


def _decision(pack: Pack, content: dict[str, Any]) -> Decision:
    names = (*pack.vocabulary.decisions, *pack.decisions)
    name = _one_of(content.get("decision"), names, "decision")
    if name == "disclosure" or content.get("outcome") == NOT_PART:
        raise RequestError(
            "no-letter",
            f"`{name}` of `{pack.id}` decides nothing about a person",
            fix="write about `offer`, `eligibility`, `admission`, or another such decision",
        )
    if name not in pack.decisions:
        _refuse(f"`{pack.id}` has no decision `{name}`", "decision")
    return pack.decisions[name]


def _segment(program: Program, as_of: Any) -> Segment | None:
    if as_of is None:
        return None
    day = iso_day(as_of) if isinstance(as_of, str) else None
    if day is None:
        _refuse("the day of the decision's rules is no day", "pack.as_of")
    program.refuse_day_outside(day, "pack.as_of")
    return resolve(program.pack, day)


def _outcomes(value: Any, decision: Decision, at: str) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(_one_of(outcome, decision.outcomes, at) for outcome in _list(values, at))


def _refuse_contradiction(
    decision: Decision,
    outcomes: tuple[str, ...],
    possible: tuple[str, ...],
    *,
    is_decided: bool,
) -> None:
    fits = bool(outcomes) if is_decided else bool(possible) and (decision.collect or not outcomes)
    if not fits or (len(outcomes) > 1 and not decision.collect):
        _refuse("the decision's `status`, `outcome`, and `possible` don't fit together", "outcome")


def _reason(
    value: Any, at: str, in_force: DecisionInForce | None, outcomes: tuple[str, ...]
) -> Reason:
    if not isinstance(value, dict) or not isinstance(value.get("rule"), str):
        _refuse("a reason names no rule", at)
    name = value["rule"]
    if name == ATTESTED:
        return ATTESTED
    if in_force is None:
        _refuse("a reason has no day of its rules", at)
    if name == OTHERWISE and "lifts" not in value:
        return OTHERWISE
    rules = {rule.rule.id: rule for rule in in_force.rules}
    if "lifts" in value:
        lifted = rules[_one_of(value["lifts"], rules, f"{at}.lifts")]
        exemptions = {exemption.id: exemption for exemption in lifted.unless}
        return exemptions[_one_of(name, exemptions, f"{at}.rule")]
    rule = rules[_one_of(name, rules, f"{at}.rule")]
    if rule.rule.then not in outcomes:
        _refuse(f"the rule `{name}` doesn't give that outcome", at)
    return rule


def _question(value: Any, at: str, pack: Pack) -> Question:
    """Read an open question; for a decision, its decider answers, with its outcome's category."""
    path = value.get("fact") if isinstance(value, dict) else None
    if not isinstance(path, str) or len(path) > _LONGEST_PATH:
        _refuse("an open question names no fact", at)
    if path == "as_of":
        return Question("", "hub", "")
    name = path.removeprefix("decisions.")
    if name != path and name in pack.decisions:
        decision = pack.decisions[name]
        return Question(decision.asks, decision.decided_by, "decision_outcome")
    facts = pack.vocabulary.facts
    plain_path = "".join(
        part.partition("]")[2] if index else part for index, part in enumerate(path.split("["))
    )
    above, _, field = plain_path.rpartition(".")
    fact = facts.get(plain_path) or (facts[above].fields.get(field) if above in facts else None)
    if fact is None:
        _refuse(f"`{printable(path)}` is no fact that the pack knows", at)
    return Question(fact.question, fact.known_by, fact.category)


def _one_of(value: Any, names: Iterable[str], at: str) -> str:
    if not isinstance(value, str) or value not in names:
        quoted = f"`{printable(value)}`" if isinstance(value, str) else "the value"
        _refuse(f"{quoted} is no `{at.partition('[')[0]}` that the pack knows", at)
    return value


def _list(value: Any, at: str) -> list[Any]:
    if not isinstance(value, list) or len(value) > _LONGEST_LIST:
        _refuse(f"`{at}` is no list of at most {_LONGEST_LIST}", at)
    return value


def _refuse(message: str, at: str | None) -> NoReturn:
    raise FactsError(
        "not-a-decision",
        message,
        at=Place(path=at),
        fix="give a decision as `offramp decide … --json` prints it for one pack",
    )
