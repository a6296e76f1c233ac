"""Tool grants: a tool that the deployment did not grant is neither offered to the model nor run for it."""

# LangChain leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import hashlib
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, ToolException
from langgraph.prebuilt import ToolNode, ToolRuntime
from langgraph.prebuilt.tool_node import ToolCallRequest, ToolInvocationError
from langgraph.types import Command
from pydantic import BaseModel, ValidationError

log = logging.getLogger(__name__)

Answer = ToolMessage | Command[Any]


class ToolsError(Exception):
    """Two tools have one name, or a grant names no tool: a typo must not pass for a denial."""


def grant(tools: Iterable[BaseTool], granted: frozenset[str]) -> Sequence[BaseTool]:
    """The tools that may be used, sorted by name. Raises ToolsError."""
    tools = list(tools)
    names = Counter(tool.name for tool in tools)
    if twice := [name for name in sorted(names) if names[name] > 1]:
        raise ToolsError(f"two tools are named {', '.join(twice)}")
    if unknown := granted - names.keys():
        choices = ", ".join(sorted(names)) or "none"
        raise ToolsError(f"TOOL_GRANTS: no such tool: {', '.join(sorted(unknown))}; there are: {choices}")
    return sorted((tool for tool in tools if tool.name in granted), key=lambda tool: tool.name)


def tool_node(granted: Sequence[BaseTool]) -> ToolNode:
    """The step that runs calls of granted tools; the model cannot fill their injected arguments.

    A call that is not granted, bad arguments and a ToolException become answers that the model can read,
    status `error`. All else that a tool raises is a bug of the tool and propagates.
    """
    return ToolNode(granted, handle_tool_errors=_refusal, awrap_tool_call=_run)


def idempotency_key(runtime: ToolRuntime[Any, Any]) -> str:
    """Names a tool call for the service that it changes, by 64 digits: the same when its step runs again.

    They are made of the thread, the message and the number of the call in its turn, since model servers give
    the same `tool_call_id` to calls of different messages.
    """
    messages = runtime.state["messages"]
    start = max(at for at, each in enumerate(messages) if isinstance(each, HumanMessage))
    calls = [
        call["id"] for each in messages[start:] if isinstance(each, AIMessage) for call in each.tool_calls
    ]
    # The last message with calls is the one that this call is of.
    number = len(calls) - 1 - calls[::-1].index(runtime.tool_call_id)
    call = f"{runtime.config.get('configurable', {})['thread_id']}/{messages[start].id}/{number}"
    return hashlib.sha256(call.encode()).hexdigest()


async def _run(request: ToolCallRequest, run: Callable[[ToolCallRequest], Awaitable[Answer]]) -> Answer:
    call, tool = request.tool_call, request.tool
    if tool is None:
        log.warning("tool denied", extra={"fields": {"tool": call["name"]}})
        return _failure(request, f"The tool {call['name']} is not granted.")
    # Looked at before the tool runs: a ValidationError from inside of it is not the model's mistake.
    schema = tool.tool_call_schema
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        try:
            schema.model_validate(call["args"])
        except ValidationError as error:
            log.info("tool refused its arguments", extra={"fields": {"tool": tool.name}})
            return _failure(request, str(error))
    return await run(request)


def _refusal(error: Exception) -> str:
    if isinstance(error, ToolException) and not isinstance(error, ToolInvocationError):
        log.info("tool failed", extra={"fields": {"error": type(error).__name__}})
        return str(error)
    raise error.source if isinstance(error, ToolInvocationError) else error


def _failure(request: ToolCallRequest, text: str) -> ToolMessage:
    call = request.tool_call
    return ToolMessage(content=text, tool_call_id=call["id"], name=call["name"], status="error")
