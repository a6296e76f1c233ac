"""The state graph of a turn: think and run tools until there is a reply."""

# LangGraph leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from collections.abc import Sequence
from typing import Final

from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import BaseTool
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from .agent import think
from .context import Context
from .platform.toolbox import tool_node
from .platform.turns import AnswerLimitError
from .state import State, Update

ANSWER_LIMIT: Final = 12
"""How often the model answers in one turn."""


def build_graph(
    saver: BaseCheckpointSaver[str] | None, tools: Sequence[BaseTool]
) -> CompiledStateGraph[State, Context, State, State]:
    """Build the graph, with threads stored in `saver`, or by the graph around it."""
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("think", think_within_limit)
    graph.add_node("use_tool", tool_node(tools))
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", next_steps, ["use_tool", END])
    graph.add_edge("use_tool", "think")
    return graph.compile(checkpointer=saver)


async def think_within_limit(state: State, runtime: Runtime[Context]) -> Update:
    """Call think() unless the turn has reached its limit, which also holds for a resent message."""
    answers = 0
    for message in reversed(state["messages"]):
        if isinstance(message, HumanMessage):
            break
        answers += isinstance(message, AIMessage)
    if answers >= ANSWER_LIMIT:
        raise AnswerLimitError(f"no reply after {ANSWER_LIMIT} model answers")
    return await think(state, runtime)


def next_steps(state: State) -> list[Send] | str:
    """Return one parallel step per tool call of the last message, or END if it has none."""
    last = state["messages"][-1]
    calls = last.tool_calls if isinstance(last, AIMessage) else []
    return [Send("use_tool", [call]) for call in calls] or END
