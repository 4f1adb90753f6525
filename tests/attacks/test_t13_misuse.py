"""T13: a lawful disclosure is used against the person.

The limit is inside the signature, and the reader has signed that it binds.
"""

from __future__ import annotations

from exchange.records.presentation import present, verify_presentation
from tests.support.attack_stories import TO_PROSECUTOR, send_status, under_way
from tests.support.refused import refused
from tests.support.simulator import part


def test_care_tells_nothing_without_the_limit() -> None:
    world, case = under_way()
    with refused("not-permitted"):
        world.compose(
            "crossroads", "status", part("status", {}, to=TO_PROSECUTOR, use="none"), case=case
        )


def test_the_limit_is_part_of_what_was_signed() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    world.settle()
    reading = world.open("prosecutor", sent)
    held = world.at["prosecutor"].received["crossroads", sent].record
    assert held is not None and reading.opened.label.use == "no_adverse_action"
    assert "no_adverse_action" in reading.obligations and "keep_until" in reading.obligations
    shown = verify_presentation(
        present(held, [reading.opened]), world.hub.history.membership_at(10**6)
    )
    (label,) = shown.record.labels.values()
    assert label.use == "no_adverse_action"


def test_the_reader_s_acknowledgement_names_the_obligations_and_reaches_the_issuer() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    world.settle()
    reading = world.open("prosecutor", sent)
    answer = world.acknowledge("prosecutor", sent, reading)
    world.settle()
    opened = world.open("crossroads", answer).opened
    assert opened.content["operation"]["obligations"] == list(reading.obligations)
    assert opened.label.statement is not None and opened.label.statement.about[0] == sent


def test_no_purpose_of_use_against_the_person_ever_passes() -> None:
    from rules.shelf import vocabulary

    world, case = under_way()
    for purpose in vocabulary().barred_purposes:
        with refused("not-permitted"):
            world.compose(
                "crossroads",
                "status",
                part("status", {}, to={"prosecutor": (purpose, "consent")}),
                case=case,
            )


def test_a_part_passed_on_by_its_recipient_is_not_in_the_issuer_s_manifest() -> None:
    world, case = under_way()
    sent = send_status(world, case)
    world.settle()
    reading = world.open("prosecutor", sent)
    held = world.at["prosecutor"].received["crossroads", sent]
    assert held.record is not None and held.item.delivery is not None
    shown = present(held.record, [reading.opened])
    from dataclasses import replace

    path = held.item.delivery.texts[0].path
    with refused("proof-fails"):
        verify_presentation(
            shown,
            world.hub.history.membership_at(10**6),
            [(replace(reading.opened.entry, to="police.2026-11"), path)],
        )
