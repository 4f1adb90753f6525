"""How many records of each list are enough to show every case that conditions tell apart.

A record is kept for each quantifier, as its witness. A count that is compared with `c` needs
`c + 1` records, since larger counts compare the same. The sums over a list need as many records as
there are different sums: the totals are put there, and 0 in all others. The last holds only if the
parts of a sum are never below 0, have no upper limit, and are compared nowhere else.

A field that is added up and compared by itself needs more. Let `c` be the largest number that the
sum is compared with, and `t` the least positive number that the field is compared with. A sum up to
`c` has at most `c / t` parts of `t` or more, and what is in parts below `t` can be put into equal
parts: together at most `floor(c / t) + 1`, and of a larger sum as many parts are enough. Where the
list has several sums, each needs so many, and its small parts as many again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal

from rules.frozen import frozen
from rules.language import tree
from rules.packs.resolve import Segment
from rules.packs.tables import Table

_LOOPS = (tree.Quantifier, tree.Total)


@frozen
class ListBounds:
    """The records needed of each list, by path. `why` says why they may not suffice, if so."""

    lengths: Mapping[str, int]
    why: str | None = None

    @property
    def is_complete(self) -> bool:
        """True if longer lists bring no other case."""
        return self.why is None


def list_bounds(segment: Segment, conditions: Iterable[tree.Tree]) -> ListBounds:
    """Return how many records of each list these conditions need together."""
    return joint_bounds([(segment, conditions)])


def joint_bounds(sides: Iterable[tuple[Segment, Iterable[tree.Tree]]]) -> ListBounds:
    """Return how many records of each list the conditions of several segments need together."""
    # By the list, and by what reads it with its values, so that equal parts count once.
    needed: dict[str, dict[str, int]] = {}
    all_parts: list[tree.Tree] = []
    all_limits: list[tuple[tree.Total, Decimal | None]] = []
    # By the list: its sums, each with the largest number that it is compared with.
    sums: dict[str, dict[str, tuple[str, Decimal]]] = {}
    alone: dict[str, frozenset[Decimal] | None] = {}
    for segment, conditions in sides:
        parts = [part for condition in conditions for part in tree.nodes(condition)]
        for part in parts:
            if isinstance(part, _LOOPS):
                needed.setdefault(part.over.path, {}).setdefault(_with_values(part, segment), 1)
        limits = [limit for part in parts for limit in _limits(part, segment)]
        for total, most in limits:
            counts, key = needed[total.over.path], _with_values(total, segment)
            if total.value is None and most is not None:
                counts[key] = max(counts[key], int(most) + 1)
            elif isinstance(total.value, tree.FieldOf):
                of_list = sums.setdefault(total.over.path, {})
                _, earlier = of_list.get(key, ("", Decimal(0)))
                of_list[key] = total.value.fact.path, max(earlier, most or Decimal(0))
        for field, points in _compared_alone(parts, segment).items():
            before = alone.get(field, frozenset())
            alone[field] = None if points is None or before is None else before | points
        all_parts += parts
        all_limits += limits
    for path, of_list in sums.items():
        largest = max(most for _, most in of_list.values())
        for key, (field, most) in of_list.items():
            least = min((point for point in alone.get(field) or () if point > 0), default=None)
            if least is not None:
                carriers = int(most / least) + 1
                small_parts = int(largest / least) + 1 if len(of_list) > 1 else 0
                needed[path][key] = carriers + small_parts
    lengths = {path: sum(counts.values()) for path, counts in needed.items()}
    return ListBounds(lengths, next(_doubts(all_parts, all_limits, alone), None))


def _with_values(part: tree.Tree, segment: Segment) -> str:
    """Return a part's text with the values of the parameters in it."""
    names = {
        inner.name
        for inner in tree.nodes(part)
        if isinstance(inner, (tree.ParameterOf, tree.RowOf))
    }
    return repr((tree.text(part), [(name, segment.parameters[name]) for name in sorted(names)]))


def _compared_alone(
    parts: list[tree.Tree], segment: Segment
) -> dict[str, frozenset[Decimal] | None]:
    """Return the numbers that each field of a record is compared with, None for another thing."""
    points: dict[str, frozenset[Decimal] | None] = {}
    for part in parts:
        if isinstance(part, tree.Total):
            continue
        children = tuple(tree.children(part))
        for child in children:
            if isinstance(child, tree.FieldOf):
                path, earlier = child.fact.path, points.get(child.fact.path, frozenset())
                others = [
                    numbers_written(sibling, segment)
                    for sibling in children
                    if sibling is not child
                ]
                is_compared = isinstance(part, tree.Compare) and len(others) == 1
                own = others[0] if is_compared else None
                points[path] = None if own is None or earlier is None else earlier | own
    return points


def _limits(part: tree.Tree, segment: Segment) -> Iterator[tuple[tree.Total, Decimal | None]]:
    """Yield each total of a comparison with the largest number that it is compared with."""
    if isinstance(part, tree.Compare):
        for side, compared in ((part.left, part.right), (part.right, part.left)):
            if isinstance(side, tree.Total):
                yield side, _largest(compared, segment)


def _doubts(
    parts: list[tree.Tree],
    limits: list[tuple[tree.Total, Decimal | None]],
    alone: Mapping[str, frozenset[Decimal] | None],
) -> Iterator[str]:
    """Yield the reasons why longer lists may bring other cases."""
    compared = {id(total) for total, most in limits if most is not None}
    summed: dict[str, str] = {}  # by the field that is added up: its list
    for part in parts:
        if not isinstance(part, _LOOPS):
            continue
        path = part.over.path
        if any(isinstance(inner, _LOOPS) for inner in _below(part)):
            yield f"another list is read for each record of `{path}`"
        if isinstance(part, tree.Total):
            if id(part) not in compared:
                yield f"a total of `{path}` is compared with what is no number"
            if part.value is not None:
                if not isinstance(part.value, tree.FieldOf):
                    yield f"what is added up of `{path}` is worked out"
                if part.low is None or part.low < 0 or part.high is not None:
                    yield f"what is added up of `{path}` may be negative, or has an upper limit"
                summed |= dict.fromkeys(_fields(part.value), path)
    for field in sorted(field for field in summed if field in alone and alone[field] is None):
        yield f"`{field}` is added up, and also compared with what is no number"


def _below(node: tree.Tree) -> Iterable[tree.Tree]:
    return (inner for inner in tree.nodes(node) if inner is not node)


def _fields(node: tree.Tree) -> set[str]:
    return {part.fact.path for part in tree.nodes(node) if isinstance(part, tree.FieldOf)}


def _largest(node: tree.Tree, segment: Segment) -> Decimal | None:
    """Return the largest number that a written side may be, None if it isn't written."""
    numbers = numbers_written(node, segment)
    return max(numbers) if numbers else None


def numbers_written(node: tree.Tree, segment: Segment) -> frozenset[Decimal] | None:
    """Return the numbers that a written side may be, None if it isn't written."""
    match node:
        case tree.Constant(int() | Decimal() as value) if not isinstance(value, bool):
            return frozenset({Decimal(value)})
        case tree.ParameterOf(name):
            amount = segment.parameters[name]
            return frozenset({Decimal(amount)}) if isinstance(amount, (int, Decimal)) else None
        case tree.RowOf(name):
            table = segment.parameters[name]
            assert isinstance(table, Table)
            rows = [row for row in table.rows.values() if isinstance(row, (int, Decimal))]
            return frozenset(map(Decimal, rows)) if len(rows) == len(table.rows) else None
        case tree.Choose(_, then, otherwise):
            first, second = numbers_written(then, segment), numbers_written(otherwise, segment)
            return None if first is None or second is None else first | second
    return None
