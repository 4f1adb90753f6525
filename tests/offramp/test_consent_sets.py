"""Consent from the pack: every answer has exactly its effect, by the rules that the exchange asks.

The person's no to any question, minimum or optional, denies exactly what that question names. What
a question says about a no is held against the rules of every shipped pack.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exchange.consent.disclosure import Judge
from exchange.consent.reduction import FROM_CARE
from exchange.records.building import Part
from exchange.records.ids import new_id
from offramp.agency import operations
from offramp.agency.cases.consent_form import (
    Answers,
    Form,
    Line,
    asked_sets,
    make_form,
    make_statement,
)
from offramp.agency.cases.plain_words import CATEGORIES, PURPOSES
from offramp.agency.errors import AgencyError
from offramp.agency.folder.journal import Event
from offramp.agency.operations import Signature
from offramp.documents.markdown import markdown
from offramp.documents.pack_page import pack_page
from offramp.documents.segments import segment_of
from rules.author.difference import loosened
from rules.decide.consent import ENTRY, STAYING, Passage, closure, depending, passages, permits
from rules.decide.program import Program
from rules.errors import Refusal
from rules.packs.pack import ConsentQuestion, Pack
from rules.packs.resolve import segments_of
from rules.shelf import read_pack, shipped, vocabulary
from tests.support.agencies import PASSPHRASE, ROLES, Town, referral
from tests.support.chance import chance
from tests.support.simulator import KEEP, part
from tests.support.terminals import INTERRUPT, Conversation, converse

ROOT = Path(__file__).parents[2]
SETS = ("hand_off", "plan")
NAME, STAFF = "Ana Delgado", "Rosa Quintana"
SIGNED = Signature(NAME, "typed", "Crossroads", False, True, True)
EVERYONE = {
    **ROLES,
    "lead-office": "program",
    "mesa": "treatment_provider",
    "housing": "service_provider",
}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"), EVERYONE, others=())


random = chance(41)


def begin(town: Town) -> str:
    """Return a new case that the case managers were referred, with counsel for the person."""
    case = new_id(random)
    town.at["police"].compose("referral", [referral()], case=case)
    to = dict.fromkeys(("crossroads", "lead-office", "prosecutor"), OPERATION)
    says = {"agency": "defender"}
    acts = part("operation", {}, to=to, says=says, use="none")
    town.at["defender"].compose("representation", [acts], case=case)
    return case


OPERATION = ("exchange_operation", "operation")


def form_of(town: Town, set_id: str, lang: str = "en") -> Form:
    return operations.open_consent_form(town.at["crossroads"], set_id, lang)


def record(town: Town, case: str, set_id: str, answers: Answers) -> operations.RecordedConsent:
    office = town.at["crossroads"]
    return operations.record_answers(office, STAFF, case, set_id, answers, NAME, SIGNED)


Told = frozenset[tuple[str, str, str, str]]


def told_by(lines: Iterable[Line]) -> Told:
    """Return each sender, recipient, category, and purpose that lines name."""
    return frozenset(
        (line.discloser, line.recipient, category, purpose)
        for line in lines
        for category in line.categories
        for purpose in line.purposes
    )


def permitted(town: Town, case: str, asked: Told) -> Told:
    """Return those of them that the sender's gateway would let pass."""
    found = set()
    for sender, recipient, category, purpose in asked:
        office = town.at[sender]
        is_care = category in FROM_CARE or category == "barriers"
        told = Part(
            category=(category,),
            content={},
            to={},
            keep_until=KEEP,
            use="no_adverse_action",
            sensitivity="part2" if is_care else "plain",
            notice="short-1" if is_care else "none",
        )
        verdict = office.working_set().gateway.judge_part(
            "answer", told, recipient, (purpose, "consent"), case=case, now=office.clock()
        )
        if verdict.permit:
            found.add((sender, recipient, category, purpose))
    return frozenset(found)


def test_a_no_to_any_question_denies_what_it_names_and_nothing_else(town: Town) -> None:
    cases: dict[tuple[str, str], str] = {}
    for set_id in SETS:
        for question in form_of(town, set_id).questions:
            cases[set_id, question.id] = begin(town)
    town.settle()
    for (set_id, refused), case in cases.items():
        answers = {each.id: each.id != refused for each in form_of(town, set_id).questions}
        recorded = record(town, case, set_id, answers)
        assert len(recorded.grants) == sum(
            len(each.lines) for each in form_of(town, set_id).questions if each.id != refused
        )
    town.settle()
    for (set_id, refused), case in cases.items():
        questions = form_of(town, set_id).questions
        asked = told_by(line for each in questions for line in each.lines)
        allowed = told_by(line for each in questions if each.id != refused for line in each.lines)
        assert asked - allowed, "each question names something that no other one does"
        assert permitted(town, case, asked) == allowed, f"{set_id}: no to {refused}"


def test_a_later_no_ends_a_yes_without_a_signature_and_later_ends_nothing(town: Town) -> None:
    case = begin(town)
    town.settle()
    questions = form_of(town, "hand_off").questions
    record(town, case, "hand_off", {each.id: True for each in questions})
    town.settle()
    asked = told_by(line for each in questions for line in each.lines)
    assert permitted(town, case, asked) == asked
    # Asked again: one no, one put off, and a yes that nobody signs.
    office = town.at["crossroads"]
    again: Answers = {"counsel": (2,), "program_entry": False}
    recorded = operations.record_answers(office, STAFF, case, "hand_off", again, NAME, None)
    assert not recorded.grants
    town.settle()
    counsel = next(each for each in questions if each.id == "counsel")
    entry = next(each for each in questions if each.id == "program_entry")
    ended = told_by([counsel.lines[0], counsel.lines[2], *entry.lines])
    assert len(recorded.ended) == 4
    assert permitted(town, case, asked) == asked - ended
    standing = operations.list_standing_grants(office, case)
    assert told_by_standing(standing) == asked - ended
    # The person takes back one more, chosen by its sentence in Spanish.
    spanish = operations.list_standing_grants(office, case, "es")
    police = [each for each in spanish if each.recipient == "prosecutor"]
    assert all(each.sentence.endswith("de 2027.") for each in spanish)
    operations.revoke_consent(office, case, grants=[each.id for each in police])
    town.settle()
    left = {each for each in asked - ended if each[1] != "prosecutor"}
    assert permitted(town, case, asked) == left
    with pytest.raises(AgencyError) as refused:
        operations.revoke_consent(office, case, grants=[police[0].id])
    assert refused.value.code == "no-such-grant"


def told_by_standing(standing: Iterable[operations.StandingGrant]) -> Told:
    return frozenset(
        (grant.discloser, grant.recipient, category, purpose)
        for grant in standing
        for category in grant.categories
        for purpose in grant.purposes
    )


def test_what_is_recorded_is_what_was_shown(town: Town) -> None:
    case = begin(town)
    town.settle()
    office = town.at["crossroads"]
    answers: Answers = {"treatment:mesa": True, "treatment:clinic": False, "police_status": False}
    shown = operations.write_statement(office, "plan", answers, NAME, "es")
    recorded = operations.record_answers(
        office, STAFF, case, "plan", answers, NAME, SIGNED, "es", version=shown.version
    )
    assert recorded.lines == shown.lines and recorded.version == shown.version
    assert [each.recipient for each in shown.agreed] == ["mesa"]
    text = "\n".join(shown.lines)
    assert "SÍ: Crossroads puede decir a Mesa" in text
    assert "NO: Usted no permite que Crossroads diga a Police" in text
    assert "services" not in text and "Housing" not in text, "a question put off isn't in it"
    (outgoing,) = (
        each for each in office.working_set().outbox.values() if each.jti == recorded.records[0].id
    )
    assert outgoing.form is not None
    assert outgoing.form["texts"] == [{"id": "plan", "version": shown.version, "language": "es"}]
    assert outgoing.form["method"] == "typed"
    (statement,) = (each for each in office.working_set().statements if each.body["case"] == case)
    assert tuple(statement.body["lines"]) == shown.lines
    (plan,) = (each for each in operations.list_consent_sets(office, case) if each.id == "plan")
    assert len(plan.asked) == 1 and not plan.is_due
    with pytest.raises(AgencyError) as refused:
        operations.record_answers(
            office, STAFF, case, "plan", {}, NAME, SIGNED, "es", version=shown.version
        )
    assert refused.value.code == "other-text"


def test_the_signed_text_is_due_for_destruction_after_its_last_day(town: Town) -> None:
    case = begin(town)
    town.settle()
    record(town, case, "hand_off", {"counsel": True})
    working_set = town.at["crossroads"].working_set()
    (event,) = (each for each in working_set.statements if each.body["case"] == case)
    (grant,) = {each.until for each in form_of(town, "hand_off").questions[-1].lines}
    # Signed consents are kept six years from their last day (45 CFR 164.530(j)(2)).
    assert event.body["keep_until"] == f"{int(grant[:4]) + 6}{grant[4:]}"
    (kept,) = operations.list_retention(town.at["crossroads"], case).cases
    days = {row.last_ends.isoformat() for row in kept.rows if row.rule == "consents"}
    assert days == {event.body["keep_until"]}


def test_only_a_collector_asks_and_only_what_the_form_asks(town: Town) -> None:
    case = begin(town)
    town.settle()
    for name in ("police", "prosecutor", "lead-office", "defender"):
        with pytest.raises(AgencyError) as refused:
            operations.open_consent_form(town.at[name], "hand_off")
        assert refused.value.code == "not-a-collector"
    office = town.at["crossroads"]
    wrong: list[tuple[str, Answers, str]] = [
        ("nothing", {}, "no-consent-set"),
        ("hand_off", {"nobody": True}, "no-such-answer"),
        ("hand_off", {"counsel": (0,)}, "no-such-answer"),
        ("hand_off", {"counsel": (1, 9)}, "no-such-answer"),
    ]
    before = len(office.working_set().outbox)
    for set_id, answers, code in wrong:
        with pytest.raises(AgencyError) as refused:
            record(town, case, set_id, answers)
        assert refused.value.code == code
    with pytest.raises(AgencyError) as refused:
        record(town, "f" * 32, "hand_off", {"counsel": True})
    assert refused.value.code == "no-such-case"
    assert len(office.working_set().outbox) == before


@settings(max_examples=15)
@given(st.data())
def test_any_answers_are_recorded_line_by_line(town: Town, data: st.DataObject) -> None:
    """The statement has each answered line once, with its answer, and no other line."""
    form = form_of(town, data.draw(st.sampled_from(SETS)))
    answers: dict[str, bool | tuple[int, ...]] = {}
    expected = {True: [], False: []}  # type: dict[bool, list[Line]]
    for question in form.questions:
        kind = data.draw(st.sampled_from(("yes", "no", "lines", "later")))
        numbers = range(1, len(question.lines) + 1)
        chosen = tuple(sorted(data.draw(st.sets(st.sampled_from(numbers)))))
        if kind != "later":
            answers[question.id] = chosen if kind == "lines" else kind == "yes"
            for number in numbers:
                is_yes = number in chosen if kind == "lines" else kind == "yes"
                expected[is_yes].append(question.lines[number - 1])
    office = town.at["crossroads"]
    statement = operations.write_statement(office, form.id, answers, NAME)
    assert (list(statement.agreed), list(statement.declined)) == (expected[True], expected[False])
    for line in expected[True]:
        assert f"YES: {line.sentence}" in statement.lines
    for line in expected[False]:
        assert f"NO: {line.refusal}" in statement.lines


def test_a_hidden_character_in_a_name_is_refused_signed_or_not(town: Town) -> None:
    case = begin(town)
    town.settle()
    office = town.at["crossroads"]
    wrong = "Ana\x1b[2K"
    attempts = [
        (STAFF, wrong, SIGNED),
        (STAFF, wrong, None),
        (wrong, NAME, None),
        (STAFF, NAME, Signature(wrong, "typed", "Crossroads", False, True, True)),
    ]
    for actor, person, signature in attempts:
        with pytest.raises(Refusal):
            operations.record_answers(
                office, actor, case, "hand_off", {"counsel": True}, person, signature
            )
    assert not statements_of(town, case)


# The packs


def judged(judge: Judge, passage: Passage, day: date | None, status: str) -> bool:
    """Return what the exchange answers on the facts that its reduction would make."""
    assert day is not None
    is_care = passage.category in FROM_CARE
    flat: dict[str, object] = {
        "sender.role": passage.sender,
        "recipient.role": passage.recipient,
        "recipient.represents": passage.recipient == "defender",
        "part.category": passage.category,
        "part.use": "no_adverse_action",
        "part.sensitivity": "part2" if is_care else "plain",
        "part.question": False,
        "purpose": passage.purpose,
        "grant.status": status,
        "grant.type": "ordinary",
        "restriction": False,
        "override": "none",
        "basis": "consent" if status == "live" else "none",
    }
    return judge.facts(flat, day).permit


WITH_SETS = [name for name in shipped() if read_pack(name).consent_sets]


@pytest.mark.parametrize("name", WITH_SETS)
def test_every_grant_of_a_shipped_pack_is_permitted_and_nothing_optional_is_tied(name: str) -> None:
    pack = read_pack(name)
    program = Program(pack, list(segments_of(pack))[-1].day)
    judge = Judge(pack)
    assert set(SETS) <= pack.consent_sets.keys()
    for consent_set in pack.consent_sets.values():
        for question in consent_set.questions.values():
            for grant in question.grants:
                for passage in passages(grant, question.recipient):
                    assert permits(program, passage), passage
                    assert judged(judge, passage, program.as_of, "live"), passage
                    assert not judged(judge, passage, program.as_of, "ended"), passage
                    decisions = set(depending(pack, passage))
                    if question.need == "optional":
                        assert not decisions & (closure(pack, ENTRY) | closure(pack, STAYING))
    police = [
        each for each in pack.consent_sets["plan"].questions.values() if each.recipient == "police"
    ]
    told = [set(grant.categories) for each in police for grant in each.grants]
    assert {"enrollment"} in told, "police are asked for enrollment in a question of its own"
    assert not any("enrollment" in categories and len(categories) > 1 for categories in told)


# What a signed form has to say (42 CFR 2.31(a), 45 CFR 164.508(c)), in both languages.
REQUIRED = {
    "right to revoke, and how": (
        "take back any of it, on any day, in writing or by saying so. Tell Crossroads",
        "retirar cualquier parte, cualquier día, por escrito o con solo decirlo. Dígalo a Cross",
    ),
    "what was done in reliance": (
        "What was told or done before can't be undone",
        "Lo que ya se dijo o se hizo no se puede deshacer",
    ),
    "no condition on treatment, payment, enrollment, or benefits": (
        "may make your treatment, its payment, your health insurance, or your benefits depend on",
        "que su tratamiento, el pago, su seguro médico o sus beneficios dependan de que usted",
    ),
    "refusal": ("You don't have to sign", "No tiene que firmar"),
    "redisclosure": (
        "could pass it on. The federal health privacy rule (HIPAA) may not protect it then",
        "podría pasarlo a otros. Entonces la regla federal de privacidad de la salud (HIPAA)",
    ),
    "redisclosure of Part 2 records (2.31(a)(4)(iii) and (10))": (
        "may pass them on as HIPAA permits, and then Part 2 may no longer protect them",
        "pasarlos a otros como permite HIPAA, y entonces la Parte 2 puede dejar de protegerlos",
    ),
    "proceedings": (
        "nobody may use them in a court case or another proceeding against you",
        "nadie puede usarlos en un juicio ni en otro procedimiento en su contra",
    ),
    "copy": ("You get a copy of this", "Usted recibe una copia de esto"),
}


@pytest.mark.parametrize("name", WITH_SETS)
def test_every_pack_s_form_has_what_privacy_law_requires(town: Town, name: str) -> None:
    pack = read_pack(name)
    program = Program(pack, list(segments_of(pack))[-1].day)
    directory = town.at["crossroads"].working_set().gateway.history.newest
    for (set_id, consent_set), (column, lang) in product(
        asked_sets(program).items(), enumerate(("en", "es"))
    ):
        form = make_form(program, consent_set, directory, "crossroads", date(2026, 11, 29), lang)
        answers = {question.id: True for question in form.questions}
        statement = make_statement(form, answers, NAME, pack.title)
        text = "\n".join(statement.lines)
        for required, sentences in REQUIRED.items():
            assert sentences[column] in text, (set_id, lang, required)
        # The core elements: person, date, who tells whom, what, what for, and until when.
        day, last_day = (
            ("Date: November 29, 2026", "This ends on November 28, 2027"),
            ("Fecha: 29 de noviembre de 2026", "Esto termina el 28 de noviembre de 2027"),
        )[column]
        assert NAME in statement.lines[0] and day in statement.lines[0]
        for line in statement.agreed:
            assert line.sentence in text
            for word in (
                *(CATEGORIES[category][column] for category in line.categories),
                *(PURPOSES[purpose][column] for purpose in line.purposes),
                *(directory.agencies[each].name for each in (line.discloser, line.recipient)),
            ):
                assert word in line.sentence, (set_id, lang, word)
        assert text.count(last_day) == len(statement.agreed)
        # What a no leaves open is in the signed text, not only beside the question.
        is_tied = any(
            depending(pack, passage)
            for question in consent_set.questions.values()
            for grant in question.grants
            for passage in passages(grant, question.recipient)
        )
        opening = ("If you say no, the rules may have", "Si dice que no, las reglas pueden")[column]
        assert (opening in text) == is_tied


def test_a_pack_that_widens_a_set_of_the_model_lifts_the_floor() -> None:
    """Also where the pack brings its own copy of the model, which its check would compare with."""
    lead = read_pack("lead")
    hand_off = lead.consent_sets["hand_off"]
    questions = dict(hand_off.questions)

    def with_question(changed: ConsentQuestion) -> Pack:
        widened = replace(hand_off, questions={**questions, changed.id: changed})
        return replace(lead, consent_sets={**lead.consent_sets, "hand_off": widened})

    counsel = questions["counsel"]
    first = counsel.grants[0]
    more = replace(first, categories=(*first.categories, "plan"))
    for wider in (
        replace(counsel, days=366),
        replace(counsel, need="minimum"),
        replace(counsel, recipient="police"),
        replace(counsel, grants=(more,)),
    ):
        assert loosened(lead, with_question(wider), invariants=True), wider
    tighter = replace(counsel, days=30, grants=(first,))
    assert not loosened(lead, with_question(tighter), invariants=True)


DENYING = """\
id: quiet
title: A city that tells police less
extends: lead
time_zone: America/Denver
program: {from: 2024-01-01, source: county}
sources:
  county: {title: The county, address: https://example.org/county, confidence: high}
decisions:
  disclosure:
    rules:
      - id: no-status-for-police
        when: 'recipient.role == "police" && part.category == "status"'
        then: deny
        because: Police are told no status here.
        source: county
"""


def test_what_a_city_denies_nobody_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "quiet").mkdir()
    (tmp_path / "quiet" / "pack.yaml").write_text(DENYING, encoding="utf-8")
    pack = read_pack(tmp_path / "quiet", whole=True)
    asked = asked_sets(Program(pack, date(2026, 1, 1)))["plan"].questions
    before = pack.consent_sets["plan"].questions
    assert asked["police_status"].grants[0].categories == ("case_manager_contact",)
    assert {name for name in before if asked.get(name) != before[name]} == {"police_status"}
    page = markdown(pack_page(segment_of(pack, None)))
    (row,) = (line for line in page.splitlines() if line.startswith("| `police_status`"))
    assert "| case manager contact |" in row


def test_what_a_no_changes_is_worked_out_from_the_rules(town: Town) -> None:
    by_id = {each.id: each for set_id in SETS for each in form_of(town, set_id).questions}
    assert any("whether you are in the program" in each for each in by_id["program_entry"].if_no)
    assert not any("enter the program does not" in each for each in by_id["program_entry"].if_no)
    same = "Whether you enter the program does not depend on it."
    for question in by_id.values():
        assert (same in question.if_no) == (question.id != "program_entry")
        assert question.if_no[-1].startswith("No rule of the program looks at")
    police = by_id["police_enrollment"]
    assert "drug or alcohol use" in police.never and "the plan made with you" in police.never
    assert by_id["counsel"].never == ()


def test_police_get_one_word_of_the_status_and_never_what_is_in_the_way() -> None:
    """What the page for participants and the README say. The word is of a fixed list."""
    pack = read_pack("lead")
    program = Program(pack, list(segments_of(pack))[-1].day)
    purposes = {
        purpose
        for consent_set in pack.consent_sets.values()
        for question in consent_set.questions.values()
        for grant in question.grants
        for purpose in grant.purposes
    }
    for sender in ("case_management", "program"):
        for purpose in purposes:
            assert not permits(program, Passage(sender, "police", "barriers", purpose))
    assert permits(
        program, Passage("case_management", "police", "status", "diversion_coordination")
    )
    text = " ".join((ROOT / "docs" / "for-participants.md").read_text(encoding="utf-8").split())
    first, second, third = (each[0] for each in vocabulary().closed_words["engagement"].values())
    assert f"it says one thing: {first}, {second}, or {third}." in text
    assert "It never says what you need help with, like housing." in text


@pytest.mark.parametrize("lang", ["en", "es"])
def test_a_no_says_only_that_nothing_is_told_through_those_who_asked(town: Town, lang: str) -> None:
    """Police may have told the prosecutor the same before, as the law lets them.

    So a no claims nothing about them, and names the agencies of the question's lines. What is
    signed has no such sentence.
    """
    office = town.at["crossroads"]
    agencies = office.working_set().gateway.history.newest.agencies
    for set_id in SETS:
        shown = form_of(town, set_id, lang)
        for question in shown.questions:
            senders = dict.fromkeys(agencies[line.discloser].name for line in question.lines)
            through = (" o " if lang == "es" else " or ").join(senders)
            name = question.recipient_name
            told = {
                "en": f"{name} is told none of this through {through}.",
                "es": f"A {name} no se le dice nada de esto por medio de {through}.",
            }
            assert question.if_no[0] == told[lang]
        answers = dict.fromkeys((question.id for question in shown.questions), False)
        signed = operations.write_statement(office, set_id, answers, "Ana Muñoz", lang)
        assert not any("through" in line or "por medio de" in line for line in signed.lines)


@pytest.mark.parametrize("lang", ["en", "es"])
def test_no_key_of_the_vocabulary_is_shown(town: Town, lang: str) -> None:
    for set_id in SETS:
        form = form_of(town, set_id, lang)
        for question in form.questions:
            texts = (question.text, question.until, *question.never, *question.if_no)
            for text in (*texts, *(line.sentence for line in question.lines), *form.rights):
                assert "_" not in text and "{" not in text, text


# At a terminal, as a process of its own


@pytest.fixture
def folder(town: Town, tmp_path: Path) -> tuple[Town, str, list[str]]:
    """A case of its own, and the words of a command at the case managers' folder."""
    case = begin(town)
    town.settle()
    secret = tmp_path / "passphrase"
    secret.write_bytes(PASSPHRASE)
    secret.chmod(0o600)
    at = [str(town.folder / "crossroads"), "--passphrase-file", str(secret)]
    return town, case, [sys.executable, "-m", "offramp", "agency", "{}", *at]


def statements_of(town: Town, case: str) -> list[Event]:
    statements = town.at["crossroads"].working_set().statements
    return [each for each in statements if each.body["case"] == case]


def talk(words: list[str], command: str, more: list[str], answers: list[str]) -> Conversation:
    line = [command if word == "{}" else word for word in words]
    return converse([*line, *more], answers)


def test_a_person_is_asked_in_spanish_and_signs_what_was_shown(
    folder: tuple[Town, str, list[str]],
) -> None:
    town, case, words = folder
    staff = ["Crossroads", "no", "", NAME]
    person = ["1", "2", "3", "yes", "si", "no", "después", "no", "Si"]
    signing = ["1", "yes", "yes", "Luz Vega", "Ana Vega", "ana delgado", "yes"]
    shown = talk(words, "consent", [case, "--lang", "es"], [*staff, *person, *signing])
    assert shown.code == 0, shown.text
    # How it is explained and signed is read before anything is signed or recorded.
    shown_back = shown.text.index("Cómo se explica y se firma:")
    assert shown_back < shown.text.index("Para firmar, la persona escribe su nombre")
    for line in (
        *("Lo explica Rosa Quintana en español. Lugar: Crossroads", "Intérprete: nadie"),
        *("Tiempo para pensar: sí", "Testigo: Luz Vega", "Firma: la persona escribe su nombre"),
    ):
        assert line in shown.text[shown_back:]
    assert "`Ana Vega` no es el nombre del formulario; escriba `Ana Delgado`" in shown.text
    assert "Pregunta 1 de 6" in shown.text and "Si dice que no:" in shown.text
    assert "SÍ: Crossroads puede decir a Lead-Office: que su primera entrevista" in shown.text
    (statement,) = statements_of(town, case)
    assert statement.body["language"] == "es" and statement.body["signed"] == "typed"
    town.settle()
    sentences = operations.list_standing_grants(town.at["crossroads"], case)
    form = form_of(town, "hand_off")
    yes = [form.questions[0].lines, form.questions[2].lines[:2], form.questions[5].lines]
    assert told_by_standing(sentences) == told_by(line for lines in yes for line in lines)
    # Take back: the list has a number for each grant, after "all of it".
    back = talk(words, "revoke", [case], ["2, 3"])
    assert back.code == 0, back.text
    left = operations.list_standing_grants(town.at["crossroads"], case)
    assert [each.id for each in left] == [each.id for each in sentences[2:]]


@pytest.mark.parametrize("stop_at", [5, 12])
def test_a_person_who_stops_keeps_and_sends_nothing(
    folder: tuple[Town, str, list[str]], stop_at: int
) -> None:
    town, case, words = folder
    answers = ["Crossroads", "no", "", NAME, *["1"] * 6, "1", NAME, "yes"]
    shown = talk(words, "consent", [case], [*answers[:stop_at], INTERRUPT])
    assert shown.code == 130
    assert not statements_of(town, case)
    outbox = town.at["crossroads"].working_set().outbox.values()
    assert not [each for each in outbox if each.kind == "consent" and each.case == case]


def test_a_script_gives_flags_and_a_file_and_misses_nothing_silently(
    folder: tuple[Town, str, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from offramp.cli import main

    town, case, words = folder
    line = [word for word in words[3:] if word != "{}"]

    def run(*more: str) -> tuple[int, str]:
        code = main([line[0], "consent", *line[1:], case, *more])
        said = capsys.readouterr()
        return code, said.out + said.err

    code, text = run()
    assert code == 2 and "--place" in text and "[answers-missing]" in text
    details = [
        "--by",
        "Rosa Quintana",
        "--place",
        "Crossroads, office #2",
        "--in-custody",
        "no",
        "--name",
        NAME,
    ]
    # What the signed form can't state is refused before anything is asked.
    code, text = run(*details, "--place", "Room = 2")
    assert code == 2 and "a place of up to ten words" in text and "[wrong-shape]" in text
    code, text = run(*details)
    assert code == 2 and "`--allow`, `--decline`, or `--answers FILE`" in text
    code, text = run(*details, "--allow", "counsel", "--decline", "counsel")
    assert code == 2 and "has a yes and a no" in text
    answers = tmp_path / "answers.yaml"
    answers.write_text(
        "answers: {counsel: [1, 3], program_entry: yes, program_work: no, case_managers: later}\n"
        "signed: paper\ntime_to_think: yes\ncopy_given: yes\n",
        encoding="utf-8",
    )
    code, text = run(*details, "--answers", str(answers))
    assert code == 2 and "--yes" in text
    code, text = run(*details, "--answers", str(answers), "--yes", "--json")
    assert code == 0, text
    value = json.loads(text)
    assert value["set"] == "hand_off" and len(value["grants"]) == 4
    for wrong, code_of in (
        ("answers: {counsel: perhaps}", "no-answer"),
        ("answers: {nobody: yes}", "no-such-answer"),
        ("answers: [yes]", "unknown-question"),
        ("anser: {counsel: yes}", "unknown-question"),
        ("answers: {counsel: [1, two]}", "no-such-answer"),
        ("answers: {counsel: each}", "no-such-answer"),
    ):
        answers.write_text(wrong, encoding="utf-8")
        code, text = run(*details, "--answers", str(answers), "--yes", "--set", "hand_off")
        assert code == 2 and f"[{code_of}]" in text, text
    assert len(statements_of(town, case)) == 1
