"""Citations in a condition: a charge's section against sections that are written out or listed.

A citation is compared with `==`, `!=`, and `in` only. Each is a `Cited` node, so that subsections
and spellings count as the law has them, and never as texts.
"""

from __future__ import annotations

from typing import NoReturn

from rules.input.citations import Section, how_to_cite, reader_of
from rules.language import syntax, tree
from rules.language.checker import Checker, Type, Typed


def is_citation(*types: Type) -> bool:
    """Return whether one of the types is a citation."""
    return any(kind.name == "citation" for kind in types)


def check_equal(checker: Checker, node: syntax.Binary, left: Typed, right: Typed) -> tree.Tree:
    """Check `citation == "section"` or `!=`, of which one side is written out."""
    if node.operator not in ("==", "!="):
        checker.fail(
            node, "wrong-type", "{} orders a citation, which has no order", "use `==` or `in`"
        )
    cited, written = (left, right) if is_citation(left[1]) else (right, left)
    side = node.right if cited is left else node.left
    equal = tree.Cited(cited[0], (_section(checker, side, written),))
    return equal if node.operator == "==" else tree.Not(equal)


def check_among(
    checker: Checker, item: tree.Tree, written: list[tuple[syntax.Expression, Typed]]
) -> tree.Tree:
    """Check `citation in [ … ]` of sections that are written out."""
    sections = tuple(_section(checker, part, typed) for part, typed in written)
    return tree.Cited(item, sections) if sections else tree.Constant(False)


def check_listed(checker: Checker, node: syntax.Binary, item: Typed, name: str) -> tree.Tree:
    """Check `citation in parameter`, which lists citations."""
    unit = checker.scope.parameters[name]
    if not is_citation(item[1]):
        checker.fail(
            node,
            "wrong-unit",
            f"{{}} looks for {item[1]} among citations",
            "look for a section of law, or give the parameter `unit: codes`",
        )
    if unit != "citations":
        checker.fail(
            node,
            "wrong-unit",
            f"{{}} looks for a citation in `{name}`, which is in `{unit}`",
            f"give `{name}` the unit `citations`",
        )
    return tree.Cited(item[0], tree.ParameterOf(name))


def _section(checker: Checker, part: syntax.Expression, typed: Typed) -> Section:
    """Return the section that a written text cites."""
    value, kind = typed
    if not isinstance(value, tree.Constant) or not isinstance(value.value, str):
        _refuse(checker, part, kind)
    reader = reader_of(checker.scope.vocabulary)
    section = reader.read(value.value)
    if section is None:
        fix = how_to_cite(reader, value.value)
        checker.fail(part, "no-citation", "{} cites no section of law", fix)
    return section


def _refuse(checker: Checker, part: syntax.Expression, kind: Type) -> NoReturn:
    checker.fail(
        part,
        "wrong-type",
        f"{{}} is {kind}, and a citation is compared with a section that is written out",
        'write it as `"RCW 69.50.4013"`, or list it in a parameter',
    )
