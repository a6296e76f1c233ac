"""The tools of this agent. Yours to fill.

A tool is an `async def` with typed parameters and a docstring, which the model reads, under `@tool` of
`langchain_core.tools`. A turn that failed goes on where it stopped, so a tool can run again: let one that
changes anything elsewhere take `tool_call_id: Annotated[str, InjectedToolCallId]` and pass it on
as idempotency key.
Adding a tool here grants it to nobody: that is what TOOL_GRANTS does, in each environment.
"""

from collections.abc import Sequence
from typing import Final

from langchain_core.tools import BaseTool

TOOLS: Final[Sequence[BaseTool]] = ()
