"""A draft of a record: what a person wrote, completed with this agency's defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import date, timedelta
from functools import lru_cache, partial
from typing import Any

from exchange.agency.gateway import Gateway
from exchange.consent.state import COLLECTORS
from exchange.records.building import Part
from exchange.records.ids import new_id, new_short_id
from exchange.records.kinds import find_kind
from offramp.agency.errors import AgencyError
from offramp.agency.folder.settings import Settings
from rules.decide.program import Program
from rules.decide.retention import term_of
from rules.errors import PackError
from rules.frozen import frozen
from rules.input.language_names import read_language, similar_languages
from rules.input.printing import plain
from rules.input.values import iso_day
from rules.input.yaml import read_text
from rules.shelf import vocabulary

# The longest text of a draft, in bytes and in characters.
LARGEST = 1024 * 1024
NO_NOTICE = "none"


@frozen
class Draft:
    """The parts of a record to compose, and the signed form behind a consent."""

    parts: tuple[Part, ...]
    form: Mapping[str, Any] | None = None


@frozen
class Defaults:
    """The values for what a draft leaves open.

    `keep_until` is the longest time that the agency keeps anything of its own, a day such as
    `2026-11-28`. `retention` gives the last day of a part, by its categories and the day from which
    its time is counted, None for today.
    """

    keep_until: str
    use: str
    notice: str
    random: Callable[[int], bytes]
    retention: Callable[[Iterable[str], date | None], date] | None = None

    def last_day(self, categories: Iterable[str], since: date | None = None) -> str:
        """Return the last day of a part: the latest of all agencies that may keep it.

        Each agency ends its own copy by the rules of its role, on that day at the latest.
        """
        if self.retention is None:
            return self.keep_until
        return self.retention(categories, since).isoformat()


def defaults_of(
    settings: Settings,
    gateway: Gateway,
    today: date,
    random_bytes: Callable[[int], bytes],
    program: Program | None,
) -> Defaults:
    """Return an agency's defaults: the retention of its pack, and for care no adverse action.

    `program` is None where the pack in force isn't here. Then the settings' time applies.
    """
    directory = gateway.history.newest
    role = directory.role(settings.id)
    use = "no_adverse_action" if role in COLLECTORS else "none"
    roles = tuple(dict.fromkeys(agency.role for agency in directory.agencies.values()))
    own = _own_last_day(program, role, today, settings.keep_days)
    longest = partial(_longest, program, settings.keep_days, today, roles)
    return Defaults(own.isoformat(), use, settings.notice, random_bytes, longest)


@lru_cache(maxsize=64)
def _own_last_day(
    program: Program | None, role: str | None, today: date, default_days: int
) -> date:
    """Return the last day of what an agency of a role keeps longest. Each page asks for it."""
    return max(
        _longest(program, default_days, today, (role,), (category,), None)
        for category in vocabulary().categories
    )


def _longest(
    program: Program | None,
    default_days: int,
    today: date,
    roles: Iterable[str | None],
    categories: Iterable[str],
    since: date | None,
) -> date:
    """Return the last day of a part with the role that keeps it longest."""
    named, start = tuple(categories), max(since or today, today)
    if program is None:
        return start + timedelta(days=default_days)
    return max(
        term_of(program.pack, role, named, start, today, default_days=default_days).day
        for role in roles
    )


def parse_draft(text: str, defaults: Defaults) -> Draft:
    """Read a draft from YAML or JSON text, by the reader of packs.

    Numbers, `true`, and `false` are those of YAML 1.2. Days and all other words are texts, and so
    are `021`, `no`, and `1_000`. Raises `AgencyError` `not-a-draft`.
    """
    if len(text) > LARGEST:
        raise not_a_draft("it is over 1 MiB")
    try:
        value = plain(read_text(text, "the draft").data())
    except PackError as error:
        line = f"line {error.at.line}: " if error.at.line else ""
        raise AgencyError(
            "not-a-draft", f"this is no draft of a record: {line}{error.message}", fix=error.fix
        ) from None
    return build_draft(value, defaults)


def build_draft(value: object, defaults: Defaults) -> Draft:
    """Build a draft from parsed members: `parts`, and for a consent its `form`.

    Raises `AgencyError` `not-a-draft`.
    """
    if (
        not isinstance(value, dict)
        or not set(value) <= {"parts", "form"}
        or not isinstance(value.get("parts"), list)
    ):
        raise not_a_draft("it has `parts`, a consent's has a `form` too, and nothing else")
    form = value.get("form")
    if form is not None and not isinstance(form, dict):
        raise not_a_draft("`form` is the signed form, member by member")
    return Draft(tuple(_part(part, defaults) for part in value["parts"]), form)


_MEMBERS = {"category", "content", "to", "keep_until", "sensitivity", "use", "notice", "says", "id"}


def _part(value: Any, defaults: Defaults) -> Part:
    if not isinstance(value, dict) or not {"category", "to"} <= set(value) <= _MEMBERS:
        raise not_a_draft("a part has `category`, `content` and `to`, and its label's members")
    categories = value["category"] if isinstance(value["category"], list) else [value["category"]]
    content = value.get("content") or {}
    to = value["to"]
    if (
        not isinstance(content, dict)
        or not isinstance(to, dict)
        or not all(isinstance(category, str) for category in categories)
    ):
        raise not_a_draft("`content` and `to` are objects, `category` a list of words")
    # A draft may leave out the name of its only category. A record never does.
    if len(categories) == 1 and set(content) != set(categories):
        content = {categories[0]: content}
    contact = content.get("contact")
    if isinstance(contact, dict) and isinstance(contact.get("language"), str):
        content = {**content, "contact": {**contact, "language": _language(contact["language"])}}
    statement = value.get("says")
    if (
        isinstance(statement, dict)
        and {"discloser", "recipient"} <= set(statement)
        and "id" not in statement
    ):
        statement = {"id": new_short_id(defaults.random), **statement}
    # A consent is kept from its last day on.
    expires = statement.get("expires") if isinstance(statement, dict) else None
    since = iso_day(expires) if isinstance(expires, str) else None
    sensitivity = str(value.get("sensitivity", "plain"))
    notice = defaults.notice if sensitivity == "part2" else NO_NOTICE
    return Part(
        category=tuple(categories),
        content=content,
        to={str(agency): _purpose_and_basis(way) for agency, way in to.items()},
        keep_until=str(value.get("keep_until", defaults.last_day(categories, since))),
        sensitivity=sensitivity,
        use=str(value.get("use", "none" if categories == ["premises_crime"] else defaults.use)),
        notice=str(value.get("notice", notice)),
        says=statement,
        id=value.get("id"),
    )


def _language(text: str) -> str:
    """Return the code of a language that a draft names. Raises `AgencyError` `not-a-draft`."""
    code = read_language(text)
    if code is None:
        listed = ", ".join(f"`{name}`" for name in similar_languages(text))
        meant = f": did you mean {listed}?" if listed else ", such as `Spanish`"
        raise not_a_draft(f"`language` names a language{meant}")
    return code


def _purpose_and_basis(value: Any) -> tuple[str, str]:
    """Read a recipient's purpose and basis. A purpose alone rests on consent."""
    if isinstance(value, str):
        return value, "operation" if value == "exchange_operation" else "consent"
    if not isinstance(value, dict) or not {"purpose"} <= set(value) <= {"purpose", "basis"}:
        raise not_a_draft("`to` names each agency with a `purpose` and a `basis`")
    return str(value["purpose"]), str(value.get("basis", "consent"))


def case_for(kind: str, case: str | None, random_bytes: Callable[[int], bytes]) -> str | None:
    """Return the case of a new record: the named one, a new one where the kind begins a case.

    None for a kind that concerns no case. Raises `AgencyError` `name-the-case`, `ContentError`
    `unknown-kind`.
    """
    if not find_kind(kind).case:
        return None
    if case is None and kind in ("offer", "referral"):
        return new_id(random_bytes)
    if case is None:
        raise AgencyError(
            "name-the-case", f"a `{kind}` is about a case", fix="name it with `--case`"
        )
    return case


def not_a_draft(why: str) -> AgencyError:
    """Return the refusal of a draft."""
    return AgencyError(
        "not-a-draft",
        f"this is no draft of a record: {why}",
        fix="see docs/agency.md for an example",
    )
