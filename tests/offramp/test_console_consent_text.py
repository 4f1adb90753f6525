"""C9: the sentence on the page is the one that is signed and granted, in each set of each pack.

The pages are rendered here, without a process, for every pack that has consent sets, in English and
Spanish, with an agency for each role.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from functools import cache
from html import unescape
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

import rules
from exchange.membership.directory import Directory
from offramp.agency.cases.consent_form import (
    Form,
    Question,
    asked_sets,
    make_form,
    make_statement,
)
from offramp.agency.cases.plain_words import CATEGORIES, PURPOSES
from offramp.console.agency.templates_of import Templates
from rules.decide.program import Program
from rules.errors import RequestError
from tests.conftest import ROOT
from tests.support.languages import english_left

NAME = "Ana Delgado"
COLLECTOR = "case_management"
# Names that are no words of English or Spanish, so that every other word is the form's.
NAMES = {
    "case_management": "Crossroads",
    "prosecutor": "Fiscal 1",
    "police": "P-2",
    "program": "Oficina 3",
    "defender": "D-4",
    "treatment_provider": "Mesa",
    "service_provider": "Casa 6",
    "health_provider": "Salud 7",
}
DAYS = (date(2026, 11, 30), date(2024, 6, 1), date(2019, 6, 1), date(2016, 6, 1), date(2014, 6, 1))
PACKS = sorted(path.parent.name for path in (ROOT / "jurisdictions").glob("*/pack.yaml"))


class EveryRole:
    """A directory of one agency for each role, whose id is the role's."""

    agencies: Mapping[str, Any] = {role: SimpleNamespace(name=name) for role, name in NAMES.items()}

    def role(self, agency: str) -> str | None:
        return agency if agency in NAMES else None

    def with_role(self, role: str) -> frozenset[str]:
        return frozenset({role} & set(NAMES))


@cache
def _program(pack: str) -> Program:
    program = rules.load(pack)
    for day in DAYS:
        try:
            return program.on(day)
        except RequestError:
            continue
    raise AssertionError(pack)


def _forms(pack: str, lang: str) -> Iterator[tuple[Form, str]]:
    program = _program(pack)
    directory = cast(Directory, EveryRole())
    for consent_set in asked_sets(program).values():
        form = make_form(program, consent_set, directory, COLLECTOR, DAYS[0], lang)
        yield form, program.pack.title


@cache
def _templates() -> Templates:
    return Templates(ZoneInfo("America/Denver"), lambda roles, kind: (), idle=900.0)


def _page(template: str, lang: str, **values: Any) -> str:
    form = "/people/ab/consent/person"
    visit = SimpleNamespace(
        is_handed=True,
        notice=None,
        session=SimpleNamespace(handed=form),
        person=SimpleNamespace(roles=("member",)),
    )
    return _templates().render(
        template,
        lang=lang,
        title="Consent" if lang == "en" else "Consentimiento",
        visit=visit,
        me="Rosa Quintana",
        agency=SimpleNamespace(name="Crossroads", kind=COLLECTOR),
        token="",
        form_id="",
        path=f"{form}/1",
        kept={},
        faults={},
        leave=f"{form}/leave",
        details=f"{form}/details",
        folder_use="here",
        **values,
    )


class _Sentences(HTMLParser):
    """Collects the texts of the sentences on a page, as a person reads or hears them."""

    def __init__(self) -> None:
        super().__init__()
        self.depth, self.texts = 0, list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Begin a sentence, or go deeper into one."""
        if tag == "div" and self.depth == 0 and dict(attrs).get("class") == "sentence":
            self.texts.append("")
            self.depth = 1
        elif tag == "div" and self.depth:
            self.depth += 1

    def handle_endtag(self, tag: str) -> None:
        """Leave a sentence."""
        if tag == "div" and self.depth:
            self.depth -= 1

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if self.depth:
            self.texts[-1] += f" {data}"


def _sentences(page: str) -> list[str]:
    parser = _Sentences()
    parser.feed(page)
    return [" ".join(text.split()) for text in parser.texts]


def _text(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def _check_terms(question: Question, lang: str) -> None:
    """Check that each sentence says the terms that are granted, and nothing else."""
    column = 1 if lang == "es" else 0
    for line in question.lines:
        assert line.kinds == tuple(CATEGORIES[name][column] for name in line.categories)
        purposes = [PURPOSES[name][column] for name in line.purposes]
        assert line.purpose.endswith(f"{(', and ', ', y ')[column].join(purposes)}.")
        assert NAMES[line.discloser] in line.lead and NAMES[line.recipient] in line.lead


@pytest.mark.parametrize("lang", ["en", "es"])
@pytest.mark.parametrize("pack", PACKS)
def test_the_sentence_shown_is_the_one_signed_and_granted(pack: str, lang: str) -> None:
    for form, title in _forms(pack, lang):
        assert form.questions and not form.missing
        shown: list[str] = []
        for number, question in enumerate(form.questions, 1):
            _check_terms(question, lang)
            values = {
                "question": question,
                "number": number,
                "count": len(form.questions),
                "before": "/before",
                "answer": None,
                "is_first": number == 1,
            }
            page = _page("consent_question.html", lang, **values)
            sentences = _sentences(page)
            assert sentences == [line.sentence for line in question.lines]
            assert question.until in _text(page)
            assert all(text in _text(page) for text in (*question.never, *question.if_no))
            by_line = _page("consent_lines.html", lang, chosen={}, back="/back", **values)
            assert _sentences(by_line) == sentences and " checked" not in by_line + page
            shown += sentences
            if lang == "es":
                besides = [*NAMES.values(), "Rosa Quintana"]
                assert english_left(page, besides=besides) == []
                assert english_left(by_line, besides=besides) == []
        statement = make_statement(
            form, {question.id: True for question in form.questions}, NAME, title
        )
        signed = [
            text.partition(": ")[2] for text in statement.lines if "YES: " in text or "SÍ: " in text
        ]
        assert signed == shown == [line.sentence for line in statement.agreed]
        texts = dict(statement.answered)
        page = _page(
            "consent_sign.html",
            lang,
            draft=SimpleNamespace(name=NAME),
            statement=statement,
            rows=[(question, texts[question.id], "yes", "/change") for question in form.questions],
            circumstances=(),
        )
        text, at = _text(page), 0
        for line in statement.lines:
            at = text.index(" ".join(line.split()), at)
        if lang == "es":
            besides = [*NAMES.values(), "Rosa Quintana", title, NAME]
            assert english_left(page, besides=besides) == []
