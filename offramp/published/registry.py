"""Every published schema by name, and the files in `schemas/` that are made from them.

`python -m offramp.published.registry FOLDER` writes the files. A test compares them.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from exchange.evidence.documents import evidence_schema
from exchange.records.content import content_models, content_schema
from exchange.records.kinds import kinds
from offramp.published.map_schema import map_schema
from offramp.published.record_schemas import draft_schema, kind_schema
from rules.author.decision_schema import decision_schema
from rules.author.facts_schema import facts_schema
from rules.author.pack_schemas import cases_schema, pack_schema, scenarios_schema
from rules.errors import RequestError, nearest
from rules.frozen import frozen
from rules.input.printing import printable
from rules.shelf import vocabulary

EVIDENCE = ("exhibit", "decision-exhibit", "receipt", "accounting")


@frozen
class Published:
    """A published schema: its name, what it describes, and its file in `schemas/`, if it has one.

    A kind of record has no file: the schema of each is `draft.json` with fewer categories.
    """

    name: str
    line: str
    schema_of: Callable[[], dict[str, Any]]
    file: str | None


def _listed() -> list[Published]:
    words = vocabulary()
    of_words = (
        ("facts", "facts of a case", facts_schema),
        ("decision", "what a decision returns", decision_schema),
        ("pack", "`pack.yaml`, a rule pack", pack_schema),
        ("scenarios", "`scenarios.yaml`, a pack's scenarios", scenarios_schema),
        ("cases", "`cases.yaml`, a pack's cases with the answers of the sources", cases_schema),
        ("map", "a map from a table to facts", map_schema),
    )
    evidence = {
        "exhibit": "evidence: a record with its proofs",
        "decision-exhibit": "evidence: a decision with the records that it is based on",
        "receipt": "evidence: a hub's receipt with its proof",
        "accounting": "evidence: every disclosure in a case",
    }
    return [
        *(_published(name, line, partial(schema_of, words)) for name, line, schema_of in of_words),
        _published("draft", "a draft of a record", draft_schema),
        *(
            _published(name, line, partial(evidence_schema, name))
            for name, line in evidence.items()
        ),
        *(
            _published(
                f"content/{category}",
                f"content: {words.categories[category]}",
                partial(content_schema, category),
            )
            for category in content_models()
        ),
        *(
            Published(
                f"kind/{name}",
                f"a draft of the kind: {kind.line}",
                partial(kind_schema, name),
                None,
            )
            for name, kind in kinds().items()
        ),
    ]


def _published(name: str, line: str, schema_of: Callable[[], dict[str, Any]]) -> Published:
    return Published(name, line, schema_of, f"{name}.json")


@cache
def published() -> Mapping[str, Published]:
    """Return every published schema by its name."""
    return {entry.name: entry for entry in _listed()}


def find_schema(name: str) -> Published:
    """Return a published schema. A kind or a category may be named alone.

    Raises `RequestError` `unknown-schema`.
    """
    entries = published()
    for candidate in (name, f"kind/{name}", f"content/{name}"):
        if candidate in entries:
            return entries[candidate]
    raise RequestError(
        "unknown-schema",
        f"there is no schema `{printable(name)}`",
        fix=nearest(printable(name), [*entries, *kinds()]),
    )


def write_schemas(folder: Path) -> None:
    """Write each schema that has a file into the folder."""
    for entry in published().values():
        if entry.file is not None:
            path = folder / entry.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(schema_text(entry), encoding="utf-8")


def schema_text(entry: Published) -> str:
    """Return a schema as its file has it."""
    is_content = entry.name.startswith("content/")
    text = json.dumps(entry.schema_of(), indent=2 if is_content else 1, ensure_ascii=not is_content)
    return text + "\n"


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
