"""The HTTP interface: POST /invoke, and the probes."""

import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Annotated, Final, TypedDict, cast

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from .model import ModelError
from .service import Agent, StepLimitError, ThreadBusyError

log = logging.getLogger(__name__)

PROBES: Final = frozenset({"/livez", "/readyz"})

# What a caller is told of a failed turn. Everything else is a bug: status 500, and the trace in the log only.
FAILURES: Final[dict[type[Exception], tuple[int, str]]] = {
    NotImplementedError: (501, "not_implemented"),
    ThreadBusyError: (409, "thread_busy"),
    ModelError: (502, "model_failed"),
    StepLimitError: (500, "step_limit"),
}


@dataclass(slots=True)
class Lifecycle:
    """Whether the process is on its way out, which the readiness probe tells."""

    draining: bool = False


@dataclass(frozen=True, slots=True)
class Service:
    """What the application works with while it is open. `check` raises while a dependency cannot be used."""

    agent: Agent
    check: Callable[[], Awaitable[None]]
    lifecycle: Lifecycle


class Invocation(BaseModel):
    """A message to a thread, whose id the caller chooses: `<tenant>/<capability>/<work item>`."""

    model_config = ConfigDict(extra="forbid")

    thread_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$")]
    message: Annotated[str, Field(min_length=1, max_length=32_000)]


class Reply(BaseModel):
    """The outcome of a turn."""

    thread_id: str
    turn: int
    reply: str
    tools_used: list[str]


class _State(TypedDict):
    service: Service


def _service(request: Request) -> Service:
    return cast(Service, request.state.service)


Running = Annotated[Service, Depends(_service)]

router = APIRouter()


@router.post("/invoke")
async def invoke(invocation: Invocation, service: Running) -> Reply:
    """Runs one turn of a thread."""
    turn = await service.agent.invoke(invocation.thread_id, invocation.message)
    return Reply(
        thread_id=invocation.thread_id,
        turn=turn.number,
        reply=turn.reply,
        tools_used=turn.tools_used,
    )


@router.get("/livez")
async def live() -> dict[str, str]:
    """Alive as long as the process can answer; a dependency that is down is no reason to restart it."""
    return {"status": "alive"}


@router.get("/readyz")
async def ready(service: Running, response: Response) -> dict[str, str]:
    """Ready for traffic: not on its way out, and what it depends on can be used."""
    if service.lifecycle.draining:
        response.status_code = 503
        return {"status": "draining"}
    try:
        await service.check()
    except Exception:
        log.warning("not ready", exc_info=True)
        response.status_code = 503
        return {"status": "unavailable"}
    return {"status": "ready"}


def create_app(open_service: Callable[[], AbstractAsyncContextManager[Service]]) -> FastAPI:
    """The application. It opens the service when it starts and closes it after its last request."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[_State]:
        async with open_service() as service:
            log.info("open")
            yield {"service": service}
        log.info("closed")

    app = FastAPI(lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(router)
    app.middleware("http")(_log_request)
    app.add_exception_handler(RequestValidationError, _refuse)
    for failure in FAILURES:
        app.add_exception_handler(failure, _fail)
    return app


async def _log_request(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    start = time.perf_counter()
    response = await call_next(request)
    if request.url.path not in PROBES:
        fields = {
            "method": request.method,
            "path": request.url.path,
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - start) * 1000),
            "traceparent": request.headers.get("traceparent"),
        }
        log.info("request", extra={"fields": fields})
    return response


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    faults = cast(RequestValidationError, error).errors()
    # Which field and which rule: the value that was sent is not repeated.
    text = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults)
    return JSONResponse({"code": "invalid_request", "message": text}, status_code=422)


async def _fail(_: Request, error: Exception) -> JSONResponse:
    status, code = next(FAILURES[kind] for kind in type(error).__mro__ if kind in FAILURES)
    log.warning("turn failed", extra={"fields": {"code": code}}, exc_info=error)
    return JSONResponse({"code": code, "message": str(error)}, status_code=status)
