"""Questions between agencies: the parts that ask for missing facts, and the parts that answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from exchange.consent.disclosure import day_of
from exchange.consent.state import COLLECTORS
from exchange.records.building import Part
from exchange.records.ids import new_short_id
from exchange.records.kinds import kinds
from offramp.agency.cases.asked_again import value_held
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.case_entry import same_value
from offramp.agency.cases.caseload import (
    OpenQuestion,
    answering_path,
    closing_path,
    open_questions,
    own_facts,
    partly_answering,
    questions_asked,
)
from offramp.agency.cases.draft import Defaults
from offramp.agency.cases.fact_kinds import SCREENING, plain_path
from offramp.agency.cases.pack_terms import terms_of
from offramp.agency.cases.unopened_answers import UnopenedPart
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet

# The decisions for which an agency may ask others: those for a person's good.
ASKED_FOR = ("offer", "screening", "eligibility", "admission")
_BASES = ("consent", "offer_at_scene")
# Why nobody may be asked for a fact: for this decision nobody ever is, no agency has the role, it
# is never asked through the exchange, the consent doesn't cover it, or the rules forbid it.
NEVER, NOBODY, UNASKED, CONSENT, RULES = "never", "nobody", "unasked", "consent", "rules"


def question_parts(
    working_set: WorkingSet,
    handle: str,
    answer: Answer,
    defaults: Defaults,
    now: int,
    *,
    again: bool = True,
    closed: tuple[UnopenedPart, ...] = (),
    only: frozenset[str] | None = None,
) -> tuple[Part, ...]:
    """Ask for the facts that a decision lacks: a part for each agency and category.

    What an agency may have stated in a `closed` part is not asked of it. `only` are the paths to
    ask for, None for all.

    Asks only agencies whose role knows the fact and that may be asked. Without `again`, asks only
    what this agency hasn't asked before. Raises `AgencyError` `nothing-to-ask`, `never-asked`.
    """
    if answer.decision not in ASKED_FOR:
        raise AgencyError(
            "never-asked",
            f"nobody is asked for what `{answer.decision}` lacks",
            fix="wait for what is told",
        )
    asked_before = frozenset() if again else questions_asked(working_set, handle)
    before = asked_before | {(part.agency, path) for part in closed for path in part.paths}
    askable = [asked for asked in _askable(working_set, answer) if only is None or asked[2] in only]
    paths: dict[tuple[str, str], set[str]] = {}
    for agency, category, path in askable:
        if (agency, path) not in before:
            paths.setdefault((agency, category), set()).add(path)
    ways, parts = _ways(answer.decision), []
    for (agency, category), asked in sorted(paths.items()):
        part = Part(
            category=(category,),
            content={category: {"asks": sorted(asked)}},
            to={},
            keep_until=defaults.last_day((category,)),
            use=defaults.use,
            says={"for": answer.decision},
        )
        way = working_set.gateway.first_permitted(
            "question", part, agency, ways, case=handle, now=now
        )
        if way is not None:
            parts.append(replace(part, to={agency: way}))
    if not parts and closed:
        first = closed[0]
        raise AgencyError(
            "nothing-to-ask",
            f"what `{answer.decision}` lacks may be in part `{first.part}` of the `{first.kind}` "
            f"of `{first.agency}`, and nobody here has opened it",
            fix=f"open it with `offramp agency case DIR {working_set.cases.digits(handle)} --open`",
        )
    if not parts and any((agency, path) in asked_before for agency, _, path in askable):
        raise AgencyError(
            "nothing-to-ask",
            f"what `{answer.decision}` lacks was asked before",
            fix="wait for the answer, or call the agency",
        )
    if not parts:
        raise AgencyError(
            "nothing-to-ask",
            f"no other agency may be asked for what `{answer.decision}` lacks",
            fix="an agency may tell it when it refers the person again, or when the person "
            "consents",
        )
    return tuple(parts)


def why_not_asked(
    working_set: WorkingSet, handle: str, answer: Answer, path: str, now: int
) -> str | None:
    """Return why nobody may be asked now for a fact that a decision lacks, None if somebody may.

    It is a word of this module. `now` is in seconds since 1970. To ask twice is another matter.
    """
    if answer.decision not in ASKED_FOR:
        return NEVER
    gateway = working_set.gateway
    candidates = [each for each in _askable(working_set, answer) if each[2] == path]
    if not candidates:
        roles = {str(need["ask"]) for need in answer.needed if plain_path(need["fact"]) == path}
        agencies = {agency for role in roles for agency in gateway.history.newest.with_role(role)}
        return UNASKED if agencies - {working_set.agency} else NOBODY
    role = gateway.history.newest.role(working_set.agency)
    use = "no_adverse_action" if role in COLLECTORS else "none"
    today = day_of(gateway.hub_time(now), gateway.history.newest.zone).isoformat()
    ways, would_help = _ways(answer.decision), False
    for agency, category, _ in candidates:
        part = Part(
            category=(category,),
            content={category: {"asks": [path]}},
            to={},
            keep_until=today,
            use=use,
            says={"for": answer.decision},
        )
        judged = ("question", part, agency)
        if gateway.first_permitted(*judged, ways, case=handle, now=now) is not None:
            return None
        would_help = would_help or any(
            not gateway.reasons_despite_consent(*judged, way, case=handle, now=now) for way in ways
        )
    return CONSENT if would_help else RULES


def _ways(decision: str) -> list[tuple[str, str]]:
    """Return the purposes and bases for which others may be asked, the first to try first."""
    purposes = (
        ("screening", "admission")
        if decision in ("offer", "screening")
        else ("admission", "screening")
    )
    return [(purpose, basis) for basis in _BASES for purpose in purposes]


def _askable(working_set: WorkingSet, answer: Answer) -> Iterator[tuple[str, str, str]]:
    """Yield the agency, category and path of each missing fact that a question may name.

    What a closed correction may change was told before, so it is opened and not asked again.
    """
    terms, directory = terms_of(working_set), working_set.gateway.history.newest
    for need in answer.needed:
        path = plain_path(str(need["fact"]))
        if answer.is_closed(path):
            continue
        field = terms.fact(path)
        # A list travels as a whole, so its holder is asked for a field.
        fact = terms.facts.get(path) or (
            terms.facts.get(path.rpartition(".")[0]) if field else None
        )
        category = SCREENING if path == "decisions.screening" else None
        if fact is not None and field is not None and terms.travels(field):
            category = fact.category
        if category not in kinds()["question"].categories:
            continue
        for agency in directory.with_role(fact.known_by if fact else "prosecutor"):
            if agency != working_set.agency:
                yield agency, str(category), path


def answer_parts(
    working_set: WorkingSet,
    handle: str,
    case: Case,
    defaults: Defaults,
    now: int,
    added: Mapping[str, Any] | None = None,
) -> tuple[Part, ...]:
    """Answer the open questions from this agency's own knowledge, as far as it may tell.

    `added` are facts by path that a person answers now and that aren't noted yet, null for what
    isn't known here. Such a list is told although some entries lack the field that was asked for:
    what is known isn't held back. Without them, no person answers, and a question of an agency that
    has this agency's value already is left to a person: the same value once more is no answer.
    """
    questions = open_questions(working_set, handle)
    if added is None:
        questions = _without_asked_again(working_set, handle, case, questions, now)
    own = own_facts(working_set, case)
    added = {
        path: value
        for path, value in (added or {}).items()
        if value is not None or own.get(path) is None
    }
    facts_here = {**own, **added}
    terms = terms_of(working_set)
    answers: dict[tuple[str, str, str], dict[str, Any]] = {}
    for question in questions:
        path = (
            answering_path(facts_here, question.path)
            or closing_path(added, question.path)
            or partly_answering(added, question.path)
        )
        if path is not None:
            answers.setdefault((question.by, question.record, question.part), {})[path] = (
                facts_here[path]
            )
    ways = [(purpose, basis) for basis in _BASES for purpose in ("admission", "screening")]
    parts = []
    for (agency, record, part_id), facts in sorted(answers.items()):
        by_category: dict[str, dict[str, Any]] = {}
        for path, value in facts.items():
            category = terms.facts[path].category
            by_category.setdefault(category, {})[path] = with_entry_ids(value, defaults.random)
        for category, members in by_category.items():
            part = Part(
                category=(category,),
                content={category: {"facts": members}},
                to={},
                keep_until=defaults.last_day((category,)),
                use=defaults.use,
                says={"about": [record, part_id]},
            )
            way = working_set.gateway.first_permitted(
                "answer", part, agency, ways, case=handle, now=now
            )
            if way is not None:
                parts.append(replace(part, to={agency: way}))
    return tuple(parts)


def _without_asked_again(
    working_set: WorkingSet,
    handle: str,
    case: Case,
    questions: tuple[OpenQuestion, ...],
    now: int,
) -> tuple[OpenQuestion, ...]:
    """Leave out what an agency asks although it has the value, and the rest of such a list.

    A list travels as a whole. A person answers all that is asked of it in one form.
    """
    terms = terms_of(working_set).facts

    def whole(path: str) -> str:
        group = path.rpartition(".")[0]
        return group if group in terms else path

    again = {
        (question.by, whole(question.path))
        for question in questions
        if value_held(working_set, handle, case, question, now) is not None
    }
    return tuple(
        question for question in questions if (question.by, whole(question.path)) not in again
    )


def with_entry_ids(value: Any, random_bytes: Callable[[int], bytes]) -> Any:
    """Return a fact as records have it: each entry of a list has an id."""
    if not isinstance(value, list | tuple):
        return value
    return [{"id": new_short_id(random_bytes), **entry} for entry in value]


def keep_entry_ids(value: Any, before: Any, random_bytes: Callable[[int], bytes]) -> Any:
    """Return a fact as records have it: each entry of a list with its id in `before`, in order.

    An entry that has an id keeps it. One that is not in `before` has a new id.
    """
    if not isinstance(value, list | tuple):
        return value
    entries = [dict(entry) for entry in value]
    ids = {entry.get("id") for entry in entries}
    earlier = [
        dict(entry)
        for entry in (before if isinstance(before, list | tuple) else ())
        if "id" in entry and entry["id"] not in ids
    ]
    for entry in entries:
        if "id" in entry:
            continue
        unchanged = next((old for old in earlier if same_value([old], [entry])), None)
        if unchanged is not None:
            entry["id"] = unchanged["id"]
            earlier.remove(unchanged)
    for entry in entries:
        if "id" not in entry:
            entry["id"] = earlier.pop(0)["id"] if earlier else new_short_id(random_bytes)
    return entries
