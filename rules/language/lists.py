"""Lists in a condition: macros, membership, counts, and totals.

A list is never a value of its own. `filter` and `map` are folded into the quantifier or the total
that uses them, so that a typed tree walks each list once.
"""

from __future__ import annotations

from decimal import Decimal

from rules.errors import nearest
from rules.frozen import replace
from rules.language import syntax, tree
from rules.language.checker import BOOL, Bound, Checker, Pipeline, Type, Typed, dotted
from rules.language.citations import check_among, check_equal, check_listed, is_citation


def check_quantifier(checker: Checker, node: syntax.Comprehension, bound: Bound) -> Typed:
    """Check `list.exists(x, …)` or `list.all(x, …)`."""
    pipeline = _fold(checker, node.target, bound)
    _refuse_taken_variable(checker, node, bound)
    if pipeline.variable == "":
        pipeline = replace(pipeline, variable=_fresh_name(checker, node.variable, bound))
    body = checker.condition(node.body, {**bound, node.variable: pipeline})
    return _quantified(node.kind, pipeline, body), BOOL


def check_member(checker: Checker, node: syntax.Binary, bound: Bound) -> Typed:
    """Check `item in list`: a written list, a parameter with codes, or a list of mapped values."""
    checker.refuse_list(node.left, bound)
    item, kind = checker.value(node.left, bound)
    if isinstance(node.right, syntax.ListOf):
        return _member_of_written(checker, node, node.right, (item, kind), bound), BOOL
    path = dotted(node.right)
    unit = checker.scope.parameters.get(path) if path is not None else None
    if path is not None and unit is not None and (unit == "citations" or is_citation(kind)):
        return check_listed(checker, node, (item, kind), path), BOOL
    if path is not None and unit == "codes":
        if kind.name not in ("text", "choice"):
            checker.fail(
                node, "wrong-type", f"{{}} looks for {kind} among texts", "look for a text"
            )
        return tree.Member(item, tree.ParameterOf(path)), BOOL
    pipeline = _fold(checker, node.right, bound)
    if pipeline.item is None:
        checker.fail(
            node.right,
            "record-alone",
            "{} is a list of records",
            "map each record to one of its fields first",
        )
    element, element_type = pipeline.item
    if is_citation(kind, element_type):
        equal = replace(node, operator="==")
        cited = check_equal(checker, equal, (item, kind), pipeline.item)
        return _quantified("exists", pipeline, cited), BOOL
    checker.require_match(node, kind, element_type)
    checker.require_choice(node.left, item, element_type)
    return _quantified("exists", pipeline, tree.Compare("==", element, item)), BOOL


def _member_of_written(
    checker: Checker, node: syntax.Binary, written: syntax.ListOf, item: Typed, bound: Bound
) -> tree.Tree:
    """Return a `Member` of constants, or else a comparison with each element."""
    sought, kind = item
    if is_citation(kind):
        parts = [(part, checker.value(part, bound)) for part in written.items]
        return check_among(checker, sought, parts)
    elements: list[tree.Tree] = []
    for part in written.items:
        element, element_type = checker.value(part, bound)
        checker.require_match(part, kind, element_type)
        checker.require_choice(part, element, kind)
        checker.require_amounts((part, element, kind))
        checker.require_choice(node.left, sought, element_type)
        elements.append(element)
    constants = [element for element in elements if isinstance(element, tree.Constant)]
    if len(constants) == len(elements):
        return tree.Member(sought, tuple(constant.value for constant in constants))
    equal = tuple(tree.Compare("==", sought, element) for element in elements)
    return tree.Or(equal) if len(equal) > 1 else equal[0]


def check_size(checker: Checker, node: syntax.Expression, bound: Bound) -> Typed:
    """Check `size(list)`, of which `node` is the list."""
    pipeline = _fold(checker, node, bound)
    variable = pipeline.variable or _fresh_name(checker, "item", bound)
    total = tree.Total(pipeline.over, variable, pipeline.keep, None, None, None)
    return total, Type("int", unit="count", low=Decimal(0))


def check_sum(checker: Checker, call: syntax.Call, bound: Bound) -> Typed:
    """Check `sum(list)`, of which the elements are numbers."""
    pipeline = _fold(checker, call.arguments[0], bound)
    variable = pipeline.variable or _fresh_name(checker, "item", bound)
    if pipeline.item is None or not pipeline.item[1].is_number:
        checker.fail(
            call,
            "wrong-type",
            "{} sums something other than numbers",
            "map each record to a number first",
        )
    value, kind = pipeline.item
    total_type = Type(
        kind.name,
        unit=kind.unit,
        low=Decimal(0) if kind.low is not None and kind.low >= 0 else None,
        high=Decimal(0) if kind.high is not None and kind.high <= 0 else None,
    )
    total = tree.Total(pipeline.over, variable, pipeline.keep, value, kind.low, kind.high)
    return total, total_type


# Folding


def _fold(checker: Checker, node: syntax.Expression, bound: Bound) -> Pipeline:
    """Return a list of facts with every `filter` and `map` that is applied to it."""
    if not (isinstance(node, syntax.Comprehension) and node.kind in ("filter", "map")):
        return _list_of_facts(checker, node, bound)
    pipeline = _fold(checker, node.target, bound)
    if pipeline.variable == "":
        pipeline = replace(pipeline, variable=_fresh_name(checker, node.variable, bound))
    within = {**bound, node.variable: pipeline}
    _refuse_taken_variable(checker, node, bound)
    if node.keep is not None:
        kept = checker.condition(node.keep, within)
        pipeline = replace(pipeline, keep=_both(pipeline.keep, kept))
    if node.kind == "map":
        return replace(pipeline, item=checker.value(node.body, within))
    kept = checker.condition(node.body, within)
    return replace(pipeline, keep=_both(pipeline.keep, kept))


def _list_of_facts(checker: Checker, node: syntax.Expression, bound: Bound) -> Pipeline:
    scope = checker.scope
    path = dotted(node)
    fact = scope.vocabulary.facts.get(path) if path else None
    if fact is not None and fact.type == "list":
        return Pipeline(fact, "", None, None)
    is_bound = path is not None and path.partition(".")[0] in bound
    if path and fact is None and not is_bound and path not in scope.parameters:
        lists = [name for name, listed in scope.vocabulary.facts.items() if listed.type == "list"]
        lists += [name for name, unit in scope.parameters.items() if unit in ("codes", "citations")]
        checker.fail(node, "unknown-fact", "there is no list {}", nearest(path, lists))
    checker.fail(
        node,
        "not-a-list",
        "{} is not a list of facts",
        "walk a list such as `encounter.charges`",
    )


def _fresh_name(checker: Checker, wanted: str, bound: Bound) -> str:
    """Return a name for a variable that hides no other: `d`, else `d2`, `d3`, and so on."""
    used = {pipeline.variable for pipeline in bound.values()}
    name, count = wanted, 1
    while name in used or (count > 1 and checker.scope.takes(name)):
        count += 1
        name = f"{wanted}{count}"
    return name


def _refuse_taken_variable(checker: Checker, node: syntax.Comprehension, bound: Bound) -> None:
    name = node.variable
    if checker.scope.takes(name) or name in bound:
        checker.fail(
            node,
            "name-clash",
            f"the variable `{name}` in {{}} has a name that is taken",
            "choose another letter",
        )


def _both(first: tree.Tree | None, second: tree.Tree) -> tree.Tree:
    """Return the conjunction of two conditions, without one `And` inside another."""
    if first is None:
        return second
    parts = [part for node in (first, second) for part in _conjuncts(node)]
    return tree.And(tuple(parts))


def _conjuncts(node: tree.Tree) -> tuple[tree.Tree, ...]:
    return node.items if isinstance(node, tree.And) else (node,)


def _quantified(kind: str, pipeline: Pipeline, body: tree.Tree) -> tree.Tree:
    """Return `exists(p && q)` for `filter(p).exists(q)`, `all(!p || q)` for `filter(p).all(q)`."""
    if pipeline.keep is not None:
        if kind == "exists":
            body = _both(pipeline.keep, body)
        else:
            rest = body.items if isinstance(body, tree.Or) else (body,)
            body = tree.Or((tree.Not(pipeline.keep), *rest))
    return tree.Quantifier(kind, pipeline.over, pipeline.variable, body)
