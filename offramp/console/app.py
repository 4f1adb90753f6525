"""The console's application: its addresses, and what each page shows.

A page calls operations and nothing else. Nothing is kept between two requests: the answers of a
case that is tried are in its form, and no address or log has them.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

import rules
from offramp.console.headers import SecurityHeaders
from offramp.console.requests import STATIC, read_form, refuse_other_sites, send_kept, send_static
from offramp.documents import operations as documents
from offramp.policy import drafts as draft_operations
from offramp.policy import operations as policy
from offramp.policy.change_text import effect_text, open_answers, proved_text
from offramp.policy.counted_rows_text import touched_rows
from offramp.policy.draft_process import check_apart
from offramp.policy.interview_walk import list_decisions, walk_interview
from offramp.policy.what_if_in_time import what_if_in_time
from offramp.terminal import print_error
from rules.errors import Refusal

if TYPE_CHECKING:
    from offramp.policy.cohort.report import CohortRequest

MOST_FORM = 64 * 1024  # bytes
MOST_TEXT = 4 * 1024 * 1024  # bytes of a draft's text, in a form
MOST_FIELDS = 1_000
_CODE = re.compile("`([^`]*)`")
NOT_KNOWN = "not known"
STATUSES = {"not_yet": "starts later", "in_force": "in force", "over": "over"}


def make_app(
    packs: Mapping[str, str | Path],
    today: date,
    drafts: Mapping[str, Path] | None = None,
    cohort: CohortRequest | None = None,
) -> SecurityHeaders:
    """Return the application. `packs` are those that it serves, by id: a shipped id or a folder.

    `drafts` are the folders of drafts, by name. The memo of each counts the rows of a `cohort`.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    pages = Pages(packs, today)
    draft_pages = DraftPages(pages, drafts or {}, cohort)
    app.get("/")(pages.home)
    app.get("/packs")(pages.list_packs)
    app.get("/packs/{pack}")(pages.show_pack)
    app.get("/packs/{pack}/timeline")(pages.show_timeline)
    app.get("/packs/{pack}/card")(pages.send_card)
    app.get("/packs/{pack}/try")(pages.choose_decision)
    app.post("/packs/{pack}/try")(pages.try_case)
    app.get("/drafts")(draft_pages.list_drafts)
    app.get("/drafts/{draft}")(draft_pages.edit_pack)
    app.post("/drafts/{draft}")(draft_pages.save_pack)
    app.get("/drafts/{draft}/scenarios")(draft_pages.edit_scenarios)
    app.post("/drafts/{draft}/scenarios")(draft_pages.save_scenarios)
    app.get("/drafts/{draft}/memo")(draft_pages.show_memo)
    app.get("/drafts/{draft}/memo.json")(draft_pages.send_memo)
    app.get("/static/{name}")(static_file)
    app.add_exception_handler(HTTPException, pages.refuse_address)
    app.add_exception_handler(Refusal, pages.refuse)
    app.add_exception_handler(Exception, pages.fail)
    # Around everything, so that the answer to a fault has the headers, too.
    return SecurityHeaders(app)


def static_file(name: str) -> Response:
    """Return a stylesheet or the icon."""
    if name == "memo.css":
        return send_kept(documents.MEMO_STYLE, "text/css")
    return send_static(STATIC, name)


class Pages:
    """Makes the pages of the packs that one server shows."""

    def __init__(self, packs: Mapping[str, str | Path], today: date) -> None:
        self.packs, self.today = packs, today
        # Read once: a changed folder is shown after a restart.
        statuses = policy.list_programs(today, map(str, packs.values()))
        self.statuses = {status.pack.id: status for status in statuses}
        self.templates = Environment(
            loader=PackageLoader("offramp.console", "pages"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.templates.filters["words"] = _words
        self.templates.filters["sentence"] = _sentence
        self._document = lru_cache(maxsize=64)(self._make_document)
        self._program = lru_cache(maxsize=16)(rules.load)
        self._card = lru_cache(maxsize=16)(documents.make_card)

    def page(self, template: str, title: str, status: int = 200, **values: Any) -> HTMLResponse:
        """Return a page. Its title names the kind of page, and never a case."""
        text = self.templates.get_template(template).render(title=title, **values)
        return HTMLResponse(text, status_code=status)

    def home(self) -> Response:
        """Lead to the list of packs."""
        return RedirectResponse("/packs", status_code=303)

    def list_packs(self, request: Request) -> Response:
        """Show the packs with their status today."""
        refuse_other_sites(request)
        rows = [
            (name, status.pack.title, STATUSES[status.status])
            for name, status in self.statuses.items()
        ]
        return self.page("packs.html", "Programs", rows=rows, today=self.today)

    def show_pack(self, request: Request, pack: str, as_of: str = "") -> Response:
        """Show a pack as a document, by the rules of today or of another day."""
        refuse_other_sites(request)
        title, body = self._document(self._pack(pack), as_of, False)
        values: dict[str, Any] = {
            "heading": title,
            "body": body,
            "pack": pack,
            "as_of": as_of,
            "tab": "rules",
            "has_offer": self._has_offer(pack),
        }
        return self.page("document.html", "Rules", **values)

    def _has_offer(self, pack: str) -> bool:
        return "offer" in dict(list_decisions(self.statuses[pack].pack))

    def show_timeline(self, request: Request, pack: str) -> Response:
        """Show what began and ended in a pack."""
        refuse_other_sites(request)
        title, body = self._document(self._pack(pack), "", True)
        values: dict[str, Any] = {
            "heading": title,
            "body": body,
            "pack": pack,
            "as_of": "",
            "tab": "timeline",
            "has_offer": False,
        }
        return self.page("document.html", "Timeline", **values)

    def _make_document(self, pack: str, as_of: str, is_timeline: bool) -> tuple[str, Markup]:
        shown = documents.show_timeline(pack) if is_timeline else None
        document = shown or documents.show_pack(pack, as_of or None, self.today)
        # Every text in the fragment is escaped where the document becomes HTML.
        return document.title, Markup(documents.as_fragment(document))

    def send_card(self, request: Request, pack: str) -> Response:
        """Send the card for phones as a file."""
        refuse_other_sites(request)
        card = self._card(self._pack(pack), None, self.today)
        name = f'attachment; filename="{pack}-card.html"'
        return HTMLResponse(card.html, headers={"content-disposition": name})

    # Try a case

    def choose_decision(self, request: Request, pack: str) -> Response:
        """Ask which decision to try."""
        refuse_other_sites(request)
        self._pack(pack)
        read = self.statuses[pack].pack
        values: dict[str, Any] = {
            "pack": pack,
            "heading": read.title,
            "decisions": list_decisions(read),
        }
        return self.page("choose.html", "Try a case", **values)

    async def try_case(self, request: Request, pack: str) -> Response:
        """Show the next question of a case, or the answer."""
        refuse_other_sites(request)
        program = self._program(self._pack(pack))
        fields = await read_form(request, MOST_FORM, MOST_FIELDS)
        decision = dict(fields).get("decision", "")
        walk = walk_interview(program, decision, _answers(fields), self.today)
        what_if = None
        if walk.question is None:
            what_if = await run_in_threadpool(what_if_in_time, walk.decision)
        title = "Try a case" if walk.refusal is None else "Error: Try a case"
        values: dict[str, Any] = {
            "pack": pack,
            "decision": decision,
            "walk": walk,
            "what_if": what_if,
            "not_known": NOT_KNOWN,
        }
        template = "answer.html" if walk.question is None else "question.html"
        return self.page(template, title, 200 if walk.refusal is None else 422, **values)

    def _pack(self, pack: str) -> str:
        path = self.packs.get(pack)
        if path is None:
            raise HTTPException(404)
        return str(path)

    # Refusals

    def refuse_address(self, request: Request, error: Exception) -> Response:
        """Answer unknown and forbidden addresses alike."""
        assert isinstance(error, HTTPException)
        if error.status_code == 403:
            text = "This form was sent from another site or window. Open it here and send it again."
            return self.page("refused.html", "Not taken", 403, heading="Not taken", text=text)
        if error.status_code == 413:
            text = "This form has more in it than it may hold. Go back: what you typed is there."
            return self.page("refused.html", "Too long", 413, heading="Too long", text=text)
        text = "There is no page at this address. Choose a program from the list."
        return self.page("refused.html", "Not here", 404, heading="Not here", text=text)

    def refuse(self, request: Request, error: Exception) -> Response:
        """Say why the engine doesn't answer."""
        assert isinstance(error, Refusal)
        text = f"{error.message}; {error.fix}"
        heading = "This can’t be shown"
        return self.page("refused.html", "Error", 422, heading=heading, text=text)

    def fail(self, request: Request, error: Exception) -> Response:
        """Say that something broke. The place of the fault is printed, and no word of a case."""
        frame = traceback.extract_tb(error.__traceback__)[-1]
        print_error(f"offramp: {type(error).__name__} at {frame.filename}:{frame.lineno}")
        text = "Something went wrong here. Nothing was kept. Go back and try again."
        return self.page("refused.html", "Error", 500, heading="Something went wrong", text=text)


class DraftPages:
    """Makes the pages of drafts: the editor of each, and the memo of its change.

    `cohort` is a file of past cases whose rows each memo counts.
    """

    def __init__(
        self, pages: Pages, drafts: Mapping[str, Path], cohort: CohortRequest | None = None
    ) -> None:
        self.pages, self.drafts, self.cohort = pages, drafts, cohort
        self._check = lru_cache(maxsize=16)(self._make_check)
        self._solving = Lock()  # one at a time: each takes a processor

    def list_drafts(self, request: Request) -> Response:
        """Show the drafts, each with links to its editor and its memo."""
        refuse_other_sites(request)
        return self.pages.page("drafts.html", "Drafts", drafts=sorted(self.drafts))

    def edit_pack(self, request: Request, draft: str) -> Response:
        """Show the editor of a draft's pack with what the draft gives."""
        refuse_other_sites(request)
        return self._editor(draft, "pack")

    def edit_scenarios(self, request: Request, draft: str) -> Response:
        """Show the editor of a draft's scenarios with what the draft gives."""
        refuse_other_sites(request)
        return self._editor(draft, "scenarios")

    async def save_pack(self, request: Request, draft: str) -> Response:
        """Save the text of a draft's pack, and show what it gives."""
        return await self._save(request, draft, "pack")

    async def save_scenarios(self, request: Request, draft: str) -> Response:
        """Save the text of a draft's scenarios, and show what it gives."""
        return await self._save(request, draft, "scenarios")

    async def _save(self, request: Request, draft: str, file: str) -> Response:
        refuse_other_sites(request)
        folder = self._folder(draft)
        fields = dict(await read_form(request, MOST_TEXT, MOST_FIELDS))
        text, version = fields.get("text", ""), fields.get("version", "")
        try:
            draft_operations.save_draft(folder, file, text, version)
        except Refusal as refusal:
            # Nothing that was typed is lost: it is in the form again, to be saved over the other.
            return self._editor(draft, file, text, refusal)
        return RedirectResponse(_address(draft, file), status_code=303)

    def _editor(
        self, draft: str, file: str, typed: str | None = None, refusal: Refusal | None = None
    ) -> Response:
        folder = self._folder(draft)
        saved = draft_operations.read_draft(folder, file)
        check = self._check_now(draft) if refusal is None else None
        is_wrong = refusal is not None or (check is not None and bool(check.faults))
        values: dict[str, Any] = {
            "draft": draft,
            "file": file,
            "address": _address(draft, file),
            "text": saved.text if typed is None else typed,
            "saved": saved,
            "check": check,
            "refusal": refusal,
            "touched": touched_rows(check.memo) if check is not None else (),
            "proved_text": proved_text(check.memo["promises"]) if check and check.memo else "",
            "open_answers": open_answers(check.memo) if check and check.memo else [],
            "effect": (
                effect_text(check.memo, self.pages.today)
                if check is not None and check.memo
                else None
            ),
        }
        title = "Error: Edit a draft" if is_wrong else "Edit a draft"
        return self.pages.page("edit.html", title, 422 if refusal is not None else 200, **values)

    def show_memo(self, request: Request, draft: str) -> Response:
        """Show the memo of a draft as it is now."""
        refuse_other_sites(request)
        check = self._check_now(draft)
        if check.memo is None:
            values: dict[str, Any] = {"draft": draft, "faults": check.faults}
            return self.pages.page("unread.html", "Error: Change memo", 422, **values)
        memo = documents.show_memo(check.memo)
        values = {"draft": draft, "memo": memo, "body": Markup(memo.body)}
        return self.pages.page("memo.html", "Change memo", **values)

    def send_memo(self, request: Request, draft: str) -> Response:
        """Send a memo as a file, to be adopted with the pack. One with a finding isn't sent."""
        refuse_other_sites(request)
        check = self._check_now(draft)
        if check.memo is None or check.memo["findings"]:
            raise HTTPException(404)
        name = {"content-disposition": f'attachment; filename="{draft}-memo.json"'}
        data = documents.show_memo(check.memo).data
        return Response(data, media_type="application/json", headers=name)

    def _folder(self, draft: str) -> Path:
        folder = self.drafts.get(draft)
        if folder is None:
            raise HTTPException(404)
        return folder

    def _check_now(self, draft: str) -> draft_operations.DraftCheck:
        folder = self._folder(draft)
        return self._check(folder, _stamp(folder))

    def _make_check(self, folder: Path, stamp: object) -> draft_operations.DraftCheck:
        with self._solving:
            return check_apart(self.pages.packs, folder, self.pages.today, self.cohort)


def _address(draft: str, file: str) -> str:
    return f"/drafts/{quote(draft, safe='')}" + ("/scenarios" if file == "scenarios" else "")


def _stamp(folder: Path) -> tuple[tuple[str, int, int], ...]:
    """Return what tells that a file of a folder was changed."""
    return tuple(
        (path.name, path.stat().st_mtime_ns, path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.is_file()
    )


def _answers(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return the answers of a form, each with its fact. `keep` says how many of them stay."""
    facts = [value for name, value in fields if name == "fact"]
    texts = [value for name, value in fields if name == "answer"]
    answers = list(zip(facts, texts, strict=False))
    keep = dict(fields).get("keep", "")
    return answers[: int(keep)] if keep.isascii() and keep.isdigit() else answers


def _sentence(text: str) -> Markup:
    """Return a message as a sentence, with what is in back-ticks marked as code."""
    whole = text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(whole))))


def _words(word: object) -> str:
    """Return an outcome or a role as words."""
    listed = word if isinstance(word, (list, tuple)) else [word]
    return ", ".join(str(part).replace("_", " ") for part in listed)
