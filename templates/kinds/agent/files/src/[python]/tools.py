"""The tools of this agent. Add them here.

A tool is an `async def` with typed parameters and a docstring for the model, decorated with `@tool` of
`langchain_core.tools`. A parameter `runtime: ToolRuntime[Context, State]`, which the model cannot set, gives
access to the caller:

- send `runtime.context.headers()` with each call to another service; `call_mcp()` of mcp_tools.py does so;
- send `idempotency_key(runtime)` with each call that changes something: a failed turn is resumed, so a tool
  can run again.

Raise a ToolException for an error that the model should read.
A new tool must also be granted by TOOL_GRANTS in each environment.
"""

from collections.abc import Sequence
from typing import Final

from langchain_core.tools import BaseTool

TOOLS: Final[Sequence[BaseTool]] = ()
