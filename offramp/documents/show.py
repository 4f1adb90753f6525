"""`offramp show`: print a pack as a document, its timeline, or several packs side by side.

`python -m offramp.documents.show FOLDER` writes the page of every shipped pack to the folder.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from offramp.clock import day_in_zone
from offramp.documents.comparison import side_by_side
from offramp.documents.document import Document, as_json
from offramp.documents.markdown import markdown
from offramp.documents.pack_page import pack_page
from offramp.documents.segments import segment_of
from offramp.documents.timeline import timeline
from offramp.documents.web_page import as_html
from offramp.policy.local_packs import local_member, print_local_note
from offramp.policy.table_map import map_text
from offramp.terminal import print_json, print_text
from rules.decide.program import Program
from rules.errors import RequestError
from rules.packs.pack import Pack
from rules.shelf import read_pack, shipped


def show(options: argparse.Namespace) -> int:
    """Print the document that the options ask for, and return exit status 0."""
    if options.map is not None:
        return _show_map(options)
    names = [name for name in (options.packs or "").split(",") if name]
    if not names:
        raise RequestError("usage", "no pack is named", fix="name one, such as `santa-fe`")
    if options.timeline and (len(names) > 1 or options.as_of):
        raise RequestError(
            "usage",
            "a timeline shows one pack on every day",
            fix="leave out `--as-of` and the other packs",
        )
    refuse_two_forms(options)
    packs = [read_pack(name) for name in names]
    print_local_note(packs)
    if options.timeline:
        document = timeline(packs[0])
    else:
        today = day_in_zone(options.today, packs[0].time_zone)
        segments = [segment_of(pack, options.as_of, today) for pack in packs]
        several = len(segments) > 1
        document = side_by_side(segments, today) if several else pack_page(segments[0], today)
    _print_document(document, options, packs[0])
    return 0


def _show_map(options: argparse.Namespace) -> int:
    """Print a map as its file has it: a shipped one by its id, or a file that can be read."""
    if options.packs or options.html or options.json or options.timeline or options.as_of:
        raise RequestError(
            "usage", "a map is printed alone, as its file has it", fix="keep `--map MAP` alone"
        )
    print_text(map_text(options.map), end="")
    return 0


def refuse_two_forms(options: argparse.Namespace) -> None:
    """Raise `RequestError` if the options ask for HTML and JSON at once."""
    if options.html and options.json:
        raise RequestError(
            "usage", "a document is HTML or JSON, not both", fix="leave out one of them"
        )


def _print_document(document: Document, options: argparse.Namespace, pack: Pack) -> None:
    if options.html:
        print_text(as_html(document, f"Rule pack `{pack.id}`, `{Program(pack).digest}`"), end="")
    elif options.json:
        identity = {"pack": pack.id, "digest": Program(pack).digest} | local_member(pack)
        print_json({**identity, **as_json(document)}, indent=2)
    else:
        print_text(markdown(document), end="")


def pages() -> dict[str, str]:
    """Return the page of each shipped pack by file name.

    Each shows the rules after the last change that the pack knows, so that no page depends on the
    day on which it is made.
    """
    return {
        f"{name}.md": markdown(pack_page(segment_of(read_pack(name), None))) for name in shipped()
    }


def main(folder: Path) -> None:
    """Write the page of each shipped pack to the folder."""
    for name, text in pages().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
