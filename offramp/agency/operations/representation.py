"""Tell the other agencies that this agency is a person's counsel, or that another one is."""

from __future__ import annotations

from exchange.records.building import Part
from offramp.agency.cases.answering import defaults_today
from offramp.agency.cases.draft import Draft
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import BEGIN, needs
from offramp.agency.operations.records import SentRecord, send_record

# The roles that are told, and the purpose and basis on which they are: the notice needs no consent.
TOLD_ROLES = ("program", "case_management", "prosecutor")
ON_WHICH_BASIS = ("exchange_operation", "operation")


@needs(BEGIN, look="act", takes=True)
def represent(office: Office, case: str, successor: str | None = None) -> SentRecord:
    """Tell program, case managers, and prosecutor who is the person's counsel in a case.

    It is this agency, or the `successor` that takes the case over. Only counsel receives what a
    person lets others tell a lawyer. Raises `AgencyError` `not-counsel`, `unknown-agency`; as
    `send_record`.
    """
    working_set = office.working_set()
    defaults = defaults_today(office, working_set)
    directory = working_set.gateway.history.newest
    if directory.role(office.agency) != "defender":
        raise AgencyError(
            "not-counsel",
            f"`{office.agency}` is no defender's office",
            fix="have the defender's office say that it represents the person",
        )
    counsel = successor or office.agency
    if directory.role(counsel) != "defender":
        raise AgencyError(
            "unknown-agency",
            f"`{counsel}` is no defender's office in the directory",
            fix="name a defender's office, or leave `--successor` out",
        )
    recipients = [
        agency.id
        for agency in directory.agencies.values()
        if agency.role in TOLD_ROLES and agency.id != office.agency
    ]
    part = Part(
        category=("operation",),
        content={"operation": {}},
        to=dict.fromkeys(recipients, ON_WHICH_BASIS),
        keep_until=defaults.last_day(("operation",)),
        use="none",
        says={"agency": counsel},
    )
    return send_record(office, "representation", Draft((part,)), case)
