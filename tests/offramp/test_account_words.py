"""Check the account as the person reads it.

Each term of the vocabulary is in both languages, each row is a sentence, and there are no codes.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import chain
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.consent.account_rows import WITHDRAWN
from exchange.consent.accounting import AccountStatement, verify_account
from exchange.consent.state import Committed, Passage
from exchange.membership.directory import Role
from exchange.records import record
from exchange.records.categories import Content
from exchange.records.content import content_models
from offramp.agency.cases.account import (
    RUNS,
    account_text,
    details,
    disclosures,
    first_page,
    rows_of_agency,
)
from offramp.agency.cases.account_words import SAID, SHORT_CATEGORIES
from offramp.agency.cases.detail_words import DETAILS, FIELDS, OTHERS
from offramp.agency.cases.plain_words import BASES, CATEGORIES, KINDS, PURPOSES, ROLES, Words
from rules.shelf import vocabulary
from tests.support.attack_stories import (
    TO_CLINIC,
    TO_PROSECUTOR,
    emergency,
    send_status,
    status_grant,
    under_way,
    with_second_key,
)
from tests.support.refused import refused
from tests.support.simulator import World, grant, judges, part

VOCABULARY = vocabulary()


def _details() -> Iterator[str]:
    """Yield each detail that a content can state: facts, and its other members."""
    for category, model in content_models().items():
        if category in (*RUNS, "consent_identity", "disclosure_account"):
            continue
        facts = (path for path, fact in VOCABULARY.facts.items() if fact.category == category)
        members = set(model.model_fields) - {*Content.model_fields, "facts", "determination"}
        yield from (*facts, *(f"{category}.{name}" for name in members))


def _fields() -> Iterator[str]:
    for path in set(_details()) & set(VOCABULARY.facts):
        yield from (f"{path}.{name}" for name in VOCABULARY.facts[path].fields)


OPERATION = ("exchange_operation", "operation")
TABLES: dict[str, tuple[Words, set[str]]] = {
    "roles": (ROLES, set(get_args(Role))),
    "categories": (CATEGORIES, set(VOCABULARY.categories)),
    "purposes": (PURPOSES, set(VOCABULARY.purposes) | set(VOCABULARY.barred_purposes)),
    "bases": (BASES, {*record.BASES}),
    "kinds": (KINDS, set(VOCABULARY.kinds)),
    "short categories": (SHORT_CATEGORIES, set(VOCABULARY.categories)),
    "sentences": (SAID, set(SAID)),
    "details": (DETAILS, {*_details()}),
    "fields": (FIELDS, {*_fields()}),
    "others": (OTHERS, set(OTHERS)),
}


@pytest.mark.parametrize("name", TABLES)
def test_every_word_is_there_in_both_languages_and_no_other(name: str) -> None:
    table, words = TABLES[name]
    assert set(table) == words
    for english, spanish in table.values():
        assert english and spanish and english != spanish
        assert name in ("sentences", "others") or "_" not in english + spanish
        assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", spanish))
    for column in (0, 1):
        said = [one[column] for one in table.values()]
        assert name in ("kinds", "sentences", "details", "fields") or len(set(said)) == len(said)


def statement(world: World, case: str) -> AccountStatement:
    return verify_account(
        world.hub.account(case, "crossroads", world.witnessed(), world.clock),
        world.hub.history,
        judges,
    )


def said(world: World, case: str, lang: str) -> list[str]:
    return details(account_text(statement(world, case), world.hub.history.newest, lang), lang)


def page(world: World, case: str, lang: str, agency: str | None = None) -> str:
    account = statement(world, case)
    if agency is not None:
        account = rows_of_agency(account, agency)
    text = account_text(account, world.hub.history.newest, lang, agency)
    return " ".join(" ".join(first_page(text, lang)).split())


def test_what_was_read_recalled_and_waits_is_said_in_both_languages() -> None:
    world, case = under_way()
    read = send_status(world, case)
    world.settle()
    before = said(world, case, "en")
    assert any("has not said that it was opened" in one for one in before)
    world.acknowledge("prosecutor", read, world.open("prosecutor", read))
    # It was read.
    opened = next(iter(world.at["prosecutor"].received["crossroads", read].record.labels))  # type: ignore[union-attr]  # it was read
    about = {"about": [read, opened]}
    to = {"prosecutor": ("exchange_operation", "operation")}
    world.send("crossroads", "recall", part("operation", {}, to=to, says=about), case=case)
    send_status(world, case)
    english, spanish = said(world, case, "en"), said(world, case, "es")
    text, texto = "\n".join(english), "\n".join(spanish)
    (row,) = [one for one in english if "asked for it back on" in one]
    # Nobody here can read the part, so the line claims no more than its label.
    assert (
        "told Prosecutor: information on status in one word (we can’t see which). This was" in row
    )
    assert "to work on your case together. It came" in row
    # Why it was allowed is said once, above all that was allowed for the same reason.
    assert english[0] == "Allowed because you agreed to it in a signed consent:"
    assert english.index(row) < english.index("The others:")
    for lines, because in ((english, "llowed because"), (spanish, "ermitió porque")):
        reasons = [line for line in lines if because in line]
        assert len(reasons) == len(set(reasons)) == 2, "one for the offer, and one for the consent"
    assert (
        "Prosecutor opened it on November 2, 2026, 11:00 a.m." in row
        and "has not answered that yet" in row
    )
    assert "has not fetched it yet" in text and "todavía no lo ha recogido" in texto
    assert "pidió su devolución el 2 de noviembre de 2026, 11:00 a. m." in texto
    assert spanish[0] == "Se permitió porque usted lo aceptó en un consentimiento firmado:"
    assert "Nothing is missing" in page(world, case, "en")
    assert "No falta nada" in page(world, case, "es")
    # The period of `a.m.` is the sentence's too.
    assert "m.." not in text and "m.." not in texto
    # As many lines in one language as in the other; and no code is left in any of them.
    assert len(english) == len(spanish)
    for line in (*english, *spanish):
        assert not re.search(r"[a-z]_[a-z]|\{|\}|[0-9a-f]{16}", line), line


def who_knows(world: World, case: str, lang: str = "en") -> str:
    """The part of the first page about what agencies know now."""
    start, end = {"en": ("WHO KNOWS", "WHAT CHANGED"), "es": ("QUIÉN SABE", "QUÉ CAMBIÓ")}[lang]
    return page(world, case, lang).partition(start)[2].partition(end)[0]


def test_of_two_records_the_one_that_is_not_recalled_is_still_known() -> None:
    world, case = under_way()
    read = send_status(world, case)
    again = send_status(world, case)
    world.settle()
    for sent in (read, again):
        world.acknowledge("prosecutor", sent, world.open("prosecutor", sent))
    world.settle()
    assert "Opened: information on status in one word" in who_knows(world, case)

    def recall(sent: str) -> str:
        label = next(iter(world.at["prosecutor"].received["crossroads", sent].record.labels))  # type: ignore[union-attr]  # it was read
        # It was read.
        to = {"prosecutor": ("exchange_operation", "operation")}
        says = {"about": [sent, label]}
        return world.send(
            "crossroads", "recall", part("operation", {}, to=to, says=says), case=case
        )

    # The newest one is recalled. The prosecutor still has the first.
    recalled = recall(again)
    world.settle()
    now = who_knows(world, case)
    assert "Opened: information on status in one word." in now
    assert "Asked back, with no answer yet: status in one word (1 of 2)." in now
    assert "(1 de 2)" in who_knows(world, case, "es")
    part_id = next(iter(world.at["prosecutor"].received["crossroads", recalled].record.labels))  # type: ignore[union-attr]  # it was read
    # It arrived.
    world.send(
        "prosecutor",
        "recall_answer",
        part(
            "operation",
            {"answer": "deleted"},
            to={"crossroads": ("exchange_operation", "operation")},
            says={"about": [recalled, part_id]},
            use="none",
        ),
        case=case,
    )
    world.settle()
    # The page of a statement alone can't say how: the answer is sealed.
    assert "Ask this agency if it deleted or kept it: status in one word (1 of 2)." in who_knows(
        world, case
    )
    recall(read)
    world.settle()
    now = who_knows(world, case)
    assert "Opened" not in now.partition("Asked back")[0].rpartition("status")[0]
    assert "with no answer yet: status in one word (1 of 2)" in now


def test_a_request_before_a_meeting_is_no_disclosure() -> None:
    world, case = under_way()
    world.settle()
    before = who_knows(world, case)
    asked = part("status", {"meeting_on": "2026-11-18"}, to=TO_PROSECUTOR)
    world.send("crossroads", "meeting_agenda", asked, case=case)
    world.settle()
    assert who_knows(world, case) == before
    lines = said(world, case, "en")
    question = "sent Prosecutor 1 record with questions about your case: status in one word. A que"
    assert any(question in line for line in lines)
    assert any(
        "1 registro con preguntas sobre su caso: estado en una palabra." in line
        for line in said(world, case, "es")
    )
    # A record that says more than the day of the meeting is no such request.
    for content in (
        {"engagement": "engaged"},
        {"meeting_on": "2026-11-18", "engagement": "engaged"},
    ):
        with refused("wrong-content"):
            more = part("status", content, to=TO_PROSECUTOR)
            world.send("crossroads", "meeting_agenda", more, case=case)


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
    assert "told information on treatment for drug or alcohol use, outside the exchange" in aloud
    assert aloud.endswith(
        "The program's rules would NOT have allowed this. Ask your lawyer about it."
    )
    assert any("because of a medical emergency" in one for one in lines)
    assert any("NO lo habrían permitido" in one for one in said(world, case, "es"))


def test_the_first_page_is_short_and_tells_an_agency_only_its_own_affairs() -> None:
    world, case = under_way()
    for _ in range(12):
        send_status(world, case)
    world.settle()
    told = {"told": "prosecutor", "category": "treatment", "on": "2026-11-02"}
    to = {"defender": ("exchange_operation", "operation")}
    world.represent(case)
    world.send("clinic", "oral_disclosure", part("operation", {}, to=to, says=told), case=case)
    world.settle()
    whole, own = page(world, case, "en"), page(world, case, "en", "crossroads")
    assert "All times are local times of the zone America/Denver." in whole
    assert "Todas las horas son locales, de la zona America/Denver." in page(world, case, "es")
    assert "status in one word" in whole and "status in one word" in own
    # What the clinic told the prosecutor is the person's and counsel's to know.
    assert "treatment" in whole and "NOT have allowed" in whole
    assert "treatment" not in own and "Only what Crossroads said or was told." in own
    account = statement(world, case)
    for language in ("en", "es"):
        lines = first_page(account_text(account, world.hub.history.newest, language), language)
        assert len(lines) <= 30 and all(len(line) <= 96 for line in lines)


def test_a_count_has_its_plural() -> None:
    world, case = under_way()
    notices = said(world, case, "en")
    assert any("Crossroads: 1 to Clinic" in line for line in notices)
    assert "You signed 2 permissions to tell something." in page(world, case, "en")
    world.consent(case, grant("clinic", "crossroads", ["treatment"], ["treatment"], id="a" * 16))
    notices = said(world, case, "en")
    assert any("Crossroads: 2 to Clinic" in line for line in notices)
    assert "You signed 1 permission to tell something." in page(world, case, "en")
    assert "Usted firmó 1 permiso para" in page(world, case, "es")
    # The same again on the same day is no second line.
    for letter in ("b", "c"):
        ending = grant("clinic", "crossroads", ["health"], ["treatment"], id=letter * 16)
        world.consent(case, ending)
        world.change(case, "end", agencies=("clinic", "crossroads"), grant=letter * 16)
    again = page(world, case, "en")
    assert again.count("You signed 1 permission to tell something.") == 1
    assert "You signed 1 permission to tell something. That happened 3 times." in again
    assert again.count("You took back") == 1
    which = "something. Taken back: what Clinic could tell (health)."
    assert f"You took back 2 of 3 permissions to tell Crossroads {which}" in again
    spanish = page(world, case, "es")
    which = "Retirado: lo que podía comunicar Clinic (salud)."
    assert f"Usted retiró 2 de 3 permisos para comunicar algo a Crossroads. {which}" in spanish
    world.change(case, "end", agencies=("clinic", "crossroads"), grant="a" * 16)
    all_back = (
        "You took back all 3 permissions that you had signed to tell Crossroads something. Taken "
        "back: what Clinic could tell (health; treatment for drug or alcohol use). Your yes to the "
        "program, when police offered it, is another permission. For 30 days after that yes, or "
        "until you leave, what Crossroads was told because of it may still be told and corrected."
    )
    assert all_back in page(world, case, "en")
    assert "Su sí al programa, cuando la policía se lo ofreció, es otro permiso." in page(
        world, case, "es"
    )
    # A correction is a record for each recipient, and two corrections to the same two are two.
    account = statement(world, case)
    passages = [Passage("p", to, "referral", "referral") for to in ("clinic", "prosecutor")]
    corrections = tuple(
        Committed(place, account.at, f"{place}", "crossroads", None, "correction", case, {}, (to,))
        for place, to in enumerate(passages * 2)
    )
    corrected = account_text(
        replace(account, records=corrections), world.hub.history.newest, "en"
    ).changes
    (line,) = [line for line in corrected if "Crossroads sent" in line]
    assert line.endswith(" That happened 2 times.")


# The start of the next agency's paragraph.
PARAGRAPH = re.compile(r"\. (?=[A-Z][a-z]+ \()")

STEPS = ("status", "refer", "pull", "open", "recall", "end", "consent", "aloud", "wait")


@given(st.lists(st.sampled_from(STEPS), max_size=10))
def test_an_account_of_any_story_has_each_disclosure_exactly_once(steps: list[str]) -> None:
    world, case = under_way()
    live, sent = True, []
    for number, step in enumerate(steps):
        if step == "status" and live:
            sent.append(send_status(world, case))
        elif step == "refer":
            parts = [
                part(category, {"text": "as agreed"}, to=TO_CLINIC, notice="own-1")
                for category in ("service", "treatment")
            ]
            world.send("crossroads", "service_referral", *parts, case=case)
        elif step == "pull":
            world.pull("prosecutor")
            world.pull("clinic")
        elif step == "open" and sent and live:
            world.settle()
            held = world.at["prosecutor"].received.get(("crossroads", sent[-1]))
            if held is not None and not held.opened:
                world.acknowledge("prosecutor", sent[-1], world.open("prosecutor", sent[-1]))
        elif step == "recall" and sent:
            labels = world.hub.state(case)
            record = next(one for one in labels.records if one.jti == sent[-1])
            about = {"about": [sent[-1], next(iter(record.labels))]}
            to = {"prosecutor": OPERATION}
            recall = part("operation", {}, to=to, says=about)
            world.send("crossroads", "recall", recall, case=case)
        elif step == "end" and live:
            for logged in world.hub.state(case).grants:
                if logged.grant.recipient == "prosecutor":
                    world.change(case, "end", agencies=["prosecutor"], grant=logged.grant.id)
            live = False
        elif step == "consent":
            world.consent(case, status_grant(id=f"{number:016x}"))
            live = True
        elif step == "aloud":
            told = {"told": "prosecutor", "category": "health", "on": "2026-11-02"}
            report = part("operation", {}, to={"clinic": OPERATION}, says=told)
            world.send("crossroads", "oral_disclosure", report, case=case)
        elif step == "wait":
            world.clock += 3600
    account = statement(world, case)
    told_rows = [row for row in account.rows if row.is_oral or row.category not in RUNS]
    for column, language in enumerate(("en", "es")):
        directory = world.hub.history.newest
        whole = account_text(account, directory, language)
        # One item for each record and recipient, in order, that names its kinds of information.
        passed = disclosures(row for row in told_rows if row.status != WITHDRAWN)
        stopped = disclosures(row for row in told_rows if row.status == WITHDRAWN)
        lines = [*(telling.text for telling in whole.told), *whole.notices[: len(stopped)]]
        for rows, line in zip((*passed, *stopped), lines, strict=True):
            for row in rows:
                assert SHORT_CATEGORIES[row.category][column] in line, (row, line)
        # Each is printed once, under the reason that allowed it.
        printed = details(whole, language)
        by_reason: dict[str, list[str]] = {}
        reason = ""
        for line in printed[: len(printed) - len(whole.notices)]:
            if line.endswith(":"):
                reason = line
            else:
                by_reason.setdefault(reason, []).append(line)
        assert Counter(chain(*by_reason.values())) == Counter(
            telling.text for telling in whole.told
        )
        for telling in whole.told:
            if telling.basis is not None:
                assert telling.text in by_reason[telling.basis]
        notices = list(whole.notices[len(stopped) :])
        issuers = {row.issuer for row in account.rows if row.category in RUNS and not row.is_oral}
        assert all(directory.agencies[issuer].name in notices[-2] for issuer in issuers)
        # The first page names each kind of information that an agency has, once for the agency.
        page = first_page(account_text(account, directory, language), language)
        text = " ".join(" ".join(page).split())
        knows = text.split(SAID["changed"][column])[0]
        for agency in {row.to for row in told_rows if row.status != WITHDRAWN}:
            name = directory.agencies[agency].name
            paragraph = PARAGRAPH.split(knows[knows.index(f"{name} (") :])[0].partition("),")[2]
            for category in {row.category for row in told_rows if row.to == agency}:
                rows = [
                    row
                    for row in told_rows
                    if (row.to, row.category) == (agency, category) and row.status != WITHDRAWN
                ]
                if rows:
                    # What is kept is named once by how far it is, and so is what was asked back.
                    expected = len(
                        {
                            (True, row.opened is None, row.status, row.is_oral)
                            if row.recalled is None
                            else (False, row.answered is None)
                            for row in rows
                        }
                    )
                    short = SHORT_CATEGORIES[category][column]
                    assert paragraph.count(short) == expected, paragraph
