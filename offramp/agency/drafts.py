"""What a person writes, as parts to compose: a file with sensible defaults, a question, a determination, a revocation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import yaml

from exchange.consent import COLLECTORS, State, represents
from exchange.errors import shown
from exchange.gateway import Gateway
from exchange.kinds import kind as kind_of
from exchange.kinds import kinds
from exchange.record import Part, new_id, new_short_id
from exchange.says import Change, Grant
from offramp.agency.desk import Desk
from offramp.agency.errors import AgencyError
from offramp.agency.settings import Settings
from rules.decide import Program
from rules.frozen import frozen
from rules.shelf import vocabulary
from rules.vocabulary import nested

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


def defaults(settings: Settings, gateway: Gateway, today: date, random_bytes: Callable[[int], bytes]) -> Defaults:
    """Kept for the agency's term; nothing that care tells may ground a step against the person."""
    role = gateway.history.newest.role(settings.id)
    use = "no_adverse_action" if role in COLLECTORS else "none"
    return Defaults((today + timedelta(days=settings.keep_days)).isoformat(), use, settings.notice, random_bytes)


def read_draft(path: Path, given: Defaults) -> Draft:
    """The parts in a YAML or JSON file. Raises `AgencyError` `not-a-draft`."""
    try:
        if path.stat().st_size > LARGEST:
            raise _not("it is over 1 MiB")
        value = yaml.load(path.read_text(encoding="utf-8"), Loader=_Plain)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError) as error:
        raise _not(f"`{path}` can't be read: {shown(str(error).partition(chr(10))[0])}") from None
    if not isinstance(value, dict) or not set(value) <= {"parts", "form"} or not isinstance(value.get("parts"), list):
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
    if not isinstance(content, dict) or not isinstance(to, dict) or not all(isinstance(one, str) for one in category):
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
        raise AgencyError("name-the-case", f"a `{kind}` is about a case", mend="name it with `--case`")
    return given


# From what is known of a case


def facts_of(desk: Desk, case: str) -> dict[str, Any]:
    """Every fact of a case that this agency issued or opened; what was said last counts."""
    found: list[tuple[int, dict[str, Any]]] = []
    for out in desk.outbox.values():
        if out.case == case and out.receipt is not None and out.kind != "question":
            for part in out.event.body["parts"]:
                found += [(out.receipt.index, each) for each in _facts_in(part["content"])]
    for received in desk.gateway.received.values():
        if received.record is not None and received.committed is not None and received.record.case == case:
            for opened in received.opened.values():
                found += [(received.committed.index, each) for each in _facts_in(opened.content)]
    facts: dict[str, Any] = {}
    for _, each in sorted(found, key=lambda one: one[0]):
        facts |= each
    return facts


def _facts_in(content: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [each["facts"] for each in content.values() if isinstance(each, dict) and isinstance(each.get("facts"), dict)]


def decided(desk: Desk, case: str, decision: str) -> Any:
    """What the adopted rules answer on what is known here of a case. Raises as `Program.decide` and `Gateway.pack`."""
    program = Program(desk.gateway.pack)
    return program.decide(decision, nested(facts_of(desk, case)))


def questions(desk: Desk, case: str, decision: str, given: Defaults) -> tuple[Part, ...]:
    """What a decision lacks, as a question to each agency whose role knows it, one part for each kind of information.

    Rests on a live consent of the agency asked, else on the offer at the scene.
    """
    words, directory = vocabulary(), desk.gateway.history.newest
    asked: dict[tuple[str, str], list[str]] = {}
    holds = kinds()["question"].categories
    for needed in decided(desk, case, decision).needed:
        group = str(needed["fact"]).partition("[")[0]
        fact = words.facts.get(group)
        if fact is None or fact.category not in holds:
            continue
        for agency in directory.with_role(fact.known_by):
            if agency != desk.agency and group not in asked.setdefault((agency, fact.category), []):
                asked[agency, fact.category].append(group)
    if not asked:
        raise AgencyError(
            "nothing-to-ask", f"no other agency can be asked for what `{decision}` lacks", mend="see `offramp decide`"
        )
    state = desk.gateway.state(case)
    purpose = "admission" if decision == "admission" else "screening"
    return tuple(
        Part(
            category=(category,),
            content={category: {"asks": sorted(paths)}},
            to={agency: (purpose, "consent" if _consented(state, agency, desk.agency, category) else "offer_at_scene")},
            keep_until=given.keep_until,
            use=given.use,
            says={"for": decision},
        )
        for (agency, category), paths in sorted(asked.items())
    )


def _consented(state: State, discloser: str, recipient: str, category: str) -> bool:
    return any(
        isinstance(said, Grant) and (said.discloser, said.recipient) == (discloser, recipient) and category in said.categories
        for record in state.kind("consent")
        for _, said in record.says()
    )


def determination(
    desk: Desk,
    case: str,
    decision: str,
    outcome: str,
    *,
    reason: str,
    by: str,
    to: str | None,
    given: Defaults,
) -> tuple[Part, ...]:
    """A named human's decision, with whether the rules answered otherwise."""
    answer = decided(desk, case, decision).outcome
    differs = answer is not None and answer != outcome and not (isinstance(answer, list) and outcome in answer)
    content = {"decision": decision, "outcome": outcome, "by": by, "reason": reason, "differs": differs}
    directory = desk.gateway.history.newest
    targets = [to] if to else list(directory.with_role("program") or directory.with_role("case_management"))
    targets = [one for one in targets if one != desk.agency]
    if not targets:
        raise AgencyError("nobody-to-tell", "there is nobody to tell this", mend="name an agency with `--to`")
    return (
        Part(
            category=("decision_outcome",),
            content={"decision_outcome": {"determination": content}},
            to=dict.fromkeys(targets, ("diversion_coordination", "consent")),
            keep_until=given.keep_until,
            use=given.use,
        ),
    )


def revocation(desk: Desk, case: str, recipient: str | None, given: Defaults) -> tuple[Part, ...]:
    """The end of every live grant of a case, or of those to one agency, told to both agencies of each and to its certifier.

    Raises `AgencyError` `nothing-to-revoke`.
    """
    state = desk.gateway.state(case)
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
            "nothing-to-revoke", "no consent is known here that could end", mend="counsel takes the account first"
        )
    parts = []
    standing = desk.gateway.history.standing(2**53 - 1)
    for one in grants:
        # An end never waits for who only certifies: told if it can be.
        certifies = [one.certifier] if one.certifier and one.certifier in standing.sealing else []
        named = (one.discloser, one.recipient, *certifies)
        told = [agency for agency in dict.fromkeys(named) if agency != desk.agency]
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


def said_aloud(desk: Desk, case: str, today: str, given: Defaults) -> tuple[Part, ...]:
    """That the person ended a consent by word of mouth, for whoever collected one and for the person's counsel; nobody else.

    It holds what a signed form would (`consent_identity`), so it goes only where a consent that still stands lets it. Nothing,
    where none does: the end itself waits for no such thing, and is a record of its own.
    """
    state, standing = desk.gateway.state(case), desk.gateway.history.standing(2**53 - 1)
    collectors = {record.issuer for record in state.kind("consent")}
    counsel = {agency for agency in standing.directory.with_role("defender") if represents(state, agency)}
    ended = {said.grant for _, _, said in state.changes if said.does == "end"}
    to = {}
    for held in state.grants:
        grant = held.grant
        if grant.id not in ended and grant.discloser == desk.agency and "consent_identity" in grant.categories:
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
    return AgencyError("not-a-draft", f"this is no draft of a record: {why}", mend="see docs/agency.md for an example")
