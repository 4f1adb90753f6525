"""A case's account reads back and proves itself complete, and each lie in one is found.

A lying hub here can do all that a real one could: add leaves to its log, have them witnessed, and
sign any line. It can't sign for an issuer.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.consent.account import Account, AccountedRecord, Proved, read_account
from exchange.consent.account_rows import PENDING
from exchange.consent.accounting import AccountStatement, RecordEvidence, verify_account
from exchange.errors import ExchangeError
from exchange.log.leaves import (
    HandoutBody,
    HandoutPart,
    KeyBody,
    Leaf,
    LeafBody,
    RecordBody,
    WithdrawalBody,
    commit_number,
    sha256_hex,
    write_body,
)
from exchange.log.receipts import Receipt, rebuild_leaf
from exchange.log.signed_lines import AccountLine, LastNumber, read_account_line, sign_line
from exchange.standards.merkle import leaf_hash
from exchange.standards.notes import COSIGNATURE, derive_note_key
from tests.support.attack_stories import (
    TO_CLINIC,
    TO_PROSECUTOR,
    send_status,
    status_grant,
    under_way,
)
from tests.support.parties import after, ed25519, signed
from tests.support.refused import reads_as_a_refusal, refused
from tests.support.simulator import DAY, World, grant, judges, leaves, part

Last = tuple[LastNumber, ...]


class Liar:
    """A hub's account of one case, and a hub's ways to falsify it.

    The last record is a status that the prosecutor has.
    """

    def __init__(self) -> None:
        self.world, self.case = under_way()
        for _ in range(2):
            send_status(self.world, self.case)
        self.world.settle()
        self.account = self.honest()
        self.told = self.line()

    @property
    def last(self) -> AccountedRecord:
        return self.account.records[-1]

    @property
    def handed(self) -> HandoutBody:
        body = self.last.passed[0].leaf.body
        assert isinstance(body, HandoutBody)
        return body

    def honest(self) -> Account:
        return self.world.hub.account(
            self.case, "crossroads", self.world.witnessed(), self.world.clock
        )

    def line(self) -> AccountLine:
        return read_account_line(self.account.line, self.world.hub.history.newest.log, self.case)

    def logs(self, body: LeafBody, time: int | None = None) -> Proved:
        """Add a leaf at any time. Its proof is in the account."""
        stamped = body.model_copy(update={"time": self.world.clock if time is None else time})
        kept = self.world.hub.log
        leaf = Leaf(kept.size, self.world.random(16), write_body(stamped))
        kept.tree.append(leaf_hash(leaf.entry))
        kept.leaves.append(leaf)
        return Proved(leaf, ())

    def shows(self, *records: AccountedRecord) -> None:
        self.account = replace(self.account, records=records)

    def shows_last(self, **members: Any) -> None:
        self.shows(*self.account.records[:-1], replace(self.last, **members))

    def gives(self, last: Last | None = None, passed: int | None = None) -> Account:
        """Return the account with new proofs under a witnessed checkpoint, and any line."""
        note, kept = self.world.witnessed(), self.world.hub.log

        def proved(one: Proved) -> Proved:
            return Proved(one.leaf, kept.tree.inclusion(one.leaf.index))

        records = tuple(
            replace(one, recorded=proved(one.recorded), passed=tuple(map(proved, one.passed)))
            for one in self.account.records
        )
        counted = sum(len(one.passed) for one in records) if passed is None else passed
        last = self.told.last if last is None else last
        line = AccountLine(
            case=self.case, size=kept.size, time=self.world.clock, last=last, passed=counted
        )
        return Account(
            self.case, sign_line(line, self.world.hub._key, self.world.hub.name), note, records
        )

    def verify(self, account: Account) -> AccountStatement:
        return verify_account(read_account(account.write()), self.world.hub.history)


@pytest.fixture
def liar() -> Liar:
    return Liar()


# What it says


def test_an_account_reads_back(liar: Liar) -> None:
    assert read_account(liar.account.write()) == liar.account


def test_the_account_of_the_tests_verifies_as_long_as_nothing_is_changed(liar: Liar) -> None:
    assert liar.verify(liar.gives()).rows == liar.verify(liar.account).rows


def test_what_still_waits_is_in_the_account_as_waiting() -> None:
    world, case = under_way()
    send_status(world, case)
    rows = verify_account(
        world.hub.account(case, "crossroads", world.witnessed(), world.clock), world.hub.history
    ).rows
    assert [row.status for row in rows if row.kind == "status"] == [PENDING]


def test_what_was_withdrawn_is_in_it_without_a_cause() -> None:
    world, case = under_way()
    grant = world.hub.state(case).grants[0].grant
    send_status(world, case)
    world.change(case, "end", agencies=["prosecutor"], grant=grant.id)
    rows = verify_account(
        world.hub.account(case, "crossroads", world.witnessed(), world.clock), world.hub.history
    ).rows
    assert [(row.to, row.status) for row in rows if row.kind == "status"] == [
        ("prosecutor", "withdrawn")
    ]


def test_what_was_told_aloud_is_in_it_as_reported() -> None:
    world, case = under_way()
    said = {"told": "prosecutor", "category": "treatment", "on": "2026-11-02"}
    aloud = part("operation", {}, to={"program": ("exchange_operation", "operation")}, says=said)
    world.send("crossroads", "oral_disclosure", aloud, case=case)
    account = world.hub.account(case, "crossroads", world.witnessed(), world.clock)
    (row,) = [row for row in verify_account(account, world.hub.history).rows if row.is_oral]
    assert (row.to, row.category, row.denied) == ("prosecutor", "treatment", None)


@pytest.mark.parametrize(
    ("told", "category", "denied"),
    [
        ("prosecutor", "status", ()),
        ("prosecutor", "treatment", ("prosecutor-ceiling",)),
        ("police", "status", ("otherwise",)),
    ],
)
def test_beside_what_was_told_aloud_stands_what_the_rules_say_of_it(
    told: str, category: str, denied: tuple[str, ...]
) -> None:
    world, case = under_way()
    said = {"told": told, "category": category, "on": "2026-11-02"}
    aloud = part("operation", {}, to={"program": ("exchange_operation", "operation")}, says=said)
    world.send("crossroads", "oral_disclosure", aloud, case=case)
    account = world.hub.account(case, "crossroads", world.witnessed(), world.clock)
    (row,) = [row for row in verify_account(account, world.hub.history, judges).rows if row.is_oral]
    assert (
        row.denied is not None
        and set(denied) <= set(row.denied)
        and bool(row.denied) is bool(denied)
    )


def test_an_account_still_proves_itself_when_a_witness_has_another_key() -> None:
    world, case = under_way()
    account = world.hub.account(case, "crossroads", world.witnessed(), world.clock)
    newest = after(world.hub.history)
    witness = derive_note_key(ed25519("defender.w2"), "defender.w2", COSIGNATURE).vkey
    agencies = [
        one | {"witness": witness} if one["id"] == "defender" else one for one in newest["agencies"]
    ]
    world.change_directory(
        signed(newest | {"agencies": agencies}, ("defender", "clinic", "program"))
    )
    assert verify_account(account, world.hub.history).case == case


@pytest.mark.parametrize("does", ["question", "offer"])
def test_a_hand_out_names_what_it_rests_on_and_nothing_else(does: str) -> None:
    world = World()
    case = world.new_case()
    first = world.refer(case)
    world.refer(case)
    consent = world.consent(
        case, grant("crossroads", "program", ["enrollment"], ["diversion_coordination"])
    )
    world.consent(case, grant("crossroads", "program", ["enrollment"], ["admission"], id="5" * 16))
    world.settle()
    if does == "question":
        asks = part(
            "enrollment",
            {"asks": ["person.enrolled"]},
            to={"crossroads": ("diversion_coordination", "consent")},
            says={"for": "admission"},
        )
        sent, to = world.send("program", "question", asks, case=case), "crossroads"
    else:
        sent, to = first, "crossroads"
    world.settle()
    (handed,) = [
        leaf.body
        for leaf in leaves(world, HandoutBody)
        if (leaf.body.record, leaf.body.to) == (sent, to)
    ]
    assert [part.relies for part in handed.parts] == [((consent if does == "question" else first),)]


def test_the_order_in_which_records_stand_says_nothing(liar: Liar) -> None:
    assert liar.verify(replace(liar.account, records=liar.account.records[::-1])) == liar.verify(
        liar.account
    )


def test_it_holds_as_of_its_checkpoint_however_much_the_log_has_grown() -> None:
    world, case = under_way()
    send_status(world, case)
    before, at = world.witnessed(), world.clock
    world.clock += DAY
    world.settle()
    send_status(world, case)
    account = verify_account(
        world.hub.account(case, "crossroads", before, world.clock), world.hub.history
    )
    assert account.at == at and [row.status for row in account.rows if row.kind == "status"] == [
        PENDING
    ]
    account = verify_account(
        world.hub.account(case, "crossroads", world.witnessed(), world.clock), world.hub.history
    )
    assert account.at == world.clock
    assert [row.status for row in account.rows if row.kind == "status"] == ["handed out", PENDING]


def test_however_many_grants_cover_a_part_it_is_handed_out_and_accounted_for() -> None:
    world, case = under_way()
    for number in range(70):
        world.consent(case, status_grant(id=f"{number:016x}"))
    sent = send_status(world, case)
    world.settle()
    assert sent in world.got("prosecutor")
    rows = verify_account(
        world.hub.account(case, "crossroads", world.witnessed(), world.clock), world.hub.history
    ).rows
    assert [len(row.relies) for row in rows if row.kind == "status"] == [1]


def test_an_account_without_the_defender_s_witness_is_refused() -> None:
    world, case = under_way()
    note = world.witnessed(by=["police", "prosecutor", "program"])
    with refused("no-quorum"):
        verify_account(world.hub.account(case, "crossroads", note, world.clock), world.hub.history)


STEPS = (
    "status",
    "two",
    "refer",
    "pull",
    "end",
    "consent",
    "later",
    "earlier",
    "other case",
    "key",
    "witness",
    "aloud",
)


@given(st.lists(st.sampled_from(STEPS), max_size=8))
def test_whatever_happened_an_honest_hub_s_account_verifies_at_every_size(steps: list[str]) -> None:
    """So nothing that an account is held to goes beyond what an honest hub does."""
    world, case = under_way()
    live, month, notes = True, 12, []
    for number, step in enumerate(steps):
        if step == "status" and live:
            send_status(world, case)
        elif step == "two":
            parts = [
                part("status", {}, to=TO_PROSECUTOR),
                part("status", {"engagement": "engaged"}, to=TO_PROSECUTOR),
            ]
            if live:
                world.send("crossroads", "status", *parts, case=case)
        elif step == "refer":
            told = {"service": "a bed", "treatment": "as agreed"}
            parts = [
                part(category, {"text": text}, to=TO_CLINIC, notice="own-1")
                for category, text in told.items()
            ]
            world.send("crossroads", "service_referral", *parts, case=case)
        elif step == "pull":
            world.pull("prosecutor")
            world.pull("clinic")
        elif step == "end" and live:
            for held in {
                one.grant.id
                for one in world.hub.state(case).grants
                if one.grant.recipient == "prosecutor"
            }:
                world.change(case, "end", agencies=["prosecutor"], grant=held)
            live = False
        elif step == "consent":
            world.consent(case, status_grant(id=f"{number:016x}"))
            live = True
        elif step in ("later", "earlier"):
            # Less than five minutes in all, or nobody would witness.
            world.clock += 3600 if step == "later" else -20
        elif step == "other case":
            send_status(world, world.enrolled(status_grant(id=f"{number:015x}f")))
        elif step == "key" and month == 12:
            world.open_key("prosecutor", f"2026-{month}")
            month += 1
        elif step == "witness":
            notes.append(world.witnessed())
        elif step == "aloud":
            said = {"told": "prosecutor", "category": "treatment", "on": "2026-11-02"}
            aloud = part(
                "operation", {}, to={"program": ("exchange_operation", "operation")}, says=said
            )
            world.send("crossroads", "oral_disclosure", aloud, case=case)
    for note in (*notes, world.witnessed()):
        account = world.hub.account(case, "crossroads", note, world.clock)
        assert verify_account(read_account(account.write()), world.hub.history).case == case


# What a hub could try


def hides_behind_a_double(liar: Liar) -> Account:
    """Replace the last record by the one before it, in a second leaf with the last number."""
    kept, body = liar.account.records[-2], liar.account.records[-2].recorded.leaf.body
    nonce = bytes(range(16))
    leaf = liar.logs(body.model_copy(update={"number": commit_number(nonce, liar.last.number)}))
    double = replace(kept, recorded=leaf, number=liar.last.number, number_nonce=nonce, passed=())
    liar.shows(*liar.account.records[:-1], double)
    return liar.gives()


def renumbers(liar: Liar) -> Account:
    liar.shows_last(number=liar.last.number + 1)
    return liar.gives(tuple(replace_last(one, 1) for one in liar.told.last))


def replace_last(one: LastNumber, more: int) -> LastNumber:
    return one.model_copy(update={"last": one.last + more}) if one.issuer == "crossroads" else one


def opens_another_commitment(liar: Liar) -> Account:
    liar.shows_last(number_nonce=bytes(16))
    return liar.gives()


def orders_numbers_anew(liar: Liar) -> Account:
    """Log an issuer's three records again with the numbers 2, 1, 3, which disagree with the log."""
    first, one, two, three = liar.account.records
    again = []
    for kept, number in ((one, 2), (two, 1), (three, 3)):
        leaf = liar.logs(
            kept.recorded.leaf.body.model_copy(update={"number": commit_number(bytes(16), number)})
        )
        again.append(replace(kept, recorded=leaf, number=number, number_nonce=bytes(16), passed=()))
    liar.shows(first, *again)
    return liar.gives()


def swaps_leaves(liar: Liar) -> Account:
    one, other = liar.account.records[-2:]
    liar.shows(
        *liar.account.records[:-2],
        replace(one, recorded=other.recorded),
        replace(other, recorded=one.recorded),
    )
    return liar.gives()


def shows_a_hand_out_for_a_commit(liar: Liar) -> Account:
    liar.shows_last(recorded=liar.last.passed[0], passed=())
    return liar.gives()


def shows_a_commit_for_a_hand_out(liar: Liar) -> Account:
    liar.shows_last(passed=(liar.logs(liar.last.recorded.leaf.body),))
    return liar.gives()


def shows_a_leaf_twice(liar: Liar) -> Account:
    liar.shows_last(passed=liar.last.passed * 2)
    return liar.gives()


def never_logged(liar: Liar) -> Account:
    leaf = replace(liar.last.recorded.leaf, nonce=bytes(16))
    liar.shows_last(recorded=Proved(leaf, ()))
    return liar.gives()


def counts(more: int) -> Callable[[Liar], Account]:
    return lambda liar: liar.gives(tuple(replace_last(one, more) for one in liar.told.last))


def counts_an_issuer_twice(liar: Liar) -> Account:
    return liar.gives((LastNumber(issuer="police", last=9), *liar.told.last))


def counts_one_who_sent_nothing(liar: Liar) -> Account:
    return liar.gives((*liar.told.last, LastNumber(issuer="hospital", last=1)))


def shows_as_waiting(liar: Liar) -> Account:
    passed = sum(len(one.passed) for one in liar.account.records)
    liar.shows_last(passed=())
    return liar.gives(passed=passed)


def hands_out(
    parts: Callable[[HandoutPart], dict[str, Any]] | None = None, **members: Any
) -> Callable[[Liar], Account]:
    """The last hand-out's leaf says something else."""

    def lie(liar: Liar) -> Account:
        changed = tuple(
            one.model_copy(update=parts(one) if parts else {}) for one in liar.handed.parts
        )
        liar.shows_last(
            passed=(liar.logs(liar.handed.model_copy(update={"parts": changed, **members})),)
        )
        return liar.gives()

    return lie


def hands_out_twice(liar: Liar) -> Account:
    liar.shows_last(passed=(*liar.last.passed, liar.logs(liar.handed)))
    return liar.gives()


def hands_out_and_withdraws(liar: Liar) -> Account:
    body = liar.handed
    withdrawn = WithdrawalBody(
        record=body.record,
        issuer=body.issuer,
        to=body.to,
        parts=tuple(one.part for one in body.parts),
        number=body.number,
        time=0,
    )
    liar.shows_last(passed=(*liar.last.passed, liar.logs(withdrawn)))
    return liar.gives()


def hands_out_before_the_commit(liar: Liar) -> Account:
    liar.shows_last(recorded=liar.logs(liar.last.recorded.leaf.body))
    return liar.gives()


def relies_on_what_came_later(liar: Liar) -> Account:
    """The last record but one is said to rest on the last."""
    *others, one, other = liar.account.records
    body, later = one.passed[0].leaf.body, other.recorded.leaf.body
    assert isinstance(body, HandoutBody) and isinstance(later, RecordBody)
    parts = tuple(each.model_copy(update={"relies": (later.id,)}) for each in body.parts)
    handed = liar.logs(body.model_copy(update={"parts": parts}))
    other = replace(other, recorded=liar.logs(later), passed=())
    liar.shows(*others, replace(one, passed=(handed,)), other)
    return liar.gives()


def hands_out_at(time: Callable[[Liar], int]) -> Callable[[Liar], Account]:
    def lie(liar: Liar) -> Account:
        liar.shows_last(passed=(liar.logs(liar.handed, time(liar)),))
        return liar.gives()

    return lie


def keeps_an_old_line(liar: Liar) -> Account:
    """Give a month-old line under today's checkpoint, so that all later records are left out."""
    old = liar.account.line
    liar.world.clock += 30 * DAY
    send_status(liar.world, liar.case)
    return replace(liar.gives(), line=old)


def keeps_an_old_checkpoint(liar: Liar) -> Account:
    old = liar.account.checkpoint
    liar.logs(KeyBody(agency="police", sha256="0" * 64, time=0))
    return replace(liar.gives(), checkpoint=old)


def accounts_for_another_case(liar: Liar) -> Account:
    liar.case = "0" * 32
    return liar.gives()


LIES: list[tuple[Callable[[Liar], Account], tuple[str, ...]]] = [
    (hides_behind_a_double, ("record-twice",)),
    (renumbers, ("wrong-number",)),
    (opens_another_commitment, ("wrong-number",)),
    (orders_numbers_anew, ("number-missing",)),
    (swaps_leaves, ("wrong-leaf",)),
    (shows_a_hand_out_for_a_commit, ("wrong-leaf",)),
    (shows_a_commit_for_a_hand_out, ("wrong-leaf",)),
    (shows_a_leaf_twice, ("wrong-leaf",)),
    (never_logged, ("not-in-log",)),
    (counts(1), ("number-missing",)),
    (counts(-1), ("number-missing",)),
    (counts_an_issuer_twice, ("wrong-line",)),
    (counts_one_who_sent_nothing, ("number-missing",)),
    (shows_as_waiting, ("leaf-missing",)),
    (hands_out(lambda _: {"purpose": "treatment"}), ("wrong-leaf",)),
    (hands_out(lambda _: {"basis": "operation"}), ("wrong-leaf",)),
    (hands_out(lambda _: {"relies": ("f" * 32,)}), ("left-out",)),
    (hands_out(lambda _: {"part": "f" * 16}), ("passed-twice",)),
    (hands_out(to="clinic"), ("passed-twice",)),
    (hands_out(record="f" * 32), ("wrong-leaf",)),
    (hands_out(issuer="clinic"), ("wrong-leaf",)),
    (hands_out(pack="sha256:" + "0" * 64), ("wrong-leaf",)),
    (hands_out(number=1), ("wrong-number",)),
    (hands_out_twice, ("passed-twice",)),
    (hands_out_and_withdraws, ("passed-twice",)),
    (hands_out_before_the_commit, ("wrong-leaf",)),
    (relies_on_what_came_later, ("left-out",)),
    (hands_out_at(lambda liar: liar.last.recorded.leaf.body.time - 1), ("back-dated",)),
    (hands_out_at(lambda liar: liar.world.clock + 1), ("back-dated",)),
    (keeps_an_old_line, ("wrong-line",)),
    (keeps_an_old_checkpoint, ("wrong-line", "not-in-log")),
    (accounts_for_another_case, ("wrong-leaf",)),
]


@pytest.mark.parametrize(("lie", "codes"), LIES, ids=lambda one: getattr(one, "__name__", None))
def test_no_lie_passes(liar: Liar, lie: Callable[[Liar], Account], codes: tuple[str, ...]) -> None:
    with refused(*codes):
        liar.verify(lie(liar))


# Completeness: nothing can be taken out


_ONCE: list[Liar] = []


def once() -> Liar:
    if not _ONCE:
        _ONCE.append(Liar())
    return _ONCE[0]


@given(st.data())
def test_whatever_is_withheld_the_account_no_longer_verifies(data: st.DataObject) -> None:
    """Any records, entries, pads, labels, hand-outs, in any number, together."""
    one = once()
    value = json.loads(one.account.write())
    places = [(value["records"], at) for at in range(len(value["records"]))]
    for record in value["records"]:
        for what in ("entries", "pads", "labels", "passed"):
            places += [(record[what], at) for at in range(len(record[what]))]
    taken = data.draw(st.sets(st.integers(0, len(places) - 1), min_size=1, max_size=len(places)))
    for number in sorted(taken, reverse=True):
        listed, at = places[number]
        listed[at] = None
    emptied = {id(listed): listed for listed, _ in places}
    for listed in emptied.values():
        listed[:] = [each for each in listed if each is not None]
    with refused():
        verify_account(read_account(json.dumps(value).encode()), one.world.hub.history)


@given(st.sets(st.integers(0, 3), min_size=1))
def test_whatever_a_hub_withholds_and_counts_away_who_holds_its_proof_convicts_it(
    hidden: set[int],
) -> None:
    """A line that fits the remaining records verifies if only last records are gone.

    Then each proof of a missing record proves that the hub misbehaved.
    """
    one = once()
    records = one.honest().records
    kept = [each for at, each in enumerate(records) if at not in hidden]
    numbers: dict[str, int] = {}
    for each in kept:
        body = each.recorded.leaf.body
        assert isinstance(body, RecordBody)
        numbers[body.issuer] = numbers.get(body.issuer, 0) + 1
    liar = Liar.__new__(Liar)
    liar.world, liar.case, liar.account, liar.told = (
        one.world,
        one.case,
        replace(one.account, records=tuple(kept)),
        one.told,
    )
    account = liar.gives(
        tuple(LastNumber(issuer=issuer, last=last) for issuer, last in sorted(numbers.items()))
    )
    try:
        statement = liar.verify(account)
    except ExchangeError as error:
        assert error.code in ("number-missing", "left-out")
        return
    checkpoint = account.checkpoint
    tree = one.world.hub.log.tree
    for at in hidden:
        proof = Proved(records[at].recorded.leaf, tree.inclusion(records[at].recorded.leaf.index))
        with refused("left-out"):
            statement.check_evidence(
                RecordEvidence(records[at].jws, proof, checkpoint), one.world.hub.history
            )


# RecordEvidence


def evidence(liar: Liar, **members: Any) -> RecordEvidence:
    """Return the prosecutor's evidence of the last record."""
    last = liar.honest().records[-1]
    return replace(
        RecordEvidence(last.jws, last.recorded, liar.world.witnessed(), last.passed), **members
    )


def test_what_is_in_an_account_convicts_nobody(liar: Liar) -> None:
    liar.verify(liar.account).check_evidence(evidence(liar), liar.world.hub.history)


def test_a_hand_out_shown_as_waiting_is_convicted_by_who_got_it(liar: Liar) -> None:
    held = evidence(liar)
    liar.shows_last(passed=())
    statement = liar.verify(liar.gives())
    assert PENDING in [row.status for row in statement.rows]
    again = evidence(liar)
    for each in (held, again):
        with refused("left-out"):
            statement.check_evidence(each, liar.world.hub.history)


def test_what_came_after_an_account_doesn_t_convict_it(liar: Liar) -> None:
    statement = liar.verify(liar.account)
    send_status(liar.world, liar.case)
    liar.world.settle()
    statement.check_evidence(evidence(liar), liar.world.hub.history)


def test_two_logs_that_the_same_witnesses_cosigned_are_told_apart(liar: Liar) -> None:
    """All witnesses were lied to alike, or lie: two proofs at one index still show it."""
    other = copy.copy(liar)
    other.world = liar.world.fork()
    send_status(liar.world, liar.case, "engaged")
    send_status(other.world, other.case, "meeting_goals")
    statement = liar.verify(liar.honest())
    with refused("split-view"):
        statement.check_evidence(evidence(other), liar.world.hub.history)


def test_a_receipt_without_its_proof_convicts_nobody(liar: Liar) -> None:
    """Anybody can write one: the index of another's leaf, or one that was never logged."""
    statement = liar.verify(liar.account)
    made_up = Receipt(3, liar.world.clock, 1, bytes(16), bytes(16))
    held = evidence(liar)
    jti = liar.handed.record
    leaf = rebuild_leaf(
        made_up,
        jti=jti,
        issuer="crossroads",
        statement=sha256_hex(held.jws.rpartition(".")[0].encode()),
    )
    for path in ((), held.recorded.path):
        with refused("not-in-log"):
            statement.check_evidence(
                replace(held, recorded=Proved(leaf, path)), liar.world.hub.history
            )


def test_evidence_of_another_case_convicts_nobody(liar: Liar) -> None:
    statement = liar.verify(liar.account)
    world = liar.world
    other = world.enrolled(status_grant())
    send_status(world, other)
    world.settle()
    account = world.hub.account(other, "crossroads", world.witnessed(), world.clock)
    last = account.records[-1]
    with refused("wrong-leaf"):
        statement.check_evidence(
            RecordEvidence(last.jws, last.recorded, account.checkpoint, last.passed),
            world.hub.history,
        )


def test_evidence_of_a_log_that_the_defender_didn_t_witness_convicts_nobody(liar: Liar) -> None:
    statement = liar.verify(liar.account)
    with refused("no-quorum"):
        statement.check_evidence(
            evidence(liar, checkpoint=liar.world.witnessed(by=["police", "clinic"])),
            liar.world.hub.history,
        )


def test_a_leaf_of_another_record_is_no_evidence(liar: Liar) -> None:
    statement = liar.verify(liar.account)
    other = liar.honest().records[-2]
    for members in ({"recorded": other.recorded}, {"passed": other.passed}, {"jws": other.jws}):
        with refused("wrong-leaf"):
            statement.check_evidence(evidence(liar, **members), liar.world.hub.history)


# Reading


@given(st.binary(max_size=200))
def test_whatever_bytes_stand_for_an_account_are_read_or_refused(data: bytes) -> None:
    try:
        read_account(data)
    except ExchangeError as error:
        reads_as_a_refusal(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=40),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(st.data())
def test_whatever_stands_anywhere_in_an_account_it_verifies_as_before_or_is_refused(
    data: st.DataObject,
) -> None:
    one = once()
    value = json.loads(one.account.write())
    place, steps = value, data.draw(st.integers(1, 6))
    key: Any = None
    for _ in range(steps):
        keys = sorted(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(place[key], dict | list) or not place[key]:
            break
        place, key = (place[key], None) if _ < steps - 1 else (place, key)
    if key is None:
        key = sorted(place)[0] if isinstance(place, dict) else 0
    place[key] = data.draw(JSON)
    try:
        assert verify_account(
            read_account(json.dumps(value).encode()), one.world.hub.history
        ) == one.verify(one.account)
    except ExchangeError as error:
        reads_as_a_refusal(error)
