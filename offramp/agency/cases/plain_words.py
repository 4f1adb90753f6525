"""Plain terms for the participant, for each term of the vocabulary: English, then Spanish."""

from __future__ import annotations

from collections.abc import Mapping

Words = Mapping[str, tuple[str, str]]

ROLES: Words = {
    "police": ("police", "policía"),
    "prosecutor": ("prosecutor's office", "fiscalía"),
    "defender": ("public defender", "defensa pública"),
    "program": ("the program's management", "dirección del programa"),
    "case_management": ("case managers", "gestión de casos"),
    "treatment_provider": (
        "drug or alcohol treatment",
        "tratamiento por consumo de drogas o alcohol",
    ),
    "service_provider": (
        "help with housing, work and other needs",
        "ayuda con vivienda, trabajo y otras necesidades",
    ),
    "health_provider": ("medical care", "atención médica"),
}

CATEGORIES: Words = {
    "contact": (
        "your name, your age and how to reach you",
        "su nombre, su edad y cómo localizarle",
    ),
    "encounter": ("what happened when police met you", "lo que pasó cuando la policía le encontró"),
    "charge": ("what you could be charged with", "de qué se le podría acusar"),
    "screening_outcome": (
        "whether records stop you from entering, without what they say",
        "si hay antecedentes que le impiden entrar, sin lo que dicen",
    ),
    "new_charge": ("a charge that came later", "una acusación posterior"),
    "charge_status": (
        "whether a charge against you is being held",
        "si hay una acusación en suspenso contra usted",
    ),
    "decision_outcome": (
        "what a person decided about you",
        "lo que una persona decidió sobre usted",
    ),
    "enrollment": (
        "whether you are in the program, and since when",
        "si está en el programa y desde cuándo",
    ),
    "intake_status": ("that your first interview is done", "que su primera entrevista está hecha"),
    "case_manager_contact": (
        "how to reach your case manager",
        "cómo localizar a quien lleva su caso",
    ),
    "status": ("in one fixed word, how you are doing", "en una palabra fija, cómo le va"),
    "barriers": (
        "what is in your way, and your goals, in a few fixed words",
        "en pocas palabras fijas, qué obstáculos tiene y cuáles son sus metas",
    ),
    "grievance": ("a complaint of yours", "una queja suya"),
    "premises_crime": (
        "a crime at the program or against its staff, your name, and where you were last seen",
        "un delito en el programa o contra su personal, su nombre y dónde se le vio por última vez",
    ),
    "plan": ("the plan made with you", "el plan hecho con usted"),
    "service": ("help that was arranged for you", "la ayuda que se organizó para usted"),
    "progress": (
        "how your life is going, without drug use",
        "cómo va su vida, sin el consumo de drogas",
    ),
    "attendance": ("which appointments you kept or missed", "a qué citas asistió o faltó"),
    "substance_use": ("drug or alcohol use", "consumo de drogas o alcohol"),
    "test_result": ("results of drug tests", "resultados de pruebas de drogas"),
    "treatment": (
        "your treatment for drug or alcohol use",
        "su tratamiento por consumo de drogas o alcohol",
    ),
    "health": ("your health in other respects", "su salud en otros aspectos"),
    "counseling_note": ("notes of your counseling sessions", "notas de sus sesiones de terapia"),
    "consent_terms": (
        "what you agreed to: who may tell whom what",
        "lo que usted aceptó: quién puede decir qué a quién",
    ),
    "consent_identity": ("the form that you signed", "el formulario que usted firmó"),
    "disclosure_account": ("an account like this one", "un informe como este"),
    "operation": ("a notice that runs the exchange", "un aviso para el funcionamiento del sistema"),
    "criminal_history": (
        "convictions, supervision or warrants",
        "condenas, supervisión u órdenes de arresto",
    ),
    "offense_disclosure": (
        "an offense that you spoke of in care",
        "un delito del que habló al recibir atención",
    ),
    "immigration": ("your immigration status", "su situación migratoria"),
    "informant": ("something about informing", "algo sobre ser informante"),
    "privileged": ("what you told your lawyer", "lo que habló con su abogado"),
    "third_party": ("something about somebody else", "algo sobre otra persona"),
}

PURPOSES: Words = {
    "offer_and_hand_off": (
        "to offer you the program and bring you to a case manager",
        "para ofrecerle el programa y ponerle en contacto con quien llevará su caso",
    ),
    "screening": (
        "to find out whether records stop you from entering",
        "para saber si hay antecedentes que le impiden entrar",
    ),
    "admission": (
        "to decide whether you enter the program",
        "para decidir si entra en el programa",
    ),
    "diversion_coordination": ("to work on your case together", "para trabajar juntos en su caso"),
    "filing_status": (
        "to say whether a charge is held, filed or dropped",
        "para decir si una acusación se suspende, presenta o retira",
    ),
    "treatment": ("to treat you", "para darle tratamiento"),
    "service_arrangement": (
        "to arrange housing, work, identity documents or other help",
        "para conseguir vivienda, trabajo, documentos de identidad u otra ayuda",
    ),
    "legal_representation": (
        "so that your lawyer can advise and defend you",
        "para que su abogado pueda aconsejarle y defenderle",
    ),
    "inform_person": ("to tell you what was done", "para informarle de lo que se hizo"),
    "exchange_operation": ("to run the exchange itself", "para el funcionamiento del sistema"),
    "medical_emergency": ("because of a medical emergency", "por una emergencia médica"),
    "premises_crime": (
        "to report a crime at the program or against its staff",
        "para denunciar un delito en el programa o contra su personal",
    ),
    "investigation": ("to investigate", "para investigar"),
    "prosecution": ("to charge or prosecute you", "para acusarle o procesarle"),
    "proceedings": ("for a proceeding against you", "para un procedimiento contra usted"),
    "immigration_enforcement": (
        "to enforce immigration law",
        "para aplicar las leyes de inmigración",
    ),
    "informant_recruitment": ("to win you as an informant", "para captarle como informante"),
    "risk_scoring": ("to compute how risky you are", "para calcular su nivel de riesgo"),
    "eviction_or_benefits": (
        "to end a tenancy or cut a benefit",
        "para terminar un alquiler o recortar una ayuda",
    ),
    "fundraising": ("to raise money", "para recaudar dinero"),
}

BASES: Words = {
    "consent": (
        "you agreed to it in a signed consent",
        "usted lo aceptó en un consentimiento firmado",
    ),
    "offer_at_scene": (
        "you said yes to the program when police offered it, less than 30 days before",
        "usted dijo que sí al programa cuando la policía se lo ofreció, menos de 30 días antes",
    ),
    "operation": (
        "the exchange needs it to work, and it tells nothing more",
        "el sistema lo necesita para funcionar y no dice nada más",
    ),
    "premises_crime": (
        "federal law lets the program report a crime at the program or against its staff",
        "la ley federal permite al programa denunciar un delito en el programa o contra su "
        "personal",
    ),
    "none": ("an emergency was recorded", "se dejó constancia de una emergencia"),
}

KINDS: Words = {
    "offer": (
        "the police's note that the program was offered",
        "la nota de la policía de que se ofreció el programa",
    ),
    "referral": ("the police's referral", "la derivación de la policía"),
    "hand_off": (
        "the note that a case manager met you",
        "la nota de que le conoció quien lleva su caso",
    ),
    "screening_outcome": (
        "the answer of the records check",
        "la respuesta de la revisión de antecedentes",
    ),
    "question": ("a question", "una pregunta"),
    "answer": ("an answer to a question", "una respuesta a una pregunta"),
    "decision": (
        "what the program's rules answered",
        "lo que respondieron las reglas del programa",
    ),
    "determination": ("a decision made by a person", "una decisión tomada por una persona"),
    "consent": ("your consent", "su consentimiento"),
    "consent_change": ("a change of your consent", "un cambio de su consentimiento"),
    "counts": ("the counts of a quarter", "los números de un trimestre"),
    "recall": ("a request to give something back", "una petición de devolver algo"),
    "recall_answer": ("the answer to such a request", "la respuesta a esa petición"),
    "representation": (
        "the note that a lawyer acts for you",
        "la nota de que un abogado actúa por usted",
    ),
    "assignment": ("the note who your case manager is", "la nota de quién lleva su caso"),
    "intake": (
        "the note that your first interview is done",
        "la nota de que su primera entrevista está hecha",
    ),
    "plan": ("the plan made with you", "el plan hecho con usted"),
    "service_referral": ("a referral to somebody who helps", "una derivación a alguien que ayuda"),
    "service_answer": ("the answer whether they take you on", "la respuesta sobre si le aceptan"),
    "contact_attempt": (
        "the note that somebody tried to reach you",
        "la nota de que alguien intentó localizarle",
    ),
    "progress": ("a report on how your life is going", "un informe sobre cómo va su vida"),
    "status": ("a report in a few fixed words", "un informe en pocas palabras fijas"),
    "meeting_agenda": (
        "what the partners' meeting is to talk about",
        "lo que se tratará en la reunión del programa",
    ),
    "meeting_decision": (
        "what the partners' meeting decided",
        "lo que decidió la reunión del programa",
    ),
    "new_charge": ("the note of a later charge", "la nota de una acusación posterior"),
    "filing_decision": (
        "the decision whether to file the held charge",
        "la decisión sobre presentar la acusación en suspenso",
    ),
    "ejection": ("the decision to end your place", "la decisión de terminar su plaza"),
    "reinstatement": ("the decision to give your place back", "la decisión de devolverle su plaza"),
    "transfer": (
        "the note that you move to another program or case manager",
        "la nota de que pasa a otro programa o a otra persona que lleve su caso",
    ),
    "exit": ("the note that you left the program", "la nota de que dejó el programa"),
    "charge_disposition": ("what became of a charge", "lo que pasó con una acusación"),
    "sealed": (
        "the note that an agency destroyed what it held",
        "la nota de que una agencia destruyó lo que tenía",
    ),
    "oral_disclosure": ("said aloud", "dicho de palabra"),
    "emergency_disclosure": ("in a medical emergency", "en una emergencia médica"),
    "court_order_disclosure": ("by a court's order", "por orden de un tribunal"),
    "correction": ("a correction of what was sent before", "una corrección de lo enviado antes"),
    "grievance": ("your complaint", "su queja"),
    "premises_crime": (
        "a report of a crime at the program or against its staff",
        "una denuncia de un delito en el programa o contra su personal",
    ),
    "program_facts": (
        "details that only this program asks for",
        "datos que solo pide este programa",
    ),
    "misuse_complaint": (
        "a complaint that something was misused",
        "una queja de que algo se usó mal",
    ),
    "accounting": ("an account like this one", "un informe como este"),
    "acknowledgement": ("the note that something was read", "la nota de que algo se leyó"),
    "pack_adoption": ("a change of the program's rules", "un cambio de las reglas del programa"),
    "directory_change": ("a change of who takes part", "un cambio de quién participa"),
}
