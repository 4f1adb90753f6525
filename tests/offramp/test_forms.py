"""Forms: what is asked, what is shown before it is sent, and that exactly this is sent, once."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import rules
from exchange.errors import RecordError
from exchange.records.content import content_models
from exchange.records.content_checks import check_part_content
from exchange.records.declared_facts import check_declared
from offramp.agency import operations
from offramp.agency.cases.case import ACCEPTED
from offramp.agency.cases.form_parts import contents_of
from offramp.agency.cases.form_questions import (
    ABOUT,
    STATED,
    Sheet,
    check_value,
    member_type,
    paths_read,
)
from offramp.agency.cases.form_terms import Form, form_terms
from offramp.agency.cases.pack_terms import pack_terms
from offramp.agency.cases.refusals import Refused, nobody_to_tell
from offramp.agency.commands import COMMANDS
from offramp.agency.commands.command import add_command
from offramp.agency.commands.form_text import WORDS, preview_lines
from offramp.agency.errors import AgencyError
from offramp.agency.hub_link import delivery
from offramp.agency.mistake_wording import Details, effects_lines
from offramp.agency.operations import FormDraft, OpenedForm, Preview, records, telling
from offramp.asking import Dialog, Question, collect_answers
from offramp.cli import main
from rules.errors import FactsError, Refusal
from rules.shelf import choice_labels, shipped, vocabulary
from rules.unknown import UNKNOWN
from tests.conftest import ROOT
from tests.support.agencies import Town
from tests.support.chance import chance
from tests.support.refused import refused
from tests.support.running_agencies import ROLES, Running, pull, serve_joined
from tests.support.simulator import DAY, FORM, HOUR, grant, part
from tests.support.terminals import END_OF_INPUT, INTERRUPT, Conversation, converse

FORMS = form_terms().forms
QUIET = Dialog("en", "America/Denver")
REFERRAL = {
    "encounter.date": "2026-11-02",
    "encounter.charges": 1,
    "encounter.charges[0].conduct": "possession",
    "encounter.drugs": 1,
    "encounter.drugs[0].kind": "opioid",
    "judgment.amenable": "yes",
    "contact.given_name": "María",
    "contact.birth_date": "1999-03-04",
}


# The data


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.name)
def test_a_form_names_only_what_the_vocabulary_has(form: Form) -> None:
    words = vocabulary()
    assert set(form.parts) <= set(form.kind.categories)
    assert set(form.roles) <= set(form.kind.issuers)
    for purpose, roles in form.purposes:
        assert purpose in words.purposes
        assert set(roles or ()) <= set(words.roles)
    for path in (*(form.fixed or {}), *(form.derived or {}), *(form.instead or {})):
        assert path.partition(".")[2] in content_models()[path.partition(".")[0]].model_fields
    assert set((form.derived or {}).values()) <= set(words.facts)


def test_each_member_is_one_of_its_content() -> None:
    for path in form_terms().members:
        category, _, name = path.partition(".")
        assert name in content_models()[category].model_fields, path


def test_every_question_and_choice_of_a_form_has_its_spanish() -> None:
    for form in FORMS.values():
        for role in form.roles:
            english = _all_questions(form, role)
            for question, other in zip(english, _all_questions(form, role, "es"), strict=True):
                assert question.text != other.text and "¿" in other.text, other.text
                for choice in question.form.choices:
                    labels = form_terms().labels, choice_labels()
                    path = re.sub(r"\[\d+\]", "", question.name)
                    is_labeled = any(choice.word in table.get(path, {}) for table in labels)
                    assert is_labeled or question.name == ABOUT, (path, choice.word)


def test_the_words_are_there_in_both_languages() -> None:
    assert WORDS["en"].keys() == WORDS["es"].keys()


def _sheet(form: Form, role: str, pack: str = "santa-fe", language: str = "en") -> Sheet:
    stated = frozenset(STATED.get(form.kind.name, ()))
    terms = pack_terms(rules.load(pack).pack)
    return Sheet(
        form, role, form.parts, _reads(pack), stated=stated, language=language, terms=terms
    )


@cache
def _reads(pack: str) -> frozenset[str]:
    return paths_read(rules.load(pack).pack)


def _all_questions(form: Form, role: str, language: str = "en") -> tuple[Question, ...]:
    lists = {fact.path: 2 for fact in vocabulary().facts.values() if fact.type == "list"}
    answers = {ABOUT: form.parts, **lists}
    if form.only:
        return ()
    return _sheet(form, role, language=language).questions(answers, frozenset())


# Whatever is answered


@given(
    st.sampled_from([(form, role) for form in FORMS.values() for role in form.roles]),
    st.sampled_from(shipped()),
    st.data(),
)
def test_whatever_is_answered_fits_the_content_of_its_kind(
    asked: tuple[Form, str], pack: str, data: st.DataObject
) -> None:
    form, role = asked
    if form.only:
        return  # it states again what was sent
    sheet = _sheet(form, role, pack)
    typed = {}

    def questions(answers: Mapping[str, Any]) -> tuple[Question, ...]:
        listed = sheet.questions(answers, frozenset(typed))
        for question in listed:
            if question.name not in typed:
                typed[question.name] = data.draw(_answers(question))
        return listed

    questions({})
    try:
        answers = collect_answers(questions, typed, QUIET)
    except Refusal as refusal:
        assert refusal.code in ("no-answer", "hidden-character") and refusal.fix
        return
    contents = contents_of(sheet, answers, _zone(), chance(3))
    for category, content in contents.items():
        answer = (form.says or {}).get("answer")
        check_part_content(form.kind.name, role, (category,), answer, {category: content})
        check_declared({category: content}, sheet.terms.vocabulary, by_issuer=True)


def _zone() -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo("America/Denver")


def _answers(question: Question) -> st.SearchStrategy[str]:
    form = question.form
    likely = {
        "bool": st.sampled_from(["yes", "no"]),
        "choice": st.sampled_from([choice.word for choice in form.choices] or ["-"]),
        "choices": st.lists(
            st.sampled_from([choice.word for choice in form.choices] or ["-"]), min_size=1
        ).map(", ".join),
        "size": st.sampled_from(["0", "1", "2"]),
        "int": st.integers(0, 99).map(str),
        "decimal": st.sampled_from(["0", "2.4", "9.1"]),
        "date": st.dates().map(str),
        "timestamp": st.sampled_from(["2026-11-02 10:00", "2026-11-02T10:00:00Z"]),
        "text": st.sampled_from(["Ana", "es", "methadone"]),
        "language": st.sampled_from(["es", "Spanish", "español", "Navajo"]),
    }[form.type]
    odd = [st.just("not known")] if form.may_be_unknown else []
    return st.one_of(likely, likely, likely, *odd, st.text(max_size=6) if len(odd) else likely)


# Agencies in memory


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Town:
    return Town(tmp_path_factory.mktemp("town"))


@pytest.fixture
def town(made: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """Agencies whose operations reach the hub in memory. Each test has a case of its own."""
    for module in (delivery, records, telling):
        if hasattr(module, "link_of"):
            monkeypatch.setattr(module, "link_of", lambda office: made.link(office.agency))
    return made


def fill(
    town: Town, agency: str, name: str, case: str | None, answers: Mapping[str, Any], **more: Any
) -> tuple[OpenedForm, FormDraft, Preview]:
    office = town.at[agency]
    opened = operations.open_form(office, name, case)
    names = frozenset(answers)
    given_answers = collect_answers(
        lambda so_far: opened.questions(so_far, names), answers, QUIET, rest_unknown=True
    )
    draft = operations.draft_form(office, opened, given_answers, **more)
    return opened, draft, operations.preview_draft(office, draft)


def tell(town: Town, agency: str, name: str, case: str | None, answers: Mapping[str, Any]) -> str:
    _, draft, _ = fill(town, agency, name, case, answers)
    sent = operations.send_draft(town.at[agency], draft)
    assert sent.record is None or sent.record.state in ("sent", "witnessed"), sent
    town.settle()
    return draft.case


def consent(town: Town, terms: dict[str, Any], *, case: str) -> None:
    """Record a consent of the person at the case managers."""
    parties = {terms["discloser"], terms["recipient"]} - {"crossroads"}
    to = dict.fromkeys(parties, ("exchange_operation", "operation"))
    draft = operations.Draft((part("consent_terms", to=to, says=terms),), FORM)
    operations.record_consent(town.at["crossroads"], case, draft)
    town.settle()


def local_now(town: Town) -> str:
    """The town's time as a person in its zone types it."""
    return datetime.fromtimestamp(town.hub.clock, ZONE).strftime("%Y-%m-%d %H:%M")


def known(town: Town, agency: str, case: str) -> dict[str, Any]:
    view = operations.open_case(town.at[agency], "Rosa Quintana", case)
    assert not [text for text in view.refusals if "stays closed" in text], view.refusals
    return {path: source.value for path, source in view.facts.items()}


def test_a_referral_goes_to_those_who_may_have_it_and_says_why_the_others_do_not(
    town: Town,
) -> None:
    events = town.at["police"].at
    _, draft, preview = fill(town, "police", "refer", None, REFERRAL)
    assert town.at["police"].at == events, "a draft and its preview keep nothing"
    assert {part.category for part in draft.parts} == {("encounter",), ("charge",), ("contact",)}
    for shown in preview.parts:
        is_contact = shown.part.category == ("contact",)
        told_to = {"crossroads"} if is_contact else {"prosecutor", "crossroads"}
        assert {*shown.part.to} == told_to
        assert {one.agency for one in shown.refused} == {*town.at} - told_to - {"police"}
        if is_contact:
            why = {one.agency: one.rule for one in shown.refused}
            assert why["prosecutor"] == "not-concerned", "only those who reach the person get it"
    charge = next(shown for shown in preview.parts if shown.part.category == ("charge",))
    rule_of = {one.agency: one.rule for one in charge.refused}
    firm = {"clinic": "provider-ceiling", "defender": "counsel-unnamed"}
    assert rule_of == firm, "no consent would change these, so they say nothing about one"
    operations.send_draft(town.at["police"], draft)
    town.settle()
    assert "person.age" not in known(town, "prosecutor", draft.case)
    told = known(town, "crossroads", draft.case)
    assert told["encounter.charges"] == [{"conduct": "possession"}]
    assert told["person.age"] == 27 and told[ACCEPTED] is True, (
        "the age follows from the birth date"
    )
    assert "encounter.weapon" not in told, "what nobody asked stays unknown"
    # An age that the birth date contradicts is said, and leads to the correction of the one told.
    office, born = town.at["police"], {"contact.birth_date": "2010-03-04"}
    found = operations.effects(office, draft.case, born)
    (odd,) = found.odd
    assert "the age `27` that you told before doesn't fit" in odd.text("en")
    lines = effects_lines(found, Details(preview.terms, ZONE))
    assert any(
        line.endswith(f"agency correct DIR {draft.case[:8]} person.age=16`") for line in lines
    )
    with refused("odd-day"):
        operations.correct(office, "Officer Lund", draft.case, born)
    assert operations.effects(office, draft.case, {**born, "person.age": 16}).odd == ()
    _, other, shown = fill(town, "police", "refer", None, {**REFERRAL, "person.age": "30"})
    (odd,) = shown.odd
    assert "the age `30`" in odd.text("en") and "`27` is told in its place" in odd.text("en")
    assert f"LOOK AGAIN: {odd.text('en')}." in preview_lines(shown, "en", ZONE)
    with refused("odd-day"):
        operations.send_draft(office, other)
    with pytest.raises(AgencyError):
        operations.read_case(town.at["clinic"], draft.case)


def test_what_is_shown_is_what_is_sent_and_it_is_sent_once(town: Town) -> None:
    office = town.at["police"]
    _, draft, preview = fill(town, "police", "refer", None, REFERRAL)
    first = operations.send_draft(office, draft)
    again = operations.send_draft(office, draft)
    assert first.record is not None and again.record is not None
    assert first.record.id == again.record.id == draft.record
    sent = [one for one in office.working_set().outbox.values() if one.case == draft.case]
    assert len(sent) == 1
    shown = [one.part for one in preview.parts]
    assert [stored["content"] for stored in sent[0].parts] == [one.content for one in shown]
    assert [set(stored["to"]) for stored in sent[0].parts] == [set(one.to) for one in shown]


@pytest.mark.parametrize("name", ["encounter.date", "contact.birth_date"])
def test_a_form_states_nothing_that_is_yet_to_come(town: Town, name: str) -> None:
    with pytest.raises(FactsError, match="is after today") as refused:
        fill(town, "police", "refer", None, REFERRAL | {name: "2027-05-05"})
    assert refused.value.code == "not-yet"


def test_a_recipient_can_be_left_out_and_none_can_be_added(town: Town) -> None:
    _, draft, _ = fill(town, "police", "refer", None, REFERRAL, recipients=("crossroads",))
    assert {agency for one in draft.parts for agency in one.to} == {"crossroads"}
    with pytest.raises(AgencyError, match="nobody may be told"):
        fill(town, "police", "refer", None, REFERRAL, recipients=("clinic",))
    with pytest.raises(AgencyError) as refused:
        fill(town, "police", "refer", None, REFERRAL, recipients=("sheriff",))
    assert refused.value.code == "unknown-agency"


def test_a_weight_reaches_everybody_who_holds_the_encounter_and_nothing_else_changes(
    town: Town,
) -> None:
    case = tell(town, "police", "refer", None, REFERRAL)
    for grams in ("2.4", "7.9"):
        town.hub.clock += HOUR
        tell(town, "police", "weigh", case, {"encounter.drugs[0].grams": f"{grams} g"})
        for agency in ("prosecutor", "crossroads", "police"):
            told = known(town, agency, case)
            assert told["encounter.drugs"] == [{"kind": "opioid", "grams": float(grams)}]
            assert told["encounter.date"] == "2026-11-02" and told["judgment.amenable"] is True
    with pytest.raises(AgencyError) as refused:
        fill(town, "police", "weigh", case, {})
    assert refused.value.code == "nothing-to-tell"


def test_the_prosecutor_gives_one_word(town: Town) -> None:
    case = tell(town, "police", "refer", None, REFERRAL)
    known(town, "prosecutor", case)
    opened = operations.open_form(town.at["prosecutor"], "screen", case)
    assert [question.name for question in opened.questions({})] == ["screening_outcome.outcome"]
    tell(town, "prosecutor", "screen", case, {"screening_outcome.outcome": "proceed"})
    view = operations.open_case(town.at["crossroads"], "Rosa Quintana", case)
    assert "screening" not in view.facts and town.at["clinic"].at
    content = [
        opened.content
        for received in town.at["crossroads"].working_set().gateway.received.values()
        for opened in received.opened.values()
        if received.committed is not None and received.committed.case == case
        if "screening_outcome" in opened.content
    ]
    assert content == [{"screening_outcome": {"outcome": "proceed"}}]


def test_each_role_is_refused_the_forms_of_others(town: Town) -> None:
    case = tell(town, "police", "refer", None, REFERRAL)
    for agency, role in ROLES.items():
        for form in FORMS.values():
            if role not in form.roles:
                with pytest.raises(AgencyError) as refused:
                    operations.open_form(town.at[agency], form.name, case)
                assert refused.value.code in ("not-yours",)


def test_a_form_is_offered_only_to_the_role_whose_it_is_under_the_pack(town: Town) -> None:
    """Police may check records elsewhere. Here the prosecutor decides the screening."""
    case = tell(town, "police", "refer", None, REFERRAL)
    for agency in ROLES:
        offered = {name for name, _ in operations.list_forms(town.at[agency])}
        assert ("screen" in offered) == (ROLES[agency] == "prosecutor"), agency
        # The pack `lead` has no facts of its own, so the form that tells them would be empty.
        assert "tell" not in offered
    with pytest.raises(AgencyError, match="`screen` isn't for `police`") as refused:
        operations.open_form(town.at["police"], "screen", case)
    assert (refused.value.code, refused.value.fix) == ("not-yours", "it is for prosecutor")


def test_the_forms_that_nobody_may_be_told_are_those_that_are_refused(town: Town) -> None:
    """The list judges without the reasons, and agrees with each form that is opened."""
    case = tell(town, "police", "refer", None, REFERRAL)
    refused_somewhere = set()
    for agency, office in town.at.items():
        town.settle()
        if case not in office.working_set().cases:
            continue
        listed = {name for name, _ in operations.list_forms(office)}
        refused = set()
        for name in listed:
            try:
                operations.open_form(office, name, case)
            except AgencyError:
                refused.add(name)
        assert operations.untellable_forms(office, case) & listed == refused, agency
        refused_somewhere |= refused
    assert refused_somewhere


def test_without_consent_the_facts_are_kept_and_nothing_is_told(town: Town) -> None:
    case = tell(town, "police", "refer", None, REFERRAL)
    known(town, "crossroads", case)
    opened, draft, preview = fill(
        town, "crossroads", "intake", case, {"case.intake_at": local_now(town)}
    )
    assert set(opened.untold) == {"intake_status"} and not draft.parts
    sent = operations.send_draft(town.at["crossroads"], draft)
    operations.send_draft(town.at["crossroads"], draft)
    assert sent.record is None and sent.recipients == ()
    stated = known(town, "crossroads", case)["case.intake_at"]
    assert datetime.fromisoformat(stated).timestamp() == town.hub.clock
    noted = town.at["crossroads"].working_set().noted
    assert [one.body["case"] for one in noted].count(case) == 1
    assert any("keep this for yourself" in line for line in preview_lines(preview, "en", ZONE))
    with pytest.raises(AgencyError) as refused:
        operations.open_form(town.at["crossroads"], "grievance", case)
    assert refused.value.code == "nobody-to-tell"


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("no-key", "{who} may be, and {have} announced no key yet"),
        ("counsel-unnamed", "{who} {have} not said that {they} the person's counsel"),
        (None, "the person's consent doesn't cover it for {who}"),
    ],
)
def test_a_refusal_lists_agencies_in_a_sentence(rule: str | None, message: str) -> None:
    for names, who, have, they in (
        (["A"], "A", "has", "it is"),
        (["A", "B"], "A and B", "have", "they are"),
        (["A", "B", "C"], "A, B, and C", "have", "they are"),
    ):
        refusal = nobody_to_tell([Refused(name, rule) for name in names], {})
        assert message.format(who=who, have=have, they=they) in refusal.message


def test_a_consent_opens_the_form_and_its_end_stops_even_a_draft_that_was_shown(
    town: Town,
) -> None:
    case = tell(town, "police", "refer", None, REFERRAL)
    known(town, "crossroads", case)
    town.hub.clock += HOUR
    consent(town, grant("crossroads", "clinic", ["plan"], ["treatment"]), case=case)
    plan = {"plan.text": "A room first.", "case.plan_at": local_now(town)}
    _, draft, preview = fill(town, "crossroads", "plan", case, plan)
    (shown,) = preview.parts
    assert shown.part.to == {"clinic": ("treatment", "consent")}
    assert (shown.part.sensitivity, shown.part.use) == ("part2", "no_adverse_action")
    assert shown.part.notice.startswith("official")
    operations.revoke_consent(town.at["crossroads"], case)
    events = town.at["crossroads"].at
    with pytest.raises(RecordError) as refused:
        operations.send_draft(town.at["crossroads"], draft)
    assert refused.value.code == "not-permitted" and town.at["crossroads"].at == events


def test_police_and_prosecutors_cannot_tell_a_no_from_a_question_never_asked(town: Town) -> None:
    def refusals(answers: Mapping[str, Any], *, ended: bool) -> Any:
        case = tell(town, "police", "refer", None, REFERRAL)
        known(town, "prosecutor", case)
        known(town, "crossroads", case)
        if ended:
            terms = grant("prosecutor", "defender", ["new_charge"], ["legal_representation"])
            consent(town, terms, case=case)
            operations.revoke_consent(town.at["crossroads"], case)
            town.settle()
        opened = operations.open_form(town.at["prosecutor"], "charge", case)
        return opened.untold

    assert refusals({}, ended=True) == refusals({}, ended=False)


def test_later_charges_are_stated_with_those_before(town: Town) -> None:
    case = tell(town, "police", "refer", None, REFERRAL)
    known(town, "prosecutor", case)
    for conduct in ("possession", "theft"):
        charge = {"case.new_charges": 1, "case.new_charges[0].conduct": conduct}
        tell(town, "prosecutor", "charge", case, charge)
    told = known(town, "prosecutor", case)["case.new_charges"]
    assert [entry["conduct"] for entry in told] == ["possession", "theft"]


def test_the_same_referral_to_one_more_agency_asks_nothing_again(town: Town) -> None:
    case = tell(town, "police", "refer", None, REFERRAL)
    opened = operations.open_form(town.at["police"], "refer", case)
    same = {"same_encounter": True}
    names = [question.name for question in opened.questions(same)]
    assert not {name for name in names if name in REFERRAL}
    other = [question.name for question in opened.questions({"same_encounter": False})]
    assert "encounter.date" in other and "contact.given_name" not in other
    town.hub.clock += HOUR
    _, draft, _ = fill(town, "police", "refer", case, {"same_encounter": "yes"})
    assert draft.case == case
    charges = next(part for part in draft.parts if part.category == ("charge",))
    entries = charges.content["charge"]["facts"]["encounter.charges"]
    assert [entry["conduct"] for entry in entries] == ["possession"]
    assert all(part.says and "referred_at" in part.says for part in draft.parts)


def test_waiting_questions_are_listed_asked_and_answered(town: Town) -> None:
    case = tell(town, "police", "refer", None, REFERRAL)
    known(town, "crossroads", case)
    question = part(
        "encounter",
        {"asks": ["encounter.drugs.grams", "encounter.weapon"]},
        to={"police": ("admission", "offer_at_scene")},
        says={"for": "eligibility"},
    )
    office = town.at["crossroads"]
    operations.send_record(office, "question", operations.Draft((question,)), case)
    town.settle()
    police = town.at["police"]
    assert operations.closed_questions(police, case)
    assert not operations.waiting_questions(police, case)
    operations.open_questions_as(police, "Officer Lund", case)
    waiting = operations.waiting_questions(police, case, language="es")
    assert {one.path for one in waiting} == {"encounter.drugs.grams", "encounter.weapon"}
    assert all(one.question.startswith("¿") for one in waiting)
    opened = operations.open_form(police, "answer", case)
    asked = [question.name for question in opened.questions({})]
    assert asked == ["encounter.drugs[0].grams", "encounter.weapon"]
    tell(
        town, "police", "answer", case, {"encounter.drugs[0].grams": "2.4", "encounter.weapon": "?"}
    )
    assert known(town, "crossroads", case)["encounter.drugs"] == [{"kind": "opioid", "grams": 2.4}]
    assert operations.waiting_questions(police, case) == (), "not known here is an answer"
    assert "encounter.weapon" not in known(town, "crossroads", case)
    with pytest.raises(AgencyError) as refused:
        operations.open_form(police, "answer", case)
    assert refused.value.code == "nothing-to-tell"
    assert "encounter.weapon" in [each.name for each in operations.list_correctable(police, case)]
    operations.correct(police, "Officer Lund", case, {"encounter.weapon": False})
    town.settle()
    assert known(town, "crossroads", case)["encounter.weapon"] is False, "known later"


def test_a_known_weight_is_told_although_another_drug_has_none(town: Town) -> None:
    drugs = {"encounter.drugs": 2, "encounter.drugs[1].kind": "other"}
    case = tell(town, "police", "refer", None, REFERRAL | drugs)
    known(town, "crossroads", case)
    question = part(
        "encounter",
        {"asks": ["encounter.drugs.grams", "encounter.drugs.basis", "encounter.weapon"]},
        to={"police": ("admission", "offer_at_scene")},
        says={"for": "eligibility"},
    )
    office, police = town.at["crossroads"], town.at["police"]
    operations.send_record(office, "question", operations.Draft((question,)), case)
    town.settle()
    operations.open_questions_as(police, "Officer Lund", case)
    weighed = {"encounter.drugs[0].grams": "1.8", "encounter.drugs[0].basis": "net"}
    _, _, preview = fill(town, "police", "answer", case, weighed)
    told = operations.told_by(preview)
    assert list(told.to) == ["Crossroads"], "the asker"
    assert {*told.to, *told.because} == {*preview.names.values()} - {"Police"}, "each is listed"
    assert told.because["Prosecutor"] == "It asked for none of this." and all(told.because.values())
    opened = operations.open_form(police, "answer", case)
    asked = [question.name for question in opened.questions({})]
    left_empty = dict.fromkeys(name for name in asked if name.startswith("encounter.drugs[1]."))
    tell(town, "police", "answer", case, left_empty | weighed | {"encounter.weapon": "no"})
    other = {"kind": "other", "basis": None}
    entries = [{"kind": "opioid", "grams": 1.8, "basis": "net"}, other]
    assert known(town, "crossroads", case)["encounter.drugs"] == entries
    open_paths = {one.path for one in operations.waiting_questions(police, case)}
    assert "encounter.drugs.grams" in open_paths, "the other weight isn't known yet"
    _, draft, _ = fill(town, "police", "answer", case, left_empty | weighed)
    assert [list(part.to) for part in draft.parts] == [["crossroads"]], "an answer that repeats"
    assert known(town, "crossroads", case)["encounter.drugs"] == entries
    assert not operations.act_automatically(police), "the rest isn't told by itself"
    tell(town, "police", "answer", case, weighed | {"encounter.drugs[1].grams": "not known"})
    unknown = {**other, "grams": None}
    assert known(town, "crossroads", case)["encounter.drugs"] == [entries[0], unknown]
    assert operations.waiting_questions(police, case) == (), "nobody is asked for ever"


def test_one_answer_goes_to_each_agency_that_asked_and_to_nobody_else(town: Town) -> None:
    case = tell(town, "police", "refer", None, REFERRAL)
    for agency in ("crossroads", "prosecutor"):
        known(town, agency, case)
    police = town.at["police"]

    def ask(agency: str, fact: str) -> None:
        asked = part("encounter", {"asks": [fact]}, to={"police": ("admission", "offer_at_scene")},
                     says={"for": "eligibility"})  # fmt: skip
        operations.send_record(town.at[agency], "question", operations.Draft((asked,)), case)

    ask("crossroads", "encounter.weapon")
    ask("prosecutor", "encounter.weapon")
    ask("crossroads", "encounter.in_area")
    town.settle()
    operations.open_questions_as(police, "Officer Lund", case)
    tell(town, "police", "answer", case, {"encounter.weapon": "no", "encounter.in_area": "yes"})
    for agency in ("crossroads", "prosecutor"):
        assert known(town, agency, case)["encounter.weapon"] is False
    assert known(town, "crossroads", case)["encounter.in_area"] is True
    assert "encounter.in_area" not in known(town, "prosecutor", case), "it didn't ask"
    assert not operations.waiting_questions(police, case)


def test_an_answer_corrects_everybody_who_has_another_value(town: Town) -> None:
    case = tell(town, "police", "refer", None, REFERRAL | {"encounter.in_area": "yes"})
    assert known(town, "prosecutor", case)["encounter.in_area"] is True
    question = part(
        "encounter",
        {"asks": ["encounter.in_area", "encounter.weapon"]},
        to={"police": ("admission", "offer_at_scene")},
        says={"for": "eligibility"},
    )
    office, police = town.at["crossroads"], town.at["police"]
    operations.send_record(office, "question", operations.Draft((question,)), case)
    town.settle()
    operations.open_questions_as(police, "Officer Lund", case)
    answers = {"encounter.in_area": "no", "encounter.weapon": "no"}
    _, draft, preview = fill(town, "police", "answer", case, answers)
    # Nobody else is told of the weapon, which nobody else was told of before.
    assert [(each.agency, each.name) for each in preview.holders] == [
        ("prosecutor", "encounter.in_area")
    ]
    assert "Also corrected at Prosecutor" in "\n".join(preview_lines(preview, "en", ZONE))
    sent = operations.send_draft(police, draft)
    assert [(each.agency, each.details) for each in sent.corrections] == [
        ("prosecutor", ("encounter.in_area",))
    ]
    assert operations.send_draft(police, draft).corrections == (), "it is sent once"
    town.settle()
    for agency in ("crossroads", "prosecutor"):
        assert known(town, agency, case)["encounter.in_area"] is False
    assert "encounter.weapon" not in known(town, "prosecutor", case)


def test_an_exit_tells_the_notice_without_consent_and_a_day_only_with_it(town: Town) -> None:
    case = tell(town, "police", "refer", None, REFERRAL)
    known(town, "crossroads", case)
    known(town, "prosecutor", case)
    town.hub.clock += DAY
    consent(town, grant("crossroads", "prosecutor", ["enrollment"], ["filing_status"]), case=case)
    tell(town, "crossroads", "exit", case, {"enrollment.since": "2026-11-03"})
    assert known(town, "prosecutor", case)["person.enrolled"] is False
    assert known(town, "crossroads", case)["person.enrolled"] is False


# Real processes


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("forms")
    with serve_joined(folder, {**ROLES, "da": "prosecutor"}, "santa-fe") as found:
        yield found


def words_of(running: Running, command: str, agency: str, *words: str) -> list[str]:
    folder = str(running.folder / agency)
    passphrase = ["--passphrase-file", str(running.passphrase)]
    return ["agency", command, folder, *words, *passphrase]


def at_terminal(running: Running, answers: list[str], *words: str) -> Conversation:
    command = [sys.executable, "-m", "offramp", *words_of(running, *words)]
    return converse(command, answers, {**os.environ, "PYTHONPATH": str(ROOT)})


def run(running: Running, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """Run a command without a terminal, and return its code and all that it printed."""
    capsys.readouterr()
    code = main(words_of(running, *words))
    printed = capsys.readouterr()
    return code, printed.out + printed.err


def outbox(running: Running, capsys: pytest.CaptureFixture[str], agency: str = "police") -> int:
    _, printed = run(running, capsys, "status", agency, "--json")
    return len(json.loads(printed)["outbox"])


ZONE = ZoneInfo("America/Denver")
TYPED = [
    *("2026-11-02", "arrest", "yes", "no", "1", "opioid", "", "weighed", "no", "yes", "no"),
    *("no", "1", "", "1", "no", "state", "Ana", "Delgado", "1999-03-04", "", "es"),
]


def test_an_officer_refers_by_answering_questions(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    before = outbox(running, capsys)
    shown = at_terminal(running, [*TYPED, "no"], "refer", "police")
    assert shown.code == 0 and "Not sent. Nothing was kept." in shown.text
    assert outbox(running, capsys) == before
    shown = at_terminal(running, ["soon", *TYPED, "perhaps", "yes"], "refer", "police")
    assert shown.code == 0, shown.text
    assert "`soon` is no answer here; answer a day such as" in shown.text
    assert shown.text.index("not to Clinic: Providers do not need") < shown.text.index("Send it?")
    assert "to Crossroads: to offer the program" in shown.text and ": sent" in shown.text
    assert outbox(running, capsys) == before + 1


def test_what_is_no_name_or_number_is_asked_again_in_words(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    place = TYPED.index("Ana")
    before = TYPED[:place]
    typed = [*before, "no sé", "4na", "Ana", "none", "31/12/1999", "call me", "", "Spanish"]
    shown = at_terminal(running, [*typed, INTERRUPT], "refer", "police", "--lang", "es")
    assert shown.code == 130, shown.text
    assert "`no sé` no se toma como texto" in shown.text
    assert "escriba un nombre de hasta cinco palabras, sin cifras" in shown.text
    assert "escriba el número en cifras, como 505-555-0100" in shown.text
    for inside in ("contact.", "pattern", "string", "[0-9]", "no answer"):
        assert inside not in shown.text, inside


@pytest.mark.parametrize("key", [INTERRUPT, END_OF_INPUT])
def test_a_stop_before_or_after_the_statement_keeps_and_sends_nothing(
    key: str, running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    before = outbox(running, capsys)
    for answered in (TYPED[:4], TYPED):
        shown = at_terminal(running, [*answered, key], "refer", "police", "--lang", "es")
        assert shown.code == 130 and "no se guardó ni se envió nada" in shown.text
        assert "Traceback" not in shown.text
    assert outbox(running, capsys) == before


FLAGS = [
    *("--date", "2026-11-02", "--route", "arrest", "--in-area", "yes", "--amenable", "yes"),
    *("--drugs", "kind=opioid, form=weighed, prescription=no", "--above-subsistence", "no"),
    *("--overdose-help-sought", "no"),
    *("--exploits-others", "no", "--charges", "conduct=possession, authority=state, violent=no"),
    *("--given-name", "Ana", "--birth-date", "1999-03-04"),
]


def test_flags_and_files_answer_for_scripts(
    running: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, printed = run(running, capsys, "refer", "police")
    assert code == 2 and "[answers-missing]" in printed
    for flag in ("--date", "--drugs", "--given-name", "--yes"):
        assert f"`{flag}`" in printed
    before = outbox(running, capsys)
    another = ("--known-person", "someone_else")  # other tests refer her too
    dry = (*FLAGS, "--dry-run", "--json")
    code, printed = run(running, capsys, "refer", "police", *dry, *another)
    preview = json.loads(printed)
    assert code == 0 and outbox(running, capsys) == before
    code, printed = run(running, capsys, "refer", "police", *FLAGS, *another, "--yes", "--json")
    sent = json.loads(printed)
    assert (code, sent["state"], sent["to"]) == (0, "sent", ["crossroads", "da"])

    code, printed = run(running, capsys, "refer", "police", *dry)
    assert code == 2 and "--known-person" in printed, "a dry run checks what a send checks"

    def contents(parts: Any) -> str:
        return json.dumps([part["content"] for part in parts], default=str)

    ids = r'"id": "[0-9a-f]{16}"'
    assert re.sub(ids, "", contents(preview["parts"])) == re.sub(
        ids, "", contents(sent["preview"]["parts"])
    )
    answers = tmp_path / "answers.yaml"
    answers.write_text(
        "encounter: {date: 2026-11-02, route: arrest, in_area: yes, drugs: [{kind: opioid}],"
        " charges: [{conduct: possession}]}\n"
        "judgment.amenable: yes\ncontact: {given_name: José}\n"
    )
    more = ("--answers", str(answers), "--rest-unknown", "--yes", "--json")
    code, printed = run(running, capsys, "refer", "police", *more)
    assert code == 0 and "José" in printed and json.loads(printed)["state"] == "sent"


def test_looks_state_only_the_acts_that_were_done(
    running: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    def refer(*flags: str) -> list[str]:
        """Refer a person, and return what the looks since then say about it."""
        before = looks()
        code, printed = run(running, capsys, "refer", "police", *flags, "--yes", "--json")
        assert code == 0 and json.loads(printed)["state"] == "sent", printed
        return [line for line in looks() if line not in before]

    def looks() -> list[str]:
        code, printed = run(running, capsys, "looks", "police")
        assert code == 0
        return printed.splitlines()

    flags = list(FLAGS)
    flags[flags.index("Ana")] = "Zoraida"
    first = refer(*flags, "--family-name", "Quinn")
    assert any("sent a record" in line for line in first), first
    assert not any("another person" in line for line in first), first
    again = refer(*flags, "--family-name", "Quinn", "--known-person", "someone_else")
    assert sum("noted that this is another person" in line for line in again) == 1, again


def test_a_referral_says_what_the_rules_say_and_a_bar_is_confirmed_on_its_own(
    running: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    def flags(drug: str, charge: str) -> tuple[str, ...]:
        drugs, charges = FLAGS.index("--drugs") + 1, FLAGS.index("--charges") + 1
        changed = {drugs: f"kind={drug}, prescription=no", charges: f"conduct=possession, {charge}"}
        given = [changed.get(at, flag) for at, flag in enumerate(FLAGS)]
        contact = ("--family-name", "Rael", "--phone", "505-555-0100", "--language", "español")
        return (*given, *contact, "--known-person", "someone_else", "--rest-unknown")

    barred = flags("stimulant", "authority=state, violent=no")
    before = outbox(running, capsys)
    code, printed = run(running, capsys, "refer", "police", *barred, "--yes")
    assert code == 2 and "[rules-bar]" in printed and outbox(running, capsys) == before
    barred_by = "The offer: the program may not be offered. THE RULES BAR THIS. The program is"
    assert barred_by in printed
    shown = at_terminal(running, ["no"], "refer", "police", *barred)
    assert "The rules bar this. Send it all the same?" in shown.text, shown.text
    assert outbox(running, capsys) == before
    code, printed = run(running, capsys, "refer", "police", *barred, "--yes", "--although-barred")
    assert code == 0 and ": sent" in printed and outbox(running, capsys) == before + 1
    violent = flags("opioid", "authority=state, violent=yes")
    for language, first in (
        ("en", "The prosecutor has to answer first."),
        ("es", "Primero tiene que responder la fiscalía."),
    ):
        words = (*violent, "--dry-run", "--lang", language)
        code, printed = run(running, capsys, "refer", "police", *words)
        assert code == 0 and first in printed, printed
        assert {"en": "Spanish", "es": "español"}[language] in printed, printed
    code, printed = run(running, capsys, "refer", "police", *words, "--json")
    assert [answer["outcome"] for answer in json.loads(printed)["rules"]] == [None, None]


def test_an_interview_feeds_a_referral(
    running: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    facts = tmp_path / "facts.json"
    begun = json.loads((ROOT / "examples" / "arrest.json").read_text())
    facts.write_text(json.dumps(begun))
    named = ("--given-name", "Ana", "--known-person", "someone_else")
    more = ("--facts", str(facts), *named, "--rest-unknown", "--yes")
    code, printed = run(running, capsys, "refer", "police", *more)
    assert code == 0 and ": sent" in printed
    assert "Left out, because this form doesn't tell it: " in printed
    assert "history" not in printed.partition("This is what you tell")[2], "no record is told"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "a",
        "x: &a [1]\ny: *a",
        "{" * 60,
        "encounter.date: [2026-11-02]",
        "encounter: {date: 17}",
        "encounter.charges: {conduct: possession}",
        "encounter.charges: [possession]",
        "encounter.charges: [[1]]",
        "encounter.charges: [{conduct: [possession]}]",
        "encounter.charges: [{verdict: guilty}]",
        "encounter.drugs: [{kind: opioid, grams: -1}]",
        "encounter.drugs: [{kind: opioid, grams: .nan}]",
        pytest.param("encounter.drugs: " + json.dumps([{}] * 300), id="many"),
        pytest.param("contact: {given_name: '" + "a" * 5000 + "'}", id="long"),
        'contact: {given_name: "a\\u202eb"}',
        "contact: {phone: call me}",
        "history.convictions: []",
        "person.enrolled: yes",
        "decisions: {screening: proceed}",
    ],
)
def test_a_hostile_file_of_answers_is_one_sentence(
    text: str, running: Running, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    answers = tmp_path / "answers.yaml"
    answers.write_text(text)
    name = () if "given_name" in text else ("--given-name", "Ana")
    words = ("refer", "police", "--answers", str(answers), *name, "--rest-unknown", "--yes")
    code, printed = run(running, capsys, *words)
    assert code == 2 and printed.startswith("offramp: ") and "Traceback" not in printed
    assert printed.rstrip().endswith("]") and "\n" not in printed.rstrip()


@cache
def dialogs() -> Mapping[str, tuple[list[str], list[str]]]:
    """The words and the flags of each command that asks, by the command's name.

    It asks if it has `--yes` or `--dry-run`. Of its flags, those are given that answer nothing.
    """
    asking = {}
    values = {"case": "CASE", "decision": "eligibility", "outcome": "eligible"}
    for command in COMMANDS.values():
        parser = argparse.ArgumentParser()
        add_command(command, parser)
        flags = {flag for action in parser._actions for flag in action.option_strings}
        if flags & {"--yes", "--dry-run"}:
            words = [values[word] for word, _ in command.words]
            if command.name == "consent":
                words = ["CASE"]
            silent = sorted(flags & {"--dry-run", "--rest-unknown"})
            asking[command.name] = words, silent
    return asking


@pytest.mark.parametrize("silent", [True, False], ids=["rest-unknown, dry-run", "no flag"])
def test_a_command_that_is_told_nothing_refuses_in_one_sentence_and_keeps_nothing(
    running: Running, capsys: pytest.CaptureFixture[str], *, silent: bool
) -> None:
    assert {*FORMS, "determine", "meeting-record", "report-status"} <= {*dialogs()}
    code, printed = run(running, capsys, "refer", "police", *FLAGS, "--rest-unknown", "--yes",
                        "--known-person", "someone_else")  # fmt: skip
    assert code == 0, printed
    case = re.findall("[0-9a-f]{32}", printed)[-1]
    pull(running, "da", "crossroads")
    for agency in ("police", "crossroads", "da"):
        before = journal(running, agency)
        for name, (words, flags) in dialogs().items():
            given = [case if word == "CASE" else word for word in words]
            given += flags if silent else []
            code, printed = run(running, capsys, name, agency, *given)
            assert "Traceback" not in printed, (agency, name, printed)
            assert code in (0, 1, 2), (agency, name, printed)
            if code:
                assert re.search(r"^offramp: .+ \[[a-z-]+\]\n\Z", printed, re.MULTILINE), (
                    name,
                    printed,
                )
        assert journal(running, agency) == before, agency


def journal(running: Running, agency: str) -> int | None:
    """The last event of an agency's journal."""
    with closing(running.office(agency)) as office:
        office.working_set()
        return office.at


def test_every_form_command_lists_its_roles_and_flags(capsys: pytest.CaptureFixture[str]) -> None:
    for form in FORMS.values():
        with pytest.raises(SystemExit):
            main(["agency", form.name, "--help"])
        printed = " ".join(capsys.readouterr().out.split())
        assert form.title["en"] in printed and "--answers FILE" in printed
        for role in form.roles if len(form.roles) < 8 else ():
            assert role in printed


def test_a_list_of_words_that_records_carry_has_no_unknown_one() -> None:
    """A barrier may be corrected to other barriers, and never to one that nobody can name."""
    areas = "barriers.areas"
    check_value(areas, member_type(areas), ("housing",))
    with pytest.raises(FactsError, match="`not known` is no answer here"):
        check_value(areas, member_type(areas), ("housing", UNKNOWN))
