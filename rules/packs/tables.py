"""Parameters with a row for each word of a choice.

A row is for its word and for the finer words below it that have no row of their own. `otherwise` is
for the rest. So every finest word has one value, and a coarse or unknown word has all those that it
may mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from rules.errors import nearest
from rules.frozen import cached_property, frozen
from rules.input.finer_words import WordTree
from rules.input.interval import Interval
from rules.input.vocabulary import Fact, Vocabulary

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rules.input.yaml import Node

REST = "otherwise"


@frozen
class Table:
    """A table on a day: the value of each finest word, as rules read it."""

    rows: Mapping[str, Any]
    word_tree: WordTree

    def row(self, choice: str | None) -> Any:
        """Return the value for a word: an interval, or None for times, while rows differ."""
        choices = self.rows if choice is None else self.word_tree.finest_of(choice)
        return _span([self.rows[finest] for finest in choices])

    @cached_property
    def by_word(self) -> dict[str | None, Any]:
        """What `row` returns for every word, and for None."""
        return {choice: self.row(choice) for choice in (None, *self.word_tree.choices)}


def _span(values: list[Any]) -> Any:
    """Return the one value, or the interval of numbers that differ."""
    if all(value == values[0] for value in values):
        return values[0]
    if all(isinstance(value, (int, Decimal)) for value in values):
        return Interval(min(values), max(values))
    return None


def table_of(written: Mapping[str, Any], word_tree: WordTree) -> Table:
    """Return the table with a row for each finest word."""
    rows = {choice: written[_row_of(choice, written, word_tree)] for choice in word_tree.finest}
    return Table(rows, word_tree)


def _row_of(choice: str, written: Mapping[str, Any], word_tree: WordTree) -> str:
    """Return the name of the row that is for a finest word."""
    return next((name for name in (choice, *word_tree.above(choice)) if name in written), REST)


def word_of_each_row(written: Mapping[str, Any], word_tree: WordTree) -> dict[str, str]:
    """Return a finest word for each row that is for one, by the row's name."""
    words: dict[str, str] = {}
    for choice in word_tree.finest:
        words.setdefault(_row_of(choice, written, word_tree), choice)
    return words


def rows_in_words(
    rows: Mapping[str, Any], amount: Callable[[Any], str], choice: Callable[[str], str]
) -> str:
    """Return the rows as words: `1 g for heroin or fentanyl, 2 g otherwise`.

    `amount` spells a value, and `word` the word of a row.
    """
    by_amount: dict[str, list[str]] = {}
    for name, value in rows.items():
        if name != REST:
            by_amount.setdefault(amount(value), []).append(choice(name))
    parts = [f"{text} for {join_or(choices)}" for text, choices in by_amount.items()]
    if REST in rows:
        parts.append(f"{amount(rows[REST])} otherwise")
    return ", ".join(parts)


def join_or(texts: Sequence[str]) -> str:
    """Return `a`, `a or b`, or `a, b or c`."""
    return " or ".join([", ".join(texts[:-1]), texts[-1]]) if len(texts) > 1 else texts[0]


def read_key(vocabulary: Vocabulary, node: Node, subject: str) -> Fact:
    """Read `by`: the path of the choice whose words have rows."""
    path = node.text(f"`by` of {subject}")
    fact = vocabulary.fact_at(path)
    if fact is None:
        paths = [
            entry.path
            for listed in vocabulary.facts.values()
            for entry in (listed, *listed.fields.values())
            if entry.type == "choice"
        ]
        node.fail("unknown-fact", f"there is no fact `{path}`", nearest(path, paths))
    if fact.type != "choice":
        node.fail(
            "wrong-type", f"`{path}` is no choice, and {subject} has rows by it", "name a choice"
        )
    return fact


def read_rows(
    node: Node, by: Fact, read: Callable[[Node, str], Any], subject: str
) -> dict[str, Any]:
    """Read the rows of a table, each with `read`. Refuse a word without one."""
    rows: dict[str, Any] = {}
    fields = node.mapping(f"{subject} by `{by.path}`")
    for choice, row in fields.items():
        if choice != REST and choice not in by.choices:
            node.keys[choice].fail(
                "unknown-choice",
                f"`{choice}` is no choice for `{by.path}`",
                nearest(choice, (*by.choices, REST)),
            )
        rows[choice] = read(row, f"the row `{choice}` of {subject}")
    if REST not in rows:
        for choice in by.word_tree.finest:
            if not {choice, *by.word_tree.above(choice)} & set(rows):
                node.fail(
                    "table-gap",
                    f"{subject} has no row for `{choice}`",
                    "add one, or add `otherwise`",
                )
    return {choice: rows[choice] for choice in (*by.choices, REST) if choice in rows}
