"""Read printed reports of counted rows, so that a new one can be made beside them."""

from __future__ import annotations

import hashlib
import shlex
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePath
from typing import Any

from offramp.memo_file import LARGEST, parse_object, read_memo
from offramp.policy.change_sides import read_named
from offramp.policy.cohort.asked_json import EarlierReport
from offramp.user_files import open_named
from rules.errors import Refusal, RequestError
from rules.frozen import frozen
from rules.input.printing import printable
from rules.packs.digest import digest
from rules.packs.pack import Pack


def read_reports(names: Sequence[str], packs: Sequence[str]) -> tuple[EarlierReport, ...]:
    """Read the JSON of reports. `packs` are those of the new report, as they were typed.

    Raises `RequestError` `not-a-report`, and for a memo as `read_memo`.
    """
    reports: dict[str, EarlierReport] = {}
    for name in dict.fromkeys(names):
        value, own_digest = _read(name)
        cohort = value.get("cohort")
        if not isinstance(cohort, Mapping):
            raise _not_a_report(name, "has no counted rows")
        finder = PackFinder((*packs, *_packs_named(value)))
        reports.setdefault(own_digest, EarlierReport(name, own_digest, cohort, finder))
    return tuple(reports.values())


@frozen
class PackFinder:
    """Finds a pack among some that are named, and the shipped ones, by its digest."""

    names: tuple[str, ...]

    def __call__(self, pack: str, wanted: str) -> Pack:
        """Return a pack. Raises `KeyError` with where it looked, if none has the digest."""
        for name in dict.fromkeys((*self.names, pack)):
            try:
                candidate = read_named(name)
            except Refusal:
                continue
            if digest(candidate) == wanted:
                return candidate
        raise KeyError(*(_place(name) for name in dict.fromkeys(self.names) if _is_of(name, pack)))


def _is_of(name: str, pack: str) -> bool:
    """Return whether a name that was typed may be of a pack: its last word is the pack's id."""
    return PurePath(name.partition("@")[0]).name == pack


def _place(name: str) -> str:
    """Return the folder that a name means from here, or the name of a shipped pack."""
    path = name.partition("@")[0]
    return str(Path(path).absolute()) if PurePath(path).name != path else path


def _read(name: str) -> tuple[Mapping[str, Any], str]:
    """Return a report and its digest: that of a memo covers all but its command."""
    try:
        with open_named(name) as file:
            data = file.read(LARGEST + 1)
        value = parse_object(data)
    except FileNotFoundError:
        raise _not_a_report(name, "doesn't exist") from None
    except (OSError, ValueError):
        raise _not_a_report(name, "can't be read") from None
    except RequestError:
        raise _not_a_report(name, "isn't the JSON of a report") from None
    if "memo" in value:
        memo = read_memo(data)
        return memo.value, memo.digest
    return value, f"sha256:{hashlib.sha256(data).hexdigest()}"


def _packs_named(value: Mapping[str, Any]) -> Iterator[str]:
    """Yield the packs that a report names as they were typed."""
    names = value.get("packs", ())
    yield from (name for name in names if isinstance(name, str))
    repeat = value.get("repeat")
    command = repeat.get("command") if isinstance(repeat, Mapping) else None
    if isinstance(command, str):
        try:
            words = shlex.split(command)
        except ValueError:
            return
        yield from words[2:4]


def _not_a_report(name: str, why: str) -> RequestError:
    return RequestError(
        "not-a-report",
        f"`{printable(name)}` {why}",
        fix="name what `offramp change --cohort` or `offramp decide --by` printed with `--json`",
    )
