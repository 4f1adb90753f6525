"""The languages of the agency console: every marked text is translated, and nothing is unmarked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

pytest.importorskip("babel", reason="Babel isn't installed")

from babel.messages.catalog import Catalog

from offramp.console.agency import renew_catalogs
from offramp.console.agency.catalogs import ENGLISH, LANGUAGES, translate
from offramp.console.agency.routes import ROUTES, tabs_of
from offramp.console.agency.templates_of import Templates
from tests.support.languages import TEMPLATES, english_left, texts_of, unmarked

OTHERS = [lang for lang in LANGUAGES if lang != ENGLISH]
# The templates of pages that a person reads in another language: the frame, what every page may
# show, and all that is the person's own or the consent's.
PERSONS = sorted(
    {
        *(TEMPLATES / name for name in ("frame.html", "parts.html", "refused.html")),
        TEMPLATES / "not_here.html",
        *TEMPLATES.glob("consent*.html"),
        *TEMPLATES.glob("my*.html"),
    }
)


def _texts(text: object) -> Sequence[str]:
    return [str(each) for each in text] if isinstance(text, (list, tuple)) else [str(text)]


@pytest.fixture(scope="module", params=OTHERS)
def catalog(request: pytest.FixtureRequest) -> Catalog:
    return renew_catalogs.read_catalog(request.param)


def test_every_marked_text_is_translated_and_no_translation_is_stale(catalog: Catalog) -> None:
    marked = {_texts(message.id)[0] for message in renew_catalogs.collect_texts() if message.id}
    there = {_texts(message.id)[0] for message in catalog if message.id}
    renew = "run `python -m offramp.console.agency.renew_catalogs`"
    assert marked - there == set(), f"not in the catalog: {renew}"
    assert there - marked == set(), f"no page has these: {renew}"
    assert renew_catalogs.untranslated(catalog) == []


def test_a_translation_has_the_values_and_the_marks_of_its_english(catalog: Catalog) -> None:
    for message in catalog:
        if not message.id:
            continue
        english, other = _texts(message.id), _texts(message.string)
        for each in other:
            assert sorted(re.findall(r"%\(\w+\)s|</?\w+", each)) == sorted(
                re.findall(r"%\(\w+\)s|</?\w+", english[-1])
            ), message.id
            assert each[-1] == english[-1][-1] or english[-1][-1] not in ".:?", message.id
            assert not set(each) & {"«", "»"}


@pytest.mark.parametrize("template", PERSONS, ids=lambda path: str(path.name))
def test_a_page_in_other_languages_marks_every_text(template: Path) -> None:
    assert unmarked(template) == []


def test_an_unmarked_text_and_english_on_a_spanish_page_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(
        '<p>{{ _("Yes") }} Loose</p>{{ chip("go", "Heard") }}<a title="Here">{{ x }}</a>'
    )
    assert unmarked(page) == ["Loose", "Here", "Heard"]
    spanish = '<p>Todo está bien.</p><p>Not known yet, ask the officer.</p><p lang="en">It is</p>'
    assert english_left(spanish) == ["Not known yet, ask the officer."]


def test_a_page_is_in_the_language_that_it_is_asked_for() -> None:
    templates = Templates(ZoneInfo("America/Denver"), tabs_of, idle=900.0)
    values = {
        "title": "Error",
        "visit": None,
        "me": "",
        "token": "",
        "path": "/",
        "agency": _Face(),
        "folder_use": "here",
    }
    page = templates.render("not_here.html", lang="es", **values)
    assert '<html lang="es"' in page and english_left(page, besides=["Clinic"]) == []
    assert "Ningún traductor profesional ha leído este texto todavía." in texts_of(page, "es")
    assert "translator" not in templates.render("not_here.html", **values)
    assert translate("es", "Error: %(title)s", title="100 %") == "Error: 100 %"


def test_times_are_in_the_words_of_the_language() -> None:
    templates = Templates(ZoneInfo("America/Denver"), tabs_of, idle=900.0)
    source = templates._environment.from_string(
        "{{ at | moment }} / {{ at | day }} / {{ d | day }}"
    )
    values = {"at": "2026-06-18T22:10:00Z", "d": "2026-06-18"}
    assert source.render(lang="en", **values).startswith(
        "June 18, 4:10 p.m. / June 18, 2026 / June"
    )
    spanish = source.render(lang="es", **values).replace("\N{NO-BREAK SPACE}", " ")
    assert spanish.startswith("18 de junio, 4:10 p.m. / 18 de junio de 2026 / 18 de junio")


def test_a_page_of_staff_is_english_unless_its_route_says_otherwise() -> None:
    paths = {path for (_, path), route in ROUTES.items() if route.translated}
    assert not [path for path in paths if not path.startswith(("/my", "/people/{c}/consent"))]


class _Face:
    name, kind = "Clinic", None
