"""The page that proves to a person what agencies destroyed, in English or Spanish. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from html import escape

from offramp.agency.operations.sealing_proof import (
    SealingProof,
    SilentAgency,
    UnprovedStatement,
)
from rules.author.spoken_dates import day_of_moment, spoken_day

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1.125rem/1.5 sans-serif; max-width: 42rem; margin: 0 auto; padding: 1rem; }
section { border-top: 1px solid; padding: .5rem 0; break-inside: avoid; }
code { overflow-wrap: anywhere; }
"""
_WORDS: Mapping[str, Mapping[str, str]] = {
    "en": {
        "title": "What agencies destroyed about you",
        "lead": "{agency} made this page for you on {day}. It lists every agency of the program. "
        "Only what is proved has a signed file beside this page.",
        "proved": "What agencies signed, and what is proved",
        "dismissed": "Your charge was dismissed on {day}.",
        "sealed": "A court had your record sealed on {day}.",
        "completed": "You completed the program on {day}.",
        "ended": "{agency} destroyed {count} parts of your case in the exchange, because of this "
        "or because their time was over.",
        "ended_one": "{agency} destroyed one part of your case in the exchange, because of this or "
        "because its time was over.",
        "again": "{agency} destroyed {count} parts of your case in the exchange.",
        "again_one": "{agency} destroyed one part of your case in the exchange.",
        "before_all": "This is not why: {agency} had destroyed all of this before, for the reason "
        "of a statement that it asked back. What was destroyed stays destroyed.",
        "before_some": "This is not why for some or all of them: {agency} had destroyed them "
        "before, for the reason of a statement that it asked back. What was destroyed stays "
        "destroyed.",
        "before": "This is not why for {count} of them: {agency} had destroyed those before, for "
        "the reason of a statement that it asked back. What was destroyed stays destroyed.",
        "ended_none": "{agency} had no part of your case in the exchange that ends with this.",
        "ended_no_more": "{agency} had no other part of your case in the exchange that ends with "
        "this.",
        "relied": "{agency} asked back an earlier statement on which this one relied. How many "
        "parts it destroyed counts again when {agency} has stated that anew.",
        "kept": "It still keeps other parts about you, until {day} at the latest.",
        "nothing": "It keeps nothing else of your case in the exchange.",
        "nothing_but": "It keeps nothing else about you in the exchange, except what the exchange "
        "itself needs, until {day} at the latest.",
        "nothing_but_this": "It keeps nothing else about you in the exchange, except what the "
        "exchange itself needs, such as this statement (until {day} at the latest).",
        "signed": "It signed this on {day}. The record is number {index} in the log.",
        "file": "The signed file:",
        "unproved": "Not proved yet",
        "came": "{agency} signed a statement on what it destroyed of your case. It is from "
        "{day}, and is record number {index} in the log.",
        "not_yet": "What it says is not proved yet.",
        "asked_back_title": "Statements that were asked back",
        "asked_back": "{agency} asked this statement back, so it doesn't count. Ask {agency} what "
        "is true. What was destroyed because of it stays destroyed.",
        "held": "A legal hold stops all destruction of your case at {agency}. {by} placed it on "
        "{day}, because {reason}.",
        "held_untold": "A legal hold stops all destruction of your case at {agency}. {by} placed "
        "it on {day}. The reason may not be told on this page: ask {agency}, or ask a lawyer.",
        "held_until": "Until it is released, {agency} keeps what it has. So no last day is known.",
        "litigation": "a lawsuit is pending or expected",
        "court_order": "a court ordered it",
        "records_request": "a public-records request asks for it",
        "complaint": "you complained, or asked to see the file",
        "away": "The exchange couldn't be reached when this page was made. Ask for the page again.",
        "not_witnessed": "The independent witnesses have not confirmed it yet. Ask for the page "
        "again tomorrow.",
        "closed": "The agency that made this page couldn't open it. Ask that agency why, or ask "
        "{agency} to state it on paper.",
        "destroyed": "Its text is not kept any more. Use the page that you got before, or ask "
        "{agency} to state it on paper.",
        "not_proved": "A proof that belongs to it is missing. Ask {agency} to state it on paper, "
        "or ask a lawyer to check it.",
        "silent": "Agencies that signed nothing here",
        "silent_means": "They may have destroyed their parts, or not. Nobody here knows. Ask each "
        "of them.",
        "party": "{agency}: it had parts of your case, and has signed nothing here.",
        "unknown": "{agency}: nothing is known here. It may have parts of your case from others.",
        "gone": " It is not in the program any more.",
        "made_by": "{agency}, which made this page",
        "made_by_ended": "It destroyed {count} parts of your case in the exchange itself. This "
        "line is not signed.",
        "made_by_ended_one": "It destroyed one part of your case in the exchange itself. This line "
        "is not signed.",
        "made_by_ended_none": "It has not destroyed any part of your case in the exchange.",
        "checks": "How a court or a lawyer checks it",
        "command": "With Offramp, on any computer, without a network:",
        "founders": "The fingerprint of the program's founders. Compare it with one from another "
        "source, such as the program's office:",
        "limits": "What this page doesn't show",
        "limit_paper": "Papers, and the agencies' own systems. Ask each agency about those.",
        "limit_copies": "Copies that somebody made, and old backups.",
        "limit_hold": "A legal hold that another agency places after its statement. That agency "
        "then keeps its parts longer than it said.",
        "limit_word": "Each agency's word is signed. That it is true, nobody can prove.",
    },
    "es": {
        "title": "Lo que las agencias destruyeron sobre usted",
        "lead": "{agency} hizo esta página para usted el {day}. Nombra a cada agencia del "
        "programa. Solo lo que está comprobado tiene un archivo firmado junto a esta página.",
        "proved": "Lo que las agencias firmaron y está comprobado",
        "dismissed": "Su acusación fue desestimada el {day}.",
        "sealed": "Un tribunal hizo sellar su expediente el {day}.",
        "completed": "Usted completó el programa el {day}.",
        "ended": "{agency} destruyó {count} partes de su caso en el intercambio, por este motivo o "
        "porque su plazo había terminado.",
        "ended_one": "{agency} destruyó una parte de su caso en el intercambio, por este motivo o "
        "porque su plazo había terminado.",
        "again": "{agency} destruyó {count} partes de su caso en el intercambio.",
        "again_one": "{agency} destruyó una parte de su caso en el intercambio.",
        "before_all": "Este no es el motivo: {agency} había destruido todo esto antes, por el "
        "motivo de una declaración cuya devolución pidió. Lo destruido sigue destruido.",
        "before_some": "Este no es el motivo para una parte o todo esto: {agency} lo había "
        "destruido antes, por el motivo de una declaración cuya devolución pidió. Lo destruido "
        "sigue destruido.",
        "before": "Este no es el motivo para {count} de ellas: {agency} las había destruido antes, "
        "por el motivo de una declaración cuya devolución pidió. Lo destruido sigue destruido.",
        "ended_none": "{agency} no tenía en el intercambio ninguna parte de su caso que termine "
        "con esto.",
        "ended_no_more": "{agency} no tenía en el intercambio ninguna otra parte de su caso que "
        "termine con esto.",
        "relied": "{agency} pidió la devolución de una declaración anterior en la que esta se "
        "apoyaba. Cuántas partes destruyó cuenta de nuevo cuando {agency} lo declare otra vez.",
        "kept": "Todavía guarda otras partes sobre usted, hasta el {day} a más tardar.",
        "nothing": "No guarda nada más de su caso en el intercambio.",
        "nothing_but": "No guarda nada más sobre usted en el intercambio, excepto lo que el propio "
        "intercambio necesita, hasta el {day} a más tardar.",
        "nothing_but_this": "No guarda nada más sobre usted en el intercambio, excepto lo que el "
        "propio intercambio necesita, como esta declaración (hasta el {day} a más tardar).",
        "signed": "Lo firmó el {day}. El registro es el número {index} de la bitácora.",
        "file": "El archivo firmado:",
        "unproved": "Todavía no comprobado",
        "came": "{agency} firmó una declaración sobre lo que destruyó de su caso. Es del {day} y "
        "es el registro número {index} de la bitácora.",
        "not_yet": "Lo que dice todavía no está comprobado.",
        "asked_back_title": "Declaraciones cuya devolución se pidió",
        "asked_back": "{agency} pidió la devolución de esta declaración, así que no cuenta. "
        "Pregunte a {agency} qué es cierto. Lo que se destruyó por ella sigue destruido.",
        "held": "Una retención legal impide destruir algo de su caso en {agency}. {by} la ordenó "
        "el {day}, porque {reason}.",
        "held_untold": "Una retención legal impide destruir algo de su caso en {agency}. {by} la "
        "ordenó el {day}. El motivo no se puede decir en esta página: pregunte a {agency} o a un "
        "abogado.",
        "held_until": "Hasta que se levante, {agency} guarda lo que tiene. Por eso no se sabe el "
        "último día.",
        "litigation": "hay una demanda pendiente o esperada",
        "court_order": "un tribunal lo ordenó",
        "records_request": "una solicitud de registros públicos lo pide",
        "complaint": "usted se quejó o pidió ver el expediente",
        "away": "No se pudo llegar al intercambio cuando se hizo esta página. Pídala otra vez.",
        "not_witnessed": "Los testigos independientes todavía no lo confirmaron. Pida la página "
        "otra vez mañana.",
        "closed": "La agencia que hizo esta página no pudo abrirla. Pregúntele por qué, o pida a "
        "{agency} que lo declare en papel.",
        "destroyed": "Su texto ya no se guarda. Use la página que recibió antes, o pida a {agency} "
        "que lo declare en papel.",
        "not_proved": "Falta una prueba que la acompaña. Pida a {agency} que lo declare en papel, "
        "o pida a un abogado que la revise.",
        "silent": "Agencias que no han firmado nada aquí",
        "silent_means": "Quizás destruyeron sus partes, o quizás no. Aquí nadie lo sabe. Pregunte "
        "a cada una.",
        "party": "{agency}: tenía partes de su caso y no ha firmado nada aquí.",
        "unknown": "{agency}: aquí no se sabe nada. Puede tener partes de su caso que recibió de "
        "otras.",
        "gone": " Ya no está en el programa.",
        "made_by": "{agency}, que hizo esta página",
        "made_by_ended": "Ella misma destruyó {count} partes de su caso en el intercambio. Esta "
        "línea no está firmada.",
        "made_by_ended_one": "Ella misma destruyó una parte de su caso en el intercambio. Esta "
        "línea no está firmada.",
        "made_by_ended_none": "No ha destruido ninguna parte de su caso en el intercambio.",
        "checks": "Cómo lo comprueba un tribunal o un abogado",
        "command": "Con Offramp, en cualquier computadora, sin red:",
        "founders": "La huella de los fundadores del programa. Compárela con una de otra fuente, "
        "como la oficina del programa:",
        "limits": "Lo que esta página no muestra",
        "limit_paper": "Los papeles y los sistemas propios de las agencias. Pregunte por ellos a "
        "cada agencia.",
        "limit_copies": "Las copias que alguien hizo y los respaldos antiguos.",
        "limit_hold": "Una retención legal que otra agencia ordene después de su declaración. "
        "Entonces guarda sus partes más tiempo de lo que dijo.",
        "limit_word": "La palabra de cada agencia está firmada. Que sea verdad, nadie lo puede "
        "probar.",
    },
}

_ASKED_BACK = "asked_back"  # the obstacle of a statement that is proved and doesn't count


def exhibit_names(proof: SealingProof) -> dict[str, str]:
    """Return the file of each statement by its record: the agency's id and a number."""
    return {
        statement.record: f"{statement.agency}-{number}.json"
        for number, statement in enumerate(proof.statements, 1)
    }


def sealing_page(proof: SealingProof, lang: str) -> str:
    """Return the page as HTML, in `en` or `es`, without script and without the person's name."""
    body = "\n".join(_body(proof, lang))
    title = escape(_WORDS[lang]["title"])
    return (
        f'<!doctype html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _body(proof: SealingProof, lang: str) -> Iterator[str]:
    texts, files = _WORDS[lang], exhibit_names(proof)
    made = spoken_day(day_of_moment(proof.made_at, proof.program_zone), lang)
    yield _paragraph(texts["lead"].format(agency=proof.made_by, day=made))
    if proof.statements:
        yield f"<h2>{escape(texts['proved'])}</h2>"
    for place, statement in enumerate(proof.statements):
        yield "<section>"
        yield f"<h3>{escape(statement.name)}</h3>"
        for sentence in _sentences(proof, place, lang):
            yield _paragraph(sentence)
        yield f"<p>{escape(texts['file'])} <code>{files[statement.record]}</code></p>"
        yield "</section>"
    asked_back = [each for each in proof.unproved if each.obstacle == _ASKED_BACK]
    waiting = [each for each in proof.unproved if each.obstacle != _ASKED_BACK]
    for heading, without_number in (("unproved", waiting), ("asked_back_title", asked_back)):
        if without_number:
            yield f"<section><h2>{escape(texts[heading])}</h2>"
            for unproved in without_number:
                yield _paragraph(_unproved(proof, unproved, lang))
            yield "</section>"
    if proof.silent:
        yield f"<section><h2>{escape(texts['silent'])}</h2>{_paragraph(texts['silent_means'])}<ul>"
        yield from (f"<li>{escape(_silent(agency, lang))}</li>" for agency in proof.silent)
        yield "</ul></section>"
    yield f"<section><h2>{escape(texts['made_by'].format(agency=proof.made_by))}</h2>"
    yield _paragraph(_counted("made_by_ended", proof.ended_here, lang))
    for sentence in _kept_here(proof, lang):
        yield _paragraph(sentence)
    yield "</section>"
    if files:
        yield f"<section><h2>{escape(texts['checks'])}</h2>"
        yield _paragraph(texts["command"])
        for name in files.values():
            yield f"<p><code>offramp verify {name} --root {proof.founders}</code></p>"
        yield f"{_paragraph(texts['founders'])}<p><code>{proof.founders}</code></p></section>"
    yield f"<section><h2>{escape(texts['limits'])}</h2><ul>"
    for limit in ("limit_paper", "limit_copies", "limit_hold", "limit_word"):
        yield f"<li>{escape(texts[limit])}</li>"
    yield "</ul></section>"


def _sentences(proof: SealingProof, place: int, lang: str) -> Iterator[str]:
    """Yield what one statement says. Only the last one of an agency says what it still keeps."""
    texts, statement = _WORDS[lang], proof.statements[place]
    of_agency = [other for other in proof.statements if other.agency == statement.agency]
    yield texts[statement.cause].format(day=spoken_day(statement.on, lang))
    if statement.reliance == "asked_back":
        yield texts["relied"].format(agency=statement.name)
    elif not statement.ended and (statement != of_agency[0] or statement.reliance == "restated"):
        yield texts["ended_no_more"].format(agency=statement.name)
    elif statement.before is not None:
        yield _counted("again", statement.ended, lang, agency=statement.name)
        count = statement.before.count
        key = "before_some" if count is None else "before"
        key = "before_all" if count == statement.ended else key
        yield texts[key].format(agency=statement.name, count=count)
    else:
        yield _counted("ended", statement.ended, lang, agency=statement.name)
    if statement == of_agency[-1]:
        yield _kept(statement.kept_until, "nothing_but_this", statement.exchange_until, lang)
    signed = spoken_day(day_of_moment(statement.signed_at, proof.program_zone), lang)
    yield texts["signed"].format(day=signed, index=statement.index)


def _unproved(proof: SealingProof, unproved: UnprovedStatement, lang: str) -> str:
    """Say that a statement came, why it isn't proved or doesn't count, and what to do."""
    texts, agency = _WORDS[lang], unproved.name
    signed = spoken_day(day_of_moment(unproved.signed_at, proof.program_zone), lang)
    sentence = texts["came"].format(agency=agency, day=signed, index=unproved.index)
    if unproved.obstacle != _ASKED_BACK:
        sentence += f" {texts['not_yet']}"
    return f"{sentence} {texts[unproved.obstacle].format(agency=agency)}"


def _silent(agency: SilentAgency, lang: str) -> str:
    texts = _WORDS[lang]
    sentence = texts["party" if agency.is_party else "unknown"].format(agency=agency.name)
    return sentence + ("" if agency.is_listed else texts["gone"])


def _counted(key: str, count: int, lang: str, **given: str) -> str:
    form = {0: f"{key}_none", 1: f"{key}_one"}.get(count, key)
    return _WORDS[lang][form].format(count=count, **given)


def _kept_here(proof: SealingProof, lang: str) -> Iterator[str]:
    """Yield until when the agency of the page keeps parts, or the legal holds that stop any end.

    INVARIANT: under a hold, the page states no last day. A reason that may be secret, such as a
    grand jury's subpoena, isn't told.
    """
    texts, agency = _WORDS[lang], proof.made_by
    if not proof.holds_here or proof.exchange_here_until is None:
        yield _kept(proof.kept_here_until, "nothing_but", proof.exchange_here_until, lang)
        return
    for hold in proof.holds_here:
        day = spoken_day(day_of_moment(hold.time, proof.program_zone), lang)
        key = "held" if hold.reason in texts else "held_untold"
        reason = texts.get(hold.reason, "")
        yield texts[key].format(agency=agency, by=hold.by, day=day, reason=reason)
    yield texts["held_until"].format(agency=agency)


def _kept(until: date | None, nothing_but: str, exchange_until: date | None, lang: str) -> str:
    """Say until when an agency keeps parts about the person, or what else it keeps."""
    texts = _WORDS[lang]
    if until is not None:
        return texts["kept"].format(day=spoken_day(until, lang))
    if exchange_until is not None:
        return texts[nothing_but].format(day=spoken_day(exchange_until, lang))
    return texts["nothing"]


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"
