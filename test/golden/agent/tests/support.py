"""A model that follows a script, and the application around it."""

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Iterable, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, ToolCall
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from langsmith.utils import tracing_is_enabled  # pyright: ignore[reportUnknownVariableType]
from starlette.testclient import TestClient

from acme_agent_orders.api import (
    Lifecycle,
    Service,
    create_app,
)
from acme_agent_orders.context import Context
from acme_agent_orders.model import ModelError
from acme_agent_orders.service import Agent
from acme_agent_orders.toolbox import Toolbox


class FakeModel:
    """Gives the answers of a script in order, and remembers what it was asked and offered each time."""

    def __init__(self, *script: AIMessage | ModelError) -> None:
        self._script = deque(script)
        self.asked: list[list[str]] = []
        self.offered: list[list[str]] = []
        self.traced: list[bool] = []

    async def reply(self, messages: Sequence[AnyMessage], tools: Sequence[BaseTool]) -> AIMessage:
        # What the agent tells its model in system messages is its own affair.
        self.asked.append([f"{each.type}: {each.text}" for each in messages if each.type != "system"])
        self.offered.append([tool.name for tool in tools])
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


def create_agent(model: FakeModel, tools: Iterable[BaseTool] = (), grants: Iterable[str] = ()) -> Agent:
    """The agent, with a fresh store of threads."""
    return Agent(Context(model, Toolbox(tools, frozenset(grants))), InMemorySaver())


async def usable() -> None:
    """A dependency that is up."""


@contextmanager
def serving(
    model: FakeModel,
    tools: Iterable[BaseTool] = (),
    grants: Iterable[str] = (),
    *,
    check: Callable[[], Awaitable[None]] = usable,
    lifecycle: Lifecycle | None = None,
) -> Generator[TestClient]:
    """The application in this process, and a client for it."""

    @asynccontextmanager
    async def open_service() -> AsyncGenerator[Service]:
        yield Service(create_agent(model, tools, grants), check, lifecycle or Lifecycle())

    with TestClient(create_app(open_service)) as client:
        yield client


def invoke(client: TestClient, thread_id: str, message: str) -> tuple[int, Any]:
    """Status and body of one turn."""
    response = client.post("/invoke", json={"thread_id": thread_id, "message": message})
    return response.status_code, response.json()
