"""The page that proves to a person what agencies destroyed, in English or Spanish. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape

from offramp.agency.operations.sealing_proof import SealingProof, SealingStatement
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
        "lead": "{agency} made this page for you on {day}. Each agency below signed what it says "
        "here. The signed files lie beside this page.",
        "dismissed": "Your charge was dismissed on {day}.",
        "sealed": "A court had your record sealed on {day}.",
        "completed": "You completed the program on {day}.",
        "ended": "So {agency} destroyed {count} parts of your case in the exchange.",
        "ended_one": "So {agency} destroyed one part of your case in the exchange.",
        "ended_none": "{agency} had no part of your case in the exchange that ends with this.",
        "kept": "It still keeps other parts, until {day} at the latest.",
        "nothing": "It keeps nothing else of your case in the exchange.",
        "signed": "It signed this on {day}. The record is number {index} in the log.",
        "file": "The signed file:",
        "unsigned": "These agencies have signed nothing yet:",
        "checks": "How a court or a lawyer checks it",
        "command": "With Offramp, on any computer, without a network:",
        "founders": "The fingerprint of the program's founders. Compare it with one from another "
        "source, such as the program's office:",
        "limits": "What this page doesn't show",
        "limit_paper": "Papers, and the agencies' own systems. Ask each agency about those.",
        "limit_copies": "Copies that somebody made, and old backups.",
        "limit_word": "Each agency's word is signed. That it is true, nobody can prove.",
    },
    "es": {
        "title": "Lo que las agencias destruyeron sobre usted",
        "lead": "{agency} hizo esta página para usted el {day}. Cada agencia de abajo firmó lo que "
        "dice aquí. Los archivos firmados están junto a esta página.",
        "dismissed": "Su acusación fue desestimada el {day}.",
        "sealed": "Un tribunal hizo sellar su expediente el {day}.",
        "completed": "Usted completó el programa el {day}.",
        "ended": "Por eso {agency} destruyó {count} partes de su caso en el intercambio.",
        "ended_one": "Por eso {agency} destruyó una parte de su caso en el intercambio.",
        "ended_none": "{agency} no tenía en el intercambio ninguna parte de su caso que termine "
        "con esto.",
        "kept": "Todavía guarda otras partes, hasta el {day} a más tardar.",
        "nothing": "No guarda nada más de su caso en el intercambio.",
        "signed": "Lo firmó el {day}. El registro es el número {index} de la bitácora.",
        "file": "El archivo firmado:",
        "unsigned": "Estas agencias todavía no han firmado nada:",
        "checks": "Cómo lo comprueba un tribunal o un abogado",
        "command": "Con Offramp, en cualquier computadora, sin red:",
        "founders": "La huella de los fundadores del programa. Compárela con una de otra fuente, "
        "como la oficina del programa:",
        "limits": "Lo que esta página no muestra",
        "limit_paper": "Los papeles y los sistemas propios de las agencias. Pregunte por ellos a "
        "cada agencia.",
        "limit_copies": "Las copias que alguien hizo y los respaldos antiguos.",
        "limit_word": "La palabra de cada agencia está firmada. Que sea verdad, nadie lo puede "
        "probar.",
    },
}


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
    words, files = _WORDS[lang], exhibit_names(proof)
    made = spoken_day(day_of_moment(proof.made_at, proof.program_zone), lang)
    yield _paragraph(words["lead"].format(agency=proof.made_by, day=made))
    for statement in proof.statements:
        yield "<section>"
        yield f"<h2>{escape(statement.name)}</h2>"
        for sentence in _sentences(proof, statement, lang):
            yield _paragraph(sentence)
        yield f"<p>{escape(words['file'])} <code>{files[statement.record]}</code></p>"
        yield "</section>"
    if proof.unsigned:
        yield f"<section><h2>{escape(words['unsigned'])}</h2><ul>"
        yield from (f"<li>{escape(name)}</li>" for name in proof.unsigned)
        yield "</ul></section>"
    yield f"<section><h2>{escape(words['checks'])}</h2>"
    yield _paragraph(words["command"])
    for name in files.values():
        yield f"<p><code>offramp verify {name} --root {proof.founders}</code></p>"
    yield f"{_paragraph(words['founders'])}<p><code>{proof.founders}</code></p></section>"
    yield f"<section><h2>{escape(words['limits'])}</h2><ul>"
    for limit in ("limit_paper", "limit_copies", "limit_word"):
        yield f"<li>{escape(words[limit])}</li>"
    yield "</ul></section>"


def _sentences(proof: SealingProof, statement: SealingStatement, lang: str) -> Iterator[str]:
    words = _WORDS[lang]
    yield words[statement.cause].format(day=spoken_day(statement.on, lang))
    ended = {0: "ended_none", 1: "ended_one"}.get(statement.ended, "ended")
    yield words[ended].format(agency=statement.name, count=statement.ended)
    if statement.kept_until is None:
        yield words["nothing"]
    else:
        yield words["kept"].format(day=spoken_day(statement.kept_until, lang))
    signed = spoken_day(day_of_moment(statement.signed_at, proof.program_zone), lang)
    yield words["signed"].format(day=signed, index=statement.index)


def _paragraph(text: str) -> str:
    return f"<p>{escape(text)}</p>"
