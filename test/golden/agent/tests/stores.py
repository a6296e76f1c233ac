"""What every store of threads has to do, whichever adapter it is."""

# LangGraph leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false

from langchain_core.messages import HumanMessage
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import START, StateGraph

from acme_agent_orders.state import (
    State,
    Update,
)


async def run_turn(saver: BaseCheckpointSaver[str], thread_id: str, message: str) -> tuple[int, list[str]]:
    """Runs a turn of a graph that only stores, and returns what the thread holds afterwards."""

    async def listen(state: State) -> Update:
        return {"tools_used": [f"after {len(state['messages'])}"]}

    graph = StateGraph(State)
    graph.add_node("listen", listen)
    graph.add_edge(START, "listen")
    state = await graph.compile(checkpointer=saver).ainvoke(
        {"messages": [HumanMessage(message)], "tools_used": [], "turns": 1},
        {"configurable": {"thread_id": thread_id}},
    )
    return state["turns"], [each.text for each in state["messages"]]


async def keeps_threads(saver: BaseCheckpointSaver[str]) -> list[tuple[int, list[str]]]:
    """Two turns in one thread, one in another."""
    return [
        await run_turn(saver, "a", "one"),
        await run_turn(saver, "b", "other"),
        await run_turn(saver, "a", "two"),
    ]


KEPT = [(1, ["one"]), (1, ["other"]), (2, ["one", "two"])]
