"""The one check of access: each public operation declares what it needs.

An operation with `@needs` finds out who acts, checks role and caseload, and writes a look before it
does anything. A refusal is a look too. See docs/decisions/0066-staff-and-access.md.

Each record that it composes is checked first against an exit of the person, and each record and
note for moments that can't be. No operation has to remember that. See
docs/decisions/0082-one-check-after-an-exit.md and 0088-moments.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial, wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar, cast

from exchange.agency.reading import Reading
from exchange.errors import shorten
from offramp.agency.cases.after_exit import check_may_be_told
from offramp.agency.cases.answering import pack_in_force
from offramp.agency.cases.caseload import own_parts, unknown_case
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.moments import check_moments
from offramp.agency.cases.people import SHORTEST_PREFIX
from offramp.agency.errors import AgencyError
from offramp.agency.folder.looks import Look
from offramp.agency.folder.office import Office, Stating
from offramp.agency.folder.staff import Assignment, Session, Staff, StaffPerson
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.operations.sign_in import session_of
from rules.errors import Refusal
from rules.frozen import frozen

P = ParamSpec("P")
R = TypeVar("R")

NEW_CASE = "new"
_ID_DIGITS, _PART_DIGITS = 32, 16
# A supervisor's reason is noted again after this many seconds.
_NOTED_AGAIN = 3600


@frozen
class Access:
    """A group of operations and the roles that may call them.

    `scope` says which cases they may name: `case` those of the person's own caseload, `new` the
    same and a case that doesn't exist yet, `asked` every case of the agency, since what is asked of
    the agency may be answered by anybody there, `agency` none or all.
    """

    name: str
    roles: tuple[str, ...]
    scope: Literal["case", "new", "asked", "agency"] = "agency"


OFFER = Access("offer", ("sender", "member", "supervisor"), "new")
ASKED = Access("asked", ("sender", "member", "supervisor"), "asked")
OWN = Access("own", ("sender", "member", "supervisor"), "case")
CASE = Access("case", ("member", "supervisor"), "case")
BEGIN = Access("begin", ("member", "supervisor"), "new")
MINE = Access("mine", ("sender", "member", "supervisor"))
FIND = Access("find", ("sender", "member", "supervisor", "chair"))
CASES = Access("cases", ("member", "supervisor"))
MEETING = Access("meeting", ("member", "supervisor", "chair"))
CHAIR = Access("chair", ("chair",))
QUARTER = Access("quarter", ("supervisor", "chair"))
SUPERVISION = Access("supervision", ("supervisor",))
# Break-glass: any case of the agency, by somebody who works on cases.
GLASS = Access("glass", ("member", "supervisor"), "agency")
EMERGENCIES = Access("emergencies", ("member", "supervisor"), "agency")
PEOPLE = Access("people", ("admin",))
INVITES = Access("invites", ("supervisor", "admin"))
OWN_ACCOUNT = Access("own account", ("member", "supervisor", "sender", "chair", "admin", "auditor"))
COLLEAGUES = Access("colleagues", ("member", "supervisor", "admin"))
ADMIN = Access("admin", ("admin",))
QUEUE = Access("queue", ("member", "supervisor", "sender", "admin"))
LOOKED = Access("looked", ("supervisor", "admin", "auditor"))
# Acts of the gateway: whoever may start it, with no person and no case shown.
GATEWAY = Access("gateway", ())

# What a form needs, by what it is about.
FORMS: Mapping[str, Access] = {"begins": OFFER, "answers": ASKED, "case": CASE}

# The refusals by access. Each is a look, wherever an operation raises it.
REFUSALS = frozenset(
    (
        "not-your-role",
        "no-such-case",
        "not-here",
        "care-part",
        "reason-needed",
        "no-glass",
        "not-the-owner",
        "second-person",
        "nothing-to-review",
    )
)

# Why a supervisor opens a part of care, or a person breaks the glass of a case.
REASONS: Mapping[str, str] = {
    "owner_away": "the owner is away",
    "person_asks": "the person asks for it",
    "supervision": "supervision",
    "complaint": "a complaint",
    "safety": "somebody's safety",
    "court": "a court asks for it",
}

# Agencies without break-glass: nobody there may reach for care (CONSOLE.md section 5).
NO_GLASS = ("police", "prosecutor")

Values = Mapping[str, Any]


@frozen
class Declaration:
    """The need of one operation.

    `accesses` are by variant, of which `variant` chooses one by the arguments: a form that begins a
    case needs less than one about somebody's case. `look` is the kind of its entry in the journal
    of looks. With `takes`, the person who acts becomes the owner of a case that nobody has yet.
    """

    operation: str
    accesses: Mapping[str, Access]
    variant: Callable[[Values], str] | None
    look: str | None
    takes: bool

    def access(self, values: Values) -> Access:
        """Return the access that a call with these arguments needs."""
        return self.accesses[self.variant(values) if self.variant else ""]


# Every declared operation by name.
DECLARED: dict[str, Declaration] = {}


def needs(
    access: Access | Mapping[str, Access],
    *,
    variant: Callable[[Values], str] | None = None,
    look: str | None = None,
    takes: bool = False,
) -> Callable[[Callable[Concatenate[Office, P], R]], Callable[Concatenate[Office, P], R]]:
    """Declare what an operation needs, and check it at each call.

    The operation's first argument is the office. An argument `actor` is replaced by the listed
    name. Raises `AgencyError` `unlisted-person`, `which-person`, `not-your-role`, `no-such-case`.
    """
    accesses = {"": access} if isinstance(access, Access) else access

    def declare(
        operation: Callable[Concatenate[Office, P], R],
    ) -> Callable[Concatenate[Office, P], R]:
        code = operation.__code__
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        declared = Declaration(operation.__name__, accesses, variant, look, takes)
        DECLARED[operation.__name__] = declared

        @wraps(operation)
        def checked(office: Office, *args: P.args, **kwargs: P.kwargs) -> R:
            if office.is_in_operation:
                return operation(office, *args, **kwargs)
            values = {**dict(zip(names[1:], args, strict=False)), **kwargs}
            need = declared.access(values)
            admitted = None if need is GATEWAY else admit(office, declared, values)
            session = admitted.session if admitted is not None else None
            if session is not None and "actor" in names:
                if "actor" in kwargs:
                    kwargs["actor"] = session.name
                else:
                    at = names.index("actor") - 1
                    args = (*args[:at], session.name, *args[at + 1 :])  # type: ignore[assignment]  # the same types
            office.is_in_operation = True
            office.before_stating = partial(_check_stating, office, is_person=session is not None)
            office.acting, before = session, office.acting
            try:
                result = operation(office, *args, **kwargs)
            except Refusal as refusal:
                if admitted is not None and _is_look(office, admitted, values, refusal):
                    _write_outcome(office, admitted, declared, values, refusal.code)
                    office.refusal_written = refusal
                raise
            finally:
                office.is_in_operation, office.acting = False, before
                office.before_stating = None
            if takes and session is not None:
                _take(office, session, values, result)
            return result

        return cast("Callable[Concatenate[Office, P], R]", checked)

    return declare


def _is_look(office: Office, admitted: Admission, values: Values, refusal: Refusal) -> bool:
    """Report whether a refusal is a look.

    INVARIANT: each refusal of an act on a case is one, whatever the reason.
    """
    if admitted.looks or refusal.code in REFUSALS:
        return True
    return bool(_cases_looked_at(office.working_set(), values))


def _check_stating(
    office: Office, working_set: WorkingSet, stating: Stating, *, is_person: bool
) -> None:
    """Check a record or a note before it is kept: an exit of the person, and its moments.

    The gateway repeats what people stated, which was checked when they did.
    """
    if stating.kind is not None:
        check_may_be_told(working_set, stating.kind, stating.case)
    if is_person and working_set.gateway.history.size:
        check_moments(working_set, pack_in_force(office, working_set), stating, office.clock())


# Variants of an operation


def form_about(values: Values) -> str:
    """Return whether a form begins a case, answers what was asked, or is about a case."""
    name = values.get("name")
    if name is None:
        opened = values.get("opened")
        name = opened.form.name if opened is not None else values["draft"].form
    form = form_terms().forms.get(str(name))
    if form is None:
        return "case"
    return "begins" if form.begins else "answers" if form.name == "answer" else "case"


def decides_about(values: Values) -> str:
    """Return whether a decision is about a new case."""
    answered = values.get("answered")
    case = answered.case if answered is not None else values["case"]
    return "new" if case in (None, NEW_CASE) else "case"


def sends_about(values: Values) -> str:
    """Return whether a record begins a case: an offer or a referral without one."""
    return "begins" if values.get("case") is None else "case"


# Who may


def may_see(staff: Staff, person: StaffPerson, case: str, now: int) -> bool:
    """Report whether a case is in a person's caseload, or is open to all of a role.

    A supervisor has every case. A member has the own ones and those that nobody took yet. A sender
    has the own ones.
    """
    if "supervisor" in person.roles:
        return True
    if not {"member", "sender"} & set(person.roles):
        return False
    if "member" in person.roles and not staff.is_taken(case):
        return True
    assigned = staff.assignments.get(case)
    return (assigned is not None and person.name in assigned.people) or (
        staff.has_glass(person.name, case, now)
    )


def visible(office: Office, working_set: WorkingSet) -> Callable[[str | None], bool]:
    """Return whether the person who acts sees a case in a list. The gateway sees all."""
    session, now = office.acting, office.clock()
    if session is None:
        return lambda case: True
    staff, person = working_set.staff, session.person
    return lambda case: case is None or may_see(staff, person, case, now)


def owns(office: Office, working_set: WorkingSet) -> Callable[[str], bool]:
    """Return whether a case is one that the person who acts works on. The gateway works on all."""
    session, staff = office.acting, working_set.staff
    if session is None:
        return lambda case: True
    return lambda case: (
        (assigned := staff.assignments.get(case)) is not None and session.name in assigned.people
    )


def may_find(office: Office, working_set: WorkingSet) -> Callable[[str], bool]:
    """Return whether the person who acts may find a case by its first digits.

    What was asked of the agency is found by everybody who may answer it.
    """
    sees = visible(office, working_set)
    return lambda case: (
        sees(case)
        or any(
            received.record is not None and received.record.kind == "question"
            for received in working_set.cases.records(case).received.values()
        )
    )


@frozen
class Admission:
    """A person who may act, and what was written before the operation began.

    `looks` are the numbers of the looks by case. `events` is the number of the newest event.
    """

    session: Session
    looks: Mapping[str | None, int]
    events: int


def admit(office: Office, declared: Declaration, values: Values) -> Admission:
    """Return the session of who acts, once role and caseload allow it and the look is written.

    Raises `AgencyError` as `needs`.
    """
    need = declared.access(values)
    session = session_of(
        office,
        values.get("actor"),
        tried=lambda: _cases_looked_at(office.working_set(), values),
    )
    working_set = office.working_set()
    try:
        if not set(need.roles) & set(session.person.roles):
            raise _not_your_role(declared, need, session)
        for case in _cases_named(values):
            _check_case(office, working_set, session, need, case)
        if need.scope == "case" and "record" in values and values.get("case") is None:
            _check_record(office, working_set, session, str(values["record"]))
    except AgencyError as refusal:
        _write_looks(office, session, declared, values, refused=refusal.code)
        office.refusal_written = refusal
        raise
    looks: Mapping[str | None, int] = {}
    if declared.look is not None:
        looks = _write_looks(office, session, declared, values)
    return Admission(session, looks, office.journal.size())


def _check_case(
    office: Office, working_set: WorkingSet, session: Session, need: Access, case: str
) -> None:
    """Check a case against the caseload.

    INVARIANT: a case of somebody else and a case that doesn't exist are refused alike.
    """
    is_known = case in working_set.cases
    if need.scope == "agency" or (need.scope == "new" and not is_known):
        return
    if need.scope == "asked" and is_known:
        return
    if "supervisor" in session.person.roles:
        return
    if not is_known or not may_see(working_set.staff, session.person, case, office.clock()):
        raise unknown_case(case)


def _check_record(office: Office, working_set: WorkingSet, session: Session, record: str) -> None:
    """Check the case of a record against the caseload. Raises `AgencyError` `not-here`.

    INVARIANT: a record of somebody else's case and an unknown one are refused alike.
    """
    case = case_of_record(working_set, record)
    if case is not None and not may_see(working_set.staff, session.person, case, office.clock()):
        raise unknown_record(record)


def case_of_record(working_set: WorkingSet, record: str) -> str | None:
    """Return the case of a record, given as an id or as a number in the inbox."""
    if (own := working_set.outbox.get(record)) is not None:
        return own.case
    received = list(working_set.gateway.received.items())
    if is_inbox_number(record) and 1 <= int(record) <= len(received):
        found = received[int(record) - 1][1].record
        return found.case if found is not None else None
    return next(
        (each.record.case for (_, jti), each in received if jti == record and each.record), None
    )


def is_inbox_number(record: str) -> bool:
    """Report whether a text has the form of a record's number in the inbox."""
    return record.isascii() and record.isdigit() and len(record) < 9


def unknown_record(record: str) -> AgencyError:
    """Return the refusal of a record that didn't come here, or not to the person who asks."""
    return AgencyError(
        "not-here", f"no record `{record[:40]}` came here", fix="look at `offramp agency inbox`"
    )


# Parts of care


def is_care(sensitivity: str, categories: Iterable[str]) -> bool:
    """Report whether a part is of care, which only owner and backup of its case may open."""
    return sensitivity in ("part2", "health") or "counseling_note" in categories


def opens_care(
    office: Office, working_set: WorkingSet, case: str | None, because: str | None
) -> bool:
    """Report whether the person who acts may read parts of care in a case.

    A supervisor may for a reason: a code of `REASONS`.
    """
    session = office.acting
    if session is None or case is None:
        return True
    staff, name = working_set.staff, session.name
    assigned = staff.assignments.get(case)
    if assigned is None or name in assigned.carers or staff.has_glass(name, case, office.clock()):
        return True
    return "supervisor" in session.person.roles and because is not None


def is_chair(office: Office) -> bool:
    """Report whether the person who acts chairs meetings. The gateway doesn't."""
    return office.acting is not None and "chair" in office.acting.person.roles


def care_parts(working_set: WorkingSet, case: str) -> frozenset[tuple[str, str]]:
    """Return record and part of everything of care that was sent or received in a case."""
    records = working_set.cases.records(case)
    received = {
        (record.jti, part)
        for each in records.received.values()
        if (record := each.record) is not None
        for part, label in record.labels.items()
        if is_care(label.sensitivity, label.category)
    }
    sent = {
        (outgoing.jti, part)
        for outgoing in records.sent
        for (part, _, _), stored in zip(own_parts(outgoing), outgoing.parts, strict=True)
        if is_care(str(stored["sensitivity"]), stored["category"])
    }
    return frozenset(received | sent)


def check_part(
    office: Office, working_set: WorkingSet, jti: str, part: str | None, because: str | None
) -> None:
    """Check that the person who acts may open a part, and note a supervisor's reason for care.

    Call it within a transaction, before the part is opened. Raises `AgencyError` `care-part`,
    `reason-needed`, `unknown-reason`.
    """
    check_reason(because)
    session, record = office.acting, _received_record(working_set, jti)
    if session is None or record is None or record.case is None:
        return
    labels = [label for name, label in record.labels.items() if part in (None, name)]
    if not any(is_care(label.sensitivity, label.category) for label in labels):
        return
    case = record.case
    if not opens_care(office, working_set, case, because):
        assigned = working_set.staff.assignments[case]
        if "supervisor" in session.person.roles:
            raise AgencyError(
                "reason-needed",
                f"this part is of care, and the case is `{assigned.owner}`'s",
                fix=f"give the reason, which `{assigned.owner}` will see, with `--because`: "
                f"{', '.join(REASONS)}",
            )
        raise AgencyError(
            "care-part",
            "there is a part of care here, which only the case's owner and backup may open",
            fix=f"ask `{assigned.owner}`, or a supervisor for a hand-over",
        )
    note_care(office, working_set, case, because)


def open_for_actor(
    office: Office,
    jti: str,
    part: str | None,
    *,
    by: str,
    second: str | None = None,
    because: str | None = None,
) -> Reading:
    """Open a part for the person who acts, if its care is for that person.

    Raises `AgencyError` as `check_part`; as `Office.open`.
    """
    with office.transaction() as working_set:
        check_part(office, working_set, jti, part, because)
    return office.open(jti, part, by=by, second=second)


def note_care(office: Office, working_set: WorkingSet, case: str, because: str | None) -> None:
    """Note for a case's owner that a supervisor reads its parts of care, and why."""
    session, assigned = office.acting, working_set.staff.assignments.get(case)
    if session is None or assigned is None or because is None or session.name in assigned.carers:
        return
    now = office.clock()
    is_noted = any(
        access.reviewed_by is None
        and (access.case, access.by, access.reason) == (case, session.name, because)
        and now - access.time < _NOTED_AGAIN
        for access in working_set.staff.extra.values()
    )
    if not is_noted and not working_set.staff.has_glass(session.name, case, now):
        body = {"does": "care", "case": case, "reason": because, "by": session.name}
        office.append(working_set, "staff", body)


def check_glass(office: Office, working_set: WorkingSet) -> None:
    """Check that this agency has a way beyond the own caseload. Raises `AgencyError` `no-glass`."""
    history = working_set.gateway.history
    role = history.newest.role(office.agency) if history.size else None
    if role is None or role in NO_GLASS:
        raise AgencyError(
            "no-glass",
            "this agency has no break-glass",
            fix="ask a supervisor to assign the case",
        )


def check_reason(because: str | None) -> None:
    """Check the code of a reason. Raises `AgencyError` `unknown-reason`."""
    if because is not None and because not in REASONS:
        raise AgencyError(
            "unknown-reason",
            f"`{shorten(because)}` is no reason",
            fix=f"use one of {', '.join(REASONS)}",
        )


def _received_record(working_set: WorkingSet, jti: str) -> Any:
    return next(
        (
            received.record
            for (_, received_id), received in working_set.gateway.received.items()
            if received_id == jti
        ),
        None,
    )


def _cases_named(values: Values) -> Iterator[str]:
    """Yield the cases that a call's arguments name."""
    for name in ("case", "of_case", "first", "second"):
        value = values.get(name)
        if isinstance(value, str) and value != NEW_CASE and name in values:
            yield value
    for name in ("opened", "draft", "answered"):
        case = getattr(values.get(name), "case", None)
        if isinstance(case, str) and case != NEW_CASE:
            yield case


def _not_your_role(declared: Declaration, need: Access, session: Session) -> AgencyError:
    roles = " or ".join(need.roles)
    return AgencyError(
        "not-your-role",
        f"this is not here for `{session.name}`, whose roles are {', '.join(session.person.roles)}",
        fix=f"it is for people with the role {roles}",
    )


# What is written down


def _write_looks(
    office: Office,
    session: Session,
    declared: Declaration,
    values: Values,
    *,
    refused: str | None = None,
    tries: Mapping[str | None, int] | None = None,
) -> Mapping[str | None, int]:
    """Write a look for each case that a call names, or one without a case. Return their numbers.

    `tries` are the looks of a call that was refused without any effect, by case.

    INVARIANT: a refused try is written with the case, as a look of the case's people, and the
    refused person learns nothing from that.
    """
    kind = declared.look or "act"
    cases: list[str | None] = list(_cases_looked_at(office.working_set(), values))
    # INVARIANT: nothing that a person typed is kept, unless it is an id or a known code.
    record, part = values.get("record"), values.get("part")
    because = values.get("because")
    numbers: dict[str | None, int] = {}
    with office.journal.together():
        for case in cases or [None]:
            office.looked_at.append(case)
            numbers[case] = office.looks.add(
                Look(
                    0,
                    office.clock(),
                    session.name,
                    session.login,
                    session.origin,
                    "refused" if refused else kind,
                    (office.command_act if refused else None) or declared.operation,
                    case,
                    record if _is_id(record) else None,
                    part if _is_id(part, _PART_DIGITS) else None,
                    because if because in REASONS else None,
                    refused,
                    (tries or {}).get(case),
                )
            )
    return numbers


def _write_outcome(
    office: Office, admitted: Admission, declared: Declaration, values: Values, refused: str
) -> None:
    """Write that an operation refused after its look was written.

    INVARIANT: no look is changed. An operation that kept something before it refused keeps its
    look as an act, beside that of the refusal.
    """
    has_effect = office.journal.size() != admitted.events
    tries = None if has_effect else admitted.looks
    _write_looks(office, admitted.session, declared, values, refused=refused, tries=tries)


def note_refusal(office: Office, refusal: Refusal, act: str, typed: str | None) -> None:
    """Write the refusal of a command as a look, if no operation has written it.

    A form whose answers don't pass is refused after it was opened, outside of any operation. `act`
    is the operation that the command is for, or the command, and `typed` the case as a person typed
    it. Without one, the refusal is a look at the cases that this command has shown.

    INVARIANT: a command that a person ran on a case, or that has shown something, is never refused
    without a look.
    """
    session = office.session
    if session is None or office.refusal_written is refusal or office.moved_at is not None:
        return
    cases: tuple[str | None, ...] = cases_tried(office, typed) if typed is not None else ()
    if not cases and not office.looked_at:
        return
    if not cases:
        cases = tuple(dict.fromkeys(case for case in office.looked_at if case))
    with office.journal.together():
        for case in cases or (None,):
            office.looks.add(
                Look(
                    0,
                    office.clock(),
                    session.name,
                    session.login,
                    session.origin,
                    "refused",
                    act,
                    case,
                    refused=refusal.code,
                )
            )
    office.refusal_written = refusal


def write_glass_look(office: Office, case: str, reason: str) -> int:
    """Write the look of a broken glass, once its case is known, within a transaction.

    Return its number.
    """
    session = office.acting
    assert session is not None, "an operation with a need has a person"
    look = Look(
        0,
        office.clock(),
        session.name,
        session.login,
        session.origin,
        "glass",
        "break_glass",
        case,
        reason=reason,
    )
    office.looked_at.append(case)
    return office.looks.add(look)


def _cases_looked_at(working_set: WorkingSet, values: Values) -> tuple[str, ...]:
    """Return the cases that a call names by their handles, first digits, or a record."""
    cases = [case for case in _cases_named(values) if _is_id(case)]
    for name in ("case", "prefix", "of_case"):
        digits = values.get(name)
        if isinstance(digits, str) and SHORTEST_PREFIX <= len(digits) < _ID_DIGITS:
            matches = [
                handle
                for handle in working_set.cases.handles()
                if handle.startswith(digits.lower())
            ]
            cases += matches if len(matches) == 1 else []
    if not cases and isinstance(record := values.get("record"), str):
        case = case_of_record(working_set, record)
        cases += [case] if case is not None else []
    return tuple(dict.fromkeys(cases))


def cases_tried(office: Office, typed: str) -> tuple[str, ...]:
    """Return the case that a person typed, by its handle or first digits, for the look."""
    return _cases_looked_at(office.working_set(), {"case": typed})


def _is_id(value: object, digits: int = _ID_DIGITS) -> bool:
    return isinstance(value, str) and len(value) == digits and set(value) <= set("0123456789abcdef")


def _take(office: Office, session: Session, values: Values, result: object) -> None:
    """Make the person who acted the owner of each case that nobody took yet."""
    with office.transaction() as working_set:
        cases = {*_cases_named(values), getattr(result, "case", None)}
        if isinstance(record := values.get("record"), str):
            cases.add(case_of_record(working_set, record))
        untaken = [
            case
            for case in sorted(case for case in cases if case)
            if case in working_set.cases and not working_set.staff.is_taken(case)
        ]
        if untaken:
            assigned = Assignment(session.name).as_json()
            body = {
                "does": "took",
                "cases": dict.fromkeys(untaken, assigned),
                "by": session.name,
            }
            office.append(working_set, "staff", body)
