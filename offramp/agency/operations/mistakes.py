"""Correct what was sent, and show before what follows: holders, and decisions to work out again."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.records.finer_words import own_form, shared_form
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.case_entry import same_value
from offramp.agency.cases.caseload import case_of, handles
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.effects import RestingDecision, decisions_that_read
from offramp.agency.cases.moments import OddMoment, moments_of, refuse_odd, states_the_past
from offramp.agency.cases.owed_corrections import (
    Holder,
    OwedCorrection,
    correct_holders,
    old_values,
    owed_corrections,
    value_for,
)
from offramp.agency.cases.pack_terms import terms_of
from offramp.agency.cases.told import (
    ToldDetail,
    corrected_details,
    may_be_asked_for,
    told_details,
)
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_together
from offramp.agency.operations.access import OWN, needs
from offramp.agency.operations.changes import check_unchanged
from offramp.agency.operations.recalls import deliver_recalls
from rules.errors import nearest
from rules.frozen import frozen
from rules.input.facts import read_facts
from rules.input.printing import plain
from rules.input.vocabulary import Vocabulary, nested


@frozen
class Effects:
    """What follows from a correction, before anything is sent.

    `details` are the new values by name, None for a withdrawn value. `holders` are the recipients
    that have an old one. `decisions` rest on what changes. `seen_at` is the journal's last event
    when this was worked out. `odd` are new moments in an unusual order, which a person confirms.
    """

    case: str
    details: Mapping[str, Any]
    holders: tuple[Holder, ...]
    decisions: tuple[RestingDecision, ...]
    seen_at: int | None = None
    odd: tuple[OddMoment, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency correct --dry-run`."""
        return {
            "case": self.case,
            "details": dict(self.details),
            "holders": [holder.as_json() for holder in self.holders],
            "decisions": [decision.as_json() for decision in self.decisions],
            "odd": [moment.text("en") for moment in self.odd],
        }


@frozen
class SentCorrection:
    """A correction to one recipient: the record, the names of the details, and its state."""

    record: str
    agency: str
    details: tuple[str, ...]
    state: str

    @property
    def is_refused(self) -> bool:
        """True if the hub refused it, so that the recipient still has the old value."""
        return self.state.startswith("refused")

    def as_json(self) -> dict[str, Any]:
        """Return the correction's JSON in `offramp agency correct` and `note`."""
        return {
            "id": self.record,
            "to": self.agency,
            "details": list(self.details),
            "state": self.state,
        }


@frozen
class Correction:
    """A correction: its effects, the records that tell it, and the holders that weren't told."""

    effects: Effects
    sent: tuple[SentCorrection, ...]
    untold: tuple[Holder, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency correct`."""
        return {
            **self.effects.as_json(),
            "corrections": [correction.as_json() for correction in self.sent],
            "untold": [holder.as_json() for holder in self.untold],
        }


@needs(OWN, look="case")
def list_told(office: Office, case: str) -> Mapping[str, tuple[ToldDetail, ...]]:
    """Return what this agency told other agencies in a case, by the name of each detail.

    These are the details that can be corrected, with the value that each recipient has. Raises
    `AgencyError` `no-such-case`, `no-directory`.
    """
    working_set = office.working_set()
    case_of(working_set, case)
    return told_details(working_set, case, _today(office, working_set))


@needs(OWN, look="case")
def effects(office: Office, case: str, details: Mapping[str, Any]) -> Effects:
    """Return what follows from a correction. Nothing is sent or kept.

    `details` have the new value by the name of each detail, as JSON holds it, None for unknown.
    Raises as `correct`.
    """
    with office.transaction() as working_set:
        return _effects_in(office, working_set, case, details)


@needs(OWN, look="act", takes=True)
def correct(
    office: Office,
    actor: str,
    case: str,
    details: Mapping[str, Any],
    *,
    seen_at: int | None = None,
    although_odd: bool = False,
) -> Correction:
    """Correct details that this agency told others, and tell everybody who holds an old value.

    A recipient is told only what it was told before, on the same terms, and only if the rules still
    permit it. `untold` names the others. What isn't named stands as it was. Corrections that the
    hub refused before are tried once more. `seen_at` is that of the effects that the person read.
    Odd moments are stated only with `although_odd`: a person confirmed them.

    Raises `AgencyError` `case-changed`, `never-told`, `nothing-to-correct`, `odd-day`,
    `no-such-case`, `no-directory`; `FactsError`, so `not-yet`, `wrong-year`, `out-of-order` for a
    moment that can't be; `ContentError` `wrong-content`.
    """
    with office.transaction() as working_set:
        check_unchanged(office, working_set, case, seen_at)
        planned = _effects_in(office, working_set, case, details)
        refuse_odd(() if although_odd else planned.odd)
        keep_correction(office, working_set, case, planned.details, actor)
        owed = owed_corrections(
            working_set,
            case,
            office.random,
            _today(office, working_set),
            office.clock(),
            again=True,
        )
        composed = _compose(office, working_set, case, owed)
    return Correction(planned, send_corrections(office, composed), untold_in(owed))


def _effects_in(
    office: Office, working_set: WorkingSet, case: str, details: Mapping[str, Any]
) -> Effects:
    case_view = case_of(working_set, case)
    today, now = _today(office, working_set), office.clock()
    disclosed = told_details(working_set, case, today)
    _check_not_asked_back(working_set, case, disclosed, details)
    values = _read_details(disclosed, details, terms_of(working_set).vocabulary)
    program = office.program(working_set)
    moments = moments_of(working_set, program.pack, CORRECTION, case, now).beside(values)
    stated = [
        (name, value) for name, value in values.items() if states_the_past(name, moments.facts)
    ]
    for name, value in stated:
        moments.refuse_impossible(name, value)
    owed = [
        (holding, value_for(holding, values[holding.detail.name]))
        for holding in old_values(working_set, case, values, today)
    ]
    holders = tuple(
        holder
        for correction in correct_holders(working_set, case, owed, office.random, now, again=True)
        for holder in correction.holders
    )
    if not holders and not _changes_own(working_set, case, values):
        names = ", ".join(f"`{name}`" for name in values) or "the case"
        raise AgencyError(
            "nothing-to-correct",
            f"everybody who was told {names} has this value already",
            fix="give another value, or list what was told with `offramp agency correct DIR CASE`",
        )
    facts = {
        name: {working_set.agency}
        | {holder.agency for holder in holders if holder.name == name and holder.why_not is None}
        for name in values
        # After an exit nothing is decided again.
        if name in terms_of(working_set).facts and not case_view.is_ended
    }
    resting = (
        decisions_that_read(working_set, program, case, case_view, facts, now) if facts else ()
    )
    return Effects(case, values, holders, resting, office.at, moments.odd_moments(stated))


def _check_not_asked_back(
    working_set: WorkingSet, case: str, disclosed: Container[str], details: Iterable[str]
) -> None:
    asked_back = {
        name
        for event in working_set.mistakes
        if event.body["case"] == case
        for name in event.body["details"]
    }
    for name in details:
        if name in asked_back and name not in disclosed:
            raise AgencyError(
                "never-told",
                f"this agency asked back all that it told of `{name}` in this case",
                fix="state it anew, as `offramp agency tasks DIR` says, and then correct that",
            )


def _changes_own(working_set: WorkingSet, case: str, values: Mapping[str, Any]) -> bool:
    corrected = corrected_details(working_set, case)
    return any(
        name in corrected and not same_value(corrected[name].value, value)
        for name, value in values.items()
    )


def _read_details(
    disclosed: Mapping[str, Sequence[ToldDetail]], details: Mapping[str, Any], terms: Vocabulary
) -> Mapping[str, Any]:
    """Read the new values of details. Raises `AgencyError` `never-told`; `FactsError`."""
    values: dict[str, Any] = {}
    for name, value in details.items():
        if name not in disclosed:
            raise AgencyError(
                "never-told",
                f"this agency told nobody `{name[:60]}` in this case",
                fix=nearest(name, sorted(disclosed))
                or "keep a fact of your own with `offramp agency note DIR CASE FILE`",
            )
        if value is None or name not in terms.facts:
            values[name] = value
        else:
            stated = own_form(name, _without_ids(value), terms)
            read = read_facts(nested({name: stated}), terms)
            values[name] = shared_form(name, plain(read.known[name]), terms)
    return values


def _without_ids(value: Any) -> Any:
    """Return a list as the rules read it: the ids of its entries belong to records."""
    if not isinstance(value, list | tuple):
        return value
    return [
        {key: member for key, member in entry.items() if key != "id"}
        if isinstance(entry, dict)
        else entry
        for entry in value
    ]


def keep_correction(
    office: Office,
    working_set: WorkingSet,
    case: str,
    details: Mapping[str, Any],
    actor: str | None,
    *,
    draft: str | None = None,
) -> None:
    """Note the new values in this agency's journal, within a transaction. `actor` corrected them.

    `draft` is the id of the form's draft that states them.

    INVARIANT: the note is kept with the correction's records or not at all, and the gateway sends
    from it what couldn't be sent at first.
    """
    line = working_set.gateway.line
    facts = terms_of(working_set).facts
    body = {
        "case": case,
        "facts": {name: value for name, value in details.items() if name in facts},
        "members": {name: value for name, value in details.items() if name not in facts},
        "after": line.size if line else 0,
        "keep_until": defaults_today(office, working_set).keep_until,
        "corrected_by": actor,
        **({"draft": draft} if draft is not None else {}),
    }
    office.append(working_set, "noted", body)


def changed_facts(
    office: Office, working_set: WorkingSet, case: str, facts: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return those facts of which another agency may ask, and was told another value."""
    terms = terms_of(working_set)
    asked_for = {path: value for path, value in facts.items() if may_be_asked_for(path, terms)}
    holding = old_values(working_set, case, asked_for, _today(office, working_set))
    names = {disclosed.detail.name for disclosed in holding}
    corrected = corrected_details(working_set, case)
    names |= {path for path in asked_for if path in corrected}
    return {path: value for path, value in asked_for.items() if path in names}


def holders_of_old_values(
    office: Office, working_set: WorkingSet, case: str, facts: Mapping[str, Any]
) -> tuple[Holder, ...]:
    """Return who else is corrected when this agency states these facts, before it does."""
    changed = changed_facts(office, working_set, case, facts)
    owed = [
        (holding, value_for(holding, changed[holding.detail.name]))
        for holding in old_values(working_set, case, changed, _today(office, working_set))
    ]
    now = office.clock()
    return tuple(
        holder
        for correction in correct_holders(working_set, case, owed, office.random, now, again=True)
        for holder in correction.holders
    )


ComposedCorrections = tuple[tuple[str, str, tuple[str, ...]], ...]


def _compose(
    office: Office, working_set: WorkingSet, case: str, owed: Sequence[OwedCorrection]
) -> ComposedCorrections:
    """Compose one record for each recipient, so that a refusal of one doesn't stop another."""
    composed = []
    for correction in owed:
        if correction.parts:
            bundle = office.compose_in(working_set, "correction", correction.parts, case)
            names = tuple(
                sorted(holder.name for holder in correction.holders if holder.why_not is None)
            )
            composed.append((bundle.id, correction.agency, names))
    return tuple(composed)


def send_corrections(office: Office, composed: ComposedCorrections) -> tuple[SentCorrection, ...]:
    """Send composed corrections if the hub answers. Returns each with its state."""
    states = send_together(office, [record for record, _, _ in composed])
    return tuple(
        SentCorrection(record, agency, names, state)
        for (record, agency, names), state in zip(composed, states, strict=True)
    )


def untold_in(owed: Sequence[OwedCorrection]) -> tuple[Holder, ...]:
    """Return the holders that can't be told."""
    return tuple(
        holder for correction in owed for holder in correction.holders if holder.why_not is not None
    )


def compose_owed_corrections(
    office: Office, working_set: WorkingSet, case: str
) -> tuple[ComposedCorrections, tuple[Holder, ...]]:
    """Compose every correction that a case's notes owe and that may go now, in a transaction.

    Returns them with the holders that can't be told yet.
    """
    today = _today(office, working_set)
    owed = owed_corrections(working_set, case, office.random, today, office.clock())
    return _compose(office, working_set, case, owed), untold_in(owed)


def deliver_repairs(office: Office) -> int:
    """Compose the corrections and recalls that people decided on and that couldn't go before.

    Returns their number. A person decided on each, so this needs no name.
    """
    composed = 0
    working_set = office.working_set()
    if not working_set.gateway.history.size:
        return 0
    corrected = {event.body["case"] for event in working_set.noted if "corrected_by" in event.body}
    mistaken = {event.body["case"] for event in working_set.mistakes}
    for handle in handles(working_set):
        if handle in corrected or handle in mistaken:
            with office.transaction() as current:
                composed += len(deliver_recalls(office, current, handle))
                composed += len(compose_owed_corrections(office, current, handle)[0])
    return composed


def _today(office: Office, working_set: WorkingSet) -> str:
    gateway = working_set.gateway
    return day_of(gateway.hub_time(office.clock()), gateway.history.newest.zone).isoformat()
