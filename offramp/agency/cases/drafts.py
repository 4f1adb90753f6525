"""What a person writes, as parts to compose: a file with sensible defaults, a question, a determination, a revocation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from exchange.agency.gateway import Gateway
from exchange.consent.disclosure import day_of
from exchange.consent.reduction import FROM_CARE, represents
from exchange.consent.state import COLLECTORS
from exchange.errors import shorten
from exchange.records.building import Part
from exchange.records.ids import new_id, new_short_id
from exchange.records.kinds import find_kind as kind_of
from exchange.records.kinds import kinds
from exchange.records.statements import Change, Grant
from offramp.agency.cases.case import LAST_WORD, Case
from offramp.agency.cases.case import Answer as Decided
from offramp.agency.cases.caseload import answering, asked_already, open_questions, own_word, places
from offramp.agency.cases.decision_record import (
    OUTCOME,
    SCREENING,
    content_of,
    contents,
    plain_path,
)
from offramp.agency.errors import AgencyError
from offramp.agency.folder.settings import Settings
from offramp.agency.folder.working_set import WorkingSet
from rules.errors import respelling
from rules.frozen import frozen
from rules.shelf import vocabulary

LARGEST = 1024 * 1024
NO_NOTICE = "none"
OPERATION = ("exchange_operation", "operation")


@frozen
class Draft:
    """What a file says: the parts, and the signed form behind a consent."""

    parts: tuple[Part, ...]
    form: Mapping[str, Any] | None = None


@frozen
class Defaults:
    """What stands in a part that a file leaves open: see `defaults`."""

    keep_until: str
    use: str
    notice: str
    random: Callable[[int], bytes]


def defaults(
    settings: Settings, gateway: Gateway, today: date, random_bytes: Callable[[int], bytes]
) -> Defaults:
    """Kept for the agency's term; nothing that care tells may ground a step against the person."""
    role = gateway.history.newest.role(settings.id)
    use = "no_adverse_action" if role in COLLECTORS else "none"
    return Defaults(
        (today + timedelta(days=settings.keep_days)).isoformat(), use, settings.notice, random_bytes
    )


def read_draft(path: Path, given: Defaults) -> Draft:
    """The parts in a YAML or JSON file. Raises `AgencyError` `not-a-draft`."""
    try:
        if path.stat().st_size > LARGEST:
            raise _not("it is over 1 MiB")
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=_Plain)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise _not(f"`{path}` can't be read: {shorten(str(error).partition(chr(10))[0])}") from None
    if (
        not isinstance(value, dict)
        or not set(value) <= {"parts", "form"}
        or not isinstance(value.get("parts"), list)
    ):
        raise _not("it has `parts`, a consent's has a `form` too, and nothing else")
    form = value.get("form")
    if form is not None and not isinstance(form, dict):
        raise _not("`form` is the signed form, member by member")
    return Draft(tuple(_part(each, given) for each in value["parts"]), form)


class _Plain(yaml.SafeLoader):
    """YAML in which a day is a text, as records have it."""


_Plain.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in each if tag != "tag:yaml.org,2002:timestamp"]
    for first, each in yaml.SafeLoader.yaml_implicit_resolvers.items()
}

_MEMBERS = {"category", "content", "to", "keep_until", "sensitivity", "use", "notice", "says", "id"}


def _part(value: Any, given: Defaults) -> Part:
    if not isinstance(value, dict) or not {"category", "to"} <= set(value) <= _MEMBERS:
        raise _not("a part has `category`, `content` and `to`, and what its label says")
    category = value["category"] if isinstance(value["category"], list) else [value["category"]]
    content = value.get("content") or {}
    to = value["to"]
    if (
        not isinstance(content, dict)
        or not isinstance(to, dict)
        or not all(isinstance(one, str) for one in category)
    ):
        raise _not("`content` and `to` are objects, `category` a list of words")
    # One category's content may stand by itself; in a record it always stands under its name.
    if len(category) == 1 and set(content) != set(category):
        content = {category[0]: content}
    says = value.get("says")
    if isinstance(says, dict) and {"discloser", "recipient"} <= set(says) and "id" not in says:
        says = {"id": new_short_id(given.random), **says}
    sensitivity = value.get("sensitivity", "plain")
    return Part(
        category=tuple(category),
        content=content,
        to={str(agency): _passage(each) for agency, each in to.items()},
        keep_until=str(value.get("keep_until", given.keep_until)),
        sensitivity=str(sensitivity),
        use=str(value.get("use", given.use)),
        notice=str(value.get("notice", given.notice if sensitivity == "part2" else NO_NOTICE)),
        says=says,
        id=value.get("id"),
    )


def _passage(value: Any) -> tuple[str, str]:
    """`purpose` alone rests on consent."""
    if isinstance(value, str):
        return value, "operation" if value == "exchange_operation" else "consent"
    if not isinstance(value, dict) or not {"purpose"} <= set(value) <= {"purpose", "basis"}:
        raise _not("`to` names each agency with a `purpose` and a `basis`")
    return str(value["purpose"]), str(value.get("basis", "consent"))


def case_for(kind: str, given: str | None, random_bytes: Callable[[int], bytes]) -> str | None:
    """The case of a new record: what was named, a new handle where the kind begins a case, none where it is about none.

    Raises `AgencyError` `name-the-case`; `ContentError` `unknown-kind`.
    """
    if not kind_of(kind).case:
        return None
    if given is None and kind in ("offer", "referral"):
        return new_id(random_bytes)
    if given is None:
        raise AgencyError(
            "name-the-case", f"a `{kind}` is about a case", fix="name it with `--case`"
        )
    return given


# From what is known of a case


def questions(
    working_set: WorkingSet,
    handle: str,
    answer: Decided,
    given: Defaults,
    now: int,
    *,
    again: bool = True,
) -> tuple[Part, ...]:
    """What a decision lacks, as a question to each agency whose role knows it and which may be asked, one part for each kind of
    information. Without `again`, only what this agency hasn't asked before.

    Raises `AgencyError` `nothing-to-ask`, `never-asked`.
    """
    words, directory = vocabulary(), working_set.gateway.history.newest
    if answer.decision not in ASKED_FOR:
        raise AgencyError(
            "never-asked",
            f"nobody is asked for what `{answer.decision}` lacks",
            fix="wait for what is told",
        )
    before = frozenset() if again else asked_already(working_set, handle)
    asked: dict[tuple[str, str], set[str]] = {}
    for needed in answer.needed:
        path = plain_path(str(needed["fact"]))
        fact = words.facts.get(path) or words.facts.get(path.rpartition(".")[0])
        category = fact.category if fact else SCREENING if path == "decisions.screening" else None
        if category not in kinds()["question"].categories:
            continue
        for agency in directory.with_role(fact.known_by if fact else "prosecutor"):
            if agency != working_set.agency and (agency, path) not in before:
                asked.setdefault((agency, str(category)), set()).add(path)
    purposes = (
        ("screening", "admission")
        if answer.decision in ("offer", "screening")
        else ("admission", "screening")
    )
    ways = [(purpose, basis) for basis in ("consent", "offer_at_scene") for purpose in purposes]
    parts = []
    for (agency, category), paths in sorted(asked.items()):
        part = Part(
            category=(category,),
            content={category: {"asks": sorted(paths)}},
            to={},
            keep_until=given.keep_until,
            use=given.use,
            says={"for": answer.decision},
        )
        if (
            way := working_set.gateway.first_permitted(
                "question", part, agency, ways, case=handle, now=now
            )
        ) is not None:
            parts.append(replace(part, to={agency: way}))
    if not parts:
        raise AgencyError(
            "nothing-to-ask",
            f"no other agency may be asked for what `{answer.decision}` lacks",
            fix="see `agency case`",
        )
    return tuple(parts)


ASKED_FOR = ("offer", "screening", "eligibility", "admission")


def answers(
    working_set: WorkingSet, handle: str, case: Case, given: Defaults, now: int
) -> tuple[Part, ...]:
    """What this agency knows itself and was asked for, a part for each question's part; nothing it may not tell is among it."""
    word = own_word(working_set, case)
    facts: dict[tuple[str, str, str], dict[str, Any]] = {}
    for asked in open_questions(working_set, handle):
        if (path := answering(word, asked.path)) is not None:
            facts.setdefault((asked.by, asked.record, asked.part), {})[path] = word[path]
    parts = []
    for (agency, record, part), held in sorted(facts.items()):
        by_category: dict[str, dict[str, Any]] = {}
        for path, value in held.items():
            by_category.setdefault(vocabulary().facts[path].category, {})[path] = with_ids(
                value, given.random
            )
        for category, told in by_category.items():
            ways = [
                (purpose, basis)
                for basis in ("consent", "offer_at_scene")
                for purpose in ("admission", "screening")
            ]
            one = Part(
                category=(category,),
                content={category: {"facts": told}},
                to={},
                keep_until=given.keep_until,
                use=given.use,
                says={"about": [record, part]},
            )
            if (
                way := working_set.gateway.first_permitted(
                    "answer", one, agency, ways, case=handle, now=now
                )
            ) is not None:
                parts.append(replace(one, to={agency: way}))
    return tuple(parts)


def with_ids(value: Any, random_bytes: Callable[[int], bytes]) -> Any:
    """A fact as records have it: each entry of a list has an id."""
    if not isinstance(value, list | tuple):
        return value
    return [{"id": new_short_id(random_bytes), **entry} for entry in value]


# What a decision is told for, besides working one case together.
_PURPOSE = {"offer": "offer_and_hand_off", "screening": "screening", "eligibility": "admission", "admission": "admission",
            "filing": "filing_status"}  # fmt: skip


def addressed(
    working_set: WorkingSet,
    handle: str,
    kind: str,
    part: Part,
    decision: str,
    now: int,
    only: tuple[str, ...] | None = None,
) -> Part | None:
    """A part, to every agency that may be told it; None if nobody may. `only` leaves out all but these."""
    directory = working_set.gateway.history.newest
    to = {}
    for agency in directory.agencies:
        if agency == working_set.agency or (only is not None and agency not in only):
            continue
        counsel = directory.role(agency) == "defender"
        purposes = dict.fromkeys(
            ("legal_representation",)
            if counsel
            else (_PURPOSE.get(decision, COORDINATION), COORDINATION)
        )
        ways = [(purpose, basis) for basis in ("consent", "offer_at_scene") for purpose in purposes]
        if (
            way := working_set.gateway.first_permitted(
                kind, part, agency, ways, case=handle, now=now
            )
        ) is not None:
            to[agency] = way
    return replace(part, to=to) if to else None


COORDINATION = "diversion_coordination"


def decision(
    working_set: WorkingSet, handle: str, answer: Decided, given: Defaults, now: int
) -> tuple[Part, ...]:
    """What the rules answered, each part to those who may have it. Raises `AgencyError` `nobody-to-tell`."""
    found = []
    for categories, held in contents(answer).items():
        part = _of_care(
            Part(
                category=categories,
                content=content_of(categories, held),
                to={},
                keep_until=given.keep_until,
                use=given.use,
            ),
            working_set,
            given,
        )
        found.append(addressed(working_set, handle, "decision", part, answer.decision, now))
    parts = tuple(part for part in found if part is not None)
    if not parts:
        raise AgencyError(
            "nobody-to-tell", "nobody may be told this", fix="ask the person for consent"
        )
    return parts


def _of_care(part: Part, working_set: WorkingSet, given: Defaults) -> Part:
    """What is about care keeps the limit of its use, and Part 2's notice where it may fall under it."""
    if not set(part.category) & set(FROM_CARE):
        return part
    covered = working_set.gateway.history.newest.part2(working_set.agency) != "no"
    return replace(
        part,
        use="no_adverse_action",
        sensitivity="part2" if covered else "plain",
        notice=given.notice if covered else NO_NOTICE,
    )


@frozen
class Determined:
    """A named human's decision: the kind of record that tells it, and what its parts hold, by category."""

    kind: str
    held: Mapping[tuple[str, ...], Mapping[str, Any]]
    differs: bool


def determination(
    working_set: WorkingSet,
    case: Case,
    answer: Decided | None,
    decision: str,
    outcome: str,
    *,
    reason: str,
    by: str,
    now: int,
) -> Determined:
    """A named human's decision on a case, with whether the rules answered otherwise. No fact is changed by it.

    `answer` is the rules' own, None where their facts aren't here. Raises `AgencyError` `unknown-outcome`, `not-yours`.
    """
    words = vocabulary()
    word = words.decisions.get(decision)
    if word is None or outcome not in word.outcomes:
        known = ", ".join(f"`{one}`" for one in (word.outcomes if word else words.decisions))
        raise AgencyError(
            "unknown-outcome",
            f"`{outcome}` is no outcome of `{decision}`",
            fix=respelling(outcome, word.outcomes if word else ()) or f"use one of {known}",
        )
    role = working_set.gateway.history.newest.role(working_set.agency)
    entitled = LAST_WORD.get(decision, (word.decided_by,))
    if role not in entitled and not (
        role == "case_management" and working_set.agency in places(working_set, decision)
    ):
        raise AgencyError(
            "not-yours",
            f"`{decision}` isn't for `{role}` to decide",
            fix=f"it is for {' or '.join(entitled)}",
        )
    ruled = answer.outcome if answer is not None else None
    differs = (
        ruled is not None
        and ruled != outcome
        and not (isinstance(ruled, list) and outcome in ruled)
    )
    if decision == "screening":
        return Determined("screening_outcome", {(SCREENING,): {"outcome": outcome}}, differs)
    said: dict[str, Any] = {
        "determination": {
            "decision": decision,
            "outcome": outcome,
            "by": by,
            "reason": reason,
            "differs": differs,
        }
    }
    today = day_of(
        working_set.gateway.hub_time(now), working_set.gateway.history.newest.zone
    ).isoformat()
    kind = "determination"
    more: dict[tuple[str, ...], dict[str, Any]] = {}
    approval = _APPROVAL.get((decision, outcome)) if role == "prosecutor" else None
    if approval:
        said["facts"] = {"approval.prosecutor": approval}
    if decision == "filing":
        kind, held = "filing_decision", outcome == "hold"
        standing = {"hold": "held", "prosecutor_may_file": "filed"}.get(outcome, "not_filed")
        more = {
            ("charge_status",): {
                "standing": standing,
                "on": today,
                "facts": {"case.charge_held": held},
            }
        }
    elif decision == "ejection":
        ended = outcome != "retain"
        before = case.determined.get("ejection")
        out = (
            before is not None
            and before.determined is not None
            and before.determined["outcome"] != "retain"
        )
        kind = "ejection" if ended else "reinstatement" if out else "determination"
        if ended or out:
            more = {
                ("enrollment",): {
                    "enrolled": not ended,
                    "since": today,
                    "facts": {"person.enrolled": not ended},
                }
            }
    elif (decision, outcome) == ("admission", "admitted") and role != "prosecutor":
        more = {
            ("enrollment",): {"enrolled": True, "since": today, "facts": {"person.enrolled": True}}
        }
    return Determined(kind, {(OUTCOME,): said, **more}, differs)


_APPROVAL = {
    ("eligibility", "eligible"): "approved",
    ("eligibility", "ineligible"): "declined",
    ("admission", "admitted"): "approved",
    ("admission", "awaiting"): "approved",
    ("admission", "declined_by_prosecutor"): "declined",
}


def told(
    working_set: WorkingSet,
    handle: str,
    determined: Determined,
    decision: str,
    given: Defaults,
    now: int,
    to: str | None,
) -> tuple[Part, ...]:
    """A determination's parts, to those who may be told; none, where nobody may."""
    found = []
    for categories, held in determined.held.items():
        content = {category: dict(held) for category in categories}
        part = Part(
            category=categories, content=content, to={}, keep_until=given.keep_until, use=given.use
        )
        found.append(
            addressed(
                working_set, handle, determined.kind, part, decision, now, (to,) if to else None
            )
        )
    return tuple(part for part in found if part is not None)


def revocation(
    working_set: WorkingSet, case: str, recipient: str | None, given: Defaults
) -> tuple[Part, ...]:
    """The end of every live grant of a case, or of those to one agency, told to both agencies of each and to its certifier.

    Raises `AgencyError` `nothing-to-revoke`.
    """
    state = working_set.gateway.state(case)
    ended = {
        said.grant
        for record in state.kind("consent_change")
        for _, said in record.says()
        if isinstance(said, Change) and said.does == "end"
    }
    grants = [
        said
        for record in state.kind("consent")
        for _, said in record.says()
        if isinstance(said, Grant) and said.id not in ended and recipient in (None, said.recipient)
    ]
    if not grants:
        raise AgencyError(
            "nothing-to-revoke",
            "no consent is known here that could end",
            fix="counsel takes the account first",
        )
    parts = []
    membership = working_set.gateway.history.membership_at(2**53 - 1)
    for one in grants:
        # An end never waits for who only certifies: told if it can be.
        certifies = [one.certifier] if one.certifier and one.certifier in membership.sealing else []
        named = (one.discloser, one.recipient, *certifies)
        told = [agency for agency in dict.fromkeys(named) if agency != working_set.agency]
        parts.append(
            Part(
                category=("consent_terms",),
                content={"consent_terms": {}},
                to=dict.fromkeys(told, OPERATION),
                keep_until=given.keep_until,
                use=given.use,
                says={"does": "end", "grant": one.id},
            )
        )
    return tuple(parts)


def said_aloud(working_set: WorkingSet, case: str, today: str, given: Defaults) -> tuple[Part, ...]:
    """That the person ended a consent by word of mouth, for whoever collected one and for the person's counsel; nobody else.

    It holds what a signed form would (`consent_identity`), so it goes only where a consent that still stands lets it. Nothing,
    where none does: the end itself waits for no such thing, and is a record of its own.
    """
    state, membership = (
        working_set.gateway.state(case),
        working_set.gateway.history.membership_at(2**53 - 1),
    )
    collectors = {record.issuer for record in state.kind("consent")}
    counsel = {
        agency for agency in membership.directory.with_role("defender") if represents(state, agency)
    }
    ended = {logged.change.grant for logged in state.changes if logged.change.does == "end"}
    to = {}
    for held in state.grants:
        grant = held.grant
        if (
            grant.id not in ended
            and grant.discloser == working_set.agency
            and "consent_identity" in grant.categories
        ):
            if grant.recipient in collectors | counsel:
                to[grant.recipient] = (grant.purposes[0], "consent")
    if not to:
        return ()
    content = {"cause": {"said": "aloud", "said_on": today}}
    return (
        Part(
            category=("consent_identity",),
            content={"consent_identity": content},
            to=to,
            keep_until=given.keep_until,
            use=given.use,
        ),
    )


def _not(why: str) -> AgencyError:
    return AgencyError(
        "not-a-draft",
        f"this is no draft of a record: {why}",
        fix="see docs/agency.md for an example",
    )
