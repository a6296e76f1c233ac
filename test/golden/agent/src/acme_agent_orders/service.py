"""Turns of conversations: one at a time per thread, and each either whole or not at all."""

# LangGraph leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from dataclasses import dataclass
from typing import Final

from langchain_core.messages import HumanMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.errors import GraphRecursionError
from langsmith import tracing_context

from .context import Context
from .graph import build_graph

STEP_LIMIT: Final = 25


class ThreadBusyError(Exception):
    """The thread has a turn under way in this process."""


class StepLimitError(Exception):
    """The turn took STEP_LIMIT steps and still had no reply."""


@dataclass(frozen=True, slots=True)
class Turn:
    """The outcome of one turn; `tools_used` are those of the whole thread so far."""

    number: int
    reply: str
    tools_used: list[str]


class Agent:
    """Takes messages to threads and brings back replies."""

    def __init__(self, context: Context, saver: BaseCheckpointSaver[str]) -> None:
        self._context = context
        self._graph = build_graph(saver)
        self._busy: set[str] = set()

    async def invoke(self, thread_id: str, message: str) -> Turn:
        """Runs one turn of a thread, which begins with its first message.

        A turn that fails leaves no trace in the thread, so the same message can simply be sent again.
        Raises ThreadBusyError, StepLimitError and the model's ModelError.
        """
        if thread_id in self._busy:
            raise ThreadBusyError("a turn of this thread is under way")
        self._busy.add(thread_id)
        try:
            # Whatever the environment says: conversations are not sent to a tracing service.
            with tracing_context(enabled=False):
                state = await self._graph.ainvoke(
                    {"messages": [HumanMessage(message)], "tools_used": [], "turns": 1},
                    await self._resume_point(thread_id),
                    context=self._context,
                )
        except GraphRecursionError as error:
            raise StepLimitError(f"no reply after {STEP_LIMIT} steps") from error
        finally:
            self._busy.discard(thread_id)
        return Turn(number=state["turns"], reply=state["messages"][-1].text, tools_used=state["tools_used"])

    async def _resume_point(self, thread_id: str) -> RunnableConfig:
        """Where the last whole turn of the thread ended: what a failed one stored after it is passed over."""
        resume: RunnableConfig = {"configurable": {"thread_id": thread_id}}
        if (await self._graph.aget_state(resume)).next:
            async for snapshot in self._graph.aget_state_history(resume):
                resume = snapshot.config
                if not snapshot.next:
                    break
        return {**resume, "recursion_limit": STEP_LIMIT}
