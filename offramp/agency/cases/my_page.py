"""The content of a participant's own page: the held charge, the promises, and who was told. Pure.

The first line on the charge is the prosecutor's newest word if this agency has it. Without one, it
is the rules' answer on what is known here, and what isn't known stays open.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from exchange.consent.account_rows import WITHDRAWN, Row
from exchange.consent.accounting import AccountStatement
from exchange.consent.disclosure import day_of
from offramp.agency.cases.account import RUNS
from offramp.agency.cases.account_words import SAID, SHORT_CATEGORIES
from offramp.agency.cases.by_offer import offer_sentences
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.charge_word import (
    FILED,
    FILING,
    HELD,
    MAY_BE_FILED,
    NOTHING_HELD,
    STATES_BY_OUTCOME,
    known_since,
    may_learn,
    newest_word,
    words_sent,
)
from offramp.agency.cases.own_account import own_account
from offramp.agency.cases.person_words import NOT_DISPUTED, OTHER, PROMISED, SOMETHING_ELSE
from offramp.agency.cases.plain_words import CATEGORIES
from offramp.agency.cases.preliminary import because_in_languages
from offramp.agency.cases.stated import StatedContent, stated_contents
from offramp.agency.cases.taken_back import permissions_taken_back
from offramp.agency.cases.text_fates import TextFate, TextKey, key_of, known_rows, recalled_state
from offramp.agency.cases.text_openings import TextOpenings
from offramp.agency.cases.told_words import ToldContents, summed
from offramp.agency.folder.working_set import WorkingSet
from offramp.documents.segments import PROVED, invariant_status
from offramp.names import join_name
from rules.author.translation import translate_text
from rules.frozen import frozen
from rules.packs.pack import Invariant, Pack
from rules.packs.resolve import Segment

_Words = tuple[str, ...]
# The state of a charge on which nothing is known here.
UNKNOWN = "undetermined"
# How far the prosecutor's words on the charge are, for a person who asks what is known here.
NOT_SENT, NOT_OPENED, NOT_ENOUGH = "not_sent", "not_opened", "not_enough"
# They were sent, and this office may no longer open them: after a take-back, or otherwise.
SHUT_BY_PERSON, SHUT = "shut_by_person", "shut"


@frozen
class Charge:
    """The charge of a case in one word, for the first line.

    `state` is `held`, `may_be_filed`, `filed`, `not_filed`, `dismissed`, `sealed`, `nothing_held`,
    `undetermined`, or an outcome of the pack's own. `by_prosecutor` is true if it is the
    prosecutor's newest word, and false for the rules' answer. `rules` is the state by
    the rules alone, and `because` are their reasons, empty if one isn't there in the language, or
    if this agency may not be told now.

    `as_of` is the day on which this agency was last told, as `2026-11-02`, None for an unknown
    state. `may_be_told` is true if the prosecutor may tell this agency now how the charge stands.
    If it is false, the state may have changed since `as_of`, and nobody here would learn of it.
    `words` is `not_opened` if a later word was sent here that nobody opened. It is `shut` if this
    agency may no longer open it, and `shut_by_person` if the person took that permission back. Else
    it is `not_sent` if none was ever sent, else `not_enough`.
    """

    state: str
    by_prosecutor: bool
    rules: str
    because: tuple[str, ...]
    as_of: str | None
    may_be_told: bool
    words: str

    def as_json(self) -> dict[str, object]:
        """Return the charge's JSON in `offramp agency my-page`."""
        return {
            "state": self.state,
            "by_prosecutor": self.by_prosecutor,
            "rules": self.rules,
            "because": list(self.because),
            "as_of": self.as_of,
            "may_be_told": self.may_be_told,
            "words": self.words,
        }


@frozen
class Refused:
    """A no of the person: the name of the agency that would tell, the kinds, and the day."""

    by: str
    kinds: tuple[str, ...]
    on: str

    def as_json(self) -> dict[str, object]:
        """Return the JSON of a no in `offramp agency my-page`."""
        return {"by": self.by, "kinds": list(self.kinds), "on": self.on}


@frozen
class Withdrawn:
    """A permission taken back: the name of the agency that could tell, the kinds, and the day."""

    by: str
    kinds: tuple[str, ...]
    on: str

    def as_json(self) -> dict[str, object]:
        """Return the JSON of what was taken back in `offramp agency my-page`."""
        return {"by": self.by, "kinds": list(self.kinds), "on": self.on}


@frozen
class ToldAgency:
    """An agency that was told something, or may be, as far as this agency knows.

    Each is in short words. Of what was sent to it, a person opened `opened`, its gateway may have
    used `used` by itself, and nobody has opened any of `unopened`. A kind of which it opened an
    earlier text, and not the newest, is also in `newer`. `aloud` was told aloud, and `asked_back`
    was asked back and is in none of the others, and `answers` say what the agency answered: that it
    deleted it, or keeps it and why. `may_be_told` are those of its live permissions,
    and `can_take_back` is true while there is one. `noes` are what the person said no to, and
    `withdrawn` what the person took back and allowed in no newer permission. After a take-back,
    `by_offer` says what the yes to the offer still allows.
    `taken_back` is true if the person ended a permission to tell it, and allows nothing now.
    `is_here` is true for this agency itself.
    """

    agency: str
    name: str
    opened: tuple[str, ...]
    used: tuple[str, ...]
    aloud: tuple[str, ...]
    unopened: tuple[str, ...]
    newer: tuple[str, ...]
    asked_back: tuple[str, ...]
    answers: tuple[str, ...]
    may_be_told: tuple[str, ...]
    by_offer: tuple[str, ...]
    noes: tuple[Refused, ...]
    withdrawn: tuple[Withdrawn, ...]
    taken_back: bool
    is_here: bool

    @property
    def told(self) -> tuple[str, ...]:
        """All kinds that were sent to this agency or told aloud, opened or not."""
        return tuple(dict.fromkeys((*self.opened, *self.used, *self.aloud, *self.unopened)))

    @property
    def declined(self) -> tuple[str, ...]:
        """All kinds that the person said no to, whichever agency would tell them."""
        return tuple(dict.fromkeys(kind for no in self.noes for kind in no.kinds))

    @property
    def can_take_back(self) -> bool:
        """True if a permission to tell this agency is in force."""
        return bool(self.may_be_told)

    def as_json(self) -> dict[str, object]:
        """Return the agency's JSON in `offramp agency my-page`."""
        return {
            "agency": self.agency,
            "told": list(self.told),
            "opened": list(self.opened),
            "used": list(self.used),
            "aloud": list(self.aloud),
            "unopened": list(self.unopened),
            "newer_unopened": list(self.newer),
            "asked_back": list(self.asked_back),
            "answers": list(self.answers),
            "may_be_told": list(self.may_be_told),
            "declined": list(self.declined),
            "by_offer": list(self.by_offer),
            "noes": [no.as_json() for no in self.noes],
            "withdrawn": [permission.as_json() for permission in self.withdrawn],
            "taken_back": self.taken_back,
        }


def charge_of(
    working_set: WorkingSet,
    handle: str,
    case: Case,
    answer: Answer | None,
    rows: Iterable[Row],
    segment: Segment,
    lang: str,
    now: int,
) -> Charge:
    """Return the state of the charge. `answer` is the rules' on filing, None without such rules.

    `rows` are those of `told_rows`, and `now` is by this agency's clock.
    """
    rules = UNKNOWN
    because: tuple[str, ...] = ()
    if answer is not None and answer.status == "decided" and isinstance(answer.outcome, str):
        rules = STATES_BY_OUTCOME.get(answer.outcome, answer.outcome)
        because = _reasons(answer, segment, lang)
    newest = newest_word(working_set, handle, case)
    is_held = newest is not None and newest.state == HELD
    if is_held and rules == MAY_BE_FILED and FILING not in case.determined:
        newest = None  # the prosecutor holds it, and the rules let it be filed
    if newest is not None and newest.state == FILED and rules == NOTHING_HELD:
        rules, because = UNKNOWN, ()  # nothing is on hold since it is filed
    time = (
        newest.time
        if newest is not None
        else known_since(working_set, handle, case, answer.reads if answer is not None else ())
    )
    state = newest.state if newest is not None else rules
    may_be_told = may_learn(working_set, handle, now)
    return Charge(
        state,
        newest is not None,
        rules,
        # INVARIANT: reasons say how it is today, so none is given where it may have changed since.
        because if may_be_told else (),
        None if state == UNKNOWN else _day_of(working_set, time, now),
        may_be_told,
        _how_far(working_set, handle, rows, time if state != UNKNOWN else None, now),
    )


def _day_of(working_set: WorkingSet, time: int | None, now: int) -> str:
    """Return the local day of a time, today where none is known, as `2026-11-02`."""
    gateway = working_set.gateway
    moment = time if time is not None else gateway.hub_time(now)
    return day_of(moment, gateway.history.newest.zone).isoformat()


def _how_far(
    working_set: WorkingSet, handle: str, rows: Iterable[Row], since: int | None, now: int
) -> str:
    """Return how far the words on the charge are that were sent later than `since`."""
    statements = words_sent(working_set, rows)
    unopened = [
        row
        for row in statements
        if row.opened is None and not row.is_oral and (since is None or row.at > since)
    ]
    if not unopened:
        return NOT_ENOUGH if statements else NOT_SENT
    if any(
        working_set.gateway.may_open(row.issuer, str(row.record), str(row.part), now)
        for row in unopened
    ):
        return NOT_OPENED
    state = working_set.gateway.state_with_pending(handle)
    is_taken_back = any(
        state.changes_to(logged.grant, "end")
        for row in unopened
        for logged in state.grants_of((row.issuer, row.to))
        if row.category in logged.grant.categories
    )
    return SHUT_BY_PERSON if is_taken_back else SHUT


def _reasons(answer: Answer, segment: Segment, lang: str) -> tuple[str, ...]:
    pack = answer.ruling.program.pack
    sentences = []
    for reason in answer.ruling.reasons:
        sentence = because_in_languages(pack, answer.decision, reason, segment)
        if lang == "es" and sentence.spanish is None:
            return ()
        sentences.append(sentence.text(lang))
    return tuple(sentences)


def promises_of(segment: Segment, decision: str, lang: str) -> tuple[str, ...]:
    """Return the phrases of what can't change a decision, in a language.

    INVARIANT: each follows from a promise of the pack that is proved.
    """
    phrases: dict[str, None] = {}
    for invariant in _proved(segment, decision):
        for path in invariant.independent_of:
            phrase = _phrase(segment.pack, path, lang)
            if phrase:
                phrases[phrase] = None
    return tuple(phrases)


def promise_sentences(segment: Segment, decision: str, lang: str) -> tuple[str, ...]:
    """Return the proved promises about a decision that name no list of facts, as sentences."""
    sentences = (
        invariant.because if lang == "en" else translate_text(segment.pack, invariant.because, lang)
        for invariant in _proved(segment, decision)
        if not invariant.independent_of
    )
    return tuple(dict.fromkeys(sentence for sentence in sentences if sentence))


def _proved(segment: Segment, decision: str) -> Iterator[Invariant]:
    for invariant in segment.pack.invariants.values():
        if invariant.decision == decision and invariant_status(segment, invariant.id) == PROVED:
            yield invariant


def _phrase(pack: Pack, path: str, lang: str) -> str | None:
    if path in PROMISED:
        return PROMISED[path][1 if lang == "es" else 0]
    fact = pack.vocabulary.facts.get(path)
    if fact is None or not fact.question:
        return None
    return fact.question if lang == "en" else translate_text(pack, fact.question, lang)


def told_rows(
    working_set: WorkingSet, handle: str, now: int, account: AccountStatement | None
) -> tuple[Row, ...]:
    """Return each disclosure of a case: those of the hub's account, and what is known here alone.

    `account` is None while the hub gives none. Then what others told each other is missing.
    """
    own = own_account(working_set, handle, now).rows
    if account is None:
        return own
    rows = known_rows(working_set, handle, account.rows)
    listed = {(key_of(row), row.category) for row in rows}
    return (*rows, *(row for row in own if (key_of(row), row.category) not in listed))


def told_agencies(
    working_set: WorkingSet,
    handle: str,
    lang: str,
    rows: Iterable[Row],
    contents: ToldContents,
    openings: TextOpenings,
    fates: Mapping[TextKey, TextFate],
    now: int,
) -> tuple[ToldAgency, ...]:
    """Return the agencies that were told something, or that the person let be told, once or now.

    Those that the person said no to are among them. `rows` are the texts of `told_rows`, `contents`
    what the readable ones told, `openings` who opened them, and `fates` what became of them. `now`
    is by this agency's clock.
    INVARIANT: an agency stays after its permission ends. What it was told doesn't end with it.
    """
    column = 1 if lang == "es" else 0
    told: dict[str, dict[str, list[Row]]] = {}
    asked_back: dict[str, list[Row]] = {}
    for row in rows:
        runs = row.category in RUNS or row.only_asks
        if row.status == WITHDRAWN or (runs and not row.is_oral):
            continue
        if row.recalled is None:
            told.setdefault(row.to, {}).setdefault(row.category, []).append(row)
        else:
            asked_back.setdefault(row.to, []).append(row)
    state = working_set.gateway.state_with_pending(handle)
    once = [logged.grant.recipient for logged in state.grants]
    ended = {
        logged.grant.recipient for logged in state.grants if state.changes_to(logged.grant, "end")
    }
    permitted: dict[str, dict[str, None]] = {}
    permits: set[tuple[str, str, str]] = set()
    for logged, allowed in working_set.gateway.open_grants(handle):
        permitted.setdefault(logged.grant.recipient, {}).update(dict.fromkeys(allowed))
        permits |= {(*logged.pair, category) for category in allowed}
    here, agencies = working_set.agency, working_set.gateway.history.newest.agencies
    refused = _noes(working_set, handle, permits)
    withdrawn = _withdrawn(working_set, handle, refused)
    listed = [
        ToldAgency(
            agency,
            agencies[agency].name if agency in agencies else agency,
            *_told_words(told.get(agency, {}), contents, openings, column),
            tuple(summed(asked_back.get(agency, ()), contents, column)),
            tuple(_answers(asked_back.get(agency, ()), contents, fates, column)),
            _short(permitted.get(agency, ()), column),
            offer_sentences(working_set, handle, agency, lang, now) if agency in ended else (),
            tuple(
                Refused(agencies[by].name if by in agencies else by, _short(kinds, column), on)
                for (by, on), kinds in refused.get(agency, {}).items()
            ),
            tuple(
                Withdrawn(agencies[by].name if by in agencies else by, _short(kinds, column), on)
                for (by, on), kinds in withdrawn.get(agency, {}).items()
            ),
            agency in ended and agency not in permitted,
            agency == here,
        )
        for agency in dict.fromkeys((*told, *asked_back, *once, *permitted, *refused))
    ]
    return tuple(sorted(listed, key=lambda agency: (agency.is_here, agency.name)))


def _answers(
    rows: Iterable[Row], contents: ToldContents, fates: Mapping[TextKey, TextFate], column: int
) -> Iterator[str]:
    """Yield what an agency answered to what was asked back, in the words of the account."""
    by_state: dict[str, list[Row]] = {}
    for row in rows:
        fate = fates.get(key_of(row), TextFate())
        by_state.setdefault(recalled_state(row, fate), []).append(row)
    for state, texts in by_state.items():
        kinds = "; ".join(summed(texts, contents, column))
        yield SAID[state][column].format(categories=kinds)


def _told_words(
    texts: Mapping[str, Sequence[Row]], contents: ToldContents, openings: TextOpenings, column: int
) -> tuple[_Words, _Words, _Words, _Words, _Words]:
    """Return what people opened, what was used, told aloud, and not opened, and newer texts.

    `texts` are those that an agency was sent or told, by category.
    """
    opened: list[Row] = []
    used: list[Row] = []
    aloud: list[Row] = []
    unopened: list[Row] = []
    newer: list[Row] = []
    for rows in texts.values():
        sent = sorted((row for row in rows if not row.is_oral), key=lambda row: row.at)
        aloud += (row for row in rows if row.is_oral)
        read = [row for row in sent if row.opened is not None]
        opened += (row for row in read if openings.of(row) == "person")
        used += (row for row in read if openings.of(row) != "person")
        rest = [row for row in sent if row.opened is None]
        if not read:
            unopened += rest
        elif sent[-1].opened is None:
            newer += rest
    return (
        tuple(summed(opened, contents, column)),
        tuple(summed(used, contents, column)),
        tuple(summed(aloud, contents, column)),
        tuple(summed(unopened, contents, column)),
        tuple(summed(newer, contents, column)),
    )


def _noes(
    working_set: WorkingSet, handle: str, permits: Collection[tuple[str, str, str]]
) -> Mapping[str, Mapping[tuple[str, str], Sequence[str]]]:
    """Return what the person said no to in the newest form that asked it, and allows nowhere since.

    By recipient, they are the categories by the agency that would tell and the day. `permits` are
    live permissions: discloser, recipient, and category.
    """
    answers: dict[tuple[str, str, str], tuple[bool, str]] = {}
    for event in working_set.statements_of(handle):
        for line in event.body.get("said", ()):
            for category in line["categories"]:
                key = line["from"], line["to"], category
                answers[key] = line["yes"], event.body["on"]
    noes: dict[str, dict[tuple[str, str], list[str]]] = {}
    for (by, to, category), (is_yes, on) in answers.items():
        if not is_yes and (by, to, category) not in permits:
            noes.setdefault(to, {}).setdefault((by, on), []).append(category)
    return noes


def _withdrawn(
    working_set: WorkingSet,
    handle: str,
    refused: Mapping[str, Mapping[tuple[str, str], Sequence[str]]],
) -> Mapping[str, Mapping[tuple[str, str], Sequence[str]]]:
    """Return what the person took back, and neither refused nor allowed anew since.

    By recipient, they are the categories by the agency that could tell and the day, as `_noes`.
    """
    gateway = working_set.gateway
    records = gateway.state_with_pending(handle).kind("consent", "consent_change")
    made = {jti: place for place, jti in enumerate(record.jti for record in records)}
    live = [
        (logged, category)
        for logged, allowed in gateway.open_grants(handle)
        for category in allowed
    ]
    zone = gateway.history.newest.zone
    withdrawn: dict[str, dict[tuple[str, str], list[str]]] = {}
    for taken in permissions_taken_back(records, zone):
        grant, by = taken.grant, taken.grant.discloser
        noes = {
            category
            for (no_by, _), kinds in refused.get(grant.recipient, {}).items()
            if no_by == by
            for category in kinds
        }
        anew = {
            category
            for logged, category in live
            if logged.pair == (by, grant.recipient) and made[logged.jti] > made[taken.record]
        }
        on = day_of(taken.time, zone).isoformat()
        for category in grant.categories:
            kinds = withdrawn.setdefault(grant.recipient, {}).setdefault((by, on), [])
            if category not in (*noes, *anew, *kinds):
                kinds.append(category)
    return {
        recipient: {key: kinds for key, kinds in by_day.items() if kinds}
        for recipient, by_day in withdrawn.items()
    }


def _short(categories: Iterable[str], column: int) -> tuple[str, ...]:
    return tuple(SHORT_CATEGORIES[category][column] for category in categories)


def subjects_of(lang: str, rows: Iterable[Row]) -> tuple[tuple[str, str], ...]:
    """Return what was told in a case: each category, and its words."""
    column = 1 if lang == "es" else 0
    categories = dict.fromkeys(
        row.category
        for row in rows
        if row.status != WITHDRAWN and row.category not in (*RUNS, *NOT_DISPUTED)
    )
    subjects = [(category, CATEGORIES[category][column]) for category in categories]
    return (*subjects, (OTHER, SOMETHING_ELSE[column]))


def manager_phone(
    working_set: WorkingSet, handle: str, case: Case, manager: str | None
) -> str | None:
    """Return the number of a case's manager: the listed one, or that which this agency stated last.

    INVARIANT: a number that was stated of an earlier case manager isn't the present one's.
    """
    if manager is None:
        return None
    if (listed := phone_of(working_set, manager)) is not None:
        return listed
    stated: list[StatedContent] = [
        each
        for each in stated_contents(working_set, handle, case)
        if each.by == working_set.agency and each.content.get("case_manager_contact")
    ]
    newest: Mapping[str, object] = stated[-1].content["case_manager_contact"] if stated else {}
    is_theirs = join_name(str(newest.get("name") or "")) == join_name(manager)
    return str(newest["phone"]) if is_theirs and newest.get("phone") else None


def phone_of(working_set: WorkingSet, name: str | None) -> str | None:
    """Return the listed number of a person who works here, None without one."""
    person = working_set.staff.find(name) if name is not None else None
    return person.phone if person is not None else None
