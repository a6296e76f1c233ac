"""The model adapter, against a server on this machine."""

import asyncio
import json
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool

from acme_agent_orders.caller import (
    Caller,
    Trace,
)
from acme_agent_orders.chat_model import (
    ChatModel,
    open_model,
)
from acme_agent_orders.model import ModelError
from acme_agent_orders.settings import (
    Settings,
    read_settings,
)

TRACE = Trace(f"00-{'1' * 32}-{'2' * 16}-01", "vendor=1")


@tool
async def weather(city: str) -> str:
    """Tell the weather in a city."""
    return f"sunny in {city}"


class _Server:
    """Answers each request with the next of some answers, status and body."""

    def __init__(self, *answers: tuple[int, object]) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, dict[str, str], Any]] = []

    @contextmanager
    def serving(self) -> Generator[str]:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.asked.append((self.path, headers, body))
                status, answer = outer._answers.pop(0)
                text = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(text)))
                # Asked again at once.
                self.send_header("retry-after-ms", "1")
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the base class names it so)
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            Thread(target=server.serve_forever, daemon=True).start()
            yield f"http://127.0.0.1:{server.server_port}/v1/"
            server.shutdown()


def _open(url: str, model_name: str) -> ChatModel:
    environment = {
        "CHECKPOINT_URL": "memory:",
        "MODEL_URL": url,
        "MODEL_NAME": model_name,
        "MODEL_API_KEY": "key",
        "ACCEPT_CALLERS": "anyone",
    }
    return open_model(read_settings(Settings, environment))


async def _reply(model: ChatModel) -> AIMessage:
    messages = [SystemMessage("Be brief."), HumanMessage("Hi")]
    return await model.reply(messages, [weather], Caller("acme", "ann", TRACE))


def _ask(url: str, model_name: str = "small") -> AIMessage:
    return asyncio.run(_reply(_open(url, model_name)))


def _says(message: dict[str, Any], finish_reason: str = "stop") -> tuple[int, object]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish_reason}
    return 200, {"id": "1", "object": "chat.completion", "created": 1, "model": "small", "choices": [choice]}


def _call(arguments: str, **call: str) -> dict[str, Any]:
    return {"type": "function", "function": {"name": "weather", "arguments": arguments}, **call}


def test_asks_the_server_for_its_caller() -> None:
    server = _Server(_says({"content": "Hello!"}))
    with server.serving() as url:
        answer = _ask(url)

    ((path, headers, body),) = server.asked
    assert (answer.text, answer.id) == ("Hello!", None)
    assert (path, body["model"], [(each["role"], each["content"]) for each in body["messages"]]) == (
        "/v1/chat/completions",
        "small",
        [("system", "Be brief."), ("user", "Hi")],
    )
    assert [each["function"]["name"] for each in body["tools"]] == ["weather"]
    names = ("authorization", "tenant-id", "subject-id", "traceparent", "tracestate")
    assert [headers.get(name) for name in names] == ["Bearer key", "acme", "ann", TRACE.parent, "vendor=1"]


def test_reads_tool_calls_and_gives_each_its_id() -> None:
    calls = [_call('{"city": "Rome"}', id="a"), _call('{"city": "Oslo"}', id="a"), _call("")]
    with _Server(_says({"content": None, "tool_calls": calls}, "tool_calls")).serving() as url:
        answer = _ask(url)

    assert [(each["id"], each["args"]) for each in answer.tool_calls] == [
        ("call-0", {"city": "Rome"}),
        ("call-1", {"city": "Oslo"}),
        ("call-2", {}),
    ]


def test_asks_for_chat_completions_whatever_the_model_is_called() -> None:
    server = _Server(_says({"content": "Hello!"}))
    with server.serving() as url:
        _ask(url, "gpt-6-codex")

    assert [path for path, _, _ in server.asked] == ["/v1/chat/completions"]


def test_asks_a_busy_server_again() -> None:
    server = _Server((503, {}), (429, {}), _says({"content": "Hello!"}))
    with server.serving() as url:
        assert (_ask(url).text, len(server.asked)) == ("Hello!", 3)


def test_turns_every_failure_into_a_model_error() -> None:
    many = [_call('{"city": "Rome"}', id=str(n)) for n in range(33)]
    answers: dict[str, tuple[int, object]] = {
        "the model answered with status 400": (400, {"error": {"message": "secret detail"}}),
        "the model cannot be asked: TypeError": (200, {"choices": None}),
        "the model's answer is empty": _says({"content": None}),
        "the model broke its answer off: length": _says({"content": "Hel"}, "length"),
        "the model broke its answer off: content_filter": _says({"content": "Hel"}, "content_filter"),
        "the model broke its answer off: refusal": _says({"content": None, "refusal": "secret detail"}),
        "the model's answer has a tool call whose arguments are not JSON": _says(
            {"content": "Hm.", "tool_calls": [_call("{", id="a")]}
        ),
        "the model's answer has 33 tool calls, more than 32": _says({"content": None, "tool_calls": many}),
    }

    async def failures(url: str, times: int) -> list[str]:
        model = _open(url, "small")
        got: list[str] = []
        for _ in range(times):
            with pytest.raises(ModelError) as caught:
                await _reply(model)
            got.append(str(caught.value))
        return got

    with _Server(*answers.values()).serving() as url:
        got = asyncio.run(failures(url, len(answers)))
    nobody = asyncio.run(failures("http://127.0.0.1:1/v1/", 1))

    assert (got, nobody) == ([*answers], ["the model cannot be asked: OpenAIConnectionError"])
