"""Laws of consent that hold for any log, tried over random states and questions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exchange.consent.disclosure import Judge, Verdict
from exchange.consent.effects import effects_of
from exchange.consent.reduction import queries_of as asks_of
from exchange.consent.reduction import reduce, relies
from exchange.consent.state import COLLECTORS, DECISIVE, Committed, Passage, State
from exchange.records import statements
from exchange.records.label import Label
from rules.shelf import read_pack, vocabulary
from tests.support.simulator import World

PACK = read_pack("lead")
JUDGE = Judge(PACK)
DIRECTORY = World().hub.history.newest
AGENCIES = tuple(DIRECTORY.agencies)
CATEGORIES = (
    "status",
    "intake_status",
    "contact",
    "treatment",
    "attendance",
    "counseling_note",
    "operation",
    "consent_terms",
)
PURPOSES = (
    "diversion_coordination",
    "treatment",
    "legal_representation",
    "exchange_operation",
    "medical_emergency",
    "proceedings",
)
NOW, DAY = 1_793_700_000, 86400
REASONS = {
    rule.id for rule in PACK.decisions["disclosure"].rules.values() if rule.then == "deny"
} | {
    "otherwise",
    "undetermined",
}

# Few enough that records of one log often concern each other.
agencies = st.sampled_from(("crossroads", "prosecutor", "clinic", "program"))
pairs = st.tuples(agencies, agencies).filter(lambda pair: pair[0] != pair[1])


def some(words: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(words), min_size=1, max_size=3, unique=True)


@st.composite
def drawn_statements(draw: st.DrawFn, number: int) -> tuple[str, Any]:
    """A kind of record and what its label says."""
    kind = draw(
        st.sampled_from(
            ["consent"] * 5
            + ["consent_change"] * 3
            + ["referral", "recall", "representation", "exit", "emergency_disclosure"]
        )
    )
    sender, recipient = draw(pairs)
    earlier = f"{draw(st.integers(0, max(number, 1))):016x}"
    if kind == "consent":
        notes = draw(st.sampled_from([True] + [False] * 4))
        terms = {
            "id": f"{number:016x}",
            "discloser": sender,
            "recipient": recipient,
            "categories": ["counseling_note"]
            if notes
            else [
                c
                for c in draw(some(CATEGORIES))
                if c in statements.CATEGORIES and c != "counseling_note"
            ]
            or ["status"],
            "purposes": [p for p in draw(some(PURPOSES)) if p in statements.CONSENTED]
            or ["diversion_coordination"],
            "type": "counseling_notes"
            if notes
            else draw(st.sampled_from(["ordinary"] * 6 + ["conditional", "proceedings"])),
            "from": draw(st.sampled_from(["2026-01-01", "2026-01-01", "2026-11-03", "2027-01-01"])),
            "expires": draw(st.sampled_from(["2027-06-01", "2027-01-01"])),
            "form": list(statements.ATTESTED),
            "signer": "adult",
            "lifts": draw(st.lists(st.just(earlier), max_size=1)),
        }
        return kind, statements.read_statement("grant", terms)
    if kind == "consent_change":
        does = draw(st.sampled_from(["end", "narrow", "restrict", "certify"]))
        what: dict[str, Any] = (
            {"pairs": [(sender, recipient)]} if does == "restrict" else {"grant": earlier}
        )
        if does in ("narrow", "restrict"):
            what["categories"] = draw(some(CATEGORIES[:4]))
        return kind, statements.read_statement("change", {"does": does, **what})
    if kind == "referral":
        return kind, statements.read_statement(
            "answer", {"answer": draw(st.sampled_from(["accepted", "declined"]))}
        )
    if kind == "recall":
        about = {"about": [f"{int(earlier, 16):032x}", earlier]}
        return kind, statements.read_statement("about", about)
    if kind == "representation":
        return kind, statements.read_statement("representation", {"agency": "defender"})
    if kind == "emergency_disclosure":
        report = {
            "told": recipient,
            "category": "treatment",
            "on": "2026-11-02",
            "form": list(statements.EMERGENCY),
            "countersigned": "a..b",
        }
        return kind, statements.read_statement("emergency", report)
    return kind, None


@st.composite
def records(draw: st.DrawFn, index: int) -> Committed:
    kind, said = draw(drawn_statements(index))
    issuer = draw(st.sampled_from(["crossroads"] * 6 + ["clinic"] * 4 + ["defender", "police"]))
    if kind == "representation":
        issuer = "defender"
    if kind in ("referral", "recall"):
        issuer = "police"
    label = Label(
        f"{index:016x}",
        ("consent_terms" if kind.startswith("consent") else "operation",),
        "plain",
        "none",
        "none",
        "2027-11-30",
        said,
        "x",
    )
    named = {
        "consent": lambda: [said.discloser, said.recipient],
        "emergency_disclosure": lambda: [said.told],
    }.get(kind, lambda: list(AGENCIES))()
    passages = tuple(Passage(label.id, to, "exchange_operation", "operation") for to in named)
    time = NOW - draw(st.sampled_from([0, 3600, 2 * DAY, 40 * DAY]))
    return Committed(
        index,
        time,
        f"{index:032x}",
        issuer,
        DIRECTORY.role(issuer),
        kind,
        "c",
        {label.id: label},
        passages,
        sound=draw(st.sampled_from([True] * 24 + [False])),
    )


@st.composite
def states(draw: st.DrawFn) -> State:
    return State(tuple(draw(records(index)) for index in range(draw(st.integers(0, 7)))))


@st.composite
def questions(draw: st.DrawFn) -> tuple[Committed, Passage]:
    """A part on its way: half of the time on a matter that some consent may well cover."""
    sender, recipient = draw(pairs)
    category = draw(st.sampled_from(CATEGORIES))
    sensitivity, use = (
        draw(st.sampled_from(["plain", "part2"])),
        draw(st.sampled_from(["no_adverse_action", "none"])),
    )
    label = Label("f" * 16, (category,), sensitivity, use, "none", "2027-11-30", None, "x")
    passage = Passage(
        label.id,
        recipient,
        draw(st.sampled_from(PURPOSES)),
        draw(st.sampled_from(["consent", "offer_at_scene", "operation", "none"])),
    )
    kind = draw(st.sampled_from(["status", "status", "question"]))
    return Committed(
        100, NOW, "e" * 32, sender, DIRECTORY.role(sender), kind, "c", {label.id: label}, (passage,)
    ), passage


@st.composite
def covered(draw: st.DrawFn) -> tuple[State, tuple[Committed, Passage]]:
    """A state, and a question that a grant often names, so that permits aren't rare."""
    state, (this, passage) = draw(states()), draw(questions())
    if state.grants and draw(st.sampled_from([True, True, True, False])):
        grant = draw(st.sampled_from(state.grants)).grant
        category = (draw(st.sampled_from(grant.categories)),)
        label = replace(
            this.labels[passage.part],
            category=category,
            use="no_adverse_action",
            sensitivity="plain",
        )
        passage = Passage(
            label.id, grant.recipient, draw(st.sampled_from(grant.purposes)), "consent"
        )
        this = replace(
            this,
            issuer=grant.discloser,
            kind="status",
            labels={label.id: label},
            passages=(passage,),
        )
    return state, (this, passage)


def asked(state: State, question: tuple[Committed, Passage], index: int = 100) -> Verdict:
    this, passage = question
    return JUDGE.passage(this, passage, state, DIRECTORY, DIRECTORY.zone, index=index, time=NOW)


def slice_of(state: State, agency: str) -> State:
    """Return the slice that an agency may see: its own records and the ones handed out to it."""
    mine = []
    for record in state.records:
        if record.issuer == agency:
            mine.append(record)
        elif agency in record.parties():
            mine.append(
                replace(record, passages=tuple(one for one in record.passages if one.to == agency))
            )
    return State(tuple(mine))


@given(covered(), st.data())
def test_removing_a_sound_grant_never_adds_a_permit(case: Any, data: st.DataObject) -> None:
    state, question = case
    sound = [
        one
        for one in state.records
        if one.kind == "consent" and one.sound and one.role in COLLECTORS
    ]
    lifts = {part for one in sound for _, said in one.says() for part in getattr(said, "lifts", ())}
    if not sound:
        return
    gone = data.draw(st.sampled_from(sound))
    ids = [said.id for _, said in gone.says() if isinstance(said, statements.Grant)]
    without = State(tuple(one for one in state.records if one is not gone))
    assert lifts is not None and ids
    assert (
        not asked(without, question).permit
        or asked(state, question).permit
        or _blocked_by(state, gone)
    )


def _blocked_by(state: State, gone: Committed) -> bool:
    """A grant of a type that LEAD denies, or a duplicate, isn't well-formed here."""
    said = next(said for _, said in gone.says() if isinstance(said, statements.Grant))
    return (
        said.type in ("conditional", "proceedings")
        or (said.discloser, said.recipient) in state.faulty
    )


@given(covered(), pairs, some(CATEGORIES[:6]))
def test_adding_a_restriction_never_adds_a_permit(
    case: Any, pair: tuple[str, str], categories: list[str]
) -> None:
    state, question = case
    change = statements.read_statement(
        "change", {"does": "restrict", "pairs": [pair], "categories": categories}
    )
    label = Label("d" * 16, ("consent_terms",), "plain", "none", "none", "2027-11-30", change, "x")
    added = Committed(
        50,
        NOW,
        "d" * 32,
        "crossroads",
        "case_management",
        "consent_change",
        "c",
        {label.id: label},
        (),
    )
    with_it = asked(state.with_(added), question)
    assert not with_it.permit or asked(state, question).permit
    sender, recipient = question[0].issuer, question[1].to
    if with_it.permit and question[1].basis == "consent" and question[0].kind != "question":
        assert (
            pair != (sender, recipient)
            or question[0].labels[question[1].part].category[0] not in categories
        )


@given(covered(), st.randoms())
def test_the_order_of_live_grants_does_not_matter(case: Any, random: Any) -> None:
    state, question = case
    grants = [one for one in state.records if one.kind == "consent"]
    if any(one.kind != "consent" for one in state.records):
        state = State(tuple(grants))
    mixed = list(state.records)
    random.shuffle(mixed)
    moved = State(tuple(replace(one, index=index) for index, one in enumerate(mixed)))
    assert asked(moved, question) == asked(
        State(tuple(replace(one, index=i) for i, one in enumerate(state.records))), question
    )


@given(covered(), st.integers(0, 8), st.data())
def test_any_past_index_keeps_its_answer(case: Any, index: int, data: st.DataObject) -> None:
    state, question = case
    then = asked(state.before(index), question, index)
    assert asked(state, question, index) == then
    later = state.with_(data.draw(records(60)))
    assert asked(later, question, index) == then


@given(covered())
def test_no_permit_without_a_logged_consent_or_basis(case: Any) -> None:
    state, question = case
    this, passage = question
    if not asked(state, question).permit:
        return
    asker, answerer = (
        (passage.to, this.issuer) if this.kind == "question" else (this.issuer, passage.to)
    )
    grants = [
        held
        for held in state.grants
        if (held.grant.discloser, held.grant.recipient) == (asker, answerer) and held.entitled
    ]
    kinds = {one.kind for one in state.records}
    assert (
        grants
        or "referral" in kinds
        or "emergency_disclosure" in kinds
        or passage.basis == "operation"
    )


@given(covered())
def test_what_a_permit_rests_on_is_in_the_log_and_sufficient(case: Any) -> None:
    """The records relied on precede the question, and permit it without all other grants."""
    state, (this, passage) = case
    if not asked(state, (this, passage)).permit or passage.basis == "operation":
        return
    named = relies(asks_of(this, passage, index=100, time=NOW), state, DIRECTORY.zone)
    assert named and set(named) <= {one.jti for one in state.records}
    fewer = State(tuple(one for one in state.records if one.kind != "consent" or one.jti in named))
    assert asked(fewer, (this, passage)).permit


@given(covered(), st.sampled_from(sorted(set(vocabulary().kinds) - DECISIVE)), pairs)
def test_a_record_of_any_other_kind_changes_no_answer(
    case: Any, kind: str, between: tuple[str, str]
) -> None:
    """So only those few make the hub ask again about what waits."""
    state, question = case
    label = Label("d" * 16, ("operation",), "plain", "none", "none", "2027-11-30", None, "x")
    passages = (Passage(label.id, between[1], "exchange_operation", "operation"),)
    role = DIRECTORY.role(between[0])
    more = Committed(
        50, NOW - DAY, "d" * 32, between[0], role, kind, "c", {label.id: label}, passages
    )
    assert asked(state.with_(more), question) == asked(state, question)


@given(covered())
def test_every_denial_has_a_reason_from_the_closed_list(case: Any) -> None:
    verdict = asked(*case)
    assert verdict.permit is not bool(verdict.reasons)
    assert set(verdict.reasons) <= REASONS
    assert set(verdict.obligations) <= set(vocabulary().obligations)


@given(covered())
def test_no_point_permits_what_the_hub_denies(case: Any) -> None:
    state, question = case
    this, passage = question
    at_hub = asked(state, question)
    for agency in (this.issuer, passage.to):
        own = asked(slice_of(state, agency), question)
        # Police don't learn of a decline or exit. So for the offer's basis, the sender's view may
        # lag, and the hub decides.
        if own.permit and not at_hub.permit:
            assert passage.basis == "offer_at_scene" or _unseen(state, agency)
        if passage.basis == "consent" and not _unseen(state, agency):
            assert own.permit == at_hub.permit


def _unseen(state: State, agency: str) -> bool:
    """Return whether the slice lacks a record that a real one would have sent to this agency."""
    return any(
        agency not in one.parties()
        and one.kind in ("consent", "consent_change", "emergency_disclosure")
        for one in state.records
    )


@given(questions())
def test_from_an_empty_log_nothing_passes(question: Any) -> None:
    if asked(State(), question).permit:
        # Only what runs the exchange between parties of a record, and there is none.
        raise AssertionError(question)


@given(covered())
def test_every_fact_is_always_given(case: Any) -> None:
    state, (this, passage) = case
    declared = {path for path, fact in vocabulary().facts.items() if fact.known_by == "hub"}
    (ask,) = asks_of(this, passage, index=100, time=NOW)
    facts = reduce(ask, state, DIRECTORY, DIRECTORY.zone)
    assert set(facts) == declared
    for path, value in facts.items():
        choices = vocabulary().facts[path].choices
        assert value is None or isinstance(value, bool) or value in choices


@given(covered(), st.data())
def test_a_record_stops_only_the_passages_that_its_effects_cover(
    case: Any, data: st.DataObject
) -> None:
    state, question = case
    record = data.draw(records(50))
    this, passage = question
    is_covered = any(
        effect.covers(this.issuer, passage.to, passage.purpose, passage.basis)
        for effect in effects_of(record, state)
    )
    if not is_covered and asked(state, question).permit:
        assert asked(state.with_(record), question).permit


@given(states())
def test_a_state_that_grew_knows_what_one_made_at_once_knows(state: State) -> None:
    grown = State()
    for record in state.records:
        grown.kind("exit"), grown.grants
        grown = grown.with_(record)
    made = State(state.records)
    names = ("grants", "changes", "restrictions", "faulty", "answers")
    assert [getattr(grown, name) for name in names] == [getattr(made, name) for name in names]
    for record in state.records:
        assert grown.of_id(record.jti) == (record,)
        assert grown.kind(record.kind) == made.kind(record.kind)
