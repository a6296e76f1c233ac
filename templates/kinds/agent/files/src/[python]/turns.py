"""Turns of conversations: one at a time per thread, and each message answered once."""

# LangGraph leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from dataclasses import dataclass
from typing import Final, cast

from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.errors import GraphRecursionError
from langsmith import tracing_context

from .context import Context
from .graph import build_graph
from .lifecycle import Lifecycle
from .state import State
from .threads import Threads

STEP_LIMIT: Final = 25
TOOLS_AT_ONCE: Final = 8
# A claim outlives its turn, which needs a moment to end once it is out of time.
CLAIM_MARGIN_SECONDS: Final = 30


class StepLimitError(Exception):
    """The turn took STEP_LIMIT steps and still had no reply."""


class RepeatedMessageError(Exception):
    """The message was answered before, and the thread has moved on since."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The outcome of one turn; `tools_used` are those of the whole thread so far."""

    number: int
    reply: str
    tools_used: list[str]


class Turns:
    """Takes messages to threads and brings back replies."""

    def __init__(
        self, context: Context, threads: Threads, lifecycle: Lifecycle, timeout_seconds: float
    ) -> None:
        self._context = context
        self._threads = threads
        self._lifecycle = lifecycle
        self._timeout_seconds = timeout_seconds
        self._graph = build_graph(threads.saver)

    async def take(self, thread_id: str, message_id: str, message: str) -> Turn:
        """Runs one turn of a thread, which begins with its first message.

        The same message can be sent again, and should be after a failure: a turn that failed goes on where it
        stopped, one that ended gives its reply once more. Another message passes over a turn that failed.
        Raises ThreadBusyError, ThreadsUnavailableError, RepeatedMessageError, StepLimitError, OutOfTimeError
        and the model's ModelError.
        """
        async with (
            self._threads.claim(thread_id, self._timeout_seconds + CLAIM_MARGIN_SECONDS),
            self._lifecycle.limit(self._timeout_seconds),
        ):
            # Whatever the environment says: conversations are not sent to a tracing service.
            with tracing_context(enabled=False):
                state = await self._run(thread_id, message_id, message)
        return Turn(number=state["turns"], reply=state["messages"][-1].text, tools_used=state["tools_used"])

    async def _run(self, thread_id: str, message_id: str, message: str) -> State:
        thread: RunnableConfig = {"configurable": {"thread_id": thread_id}}
        snapshot = await self._graph.aget_state(thread)
        known = cast(State, snapshot.values)
        if message_id == known.get("message_id"):
            return await self._go_on(thread, None) if snapshot.next else known
        if any(message_id == each.id for each in known.get("messages", ())):
            raise RepeatedMessageError("the message was answered before, and others came after it")
        start = await self._last_whole(thread) if snapshot.next else thread
        said = HumanMessage(message, id=message_id)
        return await self._go_on(
            start, {"messages": [said], "message_id": message_id, "tools_used": [], "turns": 1}
        )

    async def _go_on(self, start: RunnableConfig, update: State | None) -> State:
        limits: RunnableConfig = {"recursion_limit": STEP_LIMIT, "max_concurrency": TOOLS_AT_ONCE}
        try:
            return cast(State, await self._graph.ainvoke(update, {**start, **limits}, context=self._context))
        except GraphRecursionError as error:
            raise StepLimitError(f"no reply after {STEP_LIMIT} steps") from error

    async def _last_whole(self, thread: RunnableConfig) -> RunnableConfig:
        """Where the last whole turn of the thread ended; its very beginning when there is none."""
        start = thread
        async for snapshot in self._graph.aget_state_history(thread):
            start = snapshot.config
            if not snapshot.next:
                break
        return start
