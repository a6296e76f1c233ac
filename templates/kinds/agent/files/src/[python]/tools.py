"""The tools of this agent. Yours to fill.

A tool is an `async def` with typed parameters and a docstring, which the model reads, under `@tool` of
`langchain_core.tools`. With a parameter `runtime: ToolRuntime[Context, State]`, which no model can fill, it
knows for whom it runs:

- `runtime.context.headers()` go along with each call to another service, those by MCP too;
- `idempotency_key(runtime)` goes along with each call that changes something: a turn that failed goes on
  where it stopped, so a tool can run again.

What a tool cannot do for its arguments is a ToolException, which the model reads.
Adding a tool here does not grant it: TOOL_GRANTS does, in each environment.
"""

from collections.abc import Sequence
from typing import Final

from langchain_core.tools import BaseTool

TOOLS: Final[Sequence[BaseTool]] = ()
