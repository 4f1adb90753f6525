"""A part's label: the one thing about a part that the hub sees."""

from __future__ import annotations

from exchange.records.statements import Statement
from rules.frozen import frozen


@frozen
class Label:
    """What is clear about a part: its id, categories, how sensitive it is, its limit of use, notice and last day, its
    statement.

    `sensitivity` is plain, health or part2 (42 CFR Part 2); `use` none or no_adverse_action; `notice` a version of the notice
    of 42 CFR 2.32, or none; `keep_until` an ISO day. `content_digest` is what the content's disclosure must hash to.
    """

    id: str
    category: tuple[str, ...]
    sensitivity: str
    use: str
    notice: str
    keep_until: str
    statement: Statement | None
    content_digest: str
