"""Check the account as the person reads it.

Each term of the vocabulary is in both languages, each row is a sentence, and there are no codes.
"""

from __future__ import annotations

import re
from typing import get_args

import pytest

from exchange.consent.accounting import AccountStatement, verify_account
from exchange.membership.directory import Role
from offramp.agency.cases.account import sentences
from offramp.agency.cases.plain_words import BASES, CATEGORIES, KINDS, PURPOSES, ROLES, Words
from rules.shelf import vocabulary
from tests.support.attack_stories import emergency, send_status, under_way, with_second_key
from tests.support.simulator import World, judges, part

VOCABULARY = vocabulary()
TABLES: dict[str, tuple[Words, set[str]]] = {
    "roles": (ROLES, set(get_args(Role))),
    "categories": (CATEGORIES, set(VOCABULARY.categories)),
    "purposes": (PURPOSES, set(VOCABULARY.purposes) | set(VOCABULARY.barred_purposes)),
    "bases": (BASES, {"consent", "offer_at_scene", "operation", "none"}),
    "kinds": (KINDS, set(VOCABULARY.kinds)),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_word_is_there_in_both_languages_and_no_other(name: str) -> None:
    table, words = TABLES[name]
    assert set(table) == words
    for english, spanish in table.values():
        assert english and spanish and english != spanish and "_" not in english + spanish
    for column in (0, 1):
        said = [one[column] for one in table.values()]
        assert name == "kinds" or len(set(said)) == len(said)


def statement(world: World, case: str) -> AccountStatement:
    return verify_account(
        world.hub.account(case, "crossroads", world.witnessed(), world.clock),
        world.hub.history,
        judges,
    )


def said(world: World, case: str, lang: str) -> list[str]:
    return list(sentences(statement(world, case), world.hub.history.newest, lang))


def test_what_was_read_recalled_and_waits_is_said_in_both_languages() -> None:
    world, case = under_way()
    read = send_status(world, case)
    world.settle()
    before = said(world, case, "en")
    assert any("has not said that it was opened" in one for one in before)
    world.acknowledge("prosecutor", read, world.open("prosecutor", read))
    opened = next(iter(world.at["prosecutor"].received["crossroads", read].record.labels))  # type: ignore[union-attr]
    about = {"about": [read, opened]}
    to = {"prosecutor": ("exchange_operation", "operation")}
    world.send("crossroads", "recall", part("operation", {}, to=to, says=about), case=case)
    send_status(world, case)
    english, spanish = said(world, case, "en"), said(world, case, "es")
    text, texto = "\n".join(english), "\n".join(spanish)
    (row,) = [one for one in english if "asked for it back on" in one]
    assert "in one fixed word, how you are doing, to work on your case together" in row
    assert "It was allowed because you agreed to it in a signed consent." in row
    assert "(prosecutor's office) opened it on 2026-" in row and "has not answered that yet" in row
    assert "has not fetched it yet" in text and "todavía no lo ha recogido" in texto
    assert (
        "pidió su devolución el 2026-" in texto
        and "usted lo aceptó en un consentimiento firmado" in texto
    )
    assert "nothing is missing" in text and "no falta nada" in texto
    # As many lines in one language as in the other; and no code is left in any of them.
    assert len(english) == len(spanish)
    for line in (*english, *spanish):
        assert not re.search(r"[a-z]_[a-z]|\{|\}|[0-9a-f]{16}", line), line


def test_an_emergency_and_what_was_told_aloud_are_said_with_what_the_rules_say_of_them() -> None:
    world, case = under_way(with_second_key())
    emergency(world, case, "e" * 32, "e" * 16)
    told = {"told": "prosecutor", "category": "treatment", "on": "2026-11-02"}
    world.send(
        "crossroads",
        "oral_disclosure",
        part("operation", {}, to={"clinic": ("exchange_operation", "operation")}, says=told),
        case=case,
    )
    world.settle()
    lines = said(world, case, "en")
    (aloud,) = [one for one in lines if "(said aloud)" in one]
    assert "was told your treatment for drug or alcohol use, outside the exchange" in aloud
    assert aloud.endswith(
        "The program's rules would NOT have allowed this. Ask your lawyer about it."
    )
    assert any("because of a medical emergency" in one for one in lines)
    assert any("NO lo habrían permitido" in one for one in said(world, case, "es"))
