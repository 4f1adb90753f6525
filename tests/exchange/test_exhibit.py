"""An exhibit proves itself to an outsider, and each changed thing is found, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.agency import exhibits
from exchange.consent.account import Proved
from exchange.errors import ExchangeError
from exchange.evidence import documents, findings
from exchange.evidence.verify import verify_exhibit, verify_proved_account, verify_receipt
from exchange.log.leaves import DirectoryBody, sha256_hex
from exchange.membership.signatures import SignedPayload
from exchange.standards import sd_jwt
from tests.support.attack_stories import (
    TO_PROSECUTOR,
    emergency,
    send_status,
    status_grant,
    under_way,
    with_second_key,
)
from tests.support.exhibits import (
    changed,
    consented,
    late,
    logged,
    narrowed,
    path_in,
    proved_in,
    relying,
    said_no,
    told,
)
from tests.support.parties import after, signed
from tests.support.simulator import DAY, MINUTE, World


def code(exhibit: documents.Exhibit, root: str | None = None) -> str:
    with pytest.raises(ExchangeError) as refused:
        verify_exhibit(exhibit, root)
    assert refused.value.fix
    return refused.value.code


def test_a_true_exhibit_says_who_when_to_whom_and_on_what_consent() -> None:
    world, exhibit = told()
    found = verify_exhibit(documents.read_exhibit(exhibit.write()), world.hub.history.founders)
    assert (found.signer.agency, found.signer.role, found.signer.kid) == (
        "crossroads",
        "case_management",
        "crossroads.s1",
    )
    assert (found.to, found.kind, len(found.parts)) == ("prosecutor", "status", 1)
    (shown,) = found.parts
    assert (shown.basis, shown.purpose) == ("consent", TO_PROSECUTOR["prosecutor"][0])
    (consent,) = found.relied
    assert consent.kind == "consent" and (consent.jti,) == shown.relies
    assert consent.logged.index < found.logged.index < found.handed.index
    assert (
        found.handed.after is not None
        and found.handed.after <= found.handed.time <= found.handed.by
    )
    assert found.closed >= 7 and "defender" in found.ground.witnesses
    assert found.ground.founders == world.hub.history.founders


def test_what_is_written_reads_the_same() -> None:
    _, exhibit = told()
    assert documents.read_exhibit(exhibit.write()) == exhibit
    assert documents.read_any(exhibit.write()) == exhibit


def test_a_hand_out_logged_anew_and_otherwise_true_is_proved() -> None:
    assert verify_exhibit(logged({})).handed.index == 14


@pytest.mark.parametrize(
    ("body", "later", "refused"),
    [
        ({"pack": f"sha256:{'0' * 64}"}, 0, "wrong-pack"),
        ({}, 400 * DAY, "consent-not-live"),
        ({"to": "clinic"}, 0, "not-handed"),
        ({"record": "0" * 32}, 0, "wrong-leaf"),
        ({"issuer": "police"}, 0, "wrong-leaf"),
    ],
)
def test_a_hand_out_that_should_not_have_been_is_found(
    body: dict[str, Any], later: int, refused: str
) -> None:
    world, _ = told()
    assert code(logged(body, later=later), world.hub.history.founders) == refused


@pytest.mark.parametrize(
    ("members", "refused"),
    [
        ({"relies": ("0" * 32,)}, "relied-missing"),
        ({"relies": ()}, "relied-missing"),
        ({"purpose": "treatment"}, "not-handed"),
        ({"basis": "operation"}, "not-handed"),
        ({"part": "0" * 16}, "not-handed"),
    ],
)
def test_a_hand_out_for_something_else_is_found(members: dict[str, Any], refused: str) -> None:
    assert code(logged({"parts": relying(**members)})) == refused


OTHER = "a" * 32


@pytest.mark.parametrize(
    ("refused", "made"),
    [
        (
            "consent-not-live",
            lambda: logged(first=lambda w: changed(w, "end", grant=status_grant()["id"])),
        ),
        (
            "not-covered",
            lambda: logged(first=narrowed),
        ),
        ("restricted", lambda: logged(first=said_no)),
        ("consent-invalid", lambda: logged(first=consented)),
        (
            "not-covered",
            lambda: logged(
                {"parts": relying(relies=(OTHER,))},
                first=lambda w: consented(w, categories=["intake_status"]),
                alone=True,
            ),
        ),
        (
            "consent-not-live",
            lambda: logged(
                {"parts": relying(relies=(OTHER,))},
                first=lambda w: consented(w, **{"from": "2026-12-01"}),
                alone=True,
            ),
        ),
        (
            "consent-not-live",
            lambda: logged(
                {"parts": relying(relies=(OTHER,))},
                first=lambda w: consented(w, expires="2026-11-01"),
                alone=True,
            ),
        ),
    ],
)
def test_what_the_person_did_not_consent_to_is_found(
    refused: str, made: Callable[[], documents.Exhibit]
) -> None:
    assert code(made()) == refused


def test_a_consent_that_is_not_shown_is_missed() -> None:
    _, exhibit = told()
    assert code(replace(exhibit, relied=())) == "relied-missing"


def test_a_consent_that_was_logged_after_the_hand_out_is_found() -> None:
    assert code(late()) == "consent-after"


def test_a_consent_that_covers_something_else_is_found() -> None:
    """The hub names a record of the same case that grants nothing: another status."""
    honest, exhibit = told()
    (other,) = [
        one
        for one in honest.at["crossroads"].received.values()
        if one.record is not None and one.record.kind == "referral"
    ]
    assert other.record is not None
    leaf = exhibits._record_leaf(other)
    text = sd_jwt.join(other.record.jws, other.record.disclosures.values())
    referral = documents.ShownRecord(text, (), Proved(leaf, path_in(honest)(leaf)))
    assert code(replace(exhibit, relied=(referral,))) == "relied-missing"
    assert code(replace(exhibit, relied=(*exhibit.relied, *exhibit.relied))) in (
        "not-covered",
        "wrong-leaf",
    )


# What somebody on the way alters


def nonce(proved: Proved) -> Proved:
    return replace(proved, leaf=replace(proved.leaf, nonce=bytes(16)))


def other_path(proved: Proved) -> Proved:
    return replace(proved, path=tuple(bytes(32) for _ in proved.path))


ALTERED: list[tuple[str, Callable[[documents.Exhibit], documents.Exhibit]]] = [
    ("not-in-log", lambda x: replace(x, handout=nonce(x.handout))),
    ("not-in-log", lambda x: replace(x, handout=other_path(x.handout))),
    ("not-in-log", lambda x: replace(x, handout=replace(x.handout, path=x.record.recorded.path))),
    (
        "not-in-log",
        lambda x: replace(x, record=replace(x.record, recorded=nonce(x.record.recorded))),
    ),
    (
        "not-in-log",
        lambda x: replace(
            x, relied=(replace(x.relied[0], recorded=other_path(x.relied[0].recorded)),)
        ),
    ),
    (
        "not-in-log",
        lambda x: replace(
            x, members=(replace(x.members[0], proved=nonce(x.members[0].proved)), *x.members[1:])
        ),
    ),
    ("wrong-leaf", lambda x: replace(x, handout=x.record.recorded)),
    ("wrong-leaf", lambda x: replace(x, record=replace(x.record, recorded=x.relied[0].recorded))),
    ("wrong-leaf", lambda x: replace(x, members=(x.members[0], x.members[0], *x.members[1:]))),
    ("no-directory", lambda x: replace(x, members=x.members[::-1])),
    ("no-directory", lambda x: replace(x, members=x.members[1:])),
    ("wrong-checkpoints", lambda x: replace(x, checkpoints=x.checkpoints[::-1])),
    ("not-in-log", lambda x: replace(x, checkpoints=x.checkpoints[:1])),
    ("wrong-checkpoints", lambda x: replace(x, checkpoints=(*x.checkpoints, x.checkpoints[-1]))),
    ("key-old", lambda x: replace(x, members=x.members[:1])),
    (
        "not-handed",
        lambda x: replace(x, record=replace(x.record, presentation=bare(x), entries=())),
    ),
    ("not-handed", lambda x: replace(x, record=replace(x.record, entries=()))),
    ("unknown-part", lambda x: replace(x, record=replace(x.record, entries=x.relied[0].entries))),
]


def bare(exhibit: documents.Exhibit) -> str:
    """The signed text and nothing disclosed."""
    return exhibit.record.presentation.partition("~")[0] + "~"


@pytest.mark.parametrize(("refused", "change"), ALTERED)
def test_what_is_altered_on_the_way_is_found(
    refused: str, change: Callable[[documents.Exhibit], documents.Exhibit]
) -> None:
    assert code(change(told()[1])) == refused


def test_other_founders_are_found_by_their_fingerprint() -> None:
    assert code(told()[1], "0" * 64) == "wrong-root"


def test_a_directory_that_only_some_signed_is_refused() -> None:
    world, exhibit = told()
    first = exhibit.members[0]
    assert isinstance(first.document, SignedPayload)
    fewer = replace(
        first, document=replace(first.document, signatures=first.document.signatures[1:])
    )
    assert code(replace(exhibit, members=(fewer, *exhibit.members[1:]))) == "threshold"
    fork = world.fork()
    forged = signed(after(fork.hub.history, program="Another"), ("police", "prosecutor"))
    body = DirectoryBody(version=2, sha256=sha256_hex(forged.payload), time=fork.clock)
    leaf = fork.hub.log.append(body, fork.random)
    assert code(proved_in(fork, exhibit, ((leaf, forged),))) == "threshold"


def test_a_checkpoint_without_the_defender_proves_nothing() -> None:
    honest, exhibit = told()
    world = honest.fork()
    alone = world.witnessed(by=("police", "prosecutor", "clinic"))
    assert code(replace(exhibit, checkpoints=(exhibit.checkpoints[0], alone))) == "no-quorum"


def test_any_byte_that_is_changed_refuses_or_changes_nothing_that_is_claimed() -> None:
    _, exhibit = told()
    data, true = exhibit.write(), verify_exhibit(exhibit)

    @settings(max_examples=300, deadline=None)
    @given(st.integers(0, len(data) - 1), st.integers(1, 255))
    def flipped(at: int, by: int) -> None:
        changed = data[:at] + bytes([data[at] ^ by]) + data[at + 1 :]
        try:
            found = verify_exhibit(documents.read_exhibit(changed))
        except ExchangeError as error:
            assert error.code and error.fix
        else:
            # A cosignature whose name or key is unknown is passed over, if the others are enough.
            assert set(found.ground.witnesses) <= set(true.ground.witnesses)
            assert (
                replace(found, ground=replace(found.ground, witnesses=true.ground.witnesses))
                == true
            )

    flipped()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff",
        b'{"type": []}',
        b'{"type": "exhibit"}',
        b'{"type": "receipt"}',
        b'{"type": "accounting"}',
        b"[" * 2**20,
        b"x" * 2**20,
        b'{"a":' * 100_000,
        bytes(documents.LARGEST + 1),
    ],
    ids=range(12),
)
def test_what_is_no_exhibit_is_refused_in_one_sentence(data: bytes) -> None:
    with pytest.raises(ExchangeError) as refused:
        documents.read_any(data)
    assert refused.value.code == "not-an-exhibit"


# Accounts and receipts


def test_a_receipt_proves_where_its_record_is_and_no_other() -> None:
    world, exhibit = told()
    index = exhibit.record.recorded.leaf.index
    ((bundle, receipt),) = [
        one
        for one in world.at["crossroads"]._sent.values()
        if one[1] is not None and one[1].index == index
    ]
    assert receipt is not None
    proof = documents.ProvedReceipt(
        bundle.record, receipt, exhibit.record.recorded.path, exhibit.checkpoints, exhibit.members
    )
    found = verify_receipt(documents.read_receipt(proof.write()), world.hub.history.founders)
    assert (found.logged.index, found.signer.agency, found.number) == (
        index,
        "crossroads",
        receipt.number,
    )
    for member, value in (
        ("time", receipt.time + 1),
        ("number", 9),
        ("nonce", bytes(16)),
        ("number_nonce", bytes(16)),
    ):
        with pytest.raises(ExchangeError) as refused:
            verify_receipt(replace(proof, receipt=replace(receipt, **{member: value})))
        assert refused.value.code == "not-in-log"


def test_an_account_is_proved_by_the_directory_that_comes_with_it() -> None:
    honest, exhibit = told()
    world = honest.fork()
    found = verify_exhibit(exhibit)
    assert found.case is not None
    checkpoint = world.witnessed()
    account = world.hub.account(found.case, "crossroads", checkpoint, world.clock)
    path = path_in(world)
    members = tuple(
        replace(one, proved=Proved(one.proved.leaf, path(one.proved.leaf)))
        for one in exhibit.members
    )
    proof = documents.ProvedAccount(account, members)
    proved = verify_proved_account(
        documents.read_proved_account(proof.write()), world.hub.history.founders
    )
    assert proved.statement.rows and proved.ground.founders == world.hub.history.founders
    with pytest.raises(ExchangeError) as refused:
        verify_proved_account(replace(proof, account=replace(account, records=account.records[1:])))
    assert refused.value.code in ("number-missing", "left-out")


# Every basis that there is


def shown_by(world: World, name: str, jti: str, before: bytes, **more: Any) -> findings.Findings:
    """Verify an agency's exhibit of the one part of a record that it got."""
    world.pull(name)
    over = world.witnessed()
    world.prove(name, over)
    ((issuer, _),) = [key for key in world.at[name].received if key[1] == jti]
    (part_id,) = world.at[name].received[issuer, jti].record.labels
    world.open(name, jti, part_id, **more)
    made = exhibits.exhibit_of(
        world.at[name], issuer, jti, [part_id], checkpoints=(before, over), path=path_in(world)
    )
    return verify_exhibit(documents.read_exhibit(made.write()), world.hub.history.founders)


def test_what_police_told_on_the_yes_at_the_scene_rests_on_that_yes() -> None:
    world = World()
    before = world.witnessed()
    world.clock += MINUTE
    found = shown_by(world, "crossroads", world.refer(world.new_case()), before)
    assert [one.basis for one in found.parts] == ["offer_at_scene"] and not found.relied


def test_an_acknowledgement_rests_on_what_it_is_about() -> None:
    world, case = under_way()
    jti = send_status(world, case)
    world.settle()
    before = world.witnessed()
    world.clock += MINUTE
    ack = world.acknowledge("prosecutor", jti, world.open("prosecutor", jti))
    found = shown_by(world, "crossroads", ack, before)
    assert [one.basis for one in found.parts] == ["operation"]
    assert [(one.jti, one.signer.agency) for one in found.relied] == [(jti, "crossroads")]


def test_an_emergency_rests_on_its_own_report() -> None:
    world = with_second_key()
    case = world.enrolled(status_grant())
    before = world.witnessed()
    world.clock += MINUTE
    found = shown_by(
        world, "hospital", emergency(world, case, "a" * 32, "b" * 16), before, second="B. Reader"
    )
    assert [one.purpose for one in found.parts] == ["medical_emergency"] and found.parts[
        0
    ].sensitivity == "part2"


def test_terms_of_a_consent_rest_on_themselves_and_a_change_on_the_consent() -> None:
    world = World()
    before = world.witnessed()
    world.clock += MINUTE
    case = world.new_case()
    world.refer(case)
    terms = world.consent(case, status_grant())
    assert shown_by(world, "prosecutor", terms, before).kind == "consent"
    again = world.witnessed()
    world.clock += MINUTE
    ended = world.change(
        case, "end", agencies=("crossroads", "prosecutor"), grant=status_grant()["id"]
    )
    found = shown_by(world, "prosecutor", ended, again)
    assert found.kind == "consent_change" and [one.jti for one in found.relied] == [terms]
    again = world.witnessed()
    world.clock += MINUTE
    pairs = [["crossroads", "prosecutor"]]
    no = world.change(
        case, "restrict", agencies=("crossroads", "prosecutor"), pairs=pairs, categories=["status"]
    )
    assert [one.jti for one in shown_by(world, "prosecutor", no, again).relied] == [terms]


def test_of_a_consent_only_what_bears_the_part_is_shown() -> None:
    """The clinic's own consent in the same record isn't shown with the prosecutor's part."""
    world, case = under_way()
    jti = send_status(world, case)
    world.settle()
    world.open("prosecutor", jti)
    over = world.witnessed()
    parts = list(world.at["prosecutor"].received["crossroads", jti].opened)
    made = exhibits.exhibit_of(
        world.at["prosecutor"], "crossroads", jti, parts, checkpoints=(over,), path=path_in(world)
    )
    (consent,) = made.relied
    assert consent.presentation.count("~") == 2
    assert verify_exhibit(made).handed.after is None, (
        "and it says that no checkpoint from before is shown"
    )
