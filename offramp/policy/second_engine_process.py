"""The process that runs `durable_rules`, apart from everything else.

A job is one line, `{"rules": [[[fact, ...], derived fact], ...], "facts": [fact, ...]}`. The answer
is one line, `{"held": [fact, ...]}` or `{"error": ...}`. `offramp.policy.second_engine` runs this
file, and outlives its crashes. The file imports nothing of ours.

Each job is a session of its own, always with the same id, because the engine tells sessions apart
by a 32-bit hash. Facts are asserted between its actions. A fact asserted from within an action ends
the action silently if it is known already. `Host` is not used, because its timers are threads. A
rule that always fires goes first, because deleting a session in which no rule fired ends the
process.
"""

from __future__ import annotations

import json
import sys
from typing import Any

try:
    # An extra.
    from durable.engine import Ruleset  # type: ignore[import-not-found,import-untyped,unused-ignore]  # the library has no types
except ImportError:
    Ruleset = None

SESSION = "0"
ANCHOR = "anchor"


class Rules:
    """One set of rules in the engine."""

    def __init__(self, name: str, rules: list[tuple[list[str], str]]) -> None:
        self.derived: list[str] = []
        self.read = {fact for facts, _ in rules for fact in facts}
        defined = {ANCHOR: self._rule([ANCHOR], ANCHOR)}
        defined |= {
            f"r{number}": self._rule(facts, gives) for number, (facts, gives) in enumerate(rules)
        }
        self.ruleset = Ruleset(name, None, defined)

    def _rule(self, facts: list[str], gives: str) -> dict[str, Any]:
        joined = [{f"m_{number}": {"fact": fact}} for number, fact in enumerate(facts)]
        return {"all": joined, "run": lambda _: self.derived.append(gives)}

    def derive(self, facts: list[str]) -> list[str]:
        """Return all that holds in the end: these facts, and all that the rules derive."""
        self.derived.clear()
        asserted: dict[str, None] = {}
        batch = [ANCHOR, *facts]
        while batch:
            asserted |= dict.fromkeys(batch)
            self._assert(batch)
            # A fact that no rule reads would be refused as one that nobody handles.
            batch = [
                fact
                for fact in dict.fromkeys(self.derived)
                if fact in self.read and fact not in asserted
            ]
        self.ruleset.delete_state(SESSION)
        return [*asserted, *dict.fromkeys(fact for fact in self.derived if fact not in asserted)]

    def _assert(self, facts: list[str]) -> None:
        state = self.ruleset.assert_facts(
            [{"fact": fact, "id": fact, "sid": SESSION} for fact in facts]
        )
        ended: list[tuple[Any, Any]] = []
        self.ruleset.do_actions(state, lambda error, left: ended.append((error, left)))
        for (
            error,
            left,
        ) in ended:  # the engine swallows what goes wrong in an action, and leaves a note
            if error or (left and "exception" in left):
                raise RuntimeError(str(error or left["exception"]))


def main(megabytes: int) -> None:
    """Answer until the input ends. `megabytes` limits the process's memory; 0 is no limit."""
    if megabytes:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    rule_sets: dict[str, Rules] = {}
    for line in sys.stdin:
        if Ruleset is None:
            print(json.dumps({"error": "missing"}), flush=True)
            continue
        try:
            job = json.loads(line)
            rules_text = json.dumps(job["rules"])
            if rules_text not in rule_sets:
                rule_sets[rules_text] = Rules(f"rules {len(rule_sets)}", job["rules"])
            answer: dict[str, Any] = {"held": rule_sets[rules_text].derive(job["facts"])}
        except MemoryError:
            answer = {"error": "memory"}
        except Exception as error:
            rule_sets.pop(rules_text)  # with its session, which can't be trusted nor deleted now
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
