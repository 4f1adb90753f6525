"""T11: an officer tries handles to find participants.

Nothing can be looked up, and every refusal is the same.
"""

from __future__ import annotations

from exchange.hub.hub import Hub, Rejection
from exchange.records.bundle import Bundle
from tests.support.attack_stories import under_way
from tests.support.dishonest_parties import build_unchecked
from tests.support.keys import key
from tests.support.refused import refused
from tests.support.simulator import World, part

QUESTION = {"says": {"for": "screening"}, "use": "none"}


def asked(world: World, by: str, to: str, case: str) -> Bundle:
    question = part(
        "enrollment", {"asks": ["person.enrolled"]}, to={to: ("screening", "consent")}, **QUESTION
    )
    return build_unchecked(world, by, "question", question, case)


def test_a_question_about_an_unknown_case_and_about_one_without_consent_are_answered_alike() -> (
    None
):
    world, case = under_way()
    answers = [
        world.submit(asked(world, "police", "program", each))[0]
        for each in (case, "0" * 32, world.new_case())
    ]
    texts = {str(answer.error) for answer in answers if isinstance(answer, Rejection)}
    assert len(answers) == 3 and texts == {str(answers[0].error)}
    assert world.hub.log.size == World().hub.log.size + (world.hub.log.size - World().hub.log.size)


def test_police_and_prosecutor_ask_no_provider_at_all() -> None:
    world, case = under_way()
    for by in ("police", "prosecutor"):
        for to in ("crossroads", "clinic", "program", "hospital"):
            (answer,) = world.submit(asked(world, by, to, case))
            assert isinstance(answer, Rejection) and answer.error.code == "not-passed"


def test_there_is_no_way_to_ask_by_person() -> None:
    words = {name for name in dir(Hub) if not name.startswith("_")}
    assert words == {
        "account",
        "change_directory",
        "checkpoint",
        "checkpoint_of",
        "inbox",
        "open_key",
        "state",
        "submit",
        "together",
    }


def test_an_account_is_for_counsel_and_who_took_the_consent() -> None:
    world, case = under_way()
    checkpoint = world.witnessed()
    for name in ("police", "prosecutor", "program", "defender"):
        for handle in (case, "0" * 32):
            with refused("not-passed"):
                world.hub.account(handle, name, checkpoint, world.clock)
    assert world.hub.account(case, "crossroads", checkpoint, world.clock).case == case


def test_a_refused_look_up_leaves_no_trace_for_others() -> None:
    world, case = under_way()
    size = world.hub.log.size
    world.submit(asked(world, "police", "program", case))
    assert world.hub.log.size == size
    assert key("police.s1").public.kid == "police.s1"
