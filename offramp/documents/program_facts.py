"""The facts about a program in its pack: its pilot, places, money, bodies, and open cases."""

from __future__ import annotations

from collections.abc import Iterator

from offramp.policy.break_even import break_even_text
from rules.author.phrases import spell_name
from rules.packs.pack import Body, Item, Program

KINDS = {
    "base": "Other packs extend it. No agency runs it as it is.",
    "plan": "It was announced and never opened.",
}


def program_facts(program: Program) -> Iterator[tuple[str, str, Item]]:
    """Yield a label, a text, and the item with the source of the text."""
    if program.pilot:
        yield "Pilot", program.pilot.says or "It began as a pilot.", program.pilot
    for places in program.places:
        most = f" to {places.high}" if places.high is not None else ""
        yield "Places", f"{places.value}{most} at once", places
    for funding in program.funding:
        yield "Money", funding.says, funding
    for entry in program.break_even:
        yield "What would have to be true", break_even_text(entry), entry
    for body in program.bodies:
        yield "Body", _body(body), body
    if program.open_cases:
        yield "Cases open at the end", program.open_cases.says, program.open_cases


def _body(body: Body) -> str:
    members = ", ".join([*map(spell_name, body.members), *body.others])
    return "".join(
        [body.name, f" ({members})" if members else "", f". {body.does}" if body.does else ""]
    )
