"""Why an agency doesn't receive a part, and the refusal where no agency receives anything. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from exchange.agency.gateway import UNCOMMITTED
from exchange.consent.reduction import is_restricted
from exchange.errors import DirectoryError
from exchange.records.building import Part
from offramp.agency.errors import AgencyError
from offramp.agency.folder.working_set import WorkingSet
from rules.author.translation import translate_text
from rules.frozen import frozen
from rules.packs.pack import Pack

NO_KEY = "no-key"
# Why an agency without a sealing key receives nothing, in both languages.
_NO_KEY_WORDS = (
    "It may be told, but its gateway has announced no key yet. Call it: it has to join and to run "
    "its gateway.",
    "Puede recibirlo, pero su sistema aún no ha anunciado una clave. Llámela: tiene que unirse y "
    "poner en marcha su sistema.",
)
_NEVER = ("It is never told this.", "Nunca se le dice esto.")
_COUNSEL = "counsel-unnamed"
# Why police don't receive the report of a crime at a program, which no consent opens.
_REPORT, _REPORT_RULE = "premises_crime", "crime-on-premises"
_REPORT_WORDS = (
    "The program's rules don't use the report of a crime at a program. Its policy group decides "
    "that. Call the police as anybody may.",
    "Las reglas del programa no usan la denuncia de un delito en el programa. Lo decide su grupo "
    "directivo. Llame a la policía como cualquier persona.",
)
# Why an agency receives nothing for want of a consent. The first is true whatever the person did.
NOT_COVERED = (
    "The person’s consent doesn’t cover it.",
    "El consentimiento de la persona no lo cubre.",
)
_NOT_AGREED = (
    "The person hasn’t agreed to it, or not yet.",
    "La persona no ha dado su consentimiento, o todavía no.",
)
_TAKEN_BACK = (
    "The person agreed to it and took it back.",
    "La persona dio su consentimiento y lo retiró.",
)
_EXPIRED = (
    "The person agreed to it, and that has ended.",
    "La persona dio su consentimiento, y ya terminó.",
)
# The roles to which nothing is said about what a person agreed to or refused.
_UNTOLD_ROLES = ("police", "prosecutor")


@frozen
class Refused:
    """An agency that doesn't receive a part. `rule` is None where only a consent is missing.

    `because` are the rule's words, and `spanish` their translation, if there is one. `consent`
    says in both languages what became of the consent, as far as this agency may know it.
    """

    agency: str
    rule: str | None = None
    because: str | None = None
    spanish: str | None = None
    consent: tuple[str, str] = NOT_COVERED

    @property
    def why(self) -> str:
        """The reason in English: the rule's words, or what became of the consent."""
        return self.because or self.consent[0]


def never_told(agency: str) -> Refused:
    """Return the refusal of an agency that may not receive the form of a content by its role."""
    return Refused(agency, "role-ceiling", *_NEVER)


def route(
    working_set: WorkingSet,
    pack: Pack,
    kind: str,
    part: Part,
    agency: str,
    ways: Iterable[tuple[str, str]],
    case: str,
    now: int,
) -> tuple[str, str] | Refused:
    """Return the first purpose and basis for which an agency may receive a part, or why not.

    A rule that no consent could lift comes first, and a missing key last, where it is all that is
    missing. INVARIANT: to police and prosecutors, a refusal by the person, a missing consent, and
    an ended one read alike.
    """
    denials: list[tuple[str, ...]] = []
    ways = tuple(ways)
    for way in ways:
        verdict = working_set.gateway.judge_part(kind, part, agency, way, case=case, now=now)
        if verdict.permit:
            if has_key(working_set, agency):
                return way
            return Refused(agency, NO_KEY, *_NO_KEY_WORDS)
        denials.append(verdict.reasons)
    lasting = [
        working_set.gateway.reasons_despite_consent(kind, part, agency, way, case=case, now=now)
        for way in ways
    ]
    refused = _refused(working_set, pack, agency, denials, lasting)
    if part.category == (_REPORT,) and refused.rule is None:
        return Refused(agency, _REPORT_RULE, *_REPORT_WORDS)
    if refused.because is None:
        return replace(refused, consent=_consent_of(working_set, part, agency, ways, case))
    return refused


def _consent_of(
    working_set: WorkingSet, part: Part, agency: str, ways: Iterable[tuple[str, str]], case: str
) -> tuple[str, str]:
    """Return what became of the consent that would let an agency receive a part.

    INVARIANT: police and prosecutors read the same words for each case, also in their own pairs.
    """
    gateway = working_set.gateway
    if gateway.history.newest.role(working_set.agency) in _UNTOLD_ROLES:
        return NOT_COVERED
    pair, purposes = (working_set.agency, agency), {purpose for purpose, _ in ways}
    allowed = {
        category
        for logged, categories in gateway.open_grants(case)
        if logged.pair == pair and purposes & set(logged.grant.purposes)
        for category in categories
    }
    lacking, state = set(part.category) - allowed, gateway.state_with_pending(case)
    past = [
        logged.grant
        for logged in state.grants_of(pair)
        if lacking & set(logged.grant.categories) and purposes & set(logged.grant.purposes)
    ]
    if not past:
        return _NOT_AGREED
    is_taken_back = any(
        state.changes_to(grant, "end") or state.changes_to(grant, "narrow") for grant in past
    ) or any(is_restricted(state, *pair, category) for category in lacking)
    return _TAKEN_BACK if is_taken_back else _EXPIRED


def has_key(working_set: WorkingSet, agency: str) -> bool:
    """Return whether a part can be sealed to an agency."""
    try:
        working_set.gateway.history.membership_at(UNCOMMITTED).newest_key(agency)
    except DirectoryError:
        return False
    return True


def _refused(
    working_set: WorkingSet,
    pack: Pack,
    agency: str,
    denials: Sequence[tuple[str, ...]],
    lasting: Sequence[frozenset[str]],
) -> Refused:
    """Return why no purpose and basis permits a part.

    `denials` are the reasons by purpose and basis, and `lasting` those that no consent would lift.
    """
    rules = pack.decisions["disclosure"].rules
    always = [
        reason
        for reason in dict.fromkeys(reason for reasons in denials for reason in reasons)
        if all(reason in reasons for reasons in denials) and reason in rules
    ]
    firm = [reason for reason in always if all(reason in reasons for reasons in lasting)]
    role = working_set.gateway.history.newest.role(working_set.agency)
    chosen = firm or ([] if role in _UNTOLD_ROLES else always)
    if not chosen:
        return Refused(agency)
    because = str(rules[chosen[0]].because)
    return Refused(agency, chosen[0], because, translate_text(pack, because, "es"))


def nobody_to_tell(refused: Iterable[Refused], names: Mapping[str, str]) -> AgencyError:
    """Return the refusal where no agency may be told anything, with the fix that would help.

    `names` are the agencies' names by id.
    """
    by_rule: dict[str | None, list[str]] = {}
    because: dict[str | None, str] = {}
    for each in refused:
        listed = by_rule.setdefault(each.rule, [])
        name = names.get(each.agency, each.agency)
        if name not in listed:
            listed.append(name)
        because[each.rule] = each.because or "the person's consent doesn't cover it"
    if NO_KEY in by_rule:
        who, is_one = series(by_rule[NO_KEY]), len(by_rule[NO_KEY]) == 1
        has, agency = ("has", "the agency has") if is_one else ("have", "they have")
        return AgencyError(
            "nobody-to-tell",
            f"nobody can be told this yet: {who} may be, and {has} announced no key yet",
            fix=f"call {who}: {agency} to join and run `serve`; then do this again",
        )
    if None in by_rule:
        who = series(by_rule[None])
        return AgencyError(
            "nobody-to-tell",
            f"nobody may be told this: the person's consent doesn't cover it for {who}",
            fix="ask the person for consent",
        )
    if _COUNSEL in by_rule:
        who, is_one = series(by_rule[_COUNSEL]), len(by_rule[_COUNSEL]) == 1
        has_said = "has not said that it is" if is_one else "have not said that they are"
        return AgencyError(
            "nobody-to-tell",
            f"nobody may be told this: {who} {has_said} the person's counsel",
            fix="call counsel, who says so with the command `represent`",
        )
    reasons = "; ".join(
        f"{series(agencies)}: {because[rule]}" for rule, agencies in by_rule.items()
    )
    return AgencyError(
        "nobody-to-tell",
        f"nobody may be told this: {reasons}" if reasons else "there is no other agency to tell",
        fix="no consent changes this; tell the person or your supervisor",
    )


def series(names: Sequence[str]) -> str:
    """Return names as a sentence lists them: `A`, `A and B`, `A, B, and C`."""
    if len(names) < 3:
        return " and ".join(names)
    return f"{', '.join(names[:-1])}, and {names[-1]}"
