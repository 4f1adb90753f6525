"""Correct what was sent, and show before what follows: holders, and decisions to work out again."""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.records.finer_words import own_form, shared_form
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.case_entry import same_value
from offramp.agency.cases.caseload import case_of, handles, seconds
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.effects import RestingDecision, decisions_that_read
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.list_changes import (
    Difference,
    ListChange,
    added_to,
    is_list,
    restated,
)
from offramp.agency.cases.list_corrections import ListCorrection, no_such_entry, split_name
from offramp.agency.cases.moments import Odd, moments_of, refuse_odd, states_the_past
from offramp.agency.cases.odd_ages import OddAge, odd_correction, own_ages
from offramp.agency.cases.odd_amounts import odd_amounts
from offramp.agency.cases.owed_corrections import (
    Holder,
    OwedCorrection,
    correct_holders,
    old_values,
    owed_corrections,
)
from offramp.agency.cases.pack_terms import noun_of, pack_terms, terms_of
from offramp.agency.cases.told import (
    CorrectionStep,
    ToldDetail,
    corrected_details,
    may_be_asked_for,
    own_list,
    own_lists,
    told_details,
)
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.delivery import send_together
from offramp.agency.operations.access import OWN, needs
from offramp.agency.operations.changes import check_unchanged
from offramp.agency.operations.recalls import deliver_recalls
from offramp.agency.operations.value_words import ValueWords
from rules.errors import Place, nearest
from rules.frozen import field, frozen
from rules.input.facts import read_facts
from rules.input.printing import plain
from rules.input.vocabulary import nested


@frozen
class OtherStatement:
    """What another agency states itself of a detail. A correction leaves it as it is."""

    agency: str
    name: str
    value: Any


@frozen
class Effects:
    """What follows from a correction, before anything is sent.

    `details` are the new values by name, None for a withdrawn value. `holders` are the recipients
    that have an old one. `decisions` rest on what changes. `seen_at` is the journal's last event
    when this was worked out. `odd` are new moments in an unusual order, an age that the birth
    date contradicts, and amounts over the usual, which a person confirms.
    `changes` are those of lists by name, and `differences` what this agency states in place of
    what it stated, of a list field by field. `others` are other agencies' own statements of them.
    """

    case: str
    details: Mapping[str, Any]
    holders: tuple[Holder, ...]
    decisions: tuple[RestingDecision, ...]
    seen_at: int | None = None
    odd: tuple[Odd, ...] = ()
    changes: Mapping[str, ListChange] = field(default_factory=dict)
    differences: tuple[Difference, ...] = ()
    others: tuple[OtherStatement, ...] = ()

    @property
    def age_to_correct(self) -> int | None:
        """The age that the corrected birth date makes, where another one was told before."""
        ages = (odd for odd in self.odd if isinstance(odd, OddAge) and odd.fate == "told")
        return next((age.by_birth for age in ages), None)

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency correct --dry-run`."""
        return {
            "case": self.case,
            "details": dict(self.details),
            "holders": [holder.as_json() for holder in self.holders],
            "decisions": [decision.as_json() for decision in self.decisions],
            "odd": [moment.text("en") for moment in self.odd],
            "others": [
                {"agency": other.agency, "detail": other.name, "value": other.value}
                for other in self.others
            ],
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

    `details` have the new value by the name of each detail, of a field such as
    `encounter.drugs[0].grams`, and None by `encounter.drugs[0]` to remove an entry. The fields of
    one more entry have the name of the place after the last. Of a list, only what is named changes,
    in each recipient's own list.

    Raises `AgencyError` `case-changed`, `never-told`, `not-a-detail`, `nothing-to-correct`,
    `odd-day`, `odd-amount`, `no-such-case`, `no-directory`; `FactsError`, so `not-yet`,
    `wrong-year`, `out-of-order` for a moment that can't be; `ContentError` `wrong-content`.
    """
    with office.transaction() as working_set:
        check_unchanged(office, working_set, case, seen_at)
        planned = _effects_in(office, working_set, case, details)
        refuse_odd(() if although_odd else planned.odd)
        keep_correction(office, working_set, case, planned.details, actor, changes=planned.changes)
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
    reading = _read_details(office, working_set, case, disclosed, details)
    values = reading.values
    program = office.program(working_set)
    moments = moments_of(working_set, program.pack, CORRECTION, case, now).beside(values)
    past = [(name, value) for name, value in values.items() if states_the_past(name, moments.facts)]
    for name, value in past:
        moments.refuse_impossible(name, value)
    age = odd_correction(own_ages(working_set, case), values)
    holders = find_holders(office, working_set, case, reading.steps)
    if not holders and not _changes_own(working_set, case, values, reading.steps):
        terms = terms_of(working_set).vocabulary
        names = ", ".join(noun_of(terms, name) for name in values) or "the case"
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
    return Effects(
        case,
        values,
        holders,
        resting,
        office.at,
        (
            *moments.odd_moments(past),
            *((age,) if age is not None else ()),
            *odd_amounts(values.items(), moments.terms),
        ),
        {name: step.change for name, step in reading.steps.items() if step.change is not None},
        reading.differences,
        tuple(
            OtherStatement(source.entry.by, name, source.value)
            for name in values
            for source in case_view.sources_of(name)
            if source.entry.by != working_set.agency and source.value is not None
        ),
    )


def find_holders(
    office: Office, working_set: WorkingSet, case: str, steps: Mapping[str, CorrectionStep]
) -> tuple[Holder, ...]:
    """Return the recipients that have an old value, if it is corrected now."""
    owed = old_values(working_set, case, steps, _today(office, working_set))
    listings = {name: step.change.listing for name, step in steps.items() if step.change}
    now, random_bytes = office.clock(), office.random
    return tuple(
        holder
        for correction in correct_holders(
            working_set, case, owed, random_bytes, now, again=True, listings=listings
        )
        for holder in correction.holders
    )


def _check_not_asked_back(
    working_set: WorkingSet, case: str, disclosed: Container[str], details: Iterable[str]
) -> None:
    asked_back = {
        name
        for event in working_set.mistakes
        if event.body["case"] == case
        for name in event.body["details"]
    }
    vocabulary = terms_of(working_set).vocabulary
    for name in (each.partition("[")[0] for each in details):
        if name in asked_back and name not in disclosed:
            raise AgencyError(
                "never-told",
                f"this agency asked back all that it told of {noun_of(vocabulary, name)} in this "
                "case",
                fix="state it anew, as `offramp agency tasks DIR` says, and then correct that",
            )


def _changes_own(
    working_set: WorkingSet,
    case: str,
    values: Mapping[str, Any],
    steps: Mapping[str, CorrectionStep],
) -> bool:
    """Return True if this agency states another value from now on, although nobody is told it.

    A field of a list may be one that no recipient has.
    """
    corrected = corrected_details(working_set, case)
    case_view = case_of(working_set, case)
    before = {name: corrected[name].value for name in values if name in corrected} | {
        name: own_list(working_set, case_view, name) for name in values if steps[name].change
    }
    return any(not same_value(before[name], values[name]) for name in before)


@frozen
class _Stated:
    """New values of details: this agency's own, and the steps by which they change others'."""

    values: Mapping[str, Any]
    steps: Mapping[str, CorrectionStep]
    differences: tuple[Difference, ...]


def _read_details(
    office: Office,
    working_set: WorkingSet,
    case: str,
    disclosed: Mapping[str, Sequence[ToldDetail]],
    details: Mapping[str, Any],
) -> _Stated:
    """Read the new values of details, of fields such as `encounter.drugs[0].grams`, and of entries.

    The day of a time is corrected with the time.

    Raises `AgencyError` `never-told`, `not-a-detail`; `FactsError`.
    """
    terms = terms_of(working_set).vocabulary
    lists = own_lists(working_set, case, disclosed, office.random)
    values: dict[str, Any] = {}
    corrections: dict[str, ListCorrection] = {}
    for name, value in details.items():
        path, place, member = split_name(name, terms.facts, lists)
        if path not in disclosed:
            raise AgencyError(
                "never-told",
                f"this agency told nobody `{path[:60]}` in this case",
                fix=nearest(path, sorted(disclosed))
                or "keep a fact of your own with `offramp agency note DIR CASE FILE`",
            )
        is_whole = place is None
        if path in lists and not (is_whole and value is None):
            correction = corrections.get(path) or ListCorrection(path, lists[path], terms)
            if place is None:
                corrections[path] = correction.restate(value, office.random)
            elif place == len(lists[path].listing) and isinstance(value, Mapping):
                corrections[path] = correction.add(value, office.random)
            else:
                corrections[path] = correction.change(place, member, value)
        elif not is_whole:
            raise no_such_entry(path, 0, terms.facts.get(path))
        elif value is None or path not in terms.facts:
            values[path] = value
        else:
            read = read_facts(nested({path: own_form(path, value, terms)}), terms)
            values[path] = shared_form(path, plain(read.known[path]), terms)
    zone = working_set.gateway.history.newest.zone
    for path, fact in form_terms().derived.items():
        if fact in values and path in disclosed and path not in details:
            time = values[fact]
            values[path] = time and day_of(seconds(time), zone).isoformat()
    own = {path: correction.own_value() for path, correction in corrections.items()}
    steps = {name: CorrectionStep(math.inf, value) for name, value in values.items()} | {
        path: CorrectionStep(math.inf, own[path], correction.as_change())
        for path, correction in corrections.items()
    }
    changed = (
        difference
        for path, correction in corrections.items()
        for difference in correction.differences()
    )
    before = {name: disclosed[name][0].value for name in values}
    scalars = (Difference(name, before[name], value) for name, value in values.items())
    return _Stated({**values, **own}, steps, (*scalars, *changed))


def keep_correction(
    office: Office,
    working_set: WorkingSet,
    case: str,
    details: Mapping[str, Any],
    actor: str | None,
    *,
    draft: str | None = None,
    changes: Mapping[str, ListChange] | None = None,
) -> None:
    """Note the new values in this agency's journal, within a transaction. `actor` corrected them.

    `draft` is the id of the form's draft that states them. `changes` are those of lists: what they
    don't name stands as each recipient has it.

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
        **changes_in_note(changes or {}),
    }
    office.append(working_set, "noted", body)


def changes_in_note(changes: Mapping[str, ListChange]) -> dict[str, Any]:
    """Return what a note holds of the changes of lists, beside their new values."""
    written = {name: change.as_json() for name, change in changes.items()}
    return {"changes": written} if written else {}


def list_changes_of(
    office: Office, working_set: WorkingSet, case: str, facts: Mapping[str, Any]
) -> Mapping[str, ListChange]:
    """Return what changes in lists that this agency states anew, by name."""
    disclosed = told_details(working_set, case, _today(office, working_set))
    lists = own_lists(working_set, case, disclosed, office.random)
    return {
        path: restated(lists[path].stated, lists[path].listing, value, office.random)
        for path, value in facts.items()
        if path in lists and is_list(value)
    }


def completed_lists(
    office: Office,
    working_set: WorkingSet,
    case: str,
    facts: Mapping[str, Any],
    *,
    only_told: bool = False,
) -> dict[str, Any]:
    """Return facts, and in their lists also what this agency stated of the same entries before.

    With `only_told`, a list that nobody was told is stated anew. Raises `AgencyError`
    `entries-left-out` where an entry would be lost.
    """
    disclosed = told_details(working_set, case, _today(office, working_set))
    case_view = case_of(working_set, case)
    completed = dict(facts)
    for path, value in facts.items():
        stated = own_list(working_set, case_view, path)
        if stated and is_list(value) and (path in disclosed or not only_told):
            addition = added_to(stated, value)
            if addition.left_out:
                raise _entries_left_out(
                    office, working_set, path, stated, addition.left_out, disclosed
                )
            completed[path] = list(addition.entries)
    return completed


def _entries_left_out(
    office: Office,
    working_set: WorkingSet,
    path: str,
    stated: Sequence[Mapping[str, Any]],
    places: Sequence[int],
    disclosed: Container[str],
) -> AgencyError:
    wording = ValueWords(
        pack_terms(office.program(working_set).pack), working_set.gateway.history.newest.zone
    )
    lost = "; ".join(f"`{path}[{place}]`, {wording.text(path, stated[place])}" for place in places)
    first = f"{path}[{places[0]}]"
    otherwise = (
        f"correct what is wrong in it with `offramp agency correct DIR CASE {first}.FIELD=VALUE`, "
        f"or remove it with `offramp agency correct DIR CASE {first}=none`"
        if path in disclosed
        else "state the whole list anew with `offramp agency note DIR CASE FILE`"
    )
    return AgencyError(
        "entries-left-out",
        f"this leaves out what this agency stated before: {lost}",
        at=Place(path=path),
        fix=f"state it too; or {otherwise}",
    )


def _steps_of(
    office: Office, working_set: WorkingSet, case: str, facts: Mapping[str, Any]
) -> Mapping[str, CorrectionStep]:
    changes = list_changes_of(office, working_set, case, facts)
    return {
        path: CorrectionStep(math.inf, value, changes.get(path)) for path, value in facts.items()
    }


def changed_facts(
    office: Office, working_set: WorkingSet, case: str, facts: Mapping[str, Any]
) -> Mapping[str, Any]:
    """Return those facts of which another agency may ask, and was told another value."""
    terms = terms_of(working_set)
    asked_for = {path: value for path, value in facts.items() if may_be_asked_for(path, terms)}
    steps = _steps_of(office, working_set, case, asked_for)
    owed = old_values(working_set, case, steps, _today(office, working_set))
    names = {holding.detail.name for holding, _ in owed}
    corrected = corrected_details(working_set, case)
    names |= {path for path in asked_for if path in corrected}
    return {path: value for path, value in asked_for.items() if path in names}


def holders_of_old_values(
    office: Office, working_set: WorkingSet, case: str, facts: Mapping[str, Any]
) -> tuple[Holder, ...]:
    """Return who else is corrected when this agency states these facts, before it does."""
    changed = changed_facts(office, working_set, case, facts)
    return find_holders(office, working_set, case, _steps_of(office, working_set, case, changed))


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
