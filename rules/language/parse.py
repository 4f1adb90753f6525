"""Text to surface tree: reads one CEL expression (cel-spec, doc/langdef.md) and says exactly where it can't be read.

All of CEL's grammar is read but what Offramp has no values for: unsigned numbers, bytes, and messages. What the tree
means, and which part of it a pack may use, is left to `check` and `evaluate`.

The text may come from anybody. It is bounded in length and in depth, so that neither this module nor a function that
walks the tree by recursion can exhaust the stack: every path from the root has at most `DEEPEST_TREE` nodes, where a
run of `a && b && c` (or of `||`), which hangs to the left, counts as one. Whoever walks a tree must walk such a run in
a loop. `text[node.start:node.end]` is the node's own text, and reads as the same node again.
"""

from __future__ import annotations

import re
from typing import NoReturn

from rules.errors import ConditionError, Place
from rules.language.syntax import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Expression,
    Index,
    ListOf,
    Literal,
    MapOf,
    Name,
    Select,
    Unary,
    children,
)

LONGEST_TEXT = 20_000
DEEPEST_NESTING = 100
DEEPEST_TREE = 150

LOWEST_INT, HIGHEST_INT = -(2**63), 2**63 - 1

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
KEYWORDS = frozenset({"true", "false", "null", "in"})
RESERVED = frozenset(
    {
        "as",
        "break",
        "const",
        "continue",
        "else",
        "for",
        "function",
        "if",
        "import",
        "let",
        "loop",
        "namespace",
        "package",
        "return",
        "var",
        "void",
        "while",
    }
)
CLOSERS = {"(": ")", "[": "]", "{": "}"}
MACRO_ARGUMENTS = {"all": (2,), "exists": (2,), "exists_one": (2,), "filter": (2,), "map": (2, 3)}

# Wherever a quantifier repeats a choice, no character begins two of its sides, so that no text makes the lexer slow.
# (Possessive quantifiers would say so, and are wrong in Python before 3.11.4.)
_TOKEN = re.compile(
    r"(?P<gap>(?:[\t\n\f\r ]|//[^\r\n]*)+)"
    r"|(?P<text>"
    r'[rR](?:"""(?:(?!""")[\s\S])*"""|"(?!"")[^"\r\n]*"|""(?!")'
    r"|'''(?:(?!''')[\s\S])*'''|'(?!'')[^'\r\n]*'|''(?!'))"
    r'|"""(?:[^"\\]|\\[\s\S]|"(?!""))*"""|"(?!"")(?:[^"\\\r\n]|\\[^\r\n])*"|""(?!")'
    r"|'''(?:[^'\\]|\\[\s\S]|'(?!''))*'''|'(?!'')(?:[^'\\\r\n]|\\[^\r\n])*'|''(?!')"
    r")"
    r"|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<float>[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)"
    r"|(?P<int>0x[0-9a-fA-F]+(?![0-9a-fA-FuU])|[0-9]+(?![0-9uU]))"
    r"|(?P<sign>&&|\|\||==(?!=)|!=(?!=)|!(?!=)|<=|>=|<(?!>)|[-+*/%>?:.,()\[\]{}])"
    r"|(?P<stray>[\s\S])"
)
_ESCAPE = re.compile(
    r"\\(?:([\\?\"'`abfnrtv])|[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})|([\s\S]))"
)
_SIMPLE_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}

# What people write from habit, and what it is called here.
_WORDS = {"and": "&&", "or": "||", "not": "!", "is": "==", "equals": "=="}
_STRAYS = {
    "=": "write `==` to compare",
    "<": "write `!=` for not equal",
    "!": "write `!=` for not equal",
    "&": "write `&&` for and",
    "|": "write `||` for or",
    "≤": "write `<=`",
    "≥": "write `>=`",
    "≠": "write `!=`",
    "−": "write a plain `-`",
    "–": "write a plain `-`",
    "—": "write a plain `-`",
    "×": "write `*`",
    "÷": "write `/`",
    "…": "write the condition out",
    "\u00a0": "put a plain space in its place",
    "\u202f": "put a plain space in its place",
    "“": 'use straight quotes: `"`',
    "”": 'use straight quotes: `"`',
    "„": 'use straight quotes: `"`',
    "‘": "use straight quotes: `'`",
    "’": "use straight quotes: `'`",
    "`": "write the name without back-quotes",
    ";": "leave it out: there is one expression and nothing after it",
    "#": "a comment here begins with `//`",
    "^": "there is no such operator",
    "~": "there is no such operator",
    "@": "there is no such operator",
    "$": "a name is made of letters, digits and `_`",
}


def place_in(text: str, offset: int) -> Place:
    """The place of a character of an expression: its column, and its line if that isn't the first."""
    line = text.count("\n", 0, offset) + 1
    column = offset - (text.rfind("\n", 0, offset) + 1) + 1
    return Place(line=line if line > 1 else None, column=column)


def parse(text: str) -> Expression:
    """The surface tree of one expression. Raises `ConditionError` and nothing else.

    Codes: `syntax`, `too-long` (over 20,000 characters), `too-deep` (over 100 nested brackets or 150 nested operators).
    """
    if len(text) > LONGEST_TEXT:
        message = (
            f"`{_shown(text)}` is {len(text):,} characters long, and {LONGEST_TEXT:,} is the most"
        )
        at = place_in(text, LONGEST_TEXT)
        raise ConditionError("too-long", message, at=at, offset=LONGEST_TEXT, fix="split it")
    parser = _Parser(text)
    try:
        return parser.whole()
    except RecursionError:  # only for a caller who has nearly exhausted the stack
        raise parser.too_deep(0) from None


class _Parser:
    """One pass over the tokens of one text. `at` is the next token; the last token is `end`."""

    __slots__ = ("at", "ends", "kinds", "nesting", "starts", "text", "words")

    def __init__(self, text: str) -> None:
        self.text = text
        self.kinds: list[str] = []
        self.words: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.at = 0
        self.nesting = 0

    def whole(self) -> Expression:
        self.read_tokens()
        if self.kinds[0] == "end":
            self.fail(0, "there is no condition to read", "write one, such as `person.age >= 18`")
        node = self.expression()
        if self.kinds[self.at] != "end":
            self.fail_after_value()
        if len(self.kinds) > DEEPEST_TREE:
            self.limit_depth(node)
        return node

    def read_tokens(self) -> None:
        kinds, words, starts, ends = self.kinds, self.words, self.starts, self.ends
        for match in _TOKEN.finditer(self.text):
            kind = match.lastgroup
            if kind == "gap":
                continue
            word = match.group()
            start, end = match.span()
            if kind == "sign" or word in KEYWORDS:
                kind = word
            elif kind == "stray":
                self.fail_stray(start, word)
            kinds.append(kind)  # type: ignore[arg-type]  # every alternative is a named group
            words.append(word)
            starts.append(start)
            ends.append(end)
        kinds.append("end")
        words.append("")
        starts.append(len(self.text))
        ends.append(len(self.text))

    # The grammar, from the loosest operator to the tightest

    def expression(self) -> Expression:
        """`Expr = ConditionalOr ["?" ConditionalOr ":" Expr]`, a run of conditionals in a loop."""
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
        branches: list[tuple[Expression, Expression, int]] = []
        while self.kinds[self.at] == "?":
            question = self.at
            self.at += 1
            then = self.operation()
            if self.kinds[self.at] == "?":
                self.fail(
                    self.starts[self.at],
                    "the `?` stands inside another `? :` without brackets",
                    "put brackets round the inner one",
                )
            if self.kinds[self.at] != ":":
                if self.kinds[self.at] == "end":
                    self.fail(
                        self.starts[question],
                        "the `?` has no `:`",
                        "write `condition ? one : other`",
                    )
                self.fail_after_value()
            self.at += 1
            branches.append((node, then, start))
            start = self.starts[self.at]
            node = self.operation()
        end = self.ends[self.at - 1]
        for condition, then, start in reversed(branches):
            node = Conditional(condition, then, node, start, end)
        return node

    def operation(self) -> Expression:
        """Operators of every precedence, all of them left-associative, with a stack of those still waiting."""
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
        """`Unary`: a run of `!` or a run of `-`, never mixed, before a member."""
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
        """A primary with its selections, indexes and calls."""
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
        self.at += 1
        if self.kinds[self.at] != "name":
            self.fail_field()
        field = self.words[self.at]
        self.at += 1
        if self.kinds[self.at] != "(":
            return Select(node, field, False, start, self.ends[self.at - 1])
        arguments = self.arguments()
        end = self.ends[self.at - 1]
        if len(arguments) in MACRO_ARGUMENTS.get(field, ()):
            return self.comprehension(field, node, arguments, start, end)
        return Call(field, node, arguments, start, end)

    def primary(self) -> Expression:
        kind, start = self.kinds[self.at], self.starts[self.at]
        if kind == "name":
            return self.name_or_call(start, "")
        if (
            kind == "text"
            or kind == "int"
            or kind == "float"
            or (kind in KEYWORDS and kind != "in")
        ):
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
        self.fail_before_value()

    def name_or_call(self, start: int, point: str) -> Expression:
        name = self.words[self.at]
        self.at += 1
        if name in RESERVED:
            self.fail(start, f"the word `{name}` is reserved", "use another name")
        if self.kinds[self.at] != "(":
            return Name(point + name, start, self.ends[self.at - 1])
        arguments = self.arguments()
        end = self.ends[self.at - 1]
        if name == "has" and len(arguments) == 1 and not point:
            return self.presence(arguments[0], start, end)
        return Call(point + name, None, arguments, start, end)

    def presence(self, argument: Expression, start: int, end: int) -> Expression:
        if not isinstance(argument, Select) or argument.test:
            self.fail(
                argument.start,
                f"`has` asks for a field, and `{self.part(argument)}` isn't one",
                "write `has(record.field)`",
            )
        return Select(argument.operand, argument.field, True, start, end)

    def comprehension(
        self, kind: str, target: Expression, arguments: tuple[Expression, ...], start: int, end: int
    ) -> Expression:
        variable = arguments[0]
        if not isinstance(variable, Name) or variable.name.startswith("."):
            message = f"`{kind}` needs a name for each element first, and `{self.part(variable)}` isn't one"
            self.fail(variable.start, message, f"write `list.{kind}(x, …)`")
        keep = arguments[1] if len(arguments) == 3 else None
        return Comprehension(kind, target, variable.name, keep, arguments[-1], start, end)

    def map_of(self, start: int) -> Expression:
        brace = self.at
        self.at += 1
        entries: list[tuple[Expression, Expression]] = []
        while self.kinds[self.at] != "}":
            key = self.expression()
            if self.kinds[self.at] != ":":
                if self.kinds[self.at] in (",", "}"):
                    self.fail(
                        key.start, f"the key `{self.part(key)}` has no value", "write `key: value`"
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
        bracket = self.at
        arguments = self.listed()
        if arguments and self.kinds[self.at - 2] == ",":
            self.fail(
                self.starts[self.at - 2],
                f"nothing follows the last `,` in `{self.span_text(bracket)}`",
                "leave the comma out",
            )
        return arguments

    def listed(self) -> tuple[Expression, ...]:
        """Expressions between brackets; one comma may trail."""
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
        closer = CLOSERS[self.kinds[bracket]]
        kind = self.kinds[self.at]
        if kind == closer:
            self.at += 1
        elif kind == "end":
            self.fail(
                self.starts[bracket],
                f"the bracket `{self.kinds[bracket]}` is never closed",
                f"add `{closer}`",
            )
        else:
            self.fail_after_value()

    # Literals

    def literal(self, start: int, sign: str) -> Expression:
        kind, word, end = self.kinds[self.at], sign + self.words[self.at], self.ends[self.at]
        self.at += 1
        if kind == "text":
            return Literal("text", self.unquoted(word, start), start, end)
        if kind == "int":
            return Literal("int", self.whole_number(word, start), start, end)
        if kind == "float":
            if float(word) in (float("inf"), float("-inf")):
                self.fail(start, f"the number `{_shown(word)}` is too large", "use a smaller one")
            return Literal("float", word, start, end)
        if kind == "null":
            return Literal("null", None, start, end)
        return Literal("bool", kind == "true", start, end)

    def whole_number(self, word: str, start: int) -> int:
        digits = word.lstrip("-0")
        value = int(word, 16 if digits.startswith("x") else 10) if len(digits) < 30 else 2**64
        if not LOWEST_INT <= value <= HIGHEST_INT:
            self.fail(
                start,
                f"the whole number `{_shown(word)}` does not fit into 64 bits",
                "use a smaller one, or give it a point: `1e30`",
            )
        return value

    def unquoted(self, word: str, start: int) -> str:
        raw = word[0] in "rR"
        opening = start + raw
        width = 3 if self.text.startswith(('"""', "'''"), opening) and len(word) - raw >= 6 else 1
        inner = word[raw + width : -width]
        if not raw and "\\" in inner:
            inner = self.unescaped(inner, opening + width)
        if not inner.isascii():
            self.refuse_surrogates(inner, start)
        return inner

    def unescaped(self, inner: str, start: int) -> str:
        def character(match: re.Match[str]) -> str:
            simple, hexadecimal, short, long, octal, other = match.groups()
            if simple:
                return _SIMPLE_ESCAPES.get(simple, simple)
            if other:
                self.fail(
                    start + match.start(),
                    f"`{_shown(match.group())}` is not an escape that text may hold",
                    "write `\\\\` for a backslash",
                )
            code = int(octal, 8) if octal else int(hexadecimal or short or long, 16)
            if code > 0x10FFFF:
                self.fail(
                    start + match.start(),
                    f"`{match.group()}` is not a character",
                    "use `\\U0010FFFF` or less",
                )
            return chr(code)

        text = _ESCAPE.sub(character, inner)
        if any("\ud800" <= one <= "\udbff" for one in text):
            # Two escapes may spell one character of the higher planes as UTF-16 does.
            text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        return text

    def refuse_surrogates(self, inner: str, start: int) -> None:
        if any("\ud800" <= one <= "\udfff" for one in inner):
            self.fail(
                start,
                "the text holds half of a character (a lone surrogate)",
                "write the whole character",
            )

    # What can't be read

    def fail(self, offset: int, message: str, fix: str) -> NoReturn:
        at = place_in(self.text, offset)
        raise ConditionError("syntax", message, at=at, offset=offset, fix=fix)

    def too_deep(self, offset: int) -> ConditionError:
        message = (
            f"`{_shown(self.text[offset:])}` lies too deep inside other parts of the condition"
        )
        return ConditionError(
            "too-deep",
            message,
            at=place_in(self.text, offset),
            offset=offset,
            fix="use fewer brackets, or split it",
        )

    def limit_depth(self, root: Expression) -> None:
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

    def part(self, node: Expression) -> str:
        return _shown(self.text[node.start : node.end])

    def span_text(self, first: int) -> str:
        return _shown(self.text[self.starts[first] : self.ends[self.at - 1]])

    def fail_stray(self, offset: int, character: str) -> NoReturn:
        rest = self.text[offset:]
        if character in "\"'":
            self.fail(
                offset,
                f"the text that begins with `{_shown(rest)}` has no closing `{character}`",
                f"add `{character}` at its end",
            )
        if character.isdigit() and character.isascii():
            number = re.match(r"[0-9a-fA-FxX]+[uU]", rest)
            shown = _shown(number.group() if number else rest)
            self.fail(
                offset,
                f"`{shown}` is an unsigned number, which isn't read here",
                "leave out the `u`",
            )
        whole = next((sign for sign in ("===", "!==", "<>") if rest.startswith(sign)), character)
        fix = _STRAYS.get(character, "")
        if whole == "===":
            fix = "write `==` to compare"
        if not fix and character.isalnum():
            fix = "a name is made of the letters a to z, digits and `_`; put text in quotes"
        shown = whole if whole.isprintable() else f"U+{ord(character):04X}"
        self.fail(
            offset, f"`{shown}` has no meaning here", fix or "take it out, or put text in quotes"
        )

    def fail_field(self) -> NoReturn:
        kind, word, offset = self.kinds[self.at], self.words[self.at], self.starts[self.at]
        if kind == "end":
            self.fail(
                self.starts[self.at - 1], "nothing follows the last `.`", "name a field after it"
            )
        if kind in KEYWORDS:
            self.fail(
                offset, f"the word `{word}` can't name a field after a `.`", f'write `["{word}"]`'
            )
        self.fail(
            offset,
            f"`{_shown(word)}` stands where a field's name should",
            "name a field after the `.`",
        )

    def fail_before_value(self) -> NoReturn:
        """At a token that can't begin a value."""
        kind, word, offset = self.kinds[self.at], self.words[self.at], self.starts[self.at]
        before = self.words[self.at - 1] if self.at else ""
        if kind == "end":
            last = self.starts[self.at - 1]
            if before in CLOSERS:
                self.fail(
                    last, f"the bracket `{before}` is never closed", f"add `{CLOSERS[before]}`"
                )
            self.fail(
                last, f"nothing follows `{before}`", "write what belongs after it, or leave it out"
            )
        if kind in ("-", "!"):
            self.fail(
                offset,
                f"`{word}` can't follow `{before}`",
                f"put brackets round it: `{before}({word}…)`",
            )
        if kind == "in" and self.kinds[self.at - 1] == "!":
            self.fail(offset, "`!` can't stand before `in`", "write `!(a in list)`")
        if before:
            self.fail(offset, f"`{word}` can't follow `{before}`", "a value belongs between them")
        self.fail(offset, f"`{word}` can't come first", "begin with a value")

    def fail_after_value(self) -> NoReturn:
        """At a token that can neither carry on nor end the value before it."""
        kind, word, offset = self.kinds[self.at], self.words[self.at], self.starts[self.at]
        before = self.words[self.at - 1]
        for place in (self.at, self.at - 1):
            habit = self.words[place]
            if self.kinds[place] == "name" and habit.lower() in _WORDS:
                self.fail_word(place, habit)
        if kind == "!" and self.kinds[self.at + 1] == "in":
            self.fail(offset, "`!in` is not an operator", "write `!(a in list)`")
        if (
            kind == "text"
            and before in ("b", "B", "br", "bR", "Br", "BR")
            and self.ends[self.at - 1] == offset
        ):
            self.fail(offset - len(before), "bytes are not read here", f"leave out the `{before}`")
        if kind in (")", "]", "}"):
            self.fail(
                offset,
                f"the bracket `{word}` closes nothing that is open here",
                "leave it out, or open it",
            )
        if kind == "{":
            self.fail(
                offset,
                f"`{{` can't follow `{_shown(before)}`: records can't be built here",
                'write a map: `{"key": value}`',
            )
        if kind == ":":
            self.fail(offset, "the `:` has no `?` before it", "write `condition ? one : other`")
        if kind == ",":
            self.fail(
                offset,
                f"the `,` after `{_shown(before)}` is not inside brackets",
                "put the list in `[ ]`",
            )
        self.fail(
            offset,
            f"`{_shown(word)}` can't follow `{_shown(before)}` without an operator between them",
            "put `&&`, `||` or a comparison between them",
        )

    def fail_word(self, place: int, habit: str) -> NoReturn:
        offset = self.starts[place]
        operator = _WORDS[habit.lower()]
        if operator == "!" and self.kinds[place + 1] == "in":
            self.fail(offset, f"`{habit} in` is not an operator", "write `!(a in list)`")
        self.fail(offset, f"the word `{habit}` is not an operator", f"write `{operator}`")


def _shown(text: str) -> str:
    """The user's own words in a message: one line, and not too much of it."""
    line = " ".join(text.split())
    return line if len(line) <= 40 else line[:37] + "…"
