"""The HTTP API: POST /invoke and the probes."""

import logging
import math
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import Annotated, Any, Final, TypedDict, cast
from urllib.parse import quote

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .caller import NAME, Caller, Trace, trace_of
from .credentials import Accepted
from .graph import AnswerLimitError
from .lifecycle import Lifecycle, OutOfTimeError
from .logs import log_with
from .model import ModelError, TooLongError
from .threads import ThreadBusyError, ThreadsUnavailableError
from .turns import QuestionClosedError, RepeatedMessageError, Turns

log = logging.getLogger(__name__)

PROBES: Final = frozenset({"/livez", "/readyz"})
MAX_BODY_BYTES: Final = 256 * 1024

# The responses to failed turns. Any other exception is a bug: status 500, the stack trace is only logged.
FAILURES: Final[Mapping[type[Exception], tuple[HTTPStatus, str]]] = {
    NotImplementedError: (HTTPStatus.NOT_IMPLEMENTED, "not_implemented"),
    ThreadBusyError: (HTTPStatus.CONFLICT, "thread_busy"),
    RepeatedMessageError: (HTTPStatus.CONFLICT, "repeated_message"),
    QuestionClosedError: (HTTPStatus.CONFLICT, "question_closed"),
    ThreadsUnavailableError: (HTTPStatus.SERVICE_UNAVAILABLE, "store_unavailable"),
    ModelError: (HTTPStatus.BAD_GATEWAY, "model_failed"),
    OutOfTimeError: (HTTPStatus.GATEWAY_TIMEOUT, "out_of_time"),
    AnswerLimitError: (HTTPStatus.UNPROCESSABLE_ENTITY, "answer_limit"),
    TooLongError: (HTTPStatus.UNPROCESSABLE_ENTITY, "too_long"),
}


@dataclass(frozen=True, slots=True)
class Resources:
    """The resources of the running application. `check` raises if a dependency is unavailable."""

    turns: Turns
    accepted: Accepted
    check: Callable[[], Awaitable[None]]
    lifecycle: Lifecycle


class Invocation(BaseModel):
    """A message to a thread. The caller chooses both ids, and resends the same message after a failure."""

    model_config = ConfigDict(extra="forbid")

    thread_id: Annotated[
        str,
        Field(
            max_length=1000,
            pattern=r"^[A-Za-z0-9._~%-]+(/[A-Za-z0-9][A-Za-z0-9._-]*)*$",
            description="<tenant>/<capability>/<work item>; the tenant is percent-encoded",
        ),
    ]
    message_id: Annotated[
        str,
        Field(
            max_length=100,
            pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]*$",
            description="idempotency key, unique in its thread",
        ),
    ]
    message: Annotated[str, Field(min_length=1, max_length=32_000)]
    answers: Annotated[
        str | None,
        Field(
            max_length=100,
            description="the message_id whose response was the question that this message answers",
        ),
    ] = None


class Reply(BaseModel):
    """The outcome of a turn; `tools_used` lists the tools of the whole thread.

    If a step called interrupt(), there is a `question` instead of a `reply`.
    """

    thread_id: str
    turn: int
    reply: str | None
    question: Any = None
    tools_used: list[str]


class Problem(BaseModel):
    """Problem details (RFC 9457); `code` is for programs."""

    title: str
    status: int
    detail: str
    code: str


class _State(TypedDict):
    resources: Resources


def _resources(request: Request) -> Resources:
    return cast(Resources, request.state.resources)


Open = Annotated[Resources, Depends(_resources)]


def _caller(request: Request, resources: Open) -> Caller:
    if not resources.accepted.accepts(request.headers.get("authorization", "")):
        raise HTTPException(
            HTTPStatus.UNAUTHORIZED, "missing or invalid token", {"www-authenticate": "Bearer"}
        )
    tenants = request.headers.getlist("tenant-id")
    if len(tenants) != 1 or not NAME.fullmatch(tenants[0]):
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, "the header tenant-id must be set once, with 1 to 200 visible characters"
        )
    subject = request.headers.get("subject-id", "")
    if subject and not NAME.fullmatch(subject):
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, "the header subject-id must have 1 to 200 visible characters"
        )
    return Caller(tenants[0], subject, cast(Trace, request.state.trace))


router = APIRouter()


@router.post(
    "/invoke",
    response_model_exclude_none=True,
    responses={"default": {"model": Problem, "description": "The turn failed"}},
)
async def invoke(
    invocation: Invocation, caller: Annotated[Caller, Depends(_caller)], resources: Open
) -> Reply:
    """Run one turn of a thread, which must belong to the caller's tenant."""
    thread_id = invocation.thread_id
    # Not in _caller: FastAPI runs it in a thread, whose context variables are not seen here.
    log_with(
        tenant=caller.tenant,
        subject=caller.subject,
        thread_id=thread_id,
        message_id=invocation.message_id,
    )
    if thread_id.split("/")[0] != quote(caller.tenant, safe=""):
        raise HTTPException(HTTPStatus.FORBIDDEN, "the thread belongs to another tenant")
    turn = await resources.turns.take(
        caller, thread_id, invocation.message_id, invocation.message, invocation.answers
    )
    return Reply(
        thread_id=thread_id,
        turn=turn.number,
        reply=turn.reply,
        question=turn.question,
        tools_used=turn.tools_used,
    )


@router.get("/livez")
async def live() -> dict[str, str]:
    """Report that the process is alive. An unavailable dependency is no reason to restart it."""
    return {"status": "alive"}


@router.get("/readyz")
async def ready(resources: Open, response: Response) -> dict[str, str]:
    """Report whether the process is ready: it is not draining, and its dependencies are available."""
    if resources.lifecycle.draining:
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return {"status": "draining"}
    try:
        await resources.check()
    except Exception as error:
        log.warning("not ready", extra={"fields": {"error": f"{type(error).__name__}: {error}"}})
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        return {"status": "unavailable"}
    return {"status": "ready"}


def create_app(open_resources: Callable[[], AbstractAsyncContextManager[Resources]]) -> FastAPI:
    """Create the application. It opens its resources on startup and closes them after the last request."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[_State]:
        async with open_resources() as resources:
            log.info("open")
            yield {"resources": resources}
        log.info("closed")

    name = __package__ or ""
    app = FastAPI(title=name, version=version(name), lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(router)
    # Not FastAPI's max_body_size, which runs outside of RequestLog.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY_BYTES)
    app.add_middleware(RequestLog)
    app.add_exception_handler(HTTPException, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_invalid)
    for failure in FAILURES:
        app.add_exception_handler(failure, _fail)
    return app


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
            answer = _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "An internal error occurred.")
            await answer(scope, receive, send_with_id)
        finally:
            fields = {
                "method": scope["method"],
                "path": scope["path"],
                "status": status,
                "milliseconds": round((time.perf_counter() - start) * 1000),
            }
            log.info("request", extra={"fields": fields})


def _problem(
    status: HTTPStatus, detail: str, code: str | None = None, headers: Mapping[str, str] | None = None
) -> JSONResponse:
    problem = Problem(title=status.phrase, status=status, detail=detail, code=code or status.name.lower())
    return JSONResponse(problem.model_dump(), status.value, headers, media_type="application/problem+json")


async def _refuse(_: Request, error: Exception) -> JSONResponse:
    refusal = cast(HTTPException, error)
    return _problem(HTTPStatus(refusal.status_code), refusal.detail, headers=refusal.headers)


async def _refuse_invalid(_: Request, error: Exception) -> JSONResponse:
    faults = cast(RequestValidationError, error).errors()
    # Field and rule only: the response does not contain the value.
    text = "; ".join(f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in faults)
    return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, text, "invalid_request")


async def _fail(_: Request, error: Exception) -> JSONResponse:
    status, code = next(FAILURES[kind] for kind in type(error).__mro__ if kind in FAILURES)
    # Without the stack trace: these errors are expected, and their causes may contain model output.
    log.warning("turn failed", extra={"fields": {"code": code, "error": str(error)}})
    headers: dict[str, str] = {}
    if isinstance(error, ThreadBusyError):
        headers["retry-after"] = str(max(1, math.ceil(error.seconds)))
    return _problem(status, str(error), code, headers)
