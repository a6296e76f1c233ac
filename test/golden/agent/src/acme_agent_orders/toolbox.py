"""Tool grants: a tool that the deployment did not grant is neither offered to the model nor run for it."""

import logging
from collections.abc import Iterable, Sequence

from langchain_core.messages import ToolCall, ToolMessage
from langchain_core.tools import BaseTool, ToolException
from pydantic import ValidationError

log = logging.getLogger(__name__)


class GrantError(Exception):
    """A grant names a tool that does not exist: a typo must not pass for a denial."""


class Toolbox:
    """The tools of this agent, of which only the granted ones can be reached. Raises GrantError."""

    def __init__(self, tools: Iterable[BaseTool], granted: frozenset[str]) -> None:
        known = {tool.name: tool for tool in tools}
        if unknown := granted - known.keys():
            choices = ", ".join(sorted(known)) or "none"
            raise GrantError(f"no such tool: {', '.join(sorted(unknown))}; there are: {choices}")
        self._granted = {name: known[name] for name in sorted(granted)}

    @property
    def granted(self) -> Sequence[BaseTool]:
        """The tools that the model may ask for, sorted by name."""
        return tuple(self._granted.values())

    async def run(self, call: ToolCall) -> ToolMessage:
        """Runs one call of the model; what went wrong is an answer that the model can read, status `error`.

        Errors other than bad arguments and ToolException are bugs of the tool and propagate.
        """
        tool = self._granted.get(call["name"])
        if tool is None:
            log.warning("tool denied", extra={"fields": {"tool": call["name"]}})
            return _failure(call, f"The tool {call['name']} is not granted.")
        try:
            return await tool.ainvoke({**call, "type": "tool_call"})
        except (ToolException, ValidationError) as error:
            log.info("tool failed", extra={"fields": {"tool": tool.name, "error": type(error).__name__}})
            return _failure(call, str(error))


def _failure(call: ToolCall, text: str) -> ToolMessage:
    return ToolMessage(content=text, tool_call_id=call["id"], name=call["name"], status="error")
