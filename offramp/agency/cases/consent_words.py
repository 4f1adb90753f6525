"""The fixed sentences of a consent form, in English and Spanish.

The Spanish has not been read by a professional translator.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from rules.author.phrases import format_day
from rules.packs.pack import Pack

_MONTHS = (
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
)

SAY: Mapping[str, tuple[str, str]] = {
    "question": ("May {recipient} be told this?", "¿Se le puede decir esto a {recipient}?"),
    "may_tell": (
        "{sender} may tell {recipient}: {categories}. This is {purposes}.",
        "{sender} puede decir a {recipient}: {categories}. Esto es {purposes}.",
    ),
    "not_allowed": (
        "You do not allow {sender} to tell {recipient}: {categories}. This was {purposes}.",
        "Usted no permite que {sender} diga a {recipient}: {categories}. Esto era {purposes}.",
    ),
    "and": (", and ", ", y "),
    "or": (" or ", " o "),
    "until": (
        "This ends on {day}, or on any day you say so.",
        "Esto termina el {day}, o el día que usted lo diga.",
    ),
    "minimum": (
        "The rules need this for an answer. You may still say no.",
        "Las reglas lo necesitan para dar una respuesta. Aun así puede decir que no.",
    ),
    "optional": ("This is optional.", "Esto es opcional."),
    "never": (
        "Whatever you answer, {recipient} is never told:",
        "Conteste lo que conteste, a {recipient} nunca se le dice:",
    ),
    "counsel_first": (
        "A yes here does nothing before {recipient} says in your case that it is your lawyer.",
        "Un sí aquí no hace nada hasta que {recipient} diga en su caso que es su defensa.",
    ),
    "if_no": ("If you say no:", "Si dice que no:"),
    "not_told": (
        "{recipient} is told none of this through {senders}.",
        "A {recipient} no se le dice nada de esto por medio de {senders}.",
    ),
    "open": (
        "The rules may have no answer about this: {decision}. It stays open until {recipient} "
        "learns it in another way.",
        "Las reglas pueden quedarse sin respuesta sobre esto: {decision}. Queda abierto hasta que "
        "{recipient} lo sepa de otra manera.",
    ),
    # Before a take-back alone, and not on a form: a charge that is on hold goes on without it.
    "charge_unknown": (
        "{recipient} would not learn any more what happens with a charge against you. What it says "
        "of the charge would stay as of the day on which it was told last. The charge could be "
        "filed, and nobody there would know.",
        "{recipient} ya no se enteraría de lo que pasa con una acusación en su contra. Lo que dice "
        "de ella quedaría como el último día en que se le dijo. La acusación podría presentarse "
        "sin que nadie allí lo sepa.",
    ),
    # A take-back ends what was signed. The yes to the offer is another permission.
    "by_offer": (
        "You said yes to the program when police offered it. For {days} days after that yes, or "
        "until you leave, {sender} may still tell {recipient} this, and correct it: {categories}.",
        "Usted dijo que sí al programa cuando la policía se lo ofreció. Por {days} días desde "
        "entonces, o hasta que deje el programa, {sender} aún puede decir esto a {recipient} y "
        "corregirlo: {categories}.",
    ),
    "by_offer_of_person": (
        "The person said yes to the program when police offered it. For {days} days after that "
        "yes, or until the person leaves, {sender} may still tell {recipient} this, and correct "
        "it: {categories}.",
        "La persona dijo que sí al programa cuando la policía se lo ofreció. Por {days} días desde "
        "entonces, o hasta que deje el programa, {sender} aún puede decir esto a {recipient} y "
        "corregirlo: {categories}.",
    ),
    "ask_lawyer": (
        "Ask your lawyer or the court.",
        "Pregunte a su defensa o al tribunal.",
    ),
    "ask_court": ("Ask the court.", "Pregunte al tribunal."),
    "entry_same": (
        "Whether you enter the program does not depend on it.",
        "Si entra o no en el programa no depende de esto.",
    ),
    "staying_same": (
        "Whether you stay in the program does not depend on it.",
        "Si se queda o no en el programa no depende de esto.",
    ),
    "no_rule_reads": (
        "No rule of the program looks at whether you said yes or no.",
        "Ninguna regla del programa mira si usted dijo que sí o que no.",
    ),
    "no_need_to_sign": (
        "You don't have to sign, and you may say no to any line.",
        "No tiene que firmar, y puede decir que no a cualquier línea.",
    ),
    "take_back": (
        "You can take back any of it, on any day, in writing or by saying so. Tell {collector}, "
        "another office that cares for you, or your lawyer. What was told or done before can't be "
        "undone. You can ask for it to be given back.",
        "Puede retirar cualquier parte, cualquier día, por escrito o con solo decirlo. Dígalo a "
        "{collector}, a otra oficina que le atiende, o a su abogado o abogada. Lo que ya se dijo o "
        "se hizo no se puede deshacer. Puede pedir que lo devuelvan.",
    ),
    "open_if_no": (
        "If you say no, the rules may have no answer about this: {decisions}.",
        "Si dice que no, las reglas pueden quedarse sin respuesta sobre esto: {decisions}.",
    ),
    "care_stays": (
        "No clinic or health plan may make your treatment, its payment, your health insurance, or "
        "your benefits depend on whether you sign this.",
        "Ninguna clínica ni plan de salud puede hacer que su tratamiento, el pago, su seguro "
        "médico o sus beneficios dependan de que usted firme esto.",
    ),
    "passed_on": (
        "An office that is told something could pass it on. The federal health privacy rule "
        "(HIPAA) may not protect it then.",
        "Una oficina a la que se le dice algo podría pasarlo a otros. Entonces la regla federal "
        "de privacidad de la salud (HIPAA) puede no protegerlo.",
    ),
    "part2": (
        "Federal law (42 CFR Part 2) protects records of drug and alcohol treatment. A clinic or "
        "health plan that gets them for treatment, payment, or its own operations may pass them "
        "on as HIPAA permits, and then Part 2 may no longer protect them. Without your consent or "
        "a court order, nobody may use them in a court case or another proceeding against you.",
        "La ley federal (42 CFR Parte 2) protege los registros de tratamiento por drogas y "
        "alcohol. Una clínica o un plan de salud que los recibe para el tratamiento, el pago o "
        "sus propias operaciones puede pasarlos a otros como permite HIPAA, y entonces la Parte 2 "
        "puede dejar de protegerlos. Sin su consentimiento o una orden judicial, nadie puede "
        "usarlos en un juicio ni en otro procedimiento en su contra.",
    ),
    "limit": (
        "What {collector} tells about you carries a limit: it may not be used against you.",
        "Lo que {collector} diga sobre usted lleva un límite: no se puede usar en su contra.",
    ),
    "copy": ("You get a copy of this.", "Usted recibe una copia de esto."),
    "head": (
        "Consent, {program}. For {person}. Date: {day}.",
        "Consentimiento, {program}. De {person}. Fecha: {day}.",
    ),
    "counts": (
        "Lines with a yes: {agreed}. Lines with a no: {declined}. Only what is written here holds.",
        "Líneas con un sí: {agreed}. Líneas con un no: {declined}. Solo vale lo que está escrito "
        "aquí.",
    ),
    "number": ("Question {number} of {count}", "Pregunta {number} de {count}"),
    "choose_yes": ("yes", "sí"),
    "choose_no": ("no", "no"),
    "choose_each": ("answer each line by itself", "contestar cada línea por separado"),
    "choose_later": ("ask me later", "pregúnteme después"),
    "take_back_what": ("What do you take back?", "¿Qué retira?"),
    "take_back_all": ("all of it", "todo"),
    "yes": ("YES", "SÍ"),
    "no": ("NO", "NO"),
    "signed_so": ("How it is explained and signed:", "Cómo se explica y se firma:"),
    "explained_by": (
        "Explained by {by} in English. Place: {place}",
        "Lo explica {by} en español. Lugar: {place}",
    ),
    "interpreter": ("Interpreter: {name}", "Intérprete: {name}"),
    "in_custody": ("In custody: {answer}", "Bajo custodia: {answer}"),
    "time_to_think": ("Time to think: {answer}", "Tiempo para pensar: {answer}"),
    "copy_given": ("Copy given: {answer}", "Copia entregada: {answer}"),
    "witness": ("Witness: {name}", "Testigo: {name}"),
    "nobody": ("nobody", "nadie"),
    "representative": (
        "{name} signs for the person. What allows it: {authority}",
        "{name} firma por la persona. Lo permite: {authority}",
    ),
    "signature": ("Signature: {method}", "Firma: {method}"),
    "not_stated": ("not stated", "no consta"),
    "other_name": (
        "`{typed}` isn't the name on the form",
        "`{typed}` no es el nombre del formulario",
    ),
    "type_name": ("type `{name}`", "escriba `{name}`"),
    "ends_on": ("It ends on {day}.", "Termina el {day}."),
    "ends_with": (
        "It ends when {certifier} confirms the event.",
        "Termina cuando {certifier} confirma el hecho.",
    ),
}

# How a form is signed, and the word for a form that nobody signed.
NOT_SIGNED = "not_signed"
SIGNED: Mapping[str, tuple[str, str]] = {
    "typed": ("the person types the name", "la persona escribe su nombre"),
    "drawn": (
        "drawn with a finger or a pen on a screen",
        "con un dedo o un lápiz en una pantalla",
    ),
    "paper": ("signed on paper", "en papel"),
    "mark": ("a mark in place of a signature", "con una marca en lugar de una firma"),
    NOT_SIGNED: ("the person doesn't sign", "la persona no firma"),
}

# The decisions of the vocabulary, as what the rules have an answer about.
DECISIONS: Mapping[str, tuple[str, str]] = {
    "offer": (
        "whether the program can be offered to you",
        "si se le puede ofrecer el programa",
    ),
    "screening": (
        "whether records stop you from entering",
        "si hay antecedentes que le impiden entrar",
    ),
    "eligibility": (
        "whether you meet the program's test",
        "si cumple las condiciones del programa",
    ),
    "admission": ("whether you are in the program", "si está en el programa"),
    "filing": (
        "whether a charge that is on hold may be filed",
        "si se puede presentar una acusación que está en suspenso",
    ),
    "review": ("what the next steps for you are", "cuáles son sus próximos pasos"),
    "completion": (
        "whether you have done what the program asks",
        "si usted ha hecho lo que pide el programa",
    ),
    "ejection": (
        "whether the prosecutor may end your place",
        "si la fiscalía puede terminar su plaza",
    ),
    "disclosure": (
        "whether something may be told about you",
        "si se puede comunicar algo sobre usted",
    ),
}


def say(lang: str, key: str, **terms: str) -> str:
    """Return a fixed sentence in a language, with its terms filled in."""
    return SAY[key][1 if lang == "es" else 0].format(**terms)


def circumstances(lang: str, known: Mapping[str, Any]) -> tuple[str, ...]:
    """Return how a form is explained and signed, line by line, as far as it is known.

    `known` has members of a signed form (`explained_by`, `place`, `interpreter`, `in_custody`,
    `time_to_think`, `copy_given`, `witness`, `representative`, `authority`), and `method`, which
    may be `NOT_SIGNED`. An interpreter or a witness who is None was nobody.
    """
    nobody = say(lang, "nobody")
    lines = [say(lang, "explained_by", by=known["explained_by"], place=known["place"])]
    if "interpreter" in known:
        lines.append(say(lang, "interpreter", name=known["interpreter"] or nobody))
    for name in ("in_custody", "time_to_think", "copy_given"):
        if name in known:
            answer = say(lang, "choose_yes" if known[name] else "choose_no")
            lines.append(say(lang, name, answer=answer))
    if "witness" in known:
        lines.append(say(lang, "witness", name=known["witness"] or nobody))
    if known.get("representative") is not None:
        authority = known.get("authority") or say(lang, "not_stated")
        name = known["representative"]
        lines.append(say(lang, "representative", name=name, authority=authority))
    if "method" in known:
        method = SIGNED[known["method"]][1 if lang == "es" else 0]
        lines.append(say(lang, "signature", method=method))
    return tuple(lines)


def decision_words(pack: Pack, decision: str, lang: str) -> str:
    """Return what a decision is about, to stand inside a sentence.

    A pack's own decision is named by its question, in quotation marks.
    """
    if decision in DECISIONS:
        return DECISIONS[decision][1 if lang == "es" else 0]
    asks = " ".join(pack.decisions[decision].asks.split())
    if lang == "es":
        return f"la pregunta «{pack.spanish.get(asks, asks)}»"
    return f"the question “{asks}”"


def spell_day(day: date, lang: str) -> str:
    """Return a day in words: `June 1, 2027`, or `1 de junio de 2027`."""
    if lang == "es":
        return f"{day.day} de {_MONTHS[day.month - 1]} de {day.year}"
    return format_day(day)
