#!/bin/sh
# Decide every row of a CSV table. The map states which column is which fact, and which cells mean "not known".
# Each row gives one JSON line: a decision, or an error for a row that can't be read. The other rows continue.
set -eu
here=$(cd "$(dirname "$0")" && pwd)

# Exit status 2 means that some row was an error. A4 has a wrong date on purpose.
offramp decide santa-fe offer "$here/arrests.csv" --map "$here/arrests-map.yaml" > offers.jsonl || test $? = 2
offramp decide santa-fe eligibility "$here/arrests.csv" --map "$here/arrests-map.yaml" > eligibility.jsonl || test $? = 2

# Count the answers with Python's own tools.
python3 - <<'PYTHON'
import json

for name in ("offers", "eligibility"):
    print(name)
    for line in open(f"{name}.jsonl", encoding="utf-8"):
        row = json.loads(line)
        if "error" in row:
            print(f"  {row['id']}: error {row['error']['code']} at {row['error']['at']}")
            continue
        decision = row["decision"]
        missing = ", ".join(need["fact"] for need in decision["needed"])
        print(f"  {row['id']}: {decision['outcome'] or 'undetermined, needs ' + missing}")
PYTHON
