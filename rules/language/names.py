"""Names in a condition: facts, parameters, decisions, clocks, and the variables of macros."""

from __future__ import annotations

from typing import NoReturn

from rules.errors import nearest
from rules.language import syntax, tree
from rules.language.checker import Bound, Checker, Type, Typed, dotted, fact_type
from rules.language.times import TIME_OF_DAY


def check_name(checker: Checker, node: syntax.Name | syntax.Select, bound: Bound) -> Typed:
    """Return the typed tree of a name. Refuse one that is unknown, or that is a list."""
    path = dotted(node)
    if path is None:
        _refuse_selection(checker, node)
    if isinstance(node, syntax.Select) and node.test:
        checker.fail(
            node,
            "not-in-packs",
            "{} asks whether a fact is known",
            "write the condition on the fact itself",
        )
    first, _, rest = path.partition(".")
    scope = checker.scope
    if first in bound:
        return _check_variable(checker, node, bound, first, rest)
    if first == "clocks":
        return _check_clock(checker, node, path, rest)
    if path in scope.vocabulary.facts:
        return _check_fact(checker, node, path)
    if path in scope.parameters:
        return _check_parameter(checker, node, path)
    if path in scope.decisions:
        if path in scope.collecting:
            checker.fail(
                node,
                "wrong-type",
                "{} collects many outcomes and can't be compared",
                "ask the facts instead",
            )
        return tree.OutcomeOf(path), Type("choice", scope.decisions[path])
    _refuse_unknown(checker, node, bound, path)


def _refuse_selection(checker: Checker, node: syntax.Expression) -> NoReturn:
    """Refuse a field of something that is not a name."""
    operand = node
    while isinstance(operand, syntax.Select):
        operand = operand.operand
    if isinstance(operand, syntax.Index):
        checker.refuse_index(operand)
    checker.fail(node, "not-in-packs", "{} is not a fact", "name the fact by its path")


def _check_clock(checker: Checker, node: syntax.Expression, path: str, name: str) -> Typed:
    if name not in checker.scope.clocks:
        paths = [f"clocks.{clock}" for clock in checker.scope.clocks]
        checker.fail(node, "unknown-clock", "there is no clock {}", nearest(path, paths))
    return tree.StatusOf(name), Type("choice", tree.CLOCK_STATUSES[:-1])


def _check_fact(checker: Checker, node: syntax.Expression, path: str) -> Typed:
    fact = checker.scope.vocabulary.facts[path]
    if fact.type == "list":
        checker.fail(
            node,
            "list-alone",
            "{} is a list where one value is needed",
            "ask for its size, sum or exists",
        )
    if fact.kind == "event":
        checker.fail(
            node,
            "reads-event",
            "the condition reads the event {}, and only clocks may",
            "read a clock's status",
        )
    return tree.FactOf(fact), fact_type(fact)


def _check_parameter(checker: Checker, node: syntax.Expression, name: str) -> Typed:
    unit = checker.scope.parameters[name]
    if unit in ("codes", "citations"):
        checker.fail(
            node,
            "list-alone",
            f"{{}} is a list of {unit} where one value is needed",
            f"write `x in {name}`",
        )
    if name in checker.scope.tables:
        checker.fail(
            node,
            "wrong-type",
            "{} is a table where one value is needed",
            f"write `{name}[…]` with `{checker.scope.tables[name]}`",
        )
    if unit == TIME_OF_DAY:
        return tree.ParameterOf(name), Type(TIME_OF_DAY)
    return tree.ParameterOf(name), Type("decimal", unit=unit)


def check_row(checker: Checker, node: syntax.Index, bound: Bound) -> Typed:
    """Return the typed tree of `name[key]`: the row of a table for the word of its choice."""
    name = dotted(node.operand)
    if name is None or name in bound or name in checker.scope.vocabulary.facts:
        checker.refuse_index(node)
    if name not in checker.scope.parameters:
        if isinstance(node.index, syntax.Literal) or "." in name:
            checker.refuse_index(node)
        tables = tuple(checker.scope.tables)
        checker.fail(node.operand, "unknown-fact", "there is no table {}", nearest(name, tables))
    by = checker.scope.tables.get(name)
    if by is None:
        fix = f"write `{name}` alone, or give the parameter `by:`"
        checker.fail(node, "wrong-type", f"{{}} picks a row of `{name}`, which has none", fix)
    key, _ = checker.value(node.index, bound)
    if not (isinstance(key, (tree.FactOf, tree.FieldOf)) and key.fact.path == by):
        checker.fail(
            node.index,
            "wrong-type",
            f"{{}} picks a row of `{name}`, whose rows are by `{by}`",
            "use that very fact",
        )
    unit = checker.scope.parameters[name]
    is_time = unit == TIME_OF_DAY
    return tree.RowOf(name, key), Type(TIME_OF_DAY) if is_time else Type("decimal", unit=unit)


def _refuse_unknown(checker: Checker, node: syntax.Expression, bound: Bound, path: str) -> NoReturn:
    scope = checker.scope
    if path in scope.vocabulary.decisions:
        checker.fail(
            node,
            "unknown-decision",
            "this program has no decision {}",
            "add it under `decisions`, or leave it out",
        )
    names = [
        *scope.vocabulary.facts,
        *scope.parameters,
        *scope.vocabulary.decisions,
        *scope.decisions,
        *bound,
        *(f"clocks.{clock}" for clock in scope.clocks),
    ]
    noun = "fact" if "." in path else "fact, parameter or decision"
    fix = f'put the word in quotes: `"{path}"`' if _is_word(checker, path) else nearest(path, names)
    checker.fail(node, "unknown-fact", f"there is no {noun} {{}}", fix)


def _is_word(checker: Checker, name: str) -> bool:
    """Return True for a choice of a fact, an outcome, or a clock's status: a word for quotes."""
    scope = checker.scope
    choices = (
        field.choices
        for fact in scope.vocabulary.facts.values()
        for field in (fact, *fact.fields.values())
    )
    return any(
        name in words for words in (*choices, *scope.decisions.values(), tree.CLOCK_STATUSES)
    )


def _check_variable(
    checker: Checker, node: syntax.Expression, bound: Bound, name: str, rest: str
) -> Typed:
    """Return the value of a macro's variable, or the field `rest` of its record."""
    pipeline = bound[name]
    if pipeline.item is not None:
        if rest:
            checker.fail(
                node,
                "unknown-fact",
                "{} asks a field of something that has none",
                "leave the point out",
            )
        _refuse_hidden_variable(checker, node, bound, pipeline.item[0])
        return pipeline.item
    if not rest:
        checker.fail(
            node,
            "record-alone",
            "{} is a whole record where one value is needed",
            "name one of its fields",
        )
    fields = pipeline.over.fields
    if rest not in fields:
        checker.fail(
            node,
            "unknown-fact",
            f"`{pipeline.over.path}` has no field {{}}",
            nearest(rest, tuple(fields)),
        )
    fact = fields[rest]
    return tree.FieldOf(pipeline.variable, fact), fact_type(fact)


def _refuse_hidden_variable(
    checker: Checker, node: syntax.Expression, bound: Bound, item: tree.Tree
) -> None:
    """Refuse a mapped value with a variable inside that would hide another at this place."""
    inside = {
        part.variable
        for part in tree.nodes(item)
        if isinstance(part, (tree.Quantifier, tree.Total))
    }
    if inside & {pipeline.variable for pipeline in bound.values()}:
        checker.fail(
            node,
            "name-clash",
            "{} holds a variable whose name is taken where it is used",
            "choose another letter",
        )
