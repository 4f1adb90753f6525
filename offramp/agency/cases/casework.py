"""`offramp agency case|cases|note|decide|ask|determine|tasks|meeting|takeup`: what people do in a case."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.errors import ExchangeError
from exchange.membership.directory import read_directory
from exchange.membership.signatures import SignedPayload
from exchange.records.content_checks import check_content
from exchange.records.ids import new_id
from offramp.agency.cases import drafts
from offramp.agency.cases.case import LATEST, Answer, Case
from offramp.agency.cases.caseload import case_of, handles, places, untold, utc, worked_out_here
from offramp.agency.cases.decision_record import OUTCOME
from offramp.agency.cases.governing import SEVERITY, governing
from offramp.agency.cases.meeting import agenda
from offramp.agency.cases.takeup import check_over, counted, quarter_of, suppressed
from offramp.agency.cases.tasks import QUIET, tasks
from offramp.agency.errors import AgencyError
from offramp.agency.folder.office import Office
from offramp.agency.folder.working_set import WorkingSet
from offramp.agency.hub_link.sync import send_now
from rules.decide.program import Program
from rules.errors import Refusal
from rules.input.facts import Facts, read_facts
from rules.input.json_text import parse_json
from rules.input.printing import plain
from rules.shelf import vocabulary

# In place of a handle: a case that nobody has heard of yet.
NEW = "new"

Told = tuple[Any, list[str]] | tuple[Any, list[str], int]


def given(office: Office, working_set: WorkingSet) -> drafts.Defaults:
    """What stands in a part that nobody said. Raises `AgencyError` `no-directory`."""
    if not working_set.gateway.history.size:
        raise AgencyError(
            "no-directory",
            "no directory is in force yet",
            fix="have all founders approve the draft",
        )
    today = day_of(
        working_set.gateway.hub_time(office.clock()), working_set.gateway.history.newest.zone
    )
    return drafts.defaults(office.settings, working_set.gateway, today, office.random)


def answered(
    office: Office,
    working_set: WorkingSet,
    handle: str,
    decision: str,
    own: Mapping[str, Any] | None = None,
    case: Case | None = None,
) -> Answer:
    """The rules' answer on what is known here. Raises `AgencyError` `no-such-case`, `not-here-decided`, as `Case.decide`."""
    case = case or case_of(working_set, handle)
    now = office.clock()
    program = office.program(working_set)
    program.outcomes(decision)
    if working_set.agency not in places(working_set, decision):
        where = (
            ", ".join(f"`{one}`" for one in places(working_set, decision)) or "nobody who is listed"
        )
        raise AgencyError(
            "not-here-decided",
            f"`{decision}` isn't worked out at `{working_set.agency}`: its facts may not all be here",
            fix=f"it is for {where}",
        )
    at, silent = utc(working_set.gateway.hub_time(now)), untold(working_set, handle, now)
    enrolled, later = packs_since_enrollment(working_set, case)
    if decision not in SEVERITY or not later:
        return case.decide(program, decision, at, own, silent)
    # Later rules reach somebody who is in the program only where they let the prosecutor do no more, or after notice.
    by_pack = {
        named: case.decide(Program(office.pack(named)), decision, at, own, silent)
        for named in dict.fromkeys((enrolled, *later))
    }
    outcomes = {named: answer.possible for named, answer in by_pack.items()}
    found = governing(enrolled, later, decision, outcomes, noticed(working_set, handle))
    answer = by_pack[found.pack]
    answer.governed = found.why
    return answer


def packs_since_enrollment(working_set: WorkingSet, case: Case) -> tuple[str, tuple[str, ...]]:
    """The digest of the pack that was in force when the person came into the program, and of those that came into force since,
    the oldest first; for who isn't in it, the one in force and none since.
    """
    history = working_set.gateway.history
    entered = [each.place for each in case.stated if each.facts.get("person.enrolled") is True]
    if not entered or min(entered) >= LATEST:
        return history.newest.pack, ()
    index = int(min(entered)) + 1
    then = history.at(index).pack
    later = [
        read_directory(said.payload).pack
        for leaf, said in working_set.gateway.learned
        if isinstance(said, SignedPayload) and leaf.index >= index
    ]
    changed = [named for before, named in pairwise((then, *later)) if named != before]
    return then, tuple(changed)


def noticed(working_set: WorkingSet, handle: str) -> frozenset[str]:
    """The digests of the packs of which the person was given notice, as somebody here noted."""
    return frozenset(
        str(event.body["notice"])
        for event in working_set.noted
        if event.body["case"] == handle and "notice" in event.body
    )


def notice(office: Office, options: argparse.Namespace) -> Told:
    """Notes that the person was given notice of the rules in force, by whom and when."""
    with office.transaction() as working_set:
        case_of(working_set, options.case)
        defaults = given(office, working_set)
        line, pack = working_set.gateway.line, working_set.gateway.history.newest.document.pack
        body = {
            "case": options.case,
            "notice": pack.digest,
            "by": options.by,
            "after": line.size if line else 0,
            "keep_until": defaults.keep_until,
        }
        office.append(working_set, "noted", body)
    return {"case": options.case, "pack": pack.digest, "by": options.by}, [
        f"noted: {options.by} gave the person notice of the rules in force, `{pack.id}` ({pack.digest[:19]}…)"
    ]


# Facts


def facts_in(path: str, what: str) -> Facts:
    """The facts in a JSON file. Raises `FactsError`, `RequestError` `no-file`."""
    from offramp.policy.input_files import read_text

    return read_facts(parse_json(read_text(path), what), vocabulary())


def note(office: Office, options: argparse.Namespace) -> Told:
    """Keeps facts of this agency's own knowledge: they decide here, and answer what others ask."""
    facts = facts_in(options.file, "the facts")
    held = {path: plain(value) for path, value in facts.known.items()}
    with office.transaction() as working_set:
        role = (
            working_set.gateway.history.newest.role(working_set.agency)
            if working_set.gateway.history.size
            else None
        )
        words = vocabulary()
        for path in held:
            fact = words.facts[path]
            if fact.category in words.never_travels:
                raise AgencyError(
                    "never-kept",
                    f"`{path}` isn't kept here",
                    fix="give it to `agency decide` with `--facts` each time",
                )
            if fact.known_by != role:
                raise AgencyError(
                    "not-yours",
                    f"`{path}` isn't for `{role}` to say",
                    fix=f"it is for {fact.known_by}; note what was seen here",
                )
        if facts.attested or not held:
            raise AgencyError(
                "nothing-to-note",
                "the file holds no facts to note",
                fix="write facts of the vocabulary in it",
            )
        case_of(working_set, options.case)
        defaults = given(office, working_set)
        line = working_set.gateway.line
        body = {
            "case": options.case,
            "facts": held,
            "after": line.size if line else 0,
            "keep_until": defaults.keep_until,
        }
        office.append(working_set, "noted", body)
        answers = auto_answers(office, working_set, options.case, defaults)
    state = send_now(office, None) if answers else ""
    return {"case": options.case, "noted": held, "answered": answers}, [
        f"noted: {', '.join(f'{path} = {value}' for path, value in held.items())}",
        *(f"answered {one['to']}: {state}" for one in answers),
    ]


# Looking


def cases(office: Office, options: argparse.Namespace) -> Told:
    working_set = office.working_set()
    rows: list[dict[str, Any]] = []
    for handle in handles(working_set):
        case = case_of(working_set, handle)
        rows.append(
            {
                "case": handle,
                "facts": len(case.known),
                "conflicts": list(case.conflicts),
                "determined": {
                    name: one.determined["outcome"]
                    for name, one in case.determined.items()
                    if one.determined
                },
            }
        )
    return {"cases": rows}, [
        f"{one['case']}  {one['facts']} facts"
        + (f"; in conflict: {', '.join(one['conflicts'])}" if one["conflicts"] else "")
        + "".join(f"; {name}: {outcome}" for name, outcome in one["determined"].items())
        for one in rows
    ] or ["no case is known here"]


def show(office: Office, options: argparse.Namespace) -> Told:
    """Everything that is known here of a case. With `--by`, opens first what that person may read and hasn't."""
    refused: list[str] = []
    if options.by:
        for jti, part in closed(office.working_set(), options.case):
            try:
                office.open(jti, part, by=options.by)
            except ExchangeError as error:
                refused.append(f"`{part}` of `{jti}` stays closed: {error.message}")
        send_now(office, None)
    working_set = office.working_set()
    case = case_of(working_set, options.case)
    facts = {path: said.as_json() for path, said in case.known.items()}
    conflicts = {path: [one.as_json() for one in said] for path, said in case.conflicts.items()}
    answers = {}
    for decision in worked_out_here(working_set):
        try:
            answers[decision] = answered(office, working_set, options.case, decision, case=case)
        except Refusal as refusal:
            refused.append(f"{decision}: {refusal.message}")
    determined = {
        name: {**(one.determined or {}), "agency": one.by} for name, one in case.determined.items()
    }
    value = {
        "case": options.case,
        "facts": facts,
        "conflicts": conflicts,
        "determined": determined,
        "decisions": {name: one.as_json() for name, one in answers.items()},
        "refused": refused,
    }
    lines = [f"case {options.case}, as `{working_set.agency}` may see it"]
    lines += [
        f"  {path} = {shown(said['value'])}   ({_whence(said)})" for path, said in facts.items()
    ]
    for path, said in conflicts.items():
        lines.append(
            f"  {path}: NOT KNOWN, since they differ: " + "; ".join(_word(one) for one in said)
        )
    for name, one in determined.items():
        lines.append(
            f"determined: {name} is {one['outcome']}, by {one['by']} of {one['agency']} (reason: {one['reason']})"
        )
    for answer in answers.values():
        lines += ["", in_words(answer)]
    lines += [f"! {one}" for one in refused]
    return value, lines


def _word(said: Mapping[str, Any]) -> str:
    return f"{said['by']} says {shown(said['value'])}"


def _whence(said: Mapping[str, Any]) -> str:
    return f"{said['by']}, {'noted here' if said['record'] is None else 'record ' + str(said['record'])[:8]}"


def shown(value: Any) -> str:
    """A fact's value in words."""
    import json

    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def in_words(answer: Answer) -> str:
    """An answer to read, and where there is doubt about an event or a fact, between whom."""
    from offramp.policy import decision_text

    lines = []
    if answer.agreed:
        lines.append(decision_text.in_words(answer.first))
    else:
        lines.append(
            f"{answer.decision.upper()}: UNDETERMINED, {' or '.join(answer.possible)}".replace(
                "_", " "
            )
        )
        lines += [
            f"Ask    {one['ask']}: {one['question']}  ({one['fact']})" for one in answer.needed
        ]
    if answer.governed is not None:
        lines.append(
            f"By the rules of {answer.first.pack['id']}, {str(answer.first.pack['digest'])[:19]}…: {answer.governed}"
        )
    for path in sorted(answer.untold & answer.reads - set(answer.case.known)):
        lines.append(
            f"Silent on {path}: nobody who knows may tell it here, so its absence says nothing"
        )
    for path, said in answer.conflicts.items():
        lines.append(f"Differ on {path}: " + "; ".join(_word(one.as_json()) for one in said))
    return "\n".join(lines)


def closed(
    working_set: WorkingSet, handle: str, but: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """The parts of a case that nobody here has opened, but those of records of these kinds: record and part."""
    return [
        (jti, part)
        for (issuer, jti), received in working_set.gateway.received.items()
        if received.record is not None
        and received.record.case == handle
        and received.record.kind not in but
        for part in received.record.labels
        if part not in received.opened and (issuer, jti, part) not in working_set.destroyed
    ]


def to_do(office: Office, options: argparse.Namespace) -> Told:
    working_set = office.working_set()
    found = tasks(working_set, office.program(working_set), office.clock())
    value = {"tasks": [one.as_json() for one in found]}
    return value, [
        f"{one.state:<8} {one.due or '-':<20} case {one.case[:8]}  {one.what}" for one in found
    ] or ["nothing is to be done"]


def meeting(office: Office, options: argparse.Namespace) -> Told:
    """The agenda: this agency's own view, or with `--present` what may stand on a screen that all of them see."""
    working_set = office.working_set()
    present = tuple(one for one in (options.present or "").split(",") if one)
    found = agenda(working_set, office.program(working_set), office.clock(), present)
    value = {"present": list(present), "cases": [one.as_json() for one in found]}
    lines = [
        f"for the screen that {', '.join(present)} see"
        if present
        else f"as `{working_set.agency}` may see it"
    ]
    for one in found:
        lines += ["", f"case {one.case}"]
        lines += [
            f"  {item.what}" + (f"  (due {item.due})" if item.due else "") for item in one.items
        ]
    return value, lines if found else [*lines, "", "nothing to talk about"]


def takeup(office: Office, options: argparse.Namespace) -> Told:
    """How many people got how far in a quarter that is over: published once, without small cells."""
    with office.transaction() as working_set:
        quarter = quarter_of(options.quarter)
        check_over(working_set, quarter, office.clock())
        name = f"{quarter[0].year}-Q{(quarter[0].month + 2) // 3}"
        before = [event for event in working_set.published if event.body["quarter"] == name]
        if not before:
            counts = suppressed(
                counted(working_set, office.program(working_set), quarter, office.clock())
            )
            before = [office.append(working_set, "published", {"quarter": name, "counts": counts})]
        counts = before[0].body["counts"]
    return {"quarter": name, "agency": office.agency, "counts": counts}, [
        f"{name}, as counted at `{office.agency}`; - stands for a count that is too small to tell, or too near another",
        *(
            f"{stage.replace('_', ' '):<16} {'-' if count is None else count:>6}"
            for stage, count in counts.items()
        ),
    ]


# Deciding


def decide(office: Office, options: argparse.Namespace) -> Told:
    """What the rules answer; with `--send`, told to those who may have each part of it."""
    own = dict(facts_in(options.facts, "the facts").known) if options.facts else {}
    own = {path: plain(value) for path, value in own.items()}
    working_set = office.working_set()
    answer = answered(office, working_set, options.case, options.decision, own)
    value, lines = {**answer.as_json(), "case": options.case}, [in_words(answer)]
    if options.send:
        with office.transaction() as now:
            parts = drafts.decision(now, options.case, answer, given(office, now), office.clock())
            bundle = office.compose_in(now, "decision", parts, options.case)
        told = sorted({agency for part in parts for agency in part.to})
        value |= {"id": bundle.id, "to": told, "state": send_now(office, bundle.id)}
        lines.append(f"told to {', '.join(told)}: {value['state']}")
    return value, lines, 3 if answer.status == "undetermined" else 0


def ask(office: Office, options: argparse.Namespace) -> Told:
    working_set = office.working_set()
    answer = answered(office, working_set, options.case, options.decision)
    with office.transaction() as now:
        parts = drafts.questions(now, options.case, answer, given(office, now), office.clock())
        bundle = office.compose_in(now, "question", parts, options.case)
    asked = {agency: each for part in parts for agency in part.to for each in [_asks(part)]}
    state = send_now(office, bundle.id)
    value = {"id": bundle.id, "case": options.case, "asked": asked, "state": state}
    return value, [f"question `{bundle.id}` in case `{options.case}`: {state}"] + [
        f"  asked {agency}: {', '.join(paths)}" for agency, paths in asked.items()
    ]


def _asks(part: Any) -> list[str]:
    return [path for held in part.content.values() for path in held["asks"]]


def determine(office: Office, options: argparse.Namespace) -> Told:
    """A named human's decision: recorded, told to those who may be told, and kept here where nobody may."""
    with office.transaction() as working_set:
        if options.case == NEW:
            # Whoever offers nothing has no case, and says why all the same.
            options.case = new_id(office.random)
            case = Case((), vocabulary(), here=working_set.agency)
        else:
            case = case_of(working_set, options.case)
        try:
            answer = answered(office, working_set, options.case, options.decision, case=case)
        except Refusal:
            answer = None  # the rules' own answer isn't for this agency to know, and a human may decide without it
        defaults = given(office, working_set)
        made = drafts.determination(
            working_set,
            case,
            answer,
            options.decision,
            options.outcome,
            reason=options.reason,
            by=options.by,
            now=office.clock(),
        )
        for categories, held in made.held.items():
            # Held to what a record may say, also where it becomes none.
            check_content(made.kind, categories, {category: dict(held) for category in categories})
        parts = drafts.told(
            working_set, options.case, made, options.decision, defaults, office.clock(), options.to
        )
        value = {"case": options.case, "kind": made.kind, "differs": made.differs}
        if parts:
            bundle = office.compose_in(working_set, made.kind, parts, options.case)
            value |= {
                "id": bundle.id,
                "to": sorted({agency for part in parts for agency in part.to}),
            }
        else:
            line = working_set.gateway.line
            held = made.held.get((OUTCOME,), {})
            body = {
                "case": options.case,
                "determination": held.get("determination")
                or {
                    "decision": options.decision,
                    "outcome": options.outcome,
                    "by": options.by,
                    "reason": options.reason,
                },
                "facts": held.get("facts", {}),
                "after": line.size if line else 0,
                "keep_until": defaults.keep_until,
            }
            office.append(working_set, "noted", body)
            value |= {"id": None, "to": [], "state": "kept"}
    if parts:
        value["state"] = send_now(office, str(value["id"]))
    differs = ", which differs from the rules' answer" if made.differs else ""
    to = (
        f"told to {', '.join(value['to'])}: {value['state']}"
        if parts
        else "nobody may be told; it is kept here"
    )
    return value, [f"{options.decision} is {options.outcome}{differs}; {to}"]


# By itself


def auto_answers(
    office: Office, working_set: WorkingSet, handle: str, defaults: drafts.Defaults
) -> list[dict[str, Any]]:
    """Answers what was asked and is known here, within what may be told; what was answered."""
    parts = drafts.answers(
        working_set, handle, case_of(working_set, handle), defaults, office.clock()
    )
    if not parts:
        return []
    bundle = office.compose_in(working_set, "answer", parts, handle)
    return [
        {"id": bundle.id, "to": next(iter(part.to)), "category": list(part.category)}
        for part in parts
    ]


def automatic(office: Office) -> int:
    """What a gateway does in its cases by itself, in the name of the person whom its settings name: opens questions and the
    answers to its own, answers what is known, asks what the rules lack. How many records it made.

    Only for `offer`, `screening`, `eligibility` and `admission`, which are for a person's good; nothing is asked twice.
    """
    name = office.settings.automatic
    if name is None:
        return 0
    made = 0
    working_set = office.working_set()
    if office.at == office.settled_at:
        return 0  # nothing has come or gone since it was last done
    for (_, jti), received in list(working_set.gateway.received.items()):
        if (
            received.record is not None
            and received.record.kind in ("question", "answer")
            and received.record.case
        ):
            for part in received.record.labels:
                if (
                    part not in received.opened
                    and (received.record.issuer, jti, part) not in working_set.destroyed
                ):
                    try:
                        office.open(jti, part, by=name)
                    except ExchangeError:
                        continue  # it stays closed, and `agency tasks` says so
    for handle in handles(office.working_set()):
        with office.transaction() as working_set:
            if not working_set.gateway.history.size:
                return made
            defaults = given(office, working_set)
            made += len(auto_answers(office, working_set, handle, defaults))
            made += _auto_questions(office, working_set, handle, defaults)
    office.settled_at = office.at if not made else None
    return made


def _auto_questions(
    office: Office, working_set: WorkingSet, handle: str, defaults: drafts.Defaults
) -> int:
    case = case_of(working_set, handle)
    enrolled = case.known.get("person.enrolled")
    if (enrolled is not None and enrolled.value) or working_set.gateway.state(handle).kind("exit"):
        return 0
    if closed(working_set, handle, QUIET):
        return 0  # what is asked for may lie here unopened
    made = 0
    for decision in worked_out_here(working_set):
        if decision not in drafts.ASKED_FOR or decision in case.determined:
            continue
        if decision == "offer" and "offer.accepted" in case.known:
            continue  # it was made and answered: whether it might have been is nobody's business any more
        try:
            answer = answered(office, working_set, handle, decision, case=case)
            parts = (
                drafts.questions(working_set, handle, answer, defaults, office.clock(), again=False)
                if answer.needed
                else ()
            )
        except Refusal:
            continue  # nobody may be asked, or the rules don't reach this case: a person sees it in `agency case`
        if parts:
            office.compose_in(working_set, "question", parts, handle)
            made += 1
    return made
