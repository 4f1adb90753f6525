"""From a form's answers to the parts of a record: contents, recipients, and refusals. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.consent.reduction import FROM_CARE
from exchange.records.building import Part
from exchange.records.content_checks import may_be_told
from exchange.records.finer_words import shared_form
from exchange.records.ids import new_short_id
from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import own_parts, seconds
from offramp.agency.cases.draft import NO_NOTICE, Defaults
from offramp.agency.cases.form_questions import Sheet, age_at_encounter
from offramp.agency.cases.form_terms import Form, form_terms
from offramp.agency.cases.questions import with_entry_ids
from offramp.agency.cases.refusals import Refused, never_told, route
from offramp.agency.folder.stored_records import read_part
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

    What nobody knows is left out. A list contains the entries that were sent before, too.
    """
    contents = {}
    form = sheet.form
    for category in sheet.parts:
        content = _members_of(form, category, sheet, answers, zone)
        facts = {
            fact.path: value
            for fact in sheet.facts_of(category)
            if (value := _shared_value(sheet, fact, answers, random_bytes)) is not None
        }
        if facts:
            content["facts"] = facts
        if content or category == "operation":
            contents[category] = content
    return contents


def _answer(sheet: Sheet, answers: Mapping[str, Any], name: str) -> Any:
    """Return an answer, or the one of an earlier record. None where nobody knows."""
    value = answers.get(name)
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
        value = _answer(sheet, answers, fact.path)
        if value is None and fact.path == "person.age":
            return age_at_encounter({**(sheet.known or {}), **answers})
        return value
    earlier = (sheet.lists or {}).get(fact.path, ())
    if sheet.only:
        return _measured(fact, earlier, answers)
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
                for name in fact.fields
                if (value := _answer(sheet, answers, f"{fact.path}[{index}].{name}")) is not None
            },
        }
        for index in range(count)
    ]
    return [*(dict(entry) for entry in earlier), *added]


def _measured(
    fact: Fact, earlier: Iterable[Mapping[str, Any]], answers: Mapping[str, Any]
) -> list[dict[str, Any]] | None:
    """Return the earlier entries with the new measurements. None without any."""
    entries, is_new = [], False
    for index, entry in enumerate(earlier):
        added = {
            name: plain(value)
            for name in fact.fields
            if (value := answers.get(f"{fact.path}[{index}].{name}")) is not None
            and value is not UNKNOWN
        }
        is_new = is_new or any(entry.get(name) != value for name, value in added.items())
        entries.append({**entry, **added})
    return entries if is_new else None


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
    if category not in FROM_CARE:
        return part
    is_covered = working_set.gateway.history.newest.part2(working_set.agency) != "no"
    otherwise = "health" if category == "health" else "plain"
    return replace(
        part,
        use="no_adverse_action",
        sensitivity="part2" if is_covered else otherwise,
        notice=defaults.notice if is_covered else NO_NOTICE,
    )


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


def _outside_reach(form: Form, part: Part, role: str | None) -> tuple[str, str] | None:
    """Return why a part isn't for a role, in English and Spanish. None if it is."""
    for category in part.category:
        reach = (form.only_to or {}).get(category)
        if reach is not None and role not in reach.roles:
            return reach.because["en"], reach.because["es"]
    return None


# Earlier records


@frozen
class StatedPart:
    """A part that this agency sent and that still counts, with its record and recipients."""

    record: str
    id: str
    part: Part


def stated_parts(working_set: WorkingSet, case: Case, path: str) -> tuple[StatedPart, ...]:
    """Return the parts of this agency that state a fact and count, in the order of statement."""
    keys = [
        (entry.record, entry.part)
        for entry in case.entries
        if entry.by == working_set.agency and entry.record and path in entry.facts
    ]
    parts = {}
    for record in {record for record, _ in keys}:
        outgoing = working_set.outbox[str(record)]
        for (part_id, _, _), stored in zip(own_parts(outgoing), outgoing.parts, strict=True):
            parts[record, part_id] = StatedPart(str(record), part_id, read_part(stored))
    return tuple(parts[key] for key in keys if key in parts)


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


def measured_parts(
    working_set: WorkingSet,
    stated: Iterable[StatedPart],
    path: str,
    entries: list[dict[str, Any]],
    defaults: Defaults,
    case: str,
    now: int,
) -> Iterator[Part]:
    """Yield a correction of each earlier part, which states it again with new entries of a list.

    It goes to the recipients of the earlier part that may still receive it.
    """
    for earlier in stated:
        content = {
            category: {**members, "facts": {**members["facts"], path: entries}}
            if path in (members.get("facts") or {})
            else members
            for category, members in earlier.part.content.items()
        }
        part = replace(
            earlier.part,
            content=content,
            keep_until=defaults.last_day(earlier.part.category),
            says={"about": [earlier.record, earlier.id]},
            id=None,
        )
        judge = working_set.gateway.judge_part
        to = {
            agency: way
            for agency, way in earlier.part.to.items()
            if judge("correction", part, agency, way, case=case, now=now).permit
        }
        yield replace(part, to=to)
