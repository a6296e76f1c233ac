"""Tool grants: a tool that is not granted is neither offered to the model nor run."""

# LangChain leaves parts of its own signatures untyped.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from langchain_core.messages import AIMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool, StructuredTool, Tool, ToolException
from langgraph.errors import GraphInterrupt
from langgraph.prebuilt import ToolNode, ToolRuntime
from langgraph.prebuilt.tool_node import ToolCallRequest, ToolInvocationError
from langgraph.types import Command, Interrupt
from pydantic import BaseModel, ValidationError

from .spans import tool_refused, tool_span

log = logging.getLogger(__name__)

RESULT_LIMIT: Final = 20_000
"""The number of characters that are kept of a tool's result."""

Answer = ToolMessage | Command[Any]


class ToolsError(Exception):
    """A tool is not async, two have the same name, or a grant names an unknown one."""


def grant(tools: Iterable[BaseTool], granted: frozenset[str]) -> Sequence[BaseTool]:
    """Return the granted tools, sorted by name. Raises ToolsError."""
    tools = list(tools)
    if blocking := sorted(tool.name for tool in tools if not _is_async(tool)):
        # A thread cannot be cancelled: the tool would go on after its turn ended, beside the next one.
        raise ToolsError(f"tools that are not async: {', '.join(blocking)}; define them with async def")
    names = Counter(tool.name for tool in tools)
    if twice := [name for name in sorted(names) if names[name] > 1]:
        raise ToolsError(f"duplicate tool names: {', '.join(twice)}")
    if unknown := granted - names.keys():
        choices = ", ".join(sorted(names)) or "none"
        raise ToolsError(f"TOOL_GRANTS: unknown tools: {', '.join(sorted(unknown))}; known: {choices}")
    return sorted((tool for tool in tools if tool.name in granted), key=lambda tool: tool.name)


def _is_async(tool: BaseTool) -> bool:
    if isinstance(tool, StructuredTool | Tool):
        return tool.coroutine is not None
    return getattr(type(tool), "_arun", None) is not vars(BaseTool)["_arun"]


def tool_node(granted: Sequence[BaseTool]) -> ToolNode:
    """Return the step that runs calls of granted tools. The model cannot set injected arguments.

    A denied call, invalid arguments, a ToolException and a question that is not JSON become answers for the
    model with status `error`. Any other exception of a tool is a bug and propagates. Results are cut after
    RESULT_LIMIT characters.
    """
    return ToolNode(granted, handle_tool_errors=_refusal, awrap_tool_call=_run)


def idempotency_key(runtime: ToolRuntime[Any, Any]) -> str:
    """Return an idempotency key for a tool call, 64 digits, which is the same if its step runs again.

    It is a hash of the thread, the message and the number of the call in its turn: model servers may use the
    same `tool_call_id` in different messages.
    """
    messages = runtime.state["messages"]
    start = max(at for at, each in enumerate(messages) if isinstance(each, HumanMessage))
    calls = [
        call["id"] for each in messages[start:] if isinstance(each, AIMessage) for call in each.tool_calls
    ]
    # This call belongs to the last message with calls.
    number = len(calls) - 1 - calls[::-1].index(runtime.tool_call_id)
    call = f"{runtime.config.get('configurable', {})['thread_id']}/{messages[start].id}/{number}"
    return hashlib.sha256(call.encode()).hexdigest()


async def _run(request: ToolCallRequest, run: Callable[[ToolCallRequest], Awaitable[Answer]]) -> Answer:
    with tool_span(request.tool_call["name"], request.tool_call["id"]) as span:
        answer = await _run_within(request, run)
        if isinstance(answer, ToolMessage) and answer.status == "error":
            tool_refused(span)
        return answer


async def _run_within(
    request: ToolCallRequest, run: Callable[[ToolCallRequest], Awaitable[Answer]]
) -> Answer:
    call, tool = request.tool_call, request.tool
    if tool is None:
        log.warning("tool denied", extra={"fields": {"tool": call["name"]}})
        return _failure(request, f"The tool {call['name']} is not granted.")
    # Validated before the tool runs: a ValidationError inside the tool is not the model's fault.
    schema = tool.tool_call_schema
    if isinstance(schema, type) and issubclass(schema, BaseModel):
        try:
            schema.model_validate(call["args"])
        except ValidationError as error:
            log.info("tool arguments invalid", extra={"fields": {"tool": tool.name}})
            return _failure(request, str(error))
    try:
        return _limited(await run(request))
    except GraphInterrupt as stop:
        questions: Sequence[Interrupt] = stop.args[0] if stop.args else ()
        if all(_is_json(question.value) for question in questions):
            raise
        log.error("question is not JSON", extra={"fields": {"tool": tool.name}})
        return _failure(request, f"The tool {tool.name} failed: its question is not JSON.")


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _limited(answer: Answer) -> Answer:
    if isinstance(answer, Command):
        update = cast(Any, answer.update)
        if not (isinstance(update, dict) and "messages" in update):
            return answer
        messages = [_limited(each) if isinstance(each, ToolMessage) else each for each in update["messages"]]
        return replace(answer, update={**update, "messages": messages})
    if (length := len(str(answer.content))) <= RESULT_LIMIT:
        return answer
    log.warning("tool result cut", extra={"fields": {"tool": answer.name, "characters": length}})
    notice = f"\n[Cut: the result has {length} characters.]"
    return answer.model_copy(update={"content": answer.text[:RESULT_LIMIT] + notice})


def _refusal(error: Exception) -> str:
    if isinstance(error, ToolException) and not isinstance(error, ToolInvocationError):
        log.info("tool failed", extra={"fields": {"error": type(error).__name__}})
        return str(error)
    raise error.source if isinstance(error, ToolInvocationError) else error


def _failure(request: ToolCallRequest, text: str) -> ToolMessage:
    call = request.tool_call
    return ToolMessage(content=text, tool_call_id=call["id"], name=call["name"], status="error")
