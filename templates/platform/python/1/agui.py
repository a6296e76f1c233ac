"""AG-UI 1.0: a turn as a stream of events, for user interfaces.

The thread is stored here: of the messages of a run, the last one counts. Tools of the client are not offered.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final, cast
from uuid import uuid4

from ag_ui.core import (
    BaseEvent,
    Interrupt,
    RunAgentInput,
    RunErrorEvent,
    RunFinishedEvent,
    RunFinishedInterruptOutcome,
    RunFinishedSuccessOutcome,
    RunStartedEvent,
    TextMessageContentEvent,
    TextMessageEndEvent,
    TextMessageStartEvent,
    ToolCallArgsEvent,
    ToolCallEndEvent,
    ToolCallResultEvent,
    ToolCallStartEvent,
    UserMessage,
)
from ag_ui.encoder import EventEncoder
from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from langchain_core.messages import AIMessage, AIMessageChunk, ToolMessage
from pydantic import ValidationError
from starlette.responses import StreamingResponse

from .logs import log_with
from .problems import Problem, failure_of
from .requests import Authenticated, Called, Invocation, Open, open_thread
from .turns import Turn

KEEP_ALIVE_SECONDS: Final = 15.0

router = APIRouter(
    dependencies=[Authenticated],
    responses={"default": {"model": Problem, "description": "The request failed"}},
)


@router.post("/agui", response_class=StreamingResponse)
async def run_agent(run: RunAgentInput, caller: Called, resources: Open) -> StreamingResponse:
    """Run one turn of a thread, which must belong to the caller's tenant, as a stream of AG-UI events."""
    invocation = _invocation(run)
    log_with(message_id=invocation.message_id)
    open_thread(caller, invocation.thread_id)
    queue = asyncio.Queue[BaseEvent | None]()
    events = Events(run, invocation.message_id, queue.put_nowait)

    async def take() -> None:
        try:
            events.start()
            message = invocation.to_message()
            events.finish(await resources.turns.take(caller, invocation.thread_id, message, events.listen))
        except Exception as error:
            events.fail(error)
        finally:
            queue.put_nowait(None)

    # The turn goes on if the client disconnects.
    resources.turns.start(take())
    return StreamingResponse(_encoded(queue), media_type="text/event-stream")


def _invocation(run: RunAgentInput) -> Invocation:
    fields: dict[str, Any] = {"thread_id": run.thread_id}
    last = run.messages[-1] if run.messages else None
    if run.resume:
        # Questions are asked one after the other. An answer has no message, so the run is its id.
        answer = run.resume[0].payload
        text = answer if isinstance(answer, str) else json.dumps(answer)
        fields |= {"message_id": run.run_id, "message": text, "answers": run.resume[0].interrupt_id}
        fields |= {"data": answer}
    elif isinstance(last, UserMessage):
        fields |= {"message_id": last.id, "message": last.content}
    try:
        return Invocation.model_validate(fields)
    except ValidationError as error:
        raise RequestValidationError(
            [{**each, "loc": ("body", *each["loc"])} for each in error.errors()]
        ) from None


async def _encoded(queue: asyncio.Queue[BaseEvent | None]) -> AsyncGenerator[str]:
    encoder = EventEncoder()
    while True:
        try:
            async with asyncio.timeout(KEEP_ALIVE_SECONDS):
                event = await queue.get()
        except TimeoutError:
            # A comment, so that proxies do not close the connection.
            yield ":\n\n"
            continue
        if event is None:
            return
        yield encoder.encode(event)


class Events:
    """Translates what happens in a turn to events."""

    def __init__(self, run: RunAgentInput, message_id: str, emit: Callable[[BaseEvent], None]) -> None:
        self._run = run
        self._message_id = message_id
        self._emit = emit
        # The open text message, and the ids of tool calls: models may use the same id in several messages.
        self._text: str | None = None
        self._calls: dict[str, str] = {}
        self._told = False

    def start(self) -> None:
        """The turn starts."""
        self._emit(RunStartedEvent(thread_id=self._run.thread_id, run_id=self._run.run_id))

    def listen(self, mode: str, data: Any) -> None:
        """See Listener."""
        if mode == "messages":
            chunk, _ = data
            if isinstance(chunk, AIMessageChunk) and chunk.text:
                self._say(chunk.text)
            return
        for update in data.values():
            messages: list[Any] = cast(Any, update).get("messages", []) if isinstance(update, dict) else []
            for message in messages:
                if isinstance(message, ToolMessage):
                    self._result(message)
                elif isinstance(message, AIMessage):
                    self._answer(message)

    def finish(self, turn: Turn) -> None:
        """The turn ended with a reply or a question."""
        if turn.reply is not None and not self._told:
            # The message was sent again.
            self._say(turn.reply)
        self._end()
        outcome = RunFinishedSuccessOutcome()
        if turn.reply is None:
            text = turn.question if isinstance(turn.question, str) else None
            metadata = {"question": turn.question}
            question = Interrupt(id=self._message_id, reason="question", message=text, metadata=metadata)
            outcome = RunFinishedInterruptOutcome(interrupts=[question])
        thread_id, run_id = self._run.thread_id, self._run.run_id
        finished = RunFinishedEvent(thread_id=thread_id, run_id=run_id, outcome=outcome, result=turn.data)
        self._emit(finished)

    def fail(self, error: Exception) -> None:
        """The turn failed."""
        self._end()
        failure = failure_of(error)
        self._emit(RunErrorEvent(message=failure.detail, code=failure.code))

    def _say(self, text: str) -> None:
        self._told = True
        if self._text is None:
            self._text = str(uuid4())
            self._emit(TextMessageStartEvent(message_id=self._text))
        self._emit(TextMessageContentEvent(message_id=self._text, delta=text))

    def _end(self) -> None:
        if self._text is not None:
            self._emit(TextMessageEndEvent(message_id=self._text))
            self._text = None

    def _answer(self, message: AIMessage) -> None:
        if message.text and self._text is None:
            self._say(message.text)
        self._end()
        for call in message.tool_calls:
            call_id = self._calls[str(call["id"])] = str(uuid4())
            self._told = True
            self._emit(ToolCallStartEvent(tool_call_id=call_id, tool_call_name=call["name"]))
            self._emit(ToolCallArgsEvent(tool_call_id=call_id, delta=json.dumps(call["args"])))
            self._emit(ToolCallEndEvent(tool_call_id=call_id))

    def _result(self, message: ToolMessage) -> None:
        # A call of an earlier run has no id in this one.
        call_id = self._calls.get(message.tool_call_id, message.tool_call_id)
        self._told = True
        self._emit(ToolCallResultEvent(message_id=str(uuid4()), tool_call_id=call_id, content=message.text))
