"""The HTTP API: turns, threads and the probes."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from http import HTTPStatus
from importlib.metadata import version
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, FastAPI, Query, Response
from langchain_core.messages import AnyMessage, HumanMessage, ToolMessage
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from . import agui
from .logs import log_with
from .problems import Problem, add_handlers
from .request_log import PROBES, RequestLog
from .requests import AppState, Authenticated, Called, Invocation, Open, Resources, ThreadId, open_thread

log = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 256 * 1024


class Reply(BaseModel):
    """The outcome of a turn; `tools_used` lists the tools of the whole thread.

    If a step called interrupt(), there is a `question` instead of a `reply`. If the agent replied by a
    schema, `data` is its data, and `reply` the same as text.
    """

    thread_id: str
    turn: int
    reply: str | None
    data: Any = None
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
    open_thread(caller, thread_id)
    turn = await resources.turns.take(caller, thread_id, invocation.to_message())
    return Reply(
        thread_id=thread_id,
        turn=turn.number,
        reply=turn.reply,
        data=turn.data,
        question=turn.question,
        tools_used=turn.tools_used,
    )


@router.get("/thread", response_model_exclude_none=True)
async def read_thread(thread_id: Annotated[ThreadId, Query()], caller: Called, resources: Open) -> Thread:
    """Return the messages of a thread, which must belong to the caller's tenant."""
    open_thread(caller, thread_id)
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


@router.post("/thread/cancel", status_code=HTTPStatus.ACCEPTED)
async def cancel_turn(thread_id: Annotated[ThreadId, Query()], caller: Called, resources: Open) -> None:
    """Cancel the running turn of a thread, which must belong to the caller's tenant."""
    open_thread(caller, thread_id)
    if not await resources.turns.cancel(thread_id):
        raise HTTPException(HTTPStatus.NOT_FOUND, "no turn of the thread is running")


@router.delete("/thread", status_code=HTTPStatus.NO_CONTENT)
async def delete_thread(thread_id: Annotated[ThreadId, Query()], caller: Called, resources: Open) -> None:
    """Delete a thread, which must belong to the caller's tenant. No turn may be running."""
    open_thread(caller, thread_id)
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


def create_app(name: str, open_resources: Callable[[], AbstractAsyncContextManager[Resources]]) -> FastAPI:
    """Create the application of the package `name`.

    It opens its resources on startup and closes them after the last request.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[AppState]:
        async with open_resources() as resources:
            log.info("open")
            yield {"resources": resources}
        log.info("closed")

    app = FastAPI(
        title=name,
        version=version(name),
        lifespan=lifespan,
        openapi_url=None,
        # Records requests if telemetry.py opened providers.
        telemetry={
            "auto_configure": False,
            "operation_spans": False,
            "logs": False,
            "exclude": lambda scope: scope["path"] in PROBES,
        },
    )
    app.include_router(router)
    app.include_router(agui.router)
    app.add_api_route("/openapi.json", app.openapi, dependencies=[Authenticated], include_in_schema=False)
    app.include_router(probes)
    # Not FastAPI's max_body_size, which runs outside of RequestLog.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=MAX_BODY_BYTES)
    app.add_middleware(RequestLog)
    add_handlers(app)
    return app
