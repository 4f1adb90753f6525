"""From a form's answers to the parts of a record: contents, recipients, and refusals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.records.building import Part
from exchange.records.content_checks import may_be_told
from exchange.records.finer_words import shared_form
from exchange.records.ids import new_short_id
from offramp.agency.cases.addressing import protect_care
from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import seconds
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.form_questions import STATED, Sheet, paths_read
from offramp.agency.cases.form_terms import Form, form_terms
from offramp.agency.cases.odd_ages import AGE, age_at_encounter
from offramp.agency.cases.pack_terms import pack_terms
from offramp.agency.cases.questions import with_entry_ids
from offramp.agency.cases.refusals import Refused, has_key, never_told, route
from offramp.agency.folder.working_set import WorkingSet
from rules.frozen import frozen
from rules.input.printing import plain
from rules.input.vocabulary import Fact
from rules.packs.pack import Pack
from rules.unknown import UNKNOWN

OPERATION = ("exchange_operation", "operation")
# The category of a report of a crime at a program, and its only purpose and basis.
PREMISES_CRIME = "premises_crime"
_BASES = ("consent", "offer_at_scene")
# The code of a part that isn't for an agency's role, although the rules let the agency have it.
NOT_CONCERNED = "not-concerned"
# Why an agency that may be told isn't: of an answer, of a measurement, and of all other forms.
_NOT_ASKED = ("It asked for none of this.", "No preguntó nada de esto.")
_NOT_HELD = (
    "It doesn't have the record that this adds to.",
    "No tiene el registro al que esto se añade.",
)
_NOT_CHOSEN = ("It wasn't chosen as a recipient.", "No fue elegida como destinataria.")


@frozen
class Addressed:
    """A part with its recipients, and the agencies that don't receive it."""

    part: Part
    refused: tuple[Refused, ...]


# Contents


def contents_of(
    sheet: Sheet, answers: Mapping[str, Any], zone: Any, random_bytes: Callable[[int], bytes]
) -> dict[str, dict[str, Any]]:
    """Return the content of each category that the answers fill, in the form's order.

    What nobody knows is left out. In an answer it is null instead, which tells the asker that it
    isn't known here. A list contains the entries that were sent before, too.
    """
    contents = {}
    form = sheet.form
    for category in sheet.parts:
        content = _members_of(form, category, sheet, answers, zone)
        facts = {
            fact.path: value
            for fact in sheet.facts_of(category)
            if (value := _shared_value(sheet, fact, answers, random_bytes)) is not None
            or _is_told_unknown(sheet, fact, answers)
        }
        if facts:
            content["facts"] = facts
        if content or category == "operation":
            contents[category] = content
    return contents


def _is_told_unknown(sheet: Sheet, fact: Fact, answers: Mapping[str, Any]) -> bool:
    """Return True if the agency that asked for a fact is told that it isn't known here."""
    is_unknown = sheet.form.name == "answer" and answers.get(fact.path) is UNKNOWN
    return is_unknown and sheet.terms.travels(fact)


def _answer(sheet: Sheet, answers: Mapping[str, Any], name: str) -> Any:
    """Return an answer, or the one of an earlier record. None where nobody knows."""
    value = answers.get(name, sheet.filled.get(name))
    if name not in answers and sheet.is_known(name, answers):
        value = (sheet.known or {})[name]
    return None if value is None or value is UNKNOWN else plain(value)


def _members_of(
    form: Form, category: str, sheet: Sheet, answers: Mapping[str, Any], zone: Any
) -> dict[str, Any]:
    prefix = f"{category}."
    content = {
        path.removeprefix(prefix): value
        for path in form_terms().members
        if path.startswith(prefix)
        and (value := _answer(sheet, answers, path)) is not None
        and value != []
    }
    for path, value in (form.fixed or {}).items():
        if path.startswith(prefix):
            content[path.removeprefix(prefix)] = value
    for path, fact in (form.derived or {}).items():
        time = _answer(sheet, answers, fact)
        if path.startswith(prefix) and time is not None:
            content[path.removeprefix(prefix)] = day_of(seconds(time), zone).isoformat()
    return content


def _shared_value(
    sheet: Sheet, fact: Fact, answers: Mapping[str, Any], random_bytes: Callable[[int], bytes]
) -> Any:
    """Return a fact's value as a part carries it, finer words beside the shared ones."""
    value = _fact_value(sheet, fact, answers, random_bytes)
    return None if value is None else shared_form(fact.path, value, sheet.terms.vocabulary)


def _fact_value(
    sheet: Sheet, fact: Fact, answers: Mapping[str, Any], random_bytes: Callable[[int], bytes]
) -> Any:
    if fact.type != "list":
        by_birth = age_at_encounter({**(sheet.known or {}), **answers})
        if fact.path == AGE and by_birth is not None:
            return by_birth
        return _answer(sheet, answers, fact.path)
    earlier = (sheet.lists or {}).get(fact.path, ())
    if sheet.only:
        return _measured(fact, earlier, answers, again=sheet.form.name == "answer")
    count = answers.get(fact.path)
    if fact.path not in answers and sheet.is_known(fact.path, answers):
        return (sheet.known or {})[fact.path]
    if not isinstance(count, int):
        return None
    added = [
        {
            "id": new_short_id(random_bytes),
            **{
                name: value
                for name, field in fact.fields.items()
                if (value := _answer(sheet, answers, f"{fact.path}[{index}].{name}")) is not None
                or _is_field_unknown(sheet, field, answers, index)
            },
        }
        for index in range(count)
    ]
    return [*(dict(entry) for entry in earlier), *added]


def _is_field_unknown(sheet: Sheet, field: Fact, answers: Mapping[str, Any], index: int) -> bool:
    """Return True if a field of an entry is told as not known here."""
    name = f"{field.of}[{index}].{field.name}"
    return sheet.form.name == "answer" and answers.get(name) is UNKNOWN


def _measured(
    fact: Fact, earlier: Iterable[Mapping[str, Any]], answers: Mapping[str, Any], *, again: bool
) -> list[dict[str, Any]] | None:
    """Return the earlier entries with the new measurements. None without any.

    With `again`, they answer a question. Then one that is already kept here counts, too, since the
    asker doesn't have it, and what isn't known here is null. A value that was told before stays as
    it is where nobody here can tell which is right.
    """
    entries, is_new = [], False
    for index, entry in enumerate(earlier):
        answered = {
            name: answers[key]
            for name in fact.fields
            if answers.get(key := f"{fact.path}[{index}].{name}") is not None
        }
        added = {name: plain(value) for name, value in answered.items() if value is not UNKNOWN}
        if again:
            added |= {name: None for name in answered.keys() - added if entry.get(name) is None}
        is_changed = any(entry.get(name) != value for name, value in added.items())
        is_new = is_new or is_changed or (again and bool(answered))
        entries.append({**entry, **added})
    return entries if is_new else None


# Roles


def roles_under(form: Form, pack: Pack) -> tuple[str, ...]:
    """Return the roles that fill in a form under a pack."""
    if form.decides is None:
        return form.roles
    return (pack.vocabulary.decisions[form.decides].decided_by,)


def form_stating(pack: Pack, role: str, path: str) -> str | None:
    """Return the form about a case in which a role states a fact or a member, None without one.

    Of a list, it is the form that adds entries. A form that tells what is chosen comes before one
    that also tells an event, such as a try to reach the person.
    """
    reads, terms = paths_read(pack), pack_terms(pack)
    for form in sorted(form_terms().forms.values(), key=lambda form: not form.chooses):
        if form.begins or form.only or form.name == "answer" or role not in roles_under(form, pack):
            continue
        if path in form_terms().members:
            if path.partition(".")[0] in {*form.parts} - {*form.unasked} and not form.own:
                return form.name
            continue
        stated = frozenset(STATED.get(form.kind.name, ()))
        sheet = Sheet(form, role, form.parts, reads, stated=stated, terms=terms)
        for category in form.parts:
            if any(fact.path == path and sheet.may_ask(fact) for fact in sheet.facts_of(category)):
                return form.name
    return None


# Parts and recipients


def part_of(
    working_set: WorkingSet, form: Form, category: str, content: Any, defaults: Defaults
) -> Part:
    """Return a part without recipients, labeled as its category and this agency require.

    Content from care may not be used against the person, and has Part 2's notice unless this agency
    isn't covered.
    """
    part = Part(
        category=(category,),
        content={category: content},
        to={},
        keep_until=defaults.last_day((category,)),
        # The report of a crime is for police, so it can't carry the limit.
        use="none" if category == PREMISES_CRIME else defaults.use,
        says=form.says,
    )
    return protect_care(part, working_set, defaults.notice)


def ways_of(form: Form, part: Part, role: str | None) -> list[tuple[str, str]]:
    """Return the purposes and bases to try for a recipient of a role, in order."""
    if part.category == ("operation",):
        return [OPERATION]
    if part.category == (PREMISES_CRIME,):
        return [(PREMISES_CRIME, PREMISES_CRIME)]
    return [(purpose, basis) for basis in _BASES for purpose in form.purposes_for(role)]


def address_part(
    working_set: WorkingSet,
    pack: Pack,
    form: Form,
    part: Part,
    case: str,
    now: int,
    only: tuple[str, ...] = (),
) -> Addressed:
    """Address a part to every agency that may receive it, or to those of `only`.

    `now` is this machine's time in seconds since 1970.
    """
    directory = working_set.gateway.history.newest
    to, refused = {}, []
    for agency in directory.agencies:
        if agency == working_set.agency:
            continue
        if outside := _outside_reach(form, part, directory.role(agency)):
            refused.append(Refused(agency, NOT_CONCERNED, *outside))
            continue
        if not may_be_told(directory.role(agency), part.content):
            refused.append(never_told(agency))
            continue
        ways = ways_of(form, part, directory.role(agency))
        found = route(working_set, pack, form.kind.name, part, agency, ways, case, now)
        if isinstance(found, Refused):
            refused.append(found)
        else:
            to[agency] = found
    if only:
        to = {agency: way for agency, way in to.items() if agency in only}
    return Addressed(replace(part, to=to), tuple(refused))


def may_be_addressed(working_set: WorkingSet, form: Form, part: Part, case: str, now: int) -> bool:
    """Report whether any agency may receive a part. It is true where `address_part` finds one."""
    directory = working_set.gateway.history.newest
    for agency in directory.agencies:
        role = directory.role(agency)
        if agency == working_set.agency or _outside_reach(form, part, role):
            continue
        if not may_be_told(role, part.content) or not has_key(working_set, agency):
            continue
        ways, judge = ways_of(form, part, role), working_set.gateway.first_permitted
        if judge(form.kind.name, part, agency, ways, case=case, now=now) is not None:
            return True
    return False


def left_out(
    working_set: WorkingSet, form: Form, part: Part, refused: Iterable[Refused]
) -> tuple[Refused, ...]:
    """Return why each other agency doesn't receive a part, those that it isn't for included.

    `refused` are the agencies that may not receive it.
    """
    others = {refusal.agency: refusal for refusal in refused}
    because = _NOT_ASKED if form.name == "answer" else _NOT_CHOSEN
    if form.only:
        because = _NOT_HELD
    return tuple(
        others.get(agency) or Refused(agency, NOT_CONCERNED, *because)
        for agency in working_set.gateway.history.newest.agencies
        if agency != working_set.agency and agency not in part.to
    )


def _outside_reach(form: Form, part: Part, role: str | None) -> tuple[str, str] | None:
    """Return why a part isn't for a role, in English and Spanish. None if it is."""
    for category in part.category:
        reach = (form.only_to or {}).get(category)
        if reach is not None and role not in reach.roles:
            return reach.because["en"], reach.because["es"]
    return None


# Earlier records


def earlier_lists(
    working_set: WorkingSet, case: Case, random_bytes: Callable[[int], bytes]
) -> dict[str, tuple[Mapping[str, Any], ...]]:
    """Return the newest entries of each list that this agency stated, each with its id."""
    lists = {}
    for entry in case.entries:
        for path, value in entry.facts.items():
            if entry.by == working_set.agency and isinstance(value, list | tuple):
                lists[path] = tuple(with_entry_ids(value, random_bytes))
    return lists
