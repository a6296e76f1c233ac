"""Tool grants."""

import asyncio

import pytest
from langchain_core.messages import ToolCall
from langchain_core.tools import ToolException, tool

from acme_agent_orders.toolbox import (
    GrantError,
    Toolbox,
)


@tool
async def double(number: int) -> int:
    """Double a number."""
    if number < 0:
        raise ToolException("no negative numbers")
    return number * 2


def _run(toolbox: Toolbox, name: str, **arguments: object) -> tuple[str, str]:
    answer = asyncio.run(toolbox.run(ToolCall(name=name, args=arguments, id="call-1")))
    assert answer.tool_call_id == "call-1"
    return answer.status, answer.text


def test_grants_nothing_by_default() -> None:
    toolbox = Toolbox([double], frozenset())

    assert (toolbox.granted, _run(toolbox, "double", number=2)) == (
        (),
        ("error", "The tool double is not granted."),
    )


def test_runs_a_granted_tool() -> None:
    assert _run(Toolbox([double], frozenset({"double"})), "double", number=2) == ("success", "4")


def test_tells_a_tool_that_does_not_exist_as_it_tells_a_denied_one() -> None:
    assert _run(Toolbox([double], frozenset({"double"})), "triple") == (
        "error",
        "The tool triple is not granted.",
    )


def test_tells_the_model_what_a_tool_refuses() -> None:
    toolbox = Toolbox([double], frozenset({"double"}))

    assert _run(toolbox, "double", number=-1) == ("error", "no negative numbers")
    status, text = _run(toolbox, "double", number="many")
    assert (status, "valid integer" in text) == ("error", True)


def test_refuses_a_grant_of_a_tool_that_does_not_exist() -> None:
    with pytest.raises(GrantError, match="no such tool: duoble; there are: double"):
        Toolbox([double], frozenset({"duoble"}))
