"""The account of a case as a page: a summary by recipient, each disclosure, and who knows what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from offramp.agency.cases.account import AccountText, Telling, by_basis, known_details
from offramp.agency.cases.detail_words import in_third_person
from offramp.agency.folder.office import Office
from offramp.agency.operations.access import CASE, needs
from offramp.agency.operations.evidence import CaseAccount, fetch_account
from offramp.agency.operations.looks import opening_sentences
from rules.frozen import frozen

# The most lines of a summary. More recipients share the last one.
MOST_LINES = 12
_MORE = {
    "en": "{count} more agencies: see the list.",
    "es": "{count} agencias más: vea la lista.",
}
_TIMES = {"en": ("once", "{count} times"), "es": ("una vez", "{count} veces")}
_TOLD = {
    "en": "Something about you was sent or told {times}.",
    "es": "Se envió o se comunicó algo sobre usted {times}.",
}
_TOLD_IN_PART = {
    "en": "In this list, something about you was sent or told {times}. There may be more.",
    "es": "En esta lista se envió o se comunicó algo sobre usted {times}. Puede haber más.",
}
# How far a text is, in a cell of the table.
_CELLS: Mapping[str, str] = {
    "stated": "Said it",
    "read": "Told, and opened",
    "either": "Told, and used",
    "gateway": "Told, and used automatically",
    "aloud": "Told aloud",
    "not_opened": "Told, not opened",
    "not_fetched": "On its way",
    "sent_only": "Sent",
    "asked_back": "Asked back",
    "deleted": "Deleted",
    "destroyed": "Destroyed",
    "read_destroyed": "Opened, destroyed since",
    "over": "Past its last day",
    "read_over": "Opened, past its last day",
    "perhaps": "Perhaps destroyed",
    "read_perhaps": "Opened, perhaps destroyed",
    "answered_back": "Asked back, answered",
}
_KEPT = "Asked back, kept"
NOT_TOLD, UNSEEN = "Not told", "Not shown here"


@frozen
class RecipientSummary:
    """The line of all that one agency was told.

    `count` is the number of its disclosures, and `times` says it.
    """

    agency: str
    text: str
    count: int
    times: str


@frozen
class TellingGroup:
    """Disclosures that were allowed for the same reason, each in sentences.

    `basis` says the reason, None where each says it for itself.
    """

    basis: str | None
    sentences: tuple[str, ...]


@frozen
class AccountPage:
    """The account of one case. `number` is that of the person's joined case, from 1, else 0.

    `language` is `en` or `es`. `summary` has at most 12 lines. `tellings` are the disclosures by
    recipient's name, in groups of those that were allowed for the same reason. `text` has all the
    other sentences: those that `offramp agency account` prints. `opened_by` lists the people of
    this agency that opened the file after a title, on the first page. `is_whole` is false where
    others may have told each other what can't be seen here.
    """

    number: int
    language: str
    summary: tuple[RecipientSummary, ...]
    tellings: Mapping[str, tuple[TellingGroup, ...]]
    text: AccountText
    opened_by: tuple[str, ...] = ()
    is_whole: bool = True

    @property
    def sentences(self) -> Mapping[str, tuple[str, ...]]:
        """The disclosures by recipient's name."""
        return {
            name: tuple(text for group in groups for text in group.sentences)
            for name, groups in self.tellings.items()
        }

    @property
    def count(self) -> int:
        """The number of disclosures."""
        return sum(len(texts) for texts in self.sentences.values())

    @property
    def told_times(self) -> str:
        """The sentence that counts how often something was told."""
        sentences = _TOLD if self.is_whole else _TOLD_IN_PART
        return sentences[self.language].format(times=self.times(self.count))

    def times(self, count: int) -> str:
        """Return a number of times in words."""
        return _times(count, self.language)


@frozen
class Knowledge:
    """Who knows what, as far as this agency can see it.

    `agencies` are the columns, this one first, and `rows` the details, or the kinds of information
    where the details can't be read, with a cell for each agency. Where others may have told
    something, each agency of the program is a column. A cell is `NOT_TOLD`, or `UNSEEN`
    where others may have told the agency. `is_whole` is true if it has what others told each other,
    and `is_proved` false where only this agency's own records say it.
    """

    agencies: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    is_whole: bool
    is_proved: bool = True

    @property
    def unseen(self) -> tuple[str, ...]:
        """The agencies of which nothing is seen here, because only others may have told them."""
        columns = zip(self.agencies, *(cells for _, cells in self.rows), strict=True)
        return tuple(name for name, *cells in columns if cells and {*cells} == {UNSEEN})


@needs(CASE, look="print")
def describe_account(office: Office, case: str, language: str = "en") -> tuple[AccountPage, ...]:
    """Return the account of a case for its person, and of the person's other cases here.

    `language` is `en` or `es`. Raises as `fetch_account`.
    """
    account = fetch_account(office, case, for_person=True)
    return tuple(
        _page(office.agency, part, language, number)
        for number, part in enumerate((account, *account.joined))
    )


def _page(own_agency: str, account: CaseAccount, language: str, number: int) -> AccountPage:
    text = account.text(language, is_read=True)
    by_recipient: dict[str, list[Telling]] = {}
    for telling in text.told:
        by_recipient.setdefault(telling.to, []).append(telling)
    paragraphs = dict(text.knows)
    names = {agency: _name(account, agency) for agency in (*paragraphs, *by_recipient)}
    counts = {agency: len(by_recipient.get(agency, ())) for agency in paragraphs}
    lines = [
        RecipientSummary(names[agency], paragraph, counts[agency], _times(counts[agency], language))
        for agency, paragraph in paragraphs.items()
    ]
    if len(lines) > MOST_LINES:
        rest = lines[MOST_LINES - 1 :]
        more, count = _MORE[language].format(count=len(rest)), sum(line.count for line in rest)
        lines[MOST_LINES - 1 :] = [RecipientSummary("", more, count, _times(count, language))]
    return AccountPage(
        number,
        language,
        tuple(lines),
        {
            names[agency]: tuple(_groups(tellings, language))
            for agency, tellings in by_recipient.items()
        },
        text,
        ()
        if account.openings is None
        else opening_sentences(
            account.directory.agencies[own_agency].name,
            account.openings,
            language,
            account.directory.zone,
        ),
        account.agency is None,
    )


def _groups(tellings: Iterable[Telling], language: str) -> Iterator[TellingGroup]:
    for basis, group in by_basis(tellings, language):
        yield TellingGroup(basis, tuple(telling.text for telling in group))


def _times(count: int, language: str) -> str:
    once, often = _TIMES[language]
    return once if count == 1 else often.format(count=count)


def _name(account: CaseAccount, agency: str) -> str:
    entry = account.directory.agencies.get(agency)
    return entry.name if entry is not None else agency


@needs(CASE, look="print")
def describe_knowledge(office: Office, case: str) -> Knowledge:
    """Return who knows what of a case, in the words of the account's first page, for staff.

    An agency to which the hub gives no account has its own records instead. INVARIANT: except at
    the person's counsel, it has nothing that two other agencies told each other. Raises as
    `fetch_account`.
    """
    account = fetch_account(office, case, may_be_own=True)
    details = known_details(
        account.statement,
        account.directory,
        fates=account.fates,
        contents=account.contents,
        openings=account.text_openings,
    )
    own_agency, is_whole = office.agency, account.agency is None
    listed = {agency for detail in details for agency in detail.states}
    # Others may have told any agency of the program. Counsel sees it if they did.
    others = listed if is_whole else listed | set(account.directory.agencies)
    agencies = (own_agency, *sorted(others - {own_agency}))
    return Knowledge(
        tuple(_name(account, agency) for agency in agencies),
        tuple(
            (
                in_third_person(detail.text),
                tuple(
                    _cell(detail.states.get(agency, ()), is_seen=is_whole or agency == own_agency)
                    for agency in agencies
                ),
            )
            for detail in details
        ),
        is_whole,
        account.is_proved,
    )


def _cell(states: Iterable[str], *, is_seen: bool) -> str:
    """Return how far an agency knows something. Without a state, it wasn't told, or isn't seen."""
    cell = ". ".join(dict.fromkeys(_CELLS.get(state, _KEPT) for state in states))
    return cell or (NOT_TOLD if is_seen else UNSEEN)
