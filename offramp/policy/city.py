"""A city that starts its own pack."""

from __future__ import annotations

from datetime import date

from rules.frozen import frozen


@frozen
class City:
    """The folder as its author wrote it, the pack's id, and the program's first day."""

    folder: str
    id: str
    starts: date

    @property
    def source(self) -> str:
        """The id of the source for the city's own rules."""
        return f"{self.id}-decision"

    @property
    def title(self) -> str:
        """The city's name, made from the id."""
        return self.id.replace("-", " ").title()
