"""Facts that the author assumes, from a file."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import accumulate
from typing import Any

from offramp.policy.cohort.answers import Side
from offramp.policy.cohort.assumption import Assumption
from offramp.policy.table_map import TableMap
from rules.decide.scene_day import DAY, MOMENT
from rules.decide.search_space import DECISION
from rules.errors import FactsError, Place, RequestError
from rules.input.printing import printable
from rules.input.vocabulary import Fact, nested
from rules.packs.law import CHARGES

# A field of a numbered entry: `encounter.drugs[0].grams` or `encounter.drugs.0.grams`.
_ENTRY = re.compile(r"(.+?)(?:\[(?:\d*|\*)\]|\.(?:\d+|\*))\.(.+)", re.ASCII)


def flat_facts(facts: Any) -> Assumption:
    """Return facts by path, whether they are written nested or by path.

    A field of a list's records is written by its path, `encounter.charges.authority`.
    """
    if not isinstance(facts, dict):
        raise FactsError(
            "wrong-shape",
            "the assumption is not an object",
            fix='write `{"judgment.amenable": true}`',
        )
    flat: Assumption = {}
    for path, value in _paths(facts):
        if flat.setdefault(path, value) != value:
            raise _refusal(f"`{printable(path)}` has two values", "keep one of them")
    for path in flat:
        for group in accumulate(path.split(".")[:-1], "{}.{}".format):
            if group in flat and flat[group] != []:
                raise _refusal(
                    f"`{printable(group)}` has a value, and `{printable(path)}` is in it",
                    "keep one of them",
                )
    return flat


def _paths(facts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in facts.items():
        if isinstance(value, dict):
            yield from ((f"{key}.{path}", inner) for path, inner in _paths(value))
        elif value is not None:
            yield str(key), value


def refuse_bad_facts(sides: Sequence[Side], mapping: TableMap, assumed: Assumption) -> None:
    """Raise `FactsError` for a fact that no program knows, or a value that it can't have.

    Raises `RequestError` `bad-assumption` for what can't be assumed of these rows.
    """
    for side in sides:
        program = side.program
        facts = program.pack.vocabulary.facts
        alone: dict[str, Any] = {}
        records: dict[str, dict[str, Any]] = {}
        for path, value in assumed.items():
            if not side.knows(path) and any(other.knows(path) for other in sides):
                continue
            _refuse_entry(path, facts)
            of_list = path.rpartition(".")[0]
            if of_list in facts and facts[of_list].type == "list":
                records.setdefault(of_list, {})[path.rpartition(".")[2]] = value
            else:
                alone[path] = value
        _refuse_lists(alone)
        with _naming_the_assumption():
            program.read(nested({**alone, **{path: [record] for path, record in records.items()}}))
        _refuse_answer(side, alone)
        _refuse_details(mapping, records)
    _refuse_second_day(mapping, assumed)


def _refuse_entry(path: str, facts: Mapping[str, Fact]) -> None:
    """Refuse a path with the number of an entry, such as `encounter.drugs[0].grams`."""
    entry = _ENTRY.fullmatch(path)
    if entry is not None and entry[1] in facts and facts[entry[1]].type == "list":
        raise _refusal(
            f"`{printable(path)}` is of one entry, and rows list different ones",
            f"write `{printable(f'{entry[1]}.{entry[2]}')}`, which is assumed of each entry "
            "without it",
        )


def _refuse_answer(side: Side, alone: Assumption) -> None:
    path = f"{DECISION}{side.decision}"
    if path in alone:
        raise _refusal(
            f"`{path}` is the answer that is counted, and it would be the same for each row",
            "leave it out",
        )


def _refuse_details(mapping: TableMap, records: Mapping[str, Assumption]) -> None:
    """Refuse details of a list that no row has, and the section of each charge."""
    given_paths = {path for path, _ in mapping.readers}
    for path, fields in records.items():
        if path not in given_paths:
            raise _refusal(
                f"the map gives no `{path}`, so no row lists an entry whose "
                f"`{next(iter(fields))}` could be assumed",
                f'leave it out, or assume that nothing is listed: `"{path}": []`',
            )
        if path == CHARGES and "code" in fields:
            raise _refusal(
                f"`{CHARGES}.code` can't be assumed, since the offense table might then contradict "
                "what a row says of a charge",
                f"assume what the section means instead, such as `{CHARGES}.level`",
            )


def _refuse_second_day(mapping: TableMap, assumed: Assumption) -> None:
    """Refuse a day beside the moments that rows have, or a moment beside their days."""
    given_paths = {path for path, _ in mapping.readers}
    for path, other in ((DAY, MOMENT), (MOMENT, DAY)):
        if path in assumed and (other in given_paths or other in assumed):
            raise _refusal(
                f"`{path}` would contradict the `{other}` of each row of another day",
                f"leave `{path}` out" + (", or use `--as-of DATE`" if path == DAY else ""),
            )


def _refusal(message: str, fix: str) -> RequestError:
    return RequestError("bad-assumption", f"what is assumed (`--assume`): {message}", fix=fix)


@contextmanager
def _naming_the_assumption() -> Iterator[None]:
    """Say that a fact is at fault as it is assumed, and not as a row has it."""
    try:
        yield
    except FactsError as error:
        error.message = f"what is assumed (`--assume`): {error.message.replace('[0].', '.', 1)}"
        error.at = Place(path=error.at.path and error.at.path.replace("[0].", ".", 1))
        raise


def _refuse_lists(alone: Assumption) -> None:
    for path, value in alone.items():
        if isinstance(value, list) and value:
            raise FactsError(
                "wrong-shape",
                f"`{printable(path)}` is a list of records, and rows have different ones",
                at=Place(path=path),
                fix="assume an empty list, or a field by its path",
            )
