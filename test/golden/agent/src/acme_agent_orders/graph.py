"""The state graph of a turn: think, use the tools asked for, think again, until there is a reply."""

# LangGraph leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false

from langchain_core.messages import AIMessage, ToolCall
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from .agent import think
from .context import Context
from .state import State, Update


def build_graph(saver: BaseCheckpointSaver[str]) -> CompiledStateGraph[State, Context, State, State]:
    """The graph, with its threads kept in `saver`."""
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("think", think)
    graph.add_node("use_tool", use_tool)
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", next_steps, ["use_tool", END])
    graph.add_edge("use_tool", "think")
    return graph.compile(checkpointer=saver)


def next_steps(state: State) -> list[Send] | str:
    """One step per tool call of the last message, which run in parallel; the end where it asks for none."""
    last = state["messages"][-1]
    calls = last.tool_calls if isinstance(last, AIMessage) else []
    return [Send("use_tool", call) for call in calls] or END


async def use_tool(state: ToolCall, runtime: Runtime[Context]) -> Update:
    """Runs the tool call that its Send carries; the toolbox decides whether it may."""
    answer = await runtime.context.toolbox.run(state)
    return {"messages": [answer], "tools_used": [state["name"]] if answer.status == "success" else []}
