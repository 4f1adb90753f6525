"""The process in which `durable_rules` runs, apart from everything else: one job a line in, one answer a line out.

A job is `{"rules": [[[fact, …], given fact], …], "facts": [fact, …]}`, the answer `{"held": [fact, …]}` or `{"error": …}`.
Run as a file by `offramp.policy.second_engine`, which outlives its crashes; it imports nothing of ours.

Each job is a session of its own: always the same id (the engine tells sessions apart by a 32-bit hash of theirs), facts told
between its actions and never from within one (a fact told there that is known already ends the action in silence), no
`Host`, whose timers are threads. A rule that always fires goes first: deleting a session in which nothing did ends the process.
"""

from __future__ import annotations

import json
import sys
from typing import Any

try:
    from durable.engine import Ruleset  # type: ignore[import-not-found,import-untyped,unused-ignore]
except ImportError:
    Ruleset = None

SESSION = "0"
ANCHOR = "anchor"


class Rules:
    """One set of rules in the engine, and what a session of it comes to."""

    def __init__(self, name: str, rules: list[tuple[list[str], str]]) -> None:
        self.given: list[str] = []
        self.read = {fact for facts, _ in rules for fact in facts}
        defined = {ANCHOR: self._rule([ANCHOR], ANCHOR)}
        defined |= {
            f"r{number}": self._rule(facts, gives) for number, (facts, gives) in enumerate(rules)
        }
        self.ruleset = Ruleset(name, None, defined)

    def _rule(self, facts: list[str], gives: str) -> dict[str, Any]:
        joined = [{f"m_{number}": {"fact": fact}} for number, fact in enumerate(facts)]
        return {"all": joined, "run": lambda _: self.given.append(gives)}

    def held(self, facts: list[str]) -> list[str]:
        """All that holds in the end: these facts, and whatever the rules give from them."""
        self.given.clear()
        held: dict[str, None] = {}
        told = [ANCHOR, *facts]
        while told:
            held |= dict.fromkeys(told)
            self._tell(told)
            # A fact that no rule reads would be refused as one that nobody handles.
            told = [
                fact for fact in dict.fromkeys(self.given) if fact in self.read and fact not in held
            ]
        self.ruleset.delete_state(SESSION)
        return [*held, *dict.fromkeys(fact for fact in self.given if fact not in held)]

    def _tell(self, facts: list[str]) -> None:
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
    """Answers until its input ends. `megabytes` is what the process may take of memory; 0 is no limit."""
    if megabytes:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (megabytes << 20, megabytes << 20))
    known: dict[str, Rules] = {}
    for line in sys.stdin:
        if Ruleset is None:
            print(json.dumps({"error": "missing"}), flush=True)
            continue
        try:
            job = json.loads(line)
            asked = json.dumps(job["rules"])
            if asked not in known:
                known[asked] = Rules(f"rules {len(known)}", job["rules"])
            answer: dict[str, Any] = {"held": known[asked].held(job["facts"])}
        except MemoryError:
            answer = {"error": "memory"}
        except Exception as error:
            known.pop(asked)  # with its session, which can't be trusted nor deleted now
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
