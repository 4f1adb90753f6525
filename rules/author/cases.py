"""Run a pack's cases: questions whose answers were written down from the sources of law.

A scenario shows what the rules do. A case shows what the law says, and its author reads the
sources and not the rules. So cases are in a file of their own, `cases.yaml`, and count toward no
coverage. `undetermined` is a wrong answer where the sources decide.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from rules.author.scenarios import own_id, read_case_facts
from rules.decide.decision import Decision
from rules.decide.program import Program
from rules.errors import PackError, Place, Refusal, RequestError, nearest
from rules.frozen import frozen
from rules.input import keys
from rules.input.printing import printable
from rules.input.values import iso_day, read_instant
from rules.input.yaml import Node, read_file
from rules.packs.faults import Faults

FILE = "cases.yaml"
UNDETERMINED = "undetermined"
OUTSIDE = "outside-program"  # the program did not run on that day
_NO_PART = "not_part_of_this_program"
_ENCOUNTER_DATE, _NOW = "encounter.date", "now"


@frozen
class CaseSource:
    """Where the answer of a case is written."""

    cite: str
    at: str
    address: str | None = None

    def __str__(self) -> str:
        return f"{self.cite}, {self.at}"

    def as_json(self) -> dict[str, str | None]:
        """Return the source's JSON in `offramp test`."""
        return {"cite": self.cite, "at": self.at, "address": self.address}


@frozen
class Case:
    """A case with the answers that its source allows. `unchecked` is what nobody looked up."""

    id: str
    decision: str
    day: date
    facts: Mapping[str, Any]
    expect: tuple[str, ...]
    source: CaseSource
    why: str
    unchecked: str | None
    place: Place


@frozen
class WrongCase:
    """A case with another answer than its source gives. `needed` are the facts asked for."""

    case: Case
    answer: str
    needed: tuple[str, ...]


@frozen
class CaseReport:
    """The result of a pack's cases: their number, and those answered wrongly."""

    cases: int
    wrong: tuple[WrongCase, ...]


def read_cases(folder: Path) -> list[Case]:
    """Read `cases.yaml` beside the pack. Raises `PackError`."""
    nodes = read_file(folder / FILE, f"{folder.resolve().name}/{FILE}").items("the cases")
    facts_by_id: dict[str, dict[str, Any]] = {}
    cases: list[Case] = []
    faults = Faults()
    for node in nodes:
        with faults.collect(*own_id(node)):
            cases.append(_read_case(node, facts_by_id))
    faults.raise_all()
    return cases


def _read_case(node: Node, facts_by_id: dict[str, dict[str, Any]]) -> Case:
    """Read one case. `facts_by_id` has the facts of those above it, and gets its own."""
    fields = node.mapping("a case", keys.CASE.names, keys.CASE.required)
    name = fields["id"].text("`id`")
    if name in facts_by_id:
        fields["id"].fail("duplicate-id", f"the case `{name}` appears twice", "choose another id")
    facts = read_case_facts(name, fields, facts_by_id, "case")
    expect = tuple(answer.text("an answer") for answer in fields["expect"].items("`expect`"))
    if not expect:
        fields["expect"].fail(
            "missing-key", f"the case `{name}` expects nothing", "write the answer of its source"
        )
    return Case(
        id=name,
        decision=fields["decision"].text("`decision`"),
        day=_read_day(fields["day"]),
        facts=facts,
        expect=expect,
        source=_read_source(fields["source"], name),
        why=" ".join(fields["why"].text("`why`").split()),
        unchecked=fields["unchecked"].text("`unchecked`") if "unchecked" in fields else None,
        place=node.place,
    )


def _read_day(node: Node) -> date:
    text = node.text("`day`")
    day = iso_day(text)
    if day is None:
        node.fail("no-such-day", f"`{printable(text)}` is not a day", "write it as 2014-04-01")
    return day


def _read_source(node: Node, name: str) -> CaseSource:
    subject = f"the source of the case `{name}`"
    fields = node.mapping(subject, keys.CASE_SOURCE.names, keys.CASE_SOURCE.required)
    return CaseSource(
        fields["cite"].text("`cite`"),
        fields["at"].text("`at`"),
        fields["address"].text("`address`") if "address" in fields else None,
    )


def refuse_bad_case(program: Program, case: Case) -> None:
    """Refuse facts that no case can have, and an answer that the decision can't have.

    Raises `PackError`.
    """
    try:
        program.read(_facts_of(program, case))
        answers = (*program.outcomes(case.decision), UNDETERMINED, _NO_PART, OUTSIDE)
    except PackError:
        raise
    except Refusal as refusal:
        message = f"the case `{case.id}` can't be decided: {refusal.message}"
        raise PackError(refusal.code, message, at=case.place, fix=refusal.fix) from None
    for answer in case.expect:
        if answer not in answers:
            raise PackError(
                "unknown-word",
                f"the case `{case.id}` expects `{printable(answer)}`, which is no answer of "
                f"`{case.decision}`",
                at=case.place,
                fix=nearest(printable(answer), answers),
            )


def run_cases(program: Program, cases: list[Case]) -> CaseReport:
    """Decide every case. `program` must have no `as_of` of its own. Raises `PackError`."""
    faults = Faults()
    for case in cases:
        with faults.collect():
            refuse_bad_case(program, case)
    faults.raise_all()
    answers = ((case, *_answer(program, case)) for case in cases)
    return CaseReport(
        len(cases),
        tuple(
            WrongCase(case, ", ".join(given) or "nothing sure yet", needed)
            for case, given, needed in answers
            if not set(given) & set(case.expect)
        ),
    )


def _answer(program: Program, case: Case) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the answers to a case, and the facts that it lacks.

    A decision that collects has as many answers as outcomes that surely apply.
    """
    facts = _facts_of(program, case)
    try:
        dated = program if _governed_by(program, case) in _FILLED else program.on(case.day)
        decision: Decision = dated.decide(case.decision, facts)
        outcome, needed = decision.outcome, tuple(entry["fact"] for entry in decision.needed)
    except RequestError as refusal:
        if refusal.code != OUTSIDE:
            raise
        return (OUTSIDE,), ()
    if isinstance(outcome, list):
        return tuple(outcome), needed
    return (outcome or UNDETERMINED,), needed


_FILLED = (_ENCOUNTER_DATE, _NOW)


def _governed_by(program: Program, case: Case) -> str:
    """Return the fact that selects the day whose rules apply."""
    pack = program.pack
    terms = pack.decisions.get(case.decision) or pack.vocabulary.decisions.get(case.decision)
    return terms.governed_by if terms is not None else ""


def _facts_of(program: Program, case: Case) -> dict[str, Any]:
    """Return the facts with the day of the case. Raises `FactsError` by the reader of facts.

    Raises `PackError` `facts-disagree` where the facts state another day.
    """
    facts = dict(case.facts)
    governed_by = _governed_by(program, case)
    if governed_by == _ENCOUNTER_DATE:
        encounter = facts.get("encounter", {})
        if isinstance(encounter, dict):
            given = encounter.get("date", case.day.isoformat())
            facts["encounter"] = {**encounter, "date": given}
            _refuse_other_day(case, given, iso_day(given) if isinstance(given, str) else None)
    elif governed_by == _NOW:
        zone = _zone(program)
        noon = datetime.combine(case.day, time(12), zone).astimezone(UTC)
        given = facts.setdefault("now", noon.isoformat().replace("+00:00", "Z"))
        moment = read_instant(given) if isinstance(given, str) else None
        _refuse_other_day(case, given, moment.astimezone(zone).date() if moment else None)
    return facts


def _zone(program: Program) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(program.pack.time_zone)


def _refuse_other_day(case: Case, given: Any, day: date | None) -> None:
    """Refuse facts of another day. What is no day at all is for the reader of facts."""
    if day is not None and day != case.day:
        raise PackError(
            "facts-disagree",
            f"the case `{case.id}` is on {case.day}, and its facts state `{printable(given)}`",
            at=case.place,
            fix="leave the date in the facts out, or correct one of them",
        )
