"""Check a condition: surface tree and scope to typed tree.

A checked condition has these properties: every name is a fact, a parameter, a decision, a clock, or
a variable. Every comparison is of like with like, in one unit, with a choice that exists. No part
can fail on any facts. `filter` and `map` are folded away (see `tree`).
"""

from __future__ import annotations

from rules.errors import ConditionError, PackError, Place, nearest
from rules.input.yaml import Node
from rules.language import syntax, tree
from rules.language.checker import BOOL, Bound, Checker, Scope, Typed
from rules.language.finer import fitted
from rules.language.lists import check_member, check_quantifier, check_size, check_sum
from rules.language.names import check_name, check_row
from rules.language.operators import (
    check_arithmetic,
    check_comparison,
    check_conditional,
    check_connective,
    check_literal,
    check_negative,
)
from rules.language.parse import parse
from rules.language.times import check_date, check_length, check_part, check_time

DEEPEST = 80  # Python takes 200 nested brackets, and a compiled condition has two a level
_USES = {
    "size": "size(list)",
    "sum": "sum(list.map(x, x.number))",
    "exists": "list.exists(x, …)",
    "all": "list.all(x, …)",
    "filter": "list.filter(x, …)",
    "map": "list.map(x, …)",
    "if_known": "if_known(condition)",
    "date": 'date("2014-04-01")',
    "hours": "hours(72)",
    "days": "days(7)",
    "weeks": "weeks(2)",
    "months": "months(6)",
    "years": "years(10)",
    "day": "day(encounter.at)",
    "time": "time(encounter.at)",
    "weekday": "weekday(encounter.at)",
}


def check(condition: Node, scope: Scope) -> tree.Tree:
    """Return the typed tree of a condition. Raises `PackError` at the line and column at fault."""
    if isinstance(condition.value, (list, dict)):
        condition.fail(
            "wrong-shape", "the condition is not a text", "put the condition in quotes: '…'"
        )
    text = condition.text("the condition")
    written = str(condition.value)
    before = len(written) - len(written.lstrip()) + condition.quoted

    def place(offset: int) -> Place:
        """Return the place of a character of the condition in the pack."""
        if not condition.verbatim:
            return condition.place
        return Place(condition.file, condition.line, condition.column + before + offset)

    try:
        surface = parse(text)
    except ConditionError as error:
        at = place(error.offset)
        raise PackError(error.code, error.message, at=at, fix=error.fix) from None
    checker = Checker(scope, text, place, _check_part)
    node, kind = checker.value(surface, {})
    if kind.name != "bool":
        checker.fail(
            surface,
            "not-a-condition",
            "{} is not a yes-or-no question",
            "compare it with something",
        )
    if scope.vocabulary.is_refined:
        try:
            node = fitted(node, scope.vocabulary)
        except PackError as error:
            raise PackError(error.code, error.message, at=place(0), fix=error.fix) from None
    if _is_deep(node):
        checker.fail(
            surface,
            "too-deep",
            f"{{}} nests more than {DEEPEST} levels",
            "split the rule, or use fewer brackets",
        )
    return node


def _is_deep(node: tree.Tree) -> bool:
    level = [node]
    for _ in range(DEEPEST):
        level = [child for parent in level for child in tree.children(parent)]
        if not level:
            return False
    return True


def _check_part(checker: Checker, node: syntax.Expression, bound: Bound) -> Typed:
    """Return the typed tree of a part, by its kind of node."""
    match node:
        case syntax.Literal():
            return check_literal(checker, node)
        case syntax.Name() | syntax.Select():
            return check_name(checker, node, bound)
        case syntax.Unary("!", operand):
            return tree.Not(checker.condition(operand, bound)), BOOL
        case syntax.Unary("-"):
            return check_negative(checker, node, bound)
        case syntax.Binary():
            return _check_binary(checker, node, bound)
        case syntax.Conditional():
            return check_conditional(checker, node, bound)
        case syntax.Comprehension("exists" | "all"):
            return check_quantifier(checker, node, bound)
        case syntax.Comprehension("filter" | "map"):
            fix = "ask for its size, sum or exists"
            checker.fail(node, "list-alone", "{} is a list where one value is needed", fix)
        case syntax.Call():
            return _check_call(checker, node, bound)
        case syntax.ListOf():
            fix = "write `x in [ … ]`"
            checker.fail(node, "list-alone", "{} is a list where one value is needed", fix)
        case syntax.Index():
            return check_row(checker, node, bound)
        case _:
            checker.fail(
                node,
                "not-in-packs",
                "{} is CEL that a pack's condition may not use",
                "see the page on the language for what it may",
            )


def _check_binary(checker: Checker, node: syntax.Binary, bound: Bound) -> Typed:
    match node.operator:
        case "&&" | "||":
            return check_connective(checker, node, bound)
        case "in":
            return check_member(checker, node, bound)
        case "==" | "!=" | "<" | "<=" | ">" | ">=":
            return check_comparison(checker, node, bound)
        case "+" | "-" | "*":
            return check_arithmetic(checker, node, bound)
    checker.fail(
        node,
        "not-in-packs",
        f"`{node.operator}` in {{}} can fail, and a pack's condition may not",
        "rewrite it without dividing",
    )


def _check_call(checker: Checker, node: syntax.Call, bound: Bound) -> Typed:
    match node:
        case syntax.Call("size", None, (listed,)):
            return check_size(checker, listed, bound)
        case syntax.Call("sum", None, (_,)):
            return check_sum(checker, node, bound)
        case syntax.Call("if_known", None, (asked,)):
            return tree.IfKnown(checker.condition(asked, bound)), BOOL
        case syntax.Call("date", None):
            return check_date(checker, node)
        case syntax.Call("hours" | "days" | "weeks" | "months" | "years", None):
            return check_length(checker, node, bound)
        case syntax.Call("day" | "weekday", None):
            return check_part(checker, node, bound)
        case syntax.Call("time", None):
            return check_time(checker, node, bound)
    if node.function in _USES:
        checker.fail(
            node,
            "wrong-arguments",
            "{} has the wrong arguments",
            f"write `{_USES[node.function]}`",
        )
    checker.fail(
        node,
        "unknown-function",
        f"there is no function `{node.function}` for a pack's condition",
        nearest(node.function, tuple(_USES)),
    )
