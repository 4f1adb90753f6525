"""One request of a signed-in person, as a page's function sees it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, TypeVar
from urllib.parse import quote
from zoneinfo import ZoneInfo

from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response

from offramp.agency import operations
from offramp.console.agency.catalogs import ENGLISH, LANGUAGES, mark, translate
from offramp.console.agency.sessions import Attempts, Box, Challenges, Session, Sessions
from offramp.console.agency.templates_of import Templates
from rules.errors import Refusal

_Entry = TypeVar("_Entry")


class NotHere(Exception):
    """There is no such page for this person."""


class Invalid(Exception):
    """A form that must be looked at again. `faults` are sentences by the field's name.

    The page of the form is shown again, with what was typed. `page` is its address, by default the
    one that the form was sent to.
    """

    def __init__(self, faults: Mapping[str, str], page: str | None = None) -> None:
        super().__init__("a form has faults")
        self.faults, self.page = dict(faults), page


class Elsewhere(Exception):
    """Another page comes first, or this one is over. `notice` says why, and is no fault.

    Nothing that was typed is kept.
    """

    def __init__(self, page: str, notice: str) -> None:
        super().__init__("another page comes first")
        self.page, self.notice = page, notice


class Visit:
    """A request of a signed-in person.

    `office` acts for the person: hand it to operations as it is. `actor` is the person's name.
    `fields` are those of a sent form. `kept` are those of a form that was not finished, or that has
    `faults`, and `parts` the parameters of the address.
    """

    def __init__(
        self,
        office: operations.Office,
        person: operations.StaffPerson,
        agency: AgencyFace,
        session: Session,
        box: Box,
        sessions: Sessions,
        keys: KeyRing,
        templates: Templates,
        addresses: Mapping[str, str],
        path: str,
        parts: Mapping[str, str],
        fields: Sequence[tuple[str, str]] = (),
        query: Mapping[str, str] | None = None,
        *,
        translated: bool = False,
    ) -> None:
        self.office, self.person, self.agency = office, person, agency
        self.path, self.parts, self.query = path, parts, dict(query or {})
        self.session, self.sessions, self.keys = session, sessions, keys
        self._session, self._box = session, box
        self._templates, self._addresses = templates, addresses
        self._translated = translated
        self._fields = tuple(fields)

    @property
    def actor(self) -> str:
        """The name of the person who acts."""
        return self.person.name

    @property
    def zone(self) -> ZoneInfo:
        """The program's zone, in which people read times."""
        return self.agency.zone

    # What was sent

    def field(self, name: str) -> str:
        """Return a field of the sent form, without spaces at its ends. Empty if it is missing."""
        return next((value for key, value in self._fields if key == name), "").strip()

    def fields(self, name: str) -> tuple[str, ...]:
        """Return each value of a field that may be chosen several times."""
        return tuple(value for key, value in self._fields if key == name)

    @property
    def answers(self) -> dict[str, list[str]]:
        """The sent fields by name."""
        found: dict[str, list[str]] = {}
        for name, value in self._fields:
            found.setdefault(name, []).append(value)
        return found

    @cached_property
    def kept(self) -> dict[str, list[str]]:
        """What was typed in this page's form before it was locked, or before its faults."""
        fields: dict[str, list[str]] = (self._box.get(f"draft {self.path}") or {}).get("fields", {})
        return fields

    @cached_property
    def faults(self) -> dict[str, str]:
        """The faults of what was typed, by the field's name. They are shown once."""
        faults: dict[str, str] = (self._box.get(f"faults {self.path}") or {}).get("faults", {})
        self._box.drop(f"faults {self.path}")
        return faults

    @cached_property
    def notice(self) -> str | None:
        """Why the person was led to this page. It is shown once."""
        kept = self._box.get(f"notice {self.path}")
        self._box.drop(f"notice {self.path}")
        return kept["text"] if kept else None

    # Cases

    @property
    def case(self) -> str:
        """The handle of the case in the address. Raises `NotHere`.

        The operation that is called with it checks the caseload.
        """
        return self.case_at("c")

    def address_of(self, case: str, *more: str) -> str:
        """Return the address of a case's page."""
        local = self._local_ids.get(case)
        if local is None:
            raise NotHere
        return "/".join(("/people", local, *more))

    def case_at(self, name: str) -> str:
        """Return the handle of another case in the address, by its parameter. Raises `NotHere`."""
        case = self._addresses.get(self.parts.get(name, ""))
        if case is None:
            raise NotHere
        return case

    def address_of_local(self, local: str) -> str:
        """Return the address of a case by its id in addresses. Raises `NotHere`."""
        if local not in self._addresses:
            raise NotHere
        return f"/people/{local}"

    @cached_property
    def _local_ids(self) -> dict[str, str]:
        return {handle: local for local, handle in self._addresses.items()}

    # What must be seen at once

    @cached_property
    def alerts(self) -> operations.Alerts:
        """What this person must see at once, on each page with tabs."""
        return operations.alerts_of(self.office, self.person)

    @property
    def glass_until(self) -> int | None:
        """Until when this person may see the case in the address as somebody else's."""
        case = self._addresses.get(self.parts.get("c", ""))
        return self.alerts.glass.get(case) if case is not None else None

    def has_page(self, path: str) -> bool:
        """Report whether there is a page at a route's path, and it is for this person."""
        return self._templates.has_page(path, self.person.roles, self.agency.kind)

    def page_number(self, pages: int) -> int:
        """Return the page of a long list that the address asks for, from 1 to `pages`."""
        typed = self.query.get("page", "")
        number = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 1
        return max(1, min(number, pages))

    def page_of(self, listed: Sequence[_Entry], most: int) -> tuple[Sequence[_Entry], int, int]:
        """Return the part of a long list that the address asks for, its number, and of how many."""
        pages = max(1, -(-len(listed) // most))
        number = self.page_number(pages)
        return listed[(number - 1) * most : number * most], number, pages

    # Confirm what decides

    def confirmation_request(self, digest: str) -> str | None:
        """Return what the macro `confirm` needs to have a draft signed. None without a passkey."""
        return operations.confirmation_request(self.office, self.actor, self.keys.site, digest)

    @cached_property
    def has_password(self) -> bool:
        """True if the person can confirm with a password and a code."""
        return operations.has_own_password(self.office, self.actor)

    def confirm(self, digest: str) -> operations.Confirmation:
        """Return the person's confirmation of a draft, from the form with the macro `confirm`.

        `digest` is the draft's, such as `operations.determination_digest`, and is worked out anew
        from what would be recorded. Raises `AgencyError` `not-confirmed`.
        """
        if credential := self.field("credential"):
            return operations.confirm_by_passkey(
                self.office, self.actor, digest, credential, self.keys.site
            )
        if self.keys.is_demo:
            return operations.confirm_in_demo(self.office, self.actor, digest)
        attempts = self.keys.attempts
        if attempts.is_locked(self.actor):
            raise HTTPException(429)
        try:
            confirmation = operations.confirm_by_password(
                self.office,
                self.actor,
                digest,
                self.field("password"),
                self.field("code"),
                now=time.time(),
            )
        except Refusal:
            # INVARIANT: a password can't be guessed at an unlocked screen any more than at sign-in.
            attempts.fail(self.actor)
            raise
        attempts.forget(self.actor)
        return confirmation

    @property
    def can_confirm(self) -> bool:
        """True if the person has a passkey, or a password with codes, to confirm with."""
        if self.keys.is_demo:
            return True
        account = operations.find_account(self.office, self.actor)
        return account is not None and bool(account.passkeys or account.secret)

    # Hand the browser over

    @property
    def is_handed(self) -> bool:
        """True while the person of a case has this browser."""
        return bool(self._session.handed)

    def hand_over(self, form: str) -> Response:
        """Give the browser to the person of a case, for one form. Lead to it.

        Nothing else is shown until `take_back`, whatever address is typed.
        """
        self.sessions.hand_over(self._session, form)
        answer = self.go(form)
        # Pages that the browser could go back to without asking.
        answer.headers["clear-site-data"] = '"cache"'
        return answer

    def take_back(self, path: str) -> Response:
        """Take the browser back from the person, and lead to a page of staff."""
        self.sessions.take_back(self._session)
        answer = self.go(path)
        answer.headers["clear-site-data"] = '"cache"'
        return answer

    # What the session remembers

    def remember(self, name: str, value: dict[str, Any]) -> None:
        """Keep a value of JSON in the session, sealed."""
        self._box.put(f"kept {name}", value)

    def recall(self, name: str) -> dict[str, Any] | None:
        """Return a value that the session keeps."""
        return self._box.get(f"kept {name}")

    # Languages

    @property
    def lang(self) -> str:
        """The language of this page: the one chosen in the session, or English for staff."""
        if not self._translated:
            return ENGLISH
        return str((self.recall("language") or {}).get("lang", ENGLISH))

    def choose_language(self, lang: str) -> None:
        """Show the translated pages of this session in a language. Raises `NotHere`."""
        if lang not in LANGUAGES:
            raise NotHere
        self.remember("language", {"lang": lang})

    def translate(self, text: str, **values: Any) -> str:
        """Return a text in the language of this page, with values for its `%(name)s`."""
        return translate(self.lang, text, **values)

    def forget(self, name: str) -> None:
        """Forget a value that the session keeps."""
        self._box.drop(f"kept {name}")

    def forget_typed(self, page: str) -> None:
        """Forget what was typed, and its faults, on a page and on all pages under it.

        INVARIANT: what was typed about one person never shows on a form about another.
        """
        for kind in ("draft", "faults"):
            self._box.drop_under(f"{kind} {page}")

    # Answers

    def show(
        self,
        template: str,
        title: str,
        *,
        status: int = 200,
        lang: str | None = None,
        **values: Any,
    ) -> Response:
        """Return a page. `title` is the kind of page, marked, and never names a person.

        `lang` is by default the language of the route.
        """
        faults = self.faults
        title = translate(lang or self.lang, title)
        text = self._templates.render(
            template,
            lang=lang or self.lang,
            title=self.translate("Error: %(title)s", title=title) if faults else title,
            visit=self,
            me=self.actor,
            agency=self.agency,
            token=self._session.token,
            form_id=secrets.token_hex(16),
            path=self.path,
            kept=self.kept,
            faults=faults,
            digits_of=operations.case_digits(self.office),
            folder_use=operations.folder_use(self.office),
            **values,
        )
        return HTMLResponse(text, status_code=status)

    def go(self, path: str) -> Response:
        """Lead to a page after a form was sent."""
        return RedirectResponse(quote(path, safe="/?=&#"), status_code=303)

    def show_refusal(self, refusal: Refusal, back: str | None) -> Response:
        """Return the page of a refusal: what isn't done, why, and what to do.

        `back` is the page of the form that was refused, None for a page that can't be shown.
        """
        return self.show(
            "refused.html",
            mark("Not done") if back else mark("Not shown"),
            status=422,
            heading=self.translate("This wasn’t done")
            if back
            else self.translate("This can’t be shown now"),
            refusal=refusal,
            back=back,
        )


class KeyRing:
    """What pages need to confirm: open challenges, the console's own site, and failed attempts."""

    def __init__(
        self,
        challenges: Challenges,
        site: operations.Site,
        attempts: Attempts,
        *,
        is_demo: bool = False,
    ) -> None:
        self.challenges, self.site, self.is_demo = challenges, site, is_demo
        self.attempts = attempts


class AgencyFace:
    """The agency as its pages show it: name, kind, and zone."""

    def __init__(self, id_: str, name: str, kind: str | None, zone: ZoneInfo) -> None:
        self.id, self.name, self.kind, self.zone = id_, name, kind, zone
