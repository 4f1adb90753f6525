"""`offramp check` and `offramp test`: packs held to what they say and to their own scenarios."""

from __future__ import annotations

import argparse
import json
import time
from typing import TYPE_CHECKING, Any

from rules.author.scenarios import Report, read_scenarios, run
from rules.decide.program import Program
from rules.errors import Refusal
from rules.prove.proof_cache import prove
from rules.shelf import find, read_pack, shipped

if TYPE_CHECKING:
    from offramp.policy.second_engine import SecondEngine


def check(options: argparse.Namespace) -> int:
    """Reads each pack and runs every proof over it. Exit code 2 if one is refused."""
    worst = 0
    shown: dict[str, Any] = {}
    for name in options.packs or shipped():
        try:
            pack = read_pack(name, whole=False)
            if (find(name) / "scenarios.yaml").exists():
                read_scenarios(find(name))
            began = time.monotonic()
            proof = prove(pack, again=options.again)
            took = time.monotonic() - began
        except Refusal as refusal:
            worst = 2
            shown[name] = {"error": refusal.as_json()}
            _say(options, f"{name}: {refusal}")
            continue
        own = sum(
            rule.declared_in == pack.id
            for decision in pack.decisions.values()
            for rule in decision.rules.values()
        )
        proved = proof.proved
        held = {
            one: "proved" if one in proved else "holds in every case tried"
            for one in sorted(pack.invariants)
        }
        shown[name] = {
            "digest": Program(pack).digest,
            "rules": own,
            "invariants": held,
            "known": proof.known,
        }
        how = "known from an earlier proof" if proof.known else f"proved now, in {took:.1f} s"
        _say(
            options,
            f"{name}: sound, {own} rules of its own; of {len(held)} invariants {len(proved)} are proved and "
            f"{len(held) - len(proved)} hold in every case tried ({how}); {Program(pack).digest}",
        )
    if options.json:
        print(json.dumps(shown, indent=2))
    return worst


def test(options: argparse.Namespace) -> int:
    """Runs each pack's scenarios. Exit code 1 if one fails or coverage falls short, 2 if a pack can't be read.

    With `--engine durable` the second engine decides them too; one on which the two differ fails.
    """
    if options.engine == "compiled":
        return _test(options, None)
    from offramp.policy.second_engine import second_engine

    with second_engine() as second:
        return _test(options, second)


def _test(options: argparse.Namespace, second: SecondEngine | None) -> int:
    worst = 0
    shown: dict[str, Any] = {}
    for name in options.packs or shipped():
        try:
            program, scenarios = Program(read_pack(name)), read_scenarios(find(name))
            report = run(program, scenarios)
            compared = second.compare(program, scenarios) if second else None
        except Refusal as refusal:
            worst = 2
            shown[name] = {"error": refusal.as_json()}
            _say(options, f"{name}: {refusal}")
            continue
        worst = max(worst, 0 if report.passed and not (compared and compared.differ) else 1)
        shown[name] = _summary(report)
        _tell(options, name, report)
        if compared:
            shown[name]["durable"] = {
                "alike": compared.alike,
                "differ": compared.differ,
                "beyond": compared.beyond,
            }
            for one in (*compared.differ.values(), *compared.beyond.values()):
                _say(options, f"    {one}")
            beyond = (
                f"; {len(compared.beyond)} it can't express"
                if compared.beyond
                else ", and there is none it can't express"
            )
            _say(
                options,
                f"{name}: durable_rules decides {compared.alike} of {compared.asked} scenarios alike{beyond}",
            )
    if options.json:
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    return worst


def _summary(report: Report) -> dict[str, Any]:
    return {
        "passed": report.passed,
        "scenarios": report.scenarios,
        "failures": {failure.scenario.id: list(failure.what) for failure in report.failures},
        "coverage": {"rules": report.rule_coverage, "conditions": report.condition_coverage},
        "short_of": report.short_of,
        "untouched": [
            f"{one.place}: `{one.rule}` of `{one.decision}`: {one.text}" for one in report.untouched
        ],
    }


def _tell(options: argparse.Namespace, name: str, report: Report) -> None:
    for failure in report.failures:
        _say(options, f"{failure.scenario.place}: `{failure.scenario.id}`: {failure.scenario.says}")
        for what in failure.what:
            _say(options, f"    {what}")
    if report.short_of:
        for one in report.untouched:
            _say(options, f"{one.place}: `{one.rule}` of `{one.decision}`: {one.text}")
    for short in report.short_of:
        _say(options, f"{name}: {short}")
    passed = report.scenarios - len(report.failures)
    _say(
        options,
        f"{name}: {passed} of {report.scenarios} scenarios hold; {report.rule_coverage} % of rules held once, "
        f"{report.condition_coverage} % of conditions seen both ways",
    )


def _say(options: argparse.Namespace, text: str) -> None:
    if not options.json:
        print(text)
