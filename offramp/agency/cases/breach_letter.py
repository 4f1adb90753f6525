"""The letter to a person whose records could have been read, in English and Spanish.

It says what 45 CFR 164.404(c)(1) asks for: what happened and when, what kinds of information, what
the person can do, what the agency does, and whom to ask. No professional has read the Spanish.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from offramp.agency.cases.breach import Breach, ExposedCase
from offramp.agency.cases.plain_words import CATEGORIES
from rules.author.spoken_dates import spoken_day

WIDTH = 78

_SAID = {
    "en": {
        "draft": "DRAFT. A person at the agency reads this letter, corrects it, and signs it.",
        "dear": "Dear {name},",
        "someone": "participant in case {case}",
        "what": "A key with which {agency} reads messages about you was lost or stolen. We learned "
        "of it on {discovered}.",
        "when": "Somebody without a right to it may have had the key since {day}.",
        "when_unknown": "We do not know since when somebody without a right to it may have had the "
        "key.",
        "contents": "That person could have read, about you:",
        "labels": "That person could have learned that these kinds of messages about you exist, "
        "but not what they say:",
        "read": "We do not know that anybody read them. We tell you because it was possible.",
        "do": "What you can do",
        "do_1": "- If somebody uses something about you that only {agency} should know, tell us or "
        "your lawyer.",
        "do_2": "- You can take back any permission that you gave for your records, at any time. "
        "That costs you nothing in the program.",
        "do_3": "- You can ask us for a list of everything that was told about you.",
        "do_4": "- You can complain to the U.S. Department of Health and Human Services: "
        "www.hhs.gov/ocr/complaints. Nobody may punish you for that.",
        "we": "What we do",
        "we_1": "- The key no longer counts. New messages are locked with another one.",
        "we_2": "- We report this to the Department of Health and Human Services.",
        "ask": "Whom you can ask",
    },
    "es": {
        "draft": "BORRADOR. Una persona de la agencia lee esta carta, la corrige y la firma.",
        "dear": "Estimado/a {name}:",
        "someone": "participante del caso {case}",
        "what": "Se perdió o robaron una clave con la que {agency} lee mensajes sobre usted. Lo "
        "supimos el {discovered}.",
        "when": "Alguien sin derecho a ella pudo tener la clave desde el {day}.",
        "when_unknown": "No sabemos desde cuándo alguien sin derecho a ella pudo tener la clave.",
        "contents": "Esa persona pudo leer, sobre usted:",
        "labels": "Esa persona pudo saber que existen mensajes de estos tipos sobre usted, pero no "
        "lo que dicen:",
        "read": "No sabemos si alguien los leyó. Se lo decimos porque fue posible.",
        "do": "Lo que usted puede hacer",
        "do_1": "- Si alguien usa algo sobre usted que solo {agency} debería saber, díganoslo o "
        "dígaselo a su abogado.",
        "do_2": "- Puede retirar en cualquier momento los permisos que dio para sus datos. Eso no "
        "le cuesta nada en el programa.",
        "do_3": "- Puede pedirnos una lista de todo lo que se contó sobre usted.",
        "do_4": "- Puede quejarse ante el Departamento de Salud y Servicios Humanos de EE. UU.: "
        "www.hhs.gov/ocr/complaints. Nadie puede castigarle por eso.",
        "we": "Lo que hacemos nosotros",
        "we_1": "- La clave ya no vale. Los mensajes nuevos se cierran con otra.",
        "we_2": "- Informamos de esto al Departamento de Salud y Servicios Humanos.",
        "ask": "A quién puede preguntar",
    },
}
_LANGUAGES = tuple(_SAID)


def breach_letter(
    breach: Breach, case: ExposedCase, sender: str, contact: str, zone: ZoneInfo, language: str
) -> bytes:
    """Return the letter about one case as text. `sender` and `contact` are of the agency."""
    said = _SAID[language]
    name = case.name or said["someone"].format(case=case.case[:8])
    discovered = spoken_day(breach.discovered, language)
    lines = [said["draft"], "", sender, ""]
    lines += [said["dear"].format(name=name), ""]
    lines += [said["what"].format(agency=sender, discovered=discovered)]
    lines += [_when(breach, zone, language), ""]
    lines += _listed(said["contents"], case.categories, language)
    lines += _listed(said["labels"], case.label_categories, language)
    lines += [said["read"], "", said["do"], ""]
    lines += [said[f"do_{number}"].format(agency=sender) for number in (1, 2, 3, 4)]
    lines += ["", said["we"], "", said["we_1"], said["we_2"], "", said["ask"], "", contact]
    return ("\n".join(wrapped for line in lines for wrapped in _wrap(line)) + "\n").encode()


def _when(breach: Breach, zone: ZoneInfo, language: str) -> str:
    if breach.from_time is None:
        return _SAID[language]["when_unknown"]
    day = datetime.fromtimestamp(breach.from_time, UTC).astimezone(zone).date()
    return _SAID[language]["when"].format(day=spoken_day(day, language))


def _listed(sentence: str, categories: tuple[str, ...], language: str) -> Iterator[str]:
    if categories:
        yield sentence
        column = _LANGUAGES.index(language)
        yield from (f"- {CATEGORIES[category][column]}" for category in categories)
        yield ""


def _wrap(line: str) -> list[str]:
    indent = "  " if line.startswith("- ") else ""
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent) or [""]
