"""Labels: the only part of a part that the hub sees."""

from __future__ import annotations

from exchange.records.statements import Statement
from rules.frozen import frozen


@frozen
class Label:
    """The clear half of a part.

    - `category`: the categories of its content.
    - `sensitivity`: plain, health, or part2 (42 CFR Part 2).
    - `use`: none or no_adverse_action.
    - `notice`: a version of the notice of 42 CFR 2.32, or none.
    - `keep_until`: the last day to keep it, an ISO date.
    - `statement`: the statement that the kind of record requires, if any.
    - `content_digest`: the digest of the content's disclosure.
    """

    id: str
    category: tuple[str, ...]
    sensitivity: str
    use: str
    notice: str
    keep_until: str
    statement: Statement | None
    content_digest: str
