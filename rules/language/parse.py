"""Parse a condition: text to surface tree (cel-spec, `doc/langdef.md`).

All of CEL's grammar is parsed except for what Offramp has no values for: unsigned numbers, bytes,
and messages. `check` gives the tree its meaning, and refuses the parts that a pack may not use.

The text may come from anybody. It is bounded in length and in depth, so that neither this module
nor a function that walks the tree by recursion can exhaust the stack: every path from the root has
at most `DEEPEST_TREE` nodes, where a run of `a && b && c` (or of `||`), which leans to the left,
counts as one.

INVARIANT: a function that walks a tree walks such a run in a loop.
INVARIANT: `text[node.start:node.end]` is the node's own text, and parses as the same node again.
"""

from __future__ import annotations

from rules.errors import ConditionError
from rules.language.literals import read_literal
from rules.language.syntax import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Expression,
    Index,
    ListOf,
    MapOf,
    Name,
    Select,
    Unary,
    children,
)
from rules.language.syntax_errors import fail_after_value, fail_before_value, fail_field
from rules.language.tokens import CLOSERS, RESERVED, place_in, read_tokens, shorten

LONGEST_TEXT = 20_000
DEEPEST_NESTING = 100
DEEPEST_TREE = 150

PRECEDENCE = {
    "||": 1,
    "&&": 2,
    "==": 3,
    "!=": 3,
    "<": 3,
    "<=": 3,
    ">": 3,
    ">=": 3,
    "in": 3,
    "+": 4,
    "-": 4,
    "*": 5,
    "/": 5,
    "%": 5,
}
# The macros, and how many arguments each may have.
MACRO_ARGUMENTS = {"all": (2,), "exists": (2,), "exists_one": (2,), "filter": (2,), "map": (2, 3)}


def parse(text: str) -> Expression:
    """Return the surface tree of a condition. Raises `ConditionError`.

    Codes: `syntax`, `too-long` (over 20,000 characters), and `too-deep` (over 100 nested brackets
    or 150 nested operators).
    """
    if len(text) > LONGEST_TEXT:
        message = (
            f"`{shorten(text)}` is {len(text):,} characters long, and {LONGEST_TEXT:,} is the most"
        )
        at = place_in(text, LONGEST_TEXT)
        raise ConditionError("too-long", message, at=at, offset=LONGEST_TEXT, fix="split it")
    parser = _Parser(text)
    try:
        return parser.whole()
    except RecursionError:  # only for a caller that has nearly exhausted the stack
        raise parser.too_deep(0) from None


class _Parser:
    """One pass over the tokens of a text. `at` is the index of the next token."""

    __slots__ = ("at", "ends", "kinds", "nesting", "starts", "text", "texts", "tokens")

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = read_tokens(text)
        self.kinds, self.texts = self.tokens.kinds, self.tokens.texts
        self.starts, self.ends = self.tokens.starts, self.tokens.ends
        self.at = 0
        self.nesting = 0

    def whole(self) -> Expression:
        """Parse all tokens."""
        if self.kinds[0] == "end":
            self.tokens.fail(
                0, "there is no condition to read", "write one, such as `person.age >= 18`"
            )
        node = self.expression()
        if self.kinds[self.at] != "end":
            fail_after_value(self.tokens, self.at)
        if len(self.kinds) > DEEPEST_TREE:
            self.limit_depth(node)
        return node

    # The grammar, from the loosest operator to the tightest

    def expression(self) -> Expression:
        """Parse `Expr = ConditionalOr ["?" ConditionalOr ":" Expr]`."""
        self.nesting += 1
        if self.nesting > DEEPEST_NESTING:
            raise self.too_deep(self.starts[self.at])
        start = self.starts[self.at]
        node = self.operation()
        if self.kinds[self.at] == "?":
            node = self.conditionals(node, start)
        self.nesting -= 1
        return node

    def conditionals(self, node: Expression, start: int) -> Expression:
        """Parse `? … : …` after a condition, as often as it is chained."""
        branches: list[tuple[Expression, Expression, int]] = []
        while self.kinds[self.at] == "?":
            question = self.at
            self.at += 1
            branch = self.operation()
            if self.kinds[self.at] == "?":
                self.tokens.fail(
                    self.starts[self.at],
                    "the `?` is inside another `? :` without brackets",
                    "put brackets round the inner one",
                )
            if self.kinds[self.at] != ":":
                if self.kinds[self.at] == "end":
                    self.tokens.fail(
                        self.starts[question],
                        "the `?` has no `:`",
                        "write `condition ? one : other`",
                    )
                fail_after_value(self.tokens, self.at)
            self.at += 1
            branches.append((node, branch, start))
            start = self.starts[self.at]
            node = self.operation()
        end = self.ends[self.at - 1]
        for condition, branch, start in reversed(branches):
            node = Conditional(condition, branch, node, start, end)
        return node

    def operation(self) -> Expression:
        """Parse operators of every precedence, with a stack of those whose right side is open.

        All operators lean to the left.
        """
        kinds, starts = self.kinds, self.starts
        start = starts[self.at]
        node = self.signed() if kinds[self.at] in ("-", "!") else self.member()
        waiting: list[tuple[int, str, Expression, int]] = []
        while True:
            operator = kinds[self.at]
            precedence = PRECEDENCE.get(operator, 0)
            while waiting and waiting[-1][0] >= precedence:
                _, before, left, start = waiting.pop()
                node = Binary(before, left, node, start, self.ends[self.at - 1])
            if not precedence:
                return node
            waiting.append((precedence, operator, node, start))
            self.at += 1
            start = starts[self.at]
            node = self.signed() if kinds[self.at] in ("-", "!") else self.member()

    def signed(self) -> Expression:
        """Parse a run of `!` or a run of `-`, never mixed, before a member."""
        sign = self.kinds[self.at]
        signs: list[int] = []
        while self.kinds[self.at] == sign:
            signs.append(self.starts[self.at])
            self.at += 1
        if sign == "-" and self.kinds[self.at] in ("int", "float"):
            # CEL's literals carry their sign, or the lowest int couldn't be written.
            self.at -= 1
            signs.pop()
        node = self.member()
        for start in reversed(signs):
            node = Unary(sign, node, start, self.ends[self.at - 1])
        return node

    def member(self) -> Expression:
        """Parse a primary with its selections, indexes, and calls."""
        start = self.starts[self.at]
        node = self.primary()
        while True:
            kind = self.kinds[self.at]
            if kind == ".":
                node = self.selection(node, start)
            elif kind == "[":
                bracket = self.at
                self.at += 1
                index = self.expression()
                self.close(bracket)
                node = Index(node, index, start, self.ends[self.at - 1])
            else:
                return node

    def selection(self, node: Expression, start: int) -> Expression:
        """Parse `.field`, `.function(…)`, or a macro after a value."""
        self.at += 1
        if self.kinds[self.at] != "name":
            fail_field(self.tokens, self.at)
        field = self.texts[self.at]
        self.at += 1
        if self.kinds[self.at] != "(":
            return Select(node, field, False, start, self.ends[self.at - 1])
        arguments = self.arguments()
        end = self.ends[self.at - 1]
        if len(arguments) in MACRO_ARGUMENTS.get(field, ()):
            return self.comprehension(field, node, arguments, start, end)
        return Call(field, node, arguments, start, end)

    def primary(self) -> Expression:
        """Parse a name, a call, a written value, or brackets."""
        kind, start = self.kinds[self.at], self.starts[self.at]
        if kind == "name":
            return self.name_or_call(start, "")
        if kind in ("text", "int", "float", "true", "false", "null"):
            return self.literal(start, "")
        if kind == "(":
            bracket = self.at
            self.at += 1
            node = self.expression()
            self.close(bracket)
            return node
        if kind == "[":
            return ListOf(self.listed(), start, self.ends[self.at - 1])
        if kind == "{":
            return self.map_of(start)
        following = self.kinds[self.at + 1] if kind != "end" else "end"
        if kind == "-" and following in ("int", "float"):
            self.at += 1
            return self.literal(start, "-")
        if kind == "." and following == "name":
            self.at += 1
            return self.name_or_call(start, ".")
        fail_before_value(self.tokens, self.at)

    def name_or_call(self, start: int, point: str) -> Expression:
        """Parse a name, `function(…)`, or `has(…)`. `point` is `.` if one is before it."""
        name = self.texts[self.at]
        self.at += 1
        if name in RESERVED:
            self.tokens.fail(start, f"the word `{name}` is reserved", "use another name")
        if self.kinds[self.at] != "(":
            return Name(point + name, start, self.ends[self.at - 1])
        arguments = self.arguments()
        end = self.ends[self.at - 1]
        if name == "has" and len(arguments) == 1 and not point:
            return self.presence(arguments[0], start, end)
        return Call(point + name, None, arguments, start, end)

    def presence(self, argument: Expression, start: int, end: int) -> Expression:
        """Return `has(operand.field)`."""
        if not isinstance(argument, Select) or argument.test:
            self.tokens.fail(
                argument.start,
                f"`has` asks for a field, and `{self.quote(argument)}` isn't one",
                "write `has(record.field)`",
            )
        return Select(argument.operand, argument.field, True, start, end)

    def comprehension(
        self, kind: str, target: Expression, arguments: tuple[Expression, ...], start: int, end: int
    ) -> Expression:
        """Return a macro: `target.kind(variable, body)`, with a middle argument for `map`."""
        variable = arguments[0]
        if not isinstance(variable, Name) or variable.name.startswith("."):
            self.tokens.fail(
                variable.start,
                f"`{kind}` needs a name for each element first, "
                f"and `{self.quote(variable)}` isn't one",
                f"write `list.{kind}(x, …)`",
            )
        keep = arguments[1] if len(arguments) == 3 else None
        return Comprehension(kind, target, variable.name, keep, arguments[-1], start, end)

    def map_of(self, start: int) -> Expression:
        """Parse `{key: value, …}`."""
        brace = self.at
        self.at += 1
        entries: list[tuple[Expression, Expression]] = []
        while self.kinds[self.at] != "}":
            key = self.expression()
            if self.kinds[self.at] != ":":
                if self.kinds[self.at] in (",", "}"):
                    self.tokens.fail(
                        key.start, f"the key `{self.quote(key)}` has no value", "write `key: value`"
                    )
                self.close(brace)
            self.at += 1
            entries.append((key, self.expression()))
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close(brace)
        return MapOf(tuple(entries), start, self.ends[self.at - 1])

    def arguments(self) -> tuple[Expression, ...]:
        """Parse the arguments of a call, after which no comma may trail."""
        opening = self.starts[self.at]
        arguments = self.listed()
        if arguments and self.kinds[self.at - 2] == ",":
            self.tokens.fail(
                self.starts[self.at - 2],
                "nothing follows the last `,` in "
                f"`{shorten(self.text[opening : self.ends[self.at - 1]])}`",
                "leave the comma out",
            )
        return arguments

    def listed(self) -> tuple[Expression, ...]:
        """Parse expressions between brackets. One comma may trail."""
        bracket = self.at
        closer = CLOSERS[self.kinds[bracket]]
        self.at += 1
        items: list[Expression] = []
        while self.kinds[self.at] != closer:
            items.append(self.expression())
            if self.kinds[self.at] != ",":
                break
            self.at += 1
        self.close(bracket)
        return tuple(items)

    def close(self, bracket: int) -> None:
        """Go past the bracket that closes the one at this index."""
        closer = CLOSERS[self.kinds[bracket]]
        kind = self.kinds[self.at]
        if kind == closer:
            self.at += 1
        elif kind == "end":
            self.tokens.fail(
                self.starts[bracket],
                f"the bracket `{self.kinds[bracket]}` is never closed",
                f"add `{closer}`",
            )
        else:
            fail_after_value(self.tokens, self.at)

    def literal(self, start: int, sign: str) -> Expression:
        """Parse a written value. `sign` is `-` if one is before it."""
        node = read_literal(self.tokens, self.at, start, sign)
        self.at += 1
        return node

    # Limits and messages

    def quote(self, node: Expression) -> str:
        """Return a part's own text, shortened."""
        return shorten(self.text[node.start : node.end])

    def too_deep(self, offset: int) -> ConditionError:
        """Return the refusal of a part that is nested too deep."""
        part = shorten(self.text[offset:])
        message = f"`{part}` is nested too deep inside other parts of the condition"
        return ConditionError(
            "too-deep",
            message,
            at=place_in(self.text, offset),
            offset=offset,
            fix="use fewer brackets, or split it",
        )

    def limit_depth(self, root: Expression) -> None:
        """Refuse a tree with a path of over `DEEPEST_TREE` nodes."""
        waiting: list[tuple[Expression, int]] = [(root, 1)]
        while waiting:
            node, depth = waiting.pop()
            if depth > DEEPEST_TREE:
                raise self.too_deep(node.start)
            run = (
                node.operator
                if isinstance(node, Binary) and node.operator in ("&&", "||")
                else None
            )
            for child in children(node):
                same_run = run is not None and isinstance(child, Binary) and child.operator == run
                waiting.append(
                    (child, depth if same_run and child.start == node.start else depth + 1)
                )
