"""Memos of rule changes: fetch the one that a draft names, and check that it is of its packs."""

from __future__ import annotations

from datetime import date
from typing import Any

from exchange.membership.directory import Directory
from offramp.agency.errors import AgencyError
from offramp.agency.hub_link.directory import fetch_pack
from offramp.agency.hub_link.link import HubLink
from offramp.memo_file import MemoFile, read_memo
from rules.author.redline import Redline, redline
from rules.packs.pack import Pack
from rules.packs.resolve import resolve
from rules.shelf import english


def names_new_memo(before: Directory | None, drafted: Directory) -> bool:
    """Return whether a draft names a memo that the version before doesn't."""
    memo = drafted.document.pack.memo
    return before is not None and memo is not None and memo != before.document.pack.memo


def fetch_memo(link: HubLink, before: Directory, drafted: Directory) -> MemoFile:
    """Return the memo that a draft names, once it is checked against both packs.

    Raises `HubAway`, `HubRefused`; `RequestError` as `read_memo`; as `check_memo`, `fetch_pack`.
    """
    digest = drafted.document.pack.memo
    assert digest is not None, "the draft names a memo"
    memo = read_memo(link.client.memo(drafted.pack, digest), digest)
    check_memo(
        memo,
        (before.pack, fetch_pack(link, before.pack)),
        (drafted.pack, fetch_pack(link, drafted.pack)),
    )
    return memo


def check_memo(memo: MemoFile, old: tuple[str, Pack], new: tuple[str, Pack]) -> None:
    """Check that a memo is of the whole change between two packs, each with its digest.

    What it states as the changes is worked out here again from both packs. Raises `RequestError`
    as `MemoFile.check_belongs`; `AgencyError` `memo-not-true`.
    """
    memo.check_belongs(old[0], new[0])
    try:
        day = date.fromisoformat(memo.value["new"]["day"])
        stated = [_without_label(change) for change in memo.value["redline"]]
        others = list(memo.value["redline_other_days"])
    except (KeyError, TypeError, ValueError, AttributeError):
        raise _not_true() from None
    lines = redline(resolve(old[1], day), resolve(new[1], day), english())
    if (stated, others) != _as_json(lines):
        raise _not_true()


def _as_json(lines: Redline) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    return (
        [change.as_json() for change in lines.changes],
        [difference.as_json() for difference in lines.other_days],
    )


def _without_label(change: dict[str, Any]) -> dict[str, Any]:
    return {name: part for name, part in change.items() if name != "label"}


def _not_true() -> AgencyError:
    return AgencyError(
        "memo-not-true",
        "the memo states other changes than the two packs have",
        fix="don't sign, and ask the proposer for the memo that `offramp change` makes",
    )
