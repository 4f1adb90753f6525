"""`offramp replay`: work a decision out again, offline, from the exhibit of its record.

The pack is the same by its digest, the facts are those of the exhibit's records, and the time is
that of the decision. The result must equal the record's own parts, byte for byte. If something
was withheld, the command names it and claims nothing.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from exchange.errors import ExchangeError
from exchange.evidence.documents import DecisionExhibit, read_any
from exchange.evidence.findings import DecisionFindings, ProvedRecord
from exchange.evidence.verify import verify_decision
from exchange.membership.history import in_groups
from exchange.standards import i_json
from offramp.agency.cases.account_words import SHORT_CATEGORIES
from offramp.agency.cases.case import Answer, Case
from offramp.agency.cases.case_entry import CaseEntry
from offramp.agency.cases.caseload import entries_of_part
from offramp.agency.cases.decision_record import contents, decision_in
from offramp.agency.cases.form_terms import form_terms
from offramp.agency.cases.pack_terms import pack_terms
from offramp.evidence.report import confirmed_lines
from offramp.evidence.verify import parse_fingerprint, print_refusal, read_file
from offramp.terminal import print_json, print_text
from rules.decide.program import Program
from rules.errors import Refusal, RequestError
from rules.frozen import frozen
from rules.input.printing import printable
from rules.packs.digest import digest
from rules.packs.pack import Pack
from rules.shelf import read_pack, shipped

SAME, WITHHELD, DIFFERENT = "same", "withheld", "other"
_EXIT_STATUS = {SAME: 0, DIFFERENT: 1, WITHHELD: 3}

# The decision in each shown part, by the part's sorted categories.
_ShownDecisions = Mapping[tuple[str, ...], Mapping[str, Any]]


@frozen
class Replay:
    """The result of working a decision out again.

    `verdict` is `same`, `other`, or `withheld` if the exhibit doesn't show enough. `parts` say for
    each shown part, by its categories, whether it is equal to the byte. `rules` are those of the
    decision.
    """

    verdict: str
    decision: str
    rules: Pack
    outcome: Any
    parts: Mapping[tuple[str, ...], bool]
    withheld: tuple[Withheld, ...]


@frozen
class Withheld:
    """What a decision rests on and an exhibit doesn't show: a part, a fact, or neither.

    `where` says where it is, or that it is in no record.
    """

    where: str
    categories: tuple[str, ...] = ()
    fact: str | None = None

    def __str__(self) -> str:
        subject = self.fact or ", ".join(self.categories)
        return f"{subject}: {self.where}" if subject else self.where


def replay(options: argparse.Namespace) -> int:
    """Run the command.

    Returns 0 for the same, 1 for not what the file claims to be, 3 if something is withheld.
    Raises `Refusal` for a file that can't be read, or if the pack isn't here.
    """
    root = parse_fingerprint(options.root)
    evidence = read_any(read_file(options.file))
    if not isinstance(evidence, DecisionExhibit):
        raise RequestError(
            "not-a-decision",
            "the file shows no decision with what it rests on",
            fix="make one with `offramp agency export DIR N FILE --replay`",
        )
    try:
        findings = verify_decision(evidence, root)
    except ExchangeError as error:
        print_refusal(error, as_json=options.json)
        return 1
    if findings.decided:
        _show_decided(findings, is_rooted=root is not None, as_json=options.json)
        return 0
    result = replay_decision(findings, options.pack)
    if options.json:
        print_json(
            {
                "verified": root is not None,
                "replay": _json(result),
                "signed_by": findings.record.signer.agency,
            },
            ascii_only=True,
        )
    else:
        for line in _describe(findings, result, root is not None):
            print_text(printable(line))
    return _EXIT_STATUS[result.verdict]


def _show_decided(findings: DecisionFindings, *, is_rooted: bool, as_json: bool) -> None:
    """Show a named person's decision, which no rule repeats, and how it was confirmed."""
    if as_json:
        value = {
            "verified": is_rooted,
            "decided": [dict(decision) for decision in findings.decided],
            "confirmations": [
                {"by": each.by, "method": each.method, "signed": each.is_signed}
                for each in findings.confirmations
            ],
            "signed_by": findings.record.signer.agency,
        }
        print_json(value, ascii_only=True)
        return
    print_text("DECIDED BY A PERSON: the rules don't repeat this.")
    for line in (*confirmed_lines(findings, _decided_text), *_ground_lines(findings, is_rooted)):
        print_text(printable(line))


def replay_decision(findings: DecisionFindings, pack_name: str | None = None) -> Replay:
    """Work a proved decision out again.

    Without `pack_name`, the shipped packs are searched for the decision's digest. Raises
    `RequestError` `unknown-pack`, `not-a-decision`.
    """
    record = findings.record
    decisions = _shown_decisions(record)
    if not decisions:
        raise RequestError(
            "not-a-decision",
            f"the record `{record.jti}` holds no decision",
            fix="show another record",
        )
    first = next(iter(decisions.values()))
    program = Program(_find_pack(first, pack_name))
    case = Case(
        (entry for source in findings.sources for entry in _entries_of(source)),
        program.pack.vocabulary,
        here=record.signer.agency,
    )
    silent = frozenset(
        path for decision in decisions.values() for path in decision.get("untold", ())
    )
    answer = case.decide(program, first["decision"], first["now"], silent=silent)
    replayed = contents(answer)
    parts = {
        categories: _bytes(decision) == _bytes(replayed.get(categories, {}))
        for categories, decision in decisions.items()
    }
    withheld = () if all(parts.values()) else _withheld(findings, decisions, answer)
    verdict = SAME if all(parts.values()) else WITHHELD if withheld else DIFFERENT
    outcome = [decision["outcome"] for decision in decisions.values() if "outcome" in decision]
    return Replay(verdict, first["decision"], program.pack, outcome, parts, withheld)


def _shown_decisions(record: ProvedRecord) -> _ShownDecisions:
    return {
        tuple(sorted(label.category)): decision
        for part, label in record.labels.items()
        if part in record.contents and (decision := decision_in(record.contents[part])) is not None
    }


def _find_pack(decision: Mapping[str, Any], pack_name: str | None) -> Pack:
    for name in (pack_name,) if pack_name else (decision["pack"], *shipped()):
        try:
            pack = read_pack(name)
        except Refusal:
            if pack_name:
                raise
            continue
        if digest(pack) == decision["digest"]:
            return pack
    raise RequestError(
        "unknown-pack",
        f"no pack here has the digest `{decision['digest'][:20]}…`",
        fix="name the pack's folder with `--pack`",
    )


def _entries_of(record: ProvedRecord) -> Iterator[CaseEntry]:
    for part, label in record.labels.items():
        yield from entries_of_part(
            record.signer.agency,
            record.signer.role,
            record.logged.index,
            record.logged.time,
            record.jti,
            part,
            record.kind,
            label.statement,
            record.contents.get(part, {}),
        )


def _withheld(
    findings: DecisionFindings, decisions: _ShownDecisions, answer: Answer
) -> tuple[Withheld, ...]:
    """Return what the decision rests on and the exhibit doesn't show.

    This includes parts that the decision names, facts in no record, and facts that the rules need
    now.
    """
    record = findings.record
    present = {(source.jti, part) for source in findings.sources for part in source.contents}
    lacking = []
    for categories, decision in decisions.items():
        for basis in decision.get("rests_on", ()):
            if (basis["record"], basis["part"]) not in present:
                part = f"part {basis['part']} of record {basis['record']}"
                lacking.append(Withheld(part, categories))
        known_here = f"known to {record.signer.agency} alone"
        lacking += [Withheld(known_here, fact=path) for path in decision.get("unshown", ())]
    if record.labels.keys() - record.contents.keys():
        lacking.append(Withheld("parts of the decision itself"))
    lacking += [Withheld("in no part that is shown", fact=need["fact"]) for need in answer.needed]
    return tuple(dict.fromkeys(lacking))


def _bytes(value: Mapping[str, Any]) -> bytes:
    return i_json.write(dict(value))


def _json(result: Replay) -> dict[str, Any]:
    return {
        "verdict": result.verdict,
        "decision": result.decision,
        "pack": result.rules.id,
        "outcome": result.outcome,
        "parts": [
            {"category": list(categories), "same": is_same}
            for categories, is_same in result.parts.items()
        ],
        "withheld": [str(item) for item in result.withheld],
    }


def _describe(findings: DecisionFindings, result: Replay, root_given: bool) -> Iterator[str]:
    """Yield the result in the words that the agencies' pages have. `--json` has the identifiers."""
    subject, rules = f"“{_decision_label(result.decision)}”", f"“{result.rules.title}”"
    outcomes = [_outcome_label(result.decision, value) for value in result.outcome]
    outcome = " and ".join(f"“{text}”" for text in outcomes) or "“undetermined”"
    if result.verdict == SAME:
        yield f"THE SAME, to the byte: {subject} comes out as {outcome} by the rules of {rules}."
    elif result.verdict == WITHHELD:
        yield (
            f"CAN'T BE DETERMINED: the record gives {subject} as {outcome}, and the exhibit "
            "doesn't show all that it rests on."
        )
        for item in result.withheld:
            yield f"  withheld: {_withheld_text(item, result.rules)}"
    else:
        yield (
            f"NOT THE SAME: by the rules of {rules}, {subject} doesn't come out as {outcome} on "
            "these facts."
        )
        for categories, is_same in result.parts.items():
            if not is_same:
                yield f"  differs: the part on {_category_labels(categories)}"
    yield f"  on {len(findings.sources)} records of the same case, each signed and logged before it"
    yield from _ground_lines(findings, root_given)


def _decision_label(decision: str) -> str:
    return form_terms().label("decision", decision, "en")


def _outcome_label(decision: str, outcome: Any) -> str:
    words = outcome if isinstance(outcome, (list, tuple)) else (outcome,)
    return ", ".join(form_terms().label(f"decisions.{decision}", str(name), "en") for name in words)


def _decided_text(decision: str, outcome: Any) -> str:
    """Return a person's decision in the words of the choice that the person made."""
    label = form_terms().decided_label(decision, outcome, "en")
    return f"“{_decision_label(decision)}” is “{label}”"


def _category_labels(categories: Iterable[str]) -> str:
    return ", ".join(SHORT_CATEGORIES[name][0] for name in categories)


def _withheld_text(item: Withheld, rules: Pack) -> str:
    if item.fact is not None:
        decision = item.fact.removeprefix("decisions.")
        is_decision = decision != item.fact
        label = pack_terms(rules).question(item.fact, "en")
        entry = re.search(r"\[([0-9]+)\]", item.fact)
        which = "" if entry is None else f" (number {int(entry[1]) + 1})"
        return f"“{_decision_label(decision) if is_decision else label}”{which}: {item.where}"
    return f"{_category_labels(item.categories)}: {item.where}" if item.categories else item.where


def _ground_lines(findings: DecisionFindings, root_given: bool) -> Iterator[str]:
    record, signer = findings.record, findings.record.signer
    yield (
        f"  record {record.jti}, signed by {signer.name} (`{signer.agency}`), "
        f"entry {record.logged.index} of the log"
    )
    if not root_given:
        yield f"  founders' fingerprint: {in_groups(findings.ground.founders)}"
        yield (
            "  NOT COMPARED: give it with --root, or have it read to you. Anybody can found a "
            "directory of their own."
        )
