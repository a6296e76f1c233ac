"""A model that follows a script, and the application around it."""

from collections import deque
from collections.abc import AsyncGenerator, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolCall
from langchain_core.tools import BaseTool
from langsmith.utils import tracing_is_enabled  # pyright: ignore[reportUnknownVariableType]
from starlette.testclient import TestClient

from acme_agent_orders.api import (
    Resources,
    create_app,
)
from acme_agent_orders.caller import Caller
from acme_agent_orders.checkpoints import MemoryThreads
from acme_agent_orders.credentials import Accepted
from acme_agent_orders.lifecycle import Lifecycle
from acme_agent_orders.model import ModelError
from acme_agent_orders.threads import Threads
from acme_agent_orders.toolbox import grant
from acme_agent_orders.turns import Turns


class FakeModel:
    """Gives the answers of a script in order, and remembers what it was asked and offered each time."""

    def __init__(self, *script: AIMessage | ModelError) -> None:
        self._script = deque(script)
        self.asked: list[list[str]] = []
        self.offered: list[list[str]] = []
        self.callers: list[Caller] = []
        self.traced: list[bool] = []

    async def reply(
        self, messages: Sequence[AnyMessage], tools: Sequence[BaseTool], caller: Caller
    ) -> AIMessage:
        # The system messages of the agent are not compared.
        self.asked.append([f"{each.type}: {each.text}" for each in messages if each.type != "system"])
        self.offered.append([tool.name for tool in tools])
        self.callers.append(caller)
        self.traced.append(bool(tracing_is_enabled()))
        if not self._script:
            raise AssertionError(f"the model was asked more often than its script foresees: {self.asked}")
        answer = self._script.popleft()
        if isinstance(answer, ModelError):
            raise answer
        return answer


def says(text: str) -> AIMessage:
    """A reply without tool calls."""
    return AIMessage(text)


def asks_for(*calls: tuple[str, dict[str, Any]]) -> AIMessage:
    """A message that asks for tools, by name and arguments."""
    numbered = enumerate(calls, start=1)
    tool_calls = [ToolCall(name=name, args=args, id=f"call-{n}") for n, (name, args) in numbered]
    return AIMessage("", tool_calls=tool_calls)


@contextmanager
def serving(
    model: FakeModel,
    tools: Iterable[BaseTool] = (),
    grants: Iterable[str] = (),
    *,
    threads: Threads | None = None,
    lifecycle: Lifecycle | None = None,
    accepted: Accepted | None = None,
    service_token_file: Path | None = None,
    timeout_seconds: float = 60,
) -> Generator[TestClient]:
    """The application in this process, and a client for it."""

    @asynccontextmanager
    async def open_resources() -> AsyncGenerator[Resources]:
        store = threads or MemoryThreads()
        process = lifecycle or Lifecycle()
        granted = grant(tools, frozenset(grants))
        turns = Turns(model, granted, service_token_file, store, process, timeout_seconds)
        yield Resources(turns, accepted or Accepted(None), store.ping, process)

    with TestClient(create_app(open_resources), headers={"tenant-id": "t"}) as client:
        yield client


_message_ids = count(1)


def invoke(
    client: TestClient, thread_id: str, message: str, *, message_id: str = "", **more: str
) -> tuple[int, Any]:
    """Status and body of one turn; each message has an id of its own unless the test gives one."""
    message_id = message_id or f"m{next(_message_ids)}"
    body = {"thread_id": thread_id, "message_id": message_id, "message": message, **more}
    response = client.post("/invoke", json=body, headers={"tenant-id": thread_id.split("/")[0]})
    return response.status_code, response.json()
