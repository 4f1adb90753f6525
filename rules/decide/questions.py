"""The facts that an undetermined ruling still needs, and the roles that can supply them."""

from __future__ import annotations

from rules.decide.explain import Leaf
from rules.decide.ruling import CHARGES, Ruling, explanation, shares_needs
from rules.input.citations import reader_of
from rules.input.vocabulary import Fact

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


APPROVAL = "approval.prosecutor"  # an offer asks for it last


@explanation
def list_needed(ruling: Ruling) -> list[dict[str, Any]]:
    """Return the questions to ask, sorted by path. Empty when decided.

    Each has `fact`, `question`, `ask` (a role), `kind`, and `rule` (the first rule that needs it).
    A fact that is known by a coarse word only has that word as `given`. So has a value that can't
    be used: a section that is not recognized, or a level against the offense table.
    If the role asks a person, `of` says which: the victim, a parent, or the person concerned.
    """
    if ruling.status == "decided":
        return []
    if ruling.segment is None:
        assert ruling.as_of_from is not None
        return [_question(ruling, Leaf(ruling.as_of_from), None)]
    questions: dict[str, dict[str, Any]] = {}
    for outcome, rules in ruling.rules_in_force.ranks:
        if outcome not in ruling.possible:
            continue
        values = [ruling.value(rule.condition) for rule in rules]
        if True in values:
            continue
        for rule, value in zip(rules, values, strict=True):
            if value is None:
                leaves = list(ruling.unknown(rule.condition).values())
                for leaf in leaves:
                    if leaf.path != APPROVAL or not _waits_for_scene(ruling, leaves):
                        _add(questions, ruling, leaf, rule.rule.id)
    return [questions[path] for path in sorted(questions)]


def _waits_for_scene(ruling: Ruling, leaves: list[Leaf]) -> bool:
    """Return True if an offer's rule still waits for the scene, before the prosecutor is asked."""
    terms = ruling.program.pack.vocabulary.decisions.get(ruling.decision)
    return terms is not None and terms.takes_if_known and len(leaves) > 1


def _add(questions: dict[str, dict[str, Any]], ruling: Ruling, leaf: Leaf, rule: str) -> None:
    questions.setdefault(leaf.path, _question(ruling, leaf, rule))
    if leaf.decision is not None and shares_needs(ruling, leaf.decision):
        for question in list_needed(ruling.case.decide(leaf.decision)):
            questions.setdefault(question["fact"], question)


def _question(ruling: Ruling, leaf: Leaf, rule: str | None) -> dict[str, Any]:
    pack = ruling.program.pack
    text, role, kind = "On what day does the question stand?", "hub", "record"
    fact: Fact | None = None
    if leaf.decision is not None:
        declared = pack.decisions[leaf.decision]
        text, role, kind = declared.asks, declared.decided_by, "decision"
    elif (fact := leaf.fact or pack.vocabulary.facts.get(leaf.path)) is not None:
        text, role, kind = fact.question, fact.known_by, fact.kind
    person = None if leaf.decision is not None or fact is None else fact.asks
    question: dict[str, Any] = {
        "fact": leaf.path,
        "question": text,
        "ask": role,
        "kind": kind,
        "rule": rule,
    }
    if person is not None:
        question["of"] = person
    if leaf.given is not None:
        return {**question, "given": leaf.given}
    given = ruling.case.given(leaf.path)
    if given is not None:
        question |= {"question": _which(ruling, leaf.path, given), "given": given}
    return question


def _which(ruling: Ruling, path: str, value: str) -> str:
    """Return the question about a charge's field that was given and can't be used."""
    name = path.rpartition(".")[2]
    if name == "code":
        reader = reader_of(ruling.program.pack.vocabulary)
        section = reader.read(value)
        elsewhere = ruling.program.law.other_state(section) if section is not None else None
        if section is not None and elsewhere is not None:
            return (
                f"Which section is meant? {section} is law of {elsewhere}. Write the section of "
                f"{ruling.program.law.state}. If {elsewhere} wants the person for it, say that the "
                "charge is under the law of another state."
            )
        meant = reader.meant(value)
        perhaps = f" Did you mean {' or '.join(meant)}?" if meant else ""
        return f"Which section is meant?{perhaps}"
    index = int(path.partition("[")[2].partition("]")[0])
    charge = ruling.case.dated.known[CHARGES][index]
    if charge["code"].section is None:
        return "Which section is meant? Write its system too: it may be one of homicide."
    day = ruling.program.as_of or ruling.case.dated.known.get("encounter.date")
    statements = ruling.program.law.stated(charge, day).get(name, ())
    stated = " or ".join(statement.value.replace("_", " ") for statement in statements)
    of_law = f"{charge['code'].section.text} is {stated} by the table"
    if name == "authority":
        of_law = f"{charge['code'].section.text} is {stated} law"
    return f"Which is right? {of_law}, and {str(value).replace('_', ' ')} was given."
