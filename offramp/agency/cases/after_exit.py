"""What may still be sent in a case after the person has left the program.

INVARIANT: `needs` asks `check_may_be_told` before each record that an operation composes, so that
no new operation can forget it. A form asks earlier too, so that nobody answers in vain.
"""

from __future__ import annotations

from offramp.agency.cases.caseload import case_of
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet

# The kinds of record that say nothing about the case's service. They correct and take back what was
# told, answer others, end or record a permission, account for what was told, or begin anew. A
# charge and its filing are the prosecutor's matter, and go on. So does the proof that parts were
# destroyed. A report of a disclosure is never refused. An exit is told once: a person who left
# can't leave again, and with two exits the recall of one would leave the case closed.
_AFTER_EXIT = frozenset(
    (
        *("correction", "recall", "recall_answer", "answer", "acknowledgement"),
        *("consent", "consent_change", "representation", "accounting"),
        *("exit", "ejection", "reinstatement", "offer", "referral"),
        *("decision", "determination", "new_charge", "filing_decision", "charge_disposition"),
        *("grievance", "misuse_complaint", "premises_crime", "sealed"),
        *("oral_disclosure", "emergency_disclosure", "court_order_disclosure"),
    )
)


def check_may_be_told(working_set: WorkingSet, kind: str, handle: str | None) -> None:
    """Check that a kind of record may be sent in a case.

    Raises `AgencyError` `case-ended` for a record about the service after an exit, `left-already`
    for a second exit.
    """
    if handle is None or handle not in working_set.cases:
        return
    if kind in _AFTER_EXIT and kind != "exit":
        return
    case = case_of(working_set, handle)
    if not case.is_ended:
        return
    left = next(entry.by for entry in reversed(case.entries) if entry.kind == "exit")
    is_own = left == working_set.agency
    fix = "if that was a mistake, take it back with `offramp agency recall DIR CASE mistaken-exit`"
    if not is_own:
        fix = f"if that was a mistake, have `{left}` recall its exit"
    if kind == "exit":
        day = "correct the day with `offramp agency correct DIR CASE enrollment.since=DAY`; "
        raise AgencyError(
            "left-already",
            f"`{left}` has told already that the person left the program",
            fix=f"{day}{fix}" if is_own else fix,
        )
    raise AgencyError(
        "case-ended",
        f"the person has left the program, so no `{kind}` is sent in this case",
        fix=fix,
    )
