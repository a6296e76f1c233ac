"""Model adapter for every server that speaks the chat-completions API: gateways, vLLM, Ollama, OpenAI."""

from collections.abc import Sequence
from typing import Annotated, Any

import httpx2
from langchain_core.messages import AIMessage, AnyMessage, ToolCall, convert_to_openai_messages
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import BaseModel, ConfigDict, Field, Json, ValidationError

from .model import ModelError


class _Part(BaseModel):
    # An error's text would repeat the conversation.
    model_config = ConfigDict(hide_input_in_errors=True)


class _Function(_Part):
    name: str
    arguments: Json[dict[str, Any]]


class _Call(_Part):
    id: str
    function: _Function


class _Message(_Part):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(_Part):
    message: _Message


class _Completion(_Part):
    choices: Annotated[list[_Choice], Field(min_length=1)]


class ChatCompletions:
    """One model of one server. `http` carries base URL, credential and timeout; its owner closes it."""

    def __init__(self, http: httpx2.AsyncClient, name: str) -> None:
        self._http = http
        self._name = name

    async def reply(self, messages: Sequence[AnyMessage], tools: Sequence[BaseTool]) -> AIMessage:
        """See Model.reply."""
        body: dict[str, Any] = {"model": self._name, "messages": convert_to_openai_messages(messages)}
        if tools:
            body["tools"] = [convert_to_openai_tool(tool) for tool in tools]
        try:
            response = await self._http.post("chat/completions", json=body)
            response.raise_for_status()
        except httpx2.HTTPStatusError as error:
            raise ModelError(f"the model answered with status {error.response.status_code}") from error
        except httpx2.HTTPError as error:
            raise ModelError(f"the model cannot be reached: {type(error).__name__}") from error
        try:
            message = _Completion.model_validate_json(response.content).choices[0].message
        except ValidationError as error:
            raise ModelError("the model's answer is not a chat completion") from error
        if not (message.content or message.tool_calls):
            raise ModelError("the model's answer is empty")
        return AIMessage(
            content=message.content or "",
            tool_calls=[
                ToolCall(name=call.function.name, args=call.function.arguments, id=call.id)
                for call in message.tool_calls or ()
            ],
        )
