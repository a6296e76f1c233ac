"""Turns of conversations: one at a time per thread, idempotent by message."""

# LangGraph leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import asyncio
import hashlib
import json
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, cast
from uuid import UUID

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langgraph.graph import END
from langgraph.graph.state import CompiledStateGraph
from langgraph.types import Command, Interrupt, StateSnapshot, StreamMode
from langsmith import tracing_context

from .caller import Caller
from .lifecycle import Lifecycle
from .spans import turn_span
from .threads import Threads

log = logging.getLogger(__name__)

TOOLS_AT_ONCE: Final = 8
# LangGraph's task id for writes to the state itself, which apply immediately.
STATE_WRITES: Final = str(UUID(int=0))


class RepeatedMessageError(Exception):
    """The message was already processed, and a later one followed."""


class MessageConflictError(Exception):
    """Another message has the same id: its text, its question or who sent it differs."""


class QuestionClosedError(Exception):
    """The message answers a question that is not the open question of the thread."""


class AnswerLimitError(Exception):
    """The graph of a turn ended because the model answered too often without a reply."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message to a thread; its id is unique there.

    `answers` is the id of the message whose response was the question that this message answers, with `data`,
    or with its text if there is none.
    """

    id: str
    text: str
    answers: str | None = None
    data: Any = None


# Called with mode and data of LangGraph's stream: "updates" by steps, and "messages" of the model in parts.
Listener = Callable[[str, Any], None]


@dataclass(frozen=True, slots=True)
class Turn:
    """The outcome of a turn: a reply or the question of interrupt(). The tools are those of the thread.

    `data` is that of a reply that was made by a schema.
    """

    number: int
    reply: str | None
    question: Any
    tools_used: list[str]
    data: Any = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A thread; `question` is that of interrupt() in its last turn, if it is open."""

    turns: int
    messages: Sequence[AnyMessage]
    question: Any


class Turns:
    """Runs the turns of threads, each by the graph with a context of its own.

    The state of the graph has `messages`, `message_ids`, `turns`, `request` and `asked_by`.
    """

    def __init__(
        self,
        context: Callable[[Caller, str], Any],
        graph: CompiledStateGraph[Any, Any, Any, Any],
        threads: Threads,
        lifecycle: Lifecycle,
        timeout_seconds: float,
    ) -> None:
        self._context = context
        self._threads = threads
        self._lifecycle = lifecycle
        self._timeout_seconds = timeout_seconds
        self._graph = graph
        self._background: set[asyncio.Task[None]] = set()

    async def take(
        self, caller: Caller, thread_id: str, message: Message, listener: Listener | None = None
    ) -> Turn:
        """Run one turn of a thread; the first message creates the thread.

        Resend the same message after a failure: a failed turn is resumed, a completed one returns its reply
        again. A different message abandons a failed turn, but keeps its effects in the thread.
        Raises ThreadBusyError, ThreadsUnavailableError, TurnCancelledError, RepeatedMessageError,
        MessageConflictError, QuestionClosedError, AnswerLimitError, OutOfTimeError, ModelError and
        TooLongError.
        """
        async with self._lifecycle.limit(self._timeout_seconds), self._threads.claim(thread_id):
            # Conversations are never sent to a tracing service, even if the environment enables it.
            with tracing_context(enabled=False), turn_span(thread_id) as outcome:
                turn = await self._take(caller, thread_id, message, listener)
                if turn.reply is None:
                    outcome.name = "question"
            if turn.reply is not None:
                await self._threads.compact(thread_id)
            return turn

    async def read(self, thread_id: str) -> Conversation | None:
        """Return a thread, or None if it does not exist. Raises ThreadsUnavailableError."""
        async with self._lifecycle.limit(self._timeout_seconds):
            snapshot = await self._graph.aget_state({"configurable": {"thread_id": thread_id}})
        if not snapshot.values:
            return None
        state = snapshot.values
        question = snapshot.interrupts[0].value if snapshot.interrupts else None
        return Conversation(state["turns"], state["messages"], question)

    async def delete(self, thread_id: str) -> None:
        """Delete a thread, if it exists. Raises ThreadBusyError and ThreadsUnavailableError."""
        async with self._lifecycle.limit(self._timeout_seconds), self._threads.claim(thread_id):
            await self._threads.delete(thread_id)

    async def cancel(self, thread_id: str) -> bool:
        """Cancel the running turn of a thread; False if there is none. Raises ThreadsUnavailableError."""
        return await self._threads.cancel(thread_id)

    def start(self, turn: Coroutine[Any, Any, None]) -> None:
        """Run a turn in the background; finish() waits for it."""
        task = asyncio.create_task(turn)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def finish(self) -> None:
        """Wait for turns in the background. They end at their limits."""
        if self._background:
            await asyncio.wait(self._background)

    async def _take(
        self, caller: Caller, thread_id: str, message: Message, listener: Listener | None
    ) -> Turn:
        thread: RunnableConfig = {"configurable": {"thread_id": thread_id}, "max_concurrency": TOOLS_AT_ONCE}
        snapshot = await self._graph.aget_state(thread)
        known: list[str] = snapshot.values.get("message_ids", [])
        last: str = snapshot.values.get("request", "")
        request = _digest(caller.subject, message)
        if message.id in known[:-1]:
            raise RepeatedMessageError("the message was already processed, and later ones followed")
        if message.id in known:
            if last not in ("", request):
                raise MessageConflictError("another message has the same id")
            # Not `next`, which is empty as soon as the last step ran: its checkpoint may still be missing.
            if not snapshot.tasks:
                if (outcome := _outcome(snapshot.values, snapshot.interrupts)) is None:
                    raise RepeatedMessageError("the turn of the message was abandoned for another message")
                return outcome
            update: Any = None
        elif message.answers is not None:
            if not snapshot.interrupts or message.answers != known[-1]:
                raise QuestionClosedError("this is not the open question of the thread")
            await self._remember(snapshot, message.id, request)
            answer = message.text if message.data is None else message.data
            update = Command(resume={snapshot.interrupts[0].id: answer})
        else:
            if snapshot.tasks:
                # Drops the remaining steps of the failed turn and keeps its effects.
                await self._graph.aupdate_state(thread, None, as_node=END)
                snapshot = await self._graph.aget_state(thread)
            last = ""
            update = {
                "messages": [*_unanswered(snapshot), HumanMessage(message.text, id=message.id)],
                "message_ids": [message.id],
                "turns": 1,
                "request": request,
                "asked_by": caller.subject,
            }
        # Who asked for a turn is who acts in it.
        asker = replace(caller, subject=snapshot.values["asked_by"]) if last else caller
        context = self._context(asker, "" if message.answers is None else caller.subject)
        # Steps wait for their checkpoint, so that no tool runs before its call is stored.
        state: dict[str, Any] = {}
        asked = False
        modes: list[StreamMode] = ["values", "updates", *(["messages"] if listener else [])]
        steps = self._graph.astream(update, thread, context=context, durability="sync", stream_mode=modes)
        async for mode, data in steps:
            asked = asked or (isinstance(data, dict) and "__interrupt__" in data)
            if mode == "values":
                state = cast(dict[str, Any], data)
            elif listener is not None:
                listener(mode, data)
        if asked:
            # The first question of the stored state is the one that will be answered.
            snapshot = await self._graph.aget_state(thread)
            state, interrupts = snapshot.values, snapshot.interrupts
        else:
            interrupts = ()
        if (outcome := _outcome(state, interrupts)) is None:
            raise RuntimeError("the graph ended without a reply")
        return outcome

    async def _remember(self, snapshot: StateSnapshot, message_id: str, request: str) -> None:
        """Store the id of an answer before its effects. Otherwise a resend could answer the next question."""
        saver = self._threads.saver
        if (stored := await saver.aget_tuple(snapshot.config)) is None:
            raise RuntimeError("the thread does not exist")
        # Writes are identified by position, so repeat those of earlier answers first.
        earlier = stored.pending_writes or []
        writes: list[tuple[str, Any]] = [
            (name, value) for task, name, value in earlier if task == STATE_WRITES
        ]
        writes = [*writes, ("message_ids", [message_id]), ("request", request)]
        await saver.aput_writes(stored.config, writes, STATE_WRITES)


def _digest(subject: str, message: Message) -> str:
    text = json.dumps([subject, message.text, message.answers, message.data], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _unanswered(snapshot: StateSnapshot) -> list[AnyMessage]:
    messages: list[AnyMessage] = snapshot.values.get("messages", [])
    answered: set[str] = set()
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            answered.add(message.tool_call_id)
        if isinstance(message, AIMessage):
            text = "The turn ended before this call: it may have taken effect."
            return [
                ToolMessage(text, tool_call_id=call["id"], name=call["name"], status="error")
                for call in message.tool_calls
                if call["id"] not in answered
            ]
    return []


def _outcome(state: Mapping[str, Any], interrupts: Sequence[Interrupt]) -> Turn | None:
    """Return the outcome of the last turn, or None if it has none."""
    tools = [each for each in state["messages"] if isinstance(each, ToolMessage) and each.status == "success"]
    used = sorted({str(each.name) for each in tools})
    if interrupts:
        return Turn(state["turns"], None, interrupts[0].value, used)
    last = state["messages"][-1]
    if not isinstance(last, AIMessage) or last.tool_calls:
        return None
    return Turn(state["turns"], last.text, None, used, last.additional_kwargs.get("parsed"))
