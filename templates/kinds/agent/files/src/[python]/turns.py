"""Turns of conversations: one at a time per thread, and each message answered once."""

# LangGraph leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast
from uuid import UUID

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool
from langgraph.graph import END
from langgraph.types import Command, StateSnapshot
from langsmith import tracing_context

from .caller import Caller
from .context import Context
from .graph import build_graph
from .lifecycle import Lifecycle
from .model import Model
from .state import State
from .threads import Threads

TOOLS_AT_ONCE: Final = 8
# A claim outlives its turn, which needs a moment to end once it is out of time.
CLAIM_MARGIN_SECONDS: Final = 30
# What LangGraph files writes under that are of no task but of the state: they count at once.
STATE_WRITES: Final = str(UUID(int=0))


class RepeatedMessageError(Exception):
    """The message was sent before, and another one came after it."""


class QuestionClosedError(Exception):
    """The message answers a question that is not, or no longer, the one that the thread waits with."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The outcome of one turn: a reply, or what interrupt() asked; the tools are of the whole thread."""

    number: int
    reply: str | None
    question: Any
    tools_used: list[str]


class Turns:
    """Takes messages to threads and brings back replies."""

    def __init__(
        self,
        model: Model,
        tools: Sequence[BaseTool],
        service_token_file: Path | None,
        threads: Threads,
        lifecycle: Lifecycle,
        timeout_seconds: float,
    ) -> None:
        self._model = model
        self._tools = tools
        self._service_token_file = service_token_file
        self._threads = threads
        self._lifecycle = lifecycle
        self._timeout_seconds = timeout_seconds
        self._graph = build_graph(threads.saver, tools)

    async def take(
        self, caller: Caller, thread_id: str, message_id: str, message: str, answers: str | None = None
    ) -> Turn:
        """Runs one turn of a thread, which begins with its first message.

        The same message can be sent again, and should be after a failure: a turn that failed goes on where it
        stopped, one that ended gives its reply once more. Another message gives a failed turn up: what it did
        stays in the thread. A message that `answers` another one is an answer to the question that one got.
        Raises ThreadBusyError, ThreadsUnavailableError, RepeatedMessageError, QuestionClosedError,
        AnswerLimitError, OutOfTimeError and ModelError.
        """
        async with (
            self._threads.claim(thread_id, self._timeout_seconds + CLAIM_MARGIN_SECONDS),
            self._lifecycle.limit(self._timeout_seconds),
        ):
            # Conversations are not sent to a tracing service, even where the environment asks for it.
            with tracing_context(enabled=False):
                context = Context(self._model, self._tools, self._service_token_file, caller)
                return await self._take(context, thread_id, message_id, message, answers)

    async def _take(
        self, context: Context, thread_id: str, message_id: str, message: str, answers: str | None
    ) -> Turn:
        thread: RunnableConfig = {"configurable": {"thread_id": thread_id}, "max_concurrency": TOOLS_AT_ONCE}
        snapshot = await self._graph.aget_state(thread)
        known: list[str] = snapshot.values.get("message_ids", [])
        if message_id in known[:-1]:
            raise RepeatedMessageError("the message was sent before, and others came after it")
        if message_id in known:
            # Not by `next`, which is empty as soon as the last step ran: its checkpoint may be missing still.
            if not snapshot.tasks:
                if (outcome := _outcome(snapshot)) is None:
                    raise RepeatedMessageError("the turn of the message was given up for another message")
                return outcome
            update: Any = None
        elif answers is not None:
            if not snapshot.interrupts or answers != known[-1]:
                raise QuestionClosedError("the thread does not wait for an answer to this question")
            await self._remember(snapshot, message_id)
            update = Command(resume={snapshot.interrupts[0].id: message})
        else:
            if snapshot.tasks:
                # What the failed turn left to do ends; what it did stays.
                await self._graph.aupdate_state(thread, None, as_node=END)
                snapshot = await self._graph.aget_state(thread)
            messages = [*_unanswered(snapshot), HumanMessage(message, id=message_id)]
            update = {"messages": messages, "message_ids": [message_id], "turns": 1}
        # Steps wait for their checkpoint, so that no tool runs whose call is not stored.
        await self._graph.ainvoke(update, thread, context=context, durability="sync")
        if (outcome := _outcome(await self._graph.aget_state(thread))) is None:
            raise RuntimeError("the graph ended without a reply")
        return outcome

    async def _remember(self, snapshot: StateSnapshot, message_id: str) -> None:
        """Stores the id of an answer before what comes of it, or a resend could answer the next question."""
        saver = self._threads.saver
        if (stored := await saver.aget_tuple(snapshot.config)) is None:
            raise RuntimeError("the thread has gone")
        # Known by their positions, so those of earlier answers come first again.
        earlier = stored.pending_writes or []
        writes: list[tuple[str, Any]] = [
            (name, value) for task, name, value in earlier if task == STATE_WRITES
        ]
        writes = [*writes, ("message_ids", [message_id])]
        await saver.aput_writes(stored.config, writes, STATE_WRITES)


def _unanswered(snapshot: StateSnapshot) -> list[AnyMessage]:
    messages: list[AnyMessage] = snapshot.values.get("messages", [])
    answered: set[str] = set()
    for message in reversed(messages):
        if isinstance(message, ToolMessage):
            answered.add(message.tool_call_id)
        if isinstance(message, AIMessage):
            text = "The turn ended before this call did: it may have had its effect."
            return [
                ToolMessage(text, tool_call_id=call["id"], name=call["name"], status="error")
                for call in message.tool_calls
                if call["id"] not in answered
            ]
    return []


def _outcome(snapshot: StateSnapshot) -> Turn | None:
    """The outcome of the last turn; None if it ended without one."""
    state = cast(State, snapshot.values)
    tools = [each for each in state["messages"] if isinstance(each, ToolMessage) and each.status == "success"]
    used = sorted({str(each.name) for each in tools})
    if snapshot.interrupts:
        return Turn(state["turns"], None, snapshot.interrupts[0].value, used)
    last = state["messages"][-1]
    if not isinstance(last, AIMessage) or last.tool_calls:
        return None
    return Turn(state["turns"], last.text, None, used)
