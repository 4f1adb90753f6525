"""A participant's own page in words: the sentences on the charge, and the page as lines to print.

Each sentence is in English and Spanish. No professional has read the Spanish.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from zoneinfo import ZoneInfo

from offramp.agency.cases.charge_word import FILED, MAY_BE_FILED
from offramp.agency.cases.my_page import NOT_OPENED, SHUT, SHUT_BY_PERSON, UNKNOWN
from offramp.agency.operations import (
    Charge,
    CodeState,
    Concern,
    IssuedCode,
    MyPage,
    ToldAgency,
)
from rules.author.spoken_dates import spoken_day

LANGUAGES = ("en", "es")
# The words on a charge that the office may no longer open.
_SHUT = (SHUT, SHUT_BY_PERSON)
# How far what was sent to an agency is, in the order of the page.
TOLD: Mapping[str, tuple[str, str]] = {
    "opened": ("Opened: {kinds}", "Lo abrió: {kinds}"),
    "used": (
        "Used there, automatically or by a person: {kinds}",
        "Se usó allí, automáticamente o por una persona: {kinds}",
    ),
    "aloud": ("Told aloud: {kinds}", "Se le dijo de palabra: {kinds}"),
    "unopened": ("Sent, not opened yet: {kinds}", "Se le envió, aún sin abrir: {kinds}"),
    "newer": (
        "Sent later, not opened yet: {kinds}",
        "Se le envió después, aún sin abrir: {kinds}",
    ),
}
# By the state of the charge: the first line of the page, after its day.
CHARGE: Mapping[str, tuple[str, str]] = {
    "held": ("It is on hold. It is not filed.", "Está en suspenso. No está presentada."),
    "may_be_filed": (
        "It is on hold. The prosecutor may file it.",
        "Está en suspenso. La fiscalía puede presentarla.",
    ),
    "filed": ("No. The prosecutor filed it.", "No. La fiscalía la presentó."),
    "not_filed": ("The prosecutor did not file it.", "La fiscalía no la presentó."),
    "dismissed": ("It was dismissed.", "Fue desestimada."),
    "sealed": ("A court sealed it.", "Un tribunal la selló."),
    "nothing_held": (
        "Nothing is on hold. There is no charge to file.",
        "No hay nada en suspenso. No hay acusación que presentar.",
    ),
    "undetermined": ("We don’t know yet.", "Todavía no lo sabemos."),
    "other": (
        "Ask your case manager. The rules here have their own answer.",
        "Pregunte a quien lleva su caso. Las reglas de aquí tienen su propia respuesta.",
    ),
}
# The same where the office may no longer be told: how it was on that day.
CHARGE_THEN: Mapping[str, tuple[str, str]] = {
    **CHARGE,
    "held": (
        "It was on hold. It was not filed then.",
        "Estaba en suspenso. No estaba presentada entonces.",
    ),
    "may_be_filed": (
        "It was on hold. The prosecutor may have filed it since.",
        "Estaba en suspenso. Quizá la fiscalía la presentó después.",
    ),
    "not_filed": (
        "The prosecutor had not filed it then.",
        "La fiscalía no la había presentado entonces.",
    ),
    "nothing_held": (
        "Nothing was on hold. There was no charge to file then.",
        "No había nada en suspenso. No había entonces acusación que presentar.",
    ),
}
SAYS: Mapping[str, tuple[str, str]] = {
    "as_of": ("As of {day}: {text}", "Al {day}: {text}"),
    "by_prosecutor": ("The prosecutor said so.", "Así lo dijo la fiscalía."),
    "by_rules": (
        "The rules say so. The prosecutor decides.",
        "Así lo dicen las reglas. La fiscalía decide.",
    ),
    "not_sent": (
        "Nobody has told {agency} yet. Ask your lawyer or the prosecutor’s office.",
        "Nadie se lo ha dicho todavía a {agency}. Pregunte a su defensa o a la fiscalía.",
    ),
    "not_opened": (
        "It was sent, and nobody at {agency} has opened it yet. Ask your case manager to open it.",
        "Se envió, y nadie en {agency} lo ha abierto todavía. Pida a quien lleva su caso que lo "
        "abra.",
    ),
    "not_enough": (
        "What {agency} was told does not settle it. Ask your lawyer or the prosecutor’s office.",
        "Lo que se dijo a {agency} no lo aclara. Pregunte a su defensa o a la fiscalía.",
    ),
    "newer": (
        "Something newer was sent, and nobody at {agency} has opened it yet. Ask your case manager "
        "to open it.",
        "Se envió algo más nuevo, y nadie en {agency} lo ha abierto todavía. Pida a quien lleva su "
        "caso que lo abra.",
    ),
    "not_sent_before": ("Nobody has told {agency}.", "Nadie se lo ha dicho a {agency}."),
    "not_enough_before": (
        "What {agency} was told does not settle it.",
        "Lo que se dijo a {agency} no lo aclara.",
    ),
    "not_opened_before": (
        "It was sent, and nobody at {agency} has opened it.",
        "Se envió, y nadie en {agency} lo ha abierto.",
    ),
    "shut_by_person": (
        "It was sent, and {agency} may no longer open it, since you took that permission back.",
        "Se envió, y {agency} ya no puede abrirlo, porque usted retiró ese permiso.",
    ),
    "shut": (
        "It was sent, and {agency} may no longer open it.",
        "Se envió, y {agency} ya no puede abrirlo.",
    ),
    "newer_shut_by_person": (
        "Something newer was sent, and {agency} may no longer open it, since you took that "
        "permission back.",
        "Se envió algo más nuevo, y {agency} ya no puede abrirlo, porque usted retiró ese permiso.",
    ),
    "newer_shut": (
        "Something newer was sent, and {agency} may no longer open it.",
        "Se envió algo más nuevo, y {agency} ya no puede abrirlo.",
    ),
    "may_have_changed": (
        "This may have changed since then. Nobody at {agency} would learn of it. The prosecutor "
        "may not tell {agency} now. Ask your lawyer or the court.",
        "Esto puede haber cambiado después. Nadie en {agency} se enteraría. Ahora la fiscalía no "
        "puede decírselo a {agency}. Pregunte a su defensa o al tribunal.",
    ),
    "would_not_learn": (
        "The prosecutor may not tell {agency} now. Ask your lawyer or the court.",
        "Ahora la fiscalía no puede decírselo a {agency}. Pregunte a su defensa o al tribunal.",
    ),
    "rules_let": (
        "The rules let the prosecutor file it.",
        "Las reglas permiten que la fiscalía la presente.",
    ),
    "rules_alone": ("The rules alone would say: {text}", "Las reglas solas dirían: {text}"),
}
_LINES: Mapping[str, tuple[str, str]] = {
    "unread": (
        "",
        "Ningún traductor profesional ha leído este texto todavía.",
    ),
    "charge": ("Is my charge gone?", "¿Ya no está mi acusación?"),
    "cant_change": ("These can't change it:", "Esto no puede cambiarlo:"),
    "manager": ("Who is my case manager?", "¿Quién lleva mi caso?"),
    "nobody": ("Nobody yet. Ask at {agency}.", "Nadie todavía. Pregunte en {agency}."),
    "away": ("If {manager} is away: {backup}.", "Si {manager} no está: {backup}."),
    "program": ("The program", "El programa"),
    "stop": ("May I stop?", "¿Puedo dejar el programa?"),
    "any_day": (
        "Say so on any day. Talk with a lawyer first: the prosecutor decides about a charge.",
        "Dígalo cualquier día. Hable antes con un abogado: la fiscalía decide sobre una acusación.",
    ),
    "told": ("Who was told what about me?", "¿A quién se le dijo qué sobre mí?"),
    "unknown": ("not known here", "aquí no consta"),
    "others": (
        "What other offices told each other isn't here. It is in the whole list, when the network "
        "is up.",
        "Aquí no está lo que otras oficinas se dijeron entre sí. Está en la lista completa, cuando "
        "hay red.",
    ),
    "whole_list": (
        "Ask your case manager for the whole list. It has each time that somebody was told.",
        "Pida la lista completa a quien lleva su caso. Ahí está cada vez que se dijo algo.",
    ),
    "may": ("You said yes to", "Usted dijo que sí a"),
    "declined": (
        "You said no on {day} to what {agency} would tell: {kinds}",
        "El {day} usted dijo que no a lo que comunicaría {agency}: {kinds}",
    ),
    "withdrawn": (
        "You took back on {day} what {agency} could tell: {kinds}",
        "El {day} usted retiró lo que podía comunicar {agency}: {kinds}",
    ),
    "taken_back": ("You took the permission back.", "Usted retiró el permiso."),
    "not_yet": ("nothing so far", "nada hasta ahora"),
    "lawyer": ("My lawyer", "Mi defensa"),
    "opened": ("Who at {agency} opened my file:", "Quién abrió mi expediente en {agency}:"),
    "wrote": ("What I wrote:", "Lo que escribí:"),
    "unanswered": ("not answered yet", "todavía sin respuesta"),
    "corrected": ("it was corrected", "se corrigió"),
    "explained": ("it was explained in person", "se explicó en persona"),
    "passed_on": ("it was passed on", "se pasó a otra oficina"),
    "not_changed": ("it was looked at, and not changed", "se revisó y no se cambió"),
}


def charge_sentence(charge: Charge, lang: str) -> str:
    """Return the first line on the charge: its day, and how it is or was on that day."""
    text = _state_text(charge, charge.state, lang)
    if charge.as_of is None:
        return text
    day = spoken_day(date.fromisoformat(charge.as_of), lang)
    return SAYS["as_of"][LANGUAGES.index(lang)].format(day=day, text=text)


def _state_text(charge: Charge, state: str, lang: str) -> str:
    sentences = CHARGE if charge.may_be_told else CHARGE_THEN
    return sentences.get(state, sentences["other"])[LANGUAGES.index(lang)]


def charge_source(charge: Charge, agency: str, lang: str) -> str:
    """Return the second line on the charge: who says so, what may be newer, and whom to ask."""
    column = LANGUAGES.index(lang)
    return " ".join(SAYS[key][column].format(agency=agency) for key in _source_keys(charge))


def _source_keys(charge: Charge) -> Iterator[str]:
    """Yield the keys of the sentences under the first line, in their order."""
    before = "" if charge.may_be_told else "_before"
    if charge.state == UNKNOWN:
        yield charge.words if charge.words in _SHUT else f"{charge.words}{before}"
    else:
        yield "by_prosecutor" if charge.by_prosecutor else "by_rules"
        if charge.words == NOT_OPENED:
            yield "not_opened_before" if before else "newer"
        elif charge.words in _SHUT:
            yield f"newer_{charge.words}"
    if before:
        yield "would_not_learn" if charge.state == UNKNOWN else "may_have_changed"


def rules_alone(charge: Charge, lang: str) -> str | None:
    """Return what the rules say where the prosecutor's word is another, None where it isn't."""
    if not charge.by_prosecutor or charge.rules in (UNKNOWN, charge.state):
        return None
    if (charge.state, charge.rules) == (FILED, MAY_BE_FILED):
        return SAYS["rules_let"][LANGUAGES.index(lang)]
    text = _state_text(charge, charge.rules, lang)
    return SAYS["rules_alone"][LANGUAGES.index(lang)].format(text=text)


def told_lines(agency: ToldAgency, lang: str) -> list[str]:
    """Return what was sent to an agency or told it aloud, and how far it is."""
    column = LANGUAGES.index(lang)
    return [
        phrases[column].format(kinds="; ".join(kinds))
        for state, phrases in TOLD.items()
        if (kinds := getattr(agency, state))
    ]


def page_lines(page: MyPage) -> list[str]:
    """Return a page as lines to print."""
    return list(_page_lines(page, LANGUAGES.index(page.lang)))


def _page_lines(page: MyPage, column: int) -> Iterator[str]:
    say = {key: texts[column] for key, texts in _LINES.items()}
    if say["unread"]:
        yield from (say["unread"], "")
    yield say["charge"]
    yield f"  {charge_sentence(page.charge, page.lang)}"
    yield f"  {charge_source(page.charge, page.agency, page.lang)}"
    if (alone := rules_alone(page.charge, page.lang)) is not None:
        yield f"  {alone}"
    yield from (f"  {sentence}" for sentence in page.charge.because)
    if page.cant_change:
        yield from ("", say["cant_change"])
        yield from (f"  - {phrase}" for phrase in page.cant_change)
    yield from (f"  {sentence}" for sentence in page.stays)
    yield from ("", say["manager"])
    if page.manager is None:
        yield f"  {say['nobody'].format(agency=page.agency)}"
    else:
        yield "  " + ", ".join(filter(None, (page.manager, page.agency, page.phone)))
    if page.program_phone and not page.phone:
        yield f"  {say['program']}: {page.program_phone}"
    if page.manager and page.backup:
        backup = ", ".join(filter(None, (page.backup, page.backup_phone)))
        yield f"  {say['away'].format(manager=page.manager, backup=backup)}"
    yield from (f"  {say['lawyer']}: {name}" for name in page.counsel)
    yield from ("", say["stop"], f"  {say['any_day']}", "", say["told"])
    unknown = say["not_yet"] if page.is_whole else say["unknown"]
    for agency in page.told:
        lines = told_lines(agency, page.lang)
        yield f"  {agency.name}" if lines else f"  {agency.name}: {unknown}"
        yield from (f"    {line}" for line in lines)
        yield from (f"    {line}" for line in agency.answers)
        if agency.may_be_told:
            yield f"    {say['may']}: {', '.join(agency.may_be_told)}"
        yield from (f"    {text}" for text in agency.by_offer)
        for no in agency.noes:
            day, kinds = spoken_day(date.fromisoformat(no.on), page.lang), ", ".join(no.kinds)
            yield f"    {say['declined'].format(day=day, agency=no.by, kinds=kinds)}"
        for permission in agency.withdrawn:
            day = spoken_day(date.fromisoformat(permission.on), page.lang)
            kinds = ", ".join(permission.kinds)
            yield f"    {say['withdrawn'].format(day=day, agency=permission.by, kinds=kinds)}"
        if agency.taken_back and not agency.withdrawn:
            yield f"    {say['taken_back']}"
    if not page.is_whole:
        yield f"  {say['others']}"
    yield f"  {say['whole_list']}"
    if page.openings:
        yield from ("", say["opened"].format(agency=page.agency))
        yield from (f"  - {line}" for line in page.opened_by)
    if page.concerns:
        yield from ("", say["wrote"])
        for concern in page.concerns:
            answer = say[concern.answer or "unanswered"]
            yield f"  - {concern.text} ({answer})"


def code_lines(issued: IssuedCode) -> list[str]:
    """Return a new code, to copy onto paper."""
    return [
        f"The code, shown once: {' '.join(issued.words)}",
        f"It is asked together with the birth year, {issued.birth_year}.",
        "Hand it over in person, on paper. An earlier code of this case no longer works.",
    ]


def code_state_lines(state: CodeState | None, zone: ZoneInfo) -> list[str]:
    """Return whether the person has a code."""
    if state is None:
        return ["The person has no code."]
    day = spoken_day(datetime.fromtimestamp(state.issued, zone).date(), "en", with_year=True)
    lines = [f"`{state.issued_by}` issued a code on {day}."]
    if state.is_locked:
        lines.append("It is locked after five wrong tries. Issue a new one.")
    return lines


def concern_lines(concerns: tuple[Concern, ...], zone: ZoneInfo) -> list[str]:
    """Return the complaints and disputes of a case."""
    if not concerns:
        return ["The person has not complained, and has disputed nothing."]
    return [line for concern in concerns for line in concern_line(concern, zone)]


def concern_line(concern: Concern, zone: ZoneInfo) -> list[str]:
    """Return one complaint or dispute with its number."""
    day = spoken_day(datetime.fromtimestamp(concern.time, zone).date(), "en", with_year=True)
    about = f" of {concern.about.replace('_', ' ')}" if concern.about else ""
    state = f"answered: {concern.answer.replace('_', ' ')}" if concern.answer else "not answered"
    return [f"{concern.number}. {concern.kind}{about}, {day}, {state}", f"   {concern.text}"]
