"""Walk the pages of a console, and find the codes that people are shown in place of words."""

from __future__ import annotations

import html
import re
from collections import Counter

from tests.support.agency_console import Caller

# Words joined by underscores, or the path of a fact.
_CODE = re.compile(
    r"(?<![\w./:@-])[A-Za-z][a-z]*(?:_[a-z0-9]+)+|(?<![\w./:@-])[A-Z]?[a-z_]+\.[a-z_]{2,}(?![\w:])"
)
# A file and a setting that an administrator types, and addresses of examples.
_TYPED = re.compile(r"agency\.toml|backup_folder|.*\.(localhost|example|invalid)")
_MOST_OF_A_KIND = 4
_FIRST = ("/today", "/people", "/mine", "/asked", "/queue", "/held", "/applications", "/meeting")


def raw_codes(caller: Caller) -> tuple[dict[str, list[str]], int]:
    """Return the codes by the path of a page, and how many kinds of pages a signed-in person has.

    Each page that a link leads to is opened, and of one kind at most four.
    """
    found: dict[str, list[str]] = {}
    waiting, walked = list(_FIRST), Counter[str]()
    seen: set[str] = set()
    while waiting:
        path = waiting.pop(0)
        kind = re.sub("[0-9a-f]{16,}", "CASE", path.partition("?")[0])
        if path in seen or walked[kind] >= _MOST_OF_A_KIND:
            continue
        seen.add(path)
        page = caller.get(path)
        assert page.status_code < 500, path
        if page.status_code not in (200, 422):
            continue
        walked[kind] += 1
        waiting += _links(page.text)
        text = html.unescape(re.sub(r"<(style|script|svg).*?</\1>|<[^>]+>", " ", page.text))
        if codes := sorted(code for code in {*_CODE.findall(text)} if not _TYPED.fullmatch(code)):
            found[kind] = codes
    return found, len(walked)


def _links(text: str) -> list[str]:
    links = map(html.unescape, re.findall(r'href="(/[^"#]*)"', text))
    return [link for link in links if not link.startswith("/static")]
