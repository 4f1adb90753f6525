"""A hub that lost a day continues: each leaf that a member holds is in its old place.

Lost leaves are named.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.consent.account import Proved, read_account
from exchange.consent.accounting import RecordEvidence, verify_account
from exchange.consent.state import State
from exchange.errors import ExchangeError
from exchange.evidence.documents import (
    Member,
    ProvedAccount,
    ProvedReceipt,
    read_proved_account,
    read_receipt,
)
from exchange.evidence.verify import verify_proved_account, verify_receipt
from exchange.hub.gathering import Gathered, Gathering
from exchange.hub.hub import Acceptance, Hub
from exchange.hub.rebuilding import Restoration
from exchange.hub.store import HANDED
from exchange.log import generation
from exchange.log.leaves import (
    GenerationBody,
    HandoutBody,
    HandoutPart,
    Leaf,
    LeafBody,
    RecordBody,
    WithdrawalBody,
    commit_number,
    sha256_hex,
    write_body,
)
from exchange.log.receipts import rebuild_leaf
from exchange.membership.signatures import SignedPayload
from exchange.records.manifest import Entry
from exchange.records.record import hash_statement
from exchange.records.statements import Grant
from exchange.standards.i_json import read_object, write
from offramp.agency.folder.stored_records import DestroyedText
from tests.support.attack_stories import (
    TO_CLINIC,
    send_status,
    status_grant,
    treatment_grant,
    under_way,
)
from tests.support.keys import key
from tests.support.parties import after, signed
from tests.support.refused import refused
from tests.support.restores import THRESHOLD, Restored, backup
from tests.support.simulator import World, grant, judges, part

STATUS = status_grant()


def lost_a_day() -> tuple[World, str, Restored, dict[str, str]]:
    """Return a world whose hub burned after a day that its backup lacks.

    On that day, one status was pulled, one was left waiting, a key was opened, and a consent ended.
    """
    world, case = under_way()
    world.represent(case)
    world.settle()
    store = backup(world)
    ids = {"taken": send_status(world, case)}
    world.pull("prosecutor")
    ids["waits"] = send_status(world, case, "starting")
    world.open_key("clinic", "2026-12")
    world.witnessed()
    # The tree that the witnesses saw ends here; the revocation came after it.
    ids["end"] = world.change(case, "end", agencies=["prosecutor"], grant=STATUS["id"])
    world.pull("clinic")
    return world, case, Restored(world, store), ids


def to_clinic(world: World, case: str) -> str:
    told = part("treatment", {"text": "a plan"}, to=TO_CLINIC, sensitivity="part2", notice="own-1")
    return world.send("crossroads", "service_referral", told, case=case)


def account_of(world: World, case: str) -> bytes:
    return world.hub.account(case, "defender", world.witnessed(), world.clock).write()


# The whole way


def test_every_leaf_is_in_its_old_place_and_the_log_goes_on() -> None:
    world, case, restored, ids = lost_a_day()
    watched = {name: world.at[name].watching.last for name in world.names}
    sent = {jti: world.at["crossroads"].sent_as(jti) for jti in ids.values()}
    restored.go_on()
    for last in watched.values():
        assert last is not None and world.hub.log.tree.root(last.size) == last.root
    for jti, (bundle, receipt) in sent.items():
        assert bundle is not None and receipt is not None
        leaf = rebuild_leaf(
            receipt, jti=jti, issuer="crossroads", statement=hash_statement(bundle.record)
        )
        assert world.hub.store.leaf(receipt.index) == leaf
        # Its receipt is the old one, also for whoever sends it once more.
        assert world.submit(bundle) == (Acceptance(receipt, is_repeat=True),)
    body = restored.newest()[0].body
    assert isinstance(body, GenerationBody) and body.size == max(
        one.size for one in watched.values() if one
    )
    world.settle()
    assert to_clinic(world, case) and world.pull("clinic")
    world.settle()


def test_a_revocation_that_only_its_issuer_still_knows_holds_and_what_it_cut_stays_cut() -> None:
    world, case, restored, ids = lost_a_day()
    restored.go_on()
    assert ids["waits"] not in {
        received.record.jti for received in world.pull("prosecutor") if received.record
    }
    assert [
        one.leaf.body.record
        for one in world.at["prosecutor"].undelivered
        if isinstance(one.leaf.body, WithdrawalBody)
    ] == [ids["waits"]]
    world.settle()
    with refused("not-permitted"):
        world.open("prosecutor", ids["taken"])
    with refused("not-permitted"):
        send_status(world, case)
    with refused("not-passed"):
        world.force(
            "crossroads",
            "status",
            part("status", {}, to={"prosecutor": ("diversion_coordination", "consent")}),
            case=case,
        )


def test_what_was_withdrawn_for_a_revocation_does_not_pass_on_a_later_consent() -> None:
    """The withdrawal's leaf is lost, and still a later consent doesn't hand the text out."""
    world, case = under_way()
    store = backup(world)
    waits = send_status(world, case)
    world.change(case, "end", agencies=["prosecutor"], grant=STATUS["id"])
    again = status_grant(id="f" * 16)
    world.consent(case, again)
    restored = Restored(world, store)
    restored.go_on()
    assert waits not in {
        received.record.jti for received in world.pull("prosecutor") if received.record
    }
    assert not [leaf for leaf in leaves_of(world, HandoutBody) if leaf.body.record == waits]
    assert send_status(world, case)


def leaves_of(world: World, kind: type[LeafBody]) -> list[Leaf]:
    return [leaf for leaf in world.hub.log.leaves if not leaf.lost and isinstance(leaf.body, kind)]


def test_the_account_is_whole_and_names_the_places_that_nobody_could_open() -> None:
    world, case, restored, ids = lost_a_day()
    restored.go_on()
    world.settle()
    missing = generation.read_terms(restored.newest()[1].payload).missing
    assert missing, "the withdrawal of what waited was told nobody"
    account = read_account(account_of(world, case))
    found = verify_account(account, world.at["defender"].history, judges)
    assert found.missing == missing
    said = {(row.kind, row.to, row.status) for row in found.rows}
    assert {("status", "prosecutor", "handed out"), ("status", "prosecutor", "withdrawn")} <= said
    assert ids["end"] in {one.jti for one in found.consents}
    # The hub can't keep quiet about it: how many generations there were stands in its signed line.
    with refused("wrong-generation"):
        verify_account(replace(account, generations=()), world.at["defender"].history)
    proved, signed = account.generations[0]
    with refused("not-in-log"):
        verify_account(
            replace(
                account,
                generations=((Proved(proved.leaf, (*proved.path[:-1], bytes(32))), signed),),
            ),
            world.at["defender"].history,
        )


def test_numbers_may_be_left_out_of_an_account_only_where_the_log_has_lost_as_many_places() -> None:
    """A record without a receipt that nobody pulled is lost with its number, and is sent again."""
    world, case = under_way()
    store = backup(world)
    first = world.compose(
        "crossroads",
        "status",
        part("status", {}, to={"prosecutor": ("diversion_coordination", "consent")}),
        case=case,
    )
    (answer,) = world.submit(first)
    assert isinstance(answer, Acceptance)
    world.at["crossroads"]._sent.pop(first.id)
    second = send_status(world, case)
    restored = Restored(world, store)
    restored.go_on()
    world.represent(case)
    world.settle()
    found = verify_account(read_account(account_of(world, case)), world.at["defender"].history)
    assert found.missing == (answer.receipt.index,)
    numbers = [
        record[1].number
        for record in world.hub.store.in_case(case)
        if record[0].issuer == "crossroads"
    ]
    assert (
        answer.receipt.number not in numbers
        and found.last["crossroads"] == max(numbers) == answer.receipt.number + 1
    )
    assert world.hub.store.record("crossroads", second) is not None


def test_a_new_machine_whose_clock_is_behind_loses_nothing_and_the_log_s_time_goes_on() -> None:
    world, _, restored, ids = lost_a_day()
    world.clock -= 3 * 3600
    restored.go_on()
    assert all(world.hub.store.record("crossroads", jti) is not None for jti in ids.values())
    times = [leaf.body.time for leaf in world.hub.log.leaves if not leaf.lost]
    assert times == sorted(times)


def test_what_was_handed_out_in_the_lost_hours_is_not_handed_out_twice_and_inboxes_number_on() -> (
    None
):
    world, _case, restored, ids = lost_a_day()
    before = {name: (list(world.at[name].items), world.at[name].cursor) for name in world.names}
    restored.go_on()
    for name, (items, cursor) in before.items():
        world.pull(name)
        assert world.at[name].items[:cursor] == items
    handed = [leaf for leaf in leaves_of(world, HandoutBody) if leaf.body.record == ids["taken"]]
    assert len(handed) == 1


def test_what_could_not_pass_for_a_while_is_not_handed_out_when_it_could_again() -> None:
    """A part that a change of role ended stays withdrawn, even if the role changed back."""
    world, case = under_way()
    store = backup(world)
    waits = send_status(world, case)
    for role in ("defender", "prosecutor"):
        newest = after(world.hub.history)
        agencies = [
            one | {"role": role} if one["id"] == "prosecutor" else one for one in newest["agencies"]
        ]
        world.change_directory(signed(newest | {"agencies": agencies}, THRESHOLD))
    assert [leaf for leaf in leaves_of(world, WithdrawalBody) if leaf.body.record == waits]
    restored = Restored(world, store)
    restored.go_on()
    world.pull("prosecutor")
    assert not [leaf for leaf in leaves_of(world, HandoutBody) if leaf.body.record == waits]


def test_what_its_issuer_has_destroyed_since_comes_back_without_its_text_and_is_withdrawn() -> None:
    world, case = under_way()
    store = backup(world)
    waits = send_status(world, case)
    bundle, receipt = world.at["crossroads"]._sent[waits]
    (text,) = bundle.sealed
    gone = DestroyedText(text.part, text.to, text.purpose, text.basis, b"", text.entry().sha256)
    world.at["crossroads"]._sent[waits] = replace(bundle, sealed=(gone,)), receipt
    restored = Restored(world, store)
    restored.go_on()
    assert [leaf for leaf in leaves_of(world, WithdrawalBody) if leaf.body.record == waits]
    world.represent(case)
    world.settle()
    assert not verify_account(
        read_account(account_of(world, case)), world.at["defender"].history
    ).missing


def test_a_key_and_a_retired_key_are_put_back_with_their_places() -> None:
    world, _case = under_way()
    store = backup(world)
    world.open_key("clinic", "2026-12")
    world.retire("police")
    restored = Restored(world, store)
    # A thief may have the key that police retired, and the backup doesn't know of its retirement.
    restored.restoration.gathering.take("police.s1", write({"n": 0, "done": True}))
    assert restored.restoration.gathering.reported() == {"police"}
    restored.report(*(name for name in world.names if name != "police"))
    assert restored.draft().terms.absent == ("police",)
    assert not restored.sign("defender", "program")
    assert restored.sign("clinic")
    restored.learn()
    assert (
        world.hub.history.newest.version == 2
        and not world.hub.history.newest.agencies["police"].signing
    )
    assert (
        next(
            key_.kid
            for key_ in world.hub.history.membership_at(world.hub.log.size).sealing["clinic"]
        )
        == "clinic.2026-12"
    )
    with refused("unknown-key"):
        world.refer(world.new_case())


def test_a_second_restore_takes_back_the_first_generation_too() -> None:
    world, case, restored, _ = lost_a_day()
    first = backup(world)
    restored.go_on()
    to_clinic(world, case)
    world.settle()
    again = Restored(world, first)
    again.go_on()
    to_clinic(world, case)
    world.settle()
    terms = [generation.read_terms(signed.payload) for _, signed in world.hub.generations]
    assert [one.generation for one in terms] == [2, 3] and terms[1].previous is not None
    world.represent(case)
    world.settle()
    found = verify_account(read_account(account_of(world, case)), world.at["defender"].history)
    assert set(terms[0].missing) <= set(found.missing)


def test_where_nobody_has_more_than_the_backup_the_hub_just_opens() -> None:
    world, _ = under_way()
    restored = Restored(world, backup(world))
    restored.report(*world.names[1:])
    assert restored.restoration.gathering.missing_agencies() == (
        world.names[0],
    ) and restored.draft().terms.absent == (world.names[0],)
    restored.report(world.names[0])
    assert restored.restoration.draft(world.clock) is None and restored.restoration.reopen(
        world.clock
    )
    world.settle()


STEPS = ("refer", "consent", "end", "status", "treat", "pull", "witness", "key", "lost answer")


def step(world: World, what: str, name: str, cases: list[str]) -> None:
    """Do one step. A step that the rules refuse has no effect."""
    world.clock += 30
    case = cases[-1]
    with suppress(ExchangeError):
        if what == "refer":
            cases.append(world.new_case())
            world.refer(cases[-1])
        elif what == "consent":
            world.consent(case, status_grant(id=world.new_case()[:16]), treatment_grant())
        elif what == "end":
            world.change(
                case,
                "end",
                agencies=["prosecutor"],
                grant=(grants_of(world, case) or ["0" * 16])[-1],
            )
        elif what == "status":
            send_status(world, case)
        elif what == "treat":
            to_clinic(world, case)
        elif what == "pull":
            world.pull(name)
        elif what == "witness":
            world.witnessed([name])
        elif what == "key":
            world.open_key(name, f"2026-{12 - len(cases) % 2}")
        else:
            basis = {"crossroads": ("offer_and_hand_off", "offer_at_scene")}
            told = part("encounter", {}, to=basis, says={"answer": "accepted"}, use="none")
            world.submit(world.compose("police", "referral", told, case=world.new_case()))


def grants_of(world: World, case: str) -> list[str]:
    return [
        said.id
        for one in world.hub.state(case).kind("consent")
        for _, said in one.says()
        if isinstance(said, Grant)
    ]


_STEPS = st.tuples(st.sampled_from(STEPS), st.sampled_from(("prosecutor", "clinic", "crossroads")))


@settings(max_examples=30, deadline=None)
@given(
    before=st.lists(_STEPS, max_size=6),
    lost=st.lists(_STEPS, max_size=16),
    absent=st.sets(st.sampled_from(("police", "prosecutor", "crossroads", "hospital")), max_size=2),
)
def test_whatever_anybody_holds_comes_back_as_it_was_and_whatever_nobody_holds_is_named(
    before: list[tuple[str, str]], lost: list[tuple[str, str]], absent: set[str]
) -> None:
    world, case = under_way()
    cases = [case]
    for what, name in before:
        step(world, what, name, cases)
    store = backup(world)
    for what, name in lost:
        step(world, what, name, cases)
    here = [name for name in world.names if name not in absent]
    old, at = world.hub, {name: world.at[name].cursor for name in here}
    known = {(leaf.index, leaf.entry) for name in here for leaf in world.at[name].leaves()}
    restored = Restored(world, store)
    restored.report(*here)
    if not absent and restored.restoration.reopen(world.clock):
        missing: set[int] = set()
    else:
        assert restored.sign(*THRESHOLD)
        restored.learn(here)
        missing = set(generation.read_terms(restored.newest()[1].payload).missing)
    new = world.hub
    for leaf in old.log.leaves:
        if leaf.index < restored.reached and leaf.index not in missing:
            assert new.store.leaf(leaf.index) == leaf
    # What anybody holds is there, and nobody is told that it is gone.
    assert known <= {(leaf.index, leaf.entry) for leaf in new.log.leaves if not leaf.lost}
    for each in cases:
        then, now = old.state(each), new.state(each)
        held = {one.jti for one in now.records}
        assert {one.jti for one in then.records if one.jti not in held} <= {
            one.jti for one in then.records if one.index in missing or one.index >= restored.reached
        }
        # Of what the person agreed to and took back, nothing is forgotten that somebody here has.
        for name in here:
            said = world.at[name].state(each).kind("consent", "consent_change", "referral", "exit")
            assert {one.jti for one in said if one.index < 2**53 - 1} <= held
        # No text waits again that the old hub had cut.
        waits = {(text.jti, text.entry) for text in new.store.waiting_in(each)}
        assert waits <= {(text.jti, text.entry) for text in old.store.waiting_in(each)} | unsettled(
            old, each, {*missing, *range(restored.reached, old.log.size)}
        )
    for name in here:
        world.pull(name)
        assert world.at[name].cursor >= at[name]
        world.at[name].cosign(
            world.hub.checkpoint(world.clock), consistency(world, name), world.clock
        )


def consistency(world: World, name: str) -> tuple[bytes, ...]:
    last = world.at[name].watching.last
    return world.hub.log.tree.consistency(last.size) if last and last.size else ()


def unsettled(old: Hub, case: str, missing: set[int]) -> set[tuple[str, Entry]]:
    """A hand-out may be in an answer that never arrived, or to an agency that is absent."""
    return {
        (text.jti, text.entry)
        for record, _ in old.store.in_case(case)
        for text in old.store.texts(record.issuer, record.jti)
        if text.state == HANDED and text.leaf in missing
    }


def test_a_hub_that_is_stopped_in_the_middle_of_hearing_goes_on_hearing() -> None:
    world, _, restored, _ = lost_a_day()
    restored.report("police", "defender")
    again = Restoration(world.hub)
    assert again.gathering.reported() == {"police", "defender"}
    assert again.draft(world.clock) == restored.restoration.draft(world.clock)
    # Who begins and doesn't end isn't heard; whoever begins anew is.
    first = restored.bodies("clinic")[0]
    again.gathering.take("clinic.s1", write(read_object(first) | {"done": False}))
    assert "clinic" in again.gathering.missing_agencies()
    restored.restoration = again
    restored.report()
    # What was said to the end is said: nobody changes under the others what they are signing.
    before = restored.draft().digest
    again.gathering.take("clinic.s1", write({"n": 0}))
    assert "clinic" in again.gathering.reported() and restored.draft().digest == before
    assert restored.sign("defender", "program") is False and Restoration(world.hub).sign(
        *signature(restored, "clinic")
    )
    restored.learn()
    world.settle()


def signature(restored: Restored, name: str) -> tuple[str, str, int]:
    draft = restored.draft()
    return draft.digest, generation.sign(draft.payload, key(f"{name}.s1")), restored.world.clock


def test_what_was_shown_before_the_fire_and_what_is_shown_after_it_both_hold() -> None:
    world, case, restored, ids = lost_a_day()
    restored.go_on()
    world.settle()
    defender = world.at["defender"]
    account = read_account(account_of(world, case))
    members = tuple(
        Member(Proved(leaf, world.hub.log.tree.inclusion(leaf.index)), said)
        for leaf, said in defender.learned
    )
    proved = ProvedAccount(account, members)
    found = verify_proved_account(read_proved_account(proved.write()), defender.history.founders)
    assert found.statement.missing and found.statement == verify_account(account, defender.history)
    # A receipt of the lost hours, under the tree of the new generation.
    bundle, receipt = world.at["crossroads"].sent_as(ids["taken"])
    assert bundle is not None and receipt is not None
    shown = ProvedReceipt(
        bundle.record,
        receipt,
        world.hub.log.tree.inclusion(receipt.index),
        (account.checkpoint,),
        members,
    )
    assert (
        verify_receipt(read_receipt(shown.write()), defender.history.founders).jti == ids["taken"]
    )


# Who isn't there


def test_nobody_is_given_up_but_by_name_and_the_given_up_sign_nothing() -> None:
    world, _, restored, _ = lost_a_day()
    restored.report("police", "prosecutor", "defender", "program", "crossroads", "clinic")
    assert restored.draft().terms.absent == ("hospital",)
    assert not restored.sign("defender", "program")
    # A late report changes the draft, so the signatures of the earlier draft don't count.
    before = restored.draft().digest
    restored.report("hospital")
    assert (
        restored.draft().digest != before and restored.restoration.signers(restored.draft()) == ()
    )
    world, _, restored, _ = lost_a_day()
    restored.report("police", "prosecutor", "defender", "program", "crossroads", "hospital")
    draft = restored.draft()
    with refused("wrong-generation"):
        restored.restoration.sign(
            draft.digest, generation.sign(draft.payload, key("clinic.s1")), world.clock
        )


def test_what_a_lost_issuer_took_back_holds_by_those_whom_it_told() -> None:
    """The collector's disk burned too, so only a recipient's copy of the end is left."""
    world, case = under_way()
    world.represent(case)
    world.settle()
    store = backup(world)
    end = world.change(case, "end", agencies=["prosecutor"], grant=STATUS["id"])
    world.pull("prosecutor")
    world.witnessed()
    restored = Restored(world, store)
    restored.report(*(name for name in world.names if name != "crossroads"))
    terms = restored.draft().terms
    torn = world.at["prosecutor"].received["crossroads", end].item.recorded
    assert (
        torn is not None
        and terms.torn == ((torn.index, torn.index),)
        and terms.absent == ("crossroads",)
    )
    assert restored.sign(*THRESHOLD)
    assert [one.jti for one in world.hub.state(case).kind("consent_change")] == [end]
    restored.learn()
    with refused("not-passed"):
        told = part("status", {}, to={"prosecutor": ("diversion_coordination", "consent")})
        world.force("crossroads", "status", told, case=case)
    world.settle()
    # Its account can't show that record whole, and says so.
    checkpoint = world.witnessed()
    account = world.hub.account(case, "defender", checkpoint, world.clock)
    found = verify_account(account, world.at["defender"].history)
    assert found.missing == (torn.index,) and end not in {one.jti for one in found.consents}
    # What a recipient holds of it convicts nobody: the account never said that it was all there.
    received = world.at["prosecutor"].received["crossroads", end]
    assert received.record is not None
    leaves = [
        Proved(leaf, world.hub.log.tree.inclusion(leaf.index))
        for leaf in (torn, received.item.leaf)
    ]
    evidence = RecordEvidence(received.record.jws, leaves[0], checkpoint, (leaves[1],))
    found.check_evidence(evidence, world.at["defender"].history)
    with refused("left-out"):
        replace(found, missing=()).check_evidence(evidence, world.at["defender"].history)


def test_what_passed_on_a_consent_of_which_copies_are_left_is_in_the_account() -> None:
    world, case = under_way()
    world.represent(case)
    world.settle()
    store = backup(world)
    consent = world.consent(case, grant("clinic", "hospital", ["treatment"], ["treatment"]))
    for name in ("clinic", "hospital"):
        world.pull(name)
    restored = Restored(world, store)
    restored.report(*(name for name in world.names if name != "crossroads"))
    assert restored.sign(*THRESHOLD)
    restored.learn()
    basis = {"hospital": ("treatment", "consent")}
    told = part("treatment", {"text": "a plan"}, to=basis, sensitivity="part2", notice="own-1")
    sent = world.send("clinic", "progress", told, case=case)
    world.settle()
    found = verify_account(read_account(account_of(world, case)), world.at["defender"].history)
    assert [
        row.relies for row in found.rows if row.issuer == "clinic" and row.to == "hospital"
    ] == [(consent,)]
    assert ("clinic", sent) in world.at["hospital"].received


def test_a_gateway_that_stopped_at_a_smaller_log_goes_on_with_what_the_threshold_signed() -> None:
    world, _, restored, _ = lost_a_day()
    for name in ("police", "defender"):
        with refused("rolled-back"):
            world.at[name].cosign(world.hub.checkpoint(world.clock), (), world.clock)
        assert world.at[name].broken is not None
    restored.go_on()
    assert all(gateway.broken is None for gateway in world.at.values())
    world.settle()


# A hub that lies


class Dropping(Gathering):
    """It was told of the end of the consent, and would rather it were lost."""

    def gather(self) -> Gathered:
        gathered = super().gather()
        ends = [
            index
            for index, (leaf, _) in gathered.leaves.items()
            if isinstance(leaf.body, RecordBody) and index == max(gathered.leaves)
        ]
        assert ends
        return replace(
            gathered,
            leaves={index: leaf for index, leaf in gathered.leaves.items() if index not in ends},
            end=gathered.end,
        )


def test_a_revocation_cant_be_lost_while_somebody_holds_it() -> None:
    world, _, restored, ids = lost_a_day()
    restored.restoration = Restoration(world.hub, Dropping(world.hub))
    restored.report()
    (end,) = [
        leaf
        for leaf in world.at["crossroads"].leaves()
        if getattr(leaf.body, "id", "") == ids["end"]
    ]
    draft = restored.draft()
    assert generation.covers(draft.terms.lost, end.index)
    with refused("generation-drops"):
        world.at["crossroads"].check_terms(draft.terms)
    # Those whom nobody told can't know. Whoever issued it stops there, with the evidence in hand.
    assert restored.sign(*THRESHOLD)
    with refused("generation-drops"):
        restored.learn(["crossroads"])
    with refused("generation-drops"):
        world.pull("crossroads")


def test_a_generation_without_the_threshold_is_none() -> None:
    world, _, restored, _ = lost_a_day()
    restored.report()
    assert not restored.sign("program", "clinic") and not restored.sign("prosecutor")
    assert world.hub.generations == [], "three signed, and no defender"
    for _ in range(70):
        assert not restored.sign("program")
    assert len(restored.restoration.signatures(restored.draft())) == 3
    with refused("another-draft"):
        restored.restoration.sign("0" * 64, generation.sign(b"{}", key("defender.s1")), world.clock)
    assert restored.sign("defender")
    leaf, whole = restored.newest()
    for few in (whole.signatures[:2], whole.signatures[:1], (whole.signatures[0],) * 3):
        with refused("threshold"):
            world.at["police"].learn_generation(leaf, SignedPayload(whole.payload, few))
    other = read_object(whole.payload) | {"absent": ["hospital"]}
    with refused("wrong-generation", "bad-signature"):
        world.at["police"].learn_generation(leaf, SignedPayload(write(other), whole.signatures))
    # The threshold can't make a false statement true: it must name a tree that the hub had signed.
    for more, why in (
        ({"seen": {"size": 3, "root": "0" * 64}}, "wrong-generation"),
        ({"checkpoint": world.hub.checkpoint(world.clock).decode()}, "wrong-generation"),
        ({"checkpoint": "nothing\n\n"}, "not-a-note"),
        ({"absent": ["clinic"]}, "wrong-generation"),
    ):
        payload = write(read_object(whole.payload) | more)
        body = leaf.body.model_copy(
            update={"sha256": sha256_hex(payload), **read_object(payload)["seen"]}
        )
        false = Leaf(leaf.index, leaf.nonce, write_body(body))
        signatures = tuple(generation.sign(payload, key(f"{name}.s1")) for name in THRESHOLD)
        with refused(why):
            world.at["police"].learn_generation(false, SignedPayload(payload, signatures))
    # No version of the directory can be passed off as one, nor its signatures.
    with refused("wrong-generation"):
        world.at["police"].learn_generation(
            leaf, SignedPayload(world.hub.history.newest.payload, whole.signatures)
        )


def test_a_hub_cant_keep_a_generation_from_anybody_nor_make_one_up() -> None:
    world, _, restored, _ = lost_a_day()
    restored.report()
    assert restored.sign(*THRESHOLD)
    with refused("generation-behind"):
        world.pull("police")
    restored.learn(["police"])
    world.pull("police")
    world.hub.generations.clear()
    with refused("older-line"):
        world.pull("police")


def test_a_statement_whose_places_are_out_of_order_is_none() -> None:
    """Else a place could hide among the others from the agency that holds it."""
    _, _, restored, _ = lost_a_day()
    restored.report()
    terms = restored.draft().terms
    first, end = terms.restored.size, terms.ends.size
    assert generation.read_terms(restored.draft().payload) == terms
    for lost in (
        [(first + 1, first + 1), (first, first)],
        [(first, first + 1), (first + 1, first + 2)],
        [(first + 1, first)],
        [(first - 1, first)],
        [(end, end)],
        [(first, 2**53 - 1)],
    ):
        with refused("wrong-generation"):
            generation.read_terms(write(terms.model_dump(mode="json") | {"lost": lost}))
    with refused("wrong-generation"):
        generation.read_terms(
            write(terms.model_dump(mode="json") | {"ends": {"size": first - 1, "root": "0" * 64}})
        )
    # Some and none of a few stretches, and whatever lies between.
    assert [at for at in range(12) if generation.covers(((2, 3), (5, 5), (8, 10)), at)] == [
        2,
        3,
        5,
        8,
        9,
        10,
    ]
    assert generation.to_ranges([10, 2, 3, 9, 5, 8]) == ((2, 3), (5, 5), (8, 10))


def test_two_generations_from_one_restore_are_a_split_log() -> None:
    world, _, restored, _ = lost_a_day()
    restored.report()
    other = world.fork()
    assert restored.sign(*THRESHOLD)
    restored.learn()
    world.witnessed()
    fork = Restored(other, other.hub.store)
    fork.entries = restored.entries
    fork.report()
    other.clock += 60
    fork.sign(*THRESHOLD)
    # Each agency that saw the one is shown the other.
    with refused("split-view"):
        # It has watched.
        proof = other.hub.log.tree.consistency(world.at["defender"].watching.last.size)  # type: ignore[union-attr]  # it has watched
        world.at["defender"].cosign(other.hub.checkpoint(other.clock), proof, other.clock)


def test_an_old_statement_begins_no_new_generation() -> None:
    world, _, restored, _ = lost_a_day()
    restored.go_on()
    leaf, old = restored.newest()
    with refused("wrong-generation"):
        world.at["police"].learn_generation(leaf, old)
    store = backup(world)
    world.refer(world.new_case())
    again = Restored(world, store)
    again.report()
    draft = again.draft()
    with refused("another-draft"):
        again.restoration.sign(generation.digest(old), old.signatures[0], world.clock)
    with refused("bad-signature"):
        again.restoration.sign(draft.digest, old.signatures[0], world.clock)


# A member that lies


def lying(restored: Restored, name: str, *more: Leaf) -> None:
    """The agency sends leaves besides its own."""
    *bodies, last = restored.bodies(name)
    told = write({"n": len(bodies) + 1, "done": True, "leaves": [leaf.json() for leaf in more]})
    for body in (*bodies, write(read_object(last) | {"done": False}), told):
        restored.restoration.gathering.take(f"{name}.s1", body)


def test_beyond_the_last_tree_no_member_can_make_a_record_or_hand_out_up() -> None:
    world, case, restored, ids = lost_a_day()
    bundle, receipt = world.at["crossroads"].sent_as(ids["end"])
    assert bundle is not None and receipt is not None
    at = receipt.index
    # A record that it could well have sent in time, and didn't.
    basis = {"prosecutor": ("diversion_coordination", "consent")}
    world.at["crossroads"]._states[case] = State(world.at["crossroads"].state(case).records[:-1])
    late = world.compose("crossroads", "status", part("status", {}, to=basis), case=case)
    number = commit_number(bytes(16), receipt.number + 1)
    record = RecordBody(
        id=late.id,
        issuer="crossroads",
        sha256=hash_statement(late.record),
        time=receipt.time,
        number=number,
    )
    handed = HandoutBody(
        record=ids["waits"],
        issuer="crossroads",
        to="prosecutor",
        parts=(HandoutPart(part="a" * 16, purpose="diversion_coordination", basis="consent"),),
        number=9,
        time=receipt.time,
        pack=world.hub.history.newest.pack,
    )
    ahead = WithdrawalBody(
        record="a" * 32,
        issuer="police",
        to="clinic",
        parts=("a" * 16,),
        number=9,
        time=world.clock + 10**6,
    )
    lying(
        restored,
        "crossroads",
        Leaf(at + 3, bytes(16), write_body(record)),
        Leaf(at + 2, bytes(16), write_body(handed)),
    )
    lying(restored, "clinic", Leaf(at + 4, bytes(16), write_body(ahead)))
    restored.report(*(name for name in world.names if name not in ("crossroads", "clinic")))
    assert restored.sign(*THRESHOLD)
    restored.learn()
    assert {at + 3, at + 4} <= set(generation.read_terms(restored.newest()[1].payload).missing)
    assert world.hub.store.record("crossroads", late.id) is None
    assert not [leaf for leaf in leaves_of(world, HandoutBody) if leaf.body.record == ids["waits"]]
    assert world.hub.log.time <= world.clock
    world.settle()


def test_two_who_hold_different_leaves_at_one_place_keep_it_closed() -> None:
    world, _, restored, ids = lost_a_day()
    _, receipt = world.at["crossroads"].sent_as(ids["end"])
    assert receipt is not None
    body = WithdrawalBody(
        record="a" * 32,
        issuer="police",
        to="clinic",
        parts=("a" * 16,),
        number=9,
        time=receipt.time,
    )
    lying(restored, "clinic", Leaf(receipt.index, bytes(16), write_body(body)))
    restored.report("crossroads")
    with refused("split-view"):
        restored.draft()


def test_who_numbers_its_inbox_otherwise_keeps_it_closed() -> None:
    world, _, restored, _ = lost_a_day()
    number, issuer, jti = world.at["prosecutor"].items[-1]
    world.at["prosecutor"].items[-1] = number + 1, issuer, jti
    restored.report()
    with refused("wrong-holding"):
        restored.draft()


def test_nobody_keeps_a_hub_closed_by_lies_for_longer_than_people_let_them() -> None:
    world, _, restored, ids = lost_a_day()
    number, issuer, jti = world.at["prosecutor"].items[-1]
    world.at["prosecutor"].items[-1] = number + 1, issuer, jti
    restored.report()
    with refused("wrong-holding"):
        restored.draft()
    restored.restoration.gathering.set_aside(["prosecutor"])
    assert restored.draft().terms.absent == ("prosecutor",)
    assert restored.sign(*THRESHOLD)
    assert (
        Gathering(world.hub).agencies_aside() == ()
        and world.hub.store.record("crossroads", ids["end"]) is not None
    )


def test_nobody_can_put_a_broken_copy_in_the_place_of_another_s_record() -> None:
    world, _, restored, _ = lost_a_day()
    (mine,) = [
        one
        for body in restored.bodies("crossroads")
        for one in read_object(body).get("records", ())
    ][-1:]
    false = mine | {"pads": mine["pads"][:-1]}
    given = {
        "record": mine["record"],
        "labels": mine["labels"][:1],
        "entries": [entry(mine["sealed"][0])],
    }
    *bodies, last = restored.bodies("police")
    whole = read_object(last)
    whole |= {
        "records": [*whole.get("records", ()), false],
        "given": [given],
        "leaves": [*whole["leaves"], {"index": 1}, 7],
    }
    restored.report(*(name for name in world.names if name != "police"))
    honest = restored.restoration.gathering.gather().records
    for body in (*bodies, write(whole)):
        restored.restoration.gathering.take("police.s1", body)
    found = restored.restoration.gathering.gather()
    assert {claims: one for claims, one in found.records.items() if claims[0] != "police"} == honest
    assert restored.draft().terms.torn == ()


def entry(sealed: dict[str, str]) -> dict[str, str]:
    return {name: one for name, one in sealed.items() if name != "ct"} | {"path": "AAAA"}


def test_without_the_leaves_of_the_largest_tree_it_stays_closed() -> None:
    world, _, restored, _ = lost_a_day()
    restored.entries = {name: each[:-1] for name, each in restored.entries.items()}
    restored.report()
    with refused("tree-lacking"):
        restored.draft()
    # One who kept them is enough, and false ones do no harm.
    world, _, restored, _ = lost_a_day()
    kept = restored.entries["clinic"]
    restored.entries = {name: [bytes(32)] * len(kept) for name in world.names} | {"hospital": kept}
    restored.report()
    assert restored.draft().terms.absent == ()
