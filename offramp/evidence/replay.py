"""`offramp replay`: works a decision out again, from an exhibit of its record and of what that rests on. Offline.

The same pack by its digest, the facts as those records state them, the time that the rules were given: what comes out must be
the record's own parts, byte for byte. Where something was withheld, it is named, and nothing is claimed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from typing import Any

from exchange.errors import ExchangeError
from exchange.evidence.documents import DecisionExhibit, read_any
from exchange.evidence.findings import DecisionFindings, ProvedRecord
from exchange.evidence.verify import verify_decision
from exchange.standards import i_json
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.caseload import said_in
from offramp.agency.cases.decision_record import contents, decision_in
from offramp.evidence.verify import fingerprint, read_file, wrong
from rules.decide.program import Program
from rules.errors import Refusal, RequestError
from rules.frozen import frozen
from rules.input.facts import printable
from rules.packs.digest import digest
from rules.shelf import read_pack, shipped

SAME, WITHHELD, OTHER = "same", "withheld", "other"
_EXIT = {SAME: 0, OTHER: 1, WITHHELD: 3}


@frozen
class Replayed:
    """What came out: `verdict` is same, withheld (it can't be told) or other; each part that is shown, by its categories, with
    whether it came out to the byte; and what was withheld.
    """

    verdict: str
    decision: str
    pack: str
    outcome: Any
    parts: Mapping[tuple[str, ...], bool]
    withheld: tuple[str, ...]


def replay(options: argparse.Namespace) -> int:
    """Runs the command. 0 the same, 1 not what it claims to be, 3 something is withheld; raises `Refusal` for what can't be
    read, or where the pack isn't here.
    """
    root = fingerprint(options.root)
    evidence = read_any(read_file(options.file))
    if not isinstance(evidence, DecisionExhibit):
        raise RequestError(
            "not-a-decision",
            "the file shows no decision with what it rests on",
            fix="make one with `agency export --replay`",
        )
    try:
        found = verify_decision(evidence, root)
    except ExchangeError as error:
        wrong(error, as_json=options.json)
        return 1
    answer = replayed(found, options.pack)
    if options.json:
        print(
            json.dumps(
                {
                    "verified": root is not None,
                    "replay": _json(answer),
                    "signed_by": found.record.signer.agency,
                }
            )
        )
    else:
        for line in _said(found, answer, root is not None):
            print(printable(line))
    return _EXIT[answer.verdict]


def replayed(found: DecisionFindings, pack: str | None = None) -> Replayed:
    """The decision worked out again. Raises `RequestError` `unknown-pack`, `not-a-decision`."""
    shown = {
        tuple(sorted(label.category)): held
        for part, label in found.record.labels.items()
        if part in found.record.contents
        and (held := decision_in(found.record.contents[part])) is not None
    }
    if not shown:
        raise RequestError(
            "not-a-decision",
            f"the record `{found.record.jti}` holds no decision",
            fix="show another record",
        )
    first = next(iter(shown.values()))
    program = Program(_pack(first, pack))
    case = Case(
        (one for told in found.sources for one in _stated(told)),
        program.pack.vocabulary,
        here=found.record.signer.agency,
    )
    untold = frozenset(path for held in shown.values() for path in held.get("untold", ()))
    answer = case.decide(program, first["decision"], first["now"], untold=untold)
    again = contents(answer)
    parts = {
        categories: _bytes(held) == _bytes(again.get(categories, {}))
        for categories, held in shown.items()
    }
    outcome = [held["outcome"] for held in shown.values() if "outcome" in held]
    if all(parts.values()):
        return Replayed(SAME, first["decision"], program.pack.id, outcome, parts, ())
    withheld = _withheld(found, shown, answer)
    return Replayed(
        WITHHELD if withheld else OTHER,
        first["decision"],
        program.pack.id,
        outcome,
        parts,
        withheld,
    )


def _pack(held: Mapping[str, Any], given: str | None) -> Any:
    for name in (given,) if given else (held["pack"], *shipped()):
        try:
            pack = read_pack(name)
        except Refusal:
            if given:
                raise
            continue
        if digest(pack) == held["digest"]:
            return pack
    raise RequestError(
        "unknown-pack",
        f"no pack here has the digest `{held['digest'][:20]}…`",
        fix="name the pack's folder with `--pack`",
    )


def _stated(told: ProvedRecord) -> Iterator[Any]:
    for part, label in told.labels.items():
        content = told.contents.get(part, {})
        place = (
            told.signer.agency,
            told.signer.role,
            told.logged.index,
            told.logged.time,
            told.jti,
            part,
            told.kind,
        )
        yield said_in(*place, label.statement, content)


def _withheld(
    found: DecisionFindings, shown: Mapping[Any, Mapping[str, Any]], answer: Answer
) -> tuple[str, ...]:
    """What the decision rests on and isn't here: parts that it names, facts that stand in no record, what the rules now ask."""
    held = {(told.jti, part) for told in (*found.sources,) for part in told.contents}
    lacking = []
    for categories, one in shown.items():
        for named in one.get("rests_on", ()):
            if (named["record"], named["part"]) not in held:
                lacking.append(
                    f"{', '.join(categories)}: part {named['part']} of record {named['record']}"
                )
        lacking += [
            f"{path}: known to {found.record.signer.agency} alone"
            for path in one.get("unshown", ())
        ]
    if found.record.labels.keys() - found.record.contents.keys():
        lacking.append("parts of the decision itself")
    lacking += [f"{one['fact']}: in no part that is shown" for one in answer.needed]
    return tuple(dict.fromkeys(lacking))


def _bytes(value: Mapping[str, Any]) -> bytes:
    return i_json.write(dict(value))


def _json(answer: Replayed) -> dict[str, Any]:
    return {
        "verdict": answer.verdict,
        "decision": answer.decision,
        "pack": answer.pack,
        "outcome": answer.outcome,
        "parts": [
            {"category": list(categories), "same": same}
            for categories, same in answer.parts.items()
        ],
        "withheld": list(answer.withheld),
    }


def _said(found: DecisionFindings, answer: Replayed, root_given: bool) -> Iterator[str]:
    told = found.record
    said = ", ".join(str(one) for one in answer.outcome) or "undetermined"
    if answer.verdict == SAME:
        yield f"THE SAME, to the byte: `{answer.decision}` comes out as {said} by the rules of `{answer.pack}`."
    elif answer.verdict == WITHHELD:
        yield f"CAN'T BE TOLD: `{answer.decision}` is said to be {said}, and not all that it rests on is shown."
        for one in answer.withheld:
            yield f"  withheld: {one}"
    else:
        yield f"NOT THE SAME: by the rules of `{answer.pack}`, `{answer.decision}` doesn't come out as {said} on these facts."
        for categories, same in answer.parts.items():
            if not same:
                yield f"  differs: the part of {', '.join(categories)}"
    yield f"  record {told.jti}, signed by {told.signer.name} (`{told.signer.agency}`), entry {told.logged.index} of the log"
    yield f"  on {len(found.sources)} records of the same case, each signed and logged before it"
    if not root_given:
        groups = " ".join(found.ground.founders[i : i + 8] for i in range(0, 64, 8))
        yield f"  founders' fingerprint: {groups}"
        yield "  NOT COMPARED: give it with --root, or have it read to you; anybody can found a directory of their own."
