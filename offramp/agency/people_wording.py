"""The lines that print people: matches, a search, and two cases side by side."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from zoneinfo import ZoneInfo

from offramp.agency.cases import matching
from offramp.agency.operations import Comparison, Person, PersonCase
from offramp.agency.short_handles import short
from rules.author.spoken_dates import spoken_moment

_REASONS = {
    matching.SAME_NAME: "same name",
    matching.LIKE_NAME: "similar name",
    matching.PART_OF_NAME: "part of the name",
    matching.SAME_DATE: "same birth date",
    matching.SWAPPED_DATE: "birth date with day and month swapped",
    matching.LIKE_DATE: "similar birth date",
    matching.SAME_PHONE: "same phone number",
}
_LINKS = {
    "possible": "Nobody has decided yet if they are one person.",
    "same": "They were joined as one person's cases.",
    "different": "They were told apart: two people.",
    "split": "They were joined once, and split again.",
}
_UNKNOWN = "name not known here"


def reasons_text(reasons: Iterable[str]) -> str:
    """Return the reasons for a match in words."""
    return ", ".join(_REASONS[reason] for reason in reasons)


def person_line(person: Person) -> str:
    """Show a person in one line: name, year of birth, and cases."""
    born = f", born {person.birth_date[:4]}" if person.birth_date else ""
    cases = "; ".join(_case_text(case) for case in person.cases)
    why = f" ({reasons_text(person.reasons)})" if person.reasons else ""
    return f"{person.name or _UNKNOWN}{born}: {cases}{why}"


def found_lines(people: Sequence[Person]) -> list[str]:
    """List the people of a search."""
    return [person_line(person) for person in people] or ["nobody here by that name or number"]


def duplicate_lines(people: Sequence[Person], case: str | None = None) -> list[str]:
    """Warn that the person may be known here already. Empty if nobody is like the person."""
    if not people:
        return []
    lines = ["This may be a person whom you know already:"]
    lines += [f"  {person_line(person)}" for person in people]
    if case is not None:
        lines.append(
            f"Compare them: `agency same DIR {short(case)} {short(people[0].cases[-1].case)}`"
        )
    return lines


def comparison_lines(comparison: Comparison, zone: ZoneInfo) -> list[str]:
    """Show two cases side by side."""
    first, second = comparison.first, comparison.second
    rows = [
        ("case", short(first.cases[0].case), short(second.cases[0].case)),
        ("name", first.name or _UNKNOWN, second.name or _UNKNOWN),
        ("born", first.birth_date or "not known", second.birth_date or "not known"),
        ("state", first.cases[0].state, second.cases[0].state),
        ("report", _numbers(first.cases[0]), _numbers(second.cases[0])),
    ]
    width = max(len(left) for _, left, _ in rows)
    lines = [f"{label:<8}{left:<{width + 2}}{right}" for label, left, right in rows]
    common = reasons_text(comparison.reasons) or "nothing that is known here"
    lines.append(f"In common: {common}.")
    if comparison.link is not None:
        lines.append(_LINKS[comparison.link])
    if comparison.split_until is not None:
        until = spoken_moment(comparison.split_until, zone)
        lines.append(f"You can split them until {until}")
    return lines


def _case_text(case: PersonCase) -> str:
    numbers = f", report {', '.join(case.report_numbers)}" if case.report_numbers else ""
    return f"case {short(case.case)} ({case.state}{numbers})"


def _numbers(case: PersonCase) -> str:
    return ", ".join(case.report_numbers) or "-"
