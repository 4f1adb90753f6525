"""Written values and operators in a condition: their types, units, and ranges."""

from __future__ import annotations

from decimal import Decimal

from rules.frozen import replace
from rules.language import syntax, tree
from rules.language.checker import BOOL, ORDERED, Bound, Checker, Type, Typed, negated
from rules.language.citations import check_equal, is_citation
from rules.language.exact import EXACT
from rules.language.times import is_of_whole_days

# Written values


def check_literal(checker: Checker, node: syntax.Literal) -> Typed:
    """Check a value that is written out."""
    match node.kind:
        case "bool":
            return tree.Constant(node.value), BOOL
        case "int" | "float":
            return _check_number(checker, node)
        case "text":
            return tree.Constant(node.value), Type("text")
    checker.fail(
        node,
        "no-null",
        "a condition can't ask for {}: unknown is not a value",
        "leave the comparison out",
    )


def _check_number(checker: Checker, node: syntax.Literal) -> Typed:
    value = Decimal(str(node.value))
    checker.require_fine(node, value)
    is_whole = node.kind == "int"
    kind = Type("int" if is_whole else "decimal", low=value, high=value)
    return tree.Constant(int(value) if is_whole else value), kind


# Logic


def check_connective(checker: Checker, node: syntax.Binary, bound: Bound) -> Typed:
    """Check a run of `&&` or of `||`, whatever its length, without recursion along it."""
    parts: list[tree.Tree] = []
    joined = tree.And if node.operator == "&&" else tree.Or
    waiting: list[syntax.Expression] = [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, syntax.Binary) and part.operator == node.operator:
            waiting += [part.right, part.left]
            continue
        condition = checker.condition(part, bound)
        parts += condition.items if isinstance(condition, joined) else [condition]
    return joined(tuple(parts)), BOOL


def check_conditional(checker: Checker, node: syntax.Conditional, bound: Bound) -> Typed:
    """Check `condition ? then : otherwise`, of which the branches have one type and unit."""
    condition = checker.condition(node.condition, bound)
    left, left_type = checker.value(node.then, bound)
    right, right_type = checker.value(node.otherwise, bound)
    checker.require_match(node, left_type, right_type)
    if is_citation(left_type):
        checker.fail(
            node, "wrong-type", "{} chooses between citations", "choose between two conditions"
        )
    lows, highs = (left_type.low, right_type.low), (left_type.high, right_type.high)
    joined = replace(
        left_type,
        name="decimal" if "decimal" in (left_type.name, right_type.name) else left_type.name,
        choices=tuple(dict.fromkeys(left_type.choices + right_type.choices)),
        unit=left_type.unit or right_type.unit,
        low=min(low for low in lows if low is not None) if None not in lows else None,
        high=max(high for high in highs if high is not None) if None not in highs else None,
    )
    return tree.Choose(condition, left, right), joined


# Comparison and arithmetic


def check_comparison(checker: Checker, node: syntax.Binary, bound: Bound) -> Typed:
    """Check `left operator right`, of which the sides have one type and unit."""
    for side in (node.left, node.right):
        checker.refuse_list(side, bound)
    left, left_type = checker.value(node.left, bound)
    right, right_type = checker.value(node.right, bound)
    if is_citation(left_type, right_type):
        return check_equal(checker, node, (left, left_type), (right, right_type)), BOOL
    checker.require_match(node, left_type, right_type)
    checker.require_amounts((node.left, left, right_type), (node.right, right, left_type))
    if node.operator in ("==", "!="):
        checker.require_choice(node.left, left, right_type)
        checker.require_choice(node.right, right, left_type)
    elif left_type.name not in ORDERED or right_type.name not in ORDERED:
        checker.fail(
            node, "wrong-type", f"{{}} orders {left_type}, which has no order", "use `==` or `in`"
        )
    return tree.Compare(node.operator, left, right), BOOL


def check_negative(checker: Checker, node: syntax.Unary, bound: Bound) -> Typed:
    """Check `-operand` of a number."""
    operand, kind = checker.value(node.operand, bound)
    if not kind.is_number:
        checker.fail(node, "wrong-type", f"{{}} turns the sign of {kind}", "use a number")
    flipped = replace(kind, low=negated(kind.high), high=negated(kind.low))
    if isinstance(operand, tree.Constant):
        return tree.Constant(-operand.value), flipped
    return tree.Arithmetic("-", tree.Constant(0), operand), flipped


def check_arithmetic(checker: Checker, node: syntax.Binary, bound: Bound) -> Typed:
    """Check `+`, `-`, or `*` of numbers, or a date or time moved by a length of time."""
    left, left_type = checker.value(node.left, bound)
    right, right_type = checker.value(node.right, bound)
    if left_type.is_number and right_type.is_number:
        kind = _number_type(checker, node, left_type, right_type)
        if node.operator != "*":
            checker.require_amounts((node.left, left, right_type), (node.right, right, left_type))
        return tree.Arithmetic(node.operator, left, right), kind
    if node.operator == "+" and right_type.name in ("date", "timestamp"):
        (left, left_type), (right, right_type) = (right, right_type), (left, left_type)
    result = _type_of_moved(node.operator, left_type, right_type)
    if result is None:
        checker.fail(
            node,
            "wrong-type",
            f"{{}} has no meaning for {left_type} and {right_type}",
            _fix_of_moved(left_type, right_type),
        )
    if left_type.name == "date" and right_type.name == "duration" and not is_of_whole_days(right):
        checker.fail(node, "wrong-unit", "{} moves a day by hours", "use `days(n)` or a timestamp")
    return tree.Arithmetic(node.operator, left, right), result


def _type_of_moved(operator: str, left: Type, right: Type) -> Type | None:
    """Return the type of a date or time that is moved, or of the time between two, if any."""
    if operator == "*":
        return None
    if operator == "-" and left.name == right.name and left.name in ("date", "timestamp"):
        return Type("duration")
    name = {
        ("date", "duration"): "date",
        ("date", "months"): "date",
        ("timestamp", "duration"): "timestamp",
        ("duration", "duration"): "duration",
    }.get((left.name, right.name))
    return Type(name) if name else None


def _fix_of_moved(left: Type, right: Type) -> str:
    """Return the fix for a date or time that can't be moved so."""
    if left.name == "timestamp" and right.name in ("date", "months"):
        return "write `day(…)` around the time"
    if left.name == "date" and right.name == "timestamp":
        return "write `day(…)` around the time"
    return "check the two sides"


def _number_type(checker: Checker, node: syntax.Binary, left: Type, right: Type) -> Type:
    """Return the type of a sum, difference, or product of numbers, with its range."""
    name = "decimal" if "decimal" in (left.name, right.name) else "int"
    unit = left.unit or right.unit
    if node.operator == "*":
        if left.unit and right.unit:
            checker.fail(
                node,
                "wrong-unit",
                f"{{}} multiplies `{left.unit}` by `{right.unit}`",
                "leave one unit out",
            )
        low, high = _range_of_product(left, right)
        return Type(name, unit=unit, low=low, high=high)
    checker.require_unit(node, left, right)
    if node.operator == "-":
        right = replace(right, low=negated(right.high), high=negated(right.low))
    low = None if left.low is None or right.low is None else EXACT.add(left.low, right.low)
    high = None if left.high is None or right.high is None else EXACT.add(left.high, right.high)
    return Type(name, unit=unit, low=low, high=high)


def _range_of_product(left: Type, right: Type) -> tuple[Decimal | None, Decimal | None]:
    """Return the bounds of a product. They may be wider than they need to be, never narrower."""
    ends = [
        None if left_end is None or right_end is None else EXACT.multiply(left_end, right_end)
        for left_end in (left.low, left.high)
        for right_end in (right.low, right.high)
    ]
    finite = [end for end in ends if end is not None]
    if len(finite) == len(ends):
        return min(finite), max(finite)
    is_positive = all(low is not None and low >= 0 for low in (left.low, right.low))
    return (Decimal(0) if is_positive else None), None
