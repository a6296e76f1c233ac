"""What every store of threads has to do, whichever adapter it is."""

# LangGraph leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false

import pytest
from langchain_core.messages import HumanMessage
from langgraph.graph import START, StateGraph

from acme_agent_orders.state import (
    State,
    Update,
)
from acme_agent_orders.threads import (
    ThreadBusyError,
    Threads,
)


async def run_turn(threads: Threads, thread_id: str, message: str) -> tuple[int, list[str]]:
    """Runs a turn of a graph that only stores, and returns what the thread holds afterwards."""

    async def listen(state: State) -> Update:
        return {"tools_used": [f"after {len(state['messages'])}"]}

    graph = StateGraph(State)
    graph.add_node("listen", listen)
    graph.add_edge(START, "listen")
    state = await graph.compile(checkpointer=threads.saver).ainvoke(
        {"messages": [HumanMessage(message)], "message_id": "m1", "tools_used": [], "turns": 1},
        {"configurable": {"thread_id": thread_id}},
    )
    return state["turns"], [each.text for each in state["messages"]]


async def check_keeping(threads: Threads) -> None:
    """Two turns in one thread, one in another."""
    got = [
        await run_turn(threads, "a", "one"),
        await run_turn(threads, "b", "other\0"),
        await run_turn(threads, "a", "two"),
    ]
    assert got == [(1, ["one"]), (1, ["other\0"]), (2, ["one", "two"])]


async def check_claims(threads: Threads, same_threads: Threads) -> None:
    """A claimed thread is busy for everybody until the claim ends, however its turn ends; others are not."""
    async with threads.claim("a", 60), threads.claim("b", 60):
        for each in (threads, same_threads):
            with pytest.raises(ThreadBusyError):
                async with each.claim("a", 60):
                    pass
    with pytest.raises(ZeroDivisionError):
        async with same_threads.claim("a", 60):
            raise ZeroDivisionError
    async with threads.claim("a", 60):
        pass
