"""A form's preview and result in words, in English or Spanish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from offramp.agency.cases.form_parts import Refused
from offramp.agency.cases.form_terms import form_terms, question_text
from offramp.agency.cases.plain_words import CATEGORIES, KINDS, PURPOSES
from offramp.agency.operations.telling import PartPreview, Preview, SentForm, WaitingQuestion
from rules.input.vocabulary import Fact
from rules.shelf import choice_labels, vocabulary

WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "heading": "This is what you tell ({kind}, case {case}):",
        "to": "  to {name}: {purpose}, because {basis}",
        "not_to": "  not to {name}: {because}",
        "no_consent": "the person's consent doesn't cover it",
        "accepted": "  the person said yes to the offer",
        "limit": "  limit: it is never used for a step against the person",
        "part2": "  sent with the notice of 42 CFR 2.32 about substance use records",
        "keep": "  kept until {day}",
        "nothing": "  nothing more than the notice itself",
        "kept": "You keep this for yourself:",
        "untold": "Nobody may be told about {category}.",
        "ignored": "Left out, because this form doesn't tell it: {names}",
        "nobody": "Nobody is told, and nothing was sent.",
        "dry": "Nothing was kept or sent.",
        "not_sent": "Not sent. Nothing was kept.",
        "sent": "Sent as {id} in case {case}, to {names}: {state}",
        "kept_done": "Kept here in case {case}. Nobody was told.",
        "asked": "{by} asks for `{decision}`: {question}",
        "corrects": "Also corrected at {name}: {detail}",
        "corrects_not": "{name} has an older value and can't be told: {detail}",
        "corrected": "Sent a correction to {name}: {state}",
        "no_questions": "No question waits for you.",
        "yes": "yes",
        "no": "no",
        "consent": "the person consented",
        "offer_at_scene": "the person said yes to the offer",
        "operation": "the exchange needs it to work",
    },
    "es": {
        "heading": "Esto es lo que dice ({kind}, caso {case}):",
        "to": "  a {name}: {purpose}; {basis}",
        "not_to": "  no a {name}: {because}",
        "no_consent": "el consentimiento de la persona no lo cubre",
        "accepted": "  la persona dijo que sí a la oferta",
        "limit": "  límite: nunca se usa para un paso contra la persona",
        "part2": "  va con el aviso de 42 CFR 2.32 sobre el consumo de sustancias",
        "keep": "  se guarda hasta el {day}",
        "nothing": "  nada más que el propio aviso",
        "kept": "Esto lo guarda para sí:",
        "untold": "A nadie se le puede informar sobre {category}.",
        "ignored": "Se deja fuera, porque este formulario no lo cuenta: {names}",
        "nobody": "No se informa a nadie y no se envió nada.",
        "dry": "No se guardó ni se envió nada.",
        "not_sent": "No se envió. No se guardó nada.",
        "sent": "Enviado como {id} en el caso {case}, a {names}: {state}",
        "kept_done": "Guardado aquí en el caso {case}. No se informó a nadie.",
        "asked": "{by} pregunta para `{decision}`: {question}",
        "corrects": "También se corrige en {name}: {detail}",
        "corrects_not": "{name} tiene un valor anterior y no se le puede informar: {detail}",
        "corrected": "Se envió una corrección a {name}: {state}",
        "no_questions": "Ninguna pregunta le espera.",
        "yes": "sí",
        "no": "no",
        "consent": "la persona dio su consentimiento",
        "offer_at_scene": "la persona dijo que sí a la oferta",
        "operation": "el sistema lo necesita para funcionar",
    },
}


def category_text(category: str, language: str) -> str:
    """Return a kind of information in words."""
    return CATEGORIES[category][1] if language == "es" else vocabulary().categories[category]


def preview_lines(preview: Preview, language: str) -> list[str]:
    """Return the statement of a draft, its recipients, and the others with the reason."""
    words = WORDS[language]
    draft = preview.draft
    kind = KINDS[draft.kind][1] if language == "es" else vocabulary().kinds[draft.kind].line
    lines = [""]
    if preview.parts:
        lines.append(words["heading"].format(kind=kind, case=draft.case[:8]))
    for part in preview.parts:
        lines += _part_lines(part, preview.names, language)
    if draft.kept:
        lines += ["", words["kept"], *_value_lines({"facts": draft.kept}, "", language)]
    if preview.holders:
        lines += ["", *_holder_lines(preview, language)]
    return lines


def _holder_lines(preview: Preview, language: str) -> Iterator[str]:
    """Yield the agencies with an older value, and whether a correction may go to each."""
    words, facts = WORDS[language], vocabulary().facts
    for holder in preview.holders:
        fact = facts.get(holder.name)
        detail = question_text(fact.question, language) if fact else holder.name
        key = "corrects" if holder.why_not is None else "corrects_not"
        yield words[key].format(name=_named(holder.agency, preview.names), detail=detail)


def _part_lines(part: PartPreview, names: Mapping[str, str], language: str) -> list[str]:
    words = WORDS[language]
    lines = [""]
    for category, content in part.part.content.items():
        lines.append(f"{category_text(category, language)}:")
        lines += _value_lines(content, category, language) or [words["nothing"]]
    if (part.part.says or {}).get("answer") == "accepted":
        lines.append(words["accepted"])
    lines += [
        words["to"].format(
            name=", ".join(recipients), purpose=_purpose(purpose, language), basis=basis
        )
        for (purpose, basis), recipients in _told(part, names, words).items()
    ]
    reasons: dict[str, list[str]] = {}
    for refused in part.refused:
        reason = refusal_text(refused, language)
        reasons.setdefault(reason, []).append(_named(refused.agency, names))
    for because, kept_from in reasons.items():
        lines.append(words["not_to"].format(name=", ".join(kept_from), because=because))
    if part.part.use == "no_adverse_action":
        lines.append(words["limit"])
    if part.part.sensitivity == "part2":
        lines.append(words["part2"])
    return [*lines, words["keep"].format(day=part.part.keep_until)]


def _told(
    part: PartPreview, names: Mapping[str, str], words: Mapping[str, str]
) -> dict[tuple[str, str], list[str]]:
    """Return the recipients' names by purpose and basis."""
    by_way: dict[tuple[str, str], list[str]] = {}
    for agency, (purpose, basis) in part.part.to.items():
        by_way.setdefault((purpose, words.get(basis, basis)), []).append(_named(agency, names))
    return by_way


def _purpose(purpose: str, language: str) -> str:
    return PURPOSES[purpose][1] if language == "es" else vocabulary().purposes[purpose]


def refusal_text(refused: Refused, language: str) -> str:
    """Return why an agency doesn't receive a part, with the id of the rule."""
    if refused.because is None:
        return WORDS[language]["no_consent"]
    because = refused.spanish if language == "es" and refused.spanish else refused.because
    return f"{because} [{refused.rule}]"


def _named(agency: str, names: Mapping[str, str]) -> str:
    return names.get(agency, agency)


# Values


def _value_lines(content: Mapping[str, Any], category: str, language: str) -> list[str]:
    return [f"    {question}  {value}" for question, value in _values(content, category, language)]


def _values(content: Mapping[str, Any], category: str, language: str) -> Iterator[tuple[str, str]]:
    facts = vocabulary().facts
    for path, member in form_terms().members.items():
        group, _, name = path.partition(".")
        if group == category and name in content:
            yield member.texts[language], value_text(path, content[name], language)
    for path, value in (content.get("facts") or {}).items():
        fact = facts[path]
        question = question_text(fact.question, language)
        if not isinstance(value, list | tuple):
            yield question, value_text(path, value, language, fact.unit)
            continue
        yield question, str(len(value))
        for index, entry in enumerate(value, 1):
            text = ", ".join(_field_texts(entry, fact, language))
            yield f"  {index}.", text or "–"


def _field_texts(entry: Mapping[str, Any], fact: Fact, language: str) -> Iterator[str]:
    for name, field in fact.fields.items():
        value = entry.get(name)
        if value is not None:
            text = value_text(field.path, value, language, field.unit)
            is_bool = isinstance(value, bool)
            yield f"{question_text(field.question, language)} {text}" if is_bool else text


def value_text(path: str, value: Any, language: str, unit: str | None = None) -> str:
    """Return an answer in words: a choice by its label, a number with its unit."""
    if isinstance(value, bool):
        return WORDS[language]["yes" if value else "no"]
    if isinstance(value, list | tuple):
        return ", ".join(value_text(path, item, language) for item in value)
    terms = form_terms()
    is_choice = value in choice_labels().get(path, {}) or value in terms.labels.get(path, {})
    text = terms.label(path, value, language) if is_choice else str(value)
    return f"{text} {terms.label('unit', unit, language)}" if unit else text


def sent_form_lines(sent: SentForm, names: Mapping[str, str], language: str) -> list[str]:
    """Return what was sent, or that it is kept here."""
    words = WORDS[language]
    case = sent.case
    if sent.record is None:
        kept = words["kept_done"].format(case=case)
        return list(_corrected_lines(sent, names, words)) or [kept]
    recipients = ", ".join(names.get(agency, agency) for agency in sent.recipients)
    return [
        words["sent"].format(
            id=sent.record.id, case=case, names=recipients, state=sent.record.state
        ),
        *_corrected_lines(sent, names, words),
    ]


def _corrected_lines(
    sent: SentForm, names: Mapping[str, str], words: Mapping[str, str]
) -> Iterator[str]:
    for correction in sent.corrections:
        name = _named(correction.agency, names)
        yield words["corrected"].format(name=name, state=correction.state)


def waiting_lines(questions: tuple[WaitingQuestion, ...], language: str) -> list[str]:
    """List the questions that wait, with the agency that asks each."""
    words = WORDS[language]
    return [
        words["asked"].format(
            by=question.by, decision=question.decision, question=question.question
        )
        for question in questions
    ] or [words["no_questions"]]
