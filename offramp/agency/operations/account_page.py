"""The account of a case as a page: a summary by recipient, each disclosure, and who knows what."""

from __future__ import annotations

from collections.abc import Mapping

from offramp.agency.cases.account import AccountText, known_states
from offramp.agency.cases.account_words import SHORT_CATEGORIES
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
# How far a text is, in a cell of the table.
_CELLS: Mapping[str, str] = {
    "read": "Told, and opened",
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
class AccountPage:
    """The account of one case. `number` is that of the person's joined case, from 1, else 0.

    `language` is `en` or `es`. `summary` has at most 12 lines. `sentences` are the disclosures by
    recipient's name, in the order of time. `text` has all the other sentences: those that
    `offramp agency account` prints. `opened_by` lists the people of this agency that opened the
    file after a title, on the first page.
    """

    number: int
    language: str
    summary: tuple[RecipientSummary, ...]
    sentences: Mapping[str, tuple[str, ...]]
    text: AccountText
    opened_by: tuple[str, ...] = ()

    @property
    def count(self) -> int:
        """The number of disclosures."""
        return sum(len(texts) for texts in self.sentences.values())

    @property
    def told_times(self) -> str:
        """The sentence that counts how often something was told."""
        return _TOLD[self.language].format(times=self.times(self.count))

    def times(self, count: int) -> str:
        """Return a number of times in words."""
        return _times(count, self.language)


@frozen
class Knowledge:
    """Who knows what, as far as this agency said it or was told.

    `agencies` are the columns, `rows` the kinds of information with a cell for each agency.
    `is_proved` is False where only this agency's own records say it.
    """

    agencies: tuple[str, ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]
    is_proved: bool = True


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
    sentences: dict[str, list[str]] = {}
    for recipient, sentence in text.told:
        sentences.setdefault(recipient, []).append(sentence)
    paragraphs = dict(text.knows)
    names = {agency: _name(account, agency) for agency in (*paragraphs, *sentences)}
    counts = {agency: len(sentences.get(agency, ())) for agency in paragraphs}
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
        {names[agency]: tuple(texts) for agency, texts in sentences.items()},
        text,
        ()
        if account.openings is None
        else opening_sentences(
            account.directory.agencies[own_agency].name,
            account.openings,
            language,
            account.directory.zone,
        ),
    )


def _times(count: int, language: str) -> str:
    once, often = _TIMES[language]
    return once if count == 1 else often.format(count=count)


def _name(account: CaseAccount, agency: str) -> str:
    entry = account.directory.agencies.get(agency)
    return entry.name if entry is not None else agency


@needs(CASE, look="print")
def describe_knowledge(office: Office, case: str) -> Knowledge:
    """Return who knows what of a case, by the exchange's own account.

    An agency to which the hub gives no account has its own records instead. INVARIANT: it has
    nothing that two other agencies told each other. Raises as `fetch_account`.
    """
    account = fetch_account(office, case, may_be_own=True)
    states = known_states(account.statement, account.directory, fates=account.fates)
    own_agency = office.agency
    own = {key: state for key, state in states.items() if own_agency in key[:2]}
    agencies = sorted({agency for issuer, to, _ in own for agency in (issuer, to)} | {own_agency})
    agencies = [own_agency, *(agency for agency in agencies if agency != own_agency)]
    categories = sorted({category for _, _, category in own})
    return Knowledge(
        tuple(_name(account, agency) for agency in agencies),
        tuple(
            (
                SHORT_CATEGORIES[category][0],
                tuple(_cell(own, own_agency, agency, category) for agency in agencies),
            )
            for category in categories
        ),
        account.is_proved,
    )


def _cell(
    states: Mapping[tuple[str, str, str], str], own_agency: str, agency: str, category: str
) -> str:
    """Return what one agency knows of a category, as this agency said it or was told it."""
    of_category = {
        (by, to): state for (by, to, about), state in states.items() if about == category
    }
    has_stated = any(by == agency and own_agency in (agency, to) for by, to in of_category)
    states_told = [
        _CELLS.get(state, _KEPT)
        for (by, to), state in of_category.items()
        if to == agency and own_agency in (agency, by)
    ]
    return ". ".join((*(("Said it",) if has_stated else ()), *dict.fromkeys(states_told)))
