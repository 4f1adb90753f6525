"""What is left in English on a page of another language, and what a template doesn't mark."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

from jinja2 import Environment, nodes

from offramp.console.agency import renew_catalogs
from offramp.console.agency.catalogs import ENGLISH, LANGUAGES

TEMPLATES = renew_catalogs.ROOT / "templates"
# Attributes that a person reads or hears.
_READ = ("aria-label", "alt", "title", "placeholder", "data-failed")
_SILENT = ("script", "style", "svg")
_VOID = ("input", "br", "hr", "img", "meta", "link")
# Words of English that Spanish doesn't have.
_ENGLISH = re.compile(
    r"(?<!\w)(?:the|and|of|you|your|is|are|was|not|with|for|to|who|what|it|this|that|they|them|their"
    r"|from|by|can|may|will|be|have|had|if|when|which|ask|tell|told|see|says|yes)(?!\w)",
    re.IGNORECASE,
)
# What an expression of a template writes, whatever it is.
WRITTEN = "0"
_SAME_EVERYWHERE = ("Offramp",)
# Blocks of the frame within a tag: a class, an address, or an id.
_NAMES = ("kind", "bar", "home", "lock_form")
_MARKS = ("_", "gettext", "ngettext")
# A name in a template that isn't a text.
_PLAIN = re.compile(r"[\w/.#:~ -]*\Z")


class _Texts(HTMLParser):
    """Collects the texts that a person reads or hears, but those in a language of their own."""

    def __init__(self, lang: str) -> None:
        super().__init__()
        self._lang, self._hidden, self.texts = lang, [False], list[str]()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the texts of an element's attributes."""
        given = dict(attrs)
        other = given.get("lang") not in (None, self._lang, WRITTEN)
        hidden = self._hidden[-1] or tag in _SILENT or other
        if not hidden:
            self.texts += [str(given[name]) for name in _READ if given.get(name)]
        if tag not in _VOID:
            self._hidden.append(hidden)

    def handle_endtag(self, tag: str) -> None:
        """Leave an element."""
        if tag not in _VOID and len(self._hidden) > 1:
            self._hidden.pop()

    def handle_data(self, data: str) -> None:
        """Note a text."""
        if not self._hidden[-1] and data.strip():
            self.texts.append(" ".join(data.split()))


def texts_of(page: str, lang: str) -> list[str]:
    """Return the texts of a page that is in a language, without passages marked as another's."""
    parser = _Texts(lang)
    parser.feed(page)
    return parser.texts


def english_left(page: str, lang: str = "es", *, besides: Iterable[str] = ()) -> list[str]:
    """Return the texts of a translated page that are English. `besides` are names to leave out."""
    catalog = renew_catalogs.read_catalog(lang)
    same = {str(message.string) for message in catalog}
    untranslated = {str(message.id) for message in catalog} - same
    found = []
    for text in texts_of(page, lang):
        for name in sorted(besides, key=len, reverse=True):
            text = text.replace(name, " ")
        is_name_of_language = text.strip() in LANGUAGES.values()
        if (text in untranslated or _ENGLISH.search(text)) and not is_name_of_language:
            found.append(text)
    return found


def unmarked(template: Path) -> list[str]:
    """Return the texts of a template that no `_()` and no `{% trans %}` marks."""
    environment = Environment(
        extensions=["jinja2.ext.i18n"], trim_blocks=True, lstrip_blocks=True, autoescape=True
    )
    environment.policies["ext.i18n.trimmed"] = True
    tree = environment.parse(template.read_text(encoding="utf-8"))
    # What an expression writes has no letters here, and may be within a tag.
    names = {
        id(output)
        for block in tree.find_all(nodes.Block)
        if block.name in _NAMES
        for output in block.find_all(nodes.Output)
    }
    page = "".join(
        node.data if isinstance(node, nodes.TemplateData) else WRITTEN
        for output in tree.find_all(nodes.Output)
        if id(output) not in names
        for node in output.nodes
    )
    texts = [*texts_of(page, ENGLISH), *_constants(tree)]
    return [text.replace(WRITTEN, "").strip() for text in texts if _has_words(text)]


def _has_words(text: str) -> bool:
    for name in _SAME_EVERYWHERE:
        text = text.replace(name, "")
    return re.search(r"[^\W\d_]{2}", text) is not None


def _constants(node: nodes.Node) -> Iterator[str]:
    """Yield the constant texts of expressions, but those that are marked or plain names."""
    if isinstance(node, nodes.Call) and getattr(node.node, "name", None) in _MARKS:
        return
    if isinstance(node, nodes.Const):
        value: Any = node.value
        if isinstance(value, str) and not (_PLAIN.match(value) and value == value.lower()):
            yield value
        return
    for child in node.iter_child_nodes():
        yield from _constants(child)
