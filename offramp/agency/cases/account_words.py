"""The account's own sentences: English, then Spanish. A count has a sentence for one and for more.

Spanish addresses the reader as "usted". No court translator has read it yet.
"""

from __future__ import annotations

from collections.abc import Mapping

from exchange.consent.account_rows import HANDED, PENDING, SENT, WITHDRAWN

SAID: Mapping[str, tuple[str, str]] = {
    # The first page
    "title": (
        "What was told about you in this case, up to {at}",
        "Lo que se comunicó sobre usted en este caso, hasta el {at}",
    ),
    "zone": (
        "All times are local times of the zone {zone}.",
        "Todas las horas son locales, de la zona {zone}.",
    ),
    "own_rows": (
        "Only what {agency} said or was told. Counsel has the whole account, and `--for-person` "
        "prints it to give to the person.",
        "Solo lo que {agency} comunicó o recibió. La defensa tiene el informe completo, y "
        "`--for-person` lo imprime para dárselo a la persona.",
    ),
    "own_records": (
        "Only what {agency} said or was told, by its own records. The hub gives the account of a "
        "case to counsel, and to the case manager that recorded a consent in it.",
        "Solo lo que {agency} comunicó o recibió, según sus propios registros. El centro da el "
        "informe de un caso a la defensa, y a quien lleva el caso y anotó un consentimiento.",
    ),
    "own_records_read": (
        "Only what {agency} said or was told, by its own records. What other offices told each "
        "other isn't here now.",
        "Solo lo que {agency} comunicó o recibió, según sus propios registros. Ahora no está aquí "
        "lo que otras oficinas se dijeron entre sí.",
    ),
    "own_records_withheld": (
        "This isn’t the whole list. {agency} can see only what it said or was told. It can see "
        "what other offices told each other once you sign a consent form there. Your lawyer can "
        "ask for the whole list, too.",
        "Esta no es la lista completa. {agency} solo puede ver lo que comunicó o recibió. Podrá "
        "ver lo que otras oficinas se dijeron entre sí cuando usted firme allí un formulario de "
        "consentimiento. Su abogado también puede pedir la lista completa.",
    ),
    "this_case": ("CASE {case}", "CASO {case}"),
    "other_case": (
        "CASE {case}, ANOTHER CASE OF THIS PERSON",
        "CASO {case}, OTRO CASO DE ESTA PERSONA",
    ),
    "who_knows": ("WHO KNOWS WHAT NOW", "QUIÉN SABE QUÉ AHORA"),
    "nothing": (
        "Nothing about you was told through the exchange.",
        "No se comunicó nada sobre usted por este sistema.",
    ),
    "knows": (
        "{agency}, last on {day}. {categories}.",
        "{agency}, por última vez el {day}. {categories}.",
    ),
    "ended_none": (
        "It SIGNED on {day} that it had no part of this case that ends because {because}.",
        "FIRMÓ el {day} que no tenía ninguna parte de este caso que termine porque {because}.",
    ),
    "ended_no_more": (
        "It SIGNED on {day} that it had no other part of this case that ends because {because}.",
        "FIRMÓ el {day} que no tenía ninguna otra parte de este caso que termine porque {because}.",
    ),
    "ended_one": (
        "It SIGNED on {day} that it DESTROYED {count} part of this case, because {because}, or "
        "because its time was over.",
        "FIRMÓ el {day} que DESTRUYÓ {count} parte de este caso, porque {because}, o porque su "
        "plazo había terminado.",
    ),
    "ended": (
        "It SIGNED on {day} that it DESTROYED {count} parts of this case, because {because}, or "
        "because their time was over.",
        "FIRMÓ el {day} que DESTRUYÓ {count} partes de este caso, porque {because}, o porque su "
        "plazo había terminado.",
    ),
    "again_one": (
        "It SIGNED on {day}, since {because}, that it had DESTROYED {count} part of this case.",
        "FIRMÓ el {day}, ya que {because}, que había DESTRUIDO {count} parte de este caso.",
    ),
    "again": (
        "It SIGNED on {day}, since {because}, that it had DESTROYED {count} parts of this case.",
        "FIRMÓ el {day}, ya que {because}, que había DESTRUIDO {count} partes de este caso.",
    ),
    "before_all": (
        "It had destroyed all of this before, for the reason of a statement that it asked back.",
        "Había destruido todo esto antes, por el motivo de una declaración cuya devolución pidió.",
    ),
    "before_some": (
        "It had destroyed some or all of this before, for the reason of a statement that it asked "
        "back.",
        "Había destruido una parte o todo esto antes, por el motivo de una declaración cuya "
        "devolución pidió.",
    ),
    "before_one": (
        "It had destroyed {count} of them before, for the reason of a statement that it asked "
        "back.",
        "Había destruido {count} de ellas antes, por el motivo de una declaración cuya devolución "
        "pidió.",
    ),
    "before": (
        "It had destroyed {count} of them before, for the reason of a statement that it asked "
        "back.",
        "Había destruido {count} de ellas antes, por el motivo de una declaración cuya devolución "
        "pidió.",
    ),
    "ended_relied": (
        "It SIGNED a statement on {day} about what it destroyed of this case, because {because}. "
        "It asked back an earlier statement on which this one relied. How many parts it destroyed "
        "counts again when it has stated that anew.",
        "FIRMÓ el {day} una declaración sobre lo que destruyó de este caso, porque {because}. "
        "Pidió la devolución de una declaración anterior en la que esta se apoyaba. Cuántas partes "
        "destruyó cuenta de nuevo cuando lo declare otra vez.",
    ),
    "ended_unread": (
        "It SIGNED a statement on {day} about what it destroyed of this case. Nobody here has "
        "read the statement, or it isn't kept any more.",
        "FIRMÓ el {day} una declaración sobre lo que destruyó de este caso. Nadie aquí la ha "
        "leído, o ya no se conserva.",
    ),
    "ended_elsewhere": (
        "It SIGNED a statement on {day} about what it destroyed of this case. Another agency of "
        "yours has the statement.",
        "FIRMÓ el {day} una declaración sobre lo que destruyó de este caso. Otra de sus agencias "
        "tiene la declaración.",
    ),
    "because_dismissed": ("the charge was dismissed", "la acusación fue desestimada"),
    "because_sealed": ("a court had the record sealed", "un tribunal hizo sellar el expediente"),
    "because_completed": ("you completed the program", "usted completó el programa"),
    "keeps_nothing": (
        "It said that it keeps nothing else about you, except what the exchange itself needs, such "
        "as this statement (until {day} at the latest).",
        "Declaró que no guarda nada más sobre usted, excepto lo que el propio intercambio "
        "necesita, como esta declaración (hasta el {day} a más tardar).",
    ),
    "keeps_until": (
        "It said that it keeps other parts about you until {day} at the latest.",
        "Declaró que guarda otras partes sobre usted hasta el {day} a más tardar.",
    ),
    "read": ("Opened: {categories}", "Abierto: {categories}"),
    "stated": ("It told others: {categories}", "Comunicó a otras: {categories}"),
    "either": (
        "Used there, automatically or by a person: {categories}",
        "Se usó allí, automáticamente o por una persona: {categories}",
    ),
    "gateway": (
        "Used there automatically: {categories}",
        "Se usó allí automáticamente: {categories}",
    ),
    "aloud": ("Told aloud: {categories}", "De palabra: {categories}"),
    "asked_back": (
        "Asked back, with no answer yet: {categories}",
        "Se pidió su devolución, aún sin respuesta: {categories}",
    ),
    "deleted": (
        "Asked back, and deleted: {categories}",
        "Se pidió su devolución, y se borró: {categories}",
    ),
    "kept_law": (
        "Asked back, and KEPT because a law requires it: {categories}",
        "Se pidió su devolución, y lo CONSERVA porque lo exige una ley: {categories}",
    ),
    "kept_court_order": (
        "Asked back, and KEPT because a court ordered it: {categories}",
        "Se pidió su devolución, y lo CONSERVA porque lo ordenó un tribunal: {categories}",
    ),
    "kept_care": (
        "Asked back, and KEPT because it is part of a record of treatment: {categories}",
        "Se pidió su devolución, y lo CONSERVA porque es parte de un expediente de tratamiento: "
        "{categories}",
    ),
    "kept_duty_to_keep": (
        "Asked back, and KEPT because a duty to keep records covers it: {categories}",
        "Se pidió su devolución, y lo CONSERVA por un deber de conservar registros: {categories}",
    ),
    "kept": (
        "Asked back, and KEPT: {categories}",
        "Se pidió su devolución, y lo CONSERVA: {categories}",
    ),
    "answered_back": (
        "Asked back, and answered. Ask this agency if it deleted or kept it: {categories}",
        "Se pidió su devolución, y respondió. Pregunte a esta agencia si lo borró o lo conserva: "
        "{categories}",
    ),
    "read_destroyed": (
        "Opened, and destroyed since: {categories}",
        "Abierto, y destruido después: {categories}",
    ),
    "destroyed": ("Destroyed: {categories}", "Destruido: {categories}"),
    "read_perhaps": (
        "Opened, and since then destroyed or still kept: {categories}",
        "Abierto, y desde entonces destruido o aún conservado: {categories}",
    ),
    "perhaps": (
        "Destroyed or still kept: {categories}",
        "Destruido o aún conservado: {categories}",
    ),
    "read_over": (
        "Opened, and the last day to keep it is over: {categories}",
        "Abierto, y ya pasó el último día para conservarlo: {categories}",
    ),
    "over": (
        "The last day to keep it is over: {categories}",
        "Ya pasó el último día para conservarlo: {categories}",
    ),
    "information": ("information on {category}", "información sobre {category}"),
    "unseen": (
        "information on {category} (we can’t see which)",
        "información sobre {category} (no podemos ver cuál)",
    ),
    "some_details": ("{category} ({count} details)", "{category} ({count} datos)"),
    "some_of": ("{category} ({count} of {total})", "{category} ({count} de {total})"),
    "sent_only": ("Sent: {categories}", "Enviado: {categories}"),
    "not_opened": ("Not opened yet: {categories}", "Aún sin abrir: {categories}"),
    "not_fetched": ("Not fetched yet: {categories}", "Aún sin recoger: {categories}"),
    "changed": ("WHAT CHANGED", "QUÉ CAMBIÓ"),
    "more_changes_one": (
        "There is {count} earlier change. `--full` shows everything.",
        "Hay {count} cambio anterior. `--full` lo muestra todo.",
    ),
    "more_changes": (
        "There are {count} earlier changes. `--full` shows everything.",
        "Hay {count} cambios anteriores. `--full` lo muestra todo.",
    ),
    "consented_one": (
        "You signed {count} permission to tell something.",
        "Usted firmó {count} permiso para comunicar algo.",
    ),
    "consented": (
        "You signed {count} permissions to tell something.",
        "Usted firmó {count} permisos para comunicar algo.",
    ),
    "consent_end": (
        "You took back a permission to tell {agencies} something.",
        "Usted retiró un permiso para comunicar algo a {agencies}.",
    ),
    "taken_back": (
        "You took back {count} of {total} permissions to tell {agency} something.",
        "Usted retiró {count} de {total} permisos para comunicar algo a {agency}.",
    ),
    "taken_back_all_one": (
        "You took back the only permission that you had signed to tell {agency} something.",
        "Usted retiró el único permiso que había firmado para comunicar algo a {agency}.",
    ),
    "taken_back_all": (
        "You took back all {count} permissions that you had signed to tell {agency} something.",
        "Usted retiró los {count} permisos que había firmado para comunicar algo a {agency}.",
    ),
    "taken_back_which": (
        "Taken back: what {agency} could tell ({kinds}).",
        "Retirado: lo que podía comunicar {agency} ({kinds}).",
    ),
    "offer_stays": (
        "Your yes to the program, when police offered it, is another permission. For 30 days after "
        "that yes, or until you leave, what {agency} was told because of it may still be told and "
        "corrected.",
        "Su sí al programa, cuando la policía se lo ofreció, es otro permiso. Durante 30 días "
        "después de ese sí, o hasta que deje el programa, lo que se comunicó a {agency} por él "
        "todavía se puede comunicar y corregir.",
    ),
    "consent_narrow": (
        "You narrowed what {agencies} may be told.",
        "Usted redujo lo que se puede comunicar a {agencies}.",
    ),
    "consent_restrict": (
        "You said no: {agencies} may not be told certain things.",
        "Usted dijo que no: ciertas cosas no se pueden comunicar a {agencies}.",
    ),
    "consent_certify": (
        "A permission ended as agreed: {agencies}.",
        "Un permiso terminó como se acordó: {agencies}.",
    ),
    "somebody": ("an agency", "una agencia"),
    "recalled_short": (
        "{issuer} asked {to} to give back: {categories}.",
        "{issuer} pidió a {to} que devolviera: {categories}.",
    ),
    "deleted_short": ("{to} deleted it.", "{to} lo borró."),
    "kept_short": ("{to} KEPT it, because {ground}.", "{to} lo CONSERVA, porque {ground}."),
    "answered_short": (
        "{to} answered. Ask {to} if it deleted or kept it.",
        "{to} respondió. Pregunte a {to} si lo borró o lo conserva.",
    ),
    "ground_law": ("a law requires it", "lo exige una ley"),
    "ground_court_order": ("a court ordered it", "lo ordenó un tribunal"),
    "ground_care": (
        "it is part of a record of treatment",
        "es parte de un expediente de tratamiento",
    ),
    "ground_duty_to_keep": (
        "a duty to keep records covers it",
        "lo cubre un deber de conservar registros",
    ),
    "ground_none": ("it gave no reason", "no dio una razón"),
    "end_recalled": (
        "{issuer} asked back what it signed about the parts that it destroyed. That doesn't count.",
        "{issuer} pidió la devolución de lo que firmó sobre las partes que destruyó. Ya no cuenta.",
    ),
    "unanswered_short": ("There is no answer yet.", "Todavía no hay respuesta."),
    "stopped_short": (
        "This was stopped before {to} could read it: {categories}.",
        "Esto se detuvo antes de que {to} pudiera leerlo: {categories}.",
    ),
    "aloud_short": (
        "{issuer} recorded that {to} was told, outside the exchange: {categories}.",
        "{issuer} anotó que se comunicó a {to}, fuera de este sistema: {categories}.",
    ),
    "sent_short": ("{issuer} sent {kind}.", "{issuer} envió {kind}."),
    "sent_to_short": ("{issuer} sent {to} {kind}.", "{issuer} envió a {to} {kind}."),
    "corrected_short": (
        "{issuer} corrected what it had told {to}: {categories}.",
        "{issuer} corrigió lo que había comunicado a {to}: {categories}.",
    ),
    "often": ("{change} That happened {count} times.", "{change} Eso pasó {count} veces."),
    "whole": (
        "Nothing is missing: each agency's records are numbered without gaps, and all were "
        "checked. Independent witnesses, the public defender among them, signed the log.",
        "No falta nada: los registros de cada agencia están numerados sin huecos y todos se "
        "comprobaron. Testigos independientes, entre ellos la defensa pública, firmaron el "
        "registro.",
    ),
    "limits": (
        "Not here: what was said aloud and nobody recorded, and what came later",
        "No está aquí lo que se dijo de palabra sin anotarlo, ni lo que ocurrió después",
    ),
    "which": (
        "“Information on” means that we can’t see which details were told: we have no copy that we "
        "can read. Ask the office that told them.",
        "«Información sobre» significa que no podemos ver qué datos se comunicaron: no tenemos una "
        "copia que podamos leer. Pregunte a la oficina que los comunicó.",
    ),
    "full": ("`--full` shows each disclosure.", "`--full` muestra cada comunicación."),
    # The details
    HANDED: (
        "On {at}, {issuer} told {to}: {told}. This was {purpose}. It came as {kind}.",
        "El {at}, {issuer} comunicó a {to}: {told}. Fue {purpose}. Se envió como {kind}.",
    ),
    WITHDRAWN: (
        "{issuer} meant to tell {to}: {told}. This was {purpose}. It was stopped on {at}, before "
        "anybody could read it.",
        "{issuer} iba a comunicar a {to}: {told}. Era {purpose}. Se detuvo el {at}, antes de que "
        "alguien pudiera leerlo.",
    ),
    PENDING: (
        "On {at}, {issuer} sent this for {to}: {told}. This was {purpose}. {to} has not fetched "
        "it yet.",
        "El {at}, {issuer} envió esto para {to}: {told}. Fue {purpose}. {to} todavía no lo ha "
        "recogido.",
    ),
    SENT: (
        "On {at}, {issuer} sent {to}: {told}. This was {purpose}. It went as {kind}.",
        "El {at}, {issuer} envió a {to}: {told}. Fue {purpose}. Se envió como {kind}.",
    ),
    "told": (
        "On {at}, {issuer} recorded that {to} was told {told}, outside the exchange ({kind}).",
        "El {at}, {issuer} dejó constancia de que se comunicó a {to} {told}, fuera de este "
        "sistema ({kind}).",
    ),
    "denied": (
        "The program's rules would NOT have allowed this. Ask your lawyer about it.",
        "Las reglas del programa NO lo habrían permitido. Pregunte a su abogado.",
    ),
    "allowed": (
        "The program's rules would have allowed this.",
        "Las reglas del programa lo habrían permitido.",
    ),
    "allowed_all": ("Allowed because {basis}:", "Se permitió porque {basis}:"),
    "allowed_rest": ("The others:", "Las demás:"),
    "allowed_one": ("It was allowed because {basis}.", "Se permitió porque {basis}."),
    "opened_person": ("{to} opened it on {when}.", "{to} lo abrió el {when}."),
    "opened_either": (
        "It was used at {to} on {when}, automatically or by a person.",
        "Se usó en {to} el {when}, automáticamente o por una persona.",
    ),
    "opened_gateway": (
        "It was used at {to} on {when}, automatically.",
        "Se usó en {to} el {when}, automáticamente.",
    ),
    "unopened": (
        "{to} has not said that it was opened.",
        "{to} todavía no ha dicho que lo abrió.",
    ),
    "recalled": (
        "{issuer} asked for it back on {when}.",
        "{issuer} pidió su devolución el {when}.",
    ),
    "answered": ("{to} answered that on {when}.", "{to} respondió el {when}."),
    "unanswered": ("{to} has not answered that yet.", "{to} todavía no ha respondido."),
    "asks_one": (
        "{issuer} sent {to} {count} record with questions about your case: {categories}. A "
        "question tells only what somebody asks, and why.",
        "{issuer} envió a {to} {count} registro con preguntas sobre su caso: {categories}. Una "
        "pregunta solo dice qué se pregunta y para qué.",
    ),
    "asks": (
        "{issuer} sent {to} {count} records with questions about your case: {categories}. A "
        "question tells only what somebody asks, and why.",
        "{issuer} envió a {to} {count} registros con preguntas sobre su caso: {categories}. Una "
        "pregunta solo dice qué se pregunta y para qué.",
    ),
    "runs": (
        "Besides, these offices sent notices that run the exchange, such as that something was "
        "read, or that a permission began or ended. They say nothing else about you. {sent}.",
        "Además, estas oficinas enviaron avisos para el funcionamiento del sistema, como que algo "
        "se leyó, o que un permiso empezó o terminó. No dicen nada más sobre usted. {sent}.",
    ),
    "runs_to": ("{count} to {to}", "{count} a {to}"),
    "numbered": (
        "The records about you are numbered by agency, notices included. The last number of each: "
        "{counts}.",
        "Los registros sobre usted están numerados por agencia, con los avisos. El último número "
        "de cada una: {counts}.",
    ),
    # After a restore of the hub, a lost entry may concern any case.
    "lost_one": (
        "MISSING: {count} entry of the hub's log, in this case or another, is lost in whole or in "
        "part",
        "FALTA: de {count} entrada del registro del centro, de este caso o de otro, nadie tiene "
        "todo lo que decía",
    ),
    "lost": (
        "MISSING: {count} entries of the hub's log, in this case or others, are lost in whole or "
        "in part",
        "FALTA: de {count} entradas del registro del centro, de este caso o de otros, nadie "
        "tiene todo lo que decían",
    ),
}


def count_words(what: str, count: int) -> str:
    """Return the name of the sentence for a count: that for one, or that for more."""
    return f"{what}_one" if count == 1 else what


# Short names of the categories, for the first page.
SHORT_CATEGORIES: Mapping[str, tuple[str, str]] = {
    "contact": ("identity and contact", "identidad y contacto"),
    "encounter": ("the encounter with police", "el encuentro con la policía"),
    "charge": ("possible charges", "posibles acusaciones"),
    "screening_outcome": ("the answer of the records check", "la respuesta sobre antecedentes"),
    "new_charge": ("a later charge", "una acusación posterior"),
    "charge_status": ("whether a charge is held", "si hay una acusación en suspenso"),
    "decision_outcome": ("decisions", "decisiones"),
    "enrollment": ("being in the program", "estar en el programa"),
    "intake_status": ("the first interview", "la primera entrevista"),
    "case_manager_contact": ("the case manager's contact", "contacto de quien lleva su caso"),
    "status": ("status in one word", "estado en una palabra"),
    "barriers": ("barriers and goals", "obstáculos y metas"),
    "grievance": ("a complaint", "una queja"),
    "premises_crime": ("a crime at the program", "un delito en el programa"),
    "plan": ("the plan", "el plan"),
    "service": ("help that was arranged", "ayuda conseguida"),
    "progress": ("how life is going", "cómo va la vida"),
    "attendance": ("appointments kept or missed", "citas cumplidas o perdidas"),
    "substance_use": ("drug or alcohol use", "consumo de drogas o alcohol"),
    "test_result": ("drug test results", "resultados de pruebas de drogas"),
    "treatment": ("treatment for drug or alcohol use", "tratamiento por consumo"),
    "health": ("health", "salud"),
    "counseling_note": ("counseling notes", "notas de terapia"),
    "consent_terms": ("permissions", "permisos"),
    "consent_identity": ("the signed form", "el formulario firmado"),
    "disclosure_account": ("an account like this", "un informe como este"),
    "operation": ("notices of the exchange", "avisos del sistema"),
    "criminal_history": ("criminal record", "antecedentes penales"),
    "offense_disclosure": ("an offense spoken of in care", "un delito contado al recibir atención"),
    "immigration": ("immigration status", "situación migratoria"),
    "informant": ("something about informing", "algo sobre ser informante"),
    "privileged": ("talks with the lawyer", "conversaciones con la defensa"),
    "third_party": ("something about somebody else", "algo sobre otra persona"),
}
