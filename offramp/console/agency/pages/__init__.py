"""The pages of an agency's console. Each calls operations and nothing else.

Each module declares its routes with `@page` and `@action`. A module that isn't imported here has
none.
"""

from offramp.console.agency.pages import admin, offer, people, telling, today, you

__all__ = ["admin", "offer", "people", "telling", "today", "you"]
