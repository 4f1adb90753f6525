"""Mistakes in words: what corrections, recalls, and notes print."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from offramp.agency.cases.effects import RestingDecision
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.owed_corrections import Holder
from offramp.agency.cases.own_entries import OwnEntry
from offramp.agency.cases.pack_terms import PackTerms
from offramp.agency.cases.retention import SEALED
from offramp.agency.cases.told import ToldDetail
from offramp.agency.fact_words import fact_text
from offramp.agency.folder.retention_state import HOLD_REASONS
from offramp.agency.operations import (
    KEEP_REASONS,
    Consequences,
    Correctable,
    Correction,
    Effects,
    NamePreview,
    NotedFacts,
    Recall,
    RecallAnswer,
    SentCorrection,
)
from offramp.agency.short_handles import short
from offramp.agency.wording import kind_text, sent_lines
from rules.author.spoken_dates import spoken_moment
from rules.frozen import frozen

ODD_ORDER = "Something above is unusual. Send it so?"


@frozen
class Details:
    """The words of details: of facts those of the adopted pack, and local times in `zone`."""

    terms: PackTerms
    zone: ZoneInfo

    def label(self, name: str) -> str:
        """Return the question that a detail answers, of an entry's field with its number."""
        entry = re.fullmatch(r"(.+)\[([0-9]+)\]\.(.+)", name)
        label = self.terms.question(name, "en")
        if label == name:  # a member without a question
            return name.partition(".")[2].replace("_", " ") or name
        return f"{int(entry[2]) + 1}. {label}" if entry is not None else label

    def value(self, name: str, value: Any) -> str:
        """Return the value of a detail in words."""
        if value is None:
            return "no such entry" if name.endswith("]") else "unknown"
        return fact_text(name, value, "en", self.zone, self.terms)


def noted_lines(noted: NotedFacts, words: Details) -> list[str]:
    """List the noted facts, and the questions that they answered."""
    return [
        *(
            f"noted: {words.label(path)} {words.value(path, value)}"
            for path, value in noted.facts.items()
        ),
        *(f"answered {answer.recipient}: {noted.state}" for answer in noted.answers),
        *sent_corrections_lines(noted.corrections, words),
        *(untold_line(holder, words) for holder in noted.untold),
    ]


def effects_lines(effects: Effects, words: Details) -> list[str]:
    """Show what follows from a correction: the holders, and the decisions to work out again.

    Nothing is claimed to be told yet: this agency may not know of an exit, and the hub does.
    """
    lines = []
    for name, value in effects.details.items():
        lines.append(f"{words.label(name)}  {words.value(name, value)}")
        holders = [holder for holder in effects.holders if holder.name == name]
        lines += [_holder_line(holder, effects, words) for holder in holders]
        if not holders:
            lines.append("  no agency is told. A correction tells only what was told before")
        lines += [
            f"  `{other.agency}` itself states {words.value(name, other.value)}, which stays so. "
            f"Only `{other.agency}` corrects that"
            for other in effects.others
            if other.name == name
        ]
    if any(holder.why_not is None for holder in effects.holders):
        lines.append("  each of them that passed it on is asked to correct it there")
    lines += [f"LOOK AGAIN: {odd.text('en')}" for odd in effects.odd]
    if (age := effects.age_to_correct) is not None:
        command = f"`offramp agency correct DIR {short(effects.case)} person.age={age}`"
        lines.append(f"  then correct the age: {command}")
    return lines + [f"  then {line}" for line in _resting_texts(effects.decisions)]


def _holder_line(holder: Holder, effects: Effects, words: Details) -> str:
    before = "; ".join(words.value(change.name, change.before) for change in holder.differences)
    after = "; ".join(words.value(change.name, change.after) for change in holder.differences)
    effect = (
        f"can't be told: {holder.why_not} To ask it back: `agency recall DIR CASE wrong-fact "
        f"--detail {holder.name} --to {holder.agency}`"
        if holder.why_not
        else f"will be told {after}, if the hub passes it"
    )
    informed = {change.name for change in holder.differences}
    corrected = {change.name for change in effects.differences if is_of(change.name, holder.name)}
    if not holder.why_not and corrected - informed:
        effect += ", and not the rest, which it was never told"
    return f"  `{holder.agency}` was told {before}; {effect}"


def is_of(name: str, detail: str) -> bool:
    """Return True if a name is a detail's, or that of an entry or a field of its list."""
    return name == detail or name.startswith(f"{detail}[")


def resting_lines(decisions: Sequence[RestingDecision]) -> list[str]:
    """List the decisions that are worked out again, and the people who decided."""
    return [f"  {line}" for line in _resting_texts(decisions)]


def _resting_texts(decisions: Sequence[RestingDecision]) -> list[str]:
    lines = []
    for resting in decisions:
        where = " and ".join(f"`{agency}`" for agency in resting.worked_out_at)
        outcome = form_terms().decided_label(resting.decision, resting.outcome, "en")
        made = (
            f". {resting.by} of `{resting.agency}` decided: {outcome}, and is asked to decide again"
            if resting.by
            else ""
        )
        again = f"is worked out again at {where}" if resting.worked_out_at else "reads this"
        lines.append(f"`{resting.decision}` {again}{made}")
    return lines


def correction_lines(correction: Correction, words: Details) -> list[str]:
    """Report a correction: the agencies that were told, refused by the hub, or couldn't be told."""
    lines = sent_corrections_lines(correction.sent, words)
    untold = [untold_line(holder, words) for holder in correction.untold]
    return [*(lines or ["nobody had to be told"]), *untold]


def sent_corrections_lines(sent: Sequence[SentCorrection], words: Details) -> list[str]:
    """Report corrections, and once why the hub may have refused some of them."""
    lines = []
    for correction in sent:
        labels = "; ".join(words.label(name) for name in correction.details)
        lines.append(f"corrected at `{correction.agency}`: {correction.state} ({labels})")
        if correction.is_refused:
            lines[-1] = f"NOT corrected at `{correction.agency}`: {correction.state} ({labels})"
    refused = [correction for correction in sent if correction.is_refused]
    if refused:
        agencies = ", ".join(f"`{correction.agency}`" for correction in refused)
        verb = "has" if len(refused) == 1 else "have"
        lines.append(
            f"  {agencies} still {verb} the old value. The hub gives no reason. The person "
            "may have declined, left the program, or ended a consent, and this agency isn't told "
            "of that. Ask the case manager, then correct it again. Or ask back what is wrong, so "
            "that it counts no longer:"
        )
        lines += [
            f"  `agency recall DIR CASE wrong-fact --detail {name} --to {correction.agency}`"
            for correction in refused
            for name in correction.details
        ]
    return lines


def untold_line(holder: Holder, words: Details) -> str:
    """Name a holder that keeps an old value, and why it can't be told."""
    return (
        f"`{holder.agency}` keeps the old value and can't be told: {holder.why_not} "
        f"({words.label(holder.name)}). To ask it back, so that it counts no longer: "
        f"`agency recall DIR CASE wrong-fact --detail {holder.name} --to {holder.agency}`"
    )


def told_lines(
    details: Mapping[str, Sequence[ToldDetail]],
    correctable: Sequence[Correctable],
    words: Details,
) -> list[str]:
    """List what this agency told others, and how a command names each detail."""
    lines = []
    for name, holders in details.items():
        by_value: dict[str, list[str]] = {}
        for holder in holders:
            by_value.setdefault(words.value(name, holder.value), []).append(holder.agency)
        lines += [
            f"  {words.label(name)}  {value}   (told to {', '.join(agencies)})"
            for value, agencies in by_value.items()
        ]
        fields = [each for each in correctable if each.name.startswith(f"{name}[")]
        lines += [f"      `{each.name}=`  {each.label}  {each.value}" for each in fields]
        lines.append(f"      to correct it, write `{name}=` and what is right")
        if fields:
            entry = fields[-1].name.rpartition(".")[0]
            lines[-1] = f"      to correct one, write its name and what is right, or `{entry}=none`"
    return lines or ["this agency told others nothing in this case that it could correct"]


def recall_effects_lines(recall: Recall) -> list[str]:
    """Show what follows from a recall, before anything is sent."""
    lines = [
        f"record `{entry.record[:8]}` ({kind_text(entry.kind)}) is asked back from "
        f"{', '.join(entry.recipients)}"
        for entry in recall.entries
    ]
    lines += [
        f"the statement on `{cause}` (record `{record[:8]}`) relied on it: how many parts were "
        "destroyed counts again when you have stated this one anew, or both if this cause was wrong"
        for cause, record in recall.relying.items()
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
    if any(entry.kind == SEALED for entry in recall.entries):
        return [*lines, _STATE_AGAIN]
    return lines + _NEXT_STEPS[recall.reason]


_ENTER_AGAIN = "enter it again where it belongs, with `offramp agency send DIR KIND FILE`"
_STATE_AGAIN = (
    "the statement doesn't count any more. If the cause or its day was wrong, withdraw the note "
    "with `offramp agency seal DIR CASE CAUSE --withdraw` and note what is right: the daily work "
    "then signs it anew"
)
_NEXT_STEPS = {
    "wrong_person": [_ENTER_AGAIN],
    "wrong_case": [_ENTER_AGAIN],
    "wrong_recipient": [
        "if there is no answer after two days, `offramp agency tasks` says to call"
    ],
    "duplicate": [],
    "not_agreed": ["end the consent too, if there is one: `offramp agency revoke DIR CASE`"],
    "wrong_fact": [
        "what is asked back counts nowhere, as soon as the recall arrives",
        "state the rest of it anew: `offramp agency tasks DIR` names the command",
    ],
    "mistaken_representation": [
        "this office is counsel in this case no longer, and gets nothing more of it",
    ],
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
        f"kept {parts} of {issuers}, because {KEEP_REASONS[answer.reason]}. It counts for nothing "
        "in the case"
        if answer.reason
        else f"deleted {parts} of {issuers}"
    )
    if answer.reason is not None:
        reason = answer.reason if answer.reason in HOLD_REASONS else "REASON"
        lasts = (
            "it still ends on its last day, and when a charge ends. To keep it longer, a "
            f"supervisor places a hold: `offramp agency hold DIR CASE --reason {reason}`"
        )
        return [done, lasts, *(line for record in answer.records for line in sent_lines(record))]
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


def name_lines(preview: NamePreview) -> list[str]:
    """List what follows from another name of the person, before it is corrected."""
    return [
        f"the person's name here: {preview.name}",
        *_name_holders(preview.consequences),
        *(
            f"{other.agency} states `{other.name}`, and only {other.agency} corrects that"
            for other in preview.others
        ),
    ]


def corrected_name_lines(name: str, done: Consequences, *, waits: bool) -> list[str]:
    """Say that a name is corrected, and which agencies were told."""
    lines = [f"the person's name here is {name}", *_name_holders(done)]
    return [*lines, "not at the hub yet: it goes by itself"] if waits else lines


def _name_holders(consequences: Consequences) -> list[str]:
    recipients = [f"told: {line}" for line in consequences.recipients]
    untold = [f"not told: {line}" for line in consequences.untold]
    return [*(recipients or ["no agency is told"]), *untold]
