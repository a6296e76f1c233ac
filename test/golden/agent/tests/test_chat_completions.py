"""The model adapter, against a server in this process."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool

from acme_agent_orders.chat_completions import ChatCompletions
from acme_agent_orders.model import ModelError


@tool
async def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"sunny in {city}"


def _ask(server: Callable[[httpx2.Request], httpx2.Response]) -> AIMessage:
    async def ask() -> AIMessage:
        transport = httpx2.MockTransport(server)
        async with httpx2.AsyncClient(base_url="http://models/v1/", transport=transport) as http:
            messages = [SystemMessage("Be brief."), HumanMessage("Hi")]
            return await ChatCompletions(http, "small").reply(messages, [weather])

    return asyncio.run(ask())


def _answer(message: dict[str, Any]) -> httpx2.Response:
    return httpx2.Response(200, json={"choices": [{"message": message}]})


def test_asks_the_server() -> None:
    seen: list[Any] = []

    def server(request: httpx2.Request) -> httpx2.Response:
        seen.append((request.method, str(request.url), json.loads(request.content)))
        return _answer({"role": "assistant", "content": "Hello!"})

    assert _ask(server).text == "Hello!"
    assert seen == [
        (
            "POST",
            "http://models/v1/chat/completions",
            {
                "model": "small",
                "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
                "tools": [
                    {
                        "type": "function",
                        "function": {
                            "name": "weather",
                            "description": "Tell the weather in a city.",
                            "parameters": {
                                "type": "object",
                                "properties": {"city": {"type": "string"}},
                                "required": ["city"],
                            },
                        },
                    }
                ],
            },
        )
    ]


def test_reads_tool_calls() -> None:
    function = {"name": "weather", "arguments": '{"city": "Rome"}'}
    call = {"id": "call-1", "type": "function", "function": function}

    answer = _ask(lambda _: _answer({"role": "assistant", "content": None, "tool_calls": [call]}))

    assert [(each["id"], each["name"], each["args"]) for each in answer.tool_calls] == [
        ("call-1", "weather", {"city": "Rome"})
    ]


def test_turns_every_failure_into_a_model_error() -> None:
    def unreachable(_: httpx2.Request) -> httpx2.Response:
        raise httpx2.ConnectError("connection refused by 10.0.0.1")

    function = {"name": "weather", "arguments": "{"}
    servers: dict[str, Callable[[httpx2.Request], httpx2.Response]] = {
        "the model cannot be reached: ConnectError": unreachable,
        "the model answered with status 429": lambda _: httpx2.Response(429, text="secret detail"),
        "the model's answer is not a chat completion": lambda _: httpx2.Response(200, text="<html>"),
        "the model's answer is empty": lambda _: _answer({"role": "assistant", "content": None}),
    }
    for expected, server in servers.items():
        with pytest.raises(ModelError) as caught:
            _ask(server)
        assert str(caught.value) == expected

    broken: list[dict[str, Any]] = [{"id": "call-1", "function": function}]
    with pytest.raises(ModelError, match="not a chat completion"):
        _ask(lambda _: _answer({"content": None, "tool_calls": broken}))
