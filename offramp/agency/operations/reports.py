"""The coordinator's report of a quarter: count, hide, publish, send, and join."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace
from typing import Any

from exchange.errors import ExchangeError
from exchange.records.building import Part
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.caseload import answers_enrollment, decisions_here, handles
from offramp.agency.cases.counted import (
    CountKey,
    Publication,
    QuarterCounts,
    Wait,
    count,
    count_cases,
    details_of,
    publish,
    read_publication,
    revise,
    shape_of,
    wait_hours,
    write_publication,
)
from offramp.agency.cases.draft import Draft
from offramp.agency.cases.kept_counts import KEPT, read_kept
from offramp.agency.cases.quarters import Quarter, check_over, read_quarter
from offramp.agency.cases.tally import tally_case
from offramp.agency.cases.tasks import closed_records
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.settings import Settings
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import QUARTER, needs
from offramp.agency.operations.records import SentRecord, send_record
from rules.decide.program import Program
from rules.frozen import frozen
from rules.packs.pack import Grouping

COUNTS = "counts"
# The roles that count something of their own.
COUNTING_ROLES = ("police", "prosecutor", "case_management", "program")


@frozen
class AgencyCounts:
    """The counts of a quarter as one agency published them. A hidden count is None."""

    agency: str
    role: str | None
    version: int
    rows: tuple[tuple[CountKey, int | None], ...]
    waits: tuple[Wait, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the agency's counts in the JSON of `offramp agency report`."""
        return {
            "agency": self.agency,
            "role": self.role,
            "version": self.version,
            "rows": [row_json(key, number) for key, number in self.rows],
            "waits": [wait_json(wait) for wait in self.waits],
        }


def row_json(key: CountKey, number: int | None) -> dict[str, Any]:
    """Return a count as JSON has it, hidden or not."""
    names = ("measure", "decision", "detail", "grouping", "group")
    shown = {name: value for name, value in zip(names, key.as_list(), strict=True) if value}
    return {**shown, "count": {"hidden": True} if number is None else number}


def wait_json(wait: Wait) -> dict[str, Any]:
    """Return a time of waiting as JSON has it."""
    names = ("measure", "decision", "grouping", "group")
    shown = {name: getattr(wait, name) for name in names if getattr(wait, name)}
    hours = {name: getattr(wait, name) for name in ("lower", "median", "upper")}
    return shown | {
        name: {"hidden": True} if value is None else value for name, value in hours.items()
    }


@frozen
class Money:
    """A yearly budget and the yearly cost of a person, each from low to high, with sources."""

    budget: tuple[int, int]
    budget_source: str
    person_year: tuple[int, int]
    person_year_source: str

    @property
    def people(self) -> tuple[int, int]:
        """For how many people the budget lasts a year: at least, and at most."""
        return self.budget[0] // self.person_year[1], self.budget[1] // self.person_year[0]

    def as_json(self) -> dict[str, Any]:
        """Return the figures as JSON has them."""
        return {
            "budget": {"from": self.budget[0], "to": self.budget[1], "source": self.budget_source},
            "person_year": {
                "from": self.person_year[0],
                "to": self.person_year[1],
                "source": self.person_year_source,
            },
            "lasts_a_year_for": {"from": self.people[0], "to": self.people[1]},
        }


@frozen
class Places:
    """The number of people that the program takes at once, and where that is written."""

    number: int
    source: str

    def as_json(self) -> dict[str, Any]:
        """Return the places as JSON has them."""
        return {"number": self.number, "source": self.source}


@frozen
class QuarterReport:
    """A quarter's report at one agency.

    `agencies` are those whose counts are here, this one first. `totals` join them: a total with a
    hidden part is hidden. `missing` are the agencies whose counts have not arrived, at the office
    that joins them. `unopened` counts records that nobody opened. `groupings` have the words of the
    pack for each grouping, `names` the names of agencies by their ids. `is_new` says that this call
    published the quarter, for the first time or anew, and `is_revised` that it did so anew, None if
    there was nothing to revise.
    """

    quarter: str
    agency: str
    program: str
    groupings: Mapping[str, str]
    agencies: tuple[AgencyCounts, ...]
    missing: tuple[str, ...]
    unopened: int
    places: Places | None
    money: Money | None
    is_new: bool = False
    is_revised: bool | None = None
    sent: SentRecord | None = None
    told: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def name_of(self, agency: str) -> str:
        """Return an agency's name, its id if it has left the directory."""
        return self.names.get(agency, agency)

    @property
    def counts_nothing(self) -> bool:
        """True at an agency of a role that does nothing that is counted, such as a clinic."""
        return len(self.agencies) == 1 and not self.agencies[0].rows

    @property
    def totals(self) -> tuple[tuple[CountKey, int | None], ...]:
        """Every count over all agencies that have it. Hidden if one of them hides it.

        The program counts the referrals too, as the people whom its questions are about. If the
        case managers' counts are here, nobody is counted twice.
        """
        totals: dict[CountKey, int | None] = {}
        have_managers = any(counted.role == "case_management" for counted in self.agencies)
        for counted in self.agencies:
            for key, number in counted.rows:
                if have_managers and key.measure == "referrals" and counted.role == "program":
                    continue
                before = totals.get(key, 0)
                totals[key] = None if before is None or number is None else before + number
        return tuple(totals.items())

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency report`."""
        return {
            "quarter": self.quarter,
            "agency": self.agency,
            "program": self.program,
            "groupings": dict(self.groupings),
            "agencies": [counted.as_json() for counted in self.agencies],
            "totals": [row_json(key, number) for key, number in self.totals],
            "missing": list(self.missing),
            "unopened": self.unopened,
            "places": self.places.as_json() if self.places else None,
            "money": self.money.as_json() if self.money else None,
            "revised": self.is_revised,
            "sent": self.sent.as_json() if self.sent else None,
            "told": list(self.told),
        }


@needs(QUARTER)
def publishes_quarter(office: Office, quarter: str, *, is_revision: bool = False) -> bool:
    """Report whether `report_quarter` would publish this agency's counts, which can't be undone.

    It is false where the quarter is published already, and at an agency that counts nothing. Raises
    `AgencyError` as `report_quarter`.
    """
    one, working_set = read_quarter(quarter), office.working_set()
    defaults_today(office, working_set)
    check_over(working_set, one, office.clock())
    if working_set.gateway.history.newest.role(office.agency) not in COUNTING_ROLES:
        return False
    return is_revision or one.name not in _publications(working_set)


@needs(QUARTER)
def count_unopened_cases(office: Office) -> int:
    """Return how many cases have records that wait to be opened at this agency.

    Until then, a report counts what they state as not known, or not at all.
    """
    working_set, now = office.working_set(), office.clock()
    return sum(
        any(True for _ in closed_records(working_set, handle, now))
        for handle in handles(working_set)
    )


@needs(QUARTER, look="list")
def report_quarter(
    office: Office,
    actor: str | None,
    quarter: str,
    *,
    is_revision: bool = False,
    is_sent: bool = False,
) -> QuarterReport:
    """Return a quarter's report, such as of `2026Q3`.

    This agency's own counts are published the first time, and stay as they are. With `is_revision`
    they are published anew, if that gives nothing away. With `is_sent` they go to the program's
    office. `actor`, or else the person of the account, opens the counts that other agencies sent
    here. Raises `AgencyError` `no-quarter`, `quarter-open`, `counted-before`, `no-directory`.
    """
    one = read_quarter(quarter)
    if actor is not None:
        _open_counts(office, actor)
    with office.transaction() as working_set:
        defaults_today(office, working_set)
        check_over(working_set, one, office.clock())
        before = _publications(working_set).get(one.name)
        publication, is_revised = _published(office, working_set, one, is_revision)
    sent, told = _send(office, publication) if is_sent else (None, ())
    report = _joined(office, one, publication)
    is_new = before is None or publication.version != before.version
    return replace(report, is_new=is_new, is_revised=is_revised, sent=sent, told=told)


def _published(
    office: Office, working_set: WorkingSet, quarter: Quarter, is_revision: bool
) -> tuple[Publication, bool | None]:
    """Return the newest publication of a quarter, made now if there is none."""
    newest = _publications(working_set)
    if _by_old_rules(working_set, quarter):
        raise AgencyError(
            "counted-before",
            f"an earlier version of Offramp published {quarter.name}, by other rules",
            fix="report the quarters after it",
        )
    before = newest.pop(quarter.name, None)
    if before is not None and not is_revision:
        return before, None
    program = office.program(working_set)
    groupings = _groupings(program, quarter)
    now = office.clock()
    tallies = tuple(
        tally_case(working_set, program, groupings, handle, now) for handle in handles(working_set)
    )
    quarter_counts = count_cases(tallies, quarter) + read_kept(office.journal.get(KEPT), quarter)
    made = _count(working_set, program, groupings, quarter_counts, quarter, newest, before)
    if made is None:
        assert before is not None, "only a revision can be refused"
        return before, False
    office.append(working_set, "published", write_publication(made))
    return made, True if before is not None else None


def _count(
    working_set: WorkingSet,
    program: Program,
    groupings: Mapping[str, Grouping],
    quarter_counts: QuarterCounts,
    quarter: Quarter,
    newest: Mapping[str, Publication],
    before: Publication | None,
) -> Publication | None:
    details = details_of(quarter_counts)
    if before is not None:
        kept = (key for key in before.exact if key.detail is not None)
        details |= {(key.measure, key.decision, key.detail) for key in kept}
    shape = shape_of(
        working_set.gateway.history.newest.role(working_set.agency),
        enrolls=answers_enrollment(working_set),
        decisions=decisions_here(working_set, program.pack),
        groupings=groupings,
        facts=program.pack.vocabulary.facts,
        details=details,
    )
    exact = count(quarter_counts, shape)
    waits = wait_hours(quarter_counts, shape)
    if before is None:
        return publish(exact, waits, shape, quarter, newest)
    return revise(before, exact, waits, shape, quarter, newest)


def _groupings(program: Program, quarter: Quarter) -> dict[str, Grouping]:
    return {
        name: grouping
        for name, grouping in program.pack.groups.items()
        if grouping.in_force(quarter.first)
    }


def _publications(working_set: WorkingSet) -> dict[str, Publication]:
    """Return the newest publication of each quarter."""
    return {
        event.body["quarter"]: read_publication(event.body)
        for event in working_set.published
        if "exact" in event.body
    }


def _by_old_rules(working_set: WorkingSet, quarter: Quarter) -> bool:
    name = f"{quarter.name[:4]}-{quarter.name[4:]}"
    return any(event.body["quarter"] == name for event in working_set.published)


# Sending and joining


def _offices(working_set: WorkingSet) -> tuple[str, ...]:
    """Return the agencies that join the counts: the program, or else the case managers."""
    directory = working_set.gateway.history.newest
    return directory.with_role("program") or directory.with_role("case_management")


def _send(office: Office, publication: Publication) -> tuple[SentRecord | None, tuple[str, ...]]:
    """Send counts to the program's office. An agency that joins them itself sends none."""
    working_set = office.working_set()
    to = tuple(agency for agency in _offices(working_set) if agency != office.agency)
    if not to:
        return None, ()
    content = {
        "quarter": publication.quarter,
        "version": publication.version,
        "rows": [_without_none(key, count=number) for key, number in publication.shown()],
        "waits": [_without_none(wait) for wait in publication.waits],
    }
    part = Part(
        category=("operation",),
        content={"operation": {"counts": content}},
        to=dict.fromkeys(to, ("exchange_operation", "operation")),
        keep_until=defaults_today(office, working_set).last_day(("operation",)),
        use="none",
    )
    return send_record(office, COUNTS, Draft((part,))), to


def _without_none(value: CountKey | Wait, **more: int | None) -> dict[str, Any]:
    names = value.__dataclass_fields__
    members = {name: getattr(value, name) for name in names} | more
    return {name: member for name, member in members.items() if member is not None}


def _open_counts(office: Office, actor: str) -> None:
    """Open the counts that arrived. One that may not be opened stays unopened."""
    for jti, part in _closed_counts(office.working_set()):
        try:
            office.open(jti, part, by=actor)
        except ExchangeError:
            continue


def _closed_counts(working_set: WorkingSet) -> list[tuple[str, str]]:
    return [
        (jti, part)
        for (issuer, jti), received in working_set.gateway.received.items()
        if received.record is not None and received.record.kind == COUNTS
        for part in received.record.labels
        if part not in received.opened and (issuer, jti, part) not in working_set.destroyed
    ]


def _joined(
    office: Office,
    quarter: Quarter,
    publication: Publication,
) -> QuarterReport:
    working_set = office.working_set()
    directory = working_set.gateway.history.newest
    program = office.program(working_set)
    own = AgencyCounts(
        office.agency,
        directory.role(office.agency),
        publication.version,
        tuple(publication.shown()),
        publication.waits,
    )
    arrived = _arrived(working_set, quarter)
    is_joining = office.agency in _offices(working_set)
    expected = (
        agency
        for role in COUNTING_ROLES
        for agency in directory.with_role(role)
        if is_joining and agency != office.agency
    )
    return QuarterReport(
        quarter=quarter.name,
        agency=office.agency,
        program=program.pack.title,
        groupings={name: grouping.says for name, grouping in _groupings(program, quarter).items()},
        agencies=(own, *arrived.values()),
        missing=tuple(agency for agency in expected if agency not in arrived),
        unopened=len(_closed_counts(working_set)),
        places=_places(office.settings, program, quarter),
        money=_money(office.settings),
        names={id: entry.name for id, entry in directory.agencies.items()},
    )


def _arrived(working_set: WorkingSet, quarter: Quarter) -> dict[str, AgencyCounts]:
    """Return the newest counts of a quarter that each other agency sent, as they were opened."""
    directory = working_set.gateway.history.newest
    found: dict[str, AgencyCounts] = {}
    for (issuer, _), received in working_set.gateway.received.items():
        if received.record is None or received.record.kind != COUNTS:
            continue
        for opened in received.opened.values():
            counts = (opened.content.get("operation") or {}).get("counts")
            before = found.get(issuer)
            if counts is None or counts["quarter"] != quarter.name:
                continue
            if before is None or before.version <= counts["version"]:
                found[issuer] = AgencyCounts(
                    issuer,
                    directory.role(issuer),
                    counts["version"],
                    tuple(_read_rows(counts["rows"])),
                    tuple(_read_wait(wait) for wait in counts.get("waits", ())),
                )
    return {name: found[name] for name in directory.agencies if name in found}


def _read_rows(rows: Iterable[Mapping[str, Any]]) -> Iterable[tuple[CountKey, int | None]]:
    for row in rows:
        names = ("decision", "detail", "grouping", "group")
        yield CountKey(row["measure"], *(row.get(name) for name in names)), row.get("count")


def _read_wait(row: Mapping[str, Any]) -> Wait:
    place = (row.get(name) for name in ("decision", "grouping", "group"))
    hours = (row.get(name) for name in ("lower", "median", "upper"))
    return Wait(row["measure"], *place, *hours)


def _places(settings: Settings, program: Program, quarter: Quarter) -> Places | None:
    """Return the program's places on the quarter's last day: this office's, or the pack's."""
    if settings.places is not None and settings.places_source is not None:
        return Places(settings.places, settings.places_source)
    for places in program.pack.program.places:
        if places.in_force(quarter.after.fromordinal(quarter.after.toordinal() - 1)):
            return Places(places.value, program.pack.sources[places.source.id].title)
    return None


def _money(settings: Settings) -> Money | None:
    if settings.budget_low is None or settings.person_year_low is None:
        return None
    assert settings.budget_high is not None and settings.person_year_high is not None
    return Money(
        (settings.budget_low, settings.budget_high),
        str(settings.budget_source),
        (settings.person_year_low, settings.person_year_high),
        str(settings.person_year_source),
    )
