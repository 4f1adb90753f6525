"""Health and counts for the operator, from the hub's own machine only."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response

from offramp import __version__
from offramp.hub.api import models
from offramp.hub.api.answers import TEXT, answer
from offramp.hub.api.models import describe
from offramp.hub.api.requests import check_local, service_of

router = APIRouter()


@router.get(
    "/health",
    **describe("Report that the hub runs. From its own machine only.", models.Health, signed=False),
)
async def health(request: Request) -> Response:
    check_local(request)
    size = await service_of(request).writer.do(lambda hub: hub.log.size)
    return answer({"status": "ok", "size": size, "version": __version__})


@router.get(
    "/metrics",
    **describe(
        "Return counts, none of them about a case. From the hub's own machine only.",
        models.TEXT,
        signed=False,
    ),
)
async def metrics(request: Request) -> Response:
    check_local(request)
    service = service_of(request)
    lines = [f"offramp_log_size {await service.writer.do(lambda hub: hub.log.size)}"]
    lines += [
        f'offramp_requests_total{{path="{path}",status="{status}"}} {count}'
        for (path, status), count in sorted(service.request_counts.items())
    ]
    return Response("\n".join(lines) + "\n", media_type=TEXT)
