"""Decide one case with a shipped pack, and print the answer with its reasons and sources.

Run it with the Python of an environment that has Offramp:

    python examples/decide_a_case.py
"""

import json
from pathlib import Path

import rules

# Facts are nested JSON. A missing fact is unknown. It never counts as false or zero.
facts = json.loads((Path(__file__).parent / "arrest.json").read_text(encoding="utf-8"))

program = rules.load("santa-fe")
decision = program.decide("eligibility", facts)

print(f"{program.pack.title}, rules of {decision.as_of}")
print(f"{decision.decision}: {decision.outcome}, decided by {decision.decided_by}")
for reason in decision.reasons:
    print(f"- {reason['text']}")
    print(f"  source: {reason['source']['title']}")

# The same case six months before the program began is an error with a stable code and a fix.
try:
    program.decide("eligibility", {**facts, "encounter": {"date": "2013-10-01"}})
except rules.RequestError as error:
    print(f"[{error.code}] {error.message}. Fix: {error.fix}")
