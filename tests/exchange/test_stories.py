"""Random stories between all agencies: no agency ever has a part that `disclosure` denied."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.consent.state import committed_record
from exchange.errors import ExchangeError
from exchange.log.leaves import HandoutBody
from exchange.records.building import Part
from rules.shelf import vocabulary
from tests.support.parties import ROLES
from tests.support.simulator import DAY, HOUR, KEEP, World, grant, judges, leaves, part

WORDS = vocabulary()
CARE = (
    "plan",
    "service",
    "progress",
    "attendance",
    "substance_use",
    "test_result",
    "treatment",
    "health",
    "counseling_note",
)
CATEGORIES = (
    "status",
    "enrollment",
    "intake_status",
    "decision_outcome",
    "contact",
    "charge",
    "encounter",
    *CARE,
)
PURPOSES = (
    "diversion_coordination",
    "treatment",
    "admission",
    "legal_representation",
    "filing_status",
)
# A kind of record that may hold a category, for whoever sends it.
KIND = {"status": "status", "enrollment": "transfer", "plan": "plan", "service": "service_referral"}
KIND |= dict.fromkeys(
    ("intake_status", "decision_outcome", "contact", "charge", "encounter"), "answer"
)

agencies = st.sampled_from(sorted(ROLES))
pairs = st.tuples(agencies, agencies).filter(lambda pair: pair[0] != pair[1])
steps = st.one_of(
    st.tuples(
        st.just("grant"),
        pairs,
        st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=4, unique=True),
    ),
    st.tuples(st.just("tell"), pairs, st.sampled_from(CATEGORIES)),
    st.tuples(st.just("force"), pairs, st.sampled_from(CATEGORIES)),
    st.tuples(st.just("end"), st.integers(0, 9), st.none()),
    st.tuples(st.just("restrict"), pairs, st.sampled_from(CATEGORIES)),
    st.tuples(st.just("pull"), agencies, st.none()),
    st.tuples(st.just("later"), st.sampled_from([HOUR, DAY, 20 * DAY]), st.none()),
)


def content(category: str) -> dict[str, Any]:
    return {"facts": {"case.missed_contacts": 3}} if category == "attendance" else {}


def told(category: str, to: str, purpose: str) -> Part:
    care = category in CARE
    more = {"sensitivity": "part2", "notice": "own-1"} if care else {}
    return part(category, content(category), to={to: (purpose, "consent")}, keep_until=KEEP, **more)


def go(
    world: World, case: str, step: tuple[Any, ...], grants: list[dict[str, Any]], purpose: str
) -> None:
    """Do one step of a story. A refused step has no effect."""
    does, what, more = step
    if does == "grant":
        kinds = [one for one in more if one != "counseling_note"] or ["status"]
        terms = grant(*what, kinds, list(PURPOSES), id=f"{len(grants) + 1:016x}")
        world.consent(case, terms)
        grants.append(terms)
    elif does in ("tell", "force"):
        sender, to = what
        send = world.send if does == "tell" else world.force
        kind = KIND.get(more, "progress")
        said = {"about": ["0" * 32, "0" * 16]} if kind == "answer" else None
        one = told(more, to, purpose)
        send(sender, kind, Part(**{**vars(one), "says": said}) if said else one, case=case)
    elif does == "end":
        if what < len(grants):
            named = [grants[what][one] for one in ("discloser", "recipient")]
            world.change(case, "end", agencies=named, grant=grants[what]["id"])
    elif does == "restrict":
        world.change(case, "restrict", agencies=what, pairs=[list(what)], categories=[more])
    elif does == "pull":
        world.pull(what)
    else:
        world.clock += what


def test_such_stories_do_pass_something_on() -> None:
    """Else the law below would hold of a hub that passes nothing."""
    world = World()
    case, grants = world.new_case(), list[dict[str, Any]]()
    world.refer(case)
    for step in (
        ("grant", ("clinic", "crossroads"), ["substance_use", "attendance"]),
        ("pull", "clinic", None),
        ("force", ("clinic", "crossroads"), "attendance"),
        ("pull", "crossroads", None),
    ):
        go(world, case, step, grants, "treatment")
    held = [
        one.record.kind
        for one in world.at["crossroads"].received.values()
        if one.record is not None
    ]
    assert "progress" in held


@pytest.mark.parametrize("name", [name for name in ROLES if ROLES[name] != "prosecutor"])
@pytest.mark.parametrize(
    "kind", ["ejection", "reinstatement", "filing_decision", "charge_disposition"]
)
def test_what_is_the_prosecutors_needs_the_prosecutors_signature(name: str, kind: str) -> None:
    """The hub refuses a record that another role signed, whatever the agency's program does."""
    world = World()
    case = world.new_case()
    category = "charge_status" if kind == "charge_disposition" else "decision_outcome"
    with pytest.raises(ExchangeError) as refused:
        world.force(
            name,
            kind,
            told(category, "prosecutor" if name != "prosecutor" else "police", PURPOSES[0]),
            case=case,
        )
    assert refused.value.code == "not-its-kind"


@settings(max_examples=40)
@given(st.lists(st.tuples(steps, st.sampled_from(PURPOSES)), min_size=5, max_size=40))
def test_nobody_ever_holds_what_disclosure_denied_at_that_index(
    story: list[tuple[tuple[Any, ...], str]],
) -> None:
    world = World()
    case = world.new_case()
    world.refer(case)
    grants: list[dict[str, Any]] = []
    for step, purpose in story:
        try:
            go(world, case, step, grants, purpose)
        except ExchangeError:
            continue
    for name in world.names:
        world.pull(name)
    handed = {
        (leaf.body.record, leaf.body.to): leaf
        for leaf in leaves(world, HandoutBody)
        if isinstance(leaf.body, HandoutBody)
    }
    for name, gateway in world.at.items():
        assert not gateway.faults
        for (_, jti), received in gateway.received.items():
            assert received.record is not None and received.item.recorded is not None
            leaf = handed[jti, name]
            current = world.hub.history.at(leaf.index)
            committed = committed_record(
                received.record, received.item.recorded.index, received.item.recorded.body.time
            )
            for passage in committed.passages:
                verdict = judges(current.pack).passage(
                    committed,
                    passage,
                    world.hub.state(case),
                    current,
                    current.zone,
                    index=leaf.index,
                    time=leaf.body.time,
                )
                assert verdict.permit, (name, received.record.kind, verdict.reasons)
            held = {
                category for label in received.record.labels.values() for category in label.category
            }
            if ROLES[name] in ("police", "prosecutor"):
                assert not held & set(CARE)
