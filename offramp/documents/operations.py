"""Operations on documents: each returns a document of a pack, and prints nothing.

Each raises `PackError` for a pack that can't be read, and `RequestError` for a day on which its
program did not run.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

from offramp.digest_words import digest_words
from offramp.documents.document import Document
from offramp.documents.memo_page import memo_fragment, memo_title
from offramp.documents.memo_style import MEMO_STYLE
from offramp.documents.offline_card import STYLESHEET as CARD_STYLE
from offramp.documents.offline_card import OfflineCard, offline_card
from offramp.documents.pack_page import pack_page
from offramp.documents.segments import segment_of
from offramp.documents.timeline import timeline
from offramp.documents.web_page import as_fragment
from rules.frozen import frozen
from rules.packs.pack import Pack
from rules.shelf import read_pack

__all__ = [
    "CARD_STYLE",
    "MEMO_STYLE",
    "MemoPage",
    "as_fragment",
    "make_card",
    "show_memo",
    "show_pack",
    "show_timeline",
]


@frozen
class MemoPage:
    """A memo of a rule change for a page: its title, its parts as HTML, and its JSON.

    `words` are its digest as people read it to each other. `is_sound` is false if something
    contradicts a pack. Such a memo isn't signed.
    """

    title: str
    body: str
    words: tuple[str, ...]
    is_sound: bool
    data: bytes


def show_pack(pack: str | Path, as_of: str | None = None, today: date | None = None) -> Document:
    """Return a pack as a document, by the rules of a day or of today.

    Without both, by the rules after the last known change.
    """
    return pack_page(segment_of(read_pack(pack), as_of, today), today)


def show_timeline(pack: str | Path) -> Document:
    """Return what began and ended in a pack, day by day."""
    return timeline(read_pack(pack))


def make_card(
    pack: str | Path | Pack, day: date | None = None, today: date | None = None
) -> OfflineCard:
    """Return the offer of a pack as one page to tap through, by the rules of a day or of today.

    Without `today`, it is `day`. Without both, by the rules after the last known change.
    Raises `RequestError` `no-card`, `card-too-large`; as the other operations.
    """
    read = pack if isinstance(pack, Pack) else read_pack(pack)
    return offline_card(read, day.isoformat() if day is not None else None, today or day)


def show_memo(value: Mapping[str, Any]) -> MemoPage:
    """Return a memo, as its JSON, for a page."""
    data = json.dumps(value, ensure_ascii=False, indent=2).encode()
    words = digest_words(value["memo"])
    return MemoPage(memo_title(value), memo_fragment(value), words, not value["findings"], data)
