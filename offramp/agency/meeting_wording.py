"""The partners' meeting in words: the lines that its commands print."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from offramp.agency.cases.meeting import WITH_POLICE, WITHOUT_POLICE, Agenda, Item, month_and_day
from offramp.agency.operations import (
    Meeting,
    Preparation,
    RecordedMeeting,
    SentStatus,
    StatusDraft,
)
from offramp.agency.short_handles import short
from rules.shelf import vocabulary

_PARTS = {
    WITH_POLICE: "with police in the room",
    WITHOUT_POLICE: "without police in the room",
}

_SAYS: Mapping[str, tuple[str, str]] = {
    "status": ("Status: {words}", "Estado: {words}"),
    "areas": ("In the way: {words}", "Obstáculos: {words}"),
    "goals": ("Goals: {words}", "Metas: {words}"),
    "to": ("  told to: {agencies}", "  lo recibe: {agencies}"),
    "not_to": ("  not told to: {agencies}", "  no lo recibe: {agencies}"),
    "nobody": ("nobody", "nadie"),
    "sent": ("status `{record}`: {state}", "estado `{record}`: {state}"),
}
_FIELDS = {"engagement": ("status", "engagement"), "areas": ("areas", "area_of_life")} | {
    "goals": ("goals", "area_of_life")
}


_NO_CASE = "There is no case to discuss."


def meeting_lines(meeting: Meeting) -> list[str]:
    """Show a board. It never counts or names a case that it leaves out."""
    zone = ZoneInfo(meeting.zone)
    if meeting.present:
        lines = [
            f"The meeting, {_PARTS[meeting.part]}: {', '.join(meeting.present)}",
            "Everybody in this room may see what is here.",
        ]
    else:
        lines = [f"The meeting, as `{meeting.agency}` alone may see it"]
    for case in meeting.cases:
        lines += ["", *_case_lines(case, zone)]
    if not meeting.cases:
        nothing = "No case can be shown to everybody here." if meeting.present else _NO_CASE
        lines += ["", nothing]
    if meeting.next_present:
        rest = ",".join(meeting.next_present)
        lines += ["", f"When police have left, show the second part: `--present {rest}`"]
    for left_out in meeting.off_board or ():
        agencies = ", ".join(left_out.withheld_from)
        name = f" {left_out.name}" if left_out.name else ""
        lines.append(f"Off the board: case {short(left_out.case)}{name}: nothing for {agencies}")
    if meeting.off_board == ():
        lines.append("Off the board: no case")
    return lines


def _case_lines(case: Agenda, zone: ZoneInfo) -> list[str]:
    name = f"  {case.name}" if case.name else ""
    return [
        f"case {short(case.case)}{name}",
        *(f"  {_item_line(item, zone)}" for item in case.items),
    ]


def _item_line(item: Item, zone: ZoneInfo) -> str:
    owner = f" ({item.owner.replace('_', ' ')})" if item.owner and item.about != "decision" else ""
    due = f" By {_day(item.due, zone)}." if item.due else ""
    return f"{item.what}{owner}{due}"


def _day(due: str, zone: ZoneInfo) -> str:
    """Return a UTC time or a day as `June 16`, in the program's zone."""
    if len(due) == 10:
        return month_and_day(date.fromisoformat(due))
    moment = datetime.fromisoformat(due.replace("Z", "+00:00")).replace(tzinfo=UTC)
    return month_and_day(moment.astimezone(zone).date())


def preparation_lines(preparation: Preparation) -> list[str]:
    """Say who was asked for the status, or on which day that will be done."""
    meeting, asks = (
        month_and_day(date.fromisoformat(day))
        for day in (preparation.meeting_on, preparation.asks_on)
    )
    if not preparation.has_asked:
        return [
            f"The meeting is on {meeting}. The gateway asks for the status on {asks}, two working "
            "days before, while `serve` runs."
        ]
    lines = [f"The meeting is on {meeting}."]
    lines += [
        f"asked {', '.join(agencies)} for the status of case {short(case)}"
        for case, agencies in preparation.asked.items()
    ]
    lines += [
        f"your own status is due: `offramp agency report-status DIR {short(case)}`"
        for case in preparation.owed
    ]
    lines += [
        f"case {short(case)}: the rules let you ask no case manager here; call them"
        for case in preparation.unreachable
    ]
    return lines if len(lines) > 1 else [*lines, "Nobody is left to ask."]


def status_draft_lines(draft: StatusDraft, language: str) -> list[str]:
    """Show exactly what would be told, to whom, and to whom not."""
    column = language == "es"
    lines = []
    for part in draft.parts:
        category = part.category[0]
        for member, value in part.content[category].items():
            label, field = _FIELDS[member]
            words = vocabulary().closed_words[field]
            chosen = [value] if isinstance(value, str) else value
            text = ", ".join(words[word][column] for word in chosen)
            lines.append(_SAYS[label][column].format(words=text))
        lines.append(_SAYS["to"][column].format(agencies=_listed(sorted(part.to), column)))
        untold = _listed(draft.untold[category], column)
        lines.append(_SAYS["not_to"][column].format(agencies=untold))
    return lines


def _listed(agencies: Sequence[str], column: int) -> str:
    return ", ".join(agencies) or _SAYS["nobody"][column]


def sent_status_lines(sent: SentStatus, language: str) -> list[str]:
    """Say what was told to whom, and the state of the record."""
    column = language == "es"
    state = _SAYS["sent"][column].format(record=sent.record, state=sent.state)
    return [*status_draft_lines(sent.draft, language), state]


def recorded_lines(recorded: RecordedMeeting) -> list[str]:
    """List the steps, each with the agencies that were told, or with who sees to it."""
    lines = [f"recorded for case {short(recorded.case)}"]
    for step in recorded.steps:
        until = f", by {month_and_day(date.fromisoformat(step.until))}" if step.until else ""
        owner = step.owner.replace("_", " ")
        told = _told_line(recorded.recipients.get(step.step, ()), recorded.state)
        if step.step in recorded.for_recorder:
            told += f". No agency in the role {owner} may be told, so it is on your own list"
        lines.append(f"  {step.words('en')} ({owner}{until}): {told}")
    if not recorded.steps:
        lines.append("  nothing was agreed on")
    reviewed = _told_line(recorded.reviewed_to, recorded.state)
    return [*lines, f"  that the case was reviewed: {reviewed}"]


def _told_line(agencies: Sequence[str], state: str) -> str:
    if not agencies:
        return "kept here: nobody may be told"
    return f"told to {', '.join(agencies)}: {state}"
