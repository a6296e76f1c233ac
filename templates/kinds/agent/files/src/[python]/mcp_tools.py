"""Calls of tools of MCP servers, on behalf of the caller."""

from collections.abc import Mapping
from typing import Any

import httpx2
from langchain_core.tools import ToolException
from langgraph.prebuilt import ToolRuntime
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import TextContent

from .context import Context
from .state import State


async def call_mcp(
    url: str, tool: str, arguments: Mapping[str, Any], runtime: ToolRuntime[Context, State]
) -> str:
    """Return the text of a tool's result. Sends the caller and the credential of this service.

    Raises ToolException, which the model reads, for an error of the tool. Any other error fails the turn,
    which continues when its message is sent again.
    """
    async with (
        httpx2.AsyncClient(headers=runtime.context.headers()) as http,
        Client(streamable_http_client(url, http_client=http)) as client,
    ):
        result = await client.call_tool(tool, dict(arguments))
    text = "\n".join(each.text for each in result.content if isinstance(each, TextContent))
    if result.is_error:
        raise ToolException(text)
    return text
