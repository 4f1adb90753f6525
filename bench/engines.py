"""Santa Fe's eligibility by our engines and by other people's, side by side: first that they agree, then what one costs.

Run it as `python bench/engines.py [--runs N]`, with `pip install -e '.[bench,durable]'`; a peer that isn't there is named and
left out. Each peer gets the rules that its own language can say, written from our tree, and must give the outcome that those
rules have by the tree walk, on every case here. They have two values and not three, so each case knows every fact.
"""

from __future__ import annotations

import argparse
import copy
import itertools
import json
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial, reduce
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from decide import alternate, repeated

import rules
from rules.decide.walk import World, possible, walk
from rules.language import tree
from rules.packs.resolve import RuleInForce

PACK, DECISION = "santa-fe", "eligibility"
CASE = Path(__file__).parent.parent / "examples" / "arrest.json"
# The facts that Santa Fe's rules read, each with what it is tried with in turn.
TRIED: dict[str, tuple[Any, ...]] = {
    "person.age": (17, 18, 40),
    "encounter.route": ("arrest", "social_contact", "community"),
    "encounter.in_area": (True, False),
    "judgment.amenable": (True, False),
    "judgment.exploits_others": (False, True),
    "approval.prosecutor": ("approved", "declined"),
    "decisions.screening": ("proceed", "stop", "attorney_to_decide"),
    "encounter.drugs": (
        [],
        [{"kind": "opioid", "grams": 3}],
        [{"kind": "opioid", "grams": 2.5}, {"kind": "opioid", "grams": 0.6}],
        [{"kind": "opioid", "grams": 1}, {"kind": "cannabis", "grams": 9}],
        [{"kind": "stimulant", "grams": 0.5}],
    ),
    "encounter.charges": (
        [],
        *(
            [{"conduct": one, "violent": False}]
            for one in ("possession", "sale", "burglary", "promoting_prostitution", "theft")
        ),
        [{"conduct": "possession", "violent": False}, {"conduct": "other", "violent": True}],
    ),
}


class CannotSay(Exception):
    """The peer's language has no word for this part of a condition."""


@dataclass
class Peer:
    """`prepare` makes of a case's facts what the peer is given (not timed), `decide` its outcome. `says` counts its rules."""

    name: str
    explains: str
    says: int
    prepare: Callable[[dict[str, Any]], Any]
    decide: Callable[[Any], str]
    reference: Callable[[dict[str, Any]], str]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=201)
    given = options.parse_args()
    arrest = json.loads(CASE.read_text())
    cases = [arrest, *variants(arrest)]
    with ExitStack() as stack:
        peers, absent = gather(stack)
        for peer in peers:
            for facts in cases:
                found, wanted = peer.decide(peer.prepare(facts)), peer.reference(facts)
                assert found == wanted, (peer.name, found, wanted, facts)
        print(
            f"Python {sys.version.split()[0]}; {len(peers)} engines give the same outcomes on {len(cases)} cases"
        )
        taken = alternate(
            [turn(partial(peer.decide, peer.prepare(arrest))) for peer in peers], given.runs
        )
    floor = next(
        (times for peer, times in zip(peers, taken, strict=True) if peer.name == ZEN), None
    )
    print(
        f"medians of {given.runs} runs, alternating; × is against {ZEN}\n"
        if floor
        else f"{ZEN} isn't here\n"
    )
    print(f"{'':44} {'µs':>9} {'×':>7}  rules  what it explains")
    for peer, times in zip(peers, taken, strict=True):
        ratio = (
            statistics.median(a / b for a, b in zip(times, floor, strict=True))
            if floor
            else float("nan")
        )
        print(
            f"{peer.name:44} {statistics.median(times) * 1e6:9.2f} {ratio:7.2f}  {peer.says:5}  {peer.explains}"
        )
    for name, why in absent:
        print(f"{name:44} left out: {why}")


def turn(work: Callable[[], Any]) -> Callable[[], float]:
    """A millisecond of the work and then another, which counts: a longer turn measures who else is on the machine, and one
    alone whoever had the turn before and filled the caches.
    """
    once = repeated(work, least=0.001)
    return lambda: (once(), once())[1]


def variants(facts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The case with each two of its facts changed, in every way."""
    for one, other in itertools.combinations(TRIED, 2):
        for first, second in itertools.product(TRIED[one], TRIED[other]):
            changed = copy.deepcopy(facts)
            put(changed, one, first)
            put(changed, other, second)
            yield changed


def put(facts: dict[str, Any], path: str, value: Any) -> None:
    *groups, last = path.split(".")
    reduce(lambda level, group: level.setdefault(group, {}), groups, facts)[last] = value


# Who takes part

ZEN = "zen-engine, bare"


def gather(stack: ExitStack) -> tuple[list[Peer], list[tuple[str, str]]]:
    peers, absent = ours(), []
    for name, make in PEERS.items():
        try:
            peers += make(stack)
        except ImportError as error:
            absent.append((name, f"{error}"))
    return peers, absent


PROGRAM = rules.load(PACK)
SEGMENT = PROGRAM.segment(PROGRAM.decide(DECISION, json.loads(CASE.read_text())).as_of).segment  # type: ignore[arg-type]
IN_FORCE = SEGMENT.decisions[DECISION]
RULES = IN_FORCE.rules
OTHERWISE = IN_FORCE.otherwise.outcome


def world(facts: dict[str, Any]) -> World:
    read = PROGRAM.read(facts)
    return World(read.known, SEGMENT.parameters, read.attested.get, lambda _: None)


def reference(said: list[RuleInForce]) -> Callable[[dict[str, Any]], str]:
    """The outcome by these rules alone: all give the same one here, and none may be unknown."""

    def outcome(facts: dict[str, Any]) -> str:
        around = world(facts)
        values = [walk(rule.condition, around) for rule in said]
        assert None not in values, facts
        return said[values.index(True)].rule.then if True in values else OTHERWISE

    return outcome


def sayable(write: Callable[[tree.Tree], Any]) -> tuple[list[RuleInForce], list[Any]]:
    """The rules that a language can say, and how."""
    said, written = [], []
    for rule in RULES:
        try:
            written.append(write(rule.condition))
        except CannotSay:
            continue
        said.append(rule)
    return said, written


def plain(facts: dict[str, Any]) -> Any:
    return facts


def ours() -> list[Peer]:
    everything = reference(list(RULES))
    several = "reasons with source, facts, doubts, exceptions; what is missing and whom to ask"

    def explained(facts: Any) -> str:
        decision = PROGRAM.decide(DECISION, facts)
        assert decision.reasons
        return str(decision.outcome)

    rows: list[tuple[str, str, Callable[[Any], Any], Callable[[Any], Any]]] = [
        ("offramp, explained", several, plain, explained),
        ("offramp, explained, facts read before", several, PROGRAM.read, explained),
        ("offramp, bare", "nothing", plain, lambda facts: PROGRAM.outcome(DECISION, facts)),
        (
            "offramp, bare, facts read before",
            "nothing",
            PROGRAM.read,
            lambda facts: PROGRAM.outcome(DECISION, facts),
        ),
        ("offramp's tree walk", "nothing", world, lambda around: possible(IN_FORCE, around)[0]),
    ]
    return [
        Peer(name, explains, len(RULES), prepare, decide, everything)
        for name, explains, prepare, decide in rows
    ]


def durable(stack: ExitStack) -> list[Peer]:
    import durable.engine  # noqa: F401  # type: ignore[import-not-found]

    from offramp.policy.second_engine import second_engine

    engine = stack.enter_context(second_engine())
    return [
        Peer(
            "durable_rules, its own process, atoms by us",
            "nothing",
            len(RULES),
            lambda facts: PROGRAM.decide(DECISION, facts),
            lambda decision: str(engine.answer(decision)[1]),
            reference(list(RULES)),
        )
    ]


def zen(_: ExitStack) -> list[Peer]:
    """One expression in a graph of three nodes, compiled when loaded; a table of the same conditions takes a tenth longer."""
    from zen import ZenEngine

    said, written = sayable(in_zen)
    outcome = f'{" or ".join(written)} ? "{said[0].rule.then}" : "{OTHERWISE}"'
    nodes = [
        {"id": "in", "name": "in", "type": "inputNode", "content": {}},
        {
            "id": "rules",
            "name": "rules",
            "type": "expressionNode",
            "content": {
                "expressions": [{"id": "o", "key": "outcome", "value": outcome}],
                "passThrough": False,
            },
        },
        {"id": "out", "name": "out", "type": "outputNode", "content": {}},
    ]
    edges = [
        {"id": f"{a}-{b}", "sourceId": a, "targetId": b, "type": "edge"}
        for a, b in (("in", "rules"), ("rules", "out"))
    ]
    engine = ZenEngine(
        {"loader": {"type": "static", "content": {"rules": {"nodes": nodes, "edges": edges}}}}
    )

    def bare(facts: Any) -> str:
        return str(engine.evaluate("rules", facts)["result"]["outcome"])

    def traced(facts: Any) -> str:
        answer = engine.evaluate("rules", facts, {"trace": True})
        assert answer["trace"]
        return str(answer["result"]["outcome"])

    trace = "what went into and came out of each node"
    return [
        Peer(ZEN, "nothing", len(said), plain, bare, reference(said)),
        Peer("zen-engine, with its trace", trace, len(said), plain, traced, reference(said)),
    ]


def cel(_: ExitStack) -> list[Peer]:
    from cel_expr_python import cel as google

    said, written = sayable(in_cel)
    dynamic = dict.fromkeys(
        ("person", "encounter", "judgment", "approval", "decisions"), google.Type.DYN
    )
    environment = google.NewEnv(variables=dynamic)
    expression = environment.compile(" || ".join(written))

    def decide(facts: dict[str, Any]) -> str:
        return said[0].rule.then if expression.eval(data=facts).value() else OTHERWISE

    def prepare(facts: dict[str, Any]) -> Any:
        return {name: facts[name] for name in dynamic}

    return [
        Peer("cel-expr-python (Google)", "nothing", len(said), prepare, decide, reference(said))
    ]


def datalogic(_: ExitStack) -> list[Peer]:
    from datalogic_py import Engine

    said, written = sayable(in_jsonlogic)
    rule = Engine().compile({"if": [{"or": written}, said[0].rule.then, OTHERWISE]})
    return [
        Peer(
            "datalogic-py (JSONLogic)",
            "nothing",
            len(said),
            plain,
            lambda facts: str(rule.evaluate(facts)),
            reference(said),
        )
    ]


def cedar(_: ExitStack) -> list[Peer]:
    import cedarpy

    said, written = sayable(in_cedar)
    forbidden = [
        f'@id("{rule.rule.id}")\nforbid (principal, action, resource) when {{ {condition} }};'
        for rule, condition in zip(said, written, strict=True)
    ]
    policies = cedarpy.PolicySet.from_str(
        "\n".join(["permit (principal, action, resource);", *forbidden])
    )
    who = {
        "principal": 'Person::"p"',
        "action": 'Action::"enter"',
        "resource": 'Program::"santa-fe"',
    }

    def prepare(facts: dict[str, Any]) -> Any:
        # Its numbers are whole, and no rule that it can say reads a list.
        flat = {group: dict(inner) for group, inner in facts.items()}
        for listed in ("charges", "drugs"):
            flat["encounter"].pop(listed, None)
        return {**who, "context": flat}

    def decide(request: Any) -> str:
        return (
            OTHERWISE if cedarpy.is_authorized(request, policies, []).allowed else said[0].rule.then
        )

    return [
        Peer(
            "cedarpy",
            "ids of the policies that forbid",
            len(said),
            prepare,
            decide,
            reference(said),
        )
    ]


def openfisca(_: ExitStack) -> list[Peer]:
    """One person a simulation, as a case comes in; it is made for populations, where a person costs it next to nothing."""
    import numpy
    from openfisca_core.entities import build_entity
    from openfisca_core.periods import DateUnit
    from openfisca_core.simulation_builder import SimulationBuilder
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem
    from openfisca_core.variables import Variable

    day = SEGMENT.day
    person = build_entity(key="person", plural="persons", label="person", is_person=True)
    read: dict[str, Any] = {}
    said, written = sayable(lambda node: in_numpy(node, read))
    kinds = {"bool": bool, "choice": str, "text": str, "int": int}
    every = {"entity": person, "definition_period": DateUnit.DAY}

    def formula(persons: Any, period: Any) -> Any:
        values = {name: persons(name, period) for name in read}
        return reduce(numpy.logical_or, (condition(values) for condition in written))

    system = TaxBenefitSystem([person])
    for name, type_ in read.items():
        system.add_variable(type(name, (Variable,), {"value_type": kinds[type_], **every}))
    system.add_variable(
        type("ineligible", (Variable,), {"value_type": bool, "formula": formula, **every})
    )

    def prepare(facts: dict[str, Any]) -> Any:
        found = {
            name: reduce(lambda level, part: level[part], name.split("__"), facts) for name in read
        }
        return {"persons": {"p": {name: {str(day): value} for name, value in found.items()}}}

    def decide(situation: Any) -> str:
        simulation = SimulationBuilder().build_from_dict(system, situation)
        return said[0].rule.then if simulation.calculate("ineligible", str(day))[0] else OTHERWISE

    return [
        Peer(
            "OpenFisca, one person",
            "with `trace` each variable's value",
            len(said),
            prepare,
            decide,
            reference(said),
        )
    ]


PEERS: dict[str, Callable[[ExitStack], list[Peer]]] = {
    "durable_rules": durable,
    "zen-engine": zen,
    "cel-expr-python": cel,
    "datalogic-py": datalogic,
    "cedarpy": cedar,
    "OpenFisca": openfisca,
}

# What Santa Fe's conditions are in other languages


def value_of(node: tree.Tree) -> Any:
    return SEGMENT.parameters[node.name] if isinstance(node, tree.ParameterOf) else node.value  # type: ignore[union-attr]


def in_zen(node: tree.Tree) -> str:
    match node:
        case tree.Constant() | tree.ParameterOf():
            return json.dumps(value_of(node))
        case tree.FactOf(fact):
            return fact.path
        case tree.FieldOf(_, fact):
            return f"#.{fact.name}"
        case tree.OutcomeOf(decision):
            return f"decisions.{decision}"
        case tree.Not(operand):
            return f"not ({in_zen(operand)})"
        case tree.And(items):
            return f"({' and '.join(map(in_zen, items))})"
        case tree.Or(items):
            return f"({' or '.join(map(in_zen, items))})"
        case tree.Compare(operator, left, right):
            return f"({in_zen(left)} {operator} {in_zen(right)})"
        case tree.Member(item, tuple(values)):
            return f"({in_zen(item)} in {json.dumps(values)})"
        case tree.Quantifier("exists", over, _, body):
            return f"some({over.path}, {in_zen(body)})"
        case tree.Total(over, _, keep, value) if keep is not None and value is not None:
            return f"sum(map(filter({over.path}, {in_zen(keep)}), {in_zen(value)}))"
    raise CannotSay(node)


def in_cel(node: tree.Tree) -> str:
    """Our own text is CEL, but for `sum`, which the standard hasn't got."""
    if any(isinstance(part, tree.Total) for part in tree.nodes(node)):
        raise CannotSay(node)
    text = tree.text(node)
    for name in SEGMENT.parameters:
        text = text.replace(f" {name}", f" {SEGMENT.parameters[name]}")
    for part in tree.nodes(node):
        if isinstance(part, tree.OutcomeOf):
            text = text.replace(part.decision, f"decisions.{part.decision}")
    return f"({text})"


def in_jsonlogic(node: tree.Tree) -> Any:
    match node:
        case tree.Constant() | tree.ParameterOf():
            return value_of(node)
        case tree.FactOf(fact):
            return {"var": fact.path}
        case tree.FieldOf(_, fact):
            return {"var": fact.name}
        case tree.OutcomeOf(decision):
            return {"var": f"decisions.{decision}"}
        case tree.Not(operand):
            return {"!": [in_jsonlogic(operand)]}
        case tree.And(items) | tree.Or(items):
            return {
                "and" if isinstance(node, tree.And) else "or": [
                    in_jsonlogic(item) for item in items
                ]
            }
        case tree.Compare(operator, left, right):
            return {operator: [in_jsonlogic(left), in_jsonlogic(right)]}
        case tree.Member(item, tuple(values)):
            return {"in": [in_jsonlogic(item), list(values)]}
        case tree.Quantifier("exists", over, _, body):
            return {"some": [{"var": over.path}, in_jsonlogic(body)]}
        case tree.Total(over, _, keep, tree.FieldOf(_, field)) if keep is not None:
            added = {"+": [{"var": "accumulator"}, {"var": f"current.{field.name}"}]}
            return {"reduce": [{"filter": [{"var": over.path}, in_jsonlogic(keep)]}, added, 0]}
    raise CannotSay(node)


def in_cedar(node: tree.Tree) -> str:
    """Cedar looks into no record of a set and adds nothing up."""
    match node:
        case tree.Constant() | tree.ParameterOf():
            return json.dumps(value_of(node))
        case tree.FactOf(fact):
            return f"context.{fact.path}"
        case tree.OutcomeOf(decision):
            return f"context.decisions.{decision}"
        case tree.Not(operand):
            return f"!({in_cedar(operand)})"
        case tree.And(items):
            return f"({' && '.join(map(in_cedar, items))})"
        case tree.Or(items):
            return f"({' || '.join(map(in_cedar, items))})"
        case tree.Compare(operator, left, right):
            return f"({in_cedar(left)} {operator} {in_cedar(right)})"
    raise CannotSay(node)


def in_numpy(node: tree.Tree, read: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    """The condition over arrays by variable. `read` collects the variables with their types, as far as a rule is sayable."""
    import numpy

    found: dict[str, Any] = {}

    def write(node: tree.Tree) -> Callable[[dict[str, Any]], Any]:
        match node:
            case tree.Constant() | tree.ParameterOf():
                value = value_of(node)
                return lambda _: value
            case tree.FactOf() | tree.OutcomeOf():
                path = (
                    node.fact.path
                    if isinstance(node, tree.FactOf)
                    else f"decisions.{node.decision}"
                )
                name = path.replace(".", "__")
                found[name] = node.fact.type if isinstance(node, tree.FactOf) else "text"
                return lambda values: values[name]
            case tree.Not(operand):
                inner = write(operand)
                return lambda values: ~inner(values)
            case tree.And(items):
                parts = [write(item) for item in items]
                return lambda values: reduce(numpy.logical_and, (part(values) for part in parts))
            case tree.Compare("==" | "<" as operator, left, right):
                one, other = write(left), write(right)
                if operator == "<":
                    return lambda values: one(values) < other(values)
                return lambda values: one(values) == other(values)
        raise CannotSay(node)

    written = write(node)
    read.update(found)
    return written


if __name__ == "__main__":
    main()
