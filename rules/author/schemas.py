"""Write the published JSON Schemas: facts, decisions, packs, scenarios, cases.

`python -m rules.author.schemas FOLDER` writes `facts.json`, `decision.json`, `pack.json`,
`scenarios.json`, and `cases.json` there. A test compares them with the published ones.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from rules.author.decision_schema import decision_schema
from rules.author.facts_schema import facts_schema
from rules.author.pack_schemas import cases_schema, pack_schema, scenarios_schema
from rules.shelf import vocabulary

_SCHEMAS = {
    "facts": facts_schema,
    "decision": decision_schema,
    "pack": pack_schema,
    "scenarios": scenarios_schema,
    "cases": cases_schema,
}


def write_schemas(folder: Path) -> None:
    """Write the five schemas into the folder, one JSON file each."""
    for name, schema_of in _SCHEMAS.items():
        text = json.dumps(schema_of(vocabulary()), indent=1) + "\n"
        (folder / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_schemas(Path(sys.argv[1]))
