"""Groupings of a pack: every value belongs to exactly one group, and a missing one to none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.input.vocabulary import Fact
from rules.packs.groups import NOT_KNOWN, group_of, groups_of
from rules.packs.pack import Citation, Grouping
from rules.shelf import read_pack, vocabulary


def grouping(path: str, bands: tuple[int, ...] = ()) -> tuple[Grouping, Fact]:
    made = Grouping(source=Citation("act"), name="one", of=path, says="one", bands=bands)
    return made, vocabulary().facts[path]


AGES = grouping("person.age", (18, 25, 45))
ROUTES = grouping("encounter.route")


def test_bands_are_named_by_their_ends() -> None:
    assert groups_of(*AGES) == ("under_18", "18_to_24", "25_to_44", "45_and_over", NOT_KNOWN)


@pytest.mark.parametrize(
    ("age", "group"),
    [
        (0, "under_18"),
        (17, "under_18"),
        (18, "18_to_24"),
        (24, "18_to_24"),
        (25, "25_to_44"),
        (130, "45_and_over"),
        (None, NOT_KNOWN),
    ],
)
def test_a_number_is_in_the_band_that_begins_at_or_below_it(age: int | None, group: str) -> None:
    assert group_of(*AGES, age) == group


@given(st.lists(st.integers(1, 130), min_size=1, max_size=6, unique=True), st.integers(0, 130))
def test_every_age_is_in_one_band_that_the_grouping_has(bands: list[int], age: int) -> None:
    made = grouping("person.age", tuple(sorted(bands)))
    assert group_of(*made, age) in groups_of(*made)[:-1]


@pytest.mark.parametrize(
    ("value", "group"),
    [("arrest", "arrest"), ("community", "community"), (None, NOT_KNOWN), ("walk_in", NOT_KNOWN)],
)
def test_a_choice_is_its_own_group_and_an_unknown_word_is_not_known(value: Any, group: str) -> None:
    assert group_of(*ROUTES, value) == group


def test_a_city_counts_by_the_groups_of_its_base() -> None:
    assert read_pack("santa-fe").groups["route"].of == "encounter.route"
    assert read_pack("nyc-violations").groups == {}
