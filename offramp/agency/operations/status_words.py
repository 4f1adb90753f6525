"""The fixed words of a status, and who may know it, as a page shows them before it is sent."""

from __future__ import annotations

from collections.abc import Iterable

from offramp.agency.cases.addressing import part_to_judge, refusals
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import CASE, needs
from offramp.agency.operations.meetings import draft_status
from offramp.agency.operations.telling import agency_names
from rules.frozen import frozen
from rules.shelf import vocabulary

_ENGAGEMENT, _AREAS = "engagement", "area_of_life"
_NOBODY = "nobody-to-tell"


@frozen
class StatusAudience:
    """The names of the agencies that may know the engagement, and of those for barriers.

    `untold` are the others, and `reasons` say of each agency why it may not know the word.
    """

    engagement: tuple[str, ...]
    barriers: tuple[str, ...]
    untold: tuple[str, ...]
    reasons: tuple[tuple[str, str], ...]


def status_words(name: str) -> tuple[tuple[str, str], ...]:
    """Return the words of `engagement` or `area_of_life` with their labels."""
    return tuple(
        (code, texts[0][:1].upper() + texts[0][1:])
        for code, texts in vocabulary().closed_words[name].items()
    )


@needs(CASE, look="case")
def preview_status(office: Office, case: str) -> StatusAudience:
    """Return who may know the status of a case now. Raises as `draft_status`."""
    informed = _told(office, case, ())
    barriers = _told(office, case, (status_words(_AREAS)[0][0],))
    working_set = office.working_set()
    names = agency_names(working_set)
    agencies = set(names) - {office.agency}
    engagement = {agency for category, agency in informed if category == "status"}
    knows = {agency for category, agency in barriers if category == "barriers"}
    return StatusAudience(
        _named(names, engagement),
        _named(names, knows),
        _named(names, agencies - engagement - knows),
        _reasons(office, working_set, case, names),
    )


def _reasons(
    office: Office, working_set: WorkingSet, case: str, names: dict[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return why each agency may not know the engagement, by its name."""
    word = {_ENGAGEMENT: status_words(_ENGAGEMENT)[0][0]}
    part = part_to_judge(working_set, ("status",), {"status": word})
    pack = office.program(working_set).pack
    refused = refusals(working_set, pack, case, "status", part, "review", office.clock())
    return tuple(sorted((names[each.agency], each.why) for each in refused))


def _told(office: Office, case: str, areas: tuple[str, ...]) -> set[tuple[str, str]]:
    try:
        draft = draft_status(office, case, status_words(_ENGAGEMENT)[0][0], areas)
    except AgencyError as error:
        if error.code != _NOBODY:
            raise
        return set()
    return {(part.category[0], agency) for part in draft.parts for agency in part.to}


def _named(names: dict[str, str], agencies: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names[agency] for agency in agencies))


@needs(CASE)
def names_of(office: Office, case: str, agencies: Iterable[str]) -> tuple[str, ...]:
    """Return the names of agencies that were told something of a case, in order."""
    return _named(agency_names(office.working_set()), agencies)
