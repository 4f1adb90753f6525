"""Memos of rule changes: fetch the one that a draft names, and check that it is of its packs."""

from __future__ import annotations

from exchange.membership.directory import Directory
from offramp.adoption import PackFiles
from offramp.agency.hub_link.directory import fetch_pack
from offramp.agency.hub_link.link import HubLink
from offramp.clock import utc_day
from offramp.memo_file import MemoFile, read_memo
from offramp.memo_trial import make_again
from rules.frozen import frozen

_IN_PART = (
    "Checked here in part: `offramp agency approve DIR 0` makes this memo again from both packs."
)


@frozen
class CheckedMemo:
    """A memo that was checked here against both packs. `checked` says in a sentence what was."""

    file: MemoFile
    checked: str

    def lines(self) -> tuple[str, ...]:
        """Return what was checked, and the memo in words."""
        from offramp.policy.change_text import memo_lines  # most commands read no memo

        unchecked = []
        if "cohort" in self.file.value:
            unchecked = [
                "The counted rows can't be checked here: they rest on the proposer's file."
            ]
        if "own" in self.file.value["open_cases"]:
            unchecked += ["The open cases of the agency that made it can't be checked here."]
        return (self.checked, *unchecked, *memo_lines(self.file.value))


def names_new_memo(before: Directory | None, drafted: Directory) -> bool:
    """Return whether a draft names a memo that the version before doesn't."""
    memo = drafted.document.pack.memo
    return before is not None and memo is not None and memo != before.document.pack.memo


def fetch_memo(
    link: HubLink, before: Directory, drafted: Directory, *, is_whole: bool
) -> CheckedMemo:
    """Return the memo that a draft names, once it is checked against both packs.

    If `is_whole`, the solver makes it again. A memo is checked so once, and kept with what was
    checked. Raises `HubAway`, `HubRefused`;
    `RequestError` as `read_memo`; as `check_memo`, `fetch_pack`.
    """
    digest = drafted.document.pack.memo
    assert digest is not None, "the draft names a memo"
    kept = link.office.kept_memo(digest)
    if kept is not None:
        return _belonging(link, CheckedMemo(*kept), before.pack, drafted.pack)
    memo = read_memo(link.client.memo(drafted.pack, digest), digest)
    for pack in (before.pack, drafted.pack):
        fetch_pack(link, pack)
    if not is_whole:
        from offramp.policy.memo_check import check_plain_parts  # most commands read no memo

        check_plain_parts(memo, *map(link.office.pack_files, (before.pack, drafted.pack)))
        return _belonging(link, CheckedMemo(memo, _IN_PART), before.pack, drafted.pack)
    return check_memo(link, memo, before.pack, (drafted.pack, link.office.pack_files(drafted.pack)))


def check_memo(link: HubLink, memo: MemoFile, old: str, new: tuple[str, PackFiles]) -> CheckedMemo:
    """Check that a memo is of the whole change to a pack, make it again, and keep it.

    `old` is the digest of a pack that is kept here, `new` the digest and the files of the other.
    Raises `RequestError` as `MemoFile.check_belongs`, and `memo-not-true`.
    """
    memo.check_belongs(old, new[0], utc_day(link.office.clock()))
    checked = make_again(memo, link.office.pack_files(old), new[1])
    link.office.keep_memo(memo, checked)
    return CheckedMemo(memo, checked)


def _belonging(link: HubLink, memo: CheckedMemo, old: str, new: str) -> CheckedMemo:
    memo.file.check_belongs(old, new, utc_day(link.office.clock()))
    return memo
