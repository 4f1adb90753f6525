"""Tell the other agencies that this agency is a person's counsel, or that another one is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from exchange.consent.reduction import represents
from exchange.records.building import Part
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.draft import Draft
from offramp.agency.cases.empty_cases import is_empty
from offramp.agency.cases.people import person_name
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.access import BEGIN, needs
from offramp.agency.operations.records import SentRecord, send_record
from rules.frozen import frozen

# The roles that are told, and the purpose and basis on which they are: the notice needs no consent.
TOLD_ROLES = ("program", "case_management", "prosecutor")
ON_WHICH_BASIS = ("exchange_operation", "operation")


@frozen
class Representation:
    """What `represent` would state, before it is sent.

    `counsel` is the office that would act for the person, and `recipients` would be told. Those
    `without_key` can't be told yet: their gateways have announced no key. A case that isn't `known`
    here has sent this office nothing: the handle may be mistyped. `person` is the name that this
    office has, None for none. `is_repeated` is true if the office says so already.
    """

    case: str
    counsel: str
    known: bool
    person: str | None
    records: int
    is_repeated: bool
    recipients: tuple[str, ...]
    without_key: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Return the JSON of `offramp agency represent --dry-run`."""
        return {
            "case": self.case,
            "counsel": self.counsel,
            "known": self.known,
            "person": self.person,
            "records": self.records,
            "repeated": self.is_repeated,
            "to": list(self.recipients),
            "no_key": list(self.without_key),
        }


@needs(BEGIN, look="case")
def preview_representation(
    office: Office, case: str, successor: str | None = None
) -> Representation:
    """Show what is known here of a case, and who would be told. Nothing is kept or sent.

    Raises `AgencyError` `not-counsel`, `unknown-agency`, `no-directory`.
    """
    working_set = office.working_set()
    defaults_today(office, working_set)
    counsel, told = _check_counsel(working_set, successor)
    recipients, without_key = _with_key(working_set, told)
    is_known = _is_known(working_set, case)
    records = working_set.cases.records(case)
    return Representation(
        case,
        counsel,
        is_known,
        person_name(working_set, case) if is_known else None,
        len(records.received),
        counsel == office.agency and represents(working_set.gateway.state(case), counsel),
        recipients,
        without_key,
    )


@needs(BEGIN, look="act", takes=True)
def represent(
    office: Office, case: str, successor: str | None = None, *, although_unknown: bool = False
) -> SentRecord:
    """Tell program, case managers, and prosecutor who is the person's counsel in a case.

    It is this agency, or the `successor` that takes the case over. Only counsel receives what a
    person lets others tell a lawyer. A handle of which nothing came here may be mistyped, and
    would begin a case without a person. So it is refused, unless `although_unknown` confirms it:
    before a consent, counsel has nothing of the person's case. An agency that has announced no key
    can't be told yet, and keeps no other one from being told. Raises `AgencyError`
    `nobody-to-tell`, `unheard-case`, `not-counsel`, `unknown-agency`; as `send_record`.
    """
    working_set = office.working_set()
    defaults = defaults_today(office, working_set)
    counsel, told = _check_counsel(working_set, successor)
    recipients, without_key = _with_key(working_set, told)
    if not recipients:
        names = ", ".join(f"`{agency}`" for agency in without_key)
        raise AgencyError(
            "nobody-to-tell",
            f"nothing was sent, because no key is announced by {names}",
            fix="call them: each has to run its gateway. Then state it again",
        )
    if not _is_known(working_set, case) and not although_unknown:
        raise AgencyError(
            "unheard-case",
            f"nothing of a case `{case[:40]}` has come here",
            fix="compare the digits with the case manager's, and confirm them with "
            "`--although-unknown` if they are right",
        )
    part = Part(
        category=("operation",),
        content={"operation": {}},
        to=dict.fromkeys(recipients, ON_WHICH_BASIS),
        keep_until=defaults.last_day(("operation",)),
        use="none",
        says={"agency": counsel},
    )
    return send_record(office, "representation", Draft((part,)), case)


def _is_known(working_set: WorkingSet, case: str) -> bool:
    return case in working_set.cases and not is_empty(working_set, case)


def _with_key(
    working_set: WorkingSet, agencies: Iterable[str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the agencies that a record can be sealed to, and the others."""
    sealing = working_set.gateway.history.membership_at(2**53 - 1).sealing
    told = tuple(agencies)
    return (
        tuple(agency for agency in told if sealing.get(agency)),
        tuple(agency for agency in told if not sealing.get(agency)),
    )


def _check_counsel(working_set: WorkingSet, successor: str | None) -> tuple[str, tuple[str, ...]]:
    """Return the office that acts for the person, and the agencies that are told of it."""
    directory = working_set.gateway.history.newest
    if directory.role(working_set.agency) != "defender":
        raise AgencyError(
            "not-counsel",
            f"`{working_set.agency}` is no defender's office",
            fix="have the defender's office say that it represents the person",
        )
    counsel = successor or working_set.agency
    if directory.role(counsel) != "defender":
        raise AgencyError(
            "unknown-agency",
            f"`{counsel}` is no defender's office in the directory",
            fix="name a defender's office, or leave `--successor` out",
        )
    recipients = tuple(
        agency.id
        for agency in directory.agencies.values()
        if agency.role in TOLD_ROLES and agency.id != working_set.agency
    )
    return counsel, recipients
