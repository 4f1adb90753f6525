"""A task of an agency: the step, the role that takes it, and the deadline."""

from __future__ import annotations

from rules.frozen import frozen

# The states of a task, the most pressing first.
OVERDUE, RUNNING, OPEN = "overdue", "running", "open"
# Steps that are done in one way, whatever they are about.
OPENING, RECALL, ANSWER, COMPARE, STATUS = "open", "recall", "answer", "compare", "status"
CONCERN = "concern"
ACTIONS = (OPENING, RECALL, ANSWER, COMPARE, STATUS, CONCERN)


@frozen
class Task:
    """A step that a role must take.

    `what` is a sentence. `due` is a UTC time or a day, None without a deadline. `about` is the
    clock, fact, record, or step that the task comes from. `person` is the participant's name, None
    where it isn't known here. `wanted_for` is the decision that lacks a fact, where the task is no
    more than to state it when it is known. `asks` is the fact that another agency asks for.
    `action` is the kind of step where it is one of `ACTIONS`. `since` is when it began to wait, in
    seconds since 1970, None where that isn't known.
    """

    case: str
    owner: str
    what: str
    state: str
    about: str
    due: str | None = None
    person: str | None = None
    wanted_for: str | None = None
    asks: str | None = None
    action: str | None = None
    since: int | None = None

    def as_json(self) -> dict[str, str | int | None]:
        """Return the task as `agency tasks --json` prints it."""
        return {
            "case": self.case,
            "person": self.person,
            "owner": self.owner,
            "what": self.what,
            "state": self.state,
            "due": self.due,
            "about": self.about,
            "wanted_for": self.wanted_for,
            "asks": self.asks,
            "action": self.action,
            "since": self.since,
        }
