"""The account of a case in plain English or Spanish: each disclosure, its reason, its fate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from exchange.consent.account_rows import HANDED, PENDING, WITHDRAWN, Row
from exchange.consent.accounting import AccountStatement
from exchange.membership.directory import Directory
from offramp.agency.cases.plain_words import BASES, CATEGORIES, KINDS, PURPOSES, ROLES

LANGUAGES = ("en", "es")
# Categories that run the exchange and disclose nothing about the person: counted, not listed.
RUNS = ("operation", "consent_terms")

_SAID = {
    "title": (
        "What was told about you in this case, up to {at}",
        "Lo que se comunicó sobre usted en este caso, hasta {at}",
    ),
    "nothing": (
        "Nothing about you was told through the exchange.",
        "No se comunicó nada sobre usted por este sistema.",
    ),
    HANDED: (
        "On {at}, {issuer} told {to} {category}, {purpose}. It came as {kind}. It was allowed "
        "because {basis}.",
        "El {at}, {issuer} comunicó a {to} {category}, {purpose}. Se envió como {kind}. Se "
        "permitió porque {basis}.",
    ),
    WITHDRAWN: (
        "{issuer} meant to tell {to} {category}, {purpose}. It was stopped on {at}, before "
        "anybody could read it.",
        "{issuer} iba a comunicar a {to} {category}, {purpose}. Se detuvo el {at}, antes de que "
        "alguien pudiera leerlo.",
    ),
    PENDING: (
        "On {at}, {issuer} sent {category} for {to}, {purpose}. {to} has not fetched it yet.",
        "El {at}, {issuer} envió {category} para {to}, {purpose}. {to} todavía no lo ha recogido.",
    ),
    "told": (
        "On {at}, {issuer} recorded that {to} was told {category}, outside the exchange ({kind}).",
        "El {at}, {issuer} dejó constancia de que se comunicó a {to} {category}, fuera de este "
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
    "opened": ("{to} opened it on {when}.", "{to} lo abrió el {when}."),
    "unopened": (
        "{to} has not said that it was opened.",
        "{to} no ha indicado que se haya abierto.",
    ),
    "recalled": (
        "{issuer} asked for it back on {when}.",
        "{issuer} pidió su devolución el {when}.",
    ),
    "answered": ("{to} answered that on {when}.", "{to} respondió el {when}."),
    "unanswered": ("{to} has not answered that yet.", "{to} todavía no ha respondido."),
    "runs": (
        "Besides, {issuer} sent {to} {count} notices that run the exchange, such as that "
        "something was read or that a consent "
        "began or ended. They say nothing else about you.",
        "Además, {issuer} envió a {to} {count} avisos para el funcionamiento del sistema, como "
        "que algo se leyó o que un "
        "consentimiento empezó o terminó. No dicen nada más sobre usted.",
    ),
    "whole": (
        "How we know that nothing is missing: each agency's records about you are numbered "
        "without gaps ({counts}), all of "
        "them were checked, and independent witnesses, the public defender among them, signed "
        "the log as it stood at {at}.",
        "Cómo sabemos que no falta nada: los registros de cada agencia sobre usted están "
        "numerados sin huecos ({counts}), se "
        "comprobaron todos, y testigos independientes, entre ellos la defensa pública, firmaron "
        "el registro tal como estaba "
        "el {at}.",
    ),
    "limits": (
        "What was said aloud is here only if somebody recorded it. What happened after {at} is "
        "not here.",
        "Lo que se dijo de palabra solo aparece si alguien lo anotó. Lo ocurrido después del "
        "{at} no aparece.",
    ),
}


def sentences(statement: AccountStatement, directory: Directory, lang: str) -> Iterator[str]:
    """Yield the account's lines: title, disclosures by time, proof of completeness, limits.

    `lang` is `en` or `es`. Times are in the program's zone.
    """
    column = LANGUAGES.index(lang)

    def say(what: str, **given: object) -> str:
        return _SAID[what][column].format(**given)

    def day(at: int) -> str:
        return datetime.fromtimestamp(at, UTC).astimezone(directory.zone).strftime("%Y-%m-%d %H:%M")

    def name(agency: str) -> str:
        found = directory.agencies.get(agency)
        return f"{found.name} ({ROLES[found.role][column]})" if found else agency

    at = day(statement.at)
    yield say("title", at=at)
    told = [row for row in statement.rows if row.category not in RUNS or row.is_oral]
    if not told:
        yield say("nothing")
    for row in told:
        yield " ".join(_row(row, column, say, day, name))
    ran = Counter(
        (row.issuer, row.to) for row in statement.rows if row.category in RUNS and not row.is_oral
    )
    for (issuer, to), count in sorted(ran.items()):
        yield say("runs", issuer=name(issuer), to=name(to), count=count)
    counts = ", ".join(f"{name(issuer)}: {last}" for issuer, last in sorted(statement.last.items()))
    yield say("whole", counts=counts, at=at)
    yield say("limits", at=at)


def _row(
    row: Row,
    column: int,
    say: Callable[..., str],
    day: Callable[[int], str],
    name: Callable[[str], str],
) -> Iterator[str]:
    words = {
        "at": day(row.at),
        "issuer": name(row.issuer),
        "to": name(row.to),
        "category": CATEGORIES[row.category][column],
        "purpose": PURPOSES[row.purpose][column] if row.purpose else "",
        "basis": BASES[row.basis][column] if row.basis else "",
        "kind": KINDS[row.kind][column],
    }
    yield say(row.status, **words)
    if row.denied is not None:
        yield say("denied" if row.denied else "allowed")
    if row.status == HANDED:
        yield (
            say("opened", when=day(row.opened), **words)
            if row.opened is not None
            else say("unopened", **words)
        )
        if row.recalled is not None:
            yield say("recalled", when=day(row.recalled), **words)
            yield (
                say("answered", when=day(row.answered), **words)
                if row.answered is not None
                else say("unanswered", **words)
            )
