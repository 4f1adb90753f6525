"""What came in a case: open it, and answer what another agency asks back."""

from __future__ import annotations

from starlette.responses import Response

from offramp.agency import operations
from offramp.console.agency.pages.telling import delivery_of
from offramp.console.agency.routes import WORKERS, action, page
from offramp.console.agency.visit import Elsewhere, Invalid, Visit

_NOTHING_BACK = "No agency asks anything back in this case now."


@page("/people/{c}/open", WORKERS, begins=True)
def open_page(visit: Visit) -> Response:
    """Show what came, kind by kind. After opening, show once what binds the person."""
    opened = visit.recall(_opened(visit))
    visit.forget(_opened(visit))
    return visit.show(
        "open.html",
        "What came",
        about=operations.describe_about(visit.office, visit.case),
        unopened=operations.list_unopened(visit.office, visit.case),
        opened=opened,
        case=visit.address_of(visit.case),
    )


@action("/people/{c}/open", WORKERS)
def open_parts(visit: Visit) -> Response:
    """Open what arrived, in the person's name. A notice, and what stays closed, is shown next."""
    opened = operations.open_arrivals(visit.office, visit.actor, visit.case)
    if not opened.notices and not opened.refusals:
        return visit.go(visit.address_of(visit.case))
    visit.remember(_opened(visit), opened.as_json())
    return visit.go(f"{visit.path}?opened")


def _opened(visit: Visit) -> str:
    return f"opened {visit.case}"


@page("/people/{c}/recalled", WORKERS, begins=True)
def recalled(visit: Visit) -> Response:
    """Show what other agencies ask back, with both answers."""
    recalls = operations.list_recalls(visit.office, visit.case)
    answered = visit.recall(_answered(visit))
    visit.forget(_answered(visit))
    return visit.show(
        "recalled.html",
        "Asked back",
        about=operations.describe_about(visit.office, visit.case),
        recalls=recalls,
        grounds=list(operations.KEEP_REASONS.items()),
        answered=answered,
        case=visit.address_of(visit.case),
    )


@action("/people/{c}/recalled", WORKERS)
def answer_recall(visit: Visit) -> Response:
    """Delete what is asked back, or keep it on a legal ground."""
    recalls = {
        recall.record: recall for recall in operations.list_recalls(visit.office, visit.case)
    }
    if not recalls:
        raise Elsewhere(visit.path, _NOTHING_BACK)
    recall = recalls.get(visit.field("record"))
    keeps = visit.field("keep") or None
    if recall is None or (visit.field("answer") != "delete" and keeps is None):
        raise Invalid({"answer": "Choose to delete it or to keep it"})
    if keeps is not None and keeps not in operations.KEEP_REASONS:
        raise Invalid({f"ground-{recall.record}": "Choose the ground on which you keep it"})
    answer = operations.answer_recalls(
        visit.office, visit.actor, visit.case, keep_because=keeps, record=recall.record
    )
    sent = all(delivery_of(record.state)["state"] == "sent" for record in answer.records)
    visit.remember(
        _answered(visit),
        {
            "by": recall.by,
            "kept": operations.KEEP_REASONS[keeps] if keeps else None,
            "sent": sent,
            "decisions": list(recall.decisions),
        },
    )
    return visit.go(f"{visit.path}?answered")


def _answered(visit: Visit) -> str:
    return f"answered {visit.case}"
