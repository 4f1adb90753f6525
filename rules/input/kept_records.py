"""The records that are left of a list, each at its place in the whole list.

Answers name a record by its place, `encounter.charges[1].level`. A list without some of its records
still names the others as the facts do.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence

# Type checkers take a name `TYPE_CHECKING` for true. `typing` itself loads twenty modules.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any
else:
    Any = object  # for aliases

Record = Mapping[str, Any]


class KeptRecords(tuple[Record, ...]):
    """Some of the records of a list. `places` has the place of each in the whole list."""

    places: tuple[int, ...]

    @classmethod
    def without(cls, records: Sequence[Record], left_out: Container[int]) -> KeptRecords:
        """Return the records whose places are not `left_out`."""
        kept = [entry for entry in enumerate(records) if entry[0] not in left_out]
        result = cls(record for _, record in kept)
        result.places = tuple(place for place, _ in kept)
        return result


def placed(records: Iterable[Record]) -> Iterator[tuple[int, Record]]:
    """Yield each record with its place in the whole list."""
    if isinstance(records, KeptRecords):
        return zip(records.places, records, strict=True)
    return enumerate(records)
