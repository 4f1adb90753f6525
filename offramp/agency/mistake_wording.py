"""Mistakes in words: what corrections, recalls, and notes print."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from offramp.agency.cases.effects import RestingDecision
from offramp.agency.cases.form_terms import form_terms, question_text
from offramp.agency.cases.owed_corrections import Holder
from offramp.agency.cases.own_entries import OwnEntry
from offramp.agency.cases.told import ToldDetail
from offramp.agency.operations import (
    Correction,
    Effects,
    NotedFacts,
    Recall,
    RecallAnswer,
    SentCorrection,
)
from offramp.agency.wording import kind_text, sent_lines, value_text
from rules.author.spoken_dates import spoken_moment
from rules.shelf import vocabulary


def noted_lines(noted: NotedFacts, zone: ZoneInfo) -> list[str]:
    """List the noted facts, and the questions that they answered."""
    facts = ", ".join(f"{path} = {detail_text(value, zone)}" for path, value in noted.facts.items())
    return [
        f"noted: {facts}",
        *(f"answered {answer.recipient}: {noted.state}" for answer in noted.answers),
        *(line for correction in noted.corrections for line in sent_correction_lines(correction)),
        *(untold_line(holder) for holder in noted.untold),
    ]


def effects_lines(effects: Effects, zone: ZoneInfo) -> list[str]:
    """Show what follows from a correction: the holders, and the decisions to work out again."""
    lines = [f"{name}: {detail_text(value, zone)}" for name, value in effects.details.items()]
    for holder in effects.holders:
        before = detail_text(holder.holding.value, zone)
        effect = f"can't be told: {holder.why_not}" if holder.why_not else "is told"
        if not holder.why_not and holder.value != effects.details[holder.name]:
            told = detail_text(holder.value, zone)
            effect = f"is told {told}, and not the rest, which it was never told"
        kind = holder.holding.part.kind
        lines.append(f"  `{holder.agency}` has {holder.name} = {before} ({kind}); {effect}")
    changed = {holder.name for holder in effects.holders}
    lines += [
        f"  {name}: no agency is told. A correction tells an agency only what it was told before"
        for name in effects.details
        if name not in changed
    ]
    return lines + resting_lines(effects.decisions)


def resting_lines(decisions: Sequence[RestingDecision]) -> list[str]:
    """List the decisions that are worked out again, and the people who decided."""
    lines = []
    for resting in decisions:
        where = " and ".join(f"`{agency}`" for agency in resting.worked_out_at) or "nobody listed"
        made = (
            f". {resting.by} of `{resting.agency}` decided {resting.outcome}, and is asked to "
            "decide again"
            if resting.by
            else ""
        )
        lines.append(f"  `{resting.decision}` is worked out again at {where}{made}")
    return lines


def correction_lines(correction: Correction) -> list[str]:
    """Report a correction: its effects, and the agencies that were told or couldn't be."""
    lines = [line for sent in correction.sent for line in sent_correction_lines(sent)]
    untold = [untold_line(holder) for holder in correction.untold]
    return [*(lines or ["nobody had to be told"]), *untold]


def sent_correction_lines(correction: SentCorrection) -> list[str]:
    """Report one correction, and why the hub may have refused it."""
    names = ", ".join(correction.details)
    lines = [f"corrected {names} at `{correction.agency}`: {correction.state}"]
    if correction.is_refused:
        lines.append(
            f"  `{correction.agency}` still has the old value. The hub gives no reason. The person "
            "may have declined, left the program, or ended a consent, and this agency isn't told "
            "of that. Ask the case manager, then correct it again"
        )
    return lines


def untold_line(holder: Holder) -> str:
    """Name a holder that keeps an old value, and why it can't be told."""
    return (
        f"`{holder.agency}` keeps the old value of {holder.name}, and can't be told: "
        f"{holder.why_not}"
    )


def told_lines(details: Mapping[str, Sequence[ToldDetail]], zone: ZoneInfo) -> list[str]:
    """List what this agency told others, with the value of each recipient."""
    lines = []
    for name, holders in details.items():
        values = dict.fromkeys(detail_text(holder.value, zone) for holder in holders)
        for value in values:
            agencies = ", ".join(
                holder.agency for holder in holders if detail_text(holder.value, zone) == value
            )
            lines.append(f"  {name} = {value}   (told to {agencies})")
            label = detail_label(name)
            if label != name:
                lines.append(f"      {label}")
    return lines or ["this agency told others nothing in this case that it could correct"]


def detail_label(name: str) -> str:
    """Return the question that a detail answers: `encounter.drugs[0].grams` has its field's."""
    entry = re.fullmatch(r"(.+)\[([0-9]+)\]\.(.+)", name)
    facts, members = vocabulary().facts, form_terms().members
    if entry is not None and entry[1] in facts:
        field = facts[entry[1]].fields.get(entry[3])
        text = question_text(field.question, "en") if field else entry[3]
        return f"{int(entry[2]) + 1}. {text}"
    if name in facts:
        return question_text(facts[name].question, "en")
    return members[name].texts["en"] if name in members else name


def detail_text(value: Any, zone: ZoneInfo) -> str:
    """Return the value of a detail in words, a list without the ids of its entries."""
    if value is None:
        return "unknown"
    if isinstance(value, list | tuple) and all(isinstance(entry, dict) for entry in value):
        value = [
            {name: member for name, member in entry.items() if name != "id"} for entry in value
        ]
    return value_text(value, zone)


def recall_effects_lines(recall: Recall) -> list[str]:
    """Show what follows from a recall, before anything is sent."""
    lines = [
        f"{kind_text(entry.kind)} `{entry.record[:8]}` is asked back from "
        f"{', '.join(entry.recipients)}"
        for entry in recall.entries
    ]
    return lines + resting_lines(recall.decisions)


def recall_lines(recall: Recall) -> list[str]:
    """Report a recall, and the next steps."""
    lines = [line for record in recall.records for line in sent_lines(record)]
    if recall.queued:
        lines.append("what is still queued is asked back when the hub has it")
    lines += [
        f"`{agency}` left the directory and can't be asked: call it" for agency in recall.unreached
    ]
    return lines + _NEXT_STEPS[recall.reason]


_ENTER_AGAIN = "enter it again where it belongs, with `offramp agency send`"
_NEXT_STEPS = {
    "wrong_person": [_ENTER_AGAIN],
    "wrong_case": [_ENTER_AGAIN],
    "wrong_recipient": [
        "if there is no answer after two days, `offramp agency tasks` says to call"
    ],
    "duplicate": [],
    "not_agreed": ["end the consent too, if there is one: `offramp agency revoke`"],
    "mistaken_exit": [
        "the case is open again at every agency that was told of the exit",
        "a recall gives no permission back: counsel states again that it represents the person, "
        "and police tell more about the scene by the person's consent or after a new referral",
    ],
}


def recall_answer_lines(answer: RecallAnswer) -> list[str]:
    """Report the answer to a recall."""
    count = len(answer.parts)
    parts = "1 part" if count == 1 else f"{count} parts"
    issuers = ", ".join(f"`{issuer}`" for issuer in answer.issuers)
    done = (
        f"kept {parts} of {issuers} ({answer.reason}); it counts for nothing in the case"
        if answer.reason
        else f"deleted {parts} of {issuers}"
    )
    return [done, *(line for record in answer.records for line in sent_lines(record))]


def own_entries_lines(entries: Sequence[OwnEntry], zone: ZoneInfo) -> list[str]:
    """List the records that this agency can ask back."""
    return [f"  {entry_text(entry, zone)}" for entry in entries] or [
        "this agency sent nothing in this case that it could ask back"
    ]


def entry_text(entry: OwnEntry, zone: ZoneInfo) -> str:
    """Return a record in a list: its id, its local time, its kind, and its recipients."""
    at, about = spoken_moment(entry.time, zone), kind_text(entry.kind)
    recipients = ", ".join(entry.recipients)
    return f"{entry.record[:8]}  {at}  {about} ({entry.kind}), told to {recipients}"
