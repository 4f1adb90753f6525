"""Test the directory: the signers of a change, retired keys, and keys to seal to."""

from __future__ import annotations

from typing import Any

import pytest

from exchange.errors import DirectoryError, ExchangeError
from exchange.membership.directory import LARGEST, read_directory, write_document
from exchange.membership.history import History, announce_key
from exchange.membership.signatures import SignedPayload, read_signed_directory, sign_directory
from exchange.standards import i_json, keys, notes
from tests.support import refused as refused_
from tests.support.keys import key
from tests.support.parties import ROLES, after, agency, document, ed25519, signed


def founded() -> History:
    history = History()
    history.add(0, signed(document()))
    return history


def refused(code: str, act: Any) -> None:
    with refused_.refused(code):
        act()


# Versions and who signs them


def test_the_first_version_needs_every_founder() -> None:
    for missing in ROLES:
        others = tuple(name for name in ROLES if name != missing)
        refused("threshold", lambda by=others: History().add(0, signed(document(), by)))
    assert founded().newest.version == 1


def test_a_later_version_needs_the_threshold_of_the_one_before() -> None:
    history = founded()
    change = after(history, program="LEAD in Example County")
    refused("threshold", lambda: history.check(signed(change, ("defender", "clinic"))))
    history.add(7, signed(change, ("defender", "clinic", "program")))
    assert history.newest.document.program == "LEAD in Example County"


@pytest.mark.parametrize("without", ["defender", "clinic"])
def test_nothing_passes_without_the_defender_and_a_treatment_provider(without: str) -> None:
    history = founded()
    by = tuple(one for one in ("prosecutor", "defender", "program", "clinic") if one != without)
    refused("threshold", lambda: history.check(signed(after(history, program="Other"), by)))


def test_who_is_outside_the_threshold_does_not_count() -> None:
    history = founded()
    change = after(history, program="Other")
    refused(
        "threshold",
        lambda: history.check(
            signed(change, ("defender", "clinic", "police", "crossroads", "hospital"))
        ),
    )


def test_a_version_follows_the_one_in_force_and_names_it() -> None:
    history = founded()
    for wrong in ({"version": 3}, {"previous": "0" * 64}, {"version": 1, "previous": None}):
        value = {
            name: member
            for name, member in {**after(history), **wrong}.items()
            if member is not None
        }
        refused("wrong-version", lambda value=value: history.check(signed(value)))


def test_a_changed_payload_loses_its_signatures() -> None:
    good = signed(document())
    changed = good.payload.replace(b"Example City", b"Example Town")
    refused("bad-signature", lambda: History().add(0, SignedPayload(changed, good.signatures)))


def test_a_stranger_s_signature_refuses_the_whole() -> None:
    history = founded()
    change = after(history, program="Other")
    payload = write_document(change)
    stranger = sign_directory(payload, key("stranger.s1"))
    good = signed(change, ("defender", "clinic", "program"))
    refused(
        "unknown-key", lambda: history.check(SignedPayload(payload, (*good.signatures, stranger)))
    )


def test_a_signed_directory_round_trips_and_nonsense_is_refused() -> None:
    good = signed(document())
    assert read_signed_directory(good.write()) == good
    for data in (
        b"",
        b"[]",
        b"{}",
        b'{"directory":1,"signatures":[]}',
        b'{"directory":"e30","signatures":["a..b"],"x":1}',
    ):
        with pytest.raises(ExchangeError):
            read_signed_directory(data)
    refused("bad-signatures", lambda: History().add(0, SignedPayload(good.payload, ("a.b.c",))))
    refused("not-a-directory", lambda: read_signed_directory(b" " * (2 * LARGEST + 1)))


# What a document may say


def without(*path: str) -> dict[str, Any]:
    value = document()
    inner: Any = value
    for step in path[:-1]:
        inner = inner[int(step) if step.isdigit() else step]
    del inner[path[-1]]
    return value


AGENCIES = document()["agencies"]


@pytest.mark.parametrize(
    "members",
    [
        {"agencies": [*AGENCIES, AGENCIES[0]]},
        {"agencies": [AGENCIES[0] | {"signing": AGENCIES[1]["signing"]}, *AGENCIES[1:]]},
        {"agencies": [AGENCIES[0] | {"witness": AGENCIES[2]["witness"]}, *AGENCIES[1:]]},
        {"agencies": [AGENCIES[0] | {"signing": AGENCIES[0]["signing"] * 2}, *AGENCIES[1:]]},
        {"log": AGENCIES[2]["witness"]},
        {"log": "no key"},
        {"threshold": {"signatures": 5, "of": ["defender", "clinic"]}},
        {"threshold": {"signatures": 2, "of": ["defender", "clinic", "nobody"]}},
        {"threshold": {"signatures": 2, "of": ["defender", "clinic", "clinic"]}},
        {"threshold": {"signatures": 2, "of": ["defender", "prosecutor"]}},
        {"threshold": {"signatures": 2, "of": ["clinic", "prosecutor"]}},
        {"witnesses": {"required": ["police"], "at_least": 2}},
        {"witnesses": {"required": ["defender"], "at_least": 9}},
        {"previous": "0" * 64},
    ],
    ids=str,
)
def test_a_directory_that_contradicts_itself_is_refused(members: dict[str, Any]) -> None:
    refused("bad-directory", lambda: read_directory(i_json.write(document(**members))))


@pytest.mark.parametrize(
    "path",
    ["zone", "pack", "threshold", "agencies.0.part2", "agencies.0.custody", "witnesses.required"],
)
def test_a_directory_that_lacks_something_is_refused(path: str) -> None:
    refused("wrong-shape", lambda: read_directory(i_json.write(without(*path.split(".")))))


@pytest.mark.parametrize(
    "members",
    [
        {"zone": "Mars/Olympus"},
        {"zone": "../etc/passwd"},
        {"zone": ""},
        {"threshold": {"signatures": 1, "of": ["defender", "clinic"]}},
        {"witnesses": {"required": ["defender"], "at_least": 1}},
        {"agencies": [AGENCIES[0] | {"role": "hub"}, *AGENCIES[1:]]},
        {"agencies": [AGENCIES[0] | {"id": "Police"}, *AGENCIES[1:]]},
        {"agencies": []},
        {"program": "two\nlines"},
        {"version": True},
    ],
    ids=str,
)
def test_a_directory_with_a_wrong_value_is_refused(members: dict[str, Any]) -> None:
    refused("wrong-shape", lambda: read_directory(i_json.write(document(**members))))


def test_a_private_key_in_a_directory_is_refused() -> None:
    leaked = AGENCIES[0] | {"signing": [key("police.s1").as_jwk()]}
    refused(
        "bad-directory",
        lambda: read_directory(i_json.write(document(agencies=[leaked, *AGENCIES[1:]]))),
    )


# Retiring


def retired(history: History, name: str, keep: tuple[str, ...] = ()) -> dict[str, Any]:
    agencies = [
        one | {"signing": [jwk for jwk in one["signing"] if jwk["kid"] in keep]}
        if one["id"] == name
        else one
        for one in after(history)["agencies"]
    ]
    return after(history, agencies=agencies)


def test_a_key_retires_at_the_index_of_its_version_and_what_came_before_stays_good() -> None:
    history = founded()
    history.add(50, signed(retired(history, "police"), ("police",)))
    assert history.membership_at(50).signer("police.s1")[0].id == "police"
    refused("unknown-key", lambda: history.membership_at(51).signer("police.s1"))


def test_an_agency_may_retire_its_own_alone_and_nothing_else() -> None:
    history = founded()
    refused("threshold", lambda: history.check(signed(retired(history, "police"), ("prosecutor",))))
    more = retired(history, "police") | {"program": "Other"}
    refused("threshold", lambda: history.check(signed(more, ("police",))))
    two = retired(history, "police")
    two["agencies"][1]["signing"] = []
    refused("threshold", lambda: history.check(signed(two, ("police",))))
    grown = after(history)
    grown["agencies"][0] = agency("police", "police", signing=("s1", "s2"))
    refused("threshold", lambda: history.check(signed(grown, ("police",))))
    swapped = after(history)
    swapped["agencies"][0] = agency("police", "police", signing=("s2",))
    refused("threshold", lambda: history.check(signed(swapped, ("police",))))
    promoted = retired(history, "police")
    promoted["agencies"][0]["role"] = "defender"
    refused("threshold", lambda: history.check(signed(promoted, ("police",))))


def test_a_retired_key_does_not_come_back_and_an_id_means_one_key() -> None:
    history = founded()
    first = after(history)
    history.add(5, signed(retired(history, "police"), ("police",)))
    back = after(history, agencies=first["agencies"])
    refused("key-reused", lambda: history.check(signed(back, ("defender", "clinic", "program"))))
    renamed = after(history, agencies=first["agencies"])
    renamed["agencies"][0]["signing"][0] |= {"kid": "police.s9"}
    refused("key-reused", lambda: history.check(signed(renamed, ("defender", "clinic", "program"))))
    other = after(history, agencies=first["agencies"])
    other["agencies"][1]["signing"][0] = key("prosecutor.s2").public.as_jwk() | {
        "kid": "prosecutor.s1"
    }
    refused("key-reused", lambda: history.check(signed(other, ("defender", "clinic", "program"))))


# Keys to seal to


def announced(name: str, month: str, by: str | None = None) -> str:
    return announce_key(key(f"{name}.{month}", "enc").public, key(by or f"{name}.s1"))


def test_the_newest_two_months_are_open() -> None:
    history = founded()
    for index, month in enumerate(("2026-09", "2026-10", "2026-11"), start=3):
        history.add_sealing(index, announced("police", month))
    assert [one.kid for one in history.membership_at(6).sealing["police"]] == [
        "police.2026-11",
        "police.2026-10",
    ]
    assert history.membership_at(5).recipient("police.2026-09")[0].id == "police"
    refused("key-old", lambda: history.membership_at(6).recipient("police.2026-09"))
    refused("key-old", lambda: history.membership_at(3).recipient("police.2026-09"))
    refused("unknown-recipient", lambda: history.membership_at(6).recipient("nobody.2026-11"))


def test_an_announcement_is_an_agency_s_own_and_of_a_later_month() -> None:
    history = founded()
    history.add_sealing(1, announced("police", "2026-10"))
    refused(
        "bad-announcement",
        lambda: history.check_sealing(announced("clinic", "2026-11", by="police.s1")),
    )
    refused("bad-announcement", lambda: history.check_sealing(announced("police", "2026-09")))
    refused("bad-announcement", lambda: history.check_sealing(announced("police", "2026-10")))
    refused(
        "unknown-key", lambda: history.check_sealing(announced("police", "2026-11", by="police.s2"))
    )
    for month in ("2026-13", "2026", "now", "2026-1", "２０２６-11"):
        if month.isascii():
            refused(
                "bad-announcement",
                lambda month=month: history.check_sealing(announced("police", month)),
            )
    renamed = key("police.2026-10", "enc").public.as_jwk() | {"kid": "police.2026-12"}
    same = announce_key(keys.read_public_key(renamed, "enc"), key("police.s1"))
    refused("bad-announcement", lambda: history.check_sealing(same))


def test_before_any_version_nothing_holds() -> None:
    refused("no-directory", lambda: History().at(5))
    refused("no-directory", lambda: History().newest)
    refused("no-directory", lambda: History().founders)
    refused("no-directory", lambda: founded().at(0))


def test_any_past_index_keeps_its_directory() -> None:
    history = founded()
    before = history.at(7)
    history.add(7, signed(after(history, program="Other"), ("defender", "clinic", "program")))
    assert history.at(7) == before and history.at(8).version == 2
    assert history.founders == before.sha256


def test_the_log_s_key_is_not_a_member_s() -> None:
    shared = notes.derive_note_key(ed25519("police.w1"), "hub.example/lead", notes.COSIGNATURE).vkey
    refused("bad-directory", lambda: read_directory(i_json.write(document(log=shared))))


def test_an_unlisted_agency_has_no_role() -> None:
    newest = founded().newest
    assert newest.role("nobody") is None and newest.part2("nobody") == "unknown"
    assert newest.role("clinic") == "treatment_provider" and newest.with_role("police") == (
        "police",
    )
    with pytest.raises(DirectoryError):
        founded().membership_at(1).signer("nobody.s1")
