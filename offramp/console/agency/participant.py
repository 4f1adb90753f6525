"""The pages of a participant: sign in with a code, read, take back, dispute, complain, and leave.

A participant is no staff member and has a session of another kind. It ends after ten minutes
without a request. No page of it is kept by the browser, and leaving ends it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import anyio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from offramp.agency import operations, person_wording, wording
from offramp.console.agency.catalogs import ENGLISH, LANGUAGES, mark, translate
from offramp.console.agency.frame import (
    OWN,
    Fields,
    Frame,
    Visitor,
    field_of,
    language_of_browser,
    lead,
    origin_of,
    read_fields,
)
from offramp.console.agency.sessions import Attempts, Box, Sessions, is_token
from offramp.console.requests import refuse_other_sites
from rules.errors import Refusal

MY, PAGE, LOST = OWN, f"{OWN}/page", f"{OWN}/lost"
# The first page, for somebody whose page had closed when a form was sent.
CLOSED = f"{MY}?closed"
# In an address, all that one agency may be told.
ALL = "all"
COOKIE = "__Host-offramp-my"
IDLE = 10 * 60.0
# A page that nobody minds to be seen on, outside of this site.
ELSEWHERE = "https://www.weather.gov/"
# Codes that are checked at once: each takes 64 MiB.
_AT_ONCE = 2
_MOST_WAITING = 30
_WRONG = mark("The words and the year don’t fit together. Look at your paper, and try again.")
_LOCKED = mark("Too many tries. Ask your case manager for a new code.")
_ANSWERS = {
    "corrected": mark("It was corrected."),
    "explained": mark("It was talked over with you."),
    "passed_on": mark("It was passed on."),
    "not_changed": mark("It was looked at, and stays."),
}


class AddressAttempts(Attempts):
    """Counts wrong codes by the address they come from, so that nobody tries many."""

    MOST = 20


def words_of_page(my: operations.MyPage) -> dict[str, Any]:
    """Return what the template of the page shows beside the record itself."""
    return {
        "my": my,
        "charge": person_wording.charge_sentence(my.charge, my.lang),
        "source": person_wording.charge_source(my.charge, my.agency, my.lang),
        "alone": person_wording.rules_alone(my.charge, my.lang),
        "told_lines": partial(person_wording.told_lines, lang=my.lang),
        "answers": {name: translate(my.lang, text) for name, text in _ANSWERS.items()},
    }


class ParticipantPages:
    """The pages under `/my` of a case manager's console."""

    def __init__(self, frame: Frame, now: Callable[[], float]) -> None:
        self._frame = frame
        self._sessions = Sessions(now, IDLE)
        self._attempts = AddressAttempts(now)
        self._limit = anyio.CapacityLimiter(_AT_ONCE)

    # Every request

    def _visitor(self, request: Request) -> Visitor | None:
        """Return who asks, by the cookie. None for somebody whose session ended."""
        refuse_other_sites(request)
        token = request.cookies.get(COOKIE)
        session = self._sessions.find(token)
        if token is None or session is None:
            return None
        if session.is_locked:
            self._sessions.end(session)
            return None
        return Visitor(token, session, Box(session, token))

    async def _of_form(self, request: Request) -> tuple[Visitor | None, Fields]:
        """Return who sent a form, and its fields. Raises `HTTPException` 403."""
        visitor = self._visitor(request)
        fields = await read_fields(request)
        if visitor is not None and not is_token(visitor.session, field_of(fields, "t")):
            raise HTTPException(403)
        return visitor, fields

    def _lang(self, visitor: Visitor | None, request: Request) -> str:
        kept = (visitor.box.get("language") or {}) if visitor is not None else {}
        lang = str(kept.get("lang") or request.query_params.get("lang", ""))
        return lang if lang in LANGUAGES else language_of_browser(request)

    def _show(
        self,
        visitor: Visitor | None,
        lang: str,
        template: str,
        title: str,
        path: str,
        **values: Any,
    ) -> Response:
        text = translate(lang, title)
        return self._frame.plain_page(
            template,
            translate(lang, "Error: %(title)s", title=text) if values.get("fault") else text,
            lang=lang,
            token=visitor.session.token if visitor is not None else "",
            path=path,
            elsewhere=ELSEWHERE,
            form_id=secrets.token_hex(16),
            **values,
        )

    # Before a code was used

    async def show_sign_in(self, request: Request) -> Response:
        """Ask for the code and the birth year."""
        visitor = self._visitor(request)
        if visitor is not None:
            return lead(PAGE)
        chosen = request.query_params.get("lang", "")
        is_closed = "closed" in request.query_params
        return self._sign_in(self._lang(None, request), chosen, is_closed=is_closed)

    def _sign_in(
        self, lang: str, chosen: str, fault: str | None = None, *, is_closed: bool = False
    ) -> Response:
        """Show the first page. `chosen` is the chosen language, empty without a choice."""
        fault = translate(lang, fault) if fault is not None else None
        shown = self._show(
            None,
            lang,
            "my_sign_in.html",
            mark("Open your page"),
            MY,
            fault=fault,
            chosen=chosen if chosen in LANGUAGES else "",
            is_closed=is_closed,
        )
        shown.status_code = 422 if fault else 200
        return shown

    async def sign_in(self, request: Request) -> Response:
        """Open the page of the person who has a code and knows the birth year."""
        refuse_other_sites(request)
        fields = await read_fields(request)
        chosen = field_of(fields, "lang")
        lang = chosen if chosen in LANGUAGES else language_of_browser(request)
        origin = origin_of(request)
        if self._attempts.is_locked(origin):
            return self._sign_in(lang, chosen, _LOCKED)
        if self._limit.statistics().tasks_waiting > _MOST_WAITING:
            raise HTTPException(429)
        salt = await self._frame.thread.run(operations.code_salt)
        hash_typed = partial(operations.hash_code, field_of(fields, "code"), salt)
        hashed = await anyio.to_thread.run_sync(hash_typed, limiter=self._limit)
        use = partial(_use_code, hashed, field_of(fields, "year"), origin)
        is_right = await self._frame.thread.run(use)
        if not is_right:
            self._attempts.fail(origin)
            return self._sign_in(lang, chosen, _LOCKED if is_right is None else _WRONG)
        self._attempts.forget(origin)
        if chosen not in LANGUAGES:
            stated = partial(_stated_language, hashed)
            spoken: str | None = await self._frame.thread.run(stated)
            lang = spoken or lang
        token, session = self._sessions.begin(hashed)
        Box(session, token).put("language", {"lang": lang})
        answer = lead(PAGE)
        answer.set_cookie(COOKIE, token, path="/", secure=True, httponly=True, samesite="strict")
        return answer

    async def show_lost(self, request: Request) -> Response:
        """Ask for the last word of a lost code."""
        visitor = self._visitor(request)
        lang = self._lang(visitor, request)
        is_done = "done" in request.query_params
        return self._show(visitor, lang, "my_lost.html", mark("A lost code"), LOST, is_done=is_done)

    async def cancel_lost(self, request: Request) -> Response:
        """End the code with a last word. The answer is the same if there is none."""
        refuse_other_sites(request)
        fields = await read_fields(request)
        lang, origin = field_of(fields, "lang"), origin_of(request)
        if not self._attempts.is_locked(origin):
            cancel = partial(_cancel_lost, field_of(fields, "word"), origin)
            if not await self._frame.thread.run(cancel):
                self._attempts.fail(origin)
        return lead(f"{LOST}?done&lang={lang if lang in LANGUAGES else ENGLISH}")

    # With a code

    async def show_page(self, request: Request) -> Response:
        """Show the page."""
        visitor = self._visitor(request)
        if visitor is None:
            return lead(MY)
        lang = self._lang(visitor, request)
        my = await self._run(visitor, request, partial(_my_page, lang))
        if my is None:
            return lead(MY)
        taken, written = visitor.box.get("taken"), visitor.box.get("written")
        visitor.box.drop("taken")
        visitor.box.drop("written")
        return self._show(
            visitor,
            lang,
            "my_page.html",
            mark("Your page"),
            PAGE,
            **words_of_page(my),
            may_act=True,
            taken=taken,
            kept_note=written,
        )

    async def show_take_back(self, request: Request) -> Response:
        """Show each line of what one agency may be told, to choose one or all of them."""
        visitor = self._visitor(request)
        if visitor is None:
            return lead(MY)
        lang, recipient = self._lang(visitor, request), request.path_params["recipient"]
        permission = await self._run(visitor, request, partial(_my_permission, recipient, lang))
        if permission is None:
            return lead(PAGE)
        path = f"{MY}/take-back/{permission.recipient}"
        if len(permission.grants) == 1:
            return lead(f"{path}/{ALL}")
        title = mark("Take back")
        return self._show(visitor, lang, "my_lines.html", title, path, permission=permission)

    async def check_take_back(self, request: Request) -> Response:
        """Show what stops and what stays before anything is taken back."""
        visitor = self._visitor(request)
        if visitor is None:
            return lead(MY)
        lang, recipient = self._lang(visitor, request), request.path_params["recipient"]
        line = _line_of(request)
        shown = await self._run(visitor, request, partial(_my_take_back, recipient, line, lang))
        if shown is None:
            return lead(PAGE)
        path = f"{MY}/take-back/{shown.recipient}/{shown.line or ALL}"
        title = mark("Take back")
        return self._show(visitor, lang, "my_take_back.html", title, path, taking=shown)

    async def take_back(self, request: Request) -> Response:
        """Take it back: the own gate closes first, then the others are told.

        The page then says what stopped, or that nothing did.
        """
        visitor, _ = await self._of_form(request)
        if visitor is None:
            return lead(CLOSED)
        recipient, line = request.path_params["recipient"], _line_of(request)
        lang = self._lang(visitor, request)
        taken = await self._run(visitor, request, partial(_take_back, recipient, line, lang))
        if self._visitor(request) is None:
            return lead(CLOSED)
        visitor.box.put("taken", taken or {"state": "failed"})
        return lead(PAGE)

    async def show_wrong(self, request: Request) -> Response:
        """Ask what is not true."""
        return await self._write_page(self._visitor(request), request, is_dispute=True)

    async def show_complain(self, request: Request) -> Response:
        """Ask for a complaint."""
        return await self._write_page(self._visitor(request), request, is_dispute=False)

    async def _write_page(
        self,
        visitor: Visitor | None,
        request: Request,
        *,
        is_dispute: bool,
        fault: str | None = None,
        typed: str = "",
        about: str = "",
    ) -> Response:
        if visitor is None:
            return lead(MY)
        if self._frame.folder_use != "here" and not typed:
            return lead(PAGE)  # it says to call
        lang = self._lang(visitor, request)
        my = await self._run(visitor, request, partial(_my_page, lang))
        if my is None:
            return lead(MY)
        heading = mark("What is not true about you?") if is_dispute else mark("What went wrong?")
        shown = self._show(
            visitor,
            lang,
            "my_write.html",
            mark("Not true about me") if is_dispute else mark("A complaint"),
            request.url.path,
            heading=translate(lang, heading),
            categories=my.subjects if is_dispute else (),
            fault=translate(lang, fault) if fault is not None else None,
            typed=typed,
            about=about,
        )
        shown.status_code = 422 if fault else 200
        return shown

    async def write_wrong(self, request: Request) -> Response:
        """Keep what is not true."""
        return await self._write(request, is_dispute=True)

    async def write_complaint(self, request: Request) -> Response:
        """Keep a complaint."""
        return await self._write(request, is_dispute=False)

    async def _write(self, request: Request, *, is_dispute: bool) -> Response:
        visitor, fields = await self._of_form(request)
        if visitor is None:
            return lead(CLOSED)
        typed, about = field_of(fields, "text").strip(), field_of(fields, "about")
        form = field_of(fields, "f")
        fault = None
        if is_dispute and not about:
            fault = mark("Choose what it is about.")
        elif not typed:
            fault = mark("Write what is wrong.")
        if fault is not None:
            return await self._write_page(
                visitor, request, is_dispute=is_dispute, fault=fault, typed=typed, about=about
            )
        if form in visitor.session.done:
            return lead(PAGE)
        visitor.session.done[form] = PAGE
        keep = partial(_dispute, about, typed) if is_dispute else partial(_complain, typed)
        if await self._run(visitor, request, keep) is not None:
            visitor.box.put("written", {"is_dispute": is_dispute})
        return lead(PAGE)

    async def show_print(self, request: Request) -> Response:
        """Show the whole account, fetched from the hub, to read and print."""
        visitor = self._visitor(request)
        if visitor is None:
            return lead(MY)
        lang = self._lang(visitor, request)
        lines = await self._run(visitor, request, partial(_account_blocks, lang))
        title = mark("Every time somebody was told")
        return self._show(visitor, lang, "my_print.html", title, "/my/print", lines=lines or [])

    async def choose_language(self, request: Request) -> Response:
        """Show the pages of this session in another language."""
        visitor, fields = await self._of_form(request)
        if visitor is None:
            return lead(CLOSED)
        lang, back = field_of(fields, "lang"), field_of(fields, "back")
        if lang in LANGUAGES:
            visitor.box.put("language", {"lang": lang})
        is_own = back == MY or (back.startswith(f"{MY}/") and back.replace("/", "").isascii())
        return lead(back if is_own and "//" not in back and "\\" not in back else PAGE)

    async def leave(self, request: Request) -> Response:
        """End the session, have the browser forget its pages, and lead to another site."""
        visitor, _ = await self._of_form(request)
        lang = self._lang(visitor, request)
        if visitor is not None:
            self._sessions.end(visitor.session)
        shown = self._show(None, lang, "my_left.html", mark("You left"), MY)
        shown.headers["clear-site-data"] = '"cache", "cookies", "storage"'
        shown.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return shown

    async def _run(self, visitor: Visitor, request: Request, work: Callable[..., Any]) -> Any:
        """Run an operation of the person. None if it was refused, and the end of a dead code."""
        try:
            code, origin = visitor.session.person, origin_of(request)
            return await self._frame.thread.run(partial(work, code, origin))
        except Refusal as refusal:
            if refusal.code == "code-ended":
                self._sessions.end(visitor.session)
            return None


def _use_code(hashed: str, year: str, origin: str, office: operations.Office) -> bool | None:
    return operations.use_code(office, hashed, year, origin)


def _stated_language(hashed: str, office: operations.Office) -> str | None:
    try:
        return operations.my_language(office, hashed)
    except Refusal:
        return None  # the code was ended a moment ago


def _cancel_lost(word: str, origin: str, office: operations.Office) -> bool:
    return operations.cancel_lost_code(office, word, origin)


def _my_page(lang: str, code: str, origin: str, office: operations.Office) -> operations.MyPage:
    return operations.my_page(office, code, lang, origin)


def _my_permission(
    recipient: str, lang: str, code: str, origin: str, office: operations.Office
) -> operations.StandingConsents:
    return operations.my_permission(office, code, recipient, lang, origin)


def _my_take_back(
    recipient: str,
    line: str | None,
    lang: str,
    code: str,
    origin: str,
    office: operations.Office,
) -> operations.TakeBack:
    return operations.my_take_back(office, code, recipient, line, lang, origin)


def _take_back(
    recipient: str,
    line: str | None,
    lang: str,
    code: str,
    origin: str,
    office: operations.Office,
) -> dict[str, Any]:
    """Take it back, and return what the page then says."""
    try:
        seen = operations.my_take_back(office, code, recipient, line, lang, origin)
        ended = operations.take_back(office, code, recipient, origin, line=line)
    except Refusal as refusal:
        if refusal.code != "nothing-to-revoke":
            raise
        return {"state": "over"}
    states = [record.state for record in ended.records]
    reach = "sent" if all(state in ("sent", "witnessed") for state in states) else "waits"
    if any(state.startswith("refused") for state in states):
        reach = "refused"
    return {
        "state": "done",
        "name": seen.name,
        "stops_here": seen.stops_here,
        "stopped": [f"{grant.lead} {'; '.join(grant.kinds)}." for grant in seen.stops],
        "left": [f"{grant.lead} {'; '.join(grant.kinds)}." for grant in seen.still_allowed],
        "by_offer": list(seen.by_offer),
        "reach": reach,
        "at": office.clock(),
    }


def _line_of(request: Request) -> str | None:
    """Return the line that an address names, None for all of them."""
    line = str(request.path_params["line"])
    return None if line == ALL else line


def _dispute(
    about: str, typed: str, code: str, origin: str, office: operations.Office
) -> operations.Concern:
    return operations.dispute(office, code, about, typed, origin)


def _complain(typed: str, code: str, origin: str, office: operations.Office) -> operations.Concern:
    return operations.complain(office, code, typed, origin)


def _account_blocks(
    lang: str, code: str, origin: str, office: operations.Office
) -> list[list[str]]:
    """Return the account in paragraphs of lines."""
    account = operations.my_account(office, code, origin)
    blocks: list[list[str]] = [[]]
    for line in wording.account_lines(account, lang, is_full=True, is_read=True):
        text, block = line.strip(), blocks[-1]
        if not text:
            blocks.append([])
        elif block and not (block[-1].isupper() or block[-1].endswith((".", ":", "?"))):
            block[-1] += f" {text}"  # a line that was wrapped
        else:
            block.append(text)
    return [block for block in blocks if block]
