"""A participant's own page in words: the sentences on the charge, and the page as lines to print.

Each sentence is in English and Spanish. No professional has read the Spanish.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

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
# By the state of the charge: the first line of the page.
CHARGE: Mapping[str, tuple[str, str]] = {
    "held": ("It is on hold. It is not filed now.", "Está en suspenso. Ahora no está presentada."),
    "may_be_filed": (
        "It is on hold. The prosecutor may file it now.",
        "Está en suspenso. La fiscalía puede presentarla ahora.",
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
SAYS: Mapping[str, tuple[str, str]] = {
    "by_prosecutor": ("The prosecutor said so.", "Así lo dijo la fiscalía."),
    "by_rules": (
        "The rules say so. The prosecutor decides.",
        "Así lo dicen las reglas. La fiscalía decide.",
    ),
    "not_told": (
        "Nobody has told {agency} yet. Ask your lawyer or the prosecutor’s office.",
        "Nadie se lo ha dicho todavía a {agency}. Pregunte a su defensa o a la fiscalía.",
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
    "asked_back": ("Asked back", "Se pidió que lo devolviera"),
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
    "declined": ("You said no to", "Usted dijo que no a"),
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


def charge_sentence(state: str, lang: str) -> str:
    """Return the first line on the charge."""
    return CHARGE.get(state, CHARGE["other"])[LANGUAGES.index(lang)]


def charge_source(charge: Charge, agency: str, lang: str) -> str:
    """Return the second line on the charge: who says so, or whom to ask."""
    column = LANGUAGES.index(lang)
    if charge.by_prosecutor:
        return SAYS["by_prosecutor"][column]
    key = "not_told" if charge.state == "undetermined" else "by_rules"
    return SAYS[key][column].format(agency=agency)


def rules_alone(charge: Charge, lang: str) -> str | None:
    """Return what the rules say where the prosecutor's word is another, None where it isn't."""
    if not charge.by_prosecutor or charge.rules in ("undetermined", charge.state):
        return None
    text = charge_sentence(charge.rules, lang)
    return SAYS["rules_alone"][LANGUAGES.index(lang)].format(text=text)


def told_lines(agency: ToldAgency, lang: str) -> list[str]:
    """Return what was sent to an agency or told it aloud, and how far it is."""
    column = LANGUAGES.index(lang)
    return [
        words[column].format(kinds="; ".join(kinds))
        for state, words in TOLD.items()
        if (kinds := getattr(agency, state))
    ]


def page_lines(page: MyPage) -> list[str]:
    """Return a page as lines to print."""
    return list(_page_lines(page, LANGUAGES.index(page.lang)))


def _page_lines(page: MyPage, column: int) -> Iterator[str]:
    say = {key: words[column] for key, words in _LINES.items()}
    if say["unread"]:
        yield from (say["unread"], "")
    yield say["charge"]
    yield f"  {charge_sentence(page.charge.state, page.lang)}"
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
        told = told_lines(agency, page.lang)
        yield f"  {agency.name}" if told else f"  {agency.name}: {unknown}"
        yield from (f"    {line}" for line in told)
        if agency.asked_back:
            yield f"    {say['asked_back']}: {', '.join(agency.asked_back)}"
        if agency.may_be_told:
            yield f"    {say['may']}: {', '.join(agency.may_be_told)}"
        if agency.declined:
            yield f"    {say['declined']}: {', '.join(agency.declined)}"
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
