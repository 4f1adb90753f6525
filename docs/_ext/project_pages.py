"""Add the root pages (CONTRIBUTING.md and so on) to the site, and handle links that leave `docs/`.

A page in `docs/` may link to a file of the repository, such as `../schemas/decision.json`. The site
does not contain that file. The link becomes its path in code font, or a link below
`OFFRAMP_SOURCE_URL` if that environment variable names a place to browse the sources.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sphinx.util import logging

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = ("CONTRIBUTING", "CHANGELOG", "SECURITY", "CODE_OF_CONDUCT", "RELEASE")
_FENCE = re.compile(r"^(```.*?^```)$", re.MULTILINE | re.DOTALL)
# The two kinds of label text exclude each other, so that a page with many back-ticks stays fast.
_LINK = re.compile(r"(?<!!)\[((?:`[^`]*`|[^\[\]`])+)\]\(([^)#\s]+)((?:#[^)\s]*)?)\)")
# A README lists the pages of its folder in prose. The site's navigation needs them as a tree.
SUBPAGES = """
```{toctree}
:hidden:
:glob:

[0-9]*
```
"""
log = logging.getLogger(__name__)


def copy_root_pages(app: Sphinx) -> None:
    """Write each root page to `docs/project/`, with its links adjusted to the new place."""
    folder = DOCS / "project"
    folder.mkdir(exist_ok=True)
    for name in PAGES:
        text = (ROOT / f"{name}.md").read_text(encoding="utf-8")
        page = folder / f"{name.lower().replace('_', '-')}.md"
        page.write_text(rewrite_links(text, ROOT, folder), encoding="utf-8")


def remove_copies(app: Sphinx, error: Exception | None) -> None:
    """Delete `docs/project/` after the build, so that no page exists twice in the checkout."""
    shutil.rmtree(DOCS / "project", ignore_errors=True)


def rewrite_links(text: str, origin: Path, folder: Path) -> str:
    """Return Markdown in which each relative link of a page in `origin` works in `folder`."""

    def replace(match: re.Match[str]) -> str:
        label, target, fragment = match.groups()
        if re.match(r"[a-z]+:", target):
            return match[0]
        path = (origin / target).resolve()
        if path.parent == ROOT and path.stem in PAGES and path.suffix == ".md":
            path = DOCS / "project" / f"{path.stem.lower().replace('_', '-')}.md"
        elif path.parent == DOCS / "project":
            return match[0]
        elif not path.exists():
            log.warning("`%s` links to `%s`, which does not exist", origin.name, target)
        elif path.is_dir() and (path / "README.md").is_file() and DOCS in path.parents:
            path = path / "README.md"
        elif DOCS not in path.parents or path.is_dir():
            return outside(label, path)
        return f"[{label}]({os.path.relpath(path, folder)}{fragment})"

    pieces = _FENCE.split(text)
    return "".join(
        piece if piece.startswith("```") else _LINK.sub(replace, piece) for piece in pieces
    )


def outside(label: str, path: Path) -> str:
    """Return Markdown that names a file of the repository outside the site."""
    relative = path.relative_to(ROOT).as_posix()
    base = os.environ.get("OFFRAMP_SOURCE_URL")
    if base:
        return f"[{label}]({base.rstrip('/')}/{relative})"
    if relative in label:
        return label
    return f"{label} (`{relative}`)"


def adjust_page(app: Sphinx, name: str, source: list[str]) -> None:
    """Handle the links of one page in `docs/` before Sphinx reads it."""
    folder = (DOCS / name).parent
    if not name.startswith("project/"):
        source[0] = rewrite_links(source[0], folder, folder)
    if name.endswith("/README"):
        source[0] += SUBPAGES


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the extension."""
    app.connect("builder-inited", copy_root_pages)
    app.connect("source-read", adjust_page)
    app.connect("build-finished", remove_copies)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
