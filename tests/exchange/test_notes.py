"""Notes, checkpoints, and cosignatures: published ones, and that none can be forged."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.standards import base64
from exchange.standards.merkle import EMPTY_ROOT
from exchange.standards.notes import (
    COSIGNATURE,
    LATEST,
    NOTE,
    SMALL_ORDER,
    Checkpoint,
    Kind,
    Note,
    Signature,
    cosign,
    is_valid_signature,
    make_note_key,
    open_checkpoint,
    read_checkpoint,
    read_note,
    read_verifier_key,
    sign_note,
    verify_note,
)
from tests.conftest import shared
from tests.support.refused import refused
from tests.support.signed_notes import (
    CLINIC,
    DEFENDER,
    HUB,
    NOW,
    POINT,
    WITNESSED,
    private,
    public,
    signed,
)
from tests.support.vectors import Case, numbered, vectors, wycheproof

FILE = "c2sp-note-checkpoint.json"
VECTORS = vectors(FILE)
ED25519 = wycheproof("ed25519")
# The log's entries and proofs are served by its API, not as tiles.
SKIPPED = {"tile_paths": 1, "tile_counts": 2}


def test_published_note() -> None:
    shared(f"vectors/{FILE}")
    key = read_verifier_key(VECTORS["note"]["vkey"])
    data = VECTORS["note"]["signed_note"].encode()
    note = read_note(data)
    assert (note.text, note.encode(), key.vkey) == (
        "This is an example message.\n",
        data,
        VECTORS["note"]["vkey"],
    )
    assert verify_note(note, [key]) == {key: None}


def test_published_checkpoint() -> None:
    """Its keys aren't published, so only its form is tested.

    The witness's line contains a time of March 2023.
    """
    shared(f"vectors/{FILE}")
    note = read_note(VECTORS["checkpoint_parse_only"].encode())
    checkpoint = read_checkpoint(note.text)
    assert (checkpoint.origin, checkpoint.size, checkpoint.text) == (
        "example.com/behind-the-sofa",
        20852163,
        note.text,
    )
    log, witness = note.signatures
    assert (log.name, len(log.signature)) == ("example.com/behind-the-sofa", 64)
    assert (witness.name, int.from_bytes(witness.signature[:8], "big")) == (
        "witness.example.com/w1",
        1679315147,
    )


def test_what_is_skipped_of_the_published_facts_is_listed() -> None:
    shared(f"vectors/{FILE}")
    assert set(VECTORS) == {"source", "note", "checkpoint_parse_only", *SKIPPED}
    assert {kind: len(VECTORS[kind]) for kind in SKIPPED} == SKIPPED


@pytest.mark.parametrize("case", ED25519, ids=numbered)
def test_published_ed25519(case: tuple[Case, Case]) -> None:
    group, one = case
    told = is_valid_signature(
        *(bytes.fromhex(text) for text in (group["publicKey"]["pk"], one["msg"], one["sig"]))
    )
    assert told == (one["result"] == "valid")


def test_the_published_ed25519_signatures_are_all_here() -> None:
    shared("vectors/wycheproof/ed25519_test.json")
    assert len(ED25519) == 151


# Edwards arithmetic, to show that the list of weak keys is right and whole.
P = 2**255 - 19
CURVE = -121665 * pow(121666, -1, P) % P


def decoded(raw: bytes) -> tuple[int, int] | None:
    y, sign = int.from_bytes(raw, "little") & ((1 << 255) - 1), raw[31] >> 7
    square = (y * y - 1) * pow(CURVE * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if x * x % P != square:
        x = x * pow(2, (P - 1) // 4, P) % P
    if x * x % P != square:
        return None
    return (x if x & 1 == sign else -x % P), y % P


def doubled(point: tuple[int, int]) -> tuple[int, int]:
    (x, y), product = point, CURVE * pow(point[0] * point[1], 2, P) % P
    return 2 * x * y * pow(1 + product, -1, P) % P, (y * y + x * x) * pow(1 - product, -1, P) % P


def test_the_weak_keys_are_the_points_whose_order_divides_eight_in_all_their_spellings() -> None:
    assert len(SMALL_ORDER) == 14
    for raw in SMALL_ORDER:
        point = decoded(raw)
        assert point is not None and doubled(doubled(doubled(point))) == (0, 1), raw.hex()
    # y, and where the field's spelling has room, y + p, each with both signs: there are no more.
    spelled = {int.from_bytes(raw, "little") & ((1 << 255) - 1) for raw in SMALL_ORDER}
    assert len({y % P for y in spelled}) == 5 and all(
        y + P in spelled for y in spelled if y + P < 1 << 255
    )


def test_a_weak_key_would_sign_anything_so_it_is_refused() -> None:
    identity = b"\x01" + bytes(31)
    assert is_valid_signature(identity, b"whatever", identity + bytes(32)), (
        "the library lets it pass"
    )
    for raw in (*SMALL_ORDER, b"", bytes(31), bytes(33)):
        with refused("bad-point"):
            make_note_key("defender.w1", COSIGNATURE, raw)


names = st.from_regex(r"[a-z][a-z0-9./-]{0,20}", fullmatch=True)
texts = st.lists(
    st.text(st.characters(min_codepoint=32, exclude_categories=("Cs",)), max_size=20),
    min_size=1,
    max_size=5,
).map(lambda lines: "".join(f"{line}\n" for line in lines))


@given(names, st.sampled_from([NOTE, COSIGNATURE]))
def test_a_key_is_read_back_as_it_was_written(name: str, kind: Kind) -> None:
    assert read_verifier_key(public(name, kind).vkey) == public(name, kind)


def test_the_id_of_a_key_depends_on_its_kind() -> None:
    assert public("a", NOTE).id != public("a", COSIGNATURE).id


@pytest.mark.parametrize(
    ("vkey", "code"),
    [
        ("", "not-a-key"),
        ("name", "not-a-key"),
        ("a b+00000000+" + base64.encode(b"\x04" + bytes(range(32))), "not-a-key"),
        ("a+0000000+AAAA", "not-a-key"),
        ("a+0000000G+AAAA", "not-a-key"),
        ("a+00000000+", "not-a-key"),
        ("a+00000000+====", "not-a-key"),
        ("a+00000000+AA\n", "not-a-key"),
        ("a+00000000+" + base64.encode(b"\x06" + bytes(32)), "wrong-kind"),
        ("a+00000000+" + base64.encode(b"\x02" + bytes(32)), "wrong-kind"),
        ("a+00000000+" + base64.encode(b"\x04" + bytes(31)), "bad-point"),
        (public("a").vkey.replace("a+", "b+", 1), "wrong-id"),
        ("a" * 2000, "not-a-key"),
    ],
    ids=lambda value: value[:24],
)
def test_what_is_no_key_is_refused(vkey: str, code: str) -> None:
    with refused(code):
        read_verifier_key(vkey)


@given(texts, names)
def test_a_note_is_read_back_and_verified(text: str, name: str) -> None:
    note = Note(text, (sign_note(text, private(name), name),))
    assert read_note(note.encode()) == note
    key = public(name, NOTE)
    assert verify_note(note, [key]) == {key: None}


@given(st.data())
def test_any_flipped_bit_is_refused_or_leaves_the_signer_out(data: st.DataObject) -> None:
    raw = bytearray(WITNESSED)
    place, bit = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 7))
    raw[place] ^= 1 << bit
    try:
        found = open_checkpoint(bytes(raw), HUB, [DEFENDER, CLINIC])
    except Exception as error:
        with refused():
            raise error
    else:
        # A line whose name or id was hit is a stranger's, and passed over.
        assert found.checkpoint == POINT and len(found.cosigned_at) == 1
        with refused("no-quorum"):
            found.check_quorum([], 2)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text\n",
        b"text\n\n",
        b"text\n\n\n",
        b"text\n\n\xe2\x80\x94 a AAAAAAAA",
        b"text\n\n- a AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 a b AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 a+b AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 a\xe2\x80\x89b AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94  AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 a AAAAAA==\n",
        b"text\n\n\xe2\x80\x94 a AAAAAAA\n",
        b"text\n\n\xe2\x80\x94 a AAAAAAB=\n",
        b"te\rxt\n\n\xe2\x80\x94 a AAAAAAAA\n",
        b"te\0xt\n\n\xe2\x80\x94 a AAAAAAAA\n",
        b"te\xffxt\n\n\xe2\x80\x94 a AAAAAAAA\n",
        b"text\n\n\xe2\x80\x94 a AAAAAAAA\ntext\n",
    ],
)
def test_what_is_no_note_is_refused(data: bytes) -> None:
    with refused("not-a-note"):
        read_note(data)


def test_the_text_ends_at_the_last_empty_line() -> None:
    note = read_note("a\n\n— b AAAAAAAA\n\n— c AAAAAAAA\n".encode())
    assert (note.text, [each.name for each in note.signatures]) == ("a\n\n— b AAAAAAAA\n", ["c"])


def test_a_note_without_end_is_refused() -> None:
    with refused("too-large"):
        read_note(b"a" * 70_000)
    with refused("too-large"):
        read_note(b"a\n\n" + "— a AAAAAAAA\n".encode() * 65)


def test_strangers_are_passed_over_and_a_known_name_s_wrong_signature_is_not() -> None:
    stranger = cosign(POINT.text, private("stranger"), "stranger", NOW)
    impostor = Signature(DEFENDER.name, stranger.id, stranger.signature)
    forged = Signature(DEFENDER.name, DEFENDER.id, stranger.signature)
    note = read_note(WITNESSED)
    for more in (stranger, impostor):
        assert open_checkpoint(
            Note(note.text, (*note.signatures, more)).encode(), HUB, [DEFENDER, CLINIC]
        ).cosigned_at
    for more, code in ((forged, "signed-twice"), (note.signatures[1], "signed-twice")):
        with refused(code):
            open_checkpoint(
                Note(note.text, (*note.signatures, more)).encode(), HUB, [DEFENDER, CLINIC]
            )
    with refused("bad-signature"):
        open_checkpoint(
            Note(note.text, (note.signatures[0], forged)).encode(), HUB, [DEFENDER, CLINIC]
        )
    with refused("unsigned"):
        verify_note(note, [public("stranger")])


def test_a_signature_of_one_kind_is_none_of_the_other() -> None:
    plain = sign_note(POINT.text, private(DEFENDER.name), DEFENDER.name)
    stamped = cosign(POINT.text, private(DEFENDER.name), DEFENDER.name, NOW)
    as_stamped = Signature(DEFENDER.name, DEFENDER.id, bytes(8) + plain.signature)
    as_plain = Signature(DEFENDER.name, public(DEFENDER.name, NOTE).id, stamped.signature[8:])
    for each, key in ((as_stamped, DEFENDER), (as_plain, public(DEFENDER.name, NOTE))):
        with refused("bad-signature"):
            verify_note(Note(POINT.text, (each,)), [key])


def test_nobody_can_be_talked_into_signing_a_cosignature_as_a_note() -> None:
    with refused("not-a-note"):
        sign_note(f"cosignature/v1\ntime {NOW}\n{POINT.text}", private("a"), "a")


@pytest.mark.parametrize("time", [0, 1, NOW, LATEST])
def test_a_cosignature_holds_for_its_time_alone(time: int) -> None:
    right = cosign(POINT.text, private(DEFENDER.name), DEFENDER.name, time)
    assert verify_note(Note(POINT.text, (right,)), [DEFENDER]) == {DEFENDER: time}
    other = ((time + 1) % 2**64).to_bytes(8, "big")
    with refused("bad-signature"):
        verify_note(
            Note(POINT.text, (Signature(right.name, right.id, other + right.signature[8:]),)),
            [DEFENDER],
        )
    for impossible in (-1, LATEST + 1):
        with refused("bad-time"):
            cosign(POINT.text, private("a"), "a", impossible)


def test_the_signed_message_is_c2sp_s() -> None:
    right = cosign(POINT.text, private("a"), "a", NOW)
    root = base64.encode(POINT.root)
    assert is_valid_signature(
        public("a").public,
        f"cosignature/v1\ntime {NOW}\nhub.example/log\n5\n{root}\n".encode(),
        right.signature[8:],
    )


sizes = st.integers(1, 2**63 - 1)


@given(names, sizes, st.binary(min_size=32, max_size=32))
def test_a_checkpoint_is_read_back_as_it_was_written(origin: str, size: int, root: bytes) -> None:
    checkpoint = Checkpoint(origin, size, root)
    assert read_checkpoint(checkpoint.text) == checkpoint


ROOT = base64.encode(bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log\n5\n",
        f"log\n5\n{ROOT}",
        f"log\n5\n{ROOT}\n\n",
        f"log\n5\n{ROOT}\nmore\n",
        f"\n5\n{ROOT}\n",
        f"a log\n5\n{ROOT}\n",
        f"log\n05\n{ROOT}\n",
        f"log\n+5\n{ROOT}\n",
        f"log\n-5\n{ROOT}\n",
        f"log\n٥\n{ROOT}\n",
        f"log\n5 \n{ROOT}\n",
        f"log\n{2**63}\n{ROOT}\n",
        f"log\n{'9' * 5000}\n{ROOT}\n",
        f"log\n0\n{ROOT}\n",
        f"log\n5\n{ROOT[:-4]}\n",
        f"log\n5\n{ROOT.rstrip('=')}\n",
        f"log\n5\n{ROOT}\r\n",
        f"log\r\n5\n{ROOT}\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with refused("not-a-checkpoint"):
        read_checkpoint(text)
    with refused("not-a-checkpoint"):
        cosign(text, private("a"), "a", NOW)


def test_an_empty_tree_has_a_checkpoint() -> None:
    empty = Checkpoint("log", 0, EMPTY_ROOT)
    assert read_checkpoint(empty.text) == empty


def test_a_quorum_says_who_signed_when() -> None:
    found = open_checkpoint(WITNESSED, HUB, [DEFENDER, CLINIC])
    assert found.checkpoint == POINT and found.signed_at == NOW
    assert found.cosigned_at == {"defender.w1": NOW, "clinic.w1": NOW}
    found.check_quorum(["defender.w1"], 2)


@pytest.mark.parametrize(
    ("signers", "required", "at_least", "lacking"),
    [
        ([], ["defender.w1"], 2, ("defender.w1", "*")),
        (["clinic.w1"], ["defender.w1"], 2, ("defender.w1",)),
        (["defender.w1"], ["defender.w1"], 2, ("*",)),
        (["defender.w1", "clinic.w1"], ["defender.w1"], 2, ()),
        (["defender.w1", "clinic.w1"], ["defender.w1", "clinic.w1"], 3, ("*",)),
        (["defender.w1", "clinic.w1"], ["police.w1"], 2, ("police.w1",)),
        ([], [], 0, ()),
    ],
)
def test_a_quorum_lacks_whom_it_lacks(
    signers: list[str], required: list[str], at_least: int, lacking: tuple[str, ...]
) -> None:
    found = open_checkpoint(signed(HUB.name, *signers), HUB, [DEFENDER, CLINIC])
    assert found.missing_cosigners(required, at_least) == lacking
    if lacking:
        with refused("no-quorum"):
            found.check_quorum(required, at_least)
    else:
        found.check_quorum(required, at_least)


def test_the_log_is_no_witness_of_its_own() -> None:
    with refused("no-quorum"):
        open_checkpoint(signed(HUB.name), HUB, [DEFENDER]).check_quorum([], 1)
    with refused("wrong-witnesses"):
        open_checkpoint(WITNESSED, HUB, [HUB, DEFENDER])


def test_who_registers_the_defender_s_key_doesn_t_get_the_defender_s_voice() -> None:
    borrowed = make_note_key("clinic.w2", COSIGNATURE, DEFENDER.public)
    right = cosign(POINT.text, private(DEFENDER.name), DEFENDER.name, NOW)
    again = Signature("clinic.w2", borrowed.id, right.signature)
    note = Note(POINT.text, (*read_note(signed(HUB.name)).signatures, right, again))
    with refused("wrong-witnesses"):
        open_checkpoint(note.encode(), HUB, [DEFENDER, borrowed])


def test_a_checkpoint_of_another_log_or_without_the_log_is_refused() -> None:
    with refused("unsigned"):
        open_checkpoint(signed(DEFENDER.name, CLINIC.name), HUB, [DEFENDER, CLINIC])
    other = Checkpoint("other.example/log", 5, POINT.root)
    with refused("wrong-log"):
        open_checkpoint(signed(HUB.name, text=other.text), HUB, [DEFENDER])
    with refused("wrong-witnesses"):
        open_checkpoint(WITNESSED, public(HUB.name, NOTE), [DEFENDER])
