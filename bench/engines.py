"""Compare Santa Fe's eligibility by our engines and by other people's: agreement first, then time.

Run it as `python bench/engines.py [--runs N]`, with `pip install -e '.[bench,durable]'`. An engine
that isn't installed is named and left out. Each engine gets the rules that its own language can
express, written from our tree. On every case here it must give the outcome that those rules have by
the tree walk. Other engines have two values and not three, so each case knows every fact.
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
from measured import Bar, Measurement, options_of, write_results

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
            [{"conduct": conduct, "authority": "state", "violent": False}]
            for conduct in ("possession", "sale", "burglary", "promoting_prostitution", "theft")
        ),
        [
            {"conduct": "possession", "authority": "state", "violent": False},
            {"code": "NMSA 30-3-2", "conduct": "other", "authority": "state", "violent": True},
        ],
    ),
}


class CannotExpress(Exception):
    """The engine's language can't express this part of a condition."""


@dataclass
class Peer:
    """One engine with its rules.

    `floor` names the engine that it is compared with, and `bar` is what it should take of that.
    `prepare` turns a case's facts into the engine's input, which is not timed. `decide` returns its
    outcome. `rule_count` counts the rules that it can express.
    """

    name: str
    explains: str
    rule_count: int
    prepare: Callable[[dict[str, Any]], Any]
    decide: Callable[[Any], str]
    reference: Callable[[dict[str, Any]], str]
    floor: str = "zen-engine, bare"
    bar: float | None = None


def main() -> None:
    """Print each engine's time, after all of them gave the same outcomes."""
    arguments = options_of(argparse.ArgumentParser(description=__doc__), runs=201)
    arrest = json.loads(CASE.read_text())
    cases = [arrest, *variants(arrest)]
    with ExitStack() as stack:
        peers, absent = gather(stack)
        for peer in peers:
            for facts in cases:
                outcome, wanted = peer.decide(peer.prepare(facts)), peer.reference(facts)
                assert outcome == wanted, (peer.name, outcome, wanted, facts)
        print(
            f"Python {sys.version.split()[0]}; {len(peers)} engines give the same outcomes on "
            f"{len(cases)} cases"
        )
        all_times = alternate(
            [turn(partial(peer.decide, peer.prepare(arrest))) for peer in peers], arguments.runs
        )
    by_name = {peer.name: times for peer, times in zip(peers, all_times, strict=True)}
    print(
        f"medians of {arguments.runs} runs, alternating; × is against {ZEN}, from the same input\n"
        if ZEN in by_name
        else f"{ZEN} isn't here\n"
    )
    print(f"{'':44} {'µs':>9} {'×':>7} {'bar':>5}  rules  what it explains")
    for peer, times in zip(peers, all_times, strict=True):
        floor, bar = by_name.get(peer.floor), peer.bar or ""
        ratio = (
            statistics.median(a / b for a, b in zip(times, floor, strict=True))
            if floor
            else float("nan")
        )
        print(
            f"{peer.name:44} {statistics.median(times) * 1e6:9.2f} {ratio:7.2f} {bar:5}  "
            f"{peer.rule_count:5}  {peer.explains}"
        )
    for name, why in absent:
        print(f"{name:44} left out: {why}")
    write_results(arguments.results, with_bars(peers, by_name))


def with_bars(peers: list[Peer], by_name: dict[str, list[float]]) -> list[Measurement]:
    """Return the ratio of each engine that has a bar to its floor, if that is installed."""
    return [
        Measurement.of(
            f"{peer.name}, of the time of {peer.floor}",
            [a / b for a, b in zip(by_name[peer.name], by_name[peer.floor], strict=True)],
            Bar(peer.bar, "×", "at most"),
        )
        for peer in peers
        if peer.bar is not None and peer.floor in by_name
    ]


def turn(work: Callable[[], Any]) -> Callable[[], float]:
    """Return a function that runs the work for a millisecond, twice, and measures the second time.

    A longer turn would measure other programs on the machine. The first run fills the caches.
    """
    once = repeated(work, least=0.001)
    return lambda: (once(), once())[1]


def variants(facts: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the case with each two of its facts changed, in every way."""
    for first_path, second_path in itertools.combinations(TRIED, 2):
        for first_value, second_value in itertools.product(TRIED[first_path], TRIED[second_path]):
            changed = copy.deepcopy(facts)
            put(changed, first_path, first_value)
            put(changed, second_path, second_value)
            yield changed


def put(facts: dict[str, Any], path: str, value: Any) -> None:
    """Put a value at a path of nested facts."""
    *groups, last = path.split(".")
    reduce(lambda level, group: level.setdefault(group, {}), groups, facts)[last] = value


# Who takes part

ZEN = "zen-engine, bare"
ZEN_FROM_TEXT = "zen-engine, bare, from JSON text"


def gather(stack: ExitStack) -> tuple[list[Peer], list[tuple[str, str]]]:
    """Return the engines, and the reasons why others are missing."""
    peers, absent = ours(), []
    for name, make in PEERS.items():
        try:
            peers += make(stack)
        except ImportError as error:
            absent.append((name, f"{error}"))
    return peers, absent


PROGRAM = rules.load(PACK)
DAY = PROGRAM.decide(DECISION, json.loads(CASE.read_text())).as_of
assert DAY is not None
SEGMENT = PROGRAM.segment(DAY).segment
IN_FORCE = SEGMENT.decisions[DECISION]
RULES = IN_FORCE.rules
OTHERWISE = IN_FORCE.otherwise.outcome


def world(facts: dict[str, Any]) -> World:
    """Return the world of the tree walk for a case."""
    read = PROGRAM.read(facts)
    return World(read.known, SEGMENT.parameters, read.attested.get, lambda _: None)


def reference(expressible: list[RuleInForce]) -> Callable[[dict[str, Any]], str]:
    """Return the outcome by these rules alone.

    All these rules give the same outcome, and none may be unknown.
    """

    def outcome(facts: dict[str, Any]) -> str:
        """Return the outcome of a case."""
        around = world(facts)
        values = [walk(rule.condition, around) for rule in expressible]
        assert None not in values, facts
        return expressible[values.index(True)].rule.then if True in values else OTHERWISE

    return outcome


def expressible_rules(write: Callable[[tree.Tree], Any]) -> tuple[list[RuleInForce], list[Any]]:
    """Return the rules that a language can express, and their expressions."""
    expressible, expressions = [], []
    for rule in RULES:
        try:
            expressions.append(write(rule.condition))
        except CannotExpress:
            continue
        expressible.append(rule)
    return expressible, expressions


def plain(facts: dict[str, Any]) -> Any:
    """Return the facts as they are."""
    return facts


def ours() -> list[Peer]:
    """Return our own engines."""
    everything = reference(list(RULES))
    several = "reasons with source, facts, doubts, exceptions; what is missing and whom to ask"

    def explained(facts: Any) -> str:
        """Decide a case and give its reasons."""
        decision = PROGRAM.decide(DECISION, facts)
        assert decision.reasons
        return str(decision.outcome)

    def bare(facts: Any) -> Any:
        """Return the outcome of a case."""
        return PROGRAM.outcome(DECISION, facts)

    def peer(
        name: str,
        explains: str,
        prepare: Callable[[Any], Any],
        decide: Callable[[Any], Any],
        **more: Any,
    ) -> Peer:
        return Peer(f"offramp{name}", explains, len(RULES), prepare, decide, everything, **more)

    def explained_text(text: str) -> str:
        """Decide the case of a JSON text and give its reasons."""
        decision = PROGRAM.decide_text(DECISION, text)
        assert decision.reasons
        return str(decision.outcome)

    def bare_text(text: str) -> Any:
        """Return the outcome of the case of a JSON text."""
        return PROGRAM.decide_text(DECISION, text).outcome

    text = {"floor": ZEN_FROM_TEXT}
    return [
        peer(", explained", several, plain, explained, bar=0.8),
        peer(
            ", explained, from JSON text",
            several,
            json.dumps,
            explained_text,
            bar=0.6,
            **text,
        ),
        peer(", explained, facts read before", several, PROGRAM.read, explained),
        peer(", bare", "nothing", plain, bare, bar=0.33),
        peer(", bare, from JSON text", "nothing", json.dumps, bare_text, **text),
        peer(", bare, facts read before", "nothing", PROGRAM.read, bare),
        peer("'s tree walk", "nothing", world, lambda around: possible(IN_FORCE, around)[0]),
    ]


def durable_rules(stack: ExitStack) -> list[Peer]:
    """Return the second engine, `durable_rules`."""
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
    """Return zen-engine, with one expression in a graph of three nodes.

    It is compiled when loaded. A table of the same conditions takes a tenth longer.
    """
    from zen import ZenEngine

    expressible, expressions = expressible_rules(in_zen)
    outcome = f'{" or ".join(expressions)} ? "{expressible[0].rule.then}" : "{OTHERWISE}"'
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
        Peer(ZEN, "nothing", len(expressible), plain, bare, reference(expressible)),
        Peer(
            ZEN_FROM_TEXT,
            "nothing",
            len(expressible),
            json.dumps,
            lambda text: bare(json.loads(text)),
            reference(expressible),
        ),
        Peer(
            "zen-engine, with its trace",
            trace,
            len(expressible),
            plain,
            traced,
            reference(expressible),
        ),
    ]


def cel(_: ExitStack) -> list[Peer]:
    """Return Google's CEL."""
    from cel_expr_python import cel as google

    expressible, expressions = expressible_rules(in_cel)
    dynamic = dict.fromkeys(
        ("person", "encounter", "judgment", "approval", "decisions"), google.Type.DYN
    )
    environment = google.NewEnv(variables=dynamic)
    expression = environment.compile(" || ".join(expressions))

    def decide(facts: dict[str, Any]) -> str:
        return expressible[0].rule.then if expression.eval(data=facts).value() else OTHERWISE

    def prepare(facts: dict[str, Any]) -> Any:
        return {name: facts[name] for name in dynamic}

    return [
        Peer(
            "cel-expr-python (Google)",
            "nothing",
            len(expressible),
            prepare,
            decide,
            reference(expressible),
        )
    ]


def datalogic(_: ExitStack) -> list[Peer]:
    """Return JSONLogic."""
    from datalogic_py import Engine

    expressible, expressions = expressible_rules(in_jsonlogic)
    rule = Engine().compile({"if": [{"or": expressions}, expressible[0].rule.then, OTHERWISE]})
    return [
        Peer(
            "datalogic-py (JSONLogic)",
            "nothing",
            len(expressible),
            plain,
            lambda facts: str(rule.evaluate(facts)),
            reference(expressible),
        )
    ]


def cedar(_: ExitStack) -> list[Peer]:
    """Return Cedar."""
    import cedarpy

    expressible, expressions = expressible_rules(in_cedar)
    forbidden = [
        f'@id("{rule.rule.id}")\nforbid (principal, action, resource) when {{ {condition} }};'
        for rule, condition in zip(expressible, expressions, strict=True)
    ]
    policies = cedarpy.PolicySet.from_str(
        "\n".join(["permit (principal, action, resource);", *forbidden])
    )
    request_of = {
        "principal": 'Person::"p"',
        "action": 'Action::"enter"',
        "resource": 'Program::"santa-fe"',
    }

    def prepare(facts: dict[str, Any]) -> Any:
        # Its numbers are whole, and no rule that it can say reads a list.
        flat = {group: dict(inner) for group, inner in facts.items()}
        for listed in ("charges", "drugs"):
            flat["encounter"].pop(listed, None)
        return {**request_of, "context": flat}

    def decide(request: Any) -> str:
        return (
            OTHERWISE
            if cedarpy.is_authorized(request, policies, []).allowed
            else expressible[0].rule.then
        )

    return [
        Peer(
            "cedarpy",
            "ids of the policies that forbid",
            len(expressible),
            prepare,
            decide,
            reference(expressible),
        )
    ]


def openfisca(_: ExitStack) -> list[Peer]:
    """Return OpenFisca, with one person in each simulation.

    It is made for populations, where a person costs next to nothing.
    """
    import numpy
    from openfisca_core.entities import build_entity
    from openfisca_core.periods import DateUnit
    from openfisca_core.simulation_builder import SimulationBuilder
    from openfisca_core.taxbenefitsystems import TaxBenefitSystem
    from openfisca_core.variables import Variable

    day = SEGMENT.day
    person = build_entity(key="person", plural="persons", label="person", is_person=True)
    read: dict[str, Any] = {}
    expressible, expressions = expressible_rules(lambda node: in_numpy(node, read))
    kinds = {"bool": bool, "choice": str, "text": str, "int": int}
    every = {"entity": person, "definition_period": DateUnit.DAY}

    def formula(persons: Any, period: Any) -> Any:
        values = {name: persons(name, period) for name in read}
        return reduce(numpy.logical_or, (condition(values) for condition in expressions))

    system = TaxBenefitSystem([person])
    for name, type_ in read.items():
        system.add_variable(type(name, (Variable,), {"value_type": kinds[type_], **every}))
    system.add_variable(
        type("ineligible", (Variable,), {"value_type": bool, "formula": formula, **every})
    )

    def prepare(facts: dict[str, Any]) -> Any:
        values = {
            name: reduce(lambda level, part: level[part], name.split("__"), facts) for name in read
        }
        return {"persons": {"p": {name: {str(day): value} for name, value in values.items()}}}

    def decide(situation: Any) -> str:
        simulation = SimulationBuilder().build_from_dict(system, situation)
        return (
            expressible[0].rule.then
            if simulation.calculate("ineligible", str(day))[0]
            else OTHERWISE
        )

    return [
        Peer(
            "OpenFisca, one person",
            "with `trace` each variable's value",
            len(expressible),
            prepare,
            decide,
            reference(expressible),
        )
    ]


PEERS: dict[str, Callable[[ExitStack], list[Peer]]] = {
    "durable_rules": durable_rules,
    "zen-engine": zen,
    "cel-expr-python": cel,
    "datalogic-py": datalogic,
    "cedarpy": cedar,
    "OpenFisca": openfisca,
}

# What Santa Fe's conditions are in other languages


def value_of(node: tree.Tree) -> Any:
    """Return the value of a constant or a parameter."""
    if isinstance(node, tree.ParameterOf):
        return SEGMENT.parameters[node.name]
    assert isinstance(node, tree.Constant)
    return node.value


def in_zen(node: tree.Tree) -> str:
    """Write a condition for zen-engine."""
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
    raise CannotExpress(node)


def in_cel(node: tree.Tree) -> str:
    """Our own text is CEL, but for `sum` and citations, which the standard hasn't got."""
    if any(isinstance(part, (tree.Total, tree.Cited)) for part in tree.nodes(node)):
        raise CannotExpress(node)
    text = tree.text(node)
    for name in SEGMENT.parameters:
        text = text.replace(f" {name}", f" {SEGMENT.parameters[name]}")
    for part in tree.nodes(node):
        if isinstance(part, tree.OutcomeOf):
            text = text.replace(part.decision, f"decisions.{part.decision}")
    return f"({text})"


def in_jsonlogic(node: tree.Tree) -> Any:
    """Write a condition in JSONLogic."""
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
    raise CannotExpress(node)


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
    raise CannotExpress(node)


def in_numpy(node: tree.Tree, read: dict[str, Any]) -> Callable[[dict[str, Any]], Any]:
    """Return the condition as a function of arrays by variable.

    `read` collects the variables with their types, if the whole rule can be expressed.
    """
    import numpy

    variables: dict[str, Any] = {}

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
                variables[name] = node.fact.type if isinstance(node, tree.FactOf) else "text"
                return lambda values: values[name]
            case tree.Not(operand):
                inner = write(operand)
                return lambda values: ~inner(values)
            case tree.And(items):
                parts = [write(item) for item in items]
                return lambda values: reduce(numpy.logical_and, (part(values) for part in parts))
            case tree.Compare("==" | "<" as operator, left, right):
                left_side, right_side = write(left), write(right)
                if operator == "<":
                    return lambda values: left_side(values) < right_side(values)
                return lambda values: left_side(values) == right_side(values)
        raise CannotExpress(node)

    condition = write(node)
    read.update(variables)
    return condition


if __name__ == "__main__":
    main()
