"""Renew the catalogs of the agency console: `python -m offramp.console.agency.renew_catalogs`.

It writes each marked text of the templates and the pages into every catalog, keeps the translations
whose English is still the same, and takes out the others. It prints what is to be translated. A
changed English text is a new text, so nobody reads a translation of something else.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from offramp.console.agency.catalogs import ENGLISH, FOLDER, LANGUAGES
from offramp.terminal import print_text

ROOT = Path(__file__).parent
_KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "translate": None, "mark": None}
_TEMPLATE_OPTIONS = {
    "newstyle_gettext": "true",
    "trimmed": "true",
    "trim_blocks": "true",
    "lstrip_blocks": "true",
    "silent": "false",
}
_WIDTH = 100


def main() -> int:
    """Renew every catalog. Return 1 if a text isn't translated."""
    is_whole = True
    for lang in LANGUAGES:
        if lang == ENGLISH:
            continue
        path = ROOT / FOLDER / f"{lang}.po"
        renewed, removed = renew(read_catalog(lang))
        with path.open("wb") as file:
            write_po(
                file, renewed, width=_WIDTH, ignore_obsolete=True, include_lineno=False,
                sort_by_file=True,
            )  # fmt: skip
        for text in removed:
            print_text(f"{path.name}: taken out: {text}")
        for text in untranslated(renewed):
            is_whole = False
            print_text(f"{path.name}: to translate: {text}")
    return 0 if is_whole else 1


def collect_texts() -> Catalog:
    """Return every marked text of the templates and the pages."""
    texts = Catalog(charset="utf-8")
    for path in sorted(ROOT.rglob("*")):
        method = {".html": "jinja2", ".py": "python"}.get(path.suffix)
        if method is None or path.name in ("catalogs.py", "renew_catalogs.py"):
            continue
        options = _TEMPLATE_OPTIONS if method == "jinja2" else {}
        with path.open("rb") as file:
            for line, text, _, _ in extract(method, file, _KEYWORDS, options=options):
                texts.add(text, locations=[(path.relative_to(ROOT).as_posix(), line)])
    return texts


def read_catalog(lang: str) -> Catalog:
    """Return a catalog as it is in its file."""
    with (ROOT / FOLDER / f"{lang}.po").open("rb") as file:
        return read_po(file, lang)


def renew(catalog: Catalog) -> tuple[Catalog, list[str]]:
    """Return a catalog with the texts of the pages, and the texts that it no longer has."""
    texts = collect_texts()
    texts.creation_date = catalog.creation_date
    catalog.project, catalog.version = "Offramp", "1"
    catalog.msgid_bugs_address = "the project's issues"
    catalog.update(texts, no_fuzzy_matching=True, update_header_comment=False)
    return catalog, [_first(message.id) for message in catalog.obsolete.values()]


def untranslated(catalog: Catalog) -> list[str]:
    """Return the texts without a translation, or with one that is a guess."""
    return [
        _first(message.id)
        for message in catalog
        if message.id and (message.fuzzy or not all(_forms(message.string)))
    ]


def _forms(text: object) -> Sequence[object]:
    """Return a text, or the singular and the plural of one."""
    return text if isinstance(text, (list, tuple)) else (text,)


def _first(text: object) -> str:
    """Return a text, of one with a plural the singular."""
    return str(_forms(text)[0])


if __name__ == "__main__":
    raise SystemExit(main())
