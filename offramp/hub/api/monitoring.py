"""Health and counts for the operator, on a socket of their own that only this machine reaches.

They are served by a thread of their own, so that they answer while the hub is busy.
"""

from __future__ import annotations

import asyncio
import resource
import shutil
import socket
import threading

import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response

from offramp import __version__
from offramp.hub.api import models
from offramp.hub.api.answers import TEXT, answer
from offramp.hub.api.models import describe
from offramp.hub.api.requests import service_of
from offramp.hub.patience import Connections, protocol_over
from offramp.hub.service import Service
from rules.errors import RequestError

ADDRESS = "127.0.0.1"
# A writer that has not answered for so long is stuck.
ANSWER_WITHIN = 5.0
router = APIRouter()


@router.get("/health", **describe("Report that the hub runs.", models.Health, signed=False))
async def health(request: Request) -> Response:
    service = service_of(request)
    try:
        async with asyncio.timeout(ANSWER_WITHIN):
            size = await service.writer.do(lambda hub: hub.log.size)
    except TimeoutError:
        return answer({"status": "busy", "size": None, "version": __version__}, 503)
    return answer({"status": "ok", "size": size, "version": __version__})


@router.get(
    "/metrics",
    **describe("Return counts, none of them about a case.", models.TEXT, signed=False),
)
async def metrics(request: Request) -> Response:
    service = service_of(request)
    lines = [f"offramp_{name} {value}" for name, value in _numbers(service).items()]
    lines += [
        f'offramp_refusals_total{{code="{code}"}} {count}'
        for code, count in sorted(service.refusal_counts.copy().items())
    ]
    lines += [
        f'offramp_requests_total{{path="{path}",status="{status}"}} {count}'
        for (path, status), count in sorted(service.request_counts.copy().items())
    ]
    return Response("\n".join(lines) + "\n", media_type=TEXT)


def _numbers(service: Service) -> dict[str, int]:
    """Return what an operator watches, by name. No number is about a member or a case."""
    database = service.folder.database
    wal = database.with_name(f"{database.name}-wal")
    return {
        "log_size": service.hub.log.size,
        "connections": service.connections.count,
        "connections_refused_total": service.connections.refused,
        "requests_in_flight": service.in_flight.requests,
        "body_bytes_in_flight": service.in_flight.bytes,
        "jobs_waiting": service.writer.waiting_jobs,
        "database_bytes": sum(path.stat().st_size for path in (database, wal) if path.exists()),
        "disk_free_bytes": shutil.disk_usage(service.folder.path).free,
        "memory_peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


class Monitor:
    """The thread that serves health and counts. Raises `RequestError` `port-taken`."""

    def __init__(self, service: Service, port: int) -> None:
        app = FastAPI(title="Offramp hub's health", docs_url=None, redoc_url=None)
        app.state.service = service
        app.include_router(router)
        config = uvicorn.Config(
            app,
            http=protocol_over(Connections()),
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=100,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        try:
            self._socket = socket.create_server((ADDRESS, port))
        except OSError as error:
            raise RequestError(
                "port-taken",
                f"health can't be served on {ADDRESS}:{port}: {error.strerror}",
                fix="set another `health_port` in hub.toml, or give `--health-port`",
            ) from None
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, name="monitor", daemon=True)

    def start(self) -> None:
        """Serve from now on."""
        self._thread.start()

    def stop(self) -> None:
        """Serve nothing more."""
        self._server.should_exit = True

    def wait(self) -> None:
        """Wait for the end after `stop`. A thread that works while Python ends can crash it."""
        self._thread.join(10)

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])
