"""The surface tree: the parts of a condition as written, before they have a meaning.

`parse` builds these nodes from text. `check` turns those that a pack may use into the typed tree
(`tree`) and refuses the others by name. A node has its span: `start` and `end` are offsets in
characters into the parsed text.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Union

from rules.frozen import fields, frozen


@frozen
class Literal:
    """A value written out: int, float, text, bool or null.

    `kind` is `int`, `float`, `text`, `bool`, or `null`. `value` is the Python int, str, or bool,
    and None for null. For `float` it is the literal's own text, read as an exact decimal.
    """

    kind: str
    value: int | str | bool | None
    start: int
    end: int


@frozen
class Name:
    """An identifier alone: `encounter`, `quantity_cap`, `d`. `name` includes a leading point."""

    name: str
    start: int
    end: int


@frozen
class Select:
    """`operand.field`, or with `test` `has(operand.field)`."""

    operand: Expression
    field: str
    test: bool
    start: int
    end: int


@frozen
class Index:
    """`operand[index]`."""

    operand: Expression
    index: Expression
    start: int
    end: int


@frozen
class Call:
    """`function(arguments)` or, with a target, `target.function(arguments)`."""

    function: str
    target: Expression | None
    arguments: tuple[Expression, ...]
    start: int
    end: int


@frozen
class ListOf:
    """`[a, b, c]`."""

    items: tuple[Expression, ...]
    start: int
    end: int


@frozen
class MapOf:
    """`{key: value, …}`."""

    entries: tuple[tuple[Expression, Expression], ...]
    start: int
    end: int


@frozen
class Unary:
    """`!operand` or `-operand`."""

    operator: str
    operand: Expression
    start: int
    end: int


@frozen
class Binary:
    """`left operator right`, the operator one of `&& || == != < <= > >= in + - * / %`."""

    operator: str
    left: Expression
    right: Expression
    start: int
    end: int


@frozen
class Conditional:
    """`condition ? then : otherwise`."""

    condition: Expression
    then: Expression
    otherwise: Expression
    start: int
    end: int


@frozen
class Comprehension:
    """A macro over a list (in CEL also over a map's keys): `target.kind(variable, body)`.

    `kind` is `all`, `exists`, `exists_one`, `filter`, or `map`. `keep` is the middle argument of
    `map(x, keep, body)`, else None.
    """

    kind: str
    target: Expression
    variable: str
    keep: Expression | None
    body: Expression
    start: int
    end: int


Expression = Union[
    Literal, Name, Select, Index, Call, ListOf, MapOf, Unary, Binary, Conditional, Comprehension
]


def children(node: Expression) -> Iterator[Expression]:
    """Yield the node's direct parts that are expressions, from left to right."""
    for field in fields(node):
        value = getattr(node, field.name)
        if isinstance(value, tuple):
            for item in value:
                if isinstance(item, tuple):
                    yield from item
                else:
                    yield item
        elif hasattr(value, "start"):
            yield value
