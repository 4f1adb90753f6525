"""A form's preview and result in words, in English or Spanish."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.pack_terms import PackTerms, shared_terms
from offramp.agency.cases.plain_words import CATEGORIES, KINDS, PURPOSES
from offramp.agency.cases.preliminary import Preliminary
from offramp.agency.cases.refusals import Refused
from offramp.agency.fact_words import entry_text, value_text
from offramp.agency.operations import DeterminationPreview, TellingPreview
from offramp.agency.operations.asked_questions import WaitingQuestion
from offramp.agency.operations.telling import PartPreview, Preview, SentForm
from offramp.agency.short_handles import short
from rules.author.spoken_dates import spoken_day
from rules.shelf import vocabulary

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
        "nobody": "Nobody is told: there is nothing to send.",
        "keep_it": "Keep it here?",
        "shows": "  it also shows: {category}",
        "kept_decision": "Nobody is told. The decision is kept here alone.",
        "notice": "the notice that this happened, without any detail:",
        "only_notice": " (gets only the notice)",
        "dry": "Nothing was kept or sent.",
        "not_sent": "Not sent. Nothing was kept.",
        "left_open": "Nothing was told, and these questions stay asked.",
        "sent": "Sent as {id} in case {case}, to {names}: {state}",
        "kept_done": "Kept here in case {case}. Nobody was told.",
        "asked": "{by} asks for `{decision}`: {question}",
        "decide": "You answer this by your decision: {command}",
        "corrects": "Also corrected at {name}: {detail}",
        "corrects_not": "{name} has an older value and can't be told: {detail}",
        "ask_back": "  if that value was wrong, ask it back: {command}",
        "corrected": "Sent a correction to {name}: {state}",
        "no_questions": "No question waits for you.",
        "joined": "It is the person of case {case}: the cases are listed together here.",
        "rules": "What the rules say so far, on what you state:",
        "barred": "{outcome}. THE RULES BAR THIS. {because}",
        "open": "{outcome}. {because}",
        "undetermined": "not decided yet. It can be: {possible}",
        "or": " or ",
        "needs_prosecutor": "The prosecutor has to answer first.",
        "ask": "not known ({role}): {question}",
        "no_rules": "the rules give no answer: {why}",
        "although": "The rules bar this. Send it all the same?",
        "odd": "LOOK AGAIN: {odd}.",
        "although_odd": "Something above is unusual. Send it so?",
        "yes": "yes",
        "no": "no",
        "consent": "the person consented",
        "offer_at_scene": "the person said yes to the offer",
        "operation": "the exchange needs it to work",
        "premises_crime": "42 CFR 2.12(c)(5) permits the report",
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
        "nobody": "No se informa a nadie: no hay nada que enviar.",
        "keep_it": "¿Lo guarda aquí?",
        "shows": "  también muestra: {category}",
        "kept_decision": "No se informa a nadie. La decisión se guarda solo aquí.",
        "notice": "el aviso de que esto ocurrió, sin ningún detalle:",
        "only_notice": " (recibe solo el aviso)",
        "dry": "No se guardó ni se envió nada.",
        "not_sent": "No se envió. No se guardó nada.",
        "left_open": "No se informó de nada, y estas preguntas siguen abiertas.",
        "sent": "Enviado como {id} en el caso {case}, a {names}: {state}",
        "kept_done": "Guardado aquí en el caso {case}. No se informó a nadie.",
        "asked": "{by} pregunta para `{decision}`: {question}",
        "decide": "Usted responde con su decisión: {command}",
        "corrects": "También se corrige en {name}: {detail}",
        "corrects_not": "{name} tiene un valor anterior y no se le puede informar: {detail}",
        "ask_back": "  si ese valor era incorrecto, pida que lo devuelvan: {command}",
        "corrected": "Se envió una corrección a {name}: {state}",
        "no_questions": "Ninguna pregunta le espera.",
        "joined": "Es la persona del caso {case}: aquí los casos se listan juntos.",
        "rules": "Lo que dicen las reglas hasta ahora, según lo que usted declara:",
        "barred": "{outcome}. LAS REGLAS LO IMPIDEN. {because}",
        "open": "{outcome}. {because}",
        "undetermined": "aún sin decidir. Puede ser: {possible}",
        "or": " o ",
        "needs_prosecutor": "Primero tiene que responder la fiscalía.",
        "ask": "no se sabe ({role}): {question}",
        "no_rules": "las reglas no dan respuesta: {why}",
        "although": "Las reglas lo impiden. ¿Lo envía de todos modos?",
        "odd": "MÍRELO OTRA VEZ: {odd}.",
        "although_odd": "Algo de lo anterior no es habitual. ¿Lo envía así?",
        "yes": "sí",
        "no": "no",
        "consent": "la persona dio su consentimiento",
        "offer_at_scene": "la persona dijo que sí a la oferta",
        "operation": "el sistema lo necesita para funcionar",
        "premises_crime": "42 CFR 2.12(c)(5) permite la denuncia",
    },
}


def category_text(category: str, language: str) -> str:
    """Return a kind of information in words."""
    return CATEGORIES[category][1] if language == "es" else vocabulary().categories[category]


def preview_lines(preview: Preview, language: str, zone: ZoneInfo) -> list[str]:
    """Return the statement of a draft, its recipients, and the others with the reason."""
    words = WORDS[language]
    draft = preview.draft
    kind = KINDS[draft.kind][1] if language == "es" else vocabulary().kinds[draft.kind].line
    lines = [""]
    if preview.parts:
        lines.append(words["heading"].format(kind=kind, case=short(draft.case)))
    terms = preview.terms
    lines += part_preview_lines(preview.parts, preview.names, language, zone, terms)
    if not preview.parts:
        lines.append(words["nobody"])
    if preview.answers:
        lines += ["", *_rules_lines(preview.answers, language)]
    if draft.all_kept:
        kept = _value_lines({"facts": draft.kept}, "", language, zone, terms)
        texts = [
            f"    {terms.question(path, language)}  {value_text(path, value, language, zone)}"
            for path, value in draft.kept_members.items()
        ]
        lines += ["", words["kept"], *texts, *kept]
    if preview.holders:
        lines += ["", *_holder_lines(preview, language)]
    lines += [words["odd"].format(odd=odd.text(language)) for odd in preview.odd]
    return lines


def _rules_lines(answers: tuple[Preliminary, ...], language: str) -> Iterator[str]:
    """Yield what the rules say of the person so far: bars, gaps, and whom to ask."""
    words, terms = WORDS[language], form_terms()
    yield words["rules"]
    for answer in answers:
        if answer.asks is not None:
            subject = answer.asks.text(language).rstrip("?.:")
        else:
            subject = terms.label("decision", answer.decision, language)
        if answer.refusal is not None:
            yield f"  {subject}: {words['no_rules'].format(why=answer.refusal)}"
            continue
        if answer.outcome is not None:
            outcome = terms.label(f"decisions.{answer.decision}", answer.outcome, language)
            because = " ".join(reason.text(language) for reason in answer.reasons)
            key = "barred" if answer.bars else "open"
            yield f"  {subject}: {words[key].format(outcome=outcome, because=because)}".rstrip()
            continue
        possible = words["or"].join(
            terms.label(f"decisions.{answer.decision}", outcome, language)
            for outcome in answer.possible
        )
        yield f"  {subject}: {words['undetermined'].format(possible=possible)}"
        if answer.needs_prosecutor:
            yield f"    {words['needs_prosecutor']}"
        for missing in answer.missing:
            role = terms.label("role", missing.ask, language)
            yield f"    {words['ask'].format(role=role, question=missing.question.text(language))}"


def _holder_lines(preview: Preview, language: str) -> Iterator[str]:
    """Yield the agencies with an older value, and whether a correction may go to each."""
    words = WORDS[language]
    for holder in preview.holders:
        detail = preview.terms.question(holder.name, language)
        key = "corrects" if holder.why_not is None else "corrects_not"
        yield words[key].format(name=_named(holder.agency, preview.names), detail=detail)
        if holder.why_not is not None:
            command = (
                f"`agency recall DIR CASE wrong-fact --detail {holder.name} --to {holder.agency}`"
            )
            yield words["ask_back"].format(command=command)


def determination_lines(
    preview: DeterminationPreview, actor: str, reason: str, zone: ZoneInfo
) -> list[str]:
    """Return a person's decision, what it tells to whom, and the others with the reason."""
    lines = [_decided_line(preview.decision, preview.outcome, actor, reason, preview.case)]
    if preview.differs:
        lines.append("The rules answer otherwise. It is recorded as your own decision.")
    if not preview.is_told:
        lines.append(WORDS["en"]["kept_decision"])
    return lines + part_preview_lines(preview.parts, preview.names, "en", zone, shared_terms())


def telling_lines(preview: TellingPreview, zone: ZoneInfo) -> list[str]:
    """Return a decision that may be told now, what it tells to whom, and the others with why."""
    if preview.standing is not None:
        by = f", decided by {preview.by}" if preview.by is not None else ""
        by = ", the rules' answer" if preview.standing.by_rules else by
        recipients = [preview.names.get(agency, agency) for agency in preview.standing.recipients]
        outcome = f"{_spaced(preview.decision)}: {_spaced(preview.outcome)}{by}"
        agency = preview.standing.agency
        return [
            f"{outcome}, told before to {', '.join(recipients) or 'nobody'}"
            if preview.standing.is_own
            else f"{outcome} of {preview.names.get(agency, agency)}"
        ]
    if preview.by is not None and preview.day is not None:
        line = _decided_line(
            preview.decision, preview.outcome, preview.by, str(preview.reason), preview.case
        )
        lines = [f"{line}, on {spoken_day(date.fromisoformat(preview.day), 'en')}"]
    else:
        outcome = _spaced(preview.outcome) if preview.outcome is not None else "not known yet"
        decision = _spaced(preview.decision)
        lines = [f"{decision}: {outcome}, the rules' answer, case {short(preview.case)}"]
    if preview.differs:
        lines.append("The rules answered otherwise when it was decided.")
    return lines + part_preview_lines(preview.parts, preview.names, "en", zone, shared_terms())


def _decided_line(decision: str, outcome: str, actor: str, reason: str, case: str) -> str:
    return (
        f"{_spaced(decision)}: {form_terms().decided_label(decision, outcome, 'en')}, "
        f"decided by {actor} "
        f"(reason: {_spaced(reason)}), case {short(case)}"
    )


def _spaced(words: Any) -> str:
    return str(words).replace("_", " ")


def part_preview_lines(
    parts: tuple[PartPreview, ...],
    names: Mapping[str, str],
    language: str,
    zone: ZoneInfo,
    terms: PackTerms,
) -> list[str]:
    """Return each part with its recipients, and the others with the reason.

    An agency that gets only the notice that something happened is marked as such.
    """
    notified = frozenset(
        agency for part in parts if part.part.category == ("operation",) for agency in part.part.to
    )
    return [
        line for part in parts for line in _part_lines(part, names, language, zone, notified, terms)
    ]


def _part_lines(
    part: PartPreview,
    names: Mapping[str, str],
    language: str,
    zone: ZoneInfo,
    notified: frozenset[str],
    terms: PackTerms,
) -> list[str]:
    words = WORDS[language]
    is_notice = part.part.category == ("operation",)
    lines = ["", words["notice"]] if is_notice else [""]
    for category, content in part.part.content.items():
        if is_notice:
            continue
        text, values = (
            category_text(category, language),
            _value_lines(content, category, language, zone, terms),
        )
        if values or len(part.part.content) == 1:
            lines += [f"{text}:", *(values or [words["nothing"]])]
        else:
            lines.append(words["shows"].format(category=text))
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
        name = _named(refused.agency, names)
        only = words["only_notice"] if refused.agency in notified and not is_notice else ""
        reasons.setdefault(reason, []).append(f"{name}{only}")
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


def _value_lines(
    content: Mapping[str, Any], category: str, language: str, zone: ZoneInfo, terms: PackTerms
) -> list[str]:
    return [
        f"    {question}  {value}"
        for question, value in _values(content, category, language, zone, terms)
    ]


def _values(
    content: Mapping[str, Any], category: str, language: str, zone: ZoneInfo, terms: PackTerms
) -> Iterator[tuple[str, str]]:
    for name in ("determination", "record"):
        if name in content:
            made = content[name]
            outcome = form_terms().decided_label(str(made["decision"]), made["outcome"], language)
            yield str(made["decision"]).replace("_", " ") + ":", outcome
    for path, member in form_terms().members.items():
        group, _, name = path.partition(".")
        if group == category and name in content:
            yield member.texts[language], value_text(path, content[name], language, zone)
    for path, value in (content.get("facts") or {}).items():
        fact = terms.facts[path]
        question = terms.text(fact, language)
        if not isinstance(value, list | tuple):
            yield question, value_text(path, value, language, zone, fact.unit, terms)
            continue
        yield question, str(len(value))
        for index, entry in enumerate(value, 1):
            text = entry_text(entry, fact, language, zone, terms)
            yield f"  {index}.", text or "–"


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


def deciding_lines(questions: tuple[WaitingQuestion, ...], language: str) -> list[str]:
    """List the questions that a decision of this agency answers, each with its command."""
    texts, lines = WORDS[language], []
    for question in questions:
        if question.decided_in is not None:
            command = (
                f"`agency determine {question.about.digits} {question.decided_in} OUTCOME "
                "--reason REASON`"
            )
            lines += [
                *waiting_lines((question,), language),
                texts["decide"].format(command=command),
            ]
    return lines


def waiting_lines(questions: tuple[WaitingQuestion, ...], language: str) -> list[str]:
    """List the questions that wait, with the agency that asks each."""
    words = WORDS[language]
    return [
        words["asked"].format(
            by=question.by, decision=question.decision, question=question.question
        )
        for question in questions
    ] or [words["no_questions"]]
