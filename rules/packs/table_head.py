"""Read `table.yaml` of an offense table: the system of its citations, and what the table covers.

A table covers a chapter if it has every section of the chapter that may be charged. A citation of
a covered chapter that the table lacks is not recognized, and the rules ask which section is meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from rules.errors import nearest
from rules.frozen import field, frozen, replace
from rules.input import keys
from rules.input.citations import Section, System, clashing, reader_of
from rules.input.printing import printable
from rules.input.vocabulary import Vocabulary
from rules.input.yaml import Node, read_file
from rules.packs.days import read_day

FILE = "table.yaml"


@frozen
class TableHead:
    """What a table states about itself. `vocabulary` reads citations as the table spells them.

    `checked` is the day on which somebody last compared the table with its sources.
    """

    vocabulary: Vocabulary
    covers: tuple[Section, ...]
    short: Mapping[str, str] = field(default_factory=dict)
    checked: date | None = None


def read_table_head(folder: Path, vocabulary: Vocabulary) -> TableHead:
    """Read `table.yaml` in a table's folder. Raises `PackError`."""
    node = read_file(folder / FILE, f"{folder.name}/{FILE}")
    subject = f"the table `{folder.name}`"
    fields = node.mapping(subject, keys.TABLE.names, keys.TABLE.required)
    systems = dict(vocabulary.citations)
    system = _read_system(fields, vocabulary) if "system" in fields else None
    if system is not None:
        systems[system.name] = system
    short = _read_aliases(fields, system, systems)
    clash = clashing(systems.values(), {**vocabulary.short_citations, **short})
    if clash is not None:
        named = next(key for key in ("aliases", "aliases_of", "system") if key in fields)
        fields[named].fail(
            "name-clash", f"`{clash}` is a spelling of another system", "leave it out"
        )
    extended = replace(
        vocabulary, citations=systems, short_citations={**vocabulary.short_citations, **short}
    )
    checked = read_day(fields["checked"]) if "checked" in fields else None
    return TableHead(extended, _read_covers(fields["covers"], extended), short, checked)


def _read_system(fields: Mapping[str, Node], vocabulary: Vocabulary) -> System:
    """Read the table's system: one of the vocabulary, or one of its own with its authority."""
    node = fields["system"]
    name = node.text("`system`")
    authority = fields["authority"].text("`authority`") if "authority" in fields else None
    known = vocabulary.citations.get(name)
    if known is not None:
        if authority is not None and authority != known.authority:
            fields["authority"].fail(
                "name-clash",
                f"`{name}` is {known.authority} law, and not `{printable(authority)}`",
                "leave it out, or name another system",
            )
        return known
    if authority is None:
        node.fail(
            "unknown-word",
            f"there is no system of citation `{printable(name)}`",
            f"{nearest(name, tuple(vocabulary.citations))}; or add `authority:` if it is your own",
        )
    allowed = vocabulary.facts["encounter.charges"].fields["authority"].choices
    if authority not in allowed:
        fields["authority"].fail(
            "unknown-word", f"`{printable(authority)}` makes no law", nearest(authority, allowed)
        )
    levels = fields["levels"].text("`levels`") if "levels" in fields else "section"
    return System(
        name, authority, (), tuple(re.split("[.:/-]", levels)), tuple(re.findall("[.:/-]", levels))
    )


def _read_aliases(
    fields: Mapping[str, Node], system: System | None, known: Mapping[str, System]
) -> dict[str, str]:
    """Read the short spellings of the table's system, and of other systems."""
    short = {}
    if "aliases" in fields:
        node = fields["aliases"]
        if system is None:
            node.fail("missing-key", "there are `aliases` and no `system`", "add `system:`")
        short = {alias.text("an alias"): system.name for alias in node.items("`aliases`")}
    if "aliases_of" in fields:
        for name, node in fields["aliases_of"].mapping("`aliases_of`", tuple(known)).items():
            for alias in node.items(f"the aliases of `{name}`"):
                short[alias.text("an alias")] = name
    return short


def _read_covers(node: Node, vocabulary: Vocabulary) -> tuple[Section, ...]:
    """Read the chapters that the table covers."""
    chapters = []
    for entry in node.items("`covers`"):
        chapter = reader_of(vocabulary).read(entry.text("a chapter"))
        if chapter is None:
            entry.fail(
                "no-citation",
                f"`{printable(entry.value)}` cites no chapter of law",
                "write it as `RCW 69.50`, its system first",
            )
        chapters.append(chapter)
    return tuple(chapters)
