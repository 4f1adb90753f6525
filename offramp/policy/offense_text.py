"""A program's answers to offenses, as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import rules
from offramp.policy.local_packs import local_lines, local_member
from offramp.policy.offense_list import OffenseAnswer
from offramp.policy.operations import OffenseList
from rules.input.printing import printable
from rules.packs.offenses import NONE

_ASSUMED = (
    "the arrest of an adult for this charge alone, neither violent nor toward a minor; "
    "nothing else is known"
)
_GROUPS = (
    ("Pass", True),
    ("Depends on missing facts", None),
    ("Do not pass", False),
)


def offenses_as_text(offense_list: OffenseList) -> str:
    """Return the list as text, in three groups: pass, depends on missing facts, do not pass."""
    return "\n".join(_lines(offense_list))


def _lines(offense_list: OffenseList) -> Iterator[str]:
    pack = offense_list.program.pack
    assert pack.offenses is not None
    yield (
        f"{pack.title}: the sections of {pack.offenses.id} on {offense_list.as_of}, "
        f"each as {_ASSUMED}."
    )
    for title, passes in _GROUPS:
        group = [answer for answer in offense_list.answers if answer.passes is passes]
        yield f"\n{title}: {len(group)}"
        yield from (f"  {_entry(offense_list.program, answer)}" for answer in group)
    yield from local_lines([pack])


def _entry(program: rules.Program, offense_answer: OffenseAnswer) -> str:
    offense = offense_answer.offense
    doubt = " (doubtful)" if offense.provisional else ""
    level = "no offense" if offense.level == NONE else offense.level
    conduct = offense.conduct.replace("_", " ")
    lines = [f"{offense.code}  {level}, {conduct}: {printable(offense.title)}{doubt}"]
    lines += [f"{name}: {_answer(answer)}" for name, answer in offense_answer.answers.items()]
    lines.append(f"Source: {program.pack.sources[offense.source.id].title}")
    return "\n      ".join(lines)


def _answer(answer: rules.Decision) -> str:
    """Return the possible outcomes with the reasons, or with the facts they depend on."""
    outcomes = " or ".join(answer.possible).replace("_", " ")
    if answer.status == "undetermined":
        return f"{outcomes}; depends on {', '.join(entry['fact'] for entry in answer.needed)}"
    return f"{outcomes}. {' '.join(_because(answer))}".rstrip()


def _because(answer: rules.Decision) -> list[str]:
    return list(dict.fromkeys(reason["text"] for reason in answer.reasons))


def offenses_as_json(offense_list: OffenseList) -> dict[str, Any]:
    """Return the list as `offramp offenses --json` prints it."""
    program = offense_list.program
    assert program.pack.offenses is not None
    return {
        "pack": {"id": program.pack.id, "digest": program.digest},
        **local_member(program.pack),
        "as_of": offense_list.as_of,
        "table": program.pack.offenses.id,
        "assumed": _ASSUMED,
        "offenses": [_as_json(program, answer) for answer in offense_list.answers],
    }


def _as_json(program: rules.Program, offense_answer: OffenseAnswer) -> dict[str, Any]:
    offense = offense_answer.offense
    source = program.pack.sources[offense.source.id]
    return {
        "code": offense.code,
        "title": printable(offense.title),
        "level": offense.level,
        "drugs": list(offense.drugs),
        "conduct": offense.conduct,
        "source": {
            "id": source.id,
            "title": source.title,
            "at": offense.source.at,
            "confidence": source.confidence,
        },
        "provisional": offense.provisional,
        "passes": offense_answer.passes,
        **{name: _answer_as_json(answer) for name, answer in offense_answer.answers.items()},
    }


def _answer_as_json(answer: rules.Decision) -> dict[str, Any]:
    return {
        "status": answer.status,
        "possible": answer.possible,
        "because": _because(answer),
        "needed": [entry["fact"] for entry in answer.needed],
    }
