"""A participant's own page: the charge in one line, promises that are proved, codes, and concerns.

A town in memory. The console's pages of it are in `test_console_person.py`.
"""

from __future__ import annotations

import io
import json
import time
import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from statistics import median

import pytest

from offramp.agency import operations, person_wording
from offramp.agency.cases.addressing import part_to_judge, refusals
from offramp.agency.cases.draft import Draft
from offramp.agency.cases.my_page import FILING, promises_of
from offramp.agency.cases.pack_terms import pack_terms
from offramp.agency.cases.person_words import PROMISED
from offramp.agency.operations.consent import preview_take_back
from offramp.agency.wording import case_lines
from offramp.cli import main
from offramp.documents import segments
from rules.packs.resolve import resolve
from rules.shelf import read_pack, vocabulary
from tests.support.agencies import PASSPHRASE
from tests.support.participant import BORN, MANAGER, TOGETHER, Participant
from tests.support.participant import FILING as FILING_STATUS
from tests.support.refused import refused
from tests.support.simulator import FORM, grant, part

pytest.importorskip("argon2", reason="argon2-cffi isn't installed")

HERE = "a test"


@pytest.fixture(scope="module")
def ana(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Participant]:
    yield Participant(tmp_path_factory.mktemp("ana"), "es")


def hashed(ana: Participant, words: str) -> str:
    return operations.hash_code(words, operations.code_salt(ana.office))


def code(ana: Participant, lang: str = "en") -> tuple[str, str]:
    """Issue a code. Return its words and its hash."""
    issued = operations.issue_code(ana.office, MANAGER, ana.case, lang=lang)
    words = " ".join(issued.words)
    return words, hashed(ana, words)


# The charge


def test_the_first_line_is_the_answer_of_the_rules_and_the_prosecutors_last_word(
    tmp_path: Path,
) -> None:
    """N1: undetermined, held, may be filed, filed, and nothing held, in both languages."""
    ana = Participant(tmp_path)

    def state() -> str:
        shown = operations.print_my_page(ana.office, ana.case)
        answer = operations.decide(ana.town.at["prosecutor"], ana.case, "filing").answer
        rules = {"hold": "held", "prosecutor_may_file": "may_be_filed"}
        # The prosecutor may still wait for the word of an intake that the case manager knows of.
        possible = {rules.get(outcome, outcome) for outcome in answer.possible}
        assert shown.charge.rules in {"undetermined", *possible}
        if shown.charge.rules != "undetermined" and answer.status == "decided":
            assert possible == {shown.charge.rules}
        for lang in person_wording.LANGUAGES:
            printed = operations.print_my_page(ana.office, ana.case, lang)
            lines = person_wording.page_lines(printed)
            first = person_wording.charge_sentence(printed.charge, lang)
            assert f"  {first}" in lines[:5]
        return shown.charge.state

    assert state() == "undetermined"
    ana.prosecutor_tells("filing_decision", "charge_status", {"standing": "held"})
    assert state() == "held"
    ana.prosecutor_tells("filing_decision", "charge_status", {"facts": {"case.charge_held": True}})
    assert state() == "held"
    ana.town.hub.clock += 40 * 24 * 3600
    ana.town.settle()
    assert state() == "may_be_filed"
    ana.prosecutor_tells("filing_decision", "charge_status", {"standing": "filed"})
    assert state() == "filed"
    assert operations.print_my_page(ana.office, ana.case).charge.by_prosecutor
    none_held = {"facts": {"case.charge_held": False}}
    ana.prosecutor_tells("filing_decision", "charge_status", {"standing": "dismissed", **none_held})
    shown = operations.print_my_page(ana.office, ana.case, "es")
    assert shown.charge.state == "dismissed" and shown.charge.rules == "nothing_held"
    alone = person_wording.rules_alone(shown.charge, "es")
    assert alone is not None and "No hay acusación que presentar" in alone


def first_lines(ana: Participant, lang: str = "en") -> tuple[str, str]:
    """Return the first line on the charge, and the lines under it."""
    page = operations.print_my_page(ana.office, ana.case, lang)
    return (
        person_wording.charge_sentence(page.charge, lang),
        person_wording.charge_source(page.charge, page.agency, lang),
    )


def test_the_first_line_names_its_day_and_after_a_take_back_that_it_may_have_changed(
    tmp_path: Path,
) -> None:
    """The prosecutor keeps the charge on hold, the person takes the permission back, it is filed.

    Nobody at Crossroads learns of the filing. So the page says of which day its word is, and where
    to ask. It doesn't say that the charge is not filed today.
    """
    ana = Participant(tmp_path)
    ana.prosecutor_tells("filing_decision", "charge_status", {"standing": "held"})
    first, under = first_lines(ana)
    assert first == "As of November 2, 2026: It is on hold. It is not filed."
    assert under == "The prosecutor said so."
    assert first_lines(ana, "es")[0] == (
        "Al 2 de noviembre de 2026: Está en suspenso. No está presentada."
    )
    operations.revoke_consent(ana.office, ana.case, recipient="crossroads")
    ana.town.hub.clock += 3 * 24 * 3600
    ana.town.settle()
    told = part("charge_status", {"standing": "filed"}, to={"crossroads": FILING_STATUS})
    with refused("not-permitted"):
        draft = Draft((told,))
        operations.send_record(ana.town.at["prosecutor"], "filing_decision", draft, ana.case)
    first, under = first_lines(ana)
    assert first == "As of November 2, 2026: It was on hold. It was not filed then."
    assert under == (
        "The prosecutor said so. This may have changed since then. Nobody at Crossroads would "
        "learn of it. The prosecutor may not tell Crossroads now. Ask your lawyer or the court."
    )
    assert first_lines(ana, "es") == (
        "Al 2 de noviembre de 2026: Estaba en suspenso. No estaba presentada entonces.",
        "Así lo dijo la fiscalía. Esto puede haber cambiado después. Nadie en Crossroads se "
        "enteraría. Ahora la fiscalía no puede decírselo a Crossroads. Pregunte a su defensa o al "
        "tribunal.",
    )
    page = operations.print_my_page(ana.office, ana.case)
    printed = "\n".join(person_wording.page_lines(page))
    assert first in printed and under in printed and "It is not filed" not in printed
    assert page.charge.because == (), "the rules' reasons say how it is today"


def test_a_filing_by_decision_reads_filed_and_no_answer_beside_it_rests_on_the_filing(
    tmp_path: Path,
) -> None:
    """The prosecutor's choice to file states, too, that no charge is on hold any more."""
    ana = Participant(tmp_path)
    prosecutor = ana.town.at["prosecutor"]

    def decide(outcome: str) -> operations.Charge:
        operations.determine(prosecutor, "Ada", ana.case, FILING, outcome, "discretion")
        ana.town.hub.clock += 3600
        ana.town.settle()
        operations.open_case(ana.office, MANAGER, ana.case)
        return operations.print_my_page(ana.office, ana.case).charge

    def shown(lang: str) -> str:
        return "\n".join(
            person_wording.page_lines(operations.print_my_page(ana.office, ana.case, lang))
        )

    charge = decide("prosecutor_may_file")
    assert (charge.state, charge.by_prosecutor) == ("filed", True)
    assert (charge.rules, charge.because) == ("undetermined", ())
    assert "No. The prosecutor filed it." in shown("en")
    assert "No. La fiscalía la presentó." in shown("es")
    for wrong in ("on hold", "no charge to file", "rules alone"):
        assert wrong not in shown("en").partition("Who is my case manager?")[0]
    # What the office knew before still counts: the rules let a held charge rest until its day.
    assert decide("hold").state == "held"
    charge = decide("prosecutor_may_file")
    assert (charge.state, charge.rules) == ("filed", "held")
    ana.town.hub.clock += 40 * 24 * 3600
    ana.town.settle()
    charge = operations.print_my_page(ana.office, ana.case).charge
    assert (charge.state, charge.rules) == ("filed", "may_be_filed")
    assert person_wording.rules_alone(charge, "en") == "The rules let the prosecutor file it."
    # A filing that the prosecutor tells without a decision states the same.
    status = {"standing": "filed", "facts": {"case.charge_held": False}}
    ana.prosecutor_tells("filing_decision", "charge_status", status)
    charge = operations.print_my_page(ana.office, ana.case).charge
    assert (charge.state, charge.rules, charge.because) == ("filed", "undetermined", ())


def test_the_case_page_of_the_staff_names_the_day_and_that_it_may_have_changed(
    tmp_path: Path,
) -> None:
    ana = Participant(tmp_path)

    def filing() -> tuple[str, ...]:
        described = operations.describe_case(ana.office, ana.case)
        answer = next(each for each in described.answers if each.decision == FILING)
        assert answer.decided is not None and answer.decided.startswith(
            "Keep the charge on hold, by Ada"
        )
        return answer.as_of

    def printed() -> list[str]:
        view = operations.read_case(ana.office, ana.case)
        working_set = ana.office.working_set()
        zone = working_set.gateway.history.newest.zone
        lines = case_lines(view, zone, pack_terms(ana.office.program(working_set).pack))
        assert view.as_json()["charge"] == {
            "as_of": "2026-11-02",
            "may_have_changed": "not tell" in " ".join(lines),
        }
        return [line for line in lines if line.startswith("charge:")]

    prosecutor = ana.town.at["prosecutor"]
    operations.determine(prosecutor, "Ada", ana.case, FILING, "hold", "discretion")
    assert operations.read_case(prosecutor, ana.case).charge is None
    ana.town.settle()
    operations.open_case(ana.office, MANAGER, ana.case)
    assert filing() == ("As of November 2, 2026.",)
    assert printed() == ["charge: as of November 2, 2026"]
    operations.revoke_consent(ana.office, ana.case, recipient="crossroads")
    ana.town.settle()
    operations.determine(prosecutor, "Ada", ana.case, FILING, "prosecutor_may_file", "discretion")
    ana.town.settle()
    assert filing() == (
        "As of November 2, 2026.",
        "It may have changed since. The prosecutor may not tell Crossroads now, so nobody here "
        "would learn of it. Ask counsel or the court.",
    )
    assert printed() == [
        "charge: as of November 2, 2026",
        "charge: it may have changed since. The prosecutor may not tell `crossroads` now, so "
        "nobody here would learn of it. Ask counsel or the court.",
    ]


def test_without_a_permission_the_page_says_that_nobody_here_would_learn_of_it(
    tmp_path: Path,
) -> None:
    """Nothing was told, and the permission is taken back: it isn't enough to wait."""
    ana = Participant(tmp_path)
    assert first_lines(ana)[1] == (
        "Nobody has told Crossroads yet. Ask your lawyer or the prosecutor’s office."
    )
    operations.revoke_consent(ana.office, ana.case, recipient="crossroads")
    first, under = first_lines(ana)
    assert first == "We don’t know yet."
    assert under == (
        "Nobody has told Crossroads. The prosecutor may not tell Crossroads now. Ask your lawyer "
        "or the court."
    )
    assert first_lines(ana, "es")[1] == (
        "Nadie se lo ha dicho a Crossroads. Ahora la fiscalía no puede decírselo a Crossroads. "
        "Pregunte a su defensa o al tribunal."
    )


@pytest.mark.parametrize(
    ("lang", "says"),
    [
        (
            "en",
            "Crossroads would not learn any more what happens with a charge against you. What it "
            "says of the charge would stay as of the day on which it was told last. The charge "
            "could be filed, and nobody there would know. Ask your lawyer or the court.",
        ),
        (
            "es",
            "Crossroads ya no se enteraría de lo que pasa con una acusación en su contra. Lo que "
            "dice de ella quedaría como el último día en que se le dijo. La acusación podría "
            "presentarse sin que nadie allí lo sepa. Pregunte a su defensa o al tribunal.",
        ),
    ],
)
def test_before_a_take_back_the_page_says_that_the_word_on_the_charge_freezes(
    ana: Participant, lang: str, says: str
) -> None:
    office, case = ana.office, ana.case
    taking = preview_take_back(office, case, "crossroads", lang=lang)
    assert taking.stays_open[0] == says
    assert says not in preview_take_back(office, case, "police", lang=lang).stays_open
    for consents in operations.list_standing_consents(office, case, lang):
        assert (says in consents.follows) is (consents.recipient == "crossroads")
    # Another line on the same thing stays, so nothing freezes with one line.
    lines = {grant.discloser: grant.id for grant in taking.stops}
    one = preview_take_back(office, case, "crossroads", lines["clinic"], lang)
    assert says not in one.stays_open


@pytest.mark.parametrize(
    ("lang", "says"),
    [
        (
            "en",
            "You said yes to the program when police offered it. For 30 days after that yes, "
            "or until you leave, Police may still tell Crossroads this, and correct it: ",
        ),
        (
            "es",
            "Usted dijo que sí al programa cuando la policía se lo ofreció. Por 30 días desde "
            "entonces, o hasta que deje el programa, Police aún puede decir esto a Crossroads y "
            "corregirlo: ",
        ),
    ],
)
def test_a_take_back_says_what_the_yes_to_the_offer_still_allows(
    tmp_path: Path, lang: str, says: str
) -> None:
    ana = Participant(tmp_path)
    office, case = ana.office, ana.case
    police = ana.town.at["police"]
    taking = preview_take_back(office, case, "crossroads", lang=lang)
    assert [text for text in taking.by_offer if text.startswith(says)], taking.by_offer
    operations.revoke_consent(office, case, recipient="crossroads")
    ana.town.settle()

    def lines() -> str:
        return "\n".join(person_wording.page_lines(operations.print_my_page(office, case, lang)))

    assert says in lines()
    # The sentence is true: a correction of what was told still passes.
    corrected = operations.correct(police, "Officer Lund", case, {"contact.given_name": "Anna"})
    ana.town.settle()
    assert "crossroads" in {sent.agency for sent in corrected.sent}
    ana.town.hub.clock += 31 * 24 * 3600
    ana.town.settle()
    assert says not in lines(), "thirty days are over"


def test_a_word_on_the_charge_that_nobody_opened_was_sent(tmp_path: Path) -> None:
    """`Nobody has told` is there only where nothing was sent."""
    ana = Participant(tmp_path)
    prosecutor = ana.town.at["prosecutor"]

    def send(standing: str) -> None:
        told = part("charge_status", {"standing": standing}, to={"crossroads": FILING_STATUS})
        operations.send_record(prosecutor, "filing_decision", Draft((told,)), ana.case)
        ana.town.hub.clock += 24 * 3600
        ana.town.settle()

    send("held")
    assert first_lines(ana) == (
        "We don’t know yet.",
        "It was sent, and nobody at Crossroads has opened it yet. Ask your case manager to open "
        "it.",
    )
    assert first_lines(ana, "es")[1] == (
        "Se envió, y nadie en Crossroads lo ha abierto todavía. Pida a quien lleva su caso que lo "
        "abra."
    )
    operations.open_case(ana.office, MANAGER, ana.case)
    assert first_lines(ana)[1] == "The prosecutor said so."
    send("filed")
    first, under = first_lines(ana)
    assert "It is on hold." in first, "the newer word isn't opened"
    assert under == (
        "The prosecutor said so. Something newer was sent, and nobody at Crossroads has opened it "
        "yet. Ask your case manager to open it."
    )
    operations.open_case(ana.office, MANAGER, ana.case)
    assert "No. The prosecutor filed it." in first_lines(ana)[0]


def test_an_agency_that_was_told_stays_on_the_page(tmp_path: Path) -> None:
    """The office knows its own records alone, so no line says that nothing was told."""
    ana = Participant(tmp_path)

    def prosecutor() -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
        page = operations.print_my_page(ana.office, ana.case)
        lines = "\n".join(person_wording.page_lines(page))
        assert "nothing" not in lines and "What other offices told each other isn't here." in lines
        row = next(row for row in page.told if row.agency == "prosecutor")
        return row.told, row.asked_back, row.may_be_told

    def how_far() -> list[str]:
        page = operations.print_my_page(ana.office, ana.case)
        row = next(row for row in page.told if row.agency == "prosecutor")
        return person_wording.told_lines(row, "en")

    told, asked_back, permitted = prosecutor()
    assert not told and not asked_back and len(permitted) == 2
    ana.town.hub.clock += 2 * 3600
    ana.town.settle()
    content = {"facts": {"case.intake_at": "2026-11-02T19:00:00Z"}}
    intake = part("intake_status", content, to={"prosecutor": TOGETHER})
    sent = operations.send_record(ana.office, "intake", Draft((intake,)), ana.case)
    ana.town.settle()
    told, _, _ = prosecutor()
    assert len(told) == 1
    # Sent isn't opened, and what is opened is said once the acknowledgment is here.
    assert how_far() == ["Sent, not opened yet: the first interview"]
    operations.open_case(ana.town.at["prosecutor"], "Ada", ana.case)
    ana.town.settle()
    assert how_far() == ["Opened: the first interview"]
    again = operations.send_record(ana.office, "intake", Draft((intake,)), ana.case)
    ana.town.settle()
    kind = "the first interview"
    assert how_far() == [f"Opened: {kind}", f"Sent later, not opened yet: {kind}"]
    operations.recall(ana.office, MANAGER, ana.case, "duplicate", record=again.id)
    operations.revoke_consent(ana.office, ana.case, recipient="prosecutor")
    ana.town.settle()
    assert prosecutor() == (told, told, ())
    operations.recall(ana.office, MANAGER, ana.case, "duplicate", record=sent.id)
    ana.town.settle()
    assert prosecutor() == ((), told, ())


def test_the_page_of_the_status_names_the_true_cause_why_an_agency_is_not_told(
    tmp_path: Path,
) -> None:
    """Counsel hasn't said that it acts for the person, or the person took the permission back."""
    ana = Participant(tmp_path)

    def reasons() -> dict[str, str]:
        return dict(operations.preview_status(ana.office, ana.case).reasons)

    counsel = "This agency was not told that the office is counsel for the person in this case."
    assert reasons()["Defender"] == counsel
    assert reasons()["Prosecutor"] == "The person hasn’t agreed to it, or not yet."
    assert "Police" not in reasons(), "police may be told"
    operations.revoke_consent(ana.office, ana.case, recipient="police")
    assert reasons()["Police"] == "The person agreed to it and took it back."


def test_the_prosecutor_reads_the_same_words_after_a_no_and_after_a_take_back(
    tmp_path: Path,
) -> None:
    """What the person agreed to or refused is nothing for the prosecutor to learn."""
    ana = Participant(tmp_path)
    prosecutor = ana.town.at["prosecutor"]
    operations.revoke_consent(ana.office, ana.case, recipient="crossroads")
    ana.town.settle()
    working_set = prosecutor.working_set()
    pack = prosecutor.program(working_set).pack
    judged = part_to_judge(working_set, ("charge_status",), {"charge_status": {"standing": "held"}})
    now = prosecutor.clock()
    refused_to = refusals(working_set, pack, ana.case, "filing_decision", judged, FILING, now)
    why = {refusal.agency: refusal.why for refusal in refused_to}
    assert why["crossroads"] == "The person’s consent doesn’t cover it."


@pytest.mark.parametrize(
    ("ground", "english", "spanish"),
    [
        (None, "Asked back, and deleted: ", "Se pidió su devolución, y se borró: "),
        (
            "law",
            "Asked back, and KEPT because a law requires it: ",
            "Se pidió su devolución, y lo CONSERVA porque lo exige una ley: ",
        ),
    ],
)
def test_the_page_says_what_an_agency_answered_to_what_was_asked_back(
    tmp_path: Path, ground: str | None, english: str, spanish: str
) -> None:
    """The same words as in the account: deleted, or kept and why."""
    ana = Participant(tmp_path)
    prosecutor = ana.town.at["prosecutor"]

    def answers(lang: str) -> tuple[str, ...]:
        page = operations.print_my_page(ana.office, ana.case, lang)
        (agency,) = (agency for agency in page.told if agency.agency == "prosecutor")
        assert all(f"    {line}" in person_wording.page_lines(page) for line in agency.answers)
        return agency.answers

    ana.town.hub.clock += 2 * 3600
    ana.town.settle()
    content = {"facts": {"case.intake_at": "2026-11-02T19:00:00Z"}}
    intake = part("intake_status", content, to={"prosecutor": TOGETHER})
    sent = operations.send_record(ana.office, "intake", Draft((intake,)), ana.case)
    ana.town.settle()
    operations.open_case(prosecutor, "Ada", ana.case)
    ana.town.settle()
    operations.recall(ana.office, MANAGER, ana.case, "duplicate", record=sent.id)
    ana.town.settle()
    kind = {"en": "the first interview", "es": "la primera entrevista"}
    assert answers("en") == (f"Asked back, with no answer yet: {kind['en']}",)
    operations.answer_recalls(prosecutor, "Ada", ana.case, keep_because=ground)
    ana.town.settle()
    assert answers("en") == (english + kind["en"],)
    assert answers("es") == (spanish + kind["es"],)


@pytest.mark.parametrize(
    "words",
    [
        *(person_wording.CHARGE, person_wording.CHARGE_THEN, person_wording.SAYS),
        *(person_wording.TOLD, PROMISED),
    ],
)
def test_each_sentence_of_the_page_is_there_in_both_languages(
    words: dict[str, tuple[str, str]],
) -> None:
    assert all(english and spanish and english != spanish for english, spanish in words.values())


def test_the_page_shows_the_number_of_the_present_case_manager(tmp_path: Path) -> None:
    """The listed number, else the one that was stated of the same person."""
    ana = Participant(tmp_path)

    def number() -> str | None:
        page = operations.print_my_page(ana.office, ana.case)
        lines = person_wording.page_lines(page)
        assert page.phone is None or any(str(page.phone) in line for line in lines)
        return page.phone

    assert number() is None
    contact = {"name": MANAGER, "phone": "505-555-0101"}
    terms = grant("crossroads", "police", ["case_manager_contact"], ["diversion_coordination"])
    to = {"police": ("exchange_operation", "operation")}
    consent = part("consent_terms", to=to, says=terms)
    operations.record_consent(ana.office, ana.case, Draft((consent,), FORM))
    ana.town.settle()
    told = part("case_manager_contact", contact, to={"police": TOGETHER})
    operations.send_record(ana.office, "assignment", Draft((told,)), ana.case)
    ana.town.settle()
    assert number() == "505-555-0101"
    with refused("bad-phone"):
        operations.set_own_phone(ana.office, MANAGER, "ask at the desk")
    operations.set_own_phone(ana.office, MANAGER, " (505) 555–0142 ext. 3 ")
    assert number() == "(505) 555-0142 x3"
    operations.add_person(ana.office, MANAGER, "Amos Reed", ["member"], logins=["daemon"])
    operations.set_phone(ana.office, MANAGER, "amos reed", "505-555-0143")
    # Nobody types a number: the colleague's is told, and the page shows it.
    operations.hand_over_case(ana.office, MANAGER, ana.case, "Amos Reed")
    assert number() == "505-555-0143"
    operations.set_phone(ana.office, MANAGER, "Amos Reed", None)
    assert number() == "505-555-0143"  # it was stated of the same person
    operations.hand_over(ana.office, MANAGER, ana.case, MANAGER)
    operations.set_own_phone(ana.office, MANAGER, None)
    assert number() is None, "the stated number is Amos Reed's"


# Promises


def test_a_line_on_what_cant_change_it_stands_on_a_proved_promise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """N2: without the promise in the pack, or without its proof, the line is gone."""
    pack = read_pack("santa-fe")
    day = date(2026, 11, 2)
    lines = promises_of(resolve(pack, day), FILING, "en")
    assert "using drugs again" in lines and "missing an appointment" in lines
    assert len(promises_of(resolve(pack, day), FILING, "es")) == len(lines)
    others = {
        name: promise for name, promise in pack.invariants.items() if promise.decision != FILING
    }
    assert promises_of(resolve(replace(pack, invariants=others), day), FILING, "en") == ()
    monkeypatch.setattr(segments, "_proved", lambda pack: frozenset())
    assert promises_of(resolve(pack, day), FILING, "en") == ()


def test_each_fact_that_a_shipped_promise_names_has_a_phrase() -> None:
    promised = {
        path
        for promise in read_pack("lead").invariants.values()
        if promise.decision == FILING
        for path in promise.independent_of
    }
    assert promised <= set(PROMISED)
    assert {path for path in PROMISED if not path.endswith(".*")} <= set(vocabulary().facts)


# Codes


def test_a_code_opens_the_page_with_the_birth_year_and_a_new_one_ends_it(ana: Participant) -> None:
    words, code_hash = code(ana)
    assert len(words.split()) == 4
    assert words not in str(list(ana.office.journal.after(0)))
    assert hashed(ana, f"  {words.upper().replace(' ', '-')} ") == code_hash
    assert operations.use_code(ana.office, code_hash, f" {BORN} ", HERE) is True
    shown = operations.my_page(ana.office, code_hash, "en", HERE)
    assert shown.given_name == "Ana" and shown.manager == MANAGER
    assert MANAGER in {opening.person for opening in shown.openings}
    look = operations.list_case_looks(ana.office, ana.case).looks[-2]
    assert (look.person, look.operation, look.origin) == ("the participant", "my_page", HERE)
    words, newer = code(ana, "es")
    plain = unicodedata.normalize("NFD", words).encode("ascii", "ignore").decode()
    assert hashed(ana, plain) == hashed(ana, unicodedata.normalize("NFD", words)) == newer
    assert operations.use_code(ana.office, code_hash, str(BORN), HERE) is False
    with refused("code-ended"):
        operations.my_page(ana.office, code_hash, "en", HERE)
    assert operations.use_code(ana.office, newer, str(BORN), HERE) is True
    # The page is in the language that the record states.
    assert operations.my_language(ana.office, newer) == "es"
    assert operations.print_my_page(ana.office, ana.case).lang == "es"
    with refused("code-ended"):
        operations.my_language(ana.office, code_hash)


def test_five_wrong_tries_lock_a_code_and_an_unknown_code_looks_the_same(ana: Participant) -> None:
    """N6: the same answers in the same time."""
    _, known = code(ana)
    unknown = hashed(ana, "no such code here")
    answers: dict[str, list[bool | None]] = {known: [], unknown: []}
    took: dict[str, list[float]] = {known: [], unknown: []}
    for _ in range(6):
        for each, found in answers.items():
            started = time.perf_counter()
            found.append(operations.use_code(ana.office, each, "1950", HERE))
            took[each].append(time.perf_counter() - started)
    assert answers[known] == answers[unknown] == [False] * 4 + [None] * 2
    # Argon2id, before it, takes a hundred times as long, and is the same work for both.
    assert abs(median(took[known]) - median(took[unknown])) < 0.02
    assert operations.use_code(ana.office, known, str(BORN), HERE) is None
    with refused("code-ended"):
        operations.my_page(ana.office, known, "en", HERE)
    state = operations.code_state(ana.office, ana.case)
    assert state is not None and state.is_locked
    code(ana)
    assert (operations.code_state(ana.office, ana.case) or state).is_locked is False


def test_whoever_holds_a_lost_code_ends_it_with_its_last_word(ana: Participant) -> None:
    words, code_hash = code(ana, "es")
    assert operations.cancel_lost_code(ana.office, "no-such-word", HERE) is False
    assert operations.use_code(ana.office, code_hash, str(BORN), HERE) is True
    assert operations.cancel_lost_code(ana.office, f" {words.split()[-1].upper()}", HERE) is True
    with refused("code-ended"):
        operations.my_page(ana.office, code_hash, "en", HERE)
    assert operations.code_state(ana.office, ana.case) is None


def test_a_code_needs_a_birth_year_and_can_be_ended(ana: Participant, tmp_path: Path) -> None:
    assert operations.knows_birth_year(ana.office, ana.case)
    with refused("bad-birth-year"):
        operations.issue_code(ana.office, MANAGER, ana.case, birth_year=90)
    code(ana)
    assert operations.cancel_code(ana.office, ana.case) is True
    assert operations.cancel_code(ana.office, ana.case) is False


# Take back, dispute, complain


def test_what_the_person_does_on_the_page_is_kept_and_shown(tmp_path: Path) -> None:
    ana = Participant(tmp_path, "es")
    _, code_hash = code(ana)
    office = ana.office
    shown = operations.my_take_back(office, code_hash, "police", None, "es", HERE)
    assert len(shown.stops) == 1 and "Police" in shown.stops[0].sentence
    assert shown.stops_here and not shown.still_allowed and not shown.other_senders
    assert "Si se queda o no en el programa no depende de esto." in shown.stays
    ended = operations.take_back(office, code_hash, "police", HERE)
    assert len(ended.records) == 1
    grants = operations.list_standing_grants(office, ana.case)
    assert "police" not in {grant.recipient for grant in grants} and grants
    with refused("nothing-to-revoke"):
        operations.my_permission(office, code_hash, "police", "en", HERE)
    operations.dispute(office, code_hash, "contact", "  That is not\nmy name ", HERE)
    operations.complain(office, code_hash, "Nobody calls me back", HERE)
    with refused("empty-concern"):
        operations.complain(office, code_hash, " \n ", HERE)
    concerns = operations.list_concerns(office, ana.case)
    assert [(each.kind, each.text) for each in concerns] == [
        ("dispute", "That is not my name"),
        ("complaint", "Nobody calls me back"),
    ]
    about = {task.about for task in operations.list_tasks(office) if task.case == ana.case}
    assert {"dispute", "complaint"} <= about
    # What the person says is wrong is above all routine work.
    today = operations.list_today(office, 7)
    first = [item.task for item in today.tasks[:2]]
    assert {task.about for task in first} == {"dispute", "complaint"} and today.count > 2
    assert all(task.action == "concern" and task.since for task in first)
    ages = [
        (task.state, task.due or "9999", task.since or 0) for task in operations.list_tasks(office)
    ]
    by_state = {state: [age for age in ages if age[0] == state] for state, _, _ in ages}
    assert all(listed == sorted(listed) for listed in by_state.values())
    operations.answer_concern(office, MANAGER, ana.case, concerns[0].number, "corrected")
    about = {task.about for task in operations.list_tasks(office) if task.case == ana.case}
    assert "dispute" not in about and "complaint" in about
    page = operations.my_page(office, code_hash, "en", HERE)
    assert [concern.answer for concern in page.concerns] == ["corrected", None]


def test_one_line_is_taken_back_with_all_that_allows_some_of_it(ana: Participant) -> None:
    """Consent fails closed: another form's grant of the same doesn't keep it allowed."""
    office, (_, code_hash) = ana.office, code(ana)
    says = grant("crossroads", "prosecutor", ["enrollment"], ["filing_status"])
    to = {"prosecutor": ("exchange_operation", "operation")}
    other = grant("crossroads", "prosecutor", ["plan"], ["diversion_coordination"])
    parts = (part("consent_terms", to=to, says=says), part("consent_terms", to=to, says=other))
    operations.record_consent(office, ana.case, Draft(parts, FORM))

    def kinds() -> list[tuple[str, ...]]:
        standing = operations.list_standing_grants(office, ana.case)
        return [each.categories for each in standing if each.recipient == "prosecutor"]

    lines = operations.my_permission(office, code_hash, "prosecutor", "en", HERE).grants
    assert [each.categories for each in lines] == kinds() and len(lines) == 3
    first = next(each for each in lines if "intake_status" in each.categories)
    shown = operations.my_take_back(office, code_hash, "prosecutor", first.id, "en", HERE)
    assert {each.categories for each in shown.stops} == {first.categories, ("enrollment",)}
    assert [each.categories for each in shown.still_allowed] == [("plan",)]
    with refused("nothing-to-revoke"):
        operations.take_back(office, code_hash, "clinic", HERE, line=first.id)
    assert len(kinds()) == 3
    operations.take_back(office, code_hash, "prosecutor", HERE, line=first.id)
    assert kinds() == [("plan",)]
    # A page that was open since before ends what was allowed anew.
    again = grant("crossroads", "prosecutor", ["enrollment"], ["diversion_coordination"])
    parts = (part("consent_terms", to=to, says=again),)
    operations.record_consent(office, ana.case, Draft(parts, FORM))
    operations.take_back(office, code_hash, "prosecutor", HERE, line=first.id)
    assert kinds() == [("plan",)]
    for line in (first.id, "no-such-line"):
        with refused("nothing-to-revoke"):
            operations.take_back(office, code_hash, "prosecutor", HERE, line=line)
    assert kinds() == [("plan",)]
    # What was narrowed away, or restricted, is allowed no more, and no page says that it is.
    wide = grant("crossroads", "prosecutor", ["status", "enrollment"], ["diversion_coordination"])
    parts = (part("consent_terms", to=to, says=wide),)
    operations.record_consent(office, ana.case, Draft(parts, FORM))
    ana.town.settle()
    for says in (
        {"does": "narrow", "grant": wide["id"], "categories": ["status"]},
        {"does": "restrict", "pairs": [["crossroads", "prosecutor"]], "categories": ["plan"]},
    ):
        change = Draft((part("consent_terms", to=to, says=says),))
        operations.send_record(office, "consent_change", change, ana.case)
    assert kinds() == [("enrollment",)]
    page = operations.my_page(office, code_hash, "en", HERE)
    (row,) = [row for row in page.told if row.agency == "prosecutor"]
    assert row.may_be_told == ("being in the program",)


def test_complaints_go_to_no_other_agency(ana: Participant) -> None:
    before = len(ana.office.working_set().outbox)
    operations.note_complaint(ana.office, MANAGER, ana.case, "They were late")
    operations.note_dispute(ana.office, MANAGER, ana.case, "status", "I did come")
    assert len(ana.office.working_set().outbox) == before
    with refused("no-such-category"):
        operations.note_dispute(ana.office, MANAGER, ana.case, "weather", "x")


# The commands


def test_each_task_of_staff_is_a_command(
    ana: Participant, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ana.town.folder / "crossroads"
    passphrase = folder.parent / "passphrase-of-commands"
    passphrase.touch(0o600)
    passphrase.write_bytes(PASSPHRASE)

    def run(name: str, *words: str, typed: str = "") -> str:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(typed.encode())))
        given = [*words, "--by", MANAGER, "--passphrase-file", str(passphrase)]
        code = main(["agency", name, str(folder), ana.case[:8], *given])
        shown = capsys.readouterr()
        assert code == 0, shown.err
        return shown.out

    def phone(*words: str) -> str:
        given = [*words, "--by", MANAGER, "--passphrase-file", str(passphrase)]
        code = main(["agency", "staff", str(folder), "phone", *given])
        shown = capsys.readouterr()
        return shown.err if code else shown.out

    assert "phone 505-555-0142 x3" in phone("--number", "505-555-0142 x3")
    assert "bad-phone" in phone(MANAGER.upper(), "--number", "at the desk")
    assert "505-555-0142 x3" in run("my-page")
    assert "phone" not in phone(MANAGER, "--number", "none").partition("since")[2]
    assert "The code, shown once:" in run("person-code", "--lang", "es")
    assert f"`{MANAGER}` issued a code" in run("person-code", "--state")
    assert "no longer works" in run("person-code", "--cancel")
    assert "¿Puedo dejar el programa?" in run("my-page")
    assert json.loads(run("my-page", "--json"))["charge"]["state"] in person_wording.CHARGE
    assert "complaint" in run("complain", typed="They were rude\n")
    assert "dispute of contact" in run("dispute", "contact", typed="Not my phone\n")
    listed = run("concern")
    assert "They were rude" in listed and "not answered" in listed
    number = listed.partition(".")[0].strip()
    assert "answered: explained" in run("concern", "--answer", number, "explained")
