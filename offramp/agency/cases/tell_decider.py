"""Tell the agency that decided what changed since: it may never learn of it otherwise. Pure.

Police answer the program's question after the prosecutor decided. The prosecutor didn't ask, so no
record brings it the answer, and its decision stays as it is. The program may tell it the rules'
answer, which shows that the decision rests on something else now. A correction or a recall goes to
every holder of the value, and nobody else knows if the agency that decided is one. So the program
tells it then, too.
See docs/decisions/0165-a-decision-lapses-if-it-could-differ.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from offramp.agency.cases.case import Case
from offramp.agency.cases.caseload import decisions_here
from offramp.agency.cases.corrections import UNOPENED
from offramp.agency.cases.decision_effects import replaces_answer
from offramp.agency.cases.decision_record import decision_in
from offramp.agency.cases.outdated import ANSWER, FactsRead, OutdatedDecision
from offramp.agency.cases.positions import record_position
from offramp.agency.cases.task import OPEN, Task
from offramp.agency.cases.untold_decisions import told_of_answer
from offramp.agency.folder.working_set import WorkingSet
from rules.decide.program import Program

# The agency that works this decision out leads the case, and sees that others decide again.
_LEADS = "eligibility"
# What the task is about, before the agency and the decision: a record, or a call.
TELL, CALL = "tell.", "call."


def tell_decider(
    working_set: WorkingSet,
    program: Program,
    case: Case,
    handle: str,
    outdated: OutdatedDecision,
    role: str,
    now: int,
) -> Iterator[Task]:
    """Yield the task to tell another agency's decider of what it may not know.

    It is sent with the rules' answer, where they have one, where the rules and the consent permit
    that, and where no person's decision is in its place: one made here, or one made against the
    rules. Otherwise somebody calls. `now` is in seconds since 1970.
    """
    agency, decision = outdated.agency, outdated.decision
    here = decisions_here(working_set, program.pack)
    if agency == working_set.agency or outdated.what == ANSWER or _LEADS not in here:
        return
    unknown = [
        change.changed_at
        for change in outdated.changes
        if change.how != UNOPENED and change.by != agency
    ]
    if not unknown or _is_told(working_set, handle, agency, decision, max(unknown)):
        return
    digits = working_set.cases.digits(handle)
    recipients = (
        told_of_answer(working_set, program, case, handle, decision, now)
        if decision in here
        and not replaces_answer(case, working_set.agency, decision)
        and FactsRead(working_set, program, handle, case, now).is_decided(decision)
        else ()
    )
    is_told = agency in recipients
    if is_told:
        step = (
            f"Tell `{agency}` the rules' answer on `{decision}`, so that it looks again. Its "
            "decision stays in force until then, and it may not know what changed since: "
            f"`agency decide {digits} {decision} --send`."
        )
    else:
        step = (
            f"Call `{agency}`, and ask it to look at `{decision}` again: it may not know what "
            "changed after it decided, and no record that you may send tells it. Don't say on the "
            "telephone what changed."
        )
    yield Task(handle, role, step, OPEN, f"{TELL if is_told else CALL}{agency}.{decision}")


def _is_told(
    working_set: WorkingSet, handle: str, agency: str, decision: str, since: float
) -> bool:
    """Return True if this agency sent the rules' answer on a decision to an agency since."""
    for outgoing in working_set.cases.records(handle).sent:
        if outgoing.kind != "decision" or outgoing.refused or outgoing.replaced_by:
            continue
        if record_position(outgoing) <= since:
            continue
        for part in outgoing.parts:
            sent = decision_in(part["content"])
            if agency in part["to"] and sent is not None and sent["decision"] == decision:
                return True
    return False
