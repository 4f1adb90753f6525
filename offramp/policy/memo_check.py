"""Check a memo against the two packs that it is of, before somebody signs it.

A digest says that a memo is the one that was made, and not that it is true. So everything that
follows from both packs is worked out again: with the solver the whole memo, without it all that
needs none. What rests on a file that isn't here can't be checked: counted rows, and the open cases
of another agency.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from offramp.adoption import PackFiles
from offramp.memo_file import MemoFile
from offramp.policy.change_effect import names_that_change
from offramp.policy.change_parts import PlainParts
from offramp.policy.change_scenarios import AskedScenarios, ask_again
from offramp.policy.change_sides import ChangeSide, unpacked
from offramp.policy.change_text import memo_lines
from rules.author.scenarios import passes
from rules.decide.program import Program
from rules.errors import Refusal, RequestError
from rules.input.printing import plain, printable
from rules.packs.digest import digest
from rules.prove.sides import Side, decided, rules_of

# What a check leaves out: it rests on what only the author has, or says where the memo is from.
_EXAMPLES = {
    "example",
    "facts",
    "rules",
    "open",
    "with_unknowns",
    "with_unknowns_open",
    "with_unknowns_complete",
}
# In no memo of two programs that run on all its days, or that have other rules before.
_OF_SOME = ("without_rules", "same_rules_since")
_HEAD_OF_ONE = ("side", "covers", "rules_of", "compared_with")
_EDGES = ("edges", "uncovered", "none_possible")
_NOT_MADE_AGAIN = {"memo", "repeat", "cohort"}


def check_plain_parts(memo: MemoFile, old: PackFiles, new: PackFiles) -> None:
    """Work out again what needs no solver: the redline, findings, scenarios, and each example.

    Raises `RequestError` `memo-not-true`, with the first part that differs.
    """
    value = memo.value
    with unpacked(old, new, date.fromisoformat(value["new"]["day"])) as sides:
        try:
            wrong = next(_differing_parts(value, sides), None)
            list(memo_lines(value))
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            wrong = "its form"
        except Refusal as refusal:
            wrong = f"a case ({refusal.message})"
    if wrong is not None:
        raise not_true(wrong)


def differing_parts(stated: Mapping[str, Any], made: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the parts in which a memo differs from the same memo made again.

    What rests on files that only the author has is left out. So are the examples: another version
    of the solver may meet other cases, and each is decided again by `check_plain_parts`.
    """
    names = dict.fromkeys((*made, *stated))
    return tuple(
        name
        for name in names
        if name not in _NOT_MADE_AGAIN
        and _comparable(name, stated.get(name)) != _comparable(name, made.get(name))
    )


def not_true(part: str) -> RequestError:
    """Return the refusal of a memo that states what the two packs don't give."""
    return RequestError(
        "memo-not-true",
        f"the memo is not true of the two packs: `{printable(part)}` differs from what they give",
        fix="don't sign, and ask the proposer for the memo that `offramp change` makes",
    )


def _comparable(name: str, part: Any) -> Any:
    """Return a part of a memo without what isn't compared."""
    value = plain(part)
    if name == "open_cases":
        return {key: entry for key, entry in value.items() if key != "own"}
    if name == "scenarios":
        return {key: entry for key, entry in value.items() if key not in _EDGES}
    return _without_examples(value)


def _without_examples(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _without_examples(part) for name, part in value.items() if name not in _EXAMPLES
        }
    return [_without_examples(part) for part in value] if isinstance(value, list) else value


# Without the solver


def _differing_parts(
    value: Mapping[str, Any], sides: tuple[ChangeSide, ChangeSide]
) -> Iterator[str]:
    parts = PlainParts(sides, ())
    head = parts.head()
    for name in dict.fromkeys((*head, *_OF_SOME)):
        if plain(head.get(name)) != value.get(name):
            yield name
    days = [value, *value["later"]]
    if [part["covers"] for part in value["later"]] != [
        stretch.as_json() for stretch in parts.stretches[1:]
    ]:
        yield "later"
        return
    one_sided = list(value.get("one_sided", ()))
    heads = [plain(stretch.as_json()) for stretch in parts.one_sided]
    if [{name: part[name] for name in _HEAD_OF_ONE} for part in one_sided] != heads:
        yield "one_sided"
        return
    for stated, (stretch, lines) in zip([*days, *one_sided], parts.parts_on_days, strict=True):
        for name, made in parts.changes(stretch, lines).items():
            if plain(made) != stated[name]:
                yield name
        decided_names = [*stated["decisions"], *stated["unchanged"]]
        if sorted(decided_names) != sorted(parts.names):
            yield "unchanged"
        through = parts.changed_only_through(stretch, stated["unchanged"])
        if through != stated["changed_only_through"]:
            yield "changed_only_through"
        yield from _wrong_examples(stated["decisions"], stretch.formal)
    own = {"own": value["open_cases"]["own"]} if "own" in value["open_cases"] else {}
    if {**parts.open_cases(*names_that_change(value)), **own} != value["open_cases"]:
        yield "open_cases"
    if plain(parts.program()) != {name: value[name] for name in ("program",) if name in value}:
        yield "program"
    yield from _wrong_scenarios(value, parts)


def _wrong_examples(decisions: Mapping[str, Any], formal: tuple[Side, Side]) -> Iterator[str]:
    """Decide each smallest case again, on both sides."""
    for name, answer in decisions.items():
        for pair in answer["pairs"]:
            example = pair["example"]
            answers = [decided(side, name, example["facts"]) for side in formal]
            for side, found in zip(("before", "after"), answers, strict=True):
                if found is None or found.status != "decided":
                    yield f"{name}: the smallest case"
                    return
                if not _is_outcome(found.outcome, pair, side):
                    yield f"{name}: the smallest case"
                if list(rules_of(found)) != example["rules"][side]:
                    yield f"{name}: the rules of the smallest case"


def _is_outcome(outcome: Any, pair: Mapping[str, Any], side: str) -> bool:
    if "outcome" not in pair:
        return bool(outcome == pair[side])
    is_given: bool = pair["outcome"] in (outcome or ())
    return is_given == bool(pair[side] == "given")


def _wrong_scenarios(value: Mapping[str, Any], parts: PlainParts) -> Iterator[str]:
    stated = value["scenarios"]
    asked = AskedScenarios.from_json(stated["list"])
    found = ask_again(asked, parts.sides, parts.formal, parts.names)
    if stated["asked"] != len(asked.scenarios):
        yield "scenarios: how many were asked"
    if [flip.as_json() for flip in found.flips] != stated["flips"]:
        yield "scenarios: those that flip"
    if [item.as_json() for item in found.unanswered] != stated.get("unanswered", []):
        yield "scenarios: those without an answer"
    if [scenario.as_json() for scenario in found.failing] != stated.get("failing", []):
        yield "scenarios: those that fail"
    program = Program(parts.sides[1].pack)  # a ready scenario has its own day
    edges = AskedScenarios.from_json({**edge, "of": "new"} for edge in stated["edges"])
    for edge in edges.scenarios:
        if not edge.expect or not passes(program, edge):
            yield f"scenarios: {edge.id}"
    if parts.findings(found.failing, value["promises"]["broken"]) != value["findings"]:
        yield "findings"


def check_whole_memo(memo: MemoFile, old: PackFiles, new: PackFiles, seconds: float) -> bool:
    """Make a memo again from both packs with the solver, and compare the two.

    Returns False if the solver had no answer within `seconds` for a decision. Raises `RequestError`
    `memo-not-true`, with the parts that differ.
    """
    from offramp.policy.change import memo_of

    value = memo.value
    asked = AskedScenarios.from_json(value["scenarios"]["list"])
    with unpacked(old, new, date.fromisoformat(value["new"]["day"])) as sides:
        made = memo_of(sides, (), seconds, listed=asked)
    differing = differing_parts(value, made.value)
    if not differing:
        return True
    if any(answer.is_out_of_time for answer in made.answers):
        return False
    raise not_true(", ".join(differing))


def digest_of_files(files: PackFiles) -> str:
    """Return the digest of what a pack's files resolve to."""
    return digest(files.pack())
