"""What follows from a correction or a recall, in the words of a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.records.finer_words import FINER
from offramp.agency.cases.caseload import case_of
from offramp.agency.cases.effects import RestingDecision
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.list_changes import fields_of, is_list
from offramp.agency.cases.owed_corrections import (
    QUEUED_FIRST,
    Holder,
    holders_of_earlier_facts,
    owed_corrections,
    stated_anew,
)
from offramp.agency.cases.pack_terms import pack_terms
from offramp.agency.cases.refusals import series
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import OWN, needs
from offramp.agency.operations.mistakes import Correction, Effects, list_told
from offramp.agency.operations.recalls import Recall, list_own_entries
from offramp.agency.operations.telling import agency_names
from offramp.agency.operations.value_words import ValueWords
from rules.frozen import frozen
from rules.shelf import vocabulary

_KIND_OF = {"mistaken_exit": "exit"}


@frozen
class Consequences:
    """The agencies that are told or asked, and what follows.

    `recipients` and `untold` are lines with their names. `uncorrected` are the holders of a wrong
    detail that no record may tell now: each agency, its name, and the name of the detail. `new` is
    the new value of a correction in words, empty for a recall. `lines` are the records of a recall.
    `decisions` are to be looked at again. `others` are sentences on what other agencies state of
    the same detail, which a correction leaves as it is. `left_out` says what of a changed list
    agencies don't get, and why.
    """

    recipients: tuple[str, ...]
    untold: tuple[str, ...]
    decisions: tuple[str, ...]
    new: str = ""
    lines: tuple[str, ...] = ()
    uncorrected: tuple[tuple[str, str, str], ...] = ()
    others: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@frozen
class EntryLine:
    """An own record that can be asked back: what it says, when it went, and to whom.

    `recipients` are the names of the agencies in `to`, in the same order.
    """

    record: str
    line: str
    time: int
    to: tuple[str, ...]
    recipients: tuple[str, ...]


@needs(OWN)
def describe_effects(office: Office, effects: Effects) -> Consequences:
    """Return what follows from a correction, in words, before it is sent."""
    words = _words_of(office)
    informed = _by_agency(holder for holder in effects.holders if holder.why_not is None)
    return Consequences(
        tuple(words.plan(agency, holders) for agency, holders in informed.items()),
        _untold(effects.holders, words),
        tuple(_looked_at_again(effects.decisions, words.names)),
        _new_value(effects, words),
        uncorrected=_uncorrected(effects.holders, words),
        others=tuple(
            f"{name} itself states {words.value(other.name, other.value)}, which stays so. Only "
            f"{name} corrects that."
            for other in effects.others
            for name in (words.agency(other.agency),)
        ),
        left_out=tuple(_left_out(office, effects, words)),
    )


def _left_out(office: Office, effects: Effects, words: _Words) -> Iterator[str]:
    """Yield what of a changed list other agencies don't get, and why.

    INVARIANT of corrections: a recipient is told only kinds of details that it was told before.
    """
    disclosed = list_told(office, effects.case)
    for path, change in effects.changes.items():
        lists = {holding.agency: holding.value for holding in disclosed.get(path, ())}
        lists |= {
            holder.agency: holder.value
            for holder in effects.holders
            if holder.name == path and holder.why_not is None
        }
        stated = {
            f"“{words.values.terms.question(f'{path}.{field}', 'en')}” "
            f"{words.values.text(f'{path}.{field}', value)}": field
            for fields in change.entries.values()
            for field, value in (fields or {}).items()
            if value is not None and field not in ("id", FINER)
        }
        for text, field in stated.items():
            lacking = [
                words.agency(agency)
                for agency, entries in lists.items()
                if is_list(entries) and field not in fields_of(entries)
            ]
            if lacking:
                yield (
                    f"Not told to {series(lacking)}: {text}. A correction tells an agency only "
                    "what it was told before, and it never was told this detail. It gets it if it "
                    "asks."
                )
        never = [name for agency, name in words.names.items() if agency not in lists]
        own = words.agency(office.agency)
        if others := sorted(name for name in never if name != own):
            yield f"{series(others)} get nothing: your agency never told them this list."


@needs(OWN)
def describe_correction(office: Office, made: Correction) -> Consequences:
    """Return what was done by a correction, in words: a recipient has it when the hub took it."""
    words = _words_of(office)
    holders = made.effects.holders
    informed = _by_agency(holder for holder in holders if holder.why_not is None)
    told_lines, untold_lines = [], []
    for sent in made.sent:
        if sent.agency not in informed:
            continue  # it was owed an earlier correction
        name, changed = words.agency(sent.agency), informed[sent.agency]
        before = words.before(changed)
        if sent.is_refused:
            untold_lines.append(
                f"{name} still has {before}. The hub refused the correction and gives no reason. "
                "Ask the case manager, and correct it again."
            )
        else:
            told_lines.append(words.done(sent.agency, changed))
    refused = [
        holder for sent in made.sent if sent.is_refused for holder in informed.get(sent.agency, ())
    ]
    return Consequences(
        tuple(told_lines),
        (*untold_lines, *_untold(holders, words)),
        tuple(_looked_at_again(made.effects.decisions, words.names)),
        _new_value(made.effects, words),
        uncorrected=(*_uncorrected(refused, words, always=True), *_uncorrected(holders, words)),
    )


@frozen
class _Words:
    """The words of agencies and of their values."""

    names: Mapping[str, str]
    values: ValueWords

    def agency(self, agency: str) -> str:
        return self.names.get(agency, agency)

    def value(self, name: str, value: Any) -> str:
        if value is None:
            return "no such entry" if name.endswith("]") else "“not known”"
        return f"“{self.values.text(name, value)}”"

    def plan(self, agency: str, holders: Sequence[Holder]) -> str:
        """Return what a recipient gets in place of what it has: one more entry takes no place."""
        name, before, after = self.agency(agency), self.before(holders), self.after(holders)
        entries = [
            change
            for holder in holders
            for change in holder.differences
            if change.name.endswith("]")
        ]
        if entries and len(entries) == sum(len(holder.differences) for holder in holders):
            if all(change.before is None for change in entries):
                return f"{name} gets {after}"
            if all(change.after is None for change in entries):
                return f"{name} is told that {before} was a mistake"
        return f"{name} was told {before}, and gets {after}"

    def done(self, agency: str, holders: Sequence[Holder]) -> str:
        """Return what a recipient was told in place of what it had."""
        name, before, after = self.agency(agency), self.before(holders), self.after(holders)
        changes = [change for holder in holders for change in holder.differences]
        if all(change.name.endswith("]") for change in changes):
            if all(change.before is None for change in changes):
                return f"{name}, {after}"
            if all(change.after is None for change in changes):
                return f"{name}, that {before} was a mistake"
        return f"{name}, {after} in place of {before}"

    def before(self, holders: Iterable[Holder]) -> str:
        changed = (change for holder in holders for change in holder.differences)
        return " and ".join(self.value(change.name, change.before) for change in changed)

    def after(self, holders: Iterable[Holder]) -> str:
        changed = (change for holder in holders for change in holder.differences)
        return " and ".join(self.value(change.name, change.after) for change in changed)


def _words_of(office: Office) -> _Words:
    working_set = office.working_set()
    terms = pack_terms(office.program(working_set).pack)
    zone = working_set.gateway.history.newest.zone
    return _Words(agency_names(working_set), ValueWords(terms, zone))


def _by_agency(holders: Iterable[Holder]) -> Mapping[str, list[Holder]]:
    by_agency: dict[str, list[Holder]] = {}
    for holder in holders:
        by_agency.setdefault(holder.agency, []).append(holder)
    return by_agency


def _untold(holders: Iterable[Holder], words: _Words) -> tuple[str, ...]:
    """Return a line for each recipient that keeps a wrong value, with the reason."""
    lines: dict[str, None] = {}
    for holder in holders:
        name, before = words.agency(holder.agency), words.before((holder,))
        if holder.why_not == QUEUED_FIRST:
            lines[f"{name}, which gets {before} first: {holder.why_not}"] = None
        elif holder.why_not is not None:
            still = f"{name} still has {before}, and no record may tell it the right one now."
            if all(
                change.before is None and change.name.endswith("]") for change in holder.differences
            ):
                still = f"{name} lacks this entry, and no record may tell it now."
            lines[f"{still} {holder.why_not}"] = None
    return tuple(lines)


def _uncorrected(
    holders: Iterable[Holder], words: _Words, *, always: bool = False
) -> tuple[tuple[str, str, str], ...]:
    """Return the recipients that may be asked to give the detail back."""
    return tuple(
        dict.fromkeys(
            (holder.agency, words.agency(holder.agency), holder.name)
            for holder in holders
            if always or holder.why_not not in (None, QUEUED_FIRST)
        )
    )


def _new_value(effects: Effects, words: _Words) -> str:
    changed = [(each.name, each.after) for each in effects.differences] or effects.details.items()
    return "; ".join(
        "Removed" if value is None and name.endswith("]") else words.values.text(name, value)
        for name, value in changed
    )


@needs(OWN, look="case")
def describe_old_values(office: Office, case: str) -> Consequences:
    """Return the agencies with an old value that no record may tell them the right one, in words.

    Each may be asked to give it back.
    """
    working_set, words = office.working_set(), _words_of(office)
    case_of(working_set, case)
    now, zone = office.clock(), working_set.gateway.history.newest.zone
    today = day_of(working_set.gateway.hub_time(now), zone).isoformat()
    owed = owed_corrections(working_set, case, bytes, today, now)
    earlier = stated_anew(working_set, case, today)
    holders = (
        *(holder for correction in owed for holder in correction.holders),
        *holders_of_earlier_facts(working_set, case, earlier, today, now),
    )
    return Consequences((), _untold(holders, words), (), uncorrected=_uncorrected(holders, words))


@needs(OWN)
def describe_recall(office: Office, recall: Recall) -> Consequences:
    """Return what follows from a recall, in words."""
    names = agency_names(office.working_set())
    kinds = vocabulary().kinds
    unreached = {names.get(agency, agency) for agency in recall.unreached}
    asked_agencies = tuple(names.get(agency, agency) for agency in recall.recipients)
    return Consequences(
        tuple(name for name in asked_agencies if name not in unreached),
        tuple(f"{name} left the exchange: call it" for name in sorted(unreached)),
        tuple(_looked_at_again(recall.decisions, names)),
        lines=tuple(dict.fromkeys(kinds[entry.kind].line for entry in recall.entries)),
    )


def _looked_at_again(
    decisions: Iterable[RestingDecision], names: Mapping[str, str]
) -> Iterable[str]:
    terms = vocabulary().decisions
    for resting in decisions:
        asks = terms[resting.decision].asks if resting.decision in terms else resting.decision
        where = " and ".join(names.get(agency, agency) for agency in resting.worked_out_at)
        text = f"{asks} It is worked out again{f' at {where}' if where else ''}."
        if resting.by:
            by = names.get(str(resting.agency), str(resting.agency))
            text += f" {resting.by}, {by}, is asked to decide again."
        yield text


@needs(OWN, look="list")
def describe_own_entries(office: Office, case: str, reason: str) -> tuple[EntryLine, ...]:
    """Return the own records that can be asked back for a reason, the newest first."""
    names = agency_names(office.working_set())
    kinds = vocabulary().kinds
    return tuple(
        EntryLine(
            entry.record,
            kinds[entry.kind].line,
            entry.time,
            entry.recipients,
            tuple(names.get(agency, agency) for agency in entry.recipients),
        )
        for entry in reversed(list_own_entries(office, case))
        if _KIND_OF.get(reason, entry.kind) == entry.kind
    )


def retyped(recall: Recall) -> dict[str, Any] | None:
    """Return what an asked-back record said as a form's typed answers, to send where it belongs.

    Lists are left out. None if no form sends such a record about a case.
    """
    kinds = {entry.kind for entry in recall.entries}
    form = next(
        (
            form
            for form in form_terms().forms.values()
            if {form.kind.name} == kinds and not form.begins and form.name != "answer"
        ),
        None,
    )
    if form is None:
        return None
    typed: dict[str, list[str]] = {}
    for part in recall.draft["parts"]:
        for category, members in part["content"].items():
            details = {**members, **members.get("facts", {})}
            for name, value in details.items():
                path = name if name in (members.get("facts") or {}) else f"{category}.{name}"
                if isinstance(value, bool):
                    typed[path] = ["yes" if value else "no"]
                elif isinstance(value, (str, int, float)):
                    typed[path] = [str(value)]
    return {"form": form.name, "typed": typed}
