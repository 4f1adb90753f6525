"""The parser of conditions: precedence, exact spans, hostile text, and messages on mistakes."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rules.errors import ConditionError
from rules.language.parse import (
    DEEPEST_NESTING,
    DEEPEST_TREE,
    LONGEST_TEXT,
    PRECEDENCE,
    parse,
)
from rules.language.syntax import (
    Binary,
    Call,
    Comprehension,
    Conditional,
    Expression,
    ListOf,
    Literal,
    Name,
    Select,
    Unary,
    children,
)


def shape(node: Any) -> Any:
    """A tree without its spans."""
    if isinstance(node, tuple):
        return tuple(shape(item) for item in node)
    if not hasattr(node, "start"):
        return node
    inner = (
        shape(getattr(node, field.name))
        for field in fields(node)
        if field.name not in ("start", "end")
    )
    return type(node).__name__, *inner


def every_node(root: Expression) -> list[Expression]:
    found, waiting = [], [root]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += children(node)
    return found


@pytest.mark.parametrize(
    ("text", "bracketed"),
    [
        ("a || b && c", "a || (b && c)"),
        ("a && b || c", "(a && b) || c"),
        ("a && b && c", "(a && b) && c"),
        ("a || b == c", "a || (b == c)"),
        ("a + b * c - d", "(a + (b * c)) - d"),
        ("a - b - c", "(a - b) - c"),
        ("a / b * c % d", "((a / b) * c) % d"),
        ("a < b == c", "(a < b) == c"),
        ("a in b == c", "(a in b) == c"),
        ("a + b in c", "(a + b) in c"),
        ("!a.b && c", "(!(a.b)) && c"),
        ("-a.b * c", "(-(a.b)) * c"),
        ("-a[0]", "-(a[0])"),
        ("a ? b : c ? d : e", "a ? b : (c ? d : e)"),
        ("a || b ? c && d : e", "(a || b) ? (c && d) : e"),
        ("a == b ? c : d", "(a == b) ? c : d"),
        ("a.b.c(d).e[0]", "(((a.b).c(d)).e)[0]"),
    ],
)
def test_precedence_is_that_of_the_standard(text: str, bracketed: str) -> None:
    assert shape(parse(text)) == shape(parse(bracketed))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"'\a\b\f\n\r\t\v\\\'\"\`\?'", "\a\b\f\n\r\t\v\\'\"`?"),
        (r"'\x41\X42\u00e9\U0001F431\101'", "ABé\U0001f431A"),
        (r"'\ud83d\udc31'", "\U0001f431"),
        (r"r'\n'", "\\n"),
        (r'R"\"', "\\"),
        ("'''a'b''c\nd'''", "a'b''c\nd"),
        ('"""a"b""c"""', 'a"b""c'),
        ('r"""a\\"""', "a\\"),
        ("''", ""),
        ("''''''", ""),
    ],
)
def test_texts_mean_what_their_escapes_say(text: str, value: str) -> None:
    assert parse(text) == Literal("text", value, 0, len(text))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("0", "int", 0),
        ("007", "int", 7),
        ("0xfF", "int", 255),
        ("-0x10", "int", -16),
        ("9223372036854775807", "int", 2**63 - 1),
        ("-9223372036854775808", "int", -(2**63)),
        ("- 9223372036854775808", "int", -(2**63)),
        ("3.10", "float", "3.10"),
        (".5", "float", ".5"),
        ("-1e-7", "float", "-1e-7"),
        ("true", "bool", True),
        ("null", "null", None),
    ],
)
def test_numbers_and_words(text: str, kind: str, value: object) -> None:
    assert parse(text) == Literal(kind, value, 0, len(text))


def test_spans_are_those_of_the_text_with_brackets_counted_in() -> None:
    text = '  (a || b.c) && !x.exists(y, y == "é") // so'
    node = parse(text)
    assert isinstance(node, Binary)
    assert text[node.start : node.end] == '(a || b.c) && !x.exists(y, y == "é")'
    parts = {text[one.start : one.end] for one in every_node(node)}
    assert {
        "a || b.c",
        "a",
        "b.c",
        "b",
        '!x.exists(y, y == "é")',
        'x.exists(y, y == "é")',
        "x",
        '"é"',
    } <= parts


def test_reserved_words_may_name_fields_and_methods_but_not_stand_alone() -> None:
    assert isinstance(parse("{'as': 1}.as"), Select)
    assert isinstance(parse("a.for()"), Call)
    with pytest.raises(ConditionError, match="`for` is reserved"):
        parse("for + 1")


def test_macros_are_read_by_their_shape_and_other_calls_are_left_alone() -> None:
    assert isinstance(parse("a.exists(x, x)"), Comprehension)
    assert isinstance(parse("a.exists(x)"), Call)
    assert isinstance(parse("exists(x, x)"), Call)
    three = parse("a.map(x, x > 1, x)")
    assert isinstance(three, Comprehension) and three.keep is not None
    tested = parse("has(a.b)")
    assert isinstance(tested, Select) and tested.test
    assert isinstance(parse("a.has(b)"), Call)
    assert isinstance(parse("has(a, b)"), Call)


def test_a_leading_point_stays_in_the_name() -> None:
    assert parse(".a") == Name(".a", 0, 2)
    assert parse(".f(1)") == Call(".f", None, (Literal("int", 1, 3, 4),), 0, 5)


def test_a_comma_may_trail_in_lists_and_maps_but_not_in_calls() -> None:
    assert len(parse("[1, 2,]").items) == 2
    assert len(parse("{1: 2,}").entries) == 1
    with pytest.raises(ConditionError, match="nothing follows the last `,`"):
        parse("f(1,)")


# What can't be read

MISTAKES = [
    ("a and b", 2, "the word `and` is not an operator", "write `&&`"),
    ("a OR b", 2, "the word `OR` is not an operator", "write `||`"),
    ("not a", 0, "the word `not` is not an operator", "write `!`"),
    ("(not a)", 1, "the word `not` is not an operator", "write `!`"),
    ("a not in b", 2, "`not in` is not an operator", "write `!(a in list)`"),
    ("a !in b", 2, "`!in` is not an operator", "write `!(a in list)`"),
    ("a = 1", 2, "`=` has no meaning here", "write `==` to compare"),
    ("a === 1", 2, "`===` has no meaning here", "write `==` to compare"),
    ("a !== 1", 2, "`!==` has no meaning here", "write `!=` for not equal"),
    ("a <> 1", 2, "`<>` has no meaning here", "write `!=` for not equal"),
    ("a & b", 2, "`&` has no meaning here", "write `&&` for and"),
    ("a | b", 2, "`|` has no meaning here", "write `||` for or"),
    ("a ≥ 3", 2, "`≥` has no meaning here", "write `>=`"),
    ('a == "x', 5, 'the text that begins with `"x` has no closing `"`', 'add `"` at its end'),
    (
        "a == 'x\ny'",
        5,
        "the text that begins with `'x y'` has no closing `'`",
        "add `'` at its end",
    ),
    ("a == “x”", 5, "`“` has no meaning here", 'use straight quotes: `"`'),
    ("a == ‘x’", 5, "`‘` has no meaning here", "use straight quotes: `'`"),
    ("(a", 0, "the bracket `(` is never closed", "add `)`"),
    ("f(a, [1", 5, "the bracket `[` is never closed", "add `]`"),
    ("f(", 1, "the bracket `(` is never closed", "add `)`"),
    ("a)", 1, "the bracket `)` closes nothing that is open here", ""),
    ("[1)", 2, "the bracket `)` closes nothing that is open here", ""),
    (
        "a b",
        2,
        "`b` can't follow `a` without an operator between them",
        "put `&&`, `||` or a comparison between them",
    ),
    ("a &&", 2, "nothing follows `&&`", ""),
    ("&& a", 0, "`&&` can't come first", ""),
    ("a && || b", 5, "`||` can't follow `&&`", "a value belongs between them"),
    ("a ? b", 2, "the `?` has no `:`", "write `condition ? one : other`"),
    (
        "a ? b ? c : d : e",
        6,
        "the `?` is inside another `? :` without brackets",
        "put brackets round the inner one",
    ),
    ("a : b", 2, "the `:` has no `?` before it", ""),
    ("a.", 1, "nothing follows the last `.`", ""),
    ("a.in", 2, "the word `in` can't name a field after a `.`", 'write `["in"]`'),
    ("!-a", 1, "`-` can't follow `!`", "put brackets round it: `!(-…)`"),
    ("5u", 0, "`5u` is an unsigned number, which isn't read here", "leave out the `u`"),
    ('b"x"', 0, "bytes are not read here", "leave out the `b`"),
    ("A{b: 1}", 1, "`{` can't follow `A`: records can't be built here", ""),
    ("{1}", 1, "the key `1` has no value", "write `key: value`"),
    (
        "a.exists(1, true)",
        9,
        "`exists` needs a name for each element first, and `1` isn't one",
        "write `list.exists(x, …)`",
    ),
    ("has(a)", 4, "`has` asks for a field, and `a` isn't one", "write `has(record.field)`"),
    (r"'\q'", 1, r"`\q` is not an escape that text may hold", r"write `\\` for a backslash"),
    (r"'\ud83d'", 0, "the text holds half of a character (a lone surrogate)", ""),
    (
        "9223372036854775808",
        0,
        "the whole number `9223372036854775808` does not fit into 64 bits",
        "",
    ),
    ("1e999", 0, "the number `1e999` is too large", ""),
    ("a\u00a0== 1", 1, "`U+00A0` has no meaning here", "put a plain space in its place"),
    ("`a`", 0, "``` has no meaning here", "write the name without back-quotes"),
    ("größe > 1", 2, "`ö` has no meaning here", ""),
    ("", 0, "there is no condition to read", ""),
    ("  // nothing\n", 13, "there is no condition to read", ""),
]


@pytest.mark.parametrize(
    ("text", "offset", "message", "fix"), MISTAKES, ids=[mistake[0] for mistake in MISTAKES]
)
def test_a_mistake_is_named_placed_and_fixed(
    text: str, offset: int, message: str, fix: str
) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert (caught.value.message, caught.value.code) == (message, "syntax")
    assert caught.value.offset == (offset if text.strip() != "// nothing" else 0)
    assert fix in caught.value.fix and caught.value.fix


def test_a_place_counts_lines_and_columns_from_one() -> None:
    with pytest.raises(ConditionError) as caught:
        parse("a &&\n  b = 1")
    assert (caught.value.at.line, caught.value.at.column) == (2, 5)


# Hostile text


@pytest.mark.parametrize(
    "text",
    [
        "(" * 10_000,
        "(" * 5_000 + "1" + ")" * 5_000,
        "[" * 10_000,
        "{" * 10_000,
        "{1:" * 5_000,
        "f(" * 8_000,
        "a[" * 8_000,
        "-" * 15_000 + "a",
        "!" * 15_000 + "a",
        "a" + ".b" * 9_000,
        "a" + "+a" * 9_000,
        "a" + "[0]" * 6_000,
        "a?b:" * 4_000 + "c",
        "a?(" * 5_000,
        "x.map(y," * 2_000,
        '"' * 9_999,
        "'" + "\\" * 9_999,
        "//" * 9_000,
        "9" * 15_000,
        "0x" + "f" * 15_000,
        "1." * 9_000,
        "1e" * 9_000,
        " " * 20_001,
        "a" * 20_001,
    ],
    ids=lambda text: f"{text[:12]}… {len(text)}",
)
def test_no_text_exhausts_the_stack(text: str) -> None:
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert caught.value.code in ("syntax", "too-deep", "too-long")


def test_the_limits_are_where_they_are_said_to_be() -> None:
    def nested(depth: int) -> str:
        return "(" * depth + "a" + ")" * depth

    assert parse(nested(DEEPEST_NESTING - 1)) is not None
    with pytest.raises(ConditionError, match="too deep"):
        parse(nested(DEEPEST_NESTING))
    assert parse("!" * (DEEPEST_TREE - 1) + "a") is not None
    with pytest.raises(ConditionError, match="too deep"):
        parse("!" * DEEPEST_TREE + "a")
    assert parse("a" * LONGEST_TEXT) is not None


def test_a_run_of_and_or_or_may_be_as_long_as_the_text() -> None:
    for operator in ("&&", "||"):
        node = parse(operator.join(["a"] * 6_000))
        length = 1
        while isinstance(node, Binary):
            node, length = node.left, length + 1
        assert length == 6_000


def test_chains_of_the_length_that_the_standard_asks_for_are_read() -> None:
    for operator in ("==", "<", "+", "*", "&&", "||"):
        parse(operator.join(["1"] * 33))
    parse("a" + ".b" * 32)
    parse("a" + "[0]" * 32)
    parse("a ? b : " * 32 + "c")
    parse("f(" + ",".join("1" * 32) + ")")


def test_a_caller_with_little_stack_left_gets_a_refusal_too() -> None:
    def deeper(frames: int) -> str:
        if frames:
            return deeper(frames - 1)
        try:
            parse("(" * 90 + "a" + ")" * 90)
        except ConditionError as error:
            return error.code
        return "read"

    import inspect
    import sys

    assert deeper(sys.getrecursionlimit() - len(inspect.stack()) - 100) == "too-deep"


WORDS = st.sampled_from(
    [
        "a",
        "b.c",
        "x",
        "true",
        "null",
        "in",
        "as",
        "1",
        "2.5",
        "0x1",
        "'é'",
        '""',
        "r''",
        "''''",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        ".",
        ",",
        ":",
        "?",
        "!",
        "-",
        "+",
        "*",
        "/",
        "%",
        "&&",
        "||",
        "==",
        "!=",
        "<",
        "<=",
        ">",
        ">=",
        "=",
        "&",
        "|",
        "//",
        "\\",
        "\n",
        "has(",
        ".exists(x,",
        ".map(",
        "size(",
        '"',
        "'",
        '"""',
        "'''",
        "\\u12",
        "�",
        "\x00",
        "“",
        "≥",
        "9999999999999999999",
        ".5",
        "1.",
        "1e5",
        "b''",
        "5u",
    ]
)


@given(st.one_of(st.text(), st.lists(WORDS).map(" ".join), st.lists(WORDS).map("".join)))
@example("'\\")
@example("a.\n")
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        node = parse(text)
    except ConditionError as error:
        assert 0 <= error.offset <= len(text)
        assert error.message and error.fix and "\n" not in error.message
        return
    for one in every_node(node):
        assert 0 <= one.start < one.end <= len(text)
        assert shape(parse(text[one.start : one.end])) == shape(one) or (
            isinstance(one, Select) and one.test
        )


EXPRESSIONS = st.recursive(
    st.sampled_from(["a", ".b", "1", "-2", "2.5", "'t'", "true", "null", "[]", "{}", "has(a.b)"]),
    lambda inner: st.one_of(
        st.builds("({}) {} ({})".format, inner, st.sampled_from(sorted(PRECEDENCE)), inner),
        st.builds(
            "{} {} {}".format,
            inner,
            st.sampled_from(["+", "*", "==", "<", "&&", "||", "in"]),
            inner,
        ),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("!({})".format, inner),
        st.builds("-({})".format, inner),
        st.builds("({}).f".format, inner),
        st.builds("({})[{}]".format, inner, inner),
        st.builds("f({}, {})".format, inner, inner),
        st.builds("[{}, {},]".format, inner, inner),
        st.builds("{{{}: {}}}".format, inner, inner),
        st.builds("({}).map(x, {}, {})".format, inner, inner, inner),
        st.builds("({}).all(x, {})".format, inner, inner),
    ),
    max_leaves=12,
)


@given(EXPRESSIONS)
def test_every_part_reads_the_same_alone_as_in_the_whole(text: str) -> None:
    try:
        node = parse(text)
    except ConditionError as error:  # `a ? b : c` may stand unbracketed in the middle of another
        assert error.code == "syntax"
        return
    for one in every_node(node):
        assert shape(parse(text[one.start : one.end])) == shape(one)


def test_a_node_keeps_all_that_was_written() -> None:
    node = parse("a ? [1, -b] : {'k': !c}")
    assert isinstance(node, Conditional)
    assert isinstance(node.then, ListOf)
    assert isinstance(node.then.items[1], Unary)
    assert len(list(children(node))) == 3
