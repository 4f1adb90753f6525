"""Plain terms for the participant, for each detail that a part can state: English, then Spanish.

A detail is a fact of the vocabulary, a field of a list of facts, or another member of a content.
The terms follow after "told", so each is a noun phrase that names no value. No court translator has
read the Spanish yet.
"""

from __future__ import annotations

import re

from offramp.agency.cases.plain_words import Words

DETAILS: Words = {
    "contact.given_name": ("your first name", "su nombre"),
    "contact.family_name": ("your last name", "su apellido"),
    "contact.birth_date": ("your birth date", "su fecha de nacimiento"),
    "contact.phone": ("your phone number", "su número de teléfono"),
    "contact.language": ("the language that you prefer", "el idioma que usted prefiere"),
    "person.age": ("your age", "su edad"),
    "encounter.date": ("the day on which police met you", "el día en que le encontró la policía"),
    "encounter.at": ("the time at which police met you", "la hora a la que le encontró la policía"),
    "encounter.route": ("how you came to the program", "cómo llegó usted al programa"),
    "encounter.in_area": (
        "whether police met you in the program's area",
        "si la policía le encontró en la zona del programa",
    ),
    "encounter.weapon": ("whether you had a weapon", "si usted tenía un arma"),
    "encounter.overdose_help_sought": (
        "whether you asked for help with an overdose",
        "si usted pidió ayuda por una sobredosis",
    ),
    "encounter.booked": ("whether you were booked", "si le ficharon"),
    "encounter.charges": ("what you could be charged with", "de qué se le podría acusar"),
    "encounter.drugs": ("which drugs were found", "qué drogas se encontraron"),
    "offer.accepted": ("whether you said yes to the offer", "si usted aceptó la oferta"),
    "judgment.amenable": (
        "whether the officer thinks that you are open to the program",
        "si el agente cree que usted está abierto al programa",
    ),
    "judgment.above_subsistence": (
        "whether the officer thinks that you sold more than you needed to live",
        "si el agente cree que usted vendió más de lo que necesitaba para vivir",
    ),
    "judgment.exploits_others": (
        "whether the officer thinks that you take advantage of others",
        "si el agente cree que usted se aprovecha de otras personas",
    ),
    "judgment.threat_of_harm": (
        "whether the officer thinks that you threatened somebody",
        "si el agente cree que usted amenazó a alguien",
    ),
    "approval.prosecutor": (
        "whether the prosecutor says yes or no",
        "si la fiscalía dice que sí o que no",
    ),
    "screening_outcome.outcome": (
        "whether records stop you from entering, without what they say",
        "si hay antecedentes que le impiden entrar, sin lo que dicen",
    ),
    "screening_outcome.record": (
        "the answer of another check of records, without what they say",
        "la respuesta de otra revisión de antecedentes, sin lo que dicen",
    ),
    "charge_status.standing": ("the state of the charge", "el estado de la acusación"),
    "charge_status.on": (
        "since when the charge is in this state",
        "desde cuándo está así la acusación",
    ),
    "case.charge_held": ("whether a charge is on hold", "si hay una acusación en suspenso"),
    "case.new_charges": ("charges that came later", "las acusaciones posteriores"),
    "person.enrolled": ("whether you are in the program", "si usted está en el programa"),
    "enrollment.enrolled": ("whether you are in the program", "si usted está en el programa"),
    "enrollment.since": ("since which day that is so", "desde qué día es así"),
    "case.referred_at": ("when police referred you", "cuándo le derivó la policía"),
    "intake_status.done_on": (
        "the day of your first interview",
        "el día de su primera entrevista",
    ),
    "case.intake_at": ("the time of your first interview", "la hora de su primera entrevista"),
    "case_manager_contact.name": ("your case manager's name", "el nombre de quien lleva su caso"),
    "case_manager_contact.phone": (
        "your case manager's phone number",
        "el número de teléfono de quien lleva su caso",
    ),
    "status.engagement": (
        "in one fixed word, how you are doing",
        "en una palabra fija, cómo le va",
    ),
    "status.meeting_on": ("the day of a meeting", "el día de una reunión"),
    "case.last_review_at": (
        "when your case was last looked at",
        "cuándo se revisó su caso por última vez",
    ),
    "barriers.areas": (
        "what is in your way, in a few fixed words",
        "qué obstáculos tiene, en pocas palabras fijas",
    ),
    "barriers.goals": (
        "your goals, in a few fixed words",
        "cuáles son sus metas, en pocas palabras fijas",
    ),
    "grievance.text": ("your complaint", "su queja"),
    "premises_crime.incident": ("a crime, in one fixed word", "un delito, en una palabra fija"),
    "premises_crime.against": (
        "whether the crime was against staff or on the premises",
        "si el delito fue contra el personal o en el local",
    ),
    "premises_crime.on": ("the day of the crime", "el día del delito"),
    "premises_crime.name": ("your full name", "su nombre completo"),
    "premises_crime.address": ("your address", "su dirección"),
    "premises_crime.last_known_whereabouts": (
        "where you were last seen",
        "dónde se le vio por última vez",
    ),
    "plan.text": ("your plan", "su plan"),
    "case.plan_at": ("when your plan was made", "cuándo se hizo su plan"),
    "service.text": ("help that was arranged for you", "la ayuda que se organizó para usted"),
    "progress.text": ("how your life is going", "cómo va su vida"),
    "case.progress.health": ("how your health changed", "cómo cambió su salud"),
    "case.progress.family": ("how your family life changed", "cómo cambió su vida familiar"),
    "case.progress.housing": ("how your housing changed", "cómo cambió su vivienda"),
    "case.progress.employment": ("how your work changed", "cómo cambió su trabajo"),
    "case.progress.income": ("how your income changed", "cómo cambiaron sus ingresos"),
    "attendance.text": ("a note on your appointments", "una nota sobre sus citas"),
    "case.missed_contacts": (
        "how many appointments you missed",
        "a cuántas citas faltó usted",
    ),
    "case.last_contact_at": (
        "when you last met your case manager",
        "cuándo vio por última vez a quien lleva su caso",
    ),
    "substance_use.text": (
        "a note on your drug or alcohol use",
        "una nota sobre su consumo de drogas o alcohol",
    ),
    "case.progress.substance_use": (
        "how your drug or alcohol use changed",
        "cómo cambió su consumo de drogas o alcohol",
    ),
    "case.relapses": ("how often you used again", "cuántas veces volvió a consumir"),
    "test_result.text": ("a note on a drug test", "una nota sobre una prueba de drogas"),
    "test_result.substance": ("what a drug test was for", "de qué era una prueba de drogas"),
    "test_result.result": ("the result of a drug test", "el resultado de una prueba de drogas"),
    "test_result.taken_on": ("the day of a drug test", "el día de una prueba de drogas"),
    "treatment.text": (
        "a note on your treatment for drug or alcohol use",
        "una nota sobre su tratamiento por consumo de drogas o alcohol",
    ),
    "health.emergency": (
        "that there was a medical emergency, and its kind",
        "que hubo una emergencia médica, y de qué clase",
    ),
    "health.text": ("a note on your health", "una nota sobre su salud"),
    "counseling_note.text": (
        "a note of a counseling session of yours",
        "una nota de una sesión de terapia suya",
    ),
}

# The fields of a list, in parentheses after the list.
FIELDS: Words = {
    "encounter.charges.code": ("section of law", "artículo de la ley"),
    "encounter.charges.level": ("how serious", "qué gravedad"),
    "encounter.charges.conduct": ("conduct", "conducta"),
    "encounter.charges.violent": ("violent or not", "con violencia o no"),
    "encounter.charges.to_minor": ("toward a minor or not", "contra un menor o no"),
    "encounter.charges.authority": ("whose law", "de quién es la ley"),
    "encounter.drugs.kind": ("kind", "clase"),
    "encounter.drugs.grams": ("weight", "peso"),
    "encounter.drugs.units": ("number", "cantidad"),
    "encounter.drugs.form": ("weighed or counted", "si se pesan o se cuentan"),
    "encounter.drugs.basis": ("how the weight was found", "cómo se supo el peso"),
    "case.new_charges.level": ("how serious", "qué gravedad"),
    "case.new_charges.conduct": ("conduct", "conducta"),
    "case.new_charges.violent": ("violent or not", "con violencia o no"),
    "case.new_charges.date": ("day", "día"),
    "case.new_charges.egregious": (
        "whether the prosecutor finds it very serious",
        "si la fiscalía lo ve muy grave",
    ),
    "case.new_charges.evidence_origin": (
        "where the evidence comes from",
        "de dónde viene la prueba",
    ),
}

# What a part can contain beside its details.
OTHERS: Words = {
    "answered": (
        "what the rules answer about {decision}",
        "lo que responden las reglas sobre {decision}",
    ),
    "undetermined": (
        "that the rules can't answer yet about {decision}",
        "que las reglas aún no pueden responder sobre {decision}",
    ),
    "looked": (
        "that the rules looked at {category}",
        "que las reglas tuvieron en cuenta {category}",
    ),
    "needed": ("which details are missing", "qué datos faltan"),
    "determined": (
        "a decision about {decision}, who made it, and why",
        "una decisión sobre {decision}, quién la tomó y por qué",
    ),
    "steps": ("the steps that a meeting agreed on", "los pasos que acordó una reunión"),
    "own_fact": ("the answer to “{question}”", "la respuesta a «{question}»"),
    "own_field": ("“{question}”", "«{question}»"),
    "not_known": ("{detail} (as not known)", "{detail} (como dato que no se sabe)"),
}

# The terms speak to the participant. Staff read of the person.
_THIRD_PERSON = {
    "you were": "the person was",
    "you are": "the person is",
    "you take": "the person takes",
    "you prefer": "the person prefers",
    "yours": "the person's",
    "your": "the person's",
    "you": "the person",
}
_SECOND_PERSON = re.compile(rf"“[^”]*”|\b(?:{'|'.join(_THIRD_PERSON)})\b")


def in_third_person(phrase: str) -> str:
    """Return an English term as staff read it. A question in quotation marks stays as it is."""
    return _SECOND_PERSON.sub(lambda found: _THIRD_PERSON.get(found[0], found[0]), phrase)
