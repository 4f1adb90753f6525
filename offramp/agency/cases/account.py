"""The account of a case in plain English or Spanish: a first page, and each disclosure after it.

The first page says who knows what now, and what changed. The details are one item for each
disclosure: what was told, why it was allowed, and what became of it. A disclosure is one record
that told one agency something, as the page of the case counts it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from textwrap import wrap
from types import MappingProxyType

from exchange.consent.account_rows import HANDED, PENDING, SENT, WITHDRAWN, Row
from exchange.consent.accounting import AccountStatement
from exchange.consent.reduction import OFFER_LASTS
from exchange.consent.state import Committed
from exchange.membership.directory import Directory
from exchange.records.statements import Change, Grant
from offramp.agency.cases.account_words import SAID, SHORT_CATEGORIES, count_words
from offramp.agency.cases.corrections import CORRECTION
from offramp.agency.cases.plain_words import BASES, KINDS, PURPOSES, ROLES
from offramp.agency.cases.reliance import DestroyedBefore
from offramp.agency.cases.retention import SEALED
from offramp.agency.cases.signed_ends import SignedEnd
from offramp.agency.cases.taken_back import TakenBack, permissions_taken_back
from offramp.agency.cases.text_fates import TextFate, TextKey, key_of, recalled_state
from offramp.agency.cases.text_openings import TextOpenings
from offramp.agency.cases.told_words import NOTHING_READABLE, ToldContents, named, summed
from rules.author.spoken_dates import spoken_day, spoken_time
from rules.frozen import frozen

LANGUAGES = ("en", "es")
# Categories that run the exchange and disclose nothing about the person: counted, not listed.
RUNS = ("operation", "consent_terms")
WIDTH = 96
# The states of what an agency knows, in the order of the first page.
_STATES = (
    *("stated", "read", "either", "gateway", "aloud"),
    *("not_opened", "not_fetched", "sent_only"),
    *("read_destroyed", "destroyed", "read_perhaps", "perhaps", "read_over", "over"),
    *("asked_back", "deleted", "kept_law", "kept_court_order", "kept_care", "kept_duty_to_keep"),
    *("kept", "answered_back"),
)
NO_FATE = TextFate()
# The changes on the first page. Older ones are counted.
MOST_CHANGES = 8
# A correction is a record for each recipient. Those of one act are in the log within these seconds.
_AT_ONCE = 60
# Records that change what an agency has or may do, beside those of consent and the recalls.
_CHANGES = (CORRECTION, "exit", "ejection", "reinstatement", "transfer")


def rows_of_agency(statement: AccountStatement, agency: str) -> AccountStatement:
    """Return the account with the rows alone that an agency said or was told."""
    rows = tuple(row for row in statement.rows if agency in (row.issuer, row.to))
    return replace(statement, rows=rows)


@frozen
class Telling:
    """A disclosure to the agency `to` in sentences.

    `basis` is the phrase on why it was allowed, None where the text says it: nothing allowed it, or
    its parts were allowed for more than one reason.
    """

    to: str
    text: str
    basis: str | None = None


@frozen
class KnownDetail:
    """A detail, or a kind of information, and how far each agency knows it.

    `states` has the states by the agency's id: `stated` if the agency told it, and those of what it
    was told, such as `read`.
    """

    text: str
    states: Mapping[str, tuple[str, ...]]


@frozen
class AccountText:
    """An account in one language, in sentences without line breaks. Every print uses it.

    `title` and `zone` say up to when, and in which local time. `scope` says that it has one
    agency's rows alone, None for the whole account. `knows` has what each agency knows now, by its
    id. `changes` are all that changed, the oldest first. `proof` says if something is missing, who
    signed the log, and what the account can't know. `told` are the disclosures in the order of
    time. `notices` say what was stopped in time, count
    what told nothing about the person, and number each agency's records.
    """

    title: str
    zone: str
    scope: str | None
    knows: tuple[tuple[str, str], ...]
    changes: tuple[str, ...]
    proof: tuple[str, ...]
    told: tuple[Telling, ...]
    notices: tuple[str, ...]


def account_text(
    statement: AccountStatement,
    directory: Directory,
    language: str,
    agency: str | None = None,
    *,
    is_proved: bool = True,
    is_read: bool = False,
    is_withheld: bool = False,
    ends: Sequence[SignedEnd] = (),
    fates: Mapping[TextKey, TextFate] = MappingProxyType({}),
    contents: ToldContents = NOTHING_READABLE,
    openings: TextOpenings | None = None,
) -> AccountText:
    """Return the account in sentences: who knows what now, what changed, and how we know.

    `language` is `en` or `es`. `agency` is named where the account has its rows alone. With
    `is_proved` false, the account is made of the agency's own records, and proves nothing. With
    `is_read`, the person reads it, and with `is_withheld` the hub gives this agency the whole
    account only after a consent. `ends` are what agencies signed about parts that they destroyed,
    `fates` what became of each text, `contents` what the readable ones told, and `openings` who
    opened them.
    """
    page = _Page(statement, directory, language, is_proved, ends, fates, contents, openings)
    return page.text(agency, is_read=is_read, is_withheld=is_withheld)


def first_page(text: AccountText, language: str, *, is_read: bool = False) -> list[str]:
    """Return the lines of the first page: who knows what now, and what changed.

    With `is_read`, every change is there, and no option of a command.
    """
    return list(_first_page(text, LANGUAGES.index(language), is_read))


def _first_page(text: AccountText, column: int, is_read: bool) -> Iterator[str]:
    yield from _wrapped(text.title)
    yield from _wrapped(text.zone)
    if text.scope is not None:
        yield from _wrapped(text.scope)
    yield ""
    yield SAID["who_knows"][column]
    if not text.knows:
        yield from _wrapped(SAID["nothing"][column], "  ")
    for _, paragraph in text.knows:
        yield from _wrapped(paragraph, "  ")
    if text.changes:
        yield ""
        yield SAID["changed"][column]
        hidden = 0 if is_read else max(0, len(text.changes) - MOST_CHANGES)
        for change in text.changes[hidden:]:
            yield from _wrapped(change, "  ")
        if hidden:
            more = SAID[count_words("more_changes", hidden)][column].format(count=hidden)
            yield from _wrapped(more, "  ")
    yield ""
    yield from _wrapped(" ".join((*text.proof, *(() if is_read else (SAID["full"][column],)))))


def case_heading(case: str, language: str, *, is_other: bool) -> str:
    """Return the line that names a case above its account, or another case of the same person."""
    return SAID["other_case" if is_other else "this_case"][LANGUAGES.index(language)].format(
        case=case[:8]
    )


def details(text: AccountText, language: str) -> list[str]:
    """Return one item for each disclosure, in the order of time, and then the notices.

    Disclosures that were allowed for the same reason stand together after a line that says it.
    """
    lines = []
    for basis, tellings in by_basis(text.told, language):
        lines += [basis] if basis is not None else []
        lines += [telling.text for telling in tellings]
    return [*lines, *text.notices]


def by_basis(tellings: Iterable[Telling], language: str) -> list[tuple[str | None, list[Telling]]]:
    """Group disclosures by why they were allowed, with a line above each group.

    Those without one reason are last. If there are no others, they have no line.
    """
    groups: dict[str | None, list[Telling]] = {}
    for telling in tellings:
        groups.setdefault(telling.basis, []).append(telling)
    rest = groups.pop(None, None)
    grouped: list[tuple[str | None, list[Telling]]] = list(groups.items())
    if rest:
        line = SAID["allowed_rest"][LANGUAGES.index(language)] if grouped else None
        grouped.append((line, rest))
    return grouped


def disclosures(rows: Iterable[Row]) -> list[list[Row]]:
    """Group rows by disclosure, in their order: those of one record to one agency.

    A disclosure by word of mouth is one for each report.
    """
    groups: dict[object, list[Row]] = {}
    for row in rows:
        key = (row.issuer, row.record or (row.kind, row.at), row.to, row.is_oral)
        groups.setdefault(key, []).append(row)
    return list(groups.values())


def known_details(
    statement: AccountStatement,
    directory: Directory,
    *,
    fates: Mapping[TextKey, TextFate] = MappingProxyType({}),
    contents: ToldContents = NOTHING_READABLE,
    openings: TextOpenings | None = None,
) -> tuple[KnownDetail, ...]:
    """Return what the first page says that each agency knows, in English, as rows of a table."""
    page = _Page(statement, directory, "en", fates=fates, contents=contents, openings=openings)
    return page.known_details()


class _Page:
    """An account in one language."""

    def __init__(
        self,
        statement: AccountStatement,
        directory: Directory,
        language: str,
        is_proved: bool = True,
        ends: Sequence[SignedEnd] = (),
        fates: Mapping[TextKey, TextFate] = MappingProxyType({}),
        contents: ToldContents = NOTHING_READABLE,
        openings: TextOpenings | None = None,
    ) -> None:
        self.statement = statement
        self.openings = openings or TextOpenings(statement.records)
        self.ends = ends
        self.fates = fates
        self.contents = contents
        self.directory = directory
        self.language = language
        self.column = LANGUAGES.index(language)
        self.is_proved = is_proved
        self.told = [
            row
            for row in statement.rows
            if row.is_oral or not (row.category in RUNS or row.only_asks)
        ]

    # Words

    def say(self, key: str, **given: object) -> str:
        """Return a sentence of this program's own in the page's language.

        The period of `a.m.` ends a sentence too.
        """
        return SAID[key][self.column].format(**given).replace("m..", "m.")

    def name(self, agency: str) -> str:
        """Return an agency's name with its role."""
        entry = self.directory.agencies.get(agency)
        return f"{entry.name} ({ROLES[entry.role][self.column]})" if entry else agency

    def short_name(self, agency: str) -> str:
        """Return an agency's name."""
        entry = self.directory.agencies.get(agency)
        return entry.name if entry else agency

    def time(self, at: int) -> str:
        """Return a time in the program's zone."""
        return spoken_time(self._local(at), self.language)

    def day(self, at: int) -> str:
        """Return the day of a time in the program's zone."""
        return spoken_day(self._local(at).date(), self.language, with_year=False)

    def _local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at, UTC).astimezone(self.directory.zone)

    def text(self, agency: str | None, *, is_read: bool, is_withheld: bool) -> AccountText:
        """Return all sentences of the account."""
        at = self.time(self.statement.at)
        scope = "own_rows" if self.is_proved else "own_records"
        if not self.is_proved:
            scope += "_withheld" if is_withheld and is_read else "_read" if is_read else ""
        return AccountText(
            self.say("title", at=at),
            self.say("zone", zone=self.directory.zone.key),
            self.say(scope, agency=self.short_name(agency)) if agency is not None else None,
            tuple(self.known_by_agency()),
            tuple(self._changes(agency)),
            tuple(self._proof()),
            tuple(
                self.telling(rows)
                for rows in disclosures(row for row in self.told if row.status != WITHDRAWN)
            ),
            tuple(self._notices()),
        )

    # The first page

    def _proof(self) -> Iterator[str]:
        """Yield whether something is missing, who signed the log, and what it can't know."""
        if not self.is_proved:
            pass  # an agency can't know what it never got
        elif self.statement.missing:
            lost = self._counted("lost", len(self.statement.missing))
            yield f"{lost}."
        else:
            yield self.say("whole")
        yield f"{self.say('limits')}."
        if any(not row.is_oral and self.contents.of(row) is None for row in self.told):
            yield self.say("which")

    def known_by_agency(self) -> Iterator[tuple[str, str]]:
        """Yield a paragraph for each agency: what it has, what was recalled, what it destroyed."""
        by_agency = self._told_by_agency()
        agencies = dict.fromkeys((*by_agency, *self._stating(), *(end.agency for end in self.ends)))
        for agency in sorted(agencies, key=self.name):
            by_category = by_agency.get(agency, {})
            signed = [end for end in self.ends if end.agency == agency]
            ends = [self._end(end, is_first=end is signed[0]) for end in signed]
            phrases = self._known(by_category) or self._kinds(by_category)
            stated = self._stating().get(agency, [])
            if new := self._stated(stated, phrases):
                phrases = {"stated": new, **phrases}
            if not phrases:
                yield agency, f"{self.name(agency)}. {' '.join(ends)}"
                continue
            received = [row for rows in by_category.values() for row in rows]
            newest = max(row.at for row in received or stated)
            sentences = ". ".join(
                self.say(state, categories="; ".join(texts)) for state, texts in phrases.items()
            )
            text = self.say(
                "knows", agency=self.name(agency), day=self.day(newest), categories=sentences
            )
            yield agency, " ".join((text, *ends))

    def _told_by_agency(self) -> dict[str, dict[str, list[Row]]]:
        """Return the texts that each agency was sent or told, by their category."""
        by_agency: dict[str, dict[str, list[Row]]] = {}
        for row in self.told:
            if row.status != WITHDRAWN:
                by_agency.setdefault(row.to, {}).setdefault(row.category, []).append(row)
        return by_agency

    def _stating(self) -> dict[str, list[Row]]:
        """Return the texts that each agency told others, so that it knows what they say.

        What it asked back as wrong isn't among them.
        """
        stating: dict[str, list[Row]] = {}
        for row in self.told:
            if row.status != WITHDRAWN and row.recalled is None:
                stating.setdefault(row.issuer, []).append(row)
        return stating

    def _stated(self, rows: Sequence[Row], known: Mapping[str, Sequence[str]]) -> list[str]:
        """Return what an agency told others, without what it is said to have opened itself."""
        phrases = summed(rows, self.contents, self.column)
        return [phrase for phrase in phrases if phrase not in known.get("read", ())]

    def known_details(self) -> tuple[KnownDetail, ...]:
        """Return what each agency knows as rows: the details of each kind of information."""
        states: dict[str, dict[str, set[str]]] = {}
        order = {category: place for place, category in enumerate(SHORT_CATEGORIES)}
        for agency, _, state, texts in sorted(self._texts(), key=lambda known: order[known[1]]):
            for phrase in summed(texts, self.contents, self.column, most=None):
                states.setdefault(phrase, {}).setdefault(agency, set()).add(state)
        return tuple(
            KnownDetail(
                phrase,
                {
                    agency: tuple(state for state in _STATES if state in states_there)
                    for agency, states_there in by_agency.items()
                },
            )
            for phrase, by_agency in states.items()
        )

    def _texts(self) -> Iterator[tuple[str, str, str, list[Row]]]:
        """Yield an agency, a category, a state, and the texts that are so far at the agency."""
        for agency, stated in self._stating().items():
            for category, texts in _by(stated, lambda row: row.category):
                yield agency, category, "stated", texts
        for agency, by_category in self._told_by_agency().items():
            for category, rows in by_category.items():
                for state, texts in self._how_far(rows):
                    yield agency, category, state, texts

    def _how_far(self, rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
        """Yield an agency's texts of a category by their states, also those asked back."""
        yield from self._standing([row for row in rows if row.recalled is None])
        yield from _by([row for row in rows if row.recalled is not None], self._recalled_state)

    def state_of(self, rows: Sequence[Row]) -> str:
        """Return how far an agency's texts of a category are: the state of those that stand."""
        standing = [row for row in rows if row.recalled is None]
        return self._standing_state(standing) if standing else self._recalled_state(rows[-1])

    def _end(self, end: SignedEnd, *, is_first: bool) -> str:
        """Return what an agency signed about the parts that it destroyed, or that it had none."""
        day = spoken_day(self._local(end.signed_at).date(), self.language)
        parts = end.parts
        if parts is None:
            return self.say("ended_unread" if end.is_here else "ended_elsewhere", day=day)
        because = self.say(f"because_{parts.cause}")
        none = "ended_none" if is_first and end.reliance == "none" else "ended_no_more"
        key = count_words("ended", parts.ended) if parts.ended else none
        if end.before is not None:
            key = count_words("again", parts.ended)
        if end.reliance == "asked_back":
            key = "ended_relied"
        sentence = self.say(key, count=parts.ended, day=day, because=because)
        if end.reliance != "asked_back" and end.before is not None:
            sentence += f" {self._before(end.before, parts.ended)}"
        if parts.kept_until is None:
            last_day = spoken_day(parts.exchange_until, self.language)
            return f"{sentence} {self.say('keeps_nothing', day=last_day)}"
        until = spoken_day(parts.kept_until, self.language)
        return f"{sentence} {self.say('keeps_until', day=until)}"

    def _before(self, before: DestroyedBefore, ended: int) -> str:
        """Return how many of the counted parts were destroyed for an earlier reason."""
        if before.count is None:
            return self.say("before_some")
        key = "before_all" if before.count == ended else count_words("before", before.count)
        return self.say(key, count=before.count)

    def _known(self, by_category: Mapping[str, list[Row]]) -> Mapping[str, list[str]]:
        """Return what an agency knows, by how far its texts are, in the order of the states."""
        whole: dict[str, list[Row]] = {}
        some: dict[str, list[str]] = {}
        for category, rows in by_category.items():
            for state, texts in self._how_far(rows):
                if texts[0].recalled is None or len(texts) == len(rows):
                    whole.setdefault(state, []).extend(texts)
                else:
                    short, count, total = self._short(category), len(texts), len(rows)
                    share = self.say("some_of", category=short, count=count, total=total)
                    some.setdefault(state, []).append(share)
        phrases = {
            state: [*summed(whole.get(state, ()), self.contents, self.column), *some.get(state, ())]
            for state in _STATES
            if state in whole or state in some
        }
        return {state: texts for state, texts in phrases.items() if texts}

    def _kinds(self, by_category: Mapping[str, list[Row]]) -> Mapping[str, list[str]]:
        """Return the kinds of texts that state nothing more than the note itself."""
        kinds: dict[str, list[str]] = {}
        for category, rows in by_category.items():
            kinds.setdefault(self.state_of(rows), []).append(self._short(category))
        return kinds

    def _standing(self, rows: Sequence[Row]) -> Iterator[tuple[str, list[Row]]]:
        """Yield the texts of a category by how far they are. Ended ones count if all ended."""
        present = [row for row in rows if self._fate_of(row).end is None]
        if rows and not present:
            yield self._standing_state(rows), list(rows)
        yield from _by(present, self._row_state)

    def _fate_of(self, row: Row) -> TextFate:
        return self.fates.get(key_of(row), NO_FATE)

    def _standing_state(self, rows: Sequence[Row]) -> str:
        """Return how far an agency's texts of a category are. Ended ones count if all ended."""
        present = [row for row in rows if self._fate_of(row).end is None]
        if present:
            return self._newest_state(present)
        ends = {self._fate_of(row).end for row in rows}
        end = next(end for end in ("perhaps", "over", "destroyed") if end in ends)
        is_read = any(self.openings.of(row) == "person" for row in rows)
        return f"read_{end}" if is_read else end

    def _row_state(self, row: Row) -> str:
        """Return how far one text is."""
        if row.is_oral:
            return "aloud"
        opened = self.openings.of(row)
        if opened is not None:
            return "read" if opened == "person" else opened
        return {PENDING: "not_fetched", SENT: "sent_only"}.get(row.status, "not_opened")

    def _newest_state(self, rows: Sequence[Row]) -> str:
        """Return how far an agency's newest text of a category is. Read, if it read an earlier."""
        if rows[-1].is_oral:
            return "aloud"
        states = {self._row_state(row) for row in rows}
        opened = next((state for state in ("read", "either", "gateway") if state in states), None)
        return opened or self._row_state(rows[-1])

    def _recalled_state(self, row: Row) -> str:
        return recalled_state(row, self._fate_of(row))

    def _short(self, category: str) -> str:
        return SHORT_CATEGORIES[category][self.column]

    def _changes(self, agency: str | None) -> Iterator[str]:
        """Yield what changed, the oldest first. With `agency`, only what concerns its own rows."""
        events = [
            *(() if agency is not None else self._consents()),
            *(() if agency is not None else self._taken_back()),
            *self._recalls(),
            *self._stopped(),
            *self._aloud(),
            *self._other_changes(agency),
        ]
        # What happened several times on a day is one line.
        counts = Counter(f"{self.day(at)}: {sentence}" for at, sentence in sorted(events))
        for line, count in counts.items():
            yield line if count == 1 else self.say("often", change=line, count=count)

    def _consents(self) -> Iterator[tuple[int, str]]:
        """Yield each change of consent. What was changed in several records is one change."""
        pairs: dict[str, tuple[str, str]] = {}
        ended: dict[tuple[str, str], int] = {}
        for record in self.statement.consents:
            grants = [grant for _, grant in record.says() if isinstance(grant, Grant)]
            pairs |= {grant.id: (grant.discloser, grant.recipient) for grant in grants}
            if grants:
                yield record.time, self._counted("consented", len(grants))
            for at, sentence in self._changed_consents(record, pairs):
                ended.setdefault((self.day(at), sentence), at)
        yield from ((at, sentence) for (_, sentence), at in ended.items())

    def _taken_back(self) -> Iterator[tuple[int, str]]:
        """Yield which permissions to tell an agency were taken back, and if all were, by day."""
        by_day: dict[tuple[str, str], list[TakenBack]] = {}
        for taken in permissions_taken_back(self.statement.consents, self.directory.zone):
            by_day.setdefault((self.day(taken.time), taken.grant.recipient), []).append(taken)
        for (_, recipient), ended in by_day.items():
            count, left, time = len(ended), ended[-1].left, ended[0].time
            words = "taken_back" if left else count_words("taken_back_all", count)
            agency = self.short_name(recipient)
            text = self.say(words, count=count, total=count + left, agency=agency)
            text = " ".join((text, *self._which(ended)))
            if self._is_told_on_offer(recipient, time):
                text += f" {self.say('offer_stays', agency=agency)}"
            yield time, text

    def _which(self, ended: Iterable[TakenBack]) -> Iterator[str]:
        """Yield the kinds of information that each agency could tell by these permissions."""
        by_discloser: dict[str, dict[str, None]] = {}
        for taken in ended:
            shorts = map(self._short, taken.grant.categories)
            by_discloser.setdefault(taken.grant.discloser, {}).update(dict.fromkeys(shorts))
        for discloser, categories in by_discloser.items():
            name, kinds = self.short_name(discloser), "; ".join(categories)
            yield self.say("taken_back_which", agency=name, kinds=kinds)

    def _is_told_on_offer(self, recipient: str, time: int) -> bool:
        """Report whether the yes to the offer still lets an agency be told something at a time."""
        since, rows = time - OFFER_LASTS.total_seconds(), self.statement.rows
        if any(row.kind == "exit" and row.at <= time for row in rows):
            return False
        return any(
            row.to == recipient and row.basis == "offer_at_scene" and since <= row.at <= time
            for row in rows
        )

    def _changed_consents(
        self, record: Committed, pairs: Mapping[str, tuple[str, str]]
    ) -> Iterator[tuple[int, str]]:
        """Yield the changes that take back no permission known here."""
        by_effect: dict[str, list[tuple[str, str]]] = {}
        for _, change in record.says():
            if isinstance(change, Change) and not (change.does == "end" and change.grant in pairs):
                ended = [pairs[change.grant]] if change.grant and change.grant in pairs else []
                by_effect.setdefault(change.does, []).extend([*(change.pairs or ()), *ended])
        for does, changed in by_effect.items():
            recipients = sorted({self.short_name(recipient) for _, recipient in changed})
            names = ", ".join(recipients) or self.say("somebody")
            yield record.time, self.say(f"consent_{does}", agencies=names)

    def _recalls(self) -> Iterator[tuple[int, str]]:
        recalled = [row for row in self.told if row.recalled is not None]
        for rows in _grouped(recalled, lambda row: (row.recalled, self._recalled_state(row))):
            first = rows[0]
            assert first.recalled is not None, "they were chosen by it"
            yield first.recalled, f"{self._about('recalled_short', rows)} {self._answer(first)}"
        taken_back = [
            row for row in self.statement.rows if row.kind == SEALED and row.recalled is not None
        ]
        for issuer, at in dict.fromkeys((row.issuer, row.recalled) for row in taken_back):
            assert at is not None, "they were chosen by it"
            yield at, self.say("end_recalled", issuer=self.short_name(issuer))

    def _answer(self, row: Row) -> str:
        """Return how an agency answered a recall: deleted, kept and why, or not known here."""
        names = {"to": self.short_name(row.to)}
        fate = self._fate_of(row)
        if row.answered is None:
            return self.say("unanswered_short")
        if fate.answer is None:
            return self.say("answered_short", **names)
        if fate.answer == "deleted":
            return self.say("deleted_short", **names)
        ground = self.say(f"ground_{fate.kept_because or 'none'}")
        return self.say("kept_short", ground=ground, **names)

    def _stopped(self) -> Iterator[tuple[int, str]]:
        stopped = [row for row in self.told if row.status == WITHDRAWN]
        for rows in _grouped(stopped, lambda row: row.at):
            yield rows[0].at, self._about("stopped_short", rows)

    def _aloud(self) -> Iterator[tuple[int, str]]:
        spoken = [row for row in self.told if row.is_oral]
        for rows in _grouped(spoken, lambda row: (row.at, row.denied is None, bool(row.denied))):
            sentence = self._about("aloud_short", rows)
            verdict = "" if rows[0].denied is None else f" {self._verdict(rows[0])}"
            yield rows[0].at, sentence + verdict

    def _about(self, key: str, rows: Sequence[Row]) -> str:
        """Return a sentence about several categories between two agencies."""
        categories = "; ".join(summed(rows, self.contents, self.column))
        issuer, to = self.short_name(rows[0].issuer), self.short_name(rows[0].to)
        return self.say(key, issuer=issuer, to=to, categories=categories)

    def _other_changes(self, agency: str | None) -> Iterator[tuple[int, str]]:
        """Yield what else was sent. What tells several agencies the same at once is one change."""
        changes: list[tuple[int, str, str, str | None, list[str]]] = []
        newest: dict[tuple[str, str, str | None], int] = {}
        # An agency that another part of the record reached was told of it, if only by a notice.
        reached = {(row.record, row.to) for row in self.statement.rows if row.status != WITHDRAWN}
        stopped: dict[str, set[str]] = {}
        for row in self.told:
            if row.status == WITHDRAWN and (row.record, row.to) not in reached:
                stopped.setdefault(row.record, set()).add(row.to)
        for record in self.statement.records:
            to = record.parties() - {record.issuer} - stopped.get(record.jti, set())
            if agency is not None and record.issuer != agency:
                to &= {agency}
            if record.kind not in _CHANGES or (agency is not None and not to):
                continue
            about = self._corrected(record) if record.kind == CORRECTION else None
            key = (record.issuer, record.kind, about)
            if key in newest and to:
                since, _, _, _, recipients = changes[newest[key]]
                if record.time - since < _AT_ONCE and to.isdisjoint(recipients):
                    recipients += sorted(to)
                    continue
            newest[key] = len(changes)
            changes.append((record.time, record.issuer, record.kind, about, sorted(to)))
        for at, by, kind, about, recipients in changes:
            names = {"issuer": self.short_name(by)}
            names["to"] = ", ".join(map(self.short_name, recipients))
            if about is not None:
                yield at, self.say("corrected_short", categories=about, **names)
            else:
                sentence = "sent_to_short" if recipients else "sent_short"
                yield at, self.say(sentence, kind=KINDS[kind][self.column], **names)

    def _corrected(self, record: Committed) -> str | None:
        """Return what a correction changed: the details, or the kinds of information."""
        phrases: dict[str, None] = {}
        for part, label in record.labels.items():
            changed = self.contents.corrected.get((record.issuer, record.jti, part))
            if changed:
                phrases |= dict.fromkeys(phrase[self.column] for phrase in changed)
            else:
                shorts = (self._short(category) for category in label.category)
                phrases |= dict.fromkeys(
                    self.say("information", category=short) for short in shorts
                )
        return "; ".join(phrases) or None

    # The details

    def _notices(self) -> Iterator[str]:
        """Yield what was stopped, the questions of each pair, the notices, and the numbers."""
        for rows in disclosures(row for row in self.told if row.status == WITHDRAWN):
            yield self.telling(rows).text
        asked: dict[tuple[str, str], list[list[Row]]] = {}
        for rows in disclosures(row for row in self.statement.rows if row.only_asks):
            asked.setdefault((rows[0].issuer, rows[0].to), []).append(rows)
        for (by, to), questions in sorted(asked.items()):
            shorts = dict.fromkeys(self._short(row.category) for rows in questions for row in rows)
            names = {"issuer": self.short_name(by), "to": self.short_name(to)}
            categories = ", ".join(shorts)
            yield self._counted("asks", len(questions), categories=categories, **names)
        disclosing = {(row.record, row.to) for row in self.told}
        counts = Counter(
            (rows[0].issuer, rows[0].to)
            for rows in disclosures(self.statement.rows)
            if (rows[0].record, rows[0].to) not in disclosing
            and not rows[0].is_oral
            and not rows[0].only_asks
        )
        sent = {
            by: ", ".join(
                self.say("runs_to", count=count, to=self.short_name(to))
                for (issuer, to), count in sorted(counts.items())
                if issuer == by
            )
            for by in sorted({issuer for issuer, _ in counts})
        }
        if sent:
            by_issuer = (f"{self.short_name(by)}: {counted}" for by, counted in sent.items())
            yield self.say("runs", sent="; ".join(by_issuer))
        if not self.is_proved:
            return
        last = ", ".join(
            f"{self.short_name(issuer)}: {number}"
            for issuer, number in sorted(self.statement.last.items())
        )
        yield self.say("numbered", counts=last)

    def telling(self, rows: Sequence[Row]) -> Telling:
        """Return what is known of a disclosure. Texts with the same fate share their sentences."""
        stating = [row for row in rows if self.contents.of(row) != ()] or list(rows[:1])
        bases = {row.basis if row.status in (HANDED, SENT) else "" for row in stating}
        basis = next(iter(bases)) if len(bases) == 1 else ""
        groups: dict[object, list[Row]] = {}
        for row in stating:
            groups.setdefault(self._alike(row), []).append(row)
        text = " ".join(
            " ".join(self._sentences(texts, says_basis=not basis)) for texts in groups.values()
        )
        reason = BASES[basis][self.column] if basis else None
        line = self.say("allowed_all", basis=reason) if reason is not None else None
        return Telling(rows[0].to, text, line)

    def _alike(self, row: Row) -> object:
        """Return what the sentences of a row say beside what it told."""
        times = (row.at, row.opened, row.recalled, row.answered)
        fate = self._fate_of(row)
        return (
            *(None if at is None else self.time(at) for at in times),
            *(row.status, row.purpose, row.basis, row.denied, self.openings.of(row)),
            *(fate.answer, fate.kept_because),
        )

    def _sentences(self, rows: Sequence[Row], *, says_basis: bool) -> Iterator[str]:
        row = rows[0]
        words = self._words(rows)
        yield self.say(row.status, **words)
        if says_basis and row.basis and row.status in (HANDED, SENT):
            yield self.say("allowed_one", basis=BASES[row.basis][self.column])
        if row.denied is not None:
            yield self._verdict(row)
        if row.status in (HANDED, SENT):
            yield from self._fate(row, words)

    def _fate(self, row: Row, words: Mapping[str, str]) -> Iterator[str]:
        """Yield whether a text was opened, asked back, and answered."""
        if row.opened is not None:
            key = f"opened_{self.openings.of(row)}"
            yield self.say(key, when=self.time(row.opened), **words)
        else:
            yield self.say("unopened", **words)
        if row.recalled is not None:
            yield self.say("recalled", when=self.time(row.recalled), **words)
            if row.answered is not None:
                answered = self.say("answered", when=self.time(row.answered), **words)
                yield f"{answered} {self._answer(row)}"
            else:
                yield self.say("unanswered", **words)

    def _verdict(self, row: Row) -> str:
        return self.say("denied" if row.denied else "allowed")

    def _words(self, rows: Sequence[Row]) -> dict[str, str]:
        row = rows[0]
        short = self.say("information", category=self._short(row.category))
        return {
            "at": self.time(row.at),
            "issuer": self.short_name(row.issuer),
            "to": self.short_name(row.to),
            "told": "; ".join(named(rows, self.contents, self.column) or [short]),
            "purpose": PURPOSES[row.purpose][self.column] if row.purpose else "",
            "kind": KINDS[row.kind][self.column],
        }

    def _counted(self, key: str, count: int, **given: object) -> str:
        """Return a sentence with a count, in the singular for one."""
        return self.say(count_words(key, count), count=count, **given)


def _by(rows: Iterable[Row], state_of: Callable[[Row], str]) -> Iterable[tuple[str, list[Row]]]:
    """Group rows by their state."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(state_of(row), []).append(row)
    return groups.items()


def _grouped(rows: Iterable[Row], key: Callable[[Row], object]) -> Iterable[list[Row]]:
    """Group the rows between the same agencies that also agree in a key."""
    groups: dict[object, list[Row]] = {}
    for row in rows:
        groups.setdefault((row.issuer, row.to, key(row)), []).append(row)
    return groups.values()


def _wrapped(text: str, indent: str = "") -> Iterable[str]:
    """Break a paragraph into lines. The lines after the first are indented further."""
    return wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=indent * 2,
        break_on_hyphens=False,
        break_long_words=False,
    )
