"""The HTTP API: turns, threads and the probes."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import Annotated, Any, Final, Literal, TypedDict, cast
from urllib.parse import quote

from fastapi import APIRouter, Depends, FastAPI, Header, Path, Request, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from .caller import NAME, Caller, Trace
from .credentials import Accepted
from .lifecycle import Lifecycle
from .logs import log_with
from .problems import Problem, add_handlers
from .request_log import RequestLog
from .turns import Message, Turns

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 256 * 1024

ThreadId = Annotated[
    str,
    Field(
        max_length=1000,
        pattern=r"^[A-Za-z0-9._~%-]+(/[A-Za-z0-9][A-Za-z0-9._-]*)*$",
        description="<tenant>/<capability>/<work item>; the tenant is percent-encoded",
    ),
]


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

    thread_id: ThreadId
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
    data: Annotated[Any, Field(description="the answer as a JSON value, instead of the text")] = None


class Reply(BaseModel):
    """The outcome of a turn; `tools_used` lists the tools of the whole thread.

    If a step called interrupt(), there is a `question` instead of a `reply`.
    """

    thread_id: str
    turn: int
    reply: str | None
    question: Any = None
    tools_used: list[str]


class Line(BaseModel):
    """A message of a thread; `tool` names the tool whose result it is."""

    role: Literal["user", "assistant", "tool"]
    text: str
    message_id: str | None = None
    tool: str | None = None


class Thread(BaseModel):
    """A thread, with the open question of its last turn, if any."""

    thread_id: str
    turns: int
    messages: list[Line]
    question: Any = None


class _State(TypedDict):
    resources: Resources


def _resources(request: Request) -> Resources:
    return cast(Resources, request.state.resources)


Open = Annotated[Resources, Depends(_resources)]


_bearer = HTTPBearer(auto_error=False)


def _authenticate(
    request: Request, resources: Open, _: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> None:
    if not resources.accepted.accepts(request.headers.get("authorization", "")):
        raise HTTPException(
            HTTPStatus.UNAUTHORIZED, "missing or invalid token", {"www-authenticate": "Bearer"}
        )


Authenticated = Depends(_authenticate)


def _caller(
    request: Request,
    tenant_id: Annotated[str, Header(description="the tenant whose thread this is")],
    subject_id: Annotated[str, Header(description="the person or service who acts")] = "",
) -> Caller:
    if len(request.headers.getlist("tenant-id")) != 1 or not NAME.fullmatch(tenant_id):
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, "the header tenant-id must be set once, with 1 to 200 visible characters"
        )
    if subject_id and not NAME.fullmatch(subject_id):
        raise HTTPException(
            HTTPStatus.BAD_REQUEST, "the header subject-id must have 1 to 200 visible characters"
        )
    return Caller(tenant_id, subject_id, cast(Trace, request.state.trace))


Called = Annotated[Caller, Depends(_caller)]


def _open_thread(caller: Caller, thread_id: str) -> None:
    # Not in _caller: FastAPI runs it in a thread, whose context variables are not seen here.
    log_with(tenant=caller.tenant, subject=caller.subject, thread_id=thread_id)
    if thread_id.split("/")[0] != quote(caller.tenant, safe=""):
        raise HTTPException(HTTPStatus.FORBIDDEN, "the thread belongs to another tenant")


router = APIRouter(
    dependencies=[Authenticated],
    responses={"default": {"model": Problem, "description": "The request failed"}},
)
probes = APIRouter()


@router.post("/invoke", response_model_exclude_none=True)
async def invoke(invocation: Invocation, caller: Called, resources: Open) -> Reply:
    """Run one turn of a thread, which must belong to the caller's tenant."""
    thread_id = invocation.thread_id
    log_with(message_id=invocation.message_id)
    _open_thread(caller, thread_id)
    message = Message(invocation.message_id, invocation.message, invocation.answers, invocation.data)
    turn = await resources.turns.take(caller, thread_id, message)
    return Reply(
        thread_id=thread_id,
        turn=turn.number,
        reply=turn.reply,
        question=turn.question,
        tools_used=turn.tools_used,
    )


@router.get("/threads/{thread_id:path}", response_model_exclude_none=True)
async def read_thread(thread_id: Annotated[ThreadId, Path()], caller: Called, resources: Open) -> Thread:
    """Return the messages of a thread, which must belong to the caller's tenant."""
    _open_thread(caller, thread_id)
    state = await resources.turns.read(thread_id)
    if state is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "the thread does not exist")
    lines = [_line(each) for each in state.messages]
    return Thread(thread_id=thread_id, turns=state.turns, messages=lines, question=state.question)


def _line(message: AnyMessage) -> Line:
    match message:
        case HumanMessage():
            return Line(role="user", text=message.text, message_id=message.id)
        case ToolMessage():
            return Line(role="tool", text=message.text, tool=message.name)
        case _:
            return Line(role="assistant", text=message.text)


@router.post("/threads/{thread_id:path}/cancel", status_code=HTTPStatus.ACCEPTED)
async def cancel_turn(thread_id: Annotated[ThreadId, Path()], caller: Called, resources: Open) -> None:
    """Cancel the running turn of a thread, which must belong to the caller's tenant."""
    _open_thread(caller, thread_id)
    if not await resources.turns.cancel(thread_id):
        raise HTTPException(HTTPStatus.NOT_FOUND, "no turn of the thread is running")


@router.delete("/threads/{thread_id:path}", status_code=HTTPStatus.NO_CONTENT)
async def delete_thread(thread_id: Annotated[ThreadId, Path()], caller: Called, resources: Open) -> None:
    """Delete a thread, which must belong to the caller's tenant. No turn may be running."""
    _open_thread(caller, thread_id)
    await resources.turns.delete(thread_id)


@probes.get("/livez")
async def live() -> dict[str, str]:
    """Report that the process is alive. An unavailable dependency is no reason to restart it."""
    return {"status": "alive"}


@probes.get("/readyz")
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
    app = FastAPI(title=name, version=version(name), lifespan=lifespan, openapi_url=None)
    app.include_router(router)
    app.add_api_route("/openapi.json", app.openapi, dependencies=[Authenticated], include_in_schema=False)
    app.include_router(probes)
    # Not FastAPI's max_body_size, which runs outside of RequestLog.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY_BYTES)
    app.add_middleware(RequestLog)
    add_handlers(app)
    return app
