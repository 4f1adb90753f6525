"""Compare two conditions part by part: whether one surely implies the other on complete facts.

It needs no search, so that a proof about sums takes no time. It is sound and not complete: `False`
means that the parts show nothing.
"""

from __future__ import annotations

from rules.frozen import replace
from rules.language import tree

_OPPOSITE = {"==": "!=", "!=": "==", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}


def without_if_known(node: tree.Tree) -> tree.Tree:
    """Return the condition with every `if_known` left out. On complete facts that is the same."""

    def plain(part: tree.Tree) -> tree.Tree:
        match part:
            case tree.IfKnown(condition):
                return condition
            case tree.And(items) if any(isinstance(item, tree.And) for item in items):
                return tree.And(tuple(inner for item in items for inner in _items(item)))
        return part

    return tree.changed(node, plain)


def _items(node: tree.Tree) -> tuple[tree.Tree, ...]:
    return node.items if isinstance(node, tree.And) else (node,)


def implies(premise: tree.Tree, conclusion: tree.Tree) -> bool:
    """Return True if, on complete facts, the conclusion is surely true where the premise is."""
    return _implies(_made_plain(premise), _made_plain(conclusion))


def _made_plain(node: tree.Tree) -> tree.Tree:
    """Return `_plain` of a condition. It is made once for each tree, which keeps it."""
    plain: tree.Tree | None = node.__dict__.get("_plain")
    if plain is None:
        plain = node.__dict__["_plain"] = _plain(node)
    return plain


def _plain(node: tree.Tree) -> tree.Tree:
    """Return the same condition on complete facts, with `!` moved inward to what has no parts."""
    match node:
        case tree.IfKnown(condition):
            return _plain(condition)
        case tree.And(items):
            return tree.And(tuple(map(_plain, items)))
        case tree.Or(items):
            return tree.Or(tuple(map(_plain, items)))
        case tree.Quantifier(kind, over, variable, body):
            return tree.Quantifier(kind, over, variable, _plain(body))
        case tree.Not(operand):
            return _denied(operand)
    return node


def _denied(node: tree.Tree) -> tree.Tree:
    match node:
        case tree.Not(operand):
            return _plain(operand)
        case tree.IfKnown(condition):
            return _denied(condition)
        case tree.And(items):
            return tree.Or(tuple(map(_denied, items)))
        case tree.Or(items):
            return tree.And(tuple(map(_denied, items)))
        case tree.Compare(operator, left, right):
            return tree.Compare(_OPPOSITE[operator], left, right)
        case tree.Quantifier(kind, over, variable, body):
            opposite = "all" if kind == "exists" else "exists"
            return tree.Quantifier(opposite, over, variable, _denied(body))
    return tree.Not(node)


def _implies(premise: tree.Tree, conclusion: tree.Tree) -> bool:
    if tree.text(premise) == tree.text(conclusion):
        return True
    if isinstance(premise, tree.Or):
        return all(_implies(item, conclusion) for item in premise.items)
    if isinstance(conclusion, tree.And):
        return all(_implies(premise, item) for item in conclusion.items)
    if isinstance(conclusion, tree.Or):
        if any(_implies(premise, item) for item in conclusion.items):
            return True
    if isinstance(premise, tree.And):
        return any(_implies(item, conclusion) for item in premise.items)
    match premise, conclusion:
        case tree.Quantifier(), tree.Quantifier():
            return (
                premise.kind == conclusion.kind
                and premise.over.path == conclusion.over.path
                and _implies(premise.body, _renamed(conclusion, premise.variable).body)
            )
        case tree.Compare(), tree.Compare():
            return _is_another(premise, conclusion) or _order_implies(premise, conclusion)
    return False


def _is_another(premise: tree.Compare, conclusion: tree.Compare) -> bool:
    """Return True for `x == "a"` and `x != "b"`. A choice with finer words has another node."""
    match premise, conclusion:
        case (
            tree.Compare("==", left, tree.Constant(value)),
            tree.Compare("!=", right, tree.Constant(other)),
        ):
            return tree.text(left) == tree.text(right) and value != other
    return False


def _renamed(node: tree.Quantifier, variable: str) -> tree.Quantifier:
    """Return a quantifier with another name for its variable."""

    def rename(part: tree.Tree) -> tree.Tree:
        """Rename one reading of the variable."""
        if isinstance(part, tree.FieldOf) and part.variable == node.variable:
            return tree.FieldOf(variable, part.fact)
        return part

    return replace(node, variable=variable, body=tree.changed(node.body, rename))


def _order_implies(premise: tree.Compare, conclusion: tree.Compare) -> bool:
    """Compare totals over the same list: fewer records, of amounts that are never below 0."""
    first, second = premise.left, conclusion.left
    if not (isinstance(first, tree.Total) and isinstance(second, tree.Total)):
        return False
    is_same = (
        premise.operator == conclusion.operator
        and tree.text(premise.right) == tree.text(conclusion.right)
        and first.over.path == second.over.path
    )
    if not is_same or not _counts_alike(first, second):
        return False
    if premise.operator in (">", ">="):
        return _keeps_fewer(first, second)
    return premise.operator in ("<", "<=") and _keeps_fewer(second, first)


def _counts_alike(first: tree.Total, second: tree.Total) -> bool:
    if first.value is None or second.value is None:
        return first.value is second.value
    if first.low is None or first.low < 0:
        return False
    renamed = _renamed_value(second, first.variable)
    return renamed is not None and tree.text(first.value) == tree.text(renamed)


def _renamed_value(total: tree.Total, variable: str) -> tree.Tree | None:
    value = total.value
    if value is None:
        return None
    return _renamed(tree.Quantifier("exists", total.over, total.variable, value), variable).body


def _keeps_fewer(fewer: tree.Total, more: tree.Total) -> bool:
    """Return True if every record that the first total keeps is kept by the second."""
    if more.keep is None:
        return True
    if fewer.keep is None:
        return False
    kept = _renamed(tree.Quantifier("exists", more.over, more.variable, more.keep), fewer.variable)
    return _implies(_plain(fewer.keep), _plain(kept.body))
