"""Whether the codes of charges that a map gives can be sections of law.

Codes of another list, such as `NIBRS 35A`, cite no law whatever the row says. Then no row can say
what a section would state.
"""

from __future__ import annotations

from rules.input.citations import CitationReader
from rules.input.yaml import Node


def may_cite_law(node: Node, reader: CitationReader) -> bool:
    """Return whether a cell that an entry of a map reads can be a section of law.

    It can't if each pattern begins its result with a word that begins no citation.
    """
    if isinstance(node.value, list):
        return any(may_cite_law(item, reader) for item in node.items("`code`"))
    entry = node.mapping("`code`")
    if "patterns" not in entry or "values" in entry:
        return True
    if "else" in entry and entry["else"].value != "unknown":
        return True
    results = [item.mapping("a pattern")["to"].value for item in entry["patterns"].items("`code`")]
    return any(reader.may_begin(str(result).partition("\\")[0]) for result in results)
