"""Tool grants, and what a tool is given."""

# LangGraph leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false

import asyncio
import hashlib
import logging
from typing import Annotated, Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, ToolCall
from langchain_core.tools import BaseTool, InjectedToolArg, InjectedToolCallId, ToolException, tool
from langgraph.graph import START, StateGraph
from langgraph.prebuilt import InjectedState, ToolRuntime
from pydantic import BaseModel, ValidationError

from acme_agent_orders.state import State
from acme_agent_orders.toolbox import (
    ToolsError,
    grant,
    idempotency_key,
    tool_node,
)


@tool
async def double(number: int) -> int:
    """Double a number."""
    if number < 0:
        raise ToolException("no negative numbers")
    return number * 2


def _run(granted: list[BaseTool], name: str, **arguments: object) -> tuple[str, str]:
    """Status and text of the answer to a call, in the thread t, for the message m1."""
    graph = StateGraph(State)
    graph.add_node("use_tool", tool_node(granted))
    graph.add_edge(START, "use_tool")
    asked = AIMessage("", tool_calls=[ToolCall(name=name, args=arguments, id="call-1")])
    update: State = {"messages": [HumanMessage("Hi", id="m1"), asked], "message_ids": ["m1"], "turns": 1}
    state = asyncio.run(graph.compile().ainvoke(update, {"configurable": {"thread_id": "t"}}))
    answer = state["messages"][-1]
    return answer.status, answer.text


def test_runs_a_granted_tool() -> None:
    assert _run([double], "double", number=2) == ("success", "4")


def test_grants_nothing_by_default(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        got = _run([*grant([double], frozenset())], "double", number=2)

    assert got == ("error", "The tool double is not granted.")
    assert [each.message for each in caplog.records] == ["tool denied"]


def test_tells_a_tool_that_does_not_exist_as_it_tells_a_denied_one() -> None:
    assert _run([double], "triple") == ("error", "The tool triple is not granted.")


def test_tells_the_model_what_a_tool_refuses() -> None:
    assert _run([double], "double", number=-1) == ("error", "no negative numbers")
    status, text = _run([double], "double", number="many")
    assert (status, "valid integer" in text) == ("error", True)


def test_a_mistake_inside_of_a_tool_is_not_the_models() -> None:
    class Answer(BaseModel):
        total: int

    @tool
    async def count() -> str:
        """Count what a service has, which answers something else."""
        return str(Answer.model_validate({"total": "secret detail"}).total)

    with pytest.raises(ValidationError):
        _run([count], "count")


def test_a_model_cannot_fill_what_is_injected() -> None:
    @tool
    async def pay(
        amount: int,
        account: Annotated[str, InjectedToolArg] = "the caller's",
        turns: Annotated[int, InjectedState("turns")] = 0,
        call: Annotated[str, InjectedToolCallId] = "",
        *,
        runtime: ToolRuntime[Any, Any],
    ) -> str:
        """Pay."""
        return f"{amount} {account} {turns} {call} {idempotency_key(runtime)}"

    forged: dict[str, Any] = {"account": "another's", "turns": 7, "call": "forged", "runtime": {"state": {}}}

    assert _run([pay], "pay", amount=1, **forged) == (
        "success",
        f"1 the caller's 1 call-1 {hashlib.sha256(b't/m1/0').hexdigest()}",
    )


def test_refuses_a_grant_of_a_tool_that_does_not_exist() -> None:
    with pytest.raises(ToolsError, match="no such tool: duoble; there are: double"):
        grant([double], frozenset({"duoble"}))


def test_refuses_two_tools_of_one_name() -> None:
    with pytest.raises(ToolsError, match="two tools are named double"):
        grant([double, double], frozenset({"double"}))
