"""What the concierge can do: the tools of the order desk, over MCP."""

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.request import Request, urlopen

from langchain_core.tools import BaseTool, ToolException, tool
from langgraph.prebuilt import ToolRuntime

from .context import Context
from .state import State
from .toolbox import idempotency_key

Runtime = ToolRuntime[Context, State]


@tool
async def order_something(title: str, runtime: Runtime) -> str:
    """Orders something by its title."""
    return await _call("request_order", {"title": title, "idempotencyKey": idempotency_key(runtime)}, runtime)


@tool
async def find_order(order_id: str, runtime: Runtime) -> str:
    """Looks an order up."""
    return await _call("get_order", {"id": order_id}, runtime)


TOOLS: Final[Sequence[BaseTool]] = (order_something, find_order)


async def _call(name: str, arguments: Mapping[str, str], runtime: Runtime) -> str:
    params = {"name": name, "arguments": arguments}
    request = Request(
        os.environ["ORDER_DESK_URL"],
        json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}).encode(),
        {
            "accept": "application/json, text/event-stream",
            "content-type": "application/json",
            **runtime.context.headers(),
        },
    )
    result = await asyncio.to_thread(_answer, request)
    text: str = result["content"][0]["text"]
    if result.get("isError"):
        raise ToolException(text)
    return text


def _answer(request: Request) -> dict[str, Any]:
    with urlopen(request, timeout=30) as response:
        answer: dict[str, Any] = json.load(response)
    # The turn fails, and does this call again when its message is sent again.
    if "error" in answer:
        raise ConnectionError(answer["error"]["message"])
    return answer["result"]
