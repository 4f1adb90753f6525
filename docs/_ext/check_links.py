"""Check every internal link of the built site: the file and the fragment must exist."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx

log = logging.getLogger(__name__)


class Page(HTMLParser):
    """The link targets (`ids`) and the links of one HTML page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect the attributes that name or refer to a place."""
        for name, value in attrs:
            if name in ("id", "name") and value:
                self.ids.add(value)
            elif name in ("href", "src") and value and tag != "base":
                self.links.append(value)


def find_broken_links(folder: Path) -> list[tuple[str, str]]:
    """Return each broken internal link below `folder` as (page, link)."""
    pages = {
        path.resolve(): Page(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")
    }
    broken = []
    for path, page in pages.items():
        for link in page.links:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (path.parent / unquote(url.path)).resolve() if url.path else path
            fragment = unquote(url.fragment)
            known = target in pages and (not fragment or fragment in pages[target].ids)
            if not known and (target in pages or not target.is_file()):
                broken.append((path.relative_to(folder.resolve()).as_posix(), link))
    return broken


def check_site(app: Sphinx, error: Exception | None) -> None:
    """Warn about each broken link. The build treats warnings as errors."""
    if error is None and app.builder.name == "html":
        for page, link in find_broken_links(Path(app.outdir)):
            log.warning("`%s` has the broken link `%s`", page, link)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("build-finished", check_site)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
