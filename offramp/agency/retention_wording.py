"""The words in which commands print what is kept, until when, and what stops or ends it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from offramp.agency.cases.own_statements import StatementState
from offramp.agency.folder.retention_state import HOLD_REASONS, Ending, Hold
from offramp.agency.operations.endings import EndingPreview
from offramp.agency.operations.recalls import KEEP_REASONS
from offramp.agency.operations.retention import KeptCase, KeptRow, RetentionList
from offramp.agency.operations.sealing_proof import SealingProof
from offramp.agency.short_handles import short

CAUSES = {
    "dismissed": "the charge was dismissed",
    "sealed": "a court had the record sealed",
    "completed": "the person completed the program",
}


_STATEMENTS: Mapping[StatementState, str] = {
    "sent": "; this agency has signed it",
    "queued": "; the signed statement waits to be sent",
    "refused": "; the hub refused the signed statement (see `offramp agency status`)",
    "asked_back": "; this agency asked its signed statement back",
    "nobody": "; nobody had to be told",
}
_RENEWED = (
    "; noted anew, and not signed yet: the daily work signs it when nothing is left that it ends. "
    "The earlier statement doesn't count"
)


def retention_lines(listed: RetentionList, zone: ZoneInfo) -> list[str]:
    """Return what ends when, case by case."""
    lines = [
        f"today is {listed.today}; where the pack has no rule, a part is kept "
        f"{listed.default_days} days",
        "what is kept is destroyed on the day after its last day, unless a legal hold stops it",
    ]
    if any(
        row.first_ends < listed.today and not case.holds
        for case in listed.cases
        for row in case.rows
    ):
        lines.append(
            "OVERDUE is what is past its last day: the gateway destroys it at its next round, "
            "within an hour. `agency serve DIR --once` does it now"
        )
    for case in listed.cases:
        lines += ["", *_case_lines(case, zone, listed.today)]
    if not listed.cases:
        lines += ["", "no case here"]
    return lines


def _case_lines(case: KeptCase, zone: ZoneInfo, today: date) -> Iterator[str]:
    yield f"{case.case}:" if case.case else "about no case:"
    for hold in case.holds:
        yield f"  ON HOLD: {_hold(hold, zone)}. Nothing here is destroyed"
    for ending in case.endings:
        state = case.statements.get(ending.cause)
        signed = _STATEMENTS[state] if state is not None else ""
        if ending.cause in case.renewed:
            signed = _RENEWED
        yield f"  {_ending(ending)}{signed}"
    for row in case.rows:
        is_overdue = row.first_ends < today and not case.holds
        overdue = "OVERDUE: " if is_overdue else ""
        yield f"  {overdue}{_row(row, is_held=bool(case.holds))}"
    if case.unproved:
        yield f"  {_unproved(case.unproved)}"
    elif not case.rows:
        yield "  nothing with content is kept any more"


def _row(row: KeptRow, *, is_held: bool = False) -> str:
    count = _counted(row.parts, row.notes, row.texts)
    days = f"until {row.last_ends}"
    if row.first_ends != row.last_ends:
        days = f"the first until {row.first_ends}, the last until {row.last_ends}"
    if is_held:
        days = f"as long as the hold, and without it {days}"
    why = f", because {CAUSES[row.cause]}" if row.cause is not None else ""
    law = f" ({row.law}{', in doubt' if row.is_doubtful else ''})" if row.law else ""
    grounds = "".join(
        f". Asked back and kept because {KEEP_REASONS[ground]}: {number}. A hold keeps it longer"
        for ground, number in row.kept_on.items()
    )
    category = row.category.replace("_", " ")
    return f"{category}: {count}, {days}{why}. {_capital(row.says)}{law}{grounds}"


def _counted(parts: int, notes: int, texts: int) -> str:
    """Return how many parts, own notes, and signed texts of consents there are."""
    words = (
        ("part", "parts", parts),
        ("own note", "own notes", notes),
        ("signed text of a consent", "signed texts of consents", texts),
    )
    counts = [f"{count} {one if count == 1 else more}" for one, more, count in words if count]
    return " and ".join(counts)


def _unproved(count: int) -> str:
    """Return that records are in no list yet, since the hub or the witnesses don't have them."""
    records = "1 own record isn't" if count == 1 else f"{count} own records aren't"
    return (
        f"{records} listed yet: the hub doesn't have it, or the witnesses haven't confirmed it. "
        "Until then it is kept, and nothing is signed"
    )


def hold_lines(hold: Hold, zone: ZoneInfo) -> list[str]:
    """Return what a hold, or its release, does."""
    if hold.released is None:
        return [
            f"on hold: {_hold(hold, zone)}",
            "nothing of this case is destroyed here until every hold on it is released, and the "
            "hold opens nothing",
        ]
    return [
        f"hold {hold.number} was released by {hold.released_by}",
        "what fell due meanwhile is destroyed by the next daily work, unless another hold stops it",
    ]


def _hold(hold: Hold, zone: ZoneInfo) -> str:
    day = f"{datetime.fromtimestamp(hold.time, zone):%Y-%m-%d}"
    return f"{HOLD_REASONS[hold.reason]}, since {day}, by {hold.by} (hold {hold.number})"


def ending_lines(preview: EndingPreview, zone: ZoneInfo) -> list[str]:
    """Return what a note of a cause would end, what stops it, and who would be told."""
    ending = preview.ending
    lines = [
        f"case {short(ending.case)}, to be noted by {ending.by}: {CAUSES[ending.cause]}, on "
        f"{ending.on}"
    ]
    if preview.is_early:
        lines.append(
            f"that is before {preview.first_heard}, when this agency first heard of the case"
        )
    if preview.ends:
        lines += ["it ends at this agency:", *(f"  {_row(row)}" for row in preview.ends)]
        lines.append(f"in all, it destroys {_in_all(preview)}")
        if uncounted := sum(row.parts for row in preview.ends) + preview.before - preview.counted:
            lines.append(
                f"{uncounted} of the parts only run the exchange, or correct what was asked back: "
                "the signed statement doesn't count them"
            )
    elif not preview.unproved:
        lines.append("the pack's rules end nothing of this case earlier for it")
    if preview.unproved:
        lines.append(_unproved(preview.unproved))
    grounds = dict.fromkeys(ground for row in preview.ends for ground in row.kept_on)
    if grounds and not preview.holds:
        lines += [f"LOOK OUT: {_kept_on(preview, ground)}" for ground in grounds]
    if preview.stays:
        lines += [
            "it doesn't end, for the reason beside each:",
            *(f"  {_row(row)}" for row in preview.stays),
        ]
    lines += [
        f"ON HOLD: {_hold(hold, zone)}. Nothing of this case is destroyed until it is released"
        for hold in preview.holds
    ]
    recipients = " and ".join(preview.recipients)
    lines.append(
        f"when nothing is left that it ends, this agency signs to {recipients}: the cause, its "
        f"day, how many parts are destroyed ({_stated(preview)}), and until when it keeps the "
        "others"
        if recipients
        else "nobody is told: this agency exchanged no record of the case with the person's case "
        "managers or counsel"
    )
    return lines


def _in_all(preview: EndingPreview) -> str:
    rows = preview.ends
    return _counted(
        sum(row.parts for row in rows),
        sum(row.notes for row in rows),
        sum(row.texts for row in rows),
    )


def _stated(preview: EndingPreview) -> str:
    """Return the number that the statement will state, and what it counts besides this note's."""
    before = f", {preview.before} of them before this note" if preview.before else ""
    return f"{preview.counted} as things are now{before}"


def _kept_on(preview: EndingPreview, ground: str) -> str:
    """Return that parts were kept on a ground, that this destroys them, and the hold to place."""
    number = sum(row.kept_on.get(ground, 0) for row in preview.ends)
    parts = "1 part was" if number == 1 else f"{number} parts were"
    reason = ground if ground in HOLD_REASONS else "REASON"
    return (
        f"{parts} asked back and kept here, because {KEEP_REASONS[ground]}. This note destroys "
        f"what was kept. If it must stay, place a hold first: `offramp agency hold DIR CASE "
        f"--reason {reason}`"
    )


def noted_lines() -> list[str]:
    """Return what follows from a note that was made."""
    return [
        "noted. Nothing is destroyed before tomorrow. If it was a mistake, withdraw it today with "
        "`--withdraw`",
    ]


def withdrawal_lines(ending: Ending) -> list[str]:
    """Return which note is to be withdrawn."""
    return [
        f"withdraw this note in case {short(ending.case)}: {_ending(ending)}",
        "what has been destroyed stays destroyed",
    ]


def _ending(ending: Ending) -> str:
    by = f"noted by {ending.by}" if ending.by is not None else "read in the records of the case"
    return f"{CAUSES[ending.cause]} on {ending.on} ({by})"


def unproved_lines(proof: SealingProof) -> list[str]:
    """Return what of the person's page isn't proved, why, and what to do."""
    lines = [
        f"{'asked back' if statement.obstacle == 'asked_back' else 'not proved yet'}, of "
        f"{statement.name} (record {statement.record[:8]}): {statement.reason}; {statement.fix}"
        for statement in proof.unproved
    ]
    if proof.silent:
        lines.append(f"signed nothing here: {', '.join(agency.name for agency in proof.silent)}")
    return lines


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
