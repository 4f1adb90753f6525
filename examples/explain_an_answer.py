"""Explain an undetermined answer: missing facts, roles to ask, and what may happen meanwhile.

Nobody weighed the drugs at the scene, and the prosecutor has not answered yet.
"""

import json
from pathlib import Path

import rules

facts = json.loads((Path(__file__).parent / "no-scale.json").read_text(encoding="utf-8"))
program = rules.load("santa-fe")
decision = program.decide("eligibility", facts)

print(f"status: {decision.status}, possible outcomes: {', '.join(decision.possible)}")
if decision.next:
    print(f"now: {decision.next['who']}: {decision.next['text']}")
for need in decision.needed:
    print(f"ask {need['ask']}: {need['question']}  ({need['fact']})")

# Each considered rule has a value: True, False, or None for unknown.
open_rules = [entry["rule"] for entry in decision.considered if entry["value"] is None]
print(f"open rules: {', '.join(open_rules)}")

# Two answers arrive. The question is settled.
facts["encounter"]["drugs"][0]["grams"] = 2.4
facts["decisions"] = {"screening": "proceed"}
settled = program.decide("eligibility", facts)
print(f"with both answers: {settled.outcome}")
