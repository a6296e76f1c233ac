"""What the concierge can do: the tools of the order desk, over MCP."""

import os
from collections.abc import Sequence
from typing import Final

from langchain_core.tools import BaseTool, tool
from langgraph.prebuilt import ToolRuntime

from .context import Context
from .mcp_tools import call_mcp
from .state import State
from .platform.toolbox import idempotency_key

Runtime = ToolRuntime[Context, State]


@tool
async def order_something(title: str, runtime: Runtime) -> str:
    """Orders something by its title."""
    order = {"title": title, "idempotencyKey": idempotency_key(runtime)}
    return await call_mcp(os.environ["ORDER_DESK_URL"], "request_order", order, runtime)


@tool
async def find_order(order_id: str, runtime: Runtime) -> str:
    """Looks an order up."""
    return await call_mcp(os.environ["ORDER_DESK_URL"], "get_order", {"id": order_id}, runtime)


TOOLS: Final[Sequence[BaseTool]] = (order_something, find_order)
