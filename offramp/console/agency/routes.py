"""The addresses of an agency's console: for each, the roles and agencies that it is for.

A page declares itself with `@page`, and what a form does with `@action`. `ROUTES` is then the whole
table: who isn't named in it gets "Not here". The operations check role and caseload again, and
their refusal is final.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from rules.frozen import frozen

if TYPE_CHECKING:
    from starlette.responses import Response

    from offramp.console.agency.visit import Visit

    Handler = Callable[[Visit], Response]
else:
    Handler = Callable

WORKERS = ("member", "supervisor")
# The kinds of agency that may ask a person for consent.
COLLECTORS = ("case_management", "treatment_provider", "service_provider", "health_provider")
OFFERERS = ("sender", "member", "supervisor")
EVERYBODY = ("member", "supervisor", "sender", "chair", "admin", "auditor")


# Forms that only search or choose, and forms about staff and the folder itself. Also taking a
# consent back, which nothing holds up.
_STATING_NOTHING = (
    *("/admin/", "/you/", "/colleagues/", "/glass/", "/people/find/", "/people/compare/"),
    *("/emergencies/choose/", "/people/{c}/consents/"),
    *("/people/{c}/consent/person/leave/", "/people/{c}/consent/person/choose/"),
)


@frozen
class Route:
    """An address with a method, and the people that it is for.

    `roles` are a person's in the agency. `kinds` are the agency's own roles in the directory, empty
    for every agency. `{c}` in a path is a case's id in addresses. A `translated` page is in the
    language that was chosen in the session, and every other page is in English. A page `in_hand` is
    reached while the person of the case has the tablet, and no other page is. A page that `begins`
    an act is refused in a folder that isn't in use, before anything is typed.
    """

    method: str
    path: str
    roles: tuple[str, ...]
    kinds: tuple[str, ...]
    handler: Handler
    translated: bool = False
    in_hand: bool = False
    begins: bool = False

    def admits(self, roles: Iterable[str], kind: str | None) -> bool:
        """Report whether the page is for a person with these roles at an agency of this kind."""
        return bool(set(roles) & set(self.roles)) and (not self.kinds or kind in self.kinds)

    @property
    def states(self) -> bool:
        """True if a form that is sent here may state something to others, or keep it for that."""
        return self.method == "POST" and not f"{self.path}/".startswith(_STATING_NOTHING)


@frozen
class Tab:
    """A tab of the bar: its page, its words, and its icon."""

    path: str
    label: str
    icon: str


# The tabs in their order. A person sees those of the own pages, at most five. "Find a person" is
# always the last.
TABS = (
    Tab("/offer", "Offer", "shield"),
    Tab("/queue", "Queue", "scale"),
    Tab("/applications", "Waiting", "clock"),
    Tab("/today", "Today", "home"),
    Tab("/asked", "Asked", "q"),
    Tab("/clients", "Clients", "people"),
    Tab("/mine", "Mine", "list"),
    Tab("/people", "People", "people"),
    Tab("/meeting", "Meeting", "list"),
    Tab("/admin/people", "Staff", "user"),
    Tab("/admin/exchange", "Exchange", "mail"),
    Tab("/admin/backup", "Backup", "clock"),
    Tab("/admin/looked", "Who looked", "eye"),
    Tab("/admin/doctor", "Doctor", "check"),
    Tab("/people/find", "Find a person", "search"),
)
MOST_TABS = 5

ROUTES: dict[tuple[str, str], Route] = {}


def page(
    path: str,
    roles: tuple[str, ...],
    *,
    kinds: tuple[str, ...] = (),
    translated: bool = False,
    in_hand: bool = False,
    begins: bool = False,
) -> Callable[[Handler], Handler]:
    """Declare the function that shows a page."""
    return _declare("GET", path, roles, kinds, translated, in_hand, begins=begins)


def action(
    path: str,
    roles: tuple[str, ...],
    *,
    kinds: tuple[str, ...] = (),
    translated: bool = False,
    in_hand: bool = False,
) -> Callable[[Handler], Handler]:
    """Declare the function that does what a form says. It returns `visit.go(…)`."""
    return _declare("POST", path, roles, kinds, translated, in_hand)


def _declare(
    method: str,
    path: str,
    roles: tuple[str, ...],
    kinds: tuple[str, ...],
    translated: bool,
    in_hand: bool,
    *,
    begins: bool = False,
) -> Callable[[Handler], Handler]:
    def declare(handler: Handler) -> Handler:
        if (method, path) in ROUTES:
            raise ValueError(f"two functions for {method} {path}")
        route = Route(method, path, roles, kinds, handler, translated, in_hand, begins)
        ROUTES[method, path] = route
        return handler

    return declare


def collect_routes() -> tuple[Route, ...]:
    """Return the routes of all imported pages. A path without a parameter comes first."""
    return tuple(sorted(ROUTES.values(), key=lambda route: (route.path.count("{"), route.path)))


def all_tabs_of(roles: Iterable[str], kind: str | None) -> tuple[Tab, ...]:
    """Return the tabs of all pages that are for a person, in their order."""
    roles = tuple(roles)
    return tuple(
        tab
        for tab in TABS
        if (route := ROUTES.get(("GET", tab.path))) is not None and route.admits(roles, kind)
    )


def has_page(path: str, roles: Iterable[str], kind: str | None) -> bool:
    """Report whether a page is for a person with these roles at an agency of this kind."""
    route = ROUTES.get(("GET", path))
    return route is not None and route.admits(roles, kind)


def tabs_of(roles: Iterable[str], kind: str | None) -> tuple[Tab, ...]:
    """Return the tabs of a person, at most five."""
    tabs = all_tabs_of(roles, kind)
    find = [tab for tab in tabs if tab.path == "/people/find"]
    others = [tab for tab in tabs if tab.path != "/people/find"]
    return (*others[: MOST_TABS - len(find)], *find)
