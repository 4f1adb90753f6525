"""Operations on documents: each returns a document of a pack, and prints nothing.

Each raises `PackError` for a pack that can't be read, and `RequestError` for a day on which its
program did not run.
"""

from __future__ import annotations

from pathlib import Path

from offramp.documents.document import Document
from offramp.documents.offline_card import OfflineCard, offline_card
from offramp.documents.pack_page import pack_page
from offramp.documents.segments import segment_of
from offramp.documents.timeline import timeline
from offramp.documents.web_page import as_fragment
from rules.shelf import read_pack

__all__ = ["as_fragment", "make_card", "show_pack", "show_timeline"]


def show_pack(pack: str | Path, as_of: str | None = None) -> Document:
    """Return a pack as a document, by the rules of a day or the newest ones."""
    return pack_page(segment_of(read_pack(pack), as_of))


def show_timeline(pack: str | Path) -> Document:
    """Return what began and ended in a pack, day by day."""
    return timeline(read_pack(pack))


def make_card(pack: str | Path) -> OfflineCard:
    """Return the offer of a pack as one page to tap through."""
    return offline_card(read_pack(pack), None)
