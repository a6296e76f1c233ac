"""The log of requests, and the ids by which their log lines are found."""

import logging
import time
from http import HTTPStatus
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .caller import trace_of
from .logs import log_with
from .problems import INTERNAL, problem

log = logging.getLogger(__name__)

PROBES: Final = frozenset({"/livez", "/readyz"})


class RequestLog:
    """Assigns each request an id, adds it to the response and all log records, and logs the request.

    The id is the trace id: that of the caller's `traceparent`, or of a new trace.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; answer 500 to an unhandled exception."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        trace = trace_of(headers.get("traceparent", ""), headers.get("tracestate", ""))
        scope.setdefault("state", {})["trace"] = trace
        log_with(trace_id=trace.id)
        start = time.perf_counter()
        status: int | None = None

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = trace.id
            await send(message)

        try:
            await self._app(scope, receive, send_with_id)
        except Exception:
            log.exception("request failed")
            if status is not None:
                raise
            answer = problem(HTTPStatus.INTERNAL_SERVER_ERROR, INTERNAL)
            await answer(scope, receive, send_with_id)
        finally:
            fields = {
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "milliseconds": round((time.perf_counter() - start) * 1000),
            }
            log.info("request", extra={"fields": fields})
